// A primary and its synchronous standby, of a test's own.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./binary.ts";
import { until } from "./until.ts";

type Order = "kill" | "promote" | "rebuild" | "alone" | "lose" | "stall" | "standby" | "primary";

export class Cluster {
  private readonly lines: string[] = [];
  private rest = "";

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.rest + text).split("\n");
      this.rest = lines.pop() ?? "";
      this.lines.push(...lines);
    });
  }

  static async start(): Promise<Cluster> {
    const cluster = new Cluster(spawn("python3", [join(ROOT, "tools/pgcluster.py")], {
      stdio: ["pipe", "pipe", "ignore"],
    }));
    await cluster.answer(0, "a primary and its standby");
    return cluster;
  }

  /** Of both: what can be written to is found. */
  get url(): string {
    return this.lines[0] ?? "";
  }

  /** What tools/pgcluster.py does when it is told; what it prints. */
  async tell(order: Order): Promise<string> {
    const at = this.lines.length;
    this.child.stdin?.write(`${order}\n`);
    return this.answer(at, order);
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.child.on("close", done));
    this.child.stdin?.end();
    await ended;
  }

  private async answer(at: number, what: string): Promise<string> {
    await until(what, () => {
      if (this.child.exitCode !== null) throw new Error(`the cluster ended before: ${what}`);
      return this.lines.length > at;
    }, 60_000);
    return this.lines[at] ?? "";
  }
}
