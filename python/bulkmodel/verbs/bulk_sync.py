"""bulk_sync(): make the rows of a queryset those of the objects: insert, update and delete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db import IntegrityError, models

from bulkmodel.engine import failure
from bulkmodel.errors import Refused, TooManyDeletes
from bulkmodel.model.primary_keys import normal_keys, normal_value
from bulkmodel.model.where import InKeys
from bulkmodel.results import Change, Outcome
from bulkmodel.verbs.bulk_delete import delete_watched
from bulkmodel.verbs.bulk_upsert import Upsert, is_auto_now
from bulkmodel.verbs.changes import parts, watched
from bulkmodel.verbs.find_rows import ALLOW, Key, Read, Rows, folded, match, read

# A limit in percent always allows so many deletes.
LEAST_DELETES = 10


class Scope(NamedTuple):
    """Which rows the call may delete, and how."""

    rows: Any  # the queryset, on the alias to write to
    delete: bool
    soft_delete: Mapping[str, Any] | None  # the values that a deleted row gets instead
    max_deletes: int | str
    allow_empty: bool


class Sync(Upsert):
    """A bulk_sync() call."""

    def __init__(
        self,
        queryset: Any,
        objects: list[Any],
        unique_fields: Iterable[str] | None,
        update_fields: Iterable[str] | None,
        scope: Scope,
        **options: Any,
    ) -> None:
        super().__init__(queryset, objects, unique_fields, update_fields, **options)
        self.scope = scope
        if self.dry_run:  # its changes are told
            self.compared = [f.attname for f in self.fields if not is_auto_now(f)]
        self.n_deleted = 0
        self.by_label: dict[str, int] = {}
        self.changes: list[Change] = []
        _limit(scope.max_deletes, 0)
        self.soft: list[Any] = [
            self.model._meta.get_field(name) for name in scope.soft_delete or ()
        ]
        if not objects and not scope.allow_empty:
            raise Refused(
                "bulk_sync() was given no objects: pass allow_empty=True if that is right."
            )

    def _moved(self, error: BaseException) -> bool:
        return False  # the rows of the queryset are locked; what else is there is an error

    def _write(self) -> None:
        rows = self._read()
        keys = self._keys()
        at = self._places_of(rows, {key: i for i, key in enumerate(keys) if key is not None})
        gone = self._gone(rows, at) if self.scope.delete else []
        found = match(_some(rows, at), self.unique, keys, self.compared)
        self._refuse_others(found)
        self._plan(found)
        self.changes = self._changes(found)
        self.n_deleted = len(gone)
        limit = _limit(self.scope.max_deletes, len(rows.pks))
        if len(gone) > limit:
            raise TooManyDeletes(
                f"{len(gone)} of {len(rows.pks)} rows would be deleted. "
                f"max_deletes={self.scope.max_deletes!r} allows {limit}."
            )
        self._delete(gone, found)
        self._apply()
        self._refuse_left()

    def _read(self) -> Read:
        """Lock and read the rows of the queryset."""
        own: Any = models.QuerySet(self.model, using=self.using)
        inside = self.scope.rows.order_by().values("pk")
        names = [*self.compared, *(field.attname for field in self.soft)]
        rows = own.filter(pk__in=inside).order_by().select_for_update()
        wanted = list(dict.fromkeys(names))
        if self.computed is not None:
            return self.computed.read(rows, wanted)
        return read(rows, self.unique, wanted)

    def _places_of(self, rows: Read, wanted: dict[Key, int]) -> list[int | None]:
        """Return the position of each row's key among those that are wanted.  Of keys that differ
        in case or in blanks at the end, the database says which are equal."""
        at = [wanted.get(key) for key in rows.keys]
        left = {folded(key) for key, i in zip(rows.keys, at) if i is None}
        doubtful = [key for key in wanted if folded(key) in left] if left else []
        if doubtful:
            named = zip(doubtful, self._find_keys(doubtful).pks)
            known = {pk: wanted[key] for key, pk in named if pk is not None}
            at = [known.get(pk) if i is None else i for pk, i in zip(rows.pks, at)]
        return at

    def _gone(self, rows: Read, at: list[int | None]) -> list[Any]:
        """Return the primary keys of rows that no object has and that are not deleted softly."""
        wanted = [
            normal_value(field, (self.scope.soft_delete or {})[field.name], self.using)
            for field in self.soft
        ]
        columns = [rows.values[field.attname] for field in self.soft]
        done = [list(cells) == wanted for cells in zip(*columns)] if columns else [False] * len(at)
        return [pk for pk, i, over in zip(rows.pks, at, done) if i is None and not over]

    def _refuse_others(self, found: Rows) -> None:
        """Refuse objects whose rows exist and are not in the queryset."""
        places = [i for i, pk in zip(self.written, found.pks) if pk is None]
        keys = [self.keys[i] for i in places]
        there = self._find_keys(keys).pks
        for i, pk in zip(places, there):
            if pk is not None:
                raise failure.at_row(
                    ValueError(
                        f"Object {i}: its row exists (primary key {pk!r}), but the queryset does "
                        "not select it."
                    ),
                    i,
                    None,
                )

    def _changes(self, found: Rows) -> list[Change]:
        """Return the fields that differ, with the stored and the new value."""
        changes = []
        for place, i in enumerate(self.written):
            if self.outcomes[i] != Outcome.UPDATED or not self.dry_run:
                continue
            for field in self.fields:
                if field.attname not in found.values:
                    continue
                old = found.values[field.attname][place]
                if self._differ([i], {field.attname: [old]}) != b"\0":
                    (new,) = self.rows.values(field, [i])
                    changes.append(Change(found.pks[place], field.name, old, new))
        return changes

    def _delete(self, pks: list[Any], found: Rows) -> None:
        if not pks:
            return
        if self.scope.soft_delete is None:
            gone, self.by_label = delete_watched(self.queryset, pks, self.watch)
            own = normal_keys(self.model, pks, self.using)
            self.n_deleted = len(gone.intersection(own))  # beside those of cascades
            self._check_deleted(len(pks))
            self._refuse_cascades(gone, found)
            return
        self.n_deleted = 0
        for part in parts(pks) if self.watch is not None else [pks]:
            rows = self.queryset.filter(InKeys(models.F("pk"), list(part)))
            with watched(self.watch, part):
                self.n_deleted += rows._silent().update(**self.scope.soft_delete)
        self._check_deleted(len(pks))

    def _refuse_cascades(self, gone: set[Any], found: Rows) -> None:
        """Refuse that the row of an object was deleted by a cascade."""
        places = [i for i, pk in zip(self.written, found.pks) if pk is not None]
        pks = normal_keys(self.model, [pk for pk in found.pks if pk is not None], self.using)
        for i, pk in zip(places, pks):
            if pk in gone:
                error = IntegrityError(
                    f"Object {i}: a cascade would delete its row (primary key {pk!r}): the row "
                    "refers to one that is deleted because no object has it."
                )
                raise failure.at_row(error, i, None)

    def _check_deleted(self, n: int) -> None:
        """The rows are locked: one that is left was dropped by a trigger."""
        if not self.allow_skipped:
            failure.check_count(self.n_deleted, n, ALLOW)

    def _refuse_left(self) -> None:
        """Refuse rows that the queryset would not select after they were written."""
        places = [
            i for i in self.written if self.outcomes[i] in (Outcome.INSERTED, Outcome.UPDATED)
        ]
        if not places:
            return
        pks = normal_keys(self.model, self.rows.pks(places), self.using)
        inside = self.scope.rows.filter(InKeys(models.F("pk"), pks)).order_by()
        there = set(normal_keys(self.model, inside.values_list("pk", flat=True), self.using))
        for i, pk in zip(places, pks):
            if pk not in there:
                raise failure.at_row(
                    ValueError(f"Object {i}: the queryset would not select its row."), i, None
                )


def _some(rows: Read, at: list[int | None]) -> Read:
    """Return the rows that have a place."""
    chosen = [i for i, place in enumerate(at) if place is not None]
    return Read(
        [rows.pks[i] for i in chosen],
        [rows.keys[i] for i in chosen],
        {name: [column[i] for i in chosen] for name, column in rows.values.items()},
    )


def _limit(given: int | str, n: int) -> int:
    """Return how many of n rows may be deleted.  ValueError: it is no number and no percentage."""
    text = given if isinstance(given, str) else ""
    number = text[:-1].strip() if text.endswith("%") else ""
    if number.replace(".", "", 1).isdigit() and 0 <= float(number) <= 100:
        return max(int(n * float(number) / 100), LEAST_DELETES)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    raise ValueError(f'max_deletes must be a number of rows or text like "5%", not {given!r}.')
