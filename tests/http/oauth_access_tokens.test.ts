// Access tokens: what they are, and that one which is not in order opens nothing anywhere.
import { createPublicKey, randomUUID } from "node:crypto";
import * as jose from "jose";
import { beforeAll, expect, test } from "vitest";
import {
  basic, claimsOf, type Client, clientToken, type Issuer, makeClient, makeIssuer,
  makeMachineClient, makePublicClient, post, type Tokens,
} from "./harness/oauth.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { useServer } from "./harness/server.ts";
import { type Forger, forger, unsigned } from "./harness/signing.ts";
import type { Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let machine: Client;
let app: Principal;
let user: Principal;
let api: string;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  machine = await makeMachineClient(issuer, "iam:workspaces:read", "iam:clients:read");
  app = await makePublicClient(issuer);
  user = await makeUser(issuer, "iam:workspaces:read", "iam:clients:read");
  api = `/api/workspaces/${issuer.workspace.id}/clients`;
});

async function userTokens(client = app, scope = "openid iam:workspaces:read iam:clients:read"):
Promise<Required<Tokens>> {
  const code = plantCode(issuer, { client: client.id, user, scope });
  const reply = await redeem(issuer, client.id, code);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as Required<Tokens>;
}

/** How it fares with introspection, our own API, and UserInfo. */
async function fates(token: string): Promise<{ active: unknown; api: number; userinfo: number }> {
  const told = await post<Record<string, unknown>>(`${issuer.url}/introspect`, { token },
    { authorization: basic(machine) });
  expect(told.status, told.text).toBe(200);
  if (told.body["active"] !== true) expect(told.text).toBe('{"active":false}');
  const userinfo = await fetch(`${issuer.url}/userinfo`,
    { headers: { authorization: `Bearer ${token}` } });
  return {
    active: told.body["active"], userinfo: userinfo.status,
    api: (await server.as(token).request("GET", api)).status,
  };
}

const GOOD = { active: true, api: 200, userinfo: 200 };
const DEAD = { active: false, api: 401, userinfo: 401 };

test("RFC9068-2.1 a token says what it is, and is signed with a published key", async () => {
  for (const { access_token } of [await clientToken(issuer, machine), await userTokens()]) {
    const header = jose.decodeProtectedHeader(access_token);
    expect(header).toEqual({ typ: "at+jwt", alg: "ES256", kid: expect.any(String) });
    await jose.jwtVerify(access_token, jose.createRemoteJWKSet(new URL(`${issuer.url}/jwks`)),
      { issuer: issuer.url, audience: issuer.workspace.id, typ: "at+jwt" });
  }
});

test("RFC9068-2.1 RS256 is there for clients that ask, and counts everywhere", async () => {
  const draft = { id_token_signed_response_alg: "RS256" };
  const client = await makePublicClient(issuer, draft);
  const first = await userTokens(client);
  const next = await refresh(issuer, client.id, first.refresh_token);
  const made = await makeClient(issuer, draft);
  const own = await clientToken(issuer,
    { principal: made.principal, id: made.principal.id, secret: made.secret ?? "" });
  const keys = jose.createRemoteJWKSet(new URL(`${issuer.url}/jwks`));
  for (const { access_token } of [first, next.body, own])
    await jose.jwtVerify(access_token, keys,
      { issuer: issuer.url, audience: issuer.workspace.id, typ: "at+jwt", algorithms: ["RS256"] });
  expect(await fates(first.access_token)).toEqual(GOOD);
  expect(await fates(next.body.access_token)).toEqual(GOOD);
});

test("RFC9068-2.2 every claim that has to be there is, and each token has an id of its own",
  async () => {
    const tokens = [await clientToken(issuer, machine), await clientToken(issuer, machine),
      await userTokens(), await userTokens()];
    const before = Math.floor(Date.now() / 1000) + 1;
    for (const { access_token, expires_in } of tokens) {
      const claims = claimsOf(access_token);
      expect(claims).toMatchObject({
        iss: issuer.url, exp: expect.any(Number), aud: issuer.workspace.id,
        sub: expect.any(String), client_id: expect.any(String), iat: expect.any(Number),
        jti: expect.any(String),
      });
      expect(claims["iat"]).toBeLessThanOrEqual(before);
      expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(expires_in);
    }
    expect(new Set(tokens.map((each) => claimsOf(each.access_token)["jti"])).size).toBe(4);
  });

test("RFC9068-2.2.3 the scopes that were given stand in it, by the same names", async () => {
  const asked = await clientToken(issuer, machine, "iam:clients:read");
  expect([asked.scope, claimsOf(asked.access_token)["scope"]])
    .toEqual(["iam:clients:read", "iam:clients:read"]);
  const users = await userTokens(app, "openid iam:clients:read ingest:write");
  expect(users.scope).toBe("openid iam:clients:read");
  expect(claimsOf(users.access_token)["scope"]).toBe(users.scope);
});

test("RFC9068-3 the audience is the workspace, beside the resource that is named", async () => {
  const resource = "https://api.example.org/v1?a=b";
  const { access_token } = await clientToken(issuer, machine, undefined, { resource });
  expect(claimsOf(access_token)["aud"]).toEqual([issuer.workspace.id, resource]);
});

test("RFC8707-2 a client by itself names one resource, by an absolute address", async () => {
  const ask = (form: [string, string][]) => post(`${issuer.url}/token`,
    [["grant_type", "client_credentials"], ...form], { authorization: basic(machine) });
  for (const form of [["api"], ["/relative"], ["https://a.example/#part"], ["https://a.example/#"],
    ["https://a.example/ b"], ["https://a.example/", "https://b.example/"]]) {
    const reply = await ask(form.map((uri) => ["resource", uri]));
    expect({ form, status: reply.status, error: reply.body.error })
      .toEqual({ form, status: 400, error: "invalid_target" });
  }
  expect((await ask([["resource", "urn:example:api"]])).status).toBe(200);
});

test("RFC9068-4 what is not in order opens nothing: signed by a key of the issuer's", async () => {
  const { access_token } = await userTokens();
  const ours: Forger = forger(issuer);
  const claims = claimsOf(access_token);
  const now = Math.floor(Date.now() / 1000);
  // The same key and the same claims: what is refused below is refused for what was changed.
  const typ = "at+jwt";
  expect(await fates(await ours.sign({ ...claims, jti: randomUUID() }, { typ }))).toEqual(GOOD);
  expect(await fates(await ours.sign(claims, { typ: "application/at+jwt" }))).toEqual(GOOD);
  const wrong: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ["expired", { exp: now - 1 }], ["without an end", { exp: undefined }],
    ["of no time at all", { exp: "tomorrow" }],
    ["of another issuer", { iss: "https://other.example" }],
    ["of the installation", { iss: server.url }], ["of no issuer", { iss: undefined }],
    ["for somebody else", { aud: randomUUID() }], ["for nobody", { aud: undefined }],
    ["about nobody", { sub: undefined }], ["about whom nobody knows", { sub: randomUUID() }],
    ["of no client", { client_id: undefined }], ["of a client that is none",
      { client_id: randomUUID() }],
    ["without an id", { jti: undefined }], ["of an earlier generation", { gen: -1 }],
    ["an ID token", {}, { typ: "JWT" }], ["of no type", {}, { typ: undefined }],
    ["a logout token", {}, { typ: "logout+jwt" }], ["of a key that is none",
      {}, { typ, kid: randomUUID() }],
    ["of a key without a name", {}, { typ, kid: undefined }],
  ];
  for (const [what, changed, header] of wrong) {
    const token = await ours.sign({ ...claims, ...changed }, header ?? { typ });
    expect({ what, ...await fates(token) }).toEqual({ what, ...DEAD });
  }
}, 120_000);

test("RFC8725-3.1 what is not in order opens nothing: signed by nobody, or somebody else",
  async () => {
    const { access_token } = await userTokens();
    const [header = "", payload = "", signature = ""] = access_token.split(".");
    const claims = claimsOf(access_token);
    const { kid } = forger(issuer);
    const other = await makeIssuer(server);
    await clientToken(other, await makeMachineClient(other));
    const stranger = await jose.generateKeyPair("ES256");
    const spki = createPublicKey(forger(issuer).key).export({ type: "spki", format: "pem" });
    const shared = new TextEncoder().encode(spki.toString());
    const typ = "at+jwt";
    const more = Buffer.from(JSON.stringify({ ...claims, scope: "iam:*" })).toString("base64url");
    const tokens: [string, string][] = [
      ["alg none", unsigned({ alg: "none", typ, kid }, claims)],
      ["alg none, with a signature", unsigned({ alg: "none", typ, kid }, claims, signature)],
      ["alg None", unsigned({ alg: "None", typ, kid }, claims)],
      ["no alg", unsigned({ typ, kid }, claims, signature)],
      ["the public key as a secret",
        await new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256", typ, kid }).sign(shared)],
      ["another key under this name", await new jose.SignJWT(claims)
        .setProtectedHeader({ alg: "ES256", typ, kid }).sign(stranger.privateKey)],
      ["a key that it brings", await new jose.SignJWT(claims).setProtectedHeader({ alg: "ES256",
        typ, jwk: await jose.exportJWK(stranger.publicKey) }).sign(stranger.privateKey)],
      ["another workspace's key", await forger(other).sign(claims, { typ })],
      ["more scopes", `${header}.${more}.${signature}`],
      ["half a signature", `${header}.${payload}.${signature.slice(0, 43)}`],
      ["no signature", `${header}.${payload}.`], ["two parts", `${header}.${payload}`],
      ["a critical extension", unsigned({ alg: "ES256", typ, kid, crit: ["exp"] }, claims,
        signature)],
      ["an encrypted one", `${header}..${payload}.${signature}.${signature}`],
      ["one that is long", `${header}.${"A".repeat(8_000)}.${signature}`],
    ];
    for (const [what, token] of tokens)
      expect({ what, ...await fates(token) }).toEqual({ what, ...DEAD });
    // More than any token is, and than any header may be.
    const large = `${header}.${"A".repeat(60_000)}.${signature}`;
    const told = await post(`${issuer.url}/introspect`, { token: large },
      { authorization: basic(machine) });
    expect(told.text).toBe('{"active":false}');
    const authorization = `Bearer ${large}`;
    for (const url of [`${issuer.url}/userinfo`, server.url + api])
      expect((await fetch(url, { headers: { authorization } })).status).toBe(431);
    expect(await fates(access_token)).toEqual(GOOD);
  }, 120_000);

test("RFC9700-4.15 a client's sub is never a user's: nobody chooses his own", async () => {
  for (const more of [{ id: user.id }, { client_id: user.id }, { sub: user.id }]) {
    const reply = await issuer.tenant.admin.request("POST", api, { name: "impostor", ...more });
    expect(reply.status).toBe(400);
  }
  const own = claimsOf((await clientToken(issuer, machine)).access_token);
  expect([own["sub"], own["client_id"]]).toEqual([machine.id, machine.id]);
  const users = claimsOf((await userTokens()).access_token);
  expect([users["sub"], users["client_id"]]).toEqual([user.id, app.id]);
  // Not by another spelling of a user's, either.
  const reply = await post(`${issuer.url}/token`,
    { grant_type: "client_credentials" }, { authorization: basic({ ...machine, id: user.id }) });
  expect([reply.status, reply.body.error]).toEqual([401, "invalid_client"]);
  const named = await makeClient(issuer, { name: user.email ?? "" });
  expect(named.principal.id).not.toBe(user.id);
});

test("RFC6749-5.1 an answer with a token is JSON, and kept by nobody", async () => {
  const users = plantCode(issuer, { client: app.id, user });
  const first = await redeem(issuer, app.id, users);
  for (const reply of [
    first, await refresh(issuer, app.id, first.body.refresh_token ?? ""),
    await post(`${issuer.url}/token`, { grant_type: "client_credentials" },
      { authorization: basic(machine) }),
    await post(`${issuer.url}/token`, { grant_type: "x" }, { authorization: basic(machine) }),
  ]) {
    expect(reply.headers.get("cache-control")).toBe("no-store");
    expect(reply.headers.get("pragma")).toBe("no-cache");
    expect(reply.headers.get("content-type")).toBe("application/json");
    if (reply.status === 200)
      expect(reply.body).toMatchObject({ token_type: "Bearer", expires_in: 600 });
  }
});

test("RFC6749-4.4.3 a client by itself gets no refresh token, and can use none", async () => {
  const tokens = await clientToken(issuer, machine);
  expect(tokens.refresh_token).toBeUndefined();
  expect(tokens.id_token).toBeUndefined();
  const { refresh_token } = await userTokens();
  const reply = await post(`${issuer.url}/token`, { grant_type: "refresh_token", refresh_token },
    { authorization: basic(machine) });
  expect([reply.status, reply.body.error]).toEqual([400, "unauthorized_client"]);
});

test("RFC9700-2.4 nobody's password is taken, nor any grant that is not told of", async () => {
  for (const grant_type of ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange", "Client_Credentials", "authorization-code"])
  {
    const reply = await post(`${issuer.url}/token`,
      { grant_type, username: user.email ?? "", password: "x" }, { authorization: basic(machine) });
    expect([grant_type, reply.status, reply.body.error])
      .toEqual([grant_type, 400, "unsupported_grant_type"]);
  }
});

test("RFC6750-2.1 the scheme is known in any case, and a token comes in one way", async () => {
  const { access_token } = await userTokens();
  for (const path of [`${issuer.url}/userinfo`, server.url + api]) {
    const status = async (headers: [string, string][], url = path): Promise<number> =>
      (await fetch(url, { headers })).status;
    for (const scheme of ["Bearer", "bearer", "BEARER"])
      expect(await status([["authorization", `${scheme} ${access_token}`]])).toBe(200);
    for (const header of ["Bearer", "Bearer ", access_token, `Basic ${access_token}`,
      `Bearer ${access_token} x`])
      expect([header, await status([["authorization", header]])]).toEqual([header, 401]);
    // RFC 9700 section 4.3.2: never in an address.
    expect(await status([], `${path}?access_token=${access_token}`)).not.toBe(200);
  }
});

test("RFC9728-5.1 who is refused by the API is told where its metadata are", async () => {
  for (const secret of [undefined, "x", "a.b.c"]) {
    const reply = await server.as(secret as string).request("GET", api);
    expect(reply.status).toBe(401);
    const told = /^Bearer .*resource_metadata="([^"]+)"/.exec(
      reply.headers.get("www-authenticate") ?? "")?.[1] ?? "";
    const metadata = await (await fetch(told)).json() as { resource: string };
    expect(metadata.resource).toBe(`${server.url}/api`);
  }
});
