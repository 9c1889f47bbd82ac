// The roles of the device platform, as the published table has them.
import { expect, test } from "vitest";
import { expectProblem, type Tenant } from "./harness/api.ts";
import { allowedOf, inWorkspace, may, subjectOf } from "./harness/decide.ts";
import {
  APPLICATION_ROLES, GATEWAY_ROLES, groupOf, MACHINE_OPERATIONS, operations, table, USER_ROLES,
} from "./harness/device_platform.ts";
import {
  give, makeInWorkspace, makeMachine, makeMember, makeOrg, makeWorkspace, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Grant, Permission, Principal, Role, Workspace } from "./harness/types.ts";

const server = useServer();

interface Place {
  tenant: Tenant;
  workspace: Workspace;
  /** In the group below. */
  device: Entity;
  group: string;
}

async function makePlace(): Promise<Place> {
  const tenant = await makeOrg(server, "device-platform");
  const workspace = await makeWorkspace(tenant);
  const groups = `/api/workspaces/${workspace.id}/resource-groups`;
  const group = (await tenant.admin.post<{ id: string }>(groups, { name: "pump room" })).id;
  await makeInWorkspace(tenant, workspace, "devices", { id: "pump-1", groups: [group] });
  return { tenant, workspace, group, device: inWorkspace(workspace.id, "device", "pump-1") };
}

type Maker = (place: Place, roles?: string[]) => Promise<Principal>;

const stated = (roles?: string[]) => (roles === undefined ? {} : { roles });

const makers: Record<string, Maker> = {
  member: ({ tenant }, roles = []) => makeMember(tenant, ...roles),
  api_key: async ({ tenant }, roles) =>
    (await makeMachine(tenant, "api-keys", stated(roles))).principal,
  service_account: async ({ tenant }, roles) =>
    (await makeMachine(tenant, "service-accounts", stated(roles))).principal,
  application: async ({ tenant, workspace }, roles) =>
    (await makeInWorkspace(tenant, workspace, "clients", stated(roles))).principal,
  gateway: async ({ tenant, workspace, group }, roles) =>
    (await makeInWorkspace(tenant, workspace, "gateways", { ...stated(roles), groups: [group] }))
      .principal,
};

const APPLICATION_KINDS = ["api_key", "service_account", "application"];

async function make(kind: string, place: Place, roles?: string[]): Promise<Principal> {
  const maker = makers[kind];
  if (!maker) throw new Error(kind);
  const principal = await maker(place, roles);
  expect(principal.kind).toBe(kind);
  return principal;
}

/** What a principal may do with the device is what the table says of the role. */
async function expectColumn(place: Place, principal: Principal, role: string): Promise<void> {
  const allowed = await allowedOf(
    place.tenant.admin, subjectOf(principal), operations, place.device);
  expect(allowed, `${role} as ${principal.kind}`).toEqual(table.get(role));
}

test("D1_roles: the table has what the tests count on", () => {
  expect(operations).toHaveLength(71);
  expect(new Set(operations).size).toBe(71);
  expect([...table.keys()]).toEqual([...USER_ROLES, ...APPLICATION_ROLES, ...GATEWAY_ROLES]);
});

test("D1_roles: every operation of every user role, exactly", async () => {
  const place = await makePlace();
  for (const role of USER_ROLES)
    await expectColumn(place, await make("member", place, [role]), role);
});

test.each(APPLICATION_KINDS)("D4_roles: every operation of every application role, as %s",
  async (kind) => {
    const place = await makePlace();
    for (const role of APPLICATION_ROLES)
      await expectColumn(place, await make(kind, place, [role]), role);
  });

test("D5_roles: every operation of both gateway roles, on a device of the group", async () => {
  const place = await makePlace();
  for (const role of GATEWAY_ROLES)
    await expectColumn(place, await make("gateway", place, [role]), role);
});

test("D1_roles: at the workspace itself it is the same for users and applications", async () => {
  const place = await makePlace();
  const at = { type: "workspace", id: place.workspace.id };
  for (const role of USER_ROLES) {
    const member = await make("member", place, [role]);
    expect(await allowedOf(place.tenant.admin, subjectOf(member), operations, at), role)
      .toEqual(table.get(role));
  }
  for (const role of APPLICATION_ROLES) {
    const client = await make("application", place, [role]);
    expect(await allowedOf(place.tenant.admin, subjectOf(client), operations, at), role)
      .toEqual(table.get(role));
  }
});

test("D1_roles: the roles are system roles, each for its kinds, with the table's operations",
  async () => {
    const { tenant } = await makePlace();
    const roles = await tenant.admin.list<Role>(`${tenant.path}/roles`);
    const known = await tenant.admin.list<Permission>(`${tenant.path}/permissions`);
    const byName = new Map(known.map((one) => [one.name, one]));
    const kinds: [readonly string[], string[]][] = [
      [USER_ROLES, ["member"]],
      [APPLICATION_ROLES, [...APPLICATION_KINDS].sort()],
      [GATEWAY_ROLES, ["gateway"]],
    ];
    for (const [names, of] of kinds) {
      for (const name of names) {
        const role = roles.find((one) => one.name === name);
        expect(role, name).toMatchObject({ system: true, origin: "device-platform" });
        expect([...(role?.kinds ?? [])].sort(), name).toEqual(of);
        const inCatalogue = operations.filter((operation) =>
          byName.get(operation)?.roles.some((one) => one.name === name));
        expect(inCatalogue, name).toEqual(table.get(name));
      }
    }
    for (const operation of operations)
      expect(byName.get(operation)?.machine ?? false, operation)
        .toBe(MACHINE_OPERATIONS.includes(operation));
  });

test("D1_roles: every operation is in the group of the table, and listed by it", async () => {
  const { tenant } = await makePlace();
  const path = `${tenant.path}/permissions`;
  const known = await tenant.admin.list<Permission>(path);
  const byName = new Map(known.map((one) => [one.name, one.group]));
  for (const operation of operations)
    expect(byName.get(operation), operation).toBe(groupOf.get(operation));
  const groups = new Set(groupOf.values());
  expect(groups.size).toBe(10);
  for (const group of groups) {
    const listed = await tenant.admin.list<Permission>(`${path}?group=${group}`, 3);
    expect(listed.map((one) => one.name).toSorted(), group)
      .toEqual(operations.filter((operation) => groupOf.get(operation) === group).toSorted());
  }
  for (const query of ["group=", "group=Device", "group=a%3Ab"])
    expectProblem(await tenant.admin.request("GET", `${path}?${query}`), 400);
});

test("D1_roles: an operation that the server performs itself is one thing under two names",
  async () => {
    const place = await makePlace();
    const pairs = [
      ["devices:create", "iam:devices:create"], ["devices:delete", "iam:devices:delete"],
      ["users:create", "iam:members:create"], ["users:read", "iam:members:read"],
      ["api_keys:update", "iam:api_keys:update"], ["user_rights:manage", "iam:grants:create"],
      ["custom_roles:manage", "iam:roles:create"], ["operations:read", "iam:permissions:read"],
    ] as const;
    for (const role of USER_ROLES) {
      const subject = subjectOf(await make("member", place, [role]));
      const asked = pairs.flat();
      const allowed = await allowedOf(place.tenant.admin, subject, asked, place.device);
      for (const [own, builtIn] of pairs)
        expect(allowed.includes(builtIn), `${role} ${builtIn}`).toBe(allowed.includes(own));
    }
  });

test("D1_roles: a role is refused to a kind that it is not for, and nothing is left of it",
  async () => {
    const place = await makePlace();
    const { tenant, workspace } = place;
    const wrong: [string, string][] = [
      [`${tenant.path}/api-keys`, "administrator"],
      [`${tenant.path}/service-accounts`, "gateway_standard"],
      [`${tenant.path}/api-keys`, "device_own"],
      [`/api/workspaces/${workspace.id}/clients`, "reader"],
      [`/api/workspaces/${workspace.id}/gateways`, "app_standard"],
      [`/api/workspaces/${workspace.id}/devices`, "gateway_privileged"],
    ];
    for (const [path, role] of wrong) {
      const name = `no ${role}`;
      expectProblem(await tenant.admin.request("POST", path, { name, roles: [role] }),
        409, "role-not-for-kind");
      const left = await tenant.admin.list<Principal>(`${path}?q=${encodeURIComponent(name)}`);
      expect(left, `${path} ${role}`).toEqual([]);
    }
    const member = await make("member", place, []);
    expectProblem(await tenant.admin.request("POST", `${tenant.path}/grants`, {
      holder: { kind: "principal", id: member.id }, role: "app_operations",
      node: { kind: "organisation", id: tenant.org.id },
    }), 409, "role-not-for-kind");
    await expectColumn(place, member, "reader");
  });

test("D3_roles: Reader is what a user gets; roles change at any time and the decision follows",
  async () => {
    const place = await makePlace();
    const { tenant, device } = place;
    const member = await make("member", place);
    await expectColumn(place, member, "reader");
    const developer = await give(tenant, member, "developer", workspaceNode(place.workspace));
    const both = operations.filter((operation) =>
      table.get("reader")?.includes(operation) || table.get("developer")?.includes(operation));
    expect(await allowedOf(tenant.admin, subjectOf(member), operations, device)).toEqual(both);
    const held = await tenant.admin.list<Grant>(`${tenant.path}/grants?holder=${member.id}`);
    const reader = held.find((grant) => grant.id !== developer.id);
    await tenant.admin.delete(`${tenant.path}/grants/${reader?.id}`);
    await expectColumn(place, member, "developer");
    await tenant.admin.delete(`${tenant.path}/grants/${developer.id}`);
    expect(await allowedOf(tenant.admin, subjectOf(member), operations, device)).toEqual([]);
  });

test("D3_roles: an Administrator has all but what is reserved; the others have parts of it",
  async () => {
    const place = await makePlace();
    const ask = async (role: string) => new Set(await allowedOf(
      place.tenant.admin, subjectOf(await make("member", place, [role])), operations,
      place.device));
    const administrator = await ask("administrator");
    expect(operations.filter((one) => !administrator.has(one)).sort())
      .toEqual([...MACHINE_OPERATIONS].sort());
    const [operator, developer, reader] =
      [await ask("operator"), await ask("developer"), await ask("reader")];
    for (const one of [...operator, ...developer, ...reader])
      expect(administrator.has(one), one).toBe(true);
    for (const one of reader) {
      expect(operator.has(one), one).toBe(true);
      expect(developer.has(one), one).toBe(true);
    }
    for (const one of ["storage:configure", "authentication_providers:configure",
      "mail_configuration:update"]) {
      expect(administrator.has(one), one).toBe(true);
      for (const other of [operator, developer, reader]) expect(other.has(one), one).toBe(false);
    }
  });

test("D3_roles: no role of users can be put on what they may not have, nor changed by the tenant",
  async () => {
    const { tenant } = await makePlace();
    const roles = await tenant.admin.list<Role>(`${tenant.path}/roles`);
    for (const name of [...USER_ROLES, "app_standard", "gateway_standard"]) {
      const role = roles.find((one) => one.name === name);
      const path = `${tenant.path}/roles/${role?.id}`;
      expectProblem(await tenant.admin.request("PUT", path, {
        name, kinds: role?.kinds, exercises: ["events:publish", "commands:subscribe"],
      }), 409, "role-is-system");
      expectProblem(await tenant.admin.request("DELETE", path), 409, "role-is-system");
    }
    expect(await tenant.admin.list<Role>(`${tenant.path}/roles`)).toEqual(roles);
  });

test.each(APPLICATION_KINDS)("D4_roles: Standard is what a new %s gets; an empty list is none",
  async (kind) => {
    const place = await makePlace();
    await expectColumn(place, await make(kind, place), "app_standard");
    const bare = await make(kind, place, []);
    expect(await allowedOf(place.tenant.admin, subjectOf(bare), operations, place.device))
      .toEqual([]);
  });

test("D5_roles: Privileged is what a new gateway gets; a device has its own three rights",
  async () => {
    const place = await makePlace();
    await expectColumn(place, await make("gateway", place), "gateway_privileged");
    const { tenant, workspace } = place;
    const created = await makeInWorkspace(tenant, workspace, "devices", { id: "pump-9" });
    const own = inWorkspace(workspace.id, "device", "pump-9");
    const subject = subjectOf(created.principal);
    expect(await allowedOf(tenant.admin, subject, operations, own))
      .toEqual(["events:publish", "commands:subscribe", "own_device_rights:read"]);
    expect(await allowedOf(tenant.admin, subject, operations, place.device)).toEqual([]);
    expect(await may(tenant.admin, subject, "events:publish", place.device)).toBe("out-of-reach");
  });

test("D1_document: the applied blueprint is shown as it was applied, and no other", async () => {
  const tenant = await makeOrg(server, "device-platform");
  const at = `${tenant.path}/blueprints`;
  const document = await tenant.admin.get<{ name: string; roles: unknown[] }>(
    `${at}/device-platform`);
  expect(document.name).toBe("device-platform");
  const again = await tenant.admin.put<{ changed: boolean }>(`${at}/device-platform`, document);
  expect(again.changed).toBe(false);
  expectProblem(await tenant.admin.request("GET", `${at}/sensor-workspace`), 404,
    "blueprint-not-found");
});
