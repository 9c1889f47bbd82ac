// The server as a service manager runs it: told when it is ready, and kept to what the unit allows.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT, THINGWARD } from "./harness/binary.ts";
import { clientToken, makeIssuer, makeMachineClient } from "./harness/oauth.ts";
import { comeIn, signOut } from "./harness/people.ts";
import { has } from "./harness/proxies.ts";
import { Server } from "./harness/server.ts";
import { until } from "./harness/until.ts";

const folder = mkdtempSync(join(tmpdir(), "thingward-service-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a manager does with its socket: each message on a line. Node has no such sockets. */
const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
`;

test("the manager is told when it is ready, and when it ends", async () => {
  const socket = join(folder, "notify");
  const manager: ChildProcess = spawn("python3", ["-c", MANAGER, socket],
    { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  manager.stdout?.setEncoding("utf8").on("data", (text: string) => (said += text));
  const server = new Server({ env: { NOTIFY_SOCKET: socket } });
  try {
    await until("the manager", () => said === "bound\n");
    await server.start();
    await until("that it is ready", () => said === "bound\nREADY=1\n");
    await server.stop();
    await until("that it ends", () => said === "bound\nREADY=1\nSTOPPING=1\n");
  } finally {
    await server.finish();
    manager.kill();
  }
});

/** The names in a set of systemd's, and in those that it is made of. */
function callsOf(set: string): string[] {
  const listed = spawnSync("systemd-analyze", ["syscall-filter", set], { encoding: "utf8" });
  const names = listed.stdout.split("\n").slice(1).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return names.flatMap((name) => (name.startsWith("@") ? callsOf(name) : [name]));
}

/** A setting of the unit that may stand there several times. */
function settings(name: string): string[] {
  const unit = readFileSync(join(ROOT, "packaging/thingward.service"), "utf8");
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value ?? "");
}

describe.skipIf(!has("strace") || !has("systemd-analyze"))("under the unit", () => {
  const trace = join(folder, "trace");
  const traced = join(folder, "traced");
  const env = { ASAN_OPTIONS: "detect_leaks=0" }; // which would trace it, too
  let lines: string[] = [];

  beforeAll(async () => {
    writeFileSync(traced, `#!/bin/sh\nexec strace -D -f -qq -o ${trace} ${THINGWARD} "$@"\n`,
      { mode: 0o755 });
    const server = new Server({ program: traced, env });
    try {
      await server.start();
      const issuer = await makeIssuer(server, "ingest:write");
      await clientToken(issuer, await makeMachineClient(issuer, "ingest:write"));
      const person = await comeIn(server, issuer.tenant); // with a mail, and a password
      await signOut(person.browser);
    } finally {
      await server.finish();
    }
    lines = readFileSync(trace, "utf8").split("\n").map((line) => line.replace(/^\d+\s+/, ""));
  }, 60_000);

  test("it calls nothing of the system that the filter refuses", () => {
    const [allowed, refused] = settings("SystemCallFilter");
    expect([allowed, refused]).toEqual(["@system-service", "~@privileged"]);
    const named = new Set(callsOf("@privileged"));
    const may = new Set(callsOf("@system-service").filter((name) => !named.has(name)));
    const called = new Set(lines.flatMap((line) => /^(\w+)\(/.exec(line)?.[1] ?? []));
    expect(called.size).toBeGreaterThan(30);
    // As root, which the service is not, SQLite gives its files to whom the folder belongs.
    const asRoot = process.getuid?.() === 0 ? ["fchown"] : [];
    expect([...called].filter((name) => !may.has(name) && !asRoot.includes(name))).toEqual([]);
  });

  test("it makes no memory that is both written and run, and no other sockets", () => {
    expect(settings("MemoryDenyWriteExecute")).toEqual(["yes"]);
    expect(lines.filter((line) => /^(mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC/.test(line)))
      .toEqual([]);
    const families = settings("RestrictAddressFamilies").join(" ").split(" ");
    const made = lines.flatMap((line) => /^socket\((AF_\w+)/.exec(line)?.[1] ?? []);
    expect(made.length).toBeGreaterThan(0);
    expect(made.filter((family) => !families.includes(family))).toEqual([]);
  });
});
