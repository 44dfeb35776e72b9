"""A queryset's WHERE in the engine's statements, and conditions on many keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, models
from django.db.models import lookups
from django.db.models.expressions import ColPairs, RawSQL  # type: ignore[attr-defined]
from django.db.models.fields.tuple_lookups import (  # type: ignore[import-untyped]
    Tuple,
    TupleIn,
)
from django.db.models.sql import Query
from django.db.models.sql.where import ExtraWhere

from bulkmodel.engine.dialect import most_keys
from bulkmodel.engine.postgresql import bound
from bulkmodel.engine.statements import ANY_ROW, Condition
from bulkmodel.engine.support import Fallback
from bulkmodel.model.fields import equal, qualified
from bulkmodel.model.primary_keys import are_integers


def condition_of(queryset: Any, connection: Any) -> Condition | None:
    """Return the queryset's WHERE for a statement that calls the table t.  None: no row matches."""
    query = queryset.query
    if type(query) is not Query:
        raise Fallback("the queryset's query has a class of its own")
    if query.combinator or query.distinct or query.extra or query.annotations:
        raise Fallback("the queryset is combined, distinct, annotated or uses extra()")
    if query.group_by is not None or query.is_sliced:
        raise Fallback("the queryset is grouped or sliced")
    aliases = [alias for alias in query.alias_map if query.alias_refcount[alias]]
    if not query.where:
        return ANY_ROW if len(aliases) <= 1 else _subquery(queryset, connection)
    if len(aliases) > 1 or _names_the_table(query.where):
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
        return ANY_ROW
    return bound(connection, sql, params)


def selects_all(queryset: Any) -> bool:
    """Return whether the queryset, but for a slice, selects each row of its table."""
    query = queryset.query
    aliases = [alias for alias in query.alias_map if query.alias_refcount[alias]]
    return type(query) is Query and not query.where and not query.combinator and len(aliases) <= 1


def _names_the_table(node: Any) -> bool:
    """Return whether the caller's own SQL may name the table."""
    if isinstance(node, ExtraWhere | RawSQL):
        return True
    parts = getattr(node, "children", None)
    if parts is None and hasattr(node, "get_source_expressions"):
        parts = node.get_source_expressions()
    return any(_names_the_table(part) for part in parts or ())


def _subquery(queryset: Any, connection: Any) -> Condition | None:
    inner = queryset.order_by().values("pk")
    try:
        sql, params = inner.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    quote = connection.ops.quote_name
    keys = ", ".join(f"t.{quote(field.column)}" for field in queryset.model._meta.pk_fields)
    return bound(connection, f"({keys}) IN ({sql})", params)


def having(fields: list[Any], keys: list[tuple[Any, ...]]) -> InKeys:
    """Return the condition that the values of these fields are one of the keys."""
    if len(fields) == 1:
        return InKeys(models.F(fields[0].attname), [value for (value,) in keys])
    return InKeys(Tuple(*(models.F(field.attname) for field in fields)), keys)


def lists_of(keys: Sequence[Any], using: str) -> Iterator[Sequence[Any]]:
    """Yield the keys in lists that are short enough for a condition."""
    most = most_keys(connections[using])
    for first in range(0, len(keys), most):
        yield keys[first : first + most] if len(keys) > most else keys


def rows_of(queryset: Any, pks: Sequence[Any]) -> Iterator[Any]:
    """Yield querysets of the rows with these primary keys that the queryset selects."""
    for part in lists_of(pks, queryset.db):
        yield queryset.filter(InKeys(models.F("pk"), part)).order_by()


def _of_no_type(texts: list[str]) -> str:
    """Return an array's literal, which gets its type from the column: a text[] would be compared as
    text with a citext."""
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in escaped) + "}"


def _prepared(field: Any, values: Sequence[Any], connection: Any) -> list[Any]:
    return [field.get_db_prep_value(value, connection, prepared=False) for value in values]


def _digits(values: list[Any]) -> list[str] | None:
    """Return integers as text, or None if one of the values is none."""
    return list(map(str, values)) if set(map(type, values)) == {int} else None


class InKeys(lookups.In):  # type: ignore[type-arg]
    """A lookup for many keys, sent as one parameter.  On PostgreSQL a composite key takes one
    parameter for each of its columns; on MariaDB and MySQL a key is text or a parameter."""

    allows_composite_expressions = True

    @property
    def identity(self) -> tuple[Any, ...]:
        return type(self), self.lhs, id(self.rhs)

    def get_prep_lookup(self) -> Any:
        return self.rhs  # their column is not known yet

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        plain: Any = lookups.In(self.lhs, self.rhs) if len(self._parts()) == 1 else None
        if isinstance(self.lhs, Tuple):
            plain = TupleIn(self.lhs, self.rhs)
        elif isinstance(self.lhs, ColPairs):
            plain = self.lhs.output_field.get_lookup("in")(self.lhs, self.rhs)
        sql, params = compiler.compile(plain)
        return sql, params

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        keys = self._keys(connection)
        column, params = self._columns(compiler, connection)
        kinds = [part.output_field.rel_db_type(connection) for part in self._parts()]
        given = self._to_postgresql(keys, connection)
        if len(keys) == 1:
            return f"{column} {equal(kinds[0])} ANY(%s)", (*params, *given)
        arrays = ", ".join(f"pg_catalog.UNNEST(%s::{qualified(kind)}[])" for kind in kinds)
        rows = f"SELECT * FROM ROWS FROM ({arrays})"
        if all(equal(kind) != "=" for kind in kinds):
            return f"({column}) {equal(kinds[0])} ANY ({rows})", (*params, *given)
        return f"({column}) IN ({rows})", (*params, *given)

    def as_mysql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Its drivers write each parameter into the text.  Digits are in it without them."""
        keys = self._keys(connection, digits=True)
        column, params = self._columns(compiler, connection)
        cells = [_digits(values) for values in keys]
        given = [values for values, texts in zip(keys, cells) if texts is None]
        rows = [texts or ["%s"] * len(self.rhs) for texts in cells]
        if len(keys) == 1:
            return f"{column} IN ({', '.join(rows[0])})", (*params, *chain(*zip(*given)))
        tuples = ", ".join(f"({', '.join(row)})" for row in zip(*rows))
        return f"({column}) IN ({tuples})", (*params, *chain(*zip(*given)))

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        keys = self._keys(connection)
        column, params = self._columns(compiler, connection)
        given = self._to_sqlite(keys, connection)
        if given is None:
            return self.as_sql(compiler, connection)
        cells = "value"
        if len(keys) > 1:
            column = f"({column})"
            cells = ", ".join(f"json_extract(value, '$[{i}]')" for i in range(len(keys)))
        return f"{column} IN (SELECT {cells} FROM json_each(%s))", (*params, *given)

    def params(self, keys: Sequence[Any], connection: Any) -> tuple[Any, ...] | None:
        """Return the parameters that these keys are sent as.  None: the statement's text depends
        on the keys."""
        send = getattr(self, f"_to_{connection.vendor}", None)
        given: tuple[Any, ...] | None
        given = send(self._prepared(keys, connection), connection) if send is not None else None
        return given

    def _to_postgresql(self, keys: list[list[Any]], connection: Any) -> tuple[Any, ...]:
        if len(keys) > 1:
            return tuple(keys)
        kind = self._parts()[0].output_field.rel_db_type(connection)
        other = equal(kind) == "=" and all(type(key) is str for key in keys[0])
        return (_of_no_type(keys[0]) if other else keys[0],)

    def _to_sqlite(self, keys: list[list[Any]], connection: Any) -> tuple[Any, ...] | None:
        if not all(isinstance(v, (int, float, str)) for values in keys for v in values):
            return None
        return (json.dumps(keys[0] if len(keys) == 1 else list(zip(*keys))),)

    def _parts(self) -> list[Any]:
        return list(self.lhs) if isinstance(self.lhs, ColPairs | Tuple) else [self.lhs]

    def _columns(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the columns, separated by commas, and their parameters."""
        if not isinstance(self.lhs, Tuple):
            sql, params = self.process_lhs(compiler, connection)
            return str(sql), params
        compiled = [compiler.compile(part) for part in self.lhs]
        return ", ".join(sql for sql, _ in compiled), [p for _, given in compiled for p in given]

    def _keys(self, connection: Any, digits: bool = False) -> list[list[Any]]:
        if not self.rhs:
            raise EmptyResultSet
        return self._prepared(self.rhs, connection, digits)

    def _prepared(
        self, keys: Sequence[Any], connection: Any, digits: bool = False
    ) -> list[list[Any]]:
        """Return the prepared values of each column.  digits: integers need no adapter."""
        parts = self._parts()
        columns = [keys] if len(parts) == 1 else zip(*keys)
        return [
            list(values)
            if digits and are_integers(part.output_field, values)
            else _prepared(part.output_field, values, connection)
            for part, values in zip(parts, columns)
        ]
