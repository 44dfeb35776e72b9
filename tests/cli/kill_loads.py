#!/usr/bin/env python3
"""Kill the command in the middle of a load with --load-id, and run it again until it is done: no
row may be lost or written twice (scoreboard B-23).

usage: kill_loads.py PROGRAM KILLS [SEED]: as many kills on each engine

A third of the kills on PostgreSQL are those of the server's process.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from world import CONNINFO, ENGINES, World, expect

ROWS = 12_000
PART = 400


def state(w: World) -> tuple[int, int, int, str]:
    """Rows in the table, different ones, rows of the record and its state: one moment."""
    cells = w.sql(
        "SELECT (SELECT count(*) FROM foo), (SELECT count(DISTINCT id) FROM foo),"
        " coalesce((SELECT rows_written FROM bulkmodel_load), 0),"
        " coalesce((SELECT state FROM bulkmodel_load), 'none')"
    ).split("|")
    return int(cells[0]), int(cells[1]), int(cells[2]), cells[3]


def prepare(w: World) -> list[str]:
    """The table, which allows rows twice, and the command."""
    w.sql("CREATE TABLE foo (id bigint, name text)")
    w.run("load-init", w.database)
    lines = "".join(f"{i},name of {i}\n" for i in range(ROWS))
    path = w.file("foo.csv", "id,name\n" + lines)
    database = w.database if w.lite else f"{w.database} application_name={w.schema}"
    options = ["--load-id=foo", f"--commit-every={PART}", "--take-over"]
    return [w.program, "create", database, "foo", path, *options]


def end_backend(w: World) -> None:
    """End the process that the command talks to."""
    w.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        f" WHERE application_name = '{w.schema}'"
    )


def kill_loads(w: World, kills: int, seed: int) -> tuple[int, int]:
    """So many kills that met a running command; how many loads were completed."""
    chance = random.Random(seed)
    command = prepare(w)
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    longest = time.monotonic() - begun
    met = loads = 0
    while met < kills:
        w.sql("DELETE FROM foo")
        w.sql("DELETE FROM bulkmodel_load")
        ended = -1
        while ended != 0:
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(chance.random() * longest * 0.7)
            server = not w.lite and chance.random() < 0.33
            if server and child.poll() is None:
                end_backend(w)
            elif child.poll() is None:
                child.send_signal(signal.SIGKILL)
            said = child.communicate(timeout=60)[1].decode()
            ended = child.returncode
            if ended not in {0, -signal.SIGKILL} and not (server and ended in {5, 6, 7}):
                raise AssertionError(f"ended with {ended}: {said}")
            met += ended != 0
            rows, different, recorded, where = state(w)
            expect((rows, different), (recorded, recorded))
            if ended == 0:
                expect((rows, where), (ROWS, "finished"))
        loads += 1
    return met, loads


if __name__ == "__main__":
    if not CONNINFO:
        sys.exit("BM_TEST_POSTGRESQL is not set")
    for number, name in enumerate(ENGINES):
        with tempfile.TemporaryDirectory() as folder:
            world = World(sys.argv[1], name, Path(folder))
            seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1000 * number
            try:
                met, loads = kill_loads(world, int(sys.argv[2]), seed)
            finally:
                world.close()
            print(f"# B-23: {met} kills on {name}; {loads} loads of {ROWS} rows were complete")
