"""Methods that Django's querysets do not have and that write rows: upsert, sync, delete by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connections, models

from bulkmodel import signals
from bulkmodel.engine.timeouts import timed
from bulkmodel.errors import Part, Refused
from bulkmodel.methods import MoreMethods, alters_data
from bulkmodel.options import Options, checks_names, options_of
from bulkmodel.results import BulkResult, Change, Explanation, Meter
from bulkmodel.verbs import commit_parts
from bulkmodel.verbs.bulk_delete import Delete
from bulkmodel.verbs.bulk_sync import Scope, Sync
from bulkmodel.verbs.bulk_upsert import Upsert
from bulkmodel.verbs.changes import Watch, watch_of
from bulkmodel.verbs.explain import Explain
from bulkmodel.verbs.find_rows import check_instances
from bulkmodel.verbs.frame_objects import FrameObjects, instances_of, rows_given
from bulkmodel.verbs.frame_updates import UpdateFields
from bulkmodel.verbs.graph import Graph, Names
from bulkmodel.verbs.lookups import Lookups
from bulkmodel.verbs.undo import Undo
from bulkmodel.verbs.upsert_rules import Rules


class WriteMethods(MoreMethods):
    """bulk_upsert(), bulk_sync(), bulk_delete() and save_graph()."""

    # The class for models whose manager has none of these methods.
    _bm_plain: Any = None

    def _carry_out_parts(
        self, options: Options, call: Upsert | Delete, commit_every: int | None, meter: Meter
    ) -> list[Part]:
        """Carry out a call in one transaction, or in several."""

        def write(places: Sequence[int]) -> None:
            self._carry_out(options, lambda: call.run(places), meter=meter)

        def after() -> None:
            if call.watch is not None:
                call.watch.settle()

        parts = commit_parts.carry_out(write, call.written, commit_every, after)
        meter.transactions = len(parts) or 1
        return parts

    def _target_of_update(self, using: str) -> Any:
        """Return the queryset whose rows update_fields() may write."""
        by_key = self._bm_by_key  # type: ignore[attr-defined]
        return (type(self)(self.model, using=using) if by_key else self).using(using)

    def _columns_of(
        self, given: Any, fields: list[Any], unique_fields: Iterable[str] | None
    ) -> UpdateFields | None:
        """Return an update_fields() call with the columns of a frame, or None."""
        if not isinstance(given, FrameObjects) or not given.are_columns or not fields:
            return None
        target = self._target_of_update(self._alias_of_write())
        return UpdateFields(target, given, fields, unique_fields)

    def _update_columns(
        self,
        update: UpdateFields,
        options: Options,
        call: Any,
        return_result: bool,
        commit_every: int | None,
    ) -> Any:
        """Carry out an update_fields() call with a frame."""
        heard = call is not None and signals.UPDATE_FIELDS.is_heard_after(self)
        which = heard or options.return_queryset or return_result
        meter = Meter()
        places = range(len(update.pks))
        commit_parts.warn(commit_every, "update_fields", len(places))
        matched = 0

        def write(some: Sequence[int]) -> None:
            nonlocal matched
            matched += self._carry_out(
                options, lambda: update.run(options, which, some), meter=meter
            )

        with meter.on(connections[update.using], return_result):
            parts = commit_parts.carry_out(write, places, commit_every, commit_parts.nothing)
        meter.transactions = len(parts) or 1
        names = [field.name for field in update.fields]
        returned = options.return_queryset
        queryset = signals.end(
            call, matched, lambda: self._of_keys(update.written), returned, names
        )
        if return_result:
            return meter.result(update.outcomes, update.pks, parts=parts, **self._told(None, ()))
        return queryset if returned else matched

    def _told(self, watch: Watch | None, written: Iterable[Any]) -> dict[str, Any]:
        """Return the changes of a call for its result, and what takes it back.  written: fields
        that rows which exist may get."""
        if watch is None or not watch.keeps:
            return {"changes": []}
        return {"changes": watch.kept, "_undo": Undo(type(self), watch, written)}

    @alters_data
    @timed
    @checks_names
    def bulk_upsert(
        self,
        objs: Iterable[Any],
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Mapping[str, Any] | None = None,
        update_where: Any = None,
        update_unchanged: bool = False,
        batch_size: int | None = None,
        duplicates: str = "error",
        lookups: Mapping[str, Any] | None = None,
        allow_skipped: bool = False,
        commit_every: int | None = None,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult:
        """Insert the objects whose rows do not exist, and update the rows that differ.

        unique_fields: the fields that identify a row; default: the primary key.  An object in which
        one of them is None is inserted.  update_fields: the fields that an existing row gets;
        default: all but the primary key, unique_fields, auto_now_add and generated fields.  Rows
        that have these values already are not written, unless update_unchanged=True.  auto_now, or
        another field with a pre_save() of its own, is set in the rows that are; with update_fields
        only if it is named.  constraint: the name of a UniqueConstraint of the model, instead of
        unique_fields; it may have a condition or expressions.  set: expressions for fields of an
        existing row, {"stock": F("stock") + Excluded("stock")}; a new row gets the value of its
        object.  update_where: a Q; existing rows that it does not select are IGNORED.  duplicates:
        what to do with objects that identify the same row: "error", or write the "first" or the
        "last" and ignore the others.  lookups: find related objects by other fields than the key,
        {"brand": "name"}.  dry_run: run the call, then roll it back.

        objs: objects, or a frame with `__arrow_c_stream__()`.  Of a frame only the fields that it
        has are written to existing rows.  The call looks for rows in the whole table: a filter of
        the queryset has no effect.  Returns a BulkResult.  All objects get the primary key of their
        row, except those that `duplicates` ignores.  Keys are drawn from the sequence for new rows
        only.  ValueError: a field cannot be used, objects identify the same row, or several rows
        have the values of one object.  After an error the objects are as before."""
        options = options_of(
            batch_size,
            send_signals=send_signals,
            send_signal=send_signal,
            signal=signal,
            commit_check=commit_check,
            retries=retries,
        )
        using = self._alias_of_write()
        commit_parts.check(commit_every, using, dry_run)
        found = Lookups(self.model, using, lookups)
        given = rows_given(self, objs, found.fields)
        call = signals.begin(
            signals.BULK_UPSERT,
            self,
            options.signals,
            instances=instances_of(given),
            batch_size=batch_size,
            n=len(given),
        )
        meter = Meter()
        with meter.on(connections[using]):
            commit_parts.warn(commit_every, "bulk_upsert", len(given))
            watch = watch_of(self.model, using, return_changes, on_changes, dry_run)

            def made(rows: list[Any]) -> Upsert:
                return Upsert(
                    type(self)(self.model, using=using),
                    rows,
                    unique_fields,
                    update_fields,
                    rules=Rules(constraint, set, update_where, update_unchanged),
                    batch_size=batch_size,
                    duplicates=duplicates,
                    dry_run=dry_run,
                    allow_skipped=allow_skipped,
                    watch=watch,
                )

            def write() -> tuple[Upsert, list[Part]]:
                upsert = made(given)
                if not given:
                    return upsert, []
                return upsert, self._carry_out_parts(options, upsert, commit_every, meter)

            in_parts = commit_every is not None
            if found.creates:  # what is wrong is known before rows are
                made([])
                if not isinstance(given, FrameObjects):
                    check_instances(self.model, given)
            write = found.around(write, given, dry_run, in_parts)
            whole = found.creates and not in_parts
            upsert, parts = self._carry_out(options, write, meter=meter) if whole else write()
        result = meter.result(
            upsert.outcomes,
            upsert.pks,
            dry_run=dry_run,
            parts=parts,
            **self._told(watch, [*upsert.fields, *upsert.stamped, *upsert.set]),
        )
        keys = [key for key in result.keys if key is not None]
        n = result.inserted + result.updated
        signals.end(call, n, lambda: self._of_keys(keys), result=result)
        return result

    @alters_data
    @timed
    @checks_names
    def bulk_sync(
        self,
        objs: Iterable[Any],
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Mapping[str, Any] | None = None,
        update_where: Any = None,
        update_unchanged: bool = False,
        delete: bool = True,
        soft_delete: Mapping[str, Any] | None = None,
        max_deletes: int | str = "10%",
        allow_empty: bool = False,
        batch_size: int | None = None,
        duplicates: str = "error",
        lookups: Mapping[str, Any] | None = None,
        allow_skipped: bool = False,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult:
        """Insert, update and delete rows so that those of the queryset match the objects.

        Everything is one transaction.  Rows without an object are deleted as by bulk_delete(); with
        soft_delete they get these values instead; with delete=False they stay.  Rows that differ
        are updated, and the other objects are inserted.  unique_fields, update_fields, constraint,
        set, update_where, update_unchanged, duplicates and lookups are those of bulk_upsert().  A
        row that the condition of a constraint does not select is a row without an object.
        max_deletes: how many rows may be deleted, those of cascades not counted, as a number or as
        text like "5%" of the queryset's rows, which always allows 10.  allow_empty: accept an empty
        list; max_deletes still applies.  dry_run: run the call, then roll it back; the result then
        has `changes`.

        Returns a BulkResult.  The rows of the queryset are locked.  bulkmodel.errors.Refused: there
        are no objects.  bulkmodel.errors.TooManyDeletes: see max_deletes; its `result` has the
        counts.  ValueError: the row of an object exists outside of the queryset, or would leave it.
        IntegrityError: another transaction has inserted such a row meanwhile, or a cascade would
        delete the row of an object."""
        if self.query.is_sliced:
            raise TypeError("Cannot use 'limit' or 'offset' with bulk_sync().")
        options = options_of(
            batch_size,
            send_signals=send_signals,
            send_signal=send_signal,
            signal=signal,
            commit_check=commit_check,
            retries=retries,
        )
        using = self._alias_of_write()
        found = Lookups(self.model, using, lookups)
        given = rows_given(self, objs, found.fields)
        call = signals.begin(
            signals.BULK_SYNC,
            self,
            options.signals,
            instances=instances_of(given),
            batch_size=batch_size,
            n=len(given),
        )
        meter = Meter()
        with meter.on(connections[using]):
            watch = watch_of(self.model, using, return_changes, on_changes, dry_run)
            calls: list[Sync] = []  # of each attempt

            def write() -> None:
                sync = Sync(
                    type(self)(self.model, using=using),
                    given,
                    unique_fields,
                    update_fields,
                    Scope(self.using(using), delete, soft_delete, max_deletes, allow_empty),
                    rules=Rules(constraint, set, update_where, update_unchanged),
                    batch_size=batch_size,
                    duplicates=duplicates,
                    dry_run=dry_run,
                    allow_skipped=allow_skipped,
                    watch=watch,
                )
                calls.append(sync)
                sync.run()

            try:
                self._carry_out(options, found.around(write, given, dry_run), meter=meter)
            except Refused as error:
                for sync in calls[-1:]:
                    error.result = meter.result(
                        sync.outcomes, sync.pks, dry_run=dry_run, changes=sync.changes
                    )
                    error.result.deleted = sync.n_deleted
                raise
            sync = calls[-1]
        told = self._told(watch, [*sync.fields, *sync.stamped, *sync.set, *sync.soft])
        told["changes"] = told["changes"] if watch is not None and watch.keeps else sync.changes
        result = meter.result(
            sync.outcomes, sync.pks, dry_run=dry_run, deleted_by_label=sync.by_label, **told
        )
        result.deleted = sync.n_deleted
        n = result.inserted + result.updated + result.deleted
        keys = [key for key in result.keys if key is not None]
        signals.end(call, n, lambda: self._of_keys(keys), result=result)
        return result

    # On a manager it would take the whole table.
    bulk_sync.queryset_only = True  # type: ignore[attr-defined]

    @alters_data
    @timed
    @checks_names
    def bulk_delete(
        self,
        objs_or_keys: Iterable[Any],
        unique_fields: Iterable[str] | None = None,
        *,
        duplicates: str = "error",
        allow_skipped: bool = False,
        commit_every: int | None = None,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult:
        """Delete the rows of these objects or keys, as far as the queryset selects them.

        unique_fields: the fields that identify a row; default: the primary key.  Keys of several
        fields are tuples.  on_delete, pre_delete and post_delete work as in Django's delete().  A
        model that needs none of them takes one DELETE.  duplicates: "error", or "first" or "last",
        which ignore a repeated key.  dry_run: run the call, then roll it back.

        Returns a BulkResult; deleted_by_label counts rows of all models.  A key is `missing` if no
        row has it or the queryset does not select its row.  ValueError: an object has no key, or a
        key is repeated."""
        options = options_of(
            send_signals=send_signals,
            send_signal=send_signal,
            signal=signal,
            commit_check=commit_check,
            retries=retries,
        )
        using = self._alias_of_write()
        commit_parts.check(commit_every, using, dry_run)
        given = rows_given(self, objs_or_keys)
        call = signals.begin(
            signals.BULK_DELETE,
            self,
            options.signals,
            instances=instances_of(given),
            field_names=(),
            n=len(given),
        )
        if self.query.is_sliced:
            raise TypeError("Cannot use 'limit' or 'offset' with bulk_delete().")
        meter = Meter()
        with meter.on(connections[using]):
            commit_parts.warn(commit_every, "bulk_delete", len(given))
            watch = watch_of(self.model, using, return_changes, on_changes, dry_run)
            delete = Delete(
                self.using(using),
                given,
                unique_fields,
                duplicates,
                dry_run,
                allow_skipped,
                watch,
            )
            parts = self._carry_out_parts(options, delete, commit_every, meter) if given else []
        result = meter.result(
            delete.outcomes,
            delete.pks,
            dry_run=dry_run,
            deleted_by_label=dict(delete.by_label),
            parts=parts,
            **self._told(watch, ()),
        )
        signals.end(call, result.deleted, self.none, result=result)
        return result

    @alters_data
    @timed
    @checks_names
    def save_graph(
        self,
        objs: Iterable[Any],
        children: Names = (),
        m2m: Names = (),
        *,
        batch_size: int | None = None,
        dry_run: bool = False,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult:
        """Insert new objects with the objects that refer to them, and add their links.

        An object is new if it has not been saved (`_state.adding`).  Other objects are left alone,
        but their children and links are looked at.  children: names by which the objects that refer
        to others are read, "lines", and below them "lines__taxes".  m2m: names of many-to-many
        fields, "tags" or "lines__tags"; links are added, none is removed.  The objects are those
        that prefetch_related() has read; or a dictionary has a function of an object for each name,
        {"lines": lambda order: order.new_lines}.

        Everything is one transaction, and one bulk insert for each model and level: an object comes
        after those that it refers to.  Each model has one pair of signals, pre_bulk_create and
        post_bulk_create.  Returns a BulkResult of `objs`, whose inserted_by_label counts all rows.
        Errors have row_index, the position in `objs`, and path and object.  ValueError: a name
        cannot be used, a child refers to another object, or new objects refer to each other in a
        circle.  After an error or a dry run the objects are as before."""
        options = options_of(
            batch_size,
            send_signals=send_signals,
            send_signal=send_signal,
            signal=signal,
            commit_check=commit_check,
            retries=retries,
        )
        using = self._alias_of_write()
        graph = Graph(self.model, using, list(objs), children, m2m)
        meter = Meter()
        with graph.undone(), meter.on(connections[using]):
            calls = [
                signals.begin(
                    signals.BULK_CREATE,
                    self._sibling(model),
                    options.signals,
                    instances=rows,
                    batch_size=batch_size,
                    n=len(rows),
                )
                for model, rows in graph.new().items()
            ]
            if any(calls):  # a receiver may have changed the objects
                graph.is_attached = False
            written = self._carry_out(
                options, lambda: graph.run(self._sibling, options, dry_run), meter=meter
            )
        keys = [row.pk for row in graph.objects]
        result = meter.result(
            graph.outcomes(), keys, dry_run=dry_run, inserted_by_label=dict(written)
        )
        for call, (model, rows) in zip(calls, graph.new().items()):
            make = partial(self._sibling(model)._of_keys, [row.pk for row in rows])
            signals.end(call, len(rows), make, result=result)
        return result

    def bulk_explain(self, verb: str, objs: Any, *args: Any, **options: Any) -> Explanation:
        """Return how a call would be done, and write nothing.

        verb: "bulk_create", "copy_from_objects", "update_fields", "bulk_update", "bulk_upsert" or
        "bulk_delete".  objs: its objects or keys, not a frame.  args, options: its other arguments;
        those of update_fields() are the names of fields.  The database is read: its catalog, and
        for bulk_upsert() the rows that exist, which are not locked.  The objects stay as they are.

        Returns an Explanation, which can be printed.  ValueError, TypeError: the verb cannot be
        explained, or the call would be refused."""
        return Explain(self.using(self._alias_of_write())).explain(verb, objs, args, options)

    def _sibling(self, model: type[models.Model]) -> Any:
        """Return a queryset of another model that has the bulk methods, on the alias to write to.
        A package's own class is kept."""
        own: Any = model._default_manager.using(self._alias_of_write())
        if isinstance(own, WriteMethods):
            return type(own)(model, using=own.db)
        return self._bm_plain(model, using=own.db)
