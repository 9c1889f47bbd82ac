// The commands of the program, and how it begins.
import { spawn } from "node:child_process";
import {
  chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  ENGINE, operatorKey, type Ran, sanitizerReport, Store, THINGWARD, thingward,
} from "./harness/binary.ts";
import {
  give, makeInWorkspace, makeMachine, makeOrg, makeRole, makeWorkspace, orgNode,
} from "./harness/make.ts";
import { useServer } from "./harness/server.ts";
import type { Comparison } from "./harness/types.ts";
import { until } from "./harness/until.ts";

const stores: Store[] = [];

function freshStore(): Store {
  const store = new Store();
  stores.push(store);
  return store;
}

afterAll(() => stores.forEach((store) => store.remove()));

/** The program refused to start, with one line that says this. */
function expectRefused(ran: Ran, says: RegExp): void {
  expect(ran.stderr).toMatch(says);
  expect(ran.stderr.trim().split("\n")).toHaveLength(1);
  expect(ran.stdout).toBe("");
  expect(ran.status).toBe(1);
}

function serve(store: Store, ...more: string[]): Promise<Ran> {
  return thingward(["serve", ...store.options, "--port", "0", ...more], "", 10_000);
}

/** What is so only where the store is a file. */
const onFile = test.skipIf(ENGINE !== "sqlite");

describe("with nothing configured", () => {
  test("F8_starts_with_nothing_configured", async () => {
    const folder = mkdtempSync(join(tmpdir(), "thingward-test-"));
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("THINGWARD_")),
    );
    const begun = performance.now();
    // Its usual port may be taken here; everything else is as it comes.
    const child = spawn(THINGWARD, ["serve", "--port", "0"], { cwd: folder, env });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const exit = new Promise<number | null>((done) => child.on("close", done));
    try {
      await until("the announcement", () => stdout.includes("\n") || child.exitCode !== null);
      const tookMs = Math.round(performance.now() - begun);
      const line = /^thingward: listening on (http:\/\/127\.0\.0\.1:\d+) \(store (.*)\)\n/;
      const said = line.exec(stdout);
      expect(said?.[2], stderr).toBe("./var/thingward.db");
      const ready = await fetch(`${said?.[1]}/readyz`);
      expect([ready.status, await ready.text()]).toEqual([200, "ready\n"]);
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      const residentKib = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
      console.log(`first start: listening after ${tookMs} ms, ${residentKib} KiB resident`);
      for (const name of ["thingward.db", "thingward.keys"])
        expect(statSync(join(folder, "var", name)).mode & 0o777, name).toBe(0o600);
      expect(statSync(join(folder, "var")).mode & 0o777).toBe(0o700);
    } finally {
      child.kill("SIGTERM");
      expect(await exit, stderr).toBe(0);
      rmSync(folder, { recursive: true });
    }
    expect(sanitizerReport(stderr)).toBeUndefined();
    const events = stderr.trim().split("\n").map((line) => JSON.parse(line) as { event: string });
    expect(events.map((line) => line.event)).toEqual(
      ["listening", "mail-goes-into-folder", "stopping", "stopped"]);
  });

  test.each(["SIGINT", "SIGHUP"] as const)("%s ends it in good order", async (signal) => {
    const store = freshStore();
    const child = spawn(THINGWARD, ["serve", ...store.options, "--port", "0"]);
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const exit = new Promise<number | null>((done) => child.on("close", done));
    await until("the announcement", () => stdout.includes("\n"));
    child.kill(signal);
    expect(await exit).toBe(0);
    expect((await thingward(["verify", ...store.options])).status).toBe(0);
  });
});

describe("a start that cannot be", () => {
  const server = useServer();

  test("the port is taken", async () => {
    const ran = await serve(freshStore(), "--port", String(server.port));
    expectRefused(ran, /Another program listens on .* port \d+; stop it or choose another port/);
  });

  onFile("a running server has the store", async () => {
    expectRefused(await serve(server.store), /in use by another process: stop that one/);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  onFile("operator-key says what to do while a server runs", async () => {
    const ran = await thingward(["operator-key", ...server.store.options]);
    expectRefused(ran, /stop it, or use its API: POST \/api\/orgs\/platform\/api-keys/);
  });

  onFile("the store has no folder", async () => {
    const store = freshStore();
    const path = join(store.folder, "none", "none", "thingward.db");
    expectRefused(await serve(store, "--store", path), /has no folder: create it/);
    expect(existsSync(join(store.folder, "none"))).toBe(false);
  });

  onFile("the store is no database", async () => {
    const store = freshStore();
    writeFileSync(store.path, "not a database, whatever its name says".repeat(100));
    expectRefused(await serve(store), /is not a database: choose another path/);
    expect(readFileSync(store.path, "utf8")).toMatch(/^not a database/);
  });

  test("the store is of a newer program", async () => {
    const store = freshStore();
    await operatorKey(store);
    store.alter("INSERT INTO schema_migrations"
      + " SELECT version + 1000, name, digest, applied_us FROM schema_migrations");
    expectRefused(await serve(store), /newer/);
  });

  test("others may read the keys", async () => {
    const store = freshStore();
    await operatorKey(store);
    const keys = join(store.folder, "thingward.keys");
    chmodSync(keys, 0o644);
    expectRefused(await serve(store), /chmod 600/);
    chmodSync(keys, 0o600);
    expect((await thingward(["operator-key", ...store.options])).status).toBe(0);
  });

  test("the keys of a used store are gone: no new ones are made", async () => {
    const store = freshStore();
    await operatorKey(store);
    const keys = join(store.folder, "thingward.keys");
    rmSync(keys);
    expectRefused(await serve(store), /does not exist; restore it/);
    expect(existsSync(keys)).toBe(false);
  });
});

describe("the command line", () => {
  test.each([
    [["serv"], /no command 'serv'; did you mean 'serve'/],
    [["frobnicate"], /no command 'frobnicate'; 'thingward help' lists/],
    [["serve", "--prot", "1"], /no option 'prot'; did you mean 'port'/],
    [["serve", "--port", "99999"], /--port: '99999' must be a whole number/],
    [["serve", "--mail-from", "A <a@b@c>"], /mail-from: 'A <a@b@c>' is no sender/],
    [["serve", "--mail-from", "A <a;b@c>", "--check"], /mail-from: 'A <a;b@c>' is no sender/],
    [["serve", "now"], /'now' is not an option/],
    [["check", "--subject", "member:1", "--action", "a"], /--resource TYPE:ID is missing/],
    [["blueprint", "apply", "--org", "x"], /NAME\|FILE is missing/],
  ])("%j is told what is wrong", async (args, says) => {
    const ran = await thingward(args);
    expect(ran.stderr).toMatch(says);
    expect(ran.stdout).toBe("");
    expect(ran.status).toBe(2);
  });

  test("help, version and the options in force", async () => {
    const help = await thingward(["--help"]);
    expect([help.status, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toMatch(/^ {2}operator-key /m);
    expect((await thingward(["serve", "--help"])).stdout).toMatch(/--store PATH/);
    expect((await thingward(["--version"])).stdout).toMatch(/^thingward \d+\.\d+\.\d+\n$/);
    const inForce = await thingward(["serve", "--port", "1234", "--check"]);
    expect(inForce.stdout).toMatch(/^# command line\nport = 1234$/m);
    expect(inForce.status).toBe(0);
  });

  test("the reference of options is the one in docs/", async () => {
    const reference = (await thingward(["config", "reference"])).stdout;
    const kept = join(import.meta.dirname, "../../docs/configuration.md");
    expect(reference).toBe(readFileSync(kept, "utf8"));
  });

  test("operator-key prints the key and nothing else", async () => {
    const store = freshStore();
    const ran = await thingward(["operator-key", ...store.options]);
    expect(ran.stdout).toMatch(/^twk_[\w-]{80,92}\n$/);
    expect(ran.stderr).not.toContain(ran.stdout.trim());
    expect(ran.status).toBe(0);
  });

  test("verify finds a record that was altered", async () => {
    const store = freshStore();
    await operatorKey(store);
    const sound = await thingward(["verify", ...store.options]);
    expect(sound.stdout).toMatch(/^sound: 1 organisations, [1-9]\d* records, [1-9]\d* rules\n$/);
    expect(sound.status).toBe(0);
    store.alter("UPDATE records SET action = 'nothing.happened' WHERE part = 0");
    const broken = await thingward(["verify", ...store.options]);
    expect(broken.stdout).toMatch(/^broken: organisation platform, revision 1, record \d/);
    expect(broken.status).toBe(1);
  });

  onFile("verify does not make what it should prove", async () => {
    const store = freshStore();
    expectRefused(await thingward(["verify", ...store.options]), /is not there: check the path/);
    expect(existsSync(store.path)).toBe(false);
  });
});

describe("commands and a server", () => {
  const server = useServer();

  test("check answers as the server does", async () => {
    const tenant = await makeOrg(server);
    const workspace = await makeWorkspace(tenant);
    const { principal: device } = await makeInWorkspace(tenant, workspace, "devices");
    const machine = await makeMachine(tenant, "service-accounts", { roles: [] });
    const key = join(server.store.folder, "caller.key");
    writeFileSync(key, `${tenant.admin.secret}\n`, { mode: 0o600 });
    const check = (subject: string, ...more: string[]) =>
      thingward(["check", "--url", server.url, "--key-from", key, "--workspace", workspace.id,
        "--subject", subject, "--action", "iam:devices:read",
        "--resource", `device:${device.id}`, ...more]);

    const self = await tenant.admin.get<{ id: string }>("/api/self");
    const allowed = await check(`api_key:${self.id}`);
    expect([allowed.stdout, allowed.stderr, allowed.status]).toEqual(["allowed\n", "", 0]);

    const denied = await check(`service_account:${machine.principal.id}`, "--explain");
    const [verdict, why] = denied.stdout.split("\n");
    expect([verdict, denied.status]).toEqual(["denied: no-grant", 1]);
    expect(JSON.parse(why ?? "")).toMatchObject({ reason: "no-grant", condition: "grant" });

    const wrong = await check("nobody");
    expect(wrong.stderr).toMatch(/--subject: 'nobody' is not of the form TYPE:ID/);
    expect([wrong.stdout, wrong.status]).toEqual(["", 2]);
  });

  test("check tells the facts that conditions look at", async () => {
    const tenant = await makeOrg(server);
    const holder = await makeMachine(tenant, "service-accounts", { roles: [] });
    const role = await makeRole(tenant, ["iam:devices:read"], { kinds: ["service_account"] });
    const workspace = await makeWorkspace(tenant);
    const { principal: device } = await makeInWorkspace(tenant, workspace, "devices");
    const eq = (attribute: string, value: string | number | boolean): Comparison =>
      ({ attribute, operator: "eq", value });
    const condition = { all: [
      eq("context.urgent", true), eq("context.level", 2.5), eq("context.shift", "007"),
      eq("resource.properties.site", "north=1"), eq("subject.properties.rank", 3),
      eq("action.properties.mode", ""),
    ] };
    await give(tenant, holder.principal, role.name, orgNode(tenant), { condition });
    const key = join(server.store.folder, "facts.key");
    writeFileSync(key, `${tenant.admin.secret}\n`, { mode: 0o600 });
    const check = (...more: string[]) =>
      thingward(["check", "--url", server.url, "--key-from", key,
        "--subject", `service_account:${holder.principal.id}`, "--action", "iam:devices:read",
        "--workspace", workspace.id, "--resource", `device:${device.id}`, ...more]);
    const facts = ["--context", "urgent=true", "--context=level=2.5", "--context", "shift=007",
      "--property", "resource.site=north=1", "--property", "subject.rank=3",
      "--property", "action.mode="];

    const allowed = await check(...facts);
    expect([allowed.stdout, allowed.stderr, allowed.status]).toEqual(["allowed\n", "", 0]);
    for (let left = 0, at = 0; at < facts.length; at = left) {
      left = at + (facts[at]?.includes("=") ? 1 : 2);
      const denied = await check(...facts.slice(0, at), ...facts.slice(left));
      expect([facts[at + 1], denied.status]).toEqual([facts[at + 1], 1]);
    }
    expect((await check(...facts, "--at-least", "1")).status).toBe(0);
    const early = await check(...facts, "--at-least", "999999");
    expect(early.stderr).toMatch(/answered 409: .*not reached/);
    expect(early.status).toBe(2);
    for (const [wrong, why] of [
      [["--context", "urgent"], /'urgent' is not of the form NAME=VALUE/],
      [["--context", "=1"], /is not of the form/],
      [["--context", "a.b=1"], /is not of the form/],
      [["--context", "explain=false"], /explain has an option of its own/],
      [["--context", "urgent=1"], /urgent is stated twice/],
      [["--property", "site=1"], /is not of the form subject.NAME=VALUE/],
      [["--property", "context.site=1"], /is not of the form subject.NAME=VALUE/],
      [["--at-least", "-1"], /'-1' is not a revision/],
      [["--at-least", "soon"], /'soon' is not a revision/],
    ] as const) {
      const refused = await check(...facts, ...wrong);
      expect([refused.stdout, refused.status]).toEqual(["", 2]);
      expect(refused.stderr).toMatch(why);
    }
  });

  test("check without a server, or without a right to ask", async () => {
    const key = join(server.store.folder, "nobody.key");
    writeFileSync(key, "twk_nothing\n");
    const args = ["check", "--key-from", key, "--subject", "member:1", "--action", "a",
      "--resource", "device:1"];
    const refused = await thingward([...args, "--url", server.url]);
    expect(refused.stderr).toMatch(/answered 401/);
    expect([refused.stdout, refused.status]).toEqual(["", 2]);
    const alone = await thingward([...args, "--url", "http://127.0.0.1:1"]);
    expect(alone.stderr).toMatch(/cannot be asked/);
    expect(alone.status).toBe(2);
    const strange = await thingward([...args, "--url", "file:///etc/passwd"]);
    expect(strange.stderr).toMatch(/is not an http or https address/);
    expect([strange.stdout, strange.status]).toEqual(["", 2]);
  });

  test("figures for Prometheus", async () => {
    const answer = await fetch(`${server.url}/metrics`);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await answer.text();
    expect(Number(/^thingward_http_requests_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    if (ENGINE === "sqlite")
      expect(Number(/^thingward_store_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect((await fetch(`${server.url}/healthz`, { method: "POST" })).status).toBe(405);
  });
});

describe("blueprints offline", () => {
  test("what cannot be applied is told", async () => {
    const listed = await thingward(["blueprint", "list"]);
    expect(listed.stdout.trim().split("\n")).toHaveLength(5);
    expect(listed.stdout).toMatch(/^device-platform, version \d+: /m);
    const store = freshStore();
    await operatorKey(store);
    const apply = (...more: string[]) =>
      thingward(["blueprint", "apply", ...store.options, "--org", randomOrg, ...more]);
    const randomOrg = "01a20000-0000-7000-8000-000000000000";
    expectRefused(await apply("device-platform"), /there is no such organisation/i);
    expectRefused(await apply("no-such-blueprint"), /no file that can be read, and no blueprint/);
  });

  const server = useServer();
  test("a preview changes nothing; what is applied is recorded without an actor", async () => {
    const tenant = await makeOrg(server);
    await server.stop();
    const apply = (...more: string[]) => thingward(["blueprint", "apply", ...server.store.options,
      "--org", tenant.org.id, "device-platform", ...more]);
    const preview = await apply("--preview");
    expect(preview.stdout).toMatch(/^would create role administrator$/m);
    const applied = await apply();
    expect(applied.stdout).toMatch(/^created role administrator$/m);
    expect(applied.stdout).toMatch(/^device-platform, version \d+: applied\n/m);
    expect((await apply()).stdout).toMatch(/^device-platform, version \d+: nothing to change\n$/);
    await server.start();
    const roles = await tenant.admin.list<{ name: string }>(`${tenant.path}/roles`);
    expect(roles.map((role) => role.name)).toContain("administrator");
    const records = await tenant.admin.list<{ address: string; actor: { id: string | null } }>(
      `${tenant.path}/records`);
    const local = records.filter((record) => record.address === "local");
    expect(local.length).toBeGreaterThan(0);
    expect(local.every((record) => record.actor.id === null)).toBe(true);
  });
});
