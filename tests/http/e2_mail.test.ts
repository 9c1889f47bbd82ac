// Mail that leaves by SMTP, to a real server: taken, refused, or away.
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectProblem, type Tenant } from "./harness/api.ts";
import { Browser } from "./harness/browser.ts";
import { makeOrg, makeWorkspace, unique } from "./harness/make.ts";
import { askForLink, followLink } from "./harness/people.ts";
import { Server } from "./harness/server.ts";
import { MailServer } from "./harness/smtp.ts";
import type { PrincipalCreated, Workspace } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const mail = new MailServer();
let server: Server;
let tenant: Tenant;
let workspace: Workspace;

interface Waiting {
  id: string;
  state: string;
  recipient: string;
  error: string;
  attempts: number;
}

beforeAll(async () => {
  await mail.start();
  server = new Server({
    args: ["--smtp-url", mail.url, "--smtp-user", "thingward",
      "--mail-from", "Thingward <iam@example.org>"],
    env: { THINGWARD_SMTP_PASSWORD: "let me post" },
  });
  await server.start();
  tenant = await makeOrg(server);
  workspace = await makeWorkspace(tenant);
}, 60_000);

afterAll(async () => {
  await server.finish();
  await mail.stop();
}, 60_000);

async function invite(): Promise<string> {
  const email = `${unique("user")}@example.com`;
  await tenant.admin.post<PrincipalCreated>(`/api/workspaces/${workspace.id}/end-users`,
    { email, invite: true });
  return email;
}

async function waiting(email: string): Promise<Waiting | undefined> {
  const all = await tenant.admin.list<Waiting>(`${tenant.path}/mails`);
  return all.find((one) => one.recipient === email);
}

/** What the queue says of a mail, once it has been tried. */
async function tried(email: string, attempts = 1): Promise<Waiting> {
  await until(`attempt ${attempts} for ${email}`,
    async () => ((await waiting(email))?.attempts ?? 0) >= attempts
      && (await waiting(email))?.error !== "");
  return await waiting(email) as Waiting;
}

test("E2_mail: an invitation and a link come by mail, and let one in", async () => {
  const email = await invite();
  const invitation = await mail.mailTo(email);
  expect(invitation.recipients).toEqual([email]);
  expect([invitation.from, invitation.sender]).toEqual(["Thingward <iam@example.org>",
    "iam@example.org"]);
  expect(mail.logins).toContain("thingward:let me post");
  expect(invitation.subject).toContain(tenant.org.name);
  // Readable with and without HTML, and nobody's answer is expected.
  expect(invitation.raw).toMatch(/^content-type: multipart\/alternative/im);
  expect(invitation.raw).toMatch(/^content-type: text\/html/im);
  expect(invitation.raw).toMatch(/^auto-submitted: auto-generated/im);
  const own = new Browser(server.url);
  const page = await own.open(invitation.link);
  const inside = await own.submit(page, page.form("decision", "accept"), { decision: "accept" });
  expect(inside.heading).toBe("You are signed in");
  const other = new Browser(server.url);
  await askForLink(other, email, `/w/${workspace.id}/sign-in`);
  const { link } = await mail.mailTo(email, 2);
  expect((await followLink(other, link)).heading).toBe("You are signed in");
  // What was sent is no longer there to be read.
  for (const bytes of server.store.contents())
    for (const secret of [invitation.link, link].map((one) => one.split("link=")[1] ?? "none"))
      expect(bytes.includes(secret)).toBe(false);
});

test("E2_mail: an organisation's mail comes under its own name", async () => {
  await tenant.admin.patch(tenant.path, { mail_sender: "Örtliche Wärme" });
  const email = await invite();
  expect((await mail.mailTo(email)).from).toBe("Örtliche Wärme <iam@example.org>");
  await tenant.admin.patch(tenant.path, { mail_sender: null });
});

test("E2_mail: a server that is away is asked again; what it missed comes when it is back",
  async () => {
    await mail.stop();
    const email = await invite();
    const before = await tried(email);
    expect(before).toMatchObject({ state: "waiting", attempts: 1 });
    // Signing in is not slower for it, nor refused.
    const page = await new Browser(server.url).open(`/w/${workspace.id}/sign-in`);
    expect(page.status).toBe(200);
    await mail.start();
    await tenant.admin.post(`${tenant.path}/mails/${before.id}/retry`, undefined);
    expect((await mail.mailTo(email)).recipients).toEqual([email]);
    await until("the queue to be empty", async () => await waiting(email) === undefined);
  });

test("E2_mail: what a server refuses for good waits for somebody to send it again", async () => {
  mail.refusal = () => ({ code: 550, text: "no such user here" });
  const email = await invite();
  await until("the mail to be given up", async () => (await waiting(email))?.state === "dead");
  const dead = await waiting(email) as Waiting;
  expect(dead.error).toContain("550");
  expect(mail.received.filter((one) => one.to === email)).toEqual([]);
  const retry = `${tenant.path}/mails/${dead.id}/retry`;
  expect((await tenant.admin.request("POST", retry)).status).toBe(204);
  await until("the mail to be given up again",
    async () => (await waiting(email))?.state === "dead");
  mail.refusal = undefined;
  expect((await tenant.admin.request("POST", retry)).status).toBe(204);
  const page = await new Browser(server.url).open((await mail.mailTo(email)).link);
  expect(page.status, page.text).toBe(200);
  await until("the queue to be empty", async () => await waiting(email) === undefined);
  // Nothing of it in the log but that it happened.
  const logged = server.log.filter((line) => line.event === "mail-not-sent");
  expect(logged.length).toBeGreaterThan(0);
  expect(JSON.stringify(logged)).not.toContain(email);
});

test("E2_mail: what has expired is not sent again", async () => {
  mail.refusal = () => ({ code: 550, text: "no such user here" });
  const email = await invite();
  await until("the mail to be given up", async () => (await waiting(email))?.state === "dead");
  mail.refusal = undefined;
  const { id } = await waiting(email) as Waiting;
  server.store.alter(`UPDATE mails SET expires_us = 1 WHERE mail = ${server.store.literal(id)}`);
  expectProblem(await tenant.admin.request("POST", `${tenant.path}/mails/${id}/retry`), 409,
    "mail-expired");
  expect(mail.received.filter((one) => one.to === email)).toEqual([]);
});

test("E2_mail: what a server refuses for now waits", async () => {
  mail.refusal = () => ({ code: 451, text: "come back later" });
  const email = await invite();
  expect(await tried(email)).toMatchObject({ state: "waiting", attempts: 1 });
  mail.refusal = undefined;
});
