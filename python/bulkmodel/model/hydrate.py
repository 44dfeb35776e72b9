"""Build a queryset's instances in C, as Django's ModelIterable does.

It raises Fallback if anything takes part in it: a model with its own __init__() or from_db(), a
receiver of pre_init or post_init, or a queryset that reads rows in its own way.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import django
from django.conf import settings
from django.db import connections, models
from django.db.models import JSONField, base, query
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query import ModelIterable
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.db.models.sql import compiler as sql_compiler
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import CURSOR

from bulkmodel import _core
from bulkmodel.engine.connections import usable_or_closed
from bulkmodel.engine.dialect import has_storage_classes
from bulkmodel.engine.support import KNOWN_DJANGO, Fallback
from bulkmodel.model.attributes import FROZEN_TYPES, attributes_of
from bulkmodel.model.row_state import RowState
from bulkmodel.model.snapshot import Decoder, copied, copied_cell

# Rows that are in memory as tuples at the same time, if the whole result is read.
ROWS = 1000

# How an attribute is set: plain, through a foreign key's descriptor, through unknown code.
PLAIN, DIRECT, CALLS = 0, 1, 2
_HOW = {DeferredAttribute: PLAIN, type(None): PLAIN, ForeignKeyDeferredAttribute: DIRECT}

_READING = ("_fetch_all", "__iter__", "iterator", "_iterator")
_COMPILING = ("execute_sql", "results_iter", "get_converters", "apply_converters")
_READERS = {"django.db.models.query", "bulkmodel.queryset"}
_HAS_FETCH_MODES = django.VERSION >= (6, 1)

# SQLite's converters, and their names in _core.
_CONVERTERS = {
    "convert_booleanfield_value": "bool",
    "convert_datefield_value": "date",
    "convert_datetimefield_value": "datetime",
    "convert_timefield_value": "time",
    "convert_uuidfield_value": "uuid",
}


def _stands_in(function: Any, module: ModuleType) -> bool:
    """Return whether it is the function that the module defines, and not a wrapper."""
    return getattr(function, "__globals__", None) is vars(module)


def _makes_as_django(model: Any) -> bool:
    for signal in (pre_init, post_init):
        if signal.receivers and signal.has_listeners(model):
            return False
    return (
        model.__init__ is models.Model.__init__
        and model.from_db.__func__ is models.Model.from_db.__func__  # type: ignore[attr-defined]
        and model.__new__ is object.__new__
        and model.__setattr__ is object.__setattr__
        and model.__getattribute__ is object.__getattribute__
        and super(models.Model, model).__init__ is object.__init__  # after Model in the MRO
        and type(model).__call__ is type.__call__
        and _stands_in(models.Model.__init__, base)
        and _stands_in(models.Model.from_db, base)
    )


_own_readers: WeakKeyDictionary[type[Any], bool] = WeakKeyDictionary()


def _has_own_reader(kind: type[Any]) -> bool:
    """Return whether a class of the project overrides how the queryset is read."""
    known = _own_readers.get(kind)
    if known is None:
        known = _own_readers[kind] = any(
            name in vars(cls)
            for cls in kind.__mro__
            for name in _READING
            if cls.__module__ not in _READERS
        )
    return known


def _reads_as_django(queryset: Any) -> bool:
    return (
        queryset._iterable_class is ModelIterable
        and not _has_own_reader(type(queryset))
        and _stands_in(ModelIterable.__iter__, query)
        and _stands_in(models.QuerySet._fetch_all, query)
    )


def _compiles_as_django(compiler: Any) -> bool:
    kind = type(compiler)
    own = kind is not SQLCompiler and any(
        getattr(kind, name) is not getattr(SQLCompiler, name) for name in _COMPILING
    )
    return not own and _stands_in(SQLCompiler.execute_sql, sql_compiler)


@cache
def _kinds() -> dict[Any, str]:
    """Return the names of SQLite's converters in _core."""
    from django.db.backends.sqlite3.operations import DatabaseOperations

    return {getattr(DatabaseOperations, name): kind for name, kind in _CONVERTERS.items()}


def _is_plain_json(converter: Any) -> bool:
    """Return whether it is the method of a JSONField without a decoder of its own."""
    if getattr(converter, "__func__", None) is not JSONField.from_db_value:
        return False
    return converter.__self__.decoder is None


_fields: WeakKeyDictionary[type[models.Model], dict[str, int]] = WeakKeyDictionary()


def _fields_of(model: type[models.Model]) -> dict[str, int]:
    """Return the attributes of the model's fields, in order, and how each is set."""
    known = _fields.get(model)
    if known is None:
        names = [field.attname for field in model._meta.concrete_fields]
        known = _fields[model] = {name: _how(model, name) for name in names}
    return known


def _how(model: type[models.Model], name: str) -> int:
    """Return how this attribute of an instance is set."""
    return _HOW.get(type(getattr(model, name, None)), CALLS)


def _decoder(kind: str, converters: tuple[Any, ...], expression: Any, using: str) -> Decoder:
    def decode(value: Any) -> Any:
        for convert in converters:
            value = convert(value, expression, connections[using])
        return value

    return Decoder(decode, kind == "json")


class Hydrator:
    """Reads a queryset's rows once.  `kept`, `decoders`: their columns, for a snapshot."""

    def __init__(self, queryset: Any, *, keep: bool) -> None:
        if django.VERSION[:2] not in KNOWN_DJANGO:
            raise Fallback
        if not (_reads_as_django(queryset) and _makes_as_django(queryset.model)):
            raise Fallback
        known = queryset._known_related_objects
        if known and queryset.query.deferred_loading != (frozenset(), True):
            raise Fallback
        self.queryset = queryset
        self.using: str = queryset.db
        self.compiler: Any = queryset.query.get_compiler(using=self.using)
        self.connection = self.compiler.connection
        if not _compiles_as_django(self.compiler):
            raise Fallback
        self.keep = keep
        self.kept: dict[str, list[Any]] = {}
        self.decoders: dict[str, Decoder] = {}

    def all(self) -> list[Any]:
        """Return all rows in one list."""
        objects: list[Any] = []
        with usable_or_closed(self.connection):
            cursor = self.compiler.execute_sql(result_type=CURSOR)
        if cursor is None:  # the result is empty
            return objects
        try:
            build = self._prepare()
            n = ROWS
            while n == ROWS:
                rows = list(cursor.fetchmany(ROWS))
                build(rows, objects)
                n = len(rows)
        finally:
            cursor.close()
        return objects

    def chunks(self, chunk_size: int) -> Iterator[list[Any]]:
        """Yield the rows in lists of `chunk_size` while they arrive."""
        streams = not self.connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        results = None
        build = None
        try:
            with usable_or_closed(self.connection):
                results = self.compiler.execute_sql(chunked_fetch=streams, chunk_size=chunk_size)
            while True:
                with usable_or_closed(self.connection):
                    rows = next(results, None)
                if rows is None:
                    return
                build = build or self._prepare()
                objects: list[Any] = []
                build(list(rows), objects)
                yield objects
        finally:
            self._close(results)

    def _close(self, results: Any) -> None:
        """Close the cursor of a stream, unless its connection was closed."""
        close = getattr(results, "close", None)
        if close is not None and self.connection.connection is not None:
            with usable_or_closed(self.connection):
                close()

    # ------------------------------------------------------------------------ what Django knows

    def _prepare(self) -> Callable[[list[Any], list[Any]], None]:
        """Return a function that builds instances.  The compiler must have run."""
        compiler = self.compiler
        info = compiler.klass_info
        expressions = [column[0] for column in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(expressions)
        whole = bool(info.get("related_klass_infos")) or compiler.has_composite_fields(expressions)
        if whole:  # results_iter() has applied the converters
            converters = {}
        thaw = attributes_of(info["model"]).thaw
        columns, kept = [], []
        for name, place, how, is_field in self._columns(info):
            values: list[Any] | None = None
            apart: Any = None
            convs, expression = converters.get(place, ((), None))
            convs, kind = tuple(convs), self._kind(convs)
            if is_field and how != CALLS and self.keep:
                values = self.kept[name] = []
            if values is not None and name in thaw:
                apart = copied
                if convs:
                    apart = copied_cell
                    self.decoders[name] = _decoder(kind, convs, expression, self.using)
            kept.append(values)
            columns.append((name, place, how, kind, convs, expression, apart))
        builder = _core.Builder(
            info["model"],
            RowState if self.keep else base.ModelState,
            self._facts(),
            self.connection,
            self.connection.timezone if settings.USE_TZ else None,
            FROZEN_TYPES,
            tuple(columns),
        )
        lists = tuple(kept)
        finish = self._finishers(info)

        def build(rows: list[Any], objects: list[Any]) -> None:
            if whole:
                rows = list(compiler.results_iter([rows]))
            first = len(objects)
            builder.build(rows, objects, lists)
            if finish:
                for row, object in zip(rows, objects[first:]):
                    for step in finish:
                        step(row, object)

        return build

    def _columns(self, info: dict[str, Any]) -> list[tuple[str, int, int, bool]]:
        """Return the attributes in the order in which they are set: name, position in the row, how
        it is set, whether it is a field."""
        first, last = info["select_fields"][0], info["select_fields"][-1]
        fields = _fields_of(info["model"])
        if last + 1 - first != len(fields):
            loaded = {c[0].target.attname for c in self.compiler.select[first : last + 1]}
            fields = {name: how for name, how in fields.items() if name in loaded}
        columns = [
            (name, place, how, True) for place, (name, how) in enumerate(fields.items(), first)
        ]
        for name, place in (self.compiler.annotation_col_map or {}).items():
            columns.append((name, place, _how(info["model"], name), False))
        return columns

    def _kind(self, converters: Any) -> str:
        """Return the name in _core of a single converter, or "" if it must be called."""
        if len(converters) != 1:
            return ""
        if _is_plain_json(converters[0]):
            return "json"
        if not has_storage_classes(self.connection):
            return ""
        return _kinds().get(getattr(converters[0], "__func__", None), "")

    def _facts(self) -> tuple[tuple[str, Any], ...]:
        facts: tuple[tuple[str, Any], ...] = (("adding", False), ("db", self.using))
        return (*facts, ("fetch_mode", self.queryset._fetch_mode)) if _HAS_FETCH_MODES else facts

    def _finishers(self, info: dict[str, Any]) -> list[Callable[[Any, Any], None]]:
        """Return the functions to call with each row and instance when its fields are set."""
        steps: list[Callable[[Any, Any], None]] = []
        mode = getattr(self.queryset, "_fetch_mode", None)
        if mode is not None and mode.track_peers:
            peers: list[Any] = []

            def know_peers(row: Any, object: Any) -> None:
                peers.append(weakref.ref(object))
                object._state.peers = peers

            steps.append(know_peers)
        given = (mode,) if mode is not None else ()
        if info.get("related_klass_infos"):
            populators = query.get_related_populators(  # type: ignore[attr-defined]
                info, self.compiler.select, self.using, *given
            )
            steps += [populator.populate for populator in populators]
        for field, related in self.queryset._known_related_objects.items():
            steps.append(_know_related(field, related, self.queryset.model))
        return steps


def _know_related(
    field: Any, related: dict[Any, Any], model: type[models.Model]
) -> Callable[[Any, Any], None]:
    opts: Any = model._meta
    key = attrgetter(
        *[
            field.attname if name == "self" else opts.get_field(name).attname
            for name in field.from_fields
        ]
    )

    def know(row: Any, object: Any) -> None:
        if not field.is_cached(object):
            owner = related.get(key(object))
            if owner is not None:
                setattr(object, field.name, owner)

    return know
