// Mail as it lies in the server's outbox.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "./server.ts";
import { until } from "./until.ts";

export interface Mail {
  to: string;
  from: string;
  subject: string;
  /** The form without HTML. */
  text: string;
  /** The one address in it. */
  link: string;
}

/** Quoted-printable (RFC 2045, section 6.7). */
function decode(text: string): string {
  const joined = text.replace(/=\r?\n/g, "");
  const bytes = joined.replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The words of a header (RFC 2047), as far as our own make them. */
function decodeWords(text: string): string {
  return text.replace(/\r?\n\s+/g, " ").replace(/=\?utf-8\?(Q|B)\?([^?]*)\?=/gi,
    (_, how: string, word: string) => how.toUpperCase() === "B"
      ? Buffer.from(word, "base64").toString("utf8") : decode(word.replaceAll("_", " ")));
}

export function parseMail(raw: string): Mail {
  const end = raw.indexOf("\r\n\r\n");
  const head = raw.slice(0, end);
  const header = (name: string) => {
    const found = new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, "im").exec(head);
    return decodeWords(found?.[1] ?? "");
  };
  const boundary = /boundary="?([^";\r\n]+)/i.exec(head)?.[1] ?? "";
  const parts = raw.slice(end + 4).split(`--${boundary}`);
  const plain = parts.find((part) => /^content-type: text\/plain/im.test(part)) ?? "";
  const text = decode(plain.slice(plain.indexOf("\r\n\r\n") + 4)).replaceAll("\r\n", "\n");
  return {
    to: header("To"), from: header("From"), subject: header("Subject"), text,
    link: /https?:\/\/\S+/.exec(text)?.[0] ?? "",
  };
}

/** All that was sent to an address so far, the oldest first. */
export function mailsTo(server: Server, email: string): Mail[] {
  const folder = join(server.store.folder, "outbox");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(".eml")).toSorted()
    .map((file) => parseMail(readFileSync(join(folder, file), "utf8")))
    .filter((mail) => mail.to === email);
}

/** The newest of so many to an address, once they have come. */
export async function mailTo(server: Server, email: string, count = 1): Promise<Mail> {
  await until(`mail ${count} to ${email}`, () => mailsTo(server, email).length >= count);
  return mailsTo(server, email).at(-1) as Mail;
}
