"""Refuse values that do not fit their column, before anything is sent.

This is for methods that Django does not have; bulk_create(), bulk_update() and update() refuse what
Django refuses.  The class of the error is the one of Model.save() on this backend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import DataError, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields import PositiveIntegerRelDbTypeMixin

from bulkmodel.engine.dialect import checks_types, has_unsigned
from bulkmodel.engine.failure import at_row
from bulkmodel.engine.postgresql import is_psycopg3
from bulkmodel.model.fields import Limit, limit_of_column, target_of


def check_values(
    connection: BaseDatabaseWrapper,
    objects: Sequence[Any],
    fields: Sequence[Any],
    places: Sequence[int] | None = None,
) -> None:
    """Raise an error for the first value that cannot be stored.  places: positions of the objects
    in the caller's sequence, if different."""
    typed = checks_types(connection)
    limits = [limit_of_column(f, connection) if typed and objects else None for f in fields]
    for row, object in enumerate(objects):
        for field, limit in zip(fields, limits):
            value = vars(object).get(field.attname)
            if value is not None and not hasattr(value, "resolve_expression"):
                at = row if places is None else places[row]
                _check(connection, value, field, limit, at)


def check_keys(
    connection: BaseDatabaseWrapper, objects: Sequence[Any], places: Sequence[int] | None = None
) -> None:
    """Raise an error for a key that Django takes for larger than its field, whose column may be
    unsigned: its bulk_update() would write NULL to that row."""
    if not has_unsigned(connection):
        return
    for row, object in enumerate(objects):
        for field in object._meta.pk_fields:
            if is_out_of_range(connection, field, vars(object).get(field.attname)):
                at = row if places is None else places[row]
                kind = target_of(field).get_internal_type()
                why = f"Django finds no row by this key, which is outside the range of {kind}."
                raise at_row(
                    OverflowError(f"Row {at}, field {field.name}: {why}"), at, field.name, None
                )


def _check(
    connection: BaseDatabaseWrapper, value: Any, field: Any, limit: Limit | None, row: int
) -> None:
    where = f"Row {row}, field {field.name}: "
    try:
        prepared = field.get_db_prep_save(value, connection)
        if isinstance(prepared, str):
            prepared.encode()
    except Exception as error:
        at_row(error, row, field.name)
        raise
    typed = checks_types(connection)
    found = (
        _of_postgresql(connection, prepared, field, limit)
        if typed
        else _of_sqlite(connection, prepared)
    )
    if found is not None:
        kind, sqlstate, why = found
        raise at_row(kind(where + why), row, field.name, sqlstate)


_Found = tuple[type[Exception], str | None, str]


def _of_postgresql(
    connection: BaseDatabaseWrapper, value: Any, field: Any, limit: Limit | None
) -> _Found | None:
    if isinstance(value, str) and "\0" in value:
        return (
            DataError if is_psycopg3 else ValueError,
            None,
            "PostgreSQL text cannot contain a NUL character.",
        )
    target = target_of(field)
    if limit is not None and limit.refuses(value):
        return DataError, limit.sqlstate, f"{limit}."
    if is_out_of_range(connection, target, value) and not _is_checked(connection, target, value):
        return DataError, "22003", "the number is out of range."
    return None


def _is_checked(connection: BaseDatabaseWrapper, field: Any, value: Any) -> bool:
    """Return whether the column's CHECK, and not its type, refuses a negative number."""
    if not isinstance(field, PositiveIntegerRelDbTypeMixin) or not isinstance(value, int):
        return False
    column: Any = field
    kind = column.integer_field_class().get_internal_type()
    low, _ = connection.ops.integer_field_range(kind)
    return low is not None and low <= value < 0


def _of_sqlite(connection: BaseDatabaseWrapper, value: Any) -> _Found | None:
    most = 2**64 if has_unsigned(connection) else 2**63
    if isinstance(value, int) and not -(2**63) <= value < most:
        return OverflowError, None, "the number is out of range."
    if isinstance(value, float) and math.isnan(value):
        return DataError, None, "SQLite cannot store NaN."
    return None


def is_out_of_range(connection: BaseDatabaseWrapper, field: Any, value: Any) -> bool:
    """Return whether the number is larger than those of the field's type, as Django knows it."""
    target = target_of(field)
    if isinstance(target, models.IntegerField) and isinstance(value, int):
        low, high = connection.ops.integer_field_range(target.get_internal_type())
        return (low is not None and value < low) or (high is not None and value > high)
    if isinstance(target, models.DecimalField) and isinstance(value, int | float | Decimal):
        return _is_too_wide(target, Decimal(value))
    return False


def _is_too_wide(field: Any, value: Decimal) -> bool:
    """Return whether the rounded number has too many digits before the decimal point."""
    if not value.is_finite():
        return value.is_infinite()
    limit = 10 ** (field.max_digits - field.decimal_places)
    return bool(abs(Fraction(value)) >= limit - Fraction(1, 2 * 10**field.decimal_places))
