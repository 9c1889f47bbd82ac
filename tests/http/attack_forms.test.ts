// Every form of the pages, by the table of their routes: sent by whoever has no business with it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ROOT } from "./harness/binary.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailTo } from "./harness/mail.ts";
import { unique } from "./harness/make.ts";
import { giveScope, type Issuer, makeIssuer, makePublicClient } from "./harness/oauth.ts";
import { askForLink, comeIn, comeInto, type Person } from "./harness/people.ts";
import { begin, relyingParty } from "./harness/relying.ts";
import { setUpApp } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import type { PrincipalCreated } from "./harness/types.ts";

const SAME = { "sec-fetch-site": "same-origin" };
const server = useServer();
let issuer: Issuer;
let member: Person;
let user: Person;
let base: string;
/** What a page needs before it looks at its form; others need nothing. */
const needs = new Map<string, string>();

interface Route {
  path: string;
  mine: boolean;
}

/** Where forms are sent, at the installation and below a workspace. */
function routes(): { installation: Route[]; workspace: Route[] } {
  const source = readFileSync(join(ROOT, "src/pages/pages.c"), "utf8");
  const table = /routes\[\] = \{(.*?)\n\};/s.exec(source)?.[1] ?? "";
  const lines = table.split("\n\t{\"").slice(1).filter((line) => line.includes(".post ="));
  const of = (where: RegExp): Route[] => lines.filter((line) => where.test(line)).map((line) =>
    ({ path: line.slice(0, line.indexOf("\"")), mine: line.includes(" MINE,") }));
  return { installation: of(/BOTH|INSTALLATION/), workspace: of(/BOTH|WORKSPACE/) };
}

function behind(link: string): [string, string] {
  const url = new URL(link);
  return [url.pathname, url.search];
}

/** The ticket of a client whose user is asked for his consent. */
async function consentOf(person: Person, at: Issuer): Promise<string> {
  const app = await makePublicClient(at);
  const { url } = await begin(await relyingParty(at.url, app.id));
  return (await person.browser.open(url)).url.search;
}

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  base = `/w/${issuer.workspace.id}`;
  await issuer.tenant.admin.patch(issuer.tenant.path, { sign_up: true });
  member = await comeIn(server, issuer.tenant);
  user = await comeInto(server, issuer.tenant, issuer.workspace);
  await giveScope(issuer, user.principal, "ingest:write");
  const { browser } = member;
  await askForLink(browser, member.email, "/sign-in?need=login");
  needs.set(...behind((await mailTo(server, member.email, 2)).link));
  await askForLink(user.browser, user.email, `${base}/sign-in?need=login`);
  needs.set(...behind((await mailTo(server, user.email, 2)).link));
  const asked = await browser.open("/reset");
  await browser.submit(asked, asked.form("email"), { email: member.email });
  needs.set(...behind((await mailTo(server, member.email, 3)).link));
  needs.set("/sign-up", `?organisation=${issuer.tenant.org.id}`);
  const joining = await browser.open(`/sign-up${needs.get("/sign-up")}`);
  const email = `${unique("new")}@example.com`;
  await browser.submit(joining, joining.form("email"), { name: "Ada", email });
  needs.set(...behind((await mailTo(server, email)).link));
  for (const [path, draft] of [[`${issuer.tenant.path}/members`, {}],
    [`/api${base.replace("/w/", "/workspaces/")}/end-users`, {}]] as const) {
    const invited = `${unique("invited")}@example.com`;
    await issuer.tenant.admin.post<PrincipalCreated>(path,
      { email: invited, invite: true, ...draft });
    needs.set(...behind((await mailTo(server, invited)).link));
  }
  needs.set(`${base}/consent`, await consentOf(user, issuer));
  await setUpApp(member);
});

function refused(page: Page, by: "csrf" | "origin", what: string): void {
  expect(page.status, what).toBe(403);
  expect(page.text, what).toContain(
    by === "csrf" ? "This form is too old" : "sent from a page of another site");
}

/** All the ways in which somebody else's page, or nobody's, could send a form. */
async function expectGuarded(person: Person, start: string, path: string): Promise<void> {
  const own = (await person.browser.open(start)).form("csrf").fields["csrf"] ?? "";
  const foreign = new Browser(server.url);
  const theirs = (await foreign.open("/sign-in")).form("csrf").fields["csrf"] ?? "";
  expect(own).not.toBe("");
  const at = `${path}${needs.get(path) ?? ""}`;
  const send = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    person.browser.open(at, { method: "POST", form, headers: { ...SAME, ...headers } });
  const before = [...person.browser.cookies].toString();
  refused(await send({}), "csrf", `${path} without`);
  refused(await send({ csrf: "" }), "csrf", `${path} empty`);
  refused(await send({ csrf: theirs }), "csrf", `${path} with another browser's`);
  refused(await send({ csrf: `${own}x` }), "csrf", `${path} longer`);
  refused(await send({ csrf: own.slice(0, -1) }), "csrf", `${path} shorter`);
  for (const site of ["cross-site", "same-site", "none"])
    refused(await send({ csrf: own }, { "sec-fetch-site": site }), "origin",
      `${path} ${site}`);
  refused(await send({ csrf: own }, { "sec-fetch-site": "", origin: "https://evil.example" }),
    "origin", `${path} by origin`);
  // Nor by another way of writing it down.
  const text = await person.browser.open(at, { method: "POST", form: { csrf: own },
    headers: { ...SAME, "content-type": "text/plain" } });
  expect(text.status, `${path} as text`).toBeGreaterThanOrEqual(400);
  expect([...person.browser.cookies].toString()).toBe(before);
}

test("B2_attack: no form of the installation is taken from another page or browser", async () => {
  const { installation } = routes();
  expect(installation.length).toBeGreaterThanOrEqual(16);
  for (const { path } of installation.filter((route) => route.path !== "/consent"))
    await expectGuarded(member, "/account", path);
});

test("E2_attack: no form of a workspace is taken from another page or browser", async () => {
  const { workspace } = routes();
  expect(workspace.length).toBeGreaterThanOrEqual(6);
  for (const { path } of workspace)
    await expectGuarded(user, `${base}/sign-out`, `${base}${path}`);
});

test("B2_attack: whoever is signed out changes nothing, whatever he sends", async () => {
  const { installation, workspace } = routes();
  const paths = [...installation.filter((route) => route.mine).map((route) => route.path),
    ...workspace.filter((route) => route.mine).map((route) => base + route.path)];
  for (const path of paths) {
    const page = await new Browser(server.url).open(path, {
      method: "POST", form: { csrf: "x" }, headers: SAME,
    });
    expect(page.url.pathname, path).toMatch(/\/sign-in$/);
  }
});
