// Second factors of people in front of a browser: set up on their account, and proved.
import { expect } from "vitest";
import { Authenticator, type Options } from "./authenticator.ts";
import type { Form, Page } from "./browser.ts";
import type { Person } from "./people.ts";
import type { Server } from "./server.ts";
import { totpCode } from "./totp.ts";

/** The secret that a set-up page shows, as it stands there. */
export function secretOn(page: Page): string {
  const found = /class="key mono">([A-Z2-7 ]+)</.exec(page.html)?.[1];
  if (found === undefined) throw new Error(`no secret at ${page.url.href}: ${page.text}`);
  return found;
}

/** The recovery codes that a page shows. */
export function codesOn(page: Page): string[] {
  return [...page.html.matchAll(/<li>((?:[a-z2-7]{4}-){3}[a-z2-7]{4})<\/li>/g)]
    .map(([, code]) => code ?? "");
}

/** Presses a button that is a decision, on the page of the account. */
export async function decide(person: Person, decision: string): Promise<Page> {
  const account = await person.browser.open("/account");
  return person.browser.submit(account, account.form("decision", decision), { decision });
}

/** Sets an authenticator app up; the code used was of now. */
export async function setUpApp(person: Person): Promise<{ secret: string; page: Page }> {
  const asked = await decide(person, "set_up");
  const secret = secretOn(asked);
  const page = await person.browser.submit(asked, asked.form("code"), { code: totpCode(secret) });
  expect(page.status, page.text).toBe(200);
  return { secret, page };
}

/** As if every code so far had been of long ago: for what is not about their use. */
export function forgetCodes(server: Server): void {
  server.store.alter("UPDATE totps SET last_step = 0");
}

/** The form that the script fills in, and its options. */
export function passkeyForm(page: Page): { form: Form; options: Options } {
  const form = page.form("passkey");
  const at = page.html.indexOf("data-options=\"");
  const text = page.html.slice(at + 14, page.html.indexOf("\"", at + 14))
    .replaceAll("&quot;", "\"").replaceAll("&#34;", "\"").replaceAll("&amp;", "&");
  return { form, options: JSON.parse(text) as Options };
}

/** Adds a passkey to the account; where that led. */
export async function addPasskey(
  person: Person, authenticator: Authenticator, name = "A key",
): Promise<Page> {
  const account = await person.browser.open("/account");
  const { form, options } = passkeyForm(account);
  const page = await person.browser.submit(account, form,
    { name, passkey: authenticator.create(options) });
  expect(page.status, page.text).toBe(200);
  return page;
}
