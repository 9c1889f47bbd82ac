// Sessions of browsers and consents put into the store behind the program's back, for what is about
// those who are signed in already, however they did it.
import { randomUUID } from "node:crypto";
import type { Store } from "./binary.ts";
import { secretOf } from "./planted.ts";
import type { Principal } from "./types.ts";

const NIL = "00000000-0000-0000-0000-000000000000";

export interface PlantedSession {
  /** An end-user, with the workspace's issuer; or a member, with the installation. */
  user: Principal;
  /** Seconds since the sign-in. */
  age_s?: number;
  /** Whether a second factor was proved. */
  second?: boolean;
  /** The one organisation that it opens. */
  only_org?: string;
}

export interface SessionOfBrowser {
  id: string;
  /** The name of its cookie, and the value. */
  name: string;
  value: string;
  /** As a browser sends it. */
  cookie: string;
}

function insert(store: Store, table: string, values: Record<string, string | number>): void {
  store.alter(`INSERT INTO ${table} (${Object.keys(values).join(", ")})`
    + ` VALUES (${Object.values(values).join(", ")})`);
}

export function plantSession(store: Store, draft: PlantedSession): SessionOfBrowser {
  const { user } = draft;
  const member = user.workspace === null;
  const id = randomUUID();
  const secret = secretOf(store, "twb_", member ? NIL : user.org, id);
  const now = Date.now() * 1000;
  const auth = now - (draft.age_s ?? 5) * 1_000_000;
  insert(store, "sessions", {
    org: store.literal(member ? NIL : user.org), session: store.literal(id),
    workspace: store.literal(user.workspace ?? NIL),
    principal: member ? "NULL" : store.literal(user.id),
    person: member
      ? `(SELECT person FROM principals WHERE principal = ${store.literal(user.id)})` : "NULL",
    only_org: draft.only_org === undefined ? "NULL" : store.literal(draft.only_org),
    hash: store.literal(secret.hash), pepper: 1,
    methods: draft.second ? "'pwd otp mfa'" : member ? "'pwd'" : "'email'",
    auth_us: auth, second_us: draft.second ? auth : "NULL", address: "'127.0.0.1'", agent: "'test'",
    created_us: auth, used_us: auth, expires_us: now + 3_600_000_000,
  });
  const name = member ? "__Host-thingward" : `__Host-thingward-${user.workspace}`;
  return { id, name, value: secret.text, cookie: `${name}=${secret.text}` };
}

export function plantConsent(
  store: Store, user: Principal, client: string, scope: string, age_s = 5,
): void {
  insert(store, "consents", {
    org: store.literal(user.org), principal: store.literal(user.id),
    client: store.literal(client), scope: `'${scope}'`,
    given_us: (Date.now() - age_s * 1000) * 1000,
  });
}
