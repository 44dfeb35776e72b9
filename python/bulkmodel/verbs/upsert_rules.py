"""What a bulk_upsert() does to existing rows beyond writing its objects' values: the expressions of
`set`, and `update_where`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import FieldError
from django.db import connections, models, transaction
from django.db.models.expressions import Case, Expression, RawSQL, Value, When
from django.db.models.sql import UpdateQuery

from bulkmodel.engine.dialect import checks_types
from bulkmodel.model import diagnose
from bulkmodel.model.batch_table import NAME, ORD, BatchTable, excluded_fields
from bulkmodel.model.fields import Field, key_fields, sets_itself, target_of
from bulkmodel.model.limits import check_values
from bulkmodel.model.primary_keys import normal_keys
from bulkmodel.model.row_state import note_lost

_NUMBERS = (models.IntegerField, models.DecimalField, models.BooleanField)


class Rules(NamedTuple):
    """The options of bulk_upsert() that say which rows are written, and how."""

    constraint: str | None = None
    set: Mapping[str, Any] | None = None
    where: models.Q | None = None
    update_unchanged: bool = False

    @property
    def are_plain(self) -> bool:
        """Whether the objects' values alone say what is written."""
        return not self.set and self.where is None


class _Differs(Expression):
    """Whether the stored value of a column differs from a value.  NULL equals NULL."""

    conditional = True

    def __init__(self, column: Any, value: Any) -> None:
        super().__init__(output_field=models.BooleanField())
        self.parts = [column, value]

    def get_source_expressions(self) -> list[Any]:
        return self.parts

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.parts = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        (left, given), (right, more) = map(compiler.compile, self.parts)
        between = "IS DISTINCT FROM" if checks_types(connection) else "COLLATE BINARY IS NOT"
        kind = target_of(self.parts[0].output_field)
        if checks_types(connection) and not isinstance(kind, _NUMBERS):
            # Of equal values some differ: in the case of citext, or as 1.0 and 1 in JSON.
            of = 'CAST(({}) AS pg_catalog.text) COLLATE pg_catalog."C"'
            left, right = of.format(left), of.format(right)
        return f"(({left}) {between} ({right}))", (*given, *more)


def fields_set(
    model: type[models.Model], expressions: Mapping[str, Any] | None, identify: Sequence[Any]
) -> dict[Field, Any]:
    """Return the fields of `set`, with their expressions.  ValueError, FieldDoesNotExist: a field
    cannot be set."""
    if expressions is None:
        return {}
    if not isinstance(expressions, Mapping):
        raise TypeError('set must be a dictionary: set={"stock": F("stock") + Excluded("stock")}')
    found: dict[Field, Any] = {}
    for name, value in expressions.items():
        field: Any = model._meta.get_field(name)
        if not field.concrete or field.many_to_many:
            raise ValueError("bulk_upsert() can only set concrete fields.")
        if field in identify or field in key_fields(model):
            raise ValueError(f"bulk_upsert() cannot set {name!r}: it identifies the row.")
        if field.generated:
            raise ValueError("bulk_upsert() cannot set generated fields.")
        if field not in model._meta.local_concrete_fields:
            raise ValueError(f"bulk_upsert() cannot set {name!r}: it is in a parent's table.")
        if hasattr(value, "contains_aggregate") and value.contains_aggregate:
            raise FieldError(f"Aggregate functions are not allowed in set: {name!r}")
        found[field] = value if hasattr(value, "resolve_expression") else Value(value, field)
    list(excluded_fields(model, list(found.values())))
    return found


def check_where(model: type[models.Model], where: Any) -> None:
    """Check `update_where`.  TypeError: it is no condition.  FieldDoesNotExist: see Excluded."""
    if where is None:
        return
    if not isinstance(where, models.Q) and not getattr(where, "conditional", False):
        raise TypeError(f"update_where must be a Q, not {type(where).__name__}.")
    list(excluded_fields(model, where))


def decide(
    model: type[models.Model],
    using: str,
    objects: Sequence[Any],
    where: models.Q | None,
    sets: Mapping[Field, Any],
) -> list[tuple[bool, bool]]:
    """Return for each object, which has the primary key of its row, whether `where` selects the
    row, and whether an expression would change it."""
    if not objects:
        return []
    opts: Any = model._meta
    connection = connections[using]
    quote = connection.ops.quote_name
    read = excluded_fields(model, [where, list(sets.values())])
    table = BatchTable(model, using, [*opts.pk_fields, *read])
    true, false = Value(True), Value(False)
    chosen = [When(where, then=true)] if where is not None else []
    changed = [When(_Differs(models.F(f.attname), of), then=true) for f, of in sets.items()]
    boolean: Any = models.BooleanField()
    rows: Any = models.QuerySet(model, using=using).order_by()
    rows = rows.annotate(
        bm_ord=RawSQL(f"{quote(NAME)}.{quote(ORD)}", ()),
        bm_where=Case(*chosen, default=true if where is None else false, output_field=boolean),
        bm_differs=Case(*changed, default=false, output_field=boolean),
    ).extra(tables=[NAME], where=[_same_key(model, connection)])
    query = rows.values_list("bm_ord", "bm_where", "bm_differs").query
    sql, params = query.get_compiler(using).as_sql()
    found = [(False, False)] * len(objects)
    with connection.cursor() as cursor:
        for head, given in table.heads(objects, range(len(objects))):
            cursor.execute(head + sql, (*given, *params))
            for place, selects, differs in cursor.fetchall():  # several: `where` joins many rows
                found[place] = found[place][0] or bool(selects), bool(differs)
    return found


def _same_key(model: type[models.Model], connection: Any) -> str:
    quote = connection.ops.quote_name
    opts: Any = model._meta
    own = quote(opts.db_table)
    pairs = [
        f"{own}.{quote(field.column)} = {quote(NAME)}.{quote(field.column)}"
        for field in opts.pk_fields
    ]
    return " AND ".join(pairs).replace("%", "%%")


def update_rows(
    model: type[models.Model],
    using: str,
    objects: Sequence[Any],
    places: Sequence[int],
    fields: Sequence[Field],
    sets: Mapping[Field, Any],
) -> set[Any]:
    """Write these fields of the objects, and the expressions, to the objects' rows.  Return the
    keys of the rows that were written.  places: the positions of the objects in the caller's
    list."""
    connection = connections[using]
    opts: Any = model._meta
    for field in fields:
        if field not in opts.local_concrete_fields:
            raise ValueError(f"set= cannot be combined with {field.name!r} of a parent's table.")
        for row in objects if sets_itself(field) else ():
            setattr(row, field.attname, field.pre_save(row, add=False))
    check_values(connection, objects, fields, places)
    call = diagnose.Call(model, connection, objects, fields, places)
    done: set[Any] = set()
    with diagnose.diagnosed(lambda: call), transaction.atomic(using=using, savepoint=False):
        for names, chosen in _by_loaded(objects, fields).items():
            some = [objects[i] for i in chosen]
            written = [field for field in fields if field.attname in names]
            done |= _update(
                model, using, some, [places[i] for i in chosen], written, sets, connection
            )
    note_lost(objects, using)  # what the expressions have stored is not known
    return done


def _by_loaded(objects: Sequence[Any], fields: Sequence[Field]) -> dict[tuple[str, ...], list[int]]:
    """Return the objects by the attributes that are loaded: a deferred one is not written."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(objects):
        loaded = vars(row)
        groups.setdefault(
            tuple(field.attname for field in fields if field.attname in loaded), []
        ).append(i)
    return groups


def _update(
    model: type[models.Model],
    using: str,
    objects: Sequence[Any],
    places: Sequence[int],
    fields: Sequence[Field],
    sets: Mapping[Field, Any],
    connection: Any,
) -> set[Any]:
    opts: Any = model._meta
    quote = connection.ops.quote_name
    query = UpdateQuery(model)
    query.get_initial_alias()
    compiler = query.get_compiler(using)
    changes = [f"{quote(f.column)} = {quote(NAME)}.{quote(f.column)}" for f in fields]
    params: list[Any] = []
    for field, value in sets.items():
        resolved = value.resolve_expression(query, allow_joins=False, for_save=True)
        sql, given = compiler.compile(resolved)
        changes.append(f"{quote(field.column)} = {sql}")
        params += given
    table = BatchTable(
        model,
        using,
        [*opts.pk_fields, *fields, *excluded_fields(model, list(sets.values()))],
    )
    start = f"UPDATE {quote(opts.db_table)} SET {', '.join(changes)} FROM "
    end = f" AS {quote(NAME)} WHERE {_same_key(model, connection)}"
    keys = [f"{quote(opts.db_table)}.{quote(field.column)}" for field in opts.pk_fields]
    done: list[Any] = []
    with connection.cursor() as cursor:
        for head, given in table.heads(objects, places):
            rows = f"({head}SELECT * FROM {quote(NAME)})"
            text = f"{start}{rows}{end} RETURNING {', '.join(keys)}"
            cursor.execute(text, (*params, *given))
            done += cursor.fetchall()
    if len(keys) == 1:
        done = [key for (key,) in done]
    return set(normal_keys(model, done, using))
