"""The values that a queryset has read, kept to find out what changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.files import FieldFile
from django.db.models.query_utils import DeferredAttribute

from bulkmodel import _core
from bulkmodel.model import row_state
from bulkmodel.model.attributes import FROZEN_TYPES, MISSING, attributes_of
from bulkmodel.model.row_state import UNTOUCHED, Record, RowState, now, records


def file_name(value: Any) -> Any:
    """Return the name of a stored file.  Accessing the attribute replaces the name by an object."""
    if isinstance(value, FieldFile):
        return value.name or "" if value._committed else value  # type: ignore[attr-defined]
    return value


def copied(value: Any) -> Any:
    """Copy a mutable value.  A value that cannot be copied counts as changed and is written."""
    if (
        type(value) is memoryview and value.readonly
    ):  # psycopg2's value of a BinaryField, which is immutable
        return value
    try:
        return copy.deepcopy(value)
    except Exception:
        return MISSING


class Copied:
    """A copy of a value, where a column has the driver's values."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Decoder(NamedTuple):
    """Makes a field's values of the driver's, as the database's converters do."""

    decode: Callable[[Any], Any]
    json: bool  # the driver's values are JSON texts

    def value(self, cell: Any) -> Any:
        """Return the value of a cell.  A value that cannot be decoded counts as changed."""
        if type(cell) is Copied:
            return cell.value
        try:
            return cell if cell is MISSING else self.decode(cell)
        except Exception:
            return MISSING


def copied_cell(value: Any) -> Any:
    """Return the cell for a value of which the driver's value is unknown or mutable."""
    copy = _core.apart([value], FROZEN_TYPES, copied)[0]
    return MISSING if copy is MISSING else Copied(copy)


def is_loaded(objects: list[Any], name: str) -> bytes:
    """Return 1 for each object whose attribute is not deferred."""
    return _core.changed(objects, name, [MISSING] * len(objects), MISSING)


class _Mark:
    """An on_commit hook: it is in the connection's list while a write may be rolled back."""

    __slots__ = ("committed",)

    def __init__(self) -> None:
        self.committed = False

    def __call__(self) -> None:
        self.committed = True


class Snapshot:
    """The values of a queryset's rows in the database, as one list for each column.  Copies and
    pickles of the queryset have no snapshot."""

    __slots__ = (
        "_decoders",
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
        decoders: dict[str, Decoder] | None = None,
    ) -> None:
        """using: the database alias of the rows.  alike: all objects have loaded the same fields.
        read: columns that are already known and are used directly; the others are deferred or
        cannot be read plainly.  decoders: for those of the columns that have the driver's values
        or `Copied`."""
        names, self._thaw, self._files = attributes_of(model)
        self._model = model
        self._decoders = decoders or {}
        self._later: Callable[[list[Any]], dict[str, list[Any]]] | None = None
        row_state.begin(model, self)
        self._using = using
        self._serial = now()
        self.token = object()
        self._plain: set[str] = set()  # attributes in the instance's dictionary, once loaded
        self._pending: list[tuple[_Mark, BaseDatabaseWrapper, list[int], dict[str, list[Any]]]] = []
        first = vars(objects[0]) if objects and alike else {}
        self.columns: dict[str, list[Any]] = {}
        for name in names:
            plain = type(getattr(model, name, None)) is DeferredAttribute
            if plain:
                self._plain.add(name)
            if read is not None and name in read:
                self.columns[name] = read[name]
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
            return [file_name(v) for v in values]
        if name in self._decoders:
            return [copied_cell(v) for v in values]
        if name in self._thaw:
            return _core.apart(values, FROZEN_TYPES, copied)
        return values

    def _value(self, name: str, cell: Any) -> Any:
        decoder = self._decoders.get(name)
        return cell if decoder is None else decoder.value(cell)

    def _then(self, objects: list[Any], name: str) -> list[Any]:
        """Return the values of a column.  Those of JSON are compared as text first, and are the
        object's own where they are equal."""
        column, decoder = self.columns[name], self._decoders.get(name)
        if decoder is None:
            return column
        if not decoder.json:
            return [decoder.value(cell) for cell in column]
        now = _core.snapshot(objects, name, MISSING, False)
        return [
            value if mark else decoder.value(cell)
            for value, mark, cell in zip(now, _core.json_equal(now, column), column)
        ]

    def read_later(
        self, names: Sequence[str], read: Callable[[list[Any]], dict[str, list[Any]]]
    ) -> None:
        """Leave these attributes unknown until they are compared.  Then they are read."""
        self._later = read
        for name in names:
            column = self.columns[name]
            self.columns[name] = [MISSING] * len(column)

    def complete(self, objects: list[Any]) -> None:
        """Read the attributes that read_later() left unknown.  objects: all of them."""
        read, self._later = self._later, None
        for name, values in read(objects).items() if read is not None else ():
            column = self.columns[name]
            self.columns[name] = [
                now if then is MISSING else then for then, now in zip(column, values)
            ]

    def noted(self, objects: list[Any]) -> list[tuple[int, Any]]:
        """Return the rows that changed outside this snapshot, with their notes."""
        if row_state.latest() <= self._serial:
            return []
        return _core.noted(objects, RowState, self._tells)

    def _tells(self, notes: Any) -> bool:
        """Return whether these notes are news for this snapshot."""
        if type(notes) is Record:
            return notes.serial > self._serial and notes.owner is not self.token
        return bool(notes[1].serial > self._serial)

    def _cell(self, object: Any, i: int, name: str, notes: Any) -> Any:
        """Return the row's cell, or MISSING if the value is unknown."""
        for record in records(notes, self._serial):
            value = record.value(object, name, self._using)
            if value is not UNTOUCHED and record.owner is not self.token:
                return Copied(value) if name in self._decoders and value is not MISSING else value
            if value is not UNTOUCHED:
                break
        return self.columns[name][i]

    def changed(self, objects: list[Any], name: str, noted: list[tuple[int, Any]]) -> bytes:
        """Return 1 for each row whose object has a different value of this attribute."""
        then = self._then(objects, name)
        if noted:
            then = then.copy()
            for i, notes in noted:
                then[i] = self._value(name, self._cell(objects[i], i, name, notes))
        marks = _core.changed(objects, name, then, MISSING)
        if name not in self._files:
            return marks
        names = _core.snapshot(objects, name, MISSING, False)
        return bytes(mark and file_name(now) != then for mark, now, then in zip(marks, names, then))

    def baseline(self, objects: list[Any], places: Sequence[int], name: str) -> list[Any]:
        """Return the values of the rows at these positions; MISSING means unknown."""
        return [self._value(name, cell) for cell in self._cells(objects, places, name)]

    def _cells(self, objects: list[Any], places: Sequence[int], name: str) -> list[Any]:
        column = self.columns[name]
        cells = [column[i] for i in places]
        for row, notes in self.noted(objects):
            cells[row] = self._cell(objects[row], places[row], name, notes)
        return cells

    def settle(self) -> None:
        """Restore the values of writes that were rolled back since."""
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
        """Return the values to restore if the write is rolled back.  Values that changed outside
        this snapshot are MISSING."""
        before = {}
        for name in names:
            column = self.columns[name]
            known = self._cells(objects, places, name)
            before[name] = [
                column[i] if cell is column[i] else MISSING for i, cell in zip(places, known)
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
        """Record that the attributes `names` of these objects were written to the rows `at`."""
        places = list(at)
        if not connection.in_atomic_block and not connection.get_autocommit():
            return  # the end of such a transaction is not reported: the rows stay marked as changed
        if connection.in_atomic_block:
            mark = _Mark()
            before = self._before(objects, places, names)
            connection.on_commit(mark)
            self._pending.append((mark, connection, places, before))
        for name in names:  # deferred attributes may still not be loaded
            column = self.columns[name]
            loaded = name in self._plain and all(column[i] is not MISSING for i in places)
            self.put(name, places, self._now(objects, name, loaded))
