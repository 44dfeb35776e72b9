#!/usr/bin/env python3
"""Further PostgreSQL clusters beside that of script/with-postgresql, for tests that need several.

usage: clusters.py standby PROGRAM [ARGUMENT...]   run a program beside a primary server and its
                                                   standby: BM_TEST_PRIMARY, BM_TEST_STANDBY
       clusters.py shard PROGRAM [ARGUMENT...]     ... beside a second server, which logs its
                                                   statements: BM_TEST_SHARD

A cluster listens on a Unix socket
in a temporary folder only, and ends with the program.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PORT = 5432
# Nothing outlives the tests.
SETTINGS = "-c fsync=off -c full_page_writes=off -c listen_addresses= -c max_connections=30"


def as_server(program: str, *arguments: Any, folder: Path) -> None:
    """Run one of the server's programs, which refuse to run as root."""
    command = [f"{os.environ['BM_POSTGRESQL_BIN']}/{program}", *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "nobody", "--", *command]
    with (folder / "programs.log").open("a") as log:
        done = subprocess.run(command, cwd="/", stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        logs = sorted(folder.glob("*.log"))
        sys.exit(f"{program} failed:\n" + "\n".join(log.read_text()[-2000:] for log in logs))


class Cluster:
    """A server in a folder of its own."""

    def __init__(self, name: str = "cluster", settings: str = "") -> None:
        self.settings = settings
        # Not in TMPDIR, which the user that the server runs as may not enter.
        self.folder = Path(tempfile.mkdtemp(prefix=f"bulkmodel-{name}-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
        self.data = self.folder / "data"
        self.runs = False

    @property
    def conninfo(self) -> str:
        return f"host={self.folder} port={PORT} dbname=postgres user=postgres"

    def create(self) -> None:
        options = ("-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        as_server("initdb", *options, "-D", self.data, folder=self.folder)

    def copy(self, primary: Cluster) -> None:
        """Make this a standby of the primary, which streams to it."""
        options = ("-X", "stream", "-R", "-c", "fast", "--no-sync")
        as_server(
            "pg_basebackup", "-d", primary.conninfo, "-D", self.data, *options, folder=self.folder
        )

    def start(self) -> None:
        settings = f"-k {self.folder} {SETTINGS} {self.settings}"
        options = ("-D", self.data, "-l", self.folder / "server.log", "-w", "-t", "60")
        as_server("pg_ctl", *options, "-o", settings, "start", folder=self.folder)
        self.runs = True

    def remove(self) -> None:
        if self.runs:
            options = ("-D", self.data, "-m", "immediate", "-w", "stop")
            as_server("pg_ctl", *options, folder=self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def started(name: str = "cluster", settings: str = "") -> Iterator[Cluster]:
    """A new cluster that runs."""
    cluster = Cluster(name, settings)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def standby() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary server and its standby."""
    with started("primary") as primary:
        copied = Cluster("standby")
        try:
            copied.copy(primary)
            copied.start()
            yield primary, copied
        finally:
            copied.remove()


def main(what: str, *command: str) -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    if what == "shard" and command:
        with started("shard", "-c log_statement=all -c logging_collector=on") as shard:
            os.environ["BM_TEST_SHARD"] = shard.conninfo
            return subprocess.run(command).returncode
    if what != "standby" or not command:
        sys.exit(__doc__)
    with standby() as (primary, copied):
        os.environ["BM_TEST_PRIMARY"] = primary.conninfo
        os.environ["BM_TEST_STANDBY"] = copied.conninfo
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""], *sys.argv[2:]))
