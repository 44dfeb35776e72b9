"""Which fields of a model the engine writes, and as what.

Only Django's own field classes are here, exactly: a subclass may prepare its values as it likes,
and goes through Django.
"""

from __future__ import annotations

import datetime
import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from bulkmodel import _core

KEY, ASSIGNED, LINK = 1, 2, 256

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field

_POSTGRESQL: dict[type[Any], str] = {
    models.AutoField: "int4",
    models.BigAutoField: "int8",
    models.SmallAutoField: "int2",
    models.SmallIntegerField: "int2",
    models.IntegerField: "int4",
    models.BigIntegerField: "int8",
    models.PositiveSmallIntegerField: "int2",
    models.PositiveIntegerField: "int4",
    models.PositiveBigIntegerField: "int8",
    models.CharField: "varchar",
    models.SlugField: "varchar",
    models.EmailField: "varchar",
    models.URLField: "varchar",
    models.TextField: "text",
    models.BooleanField: "bool",
    models.FloatField: "float8",
    models.DecimalField: "numeric",
    models.DateField: "date",
    models.DateTimeField: "timestamptz",
    models.TimeField: "time",
    models.UUIDField: "uuid",
}
BUILT_IN = frozenset(_POSTGRESQL)
_SQLITE = {"int2": "int8", "int4": "int8", "varchar": "text"}
_AUTO = (models.AutoField, models.BigAutoField, models.SmallAutoField)
_LINKS = (models.ForeignKey, models.OneToOneField)


@dataclass(frozen=True)
class Column:
    """A field that the engine writes."""

    field: Field
    index: int  # in the table
    now: bool  # auto_now: set by pre_save at each update
    now_add: bool


@dataclass(frozen=True)
class Description:
    """A model as the engine knows it, on one kind of connection."""

    table: _core.Table
    key: Column
    key_assigned: bool
    columns: dict[Field, Column]
    complete: bool  # all fields of the model are here

    @cached_property
    def all(self) -> tuple[Column, ...]:
        return tuple(self.columns.values())

    @cached_property
    def all_but_key(self) -> tuple[Column, ...]:
        return tuple(column for column in self.all if column is not self.key)

    @cached_property
    def stamped(self) -> tuple[Column, ...]:
        """Set by pre_save when a row is created."""
        return tuple(column for column in self.all if column.now or column.now_add)


def _kind(field: Field, connection: BaseDatabaseWrapper) -> str | None:
    target: Any = field
    while type(target) in _LINKS:
        target = target.target_field
    kind = _POSTGRESQL.get(type(target))
    if kind is None or target.generated:
        return None
    if kind == "timestamptz" and not settings.USE_TZ:
        return "timestamp" if connection.vendor == "sqlite" else None
    if connection.vendor == "sqlite":
        utc = kind != "timestamptz" or connection.timezone == datetime.timezone.utc
        return _SQLITE.get(kind, kind) if utc else None
    return kind


def _is_plain(model: type[models.Model], field: Field) -> bool:
    """Nothing stands between the field and the instance's dictionary."""
    found = inspect.getattr_static(model, field.attname, None)
    own = type(found) in (DeferredAttribute, ForeignKeyDeferredAttribute)
    names_fit = not any(mark in field.column for mark in ("\\", "\0"))
    overridden = {"pre_save", "get_db_prep_save", "get_db_prep_value", "get_prep_value"}
    return (
        own
        and names_fit
        and not field.generated
        and not field.has_db_default()  # type: ignore[attr-defined]
        and overridden.isdisjoint(vars(field))
    )


def _own_table(model: type[models.Model]) -> bool:
    opts = model._meta
    name = opts.db_table
    one_table = all(
        parent._meta.concrete_model is opts.concrete_model for parent in opts.all_parents
    )
    own_access = model.__getattribute__ is models.Model.__getattribute__
    return (
        one_table
        and own_access
        and len(opts.pk_fields) == 1
        and not opts.order_with_respect_to
        and not name.startswith('"')
        and not any(mark in name for mark in ("\\", "\0"))
    )


def _describe(
    model: type[models.Model], connection: BaseDatabaseWrapper, dialect: str
) -> Description | None:
    if not _own_table(model):
        return None
    columns: dict[Field, Column] = {}
    table: list[tuple[str, str, str, int, int]] = []
    key = model._meta.pk
    for field in model._meta.concrete_fields:
        kind = _kind(field, connection) if _is_plain(model, field) else None
        if kind is None:
            continue
        flags = 0
        if field is key:
            flags = KEY | ASSIGNED if type(field) in _AUTO else KEY
        if isinstance(field, _LINKS):
            flags |= LINK
        limit = field.max_length if kind == "varchar" and field.max_length is not None else -1
        now, now_add = (bool(getattr(field, name, False)) for name in ("auto_now", "auto_now_add"))
        columns[field] = Column(field, len(table), now, now_add)
        table.append((field.column, field.attname, kind, limit, flags))
    if key not in columns:
        return None
    return Description(
        table=_core.Table(dialect, model._meta.db_table, tuple(table)),
        key=columns[key],
        key_assigned=type(key) in _AUTO,
        columns=columns,
        complete=len(columns) == len(model._meta.concrete_fields),
    )


_known: WeakKeyDictionary[type[models.Model], dict[tuple[Any, ...], Description | None]] = (
    WeakKeyDictionary()
)


def has_relations(model: type[models.Model]) -> bool:
    """May related objects be set on instances?"""
    opts = model._meta
    return any(field.is_relation for field in [*opts.concrete_fields, *opts.private_fields])


def describe(
    model: type[models.Model], connection: BaseDatabaseWrapper, dialect: str
) -> Description | None:
    """The model's description, made once; None where the engine does not know such models."""
    cache = _known.setdefault(model, {})
    facts = (dialect, settings.USE_TZ, connection.timezone, model._meta.db_table)
    if facts not in cache:
        try:
            cache[facts] = _describe(model, connection, dialect)
        except _core.Unfit:
            cache[facts] = None
    return cache[facts]
