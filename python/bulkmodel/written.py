"""The queryset of the rows that a call wrote."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db import models
from django.db.models.expressions import Expression

from bulkmodel.image import Image
from bulkmodel.lookups import InKeys
from bulkmodel.noticed import watch


def of_keys(kind: type[Any], model: type[models.Model], using: str, keys: Sequence[Any]) -> Any:
    """The rows that have these keys, not read; the keys are one parameter."""
    queryset = kind(model, using=using)
    return queryset.filter(InKeys(models.F("pk"), keys)) if keys else queryset.none()


def of_rows(
    kind: type[Any],
    objects: list[Any],
    model: type[models.Model],
    using: str,
    *,
    created: bool = False,
    plain: bool = False,
) -> Any:
    """The rows of these objects, read already: it is filled with them, in their order.

    created: all objects have all fields; plain: none of their values is an expression."""
    keys = _keys(model, objects)
    read_back(kind(model, using=using), objects, plain)
    queryset = of_keys(kind, model, using, keys)
    queryset._result_cache = objects
    queryset._prefetch_done = True
    watch(objects)
    queryset._image = Image(model, objects, using, alike=created)
    queryset._bm_by_key = True
    return queryset


def read_anew(
    kind: type[Any], objects: list[Any], model: type[models.Model], using: str
) -> list[Any]:
    """The rows of these objects, in their order, as the database holds them: of a row that was
    there already a conflict updated some fields, or none."""
    keys = _keys(model, objects)
    rows = {row.pk: row for row in of_keys(kind, model, using, keys).order_by()}
    return [rows[key] for key in dict.fromkeys(keys) if key in rows]


def _keys(model: type[models.Model], objects: list[Any]) -> list[Any]:
    fields: Any = model._meta
    if len(fields.pk_fields) > 1:
        return [object.pk for object in objects if object._is_pk_set()]
    return [key for key in map(attrgetter(fields.pk.attname), objects) if key is not None]


def read_back(queryset: Any, objects: list[Any], plain: bool) -> None:
    """Set on the objects what the database computed, by one query."""
    names = [
        field.attname
        for field in queryset.model._meta.concrete_fields
        if field.generated or _is_open(field, objects, plain and not field.has_db_default())
    ]
    if not names:
        return
    rows = {object.pk: object for object in objects if object._is_pk_set()}
    found = queryset.filter(InKeys(models.F("pk"), list(rows))).order_by()
    for key, *values in found.values_list("pk", *names):
        for name, value in zip(names, values):
            setattr(rows[key], name, value)


def _is_open(field: Any, objects: list[Any], plain: bool) -> bool:
    """Has an object an expression for its value?"""
    name = field.attname
    return not plain and any(isinstance(vars(o).get(name), Expression) for o in objects)
