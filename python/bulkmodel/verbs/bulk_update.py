"""bulk_update() on the engine: each object has its own values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import failure
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.jobs import Jobs
from bulkmodel.engine.statements import Condition
from bulkmodel.engine.support import Fallback
from bulkmodel.model import adapt, diagnose
from bulkmodel.model.adapt import Prepare
from bulkmodel.model.fields import Column
from bulkmodel.model.limits import check_keys
from bulkmodel.model.target import Target, gather, make_job
from bulkmodel.model.where import condition_of
from bulkmodel.verbs.find_rows import check_instances


class Update:
    """An update of rows that are found by key, each with its own values."""

    def __init__(
        self,
        target: Target,
        objects: list[Any],
        columns: list[Column],
        batch_size: int,
        condition: Condition,
        *,
        how: Prepare,
        limited: bool,
        kept: dict[int, bytes] | None = None,
        workers: int = 1,
        places: Callable[[], Sequence[Sequence[int]]] | None = None,
    ) -> None:
        keys = target.description.keys
        rows = _core.Rows(target.description.table, len(objects))
        gather(target, rows, objects, keys, False, adapt.for_lookup)
        for column in columns:
            changed = (kept or {}).get(column.index)
            if changed is None:
                gather(target, rows, objects, [column], limited, how)
            else:  # unchanged values are neither prepared nor loaded
                given = _with_stand_ins(objects, changed)
                gather(target, rows, given, [column], limited, how)
                rows.keep(column.index, changed)
        indexes = tuple(column.index for column in columns)
        catalog = target.staged(len(objects), condition)
        job = make_job(rows, "update_fields", indexes, batch_size, condition, catalog)
        self.jobs = Jobs(target, [job], condition, workers, places)

    def run(self) -> int:
        self.jobs.run()
        return self.jobs.written()


def _with_stand_ins(objects: list[Any], changed: bytes) -> list[Any]:
    """Replace each object whose column stays unchanged by one whose column is written."""
    written = objects[changed.index(1)]
    return [object if mark else written for object, mark in zip(objects, changed)]


def bulk_update(queryset: Any, objects: tuple[Any, ...], names: Any, batch_size: int | None) -> int:
    """Run bulk_update() on the engine.  Fallback: Django would refuse the call, or must do it."""
    prepared = update_of(queryset, objects, names, batch_size)
    if prepared is None:
        with one_transaction(queryset.db):  # as Django does
            return 0
    update, call = prepared
    with diagnose.diagnosed(lambda: call):
        return update.run()


def check_objects(model: type[models.Model], objects: Sequence[Any], using: str) -> None:
    """Check the objects of a call that is committed in parts, before the first part."""
    check_instances(model, objects)
    for i, row in enumerate(objects):
        if not row._is_pk_set():
            error = ValueError("All bulk_update() objects must have a primary key set.")
            raise failure.at_row(error, i, None)
    check_keys(connections[using], objects)


def update_of(
    queryset: Any, objects: tuple[Any, ...], names: Any, batch_size: int | None
) -> tuple[Update, diagnose.Call] | None:
    """Prepare bulk_update().  None: the queryset selects no row.  Fallback: see there."""
    opts = queryset.model._meta
    if not objects or not names or not all(isinstance(name, str) for name in names):
        raise Fallback("there is nothing to write, or a field name is not a string")
    if batch_size is not None and batch_size <= 0:
        raise Fallback("Django refuses this batch_size")
    queryset._for_write = True
    target = Target.of(queryset.model, queryset.db)
    target.check_updates()
    columns = [target.column(opts.get_field(name)) for name in names]
    if set(target.description.keys) & set(columns) or len(set(columns)) != len(columns):
        raise Fallback("the primary key or a repeated field is among the names")
    rows = list(objects)
    marks = target.marks(rows)
    if any(mark & 1 for mark in set(marks)):
        raise Fallback("an object has no primary key")
    fields_named = [column.field for column in columns]
    if any(mark & 2 for mark in set(marks)):
        for object in rows:
            object._prepare_related_fields_for_save(
                operation_name="bulk_update", fields=fields_named
            )
    condition = condition_of(queryset, target.connection)
    if condition is None:
        return None
    if target.dialect.joins and not condition.is_plain:
        raise Fallback("the queryset's condition reads other rows")
    chunk = target.chunk(batch_size, [opts.pk, opts.pk, *fields_named], rows)
    call = diagnose.Call(target.model, target.connection, rows, fields_named)
    how, limited = adapt.for_bulk_update, cuts(target.connection)
    with diagnose.diagnosed(lambda: call):
        update = Update(target, rows, columns, chunk, condition, how=how, limited=limited)
    return update, call


def cuts(connection: BaseDatabaseWrapper) -> bool:
    """Return whether Django's bulk_update() truncates a text that save() would refuse."""
    return connection.features.requires_casted_case_in_updates
