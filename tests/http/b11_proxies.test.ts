// B11, F9: from where somebody calls, when proxies stand between.
import { beforeAll, describe, expect, test } from "vitest";
import { expectForbidden, type Tenant } from "./harness/api.ts";
import { give, makeMachine, makeOrg, makeRole, orgNode, unique } from "./harness/make.ts";
import { raw } from "./harness/raw.ts";
import { type Server, useServer } from "./harness/server.ts";
import type { Group, Page, Record_ } from "./harness/types.ts";

const behind = useServer({ args: ["--trusted-proxies", "127.0.0.0/8, 10.0.0.0/8"] });
const alone = useServer({ args: ["--threads", "1"] });

/** The address that the record of a change has, which came from there with these headers. */
async function recorded(
  server: Server, tenant: Tenant, lines: readonly string[] = [], from = "127.0.0.1",
): Promise<string> {
  const body = JSON.stringify({ name: unique("group") });
  const answer = await raw(server.port, [
    `POST ${tenant.path}/groups HTTP/1.1`, "Host: a", "Connection: close",
    `Authorization: Bearer ${tenant.admin.secret}`, "Content-Type: application/json",
    `Content-Length: ${body.length}`, ...lines, "", body,
  ].join("\r\n"), { from });
  expect(answer.statuses).toEqual([201]);
  const group = JSON.parse(answer.text.split("\r\n\r\n")[1] ?? "") as Group;
  const records = await tenant.admin.get<Page<Record_>>(
    `${tenant.path}/records?subject=${group.id}`);
  return records.items[0]?.address ?? "";
}

describe("behind a trusted proxy", () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await makeOrg(behind);
  });

  test.each([
    ["nothing but the proxy", [], "127.0.0.1"],
    ["a client", ["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"],
    ["an IPv6 client", ["x-forwarded-for: 2001:DB8:0:0::7"], "2001:db8::7"],
    ["two proxies", ["X-Forwarded-For: 203.0.113.9, 10.1.2.3"], "203.0.113.9"],
    ["what a client claims", ["X-Forwarded-For: 198.51.100.1, 203.0.113.9"], "203.0.113.9"],
    ["a claim to be a proxy", ["X-Forwarded-For: 10.0.0.1,203.0.113.9"], "203.0.113.9"],
    ["a claim in a header of its own",
      ["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.9"], "203.0.113.9"],
    ["claims in many headers",
      [...Array<string>(20).fill("X-Forwarded-For: 198.51.100.1"), "X-Forwarded-For: 203.0.113.9"],
      "203.0.113.9"],
    ["no address", ["X-Forwarded-For: 198.51.100.1, <script>"], "127.0.0.1"],
    ["an empty one", ["X-Forwarded-For:"], "127.0.0.1"],
    ["other headers", ["X-Real-IP: 198.51.100.1", "Forwarded: for=198.51.100.1"], "127.0.0.1"],
  ])("B11_address: %s", async (_what, lines, address) => {
    expect(await recorded(behind, tenant, lines)).toBe(address);
  });

  test("F9_address: a condition sees the client behind the proxy", async () => {
    const role = await makeRole(tenant, ["iam:groups:create", "iam:groups:read"]);
    const machine = await makeMachine(tenant, "api-keys");
    await give(tenant, machine.principal, role.name, orgNode(tenant), {
      condition: { all: [
        { attribute: "context.address", operator: "in_cidr", value: "203.0.113.0/24" },
      ] },
    });
    const its = behind.as(machine.secret);
    const from = (addresses: string) => its.request("POST", `${tenant.path}/groups`,
      { name: unique("group") }, { "x-forwarded-for": addresses });
    expect((await from("203.0.113.77")).status).toBe(201);
    expectForbidden(await from("198.51.100.1"), "iam:groups:create");
    expectForbidden(await from("203.0.113.77, 198.51.100.1"), "iam:groups:create");
  });
});

test("B11_address: nobody is believed who is no trusted proxy", async () => {
  const tenant = await makeOrg(alone);
  expect(await recorded(alone, tenant, ["X-Forwarded-For: 203.0.113.9"])).toBe("127.0.0.1");
});

test("B11_address: each record has the address of its own caller", async () => {
  const tenant = await makeOrg(alone);
  for (const from of ["127.0.0.2", "127.0.0.3", "127.0.0.2"])
    expect(await recorded(alone, tenant, [], from)).toBe(from);
});
