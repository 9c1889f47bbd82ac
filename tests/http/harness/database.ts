// What befalls a PostgreSQL while servers use it.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Tenant } from "./api.ts";
import { psql, type Store } from "./binary.ts";
import type { Server } from "./server.ts";
import { until } from "./until.ts";

const CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
  + " WHERE application_name LIKE 'thingward%' AND datname = current_database()";

/** Cuts all sessions, and lets those that come only read until the work is done. */
export async function demoted(store: Store, work: () => Promise<void>): Promise<void> {
  const url = store.url ?? "";
  const shared = process.env["THINGWARD_TEST_DATABASE"] ?? "";
  const name = /\/(h\d+_\d+)\?/.exec(url)?.[1] ?? "";
  psql(shared, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  try {
    psql(url, CUT);
    await work();
  } finally {
    psql(shared, `ALTER DATABASE ${name} RESET default_transaction_read_only`);
  }
}

/** Somebody else who holds rows until he is told to let go. */
export class Holder {
  private constructor(private readonly child: ChildProcess) {}

  /** `which`: one row, as FROM has it and WHERE. */
  static async hold(server: Server, which: string): Promise<Holder> {
    const program = join(process.env["THINGWARD_TEST_PGBIN"] ?? "", "psql");
    const child = spawn(program, ["-XqAt", server.store.url ?? ""], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.stdin.write(`BEGIN; SELECT 'held' FROM ${which} FOR UPDATE;\n`);
    await until("the row to be held", () => said.includes("held"));
    return new Holder(child);
  }

  static ofOrg(server: Server, tenant: Tenant): Promise<Holder> {
    return Holder.hold(server, `orgs WHERE org = ${server.store.literal(tenant.org.id)}`);
  }

  async release(): Promise<void> {
    const ended = new Promise((done) => this.child.on("close", done));
    this.child.stdin?.end();
    await ended;
  }
}
