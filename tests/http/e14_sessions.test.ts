// Active sessions, as an administrator sees and ends them: what comes before there is one.
import { beforeAll, expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { give, makeInWorkspace, makeMachine, makeOrg, makeWorkspace, workspaceNode } from
  "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Workspace } from "./harness/types.ts";

const server = useServer();
const UNKNOWN = "00000000-0000-7000-8000-000000000000";
let tenant: Tenant;
let workspace: Workspace;
let sessions: string;

async function as(role: string): Promise<Api> {
  const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
  await give(tenant, machine.principal, role, workspaceNode(workspace));
  return server.as(machine.secret);
}

beforeAll(async () => {
  tenant = await makeOrg(server, "sensor-workspace", "tenant-workspaces");
  workspace = await makeWorkspace(tenant);
  sessions = `/api/workspaces/${workspace.id}/sessions`;
});

test("E14_sessions: clients that call for themselves are not among them", async () => {
  await makeInWorkspace(tenant, workspace, "clients");
  await makeInWorkspace(tenant, workspace, "end-users");
  expect(await tenant.admin.list(sessions)).toEqual([]);
  expect(await tenant.admin.list(`${tenant.path}/sessions`)).toEqual([]);
  expect(await tenant.admin.list(`${sessions}?principal=${UNKNOWN}&client=${UNKNOWN}`)).toEqual([]);
});

test("E14_sessions: what is none is not found, and nothing changes", async () => {
  const before = await tenant.admin.get(`${tenant.path}/records/head`);
  expectProblem(await tenant.admin.request("DELETE", `${sessions}/${UNKNOWN}`), 404,
    "session-not-found");
  expectProblem(await tenant.admin.request("DELETE", `${tenant.path}/sessions/${UNKNOWN}`), 404,
    "session-not-found");
  expect(await tenant.admin.get(`${tenant.path}/records/head`)).toEqual(before);
});

test("E15_roles: an Editor and an Admin end sessions, a Viewer reads them, others do neither",
  async () => {
    for (const role of ["sensor_admin", "sensor_editor", "workspace_admin"]) {
      const caller = await as(role);
      expect(await caller.list(sessions)).toEqual([]);
      expectProblem(await caller.request("DELETE", `${sessions}/${UNKNOWN}`), 404,
        "session-not-found");
    }
    const viewer = await as("sensor_viewer");
    expect(await viewer.list(sessions)).toEqual([]);
    expectForbidden(await viewer.request("DELETE", `${sessions}/${UNKNOWN}`),
      "iam:sessions:delete");
    const member = await as("workspace_member");
    expectForbidden(await member.request("GET", sessions), "iam:sessions:read");
    expectForbidden(await member.request("DELETE", `${sessions}/${UNKNOWN}`),
      "iam:sessions:delete");
  });
