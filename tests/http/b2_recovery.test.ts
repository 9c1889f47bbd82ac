// Whoever has lost all second factors, or a password where no mail comes, the operator helps.
import { beforeAll, describe, expect, test } from "vitest";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { Authenticator } from "./harness/authenticator.ts";
import { ENGINE, thingward } from "./harness/binary.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { mailsTo, mailTo } from "./harness/mail.ts";
import { makeMachine, makeMember, makeOrg, makeRole, unique } from "./harness/make.ts";
import { comeIn, PASSWORD, type Person, signIn } from "./harness/people.ts";
import { addPasskey, setUpApp } from "./harness/second.ts";
import { useServer } from "./harness/server.ts";
import type { Record_ } from "./harness/types.ts";

// Passkeys are made for a name.
const server = useServer({ host: "localhost" });
const ANOTHER = "eleven ferries across the bay";
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
});

interface Account {
  id: string;
  has_password: boolean;
  changed: number;
}

async function accountOf(email: string): Promise<Account> {
  const [account] = await server.operator.list<Account>(`/api/persons?q=${email}`);
  if (!account) throw new Error(`no account of ${email}`);
  return account;
}

async function at(email: string): Promise<string> {
  return `/api/persons/${(await accountOf(email)).id}/recover`;
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/account" && page.status === 200;
}

async function factorsOf(email: string): Promise<number> {
  const person = server.store.literal((await accountOf(email)).id);
  return ["totps", "passkeys", "recovery_codes"].map((table) => Number(server.store.value(
    `SELECT COUNT(*) FROM ${table} WHERE person = ${person}`))).reduce((a, b) => a + b);
}

/** Sets a password by a link; a browser in which nobody is signed in. */
async function setPassword(link: string, password = ANOTHER): Promise<Page> {
  const browser = new Browser(server.url);
  const { pathname, search } = new URL(link);
  const page = await browser.open(`${pathname}${search}`);
  return page.status === 200
    ? browser.submit(page, page.form("new_password"), { new_password: password }) : page;
}

/** Somebody with an app, a passkey and ten recovery codes. */
async function equipped(): Promise<Person> {
  const ada = await comeIn(server, tenant);
  await setUpApp(ada);
  await addPasskey(ada, new Authenticator(server.url));
  expect(await factorsOf(ada.email)).toBe(12);
  return ada;
}

describe("by the API", () => {
  test("B2_second_factor: an operator lets in who has lost all, and sees no link", async () => {
    const ada = await equipped();
    const reply = await server.operator.request("POST", await at(ada.email));
    expect(reply.status).toBe(200);
    expect(JSON.stringify(reply.body)).not.toMatch(/twl_|http/);
    expect(reply.body).toMatchObject({ email: ada.email, has_password: true });
    expect(await factorsOf(ada.email)).toBe(0);
    expect((await ada.browser.open("/account")).url.pathname).toBe("/sign-in");
    // The password is still his, and enough now.
    expect(isSignedIn(await signIn(new Browser(server.url), ada.email, PASSWORD))).toBe(true);
    const mail = await mailTo(server, ada.email, 2);
    expect(mail.subject).toBe("Come back into your account");
    const done = await setPassword(mail.link);
    expect(done.url.pathname, done.text).toBe("/sign-in");
    expect(isSignedIn(await signIn(new Browser(server.url), ada.email, ANOTHER))).toBe(true);
    expect((await setPassword(mail.link)).text).toContain("used already");
    const records = await server.operator.list<Record_>(
      `/api/orgs/platform/records?subject=${(await accountOf(ada.email)).id}`);
    expect(records.map((one) => one.action)).toEqual(expect.arrayContaining(
      ["second_factors.delete", "persons.recover"]));
    expect(JSON.stringify(records)).not.toMatch(/twl_/);
  });

  test("B2_second_factor: a password that was short beside one goes with it", async () => {
    const ada = await comeIn(server, tenant);
    await setUpApp(ada);
    const account = await ada.browser.open("/account");
    const changed = await ada.browser.submit(account, account.form("new_password"),
      { password: PASSWORD, new_password: "nine lamps" });
    expect(changed.status, changed.text).toBe(200);
    await server.operator.must("POST", await at(ada.email));
    expect(await accountOf(ada.email)).toMatchObject({ has_password: false });
    expect(isSignedIn(await signIn(new Browser(server.url), ada.email, "nine lamps"))).toBe(false);
    const { link } = await mailTo(server, ada.email, 2);
    expect((await setPassword(link, "nine lamps")).status).toBe(400);
    await setPassword(link);
    expect(isSignedIn(await signIn(new Browser(server.url), ada.email, ANOTHER))).toBe(true);
  });

  test("B2_second_factor: what strangers have sent to somebody does not keep his help away",
    async () => {
      const ada = await equipped();
      const stranger = new Browser(server.url);
      const ask = async (): Promise<void> => {
        const page = await stranger.open("/reset");
        await stranger.submit(page, page.form("email"), { email: ada.email });
      };
      for (let i = 0; i < 6; i++) await ask();
      await mailTo(server, ada.email, 6);
      await server.operator.must("POST", await at(ada.email));
      const help = await mailTo(server, ada.email, 7);
      expect(help.subject).toBe("Come back into your account");
    });

  test("B4_persons: no tenant does that, nor an operator who may only look", async () => {
    const ada = await equipped();
    const path = await at(ada.email);
    expectProblem(await tenant.admin.request("POST", path), 404);
    const platform = { ...tenant, admin: server.operator, path: "/api/orgs/platform" };
    const role = await makeRole(platform, ["iam:persons:read"]);
    const clerk = server.as(
      (await makeMachine(platform, "service-accounts", { roles: [role.name] })).secret);
    expectForbidden(await clerk.request("POST", path), "iam:persons:update");
    expect(await factorsOf(ada.email)).toBe(12);
    expect(isSignedIn(await ada.browser.open("/account"))).toBe(true);
    expect(mailsTo(server, ada.email)).toHaveLength(1);
  });

  test("B4_persons: accounts that it does not help", async () => {
    const member = await makeMember(tenant);
    expectProblem(await server.operator.request("POST", await at(member.email ?? "")), 409,
      "account-not-begun");
    expectProblem(await server.operator.request("POST", `/api/persons/${tenant.org.id}/recover`),
      404, "person-not-found");
    const ada = await comeIn(server, tenant);
    const { id, changed } = await accountOf(ada.email);
    expect((await server.operator.request("POST", `/api/persons/${id}/recover`, undefined,
      { "if-match": `"${changed + 9999}"` })).status).toBe(412);
    await server.operator.patch(`/api/persons/${id}`, { state: "suspended" });
    expectProblem(await server.operator.request("POST", await at(ada.email)), 409,
      "person-suspended");
  });

  test("B4_persons: an address does not get mail without end", async () => {
    const ada = await comeIn(server, tenant);
    const path = await at(ada.email);
    const codes: number[] = [];
    for (let i = 0; i < 16; i++)
      codes.push((await server.operator.request("POST", path)).status);
    expect(codes).toEqual([...Array<number>(15).fill(200), 409]);
  });
});

describe("on the machine", () => {
  const recover = (...args: string[]) => thingward(
    ["persons", "recover", ...args, ...server.store.options, "--base-url", server.url]);

  async function offline<T>(run: () => Promise<T>): Promise<T> {
    if (ENGINE !== "sqlite") return run();
    await server.stop();
    try {
      return await run();
    } finally {
      await server.start();
    }
  }

  test("B2_second_factor: who holds the store gets the link, once", async () => {
    const ada = await equipped();
    const mails = mailsTo(server, ada.email).length;
    const ran = await offline(() => recover(ada.email.toUpperCase()));
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(new RegExp(`^${server.url}/reset/link\\?link=twl_[\\w-]+\\n$`));
    const until = Date.parse(/It works once, until (\S+):\n$/.exec(ran.stderr)?.[1] ?? "");
    expect(until).toBeGreaterThan(Date.now());
    expect(until).toBeLessThan(Date.now() + 3_600_000);
    expect(await factorsOf(ada.email)).toBe(0);
    expect((await ada.browser.open("/account")).url.pathname).toBe("/sign-in");
    await setPassword(ran.stdout.trim());
    expect(isSignedIn(await signIn(new Browser(server.url), ada.email, ANOTHER))).toBe(true);
    expect(mailsTo(server, ada.email)).toHaveLength(mails);
    const records = await server.operator.list<Record_>(
      `/api/orgs/platform/records?subject=${(await accountOf(ada.email)).id}`);
    expect(records.find((one) => one.action === "persons.recover"))
      .toMatchObject({ address: "local" });
  });

  test("B2_second_factor: a lost password alone leaves the second factors", async () => {
    const ada = await equipped();
    const ran = await offline(() => recover(ada.email, "--keep-second-factors"));
    expect(ran.status, ran.stderr).toBe(0);
    expect(await factorsOf(ada.email)).toBe(12);
    await setPassword(ran.stdout.trim());
    const asked = await signIn(new Browser(server.url), ada.email, ANOTHER);
    expect(asked.url.pathname).toBe("/sign-in/second");
  });

  test("B4_persons: what cannot be done is told", async () => {
    const [unknown, none] = await offline(async () =>
      [await recover(`${unique("nobody")}@example.com`), await recover("no address")] as const);
    for (const ran of [unknown, none]) expect([ran.status, ran.stdout]).toEqual([1, ""]);
    expect(unknown.stderr).toContain("no account with this address");
    expect(none.stderr).toContain("ADDRESS");
    expect((await thingward(["persons", "recover"])).status).toBe(2);
  });

  test.skipIf(ENGINE !== "sqlite")("B4_persons: beside a server the API is named", async () => {
    const ran = await recover("ada@example.com");
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain("POST /api/persons/PERSON/recover");
  });
});
