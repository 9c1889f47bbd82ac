// Providers that are down, slow, or lie: a clear page, nothing changed, and nothing secret logged.
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeOrg, unique } from "./harness/make.ts";
import type { Planted } from "./harness/planted_provider.ts";
import { useServer } from "./harness/server.ts";
import type { Org, Principal } from "./harness/types.ts";
import { halfHash, type Json, Liar, type Lies, OUTBOUND } from "./harness/upstream.ts";

const server = useServer({ args: OUTBOUND });
const liar = new Liar();
let tenant: Tenant;
let provider: Planted;

beforeAll(async () => {
  tenant = await makeOrg(server);
  await tenant.admin.patch(tenant.path, { sign_up: true });
  await liar.start();
});
afterAll(() => liar.stop());

/** A provider whose metadata and keys nobody has seen, and somebody who is new. */
beforeEach(() => {
  liar.lies = {};
  const sub = unique("somebody");
  liar.account = { sub, email: `${sub}@lies.example`, email_verified: true };
  liar.asked.length = 0;
  provider = liar.planted(server, tenant, { groups_claim: "groups" });
});

function browser(): Browser {
  return new Browser(server.url);
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/signed-in" && page.status === 200;
}

async function revision(): Promise<number> {
  return (await tenant.admin.get<Org>(tenant.path)).revision;
}

async function expectRefused(code: string, status: number, lies: Lies): Promise<void> {
  liar.lies = lies;
  const before = await revision();
  const logged = server.log.length;
  const b = browser();
  const page = await liar.signIn(b, provider);
  expect(page.status, page.text).toBe(status);
  expect(page.text).toContain(code);
  expect(b.cookies.has("__Host-thingward")).toBe(false);
  expect(await revision()).toBe(before);
  const line = server.log.slice(logged).find((one) => one.event === "upstream-failed");
  expect(line).toMatchObject({ level: "warn", code, provider: provider.id });
  expect(JSON.stringify(server.log.slice(logged))).not.toMatch(/an access token|a code|eyJ/);
}

function claim(change: Json): Lies {
  return { claims: (claims) => ({ ...claims, ...change }) };
}

const now = (): number => Math.floor(Date.now() / 1000);

test("B3_providers: the same provider, when it does not lie", async () => {
  const page = await liar.signIn(browser(), provider);
  expect(isSignedIn(page), page.text).toBe(true);
  expect(liar.redeemed?.form.get("code_verifier")).toMatch(/^[\w-]{43}$/);
  expect(liar.redeemed?.form.get("client_id")).toBe("client");
});

describe("tokens that are not believed", () => {
  const lies: [string, Lies | (() => Lies)][] = [
    ["of another issuer", claim({ iss: "https://other.example" })],
    ["for another client", claim({ aud: "another" })],
    ["for another client as well, without azp", claim({ aud: ["client", "another"] })],
    ["by another client's authority", claim({ azp: "another" })],
    ["of another sign-in", claim({ nonce: "another" })],
    ["without a nonce", claim({ nonce: undefined })],
    ["that has ended", () => claim({ exp: now() - 120 })],
    ["without an end", claim({ exp: undefined })],
    ["from the future", () => claim({ iat: now() + 3600 })],
    ["of no time", claim({ iat: undefined })],
    ["without a subject", claim({ sub: undefined })],
    ["with too long a subject", claim({ sub: "s".repeat(256) })],
    ["with another access token", claim({ at_hash: "AAAAAAAAAAAAAAAAAAAAAA" })],
    ["without a signature", { header: () => ({ alg: "none" }) }],
    ["signed with what both know", { header: () => ({ alg: "HS256", kid: "key 1" }) }],
    ["signed by a key that is not published", { header: (h) => ({ ...h, kid: "key 77" }) }],
    ["of another type", { header: (h) => ({ ...h, typ: "at+jwt" }) }],
    ["with extensions that have to be understood", {
      token: (t) => ({
        ...t, id_token: String(t["id_token"]).replace(/^[^.]+/, Buffer.from(
          JSON.stringify({ alg: "ES256", kid: "key 1", crit: ["x"], x: 1 })).toString("base64url")),
      }),
    }],
    ["that was changed", {
      token: (t) => ({ ...t, id_token: String(t["id_token"]).replace(/\.[^.]+$/,
        `.${"A".repeat(86)}`) }),
    }],
    ["that is none", { token: (t) => ({ ...t, id_token: "a.b" }) }],
    ["that is not there", { token: ({ id_token: _, ...t }) => t }],
    ["with groups that are no texts", claim({ groups: [{ name: "x" }] })],
    ["with more groups than anybody has", claim({ groups: Array(1001).fill("g") })],
  ];
  test.each(lies)("B3_providers: a token %s", async (_, made) => {
    await expectRefused("provider-untrusted", 502, typeof made === "function" ? made() : made);
  });
});

describe("answers that are not believed", () => {
  const answer = (path: string, write: (response: ServerResponse) => void): Lies =>
    ({ answer: { [path]: write } });
  const text = (status: number, body: string, type = "application/json") =>
    (response: ServerResponse): void => {
      response.writeHead(status, { "content-type": type, connection: "close" }).end(body);
    };
  const elsewhere = (response: ServerResponse): void => {
    response.writeHead(302, { location: `${liar.issuer}/elsewhere`, connection: "close" }).end();
  };
  const METADATA = "/.well-known/openid-configuration";

  test.each([
    ["of another issuer", { metadata: (m: Json) => ({ ...m, issuer: "https://other.example" }) }],
    ["of nearly the same issuer",
      { metadata: (m: Json) => ({ ...m, issuer: `${String(m["issuer"])}/` }) }],
    ["without endpoints", { metadata: ({ token_endpoint: _, ...m }: Json) => m }],
    ["with an endpoint of another kind",
      { metadata: (m: Json) => ({ ...m, token_endpoint: "file:///etc/passwd" }) }],
    ["that lead away", answer(METADATA, elsewhere)],
    ["that are garbage", answer(METADATA, text(200, "{"))],
    ["that are a page", answer(METADATA, text(200, "{}", "text/html"))],
    ["that are huge", answer(METADATA, text(200, " ".repeat(70_000)))],
  ] as [string, Lies][])("B3_providers: metadata %s", async (_, lies) => {
    await expectRefused("provider-untrusted", 502, lies);
    expect(liar.asked).not.toContain("/elsewhere");
  });

  test.each([
    ["keys that lead away", answer("/jwks", elsewhere)],
    ["keys that are garbage", answer("/jwks", text(200, "[]"))],
    ["a huge answer to the code", answer("/token", text(200, `"${"x".repeat(300_000)}"`))],
    ["an answer to the code that leads away", answer("/token", elsewhere)],
    ["garbage for the code", answer("/token", text(200, "]"))],
    ["user information about somebody else", { userinfo: (u: Json) => ({ ...u, sub: "other" }) }],
    ["user information that is garbage", answer("/userinfo", text(200, "x"))],
  ] as [string, Lies][])("B3_providers: %s", async (_, lies) => {
    await expectRefused("provider-untrusted", 502, lies);
    expect(liar.asked).not.toContain("/elsewhere");
  });

  test("B3_providers: a code that is refused", async () => {
    await expectRefused("provider-refused", 502, answer("/token", text(400, "{}")));
  });

  test.each([["/token", 503], [METADATA, 404], ["/userinfo", 500], ["/jwks", 500]])(
    "B3_providers: %s that answers with %i", async (path, status) => {
      await expectRefused("provider-unreachable", 503, answer(path, text(status, "{}")));
    });

  test("B3_providers: a provider that hangs up, or says nothing for five seconds", async () => {
    await expectRefused("provider-unreachable", 503,
      answer("/token", (response) => response.destroy()));
    const began = performance.now();
    await expectRefused("provider-unreachable", 503, answer("/token", () => {}));
    expect(performance.now() - began).toBeGreaterThan(4_000);
  });

  test("B3_providers: metadata that were wrong are asked for again once they are mended",
    async () => {
      await expectRefused("provider-untrusted", 502,
        { metadata: (m: Json) => ({ ...m, issuer: "https://other.example" }) });
      liar.lies = {};
      expect(isSignedIn(await liar.signIn(browser(), provider))).toBe(true);
    });
});

describe("addresses that the server may not ask", () => {
  test("B3_providers: a private one, whatever leads there", async () => {
    for (const at of ["http://10.1.2.3", "https://169.254.169.254", "https://[fd00::1]"]) {
      provider = liar.planted(server, tenant, { issuer: at });
      const page = await browser().open(`/sign-in/provider?provider=${provider.reference}`);
      expect(page.status, at).toBe(503);
      expect(page.text).toContain("provider-unreachable");
    }
  });
});

describe("the answer that the browser brings", () => {
  test("B3_providers: one that another provider gave", async () => {
    const page = await liar.signIn(browser(), provider,
      (back) => back.set("iss", "https://other.example"));
    expect(page.status).toBe(502);
    const named = await liar.signIn(browser(), provider, (back) => back.set("iss", liar.issuer));
    expect(isSignedIn(named), named.text).toBe(true);
  });

  test("B3_providers: one that does not say whose it is, where that was promised", async () => {
    liar.lies = {
      metadata: (m) => ({ ...m, authorization_response_iss_parameter_supported: true }),
    };
    expect((await liar.signIn(browser(), provider)).status).toBe(502);
    const named = await liar.signIn(browser(), provider, (back) => back.set("iss", liar.issuer));
    expect(isSignedIn(named), named.text).toBe(true);
  });

  test("B3_providers: one with another state, without a code, or with parameters twice",
    async () => {
      for (const [status, change] of [
        [400, (back: URLSearchParams) => back.set("state", "A".repeat(43))],
        [400, (back: URLSearchParams) => back.delete("state")],
        [502, (back: URLSearchParams) => back.delete("code")],
        [400, (back: URLSearchParams) => back.append("code", "another")],
      ] as const) {
        liar.asked.length = 0;
        expect((await liar.signIn(browser(), provider, change)).status).toBe(status);
        expect(liar.asked).not.toContain("/token");
      }
    });
});

describe("what providers differ in", () => {
  test("B3_providers: a client secret in the header, or in the form", async () => {
    const secret = "s e:c/r+e&t %";
    provider = liar.planted(server, tenant, { client_secret: secret });
    expect(isSignedIn(await liar.signIn(browser(), provider))).toBe(true);
    const basic = Buffer.from(liar.redeemed?.authorization?.slice(6) ?? "", "base64").toString();
    expect(basic.split(":").map(decodeURIComponent)).toEqual(["client", secret]);
    expect(liar.redeemed?.form.has("client_secret")).toBe(false);
    liar.lies = {
      metadata: (m) => ({ ...m, token_endpoint_auth_methods_supported: ["client_secret_post"] }),
    };
    provider = liar.planted(server, tenant, { client_secret: secret, domains: ["lies.example"] });
    expect(isSignedIn(await liar.signIn(browser(), provider))).toBe(true);
    expect(liar.redeemed?.authorization).toBeUndefined();
    expect(liar.redeemed?.form.get("client_secret")).toBe(secret);
  });

  test("B3_providers: metadata and keys are asked for once", async () => {
    for (let i = 0; i < 3; i++)
      expect(isSignedIn(await liar.signIn(browser(), provider))).toBe(true);
    expect(liar.asked.filter((path) => path === "/jwks")).toHaveLength(1);
    expect(liar.asked.filter((path) => path.startsWith("/.well-known"))).toHaveLength(1);
  });

  test("B3_providers: keys are asked for again for a new one, and not for each lie", async () => {
    expect(isSignedIn(await liar.signIn(browser(), provider))).toBe(true);
    liar.lies = { header: (h) => ({ ...h, kid: "no such key" }) };
    for (let i = 0; i < 3; i++)
      expect((await liar.signIn(browser(), provider)).status).toBe(502);
    expect(liar.asked.filter((path) => path === "/jwks")).toHaveLength(2);
  });

  test.each(["RS256", "EdDSA"])("B3_providers: tokens signed with %s", async (alg) => {
    const other = new Liar(alg);
    await other.start();
    try {
      other.account = { sub: alg, email: `${alg}@lies.example`, email_verified: "true" };
      const page = await other.signIn(browser(), other.planted(server, tenant));
      expect(isSignedIn(page), page.text).toBe(true);
      // The hash that goes with another algorithm is that of another token.
      other.lies = claim({
        at_hash: halfHash("an access token", alg === "EdDSA" ? "sha256" : "sha512"),
      });
      expect((await other.signIn(browser(), other.planted(server, tenant))).status).toBe(502);
    } finally {
      await other.stop();
    }
  });

  test("B3_providers: an address that only the user information tells", async () => {
    const members = async (): Promise<(string | null)[]> =>
      (await tenant.admin.get<{ items: Principal[] }>(`${tenant.path}/members?limit=200`))
        .items.map((one) => one.email);
    liar.lies = {
      claims: ({ email: _, email_verified: __, ...claims }) => ({ ...claims, sub: "by userinfo" }),
      userinfo: () => ({
        sub: "by userinfo", email: "by-userinfo@lies.example", email_verified: true,
      }),
    };
    const page = await liar.signIn(browser(), provider);
    expect(isSignedIn(page), page.text).toBe(true);
    expect(await members()).toContain("by-userinfo@lies.example");
  });
});
