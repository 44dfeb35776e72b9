"""bulk_upsert(): insert the objects whose rows do not exist, and update the rows that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

from django.db import DatabaseError, Error, IntegrityError, models, transaction

from bulkmodel.engine import failure
from bulkmodel.engine.atomic import trial
from bulkmodel.engine.statements import SMALL
from bulkmodel.model.fields import Field, follows, key_fields
from bulkmodel.model.primary_keys import normal_keys
from bulkmodel.results import Outcome
from bulkmodel.verbs.changes import Watch, parts, watched
from bulkmodel.verbs.constraints import Constraint
from bulkmodel.verbs.find_rows import (
    ALLOW,
    Key,
    Rows,
    find,
    left_to_write,
    there,
    unique_fields_named,
)
from bulkmodel.verbs.frame_objects import is_given, refuse_missing
from bulkmodel.verbs.upsert_rows import rows_of
from bulkmodel.verbs.upsert_rules import Rules, check_where, decide, fields_set, update_rows

# How often the call begins again if another transaction inserts or deletes one of its rows.
_ATTEMPTS = 3


class Moved(DatabaseError):
    """A row was deleted between the query that found it and the update."""


class Upsert:
    """A bulk_upsert() call.  Its queryset has no filter and uses the alias to write to."""

    def __init__(
        self,
        queryset: Any,
        objects: Sequence[Any],
        unique_fields: Iterable[str] | None,
        update_fields: Iterable[str] | None,
        *,
        rules: Rules,
        batch_size: int | None,
        duplicates: str,
        dry_run: bool,
        allow_skipped: bool = False,
        watch: Watch | None = None,
    ) -> None:
        self.watch = watch
        self.allow_skipped = allow_skipped
        self.queryset = queryset
        self.model: type[models.Model] = queryset.model
        self.using: str = queryset.db
        self.batch_size = batch_size
        self.rules = rules
        self.dry_run = dry_run
        self.constraint = self._constraint(unique_fields)
        self.unique = (
            self.constraint.fields
            if self.constraint is not None
            else unique_fields_named(self.model, unique_fields)
        )
        plain = self.constraint is None or self.constraint.is_plain
        self.computed = None if plain else self.constraint  # whose keys the database computes
        self.rows = rows_of(queryset, objects, plain and rules.are_plain)
        self.objects = self.rows.objects
        refuse_missing(objects, self.unique if self.computed is None else self.computed.used())
        self.set = fields_set(self.model, rules.set, self.unique)
        check_where(self.model, rules.where)
        fields = _updated(self.model, self.unique, update_fields)
        if update_fields is not None:
            refuse_missing(objects, [field for field in fields if not is_auto_now(field)])
        fields = [field for field in fields if is_given(objects, field) or update_fields]
        self.fields = [field for field in fields if field not in self.set]
        self.stamped: list[Field] = []
        if update_fields is None:
            own = self.model._meta.concrete_fields
            self.stamped = [f for f in own if follows(f) and f not in self.unique]
            self.stamped = [f for f in self.stamped if f not in self.set]
            self.stamped = [f for f in self.stamped if is_auto_now(f) or is_given(objects, f)]
        self.compared: list[str] = []  # auto_now alone is no change
        if not rules.update_unchanged:
            self.compared = [f.attname for f in self.fields if not is_auto_now(f)]
        self.rows.prepare()
        self.keys = (
            self.constraint.keys_of(self.rows)
            if self.constraint is not None
            else self.rows.keys(self.unique)
        )
        self.written = left_to_write(self.keys, self.unique, duplicates)
        self.outcomes = bytearray([Outcome.IGNORED]) * len(objects)
        self.pks: list[Any] = [None] * len(objects)  # of each object's row

    def _constraint(self, unique_fields: Iterable[str] | None) -> Constraint | None:
        if self.rules.constraint is None:
            return None
        if unique_fields is not None:
            raise ValueError("Only one of unique_fields and constraint can be given.")
        return Constraint(self.model, self.rules.constraint, self.using)

    def run(self, places: Sequence[int] | None = None) -> None:
        """Write the rows, in one transaction, and set primary keys and states of the objects.
        places: of the rows; None: of all that are left to write."""
        if places is not None:
            self.written = list(places)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with trial(self.using, self.dry_run, self._undo, self._is_of_several):
                    if self.watch is not None:
                        self.watch.begin()
                    self._write()
                    self._take_keys()
                return
            except Exception as error:
                if attempt == _ATTEMPTS or not self._moved(error):
                    raise

    def _is_of_several(self) -> bool:
        """Return whether more than one statement has written.  Known at the end."""
        kinds = {Outcome.UPDATED, Outcome.INSERTED}.intersection(self.outcomes)
        parts = self.watch is not None or self.allow_skipped or bool(self.model._meta.parents)
        return parts or len(kinds) > 1 or len(self.written) > SMALL

    def _moved(self, error: BaseException) -> bool:
        """Return whether another transaction inserted or deleted one of the rows meanwhile."""
        if isinstance(error, Moved):
            return True
        if not isinstance(error, IntegrityError):
            return False
        try:
            now = self._find(lock=False).pks  # the transaction has ended
        except Error:
            return False
        return any(pk is not None and not there for pk, there in zip(now, self._there))

    def _find(self, lock: bool) -> Rows:
        return self._find_keys(self._keys(), self.compared, lock)

    def _find_keys(
        self, keys: Sequence[Key | None], names: Sequence[str] = (), lock: bool = False
    ) -> Rows:
        """Find the rows with these keys, wherever they are."""
        if self.computed is not None:
            return self.computed.find(keys, names, lock)
        return find(self.model, self.using, self.unique, keys, names, lock)

    def _keys(self) -> list[Key | None]:
        return [self.keys[i] for i in self.written]

    def decide(self) -> None:
        """Find the rows, and decide what becomes of each object."""
        self._plan(self._find(lock=False))

    def _write(self) -> None:
        # What is decided here must hold when it is written.
        lock = not self.rules.are_plain or self.watch is not None
        self._plan(self._find(lock))
        self._apply()

    def _plan(self, found: Rows) -> None:
        """Decide what becomes of each object, and set the primary keys of those with rows."""
        self._there = [pk is not None for pk in found.pks]
        old = list(compress(self.written, self._there))
        self.rows.set_pks(old, list(compress(found.pks, self._there)))
        stored = {
            name: list(compress(column, self._there)) for name, column in found.values.items()
        }
        changed = self._changed(old, stored)
        for i in self.written:
            self.outcomes[i] = Outcome.INSERTED
        for i, mark in zip(old, changed):
            self.outcomes[i] = Outcome.UPDATED if mark else Outcome.UNCHANGED
        if not self.rules.are_plain:
            self._decide(old)

    def _decide(self, old: list[int]) -> None:
        """Let the database say which rows `update_where` selects and which `set` would change."""
        if not self.set:
            old = [i for i in old if self.outcomes[i] == Outcome.UPDATED]
        objects = [self.objects[i] for i in old]
        found = decide(self.model, self.using, objects, self.rules.where, self.set)
        for i, (selected, differs) in zip(old, found):
            if differs or (self.set and self.rules.update_unchanged):
                self.outcomes[i] = Outcome.UPDATED
            if not selected and self.outcomes[i] == Outcome.UPDATED:
                self.outcomes[i] = Outcome.IGNORED

    def places(self, outcome: Outcome) -> list[int]:
        return [i for i in self.written if self.outcomes[i] == outcome]

    def _apply(self) -> None:
        """Write the rows."""
        updated = self.places(Outcome.UPDATED)
        for part in parts(updated) if self.watch is not None else [updated]:
            with watched(self.watch, self.rows.pks(part)):
                self._update(part)
        self.rows.note_stored(list(compress(self.written, self._there)))
        self._insert_allowed(self.places(Outcome.INSERTED))
        if self.watch is not None:
            inserted = self.places(Outcome.INSERTED)
            self.watch.inserted(self.rows.pks(inserted))

    def _changed(self, places: Sequence[int], stored: dict[str, list[Any]]) -> bytes:
        """Return 1 for each object that differs from its row."""
        if self.rules.update_unchanged:
            return (b"\1" if self.fields else b"\0") * len(places)
        return self._differ(places, stored)

    def _differ(self, places: Sequence[int], stored: dict[str, list[Any]]) -> bytes:
        changed = bytearray(len(places))
        for field in self.fields if places else ():
            if field.attname in stored:
                self.rows.mark(field, places, stored[field.attname], changed)
        return bytes(changed)

    def _update(self, places: Sequence[int]) -> None:
        if not places or not (self.fields or self.set):
            return
        fields = list(dict.fromkeys([*self.fields, *self.stamped]))
        if self.set:
            rows = [self.objects[i] for i in places]
            done = update_rows(self.model, self.using, rows, places, fields, self.set)
            keys = normal_keys(self.model, [row.pk for row in rows], self.using)
            self._note_lost([i for i, key in zip(places, keys) if key not in done], len(rows))
            return
        self._note_lost(*self.rows.update(places, fields, self.batch_size))

    def _note_lost(self, places: Sequence[int], n: int) -> None:
        """Note which of n rows were not updated.  Moved: one of them is no longer there.
        DatabaseError: a trigger drops updates, and that is not allowed."""
        if not places:
            return
        keys = self.rows.pks(places)
        if len(there(self.model, self.using, keys)) < len(places):
            raise Moved("A row was deleted while it was being updated.")
        if not self.allow_skipped:
            failure.check_count(n - len(places), n, ALLOW)
        for i in places:
            self.outcomes[i] = Outcome.SKIPPED

    def _insert_allowed(self, places: Sequence[int]) -> None:
        """Insert the rows.  If a trigger drops some and may, look for them by halves."""
        if not self.allow_skipped:
            self._insert(places)
            return
        try:
            with transaction.atomic(using=self.using):
                self._insert(places)
        except failure.RowsDropped:
            half = len(places) // 2
            if half == 0:
                self.outcomes[places[0]] = Outcome.SKIPPED
                return
            self._insert_allowed(places[:half])
            self._insert_allowed(places[half:])

    def _insert(self, places: Sequence[int]) -> None:
        if places:
            self.rows.insert(places, self.batch_size)

    def _take_keys(self) -> None:
        inserted = Outcome.INSERTED if self.dry_run else Outcome.NONE  # whose keys are rolled back
        for i, pk in zip(self.written, self.rows.pks(self.written)):
            self.pks[i] = None if self.outcomes[i] == inserted else pk

    def _undo(self) -> None:
        self.rows.undo(self.written)


def _updated(
    model: type[models.Model], unique: list[Any], names: Iterable[str] | None
) -> list[Field]:
    """Return the fields that an existing row gets from its object."""
    opts = model._meta
    left_out = {*key_fields(model), *unique}
    if names is None:
        return [
            field
            for field in opts.concrete_fields
            if field not in left_out
            and not field.generated
            and not getattr(field, "auto_now_add", False)
            and field.name != "bm_create_uuid"
            and not follows(field)
        ]
    if isinstance(names, str):
        raise TypeError(f"update_fields must be a list of field names: [{names!r}]")
    fields: list[Any] = list(dict.fromkeys(opts.get_field(name) for name in names))
    for field in fields:
        if not field.concrete or field.many_to_many:
            raise ValueError("bulk_upsert() can only update concrete fields.")
        if field in left_out:
            raise ValueError(f"bulk_upsert() cannot update {field.name!r}: it identifies the row.")
        if field.generated:
            raise ValueError("bulk_upsert() cannot update generated fields.")
    return fields


def is_auto_now(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False))
