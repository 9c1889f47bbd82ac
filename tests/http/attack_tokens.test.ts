// Ways to more than one has: keys of others' clients, secrets by tokens, sessions of one tenant.
import { generateKeyPairSync } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { expectForbidden } from "./harness/api.ts";
import { Browser } from "./harness/browser.ts";
import { expectNothingGiven, makeWorkshop, type Workshop } from "./harness/giving.ts";
import { mailTo } from "./harness/mail.ts";
import { give, makeInWorkspace, makeOrg, unique, workspaceNode } from "./harness/make.ts";
import { clientToken, giveScope, makeIssuer, makeMachineClient } from "./harness/oauth.ts";
import { comeIn, signIn } from "./harness/people.ts";
import { plantSession } from "./harness/planted_session.ts";
import { useServer } from "./harness/server.ts";
import type { Principal, PrincipalCreated } from "./harness/types.ts";

const server = useServer();
let shop: Workshop;

beforeAll(async () => {
  shop = await makeWorkshop(server);
});

function makeKeys(): { keys: object[] } {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { keys: [{ ...publicKey.export({ format: "jwk" }), kid: unique("key") }] };
}

test("E6_attack: nobody becomes a client that may do more, by keys of his own for it", async () => {
  const clients = `/api/workspaces/${shop.workspace.id}/clients`;
  const signed = { token_endpoint_auth_method: "private_key_jwt", jwks: makeKeys() };
  for (const draft of [{}, signed]) {
    const { principal } = await makeInWorkspace(shop, shop.workspace, "clients", draft);
    await give(shop, principal, shop.strong.name, workspaceNode(shop.workspace));
    const at = `${clients}/${principal.id}`;
    for (const keys of [{ jwks: makeKeys() },
      { jwks: null, jwks_uri: "https://attacker.example.org/jwks" }]) {
      const change = { token_endpoint_auth_method: "private_key_jwt", ...keys };
      await expectNothingGiven(shop, () => shop.weak.api.request("PATCH", at, change));
      await shop.able.api.patch(at, change);
      await shop.admin.patch(at, { jwks: null, jwks_uri: null, ...draft,
        token_endpoint_auth_method: "jwks" in draft ? "private_key_jwt" : "client_secret_basic" });
    }
    // What is no key is changed as before.
    await shop.weak.api.patch(at, { access_token_ttl_s: 120 });
  }
});

test("E8_attack: a token makes no secret and no key for its own client", async () => {
  const issuer = await makeIssuer(server, "ingest:write");
  const client = await makeMachineClient(issuer, "ingest:write", "iam:credentials:create");
  await giveScope(issuer, client.principal, "iam:clients:update");
  const { access_token } = await clientToken(
    issuer, client, "iam:credentials:create iam:clients:update");
  const thief = server.as(access_token);
  const at = `/api/workspaces/${issuer.workspace.id}`;
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  expectForbidden(await thief.request("POST", `${at}/principals/${client.id}/credentials`,
    { name: "again", expires_at }), undefined, "own-end");
  expectForbidden(await thief.request("PATCH", `${at}/clients/${client.id}`,
    { token_endpoint_auth_method: "private_key_jwt", jwks: makeKeys() }), undefined, "own-end");
});

test("B3_attack: who came by one organisation's provider has nothing of the account", async () => {
  const tenant = await makeOrg(server), victim = await makeOrg(server);
  const person = await comeIn(server, tenant);
  const { principal } = await victim.admin.post<PrincipalCreated>(`${victim.path}/members`,
    { email: person.email, invite: true });
  const invitation = (await mailTo(server, person.email, 2)).link;
  const browser = new Browser(server.url);
  const session = plantSession(server.store, { user: person.principal, only_org: tenant.org.id });
  browser.cookies.set(session.name, session.value);
  for (const path of ["/account", "/account/totp"])
    expect((await browser.open(path)).url.pathname).toBe("/signed-in");
  const asked = await browser.open(invitation);
  expect(asked.url.pathname).toBe("/sign-in");
  const now = await victim.admin.get<Principal>(`${victim.path}/members/${principal.id}`);
  expect(now.state).toBe("invited");
  // Of himself he is who he always was.
  const own = await signIn(browser, person.email, person.password, asked);
  expect(own.url.pathname).toBe("/invitation");
});
