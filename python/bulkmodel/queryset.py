"""BulkModelQuerySet: Django's bulk methods on the engine, and further ones."""

from __future__ import annotations

import inspect
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connections, models
from django.db.models import query as django_query
from django.db.models.query import ModelIterable

from bulkmodel import _core, errors, signals
from bulkmodel.asynchronous import AsyncMixin, take_signatures
from bulkmodel.engine import timeouts
from bulkmodel.engine.atomic import commit_told
from bulkmodel.engine.support import Fallback, falls_back
from bulkmodel.engine.timeouts import timed
from bulkmodel.errors import Part
from bulkmodel.methods import alters_data
from bulkmodel.model import diagnose
from bulkmodel.model.hydrate import Hydrator
from bulkmodel.model.overrides import CREATE_STEPS, UPDATE_STEPS, is_djangos, overridden
from bulkmodel.model.row_state import note_lost, note_written, watch
from bulkmodel.model.snapshot import Decoder, Snapshot
from bulkmodel.model.where import InKeys
from bulkmodel.options import (
    MISNAMED,
    NAMES,
    OF_CREATE,
    OF_PARTS,
    Options,
    checks_names,
    is_size,
    merged,
    options_of,
    refuse_misnamed,
)
from bulkmodel.results import Change, Meter
from bulkmodel.verbs import commit_parts, written_rows
from bulkmodel.verbs.bulk_create import Create, restored
from bulkmodel.verbs.bulk_update import bulk_update, check_objects
from bulkmodel.verbs.changes import watch_of
from bulkmodel.verbs.conflicts import conflict_of
from bulkmodel.verbs.find_rows import check_instances
from bulkmodel.verbs.frame_objects import instances_of, rows_and_fields
from bulkmodel.verbs.lookups import Lookups
from bulkmodel.verbs.update import UpdateByKey, refuse_as_update
from bulkmodel.verbs.update_fields import (
    Changes,
    by_unique_fields,
    fields_named,
    refuse_unread,
    rows_to_update,
    undone,
    write_parts,
    write_watched,
)
from bulkmodel.writes import WriteMethods

# It fills the querysets of related managers.
_PREFETCH = inspect.unwrap(django_query.prefetch_one_level).__code__  # type: ignore[attr-defined]


def _kept(names: Any) -> Any:
    """Return an iterator as a list, because it is read several times."""
    return list(names) if isinstance(names, Iterator) else names


if TYPE_CHECKING:
    _Base = models.QuerySet[Any]
else:
    _Base = object


class BulkModelQuerySetMixin(AsyncMixin, WriteMethods, _Base):
    """A mixin for your own queryset class.  Put it before models.QuerySet."""

    _snapshot: Snapshot | None = None
    _bm_options: dict[str, Any] | None = None
    # Set by copy_from_objects() while its rows pass through another package's bulk_create().
    _bm_copy: Callable[..., Any] | None = None
    # Whether rows that a trigger drops are an error.  Django does not count rows with keys.
    _bm_counts = False
    # The query selects rows by their keys only.
    _bm_by_key = False
    # prefetch_related() has filled it, and no object of it was given out yet.
    _bm_prefetched = False
    # Whether it keeps the values that it reads.
    _bm_keeps = True

    # -------------------------------------------------------------------------- as a queryset

    def _clone(self) -> Any:
        clone = super()._clone()  # type: ignore[misc]
        clone._bm_options = self._bm_options
        clone._bm_keeps = self._bm_keeps
        return clone

    def _fetch_all(self) -> None:
        fresh = self._result_cache is None
        read: dict[str, list[Any]] | None = None
        decoders: dict[str, Decoder] = {}
        if fresh:
            try:
                instances = Hydrator(self, keep=self._bm_keeps)
            except Fallback:
                pass
            else:
                self._result_cache = instances.all()
                read, decoders = instances.kept, instances.decoders
        super()._fetch_all()
        fresh = fresh or self._bm_prefetched
        self._bm_prefetched = False
        if fresh and self._bm_keeps and issubclass(self._iterable_class, ModelIterable):
            rows: list[Any] = self._result_cache or []
            if read is None:
                watch(rows)
            # Reading the rows has asked the router, which is called once for a query.
            using = rows[0]._state.db if rows else ""
            self._snapshot = Snapshot(self.model, rows, using, True, read, decoders)

    @property
    def _prefetch_done(self) -> bool:
        return bool(vars(self).get("_prefetch_done", False))

    @_prefetch_done.setter
    def _prefetch_done(self, done: bool) -> None:
        vars(self)["_prefetch_done"] = done
        if done and sys._getframe(1).f_code is _PREFETCH:
            self._bm_prefetched = True

    def __getitem__(self, k: Any) -> Any:
        if self._bm_prefetched:
            self._fetch_all()
        return super().__getitem__(k)

    def __deepcopy__(self, memo: Any) -> Any:
        copied = super().__deepcopy__(memo)  # type: ignore[misc]
        copied._snapshot = None
        copied._bm_prefetched = False
        return copied

    def _has_own_create(self) -> bool:
        """Return whether another class overrides bulk_create()."""
        own = type(self).bulk_create is not BulkModelQuerySetMixin.bulk_create
        return own or not is_djangos(super(), "bulk_create")

    def _must_be_djangos(self, methods: Sequence[str], steps: Sequence[str]) -> None:
        """Raise Fallback if a class between this one and Django's overrides one of `methods`, if
        any class overrides one of `steps`, or if Django's own were patched."""
        found = overridden(super(), *methods) or overridden(self, *steps)
        if found is not None:
            raise Fallback(f"{found}() is overridden or patched, and Django calls it")

    # -------------------------------------------------------------------------- create

    @alters_data
    @timed
    @checks_names
    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Any = None,
        unique_fields: Any = None,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        lookups: Mapping[str, Any] | None = None,
        return_queryset: bool = False,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> Any:
        """Insert the objects and set their primary keys, like Django's bulk_create().

        Returns the objects as a list, or with return_queryset=True the rows as a queryset in the
        same order.  bm_create_uuid: the value for a BulkModel; by default a new UUID.  lookups:
        find related objects by other fields than the key.  Errors are Django's, with the attributes
        row_index, field_name, constraint and sqlstate.  After an error no object has a primary key
        that it did not have before."""
        conflicts = (ignore_conflicts, update_conflicts, update_fields, unique_fields)
        if self._bm_copy is not None:
            if any(conflicts):
                raise ValueError(
                    "copy_from_objects() does not support ignore_conflicts or update_conflicts."
                )
            return self._bm_copy(self, objs, super())
        said: dict[str, Any] = {
            "batch_size": batch_size,
            "bm_create_uuid": bm_create_uuid,
            "lookups": lookups,
            "concurrent": concurrent,
            "max_concurrent_workers": max_concurrent_workers,
            "return_queryset": return_queryset,
            "send_signals": send_signals and send_signal and signal,
            "commit_check": commit_check,
            "commit_every": commit_every,
            "retries": retries,
        }
        if self._bm_options or self._bm_create_options:
            given = {**(self._bm_options or {}), **(self._bm_create_options or {})}
            for name in timeouts.NAMES:  # timed() uses them
                given.pop(name, None)
            said = merged(said, given)
        return self._bulk_create(objs, *conflicts, **said)

    def _bulk_create(
        self,
        objs: Iterable[Any],
        ignore_conflicts: bool,
        update_conflicts: bool,
        update_fields: Any,
        unique_fields: Any,
        *,
        batch_size: int | None,
        bm_create_uuid: uuid.UUID | None,
        lookups: Mapping[str, Any] | None,
        commit_every: int | None,
        **options: Any,
    ) -> Any:
        valid = is_size(batch_size)  # Django refuses other values
        if commit_every is not None:
            commit_parts.check(commit_every, self._alias_of_write())
        asked = options_of(batch_size if valid else None, **options)
        if update_fields is not None or unique_fields is not None:
            update_fields, unique_fields = map(_kept, (update_fields, unique_fields))
        conflicts = (ignore_conflicts, update_conflicts, update_fields, unique_fields)
        given: Any = list(objs) if objs and valid else objs
        made, call = given, None
        if given and valid and commit_every is not None:
            check_instances(self.model, given)
        if given and valid and hasattr(self.model, "bm_create_uuid"):
            self._set_create_uuid(given, bm_create_uuid)
        if valid and signals.BULK_CREATE.heard(self):
            call = signals.begin(
                signals.BULK_CREATE,
                self,
                asked.signals,
                instances=given,
                batch_size=batch_size,
                n=len(given or ()),
            )
        plain: Any = super().bulk_create

        def write_some(rows: Any) -> tuple[Any, Any]:
            if valid and rows and self._create(rows, asked, conflicts):
                return True, rows
            using = self._alias_of_write()
            restoring = restored(rows, using) if rows and valid else nullcontext()
            noted = diagnose.diagnosed(lambda: self._call(rows))
            if self._bm_counts:
                written_rows.count_inserts(self)
            with noted, restoring, commit_told(using, len(rows or ()) if valid else 0):
                return False, plain(rows, batch_size, *conflicts)

        def carry_out(rows: Any) -> tuple[Any, Any]:
            return self._carry_out(asked, lambda: write_some(rows))

        in_parts = commit_every is not None and bool(valid and given)

        write: Callable[[], tuple[Any, Any]] = partial(write_some, given)
        if commit_every is not None and in_parts:
            after = commit_parts.nothing
            write = partial(commit_parts.create, carry_out, given, commit_every, after)
        # A call that counts is a part of another.
        if valid and given and len(given) > commit_parts.LARGE and not self._bm_counts:
            commit_parts.warn(commit_every, "bulk_create", len(given))
        if lookups is not None and valid and given:
            found = Lookups(self.model, self._alias_of_write(), lookups)
            write = found.around(write, given, in_parts=in_parts)
        done, made = write() if in_parts else self._carry_out(asked, write)
        # Another package's method may return something else.
        given = made if not done and isinstance(made, list | tuple) else given

        def make() -> Any:
            if ignore_conflicts and given and self._has_create_uuid():
                rows = type(self)(self.model, using=self._alias_of_write())
                return rows.filter(bm_create_uuid=given[0].bm_create_uuid)
            return self._created(given, done, ignore_conflicts or update_conflicts)

        queryset = signals.end(call, len(given or ()), make, asked.return_queryset)
        return queryset if asked.return_queryset else (given if done else made)

    def _create(self, objects: list[Any], asked: Options, conflicts: Any) -> bool:
        create = None
        try:
            with falls_back("bulk_create", self.model):
                self._must_be_djangos(("bulk_create",), CREATE_STEPS)
                conflict = conflict_of(self, *conflicts) if any(conflicts) else None
                create = Create(self, objects, asked.batch_size, asked.workers, conflict)
        except Exception as error:
            diagnose.annotate(error, self._call(objects))
            raise
        if create is None:
            return False
        try:
            create.run()
        except DatabaseError as error:
            if isinstance(error.__cause__, _core.Miscounted) and not self._bm_counts:
                # Django uses an assertion for this
                raise AssertionError(str(error)) from error
            raise
        return True

    def _created(self, given: Any, plain: bool, conflicts: bool) -> Any:
        objects = list(given)
        if conflicts:
            using = self._alias_of_write()
            objects = written_rows.read_anew(type(self), objects, self.model, using)
        return self._written(objects, created=True, plain=plain or conflicts)

    # -------------------------------------------------------------------------- update

    @alters_data
    @timed
    @checks_names
    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Write these fields of the objects to their rows, like Django's bulk_update().

        Only rows that the queryset selects are written.  Returns how many rows matched.  Values are
        stored as Django stores them: auto_now fields keep the value of the object, and PostgreSQL
        truncates a text that is too long.  update_fields() is different in both."""
        commit_every = (self._bm_options or {}).get("commit_every")
        commit_parts.check(commit_every, self._alias_of_write())
        objects = tuple(objs)
        commit_parts.warn(commit_every, "bulk_update", len(objects))
        if commit_every is not None:
            check_objects(self.model, objects, self._alias_of_write())
        names = list(fields) if fields and not isinstance(fields, str) else fields
        given = self._bm_options or {}
        asked = options_of(
            commit_check=given.get("commit_check"),
            retries=given.get("retries", 0),
            send_signals=given.get("send_signals", True),
        )
        matched = 0

        def write(places: Sequence[int]) -> None:
            nonlocal matched
            some = objects[places[0] : places[-1] + 1] if places else objects
            matched += self._bulk_update_noted(some, names, batch_size, asked)

        every = commit_every if objects else None
        commit_parts.carry_out(write, range(len(objects)), every, commit_parts.nothing, True)
        return matched

    def _bulk_update_noted(
        self, objects: tuple[Any, ...], names: Any, batch_size: int | None, asked: Options
    ) -> int:
        using = self._alias_of_write()
        try:
            matched = self._carry_out(asked, lambda: self._bulk_update(objects, names, batch_size))
        except (errors.CommitUnknown, errors.PartialCommit):
            note_lost(objects, using)
            raise
        if matched == len(objects):
            known = [self.model._meta.get_field(name) for name in names]
            note_written(list(objects), known, using)
        else:
            note_lost(objects, using)
        return matched

    def _bulk_update(self, objects: tuple[Any, ...], names: Any, batch_size: int | None) -> int:
        with falls_back("bulk_update", self.model):
            if type(self).update is not BulkModelQuerySetMixin.update:
                raise Fallback("update() is overridden, and Django's bulk_update() calls it")
            self._must_be_djangos(("bulk_update", "update"), UPDATE_STEPS)
            return bulk_update(self, objects, names, batch_size)
        plain: Any = super(BulkModelQuerySetMixin, self._silent())
        noted = diagnose.diagnosed(lambda: self._call(objects, names))
        with noted, commit_told(self._alias_of_write(), len(objects)):
            matched: int = plain.bulk_update(self._given(objects, names), names, batch_size)
            return matched

    @alters_data
    @timed
    def update(self, **values: Any) -> Any:
        """Set these values in all rows of the queryset, like Django's update().

        Returns how many rows matched, or with return_queryset=True the rows as a queryset.  Without
        options it is one UPDATE.  With batch_size or return_queryset the keys are read first and
        the rows are updated by key.  A keyword with the name of a field means the field: see
        bulk_options()."""
        if not MISNAMED.keys().isdisjoint(values):
            refuse_misnamed("update", values, {field.name for field in self.model._meta.fields})
        if not self._bm_options and NAMES.isdisjoint(values) and not signals.UPDATE.heard(self):
            self._snapshot = None
            try:
                self._refuse_read_only()
                return super().update(**values)
            except Exception as error:
                diagnose.annotate(error, self._call(()))
                raise
        options = dict(self._bm_options or {})
        if options.get("commit_every") is not None:
            raise ValueError("commit_every cannot be used with update(): it is one statement.")
        for name in (*timeouts.NAMES, *OF_CREATE, *OF_PARTS):  # timed() uses the first
            options.pop(name, None)
        if not NAMES.isdisjoint(values):
            names = {field.name for field in self.model._meta.get_fields()}
            names |= {field.attname for field in self.model._meta.concrete_fields}
            for name in NAMES.difference(names).intersection(values):
                options[name] = values.pop(name)
        asked = options_of(**options)
        self._snapshot = None
        call = signals.begin(
            signals.UPDATE,
            self,
            asked.signals,
            field_names=values,
            values=values,
            batch_size=asked.batch_size,
        )
        if asked.return_queryset or asked.batch_size is not None:
            with diagnose.diagnosed(lambda: self._call(())):
                matched, keys = self._carry_out(asked, lambda: self._update_by_key(values, asked))
            make = self._read_in_order if asked.return_queryset else self._of_keys
            queryset = signals.end(call, matched, lambda: make(keys), asked.return_queryset)
        else:
            plain: Any = super().update
            with diagnose.diagnosed(lambda: self._call(())):
                self._refuse_read_only()
                matched = self._carry_out(
                    asked,
                    lambda: plain(**values) if values or not options else 0,
                )
            queryset = signals.end(call, matched, self._chain)  # type: ignore[attr-defined]
        return queryset if asked.return_queryset else matched

    def _update_by_key(self, values: dict[str, Any], asked: Options) -> tuple[int, list[Any]]:
        """Update the selected rows by key.  Return how many matched, and their keys."""
        if not values and not asked.return_queryset:
            return 0, []
        refuse_as_update(self, values)
        using = self._alias_of_write()
        selected = self.using(using) if asked.return_queryset else self.order_by().using(using)
        computed = any(hasattr(value, "resolve_expression") for value in values.values())

        def update_rows(keys: list[Any]) -> int:
            if computed and self.query.annotations:  # the values may refer to them
                rows = self.order_by().using(using).filter(InKeys(models.F("pk"), keys))
            else:
                rows = written_rows.of_keys(type(self), self.model, using, keys)
            part: Any = super(BulkModelQuerySetMixin, rows)
            return int(part.update(**values))

        update = UpdateByKey(selected, update_rows if values else None, asked)
        update.run()
        self._result_cache = None
        return update.matched, update.keys

    def _read_in_order(self, keys: list[Any]) -> Any:
        rows = {row.pk: row for row in self._of_keys(keys)}  # both were read from the database
        return self._written([rows[key] for key in keys if key in rows], created=True, plain=True)

    @alters_data
    @timed
    @checks_names
    def update_fields(
        self,
        *names: str,
        objects: Iterable[Any] | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: bool = False,
        return_result: bool = False,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> Any:
        """Write the named fields of the objects, or the fields that changed since they were read.

        The objects are those of this queryset, which must have been read, or `objects`, which need
        only a primary key, or are a frame.  unique_fields: find the rows of `objects` by these
        fields instead; objects without a primary key get it.  Returns how many rows matched, with
        return_queryset=True the rows as a queryset, or with return_result=True a BulkResult.
        Values are stored as save() stores them.  Only rows that the queryset selects now are
        written.  ValueError: the queryset has not been read; a field cannot be written; an object
        has no primary key or is repeated; `unique_fields` finds several rows, or a row with another
        primary key; or field names are missing although the original values are unknown."""
        options = options_of(
            batch_size,
            concurrent,
            max_concurrent_workers,
            return_queryset,
            send_signals,
            send_signal,
            signal,
            commit_check,
            retries,
        )
        if return_queryset and return_result:
            raise ValueError("Only one of return_queryset and return_result can be True.")
        if return_changes and not return_result:
            raise ValueError("return_changes needs return_result=True.")
        commit_parts.check(commit_every, self._alias_of_write())
        fields = fields_named(self.model, names)
        if objects is None:
            refuse_unread(self, names)
            self._fetch_all()
        using = self._alias_of_write()
        given, fields = rows_and_fields(self, objects, fields, unique_fields)
        call = signals.begin(
            signals.UPDATE_FIELDS,
            self,
            options.signals,
            instances=instances_of(given),
            field_names=[field.name for field in fields],
            batch_size=batch_size,
            n=len(given),
        )
        meter = Meter()
        watch = watch_of(self.model, using, return_changes, on_changes)
        columns = self._columns_of(given, fields, unique_fields) if watch is None else None
        if columns is not None:
            return self._update_columns(columns, options, call, return_result, commit_every)
        by = by_unique_fields(self.model, given, unique_fields, using, objects is not None)
        with meter.on(connections[using], return_result), undone(by):
            rows = rows_to_update(self.model, given, fields, using, by)
            snapshot = self._snapshot if objects is None else None
            if not fields and snapshot is None and rows:
                raise ValueError(
                    "update_fields() needs field names here: "
                    "the original values of these objects are unknown."
                )
            matched, changes = 0, Changes(self.model, rows, fields, snapshot, by)
            parts: list[Part] = []
            commit_parts.warn(commit_every, "update_fields", len(changes.rows))
            if changes.rows:
                heard = call is not None and signals.UPDATE_FIELDS.is_heard_after(self)
                which = heard or return_queryset or return_result

                def write(some: Changes) -> tuple[int, Changes]:
                    return self._carry_out(
                        options,
                        lambda: write_watched(
                            self._target_of_update(using),
                            some,
                            options.batch_size,
                            options.workers,
                            which,
                            watch,
                        ),
                        meter=meter,
                    )

                def after() -> None:
                    if watch is not None:
                        watch.settle()

                matched, changes, parts = write_parts(write, changes, commit_every, after)
                meter.transactions = len(parts) or 1

        def make() -> Any:
            return self._written([rows[i] for i in changes.there], told=changes.told)

        names_written = [field.name for field in changes.fields]
        queryset = signals.end(call, matched, make, return_queryset, names_written)
        if return_result:
            told = self._told(watch, changes.fields)
            keys = [row.pk for row in rows]
            return meter.result(changes.outcomes(), keys, parts=parts, **told)
        return queryset if return_queryset else matched

    def _alias_of_write(self) -> str:
        self._for_write = True
        return str(self.db)


take_signatures(BulkModelQuerySetMixin)

if TYPE_CHECKING:
    from bulkmodel.typed import BulkModelQuerySet as BulkModelQuerySet
else:

    class BulkModelQuerySet(BulkModelQuerySetMixin, models.QuerySet):
        """models.QuerySet with the bulk methods of this package."""

    WriteMethods._bm_plain = BulkModelQuerySet
