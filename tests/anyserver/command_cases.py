"""The command on the server, each result compared with the table."""

from __future__ import annotations

import csv
import io
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from report import REFUSED, WRONG, Outcome, best_of, state_of
from server import Plain, Row, Server, rows_of

FACE = "command"
# Exit codes: docs/reference/command.md.
CONSTRAINT, BAD_DATA = 4, 3
Table = dict[int, Row]


class Command:
    """Runs the program on files."""

    def __init__(self, program: str, server: Server, folder: Path) -> None:
        self.program, self.server, self.folder = program, server, folder

    def file(self, header: str, lines: list[str]) -> str:
        path = self.folder / "rows.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        return str(path)

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, verb, self.server.conninfo, "item", *arguments, "--quiet"],
            capture_output=True,
            text=True,
            timeout=self.server.timeout + 10,
        )


def _lines(rows: list[Row], first: int | None, more: int = 0) -> list[str]:
    keys = [f"{first + i}," for i in range(len(rows))] if first is not None else [""] * len(rows)
    return [f"{key}{name},{value + more}" for key, (name, value) in zip(keys, rows)]


# Each prepares, and returns the call and a check of the table, which says what is wrong.
Prepared = tuple[list[str], Callable[[str, Table], str]]


def _create(command: Command, n: int) -> Prepared:
    command.server.fill(0)
    rows = rows_of(n)

    def check(out: str, table: Table) -> str:
        keys = [int(row[0]) for row in list(csv.reader(io.StringIO(out)))[1:]]
        right = len(table) == n and [table.get(key) for key in keys] == rows
        return "" if right else "a key that was returned is another row's"

    return ["create", command.file("name,value", _lines(rows, None)), "--returning=-"], check


def _load(command: Command, n: int) -> Prepared:
    command.server.fill(0)
    rows = rows_of(n)

    def check(out: str, table: Table) -> str:
        return "" if sorted(table.values()) == sorted(rows) else "other rows are in the table"

    return ["create", command.file("name,value", _lines(rows, None))], check


def _update_fields(command: Command, n: int) -> Prepared:
    rows = command.server.fill(n)
    want = {key: (name, value + 1) for key, (name, value) in enumerate(rows, 1)}
    path = command.file("id,name,value", _lines(rows, 1, 1))
    return ["update-fields", path], lambda out, table: "" if table == want else "other values"


def _upsert(command: Command, n: int) -> Prepared:
    rows = command.server.fill(n)
    given = [(name, value + 1) for name, value in rows[: n // 2]] + rows_of(n - n // 2, "m")
    want = dict(rows) | dict(given)
    path = command.file("name,value", _lines(given, None))

    def check(out: str, table: Table) -> str:
        same = dict(table.values()) == want and len(table) == len(want)
        return "" if same else "other rows are in the table"

    return ["upsert", path, "--key=name"], check


def _delete(command: Command, n: int) -> Prepared:
    rows = command.server.fill(n)
    path = command.file("id", [str(key) for key in range(2, n + 1)])
    want = {1: rows[0]}
    return ["delete", path], lambda out, table: "" if table == want else "other rows are left"


def _copy_to(command: Command, n: int) -> Prepared:
    command.server.fill(n)

    def check(out: str, table: Table) -> str:
        found = {int(r[0]): (r[1], int(r[2])) for r in list(csv.reader(io.StringIO(out)))[1:]}
        return "" if found == table else "other rows were read"

    return ["copy-to", "--columns=id,name,value"], check


VERBS: dict[str, tuple[Callable[[Command, int], Prepared], str, bool]] = {
    "create --returning": (_create, "create", False),
    "create": (_load, "create", True),
    "update-fields": (_update_fields, "update", True),
    "upsert": (_upsert, "upsert", True),
    "delete": (_delete, "delete", True),
    "copy-to": (_copy_to, "read", False),
}
FAULTS: dict[str, tuple[str, int, str]] = {
    "unique": ("n0,1,", CONSTRAINT, "item_name_unique"),
    "check": ("x,-1,", CONSTRAINT, "item_value_check"),
    "reference": ("x,1,7", CONSTRAINT, "item_parent_reference"),
    "not null": ("x,,", CONSTRAINT, "value"),
    "too long": (f"{'x' * 21},1,", BAD_DATA, "name"),
}
MOST_ROWS_OF_AN_ERROR = 3000


def _verb(command: Command, plain: Plain, name: str, workers: int, n: int) -> Outcome:
    make, like, shares = VERBS[name]
    try:
        known = plain.seconds(like, n)
        arguments, check = make(command, n)
        more = [f"--workers={workers}"] if shares else []
        began = time.monotonic()
        done = command.run(*arguments, *more)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            why = done.stderr.strip() or f"exit status {done.returncode}"
            return Outcome(FACE, name, workers, n, REFUSED, why=why.splitlines()[0])
        why = check(done.stdout, command.server.table())
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(FACE, name, workers, n, REFUSED, why=why)
    if why:
        return Outcome(FACE, name, workers, n, WRONG, why=why)
    return Outcome(FACE, name, workers, n, state_of(seconds, known), seconds, known)


def _error(command: Command, fault: str, workers: int, n: int) -> Outcome:
    line, status, word = FAULTS[fault]
    name = f"error: {fault}"
    lines = [f"{text}," for text in _lines(rows_of(n, "m"), None)]
    lines[n // 2] = line
    path = command.file("name,value,parent_id", lines)
    try:
        command.server.fill(1)
        began = time.monotonic()
        done = command.run("create", path, f"--workers={workers}")
        seconds = time.monotonic() - began
        left = len(command.server.table())
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(FACE, name, workers, n, REFUSED, why=why)
    place = f"rows.csv:{n // 2 + 2}"  # after the header, counted from 1
    said = done.stderr.strip().splitlines() or ["nothing"]
    right = done.returncode == status and word in done.stderr and place in done.stderr
    if not right or left != 1:
        why = f"exit status {done.returncode}, {left} rows, and it said: {said[0]}"
        return Outcome(FACE, name, workers, n, WRONG, why=why)
    return Outcome(FACE, name, workers, n, state_of(seconds, None), seconds)


def run(command: Command, plain: Plain, sizes: list[int], workers: list[int]) -> Iterator[Outcome]:
    for name, (_, _, shares) in VERBS.items():
        for w in workers if shares else workers[:1]:
            for n in sizes:
                yield best_of(partial(_verb, command, plain, name, w, n))
    for fault in FAULTS:
        for w in workers:
            for n in sizes:
                if n <= MOST_ROWS_OF_AN_ERROR:
                    yield _error(command, fault, w, n)
