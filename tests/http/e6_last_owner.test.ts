// An organisation keeps an owner, the platform an operator, whatever is tried.
import { describe, expect, test } from "vitest";
import { type Answer, type Api, expectProblem } from "./harness/api.ts";
import { snapshot } from "./harness/giving.ts";
import { give, makeGroup, makeMachine, makeOrg, orgNode, unique } from "./harness/make.ts";
import { Server, useServer } from "./harness/server.ts";
import type { Credential, Grant, Page, Principal } from "./harness/types.ts";

const server = useServer();

interface Owner {
  id: string;
  name: string;
}

/** Tries to take an owner's hold away. */
type Removal = (admin: Api, path: string, owner: Owner) => Promise<Answer>;

async function firstOf<T>(admin: Api, path: string): Promise<T> {
  const [first, ...more] = (await admin.get<Page<T>>(path)).items;
  if (first === undefined || more.length > 0) throw new Error(`${path}: one is expected`);
  return first;
}

const PAST = "2020-01-01T00:00:00Z";
const later = (): string => new Date(Date.now() + 86_400_000).toISOString();

const REMOVALS: [string, Removal][] = [
  ["deletion", (admin, path, { id }) => admin.request("DELETE", `${path}/api-keys/${id}`)],
  ["suspension", (admin, path, { id }) =>
    admin.request("PATCH", `${path}/api-keys/${id}`, { state: "suspended" })],
  ["suspension by its name", (admin, path, { name }) =>
    admin.request("PUT", `${path}/api-keys/by-name/${name}`, { state: "suspended" })],
  ["an expiry that has passed", (admin, path, { id }) =>
    admin.request("PATCH", `${path}/api-keys/${id}`, { expires_at: PAST })],
  ["an expiry to come", (admin, path, { id }) =>
    admin.request("PATCH", `${path}/api-keys/${id}`, { expires_at: later() })],
  ["revoking its last credential", async (admin, path, { id }) => {
    const at = `${path}/principals/${id}/credentials`;
    const credential = await firstOf<Credential>(admin, at);
    return admin.request("DELETE", `${at}/${credential.id}`);
  }],
  ["taking its grant back", async (admin, path, { id }) => {
    const grant = await firstOf<Grant>(admin, `${path}/grants?holder=${id}`);
    return admin.request("DELETE", `${path}/grants/${grant.id}`);
  }],
  ["a key without roles", (admin, path, { name }) =>
    admin.request("PUT", `${path}/api-keys/by-name/${name}`, { roles: [] })],
  ["confinement", (admin, path, { id }) =>
    admin.request("PUT", `${path}/principals/${id}/reach`, { confined: true, groups: [] })],
  ["a ceiling", (admin, path, { id }) =>
    admin.request("PUT", `${path}/principals/${id}/ceiling`, { ceiling: { only: [] } })],
];

function expectGone(answer: Answer): void {
  expect([200, 204], answer.text).toContain(answer.status);
}

describe.each(REMOVALS)("by %s", (_, remove) => {
  test("E6_last_owner: the last one stays", async () => {
    const tenant = await makeOrg(server);
    const owner = await tenant.admin.get<Owner>("/api/self");
    const before = await snapshot(tenant);
    expectProblem(await remove(tenant.admin, tenant.path, owner), 409, "last-owner");
    expect(await snapshot(tenant)).toEqual(before);
  });

  test("E6_last_owner: one of two goes, and it works at once", async () => {
    const tenant = await makeOrg(server);
    const other = await makeMachine(tenant, "api-keys", { roles: ["owner"] });
    const second = server.as(other.secret);
    const owner = await tenant.admin.get<Owner>("/api/self");
    expectGone(await remove(second, tenant.path, owner));
    const self = await second.get<Owner>("/api/self");
    expectProblem(await remove(second, tenant.path, self), 409, "last-owner");
  });
});

test("E6_last_owner: a group cannot own, so none can let go of the last one", async () => {
  const tenant = await makeOrg(server);
  const self = await tenant.admin.get<Owner>("/api/self");
  const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
  const group = await makeGroup(tenant, machine.principal);
  const holder = { kind: "group", id: group.id };
  const before = await snapshot(tenant);
  expectProblem(await tenant.admin.request("POST", `${tenant.path}/grants`,
    { holder, role: "owner", node: orgNode(tenant) }), 409, "role-not-for-groups");
  expect(await snapshot(tenant)).toEqual(before);
  const answer = await tenant.admin.request("DELETE", `${tenant.path}/api-keys/${self.id}`);
  expectProblem(answer, 409, "last-owner");
});

test("E6_last_owner: one whose ownership ends, or hangs on a condition, does not count",
  async () => {
    const tenant = await makeOrg(server);
    const { principal } = await makeMachine(tenant, "api-keys", { roles: [] });
    const condition = { all: [{ attribute: "context.x", operator: "exists", value: true }] };
    await give(tenant, principal, "owner", orgNode(tenant), { condition });
    await give(tenant, principal, "owner", orgNode(tenant), { expires_at: later() });
    const self = await tenant.admin.get<Owner>("/api/self");
    const answer = await tenant.admin.request("DELETE", `${tenant.path}/api-keys/${self.id}`);
    expectProblem(answer, 409, "last-owner");
    await give(tenant, principal, "owner");
    await tenant.admin.delete(`${tenant.path}/api-keys/${self.id}`);
  });

describe.each(REMOVALS)("of the platform, by %s", (_, remove) => {
  test("E6_last_operator: the last one stays", async () => {
    const platform = new Server();
    try {
      await platform.start();
      const path = "/api/orgs/platform";
      const first = await platform.operator.get<Owner>("/api/self");
      expectProblem(await remove(platform.operator, path, first), 409, "last-operator");
      expect((await platform.operator.get<Principal>(`${path}/principals/${first.id}`)).state)
        .toBe("active");

      const made = await platform.operator.post<{ secret: string }>(`${path}/api-keys`,
        { name: unique("operator"), roles: ["operator"] });
      expectGone(await remove(platform.as(made.secret), path, first));
    } finally {
      await platform.finish();
    }
  });
});
