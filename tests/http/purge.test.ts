// What has ended leaves nothing: after a purge no row of it is in the store.
import { beforeAll, expect, test } from "vitest";
import { authorize, BACK, expectCode, request, VERIFIER } from "./harness/authorize.ts";
import { makeMember, unique } from "./harness/make.ts";
import { claimsOf, type Issuer, makeIssuer, makePublicClient, post } from "./harness/oauth.ts";
import { makeUser, plantCode, redeem } from "./harness/planted.ts";
import { plantConsent, plantSession } from "./harness/planted_session.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal, PrincipalCreated } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const server = useServer({ args: ["--outbound-private", "127.0.0.0/8"] });
let issuer: Issuer;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
});

function count(table: string, where = "1 = 1"): number {
  return Number(server.store.value(`SELECT COUNT(*) FROM ${table} WHERE ${where}`));
}

/** A server that begins looks for what has ended, and goes on until nothing is left. */
async function untilPurged(...counts: (() => number)[]): Promise<void> {
  await server.restart();
  await until("the purge", () => counts.every((each) => each() === 0), 60_000);
}

test("purge: what has ended by itself", async () => {
  const user = await makeUser(issuer, "ingest:write");
  const client = await makePublicClient(issuer,
    { backchannel_logout_uri: "http://127.0.0.1:9/nobody" });
  const { body } = await redeem(issuer, client.id, plantCode(issuer, { client: client.id, user }));
  plantSession(server.store, { user });
  await issuer.tenant.admin.delete(`/api/workspaces/${issuer.workspace.id}/sessions/${
    String(claimsOf(body.access_token)["sid"])}`);
  await redeem(issuer, client.id, plantCode(issuer, { client: client.id, user }));
  await issuer.tenant.admin.post<PrincipalCreated>(`${issuer.tenant.path}/members`,
    { email: `${unique("p")}@example.com`, invite: true });
  const tables = ["sessions", "codes", "families", "refusals", "links", "logout_notices"];
  for (const table of tables) {
    expect(count(table), table).toBeGreaterThan(0);
    server.store.alter(
      `UPDATE ${table} SET ${table === "refusals" ? "until_us" : "expires_us"} = 1`);
  }
  await untilPurged(...tables.map((table) => () => count(table)));
  await server.store.prove();
});

test("purge: what users of every organisation had with a client of the platform that is deleted",
  async () => {
    const name = unique("portal");
    const make = async (): Promise<Principal> => (await server.operator.post<ClientCreated>(
      "/api/orgs/platform/clients",
      { name: unique(name), type: "authorization_code_pkce", redirect_uris: [BACK] })).principal;
    const [gone, stays] = [await make(), await make()];
    const elsewhere = await makeIssuer(server);
    for (const { tenant } of [issuer, elsewhere]) {
      const member = await makeMember(tenant);
      const session = plantSession(server.store, { user: member });
      for (const client of [gone, stays]) {
        plantConsent(server.store, member, client.id, "openid");
        const code = expectCode(await authorize(server.url,
          request(client.id, { scope: "openid" }), session), server.url);
        const reply = await post(`${server.url}/token`, {
          grant_type: "authorization_code", client_id: client.id, code, redirect_uri: BACK,
          code_verifier: VERIFIER,
        });
        expect(reply.status, reply.text).toBe(200);
      }
    }
    const of = (client: Principal) => `client = ${server.store.literal(client.id)}`;
    // More than one batch takes.
    const columns = "workspace, client_org, client, principal, person, hash, pepper, rotations,"
      + " scope, methods, auth_us, created_us, used_us, expires_us, ends_us";
    for (let i = 0; i < 8; i++)
      server.store.alter(`INSERT INTO families (org, family, ${columns}) SELECT org,`
        + ` ${server.store.randomId}, ${columns} FROM families WHERE ${of(gone)}`);
    expect(count("families", of(gone))).toBe(512);
    await server.operator.delete(`/api/orgs/platform/clients/${gone.id}`);
    await server.store.prove();
    await untilPurged(() => count("families", of(gone)), () => count("consents", of(gone)));
    expect(count("families", of(stays))).toBe(2);
    expect(count("consents", of(stays))).toBe(2);
    // That it is gone is forgotten itself, once nothing can come of it any more.
    expect(count("gone_clients")).toBe(1);
    server.store.alter("UPDATE gone_clients SET since_us = 1");
    await untilPurged(() => count("gone_clients"));
    await server.store.prove();
  });
