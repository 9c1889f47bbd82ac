// `thingward verify` on a store in which every rule is broken.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENGINE, operatorKey, Store, thingward } from "./harness/binary.ts";

let store: Store;

beforeAll(async () => {
  store = new Store();
  await operatorKey(store);
});
afterAll(() => store.remove());

interface Column {
  name: string;
  type: string;
  required: number;
}

const COLUMNS = (table: string) => ENGINE === "sqlite"
  ? `SELECT json_group_array(json_object('name', name, 'type', lower(type), 'required', "notnull"))
     FROM pragma_table_info('${table}')`
  : `SELECT json_agg(json_build_object('name', column_name, 'type', data_type,
     'required', CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END))
     FROM information_schema.columns WHERE table_name = '${table}'`;

/** A row with these columns as SQL; identifiers that must be there stand for nothing. */
function plant(table: string, stated: Record<string, string | number> = {}): void {
  const columns = (JSON.parse(store.value(COLUMNS(table))) as Column[])
    .filter(({ name, required }) => required === 1 || name in stated);
  const fill = ({ name, type }: Column): string | number => {
    if (type === "integer" || type === "bigint") return 0;
    return type === "text" ? `'${name}'` : store.randomId;
  };
  const values = columns.map((column) => stated[column.name] ?? fill(column));
  store.alter(`INSERT INTO ${table} (${columns.map(({ name }) => name).join(", ")})`
    + ` VALUES (${values.join(", ")})`);
}

function plantAll(): void {
  const platform = store.literal("00000000-0000-0000-0000-000000000000");
  const other = store.literal("01900000-0000-7000-8000-000000000001");
  const nobody = store.randomId;
  for (const table of ["records", "workspaces", "groups", "group_members", "reach", "credentials",
    "resources", "resource_groups", "resource_group_members", "offers", "roles",
    "role_permissions", "permissions", "guardrails", "signing_keys", "clients", "metadata",
    "consents", "providers", "identities", "synced_grants", "totps", "recovery_codes", "passkeys",
    "persons", "mails"])
    plant(table);
  plant("orgs", { skeleton: 5, creator_role: nobody });
  plant("principals",
    { kind: 5, person: nobody, resource: nobody, home_group: nobody });
  for (const kind of [1, 2, 7]) plant("principals", { kind });
  plant("kind_defaults", { role: nobody, ceiling_role: nobody });
  plant("sessions", { principal: nobody, person: nobody, provider: nobody });
  plant("links", { principal: nobody });
  for (const table of ["codes", "families"])
    plant(table, { org: other, client_org: other, provider: nobody });
  plant("grants", { holder_kind: 1 });
  for (const node_kind of [2, 3, 4, 5]) {
    plant("grants", { node_kind, role: nobody });
    plant("guardrails", { node_kind, name: `'of kind ${node_kind}'` });
  }
  plant("roles", { org: platform, number: 1_000_000 });
  for (const [number, workspace] of [[1_000_000, platform], [1_000_001, other]] as const)
    plant("permissions", { org: platform, number, workspace, name: "'a:b'" });
}

test("every rule is told of where it is broken, and none where it holds", async () => {
  const sound = await thingward(["verify", ...store.options]);
  const rules = Number(/ (\d+) rules$/m.exec(sound.stdout)?.[1]);
  expect(rules).toBeGreaterThan(0);
  expect(sound.stdout).not.toContain("broken");
  plantAll();
  const broken = await thingward(["verify", ...store.options]);
  const told = broken.stdout.match(/^broken: .*: \d+ rows are otherwise$/gm) ?? [];
  expect(new Set(told).size, broken.stdout).toBe(rules);
  expect(broken.stdout).toMatch(/^not sound: /m);
  expect(broken.status).toBe(1);
});
