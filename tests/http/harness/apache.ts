// Apache with mod_auth_openidc, the relying party of another make: unprivileged, on loopback, in a
// folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from
  "node:fs";
import { get, type IncomingHttpHeaders } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

const MODULES = "/usr/lib/apache2/modules";
const NOBODY = 65534;

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().once("error", fail).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address ? address.port : 0));
    });
  });
}

export interface Visited {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export class Apache {
  readonly folder = mkdtempSync(join(tmpdir(), "thingward-apache-"));
  port = 0;
  private said = "";
  private child: ChildProcess | undefined;
  private readonly cookies = new Map<string, string>();

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async findPort(): Promise<void> {
    this.port = await freePort();
  }

  /** `directives`: those of mod_auth_openidc, and the places that it guards. */
  async start(directives: readonly string[]): Promise<void> {
    const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "headers",
      "auth_openidc"];
    mkdirSync(join(this.folder, "htdocs"));
    writeFileSync(join(this.folder, "htdocs", "index.html"), "Guarded.\n");
    writeFileSync(join(this.folder, "httpd.conf"), [
      ...modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
      `Listen 127.0.0.1:${this.port}`, `ServerName 127.0.0.1:${this.port}`,
      `ServerRoot ${this.folder}`, `DefaultRuntimeDir ${this.folder}`,
      `DocumentRoot ${this.folder}/htdocs`, `PidFile ${this.folder}/pid`,
      `ErrorLog ${this.folder}/error.log`, "LogLevel warn auth_openidc:info",
      "ThreadsPerChild 4", "StartServers 1", "MaxRequestWorkers 4",
      ...directives, "",
    ].join("\n"));
    const root = process.getuid?.() === 0;
    if (root)
      for (const path of ["", "htdocs", "httpd.conf", "htdocs/index.html"])
        chownSync(join(this.folder, path), NOBODY, NOBODY);
    const child = spawn("/usr/sbin/apache2",
      ["-f", join(this.folder, "httpd.conf"), "-DFOREGROUND"],
      { stdio: ["ignore", "ignore", "pipe"], ...(root ? { uid: NOBODY, gid: NOBODY } : {}) });
    this.child = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    await until("Apache to listen", async () => {
      if (child.exitCode !== null) throw new Error(`Apache ended: ${this.log}`);
      return fetch(this.url, { redirect: "manual" }).then(() => true, () => false);
    });
  }

  get log(): string {
    const path = join(this.folder, "error.log");
    return this.said + (existsSync(path) ? readFileSync(path, "utf8") : "");
  }

  /** One request as a browser makes it, which fetch() would not; redirects are not followed. */
  visit(url: string | URL): Promise<Visited> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", connection: "close", ...(cookie ? { cookie } : {}) };
    return new Promise((done, fail) => {
      get(new URL(url, this.url), { headers, timeout: 20_000 }, (response) => {
        let text = "";
        for (const line of response.headers["set-cookie"] ?? []) this.keep(line);
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () =>
          done({ status: response.statusCode ?? 0, headers: response.headers, text }));
      }).on("error", fail);
    });
  }

  private keep(line: string): void {
    const pair = line.split(";")[0] ?? "";
    const at = pair.indexOf("=");
    if (at === pair.length - 1) this.cookies.delete(pair.slice(0, at));
    else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (child && child.exitCode === null) {
      const ended = new Promise((done) => child.on("exit", done));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
