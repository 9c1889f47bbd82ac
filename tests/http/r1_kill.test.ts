// A power cut in the middle of writing: nothing acknowledged is lost, nothing is half there.
import { expect, test } from "vitest";
import type { Answer, Tenant } from "./harness/api.ts";
import { Store, thingward } from "./harness/binary.ts";
import { figure } from "./harness/figure.ts";
import { makeOrg, makeRole, orgNode, unique } from "./harness/make.ts";
import { Server } from "./harness/server.ts";
import type {
  Credential, Grant, Group, Org, Page, Principal, PrincipalCreated, Record_,
} from "./harness/types.ts";

const BURSTS = Number(process.env["THINGWARD_KILLS"] ?? 50);
const WRITERS = 12;

/** What the server has said is done. */
interface Acknowledged {
  /** Identifier and revision. */
  made: Map<string, number>;
  gone: Map<string, number>;
  renamed: Map<string, string>;
  /** Keys and their secrets. */
  keys: Map<string, string>;
  orgs: string[];
}

interface Burst {
  tenant: Tenant;
  role: string;
  done: Acknowledged;
  /** How many answers have come. */
  answers: number;
}

/** The answer, or undefined when the server went away before it. */
async function attempt<T>(call: Promise<Answer<T>>): Promise<Answer<T> | undefined> {
  const answer = await call.catch((error: unknown) => {
    // What is answered is held against the contract; that is no loss of the connection.
    if (error instanceof TypeError || (error instanceof Error && error.name === "AbortError"))
      return undefined;
    throw error;
  });
  if (answer && (answer.status < 200 || answer.status > 299))
    throw new Error(`${answer.status} ${answer.text}`);
  return answer;
}

const revisionOf = (answer: Answer): number => Number(answer.headers.get("thingward-revision"));

/** One after another until the server is gone: a key with role and group, a group renamed, … */
async function write(server: Server, burst: Burst): Promise<void> {
  const { tenant: { admin, path }, done } = burst;
  for (let i = 0; ; i++) {
    const group = await attempt(admin.request<Group>(
      "POST", `${path}/groups`, { name: unique("group") }));
    if (!group) return;
    done.made.set(group.body.id, revisionOf(group));
    burst.answers++;

    const key = await attempt(admin.request<PrincipalCreated>("POST", `${path}/api-keys`,
      { name: unique("key"), roles: [burst.role], groups: [group.body.id] }));
    if (!key) return;
    done.made.set(key.body.principal.id, revisionOf(key));
    done.keys.set(key.body.principal.id, key.body.secret ?? "");
    burst.answers++;

    const name = unique("renamed");
    const one = `${path}/groups/${group.body.id}`;
    if (!(await attempt(admin.request("PATCH", one, { name })))) return;
    done.renamed.set(group.body.id, name);
    burst.answers++;

    if (i % 3 === 0) {
      const { id } = key.body.principal;
      const gone = await attempt(admin.request("DELETE", `${path}/api-keys/${id}`));
      done.keys.delete(id);
      // Without an answer it may be gone or not.
      done.gone.set(id, gone ? revisionOf(gone) : Number.NaN);
      if (!gone) return;
      burst.answers++;
    }
    if (i % 4 === 0) {
      const org = await attempt(server.operator.request<{ org: Org }>("POST", "/api/orgs",
        { name: unique("org"), first_key: { name: "first" } }));
      if (!org) return;
      done.orgs.push(org.body.org.id);
      burst.answers++;
    }
  }
}

async function makeBurst(server: Server): Promise<Burst> {
  const tenant = await makeOrg(server);
  const role = await makeRole(tenant, ["iam:groups:read"], { kinds: ["api_key"] });
  return {
    tenant,
    role: role.name,
    answers: 0,
    done: {
      made: new Map(), gone: new Map(), renamed: new Map(), keys: new Map(), orgs: [],
    },
  };
}

/** Writes from all sides, and kills the server once so many answers have come. */
async function runAndKill(server: Server, burst: Burst, after: number): Promise<void> {
  const writers = Array.from({ length: WRITERS }, () => write(server, burst));
  let failed: unknown;
  const all = Promise.all(writers).catch((error: unknown) => (failed = error));
  while (burst.answers < after && failed === undefined)
    await new Promise((next) => setImmediate(next));
  await server.kill();
  await all;
  await Promise.allSettled(writers);
  if (failed !== undefined) throw failed;
}

async function verify(store: Store): Promise<void> {
  const proof = await thingward(["verify", ...store.options]);
  expect(proof.stdout).toMatch(/^sound: \d+ organisations, \d+ records, \d+ rules\n$/);
  expect(proof.status).toBe(0);
}

/** Everything acknowledged is there, with its record. */
async function expectKept(server: Server, burst: Burst): Promise<void> {
  const { tenant: { admin, path }, done } = burst;
  const groups = await admin.list<Group>(`${path}/groups`);
  const keys = await admin.list<Principal>(`${path}/api-keys`);
  const records = await admin.list<Record_>(`${path}/records`);
  const there = new Set([...groups, ...keys].map((one) => one.id));
  const recorded = (id: string, action: RegExp): number | undefined =>
    records.find((one) => one.subject.id === id && action.test(one.action))?.revision;
  for (const [id, revision] of done.made) {
    if (!done.gone.has(id)) expect(there.has(id), `${id} of revision ${revision}`).toBe(true);
    expect(recorded(id, /\.create$/), id).toBe(revision);
  }
  for (const [id, revision] of done.gone) {
    if (Number.isNaN(revision)) continue;
    expect(there.has(id), `${id} was deleted`).toBe(false);
    expect(recorded(id, /\.delete$/), id).toBe(revision);
  }
  for (const group of groups) {
    const name = done.renamed.get(group.id);
    if (name !== undefined) expect(group.name).toBe(name);
  }
  const known = new Set((await server.operator.list<Org>("/api/orgs")).map((one) => one.id));
  for (const id of done.orgs) expect(known.has(id), id).toBe(true);
}

/** Nothing is half done, acknowledged or not: a key has its grant, its group and its credential. */
async function expectWhole({ tenant: { org, admin, path }, role, done }: Burst,
  server: Server): Promise<void> {
  const grants = await admin.list<Grant>(`${path}/grants`);
  const keys = await admin.list<Principal>(`${path}/api-keys`);
  const revisions = new Set<number>();
  for (const record of await admin.list<Record_>(`${path}/records`)) revisions.add(record.revision);
  expect([...revisions].sort((a, b) => a - b))
    .toEqual(Array.from({ length: revisions.size }, (_, i) => Math.min(...revisions) + i));
  expect((await admin.get<Org>(`/api/orgs/${org.id}`)).revision).toBe(Math.max(...revisions));
  const unacknowledged = keys.filter((key) => key.name !== "first" && !done.made.has(key.id));
  const sample = [...unacknowledged, ...keys.filter((key) => done.keys.has(key.id)).slice(-5)];
  for (const key of keys.filter((one) => one.name !== "first"))
    expect(grants.filter((grant) => grant.holder.id === key.id), key.name)
      .toEqual([expect.objectContaining({ role_name: role, node: orgNode({ org, admin, path }) })]);
  for (const key of sample) {
    const credentials = await admin.get<Page<Credential>>(
      `${path}/principals/${key.id}/credentials`);
    expect(credentials.items.map((one) => one.state), key.name).toEqual(["active"]);
    const held = await admin.get<{ groups: unknown[] }>(`${path}/principals/${key.id}/access`);
    expect(held.groups, key.name).toHaveLength(1);
    const secret = done.keys.get(key.id);
    if (secret !== undefined)
      expect(await server.as(secret).get("/api/self")).toMatchObject({ id: key.id });
  }
}

test("R1_kill: -9 during bursts of writes loses nothing acknowledged, and the chain verifies",
  async () => {
    const server = new Server();
    const bursts: Burst[] = [];
    try {
      await server.start();
      for (let round = 0; round < BURSTS; round++) {
        const burst = await makeBurst(server);
        bursts.push(burst);
        // From the first answers of a burst to well into it.
        await runAndKill(server, burst, 1 + (round * 13) % 60);
        await verify(server.store);
        await server.start();
        await expectKept(server, burst);
        await expectWhole(burst, server);
      }
      for (const burst of bursts) await expectKept(server, burst);
      const answers = bursts.reduce((sum, burst) => sum + burst.answers, 0);
      expect(answers).toBeGreaterThan(BURSTS);
      figure("R1", "a node killed in the middle of its writes",
        `${BURSTS} kills, ${answers} acknowledged changes, none lost`);
    } finally {
      await server.finish();
    }
  }, 60_000 + BURSTS * 6_000);
