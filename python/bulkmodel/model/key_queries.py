"""Statements that find rows by key, compiled once for a model on a connection.

Django takes longer to build such a statement than the database to run it.  The text is Django's and
depends on the fields alone: all keys are one parameter for each field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models.query import QuerySet
from django.db.models.sql import DeleteQuery, Query

from bulkmodel.engine.statements import SMALL
from bulkmodel.engine.support import Fallback
from bulkmodel.model.overrides import UPDATE_STEPS
from bulkmodel.model.target import Target
from bulkmodel.model.where import InKeys, having

Rows = list[tuple[Any, ...]]

# Statements that are kept with a target.
_MOST = 32


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

    def params(self, keys: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the parameters for these keys, or None if they need another text."""
        return self.keys.params(keys, self.connection)


@lru_cache(maxsize=64)
def _are_djangos(*methods: Any) -> bool:
    """Return whether these are functions of Django, which functools.wraps() does not imitate."""
    modules = (getattr(one, "__globals__", {}).get("__name__", "") for one in methods)
    return all(name.startswith("django.") for name in modules)


def _is_compiled_by_django(kind: type[Query], ops: Any) -> bool:
    """Return whether Django itself makes the statement of such a query and runs it.  A package may
    add conditions there, such as that of a tenant, which the next call does not have; or watch or
    cache queries."""
    if not str(ops.compiler_module).startswith("django."):
        return False
    compiler: Any = ops.compiler(kind.compiler)
    return _are_djangos(
        kind.get_compiler,
        type(ops).compiler,
        compiler.as_sql,
        compiler.compile,
        compiler.execute_sql,
        *(getattr(QuerySet, name) for name in UPDATE_STEPS),
    )


def _run(
    model: type[models.Model],
    using: str,
    name: tuple[Any, ...],
    keys: Sequence[Any],
    kind: type[Query],
    make: Callable[[], KeyQuery | None],
) -> Rows | None:
    """Run the statement of this name, a query of this kind, which is made once.  None: there is no
    such statement for these keys, or it would not pay to keep it."""
    if not 0 < len(keys) <= SMALL:
        return None
    try:
        target = Target.of(model, using)
    except Fallback:
        return None
    if not _is_compiled_by_django(kind, target.connection.ops):
        return None
    kept = target.statements
    statement = kept.pop(name) if name in kept else make()
    if len(kept) >= _MOST:
        del kept[next(iter(kept))]
    kept[name] = statement  # the last one is the one that was used last
    if statement is None:
        return None
    params = statement.params(keys)
    return statement.rows(params) if params is not None else None


def _made(compiler: Any, after: str, columns: Sequence[Any] | None = None) -> KeyQuery | None:
    sql, params = compiler.as_sql()
    conditions = compiler.query.where.children
    keys = conditions[0] if len(conditions) == 1 else None
    if not isinstance(keys, InKeys) or keys.params(keys.rhs, compiler.connection) != tuple(params):
        return None
    keys.rhs = ()  # those of the first call
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
    return _run(model, using, name, given, Query, make)


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
    return _run(model, using, ("delete",), pks, DeleteQuery, make)
