// What the pages ask on the way from an authorization request to the client, and how they go on.
import { beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { BACK, type Parameters, request } from "./harness/authorize.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailTo } from "./harness/mail.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { type Issuer, makeIssuer, makePublicClient } from "./harness/oauth.ts";
import {
  askForLink, comeIn, comeInto, followLink, type Person, signIn,
} from "./harness/people.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;
let user: Person;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer);
  user = await comeInto(server, issuer.tenant, issuer.workspace, { permissions: ["ingest:write"] });
});

function authorizeUrl(at: string, client: Principal, more: Parameters = {}): string {
  return `${at}/authorize?${new URLSearchParams(request(client.id, more))}`;
}

/** Back at the client, with these parameters. */
function expectBack(page: Page, parameters: Record<string, unknown>): void {
  expect(page.url.href.startsWith(`${BACK}?`), page.url.href + page.text).toBe(true);
  expect(Object.fromEntries(page.url.searchParams)).toMatchObject(
    { state: "a state", ...parameters });
}

const CODE = { code: expect.stringMatching(/^twg_/) };

test("OIDC-Core-3.1.2.3 a link in the mail goes on to where the browser wanted to", async () => {
  const own = new Browser(server.url);
  const page = await own.open(authorizeUrl(issuer.url, app, { scope: "openid ingest:write" }));
  expect(page.text).toContain(`to continue to ${app.name}`);
  await askForLink(own, user.email, page);
  const mail = await mailTo(server, user.email, 2);
  expect(mail.text).toContain(app.name);
  const consent = await followLink(own, mail.link);
  expect(consent.heading).toBe("Allow access?");
  expect(consent.text).toContain("ingest:write");
  expect(consent.text).toContain("app.example.org");
  // The browser may be led on to the client by this form, and nowhere else.
  expect(consent.headers.get("content-security-policy"))
    .toContain("form-action 'self' https://app.example.org");
  expectBack(await own.submit(consent, consent.form("decision", "allow"), { decision: "allow" }),
    CODE);
  // What was allowed is not asked for again; more is.
  expectBack(await own.open(authorizeUrl(issuer.url, app, { scope: "ingest:write" })), CODE);
  const more = await own.open(authorizeUrl(issuer.url, app, { scope: "openid profile" }));
  expect(more.heading).toBe("Allow access?");
  expectBack(await own.submit(more, more.form("decision", "deny"), { decision: "deny" }),
    { error: "access_denied" });
});

test("OIDC-Core-3.1.2.3 a ticket of another issuer, or one that was changed, leads nowhere",
  async () => {
    const own = new Browser(server.url);
    const page = await own.open(authorizeUrl(issuer.url, app));
    const ticket = page.form("email").fields["ticket"] ?? "";
    const other = await makeIssuer(server);
    for (const at of [`${other.url}/sign-in?ticket=${ticket}`, `/sign-in?ticket=${ticket}`,
      `${issuer.url}/sign-in?ticket=${ticket.slice(0, -4)}AAAA`,
      `${issuer.url}/sign-in?ticket=${ticket}&ticket=${ticket}`,
      `${issuer.url}/consent?ticket=x`]) {
      const refused = await own.open(at);
      expect([at.length, refused.status]).toEqual([at.length, 400]);
      expect(refused.forms).toEqual([]);
    }
  });

test("OIDC-Core-3.1.2.4 there is no consent without a request", async () => {
  const page = await user.browser.open(`${issuer.url}/consent`);
  expect(page.status).toBe(400);
  const stranger = await new Browser(server.url).open(`${issuer.url}/consent`);
  expect(stranger.heading).toBe("Sign in");
});

describe("with the installation", () => {
  let client: Principal;
  let person: Person;
  let second: Tenant;

  beforeAll(async () => {
    client = (await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
      name: unique("app"), type: "authorization_code_pkce", redirect_uris: [BACK],
    })).principal;
    person = await comeIn(server, issuer.tenant);
    second = await makeOrg(server);
  });

  async function start(own: Browser, more: Parameters = {}): Promise<Page> {
    return own.open(authorizeUrl(server.url, client, { scope: "openid", ...more }));
  }

  const allow = (own: Browser, page: Page) =>
    own.submit(page, page.form("decision", "allow"), { decision: "allow" });

  test("OIDC-Core-3.1.2.3 a member signs in, and consents as who he is in his organisation",
    async () => {
      const own = new Browser(server.url);
      const consent = await signIn(own, person.email, person.password, await start(own));
      expect(consent.text).toContain(issuer.tenant.org.name);
      expectBack(await allow(own, consent), CODE);
    });

  test("of several organisations he chooses one, which is his", async () => {
    await second.admin.post(`${second.path}/members`, { email: person.email });
    const page = await start(person.browser);
    expect(page.heading).toBe("Choose an organisation");
    const form = page.form("organisation");
    expect(form.buttons.map((one) => one.value).toSorted())
      .toEqual([issuer.tenant.org.id, second.org.id].toSorted());
    const foreign = await makeOrg(server);
    for (const organisation of [foreign.org.id, "platform", ""])
      expect((await person.browser.submit(page, form, { organisation })).status).toBe(403);
    const consent = await person.browser.submit(page, form, { organisation: second.org.id });
    expect(consent.text).toContain(second.org.name);
    expectBack(await allow(person.browser, consent), CODE);
  });

  test("OIDC-Core-3.1.2.1 select_account: the one who is signed in, or another", async () => {
    const page = await start(person.browser, { prompt: "select_account",
      organization: second.org.id });
    expect(page.heading).toBe("Choose an account");
    expect(page.text).toContain(person.email);
    const form = page.form("account");
    const own = form.buttons.find((one) => one.value !== "other")?.value ?? "";
    const another = await person.browser.submit(page, form, { account: "other" });
    expect(another.heading).toBe("Sign in");
    expectBack(await person.browser.submit(page, form, { account: own }), CODE);
  });

  test("OIDC-Core-3.1.2.1 prompt login: signed in or not, the password is asked for", async () => {
    const page = await start(person.browser, { prompt: "login", organization: second.org.id });
    expect(page.heading).toBe("Sign in");
    expect(page.form("email").fields["email"]).toBe(person.email);
    expectBack(await signIn(person.browser, person.email, person.password, page), CODE);
  });

  test("OIDC-Core-3.1.2.1 login_hint: the page names who is meant, or anybody else", async () => {
    const login_hint = "ada+x@example.org";
    for (const [at, which] of [[issuer.url, app], [server.url, client]] as const) {
      const page = await new Browser(server.url).open(authorizeUrl(at, which, { login_hint }));
      expect(page.form("email").fields["email"]).toBe(login_hint);
    }
    const hostile = await new Browser(server.url).open(
      authorizeUrl(issuer.url, app, { login_hint: '"><script>alert(1)</script>' }));
    expect(hostile.status).toBe(200);
    expect(hostile.html).not.toContain("<script>alert");
  });
});
