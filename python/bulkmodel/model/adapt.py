"""Prepare values that the engine cannot take unchanged: the field converts them, and for PostgreSQL
the driver writes them as text."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import InsertQuery

from bulkmodel import _core
from bulkmodel.engine import postgresql
from bulkmodel.engine.dialect import has_unsigned, takes_djangos_values
from bulkmodel.engine.failure import at_row
from bulkmodel.engine.statements import SMALL
from bulkmodel.model.fields import Column, Field, Kind, target_of

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


# What Django gives SQLite or MariaDB for these types, back as the value that the extension takes.
_VALUES: dict[str, Callable[[Any], Any]] = {
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timestamp": datetime.datetime.fromisoformat,
    "timestamptz": lambda text: datetime.datetime.fromisoformat(text).replace(
        tzinfo=datetime.timezone.utc
    ),
    "uuid": lambda value: value if isinstance(value, uuid.UUID) else uuid.UUID(value),
    "interval": lambda microseconds: datetime.timedelta(microseconds=microseconds),
}


class Odd:
    """Prepares single values of columns whose other values the extension takes unchanged."""

    def __init__(
        self, columns: Sequence[Column], connection: BaseDatabaseWrapper, prepare: Prepare
    ) -> None:
        """columns: those of the table, by their index."""
        self._columns = columns
        self._connection = connection
        self._prepare = prepare
        self._texts: dict[int, _Texts] = {}

    def __call__(self, index: int, object: Any) -> Any:
        """Return the value of this field, or NotImplemented if it depends on the other rows'."""
        column = self._columns[index]
        values = self._prepare(column.field, [object], self._connection)
        if values is None:
            return NotImplemented
        (value,) = values
        if value is None:
            return value
        if takes_djangos_values(self._connection):
            read = _VALUES.get(column.kind.name)
            return value if read is None else read(value)
        if column.kind.name == "bytea":
            return NotImplemented
        if not _is_text(column.kind):
            return value
        if index not in self._texts:
            self._texts[index] = _texts_of(column.kind, self._connection)
        text = self._texts[index].all([value])
        return NotImplemented if text is None else text[0]


def _is_text(kind: Kind) -> bool:
    """Return whether a column on PostgreSQL is written as text."""
    return kind.cast is not None or kind.name in ("json", "jsonb")


def refuse_zeros(
    columns: Sequence[Column], objects: list[Any], connection: BaseDatabaseWrapper
) -> None:
    """Raise Django's error for a key that is 0, where the database takes that for no key."""
    for column in columns:
        field = column.field
        if isinstance(target_of(field), models.AutoField):
            for row, object in enumerate(objects):
                if vars(object).get(field.attname) == 0:
                    try:
                        field.get_db_prep_save(0, connection)
                    except ValueError as error:
                        at_row(error, row, field.name)
                        raise


def give(
    rows: _core.Rows,
    column: Column,
    objects: list[Any],
    limited: bool,
    connection: BaseDatabaseWrapper,
    prepare: Prepare,
) -> bool:
    """Add a column of the objects' values to the rows, prepared by its field.  False: the engine
    cannot write one of them."""
    values = prepare(column.field, objects, connection)
    if values is None:
        return False
    if takes_djangos_values(connection):
        values = [str(value) if type(value) is Decimal else value for value in values]
        kinds = {_storage(value) for value in values if value is not None}
        if kinds == {"int8"} and has_unsigned(connection) and _are_large(values):
            values = [None if value is None else Decimal(value) for value in values]
            kinds = {"numeric"}
        return len(kinds) <= 1 and rows.give(
            column.index, values, limited, kinds.pop() if kinds else None
        )
    return _give_postgresql(rows, column, values, limited, connection)


def _are_large(values: list[Any]) -> bool:
    """Return whether one of the integers is larger than any signed one."""
    return any(value is not None and value >= 2**63 for value in values)


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
    if kind.places:
        found = placed(column.field, values, connection)
        if found is None:
            return False
        values = found
    as_text = _is_text(kind)
    if kind.name == "bytea":
        values = [_unwrapped(value) for value in values]
        if any(isinstance(value, str) for value in values):
            return False  # the driver refuses str for bytea, so do not encode it
    if not as_text and rows.give(column.index, values, limited, None):
        return True
    written = _texts_of(kind, connection).all(values)
    return written is not None and rows.give(
        column.index, written, limited, None if as_text else "text"
    )


def _unwrapped(value: Any) -> Any:
    """Return the bytes in a Binary of the driver.  A memoryview has an `obj`, too, of which it may
    show a part only."""
    return value if isinstance(value, memoryview) else getattr(value, "obj", value)


# Values that the server computes in one statement.
_AT_ONCE = 500


def placed(field: Field, values: list[Any], connection: BaseDatabaseWrapper) -> list[Any] | None:
    """Return the values as the field's own placeholders make them.  Where one is more than a
    parameter, such as ST_Transform(%s, 4326), the server computes its text first.  None: Django's
    one statement is shorter, or the placeholder is not for one value."""
    compiler = InsertQuery(field.model).get_compiler(connection=connection)
    plain = {"%s", f"%s::{field.db_type(connection)}"}
    odd: list[tuple[int, str]] = []
    for i, value in enumerate(values):
        sql = "%s" if value is None else _placeholder(field, value, compiler, connection)
        if sql is None:
            return None
        if sql not in plain:
            odd.append((i, sql))
    if not odd:
        return values
    if len(values) <= SMALL:
        return None
    computed = list(values)
    with connection.cursor() as cursor:
        for first in range(0, len(odd), _AT_ONCE):
            part = odd[first : first + _AT_ONCE]
            texts = ", ".join(f"({sql})::pg_catalog.text" for _, sql in part)
            cursor.execute(f"SELECT ARRAY[{texts}]", [values[i] for i, _ in part])
            for (i, _), text in zip(part, cursor.fetchone()[0], strict=True):
                computed[i] = text
    return computed


def _placeholder(
    field: Any, value: Any, compiler: Any, connection: BaseDatabaseWrapper
) -> str | None:
    if hasattr(field, "get_placeholder_sql"):
        sql, params = field.get_placeholder_sql(value, compiler, connection)
        if len(params) != 1 or params[0] is not value:
            return None
    else:
        sql = field.get_placeholder(value, compiler, connection)
    return sql if sql.replace("%%", "").count("%s") == 1 else None


# Django's statement does not send these as text, so their cast is a different one.
_LITERALS = (int, float, Decimal, bytes, datetime.date)
_MADE: dict[str, type[Any]] = {
    "timestamptz": datetime.datetime,
    "time": datetime.time,
    "interval": datetime.timedelta,
}


def _texts_of(kind: Kind, connection: BaseDatabaseWrapper) -> _Texts:
    """Return what makes the texts of a column with this connection's driver."""
    return (_Texts3 if postgresql.is_psycopg3 else _Texts2)(kind, connection)


class _Texts:
    """Makes text that the column's type reads like Django's own parameter."""

    def __init__(self, kind: Kind, connection: BaseDatabaseWrapper) -> None:
        self._kind = kind

    def all(self, values: list[Any]) -> list[Any] | None:
        """Return the texts.  None: one of them is not certain."""
        if _loses_a_zone(values) or not all(_may_be_text(v, self._kind) for v in values):
            return None
        return self._written(values)

    def _written(self, values: list[Any]) -> list[Any] | None:
        raise NotImplementedError


# psycopg2's classes of ranges, and the types of columns that read their text as it writes them.
_RANGES = {
    "NumericRange": ("int4range", "int8range", "numrange"),
    "DateRange": ("daterange",),
    "DateTimeRange": ("tsrange",),
    "DateTimeTZRange": ("tstzrange",),
}
_BOUNDS = (int, Decimal, datetime.date, datetime.datetime)


def _range_text(value: Any) -> str | None:
    """Return the text of a range of psycopg2.  None: one of its bounds is of no known type."""
    if value.isempty:
        return "empty"
    bounds = (value.lower, value.upper)
    if any(bound is not None and type(bound) not in _BOUNDS for bound in bounds):
        return None
    if any(isinstance(bound, Decimal) and not bound.is_finite() for bound in bounds):
        return None
    lower, upper = ("" if bound is None else f'"{bound}"' for bound in bounds)
    return f"{value._bounds[0]}{lower},{upper}{value._bounds[1]}"


class _Texts2(_Texts):
    """With psycopg2, which makes literals, not texts: of the values that Django wraps for it."""

    def _written(self, values: list[Any]) -> list[Any] | None:
        texts = [v if v is None or isinstance(v, str) else self._text(v) for v in values]
        unknown = (t is None and v is not None for t, v in zip(texts, values, strict=True))
        return None if any(unknown) else texts

    def _text(self, value: Any) -> str | None:
        name = type(value).__name__
        if name in ("Json", "Jsonb"):
            return str(value.dumps(value.adapted))
        if name == "Inet":
            return str(value.addr)
        of_column = (self._kind.cast or "").rpartition(".")[2] in _RANGES.get(name, ())
        return _range_text(value) if of_column else None


class _Texts3(_Texts):
    """With psycopg 3, as its dumpers write them."""

    def __init__(self, kind: Kind, connection: BaseDatabaseWrapper) -> None:
        from psycopg.adapt import Transformer

        super().__init__(kind, connection)
        driver = postgresql.driver_of(connection)
        self._transformer = Transformer(driver)
        self._oids = _oids(kind, driver)

    def _written(self, values: list[Any]) -> list[Any] | None:
        import psycopg

        try:
            if not all(self._is_of_its_type(value) for value in values):
                return None
            return [self._text(value) for value in values]
        except psycopg.Error:
            return None

    def _dumper(self, value: Any) -> Any:
        from psycopg.adapt import PyFormat

        return self._transformer.get_dumper(value, PyFormat.TEXT)

    def _text(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        data = self._dumper(value).dump(value)
        return data if data is None else bytes(data)

    def _is_of_its_type(self, value: Any) -> bool:
        if self._oids is None or value is None or isinstance(value, str):
            return True
        return self._dumper(value).oid in self._oids


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
