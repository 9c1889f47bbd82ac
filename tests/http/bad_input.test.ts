// What no client should send: each gets a clear answer, and nothing changes.
import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Answer, type Api, expectProblem, type Method, type Tenant } from "./harness/api.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  orgNode, workspaceNode,
} from "./harness/make.ts";
import { raw } from "./harness/raw.ts";
import { useServer } from "./harness/server.ts";
import type {
  Grant, Group, Guardrail, Page, Principal, PrincipalCreated, ResourceGroup, Role, Workspace,
} from "./harness/types.ts";

const server = useServer();

/** An organisation with one of each thing. */
interface World {
  tenant: Tenant;
  workspace: Workspace;
  group: Group;
  role: Role;
  member: Principal;
  key: PrincipalCreated & { secret: string };
  account: PrincipalCreated & { secret: string };
  client: Principal;
  endUser: Principal;
  gateway: Principal;
  device: Principal;
  rgroup: ResourceGroup;
  grant: Grant;
  guardrail: Guardrail;
}

async function makeWorld(): Promise<World> {
  const tenant = await makeOrg(server);
  const workspace = await makeWorkspace(tenant);
  const make = async (kind: "clients" | "end-users" | "gateways" | "devices") =>
    (await makeInWorkspace(tenant, workspace, kind)).principal;
  const group = await makeGroup(tenant);
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const member = await makeMember(tenant);
  await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`, { name: "data:read" });
  return {
    tenant, workspace, group, role, member,
    key: await makeMachine(tenant, "api-keys"),
    account: await makeMachine(tenant, "service-accounts"),
    client: await make("clients"),
    endUser: await make("end-users"),
    gateway: await make("gateways"),
    device: await make("devices"),
    rgroup: await tenant.admin.post<ResourceGroup>(
      `/api/workspaces/${workspace.id}/resource-groups`, { name: "one" }),
    grant: await give(tenant, group, role.name),
    guardrail: await tenant.admin.post<Guardrail>(`${tenant.path}/guardrails`, {
      name: "rail", node: orgNode(tenant), permissions: ["iam:orgs:delete"],
    }),
  };
}

let own: World;
let other: World;
let admin: Api;

beforeAll(async () => {
  own = await makeWorld();
  other = await makeWorld();
  admin = own.tenant.admin;
});

/** The newest change of every organisation that these tests know. */
async function heads(): Promise<unknown[]> {
  return [
    await admin.get(`${own.tenant.path}/records/head`),
    await other.tenant.admin.get(`${other.tenant.path}/records/head`),
    await server.operator.get("/api/orgs/platform/records/head"),
  ];
}

let before: unknown[];
beforeEach(async () => {
  before = await heads();
});
afterEach(async () => {
  expect(await heads()).toEqual(before);
});

/** Everything that a test asks for is refused in this way; the problems. */
async function expectEach(
  attempts: readonly (readonly [Method, string, unknown?])[],
  status: number,
  code?: string,
): Promise<void> {
  for (const [method, path, body] of attempts) {
    const answer = await admin.request(method, path, body);
    const what = `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`;
    expect(answer.status, what).toBe(status);
    expectProblem(answer, status, code);
  }
}

const org = (rest: string, world = own): string => `${world.tenant.path}/${rest}`;
const ws = (rest: string, world = own): string => `/api/workspaces/${world.workspace.id}/${rest}`;

describe("identifiers", () => {
  /** Of each thing that can be named: how it is asked for and changed, and its code. */
  const things: [string, (w: World) => string, (id: string) => [Method, string, unknown?][]][] = [
    ["organisation-not-found", (w) => w.tenant.org.id, (id) => [
      ["GET", `/api/orgs/${id}`], ["PATCH", `/api/orgs/${id}`, { name: "x" }],
      ["GET", `/api/orgs/${id}/groups`], ["POST", `/api/orgs/${id}/groups`, { name: "x" }],
      ["POST", `/api/orgs/${id}/api-keys`, { name: "x" }], ["GET", `/api/orgs/${id}/records`],
      ["PUT", `/api/orgs/${id}/blueprints/sensor-workspace`, {}],
    ]],
    ["workspace-not-found", (w) => w.workspace.id, (id) => [
      ["GET", `/api/workspaces/${id}`], ["DELETE", `/api/workspaces/${id}`],
      ["PATCH", `/api/workspaces/${id}`, { name: "x" }],
      ["PUT", `/api/workspaces/${id}/state`, { state: "suspended" }],
      ["POST", `/api/workspaces/${id}/clients`, { name: "x" }],
      ["POST", `/api/workspaces/${id}/devices`, { name: "x" }],
      ["GET", `/api/workspaces/${id}/gateways`],
      ["POST", `/api/workspaces/${id}/scopes`, { name: "a:b" }],
    ]],
    ["group-not-found", (w) => w.group.id, (id) => [
      ["GET", org(`groups/${id}`)], ["PATCH", org(`groups/${id}`), { name: "x" }],
      ["DELETE", org(`groups/${id}`)], ["GET", org(`groups/${id}/members`)],
      ["PUT", org(`groups/${id}/members/${own.member.id}`)],
      ["POST", org("api-keys"), { name: "x", groups: [id] }],
    ]],
    ["role-not-found", (w) => w.role.id, (id) => [
      ["GET", org(`roles/${id}`)], ["DELETE", org(`roles/${id}`)],
      ["PUT", org(`roles/${id}`), { name: "x", kinds: ["member"], exercises: [] }],
      ["POST", org("api-keys"), { name: "x", roles: [id] }],
      ["POST", org("grants"), {
        holder: { kind: "group", id: own.group.id }, role: id, node: orgNode(own.tenant) }],
    ]],
    ["grant-not-found", (w) => w.grant.id, (id) => [
      ["GET", org(`grants/${id}`)], ["DELETE", org(`grants/${id}`)],
    ]],
    ["guardrail-not-found", (w) => w.guardrail.id, (id) => [
      ["GET", org(`guardrails/${id}`)], ["DELETE", org(`guardrails/${id}`)],
      ["PUT", org(`guardrails/${id}`), {
        name: "x", node: orgNode(own.tenant), permissions: ["iam:orgs:read"] }],
    ]],
    ["principal-not-found", (w) => w.member.id, (id) => [
      ["GET", org(`members/${id}`)], ["DELETE", org(`members/${id}`)],
      ["GET", org(`principals/${id}`)], ["GET", org(`principals/${id}/access`)],
      ["PUT", org(`principals/${id}/reach`), { confined: true, groups: [] }],
      ["PUT", org(`principals/${id}/ceiling`), { ceiling: null }],
      ["POST", org(`principals/${id}/credentials`), { name: "x" }],
      ["PUT", org(`groups/${own.group.id}/members/${id}`)],
      ["POST", org("grants"), {
        holder: { kind: "principal", id }, role: own.role.id, node: orgNode(own.tenant) }],
      ["POST", org("workspaces"), { name: "x", owner: id }],
    ]],
    ["principal-not-found", (w) => w.device.id, (id) => [
      ["GET", ws(`devices/${id}`)], ["PATCH", ws(`devices/${id}`), { name: "x" }],
      ["DELETE", ws(`devices/${id}`)], ["GET", ws(`gateways/${id}`)],
      ["GET", ws(`principals/${id}/credentials`)],
    ]],
    ["resource-group-not-found", (w) => w.rgroup.id, (id) => [
      ["GET", ws(`resource-groups/${id}`)], ["DELETE", ws(`resource-groups/${id}`)],
      ["PUT", ws(`resource-groups/${id}/resources/device/x`)],
      ["POST", ws("gateways"), { name: "x", groups: [id] }],
      ["POST", ws("devices"), { name: "x", groups: [id] }],
      ["PUT", org(`principals/${own.gateway.id}/reach`), { confined: true, groups: [id] }],
    ]],
    ["credential-not-found", (w) => w.key.credential?.id ?? "", (id) => [
      ["DELETE", org(`principals/${own.key.principal.id}/credentials/${id}`)],
    ]],
    ["node-not-found", (w) => w.tenant.org.id, (id) => [
      ["POST", org("grants"), { holder: { kind: "group", id: own.group.id },
        role: own.role.id, node: { kind: "organisation", id } }],
    ]],
    ["workspace-not-found", (w) => w.workspace.id, (id) => [
      ["POST", org("grants"), { holder: { kind: "group", id: own.group.id },
        role: own.role.id, node: { kind: "workspace", id } }],
    ]],
  ];

  /** What the answer says, without what is of the one request. */
  function said(answer: Answer): unknown {
    const { request_id: _, ...rest } = expectProblem(answer, 404);
    return rest;
  }

  test.each(things.map((thing, i) => [`${i} ${thing[0]}`, thing] as const))(
    "foreign and unknown are the same: %s",
    async (_, [code, of, attempts]) => {
      const foreign = attempts(of(other));
      const unknown = attempts(randomUUID());
      for (const [i, [method, path, body]] of foreign.entries()) {
        const [, unknownPath, unknownBody] = unknown[i] ?? ["GET", ""];
        const answer = await admin.request(method, path, body);
        expectProblem(answer, 404, code);
        expect(said(await admin.request(method, unknownPath, unknownBody)), `${method} ${path}`)
          .toEqual(said(answer));
      }
    },
  );

  test("of another kind, of another workspace, or no identifier at all", async () => {
    await expectEach([
      ["GET", org(`members/${own.key.principal.id}`)],
      ["DELETE", org(`api-keys/${own.account.principal.id}`)],
      ["GET", ws(`gateways/${own.device.id}`)],
      ["GET", org(`groups/${own.member.id}`)],
      ["GET", ws("resources/device/nobody")],
      ["GET", org("members/00000000-0000-0000-0000-000000000000")],
    ], 404);
    await expectEach([
      ["GET", org("members/1")], ["GET", "/api/orgs/mine"], ["GET", "/api/workspaces/Platform"],
      ["GET", org("groups/%00")], ["GET", org("groups/%zz")], ["GET", org("groups/%ff%fe")],
    ].map(([method, path]) => [method as Method, path ?? ""] as const), 400);
    await expectEach([["GET", "/api/orgs/"], ["GET", "/api/nothing"], ["GET", org("groups/a/b/c")]],
      404, "no-such-path");
    const answer = await admin.request("PATCH", org("groups"), { name: "x" });
    expectProblem(answer, 405, "method-not-allowed");
    expect(answer.headers.get("allow")).toMatch(/GET.*POST/);
  });

  test("decisions about what is not there are denials", async () => {
    const ask = (subject: string, action: string, workspace: string) => admin.decide({
      subject: { type: "member", id: subject },
      action: { name: action },
      resource: { type: "workspace", id: workspace },
      context: { explain: true },
    });
    const { member, workspace } = own;
    expect(await ask(other.member.id, "iam:groups:read", workspace.id))
      .toMatchObject({ decision: false, context: { reason: "subject-unknown" } });
    expect(await ask(member.id, "iam:groups:read", other.workspace.id))
      .toMatchObject({ decision: false, context: { reason: "resource-unknown" } });
    expect(await ask(member.id, "no:such", workspace.id))
      .toMatchObject({ decision: false, context: { reason: "permission-unknown" } });
  });
});

describe("permissions, roles and times", () => {
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

  test("a permission that does not exist", async () => {
    const rail = { name: "x", node: orgNode(own.tenant) };
    await expectEach([
      ["POST", org("roles"), { name: "x", kinds: ["member"], exercises: ["no:such"] }],
      ["POST", org("roles"), {
        name: "x", kinds: ["member"], exercises: ["iam:groups:read"], gives: ["no:such"] }],
      ["PUT", org(`roles/${own.role.id}`), {
        name: own.role.name, kinds: ["member"], exercises: ["iam:groups:fly"] }],
      ["POST", org("guardrails"), { ...rail, permissions: ["iam:no:such"] }],
      // A scope is of its workspace alone.
      ["POST", org("roles"), { name: "x", kinds: ["member"], exercises: ["data:read"] }],
      ["PUT", ws(`principals/${own.client.id}/permissions/no:such`)],
      ["POST", ws("clients"), { name: "x", permissions: ["no:such"] }],
      ["POST", org("grants"), { holder: { kind: "principal", id: own.client.id },
        permission: "no:such", node: workspaceNode(own.workspace) }],
      ["PUT", org(`principals/${own.member.id}/ceiling`), { ceiling: { only: ["no:such"] } }],
    ], 400, "permission-unknown");
    await expectEach([
      ["POST", org("roles"), { name: "x", kinds: ["member"], exercises: ["nonsense"] }],
      ["POST", org("roles"), { name: "x", kinds: ["member"], exercises: ["IAM:Groups:Read"] }],
      ["POST", org("roles"), { name: "x", kinds: ["robot"], exercises: [] }],
      ["POST", ws("scopes"), { name: "iam:groups:read" }],
    ], 400, "invalid-input");
  });

  test("a role, or a permission, for another kind", async () => {
    const { id } = own.role;
    await expectEach([
      ["POST", ws("gateways"), { name: "x", roles: [id] }],
      ["POST", org("grants"), { holder: { kind: "principal", id: own.device.id }, role: id,
        node: workspaceNode(own.workspace) }],
    ], 409, "role-not-for-kind");
    await expectEach([
      ["POST", org("grants"), { holder: { kind: "principal", id: own.member.id },
        permission: "iam:groups:read", node: orgNode(own.tenant) }],
    ], 409, "permission-not-for-kind");
  });

  test("what has expired before it begins", async () => {
    const past = soon(-1000);
    const holder = { kind: "group", id: own.group.id };
    await expectEach([
      ["POST", org("grants"), {
        holder, role: own.role.id, node: orgNode(own.tenant), expires_at: past }],
      ["POST", org("api-keys"), { name: "x", expires_at: past }],
      ["POST", org("members"), { email: "late@example.com", expires_at: past }],
      ["POST", org(`principals/${own.key.principal.id}/credentials`),
        { name: "x", expires_at: "1970-01-01T00:00:00Z" }],
    ], 400, "expiry-passed");
    for (const expires_at of ["tomorrow", "2030-02-30T00:00:00Z", "2030-01-01", "", 1893456000,
      "2030-01-01T00:00:00", "2030-13-01T00:00:00Z"])
      await expectEach([["POST", org("api-keys"), { name: "x", expires_at }]], 400,
        "invalid-input");
  });

  test("what is suspended is shown, and neither changed nor used until it is active", async () => {
    const tenant = await makeOrg(server);
    before = await heads();
    const closed = await makeWorkspace(tenant);
    const path = `/api/workspaces/${closed.id}`;
    const suspended = await tenant.admin.put<Workspace>(`${path}/state`, { state: "suspended" });
    expect(await tenant.admin.get(path)).toEqual(suspended);
    expect(await tenant.admin.list(`${tenant.path}/workspaces`)).toContainEqual(suspended);
    for (const [method, body] of [["PATCH", { name: "x" }], ["DELETE", undefined]] as const)
      expectProblem(await tenant.admin.request(method, path, body), 409, "workspace-suspended");
    expectProblem(await tenant.admin.request("POST", `${path}/clients`, { name: "x" }), 404);
    const { secret } = await makeMachine(tenant, "api-keys");
    const stranger = server.as(secret);
    for (const method of ["GET", "DELETE"] as const)
      expectProblem(await stranger.request(method, path), 404, "workspace-not-found");
    expect(await tenant.admin.get(path)).toEqual(suspended);
    await tenant.admin.put(`${path}/state`, { state: "active" });
    await tenant.admin.delete(path);
    expectProblem(await tenant.admin.request("GET", path), 404, "workspace-not-found");
  });

  test("the last operator stays, and so does the last workspace", async () => {
    const self = await server.operator.get<{ id: string }>("/api/self");
    for (const [method, body] of [["DELETE"], ["PATCH", { state: "suspended" }]] as const) {
      const path = `/api/orgs/platform/api-keys/${self.id}`;
      expectProblem(await server.operator.request(method, path, body), 409, "last-operator");
    }
    expect(await server.operator.get("/api/self")).toEqual(self);
    const tenant = await makeOrg(server);
    before = await heads();
    const kept = await makeWorkspace(tenant);
    for (const one of await tenant.admin.list<Workspace>(`${tenant.path}/workspaces`))
      if (one.id !== kept.id) await tenant.admin.delete(`/api/workspaces/${one.id}`);
    expectProblem(await tenant.admin.request("DELETE", `/api/workspaces/${kept.id}`),
      409, "last-workspace");
    expect(await tenant.admin.get(`/api/workspaces/${kept.id}`)).toEqual(kept);
  });
});

describe("names", () => {
  const bad: [string, string][] = [
    ["empty", ""], ["blank", " "], ["a blank before", " x"], ["a blank after", "x "],
    ["a wide blank after", "x\u3000"], ["too long", "x".repeat(129)],
    ["too long in bytes", "ä".repeat(65)], ["a line feed", "a\nb"], ["NUL", "a\0b"],
    ["escape", "a\u001b[31mb"], ["delete", "a\u007fb"], ["C1 control", "a\u0085b"],
    ["not NFC", "Cafe\u0301"], ["a line separator", "a\u2028b"], ["invisible", "a\u200bb"],
    ["text that runs backwards", "a\u202eb"], ["half a surrogate pair", "a\ud800b"],
  ];

  test.each(bad)("%s", async (_, name) => {
    await expectEach([
      ["POST", org("groups"), { name }], ["POST", org("api-keys"), { name }],
      ["POST", org("service-accounts"), { name }], ["POST", org("workspaces"), { name }],
      ["POST", ws("clients"), { name }], ["POST", ws("gateways"), { name }],
      ["POST", ws("resource-groups"), { name }],
      ["POST", org("members"), { email: "someone@example.com", name }],
      ["PATCH", org(`groups/${own.group.id}`), { name }], ["PATCH", org("").slice(0, -1), { name }],
      ["PATCH", ws(`devices/${own.device.id}`), { name }],
      ["POST", org(`principals/${own.key.principal.id}/credentials`), { name }],
    ], 400);
  });

  test("slugs, addresses, ids of resources, descriptions", async () => {
    for (const name of ["", "Upper", "1st", "a b", "ä", "x".repeat(64), "a/b", "../x"]) {
      await expectEach([
        ["POST", org("roles"), { name, kinds: ["member"], exercises: [] }],
        ["POST", org("guardrails"),
          { name, node: orgNode(own.tenant), permissions: ["iam:orgs:read"] }],
      ], 400);
    }
    for (const email of ["", "nobody", "@example.com", "a@", "a b@example.com", "a@b@c.d",
      "a@example.com\n", `${"x".repeat(250)}@example.com`, "a\0@example.com"]) {
      await expectEach([
        ["POST", org("members"), { email }], ["POST", ws("end-users"), { email }],
      ], 400);
    }
    for (const id of ["", "x".repeat(257), "a\nb", "a\0b"])
      await expectEach([["POST", ws("devices"), { name: "x", id }]], 400);
    for (const description of ["x".repeat(1025), "a\0b", "a\u001bb", "e\u0301"])
      await expectEach([["POST", org("groups"), { name: "x", description }]], 400);
  });

  test("the longest and the strangest good ones are taken as they are", async () => {
    const tenant = await makeOrg(server);
    before = await heads();
    for (const name of ["x".repeat(128), "Café 温室 №1", "<script>alert(1)</script>", "'; DROP --"]) {
      const group = await tenant.admin.post<Group>(`${tenant.path}/groups`, { name });
      expect(group.name).toBe(name);
      expect(await tenant.admin.get(`${tenant.path}/groups/${group.id}`)).toEqual(group);
    }
  });
});

describe("bodies", () => {
  const malformed: [string, string][] = [
    ["nothing but blanks", "  "], ["half an object", '{"name":'], ["no end", '{"name":"x"'],
    ["two values", '{"name":"x"}{}'], ["a comma too many", '{"name":"x",}'],
    ["single quotes", "{'name':'x'}"], ["no quotes", "{name:1}"], ["a comment", '{"name":"x"}//'],
    ["a member twice", '{"name":"x","name":"y"}'],
    ["a member twice, escaped", '{"name":"x","n\\u0061me":"y"}'],
    ["a raw line feed in a text", '{"name":"a\nb"}'], ["an unknown escape", '{"name":"\\x41"}'],
    ["NUL in a text", '{"name":"a\\u0000b"}'], ["half a surrogate pair", '{"name":"\\ud800"}'],
    ["NaN", '{"name":NaN}'], ["a leading zero", '{"name":01}'], ["a huge number", '{"name":1e999}'],
    ["hexadecimal", '{"name":0x10}'], ["a byte order mark", '\ufeff{"name":"x"}'],
    ["nested too deeply", `{"name":${"[".repeat(5000)}${"]".repeat(5000)}}`],
    ["a text without end", '{"name":"x'], ["True", '{"name":True}'],
  ];

  const doors = (): [Method, string][] => [
    ["POST", org("groups")], ["PATCH", org(`groups/${own.group.id}`)],
    ["PUT", org("api-keys/by-name/x")], ["PUT", org("blueprints/sensor-workspace")],
    ["POST", org("grants")],
  ];

  test.each(malformed)("malformed JSON: %s", async (_, text) => {
    await expectEach(doors().map(([method, path]) => [method, path, text] as const), 400);
    for (const door of ["evaluation", "evaluations"]) {
      const answer = await admin.request("POST", `/access/v1/${door}`, text);
      expect([answer.status, typeof answer.body], answer.text).toEqual([400, "string"]);
    }
  });

  test("bytes that are no UTF-8", async () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      const body = Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bytes), Buffer.from('"}')]);
      const answer = await fetch(server.url + org("groups"), {
        method: "POST",
        headers: { authorization: `Bearer ${admin.secret}`, "content-type": "application/json" },
        body,
      });
      const problem = await answer.json() as { type: string };
      expect([answer.status, problem.type]).toEqual([400, "/problems/malformed-json"]);
    }
  });

  test("values of other types, unknown and missing members", async () => {
    for (const body of [null, [], "text", 1, true, {}, { name: null }, { name: 1 },
      { name: ["x"] }, { name: { x: 1 } }, { name: "x", description: null },
      { name: "x", nam: "y" }, { name: "x", id: randomUUID() }, { name: "x", __proto__x: 1 }])
      await expectEach([["POST", org("groups"), JSON.stringify(body)]], 400, "invalid-input");
    const holder = { kind: "group", id: own.group.id };
    const node = orgNode(own.tenant);
    const role = own.role.id;
    for (const body of [
      { holder, node }, { holder, node, role, permission: "iam:groups:read" },
      { holder: own.group.id, node, role }, { holder: { ...holder, extra: 1 }, node, role },
      { holder, node: { kind: "planet", id: node.id }, role }, { holder, node: {}, role },
      { holder, node, role, condition: {} }, { holder, node, role, condition: { all: [] } },
      { holder, node, role, condition: { all: [{ operator: "like" }] } },
    ]) await expectEach([["POST", org("grants"), body]], 400);
    const problem = expectProblem(
      await admin.request("POST", org("groups"), { name: "x", nam: "y" }), 400);
    expect(problem.detail).toMatch(/body\.nam/);
    const many = Array.from({ length: 33 }, (_, i) => `r${i}`);
    await expectEach([
      ["PATCH", org(`groups/${own.group.id}`), {}],
      ["POST", org("api-keys"), { name: "x", roles: ["a".repeat(64)] }],
      ["POST", org("api-keys"), { name: "x", roles: many }],
      ["POST", org("api-keys"), { name: "x", roles: [own.role.name, own.role.name] }],
    ], 400, "invalid-input");
  });

  test("a body where none is taken, none where one is needed", async () => {
    await expectEach([
      ["DELETE", org(`groups/${own.group.id}`), { sure: true }],
      ["PUT", org(`groups/${own.group.id}/members/${own.member.id}`), {}],
      ["POST", org("groups")],
    ], 400, "invalid-input");
  });

  test("larger than the limit", async () => {
    const padded = (bytes: number): string => JSON.stringify({ name: "x" }).padEnd(bytes);
    for (const bytes of [256 * 1024 + 1, 1024 * 1024])
      await expectEach([["POST", org("groups"), padded(bytes)]], 413, "body-too-large");
    const authorization = `Bearer ${admin.secret}`;
    for (const path of [org("groups"), "/access/v1/evaluation"]) {
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n`
        + "Content-Type: application/json\r\n";
      const counted = await raw(server.port,
        `${head}Content-Length: 1073741824\r\n\r\n`, { answers: 1 });
      expect(counted.statuses).toEqual([413]);
      const chunk = `10000\r\n${" ".repeat(65536)}\r\n`;
      const chunked = await raw(server.port, `${head}Transfer-Encoding: chunked\r\n\r\n`,
        { pieces: [...Array.from({ length: 17 }, () => chunk), "0\r\n\r\n"], answers: 1 });
      expect(chunked.statuses).toEqual([413]);
    }
    await expectEach([["POST", org("groups"), `{"name":"${"x".repeat(20_000)}"}`]], 400);
  });

  test("of another type", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "text/json",
      "application/jsonp", "application/merge-patch+json", "multipart/form-data; boundary=x", ""]) {
      const headers = { "content-type": type };
      expectProblem(await admin.request("POST", org("groups"), '{"name":"x"}', headers),
        415, "not-json");
      const asked = await admin.request("POST", "/access/v1/evaluation", "{}", headers);
      expect(asked.status).toBe(415);
    }
  });
});

describe("headers and parameters", () => {
  const paged = ["groups", "roles", "grants", "members", "api-keys", "records", "principals"];

  test("If-Match of an earlier state, and what is none", async () => {
    const path = org(`groups/${own.group.id}`);
    const attempt = (value: string) =>
      admin.request("PATCH", path, { name: "x" }, { "if-match": value });
    for (const value of [`"${own.group.changed + 1}"`, `"${own.group.changed - 1}"`, '"999999999"'])
      expectProblem(await attempt(value), 412, "changed-meanwhile");
    for (const value of [String(own.group.changed), `W/"${own.group.changed}"`, '""', '"x"',
      '"-1"', '"1", "2"', `"${"9".repeat(30)}"`, '"1'])
      expectProblem(await attempt(value), 400);
    expectProblem(await admin.request("DELETE", path, undefined, { "if-match": '"1"' }), 412);
    expect(await admin.get(path)).toEqual(own.group);
  });

  test("cursors that are none", async () => {
    for (const cursor of ["x", "AAAA", "!!", "a".repeat(65), "", "=".repeat(8),
      Buffer.from([2, ...new Uint8Array(16)]).toString("base64url")])
      await expectEach(paged.map((list) =>
        ["GET", `${org(list)}?cursor=${cursor}`] as const), 400);
  });

  test("parameters that are unknown, repeated or out of range", async () => {
    const queries = ["nonsense=1", "limit=0", "limit=201", "limit=-1", "limit=ten", "limit=1e2",
      "limit=", "limit=10&limit=10", "limit=99999999999999999999", "Limit=10", "=1"];
    await expectEach(paged.flatMap((list) =>
      queries.map((query) => ["GET", `${org(list)}?${query}`] as const)), 400);
    await expectEach([
      ["GET", `${org("grants")}?holder=me`], ["GET", `${org("principals")}?kind=robot`],
      ["GET", `${org("principals")}?state=tired`], ["GET", `${org("records")}?since=yesterday`],
      ["GET", `${org("records")}?action=DROP%20TABLE`], ["GET", `${org("records")}?actor=1`],
      ["GET", `${org("groups")}?q=`], ["POST", `${org("groups")}?preview=maybe`, { name: "x" }],
    ], 400);
    // What is no query at all is refused before anything of it is looked at.
    for (const query of ["cursor=%00", "limit=%zz", "limit=1%", "q=a%0"]) {
      const answer = await admin.request("GET", `${org("groups")}?${query}`);
      expect(answer.status, query).toBe(400);
      expect(answer.body).toMatchObject({ status: 400, detail: expect.stringMatching(/query/) });
    }
  });

  test("who calls is not proved", async () => {
    const good = admin.secret ?? "";
    const flipped = good.slice(0, -1) + (good.endsWith("A") ? "B" : "A");
    const nobody = server.as(undefined);
    const { detail } = expectProblem(await nobody.request("GET", org("groups")), 401);
    for (const value of ["", "Bearer", "Bearer ", `Basic ${good}`, good, `Bearer ${flipped}`,
      `Bearer ${good}x`, `Bearer ${good} x`, "Bearer twk_", `Bearer ${"x".repeat(4000)}`,
      `Bearer ${good.replace("twk_", "twd_")}`]) {
      const answer = await nobody.request("GET", org("groups"), undefined,
        { authorization: value });
      expect(expectProblem(answer, 401, "unauthenticated").detail, value).toBe(detail);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    }
    const twice = await raw(server.port, `GET ${org("groups")} HTTP/1.1\r\nHost: x\r\n`
      + `Authorization: Bearer ${good}\r\nAuthorization: Bearer ${good}\r\n\r\n`, { answers: 1 });
    expect(twice.statuses).toEqual([401]);
  });

});

describe("slow clients", () => {
  const quick = useServer({ args: ["--idle-timeout-s", "1"] });

  test("are let go, while others are answered", async () => {
    const head = "POST /api/orgs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      + `Authorization: Bearer ${quick.operator.secret}\r\n`;
    const slow = [
      raw(quick.port, "POST /api/or"),
      raw(quick.port, head),
      raw(quick.port, `${head}Content-Length: 20\r\n\r\n{"name":`),
      raw(quick.port, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"na`),
      raw(quick.port, ""),
    ];
    const count = async () =>
      (await quick.operator.get<Page<unknown>>("/api/orgs?limit=200")).items.length;
    const before = await count();
    for (const answer of await Promise.all(slow)) {
      expect(answer.closed).toBe(true);
      expect(answer.statuses.filter((status) => status < 400)).toEqual([]);
    }
    // The connection of before may be let go just now.
    expect(await count().catch(count)).toBe(before);
  });
});
