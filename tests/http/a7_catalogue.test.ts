// A7 and B12: what every permission means, and which role carries which.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { allowed, orgAsked, subjectOf } from "./harness/access.ts";
import { ROOT } from "./harness/binary.ts";
import { makeMachine, makeOrg, makeRole, makeWorkspace, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Kind, Permission, Principal, Role } from "./harness/types.ts";

interface Entry {
  name: string;
  class: string;
  description: string;
}

interface Catalogue {
  resources: { resource: string; permissions: Entry[] }[];
  presets: unknown[];
}

interface Reference {
  roles: { role: string; title: string; kinds: Kind[]; permissions: string[] }[];
}

const contract = parse(readFileSync(join(ROOT, "api/openapi.yaml"), "utf8")) as {
  "x-permissions": (Entry & { number: number })[];
};
const BUILT_IN = contract["x-permissions"];
const server = useServer();
let tenant: Tenant;
/** Who holds each role that the device platform's guardrail keeps a key from giving. */
const holders = new Map<string, Principal>();

beforeAll(async () => {
  tenant = await makeOrg(server, "organisation-access");
  for (const { name, kinds } of await tenant.admin.list<Role>(`${tenant.path}/roles`)) {
    if (!kinds.includes("service_account")) continue;
    const { principal } = await makeMachine(tenant, "service-accounts", { roles: [name] });
    holders.set(name, principal);
  }
  await tenant.admin.put(`${tenant.path}/blueprints/device-platform`);
});

interface Blueprint {
  permissions: (Entry & { alias_of?: string; machine?: boolean })[];
  roles: { name: string; exercises: string[] }[];
}

const devices = JSON.parse(
  readFileSync(join(ROOT, "blueprints/device-platform.json"), "utf8")) as Blueprint;

/** Without second names: what a blueprint calls otherwise is the built-in permission. */
function canonical(names: readonly string[] = []): string[] {
  const known = (name: string): string =>
    devices.permissions.find((one) => one.name === name)?.alias_of ?? name;
  return [...new Set(names.map(known))].toSorted();
}

async function reference(): Promise<Reference> {
  return tenant.admin.get<Reference>(`${tenant.path}/roles/reference`);
}

test("A7_catalogue: every built-in permission by resource, its class and meaning", async () => {
  const catalogue = await tenant.admin.get<Catalogue>("/api/catalogue");
  const listed = catalogue.resources.flatMap(({ permissions }) => permissions);
  const stated = BUILT_IN.map(({ number: _, ...entry }) => entry);
  const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : 1);
  expect(listed.toSorted(byName)).toEqual(stated.toSorted(byName));
  for (const { resource, permissions } of catalogue.resources)
    for (const { name, description } of permissions) {
      expect(name.split(":")[1]).toBe(resource);
      expect(description.length).toBeGreaterThan(10);
    }
  const resources = catalogue.resources.map(({ resource }) => resource);
  expect(new Set(resources).size).toBe(resources.length);
  // Whoever is known may read it, the narrowest key too; strangers may not.
  const nobody = server.as((await makeMachine(tenant, "api-keys", { roles: [] })).secret);
  expect(await nobody.get("/api/catalogue")).toEqual(catalogue);
  expectProblem(await server.as(undefined).request("GET", "/api/catalogue"), 401);
});

test("A7_catalogue: it is read-only", async () => {
  for (const path of ["/api/catalogue", `${tenant.path}/permissions`])
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
      const answer = await tenant.admin.request(method, path, { name: "iam:more:create" });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toContain("GET");
    }
});

test("A7_catalogue: what each permission means, and which roles have it", async () => {
  const workspace = await makeWorkspace(tenant);
  await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`,
    { name: "plant:water", description: "Open the valve." });
  const custom = await makeRole(tenant, ["iam:groups:read", "devices:read"]);
  const all = await tenant.admin.list<Permission & Entry>(`${tenant.path}/permissions`, 7);
  const names = all.map((one) => one.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(BUILT_IN.map((one) => one.name)));
  const of = (name: string): Permission | undefined => all.find((one) => one.name === name);
  for (const stated of BUILT_IN)
    expect(of(stated.name)).toMatchObject({
      class: stated.class, description: stated.description, origin: "built-in", machine: false,
    });
  for (const stated of devices.permissions)
    expect(of(stated.name)).toMatchObject({
      class: stated.class, description: stated.description, origin: "device-platform",
      machine: stated.machine ?? false, workspace: null,
    });
  expect(of("plant:water")).toMatchObject({
    description: "Open the valve.", origin: "scope", workspace: workspace.id,
  });

  const roles = await tenant.admin.list<Role>(`${tenant.path}/roles`);
  for (const one of all) {
    const containing = roles.filter((role) => role.exercises_all
      ? !one.machine && one.workspace === null
      : canonical(role.exercises).includes(canonical([one.name])[0] ?? ""));
    expect(one.roles.map((role) => role.name).toSorted(), one.name)
      .toEqual(containing.map((role) => role.name).toSorted());
  }
  expect(of("iam:groups:read")?.roles).toContainEqual({ id: custom.id, name: custom.name });
});

test("A7_catalogue: it is searched by name, by resource and by workspace", async () => {
  const workspace = await makeWorkspace(tenant);
  await tenant.admin.post(`/api/workspaces/${workspace.id}/scopes`, { name: "barn:open" });
  const names = async (query: string): Promise<string[]> =>
    (await tenant.admin.list<Permission>(`${tenant.path}/permissions?${query}`, 3))
      .map((one) => one.name).toSorted();
  const builtIn = (resource: string): string[] =>
    BUILT_IN.map((one) => one.name).filter((name) => name.split(":")[1] === resource).toSorted();
  expect(await names("resource=groups")).toEqual(builtIn("groups"));
  expect(await names("q=iam:api_keys:")).toEqual(builtIn("api_keys"));
  expect(await names(`workspace=${workspace.id}`)).toEqual(["barn:open"]);
  expect(await names("resource=no_such")).toEqual([]);
  expectProblem(await tenant.admin.request("GET", `${tenant.path}/permissions?colour=red`), 400);
  const nobody = server.as((await makeMachine(tenant, "api-keys", { roles: [] })).secret);
  expectForbidden(
    await nobody.request("GET", `${tenant.path}/permissions`), "iam:permissions:read");
});

test("A7_catalogue: each is in an operation group, and searched by it", async () => {
  const { id } = await makeWorkspace(tenant);
  await tenant.admin.post(`/api/workspaces/${id}/scopes`, { name: "silo.west:fill" });
  const names = async (query: string): Promise<string[]> =>
    (await tenant.admin.list<Permission>(`${tenant.path}/permissions?${query}`, 3))
      .map((one) => one.name);
  const all = await tenant.admin.list<Permission>(`${tenant.path}/permissions`);
  for (const { name } of BUILT_IN)
    expect(all.find((one) => one.name === name)?.group, name).toBe(name.split(":")[1]);
  const groups = BUILT_IN.map((one) => one.name).filter((name) => name.split(":")[1] === "groups");
  expect(await names("group=groups")).toEqual(groups);
  expect(await names("group=groups&q=iam:groups:r")).toEqual(["iam:groups:read"]);
  expect(await names("group=device&resource=groups")).toEqual([]);
  expect(await names("group=device&resource=events"))
    .toEqual(["events:publish", "events:subscribe"]);
  expect(await names("group=silo.west")).toEqual(["silo.west:fill"]);
  expect(await names(`group=silo&workspace=${id}`)).toEqual([]);
});

test("B12_reference: it is exactly what the holders of the roles may do", async () => {
  const permissions = (await tenant.admin.list<Permission>(`${tenant.path}/permissions`))
    .filter((one) => one.workspace === null).map((one) => one.name);
  const { roles } = await reference();
  const listed = await tenant.admin.list<Role>(`${tenant.path}/roles`);
  expect(roles.map((one) => one.role).toSorted())
    .toEqual(listed.map((one) => one.name).toSorted());
  let tried = 0;
  for (const { role, kinds, permissions: stated } of roles) {
    if (!kinds.includes("service_account")) continue;
    const principal = holders.get(role)
      ?? (await makeMachine(tenant, "service-accounts", { roles: [role] })).principal;
    const held = await allowed(tenant.admin, subjectOf(principal), orgAsked(tenant), permissions);
    const denied = (await tenant.admin.list<{ kinds: Kind[]; permissions: string[] }>(
      `${tenant.path}/guardrails`)).filter((rail) => rail.kinds.includes("service_account"))
      .flatMap((rail) => rail.permissions);
    expect(canonical(held), role)
      .toEqual(stated.filter((name) => !denied.includes(name)).toSorted());
    tried++;
  }
  expect(tried).toBeGreaterThan(5);
});

test("B12_reference: it follows blueprints and roles made, changed and deleted", async () => {
  const stated = devices.roles.find((role) => role.name === "reader");
  const row = async (name: string): Promise<string[] | undefined> =>
    (await reference()).roles.find((one) => one.role === name)?.permissions.toSorted();
  expect(await row("reader")).toEqual(canonical(stated?.exercises));
  const role = await makeRole(tenant, ["iam:groups:read"]);
  expect(await row(role.name)).toEqual(["iam:groups:read"]);
  const at = `${tenant.path}/roles/${role.id}`;
  const { name, kinds } = role;
  await tenant.admin.put(at, { name, kinds, exercises: ["iam:groups:read", "iam:roles:read"] });
  expect(await row(name)).toEqual(["iam:groups:read", "iam:roles:read"]);
  await tenant.admin.delete(at);
  expect(await row(name)).toBeUndefined();
});

test("B12_reference: as a table for people and for spreadsheets it says the same", async () => {
  await makeRole(tenant, ["iam:groups:read"], { name: unique("in-table") });
  const { roles } = await reference();
  const at = `${tenant.path}/roles/reference?format=`;
  const csv = await tenant.admin.request("GET", `${at}csv`);
  const markdown = await tenant.admin.request("GET", `${at}markdown`);
  const csvRows = csv.text.trimEnd().split("\r\n").map((line) => line.split(","));
  const mdRows = markdown.text.trimEnd().split("\n")
    .map((line) => line.slice(2, -2).split(" | "));
  expect(mdRows[1]?.every((cell) => cell === "---")).toBe(true);
  mdRows.splice(1, 1);
  const columns = csvRows[0]?.slice(2) ?? [];
  expect(csvRows[0]?.slice(0, 2)).toEqual(["permission", "group"]);
  expect(columns.toSorted()).toEqual(roles.map((one) => one.role).toSorted());
  for (const [table, yes] of [[csvRows, "1"], [mdRows, "yes"]] as const) {
    expect(table[0]).toEqual(csvRows[0]);
    expect(table.map((row) => row.slice(0, 2))).toEqual(csvRows.map((row) => row.slice(0, 2)));
    for (const [column, name] of columns.entries()) {
      const marked = table.slice(1).filter((row) => row[column + 2]?.trim() === yes);
      const stated = roles.find((one) => one.role === name)?.permissions;
      expect(marked.map((row) => row[0]).toSorted(), name).toEqual(stated?.toSorted());
    }
  }
  const known = (await tenant.admin.list<Permission>(`${tenant.path}/permissions`))
    .filter((one) => canonical([one.name])[0] === one.name);
  const byGroup = known.map((one, number) => ({ ...one, number }))
    .toSorted((a, b) => a.group < b.group ? -1 : a.group > b.group ? 1 : a.number - b.number);
  expect(csvRows.slice(1).map((row) => row.slice(0, 2)))
    .toEqual(byGroup.map((one) => [one.name, one.group]));
  expectProblem(await tenant.admin.request("GET", `${at}pdf`), 400);
  const nobody = server.as((await makeMachine(tenant, "api-keys", { roles: [] })).secret);
  expectForbidden(await nobody.request("GET", `${at}csv`), "iam:roles:read");
});
