// A workshop in which access is given: who may, who may not, and whether anything has changed.
import { expect } from "vitest";
import { type Answer, type Api, expectForbidden, type Tenant } from "./api.ts";
import { give, makeMachine, makeOrg, makeRole, makeWorkspace, orgNode, unique } from "./make.ts";
import type { Server } from "./server.ts";
import type {
  GrantDraft, Group, Kind, Node, Principal, ResourceGroup, Role, Workspace,
} from "./types.ts";

export const ALL_KINDS: Kind[] = [
  "member", "end_user", "service_account", "api_key", "application", "gateway", "device",
];

/** What nobody but an owner has, unless a test gives it. */
export const STOP = "tools:stop";
/** What the callers of a test have besides the management. */
export const RUN = "tools:run";

const WORKSHOP = {
  name: "workshop",
  version: 1,
  title: "Workshop",
  description: "Tools that are run, stopped and shared.",
  resource_types: [{ type: "tool", registered: true, description: "A tool." }],
  permissions: [
    { name: RUN, class: "write", description: "Run a tool." },
    { name: STOP, class: "write", description: "Stop a tool." },
  ],
  roles: [],
  defaults: {},
  guardrails: [],
};

/** The document, changed in part. */
export function workshopDocument(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...WORKSHOP, ...more };
}

/** All of `iam:` but reading the records, which nobody but an owner has here. */
async function managing(tenant: Tenant): Promise<string[]> {
  const all = await tenant.admin.list<{ name: string; origin: string }>(
    `${tenant.path}/permissions`);
  return all.map((one) => one.name)
    .filter((name) => name.startsWith("iam:") && name !== "iam:records:read");
}

export interface Caller {
  api: Api;
  principal: Principal;
}

export interface Workshop extends Tenant {
  workspace: Workspace;
  /** Manages everything, runs tools, and can give no stopping of them. */
  weak: Caller;
  /** The same, with the stopping. */
  able: Caller;
  /** A role that carries the stopping, for every kind. */
  strong: Role;
  /** What the weak one exercises. */
  usual: string[];
  as(secret: string): Api;
}

export async function makeWorkshop(server: Server): Promise<Workshop> {
  const tenant = await makeOrg(server);
  await tenant.admin.put(`${tenant.path}/blueprints/workshop`, WORKSHOP);
  const workspace = await makeWorkspace(tenant);
  const usual = [...(await managing(tenant)), RUN];
  const strong = await makeRole(tenant, [STOP], { name: unique("strong"), kinds: ALL_KINDS });
  const as = (secret: string): Api => server.as(secret);
  const shop = { ...tenant, workspace, strong, usual, as };
  const weak = await makeCaller(shop, usual);
  const able = await makeCaller(shop, [...usual, STOP]);
  return { ...shop, weak, able };
}

/** A service account with a role of its own. */
export async function makeCaller(
  shop: Tenant & { as(secret: string): Api },
  exercises: string[],
  role: Partial<Role> = {},
  node: Node = orgNode(shop),
  terms: Partial<GrantDraft> = {},
): Promise<Caller> {
  const made = await makeMachine(shop, "service-accounts", { roles: [] });
  const own = await makeRole(shop, exercises, role);
  await give(shop, made.principal, own.name, node, terms);
  return { api: shop.as(made.secret), principal: made.principal };
}

interface Listed {
  id: string;
}

/** Everything of the organisation that its lists show, and the revision with its hash. */
export async function snapshot(tenant: Tenant): Promise<Record<string, unknown>> {
  const { admin, path } = tenant;
  const all: Record<string, unknown> = {};
  const keep = async <T>(list: string): Promise<T[]> => {
    const items = await admin.list<T>(list);
    all[list] = items;
    return items;
  };
  for (const list of ["workspaces", "roles", "permissions", "grants", "guardrails", "blueprints"])
    await keep(`${path}/${list}`);
  for (const group of await keep<Group>(`${path}/groups`))
    await keep(`${path}/groups/${group.id}/members`);
  for (const principal of await keep<Principal>(`${path}/principals`)) {
    const at = `${path}/principals/${principal.id}/credentials`;
    const { items } = await admin.get<{ items: Record<string, unknown>[] }>(at);
    all[at] = items.map(({ last_used_at: _, ...rest }) => rest);
  }
  for (const { id } of all[`${path}/workspaces`] as Listed[]) {
    const at = `/api/workspaces/${id}`;
    await keep(`${at}/resources`);
    for (const group of await keep<ResourceGroup>(`${at}/resource-groups`))
      await keep(`${at}/resource-groups/${group.id}/resources`);
  }
  all["defaults"] = await admin.get(`${path}/defaults`);
  all["org"] = await admin.get(path);
  all["head"] = await admin.get(`${path}/records/head`);
  return all;
}

/** Refused because the caller may not give it, and nothing is other than before. */
export async function expectNothingGiven(
  tenant: Tenant,
  attempt: () => Promise<Answer>,
  permission?: string,
): Promise<void> {
  const before = await snapshot(tenant);
  const answer = await attempt();
  expectForbidden(answer, permission, "may-not-give");
  expect(answer.body).toHaveProperty("permission", expect.stringMatching(/^[a-z_]+:/));
  expect(await snapshot(tenant)).toEqual(before);
}

/** The change went through, and made one revision. */
export function expectGiven(answer: Answer): void {
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(200);
  expect(answer.status, answer.text).toBeLessThan(300);
  expect(answer.headers.get("thingward-revision")).toMatch(/^\d+$/);
}
