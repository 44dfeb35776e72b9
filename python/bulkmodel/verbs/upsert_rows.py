"""The rows of a bulk_upsert() or bulk_sync(): objects, or columns of a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from django.db import connections, models

from bulkmodel import _core
from bulkmodel.engine.statements import ANY_ROW
from bulkmodel.engine.support import falls_back
from bulkmodel.model import diagnose
from bulkmodel.model.attributes import MISSING, attributes_of
from bulkmodel.model.fields import BUILT_IN, Field, has_relations
from bulkmodel.model.primary_keys import normal_value, plain_bytes
from bulkmodel.model.snapshot import file_name
from bulkmodel.options import options_of
from bulkmodel.verbs.copy_from_arrow import CopyFrame
from bulkmodel.verbs.find_rows import Key, check_instances, keys_of
from bulkmodel.verbs.frame_objects import FrameObjects
from bulkmodel.verbs.frame_updates import FrameUpdate, are_held, objects_of
from bulkmodel.verbs.update_fields import Changes, write

# Values of these types that are not equal are stored differently.
_PLAIN = (int, str, bool)


class ObjectRows:
    """Rows that are objects.  `places` are positions in the caller's list."""

    def __init__(self, queryset: Any, objects: Sequence[Any]) -> None:
        """queryset: has no filter, and uses the alias to write to."""
        self.queryset = queryset
        self.model: type[models.Model] = queryset.model
        self.using: str = queryset.db
        self.objects = objects
        check_instances(self.model, objects)
        self._before = [(row.pk, row._state.adding, row._state.db) for row in objects]

    def prepare(self) -> None:
        """Take the keys of related objects that were saved after they were assigned."""
        for row in self.objects if has_relations(self.model) else ():
            row._prepare_related_fields_for_save("bulk_upsert")

    def keys(self, fields: Sequence[Any]) -> list[Key | None]:
        """Return each row's values of these fields.  None: one of them is NULL."""
        return keys_of(self.objects, fields, self.using)

    def values(self, field: Any, places: Sequence[int]) -> list[Any]:
        """Return the values of a field."""
        return [getattr(self.objects[i], field.attname) for i in places]

    def pks(self, places: Sequence[int]) -> list[Any]:
        """Return the primary keys."""
        return [self.objects[i].pk for i in places]

    def set_pks(self, places: Sequence[int], pks: Sequence[Any]) -> None:
        """Set the primary keys, of rows that exist."""
        for i, pk in zip(places, pks):
            self.objects[i].pk = pk

    def note_stored(self, places: Sequence[int]) -> None:
        """Note that the rows exist."""
        for i in places:
            state = self.objects[i]._state
            state.adding, state.db = False, self.using

    def undo(self, places: Sequence[int]) -> None:
        """Restore keys and states."""
        for i in places:
            row, (pk, adding, db) = self.objects[i], self._before[i]
            row.pk = pk
            row._state.adding, row._state.db = adding, db

    def mark(
        self, field: Any, places: Sequence[int], stored: list[Any], changed: bytearray
    ) -> None:
        """Mark the rows whose value differs from the stored one.  A deferred value does not."""
        rows = [self.objects[i] for i in places]
        marks = _core.changed(rows, field.attname, stored, MISSING)

        def value_of(i: int) -> Any:
            return vars(rows[i]).get(field.attname, MISSING)

        exact = field.attname in attributes_of(type(rows[0])).thaw
        _confirm(field, marks, value_of, stored, changed, self.using, exact)

    def update(
        self, places: Sequence[int], fields: Sequence[Field], batch_size: int | None
    ) -> tuple[list[int], int]:
        """Write these fields.  Return the places whose rows were not written, and how many rows
        should have been."""
        rows = [self.objects[i] for i in places]
        return _update_objects(self.queryset, rows, places, fields, batch_size)

    def insert(self, places: Sequence[int], batch_size: int | None) -> None:
        """Insert the rows."""
        queryset = self.queryset.bulk_options(send_signals=False)
        queryset._bm_counts = True
        try:
            queryset.bulk_create([self.objects[i] for i in places], batch_size)
        except Exception as error:
            row = getattr(error, "row_index", None)
            if row is not None:
                error.row_index = places[row]  # type: ignore[attr-defined]
            raise


class ColumnRows(ObjectRows):
    """Rows that are columns of a frame.  Instances are made of those that the engine cannot
    write."""

    def __init__(self, queryset: Any, given: FrameObjects) -> None:
        self.queryset = queryset
        self.model = queryset.model
        self.using = queryset.db
        self.objects = given
        self._given = given
        assert given.rows is not None
        self._rows = given.rows
        self._pks: list[Any] = [None] * len(given)

    def prepare(self) -> None:
        pass

    def keys(self, fields: Sequence[Any]) -> list[Key | None]:
        return self._given.keys(fields, self.using)

    def values(self, field: Any, places: Sequence[int]) -> list[Any]:
        return self._rows.take(places).values(self._given.frame.columns_of[field])

    def pks(self, places: Sequence[int]) -> list[Any]:
        return [self._pks[i] for i in places]

    def set_pks(self, places: Sequence[int], pks: Sequence[Any]) -> None:
        for i, pk in zip(places, pks):
            self._pks[i] = pk

    def note_stored(self, places: Sequence[int]) -> None:
        pass

    def undo(self, places: Sequence[int]) -> None:
        for i in places:
            self._pks[i] = None

    def mark(
        self, field: Any, places: Sequence[int], stored: list[Any], changed: bytearray
    ) -> None:
        values = self.values(field, places)
        exact = field.attname in attributes_of(self.model).thaw
        marks = _core.differ(values, stored)
        _confirm(field, marks, values.__getitem__, stored, changed, self.using, exact)

    def update(
        self, places: Sequence[int], fields: Sequence[Field], batch_size: int | None
    ) -> tuple[list[int], int]:
        pks = self.pks(places)
        some = self._rows.take(places)
        connection = connections[self.using]

        def call() -> diagnose.Call:
            return diagnose.Call(self.model, connection, some.known(), fields, places)

        update: FrameUpdate | None = None
        with diagnose.diagnosed(call):
            with falls_back("bulk_upsert", self.model):
                update = FrameUpdate(self.model, self.using, some, pks, fields, batch_size, ANY_ROW)
            if update is not None and update.run() == len(places):
                return [], len(places)
        if update is None:
            rows = objects_of(some, pks)
            return _update_objects(self.queryset, rows, places, fields, batch_size)
        kept, _ = are_held(self.queryset, some, pks, fields)
        return [i for i, is_kept in zip(places, kept) if not is_kept], len(places)

    def insert(self, places: Sequence[int], batch_size: int | None) -> None:
        copy = CopyFrame(self.queryset, self._given.frame, options_of(batch_size), None)
        copy.run(self._rows.take(places), True, False)
        self.set_pks(places, copy.keys)


def rows_of(queryset: Any, objects: Any, are_plain: bool) -> ObjectRows:
    """Return the rows of a call.  are_plain: it does nothing that needs instances."""
    if are_plain and isinstance(objects, FrameObjects) and objects.are_columns:
        return ColumnRows(queryset, objects)
    return ObjectRows(queryset, list(objects))


def _update_objects(
    queryset: Any,
    rows: list[Any],
    places: Sequence[int],
    fields: Sequence[Field],
    batch_size: int | None,
) -> tuple[list[int], int]:
    changes = Changes(queryset.model, rows, list(fields), None).at(places)
    if not changes.rows:
        return [], 0
    n, written = write(queryset, changes, batch_size, which=True)
    if n == len(changes.rows):
        return [], n
    return sorted(set(changes.places).difference(written.places)), len(changes.rows)


def _confirm(
    field: Any,
    marks: bytes,
    value_of: Callable[[int], Any],
    stored: list[Any],
    changed: bytearray,
    using: str,
    exact: bool,
) -> None:
    """Mark as changed the rows whose value is not the stored one in another form.  exact: equal
    values may be stored differently."""
    plain = type(field) in BUILT_IN
    for i in compress(range(len(marks)), marks):
        if not changed[i]:
            value = value_of(i)
            other = plain and type(value) in _PLAIN and type(value) is type(stored[i])
            changed[i] = other or not _is_stored_as(field, value, stored[i], using, exact)


def _is_stored_as(field: Any, value: Any, stored: Any, using: str, exact: bool) -> bool:
    """Return whether the value, given in another form, is the stored one.  In doubt: False.  exact:
    equal values may be stored differently, as 1 and True are in JSON."""
    if hasattr(value, "resolve_expression"):
        return False
    try:
        now = plain_bytes(normal_value(field, file_name(value), using))
        stored = plain_bytes(stored)
        same = type(now) is type(stored) and bool(now == stored)
        if same and (exact or isinstance(now, float)):  # 0.0 == -0.0
            return repr(now) == repr(stored)
    except Exception:  # raised by the caller's own classes
        return False
    return same
