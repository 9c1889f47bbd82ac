"""Starts and stops what ./bench/run measures: servers on one core, the load on another."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import postgres  # noqa: E402
BUILD = ROOT / "build/bench"
STORES = BUILD / "stores"
TARGETS = ["src/cli/thingward", "bench/bench_empty_server", "bench/bench_load", "bench/bench_seed",
           "bench/bench_decide", "bench/bench_change_limit", "bench/bench_refresh_limit"]
CONNECTIONS = 32
READY_S, LOAD_S, SEED_S = 30, 120, 900


class Failed(Exception):
    """What was measured did not run as it has to."""


def program(name):
    return str(BUILD / ("src/cli/thingward" if name == "thingward" else f"bench/bench_{name}"))


def build():
    options = "--buildtype=release -Dwerror=false"
    done = subprocess.run(
        ["sh", "-c", f'LOGS=build/log; . tools/ensure.sh; ensure_packages build bench && '
         f'ensure_build build/bench "{options}" {" ".join(TARGETS)}'], cwd=ROOT)
    if done.returncode:
        raise Failed("the build failed")


def cores():
    """Of the servers, and of what loads them; the same one when there is no other."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def on_core(number):
    return lambda: os.sched_setaffinity(0, {number})


def run_json(arguments, timeout_s, **options):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout_s, **options)
    if done.returncode or not done.stdout.startswith("{"):
        raise Failed(f"{Path(arguments[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout)


class Store:
    """A new store; its organisations are of the form that bench/shape.h tells."""

    def __init__(self, name, shape=None, draws=0):
        folder = STORES / name
        self.path, self.plan = folder / "thingward.db", folder / "plan"
        self.shape = shape
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if shape is None:
            return
        arguments = [program("seed"), "--store", str(self.path)]
        for option, value in shape.items():
            arguments += [f"--{option}", str(value)]
        if draws:
            arguments += ["--plan", str(self.plan), "--draws", str(draws)]
        made = run_json(arguments, SEED_S)
        self.org, self.key = made["org"], made["key"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    def __init__(self, process, port, started_s=0.0):
        self.process, self.port, self.pid, self.started_s = process, port, process.pid, started_s

    def rss_mib(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise Failed("the server is gone")

    def load(self, requests, warmup, rate=0, extra=(), connections=CONNECTIONS,
             content="application/json", awake=False):
        """Fails unless each answer is a success. Awake it needs a core for itself."""
        arguments = [program("load"), "--port", str(self.port), "--requests", str(requests),
                     "--warmup", str(warmup), "--connections", str(connections),
                     "--pid", str(self.pid), "--header", f"Content-Type: {content}"]
        if rate:
            arguments += ["--rate", str(rate)]
        if awake and len(set(cores())) > 1:
            arguments.append("--awake")
        result = run_json([*arguments, *extra], LOAD_S, preexec_fn=on_core(cores()[1]))
        if result["not_2xx"] or result["broken"]:
            raise Failed(f"{result['not_2xx']} answers were refusals, {result['broken']} broken")
        return result

    def post(self, path, key, body):
        """One change, which has to succeed."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@contextlib.contextmanager
def thingward(store, database=None):
    """With one serving thread; `started_s` is from its start to its first answer."""
    port = free_port()
    place = ["--database", database] if database else []
    with open(store.path.with_name("log"), "ab") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [program("thingward"), "serve", "--store", str(store.path), "--port", str(port),
             "--threads", "1", "--log-level", "warn", *place],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=on_core(cores()[0]))
    try:
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() - began > READY_S:
                raise Failed(f"the server did not start; see {log.name}")
            time.sleep(0.0005)
        yield Server(process, port, time.monotonic() - began)
    finally:
        end(process)


class Databases:
    """A PostgreSQL that loses nothing it has confirmed, and as many databases as one asks for."""

    def __init__(self, server):
        self.server, self.count = server, 0

    def new(self):
        self.count += 1
        name = f"bench_{self.count}"
        self.say(self.server.url, f"CREATE DATABASE {name}")
        return self.server.url.replace("/postgres?", f"/{name}?")

    def analyze(self, url):
        """Or the first statements would be planned for tables that are empty."""
        self.say(url, "ANALYZE")

    def say(self, url, text):
        subprocess.run([f"{self.server.bin}/psql", "-XqAt", "-c", text, url], check=True,
                       timeout=60)


@contextlib.contextmanager
def databases():
    server = postgres.Server(fsync="on", full_page_writes="on", shared_buffers="256MB",
                             max_wal_size="4GB")
    try:
        server.make()
        server.start()
        yield Databases(server)
    finally:
        server.stop()


def command(*arguments):
    """A command of thingward that has to succeed; what it printed."""
    done = subprocess.run([program("thingward"), *arguments], capture_output=True, text=True,
                          timeout=SEED_S)
    if done.returncode:
        raise Failed(f"thingward {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def empty_server(*work):
    process = subprocess.Popen([program("empty_server"), "1", "4096", *work], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, preexec_fn=on_core(cores()[0]))
    try:
        yield Server(process, int(process.stdout.readline()))
    finally:
        process.stdin.close()
        end(process)
