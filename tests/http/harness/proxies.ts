// Proxies of the field in front of several nodes.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { ROOT } from "./binary.ts";
import { until } from "./until.ts";

/** Whether a program is installed. */
export function has(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

/** A certificate for 127.0.0.1 in a folder: iam.crt, iam.key, and both in iam.pem. */
export function certificate(folder: string): void {
  const [crt, key] = [join(folder, "iam.crt"), join(folder, "iam.key")];
  const made = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=iam", "-addext",
    "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", crt],
  { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  writeFileSync(join(folder, "iam.pem"), readFileSync(crt, "utf8") + readFileSync(key, "utf8"));
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

export interface Reply {
  status: number;
  body: unknown;
}

/** HAProxy with the example of packaging/, in front of two ports of this machine. */
export class HaProxy {
  private output = "";
  private readonly agent: Agent;

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
    folder: string,
    from: string,
  ) {
    this.agent = new Agent({
      ca: readFileSync(join(folder, "iam.crt")), keepAlive: true, localAddress: from,
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
  }

  /** Its clients call from that address of 127.0.0.0/8. */
  static async start(folder: string, nodes: readonly number[], from: string): Promise<HaProxy> {
    const port = await freePort();
    const config = join(folder, "haproxy.cfg");
    certificate(folder);
    writeFileSync(config, readFileSync(join(ROOT, "packaging/haproxy-two-nodes.cfg"), "utf8")
      .replace("maxconn 20000", "maxconn 200")
      .replace("bind :443", `bind 127.0.0.1:${port}`)
      .replaceAll("/etc/haproxy", folder)
      .replaceAll("10.0.0.11:8080", `127.0.0.1:${nodes[0]}`)
      .replaceAll("10.0.0.12:8080", `127.0.0.1:${nodes[1]}`));
    const checked = spawnSync("haproxy", ["-c", "-f", config], { encoding: "utf8" });
    if (checked.status !== 0 || /WARNING|ALERT/.test(checked.stdout + checked.stderr))
      throw new Error(`haproxy -c: ${checked.stdout}${checked.stderr}`);
    const child = spawn("haproxy", ["-db", "-f", config], { stdio: ["ignore", "pipe", "pipe"] });
    const proxy = new HaProxy(child, port, folder, from);
    await until("the proxy to find a node", async () => {
      if (child.exitCode !== null) throw new Error(`haproxy ended: ${proxy.output}`);
      return (await proxy.call("GET", "/readyz").catch(() => undefined))?.status === 200;
    });
    return proxy;
  }

  call(
    method: string, path: string, body?: unknown, headers: Record<string, string> = {},
  ): Promise<Reply> {
    return new Promise((done, fail) => {
      const sent = request({
        host: "127.0.0.1", port: this.port, method, path, agent: this.agent, timeout: 30_000,
        headers: { "content-type": "application/json", ...headers },
      }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("error", fail);
        answer.on("end", () => {
          const json = /[/+]json/.test(answer.headers["content-type"] ?? "") && text !== "";
          done({ status: answer.statusCode ?? 0, body: json ? JSON.parse(text) : text });
        });
      });
      sent.on("error", fail);
      sent.on("timeout", () => sent.destroy(new Error("no answer")));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    const ended = new Promise((done) => this.child.on("close", done));
    this.child.kill("SIGKILL");
    await ended;
  }
}
