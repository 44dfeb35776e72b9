"""A queryset's WHERE, for the engine's statements."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models.expressions import RawSQL
from django.db.models.sql import Query
from django.db.models.sql.where import ExtraWhere

from bulkmodel.place import NotOurs
from bulkmodel.statements import Condition


def condition_of(queryset: Any, connection: Any) -> Condition | None:
    """The queryset's WHERE, for a statement that calls the table t; None: it selects nothing."""
    query = queryset.query
    if type(query) is not Query:
        raise NotOurs("the queryset's query is of a class of its own, and may select as it likes")
    if query.combinator or query.distinct or query.extra or query.annotations:
        raise NotOurs("the queryset is combined, distinct, annotated or has extra()")
    if query.group_by is not None or query.is_sliced:
        raise NotOurs("the queryset is grouped or sliced")
    aliases = [alias for alias in query.alias_map if query.alias_refcount[alias]]
    if not query.where:
        return Condition() if len(aliases) <= 1 else _subquery(queryset, connection)
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
        return Condition()
    return _bound(connection, sql, params)


def _names_the_table(node: Any) -> bool:
    """May it, since the caller wrote a part of its SQL?"""
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
    column = connection.ops.quote_name(queryset.model._meta.pk.column)
    return _bound(connection, f"t.{column} IN ({sql})", params)


def _bound(connection: Any, sql: str, params: Any) -> Condition:
    """Where Django binds parameters in the client, so do we: its SQL is made for that."""
    if connection.vendor == "postgresql" and not connection.features.uses_server_side_binding:
        text = connection.ops.compose_sql(sql, params)
        return Condition(text.replace("%", "%%"))
    return Condition(sql, tuple(params))
