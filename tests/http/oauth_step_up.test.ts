// What an authorization request asks of who is signed in at the installation: more proof, or where.
import { beforeAll, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { claimsOf } from "./harness/oauth.ts";
import { comeIn, type Person } from "./harness/people.ts";
import { plantSession } from "./harness/planted_session.ts";
import { BACK, begin, decide, finish, relyingParty } from "./harness/relying.ts";
import { forgetCodes, setUpApp } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import { totpCode } from "./harness/totp.ts";
import type { ClientCreated, PrincipalCreated } from "./harness/types.ts";

const server = useServer();
let tenant: Tenant;
let app: string;

beforeAll(async () => {
  tenant = await makeOrg(server);
  const made = await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
    name: unique("portal"), type: "authorization_code_pkce", redirect_uris: [BACK],
  });
  app = made.principal.id;
});

/** A browser in which somebody has signed in with a password alone. */
function withPassword(person: Person): Browser {
  const browser = new Browser(server.url);
  const session = plantSession(server.store, { user: person.principal });
  browser.cookies.set(session.name, session.value);
  return browser;
}

async function allowed(browser: Browser, page: Page): Promise<Page> {
  return page.status === 0 ? page : decide(browser, page, "allow");
}

test("OIDC-Core-3.1.2.1 acr_values: who has a second factor is asked for it", async () => {
  const person = await comeIn(server, tenant);
  const { secret } = await setUpApp(person);
  forgetCodes(server);
  const config = await relyingParty(server.url, app);
  const browser = withPassword(person);
  // Not asked for, and not needed.
  const plain = await begin(config);
  const first = await finish(config, plain, await allowed(browser, await browser.open(plain.url)));
  expect(first.claims()).toMatchObject({ acr: "urn:thingward:acr:1", amr: ["pwd"] });
  // With none it is an error; otherwise a page asks.
  const acr_values = "urn:thingward:acr:2";
  const silent = await begin(config, { acr_values, prompt: "none" });
  await expect(finish(config, silent, await browser.open(silent.url)))
    .rejects.toMatchObject({ error: "interaction_required" });
  const begun = await begin(config, { acr_values });
  const asked = await browser.open(begun.url);
  const page = await browser.submit(asked, asked.form("code"), { code: totpCode(secret) });
  const tokens = await finish(config, begun, await allowed(browser, page));
  expect(tokens.claims()?.["acr"]).toBe(acr_values);
  expect(tokens.claims()?.["amr"]).toEqual(expect.arrayContaining(["otp", "mfa"]));
  // Afterwards it is there.
  const again = await begin(config, { acr_values, prompt: "none" });
  expect((await finish(config, again, await browser.open(again.url))).claims()?.["acr"])
    .toBe(acr_values);
});

test("OIDC-Core-5.5.1.1 an essential second factor of who has none is an error", async () => {
  const person = await comeIn(server, tenant);
  const config = await relyingParty(server.url, app);
  const claims = JSON.stringify(
    { id_token: { acr: { essential: true, values: ["urn:thingward:acr:2"] } } });
  const begun = await begin(config, { claims });
  await expect(finish(config, begun, await person.browser.open(begun.url)))
    .rejects.toMatchObject({ error: "unmet_authentication_requirements" });
});

test("OIDC-Core-3.1.2.3 who belongs to several organisations chooses, and is who he is there",
  async () => {
    const person = await comeIn(server, tenant);
    const second = await makeOrg(server);
    const there = (await second.admin.post<PrincipalCreated>(`${second.path}/members`,
      { email: person.email })).principal;
    const config = await relyingParty(server.url, app);
    for (const [org, principal] of [[second.org.id, there], [tenant.org.id, person.principal]] as
      const) {
      const begun = await begin(config, { scope: "openid email" });
      const asked = await person.browser.open(begun.url);
      expect(asked.url.pathname).toBe("/select-organisation");
      const page = await person.browser.submit(asked, asked.form("organisation", org),
        { organisation: org });
      const tokens = await finish(config, begun, await allowed(person.browser, page));
      expect(tokens.claims()).toMatchObject({ sub: principal.id, email: person.email });
      expect(claimsOf(tokens.access_token)["org"]).toBe(org);
    }
    // One that is not his cannot be chosen.
    const begun = await begin(config);
    const asked = await person.browser.open(begun.url);
    const foreign = await makeOrg(server);
    const page = await person.browser.submit(asked, asked.form("organisation", second.org.id),
      { organisation: foreign.org.id });
    expect(page.url.searchParams.has("code")).toBe(false);
    expect(page.status).toBeGreaterThanOrEqual(400);
  });
