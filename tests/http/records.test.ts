// Change records: everything that changes leaves one, with who, what, before and after.
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Answer, type Api, expectForbidden, expectProblem, type Method, revisionOf, type Tenant,
} from "./harness/api.ts";
import {
  makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace, orgNode,
  unique,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Group, Org, Page, Principal, Record_, Workspace } from "./harness/types.ts";

const server = useServer();

interface Head {
  revision: number;
  hash: string;
}
interface Self {
  id: string;
  credential: string;
}

/** What a change is expected to leave. */
interface Change {
  action: string;
  kind: string;
  /** The record is of something new, of something that is gone, or of both states. */
  shape: "new" | "gone" | "both";
}

let tenant: Tenant;
let admin: Api;
let self: Self;
let workspace: Workspace;

beforeAll(async () => {
  tenant = await makeOrg(server, "device-platform");
  admin = tenant.admin;
  self = await admin.get<Self>("/api/self");
  workspace = await makeWorkspace(tenant);
});

const org = (rest: string): string => `${tenant.path}/${rest}`;
const ws = (rest: string): string => `/api/workspaces/${workspace.id}/${rest}`;
const head = (): Promise<Head> => admin.get(org("records/head"));

/** Everything that the server has said of secrets, to be looked for in the records. */
const secrets: string[] = [];
/** The actions that were seen. */
const seen = new Set<string>();

/** Those of one revision, in the order in which they were made. */
async function recordsOf(revision: number): Promise<Record_[]> {
  const page = await admin.get<Page<Record_>>(
    `${org("records")}?before_revision=${revision + 1}&limit=200`);
  return page.items.filter((one) => one.revision === revision).reverse();
}

/** Makes a change, which has to leave a record as said, at the revision that the answer names. */
async function change<T = { id: string }>(
  method: Method, path: string, body: unknown, expected: Change,
): Promise<T> {
  const before = await head();
  const started = Date.now();
  const answer: Answer<T> = await admin.request<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
  for (const found of answer.text.matchAll(/tw[a-z]_[\w-]+/g)) secrets.push(found[0]);
  const revision = revisionOf(answer);
  expect(revision, expected.action).toBe(before.revision + 1);
  const left = await recordsOf(revision);
  const record = left.find((one) => one.action === expected.action);
  expect(record, `${expected.action} among ${left.map((one) => one.action).join(", ")}`)
    .toMatchObject({
      revision,
      actor: { id: self.id, kind: "api_key", org: tenant.org.id },
      credential: self.credential,
      address: "127.0.0.1",
      subject: { kind: expected.kind },
      before: expected.shape === "new" ? null : expect.any(Object),
      after: expected.shape === "gone" ? null : expect.any(Object),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  if (expected.shape === "both") expect(record?.before).not.toEqual(record?.after);
  const time = Date.parse(record?.time ?? "");
  expect(time).toBeGreaterThanOrEqual(started - 1000);
  expect(time).toBeLessThanOrEqual(Date.now() + 1000);
  expect(left.map((one) => one.part)).toEqual(left.map((_, i) => (left[0]?.part ?? 0) + i));
  expect(await head()).toEqual({ revision, hash: left.at(-1)?.hash });
  left.forEach((one) => seen.add(one.action));
  return answer.body;
}

const made = (action: string, kind: string): Change => ({ action, kind, shape: "new" });
const changed = (action: string, kind: string): Change => ({ action, kind, shape: "both" });
const gone = (action: string, kind: string): Change => ({ action, kind, shape: "gone" });

describe("every kind of change leaves a record", () => {
  test("organisations, workspaces, defaults, blueprints", async () => {
    await change("PATCH", org("").slice(0, -1), { name: unique("renamed") },
      changed("organisations.update", "organisation"));
    const one = await change("POST", org("workspaces"), { name: unique("ws") },
      made("workspaces.create", "workspace"));
    const path = `/api/workspaces/${one.id}`;
    await change("PATCH", path, { description: "other" },
      changed("workspaces.update", "workspace"));
    await change("PUT", `${path}/state`, { state: "suspended" },
      changed("workspaces.update", "workspace"));
    await change("PUT", `${path}/state`, { state: "active" },
      changed("workspaces.update", "workspace"));
    await change("DELETE", path, undefined, gone("workspaces.delete", "workspace"));
    const defaults = await admin.get<{ items: { kind: string; role: string | null }[] }>(
      org("defaults"));
    expect(defaults.items.map((item) => item.kind)).toContain("service_account");
    await change("PUT", org("defaults/service_account"),
      { role: "app_operations", ceiling_role: null },
      { action: "defaults.update", kind: "organisation", shape: "both" });
    await change("PUT", org("defaults/service_account"), { role: null, ceiling_role: null },
      { action: "defaults.update", kind: "organisation", shape: "both" });
    await change("PUT", org("blueprints/sensor-workspace"), undefined,
      made("blueprints.apply", "blueprint"));
  });

  test("principals of all kinds", async () => {
    const drafts: [string, string, Record<string, unknown>][] = [
      ["member", org("members"), { email: `${unique("person")}@example.com` }],
      ["service_account", org("service-accounts"), { name: unique("one") }],
      ["api_key", org("api-keys"), { name: unique("one"), roles: [] }],
      ["end_user", ws("end-users"), { email: `${unique("user")}@example.com` }],
      ["application", ws("clients"), { name: unique("one") }],
      ["gateway", ws("gateways"), { name: unique("one") }],
      ["device", ws("devices"), { name: unique("one") }],
    ];
    for (const [kind, path, draft] of drafts) {
      const { principal } = await change<{ principal: Principal }>("POST", path, draft,
        made("principals.create", kind));
      const own = `${path}/${principal.id}`;
      await change("PATCH", own, { name: unique("renamed") }, changed("principals.update", kind));
      await change("PATCH", own, { state: "suspended" }, changed("principals.update", kind));
      await change("DELETE", own, undefined, gone("principals.delete", kind));
    }
    await change("PUT", org(`api-keys/by-name/${unique("put")}`), { roles: [] },
      made("principals.create", "api_key"));
  });

  test("reach, ceilings and credentials", async () => {
    const group = await change("POST", ws("resource-groups"), { name: unique("group") },
      made("resource_groups.create", "resource_group"));
    const { principal } = await makeInWorkspace(tenant, workspace, "gateways");
    const own = org(`principals/${principal.id}`);
    await change("PUT", `${own}/reach`, { confined: true, groups: [group.id] },
      changed("principals.set_reach", "gateway"));
    await change("PUT", `${own}/ceiling`, { ceiling: { only: ["iam:devices:read"] } },
      changed("principals.set_ceiling", "gateway"));
    const issued = await change<{ credential: { id: string } }>("POST", `${own}/credentials`,
      { name: "second" }, made("credentials.create", "credential"));
    await change("POST", `${own}/credentials`, { name: "third", retire_others_after_s: 60 },
      made("credentials.create", "credential"));
    const { items } = await admin.get<Page<{ id: string }>>(`${own}/credentials`);
    const retired = (await recordsOf((await head()).revision)).slice(1);
    expect(retired.map((one) => [one.action, one.subject.id])).toEqual(items.slice(0, 2)
      .map((one) => ["credentials.update", one.id]));
    for (const one of retired) {
      expect(one.before).toMatchObject({ expires_at: null });
      expect(one.after).toMatchObject({ expires_at: expect.any(String) });
    }
    await change("DELETE", `${own}/credentials/${issued.credential.id}`, undefined,
      changed("credentials.delete", "credential"));
  });

  test("groups, roles, grants, guardrails, scopes", async () => {
    const member = await makeMember(tenant);
    const group = await change("POST", org("groups"), { name: unique("group") },
      made("groups.create", "group"));
    const path = org(`groups/${group.id}`);
    await change("PATCH", path, { description: "other" }, changed("groups.update", "group"));
    await change("PUT", `${path}/members/${member.id}`, undefined,
      made("groups.add_member", "group"));
    const draft = { name: unique("role"), kinds: ["member"], exercises: ["iam:groups:read"] };
    const role = await change("POST", org("roles"), draft, made("roles.create", "role"));
    const holder = { kind: "group", id: group.id };
    const grant = await change("POST", org("grants"),
      { holder, role: role.id, node: orgNode(tenant) }, made("grants.create", "grant"));
    await change("PUT", org(`roles/${role.id}`), { ...draft, exercises: ["iam:roles:read"] },
      changed("roles.update", "role"));
    await change("DELETE", org(`grants/${grant.id}`), undefined, gone("grants.delete", "grant"));
    await change("DELETE", org(`roles/${role.id}`), undefined, gone("roles.delete", "role"));
    await change("DELETE", `${path}/members/${member.id}`, undefined,
      gone("groups.remove_member", "group"));
    await change("DELETE", path, undefined, gone("groups.delete", "group"));
    const rail = { name: unique("rail"), node: orgNode(tenant), kinds: ["member"],
      permissions: ["iam:orgs:delete"] };
    const { id } = await change("POST", org("guardrails"), rail,
      made("guardrails.create", "guardrail"));
    await change("PUT", org(`guardrails/${id}`), { ...rail, permissions: ["iam:orgs:create"] },
      changed("guardrails.update", "guardrail"));
    await change("DELETE", org(`guardrails/${id}`), undefined,
      gone("guardrails.delete", "guardrail"));
    await change("POST", ws("scopes"), { name: "data:read" }, made("scopes.create", "workspace"));
    const client = (await makeInWorkspace(tenant, workspace, "clients")).principal;
    const given = ws(`principals/${client.id}/permissions/data:read`);
    await change("PUT", given, undefined, made("grants.create", "grant"));
    await change("DELETE", given, undefined, gone("grants.delete", "grant"));
    await change("DELETE", ws("scopes/data:read"), undefined, gone("scopes.delete", "workspace"));
  });

  test("resources, their groups, and offers", async () => {
    const groups = ws("resource-groups");
    const group = await change("POST", groups, { name: unique("group") },
      made("resource_groups.create", "resource_group"));
    await change("PATCH", `${groups}/${group.id}`, { description: "other" },
      changed("resource_groups.update", "resource_group"));
    await change("POST", ws("resources"), { type: "dashboard", id: "m-1" },
      made("resources.create", "resource"));
    await change("PATCH", ws("resources/dashboard/m-1"), { name: "first" },
      changed("resources.update", "resource"));
    const inside = `${groups}/${group.id}/resources/dashboard/m-1`;
    await change("PUT", inside, undefined, made("resource_groups.add", "resource_group"));
    await change("DELETE", inside, undefined, gone("resource_groups.remove", "resource_group"));
    await change("DELETE", `${groups}/${group.id}`, undefined,
      gone("resource_groups.delete", "resource_group"));
    await change("DELETE", ws("resources/dashboard/m-1"), undefined,
      gone("resources.delete", "resource"));
    await change("POST", org("resources"), { type: "dashboard", id: "global" },
      made("resources.create", "resource"));
    const offer = org(`resources/dashboard/global/offers/${workspace.id}`);
    const enabled = ws("offers/dashboard/global");
    await change("PUT", offer, undefined, made("offers.create", "resource"));
    await change("PUT", enabled, { enabled: true }, changed("offers.enable", "resource"));
    await change("DELETE", enabled, undefined, changed("offers.disable", "resource"));
    await change("DELETE", offer, undefined, gone("offers.delete", "resource"));
  });

  test("what an operator does is in the platform's records, and the founding in both", async () => {
    const platform = "/api/orgs/platform/records";
    const operator = await server.operator.get<Self>("/api/self");
    const newest = async (): Promise<Record_> =>
      (await server.operator.get<Page<Record_>>(`${platform}?limit=1`)).items[0] as Record_;
    const created = await server.operator.post<{ org: Org; secret: string }>("/api/orgs",
      { name: unique("org"), first_key: { name: "first" } });
    secrets.push(created.secret);
    expect(await newest()).toMatchObject({
      action: "organisations.create", actor: { id: operator.id },
      subject: { kind: "organisation", id: created.org.id }, before: null,
    });
    const own = `/api/orgs/${created.org.id}`;
    const [first] = (await server.as(created.secret).list<Record_>(`${own}/records`)).reverse();
    expect(first).toMatchObject({ action: "organisations.create", revision: 1 });
    await server.operator.put(`${own}/state`, { state: "suspended" });
    expect((await server.operator.list<Record_>(platform)).slice(0, 3)).toContainEqual(
      expect.objectContaining({ action: "organisations.update",
        subject: { kind: "organisation", id: created.org.id } }));
    await server.operator.delete(own);
    expect((await server.operator.list<Record_>(platform)).slice(0, 3)).toContainEqual(
      expect.objectContaining({ action: "organisations.delete",
        subject: { kind: "organisation", id: created.org.id } }));
  });

  test("and no kind of it was forgotten", () => {
    const all = ["blueprints.apply", "credentials.create", "credentials.delete",
      "credentials.update", "defaults.update", "grants.create", "grants.delete",
      "groups.add_member", "groups.create", "groups.delete", "groups.remove_member",
      "groups.update", "guardrails.create", "guardrails.delete", "guardrails.update",
      "offers.create", "offers.delete", "offers.disable", "offers.enable",
      "organisations.update", "principals.create", "principals.delete",
      "principals.set_ceiling", "principals.set_reach", "principals.update",
      "resource_groups.add", "resource_groups.create", "resource_groups.delete",
      "resource_groups.remove", "resource_groups.update", "resources.create",
      "resources.delete", "resources.update", "roles.create", "roles.delete", "roles.update",
      "scopes.create", "scopes.delete", "workspaces.create", "workspaces.delete",
      "workspaces.update"];
    expect([...seen].sort()).toEqual(all);
  });

  test("and none of them holds a secret", async () => {
    const texts = [
      await admin.request("GET", `${org("records")}?limit=200`),
      await server.operator.request("GET", "/api/orgs/platform/records?limit=200"),
    ].map((answer) => answer.text).join();
    expect(secrets.length).toBeGreaterThanOrEqual(8);
    expect(texts).not.toMatch(/tw[a-z]_[\w-]{20}/);
    for (const secret of [...secrets, admin.secret ?? "", server.operator.secret ?? ""])
      for (const part of [secret, secret.slice(4), secret.slice(-40)])
        expect(texts.includes(part)).toBe(false);
    expect(texts).not.toMatch(/"(secret|hash_key|token|password|digest_key)"/);
  });
});

test("records of a change show what it was before and became", async () => {
  const group = await makeGroup(tenant);
  const path = org(`groups/${group.id}`);
  const renamed = await admin.patch<Group>(path, { name: unique("renamed") });
  await admin.delete(path);
  const [removed, updated, created] =
    await admin.list<Record_>(`${org("records")}?subject=${group.id}`);
  expect(created).toMatchObject({ before: null, after: group });
  expect(updated).toMatchObject({ before: group, after: renamed });
  expect(removed).toMatchObject({ before: renamed, after: null });
});

test("what is refused, tried, or changes nothing leaves no record", async () => {
  const group = await makeGroup(tenant);
  const member = await makeMember(tenant);
  const inside = org(`groups/${group.id}/members/${member.id}`);
  await admin.put(inside);
  const before = await head();
  const twice = await admin.request("PUT", inside);
  expect([twice.status < 300, revisionOf(twice)]).toEqual([true, before.revision]);
  await admin.put(org("blueprints/device-platform"));
  expect((await admin.request("POST", org("groups"), { name: group.name })).status).toBe(409);
  expect((await admin.request("POST", org("groups"), { name: "" })).status).toBe(400);
  expect((await admin.request("PATCH", org(`groups/${group.id}`), { name: "x" },
    { "if-match": '"1"' })).status).toBe(412);
  const tried = await admin.request("PUT", org("blueprints/sensor-workspace?preview=true"));
  expect([tried.status, tried.headers.get("thingward-revision")]).toEqual([200, null]);
  await server.as(undefined).request("POST", org("groups"), { name: "x" });
  for (const path of ["groups", "members", "records", "roles"]) await admin.get(org(path));
  expect(await head()).toEqual(before);
});

describe("listing", () => {
  let all: Record_[];
  let other: Self;
  beforeAll(async () => {
    const role = await makeRole(tenant, ["iam:groups:create", "iam:groups:update"]);
    const machine = await makeMachine(tenant, "service-accounts", { roles: [role.name] });
    const api = server.as(machine.secret);
    other = await api.get<Self>("/api/self");
    const group = await api.post<Group>(org("groups"), { name: unique("group") });
    await api.patch(org(`groups/${group.id}`), { name: unique("renamed") });
    all = await admin.list<Record_>(org("records"));
  });

  const list = (query: string): Promise<Record_[]> =>
    admin.list<Record_>(`${org("records")}?${query}`);

  test("is whole, newest first, without gaps", async () => {
    expect(all.length).toBeGreaterThan(10);
    expect(all[0]).toMatchObject(await head());
    const revisions = [...new Set(all.map((one) => one.revision))];
    expect(revisions).toEqual(revisions.map((_, i) => (all[0]?.revision ?? 0) - i));
    expect(revisions.at(-1)).toBe(1);
    expect(new Set(all.map((one) => one.hash)).size).toBe(all.length);
  });

  test.each([1, 2, 7, 50])("pages of %i are the same together", async (limit) => {
    expect(await admin.list<Record_>(org("records"), limit)).toEqual(all);
    const filtered = await admin.list<Record_>(`${org("records")}?action=groups.`, limit);
    expect(filtered).toEqual(all.filter((one) => one.action.startsWith("groups.")));
  });

  test("filters by actor, action, subject, time and revision, and all of them", async () => {
    const mine = all.filter((one) => one.actor.id === other.id);
    expect(mine.map((one) => one.action)).toEqual(["groups.update", "groups.create"]);
    expect(await list(`actor=${other.id}`)).toEqual(mine);
    expect(await list("action=groups.create"))
      .toEqual(all.filter((one) => one.action === "groups.create"));
    expect(await list("action=groups")).toEqual([]);
    const [newest] = mine;
    if (!newest) throw new Error("no record");
    expect(await list(`subject=${newest.subject.id}`)).toEqual(mine);
    const time = encodeURIComponent(newest.time);
    expect(await list(`since=${time}`)).toEqual(all.filter((one) => one.time >= newest.time));
    expect(await list(`until=${time}`)).toEqual(all.filter((one) => one.time < newest.time));
    expect(await list(`before_revision=${newest.revision}`))
      .toEqual(all.filter((one) => one.revision < newest.revision));
    expect(await list(`actor=${other.id}&action=groups.create&subject=${newest.subject.id}`))
      .toEqual(mine.slice(1));
    expect(await list(`actor=${tenant.org.id}`)).toEqual([]);
  });

  test("is for who may, in the own organisation", async () => {
    const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
    const api = server.as(machine.secret);
    for (const path of [org("records"), org("records/head")])
      expectForbidden(await api.request("GET", path), "iam:records:read");
    const stranger = await makeOrg(server);
    expectProblem(await stranger.admin.request("GET", org("records")), 404,
      "organisation-not-found");
    expectProblem(await admin.request("GET", "/api/orgs/platform/records"), 404);
    expect((await stranger.admin.list<Record_>(`${stranger.path}/records`))
      .every((one) => !all.some((known) => known.hash === one.hash))).toBe(true);
    for (const method of ["DELETE", "PUT", "POST", "PATCH"] as const)
      expectProblem(await admin.request(method, org("records")), 405);
  });
});
