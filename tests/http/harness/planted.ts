// Authorization codes put into the store behind the program's back, as /authorize would have
// issued them: for what is about their exchange, whoever the user was and however he signed in.
import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Store } from "./binary.ts";
import { makeInWorkspace } from "./make.ts";
import { giveScope, type Issuer, type OAuthError, post, type Reply, type Tokens } from "./oauth.ts";
import type { Principal } from "./types.ts";

export const BACK = "https://app.example.org/back";

function bytes(id: string): Buffer {
  return Buffer.from(id.replaceAll("-", ""), "hex");
}

/** A secret of this form, and what the store keeps of it. */
export function secretOf(
  store: Store, prefix: string, org: string, id: string,
): { text: string; hash: string } {
  const body = Buffer.concat([bytes(org), bytes(id), randomBytes(32)]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(Buffer.concat([Buffer.from(prefix), body])));
  const text = prefix + Buffer.concat([body, sum]).toString("base64url");
  const line = /^pepper 1 (\S+)$/m.exec(readFileSync(join(store.folder, "thingward.keys"), "utf8"));
  if (line?.[1] === undefined) throw new Error("the key file has no first pepper");
  const key = Buffer.from(line[1], "base64url");
  return { text, hash: createHmac("sha256", key).update(text).digest("hex") };
}

export interface PlantedCode {
  client: string;
  user: Principal;
  scope?: string;
  redirect_uri?: string;
  redirect_stated?: boolean;
  /** The verifier whose challenge is stored; null: none. */
  verifier?: string | null;
  resource?: string;
  nonce?: string;
  claims?: unknown;
  methods?: string;
  /** Seconds since it was issued. */
  age_s?: number;
}

export const VERIFIER = randomBytes(32).toString("base64url");

export function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** An end-user who has signed in once, with these scopes. */
export async function makeUser(issuer: Issuer, ...scopes: string[]): Promise<Principal> {
  const { principal } = await makeInWorkspace(issuer.tenant, issuer.workspace, "end-users");
  const { store } = issuer.server;
  store.alter(`UPDATE principals SET state = 1 WHERE principal = ${store.literal(principal.id)}`);
  for (const scope of scopes) await giveScope(issuer, principal, scope);
  return principal;
}

/** A code of a workspace's end-user. */
export function plantCode(issuer: Issuer, draft: PlantedCode): string {
  const { store } = issuer.server;
  const org = issuer.tenant.org.id;
  const id = randomUUID();
  const secret = secretOf(store, "twg_", org, id);
  const now = (Date.now() - (draft.age_s ?? 0) * 1000) * 1000;
  const text = (value: string | undefined | null): string =>
    value === undefined || value === null ? "NULL" : `'${value.replaceAll("'", "''")}'`;
  const verifier = draft.verifier === undefined ? VERIFIER : draft.verifier;
  const values = {
    org: store.literal(org), code: store.literal(id), hash: store.literal(secret.hash), pepper: 1,
    workspace: store.literal(issuer.workspace.id), client_org: store.literal(org),
    client: store.literal(draft.client), principal: store.literal(draft.user.id),
    redirect_uri: text(draft.redirect_uri ?? BACK),
    redirect_stated: draft.redirect_stated === false ? 0 : 1,
    challenge: text(verifier === null ? null : challengeOf(verifier)),
    scope: text(draft.scope ?? ""), resource: text(draft.resource), nonce: text(draft.nonce),
    claims: text(draft.claims === undefined ? undefined : JSON.stringify(draft.claims)),
    methods: text(draft.methods ?? "email"), auth_us: now - 5_000_000, created_us: now,
    expires_us: now + 60_000_000,
  };
  store.alter(`INSERT INTO codes (${Object.keys(values).join(", ")})`
    + ` VALUES (${Object.values(values).join(", ")})`);
  return secret.text;
}

/** Exchanges a code as a public client does. */
export function redeem(
  issuer: Issuer, client: string, code: string, more: Record<string, string> = {},
): Promise<Reply<Tokens & OAuthError>> {
  return post(`${issuer.url}/token`, {
    grant_type: "authorization_code", client_id: client, code, redirect_uri: BACK,
    code_verifier: VERIFIER, ...more,
  });
}

export function refresh(
  issuer: Issuer, client: string, token: string, more: Record<string, string> = {},
): Promise<Reply<Tokens & OAuthError>> {
  return post(`${issuer.url}/token`,
    { grant_type: "refresh_token", client_id: client, refresh_token: token, ...more });
}
