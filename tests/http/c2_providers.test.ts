// Signing up through an external provider, where organisation and provider are open for it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { Browser, type Page } from "./harness/browser.ts";
import { makeOrg, makeRole, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Grant, Principal, Role } from "./harness/types.ts";
import { type Account, OUTBOUND, Upstream } from "./harness/upstream.ts";

const server = useServer({ args: OUTBOUND });
const upstream = new Upstream({}, "ES256");
let tenant: Tenant;

beforeAll(async () => {
  tenant = await makeOrg(server);
  await upstream.start(`${server.url}/sign-in/provider/callback`);
});
afterAll(() => upstream.stop());

function somebody(more: Partial<Account> = {}): Account {
  const sub = unique("new");
  return {
    sub, email: `${sub}@example.com`, email_verified: true, name: "Grace Novak", ...more,
  };
}

async function members(): Promise<Principal[]> {
  return (await tenant.admin.get<{ items: Principal[] }>(`${tenant.path}/members?limit=200`)).items;
}

function isSignedIn(page: Page): boolean {
  return page.url.pathname === "/signed-in" && page.status === 200;
}

const signIn = (provider: Parameters<Upstream["signIn"]>[1], account: Account): Promise<Page> =>
  upstream.signIn(new Browser(server.url), provider, account);

describe("whether it is open", () => {
  test.each([[false, true], [true, false], [false, false]])(
    "C2_providers: organisation %s, provider %s: closed", async (org, sign_up) => {
      await tenant.admin.patch(tenant.path, { sign_up: org });
      const page = await signIn(upstream.planted(server, tenant, { sign_up }), somebody());
      expect(page.status).toBe(403);
      expect(page.text).toContain("sign-up-closed");
      expect(await members()).toEqual([]);
    });
});

describe("who signs up", () => {
  beforeAll(() => tenant.admin.patch(tenant.path, { sign_up: true }));

  test("C2_providers: is a member with the default role, active at once, and stays one",
    async () => {
      const role: Role = await makeRole(tenant, ["iam:workspaces:read"]);
      await tenant.admin.put(`${tenant.path}/defaults/member`,
        { role: role.name, ceiling_role: null });
      const provider = upstream.planted(server, tenant, { sign_up: true });
      const account = somebody();
      const page = await signIn(provider, account);
      expect(isSignedIn(page), page.text).toBe(true);
      const member = (await members()).find((one) => one.email === account.email);
      expect(member).toMatchObject({ state: "active", name: "Grace Novak", kind: "member" });
      const { items } = await tenant.admin.get<{ items: Grant[] }>(
        `${tenant.path}/grants?holder=${member?.id}`);
      expect(items.map((grant) => grant.role)).toEqual([role.id]);
      const count = (await members()).length;
      await tenant.admin.patch(tenant.path, { sign_up: false });
      expect(isSignedIn(await signIn(provider, account))).toBe(true);
      expect(await members()).toHaveLength(count);
      await tenant.admin.patch(tenant.path, { sign_up: true });
    });

  test("C2_providers: needs an address that the provider has verified", async () => {
    const provider = upstream.planted(server, tenant, { sign_up: true });
    for (const account of [somebody({ email_verified: false }), { sub: unique("bare") }]) {
      const page = await signIn(provider, account);
      expect(page.status).toBe(403);
      expect(page.text).toContain("address-not-verified");
    }
  });

  test("C2_providers: is one person by several providers that may be linked, and refused by one"
    + " that may not", async () => {
    const account = somebody();
    const first = upstream.planted(server, tenant, { sign_up: true });
    const linking = upstream.planted(server, tenant, { sign_up: true, domains: ["example.com"] });
    const strict = upstream.planted(server, tenant, { sign_up: true });
    expect(isSignedIn(await signIn(first, account))).toBe(true);
    const count = (await members()).length;
    expect(isSignedIn(await signIn(linking, account))).toBe(true);
    expect((await signIn(strict, account)).text).toContain("address-in-use");
    expect(await members()).toHaveLength(count);
  });

  test("C2_providers: has a name that is bounded, or the address in its place", async () => {
    const provider = upstream.planted(server, tenant, { sign_up: true });
    const account = somebody({ name: "a\u202ename" });
    expect(isSignedIn(await signIn(provider, account))).toBe(true);
    expect((await members()).find((one) => one.email === account.email)?.name)
      .toBe(account.email);
  });

  test("C2_providers: is offered the providers that let people in", async () => {
    const open = upstream.planted(server, tenant, { sign_up: true, name: "The open one" });
    upstream.planted(server, tenant, { name: "The closed one" });
    const page = await new Browser(server.url).open(`/sign-up?organisation=${tenant.org.id}`);
    expect(page.link(/Continue with The open one/)).toContain(open.reference);
    expect(page.text).not.toContain("The closed one");
  });
});
