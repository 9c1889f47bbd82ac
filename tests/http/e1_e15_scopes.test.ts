// Scopes of a workspace, and the roles Admin, Editor and Viewer that guard them and the rest.
import { expect, test } from "vitest";
import { type Answer, type Api, expectForbidden, expectProblem, type Tenant } from
  "./harness/api.ts";
import { may, subjectOf } from "./harness/decide.ts";
import {
  give, makeInWorkspace, makeMachine, makeOrg, makeRole, makeWorkspace, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, Workspace } from "./harness/types.ts";

const server = useServer();

interface Scope {
  name: string;
  description: string;
  workspace: string;
  class: string;
}

interface Place {
  tenant: Tenant;
  workspace: Workspace;
  at: string;
  admin: Api;
  editor: Api;
  viewer: Api;
}

async function makePlace(...blueprints: string[]): Promise<Place> {
  const tenant = await makeOrg(server, "sensor-workspace", ...blueprints);
  const workspace = await makeWorkspace(tenant);
  const as = async (role: string): Promise<Api> => {
    const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
    await give(tenant, machine.principal, role, workspaceNode(workspace));
    return server.as(machine.secret);
  };
  return {
    tenant, workspace, at: `/api/workspaces/${workspace.id}`,
    admin: await as("sensor_admin"),
    editor: await as("sensor_editor"),
    viewer: await as("sensor_viewer"),
  };
}

test("E1_scopes: a scope is created with name and description, shown, and deleted", async () => {
  const { admin, viewer, at, workspace } = await makePlace();
  const made = await admin.post<Scope>(`${at}/scopes`,
    { name: "ingest:write", description: "Send measurements." });
  expect(made).toMatchObject(
    { name: "ingest:write", description: "Send measurements.", workspace: workspace.id });
  expect(await viewer.list(`${at}/scopes`)).toEqual([made]);
  await admin.delete(`${at}/scopes/ingest:write`);
  expect(await viewer.list(`${at}/scopes`)).toEqual([]);
  expectProblem(await admin.request("DELETE", `${at}/scopes/ingest:write`), 404,
    "scope-not-found");
});

test("E1_scopes: the workspace shows its UUID", async () => {
  const { viewer, at, workspace } = await makePlace();
  const shown = await viewer.get<Workspace>(at);
  expect(shown.id).toBe(workspace.id);
  expect(shown.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test.each([
  "", "ingest", "ingest:", ":write", "Ingest:write", "ingest:Write", "in gest:write",
  "ingest:write:more", "1ngest:write", "ingest;write", "ingest:wr\u0000ite", "ingest:wr\nite",
  "ïngest:write", `ingest:${"x".repeat(80)}`,
])("E1_scopes: the name %j is refused", async (name) => {
  const { admin, at } = await makePlace();
  expect((await admin.request("POST", `${at}/scopes`, { name })).status).toBe(400);
  expect(await admin.list(`${at}/scopes`)).toEqual([]);
});

test("E1_scopes: what is built in or there already is not defined again", async () => {
  const { admin, at, tenant } = await makePlace();
  expect((await admin.request("POST", `${at}/scopes`, { name: "iam:write" })).status).toBe(400);
  await admin.post(`${at}/scopes`, { name: "ingest:write" });
  expectProblem(await admin.request("POST", `${at}/scopes`, { name: "ingest:write" }), 409,
    "scope-exists");
  // Another workspace has its own scopes, of the same name if it likes.
  const other = await makeWorkspace(tenant);
  await tenant.admin.post(`/api/workspaces/${other.id}/scopes`, { name: "ingest:write" });
  expect(await admin.list(`${at}/scopes`)).toHaveLength(1);
});

test("E1_scopes: a scope counts in its workspace alone", async () => {
  const { admin, at, tenant, workspace } = await makePlace();
  const other = await makeWorkspace(tenant);
  for (const id of [workspace.id, other.id])
    await tenant.admin.post(`/api/workspaces/${id}/scopes`, { name: "ingest:write" });
  const { principal } = await makeInWorkspace(tenant, workspace, "clients");
  await admin.put(`${at}/principals/${principal.id}/permissions/ingest:write`);
  const ask = (id: string) =>
    may(tenant.admin, subjectOf(principal), "ingest:write", { type: "workspace", id });
  expect(await ask(workspace.id)).toBe(true);
  expect(await ask(other.id)).not.toBe(true);
});

test("E1_scopes: a deleted scope is withdrawn from whoever has it, and stays so", async () => {
  const { admin, at, tenant, workspace } = await makePlace();
  const scope = "ingest:write";
  await admin.post(`${at}/scopes`, { name: scope });
  const { principal } = await makeInWorkspace(tenant, workspace, "end-users",
    { permissions: [scope] });
  const role = await makeRole(tenant, [scope],
    { workspace: workspace.id, kinds: ["service_account"] });
  const robot = (await makeMachine(tenant, "service-accounts", { roles: [] })).principal;
  await give(tenant, robot, role.id, workspaceNode(workspace));
  const ask = (who: Principal) => may(tenant.admin, subjectOf(who), scope,
    { type: "workspace", id: workspace.id });
  expect([await ask(principal), await ask(robot)]).toEqual([true, true]);
  await admin.delete(`${at}/scopes/${scope}`);
  expect([await ask(principal), await ask(robot)])
    .toEqual(["permission-unknown", "permission-unknown"]);
  expect(await tenant.admin.list(`${tenant.path}/grants?holder=${principal.id}`)).toEqual([]);
  // One of the same name that comes later is another scope.
  await admin.post(`${at}/scopes`, { name: scope });
  expect([await ask(principal), await ask(robot)]).toEqual(["no-grant", "no-grant"]);
});

test("E1_scopes: only an Admin changes them", async () => {
  const { admin, editor, viewer, at } = await makePlace();
  await admin.post(`${at}/scopes`, { name: "ingest:write" });
  for (const caller of [editor, viewer]) {
    expectForbidden(await caller.request("POST", `${at}/scopes`, { name: "ingest:read" }),
      "iam:scopes:create");
    expectForbidden(await caller.request("DELETE", `${at}/scopes/ingest:write`),
      "iam:scopes:delete");
  }
  expect((await admin.list<Scope>(`${at}/scopes`)).map((one) => one.name))
    .toEqual(["ingest:write"]);
});

type Change = (caller: Api, place: Place) => Promise<Answer>;

async function client(place: Place): Promise<Principal> {
  return (await makeInWorkspace(place.tenant, place.workspace, "clients")).principal;
}

/** What an Admin does, and the permission that an Editor and a Viewer lack for it. */
const ADMINS: [string, string, Change][] = [
  ["invites end-users", "iam:end_users:create", (caller, { at }) =>
    caller.request("POST", `${at}/end-users`, { email: `${unique("u")}@example.com` })],
  ["makes clients", "iam:clients:create", (caller, { at }) =>
    caller.request("POST", `${at}/clients`, { name: unique("client") })],
  ["changes clients", "iam:clients:update", async (caller, place) =>
    caller.request("PATCH", `${place.at}/clients/${(await client(place)).id}`,
      { description: "changed" })],
  ["deletes clients", "iam:clients:delete", async (caller, place) =>
    caller.request("DELETE", `${place.at}/clients/${(await client(place)).id}`)],
  ["gives permissions", "iam:grants:create", async (caller, place) =>
    caller.request("PUT", `${place.at}/principals/${(await client(place)).id}/permissions/` +
      "iam:scopes:read")],
  ["takes permissions back", "iam:grants:delete", async (caller, place) => {
    const { id } = await client(place);
    const path = `${place.at}/principals/${id}/permissions/iam:scopes:read`;
    await place.tenant.admin.put(path);
    return caller.request("DELETE", path);
  }],
  ["gives roles", "iam:grants:create", async (caller, { tenant, workspace }) => {
    const robot = (await makeMachine(tenant, "service-accounts", { roles: [] })).principal;
    return caller.request("POST", `${tenant.path}/grants`, {
      holder: { kind: "principal", id: robot.id }, role: "sensor_viewer",
      node: workspaceNode(workspace),
    });
  }],
  ["issues credentials", "iam:credentials:create", async (caller, place) => {
    const { principal } = await makeInWorkspace(place.tenant, place.workspace, "devices");
    return caller.request("POST", `${place.at}/principals/${principal.id}/credentials`,
      { name: "second" });
  }],
  ["changes the workspace", "iam:workspaces:update", (caller, { at }) =>
    caller.request("PATCH", at, { description: "changed" })],
  ["deletes the workspace", "iam:workspaces:delete", async (caller, { at, tenant }) => {
    await makeWorkspace(tenant);
    return caller.request("DELETE", at);
  }],
];

test.each(ADMINS)("E15_roles: an Admin %s, an Editor and a Viewer do not", async (
  _, permission, change,
) => {
  const place = await makePlace();
  const { tenant } = place;
  const state = async () => ({
    grants: await tenant.admin.list<Grant>(`${tenant.path}/grants`),
    principals: await tenant.admin.list<Principal>(`${tenant.path}/principals`),
    workspaces: await tenant.admin.list<Workspace>(`${tenant.path}/workspaces`),
  });
  for (const caller of [place.editor, place.viewer]) {
    expectForbidden(await change(caller, place), permission);
  }
  const before = await state();
  const done = await change(place.admin, place);
  expect([200, 201, 204], done.text).toContain(done.status);
  if (done.status !== 204 && !("secret" in (done.body as object)))
    expect(await state()).not.toEqual(before);
});

const EDITORS: [string, string, Change][] = [
  ["registers gateways", "iam:gateways:create", (caller, { at }) =>
    caller.request("POST", `${at}/gateways`, { name: unique("gw") })],
  ["registers devices", "iam:devices:create", (caller, { at }) =>
    caller.request("POST", `${at}/devices`, { name: unique("dev") })],
  ["makes resource groups", "iam:resource_groups:create", (caller, { at }) =>
    caller.request("POST", `${at}/resource-groups`, { name: unique("group") })],
];

test.each(EDITORS)("E15_roles: an Editor %s, a Viewer does not", async (_, permission, change) => {
  const place = await makePlace();
  expectForbidden(await change(place.viewer, place), permission);
  expect((await change(place.editor, place)).status).toBe(201);
  expect((await change(place.admin, place)).status).toBe(201);
});

test("E15_roles: all three read the workspace, and none beyond it", async () => {
  const place = await makePlace();
  const other = await makeWorkspace(place.tenant);
  for (const caller of [place.admin, place.editor, place.viewer]) {
    for (const list of ["scopes", "end-users", "clients", "gateways", "devices", "grants",
      "resource-groups", "resources"]) {
      expect((await caller.request("GET", `${place.at}/${list}`)).status).toBe(200);
      expectProblem(await caller.request("GET", `/api/workspaces/${other.id}/${list}`), 404);
    }
    expectForbidden(await caller.request("GET", `${place.tenant.path}/members`));
  }
});

test("E15_roles: an Admin gives scopes without having them, an Editor's gift is refused",
  async () => {
    const place = await makePlace();
    const { admin, editor, tenant, at } = place;
    await admin.post(`${at}/scopes`, { name: "ingest:write" });
    const { id } = await client(place);
    const path = `${at}/principals/${id}/permissions/ingest:write`;
    expectForbidden(await editor.request("PUT", path), "iam:grants:create");
    expect((await admin.request("PUT", path)).status).toBe(204);
    const self = await admin.get<{ id: string }>("/api/self");
    expect(await may(tenant.admin, { type: "service_account", id: self.id }, "ingest:write",
      { type: "workspace", id: place.workspace.id })).toBe("no-grant");
  });

test("E15_roles: the workspace owner and admin of B1 count as Admin", async () => {
  const place = await makePlace("tenant-workspaces");
  const { tenant, workspace, at } = place;
  const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
  await give(tenant, machine.principal, "workspace_admin", workspaceNode(workspace));
  const caller = server.as(machine.secret);
  await caller.post(`${at}/scopes`, { name: "ingest:write" });
  await caller.post(`${at}/end-users`,
    { email: `${unique("u")}@example.com`, permissions: ["ingest:write"] });
  await caller.delete(`${at}/scopes/ingest:write`);

  const roles = await tenant.admin.list<{ name: string; exercises: string[] }>(
    `${tenant.path}/roles`);
  const of = (name: string) => roles.find((one) => one.name === name)?.exercises ?? [];
  const changing = of("sensor_admin").filter((one) => one !== "iam:workspaces:delete");
  expect(changing).toContain("iam:scopes:create");
  expect(of("workspace_owner")).toEqual(expect.arrayContaining(of("sensor_admin")));
  expect(of("workspace_admin")).toEqual(expect.arrayContaining(changing));
  expect(of("workspace_member")).not.toContain("iam:scopes:create");
});
