// What is told about a token, to whom; and tokens that are revoked.
import * as oauth from "oauth4webapi";
import { beforeAll, expect, test } from "vitest";
import { makeMachine, give, workspaceNode, makeRole } from "./harness/make.ts";
import {
  basic, type Client, claimsOf, clientToken, discover, giveScope, INSECURE, type Issuer, makeClient,
  makeIssuer, makeMachineClient, makePublicClient, type OAuthError, post, type Reply, type Tokens,
} from "./harness/oauth.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { useServer } from "./harness/server.ts";
import { forger } from "./harness/signing.ts";
import type { Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let asking: Client;
let app: Principal;
let user: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write", "ingest:read");
  asking = await makeMachineClient(issuer, "ingest:write");
  app = await makePublicClient(issuer);
  user = await makeUser(issuer, "ingest:write");
});

type Told = Record<string, unknown>;
function introspect(
  token: string, by = asking, at = issuer, more: Record<string, string> = {},
): Promise<Reply<Told>> {
  return post<Told>(`${at.url}/introspect`, { token, ...more }, { authorization: basic(by) });
}

async function expectInactive(token: string, by = asking, at = issuer): Promise<void> {
  const reply = await introspect(token, by, at);
  expect({ status: reply.status, text: reply.text })
    .toEqual({ status: 200, text: '{"active":false}' });
}

async function userTokens(draft: Record<string, unknown> = {}): Promise<Required<Tokens>> {
  const code = plantCode(issuer, { client: app.id, user, ...draft });
  const reply = await redeem(issuer, app.id, code);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as Required<Tokens>;
}

function revoke(
  token: string, client = app.id, more: Record<string, string> = {},
): Promise<Reply<OAuthError>> {
  return post<OAuthError>(`${issuer.url}/revoke`, { client_id: client, token, ...more });
}

test("RFC7662-2.2 a live token is told with what stands in it", async () => {
  const { access_token } = await clientToken(issuer, asking, undefined,
    { resource: "https://api.example.org" });
  const reply = await introspect(access_token);
  expect(reply.headers.get("cache-control")).toBe("no-store");
  const claims = claimsOf(access_token);
  expect(reply.body).toEqual({
    active: true, iss: issuer.url, sub: asking.id, client_id: asking.id, token_type: "Bearer",
    aud: [issuer.workspace.id, "https://api.example.org"], scope: "ingest:write",
    exp: claims["exp"], iat: claims["iat"], jti: claims["jti"],
  });
  // … and again from what is remembered of it.
  expect((await introspect(access_token)).body).toEqual(reply.body);
});

test("RFC7662-2.2 what is remembered of a token is all of it", async () => {
  const { access_token } = await clientToken(issuer, asking);
  expect((await introspect(access_token)).body["active"]).toBe(true);
  const [header = "", payload = "", signature = ""] = access_token.split(".");
  const claims = Buffer.from(JSON.stringify({ ...claimsOf(access_token), scope: "*" }))
    .toString("base64url");
  const forged = [`${header}.${claims}.${signature}`, `${header}.${payload.slice(4)}.${signature}`,
    `${payload}.${header}.${signature}`, `.${signature}.`, `${header}.${payload}.`,
    `${header}.${payload}.${signature}.${signature}`, `${access_token}A`, ` ${access_token}`];
  for (let i = 0; i < access_token.length; i += 7) {
    const other = access_token[i] === "A" ? "B" : "A";
    forged.push(access_token.slice(0, i) + other + access_token.slice(i + 1));
  }
  for (const token of forged)
    expect((await introspect(token)).body, token).toEqual({ active: false });
  expect((await introspect(access_token)).body["active"]).toBe(true);
});

test("RFC7662-2.2 of more tokens than are remembered each is told as what it is", async () => {
  const tokens: string[] = [];
  for (let i = 0; i < 600; i++)
    tokens.push((await clientToken(issuer, asking)).access_token);
  for (const token of [...tokens, ...tokens])
    expect((await introspect(token)).body["jti"]).toBe(claimsOf(token)["jti"]);
});

test("RFC7662-2.2 a strict client reads the answer", async () => {
  const { access_token } = await userTokens({ scope: "ingest:write" });
  const as = await discover(issuer);
  const who = { client_id: asking.id };
  const response = await oauth.introspectionRequest(
    as, who, oauth.ClientSecretPost(asking.secret), access_token, INSECURE);
  expect(await oauth.processIntrospectionResponse(as, who, response))
    .toMatchObject({ active: true, sub: user.id, scope: "ingest:write" });
});

test("RFC7662-2.1 whoever asks proves who he is", async () => {
  const { access_token } = await clientToken(issuer, asking);
  const bare = await post(`${issuer.url}/introspect`, { token: access_token });
  expect({ status: bare.status, error: bare.body.error })
    .toEqual({ status: 400, error: "invalid_request" });
  // A public client is whoever says so.
  const claimed = await post(`${issuer.url}/introspect`,
    { token: access_token, client_id: app.id });
  expect(claimed.body.error).toBe("invalid_client");
  const wrong = await introspect(access_token, { ...asking, secret: `${asking.secret}x` });
  expect(wrong.status).toBe(401);
  expect(wrong.headers.get("www-authenticate")).toMatch(/^Basic /);
  const other = await makeIssuer(server);
  expect((await introspect(access_token, await makeMachineClient(other))).status).toBe(401);
});

test("RFC7662-2.1 a caller of the API may ask who may ask for decisions", async () => {
  const { access_token } = await clientToken(issuer, asking);
  const ask = (secret: string): Promise<Reply<Told & OAuthError>> => post<Told & OAuthError>(
    `${issuer.url}/introspect`, { token: access_token }, { authorization: `Bearer ${secret}` });
  const role = await makeRole(issuer.tenant, ["iam:decisions:evaluate"]);
  const machine = await makeMachine(issuer.tenant, "service-accounts", { roles: [] });
  const refused = await ask(machine.secret);
  expect(refused.status).toBe(403);
  await give(issuer.tenant, machine.principal, role.name, workspaceNode(issuer.workspace));
  expect((await ask(machine.secret)).body).toMatchObject({ active: true, sub: asking.id });
  const wrong = await ask(`${machine.secret.slice(0, -4)}AAAA`);
  expect(wrong.status).toBe(401);
  expect(wrong.headers.get("www-authenticate")).toMatch(/^Bearer .*error="invalid_token"/);
  // With a token that carries the permission as well.
  await giveScope(issuer, asking.principal, "iam:decisions:evaluate");
  const able = await clientToken(issuer, asking, "iam:decisions:evaluate");
  expect((await ask(able.access_token)).body).toMatchObject({ active: true });
  const unable = await clientToken(issuer, asking, "ingest:write");
  expect((await ask(unable.access_token)).status).toBe(403);
});

test("RFC7662-2.2 what is foreign, broken or unknown is inactive, no more is said", async () => {
  const other = await makeIssuer(server, "ingest:write");
  const stranger = await makeMachineClient(other, "ingest:write");
  const foreign = await clientToken(other, stranger);
  const own = await clientToken(issuer, asking);
  const [header = "", payload = "", signature = ""] = own.access_token.split(".");
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url");
  const claims = { ...claimsOf(own.access_token), scope: "iam:*" };
  const more = Buffer.from(JSON.stringify(claims)).toString("base64url");
  for (const token of [
    foreign.access_token, "x", "a.b.c", `${none}.${payload}.`, `${none}.${payload}.${signature}`,
    `${header}.${more}.${signature}`, `${header}.${payload}.${signature.slice(2)}AA`,
    `${header}.${payload}`, "x".repeat(20_000), asking.secret,
    (await userTokens({ scope: "openid" })).id_token,
  ]) await expectInactive(token);
  const missing = await introspect("");
  expect({ status: missing.status, error: missing.body["error"] })
    .toEqual({ status: 400, error: "invalid_request" });
});

test("RFC7662-2.2 a refresh token is told to its client alone", async () => {
  const made = await makeClient(issuer,
    { type: "authorization_code", redirect_uris: ["https://app.example.org/back"] });
  const own: Client = { principal: made.principal, id: made.principal.id,
    secret: made.secret ?? "" };
  const code = plantCode(issuer, { client: own.id, user, scope: "ingest:write" });
  const { body } = await redeem(issuer, own.id, code, { client_secret: own.secret });
  const token = body.refresh_token ?? "";
  expect((await introspect(token, own)).body).toMatchObject(
    { active: true, sub: user.id, client_id: own.id, scope: "ingest:write" });
  await expectInactive(token);
  const again = await refresh(issuer, own.id, token, { client_secret: own.secret });
  await expectInactive(token, own);
  expect((await introspect(again.body.refresh_token ?? "", own)).body["active"]).toBe(true);
});

test("E12_stamps: what is stamped onto an end-user's datapoints is told, and follows its changes",
  async () => {
    const { access_token } = await userTokens();
    expect((await introspect(access_token)).body).not.toHaveProperty("ingest_context");
    const at = `/api/workspaces/${issuer.workspace.id}/end-users/${user.email}/metadata`;
    for (const context of [{ site: "north", line: [1, 2, { deep: null }] }, "a text", 7]) {
      await issuer.tenant.admin.put(`${at}/ingest_context`, JSON.stringify(context));
      expect((await introspect(access_token)).body["ingest_context"]).toEqual(context);
    }
    await issuer.tenant.admin.put(`${at}/other`, { not: "told" });
    await issuer.tenant.admin.delete(`${at}/ingest_context`);
    const told = (await introspect(access_token)).body;
    expect(told).not.toHaveProperty("ingest_context");
    expect(told["client_id"]).toBe(app.id);
    // Of a client nothing is stamped but its name.
    await issuer.tenant.admin.put(
      `/api/workspaces/${issuer.workspace.id}/clients/${asking.id}/metadata/ingest_context`, "1");
    const own = await clientToken(issuer, asking);
    expect((await introspect(own.access_token)).body).not.toHaveProperty("ingest_context");
  });

test("RFC7009-2.1 a refresh token that is revoked ends its family, its access tokens too",
  async () => {
    const tokens = await userTokens();
    expect((await introspect(tokens.access_token)).body["active"]).toBe(true);
    const reply = await revoke(tokens.refresh_token, app.id, { token_type_hint: "refresh_token" });
    expect(reply.status).toBe(200);
    await expectInactive(tokens.access_token);
    expect((await refresh(issuer, app.id, tokens.refresh_token)).body.error).toBe("invalid_grant");
    expect((await revoke(tokens.refresh_token)).status).toBe(200);
  });

test("RFC7009-2.1 an old refresh token ends the family as well", async () => {
  const first = await userTokens();
  const second = await refresh(issuer, app.id, first.refresh_token);
  const third = await refresh(issuer, app.id, second.body.refresh_token ?? "");
  expect((await revoke(first.refresh_token)).status).toBe(200);
  await expectInactive(third.body.access_token);
});

test("RFC7009-2.1 an access token that is revoked is dead, and its family lives", async () => {
  const tokens = await userTokens();
  expect((await revoke(tokens.access_token, app.id, { token_type_hint: "refresh_token" })).status)
    .toBe(200);
  await expectInactive(tokens.access_token);
  const next = await refresh(issuer, app.id, tokens.refresh_token);
  expect((await introspect(next.body.access_token)).body["active"]).toBe(true);
  expect((await revoke(tokens.access_token)).status).toBe(200);
});

test("RFC7009-2.1 nobody revokes what is another's", async () => {
  const tokens = await userTokens();
  const other = await makePublicClient(issuer);
  for (const token of [tokens.access_token, tokens.refresh_token, "x", "a.b.c"]) {
    const reply = await revoke(token, other.id);
    expect({ status: reply.status, text: reply.text }).toEqual({ status: 200, text: "{}" });
  }
  expect((await introspect(tokens.access_token)).body["active"]).toBe(true);
  expect((await refresh(issuer, app.id, tokens.refresh_token)).status).toBe(200);
  expect((await revoke("", other.id)).body.error).toBe("invalid_request");
  const unknown = await revoke(tokens.access_token, "00000000-0000-7000-8000-000000000000");
  expect(unknown.body.error).toBe("invalid_client");
});

test("E10_revocation: deleting or suspending a client ends its tokens at once", async () => {
  const at = `/api/workspaces/${issuer.workspace.id}/clients`;
  const client = await makeMachineClient(issuer, "iam:workspaces:read", "iam:clients:read");
  const { access_token } = await clientToken(issuer, client);
  const api = server.as(access_token);
  expect((await api.request("GET", at)).status).toBe(200);
  expect((await introspect(access_token)).body["active"]).toBe(true);
  await issuer.tenant.admin.patch(`${at}/${client.id}`, { state: "suspended" });
  await expectInactive(access_token);
  expect((await api.request("GET", at)).status).toBe(401);
  await issuer.tenant.admin.patch(`${at}/${client.id}`, { state: "active" });
  await expectInactive(access_token);
  const fresh = await clientToken(issuer, client);
  expect((await introspect(fresh.access_token)).body["active"]).toBe(true);
  await issuer.tenant.admin.delete(`${at}/${client.id}`);
  await expectInactive(fresh.access_token);
  expect((await server.as(fresh.access_token).request("GET", at)).status).toBe(401);
  const gone = await post(`${issuer.url}/token`, { grant_type: "client_credentials" },
    { authorization: basic(client) });
  expect(gone.body.error).toBe("invalid_client");
});

test("E14_sessions: a session that is ended takes its access tokens along", async () => {
  const tokens = await userTokens();
  const sid = String(claimsOf(tokens.access_token)["sid"]);
  await issuer.tenant.admin.delete(`/api/workspaces/${issuer.workspace.id}/sessions/${sid}`);
  await expectInactive(tokens.access_token);
});

test("RFC7662-2.1 by POST alone, with one token, whatever kind is hinted at", async () => {
  const { access_token } = await clientToken(issuer, asking);
  const get = await fetch(`${issuer.url}/introspect?token=${access_token}`,
    { headers: { authorization: basic(asking) } });
  expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  for (const token_type_hint of ["access_token", "refresh_token", "x", ""])
    expect((await introspect(access_token, asking, issuer, { token_type_hint, unknown: "1" }))
      .body["active"]).toBe(true);
  const twice = await post(`${issuer.url}/introspect`, `token=${access_token}&token=x`,
    { authorization: basic(asking) });
  expect([twice.status, twice.body.error]).toEqual([400, "invalid_request"]);
});

test("RFC7662-2.3 who asks and fails is told by the codes of the token endpoint", async () => {
  const ask = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    post(`${issuer.url}/introspect`, { token: "x", ...form }, headers);
  const both = await ask({ client_secret: asking.secret }, { authorization: basic(asking) });
  expect([both.status, both.body.error]).toEqual([400, "invalid_request"]);
  const wrong = await ask({ client_id: asking.id, client_secret: "x" });
  expect([wrong.status, wrong.body.error]).toEqual([400, "invalid_client"]);
  const bearer = await ask({}, { authorization: "Bearer x.y.z" });
  expect(bearer.status).toBe(401);
  expect(bearer.headers.get("www-authenticate")).toMatch(/^Bearer .*error="invalid_token"/);
});

test("RFC7009-2 who revokes proves who he is, by POST, and names one token", async () => {
  const made = await makeClient(issuer,
    { type: "authorization_code", redirect_uris: ["https://app.example.org/back"] });
  const own = { id: made.principal.id, secret: made.secret ?? "" };
  const code = plantCode(issuer, { client: own.id, user });
  const { body } = await redeem(issuer, own.id, code, { client_secret: own.secret });
  const token = body.refresh_token ?? "";
  const named = await revoke(token, own.id);
  expect([named.status, named.body.error]).toEqual([400, "invalid_client"]);
  const header = { authorization: basic({ ...own, secret: `${own.secret.slice(0, -4)}AAAA` }) };
  const wrong = await post(`${issuer.url}/revoke`, { token }, header);
  expect([wrong.status, wrong.body.error]).toEqual([401, "invalid_client"]);
  expect(wrong.headers.get("www-authenticate")).toMatch(/^Basic /);
  const twice = await post(`${issuer.url}/revoke`, `token=${token}&token=${token}`,
    { authorization: basic(own) });
  expect([twice.status, twice.body.error]).toEqual([400, "invalid_request"]);
  const get = await fetch(`${issuer.url}/revoke?token=${token}&client_id=${app.id}`);
  expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  // None of it has revoked anything.
  const next = await refresh(issuer, own.id, token, { client_secret: own.secret });
  expect(next.status).toBe(200);
  const done = await post(`${issuer.url}/revoke`, { token: next.body.refresh_token ?? "" },
    { authorization: basic(own) });
  expect(done.status).toBe(200);
  await expectInactive(next.body.access_token);
});

test("RFC7009-2.2 what is unknown, gone, or hinted at wrongly is no error", async () => {
  for (const token_type_hint of ["access_token", "refresh_token", "nonsense"]) {
    const tokens = await userTokens();
    for (const token of [tokens.refresh_token, tokens.refresh_token, tokens.access_token, "x"]) {
      const reply = await revoke(token, app.id, { token_type_hint });
      expect([reply.status, reply.text]).toEqual([200, "{}"]);
    }
    await expectInactive(tokens.access_token);
  }
});

test("RFC7662-4 what has ended in any way is inactive, from whichever memory it is told",
  async () => {
    const who = await makeUser(issuer, "ingest:write");
    const give = async (): Promise<Tokens> =>
      (await redeem(issuer, app.id, plantCode(issuer, { client: app.id, user: who }))).body;
    const at = `/api/workspaces/${issuer.workspace.id}/end-users/${who.id}`;
    const sessions = `/api/workspaces/${issuer.workspace.id}/sessions`;
    const ends: [string, (tokens: Tokens) => Promise<unknown>][] = [
      ["revoked", (tokens) => revoke(tokens.access_token)],
      ["its refresh token revoked", (tokens) => revoke(tokens.refresh_token ?? "")],
      ["its session ended", ({ access_token }) => issuer.tenant.admin.delete(
        `${sessions}/${String(claimsOf(access_token)["sid"])}`)],
      ["its user suspended", () => issuer.tenant.admin.patch(at, { state: "suspended" })],
    ];
    for (const [how, end] of ends) {
      const tokens = await give();
      expect((await introspect(tokens.access_token)).body["active"], how).toBe(true);
      await end(tokens);
      await expectInactive(tokens.access_token);
    }
    const { access_token } = await userTokens();
    const old = { ...claimsOf(access_token), exp: Math.floor(Date.now() / 1000) - 1 };
    await expectInactive(await forger(issuer).sign(old, { typ: "at+jwt" }));
  });
