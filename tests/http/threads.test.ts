// Everything that runs beside each other in one server, at once: "./test threads" has the thread
// sanitizer watch it.
import { expect, test } from "vitest";
import { Browser } from "./harness/browser.ts";
import { may, subjectOf } from "./harness/decide.ts";
import { makeGroup, makeMember, makeOrg, makeRole, makeWorkspace, orgNode, unique }
  from "./harness/make.ts";
import {
  basic, clientToken, type Issuer, issuerOf, makeMachineClient, makePublicClient, post,
} from "./harness/oauth.ts";
import { comeIn, signIn } from "./harness/people.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { Server } from "./harness/server.ts";
import type { Grant } from "./harness/types.ts";

const ROUNDS = 12;

async function repeat(work: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await work(round);
}

/** Codes exchanged and refreshed, by two at once; introspected while the keys are rotated. */
async function makeTokenWork(issuer: Issuer): Promise<(() => Promise<void>)[]> {
  const app = await makePublicClient(issuer);
  const machine = await makeMachineClient(issuer, "ingest:write");
  const user = await makeUser(issuer, "ingest:write");
  const keys = `/api/workspaces/${issuer.workspace.id}/keys/rotate`;
  const authorization = basic(machine);
  await clientToken(issuer, machine); // which makes the first key
  return [
    () => repeat(async () => {
      // The store is changed behind the server's back, which one of SQLite has to wait for.
      const code = plantCode(issuer, { client: app.id, user });
      const first = await redeem(issuer, app.id, code);
      expect(first.status, first.text).toBe(200);
      const next = await Promise.all([1, 2].map(() =>
        refresh(issuer, app.id, first.body.refresh_token ?? "")));
      expect(next.map((reply) => reply.status)).toEqual([200, 200]);
    }),
    () => repeat(async () => {
      const { access_token: token } = await clientToken(issuer, machine, "ingest:write");
      const seen = await post<{ active: boolean }>(
        `${issuer.url}/introspect`, { token }, { authorization });
      expect(seen.body.active).toBe(true);
    }),
    () => repeat(async (round) => {
      if (round % 4 === 0) await issuer.tenant.admin.post(keys, {});
      expect((await fetch(`${issuer.url}/jwks`)).status).toBe(200);
      expect((await fetch(`${issuer.server.url}/metrics`)).status).toBe(200);
    }),
  ];
}

/** Grants that come and go, while their holder is decided about and a group is changed. */
async function makeChangeWork(issuer: Issuer): Promise<(() => Promise<void>)[]> {
  const { tenant } = issuer;
  const member = await makeMember(tenant);
  const group = await makeGroup(tenant, member);
  const role = await makeRole(tenant, ["iam:members:read"]);
  const at = { type: "organisation", id: tenant.org.id };
  const ask = () => may(tenant.admin, subjectOf(member), "iam:members:read", at);
  return [
    () => repeat(async () => {
      const grant = await tenant.admin.post<Grant>(`${tenant.path}/grants`, {
        holder: { kind: "group", id: group.id }, role: role.name, node: orgNode(tenant) });
      expect(await ask()).toBe(true);
      await tenant.admin.delete(`${tenant.path}/grants/${grant.id}`);
      expect(await ask()).toBe("no-grant");
    }),
    () => repeat(() => tenant.admin.patch(
      `${tenant.path}/groups/${group.id}`, { name: unique("group") })),
    () => repeat(async () => {
      await Promise.all(Array.from({ length: 8 }, ask));
      await tenant.admin.list(`${tenant.path}/records`);
    }),
  ];
}

test("decisions, changes, sign-ins and tokens at once, and the end amid them", async () => {
  const server = new Server();
  try {
    await server.start();
    const tenant = await makeOrg(server, "sensor-workspace");
    const issuer = await issuerOf(server, tenant, await makeWorkspace(tenant), "ingest:write");
    const person = await comeIn(server, tenant);
    const work = [
      ...(await makeTokenWork(issuer)), ...(await makeChangeWork(issuer)),
      async () => {
        const page = await signIn(new Browser(server.url), person.email, person.password);
        expect(page.status, page.text).toBe(200);
      },
    ];
    await Promise.all(work.map((one) => one()));
    // Whatever becomes of what is asked now, the server ends as it should.
    const late = work.map((one) => one().catch(() => undefined));
    await server.stop();
    await Promise.all(late);
  } finally {
    await server.finish();
  }
});
