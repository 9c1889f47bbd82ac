// Client credentials: the scopes that a client by itself is given, and what its tokens are.
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import { beforeAll, expect, test } from "vitest";
import { expectForbidden } from "./harness/api.ts";
import {
  basic, claimsOf, type Client, clientToken, discover, giveScope, INSECURE, type Issuer, makeIssuer,
  makeMachineClient, makeScope, type OAuthError, post, type Reply, type Tokens,
} from "./harness/oauth.ts";
import { useServer } from "./harness/server.ts";

const server = useServer();
let issuer: Issuer;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write", "ingest:read", "other:thing");
});

function ask(client: Client, scope?: string): Promise<Reply<Tokens & OAuthError>> {
  return post(`${issuer.url}/token`,
    { grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) },
    { authorization: basic(client) });
}

function sorted(scope: string | undefined): string[] {
  return (scope ?? "").split(" ").toSorted();
}

test("E8_client_credentials: a scope that was given is in the token that asks for it", async () => {
  const client = await makeMachineClient(issuer, "ingest:write", "ingest:read", "iam:devices:read");
  for (const scope of ["ingest:write", "ingest:read ingest:write", "iam:devices:read",
    "iam:devices:read ingest:read"]) {
    const tokens = await clientToken(issuer, client, scope);
    expect(sorted(tokens.scope)).toEqual(sorted(scope));
    expect(sorted(claimsOf(tokens.access_token)["scope"] as string)).toEqual(sorted(scope));
  }
});

test("E8_client_credentials: one scope that was not given refuses the whole request", async () => {
  const client = await makeMachineClient(issuer, "ingest:write", "iam:devices:read");
  for (const scope of ["other:thing", "ingest:write other:thing", "iam:devices:update",
    "no:such", "openid", "iam:*", "ingest:write openid", "INGEST:write"]) {
    const reply = await ask(client, scope);
    expect({ scope, status: reply.status, error: reply.body.error })
      .toEqual({ scope, status: 400, error: "invalid_scope" });
    expect(reply.body.access_token).toBeUndefined();
  }
});

test("E8_client_credentials: a client that was given nothing gets a token without scope",
  async () => {
    const client = await makeMachineClient(issuer);
    const tokens = await clientToken(issuer, client);
    expect(tokens.scope).toBeUndefined();
    expect(claimsOf(tokens.access_token)).not.toHaveProperty("scope");
    expect((await ask(client, "ingest:write")).body.error).toBe("invalid_scope");
  });

test("E8_client_credentials: without a request all that was given, of both kinds", async () => {
  const given = ["ingest:write", "other:thing", "iam:devices:read", "iam:resources:read"];
  const client = await makeMachineClient(issuer, ...given);
  const tokens = await clientToken(issuer, client);
  expect(sorted(tokens.scope)).toEqual(given.toSorted());
  expect(sorted(claimsOf(tokens.access_token)["scope"] as string)).toEqual(given.toSorted());
});

test("E8_client_credentials: a scope of another workspace is none here", async () => {
  const other = await makeIssuer(server, "far:away");
  const client = await makeMachineClient(issuer, "ingest:write");
  expect((await ask(client, "far:away")).body.error).toBe("invalid_scope");
  const stranger = await makeMachineClient(other, "far:away");
  // … and the client of another workspace is nobody here.
  const reply = await ask(stranger, "far:away");
  expect(reply.status).toBe(401);
  expect(reply.body.error).toBe("invalid_client");
});

test("E9_lifetimes: what is given and taken shows in the next token", async () => {
  const client = await makeMachineClient(issuer, "ingest:write");
  expect((await clientToken(issuer, client)).scope).toBe("ingest:write");
  const grant = await giveScope(issuer, client.principal, "ingest:read");
  expect(sorted((await clientToken(issuer, client)).scope))
    .toEqual(["ingest:read", "ingest:write"]);
  await issuer.tenant.admin.delete(`${issuer.tenant.path}/grants/${grant}`);
  expect((await clientToken(issuer, client)).scope).toBe("ingest:write");
  expect((await ask(client, "ingest:read")).body.error).toBe("invalid_scope");
});

test("E8_client_credentials: a strict client verifies the token offline", async () => {
  const client = await makeMachineClient(issuer, "ingest:write");
  for (const algorithm of ["oidc", "oauth2"] as const) {
    const as = await discover(issuer, algorithm);
    const response = await oauth.clientCredentialsGrantRequest(as, { client_id: client.id },
      oauth.ClientSecretBasic(client.secret), { scope: "ingest:write" }, INSECURE);
    const result = await oauth.processClientCredentialsResponse(
      as, { client_id: client.id }, response);
    const keys = jose.createRemoteJWKSet(new URL(as.jwks_uri ?? ""));
    const { payload } = await jose.jwtVerify(result.access_token, keys, {
      issuer: issuer.url, audience: issuer.workspace.id, typ: "at+jwt", algorithms: ["ES256"],
      requiredClaims: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    });
    expect(payload).toMatchObject(
      { sub: client.id, client_id: client.id, scope: "ingest:write" });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(result.expires_in);
  }
});

test("E4_catalogue: a client's token calls the API with exactly its scopes, here alone",
  async () => {
    await makeScope(issuer, "plain:scope");
    const at = `/api/workspaces/${issuer.workspace.id}`;
    const client = await makeMachineClient(
      issuer, "iam:workspaces:read", "iam:scopes:read", "iam:clients:read");
    const both = server.as((await clientToken(issuer, client)).access_token);
    expect((await both.request("GET", `${at}/scopes`)).status).toBe(200);
    expect((await both.request("GET", `${at}/clients`)).status).toBe(200);
    const some = "iam:clients:read iam:workspaces:read";
    const one = server.as((await clientToken(issuer, client, some)).access_token);
    expect((await one.request("GET", `${at}/clients`)).status).toBe(200);
    expectForbidden(await one.request("GET", `${at}/scopes`), "iam:scopes:read");
    const other = await makeIssuer(server);
    const foreign = `/api/workspaces/${other.workspace.id}/clients`;
    expect((await both.request("GET", foreign)).status).toBe(404);
  });
