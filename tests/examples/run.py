#!/usr/bin/env python3
"""Run the example programs as a user would, and look at what they left.  TAP."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROGRAMS = {Path(path).name: path for path in sys.argv[1:]}
CONNINFO = os.environ.get("BM_TEST_POSTGRESQL", "")


def run(name: str, *arguments: str) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(
        [PROGRAMS[name], *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{name} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def psql(sql: str) -> str:
    """One value from the server."""
    if not CONNINFO:
        raise AssertionError("BM_TEST_POSTGRESQL is not set")
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, CONNINFO]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


QUESTIONS = {
    "page": "SELECT count(*) || ',' || count(DISTINCT id) || ',' || min(id) || ',' || "
    "count(DISTINCT bm_create_uuid) || ',' || min(length(name)) FROM foo",
    "million": "SELECT count(*) || ',' || count(DISTINCT id) || ',' || sum(value) || ',' || "
    "min(name) FROM reading",
}
ANSWERS = {
    "page": "10010,10010,1,2,25",
    "million": "1000000,1000000,499500000,reading number 0000000000",
}


def on_sqlite(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/example.db"
        run(name, f"sqlite:{path}")
        connection = sqlite3.connect(path)
        expect(connection.execute(QUESTIONS[name]).fetchone()[0], ANSWERS[name])
        connection.close()


def on_postgresql(name: str) -> None:
    schema = f"example_{name}"
    psql(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    run(name, f"{CONNINFO} options=-csearch_path={schema}")
    expect(psql(f"SET search_path = {schema}; {QUESTIONS[name]}"), ANSWERS[name])
    psql(f"DROP SCHEMA {schema} CASCADE")


def first_program() -> None:
    run("first")


def page_prints_ten_rows() -> None:
    lines = run("page").splitlines()
    expect([line.split()[0] for line in lines[:10]], [str(i) for i in range(1, 11)])
    expect(lines[10], "updated 10 rows that changed, then 10 by name")
    expect(lines[11].startswith("wrote 10000 rows in "), True)


def unknown_place_is_an_error() -> None:
    done = subprocess.run(
        [PROGRAMS["page"], "sqlite:/no/such/folder/x.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    expect(done.returncode, 1)
    expect(done.stderr.startswith("CONNECTION: "), True)


GUIDE = {
    "conflicts": ["A-1 unchanged", "A-2 updated", "A-3 inserted"],
    "copy": ["coat 7", "glove 9", "21 in stock"],
    "sync": ["1 inserted, 1 updated, 1 unchanged, 1 deleted"],
    "update": ["2 sold out", "2 prices", "1 deleted"],
}


def guide(name: str) -> None:
    """The same on both engines."""
    lines = run(f"guide_{name}").splitlines()
    expect(lines[: len(GUIDE[name])], GUIDE[name])
    schema = f"example_{name}"
    psql(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    lines = run(f"guide_{name}", f"{CONNINFO} options=-csearch_path={schema}").splitlines()
    expect(lines[: len(GUIDE[name])], GUIDE[name])
    psql(f"DROP SCHEMA {schema} CASCADE")


def guide_to_conflicts_names_the_rule() -> None:
    expect(run("guide_conflicts").splitlines()[3], "refused: product.sku")


def guide_to_tests_asks_no_database() -> None:
    lines = run("guide_memory").splitlines()
    expect(len(lines), 2)
    expect(lines[0].startswith('INSERT INTO "product"'), True)
    expect(lines[0].endswith("[3 rows]"), True)
    expect(lines[1], "a deadlock, and nothing was written: again")


CASES: list[tuple[str, Callable[[], None]]] = [
    ("first_program", first_program),
    ("page_prints_ten_rows", page_prints_ten_rows),
    ("page_on_sqlite", lambda: on_sqlite("page")),
    ("page_on_postgresql", lambda: on_postgresql("page")),
    ("million_on_sqlite", lambda: on_sqlite("million")),
    ("million_on_postgresql", lambda: on_postgresql("million")),
    ("unknown_place_is_an_error", unknown_place_is_an_error),
    ("guide_to_conflicts", lambda: guide("conflicts")),
    ("guide_to_conflicts_names_the_rule", guide_to_conflicts_names_the_rule),
    ("guide_to_copies", lambda: guide("copy")),
    ("guide_to_tests_asks_no_database", guide_to_tests_asks_no_database),
    ("guide_to_sync", lambda: guide("sync")),
    ("guide_to_updates", lambda: guide("update")),
]


def main() -> int:
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (name, case) in enumerate(CASES, 1):
        try:
            case()
            print(f"ok {number} - {name}")
        except (AssertionError, subprocess.SubprocessError, sqlite3.Error) as error:
            failed += 1
            print(f"not ok {number} - {name}")
            print(f"# {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
