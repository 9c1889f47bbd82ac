// Inviting people, as an administrator does it; how they come in is with the pages.
import { beforeAll, describe, expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { may, subjectOf } from "./harness/decide.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  orgNode, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, PrincipalCreated, Record_, Workspace } from "./harness/types.ts";

const server = useServer();
let tenant: Tenant;
let workspace: Workspace;

beforeAll(async () => {
  tenant = await makeOrg(server, "sensor-workspace");
  workspace = await makeWorkspace(tenant);
  await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`, { name: "ingest:write" });
});

function invite(path: string, draft: Record<string, unknown> = {}): Promise<PrincipalCreated> {
  return tenant.admin.post(path, { email: `${unique("p")}@example.com`, invite: true, ...draft });
}

const KINDS: [string, string, () => string, string][] = [
  ["A1_invitations", "a member", () => `${tenant.path}/members`, "iam:members:create"],
  ["E2_invitations", "an end-user", () => `/api/workspaces/${workspace.id}/end-users`,
    "iam:end_users:create"],
];

describe.each(KINDS)("%s", (id, what, path, permission) => {
  test(`${id}: ${what} is invited, listed, invited again, and taken back`, async () => {
    const { principal } = await invite(path());
    expect(principal.state).toBe("invited");
    const one = `${path()}/${principal.id}`;
    const invited = async () =>
      (await tenant.admin.list<Principal>(`${path()}?state=invited`)).map((each) => each.id);
    expect(await invited()).toContain(principal.id);
    expect((await tenant.admin.request("POST", `${one}/invitation`)).status).toBe(204);
    const records = await tenant.admin.list<Record_>(
      `${tenant.path}/records?subject=${principal.id}`);
    expect(records.map((each) => each.action)).toContain("principals.invite");
    await tenant.admin.delete(one);
    expect(await invited()).not.toContain(principal.id);
    expectProblem(await tenant.admin.request("POST", `${one}/invitation`), 404,
      "principal-not-found");
  });

  test(`${id}: who is there already is not invited again`, async () => {
    const made = await tenant.admin.post<PrincipalCreated>(path(),
      { email: `${unique("p")}@example.com` });
    expect(made.principal.state).toBe("active");
    expectProblem(await tenant.admin.request("POST", `${path()}/${made.principal.id}/invitation`),
      409, "not-invited");
    const { principal } = await invite(path());
    expectProblem(await tenant.admin.request("POST", path(),
      { email: principal.email?.toUpperCase(), invite: true }), 409, "principal-exists");
  });

  test(`${id}: an address does not get mail without end`, async () => {
    const { principal } = await invite(path());
    const again = `${path()}/${principal.id}/invitation`;
    for (let i = 1; i < 5; i++)
      expect((await tenant.admin.request("POST", again)).status).toBe(204);
    expectProblem(await tenant.admin.request("POST", again), 409, "too-many-mails");
    // Neither by deleting and inviting once more.
    await tenant.admin.delete(`${path()}/${principal.id}`);
    expectProblem(await tenant.admin.request("POST", path(),
      { email: principal.email, invite: true }), 409, "too-many-mails");
    expect(await tenant.admin.list<Principal>(`${path()}?state=invited&q=${principal.email}`))
      .toEqual([]);
  });

  test(`${id}: whoever may not make ${what} may not invite`, async () => {
    const { principal } = await invite(path());
    const role = await makeRole(tenant,
      ["iam:workspaces:read", "iam:members:read", "iam:end_users:read"]);
    const machine = await makeMachine(tenant, "service-accounts", { roles: [role.name] });
    const caller = server.as(machine.secret);
    expectForbidden(await caller.request("POST", path(),
      { email: `${unique("p")}@example.com`, invite: true }), permission);
    expectForbidden(await caller.request("POST", `${path()}/${principal.id}/invitation`),
      permission);
  });
});

test("A1_invitations: roles and groups are given at once, and count when they have come",
  async () => {
    const role = await makeRole(tenant, ["iam:groups:read"]);
    const group = await makeGroup(tenant);
    const { principal } = await invite(`${tenant.path}/members`,
      { roles: [role.name], groups: [group.id] });
    const grants = await tenant.admin.list<Grant>(`${tenant.path}/grants?holder=${principal.id}`);
    expect(grants.map((grant) => grant.role_name)).toEqual([role.name]);
    const asked = { type: "organisation", id: tenant.org.id };
    expect(await may(tenant.admin, subjectOf(principal), "iam:groups:read", asked)).not.toBe(true);
  });

test("E2_invitations: with one or more scopes, none of them without the right to give it",
  async () => {
    const path = `/api/workspaces/${workspace.id}/end-users`;
    const { principal } = await invite(path, { permissions: ["ingest:write", "iam:scopes:read"] });
    const grants = await tenant.admin.list<Grant>(
      `/api/workspaces/${workspace.id}/grants?holder=${principal.id}`);
    expect(grants.map((grant) => grant.permission).toSorted())
      .toEqual(["iam:scopes:read", "ingest:write"]);
    const role = await makeRole(tenant, ["iam:workspaces:read", "iam:end_users:create",
      "iam:grants:create"]);
    const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
    await give(tenant, machine.principal, role.name, workspaceNode(workspace));
    const caller: Api = server.as(machine.secret);
    const email = `${unique("p")}@example.com`;
    for (const permission of ["ingest:write", "iam:scopes:read"])
      expectForbidden(await caller.request("POST", path,
        { email, invite: true, permissions: [permission] }));
    const all = await tenant.admin.list<Principal>(path);
    expect(all.map((one) => one.email)).not.toContain(email);
  });

test("E3_scopes: an end-user's are added and withdrawn one by one", async () => {
  await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`, { name: "ingest:read" });
  const { principal } = await makeInWorkspace(tenant, workspace, "end-users");
  const of = `/api/workspaces/${workspace.id}/principals/${principal.id}/permissions`;
  const asked = { type: "workspace", id: workspace.id };
  const held = async () => {
    const found = [];
    for (const scope of ["ingest:read", "ingest:write", "iam:scopes:read"])
      if (await may(tenant.admin, subjectOf(principal), scope, asked) === true) found.push(scope);
    return found;
  };
  expect(await held()).toEqual([]);
  await tenant.admin.put(`${of}/ingest:write`);
  await tenant.admin.put(`${of}/iam:scopes:read`);
  await tenant.admin.put(`${of}/ingest:write`);
  expect(await held()).toEqual(["ingest:write", "iam:scopes:read"]);
  await tenant.admin.delete(`${of}/ingest:write`);
  await tenant.admin.put(`${of}/ingest:read`);
  expect(await held()).toEqual(["ingest:read", "iam:scopes:read"]);
  // Decisions refuse at once what was withdrawn.
  await tenant.admin.delete(`${of}/iam:scopes:read`);
  await tenant.admin.delete(`${of}/ingest:read`);
  expect(await held()).toEqual([]);
});

test("A1_invitations: an invited owner is none yet: the last one stays", async () => {
  const other = await makeOrg(server);
  const { principal } = await other.admin.post<PrincipalCreated>(`${other.path}/members`,
    { email: `${unique("p")}@example.com`, invite: true, roles: ["owner"] });
  expect(principal.state).toBe("invited");
  const [key] = await other.admin.list<Principal>(`${other.path}/api-keys`);
  expectProblem(await other.admin.request("DELETE", `${other.path}/api-keys/${key?.id}`), 409,
    "last-owner");
  const member = await makeMember(other);
  await give(other, member, "owner", orgNode(other));
  await other.admin.delete(`${other.path}/api-keys/${key?.id}`);
});
