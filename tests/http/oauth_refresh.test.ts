// Refresh tokens: each works once, what follows it, and what ends them all.
import { beforeAll, expect, test } from "vitest";
import {
  claimsOf, giveScope, type Issuer, makeConfidentialClient, makeIssuer, makePublicClient,
  type OAuthError, type Reply, type Tokens,
} from "./harness/oauth.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
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

interface Held extends Tokens {
  refresh_token: string;
}

async function begin(draft: Record<string, unknown> = {}, client = app, who = user): Promise<Held> {
  const code = plantCode(issuer, { client: client.id, user: who, ...draft });
  return held(await redeem(issuer, client.id, code));
}

function held(reply: Reply<Tokens & OAuthError>): Held {
  expect(reply.status, reply.text).toBe(200);
  expect(reply.body.refresh_token).toMatch(/^twr_/);
  return reply.body as Held;
}

function expectRefused(reply: Reply<Tokens & OAuthError>, error = "invalid_grant"): void {
  expect({ status: reply.status, error: reply.body.error }, reply.text)
    .toEqual({ status: 400, error });
  expect(reply.body.access_token).toBeUndefined();
  expect(reply.body.refresh_token).toBeUndefined();
}

/** Puts what happened to a family that many seconds into the past. */
function age(tokens: Tokens, seconds: number): void {
  const { store } = server;
  const sid = String(claimsOf(tokens.access_token)["sid"]);
  store.alter(`UPDATE families SET used_us = used_us - ${seconds}000000,`
    + ` expires_us = expires_us - ${seconds}000000 WHERE family = ${store.literal(sid)}`);
}

async function isListed(tokens: Tokens): Promise<boolean> {
  const listed = await issuer.tenant.admin.list<{ id: string }>(
    `/api/workspaces/${issuer.workspace.id}/sessions`);
  return listed.some((one) => one.id === claimsOf(tokens.access_token)["sid"]);
}

test("RFC6749-6 a refresh token gives another access token and its successor", async () => {
  let tokens = await begin({ scope: "ingest:write" });
  const seen = new Set<string>([tokens.refresh_token]);
  for (let i = 0; i < 5; i++) {
    const next = held(await refresh(issuer, app.id, tokens.refresh_token));
    expect(seen.has(next.refresh_token)).toBe(false);
    seen.add(next.refresh_token);
    expect(next.access_token).not.toBe(tokens.access_token);
    expect(next.scope).toBe("ingest:write");
    expect(claimsOf(next.access_token)["sid"]).toBe(claimsOf(tokens.access_token)["sid"]);
    expect(claimsOf(next.access_token)["jti"]).not.toBe(claimsOf(tokens.access_token)["jti"]);
    tokens = next;
  }
});

test("RFC6749-10.4 an answer that was lost is given again, with the same successor", async () => {
  const first = await begin();
  const lost = held(await refresh(issuer, app.id, first.refresh_token));
  const again = held(await refresh(issuer, app.id, first.refresh_token));
  expect(again.refresh_token).toBe(lost.refresh_token);
  const next = held(await refresh(issuer, app.id, again.refresh_token));
  expect(next.refresh_token).not.toBe(again.refresh_token);
});

test("RFC9700-4.14.2 a token that comes after its successor was used ends them all", async () => {
  const first = await begin();
  const second = held(await refresh(issuer, app.id, first.refresh_token));
  const third = held(await refresh(issuer, app.id, second.refresh_token));
  expectRefused(await refresh(issuer, app.id, first.refresh_token));
  expect(await isListed(first)).toBe(false);
  for (const dead of [third, second, first])
    expectRefused(await refresh(issuer, app.id, dead.refresh_token));
});

test("RFC9700-4.14.2 the token before, once the grace is over, ends them all", async () => {
  const first = await begin();
  const second = held(await refresh(issuer, app.id, first.refresh_token));
  age(first, 31);
  expectRefused(await refresh(issuer, app.id, first.refresh_token));
  expectRefused(await refresh(issuer, app.id, second.refresh_token));
});

test("RFC9700-4.14.2 one that was never given ends nothing", async () => {
  const tokens = await begin();
  const other = await begin();
  const made = tokens.refresh_token;
  for (const wrong of [`${made.slice(0, -1)}x`, made.slice(0, 40), "twr_", "x",
    other.access_token])
    expectRefused(await refresh(issuer, app.id, wrong));
  held(await refresh(issuer, app.id, tokens.refresh_token));
});

test("RFC6749-10.4 a refresh token is its client's alone", async () => {
  const other = await makePublicClient(issuer);
  const tokens = await begin();
  expectRefused(await refresh(issuer, other.id, tokens.refresh_token));
  const elsewhere = await makeIssuer(server);
  const client = await makePublicClient(elsewhere);
  expectRefused(await refresh(elsewhere, client.id, tokens.refresh_token));
  held(await refresh(issuer, app.id, tokens.refresh_token));
});

test("RFC6749-10.4 of many who bring a token at once, all get the same successor", async () => {
  const tokens = await begin();
  const replies = await Promise.all(
    Array.from({ length: 8 }, () => refresh(issuer, app.id, tokens.refresh_token)));
  const successors = new Set(replies.map((reply) => held(reply).refresh_token));
  expect(successors.size).toBe(1);
  held(await refresh(issuer, app.id, [...successors][0] ?? ""));
});

test("RFC6749-6 a refresh may ask for less, and never for more", async () => {
  const tokens = await begin({ scope: "ingest:write ingest:read" });
  const less = held(await refresh(issuer, app.id, tokens.refresh_token, { scope: "ingest:read" }));
  expect(less.scope).toBe("ingest:read");
  expect(claimsOf(less.access_token)["scope"]).toBe("ingest:read");
  for (const scope of ["other:thing", "ingest:read other:thing", "iam:devices:read", "openid"])
    expectRefused(await refresh(issuer, app.id, less.refresh_token, { scope }), "invalid_scope");
  // What was refused has used nothing up, and asking for less once loses nothing for good.
  const all = held(await refresh(issuer, app.id, less.refresh_token));
  expect(all.scope?.split(" ").toSorted()).toEqual(["ingest:read", "ingest:write"]);
});

test("E3_withdrawn: scopes given and taken show at the next refresh", async () => {
  const who = await makeUser(issuer, "ingest:write");
  let tokens = await begin({ scope: "ingest:write ingest:read" }, app, who);
  expect(tokens.scope).toBe("ingest:write");
  const grant = await giveScope(issuer, who, "ingest:read");
  tokens = held(await refresh(issuer, app.id, tokens.refresh_token));
  expect(tokens.scope?.split(" ").toSorted()).toEqual(["ingest:read", "ingest:write"]);
  await issuer.tenant.admin.delete(`${issuer.tenant.path}/grants/${grant}`);
  tokens = held(await refresh(issuer, app.id, tokens.refresh_token));
  expect(tokens.scope).toBe("ingest:write");
  // Asked for what he had once: not refused, but left out.
  tokens = held(await refresh(
    issuer, app.id, tokens.refresh_token, { scope: "ingest:write ingest:read" }));
  expect(tokens.scope).toBe("ingest:write");
});

test("E9_lifetimes: the lives are the client's", async () => {
  const client = await makePublicClient(issuer, {
    access_token_ttl_s: 120, refresh_token_idle_ttl_s: 3600, refresh_token_ttl_s: 5400 });
  let tokens = await begin({}, client);
  expect(tokens.expires_in).toBe(120);
  age(tokens, 3599);
  tokens = held(await refresh(issuer, client.id, tokens.refresh_token));
  age(tokens, 3601);
  expectRefused(await refresh(issuer, client.id, tokens.refresh_token));
  // However often it is used: at 90 minutes it ends.
  tokens = await begin({}, client);
  const sid = server.store.literal(String(claimsOf(tokens.access_token)["sid"]));
  server.store.alter(`UPDATE families SET ends_us = ends_us - 5380000000,`
    + ` created_us = created_us - 5380000000 WHERE family = ${sid}`);
  tokens = held(await refresh(issuer, client.id, tokens.refresh_token));
  const left = Number(server.store.value(
    `SELECT (expires_us - used_us) / 1000000 FROM families WHERE family = ${sid}`));
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(20);
});

test("E10_revocation: a client that is deleted refreshes nothing, and neither does its user",
  async () => {
    const client = await makePublicClient(issuer);
    const tokens = await begin({}, client);
    await issuer.tenant.admin.delete(`/api/workspaces/${issuer.workspace.id}/clients/${client.id}`);
    expectRefused(await refresh(issuer, client.id, tokens.refresh_token), "invalid_client");
  });

test("E14_sessions: an active session is listed, and dead at once when it is ended", async () => {
  const sessions = `/api/workspaces/${issuer.workspace.id}/sessions`;
  const tokens = await begin({ scope: "openid ingest:write" });
  const sid = String(claimsOf(tokens.access_token)["sid"]);
  const shown = (await issuer.tenant.admin.list<{ id: string }>(sessions))
    .find((one) => one.id === sid);
  expect(shown).toMatchObject({
    id: sid, principal: { id: user.id, email: user.email }, client: { id: app.id },
    scopes: ["openid", "ingest:write"],
  });
  await issuer.tenant.admin.delete(`${sessions}/${sid}`);
  expectRefused(await refresh(issuer, app.id, tokens.refresh_token));
  expect(await isListed(tokens)).toBe(false);
});

test("E14_sessions: who is suspended or deleted refreshes nothing, and starts afresh later",
  async () => {
    const who = await makeUser(issuer, "ingest:write");
    const at = `/api/workspaces/${issuer.workspace.id}/end-users/${who.id}`;
    const tokens = await begin({}, app, who);
    await issuer.tenant.admin.patch(at, { state: "suspended" });
    expectRefused(await refresh(issuer, app.id, tokens.refresh_token));
    await issuer.tenant.admin.patch(at, { state: "active" });
    expectRefused(await refresh(issuer, app.id, tokens.refresh_token));
    const fresh = await begin({}, app, who);
    await issuer.tenant.admin.delete(at);
    expectRefused(await refresh(issuer, app.id, fresh.refresh_token));
  });

test("RFC6749-6 a confidential client proves itself at each refresh", async () => {
  const client = await makeConfidentialClient(issuer);
  const code = plantCode(issuer, { client: client.id, user });
  const secret = { client_secret: client.secret };
  let tokens = held(await redeem(issuer, client.id, code, secret));
  expectRefused(await refresh(issuer, client.id, tokens.refresh_token), "invalid_client");
  expectRefused(await refresh(issuer, client.id, tokens.refresh_token,
    { client_secret: `${client.secret.slice(0, -4)}AAAA` }), "invalid_client");
  tokens = held(await refresh(issuer, client.id, tokens.refresh_token, secret));
  expectRefused(await refresh(issuer, app.id, tokens.refresh_token));
});

test("RFC6749-5.2 what is no refresh token is invalid_grant, and nothing is invalid_request",
  async () => {
    expectRefused(await refresh(issuer, app.id, ""), "invalid_request");
    const tokens = await begin();
    for (const scope of ["two  blanks", 'quo"te', " "])
      expectRefused(await refresh(issuer, app.id, tokens.refresh_token, { scope }),
        "invalid_scope");
    held(await refresh(issuer, app.id, tokens.refresh_token));
  });

test("RFC8707-2.2 a refresh is for the resource of the first token alone", async () => {
  const resource = "https://api.example.org/";
  const tokens = await begin({ resource });
  for (const other of ["https://other.example.org/", "https://api.example.org", "relative"])
    expectRefused(await refresh(issuer, app.id, tokens.refresh_token, { resource: other }),
      "invalid_target");
  const next = held(await refresh(issuer, app.id, tokens.refresh_token, { resource }));
  expect(claimsOf(next.access_token)["aud"]).toEqual([issuer.workspace.id, resource]);
});

test("RFC6749-10.10 what is secret of a token is 256 bits, none of which is always the same",
  async () => {
    const secrets = await Promise.all(Array.from({ length: 24 }, async () =>
      Buffer.from((await begin()).refresh_token.slice(4), "base64url").subarray(32, 64)));
    const ones = Array.from({ length: 256 }, (_, bit) => secrets.filter((secret) =>
      ((secret[bit >> 3] ?? 0) >> (bit & 7)) & 1).length);
    expect(secrets.every((secret) => secret.length === 32)).toBe(true);
    // Of fair coins that fall 24 times, all on one side is one in eight million, of 256 of them.
    expect(ones.filter((count) => count === 0 || count === 24)).toEqual([]);
  });
