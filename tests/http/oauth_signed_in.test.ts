// Authorization requests of who is signed in: the code, or what is asked first.
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Answer, authorize, BACK, expectCode, expectError, expectPage, expectSentTo, type Parameters,
  request, type Sender, VERIFIER, visit,
} from "./harness/authorize.ts";
import { makeMember, makeOrg, unique } from "./harness/make.ts";
import { type Issuer, makeIssuer, makePublicClient } from "./harness/oauth.ts";
import { makeUser, redeem } from "./harness/planted.ts";
import { plantConsent, plantSession, type SessionOfBrowser } from "./harness/planted_session.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;
let user: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write", "ingest:read");
  app = await makePublicClient(issuer);
  user = await makeUser(issuer, "ingest:write", "ingest:read");
  plantConsent(server.store, user, app.id, "openid ingest:write ingest:read");
});

const signedIn = (age_s?: number): SessionOfBrowser =>
  plantSession(server.store, { user, ...(age_s === undefined ? {} : { age_s }) });
const send = (sender: Sender, more: Parameters = {}): Promise<Answer> =>
  authorize(issuer.url, request(app.id, more), sender);

test("RFC6749-4.1.2 who is signed in and has consented gets a code at once", async () => {
  const session = signedIn();
  for (const more of [{}, { prompt: "none" }, { scope: "ingest:write" }, { scope: "openid" }]) {
    const code = expectCode(await send(session, more), issuer.url);
    const reply = await redeem(issuer, app.id, code);
    expect(reply.status, reply.text).toBe(200);
  }
  expectCode(await authorize(issuer.url, request(app.id), { ...session, post: true }), issuer.url);
});

test("RFC6749-4.1.2 state is the client's, or left out", async () => {
  const session = signedIn();
  expectCode(await send(session, { state: "\u00e9\"&=%" }), issuer.url, "\u00e9\"&=%");
  expectCode(await send(session, { state: undefined }), issuer.url, null);
});

test("RFC6749-4.1.2 a code is of its request: challenge, address, nonce, scopes", async () => {
  const session = signedIn();
  const code = expectCode(await send(session,
    { scope: "openid ingest:read", nonce: "n-1", resource: "https://api.example/" }), issuer.url);
  expect((await redeem(issuer, app.id, code, { code_verifier: "x".repeat(43) })).body.error)
    .toBe("invalid_grant");
  const other = expectCode(await send(session,
    { scope: "openid ingest:read", nonce: "n-1", resource: "https://api.example/" }), issuer.url);
  const { body } = await redeem(issuer, app.id, other);
  const claims = (token: string | undefined) =>
    JSON.parse(Buffer.from(token?.split(".")[1] ?? "", "base64url").toString());
  expect(body.scope).toBe("openid ingest:read");
  expect(claims(body.id_token)).toMatchObject({ nonce: "n-1", sub: user.id, aud: app.id });
  expect(claims(body.access_token).aud).toEqual([issuer.workspace.id, "https://api.example/"]);
});

test("OAuth-FormPost-2 the answer is a form that goes on by itself, or by its button", async () => {
  const answer = await send(signedIn(), { response_mode: "form_post" });
  expect(answer.status).toBe(200);
  expect(answer.html).toMatch(/name="code" value="twg_/);
  expect(answer.html).toContain('name="state" value="a state"');
  expect(answer.html).toContain(`name="iss" value="${issuer.url}"`);
  expect(answer.html).toContain("<button");
  expect(answer.headers.get("cache-control")).toBe("no-store");
});

describe("a session counts", () => {
  test("only with its own issuer, and untouched", async () => {
    const session = signedIn();
    const other = await makeIssuer(server);
    const elsewhere = await makePublicClient(other);
    const renamed = `__Host-thingward-${other.workspace.id}=${session.value}`;
    expectSentTo(await authorize(other.url, request(elsewhere.id), { cookie: renamed }),
      other.url, "sign-in", "login");
    expectSentTo(await send({ cookie: `__Host-thingward=${session.value}` }), issuer.url,
      "sign-in", "login");
    const changed = session.cookie.slice(0, -6) + "AAAAAA";
    expectSentTo(await send({ cookie: changed }), issuer.url, "sign-in", "login");
    const twice = `${session.cookie}; ${session.name}=x`;
    expectSentTo(await send({ cookie: twice }), issuer.url, "sign-in", "login");
  });

  test("no longer once its user is suspended, or is gone", async () => {
    const other = await makeUser(issuer, "ingest:write");
    plantConsent(server.store, other, app.id, "ingest:write");
    const session = plantSession(server.store, { user: other });
    expectCode(await send(session), issuer.url);
    const path = `/api/workspaces/${issuer.workspace.id}/end-users/${other.id}`;
    await issuer.tenant.admin.patch(path, { state: "suspended" });
    expectSentTo(await send(session), issuer.url, "sign-in", "login");
    expectError(await send(session, { prompt: "none" }), issuer.url, "login_required");
    await issuer.tenant.admin.delete(path);
    expectSentTo(await send(session), issuer.url, "sign-in", "login");
  });
});

describe("how fresh the sign-in has to be", () => {
  test("OIDC-Core-3.1.2.1 prompt login asks again, and takes what came after", async () => {
    const session = signedIn();
    const ticket = expectSentTo(await send(session, { prompt: "login" }), issuer.url, "sign-in",
      "login");
    const resume = (sender: Sender) =>
      visit(`${issuer.url}/authorize/resume?ticket=${ticket}`, sender);
    expectSentTo(await resume(session), issuer.url, "sign-in", "login");
    // In another browser, whose user has signed in since.
    expectCode(await resume(signedIn(-1)), issuer.url);
  });

  test("OIDC-Core-3.1.2.1 max_age: who signed in before it has to anew; auth_time", async () => {
    const session = signedIn(60);
    expectCode(await send(session, { max_age: "3600" }), issuer.url);
    expectSentTo(await send(session, { max_age: "30" }), issuer.url, "sign-in", "login");
    expectSentTo(await send(session, { max_age: "0" }), issuer.url, "sign-in", "login");
    expectError(await send(session, { max_age: "30", prompt: "none" }), issuer.url,
      "login_required");
    const code = expectCode(await send(session, { max_age: "3600", scope: "openid" }), issuer.url);
    const { body } = await redeem(issuer, app.id, code);
    const claims = JSON.parse(
      Buffer.from(body.id_token?.split(".")[1] ?? "", "base64url").toString());
    expect(Math.abs(Date.now() / 1000 - 60 - claims.auth_time)).toBeLessThan(30);
  });
});

test("OIDC-Core-3.1.2.1 select_account asks under which", async () => {
  expectSentTo(await send(signedIn(), { prompt: "select_account" }), issuer.url, "sign-in",
    "select_account");
});

test("OIDC-Core-5.5.1.1 a second factor: wanted, when there is one; or else an error", async () => {
  expectCode(await send(signedIn(), { acr_values: "urn:thingward:acr:2" }), issuer.url);
  const essential = (value: string) => ({
    claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
  });
  expectError(await send(signedIn(), essential("urn:thingward:acr:2")), issuer.url,
    "unmet_authentication_requirements");
  expectCode(await send(signedIn(), essential("urn:thingward:acr:1")), issuer.url);
  expectError(await send(signedIn(), essential("gold")), issuer.url,
    "unmet_authentication_requirements");
});

describe("whose sign-in it has to be", () => {
  const subject = (value: string): Parameters =>
    ({ claims: JSON.stringify({ id_token: { sub: { value } } }) });

  test("OIDC-Core-5.5.1 by the claim sub, whose value is asked for", async () => {
    expectCode(await send(signedIn(), subject(user.id)), issuer.url);
    expectSentTo(await send(signedIn(), subject(app.id)), issuer.url, "sign-in", "login");
    expectError(await send(signedIn(), { ...subject(app.id), prompt: "none" }), issuer.url,
      "login_required");
  });

  test("OIDC-Core-3.1.2.1 by id_token_hint, which is nobody else's", async () => {
    const code = expectCode(await send(signedIn(), { scope: "openid" }), issuer.url);
    const { body } = await redeem(issuer, app.id, code);
    const id_token_hint = body.id_token;
    expectCode(await send(signedIn(), { id_token_hint }), issuer.url);
    expectError(await send(signedIn(), { id_token_hint: body.access_token }), issuer.url,
      "invalid_request");
    expectError(await send(signedIn(), { id_token_hint, ...subject(app.id) }), issuer.url,
      "invalid_request");
    const other = await makeUser(issuer);
    const another = plantSession(server.store, { user: other });
    expectSentTo(await send(another, { id_token_hint }), issuer.url, "sign-in", "login");
    expectError(await send(another, { id_token_hint, prompt: "none" }), issuer.url,
      "login_required");
    const elsewhere = await makeIssuer(server);
    const client = await makePublicClient(elsewhere);
    expectError(await authorize(elsewhere.url, request(client.id, { id_token_hint })),
      elsewhere.url, "invalid_request");
  });
});

describe("consent", () => {
  test("OIDC-Core-3.1.2.4 consent is asked for what is new, and by prompt consent", async () => {
    const client = await makePublicClient(issuer);
    const to = (more: Parameters = {}) =>
      authorize(issuer.url, request(client.id, more), signedIn());
    expectSentTo(await to(), issuer.url, "consent");
    expectError(await to({ prompt: "none" }), issuer.url, "consent_required");
    plantConsent(server.store, user, client.id, "openid ingest:read");
    expectCode(await to({ scope: "ingest:read" }), issuer.url);
    expectCode(await to({ scope: "openid ingest:read", prompt: "none" }), issuer.url);
    expectSentTo(await to({ scope: "ingest:read ingest:write" }), issuer.url, "consent");
    expectSentTo(await to(), issuer.url, "consent");
    expectSentTo(await to({ scope: "openid", prompt: "consent" }), issuer.url, "consent");
    // What he cannot have needs no consent, and is not given.
    expectCode(await to({ scope: "ingest:read iam:grants:create" }), issuer.url);
  });

  test("OIDC-Core-3.1.2.4 consent is not asked for by our own applications", async () => {
    const own = await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
      name: unique("own"), type: "authorization_code_pkce", redirect_uris: [BACK],
      first_party: true,
    });
    const member = await makeMember(issuer.tenant);
    const session = plantSession(server.store, { user: member });
    expectCode(await authorize(server.url, request(own.principal.id), session), server.url);
  });
});

describe("of the installation, a member of an organisation", () => {
  let client: Principal;
  beforeAll(async () => {
    client = (await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
      name: unique("app"), type: "authorization_code_pkce", redirect_uris: [BACK],
    })).principal;
  });
  const to = (sender: Sender, more: Parameters = {}) =>
    authorize(server.url, request(client.id, { scope: "openid", ...more }), sender);

  test("who belongs to one acts there, and is who he is there", async () => {
    const member = await makeMember(issuer.tenant);
    plantConsent(server.store, member, client.id, "openid");
    const session = plantSession(server.store, { user: member });
    const code = expectCode(await to(session), server.url);
    const reply = await fetch(`${server.url}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code", client_id: client.id, code, redirect_uri: BACK,
        code_verifier: VERIFIER,
      }),
    });
    const tokens = await reply.json() as { access_token: string };
    const claims = JSON.parse(
      Buffer.from(tokens.access_token.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({ sub: member.id, org: member.org, iss: server.url });
  });

  test("who belongs to several chooses, or the client names one", async () => {
    const member = await makeMember(issuer.tenant);
    const second = await makeOrg(server);
    const there = (await second.admin.post<ClientCreated>(`${second.path}/members`,
      { email: member.email })).principal;
    const session = plantSession(server.store, { user: member });
    expectSentTo(await to(session), server.url, "sign-in", "organisation");
    expectError(await to(session, { prompt: "none" }), server.url, "interaction_required");
    expectSentTo(await to(session, { organization: second.org.id }), server.url, "consent");
    plantConsent(server.store, there, client.id, "openid");
    expectCode(await to(session, { organization: second.org.id }), server.url);
    const only = plantSession(server.store, { user: member, only_org: second.org.id });
    expectCode(await to(only), server.url);
    expectError(await to(only, { organization: member.org, prompt: "none" }), server.url,
      "access_denied");
  });

  test("who is no member any more is told so, and can go back with the error", async () => {
    const member = await makeMember(issuer.tenant);
    plantConsent(server.store, member, client.id, "openid");
    const session = plantSession(server.store, { user: member });
    expectCode(await to(session), server.url);
    await issuer.tenant.admin.patch(`${issuer.tenant.path}/members/${member.id}`,
      { state: "suspended" });
    const answer = await to(session);
    expectPage(answer, 403);
    expect(answer.html).toContain("You have no access here");
    const link = /href="(https:\/\/app\.example\.org\/back\?[^"]*)"/.exec(answer.html)?.[1] ?? "";
    expect(new URL(link.replaceAll("&amp;", "&")).searchParams.get("error")).toBe("access_denied");
    expectError(await to(session, { prompt: "none" }), server.url, "access_denied");
  });

  test("a session of the installation opens no workspace, and no workspace's the installation",
    async () => {
      const member = await makeMember(issuer.tenant);
      const session = plantSession(server.store, { user: member });
      const renamed = `__Host-thingward-${issuer.workspace.id}=${session.value}`;
      expectSentTo(await send({ cookie: renamed }), issuer.url, "sign-in", "login");
      expectSentTo(await to({ cookie: `__Host-thingward=${signedIn().value}` }), server.url,
        "sign-in", "login");
    });
});

test("a code that is issued while its session ends is none", async () => {
  for (let round = 0; round < 10; round++) {
    const session = signedIn();
    const [answer] = await Promise.all([
      send(session),
      server.store.alter(
        `DELETE FROM sessions WHERE session = ${server.store.literal(session.id)}`),
    ]);
    if (answer.location?.searchParams.has("code"))
      expect((await redeem(issuer, app.id, answer.location.searchParams.get("code") ?? "")).body)
        .toMatchObject({ error: "invalid_grant" });
    else
      expectSentTo(answer, issuer.url, "sign-in", "login");
  }
});
