// R7: each call of a library on the way of a request fails once, in turn. Whatever that gives, it
// is an answer: no decision, no token, no half change, and the next request finds all as it was.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { ENGINE } from "./harness/binary.ts";
import { Browser } from "./harness/browser.ts";
import { Faults, type Kind } from "./harness/faults.ts";
import { give, makeGroup, makeMember, makeOrg, makeRole, makeWorkspace, orgNode, unique }
  from "./harness/make.ts";
import {
  basic, type Client, clientToken, type Issuer, issuerOf, makeMachineClient, makePublicClient,
  type OAuthError, post, type Reply, type Tokens,
} from "./harness/oauth.ts";
import { comeIn, nameOneself } from "./harness/people.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { setUpApp } from "./harness/second.ts";
import { Server } from "./harness/server.ts";
import type { Decision, Group, Principal } from "./harness/types.ts";

const faults = new Faults();
const server = new Server({
  program: faults.program, env: faults.env,
  expectedErrors: /^(request-failed|page-failed|store-batch-refused|store-rollback-failed)$/,
});
let tenant: Tenant;
let issuer: Issuer;
let app: Principal;
let user: Principal;
let machine: Client;

beforeAll(async () => {
  await server.start();
  tenant = await makeOrg(server, "sensor-workspace");
  issuer = await issuerOf(server, tenant, await makeWorkspace(tenant), "ingest:write");
  app = await makePublicClient(issuer);
  user = await makeUser(issuer, "ingest:write");
  machine = await makeMachineClient(issuer, "ingest:write");
  await clientToken(issuer, machine);
}, 60_000);
// It ends as it should, nothing was leaked, and the store holds.
afterAll(async () => {
  await server.finish();
  faults.remove();
}, 60_000);

/** Statements of PostgreSQL fail by its own means, in other tests. */
const KINDS: Kind[] = ENGINE === "sqlite"
  ? ["memory", "crypto", "store", "disk"] : ["memory", "crypto"];
const CALLS_MAX = 3000;

/** A request that may be answered, refused as unavailable, or cut. */
async function ask<T extends { status: number }>(
  work: () => Promise<T>, good: number,
): Promise<T | undefined> {
  let answer;
  try {
    answer = await work();
  } catch (error) {
    if (error instanceof TypeError) return undefined; // fetch: there was no answer
    throw error;
  }
  expect([good, 500, 503], JSON.stringify(answer)).toContain(answer.status);
  return answer.status === good ? answer : undefined;
}

interface Flow {
  /** What is called on the way for certain: of each kind a call has to have failed. */
  calls: readonly Kind[];
  /** What makes the way a long one. */
  prepare?: () => Promise<unknown>;
  run: () => Promise<unknown>;
  /** What has to hold afterwards. */
  settle?: () => Promise<unknown>;
  /** Of a way that takes long, not every allocation. */
  stride?: number;
}

async function sweep(flow: Flow): Promise<void> {
  for (const kind of KINDS) {
    let failed = true;
    let failures = 0;
    for (let n = 1; failed; n += kind === "memory" ? (flow.stride ?? 1) : 1) {
      expect(n).toBeLessThan(CALLS_MAX);
      await flow.prepare?.();
      faults.arm(kind, n);
      try {
        await flow.run();
      } catch (error) {
        throw new Error(`call ${n} of ${kind}`, { cause: error });
      } finally {
        failed = faults.disarm(kind);
      }
      if (failed) failures++;
      await flow.settle?.();
    }
    if (flow.calls.includes(kind)) expect(failures, `failed calls of ${kind}`).toBeGreaterThan(0);
  }
}

test("a program that cannot be made to fail does not run", () => {
  const run = spawnSync(faults.program, ["--version"],
    { env: { THINGWARD_FAULTS: `${faults.program}-missing` } });
  expect(run.signal).toBe("SIGABRT");
});

test("R7_decisions: none is made of a failure", async () => {
  const role = await makeRole(tenant, ["iam:members:read"]);
  const [may, mayNot] = [await makeMember(tenant), await makeMember(tenant)];
  const group = await makeGroup(tenant, may, mayNot);
  await give(tenant, may, role.name, orgNode(tenant));
  const decide = (who: Principal) => ask(() => tenant.admin.request<Decision>(
    "POST", "/access/v1/evaluation", {
      subject: { type: "member", id: who.id }, action: { name: "iam:members:read" },
      resource: { type: "organisation", id: tenant.org.id },
    }), 200);
  await sweep({
    calls: ["memory", "store"],
    // Their views are dropped, and loaded again on the way.
    prepare: async () => {
      await tenant.admin.patch(`${tenant.path}/groups/${group.id}`, { name: unique("group") });
      const { name, title, kinds, exercises } = role;
      await tenant.admin.put(`${tenant.path}/roles/${role.id}`,
        { name, title, kinds, exercises, gives: [], description: unique("text") });
    },
    run: async () => {
      expect((await decide(mayNot))?.body.decision).not.toBe(true);
      expect((await decide(may))?.body.decision).not.toBe(false);
    },
  });
  expect((await decide(may))?.body.decision).toBe(true);
});

test("R7_decisions: a live token is never told to be dead", async () => {
  let token = "";
  await sweep({
    calls: ["memory", "crypto"],
    prepare: async () => {
      token = (await clientToken(issuer, machine, "ingest:write")).access_token;
    },
    run: async () => {
      const seen = await ask(() => tenant.admin.request<Decision>(
        "POST", "/access/v1/evaluation", {
          subject: { type: "token", id: token }, action: { name: "ingest:write" },
          resource: { type: "workspace", id: issuer.workspace.id },
        }), 200);
      expect(seen?.body.decision).not.toBe(false);
    },
  });
});

test("R7_changes: what was acknowledged is there", async () => {
  const made = new Set<string>();
  await sweep({
    calls: ["memory", "store", "disk"],
    run: async () => {
      const answer = await ask(() => tenant.admin.request<Group>(
        "POST", `${tenant.path}/groups`, { name: unique("made") }), 201);
      if (answer) made.add(answer.body.id);
    },
  });
  const there = new Set((await tenant.admin.list<Group>(`${tenant.path}/groups`))
    .map((group) => group.id));
  expect([...made].filter((id) => !there.has(id))).toEqual([]);
  expect(made.size).toBeGreaterThan(0);
});

test("R7_tokens: by client credentials", async () => {
  const form = { grant_type: "client_credentials", scope: "ingest:write" };
  await sweep({
    calls: ["memory", "crypto"],
    run: () => ask(() => post(`${issuer.url}/token`, form, { authorization: basic(machine) }), 200),
  });
});

test("R7_tokens: a live one is never told to be dead", async () => {
  let token = "";
  await sweep({
    calls: ["memory", "crypto"],
    prepare: async () => {
      token = (await clientToken(issuer, machine, "ingest:write")).access_token;
    },
    run: async () => {
      const seen = await ask(() => post<{ active: boolean }>(
        `${issuer.url}/introspect`, { token }, { authorization: basic(machine) }), 200);
      expect(seen?.body.active).not.toBe(false);
    },
  });
});

test("R7_tokens: one is revoked when that is acknowledged", async () => {
  let token = "";
  let done = false;
  const form = () => ({ token, client_id: app.id });
  await sweep({
    calls: KINDS,
    prepare: async () => {
      const code = plantCode(issuer, { client: app.id, user });
      token = (await redeem(issuer, app.id, code)).body.access_token;
    },
    run: async () => {
      done = await ask(() => post(`${issuer.url}/revoke`, form()), 200) !== undefined;
    },
    settle: async () => {
      if (!done) expect((await post(`${issuer.url}/revoke`, form())).status).toBe(200);
      const seen = await post<{ active: boolean }>(
        `${issuer.url}/introspect`, { token }, { authorization: basic(machine) });
      expect(seen.body.active).toBe(false);
    },
  });
});

test("R7_refresh: the token is good until its successor is given", async () => {
  const code = plantCode(issuer, { client: app.id, user });
  let token = (await redeem(issuer, app.id, code)).body.refresh_token ?? "";
  await sweep({
    calls: KINDS,
    run: () => ask(() => refresh(issuer, app.id, token), 200),
    settle: async () => {
      const next = await refresh(issuer, app.id, token);
      expect(next.status, next.text).toBe(200);
      token = next.body.refresh_token ?? "";
    },
  });
});

test("R7_codes: one is exchanged once, if at all", async () => {
  let code = "";
  let reply: Reply<Tokens & OAuthError> | undefined;
  await sweep({
    calls: KINDS,
    prepare: async () => {
      code = plantCode(issuer, { client: app.id, user, scope: "openid ingest:write" });
    },
    run: async () => {
      reply = await ask(() => redeem(issuer, app.id, code), 200);
    },
    settle: async () => {
      const again = await redeem(issuer, app.id, code);
      if (reply) expect(again.body.error).toBe("invalid_grant");
      else expect([200, 400]).toContain(again.status);
    },
  });
});

test("R7_sign_in: a right password opens the account or is not judged", async () => {
  const person = await comeIn(server, tenant);
  const browser = new Browser(server.url);
  const asked = await nameOneself(browser, person.email);
  const cookies = new Map(browser.cookies);
  await sweep({
    calls: KINDS,
    // The form is one of who has not signed in yet.
    prepare: async () => {
      browser.cookies.clear();
      for (const [name, value] of cookies) browser.cookies.set(name, value);
    },
    run: () => ask(
      () => browser.submit(asked, asked.form("password"), { password: person.password }), 200),
    stride: 19,
  });
});

test("R7_sign_in: who has proved a first factor is not sent back to the beginning", async () => {
  const person = await comeIn(server, tenant);
  await setUpApp(person);
  const browser = new Browser(server.url);
  const asked = await nameOneself(browser, person.email);
  const second = await browser.submit(asked, asked.form("password"), { password: person.password });
  await sweep({
    calls: ["memory", "crypto"],
    run: async () => {
      const page = await ask(() => browser.open(second.url.href), 200);
      if (page) expect(page.url.pathname).toBe("/sign-in/second");
    },
    stride: 5,
  });
});
