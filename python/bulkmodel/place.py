"""A model on a connection, as the engine knows it, and jobs over its objects.

What writes either does all of a call, or says that it is not the engine's (NotOurs) before anything
is sent; then Django's own implementation does it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, fields, postgresql, transport
from bulkmodel.fields import Column, Description, Field
from bulkmodel.prepare import Prepare, take
from bulkmodel.statements import Condition

# So many rows are written by the statements that Django would need.
SMALL = 1000


_log = logging.getLogger("bulkmodel")


class NotOurs(Exception):
    """Django's own implementation does this call, and the message says why."""


@contextmanager
def or_django(verb: str, model: type[models.Model]) -> Iterator[None]:
    """Behind this block stands Django's way: it is left at NotOurs, and the log says why."""
    try:
        yield
    except NotOurs as why:
        _log.debug("%s of %s is Django's: %s", verb, model._meta.label, why)
    else:
        _log.debug("%s of %s is the engine's", verb, model._meta.label)


class Place:
    """A model on a connection, as the engine knows it."""

    def __init__(self, model: type[models.Model], using: str) -> None:
        self.model = model
        self.using = using
        self.connection: BaseDatabaseWrapper = connections[using]
        dialect = transport.dialect_of(self.connection)
        if dialect is None:
            raise NotOurs(transport.why_not(self.connection))
        description = fields.describe(model, self.connection, dialect)
        if description is None:
            raise NotOurs("the model is not the engine's")
        if dialect == "postgresql" and not postgresql.is_known(self.connection):
            raise NotOurs("its backend's connections are of a kind that is not known")
        self.dialect = dialect
        self.description: Description = description

    def column(self, field: Field) -> Column:
        column = self.description.columns.get(field)
        if column is None:
            raise NotOurs(f"field {field.name} is not the engine's")
        return column

    def chunk(self, batch_size: int | None, columns: list[Field], objects: list[Any]) -> int:
        """The rows of a statement: few rows take as many statements as Django sends; 0: the
        engine's choice."""
        if len(objects) == 1:
            return 1
        if len(objects) <= SMALL:
            most = max(self.connection.ops.bulk_batch_size(columns, objects), 1)
            return min(batch_size or most, most)
        return batch_size or 0

    def marks(self, objects: list[Any]) -> bytes:
        key = self.description.key.field.attname
        marks = _core.plain(objects, self.model, key, fields.has_relations(self.model))
        if marks is None:
            raise NotOurs("an object is not of the model itself, or has no value")
        return marks


def gather(
    place: Place,
    rows: _core.Rows,
    objects: list[Any],
    columns: Iterable[Column],
    limited: bool,
    prepare: Prepare,
) -> None:
    """The objects' values of these columns, into the rows: neighbours whose values stand there as
    they are taken at once, since a field's own methods may change what comes behind it."""
    for fast, run in groupby(columns, attrgetter("fast")):
        neighbours = list(run)
        indexes = tuple(column.index for column in neighbours)
        if fast and rows.take(indexes, objects, limited):
            continue
        for column in neighbours:
            if not take(rows, column, objects, limited, place.connection, prepare):
                raise NotOurs(f"a value of field {column.field.name} is not the engine's")


def make_job(
    rows: _core.Rows,
    verb: str,
    columns: tuple[int, ...],
    batch_size: int,
    condition: Condition,
    catalog: _core.Catalog | None,
    conflict: tuple[tuple[int, ...], tuple[int, ...]] | tuple[()] = (),
    keys_by: int = 0,
) -> _core.Job:
    """`conflict`: of a create, the fields that may conflict and those that are updated then;
    `keys_by`: see made_keys."""
    try:
        where, plain = condition.place, condition.is_plain
        return _core.Job(rows, verb, columns, batch_size, where, plain, keys_by, catalog, *conflict)
    except _core.Unfit as error:
        raise NotOurs(str(error)) from error
