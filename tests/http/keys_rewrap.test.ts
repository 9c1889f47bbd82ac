// Everything sealed anew under a newer master key, so that the older one can be dropped.
import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as jose from "jose";
import { afterAll, expect, test } from "vitest";
import { ENGINE, type Ran, Store, thingward } from "./harness/binary.ts";
import { Browser } from "./harness/browser.ts";
import { mailTo } from "./harness/mail.ts";
import { makeOrg, makeWorkspace, unique } from "./harness/make.ts";
import { clientToken, issuerOf, makeMachineClient } from "./harness/oauth.ts";
import { comeIn, PASSWORD, signIn } from "./harness/people.ts";
import { forgetCodes, setUpApp } from "./harness/second.ts";
import { finishAll, Server } from "./harness/server.ts";
import { totpCode } from "./harness/totp.ts";

const store = new Store();
const keyFile = join(store.folder, "thingward.keys");
// Its port stays, and with it the name of its issuers.
const server = new Server({ store, host: "localhost" });
// Nobody answers at this port, so that mail waits.
const quiet = new Server({ store, args: ["--smtp-url", "smtp://127.0.0.1:9"] });
afterAll(async () => {
  await finishAll([server]);
  store.remove();
});

const SEALS = [["signing_keys", "private_key"], ["providers", "client_secret"],
  ["totps", "secret"], ["mails", "content"], ["idempotency", "answer"]] as const;

/** How many seals of each table are under this master key. */
function sealedBy(number: number): string[] {
  const first = ENGINE === "sqlite" ? `X'0${number}'` : `'\\x0${number}'::bytea`;
  return SEALS.map(([table, column]) => store.value(
    `SELECT COUNT(*) FROM ${table} WHERE substr(${column}, 1, 1) = ${first}`));
}

function rewrap(): Promise<Ran> {
  return thingward(["keys", "rewrap", ...store.options]);
}

test("keys rewrap: the older master key can go, and everything goes on", async () => {
  await server.start();
  const tenant = await makeOrg(server, "sensor-workspace");
  const issuer = await issuerOf(server, tenant, await makeWorkspace(tenant));
  const client = await makeMachineClient(issuer, "iam:scopes:read");
  const before = (await clientToken(issuer, client)).access_token;
  await tenant.admin.post(`${tenant.path}/providers`, { name: "idp",
    issuer: "https://login.example.org", client_id: "t", client_secret: "s3cret" });
  const ada = await comeIn(server, tenant);
  const { secret } = await setUpApp(ada);
  const group = { name: unique("group") };
  const key = { "idempotency-key": unique("key") };
  const made = await tenant.admin.request("POST", `${tenant.path}/groups`, group, key);
  expect(made.status).toBe(201);
  // More than one step takes.
  for (let i = 0; i < 150; i++)
    await tenant.admin.request("POST", `${tenant.path}/groups`, { name: unique("group") },
      { "idempotency-key": unique("key") });
  await server.stop();

  quiet.operator = server.operator;
  await quiet.start();
  const email = `${unique("late")}@example.com`;
  await quiet.as(tenant.admin.secret).post(`${tenant.path}/members`, { email, invite: true });
  await quiet.stop();
  // Given up, until somebody has it sent again.
  store.alter("UPDATE mails SET state = 2 WHERE state = 1");

  const old = readFileSync(keyFile, "utf8");
  for (const kind of ["pepper", "master"])
    appendFileSync(keyFile, `${kind} 2 ${randomBytes(32).toString("base64url")}\n`);
  const both = readFileSync(keyFile, "utf8");
  const newer = both.split("\n").filter((line) => !line.startsWith("master 1 ")).join("\n");
  for (const count of sealedBy(1)) expect(Number(count)).toBeGreaterThan(0);

  // Without the older key, what it has sealed is not lost in silence.
  writeFileSync(keyFile, newer);
  const lost = await rewrap();
  expect(lost.stderr).toMatch(/master key that the key file does not have/);
  expect(lost.status).toBe(1);
  writeFileSync(keyFile, both);

  const ran = await rewrap();
  expect([ran.status, ran.stderr]).toEqual([0, ""]);
  expect(ran.stdout).toMatch(/^sealed anew: 1[5-9]\d; master key 2 has sealed everything/);
  expect(ran.stdout).toMatch(/^still under another pepper than 2: \d+ credentials$/m);
  expect(ran.stdout).toMatch(/^still under another pepper than 2: 10 recovery codes$/m);
  expect(sealedBy(1)).toEqual(["0", "0", "0", "0", "0"]);
  expect((await rewrap()).stdout).toMatch(/^sealed anew: 0; /);

  writeFileSync(keyFile, newer);
  await server.start();
  const after = (await clientToken(issuer, client)).access_token;
  expect(jose.decodeProtectedHeader(after).kid).toBe(jose.decodeProtectedHeader(before).kid);
  for (const token of [before, after])
    expect((await server.as(token).request("GET",
      `/api/workspaces/${issuer.workspace.id}/scopes`)).status).toBe(200);
  expect((await tenant.admin.request("POST", `${tenant.path}/groups`, group, key)).body)
    .toEqual(made.body);
  forgetCodes(server);
  const own = new Browser(server.url);
  const asked = await signIn(own, ada.email, PASSWORD);
  const page = await own.submit(asked, asked.form("code"),
    { code: totpCode(secret), with: "totp" });
  expect([page.status, page.url.pathname]).toEqual([200, "/account"]);
  store.alter("UPDATE mails SET state = 1, next_us = 1 WHERE state = 2");
  expect((await mailTo(server, email)).link).toContain("/invitation");

  // The installation is proved by the newer pepper; the older one has made no key check any more.
  await server.stop();
  writeFileSync(keyFile, old);
  const foreign = await thingward(["operator-key", ...store.options]);
  expect(foreign.stderr).toMatch(/not this installation's/);
  writeFileSync(keyFile, newer);
  await server.start();
});
