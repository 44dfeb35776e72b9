"""Translate the engine's statements for Django's cursors."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

# Up to this many rows use as many statements as Django.
SMALL = 1000

# bm__keys_by: the catalog was read, or how the keys are matched
ASKED, PROVED, MADE, EACH, KNOWN = range(5)

# A quoted name, a literal, a cell ($n, ?n), or a percent sign.
_TOKEN = re.compile(r""""(?:[^"]|"")*"|`(?:[^`]|``)*`|'(?:[^']|'')*'|[$?](\d+)|%""")


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
    """No condition.  What the INSERT returns is kept: the rows' keys, and after them the values
    that the database computed.

    reads_keys: given keys are read back, too, because a trigger may have changed them."""

    def __init__(self, n_keys: int = 1, n_computed: int = 0, reads_keys: bool = True) -> None:
        super().__init__()
        self.n_keys = n_keys
        self.n_computed = n_computed
        self.reads_keys = reads_keys
        self.keys: list[Any] = []  # of rows that have given ones
        self.computed: list[tuple[Any, ...]] = []  # (key, ..., value, ...)

    def anew(self) -> Reading:
        """Return one that has read nothing."""
        return Reading(self.n_keys, self.n_computed, self.reads_keys)

    def take(self, rows: list[Any], wants_rows: bool) -> list[Any]:
        """Keep what was returned.  Return the rows that the engine wants."""
        if self.n_computed:
            self.computed += [row[-self.n_keys - self.n_computed :] for row in rows]
            rows = [row[: -self.n_computed] for row in rows]
        if wants_rows:
            return rows
        if self.reads_keys:
            self.keys += [row[0] for row in rows]
        return []


def reads_keys(condition: Condition) -> bool:
    """Return whether given keys are read back."""
    return isinstance(condition, Reading) and condition.reads_keys


def statement(sql: str, mark: str, condition: Condition, cells: Any) -> tuple[str, tuple[Any, ...]]:
    """Return the statement with Django's placeholders, and its parameters."""
    text, order = with_placeholders(sql, mark, condition.sql)
    return text, spliced(order, cells, condition)


def spliced(order: tuple[int, ...], cells: Any, condition: Condition) -> tuple[Any, ...]:
    out: list[Any] = []
    for i in order:
        if i:
            out.append(cells[i - 1])
        else:
            out.extend(condition.params)
    return tuple(out)


def result(cursor: Any, wants_rows: bool, condition: Condition = ANY_ROW) -> tuple[int, list[Any]]:
    if isinstance(condition, Reading) and cursor.description:
        rows = cursor.fetchall()
        return len(rows), condition.take(rows, wants_rows)
    if wants_rows:
        rows = cursor.fetchall()
        return len(rows), rows
    return cursor.rowcount, []
