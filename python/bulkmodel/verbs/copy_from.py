"""copy_from_objects(): write a stream of objects in chunks, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from functools import partial
from itertools import filterfalse
from operator import attrgetter
from typing import Any

from django.db import connections, models

from bulkmodel import _core
from bulkmodel.engine import failure, locate_row, postgresql
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.jobs import Jobs, share, workers_for
from bulkmodel.engine.returned_keys import way_of
from bulkmodel.engine.statements import ANY_ROW, ASKED, SMALL
from bulkmodel.engine.support import Fallback
from bulkmodel.helpers import get_chunks
from bulkmodel.model import diagnose
from bulkmodel.model.attributes import attributes_of
from bulkmodel.model.fields import Column, Field, key_fields
from bulkmodel.model.limits import check_values
from bulkmodel.model.overrides import CREATE_STEPS, is_djangos, overridden
from bulkmodel.model.target import KEYLESS, PLAIN, Target, make_job
from bulkmodel.options import Options
from bulkmodel.verbs.commit_parts import carry_out_stream
from bulkmodel.verbs.computed import gather_new
from bulkmodel.verbs.inherited import Table, Tables, tables_of
from bulkmodel.verbs.ordering import give_numbers

# Objects in memory at the same time, if the caller gives no batch_size.
CHUNK = 10_000

_GENERATED = attrgetter("generated")


class CopyIn:
    """One copy_from_objects() call."""

    def __init__(
        self,
        queryset: Any,
        names: Iterable[str] | None,
        exclude_id: bool,
        options: Options,
        stamp: uuid.UUID | None,
    ) -> None:
        self.model: type[models.Model] = queryset.model
        self.queryset = queryset
        self.names = None if names is None else list(names) if not isinstance(names, str) else names
        self.exclude_id, self.options = exclude_id, options
        self.using: str = queryset.db
        self.workers, self.batch_size = options.workers, options.batch_size
        self.size = options.batch_size or CHUNK
        self.fields = fields_to_copy(self.model, self.names)
        self.has_all_fields = names is None
        self.has_auto_key = isinstance(self.model._meta.pk, models.AutoField)
        self.makes_keys = exclude_id and self.has_auto_key
        self.stamp = (stamp or uuid.uuid4()) if queryset._has_create_uuid() else None
        self.is_overridden = queryset._has_own_create()
        self.keys: list[Any] = []
        self.objects: list[Any] | None = None
        self.first = 0  # the position of the first object in the caller's input
        # The only write, and its rows: a constraint may be checked at COMMIT.
        self._only: tuple[Jobs | None, Sequence[Any], Sequence[int]] | None = None
        self._writes = 0
        self._is_all_written = False
        self.target: Target | None = None
        self.catalog: _core.Catalog | None = None
        self.table: Table | None = None  # one of several, which a copy of this writes to
        self.tables: Tables | None = None
        several = tables_of(self.model)
        if len(several) > 1:
            self.workers, self.is_overridden = 1, False  # Django's bulk_create() refuses the model
            self.tables = Tables([self._part(table, exclude_id) for table in several])

    def _part(self, model: type[models.Model], exclude_id: bool) -> CopyIn:
        """Return a copy of this that writes one of the model's tables."""
        part = copy(self)
        part.table = table = Table(self.model, model, self.fields)
        part.model, part.fields = model, table.fields
        part.queryset = models.QuerySet(model, using=self.using)
        part.stamp = None
        part.has_auto_key = table.has_auto_key
        part.makes_keys = exclude_id and table.has_auto_key
        return part

    def again(self) -> CopyIn:
        """Return a copy that has written nothing."""
        return CopyIn(self.queryset, self.names, self.exclude_id, self.options, self.stamp)

    def run_parts(
        self,
        objects: Iterable[Any],
        keep_keys: bool,
        keep_objects: bool,
        commit_every: int,
        carry_out: Callable[[Callable[[], int]], int],
        after: Callable[[], Any],
        prepare: Callable[[Iterator[Any]], Iterator[Any]] = iter,
    ) -> int:
        """Write as run() does, `commit_every` objects in one transaction each.

        carry_out: repeats a part as `retries` allows; after: called after each part; prepare: what
        a stream passes through."""
        n = 0
        if keep_objects:
            self.objects = []

        def write(rows: Any, first: int) -> None:
            nonlocal n
            parts: list[CopyIn] = []

            def write_part() -> int:
                parts[:] = [self.again()]
                parts[0].first = first
                return parts[0].run(rows, keep_keys, keep_objects)

            n += carry_out(write_part)
            self.keys += parts[0].keys
            if self.objects is not None:
                self.objects += parts[0].objects or ()

        whole = self.options.retries > 0
        carry_out_stream(write, objects, commit_every, after, whole, prepare)
        return n

    def run(self, objects: Iterable[Any], keep_keys: bool, keep_objects: bool) -> int:
        """Write the objects and return how many.  After the commit `keys` and `objects` contain
        what was to be kept; the kept objects have their keys."""
        n = 0
        keys: list[Any] = []
        kept: list[Any] = []
        workers, size = self._shared(objects)
        few = isinstance(objects, list) and len(objects) <= SMALL
        several = not few or self.tables is not None
        undo = self.tables.undo if self.tables is not None else None
        whole: AbstractContextManager[None] = nullcontext()
        if workers == 1 and not self._is_one_write(objects):
            whole = one_transaction(self.using, undo, several)
        with self._checked_at_commit(), whole:
            for part in self.tables.copies if self.tables is not None else (self,):
                part.target, part.catalog = part._target(few)
                if part.catalog is not None and part.catalog.triggers():
                    workers = 1  # matching keys may need a single connection
            read = self.first
            for chunk in self._chunks(objects, size, few):
                places = range(read, read + len(chunk))
                for rows, got in self._pieces(chunk, places, workers, keep_objects):
                    n += len(rows)
                    if keep_keys:
                        keys += got()
                    if keep_objects:
                        kept += rows
                read += len(chunk)
            self._is_all_written = True
        self.keys = keys
        if keep_objects:
            self.objects = kept
            for row, key in zip(kept, keys):
                row.pk = key
                row._state.adding, row._state.db = False, self.using
        return n

    def _chunks(self, objects: Iterable[Any], size: int, few: bool) -> Iterator[Any]:
        if few and isinstance(objects, list) and 0 < len(objects) <= size:
            return iter([list(objects)])
        return get_chunks(iter(objects), size)

    @contextmanager
    def _checked_at_commit(self) -> Iterator[None]:
        """Find the row of an error that comes at COMMIT.  Of several chunks the rows are gone."""
        try:
            yield
        except locate_row.OF_A_ROW as error:
            if self._is_all_written and not hasattr(error, "row_index"):
                call = self._call([], ())
                if self._only is not None:
                    written, chunk, places = self._only
                    if written is not None:
                        failure.may_be_found(error, partial(written.find, error))
                    row_of = written.row_of if written is not None else None
                    call = self._call(chunk, places, row_of)
                diagnose.annotate(error, call)
            raise

    def told(self, objects: list[Any]) -> tuple[dict[str, list[Any]], list[str]]:
        """Return the fields that were not written: their values are unknown."""
        written = {field.attname for field in self.fields}
        return {}, [name for name in attributes_of(self.model).names if name not in written]

    def _is_one_write(self, objects: Iterable[Any]) -> bool:
        """Return whether one call of _write(), which is a transaction, writes everything."""
        alone = self.tables is None and not self.is_overridden
        alone = alone and not self.model._meta.order_with_respect_to  # that reads numbers
        return alone and isinstance(objects, list) and len(objects) <= min(self.size, SMALL)

    def _shared(self, objects: Iterable[Any]) -> tuple[int, int]:
        """Return the number of connections, and of objects to take at a time.  A list is divided
        among the workers as a whole."""
        if self.workers == 1 or not isinstance(objects, list) or self.is_overridden:
            return 1, self.size
        n = len(objects)
        connection = connections[self.using]
        workers = workers_for(connection, self.model, self.workers, n, self.batch_size)
        return workers, n if workers > 1 else self.size

    def _target(self, few: bool) -> tuple[Target | None, _core.Catalog | None]:
        """Return the target, and the catalog if COPY is used."""
        if overridden(self.queryset, *CREATE_STEPS):
            return None, None
        try:
            target = (
                self.table.target(self.using)
                if self.table is not None
                else Target.of(self.model, self.using)
            )
            if not (self.has_all_fields and target.description.complete):
                for field in self.fields:
                    target.column(field)
            if few or not target.dialect.has_catalog:
                return target, None
            return target, postgresql.ask(target.description.table, target.connection)
        except (Fallback, _core.Unfit):
            return None, None

    def _pieces(
        self, chunk: list[Any], places: Sequence[int], workers: int, keeps: bool
    ) -> list[tuple[list[Any], Callable[[], list[Any]]]]:
        """Write a chunk whose rows have these positions.  Return the rows that were written, and
        a function that returns their keys.

        If another class overrides bulk_create(), it may need to see each created row.  Then the
        chunk goes through it, and what it passes on is written."""
        if self.tables is not None:
            self._complete(chunk)
            return [(chunk, self.tables.write(chunk, places, keeps))]
        if not self.is_overridden:
            return [(chunk, self._write(chunk, places, workers))]
        pieces: list[tuple[list[Any], Callable[[], list[Any]]]] = []
        numbers = {id(row): place for row, place in zip(chunk, places)}

        def handed_on(queryset: Any, objects: Iterable[Any], parent: Any) -> list[Any]:
            rows = list(objects)
            at = [numbers.get(id(row), places[0]) for row in rows]
            if is_djangos(parent, "bulk_create"):
                got = self._write(rows, at, 1)
            else:
                got = self._write_by_parent(queryset, parent, rows, at)
            pieces.append((rows, got))
            return rows

        queryset = self.queryset._chain()
        queryset._bm_copy = handed_on
        queryset.bulk_create(chunk)
        return pieces

    def _write_by_parent(
        self, queryset: Any, parent: Any, rows: list[Any], places: Sequence[int]
    ) -> Callable[[], list[Any]]:
        """Write by the method of another package's class, and restore the objects."""
        self._check(rows, places)
        self._complete(rows)
        insert, fields = queryset._batched_insert, set(self.fields)

        def insert_some(objects: Any, every: Any, *args: Any, **options: Any) -> Any:
            return insert(objects, [f for f in every if f in fields], *args, **options)

        before = [(row.pk, row._state.adding, row._state.db) for row in rows]
        queryset._batched_insert = insert_some
        try:
            for row in rows if self.makes_keys else ():
                row.pk = None
            with diagnose.diagnosed(lambda: self._call(rows, places)):
                parent.bulk_create(rows)
            made = [row.pk for row in rows]
            self._note(None, rows, places)
        finally:
            for row, (key, adding, db) in zip(rows, before):
                row.pk, row._state.adding, row._state.db = key, adding, db
        return lambda: made

    def _write(
        self, chunk: list[Any], places: Sequence[int], workers: int
    ) -> Callable[[], list[Any]]:
        """Write rows with these positions.  Return a function that returns their keys."""
        self._complete(chunk)
        if self.target is not None:
            try:
                part = _Part(chunk, self._marks(self.target, chunk), self.makes_keys)
                most = (self.batch_size or share(len(chunk), workers)) if workers > 1 else 0
                with diagnose.diagnosed(lambda: self._call(chunk, places)):
                    jobs = []
                    for rows in part.jobs():
                        jobs.append(self._job(self.target, rows, most))
            except Fallback:
                pass
            else:
                written = Jobs(self.target, jobs, ANY_ROW, workers, part.places)
                self._run(written, chunk, places)
                return lambda: part.keys(written.keys)
        noted = diagnose.diagnosed(lambda: self._call(chunk, places))
        with noted, one_transaction(self.using, several=len(chunk) > SMALL):
            keys = self._write_as_django(chunk, places)
        self._note(None, chunk, places)
        return keys

    def _run(self, written: Jobs, chunk: Sequence[Any], places: Sequence[int]) -> None:
        def settle() -> None:
            failure.check_count(written.written(), len(chunk))

        with diagnose.diagnosed(lambda: self._call(chunk, places, written.row_of)):
            written.run(settle)
        self._note(written, chunk, places)

    def _note(self, written: Jobs | None, rows: Sequence[Any], places: Sequence[int]) -> None:
        """Keep what was written for an error at COMMIT, if it is the only write."""
        self._only = (written, rows, places) if self._writes == 0 else None
        self._writes += 1

    def _complete(self, rows: list[Any]) -> None:
        """Set the values that the call itself makes."""
        if self.model._meta.order_with_respect_to:
            give_numbers(self.model, rows, self.using)
        if self.stamp is not None:
            _core.fill(rows, "bm_create_uuid", self.stamp)

    def _call(
        self, rows: Sequence[Any], places: Sequence[int], row_of: Any = None
    ) -> diagnose.Call:
        return diagnose.Call(
            self.model, connections[self.using], rows, self.fields, places, row_of=row_of
        )

    def _marks(self, target: Target, chunk: list[Any]) -> bytes:
        marks = target.marks(chunk)
        if not PLAIN.issuperset(marks) or target.description.makes_keys:
            self.queryset._prepare_for_bulk_create(chunk)
            marks = target.marks(chunk)
        return marks

    def _sent(self, keyless: bool) -> list[Field]:
        keys = self.model._meta.pk_fields if keyless else ()
        return [field for field in self.fields if field not in keys]

    def _job(self, target: Target, rows: tuple[list[Any], bool], most: int) -> _core.Job:
        objects, keyless = rows
        columns: Sequence[Column]
        if self.has_all_fields:
            columns = target.description.all_but_key if keyless else target.description.all
        else:
            columns = [target.column(field) for field in self._sent(keyless)]
        if not columns or (keyless and not target.description.key_assigned):
            raise Fallback
        for column in target.description.stamped:
            if column in columns:
                for row in objects:
                    column.field.pre_save(row, add=True)
        gathered = _core.Rows(target.description.table, len(objects))
        gather_new(target, gathered, objects, columns, self.catalog is not None)
        return self._job_of(target, gathered, len(columns), keyless, most)

    def _job_of(
        self, target: Target, gathered: _core.Rows, n_columns: int, keyless: bool, most: int
    ) -> _core.Job:
        if target.dialect.max_rows:
            most = target.dialect.limit(target.dialect.max_rows, n_columns)
        way = way_of(target, self.catalog) if keyless else ASKED
        return make_job(gathered, "bulk_create", (), most, ANY_ROW, self.catalog, (), way)

    def _check(self, chunk: list[Any], places: Sequence[int]) -> None:
        for number, row in zip(places, chunk):
            if not isinstance(row, self.model._meta.concrete_model or self.model):
                error = failure.not_an_instance(number, row, self.model)
                raise failure.at_row(error, number, None)
        auto = self.model._meta.pk if self.makes_keys else None
        checked = [field for field in self.fields if field is not auto]
        check_values(connections[self.using], chunk, checked, places)

    def _write_as_django(self, chunk: list[Any], places: Sequence[int]) -> Callable[[], list[Any]]:
        self._check(chunk, places)
        self.queryset._prepare_for_bulk_create(chunk)
        opts: Any = self.model._meta
        marks = bytes(
            any(getattr(row, field.attname) is None for field in opts.pk_fields) for row in chunk
        )
        part = _Part(chunk, marks, self.makes_keys)
        made: list[Any] = []
        returned = [field.primary_key for field in self.model._meta.db_returning_fields]
        for (objects, keyless), at in zip(part.jobs(), part.places()):
            fields = self._sent(keyless and self.has_auto_key)
            with diagnose.diagnosed(partial(self._call, objects, [places[i] for i in at])):
                rows = self.queryset._batched_insert(objects, fields, None)
            if returned:
                failure.check_count(len(rows), len(objects))
            if keyless and any(returned):
                made = [row[returned.index(True)] for row in rows]
        return lambda: part.keys(lambda: made)


def fields_to_copy(model: type[models.Model], names: Iterable[str] | None) -> list[Field]:
    """Return the fields to write: the named ones, the primary key and bm_create_uuid."""
    opts = model._meta
    fields: list[Any] = list(filterfalse(_GENERATED, opts.concrete_fields))
    if names is None:
        return fields
    if isinstance(names, str):
        raise TypeError("fieldnames must be a list of field names, not a string.")
    named = [opts.get_field(name) for name in names]
    if not named or any(field not in fields for field in named):
        raise ValueError("fieldnames must name one or more concrete fields that can be written.")
    named += key_fields(model)
    named += [link for table in tables_of(model) for link in table._meta.parents.values()]
    return [field for field in fields if field in named or field.name == "bm_create_uuid"]


class _Part:
    """A chunk, divided into rows with keys and rows whose keys the database generates."""

    def __init__(self, chunk: list[Any], marks: bytes, makes_keys: bool) -> None:
        """marks: odd for each object without a key."""
        self.chunk = chunk
        numbers = range(len(chunk))
        self.keyless: Sequence[int] = numbers
        self.keyed: Sequence[int] = ()
        if not makes_keys and not KEYLESS.issuperset(marks):
            self.keyless = [i for i in numbers if marks[i] & 1]
            self.keyed = [i for i in numbers if not marks[i] & 1]

    def places(self) -> list[Sequence[int]]:
        return [at for at in (self.keyed, self.keyless) if at]

    def jobs(self) -> list[tuple[list[Any], bool]]:
        if self.keyless and not self.keyed:
            return [(self.chunk, True)]
        return [
            (self.chunk if len(at) == len(self.chunk) else [self.chunk[i] for i in at], keyless)
            for at, keyless in ((self.keyed, False), (self.keyless, True))
            if at
        ]

    def keys(self, made: Callable[[], list[Any]]) -> list[Any]:
        """Return the keys of all rows, in order."""
        if not self.keyed:
            return made()
        keys = dict(zip(self.keyless, made() if self.keyless else ()))
        return [keys.get(i, row.pk) for i, row in enumerate(self.chunk)]
