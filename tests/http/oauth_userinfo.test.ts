// UserInfo: what a client is told about the user who let it in.
import * as oauth from "oauth4webapi";
import { beforeAll, expect, test } from "vitest";
import {
  clientToken, discover, INSECURE, type Issuer, makeIssuer, makeMachineClient, makePublicClient,
  post,
} from "./harness/oauth.ts";
import { makeUser, plantCode, redeem } from "./harness/planted.ts";
import { useServer } from "./harness/server.ts";
import type { Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;
let user: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer);
  user = await makeUser(issuer, "ingest:write");
});

async function token(scope: string, more: Record<string, unknown> = {}): Promise<string> {
  const code = plantCode(issuer, { client: app.id, user, scope, ...more });
  return (await redeem(issuer, app.id, code)).body.access_token;
}

async function tell(
  bearer: string | undefined, method = "GET", at = issuer,
): Promise<{ status: number; challenge: string; body: Record<string, unknown> }> {
  const response = await fetch(`${at.url}/userinfo`, {
    method, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } });
  return {
    status: response.status, challenge: response.headers.get("www-authenticate") ?? "",
    body: await response.json() as Record<string, unknown>,
  };
}

test("OIDC-Core-5.3.1 by GET and by POST, the claims that the scopes allow", async () => {
  const all = { sub: user.id, email: user.email, email_verified: true, metadata: {} };
  for (const method of ["GET", "POST"]) {
    expect((await tell(await token("openid"), method)).body)
      .toEqual({ sub: user.id, metadata: {} });
    expect((await tell(await token("openid email"), method)).body).toEqual(all);
  }
  const named = await token("openid", { claims: { userinfo: { email: null } } });
  expect((await tell(named)).body).toEqual(all);
});

test("OIDC-Core-5.3.2 a strict client reads the answer", async () => {
  const as = await discover(issuer);
  const response = await oauth.userInfoRequest(
    as, { client_id: app.id }, await token("openid email"), INSECURE);
  const told = await oauth.processUserInfoResponse(as, { client_id: app.id }, user.id, response);
  expect(told.email).toBe(user.email);
});

test("E11_metadata: end-users read their own", async () => {
  const at = `/api/workspaces/${issuer.workspace.id}/end-users/${user.email}/metadata`;
  const kept = { plan: { seats: 3, tags: ["a", "b"] }, note: "text", ingest_context: null };
  for (const [key, value] of Object.entries(kept))
    await issuer.tenant.admin.put(`${at}/${key}`, JSON.stringify(value));
  expect((await tell(await token("openid"))).body["metadata"])
    .toEqual(kept);
  const other = await makeUser(issuer);
  const code = plantCode(issuer, { client: app.id, user: other, scope: "openid" });
  const theirs = (await redeem(issuer, app.id, code)).body.access_token;
  expect((await tell(theirs)).body["metadata"]).toEqual({});
  for (const key of Object.keys(kept)) await issuer.tenant.admin.delete(`${at}/${key}`);
});

test("E11_metadata: more than fits is left out, and that is told", async () => {
  const who = await makeUser(issuer);
  const at = `/api/workspaces/${issuer.workspace.id}/end-users/${who.email}/metadata`;
  for (let i = 0; i < 20; i++)
    await issuer.tenant.admin.put(`${at}/key${i}`, `"${"x".repeat(60_000)}"`);
  const code = plantCode(issuer, { client: app.id, user: who, scope: "openid" });
  const told = (await tell((await redeem(issuer, app.id, code)).body.access_token)).body;
  expect(told["metadata_complete"]).toBe(false);
  expect(Object.keys(told["metadata"] as object).length).toBeGreaterThan(10);
});

test("RFC6750-2.2 the token may come in the form, but not twice", async () => {
  const access_token = await token("openid");
  const form = await post<Record<string, unknown>>(`${issuer.url}/userinfo`, { access_token });
  expect(form.body["sub"]).toBe(user.id);
  const both = await post(`${issuer.url}/userinfo`, { access_token },
    { authorization: `Bearer ${access_token}` });
  expect({ status: both.status, error: both.body.error })
    .toEqual({ status: 400, error: "invalid_request" });
  const query = await fetch(`${issuer.url}/userinfo?access_token=${access_token}`);
  expect(query.status).toBe(401);
});

test("RFC6750-3 who sends nothing is told how, who sends something wrong that it is", async () => {
  const nothing = await tell(undefined);
  expect(nothing.status).toBe(401);
  expect(nothing.challenge).toBe('Bearer realm="thingward"');
  for (const wrong of ["x", "a.b.c", await token("openid") + "x"]) {
    const reply = await tell(wrong);
    expect(reply.status).toBe(401);
    expect(reply.challenge).toBe('Bearer realm="thingward", error="invalid_token"');
  }
  const elsewhere = await makeIssuer(server);
  expect((await tell(await token("openid"), "GET", elsewhere)).status).toBe(401);
});

test("RFC6750-3.1 a token without openid is not enough", async () => {
  const client = await makeMachineClient(issuer, "ingest:write");
  for (const bearer of [await token("ingest:write"),
    (await clientToken(issuer, client)).access_token]) {
    const reply = await tell(bearer);
    expect(reply.status).toBe(403);
    expect(reply.challenge)
      .toBe('Bearer realm="thingward", error="insufficient_scope", scope="openid"');
  }
});

test("E3_withdrawn: a user who is suspended is not told of", async () => {
  const who = await makeUser(issuer);
  const code = plantCode(issuer, { client: app.id, user: who, scope: "openid" });
  const bearer = (await redeem(issuer, app.id, code)).body.access_token;
  expect((await tell(bearer)).status).toBe(200);
  await issuer.tenant.admin.patch(
    `/api/workspaces/${issuer.workspace.id}/end-users/${who.id}`, { state: "suspended" });
  expect((await tell(bearer)).status).toBe(401);
});

test("OIDC-Core-5.3.2 an answer is JSON of what is known, kept by nobody, for any script",
  async () => {
    const response = await fetch(`${issuer.url}/userinfo`, { headers: {
      authorization: `Bearer ${await token("openid profile email", { claims: { userinfo: {
        phone_number: { essential: true }, picture: null } } })}`,
      origin: "https://app.example.org",
    } });
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const told = await response.json() as Record<string, unknown>;
    expect(told["sub"]).toBe(user.id);
    for (const value of Object.values(told)) expect(value).not.toBeNull();
    expect(told).not.toHaveProperty("phone_number");
  });
