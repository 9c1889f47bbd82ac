// What is installed on a machine: the Debian package, the unit, examples of proxies.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync }
  from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE, ROOT, sanitizerReport, THINGWARD } from "./harness/binary.ts";
import { certificate, has } from "./harness/proxies.ts";

const folder = mkdtempSync(join(tmpdir(), "thingward-packaging-"));
const tree = join(folder, "tree");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, args: readonly string[], env: Record<string, string> = {}): string {
  // What is not packed is made faster.
  const all = { ...process.env, DPKG_DEB_COMPRESSOR_TYPE: "none", ...env };
  const ran = spawnSync(program, args, { encoding: "utf8", env: all });
  const said = `${program} ${args.join(" ")}: ${ran.status} ${ran.stdout}${ran.stderr}`;
  if (ran.status !== 0 || sanitizerReport(ran.stderr)) throw new Error(said);
  return ran.stdout;
}

describe.skipIf(ENGINE !== "sqlite" || !has("dpkg-deb"))("the Debian package", () => {
  let deb: string;
  beforeAll(() => {
    deb = run(join(ROOT, "tools/deb"), ["--binary", THINGWARD, "--out", folder]).trim();
    run("dpkg-deb", ["-x", deb, tree]);
    run("dpkg-deb", ["-e", deb, join(folder, "control")]);
  }, 60_000);

  test("it says what it is and what it needs", () => {
    const fields = run("dpkg-deb", ["-f", deb]);
    expect(fields).toMatch(/^Package: thingward$/m);
    expect(fields).toMatch(/^Version: \d+\.\d+\.\d+$/m);
    const needs = /^Depends: (.*)$/m.exec(fields)?.[1] ?? "";
    for (const one of ["libc6", "libmicrohttpd", "libsqlite3-0", "libpq5", "libssl3", "tzdata"])
      expect(needs).toContain(one);
    expect(readFileSync(join(folder, "control/conffiles"), "utf8"))
      .toBe("/etc/thingward/thingward.conf\n");
  });

  test("it holds what it should, of root and for everybody to read", () => {
    const listed = run("dpkg-deb", ["-c", deb]).trim().split("\n");
    for (const line of listed)
      expect(line).toMatch(/^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root\/root /);
    const files = listed.map((line) => line.split(" ").at(-1));
    for (const file of [
      "bin/thingward", "lib/systemd/system/thingward.service", "lib/sysusers.d/thingward.conf",
      "share/doc/thingward/operations.md", "share/doc/thingward/copyright",
      "share/doc/thingward/examples/haproxy-two-nodes.cfg",
    ]) expect(files).toContain(`./usr/${file}`);
    expect(files.some((file) => /keys|\.db/.test(file ?? ""))).toBe(false);
  });

  test("it is the same when it is made again", () => {
    const before = readFileSync(deb);
    run(join(ROOT, "tools/deb"), ["--binary", THINGWARD, "--out", folder]);
    expect(readFileSync(deb).equals(before)).toBe(true);
  }, 60_000);

  test("what it installs runs, with the options that it installs", () => {
    const program = join(tree, "usr/bin/thingward");
    expect(run(program, ["--version"])).toMatch(/^thingward \d+\.\d+\.\d+\n$/);
    const options = run(program, ["serve", "--check", "--config",
      join(tree, "etc/thingward/thingward.conf")]);
    expect(options).toContain("store = /var/lib/thingward/thingward.db");
    expect(options).toContain("key-file = /etc/thingward/keys");
  });

  test("its installation makes keys, once, that the program takes", () => {
    const stubs = join(folder, "stubs");
    mkdirSync(stubs);
    for (const name of ["systemd-sysusers", "deb-systemd-helper"])
      writeFileSync(join(stubs, name), "#!/bin/sh\n", { mode: 0o755 });
    const env = { DPKG_ROOT: tree, PATH: `${stubs}:${process.env["PATH"]}` };
    const configure = () => run("sh", [join(folder, "control/postinst"), "configure"], env);
    const keys = join(tree, "etc/thingward/keys");
    expect(configure()).toContain("keep a copy");
    expect(statSync(keys).mode & 0o777).toBe(0o600);
    const made = readFileSync(keys, "utf8");
    expect(made).toMatch(/^pepper 1 [\w-]{43}\nmaster 1 [\w-]{43}\n$/);
    expect(configure()).toBe("");
    expect(readFileSync(keys, "utf8")).toBe(made);
    const key = run(THINGWARD, ["operator-key", "--name", "first", "--key-file", keys,
      "--store", join(folder, "thingward.db")]);
    expect(key).toMatch(/^twk_/);
    for (const script of ["prerm", "postrm"])
      for (const what of ["remove", "upgrade", "purge"])
        run("sh", [join(folder, `control/${script}`), what], env);
    expect(readFileSync(keys, "utf8")).toBe(made);
  });

  test.skipIf(!has("systemd-analyze"))("its unit is well-formed and keeps the server in", () => {
    const unit = join(folder, "thingward.service");
    const text = readFileSync(join(tree, "usr/lib/systemd/system/thingward.service"), "utf8");
    writeFileSync(unit, text.replace("/usr/bin/thingward", join(tree, "usr/bin/thingward")));
    expect(run("systemd-analyze", ["verify", "--man=no", unit])).toBe("");
    run("systemd-analyze", ["security", "--offline=true", "--threshold=15", unit]);
  });
});

describe.skipIf(ENGINE !== "sqlite" || !has("nginx"))("the example for nginx", () => {
  test("is one that nginx takes", () => {
    certificate(folder);
    const example = readFileSync(join(ROOT, "packaging/nginx-two-nodes.conf"), "utf8")
      .replaceAll("/etc/nginx/iam", join(folder, "iam"));
    const whole = join(folder, "nginx.conf");
    writeFileSync(join(folder, "two-nodes.conf"), example);
    writeFileSync(whole, `pid ${folder}/pid; events {} http { include two-nodes.conf; }`);
    run("nginx", ["-t", "-q", "-p", folder, "-c", whole, "-e", "stderr"]);
    expect(existsSync(join(folder, "iam.crt"))).toBe(true);
  });
});
