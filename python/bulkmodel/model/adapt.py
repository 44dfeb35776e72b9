"""Prepare values that the engine cannot take unchanged: the field converts them, and for PostgreSQL
the driver writes them as text."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import postgresql
from bulkmodel.engine.dialect import has_storage_classes
from bulkmodel.model.fields import Column, Field, Kind

Prepare = Callable[[Field, list[Any], BaseDatabaseWrapper], "list[Any] | None"]

# SQLite's storage class depends on the parameter and on the column's affinity.
_STORAGE: dict[type[Any], str] = {
    bool: "int8",
    int: "int8",
    float: "float8",
    str: "text",
    bytes: "bytea",
    bytearray: "bytea",
    memoryview: "bytea",
}


def _has_expression(values: list[Any]) -> bool:
    kinds = set(map(type, values))
    return any(hasattr(kind, "resolve_expression") or hasattr(kind, "as_sql") for kind in kinds)


def _is_reference(value: Any) -> bool:
    """Return whether it is F() or Q(), which fields convert as if they were values."""
    return hasattr(value, "resolve_expression") and not hasattr(value, "as_sql")


def for_create(field: Field, objects: list[Any], connection: BaseDatabaseWrapper) -> Any:
    """Return the values as Django's INSERT prepares them."""
    return _saved(field, [field.pre_save(object, True) for object in objects], connection)


def for_save(field: Field, objects: list[Any], connection: BaseDatabaseWrapper) -> Any:
    """Return the values as save() prepares them after pre_save()."""
    return _saved(field, [getattr(object, field.attname) for object in objects], connection)


def for_bulk_update(field: Field, objects: list[Any], connection: BaseDatabaseWrapper) -> Any:
    """Return the values as Django's bulk_update() prepares them.  None: there is an expression."""
    values = [getattr(object, field.attname) for object in objects]
    if _has_expression(values):
        return None
    return _saved(field, values, connection)


def for_lookup(field: Field, objects: list[Any], connection: BaseDatabaseWrapper) -> Any:
    """Return keys as a lookup prepares them.  None: there is an expression."""
    values = [getattr(object, field.attname) for object in objects]
    if _has_expression(values):
        return None
    return [field.get_db_prep_value(value, connection, False) for value in values]


def _saved(field: Field, values: list[Any], connection: BaseDatabaseWrapper) -> Any:
    if any(_is_reference(value) for value in values):
        return None
    prepared = [field.get_db_prep_save(value, connection) for value in values]
    return None if _has_expression(prepared) else prepared


def take(
    rows: _core.Rows,
    column: Column,
    objects: list[Any],
    limited: bool,
    connection: BaseDatabaseWrapper,
    prepare: Prepare,
) -> bool:
    """Add a column of the objects' values to the rows, unchanged or prepared by its field.  False:
    the engine cannot write one of them."""
    if column.fast and rows.take((column.index,), objects, limited):
        return True
    values = prepare(column.field, objects, connection)
    if values is None:
        return False
    if has_storage_classes(connection):
        values = [str(value) if type(value) is Decimal else value for value in values]
        kinds = {_storage(value) for value in values if value is not None}
        return len(kinds) <= 1 and rows.give(
            column.index, values, limited, kinds.pop() if kinds else None
        )
    return _give_postgresql(rows, column, values, limited, connection)


def _storage(value: Any) -> str | None:
    for kind in type(value).__mro__:
        if kind in _STORAGE:
            return _STORAGE[kind]
    return None


def _give_postgresql(
    rows: _core.Rows,
    column: Column,
    values: list[Any],
    limited: bool,
    connection: BaseDatabaseWrapper,
) -> bool:
    kind = column.kind
    as_text = kind.cast is not None or kind.name in ("json", "jsonb")
    if kind.name == "bytea":
        values = [getattr(value, "obj", value) for value in values]
        if any(isinstance(value, str) for value in values):
            return False  # the driver refuses str for bytea, so do not encode it
    if not as_text and rows.give(column.index, values, limited, None):
        return True
    written = texts(values, kind, connection)
    return written is not None and rows.give(
        column.index, written, limited, None if as_text else "text"
    )


# Django's statement does not send these as text, so their cast is a different one.
_LITERALS = (int, float, Decimal, bytes, datetime.date)
_MADE: dict[str, type[Any]] = {
    "timestamptz": datetime.datetime,
    "time": datetime.time,
    "interval": datetime.timedelta,
}


def texts(values: list[Any], kind: Kind, connection: BaseDatabaseWrapper) -> list[Any] | None:
    """Return the values as text that the column's type reads like Django's own parameter.  None:
    that is not certain for one of them."""
    import psycopg
    from psycopg.adapt import PyFormat, Transformer

    if _loses_a_zone(values):
        return None
    driver = postgresql.driver_of(connection)
    transformer = Transformer(driver)

    def text(value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        data = transformer.get_dumper(value, PyFormat.TEXT).dump(value)
        return data if data is None else bytes(data)

    known = _oids(kind, driver)

    def is_of_its_type(value: Any) -> bool:
        if known is None or value is None or isinstance(value, str):
            return True
        return transformer.get_dumper(value, PyFormat.TEXT).oid in known

    try:
        if not all(_may_be_text(value, kind) and is_of_its_type(value) for value in values):
            return None
        return [text(value) for value in values]
    except psycopg.Error:
        return None


def _oids(kind: Kind, driver: Any) -> set[int] | None:
    """Return the parameter types that a column with a cast accepts.  As text the server could
    accept a value that it would refuse in its own type.  None: any type is accepted, because the
    driver does not know the column's type or it is an array."""
    if kind.cast is None or "[" in kind.cast:
        return None
    found = driver.adapters.types.get(kind.cast)
    return {0, found.oid} if found is not None else None


def _may_be_text(value: Any, kind: Kind) -> bool:
    if kind.cut is not None and kind.cut.refuses(value):
        return False
    if value is None or isinstance(value, str):
        return True
    if kind.name in _MADE:
        return isinstance(value, _MADE[kind.name])
    if kind.name in ("json", "jsonb"):
        return type(value).__name__ in ("Json", "Jsonb")
    if kind.cast is None or isinstance(value, _LITERALS):
        return False
    return not (kind.element_limit >= 0 and _exceeds(value, kind.element_limit))


def _exceeds(value: Any, limit: int) -> bool:
    """Return whether an element is too long.  Django's cast of an array truncates it."""
    if isinstance(value, (list, tuple)):
        return any(_exceeds(item, limit) for item in value)
    return isinstance(value, str) and len(value) > limit


def _loses_a_zone(values: list[Any]) -> bool:
    """Return whether datetimes with and without time zone are mixed."""
    kinds = {v.tzinfo is None for v in values if isinstance(v, datetime.datetime)}
    return len(kinds) > 1
