// Signing in through an external provider, a real one.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectProblem, type Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailTo } from "./harness/mail.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { comeIn, openInvitation, PASSWORD, signIn } from "./harness/people.ts";
import type { Planted } from "./harness/planted_provider.ts";
import { useServer } from "./harness/server.ts";
import type { Principal, PrincipalCreated, Record_ } from "./harness/types.ts";
import { OUTBOUND, Upstream } from "./harness/upstream.ts";

const server = useServer({ args: OUTBOUND });
const upstream = new Upstream();
let tenant: Tenant;
let linking: Planted;
let strict: Planted;

beforeAll(async () => {
  tenant = await makeOrg(server);
  await upstream.start(`${server.url}/sign-in/provider/callback`);
  linking = upstream.planted(server, tenant, { name: "Linking", domains: ["example.com"] });
  strict = upstream.planted(server, tenant, { name: "Strict" });
});
afterAll(() => upstream.stop());

function browser(): Browser {
  return new Browser(server.url);
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/signed-in" && page.status === 200;
}

function verified(sub = unique("sub")): { sub: string; email: string; email_verified: boolean } {
  return { sub, email: `${unique("person")}@example.com`, email_verified: true };
}

async function invite(email: string): Promise<Principal> {
  return (await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`,
    { email, invite: true })).principal;
}

async function stateOf(principal: Principal): Promise<string> {
  return (await tenant.admin.get<Principal>(`${tenant.path}/members/${principal.id}`)).state;
}

async function memberCount(): Promise<number> {
  return (await tenant.admin.get<{ items: Principal[] }>(`${tenant.path}/members?limit=200`))
    .items.length;
}

describe("signing in", () => {
  test("B3_providers: who was invited comes by the provider, and is active at once", async () => {
    const account = verified();
    const member = await invite(account.email);
    const b = browser();
    const page = await upstream.signIn(b, linking, account);
    expect(isSignedIn(page), page.text).toBe(true);
    expect(page.text).toContain(account.email);
    expect(await stateOf(member)).toBe("active");
    expect(b.cookies.has("__Host-thingward-upstream")).toBe(false);
  });

  test("B3_providers: the same one comes again as the same member, whatever his address is now",
    async () => {
      const account = verified();
      const member = await invite(account.email);
      await upstream.signIn(browser(), linking, account);
      const count = await memberCount();
      const page = await upstream.signIn(browser(), linking,
        { ...account, email: `${unique("new")}@elsewhere.example`, email_verified: false });
      expect(isSignedIn(page), page.text).toBe(true);
      expect(page.text).toContain(account.email);
      expect(await memberCount()).toBe(count);
      expect(await stateOf(member)).toBe("active");
    });

  test("B3_providers: one profile for who has a password and comes by the provider too",
    async () => {
      const ada = await comeIn(server, tenant);
      const count = await memberCount();
      const page = await upstream.signIn(browser(), linking,
        { sub: unique("ada"), email: ada.email, email_verified: true, name: "Somebody Else" });
      expect(isSignedIn(page), page.text).toBe(true);
      expect(await memberCount()).toBe(count);
      const again = await signIn(browser(), ada.email, PASSWORD);
      expect(again.url.pathname, again.text).toBe("/account");
      expect(again.text).toContain("Ada Moreau");
    });

  test("B3_providers: an address of a domain that is not to be linked names nobody", async () => {
    const ada = await comeIn(server, tenant);
    const page = await upstream.signIn(browser(), strict,
      { sub: unique("ada"), email: ada.email, email_verified: true });
    expect(page.status).toBe(403);
    expect(page.text).toContain("address-in-use");
  });

  test.each([false, undefined, "false"])(
    "B3_providers: an address that is not verified (%s) names nobody", async (email_verified) => {
      const ada = await comeIn(server, tenant);
      const page = await upstream.signIn(browser(), linking, {
        sub: unique("ada"), email: ada.email,
        ...(email_verified === undefined ? {} : { email_verified }),
      });
      expect(page.status).toBe(403);
      expect(page.text).toContain("address-not-verified");
    });

  test("B3_providers: whoever is no member is told so, and nobody is made", async () => {
    const count = await memberCount();
    const page = await upstream.signIn(browser(), linking, verified());
    expect(page.status).toBe(403);
    expect(page.text).toContain("sign-up-closed");
    expect(await memberCount()).toBe(count);
  });

  test("B3_providers: what is recorded names the provider as who did it", async () => {
    const account = verified();
    const member = await invite(account.email);
    await upstream.signIn(browser(), linking, account);
    const records = await tenant.admin.get<{ items: Record_[] }>(
      `${tenant.path}/records?subject=${member.id}&limit=50`);
    const linked = records.items.find((one) => one.action === "identities.link");
    expect(linked).toMatchObject({ actor: { kind: "provider", id: linking.id } });
    expect(JSON.stringify(linked)).toContain(account.sub);
  });
});

describe("who may not come in any more", () => {
  test("B3_providers: a member who is disabled", async () => {
    const account = verified();
    const member = await invite(account.email);
    await upstream.signIn(browser(), linking, account);
    await tenant.admin.patch(`${tenant.path}/members/${member.id}`, { state: "suspended" });
    const page = await upstream.signIn(browser(), linking, account);
    expect(page.status).toBe(403);
    expect(page.text).toContain("principal-not-active");
  });

  test("B3_providers: a member who was deleted, until he is invited again", async () => {
    const open = upstream.planted(server, tenant, { sign_up: true, domains: ["example.com"] });
    await tenant.admin.patch(tenant.path, { sign_up: true });
    const account = verified();
    expect(isSignedIn(await upstream.signIn(browser(), open, account))).toBe(true);
    const { items } = await tenant.admin.get<{ items: Principal[] }>(
      `${tenant.path}/members?limit=200`);
    const member = items.find((one) => one.email === account.email);
    await tenant.admin.delete(`${tenant.path}/members/${member?.id}`);
    const page = await upstream.signIn(browser(), open, account);
    expect(page.status).toBe(403);
    expect(page.text).toContain("principal-not-active");
    await invite(account.email);
    expect(isSignedIn(await upstream.signIn(browser(), open, account))).toBe(true);
    await tenant.admin.patch(tenant.path, { sign_up: false });
  });

  test("B3_providers: by a provider that is turned off, or of another organisation", async () => {
    const off = upstream.planted(server, tenant, { suspended: true });
    const other = await makeOrg(server);
    for (const reference of [off.reference, `${other.org.id}.${linking.id}`, "x", ""]) {
      const page = await browser().open(`/sign-in/provider?provider=${reference}`);
      expect(page.status).toBe(404);
    }
  });
});

describe("one address is one member", () => {
  let shop: Tenant;
  let own: Planted;
  beforeAll(async () => {
    shop = await makeOrg(server);
    await shop.admin.patch(shop.path, { sign_up: true });
    own = upstream.planted(server, shop, { name: "Own", sign_up: true });
  });

  async function memberOf(email: string): Promise<Principal[]> {
    const { items } = await shop.admin.get<{ items: Principal[] }>(
      `${shop.path}/members?limit=200`);
    return items.filter((one) => one.email?.toLowerCase() === email.toLowerCase());
  }

  test("B3_providers: who came by a provider alone is invited once that member is removed",
    async () => {
      const account = verified();
      expect(isSignedIn(await upstream.signIn(browser(), own, account))).toBe(true);
      const [member, ...others] = await memberOf(account.email);
      expect(others).toEqual([]);
      for (const email of [account.email, account.email.toUpperCase()])
        for (const invited of [true, false])
          expectProblem(await shop.admin.request("POST", `${shop.path}/members`,
            { email, invite: invited }), 409, "member-by-provider");
      expect(isSignedIn(await upstream.signIn(browser(), own, account))).toBe(true);
      // In another organisation that provider says nothing.
      await invite(account.email);
      await shop.admin.delete(`${shop.path}/members/${member?.id}`);
      await shop.admin.post(`${shop.path}/members`, { email: account.email, invite: true });
      // … and then he does not come by the provider any more, which is not believed.
      const page = await upstream.signIn(browser(), own, account);
      expect(page.text).toContain("address-in-use");
      expect(await memberOf(account.email)).toHaveLength(1);
    });

  test("B3_providers: nor does he join by himself a second time", async () => {
    const account = verified();
    expect(isSignedIn(await upstream.signIn(browser(), own, account))).toBe(true);
    const b = browser();
    const page = await b.open(`/sign-up?organisation=${shop.org.id}`);
    await b.submit(page, page.form("email"), { name: "Ada", email: account.email });
    const asked = await b.open((await mailTo(server, account.email)).link);
    const told = await b.submit(asked, asked.form("new_password"),
      { new_password: PASSWORD, decision: "accept" });
    expect(told.status).toBe(409);
    expect(told.text).toContain("signs in by a provider already");
    expect(await memberOf(account.email)).toHaveLength(1);
  });

  test("B3_providers: nor does who was invited become a second one by the provider", async () => {
    const account = verified();
    await shop.admin.post(`${shop.path}/members`, { email: account.email, invite: true });
    const page = await upstream.signIn(browser(), own, account);
    expect(page.text).toContain("address-in-use");
    expect(await memberOf(account.email)).toHaveLength(1);
  });
});

describe("what a sign-in by an organisation's provider does not open", () => {
  test("B3_providers: the account that the person has everywhere", async () => {
    const ada = await comeIn(server, tenant);
    const b = browser();
    await upstream.signIn(b, linking,
      { sub: unique("ada"), email: ada.email, email_verified: true });
    const page = await b.open("/account");
    expect(page.url.pathname).toBe("/signed-in");
  });

  test("B3_providers: an account of the same address in another organisation", async () => {
    const ada = await comeIn(server, tenant);
    const evil = await makeOrg(server);
    await evil.admin.patch(evil.path, { sign_up: true });
    const lying = upstream.planted(server, evil, { sign_up: true });
    const page = await upstream.signIn(browser(), lying,
      { sub: "the attacker", email: ada.email, email_verified: true });
    expect(isSignedIn(page), page.text).toBe(true);
    const { items } = await evil.admin.get<{ items: Principal[] }>(
      `${evil.path}/members?limit=200`);
    expect(items).toHaveLength(1);
    const persons = server.store.value(`SELECT COUNT(DISTINCT person) FROM principals`
      + ` WHERE principal IN (${server.store.literal(items[0]?.id ?? "")},`
      + ` ${server.store.literal(ada.principal.id)})`);
    expect(persons).toBe("2");
    const again = await signIn(browser(), ada.email, PASSWORD);
    expect(again.url.pathname, again.text).toBe("/account");
  });

  test("B3_providers: an invitation of who has an account already", async () => {
    const ada = await comeIn(server, tenant);
    const b = browser();
    await upstream.signIn(b, linking,
      { sub: unique("ada"), email: ada.email, email_verified: true });
    const other = await makeOrg(server);
    await other.admin.post(`${other.path}/members`, { email: ada.email, invite: true });
    const asked = await openInvitation(server, ada.email, b, 2);
    const page = asked.forms.some((one) => one.buttons.some((two) => two.value === "accept"))
      ? await b.submit(asked, asked.form("decision", "accept"), { decision: "accept" }) : asked;
    const { items } = await other.admin.get<{ items: Principal[] }>(`${other.path}/members`);
    expect(items.map((one) => one.state), page.text).toEqual(["invited"]);
  });
});

describe("the way there and back", () => {
  test("B3_providers: what the provider is asked carries PKCE, a state and a nonce", async () => {
    const away = await browser().open(`/sign-in/provider?provider=${linking.reference}`);
    const asked = Object.fromEntries(away.url.searchParams);
    expect(asked).toMatchObject({
      response_type: "code", client_id: upstream.clientId, code_challenge_method: "S256",
      redirect_uri: `${server.url}/sign-in/provider/callback`, scope: "openid email profile",
    });
    for (const name of ["state", "nonce", "code_challenge"])
      expect(asked[name]).toMatch(/^[\w-]{43}$/);
    expect(createHash("sha256").update(asked["state"] ?? "").digest("base64url"))
      .not.toBe(asked["code_challenge"]);
    const again = await browser().open(`/sign-in/provider?provider=${linking.reference}`);
    expect(again.url.searchParams.get("state")).not.toBe(asked["state"]);
  });

  test("B3_providers: who comes back in another browser, or twice, is not signed in", async () => {
    const account = verified();
    await invite(account.email);
    upstream.account = account;
    const b = browser();
    const away = await b.open(`/sign-in/provider?provider=${linking.reference}`);
    const back = await upstream.visit(away.url);
    const stranger = await browser().open(back);
    expect(stranger.status).toBe(400);
    expect(stranger.text).toContain("visit-unknown");
    expect(isSignedIn(await b.open(back))).toBe(true);
    expect((await b.open(back)).status).toBe(400);
  });

  test("B3_providers: a way back that was begun anew is the one that counts", async () => {
    const b = browser();
    const first = await b.open(`/sign-in/provider?provider=${linking.reference}`);
    await b.open(`/sign-in/provider?provider=${linking.reference}`);
    const state = first.url.searchParams.get("state") ?? "";
    const page = await b.open(`/sign-in/provider/callback?code=x&state=${state}`);
    expect(page.status).toBe(400);
  });

  test("B3_providers: who refuses there is told so, and can begin again", async () => {
    const b = browser();
    const away = await b.open(`/sign-in/provider?provider=${linking.reference}`);
    const state = away.url.searchParams.get("state") ?? "";
    const page = await b.open(`/sign-in/provider/callback?error=access_denied`
      + `&error_description=${encodeURIComponent("<b>words of theirs</b>")}&state=${state}`);
    expect(page.status).toBe(403);
    expect(page.text).not.toContain("words of theirs");
  });

  test("B3_providers: keys that were changed are fetched once more", async () => {
    const account = verified();
    await invite(account.email);
    expect(isSignedIn(await upstream.signIn(browser(), linking, account))).toBe(true);
    await upstream.rotate(`${server.url}/sign-in/provider/callback`);
    const page = await upstream.signIn(browser(), linking, account);
    expect(isSignedIn(page), page.text).toBe(true);
  });

  test("B3_providers: the page of an organisation offers its own, and no other does", async () => {
    const page = await browser().open(`/sign-in?organisation=${tenant.org.id}`);
    const to = page.link(/Continue with Linking/);
    const away = await browser().open(to);
    expect(away.url.origin).toBe(upstream.issuer);
    expect((await browser().open("/sign-in")).text).not.toContain("Continue with");
    const other = await makeOrg(server);
    expect((await browser().open(`/sign-in?organisation=${other.org.id}`)).text)
      .not.toContain("Continue with");
  });
});
