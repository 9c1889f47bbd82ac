// How clients prove themselves at the token endpoint, and what is refused there.
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  basic, type Client, discover, INSECURE, type Issuer, makeClient, makeConfidentialClient,
  makeIssuer, makeMachineClient, makePublicClient, type OAuthError, post, type Reply, type Tokens,
} from "./harness/oauth.ts";
import { useServer } from "./harness/server.ts";
import type { Credential } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const server = useServer({ args: ["--outbound-private", "127.0.0.0/8"] });
const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
let issuer: Issuer;
let machine: Client;
let keys: jose.GenerateKeyPairResult;
let published: { keys: jose.JWK[] };
let publisher: HttpServer | undefined;
let asked = 0;

function listening(made: HttpServer): Promise<void> {
  return new Promise((done) => made.listen(0, "127.0.0.1", done));
}

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  machine = await makeMachineClient(issuer, "ingest:write");
  keys = await jose.generateKeyPair("ES256");
  published = { keys: [{ ...await jose.exportJWK(keys.publicKey), kid: "one", alg: "ES256" }] };
  publisher = createServer((_, response) => {
    asked++;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(published));
  });
  await listening(publisher);
});

afterAll(() => publisher?.close());

type Answered = Reply<Tokens & OAuthError>;
function ask(form: Record<string, string> | string, headers: Record<string, string> = {}):
Promise<Answered> {
  const asked = typeof form === "string" ? form : { grant_type: "client_credentials", ...form };
  return post(`${issuer.url}/token`, asked, headers);
}

function expectRefused(reply: Answered, status: number, error: string): void {
  expect({ status: reply.status, error: reply.body.error }, reply.text).toEqual({ status, error });
  expect(reply.headers.get("cache-control")).toBe("no-store");
  expect(reply.body.access_token).toBeUndefined();
}

test("RFC6749-2.3.1 by the header, whose halves are decoded as a form's", async () => {
  expect((await ask({}, { authorization: basic(machine) })).status).toBe(200);
  const escaped = (text: string): string =>
    [...text].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
  const header = `${escaped(machine.id)}:${escaped(machine.secret)}`;
  const encoded = Buffer.from(header).toString("base64");
  expect((await ask({}, { authorization: `basic ${encoded}` })).status).toBe(200);
});

test("RFC6749-2.3.1 by the form", async () => {
  const proof = { client_id: machine.id, client_secret: machine.secret };
  expect((await ask(proof)).status).toBe(200);
  // Never by the address, where it would be kept in logs.
  const response = await fetch(`${issuer.url}/token?${new URLSearchParams(
    { grant_type: "client_credentials", ...proof }).toString()}`, { method: "POST" });
  expect(response.status).toBe(400);
});

test("RFC6749-2.3 not in two ways at once", async () => {
  const header = { authorization: basic(machine) };
  const secret = { client_secret: machine.secret };
  const assertion = { client_assertion: "x", client_assertion_type: TYPE };
  for (const [form, headers] of [
    [{ ...secret, client_id: machine.id }, header], [secret, header], [assertion, header],
    [{ ...secret, ...assertion, client_id: machine.id }, {}],
  ]) expectRefused(await ask(form ?? {}, headers as Record<string, string>), 400,
    "invalid_request");
  const other = await makeMachineClient(issuer);
  expectRefused(await ask({ client_id: other.id }, header), 400, "invalid_request");
  expect((await ask({ client_id: machine.id }, header)).status).toBe(200);
});

test("RFC6749-5.2 who fails by the header is told 401 and how; others 400", async () => {
  const wrong = { ...machine, secret: `${machine.secret.slice(0, -4)}AAAA` };
  for (const authorization of [
    basic(wrong), basic({ ...machine, id: "x" }), "Basic", "Basic !", "Basic YQ==", "Basic YTpi",
    `Basic ${Buffer.from(`${machine.id}%:x`).toString("base64")}`, "Bearer x", "Negotiate x",
    `Basic ${"YWFh".repeat(2000)}`,
  ]) {
    const reply = await ask({}, { authorization });
    expectRefused(reply, 401, "invalid_client");
    expect(reply.headers.get("www-authenticate")).toMatch(/^Basic realm="/);
  }
  const form = await ask({ client_id: machine.id, client_secret: wrong.secret });
  expectRefused(form, 400, "invalid_client");
  expectRefused(await ask({ client_id: machine.id }), 400, "invalid_client");
  expectRefused(await ask({}), 400, "invalid_request");
});

test("RFC6749-5.2 errors of the request by their codes", async () => {
  const header = { authorization: basic(machine) };
  expectRefused(await ask("", header), 400, "invalid_request");
  expectRefused(await ask({ grant_type: "password" }, header), 400, "unsupported_grant_type");
  expectRefused(await ask("grant_type=client_credentials&grant_type=client_credentials", header),
    400, "invalid_request");
  expectRefused(await ask("grant_type=client_credentials&x=1&x=2", header), 400,
    "invalid_request");
  expectRefused(await ask("grant_type=%zz", header), 400, "invalid_request");
  expectRefused(await ask({ scope: "two  blanks" }, header), 400, "invalid_scope");
  expectRefused(await ask({ scope: 'quo"te' }, header), 400, "invalid_scope");
  expectRefused(await ask("{}", { ...header, "content-type": "application/json" }), 400,
    "invalid_request");
  // Without a value it counts as left out; what is unknown is ignored.
  expect((await ask({ scope: "", nonsense: "1" }, header)).status).toBe(200);
  const app = await makePublicClient(issuer);
  expectRefused(await ask({ client_id: app.id }), 400, "unauthorized_client");
});

test("RFC6749-2.3.1 a secret that is revoked, or of another, proves nothing", async () => {
  const client = await makeMachineClient(issuer);
  const at = `/api/workspaces/${issuer.workspace.id}/principals/${client.id}/credentials`;
  const second = await issuer.tenant.admin.post<{ credential: Credential; secret: string }>(
    at, { name: "second" });
  expect((await ask({}, { authorization: basic(client) })).status).toBe(200);
  expect((await ask({}, { authorization: basic({ ...client, secret: second.secret }) })).status)
    .toBe(200);
  expectRefused(await ask({}, { authorization: basic({ ...client, secret: machine.secret }) }),
    401, "invalid_client");
  await issuer.tenant.admin.delete(`${at}/${second.credential.id}`);
  expectRefused(await ask({}, { authorization: basic({ ...client, secret: second.secret }) }),
    401, "invalid_client");
  expect((await ask({}, { authorization: basic(client) })).status).toBe(200);
});

async function makeSigner(draft: Record<string, unknown>): Promise<string> {
  const made = await makeClient(
    issuer, { token_endpoint_auth_method: "private_key_jwt", ...draft });
  return made.principal.id;
}

interface Assertion {
  key?: jose.CryptoKey;
  alg?: string;
  kid?: string;
  claims?: Record<string, unknown>;
}

let made = 0;
function sign(client: string, { key = keys.privateKey, alg = "ES256", kid = "one", claims = {} }:
Assertion = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new jose.SignJWT({
    iss: client, sub: client, aud: issuer.url, iat: now, exp: now + 60, jti: `jti-${made++}`,
    ...claims,
  }).setProtectedHeader({ alg, kid }).sign(key);
}

function assert(client_assertion: string, more: Record<string, string> = {}): Promise<Answered> {
  return ask({ client_assertion, client_assertion_type: TYPE, ...more });
}

test("RFC7523-2.2 by an assertion signed with a key of the client's settings", async () => {
  const client = await makeSigner({ jwks: published });
  expect((await assert(await sign(client))).status).toBe(200);
  expect((await assert(await sign(client), { client_id: client })).status).toBe(200);
  for (const aud of [`${issuer.url}/token`, [issuer.url], ["https://x.example", issuer.url]])
    expect((await assert(await sign(client, { claims: { aud } }))).status).toBe(200);
  const rsa = await jose.generateKeyPair("RS256");
  const jwk = { ...await jose.exportJWK(rsa.publicKey), kid: "rsa", alg: "RS256" };
  const other = await makeSigner({ jwks: { keys: [...published.keys, jwk] } });
  expect((await assert(await sign(
    other, { key: rsa.privateKey, alg: "RS256", kid: "rsa" }))).status).toBe(200);
});

test("RFC7523-2.2 a strict client proves itself so", async () => {
  const client = await makeSigner({ jwks: published });
  const as = await discover(issuer);
  const response = await oauth.clientCredentialsGrantRequest(as, { client_id: client },
    oauth.PrivateKeyJwt({ key: keys.privateKey, kid: "one" }), {}, INSECURE);
  const tokens = await oauth.processClientCredentialsResponse(as, { client_id: client }, response);
  expect(tokens.access_token).not.toBe("");
});

test("RFC7523-3 what is not in order proves nothing", async () => {
  const client = await makeSigner({ jwks: published });
  const other = await makeSigner({ jwks: published });
  const stranger = await jose.generateKeyPair("ES256");
  const now = Math.floor(Date.now() / 1000);
  const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${
    (await sign(client)).split(".")[1] ?? ""}.`;
  const wrong: Assertion[] = [
    { key: stranger.privateKey }, { kid: "two" }, { claims: { iss: other } },
    { claims: { sub: other } }, { claims: { aud: "https://other.example" } },
    { claims: { aud: undefined } }, { claims: { exp: now - 61 } }, { claims: { exp: undefined } },
    { claims: { exp: now + 3600 } }, { claims: { jti: undefined } }, { claims: { jti: "" } },
    { claims: { iat: now + 300 } }, { claims: { nbf: now + 300 } },
    { claims: { jti: "x".repeat(300) } },
  ];
  for (const how of wrong)
    expectRefused(await assert(await sign(client, how)), 400, "invalid_client");
  for (const text of [none, "x", "a.b.c", `${await sign(client)}x`])
    expectRefused(await assert(text), 400, "invalid_client");
  expectRefused(await assert(await sign(client), { client_id: other }), 400, "invalid_client");
  expectRefused(await assert(await sign(client), { client_assertion_type: "x" }), 400,
    "invalid_client");
  // Who has a secret proves himself by that.
  expectRefused(await assert(await sign(machine.id)), 400, "invalid_client");
  expect((await assert(await sign(client))).status).toBe(200);
});

test("RFC7523-3 an assertion counts once", async () => {
  const client = await makeSigner({ jwks: published });
  const text = await sign(client);
  const replies = await Promise.all(Array.from({ length: 6 }, () => assert(text)));
  expect(replies.filter((reply) => reply.status === 200).length).toBe(1);
  expectRefused(await assert(text), 400, "invalid_client");
  // Another client may use the same jti.
  const other = await makeSigner({ jwks: published });
  const jti = "shared";
  expect((await assert(await sign(client, { claims: { jti } }))).status).toBe(200);
  expect((await assert(await sign(other, { claims: { jti } }))).status).toBe(200);
});

test("RFC7523-3 keys that a client publishes are fetched, kept, and asked for anew", async () => {
  const { port } = publisher?.address() as AddressInfo;
  const client = await makeSigner({ jwks_uri: `http://127.0.0.1:${port}/keys` });
  const before = asked;
  for (let i = 0; i < 3; i++) expect((await assert(await sign(client))).status).toBe(200);
  expect(asked).toBe(before + 1);
  const next = await jose.generateKeyPair("ES256");
  expectRefused(await assert(await sign(client, { key: next.privateKey, kid: "two" })), 400,
    "invalid_client");
  expectRefused(await assert(await sign(client, { key: next.privateKey, kid: "three" })), 400,
    "invalid_client");
  // Not asked for again at once, whatever is brought.
  expect(asked).toBeLessThanOrEqual(before + 2);
});

test("RFC7523-3 a place that answers nothing, nonsense or from elsewhere proves nothing",
  async () => {
    const nonsense = createServer((_, response) => response.end("<html>"));
    await listening(nonsense);
    const { port } = nonsense.address() as AddressInfo;
    for (const jwks_uri of [`http://127.0.0.1:${port}/keys`, "https://127.0.0.1:1/keys",
      "https://10.1.2.3/keys"]) {
      const client = await makeSigner({ jwks_uri });
      expectRefused(await assert(await sign(client)), 400, "invalid_client");
    }
    nonsense.close();
    await until("the failures to be logged", () =>
      server.log.filter((line) => line.event === "client-keys-not-fetched").length >= 3);
  });

test("RFC7521-4.2 an assertion stands for client_id, and has to be of who is named", async () => {
  const client = await makeSigner({ jwks: published });
  const other = await makeSigner({ jwks: published });
  expect((await assert(await sign(client), { client_id: client })).status).toBe(200);
  for (const more of [{ client_id: other }, { client_id: "x" }] as Record<string, string>[])
    expectRefused(await assert(await sign(client), more), 400, "invalid_client");
  const text = await sign(client);
  expectRefused(await ask({ client_assertion: text }), 400, "invalid_client");
  expectRefused(await ask({ client_assertion_type: TYPE }), 400, "invalid_client");
  const form = new URLSearchParams({ grant_type: "client_credentials", client_assertion: text,
    client_assertion_type: TYPE });
  expectRefused(await ask(`${form}&client_assertion=${text}`), 400, "invalid_request");
  expect((await assert(text)).status).toBe(200);
});

test("RFC7523-2.2 an assertion proves its client wherever clients prove themselves", async () => {
  const client = await makeSigner({ jwks: published });
  const { access_token } = (await assert(await sign(client))).body;
  const to = async (path: string): Promise<Answered> => post(`${issuer.url}${path}`, {
    token: access_token, client_assertion: await sign(client), client_assertion_type: TYPE });
  expect((await to("/introspect")).body).toMatchObject({ active: true, sub: client });
  expect((await to("/revoke")).status).toBe(200);
  expect((await to("/introspect")).text).toBe('{"active":false}');
});

test("RFC6749-2.3.1 a secret is never taken from an address", async () => {
  const proof = new URLSearchParams({ client_id: machine.id, client_secret: machine.secret });
  for (const path of ["/token", "/introspect", "/revoke"]) {
    const reply = await post(`${issuer.url}${path}?${proof}`,
      { grant_type: "client_credentials", token: "x" });
    expect([path, reply.status, reply.body.error]).toEqual([path, 400, "invalid_request"]);
  }
});

test("RFC6749-3.2 by POST alone: what is empty was left out, nothing is there twice", async () => {
  const header = { authorization: basic(machine) };
  const get = await fetch(`${issuer.url}/token?grant_type=client_credentials`, { headers: header });
  expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  expectRefused(await ask("grant_type=&scope=", header), 400, "invalid_request");
  for (const name of ["scope", "client_id", "unknown", "grant_type"])
    expectRefused(await ask(`grant_type=client_credentials&${name}=&${name}=`, header), 400,
      "invalid_request");
  expect((await ask({ scope: "", resource: "", client_id: "", unknown: "x" }, header)).status)
    .toBe(200);
});

test("RFC6749-4.4 client credentials are for who proves himself, and for that type", async () => {
  const app = await makePublicClient(issuer);
  const code = await makeConfidentialClient(issuer);
  expectRefused(await ask({ client_id: app.id }), 400, "unauthorized_client");
  expectRefused(await ask({}, { authorization: basic(code) }), 400, "unauthorized_client");
  expectRefused(await ask({ client_id: machine.id }), 400, "invalid_client");
});
