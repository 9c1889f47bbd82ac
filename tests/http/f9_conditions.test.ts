// Grants and guardrails that depend on the request: attributes, address, time of day.
import { describe, expect, test } from "vitest";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { makeCaller } from "./harness/giving.ts";
import { subjectOf } from "./harness/decide.ts";
import {
  give, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace, orgNode, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Comparison, Condition, Decision, Grant, Guardrail } from "./harness/types.ts";

const server = useServer();

const USE = "models:use";

interface Request {
  subject?: Record<string, unknown>;
  resource?: Record<string, unknown>;
  action?: Record<string, unknown>;
  context?: Record<string, unknown>;
}

type Ask = (request?: Request) => Promise<Decision>;

interface Place {
  tenant: Tenant;
  ask: Ask;
}

/** A member who uses models of a workspace, under a condition or with a guardrail under one. */
async function makePlace(kind: "grant" | "guardrail", condition: Condition): Promise<Place> {
  const tenant = await makeOrg(server, "tenant-workspaces");
  const workspace = await makeWorkspace(tenant);
  const member = await makeMember(tenant, "global_member");
  const under = kind === "grant" ? { condition } : {};
  await give(tenant, member, "workspace_member", workspaceNode(workspace), under);
  if (kind === "guardrail")
    await tenant.admin.post(`${tenant.path}/guardrails`, {
      name: unique("rail"), node: orgNode(tenant), permissions: [USE], condition,
    });
  const ask: Ask = ({ subject, resource, action, context } = {}) => tenant.admin.decide({
    subject: { ...subjectOf(member), properties: subject ?? {} },
    action: { name: USE, properties: action ?? {} },
    resource: { type: "workspace", id: workspace.id, properties: resource ?? {} },
    context: { ...context, explain: true },
  });
  return { tenant, ask };
}

function only(comparison: Comparison): Condition {
  return { all: [comparison] };
}

async function answers(ask: Ask, requests: readonly Request[]): Promise<boolean[]> {
  const all: boolean[] = [];
  for (const request of requests) all.push((await ask(request)).decision);
  return all;
}

interface Case {
  comparison: Comparison;
  /** Requests for which it holds, does not hold, and cannot be determined. */
  holds: Request[];
  fails: Request[];
  undetermined: Request[];
}

const level = (value: unknown): Request => ({ context: { level: value } });
const from = (address: unknown): Request => ({ context: { address } });

const CASES: Case[] = [
  {
    comparison: { attribute: "context.level", operator: "eq", value: "high" },
    holds: [level("high")],
    fails: [level("low"), level("High"), level("")],
    undetermined: [{}, level(1), level(null), level(true), level(["high"]), level({ a: "high" })],
  },
  {
    comparison: { attribute: "context.level", operator: "ne", value: "high" },
    holds: [level("low")],
    fails: [level("high")],
    undetermined: [{}, level(1), level(null)],
  },
  {
    comparison: { attribute: "subject.properties.team.name", operator: "in", value: ["a", "b"] },
    holds: [{ subject: { team: { name: "b" } } }],
    fails: [{ subject: { team: { name: "c" } } }],
    undetermined: [{}, { subject: { team: "b" } }, { resource: { team: { name: "b" } } }],
  },
  {
    comparison: { attribute: "resource.properties.zone", operator: "not_in", value: [1, 2] },
    holds: [{ resource: { zone: 3 } }],
    fails: [{ resource: { zone: 2 } }, { resource: { zone: 2.0 } }],
    undetermined: [{}, { resource: { zone: "3" } }],
  },
  ...([["lt", [9, -1], [10, 11]], ["lte", [10], [10.5]], ["gt", [10.5], [10]],
    ["gte", [10, 1e6], [9]]] as const).map(([operator, good, bad]): Case => ({
    comparison: { attribute: "action.properties.count", operator, value: 10 },
    holds: good.map((count) => ({ action: { count } })),
    fails: bad.map((count) => ({ action: { count } })),
    undetermined: [{}, { action: { count: "10" } }, { action: { count: true } }],
  })),
  {
    comparison: { attribute: "context.ticket", operator: "starts_with", value: "OPS-" },
    holds: [{ context: { ticket: "OPS-1" } }, { context: { ticket: "OPS-" } }],
    fails: [{ context: { ticket: "ops-1" } }, { context: { ticket: "OPS" } }],
    undetermined: [{}, { context: { ticket: 5 } }],
  },
  {
    comparison: { attribute: "context.mfa", operator: "eq", value: true },
    holds: [{ context: { mfa: true } }],
    fails: [{ context: { mfa: false } }],
    undetermined: [{}, { context: { mfa: "true" } }, { context: { mfa: 1 } }],
  },
  {
    comparison: { attribute: "context.address", operator: "in_cidr", value: "10.1.0.0/16" },
    holds: [from("10.1.2.3"), from("::ffff:10.1.2.3")],
    fails: [from("10.2.0.1"), from("2001:db8::1")],
    undetermined: [{}, from("ten"), from("10.1.2"), from("10.1.2.3/32"), from("010.1.2.3"),
      from(167838211)],
  },
  {
    comparison: {
      attribute: "context.address", operator: "in_cidr", value: ["2001:db8::/32", "192.0.2.7/32"],
    },
    holds: [from("2001:db8:1::9"), from("192.0.2.7"), from("2001:DB8::")],
    fails: [from("2001:db9::1"), from("192.0.2.8")],
    undetermined: [{}, from(""), from("2001:db8:::1")],
  },
];

describe.each(CASES)("$comparison.operator $comparison.value", (one) => {
  const requests = [...one.holds, ...one.fails, ...one.undetermined];
  const each = (holds: boolean, fails: boolean, undetermined: boolean): boolean[] => [
    ...one.holds.map(() => holds), ...one.fails.map(() => fails),
    ...one.undetermined.map(() => undetermined),
  ];

  test("F9_conditions: a grant counts when it holds, and only then", async () => {
    const { ask } = await makePlace("grant", only(one.comparison));
    expect(await answers(ask, requests)).toEqual(each(true, false, false));
    expect((await ask(one.fails[0])).context).toMatchObject(
      { reason: "condition-not-met", condition: "grant" });
  });

  test("F9_conditions: a guardrail denies unless it is known not to hold", async () => {
    const { ask } = await makePlace("guardrail", only(one.comparison));
    expect(await answers(ask, requests)).toEqual(each(false, true, false));
    expect((await ask(one.undetermined[0])).context).toMatchObject(
      { reason: "guardrail", condition: "guardrail" });
  });
});

test("F9_conditions: exists is determined by absence itself", async () => {
  for (const value of [true, false]) {
    const comparison = { attribute: "context.ticket", operator: "exists", value };
    const requests = [{ context: { ticket: "x" } }, {}];
    const granted = await makePlace("grant", only(comparison));
    expect(await answers(granted.ask, requests)).toEqual([value, !value]);
    const guarded = await makePlace("guardrail", only(comparison));
    expect(await answers(guarded.ask, requests)).toEqual([!value, value]);
  }
});

test("F9_conditions: all comparisons have to hold", async () => {
  const condition = {
    all: [
      { attribute: "context.level", operator: "gte", value: 3 },
      { attribute: "context.address", operator: "in_cidr", value: "10.0.0.0/8" },
    ],
  };
  const requests = [
    { context: { level: 3, address: "10.0.0.1" } }, { context: { level: 2, address: "10.0.0.1" } },
    { context: { level: 3, address: "11.0.0.1" } }, { context: { level: 3 } },
  ];
  const granted = await makePlace("grant", condition);
  expect(await answers(granted.ask, requests)).toEqual([true, false, false, false]);
  const guarded = await makePlace("guardrail", condition);
  expect(await answers(guarded.ask, requests)).toEqual([false, true, true, false]);
});

/** A window of the day, in hours from now. */
function window(first: number, last: number): Comparison {
  const at = (hours: number): string =>
    new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  return { operator: "time_of_day", value: { from: at(first), to: at(last), zone: "UTC" } };
}

test("F9_conditions: a time of day, by the server's clock, past midnight as well", async () => {
  for (const [first, last, inside] of [[-1, 1, true], [-11, 11, true], [1, 3, false],
    [-3, -1, false], [1, -1, false]] as const) {
    const granted = await makePlace("grant", only(window(first, last)));
    expect([first, last, (await granted.ask()).decision]).toEqual([first, last, inside]);
    const guarded = await makePlace("guardrail", only(window(first, last)));
    expect([first, last, (await guarded.ask()).decision]).toEqual([first, last, !inside]);
  }
});

test("F9_conditions: the request cannot claim another time, and zones differ", async () => {
  const granted = await makePlace("grant", only(window(1, 3)));
  expect((await granted.ask({ context: { time: "12:00", now: Date.now(), time_of_day: "12:00" } }))
    .decision).toBe(false);
  // Kolkata keeps 5:30 ahead of UTC all year.
  const value = (window(-1, 1).value as { from: string; to: string });
  const there = { ...value, zone: "Asia/Kolkata" };
  const elsewhere = await makePlace("grant", only({ operator: "time_of_day", value: there }));
  expect((await elsewhere.ask()).decision).toBe(false);
});

test("F9_conditions: one grant under a condition does not spoil another without", async () => {
  const { tenant, ask } = await makePlace("grant",
    only({ attribute: "context.mfa", operator: "eq", value: true }));
  expect((await ask()).decision).toBe(false);
  const [grant] = await tenant.admin.list<Grant>(`${tenant.path}/grants`)
    .then((all) => all.filter((one) => one.condition));
  const again = { holder: grant?.holder, role: grant?.role, node: grant?.node };
  const free = await tenant.admin.post<Grant>(`${tenant.path}/grants`, again);
  expect(free.id).not.toBe(grant?.id);
  expect((await ask()).decision).toBe(true);
  await tenant.admin.delete(`${tenant.path}/grants/${free.id}`);
  expect((await ask()).decision).toBe(false);
});

test("F9_conditions: calls of the API itself are under them: the caller's address", async () => {
  const tenant = await makeOrg(server);
  const shop = { ...tenant, as: (secret: string) => server.as(secret) };
  const at = (block: string) => only(
    { attribute: "context.address", operator: "in_cidr", value: block });
  const rights = ["iam:groups:create"];
  const here = await makeCaller(shop, rights, {}, orgNode(tenant),
    { condition: at("127.0.0.0/8") });
  const away = await makeCaller(shop, rights, {}, orgNode(tenant),
    { condition: at("192.0.2.0/24") });
  const make = (one: typeof here, headers = {}) =>
    one.api.request("POST", `${tenant.path}/groups`, { name: unique("group") }, headers);
  expect((await make(here)).status).toBe(201);
  expectForbidden(await make(away), "iam:groups:create");
  expectForbidden(await make(away, { "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" }),
    "iam:groups:create");
  await tenant.admin.post(`${tenant.path}/guardrails`, {
    name: unique("rail"), node: orgNode(tenant), kinds: ["service_account"], permissions: rights,
    condition: at("127.0.0.0/8"),
  });
  expectForbidden(await make(here), "iam:groups:create");
});

test("F9_conditions: so are who asks for decisions, and who introspects: their own address",
  async () => {
    const tenant = await makeOrg(server);
    const shop = { ...tenant, as: (secret: string) => server.as(secret) };
    const workspace = await makeWorkspace(tenant);
    const rights = ["iam:decisions:evaluate"];
    const from = (block: string) => makeCaller(shop, rights, {}, orgNode(tenant),
      { condition: only({ attribute: "context.address", operator: "in_cidr", value: block }) });
    const [here, away] = [await from("127.0.0.0/8"), await from("192.0.2.0/24")];
    const request = {
      subject: subjectOf(here.principal), action: { name: "iam:groups:read" },
      resource: { type: "organisation", id: tenant.org.id },
      // What a request says of its subject's address is nothing about who asks.
      context: { address: "192.0.2.1" },
    };
    const statuses = async (one: typeof here) => {
      const asked = await one.api.request("POST", "/access/v1/evaluation", request);
      const told = await fetch(`${server.url}/w/${workspace.id}/introspect`, {
        method: "POST", headers: { authorization: `Bearer ${one.api.secret}` },
        body: new URLSearchParams({ token: "unknown" }),
      });
      return [asked.status, told.status];
    };
    expect(await statuses(here)).toEqual([200, 200]);
    expect(await statuses(away)).toEqual([403, 403]);
    // An address is always there.
    const exists = (value: boolean) => only(
      { attribute: "context.address", operator: "exists", value });
    const nowhere = await makeCaller(shop, rights, {}, orgNode(tenant),
      { condition: exists(false) });
    expect(await statuses(nowhere)).toEqual([403, 403]);
    const anywhere = await makeCaller(shop, rights);
    expect(await statuses(anywhere)).toEqual([200, 200]);
    const rail = await tenant.admin.post<Guardrail>(`${tenant.path}/guardrails`, {
      name: unique("rail"), node: orgNode(tenant), kinds: ["service_account"], permissions: rights,
      condition: exists(true),
    });
    expect(await statuses(anywhere)).toEqual([403, 403]);
    await tenant.admin.delete(`${tenant.path}/guardrails/${rail.id}`);
    expect(await statuses(here)).toEqual([200, 200]);
    await tenant.admin.post(`${tenant.path}/guardrails`, {
      name: unique("rail"), node: orgNode(tenant), kinds: ["service_account"], permissions: rights,
      condition: only({ attribute: "context.address", operator: "in_cidr", value: "127.0.0.0/8" }),
    });
    expect(await statuses(here)).toEqual([403, 403]);
  });

test("F9_conditions: what is stored is shown again", async () => {
  const condition = only({ attribute: "context.level", operator: "in", value: ["a", "b"] });
  const { tenant } = await makePlace("guardrail", condition);
  const [rail] = await tenant.admin.list<Guardrail>(`${tenant.path}/guardrails`);
  expect(rail?.condition).toEqual(condition);
  const holder = await makeMachine(tenant, "api-keys", { roles: [] });
  const role = await makeRole(tenant, [USE], { kinds: ["api_key"] });
  const grant = await give(tenant, holder.principal, role.name, orgNode(tenant), { condition });
  expect(grant.condition).toEqual(condition);
  // Said in another order it is the same condition, and the same grant.
  const turned = only({ attribute: "context.level", operator: "in", value: ["b", "a", "b"] });
  const again = await give(
    tenant, holder.principal, role.name, orgNode(tenant), { condition: turned });
  expect(again.id).toBe(grant.id);
});

const FINE = { attribute: "context.x", operator: "eq", value: 1 };
const time = (more: object): object =>
  ({ operator: "time_of_day", value: { from: "08:00", to: "18:00", zone: "UTC", ...more } });

/** What is wrong, and the place that the answer has to name. */
const MALFORMED: [string, unknown, RegExp][] = [
  ["no object", "always", /condition/],
  ["an empty object", {}, /all/],
  ["no comparison", { all: [] }, /all/],
  ["too many", { all: Array.from({ length: 17 }, () => FINE) }, /all/],
  ["another member", { all: [FINE], any: [FINE] }, /any|all/],
  ["no comparison but a text", { all: [FINE, "x"] }, /all\W*1/],
  ["no operator", { all: [FINE, { attribute: "context.x", value: 1 }] }, /all\W*1.*operator/],
  ["an unknown operator", { all: [FINE, { ...FINE, operator: "like" }] }, /all\W*1\W*operator/],
  ["no attribute", { all: [{ operator: "eq", value: 1 }] }, /all\W*0\W*attribute/],
  ["a foreign attribute", { all: [FINE, { ...FINE, attribute: "env.x" }] },
    /all\W*1\W*attribute/],
  ["an attribute of nothing", { all: [{ ...FINE, attribute: "context." }] },
    /all\W*0\W*attribute/],
  ["an attribute with a blank", { all: [{ ...FINE, attribute: "context.a b" }] },
    /all\W*0\W*attribute/],
  ["a deep attribute", { all: [{ ...FINE, attribute: `context${".a".repeat(9)}` }] },
    /all\W*0\W*attribute/],
  ["another member of one", { all: [{ ...FINE, not: true }] }, /all\W*0.*not/],
  ["no value", { all: [{ attribute: "context.x", operator: "eq" }] }, /all\W*0\W*value/],
  ["null", { all: [{ ...FINE, value: null }] }, /all\W*0\W*value/],
  ["a list for eq", { all: [{ ...FINE, value: [1] }] }, /all\W*0\W*value/],
  ["no list for in", { all: [{ ...FINE, operator: "in" }] }, /all\W*0\W*value/],
  ["an empty list", { all: [{ ...FINE, operator: "in", value: [] }] }, /all\W*0\W*value/],
  ["a text for lt", { all: [{ ...FINE, operator: "lt", value: "9" }] }, /all\W*0\W*value/],
  ["a huge number", { all: [{ ...FINE, value: 1e300 }] }, /all\W*0\W*value/],
  ["a number for starts_with", { all: [{ ...FINE, operator: "starts_with" }] },
    /all\W*0\W*value/],
  ["a text for exists", { all: [{ ...FINE, operator: "exists", value: "yes" }] },
    /all\W*0\W*value/],
  ...["10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "::/129", "host/8", "10.0.0.0/08", ""]
    .map((value): [string, unknown, RegExp] => [`the block ${JSON.stringify(value)}`,
      { all: [FINE, { attribute: "context.address", operator: "in_cidr", value }] },
      /all\W*1\W*value/]),
  ["an hour 25", { all: [time({ to: "25:00" })] }, /all\W*0\W*value/],
  ["an hour 8", { all: [time({ from: "8:00" })] }, /all\W*0\W*value/],
  ["the same time twice", { all: [time({ to: "08:00" })] }, /all\W*0\W*value/],
  ["no such zone", { all: [FINE, time({ zone: "Mars/Olympus" })] }, /all\W*1\W*value\W*zone/],
  ["a path for a zone", { all: [time({ zone: "../../etc/passwd" })] }, /all\W*0\W*value\W*zone/],
  ["an attribute with a time", { all: [{ ...time({}), attribute: "context.x" }] },
    /all\W*0\W*attribute/],
];

test("F9_conditions: malformed ones are refused with their place, and nothing is stored",
  async () => {
    const tenant = await makeOrg(server);
    const holder = await makeMachine(tenant, "api-keys", { roles: [] });
    const role = await makeRole(tenant, ["iam:groups:read"], { kinds: ["api_key"] });
    const rail = await tenant.admin.post<Guardrail>(`${tenant.path}/guardrails`, {
      name: "kept", node: orgNode(tenant), kinds: ["device"], permissions: ["iam:groups:read"],
    });
    const state = async () => [
      await tenant.admin.list(`${tenant.path}/grants`),
      await tenant.admin.list(`${tenant.path}/guardrails`),
      await tenant.admin.get(`${tenant.path}/records/head`),
    ];
    const before = await state();
    const draft = { node: orgNode(tenant), permissions: ["iam:groups:read"], name: "kept" };
    for (const [what, condition, place] of MALFORMED) {
      const attempts = [
        await tenant.admin.request("POST", `${tenant.path}/grants`, {
          holder: { kind: "principal", id: holder.principal.id }, role: role.name,
          node: orgNode(tenant), condition,
        }),
        await tenant.admin.request("POST", `${tenant.path}/guardrails`,
          { ...draft, name: "another", condition }),
        await tenant.admin.request("PUT", `${tenant.path}/guardrails/${rail.id}`,
          { ...draft, condition }),
      ];
      for (const answer of attempts) {
        const problem = expectProblem(answer, 400);
        expect([what, problem.detail]).toEqual([what, expect.stringMatching(place)]);
      }
    }
    expect(await state()).toEqual(before);
  });
