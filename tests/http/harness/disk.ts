// A disk without room, as the server sees it.
import { execFileSync } from "node:child_process";
import type { Server } from "./server.ts";

/** How large any file of the server may get, in bytes; the hard limit stays as it is. */
export function limitFiles(server: Server, bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(server.pid), `--fsize=${bytes}:`]);
}

/** While nothing can be written. */
export async function withoutRoom(server: Server, work: () => Promise<void>): Promise<void> {
  limitFiles(server, 1);
  try {
    await work();
  } finally {
    limitFiles(server, "unlimited");
  }
}
