// Presets: computed from the catalogue's classes, and nothing but a convenience.
import { expect, test } from "vitest";
import { allowedOf, subjectOf } from "./harness/decide.ts";
import { makeInWorkspace, makeOrg, makeWorkspace } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant } from "./harness/types.ts";

const server = useServer();

interface Preset {
  name: string;
  resources: { resource: string; permissions: string[] }[];
}
interface Catalogue {
  resources: { resource: string; permissions: { name: string; class: string }[] }[];
  presets: Preset[];
}

function namesOf(preset: Preset | undefined): string[] {
  return (preset?.resources ?? []).flatMap((one) => one.permissions);
}

async function presets(): Promise<Preset[]> {
  return (await server.operator.get<{ presets: Preset[] }>("/api/presets")).presets;
}

test("E5_presets: Read-only ⊂ Operator ⊂ Full access", async () => {
  const all = await presets();
  expect(all.map((one) => one.name)).toEqual(["read_only", "operator", "full_access"]);
  const [read, operator, full] = all.map(namesOf);
  expect(read?.length).toBeGreaterThan(10);
  expect(operator).toEqual(expect.arrayContaining(read ?? []));
  expect(full).toEqual(expect.arrayContaining(operator ?? []));
  expect(operator?.length).toBeGreaterThan(read?.length ?? 0);
  expect(full?.length).toBeGreaterThan(operator?.length ?? 0);
});

test("E5_presets: they follow from the classes of the catalogue", async () => {
  const catalogue = await server.operator.get<Catalogue>("/api/catalogue");
  const entries = catalogue.resources.flatMap((one) => one.permissions);
  const upTo = (...classes: string[]): string[] =>
    entries.filter((one) => classes.includes(one.class)).map((one) => one.name);
  expect(namesOf(catalogue.presets[0])).toEqual(upTo("read"));
  expect(namesOf(catalogue.presets[1])).toEqual(upTo("read", "write"));
  expect(namesOf(catalogue.presets[2])).toEqual(upTo("read", "write", "destructive"));
  expect(catalogue.presets).toEqual(await presets());
  const destructive = entries.filter((one) => /:(delete|rotate|revoke|remove)$/.test(one.name));
  expect(destructive.length).toBeGreaterThan(5);
  for (const one of destructive) expect([one.name, one.class]).toEqual([one.name, "destructive"]);
  for (const one of entries.filter(({ name }) => name.endsWith(":read")))
    expect([one.name, one.class]).toEqual([one.name, "read"]);
});

test("E5_presets: catalogue and presets are grouped by resource, each in one place", async () => {
  const catalogue = await server.operator.get<Catalogue>("/api/catalogue");
  const names = catalogue.resources.map((one) => one.resource);
  expect(new Set(names).size).toBe(names.length);
  for (const { resource, permissions } of catalogue.resources)
    for (const { name } of permissions) expect(name).toMatch(new RegExp(`^iam:${resource}:`));
  for (const preset of catalogue.presets) {
    const groups = preset.resources.map((one) => one.resource);
    expect(groups).toEqual(names.filter((name) => groups.includes(name)));
    for (const { resource, permissions } of preset.resources) {
      expect(permissions).not.toEqual([]);
      for (const name of permissions) expect(name).toMatch(new RegExp(`^iam:${resource}:`));
    }
  }
});

test("E5_presets: what is stored are single permissions, on and off one by one", async () => {
  const tenant = await makeOrg(server, "sensor-workspace");
  const workspace = await makeWorkspace(tenant);
  const { principal } = await makeInWorkspace(tenant, workspace, "clients");
  const [read, operator] = (await presets()).map(namesOf) as [string[], string[]];
  const at = `/api/workspaces/${workspace.id}/principals/${principal.id}/permissions`;
  const stored = async (): Promise<(string | null)[]> =>
    (await tenant.admin.list<Grant>(`${tenant.path}/grants?holder=${principal.id}`))
      .map((one) => one.permission).toSorted();
  const asked = namesOf((await presets())[2]);
  const allowed = async (): Promise<string[]> => (await allowedOf(tenant.admin,
    subjectOf(principal), asked, { type: "workspace", id: workspace.id })).toSorted();

  for (const name of read) await tenant.admin.put(`${at}/${name}`);
  expect(await stored()).toEqual(read.toSorted());
  expect(await allowed()).toEqual(read.toSorted());
  // What is on already is given again without a second grant.
  for (const name of operator) await tenant.admin.put(`${at}/${name}`);
  expect(await stored()).toEqual(operator.toSorted());
  expect(await allowed()).toEqual(operator.toSorted());
  for (const name of operator) await tenant.admin.delete(`${at}/${name}`);
  expect(await stored()).toEqual([]);
  expect(await allowed()).toEqual([]);
});

test("E5_presets: a preset is nothing that could be given, held or changed", async () => {
  const tenant = await makeOrg(server);
  const workspace = await makeWorkspace(tenant);
  const { principal } = await makeInWorkspace(tenant, workspace, "clients");
  const node = { kind: "workspace", id: workspace.id };
  const holder = { kind: "principal", id: principal.id };
  for (const what of [{ permission: "read_only" }, { permission: "preset:read_only" },
    { preset: "read_only" }]) {
    const answer = await tenant.admin.request(
      "POST", `${tenant.path}/grants`, { holder, node, ...what });
    expect(answer.status).toBe(400);
  }
  const answer = await tenant.admin.request(
    "POST", `${tenant.path}/grants`, { holder, node, role: "read_only" });
  expect(answer.status).toBe(404);
  for (const method of ["PUT", "POST", "PATCH", "DELETE"] as const)
    expect((await tenant.admin.request(method, "/api/presets")).status).toBe(405);
  expect((await server.as(undefined).request("GET", "/api/presets")).status).toBe(401);
});
