// What others keep about end-users and clients: any JSON, by key.
import { beforeAll, describe, expect, test } from "vitest";
import { type Api, expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import {
  give, makeInWorkspace, makeMachine, makeOrg, makeRole, makeWorkspace, unique, workspaceNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Page, Principal, Record_, Workspace } from "./harness/types.ts";

const server = useServer();
let tenant: Tenant;
let workspace: Workspace;
let at: string;
let admin: Api;

interface Entry {
  key: string;
  value: unknown;
  changed: number;
}

async function as(role: string): Promise<Api> {
  const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
  await give(tenant, machine.principal, role, workspaceNode(workspace));
  return server.as(machine.secret);
}

beforeAll(async () => {
  tenant = await makeOrg(server, "sensor-workspace");
  workspace = await makeWorkspace(tenant);
  at = `/api/workspaces/${workspace.id}`;
  admin = await as("sensor_admin");
});

/** Somebody with metadata, and where it stands. */
type Owner = () => Promise<{ principal: Principal; path: string }>;
const endUser: Owner = async () => {
  const email = `${unique("Ann.O'Neil+x")}@Example.com`;
  const { principal } = await makeInWorkspace(tenant, workspace, "end-users", { email });
  return { principal, path: `${at}/end-users/${encodeURIComponent(email)}/metadata` };
};
const client: Owner = async () => {
  const { principal } = await makeInWorkspace(tenant, workspace, "clients");
  return { principal, path: `${at}/clients/${principal.id}/metadata` };
};
const BOTH: [string, string, Owner][] =
  [["E11_metadata", "an end-user", endUser], ["E13_metadata", "a client", client]];

const VALUES: unknown[] = [
  { site: "Süd", floor: 3, tags: ["a", "b"], nested: { deep: [null, true, 1.5] } },
  "text", "", 0, -1.25, true, false, null, [], {}, ["x", ["y", ["z"]]],
  "x".repeat(64 * 1024 - 2),
  Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])),
];

describe.each(BOTH)("%s", (id, what, make) => {
  test(`${id}: any JSON is set for ${what}, read, replaced and deleted`, async () => {
    const { path } = await make();
    const one = `${path}/ingest_context`;
    for (const value of VALUES) {
      const set = await admin.request("PUT", one, JSON.stringify(value));
      expect([set.status, set.text]).toEqual([204, ""]);
      const got = await admin.request("GET", one);
      expect(got.body).toEqual(value);
      expect(got.headers.get("etag")).toBe(set.headers.get("etag"));
      expect(got.headers.get("content-type")).toMatch(/^application\/json/);
    }
    await admin.delete(one);
    expectProblem(await admin.request("GET", one), 404, "metadata-not-found");
    expectProblem(await admin.request("DELETE", one), 404, "metadata-not-found");
    expect(await admin.list(path, 25)).toEqual([]);
  });

  test(`${id}: keys are texts, listed in pages with their values`, async () => {
    const { path } = await make();
    const keys = ["plain", "with blank", "sl/ash", "per%cent", "Ünïcode", "a?b&c=d",
      "x".repeat(128)];
    for (const key of keys) await admin.put(`${path}/${encodeURIComponent(key)}`, { key });
    const listed = await admin.list<Entry>(path, 2);
    expect(listed.map(({ key, value }) => ({ key, value })))
      .toEqual(keys.map((key) => ({ key, value: { key } })));
    for (const key of ["x".repeat(129), "\u0000", "line\nfeed"])
      expect((await admin.request("PUT", `${path}/${encodeURIComponent(key)}`, 1)).status, key)
        .toBe(400);
    expect(await admin.list(path, 25)).toEqual(listed);
    const first = await admin.get<Page<Entry>>(`${path}?q=per`);
    expect(first.items.map((entry) => entry.key)).toEqual(["per%cent"]);
    expectProblem(await admin.request("GET", `${path}?limit=26`), 400);
  });

  test(`${id}: too much of it is refused, and malformed JSON`, async () => {
    const { path } = await make();
    const one = `${path}/key`;
    await admin.put(one, '"before"');
    expectProblem(await admin.request("PUT", one, JSON.stringify("x".repeat(64 * 1024))), 413);
    for (const text of ["{", "[1,]", "nul", "{\"a\":1,\"a\":2}", "1 2", "\"\\ud800\"",
      "[".repeat(40) + "]".repeat(40)])
      expect((await admin.request("PUT", one, text)).status, text).toBe(400);
    expectProblem(await admin.request("PUT", one), 400);
    expect(await admin.get(one)).toBe("before");
    for (let i = 1; i < 256; i++) await admin.put(`${path}/key${i}`, i);
    expectProblem(await admin.request("PUT", `${path}/one-more`, 1), 409, "too-many-metadata");
    await admin.put(one, '"after"');
    await admin.delete(`${path}/key1`);
    await admin.put(`${path}/one-more`, 1);
  });

  test(`${id}: two who edit do not undo each other, the same again is no change`, async () => {
    const { path } = await make();
    const one = `${path}/key`;
    const etag = (await admin.request("PUT", one, { a: 1 })).headers.get("etag") ?? "";
    expect((await admin.request("PUT", one, { a: 1 })).headers.get("etag")).toBe(etag);
    await admin.put(one, { a: 2 });
    for (const method of ["PUT", "DELETE"] as const)
      expect((await admin.request(method, one, method === "PUT" ? { a: 3 } : undefined,
        { "if-match": etag })).status).toBe(412);
    expect(await admin.get(one)).toEqual({ a: 2 });
  });

  test(`${id}: records tell that it was changed, by whom, and not to what`, async () => {
    const { principal, path } = await make();
    await admin.put(`${path}/key`, { colour: "crimson-1" });
    await admin.put(`${path}/key`, { colour: "crimson-2" });
    await admin.delete(`${path}/key`);
    const records = await tenant.admin.list<Record_>(
      `${tenant.path}/records?subject=${principal.id}&action=metadata.`);
    expect(records.map((one) => one.action))
      .toEqual(["metadata.delete", "metadata.update", "metadata.create"]);
    const [gone, changed, made] = records;
    expect([made?.before, gone?.after]).toEqual([null, null]);
    expect(changed?.before).toEqual(made?.after);
    expect(changed?.after).toMatchObject({ key: "key", bytes: '{"colour":"crimson-2"}'.length });
    expect(changed?.after).not.toEqual(changed?.before);
    expect(JSON.stringify(records)).not.toContain("crimson");
  });

  test(`${id}: it goes with ${what}`, async () => {
    const { principal, path } = await make();
    await admin.put(`${path}/key`, 1);
    const owner = path.slice(0, path.lastIndexOf("/metadata"));
    await admin.delete(`${owner.slice(0, owner.lastIndexOf("/"))}/${principal.id}`);
    expectProblem(await admin.request("GET", `${path}/key`), 404, "principal-not-found");
    expectProblem(await admin.request("PUT", `${path}/key`, 2), 404, "principal-not-found");
    if (principal.email !== null) {
      await admin.post(`${at}/end-users`, { email: principal.email });
      expect(await admin.list(path, 25)).toEqual([]);
    }
  });

  test(`${id}: E15_roles: an Admin changes it, an Editor and a Viewer read it`, async () => {
    const { path } = await make();
    const one = `${path}/key`;
    await admin.put(one, '"set"');
    for (const role of ["sensor_editor", "sensor_viewer"]) {
      const caller = await as(role);
      expect(await caller.get(one)).toBe("set");
      expect(await caller.list<Entry>(path, 25)).toHaveLength(1);
      expectForbidden(await caller.request("PUT", one, '"other"'), "iam:metadata:update");
      expectForbidden(await caller.request("DELETE", one), "iam:metadata:delete");
    }
    expect(await admin.get(one)).toBe("set");
  });

  test(`${id}: an external worker with that one permission writes it, here alone`, async () => {
    const { path } = await make();
    const role = await makeRole(tenant, ["iam:workspaces:read", "iam:metadata:update"]);
    const worker = await as(role.name);
    await worker.put(`${path}/key`, '"by worker"');
    expect(await admin.get(`${path}/key`)).toBe("by worker");
    expectForbidden(await worker.request("GET", `${path}/key`), "iam:metadata:read");
    const other = await makeWorkspace(tenant);
    const elsewhere = path.replace(workspace.id, other.id);
    expectProblem(await worker.request("PUT", `${elsewhere}/key`, 1), 404);
    expectProblem(await tenant.admin.request("PUT", `${elsewhere}/key`, 1), 404,
      "principal-not-found");
  });
});

test("E11_metadata: the address is the same in any case, and the identifier will do", async () => {
  const email = `${unique("Ann")}@Example.com`;
  const { principal } = await makeInWorkspace(tenant, workspace, "end-users", { email });
  const of = (who: string) => `${at}/end-users/${encodeURIComponent(who)}/metadata/key`;
  await admin.put(of(email), '"one"');
  for (const who of [email.toLowerCase(), email.toUpperCase(), principal.id])
    expect(await admin.get(of(who))).toBe("one");
  // Unescaped, as people type it.
  expect(await admin.get(`${at}/end-users/${email}/metadata/key`)).toBe("one");
  for (const who of ["nobody@example.com", "nobody", "a@b@c", "@@@"])
    expectProblem(await admin.request("GET", of(who)), 404, "principal-not-found");
});

test("E11_metadata: an end-user of the same address elsewhere has its own", async () => {
  const email = `${unique("two")}@example.com`;
  const other = await makeWorkspace(tenant);
  for (const place of [workspace, other]) {
    await makeInWorkspace(tenant, place, "end-users", { email });
    await tenant.admin.put(`/api/workspaces/${place.id}/end-users/${email}/metadata/where`,
      JSON.stringify(place.name));
  }
  expect(await admin.get(`${at}/end-users/${email}/metadata/where`)).toBe(workspace.name);
});

test("E13_metadata: what is asked as a client has to be one", async () => {
  const { principal } = await endUser();
  expectProblem(await admin.request("GET", `${at}/clients/${principal.id}/metadata/key`), 404,
    "principal-not-found");
  const of = await client();
  expectProblem(await admin.request("GET", `${at}/end-users/${of.principal.id}/metadata/key`),
    404, "principal-not-found");
});
