// The real server as a process: a free port, a fresh store, its log watched.
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll } from "vitest";
import { Api } from "./api.ts";
import { operatorKey, sanitizerReport, Store, THINGWARD } from "./binary.ts";
import { until } from "./until.ts";

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  event: string;
  [field: string]: unknown;
}

export interface ServerOptions {
  /** More arguments of `thingward serve`. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Log lines of level error that this file provokes on purpose, by their event. */
  expectedErrors?: RegExp;
  /** A store that another server left; it is then not removed. */
  store?: Store;
  /** Another program than the one under test. */
  program?: string;
  /** A name for the loopback address: browsers have passkeys for names alone. */
  host?: string;
}

export class Server {
  readonly store: Store;
  port = 0;
  /** A client with a key of the platform's operator. */
  operator!: Api;
  private child: ChildProcess | undefined;
  private exit: Promise<number | string> | undefined;
  private stderr = "";
  private stdout = "";

  constructor(private readonly options: ServerOptions = {}) {
    this.store = options.store ?? new Store();
  }

  get url(): string {
    return `http://${this.options.host ?? "127.0.0.1"}:${this.port}`;
  }

  get pid(): number {
    if (!this.child?.pid) throw new Error("the server does not run");
    return this.child.pid;
  }

  /** Everything logged so far. Lines that are no JSON stay out; check() complains of them. */
  get log(): LogLine[] {
    return this.logLines().flatMap((line) => (typeof line === "string" ? [] : [line]));
  }

  /** A client that calls as somebody else, or as nobody. */
  as(secret: string | undefined): Api {
    return new Api(() => this.url, secret);
  }

  async start(): Promise<void> {
    if (!this.operator) this.operator = this.as(await operatorKey(this.store));
    const { host } = this.options;
    if (host !== undefined && this.port === 0) this.port = await freePort();
    const place = host === undefined
      ? ["--port", "0"] : ["--port", String(this.port), "--base-url", this.url];
    const args = ["serve", ...this.store.options, ...place, ...(this.options.args ?? [])];
    this.stderr = "";
    const child = spawn(this.options.program ?? THINGWARD, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.options.env },
    });
    this.child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exit = new Promise((done) => {
      child.on("error", (error) => done(error.message));
      child.on("close", (status, signal) => done(status ?? signal ?? "?"));
    });
    await until("the server to listen", () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the server ended at its start: ${this.stderr}${this.stdout}`);
      this.port = Number(this.log.find((line) => line.event === "listening")?.["port"] ?? 0);
      return this.port > 0;
    });
    await until("the server to be ready", async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** Ends it as an operator would and checks its log. */
  async stop(): Promise<void> {
    const status = await this.end("SIGTERM");
    this.check();
    if (status !== 0) throw new Error(`the server ended with ${status}: ${this.stderr}`);
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
    this.check();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** For the end of a test file: stops what runs, proves its store, and leaves none behind. */
  async finish(): Promise<void> {
    try {
      if (this.child) await this.stop();
      if (this.operator) await this.store.prove();
    } finally {
      if (!this.options.store) this.store.remove();
    }
  }

  private async end(signal: NodeJS.Signals): Promise<number | string> {
    const child = this.child;
    const exit = this.exit;
    if (!child || !exit) throw new Error("the server does not run");
    this.child = undefined;
    child.kill(signal);
    const stuck = setTimeout(() => child.kill("SIGKILL"), 30_000);
    const status = await exit;
    clearTimeout(stuck);
    return status;
  }

  private logLines(): (LogLine | string)[] {
    return this.stderr.split("\n").slice(0, -1).map((line) => {
      try {
        return JSON.parse(line) as LogLine;
      } catch {
        return line;
      }
    });
  }

  /** Throws for a sanitizer's report, for lines that are no log, and for unexpected errors. */
  private check(): void {
    const report = sanitizerReport(this.stderr);
    if (report) throw new Error(report);
    for (const line of this.logLines()) {
      if (typeof line === "string") throw new Error(`no line of a log: ${line}`);
      if (line.level === "error" && !this.options.expectedErrors?.test(line.event))
        throw new Error(`the server logged an error: ${JSON.stringify(line)}`);
    }
  }
}

/** A port that nobody has at the moment, for an address that has to be known beforehand. */
function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const listener = createServer();
    listener.on("error", fail).listen(0, "127.0.0.1", () => {
      const { port } = listener.address() as AddressInfo;
      listener.close(() => done(port));
    });
  });
}

/** All of them, whatever comes of one. */
export async function finishAll(servers: readonly Server[]): Promise<void> {
  const ends = await Promise.allSettled(servers.map((server) => server.finish()));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** One server for the tests of a file, from before the first to after the last. */
export function useServer(options: ServerOptions = {}): Server {
  const server = new Server(options);
  beforeAll(() => server.start(), 60_000);
  afterAll(() => server.finish(), 60_000);
  return server;
}
