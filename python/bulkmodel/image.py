"""What a queryset read: the values of its rows, kept to tell what changed."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.files import FieldFile
from django.db.models.query_utils import DeferredAttribute

from bulkmodel import _core

# A deferred value.  Its class is its own, so it differs from every value.
MISSING = type("Missing", (), {"__slots__": ()})()

# Values of these fields cannot change in place.
_FROZEN: frozenset[type[Any]] = frozenset(
    {
        models.AutoField,
        models.BigAutoField,
        models.SmallAutoField,
        models.SmallIntegerField,
        models.IntegerField,
        models.BigIntegerField,
        models.PositiveSmallIntegerField,
        models.PositiveIntegerField,
        models.PositiveBigIntegerField,
        models.CharField,
        models.SlugField,
        models.EmailField,
        models.URLField,
        models.TextField,
        models.BooleanField,
        models.FloatField,
        models.DecimalField,
        models.DateField,
        models.DateTimeField,
        models.TimeField,
        models.DurationField,
        models.UUIDField,
        models.GenericIPAddressField,
        models.ForeignKey,
        models.OneToOneField,
    }
)


def _file_name(value: Any) -> Any:
    """A file that was looked at is an object in place of its name; one that is not stored yet is
    no name."""
    if isinstance(value, FieldFile):
        return value.name or "" if value._committed else value  # type: ignore[attr-defined]
    return value


def _copy(value: Any) -> Any:
    """A project's value may refuse to be copied, and is to be read all the same: it then differs
    from itself, and is written."""
    if type(value) is memoryview and value.readonly:  # psycopg2's binary value, which none changes
        return value
    try:
        return copy.deepcopy(value)
    except Exception:
        return MISSING


def is_loaded(objects: list[Any], name: str) -> bytes:
    """1 for each object whose attribute is not deferred."""
    return _core.changed(objects, name, [MISSING] * len(objects), MISSING)


class _Mark:
    """Stands in a connection's on_commit list for as long as a write may still be rolled back."""

    __slots__ = ("committed",)

    def __init__(self) -> None:
        self.committed = False

    def __call__(self) -> None:
        self.committed = True


_Facts = tuple[tuple[str, ...], frozenset[str], frozenset[str]]
_facts: WeakKeyDictionary[type[models.Model], _Facts] = WeakKeyDictionary()


def _facts_of(model: type[models.Model]) -> _Facts:
    """The attributes of its fields; those whose values may change in place; those of files."""
    known = _facts.get(model)
    if known is None:
        fields = model._meta.concrete_fields
        known = _facts[model] = (
            tuple(field.attname for field in fields),
            frozenset(field.attname for field in fields if type(field) not in _FROZEN),
            frozenset(field.attname for field in fields if isinstance(field, models.FileField)),
        )
    return known


class Image:
    """The values of a queryset's rows as the database holds them, a list for each column: no object
    for each row.  Copies and pickles of the queryset have none."""

    __slots__ = ("_files", "_pending", "_plain", "_thaw", "columns")

    def __init__(
        self,
        model: type[models.Model],
        objects: list[Any],
        alike: bool,
        read: dict[str, list[Any]] | None = None,
    ) -> None:
        """alike: all objects have loaded the same fields.  read: columns that are known already,
        which are taken over; what is not among them is deferred, or is not plain to read."""
        names, self._thaw, self._files = _facts_of(model)
        self._plain: set[str] = set()  # attributes that are the instance's own, once loaded
        self._pending: list[tuple[_Mark, BaseDatabaseWrapper, list[int], dict[str, list[Any]]]] = []
        first = vars(objects[0]) if objects and alike else {}
        self.columns: dict[str, list[Any]] = {}
        for name in names:
            plain = type(getattr(model, name, None)) is DeferredAttribute
            if plain:
                self._plain.add(name)
            if read is not None and name in read:
                self.columns[name] = self._apart(name, read[name])
            elif read is not None and plain and name not in first:
                self.columns[name] = [MISSING] * len(objects)
            else:
                self.columns[name] = self._now(objects, name, plain and name in first)

    def __deepcopy__(self, memo: Any) -> None:
        return None

    def __reduce__(self) -> Any:
        return type(None), ()

    def _now(self, objects: list[Any], name: str, loaded: bool = False) -> list[Any]:
        known = loaded and name not in self._files
        return self._apart(name, _core.snapshot(objects, name, MISSING, known))

    def _apart(self, name: str, values: list[Any]) -> list[Any]:
        if name in self._files:
            return [_file_name(v) for v in values]
        if name in self._thaw:
            return [v if v is MISSING else _copy(v) for v in values]
        return values

    def changed(self, objects: list[Any], name: str) -> bytes:
        """1 for each row whose object has another value of this attribute."""
        marks = _core.changed(objects, name, self.columns[name], MISSING)
        if name not in self._files:
            return marks
        names = _core.snapshot(objects, name, MISSING, False)
        return bytes(
            mark and _file_name(now) != then
            for mark, now, then in zip(marks, names, self.columns[name])
        )

    def settle(self) -> None:
        """Take back what was rolled back since."""
        waiting = []
        for entry in reversed(self._pending):
            mark, connection, places, before = entry
            if mark.committed:
                continue
            if any(waiter[1] is mark for waiter in connection.run_on_commit):
                waiting.append(entry)
                continue
            for name, values in before.items():
                self._put(name, places, values)
        self._pending = waiting[::-1]

    def _put(self, name: str, places: list[int], values: list[Any]) -> None:
        column = self.columns[name]
        for place, value in zip(places, values):
            column[place] = value

    def written(
        self,
        connection: BaseDatabaseWrapper,
        objects: list[Any],
        at: Iterable[int],
        names: list[str],
    ) -> None:
        """The rows `at` were written from these objects, in the attributes `names`."""
        places = list(at)
        if not connection.in_atomic_block and not connection.get_autocommit():
            return  # nobody tells of the end of such a transaction: the rows stay changed
        if connection.in_atomic_block:
            mark = _Mark()
            before = {name: [self.columns[name][i] for i in places] for name in names}
            connection.on_commit(mark)
            self._pending.append((mark, connection, places, before))
        for name in names:  # what was deferred may not have been loaded
            column = self.columns[name]
            loaded = name in self._plain and all(column[i] is not MISSING for i in places)
            self._put(name, places, self._now(objects, name, loaded))
