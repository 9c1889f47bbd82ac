// Relying parties of the field: openid-client and oauth4webapi, with people in front of a browser.
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { expect } from "vitest";
import type { Browser, Page } from "./browser.ts";
import { mailTo } from "./mail.ts";
import { INSECURE } from "./oauth.ts";
import { askForLink, followLink } from "./people.ts";
import type { Server } from "./server.ts";

export const BACK = "https://app.example.org/back";

/** A client as openid-client has it; without a secret it is a public one. */
export function relyingParty(
  issuer: string, id: string, secret?: string,
): Promise<openid.Configuration> {
  const auth = secret === undefined ? openid.None() : openid.ClientSecretBasic(secret);
  return openid.discovery(new URL(issuer), id, { client_id: id }, auth,
    { execute: [openid.allowInsecureRequests] });
}

export interface Begun {
  url: URL;
  checks: openid.AuthorizationCodeGrantChecks;
}

/** What a client begins with: an address for the browser, and what it remembers. */
export async function begin(
  config: openid.Configuration, more: Record<string, string> = {},
): Promise<Begun> {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const expectedState = openid.randomState();
  const scope = more["scope"] ?? "openid";
  const nonce = scope.split(" ").includes("openid") ? openid.randomNonce() : undefined;
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: BACK,
    scope,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    ...(nonce === undefined ? {} : { nonce }),
    ...more,
  });
  const expected = nonce === undefined ? {} : { expectedNonce: nonce, idTokenExpected: true };
  return { url, checks: { pkceCodeVerifier, expectedState, ...expected } };
}

/** What it ends with: the tokens for where the browser came back to. */
export function finish(
  config: openid.Configuration, begun: Begun, back: Page,
): Promise<openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers> {
  expect(back.url.href.startsWith(BACK), `${back.url.href} ${back.text}`).toBe(true);
  return openid.authorizationCodeGrant(config, back.url, begun.checks);
}

/** Signs an end-user in by the link that is sent, from the first page on; where that leads. */
export async function signInByLink(
  server: Server, browser: Browser, email: string, at: URL | Page, mails = 1,
): Promise<Page> {
  const page = at instanceof URL ? await browser.open(at) : at;
  const sent = await askForLink(browser, email, page);
  expect(sent.text).toContain(email);
  return followLink(browser, (await mailTo(server, email, mails)).link);
}

/** Says yes or no on the page that asks for it. */
export function decide(browser: Browser, page: Page, decision: "allow" | "deny"): Promise<Page> {
  return browser.submit(page, page.form("decision", decision), { decision });
}

/** The same by oauth4webapi, for who wants every step. */
export async function exchange(
  server: oauth.AuthorizationServer, client: oauth.Client, auth: oauth.ClientAuth,
  back: URL, verifier: string, state: string, nonce?: string,
): Promise<oauth.TokenEndpointResponse> {
  const parameters = oauth.validateAuthResponse(server, client, back, state);
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, auth, parameters, BACK, verifier, INSECURE);
  return oauth.processAuthorizationCodeResponse(server, client, response,
    nonce === undefined ? {} : { expectedNonce: nonce, requireIdToken: true });
}
