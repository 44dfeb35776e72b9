"""What a queryset read: the values of its rows, kept to tell what changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.files import FieldFile
from django.db.models.query_utils import DeferredAttribute

from bulkmodel import _core
from bulkmodel.model import row_state
from bulkmodel.model.attributes import MISSING, attributes_of
from bulkmodel.model.row_state import UNTOUCHED, Record, RowState, now, records


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


class Snapshot:
    """The values of a queryset's rows as the database holds them, a list for each column: no object
    for each row.  Copies and pickles of the queryset have none."""

    __slots__ = (
        "_files",
        "_later",
        "_model",
        "_pending",
        "_plain",
        "_serial",
        "_thaw",
        "_using",
        "columns",
        "token",
    )

    def __init__(
        self,
        model: type[models.Model],
        objects: list[Any],
        using: str,
        alike: bool,
        read: dict[str, list[Any]] | None = None,
    ) -> None:
        """using: the alias of the database that has the rows.  alike: all objects have loaded the
        same fields.  read: columns that are known already, which are taken over; what is not among
        them is deferred, or is not plain to read."""
        names, self._thaw, self._files = attributes_of(model)
        self._model = model
        self._later: Callable[[list[Any]], dict[str, list[Any]]] | None = None
        row_state.begin(model, self)
        self._using = using
        self._serial = now()
        self.token = object()
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

    def __del__(self) -> None:
        row_state.end(self._model, self)

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

    def read_later(
        self, names: Sequence[str], read: Callable[[list[Any]], dict[str, list[Any]]]
    ) -> None:
        """Nothing is known of these attributes until somebody compares: then they are read."""
        self._later = read
        for name in names:
            column = self.columns[name]
            self.columns[name] = [MISSING] * len(column)

    def complete(self, objects: list[Any]) -> None:
        """Read what is not known yet of the rows of these objects, which are all."""
        read, self._later = self._later, None
        for name, values in read(objects).items() if read is not None else ():
            column = self.columns[name]
            self.columns[name] = [
                now if then is MISSING else then for then, now in zip(column, values)
            ]

    def noted(self, objects: list[Any]) -> list[tuple[int, Any]]:
        """What became of rows beside this: a number of the row and its notes each."""
        if row_state.latest() <= self._serial:
            return []
        return _core.noted(objects, RowState, self._tells)

    def _tells(self, notes: Any) -> bool:
        """Do these notes say what is not known here?"""
        if type(notes) is Record:
            return notes.serial > self._serial and notes.owner is not self.token
        return bool(notes[1].serial > self._serial)

    def _known(self, object: Any, i: int, name: str, notes: Any) -> Any:
        """What the row holds, as far as that is known."""
        for record in records(notes, self._serial):
            value = record.value(object, name, self._using)
            if value is not UNTOUCHED:
                return self.columns[name][i] if record.owner is self.token else value
        return self.columns[name][i]

    def changed(self, objects: list[Any], name: str, noted: list[tuple[int, Any]]) -> bytes:
        """1 for each row whose object has another value of this attribute."""
        then = self.columns[name]
        if noted:
            then = then.copy()
            for i, notes in noted:
                then[i] = self._known(objects[i], i, name, notes)
        marks = _core.changed(objects, name, then, MISSING)
        if name not in self._files:
            return marks
        names = _core.snapshot(objects, name, MISSING, False)
        return bytes(
            mark and _file_name(now) != then for mark, now, then in zip(marks, names, then)
        )

    def baseline(self, objects: list[Any], places: Sequence[int], name: str) -> list[Any]:
        """What the rows at these places hold in this attribute, as far as that is known."""
        column = self.columns[name]
        values = [column[i] for i in places]
        for row, notes in self.noted(objects):
            values[row] = self._known(objects[row], places[row], name, notes)
        return values

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
                self.put(name, places, values)
        self._pending = waiting[::-1]

    def _before(
        self, objects: list[Any], places: list[int], names: list[str]
    ) -> dict[str, list[Any]]:
        """What is known if the write is rolled back; not of what became of a row beside this."""
        before = {}
        for name in names:
            column = self.columns[name]
            known = self.baseline(objects, places, name)
            before[name] = [
                column[i] if value is column[i] else MISSING for i, value in zip(places, known)
            ]
        return before

    def put(self, name: str, places: Iterable[int], values: list[Any]) -> None:
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
            before = self._before(objects, places, names)
            connection.on_commit(mark)
            self._pending.append((mark, connection, places, before))
        for name in names:  # what was deferred may not have been loaded
            column = self.columns[name]
            loaded = name in self._plain and all(column[i] is not MISSING for i in places)
            self.put(name, places, self._now(objects, name, loaded))
