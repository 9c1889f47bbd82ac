// The keys that sign tokens: listed, rotated, withdrawn, over the API and by the command.
import * as jose from "jose";
import { beforeAll, expect, test } from "vitest";
import { expectForbidden, expectProblem, type Method, type Tenant } from "./harness/api.ts";
import { thingward } from "./harness/binary.ts";
import { give, makeMachine, makeOrg, makeWorkspace, workspaceNode } from "./harness/make.ts";
import { type Client, clientToken, type Issuer, issuerOf, makeClient, makeMachineClient } from
  "./harness/oauth.ts";
import { useServer } from "./harness/server.ts";
import { forger } from "./harness/signing.ts";
import { until } from "./harness/until.ts";

const server = useServer();

interface Key {
  id: string;
  algorithm: string;
  state: string;
  public_key: Record<string, unknown>;
  signs_since: string | null;
  retired_at: string | null;
}

let tenant: Tenant;
let issuer: Issuer;
let client: Client;
let keys: string;

beforeAll(async () => {
  tenant = await makeOrg(server, "sensor-workspace");
  issuer = await issuerOf(server, tenant, await makeWorkspace(tenant));
  client = await makeMachineClient(issuer, "iam:scopes:read");
  keys = `/api/workspaces/${issuer.workspace.id}/keys`;
});

async function list(): Promise<Key[]> {
  return (await tenant.admin.get<{ items: Key[] }>(keys)).items;
}

async function token(): Promise<string> {
  return (await clientToken(issuer, client)).access_token;
}

/** Whether the management API takes it. */
async function works(of: string): Promise<number> {
  return (await server.as(of).request("GET", `/api/workspaces/${issuer.workspace.id}/scopes`))
    .status;
}

function kid(of: string): string | undefined {
  return jose.decodeProtectedHeader(of).kid;
}

async function published(of = issuer): Promise<(string | undefined)[]> {
  const response = await fetch(`${of.url}/jwks`);
  return ((await response.json()) as jose.JSONWebKeySet).keys.map((key) => key.kid);
}

test("keys: the first is made when it is needed, and shown without what is secret", async () => {
  const first = await token();
  const [key, ...others] = await list();
  expect(others).toEqual([]);
  expect(key).toMatchObject({ id: kid(first), algorithm: "ES256", state: "signs",
    retired_at: null, public_key: { kty: "EC", crv: "P-256", kid: kid(first) } });
  expect(key?.public_key).not.toHaveProperty("d");
});

test("keys: rotated, the one before still proves what it signed, until it is withdrawn",
  async () => {
    const before = await token();
    const { items } = await tenant.admin.post<{ items: Key[] }>(`${keys}/rotate`, {});
    expect(items.map((key) => key.state).toSorted()).toEqual(["retired", "signs"]);
    const after = await token();
    expect(kid(after)).not.toBe(kid(before));
    expect(items.find((key) => key.id === kid(after))?.state).toBe("signs");
    expect([await works(before), await works(after)]).toEqual([200, 200]);
    expect((await published()).toSorted()).toEqual([kid(before), kid(after)].toSorted());
    expectProblem(await tenant.admin.request("DELETE", `${keys}/${kid(after)}`), 409, "key-signs");
    await tenant.admin.delete(`${keys}/${kid(before)}`);
    expect([await works(before), await works(after)]).toEqual([401, 200]);
    expect(await published()).toEqual([kid(after)]);
    expectProblem(await tenant.admin.request("DELETE", `${keys}/${kid(before)}`), 404,
      "signing-key-not-found");
  });

test("OIDC-Core-10.1.1 RS256: where no key was announced, the next is made when it is needed",
  async () => {
    const made = await makeClient(issuer, { id_token_signed_response_alg: "RS256" });
    const own = { principal: made.principal, id: made.principal.id, secret: made.secret ?? "" };
    const before = (await clientToken(issuer, own)).access_token;
    const { items } = await tenant.admin.post<{ items: Key[] }>(
      `${keys}/rotate`, { algorithm: "RS256" });
    expect(items.filter((key) => key.algorithm === "RS256").map((key) => key.state))
      .toEqual(["retired"]);
    const tokens = await Promise.all(
      Array.from({ length: 4 }, () => clientToken(issuer, own)));
    const [after, ...others] = new Set(tokens.map((each) => kid(each.access_token)));
    expect(others).toEqual([]);
    expect(after).not.toBe(kid(before));
    const set = jose.createRemoteJWKSet(new URL(`${issuer.url}/jwks`));
    for (const text of [before, tokens[0]?.access_token ?? ""])
      await jose.jwtVerify(text, set, { issuer: issuer.url, algorithms: ["RS256"] });
  });

test("keys: of an algorithm that nobody uses there is none to rotate", async () => {
  const elsewhere = `/api/workspaces/${(await makeWorkspace(tenant)).id}/keys`;
  const wanted = { algorithm: "RS256" };
  expectProblem(await tenant.admin.request("POST", `${elsewhere}/rotate`, wanted), 409,
    "no-signing-key");
  expectProblem(await tenant.admin.request("POST", `${keys}/rotate`, { algorithm: "HS256" }), 400);
});

test("E15_roles: an Admin rotates keys, an Editor and a Viewer see them", async () => {
  const [key] = await list();
  for (const role of ["sensor_editor", "sensor_viewer"]) {
    const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
    await give(tenant, machine.principal, role, workspaceNode(issuer.workspace));
    const caller = server.as(machine.secret);
    expect((await caller.get<{ items: Key[] }>(keys)).items).not.toEqual([]);
    const attempts: [Method, string][] =
      [["POST", `${keys}/rotate`], ["DELETE", `${keys}/${key?.id}`]];
    for (const [method, path] of attempts)
      expectForbidden(await caller.request(method, path), "iam:signing_keys:rotate");
  }
});

test("keys: those of the installation are the operator's", async () => {
  expect(await server.operator.get("/api/keys")).toMatchObject({ next: null });
  for (const [method, path] of
    [["GET", "/api/keys"], ["POST", "/api/keys/rotate"]] as [Method, string][])
    expectProblem(await tenant.admin.request(method, path), 404);
});

test("keys: rotated by the command, the server signs with another", async () => {
  const before = await token();
  await server.stop();
  const ran = await thingward(["keys", "rotate", ...server.store.options,
    "--workspace", issuer.workspace.id]);
  expect([ran.status, ran.stderr]).toEqual([0, ""]);
  expect(ran.stdout).toMatch(/^[0-9a-f-]{36} ES256 retired\n/m);
  expect(ran.stdout).toMatch(/^[0-9a-f-]{36} ES256 signs\n/m);
  for (const [options, says] of [
    [["--workspace", "x"], /'x' is not an identifier/],
    [["--workspace", tenant.org.id], /no such workspace/],
    [["--algorithm", "none"], /'none' is none of those/],
    [["--algorithm", "RS256"], /No key of this algorithm signs/],
  ] as const) {
    const refused = await thingward(["keys", "rotate", ...server.store.options, ...options]);
    expect([refused.status, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(says);
  }
  await server.start();
  const at = { ...issuer, url: `${server.url}/w/${issuer.workspace.id}` };
  const after = (await clientToken(at, client)).access_token;
  expect(kid(after)).not.toBe(kid(before));
  expect((await list()).find((key) => key.id === kid(before))?.state).toBe("retired");
});

/** Puts everything that happened to the keys of an issuer that many days into the past. */
async function pass(days: number, of: Issuer): Promise<void> {
  const us = `${days * 86_400}000000`;
  await server.stop();
  server.store.alter(`UPDATE signing_keys SET created_us = created_us - ${us}, activated_us =`
    + ` activated_us - ${us}, retired_us = retired_us - ${us}`
    + ` WHERE workspace = ${server.store.literal(of.workspace.id)}`);
  await server.start();
  of.url = `${server.url}/w/${of.workspace.id}`;
}

test("OIDC-Core-10.1.1 keys by schedule: announced first, and published until all has ended",
  async () => {
    const own = await issuerOf(server, tenant, await makeWorkspace(tenant));
    const machine = await makeMachineClient(own);
    const signing = async () => kid((await clientToken(own, machine)).access_token) ?? "";
    const before = await signing();
    await pass(84, own);
    await until("the next one to be announced", async () => (await published(own)).length === 2);
    const next = (await published(own)).find((one) => one !== before);
    expect(await signing()).toBe(before);
    await pass(7, own);
    await until("the next one to sign", async () => await signing() === next);
    expect((await published(own)).toSorted()).toEqual([before, next].toSorted());
    await pass(3, own);
    await until("the one before to be withdrawn", async () => (await published(own)).length === 1);
    expect([await published(own), await signing()]).toEqual([[next], next]);
  });

test("keys: at rest they are sealed", async () => {
  const { d } = forger(issuer).key.export({ format: "jwk" });
  const bytes = Buffer.from(d ?? "", "base64url");
  expect(bytes.length).toBe(32);
  for (const kept of server.store.contents())
    for (const form of [bytes, bytes.toString("hex"), d ?? ""])
      expect(kept.includes(form)).toBe(false);
});
