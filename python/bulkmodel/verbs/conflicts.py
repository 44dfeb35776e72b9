"""Conflicts in bulk_create(): ignore_conflicts and update_conflicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import django
from django.db.models.constants import OnConflict

from bulkmodel.engine.support import Fallback
from bulkmodel.model.fields import Field
from bulkmodel.model.target import Target


@dataclass(frozen=True)
class Conflict:
    """A conflict in `unique` updates the fields `update`.  Without them the row is ignored."""

    unique: tuple[Field, ...] = ()
    update: tuple[Field, ...] = ()

    def indexes(self, target: Target) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the engine's numbers of the fields."""
        unique = tuple(target.column(field).index for field in self.unique)
        return unique, tuple(target.column(field).index for field in self.update)


def conflict_of(
    queryset: Any,
    ignore_conflicts: bool,
    update_conflicts: bool,
    update_fields: Iterable[str] | None,
    unique_fields: Iterable[str] | None,
) -> Conflict | None:
    """Translate Django's options.  None: a conflict is an error.  Fallback: Django refuses them."""
    opts = queryset.model._meta
    try:
        unique = [
            opts.get_field(opts.pk.name if name == "pk" else name) for name in unique_fields or ()
        ]
        update = [opts.get_field(name) for name in update_fields or ()]
        asked = queryset._check_bulk_create_options(
            ignore_conflicts, update_conflicts, update, unique
        )
    except Exception as error:
        raise Fallback("Django refuses these conflict options") from error
    if asked is None:
        return None
    if asked is OnConflict.IGNORE:
        return Conflict()
    return Conflict(tuple(unique), tuple(update))


def is_djangos(target: Target, conflict: Conflict, n: int) -> bool:
    """Return whether n rows must be upserted by Django's statement.  See check_conflict()."""
    if not conflict.update:
        return False
    fewest = target.dialect.upserts_from
    return fewest is None or n < fewest


def check_conflict(
    target: Target, conflict: Conflict, objects: list[Any], keyed: bool, keyless: bool
) -> None:
    """Raise Fallback if the keys of updated rows cannot be matched to their objects.

    PostgreSQL returns them in the order of the rows.  On SQLite a second statement finds them by
    the conflicting fields, which fails if one of these is NULL.
    """
    if not conflict.update:
        return
    by_key = all(key.field in conflict.unique for key in target.description.keys)
    if keyed and not by_key and target.description.returned:
        raise Fallback("the values of an updated row are read, and its object may have another key")
    if keyed and not by_key and django.VERSION >= (6, 1):
        raise Fallback("since Django 6.1 the key of an updated row replaces the key of its object")
    if not keyless:
        return
    if by_key:
        raise Fallback("an object has no primary key to conflict on")
    for field in conflict.unique if not target.dialect.returns_upserted_keys else ():
        if field.null and any(getattr(object, field.attname) is None for object in objects):
            raise Fallback(f"field {field.name} is None, so its updated row cannot be found")
