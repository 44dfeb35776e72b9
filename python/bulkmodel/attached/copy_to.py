"""The rows of a table as dicts, tuples or an Arrow stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from bulkmodel import _core
from bulkmodel.attached.tables import Column, kind_declared, kind_of
from bulkmodel.engine.driver_connection import Connection, quoted

# Arrow's format, the engine's type of the values and their width in Arrow.
_ARROW = {
    "bool": ("b", "bool", 0),
    "int2": ("s", "int2", 2),
    "int4": ("i", "int4", 4),
    "int8": ("l", "int8", 8),
    "float8": ("g", "float8", 8),
    "text": ("U", "text", 0),
    "varchar": ("U", "text", 0),
    "uuid": ("U", "text", 0),
    "numeric": ("U", "text", 0),
    "bytea": ("Z", "bytea", 0),
    "date": ("tdD", "date", 4),
    "time": ("ttu", "time", 8),
    "timestamp": ("tsu:", "timestamp", 8),
    "timestamptz": ("tsu:UTC", "timestamptz", 8),
}


class CopyOut:
    """The rows of a table.  Each reading runs the query.

    Iterate for dicts, call tuples() for tuples, and give it to any reader of Arrow for a frame:
    `pyarrow.table(rows)`, `polars.DataFrame(rows)`."""

    def __init__(
        self,
        connection: Connection,
        table: str,
        known: dict[str, Column],
        names: list[str],
        where: str | None,
        params: Sequence[Any],
        chunk_size: int,
    ) -> None:
        """ValueError: the table has no such column, or chunk_size is not positive."""
        for name in names:
            if name not in known:
                raise ValueError(f'Table "{table}" has no column "{name}".')
        if chunk_size <= 0 or not names:
            raise ValueError("chunk_size must be positive, and columns must name one or more.")
        self._connection, self._known, self._names = connection, known, names
        self._where, self._params, self._size = where, params, chunk_size
        columns = ", ".join(quoted([name]) for name in names)
        self._sql = f"SELECT {columns} FROM {quoted([table])}"

    def _chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        with self._connection.drivers_errors(), self._connection.stream() as cursor:
            cursor.select(self._sql, self._where, self._params)
            while chunk := cursor.fetchmany(self._size):
                yield chunk

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as tuples."""
        for chunk in self._chunks():
            yield from chunk

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.tuples():
            yield dict(zip(self._names, row))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as a PyCapsule with an ArrowArrayStream, which may be read once.  numeric
        and uuid are text."""
        chunks = self._chunks()
        first = next(chunks, [])
        kinds = [self._kind(at, first) for at in range(len(self._names))]
        waiting = [first] if first else []

        def read() -> list[list[Any]] | None:
            chunk = waiting.pop() if waiting else next(chunks, None)
            if chunk is None:
                return None
            columns = zip(*chunk)
            return [[_cell(kind, cell) for cell in cells] for kind, cells in zip(kinds, columns)]

        named = tuple((n, *_ARROW.get(k, _ARROW["text"])) for n, k in zip(self._names, kinds))
        return _core.arrow_stream(named, read)

    def _kind(self, at: int, first: list[tuple[Any, ...]]) -> str:
        column = self._known[self._names[at]]
        if column.cast is not None:
            return "text"
        declared = column.kind or kind_declared(column.declared)
        values = [row[at] for row in first if row[at] is not None]
        if column.kind or not values:
            return declared or "text"
        kind = kind_of(values)  # SQLite stores values of any type
        return declared if (declared, kind) == ("float8", "int8") else kind or "text"


def _cell(kind: str, cell: Any) -> Any:
    if cell is None:
        return None
    arrow = _ARROW.get(kind, _ARROW["text"])
    if arrow[0] == "U":
        return cell if isinstance(cell, str) else _text(cell)
    return bytes(cell) if kind == "bytea" else cell


def _text(cell: Any) -> str:
    return json.dumps(cell, default=str) if isinstance(cell, dict | list) else str(cell)
