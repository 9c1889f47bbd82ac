// A6: API keys with several credentials each, rotated with an overlap; secrets are shown once.
import { beforeAll, expect, test } from "vitest";
import { may } from "./harness/access.ts";
import { expectForbidden, expectProblem, type Api, type Tenant } from "./harness/api.ts";
import {
  give, makeGroup, makeInWorkspace, makeMachine, makeMember, makeOrg, makeRole, makeWorkspace,
  unique,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Credential, Page, Principal, PrincipalCreated, Role } from "./harness/types.ts";
import { until } from "./harness/until.ts";

interface Issued {
  credential: Credential;
  secret: string;
}

const server = useServer();
const DAY_US = 86_400_000_000n;
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
});

function credentialsOf(principal: Principal): string {
  return `${tenant.path}/principals/${principal.id}/credentials`;
}

function issue(principal: Principal, draft: object = {}): Promise<Issued> {
  return tenant.admin.post<Issued>(credentialsOf(principal), { name: unique("c"), ...draft });
}

async function works(secret: string): Promise<boolean> {
  const answer = await server.as(secret).request("GET", "/api/self");
  if (answer.status !== 200) expectProblem(answer, 401, "unauthenticated");
  return answer.status === 200;
}

async function credentials(principal: Principal, by = tenant.admin): Promise<Credential[]> {
  return (await by.get<Page<Credential>>(credentialsOf(principal))).items;
}

async function shown(principal: Principal, id: string): Promise<Credential | undefined> {
  return (await credentials(principal)).find((one) => one.id === id);
}

test("A6_keys: a key is created, calls as itself, is shown, changed and deleted", async () => {
  const name = unique("integration");
  const made = await tenant.admin.post<PrincipalCreated>(
    `${tenant.path}/api-keys`, { name, description: "for the ERP" });
  expect(made.principal).toMatchObject({
    kind: "api_key", name, state: "active", expires_at: null,
  });
  expect(made.secret).toMatch(/^twk_[A-Za-z0-9_-]{40,}$/);
  expect(made.credential).toMatchObject({
    principal: made.principal.id, state: "active", last_used_at: null, rotation_due: false,
  });
  const self = await server.as(made.secret).get<Record<string, unknown>>("/api/self");
  expect(self).toMatchObject({
    id: made.principal.id, kind: "api_key", name, credential: made.credential?.id,
    organisation: { id: tenant.org.id }, roles: [],
  });
  const at = `${tenant.path}/api-keys/${made.principal.id}`;
  expect(await tenant.admin.get(at)).toEqual(made.principal);
  const listed = await tenant.admin.list<Principal>(`${tenant.path}/api-keys?q=${name}`);
  expect(listed).toEqual([made.principal]);
  const changed = await tenant.admin.patch<Principal>(at, { description: "other" });
  expect(changed).toMatchObject({ name, description: "other" });
  expectProblem(await tenant.admin.request("PATCH", at, { description: "late" },
    { "if-match": `"${made.principal.changed}"` }), 412);
  await tenant.admin.delete(at);
  expectProblem(await tenant.admin.request("GET", at), 404, "principal-not-found");
  expect(await works(made.secret ?? "")).toBe(false);
});

test("A6_keys: a bad or taken name, a past expiry and unknown roles make no key", async () => {
  const at = `${tenant.path}/api-keys`;
  const key = await makeMachine(tenant, "api-keys");
  const before = (await tenant.admin.list(at)).length;
  for (const draft of [
    {}, { name: "" }, { name: " x" }, { name: "a\nb" }, { name: "x".repeat(129) },
    { name: "ok", expires_at: "2020-01-01T00:00:00Z" }, { name: "ok", expires_at: "soon" },
    { name: "ok", secret: "mine" },
  ])
    expectProblem(await tenant.admin.request("POST", at, draft), 400);
  const taken = { name: key.principal.name };
  expectProblem(await tenant.admin.request("POST", at, taken), 409, "principal-exists");
  const unknown = { name: unique("k"), roles: ["no_such_role"] };
  expectProblem(await tenant.admin.request("POST", at, unknown), 404, "role-not-found");
  const people = await makeRole(tenant, ["iam:groups:read"], { kinds: ["member"] });
  const wrong = { name: unique("k"), roles: [people.id] };
  expectProblem(await tenant.admin.request("POST", at, wrong), 409, "role-not-for-kind");
  expect(await tenant.admin.list(at)).toHaveLength(before);
});

test("A6_keys: roles are given to a key, act at once, and are taken back", async () => {
  const role = await makeRole(tenant, ["iam:groups:read"]);
  const key = await makeMachine(tenant, "api-keys", { roles: [role.name] });
  const calls = server.as(key.secret);
  await calls.get(`${tenant.path}/groups`);
  const more = await give(tenant, key.principal, (await makeRole(tenant, ["iam:roles:read"])).id);
  await calls.get(`${tenant.path}/roles`);
  await tenant.admin.delete(`${tenant.path}/grants/${more.id}`);
  expectForbidden(await calls.request("GET", `${tenant.path}/roles`), "iam:roles:read");
  await calls.get(`${tenant.path}/groups`);
});

test("A6_keys: several credentials each; revoking one leaves its siblings working", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const second = await issue(key.principal, { name: "second" });
  const third = await issue(key.principal);
  const secrets = [key.secret, second.secret, third.secret];
  expect(new Set(secrets).size).toBe(3);
  for (const secret of secrets) expect(await works(secret)).toBe(true);
  const all = await credentials(key.principal);
  expect(all.map((one) => one.id).toSorted())
    .toEqual([key.credential?.id, second.credential.id, third.credential.id].toSorted());

  const at = `${credentialsOf(key.principal)}/${second.credential.id}`;
  await tenant.admin.delete(at);
  await tenant.admin.delete(at);
  expect(await Promise.all(secrets.map(works))).toEqual([true, false, true]);
  expect(await shown(key.principal, second.credential.id)).toMatchObject({
    state: "revoked", rotation_due: false,
  });
  // Of another principal it is not found, even by who may do everything.
  const other = await makeMachine(tenant, "api-keys");
  const astray = `${credentialsOf(other.principal)}/${third.credential.id}`;
  expectProblem(await tenant.admin.request("DELETE", astray), 404, "credential-not-found");
  expect(await works(third.secret)).toBe(true);
});

test("A6_keys: rotation overlaps for the stated time, then the old secret is dead", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const next = await issue(key.principal, { retire_others_after_s: 3600 });
  expect(await Promise.all([key.secret, next.secret].map(works))).toEqual([true, true]);
  const old = await shown(key.principal, key.credential?.id ?? "");
  const leftMs = Date.parse(old?.expires_at ?? "") - Date.parse(next.credential.created_at);
  expect(leftMs).toBe(3_600_000);
  expect((await shown(key.principal, next.credential.id))?.expires_at).toBeNull();
  // The old one can be ended early, alone.
  await tenant.admin.delete(`${credentialsOf(key.principal)}/${old?.id}`);
  expect(await Promise.all([key.secret, next.secret].map(works))).toEqual([false, true]);

  const newest = await issue(key.principal, { retire_others_after_s: 1 });
  await until("the overlap to end", async () => !(await works(next.secret)));
  const now = await issue(key.principal, { retire_others_after_s: 0 });
  expect(await Promise.all([newest.secret, now.secret].map(works))).toEqual([false, true]);
});

test("A6_keys: a rotation never lengthens the life of what ends sooner", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const soon = new Date(Date.now() + 600_000).toISOString();
  const short = await issue(key.principal, { expires_at: soon });
  await issue(key.principal, { retire_others_after_s: 86_400 });
  const kept = await shown(key.principal, short.credential.id);
  expect(Date.parse(kept?.expires_at ?? "")).toBe(Date.parse(soon));
  expectProblem(await tenant.admin.request("POST", credentialsOf(key.principal),
    { name: "past", expires_at: "2020-01-01T00:00:00Z" }), 400, "expiry-passed");
  expectProblem(await tenant.admin.request("POST", credentialsOf(key.principal),
    { name: "negative", retire_others_after_s: -1 }), 400);
});

test("A6_keys: key and credential each have a state and an expiry, and both count", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const at = `${tenant.path}/api-keys/${key.principal.id}`;
  await tenant.admin.patch(at, { state: "suspended" });
  expect(await works(key.secret)).toBe(false);
  expect(await shown(key.principal, key.credential?.id ?? "")).toMatchObject({ state: "active" });
  await tenant.admin.patch(at, { state: "active" });
  expect(await works(key.secret)).toBe(true);

  const soon = () => new Date(Date.now() + 1500).toISOString();
  const brief = await issue(key.principal, { expires_at: soon() });
  expect(await works(brief.secret)).toBe(true);
  await until("the credential to end", async () => !(await works(brief.secret)));
  expect(await works(key.secret)).toBe(true);
  await tenant.admin.patch(at, { expires_at: soon() });
  await until("the key to end", async () => !(await works(key.secret)));
});

test("A6_keys: a secret is refused in the same words whatever is wrong with it", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const gone = await makeMachine(tenant, "api-keys");
  await tenant.admin.delete(`${tenant.path}/api-keys/${gone.principal.id}`);
  const last = key.secret.at(-1) === "A" ? "B" : "A";
  const middle = key.secret[60] === "A" ? "B" : "A";
  const answers = [];
  for (const secret of [
    gone.secret, key.secret.slice(0, -1), key.secret.slice(0, -1) + last, `${key.secret}A`,
    key.secret.slice(0, 60) + middle + key.secret.slice(61), key.secret.replace("twk_", "tws_"),
    key.secret.slice(4), key.secret.toUpperCase(), "twk_", "x",
  ]) {
    const answer = await server.as(secret).request("GET", "/api/self");
    answers.push(expectProblem(answer, 401, "unauthenticated").detail);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
  }
  expect(new Set(answers).size).toBe(1);
  expect(await works(key.secret)).toBe(true);
});

test("A6_keys: age and last use are shown, with a reminder to rotate", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const unused = await issue(key.principal);
  const id = key.credential?.id ?? "";
  expect(await shown(key.principal, id)).toMatchObject({ last_used_at: null });
  await server.as(key.secret).get("/api/self");
  await server.stop();
  server.store.alter(`UPDATE credentials SET created_us = created_us - ${91n * DAY_US}`
    + ` WHERE credential = ${server.store.literal(unused.credential.id)}`);
  await server.start();
  const used = await shown(key.principal, id);
  expect(Math.abs(Date.now() - Date.parse(used?.last_used_at ?? ""))).toBeLessThan(600_000);
  expect(Math.abs(Date.now() - Date.parse(used?.created_at ?? ""))).toBeLessThan(600_000);
  expect(used).toMatchObject({ rotation_due: false });
  expect(await shown(key.principal, unused.credential.id))
    .toMatchObject({ rotation_due: true, last_used_at: null });
  // What is due is rotated, and is due no longer.
  const fresh = await issue(key.principal, { retire_others_after_s: 3600 });
  expect(fresh.credential).toMatchObject({ rotation_due: false });
});

test("A6_keys: issuing, seeing, revoking and rotating are permissions of their own", async () => {
  const account = (await makeMachine(tenant, "service-accounts")).principal;
  const at = credentialsOf(account);
  const holding = async (...permissions: string[]): Promise<Api> => {
    const role = await makeRole(tenant, permissions);
    return server.as((await makeMachine(tenant, "api-keys", { roles: [role.id] })).secret);
  };
  const [reader, issuer, rotator] = [
    await holding("iam:credentials:read"),
    await holding("iam:credentials:create"),
    await holding("iam:credentials:create", "iam:credentials:rotate"),
  ];
  const draft = { name: "new" };
  const rotation = { ...draft, retire_others_after_s: 60 };
  const [first] = await credentials(account, reader);
  expectForbidden(await reader.request("POST", at, draft), "iam:credentials:create");
  expectForbidden(
    await reader.request("DELETE", `${at}/${first?.id}`), "iam:credentials:delete");
  expectForbidden(await issuer.request("GET", at), "iam:credentials:read");
  await issuer.post(at, draft);
  expectForbidden(await issuer.request("POST", at, rotation), "iam:credentials:rotate");
  expect((await credentials(account, reader)).every((one) => one.expires_at === null)).toBe(true);
  await rotator.post(at, rotation);
  const keys = `${tenant.path}/api-keys`;
  expectForbidden(await issuer.request("GET", keys), "iam:api_keys:read");
  expectForbidden(await issuer.request("POST", keys, draft), "iam:api_keys:create");
});

test("A6_keys: nobody gets a secret of a machine that carries more than he may give", async () => {
  const role = await makeRole(tenant, [
    "iam:credentials:create", "iam:credentials:rotate", "iam:credentials:delete",
    "iam:service_accounts:update",
  ]);
  const calls = server.as((await makeMachine(tenant, "api-keys", { roles: [role.id] })).secret);
  const strong = await makeMachine(tenant, "service-accounts", { roles: ["owner"] });
  const grouped = await makeMachine(tenant, "service-accounts");
  const group = await makeGroup(tenant, grouped.principal);
  await give(tenant, group, (await makeRole(tenant, ["iam:orgs:update"])).id);
  for (const { principal } of [strong, grouped]) {
    const before = await credentials(principal);
    for (const draft of [{ name: "mine" }, { name: "mine", retire_others_after_s: 0 }])
      expectForbidden(await calls.request("POST", credentialsOf(principal), draft),
        undefined, "may-not-give");
    expect(await credentials(principal)).toEqual(before);
  }
  // Nor by bringing back what was put to sleep.
  const at = `${tenant.path}/service-accounts/${strong.principal.id}`;
  await tenant.admin.patch(at, { state: "suspended" });
  expectForbidden(await calls.request("PATCH", at, { state: "active" }), undefined, "may-not-give");
  expect(await works(strong.secret)).toBe(false);
});

test("A6_keys: live credentials are bounded in number, and people have none", async () => {
  const key = await makeMachine(tenant, "api-keys");
  const at = credentialsOf(key.principal);
  for (let live = 1; live < 16; live++) await issue(key.principal);
  const last = await tenant.admin.request("POST", at, { name: "17" });
  expectProblem(last, 409, "too-many-credentials");
  await tenant.admin.delete(`${at}/${key.credential?.id}`);
  await issue(key.principal);
  const member = await makeMember(tenant);
  expectProblem(await tenant.admin.request("POST", credentialsOf(member), { name: "mine" }),
    409, "kind-has-no-secret");
  expect(await may(tenant, member, "iam:groups:read")).toBe(false);
});

test("A6_keys: a secret is in one answer, and in no list, record, log or store", async () => {
  const own = await makeOrg(server);
  const workspace = await makeWorkspace(own);
  const role = await own.admin.post<Role>(`${own.path}/roles`, {
    name: unique("r"), kinds: ["api_key"], exercises: ["iam:groups:read"],
  });
  const key = await makeMachine(own, "api-keys", { name: "needle-in-the-store", roles: [role.id] });
  const issued = `${own.path}/principals/${key.principal.id}/credentials`;
  const put = await own.admin.put<PrincipalCreated>(`${own.path}/api-keys/by-name/put-key`, {});
  const made: (string | undefined)[] = [
    key.secret,
    (await own.admin.post<Issued>(issued, { name: "two" })).secret,
    (await own.admin.post<Issued>(issued, { name: "three", retire_others_after_s: 60 })).secret,
    (await makeMachine(own, "service-accounts")).secret,
    put.secret,
    (await makeInWorkspace(own, workspace, "gateways")).secret,
    (await makeInWorkspace(own, workspace, "devices")).secret,
  ];
  const secrets = made.map((secret) => secret ?? "");
  for (const secret of secrets) {
    expect(secret).toMatch(/^tw[ksd]_/);
    expect(await works(secret)).toBe(true);
  }
  await own.admin.put(`${own.path}/api-keys/by-name/put-key`, { description: "again" });
  await own.admin.patch(`${own.path}/api-keys/${key.principal.id}`, { description: "changed" });

  // The 256 random bits: after the organisation and the credential, before the checksum.
  const randoms = secrets.map((secret) =>
    Buffer.from(secret.slice(4), "base64url").subarray(32, 64));
  const texts = [
    ...secrets.map((secret) => secret.slice(50)), ...randoms.map((bytes) => bytes.toString("hex")),
  ];
  const answers: string[] = [];
  const self = await server.as(key.secret).request("GET", "/api/self");
  answers.push(self.text);
  for (const path of [
    `${own.path}/api-keys`, `${own.path}/api-keys/${key.principal.id}`, `${own.path}/principals`,
    `${own.path}/principals/${key.principal.id}`, issued, `${own.path}/service-accounts`,
    `${own.path}/principals/${key.principal.id}/access`, `${own.path}/records?limit=200`,
    `/api/workspaces/${workspace.id}/gateways`, `/api/workspaces/${workspace.id}/devices`,
  ])
    answers.push((await own.admin.request("GET", path)).text);
  expect(answers.join()).toContain("needle-in-the-store");
  expect(answers.join()).toContain("credentials.create");
  expect(answers.join()).not.toMatch(/"(secret|pepper)":/);
  for (const text of texts) expect(answers.join()).not.toContain(text);

  const store = server.store.contents();
  const log = JSON.stringify(server.log);
  expect(store.some((file) => file.includes("needle-in-the-store"))).toBe(true);
  for (const needle of [...texts, ...randoms])
    for (const file of store) expect(file.includes(needle)).toBe(false);
  for (const text of texts) expect(log).not.toContain(text);
});
