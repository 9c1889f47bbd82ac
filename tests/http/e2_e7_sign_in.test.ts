// Whole sign-ins through clients of the field: end-users by a link, members by a password.
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { beforeAll, expect, test } from "vitest";
import { Browser } from "./harness/browser.ts";
import { unique } from "./harness/make.ts";
import {
  claimsOf, discover, giveScope, type Issuer, makeConfidentialClient, makeIssuer, makePublicClient,
} from "./harness/oauth.ts";
import { comeIn, comeInto, type Person, signIn } from "./harness/people.ts";
import { BACK, begin, decide, exchange, finish, relyingParty, signInByLink } from
  "./harness/relying.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write", "ingest:read", "alerts:read");
  app = await makePublicClient(issuer, { post_logout_redirect_uris: [`${BACK}/bye`] });
});

async function invited(...scopes: string[]): Promise<Person> {
  const person = await comeInto(server, issuer.tenant, issuer.workspace);
  for (const scope of scopes) await giveScope(issuer, person.principal, scope);
  return person;
}

test("E2_sign_in: an invited end-user signs in by a link, and the token has exactly his scopes",
  async () => {
    const person = await invited("ingest:write", "alerts:read");
    const browser = new Browser(server.url);
    const config = await relyingParty(issuer.url, app.id);
    const begun = await begin(config,
      { scope: "openid email ingest:write alerts:read ingest:read" });
    const asked = await signInByLink(server, browser, person.email, begun.url, 2);
    expect(asked.url.pathname).toMatch(/\/consent$/);
    // He is asked for what he has, and for nothing else.
    expect(asked.html).toContain("<code>ingest:write</code>");
    expect(asked.html).not.toContain("ingest:read");
    const tokens = await finish(config, begun, await decide(browser, asked, "allow"));
    expect(tokens.scope?.split(" ").toSorted())
      .toEqual(["alerts:read", "email", "ingest:write", "openid"]);
    const claims = claimsOf(tokens.access_token);
    expect(claims).toMatchObject({ sub: person.principal.id, client_id: app.id,
      iss: issuer.url, aud: issuer.workspace.id });
    expect(tokens.claims()).toMatchObject({ sub: person.principal.id, aud: app.id,
      email: person.email, email_verified: true, acr: "urn:thingward:acr:1", amr: ["email"] });
    const info = await openid.fetchUserInfo(config, tokens.access_token, person.principal.id);
    expect(info.email).toBe(person.email);
  });

test("E2_sign_in: without a wish for scopes of ours the token has all that was given to him",
  async () => {
    const person = await invited("ingest:write", "ingest:read");
    const config = await relyingParty(issuer.url, app.id);
    const begun = await begin(config);
    // In the browser in which he came he is signed in.
    const asked = await person.browser.open(begun.url);
    const tokens = await finish(config, begun, await decide(person.browser, asked, "allow"));
    expect(tokens.scope?.split(" ").toSorted()).toEqual(["ingest:read", "ingest:write", "openid"]);
  });

test("E2_sign_in: who is no end-user gets no link, and is told nothing about it", async () => {
  const browser = new Browser(server.url);
  const config = await relyingParty(issuer.url, app.id);
  const { url } = await begin(config);
  const page = await browser.open(url);
  const sent = await browser.submit(page, page.form("email"),
    { email: `${unique("nobody")}@example.com`, with: "link" });
  expect(sent.status).toBe(200);
  expect(sent.text).toMatch(/can sign in here, a message with a link is on its way/);
});

test("E7_flows: a public client, its consent remembered, its tokens refreshed, and signing out",
  async () => {
    const person = await invited("ingest:write");
    const browser = new Browser(server.url);
    const config = await relyingParty(issuer.url, app.id);
    const first = await begin(config, { scope: "openid ingest:write" });
    const asked = await signInByLink(server, browser, person.email, first.url, 2);
    const tokens = await finish(config, first, await decide(browser, asked, "allow"));
    // The second time nothing is asked.
    const second = await begin(config, { scope: "openid ingest:write", prompt: "none" });
    const again = await finish(config, second, await browser.open(second.url));
    expect(again.claims()?.sub).toBe(person.principal.id);
    const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(fresh.access_token).not.toBe(tokens.access_token);
    const bye = openid.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: `${BACK}/bye`, state: "x",
    });
    expect((await browser.open(bye)).url.href).toBe(`${BACK}/bye?state=x`);
    const third = await begin(config, { prompt: "none" });
    await expect(browser.open(third.url).then((page) => finish(config, third, page)))
      .rejects.toMatchObject({ error: "login_required" });
    await expect(openid.refreshTokenGrant(config, fresh.refresh_token ?? ""))
      .rejects.toMatchObject({ error: "invalid_grant" });
  });

test("E7_flows: a confidential client, by every step of oauth4webapi, and a JWKS offline",
  async () => {
    const person = await invited("ingest:write");
    const made = await makeConfidentialClient(issuer, { id_token_signed_response_alg: "ES256" });
    const as = await discover(issuer);
    const client: oauth.Client = { client_id: made.id };
    const auth = oauth.ClientSecretBasic(made.secret);
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const url = new URL(as.authorization_endpoint ?? "");
    url.search = new URLSearchParams({
      client_id: made.id, redirect_uri: BACK, response_type: "code", scope: "openid ingest:write",
      state, nonce, code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).toString();
    const back = await decide(person.browser, await person.browser.open(url), "allow");
    // Without its secret it gets nothing, and the code stays good.
    await expect(exchange(as, client, oauth.None(), back.url, verifier, state, nonce))
      .rejects.toMatchObject({ error: "invalid_client" });
    const tokens = await exchange(as, client, auth, back.url, verifier, state, nonce);
    expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(person.principal.id);
    // A resource server that knows the keys, and asks nobody.
    const keys = jose.createLocalJWKSet(
      await (await fetch(as.jwks_uri ?? "")).json() as jose.JSONWebKeySet);
    const { payload } = await jose.jwtVerify(tokens.access_token, keys, {
      issuer: issuer.url, audience: issuer.workspace.id, typ: "at+jwt", algorithms: ["ES256"],
      requiredClaims: ["exp", "sub", "client_id", "iat", "jti"],
    });
    expect(payload["scope"]).toBe("openid ingest:write");
    await expect(jose.jwtVerify(tokens.access_token, keys,
      { issuer: issuer.url, audience: "another" })).rejects.toThrow(/aud/);
    await expect(jose.jwtVerify(tokens.id_token ?? "", keys, { typ: "at+jwt" }))
      .rejects.toThrow(/typ/);
  });

test("E7_flows: a member by password, of the organisation that is his", async () => {
  const made = await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
    name: unique("portal"), type: "authorization_code_pkce", redirect_uris: [BACK],
  });
  const person = await comeIn(server, issuer.tenant);
  const browser = new Browser(server.url);
  const config = await relyingParty(server.url, made.principal.id);
  const begun = await begin(config, { scope: "openid profile email" });
  const asked = await signIn(browser, person.email, person.password, await browser.open(begun.url));
  expect(asked.text).toContain(made.principal.name);
  const tokens = await finish(config, begun, await decide(browser, asked, "allow"));
  expect(tokens.claims()).toMatchObject({ iss: server.url, sub: person.principal.id,
    email: person.email, name: "Ada Moreau", amr: ["pwd"] });
  expect(claimsOf(tokens.access_token)).toMatchObject(
    { org: issuer.tenant.org.id, sub: person.principal.id, aud: server.url });
});

test("E7_flows: who refuses is taken back with that, and nothing is remembered", async () => {
  const person = await invited("ingest:write");
  const client = await makePublicClient(issuer);
  const config = await relyingParty(issuer.url, client.id);
  for (let round = 0; round < 2; round++) {
    const begun = await begin(config, { scope: "openid ingest:write" });
    const asked = await person.browser.open(begun.url);
    const back = await decide(person.browser, asked, "deny");
    await expect(finish(config, begun, back)).rejects.toMatchObject({ error: "access_denied" });
  }
});

test("E7_flows: prompt login, max_age and select_account ask anew, in the browser", async () => {
  const person = await invited("ingest:write");
  const { browser } = person;
  const config = await relyingParty(issuer.url, app.id);
  const begun = await begin(config, { scope: "openid ingest:write" });
  const asked = await browser.open(begun.url);
  const { auth_time: before } = (await finish(config, begun,
    await decide(browser, asked, "allow"))).claims() ?? {};
  let mails = 2;
  for (const more of [{ prompt: "login" }, { max_age: "0" }]) {
    const next = await begin(config, { scope: "openid ingest:write", ...more });
    const page = await browser.open(next.url);
    expect(page.url.pathname).toMatch(/\/sign-in$/);
    const back = await signInByLink(server, browser, person.email, page, mails++);
    const claims = (await finish(config, next, back)).claims();
    expect(claims?.auth_time).toBeGreaterThanOrEqual(before ?? Infinity);
  }
  const next = await begin(config, { scope: "openid ingest:write", prompt: "select_account" });
  const page = await browser.open(next.url);
  expect(page.url.pathname).toMatch(/\/select-account$/);
  const back = await browser.submit(page, page.form("account", person.principal.id),
    { account: person.principal.id });
  expect((await finish(config, next, back)).claims()?.sub).toBe(person.principal.id);
});
