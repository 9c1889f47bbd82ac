// A database that is slow, busy, or was demoted.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { expectProblem, type Answer, type Tenant } from "./harness/api.ts";
import { ENGINE, operatorKey, psql, Store, thingward } from "./harness/binary.ts";
import { demoted, Holder } from "./harness/database.ts";
import { makeMember, makeOrg, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import { until } from "./harness/until.ts";

function change(tenant: Tenant): Promise<Answer> {
  return tenant.admin.request("POST", `${tenant.path}/groups`, { name: unique("group") });
}

async function decide(tenant: Tenant, member: string): Promise<number> {
  const answer = await tenant.admin.request("POST", "/access/v1/evaluation", {
    subject: { type: "member", id: member },
    resource: { type: "organisation", id: tenant.org.id },
    action: { name: "iam:members:read" },
  });
  return answer.status;
}

describe.skipIf(ENGINE !== "postgres")("a database", () => {
  const expectedErrors = /^store-(batch-refused|batch-lost|commit-unknown)$/;

  describe("in which somebody holds on to a row", () => {
    const server = useServer({ expectedErrors });
    let tenant: Tenant;
    let member: string;

    beforeAll(async () => {
      tenant = await makeOrg(server);
      member = (await makeMember(tenant)).id;
    });

    test("changes there are refused in time, all others and decisions go on", async () => {
      const other = await makeOrg(server);
      const holder = await Holder.ofOrg(server, tenant);
      try {
        const waiting = change(tenant);
        expect((await change(other)).status).toBe(201);
        expect(await decide(tenant, member)).toBe(200);
        const answer = await waiting;
        expectProblem(answer, 503, "store-unavailable");
        expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      } finally {
        await holder.release();
      }
      expect((await change(tenant)).status).toBe(201);
    });
  });

  describe("that is slower than what is asked of it", () => {
    const server = useServer({
      expectedErrors, args: ["--database-connections", "1", "--writer-queue", "8"],
    });

    test("what does not fit into the queue is refused at once", async () => {
      const tenant = await makeOrg(server);
      const member = (await makeMember(tenant)).id;
      const holder = await Holder.ofOrg(server, tenant);
      const order: string[] = [];
      try {
        await Promise.all(Array.from({ length: 40 }, async () => {
          const answer = await change(tenant);
          expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
          order.push(expectProblem(answer, 503).type.replace("/problems/", ""));
        }));
        expect(await decide(tenant, member)).toBe(200);
      } finally {
        await holder.release();
      }
      // A batch may have been taken out of the queue before it was full.
      const early = order.indexOf("store-unavailable");
      expect(early).toBeGreaterThanOrEqual(20);
      expect(new Set(order.slice(0, early))).toEqual(new Set(["overloaded"]));
      await until("changes", async () => (await change(tenant)).status === 201);
    });
  });

  describe("that was demoted", () => {
    const server = useServer({ expectedErrors, args: ["--max-stale-s", "2"] });

    test("changes are refused, decisions go on for a while, and it comes back", async () => {
      const tenant = await makeOrg(server);
      const member = (await makeMember(tenant)).id;
      expect(await decide(tenant, member)).toBe(200);
      await demoted(server.store, async () => {
        expect(await decide(tenant, member)).toBe(200);
        const answer = await change(tenant);
        expectProblem(answer, 503, "store-unavailable");
        expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
        expect(await decide(tenant, member)).toBe(200);
        await until("decisions to be refused", async () => {
          const status = await decide(tenant, member);
          expect([200, 503]).toContain(status);
          return status === 503;
        });
        expectProblem(await change(tenant), 503, "store-unavailable");
      });
      await until("decisions", async () => (await decide(tenant, member)) === 200);
      await until("changes", async () => (await change(tenant)).status === 201);
    });
  });

  test("that keeps from its user what every session begins with: told what to grant", async () => {
    const store = new Store();
    const url = store.url ?? "";
    const role = `weak_${process.pid}`;
    const rights = "EXECUTE ON FUNCTION pg_control_system()";
    const options = ["--database", url.replace(/thingward@/, `${role}@`),
      "--key-file", join(store.folder, "thingward.keys")];
    try {
      await operatorKey(store);
      psql(url, `CREATE ROLE ${role} LOGIN; REVOKE ${rights} FROM PUBLIC`);
      const refused = await thingward(["verify", ...options]);
      expect([refused.status, refused.stdout]).toEqual([1, ""]);
      expect(refused.stderr).toMatch(/GRANT EXECUTE ON FUNCTION pg_control_system\(\)/);
      expect(refused.stderr).toContain("permission denied for function pg_control_system");
      psql(url, `GRANT ${rights} TO ${role};
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
      expect(await thingward(["verify", ...options])).toMatchObject({ status: 0 });
    } finally {
      psql(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
      store.remove();
    }
  });
});
