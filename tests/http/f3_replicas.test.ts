// F3: a node that reads from a replica decides as one that does not.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { revisionOf, type Api, type Tenant } from "./harness/api.ts";
import { ENGINE, operatorKey, psql, Store } from "./harness/binary.ts";
import { Cluster } from "./harness/cluster.ts";
import { subjectOf } from "./harness/decide.ts";
import { makeMember, makeOrg, makeRole } from "./harness/make.ts";
import { finishAll, Server } from "./harness/server.ts";
import { until } from "./harness/until.ts";
import type { DecisionRequest, Principal, Role } from "./harness/types.ts";

const READ = "iam:members:read";
const MEMBERS = 20;

describe.skipIf(ENGINE !== "postgres")("a node with a replica", () => {
  let cluster: Cluster;
  let store: Store;
  let replica: string;
  let writes: Server;
  let reads: Server;

  beforeAll(async () => {
    cluster = await Cluster.start();
    store = new Store("postgres", cluster.url);
    const [name] = /h\d+_\d+/.exec(store.url ?? "") ?? [];
    replica = (await cluster.tell("standby")).replace("/postgres?", `/${name}?`);
    writes = new Server({ store });
    reads = new Server({ store, args: ["--database-replicas", replica] });
    const key = await operatorKey(store);
    for (const node of [writes, reads]) node.operator = node.as(key);
    await Promise.all([writes.start(), reads.start()]);
  });
  afterAll(async () => {
    await finishAll([writes, reads]).finally(() => store.remove()).finally(() => cluster.stop());
  });

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${reads.url}/metrics`)).text();
    return Number(new RegExp(`^thingward_${name} (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  }

  interface World {
    tenant: Tenant;
    there: Api;
    role: Role;
    members: Principal[];
  }

  async function makeWorld(): Promise<World> {
    const tenant = await makeOrg(writes);
    const there = reads.as(tenant.admin.secret);
    const role = await makeRole(tenant, [READ]);
    const members = await Promise.all(Array.from({ length: MEMBERS }, () => makeMember(tenant)));
    return { tenant, there, role, members };
  }

  async function may(world: World, member: Principal, at_least = 0): Promise<boolean> {
    const { tenant, there } = world;
    const asked: DecisionRequest = {
      subject: subjectOf(member), action: { name: READ }, context: { at_least },
      resource: { type: "organisation", id: tenant.org.id },
    } as DecisionRequest;
    return (await there.decide(asked)).decision;
  }

  /** Gives and takes away on the other node; what is decided here follows. */
  async function giveAndTake(world: World, member: Principal): Promise<void> {
    const { tenant, role } = world;
    const given = await tenant.admin.request<{ id: string }>("POST", `${tenant.path}/grants`, {
      holder: { kind: "principal", id: member.id },
      role: role.name,
      node: { kind: "organisation", id: tenant.org.id },
    });
    expect(given.status, given.text).toBe(201);
    expect(await may(world, member, revisionOf(given))).toBe(true);
    const taken = await tenant.admin.request("DELETE", `${tenant.path}/grants/${given.body.id}`);
    expect(await may(world, member, revisionOf(taken))).toBe(false);
  }

  test("F3_replica: what is new enough is read there", async () => {
    const world = await makeWorld();
    for (const member of world.members) expect(await may(world, member)).toBe(false);
    expect(await metric("replica_reads_total")).toBeGreaterThan(0);
    for (const member of world.members.slice(0, 5)) await giveAndTake(world, member);
  });

  test("F3_replica: one that has stopped is passed over where it is behind", async () => {
    const still = await makeWorld();
    const moves = await makeWorld();
    expect(await may(still, still.members[0] as Principal)).toBe(false);
    expect(await may(moves, moves.members[0] as Principal)).toBe(false);
    await until("the replica to have it all", () =>
      psql(replica, "SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()") === "t");
    psql(replica, "SELECT pg_wal_replay_pause()");
    await until("the replica to stop", () =>
      psql(replica, "SELECT pg_get_wal_replay_pause_state()") === "paused");
    try {
      const refused = await metric("replica_refusals_total");
      for (const member of moves.members.slice(0, 5)) await giveAndTake(moves, member);
      expect(await metric("replica_refusals_total")).toBeGreaterThan(refused);
      // Of an organisation that nobody changed since, it knows everything.
      const answered = await metric("replica_reads_total");
      for (const member of still.members) expect(await may(still, member)).toBe(false);
      expect(await metric("replica_reads_total")).toBeGreaterThanOrEqual(answered + MEMBERS - 1);
      // It has never heard of this one.
      const fresh = await makeWorld();
      await giveAndTake(fresh, fresh.members[0] as Principal);
    } finally {
      psql(replica, "SELECT pg_wal_replay_resume()");
    }
  });

  test("F3_replica: one that is gone is done without", async () => {
    const world = await makeWorld();
    expect(await may(world, world.members[0] as Principal)).toBe(false);
    await cluster.tell("alone");
    await cluster.tell("lose");
    for (const member of world.members) expect(await may(world, member)).toBe(false);
    for (const member of world.members.slice(0, 3)) await giveAndTake(world, member);
  });
});
