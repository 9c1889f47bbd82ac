// A tenant, its people, their workspaces, who is who in them, and what is inside.
import { expect, test } from "vitest";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { allowedOf, inWorkspace, may, subjectOf } from "./harness/decide.ts";
import {
  give, makeInWorkspace, makeMachine, makeMember, makeOrg, makeWorkspace, orgNode, unique,
  workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Grant, Principal, Workspace } from "./harness/types.ts";

const server = useServer();

const MODELS = ["models:read", "models:use", "models:manage"];
const DEPLOYMENTS = [
  "deployments:create", "deployments:read", "deployments:update", "deployments:delete",
  "deployments:use",
];
const KEYS = ["iam:api_keys:create", "iam:api_keys:read", "iam:api_keys:update",
  "iam:api_keys:delete"];
const INSIDE = [...MODELS, ...DEPLOYMENTS, ...KEYS, "iam:grants:create", "iam:workspaces:update"];
const OWNING = "iam:workspaces:delete";

interface Place {
  tenant: Tenant;
  workspace: Workspace;
  elsewhere: Workspace;
}

async function makePlace(): Promise<Place> {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const [workspace, elsewhere] = [await makeWorkspace(tenant), await makeWorkspace(tenant)];
  for (const type of ["model", "deployment"])
    await tenant.admin.post(`/api/workspaces/${workspace.id}/resources`, { type, id: "one" });
  return { tenant, workspace, elsewhere };
}

async function memberOf(place: Place, role: string): Promise<Principal> {
  const member = await makeMember(place.tenant, "global_member");
  await give(place.tenant, member, role, workspaceNode(place.workspace));
  return member;
}

function itself(workspace: Workspace): Entity {
  return { type: "workspace", id: workspace.id };
}

test("B1_tenant: the workspace's owner, admin and member are three different things", async () => {
  const place = await makePlace();
  const { tenant, workspace } = place;
  const asked = [...INSIDE, OWNING];
  const at = async (role: string): Promise<string[]> =>
    allowedOf(tenant.admin, subjectOf(await memberOf(place, role)), asked, itself(workspace));
  expect(await at("workspace_owner")).toEqual(asked);
  expect(await at("workspace_admin")).toEqual(INSIDE);
  expect(await at("workspace_member")).toEqual([
    "models:read", "models:use", "deployments:create", "deployments:read", "deployments:update",
    "deployments:use",
  ]);
});

test("B1_tenant: what holds in a workspace holds for what is in it", async () => {
  const place = await makePlace();
  const { tenant, workspace, elsewhere } = place;
  const member = subjectOf(await memberOf(place, "workspace_member"));
  const ask = (permission: string, type: string, id: string, where = workspace) =>
    may(tenant.admin, member, permission, inWorkspace(where.id, type, id));
  expect(await ask("models:use", "model", "one")).toBe(true);
  expect(await ask("deployments:use", "deployment", "one")).toBe(true);
  expect(await ask("models:manage", "model", "one")).toBe("no-grant");
  expect(await ask("models:use", "model", "two")).toBe("resource-unknown");
  expect(await ask("models:use", "model", "one", elsewhere)).toBe("resource-unknown");
  expect(await ask("models:use", "engine", "one")).toBe("resource-type-unknown");
});

test("B1_tenant: a workspace's people have nothing in another, nor in the tenant", async () => {
  const place = await makePlace();
  const { tenant, elsewhere } = place;
  for (const role of ["workspace_owner", "workspace_admin", "workspace_member"]) {
    const subject = subjectOf(await memberOf(place, role));
    const asked = [...INSIDE, OWNING];
    expect(await allowedOf(tenant.admin, subject, asked, itself(elsewhere))).toEqual([]);
    expect(await allowedOf(tenant.admin, subject, asked,
      { type: "organisation", id: tenant.org.id })).toEqual([]);
  }
});

test("B1_tenant: the global ones stand above the workspaces, a member beside them", async () => {
  const { tenant, workspace } = await makePlace();
  for (const [role, allowed] of [["superadmin", true], ["global_admin", true],
    ["global_member", "no-grant"]] as const) {
    const subject = subjectOf(await makeMember(tenant, role));
    for (const permission of ["models:manage", "deployments:delete", OWNING])
      expect([role, await may(tenant.admin, subject, permission, itself(workspace))])
        .toEqual([role, allowed]);
  }
});

test("B1_tenant: whoever comes is a global member, and nothing more", async () => {
  const { tenant } = await makePlace();
  const { principal } = await tenant.admin.post<{ principal: Principal }>(
    `${tenant.path}/members`, { email: `${unique("new")}@example.com` });
  const grants = await tenant.admin.list<Grant & { role_name: string }>(
    `${tenant.path}/grants?holder=${principal.id}`);
  expect(grants.map((one) => [one.role_name, one.node.kind]))
    .toEqual([["global_member", "organisation"]]);
});

test("B1_tenant: a key of the workspace acts in it, and not beside it", async () => {
  const place = await makePlace();
  const { tenant, workspace, elsewhere } = place;
  const machine = await makeMachine(tenant, "api-keys", { roles: [] });
  await give(tenant, machine.principal, "workspace_admin", workspaceNode(workspace));
  const key = server.as(machine.secret);
  await key.post(`/api/workspaces/${workspace.id}/resources`, { type: "model", id: "mine" });
  await key.patch(`/api/workspaces/${workspace.id}`, { description: "changed" });
  expectForbidden(await key.request("DELETE", `/api/workspaces/${workspace.id}`), OWNING);
  expectProblem(await key.request("GET", `/api/workspaces/${elsewhere.id}`), 404);
  expectProblem(await key.request("POST", `/api/workspaces/${elsewhere.id}/resources`,
    { type: "model", id: "mine" }), 404);
  expectForbidden(
    await key.request("POST", `${tenant.path}/workspaces`, { name: unique("ws") }),
    "iam:workspaces:create");
  expect((await key.list<Workspace>(`${tenant.path}/workspaces`)).map((one) => one.id))
    .toEqual([workspace.id]);
});

test("B1_tenant: each role is for its kinds of principal", async () => {
  const { tenant, workspace } = await makePlace();
  const { principal } = await makeMachine(tenant, "api-keys", { roles: [] });
  for (const role of ["superadmin", "global_admin", "global_member", "workspace_owner"]) {
    const answer = await tenant.admin.request("POST", `${tenant.path}/grants`, {
      holder: { kind: "principal", id: principal.id }, role, node: workspaceNode(workspace),
    });
    expectProblem(answer, 409, "role-not-for-kind");
  }
});

test("B1_tenant: people, workspaces and roles of another tenant are not there", async () => {
  const { tenant, workspace } = await makePlace();
  const other = await makeOrg(server, "tenant-workspaces");
  const mine = await makeMember(other, "superadmin");
  for (const node of [workspaceNode(workspace), orgNode(tenant)]) {
    const answer = await other.admin.request("POST", `${other.path}/grants`,
      { holder: { kind: "principal", id: mine.id }, role: "superadmin", node });
    expectProblem(answer, 404);
  }
  expect(await may(tenant.admin, subjectOf(mine), "models:read", itself(workspace)))
    .toBe("subject-unknown");
});

test("B7_owner: a global member may create a workspace, and owns it", async () => {
  const { tenant } = await makePlace();
  const member = await makeMember(tenant, "global_member");
  const subject = subjectOf(member);
  expect(await may(tenant.admin, subject, "iam:workspaces:create",
    { type: "organisation", id: tenant.org.id })).toBe(true);
  const own = await tenant.admin.post<Workspace>(`${tenant.path}/workspaces`,
    { name: unique("own"), owner: member.id });
  const grants = await tenant.admin.list<Grant & { role_name: string }>(
    `${tenant.path}/grants?node=${own.id}`);
  expect(grants.map((one) => [one.holder.id, one.role_name]))
    .toEqual([[member.id, "workspace_owner"]]);
  const asked = [...INSIDE, OWNING];
  expect(await allowedOf(tenant.admin, subject, asked, itself(own))).toEqual(asked);
});

test("B7_owner: owning one does not lift the member over what is global", async () => {
  const { tenant, elsewhere } = await makePlace();
  const member = await makeMember(tenant, "global_member");
  const own = await tenant.admin.post<Workspace>(`${tenant.path}/workspaces`,
    { name: unique("own"), owner: member.id });
  const subject = subjectOf(member);
  const global = ["global_models:create", "global_models:read", "runtime_modules:manage",
    "audit_log:manage", "iam:records:read", "iam:members:create", "iam:offers:create"];
  expect(await allowedOf(tenant.admin, subject, global, itself(own))).toEqual([]);
  expect(await allowedOf(tenant.admin, subject, INSIDE, itself(elsewhere))).toEqual([]);
});

test("B7_owner: the owner's rights end with the grant, and the workspace stays", async () => {
  const { tenant } = await makePlace();
  const member = await makeMember(tenant, "global_member");
  const own = await tenant.admin.post<Workspace>(`${tenant.path}/workspaces`,
    { name: unique("own"), owner: member.id });
  const [grant] = await tenant.admin.list<Grant>(`${tenant.path}/grants?node=${own.id}`);
  await tenant.admin.delete(`${tenant.path}/grants/${grant?.id}`);
  expect(await may(tenant.admin, subjectOf(member), "models:read", itself(own))).toBe("no-grant");
  expect((await tenant.admin.get<Workspace>(`/api/workspaces/${own.id}`)).state).toBe("active");
});

test("B7_owner: no workspace for an owner who does not exist, or belongs elsewhere", async () => {
  const { tenant, workspace } = await makePlace();
  const other = await makeOrg(server);
  const stranger = await makeMember(other);
  const { principal } = await makeInWorkspace(tenant, workspace, "devices");
  const before = await tenant.admin.list(`${tenant.path}/workspaces`);
  for (const [owner, status] of [[stranger.id, 404], [principal.id, 409],
    [other.org.id, 404]] as const) {
    const answer = await tenant.admin.request("POST", `${tenant.path}/workspaces`,
      { name: unique("own"), owner });
    expectProblem(answer, status);
  }
  expect(await tenant.admin.list(`${tenant.path}/workspaces`)).toEqual(before);
});

test("B7_owner: whoever may not create workspaces does not, for nobody", async () => {
  const { tenant } = await makePlace();
  const member = await makeMember(tenant, "global_member");
  const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
  const answer = await server.as(machine.secret).request("POST", `${tenant.path}/workspaces`,
    { name: unique("own"), owner: member.id });
  expectForbidden(answer, "iam:workspaces:create");
});
