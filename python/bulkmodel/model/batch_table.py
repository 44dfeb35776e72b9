"""Objects as a table in a statement: WITH bm_excluded AS (VALUES ...).  For the few statements
that compare or compute with both a row and its object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import NotSupportedError, connections, models
from django.db.models.expressions import Expression
from django.db.models.sql import Query

from bulkmodel.engine.dialect import checks_types, has_storage_classes
from bulkmodel.model.fields import Field, cast_of, target_of

NAME = "bm_excluded"
ORD = "bm_ord"  # the column with the position of the object

# Objects in one statement, and parameters where the backend has no limit.
_MOST_ROWS, _MOST_PARAMETERS = 1000, 30_000


class Excluded(Expression):
    """The value of a field in the object that was given for a row, as `excluded` in SQL.

    For `set` and `update_where` of bulk_upsert(): set={"stock": F("stock") + Excluded("stock")}."""

    def __init__(self, name: str, field: Any = None) -> None:
        super().__init__(output_field=field)
        self.name = name

    def __repr__(self) -> str:
        return f"Excluded({self.name!r})"

    def resolve_expression(self, query: Any = None, *given: Any, **options: Any) -> Any:
        """Find the field.  FieldDoesNotExist, ValueError: the model has no such column."""
        return Excluded(self.name, excluded_field(query.model, self.name))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return the column of the objects' table."""
        quote = connection.ops.quote_name
        return f"{quote(NAME)}.{quote(self.output_field.column)}", []

    def get_group_by_cols(self) -> list[Any]:
        """Return the columns to group by: itself."""
        return [self]


def excluded_field(model: type[models.Model], name: str) -> Any:
    """Return the field that Excluded(name) refers to."""
    opts: Any = model._meta
    field = opts.pk if name == "pk" else opts.get_field(name)
    if not field.concrete or field.many_to_many or field.column is None:
        raise ValueError(f"Excluded({name!r}): {name!r} is not a concrete field.")
    if field.generated:
        raise ValueError(f"Excluded({name!r}): {name!r} is computed by the database.")
    return field


def excluded_fields(model: type[models.Model], node: Any) -> Iterator[Any]:
    """Yield the fields that Excluded() refers to in a Q, an expression, or a list of them."""
    if isinstance(node, Excluded):
        yield excluded_field(model, node.name)
    elif isinstance(node, models.Q):
        for child in node.children:
            yield from excluded_fields(model, child[1] if isinstance(child, tuple) else child)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from excluded_fields(model, child)
    elif hasattr(node, "get_source_expressions"):
        yield from excluded_fields(model, node.get_source_expressions())


class BatchTable:
    """The values of these fields of objects, in statements of as many rows as fit."""

    def __init__(
        self,
        model: type[models.Model],
        using: str,
        fields: Iterable[Field],
        *,
        name: str = NAME,
    ) -> None:
        """name: of the table."""
        self.connection: Any = connections[using]
        if not (checks_types(self.connection) or has_storage_classes(self.connection)):
            raise NotSupportedError(
                "set=, update_where= and constraints with a condition or expressions need "
                f"PostgreSQL or SQLite, not {self.connection.display_name}."
            )
        self.fields = list(dict.fromkeys(fields))
        self.name = name
        self.compiler = Query(model).get_compiler(using)
        self.casts = [_cast(field, self.connection) for field in self.fields]

    def heads(
        self, objects: Sequence[Any], places: Sequence[int]
    ) -> Iterator[tuple[str, list[Any]]]:
        """Yield the start of a statement, with its parameters, for some of the objects at a time.
        places: the positions of the objects in the caller's list."""
        limit = self.connection.features.max_query_params or _MOST_PARAMETERS
        most = min(_MOST_ROWS, max(limit // (len(self.fields) + 4), 1))
        for first in range(0, len(objects), most):
            part = range(first, min(first + most, len(objects)))
            yield self._head([objects[i] for i in part], [places[i] for i in part])

    def _head(self, objects: Sequence[Any], places: Sequence[int]) -> tuple[str, list[Any]]:
        quote = self.connection.ops.quote_name
        names = ", ".join(map(quote, [ORD, *(field.column for field in self.fields)]))
        rows: list[str] = []
        params: list[Any] = []
        for row, place in zip(objects, places):
            cells = [str(place)]
            for field, cast in zip(self.fields, self.casts):
                cell, given = self._cell(field, getattr(row, field.attname), place)
                cells.append(f"CAST({cell} AS {cast})" if cast else cell)
                params += given
            rows.append(f"({', '.join(cells)})")
        head = f"WITH {quote(self.name)} ({names}) AS (VALUES {', '.join(rows)}) "
        return head, params

    def _cell(self, field: Any, value: Any, place: int) -> tuple[str, Sequence[Any]]:
        if hasattr(value, "resolve_expression"):
            raise ValueError(
                f"Object {place}: the value of field {field.name!r} is an expression, which "
                "cannot be combined with set=, update_where= or such a constraint."
            )
        value = field.get_db_prep_save(value, self.connection)
        if hasattr(field, "get_placeholder_sql"):  # since Django 6.1
            sql, params = field.get_placeholder_sql(value, self.compiler, self.connection)
            return sql, params
        if hasattr(field, "get_placeholder"):
            return field.get_placeholder(value, self.compiler, self.connection), [value]
        return "%s", [value]


def _cast(field: Any, connection: Any) -> str | None:
    if checks_types(connection):
        return cast_of(field, connection)
    # SQLite gets decimals as text, which is greater than any number.
    return "NUMERIC" if isinstance(target_of(field), models.DecimalField) else None
