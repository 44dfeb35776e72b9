"""Run one row of the command and print lines of JSON for script/bench.

usage: command_bench.py ROW [--rows N] [--rounds N] [--quick] [--directory DIRECTORY]

The contenders are programs that people load files with: psql, sqlite3, sqlite-utils.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

from contest import Asked, Contest, Side, say

COMMAND = os.environ["BM_BENCH_COMMAND"]
SCHEMA = "bulkmodel_bench"
TABLE = f"{SCHEMA}.foo"
STREAM_ROW_BYTES = 1_000
STREAM_LIMIT_KB = 64 * 1024
MILLION = 1_000_000


def server() -> None:
    """Let programs find it: the PG* variables."""
    words = os.environ["BM_TEST_POSTGRESQL"].split()
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    for word in words:
        key, _, value = word.partition("=")
        os.environ[names[key]] = value


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def psql(*statements: str) -> str:
    given = [word for statement in statements for word in ("-c", statement)]
    return run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *given)


def write_rows(path: Path, n: int, with_keys: bool) -> Path:
    rng = random.Random(1)
    stamp = uuid.UUID(int=rng.getrandbits(128)).hex
    with path.open("w", encoding="utf-8") as file:
        file.write("id," * with_keys + "name,value,bm_create_uuid\n")
        for key in range(1, n + 1):
            start = f"{key}," if with_keys else ""
            file.write(f"{start}{rng.getrandbits(100):025x},{rng.randrange(1001)},{stamp}\n")
    return path


def write_values(path: Path, n: int, seed: int) -> Path:
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,value\n")
        file.writelines(f"{key},{rng.randrange(MILLION)}\n" for key in range(1, n + 1))
    return path


def make_table() -> None:
    psql(
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"DROP TABLE IF EXISTS {TABLE}",
        f"CREATE TABLE {TABLE} (id bigserial PRIMARY KEY, name varchar(50) NOT NULL,"
        " value integer NOT NULL, bm_create_uuid uuid NOT NULL)",
        f"CREATE INDEX ON {TABLE} (bm_create_uuid)",
    )


def expect(n: int, asked: Callable[[], str]) -> None:
    there = asked()
    if there != str(n):
        raise AssertionError(f"{there} rows in the table, not {n}")


def row_pg_create(asked: Asked, directory: Path) -> None:
    n = asked.rows
    file = str(write_rows(directory / "rows.csv", n, False))
    make_table()
    copy = f"\\copy {TABLE} (name, value, bm_create_uuid) FROM '{file}' CSV HEADER"

    def empty() -> None:
        psql(f"TRUNCATE {TABLE}", "CHECKPOINT")

    def ours(_: object) -> None:
        run(COMMAND, "create", "postgresql:", TABLE, file, "--quiet")

    verify = partial(expect, n, lambda: psql(f"SELECT count(*) FROM {TABLE}"))
    Contest("command_pg_create", asked, n, verify).run(
        Side("ours", "", ours, empty), [Side("psql", "psql \\copy", lambda _: psql(copy), empty)]
    )


def row_pg_update(asked: Asked, directory: Path) -> None:
    """All rows of the table, by two files in turn."""
    n = asked.rows
    make_table()
    rows = write_rows(directory / "rows.csv", n, True)
    psql(f"\\copy {TABLE} FROM '{rows}' CSV HEADER", f"VACUUM ANALYZE {TABLE}")
    files = [str(write_values(directory / f"values{i}.csv", n, i)) for i in range(2)]
    turn = count()

    def fresh() -> str:
        psql(f"VACUUM {TABLE}", "CHECKPOINT")
        return files[next(turn) % 2]

    def ours(file: str) -> None:
        run(COMMAND, "update-fields", "postgresql:", TABLE, file, "--quiet")

    def by_hand(file: str) -> None:
        psql(
            "BEGIN",
            "CREATE TEMPORARY TABLE new (id bigint, value integer) ON COMMIT DROP",
            f"\\copy new FROM '{file}' CSV HEADER",
            "ANALYZE new",
            f"UPDATE {TABLE} AS old SET value = new.value FROM new WHERE old.id = new.id",
            "COMMIT",
        )

    what = "psql, \\copy to a temporary table, UPDATE"
    Contest("command_pg_update", asked, n).run(
        Side("ours", "", ours, fresh), [Side("psql", what, by_hand, fresh)]
    )


def against_on_sqlite(asked: Asked, directory: Path, name: str, what: str, *command: str) -> None:
    """Ours against a command that is given the database, the table and the file by these names."""
    n = asked.rows
    file = str(write_rows(directory / "rows.csv", n, True))
    database = directory / "command.db"
    words = [word.format(database=database, table="foo", file=file) for word in command]

    def new() -> None:
        database.unlink(missing_ok=True)
        statement = (
            "CREATE TABLE foo (id integer PRIMARY KEY, name varchar(50) NOT NULL,"
            " value integer NOT NULL, bm_create_uuid char(32) NOT NULL);"
            "CREATE INDEX foo_uuid ON foo (bm_create_uuid)"
        )
        run("sqlite3", str(database), statement)

    def ours(_: object) -> None:
        run(COMMAND, "create", f"sqlite:{database}", "foo", file, "--quiet")

    ask = partial(run, "sqlite3", str(database), "SELECT count(*) FROM foo")
    Contest("command_sqlite_create", asked, n, partial(expect, n, ask)).run(
        Side("ours", "", ours, new), [Side(name, what, lambda _: run(*words), new)]
    )


def row_sqlite_create(asked: Asked, directory: Path) -> None:
    shell = ("sqlite3", "{database}", ".import --csv --skip 1 {file} {table}")
    against_on_sqlite(asked, directory, "sqlite3", "sqlite3 .import", *shell)


def row_sqlite_create_utils(asked: Asked, directory: Path) -> None:
    """Fewer rows: it takes a minute and more for a million."""
    tool = str(Path(sys.executable).with_name("sqlite-utils"))
    insert = (tool, "insert", "{database}", "{table}", "{file}", "--csv", "--silent")
    against_on_sqlite(asked, directory, "sqliteutils", "sqlite-utils insert", *insert)


def pieces(n: int) -> Iterator[bytes]:
    """A CSV file of n rows, a thousand at a time."""
    yield b"body\n"
    row = b"x" * (STREAM_ROW_BYTES - 1) + b"\n"
    for first in range(0, n, 1_000):
        yield row * min(1_000, n - first)


def row_stream(asked: Asked, directory: Path) -> None:
    """What the command keeps of a stream that it reads from a pipe."""
    table = f"{SCHEMA}.stream"
    psql(
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"DROP TABLE IF EXISTS {table}",
        f"CREATE UNLOGGED TABLE {table} (id bigserial PRIMARY KEY, body text)",
    )
    command = [COMMAND, "create", "postgresql:", table, "--quiet"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for piece in pieces(asked.rows):
        process.stdin.write(piece)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise AssertionError(f"the command ended with {process.returncode}")
    expect(asked.rows, lambda: psql(f"SELECT count(*) FROM {table}"))
    psql(f"DROP TABLE {table}")
    say(
        id="command_stream_rss",
        rows=asked.rows,
        what=f"max RSS in kB, {asked.rows * STREAM_ROW_BYTES // 10**6:,} MB from a pipe: 64 MiB",
        limit=STREAM_LIMIT_KB,
        measured=usage.ru_maxrss,
    )


ROWS = {
    "pg_create": row_pg_create,
    "pg_update": row_pg_update,
    "sqlite_create": row_sqlite_create,
    "sqlite_create_utils": row_sqlite_create_utils,
    "stream": row_stream,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--directory", type=Path, default=Path("/tmp"))
    given = parser.parse_args()
    server()
    asked = Asked(given.rows, given.rounds, given.quick, given.only)
    ROWS[given.row](asked, given.directory)


if __name__ == "__main__":
    main()
