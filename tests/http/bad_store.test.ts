// A store that is locked, cannot be read, is of another time, or has no room left.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { expectProblem, type Tenant } from "./harness/api.ts";
import { Store, thingward } from "./harness/binary.ts";
import { inWorkspace, may, subjectOf } from "./harness/decide.ts";
import { limitFiles, withoutRoom } from "./harness/disk.ts";
import { makeGroup, makeInWorkspace, makeMember, makeOrg, makeWorkspace, unique }
  from "./harness/make.ts";
import { Server, useServer } from "./harness/server.ts";
import { until } from "./harness/until.ts";
import type { Entity, Group, Principal } from "./harness/types.ts";

interface World {
  tenant: Tenant;
  member: Principal;
  device: Entity;
  group: Group;
}

async function makeWorld(server: Server): Promise<World> {
  const tenant = await makeOrg(server, "device-platform");
  const workspace = await makeWorkspace(tenant);
  await makeInWorkspace(tenant, workspace, "devices", { id: "pump-1" });
  const member = await makeMember(tenant, "reader");
  const group = await makeGroup(tenant);
  return { tenant, member, group, device: inWorkspace(workspace.id, "device", "pump-1") };
}

/** While nothing can be written: changes are refused whole, all the rest goes on. */
async function expectReadOnly(server: Server, world: World): Promise<void> {
  const { tenant, group } = world;
  const head = await tenant.admin.get(`${tenant.path}/records/head`);
  const attempts = [
    ["POST", `${tenant.path}/groups`, { name: unique("group") }],
    ["PATCH", `${tenant.path}/groups/${group.id}`, { name: unique("group") }],
    ["POST", `${tenant.path}/api-keys`, { name: unique("key") }],
    ["DELETE", `${tenant.path}/groups/${group.id}`, undefined],
  ] as const;
  for (const answer of await Promise.all(attempts.map(([method, path, body]) =>
    tenant.admin.request(method, path, body)))) {
    expectProblem(answer, 503, "store-unavailable");
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(answer.headers.get("thingward-revision")).toBeNull();
  }
  expect(await tenant.admin.get(`${tenant.path}/records/head`)).toEqual(head);
  expect(await tenant.admin.get(`${tenant.path}/groups/${group.id}`)).toEqual(group);
  await expectDecisions(world);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
}

async function expectDecisions({ tenant, member, device }: World): Promise<void> {
  const subject = subjectOf(member);
  expect(await may(tenant.admin, subject, "devices:read", device)).toBe(true);
  expect(await may(tenant.admin, subject, "devices:delete", device)).toBe("no-grant");
}

/** Changes work again, and what they change counts. */
async function expectWritable(world: World): Promise<void> {
  const { tenant, member, device, group } = world;
  await until("changes to work again", async () =>
    (await tenant.admin.request("POST", `${tenant.path}/groups`, { name: unique("group") }))
      .status === 201);
  const renamed = await tenant.admin.patch<Group>(
    `${tenant.path}/groups/${group.id}`, { name: unique("group") });
  expect(await tenant.admin.get(`${tenant.path}/groups/${group.id}`)).toEqual(renamed);
  world.group = renamed;
  const path = `${tenant.path}/members/${member.id}`;
  await tenant.admin.patch(path, { state: "suspended" });
  expect(await may(tenant.admin, subjectOf(member), "devices:read", device))
    .toBe("subject-inactive");
  await tenant.admin.patch(path, { state: "active" });
}

describe("a store in use by another process", () => {
  const server = useServer({ expectedErrors: /^store-batch-refused$/ });

  test("a second server is refused, and the first notices nothing", async () => {
    const world = await makeWorld(server);
    const second = await thingward(["serve", ...server.store.options, "--port", "0"]);
    expect(second.status).not.toBe(0);
    expect(second.stderr).toMatch(/in use by another process/);
    await expectWritable(world);
  });

  test("locked by something else: changes wait or are refused, until it lets go", async () => {
    const world = await makeWorld(server);
    await expectDecisions(world);
    const intruder = new DatabaseSync(server.store.path);
    intruder.exec("BEGIN IMMEDIATE");
    try {
      await expectReadOnly(server, world);
    } finally {
      intruder.exec("ROLLBACK");
      intruder.close();
    }
    await expectWritable(world);
  });
});

describe("a store that cannot be used", () => {
  const sound = useServer();

  /** Starts on a copy that was tampered with. */
  async function serveOn(change: (path: string) => void): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "thingward-test-"));
    const path = join(folder, "thingward.db");
    try {
      const made = await thingward(["operator-key", "--store", path, "--name", "x"]);
      expect(made.status, made.stderr).toBe(0);
      change(path);
      const size = statSync(path).size;
      const ran = await thingward(["serve", "--store", path, "--port", "0"]);
      expect(ran.status).toBe(1);
      expect(ran.stdout).toBe("");
      expect(statSync(path).size).toBe(size);
      return ran.stderr;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  function alter(path: string, sql: string): void {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  }

  test("made by a newer program", async () => {
    expect(await serveOn((path) => alter(path, "INSERT INTO schema_migrations"
      + " SELECT max(version) + 1, name, digest, applied_us FROM schema_migrations")))
      .toMatch(/newer/);
  });

  test("whose migrations were edited", async () => {
    expect(await serveOn((path) => alter(path,
      "UPDATE schema_migrations SET digest = zeroblob(32)")))
      .toMatch(/another text of schema \d+: use the program that made it/);
  });

  test("of another program, and no database at all", async () => {
    expect(await serveOn((path) => alter(path, "PRAGMA application_id = 1234")))
      .toMatch(/not a store of this program/);
    expect(await serveOn((path) => writeFileSync(path, "x".repeat(8192))))
      .toMatch(/not a database/);
  });

  test("the sound one beside them serves on", async () => {
    await expectWritable(await makeWorld(sound));
  });
});

describe("a full disk", () => {
  const server = useServer({ expectedErrors: /^store-/ });

  test("changes are refused whole, reads and decisions go on, and it recovers", async () => {
    const world = await makeWorld(server);
    for (let round = 0; round < 3; round++) {
      await withoutRoom(server, () => expectReadOnly(server, world));
      await expectWritable(world);
    }
    await expectSound(server, world);
  });

  test("nearly full: what was acknowledged is there, what was refused is not", async () => {
    const world = await makeWorld(server);
    limitFiles(server, Math.max(statSync(`${server.store.path}-wal`).size, 1));
    try {
      await fill(world, (refused) => refused < 20);
    } finally {
      limitFiles(server, "unlimited");
    }
    await expectWritable(world);
    await expectSound(server, world);
  });
});

/** Makes groups for as long as asked to; those that were acknowledged are there, and no others. */
async function fill(world: World, goOn: (refused: number) => boolean): Promise<void> {
  const { admin, path } = world.tenant;
  const there = (await admin.list<Group>(`${path}/groups`)).map((group) => group.id);
  for (let made = 0, refused = 0; goOn(refused); made++) {
    if (made > 20_000) throw new Error("this disk is never full");
    const answer = await admin.request<Group>("POST", `${path}/groups`, { name: unique("group") });
    if (answer.status === 201) {
      there.push(answer.body.id);
    } else {
      refused++;
      expectProblem(answer, 503, "store-unavailable");
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      await expectDecisions(world);
    }
  }
  expect((await admin.list<Group>(`${path}/groups`)).map((group) => group.id).sort())
    .toEqual(there.sort());
}

/** The store holds together, after a restart too. */
async function expectSound(server: Server, world: World): Promise<void> {
  await server.stop();
  const proof = await thingward(["verify", ...server.store.options]);
  expect(proof, proof.stdout).toMatchObject({ status: 0 });
  await server.start();
  await expectDecisions(world);
}

/** A file system of a few MiB over a folder, where this user may make one. */
function mountSmall(folder: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=3m", "none", folder]).status === 0;
}

const small = new Store();
if (mountSmall(small.folder)) {
  test("a file system without room: refused, and after making room all is well", async () => {
    const server = new Server({ store: small, expectedErrors: /^store-/ });
    const filler = join(small.folder, "filler");
    try {
      await server.start();
      const world = await makeWorld(server);
      writeFileSync(filler, Buffer.alloc(512 * 1024));
      await fill(world, (refused) => refused < 5);
      rmSync(filler);
      await expectWritable(world);
      await expectSound(server, world);
    } finally {
      await server.finish();
      spawnSync("umount", [small.folder]);
      small.remove();
    }
  });
} else {
  small.remove();
}
