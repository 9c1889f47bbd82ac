// What is asked at the same moment: of two owners who remove each other one stays, and who has
// lost a role plants nothing with it.
import { expect, test } from "vitest";
import type { Answer, Api } from "./harness/api.ts";
import { makeCaller, makeWorkshop, STOP } from "./harness/giving.ts";
import { give, makeMachine, makeOrg, makeRole, orgNode } from "./harness/make.ts";
import { Server, useServer } from "./harness/server.ts";
import type { Grant, Principal } from "./harness/types.ts";

const server = useServer();
const ROUNDS = 20;

interface Owner {
  id: string;
}

/** Two removals at once: one is done, the other is refused, and one owner is left. */
async function duel(
  path: string,
  owners: readonly [Api, Api],
  remove: (by: Api, whom: string) => Promise<Answer>,
): Promise<void> {
  const ids = await Promise.all(owners.map(async (one) => (await one.get<Owner>("/api/self")).id));
  const answers = await Promise.all([
    remove(owners[0], ids[1] ?? ""),
    remove(owners[1], ids[0] ?? ""),
  ]);
  const done = answers.filter(({ status }) => status < 300);
  expect(done, answers.map((one) => one.text).join("\n")).toHaveLength(1);
  // Refused as somebody who is no longer there, or has lost the right, or the sight, in between.
  for (const { status } of answers) expect([200, 204, 401, 403, 404, 409]).toContain(status);
  const left = await Promise.all(owners.map((one) => one.request("GET", path)));
  expect(left.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
}

const WAYS: [string, (path: string, id: string, by: Api) => Promise<Answer>][] = [
  ["delete", (path, id, by) => by.request("DELETE", `${path}/api-keys/${id}`)],
  ["suspend", (path, id, by) =>
    by.request("PATCH", `${path}/api-keys/${id}`, { state: "suspended" })],
  ["take the grant of", async (path, id, by) => {
    const grants = await by.request<{ items?: Grant[] }>("GET", `${path}/grants?holder=${id}`);
    const grant = grants.body?.items?.[0];
    // The other was quicker: the list itself is refused by then.
    return grant ? by.request("DELETE", `${path}/grants/${grant.id}`) : grants;
  }],
];

test.each(WAYS)("E6_race: two owners who %s each other leave one", async (_, way) => {
  for (let round = 0; round < ROUNDS; round++) {
    const tenant = await makeOrg(server);
    const second = await makeMachine(tenant, "api-keys", { roles: ["owner"] });
    await duel(tenant.path, [tenant.admin, server.as(second.secret)],
      (by, whom) => way(tenant.path, whom, by));
  }
});

test("E6_race: two operators who delete each other leave one", async () => {
  const platform = new Server();
  try {
    await platform.start();
    const path = "/api/orgs/platform";
    let kept = platform.operator;
    for (let round = 0; round < ROUNDS; round++) {
      const made = await kept.post<{ secret: string }>(`${path}/api-keys`,
        { name: `operator-${round}`, roles: ["operator"] });
      const other = platform.as(made.secret);
      await duel(path, [kept, other],
        (by, whom) => by.request("DELETE", `${path}/api-keys/${whom}`));
      if ((await kept.request("GET", path)).status !== 200) kept = other;
    }
  } finally {
    await platform.finish();
  }
});

/** Revokes while grants are being planted; from the answer on, none may succeed. */
async function plant(
  holders: readonly Principal[],
  planter: (to: Principal) => Promise<Answer>,
  revoke: () => Promise<unknown>,
): Promise<{ before: Answer[]; after: Answer[] }> {
  const first = holders.slice(0, holders.length / 2).map(planter);
  await revoke();
  const after = await Promise.all(holders.slice(holders.length / 2).map(planter));
  return { before: await Promise.all(first), after };
}

test("E6_race: an administrator whose role is being revoked plants nothing afterwards",
  async () => {
    const shop = await makeWorkshop(server);
    const { admin, path } = shop;
    const role = await makeRole(shop, [...shop.usual, STOP]);
    const machines = await Promise.all(Array.from({ length: 12 },
      () => makeMachine(shop, "service-accounts", { roles: [] })));
    const holders = machines.map((one) => one.principal);
    for (let round = 0; round < ROUNDS; round++) {
      const caller = await makeCaller(shop, []);
      const right = await give(shop, caller.principal, role.name);
      const planter = (to: Principal) => caller.api.request("POST", `${path}/grants`, {
        holder: { kind: "principal", id: to.id }, role: shop.strong.name, node: orgNode(shop),
        // Another grant each round.
        expires_at: new Date(Date.now() + 3_600_000 + round).toISOString(),
      });
      const planted = await plant(holders, planter, async () => {
        if (round % 2 === 0) await admin.delete(`${path}/grants/${right.id}`);
        else await admin.patch(`${path}/service-accounts/${caller.principal.id}`,
          { state: "suspended" });
      });
      for (const { status } of planted.before) expect([201, 401, 403]).toContain(status);
      for (const { status } of planted.after) expect(status).toBe(round % 2 === 0 ? 403 : 401);

      // What stands is what was acknowledged, all of it and nothing else.
      const done = planted.before.filter(({ status }) => status === 201)
        .map((one) => (one.body as Grant).id).toSorted();
      const grants = await admin.list<Grant & { created_by: string }>(`${path}/grants`);
      const stands = grants.filter((one) => one.created_by === caller.principal.id)
        .map((one) => one.id).toSorted();
      expect(stands).toEqual(done);
      for (const id of stands) await admin.delete(`${path}/grants/${id}`);
    }
  });

test("E6_race: nor after the role itself has lost it, or the group has let go", async () => {
  const shop = await makeWorkshop(server);
  const { admin, path } = shop;
  const to = (await makeMachine(shop, "service-accounts", { roles: [] })).principal;
  for (let round = 0; round < ROUNDS; round++) {
    const role = await makeRole(shop, [...shop.usual, STOP]);
    const group = await admin.post<{ id: string; name: string }>(`${path}/groups`,
      { name: `planters-${round}` });
    await admin.post(`${path}/grants`,
      { holder: { kind: "group", id: group.id }, role: role.name, node: orgNode(shop) });
    const caller = await makeCaller(shop, shop.usual);
    await admin.put(`${path}/groups/${group.id}/members/${caller.principal.id}`);
    const planter = () => caller.api.request("POST", `${path}/grants`, {
      holder: { kind: "principal", id: to.id }, role: shop.strong.name, node: orgNode(shop),
      expires_at: new Date(Date.now() + 3_600_000 + Math.random() * 1e6).toISOString(),
    });
    const planted = await plant(Array.from({ length: 6 }, () => to), planter, async () => {
      if (round % 2 === 0)
        await admin.put(`${path}/roles/${role.id}`,
          { name: role.name, kinds: role.kinds, exercises: shop.usual });
      else await admin.delete(`${path}/groups/${group.id}/members/${caller.principal.id}`);
    });
    for (const { status } of planted.before) expect([201, 403]).toContain(status);
    for (const answer of planted.after) {
      expect(answer.status, answer.text).toBe(403);
      expect(answer.body).toMatchObject({ permission: STOP });
    }
  }
});
