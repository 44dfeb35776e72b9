"""Rows of a call as columns: dicts, tuples, objects or a frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

from bulkmodel import _core
from bulkmodel.attached.tables import Column, form_of, kind_of
from bulkmodel.engine.failure import at_row


@dataclass
class Given:
    """Rows of a call."""

    names: list[str]
    columns: list[list[Any]]  # the values of each
    n: int

    def of(self, name: str) -> list[Any]:
        return self.columns[self.names.index(name)]

    def keys(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return what identifies each row.  ValueError: the rows have no such column."""
        missing = [name for name in names if name not in self.names]
        if missing:
            raise ValueError(f'The rows have no column "{missing[0]}", which identifies a row.')
        return list(zip(*(self.of(name) for name in names)))

    def chosen(self, places: Sequence[int], names: Sequence[str]) -> Given:
        """Return some of the rows, with these columns."""
        columns = [self.of(name) for name in names]
        return Given(list(names), [[one[i] for i in places] for one in columns], len(places))


def given(
    table: str, known: Mapping[str, Column], rows: Any, columns: Iterable[str] | None
) -> Given:
    """Return the rows of a call.  columns: names of the values of tuples, or of the attributes of
    objects.  ValueError, TypeError: a row is not like the others, or has an unknown column."""
    if isinstance(columns, str):
        raise TypeError(f"columns must be a list of names: [{columns!r}]")
    names = None if columns is None else list(columns)
    if hasattr(type(rows), "__arrow_c_stream__"):
        found = _of_frame(rows, known, names)
    else:
        found = _of_rows(list(rows), known, names)
    for name in found.names:
        if name not in known:
            raise ValueError(f'Table "{table}" has no column "{name}", it has {", ".join(known)}.')
        if known[name].generated:
            raise ValueError(f'The database computes column "{name}": leave it out.')
    if len(set(found.names)) < len(found.names):
        raise ValueError("A column is given twice.")
    return found


def _of_rows(rows: list[Any], known: Mapping[str, Column], names: list[str] | None) -> Given:
    if not rows:
        return Given(names or [], [[] for _ in names or []], 0)
    if _has_keys(rows[0]):
        rows = [dict(row) if _has_keys(row) else row for row in rows]
    first = rows[0]
    if is_value(first):
        what = "expected a dict, a tuple or an object with attributes"
        raise at_row(TypeError(f"Row 0 is of type {type(first).__name__}: {what}."), 0, None)
    if isinstance(first, Mapping):
        exact = names is None
        names = list(first) if names is None else names
        values = [_of_dict(i, row, names, exact) for i, row in enumerate(rows)]
    elif isinstance(first, (tuple, list)):
        if names is None:
            names = list(getattr(first, "_fields", ()))
        if not names:
            raise ValueError("Rows that are tuples need columns=: the names of their values.")
        values = [_of_tuple(i, row, names) for i, row in enumerate(rows)]
    else:
        names = [name for name in known if hasattr(first, name)] if names is None else names
        values = [_of_object(i, row, names) for i, row in enumerate(rows)]
    return Given(names, [list(column) for column in zip(*values)], len(rows))


def _has_keys(row: Any) -> bool:
    """Return whether it is as sqlite3.Row, which is no Mapping."""
    return not isinstance(row, Mapping) and hasattr(row, "keys") and not is_dataclass(row)


def is_value(row: Any) -> bool:
    """Return whether it is one value, not a row of them."""
    has_more = isinstance(row, (Mapping, tuple, list)) or is_dataclass(row) or _has_keys(row)
    return kind_of([row]) is not None and not has_more


def _of_dict(i: int, row: Any, names: list[str], exact: bool) -> list[Any]:
    if not isinstance(row, Mapping):
        raise at_row(TypeError(f"Row {i} is a {type(row).__name__}, not a dict."), i, None)
    if exact and len(row) != len(names):
        more = next((name for name in row if name not in names), None)
        if more is not None:
            raise at_row(ValueError(f'Row {i} has a column "{more}", row 0 has not.'), i, None)
    try:
        return [row[name] for name in names]
    except KeyError as error:
        name = error.args[0]
        raise at_row(ValueError(f'Row {i} has no column "{name}".'), i, name) from None


def _of_tuple(i: int, row: Any, names: list[str]) -> list[Any]:
    if not isinstance(row, (tuple, list)) or len(row) != len(names):
        what = f"has {len(row)} values" if hasattr(row, "__len__") else "is not a tuple"
        raise at_row(ValueError(f"Row {i} {what}: expected {len(names)} values."), i, None)
    return list(row)


def _of_object(i: int, row: Any, names: list[str]) -> list[Any]:
    try:
        return [getattr(row, name) for name in names]
    except AttributeError as error:
        raise at_row(ValueError(f"Row {i}: {error}"), i, error.name) from None


def _of_frame(frame: Any, known: Mapping[str, Column], names: list[str] | None) -> Given:
    try:
        stream = _core.Frame(frame.__arrow_c_stream__())
        own = [name for name, _ in stream.columns()]
        chosen = own if names is None else names
        missing = [name for name in chosen if name not in own]
        if missing:
            raise ValueError(f'The frame has no column "{missing[0]}".')
        columns: list[list[Any]] = [[] for _ in chosen]
        n = 0
        while (piece := stream.read(10_000)) is not None:
            n += len(piece)
            for name, values in zip(chosen, columns):
                number, column = own.index(name), known.get(name)
                kind = column.kind if column is not None and column.cast is None else ""
                fits = bool(kind) and stream.fits(number, kind)
                values += piece.values(number, kind if fits else None)
    except _core.Unread as error:
        message, row, name = error.args
        where = f'Row {row}, column "{name}": ' if row is not None else ""
        raise at_row(ValueError(f"{where}{message}"), row, name) from None
    for at, name in enumerate(chosen):
        if name in known and known[name].form == "json":
            columns[at] = [json.loads(v) if isinstance(v, str) else v for v in columns[at]]
    return Given(chosen, columns, n)


class _Holder:
    """A value as the attribute of an object, for the types that only objects' values have."""

    def __init__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value


def _no_other(field: int, holder: Any) -> Any:
    return NotImplemented


def _put(rows: _core.Rows, at: int, one: Column, kind: str, values: list[Any]) -> bool:
    if form_of(one, kind):
        holders = [_Holder(one.name, value) for value in values]
        return not rows.take((at,), holders, False, _no_other)
    return rows.give(at, values, False, kind)


def fill(
    rows: _core.Rows,
    table: _core.Table,
    at: int,
    column: tuple[Column, str],
    values: list[Any],
    places: Sequence[int],
) -> None:
    """Give a column its values.  ValueError: one does not fit the column; it has row_index."""
    one, kind = column
    if _put(rows, at, one, kind, values):
        return
    for row, value in zip(places, values):
        if not _put(_core.Rows(table, 1), at, one, kind, [value]):
            what = f"a value of type {type(value).__name__} does not fit {one.cast or kind}"
            error = ValueError(f'Row {row}, column "{one.name}": {what}.')
            raise at_row(error, row, one.name)


def kind_for(column: Column, values: list[Any], places: Sequence[int]) -> str:
    """Return the engine's type of a column's values.  ValueError: they have several types."""
    kind = column.kind or kind_of(values)
    if kind is not None:
        return kind
    known = None
    for row, value in zip(places, values):
        own = None if value is None else kind_of([value])
        if value is not None and (own is None or kind_of([value, known]) is None):
            what = f"a value of type {type(value).__name__}"
            what += " cannot be stored" if own is None else " is among values of other types"
            error = ValueError(f'Row {row}, column "{column.name}": {what}.')
            raise at_row(error, row, column.name)
        known = value if known is None else known
    return "text"
