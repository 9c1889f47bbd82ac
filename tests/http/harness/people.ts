// People in front of a browser: how they come in, sign in, and get their mail.
import { expect } from "vitest";
import type { Tenant } from "./api.ts";
import { Browser, type Page } from "./browser.ts";
import { mailTo } from "./mail.ts";
import { unique } from "./make.ts";
import type { Server } from "./server.ts";
import type { Principal, PrincipalCreated, Workspace } from "./types.ts";

export const PASSWORD = "nine lanterns under the bridge";

export interface Person {
  email: string;
  password: string;
  principal: Principal;
  browser: Browser;
  /** Where he was taken in the end. */
  page: Page;
}

/** Opens the link of an invitation, which is the newest mail. */
export async function openInvitation(
  server: Server, email: string, browser = new Browser(server.url), count = 1,
): Promise<Page> {
  return browser.open((await mailTo(server, email, count)).link);
}

/** A member who was invited and has come: he has a password, and is signed in. */
export async function comeIn(
  server: Server, tenant: Tenant, draft: Record<string, unknown> = {},
): Promise<Person> {
  const email = `${unique("person")}@example.com`;
  const { principal } = await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`,
    { email, invite: true, ...draft });
  const browser = new Browser(server.url);
  const asked = await openInvitation(server, email, browser);
  const page = await browser.submit(asked, asked.form("new_password"),
    { name: "Ada Moreau", new_password: PASSWORD, decision: "accept" });
  expect(page.status, page.text).toBe(200);
  return { email, password: PASSWORD, principal, browser, page };
}

/** An end-user who was invited to a workspace and has come. */
export async function comeInto(
  server: Server, tenant: Tenant, workspace: Workspace, draft: Record<string, unknown> = {},
): Promise<Person> {
  const email = `${unique("user")}@example.com`;
  const { principal } = await tenant.admin.post<PrincipalCreated>(
    `/api/workspaces/${workspace.id}/end-users`, { email, invite: true, ...draft });
  const browser = new Browser(server.url);
  const asked = await openInvitation(server, email, browser);
  const page = await browser.submit(asked, asked.form("decision", "accept"),
    { decision: "accept" });
  expect(page.status, page.text).toBe(200);
  return { email, password: "", principal, browser, page };
}

/** The page on which the password is typed. */
export async function nameOneself(
  browser: Browser, email: string, at: string | Page = "/sign-in",
): Promise<Page> {
  const page = typeof at === "string" ? await browser.open(at) : at;
  return browser.submit(page, page.form("email"), { email, with: "password" });
}

/** With address and password, from the first page on; where that leads. */
export async function signIn(
  browser: Browser, email: string, password: string, at: string | Page = "/sign-in",
): Promise<Page> {
  const page = await nameOneself(browser, email, at);
  return browser.submit(page, page.form("password"), { password });
}

/** Asks for a link; the page that says that it is on its way. */
export async function askForLink(
  browser: Browser, email: string, at: string | Page = "/sign-in",
): Promise<Page> {
  const page = typeof at === "string" ? await browser.open(at) : at;
  return browser.submit(page, page.form("email"), { email, with: "link" });
}

/** Presses the button behind a link that was sent. */
export async function followLink(browser: Browser, link: string): Promise<Page> {
  const page = await browser.open(link);
  return browser.submit(page, page.form("decision", "sign_in"), { decision: "sign_in" });
}

export async function signOut(browser: Browser, base = ""): Promise<Page> {
  const page = await browser.open(`${base}/sign-out`);
  return browser.submit(page, page.form("decision", "sign_out"), { decision: "sign_out" });
}
