// HTTP by hand, for what no client would send.
import { connect } from "node:net";

/** What came back on one connection, and whether the server closed it. */
export interface RawAnswer {
  text: string;
  closed: boolean;
  /** Status codes of the answers, in order. */
  statuses: number[];
}

export interface RawOptions {
  /** Stop reading after that many answers. */
  answers?: number;
  limitMs?: number;
  /** The address to call from; any of 127.0.0.0/8. */
  from?: string;
  /** Sent piece by piece, each once the one before has left. */
  pieces?: readonly (string | Uint8Array)[];
}

/**
 * Sends bytes as they are and reads until the server closes, the stated number of answers has
 * come, or the limit of time has passed (which is no error: `closed` tells).
 */
export function raw(
  port: number,
  bytes: string | Uint8Array,
  options: RawOptions = {},
): Promise<RawAnswer> {
  return new Promise((done, fail) => {
    const { from } = options;
    const local = from === undefined ? {} : { localAddress: from };
    const socket = connect({ port, host: "127.0.0.1", ...local });
    let text = "";
    let finished = false;
    const finish = (closed: boolean) => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      socket.destroy();
      done({ text, closed, statuses: statusesOf(text) });
    };
    const timer = setTimeout(() => finish(false), options.limitMs ?? 10_000);
    socket.setNoDelay(true);
    socket.on("connect", () => {
      const pieces = [bytes, ...(options.pieces ?? [])];
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined || finished) return;
        socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece, next);
      };
      next();
    });
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (options.answers !== undefined && statusesOf(text).length >= options.answers)
        finish(false);
    });
    socket.on("close", () => finish(true));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") return finish(true);
      finished = true;
      clearTimeout(timer);
      fail(error);
    });
  });
}

function statusesOf(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.[01] (\d{3}) [\s\S]*?\r\n\r\n/gm)].map((m) => Number(m[1]));
}
