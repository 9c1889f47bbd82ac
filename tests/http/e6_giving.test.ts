// On which terms, where, and to whom what one may give can be given.
import { expect, test } from "vitest";
import { type Answer, expectForbidden, expectProblem } from "./harness/api.ts";
import { may, subjectOf } from "./harness/decide.ts";
import {
  ALL_KINDS, type Caller, expectGiven, expectNothingGiven, makeCaller, makeWorkshop, RUN, snapshot,
  STOP, type Workshop, workshopDocument,
} from "./harness/giving.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeRole, makeWorkspace, orgNode, unique,
  workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Condition, GrantDraft, Group, Node, Principal, Role } from "./harness/types.ts";

const server = useServer();

const hours = (count: number): string => new Date(Date.now() + count * 3_600_000).toISOString();
const within = (block: string): Condition => ({
  all: [{ attribute: "context.address", operator: "in_cidr", value: block }],
});

async function robot(shop: Workshop): Promise<Principal> {
  return (await makeMachine(shop, "service-accounts", { roles: [] })).principal;
}

/** The caller gives the strong role. */
function giving(
  shop: Workshop,
  caller: Caller,
  to: Principal | Group,
  more: Partial<GrantDraft> = {},
): () => Promise<Answer> {
  const holder = { kind: "kind" in to ? "principal" : "group", id: to.id };
  const draft = { holder, role: shop.strong.name, node: orgNode(shop), ...more };
  return () => caller.api.request("POST", `${shop.path}/grants`, draft);
}

/** Manages for ever, and stops tools on terms. */
async function onTerms(shop: Workshop, terms: Partial<GrantDraft>): Promise<Caller> {
  const caller = await makeCaller(shop, shop.usual);
  await give(shop, caller.principal, shop.strong.name, orgNode(shop), terms);
  return caller;
}

/** Manages, and may give the stopping without doing it. */
function giver(shop: Workshop): Promise<Caller> {
  return makeCaller(shop, shop.usual, { gives: [...shop.usual, STOP] });
}

test("E6_terms: what one has until a date is given until then at most", async () => {
  const shop = await makeWorkshop(server);
  const end = hours(5);
  const caller = await onTerms(shop, { expires_at: end });
  const to = await robot(shop);
  await expectNothingGiven(shop, giving(shop, caller, to), STOP);
  await expectNothingGiven(shop, giving(shop, caller, to, { expires_at: hours(6) }), STOP);
  expectGiven(await giving(shop, caller, to, { expires_at: end })());
  expectGiven(await giving(shop, caller, to, { expires_at: hours(1) })());
});

test("E6_terms: nor does a group, a role or a credential last longer than what one has",
  async () => {
    const shop = await makeWorkshop(server);
    const caller = await onTerms(shop, { expires_at: hours(5) });
    const [long, short] = [await makeGroup(shop), await makeGroup(shop)];
    await give(shop, long, shop.strong.name, orgNode(shop), { expires_at: hours(6) });
    await give(shop, short, shop.strong.name, orgNode(shop), { expires_at: hours(4) });
    const member = await robot(shop);
    const join = (group: Group) => () =>
      caller.api.request("PUT", `${shop.path}/groups/${group.id}/members/${member.id}`);
    await expectNothingGiven(shop, join(long), STOP);
    expectGiven(await join(short)());

    const role = await makeRole(shop, [RUN]);
    const holder = await robot(shop);
    const widen = () => caller.api.request("PUT", `${shop.path}/roles/${role.id}`,
      { name: role.name, kinds: role.kinds, exercises: [RUN, STOP] });
    await give(shop, holder, role.name, orgNode(shop), { expires_at: hours(4) });
    const lasting = await give(shop, holder, role.name);
    await expectNothingGiven(shop, widen, STOP);
    await shop.admin.delete(`${shop.path}/grants/${lasting.id}`);
    expectGiven(await widen());

    const strong = await robot(shop);
    await give(shop, strong, shop.strong.name);
    await expectNothingGiven(shop, () => caller.api.request(
      "POST", `${shop.path}/principals/${strong.id}/credentials`, { name: "mine" }), STOP);
  });

test("E6_terms: what one has under a condition is given only under the same", async () => {
  const shop = await makeWorkshop(server);
  const condition = within("127.0.0.0/8");
  const caller = await onTerms(shop, { condition });
  const to = await robot(shop);
  await expectNothingGiven(shop, giving(shop, caller, to), STOP);
  const wider = within("0.0.0.0/0");
  await expectNothingGiven(shop, giving(shop, caller, to, { condition: wider }), STOP);
  expectGiven(await giving(shop, caller, to, { condition })());
  const more = { attribute: "context.mfa", operator: "eq", value: true };
  const narrower = { all: [more, ...condition.all] };
  expectGiven(await giving(shop, caller, to, { condition: narrower })());
});

test("E6_terms: what does not hold just now cannot be given", async () => {
  const shop = await makeWorkshop(server);
  const condition = within("192.0.2.0/24");
  const caller = await onTerms(shop, { condition });
  await expectNothingGiven(
    shop, giving(shop, caller, await robot(shop), { condition }), STOP);
});

test("E6_terms: an expiry in the past gives nothing", async () => {
  const shop = await makeWorkshop(server);
  const before = await snapshot(shop);
  const attempt = giving(shop, shop.able, await robot(shop), { expires_at: hours(-1) });
  expectProblem(await attempt(), 400, "expiry-passed");
  expect((await snapshot(shop))[`${shop.path}/grants`]).toEqual(before[`${shop.path}/grants`]);
});

test("E6_self: what one may give but does not exercise is for others", async () => {
  const shop = await makeWorkshop(server);
  const caller = await giver(shop);
  const mine = await makeGroup(shop, caller.principal);
  const strongGroup = await makeGroup(shop);
  await give(shop, strongGroup, shop.strong.name);
  const own = await makeRole(shop, [RUN]);
  await give(shop, caller.principal, own.name);

  await expectNothingGiven(shop, giving(shop, caller, caller.principal), STOP);
  await expectNothingGiven(shop, giving(shop, caller, mine), STOP);
  await expectNothingGiven(shop, () => caller.api.request(
    "PUT", `${shop.path}/groups/${strongGroup.id}/members/${caller.principal.id}`), STOP);
  await expectNothingGiven(shop, () => caller.api.request("PUT", `${shop.path}/roles/${own.id}`,
    { name: own.name, kinds: own.kinds, exercises: [RUN, STOP] }), STOP);
  expectGiven(await giving(shop, caller, await robot(shop))());
  expectGiven(await giving(shop, caller, strongGroup, { node: workspaceNode(shop.workspace) })());
});

test("E6_self: who exercises it may give it to himself as well", async () => {
  const shop = await makeWorkshop(server);
  const node = workspaceNode(shop.workspace);
  expectGiven(await giving(shop, shop.able, shop.able.principal, { node })());
});

test("E6_self: a resource brought to one's own rights needs the right where it is", async () => {
  const shop = await makeWorkshop(server);
  const at = `/api/workspaces/${shop.workspace.id}`;
  const group = await shop.admin.post<{ id: string }>(`${at}/resource-groups`, { name: "mine" });
  const tool = { type: "tool", id: unique("tool") };
  await shop.admin.post(`${at}/resources`, tool);
  const caller = await makeCaller(shop, shop.usual);
  await give(shop, caller.principal, shop.strong.name, { kind: "resource_group", id: group.id });
  const bring = () => caller.api.request(
    "PUT", `${at}/resource-groups/${group.id}/resources/tool/${tool.id}`);
  await expectNothingGiven(shop, bring, STOP);
  const asked = { ...tool, properties: { workspace: shop.workspace.id } };
  expect(await may(shop.admin, subjectOf(caller.principal), STOP, asked)).toBe("no-grant");
});

test("E6_iam: what is built in is given only by who exercises it", async () => {
  const shop = await makeWorkshop(server);
  const RECORDS = "iam:records:read";
  const auditor = await makeRole(shop, [RECORDS]);
  const caller = await makeCaller(shop, shop.usual, { gives: [...shop.usual, RECORDS] });
  const to = await robot(shop);
  const role = auditor.name;
  await expectNothingGiven(shop, giving(shop, caller, to, { role }), RECORDS);
  await expectNothingGiven(
    shop, giving(shop, caller, await makeGroup(shop), { role }), RECORDS);
  const { principal } = await makeInWorkspace(shop, shop.workspace, "clients");
  await expectNothingGiven(shop, () => caller.api.request("PUT",
    `/api/workspaces/${shop.workspace.id}/principals/${principal.id}/permissions/${RECORDS}`),
  RECORDS);
  const holder = await makeCaller(shop, [...shop.usual, RECORDS]);
  expectGiven(await giving(shop, holder, to, { role })());
});

test("E6_iam: a guardrail or a ceiling holds back from giving, too", async () => {
  const shop = await makeWorkshop(server);
  const DELETE = "iam:scopes:delete";
  const role = (await makeRole(shop, [DELETE])).name;
  const to = await robot(shop);
  const bounded = await makeCaller(shop, [...shop.usual, STOP]);
  await shop.admin.put(`${shop.path}/principals/${bounded.principal.id}/ceiling`,
    { ceiling: { except: [DELETE, STOP] } });
  await expectNothingGiven(shop, giving(shop, bounded, to, { role }), DELETE);
  await expectNothingGiven(shop, giving(shop, bounded, to), STOP);

  expectGiven(await giving(shop, shop.able, to, { role, node: workspaceNode(shop.workspace) })());
  await shop.admin.post(`${shop.path}/guardrails`, {
    name: unique("rail"), node: orgNode(shop), kinds: ["service_account"], permissions: [DELETE],
  });
  await expectNothingGiven(shop, giving(shop, shop.able, to, { role }), DELETE);
});

test("E6_nodes: what one may give in one workspace is given nowhere else", async () => {
  const shop = await makeWorkshop(server);
  const elsewhere = await makeWorkspace(shop);
  const at = `/api/workspaces/${shop.workspace.id}/resource-groups`;
  const group = await shop.admin.post<{ id: string }>(at, { name: "shelf" });
  const here = workspaceNode(shop.workspace);
  const caller = await makeCaller(shop, [...shop.usual, STOP], {}, here);
  const to = await robot(shop);
  const before = await snapshot(shop);
  const node = (one: Node) => ({ node: one });
  expectForbidden(await giving(shop, caller, to)(), "iam:grants:create");
  expectProblem(
    await giving(shop, caller, to, node(workspaceNode(elsewhere)))(), 404, "workspace-not-found");
  expect(await snapshot(shop)).toEqual(before);
  expectGiven(await giving(shop, caller, to, node(here))());
  expectGiven(await giving(shop, caller, to, node({ kind: "resource_group", id: group.id }))());
});

test("E6_nodes: who has it in one workspace but manages all gives it there alone", async () => {
  const shop = await makeWorkshop(server);
  const elsewhere = await makeWorkspace(shop);
  const caller = await makeCaller(shop, shop.usual);
  const here = workspaceNode(shop.workspace);
  await give(shop, caller.principal, shop.strong.name, here);
  const to = await robot(shop);
  await expectNothingGiven(shop, giving(shop, caller, to), STOP);
  const there = workspaceNode(elsewhere);
  await expectNothingGiven(shop, giving(shop, caller, to, { node: there }), STOP);
  expectGiven(await giving(shop, caller, to, { node: here })());
});

test("E6_nodes: who is confined gives nothing beyond the confines", async () => {
  const shop = await makeWorkshop(server);
  const caller = await makeCaller(shop, [...shop.usual, STOP]);
  await shop.admin.put(`${shop.path}/principals/${caller.principal.id}/reach`,
    { confined: true, groups: [] });
  const before = await snapshot(shop);
  expectForbidden(await giving(shop, caller, await robot(shop))());
  expect((await snapshot(shop))[`${shop.path}/grants`]).toEqual(before[`${shop.path}/grants`]);
});

test("E6_scopes: scopes are given by who gives scopes, without having them", async () => {
  const shop = await makeWorkshop(server);
  const at = `/api/workspaces/${shop.workspace.id}`;
  const scope = `gate:${unique("open")}`;
  await shop.admin.post(`${at}/scopes`, { name: scope });
  const { principal } = await makeInWorkspace(shop, shop.workspace, "end-users");
  const path = `${at}/principals/${principal.id}/permissions/${scope}`;
  const here = workspaceNode(shop.workspace);
  const others = shop.usual.filter((one) => one !== "iam:scopes:give");
  const without = await makeCaller(shop, others, {}, here);
  const caller = await makeCaller(shop, shop.usual, {}, here);
  await expectNothingGiven(shop, () => without.api.request("PUT", path), scope);
  expectGiven(await caller.api.request("PUT", path));

  const role = await makeRole(shop, [scope],
    { workspace: shop.workspace.id, kinds: ALL_KINDS }).then((one: Role) => one.id);
  await expectNothingGiven(
    shop, giving(shop, caller, caller.principal, { role, node: here }), scope);
  expectGiven(await giving(shop, caller, await robot(shop), { role, node: here })());
});

test("E6_scopes: no scope takes the name of a permission, so as to be given like one", async () => {
  const shop = await makeWorkshop(server);
  const at = `/api/workspaces/${shop.workspace.id}/scopes`;
  const before = await snapshot(shop);
  expectProblem(await shop.weak.api.request("POST", at, { name: STOP }), 409, "scope-exists");
  expect((await shop.weak.api.request("POST", at, { name: "iam:scopes" })).status).toBe(400);
  expect(await snapshot(shop)).toEqual(before);
});

test("E6_scopes: nor does a blueprint take the name of a scope that is given already", async () => {
  const shop = await makeWorkshop(server);
  const name = `gate:${unique("open")}`;
  await shop.admin.post(`/api/workspaces/${shop.workspace.id}/scopes`, { name });
  const { principal } = await makeInWorkspace(shop, shop.workspace, "end-users",
    { permissions: [name] });
  const permissions = [
    ...(workshopDocument()["permissions"] as object[]),
    { name, class: "write", description: "The same name, for all." },
  ];
  const answer = await shop.admin.request("PUT", `${shop.path}/blueprints/workshop`,
    workshopDocument({ version: 2, permissions }));
  const elsewhere = await makeWorkspace(shop);
  const asked = { type: "workspace", id: elsewhere.id };
  expect(await may(shop.admin, subjectOf(principal), name, asked)).not.toBe(true);
  expect([200, 409]).toContain(answer.status);
});

test("E6_gone: whoever is suspended, deleted or expired gives nothing", async () => {
  const shop = await makeWorkshop(server);
  const to = await robot(shop);
  const path = (one: Caller): string => `${shop.path}/service-accounts/${one.principal.id}`;
  const [a, b, c] = [await giver(shop), await giver(shop), await giver(shop)];
  for (const one of [a, b, c]) expect((await one.api.request("GET", "/api/self")).status).toBe(200);
  await shop.admin.patch(path(a), { state: "suspended" });
  await shop.admin.delete(path(b));
  await shop.admin.patch(path(c), { expires_at: hours(-1) });
  const before = await snapshot(shop);
  for (const one of [a, b, c]) expect((await giving(shop, one, to)()).status).toBe(401);
  expect(await snapshot(shop)).toEqual(before);
});

test("E6_workspace: who makes a workspace becomes what the rule says, stated or not", async () => {
  const shop = await makeWorkshop(server);
  await shop.admin.patch(shop.path, { creator_role: shop.strong.name });
  for (const draft of [{}, { owner: shop.weak.principal.id }]) {
    const made = await shop.weak.api.post<{ id: string }>(`${shop.path}/workspaces`,
      { name: unique("own"), ...draft });
    const asked = { type: "workspace", id: made.id };
    expect(await may(shop.admin, subjectOf(shop.weak.principal), STOP, asked)).toBe(true);
  }
  const other = { name: unique("own"), owner: (await robot(shop)).id };
  await expectNothingGiven(
    shop, () => shop.weak.api.request("POST", `${shop.path}/workspaces`, other), STOP);
});
