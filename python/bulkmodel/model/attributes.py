"""The attributes of a model's fields, and which of them can change in place."""

from __future__ import annotations

import datetime
import ipaddress
import uuid
from decimal import Decimal
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import models

try:
    from django.db.backends.postgresql.psycopg_any import (  # type: ignore[import-untyped]
        RANGE_TYPES,
    )
except ImportError:  # no driver for PostgreSQL is installed
    RANGE_TYPES = ()

# A deferred or unknown value.  It has its own class, so it differs from every value.
MISSING = type("Missing", (), {"__slots__": ()})()


_NO_RELATED: dict[str, Any] = {}


class State(NamedTuple):
    """What an object had before a call."""

    values: dict[str, Any]
    adding: bool
    db: str | None
    related: dict[str, Any]

    @classmethod
    def of(cls, row: Any) -> State:
        state = row._state
        related = vars(state).get("fields_cache") or _NO_RELATED
        return cls(vars(row).copy(), state.adding, state.db, related and dict(related))

    def restore(self, row: Any) -> None:
        row._state.adding, row._state.db = self.adding, self.db
        row._state.fields_cache.clear()
        row._state.fields_cache.update(self.related)
        vars(row).clear()
        vars(row).update(self.values)


# Values of exactly these types are immutable.
FROZEN_TYPES: frozenset[type[Any]] = frozenset(
    {
        *(type(None), type(MISSING), bool, int, float, complex, str, bytes, Decimal, uuid.UUID),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
        *(ipaddress.IPv4Address, ipaddress.IPv6Address, *RANGE_TYPES),
    }
)

# Values of these fields are immutable.
_FROZEN: frozenset[type[Any]] = frozenset(
    {
        models.AutoField,
        models.BigAutoField,
        models.SmallAutoField,
        models.SmallIntegerField,
        models.IntegerField,
        models.BigIntegerField,
        models.PositiveSmallIntegerField,
        models.PositiveIntegerField,
        models.PositiveBigIntegerField,
        models.CharField,
        models.SlugField,
        models.EmailField,
        models.URLField,
        models.TextField,
        models.BooleanField,
        models.FloatField,
        models.DecimalField,
        models.DateField,
        models.DateTimeField,
        models.TimeField,
        models.DurationField,
        models.UUIDField,
        models.GenericIPAddressField,
        models.ForeignKey,
        models.OneToOneField,
    }
)


class Attributes(NamedTuple):
    """Attributes of a model's concrete fields."""

    names: tuple[str, ...]
    thaw: frozenset[str]  # mutable values
    files: frozenset[str]


_known: WeakKeyDictionary[type[models.Model], Attributes] = WeakKeyDictionary()


def attributes_of(model: type[models.Model]) -> Attributes:
    """Return the attributes of a model, cached."""
    known = _known.get(model)
    if known is None:
        fields = model._meta.concrete_fields
        known = _known[model] = Attributes(
            tuple(field.attname for field in fields),
            frozenset(field.attname for field in fields if type(field) not in _FROZEN),
            frozenset(field.attname for field in fields if isinstance(field, models.FileField)),
        )
    return known
