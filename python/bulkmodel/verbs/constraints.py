"""Find rows by a UniqueConstraint of the model, also by a partial one or one of expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections, models
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import Case, OrderBy, RawSQL, Value, When
from django.db.models.fields.tuple_lookups import Tuple  # type: ignore[import-untyped]
from django.db.models.query import QuerySet

from bulkmodel.model.batch_table import ORD, BatchTable
from bulkmodel.model.where import InKeys
from bulkmodel.verbs.find_rows import Key, Read, Rows, match, unique_fields_named
from bulkmodel.verbs.upsert_rows import ObjectRows


class Constraint:
    """A UniqueConstraint, as the way to find the rows of objects."""

    def __init__(self, model: type[models.Model], name: str, using: str) -> None:
        """ValueError: the model has no such constraint, or it cannot identify rows."""
        self.model = model
        self.using = using
        known = {
            one.name: one
            for one in model._meta.constraints
            if isinstance(one, models.UniqueConstraint)
        }
        if name not in known:
            found = ", ".join(map(repr, sorted(known))) or "none"
            raise ValueError(
                f"{model._meta.label} has no UniqueConstraint named {name!r}. It has: {found}."
            )
        one: Any = known[name]
        self.name = name
        self.condition: models.Q | None = one.condition
        self.nulls_are_equal = one.nulls_distinct is False
        self.fields: list[Any] = []
        if one.fields:
            self.fields = unique_fields_named(model, one.fields)
        self.expressions = [_bare(part) for part in one.expressions] or [
            models.F(field.attname) for field in self.fields
        ]

    @property
    def is_plain(self) -> bool:
        """Whether it is only fields."""
        return bool(self.fields) and self.condition is None

    def keys_of(self, rows: ObjectRows) -> list[Key | None]:
        """Return the key of each object.  None: the constraint does not bind it.  ValueError: the
        key of an object cannot be found."""
        objects = rows.objects
        keys = (
            rows.keys(self.fields)
            if self.is_plain
            else self._computed(objects, range(len(objects)))
        )
        if self.nulls_are_equal and None in keys and self.condition is None:
            raise ValueError(
                f"Object {keys.index(None)} has no value in a field of constraint {self.name!r}, "
                "for which NULL equals NULL: its row cannot be found."
            )
        return keys

    def _computed(self, objects: Sequence[Any], places: Sequence[int]) -> list[Key | None]:
        """Let the database compute the keys, in one SELECT over the objects."""
        opts: Any = self.model._meta
        connection = connections[self.using]
        table = BatchTable(self.model, self.using, self.used(), name=opts.db_table)
        rows = self._marked(self._rows()).annotate(
            bm_ord=RawSQL(connection.ops.quote_name(ORD), ())
        )
        compiler = rows.values_list("bm_ord", "bm_in", *self._names).query.get_compiler(self.using)
        sql, params = compiler.as_sql()
        keys: list[Key | None] = [None] * len(objects)
        with connection.cursor() as cursor:
            for head, given in table.heads(objects, places):
                cursor.execute(head + sql, (*given, *params))
                for place, inside, *key in self._converted(compiler, cursor.fetchall()):
                    keys[place] = tuple(key) if inside and None not in key else None
        return keys

    def _converted(self, compiler: Any, cells: list[Any]) -> Iterator[Any]:
        """Convert the cells as they are read."""
        converters = compiler.get_converters([column[0] for column in compiler.select])
        yield from compiler.apply_converters(map(list, cells), converters)

    @property
    def _names(self) -> list[str]:
        return [f"bm_key{i}" for i in range(len(self.expressions))]

    def _rows(self) -> Any:
        return self._annotated(QuerySet(self.model, using=self.using).order_by())

    def _annotated(self, rows: Any) -> Any:
        return rows.annotate(**dict(zip(self._names, self.expressions)))

    def _marked(self, rows: Any) -> Any:
        """Add whether the constraint binds a row."""
        true, false = Value(True), Value(False)
        chosen = [When(self.condition, then=true)] if self.condition is not None else []
        inside = Case(
            *chosen, default=false if chosen else true, output_field=models.BooleanField()
        )
        return rows.annotate(bm_in=inside)

    def read(self, rows: Any, names: Sequence[str]) -> Read:
        """Read a queryset's rows: their primary keys, keys and attributes.  A row that the
        constraint does not bind has the key of no object."""
        n = len(self.expressions)
        marked = self._marked(self._annotated(rows))
        found = list(marked.values_list("pk", "bm_in", *self._names, *names))
        columns = [list(one) for one in zip(*found)] or [[] for _ in range(2 + n + len(names))]
        keys = [tuple(row[2 : 2 + n]) if row[1] else () for row in found]
        return Read(columns[0], keys, dict(zip(names, columns[2 + n :])))

    def used(self) -> list[Any]:
        """Return the fields that the constraint reads."""
        names = set(_names_in(self.expressions))
        if self.condition is not None:
            names |= set(_names_in([self.condition]))
        opts: Any = self.model._meta
        found = [opts.pk if name == "pk" else opts.get_field(name) for name in sorted(names)]
        for field in found:
            if field.generated:
                raise ValueError(
                    f"Constraint {self.name!r} reads {field.name!r}, which the database computes: "
                    "objects have no value of it."
                )
        return found

    def find(self, keys: Sequence[Key | None], names: Sequence[str], lock: bool) -> Rows:
        """Find the rows with these keys, and the values of the attributes `names`."""
        wanted = [key for key in keys if key is not None]
        if not wanted:
            return Rows([None] * len(keys), {name: [None] * len(keys) for name in names})
        rows = self._rows()
        if len(self.expressions) == 1:
            rows = rows.filter(InKeys(models.F("bm_key0"), [value for (value,) in wanted]))
        else:
            rows = rows.filter(InKeys(Tuple(*map(models.F, self._names)), wanted))
        if self.condition is not None:
            rows = rows.filter(self.condition)
        if lock:
            rows = rows.select_for_update().order_by("pk")
        n = len(self.expressions)
        columns = [list(one) for one in zip(*rows.values_list("pk", *self._names, *names))]
        columns = columns or [[] for _ in range(1 + n + len(names))]
        read = Read(columns[0], list(zip(*columns[1 : n + 1])), dict(zip(names, columns[n + 1 :])))
        return match(read, self.fields, keys, names)


def _bare(part: Any) -> Any:
    """Return the expression without what only an index needs: its order, its operator class."""
    if isinstance(part, str):
        return models.F(part)
    if isinstance(part, OrderBy) or type(part).__name__ == "OpClass":
        return _bare(part.get_source_expressions()[0])
    return part


def _names_in(nodes: Sequence[Any]) -> Iterator[str]:
    """Yield the names of the fields that expressions and conditions refer to."""
    for node in nodes:
        if isinstance(node, models.F):
            yield node.name.split(LOOKUP_SEP)[0]
        elif isinstance(node, models.Q):
            for child in node.children:
                if isinstance(child, tuple):
                    yield child[0].split(LOOKUP_SEP)[0]
                    yield from _names_in([child[1]])
                else:
                    yield from _names_in([child])
        elif hasattr(node, "get_source_expressions"):
            yield from _names_in(node.get_source_expressions())
