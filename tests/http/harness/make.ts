// Makes what most tests begin with: organisations, workspaces, principals, groups, grants.
import { randomUUID } from "node:crypto";
import type { Tenant } from "./api.ts";
import type { Server } from "./server.ts";
import type {
  Grant, GrantDraft, Group, Node, Org, Principal, PrincipalCreated, Role, Workspace,
} from "./types.ts";

/** A name that no other test uses. */
export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** An organisation with its first key, and the blueprints named. */
export async function makeOrg(server: Server, ...blueprints: string[]): Promise<Tenant> {
  const created = await server.operator.post<{ org: Org; secret: string }>("/api/orgs", {
    name: unique("org"),
    blueprints,
    first_key: { name: "first" },
  });
  return {
    org: created.org,
    admin: server.as(created.secret),
    path: `/api/orgs/${created.org.id}`,
  };
}

export function makeWorkspace(tenant: Tenant, name = unique("ws")): Promise<Workspace> {
  return tenant.admin.post(`${tenant.path}/workspaces`, { name });
}

/** A principal of the organisation that gets a secret: an API key or a service account. */
export async function makeMachine(
  tenant: Tenant,
  kind: "api-keys" | "service-accounts",
  draft: { name?: string; roles?: string[]; groups?: string[]; expires_at?: string } = {},
): Promise<PrincipalCreated & { secret: string }> {
  const created = await tenant.admin.post<PrincipalCreated>(`${tenant.path}/${kind}`, {
    name: unique("machine"),
    ...draft,
  });
  if (created.secret === undefined) throw new Error(`no secret for a new one of ${kind}`);
  return { ...created, secret: created.secret };
}

export async function makeMember(tenant: Tenant, ...roles: string[]): Promise<Principal> {
  const email = `${unique("person")}@example.com`;
  const draft = { email, ...(roles.length > 0 ? { roles } : {}) };
  return (await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`, draft)).principal;
}

/** A principal of a workspace. */
export function makeInWorkspace(
  tenant: Tenant,
  workspace: Workspace,
  kind: "end-users" | "clients" | "gateways" | "devices",
  draft: Record<string, unknown> = {},
): Promise<PrincipalCreated> {
  const named = kind === "end-users"
    ? { email: `${unique("user")}@example.com` }
    : { name: unique(kind.slice(0, -1)) };
  return tenant.admin.post(`/api/workspaces/${workspace.id}/${kind}`, { ...named, ...draft });
}

export async function makeGroup(tenant: Tenant, ...members: Principal[]): Promise<Group> {
  const group = await tenant.admin.post<Group>(`${tenant.path}/groups`, { name: unique("group") });
  for (const member of members)
    await tenant.admin.put(`${tenant.path}/groups/${group.id}/members/${member.id}`);
  return group;
}

export function makeRole(
  tenant: Tenant,
  exercises: string[],
  draft: Partial<Role> = {},
): Promise<Role> {
  return tenant.admin.post(`${tenant.path}/roles`, {
    name: unique("role"),
    kinds: ["member", "service_account", "api_key"],
    exercises,
    ...draft,
  });
}

export function orgNode(tenant: Tenant): Node {
  return { kind: "organisation", id: tenant.org.id };
}

export function workspaceNode(workspace: Workspace): Node {
  return { kind: "workspace", id: workspace.id };
}

/** Gives a role, or whatever else the draft says, to a principal at a node. */
export function give(
  tenant: Tenant,
  to: Principal | Group,
  role: string,
  node: Node = orgNode(tenant),
  more: Partial<GrantDraft> = {},
): Promise<Grant> {
  const kind = "kind" in to ? "principal" : "group";
  return tenant.admin.post(`${tenant.path}/grants`, {
    holder: { kind, id: to.id },
    role,
    node,
    ...more,
  });
}
