// R2: the primary dies under load, its standby is promoted, and both nodes carry on by themselves.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { incarnationOf, revisionOf, type Answer, type Tenant } from "./harness/api.ts";
import { ENGINE, operatorKey, psql, Store, thingward } from "./harness/binary.ts";
import { Cluster } from "./harness/cluster.ts";
import { subjectOf } from "./harness/decide.ts";
import { figure, spread } from "./harness/figure.ts";
import { give, makeMember, makeOrg, makeRole, unique } from "./harness/make.ts";
import { finishAll, Server } from "./harness/server.ts";
import { until } from "./harness/until.ts";
import type { Decision, DecisionRequest, Group, Principal, Record_ } from "./harness/types.ts";

const FAILOVERS = Number(process.env["THINGWARD_FAILOVERS"] ?? 1);
const WRITERS = 8;
const READ = "iam:members:read";

/** How long one waited for what was asked of a node again and again; in milliseconds. */
class Watch {
  private last = performance.now();
  longest = 0;
  answered = 0;
  readonly refusals: string[] = [];

  note(answer: Answer): void {
    const now = performance.now();
    if (answer.status > 299) {
      this.refusals.push(`${answer.status} ${answer.text}`);
      return;
    }
    this.longest = Math.max(this.longest, now - this.last);
    this.answered++;
    this.last = now;
  }

  /** From now on. */
  begin(): void {
    this.last = performance.now();
    this.longest = 0;
    this.answered = 0;
  }
}

interface Load {
  acknowledged: Map<string, number>;
  /** Told as unknown: they may be there, or not. */
  unknown: Set<string>;
  changes: Watch[];
  decisions: Watch[];
  /** Of each failover, in milliseconds from the kill. */
  waits: { promoted: number[]; changes: number[]; decisions: number[] };
  ends: boolean;
  done: Promise<unknown>;
}

describe.skipIf(ENGINE !== "postgres")("a primary that dies", () => {
  const expectedErrors = /^store-(batch-refused|batch-lost|commit-unknown)$/;
  let cluster: Cluster;
  let store: Store;
  let nodes: Server[];
  let tenant: Tenant;
  let member: Principal;

  beforeAll(async () => {
    cluster = await Cluster.start();
    store = new Store("postgres", cluster.url);
    nodes = [0, 1].map(() => new Server({ store, expectedErrors }));
    const key = await operatorKey(store);
    for (const node of nodes) node.operator = node.as(key);
    await Promise.all(nodes.map((node) => node.start()));
    tenant = await makeOrg(nodes[0] as Server);
    member = await makeMember(tenant);
  });
  afterAll(async () => {
    await finishAll(nodes).finally(() => store.remove()).finally(() => cluster.stop());
  });

  function ask(node: Server, context: Record<string, unknown> = {}): Promise<Answer<Decision>> {
    return node.as(tenant.admin.secret).request("POST", "/access/v1/evaluation", {
      subject: subjectOf(member),
      resource: { type: "organisation", id: tenant.org.id },
      action: { name: READ },
      context,
    } as DecisionRequest);
  }

  const problemOf = (answer: Answer): string =>
    (answer.body as { type?: string }).type?.replace("/problems/", "") ?? "";

  /** One group after the other; what is refused is tried again under another name. */
  async function write(node: Server, load: Load, watch: Watch): Promise<void> {
    const there = node.as(tenant.admin.secret);
    while (!load.ends) {
      const name = unique("group");
      const answer = await there.request("POST", `${tenant.path}/groups`, { name });
      watch.note(answer);
      if (answer.status === 201) {
        load.acknowledged.set(name, revisionOf(answer));
        continue;
      }
      expect(answer.status, answer.text).toBe(503);
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      if (problemOf(answer) === "outcome-unknown") load.unknown.add(name);
      else expect(problemOf(answer)).toMatch(/^(store-unavailable|overloaded)$/);
      await new Promise((next) => setTimeout(next, 20));
    }
  }

  async function decide(node: Server, load: Load, watch: Watch): Promise<void> {
    while (!load.ends) watch.note(await ask(node));
  }

  function begin(): Load {
    const load: Load = {
      acknowledged: new Map(), unknown: new Set(), ends: false, done: Promise.resolve(),
      waits: { promoted: [], changes: [], decisions: [] },
      changes: nodes.map(() => new Watch()), decisions: nodes.map(() => new Watch()),
    };
    load.done = Promise.all(nodes.flatMap((node, i) => [
      ...Array.from({ length: WRITERS / 2 }, () => write(node, load, load.changes[i] as Watch)),
      decide(node, load, load.decisions[i] as Watch),
    ]));
    return load;
  }

  async function expectKept({ acknowledged, unknown }: Load): Promise<void> {
    for (const node of nodes) {
      const admin = node.as(tenant.admin.secret);
      const groups = await admin.list<Group>(`${tenant.path}/groups`);
      const names = new Set(groups.map((group) => group.name));
      const records = await admin.list<Record_>(`${tenant.path}/records`);
      const revisions = new Map(records.filter((one) => one.action === "groups.create")
        .map((one) => [(one.after as { name: string }).name, one.revision]));
      expect([...acknowledged].filter(([name, revision]) =>
        !names.has(name) || revisions.get(name) !== revision)).toEqual([]);
      const all = new Set(records.map((one) => one.revision));
      expect(all.size).toBe(Math.max(...all));
      // Nothing came of what was refused, and nothing without its record.
      for (const name of names) {
        expect(acknowledged.has(name) || unknown.has(name), name).toBe(true);
        expect(revisions.has(name), name).toBe(true);
      }
    }
    const ran = await thingward(["verify", ...store.options]);
    expect(ran.stdout).toMatch(/^sound: /);
  }

  /** Kills the primary under load, and promotes the standby. */
  async function failOver(load: Load): Promise<void> {
    const before = load.acknowledged.size;
    await until("changes", () => load.acknowledged.size >= before + 100, 60_000);
    const was = (await ask(nodes[0] as Server)).body.context ?? {};
    for (const watch of [...load.changes, ...load.decisions]) watch.begin();
    const killed = performance.now();
    await cluster.tell("kill");
    await cluster.tell("promote");
    const promoted = performance.now() - killed;
    await until("changes on both nodes", () =>
      load.changes.every((watch) => watch.answered >= 20), 60_000);
    const longest = (watches: Watch[]) => Math.max(...watches.map((one) => one.longest));
    load.waits.promoted.push(promoted);
    load.waits.changes.push(longest(load.changes));
    load.waits.decisions.push(longest(load.decisions));
    // Everything was forgotten, and has to be loaded from a database that just came back.
    for (const watch of load.decisions)
      for (const refusal of watch.refusals) expect(refusal).toMatch(/^503 /);
    for (const node of nodes) {
      const refused = await ask(node, { at_least: 1, incarnation: was["incarnation"] });
      expect([refused.status, refused.headers.get("thingward-error")])
        .toEqual([409, "incarnation-is-another"]);
    }
  }

  test("R2_failover: nothing acknowledged is lost, and both nodes carry on", async () => {
    const load = begin();
    try {
      for (let round = 0; round < FAILOVERS; round++) {
        await failOver(load);
        if (round + 1 < FAILOVERS) await cluster.tell("rebuild");
      }
    } finally {
      load.ends = true;
      await load.done;
    }
    const { promoted, changes, decisions } = load.waits;
    figure("R2", "a primary killed under load: until its standby was promoted", spread(promoted));
    figure("R2", "until a change was acknowledged again, on both nodes", spread(changes));
    figure("R2", "the longest that a decision took meanwhile", spread(decisions));
    figure("R2", "changes of that load", `${load.acknowledged.size} acknowledged, none lost; `
      + `${load.unknown.size} told as unknown`);
    await expectKept(load);
  }, 60_000 + FAILOVERS * 30_000);

  test("R2_failover: what a lost revision taught is dropped", async () => {
    const role = await makeRole(tenant, [READ]);
    await cluster.tell("rebuild");
    // The primary goes on alone, and what it acknowledges now is not sent.
    await cluster.tell("alone");
    await cluster.tell("stall");
    await give(tenant, member, role.name);
    const told = await Promise.all(nodes.map(async (node) => {
      await until("the grant", async () => (await ask(node)).body.decision);
      return (await ask(node)).body.context ?? {};
    }));
    await cluster.tell("kill");
    await cluster.tell("promote");
    for (const [i, node] of nodes.entries()) {
      await until("the grant to be forgotten", async () => {
        const answer = await ask(node);
        expect([200, 503]).toContain(answer.status);
        return answer.body.decision === false;
      });
      const { revision, incarnation } = (await ask(node)).body.context ?? {};
      expect(revision).toBeLessThan(told[i]?.["revision"] as number);
      expect(incarnation).not.toBe(told[i]?.["incarnation"]);
    }
    const made = await (nodes[1] as Server).as(tenant.admin.secret)
      .request("POST", `${tenant.path}/groups`, { name: unique("group") });
    expect(revisionOf(made)).toBe(told[0]?.["revision"]);
    expect(incarnationOf(made)).not.toBe(told[0]?.["incarnation"]);
    const ran = await thingward(["verify", ...store.options]);
    expect(ran.stdout).toMatch(/^sound: /);
  });

  test("R2_failover: a node is not started on a standby alone", async () => {
    await cluster.tell("rebuild");
    const [name] = /h\d+_\d+/.exec(store.url ?? "") ?? [];
    const url = (await cluster.tell("standby")).replace("/postgres?", `/${name}?`);
    expect(psql(url, "SELECT pg_is_in_recovery()")).toBe("t");
    const ran = await thingward(["serve", "--store", store.path, "--port", "0",
      "--database", url, "--database-wait-s", "1"]);
    expect([ran.status, ran.stderr + ran.stdout])
      .toEqual([1, expect.stringMatching(/cannot be reached/)]);
  });
});
