#!/usr/bin/env python3
"""Runs a PostgreSQL primary with a synchronous standby, and does to them what it is told.

usage: pgcluster.py

Debian's servers, in a temporary folder, on free ports of 127.0.0.1, as an unprivileged user; they
end with the standard input. The first line that is printed is the URL of both; after that one line
answers each line that is read:

  kill      ends all processes of the primary at once, as a power cut would
  promote   makes the standby the primary
  rebuild   makes a standby of what was the primary
  alone     the primary waits for no standby any more
  lose      … and the standby ends at once
  stall     … and sends nothing more to it
  standby   prints the URL of the standby alone
  primary   prints the URL of the primary alone
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import postgres

SETTINGS = {**postgres.SETTINGS, "listen_addresses": "127.0.0.1", "wal_level": "replica",
            "hot_standby": "on", "max_wal_senders": "5", "wal_keep_size": "256MB",
            "wal_receiver_status_interval": "1s", "wal_retrieve_retry_interval": "200ms"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    """The processes of a server: it starts every one of them itself."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf8") as stat:
                if int(stat.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(name))
        except (OSError, ValueError):
            continue
    return found


class Node:
    """One server of the two."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.data = os.path.join(cluster.folder, name)
        self.port = free_port()
        self.process = None

    def program(self, name, *arguments):
        subprocess.run([f"{self.cluster.bin}/{name}", *arguments], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.cluster.folder, **self.cluster.who)

    def start(self):
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        self.process = subprocess.Popen(
            [f"{self.cluster.bin}/postgres", "-D", self.data, "-p", str(self.port),
             "-k", self.cluster.folder, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.cluster.folder,
            **self.cluster.who)
        self.until("it answers", lambda: self.ask("SELECT 1") == "1")

    def until(self, what, holds):
        limit = time.monotonic() + 60
        while not holds():
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit(f"pgcluster: the server on port {self.port}: waited in vain until {what}")
            time.sleep(0.02)

    def ask(self, *statements):
        """What the last of them prints; None when it fails."""
        command = [f"{self.cluster.bin}/psql", "-XqAt", *(a for s in statements for a in ("-c", s)),
                   self.cluster.url(self)]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=False, text=True)
        return ran.stdout.strip() if ran.returncode == 0 else None

    def follow(self, primary):
        """Becomes its standby, from a copy of what it has."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.program("pg_basebackup", "-D", self.data, "-R", "-c", "fast", "-X", "stream",
                     "--no-sync", "-d", self.cluster.url(primary))
        self.start()
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        primary.until("the standby is synchronous", lambda: primary.ask(
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1")

    def kill(self):
        """Nothing of it says another word: first nobody is started any more."""
        os.kill(self.process.pid, signal.SIGSTOP)
        for pid in [*children(self.process.pid), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()


class Cluster:
    def __init__(self):
        self.bin = postgres.programs()
        self.who = postgres.identity()
        self.folder = tempfile.mkdtemp(prefix="thingward-pg-")
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])
        self.primary, self.standby = Node(self, "one"), Node(self, "two")
        self.first = [self.primary, self.standby]

    def url(self, *nodes):
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        return f"postgres://{postgres.USER}@{hosts}/postgres?sslmode=disable"

    def make(self):
        self.primary.program("initdb", "-D", self.primary.data, "-U", postgres.USER,
                             "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.primary.start()
        self.standby.follow(self.primary)

    def kill(self):
        self.primary.kill()

    def promote(self):
        self.standby.ask("ALTER SYSTEM SET synchronous_standby_names = ''",
                         "SELECT pg_reload_conf()")
        self.standby.program("pg_ctl", "promote", "-w", "-s", "-D", self.standby.data)
        self.primary, self.standby = self.standby, self.primary

    def rebuild(self):
        self.standby.follow(self.primary)

    def alone(self):
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = ''",
                         "SELECT pg_reload_conf()")
        self.primary.until("it waits for nobody", lambda: self.primary.ask(
            "SHOW synchronous_standby_names") == "")

    def lose(self):
        self.standby.kill()

    def stall(self):
        for pid in self.primary.ask("SELECT pid FROM pg_stat_replication").split():
            os.kill(int(pid), signal.SIGSTOP)

    def obey(self, line):
        if line in ("standby", "primary"):
            return self.url(getattr(self, line))
        if line in ("kill", "promote", "rebuild", "alone", "lose", "stall"):
            getattr(self, line)()
            return line
        sys.exit(f"pgcluster: there is no command \"{line}\"")

    def stop(self):
        for node in self.first:
            node.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    cluster = Cluster()
    try:
        cluster.make()
        both = cluster.url(*cluster.first)
        print(f"{both}&target_session_attrs=read-write", flush=True)
        for line in sys.stdin:
            print(cluster.obey(line.strip()), flush=True)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
