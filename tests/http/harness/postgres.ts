// A PostgreSQL of a test's own, that can lose what it knew.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./binary.ts";
import { until } from "./until.ts";

export class Postgres {
  private stdout = "";
  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
  }

  static async start(): Promise<Postgres> {
    const command = ["sh", "-c", 'echo "$THINGWARD_TEST_DATABASE"; cat'];
    const server = new Postgres(spawn("python3", [join(ROOT, "tools/postgres.py"), ...command], {
      stdio: ["pipe", "pipe", "ignore"],
    }));
    await until("a PostgreSQL", () => server.stdout.includes("\n"));
    return server;
  }

  get url(): string {
    return this.stdout.split("\n")[0] ?? "";
  }

  /** Keeps a copy of what it knows now. */
  keep(): Promise<void> {
    return this.tell("SIGUSR2", "kept");
  }

  /** Goes back to the copy; on a new timeline, unless it is to be as if a disk was copied. */
  restore({ timeline = true } = {}): Promise<void> {
    return this.tell(timeline ? "SIGUSR1" : "SIGHUP", "restored");
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.child.on("close", done));
    this.child.stdin?.end();
    await ended;
  }

  private async tell(signal: NodeJS.Signals, answer: string): Promise<void> {
    const count = () => this.stdout.split("\n").filter((line) => line === answer).length;
    const before = count();
    this.child.kill(signal);
    await until(`the database to have ${answer}`, () => count() > before);
  }
}
