// What every application is denied, whatever it is given.
import { expect, test } from "vitest";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { allowedOf, explainEach, inWorkspace, may, subjectOf } from "./harness/decide.ts";
import { DENIED_TO_APPLICATIONS as DENIED, operations } from "./harness/device_platform.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  orgNode, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Guardrail, Kind, Principal, Workspace } from "./harness/types.ts";

const server = useServer();

/** What the server itself has of the configuration of providers. */
const PROVIDERS = ["create", "update", "delete"].map((one) => `iam:providers:${one}`);

const APPLICATIONS: Kind[] = ["api_key", "service_account", "application"];

interface Place {
  tenant: Tenant;
  workspace: Workspace;
  /** Everywhere that a decision can be about. */
  resources: Entity[];
}

/** With `owner`: somebody who was made an owner before the guardrail came. */
async function makePlace(owner?: (tenant: Tenant) => Promise<void>): Promise<Place> {
  const tenant = await makeOrg(server);
  await owner?.(tenant);
  await tenant.admin.put(`${tenant.path}/blueprints/device-platform`);
  const workspace = await makeWorkspace(tenant);
  await makeInWorkspace(tenant, workspace, "devices", { id: "pump-1" });
  return {
    tenant,
    workspace,
    resources: [
      { type: "workspace", id: workspace.id },
      inWorkspace(workspace.id, "device", "pump-1"),
      inWorkspace(workspace.id, "historian", "anything"),
    ],
  };
}

async function makeApplication(place: Place, kind: Kind): Promise<Principal> {
  const { tenant, workspace } = place;
  if (kind === "application")
    return (await makeInWorkspace(tenant, workspace, "clients", { roles: [] })).principal;
  const path = kind === "api_key" ? "api-keys" : "service-accounts";
  return (await makeMachine(tenant, path, { roles: [] })).principal;
}

/** Nothing of the denied, anywhere, and it is the guardrail that says so. */
async function expectDenied(place: Place, principal: Principal): Promise<void> {
  for (const resource of place.resources) {
    const decisions = await explainEach(
      place.tenant.admin, subjectOf(principal), DENIED, resource);
    for (const name of DENIED)
      expect(decisions.get(name), `${principal.kind} ${name} ${resource.type}`).toMatchObject({
        decision: false,
        context: { reason: "guardrail", guardrail: expect.stringMatching(/\w/) },
      });
  }
}

test.each(APPLICATIONS)("D4_guardrail: a custom role with all of it gives none to a %s",
  async (kind) => {
    const place = await makePlace();
    const { tenant, workspace } = place;
    const role = await makeRole(tenant, [...DENIED, "devices:read"], {
      kinds: [...APPLICATIONS, "member"],
    });
    const principal = await makeApplication(place, kind);
    const node = kind === "application" ? workspaceNode(workspace) : orgNode(tenant);
    await give(tenant, principal, role.name, node);
    await expectDenied(place, principal);
    const [, device] = place.resources;
    if (!device) throw new Error("no device");
    expect(await may(tenant.admin, subjectOf(principal), "devices:read", device)).toBe(true);
    // The same role is good for a person: it is the kind that is denied.
    const member = await makeMember(tenant, role.name);
    for (const resource of place.resources)
      expect(await allowedOf(tenant.admin, subjectOf(member), DENIED, resource)).toEqual(DENIED);
  });

test.each(APPLICATIONS)("D4_guardrail: nor what a %s gets through a group, at any node",
  async (kind) => {
    const place = await makePlace();
    const { tenant, workspace } = place;
    const role = await makeRole(tenant, DENIED, { kinds: [...APPLICATIONS, "member"] });
    const principal = await makeApplication(place, kind);
    const group = await makeGroup(tenant, principal);
    await give(tenant, group, role.name, orgNode(tenant));
    await give(tenant, group, role.name, workspaceNode(workspace));
    await expectDenied(place, principal);
  });

test.each(["api_key", "service_account"] as const)("D4_guardrail: nor the owner's role, as %s",
  async (kind) => {
    let principal: Principal | undefined;
    const path = kind === "api_key" ? "api-keys" : "service-accounts";
    const place = await makePlace(async (tenant) => {
      principal = (await makeMachine(tenant, path, { roles: ["owner"] })).principal;
    });
    if (!principal) throw new Error("no owner");
    await expectDenied(place, principal);
    const [, device] = place.resources;
    if (!device) throw new Error("no device");
    const allowed = await allowedOf(
      place.tenant.admin, subjectOf(principal), operations, device);
    expect(allowed).toEqual(operations.filter((one) =>
      !DENIED.includes(one) && !["events:publish", "commands:subscribe",
        "own_api_key_rights:read", "own_device_rights:read"].includes(one)));
    // The key that the organisation began with is an owner's too.
    const self = { type: "token", id: place.tenant.admin.secret ?? "" };
    expect(await may(place.tenant.admin, self, "storage:configure", device)).toBe("guardrail");
  });

test("D4_guardrail: nor single permissions given to a client", async () => {
  const place = await makePlace();
  const { tenant, workspace } = place;
  const client = await makeApplication(place, "application");
  const given = `/api/workspaces/${workspace.id}/principals/${client.id}/permissions`;
  for (const name of [...DENIED, "devices:read"]) await tenant.admin.put(`${given}/${name}`);
  for (const name of PROVIDERS)
    expectForbidden(await tenant.admin.request("PUT", `${given}/${name}`), name);
  await expectDenied(place, client);
  const [, device] = place.resources;
  if (!device) throw new Error("no device");
  expect(await may(tenant.admin, subjectOf(client), "devices:read", device)).toBe(true);
});

test("D4_guardrail: none of the tenant takes it away, and it covers every kind of application",
  async () => {
    const place = await makePlace();
    const { tenant } = place;
    const rails = await tenant.admin.list<Guardrail>(`${tenant.path}/guardrails`);
    expect(rails).toHaveLength(1);
    const [rail] = rails;
    if (!rail) throw new Error("no guardrail");
    expect([...rail.kinds].sort()).toEqual([...APPLICATIONS].sort());
    expect([...rail.permissions].sort()).toEqual([...DENIED, ...PROVIDERS].sort());
    expect(rail).toMatchObject({ node: orgNode(tenant), origin: "device-platform" });
    const path = `${tenant.path}/guardrails/${rail.id}`;
    const { name, node } = rail;
    expectProblem(await tenant.admin.request("PUT", path,
      { name, node, permissions: ["devices:read"] }), 409, "guardrail-is-system");
    expectProblem(await tenant.admin.request("DELETE", path), 409, "guardrail-is-system");
    expect(await tenant.admin.list(`${tenant.path}/guardrails`)).toEqual(rails);
  });
