// The program under test: where it is, how it is called, and how its store is named.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

export const ROOT = resolve(import.meta.dirname, "../../..");
export const THINGWARD = resolve(ROOT, process.env["THINGWARD"] ?? "build/test/src/cli/thingward");

if (!existsSync(THINGWARD)) throw new Error(`${THINGWARD} is missing; ./test http builds it`);

/** "sqlite" or "postgres". */
export const ENGINE = process.env["THINGWARD_TEST_STORE"] ?? "sqlite";
if (ENGINE !== "sqlite" && ENGINE !== "postgres")
  throw new Error(`THINGWARD_TEST_STORE: no engine "${ENGINE}"`);

/** One statement on a database of the server that tools/postgres.py started; its rows as text. */
export function psql(url: string, sql: string): string {
  const program = join(process.env["THINGWARD_TEST_PGBIN"] ?? "", "psql");
  const args = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url];
  const ran = spawnSync(program, args, { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`psql: ${sql}: ${ran.stderr}`);
  return ran.stdout.trim();
}

/** The URL of a database on that server. */
function databaseUrl(name: string, server = process.env["THINGWARD_TEST_DATABASE"]): string {
  if (server === undefined) throw new Error("run by tools/postgres.py, which starts a PostgreSQL");
  return server.replace("/postgres?", `/${name}?`);
}

let databases = 0;

/** A store of its own for one server: a fresh one, or one that an earlier server left. */
export class Store {
  readonly folder = mkdtempSync(join(tmpdir(), "thingward-test-"));
  readonly path = join(this.folder, "thingward.db");
  readonly options: readonly string[];
  readonly url: string | undefined;
  private readonly database: string | undefined;

  /** `server`: the URL of another PostgreSQL than the one that the tests share. */
  constructor(readonly engine = ENGINE, private readonly server?: string) {
    this.options = ["--store", this.path];
    if (engine === "sqlite") return;
    this.database = `h${process.pid}_${databases++}`;
    psql(databaseUrl("postgres", server), `CREATE DATABASE ${this.database}`);
    this.url = databaseUrl(this.database, server);
    // The keys stand beside what --store names.
    this.options = [...this.options, "--database", this.url];
  }

  /** Changes the store behind the program's back. */
  alter(sql: string): void {
    if (this.url !== undefined) {
      psql(this.url, sql);
      return;
    }
    const database = new DatabaseSync(this.path, { enableForeignKeyConstraints: false });
    database.exec("PRAGMA busy_timeout = 10000");
    database.exec(sql);
    database.close();
  }

  /** The one value that a query finds, as text. */
  value(sql: string): string {
    if (this.url !== undefined) return psql(this.url, sql);
    const database = new DatabaseSync(this.path, { readOnly: true });
    const row = database.prepare(sql).get() ?? {};
    database.close();
    return String(Object.values(row)[0]);
  }

  /** An identifier as the engine's SQL writes it. */
  literal(id: string): string {
    const hex = id.replaceAll("-", "");
    return this.engine === "sqlite" ? `X'${hex}'` : `'\\x${hex}'::bytea`;
  }

  /** An identifier made up by the engine, another one in each row. */
  get randomId(): string {
    return this.engine === "sqlite" ? "randomblob(16)" : "uuid_send(gen_random_uuid())";
  }

  /** Everything that it holds, byte by byte as far as the engine lets one see it. */
  contents(): Buffer[] {
    const files = readdirSync(this.folder, { withFileTypes: true })
      .filter((entry) => entry.isFile()).map((file) => readFileSync(join(this.folder, file.name)));
    if (this.url === undefined) return files;
    const program = join(process.env["THINGWARD_TEST_PGBIN"] ?? "", "pg_dump");
    const ran = spawnSync(program, [this.url], { maxBuffer: 1 << 28 });
    if (ran.status !== 0) throw new Error(`pg_dump: ${ran.stderr.toString()}`);
    return [...files, ran.stdout];
  }

  /** Fails unless every chain and every rule holds, as `thingward verify` sees it. */
  async prove(): Promise<void> {
    const ran = await thingward(["verify", ...this.options]);
    if (ran.status !== 0 || !ran.stdout.startsWith("sound: "))
      throw new Error(`the store does not hold (${ran.status}): ${ran.stdout}${ran.stderr}`);
  }

  remove(): void {
    const drop = `DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`;
    if (this.database !== undefined) psql(databaseUrl("postgres", this.server), drop);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs one command of the program to its end; more than `limitMs` is an error. */
export function thingward(args: readonly string[], input = "", limitMs = 60_000): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(THINGWARD, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(new Error(`thingward ${args[0]} still runs after ${limitMs} ms: ${stderr}`));
    }, limitMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", (error) => {
      clearTimeout(timer);
      fail(error);
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      const report = sanitizerReport(stderr);
      if (report) fail(new Error(`thingward ${args[0]}: ${report}`));
      else done({ status, stdout, stderr });
    });
  });
}

/** A key of the platform's operator, made offline as a script that starts from nothing does. */
export async function operatorKey(store: Store, name = "test"): Promise<string> {
  const ran = await thingward(["operator-key", ...store.options, "--name", name]);
  const key = ran.stdout.trim();
  if (ran.status !== 0 || !key.startsWith("twk_"))
    throw new Error(`operator-key failed (${ran.status}): ${ran.stderr || ran.stdout}`);
  return key;
}

/** What a sanitizer said in a text, if anything. */
export function sanitizerReport(text: string): string | undefined {
  const at = text.search(/(ERROR|WARNING): \w*Sanitizer|runtime error:/);
  return at < 0 ? undefined : text.slice(Math.max(0, at - 200), at + 4000);
}
