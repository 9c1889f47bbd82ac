// Attacks on accounts: by addresses that look like others', by what a browser was left with, and by
// what ends while somebody waits.
import { randomBytes, randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { Browser, type Page } from "./harness/browser.ts";
import { mailsTo, mailTo } from "./harness/mail.ts";
import { makeWorkspace, unique } from "./harness/make.ts";
import { type Issuer, makeIssuer } from "./harness/oauth.ts";
import {
  askForLink, comeIn, comeInto, followLink, nameOneself, openInvitation, type Person, signIn,
} from "./harness/people.ts";
import { decide, secretOn } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import { totpCode } from "./harness/totp.ts";
import type { PrincipalCreated } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
});

function inviteUser(email: string): Promise<PrincipalCreated> {
  return issuer.tenant.admin.post(`/api/workspaces/${issuer.workspace.id}/end-users`,
    { email, name: "Somebody", invite: true });
}

test("E2_attack: an address that folds to twice its length is one like any other", async () => {
  const email = `${"\u0587".repeat(118)}@example.com`;
  await inviteUser(email);
  const browser = new Browser(server.url);
  const asked = await openInvitation(server, email, browser);
  const page = await browser.submit(asked, asked.form("decision", "accept"),
    { decision: "accept" });
  expect(page.text).toContain(email);
  await askForLink(browser, email, `/w/${issuer.workspace.id}/sign-in?need=login`);
  expect((await followLink(browser, (await mailTo(server, email, 2)).link)).status).toBe(200);
});

test("E2_attack: whoever has an address like another's gets nothing of its owner's", async () => {
  const name = unique("user");
  await inviteUser(`${name}@strasse.example`);
  const start = `/w/${issuer.workspace.id}/sign-in`;
  const like = [`${name}@straße.example`, `${name}@\u017ftrasse.example`,
    `${name.replace("s", "\u017f")}@strasse.example`];
  for (const email of like) {
    const { principal } = await inviteUser(email);
    expect(principal.email).toBe(email);
    const browser = new Browser(server.url);
    await askForLink(browser, email, start);
    const { link } = await mailTo(server, email, 2);
    expect((await followLink(browser, link)).text).toContain(email);
  }
  await askForLink(new Browser(server.url), `${name}@STRASSE.example`, start);
  await mailTo(server, `${name}@strasse.example`, 2);
  expect(like.map((email) => mailsTo(server, email).length)).toEqual([2, 2, 2]);
});

test("E2_attack: strangers who ask for links leave some for a browser that is known", async () => {
  const person = await comeInto(server, issuer.tenant, issuer.workspace);
  const start = `/w/${issuer.workspace.id}/sign-in?need=login`;
  for (let i = 0; i < 6; i++) await askForLink(new Browser(server.url), person.email, start);
  await askForLink(person.browser, person.email, start);
  // Of the strangers' as many as there may be in an hour; then his own, which is what works.
  const { link } = await mailTo(server, person.email, 6);
  expect((await followLink(new Browser(server.url), link)).text).toContain(person.email);
  expect(mailsTo(server, person.email)).toHaveLength(6);
});

test("C2_attack: strangers who sign up leave mails for the organisation's own people", async () => {
  const { tenant } = await makeIssuer(server, "ingest:write");
  const { store } = server;
  await tenant.admin.patch(tenant.path, { sign_up: true });
  const person = await comeInto(server, tenant, await makeWorkspace(tenant));
  const now = Date.now() * 1000;
  const values = Array.from({ length: 300 }, (_, i) => `(${store.literal(tenant.org.id)},`
    + ` ${store.literal(randomUUID())}, 3, 'sign_up', 'a${i}@b.c', 'a${i}@b.c',`
    + ` ${store.literal("")}, 1, ${now + 3_600_000_000}, '', ${now}, ${now})`);
  store.alter("INSERT INTO mails (org, mail, state, template, recipient, recipient_normal, content,"
    + ` attempts, next_us, error, created_us, expires_us) VALUES ${values.join(", ")}`);
  const browser = new Browser(server.url);
  const page = await browser.open(`/sign-up?organisation=${tenant.org.id}`);
  const email = `${unique("stranger")}@example.com`;
  await browser.submit(page, page.form("email"), { name: "A stranger", email });
  await askForLink(new Browser(server.url), person.email,
    `/w/${person.principal.workspace}/sign-in`);
  await mailTo(server, person.email, 2);
  expect(mailsTo(server, email)).toEqual([]);
});

/** As if the person had proved who he is an hour ago. */
function leaveOpen(person: Person): void {
  const { store } = server;
  store.alter("UPDATE sessions SET auth_us = auth_us - 3600000000, second_us = NULL WHERE person ="
    + ` (SELECT person FROM principals WHERE principal = ${store.literal(person.principal.id)})`);
}

test("B2_attack: a browser that was left open finishes no set-up of a second factor", async () => {
  const person = await comeIn(server, issuer.tenant);
  const asked = await decide(person, "set_up");
  const code = totpCode(secretOn(asked));
  leaveOpen(person);
  expect((await person.browser.open("/account/totp")).html).not.toContain("class=\"key mono\"");
  const done = await person.browser.submit(asked, asked.form("code"), { code });
  expect(done.url.pathname).toBe("/sign-in");
  const again = await signIn(person.browser, person.email, person.password, done);
  expect(again.text).not.toContain("recovery codes");
});

/** Sent, and so far on its way that others were answered since. */
async function underWay<T>(sent: Promise<T>): Promise<{ over: Promise<T> }> {
  for (let i = 0; i < 8; i++) await fetch(`${server.url}/sign-in`);
  return { over: sent };
}

/** Takes each thread that verifies passwords for a second or two, by guesses at slow ones. */
async function occupy(): Promise<{ over: Promise<Page[]> }> {
  const { store } = server;
  const text = (bytes: number): string => randomBytes(bytes).toString("base64").replace(/=+$/, "");
  const slow = `$argon2id$v=19$m=65536,t=10,p=1$${text(16)}$${text(32)}`;
  const { email, principal } = await comeIn(server, issuer.tenant);
  store.alter(`UPDATE persons SET password = '${slow}' WHERE person = (SELECT person FROM`
    + ` principals WHERE principal = ${store.literal(principal.id)})`);
  const guesses = await Promise.all([1, 2, 3, 4].map(async () => {
    const browser = new Browser(server.url);
    return { browser, page: await nameOneself(browser, email) };
  }));
  return underWay(Promise.all(guesses.map(({ browser, page }) =>
    browser.submit(page, page.form("password"), { password: "a guess" }))));
}

test("B2_attack: a password that is changed while it is verified opens nothing", async () => {
  const person = await comeIn(server, issuer.tenant);
  const browser = new Browser(server.url);
  const page = await nameOneself(browser, person.email);
  const busy = await occupy();
  const entering = await underWay(
    browser.submit(page, page.form("password"), { password: person.password }));
  server.store.alter("UPDATE persons SET generation = generation + 1, password = NULL WHERE person"
    + ` = (SELECT person FROM principals WHERE principal =`
    + ` ${server.store.literal(person.principal.id)})`);
  expect((await entering.over).status).toBe(403);
  expect((await browser.open("/account")).url.pathname).toBe("/sign-in");
  await busy.over;
});

test("B2_attack: whoever is signed out while a password is hashed sets none", async () => {
  const person = await comeIn(server, issuer.tenant);
  const thief = new Browser(server.url);
  for (const [name, value] of person.browser.cookies) thief.cookies.set(name, value);
  const account = await thief.open("/account");
  const other = "five herons over a quiet weir";
  const busy = await occupy();
  const changing = await underWay(thief.submit(account, account.form("new_password"),
    { password: person.password, new_password: other }));
  const leaving = await person.browser.open("/sign-out");
  await person.browser.submit(leaving, leaving.form("decision", "sign_out"),
    { decision: "sign_out" });
  expect((await changing.over).url.pathname).not.toBe("/account");
  expect((await signIn(new Browser(server.url), person.email, other)).status).toBe(403);
  expect((await signIn(new Browser(server.url), person.email, person.password)).status).toBe(200);
  await busy.over;
});
