// A disk without room, or one that loses what it is given, while people sign in and clients ask for
// tokens: what has to be written is refused whole, all the rest goes on, and the same is done later
// as if nothing had been.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectProblem } from "./harness/api.ts";
import {
  type Answer, authorize, expectCode, expectError, request, visit,
} from "./harness/authorize.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { may, subjectOf } from "./harness/decide.ts";
import { withoutRoom } from "./harness/disk.ts";
import { Faults } from "./harness/faults.ts";
import { mailsTo, mailTo } from "./harness/mail.ts";
import { makeMember } from "./harness/make.ts";
import {
  basic, type Client, clientToken, expectUnavailable, given, introspect, type Issuer, makeIssuer,
  makeMachineClient, makePublicClient, post, type Tokens,
} from "./harness/oauth.ts";
import {
  askForLink, comeIn, comeInto, followLink, nameOneself, type Person, signIn, signOut,
} from "./harness/people.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { plantConsent, plantSession } from "./harness/planted_session.ts";
import { useServer } from "./harness/server.ts";
import type { Principal } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const faults = new Faults();
const server = useServer({
  program: faults.program, env: faults.env, expectedErrors: /^(store-|link-not-sent)/,
});
afterAll(() => faults.remove());
const AFTER = "https://app.example.org/bye";
let issuer: Issuer;
let app: Principal;
let user: Principal;
let machine: Client;
let member: Person;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer, { post_logout_redirect_uris: [AFTER] });
  user = await makeUser(issuer, "ingest:write");
  plantConsent(server.store, user, app.id, "openid ingest:write");
  machine = await makeMachineClient(issuer, "ingest:write");
  member = await comeIn(server, issuer.tenant);
  await clientToken(issuer, machine);
});

/** Nothing can be written; then what was written cannot be made to last. */
async function full(work: () => Promise<void>): Promise<void> {
  await withoutRoom(server, work);
  faults.arm("disk", "all");
  try {
    await work();
  } finally {
    faults.disarm("disk");
  }
}

function newCode(scope = "openid ingest:write"): string {
  return plantCode(issuer, { client: app.id, user, scope });
}

async function begin(): Promise<Required<Tokens>> {
  return given(await redeem(issuer, app.id, newCode()));
}

function expectPageUnavailable(page: Page): void {
  expect([page.status, page.heading], page.text).toEqual([503, "One moment, please"]);
  expect(page.headers.get("retry-after")).toMatch(/^\d+$/);
}

async function userInfo(token: string): Promise<number> {
  return (await fetch(`${issuer.url}/userinfo`, { headers: { authorization: `Bearer ${token}` } }))
    .status;
}

describe("without room for tokens", () => {
  test("a code is refused, and is good later", async () => {
    const code = newCode();
    await full(async () => {
      for (let i = 0; i < 3; i++) expectUnavailable(await redeem(issuer, app.id, code));
    });
    const tokens = given(await redeem(issuer, app.id, code));
    given(await refresh(issuer, app.id, tokens.refresh_token));
  });

  test("a refresh that was refused has used nothing up", async () => {
    const tokens = await begin();
    await full(async () => {
      for (let i = 0; i < 3; i++)
        expectUnavailable(await refresh(issuer, app.id, tokens.refresh_token));
      expectUnavailable(
        await refresh(issuer, app.id, tokens.refresh_token, { scope: "ingest:write" }));
    });
    const next = given(await refresh(issuer, app.id, tokens.refresh_token));
    given(await refresh(issuer, app.id, next.refresh_token));
  });

  test("an answer that was lost is given again, for it is there", async () => {
    const tokens = await begin();
    const lost = given(await refresh(issuer, app.id, tokens.refresh_token));
    await full(async () => {
      const again = given(await refresh(issuer, app.id, tokens.refresh_token));
      expect(again.refresh_token).toBe(lost.refresh_token);
      expectUnavailable(await refresh(issuer, app.id, lost.refresh_token));
    });
    given(await refresh(issuer, app.id, lost.refresh_token));
  });

  test("a thief is refused at once, and what he stole ends when that can be written", async () => {
    const stolen = await begin();
    const second = given(await refresh(issuer, app.id, stolen.refresh_token));
    const third = given(await refresh(issuer, app.id, second.refresh_token));
    await full(async () => {
      expectUnavailable(await refresh(issuer, app.id, stolen.refresh_token));
    });
    expect((await introspect(issuer, machine, third.access_token)).body.active).toBe(true);
    expect((await refresh(issuer, app.id, stolen.refresh_token)).body.error).toBe("invalid_grant");
    expect((await introspect(issuer, machine, third.access_token)).body).toEqual({ active: false });
  });

  test("what writes nothing goes on: client credentials, introspection, keys, decisions",
    async () => {
      const tokens = await begin();
      const other = await makeMember(issuer.tenant);
      await full(async () => {
        const token = (await clientToken(issuer, machine, "ingest:write")).access_token;
        for (const one of [token, tokens.access_token])
          expect((await introspect(issuer, machine, one)).body.active).toBe(true);
        expect(await userInfo(tokens.access_token)).toBe(200);
        for (const path of ["jwks", ".well-known/openid-configuration"])
          expect((await fetch(`${issuer.url}/${path}`)).status).toBe(200);
        expect(await may(issuer.tenant.admin, subjectOf(other), "iam:members:read",
          { type: "organisation", id: issuer.tenant.org.id })).toBe("no-grant");
      });
    });

  test("a token is revoked when that is acknowledged, and not before", async () => {
    const tokens = await begin();
    const form = { token: tokens.refresh_token, client_id: app.id };
    await full(async () => {
      expectUnavailable(await post(`${issuer.url}/revoke`, form));
      expect((await introspect(issuer, machine, tokens.access_token)).body.active).toBe(true);
    });
    expect((await post(`${issuer.url}/revoke`, form)).status).toBe(200);
    expect((await introspect(issuer, machine, tokens.access_token)).body)
      .toEqual({ active: false });
  });

  test("keys are rotated whole or not at all", async () => {
    const keys = `/api/workspaces/${issuer.workspace.id}/keys`;
    const before = await issuer.tenant.admin.get(keys);
    await full(async () => {
      expectProblem(await issuer.tenant.admin.request("POST", `${keys}/rotate`, {}), 503,
        "store-unavailable");
      expect(await issuer.tenant.admin.get(keys)).toEqual(before);
      await clientToken(issuer, machine);
    });
    const after = await issuer.tenant.admin.post<{ items: unknown[] }>(`${keys}/rotate`, {});
    expect(after.items).toHaveLength((before as { items: unknown[] }).items.length + 1);
  });

  test("an issuer's first key is not made half", async () => {
    const other = await makeIssuer(server, "ingest:write");
    const client = await makeMachineClient(other, "ingest:write");
    await full(async () => {
      expectUnavailable(await post(`${other.url}/token`, { grant_type: "client_credentials" },
        { authorization: basic(client) }));
    });
    await clientToken(other, client);
  });
});

describe("without room for sessions", () => {
  test("the client is told that it gets no code now, and gets one later", async () => {
    const session = plantSession(server.store, { user });
    const ask = (): Promise<Answer> => authorize(issuer.url, request(app.id), session);
    await full(async () => {
      expectError(await ask(), issuer.url, "temporarily_unavailable");
    });
    given(await redeem(issuer, app.id, expectCode(await ask(), issuer.url)));
  });

  test("a right password opens nothing, then what it should", async () => {
    const browser = new Browser(server.url);
    const asked = await nameOneself(browser, member.email);
    const cookies = new Map(browser.cookies);
    const type = (): Promise<Page> =>
      browser.submit(asked, asked.form("password"), { password: member.password });
    await full(async () => {
      expectPageUnavailable(await type());
      expect(browser.cookies).toEqual(cookies);
    });
    expect((await type()).url.pathname).toBe("/account");
  });

  test("a link is not used up", async () => {
    const person = await comeInto(server, issuer.tenant, issuer.workspace);
    const browser = new Browser(server.url);
    await askForLink(browser, person.email, `/w/${issuer.workspace.id}/sign-in`);
    const asked = await browser.open((await mailTo(server, person.email, 2)).link);
    const press = (): Promise<Page> =>
      browser.submit(asked, asked.form("decision", "sign_in"), { decision: "sign_in" });
    await full(async () => {
      expectPageUnavailable(await press());
      expectPageUnavailable(await press());
    });
    expect((await press()).heading).toBe("You are signed in");
    expect((await press()).status).toBe(404);
  });

  test("signing out is refused and not pretended", async () => {
    const browser = new Browser(server.url);
    await signIn(browser, member.email, member.password);
    const cookies = new Map(browser.cookies);
    await full(async () => {
      expectPageUnavailable(await signOut(browser));
      expect(browser.cookies).toEqual(cookies);
      expect((await browser.open("/account")).url.pathname).toBe("/account");
    });
    expect((await signOut(browser)).heading).toBe("You are signed out");
    browser.cookies.set("__Host-thingward", cookies.get("__Host-thingward") ?? "");
    expect((await browser.open("/account")).url.pathname).toBe("/sign-in");
  });

  test("nor is signing out at a client's wish", async () => {
    const session = plantSession(server.store, { user });
    const code = expectCode(await authorize(issuer.url,
      request(app.id, { scope: "openid ingest:write" }), session), issuer.url);
    const tokens = given(await redeem(issuer, app.id, code));
    const leave = (): Promise<Answer> => visit(`${issuer.url}/logout?${new URLSearchParams({
      id_token_hint: tokens.id_token, post_logout_redirect_uri: AFTER })}`, session);
    await full(async () => {
      const refused = await leave();
      expect([refused.status, refused.location]).toEqual([503, undefined]);
      expect(refused.headers.getSetCookie()).toEqual([]);
      expect((await introspect(issuer, machine, tokens.access_token)).body.active).toBe(true);
    });
    expect((await leave()).location?.href).toBe(AFTER);
    expect((await introspect(issuer, machine, tokens.access_token)).body.active).toBe(false);
  });
});

describe("without room for mail", () => {
  // The answer tells nobody whether there is such an account, so it is given before anything is
  // written; the log says what became of it.
  test("a link that could not be kept is not sent, the one before goes on working", async () => {
    const person = await comeInto(server, issuer.tenant, issuer.workspace);
    const at = `/w/${issuer.workspace.id}/sign-in`;
    const refused = (): number =>
      server.log.filter((line) => line.event === "link-not-sent").length;
    await askForLink(new Browser(server.url), person.email, at);
    const { link } = await mailTo(server, person.email, 2);
    await full(async () => {
      const before = refused();
      await askForLink(new Browser(server.url), person.email, at);
      await until("the refusal", () => refused() > before);
    });
    expect((await followLink(new Browser(server.url), link)).heading).toBe("You are signed in");
    await askForLink(new Browser(server.url), person.email, at);
    await mailTo(server, person.email, 3);
    expect(mailsTo(server, person.email)).toHaveLength(3);
  });

  test("what is in the queue is sent when there is room", async () => {
    const email = "waits@example.com";
    const mails = `${issuer.tenant.path}/mails?q=${email}`;
    await issuer.tenant.admin.post(`${issuer.tenant.path}/members`, { email, invite: true });
    await full(async () => {
      expectProblem(await issuer.tenant.admin.request(
        "POST", `${issuer.tenant.path}/members`, { email: "none@example.com", invite: true }), 503);
      expect((await issuer.tenant.admin.list(mails)).length).toBeLessThanOrEqual(1);
    });
    await mailTo(server, email);
    expect(mailsTo(server, "none@example.com")).toEqual([]);
  });
});
