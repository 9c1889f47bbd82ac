// End-users, who sign in by links in their mail.
import { beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailsTo, mailTo } from "./harness/mail.ts";
import { makeOrg, makeWorkspace, unique } from "./harness/make.ts";
import {
  askForLink, comeIn, comeInto, followLink, openInvitation, type Person, signOut,
} from "./harness/people.ts";
import { useServer } from "./harness/server.ts";
import type { PrincipalCreated, Workspace } from "./harness/types.ts";

const server = useServer();
let tenant: Tenant;
let workspace: Workspace;
let base: string;
let ada: Person;

beforeAll(async () => {
  tenant = await makeOrg(server, "sensor-workspace");
  workspace = await makeWorkspace(tenant);
  base = `/w/${workspace.id}`;
  ada = await comeInto(server, tenant, workspace);
});

function browser(): Browser {
  return new Browser(server.url);
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === `${base}/signed-in` && page.heading === "You are signed in";
}

/** Asks in a new browser, or this one; the link in the mail. */
async function linkFor(person: Person, count: number, asks = browser()): Promise<string> {
  const sent = await askForLink(asks, person.email, `${base}/sign-in`);
  expect(sent.text).toContain("a message with a link is on its way");
  return (await mailTo(server, person.email, count)).link;
}

test("E2_link: an invited end-user comes in, signs out, and in again by a link", async () => {
  expect(isSignedIn(ada.page), ada.page.text).toBe(true);
  expect(ada.page.text).toContain(ada.email);
  const user = `/api/workspaces/${workspace.id}/end-users/${ada.principal.id}`;
  expect(await tenant.admin.get(user)).toMatchObject({ state: "active" });
  const out = await signOut(ada.browser, base);
  expect(out.heading).toBe("You are signed out");
  expect(isSignedIn(await ada.browser.open(`${base}/signed-in`))).toBe(false);
  const link = await linkFor(ada, 2, ada.browser);
  expect(link.startsWith(`${server.url}${base}/sign-in/link?link=twl_`)).toBe(true);
  const confirm = await ada.browser.open(link);
  expect(confirm.text).toContain(ada.email);
  expect(confirm.text).not.toContain("another browser");
  expect(isSignedIn(await followLink(ada.browser, link))).toBe(true);
});

test("E2_link: there is no password, and no session with anybody else", async () => {
  const page = await browser().open(`${base}/sign-in`);
  expect(page.forms.flatMap((form) => form.buttons).map((button) => button.value))
    .toEqual(["link"]);
  expect((await browser().open(`${base}/sign-in/password`)).status).toBe(404);
  expect((await ada.browser.open("/account")).url.pathname).toBe("/sign-in");
  const other = await makeWorkspace(tenant);
  const there = await ada.browser.open(`/w/${other.id}/signed-in`);
  expect(there.url.pathname).toBe(`/w/${other.id}/sign-in`);
  // Not even when its secret is shown under the other's name.
  const secret = ada.browser.cookies.get(`__Host-thingward-${workspace.id}`) ?? "";
  const thief = browser();
  thief.cookies.set(`__Host-thingward-${other.id}`, secret);
  thief.cookies.set("__Host-thingward", secret);
  for (const path of [`/w/${other.id}/signed-in`, "/account"])
    expect((await thief.open(path)).heading).toBe("Sign in");
});

describe("E2_once", () => {
  test("E2_once: opening it uses nothing up, the button does", async () => {
    const person = await comeInto(server, tenant, workspace);
    const link = await linkFor(person, 2);
    for (let i = 0; i < 3; i++)
      expect((await browser().open(link)).heading).toBe("Finish signing in");
    const head = await fetch(link, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(isSignedIn(await followLink(browser(), link))).toBe(true);
    const again = await browser().open(link);
    expect([again.status, again.text]).toEqual([404, expect.stringContaining("used already")]);
  });

  test("E2_once: of two who press the button at once, one gets in", async () => {
    const person = await comeInto(server, tenant, workspace);
    const link = await linkFor(person, 2);
    const browsers = Array.from({ length: 8 }, browser);
    const pages = await Promise.all(browsers.map((one) => one.open(link)));
    const after = await Promise.all(pages.map((page, i) => (browsers[i] as Browser)
      .submit(page, page.form("decision", "sign_in"), { decision: "sign_in" })));
    expect(after.filter(isSignedIn)).toHaveLength(1);
    for (const page of after.filter((one) => !isSignedIn(one))) expect(page.status).toBe(404);
  });

  test("E2_once: only the newest works", async () => {
    const person = await comeInto(server, tenant, workspace);
    const older = await linkFor(person, 2);
    const newer = await linkFor(person, 3);
    const page = await browser().open(older);
    expect([page.status, page.text]).toEqual([404, expect.stringContaining("newer one was sent")]);
    expect(isSignedIn(await followLink(browser(), newer))).toBe(true);
  });

  test("E2_once: for 15 minutes", async () => {
    const person = await comeInto(server, tenant, workspace);
    const asks = browser();
    const sent = await askForLink(asks, person.email, `${base}/sign-in`);
    expect(sent.text).toContain("for 15 minutes");
    const { link } = await mailTo(server, person.email, 2);
    const opened = await asks.open(link);
    server.store.alter(`UPDATE links SET expires_us = expires_us - 900000000
      WHERE email = '${person.email}'`);
    for (const page of [await asks.open(link),
      await asks.submit(opened, opened.form("decision", "sign_in"), { decision: "sign_in" })])
      expect([page.status, page.text]).toEqual([404, expect.stringContaining("has expired")]);
  });

  test("E2_once: a link that was changed, cut, or is for something else is none", async () => {
    const person = await comeInto(server, tenant, workspace);
    const link = await linkFor(person, 2);
    const other = await makeWorkspace(tenant);
    const bad = [
      link.slice(0, -1), `${link}x`, link.replace("twl_", "twb_"),
      link.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      link.replace("/sign-in/link", "/invitation"), link.replace(workspace.id, other.id),
      link.replace(base, ""), link.replace("/sign-in/link", "/reset/link").replace(base, ""),
      link.replace(/link=.*/, ""), link.replace(/link=.*/, "link=%00"), `${link}&link=x`,
    ];
    for (const one of bad) {
      const page = await browser().open(one);
      expect([400, 404].includes(page.status), one).toBe(true);
      expect(page.forms).toEqual([]);
    }
    expect(isSignedIn(await followLink(browser(), link))).toBe(true);
  });
});

test("E2_link: in another browser than the one that asked, he is told whose sign-in it is",
  async () => {
    const person = await comeInto(server, tenant, workspace);
    const link = await linkFor(person, 2, browser());
    const elsewhere = browser();
    const page = await elsewhere.open(link);
    expect(page.text).toContain("asked for in another browser");
    expect(page.text).toContain(person.email);
    expect(isSignedIn(await elsewhere.submit(page, page.form("decision", "sign_in"),
      { decision: "sign_in" }))).toBe(true);
  });

test("E2_link: whether an address is known shows nowhere, and leaves nothing", async () => {
  const email = `${unique("nobody")}@example.com`;
  const person = await comeInto(server, tenant, workspace);
  const shown = (page: Page, who: string) => page.html.replaceAll(who, "…")
    .replace(/ticket=[\w-]*/g, "ticket=");
  const unknown = await askForLink(browser(), email, `${base}/sign-in`);
  const known = await askForLink(browser(), person.email, `${base}/sign-in`);
  expect([unknown.status, shown(unknown, email)]).toEqual([200, shown(known, person.email)]);
  await mailTo(server, person.email, 2);
  expect(mailsTo(server, email)).toEqual([]);
  for (const bytes of server.store.contents()) expect(bytes.includes(email)).toBe(false);
});

test("E2_link: who is suspended gets no link, is signed out, and comes back when he may",
  async () => {
    const person = await comeInto(server, tenant, workspace);
    const link = await linkFor(person, 2);
    const one = `/api/workspaces/${workspace.id}/end-users/${person.principal.id}`;
    await tenant.admin.patch(one, { state: "suspended" });
    expect((await person.browser.open(`${base}/signed-in`)).heading).toBe("Sign in");
    const page = await browser().open(link);
    expect(page.heading).toBe("Finish signing in");
    const refused = await followLink(browser(), link);
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("no access")]);
    await askForLink(browser(), person.email, `${base}/sign-in`);
    await linkFor(ada, mailsTo(server, ada.email).length + 1);
    expect(mailsTo(server, person.email)).toHaveLength(2);
    await tenant.admin.patch(one, { state: "active" });
    expect(isSignedIn(await followLink(browser(), await linkFor(person, 3)))).toBe(true);
  });

test("E2_link: an address gets five mails an hour, and the page says the same", async () => {
  const person = await comeInto(server, tenant, workspace);
  for (let count = 2; count <= 5; count++) await linkFor(person, count);
  const { link } = await mailTo(server, person.email, 5);
  const sent = await askForLink(browser(), person.email, `${base}/sign-in`);
  expect(sent.text).toContain("a message with a link is on its way");
  await comeInto(server, tenant, workspace);
  expect(mailsTo(server, person.email)).toHaveLength(5);
  // The last one that was sent works.
  expect(isSignedIn(await followLink(browser(), link))).toBe(true);
});

test("E2_link: a suspended or deleted workspace lets nobody in, one that never was has no page",
  async () => {
    const other = await makeWorkspace(tenant);
    const person = await comeInto(server, tenant, other);
    const where = `WHERE workspace = ${server.store.literal(other.id)}`;
    server.store.alter(`UPDATE workspaces SET state = 2 ${where}`);
    expect((await person.browser.open(`/w/${other.id}/signed-in`)).status).toBe(403);
    server.store.alter(`UPDATE workspaces SET state = 1 ${where}`);
    expect((await person.browser.open(`/w/${other.id}/signed-in`)).status).toBe(200);
    await tenant.admin.delete(`/api/workspaces/${other.id}`);
    for (const id of [other.id, "00000000-0000-7000-8000-000000000001"])
      expect((await person.browser.open(`/w/${id}/sign-in`)).status).toBe(404);
  });

describe("A2_invitation", () => {
  async function invited(): Promise<string> {
    const email = `${unique("member")}@example.com`;
    await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`,
      { email, invite: true, roles: [] });
    return email;
  }

  test("A2_invitation: who has an account signs in to it; it then has two organisations",
    async () => {
      const person = await comeIn(server, tenant);
      const other = await makeOrg(server);
      const { principal } = await other.admin.post<PrincipalCreated>(`${other.path}/members`,
        { email: person.email, invite: true });
      // Signed in already: one button.
      const page = await openInvitation(server, person.email, person.browser, 2);
      expect(page.text).toContain(other.org.name);
      expect(page.forms.some((form) => "new_password" in form.fields)).toBe(false);
      const done = await person.browser.submit(page, page.form("decision", "accept"),
        { decision: "accept" });
      expect(done.url.pathname).toBe("/account");
      expect(await other.admin.get(`${other.path}/members/${principal.id}`))
        .toMatchObject({ state: "active" });
    });

  test("A2_invitation: in a browser where nobody is signed in, he does so and comes back",
    async () => {
      const person = await comeIn(server, tenant);
      const other = await makeOrg(server);
      await other.admin.post(`${other.path}/members`, { email: person.email, invite: true });
      const own = browser();
      const page = await openInvitation(server, person.email, own, 2);
      expect(page.heading).toBe("Sign in");
      const typed = await own.submit(page, page.form("email"),
        { email: person.email, with: "password" });
      const back = await own.submit(typed, typed.form("password"), { password: person.password });
      expect(back.url.pathname).toBe("/invitation");
      const done = await own.submit(back, back.form("decision", "accept"), { decision: "accept" });
      expect(done.url.pathname).toBe("/account");
    });

  test("A2_invitation: the wrong person is refused, and told what to do", async () => {
    const person = await comeIn(server, tenant);
    for (const email of [await invited(), person.email]) {
      const other = await makeOrg(server);
      if (email === person.email)
        await other.admin.post(`${other.path}/members`, { email, invite: true });
      const wrong = await comeIn(server, tenant);
      const { link } = await mailTo(server, email, email === person.email ? 2 : 1);
      const page = await wrong.browser.open(link);
      expect([page.status, page.text]).toEqual([403, expect.stringContaining("sign out first")]);
    }
  });

  test("A2_invitation: used, taken back, or expired, it says so", async () => {
    const email = await invited();
    const own = browser();
    const page = await openInvitation(server, email, own);
    const accept = () => own.submit(page, page.form("new_password"),
      { name: "Ada", new_password: "nine lanterns under the bridge", decision: "accept" });
    expect((await accept()).url.pathname).toBe("/account");
    const used = await browser().open((await mailTo(server, email)).link);
    expect([used.status, used.text]).toEqual([404, expect.stringContaining("used already")]);
    const late = await invited();
    await mailTo(server, late);
    server.store.alter(`UPDATE links SET expires_us = 1 WHERE email = '${late}'`);
    expect((await openInvitation(server, late)).text).toContain("has expired");
    const gone = `${unique("gone")}@example.com`;
    const { principal } = await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`,
      { email: gone, invite: true });
    const { link } = await mailTo(server, gone);
    await tenant.admin.delete(`${tenant.path}/members/${principal.id}`);
    const refused = await browser().open(link);
    expect([403, 404]).toContain(refused.status);
  });

  test("A2_invitation: who declines is not a member, and the link is used up", async () => {
    const email = await invited();
    const own = browser();
    const page = await openInvitation(server, email, own);
    const done = await own.submit(page, page.form("decision", "decline"), { decision: "decline" });
    expect(done.status).toBe(200);
    expect((await openInvitation(server, email)).status).toBe(404);
    const all = await tenant.admin.list<{ email: string; state: string }>(`${tenant.path}/members`);
    expect(all.find((one) => one.email === email)?.state).toBe("invited");
  });
});
