// However a session ends before its time: what was given in it ends, and its clients are told.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  authorize, BACK, expectCode, expectSentTo, request, type Sender, VERIFIER,
} from "./harness/authorize.ts";
import { Browser } from "./harness/browser.ts";
import { mailTo } from "./harness/mail.ts";
import { makeMember, unique } from "./harness/make.ts";
import {
  claimsOf, type Issuer, makeIssuer, makePublicClient, type OAuthError, post, type Tokens,
} from "./harness/oauth.ts";
import { comeIn, PASSWORD, type Person, signIn } from "./harness/people.ts";
import { makeUser } from "./harness/planted.ts";
import { plantConsent, plantSession } from "./harness/planted_session.ts";
import { Receiver } from "./harness/receiver.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal, Record_ } from "./harness/types.ts";
import { until } from "./harness/until.ts";
import { OUTBOUND, Upstream } from "./harness/upstream.ts";

const server = useServer({ args: OUTBOUND });
const receiver = new Receiver();
const upstream = new Upstream();
let issuer: Issuer;
/** One of a workspace, and one of the installation, which want to be told. */
let app: Principal;
let portal: Principal;

beforeAll(async () => {
  await receiver.start();
  await upstream.start(`${server.url}/sign-in/provider/callback`);
  issuer = await makeIssuer(server, "ingest:write");
  const wish = { backchannel_logout_uri: `${receiver.url}/told` };
  app = await makePublicClient(issuer, wish);
  portal = (await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
    name: unique("portal"), type: "authorization_code_pkce", redirect_uris: [BACK], ...wish,
  })).principal;
});
afterAll(async () => {
  await receiver.stop();
  await upstream.stop();
});

interface Given {
  base: string;
  client: Principal;
  tokens: Required<Tokens>;
  sid: string;
  sender: Sender;
}

async function given(base: string, client: Principal, sender: Sender): Promise<Given> {
  const code = expectCode(
    await authorize(base, request(client.id, { scope: "openid" }), sender), base);
  const reply = await post(`${base}/token`, {
    grant_type: "authorization_code", client_id: client.id, code, redirect_uri: BACK,
    code_verifier: VERIFIER,
  });
  expect(reply.status, reply.text).toBe(200);
  const tokens = reply.body as unknown as Required<Tokens>;
  return { base, client, tokens, sid: String(claimsOf(tokens.id_token)["sid"]), sender };
}

/** What an end-user has in a browser of his. */
function asUser(user: Principal): Promise<Given> {
  plantConsent(server.store, user, app.id, "openid ingest:write");
  return given(issuer.url, app, plantSession(server.store, { user }));
}

/** What a member has; in a browser of his, or in a planted one. */
function asMember(member: Principal, browser?: Browser): Promise<Given> {
  if (server.store.value("SELECT COUNT(*) FROM consents WHERE principal = "
    + server.store.literal(member.id)) === "0")
    plantConsent(server.store, member, portal.id, "openid");
  const cookie = `__Host-thingward=${browser?.cookies.get("__Host-thingward")}`;
  return given(server.url, portal,
    browser ? { cookie } : plantSession(server.store, { user: member }));
}

const user = (): Promise<Principal> => makeUser(issuer, "ingest:write");

function toldOf(sid: string): number {
  return receiver.received.filter((each) => {
    const token = new URLSearchParams(each.body).get("logout_token") ?? "";
    return claimsOf(token)["sid"] === sid;
  }).length;
}

function refreshed(of: Given) {
  return post<Tokens & OAuthError>(`${of.base}/token`, {
    grant_type: "refresh_token", client_id: of.client.id, refresh_token: of.tokens.refresh_token,
  });
}

/** Its client is told once, and nothing of it works any more. */
async function expectEnded(...all: Given[]): Promise<void> {
  for (const one of all) {
    expect((await refreshed(one)).body.error).toBe("invalid_grant");
    const { status } = await server.as(one.tokens.access_token).request("GET", "/api/self");
    expect(status).toBe(401);
    await until("the client to be told", () => toldOf(one.sid) > 0);
  }
  for (const one of all) expect(toldOf(one.sid)).toBe(1);
}

async function expectSignedOut(of: Given): Promise<void> {
  expectSentTo(await authorize(of.base, request(of.client.id, { scope: "openid" }), of.sender),
    of.base, "sign-in", "login");
}

async function expectLives(of: Given): Promise<void> {
  expect((await refreshed(of)).status).toBe(200);
  expect(toldOf(of.sid)).toBe(0);
}

describe("an end-user", () => {
  test("OIDC-BackChannel-2 who is suspended, or deleted", async () => {
    const [one, other, third] = [await user(), await user(), await user()];
    const [first, second, bystander] =
      [await asUser(one), await asUser(other), await asUser(third)];
    const at = `/api/workspaces/${issuer.workspace.id}/end-users`;
    await issuer.tenant.admin.patch(`${at}/${one.id}`, { state: "suspended" });
    await issuer.tenant.admin.delete(`${at}/${other.id}`);
    await expectEnded(first, second);
    await expectSignedOut(first);
    await expectSignedOut(second);
    await expectLives(bystander);
  });

  test("E14_sessions: one that an administrator ends, and not another of the same user",
    async () => {
      const ada = await user();
      plantConsent(server.store, ada, app.id, "openid ingest:write");
      const browser = plantSession(server.store, { user: ada });
      const one = await given(issuer.url, app, browser);
      const other = await given(issuer.url, app, browser);
      await issuer.tenant.admin.delete(
        `/api/workspaces/${issuer.workspace.id}/sessions/${one.sid}`);
      await expectEnded(one);
      await expectLives(other);
    });

  test("RFC7009-2.1 a client that gives back what it has is not told of it", async () => {
    const one = await asUser(await user());
    const marker = await asUser(await user());
    await post(`${issuer.url}/revoke`,
      { client_id: app.id, token: one.tokens.refresh_token });
    expect((await refreshed(one)).body.error).toBe("invalid_grant");
    await issuer.tenant.admin.delete(
      `/api/workspaces/${issuer.workspace.id}/sessions/${marker.sid}`);
    await expectEnded(marker);
    expect(toldOf(one.sid)).toBe(0);
  });
});

async function personOf(email: string): Promise<string> {
  const [person] = await server.operator.list<{ id: string }>(`/api/persons?q=${email}`);
  return person?.id ?? "";
}

describe("who ends all his other sessions", () => {
  /** One is kept; of the others there are more than the page lists. */
  async function endOthers(user: Principal, base: string): Promise<void> {
    const kept = plantSession(server.store, { user });
    for (let i = 0; i < 110; i++) plantSession(server.store, { user });
    const browser = new Browser(server.url);
    browser.cookies.set(kept.name, kept.value);
    const page = await browser.open(`${base}/account`);
    const done = await browser.submit(page, page.form("session", "others"), { session: "others" });
    expect(done.text).toContain("You are signed out everywhere else");
    expect((await browser.open(`${base}/account`)).heading).toBe("Your account");
    const who = server.store.literal(user.id);
    expect(server.store.value(`SELECT COUNT(*) FROM sessions WHERE principal = ${who}`
      + ` OR person = (SELECT person FROM principals WHERE principal = ${who})`)).toBe("1");
  }

  test("E2_account: an end-user", async () => {
    const [ada, eve] = [await user(), await user()];
    const [ends, another] = [await asUser(ada), await asUser(eve)];
    await endOthers(ada, issuer.url);
    await expectEnded(ends);
    await expectSignedOut(ends);
    await expectLives(another);
  });

  test("E2_account: a member, in each organisation", async () => {
    const here = await makeMember(issuer.tenant);
    const elsewhere = await makeIssuer(server);
    const there = (await elsewhere.tenant.admin.post<ClientCreated>(
      `${elsewhere.tenant.path}/members`, { email: here.email })).principal;
    const all = [];
    for (const member of [here, there]) {
      plantConsent(server.store, member, portal.id, "openid");
      all.push(await given(server.url, portal,
        plantSession(server.store, { user: member, only_org: member.org })));
    }
    const bystander = await asMember(await makeMember(issuer.tenant));
    await endOthers(here, server.url);
    await expectEnded(...all);
    await expectLives(bystander);
  });

  test("E2_account: what was given in the one that is kept goes on", async () => {
    const ada = await comeIn(server, issuer.tenant);
    const [kept, ends] = [await asMember(ada.principal, ada.browser),
      await asMember(ada.principal)];
    const page = await ada.browser.open("/account");
    await ada.browser.submit(page, page.form("session", "others"), { session: "others" });
    await expectEnded(ends);
    await expectLives(kept);
  });
});

describe("a member", () => {
  test("OIDC-BackChannel-2 whose account the operator suspends, in each organisation", async () => {
    const here = await makeMember(issuer.tenant);
    const elsewhere = await makeIssuer(server);
    const there = (await elsewhere.tenant.admin.post<ClientCreated>(
      `${elsewhere.tenant.path}/members`, { email: here.email })).principal;
    plantConsent(server.store, here, portal.id, "openid");
    plantConsent(server.store, there, portal.id, "openid");
    const all = [];
    for (const member of [here, there])
      all.push(await given(server.url, portal,
        plantSession(server.store, { user: member, only_org: member.org })));
    const bystander = await asMember(await makeMember(issuer.tenant));
    const at = `/api/persons/${await personOf(here.email ?? "")}`;
    await server.operator.patch(at, { state: "suspended" });
    await expectEnded(...all);
    await expectLives(bystander);
    // Nobody comes back with what has ended, or is told twice.
    await server.operator.patch(at, { state: "active" });
    await server.operator.patch(at, { state: "suspended" });
    await expectEnded(...all);
  });

  test("OIDC-BackChannel-2 who is disabled or removed in the organisation, and only there",
    async () => {
      const members = [await makeMember(issuer.tenant), await makeMember(issuer.tenant)];
      const [disabled, removed] = members as [Principal, Principal];
      const all = [await asMember(disabled), await asMember(removed)];
      const at = `${issuer.tenant.path}/members`;
      await issuer.tenant.admin.patch(`${at}/${disabled.id}`, { state: "suspended" });
      await issuer.tenant.admin.delete(`${at}/${removed.id}`);
      await expectEnded(...all);
    });

  test("OIDC-BackChannel-2 who changes his password, and who sets a forgotten one anew",
    async () => {
      const ada = await comeIn(server, issuer.tenant);
      const first = await asMember(ada.principal, ada.browser);
      const account = await ada.browser.open("/account");
      await ada.browser.submit(account, account.form("new_password"),
        { password: PASSWORD, new_password: `${PASSWORD} again` });
      await expectEnded(first);
      // He is signed in still, and begins anew.
      const second = await asMember(ada.principal, ada.browser);
      await resetPassword(ada);
      await expectEnded(second);
      await expectSignedOut(second);
    });

  test("E7_consent: who takes back a consent: its client is told, and one change recorded",
    async () => {
      const ada = await comeIn(server, issuer.tenant);
      const all = [await asMember(ada.principal, ada.browser),
        await asMember(ada.principal, ada.browser)];
      const account = await ada.browser.open("/account");
      const withdraw = `${ada.principal.org}.${portal.id}`;
      await ada.browser.submit(account, account.form("withdraw"), { withdraw });
      await expectEnded(...all);
      expect((await ada.browser.open("/account")).heading).toBe("Your account");
      const records = await issuer.tenant.admin.list<Record_>(`${issuer.tenant.path}/records`);
      expect(records.filter((one) => one.actor.id === ada.principal.id).map((one) => one.action))
        .toEqual(["consents.withdraw", "principals.accept"]);
    });

  test("OIDC-BackChannel-2 in whose browser somebody else signs in", async () => {
    const [ada, eve] = [await comeIn(server, issuer.tenant), await comeIn(server, issuer.tenant)];
    const [first, second] =
      [await asMember(ada.principal, ada.browser), await asMember(eve.principal, eve.browser)];
    // The same one again: nothing ends.
    await signIn(ada.browser, ada.email, PASSWORD, "/sign-in?need=login");
    await expectLives(first);
    const again = await asMember(ada.principal, ada.browser);
    await signIn(ada.browser, eve.email, PASSWORD, "/sign-in?need=login");
    await expectEnded(again);
    await expectSignedOut(again);
    await expectLives(second);
  });
});

async function resetPassword(of: Person): Promise<void> {
  const browser = new Browser(server.url);
  const asked = await browser.open("/reset");
  await browser.submit(asked, asked.form("email"), { email: of.email });
  const page = await browser.open((await mailTo(server, of.email, 2)).link);
  const done = await browser.submit(page, page.form("new_password"),
    { new_password: `${PASSWORD} once more` });
  expect(done.status, done.text).toBe(200);
}

describe("who came by an organisation's provider", () => {
  async function come(): Promise<{ given: Given; provider: string }> {
    const provider = upstream.planted(server, issuer.tenant,
      { name: unique("provider"), domains: ["example.com"] });
    const email = `${unique("person")}@example.com`;
    const member = (await issuer.tenant.admin.post<ClientCreated>(
      `${issuer.tenant.path}/members`, { email, invite: true })).principal;
    const browser = new Browser(server.url);
    const page = await upstream.signIn(browser, provider,
      { sub: unique("sub"), email, email_verified: true });
    expect(page.url.pathname, page.text).toBe("/signed-in");
    return {
      given: await asMember(member, browser),
      provider: `${issuer.tenant.path}/providers/${provider.id}`,
    };
  }

  test("B3_providers: a provider that is turned off ends what began by it", async () => {
    const [one, other] = [await come(), await come()];
    await issuer.tenant.admin.patch(one.provider, { state: "suspended" });
    await expectEnded(one.given);
    await expectSignedOut(one.given);
    await expectLives(other.given);
    await issuer.tenant.admin.patch(one.provider, { state: "active" });
    await expectSignedOut(one.given);
  });

  test("B3_providers: who is removed is signed out of what that alone opened", async () => {
    const [one, other] = [await come(), await come()];
    const member = claimsOf(one.given.tokens.access_token)["sub"] as string;
    await issuer.tenant.admin.delete(`${issuer.tenant.path}/members/${member}`);
    await expectEnded(one.given);
    await expectSignedOut(one.given);
    await expectLives(other.given);
  });

  test("B3_providers: a provider that is deleted, though the browser's session is over",
    async () => {
      const one = await come();
      const store = server.store;
      // As if the session had ended by itself: refresh tokens live longer.
      store.alter(`DELETE FROM sessions WHERE provider = ${
        store.literal(one.provider.split("/").at(-1) ?? "")}`);
      const by = await asMember(await makeMember(issuer.tenant));
      await issuer.tenant.admin.delete(one.provider);
      await expectEnded(one.given);
      await expectLives(by);
    });
});

test("what has ended leaves a store that holds", async () => {
  await server.store.prove();
});
