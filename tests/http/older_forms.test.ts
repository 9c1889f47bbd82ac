// What older programs stored under other forms of addresses and names is found after an upgrade.
import { expect, test } from "vitest";
import type { Tenant } from "./harness/api.ts";
import { ENGINE, thingward } from "./harness/binary.ts";
import { makeInWorkspace, makeMachine, makeOrg, makeWorkspace, unique } from "./harness/make.ts";
import { finishAll, Server, useServer } from "./harness/server.ts";
import type { Principal, PrincipalCreated } from "./harness/types.ts";

const server = useServer();

/** What an older program would have left. */
function makeOlder(...changes: string[]): void {
  for (const change of changes) server.store.alter(change);
  server.store.alter("DELETE FROM schema_migrations WHERE version >= 7");
}

function formsLeft(of: Server): unknown[] {
  return of.log.filter(({ event }) => event === "form-left").map((line) => line["id"]);
}

async function byName(tenant: Tenant, { name }: Principal): Promise<Principal> {
  const path = `${tenant.path}/api-keys/by-name/${name}`;
  return (await tenant.admin.put<PrincipalCreated>(path, {})).principal;
}

function addMember(tenant: Tenant, email: string): Promise<unknown> {
  return tenant.admin.post(`${tenant.path}/members`, { email });
}

function labelled(principal: Principal, label: string): string {
  const row = `principal = ${server.store.literal(principal.id)}`;
  return `UPDATE principals SET label = '${label}' WHERE ${row}`;
}

test("accounts, end-users and renamed machines are found by what they are called now", async () => {
  const [tenant, other] = [await makeOrg(server), await makeOrg(server)];
  const workspace = await makeWorkspace(tenant);
  const [first, second] = [await makeMachine(tenant, "api-keys"),
    await makeMachine(tenant, "api-keys")];
  const mailbox = unique("Straße");
  await addMember(tenant, `${mailbox}@example.org`);
  const { principal: user } = await makeInWorkspace(
    tenant, workspace, "end-users", { email: `${mailbox}@example.net` });
  const composed = (await makeInWorkspace(
    tenant, workspace, "end-users", { email: `é${mailbox}@example.net` })).principal;
  const folded = mailbox.toLowerCase().replace("ß", "ss");
  await server.stop();
  makeOlder(
    `UPDATE persons SET email_normal = '${folded}@example.org'
     WHERE email = '${mailbox}@example.org'`,
    labelled(user, `${folded}@example.net`),
    labelled(composed, `é${folded}@example.net`),
    `UPDATE principals SET email = 'e\u0301${mailbox}@example.net'
     WHERE email = 'é${mailbox}@example.net'`,
    // What one is called now is what the other was made as.
    labelled(second.principal, "made long ago"),
    labelled(first.principal, second.principal.name));
  await server.start();
  expect(formsLeft(server)).toEqual([]);
  await server.store.prove();
  // The same person in another organisation, by the same address in other letters.
  await addMember(other, `${mailbox.toLowerCase()}@example.org`);
  const accounts = `SELECT count(*) FROM persons WHERE email LIKE '%${mailbox.slice(-8)}@%'`;
  expect(server.store.value(accounts)).toBe("1");
  for (const email of [`${mailbox}@example.net`, `é${mailbox}@example.net`]) {
    const path = `/api/workspaces/${workspace.id}/end-users`;
    const answer = await tenant.admin.request("POST", path, { email });
    expect(answer.status, email).toBe(409);
  }
  for (const { principal } of [first, second])
    expect(await byName(tenant, principal)).toMatchObject({ id: principal.id });
}, 60_000);

test("of two with one name the first has it; the other is named until it is renamed", async () => {
  const tenant = await makeOrg(server);
  const { principal: first } = await makeMachine(tenant, "api-keys");
  const { principal: second } = await makeMachine(tenant, "api-keys");
  await server.stop();
  makeOlder(labelled(first, "made as the first"), labelled(second, "made as the second"),
    `UPDATE principals SET name = '${first.name}' WHERE name = '${second.name}'`);
  await server.start();
  expect(formsLeft(server)).toEqual([second.id]);
  expect(await byName(tenant, first)).toMatchObject({ id: first.id });
  await server.stop();
  const told = await thingward(["verify", ...server.store.options]);
  expect(told.status).toBe(1);
  expect(told.stdout).toContain(`${second.id} of organisation ${tenant.org.id}: `);
  expect(told.stdout).toContain("rename this one");
  await server.start();
  await tenant.admin.patch(`${tenant.path}/api-keys/${second.id}`, { name: second.name });
  await server.store.prove();
}, 60_000);

test.skipIf(ENGINE === "sqlite")("nodes that start together do it once", async () => {
  const tenant = await makeOrg(server);
  const { principal: machine } = await makeMachine(tenant, "api-keys");
  await server.stop();
  makeOlder(labelled(machine, "made long ago"));
  const nodes = [1, 2, 3].map(() => {
    const node = new Server({ store: server.store });
    node.operator = server.operator;
    return node;
  });
  await Promise.all(nodes.map((node) => node.start()));
  await finishAll(nodes);
  await server.start();
  expect(await byName(tenant, machine)).toMatchObject({ id: machine.id });
}, 60_000);
