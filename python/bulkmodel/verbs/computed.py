"""Values that the database computes when rows are created: defaults and generated columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import QuerySet
from django.db.models.sql import InsertQuery

from bulkmodel import _core
from bulkmodel.engine.dialect import sends_defaults
from bulkmodel.engine.statements import Reading
from bulkmodel.engine.support import Fallback
from bulkmodel.model.adapt import for_create
from bulkmodel.model.attributes import MISSING
from bulkmodel.model.fields import Column, Field
from bulkmodel.model.primary_keys import normal_keys
from bulkmodel.model.target import Target, gather
from bulkmodel.verbs.written_rows import of_keys


def gather_new(
    target: Target,
    rows: _core.Rows,
    objects: list[Any],
    columns: Iterable[Column],
    knows_defaults: bool,
) -> None:
    """Add the values of new objects to the rows.  A column whose values are all the database's
    default is left out.  knows_defaults: the catalog has the expressions of the defaults."""
    if not target.description.has_defaults:
        gather(target, rows, objects, columns, False, for_create)
        return
    given: list[Column] = []
    sent = 0
    for column in columns:
        marks = _defaults(column.field, objects)
        if not any(marks):
            given.append(column)
        elif column in target.description.keys:
            raise Fallback("the database computes a primary key")
        elif sends_defaults(target.connection):
            sent += _gather_constants(target, rows, objects, column)
        elif not all(marks):
            if not knows_defaults:
                raise Fallback(f"field {column.field.name} is the default in some of a few rows")
            value = objects[marks.index(0)]
            others = [value if mark else o for mark, o in zip(marks, objects)]
            gather(target, rows, others, [column], False, for_create)
            rows.default(column.index, marks)
            sent += 1
    if not given and not sent:
        raise Fallback("every column is the database's default, and the engine writes no other row")
    gather(target, rows, objects, given, False, for_create)


def _defaults(field: Any, objects: list[Any]) -> bytes:
    """Mark the objects in which the field is the database's default.  Empty: it has none."""
    if not field.has_db_default():
        return b""
    values = _core.snapshot(objects, field.attname, MISSING, True)
    return bytes(type(value) is DatabaseDefault for value in values)


def _gather_constants(target: Target, rows: _core.Rows, objects: list[Any], column: Column) -> bool:
    """Add a column on a database to which Django sends the expression of a default: the value in
    it.  Another expression must be the default of all rows; then the column is left out, and False
    is returned."""
    field: Any = column.field
    default = field._db_default_expression
    values = [getattr(object, field.attname) for object in objects]
    made: list[Any] = [v for v in values if type(v) is DatabaseDefault]
    if any(v.expression is not default for v in made):
        raise Fallback(f"field {field.name} is the default of another field")
    if type(default) is models.Value:
        gather(target, rows, objects, [column], False, partial(_with_constant, default.value))
        return True
    if len(made) < len(values):
        raise Fallback(f"field {field.name} is an expression in some rows")
    return False


def _with_constant(
    default: Any, field: Field, objects: list[Any], connection: BaseDatabaseWrapper
) -> Any:
    constant = field.get_db_prep_save(default, connection)
    others = [o for o in objects if type(getattr(o, field.attname)) is not DatabaseDefault]
    prepared = for_create(field, others, connection)
    if prepared is None:
        return None
    rest = iter(prepared)
    return [
        constant if type(getattr(o, field.attname)) is DatabaseDefault else next(rest)
        for o in objects
    ]


class Computed:
    """The fields of a create that Django reads back, other than a key that the database assigns."""

    def __init__(self, target: Target, objects: list[Any], returns: bool, new: bool) -> None:
        """returns: the INSERT returns the values.  Otherwise a query reads them by key.  new: the
        objects were never saved, so they have no generated values."""
        self.target = target
        self.fields = target.description.returned
        self.returns = returns
        self.objects = objects
        self._before = {
            field.attname: _core.snapshot(objects, field.attname, MISSING, not field.generated)
            for field in self.fields
            if not (new and field.generated)
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the INSERT returns after the keys."""
        return tuple(field.column for field in self.fields) if self.returns else ()

    def take(self, reading: Reading | None, in_order: bool) -> None:
        """Set the values on the objects, which have their keys now.  in_order: the rows were
        written in the order of the objects."""
        model, using = self.target.model, self.target.using
        objects = self.objects
        keys = normal_keys(model, [object.pk for object in objects], using)
        rows = self._returned(reading) if reading and self.returns else self._read(keys)
        found = dict(rows)
        values = [found.get(key) for key in keys]
        if in_order and None in values and len(rows) == len(keys):  # a trigger changed keys
            values = [row[1] for row in rows]
        there = [i for i, known in enumerate(values) if known is not None]
        if len(there) < len(objects):
            objects = [objects[i] for i in there]
            values = [values[i] for i in there]
        columns: list[tuple[Any, ...]] = list(zip(*values))
        for field, cells in zip(self.fields, columns):
            _core.settle(objects, field.attname, list(cells), False, using)

    def _returned(self, reading: Reading) -> list[tuple[Any, tuple[Any, ...]]]:
        """Return keys and values as the INSERT returned them, converted as Django does."""
        target = self.target
        model, keys = target.model, target.description.keys
        compiler: Any = InsertQuery(model).get_compiler(using=target.using)
        fields: list[Any] = [*(column.field for column in keys), *self.fields]
        converters = compiler.get_converters([f.get_col(model._meta.db_table) for f in fields])
        rows: Any = reading.computed
        if converters:
            rows = compiler.apply_converters(rows, converters)
        order = target.description.key_order
        n = len(keys)
        cells = [tuple(row) for row in rows]
        made = [row[0] if n == 1 else tuple(row[i] for i in order) for row in cells]
        return list(zip(normal_keys(model, made, target.using), [row[n:] for row in cells]))

    def _read(self, keys: list[Any]) -> list[tuple[Any, tuple[Any, ...]]]:
        model, using = self.target.model, self.target.using
        names = [field.attname for field in self.fields]
        found = list(of_keys(QuerySet, model, using, keys).order_by().values_list("pk", *names))
        return list(
            zip(normal_keys(model, [row[0] for row in found], using), [row[1:] for row in found])
        )

    def undo(self, lost: Sequence[int]) -> None:
        """Restore the attributes of these objects."""
        for field in self.fields:
            name = field.attname
            values = self._before.get(name)
            for i in lost:
                if values is None or values[i] is MISSING:
                    vars(self.objects[i]).pop(name, None)
                else:
                    setattr(self.objects[i], name, values[i])
