// Signing up on one's own, where an organisation is open.
import { beforeAll, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailsTo, mailTo } from "./harness/mail.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { comeIn, PASSWORD, signIn } from "./harness/people.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, Record_ } from "./harness/types.ts";

const server = useServer();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server, "device-platform");
  await tenant.admin.patch(tenant.path, { sign_up: true });
});

function browser(): Browser {
  return new Browser(server.url);
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/account" && page.status === 200;
}

async function ask(own: Browser, email: string, of = tenant): Promise<Page> {
  const page = await own.open(`/sign-up?organisation=${of.org.id}`);
  if (page.status !== 200) return page;
  expect(page.text).toContain(of.org.name);
  return own.submit(page, page.form("email"), { name: "Grace Ode", email });
}

async function finish(own: Browser, link: string, password = PASSWORD): Promise<Page> {
  const page = await own.open(link);
  if (page.status !== 200) return page;
  return own.submit(page, page.form("new_password"),
    { new_password: password, decision: "accept" });
}

async function memberOf(of: Tenant, email: string): Promise<Principal | undefined> {
  return (await of.admin.list<Principal>(`${of.path}/members`)).find((one) => one.email === email);
}

test("C2_sign_up: the address is proved by mail, and then there is a member with the default role",
  async () => {
    const email = `${unique("grace")}@example.com`;
    const own = browser();
    const sent = await ask(own, email);
    expect(sent.text).toContain("a message with a link is on its way");
    expect(await memberOf(tenant, email)).toBeUndefined();
    const mail = await mailTo(server, email);
    const page = await own.open(mail.link);
    expect(page.text).toContain("is confirmed");
    // The name that was typed is there already.
    expect(page.form("new_password").fields["name"]).toBe("Grace Ode");
    const done = await finish(own, mail.link);
    expect(isSignedIn(done), done.text).toBe(true);
    const member = await memberOf(tenant, email);
    expect(member).toMatchObject({ state: "active", name: "Grace Ode", kind: "member" });
    const grants = await tenant.admin.list<Grant>(`${tenant.path}/grants?holder=${member?.id}`);
    expect(grants.map((grant) => grant.role_name)).toEqual(["reader"]);
    expect(isSignedIn(await signIn(browser(), email, PASSWORD))).toBe(true);
    const platform = await server.operator.list<Record_>("/api/orgs/platform/records");
    expect(platform.map((one) => one.action)).toContain("persons.create");
  });

test("C2_sign_up: it is the organisation's choice", async () => {
  const closed = await makeOrg(server);
  const nobody = { ...closed, org: { ...closed.org, id: "00000000-0000-7000-8000-000000000001" } };
  const pages = [await ask(browser(), "a@example.com", closed),
    await ask(browser(), "a@example.com", nobody),
    await browser().open("/sign-up"), await browser().open("/sign-up?organisation=platform")];
  for (const page of pages)
    expect([page.status, page.text]).toEqual([403, expect.stringContaining("Nobody can join")]);
  // Closed after the link was sent: it is of no use any more.
  await closed.admin.patch(closed.path, { sign_up: true });
  const email = `${unique("late")}@example.com`;
  await ask(browser(), email, closed);
  const { link } = await mailTo(server, email);
  const own = browser();
  const opened = await own.open(link);
  await closed.admin.patch(closed.path, { sign_up: false });
  const refused = await own.submit(opened, opened.form("new_password"),
    { new_password: PASSWORD, decision: "accept" });
  expect(refused.status).toBe(403);
  expect(await memberOf(closed, email)).toBeUndefined();
  expect((await signIn(browser(), email, PASSWORD)).status).toBe(403);
});

test("C2_sign_up: the link works once, the newest only, and expires", async () => {
  const email = `${unique("grace")}@example.com`;
  await ask(browser(), email);
  const older = (await mailTo(server, email)).link;
  await ask(browser(), email);
  const { link } = await mailTo(server, email, 2);
  expect((await browser().open(older)).status).toBe(404);
  for (let i = 0; i < 2; i++) expect((await browser().open(link)).status).toBe(200);
  const weak = await finish(browser(), link, "too short");
  expect([weak.status, weak.text]).toEqual([400, expect.stringContaining("too short")]);
  expect(isSignedIn(await finish(browser(), link))).toBe(true);
  expect((await finish(browser(), link)).text).toContain("used already");
  const late = `${unique("late")}@example.com`;
  await ask(browser(), late);
  const expired = (await mailTo(server, late)).link;
  server.store.alter(`UPDATE links SET expires_us = 1 WHERE email = '${late}'`);
  expect((await finish(browser(), expired)).text).toContain("has expired");
});

test("C2_sign_up: who has an account signs in to it, and joins with that", async () => {
  const other = await makeOrg(server);
  const person = await comeIn(server, other);
  // Nothing tells that there is an account.
  const sent = await ask(browser(), person.email);
  expect(sent.text).toContain("a message with a link is on its way");
  const { link } = await mailTo(server, person.email, 2);
  const own = browser();
  const page = await own.open(link);
  expect(page.heading).toBe("Sign in");
  const back = await signIn(own, person.email, person.password, page);
  expect(back.url.pathname).toBe("/sign-up/link");
  const done = await own.submit(back, back.form("decision", "accept"), { decision: "accept" });
  expect(isSignedIn(done)).toBe(true);
  expect(await memberOf(tenant, person.email)).toMatchObject({ state: "active" });
  // Whoever holds the link but is somebody else does not get in.
  const another = await comeIn(server, other);
  await ask(browser(), person.email);
  const again = await another.browser.open((await mailTo(server, person.email, 3)).link);
  expect(again.status).toBe(403);
});

test("C2_sign_up: a member who is suspended does not come back by it", async () => {
  const email = `${unique("grace")}@example.com`;
  const own = browser();
  await ask(own, email);
  await finish(own, (await mailTo(server, email)).link);
  const member = await memberOf(tenant, email);
  await tenant.admin.patch(`${tenant.path}/members/${member?.id}`, { state: "suspended" });
  await ask(own, email);
  const page = await own.open((await mailTo(server, email, 2)).link);
  const refused = await own.submit(page, page.form("decision", "accept"), { decision: "accept" });
  expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("no access")]);
  expect(await memberOf(tenant, email)).toMatchObject({ state: "suspended" });
});

test("C2_sign_up: nonsense is refused, and leaves nothing", async () => {
  const own = browser();
  const page = await own.open(`/sign-up?organisation=${tenant.org.id}`);
  const bad = [
    { name: "", email: "a@example.com" }, { name: "Grace", email: "nobody" },
    { name: "x".repeat(200), email: "a@example.com" },
    { name: "a\u0000b", email: "b@example.com" },
  ];
  for (const fields of bad) {
    const refused = await own.submit(page, page.form("email"), fields);
    expect([JSON.stringify(fields), refused.status]).toEqual([JSON.stringify(fields), 400]);
  }
  expect(mailsTo(server, "a@example.com")).toEqual([]);
});
