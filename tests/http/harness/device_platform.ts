// The published table of the device platform: every operation of every role.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./binary.ts";

const TABLE = "tests/vectors/device-platform-roles.csv";

export const USER_ROLES = ["administrator", "operator", "developer", "reader"] as const;
export const APPLICATION_ROLES = [
  "app_standard", "app_operations", "app_backend_trusted", "app_data_processor",
  "app_visualization", "app_device",
] as const;
export const GATEWAY_ROLES = ["gateway_standard", "gateway_privileged"] as const;

/** In the order of the table, the group of each, and by role those that it has. */
export const operations: string[] = [];
export const groupOf = new Map<string, string>();
export const table = new Map<string, string[]>();

function readColumns(operation: string, roles: readonly string[], marks: string): void {
  if (marks.length !== roles.length || !/^[X-]+$/.test(marks))
    throw new Error(`${TABLE}: ${operation}: ${marks}`);
  roles.forEach((role, i) => {
    const of = table.get(role) ?? [];
    if (marks[i] === "X") of.push(operation);
    table.set(role, of);
  });
}

const [head, ...rows] = readFileSync(join(ROOT, TABLE), "utf8")
  .split("\n").filter((line) => line !== "" && !line.startsWith("#"));
if (head !== "group,operation,users_AODR,apps_SOBPVD,gateways_SP")
  throw new Error(`${TABLE} begins otherwise: ${head}`);
for (const row of rows) {
  const [group, operation, users, applications, gateways] = row.split(",");
  if (!operation || !group) throw new Error(`${TABLE}: ${row}`);
  operations.push(operation);
  groupOf.set(operation, group);
  readColumns(operation, USER_ROLES, users ?? "");
  readColumns(operation, APPLICATION_ROLES, applications ?? "");
  readColumns(operation, GATEWAY_ROLES, gateways ?? "");
}

/** Reserved for machines: no role of users has them. */
export const MACHINE_OPERATIONS = [
  "events:publish", "commands:subscribe", "own_api_key_rights:read", "own_device_rights:read",
];

/** Denied to every application, whatever it is given. */
export const DENIED_TO_APPLICATIONS = [
  "connection_policies:read", "connection_policies:manage", "address_lists:read",
  "address_lists:manage", "storage:configure", "authentication_providers:configure",
  "mail_configuration:create", "mail_configuration:read", "mail_configuration:update",
  "mail_configuration:delete",
];
