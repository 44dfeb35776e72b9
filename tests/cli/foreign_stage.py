#!/usr/bin/env python3
"""The command on a table of postgres_fdw that has stage tables.  TAP.

usage: clusters.py shard foreign_stage.py PROGRAM
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from by_psql import psql
from foreign import HUB, SHARD, expect, make, run
from tap_cases import run_cases

N = 3000
# Statements of the shard's log: those that write, but for the batches of rows that are sent.
WRITES = (
    "SELECT count(*) FROM regexp_matches(pg_read_file(pg_current_logfile()),"
    " '(UPDATE|DELETE FROM) public.item_', 'g')"
)


def csv(columns: str, *rows: tuple[object, ...]) -> str:
    return "\n".join([columns, *(",".join(map(str, row)) for row in rows), ""])


def fill() -> None:
    psql(HUB, "TRUNCATE item", f"INSERT INTO item SELECT i, 'n', i FROM generate_series(1, {N}) i")


def stage_is_empty() -> None:
    expect(psql(HUB, "SELECT count(*) FROM item_bm_stage"), "0")


def update(program: str, stdin: str, *options: str, status: int = 0) -> str:
    return run(program, "update-fields", "--key=id", *options, stdin=stdin, status=status)[1]


def the_sql_of_the_stage_is_printed_and_not_run(program: str) -> None:
    there, here = run(program, "stage-init")[0].split("-- Here\n")
    expect(there.splitlines()[0], '-- On the server "shard"')
    expect(psql(HUB, "SELECT to_regclass('item_bm_stage')"), "")
    psql(SHARD, there)
    psql(HUB, here)
    stage_is_empty()
    fill()
    plan = run(program, "explain", "--key=id", "--verb=update-fields", stdin="id,value\n1,1\n")[0]
    if "by way of the stage tables" not in plan or "stage: INSERT INTO" not in plan:
        raise AssertionError(plan)


def a_table_of_this_server_needs_none(program: str) -> None:
    psql(HUB, "CREATE TABLE near (id int PRIMARY KEY)")
    command = [program, "stage-init", HUB, "near"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    psql(HUB, "DROP TABLE near")
    if done.returncode == 0 or "needs no stage" not in done.stderr or done.stdout:
        raise AssertionError(f"{done.returncode} {done.stdout} {done.stderr}")


def the_other_server_joins(program: str) -> None:
    for workers in ("1", "4"):
        fill()
        before = int(psql(SHARD, WRITES))
        told = update(
            program, csv("id,value", *((i, i + 1) for i in range(1, N + 11))), "--workers", workers
        )
        if "10 missing" not in told:
            raise AssertionError(told)
        expect(psql(HUB, "SELECT count(*), sum(value - id) FROM item"), f"{N}|{N}")
        run(program, "delete", "--key=id", stdin=csv("id", *((i,) for i in range(1, N))))
        expect(psql(HUB, "SELECT id FROM item"), str(N))
        sent = int(psql(SHARD, WRITES)) - before
        if not 0 < sent < 20:
            raise AssertionError(f"{sent} statements for {N} rows")
        stage_is_empty()


def a_failed_call_names_its_row_and_leaves_none(program: str) -> None:
    fill()
    for place in ("0", "1", "2"):  # on the shard, and here
        keys = psql(
            HUB,
            "SELECT i FROM generate_series(1, 900) i WHERE satisfies_hash_partition("
            f"'item'::regclass, 3, {place}, i::bigint)",
        ).split()
        good = [(key, "x") for key in keys[:50]]
        told = update(program, csv("id,name", *good, (keys[60], "y" * 21)), status=3)
        if "standard input:52" not in told:
            raise AssertionError(told)
        if place != "2":
            values = [(key, 7) for key in keys[:50]]
            told = update(program, csv("id,value", *values, (keys[60], -1)), status=4)
            if "standard input:52" not in told or "value_check" not in told:
                raise AssertionError(told)
    expect(psql(HUB, "SELECT count(*) FROM item WHERE value = id AND name = 'n'"), str(N))
    stage_is_empty()


def rows_that_somebody_left_change_nothing(program: str) -> None:
    fill()
    psql(HUB, "INSERT INTO item_bm_stage (bm_ord, id, value) SELECT 0, id, 5 FROM item")
    update(program, csv("id,value", (1, 100), (2, 100)))
    expect(psql(HUB, "SELECT sum(value - id) FROM item"), "197")
    stage_is_empty()


def a_rejected_row_leaves_the_others(program: str) -> None:
    fill()
    with tempfile.TemporaryDirectory() as folder:
        rows = [(i, -1 if i == 700 else i + 1) for i in range(1, N + 1)]
        told = update(program, csv("id,value", *rows), f"--rejects={folder}/bad.csv", status=8)
        expect(Path(folder, "bad.csv").read_text(), "id,value\n700,-1\n")
    if "2,999 updated" not in told:
        raise AssertionError(told)
    expect(psql(HUB, "SELECT count(*), sum(value - id) FROM item"), f"{N}|{N - 1}")
    stage_is_empty()


def two_sessions_at_once(program: str) -> None:
    fill()
    command = [program, "update-fields", HUB, "item", "--key=id", "--retries=9"]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) for _ in range(2)]
    inputs = [csv("id,value", *((i, i + 1) for i in range(1 + k, N + 1, 2))) for k in range(2)]
    for process, text in zip(both, inputs):
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
    for process in both:
        assert process.stderr is not None
        told = process.stderr.read()
        expect((process.wait(120), told.split(" in ")[0]), (0, f"{N // 2:,} updated"))
    expect(psql(HUB, "SELECT count(*), sum(value - id) FROM item"), f"{N}|{N}")
    stage_is_empty()


def a_stage_that_is_not_like_the_table_is_not_used(program: str) -> None:
    psql(HUB, "ALTER TABLE item ALTER COLUMN name TYPE varchar(30)")
    plan = run(program, "explain", "--key=id", "--verb=update-fields", stdin="id,value\n1,1\n")[0]
    psql(HUB, "ALTER TABLE item ALTER COLUMN name TYPE varchar(20)")
    if "stage" in plan:
        raise AssertionError(plan)


CASES = (
    the_sql_of_the_stage_is_printed_and_not_run,
    a_table_of_this_server_needs_none,
    the_other_server_joins,
    a_failed_call_names_its_row_and_leaves_none,
    rows_that_somebody_left_change_nothing,
    a_rejected_row_leaves_the_others,
    two_sessions_at_once,
    a_stage_that_is_not_like_the_table_is_not_used,
)


def end() -> None:
    psql(HUB, "DROP TABLE item", "DROP TABLE item_bm_stage")
    psql(HUB, "DROP EXTENSION postgres_fdw CASCADE")


if __name__ == "__main__":
    sys.exit(run_cases(sys.argv[1], CASES, make, end))
