"""Steps on SQLite: the engine's table on Django's connection, else rows that are bound."""

from __future__ import annotations

import re
import threading
from typing import Any

from django.db import DatabaseError

from bulkmodel import _core
from bulkmodel.statements import Condition, placed, result, spliced

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


def show_batch(
    cursor: Any,
    job: _core.Job,
    sql: str,
    params: tuple[bytes | None, ...],
    n: int,
    wants_rows: bool,
    condition: Condition,
) -> tuple[int, list[Any]]:
    text, order = placed(sql, "%s", condition.sql)
    source = source_of(cursor.db)
    if source is None:
        raise DatabaseError("The connection was opened again while rows were written.")
    source.offer(job)
    try:
        cursor.execute(text, spliced(order, (), condition))
        return result(cursor, wants_rows)
    finally:
        source.withdraw()


_VALUES = re.compile(r" VALUES (\([%s, ]+\))")


def bind_rows(
    cursor: Any,
    job: _core.Job,
    sql: str,
    params: tuple[bytes | None, ...],
    n: int,
    wants_rows: bool,
    condition: Condition,
) -> tuple[int, list[Any]]:
    """An INSERT of many rows is one statement, a row of VALUES each; an UPDATE is run for each."""
    text, order = placed(sql, "%s", condition.sql)
    cells = job.bind(0, n)
    values = _VALUES.search(text)
    if text.startswith("INSERT") and values:
        row = values[1]
        text = f"{text[: values.start(1)]}{', '.join([row] * n)}{text[values.end(1) :]}"
        cursor.execute(text, tuple(cells))
        return result(cursor, wants_rows)
    width = len(cells) // n
    cursor.executemany(
        text,
        [spliced(order, cells[i : i + width], condition) for i in range(0, len(cells), width)],
    )
    return result(cursor, wants_rows)


PERFORM = {"batch": show_batch, "rows": bind_rows}
