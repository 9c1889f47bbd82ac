// One's own account where end-users sign in, and the clients that people have allowed something.
import { beforeAll, describe, expect, test } from "vitest";
import { Browser, type Form, type Page } from "./harness/browser.ts";
import { unique, workspaceNode } from "./harness/make.ts";
import { giveScope, type Issuer, makeIssuer, makePublicClient, post } from "./harness/oauth.ts";
import { comeIn, comeInto, type Person } from "./harness/people.ts";
import { begin, BACK, decide, finish, relyingParty, signInByLink } from "./harness/relying.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal, Record_ } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer, { name: "Field tablet" });
});

interface Given {
  refresh: string;
  access: string;
}

/** What the client gets for who is signed in, who allows it when asked. */
async function allow(at: string, client: Principal, browser: Browser): Promise<Given> {
  const config = await relyingParty(at, client.id);
  const begun = await begin(config, { scope: "openid ingest:write" });
  const page = await browser.open(begun.url);
  const back = page.heading === "Allow access?" ? await decide(browser, page, "allow") : page;
  const tokens = await finish(config, begun, back);
  return { refresh: tokens.refresh_token ?? "", access: tokens.access_token };
}

async function refreshes(at: string, client: Principal, given: Given): Promise<number> {
  const reply = await post(`${at}/token`,
    { grant_type: "refresh_token", refresh_token: given.refresh, client_id: client.id });
  return reply.status;
}

async function knows(at: string, given: Given): Promise<number> {
  const headers = { authorization: `Bearer ${given.access}` };
  return (await fetch(`${at}/userinfo`, { headers })).status;
}

function comeAsUser(): Promise<Person> {
  return comeInto(server, issuer.tenant, issuer.workspace, { permissions: ["ingest:write"] });
}

describe("E2_account", () => {
  test("E2_account: an end-user sees where he is signed in, and ends what he likes", async () => {
    const user = await comeAsUser();
    const other = new Browser(server.url);
    await signInByLink(server, other, user.email, new URL(`${issuer.url}/sign-in`), 2);
    const here = await user.browser.open(`${issuer.url}/signed-in`);
    const account = await user.browser.open(here.link("Your account"));
    expect(account.heading).toBe("Your account");
    expect(account.text).toContain(user.email);
    // He has no password here, and nothing that stands beside one.
    expect(account.text).not.toMatch(/password|passkey|authenticator/i);
    const ended = await user.browser.submit(account, account.form("session", "others"),
      { session: "others" });
    expect(ended.text).toContain("You are signed out everywhere else");
    expect((await other.open(`${issuer.url}/account`)).heading).toBe("Sign in");
    expect((await user.browser.open(`${issuer.url}/account`)).heading).toBe("Your account");
  });

  test("E2_account: nobody ends the session of somebody else", async () => {
    const [one, another] = [await comeAsUser(), await comeAsUser()];
    const theirs = await another.browser.open(`${issuer.url}/account`);
    const session = theirs.form("session").buttons[0]?.value ?? "";
    const own = await one.browser.open(`${issuer.url}/account`);
    await one.browser.submit(own, own.form("session"), { session });
    expect((await another.browser.open(`${issuer.url}/account`)).heading).toBe("Your account");
  });

  test("E2_account: only where there is an issuer, and with a form of one's own", async () => {
    const user = await comeAsUser();
    for (const path of ["/account/password", "/account/totp", "/account/passkeys"])
      expect([path, (await user.browser.open(`${issuer.url}${path}`)).status]).toEqual([path, 404]);
    const account = await user.browser.open(`${issuer.url}/account`);
    const form = account.form("session");
    const forged = await user.browser.submit(account, form, { csrf: "", session: "others" });
    expect(forged.status).toBe(403);
  });
});

/** The form of the account that takes back what this client was allowed. */
function withdrawal(account: Page, client: Principal): { form: Form; id: string } {
  for (const form of account.forms) {
    const button = form.buttons.find((one) =>
      one.name === "withdraw" && one.value.endsWith(client.id));
    if (button) return { form, id: button.value };
  }
  throw new Error(`nothing of ${client.name} on ${account.text}`);
}

describe("E7_consent", () => {
  test("E7_consent: withdrawn, what the client was given ends at once, and it is asked anew",
    async () => {
      const user = await comeAsUser();
      const given = await allow(issuer.url, app, user.browser);
      const again = await allow(issuer.url, app, user.browser);
      expect([await knows(issuer.url, given), await knows(issuer.url, again)]).toEqual([200, 200]);
      const account = await user.browser.open(`${issuer.url}/account`);
      expect(account.text).toContain("Field tablet since");
      const { form, id } = withdrawal(account, app);
      const done = await user.browser.submit(account, form, { withdraw: id });
      expect(done.text).toContain("has no access any more");
      expect(done.text).not.toContain("Field tablet");
      for (const one of [given, again]) {
        expect(await knows(issuer.url, one)).toBe(401);
        expect(await refreshes(issuer.url, app, one)).toBe(400);
      }
      // Once more, from a page that was left open, is no error.
      expect((await user.browser.submit(account, form, { withdraw: id })).status).toBe(200);
      const config = await relyingParty(issuer.url, app.id);
      const asked = await user.browser.open((await begin(config)).url);
      expect(asked.heading).toBe("Allow access?");
      const records = await issuer.tenant.admin.list<Record_>(
        `${issuer.tenant.path}/records?action=consents.withdraw`);
      expect(records.filter((one) => one.actor.id === user.principal.id)).toHaveLength(1);
    });

  test("E7_consent: a code that is still out is of no use afterwards", async () => {
    const user = await comeAsUser();
    await allow(issuer.url, app, user.browser);
    const config = await relyingParty(issuer.url, app.id);
    const begun = await begin(config, { scope: "openid ingest:write" });
    const back = await user.browser.open(begun.url);
    const account = await user.browser.open(`${issuer.url}/account`);
    const { form, id } = withdrawal(account, app);
    await user.browser.submit(account, form, { withdraw: id });
    await expect(finish(config, begun, back)).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test("E7_consent: one's own, and of this client alone", async () => {
    const [one, another] = [await comeAsUser(), await comeAsUser()];
    const second = await makePublicClient(issuer);
    const [mine, kept] = [await allow(issuer.url, app, one.browser),
      await allow(issuer.url, second, one.browser)];
    const theirs = await allow(issuer.url, app, another.browser);
    const account = await one.browser.open(`${issuer.url}/account`);
    const { form, id } = withdrawal(account, app);
    const nonsense = ["", ".", "x", id.slice(1), `${id}.`, id.replace(app.id, one.principal.id)];
    for (const withdraw of nonsense)
      expect((await one.browser.submit(account, form, { withdraw })).status).toBe(200);
    expect(await knows(issuer.url, mine)).toBe(200);
    await one.browser.submit(account, form, { withdraw: id });
    expect([await knows(issuer.url, mine), await knows(issuer.url, kept),
      await knows(issuer.url, theirs)]).toEqual([401, 200, 200]);
  });

  test("E7_consent: to what was shown, not to what came to it meanwhile", async () => {
    const user = await comeInto(server, issuer.tenant, issuer.workspace);
    const config = await relyingParty(issuer.url, app.id);
    const begun = await begin(config, { scope: "openid ingest:write" });
    const page = await user.browser.open(begun.url);
    expect(page.text).not.toContain("ingest:write");
    await giveScope(issuer, user.principal, "ingest:write");
    // Agreed to less than he would get now: he is asked for the rest.
    const rest = await decide(user.browser, page, "allow");
    expect([rest.heading, rest.text]).toEqual(
      ["Allow access?", expect.stringContaining("ingest:write")]);
    const tokens = await finish(config, begun, await decide(user.browser, rest, "allow"));
    expect(tokens.scope).toBe("openid ingest:write");
  });

  test("E7_consent: what he may have from where he is, is shown", async () => {
    const user = await comeInto(server, issuer.tenant, issuer.workspace);
    await issuer.tenant.admin.post(`${issuer.tenant.path}/grants`, {
      holder: { kind: "principal", id: user.principal.id }, permission: "ingest:write",
      node: workspaceNode(issuer.workspace),
      condition: { all: [
        { attribute: "context.address", operator: "in_cidr", value: "127.0.0.0/8" }] },
    });
    const config = await relyingParty(issuer.url, app.id);
    const begun = await begin(config, { scope: "openid ingest:write" });
    const page = await user.browser.open(begun.url);
    expect(page.text).toContain("ingest:write");
    const tokens = await finish(config, begun, await decide(user.browser, page, "allow"));
    expect(tokens.scope).toBe("openid ingest:write");
  });

  test("E7_consent: a member's, in the organisation for which he gave it", async () => {
    const client = (await server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
      name: unique("Plant dashboard"), type: "authorization_code_pkce", redirect_uris: [BACK],
    })).principal;
    const person = await comeIn(server, issuer.tenant);
    const given = await allow(server.url, client, person.browser);
    const account = await person.browser.open("/account");
    expect(account.text).toContain(`${client.name} for you in ${issuer.tenant.org.name}`);
    const { form, id } = withdrawal(account, client);
    await person.browser.submit(account, form, { withdraw: id });
    expect(await knows(server.url, given)).toBe(401);
    expect(await refreshes(server.url, client, given)).toBe(400);
  });
});
