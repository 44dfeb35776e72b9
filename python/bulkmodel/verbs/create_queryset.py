"""create_queryset() and populate_queryset_values()."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import ModelIterable

from bulkmodel.engine import failure
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.model.fields import key_fields
from bulkmodel.model.primary_keys import normal, normal_keys
from bulkmodel.model.where import InKeys


def create_or_update(queryset: Any, objects: list[Any]) -> None:
    """Insert the objects whose rows do not exist, and update the rows of the others."""
    model = queryset.model
    using = queryset.db
    keyed = _keyed(model, objects, using)
    before = [(row, row._is_pk_set(), row._state.adding, row._state.db) for row in objects]
    with one_transaction(using, lambda: _undo(before)):
        there = _keys_there(queryset, list(keyed))
        old = [row for key, row in keyed.items() if key in there]
        known = {id(row) for row in old}
        if len(old) < len(objects):
            queryset._bm_counts = True
            queryset.bulk_create([row for row in objects if id(row) not in known])
        for row in old:
            row._state.adding, row._state.db = False, using
        for names, rows in _by_names(model, old):
            queryset.update_fields(*names, objects=rows)


def _undo(before: list[tuple[Any, bool, bool, str | None]]) -> None:
    for row, had_key, adding, db in before:
        row._state.adding, row._state.db = adding, db
        if not had_key:
            row.pk = None


def _keyed(model: type[models.Model], objects: list[Any], using: str) -> dict[Any, Any]:
    keyed: dict[Any, Any] = {}
    at: dict[Any, int] = {}
    for i, row in enumerate(objects):
        if not isinstance(row, model._meta.concrete_model or model):
            raise failure.not_an_instance(i, row, model)
        if row._is_pk_set():  # type: ignore[attr-defined]
            key = normal(model, row.pk, using)
            if at.setdefault(key, i) != i:
                raise ValueError(f"Objects {at[key]} and {i} have the same primary key.")
            keyed[key] = row
    return keyed


def _keys_there(queryset: Any, keys: list[Any]) -> set[Any]:
    if not keys:
        return set()
    found = queryset.filter(InKeys(models.F("pk"), keys)).order_by()
    return set(normal_keys(queryset.model, found.values_list("pk", flat=True), queryset.db))


def _by_names(
    model: type[models.Model], rows: list[Any]
) -> Iterable[tuple[tuple[str, ...], list[Any]]]:
    """Group the objects by the fields that they have values for, usually all of them."""
    keys = key_fields(model)
    fields = [f for f in model._meta.concrete_fields if f not in keys and not f.generated]
    groups: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        values = vars(row)
        names = tuple(
            field.name
            for field in fields
            if field.attname in values and _is_given(field, values[field.attname])
        )
        groups.setdefault(names, []).append(row)
    return [(names, part) for names, part in groups.items() if names]


def _is_given(field: Any, value: Any) -> bool:
    by_the_model = value is None and getattr(field, "auto_now_add", False)
    return not by_the_model and not isinstance(value, DatabaseDefault)


def populate(queryset: Any, objects: Iterable[Any], names: tuple[str, ...]) -> None:
    """Copy these fields to the rows of an evaluated queryset that have the same keys."""
    if not names:
        raise ValueError("populate_queryset_values() needs at least one field name.")
    if not issubclass(queryset._iterable_class, ModelIterable):
        raise TypeError("populate_queryset_values() needs a queryset of model instances.")
    opts = queryset.model._meta
    fields = [opts.get_field(name) for name in names]
    if any(not field.concrete or field.many_to_many or field in opts.pk_fields for field in fields):
        raise ValueError(
            "populate_queryset_values() copies concrete fields other than the primary key."
        )
    given = {}
    for i, row in enumerate(objects):
        if not isinstance(row, queryset.model._meta.concrete_model):
            raise failure.not_an_instance(i, row, queryset.model)
        given[normal(queryset.model, row.pk, queryset.db)] = row
    for row in queryset._result_cache:
        source = given.get(normal(queryset.model, row.pk, queryset.db))
        if source is None or source is row:
            continue
        for field in fields:
            if field.attname in vars(source):
                _copy(field, source, row)


def _copy(field: Any, source: Any, row: Any) -> None:
    setattr(row, field.attname, vars(source)[field.attname])
    if field.is_relation and field.is_cached(source):
        field.set_cached_value(row, field.get_cached_value(source))
