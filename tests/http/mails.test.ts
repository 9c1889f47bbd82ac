// Mail as those who look after it see it, and the settings of an organisation about coming in.
import { beforeAll, expect, test } from "vitest";
import { expectForbidden, expectProblem, type Tenant } from "./harness/api.ts";
import { makeMachine, makeOrg, makeRole, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Org, PrincipalCreated, Record_ } from "./harness/types.ts";

// Nobody answers at this port, so that what is sent waits.
const server = useServer({ args: ["--smtp-url", "smtp://127.0.0.1:9"] });

interface Mail {
  id: string;
  recipient: string;
  state: string;
  template: string;
  attempts: number;
  next_at: string;
}

let tenant: Tenant;
let mails: string;

beforeAll(async () => {
  tenant = await makeOrg(server, "organisation-access");
  mails = `${tenant.path}/mails`;
});

async function invite(of: Tenant): Promise<string> {
  const email = `${unique("p")}@example.com`;
  await of.admin.post<PrincipalCreated>(`${of.path}/members`, { email, invite: true });
  return email;
}

test("mail: an operator sees how it leaves, and how much waits", async () => {
  const before = await server.operator.get<{ waiting: number }>("/api/mail");
  expect(before).toMatchObject(
    { transport: "smtp", server: "smtp://127.0.0.1:9", folder: null, user: null, dead: 0 });
  await invite(tenant);
  expect((await server.operator.get<{ waiting: number }>("/api/mail")).waiting)
    .toBe(before.waiting + 1);
  expectProblem(await tenant.admin.request("GET", "/api/mail"), 404);
});

test("mail: an organisation sees its own, never what they say, tries again and drops", async () => {
  const email = await invite(tenant);
  const [mail] = await tenant.admin.list<Mail>(`${mails}?q=${email}`);
  expect(mail).toMatchObject({ recipient: email, state: "waiting", template: "invitation" });
  expect(JSON.stringify(mail)).not.toMatch(/twl_|http/);
  const one = `${mails}/${mail?.id}`;
  expect(await tenant.admin.list(`${mails}?state=dead`)).toEqual([]);
  expect((await tenant.admin.request("POST", `${one}/retry`)).status).toBe(204);
  await tenant.admin.delete(one);
  expect(await tenant.admin.list(`${mails}?q=${email}`)).toEqual([]);
  for (const [method, path] of [["POST", `${one}/retry`], ["DELETE", one]] as const)
    expectProblem(await tenant.admin.request(method, path), 404, "mail-not-found");
  const records = await tenant.admin.list<Record_>(`${tenant.path}/records?subject=${mail?.id}`);
  expect(records.map((record) => record.action)).toEqual(["mails.delete", "mails.update"]);
  expect(JSON.stringify(records)).not.toContain(email);
});

test("mail: of another organisation nothing is seen", async () => {
  const other = await makeOrg(server);
  const email = await invite(other);
  const [mail] = await other.admin.list<Mail>(`${other.path}/mails?q=${email}`);
  expect((await tenant.admin.list<Mail>(mails)).map((one) => one.recipient)).not.toContain(email);
  expectProblem(await tenant.admin.request("DELETE", `${mails}/${mail?.id}`), 404,
    "mail-not-found");
  expectForbidden(await server.operator.request("GET", `${other.path}/mails`));
});

test("mail: looking after it needs the permission", async () => {
  await invite(tenant);
  const [mail] = await tenant.admin.list<Mail>(mails);
  const auditor = server.as(
    (await makeMachine(tenant, "service-accounts", { roles: ["auditor"] })).secret);
  expect(await auditor.list<Mail>(mails)).not.toEqual([]);
  expectForbidden(await auditor.request("POST", `${mails}/${mail?.id}/retry`), "iam:mails:update");
  expectForbidden(await auditor.request("DELETE", `${mails}/${mail?.id}`), "iam:mails:delete");
});

test("C2_sign_up: whether people may join on their own is the organisation's choice", async () => {
  expect(await tenant.admin.get<Org>(tenant.path))
    .toMatchObject({ sign_up: false, mail_sender: null });
  const opened = await tenant.admin.patch<Org>(tenant.path,
    { sign_up: true, mail_sender: "Süd GmbH" });
  expect(opened).toMatchObject({ sign_up: true, mail_sender: "Süd GmbH" });
  expect(await tenant.admin.patch(tenant.path, { name: unique("other") }))
    .toMatchObject({ sign_up: true, mail_sender: "Süd GmbH" });
  expect(await tenant.admin.patch(tenant.path, { sign_up: false, mail_sender: null }))
    .toMatchObject({ sign_up: false, mail_sender: null });
  for (const name of ["", "line\nfeed", " blank", "x".repeat(129)])
    expectProblem(await tenant.admin.request("PATCH", tenant.path, { mail_sender: name }), 400);
  expectProblem(await server.operator.request("PATCH", "/api/orgs/platform", { sign_up: true }),
    409, "platform-stays-closed");
});

test("C2_sign_up: who opens it has to be allowed to give what everybody then gets", async () => {
  const shop = await makeOrg(server);
  const role = await makeRole(shop, ["iam:orgs:update", "iam:orgs:read"]);
  const clerk = server.as(
    (await makeMachine(shop, "service-accounts", { roles: [role.name] })).secret);
  const strong = await makeRole(shop, ["iam:groups:create"]);
  await shop.admin.put(`${shop.path}/defaults/member`, { role: strong.name, ceiling_role: null });
  expectForbidden(await clerk.request("PATCH", shop.path, { sign_up: true }), "iam:groups:create");
  expect(await shop.admin.get(shop.path)).toMatchObject({ sign_up: false });
  await shop.admin.put(`${shop.path}/defaults/member`, { role: null, ceiling_role: null });
  expect(await clerk.patch(shop.path, { sign_up: true })).toMatchObject({ sign_up: true });
});
