// R2, B11: two nodes on one database behind HAProxy, as packaging/ shows it, while one goes away.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { ENGINE, operatorKey, Store } from "./harness/binary.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { freePort, HaProxy, has, type Reply } from "./harness/proxies.ts";
import { Server } from "./harness/server.ts";
import type { Group, Page, Record_ } from "./harness/types.ts";

const CLIENT = "127.0.0.5";
const WRITERS = 4;

describe.skipIf(ENGINE !== "postgres" || !has("haproxy"))("two nodes behind HAProxy", () => {
  const folder = mkdtempSync(join(tmpdir(), "thingward-proxy-"));
  let store: Store;
  let nodes: Server[];
  let proxy: HaProxy;
  let tenant: Tenant;

  beforeAll(async () => {
    store = new Store();
    const key = await operatorKey(store);
    const ports = [await freePort(), await freePort()];
    nodes = ports.map((port) => new Server({
      store, args: ["--port", String(port), "--trusted-proxies", "127.0.0.1"],
    }));
    for (const node of nodes) node.operator = node.as(key);
    await Promise.all(nodes.map((node) => node.start()));
    tenant = await makeOrg(nodes[0] as Server);
    proxy = await HaProxy.start(folder, ports, CLIENT);
  }, 60_000);
  afterAll(async () => {
    await proxy?.stop();
    for (const node of nodes) await node.finish();
    store.remove();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  function call(
    method: string, path: string, body?: unknown, headers: Record<string, string> = {},
  ): Promise<Reply> {
    return proxy.call(method, path, body, {
      authorization: `Bearer ${tenant.admin.secret}`, ...headers,
    });
  }

  test("B11_the proxy tells who calls, whatever the caller claims", async () => {
    for (const claim of [{}, { "x-forwarded-for": "203.0.113.9" }]) {
      const made = await call("POST", `${tenant.path}/groups`, { name: unique("group") }, claim);
      expect(made.status).toBe(201);
      const { id } = made.body as Group;
      const records = await call("GET", `${tenant.path}/records?subject=${id}`);
      expect((records.body as Page<Record_>).items[0]?.address).toBe(CLIENT);
    }
  });

  /** One of each sort, each of which has to succeed at once. */
  async function oneRound(made: string[]): Promise<void> {
    const name = unique("group");
    const change = await call("POST", `${tenant.path}/groups`, { name },
      { "idempotency-key": randomUUID() });
    expect(change.status, JSON.stringify(change.body)).toBe(201);
    made.push((change.body as Group).id);
    const read = await call("GET", `${tenant.path}/groups/${made.at(-1)}`);
    expect(read.status, JSON.stringify(read.body)).toBe(200);
    const decision = await call("POST", "/access/v1/evaluation", {
      subject: { type: "api_key", id: randomUUID() }, action: { name: "iam:groups:read" },
      resource: { type: "organisation", id: tenant.org.id },
    });
    expect(decision.status, JSON.stringify(decision.body)).toBe(200);
  }

  /** Works on while something happens, and a while longer. */
  async function meanwhile(happens: () => Promise<void>): Promise<void> {
    const made: string[] = [];
    let left = Number.POSITIVE_INFINITY;
    const writers = Array.from({ length: WRITERS }, async () => {
      while (left-- > 0) await oneRound(made);
    });
    const event = happens().then(() => (left = 40));
    await Promise.all([event, ...writers]);
    const groups = await tenant.admin.list<Group>(`${tenant.path}/groups`);
    expect(groups.filter((group) => made.includes(group.id)).length).toBe(made.length);
    expect(new Set(made).size).toBe(made.length);
    expect(new Set(groups.map((group) => group.name)).size).toBe(groups.length);
  }

  test("R2_a node that is stopped and started again is not noticed", async () => {
    const [, two] = nodes as [Server, Server];
    await meanwhile(async () => {
      await two.stop();
      await two.start();
    });
  }, 60_000);

  test("R2_a node that is killed is not noticed", async () => {
    const [, two] = nodes as [Server, Server];
    await meanwhile(() => two.kill());
    await meanwhile(() => two.start());
  }, 60_000);
});
