// Metadata and keys: where they are, what they say, and that it is so.
import * as client from "openid-client";
import { beforeAll, expect, test } from "vitest";
import { authorize, request } from "./harness/authorize.ts";
import {
  basic, claimsOf, clientToken, discover, type Issuer, makeIssuer, makeMachineClient,
  makePublicClient, makeScope, post,
} from "./harness/oauth.ts";
import { makeUser, plantCode, redeem } from "./harness/planted.ts";
import { useServer } from "./harness/server.ts";

const server = useServer();
let issuer: Issuer;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
});

type Metadata = Record<string, unknown>;
async function get(path: string): Promise<{ status: number; headers: Headers; body: Metadata }> {
  const response = await fetch(server.url + path);
  return {
    status: response.status, headers: response.headers, body: await response.json() as Metadata,
  };
}

test("RFC8414-3.1 metadata are inserted and appended, of both kinds, and the same", async () => {
  const id = issuer.workspace.id;
  const places = ["oauth-authorization-server", "openid-configuration"].flatMap((name) => [
    [issuer.url, `/.well-known/${name}/w/${id}`], [issuer.url, `/w/${id}/.well-known/${name}`],
    [server.url, `/.well-known/${name}`],
  ]);
  for (const [url, path] of places) {
    const { status, headers, body } = await get(path ?? "");
    expect({ path, status, issuer: body["issuer"] }).toEqual({ path, status: 200, issuer: url });
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    expect(headers.get("access-control-allow-origin")).toBe("*");
  }
  expect((await get(`/.well-known/openid-configuration/w/${id}`)).body)
    .toEqual((await get(`/w/${id}/.well-known/openid-configuration`)).body);
});

test("RFC8414-2 every value whose absence would mislead is stated", async () => {
  const at = (path: string): string => issuer.url + path;
  const { body } = await get(`/w/${issuer.workspace.id}/.well-known/openid-configuration`);
  const methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
  expect(body).toMatchObject({
    issuer: issuer.url,
    authorization_endpoint: at("/authorize"), token_endpoint: at("/token"),
    introspection_endpoint: at("/introspect"), revocation_endpoint: at("/revoke"),
    userinfo_endpoint: at("/userinfo"), jwks_uri: at("/jwks"),
    end_session_endpoint: at("/logout"),
    response_types_supported: ["code"], response_modes_supported: ["query", "form_post"],
    grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: [...methods, "none"],
    introspection_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: [...methods, "none"],
    token_endpoint_auth_signing_alg_values_supported: ["ES256", "RS256", "EdDSA"],
    request_parameter_supported: false, request_uri_parameter_supported: false,
    claims_parameter_supported: true, subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256", "RS256"],
    authorization_response_iss_parameter_supported: true,
    backchannel_logout_supported: true, backchannel_logout_session_supported: true,
    scopes_supported: ["openid", "profile", "email", "offline_access", "ingest:write"],
  });
});

test("RFC8414-2 what is stated is there", async () => {
  const { body } = await get(`/w/${issuer.workspace.id}/.well-known/openid-configuration`);
  for (const [name, value] of Object.entries(body)) {
    if (!/_endpoint$|_uri$/.test(name)) continue;
    expect((await fetch(String(value), { redirect: "manual" })).status, name).not.toBe(404);
  }
});

test("E1_scopes: a scope that is made or deleted shows in the metadata", async () => {
  await makeScope(issuer, "later:made");
  const path = `/w/${issuer.workspace.id}/.well-known/openid-configuration`;
  expect((await get(path)).body["scopes_supported"]).toContain("later:made");
  await issuer.tenant.admin.delete(`/api/workspaces/${issuer.workspace.id}/scopes/later:made`);
  expect((await get(path)).body["scopes_supported"]).not.toContain("later:made");
});

test.each([
  "/w/00000000-0000-7000-8000-000000000000", "/w/00000000-0000-0000-0000-000000000000", "/w/x",
  "/w/", "/w",
])("RFC8414-3.2 there is no issuer at %s", async (at) => {
  expect((await get(`${at}/.well-known/openid-configuration`)).status).toBe(404);
  expect((await get(`${at}/jwks`)).status).toBe(404);
  expect((await post(`${server.url}${at}/token`, { grant_type: "client_credentials" })).status)
    .toBe(404);
});

test("RFC8414-3.3 the issuer is named in one way alone", async () => {
  const upper = issuer.workspace.id.toUpperCase();
  expect((await get(`/w/${upper}/.well-known/openid-configuration`)).status).toBe(404);
  expect((await get(`/w/${upper}/jwks`)).status).toBe(404);
});

test("RFC7517-5 the keys are public ones, and no more", async () => {
  for (const at of ["", `/w/${issuer.workspace.id}`]) {
    const { headers, body } = await get(`${at}/jwks`);
    const keys = body["keys"] as Record<string, string>[];
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
      expect(key).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
    }
    expect(headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
    expect((await get(`${at}/jwks`)).body).toEqual(body);
  }
});

test("RFC7517-5 many who ask for the first keys at once see the same", async () => {
  const fresh = await makeIssuer(server);
  const replies = await Promise.all(
    Array.from({ length: 16 }, () => get(`/w/${fresh.workspace.id}/jwks`)));
  expect(new Set(replies.map((reply) => JSON.stringify(reply.body))).size).toBe(1);
});

test("RFC9728-3 metadata of the management API", async () => {
  const { body } = await get("/.well-known/oauth-protected-resource/api");
  expect(body).toMatchObject({
    resource: `${server.url}/api`, authorization_servers: [server.url],
    bearer_methods_supported: ["header"],
  });
  expect((await get("/.well-known/oauth-protected-resource")).body["resource"]).toBe(server.url);
});

test("RFC9700-2.6 scripts of any site may ask, without credentials of a browser", async () => {
  const preflight = await fetch(`${issuer.url}/token`, { method: "OPTIONS", headers: {
    origin: "https://app.example.org", "access-control-request-method": "POST" } });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
  expect(preflight.headers.get("access-control-allow-methods")).toBe("POST");
  expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
  const reply = await post(`${issuer.url}/token`, { grant_type: "x" });
  expect(reply.headers.get("access-control-allow-origin")).toBe("*");
  const get = await fetch(`${issuer.url}/token`);
  expect(get.status).toBe(405);
  expect(get.headers.get("allow")).toBe("POST");
});

test("OIDC-Discovery-4 openid-client discovers an issuer and gets a token there", async () => {
  const machine = await makeMachineClient(issuer, "ingest:write");
  const config = await client.discovery(new URL(issuer.url), machine.id, machine.secret, undefined,
    { execute: [client.allowInsecureRequests] });
  const tokens = await client.clientCredentialsGrant(config, { scope: "ingest:write" });
  expect(tokens.scope).toBe("ingest:write");
  const told = await client.tokenIntrospection(config, tokens.access_token);
  expect(told.active).toBe(true);
  await client.tokenRevocation(config, tokens.access_token);
  expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
  expect((await discover(issuer, "oauth2")).token_endpoint).toBe(`${issuer.url}/token`);
});

test("RFC8414-3.2 no list is empty, nothing is null, and nothing is signed by nobody", async () => {
  for (const kind of ["oauth-authorization-server", "openid-configuration"]) {
    for (const at of ["", `/w/${(await makeIssuer(server)).workspace.id}`]) {
      const { body } = await get(`${at}/.well-known/${kind}`);
      for (const [name, value] of Object.entries(body)) {
        expect(value, name).not.toBeNull();
        if (Array.isArray(value)) expect(value.length, name).toBeGreaterThan(0);
        if (name.includes("signing_alg")) expect(value).not.toContain("none");
      }
    }
  }
});

test("OIDC-Discovery-3 what every provider has to tell is told, RS256 among it", async () => {
  const { body } = await get(`/w/${issuer.workspace.id}/.well-known/openid-configuration`);
  for (const name of ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri",
    "response_types_supported", "subject_types_supported",
    "id_token_signing_alg_values_supported"]) expect(body).toHaveProperty(name);
  expect(body["id_token_signing_alg_values_supported"]).toContain("RS256");
  expect(body["scopes_supported"]).toContain("openid");
});

test("OIDC-Discovery-4.3 the issuer is byte for byte the same wherever it is named", async () => {
  const machine = await makeMachineClient(issuer, "ingest:write");
  const tokens = await clientToken(issuer, machine);
  const { body } = await get(`/w/${issuer.workspace.id}/.well-known/openid-configuration`);
  const told = await post<Metadata>(`${issuer.url}/introspect`, { token: tokens.access_token },
    { authorization: basic(machine) });
  const app = await makePublicClient(issuer);
  const refused = await authorize(issuer.url, request(app.id, { prompt: "none" }));
  const code = plantCode(issuer, { client: app.id, user: await makeUser(issuer), scope: "openid" });
  const users = (await redeem(issuer, app.id, code)).body;
  for (const named of [body["issuer"], told.body["iss"], claimsOf(tokens.access_token)["iss"],
    claimsOf(users.access_token)["iss"], claimsOf(users.id_token ?? "")["iss"],
    refused.location?.searchParams.get("iss")]) expect(named).toBe(issuer.url);
  for (const [name, value] of Object.entries(body))
    if (/_endpoint$|_uri$/.test(name))
      expect(String(value).slice(0, issuer.url.length + 1)).toBe(`${issuer.url}/`);
});

test("RFC9728-3.3 metadata of a resource name the resource that they were asked for", async () => {
  for (const path of ["", "/api"]) {
    const { status, headers, body } = await get(`/.well-known/oauth-protected-resource${path}`);
    expect([status, body["resource"]]).toEqual([200, server.url + path]);
    expect(headers.get("content-type")).toBe("application/json");
    const issuers = body["authorization_servers"] as string[];
    for (const url of issuers) {
      const known = await fetch(`${url}/.well-known/oauth-authorization-server`);
      expect((await known.json() as Metadata)["issuer"]).toBe(url);
    }
  }
  expect((await get("/.well-known/oauth-protected-resource/other")).status).toBe(404);
});

test("RFC9700-2.1.1 whether PKCE is there can be read, of each issuer", async () => {
  for (const at of ["", `/w/${issuer.workspace.id}`]) {
    const { body } = await get(`${at}/.well-known/oauth-authorization-server`);
    expect(body["code_challenge_methods_supported"]).toEqual(["S256"]);
  }
});
