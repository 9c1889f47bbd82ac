// R1 on several nodes: one is killed under load, again and again; nothing acknowledged is lost.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE, operatorKey, Store, thingward } from "./harness/binary.ts";
import { figure } from "./harness/figure.ts";
import { makeMachine, makeMember, makeOrg, unique } from "./harness/make.ts";
import { finishAll, Server } from "./harness/server.ts";
import type { Group } from "./harness/types.ts";

const ROUNDS = Number(process.env["THINGWARD_KILLS"] ?? 10);

describe.skipIf(ENGINE !== "postgres")("a node that is killed", () => {
  const store = new Store();
  const stays = new Server({ store });
  const dies = new Server({ store });

  beforeAll(async () => {
    const key = await operatorKey(store);
    stays.operator = stays.as(key);
    dies.operator = dies.as(key);
    await Promise.all([stays.start(), dies.start()]);
  });
  afterAll(async () => {
    await finishAll([stays, dies]).finally(() => store.remove());
  });

  test("R1_what was acknowledged is there, on both nodes", async () => {
    const tenant = await makeOrg(stays);
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const there = dies.as(tenant.admin.secret);
      const before = acknowledged.length;
      const writers = Array.from({ length: 8 }, async () => {
        for (;;) {
          const name = unique("group");
          try {
            const answer = await there.request("POST", `${tenant.path}/groups`, { name });
            if (answer.status === 201) acknowledged.push(name);
          } catch {
            return;
          }
        }
      });
      while (acknowledged.length < before + 20) await new Promise((next) => setTimeout(next, 1));
      await dies.kill();
      await Promise.all(writers);
      await makeMember(tenant);
      await dies.start();
    }
    const names = async (server: Server) => {
      const all = await server.as(tenant.admin.secret).list<Group>(`${tenant.path}/groups`);
      return new Set(all.map((group) => group.name));
    };
    for (const server of [stays, dies]) {
      const found = await names(server);
      expect(acknowledged.filter((name) => !found.has(name))).toEqual([]);
    }
    const ran = await thingward(["verify", ...store.options]);
    expect(ran.stdout).toMatch(/^sound: /);
    figure("R1", "one of two nodes killed, again and again",
      `${ROUNDS} kills, ${acknowledged.length} acknowledged changes, none lost`);
  }, 60_000 + ROUNDS * 6_000);
});

describe.skipIf(ENGINE !== "postgres")("an embedded store", () => {
  test("is moved into a database, with its keys, once", async () => {
    const file = new Store("sqlite");
    const database = new Store("postgres");
    const server = new Server({ store: file });
    try {
      await server.start();
      const tenant = await makeOrg(server, "device-platform");
      const machine = await makeMachine(tenant, "api-keys");
      await server.stop();
      const to = ["migrate", "--store", file.path, "--to", database.url ?? ""];
      const ran = await thingward(to);
      expect(ran.stderr).toBe("");
      expect(ran.stdout).toMatch(/^moved: \d+ tables, [1-9]\d+ rows\nsound: 2 organisations, /);
      const again = await thingward(to);
      expect([again.status, again.stderr]).toEqual([1, expect.stringMatching(/in use already/)]);

      // The keys stand beside the file.
      const url = database.url ?? "";
      const moved = new Server({ store: file, args: ["--database", url] });
      moved.operator = moved.as(server.operator.secret);
      await moved.start();
      const self = await moved.as(machine.secret).request("GET", "/api/self");
      expect(self.status).toBe(200);
      await moved.stop();
    } finally {
      file.remove();
      database.remove();
    }
  });
});
