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
from tap_cases import run_cases

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


def run(program: str, verb: str, table: str, *options: str, stdin: str, status: int = 0) -> str:
    done = subprocess.run(
        [program, verb, DATABASE, table, *options],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != status:
        raise AssertionError(f"{verb} ended with {done.returncode}: {done.stderr}")
    return done.stdout if status == 0 else done.stderr


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


def a_key_of_two_columns_matches_the_distribution_column(program: str) -> None:
    """Citus refuses an UPDATE that sets it, even to what it is."""
    psql(
        DATABASE,
        "CREATE TABLE owned (tenant integer, id bigint, value integer, PRIMARY KEY (tenant, id))",
        "INSERT INTO pg_dist_partition VALUES ('owned', 'h', 'tenant', 1, 's')",
        f"INSERT INTO owned SELECT i % 7, i, 0 FROM generate_series(1, {N}) i",
    )
    given = "tenant,id,value\n" + "".join(f"{i % 7},{i},{i + 1}\n" for i in range(1, N + 1))
    plan = run(program, "explain", "owned", "--verb=update-fields", stdin=given)
    if "OFFSET 0" not in plan or 'SET "value"' not in plan or '"tenant" = ' in plan:
        raise AssertionError(plan)
    run(program, "update-fields", "owned", "--workers=2", stdin=given)
    right = psql(DATABASE, "SELECT count(*) FROM owned WHERE value = id + 1")
    if right != str(N):
        raise AssertionError(f"{right} rows have their values")


# What Citus 13.2 said of a shard (XX000 where it copies rows), and what is said of the table.
SHARD_ERRORS = (
    (
        "XX000",
        'duplicate key value violates unique constraint "spread_pkey_102009"',
        'duplicate key value violates unique constraint "spread_pkey"',
    ),
    (
        "23514",
        'new row for relation "spread_102009" violates check constraint "few_102009"',
        'new row for relation "spread" violates check constraint "few"',
    ),
    (
        "XX000",
        'null value in column "value" of relation "spread_102009" violates not-null constraint',
        'column "value"',
    ),
    (
        "XX000",
        'null value in column "m_202401" of relation "spread_102009" violates not-null constraint',
        'null value in column "m_202401" of relation "spread" violates',
    ),
    (
        "XX000",
        'duplicate key value violates unique constraint "spread_202401_102009"',
        'duplicate key value violates unique constraint "spread_202401"',
    ),
)


def a_shards_error_is_that_of_the_table(program: str) -> None:
    for state, said, wanted in SHARD_ERRORS:
        for table in ("spread", "plain"):
            psql(
                DATABASE,
                f"TRUNCATE {table}",
                f"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" RAISE EXCEPTION '%', '{said}' USING ERRCODE = '{state}',"
                f" CONSTRAINT = '{'few_102009' if state == '23514' else ''}'; END $$",
                f"CREATE OR REPLACE TRIGGER r BEFORE INSERT ON {table} FOR EACH ROW"
                " WHEN (NEW.id = 77) EXECUTE FUNCTION refuse()",
            )
            rows = "id,value\n" + "".join(f"{i},1\n" for i in range(1, 101))
            of_table = table == "spread" or state == "23514"
            told = run(program, "create", table, stdin=rows, status=4 if of_table else 1)
            if table == "plain":
                if said not in told:
                    raise AssertionError(told)
            elif wanted not in told or "standard input:78" not in told:
                raise AssertionError(told)
            psql(DATABASE, f"DROP TRIGGER r ON {table}")


def a_quoted_value_is_no_name_of_a_shard(program: str) -> None:
    psql(
        DATABASE,
        "TRUNCATE spread",
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'no season \"summer_20240101\"'; END $$",
        "CREATE TRIGGER r BEFORE INSERT ON spread FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    told = run(program, "create", "spread", stdin="id,value\n1,1\n", status=1)
    psql(DATABASE, "DROP TRIGGER r ON spread")
    if 'no season "summer_20240101"' not in told:
        raise AssertionError(told)


CASES = (
    an_update_of_a_distributed_table_is_sent_once_a_node,
    workers_do_not_wait_for_each_other,
    a_reference_table_has_one_worker,
    the_catalog_of_citus_is_asked_once_a_table,
    a_key_of_two_columns_matches_the_distribution_column,
    a_shards_error_is_that_of_the_table,
    a_quoted_value_is_no_name_of_a_shard,
)


def end() -> None:
    psql(SERVER, f"DROP DATABASE IF EXISTS {NAME}")


if __name__ == "__main__":
    sys.exit(run_cases(sys.argv[1], CASES, make, end))
