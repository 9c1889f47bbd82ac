// A9: system roles stay as they are, and nothing crosses from one organisation to another. The
// cases come from the contract: every operation, each of its identifiers in turn a foreign one.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { expectProblem, type Answer, type Method, type Tenant } from "./harness/api.ts";
import { ROOT } from "./harness/binary.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  orgNode, unique,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Decision, Org, Principal, Problem, Role } from "./harness/types.ts";

interface Operation {
  operationId: string;
  "x-door"?: string;
  "x-node"?: string;
  "x-permission"?: string;
  "x-kind"?: string;
  parameters?: { $ref: string }[];
  security?: unknown[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
}

interface Case {
  method: Method;
  path: string;
  operation: Operation;
  names: string[];
}

/** One of each thing that a path can name. */
interface Furnished extends Tenant {
  ids: Record<string, string>;
  secret: string;
}

const METHODS: Method[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const contract = parse(readFileSync(join(ROOT, "api/openapi.yaml"), "utf8")) as {
  paths: Record<string, Record<string, Operation>>;
};
const server = useServer();
const UNKNOWN = "0190a0a0-0000-7000-8000-000000000000";
/** Path parameters that are words of the contract, and no identifiers. */
const WORDS = ["kind", "type", "name", "permission", "key"];

const cases: Case[] = Object.entries(contract.paths).flatMap(([path, methods]) =>
  METHODS.flatMap((method) => {
    const operation = methods[method.toLowerCase()];
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
    // What is the platform's own is 404 to every tenant, whatever is named.
    const open = operation?.security?.length === 0 || operation?.["x-node"] === "platform";
    return operation && !open && names.some((name) => !WORDS.includes(name))
      ? [{ method, path, operation, names }]
      : [];
  }));

let here: Furnished;
let there: Furnished;

async function furnish(): Promise<Furnished> {
  const tenant = await makeOrg(server, "communications-platform");
  const { admin, path } = tenant;
  const workspace = await makeWorkspace(tenant);
  const at = `/api/workspaces/${workspace.id}`;
  const inside = async (kind: "end-users" | "clients" | "devices"): Promise<string> => {
    const { principal } = await makeInWorkspace(tenant, workspace, kind);
    if (kind !== "devices") await admin.put(`${at}/${kind}/${principal.id}/metadata/some-key`, {});
    return principal.id;
  };
  const key = await makeMachine(tenant, "api-keys");
  const member = await makeMember(tenant);
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const group = await makeGroup(tenant, member);
  const grant = await give(tenant, member, role.id);
  const made = async (where: string, draft: object): Promise<string> =>
    (await admin.post<{ id: string }>(where, draft)).id;
  const site = unique("site");
  const shared = unique("global");
  const rgroup = await made(`${at}/resource-groups`, { name: unique("rg") });
  await made(`${at}/resources`, { type: "hybrid_site", id: site, groups: [rgroup] });
  await made(`${path}/resources`, { type: "hybrid_site", id: shared });
  await admin.put(`${path}/resources/hybrid_site/${shared}/offers/${workspace.id}`);
  const scope = `own:s${unique("x").slice(2)}`;
  await admin.post(`${at}/scopes`, { name: scope });
  const gateway = await makeInWorkspace(tenant, workspace, "gateways");
  const service = await makeMachine(tenant, "service-accounts");
  return {
    ...tenant,
    secret: key.secret,
    ids: {
      org: tenant.org.id,
      workspace: workspace.id,
      principal: key.principal.id,
      member: member.id,
      api_key: key.principal.id,
      service_account: service.principal.id,
      end_user: await inside("end-users"),
      application: await inside("clients"),
      gateway: gateway.principal.id,
      device: await inside("devices"),
      credential: key.credential?.id ?? "",
      workspace_credential: gateway.credential?.id ?? "",
      group: group.id,
      resource_group: rgroup,
      role: role.id,
      // There are none without a sign-in, and without a mail server that is down.
      session: grant.id,
      mail: grant.id,
      provider: await made(`${path}/providers`, {
        name: unique("idp"), issuer: "https://login.example.org", client_id: "x",
      }),
      key: grant.id,
      grant: grant.id,
      guardrail: await made(`${path}/guardrails`, {
        name: unique("rail"), node: orgNode(tenant), permissions: ["messages:send"],
      }),
      scope,
      id: site,
      global_id: shared,
    },
  };
}

beforeAll(async () => {
  here = await furnish();
  there = await furnish();
});

/** What stands for a parameter of an operation in an organisation. */
function valueOf(of: Furnished, { path, operation }: Case, name: string): string {
  const words: Record<string, string> = {
    kind: "api_key", type: "hybrid_site", permission: "messages:send",
    name: path.includes("blueprints") ? "communications-platform" : "some key",
  };
  const inWorkspace = path.startsWith("/api/workspaces/");
  if (path.includes("/metadata/")) words["key"] = "some-key";
  let key = name === "email" ? "end_user" : name;
  if (name === "principal" && operation["x-kind"]) key = operation["x-kind"];
  else if (name === "principal" && path.includes("/permissions/")) key = "end_user";
  else if (name === "principal" && inWorkspace) key = "gateway";
  if (name === "credential" && inWorkspace) key = "workspace_credential";
  if (name === "group" && path.includes("resource-groups")) key = "resource_group";
  if (name === "id" && (!inWorkspace || path.includes("/offers/"))) key = "global_id";
  const value = words[key] ?? of.ids[key];
  if (value === undefined) throw new Error(`${operation.operationId}: what is {${name}}?`);
  return encodeURIComponent(value);
}

/** A body that the operation would take, made of the caller's own things. */
function bodyOf({ operation }: Case): unknown {
  const schema = operation.requestBody?.content["application/json"]?.schema.$ref.split("/").at(-1);
  if (schema === undefined) return undefined;
  const name = { name: unique("planted") };
  const holder = { kind: "principal", id: here.ids["member"] };
  const role = { name: unique("planted"), kinds: ["member"], exercises: ["iam:groups:read"] };
  const access = {
    subject: { type: "member", id: here.ids["member"] },
    action: { name: "messages:send" },
    resource: { type: "phone_number", id: "+1" },
  };
  const bodies: Record<string, unknown> = {
    OrgPatch: name, WorkspaceDraft: name, WorkspacePatch: name, MachineDraft: name,
    GroupDraft: name, GroupPatch: name, CredentialDraft: name, ClientDraft: name,
    GatewayDraft: name, DeviceDraft: name, PrincipalPatch: name, ResourcePatch: name,
    ClientPatch: name, ProviderPatch: name, KeyRotation: {},
    ProviderDraft: { ...name, issuer: "https://login.example.org", client_id: "x" },
    MetadataValue: { planted: true },
    StateChange: { state: "suspended" },
    DefaultDraft: { role: null, ceiling_role: null },
    Reach: { confined: true, groups: [] },
    CeilingChange: { ceiling: { only: [] } },
    MemberDraft: { email: `${unique("planted")}@example.com` },
    EndUserDraft: { email: `${unique("planted")}@example.com` },
    ApiKeyDraft: { description: "planted" },
    RoleDraft: role,
    ScopeDraft: { name: "planted:scope" },
    GrantDraft: { holder, role: "admin", node: { kind: "organisation", id: here.ids["org"] } },
    GuardrailDraft: {
      name: unique("planted"), node: orgNode(here), permissions: ["messages:send"],
    },
    ResourceDraft: { type: "hybrid_site", id: unique("planted") },
    OfferChange: { enabled: true },
    BlueprintDocument: undefined,
    AccessRequest: access,
    AccessRequests: { ...access, evaluations: [{}] },
  };
  if (!(schema in bodies)) throw new Error(`${operation.operationId}: no body for ${schema}`);
  return bodies[schema];
}

function ask(one: Case, choose: (name: string) => string): Promise<Answer> {
  const path = one.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => choose(name));
  return here.admin.request(one.method, path, bodyOf(one));
}

/** The answer without what is of this one request. */
function said(answer: Answer): unknown {
  if (typeof answer.body === "string") return { status: answer.status, body: answer.body };
  const { request_id: _, ...rest } = answer.body as Problem;
  return rest;
}

async function revision(of: Furnished): Promise<number> {
  return (await of.admin.get<Org>(of.path)).revision;
}

test("A9_isolation: the contract names something of an organisation in most operations", () => {
  expect(cases.length).toBeGreaterThan(80);
});

describe("foreign identifiers", () => {
  test("A9_isolation: a foreign organisation or workspace is 404 to every operation", async () => {
    const before = await revision(there);
    for (const one of cases) {
      const answer = await ask(one, (name) => valueOf(there, one, name));
      expect(answer.status, `${one.operation.operationId}: ${answer.text}`).toBe(404);
      const root = one.names[0] ?? "";
      const unknown = await ask(one, (name) => name === root ? UNKNOWN : valueOf(there, one, name));
      expect(said(answer), one.operation.operationId).toEqual(said(unknown));
    }
    expect(await revision(there)).toBe(before);
  });

  test("A9_isolation: each identifier that alone is foreign is 404", async () => {
    const before = [await revision(here), await revision(there)];
    let tried = 0;
    for (const one of cases)
      for (const foreign of one.names.filter((name) => !WORDS.includes(name))) {
        const what = `${one.operation.operationId} with a foreign ${foreign}`;
        const pick = (name: string): string =>
          valueOf(name === foreign ? there : here, one, name);
        const answer = await ask(one, pick);
        expect(answer.status, `${what}: ${answer.text}`).toBe(404);
        const nothing = foreign === "scope" ? "no:such" : UNKNOWN;
        const unknown = await ask(one, (name) => (name === foreign ? nothing : pick(name)));
        expect(said(answer), what).toEqual(said(unknown));
        tried++;
      }
    expect(tried).toBeGreaterThan(cases.length);
    expect([await revision(here), await revision(there)]).toEqual(before);
  });

  test("A9_isolation: foreign identifiers inside a request are unknown too", async () => {
    const { ids, path } = here;
    const foreign = there.ids;
    const at = `/api/workspaces/${ids["workspace"]}`;
    const name = (): { name: string } => ({ name: unique("planted") });
    const org = { kind: "organisation", id: ids["org"] };
    const member = { kind: "principal", id: ids["member"] };
    const email = { email: "planted@example.com" };
    const grant = { holder: member, role: "admin", node: org };
    const rail = { ...name(), node: org, permissions: ["messages:send"] };
    const role = { ...name(), kinds: ["member"], exercises: ["iam:groups:read"] };
    const theirs: Record<string, unknown> = {
      workspace: { kind: "workspace", id: foreign["workspace"] },
      organisation: { kind: "organisation", id: foreign["org"] },
      resource_group: { kind: "resource_group", id: foreign["resource_group"] },
    };
    const requests: [Method, string, unknown][] = [
      ["PATCH", path, { creator_role: foreign["role"] }],
      ["PUT", `${path}/defaults/api_key`, { role: foreign["role"], ceiling_role: null }],
      ["PUT", `${path}/defaults/api_key`, { role: null, ceiling_role: foreign["role"] }],
      ["POST", `${path}/workspaces`, { ...name(), owner: foreign["member"] }],
      ["POST", `${path}/members`, { ...email, roles: [foreign["role"]] }],
      ["POST", `${path}/members`, { ...email, groups: [foreign["group"]] }],
      ["POST", `${path}/api-keys`, { ...name(), roles: [foreign["role"]] }],
      ["POST", `${path}/api-keys`, { ...name(), groups: [foreign["group"]] }],
      ["POST", `${path}/service-accounts`, { ...name(), groups: [foreign["group"]] }],
      ["PUT", `${path}/api-keys/by-name/planted`, { roles: [foreign["role"]] }],
      ["POST", `${at}/end-users`, { ...email, roles: [foreign["role"]] }],
      ["POST", `${at}/clients`, { ...name(), roles: [foreign["role"]] }],
      ["POST", `${at}/gateways`, { ...name(), groups: [foreign["resource_group"]] }],
      ["POST", `${at}/devices`, { ...name(), groups: [foreign["resource_group"]] }],
      ["POST", `${at}/resources`,
        { type: "hybrid_site", id: "planted", groups: [foreign["resource_group"]] }],
      ["PUT", `${path}/principals/${ids["member"]}/reach`,
        { confined: true, groups: [foreign["resource_group"]] }],
      ["POST", `${path}/grants`, { ...grant, role: foreign["role"] }],
      ["POST", `${path}/grants`, { ...grant, holder: { ...member, id: foreign["member"] } }],
      ["POST", `${path}/grants`, { ...grant, holder: { kind: "group", id: foreign["group"] } }],
      ["POST", `${path}/roles`, { ...role, workspace: foreign["workspace"] }],
      ...Object.values(theirs).flatMap((node): [Method, string, unknown][] => [
        ["POST", `${path}/grants`, { ...grant, node }],
        ["POST", `${path}/guardrails`, { ...rail, node }],
        ["PUT", `${path}/guardrails/${ids["guardrail"]}`, { ...rail, node }],
      ]),
    ];
    const before = [await revision(here), await revision(there)];
    for (const [method, where, body] of requests) {
      const answer = await here.admin.request(method, where, body);
      expect(answer.status, `${method} ${where} ${JSON.stringify(body)}: ${answer.text}`).toBe(404);
    }
    expect([await revision(here), await revision(there)]).toEqual(before);
  });

  test("A9_isolation: lists and filters never show what is foreign", async () => {
    const needles = [...Object.values(there.ids), there.org.name];
    const lists = cases.filter(({ method, operation }) =>
      method === "GET" && operation["x-door"] === undefined);
    for (const one of lists) {
      const answer = await ask(one, (name) => valueOf(here, one, name));
      expect(answer.status, `${one.operation.operationId}: ${answer.text}`).toBe(200);
      for (const needle of needles) expect(answer.text).not.toContain(needle);
    }
    const filters = {
      principals: ["group", "role", "workspace"], grants: ["holder", "role", "node"],
      roles: ["workspace"], permissions: ["workspace"], records: ["actor", "subject"],
    };
    const values: Record<string, string> = {
      holder: "member", node: "workspace", actor: "member", subject: "group",
    };
    for (const [list, names] of Object.entries(filters))
      for (const name of names) {
        const value = there.ids[values[name] ?? name];
        const found = await here.admin.request<{ items: unknown[] }>(
          "GET", `${here.path}/${list}?${name}=${value}`);
        if (found.status !== 404) expect(found.body.items, `${list}?${name}=`).toEqual([]);
      }
    const self = await here.admin.request("GET", "/api/self");
    expect(self.text).toContain(here.org.id);
    expect(self.text).not.toContain(there.org.id);
  });

  test("A9_isolation: decisions know nobody and nothing of another organisation", async () => {
    const read = { name: "iam:groups:read" };
    const own = { type: "organisation", id: here.org.id };
    const foreignOrg = { type: "organisation", id: there.org.id };
    const member = { type: "member", id: there.ids["member"] ?? "" };
    expect(await there.admin.decide({ subject: member, action: read, resource: foreignOrg }))
      .toMatchObject({ decision: true });
    const mine = { type: "member", id: here.ids["member"] ?? "" };
    expect(await here.admin.decide({ subject: mine, action: read, resource: own }))
      .toMatchObject({ decision: true });
    const token = { type: "token", id: there.secret };
    const inside = { type: "workspace", id: there.ids["workspace"] ?? "" };
    for (const [subject, resource] of [
      [member, own], [member, foreignOrg], [mine, foreignOrg], [token, own], [token, foreignOrg],
      [mine, inside], [mine, { ...inside, properties: { workspace: inside.id } }],
    ] as const) {
      const decided: Decision = await here.admin.decide({ subject, action: read, resource });
      expect(decided.decision, JSON.stringify([subject, resource])).toBe(false);
    }
  });

  test("A9_isolation: the platform and its organisations are closed to a tenant", async () => {
    for (const below of ["", "/roles", "/records"]) {
      const answer = await here.admin.request("GET", `/api/orgs/platform${below}`);
      expectProblem(answer, 404, "organisation-not-found");
    }
    for (const [method, path, status, body] of [
      ["GET", "/api/orgs", 404, undefined],
      ["POST", "/api/orgs", 404, { name: unique("planted") }],
      ["DELETE", here.path, 403, undefined],
      ["PUT", `${here.path}/state`, 403, { state: "suspended" }],
    ] as const)
      expect((await here.admin.request(method, path, body)).status, path).toBe(status);
    // Nor does the operator hold anything inside.
    for (const inside of ["members", "roles", "api-keys", "grants", "records"]) {
      const answer = await server.operator.request("GET", `${here.path}/${inside}`);
      expect(answer.status, inside).toBe(403);
    }
  });

  test("A9_isolation: one person in two organisations is two members", async () => {
    const email = `${unique("both")}@example.com`;
    const draft = { email, name: "Both" };
    const [first, second] = [
      (await here.admin.post<{ principal: Principal }>(`${here.path}/members`, draft)).principal,
      (await there.admin.post<{ principal: Principal }>(`${there.path}/members`, draft)).principal,
    ];
    expect(first.id).not.toBe(second.id);
    await here.admin.delete(`${here.path}/members/${first.id}`);
    expect(await there.admin.get(`${there.path}/members/${second.id}`)).toEqual(second);
  });
});

describe("system roles", () => {
  test("A9_system_roles: no owner or operator replaces or deletes a system role", async () => {
    const everything = ["organisation-access", "communications-platform", "device-platform"];
    const tenant = await makeOrg(server, ...everything);
    const roles = await tenant.admin.list<Role>(`${tenant.path}/roles`);
    const system = roles.filter((role) => role.system);
    expect(system.length).toBeGreaterThan(10);
    expect(system.map((role) => role.name)).toContain("owner");
    for (const role of system) {
      const at = `${tenant.path}/roles/${role.id}`;
      const { name, kinds, exercises } = role;
      const draft = { name, kinds, exercises, title: "Mine" };
      const renamed = { ...draft, name: unique("mine") };
      for (const change of [draft, renamed, { ...draft, exercises: [] }])
        expectProblem(await tenant.admin.request("PUT", at, change), 409, "role-is-system");
      expectProblem(await tenant.admin.request("DELETE", at), 409, "role-is-system");
      expect((await server.operator.request("DELETE", at)).status).toBe(403);
    }
    expect(await tenant.admin.list<Role>(`${tenant.path}/roles`)).toEqual(roles);
  });
});
