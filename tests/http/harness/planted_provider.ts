// External providers put into the store behind the program's back, for what is about signing in by
// them, whoever set them up.
import { createCipheriv, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tenant } from "./api.ts";
import type { Store } from "./binary.ts";

export interface Rule {
  group: string;
  role: string;
  workspace?: string;
}

export interface PlantedProvider {
  issuer: string;
  client_id: string;
  client_secret?: string;
  name?: string;
  scopes?: string;
  sign_up?: boolean;
  domains?: string[];
  groups_claim?: string;
  rules?: Rule[];
  suspended?: boolean;
}

export interface Planted {
  id: string;
  /** As the address of a sign-in by it has it. */
  reference: string;
  org: string;
}

function bytes(id: string): Buffer {
  return Buffer.from(id.replaceAll("-", ""), "hex");
}

/** As the server seals what it has to know again. */
function seal(store: Store, org: string, id: string, plain: string): string {
  const line = /^master 1 (\S+)$/m.exec(readFileSync(join(store.folder, "thingward.keys"), "utf8"));
  if (line?.[1] === undefined) throw new Error("the key file has no first master key");
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(line[1], "base64url"), nonce);
  cipher.setAAD(Buffer.concat([Buffer.from("providers"), bytes(org), bytes(id)]));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from([1]), nonce, sealed, cipher.getAuthTag()]).toString("hex");
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** An identifier of these bytes would be as long as any; a blob is not. */
function blob(store: Store, hex: string): string {
  return store.engine === "sqlite" ? `X'${hex}'` : `'\\x${hex}'::bytea`;
}

export function plantProvider(store: Store, tenant: Tenant, draft: PlantedProvider): Planted {
  const id = randomUUID();
  const org = tenant.org.id;
  const secret = draft.client_secret === undefined
    ? "NULL" : blob(store, seal(store, org, id, draft.client_secret));
  store.alter(
    "INSERT INTO providers (org, provider, name, issuer, client_id, client_secret, state, scopes,"
    + " sign_up, domains, groups_claim, rules, created_us, changed) VALUES ("
    + [store.literal(org), store.literal(id), text(draft.name ?? `provider ${id.slice(0, 8)}`),
      text(draft.issuer), text(draft.client_id), secret, draft.suspended ? 2 : 1,
      text(draft.scopes ?? "openid email profile"), draft.sign_up ? 1 : 0,
      text(JSON.stringify(draft.domains ?? [])), text(draft.groups_claim ?? ""),
      text(JSON.stringify(draft.rules ?? [])), 1, 1].join(", ") + ")");
  return { id, reference: `${org}.${id}`, org };
}
