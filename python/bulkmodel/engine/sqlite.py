"""Steps on SQLite: a virtual table on Django's connection, or bound parameters without it."""

from __future__ import annotations

import _sqlite3
import re
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from bulkmodel import _core, conf
from bulkmodel.database import DatabaseError, Error, ImproperlyConfigured, IntegrityError, atomic
from bulkmodel.engine import failure
from bulkmodel.engine.statements import Condition, Step, result, spliced, with_placeholders

_loading = threading.Lock()


def source_of(connection: Any) -> _core.Source | None:
    """Return the virtual table of this connection, or None if SQLite cannot load it."""
    connection.ensure_connection()
    known = getattr(connection, "_bulkmodel_source", None)
    if known is not None and known[0] is connection.connection:
        return known[1]  # type: ignore[no-any-return]
    source = _load(connection.connection)
    connection._bulkmodel_source = (connection.connection, source)
    return source


def _load(driver: Any) -> _core.Source | None:
    if not hasattr(_core, "take_source"):
        return None
    with _loading:
        try:
            if hasattr(driver, "enable_load_extension"):
                return _by_extension(driver)
            return _by_probe(driver) if conf.sqlite_probe() else None
        except ImproperlyConfigured:
            raise
        except Exception:
            return None


def _by_extension(driver: Any) -> _core.Source:
    try:
        driver.execute("SELECT load_extension(NULL)")
        allowed = True
    except sqlite3.Error:
        allowed = False
    driver.enable_load_extension(True)
    try:
        driver.load_extension(_core.__file__)
    finally:
        driver.enable_load_extension(allowed)
    return _core.take_source()


def _by_probe(driver: Any) -> _core.Source | None:
    offset = _offset()
    return None if offset is None else _core.source_at(driver, sqlite3.Connection, offset)


@lru_cache(maxsize=1)
def _offset() -> int | None:
    """Return where Python's Connection object keeps its handle, or None if that is not certain."""
    if sys.implementation.name != "cpython" or not getattr(_sqlite3, "__file__", None):
        return None
    return _core.probe(_sqlite3.__file__, sqlite3.connect, sqlite3.Connection)


def _watched(cursor: Any, source: _core.Source, job: _core.Job) -> bool:
    """Insert rows and let the virtual table record their keys.  That is faster than RETURNING, for
    which SQLite stores rows and keys temporarily.  False: nothing was written."""
    sql = source.watch(job)
    if sql is None:
        return False
    try:
        cursor.execute(with_placeholders(sql, "%s", "")[0], ())
    except DatabaseError:
        if not source.watched(job):
            return False
        raise
    return source.watched(job)


_Write = Callable[[int, int], tuple[int, list[Any]]]
_INTO = re.compile(r'INSERT INTO "((?:[^"]|"")+)"')


def _is_virtual(cursor: Any, text: str) -> bool:
    """Return whether the statement inserts into a virtual table, such as fts5 or rtree."""
    into = _INTO.match(text)
    if into is None:
        return False
    found = cursor.db.connection.execute(
        "SELECT 1 FROM (SELECT * FROM sqlite_master UNION ALL SELECT * FROM sqlite_temp_master) "
        "WHERE type = 'table' AND rootpage = 0 AND name = ? COLLATE NOCASE",
        (into[1].replace('""', '"'),),
    )
    return found.fetchone() is not None


# What a virtual table returns as the rowid of a new row.
_NO_ROWIDS = ([(-1,)], [(None,)])


def _with_keys(cursor: Any, text: str, n: int, write: _Write) -> tuple[int, list[Any]]:
    """Write n rows and return their keys.  For a virtual table RETURNING gives -1 or NULL as
    rowid, and SQLite only knows the rowid of the last row.  So such rows are written one by one."""
    if n == 1:
        count, keys = write(0, n)
        return count, _last_rowid(cursor) if _lacks_rowid(cursor, text, keys) else keys
    if not _is_virtual(cursor, text):
        return write(0, n)
    keys = []
    with atomic(cursor.db):  # Django's one statement may be alone
        for row in range(n):
            write(row, 1)
            keys += _last_rowid(cursor)
    return n, keys


def _lacks_rowid(cursor: Any, text: str, keys: list[Any]) -> bool:
    return keys in _NO_ROWIDS and _is_virtual(cursor, text)


def _last_rowid(cursor: Any) -> list[Any]:
    found: list[Any] = cursor.db.connection.execute("SELECT last_insert_rowid()").fetchall()
    return found


def show_batch(
    cursor: Any, job: _core.Job, step: Step, condition: Condition
) -> tuple[int, list[Any]]:
    text, order = with_placeholders(step.sql, "%s", condition.sql)
    bound = spliced(order, (), condition) if order else ()

    def write(first: int, rows: int) -> tuple[int, list[Any]]:
        source = source_of(cursor.db)
        if source is None:
            raise DatabaseError("The connection was reopened while rows were being written.")
        source.offer(job, first, rows)
        try:
            if step.wants_rows and _watched(cursor, source, job):
                return cursor.rowcount, []
            cursor.execute(text, bound)
            return result(cursor, step.wants_rows, condition)
        finally:
            source.withdraw()

    if not step.wants_rows:
        return write(0, step.n)
    return _with_keys(cursor, text, step.n, write)


class Counted(list[tuple[Any, ...]]):
    """A list that counts how many of its items were read."""

    taken = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for self.taken, item in enumerate(super().__iter__(), 1):
            yield item


_VALUES = re.compile(r" VALUES (\([%s, ]+\))")


def bind_rows(
    cursor: Any, job: _core.Job, step: Step, condition: Condition
) -> tuple[int, list[Any]]:
    """Run one INSERT with a list of VALUES, or an UPDATE for each row."""
    text, order = with_placeholders(step.sql, "%s", condition.sql)
    values = _VALUES.search(text)
    if not (text.startswith("INSERT") and values):
        return _bind_each(cursor, job, text, order, step.n, condition)
    before, row, after = text[: values.start(1)], values[1], text[values.end(1) :]

    def write(first: int, rows: int) -> tuple[int, list[Any]]:
        many = f"{before}{', '.join([row] * rows)}{after}"
        cursor.execute(many, tuple(job.bind(first, rows)))
        return result(cursor, step.wants_rows, condition)

    if not step.wants_rows:
        return write(0, step.n)
    return _with_keys(cursor, text, step.n, write)


def _bind_each(
    cursor: Any, job: _core.Job, text: str, order: tuple[int, ...], n: int, condition: Condition
) -> tuple[int, list[Any]]:
    cells = job.bind(0, n)
    width = len(cells) // n
    each = Counted(
        spliced(order, cells[i : i + width], condition) for i in range(0, len(cells), width)
    )
    try:
        cursor.executemany(text, each)
    except Error as error:
        failure.stood_at(error, each.taken - 1)
        raise
    return result(cursor, False)


PERFORM = {"batch": show_batch, "rows": bind_rows}

_REFERS = "FOREIGN KEY constraint failed"


class Plain:
    """Runs the statements of a search for a row that take no rows.  One that counts the rows
    without a parent fails where there are more than at first."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.at_first: int | None = None

    def __call__(self, sql: str) -> None:
        self.cursor.execute(sql)
        counted = self.cursor.fetchone() if sql.startswith("SELECT count(*)") else None
        if counted is None:
            return
        if self.at_first is None:
            (self.at_first,) = counted
        elif counted[0] > self.at_first:
            raise IntegrityError(_REFERS) from sqlite3.IntegrityError(_REFERS)


_HIGHEST_KEY = 2**63 - 1
_FULL = "database or disk is full"


def has_no_key_left(error: BaseException, connection: Any, table: str, key: str, n: int) -> bool:
    """Whether the table has fewer than n keys left.  SQLite reports a full disk and the last key
    with the same message (sqlite.org/autoinc.html)."""
    if connection.vendor != "sqlite" or str(error) != _FULL:
        return False
    quote = connection.ops.quote_name
    driver = connection.connection
    try:
        sql = f"SELECT max({quote(key)}) FROM {quote(table)}"
        (highest,) = driver.execute(sql).fetchone()
        found = driver.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        (used,) = found.fetchone() or (0,)
    except Exception:
        return False
    return bool(_HIGHEST_KEY - max(highest or 0, used) < n)
