"""bulk_create() on the engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import django
from django.db import connections, models
from django.db.models.base import ModelState

from bulkmodel import _core
from bulkmodel.engine import failure, postgresql
from bulkmodel.engine.jobs import Jobs, share, workers_for
from bulkmodel.engine.returned_keys import way_of
from bulkmodel.engine.statements import (
    ANY_ROW,
    ASKED,
    PROVED,
    SMALL,
    Condition,
    Reading,
    reads_keys,
)
from bulkmodel.engine.support import Fallback
from bulkmodel.model import diagnose
from bulkmodel.model.target import KEYLESS, PLAIN, Target, make_job
from bulkmodel.verbs.computed import Computed, gather_new
from bulkmodel.verbs.conflicts import Conflict, check_conflict, is_djangos

# Objects that get keys and states while the database receives a block of a COPY.
PART = 2000

# Marks of objects with the state of a new object.
_NEW = {mark for mark in range(16) if mark & 12 == 4}


def _acquaint() -> None:
    """Create one complete state, so that CPython stores these attributes inside later states.  New
    objects' states get them late and would need a dictionary each."""
    state = ModelState()
    state.db, state.adding, state.fields_cache = None, True, {}


_acquaint()


@contextmanager
def restored(objects: list[Any], using: str) -> Iterator[None]:
    """Restore keys and states if Django's own bulk_create() fails, but not if a hook after its
    COMMIT fails."""
    connection = connections[using]
    nested = connection.in_atomic_block
    if not nested:  # a hook that failed may have left it set
        connection.run_commit_hooks_on_set_autocommit_on = False
    made: list[Any] = [object for object in objects if isinstance(object, models.Model)]
    states = [(object._is_pk_set(), object._state.adding, object._state.db) for object in made]
    try:
        yield
    except BaseException:
        if not nested and connection.run_commit_hooks_on_set_autocommit_on:
            raise
        for object, (had_key, adding, db) in zip(made, states):
            if not had_key and object._is_pk_set():
                object.pk = None
            object._state.adding, object._state.db = adding, db
        raise


class Create:
    """A bulk_create() call.  Some objects may have keys."""

    def __init__(
        self,
        queryset: Any,
        objects: list[Any],
        batch_size: int | None,
        workers: int = 1,
        conflict: Conflict | None = None,
    ) -> None:
        queryset._for_write = True
        self.target = Target.of(queryset.model, queryset.db)
        self.conflict = conflict
        self.counts: bool = getattr(queryset, "_bm_counts", False)
        n = len(objects)
        if conflict is not None and is_djangos(self.target, conflict, n):
            raise Fallback
        # Workers with conflicting rows would wait for each other.
        wanted = workers if conflict is None else 1
        workers = 1
        if wanted > 1:
            workers = workers_for(self.target.connection, queryset.model, wanted, n, batch_size)
        self.given_size = batch_size
        self.batch_size = batch_size or (share(n, workers) if workers > 1 else None)
        if not self.target.description.complete:
            raise Fallback("a field of the engine cannot write this model")
        kinds = self._divide(queryset, objects)
        if conflict is not None:
            check_conflict(self.target, conflict, objects, bool(self.keyed), bool(self.keyless))
        if hasattr(queryset, "_handle_order_with_respect_to"):  # since Django 6.1
            queryset._handle_order_with_respect_to(objects)
        for column in self.target.description.stamped:
            for object in objects:
                column.field.pre_save(object, add=True)
        ignores = conflict is not None and not conflict.update
        self.computed: Computed | None = None
        if self.target.description.returned and not ignores:
            workers = 1  # the values are read before COMMIT
            self.computed = Computed(self.target, objects, len(objects) <= SMALL, kinds <= _NEW)
        catalog = self._catalog()
        if catalog is not None and catalog.triggers():  # matching keys may need one connection
            workers = 1
        self.condition = self._condition(workers, catalog)
        self.given = [o.pk for o in self.keyed] if reads_keys(self.condition) else []
        new = kinds <= _NEW
        self.states = None if new else [(o._state.adding, o._state.db) for o in objects]
        jobs = [
            self._prepare(part, with_key, catalog)
            for part, with_key in ((self.keyed, True), (self.keyless, False))
            if part
        ]
        places = self._places if len(jobs) > 1 else None
        written = Jobs(self.target, jobs, self.condition, workers, places)
        written.is_one_statement = len(jobs) == 1 and self.is_one_statement
        if len(jobs) == 1 and not self.is_one_statement:
            written.is_one_of_djangos = self._is_one_of_djangos()
        self.jobs = written

    def _divide(self, queryset: Any, objects: list[Any]) -> set[int]:
        """Divide the objects into those with and without a key.  Return all their marks."""
        description = self.target.description
        marks = self.target.marks(objects)
        kinds = set(marks)
        if not kinds <= PLAIN or description.makes_keys:
            queryset._prepare_for_bulk_create(objects)
            marks = self.target.marks(objects)
            kinds = set(marks)
        self.objects, self.marks = objects, marks
        self.keyed: list[Any] = []
        self.keyless = objects
        if not kinds <= KEYLESS:
            self.keyed = [o for o, mark in zip(objects, marks) if not mark & 1]
            self.keyless = [o for o, mark in zip(objects, marks) if mark & 1]
        if self.keyless and not description.key_assigned:
            raise Fallback("an object has no primary key, and the database does not generate one")
        return kinds

    def _catalog(self) -> _core.Catalog | None:
        """Ask the server to describe the table, if that pays."""
        if not self.target.dialect.has_catalog or len(self.objects) <= SMALL:
            return None
        connection = self.target.connection
        try:
            return postgresql.ask(self.target.table, connection)
        except _core.Unfit as error:
            raise Fallback(str(error)) from error

    def _condition(self, workers: int, catalog: _core.Catalog | None) -> Condition:
        reads = self._reads_keys(workers, catalog)
        if self.computed is not None and self.computed.returns:
            n_keys = len(self.target.description.keys)
            return Reading(n_keys, len(self.computed.fields), reads)
        return Reading() if reads else ANY_ROW

    def _reads_keys(self, workers: int, catalog: _core.Catalog | None) -> bool:
        """Since Django 6.1 the key of the inserted row replaces the key that the object had."""
        target = self.target
        if django.VERSION < (6, 1) or not self.keyed or not target.description.key_assigned:
            return False
        if self.conflict is not None or workers > 1:
            return False
        if target.dialect.has_catalog and catalog is None:
            return True
        if catalog is not None and catalog.triggers():
            raise Fallback("a trigger may change primary keys, and Django reads them back")
        if any(type(object.pk) is not int for object in self.keyed):
            raise Fallback("a primary key is not an integer, and Django reads it back")
        return False

    def _is_one_of_djangos(self) -> bool:
        """Return whether Django would send one statement."""
        columns = self.target.description.all if self.keyed else self.target.description.all_but_key
        fields = [column.field for column in columns]
        most = max(self.target.connection.ops.bulk_batch_size(fields, self.objects), 1)
        return len(self.objects) <= min(self.given_size or most, most)

    def _prepare(
        self, objects: list[Any], with_key: bool, catalog: _core.Catalog | None
    ) -> _core.Job:
        target = self.target
        description = target.description
        columns = description.all if with_key else description.all_but_key
        if not columns:
            raise Fallback("the model has only its primary key")
        batch_size = target.chunk(self.batch_size, (column.field for column in columns), objects)
        dialect = target.dialect
        if dialect.max_rows:
            most = dialect.max_rows if len(objects) > SMALL else len(objects)
            batch_size = dialect.limit(batch_size or most, len(columns))
        if len(objects) > SMALL and catalog is None and dialect.has_catalog:
            raise Fallback("the server does not describe the table")
        self.is_one_statement = len(objects) <= min(batch_size, SMALL)
        rows = _core.Rows(target.description.table, len(objects))
        gather_new(target, rows, objects, columns, catalog is not None)
        conflict = self.conflict.indexes(target) if self.conflict is not None else ()
        way = ASKED
        ignores = self.conflict is not None and not self.conflict.update
        if reads_keys(self.condition) or not (with_key or ignores):  # else no key is read
            way = way_of(target, catalog, with_key)
        also = self.computed.columns if self.computed is not None else ()
        return make_job(rows, "bulk_create", (), batch_size, ANY_ROW, catalog, conflict, way, also)

    def run(self) -> None:
        """Write, and set keys and states.  After an error they are as before."""
        target = self.target

        def call() -> diagnose.Call:
            row_of = self.jobs.row_of
            return diagnose.Call(target.model, target.connection, self.objects, row_of=row_of)

        parts = self._parts()

        def settle() -> None:
            if self.counts and self.conflict is None:
                failure.check_count(self.jobs.written(), len(self.objects))
            deque(parts, 0)
            reading = self.condition if isinstance(self.condition, Reading) else None
            if reading is not None and reading.reads_keys:
                self._take_keys(reading.keys)
            if self.computed is not None:
                self.computed.take(reading, len(self.jobs.all) == 1)

        def settle_part() -> None:
            next(parts, None)

        with diagnose.diagnosed(call):
            self.jobs.run(settle, self._undo, settle_part)

    def _take_keys(self, keys: list[Any]) -> None:
        """Set the keys that the database returned for objects that had one.  Either no trigger
        changed them, or each row was read back separately."""
        field = self.target.description.key.field
        if len(keys) > 1 and self.jobs.all[0].keys_by() == PROVED:
            given = [field.to_python(object.pk) for object in self.keyed]
            if type(keys[0]) is not type(given[0]):  # the column's type is not the field's
                returned = {field.to_python(key): key for key in keys}
                given = [returned.get(key, key) for key in given]
            keys = given
        for object, made in zip(self.keyed, keys):
            object.pk = made

    def _parts(self) -> Iterator[None]:
        """Set keys and states of PART objects at a time."""
        using = self.target.using
        key = self.target.description.key.field.attname
        for first in range(0, len(self.keyed), PART):
            _core.settle(self.keyed[first : first + PART], None, None, False, using)
            yield
        ignores = self.conflict is not None and not self.conflict.update
        if not self.keyless or ignores:
            return
        while not self.jobs.knows_keys():
            yield
        keys = self.jobs.keys()
        for first in range(0, len(self.keyless), PART):
            last = first + PART
            _core.settle(self.keyless[first:last], key, keys[first:last], False, using)
            yield

    def _undo(self, committed: Sequence[range]) -> None:
        """Reset the objects whose rows are not committed."""
        kept = set().union(*committed)
        lost = [i for i in range(len(self.objects)) if i not in kept]
        keyless = [self.objects[i] for i in lost if self.marks[i] & 1]
        keyed = [self.objects[i] for i in lost if not self.marks[i] & 1]
        _core.settle(keyless, self.target.description.key.field.attname, None, True, None)
        _core.settle(keyed, None, None, True, None)
        for object, given in zip(self.keyed, self.given):
            object.pk = given
        if self.computed is not None:
            self.computed.undo(lost)
        if self.states is not None:
            for i in lost:
                state = self.objects[i]._state
                state.adding, state.db = self.states[i]

    def _places(self) -> list[list[int]]:
        """Return the positions of each job's rows: first those with keys, then the others."""
        places: list[list[int]] = [[], []]
        for i, mark in enumerate(self.marks):
            places[mark & 1].append(i)
        return places
