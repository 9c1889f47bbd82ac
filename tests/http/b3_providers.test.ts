// External OpenID providers as an administrator sets them up: what they may not give away.
import { beforeAll, describe, expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { makeMachine, makeOrg, makeRole, makeWorkspace, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Record_, Role, Workspace } from "./harness/types.ts";

const server = useServer();

interface Provider {
  id: string;
  name: string;
  issuer: string;
  client_id: string;
  has_secret: boolean;
  state: string;
  scopes: string[];
  sign_up: boolean;
  domains: string[];
  groups_claim: string;
  rules: { group: string; role: string; workspace: string | null }[];
  changed: number;
}

const ISSUER = "https://login.example.org/tenant";
let tenant: Tenant;
let workspace: Workspace;
let providers: string;
let role: Role;

beforeAll(async () => {
  tenant = await makeOrg(server, "organisation-access");
  workspace = await makeWorkspace(tenant);
  providers = `${tenant.path}/providers`;
  role = await makeRole(tenant, ["iam:groups:read"]);
});

function draft(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: unique("idp"), issuer: ISSUER, client_id: "thingward", ...more };
}

function make(more: Record<string, unknown> = {}): Promise<Provider> {
  return tenant.admin.post(providers, draft(more));
}

/** Somebody who may look after providers, and has whatever else is named. */
async function clerk(...more: string[]): Promise<Api> {
  const may = await makeRole(tenant, ["iam:providers:create", "iam:providers:read",
    "iam:providers:update", "iam:providers:delete", ...more]);
  const machine = await makeMachine(tenant, "service-accounts", { roles: [may.name] });
  return server.as(machine.secret);
}

test("B3_providers: several are set up, shown, changed and deleted", async () => {
  const secret = "s3cret-of-the-provider";
  const one = await make({ client_secret: secret });
  const two = await make({ scopes: ["openid", "groups"], groups_claim: "groups" });
  expect(one).toMatchObject({ issuer: ISSUER, client_id: "thingward", has_secret: true,
    state: "active", scopes: ["openid", "profile", "email"], sign_up: false, domains: [],
    groups_claim: "", rules: [] });
  expect(two).toMatchObject({ has_secret: false, scopes: ["openid", "groups"] });
  expect(await tenant.admin.get(`${providers}/${one.id}`)).toEqual(one);
  expect(await tenant.admin.list(providers)).toEqual(expect.arrayContaining([one, two]));
  const changed = await tenant.admin.patch<Provider>(`${providers}/${one.id}`,
    { name: unique("other"), state: "suspended", client_secret: null });
  expect(changed).toMatchObject({ issuer: ISSUER, state: "suspended", has_secret: false });
  expect((await tenant.admin.request("PATCH", `${providers}/${one.id}`, { state: "active" },
    { "if-match": `"${one.changed}"` })).status).toBe(412);
  const records = await tenant.admin.list<Record_>(`${tenant.path}/records?subject=${one.id}`);
  expect(records.map((record) => record.action)).toEqual(["providers.update", "providers.create"]);
  expect(JSON.stringify(records)).not.toContain(secret);
  await tenant.admin.delete(`${providers}/${one.id}`);
  expectProblem(await tenant.admin.request("GET", `${providers}/${one.id}`), 404,
    "provider-not-found");
  await tenant.admin.delete(`${providers}/${two.id}`);
});

const REFUSED: [string, Record<string, unknown>, string][] = [
  ["an issuer over plain http", { issuer: "http://login.example.org" }, "invalid-uri"],
  ["an issuer with a query", { issuer: `${ISSUER}?x=1` }, "invalid-uri"],
  ["an issuer with a fragment", { issuer: `${ISSUER}#x` }, "invalid-uri"],
  ["an issuer that is none", { issuer: "login" }, "invalid-uri"],
  ["a client with a line in its name", { client_id: "a\nb" }, "invalid-provider"],
  ["a secret with a line in it", { client_secret: "a\nb" }, "invalid-provider"],
  ["a scope with a blank", { scopes: ["openid profile"] }, "invalid-provider"],
  ["a domain that is a pattern", { domains: ["*.example.org"] }, "invalid-provider"],
  ["a domain in capitals", { domains: ["Example.org"] }, "invalid-provider"],
  ["a domain that is an address", { domains: ["a@example.org"] }, "invalid-provider"],
  ["a domain without a dot", { domains: ["localhost"] }, "invalid-provider"],
  ["a claim with a blank", { groups_claim: "my groups" }, "invalid-provider"],
];

test.each(REFUSED)("B3_providers: %s is refused", async (_, more, code) => {
  const before = await tenant.admin.list(providers);
  expectProblem(await tenant.admin.request("POST", providers, draft(more)), 400, code);
  expect(await tenant.admin.list(providers)).toEqual(before);
});

test("B3_providers: a loopback issuer will do, the issuer is fixed, names are unique", async () => {
  const one = await make({ issuer: "http://127.0.0.1:3000" });
  expectProblem(await tenant.admin.request("PATCH", `${providers}/${one.id}`, { issuer: ISSUER }),
    409, "provider-issuer-fixed");
  expectProblem(await tenant.admin.request("POST", providers, draft({ name: one.name })), 409,
    "provider-name-taken");
  expectProblem(await server.operator.request("POST", "/api/orgs/platform/providers", draft()),
    409, "platform-has-no-providers");
});

test("B3_providers: there are at most 32", async () => {
  const other = await makeOrg(server);
  for (let i = 0; i < 32; i++) await other.admin.post(`${other.path}/providers`, draft());
  expectProblem(await other.admin.request("POST", `${other.path}/providers`, draft()), 409,
    "too-many-providers");
});

describe("what a provider gives", () => {
  test("B6_rules: are shown by identifier, and name a role of members", async () => {
    const one = await make({
      rules: [{ group: "eng", role: role.name, workspace: workspace.id },
        { group: "all", role: role.id }],
    });
    expect(one.rules).toEqual([{ group: "eng", role: role.id, workspace: workspace.id },
      { group: "all", role: role.id, workspace: null }]);
    const machines = await makeRole(tenant, ["iam:groups:read"], { kinds: ["api_key"] });
    for (const [rule, status] of [
      [{ group: "x", role: "no-such" }, 404],
      [{ group: "x", role: machines.name }, 409],
      [{ group: "x", role: role.id, workspace: tenant.org.id }, 404],
      [{ group: "", role: role.id }, 400],
    ] as const)
      expectProblem(await tenant.admin.request("POST", providers, draft({ rules: [rule] })),
        status);
  });

  test("B6_rules: nobody gives by a rule what he may not give", async () => {
    const without = await clerk();
    const rules = [{ group: "all", role: role.id }];
    expectForbidden(await without.request("POST", providers, draft({ rules })), "iam:groups:read");
    const own = await without.post<Provider>(providers, draft());
    const at = `${providers}/${own.id}`;
    expectForbidden(await without.request("PATCH", at, { rules }), "iam:groups:read");
    expectForbidden(await without.request("PATCH", at,
      { rules: [{ group: "all", role: "org_admin" }] }));
    const having = await clerk("iam:groups:read");
    expect(await having.patch<Provider>(at, { rules })).toMatchObject({ rules: [rules[0]] });
    // What is there already may stay, and be turned off; turning it on again is giving it.
    expect(await without.patch(at, { name: unique("renamed"), rules })).toMatchObject({ rules });
    await without.patch(at, { state: "suspended" });
    expectForbidden(await without.request("PATCH", at, { state: "active" }), "iam:groups:read");
    await having.patch(at, { state: "active" });
    expect(await without.patch(at, { rules: [] })).toMatchObject({ rules: [] });
  });

  test("B6_rules: nor by letting people in, nor by saying who somebody is", async () => {
    const shop = await makeOrg(server);
    const strong = await makeRole(shop, ["iam:groups:create"]);
    const may = await makeRole(shop,
      ["iam:providers:create", "iam:providers:read", "iam:providers:update"]);
    const machine = await makeMachine(shop, "service-accounts", { roles: [may.name] });
    const caller = server.as(machine.secret);
    const at = `${shop.path}/providers`;
    await shop.admin.put(`${shop.path}/defaults/member`, { role: strong.name, ceiling_role: null });
    expectForbidden(await caller.request("POST", at, draft({ sign_up: true })),
      "iam:groups:create");
    // By a domain's addresses it could say that somebody is the owner.
    expectForbidden(await caller.request("POST", at, draft({ domains: ["example.org"] })));
    const made = await caller.post<Provider>(at, draft());
    for (const more of [{ sign_up: true }, { domains: ["example.org"] }])
      expectForbidden(await caller.request("PATCH", `${at}/${made.id}`, more));
    expect(await shop.admin.patch(`${at}/${made.id}`, { sign_up: true, domains: ["example.org"] }))
      .toMatchObject({ sign_up: true, domains: ["example.org"] });
    expect(await caller.patch(`${at}/${made.id}`, { domains: [] })).toMatchObject({ domains: [] });
  });

  test("B6_rules: a role that bears a ceiling is not given by a rule", async () => {
    const bound = await makeRole(tenant, ["iam:groups:read"], { ceiling: { only: [] } });
    expectProblem(await tenant.admin.request("POST", providers,
      draft({ rules: [{ group: "all", role: bound.id }] })), 409, "role-not-for-rules");
  });
});

test("B3_providers: looking after them needs the permissions", async () => {
  const one = await make();
  const auditor = server.as(
    (await makeMachine(tenant, "service-accounts", { roles: ["auditor"] })).secret);
  expect(await auditor.get(`${providers}/${one.id}`)).toEqual(one);
  expectForbidden(await auditor.request("POST", providers, draft()), "iam:providers:create");
  expectForbidden(await auditor.request("PATCH", `${providers}/${one.id}`, { state: "suspended" }),
    "iam:providers:update");
  expectForbidden(await auditor.request("DELETE", `${providers}/${one.id}`),
    "iam:providers:delete");
  const other = await makeOrg(server);
  expectProblem(await other.admin.request("GET", `${providers}/${one.id}`), 404);
});
