// Passkeys: added to an account, alone in place of a password, and as a second factor.
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { type Algorithm, Authenticator, type Lies } from "./harness/authenticator.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeOrg } from "./harness/make.ts";
import { comeIn, PASSWORD, type Person, signIn } from "./harness/people.ts";
import { addPasskey, codesOn, passkeyForm } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import type { Record_ } from "./harness/types.ts";

const server = useServer({ host: "localhost" });
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
});

function browser(): Browser {
  return new Browser(server.url);
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/account" && page.status === 200;
}

/** Somebody with a passkey. */
async function holder(alg: Algorithm = -7): Promise<{ ada: Person; key: Authenticator }> {
  const ada = await comeIn(server, tenant);
  const key = new Authenticator(server.url, alg);
  expect(codesOn(await addPasskey(ada, key))).toHaveLength(10);
  return { ada, key };
}

/** Signs in by a passkey and nothing else. */
async function alone(own: Browser, key: Authenticator, lies: Lies = {}): Promise<Page> {
  const page = await own.open("/sign-in");
  const { form, options } = passkeyForm(page);
  return own.submit(page, form, { with: "passkey", passkey: key.get(options, lies) });
}

/** Answers a page that asks for a second factor. */
function second(own: Browser, page: Page, key: Authenticator, lies: Lies = {}): Promise<Page> {
  const { form, options } = passkeyForm(page);
  return own.submit(page, form, { with: "passkey", passkey: key.get(options, lies) });
}

function methodsOf(own: Browser): string {
  const id = Buffer.from((own.cookies.get("__Host-thingward") ?? "").slice(4), "base64url")
    .subarray(16, 32).toString("hex");
  return server.store.value(
    `SELECT methods FROM sessions WHERE session = ${server.store.literal(id)}`);
}

async function records(action: string): Promise<Record_[]> {
  const all = await server.operator.list<Record_>("/api/orgs/platform/records");
  return all.filter((record) => record.action === action);
}

describe("B2_passkey", () => {
  test.each([-7, -8, -257] as const)(
    "B2_passkey: signs in alone, by the algorithm %i of COSE", async (alg) => {
      const { ada, key } = await holder(alg);
      const own = browser();
      const page = await alone(own, key);
      expect(isSignedIn(page), page.text).toBe(true);
      expect(page.text).toContain(ada.email);
      expect(methodsOf(own)).toBe("hwk mfa");
    });

  test("B2_passkey: is a second factor beside the password", async () => {
    const { ada, key } = await holder();
    const own = browser();
    const asked = await signIn(own, ada.email, PASSWORD);
    expect(asked.heading).toBe("One more step");
    expect(passkeyForm(asked).options.allowCredentials).toHaveLength(1);
    // Here the authenticator need not verify who touches it.
    const page = await second(own, asked, key, { verified: false, userHandle: undefined });
    expect(isSignedIn(page), page.text).toBe(true);
    expect(methodsOf(own)).toBe("pwd hwk mfa");
  });

  test("B2_passkey: of somebody else is no second factor", async () => {
    const { ada } = await holder();
    const { key } = await holder();
    const own = browser();
    const asked = await signIn(own, ada.email, PASSWORD);
    const { form, options } = passkeyForm(asked);
    const passkey = key.get({ ...options, allowCredentials: [] });
    expect((await own.submit(asked, form, { with: "passkey", passkey })).status).toBe(403);
    expect(isSignedIn(await own.open("/account"))).toBe(false);
  });

  test("B2_passkey: are listed, renamed and removed by their owner alone", async () => {
    const { ada, key } = await holder();
    const { ada: bob } = await holder();
    const account = await ada.browser.open("/account");
    expect(account.text).toContain("A key added");
    const id = account.form("remove").buttons[0]?.value ?? "";
    const other = await bob.browser.open("/account");
    const refused = await bob.browser.submit(other, other.form("remove"), { remove: id });
    expect(refused.status).toBe(404);
    const renamed = await ada.browser.submit(account, account.form("rename"),
      { rename: id, name: "Blue key" });
    expect(renamed.text).toContain("Blue key added");
    const bad = await ada.browser.submit(renamed, renamed.form("rename"), { rename: id, name: "" });
    expect(bad.status).toBe(400);
    const removed = await ada.browser.submit(renamed, renamed.form("remove"), { remove: id });
    expect(removed.text).toContain("The passkey is removed");
    expect(removed.text).not.toContain("Blue key");
    expect((await alone(browser(), key)).status).toBe(403);
    expect(isSignedIn(await signIn(browser(), ada.email, PASSWORD))).toBe(true);
    const kinds = ["create", "update", "delete"].map((verb) => records(`passkeys.${verb}`));
    for (const list of await Promise.all(kinds))
      expect(list.map((record) => record.subject.id)).toContain(id);
  });

  test("B2_passkey: one that was added is not added again, and is known to the browser",
    async () => {
      const { ada, key } = await holder();
      const account = await ada.browser.open("/account");
      const { form, options } = passkeyForm(account);
      expect(options.excludeCredentials?.map((known) => known.id))
        .toEqual(key.credentials.map((one) => one.id));
      // The second passkey brings no recovery codes: there are some.
      const page = await addPasskey(ada, new Authenticator(server.url), "Another");
      expect(page.text).toContain("The passkey is added");
      // A form cannot be sent twice: the same challenge, the same credential.
      const passkey = new Authenticator(server.url).create(options);
      const first = await ada.browser.submit(account, form, { name: "Twice", passkey });
      expect(first.status).toBe(200);
      expect((await ada.browser.submit(account, form, { name: "Twice", passkey })).status)
        .toBe(409);
    });

  test("B2_passkey: a suspended person's opens nothing", async () => {
    const { ada, key } = await holder();
    server.store.alter(`UPDATE persons SET state = 2 WHERE email = '${ada.email}'`);
    expect((await alone(browser(), key)).status).toBe(403);
  });

  test("B2_passkey: without a name for its host, a server has none", async () => {
    const own = new Browser(server.url.replace("localhost", "127.0.0.1"));
    // The address is not the relying party: what a browser would refuse, the server does as well.
    const { key } = await holder();
    const page = await own.open("/sign-in");
    const { form, options } = passkeyForm(page);
    expect(options.rpId).toBe("localhost");
    const passkey = key.get(options, { origin: own.origin });
    const refused = await own.open(form.action, { method: "POST",
      form: { ...form.fields, with: "passkey", passkey }, headers: { origin: server.url } });
    expect(refused.status).toBe(403);
  });
});

describe("WebAuthn-7.1", () => {
  const lies: [string, Lies][] = [
    ["step 7: another type", { type: "webauthn.get" }],
    ["step 8: another challenge", { challenge: randomBytes(64).toString("base64url") }],
    ["step 9: another origin", { origin: "https://localhost" }],
    ["step 14: another relying party", { rpId: "example.org" }],
    ["step 15: nobody was there", { present: false }],
    ["another credential than the one named", { credential: "AAAA" }],
  ];
  test.each(lies)("WebAuthn-7.1 %s", async (_, lie) => {
    const ada = await comeIn(server, tenant);
    const account = await ada.browser.open("/account");
    const { form, options } = passkeyForm(account);
    const passkey = new Authenticator(server.url).create(options, lie);
    const refused = await ada.browser.submit(account, form, { name: "A key", passkey });
    expect([refused.status, refused.text])
      .toEqual([403, expect.stringContaining("This passkey was not accepted")]);
    expect(refused.text).toContain("None yet");
  });

  test("WebAuthn-7.1 a challenge is of one browser", async () => {
    const ada = await comeIn(server, tenant);
    const bob = await comeIn(server, tenant);
    const { options } = passkeyForm(await bob.browser.open("/account"));
    const account = await ada.browser.open("/account");
    const passkey = new Authenticator(server.url).create(options);
    const refused = await ada.browser.submit(account, passkeyForm(account).form,
      { name: "A key", passkey });
    expect(refused.status).toBe(403);
  });
});

describe("WebAuthn-7.2", () => {
  const lies: [string, Lies][] = [
    ["step 5: another credential", { credential: "AAAA" }],
    ["step 6: another owner", { userHandle: randomBytes(16).toString("base64url") }],
    ["step 6: no owner", { userHandle: undefined }],
    ["step 10: another type", { type: "webauthn.create" }],
    ["step 11: another challenge", { challenge: randomBytes(64).toString("base64url") }],
    ["step 12: another origin", { origin: "http://localhost" }],
    ["step 15: another relying party", { rpId: "example.org" }],
    ["step 16: nobody was there", { present: false }],
    ["step 17: the user was not verified", { verified: false }],
  ];
  test.each(lies)("WebAuthn-7.2 %s", async (_, lie) => {
    const { key } = await holder();
    const own = browser();
    const refused = await alone(own, key, lie);
    expect([refused.status, refused.text])
      .toEqual([403, expect.stringContaining("This passkey was not accepted")]);
    expect(isSignedIn(await own.open("/account"))).toBe(false);
    expect(isSignedIn(await alone(own, key))).toBe(true);
  });

  test("WebAuthn-7.2 step 22: a counter that does not move on is a copy, and recorded",
    async () => {
      const { key } = await holder();
      key.count = 10;
      expect(isSignedIn(await alone(browser(), key))).toBe(true);
      const before = (await records("passkeys.copied")).length;
      expect((await alone(browser(), key, { count: 11 })).status).toBe(403);
      expect((await alone(browser(), key, { count: 3 })).status).toBe(403);
      expect(await records("passkeys.copied")).toHaveLength(before + 2);
      key.count = 11;
      expect(isSignedIn(await alone(browser(), key))).toBe(true);
    });

  test("WebAuthn-7.2 an answer is taken once; who brings it twice has no copy", async () => {
    const { key } = await holder();
    key.count = 20;
    const before = (await records("passkeys.copied")).length;
    const own = browser();
    const page = await own.open("/sign-in");
    const { form, options } = passkeyForm(page);
    const fields = { with: "passkey", passkey: key.get(options) };
    expect(isSignedIn(await own.submit(page, form, fields))).toBe(true);
    // In the same browser, before the session.
    own.cookies.delete("__Host-thingward");
    expect((await own.submit(page, form, fields)).status).toBe(403);
    expect(await records("passkeys.copied")).toHaveLength(before);
  });

  test("WebAuthn-7.2 a challenge for one purpose answers no other", async () => {
    const { ada, key } = await holder();
    const own = browser();
    const page = await own.open("/sign-in");
    const passkey = key.get(passkeyForm(page).options);
    const asked = await signIn(own, ada.email, PASSWORD, page);
    const { form } = passkeyForm(asked);
    expect((await own.submit(asked, form, { with: "passkey", passkey })).status).toBe(403);
  });

  test.each(["", "{}", "[]", "null", "x".repeat(40_000),
    "{\"type\":\"public-key\",\"rawId\":\"AA\",\"response\":{\"clientDataJSON\":\"e30\"}}"])(
    "WebAuthn-7.2 what is no answer: %.20s", async (passkey) => {
      const own = browser();
      const page = await own.open("/sign-in");
      const refused = await own.submit(page, passkeyForm(page).form, { with: "passkey", passkey });
      expect(refused.status).toBe(403);
    });
});
