"""Steps of a job, performed by Django's own cursor on Django's own connection."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import django
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core

try:
    from django.db.backends.postgresql.psycopg_any import (  # type: ignore[import-untyped]
        is_psycopg3,
    )
except ImportError:
    is_psycopg3 = False

KNOWN_DJANGO = {(5, 2), (6, 0), (6, 1)}
_ADAPTERS = (
    "adapt_datefield_value",
    "adapt_datetimefield_value",
    "adapt_timefield_value",
    "adapt_decimalfield_value",
    "adapt_integerfield_value",
    "adapt_unknown_value",
)


def dialect_of(connection: BaseDatabaseWrapper) -> str | None:
    """The engine's name for this connection; None: Django's way."""
    if django.VERSION[:2] not in KNOWN_DJANGO:
        return None
    if connection.vendor == "postgresql" and is_psycopg3:
        from django.db.backends.postgresql.operations import DatabaseOperations as PostgreSQL

        return "postgresql" if _is_unmodified(connection, PostgreSQL) else None
    if connection.vendor == "sqlite":
        from django.db.backends.sqlite3.operations import DatabaseOperations as SQLite

        if not connection.features.can_return_rows_from_bulk_insert:
            return None
        if not _is_unmodified(connection, SQLite):
            return None
        return "sqlite-table" if source_of(connection) is not None else "sqlite-rows"
    return None


def _is_unmodified(connection: BaseDatabaseWrapper, own: type[Any]) -> bool:
    ops = type(connection.ops)
    return all(getattr(ops, name, None) is getattr(own, name, None) for name in _ADAPTERS)


# ------------------------------------------------------------------------------ statements

# A quoted name, a literal, a cell ($n, ?n), or a percent sign.
_TOKEN = re.compile(r""""(?:[^"]|"")*"|'(?:[^']|'')*'|[$?](\d+)|%""")


@lru_cache(maxsize=512)
def _placed(sql: str, mark: str, condition: str) -> tuple[str, tuple[int, ...]]:
    """The statement with Django's placeholders, and which cell each of them is; 0 stands for the
    parameters of the condition, which takes the place of $0."""
    order: list[int] = []

    def place(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0].replace("%", "%%")
        order.append(int(match[1]))
        return mark if order[-1] else condition

    return _TOKEN.sub(place, sql), tuple(order)


class Condition:
    """What rows must fulfil beside having a key of the batch: a queryset's WHERE."""

    def __init__(self, sql: str = "", params: tuple[Any, ...] = ()) -> None:
        self.sql = sql
        self.params = params

    @property
    def place(self) -> str | None:
        return "$0" if self.sql else None


def _spliced(order: tuple[int, ...], cells: Any, condition: Condition) -> tuple[Any, ...]:
    if 0 not in order:
        return tuple(cells[i - 1] for i in order)
    out: list[Any] = []
    for i in order:
        if i:
            out.append(cells[i - 1])
        else:
            out.extend(condition.params)
    return tuple(out)


def run(job: _core.Job, connection: BaseDatabaseWrapper, condition: Condition) -> None:
    """Perform a job.  What the database refuses is raised as Django raises it."""
    perform = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    with _cursor(connection) as cursor:
        try:
            while (step := job.next()) is not None:
                kind, sql, params, n, wants_rows = step
                count, rows = perform[kind](cursor, job, sql, params, n, wants_rows, condition)
                job.answer(count, rows)
        except _core.EngineError as error:
            raise DatabaseError(str(error)) from error


def _result(cursor: Any, wants_rows: bool) -> tuple[int, list[Any]]:
    if wants_rows:
        rows = cursor.fetchall()
        return len(rows), rows
    return cursor.rowcount, []


# ------------------------------------------------------------------------------ PostgreSQL

if is_psycopg3:
    from django.db.backends.postgresql import base
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class Raw:
        """A parameter in the server's binary form."""

        __slots__ = ("data",)

        def __init__(self, data: bytes) -> None:
            self.data = data

        def __repr__(self) -> str:
            return f"<{len(self.data)} bytes>"

    class Blocks:
        """The bytes of a COPY, made as they are sent."""

        __slots__ = ("job", "rows")

        def __init__(self, job: _core.Job, rows: int) -> None:
            self.job = job
            self.rows = rows

        def __repr__(self) -> str:
            return f"<{self.rows} rows>"

    class RawDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: Any) -> Any:
            return obj.data

    class ReprDumper(Dumper):
        """For the query log."""

        format = Format.TEXT

        def dump(self, obj: Any) -> Any:
            return repr(obj).encode()

    class EngineCursor(base.ServerBindingCursor):  # type: ignore[misc,name-defined]
        """Takes binary parameters, and a COPY as if it were a statement with one parameter."""

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            if not (params and type(params[0]) is Blocks):
                return super().execute(query, params, **options)
            job = params[0].job
            with self.copy(query.removesuffix(_NOTE)) as copy:
                while (block := job.pull()) is not None:
                    copy.write(block)
            return self


# The query log puts the parameter here.
_NOTE = " -- %s"


@contextmanager
def _cursor(connection: Any) -> Iterator[Any]:
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    driver = connection.connection
    if getattr(connection, "_bulkmodel_raw", None) is not driver:
        for kind in (Raw, Blocks):
            driver.adapters.register_dumper(kind, ReprDumper)
        driver.adapters.register_dumper(Raw, RawDumper)
        connection._bulkmodel_raw = driver
    factory = driver.cursor_factory
    driver.cursor_factory = EngineCursor
    try:
        cursor = connection.cursor()
    finally:
        driver.cursor_factory = factory
    with cursor:
        yield cursor


def _pg_exec(
    cursor: Any,
    job: _core.Job | None,
    sql: str,
    params: tuple[bytes | None, ...],
    n: int,
    wants_rows: bool,
    condition: Condition,
) -> tuple[int, list[Any]]:
    text, order = _placed(sql, "%b", condition.sql)
    cells = [None if cell is None else Raw(cell) for cell in params]
    cursor.execute(text, _spliced(order, cells, condition))
    return _result(cursor, wants_rows)


def _pg_load(
    cursor: Any,
    job: _core.Job,
    sql: str,
    params: tuple[bytes | None, ...],
    n: int,
    wants_rows: bool,
    condition: Condition,
) -> tuple[int, list[Any]]:
    text, _ = _placed(sql, "%b", "")
    cursor.execute(text + _NOTE, (Blocks(job, n),))
    return cursor.rowcount, []


_POSTGRESQL = {"exec": _pg_exec, "load": _pg_load}


def ask(table: _core.Table, connection: BaseDatabaseWrapper) -> _core.Catalog:
    """What the server says of the table."""
    catalog = _core.Catalog(table)
    sql, params = catalog.question()
    with _cursor(connection) as cursor:
        _, rows = _pg_exec(cursor, None, sql, params, 1, True, Condition())
    catalog.answer(rows)
    return catalog


# ------------------------------------------------------------------------------ SQLite

_loading = threading.Lock()


def source_of(connection: Any) -> _core.Source | None:
    """The engine's table on this connection, where its SQLite may load it."""
    connection.ensure_connection()
    known = getattr(connection, "_bulkmodel_source", None)
    if known is not None and known[0] is connection.connection:
        return known[1]  # type: ignore[no-any-return]
    source = _load(connection.connection)
    connection._bulkmodel_source = (connection.connection, source)
    return source


def _load(driver: Any) -> _core.Source | None:
    if not hasattr(driver, "enable_load_extension") or not hasattr(_core, "take_source"):
        return None
    with _loading:
        try:
            driver.enable_load_extension(True)
            try:
                driver.load_extension(_core.__file__)
            finally:
                driver.enable_load_extension(False)
            return _core.take_source()
        except Exception:
            return None


def _lite_batch(
    cursor: Any,
    job: _core.Job,
    sql: str,
    params: tuple[bytes | None, ...],
    n: int,
    wants_rows: bool,
    condition: Condition,
) -> tuple[int, list[Any]]:
    text, order = _placed(sql, "%s", condition.sql)
    source = source_of(cursor.db)
    if source is None:
        raise DatabaseError("The connection was opened again while rows were written.")
    source.offer(job)
    try:
        cursor.execute(text, _spliced(order, (), condition))
        return _result(cursor, wants_rows)
    finally:
        source.withdraw()


_VALUES = re.compile(r" VALUES (\([%s, ]+\))")


def _lite_rows(
    cursor: Any,
    job: _core.Job,
    sql: str,
    params: tuple[bytes | None, ...],
    n: int,
    wants_rows: bool,
    condition: Condition,
) -> tuple[int, list[Any]]:
    """An INSERT of many rows is one statement, a row of VALUES each; an UPDATE is run for each."""
    text, order = _placed(sql, "%s", condition.sql)
    cells = job.bind(0, n)
    values = _VALUES.search(text)
    if text.startswith("INSERT") and values:
        row = values[1]
        text = f"{text[: values.start(1)]}{', '.join([row] * n)}{text[values.end(1) :]}"
        cursor.execute(text, tuple(cells))
        return _result(cursor, wants_rows)
    width = len(cells) // n
    cursor.executemany(
        text,
        [_spliced(order, cells[i : i + width], condition) for i in range(0, len(cells), width)],
    )
    return _result(cursor, wants_rows)


_SQLITE = {"batch": _lite_batch, "rows": _lite_rows}
