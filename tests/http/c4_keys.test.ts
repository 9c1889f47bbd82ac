// C4 to C7 and C9: the keys of a communications platform, and the roles on them.
import { beforeAll, expect, test } from "vitest";
import { allowed, orgAsked, permissionNames, subjectOf } from "./harness/access.ts";
import {
  expectForbidden, expectProblem, revisionOf, type Answer, type Api, type Tenant,
} from "./harness/api.ts";
import { give, makeGroup, makeMachine, makeMember, makeOrg, makeRole, orgNode, unique }
  from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, PrincipalCreated, Role } from "./harness/types.ts";

const HYBRID =
  ["connect", "create", "delete", "read", "update"].map((verb) => `hybrid_sites:${verb}`);
const BILLING = ["statements:download", "statements:read"];
const server = useServer();
let tenant: Tenant;
let everything: string[];

beforeAll(async () => {
  tenant = await makeOrg(server, "communications-platform");
  everything = (await permissionNames(tenant)).toSorted();
});

function held(who: Principal, of = tenant): Promise<string[]> {
  return allowed(of.admin, subjectOf(who), orgAsked(of), everything);
}

function byName(name: string, of = tenant): string {
  return `${of.path}/api-keys/by-name/${encodeURIComponent(name)}`;
}

async function rolesOf(key: Principal, of = tenant): Promise<string[]> {
  const access = await of.admin.get<{ roles: { name: string }[] }>(
    `${of.path}/principals/${key.id}/access`);
  return access.roles.map((role) => role.name).toSorted();
}

/** A caller that may manage keys and has these roles besides, without being an administrator. */
async function keeper(...roles: string[]): Promise<Api> {
  const role = await makeRole(tenant, [
    "iam:api_keys:create", "iam:api_keys:read", "iam:api_keys:update", "iam:api_keys:delete",
    "iam:principals:read", "iam:credentials:create", "iam:credentials:read",
    "iam:credentials:delete", "iam:grants:create", "iam:grants:delete", "iam:grants:read",
    "iam:groups:read", "iam:groups:update", "iam:workspaces:create",
  ]);
  const made = await makeMachine(tenant, "service-accounts", { roles: [role.name, ...roles] });
  return server.as(made.secret);
}

async function defaultRole(role: string | null, of = tenant): Promise<void> {
  await of.admin.put(`${of.path}/defaults/api_key`, { role, ceiling_role: null });
}

test("C4_keys: a key has exactly the permissions of its roles, one or more", async () => {
  const custom = await makeRole(tenant, ["messages:send", "iam:groups:read"]);
  const parts: [string, string[]][] = [
    ["hybrid_admin", HYBRID], ["billing_administrator", BILLING],
    [custom.name, ["messages:send", "iam:groups:read"]],
  ];
  for (let subset = 0; subset < 1 << parts.length; subset++) {
    const chosen = parts.filter((_, at) => (subset >> at) & 1);
    const expected = chosen.flatMap(([, permissions]) => permissions).toSorted();
    const key = await makeMachine(tenant, "api-keys", { roles: chosen.map(([name]) => name) });
    expect(await held(key.principal)).toEqual(expected);
    const asToken = { type: "token", id: key.secret };
    expect(await allowed(tenant.admin, asToken, orgAsked(tenant), everything)).toEqual(expected);
    const list = await server.as(key.secret).request("GET", `${tenant.path}/groups`);
    expect(list.status).toBe(expected.includes("iam:groups:read") ? 200 : 403);
  }
  const admin = await makeMachine(tenant, "api-keys", { roles: ["admin"] });
  expect(await held(admin.principal)).toEqual(everything);
});

test("C4_keys: whoever made the key neither adds to it nor bounds it", async () => {
  const maker = await makeMachine(tenant, "service-accounts", { roles: ["admin"] });
  const made = await server.as(maker.secret).post<PrincipalCreated>(
    `${tenant.path}/api-keys`, { name: unique("made"), roles: ["hybrid_admin"] });
  expect(made.principal.created_by).toBe(maker.principal.id);
  expect(await held(made.principal)).toEqual(HYBRID);
  const [grant] = await tenant.admin.list<{ id: string }>(
    `${tenant.path}/grants?holder=${maker.principal.id}`);
  await tenant.admin.delete(`${tenant.path}/grants/${grant?.id}`);
  expect(await held(maker.principal)).toEqual([]);
  expect(await held(made.principal)).toEqual(HYBRID);
  await tenant.admin.delete(`${tenant.path}/service-accounts/${maker.principal.id}`);
  expect(await held(made.principal)).toEqual(HYBRID);
});

test("C5_default: a key created with no roles has what the organisation chose", async () => {
  const own = await makeOrg(server, "communications-platform");
  const post = async (draft: object = {}): Promise<Principal> => {
    const named = { name: unique("k"), ...draft };
    return (await own.admin.post<PrincipalCreated>(`${own.path}/api-keys`, named)).principal;
  };
  const put = async (): Promise<Principal> =>
    (await own.admin.put<PrincipalCreated>(byName(unique("k"), own), {})).principal;
  const early = [await post(), await put(), await post({ roles: [] })];
  for (const key of early) expect(await held(key, own)).toEqual([]);

  const roles = await own.admin.list<Role>(`${own.path}/roles`);
  const admin = roles.find((role) => role.name === "admin");
  await defaultRole(admin?.id ?? "", own);
  for (const key of [await post(), await put()]) {
    expect(await rolesOf(key, own)).toEqual(["admin"]);
    expect(await held(key, own)).toEqual(everything);
  }
  // An empty list is none, a stated role is that role, and older keys stay as they were.
  expect(await held(await post({ roles: [] }), own)).toEqual([]);
  expect(await held(await post({ roles: ["hybrid_admin"] }), own)).toEqual(HYBRID);
  for (const key of early) expect(await held(key, own)).toEqual([]);
  const other = await makeMachine(own, "service-accounts");
  expect(await held(other.principal, own)).toEqual([]);

  await defaultRole(null, own);
  expect(await held(await post(), own)).toEqual([]);
});

test("C5_default: only who may give the default may choose it, or get a key by it", async () => {
  const caller = await keeper();
  const chooser = server.as((await makeMachine(tenant, "service-accounts", {
    roles: [(await makeRole(tenant, ["iam:defaults:update", "iam:roles:read"])).name],
  })).secret);
  const at = `${tenant.path}/defaults/api_key`;
  const draft = { role: "admin", ceiling_role: null };
  expectForbidden(await caller.request("PUT", at, draft), "iam:defaults:update");
  expectForbidden(await chooser.request("PUT", at, draft), undefined, "may-not-give");
  const unknown = await tenant.admin.request("PUT", at, { ...draft, role: "no_such" });
  expectProblem(unknown, 404, "role-not-found");
  const people = await makeRole(tenant, ["iam:groups:read"], { kinds: ["member"] });
  const wrong = await tenant.admin.request("PUT", at, { ...draft, role: people.name });
  expectProblem(wrong, 409, "role-not-for-kind");
  const defaults = await tenant.admin.get<{ items: { kind: string; role: string | null }[] }>(
    `${tenant.path}/defaults`);
  expect(defaults.items.find((one) => one.kind === "api_key")?.role).toBeNull();

  await defaultRole("admin");
  try {
    const name = { name: unique("planted") };
    expectForbidden(
      await caller.request("POST", `${tenant.path}/api-keys`, name), undefined, "may-not-give");
    expectForbidden(await caller.request("PUT", byName(name.name), {}), undefined, "may-not-give");
    await caller.post(`${tenant.path}/api-keys`, { ...name, roles: [] });
  } finally {
    await defaultRole(null);
  }
});

test("C6_giving: one can put on a key only roles that one may give", async () => {
  const caller = await keeper("hybrid_admin");
  const at = `${tenant.path}/api-keys`;
  const draft = { name: unique("k"), roles: ["hybrid_admin"] };
  const made = await caller.post<PrincipalCreated>(at, draft);
  expect(await held(made.principal)).toEqual(HYBRID);
  const before = (await tenant.admin.list(at)).length;
  const name = made.principal.name;
  const grant = (role: string): object => ({
    holder: { kind: "principal", id: made.principal.id }, role, node: orgNode(tenant),
  });
  for (const role of ["admin", "billing_administrator", "owner"]) {
    const requests: Answer[] = [
      await caller.request("POST", at, { name: unique("k"), roles: [role] }),
      await caller.request("POST", at, { name: unique("k"), roles: ["hybrid_admin", role] }),
      await caller.request("PUT", byName(unique("k")), { roles: [role] }),
      await caller.request("PUT", byName(name), { roles: ["hybrid_admin", role] }),
      await caller.request("POST", `${tenant.path}/grants`, grant(role)),
    ];
    for (const answer of requests) expectForbidden(answer, undefined, "may-not-give");
  }
  const group = await makeGroup(tenant);
  await give(tenant, group, "billing_administrator");
  expectForbidden(await caller.request("POST", at, { name: unique("k"), groups: [group.id] }),
    undefined, "may-not-give");
  expectForbidden(
    await caller.request("PUT", `${tenant.path}/groups/${group.id}/members/${made.principal.id}`),
    undefined, "may-not-give");
  expect(await rolesOf(made.principal)).toEqual(["hybrid_admin"]);
  expect(await tenant.admin.list(at)).toHaveLength(before);
  // The administrator holds everything and can give each of them.
  await tenant.admin.put(byName(name), { roles: ["hybrid_admin", "billing_administrator"] });
  expect(await held(made.principal)).toEqual([...HYBRID, ...BILLING].toSorted());
});

test("C7_visibility: keys that carry a role one could not give are not to be seen", async () => {
  const caller = await keeper("hybrid_admin");
  const group = await makeGroup(tenant);
  await give(tenant, group, "billing_administrator");
  const seen = [
    await makeMachine(tenant, "api-keys", { roles: ["hybrid_admin"] }),
    await makeMachine(tenant, "api-keys", { roles: [] }),
  ];
  const hidden = [
    await makeMachine(tenant, "api-keys", { roles: ["admin"] }),
    await makeMachine(tenant, "api-keys", { roles: ["hybrid_admin", "billing_administrator"] }),
    await makeMachine(tenant, "api-keys", { groups: [group.id] }),
  ];
  for (const list of ["api-keys", "principals?kind=api_key", "principals"]) {
    const ids = (await caller.list<Principal>(`${tenant.path}/${list}`, 3)).map((one) => one.id);
    for (const { principal } of seen) expect(ids, list).toContain(principal.id);
    for (const { principal } of hidden) expect(ids, list).not.toContain(principal.id);
  }
  const empty = await makeGroup(tenant);
  const members = await caller.request("GET", `${tenant.path}/groups/${group.id}/members`);
  expect(members.text).not.toContain(hidden[2]?.principal.id);
  for (const { principal, credential } of hidden) {
    const { id, name } = principal;
    const [grant] = await tenant.admin.list<Grant>(`${tenant.path}/grants?holder=${id}`);
    for (const list of [`grants?holder=${id}`, "grants"]) {
      const shown = await caller.list<Grant>(`${tenant.path}/${list}`);
      expect(shown.map((one) => one.holder.id), list).not.toContain(id);
    }
    if (grant)
      for (const method of ["GET", "DELETE"] as const) {
        const answer = await caller.request(method, `${tenant.path}/grants/${grant.id}`);
        expectProblem(answer, 404, "grant-not-found");
      }
    const all = `${tenant.path}/principals/${id}`;
    for (const [method, path, body] of [
      ["GET", `${tenant.path}/api-keys/${id}`, undefined],
      ["PATCH", `${tenant.path}/api-keys/${id}`, { state: "suspended" }],
      ["DELETE", `${tenant.path}/api-keys/${id}`, undefined],
      ["GET", all, undefined],
      ["GET", `${all}/access`, undefined],
      ["GET", `${all}/credentials`, undefined],
      ["POST", `${all}/credentials`, { name: "mine" }],
      ["DELETE", `${all}/credentials/${credential?.id}`, undefined],
      ["POST", `${tenant.path}/workspaces`, { name: unique("w"), owner: id }],
      ["PUT", `${tenant.path}/groups/${empty.id}/members/${id}`, undefined],
      ["POST", `${tenant.path}/grants`,
        { holder: { kind: "principal", id }, role: "hybrid_admin", node: orgNode(tenant) }],
    ] as const)
      expectProblem(await caller.request(method, path, body), 404, "principal-not-found");
    // Its name is taken all the same, and what has it stays as it is.
    const put = await caller.request("PUT", byName(name), { description: "mine" });
    expectProblem(put, 409, "principal-exists");
    expect(await tenant.admin.get(`${tenant.path}/api-keys/${id}`)).toEqual(principal);
  }
  for (const { principal, secret } of seen) {
    await caller.get(`${tenant.path}/api-keys/${principal.id}`);
    await server.as(secret).get("/api/self");
  }
});

test("C7_visibility: a key comes into sight and goes out of it with its roles", async () => {
  const caller = await keeper("hybrid_admin");
  const { principal } = await makeMachine(tenant, "api-keys", { roles: ["hybrid_admin"] });
  const at = `${tenant.path}/api-keys/${principal.id}`;
  await caller.get(at);
  const grant = await give(tenant, principal, "billing_administrator");
  expectProblem(await caller.request("GET", at), 404, "principal-not-found");
  await tenant.admin.delete(`${tenant.path}/grants/${grant.id}`);
  await caller.get(at);
  const admin = await makeMachine(tenant, "api-keys", { roles: ["admin"] });
  const ids = (await server.as(admin.secret).list<Principal>(`${tenant.path}/api-keys`))
    .map((one) => one.id);
  expect(ids.length).toBeGreaterThan(5);
  expect(ids).toContain(principal.id);
});

test("C9_creating: PUT by name makes a key once, and repeating it changes nothing", async () => {
  const name = `${unique("ERP key")}?ä #1`;
  const draft = { description: "first", roles: ["hybrid_admin"] };
  const first = await tenant.admin.request<PrincipalCreated>("PUT", byName(name), draft);
  expect(first.status).toBe(201);
  expect(first.body.principal).toMatchObject({ name, description: "first", kind: "api_key" });
  expect(first.body.secret).toMatch(/^twk_/);
  const again = await tenant.admin.request<PrincipalCreated>("PUT", byName(name), draft);
  expect(again.status).toBe(200);
  expect(again.body).toEqual({ principal: first.body.principal });
  expect(revisionOf(again)).toBe(revisionOf(first));
  const both = await Promise.all([0, 1].map(() =>
    tenant.admin.request<PrincipalCreated>("PUT", byName(`${name}!`), draft)));
  expect(both.map((answer) => answer.status).toSorted()).toEqual([200, 201]);
  expect(both.filter((answer) => answer.body.secret !== undefined)).toHaveLength(1);
  const listed = await tenant.admin.list<Principal>(
    `${tenant.path}/api-keys?q=${encodeURIComponent(name)}`);
  expect(listed.map((one) => one.name).toSorted()).toEqual([name, `${name}!`]);
  expect((await server.as(first.body.secret).get<{ id: string }>("/api/self")).id)
    .toBe(first.body.principal.id);
});

test("C9_creating: PUT brings a key to what is stated, and leaves what is not", async () => {
  const name = unique("k");
  const put = async (draft: object): Promise<Principal> =>
    (await tenant.admin.put<PrincipalCreated>(byName(name), draft)).principal;
  const key = await put({ description: "one", roles: ["hybrid_admin"] });
  expect(await put({})).toEqual(key);
  expect(await rolesOf(key)).toEqual(["hybrid_admin"]);
  await put({ roles: ["billing_administrator"] });
  expect(await held(key)).toEqual(BILLING);
  await put({ roles: ["billing_administrator", "hybrid_admin"] });
  expect(await held(key)).toEqual([...HYBRID, ...BILLING].toSorted());
  await put({ roles: [] });
  expect(await held(key)).toEqual([]);
  expect(await put({ description: "", state: "suspended" })).toMatchObject({
    description: "", state: "suspended",
  });
  expect(await put({ state: "active" })).toMatchObject({ description: "", state: "active" });
  // What is refused in part is not done in part.
  const refused = await tenant.admin.request("PUT", byName(name), {
    description: "half", roles: ["hybrid_admin", "no_such_role"],
  });
  expectProblem(refused, 404, "role-not-found");
  expect(await rolesOf(key)).toEqual([]);
  const left = await tenant.admin.get(`${tenant.path}/api-keys/${key.id}`);
  expect(left).toMatchObject({ description: "" });
  for (const bad of [" x", "a\nb", "x".repeat(129)])
    expectProblem(await tenant.admin.request("PUT", byName(bad), {}), 400);
});

test("C9_creating: creating keys is a permission that administrators alone have", async () => {
  const creators = (await tenant.admin.list<Role>(
    `${tenant.path}/roles?permission=iam:api_keys:create`))
    .filter((role) => role.system).map((role) => role.name);
  expect(creators.toSorted()).toEqual(["admin", "owner"]);
  const taken = await makeMachine(tenant, "api-keys", { roles: ["hybrid_admin"] });
  const reader = await makeRole(tenant, ["iam:api_keys:read", "iam:api_keys:update"]);
  for (const roles of [
    [], ["hybrid_admin"], ["billing_administrator"], ["hybrid_admin", "billing_administrator"],
    ["hybrid_admin", reader.name],
  ]) {
    const calls = server.as((await makeMachine(tenant, "api-keys", { roles })).secret);
    for (const answer of [
      await calls.request("PUT", byName(unique("k")), {}),
      await calls.request("PUT", byName(unique("k")), { roles: [] }),
      await calls.request("PUT", byName(taken.principal.name), {}),
      await calls.request("POST", `${tenant.path}/api-keys`, { name: unique("k"), roles: [] }),
    ])
      expectForbidden(answer, "iam:api_keys:create");
  }
  expectProblem(await server.as(undefined).request("PUT", byName("x"), {}), 401);
  // The administrators' keys do create keys, which carry no more than was put on them.
  const admin = server.as((await makeMachine(tenant, "api-keys", { roles: ["admin"] })).secret);
  const roles = ["billing_administrator"];
  const made = await admin.put<PrincipalCreated>(byName(unique("k")), { roles });
  expect(await held(made.principal)).toEqual(BILLING);
  const person = await makeMember(tenant, "admin");
  expect(await held(person)).toContain("iam:api_keys:create");
});

test("C9_creating: a name that is given up is free, and one that is taken is not", async () => {
  const [first, second] = [unique("key"), unique("key")];
  const { principal } = await makeMachine(tenant, "api-keys", { name: first });
  const path = `${tenant.path}/api-keys/${principal.id}`;
  await makeMachine(tenant, "api-keys", { name: second });
  expectProblem(await tenant.admin.request("PATCH", path, { name: second }), 409,
    "principal-exists");
  const third = unique("key");
  expect(await tenant.admin.patch(path, { name: third })).toMatchObject({ name: third });
  // It goes by its new name, and another may have the old one.
  const put = await tenant.admin.put<PrincipalCreated>(byName(third), { roles: [] });
  expect(put.principal.id).toBe(principal.id);
  expect((await makeMachine(tenant, "api-keys", { name: first })).principal.id)
    .not.toBe(principal.id);
});
