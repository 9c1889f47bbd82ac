// Why: what an allowance rests on, and what a denial lacks.
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { inWorkspace, subjectOf } from "./harness/decide.ts";
import {
  give, makeGroup, makeMember, makeOrg, makeRole, makeWorkspace, orgNode, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type {
  Decision, Entity, Grant, Group, Principal, Role, Workspace,
} from "./harness/types.ts";

const server = useServer();
const SEND = "messages:send";

let tenant: Tenant;
let workspace: Workspace;
let role: Role;
let number: Entity;

beforeAll(async () => {
  tenant = await makeOrg(server, "communications-platform");
  workspace = await makeWorkspace(tenant);
  role = await makeRole(tenant, [SEND]);
  number = inWorkspace(workspace.id, "phone_number", "+4930123");
});

function explain(
  who: Principal | Entity,
  resource = number,
  action = SEND,
  context: Record<string, unknown> = {},
): Promise<Decision> {
  const subject = "kind" in who ? subjectOf(who) : who;
  return tenant.admin.decide({
    subject, action: { name: action }, resource, context: { explain: true, ...context },
  });
}

/** Denied, for this reason, which is of this condition; the missing permission is named. */
function expectDenied(decision: Decision, reason: string, condition: string, missing = SEND): void {
  expect(decision).toMatchObject({ decision: false, context: { reason, condition, missing } });
}

function node(kind: string, id: string) {
  return { kind, id };
}

test("F1_allowance: names the grant, the role and the node", async () => {
  const member = await makeMember(tenant);
  const grant = await give(tenant, member, role.name, workspaceNode(workspace));
  expect(await explain(member)).toEqual({
    decision: true,
    context: {
      reason: "granted",
      condition: "",
      permission: SEND,
      grant: grant.id,
      role: role.name,
      group: null,
      node: node("workspace", workspace.id),
      guardrail: null,
      missing: null,
      revision: expect.any(Number),
      age_ms: expect.any(Number),
      incarnation: expect.any(String),
    },
  });
});

test("F1_allowance: names the group through which it came", async () => {
  const member = await makeMember(tenant);
  const group: Group = await makeGroup(tenant, member);
  const grant: Grant = await give(tenant, group, role.name, orgNode(tenant));
  expect(await explain(member)).toMatchObject({
    decision: true,
    context: { grant: grant.id, group: group.id, node: node("organisation", tenant.org.id) },
  });
});

test("F1_allowance: names resource groups and resources as nodes", async () => {
  const base = `/api/workspaces/${workspace.id}`;
  const site = { type: "hybrid_site", id: unique("site") };
  const hall = await tenant.admin.post<{ id: string }>(`${base}/resource-groups`,
    { name: unique("hall") });
  await tenant.admin.post(`${base}/resources`, { ...site, groups: [hall.id] });
  const asked = inWorkspace(workspace.id, site.type, site.id);
  const member = await makeMember(tenant);
  await give(tenant, member, role.name, { kind: "resource_group", id: hall.id });
  expect(await explain(member, asked)).toMatchObject({
    decision: true, context: { node: node("resource_group", hall.id) },
  });
  expect(await explain(member, { type: "resource_group", id: hall.id })).toMatchObject({
    decision: true, context: { node: node("resource_group", hall.id) },
  });
  expectDenied(await explain(member), "no-grant", "grant");
});

test("F1_denial: nothing gives it", async () => {
  const member = await makeMember(tenant);
  const decision = await explain(member);
  expectDenied(decision, "no-grant", "grant");
  expect(decision.context).toMatchObject({
    permission: SEND, grant: null, role: null, group: null, guardrail: null,
    node: node("workspace", workspace.id),
  });
});

test("F1_denial: the grant that would have given it has expired", async () => {
  const member = await makeMember(tenant);
  const expires = new Date(Date.now() + 1500).toISOString();
  const grant = await give(tenant, member, role.name, workspaceNode(workspace), {
    expires_at: expires,
  });
  expect((await explain(member)).decision).toBe(true);
  await expect.poll(async () => (await explain(member)).decision, { timeout: 10_000 }).toBe(false);
  const decision = await explain(member);
  expectDenied(decision, "grant-expired", "grant");
  expect(decision.context).toMatchObject({ grant: grant.id, role: role.name });
});

test("F1_denial: the condition of the grant does not hold", async () => {
  const member = await makeMember(tenant);
  const grant = await give(tenant, member, role.name, workspaceNode(workspace), {
    condition: { all: [{ attribute: "context.floor", operator: "eq", value: 3 }] },
  });
  expect((await explain(member, number, SEND, { floor: 3 })).decision).toBe(true);
  const decision = await explain(member, number, SEND, { floor: 4 });
  expectDenied(decision, "condition-not-met", "grant");
  expect(decision.context).toMatchObject({ grant: grant.id });
});

test("F1_denial: a guardrail is named", async () => {
  const member = await makeMember(tenant);
  await give(tenant, member, role.name);
  const name = unique("rail");
  const fenced = await makeWorkspace(tenant);
  await tenant.admin.post(`${tenant.path}/guardrails`, {
    name, node: workspaceNode(fenced), permissions: [SEND],
  });
  const decision = await explain(member, inWorkspace(fenced.id, "phone_number", "1"));
  expectDenied(decision, "guardrail", "guardrail");
  expect(decision.context).toMatchObject({ guardrail: name });
  expect((await explain(member)).decision).toBe(true);
});

test("F1_denial: what is not there is named as such", async () => {
  const member = await makeMember(tenant);
  expectDenied(await explain({ type: "member", id: randomUUID() }), "subject-unknown", "state");
  expectDenied(await explain(member, inWorkspace(workspace.id, "nothing", "1")),
    "resource-type-unknown", "state");
  expectDenied(await explain(member, inWorkspace(workspace.id, "hybrid_site", "none")),
    "resource-unknown", "state");
  expectDenied(await explain(member, inWorkspace(randomUUID(), "phone_number", "1")),
    "resource-unknown", "state");
  const unknown = await explain(member, number, "no:such");
  expectDenied(unknown, "permission-unknown", "grant", "no:such");
  expect(unknown.context).toMatchObject({ permission: null });
});

test("F1_denial: a suspended workspace", async () => {
  const closed = await makeWorkspace(tenant);
  const member = await makeMember(tenant);
  await give(tenant, member, role.name);
  const asked = inWorkspace(closed.id, "phone_number", "1");
  expect((await explain(member, asked)).decision).toBe(true);
  await tenant.admin.put(`/api/workspaces/${closed.id}/state`, { state: "suspended" });
  expectDenied(await explain(member, asked), "node-inactive", "state");
});

test("F1_unasked: says no more than revision and age", async () => {
  const member = await makeMember(tenant);
  for (const context of [{}, { explain: false }, { explain: "true" }]) {
    const decision = await tenant.admin.decide({
      subject: subjectOf(member), action: { name: SEND }, resource: number, context,
    });
    expect(Object.keys(decision.context ?? {})).toEqual(["revision", "age_ms", "incarnation"]);
  }
});

test("F1_several: each explains itself where it is asked to", async () => {
  const member = await makeMember(tenant);
  const answer = await tenant.admin.post<{ evaluations: Decision[] }>("/access/v1/evaluations", {
    subject: subjectOf(member), action: { name: SEND }, resource: number,
    context: { explain: true },
    evaluations: [{}, { context: {} }],
  });
  const [first, second] = answer.evaluations;
  expect(first).toMatchObject({ decision: false, context: { reason: "no-grant", missing: SEND } });
  expect(second).toEqual({ decision: false });
});

test("F1_several: a thousand explained at once", async () => {
  const member = await makeMember(tenant);
  const answer = await tenant.admin.post<{ evaluations: Decision[] }>("/access/v1/evaluations", {
    subject: subjectOf(member), resource: number, context: { explain: true },
    evaluations: Array.from({ length: 1000 }, (_, i) => ({ action: { name: `no:such_${i}` } })),
  });
  expect(answer.evaluations).toHaveLength(1000);
  expect(answer.evaluations[999]?.context).toMatchObject({
    reason: "permission-unknown", missing: "no:such_999",
  });
});
