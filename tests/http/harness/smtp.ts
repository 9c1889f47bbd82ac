// A real mail server, which can refuse.
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { type Mail, parseMail } from "./mail.ts";
import { until } from "./until.ts";

export interface Received extends Mail {
  raw: string;
  /** The recipients that the envelope names. */
  recipients: string[];
  sender: string;
}

export class MailServer {
  readonly received: Received[] = [];
  /** What it answers to a recipient: undefined takes the mail. */
  refusal: ((address: string) => { code: number; text: string } | undefined) | undefined;
  /** Who logged in, as "name:password". */
  readonly logins: string[] = [];
  port = 0;
  private server: SMTPServer | undefined;

  constructor(private readonly options: SMTPServerOptions = {}) {}

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.server = new SMTPServer({
      disabledCommands: ["STARTTLS"], authOptional: true, allowInsecureAuth: true, logger: false,
      ...this.options,
      onAuth: (auth, _session, done) => {
        this.logins.push(`${auth.username}:${auth.password}`);
        done(null, { user: auth.username });
      },
      onRcptTo: ({ address }, _session, done) => {
        const no = this.refusal?.(address);
        done(no ? Object.assign(new Error(no.text), { responseCode: no.code }) : null);
      },
      onData: (stream, session, done) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          const raw = Buffer.concat(parts).toString("utf8");
          const { mailFrom, rcptTo } = session.envelope;
          this.received.push({
            ...parseMail(raw), raw, recipients: rcptTo.map((one) => one.address),
            sender: mailFrom === false ? "" : mailFrom.address,
          });
          done(null);
        });
      },
    });
    this.server.on("error", () => undefined);
    await new Promise<void>((done) => this.server?.listen(this.port, "127.0.0.1", done));
    this.port = (this.server.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await new Promise<void>((done) => (this.server ? this.server.close(done) : done()));
    this.server = undefined;
  }

  /** The newest to an address, once it is there. */
  async mailTo(email: string, count = 1): Promise<Received> {
    const to = () => this.received.filter((mail) => mail.to === email);
    await until(`mail ${count} to ${email}`, () => to().length >= count);
    return to().at(-1) as Received;
  }
}
