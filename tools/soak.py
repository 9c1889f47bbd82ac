"""What `./test soak` runs, and the page that keeps its figures."""

import json
import os
import platform
import subprocess
import time

# Engine, file of tests/http, and how often.
RUNS = [
    ("sqlite", "r1_kill", {"THINGWARD_KILLS": "200"}),
    ("postgres", "r1_kill", {"THINGWARD_KILLS": "200"}),
    ("postgres", "r1_nodes_killed", {"THINGWARD_KILLS": "200"}),
    ("postgres", "r2_failover", {"THINGWARD_FAILOVERS": "20"}),
    ("postgres", "f3_nodes", {"THINGWARD_REVOCATIONS": "1000"}),
]

HEAD = """# Bad days, at length

Written by `./test soak`, which runs the tests of kills, failovers and revocations many times over
on the build with sanitizers. Every one of them has to pass: what was acknowledged is there, nothing
is half done, and `thingward verify` finds every chain sound.

| id | what | measured |
| --- | --- | --- |
"""


def processor():
    with open("/proc/cpuinfo", encoding="utf8") as info:
        names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write(page, lines, root):
    """`lines`: JSON, one figure a line, as tests/http/harness/figure.ts writes them."""
    figures = [json.loads(line) for line in lines.splitlines()]
    rows = "".join(f"| {f['id']} | {f['what']} | {f['measured']} |\n" for f in figures)
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, check=False,
                            capture_output=True, text=True).stdout.strip() or "unknown"
    when = time.strftime("%Y-%m-%d", time.gmtime())
    where = f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}"
    page.write_text(f"{HEAD}{rows}\n{where}; commit {commit}, {when}.\n")
