// Signing in with an e-mail address and a password, and what can be done to it.
import { beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailsTo, mailTo } from "./harness/mail.ts";
import { makeOrg, unique } from "./harness/make.ts";
import {
  askForLink, comeIn, followLink, nameOneself, openInvitation, PASSWORD, type Person, signIn,
  signOut,
} from "./harness/people.ts";
import { useServer } from "./harness/server.ts";
import type { PrincipalCreated, Record_ } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const server = useServer();
let tenant: Tenant;
let ada: Person;

beforeAll(async () => {
  tenant = await makeOrg(server);
  ada = await comeIn(server, tenant);
});

function browser(): Browser {
  return new Browser(server.url);
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/account" && page.status === 200;
}

async function stillSignedIn(person: Browser): Promise<boolean> {
  return isSignedIn(await person.open("/account"));
}

/** What a page shows, without what differs from one to the next in any case. */
function shown(page: Page, email: string): string {
  return page.html.replaceAll(email, "…").replace(/(name="(csrf|ticket)" value=")[^"]*/g, "$1")
    .replace(/ticket=[\w-]*/g, "ticket=");
}

test("B2_sign_in: a member comes in by invitation, signs out, and in again with the password",
  async () => {
    expect(isSignedIn(ada.page)).toBe(true);
    expect(ada.page.text).toContain(ada.email);
    const out = await signOut(ada.browser);
    expect(out.heading).toBe("You are signed out");
    expect(await stillSignedIn(ada.browser)).toBe(false);
    const page = await signIn(ada.browser, ada.email, PASSWORD);
    expect(isSignedIn(page)).toBe(true);
    // Whatever the case in which the address is typed, and from anywhere else.
    expect(isSignedIn(await signIn(browser(), ` ${ada.email.toUpperCase()} `, PASSWORD)))
      .toBe(true);
    const active = await tenant.admin.get(`${tenant.path}/members/${ada.principal.id}`);
    expect(active).toMatchObject({ state: "active" });
  });

test("B2_sign_in: a wrong password and an unknown address are refused in the same words",
  async () => {
    const stranger = `${unique("nobody")}@example.com`;
    const one = await signIn(browser(), ada.email, "not the right one at all");
    const other = await signIn(browser(), stranger, "not the right one at all");
    expect(one.status).toBe(403);
    expect(one.text).toContain("The address or the password is not right.");
    expect(other.status).toBe(one.status);
    expect(shown(other, stranger)).toBe(shown(one, ada.email));
    expect(one.headers.getSetCookie()).toEqual([]);
    // The page on which the password is typed does not tell either.
    const asked = await nameOneself(browser(), ada.email);
    expect(shown(await nameOneself(browser(), stranger), stranger)).toBe(shown(asked, ada.email));
    // Who was invited and has not come has no password.
    const email = `${unique("invited")}@example.com`;
    await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`, { email, invite: true });
    expect(shown(await signIn(browser(), email, PASSWORD), email)).toBe(shown(one, ada.email));
  });

test("B2_sign_in: a session is a new secret each time; the store holds a hash", async () => {
  const again = browser();
  await signIn(again, ada.email, PASSWORD);
  const first = again.cookies.get("__Host-thingward") ?? "";
  expect(first).toMatch(/^twb_/);
  // A session that somebody else put there is of no use to him afterwards.
  await signIn(again, ada.email, PASSWORD, await again.open("/sign-in?need=login"));
  const second = again.cookies.get("__Host-thingward") ?? "";
  expect(second).not.toBe(first);
  const thief = browser();
  thief.cookies.set("__Host-thingward", first);
  expect(await stillSignedIn(thief)).toBe(false);
  for (const bytes of server.store.contents()) expect(bytes.includes(second)).toBe(false);
});

test("B2_throttle: guessing gets slower, and locks nobody out who knows the password", async () => {
  const person = await comeIn(server, tenant);
  await signOut(person.browser);
  let last: Page | undefined;
  for (let i = 0; i < 6; i++) last = await signIn(browser(), person.email, `a wrong guess no ${i}`);
  expect(last?.status).toBe(429);
  expect(last?.headers.get("retry-after")).toMatch(/^\d+$/);
  // Even the right one, from a browser that nobody knows; but not from his own.
  expect((await signIn(browser(), person.email, PASSWORD)).status).toBe(429);
  expect(isSignedIn(await signIn(person.browser, person.email, PASSWORD))).toBe(true);
  // From anywhere else by mail.
  const other = browser();
  await askForLink(other, person.email);
  const { link } = await mailTo(server, person.email, 2);
  expect(isSignedIn(await followLink(other, link))).toBe(true);
});

test("B2_throttle: whoever is refused everywhere is told the same of addresses that nobody has",
  async () => {
    const stranger = `${unique("nobody")}@example.com`;
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++)
      statuses.push((await signIn(browser(), stranger, `a wrong guess no ${i}`)).status);
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429]);
  });

test("B2_password: another one ends all other sessions; the old one opens nothing", async () => {
  const person = await comeIn(server, tenant);
  const elsewhere = browser();
  await signIn(elsewhere, person.email, PASSWORD);
  expect(await stillSignedIn(elsewhere)).toBe(true);
  const next = "four quiet harbours at dusk";
  const account = await person.browser.open("/account");
  const wrong = await person.browser.submit(account, account.form("new_password"),
    { password: "not the one I have", new_password: next });
  expect([wrong.status, wrong.text]).toEqual([403, expect.stringContaining("another one")]);
  expect(await stillSignedIn(elsewhere)).toBe(true);
  const changed = await person.browser.submit(account, account.form("new_password"),
    { password: PASSWORD, new_password: next });
  expect(changed.text).toContain("Your password is changed");
  expect(isSignedIn(changed)).toBe(true);
  expect(await stillSignedIn(elsewhere)).toBe(false);
  expect((await signIn(elsewhere, person.email, PASSWORD)).status).toBe(403);
  expect(isSignedIn(await signIn(elsewhere, person.email, next))).toBe(true);
  const records = await server.operator.list<Record_>("/api/orgs/platform/records");
  const last = records.filter((one) => one.action === "persons.set_password").at(-1);
  expect(JSON.stringify(last)).not.toContain("argon2");
});

describe("B2_password: what is guessed first is refused", () => {
  const BAD: [string, string, string][] = [
    ["fourteen characters", "fourteen chars", "too short"],
    ["a common one twice", "passwordpassword", "guessed"],
    ["digits in a row", "123456789012345", "guessed"],
    ["his name", "Ada Moreau 1234", "guessed"],
    ["257 characters", "ä".repeat(257), "too long"],
  ];
  test.each(BAD)("B2_password: %s", async (_, password, why) => {
    const email = `${unique("weak")}@example.com`;
    await tenant.admin.post(`${tenant.path}/members`, { email, invite: true });
    const own = browser();
    const asked = await openInvitation(server, email, own);
    const refused = await own.submit(asked, asked.form("new_password"),
      { name: "Ada Moreau", new_password: password, decision: "accept" });
    expect(refused.status, refused.text).toBe(400);
    expect(refused.text).toContain(why);
    expect(own.cookies.has("__Host-thingward")).toBe(false);
    // The link still works.
    const accepted = await own.submit(refused, refused.form("new_password"),
      { name: "Ada Moreau", new_password: PASSWORD, decision: "accept" });
    expect(isSignedIn(accepted), accepted.text).toBe(true);
  });
});

test("B2_password: its code points count, in whatever form it is typed; no kind has to be there",
  async () => {
    // 15 characters in 60 bytes, and 15 that are 30 when each accent is typed by itself.
    const bees = String.fromCodePoint(...Array.from({ length: 15 }, (_, i) => 0x1f400 + i * i));
    const accents = "àéîõüçñåèêëìíïò".normalize("NFC");
    for (const password of [bees, accents, "fernholzbrückes"]) {
      const email = `${unique("typist")}@example.com`;
      await tenant.admin.post(`${tenant.path}/members`, { email, invite: true });
      const own = browser();
      const asked = await openInvitation(server, email, own);
      const answer = (new_password: string) => own.submit(asked, asked.form("new_password"),
        { name: "Ada Moreau", new_password, decision: "accept" });
      const typed = password.normalize("NFD");
      const short = await answer([...password].slice(0, 14).join("").normalize("NFD"));
      expect([short.status, short.text]).toEqual([400, expect.stringContaining("too short")]);
      expect(isSignedIn(await answer(typed))).toBe(true);
      for (const form of ["NFC", "NFD"] as const)
        expect(isSignedIn(await signIn(browser(), email, password.normalize(form)))).toBe(true);
      expect(isSignedIn(await signIn(browser(), email, `${password} `))).toBe(false);
    }
  });

describe("B2_reset", () => {
  async function ask(email: string, count: number): Promise<string> {
    const own = browser();
    const page = await own.open("/reset");
    const sent = await own.submit(page, page.form("email"), { email });
    expect(sent.text).toContain("a message with a link is on its way");
    return (await mailTo(server, email, count)).link;
  }

  async function set(link: string, password: string): Promise<Page> {
    const own = browser();
    const page = await own.open(link);
    return page.status === 200
      ? own.submit(page, page.form("new_password"), { new_password: password }) : page;
  }

  test("B2_reset: a forgotten password is set anew, once, by the newest link", async () => {
    const person = await comeIn(server, tenant);
    const older = await ask(person.email, 2);
    const link = await ask(person.email, 3);
    expect([(await set(older, PASSWORD)).status]).toEqual([404]);
    const next = "seven kites above the pier";
    // Opening it changes nothing.
    for (let i = 0; i < 2; i++) expect((await browser().open(link)).status).toBe(200);
    const weak = await set(link, "too short");
    expect(weak.status).toBe(400);
    const done = await set(link, next);
    expect(done.text).toContain("Your new password is set");
    expect((await set(link, PASSWORD)).text).toContain("used already");
    expect(await stillSignedIn(person.browser)).toBe(false);
    expect((await signIn(browser(), person.email, PASSWORD)).status).toBe(403);
    expect(isSignedIn(await signIn(browser(), person.email, next))).toBe(true);
  });

  test("B2_reset: for an address that nobody has, the same is said and nothing sent", async () => {
    const email = `${unique("nobody")}@example.com`;
    const own = browser();
    const page = await own.open("/reset");
    const sent = await own.submit(page, page.form("email"), { email });
    expect(sent.text).toContain("a message with a link is on its way");
    const real = await comeIn(server, tenant);
    await ask(real.email, 2);
    expect(mailsTo(server, email)).toEqual([]);
  });

  test("B2_reset: a link that has expired says so", async () => {
    const person = await comeIn(server, tenant);
    const link = await ask(person.email, 2);
    server.store.alter(`UPDATE links SET expires_us = 1 WHERE email = '${person.email}'`);
    expect((await set(link, PASSWORD)).text).toContain("expired");
  });
});

describe("B2_sessions", () => {
  test("B2_sessions: one's own are listed, and ended one by one or all at once", async () => {
    const person = await comeIn(server, tenant);
    const others = [browser(), browser(), browser()];
    for (const one of others) await signIn(one, person.email, PASSWORD);
    let account = await person.browser.open("/account");
    const ids = account.forms.flatMap((form) => form.buttons)
      .filter((button) => button.name === "session").map((button) => button.value);
    expect(ids).toHaveLength(5); // four sessions, and the button for all others
    expect(account.text).toContain("this browser");
    // Of somebody else's nothing can be ended.
    const foreign = await ada.browser.open("/account");
    await signIn(ada.browser, ada.email, PASSWORD, "/sign-in?need=login");
    const own = await ada.browser.open("/account");
    await ada.browser.submit(own, own.form("session"), { session: ids[1] ?? "" });
    expect(foreign.status).toBe(200);
    const live = async () => (await Promise.all(others.map(stillSignedIn))).filter(Boolean).length;
    expect(await live()).toBe(3);
    const current = account.html.match(/this browser.*?name="session" value="([^"]+)"/s)?.[1];
    const other = ids.find((id) => id !== current && id !== "others") ?? "";
    account = await person.browser.submit(account, account.form("session", other),
      { session: other });
    expect(account.text).toContain("That session has ended");
    expect(await live()).toBe(2);
    account = await person.browser.submit(account, account.form("session", "others"),
      { session: "others" });
    expect(await live()).toBe(0);
    expect(isSignedIn(account)).toBe(true);
  });

  test("B2_sessions: ended by time, when not used and in any case", async () => {
    const person = await comeIn(server, tenant);
    const where = `WHERE person = (SELECT person FROM persons WHERE email = '${person.email}')`;
    server.store.alter(`UPDATE sessions SET expires_us = 1 ${where}`);
    const page = await person.browser.open("/account");
    expect(page.heading).toBe("Sign in");
    // He is sent back to where he wanted to go.
    expect(isSignedIn(await signIn(person.browser, person.email, PASSWORD, page))).toBe(true);
  });

  test("B2_sessions: a use is noted, and puts the end off", async () => {
    const person = await comeIn(server, tenant);
    const where = `WHERE person = (SELECT person FROM persons WHERE email = '${person.email}')`;
    server.store.alter(`UPDATE sessions SET used_us = used_us - 7200000000 ${where}`);
    const lastUsed = async () =>
      /last used ([\d: -]+UTC)/.exec((await person.browser.open("/account")).text)?.[1] ?? "";
    const before = await lastUsed();
    expect(before).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    await until("the use to be noted", async () => await lastUsed() > before);
  });

  test("B2_sessions: a person who is suspended is signed out at once, and not let in", async () => {
    const person = await comeIn(server, tenant);
    const where = `WHERE email = '${person.email}'`;
    server.store.alter(`UPDATE persons SET state = 2 ${where}`);
    expect(await stillSignedIn(person.browser)).toBe(false);
    const refused = await signIn(browser(), person.email, PASSWORD);
    expect(refused.text).toContain("The address or the password is not right.");
    const before = mailsTo(server, person.email).length;
    await askForLink(browser(), person.email);
    await askForLink(browser(), ada.email);
    await mailTo(server, ada.email, 2);
    expect(mailsTo(server, person.email)).toHaveLength(before);
  });
});

describe("B2_forms", () => {
  test("B2_forms: without its token, with another browser's, or from another site, none works",
    async () => {
      const own = browser();
      const page = await nameOneself(own, ada.email);
      const form = page.form("password");
      const forged = { ...form, fields: { ...form.fields, csrf: "" } };
      const other = await nameOneself(browser(), ada.email);
      const stolen = other.form("password").fields["csrf"] ?? "";
      for (const csrf of ["", "1-", stolen]) {
        const refused = await own.submit(page, forged, { csrf, password: PASSWORD });
        expect([refused.status, refused.heading]).toEqual([403, "This is not possible"]);
      }
      for (const site of ["cross-site", "same-site", "none"]) {
        const refused = await own.open("/sign-in/password", { method: "POST",
          headers: { "sec-fetch-site": site }, form: { ...form.fields, password: PASSWORD } });
        expect(refused.status).toBe(403);
        expect(refused.text).toContain("another site");
      }
      // An old browser says where it comes from by Origin alone.
      const old = await fetch(`${server.url}/sign-in/password`, {
        method: "POST", redirect: "manual",
        headers: { origin: "https://elsewhere.example",
          cookie: [...own.cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        body: new URLSearchParams({ ...form.fields, password: PASSWORD }),
      });
      expect(old.status).toBe(403);
      expect(own.cookies.has("__Host-thingward")).toBe(false);
      expect(isSignedIn(await own.submit(page, form, { password: PASSWORD }))).toBe(true);
    });

  test("B2_forms: a token of who was signed in before is none of who is now", async () => {
    const own = browser();
    const before = await own.open("/reset");
    await signIn(own, ada.email, PASSWORD);
    const refused = await own.submit(before, before.form("email"), { email: ada.email });
    expect(refused.status).toBe(403);
  });

  test("B2_forms: what is repeated or malformed is refused", async () => {
    const own = browser();
    const page = await nameOneself(own, ada.email);
    const { csrf = "", ticket = "" } = page.form("password").fields;
    const cookie = [...own.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const send = (body: string, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/sign-in/password`, {
        method: "POST", redirect: "manual", body,
        headers: { "content-type": "application/x-www-form-urlencoded", cookie, ...headers },
      });
    const good = new URLSearchParams({ csrf, ticket, email: ada.email, password: PASSWORD });
    const bad: [string, Record<string, string>][] = [
      [`${good}&password=another`, {}], [`${good}&x=%zz`, {}], [`${good}&x=%00`, {}],
      [`${good}&x=%ff`, {}], [JSON.stringify({ csrf }), { "content-type": "application/json" }],
      ["x=1&".repeat(65), {}], [good.toString().replace("ticket=", "ticket=x"), {}],
      [good.toString().replace("password=", "password=" + "a".repeat(1100)), {}],
    ];
    for (const [body, headers] of bad) {
      const answer = await send(body, headers);
      expect([body.slice(-60), answer.status]).toEqual([body.slice(-60), 400]);
      expect(answer.headers.getSetCookie().join()).not.toContain("__Host-thingward=");
    }
    // The same cookie twice is none.
    const twice = await send(good.toString(), { cookie: `${cookie}; ${cookie}` });
    expect(twice.status).toBe(403);
    expect((await send(good.toString())).status).toBe(303);
  });

  test("B2_forms: a session cookie that stands there twice is none", async () => {
    const own = browser();
    await signIn(own, ada.email, PASSWORD);
    const session = `__Host-thingward=${own.cookies.get("__Host-thingward")}`;
    const ask = (cookie: string) =>
      fetch(`${server.url}/account`, { redirect: "manual", headers: { cookie } });
    expect((await ask(session)).status).toBe(200);
    const bad = [`${session}; ${session}`, `${session}; __Host-thingward=x`, `${session}x`];
    for (const cookie of bad) expect((await ask(cookie)).status).toBe(303);
  });

  test("B2_forms: every page is under a strict policy, and kept by nobody", async () => {
    const own = browser();
    for (const path of ["/sign-in", "/reset", "/signed-out", "/sign-in/link?link=twl_x"]) {
      const { headers } = await own.open(path);
      const policy = headers.get("content-security-policy") ?? "";
      for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
        "form-action 'self'"])
        expect(policy).toContain(part);
      expect(policy).not.toContain("unsafe");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect((await own.open("/sign-in/password")).url.pathname).toBe("/sign-in");
    const wrong = await fetch(`${server.url}/sign-in`, { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  });
});
