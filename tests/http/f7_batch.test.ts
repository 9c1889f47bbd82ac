// A batch answers what its questions would be answered one by one, whatever is asked.
import { expect, test } from "vitest";
import { inWorkspace, subjectOf } from "./harness/decide.ts";
import { operations } from "./harness/device_platform.ts";
import { makeInWorkspace, makeMachine, makeMember, makeOrg, makeWorkspace, unique }
  from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Decision, Entity } from "./harness/types.ts";

const server = useServer();
const QUESTIONS = 300;

/** A small generator with a seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

interface Question {
  subject: Entity;
  action: { name: string };
  resource: Entity;
  context: Record<string, unknown>;
}

test("F7_batch: three hundred random questions are answered as they are alone", async () => {
  const tenant = await makeOrg(server, "device-platform");
  const workspace = await makeWorkspace(tenant);
  const ids = [unique("device"), unique("device")];
  for (const id of ids) await makeInWorkspace(tenant, workspace, "devices", { id });
  const subjects = [
    subjectOf(await makeMember(tenant, "administrator")),
    subjectOf(await makeMember(tenant)),
    subjectOf((await makeMachine(tenant, "api-keys", { roles: ["app_data_processor"] })).principal),
    subjectOf((await makeInWorkspace(tenant, workspace, "gateways")).principal),
    { type: "member", id: "00000000-0000-7000-8000-000000000000" },
  ];
  const resources = [
    ...ids.map((id) => inWorkspace(workspace.id, "device", id)),
    inWorkspace(workspace.id, "device", "nobody"),
    { type: "workspace", id: workspace.id },
    { type: "organisation", id: tenant.org.id },
  ];
  const actions = [...operations, "iam:members:read", "no:such"];
  const seed = Number(process.env["THINGWARD_SEED"] ?? 20261121);
  const pick = random(seed);
  const one = <T>(from: readonly T[]): T => from[pick(from.length)] as T;
  const questions: Question[] = Array.from({ length: QUESTIONS }, () => ({
    subject: one(subjects),
    action: { name: one(actions) },
    resource: one(resources),
    context: { explain: true },
  }));

  const batch = await tenant.admin.post<{ evaluations: Decision[] }>(
    "/access/v1/evaluations", { evaluations: questions });
  expect(batch.evaluations).toHaveLength(QUESTIONS);
  const seen = new Set<string>();
  for (const [i, question] of questions.entries()) {
    const alone = await tenant.admin.post<Decision>("/access/v1/evaluation", question);
    const together = batch.evaluations[i] as Decision;
    expect(together.decision, `seed ${seed}, question ${i}`).toBe(alone.decision);
    const { revision: _, age_ms: __, incarnation: ___, ...why } = alone.context ?? {};
    expect(together.context, `seed ${seed}, question ${i}`).toMatchObject(why);
    seen.add(String(alone.context?.["reason"]));
  }
  expect(seen.size, `too few sorts of answers: ${[...seen].join(" ")}`).toBeGreaterThan(4);
});
