"""The methods that are made of others, and those that read a stream."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import Error, models

from bulkmodel import signals
from bulkmodel.engine import retry
from bulkmodel.engine.timeouts import timed
from bulkmodel.options import Options, checks_names, options_of
from bulkmodel.verbs import copy_to, create_queryset, m2m
from bulkmodel.verbs.copy_from import CopyIn

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Result = TypeVar("_Result")


def alters_data(method: _Method) -> _Method:
    """Templates may not call it."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method


if TYPE_CHECKING:
    _Base = models.QuerySet[Any]
else:
    _Base = object


class MoreMethods(_Base):
    """What Django's querysets lack, beside update_fields()."""

    if TYPE_CHECKING:

        def _alias_of_write(self) -> str: ...
        def _written(self, objects: Iterable[Any], **known: Any) -> Any: ...
        def _of_keys(self, keys: list[Any]) -> Any: ...

    def _carry_out(
        self, asked: Options, write: Callable[[], _Result], again: bool = True
    ) -> _Result:
        """Write, and repeat it as the call's `retries` allow."""
        using = self._alias_of_write()

        def on_retry(replay: int, error: Error) -> None:
            signals.send_retry(self.model, using, replay, asked.retries, error)

        return retry.carry_out(asked, using, write, again, on_retry if asked.signals else None)

    @timed
    def copy_to_instances(self, columns: Iterable[str] | None = None) -> list[Any]:
        """The rows as a list of instances, read anew.  columns: names of the fields to load, beside
        the key; the others are deferred.  FieldDoesNotExist, ValueError: a name is no column."""
        return copy_to.copy_to_instances(self, columns)

    def iter_copy_to_instances(
        self,
        columns: Iterable[str] | None = None,
        chunk_size: int = 2000,
        *,
        timeout: float | None = None,
    ) -> Iterator[Any]:
        """The rows as instances, `chunk_size` in memory at a time; else as copy_to_instances().
        timeout: seconds that may be spent waiting for rows; the reader's own time does not
        count."""
        return copy_to.iter_copy_to_instances(self, columns, chunk_size, timeout)

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
        """Make the links of these owners, {owner_pk: [target_pk, ...]}, exactly these, and touch
        only the difference.  Returns how many links were taken out and put in.

        m2m_changed is sent as set() sends it, for each owner; all owners' links are taken out
        before any is put in.  ValueError: the field is not many-to-many."""
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
        """Create the objects that have no key, or one that no row has yet, and give the values of
        the others to their rows.  Returns all as a queryset, in the order of `objects`."""
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
    ) -> Any:
        """Write the objects as rows with the values that save() would store; a generator is read a
        chunk at a time.  Returns how many, or the rows as a queryset.

        exclude_id: keys that the database assigns are assigned, whatever the objects have.
        fieldnames: only these fields are written.  The objects get keys only with
        return_queryset.  concurrent: a list is shared out, a stream has one connection."""
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
        copy = CopyIn(self, fieldnames, exclude_id, asked, bm_create_uuid)
        rows = list(objs) if isinstance(objs, list | tuple | models.QuerySet) else None
        call = signals.begin(
            signals.COPY_FROM_INSTANCES,
            self,
            asked.signals,
            instances=rows,
            field_names=[field.name for field in copy.fields],
            batch_size=batch_size,
            n=None if rows is None else len(rows),
        )
        source = objs if rows is None else rows
        n = self._carry_out(
            asked,
            lambda: copy.run(source, return_queryset or call is not None, return_queryset),
            again=rows is not None,
        )

        def make() -> Any:
            if copy.objects is None:
                return self._of_keys(copy.keys)
            return self._written(copy.objects, told=copy.told)

        queryset = signals.end(call, n, make, return_queryset)
        return queryset if return_queryset else n

    @timed
    def populate_queryset_values(self, objects: Iterable[Any], *fieldnames: str) -> Any:
        """Copy these fields of the objects onto the rows of this queryset that have their keys, and
        return it.  Nothing is written; objects of other keys are passed over."""
        given = list(objects)
        self._fetch_all()
        create_queryset.populate(self, given, fieldnames)
        return self
