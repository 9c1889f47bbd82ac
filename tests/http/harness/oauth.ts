// Clients of the authorization server, and what one needs to speak to it by hand.
import * as oauth from "oauth4webapi";
import { expect } from "vitest";
import type { Tenant } from "./api.ts";
import { makeOrg, makeWorkspace, unique, workspaceNode } from "./make.ts";
import type { Server } from "./server.ts";
import type { ClientCreated, Principal, Workspace } from "./types.ts";

/** Over plain HTTP, as only a test does. */
export const INSECURE = { [oauth.allowInsecureRequests]: true };

export interface Issuer {
  server: Server;
  tenant: Tenant;
  workspace: Workspace;
  url: string;
}

export interface Client {
  principal: Principal;
  id: string;
  secret: string;
}

export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope?: string;
  refresh_token?: string;
  id_token?: string;
}

export interface OAuthError {
  error: string;
  error_description?: string;
}

/** A workspace of a new organisation, as an issuer, with these scopes. */
export async function makeIssuer(server: Server, ...scopes: string[]): Promise<Issuer> {
  const tenant = await makeOrg(server, "sensor-workspace");
  return issuerOf(server, tenant, await makeWorkspace(tenant), ...scopes);
}

export async function issuerOf(
  server: Server, tenant: Tenant, workspace: Workspace, ...scopes: string[]
): Promise<Issuer> {
  const issuer = { server, tenant, workspace, url: `${server.url}/w/${workspace.id}` };
  for (const scope of scopes) await makeScope(issuer, scope);
  return issuer;
}

export async function makeScope(issuer: Issuer, name: string): Promise<void> {
  await issuer.tenant.admin.post(
    `/api/workspaces/${issuer.workspace.id}/scopes`, { name, description: name });
}

/** Gives one permission, a scope or a built-in one, to somebody at the workspace. */
export async function giveScope(issuer: Issuer, to: Principal, scope: string): Promise<string> {
  const grant = await issuer.tenant.admin.post<{ id: string }>(
    `${issuer.tenant.path}/grants`, {
      holder: { kind: "principal", id: to.id },
      permission: scope,
      node: workspaceNode(issuer.workspace),
    });
  return grant.id;
}

/** A client of the workspace, as the draft has it. */
export function makeClient(
  issuer: Issuer, draft: Record<string, unknown> = {},
): Promise<ClientCreated> {
  return issuer.tenant.admin.post(
    `/api/workspaces/${issuer.workspace.id}/clients`, { name: unique("client"), ...draft });
}

/** A client of client credentials that may use these scopes. */
export async function makeMachineClient(issuer: Issuer, ...scopes: string[]): Promise<Client> {
  const made = await makeClient(issuer);
  if (made.secret === undefined) throw new Error("a client of client credentials has a secret");
  for (const scope of scopes) await giveScope(issuer, made.principal, scope);
  return { principal: made.principal, id: made.principal.id, secret: made.secret };
}

/** A public client, of authorization code and PKCE. */
export async function makePublicClient(
  issuer: Issuer, draft: Record<string, unknown> = {},
): Promise<Principal> {
  const made = await makeClient(issuer, {
    type: "authorization_code_pkce", redirect_uris: ["https://app.example.org/back"], ...draft });
  return made.principal;
}

/** A confidential client of authorization code. */
export async function makeConfidentialClient(
  issuer: Issuer, draft: Record<string, unknown> = {},
): Promise<Client> {
  const made = await makeClient(issuer, {
    type: "authorization_code", redirect_uris: ["https://app.example.org/back"], ...draft });
  return { principal: made.principal, id: made.principal.id, secret: made.secret ?? "" };
}

export function basic(client: { id: string; secret: string }): string {
  const text = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`;
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

export interface Reply<T> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

/** A form sent to an endpoint of an issuer, whatever comes of it. */
export async function post<T = Tokens & OAuthError>(
  url: string,
  form: Record<string, string> | [string, string][] | string,
  headers: Record<string, string> = {},
): Promise<Reply<T>> {
  const body = typeof form === "string" ? form : new URLSearchParams(form).toString();
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  const json = response.headers.get("content-type")?.startsWith("application/json") === true;
  return {
    status: response.status, headers: response.headers, text,
    body: (json ? JSON.parse(text) : {}) as T,
  };
}

/** The tokens of an answer that has to be one. */
export function given(reply: Reply<Tokens & OAuthError>): Required<Tokens> {
  expect(reply.status, reply.text).toBe(200);
  return reply.body as Required<Tokens>;
}

/** An answer of a server whose store is away. */
export function expectUnavailable(reply: Reply<Tokens & OAuthError>): void {
  expect([reply.status, reply.body.error], reply.text).toEqual([503, "temporarily_unavailable"]);
  expect(reply.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(Object.keys(reply.body).toSorted()).toEqual(["error", "error_description"]);
}

/** What introspection says of a token, to this client. */
export function introspect(
  issuer: Issuer, client: Client, token: string,
): Promise<Reply<{ active: boolean }>> {
  return post(`${issuer.url}/introspect`, { token }, { authorization: basic(client) });
}

/** An access token by client credentials, which has to be given. */
export async function clientToken(
  issuer: Issuer, client: Client, scope?: string, more: Record<string, string> = {},
): Promise<Tokens> {
  const form = { grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) };
  const reply = await post(`${issuer.url}/token`, { ...form, ...more },
    { authorization: basic(client) });
  if (reply.status !== 200) throw new Error(`no token: ${reply.status} ${reply.text}`);
  return reply.body;
}

/** What stands in a token, unproved. */
export function claimsOf(token: string): Record<string, unknown> {
  const payload = token.split(".")[1] ?? "";
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
}

/** The metadata of an issuer, read as a strict client reads them. */
export async function discover(
  issuer: Issuer, algorithm: "oidc" | "oauth2" = "oidc",
): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer.url);
  const response = await oauth.discoveryRequest(url, { algorithm, ...INSECURE });
  return oauth.processDiscoveryResponse(url, response);
}
