// Signing out at a client's wish, and telling the other clients of it.
import * as jose from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Answer, authorize, expectCode, expectPage, expectSentTo, request, type Sender, visit,
} from "./harness/authorize.ts";
import {
  claimsOf, type Issuer, makeIssuer, makePublicClient, type Tokens,
} from "./harness/oauth.ts";
import { makeUser, redeem, refresh } from "./harness/planted.ts";
import { plantConsent, plantSession, type SessionOfBrowser } from "./harness/planted_session.ts";
import { Receiver } from "./harness/receiver.ts";
import { useServer } from "./harness/server.ts";
import type { Principal, Record_ } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const server = useServer({ args: ["--outbound-private", "127.0.0.0/8"] });
const AFTER = "https://app.example.org/bye";
const client = new Receiver();
let issuer: Issuer;
let app: Principal;
let user: Principal;

beforeAll(async () => {
  await client.start();
  issuer = await makeIssuer(server, "ingest:write");
  app = await makeApp();
  user = await makeUser(issuer, "ingest:write");
});
afterAll(() => client.stop());

function makeApp(more: Record<string, unknown> = {}): Promise<Principal> {
  return makePublicClient(issuer, { post_logout_redirect_uris: [AFTER], ...more });
}

/** What a client gets of a browser that is signed in. */
async function tokensOf(session: Sender, of = app, who = user): Promise<Required<Tokens>> {
  const code = expectCode(await authorize(issuer.url,
    request(of.id, { scope: "openid ingest:write" }), session), issuer.url);
  const { body } = await redeem(issuer, of.id, code);
  expect(claimsOf(body.access_token)["sub"]).toBe(who.id);
  return body as Required<Tokens>;
}

function signIn(who = user, ...clients: Principal[]): SessionOfBrowser {
  for (const each of clients)
    plantConsent(server.store, who, each.id, "openid ingest:write");
  return plantSession(server.store, { user: who });
}

function logout(parameters: Record<string, string>, sender: Sender = {}): Promise<Answer> {
  return visit(`${issuer.url}/logout?${new URLSearchParams(parameters)}`, sender);
}

async function isLive(tokens: Required<Tokens>, of = app): Promise<boolean> {
  const reply = await refresh(issuer, of.id, tokens.refresh_token);
  if (reply.status !== 200) expect(reply.body.error).toBe("invalid_grant");
  return reply.status === 200;
}

test("OIDC-RPInitiated-2 the client's own user is signed out and goes on", async () => {
  const session = signIn(user, app);
  const tokens = await tokensOf(session);
  expect((await server.as(tokens.access_token).request("GET", "/api/self")).status).toBe(200);
  const answer = await logout({
    id_token_hint: tokens.id_token, post_logout_redirect_uri: AFTER, state: "a b&c",
  }, session);
  expect(answer.status).toBe(303);
  expect(answer.location?.href).toBe(`${AFTER}?state=a%20b%26c`);
  expect(answer.headers.getSetCookie()).toEqual(
    [expect.stringMatching(new RegExp(`^${session.name}=; .*Max-Age=0`))]);
  // The session is gone, and all that came of it.
  expectSentTo(await authorize(issuer.url, request(app.id), session), issuer.url, "sign-in",
    "login");
  expect(await isLive(tokens)).toBe(false);
  expect((await server.as(tokens.access_token).request("GET", "/api/self")).status).toBe(401);
  const records = await issuer.tenant.admin.list<Record_>(
    `${issuer.tenant.path}/records?subject=${session.id}`);
  expect(records.map((record) => [record.action, record.actor])).toEqual(
    [["sessions.end", expect.objectContaining({ id: user.id })]]);
});

test("OIDC-RPInitiated-2 other sessions of the user go on", async () => {
  const one = await makeApp();
  plantConsent(server.store, user, one.id, "openid ingest:write");
  const here = plantSession(server.store, { user });
  const there = plantSession(server.store, { user });
  const tokens = [await tokensOf(here, one), await tokensOf(there, one)] as const;
  expect((await logout({ id_token_hint: tokens[0].id_token }, here)).status).toBe(200);
  expect(await isLive(tokens[0], one)).toBe(false);
  expect(await isLive(tokens[1], one)).toBe(true);
});

test("OIDC-RPInitiated-2 without a hint, or with somebody else's, the user is asked", async () => {
  const other = await makeUser(issuer, "ingest:write");
  const tokens = await tokensOf(signIn(other, app), app, other);
  const session = plantSession(server.store, { user });
  const after = { client_id: app.id, post_logout_redirect_uri: AFTER, state: "s" };
  for (const more of [{}, { client_id: app.id }, after, { id_token_hint: tokens.id_token },
    { id_token_hint: "a.b.c" }, { id_token_hint: tokens.access_token }]) {
    const ticket = expectSentTo(await logout(more as Record<string, string>, session),
      issuer.url, "sign-out");
    // Whoever only says that it was done changes nothing.
    const done = await visit(`${issuer.url}/logout/done?ticket=${ticket}`, session);
    if ("state" in more) expect(done.location?.href).toBe(`${AFTER}?state=s`);
    else expect(done.html).toContain("You are signed out");
    expectCode(await authorize(issuer.url, request(app.id, { prompt: "none" }), session),
      issuer.url);
  }
});

test("OIDC-RPInitiated-3 nobody is sent to where the client has not registered", async () => {
  const session = signIn();
  const other = await makePublicClient(issuer);
  const tries: Record<string, string>[] = [
    { post_logout_redirect_uri: AFTER },
    { client_id: other.id, post_logout_redirect_uri: AFTER },
    ...[`${AFTER}/`, `${AFTER}?x`, `${AFTER}#x`, "https://evil.example/",
      "https://app.example.org@evil.example/bye", "https://app.example.org/back",
      "javascript:alert(1)", "//app.example.org/bye", `${AFTER}\r\nx: y`]
      .map((uri) => ({ client_id: app.id, post_logout_redirect_uri: uri })),
    { client_id: app.id, post_logout_redirect_uri: AFTER, state: "x".repeat(1025) },
  ];
  for (const parameters of tries) {
    expectPage(await logout(parameters));
    expectPage(await logout(parameters, session));
  }
  expectPage(await visit(`${issuer.url}/logout?client_id=${app.id}&client_id=${app.id}`));
});

test("OIDC-RPInitiated-2 the hint was given to the client that is named", async () => {
  const other = await makeApp();
  const fresh = await makeUser(issuer, "ingest:write");
  const session = signIn(fresh, app);
  const tokens = await tokensOf(session, app, fresh);
  expectPage(await logout({ id_token_hint: tokens.id_token, client_id: other.id }, session));
  expect(await isLive(tokens)).toBe(true);
  expect((await logout({ id_token_hint: tokens.id_token, client_id: app.id }, session)).status)
    .toBe(200);
  expect(await isLive(tokens)).toBe(false);
});

test("OIDC-RPInitiated-2 GET and POST, and where nobody is signed in there is nothing to ask",
  async () => {
    const after = { client_id: app.id, post_logout_redirect_uri: AFTER, state: "s" };
    expect((await logout(after)).location?.href).toBe(`${AFTER}?state=s`);
    expect((await logout({})).html).toContain("You are signed out");
    const posted = await fetch(`${issuer.url}/logout`,
      { method: "POST", body: new URLSearchParams(after), redirect: "manual" });
    expect(posted.status).toBe(303);
    const ticket = expectSentTo(await visit(posted.headers.get("location") ?? "", signIn()),
      issuer.url, "sign-out");
    const other = await makeIssuer(server);
    expectPage(await visit(`${other.url}/logout/done?ticket=${ticket}`));
    expectPage(await visit(`${issuer.url}/authorize/resume?ticket=${ticket}`));
    expectPage(await visit(`${issuer.url}/logout/done?ticket=x`));
});

interface LogoutToken extends jose.JWTPayload {
  sid: string;
  events: Record<string, unknown>;
}

async function tokenOf(body: string): Promise<jose.JWTVerifyResult<LogoutToken>> {
  const keys = jose.createRemoteJWKSet(new URL(`${issuer.url}/jwks`));
  const token = new URLSearchParams(body).get("logout_token") ?? "";
  return jose.jwtVerify<LogoutToken>(token, keys, { issuer: issuer.url, typ: "logout+jwt" });
}

test("OIDC-BackChannel-2.4 clients that want to are told, with a token that says what ended",
  async () => {
    const told = await makeApp({ backchannel_logout_uri: `${client.url}/told` });
    const fresh = await makeUser(issuer, "ingest:write");
    const session = signIn(fresh, app, told);
    const silent = await tokensOf(session, app, fresh);
    const tokens = [await tokensOf(session, told, fresh), await tokensOf(session, told, fresh)];
    await logout({ id_token_hint: silent.id_token }, session);
    const mine = () => client.received.filter((each) => each.path === "/told");
    await until("the client to be told", () => mine().length >= 2);
    for (const each of mine()) {
      expect(each.method).toBe("POST");
      expect(each.headers["content-type"]).toBe("application/x-www-form-urlencoded");
      const { payload, protectedHeader } = await tokenOf(each.body);
      expect(protectedHeader).toMatchObject({ alg: "ES256", typ: "logout+jwt" });
      expect(payload).toMatchObject({
        aud: told.id, sub: fresh.id, jti: expect.any(String),
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
      });
      expect(payload).not.toHaveProperty("nonce");
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
    }
    const notices = await Promise.all(mine().map((each) => tokenOf(each.body)));
    const sids = notices.map((each) => each.payload.sid);
    expect(sids.toSorted()).toEqual(
      tokens.map((each) => claimsOf(each.id_token)["sid"] as string).toSorted());
    // It is no token for anything else.
    const logoutToken = new URLSearchParams(mine()[0]?.body).get("logout_token") ?? "";
    expect((await server.as(logoutToken).request("GET", "/api/self")).status).toBe(401);
    expectSentTo(await logout({ id_token_hint: logoutToken }, signIn(fresh)), issuer.url,
      "sign-out");
});

test("OIDC-BackChannel-2.8 a client that refuses is told again", async () => {
  const told = await makeApp({ backchannel_logout_uri: `${client.url}/again` });
  const fresh = await makeUser(issuer, "ingest:write");
  const session = signIn(fresh, told);
  const tokens = await tokensOf(session, told, fresh);
  client.status = 503;
  await logout({ id_token_hint: tokens.id_token }, session);
  const mine = () => client.received.filter((each) => each.path === "/again");
  await until("the client to be told", () => mine().length >= 1);
  client.status = 200;
  await until("the client to be told again", () => mine().length >= 2);
  const [first, second] = await Promise.all(mine().map((each) => tokenOf(each.body)));
  expect(first?.payload.jti).toBe(second?.payload.jti);
  expect(server.log.some((line) => line.event === "logout-not-told" && line["client"] === told.id))
    .toBe(true);
});
