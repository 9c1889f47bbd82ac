// Workspace members and roles from an external provider's groups, anew at each sign-in.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, Tenant } from "./harness/api.ts";
import { Browser } from "./harness/browser.ts";
import { give, makeOrg, makeRole, makeWorkspace, orgNode, unique, workspaceNode }
  from "./harness/make.ts";
import type { Planted, PlantedProvider, Rule } from "./harness/planted_provider.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, PrincipalCreated, Record_, Role, Workspace }
  from "./harness/types.ts";
import { type Account, OUTBOUND, Upstream } from "./harness/upstream.ts";

const server = useServer({ args: OUTBOUND });
const upstream = new Upstream();
let tenant: Tenant;
let workspace: Workspace;
let reader: Role;
let writer: Role;

beforeAll(async () => {
  tenant = await makeOrg(server);
  await upstream.start(`${server.url}/sign-in/provider/callback`);
  workspace = await makeWorkspace(tenant);
  reader = await makeRole(tenant, ["iam:workspaces:read"]);
  writer = await makeRole(tenant, ["iam:workspaces:read", "iam:workspaces:update"]);
});
afterAll(() => upstream.stop());

/** One provider, whose groups come as a claim; further rules make another one. */
function planted(rules: Rule[], more: Partial<PlantedProvider> = {}): Planted {
  return upstream.planted(server, tenant, {
    scopes: "openid email profile groups", domains: ["example.com"], groups_claim: "groups",
    rules, ...more,
  });
}

interface Person {
  member: Principal;
  account: Account;
}

async function person(): Promise<Person> {
  const email = `${unique("person")}@example.com`;
  const { principal } = await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`,
    { email, invite: true, roles: [] });
  return { member: principal, account: { sub: unique("sub"), email, email_verified: true } };
}

async function comesWith(one: Person, provider: Planted, groups?: string[]): Promise<void> {
  const page = await upstream.signIn(new Browser(server.url), provider,
    { ...one.account, ...(groups ? { groups } : {}) });
  expect(page.url.pathname, page.text).toBe("/signed-in");
}

/** The roles that somebody has directly, with where. */
async function rolesOf(one: Person): Promise<string[]> {
  const { items } = await tenant.admin.get<{ items: Grant[] }>(
    `${tenant.path}/grants?holder=${one.member.id}&limit=200`);
  return items.map((grant) => `${grant.role_name} ${grant.node.kind}`).sort();
}

function inWorkspace(role: Role): string {
  return `${role.name} workspace`;
}

function change(provider: Planted, rules: Rule[]): void {
  server.store.alter(`UPDATE providers SET rules = '${JSON.stringify(rules)}'`
    + ` WHERE provider = ${server.store.literal(provider.id)}`);
}

describe("groups of a provider", () => {
  test("B6_sync: make members of workspaces and of the organisation, by rules", async () => {
    const provider = planted([
      { group: "engineers", role: reader.id, workspace: workspace.id },
      { group: "leads", role: writer.id, workspace: workspace.id },
      { group: "leads", role: reader.id },
      { group: "others", role: writer.id },
    ]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers", "leads", "unknown"]);
    expect(await rolesOf(ada)).toEqual(
      [inWorkspace(reader), inWorkspace(writer), `${reader.name} organisation`].sort());
  });

  test("B6_sync: are looked at anew at each sign-in, and what is gone is taken back", async () => {
    const provider = planted([
      { group: "engineers", role: reader.id, workspace: workspace.id },
      { group: "leads", role: writer.id, workspace: workspace.id },
    ]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(reader)]);
    await comesWith(ada, provider, ["leads"]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(writer)]);
    await comesWith(ada, provider, []);
    expect(await rolesOf(ada)).toEqual([]);
    await comesWith(ada, provider, ["engineers", "leads"]);
    expect(await rolesOf(ada)).toHaveLength(2);
    await comesWith(ada, provider);
    expect(await rolesOf(ada)).toEqual([]);
  });

  test("B6_sync: a rule that is gone or new counts from the next sign-in on", async () => {
    const provider = planted([{ group: "engineers", role: reader.id, workspace: workspace.id }]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers"]);
    change(provider, [{ group: "engineers", role: writer.id, workspace: workspace.id }]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(reader)]);
    await comesWith(ada, provider, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(writer)]);
    change(provider, []);
    await comesWith(ada, provider, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([]);
  });

  test("B6_sync: change nothing, and record nothing, when nothing changed", async () => {
    const provider = planted([{ group: "engineers", role: reader.id, workspace: workspace.id }]);
    const ada = await person();
    const revision = async (): Promise<unknown> =>
      (await tenant.admin.get<{ revision: number }>(tenant.path)).revision;
    await comesWith(ada, provider, ["engineers"]);
    const before = await revision();
    await comesWith(ada, provider, ["engineers"]);
    expect(await revision()).toBe(before);
  });

  test("B6_sync: are recorded as given and taken by the provider", async () => {
    const provider = planted([{ group: "engineers", role: reader.id, workspace: workspace.id }]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers"]);
    await comesWith(ada, provider, []);
    const { items } = await tenant.admin.get<{ items: Record_[] }>(
      `${tenant.path}/records?actor=${provider.id}&limit=50`);
    expect(items.filter((one) => one.action.startsWith("grants.")).map((one) => one.action))
      .toEqual(["grants.delete", "grants.create"]);
    expect(items.every((one) => one.actor.kind === "provider")).toBe(true);
  });
});

describe("what others gave", () => {
  test("B6_sync: by hand stays, the same role as well", async () => {
    const provider = planted([{ group: "engineers", role: reader.id, workspace: workspace.id }]);
    const ada = await person();
    await give(tenant, ada.member, reader.name, workspaceNode(workspace));
    await give(tenant, ada.member, writer.name, orgNode(tenant));
    await comesWith(ada, provider, ["engineers"]);
    await comesWith(ada, provider, []);
    expect(await rolesOf(ada)).toEqual(
      [inWorkspace(reader), `${writer.name} organisation`].sort());
  });

  test("B6_sync: by another provider stays until that one takes it back", async () => {
    const rules = [{ group: "engineers", role: reader.id, workspace: workspace.id }];
    const [first, second] = [planted(rules), planted(rules)];
    const ada = await person();
    await comesWith(ada, first, ["engineers"]);
    await comesWith(ada, second, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(reader)]);
    await comesWith(ada, first, []);
    expect(await rolesOf(ada)).toEqual([inWorkspace(reader)]);
    await comesWith(ada, second, []);
    expect(await rolesOf(ada)).toEqual([]);
  });

  test("B6_sync: taken away by hand is given again, as the rule has it", async () => {
    const provider = planted([{ group: "engineers", role: reader.id, workspace: workspace.id }]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers"]);
    const { items } = await tenant.admin.get<{ items: Grant[] }>(
      `${tenant.path}/grants?holder=${ada.member.id}`);
    await tenant.admin.delete(`${tenant.path}/grants/${items[0]?.id}`);
    await comesWith(ada, provider, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(reader)]);
    await comesWith(ada, provider, []);
    expect(await rolesOf(ada)).toEqual([]);
  });
});

describe("what rules cannot do", () => {
  test("B6_sync: make owners, or give any role that bears a ceiling", async () => {
    const { items } = await tenant.admin.get<{ items: Role[] }>(`${tenant.path}/roles?limit=200`);
    const owner = items.find((role) => role.name === "owner");
    const bounded = await makeRole(tenant, ["iam:workspaces:read"],
      { ceiling: { only: ["iam:workspaces:read"] } } as Partial<Role>);
    const provider = planted([
      { group: "engineers", role: owner?.id ?? "" }, { group: "engineers", role: bounded.id },
    ]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([]);
    expect(server.log.filter((line) => line.event === "provider-rule-unfit"
      && line["provider"] === provider.id && line["code"] === "role-not-for-rules"))
      .toHaveLength(2);
  });

  test("B6_sync: give what is gone, or not for members; the rest is given", async () => {
    const gone = await makeRole(tenant, ["iam:workspaces:read"]);
    await tenant.admin.delete(`${tenant.path}/roles/${gone.id}`);
    const machines = await makeRole(tenant, ["iam:workspaces:read"], { kinds: ["api_key"] });
    const provider = planted([
      { group: "engineers", role: gone.id },
      { group: "engineers", role: machines.id },
      { group: "engineers", role: reader.id, workspace: tenant.org.id },
      { group: "engineers", role: reader.id, workspace: workspace.id },
    ]);
    const ada = await person();
    await comesWith(ada, provider, ["engineers"]);
    expect(await rolesOf(ada)).toEqual([inWorkspace(reader)]);
    expect(server.log.filter((line) => line.event === "provider-rule-unfit"
      && line["provider"] === provider.id)).toHaveLength(3);
  });

  test("B6_sync: be a way to give more than one may, by widening their role", async () => {
    const small = await makeRole(tenant, ["iam:workspaces:read"]);
    planted([{ group: "engineers", role: small.id, workspace: workspace.id }]);
    const editing = await makeRole(tenant, ["iam:roles:update", "iam:roles:read"]);
    const key = await tenant.admin.post<PrincipalCreated & { secret: string }>(
      `${tenant.path}/api-keys`, { name: unique("key"), roles: [editing.name] });
    const wider = {
      name: small.name, kinds: ["member", "service_account", "api_key"],
      exercises: ["iam:workspaces:read", "iam:workspaces:delete"],
    };
    const refused: Answer = await server.as(key.secret).request(
      "PUT", `${tenant.path}/roles/${small.id}`, wider);
    expect(refused.status, refused.text).toBe(403);
    expect(refused.text).toContain("may-not-give");
    await tenant.admin.put(`${tenant.path}/roles/${small.id}`, wider);
  });
});
