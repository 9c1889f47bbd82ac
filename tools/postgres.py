#!/usr/bin/env python3
"""Runs a command beside a PostgreSQL server of its own.

usage: postgres.py COMMAND…

The server is Debian's, in a temporary folder, on a socket in that folder, as an unprivileged user;
it ends with the command. The command finds its URL in THINGWARD_TEST_DATABASE; the folder where its
programs are is in THINGWARD_TEST_PGBIN.

On SIGUSR2 it keeps a copy of its data; on SIGUSR1 it goes back to that, on a new timeline, as after
a restoration or a failover that lost something; on SIGHUP as if its disk had been copied back. It
prints "kept" and "restored" when it has.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Nothing here has to outlive the machine; what has to outlive the clients is tested as it is.
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "max_connections": "200", "shared_buffers": "64MB",
    "log_min_messages": "fatal", "max_prepared_transactions": "0", "full_page_writes": "off",
    "logging_collector": "off", "autovacuum_naptime": "30s",
}
USER = "thingward"


def programs():
    """The folder of the newest server that is installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: float(p.split("/")[4]))
    if not found:
        sys.exit("postgres: there is no server in /usr/lib/postgresql: install postgresql")
    return found[-1]


def identity():
    """As whom the server runs: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    """`settings` stand before those of tests."""

    def __init__(self, **settings):
        self.settings = {**SETTINGS, **settings}
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="thingward-pg-")
        self.data = os.path.join(self.folder, "data")
        self.url = f"postgres://{USER}@/postgres?host={self.folder}"
        self.who = identity()
        self.process = None
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])

    def make(self):
        subprocess.run([f"{self.bin}/initdb", "-D", self.data, "-U", USER, "--auth=trust",
                        "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.folder, **self.who)

    def start(self):
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        self.process = subprocess.Popen(
            [f"{self.bin}/postgres", "-D", self.data, "-k", self.folder, *options],
            stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=self.folder, **self.who)
        ready = [f"{self.bin}/pg_isready", "-q", "-h", self.folder, "-U", USER,
                 "-d", "postgres"]
        until = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit("postgres: the server did not start")
            time.sleep(0.05)

    def keep(self, *_):
        self.end()
        shutil.rmtree(f"{self.data}.kept", ignore_errors=True)
        subprocess.run(["cp", "-a", self.data, f"{self.data}.kept"], check=True)
        self.start()
        print("kept", flush=True)

    def restore(self, number, _):
        self.end()
        shutil.rmtree(self.data)
        subprocess.run(["cp", "-a", f"{self.data}.kept", self.data], check=True)
        if number == signal.SIGUSR1:
            self.turn()
        self.start()
        print("restored", flush=True)

    def turn(self):
        newest = max(name for name in os.listdir(f"{self.data}/pg_wal") if len(name) == 24)
        timeline, rest = int(newest[:8], 16) + 1, int(newest[16:], 16) + 1
        subprocess.run([f"{self.bin}/pg_resetwal", "-f", "-l",
                        f"{timeline:08X}{newest[8:16]}{rest:08X}", "-D", self.data], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.folder, **self.who)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    command = sys.argv[1:]
    if command[0].endswith(".py"):
        command = [sys.executable, *command]
    server = Server()
    try:
        server.make()
        server.start()
        for number in (signal.SIGUSR1, signal.SIGHUP):
            signal.signal(number, server.restore)
        signal.signal(signal.SIGUSR2, server.keep)
        env = {**os.environ, "THINGWARD_TEST_DATABASE": server.url,
               "THINGWARD_TEST_PGBIN": server.bin}
        status = subprocess.run(command, env=env, check=False).returncode
    finally:
        server.stop()
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
