// A server of somebody else's on this machine: it keeps what it is sent.
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export class Receiver {
  readonly received: Received[] = [];
  /** What it answers next, by default 200. */
  status = 200;
  private server: HttpServer | undefined;

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  start(): Promise<void> {
    this.server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        this.received.push({
          method: request.method ?? "", path: request.url ?? "", headers: request.headers, body,
        });
        response.writeHead(this.status, { connection: "close" }).end();
      });
    });
    return new Promise((done) => this.server?.listen(0, "127.0.0.1", done));
  }

  stop(): Promise<void> {
    return new Promise((done) => {
      this.server?.close(() => done());
      this.server?.closeAllConnections();
    });
  }
}
