// A5: roles are reviewed, made, given to members, groups and machines, and taken back.
import { beforeAll, expect, test } from "vitest";
import { allowed, may, orgAsked, subjectOf } from "./harness/access.ts";
import { expectForbidden, expectProblem, revisionOf, type Tenant } from "./harness/api.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  orgNode, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Group, Principal, Role } from "./harness/types.ts";

const server = useServer();
const UNKNOWN = "0190a0a0-0000-7000-8000-000000000000";
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server, "organisation-access");
});

function draftFor(to: Principal | Group, role: string): Record<string, unknown> {
  return {
    holder: { kind: "kind" in to ? "principal" : "group", id: to.id },
    role,
    node: orgNode(tenant),
  };
}

function draftOf(role: Role, change: Partial<Role> = {}): Partial<Role> {
  const { name, title, description, kinds, exercises, gives } = role;
  return { name, title, description, kinds, exercises, gives, ...change };
}

test("A5_roles: the roles of the organisation are listed, and what each permits", async () => {
  const listed = await tenant.admin.list<Role>(`${tenant.path}/roles`, 2);
  const names = listed.map((role) => role.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(
    ["owner", "org_admin", "access_manager", "auditor", "org_member"]));
  for (const role of listed)
    expect(await tenant.admin.get(`${tenant.path}/roles/${role.id}`)).toEqual(role);
  const owner = listed.find((role) => role.name === "owner");
  expect(owner).toMatchObject({ system: true, exercises_all: true, gives_all: true });
  const auditor = listed.find((role) => role.name === "auditor");
  expect(auditor).toMatchObject({ system: true, exercises_all: false });
  expect(auditor?.exercises).toContain("iam:records:read");

  const readers = await tenant.admin.list<Role>(
    `${tenant.path}/roles?permission=iam:records:read`);
  const expected = listed.filter((role) =>
    role.exercises_all || role.exercises.includes("iam:records:read"));
  expect(readers.map((role) => role.name).toSorted())
    .toEqual(expected.map((role) => role.name).toSorted());
  expect(readers.length).toBeLessThan(listed.length);
  const found = await tenant.admin.list<Role>(`${tenant.path}/roles?q=audi`);
  expect(found.map((role) => role.name)).toEqual(["auditor"]);
});

test("A5_roles: a custom role is made beside the system roles, changed and deleted", async () => {
  const name = unique("custom");
  const made = await tenant.admin.post<Role>(`${tenant.path}/roles`, {
    name, kinds: ["member"], exercises: ["iam:groups:read", "iam:roles:read"],
  });
  expect(made).toMatchObject({
    name, title: name, system: false, kinds: ["member"], exercises_all: false, gives_all: false,
    workspace: null, ceiling: null,
  });
  expect(made.exercises.toSorted()).toEqual(["iam:groups:read", "iam:roles:read"]);
  expect(made.gives.toSorted()).toEqual(made.exercises.toSorted());

  const at = `${tenant.path}/roles/${made.id}`;
  const draft = draftOf(made, { exercises: ["iam:groups:read"], gives: [] });
  const changed = await tenant.admin.put<Role>(at, draft);
  expect(changed).toMatchObject({ id: made.id, exercises: ["iam:groups:read"], gives: [] });
  const stale = { "if-match": `"${made.changed}"` };
  expectProblem(await tenant.admin.request("PUT", at, draftOf(made), stale), 412);
  expectProblem(await tenant.admin.request("DELETE", at, undefined, stale), 412);
  expect(await tenant.admin.get(at)).toEqual(changed);
  await tenant.admin.delete(at);
  expectProblem(await tenant.admin.request("GET", at), 404, "role-not-found");
});

test("A5_roles: bad roles are refused and nothing is made of them", async () => {
  const at = `${tenant.path}/roles`;
  const before = (await tenant.admin.list(at)).length;
  const good = { name: unique("r"), kinds: ["member"], exercises: ["iam:groups:read"] };
  const refused = async (change: object, status = 400, code?: string): Promise<void> => {
    expectProblem(await tenant.admin.request("POST", at, { ...good, ...change }), status, code);
  };
  await refused({ exercises: ["iam:groups:reed"] }, 400, "permission-unknown");
  await refused({ gives: ["nothing:such"] }, 400, "permission-unknown");
  await refused({ exercises: ["iam"] });
  await refused({ exercises: ["iam:groups:read", "iam:groups:read"] });
  await refused({ kinds: [] });
  await refused({ kinds: ["robot"] });
  await refused({ name: "Has Blanks" });
  await refused({ name: "" });
  await refused({ system: true });
  await refused({ exercises_all: true });
  await refused({ name: "owner" }, 409);
  await refused({ name: "auditor" }, 409);
  await refused({ workspace: UNKNOWN }, 404, "workspace-not-found");
  await refused({ ceiling: { only: ["no such"] } });
  await refused({ ceiling: { only: [], except: [] } });
  expect(await tenant.admin.list(at)).toHaveLength(before);
});

test("A5_roles: given to a member, a group and machines, effective until taken back", async () => {
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const member = await makeMember(tenant);
  const account = (await makeMachine(tenant, "service-accounts")).principal;
  const key = (await makeMachine(tenant, "api-keys")).principal;
  const grouped = await makeMember(tenant);
  const group = await makeGroup(tenant, grouped);
  const pairs: [Principal | Group, Principal][] = [
    [member, member], [account, account], [key, key], [group, grouped],
  ];
  for (const [holder, who] of pairs) {
    expect(await may(tenant, who, "iam:groups:read")).toBe(false);
    const grant = await give(tenant, holder, role.id);
    expect(await may(tenant, who, "iam:groups:read")).toBe(true);
    const listed = await tenant.admin.list<Grant>(
      `${tenant.path}/grants?holder=${holder.id}&role=${role.id}`);
    expect(listed).toEqual([await tenant.admin.get(`${tenant.path}/grants/${grant.id}`)]);
    expect(listed[0]).toMatchObject({ role: role.id, role_name: role.name, permission: null });
  }
  const held = await tenant.admin.list<Grant>(`${tenant.path}/grants?role=${role.id}`);
  expect(held).toHaveLength(pairs.length);
  for (const [at, [, who]] of pairs.entries()) {
    const grant = held.find((one) => one.holder.id === pairs[at]?.[0].id);
    await tenant.admin.delete(`${tenant.path}/grants/${grant?.id}`);
    expect(await may(tenant, who, "iam:groups:read")).toBe(false);
  }
  const gone = await tenant.admin.request("DELETE", `${tenant.path}/grants/${held[0]?.id}`);
  expectProblem(gone, 404, "grant-not-found");
});

test("A5_roles: a role is refused to the kinds that it is not for", async () => {
  const workspace = await makeWorkspace(tenant);
  const everyone = [
    await makeMember(tenant),
    (await makeMachine(tenant, "service-accounts")).principal,
    (await makeMachine(tenant, "api-keys")).principal,
    (await makeInWorkspace(tenant, workspace, "end-users")).principal,
    (await makeInWorkspace(tenant, workspace, "clients")).principal,
    (await makeInWorkspace(tenant, workspace, "gateways")).principal,
    (await makeInWorkspace(tenant, workspace, "devices")).principal,
  ];
  for (const role of everyone.map((one) => one.kind)) {
    const made = await makeRole(tenant, ["iam:groups:read"], { kinds: [role] });
    for (const one of everyone) {
      const node = one.workspace === null ? orgNode(tenant) : workspaceNode(workspace);
      const draft = { ...draftFor(one, made.id), node };
      const answer = await tenant.admin.request("POST", `${tenant.path}/grants`, draft);
      if (one.kind === role) expect(answer.status, answer.text).toBe(201);
      else expectProblem(answer, 409, "role-not-for-kind");
    }
  }
});

test("A5_roles: unknown roles, holders and nodes are refused", async () => {
  const member = await makeMember(tenant);
  const at = `${tenant.path}/grants`;
  const good = draftFor(member, "auditor");
  const refused = async (change: object, status: number, code?: string): Promise<void> => {
    expectProblem(await tenant.admin.request("POST", at, { ...good, ...change }), status, code);
  };
  await refused({ role: "no_such_role" }, 404, "role-not-found");
  await refused({ role: UNKNOWN }, 404, "role-not-found");
  await refused({ holder: { kind: "principal", id: UNKNOWN } }, 404, "principal-not-found");
  await refused({ holder: { kind: "group", id: UNKNOWN } }, 404, "group-not-found");
  await refused({ holder: { kind: "group", id: member.id } }, 404, "group-not-found");
  await refused({ node: { kind: "workspace", id: UNKNOWN } }, 404, "workspace-not-found");
  await refused({ node: { kind: "organisation", id: UNKNOWN } }, 404);
  await refused({ node: { kind: "platform", id: null } }, 403, "permission-missing");
  await refused({ expires_at: "2020-01-01T00:00:00Z" }, 400, "expiry-passed");
  await refused({ permission: "iam:groups:read" }, 400);
  const { role: _, ...single } = good;
  expectProblem(await tenant.admin.request("POST", at, single), 400);
  const permission = { ...single, permission: "iam:groups:read" };
  expectProblem(await tenant.admin.request("POST", at, permission), 409, "permission-not-for-kind");
  const held = await tenant.admin.list<Grant>(`${at}?holder=${member.id}`);
  expect(held.map((grant) => grant.role_name)).toEqual(["org_member"]);
});

test("A5_roles: what a role carries changes for its holders at once", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const role = await makeRole(tenant, ["iam:groups:read"]);
  await give(tenant, key.principal, role.id);
  const both = ["iam:groups:read", "iam:guardrails:read"];
  const held = () => allowed(tenant.admin, subjectOf(key.principal), orgAsked(tenant), both);
  expect(await held()).toEqual(["iam:groups:read"]);
  const at = `${tenant.path}/roles/${role.id}`;
  await tenant.admin.put(at, draftOf(role, { exercises: both, gives: [] }));
  expect(await held()).toEqual(both);
  await server.as(key.secret).get(`${tenant.path}/guardrails`);
  await tenant.admin.put(at, draftOf(role, { exercises: ["iam:guardrails:read"], gives: [] }));
  expect(await held()).toEqual(["iam:guardrails:read"]);
  expectForbidden(
    await server.as(key.secret).request("GET", `${tenant.path}/groups`), "iam:groups:read");
  await tenant.admin.put(at, draftOf(role, { kinds: ["member"], exercises: both, gives: [] }));
  expect(await held()).toEqual([]);
});

test("A5_roles: a role in use cannot be deleted, and the same grant twice is one", async () => {
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const member = await makeMember(tenant);
  const draft = draftFor(member, role.name);
  const first = await tenant.admin.request<Grant>("POST", `${tenant.path}/grants`, draft);
  const second = await tenant.admin.request<Grant>("POST", `${tenant.path}/grants`, draft);
  expect(second.body.id).toBe(first.body.id);
  expect(revisionOf(second)).toBe(revisionOf(first));
  const at = `${tenant.path}/roles/${role.id}`;
  expectProblem(await tenant.admin.request("DELETE", at), 409, "role-in-use");
  expect(await may(tenant, member, "iam:groups:read")).toBe(true);
  await tenant.admin.delete(`${tenant.path}/grants/${first.body.id}`);
  await tenant.admin.delete(at);
});

test("A5_roles: a role given at a workspace holds there and not beside or above it", async () => {
  const [here, there] = [await makeWorkspace(tenant), await makeWorkspace(tenant)];
  const key = await makeMachine(tenant, "api-keys");
  const role = await makeRole(tenant, ["iam:workspaces:read", "iam:scopes:read"]);
  await give(tenant, key.principal, role.id, workspaceNode(here));
  const calls = server.as(key.secret);
  await calls.get(`/api/workspaces/${here.id}/scopes`);
  expectProblem(
    await calls.request("GET", `/api/workspaces/${there.id}/scopes`), 404, "workspace-not-found");
  const seen = await calls.list<{ id: string }>(`${tenant.path}/workspaces`);
  expect(seen.map((one) => one.id)).toEqual([here.id]);
  expect(await may(tenant, key.principal, "iam:scopes:read")).toBe(false);
});

test("A5_roles: nobody gives what he may not give, by a grant or by a role", async () => {
  const carried = [
    "iam:groups:read", "iam:roles:create", "iam:roles:update", "iam:roles:read",
    "iam:grants:create", "iam:grants:delete", "iam:grants:read",
  ];
  const own = await makeRole(tenant, carried);
  const giver = await makeMachine(tenant, "api-keys", { roles: [own.id] });
  const calls = server.as(giver.secret);
  const friend = await makeMember(tenant);
  const at = `${tenant.path}/grants`;
  for (const role of ["owner", "org_admin"])
    for (const who of [friend, giver.principal]) {
      const answer = await calls.request("POST", at, draftFor(who, role));
      expectForbidden(answer, undefined, "may-not-give");
    }
  const narrow = await calls.post<Role>(`${tenant.path}/roles`, {
    name: unique("narrow"), kinds: ["member", "api_key"], exercises: ["iam:groups:read"],
  });
  await calls.post(at, draftFor(friend, narrow.id));
  expect(await may(tenant, friend, "iam:groups:read")).toBe(true);
  // Widening what is held is giving; so is widening what its holders may give on.
  const wide = `${tenant.path}/roles/${narrow.id}`;
  const more = ["iam:groups:read", "iam:orgs:update"];
  expectForbidden(
    await calls.request("PUT", wide, draftOf(narrow, { exercises: more, gives: [] })),
    "iam:orgs:update", "may-not-give");
  expectForbidden(
    await calls.request("PUT", wide, draftOf(narrow, { gives: more })),
    "iam:orgs:update", "may-not-give");
  expectForbidden(
    await calls.request("PUT", `${tenant.path}/roles/${own.id}`,
      draftOf(own, { exercises: [...carried, "iam:orgs:update"] })),
    "iam:orgs:update", "may-not-give");
  expect(await may(tenant, friend, "iam:orgs:update")).toBe(false);
  expect(await may(tenant, giver.principal, "iam:orgs:update")).toBe(false);
});

test("A5_roles: reviewing, making and giving are permissions of their own", async () => {
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const member = await makeMember(tenant);
  const grant = await give(tenant, member, role.id);
  const at = `${tenant.path}/roles`;
  const reader = await makeRole(tenant, ["iam:roles:read", "iam:grants:read"]);
  const calls = server.as((await makeMachine(tenant, "api-keys", { roles: [reader.id] })).secret);
  await calls.get(`${at}/${role.id}`);
  await calls.get(`${tenant.path}/grants/${grant.id}`);
  const draft = { ...draftOf(role), name: unique("r") };
  expectForbidden(await calls.request("POST", at, draft), "iam:roles:create");
  expectForbidden(await calls.request("PUT", `${at}/${role.id}`, draft), "iam:roles:update");
  expectForbidden(await calls.request("DELETE", `${at}/${role.id}`), "iam:roles:delete");
  expectForbidden(
    await calls.request("POST", `${tenant.path}/grants`, draftFor(member, role.id)),
    "iam:grants:create");
  expectForbidden(
    await calls.request("DELETE", `${tenant.path}/grants/${grant.id}`), "iam:grants:delete");
  const nobody = server.as((await makeMachine(tenant, "api-keys")).secret);
  expectForbidden(await nobody.request("GET", at), "iam:roles:read");
  expectForbidden(await nobody.request("GET", `${tenant.path}/grants`), "iam:grants:read");
});
