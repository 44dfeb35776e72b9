"""Find the rows of a table by their keys, and compare them with those of a call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from bulkmodel import _core
from bulkmodel.attached.given import Given, fill, kind_for
from bulkmodel.attached.tables import KEY, Column, table_for
from bulkmodel.database import DatabaseError
from bulkmodel.engine.driver_connection import Connection, quoted
from bulkmodel.engine.statements import SMALL

Key = tuple[Any, ...]
_VARIABLES = 30_000  # SQLite's limit is 32766


class Row(NamedTuple):
    """A row that was found."""

    values: tuple[Any, ...]
    is_same: bool  # it has the values that were compared


class Finder:
    """A search in a table."""

    def __init__(
        self, connection: Connection, table: str, known: dict[str, Column], keys: Sequence[str]
    ) -> None:
        """keys: the columns that identify a row."""
        self.connection, self.table, self.known, self.keys = connection, table, known, list(keys)

    def find(
        self, rows: Given, wanted: Sequence[str], compared: Sequence[str] = ()
    ) -> dict[int, Row]:
        """Return the wanted values of the rows that exist, by the position of the row in the call.
        On PostgreSQL they stay locked.  ValueError: several rows have a key."""
        places = [i for i, key in enumerate(rows.keys(self.keys)) if None not in key]
        if not places:
            return {}
        on_server = self.connection.dialect.has_catalog
        part = rows.chosen(places, [*self.keys, *compared])
        ask = self._on_postgresql if on_server else self._on_sqlite
        found: dict[int, Row] = {}
        for at, *values in ask(part, places, wanted, compared):
            row = places[at]
            if row in found:
                keys = ", ".join(self.keys)
                raise ValueError(f"Row {row}: several rows of {self.table} have its {keys}.")
            stored = values[len(wanted) :]
            if on_server:
                same = all(
                    _is_same(self.known[name], part.of(name)[at], there)
                    for name, there in zip(compared, stored)
                )
            else:
                same = bool(stored[0])
            found[row] = Row(tuple(values[: len(wanted)]), same)
        return found

    def _source(self) -> str:
        on = (f"t.{_name(key)} = k.k{i}" for i, key in enumerate(self.keys))
        return f"JOIN {_name(self.table)} t ON {' AND '.join(on)}"

    def _on_postgresql(
        self, part: Given, places: Sequence[int], wanted: Sequence[str], compared: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        of_key = [self.known[key] for key in self.keys]
        kinds = [one.cast or f"pg_catalog.{one.kind}" for one in of_key]
        arrays = ", ".join(f"pg_catalog.unnest(%s::{kind}[])" for kind in kinds)
        names = ", ".join(f"k{i}" for i in range(len(self.keys)))
        out = "".join(f", t.{_name(name)}" for name in [*wanted, *compared])
        sql = (
            f"SELECT (k.o - 1)::pg_catalog.int8{out} FROM ROWS FROM ({arrays}) WITH"
            f" ORDINALITY k ({names}, o) {self._source()} FOR UPDATE OF t"
        )
        with self.connection.cursor() as cursor:
            try:
                cursor.execute(sql, [part.of(key) for key in self.keys])
                return cursor.fetchall()  # type: ignore[no-any-return]
            except DatabaseError:
                _columns_of(self.known, "postgresql", part.chosen(range(part.n), self.keys), places)
                raise

    def _on_sqlite(
        self, part: Given, places: Sequence[int], wanted: Sequence[str], compared: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """The database compares: it stores a value as the type of the column says."""
        stored = _as_stored(self.known, part, places)
        width = len(self.keys) + len(compared) + 1
        size = min(SMALL, _VARIABLES // width)
        names = [f"k{i}" for i in range(len(self.keys))] + [f"v{i}" for i in range(len(compared))]
        out = "".join(f", t.{_name(name)}" for name in wanted)
        same = " AND ".join(
            f"t.{_name(name)} IS k.v{i} COLLATE BINARY" for i, name in enumerate(compared)
        )
        mark = f"({', '.join(['%s'] * width)})"
        found: list[tuple[Any, ...]] = []
        for first in range(0, part.n, size):
            some = stored[first : first + size]
            cells = [cell for i, row in enumerate(some, first) for cell in (i, *row)]
            sql = (
                f"WITH k (o, {', '.join(names)}) AS (VALUES {', '.join([mark] * len(some))})"
                f" SELECT k.o{out}, {same or '1'} FROM k {self._source()}"
            )
            with self.connection.cursor() as cursor:
                cursor.execute(sql, cells)
                found += cursor.fetchall()
        return found


def _as_stored(
    known: dict[str, Column], part: Given, places: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Return the rows with the values that the engine gives SQLite for them."""
    rows = _columns_of(known, "sqlite-rows", part, places)
    job = _core.Job(rows, "bulk_create", (), part.n, None, True, 0, None, ())
    job.next()
    cells = job.bind(0, part.n)
    width = len(part.names)
    return [tuple(cells[i : i + width]) for i in range(0, len(cells), width)]


def _columns_of(
    known: dict[str, Column], dialect: str, part: Given, places: Sequence[int]
) -> _core.Rows:
    """Return the rows as the engine takes them.  ValueError: a value does not fit its column."""
    typed = [(known[n], kind_for(known[n], part.of(n), places)) for n in part.names]
    made = table_for(dialect, "t", typed, {part.names[0]: KEY})
    rows = _core.Rows(made, part.n)
    for at, column in enumerate(typed):
        fill(rows, made, at, column, part.columns[at], places)
    return rows


def _is_same(column: Column, given: Any, stored: Any) -> bool:
    """Return whether a value is that of a row.  In doubt: False."""
    if given is None or stored is None:
        return given is stored
    if column.form == "json":  # for Python 1 equals True
        return json.dumps(given, sort_keys=True) == json.dumps(stored, sort_keys=True)
    return bool(given == stored)


def _name(name: str) -> str:
    """Return a quoted name, for a statement with placeholders."""
    return quoted([name]).replace("%", "%%")
