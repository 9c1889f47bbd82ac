// R2: a store that was restored, or failed over, without its newest changes.
import { copyFileSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { incarnationOf, revisionOf, type Answer, type Tenant } from "./harness/api.ts";
import { ENGINE, Store } from "./harness/binary.ts";
import { subjectOf } from "./harness/decide.ts";
import { give, makeMember, makeOrg, makeRole, unique } from "./harness/make.ts";
import { Postgres } from "./harness/postgres.ts";
import { Server } from "./harness/server.ts";
import { until } from "./harness/until.ts";
import type { Decision, DecisionRequest, Principal, Role } from "./harness/types.ts";

const READ = "iam:members:read";

/** Somebody who reads members once he is given the role, and who asks about it. */
class World {
  private constructor(
    readonly tenant: Tenant,
    readonly member: Principal,
    readonly role: Role,
  ) {}

  static async make(server: Server): Promise<World> {
    const tenant = await makeOrg(server);
    return new World(tenant, await makeMember(tenant), await makeRole(tenant, [READ]));
  }

  ask(context: Record<string, unknown> = {}): Promise<Answer<Decision>> {
    return this.tenant.admin.request("POST", "/access/v1/evaluation", {
      subject: subjectOf(this.member),
      resource: { type: "organisation", id: this.tenant.org.id },
      action: { name: READ },
      context,
    } as DecisionRequest);
  }

  /** undefined while there is no answer. */
  async decision(context: Record<string, unknown> = {}): Promise<boolean | undefined> {
    const answer = await this.ask(context);
    return answer.status === 200 ? answer.body.decision : undefined;
  }

  async knows(): Promise<{ revision: number; incarnation: string }> {
    const { context } = (await this.ask()).body;
    return context as { revision: number; incarnation: string };
  }

  /** The node has asked the database again. */
  isBack(): Promise<void> {
    const isFresh = async () => (await this.decision({ max_age_ms: 300 })) !== undefined;
    return until("the node to be back", isFresh);
  }

  async giveRole(): Promise<void> {
    await give(this.tenant, this.member, this.role.name);
  }

  async change(): Promise<Answer> {
    const made = await this.tenant.admin.request("POST", `${this.tenant.path}/groups`,
      { name: unique("group") });
    expect(made.status, made.text).toBe(201);
    return made;
  }

  async expectAnother(was: { revision: number; incarnation: string }): Promise<void> {
    const refused = await this.ask({ at_least: was.revision, incarnation: was.incarnation });
    expect([refused.status, refused.headers.get("thingward-error")])
      .toEqual([409, "incarnation-is-another"]);
  }
}

describe.skipIf(ENGINE !== "postgres")("a database that lost something", () => {
  let postgres: Postgres;
  let server: Server;
  let store: Store;

  beforeAll(async () => {
    postgres = await Postgres.start();
    store = new Store("postgres", postgres.url);
    server = new Server({ store, expectedErrors: /^store-(batch-refused|commit-unknown)$/ });
    await server.start();
  });
  afterAll(async () => {
    await server.finish().finally(() => store.remove()).finally(() => postgres.stop());
  });

  // The second one comes back as a copied disk does: nothing tells it from the one before.
  test.each([["a new timeline", true], ["the same timeline", false]])(
    "R2_a node forgets what a lost revision taught it: %s", async (_, timeline) => {
      const world = await World.make(server);
      const begun = await world.knows();
      await postgres.keep();
      await world.isBack();
      const before = await world.knows();
      expect(before).toMatchObject({ incarnation: begun.incarnation });

      await world.giveRole();
      expect(await world.decision()).toBe(true);
      const lost = await world.knows();
      expect(lost)
        .toMatchObject({ incarnation: before.incarnation, revision: before.revision + 1 });

      await postgres.restore({ timeline });
      await until("the grant to be forgotten", async () => (await world.decision()) === false);
      const after = await world.knows();
      expect(after.revision).toBe(before.revision);
      expect(after.incarnation).not.toBe(before.incarnation);
      await world.expectAnother(lost);

      // The same number again, and another change.
      const group = await world.change();
      expect(revisionOf(group)).toBe(lost.revision);
      expect(incarnationOf(group)).toBe(after.incarnation);
      const { incarnation } = after;
      expect(await world.decision({ at_least: lost.revision, incarnation })).toBe(false);
      await world.expectAnother(lost);
      await world.giveRole();
      expect(await world.decision({ at_least: lost.revision + 1 })).toBe(true);
    });

  test("R2_a change is not made in a history that nobody has looked at", async () => {
    const world = await World.make(server);
    await postgres.keep();
    await world.isBack();
    const before = await world.knows();
    await world.giveRole();
    await postgres.restore({ timeline: false });
    // From its first moment on, whatever comes first.
    let made: Answer | undefined;
    await until("a change", async () => {
      const answer = await world.tenant.admin.request("POST", `${world.tenant.path}/groups`,
        { name: unique("group") });
      if (answer.status === 201) made = answer;
      else expect(answer.status).toBe(503);
      return answer.status === 201;
    });
    expect(revisionOf(made as Answer)).toBe(before.revision + 1);
    expect(incarnationOf(made as Answer)).not.toBe(before.incarnation);
    expect(await world.decision()).toBe(false);
  });

  test("R2_restarted, it is the same", async () => {
    const world = await World.make(server);
    await world.giveRole();
    const before = await world.knows();
    await postgres.keep();
    await world.isBack();
    const made = await world.change();
    expect(incarnationOf(made)).toBe(before.incarnation);
    await server.restart();
    expect(await world.knows())
      .toMatchObject({ incarnation: before.incarnation, revision: before.revision + 1 });
    const { incarnation } = before;
    expect(await world.decision({ at_least: revisionOf(made), incarnation })).toBe(true);
  });
});

describe.skipIf(ENGINE !== "sqlite")("a file that lost something", () => {
  const server = new Server();
  const { path } = server.store;
  let world: World;

  beforeAll(async () => {
    await server.start();
    world = await World.make(server);
  });
  afterAll(() => server.finish());

  /** Stops it, keeps or brings back the file, starts it again. */
  async function between(act: () => void, how: "stop" | "kill" = "stop"): Promise<void> {
    await server[how]();
    act();
    await server.start();
  }
  const keep = () => copyFileSync(path, `${path}.kept`);
  const restore = () => {
    copyFileSync(`${path}.kept`, path);
    for (const rest of ["-wal", "-shm"]) rmSync(path + rest, { force: true });
  };

  test.each(["stop", "kill"] as const)("R2_restored after a %s, it is another", async (how) => {
    await between(keep);
    const before = await world.knows();
    await world.giveRole();
    expect(await world.decision()).toBe(true);
    const lost = await world.knows();
    await between(restore, how);
    expect(await world.decision()).toBe(false);
    const after = await world.knows();
    expect(after.revision).toBe(before.revision);
    expect(after.incarnation).not.toBe(before.incarnation);
    await world.expectAnother(lost);
    expect(incarnationOf(await world.change())).toBe(after.incarnation);
  });

  test("R2_restored twice from one copy, it is a third", async () => {
    await between(keep);
    const first = await world.knows();
    await world.change();
    await between(restore);
    const second = await world.knows();
    await between(restore);
    const third = await world.knows();
    expect(new Set([first, second, third].map((one) => one.incarnation)).size).toBe(3);
  });

  test.each(["stop", "kill"] as const)("R2_restarted after a %s, it is the same", async (how) => {
    const before = await world.knows();
    const made = await world.change();
    await between(() => undefined, how);
    expect(await world.knows()).toMatchObject(
      { incarnation: before.incarnation, revision: revisionOf(made) });
  });

  test("R2_taken elsewhere, it is another", async () => {
    const before = await world.knows();
    await between(() => rmSync(`${path}.lock`));
    expect((await world.knows()).incarnation).not.toBe(before.incarnation);
  });
});
