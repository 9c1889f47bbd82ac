// Resource groups of gateways: filled, emptied, deleted, and followed at once.
import { beforeAll, expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, revisionOf, type Tenant }
  from "./harness/api.ts";
import { inWorkspace, may, subjectOf } from "./harness/decide.ts";
import { makeInWorkspace, makeMachine, makeMember, makeOrg, makeWorkspace, unique }
  from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Principal, ResourceGroup, Workspace } from "./harness/types.ts";

const server = useServer();

let tenant: Tenant;
let workspace: Workspace;
let admin: Api;

beforeAll(async () => {
  tenant = await makeOrg(server, "device-platform");
  admin = tenant.admin;
  workspace = await makeWorkspace(tenant);
});

const groups = (rest = ""): string => `/api/workspaces/${workspace.id}/resource-groups${rest}`;
const device = (id: string) => inWorkspace(workspace.id, "device", id);
const makeGroup = (name = unique("group")): Promise<ResourceGroup> =>
  admin.post(groups(), { name });

async function makeDevice(): Promise<string> {
  const id = unique("device");
  await makeInWorkspace(tenant, workspace, "devices", { id });
  return id;
}

async function makeGateway(...reach: string[]): Promise<Principal> {
  return (await makeInWorkspace(tenant, workspace, "gateways",
    { roles: ["gateway_standard"], groups: reach })).principal;
}

const publishes = (gateway: Principal, id: string): Promise<true | string> =>
  may(admin, subjectOf(gateway), "events:publish", device(id));

const put = (group: ResourceGroup, id: string): Promise<void> =>
  admin.put(groups(`/${group.id}/resources/device/${id}`));
const take = (group: ResourceGroup, id: string): Promise<void> =>
  admin.delete(groups(`/${group.id}/resources/device/${id}`));

test("D6_follow: the reach follows each filling and emptying at once", async () => {
  const [first, second] = [await makeDevice(), await makeDevice()];
  const group = await makeGroup();
  const gateway = await makeGateway(group.id);
  for (let round = 0; round < 20; round++) {
    expect([await publishes(gateway, first), await publishes(gateway, second)])
      .toEqual(["out-of-reach", "out-of-reach"]);
    await put(group, first);
    expect([await publishes(gateway, first), await publishes(gateway, second)])
      .toEqual([true, "out-of-reach"]);
    await put(group, second);
    expect([await publishes(gateway, first), await publishes(gateway, second)])
      .toEqual([true, true]);
    await take(group, first);
    expect([await publishes(gateway, first), await publishes(gateway, second)])
      .toEqual(["out-of-reach", true]);
    await take(group, second);
  }
});

test("D6_follow: deleting the group leaves an empty reach, never everything", async () => {
  const id = await makeDevice();
  const group = await makeGroup();
  const gateway = await makeGateway(group.id);
  await put(group, id);
  expect(await publishes(gateway, id)).toBe(true);
  await admin.delete(groups(`/${group.id}`));
  expect(await publishes(gateway, id)).toBe("out-of-reach");
  const shown = await admin.get<Principal>(
    `/api/workspaces/${workspace.id}/gateways/${gateway.id}`);
  expect(shown).toMatchObject({ confined: true, reach: [], home_group: null });
  expect(await may(admin, subjectOf(gateway), "events:publish",
    inWorkspace(workspace.id, "gateway", gateway.resource?.id ?? ""))).toBe(true);
  // A group of the same name is another one.
  const again = await makeGroup(group.name);
  await put(again, id);
  expect(await publishes(gateway, id)).toBe("out-of-reach");
});

test("D6_follow: a device in several groups stays within reach until the last is gone",
  async () => {
    const id = await makeDevice();
    const [one, two] = [await makeGroup(), await makeGroup()];
    const [both, single] = [await makeGateway(one.id, two.id), await makeGateway(two.id)];
    await put(one, id);
    await put(two, id);
    expect([await publishes(both, id), await publishes(single, id)]).toEqual([true, true]);
    await take(two, id);
    expect([await publishes(both, id), await publishes(single, id)])
      .toEqual([true, "out-of-reach"]);
    await admin.delete(groups(`/${one.id}`));
    expect(await publishes(both, id)).toBe("out-of-reach");
  });

test("D6_follow: the gateway's groups can be changed, taken away, and be none", async () => {
  const [a, b] = [await makeDevice(), await makeDevice()];
  const [one, two] = [await makeGroup(), await makeGroup()];
  await put(one, a);
  await put(two, b);
  const gateway = await makeGateway(one.id);
  const reach = `${tenant.path}/principals/${gateway.id}/reach`;
  const ask = async () => [await publishes(gateway, a), await publishes(gateway, b)];
  expect(await ask()).toEqual([true, "out-of-reach"]);
  await admin.put(reach, { confined: true, groups: [two.id] });
  expect(await ask()).toEqual(["out-of-reach", true]);
  await admin.put(reach, { confined: true, groups: [one.id, two.id] });
  expect(await ask()).toEqual([true, true]);
  await admin.put(reach, { confined: true, groups: [] });
  expect(await ask()).toEqual(["out-of-reach", "out-of-reach"]);
});

test("D6_follow: a reach of more groups than a resource can be in is shown whole", async () => {
  const gateway = await makeGateway();
  const reach: string[] = [];
  for (let i = 0; i < 70; i++)
    reach.push((await makeGroup()).id);
  const path = `${tenant.path}/principals/${gateway.id}`;
  await admin.put(`${path}/reach`, { confined: true, groups: reach });
  const shown = await admin.get<Principal>(path);
  expect([...shown.reach].sort()).toEqual(reach.sort());
});

test("D6_follow: a removed device is gone from its groups, and a new one of its id not in them",
  async () => {
    const id = unique("device");
    const group = await makeGroup();
    const gateway = await makeGateway(group.id);
    const made = await makeInWorkspace(tenant, workspace, "devices", { id, groups: [group.id] });
    expect(await publishes(gateway, id)).toBe(true);
    await admin.delete(`/api/workspaces/${workspace.id}/devices/${made.principal.id}`);
    expect(await publishes(gateway, id)).toBe("resource-unknown");
    await makeInWorkspace(tenant, workspace, "devices", { id });
    expect(await publishes(gateway, id)).toBe("out-of-reach");
    expect(await admin.list(groups(`/${group.id}/resources`))).toEqual([]);
  });

test("D6_follow: a decision demanded at the change's revision knows of the change", async () => {
  const id = await makeDevice();
  const group = await makeGroup();
  const gateway = await makeGateway(group.id);
  const added = await admin.request("PUT", groups(`/${group.id}/resources/device/${id}`));
  const decision = await admin.decide({
    subject: subjectOf(gateway),
    action: { name: "events:publish" },
    resource: device(id),
    context: { at_least: revisionOf(added) },
  });
  expect(decision.decision).toBe(true);
  expect(decision.context?.["revision"]).toBeGreaterThanOrEqual(revisionOf(added));
});

test("D6_follow: members and keys are confined only once they have been given a group",
  async () => {
    const [a, b] = [await makeDevice(), await makeDevice()];
    const [one, two] = [await makeGroup(), await makeGroup()];
    await put(one, a);
    await put(two, b);
    const principals = [
      await makeMember(tenant, "administrator"),
      (await makeMachine(tenant, "api-keys", { roles: ["app_standard"] })).principal,
      (await makeMachine(tenant, "service-accounts", { roles: ["app_standard"] })).principal,
      (await makeInWorkspace(tenant, workspace, "clients")).principal,
    ];
    for (const principal of principals) {
      const reach = `${tenant.path}/principals/${principal.id}/reach`;
      const reads = async () => [
        await may(admin, subjectOf(principal), "devices:read", device(a)),
        await may(admin, subjectOf(principal), "devices:read", device(b)),
      ];
      const here = { type: "workspace", id: workspace.id };
      expect(await reads(), principal.kind).toEqual([true, true]);
      const group = await makeGroup();
      await put(group, b);
      await admin.put(reach, { confined: true, groups: [one.id, group.id] });
      expect(await reads(), principal.kind).toEqual([true, true]);
      expect(await may(admin, subjectOf(principal), "devices:read", here)).toBe("out-of-reach");
      await admin.delete(groups(`/${group.id}`));
      expect(await reads(), principal.kind).toEqual([true, "out-of-reach"]);
      await take(one, a);
      expect(await reads(), principal.kind).toEqual(["out-of-reach", "out-of-reach"]);
      await put(one, a);
      await admin.put(reach, { confined: true, groups: [] });
      expect(await reads(), principal.kind).toEqual(["out-of-reach", "out-of-reach"]);
      await admin.put(reach, { confined: false, groups: [] });
      expect(await reads(), principal.kind).toEqual([true, true]);
    }
    await admin.put(`${tenant.path}/principals/${principals[0]?.id}/reach`,
      { confined: true, groups: [two.id] });
    await admin.delete(groups(`/${two.id}`));
    const shown = await admin.get<Principal>(`${tenant.path}/principals/${principals[0]?.id}`);
    expect(shown).toMatchObject({ confined: true, reach: [] });
  });

test("D6_groups: create, show, list, change, delete", async () => {
  const group = await makeGroup("boiler room");
  expect(await admin.get(groups(`/${group.id}`))).toEqual(group);
  expect(group).toMatchObject({ workspace: workspace.id, name: "boiler room" });
  const id = await makeDevice();
  await put(group, id);
  await put(group, id);
  const inside = await admin.list(groups(`/${group.id}/resources`));
  expect(inside).toEqual([expect.objectContaining({ type: "device", id })]);
  const renamed = await admin.patch<ResourceGroup>(groups(`/${group.id}`), { name: "boilers" });
  expect(renamed).toMatchObject({ id: group.id, name: "boilers" });
  expect(await admin.list(groups("?q=boil"))).toEqual([renamed]);
  await take(group, id);
  await take(group, id);
  expect(await admin.list(groups(`/${group.id}/resources`))).toEqual([]);
  await admin.delete(groups(`/${group.id}`));
  expectProblem(await admin.request("GET", groups(`/${group.id}`)), 404,
    "resource-group-not-found");
});

test("D6_groups: what is unknown, foreign, taken or too much is refused", async () => {
  const group = await makeGroup("taken");
  const id = await makeDevice();
  expectProblem(await admin.request("POST", groups(), { name: "taken" }), 409,
    "resource-group-name-taken");
  expectProblem(await admin.request("PUT", groups(`/${group.id}/resources/device/nobody`)),
    404, "resource-not-found");
  const elsewhere = await makeWorkspace(tenant);
  await makeInWorkspace(tenant, elsewhere, "devices", { id: "elsewhere" });
  expectProblem(await admin.request("PUT", groups(`/${group.id}/resources/device/elsewhere`)),
    404, "resource-not-found");
  expectProblem(await admin.request("PUT",
    `/api/workspaces/${elsewhere.id}/resource-groups/${group.id}/resources/device/elsewhere`),
  404, "resource-group-not-found");
  const stranger = await makeOrg(server, "device-platform");
  expectProblem(await stranger.admin.request("GET", groups(`/${group.id}`)), 404);
  expectProblem(await stranger.admin.request("DELETE", groups(`/${group.id}`)), 404);
  expectProblem(await admin.request("POST", `/api/workspaces/${elsewhere.id}/gateways`,
    { name: "far", groups: [group.id] }), 404, "resource-group-not-found");
  expect(await admin.list(groups(`/${group.id}/resources`))).toEqual([]);
  for (let i = 0; i < 64; i++) await put(await makeGroup(), id);
  expectProblem(await admin.request("PUT", groups(`/${group.id}/resources/device/${id}`)),
    409, "too-many-resource-groups");
  expect(await admin.list(groups(`/${group.id}/resources`))).toEqual([]);
});

test("D6_groups: only who has the permission fills and empties them", async () => {
  const group = await makeGroup();
  const id = await makeDevice();
  const machine = await makeMachine(tenant, "service-accounts", { roles: ["app_visualization"] });
  const api = server.as(machine.secret);
  const before = await admin.get(`${tenant.path}/records/head`);
  for (const [method, path, body] of [
    ["POST", groups(), { name: "mine" }],
    ["PUT", groups(`/${group.id}/resources/device/${id}`), undefined],
    ["DELETE", groups(`/${group.id}/resources/device/${id}`), undefined],
    ["DELETE", groups(`/${group.id}`), undefined],
  ] as const) {
    const answer = await api.request(method, path, body);
    if (answer.status !== 404) expectForbidden(answer);
  }
  expect(await admin.get(`${tenant.path}/records/head`)).toEqual(before);
});

test("D6_names: an identifier with a slash is a path's segment, percent-encoded", async () => {
  const id = `line/${unique("pump")}`;
  await makeInWorkspace(tenant, workspace, "devices", { id });
  const at = `/api/workspaces/${workspace.id}/resources/device/${encodeURIComponent(id)}`;
  expect(await admin.get(at)).toMatchObject({ id });
  expectProblem(await admin.request("POST", `/api/workspaces/${workspace.id}/devices`,
    { name: "dots", id: ".." }), 400, "invalid-name");
});
