// R1: a change that nobody knows the outcome of can be repeated with its Idempotency-Key.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Api, expectProblem, type Tenant } from "./harness/api.ts";
import { ENGINE, Store } from "./harness/binary.ts";
import { CuttingProxy } from "./harness/cutting_proxy.ts";
import { makeGroup, makeMachine, makeOrg, makeRole, makeWorkspace, unique }
  from "./harness/make.ts";
import { clientToken, makeIssuer, makeMachineClient } from "./harness/oauth.ts";
import { raw } from "./harness/raw.ts";
import { Server, useServer } from "./harness/server.ts";
import type { Group, Principal, PrincipalCreated, Record_ } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const server = useServer();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
});

function post<T>(
  path: string, body: unknown, key: string, by: Api = tenant.admin,
): Promise<Answer<T>> {
  return by.request<T>("POST", path, body, { "idempotency-key": key });
}

function postGroup(name: string, key: string, by = tenant.admin): Promise<Answer<Group>> {
  return post<Group>(`${tenant.path}/groups`, { name }, key, by);
}

/** Everything of an answer that must not differ. */
function told({ status, headers, text }: Answer): unknown {
  const kept = ["content-type", "etag", "location", "thingward-revision", "cache-control"];
  return { status, text, headers: kept.map((name) => headers.get(name)) };
}

async function count(list: string, name: string): Promise<number> {
  return (await tenant.admin.list<{ name: string }>(`${tenant.path}/${list}?q=${name}`)).length;
}

async function recordsOf(subject: string): Promise<number> {
  return (await tenant.admin.list<Record_>(`${tenant.path}/records?subject=${subject}`)).length;
}

test("R1_a change that is repeated with its key is done once and answered alike", async () => {
  const key = randomUUID();
  const draft = { name: unique("key") };
  const first = await post<PrincipalCreated>(`${tenant.path}/api-keys`, draft, key);
  expect(first.status).toBe(201);
  const between = await makeGroup(tenant);
  const again = await post<PrincipalCreated>(`${tenant.path}/api-keys`, draft, key);
  expect(told(again)).toEqual(told(first));
  expect(await count("api-keys", draft.name)).toBe(1);
  expect(await recordsOf(first.body.principal.id)).toBe(1);
  const self = await server.as(again.body.secret).get<{ id: string }>("/api/self");
  expect(self.id).toBe(first.body.principal.id);
  expect(again.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
  expect(await recordsOf(between.id)).toBe(1);
});

test("R1_every kind of thing that is made takes a key", async () => {
  const workspace = await makeWorkspace(tenant);
  const at = `/api/workspaces/${workspace.id}`;
  const group = await makeGroup(tenant);
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const machine = await makeMachine(tenant, "service-accounts");
  const made: [string, object][] = [
    [`${tenant.path}/workspaces`, { name: unique("ws") }],
    [`${tenant.path}/members`, { email: `${unique("a")}@example.com` }],
    [`${tenant.path}/service-accounts`, { name: unique("sa") }],
    [`${tenant.path}/roles`, { name: unique("role"), kinds: ["member"], exercises: [] }],
    [`${tenant.path}/grants`, {
      holder: { kind: "group", id: group.id }, role: role.name,
      node: { kind: "organisation", id: tenant.org.id },
    }],
    [`${tenant.path}/principals/${machine.principal.id}/credentials`, { name: "more" }],
    [`${at}/devices`, { name: unique("d"), id: unique("d") }],
    [`${at}/resource-groups`, { name: unique("rg") }],
    [`${at}/scopes`, { name: `${unique("data")}:read`, description: "" }],
  ];
  for (const [path, body] of made) {
    const key = unique("key");
    const first = await post(path, body, key);
    expect(first.status, `${path}: ${first.text}`).toBe(201);
    expect(told(await post(path, body, key)), path).toEqual(told(first));
  }
  const key = unique("key");
  const org = { name: unique("org"), first_key: { name: "first" } };
  const first = await post("/api/orgs", org, key, server.operator);
  expect(first.status, first.text).toBe(201);
  expect(told(await post("/api/orgs", org, key, server.operator))).toEqual(told(first));
});

test("R1_a key that came with another request is refused", async () => {
  const key = unique("key");
  const name = unique("group");
  expect((await postGroup(name, key)).status).toBe(201);
  expectProblem(await postGroup(unique("group"), key), 409, "idempotency-key-reused");
  expectProblem(await post(`${tenant.path}/groups`, { name, description: "more" }, key),
    409, "idempotency-key-reused");
  expectProblem(await post(`${tenant.path}/api-keys`, { name }, key),
    409, "idempotency-key-reused");
  expect(await count("api-keys", name)).toBe(0);
  expect((await postGroup(name, key)).status).toBe(201);
});

test("R1_a key is the caller's own", async () => {
  const key = unique("key");
  const other = await makeMachine(tenant, "api-keys", { roles: ["owner"] });
  const [mine, its] = [unique("group"), unique("group")];
  const first = await postGroup(mine, key);
  expect((await postGroup(its, key, server.as(other.secret))).status).toBe(201);
  expect(told(await postGroup(mine, key))).toEqual(told(first));
  expectProblem(await postGroup(mine, unique("key"), server.as(other.secret)), 409);
  const elsewhere = await makeOrg(server);
  const there = await post(`${elsewhere.path}/groups`, { name: mine }, key, elsewhere.admin);
  expect(there.status).toBe(201);
  expect(there.text).not.toBe(first.text);
});

test("R1_a refusal is not kept", async () => {
  const key = unique("key");
  const taken = await makeGroup(tenant);
  expectProblem(await postGroup(taken.name, key), 409, "group-name-taken");
  await tenant.admin.delete(`${tenant.path}/groups/${taken.id}`);
  const first = await postGroup(taken.name, key);
  expect(first.status).toBe(201);
  expect(told(await postGroup(taken.name, key))).toEqual(told(first));
});

test("R1_of many at once with one key one is done, and all are told of it", async () => {
  const key = unique("key");
  const name = unique("group");
  const answers = await Promise.all(Array.from({ length: 30 }, () => postGroup(name, key)));
  expect(answers[0]?.status).toBe(201);
  for (const answer of answers) expect(told(answer)).toEqual(told(answers[0] as Answer));
  expect(await count("groups", name)).toBe(1);
});

test("R1_a key has 1 to 255 visible characters, and stands once", async () => {
  for (const key of ["", " ", "a b", "x".repeat(256), "schl\u00fcssel", "a\tb"]) {
    const answer = await postGroup(unique("group"), key);
    expectProblem(answer, 400, "invalid-idempotency-key");
  }
  for (const key of ["x", "!\"#~", "y".repeat(255)])
    expect((await postGroup(unique("group"), key)).status).toBe(201);
  const body = JSON.stringify({ name: unique("group") });
  const twice = await raw(server.port, [
    `POST ${tenant.path}/groups HTTP/1.1`, "Host: a", "Connection: close",
    `Authorization: Bearer ${tenant.admin.secret}`, "Content-Type: application/json",
    `Content-Length: ${body.length}`, "Idempotency-Key: a", "Idempotency-Key: b", "", body,
  ].join("\r\n"));
  expect(twice.statuses).toEqual([400]);
  expect(twice.text).toContain("invalid-idempotency-key");
});

test("R1_what is not made with POST takes no notice of a key", async () => {
  const group = await makeGroup(tenant);
  const at = `${tenant.path}/groups/${group.id}`;
  const headers = { "idempotency-key": "the same" };
  for (const name of [unique("a"), unique("b")]) {
    const answer = await tenant.admin.request<Group>("PATCH", at, { name }, headers);
    expect(answer.body.name).toBe(name);
  }
});

test("R1_who may no longer do it is still told what it was told, unless it is out", async () => {
  const key = unique("key");
  const role = await makeRole(tenant, ["iam:groups:create", "iam:groups:read"]);
  const machine = await makeMachine(tenant, "api-keys", { roles: [role.name] });
  const its = server.as(machine.secret);
  const name = unique("group");
  const first = await postGroup(name, key, its);
  expect(first.status).toBe(201);
  const grants = await tenant.admin.list<{ id: string }>(
    `${tenant.path}/grants?holder=${machine.principal.id}`);
  for (const grant of grants) await tenant.admin.delete(`${tenant.path}/grants/${grant.id}`);
  expectProblem(await postGroup(unique("group"), unique("key"), its), 403);
  expect(told(await postGroup(name, key, its))).toEqual(told(first));
  await tenant.admin.delete(`${tenant.path}/api-keys/${machine.principal.id}`);
  expectProblem(await postGroup(name, key, its), 401, "unauthenticated");
});

test("R1_a token is told what another was told only if it may the same", async () => {
  const issuer = await makeIssuer(server);
  const client = await makeMachineClient(issuer, "iam:devices:create", "iam:devices:read");
  const by = async (scope: string) =>
    server.as((await clientToken(issuer, client, scope)).access_token);
  const [key, name] = [unique("key"), unique("d")];
  const at = `/api/workspaces/${issuer.workspace.id}/devices`;
  const make = async (scope: string) => post(at, { name, id: name }, key, await by(scope));
  const first = await make("iam:devices:create");
  expect(first.status, first.text).toBe(201);
  expect(told(await make("iam:devices:create"))).toEqual(told(first));
  expectProblem(await make("iam:devices:read"), 409, "idempotency-key-reused");
});

test("R1_what no longer can be opened is not done again", async () => {
  const key = unique("key");
  const name = unique("group");
  expect((await postGroup(name, key)).status).toBe(201);
  await server.stop();
  server.store.alter("UPDATE idempotency SET answer = "
    + (ENGINE === "sqlite" ? "X'FF00'" : "'\\xFF00'::bytea"));
  await server.start();
  expectProblem(await postGroup(name, key), 409, "answer-lost");
  expect(await count("groups", name)).toBe(1);
});

test("R1_answers outlive the server, sealed, and go when they are too old", async () => {
  const key = unique("key");
  const draft = { name: unique("key") };
  const first = await post<PrincipalCreated>(`${tenant.path}/api-keys`, draft, key);
  await server.kill();
  await server.start();
  expect(told(await post(`${tenant.path}/api-keys`, draft, key))).toEqual(told(first));
  const secret = first.body.secret ?? "";
  expect(server.store.contents().some((file) => file.includes(secret))).toBe(false);

  const rows = () => Number(server.store.value("SELECT count(*) FROM idempotency"));
  expect(rows()).toBeGreaterThan(0);
  await server.stop();
  server.store.alter("UPDATE idempotency SET created_us = created_us - 86400000000");
  await server.start();
  const taken = await post(`${tenant.path}/api-keys`, draft, key);
  expectProblem(taken, 409);
  await until("old answers to be gone", () => rows() === 0);
}, 60_000);

test("R1_however many are too old, they go", async () => {
  const MANY = 21_000; // more than one round takes
  await postGroup(unique("group"), unique("key"));
  await server.stop();
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    + ` WHERE i < ${MANY})`;
  server.store.alter("INSERT INTO idempotency (org, principal, key_hash, request, status, etag,"
    + ` revision, answer, created_us) ${numbers} SELECT org, principal, ${server.store.randomId},`
    + " request, status, etag, revision, answer, 5 FROM n,"
    + " (SELECT * FROM idempotency LIMIT 1) AS one");
  await server.start();
  const old = () => Number(server.store.value(
    "SELECT count(*) FROM idempotency WHERE created_us = 5"));
  expect(old()).toBeGreaterThan(0);
  await until("old answers to be gone", () => old() === 0, 40_000);
}, 60_000);

describe.skipIf(ENGINE !== "postgres")("a commit whose answer is lost", () => {
  const LOST = /^store-(batch-refused|commit-unknown)$/;
  let proxy: CuttingProxy;
  let store: Store;
  let cut: Server;
  let there: Tenant;

  beforeAll(async () => {
    store = new Store();
    proxy = await CuttingProxy.start(store.url ?? "");
    cut = new Server({ store, args: ["--database", proxy.url], expectedErrors: LOST });
    await cut.start();
    there = await makeOrg(cut);
  }, 60_000);
  afterAll(async () => {
    await cut.finish();
    store.remove();
    await proxy.stop();
  });

  async function lose(path: string, body: unknown, key: string): Promise<void> {
    proxy.arm();
    const lost = await post(path, body, key, there.admin);
    proxy.disarm();
    expectProblem(lost, 503, "outcome-unknown");
    expect(lost.headers.get("retry-after")).toMatch(/^\d+$/);
  }

  test("R1_a change whose outcome is unknown is repeated safely, whatever it was", async () => {
    const at = `${there.path}/api-keys`;
    const [key, draft] = [unique("key"), { name: unique("done") }];
    await lose(at, draft, key);
    expect(proxy.cut).toBeGreaterThan(0);
    const again = await post<PrincipalCreated>(at, draft, key, there.admin);
    expect(again.status).toBe(201);
    expect(told(await post(at, draft, key, there.admin))).toEqual(told(again));
    const made = await there.admin.list<Principal>(`${at}?q=${draft.name}`);
    expect(made).toEqual([again.body.principal]);
    const self = await cut.as(again.body.secret).get<{ id: string }>("/api/self");
    expect(self.id).toBe(again.body.principal.id);
    expectProblem(await post(at, draft, unique("key"), there.admin), 409);
  });

  test("R1_a change that was cut before it was done is done by its repetition", async () => {
    store.alter("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
      + " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'");
    store.alter("CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON groups DEFERRABLE"
      + " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()");
    const at = `${there.path}/groups`;
    const [key, draft] = [unique("key"), { name: unique("undone") }];
    expectProblem(await post(at, draft, key, there.admin), 503, "outcome-unknown");
    store.alter("DROP TRIGGER cut ON groups");
    const again = await post<Group>(at, draft, key, there.admin);
    expect(again.status).toBe(201);
    expect(told(await post(at, draft, key, there.admin))).toEqual(told(again));
    expect(await there.admin.list<Group>(`${at}?q=${draft.name}`)).toEqual([again.body]);
  });
});
