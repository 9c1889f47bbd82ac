// Every path by which access can be given: who may not give it is refused, and nothing changes;
// who may is not.
import { describe, expect, test } from "vitest";
import type { Answer, Api, Method } from "./harness/api.ts";
import {
  ALL_KINDS, expectGiven, expectNothingGiven, makeWorkshop, RUN, snapshot, STOP,
  type Workshop, workshopDocument,
} from "./harness/giving.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeRole, orgNode, unique,
  workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Principal, ResourceGroup, Role, Grant } from "./harness/types.ts";

const server = useServer();

type Attempt = (api: Api) => Promise<Answer>;

interface Path {
  name: string;
  /** Makes what the attempt is about, with the owner's key. */
  prepare: (shop: Workshop) => Promise<Attempt>;
  /** It takes everything that there is, not the stopping alone: only an owner may. */
  ownerOnly?: boolean;
}

const LATER = new Date(Date.now() + 86_400_000).toISOString();

async function key(shop: Workshop, ...roles: string[]): Promise<Principal> {
  return (await makeMachine(shop, "api-keys", { roles })).principal;
}

/** Not a key: keys that carry more than one could give are hidden, and not found. */
async function robot(shop: Workshop, ...roles: string[]): Promise<Principal> {
  return (await makeMachine(shop, "service-accounts", { roles })).principal;
}

function principalPath(shop: Workshop, principal: Principal): string {
  return `${shop.path}/principals/${principal.id}`;
}

/** The draft that says again what a role is, changed in part. */
function draftOf(role: Role, more: Partial<Role>): Partial<Role> {
  const { name, title, description, kinds, exercises, gives, ceiling } = role;
  return { name, title, description, kinds, exercises, gives, ceiling, ...more };
}

async function rgroup(shop: Workshop): Promise<ResourceGroup> {
  const name = unique("shelf");
  return shop.admin.post(`/api/workspaces/${shop.workspace.id}/resource-groups`, { name });
}

async function tool(shop: Workshop, ...groups: string[]): Promise<{ id: string; node_id: string }> {
  const draft = { type: "tool", id: unique("tool"), groups };
  return shop.admin.post(`/api/workspaces/${shop.workspace.id}/resources`, draft);
}

const grants: Path[] = [
  {
    name: "a grant to a principal",
    prepare: async (shop) => {
      const holder = { kind: "principal", id: (await key(shop)).id };
      const draft = { holder, role: shop.strong.name, node: orgNode(shop) };
      return (api) => api.request("POST", `${shop.path}/grants`, draft);
    },
  },
  {
    name: "a grant to a group",
    prepare: async (shop) => {
      const holder = { kind: "group", id: (await makeGroup(shop)).id };
      const draft = { holder, role: shop.strong.id, node: workspaceNode(shop.workspace) };
      return (api) => api.request("POST", `${shop.path}/grants`, draft);
    },
  },
  {
    name: "a grant of a single permission",
    prepare: async (shop) => {
      const { principal } = await makeInWorkspace(shop, shop.workspace, "end-users");
      const holder = { kind: "principal", id: principal.id };
      const draft = { holder, permission: STOP, node: workspaceNode(shop.workspace) };
      return (api) => api.request("POST", `${shop.path}/grants`, draft);
    },
  },
  {
    name: "a single permission by its name",
    prepare: async (shop) => {
      const { principal } = await makeInWorkspace(shop, shop.workspace, "clients");
      const at = `/api/workspaces/${shop.workspace.id}/principals/${principal.id}`;
      return (api) => api.request("PUT", `${at}/permissions/${STOP}`);
    },
  },
  {
    name: "membership of a group",
    prepare: async (shop) => {
      const group = await makeGroup(shop);
      await give(shop, group, shop.strong.name);
      const member = await makeMember(shop);
      return (api) => api.request("PUT", `${shop.path}/groups/${group.id}/members/${member.id}`);
    },
  },
];

const ofOrg = ["members", "api-keys", "service-accounts"] as const;
const ofWorkspace = ["end-users", "clients", "gateways", "devices"] as const;

function named(kind: string): Record<string, string> {
  return kind === "members" || kind === "end-users"
    ? { email: `${unique("new")}@example.com` }
    : { name: unique("new") };
}

function listOf(shop: Workshop, kind: string): string {
  return (ofOrg as readonly string[]).includes(kind)
    ? `${shop.path}/${kind}`
    : `/api/workspaces/${shop.workspace.id}/${kind}`;
}

const newcomers: Path[] = [
  ...[...ofOrg, ...ofWorkspace].map((kind): Path => ({
    name: `a role for a new one of ${kind}`,
    prepare: async (shop) => {
      const draft = { ...named(kind), roles: [shop.strong.name] };
      return (api) => api.request("POST", listOf(shop, kind), draft);
    },
  })),
  ...(["end-users", "clients"] as const).map((kind): Path => ({
    name: `a permission for a new one of ${kind}`,
    prepare: async (shop) => {
      const draft = { ...named(kind), permissions: [STOP] };
      return (api) => api.request("POST", listOf(shop, kind), draft);
    },
  })),
  ...ofOrg.map((kind): Path => ({
    name: `a group for a new one of ${kind}`,
    prepare: async (shop) => {
      const group = await makeGroup(shop);
      await give(shop, group, shop.strong.name);
      const draft = { ...named(kind), groups: [group.id] };
      return (api) => api.request("POST", listOf(shop, kind), draft);
    },
  })),
  {
    name: "a role for a key by its name",
    prepare: async (shop) => {
      const { name } = await key(shop);
      const at = `${shop.path}/api-keys/by-name/${name}`;
      return (api) => api.request("PUT", at, { roles: [shop.strong.name] });
    },
  },
  {
    name: "a role for a new key by its name",
    prepare: async (shop) => {
      const at = `${shop.path}/api-keys/by-name/${unique("new")}`;
      return (api) => api.request("PUT", at, { roles: [shop.strong.name] });
    },
  },
  {
    name: "a workspace for somebody else to own",
    prepare: async (shop) => {
      const owner = (await key(shop)).id;
      await shop.admin.patch(shop.path, { creator_role: shop.strong.name });
      const draft = { name: unique("ws"), owner };
      return (api) => api.request("POST", `${shop.path}/workspaces`, draft);
    },
  },
];

async function held(shop: Workshop, draft: Partial<Role>, exercises: string[]): Promise<Role> {
  const role = await makeRole(shop, exercises, draft);
  await give(shop, await key(shop), role.name);
  return role;
}

const roles: Path[] = [
  {
    name: "a permission put into a role that is held",
    prepare: async (shop) => {
      const role = await held(shop, {}, [RUN]);
      const draft = draftOf(role, { exercises: [RUN, STOP], gives: [RUN] });
      return (api) => api.request("PUT", `${shop.path}/roles/${role.id}`, draft);
    },
  },
  {
    name: "a right to give put into a role that is held",
    prepare: async (shop) => {
      const role = await held(shop, {}, [RUN]);
      const draft = draftOf(role, { gives: [RUN, STOP] });
      return (api) => api.request("PUT", `${shop.path}/roles/${role.id}`, draft);
    },
  },
  {
    name: "a permission put into a role that only a group holds",
    prepare: async (shop) => {
      const role = await makeRole(shop, [RUN]);
      await give(shop, await makeGroup(shop), role.name, workspaceNode(shop.workspace));
      const draft = draftOf(role, { exercises: [RUN, STOP], gives: [] });
      return (api) => api.request("PUT", `${shop.path}/roles/${role.id}`, draft);
    },
  },
  {
    name: "a role made good for another kind",
    prepare: async (shop) => {
      const role = await makeRole(shop, [STOP], { kinds: ["member"] });
      const group = await makeGroup(shop, await key(shop));
      await give(shop, group, role.name);
      const draft = draftOf(role, { kinds: ["member", "api_key"] });
      return (api) => api.request("PUT", `${shop.path}/roles/${role.id}`, draft);
    },
  },
  {
    name: "a permission put into a role that is a default",
    prepare: async (shop) => {
      const role = await makeRole(shop, [RUN]);
      await shop.admin.put(`${shop.path}/defaults/member`, { role: role.id, ceiling_role: null });
      const draft = draftOf(role, { exercises: [RUN, STOP] });
      return (api) => api.request("PUT", `${shop.path}/roles/${role.id}`, draft);
    },
  },
  {
    name: "a ceiling taken off a role that is held",
    prepare: async (shop) => {
      const role = await held(shop, { ceiling: { only: [RUN] } }, [RUN]);
      const draft = draftOf(role, { ceiling: null });
      return (api) => api.request("PUT", `${shop.path}/roles/${role.id}`, draft);
    },
    ownerOnly: true,
  },
];

const bounds: Path[] = [
  ...[null, { only: [RUN, STOP] }, { except: [RUN] }].map((ceiling): Path => ({
    name: `the ceiling ${JSON.stringify(ceiling)} in place of a lower one`,
    prepare: async (shop) => {
      const at = `${principalPath(shop, await robot(shop, shop.strong.name))}/ceiling`;
      await shop.admin.put(at, { ceiling: { only: [RUN] } });
      return (api) => api.request("PUT", at, { ceiling });
    },
  })),
  {
    name: "a second role that bears a ceiling",
    prepare: async (shop) => {
      const low = await makeRole(shop, [RUN], { ceiling: { only: [RUN] } });
      const high = await makeRole(shop, [RUN], { ceiling: { except: [] } });
      const bounded = await robot(shop, shop.strong.name, low.name);
      const draft = {
        holder: { kind: "principal", id: bounded.id }, role: high.name, node: orgNode(shop),
      };
      return (api) => api.request("POST", `${shop.path}/grants`, draft);
    },
  },
  {
    name: "a role that bears a ceiling taken away",
    prepare: async (shop) => {
      const low = await makeRole(shop, [RUN], { ceiling: { only: [RUN] } });
      const bounded = await robot(shop, shop.strong.name);
      const grant: Grant = await give(shop, bounded, low.name);
      return (api) => api.request("DELETE", `${shop.path}/grants/${grant.id}`);
    },
  },
  {
    name: "a default ceiling taken away",
    prepare: async (shop) => {
      const low = await makeRole(shop, [RUN], { kinds: ["member"], ceiling: { only: [RUN] } });
      const at = `${shop.path}/defaults/member`;
      await shop.admin.put(at, { role: null, ceiling_role: low.id });
      return (api) => api.request("PUT", at, { role: null, ceiling_role: null });
    },
    ownerOnly: true,
  },
  ...([true, false] as const).map((confined): Path => ({
    name: confined ? "one more group to reach" : "an end of confinement",
    prepare: async (shop) => {
      const { principal } = await makeInWorkspace(shop, shop.workspace, "gateways",
        { roles: [shop.strong.name], groups: [(await rgroup(shop)).id] });
      const at = `${principalPath(shop, principal)}/reach`;
      const groups = confined ? [...principal.reach, (await rgroup(shop)).id] : [];
      return (api) => api.request("PUT", at, { confined, groups });
    },
  })),
];

const resources: Path[] = [
  {
    name: "a resource put into a group where it counts",
    prepare: async (shop) => {
      const group = await rgroup(shop);
      await give(shop, await key(shop), shop.strong.name, { kind: "resource_group", id: group.id });
      const { id } = await tool(shop);
      const at = `/api/workspaces/${shop.workspace.id}/resource-groups/${group.id}`;
      return (api) => api.request("PUT", `${at}/resources/tool/${id}`);
    },
  },
  {
    name: "a resource put into what somebody confined reaches",
    prepare: async (shop) => {
      const group = await rgroup(shop);
      await makeInWorkspace(shop, shop.workspace, "gateways",
        { roles: [shop.strong.name], groups: [group.id] });
      const { id } = await tool(shop);
      const at = `/api/workspaces/${shop.workspace.id}/resource-groups/${group.id}`;
      return (api) => api.request("PUT", `${at}/resources/tool/${id}`);
    },
  },
  {
    name: "a resource taken out of a group with a guardrail",
    prepare: async (shop) => {
      const group = await rgroup(shop);
      const { id } = await tool(shop, group.id);
      await guardrail(shop, { node: { kind: "resource_group", id: group.id }, kinds: ["member"] });
      const at = `/api/workspaces/${shop.workspace.id}/resource-groups/${group.id}`;
      return (api) => api.request("DELETE", `${at}/resources/tool/${id}`);
    },
  },
  {
    name: "a group with a guardrail deleted",
    prepare: async (shop) => {
      const group = await rgroup(shop);
      await tool(shop, group.id);
      await guardrail(shop, { node: { kind: "resource_group", id: group.id }, kinds: ["member"] });
      const at = `/api/workspaces/${shop.workspace.id}/resource-groups/${group.id}`;
      return (api) => api.request("DELETE", at);
    },
  },
];

async function guardrail(
  shop: Workshop,
  more: Record<string, unknown> = {},
): Promise<{ draft: Record<string, unknown>; at: string }> {
  const draft = {
    name: unique("rail"), node: orgNode(shop), permissions: [STOP], kinds: ["member"], ...more,
  };
  const { id } = await shop.admin.post<{ id: string }>(`${shop.path}/guardrails`, draft);
  return { draft, at: `${shop.path}/guardrails/${id}` };
}

const guardrails: Path[] = [
  {
    name: "a guardrail written",
    prepare: async (shop) => {
      const draft = { name: unique("rail"), node: orgNode(shop), permissions: [RUN, STOP] };
      return (api) => api.request("POST", `${shop.path}/guardrails`, draft);
    },
  },
  {
    name: "a guardrail removed",
    prepare: async (shop) => {
      const { at } = await guardrail(shop);
      return (api) => api.request("DELETE", at);
    },
  },
  {
    name: "a guardrail that lets more through",
    prepare: async (shop) => {
      const { at, draft } = await guardrail(shop);
      return (api) => api.request("PUT", at, { ...draft, permissions: [RUN] });
    },
  },
  {
    name: "a guardrail that denies under a condition only",
    prepare: async (shop) => {
      const { at, draft } = await guardrail(shop);
      const condition = { all: [{ attribute: "context.night", operator: "eq", value: true }] };
      return (api) => api.request("PUT", at, { ...draft, condition });
    },
  },
  {
    name: "a guardrail moved to another node",
    prepare: async (shop) => {
      const { at, draft } = await guardrail(shop);
      return (api) => api.request("PUT", at, { ...draft, node: workspaceNode(shop.workspace) });
    },
  },
];

const rules: Path[] = [
  {
    name: "a default role",
    prepare: async (shop) => {
      const draft = { role: shop.strong.name, ceiling_role: null };
      return (api) => api.request("PUT", `${shop.path}/defaults/device`, draft);
    },
  },
  {
    name: "a role for who creates a workspace",
    prepare: async (shop) => {
      return (api) => api.request("PATCH", shop.path, { creator_role: shop.strong.name });
    },
  },
  {
    name: "a blueprint that widens a role that is held",
    prepare: async (shop) => {
      const foreman = { name: "foreman", title: "Foreman", description: "", kinds: ALL_KINDS };
      const at = `${shop.path}/blueprints/workshop`;
      const first = { version: 2, roles: [{ ...foreman, exercises: [RUN] }] };
      await shop.admin.put(at, workshopDocument(first));
      await give(shop, await key(shop), "foreman");
      const second = { version: 3, roles: [{ ...foreman, exercises: [RUN, STOP] }] };
      return (api) => api.request("PUT", at, workshopDocument(second));
    },
  },
  {
    name: "a blueprint with a default role",
    prepare: async (shop) => {
      const lead = {
        name: "lead", title: "Lead", description: "", kinds: ["device"], exercises: [STOP],
      };
      const next = { version: 2, roles: [lead], defaults: { device: { role: "lead" } } };
      const at = `${shop.path}/blueprints/workshop`;
      return (api) => api.request("PUT", at, workshopDocument(next));
    },
  },
  {
    name: "a blueprint with a guardrail",
    prepare: async (shop) => {
      const rail = {
        name: "no-stopping", description: "", kinds: ["device"], permissions: [STOP],
        condition: null,
      };
      const at = `${shop.path}/blueprints/workshop`;
      const next = workshopDocument({ version: 2, guardrails: [rail] });
      return (api) => api.request("PUT", at, next);
    },
  },
];

const principals: Path[] = [
  {
    name: "a credential for somebody stronger",
    prepare: async (shop) => {
      const at = `${principalPath(shop, await robot(shop, shop.strong.name))}/credentials`;
      return (api) => api.request("POST", at, { name: "mine" });
    },
  },
  {
    name: "a rotation for somebody stronger",
    prepare: async (shop) => {
      const { principal } = await makeInWorkspace(shop, shop.workspace, "devices",
        { roles: [shop.strong.name] });
      const at = `/api/workspaces/${shop.workspace.id}/principals/${principal.id}/credentials`;
      return (api) => api.request("POST", at, { name: "mine", retire_others_after_s: 0 });
    },
  },
  {
    name: "a credential for somebody stronger through a group",
    prepare: async (shop) => {
      const principal = await robot(shop);
      await give(shop, await makeGroup(shop, principal), shop.strong.name);
      const at = `${principalPath(shop, principal)}/credentials`;
      return (api) => api.request("POST", at, { name: "mine" });
    },
  },
  ...(["api-keys", "service-accounts"] as const).map((kind): Path => ({
    name: `a default role for a new one of ${kind}`,
    prepare: async (shop) => {
      const draft = { role: shop.strong.name, ceiling_role: null };
      const of = kind === "api-keys" ? "api_key" : "service_account";
      await shop.admin.put(`${shop.path}/defaults/${of}`, draft);
      return (api) => api.request("POST", `${shop.path}/${kind}`, { name: unique("new") });
    },
  })),
  {
    name: "a suspended one of more rights made active",
    prepare: async (shop) => {
      const { id } = await robot(shop, shop.strong.name);
      const at = `${shop.path}/service-accounts/${id}`;
      await shop.admin.patch(at, { state: "suspended" });
      return (api) => api.request("PATCH", at, { state: "active" });
    },
  },
  ...[LATER, null].map((expires_at): Path => ({
    name: `an expiry moved to ${expires_at === null ? "never" : "a later time"}`,
    prepare: async (shop) => {
      const { id } = await robot(shop, shop.strong.name);
      const at = `${shop.path}/service-accounts/${id}`;
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      await shop.admin.patch(at, { expires_at: soon });
      return (api) => api.request("PATCH", at, { expires_at });
    },
  })),
];

describe.each<[string, Path[]]>([
  ["grants", grants],
  ["newcomers", newcomers],
  ["roles", roles],
  ["bounds", bounds],
  ["resources", resources],
  ["guardrails", guardrails],
  ["rules", rules],
  ["principals", principals],
])("%s", (_, paths) => {
  test.each(paths)("E6_paths: $name", async (path) => {
    const shop = await makeWorkshop(server);
    const attempt = await path.prepare(shop);
    const named = path.ownerOnly ? undefined : STOP;
    await expectNothingGiven(shop, () => attempt(shop.weak.api), named);
    const by = path.ownerOnly ? shop.admin : shop.able.api;
    expectGiven(await attempt(by));
  });
});

test("E6_paths: nobody can give on without the permission to give at all", async () => {
  const shop = await makeWorkshop(server);
  const holder = { kind: "principal", id: (await robot(shop)).id };
  const idle = await makeMachine(shop, "service-accounts", { roles: [shop.strong.name] });
  const answer = await shop.as(idle.secret).request("POST", `${shop.path}/grants`,
    { holder, role: shop.strong.name, node: orgNode(shop) });
  expect(answer.status).toBe(403);
  expect(answer.body).toMatchObject({ permission: "iam:grants:create" });
});

test("E6_paths: a key that carries what one could not give is not there to be used", async () => {
  const shop = await makeWorkshop(server);
  const { id, name } = await key(shop, shop.strong.name);
  await shop.admin.patch(`${shop.path}/api-keys/${id}`, { state: "suspended" });
  const before = await snapshot(shop);
  const attempts: [string, Answer][] = [];
  const attempt = async (method: Method, path: string, body?: unknown): Promise<void> => {
    attempts.push([`${method} ${path}`, await shop.weak.api.request(method, path, body)]);
  };
  await attempt("PATCH", `${shop.path}/api-keys/${id}`, { state: "active" });
  await attempt("PATCH", `${shop.path}/api-keys/${id}`, { expires_at: LATER });
  await attempt("POST", `${shop.path}/principals/${id}/credentials`, { name: "mine" });
  await attempt("PUT", `${shop.path}/principals/${id}/ceiling`, { ceiling: { except: [] } });
  await attempt("PUT", `${shop.path}/principals/${id}/reach`, { confined: false, groups: [] });
  for (const [what, answer] of attempts) expect([what, answer.status]).toEqual([what, 404]);
  await attempt("PUT", `${shop.path}/api-keys/by-name/${name}`, { state: "active" });
  expect(attempts.at(-1)?.[1].status).toBe(409);
  expect(await snapshot(shop)).toEqual(before);
});
