// How well a user was proved, as clients ask for it and are told: acr_values, claims, max_age, amr.
import { beforeAll, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { BACK, type Parameters, request, VERIFIER } from "./harness/authorize.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { comeIn, type Person, signIn } from "./harness/people.ts";
import { forgetCodes, setUpApp } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import { totpCode } from "./harness/totp.ts";
import type { ClientCreated } from "./harness/types.ts";

const SINGLE = "urn:thingward:acr:1";
const SECOND = "urn:thingward:acr:2";

const server = useServer();
let tenant: Tenant;
let client: string;

beforeAll(async () => {
  tenant = await makeOrg(server);
  client = (await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
    name: unique("own"), type: "authorization_code_pkce", redirect_uris: [BACK], first_party: true,
  })).principal.id;
});

function start(own: Browser, more: Parameters): Promise<Page> {
  const asked = new URLSearchParams(request(client, { scope: "openid", ...more }));
  return own.open(`${server.url}/authorize?${asked}`);
}

/** What the ID token says that a code gives. */
async function claimsOf(page: Page): Promise<Record<string, unknown>> {
  expect(page.url.href.startsWith(BACK), page.url.href + page.text).toBe(true);
  const code = page.url.searchParams.get("code");
  expect(code, page.url.href).not.toBeNull();
  const reply = await fetch(`${server.url}/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", client_id: client, code: code ?? "", redirect_uri: BACK,
      code_verifier: VERIFIER,
    }),
  });
  const { id_token } = await reply.json() as { id_token: string };
  const part = id_token.split(".")[1] ?? "";
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}

function give(own: Browser, page: Page, secret: string): Promise<Page> {
  expect(page.heading, page.text).toBe("One more step");
  forgetCodes(server);
  return own.submit(page, page.form("code"), { code: totpCode(secret), with: "totp" });
}

/** Somebody who has signed in with a password, and set an app up since. */
async function withApp(): Promise<{ ada: Person; secret: string }> {
  const ada = await comeIn(server, tenant);
  const { secret } = await setUpApp(ada);
  return { ada, secret };
}

const essential = (...values: string[]): Parameters =>
  ({ claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }) });

test("OIDC-Core-3.1.2.1 acr_values: who is signed in by one factor proves the second", async () => {
  const { ada, secret } = await withApp();
  const single = await claimsOf(await start(ada.browser, {}));
  expect(single).toMatchObject({ acr: SINGLE, amr: ["pwd"] });
  const page = await start(ada.browser, { acr_values: SECOND });
  const claims = await claimsOf(await give(ada.browser, page, secret));
  expect(claims).toMatchObject({ acr: SECOND, amr: ["pwd", "otp", "mfa"] });
  // The password was no newer for it: the step up is no sign-in.
  expect(claims["auth_time"]).toBe(single["auth_time"]);
  // It has been proved; nothing is asked again.
  expect(await claimsOf(await start(ada.browser, { acr_values: `${SECOND} ${SINGLE}` })))
    .toMatchObject({ acr: SECOND });
});

test("OIDC-Core-3.1.2.1 acr_values: what may be either is not asked for", async () => {
  const { ada } = await withApp();
  expect(await claimsOf(await start(ada.browser, { acr_values: `${SINGLE} ${SECOND}` })))
    .toMatchObject({ acr: SINGLE });
});

test("OIDC-Core-3.1.2.6 prompt none: a second factor would have to be asked for", async () => {
  const { ada } = await withApp();
  const page = await start(ada.browser, { acr_values: SECOND, prompt: "none" });
  expect(page.url.searchParams.get("error")).toBe("interaction_required");
});

test("OIDC-Core-5.5.1.1 acr: voluntary for who has no second factor, unless it is essential",
  async () => {
    const ada = await comeIn(server, tenant);
    expect(await claimsOf(await start(ada.browser, { acr_values: SECOND })))
      .toMatchObject({ acr: SINGLE, amr: ["pwd"] });
    const page = await start(ada.browser, essential(SECOND));
    expect(page.url.searchParams.get("error")).toBe("unmet_authentication_requirements");
  });

test("OIDC-Core-5.5.1.1 acr: essential, and proved", async () => {
  const { ada, secret } = await withApp();
  const page = await start(ada.browser, essential(SECOND));
  expect(await claimsOf(await give(ada.browser, page, secret))).toMatchObject({ acr: SECOND });
});

test("OIDC-Core-3.1.2.1 max_age: both factors are proved anew", async () => {
  const { ada, secret } = await withApp();
  server.store.alter("UPDATE sessions SET auth_us = auth_us - 600000000"
    + ` WHERE person = (SELECT person FROM persons WHERE email = '${ada.email}')`);
  const before = Math.floor(Date.now() / 1000);
  const page = await start(ada.browser, { max_age: "60" });
  expect(page.heading).toBe("Sign in");
  const asked = await signIn(ada.browser, ada.email, ada.password, page);
  const claims = await claimsOf(await give(ada.browser, asked, secret));
  expect(claims).toMatchObject({ acr: SECOND, amr: ["pwd", "otp", "mfa"] });
  expect(claims["auth_time"]).toBeGreaterThanOrEqual(before);
});

test("OIDC-Core-2 acr: a sign-in that a client began goes on there after both steps", async () => {
  const { ada, secret } = await withApp();
  const own = new Browser(server.url);
  const asked = await signIn(own, ada.email, ada.password, await start(own, {}));
  expect(await claimsOf(await give(own, asked, secret))).toMatchObject({ acr: SECOND });
});
