"""Build the queryset of the rows that a call wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from django.db import models
from django.db.models.expressions import Expression
from django.db.models.query import QuerySet

from bulkmodel.engine.failure import check_count
from bulkmodel.model.attributes import MISSING
from bulkmodel.model.primary_keys import normal_keys
from bulkmodel.model.row_state import watch
from bulkmodel.model.snapshot import Snapshot
from bulkmodel.model.where import InKeys

# Returns values by attribute, in the order of the objects, and the unknown attributes.
Told = Callable[[list[Any]], tuple[dict[str, list[Any]], Sequence[str]]]


def of_keys(kind: type[Any], model: type[models.Model], using: str, keys: Sequence[Any]) -> Any:
    """Return an unevaluated queryset of these keys, which are sent as one parameter."""
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
    told: Told | None = None,
) -> Any:
    """Return the queryset of these objects' rows, already filled with the objects in order.

    created: all objects have all fields.  plain: no value is an expression.  told: returns the
    rows' values in attributes that were not written from the objects."""
    keys = _keys(model, objects)
    read_back(kind(model, using=using), objects, plain)
    queryset = of_keys(kind, model, using, keys)
    queryset._result_cache = objects
    queryset._prefetch_done = True
    queryset._bm_by_key = True
    watch(objects)
    queryset._snapshot = snapshot = Snapshot(model, objects, using, alike=created)
    columns, unknown = told(objects) if told is not None else ({}, ())
    for name, values in columns.items():
        snapshot.put(name, range(len(objects)), values)
    if unknown:
        snapshot.read_later(unknown, lambda rows: _stored(model, rows, using, unknown))
    return queryset


def read_anew(
    kind: type[Any], objects: list[Any], model: type[models.Model], using: str
) -> list[Any]:
    """Read the rows of these objects, in order.  A conflict may have updated only some fields of an
    existing row, or none."""
    keys = normal_keys(model, _keys(model, objects), using)
    found = list(of_keys(kind, model, using, keys).order_by())
    rows = dict(zip(normal_keys(model, [row.pk for row in found], using), found))
    return [rows[key] for key in dict.fromkeys(keys) if key in rows]


def _keys(model: type[models.Model], objects: list[Any]) -> list[Any]:
    fields: Any = model._meta
    if len(fields.pk_fields) > 1:
        return [object.pk for object in objects if object._is_pk_set()]
    return [key for key in map(attrgetter(fields.pk.attname), objects) if key is not None]


def read_back(queryset: Any, objects: list[Any], plain: bool) -> None:
    """Set the values that the database computed on the objects, with one query."""
    names = [
        field.attname
        for field in queryset.model._meta.concrete_fields
        if field.generated or _is_open(field, objects, plain and not field.has_db_default())
    ]
    if not names:
        return
    saved = [object for object in objects if object._is_pk_set()]
    model, using = queryset.model, queryset.db
    keys = normal_keys(model, [object.pk for object in saved], using)
    rows = dict(zip(keys, saved))
    found = list(
        queryset.filter(InKeys(models.F("pk"), list(rows))).order_by().values_list("pk", *names)
    )
    for key, (_, *values) in zip(normal_keys(model, [row[0] for row in found], using), found):
        for name, value in zip(names, values) if key in rows else ():
            setattr(rows[key], name, value)


def _is_open(field: Any, objects: list[Any], plain: bool) -> bool:
    """Return whether an object has an expression as its value."""
    name = field.attname
    return not plain and any(isinstance(vars(o).get(name), Expression) for o in objects)


def _stored(
    model: type[models.Model], objects: list[Any], using: str, names: Sequence[str]
) -> dict[str, list[Any]]:
    """Read these attributes of the objects' rows with one query."""
    keys = normal_keys(model, [object.pk for object in objects], using)
    found = list(of_keys(QuerySet, model, using, keys).order_by().values_list("pk", *names))
    cells = dict(zip(normal_keys(model, [row[0] for row in found], using), found))
    nothing = [MISSING] * (len(names) + 1)
    rows = [cells.get(key, nothing) for key in keys]
    return {name: [row[i] for row in rows] for i, name in enumerate(names, 1)}


def count_inserts(queryset: Any) -> None:
    """Make Django's _batched_insert() fail if fewer rows are returned than were sent."""
    insert = queryset._batched_insert

    def insert_all(objects: list[Any], *given: Any, **options: Any) -> Any:
        rows = insert(objects, *given, **options)
        if options.get("on_conflict") is None and objects[0]._meta.db_returning_fields:
            # Of a single row that a trigger drops Django has None.
            check_count(sum(row is not None for row in rows), len(objects))
        return rows

    queryset._batched_insert = insert_all
