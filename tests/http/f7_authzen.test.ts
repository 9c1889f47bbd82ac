// The decision API of OpenID AuthZEN 1.0: evaluation, evaluations, metadata, and what is refused.
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Api, revisionOf, type Tenant } from "./harness/api.ts";
import {
  give, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Decision, Entity, Principal, PrincipalCreated, Workspace } from "./harness/types.ts";

const server = useServer();

const EVALUATION = "/access/v1/evaluation";
const EVALUATIONS = "/access/v1/evaluations";
const SEND = { name: "messages:send" };
const READ = { name: "messages:read" };

interface Decisions {
  evaluations: Decision[];
  context?: Record<string, unknown>;
}

let tenant: Tenant;
let workspace: Workspace;
let other: Workspace;
let member: Principal;
let number: Entity;

function entityOf(principal: Principal): Entity {
  return { type: principal.kind, id: principal.id };
}

/** A number in a workspace: a bare name will do for it. */
function numberIn(where: Workspace, id = "+4930123"): Entity {
  return { type: "phone_number", id, properties: { workspace: where.id } };
}

function ask(body: unknown, path = EVALUATION, as: Api = tenant.admin): Promise<Answer> {
  return as.request("POST", path, body);
}

/** The answer is an error of AuthZEN: a status and a text. */
const AGE = {
  revision: expect.any(Number),
  age_ms: expect.any(Number),
  incarnation: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
};

function expectError(answer: Answer, status: number, says?: RegExp): void {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.body).toEqual(expect.any(String));
  if (says) expect(answer.body).toMatch(says);
}

async function decide(body: unknown, path = EVALUATION, as = tenant.admin): Promise<boolean> {
  const answer = await ask(body, path, as);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as Decision).decision;
}

async function decideAll(body: unknown, path = EVALUATIONS): Promise<boolean[]> {
  const answer = await ask(body, path);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as Decisions).evaluations.map((one) => one.decision);
}

async function revoke(made: PrincipalCreated): Promise<void> {
  const path = `${tenant.path}/principals/${made.principal.id}/credentials`;
  await tenant.admin.delete(`${path}/${made.credential?.id}`);
}

function good(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { subject: entityOf(member), action: SEND, resource: number, ...more };
}

/** The request without one of its members, or without one of a member's members. */
function without(part: string, key?: string): Record<string, unknown> {
  const request = structuredClone(good()) as Record<string, Record<string, unknown>>;
  if (key === undefined) delete request[part];
  else delete request[part]?.[key];
  return request;
}

beforeAll(async () => {
  tenant = await makeOrg(server, "communications-platform");
  workspace = await makeWorkspace(tenant);
  other = await makeWorkspace(tenant);
  member = await makeMember(tenant);
  const role = await makeRole(tenant, ["messages:send"]);
  await give(tenant, member, role.name, workspaceNode(workspace));
  number = numberIn(workspace);
});

describe("one evaluation", () => {
  test("F7_evaluation: allows and denies with 200", async () => {
    expect(await decide(good())).toBe(true);
    expect(await decide(good({ action: READ }))).toBe(false);
    expect(await decide(good({ resource: numberIn(other) }))).toBe(false);
  });

  test("F7_evaluation: says the revision and the age of what it rests on", async () => {
    const answer = await ask(good());
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.body).toEqual({
      decision: true,
      context: AGE,
    });
  });

  test("F7_evaluation: ignores what it does not know, everywhere", async () => {
    const more = { futureField: { nested: [true] }, foo: "bar" };
    expect(await decide({
      subject: { ...entityOf(member), ...more },
      action: { ...SEND, ...more, properties: { method: "GET", list: [1, { a: 2 }] } },
      resource: { ...number, ...more },
      context: { time: "2026-06-27T18:03-07:00", nothing: null },
      evaluations: "not ours",
      ...more,
    })).toBe(true);
  });

  test("F7_evaluation: reads texts with escapes as the same texts", async () => {
    const text = JSON.stringify(good())
      .replaceAll("messages", "m\\u0065ssages").replaceAll("phone_number", "phone\\u005fnumber");
    expect(await decide(text)).toBe(true);
  });

  test.each([
    "subject", "action", "resource", "subject.type", "subject.id", "action.name",
    "resource.type", "resource.id",
  ])("F7_evaluation: 400 without %s", async (path) => {
    const [part = "", key] = path.split(".");
    expectError(await ask(without(part, key)), 400, /is required/);
  });

  test.each([
    [{ subject: "alice" }], [{ subject: null }], [{ action: { name: 123 } }], [{ action: [] }],
    [{ resource: { type: "a", id: 1 } }], [{ context: [] }], [{ context: "x" }],
    [{ subject: { type: "member", id: "x", properties: [] } }],
    [{ context: { at_least: "7" } }], [{ context: { max_age_ms: -1 } }],
    [{ context: { incarnation: 7 } }], [{ context: { incarnation: "x" } }],
  ])("F7_evaluation: 400 for a wrong type: %j", async (wrong) => {
    expectError(await ask(good(wrong)), 400, /must be/);
  });

  test.each([
    [""], ["{"], ["[]"], ["nonsense"], ['{"subject":1,"subject":2}'], ["{} {}"], ["\u0000"],
    [`{"a":${"[".repeat(20)}${"]".repeat(20)}}`], ['{"a":NaN}'], ['{"a":"\\ud800"}'],
  ])("F7_evaluation: 400 for malformed JSON: %j", async (text) => {
    expectError(await ask(text), 400);
  });

  test("F7_evaluation: 400 for more attributes than it looks at", async () => {
    const some = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`a${i}`, i]));
    expect(await decide(good({ context: some }))).toBe(true);
    expectError(await ask(good({ context: { x: some, y: some } })), 400, /64 attributes/);
  });

  test("F7_evaluation: 415 unless the body is JSON", async () => {
    for (const type of ["text/plain", "application/xml", "application/jsonp"]) {
      const headers = { "content-type": type };
      const answer = await tenant.admin.request("POST", EVALUATION, good(), headers);
      expectError(answer, 415, /application\/json/);
    }
    const charset = { "content-type": "application/json; charset=utf-8" };
    expect((await tenant.admin.request("POST", EVALUATION, good(), charset)).status).toBe(200);
  });

  const others = ["GET", "PUT", "PATCH", "DELETE"] as const;
  test.each(others)("F7_evaluation: 405 for %s", async (method) => {
    for (const path of [EVALUATION, EVALUATIONS]) {
      const answer = await tenant.admin.request(method, path);
      expectError(answer, 405);
      expect(answer.headers.get("allow")).toBe("POST");
    }
  });

  test("F7_evaluation: 404 for what it does not have", async () => {
    for (const path of ["/access/v1/evaluate", "/access/v2/evaluation", `/w/x${EVALUATION}`])
      expectError(await ask(good(), path), 404);
  });

  test("F7_evaluation: the identifier of a request comes back, on errors too", async () => {
    const headers = { "x-request-id": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716" };
    for (const body of [good(), "{"]) {
      const answer = await tenant.admin.request("POST", EVALUATION, body, headers);
      expect(answer.headers.get("x-request-id")).toBe(headers["x-request-id"]);
    }
  });
});

describe("who may ask", () => {
  test("F7_caller: 401 without a secret that proves anything", async () => {
    const secrets = [undefined, "", "nonsense", `twk_${"A".repeat(90)}`];
    for (const secret of secrets) {
      const answer = await ask(good(), EVALUATION, server.as(secret));
      expectError(answer, 401);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    }
  });

  test("F7_caller: 401 as soon as the key is revoked", async () => {
    const role = await makeRole(tenant, ["iam:decisions:evaluate"]);
    const made = await makeMachine(tenant, "api-keys", { roles: [role.name] });
    const api = server.as(made.secret);
    expect((await ask(good(), EVALUATION, api)).status).toBe(200);
    await revoke(made);
    expectError(await ask(good(), EVALUATION, api), 401);
  });

  test("F7_caller: 403 without iam:decisions:evaluate, and nothing is explained", async () => {
    const plain = server.as((await makeMachine(tenant, "api-keys", { roles: [] })).secret);
    for (const path of [EVALUATION, EVALUATIONS, `/w/${workspace.id}${EVALUATION}`])
      expectError(await ask(good({ context: { explain: true } }), path, plain), 403);
    const items = { ...good(), evaluations: [{}, {}] };
    expectError(await ask(items, EVALUATIONS, plain), 403);
  });

  test("F7_caller: may ask about the workspace where it holds the permission", async () => {
    const role = await makeRole(tenant, ["iam:decisions:evaluate"]);
    const made = await makeMachine(tenant, "api-keys", { roles: [] });
    await give(tenant, made.principal, role.name, workspaceNode(workspace));
    const api = server.as(made.secret);
    expect(await decide(good(), EVALUATION, api)).toBe(true);
    expect(await decide(good(), `/w/${workspace.id}${EVALUATION}`, api)).toBe(true);
    expectError(await ask(good({ resource: numberIn(other) }), EVALUATION, api), 403);
    expectError(await ask(good(), `/w/${other.id}${EVALUATION}`, api), 403);
    const org = { type: "organisation", id: tenant.org.id };
    expectError(await ask(good({ resource: org }), EVALUATION, api), 403);
    // Unknown workspaces look like those where it may not ask.
    const unknown = { ...number, properties: { workspace: randomUUID() } };
    expectError(await ask(good({ resource: unknown }), EVALUATION, api), 403);
    // One of several is denied at its place.
    const answer = await ask({
      subject: entityOf(member), action: SEND,
      evaluations: [{ resource: number }, { resource: numberIn(other) }],
    }, EVALUATIONS, api);
    expect((answer.body as Decisions).evaluations).toEqual([
      { decision: true },
      { decision: false, context: { error: { status: 403, message: expect.any(String) } } },
    ]);
  });
});

describe("whom and what is asked about", () => {
  test("F7_subject: unknown subjects are denied, not refused", async () => {
    for (const subject of [
      { type: "member", id: randomUUID() }, { type: "member", id: "alice" },
      { type: "user", id: member.id }, { type: "device", id: member.id }, { type: "", id: "" },
    ]) expect(await decide(good({ subject })), JSON.stringify(subject)).toBe(false);
  });

  test("F7_subject: a token counts as its credential", async () => {
    const role = await makeRole(tenant, ["messages:send"]);
    const made = await makeMachine(tenant, "api-keys", { roles: [] });
    await give(tenant, made.principal, role.name, workspaceNode(workspace));
    const token = { type: "token", id: made.secret };
    const asked = good({ subject: token, context: { explain: true } });
    expect(await decide(asked)).toBe(true);
    await revoke(made);
    expect((await ask(asked)).body).toMatchObject({
      decision: false, context: { reason: "credential-inactive", condition: "state" },
    });
    // The principal itself is judged without one.
    expect(await decide(good({ subject: entityOf(made.principal) }))).toBe(true);
  });

  test("F7_subject: a token that proves nothing is a denial", async () => {
    const foreign = await makeOrg(server, "communications-platform");
    const stranger = (await makeMachine(foreign, "api-keys")).secret;
    for (const id of ["nonsense", "", `${stranger.slice(0, -1)}!`, stranger]) {
      const subject = { type: "token", id };
      const answer = await ask(good({ subject, context: { explain: true } }));
      expect(answer.body, id).toMatchObject({
        decision: false, context: { reason: "credential-inactive" },
      });
    }
  });

  test("F7_resource: organisation, workspace and resource group by their identifiers", async () => {
    const role = await makeRole(tenant, ["iam:workspaces:read"]);
    const reader = await makeMember(tenant);
    await give(tenant, reader, role.name);
    const group = await tenant.admin.post<{ id: string }>(
      `/api/workspaces/${workspace.id}/resource-groups`, { name: "hall" });
    const asked = { subject: entityOf(reader), action: { name: "iam:workspaces:read" } };
    const resources = [
      { type: "organisation", id: tenant.org.id }, { type: "workspace", id: workspace.id },
      { type: "resource_group", id: group.id },
    ];
    for (const resource of resources) {
      expect(await decide({ ...asked, resource }), resource.type).toBe(true);
      expect(await decide({ ...asked, resource: { ...resource, id: randomUUID() } })).toBe(false);
      expect(await decide({ ...asked, resource: { ...resource, id: "x" } })).toBe(false);
    }
    // Asked of a workspace, nothing outside it is known.
    const [organisation, own, hall] = resources;
    const path = `/w/${workspace.id}${EVALUATION}`;
    expect(await decide({ ...asked, resource: own }, path)).toBe(true);
    expect(await decide({ ...asked, resource: hall }, path)).toBe(true);
    expect(await decide({ ...asked, resource: organisation }, path)).toBe(false);
    expect(await decide({ ...asked, resource: own }, `/w/${other.id}${EVALUATION}`)).toBe(false);
    expect(await decide({ ...asked, resource: hall }, `/w/${other.id}${EVALUATION}`)).toBe(false);
  });

  test("F7_resource: in the workspace of path, properties or caller", async () => {
    const bare = { type: "phone_number", id: "+4930123" };
    expect(await decide(good({ resource: bare }), `/w/${workspace.id}${EVALUATION}`)).toBe(true);
    expect(await decide(good({ resource: bare }), `/w/${other.id}${EVALUATION}`)).toBe(false);
    expect(await decide(good({ resource: numberIn(workspace) }))).toBe(true);
    // Without any it is one of the organisation's own, and there is none.
    expect(await decide(good({ resource: bare }))).toBe(false);
    const role = await makeRole(tenant, ["iam:decisions:evaluate"], { kinds: ["gateway"] });
    const gateway = await makeInWorkspace(tenant, workspace, "gateways", { id: "desk" });
    await give(tenant, gateway.principal, role.name, workspaceNode(workspace));
    const own = server.as(gateway.secret);
    expect(await decide(good({ resource: bare }), EVALUATION, own)).toBe(true);
    expectError(await ask(good({ resource: numberIn(other) }), EVALUATION, own), 403);
    const unknown = { ...bare, properties: { workspace: randomUUID() } };
    expect(await decide(good({ resource: unknown }))).toBe(false);
  });

  test("F7_resource: types and names that are not there are denied", async () => {
    const properties = { workspace: workspace.id };
    for (const resource of [
      { type: "nothing", id: "1", properties }, { type: "hybrid_site", id: "none", properties },
      { type: "phone_number", id: "x".repeat(300), properties }, { type: "", id: "", properties },
      { type: "platform", id: "platform" },
    ]) expect(await decide(good({ resource })), JSON.stringify(resource)).toBe(false);
    expect(await decide(good({ action: { name: "no:such" } }))).toBe(false);
  });

  test("F7_isolation: other organisations are as if they were not there", async () => {
    const foreign = await makeOrg(server, "communications-platform");
    expect(await decide(good(), EVALUATION, foreign.admin)).toBe(false);
    for (const path of [`/w/${workspace.id}${EVALUATION}`, `/w/${randomUUID()}${EVALUATION}`])
      expectError(await ask(good(), path, foreign.admin), 404, /no such workspace/);
    const ours = await ask(good({ context: { explain: true } }), EVALUATION, foreign.admin);
    const nobody = await ask(good({
      subject: { type: "member", id: randomUUID() }, resource: { ...number,
        properties: { workspace: randomUUID() } }, context: { explain: true },
    }), EVALUATION, foreign.admin);
    // Of two nodes' worth of knowledge the age may differ, and says nothing of anybody.
    const ageless = (answer: Answer) => {
      const body = answer.body as Decision;
      return { ...body, context: { ...body.context, age_ms: 0 } };
    };
    expect(ageless(ours)).toEqual(ageless(nobody));
    expect(await decide(good(), EVALUATION, server.operator)).toBe(false);
    const org = { type: "organisation", id: tenant.org.id };
    expect(await decide(good({ resource: org }), EVALUATION, server.operator)).toBe(false);
  });

  test("F7_freshness: a grant counts at once, and so does its end", async () => {
    const late = await makeMember(tenant);
    const asked = good({ subject: entityOf(late) });
    const role = await makeRole(tenant, ["messages:send"]);
    for (let round = 0; round < 5; round++) {
      expect(await decide(asked)).toBe(false);
      const grant = await give(tenant, late, role.name, workspaceNode(workspace));
      expect(await decide(asked)).toBe(true);
      await tenant.admin.delete(`${tenant.path}/grants/${grant.id}`);
    }
  });

  test("F7_freshness: a revision can be demanded", async () => {
    const group = { name: randomUUID() };
    const made = await tenant.admin.request("POST", `${tenant.path}/groups`, group);
    const revision = revisionOf(made);
    const answer = await ask(good({ context: { at_least: revision } }));
    expect(answer.body).toMatchObject({ decision: true });
    expect((answer.body as Decision).context?.["revision"]).toBeGreaterThanOrEqual(revision);
    expectError(await ask(good({ context: { at_least: revision + 1000 } })), 409, /not reached/);
    const items = { ...good({ context: { at_least: revision + 1000 } }), evaluations: [{}] };
    expectError(await ask(items, EVALUATIONS), 409);
    const incarnation = made.headers.get("thingward-incarnation");
    expect((answer.body as Decision).context?.["incarnation"]).toBe(incarnation);
    expect(await decide(good({ context: { at_least: revision, incarnation } }))).toBe(true);
    expect(await decide(good({ context: { max_age_ms: 60_000 } }))).toBe(true);
  });

  test("F7_freshness: a revision of another incarnation says nothing", async () => {
    for (const at_least of [0, 1, 1_000_000]) {
      const context = { at_least, incarnation: randomUUID() };
      const answer = await ask(good({ context }));
      expectError(answer, 409, /another incarnation/);
      expect(answer.headers.get("thingward-error")).toBe("incarnation-is-another");
      expectError(await ask({ ...good({ context }), evaluations: [{}] }, EVALUATIONS), 409);
    }
    const behind = await ask(good({ context: { at_least: 1_000_000 } }));
    expect(behind.headers.get("thingward-error")).toBe("revision-not-reached");
  });

  test("F7_conditions: attributes of the request decide", async () => {
    const conditional = await makeMember(tenant);
    const role = await makeRole(tenant, ["messages:send"]);
    await give(tenant, conditional, role.name, workspaceNode(workspace), {
      condition: { all: [
        { attribute: "context.address", operator: "in_cidr", value: "10.0.0.0/8" },
        { attribute: "resource.properties.owner.team", operator: "eq", value: "blue" },
        { attribute: "action.properties.soft", operator: "eq", value: true },
        { attribute: "subject.properties.level", operator: "gte", value: 3 },
      ] },
    });
    const asked = (address: string, team: string, soft: boolean, level: number) => decide({
      subject: { ...entityOf(conditional), properties: { level } },
      action: { ...SEND, properties: { soft } },
      resource: { ...number, properties: { ...number.properties, owner: { team } } },
      context: { address },
    });
    expect(await asked("10.1.2.3", "blue", true, 3)).toBe(true);
    expect(await asked("11.1.2.3", "blue", true, 3)).toBe(false);
    expect(await asked("10.1.2.3", "red", true, 3)).toBe(false);
    expect(await asked("10.1.2.3", "blue", false, 3)).toBe(false);
    expect(await asked("10.1.2.3", "blue", true, 2.5)).toBe(false);
    expect(await decide(good({ subject: entityOf(conditional) }))).toBe(false);
  });
});

describe("several evaluations", () => {
  test("F7_evaluations: answered in order, one each", async () => {
    const answer = await ask({
      evaluations: [good(), good({ action: READ }), good()],
    }, EVALUATIONS);
    expect(answer.body).toEqual({
      evaluations: [{ decision: true }, { decision: false }, { decision: true }],
      context: AGE,
    });
  });

  test("F7_evaluations: defaults are replaced whole, never merged", async () => {
    const answer = await ask({
      ...good(),
      resource: { ...number, properties: { workspace: workspace.id } },
      evaluations: [
        {}, { action: READ }, { resource: numberIn(other) },
        { resource: { id: number.id } }, { resource: { type: number.type, id: number.id } },
        { subject: { id: member.id } },
      ],
    }, EVALUATIONS);
    const required = { error: { status: 400, message: expect.stringMatching(/is required/) } };
    expect((answer.body as Decisions).evaluations).toEqual([
      { decision: true }, { decision: false }, { decision: false },
      { decision: false, context: required }, { decision: false },
      { decision: false, context: required },
    ]);
  });

  test("F7_evaluations: an incomplete or malformed one is a denial at its place", async () => {
    const answer = await ask({
      subject: entityOf(member), action: SEND,
      evaluations: [
        { resource: number }, {}, 7, { resource: "x" }, { resource: number, context: 1 },
        { resource: number },
      ],
    }, EVALUATIONS);
    const failed = { decision: false,
      context: { error: { status: 400, message: expect.any(String) } } };
    expect((answer.body as Decisions).evaluations).toEqual([
      { decision: true }, failed, failed, failed, failed, { decision: true },
    ]);
  });

  test("F7_evaluations: without evaluations it is one evaluation", async () => {
    for (const body of [good(), good({ evaluations: [] })]) {
      const answer = await ask(body, EVALUATIONS);
      expect(answer.body).toMatchObject({ decision: true });
      expect(answer.body).not.toHaveProperty("evaluations");
    }
    expectError(await ask({ evaluations: [] }, EVALUATIONS), 400, /is required/);
  });

  test("F7_evaluations: the three semantics, and where they end", async () => {
    const yes = { action: SEND };
    const no = { action: READ };
    const run = (semantic: string | undefined, ...evaluations: unknown[]) => decideAll({
      ...good(), evaluations,
      ...(semantic === undefined ? {} : { options: { evaluations_semantic: semantic, other: 1 } }),
    });
    expect(await run(undefined, yes, no, yes)).toEqual([true, false, true]);
    expect(await run("execute_all", no, yes, no)).toEqual([false, true, false]);
    expect(await run("deny_on_first_deny", yes, no, yes)).toEqual([true, false]);
    expect(await run("deny_on_first_deny", yes, { subject: null }, yes)).toEqual([true, false]);
    expect(await run("deny_on_first_deny", yes, yes)).toEqual([true, true]);
    expect(await run("permit_on_first_permit", no, yes, no)).toEqual([false, true]);
    expect(await run("permit_on_first_permit", no, no)).toEqual([false, false]);
  });

  test.each([
    [{ options: { evaluations_semantic: "first" } }], [{ options: { evaluations_semantic: 1 } }],
    [{ options: [] }], [{ evaluations: {} }], [{ evaluations: null }], [{ subject: "x" }],
    [{ action: { name: 1 } }], [{ context: 1 }],
  ])("F7_evaluations: 400 for all of it: %j", async (wrong) => {
    expectError(await ask({ ...good(), evaluations: [{}], ...wrong }, EVALUATIONS), 400);
  });

  test("F7_evaluations: a thousand and no more", async () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({
      resource: numberIn(i % 2 === 0 ? workspace : other, `+49${i}`),
    }));
    const decisions = await decideAll({ ...without("resource"), evaluations: many });
    expect(decisions).toEqual(many.map((_, i) => i % 2 === 0));
    expectError(await ask({ ...good(), evaluations: [...many, {}] }, EVALUATIONS), 400, /1000/);
  });

  test("F7_evaluations: each is decided as it would be alone", async () => {
    const subjects = [member, await makeMember(tenant)];
    const all = subjects.flatMap((subject) => [workspace, other].flatMap((where) =>
      [SEND, READ].map((action) =>
        ({ subject: entityOf(subject), action, resource: numberIn(where) }))));
    const alone: boolean[] = [];
    for (const one of all) alone.push(await decide(one));
    expect(await decideAll({ evaluations: all })).toEqual(alone);
    expect(alone.filter(Boolean)).toHaveLength(1);
  });
});

describe("metadata", () => {
  test("F7_metadata: of the organisation's door and of a workspace's, in both places", async () => {
    const get = async (path: string) => await (await fetch(server.url + path)).json() as
      Record<string, string>;
    const well = "/.well-known/authzen-configuration";
    const root = await get(well);
    const base = root["policy_decision_point"];
    expect(root).toEqual({
      policy_decision_point: expect.stringMatching(/^https?:\/\/[^/]+$/),
      access_evaluation_endpoint: base + EVALUATION,
      access_evaluations_endpoint: base + EVALUATIONS,
    });
    const own = `${base}/w/${workspace.id}`;
    for (const path of [`${well}/w/${workspace.id}`, `/w/${workspace.id}${well}`])
      expect(await get(path)).toEqual({
        policy_decision_point: own,
        access_evaluation_endpoint: own + EVALUATION,
        access_evaluations_endpoint: own + EVALUATIONS,
      });
  });

  test("F7_metadata: 404 elsewhere, 405 for other methods", async () => {
    const well = "/.well-known/authzen-configuration";
    for (const path of [`${well}/x`, `${well}/w/x`, `${well}/w/${workspace.id}/x`, `/w/x${well}`])
      expectError(await tenant.admin.request("GET", path), 404);
    const answer = await tenant.admin.request("POST", well, {});
    expectError(answer, 405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });
});
