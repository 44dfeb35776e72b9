"""Translate the engine's statements for Django's cursors."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

# Up to this many rows use as many statements as Django.
SMALL = 1000

# A quoted name, a literal, a cell ($n, ?n), or a percent sign.
_TOKEN = re.compile(r""""(?:[^"]|"")*"|'(?:[^']|'')*'|[$?](\d+)|%""")


@lru_cache(maxsize=512)
def with_placeholders(sql: str, mark: str, condition: str) -> tuple[str, tuple[int, ...]]:
    """Return the statement with Django's placeholders, and the number of the cell for each.  0
    means the parameters of the condition, which replaces $0."""
    order: list[int] = []

    def place(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0].replace("%", "%%")
        order.append(int(match[1]))
        return mark if order[-1] else condition

    return _TOKEN.sub(place, sql), tuple(order)


def nothing() -> None:
    """Do nothing."""


class Step(NamedTuple):
    """A step, as Job.next() returns it."""

    kind: str
    sql: str
    params: tuple[bytes | None, ...]
    n: int  # rows
    wants_rows: bool
    beside: Callable[[], None] = nothing  # called while the database is busy


class Condition:
    """A queryset's WHERE: rows of the batch that do not match it are not written."""

    def __init__(self, sql: str = "", params: tuple[Any, ...] = ()) -> None:
        self.sql = sql
        self.params = params
        self.placeholder = "$0" if sql else None
        self.is_plain = "SELECT" not in sql.upper()  # it reads no other rows


ANY_ROW = Condition()


class Reading(Condition):
    """No condition.  Given keys of inserted rows are read back, because a trigger may have changed
    them.  The engine's statement returns them anyway."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[Any] = []


def statement(sql: str, mark: str, condition: Condition, cells: Any) -> tuple[str, tuple[Any, ...]]:
    """Return the statement with Django's placeholders, and its parameters."""
    text, order = with_placeholders(sql, mark, condition.sql)
    return text, spliced(order, cells, condition)


def spliced(order: tuple[int, ...], cells: Any, condition: Condition) -> tuple[Any, ...]:
    if 0 not in order:
        return tuple(cells[i - 1] for i in order)
    out: list[Any] = []
    for i in order:
        if i:
            out.append(cells[i - 1])
        else:
            out.extend(condition.params)
    return tuple(out)


def result(cursor: Any, wants_rows: bool) -> tuple[int, list[Any]]:
    if wants_rows:
        rows = cursor.fetchall()
        return len(rows), rows
    return cursor.rowcount, []
