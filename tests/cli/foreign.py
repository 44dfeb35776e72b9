#!/usr/bin/env python3
"""The command on a table whose partitions are on another server (postgres_fdw).  TAP.

usage: clusters.py shard foreign.py PROGRAM
"""

from __future__ import annotations

import os
import subprocess
import sys

from by_psql import psql
from tap_cases import run_cases

HUB, SHARD = os.environ["BM_TEST_POSTGRESQL"], os.environ["BM_TEST_SHARD"]
N = 3000
UPDATED = 100  # row by row


def make() -> None:
    """item, hash-partitioned by id: two partitions there, one here."""
    words = dict(word.split("=", 1) for word in SHARD.split())
    columns = "(id bigint PRIMARY KEY, name varchar(20), value integer CHECK (value >= 0))"
    psql(SHARD, f"CREATE TABLE item_0 {columns}", f"CREATE TABLE item_1 {columns}")
    part = "PARTITION OF item FOR VALUES WITH (MODULUS 3, REMAINDER"
    psql(
        HUB,
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER shard FOREIGN DATA WRAPPER postgres_fdw OPTIONS"
        f" (host '{words['host']}', port '{words['port']}', dbname 'postgres', batch_size '1000',"
        " use_remote_estimate 'true')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER shard OPTIONS (user 'postgres')",
        "CREATE TABLE item (id bigserial, name varchar(20), value integer) PARTITION BY HASH (id)",
        *(f"CREATE FOREIGN TABLE item_{i} {part} {i}) SERVER shard" for i in (0, 1)),
        f"CREATE TABLE item_2 {part} 2)",
    )


def run(
    program: str, verb: str, *options: str, stdin: str = "", status: int = 0
) -> tuple[str, str]:
    command = [program, verb, HUB, "item", *options]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise AssertionError(f"{verb} ended with {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


ROWS = "SELECT id, name, value FROM item ORDER BY id"


def rows_are_sent_in_batches(program: str) -> None:
    """By COPY each row is a statement on the other server; COPY is not used."""
    plan = run(program, "explain", "--key=id", stdin="id,name,value\n1,a,1\n")[0]
    if "COPY" in plan or "other servers" not in plan:
        raise AssertionError(plan)
    psql(HUB, "TRUNCATE item")
    before = int(psql(SHARD, INSERTS))
    given = "id,name,value\n" + "".join(f"{i},n,{i}\n" for i in range(1, N + 1))
    run(program, "create", "--key=id", stdin=given)
    expect(psql(HUB, "SELECT count(*) FROM item"), str(N))
    sent = int(psql(SHARD, INSERTS)) - before
    if not 0 < sent < 20:
        raise AssertionError(f"{sent} statements for {N} rows")


# Each statement on a partition is a line of the shard's log.
INSERTS = (
    "SELECT count(*) FROM regexp_matches(pg_read_file(pg_current_logfile()), 'INSERT INTO', 'g')"
)


def rows_are_updated_and_deleted(program: str) -> None:
    for workers in ("1", "4"):
        psql(
            HUB,
            "TRUNCATE item",
            f"INSERT INTO item SELECT i, 'n', i FROM generate_series(1, {N}) i",
        )
        given = "id,value\n" + "".join(f"{i},{i + 1}\n" for i in range(1, UPDATED + 1))
        run(program, "update-fields", "--key=id", "--workers", workers, stdin=given)
        expect(psql(HUB, "SELECT count(*) FROM item WHERE value = id + 1"), str(UPDATED))
        keys = "id\n" + "".join(f"{i}\n" for i in range(1, N))
        run(program, "delete", "--key=id", "--workers", workers, stdin=keys)
        expect(psql(HUB, "SELECT id FROM item"), str(N))


def an_upsert_is_refused_by_name(program: str) -> None:
    psql(HUB, "TRUNCATE item", "INSERT INTO item VALUES (1, 'n', 1)")
    row = "id,name,value\n1,a,2\n"
    for verb in (("upsert",), ("create", "--on-conflict=update")):
        told = run(program, *verb, "--key=id", stdin=row, status=2)[1]
        if "other servers" not in told or "create the others" not in told:
            raise AssertionError(told)
    expect(psql(HUB, ROWS), "1|n|1")


def an_error_names_its_line(program: str) -> None:
    psql(HUB, "TRUNCATE item")
    keys = psql(
        HUB,
        "SELECT i FROM generate_series(1, 100) i WHERE satisfies_hash_partition("
        "'item'::regclass, 3, 0, i::bigint)",
    ).split()
    given = "id,name,value\n" + "".join(f"{key},n,1\n" for key in keys[:5]) + f"{keys[6]},n,-1\n"
    told = run(program, "create", "--key=id", stdin=given, status=4)[1]
    if "standard input:7" not in told or "item_0_value_check" not in told:
        raise AssertionError(told)
    expect(psql(HUB, "SELECT count(*) FROM item"), "0")


CASES = (
    rows_are_sent_in_batches,
    rows_are_updated_and_deleted,
    an_upsert_is_refused_by_name,
    an_error_names_its_line,
)


def end() -> None:
    psql(HUB, "DROP TABLE item", "DROP EXTENSION postgres_fdw CASCADE")


if __name__ == "__main__":
    sys.exit(run_cases(sys.argv[1], CASES, make, end))
