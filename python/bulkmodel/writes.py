"""From objects to jobs.  Everything here either does all of a call, or says that it is not the
engine's (NotOurs) before anything is sent; then Django's own implementation does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, fields, transport
from bulkmodel.fields import Column, Description, Field
from bulkmodel.transport import Condition

# So many rows are written by the statements that Django would need.
SMALL = 1000
# SQLite without the engine's table: rows of one INSERT, and its SQLITE_MAX_VARIABLE_NUMBER.
VALUES_ROWS = 100
VARIABLES = 32766


class NotOurs(Exception):
    """Django's own implementation does this call."""


class Place:
    """A model on a connection, as the engine knows it."""

    def __init__(self, model: type[models.Model], using: str) -> None:
        self.model = model
        self.using = using
        self.connection: BaseDatabaseWrapper = connections[using]
        dialect = transport.dialect_of(self.connection)
        description = (
            fields.describe(model, self.connection, dialect) if dialect is not None else None
        )
        if dialect is None or description is None:
            raise NotOurs
        self.dialect = dialect
        self.description: Description = description

    def column(self, field: Field) -> Column:
        column = self.description.columns.get(field)
        if column is None:
            raise NotOurs
        return column

    def chunk(self, batch_size: int | None, columns: list[Field], objects: list[Any]) -> int:
        """The rows of a statement: few rows take as many statements as Django sends; 0: the
        engine's choice."""
        if len(objects) <= SMALL:
            most = max(self.connection.ops.bulk_batch_size(columns, objects), 1)
            return min(batch_size or most, most)
        return batch_size or 0

    def marks(self, objects: list[Any]) -> bytes:
        key = self.description.key.field.attname
        marks = _core.plain(objects, self.model, key, fields.has_relations(self.model))
        if marks is None:
            raise NotOurs
        return marks


def gather(
    place: Place, objects: list[Any], columns: Iterable[Column], limited: bool
) -> _core.Rows:
    """The objects' values of these columns."""
    rows = _core.Rows(place.description.table, len(objects))
    for column in columns:
        if not rows.take(column.index, objects, limited):
            raise NotOurs
    return rows


def _job(
    rows: _core.Rows,
    verb: str,
    columns: tuple[int, ...],
    batch_size: int,
    condition: Condition,
    catalog: _core.Catalog | None,
) -> _core.Job:
    try:
        return _core.Job(rows, verb, columns, batch_size, condition.place, catalog)
    except _core.Unfit as error:
        raise NotOurs from error


# ------------------------------------------------------------------------------ create


class Create:
    """bulk_create without conflicts, of objects some of which have keys."""

    def __init__(self, queryset: Any, objects: list[Any], batch_size: int | None) -> None:
        queryset._for_write = True
        self.place = Place(queryset.model, queryset.db)
        self.batch_size = batch_size
        description = self.place.description
        if not description.complete:
            raise NotOurs
        marks = self.place.marks(objects)
        if any(mark & 2 for mark in set(marks)) or description.key.field.has_default():
            queryset._prepare_for_bulk_create(objects)
            marks = self.place.marks(objects)
        self.keyed = [o for o, mark in zip(objects, marks) if not mark & 1]
        self.keyless = (
            objects if not self.keyed else [o for o, mark in zip(objects, marks) if mark & 1]
        )
        if self.keyless and not description.key_assigned:
            raise NotOurs
        for column in description.columns.values():
            if column.now or column.now_add:
                for object in objects:
                    column.field.pre_save(object, add=True)
        catalog = None
        if self.place.dialect == "postgresql" and len(objects) > SMALL:
            catalog = transport.ask(description.table, self.place.connection)
        self.jobs = [
            self._prepare(part, with_key, catalog)
            for part, with_key in ((self.keyed, True), (self.keyless, False))
            if part
        ]

    def _prepare(
        self, objects: list[Any], with_key: bool, catalog: _core.Catalog | None
    ) -> _core.Job:
        place = self.place
        columns = [
            column
            for column in place.description.columns.values()
            if with_key or column is not place.description.key
        ]
        if not columns:
            raise NotOurs
        batch_size = place.chunk(self.batch_size, [column.field for column in columns], objects)
        if place.dialect == "sqlite-rows":
            most = VALUES_ROWS if len(objects) > SMALL else len(objects)
            batch_size = max(min(batch_size or most, VARIABLES // len(columns)), 1)
        if len(objects) > SMALL and catalog is None and place.dialect == "postgresql":
            raise NotOurs
        rows = gather(place, objects, columns, limited=False)
        return _job(rows, "bulk_create", (), batch_size, Condition(), catalog)

    def run(self) -> None:
        place = self.place
        key = place.description.key.field.attname
        settled = False
        try:
            with transaction.atomic(using=place.using, savepoint=False):
                for job in self.jobs:
                    transport.run(job, place.connection, Condition())
                _core.settle(self.keyed, None, None, False, place.using)
                if self.keyless:
                    settled = True
                    _core.settle(self.keyless, key, self.jobs[-1].keys(), False, place.using)
        except BaseException:
            if settled:
                _core.settle(self.keyless, key, None, True, None)
            raise


# ------------------------------------------------------------------------------ update


def condition_of(queryset: Any, connection: Any) -> Condition | None:
    """The queryset's WHERE, for a statement that calls the table t; None: it selects nothing."""
    query = queryset.query
    if query.combinator or query.distinct or query.extra or query.annotations:
        raise NotOurs
    if query.group_by is not None or query.is_sliced:
        raise NotOurs
    aliases = [alias for alias in query.alias_map if query.alias_refcount[alias]]
    if not query.where:
        return Condition() if len(aliases) <= 1 else _subquery(queryset, connection)
    if len(aliases) > 1:
        return _subquery(queryset, connection)
    clone = query.clone()
    base = clone.get_initial_alias()
    if base != "t":
        clone.change_aliases({base: "t"})
    compiler = clone.get_compiler(connection=connection)
    try:
        sql, params = compiler.compile(clone.where)
    except EmptyResultSet:
        return None
    except FullResultSet:
        return Condition()
    return _bound(connection, sql, params)


def _subquery(queryset: Any, connection: Any) -> Condition | None:
    inner = queryset.order_by().values("pk")
    try:
        sql, params = inner.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    column = connection.ops.quote_name(queryset.model._meta.pk.column)
    return _bound(connection, f"t.{column} IN ({sql})", params)


def _bound(connection: Any, sql: str, params: Any) -> Condition:
    """Where Django binds parameters in the client, so do we: its SQL is made for that."""
    if connection.vendor == "postgresql" and not connection.features.uses_server_side_binding:
        text = connection.ops.compose_sql(sql, params)
        return Condition(text.replace("%", "%%"))
    return Condition(sql, tuple(params))


class Update:
    """Values of their own for objects that are found by key."""

    def __init__(
        self,
        place: Place,
        objects: list[Any],
        columns: list[Column],
        batch_size: int,
        condition: Condition,
        *,
        limited: bool,
        kept: dict[int, bytes] | None = None,
    ) -> None:
        self.place = place
        self.condition = condition
        key = place.description.key
        rows = gather(place, objects, [key, *columns], limited)
        for index, changed in (kept or {}).items():
            rows.keep(index, changed)
        indexes = tuple(column.index for column in columns)
        self.job = _job(rows, "update_fields", indexes, batch_size, condition, None)

    def run(self) -> int:
        with transaction.atomic(using=self.place.using, savepoint=False):
            transport.run(self.job, self.place.connection, self.condition)
        return self.job.written()


def bulk_update(queryset: Any, objects: tuple[Any, ...], names: Any, batch_size: int | None) -> int:
    """Django's bulk_update, where all that it refuses is known not to be there."""
    opts = queryset.model._meta
    if not objects or not names or not all(isinstance(name, str) for name in names):
        raise NotOurs
    if batch_size is not None and batch_size <= 0:
        raise NotOurs
    queryset._for_write = True
    place = Place(queryset.model, queryset.db)
    columns = [place.column(opts.get_field(name)) for name in names]
    if place.description.key in columns or len(set(columns)) != len(columns):
        raise NotOurs
    rows = list(objects)
    marks = place.marks(rows)
    if any(mark & 1 for mark in set(marks)):
        raise NotOurs
    fields_named = [column.field for column in columns]
    if any(mark & 2 for mark in set(marks)):
        for object in rows:
            object._prepare_related_fields_for_save(
                operation_name="bulk_update", fields=fields_named
            )
    condition = condition_of(queryset, place.connection)
    if condition is None:
        return 0
    chunk = place.chunk(batch_size, [opts.pk, opts.pk, *fields_named], rows)
    return Update(place, rows, columns, chunk, condition, limited=_cuts(place)).run()


def _cuts(place: Place) -> bool:
    """Does Django's bulk_update cut text that is too long?"""
    return place.connection.features.requires_casted_case_in_updates
