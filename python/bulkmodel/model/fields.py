"""Which fields of a model the engine writes, and as which type.

Values of exactly Django's own field classes are read from the objects unchanged.  A subclass may
convert its values, so its methods are called (adapt.py).
"""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.proxy import OrderWrt
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from bulkmodel import _core
from bulkmodel.engine import postgresql
from bulkmodel.engine.dialect import has_unsigned, takes_djangos_values
from bulkmodel.model.forms import form_of

KEY, ASSIGNED, LINK = 1, 2, 256

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field

_POSTGRESQL: dict[type[Any], str] = {
    models.AutoField: "int4",
    models.BigAutoField: "int8",
    models.SmallAutoField: "int2",
    models.SmallIntegerField: "int2",
    models.IntegerField: "int4",
    models.BigIntegerField: "int8",
    models.PositiveSmallIntegerField: "int2",
    models.PositiveIntegerField: "int4",
    models.PositiveBigIntegerField: "int8",
    models.CharField: "varchar",
    models.SlugField: "varchar",
    models.EmailField: "varchar",
    models.URLField: "varchar",
    models.TextField: "text",
    models.BooleanField: "bool",
    models.FloatField: "float8",
    models.DecimalField: "numeric",
    models.DateField: "date",
    models.DateTimeField: "timestamptz",
    models.DurationField: "interval",
    models.TimeField: "time",
    models.UUIDField: "uuid",
    models.FilePathField: "varchar",
    models.BinaryField: "bytea",
    OrderWrt: "int4",
}
# Types of PostgreSQL, as Django's db_type() writes them, that the engine knows.
_NATIVE = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "varchar": "varchar",
    "text": "text",
    "boolean": "bool",
    "double precision": "float8",
    "numeric": "numeric",
    "date": "date",
    "timestamp with time zone": "timestamptz",
    "time": "time",
    "interval": "interval",
    "uuid": "uuid",
    "bytea": "bytea",
    "json": "json",
    "jsonb": "jsonb",
}
# A type, its length or precision, the dimensions of an array.
_TYPE = re.compile(r"([^(\[]+?)(?:\((\d+)(?:, *\d+)?\))?((?:\[\d*\])*)")
# Any other modifier of a type: geometry(POINT,4326), timestamp(3) with time zone.
_MODIFIER = re.compile(r"\s*\([^()]*\)")
# An explicit cast to these types, as in Django's bulk_update(), truncates a text that is too long.
# An assignment refuses it.  Here they are cast to a type without a length.
_LIMITED = {
    "char": "bpchar",
    "character": "bpchar",
    "nchar": "bpchar",
    "national char": "bpchar",
    "national character": "bpchar",
    "bpchar": "bpchar",
    "varchar": "varchar",
    "char varying": "varchar",
    "character varying": "varchar",
    "nchar varying": "varchar",
    "national char varying": "varchar",
    "national character varying": "varchar",
    "bit": '"bit"',
    "varbit": "varbit",
    "bit varying": "varbit",
}
_PLACEHOLDERS = ("get_placeholder", "get_placeholder_sql")
BUILT_IN = frozenset(_POSTGRESQL)
_WIDE = {"int2": "int8", "int4": "int8", "varchar": "text"}
_SQLITE = {field: _WIDE.get(kind, kind) for field, kind in _POSTGRESQL.items()}
_AUTO = (models.AutoField, models.BigAutoField, models.SmallAutoField)
_LINKS = (models.ForeignKey, models.OneToOneField)


class Limit(NamedTuple):
    """The maximum length of a column's texts, or of an array's elements, on PostgreSQL."""

    length: int
    bits: bool
    exact: bool  # shorter values are refused, too

    @property
    def sqlstate(self) -> str:
        return "22026" if self.exact else "22001"

    def __str__(self) -> str:
        unit = "bits" if self.bits else "characters"
        return (
            f"the bit string must be exactly {self.length} bits long"
            if self.exact
            else (f"the text is longer than {self.length} {unit}")
        )

    def refuses(self, value: Any) -> bool:
        """Return whether an assignment to the column would refuse the value."""
        if isinstance(value, list | tuple):
            return any(self.refuses(item) for item in value)
        if not isinstance(value, str):
            return False
        if self.exact and len(value) < self.length:
            return True
        # The server silently removes spaces beyond the limit.
        return bool(value[self.length :] if self.bits else value[self.length :].strip(" "))


@dataclass(frozen=True)
class Kind:
    """The type of a column."""

    name: str  # the engine's name
    limit: int = -1  # characters
    cast: str | None = (
        None  # a PostgreSQL type that the engine does not know is sent as text and cast
    )
    element_limit: int = -1  # characters in each element of an array
    cut: Limit | None = None  # Django's bulk_update() truncates to it, unlike save()
    places: bool = False  # the field has placeholders of its own, perhaps different by value


@dataclass(frozen=True)
class Column:
    """A field that the engine can write."""

    field: Field
    index: int  # in the table
    kind: Kind
    fast: bool  # values of the built-in types need no preparation
    form: str  # how the extension writes them, where it does not depend on the type alone
    now: bool  # auto_now: set by pre_save at each update
    now_add: bool


@dataclass(frozen=True)
class Description:
    """A model as the engine sees it, on one kind of connection."""

    table: _core.Table
    keys: tuple[Column, ...]  # the primary key, in the order of the columns
    key_assigned: bool
    columns: dict[Field, Column]
    complete: bool  # the engine can write all fields
    has_relations: bool  # instances may hold related objects
    returned: tuple[Field, ...]  # fields other than the key that Django reads back after INSERT

    @property
    def key(self) -> Column:
        """The first column of the primary key."""
        return self.keys[0]

    @cached_property
    def key_order(self) -> tuple[int, ...]:
        """The positions in `keys` of the columns of the model's own pk."""
        opts: Any = self.key.field.model._meta
        columns = [column.field for column in self.keys]
        return tuple(columns.index(field) for field in opts.pk_fields)

    @cached_property
    def makes_keys(self) -> bool:
        """Whether Django computes a part of the primary key that an object has none of."""
        return any(key.field.has_default() for key in self.keys)

    @cached_property
    def has_defaults(self) -> bool:
        """Whether the database computes a default of a column."""
        fields: list[Any] = [column.field for column in self.all]
        return any(field.has_db_default() for field in fields)

    @cached_property
    def all(self) -> tuple[Column, ...]:
        return tuple(self.columns.values())

    @cached_property
    def all_but_key(self) -> tuple[Column, ...]:
        return tuple(column for column in self.all if column not in self.keys)

    @cached_property
    def stamped(self) -> tuple[Column, ...]:
        """The columns that pre_save() sets when a row is created."""
        return tuple(
            column for column in self.all if column.fast and (column.now or column.now_add)
        )


# PostgreSQL's own types whose names are not key words: the search_path may find another type of
# that name first.
_OWN_NAMES = {
    *("bool", "box", "bpchar", "bytea", "cidr", "circle", "date", "datemultirange", "daterange"),
    *("float4", "float8", "inet", "int2", "int4", "int4multirange", "int4range", "int8"),
    *("int8multirange", "int8range", "json", "jsonb", "jsonpath", "line", "lseg", "macaddr"),
    *("macaddr8", "money", "nummultirange", "numrange", "oid", "path", "point", "polygon", "text"),
    *("timestamptz", "timetz", "tsmultirange", "tsquery", "tsrange", "tstzmultirange"),
    *("tstzrange", "tsvector", "uuid", "varbit", "xml"),
}


def qualified(kind: str) -> str:
    """Return the name of a type for a cast."""
    return f"pg_catalog.{kind}" if kind in _OWN_NAMES else kind


def equal(kind: str | None) -> str:
    """Return the equality operator of a type.  Only for PostgreSQL's own types its schema is
    known."""
    own = kind is not None and (kind in _OWN_NAMES or kind.partition("(")[0] in _NATIVE)
    return "OPERATOR(pg_catalog.=)" if own else "="


def cast_of(field: Any, connection: BaseDatabaseWrapper) -> str:
    """Return the type to cast a parameter to on PostgreSQL: the column's, without its length."""
    kind = _kind(field, connection) or Kind("text")
    return kind.cast or qualified(kind.name)


def follows(field: Any) -> bool:
    """Return whether a field's value is computed when its row is updated, as that of auto_now: a
    difference in it alone is no change.  pre_save() of a FileField only stores the file."""
    if type(field) in BUILT_IN or isinstance(field, models.FileField):
        return bool(getattr(field, "auto_now", False))
    return sets_itself(field)


def sets_itself(field: Any) -> bool:
    """Return whether pre_save() of a field may change the object when its row is updated."""
    if type(field) in BUILT_IN:
        return bool(getattr(field, "auto_now", False))
    return type(field).pre_save is not models.Field.pre_save or "pre_save" in vars(field)


def target_of(field: Any) -> Any:
    """Return the field that a foreign key refers to, or the field itself."""
    while field.remote_field:
        field = field.target_field
    return field


def _target(field: Field) -> Any:
    """The same, but only through foreign keys that are exactly Django's own."""
    target: Any = field
    while type(target) in _LINKS:
        target = target.target_field
    return target


def _kind(field: Field, connection: BaseDatabaseWrapper) -> Kind | None:
    """Return the type of a field's column, or None if the engine does not support it."""
    written = field.db_type(connection)
    if written is None:
        return None
    plain = _has_plain_placeholder(field)
    if takes_djangos_values(connection):
        if not plain:
            return None
        name = _SQLITE.get(type(_target(field)), "text")
        if has_unsigned(connection) and type(_target(field)) is models.PositiveBigIntegerField:
            name = "numeric"
        return Kind("timestamp" if name == "timestamptz" and not settings.USE_TZ else name)
    kind = _kind_written(written)
    if kind.cast is not None and kind.cut is None and not kind.cast.startswith("pg_catalog."):
        # A cast to a domain over varchar(3) truncates, one to its base type does not.
        base = postgresql.base_of(kind.cast, connection)
        kind = replace(kind, cast=base[0]) if base is not None else kind
    return kind if plain else replace(kind, places=True)


def _kind_written(written: str) -> Kind:
    """Return the kind of a type of PostgreSQL, as db_type() writes it."""
    found = _TYPE.fullmatch(written)
    if found is None:
        written = _MODIFIER.sub("", written)
        return Kind(_NATIVE[written]) if written in _NATIVE else Kind("text", cast=written)
    name, length, dimensions = found.groups()
    limit = int(length) if length and name == "varchar" else -1
    if name in _LIMITED and name != "varchar":
        cast = qualified(_LIMITED[name]) + "[]" * dimensions.count("[")
        return Kind("text", cast=cast, cut=limit_of(written))
    if dimensions:
        return Kind(
            "text", cast=qualified(name) + "[]" * dimensions.count("["), element_limit=limit
        )
    if name in _NATIVE:
        return Kind(_NATIVE[name], limit)
    return Kind("text", cast=qualified(name))


@lru_cache(maxsize=256)
def limit_of(written: str | None) -> Limit | None:
    """Return the limit of a type as db_type() writes it, or None."""
    found = _TYPE.fullmatch(written or "")
    base = _LIMITED.get(found[1]) if found else None
    if found is None or base is None:
        return None
    alone = (base == "bpchar" and found[1] != "bpchar") or found[1] == "bit"  # SQL: it is char(1)
    if found[2] is None and not alone:
        return None
    return Limit(int(found[2] or 1), "bit" in base, base == _LIMITED["bit"])


def limit_of_column(field: Field, connection: BaseDatabaseWrapper) -> Limit | None:
    """Return the limit of a field's column on PostgreSQL, also of one whose type is a domain."""
    written = target_of(field).db_type(connection)
    limit = limit_of(written)
    cast = _kind_written(written).cast if limit is None and written is not None else None
    if cast is None or cast.startswith("pg_catalog."):
        return limit
    base = postgresql.base_of(cast.partition("[")[0], connection)
    return limit_of(base[1]) if base is not None else None


def _has_plain_placeholder(field: Field) -> bool:
    """Return whether its placeholder is plain or only a cast to the column's type."""
    for name in _PLACEHOLDERS:
        found = getattr(type(field), name, None)
        module = getattr(found, "__module__", "")
        if found is not None and not module.startswith(
            ("django.db.models.fields", "django.contrib.postgres.fields")
        ):
            return False
    return True


_PREPARING = {"pre_save", "get_db_prep_save", "get_db_prep_value", "get_prep_value"}


def _is_unchanged(model: type[models.Model], field: Field) -> bool:
    """Return whether a field has only the methods of its class, and its values are in the
    instance's dictionary."""
    found = inspect.getattr_static(model, field.attname, None)
    return type(found) in (DeferredAttribute, ForeignKeyDeferredAttribute) and all(
        _PREPARING.isdisjoint(vars(part)) for part in (field, _target(field))
    )


def needs_instances(model: type[models.Model], field: Any) -> bool:
    """Return whether a value that save() would store depends on the instance: the field sets it, or
    the attribute is more than a value."""
    found = inspect.getattr_static(model, field.attname, None)
    if type(found) not in (DeferredAttribute, ForeignKeyDeferredAttribute):
        return True
    own = type(field) in BUILT_IN or type(field).pre_save is models.Field.pre_save
    return not own or "pre_save" in vars(field)


def kind_of_values(
    model: type[models.Model], field: Field, connection: BaseDatabaseWrapper
) -> str | None:
    """Return the engine's type for the values of a field.  None: only the field's methods know."""
    target = _target(field)
    if not _is_unchanged(model, field):
        return None
    if type(target) is models.JSONField:
        return "json"
    kinds = _SQLITE if takes_djangos_values(connection) else _POSTGRESQL
    name = kinds.get(type(target))
    return "timestamp" if name == "timestamptz" and not settings.USE_TZ else name


def _is_fast(model: type[models.Model], field: Field, kind: Kind, typed: bool, utc: bool) -> bool:
    """Return whether values can be read from the instance's dictionary unchanged."""
    own = _POSTGRESQL.get(type(_target(field)))
    return (
        own is not None
        and (not typed or kind.name == own)
        and (own != "timestamptz" or kind.name != own or utc)
        and _is_unchanged(model, field)
    )


def _own_table(model: type[models.Model], one_of_several: bool) -> bool:
    opts = model._meta
    name = opts.db_table
    one_table = one_of_several or all(
        parent._meta.concrete_model is opts.concrete_model for parent in opts.all_parents
    )
    own_access = model.__getattribute__ is models.Model.__getattribute__
    return (
        one_table
        and own_access
        and not name.startswith('"')
        and not any(mark in name for mark in ("\\", "\0"))
    )


def _describe(
    model: type[models.Model],
    connection: BaseDatabaseWrapper,
    dialect: str,
    one_of_several: bool,
) -> Description | None:
    if not _own_table(model, one_of_several):
        return None
    columns: dict[Field, Column] = {}
    table: list[tuple[str, str, str, int, int, str | None, str]] = []
    opts: Any = model._meta
    key, keys = opts.pk, set(opts.pk_fields)
    typed = not takes_djangos_values(connection)
    utc = typed or connection.timezone == datetime.timezone.utc
    all_fields = opts.local_concrete_fields if one_of_several else opts.concrete_fields
    written = [field for field in all_fields if not field.generated]
    for field in written:
        kind = _kind(field, connection)
        if kind is None or any(mark in field.column for mark in ("\\", "\0")):
            continue
        flags = LINK if isinstance(field, _LINKS) else 0
        if field in keys:
            flags |= KEY | ASSIGNED if type(field) in _AUTO else KEY
        now, now_add = (bool(getattr(field, name, False)) for name in ("auto_now", "auto_now_add"))
        form = form_of(field, connection) if _is_unchanged(model, field) else ""
        fast = bool(form) or _is_fast(model, field, kind, typed, utc)
        columns[field] = Column(field, len(table), kind, fast, form, now, now_add)
        table.append((field.column, field.attname, kind.name, flags, kind.limit, kind.cast, form))
    if not keys <= columns.keys():
        return None
    return Description(
        table=_core.Table(dialect, model._meta.db_table, tuple(table)),
        keys=tuple(column for field, column in columns.items() if field in keys),
        key_assigned=type(key) in _AUTO,
        columns=columns,
        complete=len(columns) == len(written),
        has_relations=has_relations(model),
        returned=_returned(model),
    )


def _returned(model: type[models.Model]) -> tuple[Field, ...]:
    fields: Any = model._meta
    return tuple(field for field in fields.db_returning_fields if field is not fields.pk)


_known: WeakKeyDictionary[type[models.Model], dict[tuple[Any, ...], Description | None]] = (
    WeakKeyDictionary()
)


def has_relations(model: type[models.Model]) -> bool:
    """Return whether instances may hold related objects."""
    opts = model._meta
    return any(field.is_relation for field in [*opts.concrete_fields, *opts.private_fields])


_kinds: WeakKeyDictionary[type[models.Model], tuple[type[models.Model], ...]] = WeakKeyDictionary()


def kinds_of(model: type[models.Model]) -> tuple[type[models.Model], ...]:
    """Return the classes whose instances are rows of this model: it, and proxies of its table."""
    known = _kinds.get(model)
    if known is None:
        concrete: Any = model._meta.concrete_model
        known = _kinds[model] = tuple(
            kind
            for kind in dict.fromkeys((model, *_descendants(concrete)))
            if kind._meta.concrete_model is concrete and has_same_attributes(kind, model)
        )
    return known


def _descendants(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)


def has_same_attributes(kind: type[models.Model], model: type[models.Model]) -> bool:
    """Return whether instances of both are read in the same way."""
    fields: Any = model._meta.concrete_fields
    names = ("__getattribute__", *(field.attname for field in fields))
    find = inspect.getattr_static
    return all(find(kind, name, None) is find(model, name, None) for name in names)


def describe(
    model: type[models.Model],
    connection: BaseDatabaseWrapper,
    dialect: str,
    one_of_several: bool = False,
) -> Description | None:
    """Return the cached description of a model, or None if the engine does not support it.

    one_of_several: describe only the model's own table, also if it has parents with tables."""
    cache = _known.get(model)
    if cache is None:
        cache = _known[model] = {}
    facts = (dialect, settings.USE_TZ, connection.timezone, model._meta.db_table, one_of_several)
    if facts not in cache:
        try:
            cache[facts] = _describe(model, connection, dialect, one_of_several)
        except _core.Unfit:
            cache[facts] = None
    return cache[facts]


def key_fields(model: type[models.Model]) -> set[Any]:
    """Return the primary key fields of the model and its parents.  bulk_update() refuses them."""
    opts = model._meta
    keys: set[Any] = set(opts.pk_fields)
    return keys.union(*(parent._meta.pk_fields for parent in opts.all_parents))
