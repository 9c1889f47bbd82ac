// Tokens that the server would not sign, signed with the keys that it has: taken out of the store
// behind the program's back, for what has to be refused whoever signed it.
import { createDecipheriv, createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as jose from "jose";
import type { Store } from "./binary.ts";
import type { Issuer } from "./oauth.ts";

type Json = Record<string, unknown>;

export interface Forger {
  kid: string;
  key: KeyObject;
  /** A token of these claims, under this header as far as it is stated. */
  sign(claims: Json, header?: Json): Promise<string>;
}

/** What keyring_seal has sealed, opened with the key file beside the store. */
function unseal(store: Store, sealed: Buffer, name: Buffer): Buffer {
  const line = /^master 1 (\S+)$/m.exec(readFileSync(join(store.folder, "thingward.keys"), "utf8"));
  if (line?.[1] === undefined) throw new Error("the key file has no first master key");
  const key = Buffer.from(line[1], "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(1, 13));
  decipher.setAAD(name);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(13, -16)), decipher.final()]);
}

/** The key that signs for a workspace's issuer now; one token has to have been issued by it. */
export function forger(issuer: Issuer, alg = "ES256"): Forger {
  const { store } = issuer.server;
  const hex = (column: string): string =>
    store.engine === "sqlite" ? `hex(${column})` : `encode(${column}, 'hex')`;
  const column = (what: string): string => store.value(
    `SELECT ${hex(what)} FROM signing_keys WHERE workspace = ${store.literal(issuer.workspace.id)}`
    + ` AND algorithm = ${alg === "ES256" ? 1 : 2} AND state = 2`);
  const id = Buffer.from(column("key_id"), "hex");
  const part = (uuid: string): Buffer => Buffer.from(uuid.replaceAll("-", ""), "hex");
  const name = Buffer.concat([Buffer.from("signing_keys"), part(issuer.tenant.org.id),
    part(issuer.workspace.id), id]);
  const der = unseal(store, Buffer.from(column("private_key"), "hex"), name);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const text = id.toString("hex");
  const kid = text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return {
    kid, key,
    sign: (claims, header = {}) =>
      new jose.SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(key),
  };
}

/** A token that nobody signed, or whose signature is this one. */
export function unsigned(header: Json, claims: Json, signature = ""): string {
  const part = (json: Json): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}
