// Stands between the server and a PostgreSQL, and loses the answer to a commit.
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOCKET = ".s.PGSQL.5432";

export class CuttingProxy {
  /** How many commits lost their answer. */
  cut = 0;
  private armed = false;
  private readonly folder = mkdtempSync(join(tmpdir(), "thingward-proxy-"));
  private readonly sockets = new Set<Socket>();
  private readonly listener: Server;
  private readonly behind: string;

  private constructor(private readonly database: string) {
    this.behind = join(/host=([^&]*)/.exec(database)?.[1] ?? "", SOCKET);
    this.listener = createServer((client) => this.serve(client));
  }

  /** In front of the server of that URL. */
  static async start(database: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(database);
    await new Promise<void>((done) => proxy.listener.listen(join(proxy.folder, SOCKET), done));
    return proxy;
  }

  /** The same database, through the proxy. */
  get url(): string {
    return this.database.replace(/host=[^&]*/, `host=${this.folder}`);
  }

  /** From now on every change is committed, and every connection that has done so is lost. */
  arm(): void {
    this.armed = true;
  }

  disarm(): void {
    this.armed = false;
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.listener.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private serve(client: Socket): void {
    const server = connect(this.behind);
    let writes = false;
    let committing = false;
    const both = [client, server];
    for (const socket of both) {
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.sockets.delete(socket);
        for (const one of both) one.destroy();
      });
    }
    client.on("data", (bytes) => {
      writes ||= bytes.includes("READ COMMITTED");
      committing ||= this.armed && writes && bytes.includes("COMMIT\0");
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (!committing) {
        client.write(bytes);
        return;
      }
      this.cut++;
      for (const one of both) one.destroy();
    });
  }
}
