// R2: a database that was restored, or failed over, without its newest changes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { revisionOf } from "./harness/api.ts";
import { ENGINE, Store } from "./harness/binary.ts";
import { subjectOf } from "./harness/decide.ts";
import { give, makeMember, makeOrg, makeRole, unique } from "./harness/make.ts";
import { Postgres } from "./harness/postgres.ts";
import { Server } from "./harness/server.ts";
import { until } from "./harness/until.ts";
import type { Decision, DecisionRequest } from "./harness/types.ts";

const READ = "iam:members:read";

describe.skipIf(ENGINE !== "postgres")("a database that lost something", () => {
  let postgres: Postgres;
  let server: Server;
  let store: Store;

  beforeAll(async () => {
    postgres = await Postgres.start();
    store = new Store("postgres", postgres.url);
    server = new Server({ store, expectedErrors: /^store-(batch-refused|commit-unknown)$/ });
    await server.start();
  });
  afterAll(async () => {
    await server.finish();
    store.remove();
    await postgres.stop();
  });

  test("R2_a node forgets what a lost revision taught it", async () => {
    const tenant = await makeOrg(server);
    const member = await makeMember(tenant);
    const role = await makeRole(tenant, [READ]);
    const question = (context: Record<string, unknown> = {}) => ({
      subject: subjectOf(member),
      resource: { type: "organisation", id: tenant.org.id },
      action: { name: READ },
      context,
    }) as DecisionRequest;
    const ask = async () => {
      const answer = await tenant.admin.request<Decision>(
        "POST", "/access/v1/evaluation", question());
      return answer.status === 200 ? answer.body : undefined;
    };
    const revision = async () => (await ask())?.context?.["revision"] as number;
    await postgres.keep();
    await until("the node to be back", async () => (await ask()) !== undefined);
    const before = await revision();

    await give(tenant, member, role.name);
    expect((await ask())?.decision).toBe(true);
    expect(await revision()).toBe(before + 1);

    await postgres.restore();
    await until("the grant to be forgotten", async () => (await ask())?.decision === false);
    expect(await revision()).toBe(before);

    // The same number again, and another change.
    const group = await tenant.admin.request("POST", `${tenant.path}/groups`,
      { name: unique("group") });
    expect(group.status).toBe(201);
    expect(revisionOf(group)).toBe(before + 1);
    expect((await tenant.admin.decide(question({ at_least: before + 1 }))).decision).toBe(false);
    await give(tenant, member, role.name);
    expect((await tenant.admin.decide(question({ at_least: before + 2 }))).decision).toBe(true);
  });
});
