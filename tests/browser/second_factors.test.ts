// Second factors in Chromium: an authenticator app whose code is typed, and passkeys of a virtual
// authenticator, with everything that the pages' own policy lets them do.
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "../http/harness/api.ts";
import { mailTo } from "../http/harness/mail.ts";
import { makeOrg, unique } from "../http/harness/make.ts";
import { PASSWORD } from "../http/harness/people.ts";
import { useServer } from "../http/harness/server.ts";
import { totpCode } from "../http/harness/totp.ts";
import type { PrincipalCreated } from "../http/harness/types.ts";
import { complaints, pictures, useChromium } from "./harness/chromium.ts";

const server = useServer({ host: "localhost" });
const chromium = useChromium();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
});

/** Comes in by an invitation, as people do; then the account is open. */
async function comeIn(context: BrowserContext): Promise<{ page: Page; email: string }> {
  const email = `${unique("ada")}@example.com`;
  await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`, { email, invite: true });
  const page = await context.newPage();
  await page.goto((await mailTo(server, email)).link);
  await page.getByLabel("Your name").fill("Ada Moreau");
  await page.locator("[name=new_password]").fill(PASSWORD);
  await page.locator("button[name=decision][value=accept]").click();
  await page.waitForURL("**/account*");
  return { page, email };
}

async function signIn(page: Page, email: string): Promise<void> {
  await page.goto(`${server.url}/sign-in`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function signOut(page: Page): Promise<void> {
  await page.goto(`${server.url}/sign-out`);
  await page.locator("button[name=decision][value=sign_out]").click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

/** A security key that needs nobody to touch it. */
async function plugIn(page: Page): Promise<{ session: CDPSession; id: string }> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  return { session, id: authenticatorId };
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name of the new passkey").fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
}

/** The secret as people see it. */
async function secretOn(page: Page): Promise<string> {
  return page.locator(".key").innerText();
}

async function setUpApp(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Set up" }).click();
  const secret = await secretOn(page);
  await page.getByLabel("Type the code that it shows").fill(totpCode(secret));
  await page.getByRole("button", { name: "Turn on" }).click();
  return secret;
}

describe("B2_passkey", () => {
  test("B2_passkey: added in Chromium, signs in alone", async () => {
    const { page } = await comeIn(await chromium.context());
    const found = complaints(page);
    const key = await plugIn(page);
    await addPasskey(page, "Work laptop");
    await page.getByRole("heading", { name: "Recovery codes" }).waitFor();
    expect(await page.locator(".codes li").count()).toBe(10);
    await pictures(page, "recovery-codes");
    await page.getByRole("link", { name: "I have kept them" }).click();
    await page.locator(".what", { hasText: "Work laptop" }).waitFor();
    await pictures(page, "account-with-passkey");
    const { credentials } = await key.session.send("WebAuthn.getCredentials",
      { authenticatorId: key.id });
    expect(credentials).toMatchObject([{ isResidentCredential: true, rpId: "localhost" }]);

    await signOut(page);
    await page.goto(`${server.url}/sign-in`);
    await pictures(page, "sign-in-with-passkey");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.waitForURL("**/account");
    expect(await page.locator(".what", { hasText: "Work laptop" }).isVisible()).toBe(true);
    expect(found).toEqual([]);
  });

  test("B2_passkey: a second factor in Chromium", async () => {
    const { page, email } = await comeIn(await chromium.context());
    const found = complaints(page);
    await plugIn(page);
    await addPasskey(page, "Work laptop");
    await page.getByRole("link", { name: "I have kept them" }).click();
    await signOut(page);
    await signIn(page, email);
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    await pictures(page, "second-factor-passkey");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.waitForURL("**/account");
    expect(found).toEqual([]);
  });

  test("B2_passkey: one whose user is not verified does not sign in alone", async () => {
    const { page } = await comeIn(await chromium.context());
    const key = await plugIn(page);
    await addPasskey(page, "Work laptop");
    await page.getByRole("link", { name: "I have kept them" }).click();
    await signOut(page);
    await key.session.send("WebAuthn.setUserVerified",
      { authenticatorId: key.id, isUserVerified: false });
    await page.goto(`${server.url}/sign-in`);
    const button = page.getByRole("button", { name: "Use a passkey" });
    await button.click();
    // The browser gives no answer; the page stays as it was, with the button to try again.
    await page.waitForFunction("document.activeElement?.textContent === 'Use a passkey'");
    expect(new URL(page.url()).pathname).toBe("/sign-in");
  });
});

describe("B2_second_factor", () => {
  test("B2_second_factor: an app without JavaScript", async () => {
    const { page, email } = await comeIn(await chromium.context({ javaScript: false }));
    const found = complaints(page);
    await pictures(page, "account-without-javascript");
    // What needs the script is not offered.
    expect(await page.getByLabel("Name of the new passkey").isVisible()).toBe(false);
    await page.getByRole("button", { name: "Set up" }).click();
    await pictures(page, "totp-set-up");
    const secret = await secretOn(page);
    await page.getByLabel("Type the code that it shows").fill("000000");
    await page.getByRole("button", { name: "Turn on" }).click();
    expect(await page.getByRole("alert").innerText()).toContain("not the code");
    await pictures(page, "totp-set-up-wrong");
    await page.getByLabel("Type the code that it shows").fill(totpCode(secret));
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.getByRole("heading", { name: "Recovery codes" }).waitFor();
    const code = await page.locator(".codes li").first().innerText();
    await page.getByRole("link", { name: "I have kept them" }).click();
    await pictures(page, "account-with-app");

    await signOut(page);
    await signIn(page, email);
    await pictures(page, "second-factor-app");
    await page.getByText("Use a recovery code").click();
    await page.getByLabel("Recovery code", { exact: true }).fill("aaaa-bbbb-cccc-dddd");
    await page.getByRole("button", { name: "Continue with this code" }).click();
    expect(await page.getByRole("alert").innerText()).toContain("recovery code is not right");
    // It is still open, for another try.
    expect(await page.getByLabel("Recovery code", { exact: true }).isVisible()).toBe(true);
    await pictures(page, "second-factor-recovery");
    await page.getByLabel("Recovery code", { exact: true }).fill(code);
    await page.getByRole("button", { name: "Continue with this code" }).click();
    await page.waitForURL("**/account");
    expect(await page.getByText("9 left").isVisible()).toBe(true);
    expect(found).toEqual([]);
  });

  test("B2_second_factor: on a telephone, with app and passkey", async () => {
    const { page, email } = await comeIn(await chromium.context({ narrow: true }));
    await plugIn(page);
    const secret = await setUpApp(page);
    await page.getByRole("link", { name: "I have kept them" }).click();
    await addPasskey(page, "Telephone of a person with a rather long name for it");
    await page.getByText("The passkey is added").waitFor();
    await pictures(page, "account-narrow");
    await signOut(page);
    await signIn(page, email);
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    await pictures(page, "second-factor-narrow");
    await page.getByLabel("Code from your authenticator").fill(totpCode(secret, 1));
    await page.getByRole("button", { name: "Continue", exact: true }).click();
    await page.waitForURL("**/account");
  });
});
