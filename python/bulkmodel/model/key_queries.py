"""Statements that find rows by key, compiled once for a model on a connection.

Django takes longer to build such a statement than the database to run it.  The text is Django's and
depends on the fields alone: all keys are one parameter for each field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import models
from django.db.models.query import QuerySet
from django.db.models.sql import DeleteQuery

from bulkmodel.engine.statements import SMALL
from bulkmodel.engine.support import Fallback
from bulkmodel.model.target import Target
from bulkmodel.model.where import InKeys, having

Rows = list[tuple[Any, ...]]


class KeyQuery:
    """A statement whose only parameters are those of keys."""

    def __init__(self, sql: str, keys: InKeys, compiler: Any, columns: Sequence[Any]) -> None:
        """columns: the expressions that it returns, whose values Django converts."""
        self.sql = sql
        self.keys = keys
        self.connection = compiler.connection
        self.compiler = compiler
        self.converters = compiler.get_converters(columns)

    def rows(self, params: tuple[Any, ...]) -> Rows:
        """Run the statement and return its rows as Django would."""
        with self.connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows: Rows = cursor.fetchall()
        if self.converters:
            return list(map(tuple, self.compiler.apply_converters(rows, self.converters)))
        return rows

    def is_djangos(self) -> bool:
        """Return whether Django itself would run it: a package that watches or caches queries may
        have replaced the method."""
        run: Any = type(self.compiler).execute_sql
        return bool(getattr(run, "__module__", "").startswith("django."))

    def params(self, keys: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the parameters for these keys, or None if they need another text."""
        return self.keys.params(keys, self.connection)


def _run(
    model: type[models.Model],
    using: str,
    name: tuple[Any, ...],
    keys: Sequence[Any],
    make: Callable[[], KeyQuery | None],
) -> Rows | None:
    """Run the statement of this name, which is made once.  None: there is no such statement for
    these keys, or it would not pay to keep it."""
    if not 0 < len(keys) <= SMALL:
        return None
    try:
        kept = Target.of(model, using).statements
    except Fallback:
        return None
    if name not in kept:
        kept[name] = make()
    statement = kept[name]
    if statement is None or not statement.is_djangos():
        return None
    params = statement.params(keys)
    return statement.rows(params) if params is not None else None


def _made(compiler: Any, after: str, columns: Sequence[Any] | None = None) -> KeyQuery | None:
    sql, params = compiler.as_sql()
    conditions = compiler.query.where.children
    keys = conditions[0] if len(conditions) == 1 else None
    if not isinstance(keys, InKeys) or keys.params(keys.rhs, compiler.connection) != tuple(params):
        return None
    if columns is None:
        columns = [expression for expression, _, _ in compiler.select]
    return KeyQuery(sql + after, keys, compiler, columns)


def read_by_keys(
    model: type[models.Model],
    using: str,
    fields: Sequence[Any],
    keys: Sequence[tuple[Any, ...]],
    names: Sequence[str],
) -> Rows | None:
    """Return the primary key, the values of these fields and the attributes `names` of the rows
    whose fields have one of the keys.  None: use a queryset."""

    def make() -> KeyQuery | None:
        attributes = [field.attname for field in fields]
        rows: Any = QuerySet(model, using=using).filter(having(list(fields), list(keys)))
        rows = rows.order_by().values_list("pk", *attributes, *names)
        return _made(rows.query.get_compiler(using), "")

    if len(model._meta.pk_fields) > 1:  # Django reads it as a tuple
        return None
    name = ("read", len(fields), *(field.attname for field in fields), *names)
    given = keys if len(fields) > 1 else [value for (value,) in keys]
    return _run(model, using, name, given, make)


def delete_by_keys(model: type[models.Model], using: str, pks: Sequence[Any]) -> Rows | None:
    """Delete the rows with these primary keys in one statement, and return the keys of those that
    existed.  Nothing is collected.  None: use a queryset."""

    def make() -> KeyQuery | None:
        key: Any = model._meta.pk
        rows: Any = QuerySet(model, using=using).filter(InKeys(models.F("pk"), list(pks)))
        query = rows.order_by().query
        query.__class__ = DeleteQuery
        compiler = query.get_compiler(using)
        connection = compiler.connection
        if not connection.features.can_return_columns_from_insert:
            return None
        after = f" RETURNING {connection.ops.quote_name(key.column)}"
        return _made(compiler, after, [key.get_col(model._meta.db_table)])

    if len(model._meta.pk_fields) > 1:
        return None
    return _run(model, using, ("delete",), pks, make)
