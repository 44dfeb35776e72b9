"""A model on a connection, as the engine sees it, and jobs over its objects.

A verb either does all of a call, or raises Fallback before anything is sent: then Django's own
implementation does the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import postgresql, support
from bulkmodel.engine.statements import SMALL, Condition
from bulkmodel.engine.support import Fallback
from bulkmodel.model import fields
from bulkmodel.model.adapt import Odd, Prepare, give, refuse_zeros
from bulkmodel.model.fields import Column, Description, Field

_INDEX = attrgetter("index")
# Targets that are kept with a connection.
_MOST = 1000
# Marks of objects: without related objects; without a key.
PLAIN = frozenset(mark for mark in range(16) if not mark & 2)
KEYLESS = frozenset(mark for mark in range(16) if mark & 1)


class Target:
    """The table that a call writes to: a model on a connection."""

    def __init__(
        self,
        model: type[models.Model],
        using: str,
        kinds: tuple[type[models.Model], ...] | None = None,
    ) -> None:
        """kinds: the table is one of several, and the objects are of these classes."""
        self.model = model
        self.using = using
        self.connection: BaseDatabaseWrapper = connections[using]
        dialect = support.dialect_of(self.connection)
        if dialect is None:
            raise Fallback(support.why_not(self.connection))
        description = fields.describe(model, self.connection, dialect.name, kinds is not None)
        if description is None:
            raise Fallback("the engine cannot write this model")
        if dialect.has_catalog and not postgresql.is_known(self.connection):
            raise Fallback("the connections of its backend are not psycopg connections")
        self.connection.ensure_connection()  # the driver adapts values
        self.dialect = dialect
        self.description: Description = description
        self.table = description.table
        self._has_no_stage = False  # as far as it was asked
        self.statements: dict[tuple[Any, ...], Any] = {}  # see key_queries
        self.kinds = fields.kinds_of(model)
        if kinds is not None:
            self.kinds = tuple(k for k in kinds if fields.has_same_attributes(k, model))

    @classmethod
    def of(cls, model: type[models.Model], using: str) -> Target:
        """Return a target that is kept with the connection until it is closed."""
        connection: Any = connections[using]
        connection.ensure_connection()
        facts = connection.connection, connection.ops
        kept: WeakKeyDictionary[Any, tuple[Any, Target]] | None
        kept = vars(connection).get("_bulkmodel_targets")
        if kept is None:
            kept = connection._bulkmodel_targets = WeakKeyDictionary()
        known = kept.get(model)
        if known is not None and known[0] == facts:
            target = known[1]
            if fields.describe(model, connection, target.dialect.name) is target.description:
                return target
        target = cls(model, using)
        if len(kept) >= _MOST:  # a target keeps its model
            kept.clear()
        kept[model] = facts, target
        return target

    def staged(self, n: int, condition: Condition) -> _core.Catalog | None:
        """Describe the table if its rows are on other servers and an update of n rows should go by
        way of stage tables there.  Small updates are one statement, which needs no transaction.  A
        stage is asked for each time: a partition that is attached moves keys and fails nothing."""
        if not self.dialect.has_catalog or n <= SMALL or condition.placeholder is not None:
            return None
        if self._has_no_stage or self.connection.needs_rollback:  # Django then refuses the update
            return None
        name = self.model._meta.db_table
        catalog = postgresql.staged(self.table, self.connection, name)
        self._has_no_stage = catalog is None
        return catalog

    def check_updates(self) -> None:
        """Raise Fallback if the engine does not update rows on this connection."""
        if not self.dialect.updates:
            raise Fallback("the session may not make temporary tables, which updates need")

    def column(self, field: Field) -> Column:
        column = self.description.columns.get(field)
        if column is None:
            raise Fallback(f"the engine cannot write field {field.name}")
        return column

    def chunk(self, batch_size: int | None, fields: Iterable[Field], objects: list[Any]) -> int:
        """Return the number of rows in one statement.  Small batches use as many statements as
        Django.  0: the engine chooses."""
        if len(objects) == 1:
            return 1
        if len(objects) <= SMALL:
            most = max(self.connection.ops.bulk_batch_size(list(fields), objects), 1)
            return min(batch_size or most, most)
        return batch_size or 0

    def marks(self, objects: list[Any]) -> bytes:
        marks: bytes | None = b""
        for column in self.description.keys:
            known = marks
            name = column.field.attname
            marks = _core.plain(objects, self.kinds, name, self.description.has_relations)
            if marks is None:
                raise Fallback("an object is not an instance of this model")
            if known:  # of a composite key no part may be missing
                marks = bytes(a | b for a, b in zip(known, marks))
        return marks or b""


def gather(
    target: Target,
    rows: _core.Rows,
    objects: list[Any],
    columns: Iterable[Column],
    limited: bool,
    prepare: Prepare,
) -> None:
    """Add the objects' values of these columns to the rows.  Adjacent columns that need no
    preparation are read together; a field's own methods may change later columns."""
    odd = Odd(target.description.all, target.connection, prepare)
    columns = tuple(columns)
    if not target.connection.features.allows_auto_pk_0:
        refuse_zeros(columns, objects, target.connection)
    for fast, run in groupby(columns, attrgetter("fast")):
        left = list(run)
        if fast:
            refused = rows.take(tuple(map(_INDEX, left)), objects, limited, odd)
            left = [column for column in left if column.index in refused] if refused else []
        for column in left:
            if not give(rows, column, objects, limited, target.connection, prepare):
                raise Fallback(f"the engine cannot write a value of field {column.field.name}")


def make_job(
    rows: _core.Rows,
    verb: str,
    columns: tuple[int, ...],
    batch_size: int,
    condition: Condition,
    catalog: _core.Catalog | None,
    conflict: tuple[tuple[int, ...], tuple[int, ...]] | tuple[()] = (),
    keys_by: int = 0,
    also: tuple[str, ...] = (),
) -> _core.Job:
    """Return the engine's job.  For a create: conflict has the fields that may conflict and the
    fields to update then, also the columns to return with the keys.  keys_by: see returned_keys."""
    where, plain = condition.placeholder, condition.is_plain
    how = (rows, verb, columns, batch_size, where, plain, keys_by, catalog, also)
    try:
        return _core.Job(*how, *conflict)
    except _core.Unfit as error:
        raise Fallback(str(error)) from error
