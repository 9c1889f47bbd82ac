// A relying party of another make: Apache with mod_auth_openidc.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Apache } from "./harness/apache.ts";
import { Browser } from "./harness/browser.ts";
import { giveScope, type Issuer, makeConfidentialClient, makeIssuer } from "./harness/oauth.ts";
import { comeInto, signOut } from "./harness/people.ts";
import { decide, signInByLink } from "./harness/relying.ts";
import { useServer } from "./harness/server.ts";
import { until } from "./harness/until.ts";

const server = useServer({ args: ["--outbound-private", "127.0.0.0/8"] });
const apache = new Apache();
let issuer: Issuer;

beforeAll(async () => {
  await apache.findPort();
  issuer = await makeIssuer(server, "ingest:write");
  const callback = `${apache.url}/callback`;
  const client = await makeConfidentialClient(issuer, {
    redirect_uris: [callback], backchannel_logout_uri: `${callback}?logout=backchannel`,
  });
  await apache.start([
    `OIDCProviderMetadataURL ${issuer.url}/.well-known/openid-configuration`,
    `OIDCClientID ${client.id}`, `OIDCClientSecret ${client.secret}`,
    `OIDCRedirectURI ${callback}`, "OIDCPKCEMethod S256",
    `OIDCCryptoPassphrase ${randomBytes(16).toString("hex")}`,
    'OIDCScope "openid email ingest:write"', "OIDCIDTokenSignedResponseAlg ES256",
    "OIDCProviderTokenEndpointAuth client_secret_basic", "OIDCSessionType server-cache",
    "<Location />", "AuthType openid-connect", "Require valid-user",
    'Header always set X-Sub "%{OIDC_CLAIM_sub}e"',
    'Header always set X-Email "%{OIDC_CLAIM_email}e"', "</Location>",
  ]);
}, 60_000);
afterAll(() => apache.stop());

test("E7_apache: signs its visitors in, and forgets who signs out elsewhere", async () => {
  const person = await comeInto(server, issuer.tenant, issuer.workspace);
  await giveScope(issuer, person.principal, "ingest:write");
  const browser = new Browser(server.url);

  // Apache sends its visitor to sign in, and knows him when he comes back.
  const first = await apache.visit("/");
  expect(first.status, apache.log).toBe(302);
  const asked = await signInByLink(server, browser, person.email,
    new URL(first.headers.location ?? ""), 2);
  const back = await decide(browser, asked, "allow");
  expect(back.url.href).toMatch(`${apache.url}/callback?code=`);
  const landed = await apache.visit(back.url);
  expect(landed.status, apache.log).toBe(302);
  const page = await apache.visit(landed.headers.location ?? "");
  expect(page.status, apache.log).toBe(200);
  expect(page.text).toBe("Guarded.\n");
  expect(page.headers["x-sub"]).toBe(person.principal.id);
  expect(page.headers["x-email"]).toBe(person.email);

  // Whoever signs out here is told to Apache, which then asks anew.
  expect((await signOut(browser, `/w/${issuer.workspace.id}`)).status).toBe(200);
  await until("Apache to be told", async () => (await apache.visit("/")).status === 302);
});
