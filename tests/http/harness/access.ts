// Asks what a principal may do, for many permissions at once.
import type { Api, Tenant } from "./api.ts";
import type { Decision, Entity, Principal } from "./types.ts";

/** The organisation as a resource. */
export function orgAsked(tenant: Tenant): Entity {
  return { type: "organisation", id: tenant.org.id };
}

/** The principal as a subject. */
export function subjectOf(principal: Principal): Entity {
  return { type: principal.kind, id: principal.id };
}

/** Of these permissions, those that the subject may exercise on the resource; sorted. */
export async function allowed(
  asker: Api,
  subject: Entity,
  resource: Entity,
  permissions: readonly string[],
): Promise<string[]> {
  const answer = await asker.post<{ evaluations: Decision[] }>("/access/v1/evaluations", {
    subject,
    resource,
    evaluations: permissions.map((name) => ({ action: { name } })),
  });
  if (answer.evaluations.length !== permissions.length)
    throw new Error(`${answer.evaluations.length} answers to ${permissions.length} questions`);
  return permissions.filter((_, at) => answer.evaluations[at]?.decision === true).toSorted();
}

/** Whether a principal may do something at its organisation, as the organisation's own key asks. */
export async function may(tenant: Tenant, who: Principal, permission: string): Promise<boolean> {
  const asked = await allowed(tenant.admin, subjectOf(who), orgAsked(tenant), [permission]);
  return asked.length === 1;
}

/** The names of all the permissions that an organisation knows. */
export async function permissionNames(tenant: Tenant): Promise<string[]> {
  const all = await tenant.admin.list<{ name: string }>(`${tenant.path}/permissions`);
  return all.map((one) => one.name);
}
