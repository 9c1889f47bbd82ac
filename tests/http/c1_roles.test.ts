// C1 and C11: the roles of a communications platform, alone and together, and its hybrid sites.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { allowed, orgAsked, permissionNames, subjectOf } from "./harness/access.ts";
import { expectForbidden, type Tenant } from "./harness/api.ts";
import { ROOT } from "./harness/binary.ts";
import {
  give, makeGroup, makeMachine, makeMember, makeOrg, makeWorkspace, orgNode, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Principal, ResourceGroup, Role, Workspace } from "./harness/types.ts";

const blueprint = JSON.parse(
  readFileSync(join(ROOT, "blueprints/communications-platform.json"), "utf8"),
) as { permissions: { name: string }[]; roles: { name: string; exercises: string[] }[] };
const HYBRID =
  ["connect", "create", "delete", "read", "update"].map((verb) => `hybrid_sites:${verb}`);
const BILLING = ["statements:download", "statements:read"];
interface Site extends Entity {
  node: string;
}

const server = useServer();
let tenant: Tenant;
let everything: string[];
let workspace: Workspace;

beforeAll(async () => {
  tenant = await makeOrg(server, "communications-platform");
  workspace = await makeWorkspace(tenant);
  everything = (await permissionNames(tenant)).toSorted();
});

function held(who: Principal, at: Entity = orgAsked(tenant)): Promise<string[]> {
  return allowed(tenant.admin, subjectOf(who), at, everything);
}

/** A hybrid site of a workspace, registered by the administrator. */
async function makeSite(where: Workspace, ...groups: ResourceGroup[]): Promise<Site> {
  const id = unique("site");
  const at = `/api/workspaces/${where.id}/resources`;
  const site = await tenant.admin.post<{ node_id: string }>(at, {
    type: "hybrid_site", id, groups: groups.map((group) => group.id),
  });
  return { type: "hybrid_site", id, properties: { workspace: where.id }, node: site.node_id };
}

function siteHeld(who: Principal, { type, id, properties }: Entity): Promise<string[]> {
  return allowed(tenant.admin, subjectOf(who), { type, id, ...(properties ? { properties } : {}) },
    [...HYBRID, "messages:send", ...BILLING]);
}

test("C1_roles: the admin may do everything, the others exactly their part", async () => {
  expect(everything).toEqual(expect.arrayContaining(blueprint.permissions.map(({ name }) => name)));
  const inside: Entity = { type: "workspace", id: workspace.id };
  const properties = { workspace: workspace.id };
  const number: Entity = { type: "phone_number", id: "+4930123", properties };
  for (const [role, expected] of [
    ["admin", everything], ["hybrid_admin", HYBRID], ["billing_administrator", BILLING],
  ] as const)
    for (const who of [
      await makeMember(tenant, role),
      (await makeMachine(tenant, "api-keys", { roles: [role] })).principal,
      (await makeMachine(tenant, "service-accounts", { roles: [role] })).principal,
    ])
      for (const place of [orgAsked(tenant), inside, number])
        expect(await held(who, place), `${role} of a ${who.kind}`).toEqual(expected);
  expect(await held(await makeMember(tenant))).toEqual([]);
});

test("C1_roles: neither of the two others has the service API or manages access", async () => {
  const services = blueprint.permissions.map(({ name }) => name)
    .filter((name) => !HYBRID.includes(name) && !BILLING.includes(name));
  expect(services).toContain("messages:send");
  const asked = [...services, ...everything.filter((name) => name.startsWith("iam:"))];
  for (const role of ["billing_administrator", "hybrid_admin"]) {
    const key = await makeMachine(tenant, "api-keys", { roles: [role] });
    const has = await allowed(tenant.admin, subjectOf(key.principal), orgAsked(tenant), asked);
    expect(has).toEqual([]);
    for (const path of ["members", "roles", "api-keys", "records", "grants"])
      expectForbidden(await server.as(key.secret).request("GET", `${tenant.path}/${path}`));
    expectForbidden(await server.as(key.secret).request("POST", `${tenant.path}/grants`, {
      holder: { kind: "principal", id: key.principal.id }, role: "admin", node: orgNode(tenant),
    }), "iam:grants:create");
  }
});

test("C1_roles: several roles at once are their union, and each is taken back alone", async () => {
  const person = await makeMember(tenant, "hybrid_admin", "billing_administrator");
  expect(await held(person)).toEqual([...HYBRID, ...BILLING].toSorted());
  const grants = await tenant.admin.list<{ id: string; role_name: string }>(
    `${tenant.path}/grants?holder=${person.id}`);
  expect(grants.map((grant) => grant.role_name).toSorted())
    .toEqual(["billing_administrator", "hybrid_admin"]);
  const hybrid = grants.find((grant) => grant.role_name === "hybrid_admin");
  await tenant.admin.delete(`${tenant.path}/grants/${hybrid?.id}`);
  expect(await held(person)).toEqual(BILLING);
  // One role of one's own and one through a group add up just so.
  const group = await makeGroup(tenant, person);
  await give(tenant, group, "hybrid_admin");
  expect(await held(person)).toEqual([...HYBRID, ...BILLING].toSorted());
  await tenant.admin.delete(`${tenant.path}/groups/${group.id}`);
  expect(await held(person)).toEqual(BILLING);
});

test("C1_roles: the three roles come with the platform and stay as they are", async () => {
  const roles = await tenant.admin.list<Role>(`${tenant.path}/roles`);
  for (const stated of blueprint.roles) {
    const role = roles.find((one) => one.name === stated.name);
    expect(role).toMatchObject({ system: true, origin: "communications-platform" });
    expect(role?.exercises.toSorted()).toEqual(stated.exercises.toSorted());
    expect(role?.kinds.toSorted()).toEqual(["api_key", "member", "service_account"]);
  }
  const admin = roles.find((one) => one.name === "admin");
  expect(admin).toMatchObject({ exercises_all: true, gives_all: true });
});

test("C11_sites: the hybrid admin runs every site of the organisation; others none", async () => {
  const site = await makeSite(workspace);
  const shared = unique("global");
  await tenant.admin.post(`${tenant.path}/resources`, { type: "hybrid_site", id: shared });
  const global: Entity = { type: "hybrid_site", id: shared };
  const hybrid = await makeMember(tenant, "hybrid_admin");
  const admin = await makeMember(tenant, "admin");
  const billing = await makeMember(tenant, "billing_administrator");
  for (const one of [site, global]) {
    expect(await siteHeld(hybrid, one)).toEqual(HYBRID);
    expect(await siteHeld(admin, one)).toEqual([...HYBRID, "messages:send", ...BILLING].toSorted());
    expect(await siteHeld(billing, one)).toEqual(BILLING);
    expect(await siteHeld(await makeMember(tenant), one)).toEqual([]);
  }
});

test("C11_sites: an unknown, suspended or deleted site is refused to everybody", async () => {
  const site = await makeSite(workspace);
  const people = [await makeMember(tenant, "hybrid_admin"), await makeMember(tenant, "admin")];
  const elsewhere = await makeWorkspace(tenant);
  const at = `/api/workspaces/${workspace.id}/resources/hybrid_site/${site.id}`;
  for (const who of people) {
    expect(await siteHeld(who, { ...site, id: "no-such-site" })).toEqual([]);
    expect(await siteHeld(who, { ...site, properties: { workspace: elsewhere.id } })).toEqual([]);
    expect(await siteHeld(who, site)).not.toEqual([]);
    await tenant.admin.patch(at, { state: "suspended" });
    expect(await siteHeld(who, site)).toEqual([]);
    await tenant.admin.patch(at, { state: "active" });
    expect(await siteHeld(who, site)).not.toEqual([]);
  }
  await tenant.admin.delete(at);
  for (const who of people) expect(await siteHeld(who, site)).toEqual([]);
});

test("C11_sites: given at a workspace, group or site, the role holds there alone", async () => {
  const there = await makeWorkspace(tenant);
  const group = await tenant.admin.post<ResourceGroup>(
    `/api/workspaces/${workspace.id}/resource-groups`, { name: unique("region") });
  const grouped = await makeSite(workspace, group);
  const [lone, other, away] = [
    await makeSite(workspace), await makeSite(workspace), await makeSite(there),
  ];
  const sites = [grouped, lone, other, away];
  for (const [node, reached] of [
    [workspaceNode(workspace), [grouped, lone, other]],
    [{ kind: "resource_group", id: group.id }, [grouped]],
    [{ kind: "resource", id: lone.node }, [lone]],
  ] as const) {
    const person = await makeMember(tenant);
    const grant = await give(tenant, person, "hybrid_admin", node);
    for (const site of sites)
      expect(await siteHeld(person, site), node.kind)
        .toEqual((reached as readonly Entity[]).includes(site) ? HYBRID : []);
    expect(await held(person), "above what was given").toEqual([]);
    // Setting one up is decided at what it will stand in.
    const parent: Entity = { type: "workspace", id: workspace.id };
    const creates = await allowed(
      tenant.admin, subjectOf(person), parent, ["hybrid_sites:create"]);
    expect(creates).toEqual(node.kind === "workspace" ? ["hybrid_sites:create"] : []);
    await tenant.admin.delete(`${tenant.path}/grants/${grant.id}`);
    for (const site of sites) expect(await siteHeld(person, site)).toEqual([]);
  }
});

test("C11_sites: confined to a group of sites, a hybrid admin reaches no others", async () => {
  const group = await tenant.admin.post<ResourceGroup>(
    `/api/workspaces/${workspace.id}/resource-groups`, { name: unique("region") });
  const [inside, outside] = [await makeSite(workspace, group), await makeSite(workspace)];
  const key = await makeMachine(tenant, "api-keys", { roles: ["hybrid_admin"] });
  const at = `${tenant.path}/principals/${key.principal.id}/reach`;
  await tenant.admin.put(at, { confined: true, groups: [group.id] });
  expect(await siteHeld(key.principal, inside)).toEqual(HYBRID);
  expect(await siteHeld(key.principal, outside)).toEqual([]);
  const region = `/api/workspaces/${workspace.id}/resource-groups/${group.id}`;
  await tenant.admin.put(`${region}/resources/hybrid_site/${outside.id}`);
  expect(await siteHeld(key.principal, outside)).toEqual(HYBRID);
  await tenant.admin.delete(region);
  for (const site of [inside, outside]) expect(await siteHeld(key.principal, site)).toEqual([]);
  await tenant.admin.put(at, { confined: false, groups: [] });
  expect(await siteHeld(key.principal, outside)).toEqual(HYBRID);
});

test("C11_sites: registering a site is the administrator's, once for each name", async () => {
  const site = await makeSite(workspace);
  const key = await makeMachine(tenant, "api-keys", { roles: ["hybrid_admin"] });
  const at = `/api/workspaces/${workspace.id}/resources`;
  const draft = { type: "hybrid_site", id: unique("mine") };
  const refused = await server.as(key.secret).request("POST", at, draft);
  expect([403, 404]).toContain(refused.status);
  const twice = await tenant.admin.request("POST", at, { type: "hybrid_site", id: site.id });
  expect(twice.status).toBe(409);
  const unknown = await tenant.admin.request("POST", at, { type: "no_such_type", id: "x" });
  expect([400, 404, 409]).toContain(unknown.status);
});
