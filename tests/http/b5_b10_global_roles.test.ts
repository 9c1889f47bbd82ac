// What the global roles govern, and that they are a ceiling over everything in the workspaces.
import { expect, test } from "vitest";
import { expectProblem, type Tenant } from "./harness/api.ts";
import { permissionNames } from "./harness/access.ts";
import { allowedOf, explainEach, inWorkspace, may, subjectOf } from "./harness/decide.ts";
import {
  give, makeGroup, makeMember, makeOrg, makeRole, makeWorkspace, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Grant, Permission, Principal, Workspace } from "./harness/types.ts";

const server = useServer();

/** System resources, as B5 names them, and the tenant's own affairs. */
const SYSTEM = [
  "global_models:create", "global_models:read", "global_models:update", "global_models:delete",
  "runtime_modules:read", "runtime_modules:manage", "audit_log:manage", "iam:records:read",
  "iam:orgs:update", "iam:members:create", "iam:members:delete", "iam:groups:update",
  "iam:defaults:update", "iam:blueprints:apply", "iam:offers:create",
];

function organisation(tenant: Tenant): Entity {
  return { type: "organisation", id: tenant.org.id };
}

function itself(workspace: Workspace): Entity {
  return { type: "workspace", id: workspace.id };
}

/** Moves a member to another global role. */
async function become(tenant: Tenant, member: Principal, role: string): Promise<void> {
  const path = `${tenant.path}/grants`;
  const held = await tenant.admin.list<Grant>(`${path}?holder=${member.id}&node=${tenant.org.id}`);
  await give(tenant, member, role);
  for (const grant of held) await tenant.admin.delete(`${path}/${grant.id}`);
}

test("B5_global: a superadmin exercises everything there is", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const names = await permissionNames(tenant);
  const subject = subjectOf(await makeMember(tenant, "superadmin"));
  expect(await allowedOf(tenant.admin, subject, names, organisation(tenant))).toEqual(names);
  const workspace = await makeWorkspace(tenant);
  expect(await allowedOf(tenant.admin, subject, names, itself(workspace))).toEqual(names);
});

test("B5_global: an admin everything but the audit log, which it reads", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const names = await permissionNames(tenant);
  expect(names).toContain("audit_log:manage");
  const subject = subjectOf(await makeMember(tenant, "global_admin"));
  const allowed = await allowedOf(tenant.admin, subject, names, organisation(tenant));
  expect(allowed).toEqual(names.filter((name) => name !== "audit_log:manage"));
  expect(allowed).toContain("iam:records:read");
});

test("B5_global: a member creates workspaces, and touches no system resource", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const subject = subjectOf(await makeMember(tenant, "global_member"));
  const names = await permissionNames(tenant);
  expect(await allowedOf(tenant.admin, subject, names, organisation(tenant))).toEqual([
    "iam:orgs:read", "iam:workspaces:create", "iam:roles:read", "iam:permissions:read",
    "iam:resource_types:read",
  ]);
});

test("B5_global: they govern the global models and runtime modules themselves", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const model = { type: "model", id: unique("model") };
  const runtime = { type: "runtime_module", id: unique("module") };
  for (const resource of [model, runtime])
    await tenant.admin.post(`${tenant.path}/resources`, resource);
  for (const [role, expected] of [["superadmin", true], ["global_admin", true],
    ["global_member", "no-grant"]] as const) {
    const subject = subjectOf(await makeMember(tenant, role));
    const answers = [
      await may(tenant.admin, subject, "global_models:update", model),
      await may(tenant.admin, subject, "runtime_modules:manage", runtime),
    ];
    expect([role, ...answers]).toEqual([role, expected, expected]);
  }
});

test("B5_global: a member may be given anything inside a workspace", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const member = await makeMember(tenant, "global_member");
  const owner = (await tenant.admin.list<{ name: string; exercises: string[] }>(
    `${tenant.path}/roles`)).find((one) => one.name === "workspace_owner");
  const inside = owner?.exercises ?? [];
  expect(inside.length).toBeGreaterThan(40);
  await give(tenant, member, "workspace_owner", workspaceNode(workspace));
  expect(await allowedOf(tenant.admin, subjectOf(member), inside, itself(workspace)))
    .toEqual(inside);
  // Scopes that the workspace defines later are inside it, too.
  const scope = `gate:${unique("open")}`;
  await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`, { name: scope });
  const role = await makeRole(tenant, [scope], { workspace: workspace.id });
  await give(tenant, member, role.id, workspaceNode(workspace));
  expect(await may(tenant.admin, subjectOf(member), scope, itself(workspace))).toBe(true);
});

test("B10_ceiling: no grant in a workspace exceeds the global role", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const member = await makeMember(tenant, "global_member");
  const role = await makeRole(tenant, [...SYSTEM, "models:use"], { kinds: ["member"] });
  await give(tenant, member, role.name, workspaceNode(workspace));
  const decisions = await explainEach(
    tenant.admin, subjectOf(member), SYSTEM, itself(workspace));
  for (const name of SYSTEM)
    expect([name, decisions.get(name)]).toMatchObject([name, {
      decision: false,
      context: { reason: "ceiling", condition: "ceiling", missing: name },
    }]);
  expect(await may(tenant.admin, subjectOf(member), "models:use", itself(workspace))).toBe(true);
});

test("B10_ceiling: nor one at the organisation, on a resource, or through a group", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const model = await tenant.admin.post<{ node_id: string }>(
    `/api/workspaces/${workspace.id}/resources`, { type: "model", id: "one" });
  const member = await makeMember(tenant, "global_member");
  const role = await makeRole(tenant, SYSTEM, { kinds: ["member"] });
  await give(tenant, member, role.name);
  await give(tenant, await makeGroup(tenant, member), role.name);
  await give(tenant, member, role.name, { kind: "resource", id: model.node_id });
  for (const asked of [organisation(tenant), itself(workspace),
    inWorkspace(workspace.id, "model", "one")])
    expect(await allowedOf(tenant.admin, subjectOf(member), SYSTEM, asked)).toEqual([]);
});

test("B10_ceiling: it rises and falls with the global role, at once", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const member = await makeMember(tenant, "global_member");
  const role = await makeRole(tenant, ["audit_log:manage", "global_models:read"],
    { kinds: ["member"] });
  await give(tenant, member, role.name, workspaceNode(workspace));
  const ask = async (): Promise<unknown[]> => [
    await may(tenant.admin, subjectOf(member), "audit_log:manage", itself(workspace)),
    await may(tenant.admin, subjectOf(member), "global_models:read", itself(workspace)),
  ];
  expect(await ask()).toEqual(["ceiling", "ceiling"]);
  await become(tenant, member, "global_admin");
  expect(await ask()).toEqual(["ceiling", true]);
  await become(tenant, member, "superadmin");
  expect(await ask()).toEqual([true, true]);
  await become(tenant, member, "global_member");
  expect(await ask()).toEqual(["ceiling", "ceiling"]);
});

test("B10_ceiling: who holds no global role is bounded all the same", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const { principal } = await tenant.admin.post<{ principal: Principal }>(
    `${tenant.path}/members`, { email: `${unique("new")}@example.com`, roles: [] });
  const role = await makeRole(tenant, ["audit_log:manage", "models:use"], { kinds: ["member"] });
  await give(tenant, principal, role.name, workspaceNode(workspace));
  const subject = subjectOf(principal);
  expect(await may(tenant.admin, subject, "audit_log:manage", itself(workspace))).toBe("ceiling");
  expect(await may(tenant.admin, subject, "models:use", itself(workspace))).toBe(true);
  const at = `${tenant.path}/grants?holder=${principal.id}`;
  // A ceiling that is given in a workspace bounds nothing and lifts nothing.
  await give(tenant, principal, "superadmin", workspaceNode(workspace));
  expect(await tenant.admin.list(at)).toHaveLength(2);
  expect(await may(tenant.admin, subject, "audit_log:manage", itself(workspace))).toBe("ceiling");
});

test("B10_ceiling: an expired global role no longer lifts it", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const member = await makeMember(tenant, "global_member");
  const role = await makeRole(tenant, ["global_models:read"], { kinds: ["member"] });
  await give(tenant, member, role.name);
  const condition = { all: [{ attribute: "context.on_call", operator: "eq", value: true }] };
  await give(tenant, member, "global_admin", undefined, { condition });
  const ask = (on_call: boolean) => tenant.admin.decide({
    subject: subjectOf(member), action: { name: "global_models:read" },
    resource: organisation(tenant), context: { on_call },
  });
  expect((await ask(true)).decision).toBe(true);
  expect((await ask(false)).decision).toBe(false);
});

test("B10_ceiling: a constraint of the whole platform holds for superadmins, too", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const subject = subjectOf(await makeMember(tenant, "superadmin"));
  const ask = () => may(tenant.admin, subject, "iam:blueprints:read", organisation(tenant));
  expect(await ask()).toBe(true);
  const path = "/api/orgs/platform/guardrails";
  const rail = await server.operator.post<{ id: string }>(path, {
    name: unique("rail"), node: { kind: "platform" }, kinds: ["member"],
    permissions: ["iam:blueprints:read"],
  });
  expect(await ask()).toBe("guardrail");
  // It is not the tenant's to lift.
  expectProblem(await tenant.admin.request(
    "DELETE", `${tenant.path}/guardrails/${rail.id}`), 404, "guardrail-not-found");
  expect(await ask()).toBe("guardrail");
  await server.operator.delete(`${path}/${rail.id}`);
  expect(await ask()).toBe(true);
});

test("B9_roles: a member gets roles, never a single permission", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const member = await makeMember(tenant, "global_member");
  const group = await makeGroup(tenant, member);
  const before = await tenant.admin.list(`${tenant.path}/grants`);
  for (const holder of [{ kind: "principal", id: member.id }, { kind: "group", id: group.id }]) {
    const answer = await tenant.admin.request("POST", `${tenant.path}/grants`,
      { holder, permission: "models:use", node: workspaceNode(workspace) });
    expectProblem(answer, 409, "permission-not-for-kind");
  }
  expectProblem(await tenant.admin.request("PUT",
    `/api/workspaces/${workspace.id}/principals/${member.id}/permissions/models:use`), 409);
  expect((await tenant.admin.request("POST", `${tenant.path}/members`,
    { email: `${unique("x")}@example.com`, permissions: ["models:use"] })).status).toBe(400);
  expect(await tenant.admin.list(`${tenant.path}/grants`)).toEqual(before);
  expect(await may(tenant.admin, subjectOf(member), "models:use", itself(workspace)))
    .toBe("no-grant");
});

test("B9_roles: a role is a named collection, and what it collects is what its holder has",
  async () => {
    const tenant = await makeOrg(server, "tenant-workspaces");
    const workspace = await makeWorkspace(tenant);
    const exercises = ["models:read", "deployments:use"];
    const role = await makeRole(tenant, exercises, { kinds: ["member"], title: "Tester" });
    const listed = await tenant.admin.list<Permission>(`${tenant.path}/permissions`);
    const holding = listed.filter((one) => one.roles.some(({ id }) => id === role.id));
    expect(holding.map((one) => one.name).toSorted()).toEqual(exercises.toSorted());
    const member = await makeMember(tenant, "global_member");
    await give(tenant, member, role.name, workspaceNode(workspace));
    const own = listed.filter((one) => one.origin !== "built-in").map((one) => one.name);
    expect((await allowedOf(tenant.admin, subjectOf(member), own, itself(workspace))).toSorted())
      .toEqual(exercises.toSorted());

    await tenant.admin.put(`${tenant.path}/roles/${role.id}`,
      { name: role.name, kinds: role.kinds, exercises: ["models:use"] });
    expect(await allowedOf(tenant.admin, subjectOf(member), own, itself(workspace)))
      .toEqual(["models:use"]);
  });

test("B9_roles: a grant is of a role or of a permission, not of both or none", async () => {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const holder = { kind: "principal", id: (await makeMember(tenant, "global_member")).id };
  const node = workspaceNode(workspace);
  for (const what of [{}, { role: "workspace_member", permission: "models:use" },
    { role: "" }, { permission: "models" }]) {
    const answer = await tenant.admin.request(
      "POST", `${tenant.path}/grants`, { holder, node, ...what });
    expectProblem(answer, 400);
  }
  expectProblem(await tenant.admin.request("POST", `${tenant.path}/grants`,
    { holder, node, role: "workspace_king" }), 404, "role-not-found");
});
