// Attacks on the browser's half of a sign-in (RFC 9700 section 4), for nothing.
import * as openid from "openid-client";
import { beforeAll, expect, test } from "vitest";
import { expectSentTo, visit } from "./harness/authorize.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeWorkspace, unique } from "./harness/make.ts";
import {
  giveScope, type Issuer, issuerOf, makeIssuer, makePublicClient, post,
} from "./harness/oauth.ts";
import { comeIn, comeInto, type Person, signIn } from "./harness/people.ts";
import { BACK, begin, decide, finish, relyingParty } from "./harness/relying.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;
let config: openid.Configuration;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer);
  config = await relyingParty(issuer.url, app.id);
});

async function invited(): Promise<Person> {
  const person = await comeInto(server, issuer.tenant, issuer.workspace);
  await giveScope(issuer, person.principal, "ingest:write");
  return person;
}

/** Back at the client, whatever is asked on the way is allowed. */
async function through(person: Person, url: URL): Promise<Page> {
  const page = await person.browser.open(url);
  return page.status === 0 ? page : decide(person.browser, page, "allow");
}

/** Why openid-client takes an answer for none of its own. */
function because(why: RegExp): object {
  return { cause: expect.objectContaining({ message: expect.stringMatching(why) }) };
}

test("RFC9700-4.4 mix-up: the answer of one issuer is not taken for another's", async () => {
  const other = await issuerOf(server, issuer.tenant, await makeWorkspace(issuer.tenant));
  const wrong = await relyingParty(other.url, (await makePublicClient(other)).id);
  const begun = await begin(config);
  const back = await through(await invited(), begun.url);
  await expect(finish(wrong, begun, back)).rejects.toMatchObject(because(/"iss"/));
  // Nor is its code, by whoever brings it there.
  const code = back.url.searchParams.get("code") ?? "";
  const reply = await post(`${other.url}/token`, {
    grant_type: "authorization_code", code, redirect_uri: BACK,
    client_id: wrong.clientMetadata().client_id,
    code_verifier: begun.checks.pkceCodeVerifier as string,
  });
  expect(reply.body.error).toBe("invalid_grant");
  expect((await finish(config, begun, back)).access_token).not.toBe("");
});

test("RFC9700-4.5 code injection: a code that was stolen fits nobody else's sign-in", async () => {
  const victim = await invited();
  const attacker = await invited();
  const stolen = await begin(config);
  const back = await through(victim, stolen.url);
  const own = await begin(config);
  const mine = await through(attacker, own.url);
  const forged = new URL(mine.url);
  forged.searchParams.set("code", back.url.searchParams.get("code") ?? "");
  await expect(openid.authorizationCodeGrant(config, forged, own.checks))
    .rejects.toMatchObject({ error: "invalid_grant" });
  // The other way round, the attacker's code in the victim's client.
  await expect(finish(config, stolen, mine)).rejects.toMatchObject(because(/"state"/));
  expect((await finish(config, stolen, back)).claims()?.sub).toBe(victim.principal.id);
});

test("RFC9700-4.2.4 a code that is brought twice ends what it gave", async () => {
  const begun = await begin(config);
  const back = await through(await invited(), begun.url);
  const tokens = await finish(config, begun, back);
  await expect(finish(config, begun, back)).rejects.toMatchObject({ error: "invalid_grant" });
  await expect(openid.refreshTokenGrant(config, tokens.refresh_token ?? ""))
    .rejects.toMatchObject({ error: "invalid_grant" });
  expect((await server.as(tokens.access_token).request("GET", "/api/self")).status).toBe(401);
});

test("RFC6749-10.12 a ticket of the attacker's in the victim's browser brings the client nothing",
  async () => {
    const victim = await invited();
    await through(victim, (await begin(config)).url);
    const begun = await begin(config);
    const ticket = expectSentTo(await visit(begun.url), issuer.url, "sign-in", "login");
    const back = await victim.browser.open(`${issuer.url}/authorize/resume?ticket=${ticket}`);
    // It leads to the client alone, with a state that the victim has never had.
    expect(back.url.origin).toBe(new URL(BACK).origin);
    const fresh = await begin(config);
    await expect(finish(config, fresh, back)).rejects.toMatchObject(because(/"state"/));
  });

test("RFC6749-10.12 consent cannot be given by another site, or another browser", async () => {
  const victim = await invited();
  const attacker = await invited();
  const { url } = await begin(config);
  const asked = await victim.browser.open(url);
  const form = asked.form("decision", "allow");
  const theirs = (await attacker.browser.open((await begin(config)).url))
    .form("decision", "allow").fields["csrf"] ?? "";
  const attempts: [string, Record<string, string>, boolean][] = [
    ["from another site", form.fields, true],
    ["without the token", { ...form.fields, csrf: "" }, false],
    ["with another browser's token", { ...form.fields, csrf: theirs }, false],
    ["with a token that is changed", { ...form.fields, csrf: `${form.fields["csrf"]}x` }, false],
  ];
  for (const [what, fields, crossSite] of attempts) {
    const action = new URL(form.action, asked.url);
    const answer = await victim.browser.open(action, {
      method: "POST", form: { ...fields, decision: "allow" }, crossSite,
    });
    expect(answer.status === 0 && answer.url.searchParams.has("code"), what).toBe(false);
    const again = await begin(config, { prompt: "none" });
    await expect(finish(config, again, await victim.browser.open(again.url)), what)
      .rejects.toMatchObject({ error: "consent_required" });
  }
  // By Origin as well, of a browser that says nothing of where a request comes from.
  const origin = await victim.browser.open(new URL(form.action, asked.url), {
    method: "POST", form: { ...form.fields, decision: "allow" },
    headers: { origin: "https://evil.example", "sec-fetch-site": "" },
  });
  expect(origin.status).toBe(403);
});

test("RFC9700-4.16 no page of a sign-in can be framed", async () => {
  const person = await invited();
  const begun = await begin(config);
  const pages = [
    await new Browser(server.url).open(begun.url),
    await person.browser.open(begun.url),
    await person.browser.open(`${issuer.url}/sign-out`),
    await new Browser(server.url).open(`${issuer.url}/authorize`),
    await new Browser(server.url).open(`${server.url}/sign-in`),
  ];
  for (const page of pages) {
    expect(page.headers.get("content-security-policy"), page.url.pathname)
      .toMatch(/frame-ancestors 'none'/);
    expect(page.headers.get("x-frame-options")).toBe("DENY");
  }
});

test("RFC9700-4.1 the pages lead nowhere but to the client that asked", async () => {
  const person = await invited();
  const begun = await begin(config);
  const asked = await person.browser.open(begun.url);
  const form = asked.form("decision", "allow");
  for (const name of ["next", "redirect_uri", "return_to", "url", "continue"]) {
    const back = await person.browser.submit(asked, form,
      { decision: "deny", [name]: "https://evil.example/" });
    expect([new URL(BACK).host, new URL(server.url).host]).toContain(back.url.host);
  }
  const ticket = form.fields["ticket"] ?? "";
  for (const text of [`${ticket}x`, "https://evil.example/", "", `${ticket}.${ticket}`]) {
    const page = await person.browser.open(
      `${issuer.url}/consent?ticket=${encodeURIComponent(text)}`);
    expect(page.status, page.text).toBeGreaterThanOrEqual(400);
  }
});

test("a sign-in begins a session of its own: what the browser had before is no good any more",
  async () => {
    const person = await comeIn(server, issuer.tenant);
    const before = new Map(person.browser.cookies);
    const again = new Browser(server.url);
    for (const [name, value] of before) again.cookies.set(name, value);
    await signIn(again, person.email, person.password, "/sign-in?need=login");
    const fixed = new Browser(server.url);
    for (const [name, value] of before) fixed.cookies.set(name, value);
    expect((await fixed.open("/account")).url.pathname).toMatch(/\/sign-in$/);
    expect((await again.open("/account")).status).toBe(200);
  });

test("RFC8252-7.1 who has no access is told so, and led back to an application of any scheme",
  async () => {
    const back = "com.example.app:/back";
    const made = await server.operator.post<ClientCreated>("/api/orgs/platform/clients",
      { name: unique("app"), type: "authorization_code_pkce", redirect_uris: [back] });
    const person = await comeIn(server, issuer.tenant);
    await issuer.tenant.admin.patch(
      `${issuer.tenant.path}/members/${person.principal.id}`, { state: "suspended" });
    const native = await relyingParty(server.url, made.principal.id);
    const { url } = await begin(native, { redirect_uri: back });
    const page = await person.browser.open(url);
    expect(page.status, page.text).toBe(403);
    expect(page.link("Back to the application")).toMatch(/^com\.example\.app:\/back\?error=/);
  });
