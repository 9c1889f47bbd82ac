// Decisions asked in batches, and what came of them.
import { expect } from "vitest";
import type { Api } from "./api.ts";
import type { Decision, Entity, Principal } from "./types.ts";

/** The most that one request may ask. */
const BATCH = 500;

export function subjectOf(principal: Principal): Entity {
  return { type: principal.kind, id: principal.id };
}

/** Something in a workspace, as a decision names it. */
export function inWorkspace(workspace: string, type: string, id: string): Entity {
  return { type, id, properties: { workspace } };
}

/** One decision for each of the actions, with why. */
export async function explainEach(
  api: Api,
  subject: Entity,
  actions: readonly string[],
  resource: Entity,
): Promise<Map<string, Decision>> {
  const decisions = new Map<string, Decision>();
  for (let from = 0; from < actions.length; from += BATCH) {
    const part = actions.slice(from, from + BATCH);
    const answer = await api.post<{ evaluations: Decision[] }>("/access/v1/evaluations", {
      subject,
      resource,
      context: { explain: true },
      evaluations: part.map((name) => ({ action: { name } })),
    });
    expect(answer.evaluations).toHaveLength(part.length);
    part.forEach((name, i) => decisions.set(name, answer.evaluations[i] as Decision));
  }
  return decisions;
}

/** Those of the actions that the subject may exercise, in their order. */
export async function allowedOf(
  api: Api,
  subject: Entity,
  actions: readonly string[],
  resource: Entity,
): Promise<string[]> {
  const decisions = await explainEach(api, subject, actions, resource);
  return actions.filter((name) => decisions.get(name)?.decision);
}

/** Whether the subject may exercise one action: true, or the code of why not. */
export async function may(
  api: Api,
  subject: Entity,
  action: string,
  resource: Entity,
): Promise<true | string> {
  const decision = (await explainEach(api, subject, [action], resource)).get(action);
  if (decision?.decision) return true;
  const reason = decision?.context?.["reason"];
  if (typeof reason !== "string") throw new Error(`no reason in ${JSON.stringify(decision)}`);
  return reason;
}
