#!/usr/bin/env python3
"""Runs the test suites named as arguments on what is built, and adds up their results.

Prints a line for each suite and each failing test; the last line is "N passed, N failed". Leaves
tests/results/SUITE.json: {"suite", "tests": [{"name", "file", "passed", "message"}]}.
"""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import soak

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/test"
BUILD_THREADS = ROOT / "build/threads"
RESULTS = ROOT / "tests/results"
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.supp",
}
TAP = re.compile(r"^[ \t]*(ok|not ok) \d+ - (.*?)[ \t]*$", re.M)


def outcome(name, file, passed, message=""):
    return {"name": name, "file": file, "passed": passed, "message": message}


def finish(command, seconds, env, cwd, log):
    """Runs one command into a log file; its exit status, or None when it took too long."""
    with open(log, "wb") as out:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def first_error(text):
    """The line of a log that says most about a failure."""
    for pattern in (r"^.*((?:ERROR|WARNING): \w*Sanitizer.*|runtime error:.*)$",
                    r"^# .*error:.*$", r"^# .*$", r"^.*error:.*$"):
        found = re.search(pattern, text, re.M)
        if found:
            return found.group(0).strip()[:200]
    lines = text.strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""


def run_program(suite, test, build):
    """One program of Meson's list: its cmocka cases, or itself where it has none."""
    name = test["name"]
    env = {**os.environ, **SANITIZERS, **test["env"], "CMOCKA_MESSAGE_OUTPUT": "TAP"}
    log = RESULTS / f"{suite}-{name}.log"
    status = finish(test["cmd"], test["timeout"] or 600, env, test["workdir"] or build, log)
    text = log.read_text(errors="replace")
    cases = list(TAP.finditer(text))
    ends = [case.start() for case in cases[1:]] + [len(text)]
    tests = [outcome(case[2], name, case[1] == "ok",
                     "" if case[1] == "ok" else first_error(text[case.end():end]))
             for case, end in zip(cases, ends)]
    if status is None:
        tests.append(outcome(name, name, False, f"still running after {test['timeout']} s"))
    elif status != 0 and all(t["passed"] for t in tests):
        why = f"signal {-status}" if status < 0 else f"exit status {status}"
        tests.append(outcome(name, name, False, f"{why}: {first_error(text)}"))
    elif not tests:
        tests.append(outcome(name, name, True))
    return tests


def run_native(suite, build=BUILD):
    listed = subprocess.run(["meson", "introspect", "--tests", str(build)], check=True,
                            capture_output=True, text=True).stdout
    programs = [t for t in json.loads(listed) if any(s.split(":")[-1] == suite for s in t["suite"])]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda t: run_program(suite, t, build), programs)
        return [test for tests in results for test in tests]


ENGINES = {"sqlite": [], "postgres": [sys.executable, str(ROOT / "tools/postgres.py")]}


BIN = ROOT / "tests/node_modules/.bin"


def network_env(engine, more):
    return {**os.environ, **SANITIZERS, "PATH": f"{BIN}:{os.environ['PATH']}", "CI": "true",
            "THINGWARD_TEST_STORE": engine, **more}


def run_network(suite, engines=tuple(ENGINES)):
    """The TypeScript suites on each engine, under the runtime that tests/package.json pins."""
    if not any((ROOT / "tests" / suite).rglob("*.test.ts")):
        return []
    log = RESULTS / "types.log"
    check = [str(BIN / "node"), "node_modules/typescript/bin/tsc", "--noEmit"]
    tests = []
    if finish(check, 300, network_env("sqlite", {}), ROOT / "tests", log):
        tests.append(outcome("types", "tests/tsconfig.json", False, first_error(log.read_text())))
    return tests + [test for engine in engines
                    for test in run_vitest(f"{suite}-{engine}", engine, ["--dir", suite])]


def run_browser(suite):
    """The pages as Chromium shows them, which is the same whatever the engine."""
    return run_network(suite, ("sqlite",))


def run_vitest(suite, engine, what, more=()):
    report = RESULTS / f"{suite}-vitest.json"
    report.unlink(missing_ok=True)
    log = RESULTS / f"{suite}.log"
    tests = []
    vitest = [*ENGINES[engine], str(BIN / "node"), "node_modules/vitest/vitest.mjs", "run", *what]
    reporters = ["--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
    env = network_env(engine, dict(more))
    status = finish([*vitest, *reporters], 7200, env, ROOT / "tests", log)
    if not report.exists():
        tests.append(outcome(suite, suite, False, first_error(log.read_text(errors="replace"))))
        return tests
    for file in json.loads(report.read_text())["testResults"]:
        name = f"{os.path.relpath(file['name'], ROOT)} ({engine})"
        cases = [c for c in file["assertionResults"] if c["status"] in ("passed", "failed")]
        for case in cases:
            why = "\n".join(case["failureMessages"]).strip().splitlines() or [""]
            tests.append(outcome(case["fullName"], name, case["status"] == "passed", why[0][:300]))
        if file["status"] == "failed" and all(case["status"] == "passed" for case in cases):
            message = (file.get("message") or "the file failed").strip().splitlines()[0][:300]
            tests.append(outcome(name, name, False, message))
    if status != 0 and all(test["passed"] for test in tests):
        tests.append(outcome(suite, suite, False, f"vitest ended with status {status}; see {log}"))
    return tests


def run_threads(suite):
    """What is threaded, and everything at once on each engine, under the thread sanitizer."""
    more = {"THINGWARD": str(BUILD_THREADS / "src/cli/thingward")}
    return run_native(suite, BUILD_THREADS) + [
        test for engine in ENGINES
        for test in run_vitest(f"{suite}-{engine}", engine, ["http/threads.test.ts"], more)]


def run_tool_tests():
    """tests/tools: the tests of the tools themselves."""
    log = RESULTS / "tools.log"
    status = finish([sys.executable, "-m", "unittest", "discover", "-v", "-s", "tests/tools"], 300,
                    {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, ROOT, log)
    cases = re.findall(r"^(\w+) \(([\w.]+)\) \.\.\. (ok|FAIL|ERROR)$", log.read_text(), re.M)
    tests = [outcome(name, "tests/tools", state == "ok") for name, _, state in cases]
    if not tests or (status != 0 and all(test["passed"] for test in tests)):
        tests.append(outcome("tests/tools", "tests/tools", False, first_error(log.read_text())))
    return tests


def run_check(suite):
    log = RESULTS / f"{suite}.log"
    finish([str(ROOT / "tools/check"), "--json", str(RESULTS / "check-rules.json")], 600,
           os.environ, ROOT, log)
    rules = RESULTS / "check-rules.json"
    if not rules.exists():
        return [outcome(suite, suite, False, first_error(log.read_text(errors="replace")))]
    tests = json.loads(rules.read_text())
    rules.unlink()
    return tests + run_tool_tests()


def run_soak(suite):
    """The tests of bad days, much longer; what they measured goes to docs/soak.md."""
    figures = RESULTS / "soak-figures"
    figures.unlink(missing_ok=True)
    tests = []
    for engine, file, more in soak.RUNS:
        more = {**more, "THINGWARD_FIGURES": str(figures)}
        tests += run_vitest(f"{suite}-{engine}-{file}", engine, [f"http/{file}.test.ts"], more)
    if all(test["passed"] for test in tests):
        soak.write(ROOT / "docs/soak.md", figures.read_text(), ROOT)
    return tests


RUNNERS = {"check": run_check, "unit": run_native, "store": run_native, "fuzz": run_native,
           "threads": run_threads, "http": run_network, "browser": run_browser, "soak": run_soak}


def run_suite(suite):
    started = time.monotonic()
    kept = RESULTS / f"{suite}.json"
    kept.unlink(missing_ok=True)
    try:
        tests = RUNNERS[suite](suite)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as problem:
        tests = [outcome(suite, suite, False, f"could not run: {problem}")]
    if not tests:
        tests = [outcome(suite, suite, False, "the suite has no tests")]
    kept.write_text(json.dumps({"suite": suite, "tests": tests}, indent=1) + "\n")
    failed = [test for test in tests if not test["passed"]]
    print(f"{suite}: {len(tests) - len(failed)} passed, {len(failed)} failed "
          f"({time.monotonic() - started:.1f} s)")
    for test in failed[:40]:
        where = "" if test["file"] == test["name"] else f"{test['file']}: "
        why = f": {test['message']}" if test["message"] else ""
        print(f"  FAILED {where}{test['name']}{why}")
    if len(failed) > 40:
        print(f"  … and {len(failed) - 40} more, in {kept.relative_to(ROOT)}")
    sys.stdout.flush()
    return len(tests) - len(failed), len(failed)


def main():
    RESULTS.mkdir(parents=True, exist_ok=True)
    counts = [run_suite(suite) for suite in sys.argv[1:]]
    passed, failed = sum(p for p, _ in counts), sum(f for _, f in counts)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
