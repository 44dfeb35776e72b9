"""Notice changes of a row outside its queryset, so that a snapshot does not use outdated values.

save(), refresh_from_db() and calls of this package leave a note on the instance's state.  For that
the querysets give the state a class of its own: both methods of Django end by setting `_state.db`.
A note lists the attributes that were equal in row and instance, or says that nothing is known.  It
is valid as long as the transaction in which it was made.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from django.db import connections, models
from django.db.models.base import ModelState

from bulkmodel import _core
from bulkmodel.model.attributes import MISSING, attributes_of

# The value of an attribute that a record does not contain for one of its rows.
UNTOUCHED = object()

_serials = itertools.count(1)
_SAVE = inspect.unwrap(models.Model.save_base).__code__
_REFRESH = inspect.unwrap(models.Model.refresh_from_db).__code__
_OURS = ("bm_notes", "bm_origin")


# Ids of the snapshots in use, by the concrete model of their rows.  Adding to a set and removing
# from it is atomic.
_alive: dict[type[models.Model], set[int]] = {}
_latest = 0


def now() -> int:
    """Return a number greater than that of every record so far."""
    return next(_serials)


def latest() -> int:
    """Return the number of the latest record, or a smaller one than that of one in progress."""
    return _latest


def begin(model: type[models.Model], snapshot: object) -> None:
    """Register a snapshot of such rows, which needs notes."""
    _alive.setdefault(model._meta.concrete_model or model, set()).add(id(snapshot))


def end(model: type[models.Model], snapshot: object) -> None:
    _alive[model._meta.concrete_model or model].discard(id(snapshot))


def _wanted(model: type[models.Model], by: object = None) -> bool:
    """Return whether a snapshot other than `by` needs notes on such instances."""
    opts = model._meta
    for kind in (
        opts.concrete_model,
        *(parent._meta.concrete_model for parent in opts.all_parents),
    ):
        snapshots = _alive.get(kind or model)
        if snapshots and (len(snapshots) > 1 or id(by) not in snapshots):
            return True
    return False


class Record:
    """The values that rows and their instances had in common when it was made."""

    __slots__ = ("_index", "columns", "hooks", "keys", "owner", "parts", "serial", "using")

    def __init__(
        self,
        using: str | None,
        columns: dict[str, list[Any]] | None,
        keys: Sequence[Any] | None = None,
        owner: object = None,
        parts: bool = False,
    ) -> None:
        """columns: lists of values by attribute.  keys: of the rows.  None in either: nothing is
        known.  owner: the snapshot that already has these values.  parts: some attributes are
        UNTOUCHED in some rows."""
        global _latest
        self.serial = _latest = now()
        self.using = using
        self.columns = columns
        self.keys = keys
        self.owner = owner
        self.parts = parts
        self._index: dict[Any, int] | None = None
        # Django makes a new list when a transaction ends or a part of it is rolled back.
        self.hooks: Any = None
        connection: Any = connections[using] if using in connections.settings else None
        if connection is None or connection.in_atomic_block:
            self.hooks = UNTOUCHED if connection is None else connection.run_on_commit
        elif not connection.autocommit and connection.connection is not None:
            self.hooks = UNTOUCHED  # the end of such a transaction is not reported

    def _holds(self, using: str) -> bool:
        """Return whether the database at `using` certainly still has these values."""
        if self.using != using:
            return False
        return self.hooks is None or connections[using].run_on_commit is self.hooks

    def value(self, object: Any, name: str, using: str) -> Any:
        """Return the value of an attribute.  MISSING: it is unknown.  UNTOUCHED: this record does
        not contain it."""
        if self.columns is None or self.keys is None:
            return MISSING
        if self._index is None:
            self._index = {key: i for i, key in enumerate(self.keys)}
        row, column = self._index.get(object.pk), self.columns.get(name)
        if row is None or column is None:  # the instance may be a copy with another key
            return UNTOUCHED
        value = column[row]
        return value if value is UNTOUCHED or self._holds(using) else MISSING

    def replaces(self, notes: Any) -> bool:
        """Return whether it contains everything that the former notes contain."""
        if self.columns is None or self.keys is None:
            return True
        if type(notes) is not Record or notes.columns is None:
            return False
        if len(self.keys) == 1 and notes.keys != self.keys:
            return False
        return not self.parts and self.columns.keys() >= notes.columns.keys()


def records(notes: Any, since: int) -> Iterator[Record]:
    """Yield the records made since then, the newest first."""
    while notes is not None:
        record = notes if type(notes) is Record else notes[1]
        if record.serial <= since:
            return
        yield record
        notes = None if record is notes else notes[0]


def add(objects: list[Any], record: Record) -> None:
    """Attach a record to these instances."""
    nothing = record if record.columns is None else Record(record.using, None)
    _core.note(objects, RowState, record, nothing, record.replaces)


class _FieldsCache:
    """ModelState's fields_cache, without the cost of RowState.__setattr__()."""

    def __get__(self, instance: Any, kind: Any = None) -> Any:
        if instance is None:
            return self
        cache: dict[str, Any] = {}
        object.__setattr__(instance, "fields_cache", cache)
        return cache


class RowState(ModelState):
    """The state of an instance whose queryset has a snapshot."""

    fields_cache = _FieldsCache()
    bm_notes: Any = None
    bm_origin: Any = None  # weak reference to the state that this one is a copy of

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "db":
            _notice(self, sys._getframe(1), value)

    def __copy__(self) -> RowState:
        copied = RowState()
        state = {name: value for name, value in vars(self).items() if name != "peers"}
        state["bm_origin"] = self.bm_origin or weakref.ref(self)
        for name, value in state.items():
            object.__setattr__(copied, name, value)
        return copied

    def __deepcopy__(self, memo: Any) -> RowState:
        copied = self.__copy__()
        copied.fields_cache = copy.deepcopy(self.fields_cache, memo)
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle it as Django's own state, without notes."""
        kept = {k: v for k, v in vars(self).items() if k not in _OURS and k != "peers"}
        return ModelState, (), kept


def _acquaint() -> None:
    """See verbs.bulk_create._acquaint()."""
    state = RowState()
    for name, value in (("adding", True), ("db", None), ("bm_notes", None), ("fields_cache", {})):
        object.__setattr__(state, name, value)


_acquaint()


def watch(objects: Iterable[Any]) -> None:
    """Start to notice changes of these instances."""
    for object in objects:
        if type(object._state) is ModelState:
            object._state.__class__ = RowState


def note_written(
    objects: list[Any],
    fields: Sequence[Any],
    using: str,
    kept: Mapping[Any, bytes] | None = None,
    by: Any = None,
) -> None:
    """Note that these fields of the instances were written to their rows.  kept: 0 for each object
    whose field was not written.  by: the snapshot that already has the values."""
    if not objects:
        return
    if not _wanted(type(objects[0]), by):  # earlier notes are outdated
        rows = [] if by is None else [row for row, _ in by.noted(objects)]
        if not rows:
            return
        objects = [objects[row] for row in rows]
        kept = {field: bytes(marks[row] for row in rows) for field, marks in (kept or {}).items()}
    thaw = attributes_of(type(objects[0])).thaw
    columns: dict[str, list[Any]] = {}
    for field in fields:
        name = field.attname
        values = _core.snapshot(objects, name, MISSING, False)
        thaws = name in thaw
        if thaws or any(hasattr(kind, "resolve_expression") for kind in set(map(type, values))):
            values = [_plain(value, thaws) for value in values]
        marks = (kept or {}).get(field)
        if marks is not None:
            values = [value if mark else UNTOUCHED for value, mark in zip(values, marks)]
        columns[name] = values
    opts: Any = type(objects[0])._meta
    if len(opts.pk_fields) == 1:
        keys = _core.snapshot(objects, opts.pk.attname, MISSING, False)
    else:
        keys = [object.pk for object in objects]
    token = by.token if by is not None else None
    add(objects, Record(using, columns, keys, token, parts=bool(kept)))


def note_lost(objects: Iterable[Any], using: str) -> None:
    """Note that the values of these rows are unknown."""
    made = [object for object in objects if isinstance(object, models.Model)]
    if made and _wanted(type(made[0])):
        add(made, Record(using, None))


def _plain(value: Any, thaws: bool) -> Any:
    """Return the value of the row.  MISSING: it is mutable or an expression."""
    return MISSING if thaws or hasattr(value, "resolve_expression") else value


def _notice(state: RowState, frame: FrameType, using: str | None) -> None:
    """React to a change of `db` by the code of this frame."""
    instance = None
    if frame.f_code is _SAVE or frame.f_code is _REFRESH:
        instance = frame.f_locals["self"]
    names: Iterable[str] | None = None
    if instance is not None and instance._state is state:
        names = _saved(frame) if frame.f_code is _SAVE else _refreshed(frame)
    if instance is None or names is None:
        record = Record(using, None)
    else:
        thaw, values = attributes_of(type(instance)).thaw, vars(instance)
        columns = {name: [_plain(values[name], name in thaw)] for name in names if name in values}
        record = Record(using, columns, [instance.pk])
    origin = state.bm_origin() if state.bm_origin is not None else None
    for known in (state, origin) if origin is not None else (state,):
        add([_Holder(known)], record)


class _Holder:
    """Stands for an instance where only its state is needed."""

    __slots__ = ("_state",)

    def __init__(self, state: RowState) -> None:
        self._state = state


def _saved(frame: FrameType) -> Iterable[str] | None:
    """Return the attributes that save_base() has written.  None: this Django uses other names for
    its variables."""
    names = frame.f_locals.get("update_fields", MISSING)
    if names is MISSING:
        return None
    fields = frame.f_locals["self"]._meta.concrete_fields
    return [
        field.attname
        for field in fields
        if names is None or field.name in names or field.attname in names
    ]


def _refreshed(frame: FrameType) -> Iterable[str] | None:
    """Return the attributes that refresh_from_db() has read, or None."""
    left = frame.f_locals.get("non_loaded_fields", MISSING)
    if left is MISSING:
        return None
    fields = frame.f_locals["self"]._meta.concrete_fields
    return [field.attname for field in fields if field.attname not in left]
