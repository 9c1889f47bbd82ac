// A database that is held, demoted or lost while people sign in and clients ask for tokens.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE, Store } from "./harness/binary.ts";
import { Browser } from "./harness/browser.ts";
import { CuttingProxy } from "./harness/cutting_proxy.ts";
import { demoted, Holder } from "./harness/database.ts";
import {
  claimsOf, type Client, clientToken, expectUnavailable, given, introspect, type Issuer, makeIssuer,
  makeMachineClient, makePublicClient, type Tokens,
} from "./harness/oauth.ts";
import { comeIn, nameOneself, type Person, signOut } from "./harness/people.ts";
import { makeUser, plantCode, redeem, refresh } from "./harness/planted.ts";
import { Server } from "./harness/server.ts";
import type { Principal } from "./harness/types.ts";
import { until } from "./harness/until.ts";

describe.skipIf(ENGINE !== "postgres")("a database", () => {
  let store: Store;
  let proxy: CuttingProxy;
  let server: Server;
  let issuer: Issuer;
  let app: Principal;
  let user: Principal;
  let machine: Client;
  let member: Person;

  beforeAll(async () => {
    store = new Store();
    proxy = await CuttingProxy.start(store.url ?? "");
    server = new Server({
      store, args: ["--database", proxy.url],
      expectedErrors: /^store-(batch-refused|batch-lost|commit-unknown)$/,
    });
    await server.start();
    issuer = await makeIssuer(server, "ingest:write");
    app = await makePublicClient(issuer);
    user = await makeUser(issuer, "ingest:write");
    machine = await makeMachineClient(issuer, "ingest:write");
    member = await comeIn(server, issuer.tenant);
    await clientToken(issuer, machine);
  }, 60_000);
  afterAll(async () => {
    await server.finish();
    store.remove();
    await proxy.stop();
  }, 60_000);

  function newCode(): string {
    return plantCode(issuer, { client: app.id, user, scope: "openid ingest:write" });
  }

  async function begin(): Promise<Required<Tokens>> {
    return given(await redeem(issuer, app.id, newCode()));
  }

  async function isActive(token: string): Promise<boolean> {
    const reply = await introspect(issuer, machine, token);
    expect(reply.status, reply.text).toBe(200);
    return reply.body.active;
  }

  /** What is asked meanwhile is committed, and the answer to that is lost. */
  async function losing<T>(work: () => Promise<T>): Promise<T> {
    const before = proxy.cut;
    proxy.arm();
    try {
      return await work();
    } finally {
      proxy.disarm();
      expect(proxy.cut).toBeGreaterThan(before);
    }
  }

  test("whose answer to a refresh is lost: its repetition gives the successor", async () => {
    const tokens = await begin();
    expectUnavailable(await losing(() => refresh(issuer, app.id, tokens.refresh_token)));
    const rotations = `SELECT rotations FROM families WHERE family =
      ${server.store.literal(String(claimsOf(tokens.access_token)["sid"]))}`;
    expect(server.store.value(rotations)).toBe("1");
    const next = given(await refresh(issuer, app.id, tokens.refresh_token));
    expect(server.store.value(rotations)).toBe("1");
    given(await refresh(issuer, app.id, next.refresh_token));
  });

  // Nobody can tell it from a thief: the user is asked again, which his session answers.
  test("whose answer to a code is lost: its repetition is a second use and ends all", async () => {
    const code = newCode();
    expectUnavailable(await losing(() => redeem(issuer, app.id, code)));
    const families = "SELECT count(*) FROM families WHERE principal ="
      + server.store.literal(user.id);
    const before = Number(server.store.value(families));
    for (let i = 0; i < 2; i++)
      expect((await redeem(issuer, app.id, code)).body.error).toBe("invalid_grant");
    expect(Number(server.store.value(families))).toBe(before - 1);
    await begin();
  });

  test("whose answer to a sign-in or a sign-out is lost: both are done again", async () => {
    const browser = new Browser(server.url);
    const asked = await nameOneself(browser, member.email);
    const page = await losing(() =>
      browser.submit(asked, asked.form("password"), { password: member.password }));
    expect([page.status, page.heading]).toEqual([503, "One moment, please"]);
    const again = await browser.submit(
      asked, asked.form("password"), { password: member.password });
    expect(again.url.pathname).toBe("/account");
    expect((await losing(() => signOut(browser))).status).toBe(503);
    // It is done; whoever presses again is only told so.
    expect((await browser.open("/sign-out")).heading).toBe("You are signed out");
    expect((await browser.open("/account")).url.pathname).toBe("/sign-in");
  });

  test("in which somebody holds a family: refused in time, and nothing is used up", async () => {
    const [tokens, other] = [await begin(), await begin()];
    const sid = String(claimsOf(tokens.access_token)["sid"]);
    const holder = await Holder.hold(
      server, `families WHERE family = ${server.store.literal(sid)}`);
    try {
      expectUnavailable(await refresh(issuer, app.id, tokens.refresh_token));
      expect(await isActive(tokens.access_token)).toBe(true);
    } finally {
      await holder.release();
    }
    given(await refresh(issuer, app.id, tokens.refresh_token));
    given(await refresh(issuer, app.id, other.refresh_token));
  });

  test("that was demoted: what writes is refused, the rest goes on, it comes back", async () => {
    const tokens = await begin();
    expect(await isActive(tokens.access_token)).toBe(true);
    const code = newCode();
    const browser = new Browser(server.url);
    const asked = await nameOneself(browser, member.email);
    const type = () => browser.submit(
      asked, asked.form("password"), { password: member.password });
    await demoted(server.store, async () => {
      expectUnavailable(await refresh(issuer, app.id, tokens.refresh_token));
      expectUnavailable(await redeem(issuer, app.id, code));
      expect((await type()).status).toBe(503);
      expect(await isActive(tokens.access_token)).toBe(true);
      expect((await fetch(`${issuer.url}/jwks`)).status).toBe(200);
      await clientToken(issuer, machine);
    });
    await until("refreshes", async () =>
      (await refresh(issuer, app.id, tokens.refresh_token)).status === 200);
    given(await redeem(issuer, app.id, code));
    expect((await type()).url.pathname).toBe("/account");
  });
});
