"""One case on one engine: a table, files, the command, and a judge beside it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CONNINFO = os.environ.get("BM_TEST_POSTGRESQL", "")
ENGINES = ("sqlite", "postgresql")
# Rows for World.items().
THREE = "(1, 'a', 10, 'x'), (2, 'b', 20, NULL), (3, 'c', 30, '')"


class Done(NamedTuple):
    """How the command ended."""

    status: int
    out: str
    err: str


class World:
    """A fresh database (SQLite) or schema (PostgreSQL), gone at the end."""

    def __init__(self, program: str, engine: str, folder: Path) -> None:
        self.program = program
        self.engine = engine
        self.lite = engine == "sqlite"
        self.folder = folder
        self.schema = f"cli_{os.getpid()}"
        if engine == "sqlite":
            self.database = f"sqlite:{folder}/test.db"
        else:
            self.database = f"{CONNINFO} options=-csearch_path={self.schema}"
            self.sql(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE; CREATE SCHEMA {self.schema}")

    def close(self) -> None:
        """Leave nothing behind."""
        if self.engine == "postgresql":
            self.sql(f"DROP SCHEMA {self.schema} CASCADE")

    def sql(self, text: str) -> str:
        """Rows as the engine's own program writes them: cells separated by '|', NULL as (null)."""
        if self.engine == "sqlite":
            with sqlite3.connect(self.folder / "test.db") as connection:
                rows = connection.executescript(text) if ";" in text else connection.execute(text)
                found = rows.fetchall()
            connection.close()
            return "\n".join(
                "|".join("(null)" if cell is None else str(cell) for cell in row) for row in found
            )
        command = ["psql", "-XqAt", "-P", "null=(null)", "-v", "ON_ERROR_STOP=1", CONNINFO]
        text = f"SET search_path = {self.schema}; {text}"
        done = subprocess.run([*command, "-c", text], capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        return done.stdout.decode().removesuffix("\n")

    def file(self, name: str, content: str | bytes) -> str:
        """A file with this content; text is written as UTF-8, its line ends as they are."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, *arguments: str, stdin: str | bytes = b"", status: int = 0) -> Done:
        """The command, which must end with this status."""
        done = subprocess.run(
            [self.program, *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        ended = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        if ended.status != status:
            raise AssertionError(f"{arguments} ended with {ended.status}: {ended.err}")
        return ended

    def verb(self, name: str, *arguments: str, stdin: str | bytes = b"", status: int = 0) -> Done:
        """A verb on the table "item"."""
        return self.run(name, self.database, "item", *arguments, stdin=stdin, status=status)

    def items(self, rows: str = "") -> None:
        """The table of most cases, with these rows in it."""
        key = "INTEGER" if self.engine == "sqlite" else "bigserial"
        self.sql(
            f"CREATE TABLE item (id {key} PRIMARY KEY, name varchar(20) NOT NULL, "
            "value integer DEFAULT 7, note text)"
        )
        if rows:
            self.sql(f"INSERT INTO item (id, name, value, note) VALUES {rows}")
            if self.engine == "postgresql":
                self.sql("SELECT setval('item_id_seq', 100)")

    def all(self) -> str:
        """The rows of that table."""
        return self.sql("SELECT id, name, value, note FROM item ORDER BY id")


Case = Callable[[World], None]
CASES: list[tuple[str, str, Case]] = []


def case(*engines: str) -> Callable[[Case], Case]:
    """Register a case, for these engines or for all."""

    def register(function: Case) -> Case:
        CASES.extend((engine, function.__name__, function) for engine in engines or ENGINES)
        return function

    return register


def expect(found: object, wanted: object) -> None:
    """Both must be equal."""
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def says(done: Done, *words: str) -> None:
    """What the command said on standard error must hold these words."""
    for word in words:
        if word not in done.err:
            raise AssertionError(f"{word!r} is not in {done.err!r}")


def run_cases(program: str, words: list[str]) -> bool:
    """Run all that are registered, or those with one of these words in their name, as TAP; whether
    all passed."""
    cases = [one for one in CASES if not words or any(word in " ".join(one[:2]) for word in words)]
    print(f"1..{len(cases)}")
    passed = bool(cases)
    for number, (engine, name, function) in enumerate(cases, 1):
        with tempfile.TemporaryDirectory() as folder:
            world = World(program, engine, Path(folder))
            try:
                function(world)
                print(f"ok {number} - {engine}: {name}")
            except Exception as error:  # whatever it is, the other cases run
                passed = False
                print(f"not ok {number} - {engine}: {name}")
                print(
                    "\n".join(
                        f"# {line}" for line in f"{type(error).__name__}: {error}".splitlines()
                    )
                )
            finally:
                world.close()
    return passed
