// A4: groups of principals, whose grants reach whoever is in them.
import { beforeAll, expect, test } from "vitest";
import { allowed, may, orgAsked, subjectOf } from "./harness/access.ts";
import { expectForbidden, expectProblem, revisionOf, type Tenant } from "./harness/api.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  unique,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Group, Principal, Record_ } from "./harness/types.ts";

const server = useServer();
const ALL_KINDS = [
  "member", "end_user", "service_account", "api_key", "application", "gateway", "device",
] as const;
const NOBODY = "0190a0a0-0000-7000-8000-000000000000";
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
});

async function oneOfEachKind(): Promise<Principal[]> {
  const workspace = await makeWorkspace(tenant);
  const inWorkspace = ["end-users", "clients", "gateways", "devices"] as const;
  const made = [
    await makeMember(tenant),
    (await makeMachine(tenant, "service-accounts")).principal,
    (await makeMachine(tenant, "api-keys")).principal,
  ];
  for (const kind of inWorkspace)
    made.push((await makeInWorkspace(tenant, workspace, kind)).principal);
  return made;
}

/** Something that the principal can reach: its organisation, its workspace, or only itself. */
function placeOf(one: Principal): Entity {
  if (one.workspace === null) return orgAsked(tenant);
  const itself = one.confined ? one.resource : undefined;
  const { type, id } = itself ?? { type: "workspace", id: one.workspace };
  return { type, id, properties: { workspace: one.workspace } };
}

function path(group: Group, member?: Principal): string {
  const of = `${tenant.path}/groups/${group.id}`;
  return member ? `${of}/members/${member.id}` : of;
}

test("A4_groups: a group is created, shown, listed, changed and deleted", async () => {
  const name = unique("Équipe 東京");
  const made = await tenant.admin.post<Group>(`${tenant.path}/groups`, { name, description: "d" });
  expect(made).toMatchObject({ name, description: "d" });
  expect(await tenant.admin.get(path(made))).toEqual(made);
  const found = await tenant.admin.list<Group>(
    `${tenant.path}/groups?q=${encodeURIComponent(name.slice(0, 8))}`);
  expect(found).toEqual([made]);

  const renamed = unique("renamed");
  const changed = await tenant.admin.patch<Group>(path(made), { name: renamed });
  expect(changed).toMatchObject({ id: made.id, name: renamed, description: "d" });
  expect(changed.changed).toBeGreaterThan(made.changed);
  expect(await tenant.admin.get(path(made))).toEqual(changed);

  await tenant.admin.delete(path(made));
  expectProblem(await tenant.admin.request("GET", path(made)), 404, "group-not-found");
  expectProblem(await tenant.admin.request("DELETE", path(made)), 404, "group-not-found");
  const left = await tenant.admin.list<Group>(`${tenant.path}/groups`);
  expect(left.map((group) => group.id)).not.toContain(made.id);
});

test("A4_groups: bad names, taken names and stale changes are refused", async () => {
  const group = await makeGroup(tenant);
  const at = `${tenant.path}/groups`;
  for (const name of ["", " a", "a ", "a\u0007b", "x".repeat(129), "é".repeat(65), 7, null])
    expectProblem(await tenant.admin.request("POST", at, { name }), 400);
  expectProblem(await tenant.admin.request("POST", at, {}), 400);
  expectProblem(await tenant.admin.request("POST", at, { name: "a", members: [] }), 400);
  expectProblem(
    await tenant.admin.request("POST", at, { name: group.name }), 409, "group-name-taken");
  const other = await makeGroup(tenant);
  const taken = await tenant.admin.request("PATCH", path(other), { name: group.name });
  expectProblem(taken, 409, "group-name-taken");
  const stale = { "if-match": `"${group.changed}"` };
  await tenant.admin.patch(path(group), { description: "changed" });
  expectProblem(await tenant.admin.request("PATCH", path(group), { name: "late" }, stale), 412);
  expectProblem(await tenant.admin.request("DELETE", path(group), undefined, stale), 412);
  expect(await tenant.admin.get<Group>(path(group))).toMatchObject({ description: "changed" });
});

test("A4_groups: principals of every kind join, are listed, and leave", async () => {
  const everyone = await oneOfEachKind();
  const group = await makeGroup(tenant, ...everyone);
  const listed = await tenant.admin.list<Principal>(`${path(group)}/members`, 2);
  expect(listed.map((one) => one.id).toSorted()).toEqual(everyone.map((one) => one.id).toSorted());
  expect(new Set(listed.map((one) => one.kind))).toEqual(new Set(ALL_KINDS));
  const filtered = await tenant.admin.list<Principal>(
    `${tenant.path}/principals?group=${group.id}`);
  expect(filtered).toHaveLength(everyone.length);
  for (const one of everyone) {
    await tenant.admin.delete(path(group, one));
    await tenant.admin.delete(path(group, one));
  }
  expect(await tenant.admin.list(`${path(group)}/members`)).toEqual([]);
});

test("A4_groups: grants reach members of every kind as they join and leave", async () => {
  const everyone = await oneOfEachKind();
  const role = await makeRole(tenant, ["iam:groups:read"], { kinds: [...ALL_KINDS] });
  const group = await makeGroup(tenant);
  await give(tenant, group, role.id);
  for (const one of everyone) {
    const held = (): Promise<string[]> => allowed(
      tenant.admin, subjectOf(one), placeOf(one), ["iam:groups:read", "iam:groups:update"]);
    expect(await held(), one.kind).toEqual([]);
    await tenant.admin.put(path(group, one));
    expect(await held(), one.kind).toEqual(["iam:groups:read"]);
    await tenant.admin.delete(path(group, one));
    expect(await held(), one.kind).toEqual([]);
  }
});

test("A4_groups: grants that a group gets and loses reach those who are in it", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const account = await makeMachine(tenant, "service-accounts");
  const group = await makeGroup(tenant, key.principal, account.principal);
  const role = await makeRole(tenant, ["iam:roles:read"]);
  const calls = [server.as(key.secret), server.as(account.secret)];
  for (const call of calls)
    expectForbidden(await call.request("GET", `${tenant.path}/roles`), "iam:roles:read");

  const grant = await give(tenant, group, role.id);
  for (const call of calls) await call.get(`${tenant.path}/roles`);
  const access = await tenant.admin
    .get<{ roles: unknown[]; groups: unknown[]; truncated: boolean }>(
      `${tenant.path}/principals/${key.principal.id}/access`);
  expect(access.truncated).toBe(false);
  expect(access.groups).toEqual([{ id: group.id, name: group.name }]);
  expect(access.roles).toMatchObject([{ role: role.id, name: role.name, group: group.id }]);

  await tenant.admin.delete(`${tenant.path}/grants/${grant.id}`);
  for (const call of calls)
    expectForbidden(await call.request("GET", `${tenant.path}/roles`), "iam:roles:read");
});

test("A4_groups: deleting a group takes its grants away and leaves members their own", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const own = await makeRole(tenant, ["iam:groups:read"]);
  const shared = await makeRole(tenant, ["iam:roles:read"]);
  const first = await makeGroup(tenant, key.principal);
  const second = await makeGroup(tenant, key.principal);
  await give(tenant, key.principal, own.id);
  await give(tenant, first, shared.id);
  await give(tenant, second, shared.id);
  const both = ["iam:groups:read", "iam:roles:read"];
  const held = () => allowed(tenant.admin, subjectOf(key.principal), orgAsked(tenant), both);
  expect(await held()).toEqual(both);
  await tenant.admin.delete(path(first));
  expect(await held()).toEqual(both);
  await tenant.admin.delete(path(second));
  expect(await held()).toEqual(["iam:groups:read"]);
  expect(await tenant.admin.list(`${tenant.path}/grants?holder=${second.id}`)).toEqual([]);
});

test("A4_groups: a role for other kinds does not reach a member through the group", async () => {
  const role = await makeRole(tenant, ["iam:groups:read"], { kinds: ["member"] });
  const person = await makeMember(tenant);
  const key = await makeMachine(tenant, "api-keys");
  const group = await makeGroup(tenant, person, key.principal);
  await give(tenant, group, role.id);
  expect(await may(tenant, person, "iam:groups:read")).toBe(true);
  expect(await may(tenant, key.principal, "iam:groups:read")).toBe(false);
});

test("A4_groups: groups do not nest, and strangers cannot join", async () => {
  const [outer, inner] = [await makeGroup(tenant), await makeGroup(tenant)];
  const nest = `${path(outer)}/members/${inner.id}`;
  expectProblem(await tenant.admin.request("PUT", nest), 404, "principal-not-found");
  const nobody = `${path(outer)}/members/${NOBODY}`;
  expectProblem(await tenant.admin.request("PUT", nobody), 404, "principal-not-found");
  const member = await makeMember(tenant);
  const nowhere = `${tenant.path}/groups/${NOBODY}/members/${member.id}`;
  expectProblem(await tenant.admin.request("PUT", nowhere), 404, "group-not-found");
  expectProblem(await tenant.admin.request("PUT", `${path(outer)}/members/me`), 400);
});

test("A4_groups: each operation asks for its own permission", async () => {
  const group = await makeGroup(tenant);
  const member = await makeMember(tenant);
  const reader = await makeMachine(tenant, "api-keys", {
    roles: [(await makeRole(tenant, ["iam:groups:read"])).id],
  });
  const calls = server.as(reader.secret);
  await calls.get(path(group));
  const at = `${tenant.path}/groups`;
  const change = { name: unique("x") };
  expectForbidden(await calls.request("POST", at, change), "iam:groups:create");
  expectForbidden(await calls.request("PATCH", path(group), change), "iam:groups:update");
  expectForbidden(await calls.request("DELETE", path(group)), "iam:groups:delete");
  expectForbidden(await calls.request("PUT", path(group, member)), "iam:groups:update");
  expectForbidden(await calls.request("DELETE", path(group, member)), "iam:groups:update");
  const nobody = server.as((await makeMachine(tenant, "api-keys")).secret);
  expectForbidden(await nobody.request("GET", at), "iam:groups:read");
  expectForbidden(await nobody.request("GET", `${path(group)}/members`), "iam:groups:read");
  expectProblem(await server.as(undefined).request("GET", at), 401);
  expect(await tenant.admin.get(path(group))).toEqual(group);
});

test("A4_groups: only who could give a group's grants can add to it, or join", async () => {
  const role = await makeRole(
    tenant, ["iam:groups:update", "iam:groups:read", "iam:grants:create"]);
  const keeper = await makeMachine(tenant, "api-keys", { roles: [role.id] });
  const calls = server.as(keeper.secret);
  const friend = await makeMember(tenant);
  const [plain, strong] = [await makeGroup(tenant), await makeGroup(tenant)];
  await give(tenant, strong, (await makeRole(tenant, ["iam:roles:create"])).id);
  await calls.put(path(plain, friend));
  await calls.put(path(plain, keeper.principal));
  for (const who of [friend, keeper.principal]) {
    expectForbidden(
      await calls.request("PUT", path(strong, who)), undefined, "may-not-give");
    expect(await may(tenant, who, "iam:roles:create")).toBe(false);
  }
  // Nor the other way round: nobody raises a group that he is in.
  expectForbidden(await calls.request("POST", `${tenant.path}/grants`, {
    holder: { kind: "group", id: plain.id }, role: "owner",
    node: { kind: "organisation", id: tenant.org.id },
  }), undefined, "may-not-give");
  expect(await may(tenant, keeper.principal, "iam:roles:create")).toBe(false);
  expect(await tenant.admin.list(`${path(strong)}/members`)).toEqual([]);
});

test("A4_groups: joining twice is once, and every change is recorded", async () => {
  const member = await makeMember(tenant);
  const group = await makeGroup(tenant);
  const joined = revisionOf(await tenant.admin.request("PUT", path(group, member)));
  const again = revisionOf(await tenant.admin.request("PUT", path(group, member)));
  expect(again).toBe(joined);
  await tenant.admin.delete(path(group, member));
  await tenant.admin.delete(path(group));
  const records = await tenant.admin.list<Record_>(`${tenant.path}/records?subject=${group.id}`);
  expect(records.map((record) => record.action)).toEqual([
    "groups.delete", "groups.remove_member", "groups.add_member", "groups.create",
  ]);
  expect(records[2]?.after).toMatchObject({ principal: member.id });
  expect(records[1]?.before).toMatchObject({ principal: member.id });
});
