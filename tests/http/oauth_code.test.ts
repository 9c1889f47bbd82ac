// The exchange of an authorization code: what it is bound to, what it gives, and that only once.
import { createHash } from "node:crypto";
import * as jose from "jose";
import { beforeAll, expect, test } from "vitest";
import {
  basic, type Client, claimsOf, type Issuer, makeConfidentialClient, makeIssuer, makeMachineClient,
  makePublicClient, type OAuthError, post, type Reply, type Tokens,
} from "./harness/oauth.ts";
import { BACK, makeUser, plantCode, redeem, refresh, VERIFIER } from "./harness/planted.ts";
import { useServer } from "./harness/server.ts";
import type { Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;
let user: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write", "ingest:read", "other:thing");
  app = await makePublicClient(issuer);
  user = await makeUser(issuer, "ingest:write", "ingest:read");
});

function expectRefused(reply: Reply<Tokens & OAuthError>, error = "invalid_grant"): void {
  expect({ status: reply.status, error: reply.body.error }, reply.text)
    .toEqual({ status: 400, error });
  expect(reply.body.access_token).toBeUndefined();
}

async function good(draft = {}, more: Record<string, string> = {}): Promise<Tokens> {
  const code = plantCode(issuer, { client: app.id, user, ...draft });
  const reply = await redeem(issuer, app.id, code, more);
  expect(reply.status, reply.text).toBe(200);
  return reply.body;
}

test("RFC6749-4.1.4 a code gives an access token and a refresh token, not to be kept", async () => {
  const code = plantCode(issuer, { client: app.id, user, scope: "ingest:write" });
  const reply = await redeem(issuer, app.id, code);
  expect(reply.status).toBe(200);
  expect(reply.headers.get("cache-control")).toBe("no-store");
  expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
  expect(reply.body).toMatchObject(
    { token_type: "Bearer", expires_in: 600, scope: "ingest:write" });
  expect(reply.body.refresh_token).toMatch(/^twr_/);
  expect(reply.body.id_token).toBeUndefined();
  expect(claimsOf(reply.body.access_token)).toMatchObject({
    iss: issuer.url, sub: user.id, client_id: app.id, scope: "ingest:write",
    aud: issuer.workspace.id,
  });
});

test("RFC6749-4.1.2 a code works once; the second use ends what the first gave", async () => {
  const code = plantCode(issuer, { client: app.id, user, scope: "openid" });
  const first = await redeem(issuer, app.id, code);
  expect(first.status).toBe(200);
  expectRefused(await redeem(issuer, app.id, code));
  expectRefused(await refresh(issuer, app.id, first.body.refresh_token ?? ""));
  const sessions = `/api/workspaces/${issuer.workspace.id}/sessions`;
  const sid = claimsOf(first.body.access_token)["sid"];
  const listed = await issuer.tenant.admin.list<{ id: string }>(sessions);
  expect(listed.map((one) => one.id)).not.toContain(sid);
});

test("RFC6749-4.1.2 of many who bring a code at once, one gets tokens at most", async () => {
  for (let round = 0; round < 5; round++) {
    const code = plantCode(issuer, { client: app.id, user });
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => redeem(issuer, app.id, code)));
    const won = replies.filter((reply) => reply.status === 200);
    expect(won.length).toBe(1);
    expectRefused(await refresh(issuer, app.id, won[0]?.body.refresh_token ?? ""));
  }
});

test("RFC6749-4.1.3 a code is its client's alone", async () => {
  const other = await makePublicClient(issuer);
  const code = plantCode(issuer, { client: app.id, user });
  expectRefused(await redeem(issuer, other.id, code));
  expect((await redeem(issuer, app.id, code)).status).toBe(200);
});

test("RFC6749-4.1.3 the redirect address is that of the request, byte for byte", async () => {
  for (const redirect_uri of ["", `${BACK}/`, "https://APP.example.org/back", `${BACK}?x=1`]) {
    const code = plantCode(issuer, { client: app.id, user });
    expectRefused(await redeem(issuer, app.id, code, { redirect_uri }));
  }
  // One that was not stated need not be, but has to be right if it is.
  await good({ redirect_stated: false }, { redirect_uri: "" });
  await good({ redirect_stated: false });
  const code = plantCode(issuer, { client: app.id, user, redirect_stated: false });
  expectRefused(await redeem(issuer, app.id, code, { redirect_uri: `${BACK}/other` }));
});

test("RFC7636-4.6 the verifier is that of the challenge", async () => {
  for (const code_verifier of ["", "a".repeat(43), `${VERIFIER}x`, "short", "x".repeat(129)]) {
    const code = plantCode(issuer, { client: app.id, user });
    expectRefused(await redeem(issuer, app.id, code, { code_verifier }));
  }
});

test("RFC9700-4.8.2 a verifier for a code without challenge is refused", async () => {
  const client = await makeConfidentialClient(issuer, { require_pkce: false });
  const without = (more: Record<string, string>): Promise<Reply<Tokens & OAuthError>> => {
    const code = plantCode(issuer, { client: client.id, user, verifier: null });
    return post(`${issuer.url}/token`,
      { grant_type: "authorization_code", code, redirect_uri: BACK, ...more },
      { authorization: basic(client) });
  };
  expectRefused(await without({ code_verifier: VERIFIER }));
  expect((await without({})).status).toBe(200);
});

test("RFC6749-4.1.2 a code ends after a minute", async () => {
  const code = plantCode(issuer, { client: app.id, user, age_s: 61 });
  expectRefused(await redeem(issuer, app.id, code));
});

test("RFC6749-3.2.1 a confidential client proves itself", async () => {
  const client: Client = await makeConfidentialClient(issuer);
  const code = plantCode(issuer, { client: client.id, user });
  const reply = await redeem(issuer, client.id, code);
  expectRefused(reply, "invalid_client");
  const proved = await post(`${issuer.url}/token`, {
    grant_type: "authorization_code", code, redirect_uri: BACK, code_verifier: VERIFIER,
  }, { authorization: basic(client) });
  expect(proved.status, proved.text).toBe(200);
});

test("RFC6749-5.2 a client of client credentials exchanges no code", async () => {
  const client = await makeMachineClient(issuer);
  const code = plantCode(issuer, { client: client.id, user });
  const reply = await post(`${issuer.url}/token`, {
    grant_type: "authorization_code", code, redirect_uri: BACK, code_verifier: VERIFIER,
  }, { authorization: basic(client) });
  expectRefused(reply, "unauthorized_client");
});

test("RFC6749-5.2 what is no code is invalid_grant, and nothing is invalid_request", async () => {
  expectRefused(await redeem(issuer, app.id, ""), "invalid_request");
  const code = plantCode(issuer, { client: app.id, user });
  for (const wrong of ["x", code.slice(0, -1), `${code}x`, code.replace("twg_", "twr_"),
    code.slice(0, -8) + "AAAAAAAA"])
    expectRefused(await redeem(issuer, app.id, wrong));
  const other = await makeIssuer(server);
  const elsewhere = await makePublicClient(other);
  expectRefused(await redeem(other, elsewhere.id, code));
});

test("RFC6749-3.3 what the user lacks is left out, and the scope tells so", async () => {
  const tokens = await good({ scope: "ingest:write other:thing openid no:such" });
  expect(tokens.scope).toBe("openid ingest:write");
  expect(claimsOf(tokens.access_token)["scope"]).toBe("openid ingest:write");
});

test("E2_invited: without a request for scopes, exactly those that were given", async () => {
  const tokens = await good({ scope: "openid" });
  expect(tokens.scope?.split(" ").toSorted()).toEqual(["ingest:read", "ingest:write", "openid"]);
});

test("OIDC-Core-3.1.3.3 with openid there is an ID token, signed as the client wants", async () => {
  for (const alg of ["ES256", "RS256"]) {
    const client = await makePublicClient(issuer, { id_token_signed_response_alg: alg });
    const code = plantCode(issuer, {
      client: client.id, user, scope: "openid profile email", nonce: "n-0S6_WzA2Mj",
      methods: "pwd otp mfa",
    });
    const reply = await redeem(issuer, client.id, code);
    expect(reply.status, reply.text).toBe(200);
    const keys = jose.createRemoteJWKSet(new URL(`${issuer.url}/jwks`));
    const { payload } = await jose.jwtVerify(reply.body.id_token ?? "", keys,
      { issuer: issuer.url, audience: client.id, algorithms: [alg] });
    expect(payload).toMatchObject({
      sub: user.id, azp: client.id, nonce: "n-0S6_WzA2Mj", acr: "urn:thingward:acr:2",
      amr: ["pwd", "otp", "mfa"], email: user.email, email_verified: true,
      sid: claimsOf(reply.body.access_token)["sid"],
    });
    expect(payload["auth_time"]).toEqual(expect.any(Number));
    const digest = await crypto.subtle.digest(
      "SHA-256", new TextEncoder().encode(reply.body.access_token));
    const half = Buffer.from(digest).subarray(0, 16).toString("base64url");
    expect(payload["at_hash"]).toBe(half);
  }
}, 20_000);

test("OIDC-Core-5.4 an ID token tells no more than the scopes and claims allow", async () => {
  const bare = claimsOf((await good({ scope: "openid" })).id_token ?? "");
  expect(bare).not.toHaveProperty("email");
  expect(bare).not.toHaveProperty("name");
  expect(bare).not.toHaveProperty("nonce");
  expect(bare).toMatchObject({ acr: "urn:thingward:acr:1", amr: ["email"] });
  const named = claimsOf((await good(
    { scope: "openid", claims: { id_token: { email: { essential: true } } } })).id_token ?? "");
  expect(named["email"]).toBe(user.email);
});

test("RFC8707-2.2 a resource is in the audience, and cannot be changed afterwards", async () => {
  const resource = "https://api.example.org/v1";
  const tokens = await good({ resource });
  expect(claimsOf(tokens.access_token)["aud"]).toEqual([issuer.workspace.id, resource]);
  const code = plantCode(issuer, { client: app.id, user, resource });
  expectRefused(await redeem(issuer, app.id, code, { resource: "https://other.example.org" }),
    "invalid_target");
  expect((await redeem(issuer, app.id, code, { resource })).status).toBe(200);
  for (const wrong of ["no-uri", "https://x.example.org/#part", "/relative"]) {
    expectRefused(await redeem(issuer, app.id,
      plantCode(issuer, { client: app.id, user }), { resource: wrong }), "invalid_target");
  }
  const next = await refresh(issuer, app.id, tokens.refresh_token ?? "");
  expect(claimsOf(next.body.access_token)["aud"]).toEqual([issuer.workspace.id, resource]);
});

test("RFC7636-4.1 a verifier has 43 to 128 characters of those that are unreserved", async () => {
  for (const verifier of ["a".repeat(43), "-._~".repeat(32), "Az09-._~".repeat(8)])
    await good({ verifier }, { code_verifier: verifier });
  for (const verifier of ["a".repeat(42), "a".repeat(129), `${"a".repeat(43)}=`,
    `${"a".repeat(43)} `, `${"a".repeat(43)}+`, `\u00e9${"a".repeat(43)}`]) {
    const code = plantCode(issuer, { client: app.id, user, verifier });
    expectRefused(await redeem(issuer, app.id, code, { code_verifier: verifier }));
  }
});

test("RFC7636-4.6 the challenge itself is no verifier, and neither is nothing", async () => {
  const challenge = createHash("sha256").update(VERIFIER).digest("base64url");
  for (const code_verifier of [challenge, VERIFIER.toUpperCase()]) {
    const code = plantCode(issuer, { client: app.id, user });
    expectRefused(await redeem(issuer, app.id, code, { code_verifier }));
  }
  const code = plantCode(issuer, { client: app.id, user });
  expectRefused(await post(`${issuer.url}/token`, {
    grant_type: "authorization_code", client_id: app.id, code, redirect_uri: BACK }));
});

test("RFC6749-4.1.3 a request that is refused for its form uses no code up", async () => {
  const code = plantCode(issuer, { client: app.id, user });
  const form = new URLSearchParams({ grant_type: "authorization_code", client_id: app.id, code,
    redirect_uri: BACK, code_verifier: VERIFIER });
  const twice = await post(`${issuer.url}/token`, `${form}&code=${code}`);
  expectRefused(twice, "invalid_request");
  expect((await redeem(issuer, app.id, code)).status).toBe(200);
});
