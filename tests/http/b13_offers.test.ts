// Global resources: offered to a workspace, usable there once enabled.
import { expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { inWorkspace, may, subjectOf } from "./harness/decide.ts";
import {
  give, makeMachine, makeMember, makeOrg, makeWorkspace, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Entity, Workspace } from "./harness/types.ts";

const server = useServer();

interface Offer {
  type: string;
  id: string;
  enabled: boolean;
}

interface Place {
  tenant: Tenant;
  workspace: Workspace;
  elsewhere: Workspace;
  id: string;
  /** Whose role in both workspaces lets it use models. */
  user: Entity;
  /** Administers the workspace. */
  local: Api;
  use(where?: Workspace): Promise<true | string>;
  offer: string;
  enabling: string;
}

async function makePlace(): Promise<Place> {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const [workspace, elsewhere] = [await makeWorkspace(tenant), await makeWorkspace(tenant)];
  const id = unique("model");
  await tenant.admin.post(`${tenant.path}/resources`, { type: "model", id, name: "A model" });
  const member = await makeMember(tenant, "global_member");
  for (const where of [workspace, elsewhere])
    await give(tenant, member, "workspace_member", workspaceNode(where));
  const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
  await give(tenant, machine.principal, "workspace_admin", workspaceNode(workspace));
  const user = subjectOf(member);
  return {
    tenant, workspace, elsewhere, id, user,
    local: server.as(machine.secret),
    use: (where = workspace) =>
      may(tenant.admin, user, "models:use", inWorkspace(where.id, "model", id)),
    offer: `${tenant.path}/resources/model/${id}/offers/${workspace.id}`,
    enabling: `/api/workspaces/${workspace.id}/offers/model/${id}`,
  };
}

const NOT_ENABLED = "resource-not-enabled";

test("B13_offer: neither made nor offered is it usable; enabled it is, here and not there",
  async () => {
    const place = await makePlace();
    const { tenant, local, workspace, elsewhere, id } = place;
    const offers = () => local.list<Offer>(`/api/workspaces/${workspace.id}/offers`);
    expect(await place.use()).toBe(NOT_ENABLED);
    expect(await offers()).toEqual([]);
    expectProblem(await local.request("PUT", place.enabling, { enabled: true }), 404,
      "offer-not-found");

    await tenant.admin.put(place.offer);
    expect(await offers()).toMatchObject([{ type: "model", id, enabled: false }]);
    expect(await place.use()).toBe(NOT_ENABLED);

    await local.put(place.enabling, { enabled: true });
    expect(await offers()).toMatchObject([{ id, enabled: true }]);
    expect(await place.use()).toBe(true);
    expect(await place.use(elsewhere)).toBe(NOT_ENABLED);
  });

test.each<[string, (place: Place) => Promise<unknown>]>([
  ["disabled", ({ local, enabling }) => local.delete(enabling)],
  ["set to disabled", ({ local, enabling }) => local.put(enabling, { enabled: false })],
  ["no longer offered", ({ tenant, offer }) => tenant.admin.delete(offer)],
])("B13_offer: once it is %s nobody uses it, at once", async (_, end) => {
  const place = await makePlace();
  await place.tenant.admin.put(place.offer);
  await place.local.put(place.enabling, { enabled: true });
  expect(await place.use()).toBe(true);
  await end(place);
  expect(await place.use()).toBe(NOT_ENABLED);
});

test("B13_offer: an offer that comes again has to be enabled again", async () => {
  const place = await makePlace();
  await place.tenant.admin.put(place.offer);
  await place.local.put(place.enabling, { enabled: true });
  await place.tenant.admin.delete(place.offer);
  await place.tenant.admin.put(place.offer);
  expect(await place.use()).toBe(NOT_ENABLED);
});

test("B13_offer: what is suspended or deleted is enabled nowhere", async () => {
  const place = await makePlace();
  const { tenant, id } = place;
  await tenant.admin.put(place.offer);
  await place.local.put(place.enabling, { enabled: true });
  const at = `${tenant.path}/resources/model/${id}`;
  await tenant.admin.patch(at, { state: "suspended" });
  expect(await place.use()).toBe("resource-inactive");
  await tenant.admin.patch(at, { state: "active" });
  expect(await place.use()).toBe(true);
  await tenant.admin.delete(at);
  expect(await place.use()).toBe("resource-unknown");
  // Nor does one of the same name that is made afterwards inherit it.
  await tenant.admin.post(`${tenant.path}/resources`, { type: "model", id });
  expect(await place.use()).toBe(NOT_ENABLED);
});

test("B13_offer: enabled is not granted: who has no right to models still has none", async () => {
  const place = await makePlace();
  await place.tenant.admin.put(place.offer);
  await place.local.put(place.enabling, { enabled: true });
  const other = subjectOf(await makeMember(place.tenant, "global_member"));
  const asked = inWorkspace(place.workspace.id, "model", place.id);
  expect(await may(place.tenant.admin, other, "models:use", asked)).toBe("no-grant");
});

test("B13_offer: a model of the workspace's own needs no offer, and goes before a global one",
  async () => {
    const place = await makePlace();
    await place.local.post(`/api/workspaces/${place.workspace.id}/resources`,
      { type: "model", id: "own" });
    const ask = (id: string) => may(place.tenant.admin, place.user, "models:use",
      inWorkspace(place.workspace.id, "model", id));
    expect(await ask("own")).toBe(true);
    expectProblem(await place.tenant.admin.request("PUT",
      `${place.tenant.path}/resources/model/own/offers/${place.workspace.id}`), 404);
  });

test("B13_offer: the tenant offers, the workspace enables, and neither does the other's",
  async () => {
    const place = await makePlace();
    const { tenant, local } = place;
    expectForbidden(await local.request("PUT", place.offer), "iam:offers:create");
    const ruler = await makeMachine(tenant, "service-accounts", { roles: [] });
    const role = await tenant.admin.post<{ name: string }>(`${tenant.path}/roles`, {
      name: unique("offering"), kinds: ["service_account"],
      exercises: ["iam:offers:create", "iam:workspaces:read"],
    });
    await give(tenant, ruler.principal, role.name);
    const offering = server.as(ruler.secret);
    await offering.put(place.offer);
    expectForbidden(await offering.request("PUT", place.enabling, { enabled: true }),
      "iam:offers:enable");
    expectForbidden(await offering.request("DELETE", place.offer), "iam:offers:delete");
    expect(await place.use()).toBe(NOT_ENABLED);
  });

test("B13_offer: nothing is offered to, or enabled in, what is somebody else's", async () => {
  const place = await makePlace();
  const other = await makePlace();
  await place.tenant.admin.put(place.offer);
  const foreign = other.workspace.id;
  expectProblem(await place.tenant.admin.request("PUT",
    `${place.tenant.path}/resources/model/${place.id}/offers/${foreign}`), 404);
  expectProblem(await other.local.request("PUT", place.enabling, { enabled: true }), 404);
  expectProblem(await place.local.request("PUT",
    `/api/workspaces/${place.elsewhere.id}/offers/model/${place.id}`, { enabled: true }), 404);
  expect(await place.use()).toBe(NOT_ENABLED);
});

test("B13_offer: a resource is offered to no more workspaces than can be known of", async () => {
  const place = await makePlace();
  await place.tenant.admin.put(place.offer);
  await server.stop();
  server.store.alter(
    `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 65536)
     INSERT INTO offers SELECT org, resource, ${server.store.randomId}, 0 FROM offers, n
     WHERE workspace = ${server.store.literal(place.workspace.id)}`);
  await server.start();
  const { offer, tenant, elsewhere, id } = place;
  const another = `${tenant.path}/resources/model/${id}/offers/${elsewhere.id}`;
  expectProblem(await tenant.admin.request("PUT", another), 409, "too-many-offers");
  // It is there already, so nothing is made.
  await tenant.admin.put(offer);
  await tenant.admin.delete(offer);
  await tenant.admin.put(another);
  // The made up offers go with their resource: no workspace of theirs is there.
  await tenant.admin.delete(`${tenant.path}/resources/model/${id}`);
});
