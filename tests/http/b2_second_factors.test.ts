// A second factor beside the password: an authenticator app, and recovery codes for its loss.
import { beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeOrg } from "./harness/make.ts";
import {
  askForLink, comeIn, followLink, PASSWORD, type Person, signIn,
} from "./harness/people.ts";
import { mailTo } from "./harness/mail.ts";
import { codesOn, decide, forgetCodes, secretOn, setUpApp } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import { totpCode } from "./harness/totp.ts";
import type { Record_ } from "./harness/types.ts";

const server = useServer();
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

async function stillSignedIn(person: Browser): Promise<boolean> {
  return isSignedIn(await person.open("/account"));
}

/** The answer to a page that asks for a code. */
function give(own: Browser, page: Page, code: string): Promise<Page> {
  return own.submit(page, page.form("code"), { code, with: "totp" });
}

function recover(own: Browser, page: Page, code: string): Promise<Page> {
  return own.submit(page, page.form("recovery_code"), { recovery_code: code, with: "recovery" });
}

/** Makes the sign-in of every session one of long ago. */
function age(person: Person): void {
  server.store.alter("UPDATE sessions SET auth_us = auth_us - 600000000, second_us = NULL"
    + ` WHERE person = (SELECT person FROM persons WHERE email = '${person.email}')`);
}

/** A session as the store has it: its methods, and whether a second factor was proved. */
function sessionOf(person: Person, own: Browser): { methods: string; second: boolean } {
  const id = Buffer.from((own.cookies.get("__Host-thingward") ?? "").slice(4), "base64url")
    .subarray(16, 32).toString("hex");
  const where = `WHERE session = ${server.store.literal(id)}`;
  expect(person.email).not.toBe("");
  return {
    methods: server.store.value(`SELECT methods FROM sessions ${where}`),
    second: server.store.value(
      `SELECT COUNT(*) FROM sessions ${where} AND second_us IS NOT NULL`) === "1",
  };
}

async function records(action: string): Promise<Record_[]> {
  const all = await server.operator.list<Record_>("/api/orgs/platform/records");
  return all.filter((record) => record.action === action);
}

describe("B2_second_factor", () => {
  test("B2_second_factor: with an app, a password alone opens nothing", async () => {
    const ada = await comeIn(server, tenant);
    const { secret, page } = await setUpApp(ada);
    expect(codesOn(page)).toHaveLength(10);
    expect(new Set(codesOn(page)).size).toBe(10);

    const own = browser();
    const asked = await signIn(own, ada.email, PASSWORD);
    expect([asked.heading, asked.url.pathname]).toEqual(["One more step", "/sign-in/second"]);
    expect(own.cookies.has("__Host-thingward")).toBe(false);
    expect(await stillSignedIn(own)).toBe(false);
    const wrong = await give(own, asked, "000000");
    expect(wrong.status).toBe(403);
    expect(wrong.text).toContain("This code is not right");
    expect(await stillSignedIn(own)).toBe(false);
    const right = await give(own, asked, totpCode(secret, 1));
    expect(isSignedIn(right)).toBe(true);
    expect(own.cookies.has("__Host-thingward-first")).toBe(false);
    expect(sessionOf(ada, own)).toEqual({ methods: "pwd otp mfa", second: true });
  });

  test("RFC6238-5.2 a code is accepted once, and none of before it", async () => {
    const ada = await comeIn(server, tenant);
    const { secret } = await setUpApp(ada);
    const first = browser();
    const asked = await signIn(first, ada.email, PASSWORD);
    // The code that the set-up has used.
    expect((await give(first, asked, totpCode(secret))).status).toBe(403);
    const next = totpCode(secret, 1);
    expect(isSignedIn(await give(first, asked, next))).toBe(true);
    const second = browser();
    const again = await signIn(second, ada.email, PASSWORD);
    expect((await give(second, again, next)).status).toBe(403);
    expect((await give(second, again, totpCode(secret))).status).toBe(403);
    expect(await stillSignedIn(second)).toBe(false);
  });

  test("RFC6238-5.2 of two that come at once with the same code, one is let in", async () => {
    const ada = await comeIn(server, tenant);
    const { secret } = await setUpApp(ada);
    const both = [browser(), browser()];
    const asked: Page[] = [];
    for (const own of both) asked.push(await signIn(own, ada.email, PASSWORD));
    const code = totpCode(secret, 1);
    const pages = await Promise.all(both.map((own, i) => give(own, asked[i] as Page, code)));
    expect(pages.map((page) => page.status).toSorted()).toEqual([200, 403]);
  });

  test("B2_second_factor: what the password opened is of this browser, and ends", async () => {
    const ada = await comeIn(server, tenant);
    const { secret } = await setUpApp(ada);
    const own = browser();
    const thief = browser();
    await signIn(own, ada.email, PASSWORD);
    thief.cookies.set("__Host-thingward-first", own.cookies.get("__Host-thingward-first") ?? "");
    expect((await thief.open("/sign-in/second")).heading).toBe("Sign in");
    await thief.open("/sign-in");
    expect((await thief.open("/sign-in/second")).heading).toBe("Sign in");
    // A new password takes it back.
    expect((await own.open("/sign-in/second")).heading).toBe("One more step");
    server.store.alter(
      `UPDATE persons SET generation = generation + 1 WHERE email = '${ada.email}'`);
    expect((await own.open("/sign-in/second")).heading).toBe("Sign in");
    expect(secret).not.toBe("");
  });

  test("B2_second_factor: codes cannot be guessed for long, whatever the password", async () => {
    const ada = await comeIn(server, tenant);
    await setUpApp(ada);
    const seen: number[] = [];
    for (let i = 0; i < 12 && !seen.includes(429); i++) {
      const own = browser();
      const asked = await signIn(own, ada.email, PASSWORD);
      seen.push((await give(own, asked, String(100_000 + i))).status);
    }
    expect(seen[0]).toBe(403);
    expect(seen.at(-1)).toBe(429);
  });

  test("B2_second_factor: it is asked for after a link as well", async () => {
    const ada = await comeIn(server, tenant);
    const { secret } = await setUpApp(ada);
    const own = browser();
    await askForLink(own, ada.email);
    const asked = await followLink(own, (await mailTo(server, ada.email, 2)).link);
    expect(asked.heading).toBe("One more step");
    expect(isSignedIn(await give(own, asked, totpCode(secret, 1)))).toBe(true);
    expect(sessionOf(ada, own).methods).toBe("email otp mfa");
  });

  test("B2_recovery_codes: each opens the account once", async () => {
    const ada = await comeIn(server, tenant);
    const { page } = await setUpApp(ada);
    const [code = "", other = ""] = codesOn(page);
    const own = browser();
    const asked = await signIn(own, ada.email, PASSWORD);
    expect((await recover(own, asked, "aaaa-aaaa-aaaa-aaaa")).status).toBe(403);
    const opened = await recover(own, asked, code.toUpperCase().replaceAll("-", " "));
    expect(isSignedIn(opened)).toBe(true);
    expect(opened.text).toContain("9 left");
    const again = browser();
    const refused = await recover(again, await signIn(again, ada.email, PASSWORD), code);
    expect([refused.status, refused.text])
      .toEqual([403, expect.stringContaining("was used before")]);
    expect(isSignedIn(await recover(again, refused, other))).toBe(true);
    expect((await records("recovery_codes.use")).length).toBeGreaterThanOrEqual(2);

    // New ones take the place of all that were left.
    const renewed = await decide({ ...ada, browser: again }, "recovery_codes");
    expect(codesOn(renewed)).toHaveLength(10);
    const third = browser();
    const last = await signIn(third, ada.email, PASSWORD);
    expect((await recover(third, last, codesOn(page)[5] ?? "")).status).toBe(403);
    expect(isSignedIn(await recover(third, last, codesOn(renewed)[5] ?? ""))).toBe(true);
  });

  test("B2_second_factor: setting up needs a first code; the key is shown until then", async () => {
    const ada = await comeIn(server, tenant);
    const asked = await decide(ada, "set_up");
    expect(asked.url.pathname).toBe("/account/totp");
    expect(asked.html).toContain("<svg class=\"qr\"");
    const wrong = await ada.browser.submit(asked, asked.form("code"), { code: "123 456" });
    expect([wrong.status, wrong.text])
      .toEqual([403, expect.stringContaining("not the code that your app should show")]);
    expect(secretOn(wrong)).toBe(secretOn(asked));
    // Until then it counts for nothing.
    expect(isSignedIn(await signIn(browser(), ada.email, PASSWORD))).toBe(true);
    const code = totpCode(secretOn(asked));
    const on = await ada.browser.submit(wrong, wrong.form("code"),
      { code: `${code.slice(0, 3)} ${code.slice(3)}` });
    expect(codesOn(on)).toHaveLength(10);
    // And afterwards nobody sees the key any more.
    expect((await ada.browser.open("/account/totp")).url.pathname).toBe("/account");
    for (const bytes of server.store.contents())
      expect(bytes.includes(secretOn(asked).replaceAll(" ", ""))).toBe(false);
    const made = await records("totps.create");
    expect(made.length).toBeGreaterThan(0);
    expect(JSON.stringify(made)).not.toContain("secret");
  });

  test("B2_second_factor: what is old has to be proved again before anything is taken away",
    async () => {
      const ada = await comeIn(server, tenant);
      const { secret } = await setUpApp(ada);
      age(ada);
      const asked = await decide(ada, "turn_off");
      expect(asked.heading).toBe("One more step");
      const back = await give(ada.browser, asked, totpCode(secret, 1));
      expect(isSignedIn(back)).toBe(true);
      expect(back.text).toContain("You can make your change now");
      const off = await decide(ada, "turn_off");
      expect(off.text).toContain("Your authenticator app is off");
      expect(isSignedIn(await signIn(browser(), ada.email, PASSWORD))).toBe(true);
      // Without a factor it is the password.
      age(ada);
      expect((await decide(ada, "set_up")).heading).toBe("Sign in");
    });

  test("B2_password: beside a second factor it may be short, and keeps the factor there",
    async () => {
      const ada = await comeIn(server, tenant);
      const short = "wex4plum";
      const set = async (): Promise<Page> => {
        const account = await ada.browser.open("/account");
        return ada.browser.submit(account, account.form("new_password"),
          { password: PASSWORD, new_password: short });
      };
      const refused = await set();
      expect([refused.status, refused.text])
        .toEqual([400, expect.stringContaining("15 characters")]);
      const { secret } = await setUpApp(ada);
      expect((await set()).text).toContain("Your password is changed");
      const kept = await decide(ada, "turn_off");
      expect([kept.status, kept.text])
        .toEqual([409, expect.stringContaining("too short to stand alone")]);
      const own = browser();
      const asked = await signIn(own, ada.email, short);
      expect(asked.heading).toBe("One more step");
      expect(isSignedIn(await give(own, asked, totpCode(secret, 1)))).toBe(true);
      // With a longer one it can go.
      const account = await own.open("/account");
      await own.submit(account, account.form("new_password"),
        { password: short, new_password: PASSWORD });
      expect((await decide({ ...ada, browser: own }, "turn_off")).text)
        .toContain("Your authenticator app is off");
    });

  test("B2_second_factor: nobody turns off what is somebody else's", async () => {
    const ada = await comeIn(server, tenant);
    const bob = await comeIn(server, tenant);
    await setUpApp(ada);
    const form = (await ada.browser.open("/account")).form("decision", "turn_off");
    const page = await bob.browser.open("/account");
    // Ada's form is none of Bob's; and Bob's own says that there is nothing to turn off.
    expect((await bob.browser.submit(page, form, { decision: "turn_off" })).status).toBe(403);
    const own = page.form("decision", "set_up");
    const refused = await bob.browser.submit(page, own, { decision: "turn_off" });
    expect([refused.status, refused.text])
      .toEqual([404, expect.stringContaining("No authenticator app is on")]);
    forgetCodes(server);
    expect((await signIn(browser(), ada.email, PASSWORD)).heading).toBe("One more step");
  });
});
