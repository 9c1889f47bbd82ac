// Ways around the guard: what is carried comes into force without being given.
import { beforeAll, expect, test } from "vitest";
import { allowed, may, subjectOf } from "./harness/access.ts";
import { expectForbidden, expectProblem } from "./harness/api.ts";
import {
  ALL_KINDS, expectNothingGiven, makeCaller, makeWorkshop, STOP, type Workshop,
} from "./harness/giving.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeRole, makeWorkspace, orgNode,
  unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, PrincipalCreated, ResourceGroup } from "./harness/types.ts";

const server = useServer();
const SOON = new Date(Date.now() + 3_600_000).toISOString();
let shop: Workshop;

beforeAll(async () => {
  shop = await makeWorkshop(server);
});

async function strongKey(more: { expires_at?: string } = {}): Promise<Principal> {
  return (await makeMachine(shop, "api-keys", { roles: [shop.strong.name], ...more })).principal;
}

test("E6_attack: an expiry at the beginning of time is not an expiry taken away", async () => {
  const made = await makeMachine(shop, "service-accounts",
    { roles: [shop.strong.name], expires_at: SOON });
  const at = `${shop.path}/service-accounts/${made.principal.id}`;
  await shop.weak.api.request("PATCH", at, { expires_at: "1970-01-01T00:00:00Z" });
  const now = await shop.admin.get<Principal>(at);
  expect(now.expires_at).not.toBe(null);
});

test("E6_attack: a key that ends cannot put off its own end", async () => {
  const made = await makeMachine(shop, "service-accounts", { roles: [], expires_at: SOON });
  const role = await makeRole(shop, shop.usual);
  await give(shop, made.principal, role.name);
  const at = `${shop.path}/service-accounts/${made.principal.id}`;
  expectForbidden(await shop.as(made.secret).request("PATCH", at, { expires_at: null }));
  expectForbidden(await shop.as(made.secret).request("PATCH", at,
    { expires_at: new Date(Date.now() + 86_400_000).toISOString() }));
});

test("E6_attack: a role that bounds cannot stop bounding by being for others", async () => {
  const bound = await makeRole(shop, shop.usual,
    { ceiling: { only: shop.usual }, kinds: ["service_account", "member"] });
  const caller = await makeMachine(shop, "service-accounts", { roles: [bound.name] });
  const manage = await makeRole(shop, shop.usual, { kinds: ["service_account"] });
  await give(shop, caller.principal, manage.name);
  await give(shop, caller.principal, shop.strong.name, workspaceNode(shop.workspace));
  const here = { type: "workspace", id: shop.workspace.id };
  expect(await allowed(shop.admin, subjectOf(caller.principal), here, [STOP])).toEqual([]);
  const { id, ...rest } = bound;
  const answer = await shop.as(caller.secret).request("PUT", `${shop.path}/roles/${id}`, {
    name: rest.name, kinds: ["member"], exercises: rest.exercises, ceiling: rest.ceiling });
  expect(await allowed(shop.admin, subjectOf(caller.principal), here, [STOP])).toEqual([]);
  expectForbidden(answer);
});

test("B9_attack: a member gets no single permission through a group", async () => {
  const member = await makeMember(shop);
  const group = await makeGroup(shop, member);
  await shop.admin.request("POST", `${shop.path}/grants`,
    { holder: { kind: "group", id: group.id }, permission: STOP, node: orgNode(shop) });
  expect(await may(shop, member, STOP)).toBe(false);
});

test("E1_attack: a scope made anew is given to nobody who had the old one", async () => {
  const at = `/api/workspaces/${shop.workspace.id}`;
  const { principal } = await makeInWorkspace(shop, shop.workspace, "end-users", { roles: [] });
  const group = await makeGroup(shop, principal);
  await shop.admin.post(`${at}/scopes`, { name: "valve:turn", description: "" });
  await shop.admin.put(`${at}/principals/${principal.id}/permissions/valve:turn`);
  await shop.admin.request("POST", `${shop.path}/grants`, {
    holder: { kind: "group", id: group.id }, permission: "valve:turn",
    node: workspaceNode(shop.workspace) });
  await shop.admin.delete(`${at}/scopes/valve:turn`);
  await shop.admin.post(`${at}/scopes`, { name: "valve:turn", description: "other" });
  const here = { type: "workspace", id: shop.workspace.id };
  expect(await allowed(shop.admin, subjectOf(principal), here, ["valve:turn"])).toEqual([]);
});

test("E6_attack: a resource does not leave a guardrail by being made anew", async () => {
  const at = `/api/workspaces/${shop.workspace.id}`;
  const caller = await makeCaller(shop, shop.usual);
  const user = await makeMember(shop);
  await give(shop, user, shop.strong.name);
  const group = await shop.admin.post<ResourceGroup>(`${at}/resource-groups`,
    { name: unique("safe") });
  await shop.admin.post(`${shop.path}/guardrails`, { name: unique("no-stop"),
    node: { kind: "resource_group", id: group.id }, permissions: [STOP] });
  await shop.admin.post(`${at}/resources`, { type: "tool", id: "saw", groups: [group.id] });
  const saw = { type: "tool", id: "saw", properties: { workspace: shop.workspace.id } };
  expect(await allowed(shop.admin, subjectOf(user), saw, [STOP])).toEqual([]);
  const answer = await caller.api.request("DELETE", `${at}/resources/tool/saw`);
  await caller.api.request("POST", `${at}/resources`, { type: "tool", id: "saw" });
  expect(await allowed(shop.admin, subjectOf(user), saw, [STOP])).toEqual([]);
  expectForbidden(answer, STOP, "may-not-give");
});

test("E6_attack: nor does a device", async () => {
  const at = `/api/workspaces/${shop.workspace.id}`;
  const caller = await makeCaller(shop, shop.usual);
  const group = await shop.admin.post<ResourceGroup>(`${at}/resource-groups`,
    { name: unique("safe") });
  await shop.admin.post(`${shop.path}/guardrails`, { name: unique("no-stop"),
    node: { kind: "resource_group", id: group.id }, permissions: [STOP] });
  const made = await shop.admin.post<PrincipalCreated>(`${at}/devices`,
    { name: "pump", id: "pump", groups: [group.id], roles: [] });
  expectForbidden(
    await caller.api.request("DELETE", `${at}/devices/${made.principal.id}`), STOP, "may-not-give");
});

test("C7_attack: a hidden key is not shown among the members of a group, nor with its grants",
  async () => {
    const key = await strongKey();
    const group = await makeGroup(shop, key);
    const members = await shop.weak.api.list<{ id: string }>(
      `${shop.path}/groups/${group.id}/members`);
    expect(members.map((one) => one.id)).not.toContain(key.id);
    const grants = await shop.weak.api.list<Grant>(`${shop.path}/grants?holder=${key.id}`);
    expect(grants).toEqual([]);
  });

test("C7_attack: a hidden key is not there to be put into a group, out of it, or given a role",
  async () => {
    const key = await strongKey();
    const group = await makeGroup(shop, key);
    const other = await makeGroup(shop);
    const unknown = "0190a0a0-0000-7000-8000-000000000000";
    const attempts = (id: string) => [
      ["PUT", `${shop.path}/groups/${other.id}/members/${id}`, undefined],
      ["DELETE", `${shop.path}/groups/${group.id}/members/${id}`, undefined],
    ] as const;
    for (const id of [key.id, unknown])
      for (const [method, path, body] of attempts(id))
        expectProblem(await shop.weak.api.request(method, path, body), 404, "principal-not-found");
    const role = await makeRole(shop, ["iam:groups:read"]);
    for (const id of [key.id, unknown])
      expectProblem(await shop.weak.api.request("POST", `${shop.path}/grants`, {
        holder: { kind: "principal", id }, role: role.name, node: orgNode(shop) }),
      404, "principal-not-found");
  });

test("C9_attack: creating keys is not changing them", async () => {
  const creator = await makeCaller(shop, ["iam:api_keys:create", "iam:api_keys:read"]);
  const key = (await makeMachine(shop, "api-keys", { roles: [] })).principal;
  const at = `${shop.path}/api-keys/by-name/${key.name}`;
  expectForbidden(await creator.api.request("PUT", at, { state: "suspended" }),
    "iam:api_keys:update");
});

test("E6_attack: a bound that ends cannot be stepped over before its end", async () => {
  const tenant = { ...shop };
  const wide = await makeRole(tenant, [], { ceiling: { except: [] }, kinds: ALL_KINDS });
  await tenant.admin.put(`${tenant.path}/defaults/service_account`,
    { role: null, ceiling_role: wide.name });
  const narrow = await makeRole(tenant, [],
    { ceiling: { except: [STOP, "iam:records:read"] }, kinds: ["service_account"] });
  const caller = await makeCaller(tenant, [...shop.usual, STOP, "iam:records:read"]);
  await give(tenant, caller.principal, narrow.name, orgNode(tenant), { expires_at: SOON });
  const member = await makeMember(tenant);
  const role = await makeRole(tenant, ["iam:records:read"]);
  await expectNothingGiven(tenant, () => caller.api.request("POST", `${tenant.path}/grants`, {
    holder: { kind: "principal", id: member.id }, role: role.name, node: orgNode(tenant) }),
  "iam:records:read");
});

test("E6_attack: a workspace or a resource that is suspended can be brought back", async () => {
  const workspace = await makeWorkspace(shop);
  const at = `/api/workspaces/${workspace.id}`;
  await shop.admin.put(`${at}/state`, { state: "suspended" });
  await shop.admin.put(`${at}/state`, { state: "active" });
  await shop.admin.post(`${at}/resources`, { type: "tool", id: "drill" });
  await shop.admin.patch(`${at}/resources/tool/drill`, { state: "suspended" });
  await shop.admin.patch(`${at}/resources/tool/drill`, { state: "active" });
});

test("A6_attack: a secret that ends does not prolong itself by another", async () => {
  const made = await makeMachine(shop, "service-accounts", { roles: ["owner"] });
  const at = `${shop.path}/principals/${made.principal.id}/credentials`;
  const short = await shop.admin.post<{ secret: string }>(at, { name: "short", expires_at: SOON });
  const caller = shop.as(short.secret);
  expectForbidden(await caller.request("POST", at, { name: "long" }), undefined, "own-end");
  await caller.post(at, { name: "as-long", expires_at: SOON });
});
