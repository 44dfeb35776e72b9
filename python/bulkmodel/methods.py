"""Further methods of the queryset: those made of other calls, and those that read rows."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import Error, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, signals
from bulkmodel.engine import retry
from bulkmodel.engine.connections import ensure_connected, reset_connection
from bulkmodel.engine.read_only import refuse_read_only
from bulkmodel.engine.timeouts import timed
from bulkmodel.helpers import get_chunks
from bulkmodel.model import diagnose
from bulkmodel.model.limits import check_keys
from bulkmodel.options import (
    NAMES,
    OF_CREATE,
    OF_PARTS,
    Options,
    checks_names,
    options_of,
    refuse_misnamed,
)
from bulkmodel.results import BulkResult, Meter
from bulkmodel.verbs import (
    collect,
    commit_parts,
    copy_to,
    create_queryset,
    m2m,
    written_rows,
)
from bulkmodel.verbs.copy_from import CopyIn
from bulkmodel.verbs.copy_from_arrow import CopyFrame
from bulkmodel.verbs.copy_to_arrow import ArrowRows
from bulkmodel.verbs.find_rows import check_instances
from bulkmodel.verbs.lookups import Lookups
from bulkmodel.verbs.update_fields import with_defaults

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Result = TypeVar("_Result")
_NAME = attrgetter("name")


def alters_data(method: _Method) -> _Method:
    """Forbid templates to call the method."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method


if TYPE_CHECKING:
    _Base = models.QuerySet[Any]
else:
    _Base = object


class MoreMethods(_Base):
    """Methods that Django's querysets do not have.  update_fields() is in queryset.py."""

    _bm_keeps: bool
    _bm_options: dict[str, Any] | None

    if TYPE_CHECKING:

        def _alias_of_write(self) -> str: ...

    def snapshot(self, keep: bool = True) -> Any:
        """Return a copy of the queryset that keeps a snapshot of what it reads; with False none.

        Without a snapshot update_fields() needs field names, and reading takes less memory."""
        if not isinstance(keep, bool):
            raise TypeError(f"snapshot() expects True or False, not {type(keep).__name__}")
        clone = self._chain()  # type: ignore[attr-defined]
        clone._bm_keeps = keep
        return clone

    def bulk_options(self, **options: Any) -> Any:
        """Return a copy of the queryset with options for update(), bulk_create() and bulk_update().

        Use it if a field of the model has the name of an option, or if another package's
        bulk_create() does not accept options.  TypeError: there is no such option."""
        refuse_misnamed("bulk_options", options)
        unknown = sorted(set(options) - NAMES - OF_CREATE - OF_PARTS)
        if unknown:
            raise TypeError(f"bulk_options() got an unexpected option: {', '.join(unknown)}")
        clone = self._chain()  # type: ignore[attr-defined]
        clone._bm_options = {**(self._bm_options or {}), **options}
        return clone

    def _written(self, objects: Iterable[Any], **known: Any) -> Any:
        using = self._alias_of_write()
        return written_rows.of_rows(type(self), list(objects), self.model, using, **known)

    def _set_create_uuid(self, objects: list[Any], value: uuid.UUID | None) -> None:
        if self._has_create_uuid():
            _core.fill(objects, "bm_create_uuid", value or uuid.uuid4())

    def _has_create_uuid(self) -> bool:
        if not hasattr(self.model, "bm_create_uuid"):
            return False
        return "bm_create_uuid" in [field.name for field in self.model._meta.concrete_fields]

    def _given(self, objects: tuple[Any, ...], names: Any) -> tuple[Any, ...]:
        """Return the objects in a form that Django's bulk_update() can write."""
        if all(isinstance(object, models.Model) for object in objects):
            check_keys(connections[self._alias_of_write()], objects)
        known = {field.name for field in self.model._meta.concrete_fields if field.has_db_default()}
        named = [name for name in names or () if isinstance(name, str) and name in known]
        if not named or not all(isinstance(object, models.Model) for object in objects):
            return objects
        return tuple(with_defaults(objects, named))

    def _of_keys(self, keys: list[Any]) -> Any:
        return written_rows.of_keys(type(self), self.model, self._alias_of_write(), keys)

    def _carry_out(
        self,
        asked: Options,
        write: Callable[[], _Result],
        again: bool = True,
        meter: Meter | None = None,
    ) -> _Result:
        """Call `write`, and repeat it as `retries` allows."""
        if not asked.retries and asked.commit_check is None:
            return write()
        using = self._alias_of_write()

        def on_retry(replay: int, error: Error) -> None:
            if meter is not None:
                meter.replays = replay
            if asked.signals:
                signals.send_retry(self.model, using, replay, asked.retries, error)

        return retry.carry_out(asked, using, write, again, on_retry)

    def _silent(self) -> Any:
        """Return a copy for calls of update() by Django that must not send signals."""
        clone = self._chain()  # type: ignore[attr-defined]
        clone._bm_options = {"send_signals": False}
        return clone

    def _call(self, objects: Any, names: Iterable[str] | None = None) -> diagnose.Call:
        """Describe this call for an error of Django's own method."""
        rows = objects if isinstance(objects, list | tuple) else ()
        known = {field.name: field for field in self.model._meta.concrete_fields}
        fields = None if names is None else [known[name] for name in names if name in known]
        return diagnose.Call(self.model, connections[self.db], rows, fields)

    def _refuse_read_only(self) -> None:
        if not self.query.is_empty():
            refuse_read_only(connections[self._alias_of_write()])

    @timed
    def copy_to_instances(self, columns: Iterable[str] | None = None) -> list[Any]:
        """Read the rows again and return them as a list of instances.

        columns: names of the fields to load in addition to the primary key; the others are
        deferred.  FieldDoesNotExist, ValueError: a name is not a concrete field."""
        return copy_to.copy_to_instances(self, columns)

    def iter_copy_to_instances(
        self,
        columns: Iterable[str] | None = None,
        chunk_size: int = 2000,
        *,
        timeout: float | None = None,
    ) -> Iterator[Any]:
        """Yield the rows as instances, with `chunk_size` of them in memory at a time.

        columns: see copy_to_instances().  timeout: seconds to wait for rows; the time that the
        reader takes does not count."""
        return copy_to.iter_copy_to_instances(self, columns, chunk_size, timeout)

    def copy_to_arrow(self, columns: Iterable[str] | None = None, chunk_size: int = 50_000) -> Any:
        """Return the rows for a reader of Arrow: an object with `__arrow_c_stream__()`.

        polars, pandas and pyarrow accept it as a DataFrame or Table.  The query runs when it is
        read, which must be in the same thread, with `chunk_size` rows in memory at a time.

        columns: names of the fields; None: all concrete fields.  FieldDoesNotExist, ValueError: a
        name is not a concrete field, or the field has no Arrow type."""
        return ArrowRows(self, columns, chunk_size)

    @alters_data
    @timed
    def update_m2m_fields(
        self,
        fieldname: str,
        links_of: Mapping[Any, Iterable[Any]],
        *,
        through_defaults: Any = None,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> int:
        """Set the links of these owners: {owner_pk: [target_pk, ...]}.  Writes only the difference.

        Returns how many links were removed and added.  m2m_changed is sent for each owner, as set()
        sends it.  The links of all owners are removed before any is added.  ValueError: the field
        is not many-to-many."""
        owners = {key: list(targets) for key, targets in links_of.items()}
        return self._carry_out(
            options_of(commit_check=commit_check, retries=retries),
            lambda: m2m.update_m2m_fields(self, fieldname, owners, through_defaults),
        )

    @alters_data
    @timed
    def create_queryset(
        self, objects: Iterable[Any], *, commit_check: bool | None = None, retries: int = 0
    ) -> Any:
        """Insert the objects without a primary key, or whose key does not exist, and update the
        rows of the others.  Returns all as a queryset, in the order of `objects`."""
        rows = list(objects)
        using = self._alias_of_write()
        self._carry_out(
            options_of(commit_check=commit_check, retries=retries),
            lambda: create_queryset.create_or_update(type(self)(self.model, using=using), rows),
        )
        return self._written(rows)

    @alters_data
    @timed
    @checks_names
    def copy_from_objects(
        self,
        objs: Iterable[Any],
        bm_create_uuid: uuid.UUID | None = None,
        exclude_id: bool = True,
        fieldnames: Iterable[str] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        return_queryset: bool = False,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        *,
        on_error: str = "raise",
        max_rejects: int | str | None = None,
        lookups: Mapping[str, Any] | None = None,
        commit_every: int | None = None,
    ) -> Any:
        """Insert the objects with the values that save() would store.

        A generator is read one chunk at a time.  Returns the number of rows, or with
        return_queryset=True the rows as a queryset; only then the objects get their keys.
        exclude_id: let the database generate keys even if the objects have some.  fieldnames: write
        only these fields.  concurrent: a list is divided among several connections; a stream has
        one.  on_error="collect": write the objects without those that fail, as if they had been
        inserted one by one, and return a BulkResult whose `rejects` has these.  max_rejects: if
        more fail, write nothing and raise bulkmodel.errors.TooManyRejects; a number, or a
        percentage; default "10%".  lookups: find related objects by other fields than the key.
        ValueError: an option does not go with on_error."""
        asked = options_of(
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
        self._for_write = True
        if commit_every is not None:
            commit_parts.check(commit_every, self.db)
        limit = None
        if on_error != "raise" or max_rejects is not None:
            limit = collect.limit_of(asked, on_error, max_rejects)
        found = None if lookups is None else Lookups(self.model, self.db, lookups)
        if limit is not None and found is not None and found.relations:
            raise ValueError('on_error="collect" cannot be used with lookups.')
        if limit is not None and commit_every is not None:
            raise ValueError('on_error="collect" cannot be used with commit_every.')
        copy = CopyIn(self, fieldnames, exclude_id, asked, bm_create_uuid)
        rows = list(objs) if isinstance(objs, list | tuple | models.QuerySet) else None
        if rows is not None and commit_every is not None:
            check_instances(self.model, rows)
        call = signals.begin(
            signals.COPY_FROM_INSTANCES,
            self,
            asked.signals,
            instances=rows,
            field_names=map(_NAME, copy.fields),
            batch_size=batch_size,
            n=None if rows is None else len(rows),
        )
        source = objs if rows is None else rows
        if rows is not None and len(rows) > commit_parts.LARGE:
            commit_parts.warn(commit_every, "copy_from_objects", len(rows))
        if limit is not None:
            return self._collect(copy, source, limit, call, asked)
        keeps_keys = return_queryset or call is not None
        in_parts = commit_every is not None
        prepare: Callable[[Iterator[Any]], Iterator[Any]] = iter
        if rows is None and found is not None and found.relations:
            prepare = partial(found.stream, part=commit_every or sys.maxsize)
            source = source if in_parts else prepare(iter(objs))

        def write() -> int:
            if commit_every is None:
                return copy.run(source, keeps_keys, return_queryset)
            return copy.run_parts(
                source,
                keeps_keys,
                return_queryset,
                commit_every,
                partial(self._carry_out, asked),
                commit_parts.nothing,
                prepare,
            )

        written = write if found is None else found.around(write, rows, in_parts=in_parts)
        n = written() if in_parts else self._carry_out(asked, written, again=rows is not None)
        if rows is None:
            commit_parts.warn(commit_every, "copy_from_objects", n)

        def make() -> Any:
            if copy.objects is None:
                return self._of_keys(copy.keys)
            return self._written(copy.objects, told=copy.told)

        queryset = signals.end(call, n, make, return_queryset)
        return queryset if return_queryset else n

    @alters_data
    @timed
    @checks_names
    def copy_from_arrow(
        self,
        frame: Any,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        batch_size: int | None = None,
        send_signals: bool = True,
        return_queryset: bool = False,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> Any:
        """Insert the rows of a frame: any object with `__arrow_c_stream__()`.

        That is a DataFrame of polars or pandas, a Table of pyarrow or a relation of DuckDB.

        Columns belong to fields by name.  A field without a column has the default that save()
        gives it.  A key column is written; without one the database generates keys.  Memory does
        not grow with the frame.  Returns the number of rows, or with return_queryset=True the rows
        as a queryset.  bm_create_uuid: the UUID of the call.

        FieldDoesNotExist, ValueError: a column has no field, or a type that its field does not
        hold.  DataError: a value does not fit; it has row_index and field_name."""
        asked = options_of(
            batch_size=batch_size,
            return_queryset=return_queryset,
            send_signals=send_signals,
            send_signal=send_signal,
            signal=signal,
            commit_check=commit_check,
            retries=retries,
        )
        self._for_write = True
        copies = [CopyFrame(self, frame, asked, bm_create_uuid)]
        call = signals.begin(
            signals.COPY_FROM_INSTANCES,
            self,
            asked.signals,
            instances=None,
            field_names=map(_NAME, copies[0].fields),
            batch_size=batch_size,
            n=None,
        )

        def write() -> tuple[int, list[Any]]:
            copy = copies.pop() if copies else CopyFrame(self, frame, asked, bm_create_uuid)
            return copy.run((), return_queryset or call is not None, False), copy.keys

        # A frame with a length gives its rows more than once, a reader does not.
        n, keys = self._carry_out(asked, write, again=hasattr(frame, "__len__"))
        queryset = signals.end(call, n, lambda: self._of_keys(keys), return_queryset)
        return queryset if return_queryset else n

    def _collect(
        self, copy: CopyIn, source: Any, limit: collect.Limit, call: Any, asked: Options
    ) -> BulkResult:
        """copy_from_objects(on_error="collect")."""
        meter = Meter()
        write = collect.Collect(copy, limit, call is not None)
        with meter.on(connections[copy.using]):
            result = self._carry_out(asked, lambda: write.run(source, meter), again=False)
        signals.end(call, result.inserted, lambda: self._of_keys(write.keys), False)
        return result

    @timed
    def populate_queryset_values(self, objects: Iterable[Any], *fieldnames: str) -> Any:
        """Copy these fields of the objects to the objects of this queryset with the same keys.

        Returns the queryset.  Nothing is written to the database.  Objects with other keys are
        ignored."""
        given = list(objects)
        self._fetch_all()
        create_queryset.populate(self, given, fieldnames)
        return self

    def get_chunks(self, n: int, max_chunks: int | None = None) -> Iterator[Sequence[Any]]:
        """Yield the rows in chunks of n, see `helpers.get_chunks()`."""
        self._fetch_all()
        return get_chunks(self._result_cache or [], n, max_chunks)

    @alters_data
    def ensure_connected(self) -> Any:
        """Reopen the connections that this queryset reads from and writes to, if they were lost.

        Returns the queryset.  OperationalError: a connection was lost inside a transaction."""
        for connection in self._connections():
            ensure_connected(connection)
        return self

    @alters_data
    def reset_connection(self) -> Any:
        """Close the connections that this queryset reads from and writes to, and open new ones.

        Returns the queryset.  TransactionManagementError: a transaction is open."""
        for connection in self._connections():
            reset_connection(connection)
        return self

    def _connections(self) -> list[BaseDatabaseWrapper]:
        aliases = [self.db, self._chain()._alias_of_write()]  # type: ignore[attr-defined]
        return [connections[alias] for alias in dict.fromkeys(aliases)]
