// Servers of others that the server asks: one organisation's slow ones keep no other waiting.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as jose from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  clientToken, type Issuer, makeClient, makeIssuer, makeMachineClient, makePublicClient, post,
} from "./harness/oauth.ts";
import { useServer } from "./harness/server.ts";
import { until } from "./harness/until.ts";

const server = useServer({ args: ["--outbound-private", "127.0.0.0/8"] });
const key = await jose.generateKeyPair("ES256");
let slow: Issuer;
let other: Issuer;

/** Takes requests, and answers none until it is let; then all as it should. */
class Slow {
  asked = 0;
  readonly heard: { at: number; body: string }[] = [];
  private waiting: (() => void)[] = [];
  private lets = false;
  private readonly server = createServer((request, response) => {
    this.asked++;
    const answer = (): void => void this.keys().then((keys) => response.end(keys));
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () =>
      this.heard.push({ at: Date.now(), body: Buffer.concat(parts).toString() }));
    if (this.lets) answer();
    else this.waiting.push(answer);
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async keys(): Promise<string> {
    return JSON.stringify({ keys: [{ ...await jose.exportJWK(key.publicKey), kid: "one" }] });
  }

  start(): Promise<void> {
    return new Promise((done) => this.server.listen(0, "127.0.0.1", done));
  }

  answer(): void {
    this.lets = true;
    for (const one of this.waiting.splice(0)) one();
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

const sloth = new Slow();
const quick = new Slow();

beforeAll(async () => {
  await Promise.all([sloth.start(), quick.start()]);
  quick.answer();
  slow = await makeIssuer(server, "ingest:write");
  other = await makeIssuer(server, "ingest:write");
});

afterAll(() => {
  sloth.stop();
  quick.stop();
});

async function makeSigner(issuer: Issuer, jwks_uri: string): Promise<string> {
  const made = await makeClient(
    issuer, { token_endpoint_auth_method: "private_key_jwt", jwks_uri });
  return made.principal.id;
}

async function token(issuer: Issuer, client: string): Promise<number> {
  const assertion = await new jose.SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: "ES256", kid: "one" }).setIssuer(client).setSubject(client)
    .setAudience(issuer.url).setIssuedAt().setExpirationTime("1m").sign(key.privateKey);
  const reply = await post(`${issuer.url}/token`, {
    grant_type: "client_credentials", client_assertion: assertion,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  });
  return reply.status;
}

test("E8_attack: whoever publishes keys slowly keeps no other organisation waiting", async () => {
  const clients = await Promise.all([1, 2, 3].map(() => makeSigner(slow, `${sloth.url}/keys`)));
  const own = await makeSigner(other, `${quick.url}/keys`);
  const waiting = clients.flatMap((client) => [1, 2, 3, 4].map(() => token(slow, client)));
  await until("somebody to wait", () => sloth.asked > 0);
  expect(await token(other, own)).toBe(200);
  expect(sloth.asked).toBeLessThanOrEqual(2);
  sloth.answer();
  // Nor is anything asked for again that came meanwhile.
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
  expect(sloth.asked).toBeLessThanOrEqual(2 * clients.length);
});

/** Somebody's sign-out that so many clients at this address are to be told of. */
async function plantNotices(issuer: Issuer, url: string, count: number): Promise<void> {
  const { store } = server;
  const id = (): string => store.literal(crypto.randomUUID());
  // What is told is signed: the issuer has to have a key.
  await clientToken(issuer, await makeMachineClient(issuer, "ingest:write"));
  const app = await makePublicClient(issuer, { backchannel_logout_uri: url });
  const values = Array.from({ length: count }, () => `(${[store.literal(issuer.tenant.org.id),
    id(), store.literal(issuer.workspace.id), store.literal(app.id), id(), id(), 0, 1,
    (Date.now() + 3_600_000) * 1000].join(", ")})`);
  store.alter("INSERT INTO logout_notices (org, notice, workspace, client, principal, family,"
    + ` attempts, next_us, expires_us) VALUES ${values.join(", ")}`);
}

test("E14_attack: whoever is slow to hear of logouts keeps no other organisation waiting",
  async () => {
    const deaf = new Slow();
    await deaf.start();
    await plantNotices(slow, `${deaf.url}/told`, 12);
    await until("the slow one to be told", () => deaf.asked > 0);
    const before = quick.asked;
    await plantNotices(other, `${quick.url}/told`, 1);
    await until("the other one to be told", () => quick.asked > before);
    expect(deaf.asked).toBeLessThanOrEqual(2);
    deaf.answer();
    const left = "SELECT COUNT(*) FROM logout_notices";
    await until("all to be told", () => server.store.value(left) === "0");
    expect(deaf.asked).toBe(12);
    deaf.stop();
  });

const LEFT = "SELECT COUNT(*) FROM logout_notices";

/** More than can wait for one organisation; comes back when all have been looked at. */
async function plantTooMany(deaf: Slow): Promise<void> {
  await plantNotices(slow, `${deaf.url}/told`, 50);
  await until("all to be taken or put off", () =>
    server.store.value(`${LEFT} WHERE next_us <= ${Date.now() * 1000}`) === "0");
}

test("E14_attack: a logout that waits for its turn is not tried, and signed when it is told",
  async () => {
    const deaf = new Slow();
    await deaf.start();
    await plantTooMany(deaf);
    await until("those that were refused to be given back", () =>
      Number(server.store.value(`${LEFT} WHERE attempts = 0`)) >= 50 - 34);
    await until("one to have waited for another", () => deaf.heard.length >= 3);
    for (const { at, body } of deaf.heard) {
      const { iat } = jose.decodeJwt(new URLSearchParams(body).get("logout_token") ?? "");
      expect(at / 1000 - (iat ?? 0)).toBeLessThan(4);
    }
    deaf.answer();
    await until("all to be told", () => server.store.value(LEFT) === "0");
    expect(server.log.filter((line) => line["code"] === "overloaded")).toEqual([]);
    deaf.stop();
  });

test("E14_attack: a server that stops gives back whom it has not told", async () => {
  const deaf = new Slow();
  await deaf.start();
  await plantTooMany(deaf);
  await server.stop();
  const due = `attempts = 0 AND next_us <= ${(Date.now() + 10_000) * 1000}`;
  expect(Number(server.store.value(`${LEFT} WHERE ${due}`))).toBeGreaterThanOrEqual(46);
  deaf.answer();
  await server.start();
  await until("all to be told", () => server.store.value(LEFT) === "0");
  deaf.stop();
});
