// ID tokens: what stands in them, those of later, and as a hint of whose sign-in it has to be.
import { createHash } from "node:crypto";
import * as jose from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import {
  authorize, expectCode, expectError, expectSentTo, type Parameters, request, visit,
} from "./harness/authorize.ts";
import { unique } from "./harness/make.ts";
import {
  claimsOf, type Issuer, makeIssuer, makePublicClient, type Tokens,
} from "./harness/oauth.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { plantConsent, plantSession, type SessionOfBrowser } from "./harness/planted_session.ts";
import { useServer } from "./harness/server.ts";
import { forger, unsigned } from "./harness/signing.ts";
import type { Principal, PrincipalCreated } from "./harness/types.ts";

const server = useServer();
const AFTER = "https://app.example.org/bye";
let issuer: Issuer;
let app: Principal;
let user: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer, { post_logout_redirect_uris: [AFTER] });
  user = await makeUser(issuer, "ingest:write");
  plantConsent(server.store, user, app.id, "openid offline_access ingest:write");
});

const signedIn = (): SessionOfBrowser => plantSession(server.store, { user });

/** What a browser that is signed in brings its client. */
async function tokensOf(session = signedIn(), more: Parameters = {}): Promise<Required<Tokens>> {
  const code = expectCode(await authorize(issuer.url,
    request(app.id, { scope: "openid ingest:write", nonce: "n-1", ...more }), session), issuer.url);
  const reply = await redeem(issuer, app.id, code);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as Required<Tokens>;
}

async function next(tokens: Tokens): Promise<Required<Tokens>> {
  const reply = await refresh(issuer, app.id, tokens.refresh_token ?? "");
  expect(reply.status, reply.text).toBe(200);
  return reply.body as Required<Tokens>;
}

function atHash(token: string): string {
  return createHash("sha256").update(token).digest().subarray(0, 16).toString("base64url");
}

test("OIDC-Core-2 every claim that has to be there is, of its type", async () => {
  const before = Math.floor(Date.now() / 1000);
  const { id_token } = await tokensOf();
  const claims = claimsOf(id_token);
  expect(claims).toMatchObject({
    iss: issuer.url, sub: user.id, aud: app.id, azp: app.id, exp: expect.any(Number),
    iat: expect.any(Number), auth_time: expect.any(Number), acr: expect.any(String),
    amr: expect.arrayContaining([expect.any(String)]),
  });
  expect(String(claims["sub"])).toMatch(/^[ -~]{1,255}$/);
  expect(Number(claims["iat"])).toBeGreaterThanOrEqual(before);
  expect(Number(claims["exp"])).toBeGreaterThan(Number(claims["iat"]));
  expect(Number(claims["auth_time"])).toBeLessThanOrEqual(Number(claims["iat"]));
});

test("OIDC-Core-3.1.2.1 the nonce comes back as it was sent, and none where none was", async () => {
  for (const nonce of ["n-1", " a b+c%20\"\\<>", "\u00e9\u4e2d\u{1f600}", "x".repeat(512)])
    expect(claimsOf((await tokensOf(signedIn(), { nonce })).id_token)["nonce"]).toBe(nonce);
  const { id_token } = await tokensOf(signedIn(), { nonce: undefined });
  expect(claimsOf(id_token)).not.toHaveProperty("nonce");
});

test("OIDC-Core-3.1.3.6 at_hash is of the access token beside it", async () => {
  const first = await tokensOf();
  const second = await next(first);
  for (const { access_token, id_token } of [first, second])
    expect(claimsOf(id_token)["at_hash"]).toBe(atHash(access_token));
});

test("OIDC-Core-3.1.3.3 without openid there is no ID token, first or later", async () => {
  const tokens = await tokensOf(signedIn(), { scope: "ingest:write" });
  expect(tokens.id_token).toBeUndefined();
  expect((await next(tokens)).id_token).toBeUndefined();
});

test("OIDC-Core-10.1 its key is named, one of those that are published", async () => {
  const { id_token } = await tokensOf();
  const header = jose.decodeProtectedHeader(id_token);
  expect(header).toEqual({ alg: "ES256", typ: "JWT", kid: expect.any(String) });
  const published = await (await fetch(`${issuer.url}/jwks`)).json() as jose.JSONWebKeySet;
  const key = published.keys.find((one) => one.kid === header.kid);
  await jose.jwtVerify(id_token, await jose.importJWK(key ?? {}, "ES256"));
});

test("OIDC-Core-12.2 a refresh tells of the same sign-in, at another time", async () => {
  const first = await tokensOf();
  const second = await next(first);
  const [before, after] = [claimsOf(first.id_token), claimsOf(second.id_token)];
  for (const name of ["iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "sid"])
    expect([name, after[name]]).toEqual([name, before[name]]);
  expect(Number(after["iat"])).toBeGreaterThanOrEqual(Number(before["iat"]));
  expect(after).not.toHaveProperty("nonce");
});

test("OIDC-Core-5.5.1 what nobody knows of a user is left out, however essential", async () => {
  const claims = JSON.stringify({
    id_token: { phone_number: { essential: true }, email: { value: "x@example.org" },
      birthdate: null },
    userinfo: { picture: { essential: true, values: ["a"] } }, other: { x: 1 },
  });
  const { id_token } = await tokensOf(signedIn(), { claims });
  expect(claimsOf(id_token)).not.toHaveProperty("phone_number");
  expect(claimsOf(id_token)["email"]).toBe(user.email);
});

test("OIDC-Core-15.1 how it should look, and in what language, is never an error", async () => {
  for (const more of [{ display: "popup" }, { display: "cinema" }, { ui_locales: "de fr-CA x" },
    { ui_locales: "\u00e9" }, { claims_locales: "xx" }, { acr_values: "gold silver" },
    { login_hint: "nobody@example.org" }] as Parameters[])
    expect((await tokensOf(signedIn(), more)).id_token).toMatch(/^ey/);
});

describe("id_token_hint", () => {
  const ask = (id_token_hint: string, session = signedIn()) =>
    authorize(issuer.url, request(app.id, { id_token_hint, prompt: "none" }), session);

  test("OIDC-Core-3.1.2.1 an id_token_hint that has expired still says who is meant", async () => {
    const { id_token } = await tokensOf();
    const hour = { exp: Math.floor(Date.now() / 1000) - 3600, iat: 1_700_000_000 };
    const old = await forger(issuer).sign({ ...claimsOf(id_token), ...hour }, { typ: "JWT" });
    expectCode(await ask(old), issuer.url);
    const other = plantSession(server.store, { user: await makeUser(issuer) });
    expectError(await ask(old, other), issuer.url, "login_required");
  });

  test("OIDC-Core-3.1.2.1 an id_token_hint for another client's names the user", async () => {
    const client = await makePublicClient(issuer);
    const code = plantCode(issuer, { client: client.id, user, scope: "openid" });
    const { body } = await redeem(issuer, client.id, code);
    expectCode(await ask(body.id_token ?? ""), issuer.url);
  });

  test("OIDC-Core-3.1.2.2 an id_token_hint that the issuer has not signed is refused", async () => {
    const { id_token } = await tokensOf();
    const claims = claimsOf(id_token);
    const { kid, sign } = forger(issuer);
    const [header = "", payload = ""] = id_token.split(".");
    for (const hint of [
      unsigned({ alg: "none", kid }, claims), `${header}.${payload}.`, `${id_token}x`, "x",
      await sign({ ...claims, iss: "https://other.example" }, { typ: "JWT" }),
      await sign({ ...claims, sub: undefined }, { typ: "JWT" }),
      await sign(claims, { typ: "at+jwt" }),
    ]) expectError(await ask(hint), issuer.url, "invalid_request");
    expectCode(await ask(await sign(claims, { typ: "JWT" })), issuer.url);
  });
});

/** Signed out at the client's wish. */
function signOut(session: SessionOfBrowser, hint: string, more: Record<string, string> = {}) {
  const parameters = { id_token_hint: hint, post_logout_redirect_uri: AFTER, ...more };
  return visit(`${issuer.url}/logout?${new URLSearchParams(parameters)}`, session);
}

test("OIDC-RPInitiated-2 an id_token_hint that has expired signs out without a question",
  async () => {
    const session = signedIn();
    const tokens = await tokensOf(session);
    const old = await forger(issuer).sign(
      { ...claimsOf(tokens.id_token), exp: Math.floor(Date.now() / 1000) - 86_400 },
      { typ: "JWT" });
    expect((await signOut(session, old)).location?.href).toBe(AFTER);
    expectSentTo(await authorize(issuer.url, request(app.id), session), issuer.url, "sign-in",
      "login");
  });

test("OIDC-RPInitiated-2 a logout_hint, languages and what is unknown are no error", async () => {
  const session = signedIn();
  const { id_token } = await tokensOf(session);
  const answer = await signOut(session, id_token,
    { logout_hint: "somebody", ui_locales: "xx de", unknown: "x", state: "" });
  expect(answer.location?.href).toBe(AFTER);
});

test("OIDC-BackChannel-2.7 what was given ends with the session, but for offline access",
  async () => {
    const session = signedIn();
    const online = await tokensOf(session);
    const almost = await tokensOf(session, { scope: "openid OFFLINE_ACCESS offline-access" });
    const offline = await tokensOf(session, { scope: "openid offline_access ingest:write" });
    expect(offline.scope).toBe("openid offline_access ingest:write");
    expect((await signOut(session, online.id_token)).location?.href).toBe(AFTER);
    for (const { refresh_token } of [online, almost])
      expect((await refresh(issuer, app.id, refresh_token)).body.error).toBe("invalid_grant");
    const later = await next(offline);
    expect(claimsOf(later.access_token)["sid"]).toBe(claimsOf(offline.access_token)["sid"]);
    expect((await server.as(later.access_token).request("GET", "/api/self")).status).toBe(200);
    // An administrator ends it all the same.
    const sid = String(claimsOf(offline.access_token)["sid"]);
    await issuer.tenant.admin.delete(`/api/workspaces/${issuer.workspace.id}/sessions/${sid}`);
    expect((await refresh(issuer, app.id, later.refresh_token)).body.error).toBe("invalid_grant");
  });

test("OIDC-Core-11 offline access is had by the user's agreement to it alone", async () => {
  const client = await makePublicClient(issuer);
  const to = (more: Parameters) => authorize(issuer.url,
    request(client.id, { scope: "openid offline_access", ...more }), signedIn());
  plantConsent(server.store, user, client.id, "openid ingest:write");
  expectSentTo(await to({}), issuer.url, "consent");
  expectError(await to({ prompt: "none" }), issuer.url, "consent_required");
  expectSentTo(await to({ prompt: "consent" }), issuer.url, "consent");
  // Not by a refresh, either, of what was allowed without.
  const tokens = await tokensOf(signedIn(), { scope: "openid" });
  const reply = await refresh(issuer, app.id, tokens.refresh_token, { scope: "offline_access" });
  expect(reply.body.error).toBe("invalid_scope");
});

test("OIDC-Core-8 a user has one sub for all clients, and nobody has it after him", async () => {
  const email = `${unique("user")}@example.org`;
  const at = `/api/workspaces/${issuer.workspace.id}/end-users`;
  const other = await makePublicClient(issuer);
  const subs: unknown[] = [];
  for (let round = 0; round < 2; round++) {
    const who = (await issuer.tenant.admin.post<PrincipalCreated>(at, { email })).principal;
    server.store.alter(
      `UPDATE principals SET state = 1 WHERE principal = ${server.store.literal(who.id)}`);
    for (const client of [app, other]) {
      const code = plantCode(issuer, { client: client.id, user: who, scope: "openid" });
      subs.push(claimsOf((await redeem(issuer, client.id, code)).body.id_token ?? "")["sub"]);
    }
    await issuer.tenant.admin.delete(`${at}/${who.id}`);
  }
  expect(subs[0]).toBe(subs[1]);
  expect(subs[2]).toBe(subs[3]);
  expect(subs[2]).not.toBe(subs[0]);
});

test("OIDC-RPInitiated-4 a hint that does not hold is not used; to sign out twice is no error",
  async () => {
    const session = signedIn();
    const { id_token } = await tokensOf(session);
    const forged = unsigned({ alg: "none" }, claimsOf(id_token));
    for (const hint of [forged, `${id_token}x`, "x"]) {
      const answer = await signOut(session, hint);
      expect([answer.status, answer.location]).toEqual([400, undefined]);
    }
    expectCode(await authorize(issuer.url, request(app.id, { prompt: "none" }), session),
      issuer.url);
    for (let round = 0; round < 2; round++)
      expect((await signOut(session, id_token)).location?.href).toBe(AFTER);
  });
