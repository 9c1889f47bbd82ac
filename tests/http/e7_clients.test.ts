// Clients of OAuth 2: what they are made with, shown as, changed to, and refused.
import { generateKeyPairSync } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { give, makeMachine, makeOrg, makeWorkspace, unique, workspaceNode } from
  "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Client, ClientCreated, Credential, Principal, Record_, Workspace } from
  "./harness/types.ts";

const server = useServer();
const BACK = "https://app.example.org/back";
let tenant: Tenant;
let workspace: Workspace;
let clients: string;

beforeAll(async () => {
  tenant = await makeOrg(server, "sensor-workspace");
  workspace = await makeWorkspace(tenant);
  clients = `/api/workspaces/${workspace.id}/clients`;
});

function make(draft: Record<string, unknown> = {}): Promise<ClientCreated> {
  return tenant.admin.post(clients, { name: unique("client"), ...draft });
}

const DEFAULTS = {
  kind: "application", state: "active", require_pkce: true, first_party: false,
  access_token_ttl_s: 600, refresh_token_idle_ttl_s: 14 * 86400,
  refresh_token_ttl_s: 90 * 86400, id_token_signed_response_alg: "ES256",
  post_logout_redirect_uris: [], jwks: null, jwks_uri: null, backchannel_logout_uri: null,
};

const TYPES: [string, Record<string, unknown>, Partial<Client>, boolean][] = [
  ["Authorization Code + PKCE, public",
    { type: "authorization_code_pkce", redirect_uris: [BACK] },
    { type: "authorization_code_pkce", redirect_uris: [BACK],
      token_endpoint_auth_method: "none" }, false],
  ["Authorization Code, confidential",
    { type: "authorization_code", redirect_uris: [BACK] },
    { type: "authorization_code", redirect_uris: [BACK],
      token_endpoint_auth_method: "client_secret_basic" }, true],
  ["Client Credentials", { type: "client_credentials" },
    { type: "client_credentials", redirect_uris: [],
      token_endpoint_auth_method: "client_secret_basic" }, true],
  ["Client Credentials where nothing is stated", {},
    { type: "client_credentials", redirect_uris: [],
      token_endpoint_auth_method: "client_secret_basic" }, true],
];

test.each(TYPES)("E7_clients: %s", async (_, draft, shown, secret) => {
  const made = await make(draft);
  expect(made.principal).toMatchObject({ ...DEFAULTS, workspace: workspace.id, ...shown });
  expect(await tenant.admin.get(`${clients}/${made.principal.id}`)).toEqual(made.principal);
  const listed = await tenant.admin.list<Client>(clients);
  expect(listed.find((one) => one.id === made.principal.id)).toEqual(made.principal);
  const credentials = `/api/workspaces/${workspace.id}/principals/${made.principal.id}/credentials`;
  if (secret) {
    expect(made.secret).toMatch(/^twc_[\w-]{50,}$/);
    expect((await tenant.admin.get<{ items: Credential[] }>(credentials)).items)
      .toEqual([made.credential]);
    // A second one goes before the first is revoked.
    const second = await tenant.admin.post<{ secret: string }>(credentials, { name: "second" });
    expect(second.secret).toMatch(/^twc_/);
  } else {
    expect([made.secret, made.credential]).toEqual([undefined, undefined]);
    expectProblem(await tenant.admin.request("POST", credentials, { name: "x" }), 409,
      "kind-has-no-secret");
  }
});

test("E7_clients: the secret is in no other answer, and calls nothing by itself", async () => {
  const { principal, secret } = await make();
  if (!secret) throw new Error("no secret");
  for (const path of [clients, `${clients}/${principal.id}`, `${tenant.path}/principals`,
    `${tenant.path}/records?limit=200`])
    expect((await tenant.admin.request("GET", path)).text).not.toContain(secret);
  expectProblem(await server.as(secret).request("GET", "/api/self"), 401);
});

const REFUSED: [string, Record<string, unknown>, string][] = [
  ["RFC6749-3.1.2.2 a public client without a redirect address",
    { type: "authorization_code_pkce" }, "redirect-uri-missing"],
  ["RFC6749-3.1.2.2 a confidential one without", { type: "authorization_code", redirect_uris: [] },
    "redirect-uri-missing"],
  ["client credentials with one", { type: "client_credentials", redirect_uris: [BACK] },
    "redirect-uri-unused"],
  ["client credentials with a place after logout", { post_logout_redirect_uris: [BACK] },
    "redirect-uri-unused"],
  ["RFC8252-8.5 a public client with a secret", { type: "authorization_code_pkce",
    redirect_uris: [BACK], token_endpoint_auth_method: "client_secret_basic" },
    "auth-method-unfit"],
  ["a confidential one with none", { type: "authorization_code", redirect_uris: [BACK],
    token_endpoint_auth_method: "none" }, "auth-method-unfit"],
  ["RFC8252-8.1 a public client without PKCE", { type: "authorization_code_pkce",
    redirect_uris: [BACK], require_pkce: false }, "pkce-required"],
  ["keys of one that does not sign", { jwks: { keys: [] } }, "jwks-unused"],
  ["one that signs, without keys", { token_endpoint_auth_method: "private_key_jwt" },
    "jwks-missing"],
  ["one that signs, with both", { token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [] }, jwks_uri: "https://app.example.org/jwks" }, "jwks-missing"],
  ["keys that verify nothing", { token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [{ kty: "EC", crv: "P-521", x: "AA", y: "AA" }] } }, "jwks-useless"],
  ["no keys", { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [] } },
    "jwks-useless"],
  ["a key with too much in it", { token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x${i}`, i]))] } },
    "jwk-malformed"],
  ["a symmetric key", { token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } }, "jwk-private"],
  ["keys over plain http", { token_endpoint_auth_method: "private_key_jwt",
    jwks_uri: "http://app.example.org/jwks" }, "invalid-uri"],
  ["OIDC-BackChannel-2.2 a notice over plain http",
    { backchannel_logout_uri: "http://app.example.org/out" }, "invalid-uri"],
  ["an idle life longer than the whole", { refresh_token_idle_ttl_s: 7200,
    refresh_token_ttl_s: 3600 }, "lifetime-unfit"],
  ["an access token of a minute less a second", { access_token_ttl_s: 59 }, "invalid-input"],
  ["one of a day and a second", { access_token_ttl_s: 86401 }, "invalid-input"],
  ["OIDC-Core-2 ID tokens that nobody signed", { id_token_signed_response_alg: "none" },
    "invalid-input"],
  ["a type that is none", { type: "implicit" }, "invalid-input"],
];

test.each(REFUSED)("E7_clients: %s is refused", async (_, draft, code) => {
  const before = await tenant.admin.list(clients);
  expectProblem(
    await tenant.admin.request("POST", clients, { name: unique("x"), ...draft }), 400, code);
  expect(await tenant.admin.list(clients)).toEqual(before);
});

test("E7_clients: first-party clients are the platform's alone", async () => {
  expectProblem(await tenant.admin.request("POST", clients,
    { name: unique("x"), first_party: true }), 409, "first-party-elsewhere");
  const at = "/api/orgs/platform/clients";
  const made = await server.operator.post<ClientCreated>(at, {
    name: unique("console"), type: "authorization_code", redirect_uris: [BACK],
    first_party: true,
  });
  expect(made.principal).toMatchObject(
    { org: "platform", workspace: null, first_party: true, type: "authorization_code" });
  expect(made.secret).toMatch(/^twc_/);
  const one = `${at}/${made.principal.id}`;
  expect(await server.operator.patch<Client>(one, { access_token_ttl_s: 60 }))
    .toMatchObject({ access_token_ttl_s: 60, first_party: true });
  expectProblem(await tenant.admin.request("GET", one), 404);
  expectProblem(await tenant.admin.request("POST", at, { name: "mine" }), 404);
  await server.operator.delete(one);
  expectProblem(await server.operator.request("GET", one), 404, "principal-not-found");
});

test("E7_clients: an organisation lists those of all its workspaces, and makes them there",
  async () => {
    const { principal } = await make();
    const all = await tenant.admin.list<Client>(`${tenant.path}/clients`);
    expect(all.map((one) => one.id)).toContain(principal.id);
    expect(all.every((one) => one.kind === "application")).toBe(true);
    expectProblem(await tenant.admin.request("POST", `${tenant.path}/clients`, { name: "x" }),
      409, "client-needs-workspace");
  });

const URIS_REFUSED = [
  "/back", "app.example.org/back", "https://", "https:///back", `${BACK}#top`,
  "https://me:pw@app.example.org/", "https://*.example.org/back", "https://app.example.org/*",
  "http://app.example.org/back", "http://localhost/back", "http://127.0.0.1.example.org/",
  "javascript:alert(1)", "data:text/html,x", "myapp:/back", "https://app.example.org/ back",
  "https://app.example.org/\u0000", "https://äpp.example.org/", `https://app.example.org/${
    "x".repeat(2048)}`, "",
];

test.each(URIS_REFUSED)("E7_clients: the redirect address %j is refused", async (uri) => {
  const answer = await tenant.admin.request("POST", clients,
    { name: unique("x"), type: "authorization_code_pkce", redirect_uris: [BACK, uri] });
  expect(answer.status, answer.text).toBe(400);
});

test("E7_clients: loopback and private schemes are for who may have them", async () => {
  const native = ["http://127.0.0.1/back", "http://[::1]:8080/back", "com.example.app:/back"];
  const { principal } = await make({ type: "authorization_code_pkce", redirect_uris: native });
  expect(principal.redirect_uris).toEqual(native);
  expectProblem(await tenant.admin.request("POST", clients,
    { name: unique("x"), type: "authorization_code", redirect_uris: ["com.example.app:/back"] }),
    400, "invalid-uri");
  const many = Array.from({ length: 33 }, (_, i) => `${BACK}/${i}`);
  expectProblem(await tenant.admin.request("POST", clients,
    { name: unique("x"), type: "authorization_code", redirect_uris: many }), 400);
});

test("E7_clients: one that signs shows its public keys, and has no secret", async () => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] };
  const made = await make({ token_endpoint_auth_method: "private_key_jwt", jwks });
  expect(made.principal).toMatchObject({ jwks, token_endpoint_auth_method: "private_key_jwt" });
  expect(made.secret).toBeUndefined();
  const one = `${clients}/${made.principal.id}`;
  const uri = "https://app.example.org/jwks";
  expect(await tenant.admin.patch(one, { jwks: null, jwks_uri: uri }))
    .toMatchObject({ jwks: null, jwks_uri: uri });
  // Back to secrets, of which one can then be issued.
  await tenant.admin.patch(one,
    { jwks_uri: null, token_endpoint_auth_method: "client_secret_basic" });
  await tenant.admin.post(
    `/api/workspaces/${workspace.id}/principals/${made.principal.id}/credentials`,
    { name: "first" });
});

test("E7_clients: of its keys, the one that verifies nothing is named", async () => {
  const good = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
    format: "jwk" });
  const refused = expectProblem(await tenant.admin.request("POST", clients, {
    name: unique("x"), token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [good, { ...good, use: "enc" }] } }), 400, "jwks-useless");
  expect(refused.detail).toContain("key number 2");
});

test("E7_clients: a change keeps what it does not state, and is in the records", async () => {
  const { principal } = await make({ type: "authorization_code", redirect_uris: [BACK] });
  const one = `${clients}/${principal.id}`;
  const other = ["https://other.example.org/back"];
  const changed = await tenant.admin.patch<Client>(one, { redirect_uris: other });
  expect(changed).toEqual({ ...principal, redirect_uris: other, changed: changed.changed });
  expect(changed.changed).toBeGreaterThan(principal.changed);
  expect((await tenant.admin.request("PATCH", one, { require_pkce: false },
    { "if-match": `"${principal.changed}"` })).status).toBe(412);
  expectProblem(await tenant.admin.request("PATCH", one, { type: "client_credentials" }), 409,
    "client-type-fixed");
  expectProblem(await tenant.admin.request("PATCH", one, { redirect_uris: [] }), 400,
    "redirect-uri-missing");
  expect(await tenant.admin.get(one)).toEqual(changed);
  const records = await tenant.admin.list<Record_>(
    `${tenant.path}/records?subject=${principal.id}&action=principals.update`);
  expect(records).toHaveLength(1);
  expect(records[0]?.before).toMatchObject({ redirect_uris: [BACK] });
  expect(records[0]?.after).toMatchObject({ redirect_uris: other });
});

test("E8_allow_lists: a client's are single permissions of both kinds, given and withdrawn",
  async () => {
    await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`, { name: "ingest:write" });
    const { principal } = await make({ permissions: ["ingest:write", "iam:scopes:read"] });
    const held = async () => (await tenant.admin.list<{ permission: string }>(
      `/api/workspaces/${workspace.id}/grants?holder=${principal.id}`))
      .map((grant) => grant.permission).toSorted();
    expect(await held()).toEqual(["iam:scopes:read", "ingest:write"]);
    await tenant.admin.delete(
      `/api/workspaces/${workspace.id}/principals/${principal.id}/permissions/ingest:write`);
    expect(await held()).toEqual(["iam:scopes:read"]);
    expectProblem(await tenant.admin.request("POST", clients,
      { name: unique("x"), permissions: ["ingest:read"] }), 400, "permission-unknown");
  });

test("E9_ttl: the life of access tokens is settable per client", async () => {
  const { principal } = await make({ access_token_ttl_s: 60 });
  expect(principal.access_token_ttl_s).toBe(60);
  expect(await tenant.admin.patch(`${clients}/${principal.id}`, { access_token_ttl_s: 86400 }))
    .toMatchObject({ access_token_ttl_s: 86400 });
});

test("E10_deletion: a deleted client is gone with its secrets", async () => {
  const { principal } = await make();
  const one = `${clients}/${principal.id}`;
  await tenant.admin.delete(one);
  expectProblem(await tenant.admin.request("GET", one), 404, "principal-not-found");
  expectProblem(await tenant.admin.request("GET",
    `/api/workspaces/${workspace.id}/principals/${principal.id}/credentials`), 404);
  expect((await tenant.admin.list<Principal>(clients)).map((each) => each.id))
    .not.toContain(principal.id);
});

test("E15_roles: an Admin makes and changes clients, others only read", async () => {
  const as = async (role: string) => {
    const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
    await give(tenant, machine.principal, role, workspaceNode(workspace));
    return server.as(machine.secret);
  };
  const admin = await as("sensor_admin");
  const { principal } = await admin.post<ClientCreated>(clients,
    { name: unique("c"), type: "authorization_code_pkce", redirect_uris: [BACK] });
  const one = `${clients}/${principal.id}`;
  for (const role of ["sensor_editor", "sensor_viewer"]) {
    const caller = await as(role);
    expect(await caller.get(one)).toEqual(principal);
    expectForbidden(await caller.request("PATCH", one, { redirect_uris: [BACK] }),
      "iam:clients:update");
    expectForbidden(await caller.request("DELETE", one), "iam:clients:delete");
    expectForbidden(await caller.request("POST", clients, { name: "x" }), "iam:clients:create");
  }
  expect(await admin.get(one)).toEqual(principal);
});
