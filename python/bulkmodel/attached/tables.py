"""The columns of a table, as its database describes them, and their types for the engine."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bulkmodel import _core
from bulkmodel.engine.driver_connection import Connection, quoted

KEY, ASSIGNED = 1, 2  # bm_field's flags

_POSTGRESQL = """
SELECT a.attname, pg_catalog.format_type(t.oid, NULL), t.typname,
    n.nspname OPERATOR(pg_catalog.=) 'pg_catalog', e.typname,
    pg_catalog.array_position(i.indkey::pg_catalog.int2[], a.attnum),
    a.attidentity OPERATOR(pg_catalog.<>) '' OR a.atthasdef,
    a.attgenerated OPERATOR(pg_catalog.<>) ''
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type o ON o.oid OPERATOR(pg_catalog.=) a.atttypid
JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=)
    CASE WHEN o.typtype OPERATOR(pg_catalog.=) 'd' THEN o.typbasetype ELSE o.oid END
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid OPERATOR(pg_catalog.=) t.typelem
    AND t.typcategory OPERATOR(pg_catalog.=) 'A'
LEFT JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) a.attrelid AND i.indisprimary
WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s)
    AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_SQLITE = "SELECT name, type, pk, hidden FROM pragma_table_xinfo(%s)"
# The engine's types by PostgreSQL's names.
_NATIVE = frozenset(
    {
        *("bool", "int2", "int4", "int8", "float8", "numeric", "text", "varchar", "bytea"),
        *("date", "time", "timestamp", "timestamptz", "uuid", "json", "jsonb", "interval"),
    }
)
# The engine's types by Python's, for SQLite, whose columns take any.
_OF_VALUES: dict[type[Any], str] = {
    bool: "bool",
    int: "int8",
    float: "float8",
    str: "text",
    bytes: "bytea",
    bytearray: "bytea",
    memoryview: "bytea",
    decimal.Decimal: "numeric",
    datetime.date: "date",
    datetime.time: "time",
    datetime.timedelta: "interval",
    uuid.UUID: "uuid",
    dict: "json",
    list: "json",
}
_ELEMENTS = {
    **dict.fromkeys(("int2", "int4", "int8"), "int"),
    **dict.fromkeys(("text", "varchar"), "text"),
    "float8": "float",
    "bool": "bool",
    "numeric": "numeric",
    "date": "date",
    "timestamptz": "timestamptz",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
}
_INTEGERS = ("int2", "int4", "int8")


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    kind: str  # the engine's type; "": that of the values
    cast: str | None  # the server's type, of text that the engine sends
    key: int | None  # its place in the primary key
    counts: bool  # the database makes integers for rows that have none
    generated: bool
    form: str = ""
    declared: str = ""  # SQLite's type


def columns_of(connection: Connection, table: str) -> dict[str, Column]:
    """Ask the database for the columns of a table.  ValueError: there is none."""
    with connection.cursor() as cursor:
        if connection.dialect.has_catalog:
            cursor.execute(_POSTGRESQL, [quoted([table])])
            found = [_of_postgresql(*row) for row in cursor.fetchall()]
        else:
            cursor.execute(_SQLITE, [table])
            rows = cursor.fetchall()
            alone = sum(1 for row in rows if row[2]) == 1
            found = [_of_sqlite(alone, *row) for row in rows]
    if not found:
        raise ValueError(f'There is no table "{table}".')
    return {column.name: column for column in found}


def _of_postgresql(
    name: str,
    written: str,
    kind: str,
    is_own: bool,
    element: str | None,
    key: int | None,
    has_default: bool,
    generated: bool,
) -> Column:
    kind = "float8" if is_own and kind == "float4" else kind
    if is_own and kind in _NATIVE:
        form = "json" if kind in ("json", "jsonb") else ""
        counts = has_default and kind in _INTEGERS
        return Column(name, kind, None, key, counts, generated, form)
    cast = f"pg_catalog.{kind}" if is_own and element is None else written
    form = f"{_ELEMENTS[element]}[]" if element in _ELEMENTS else ""
    return Column(name, "text", cast, key, False, generated, form)


def _of_sqlite(alone: bool, name: str, written: str, key: int, hidden: int) -> Column:
    is_rowid = bool(key) and alone and written.upper() == "INTEGER"
    place = key - 1 if key else None
    return Column(name, "", None, place, is_rowid, hidden > 1, declared=written)


def kind_declared(written: str) -> str:
    """Return the engine's type of a declared type of SQLite, as its affinity, or ""."""
    name = written.upper()
    if "INT" in name:
        return "int8"
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in name:
        return "bytea"
    return "float8" if any(word in name for word in ("REAL", "FLOA", "DOUB")) else ""


def kind_of(values: Sequence[Any]) -> str | None:
    """Return the engine's type of Python's values, or None if they are of several."""
    found = {_kind_of_value(value) for value in values if value is not None}
    if found == {"int8", "float8"}:
        return "float8"
    if found == {"bool", "int8"}:
        return "int8"
    return found.pop() if len(found) == 1 else None if found else "text"


def _kind_of_value(value: Any) -> str | None:
    if isinstance(value, datetime.datetime):
        return "timestamp" if value.tzinfo is None else "timestamptz"
    for base in type(value).__mro__:
        if base in _OF_VALUES:
            return _OF_VALUES[base]
    return None


def form_of(column: Column, kind: str) -> str:
    """Return how the extension writes the values, where the type alone does not say it."""
    return column.form or ("json" if kind == "json" else "")


def keys_named(table: str, columns: dict[str, Column], key: Iterable[str] | None) -> list[str]:
    """Return the columns that identify a row: the given ones, or the primary key.  ValueError."""
    if key is not None:
        names = [key] if isinstance(key, str) else list(key)
        unknown = [name for name in names if name not in columns]
        if unknown or not names:
            raise ValueError(f'key: table "{table}" has no column {unknown}')
        return names
    own = [column for column in columns.values() if column.key is not None]
    if not own:
        raise ValueError(f'Table "{table}" has no primary key: name the columns with key=.')
    return [column.name for column in sorted(own, key=lambda one: one.key or 0)]


def table_for(
    dialect: str, table: str, columns: Sequence[tuple[Column, str]], flags: dict[str, int]
) -> _core.Table:
    """Return the engine's description.  columns: with the types of their values."""
    return _core.Table(
        dialect,
        table,
        tuple(
            (one.name, one.name, kind, flags.get(one.name, 0), -1, one.cast, form_of(one, kind))
            for one, kind in columns
        ),
    )
