// Gateways: what they act for, and what a privileged one registers.
import { beforeAll, expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { allowedOf, inWorkspace, may, subjectOf } from "./harness/decide.ts";
import { operations, table } from "./harness/device_platform.ts";
import { give, makeInWorkspace, makeOrg, makeWorkspace, unique, workspaceNode }
  from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type {
  Credential, Entity, Grant, Page, Principal, PrincipalCreated, ResourceGroup, Workspace,
} from "./harness/types.ts";

const server = useServer();

let tenant: Tenant;
let workspace: Workspace;
let other: Workspace;
let admin: Api;

beforeAll(async () => {
  tenant = await makeOrg(server, "device-platform");
  admin = tenant.admin;
  workspace = await makeWorkspace(tenant);
  other = await makeWorkspace(tenant);
});

const path = (rest: string): string => `/api/workspaces/${workspace.id}/${rest}`;

function makeGroupOf(...devices: string[]): Promise<string> {
  return fill(unique("group"), devices);
}

async function fill(name: string, devices: string[]): Promise<string> {
  const group = await admin.post<ResourceGroup>(path("resource-groups"), { name });
  for (const id of devices)
    await admin.put(path(`resource-groups/${group.id}/resources/device/${id}`));
  return group.id;
}

/** A device of the workspace by that id, as a decision names it. */
async function makeDevice(id = unique("device")): Promise<Entity> {
  await makeInWorkspace(tenant, workspace, "devices", { id });
  return device(id);
}

const device = (id: string): Entity => inWorkspace(workspace.id, "device", id);

interface Gateway {
  principal: Principal;
  subject: Entity;
  /** The gateway as a resource. */
  itself: Entity;
  /** Calls with the gateway's own secret. */
  api: Api;
}

async function makeGateway(draft: Record<string, unknown>): Promise<Gateway> {
  const id = unique("gateway");
  const { principal, secret } =
    await makeInWorkspace(tenant, workspace, "gateways", { id, ...draft });
  if (!secret) throw new Error("a gateway without secret");
  return {
    principal,
    subject: subjectOf(principal),
    itself: inWorkspace(workspace.id, "gateway", id),
    api: server.as(secret),
  };
}

const shown = (gateway: Gateway): Promise<Principal> =>
  admin.get(path(`gateways/${gateway.principal.id}`));

const column = (role: string): string[] => table.get(role) ?? [];

/** Every operation of the role on the device. */
async function expectActsFor(gateway: Gateway, role: string, at: Entity): Promise<void> {
  expect(await allowedOf(admin, gateway.subject, operations, at), at.id).toEqual(column(role));
}

/** Not one operation, and why not for those of its role. */
async function expectRefused(gateway: Gateway, at: Entity, reason: string): Promise<void> {
  expect(await allowedOf(admin, gateway.subject, operations, at), at.id).toEqual([]);
  for (const operation of column("gateway_standard"))
    expect(await may(admin, gateway.subject, operation, at), operation).toBe(reason);
}

/** Takes all that it has and gives it another role. */
async function changeRole(gateway: Gateway, role: string): Promise<void> {
  const held = await admin.list<Grant>(`${tenant.path}/grants?holder=${gateway.principal.id}`);
  await give(tenant, gateway.principal, role, workspaceNode(workspace));
  for (const grant of held) await admin.delete(`${tenant.path}/grants/${grant.id}`);
}

test("D5_standard: acts for the devices in its resource group and for itself alone", async () => {
  const [inside, outside] = [await makeDevice(), await makeDevice()];
  const group = await makeGroupOf(inside.id);
  await makeGroupOf(outside.id);
  const gateway = await makeGateway({ roles: ["gateway_standard"], groups: [group] });
  expect(await shown(gateway)).toMatchObject({ confined: true, reach: [group] });
  await expectActsFor(gateway, "gateway_standard", inside);
  await expectActsFor(gateway, "gateway_standard", gateway.itself);
  await expectActsFor(gateway, "gateway_standard", { type: "resource_group", id: group });
  await expectRefused(gateway, outside, "out-of-reach");
  await expectRefused(gateway, { type: "workspace", id: workspace.id }, "out-of-reach");
});

test("D5_standard: an unknown device is refused, and so is one of another workspace", async () => {
  const inside = await makeDevice();
  const group = await makeGroupOf(inside.id);
  const gateway = await makeGateway({ roles: ["gateway_standard"], groups: [group] });
  await expectRefused(gateway, device(unique("unknown")), "resource-unknown");
  await makeInWorkspace(tenant, other, "devices", { id: inside.id });
  expect(await allowedOf(admin, gateway.subject, operations,
    inWorkspace(other.id, "device", inside.id))).toEqual([]);
  // What the gateway asks about itself is no different.
  const asked = await admin.decide({
    subject: { type: "token", id: gateway.api.secret ?? "" },
    action: { name: "events:publish" },
    resource: device(unique("unknown")),
  });
  expect(asked.decision).toBe(false);
});

test("D5_standard: with no group it acts only for itself", async () => {
  const any = await makeDevice();
  await makeGroupOf(any.id);
  const gateway = await makeGateway({ roles: ["gateway_standard"] });
  expect(await shown(gateway)).toMatchObject({ confined: true, reach: [], home_group: null });
  await expectActsFor(gateway, "gateway_standard", gateway.itself);
  await expectRefused(gateway, any, "out-of-reach");
  await expectRefused(gateway, device(unique("unknown")), "resource-unknown");
  const neighbour = await makeGateway({});
  await expectRefused(gateway, neighbour.itself, "out-of-reach");
});

test("D5_standard: registers, changes and removes nothing", async () => {
  const inside = await makeInWorkspace(tenant, workspace, "devices", { id: unique("device") });
  const group = await makeGroupOf(inside.principal.resource?.id ?? "");
  const gateway = await makeGateway({ roles: ["gateway_standard"], groups: [group] });
  const id = unique("device");
  for (const groups of [undefined, [group]])
    expectForbidden(await gateway.api.request("POST", path("devices"), { name: "new", id, groups }),
      "iam:devices:create");
  const own = path(`devices/${inside.principal.id}`);
  expect(await gateway.api.get<Principal>(own)).toEqual(inside.principal);
  expectForbidden(await gateway.api.request("PATCH", own, { name: "mine" }), "iam:devices:update");
  expectForbidden(await gateway.api.request("DELETE", own), "iam:devices:delete");
  expect(await admin.get<Principal>(own)).toEqual(inside.principal);
  expect(await admin.list(`${path("resources")}?type=device&q=${id}`)).toEqual([]);
});

test("D5_confined: stays confined when its role changes to Privileged", async () => {
  const [inside, outside] = [await makeDevice(), await makeDevice()];
  const group = await makeGroupOf(inside.id);
  const gateway = await makeGateway({ roles: ["gateway_standard"], groups: [group] });
  await changeRole(gateway, "gateway_privileged");
  expect(await shown(gateway)).toMatchObject({ confined: true, reach: [group] });
  await expectActsFor(gateway, "gateway_privileged", inside);
  await expectRefused(gateway, outside, "out-of-reach");
  const alone = await makeGateway({ roles: ["gateway_standard"] });
  await changeRole(alone, "gateway_privileged");
  await expectRefused(alone, inside, "out-of-reach");
  await expectActsFor(alone, "gateway_privileged", alone.itself);
});

test("D5_confined: a privileged one is confined once it becomes Standard", async () => {
  const any = await makeDevice();
  const gateway = await makeGateway({});
  expect(await shown(gateway)).toMatchObject({ confined: false });
  await expectActsFor(gateway, "gateway_privileged", any);
  await changeRole(gateway, "gateway_standard");
  expect(await shown(gateway)).toMatchObject({ confined: true, reach: [] });
  await expectRefused(gateway, any, "out-of-reach");
  await expectActsFor(gateway, "gateway_standard", gateway.itself);
});

test("D5_privileged: with no group it acts for every device of its workspace, of no other",
  async () => {
    const any = await makeDevice();
    const gateway = await makeGateway({});
    await expectActsFor(gateway, "gateway_privileged", any);
    await makeInWorkspace(tenant, other, "devices", { id: any.id });
    expect(await allowedOf(admin, gateway.subject, operations,
      inWorkspace(other.id, "device", any.id))).toEqual([]);
  });

test("D5_privileged: a device that it registers joins its default group", async () => {
  const outside = await makeDevice();
  const [home, second] = [await makeGroupOf(), await makeGroupOf(outside.id)];
  const gateway = await makeGateway({ groups: [home] });
  expect(await shown(gateway)).toMatchObject({ confined: true, home_group: home });
  const id = unique("device");
  const { principal, secret } =
    await gateway.api.post<PrincipalCreated>(path("devices"), { name: "new one", id });
  expect(principal).toMatchObject({ kind: "device", created_by: gateway.principal.id });
  expect(secret).toMatch(/^twd_/);
  const members = await admin.list<{ id: string }>(path(`resource-groups/${home}/resources`));
  expect(members.map((one) => one.id)).toEqual([id]);
  await expectActsFor(gateway, "gateway_privileged", device(id));
  // The device is one: it acts for itself.
  expect(await allowedOf(admin, subjectOf(principal), operations, device(id)))
    .toEqual(["events:publish", "commands:subscribe", "own_device_rights:read"]);
  await gateway.api.patch(path(`devices/${principal.id}`), { name: "renamed" });
  // Not into a group that is not its own.
  const refused = await gateway.api.request("POST", path("devices"),
    { name: "stray", id: unique("device"), groups: [second] });
  expect([403, 404]).toContain(refused.status);
  expect(await admin.list(path(`resource-groups/${second}/resources`))).toHaveLength(1);
  await gateway.api.delete(path(`devices/${principal.id}`));
  expect(await may(admin, gateway.subject, "events:publish", device(id))).toBe("resource-unknown");
});

test("D5_privileged: registers with others at work in its group", async () => {
  const home = await makeGroupOf();
  const gateway = await makeGateway({ groups: [home] });
  const standard = await makeGateway({ roles: ["gateway_standard"], groups: [home] });
  const id = unique("device");
  await gateway.api.post(path("devices"), { name: "new", id });
  await expectActsFor(standard, "gateway_standard", device(id));
});

test("D5_privileged: registers though somebody holds more in its group", async () => {
  const group = await makeGroupOf();
  const gateway = await makeGateway({ groups: [group] });
  const member = (await admin.post<PrincipalCreated>(`${tenant.path}/members`, {
    email: `${unique("boss")}@example.com`, roles: [],
  })).principal;
  await give(tenant, member, "administrator", { kind: "resource_group", id: group });
  const id = unique("device");
  await gateway.api.post(path("devices"), { name: id, id });
  expect(await may(admin, subjectOf(member), "devices:delete", device(id))).toBe(true);
});

test("D5_privileged: with its group gone it registers nothing, nor outside of it", async () => {
  const home = await makeGroupOf();
  const gateway = await makeGateway({ groups: [home] });
  await admin.delete(path(`resource-groups/${home}`));
  expect(await shown(gateway)).toMatchObject({ confined: true, reach: [], home_group: null });
  const id = unique("device");
  const refused = await gateway.api.request("POST", path("devices"), { name: "new", id });
  expect([403, 404]).toContain(refused.status);
  expect(await admin.list(`${path("resources")}?type=device&q=new`)).not.toContainEqual(
    expect.objectContaining({ id }));
});

test("D5_privileged: manages devices within its reach, others are not there for it", async () => {
  const inside = (await makeInWorkspace(tenant, workspace, "devices")).principal;
  const outside = (await makeInWorkspace(tenant, workspace, "devices")).principal;
  const group = await makeGroupOf(inside.resource?.id ?? "");
  const gateway = await makeGateway({ groups: [group] });
  const renamed = await gateway.api.patch<Principal>(
    path(`devices/${inside.id}`), { name: "by the gateway" });
  expect(renamed.name).toBe("by the gateway");
  const strange = path(`devices/${outside.id}`);
  for (const method of ["GET", "DELETE"] as const)
    expectProblem(await gateway.api.request(method, strange), 404);
  expectProblem(await gateway.api.request("PATCH", strange, { name: "mine" }), 404);
  expect(await admin.get<Principal>(strange)).toEqual(outside);
});

test("D5_privileged: and nothing else", async () => {
  const any = (await makeInWorkspace(tenant, workspace, "devices")).principal;
  const gateway = await makeGateway({});
  const before = await admin.get<{ revision: number }>(`${tenant.path}/records/head`);
  const attempts: ["POST" | "PUT" | "DELETE" | "GET", string, unknown?][] = [
    ["POST", path("gateways"), { name: "another" }],
    ["POST", path("clients"), { name: "client" }],
    ["POST", path("end-users"), { email: "someone@example.com" }],
    ["POST", path("resource-groups"), { name: "group" }],
    ["POST", path("scopes"), { name: "a:b" }],
    ["POST", `${tenant.path}/api-keys`, { name: "key" }],
    ["POST", `${tenant.path}/members`, { email: "someone@example.com" }],
    ["POST", `${tenant.path}/workspaces`, { name: "mine" }],
    ["POST", `${tenant.path}/grants`, {
      holder: { kind: "principal", id: gateway.principal.id }, role: "gateway_privileged",
      node: workspaceNode(workspace),
    }],
    ["PUT", `${tenant.path}/principals/${gateway.principal.id}/reach`,
      { confined: false, groups: [] }],
    ["POST", `${tenant.path}/principals/${any.id}/credentials`, { name: "stolen" }],
    ["POST", path(`principals/${any.id}/credentials`), { name: "stolen" }],
    ["DELETE", path(`gateways/${gateway.principal.id}`)],
    ["GET", `${tenant.path}/records`],
    ["GET", `${tenant.path}/members`],
  ];
  for (const [method, at, body] of attempts) {
    const { status } = await gateway.api.request(method, at, body);
    expect([403, 404], `${method} ${at}: ${status}`).toContain(status);
  }
  expect(await admin.get(`${tenant.path}/records/head`)).toEqual(before);
});

test("D5_state: suspended, expired or without its credential, a gateway acts for nobody",
  async () => {
    const inside = await makeDevice();
    const group = await makeGroupOf(inside.id);
    const gateway = await makeGateway({ groups: [group] });
    const own = path(`gateways/${gateway.principal.id}`);
    await admin.patch(own, { state: "suspended" });
    await expectRefused(gateway, inside, "subject-inactive");
    expect((await gateway.api.request("GET", "/api/self")).status).toBe(401);
    await admin.patch(own, { state: "active" });
    await expectActsFor(gateway, "gateway_privileged", inside);
    const token = { type: "token", id: gateway.api.secret ?? "" };
    expect(await may(admin, token, "events:publish", inside)).toBe(true);
    const credentials = path(`principals/${gateway.principal.id}/credentials`);
    const { items } = await admin.get<Page<Credential>>(credentials);
    expect(items).toHaveLength(1);
    await admin.delete(`${credentials}/${items[0]?.id}`);
    expect(await may(admin, token, "events:publish", inside)).toBe("credential-inactive");
    expect((await gateway.api.request("GET", "/api/self")).status).toBe(401);
    await expectActsFor(gateway, "gateway_privileged", inside);
  });
