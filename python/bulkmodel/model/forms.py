"""Which fields the extension writes as text that the database parses: JSON, arrays, ranges, hstore
and addresses.

A form is its name for that text, see src/literal.c.  Only fields of exactly Django's own classes
have one.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel.engine.dialect import takes_djangos_values

postgres: Any
try:
    from django.contrib.postgres import fields as postgres
except ImportError:  # no driver for PostgreSQL is installed
    postgres = None

_ELEMENTS: dict[type[Any], str] = {
    models.SmallIntegerField: "int",
    models.IntegerField: "int",
    models.BigIntegerField: "int",
    models.PositiveSmallIntegerField: "int",
    models.PositiveIntegerField: "int",
    models.PositiveBigIntegerField: "int",
    models.FloatField: "float",
    models.BooleanField: "bool",
    models.CharField: "text",
    models.SlugField: "text",
    models.EmailField: "text",
    models.URLField: "text",
    models.TextField: "text",
    models.DecimalField: "numeric",
    models.DateField: "date",
    models.DateTimeField: "timestamptz",
    models.UUIDField: "uuid",
    models.JSONField: "json",
    models.GenericIPAddressField: "inet",
}
_RANGES: dict[type[Any], str] = {}
if postgres is not None:
    _RANGES = {
        postgres.IntegerRangeField: "range int",
        postgres.BigIntegerRangeField: "range int",
        postgres.DecimalRangeField: "range numeric",
        postgres.DateRangeField: "range date",
        postgres.DateTimeRangeField: "range timestamptz",
    }
# Operations of a backend that change the values.
_ADAPTERS = {
    models.JSONField: "adapt_json_value",
    models.GenericIPAddressField: "adapt_ipaddressfield_value",
}
_ENCODING = ("__init__", "__new__", "encode", "iterencode", "item_separator", "key_separator")
_PREPARING = {"get_db_prep_save", "get_db_prep_value", "get_prep_value", "db_type"}
_LENGTH = re.compile(r"varchar\((\d+)\)")


def form_of(field: Any, connection: BaseDatabaseWrapper) -> str:
    """Return the form of a field, or "" if its own methods must prepare the values."""
    kind = type(field)
    if kind is models.JSONField:
        return "json" if _is_plain(field, connection) else ""
    if kind is models.GenericIPAddressField:
        return "inet" if _is_plain(field, connection) else ""
    if postgres is None or takes_djangos_values(connection):
        return ""
    if kind is postgres.HStoreField:
        return "hstore"
    if kind is postgres.ArrayField:
        return _array_form(field, connection)
    return _RANGES.get(kind, "")


def _is_plain(field: Any, connection: BaseDatabaseWrapper) -> bool:
    """Return whether Django's own operation adapts the values, and its JSON is json.dumps'."""
    adapt = getattr(type(connection.ops), _ADAPTERS[type(field)], None)
    if not getattr(adapt, "__module__", "").startswith("django.db.backends."):
        return False
    return type(field) is not models.JSONField or _encodes_plainly(field.encoder)


def _encodes_plainly(encoder: Any) -> bool:
    """Return whether an encoder changes nothing but default(), which built-in types do not need."""
    if encoder is None:
        return True
    return (
        type(encoder) is type
        and issubclass(encoder, json.JSONEncoder)
        and all(getattr(encoder, name) is getattr(json.JSONEncoder, name) for name in _ENCODING)
    )


def _array_form(field: Any, connection: BaseDatabaseWrapper) -> str:
    dimensions = ""
    while type(field) is postgres.ArrayField and _PREPARING.isdisjoint(vars(field)):
        dimensions += "[]"
        field = field.base_field
    element = _ELEMENTS.get(type(field), "")
    if not element or not _PREPARING.isdisjoint(vars(field)):
        return ""
    if type(field) in _ADAPTERS and not _is_plain(field, connection):
        return ""
    length = _LENGTH.fullmatch(field.db_type(connection) or "")
    return f"{element}({length[1]}){dimensions}" if length else element + dimensions
