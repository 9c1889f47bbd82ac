// The management API with tokens of the code flow: exactly what was asked for, and is still had.
import { beforeAll, expect, test } from "vitest";
import { type Answer, type Api, expectForbidden, expectProblem } from "./harness/api.ts";
import { Browser } from "./harness/browser.ts";
import { give, makeRole, makeWorkspace, orgNode, unique } from "./harness/make.ts";
import { giveScope, type Issuer, issuerOf, makeIssuer, makePublicClient } from "./harness/oauth.ts";
import { comeIn, comeInto, type Person, signIn } from "./harness/people.ts";
import { BACK, begin, decide, finish, relyingParty } from "./harness/relying.ts";
import { useServer } from "./harness/server.ts";
import type { ClientCreated, Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer);
});

/** A token for these scopes, of who is signed in in his browser; and the API with it. */
async function tokenOf(person: Person, scope: string): Promise<{ api: Api; scope: string }> {
  const config = await relyingParty(issuer.url, app.id);
  const begun = await begin(config, { scope });
  const asked = await person.browser.open(begun.url);
  const back = asked.status === 0 ? asked : await decide(person.browser, asked, "allow");
  const tokens = await finish(config, begun, back);
  return { api: server.as(tokens.access_token), scope: tokens.scope ?? "" };
}

async function invited(...scopes: string[]): Promise<{ person: Person; grants: string[] }> {
  const person = await comeInto(server, issuer.tenant, issuer.workspace);
  const grants: string[] = [];
  for (const scope of scopes) grants.push(await giveScope(issuer, person.principal, scope));
  return { person, grants };
}

/** Refused: as a lack, or as if it were not there where not even the workspace may be seen. */
function expectHidden(answer: Answer): void {
  expect([403, 404], answer.text).toContain(answer.status);
  expectProblem(answer, answer.status);
}

test("E4_management: an end-user's PKCE token does what its scopes say, no more", async () => {
  const { person } = await invited("iam:end_users:read", "iam:clients:read", "ingest:write");
  const at = `/api/workspaces/${issuer.workspace.id}`;
  const { api, scope } = await tokenOf(
    person, "iam:end_users:read iam:end_users:create ingest:write");
  // What he has not is left out, and said.
  expect(scope.split(" ").toSorted()).toEqual(["iam:end_users:read", "ingest:write"]);
  const users = await api.list<Principal>(`${at}/end-users`);
  expect(users.map((one) => one.id)).toContain(person.principal.id);
  expectForbidden(await api.request("POST", `${at}/end-users`, { email: "a@example.com" }),
    "iam:end_users:create");
  // He could, but the token was not asked to.
  expectHidden(await api.request("GET", `${at}/clients`));
  const { api: wider } = await tokenOf(person, "iam:clients:read");
  expect((await wider.request("GET", `${at}/clients`)).status).toBe(200);
  expectHidden(await wider.request("GET", `${at}/end-users`));
});

test("E4_management: it does so in the workspace that issued it alone", async () => {
  const { person } = await invited("iam:end_users:read");
  const other = await issuerOf(server, issuer.tenant, await makeWorkspace(issuer.tenant));
  const foreign = await makeIssuer(server);
  const { api } = await tokenOf(person, "iam:end_users:read");
  for (const workspace of [other.workspace.id, foreign.workspace.id])
    expectProblem(await api.request("GET", `/api/workspaces/${workspace}/end-users`), 404);
  expect((await api.request("GET", `${issuer.tenant.path}/principals`)).status)
    .toBeGreaterThanOrEqual(403);
});

test("E4_management: what is withdrawn is refused at once, whatever the token says", async () => {
  const { person, grants } = await invited("iam:end_users:read");
  const { api } = await tokenOf(person, "iam:end_users:read");
  const users = `/api/workspaces/${issuer.workspace.id}/end-users`;
  expect((await api.request("GET", users)).status).toBe(200);
  await issuer.tenant.admin.delete(`${issuer.tenant.path}/grants/${grants[0]}`);
  expectHidden(await api.request("GET", users));
});

test("E4_management: a token without scopes of ours does nothing", async () => {
  const { person } = await invited("iam:end_users:read");
  const config = await relyingParty(issuer.url, app.id);
  const begun = await begin(config, { scope: "openid ingest:write" });
  const back = await decide(person.browser, await person.browser.open(begun.url), "allow");
  const tokens = await finish(config, begun, back);
  expect(tokens.scope).toBe("openid");
  expectHidden(await server.as(tokens.access_token)
    .request("GET", `/api/workspaces/${issuer.workspace.id}/end-users`));
});

test("E4_management: a member's, by the installation: named scopes, and all for our own console",
  async () => {
    const role = await makeRole(issuer.tenant, ["iam:groups:read", "iam:groups:create"]);
    const person = await comeIn(server, issuer.tenant);
    await give(issuer.tenant, person.principal, role.name, orgNode(issuer.tenant));
    const make = (more: Record<string, unknown>) =>
      server.operator.post<ClientCreated>("/api/orgs/platform/clients", {
        name: unique("app"), type: "authorization_code_pkce", redirect_uris: [BACK], ...more,
      });
    const tokens = async (client: ClientCreated, scope: string) => {
      const browser = new Browser(server.url);
      const config = await relyingParty(server.url, client.principal.id);
      const begun = await begin(config, { scope });
      const page = await signIn(browser, person.email, person.password,
        await browser.open(begun.url));
      return finish(config, begun,
        page.status === 0 ? page : await decide(browser, page, "allow"));
    };
    const groups = `${issuer.tenant.path}/groups`;
    const foreign = await tokens(await make({}), "iam:groups:read iam:*");
    expect(foreign.scope).toBe("iam:groups:read");
    const narrow = server.as(foreign.access_token);
    expect((await narrow.request("GET", groups)).status).toBe(200);
    expectForbidden(await narrow.request("POST", groups, { name: unique("g") }),
      "iam:groups:create");
    const own = await tokens(await make({ first_party: true }), "openid iam:*");
    expect(own.scope?.split(" ")).toContain("iam:*");
    const console_ = server.as(own.access_token);
    expect((await console_.request("POST", groups, { name: unique("g") })).status).toBe(201);
    expectForbidden(await console_.request("POST", `${issuer.tenant.path}/roles`,
      { name: unique("r"), kinds: ["member"], exercises: [] }), "iam:roles:create");
  });
