// Accounts of people, which are theirs and the operator's, never a tenant's.
import { expect, test } from "vitest";
import { expectProblem } from "./harness/api.ts";
import { makeOrg, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { PrincipalCreated, Record_ } from "./harness/types.ts";

const server = useServer();

interface Person {
  id: string;
  email: string;
  name: string;
  state: string;
  has_password: boolean;
  changed: number;
}

test("B4_persons: an operator lists, shows, renames and suspends them", async () => {
  const tenant = await makeOrg(server);
  const email = `${unique("Ada")}@Example.com`;
  await tenant.admin.post<PrincipalCreated>(`${tenant.path}/members`, { email });
  const search = `/api/persons?q=${email.toLowerCase().slice(0, -4)}`;
  const [person, ...others] = await server.operator.list<Person>(search);
  expect(others).toEqual([]);
  expect(person).toMatchObject({ email, state: "active", has_password: false });
  const at = `/api/persons/${person?.id}`;
  expect(await server.operator.get(at)).toEqual(person);
  expect(await server.operator.patch(at, { name: "Ada L.", state: "suspended" }))
    .toMatchObject({ email, name: "Ada L.", state: "suspended" });
  expect((await server.operator.request("PATCH", at, { state: "active" },
    { "if-match": `"${(person?.changed ?? 0) + 9999}"` })).status).toBe(412);
  await server.operator.patch(at, { state: "active" });
  const records = await server.operator.list<Record_>(
    `/api/orgs/platform/records?subject=${person?.id}&action=persons.update`);
  expect(records).toHaveLength(2);
  expectProblem(await server.operator.request("PATCH", at, { email: "other@example.com" }), 400);
});

test("B4_persons: pages are whole, and what is none is not found", async () => {
  const tenant = await makeOrg(server);
  const made: string[] = [];
  const prefix = unique("page");
  for (let i = 0; i < 5; i++) {
    const email = `${prefix}-${i}@example.com`;
    await tenant.admin.post(`${tenant.path}/members`, { email });
    made.push(email);
  }
  const listed = await server.operator.list<Person>(`/api/persons?q=${prefix}`, 2);
  expect(listed.map((one) => one.email)).toEqual(made);
  expectProblem(await server.operator.request("GET", `/api/persons/${tenant.org.id}`), 404,
    "person-not-found");
});

test("B4_persons: no tenant sees or changes them", async () => {
  const tenant = await makeOrg(server);
  const email = `${unique("eve")}@example.com`;
  await tenant.admin.post(`${tenant.path}/members`, { email });
  const [person] = await server.operator.list<Person>(`/api/persons?q=${email}`);
  for (const [method, path] of [["GET", "/api/persons"], ["GET", `/api/persons/${person?.id}`],
    ["PATCH", `/api/persons/${person?.id}`]] as const)
    expectProblem(await tenant.admin.request(method, path,
      method === "PATCH" ? { state: "suspended" } : undefined), 404);
  expect(await server.operator.get(`/api/persons/${person?.id}`)).toEqual(person);
});
