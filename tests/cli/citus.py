#!/usr/bin/env python3
"""The command where the catalog says that tables are Citus's: a database of its own with the
catalog table that Citus has, and its answers.  The statements run on PostgreSQL as they are.  TAP.

usage: citus.py PROGRAM
"""

from __future__ import annotations

import os
import subprocess
import sys

from by_psql import psql

SERVER = os.environ["BM_TEST_POSTGRESQL"]
NAME = f"citus_{os.getpid()}"
DATABASE = SERVER.replace("dbname=postgres", f"dbname={NAME}") + " options='-c citus.version=13'"
# What Citus 13.2 has: partmethod 'h' is distributed by hash, 'n' is a reference table.
CATALOG = (
    "SET allow_system_table_mods = on;"
    "CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass NOT NULL,"
    ' partmethod "char" NOT NULL, partkey text, colocationid integer NOT NULL,'
    ' repmodel "char" NOT NULL)'
)
# The workers of a call on a distributed table say so in their transaction.
TRIGGER = (
    "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO said VALUES"
    " (pg_backend_pid(), current_setting('citus.enable_deadlock_prevention', true)); RETURN NEW;"
    " END $$"
)
N = 3000


def make() -> None:
    psql(SERVER, f"CREATE DATABASE {NAME}")
    psql(DATABASE, CATALOG, "CREATE TABLE said (pid integer, setting text)", TRIGGER)
    for table, method in (("plain", ""), ("spread", "h"), ("everywhere", "n")):
        psql(DATABASE, f"CREATE TABLE {table} (id bigint PRIMARY KEY, value integer)")
        psql(
            DATABASE,
            f"CREATE TRIGGER t BEFORE UPDATE ON {table} FOR EACH ROW"
            " WHEN (OLD.id % 100 = 0) EXECUTE FUNCTION seen()",
        )
        if method:
            psql(
                DATABASE,
                f"INSERT INTO pg_dist_partition VALUES ('{table}', '{method}', 'id', 1,"
                f" '{'t' if method == 'n' else 's'}')",
            )


def run(program: str, verb: str, table: str, *options: str, stdin: str) -> str:
    done = subprocess.run(
        [program, verb, DATABASE, table, *options],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise AssertionError(f"{verb} ended with {done.returncode}: {done.stderr}")
    return done.stdout


UPDATES = "id,value\n" + "".join(f"{i},{i + 1}\n" for i in range(1, N + 1))


def updated(program: str, table: str, workers: int) -> list[str]:
    """What each connection that wrote says of the setting."""
    psql(
        DATABASE,
        f"TRUNCATE said, {table}",
        f"INSERT INTO {table} SELECT i, 0 FROM generate_series(1, {N}) i",
    )
    run(program, "update-fields", table, f"--workers={workers}", "--batch-size=500", stdin=UPDATES)
    right = psql(DATABASE, f"SELECT count(*) FROM {table} WHERE value = id + 1")
    if right != str(N):
        raise AssertionError(f"{right} rows have their values")
    found = psql(DATABASE, "SELECT DISTINCT pid, coalesce(setting, '') FROM said ORDER BY 1")
    return [line.partition("|")[2] for line in found.splitlines()]


def an_update_of_a_distributed_table_is_sent_once_a_node(program: str) -> None:
    """Citus sends a subquery's rows once to each node, and those of unnest to each shard."""
    for table, wanted in (("spread", True), ("everywhere", False), ("plain", False)):
        plan = run(program, "explain", table, "--verb=update-fields", stdin="id,value\n1,2\n")
        if ("OFFSET 0" in plan) != wanted:
            raise AssertionError(plan)


def workers_do_not_wait_for_each_other(program: str) -> None:
    found = updated(program, "spread", 3)
    if set(found) != {"off"}:  # of as many as came in time
        raise AssertionError(f"the workers' settings: {found}")
    if updated(program, "spread", 1) != [""]:
        raise AssertionError("the setting was changed for one worker")


def a_reference_table_has_one_worker(program: str) -> None:
    if len(updated(program, "everywhere", 3)) != 1:
        raise AssertionError("several connections wrote")


def the_catalog_of_citus_is_asked_once_a_table(program: str) -> None:
    columns = ", ".join(f"c{i} integer" for i in range(30))
    psql(DATABASE, f"CREATE TABLE wide (id bigint PRIMARY KEY, {columns})")
    scans = (
        "SELECT sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0)) FROM pg_stat_sys_tables"
        " WHERE relname = 'pg_dist_partition'"
    )
    before = int(psql(DATABASE, scans))
    for name in ("1", "2"):  # a session that ends reports what it did
        run(program, "create", "wide", stdin=f"id,c0\n{name},1\n")
    after = int(psql(DATABASE, scans))
    if not before + 1 <= after <= before + 4:
        raise AssertionError(f"{after - before} scans for two calls")


CASES = (
    an_update_of_a_distributed_table_is_sent_once_a_node,
    workers_do_not_wait_for_each_other,
    a_reference_table_has_one_worker,
    the_catalog_of_citus_is_asked_once_a_table,
)


def main(program: str) -> int:
    print(f"1..{len(CASES)}")
    failed = 0
    try:
        make()
        for number, case in enumerate(CASES, 1):
            try:
                case(program)
                print(f"ok {number} - {case.__name__}")
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {case.__name__}")
                print("\n".join(f"# {line}" for line in str(error).splitlines()))
    finally:
        psql(SERVER, f"DROP DATABASE IF EXISTS {NAME}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
