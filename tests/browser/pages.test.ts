// Every page of signing in, in Chromium: once as browsers come, looked at for what stands in the
// way of people with a screen reader, and once without JavaScript. It leaves a picture of each.
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "../http/harness/api.ts";
import { type Parameters, request } from "../http/harness/authorize.ts";
import { mailTo } from "../http/harness/mail.ts";
import { makeOrg, unique } from "../http/harness/make.ts";
import { giveScope, type Issuer, makeIssuer, makePublicClient } from "../http/harness/oauth.ts";
import { PASSWORD } from "../http/harness/people.ts";
import { Receiver } from "../http/harness/receiver.ts";
import { useServer } from "../http/harness/server.ts";
import type { ClientCreated, Principal, PrincipalCreated } from "../http/harness/types.ts";
import { OUTBOUND, Upstream } from "../http/harness/upstream.ts";
import { barriers, complaints, type Looks, pictures, useChromium } from "./harness/chromium.ts";

const server = useServer({ host: "localhost", args: OUTBOUND });
const chromium = useChromium();
const client = new Receiver();
const upstream = new Upstream();
let issuer: Issuer;
let tenant: Tenant;
let second: Tenant;
let app: Principal;
let memberApp: Principal;

beforeAll(async () => {
  await client.start();
  issuer = await makeIssuer(server, "devices:watch", "devices:command");
  tenant = issuer.tenant;
  await tenant.admin.patch(tenant.path, { sign_up: true });
  second = await makeOrg(server);
  app = await makePublicClient(issuer, { name: "Field tablet", redirect_uris: [back()] });
  memberApp = (await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
    name: "Plant dashboard", type: "authorization_code_pkce", redirect_uris: [back()],
  })).principal;
  await upstream.start(`${server.url}/sign-in/provider/callback`);
  upstream.planted(server, tenant, { name: "Works account", domains: ["example.com"] });
});
afterAll(() => Promise.all([client.stop(), upstream.stop()]));

const back = () => `${client.url}/back`;

function authorizeUrl(at: string, of: Principal, more: Parameters = {}): string {
  const parameters = request(of.id, { redirect_uri: back(), ...more });
  return `${at}/authorize?${new URLSearchParams(parameters)}`;
}

/** Somebody's browser, in which each page is looked at and kept as a picture. */
class Visitor {
  private readonly complaints: string[];

  private constructor(readonly context: BrowserContext, readonly page: Page,
    private readonly looks: Looks) {
    this.complaints = complaints(page);
  }

  static async arrive(looks: Looks): Promise<Visitor> {
    const context = await chromium.context(looks);
    return new Visitor(context, await context.newPage(), looks);
  }

  async leave(): Promise<void> {
    await this.context.close();
    expect(this.complaints).toEqual([]);
  }

  /** The page of this heading is there. */
  async see(heading: string, name: string): Promise<void> {
    await this.page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    if (this.looks.javaScript === false) {
      await pictures(this.page, `${name}-without-javascript`);
      return;
    }
    await pictures(this.page, name, async () =>
      expect(await barriers(this.page), name).toEqual([]));
  }

  async fill(label: string, value: string): Promise<void> {
    await this.page.getByLabel(label, { exact: true }).fill(value);
  }

  press(name: string): Promise<void> {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  follow(name: string): Promise<void> {
    return this.page.getByRole("link", { name, exact: true }).click();
  }

  /** Back at the client; with what. */
  async isBack(): Promise<Record<string, string>> {
    await this.page.waitForURL((url) => url.href.startsWith(back()));
    return Object.fromEntries(new URL(this.page.url()).searchParams);
  }
}

async function invited(to = tenant): Promise<string> {
  const email = `${unique("ada")}@example.com`;
  await to.admin.post<PrincipalCreated>(`${to.path}/members`, { email, invite: true });
  return email;
}

/** Comes in by an invitation; the account is open then. */
async function comeIn(visitor: Visitor, email: string): Promise<void> {
  await visitor.page.goto((await mailTo(server, email)).link);
  await visitor.see(`Join ${tenant.org.name}`, "invitation");
  await visitor.fill("Your name", "Ada Moreau");
  await visitor.fill("Password", PASSWORD);
  await visitor.press("Accept");
  await visitor.see("Your account", "account");
}

describe.each([
  { how: "as browsers come", looks: {} },
  { how: "without JavaScript", looks: { javaScript: false } },
])("$how", ({ looks }) => {
  test("B2_sign_in: invited, in, out, a wrong password, a forgotten one", async () => {
    const visitor = await Visitor.arrive(looks);
    const email = await invited();
    await comeIn(visitor, email);
    await visitor.page.goto(`${server.url}/sign-out`);
    await visitor.see("Sign out?", "sign-out");
    await visitor.press("Sign out");
    await visitor.see("You are signed out", "signed-out");

    await visitor.page.goto(`${server.url}/sign-in`);
    await visitor.see("Sign in", "sign-in");
    await visitor.fill("E-mail address", email);
    await visitor.press("Continue");
    await visitor.see("Your password", "password");
    await visitor.fill("Password", "not the password at all");
    await visitor.press("Sign in");
    await visitor.page.getByRole("alert").waitFor();
    await visitor.see("Your password", "password-wrong");

    await visitor.follow("Forgotten your password?");
    await visitor.see("Reset your password", "reset-request");
    await visitor.fill("E-mail address", email);
    await visitor.press("Send the link");
    await visitor.see("Look at your e-mail", "link-sent");
    await visitor.page.goto((await mailTo(server, email, 2)).link);
    await visitor.see("Set a new password", "reset-password");
    await visitor.fill("New password", `${PASSWORD} at night`);
    await visitor.press("Set password");
    await visitor.page.getByRole("status").waitFor();
    await visitor.see("Sign in", "reset-done");
    await visitor.leave();
  });

  test("C2_sign_up: an account of one's own", async () => {
    const visitor = await Visitor.arrive(looks);
    const email = `${unique("grace")}@example.com`;
    await visitor.page.goto(`${server.url}/sign-up?organisation=${tenant.org.id}`);
    await visitor.see("Create an account", "sign-up");
    await visitor.fill("Your name", "Grace Ode");
    await visitor.fill("E-mail address", email);
    await visitor.press("Create account");
    await visitor.see("Look at your e-mail", "sign-up-sent");
    const { link } = await mailTo(server, email);
    await visitor.page.goto(link);
    await visitor.see(`Join ${tenant.org.name}`, "sign-up-link");
    await visitor.fill("Password", PASSWORD);
    await visitor.press("Join");
    await visitor.see("Your account", "account-new");
    await visitor.page.goto(link);
    await visitor.page.getByText("used already").waitFor();
    await visitor.see("There is nothing here", "error-used-link");
    await visitor.leave();
  });

  test("E2_link: an end-user by a link, who allows a client something", async () => {
    const visitor = await Visitor.arrive(looks);
    const email = `${unique("user")}@example.com`;
    const { principal } = await tenant.admin.post<PrincipalCreated>(
      `/api/workspaces/${issuer.workspace.id}/end-users`, { email });
    for (const scope of ["devices:watch", "devices:command"])
      await giveScope(issuer, principal, scope);
    await visitor.page.goto(authorizeUrl(issuer.url, app, { scope: "openid email devices:watch" }));
    await visitor.see("Sign in", "sign-in-for-client");
    await visitor.fill("E-mail address", email);
    await visitor.press("E-mail me a sign-in link");
    await visitor.see("Look at your e-mail", "sign-in-link-sent");
    const { link } = await mailTo(server, email);
    const elsewhere = await Visitor.arrive(looks);
    await elsewhere.page.goto(link);
    await elsewhere.page.getByText("asked for in another browser").waitFor();
    await elsewhere.see("Finish signing in", "link-elsewhere");
    await elsewhere.leave();
    await visitor.page.goto(link);
    await visitor.see("Finish signing in", "link");
    await visitor.press("Sign in");
    await visitor.see("Allow access?", "consent");
    await visitor.press("Allow");
    expect(await visitor.isBack()).toMatchObject({ state: "a state", iss: issuer.url });
    await visitor.page.goto(`${issuer.url}/account`);
    await visitor.see("Your account", "account-of-end-user");
    await visitor.page.goto(authorizeUrl(issuer.url, app, { scope: "openid devices:command" }));
    await visitor.press("Deny");
    expect(await visitor.isBack()).toMatchObject({ error: "access_denied" });
    await visitor.leave();
  });

  test("E7_authorization: a member chooses an organisation, and an account", async () => {
    const visitor = await Visitor.arrive(looks);
    const email = await invited();
    await comeIn(visitor, email);
    await second.admin.post(`${second.path}/members`, { email });
    await visitor.page.goto(authorizeUrl(server.url, memberApp, { scope: "openid" }));
    await visitor.see("Choose an organisation", "select-organisation");
    await visitor.page.getByRole("button", { name: second.org.name }).click();
    await visitor.see("Allow access?", "consent-nothing");
    await visitor.press("Allow");
    expect(await visitor.isBack()).toMatchObject({ code: expect.stringMatching(/^twg_/) });
    await visitor.page.goto(authorizeUrl(server.url, memberApp,
      { scope: "openid", prompt: "select_account", organization: second.org.id }));
    await visitor.see("Choose an account", "select-account");
    await visitor.page.getByRole("button", { name: email }).click();
    expect(await visitor.isBack()).toMatchObject({ code: expect.stringMatching(/^twg_/) });
    await visitor.leave();
  });

  test("B3_providers: through an external provider", async () => {
    const visitor = await Visitor.arrive(looks);
    upstream.account = { sub: unique("sub"), email: await invited(), email_verified: true };
    await visitor.page.goto(authorizeUrl(server.url, memberApp,
      { scope: "openid", organization: tenant.org.id }));
    await visitor.see("Sign in", "sign-in-with-provider");
    await visitor.follow("Continue with Works account");
    await visitor.see("Allow access?", "consent-by-provider");
    await visitor.press("Allow");
    expect(await visitor.isBack()).toMatchObject({ code: expect.stringMatching(/^twg_/) });
    await visitor.leave();
  });

  test("E7_authorization: what cannot be told to the client, a page tells", async () => {
    const visitor = await Visitor.arrive(looks);
    await visitor.page.goto(authorizeUrl(issuer.url, app,
      { redirect_uri: "https://evil.example" }));
    await visitor.see("This did not work", "error-redirect");
    await visitor.leave();
  });

  test("E7_authorization: a form carries the answer to the client", async () => {
    const visitor = await Visitor.arrive(looks);
    await visitor.page.goto(authorizeUrl(issuer.url, app,
      { prompt: "none", response_mode: "form_post" }));
    if (looks.javaScript === false) {
      await visitor.see("Going on to Field tablet", "form-post");
      await visitor.press("Continue");
    }
    await visitor.page.waitForURL(back());
    const posted = client.received.findLast((one) => one.method === "POST");
    const fields = new URLSearchParams(posted?.body);
    expect(Object.fromEntries(fields)).toMatchObject({ error: "login_required", iss: issuer.url });
    await visitor.leave();
  });
});

test("B2_sign_in: the pages on a telephone", async () => {
  const visitor = await Visitor.arrive({ narrow: true });
  await visitor.page.goto(`${server.url}/sign-in`);
  await visitor.see("Sign in", "sign-in-narrow");
  await visitor.page.goto(`${server.url}/sign-up?organisation=${tenant.org.id}`);
  await visitor.see("Create an account", "sign-up-narrow");
  const wider = await visitor.page.evaluate<number>(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth");
  expect(wider).toBe(0);
  await visitor.leave();
});
