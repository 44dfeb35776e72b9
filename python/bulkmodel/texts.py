"""Values as text of PostgreSQL, as the driver writes them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import postgresql
from bulkmodel.fields import Kind

# What stands in Django's statement as a number or a bool, not as text: another cast.
_LITERALS = (int, float, Decimal, bytes, datetime.date)
_MADE: dict[str, type[Any]] = {"timestamptz": datetime.datetime, "time": datetime.time}


def texts(values: list[Any], kind: Kind, connection: BaseDatabaseWrapper) -> list[Any] | None:
    """Text that the column's type reads as Django's own parameter would be; None: there is one of
    which that is not known."""
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
    """The types of parameters that a column takes which is written through a cast: what the server
    would refuse as a value of another type may be text that it reads.  None: any, for the driver
    does not know the type, or it is an array's."""
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
    """Django's cast of an array cuts its elements."""
    if isinstance(value, (list, tuple)):
        return any(_exceeds(item, limit) for item in value)
    return isinstance(value, str) and len(value) > limit


def _loses_a_zone(values: list[Any]) -> bool:
    """Datetimes with and without zone in one array: Django's has one type for all."""
    kinds = {v.tzinfo is None for v in values if isinstance(v, datetime.datetime)}
    return len(kinds) > 1
