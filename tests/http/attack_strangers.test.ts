// What strangers can do without being let in: nothing that the store remembers, and nothing odd
// enough to be taken for somebody.
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { Browser } from "./harness/browser.ts";
import {
  basic, type Client, clientToken, giveScope, type Issuer, issuerOf, makeIssuer, makeMachineClient,
  makePublicClient, post,
} from "./harness/oauth.ts";
import { makeWorkspace, unique } from "./harness/make.ts";
import { askForLink, comeInto, comeIn, nameOneself, type Person } from "./harness/people.ts";
import { BACK, begin, decide, finish, relyingParty } from "./harness/relying.ts";
import { useServer } from "./harness/server.ts";
import { until } from "./harness/until.ts";

const server = useServer();
let issuer: Issuer;
let client: Client;
let member: Person;
let user: Person;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  client = await makeMachineClient(issuer, "ingest:write");
  member = await comeIn(server, issuer.tenant);
  user = await comeInto(server, issuer.tenant, issuer.workspace);
  await giveScope(issuer, user.principal, "ingest:write");
});

/** How many rows each table has. */
function rows(): Record<string, number> {
  const { store } = server;
  const names = store.value(store.engine === "sqlite"
    ? "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'"
    : "SELECT string_agg(table_name, ',') FROM information_schema.tables"
      + " WHERE table_schema = 'public'");
  return Object.fromEntries(names.split(",").map((name) =>
    [name, Number(store.value(`SELECT COUNT(*) FROM ${name}`))]));
}

test("E2_attack: whoever is not let in leaves nothing in the store", async () => {
  const { url } = issuer;
  const path = new URL(url).pathname;
  const app = await makePublicClient(issuer);
  const before = rows();
  for (let i = 0; i < 4; i++) {
    const nobody = `${unique("nobody")}@example.com`;
    const browser = new Browser(server.url);
    await askForLink(browser, nobody);
    await askForLink(browser, nobody, `${path}/sign-in`);
    const reset = await browser.open("/reset");
    await browser.submit(reset, reset.form("email"), { email: nobody });
    for (const email of [nobody, member.email]) {
      const page = await nameOneself(new Browser(server.url), email);
      await browser.submit(page, page.form("password"), { password: "a guess of somebody" });
    }
    await browser.open((await begin(await relyingParty(url, app.id))).url);
    await browser.open("/sign-in",
      { headers: { cookie: `__Host-thingward=twb_${"A".repeat(98)}` } });
    const form = { grant_type: "client_credentials" };
    await post(`${url}/token`, form, { authorization: basic({ id: client.id, secret: "x" }) });
    await post(`${url}/token`, form, { authorization: basic({ id: randomUUID(), secret: "x" }) });
    for (const grant of [{ grant_type: "refresh_token", refresh_token: `twr_${"A".repeat(98)}` },
      { grant_type: "authorization_code", code: `twg_${"A".repeat(98)}` }])
      await post(`${url}/token`, { ...grant, client_id: app.id, redirect_uri: BACK });
    await post(`${url}/revoke`, { token: `twr_${"A".repeat(98)}`, client_id: app.id });
    await server.as(`twk_${"A".repeat(98)}`).request("GET", "/api/self");
    await fetch(`${server.url}/sign-up?organisation=${issuer.tenant.org.id}`);
  }
  // What was asked for is done once another's, asked for later, is.
  await askForLink(new Browser(server.url), user.email, `${path}/sign-in`);
  await until("the last link", () => rows()["links"] !== before["links"]);
  const after = rows();
  expect({ ...after, links: 0, mails: 0 }).toEqual({ ...before, links: 0, mails: 0 });
  expect(after["mails"]).toBeLessThanOrEqual((before["mails"] ?? 0) + 1);
  expect(after["links"]).toBeLessThanOrEqual((before["links"] ?? 0) + 1);
});

const part = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

test("E10_attack: no token is taken that is not quite one, or is for something else", async () => {
  const { access_token } = await clientToken(issuer, client);
  const [head = "", claims = "", signature = ""] = access_token.split(".");
  const kid = (JSON.parse(Buffer.from(head, "base64url").toString()) as { kid: string }).kid;
  const payload = JSON.parse(Buffer.from(claims, "base64url").toString()) as object;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" });
  const forge = (header: unknown, body: unknown = payload): string => {
    const text = `${part(header)}.${part(body)}`;
    return `${text}.${sign("sha256", Buffer.from(text),
      { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  const usual = { alg: "ES256", typ: "at+jwt", kid };
  const x5c = [publicKey.export({ format: "der", type: "spki" }).toString("base64")];
  const text = (pairs: string): string => `{${pairs},"kid":"${kid}"}`;
  const forged = [
    forge({ ...usual, jwk }), forge({ ...usual, jku: `${server.url}/jwks` }),
    forge({ ...usual, x5u: `${server.url}/jwks`, x5c }), forge({ ...usual, crit: ["exp"] }),
    forge({ ...usual, b64: false, crit: ["b64"] }), forge({ ...usual, kid: "../../etc/passwd" }),
    forge({ ...usual, kid: `${kid}\u0000` }), forge({ ...usual, kid: kid.toUpperCase() }),
    forge(text("\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"at+jwt\"")),
    forge(usual, { ...payload, exp: 1e400 }), forge(usual, { ...payload, exp: -1 }),
    `${part({ ...usual, alg: "none" })}.${claims}.`, `${head}.${claims}.`,
    `${head}.${claims}.${signature}A`, `${head}.${claims}.${signature}=`,
    `${head}.${claims}.${signature}.${signature}`, `${head}.${claims}.${signature}..`,
    ` ${access_token}`, `${access_token}\t`,
    `${head}.${part({ ...payload, scope: "iam:*" })}.${signature}`,
    `${part({ ...usual, typ: "JWT" })}.${claims}.${signature}`,
    `${part({ alg: "dir", enc: "A256GCM" })}..${part("iv")}.${part("text")}.${part("tag")}`,
  ];
  const inactive = async (token: string, at: Issuer, by: Client): Promise<void> => {
    const reply = await post<{ active?: boolean }>(
      `${at.url}/introspect`, { token }, { authorization: basic(by) });
    expect({ token, active: reply.body.active }).toEqual({ token, active: false });
  };
  for (const token of forged) await inactive(token, issuer, client);
  for (const token of forged.filter((one) => one === one.trim()))
    expect((await server.as(token).request("GET", "/api/self")).status, token).toBe(401);
  // Nor by a neighbour of the same organisation.
  const next = await issuerOf(server, issuer.tenant, await makeWorkspace(issuer.tenant),
    "ingest:write");
  await inactive(access_token, next, await makeMachineClient(next, "ingest:write"));
  const own = await post<{ active?: boolean }>(
    `${issuer.url}/introspect`, { token: access_token }, { authorization: basic(client) });
  expect(own.body.active).toBe(true);
});

test("E7_attack: an ID token opens nothing, nor does a client's token tell of a user", async () => {
  const app = await makePublicClient(issuer);
  const config = await relyingParty(issuer.url, app.id);
  const begun = await begin(config);
  const asked = await user.browser.open(begun.url);
  const back = asked.status === 0 ? asked : await decide(user.browser, asked, "allow");
  const tokens = await finish(config, begun, back);
  const told = async (token: string): Promise<number> => (await fetch(`${issuer.url}/userinfo`,
    { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await told(tokens.access_token)).toBe(200);
  expect(await told(tokens.id_token ?? "")).toBe(401);
  expect(await told(tokens.refresh_token ?? "")).toBe(401);
  expect((await server.as(tokens.id_token).request("GET", "/api/self")).status).toBe(401);
  expect([401, 403]).toContain(await told((await clientToken(issuer, client)).access_token));
  // Another client's revocation ends nothing.
  const other = await makePublicClient(issuer);
  for (const token of [tokens.access_token, tokens.refresh_token ?? ""])
    expect((await post(`${issuer.url}/revoke`, { token, client_id: other.id })).status).toBe(200);
  expect(await told(tokens.access_token)).toBe(200);
});

test("RFC6749-2.3.1 a header that is odd in any way proves no client", async () => {
  const encode = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;
  const { id, secret } = client;
  const odd = [encode(id), encode(`${id}:`), encode(`:${secret}`), encode(`${id}:${secret}:`),
    encode(`${id}:${secret}\u0000`), encode(`${id}%00:${secret}`), encode(`${id}:${secret}%`),
    encode(`${id}:${secret}%zz`), encode(`${id}\r\n:${secret}`), encode(` ${id}:${secret}`),
    encode(`${id}:${secret}`).replace("Basic ", "Basic"), `${encode(`${id}:${secret}`)}=`,
    encode(`${id}:${"x".repeat(4000)}`), "Basic", "Basic ", "Basic ====", "Basic é",
    `Basic ${createHash("sha256").digest("base64")}`];
  for (const authorization of odd) {
    const reply = await post(`${issuer.url}/token`, { grant_type: "client_credentials" },
      { authorization });
    expect([400, 401], authorization).toContain(reply.status);
    expect(reply.text, authorization).not.toContain("access_token");
  }
  const usual = await post(`${issuer.url}/token`, { grant_type: "client_credentials" },
    { authorization: encode(`${id.replace("-", "%2D")}:${secret.replace("_", "%5f")}`) });
  expect(usual.status).toBe(200);
});
