"""Querysets and managers for type checkers: every call keeps the model of the rows.

Nothing here runs.  The methods, names and defaults are those of BulkModelQuerySetMixin; only the
types are more precise.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar, overload

from django.db import models
from django.db.models.expressions import Combinable
from typing_extensions import Self

from bulkmodel.expressions import Lookup
from bulkmodel.results import BulkResult, Change, Explanation

_Row = TypeVar("_Row", bound=models.Model, covariant=True)

# Names of related objects, with functions that return those of an object.
Names = Iterable[str] | Mapping[str, Callable[[Any], Iterable[Any]] | None]

# What bulk_explain() explains.
Verb = Literal[
    "bulk_create",
    "copy_from_objects",
    "update_fields",
    "bulk_update",
    "bulk_upsert",
    "bulk_delete",
]

class Frame(Protocol):
    """An object whose rows Arrow's C stream interface gives."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class Methods(Generic[_Row]):
    """Methods of managers and querysets."""

    @overload
    def bulk_create(
        self,
        objs: Iterable[_Row],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        return_queryset: Literal[False] = False,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> list[_Row]: ...
    @overload
    def bulk_create(
        self,
        objs: Iterable[_Row],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        return_queryset: Literal[True],
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def abulk_create(
        self,
        objs: Iterable[_Row],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
        *,
        return_queryset: Literal[True],
        **options: Any,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def abulk_create(
        self,
        objs: Iterable[_Row],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
        **options: Any,
    ) -> list[_Row]: ...
    @overload
    def update(
        self, *, return_queryset: Literal[True], **values: Any
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    def update(self, **values: Any) -> int: ...
    @overload
    async def aupdate(
        self, *, return_queryset: Literal[True], **kwargs: Any
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def aupdate(self, **kwargs: Any) -> int: ...
    @overload
    def update_fields(
        self,
        *names: str,
        objects: Iterable[models.Model] | Frame | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: Literal[False] = False,
        return_result: Literal[False] = False,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> int: ...
    @overload
    def update_fields(
        self,
        *names: str,
        objects: Iterable[models.Model] | Frame | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: Literal[True],
        return_result: Literal[False] = False,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    def update_fields(
        self,
        *names: str,
        objects: Iterable[models.Model] | Frame | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: Literal[False] = False,
        return_result: Literal[True],
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    @overload
    async def aupdate_fields(
        self,
        *names: str,
        objects: Iterable[models.Model] | Frame | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: Literal[False] = False,
        return_result: Literal[False] = False,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> int: ...
    @overload
    async def aupdate_fields(
        self,
        *names: str,
        objects: Iterable[models.Model] | Frame | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: Literal[True],
        return_result: Literal[False] = False,
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def aupdate_fields(
        self,
        *names: str,
        objects: Iterable[models.Model] | Frame | None = None,
        unique_fields: Iterable[str] | None = None,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: Literal[False] = False,
        return_result: Literal[True],
        commit_check: bool | None = None,
        commit_every: int | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    def bulk_upsert(
        self,
        objs: Iterable[models.Model] | Frame,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Mapping[str, Any] | None = None,
        update_where: models.Q | Combinable | None = None,
        update_unchanged: bool = False,
        batch_size: int | None = None,
        duplicates: Literal["error", "first", "last"] = "error",
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        allow_skipped: bool = False,
        commit_every: int | None = None,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    async def abulk_upsert(
        self,
        objs: Iterable[models.Model] | Frame,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Mapping[str, Any] | None = None,
        update_where: models.Q | Combinable | None = None,
        update_unchanged: bool = False,
        batch_size: int | None = None,
        duplicates: Literal["error", "first", "last"] = "error",
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        allow_skipped: bool = False,
        commit_every: int | None = None,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    def bulk_delete(
        self,
        objs_or_keys: Iterable[Any] | Frame,
        unique_fields: Iterable[str] | None = None,
        *,
        duplicates: Literal["error", "first", "last"] = "error",
        allow_skipped: bool = False,
        commit_every: int | None = None,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    async def abulk_delete(
        self,
        objs_or_keys: Iterable[Any] | Frame,
        unique_fields: Iterable[str] | None = None,
        *,
        duplicates: Literal["error", "first", "last"] = "error",
        allow_skipped: bool = False,
        commit_every: int | None = None,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    def bulk_explain(
        self, verb: Verb, objs: Iterable[Any], *args: Any, **options: Any
    ) -> Explanation: ...
    async def abulk_explain(
        self, verb: Verb, objs: Iterable[Any], *args: Any, **options: Any
    ) -> Explanation: ...
    def save_graph(
        self,
        objs: Iterable[models.Model],
        children: Names = (),
        m2m: Names = (),
        *,
        batch_size: int | None = None,
        dry_run: bool = False,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    async def asave_graph(
        self,
        objs: Iterable[models.Model],
        children: Names = (),
        m2m: Names = (),
        *,
        batch_size: int | None = None,
        dry_run: bool = False,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    @overload
    def copy_from_objects(
        self,
        objs: Iterable[_Row],
        bm_create_uuid: uuid.UUID | None = None,
        exclude_id: bool = True,
        fieldnames: Iterable[str] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        return_queryset: Literal[False] = False,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        *,
        on_error: Literal["raise"] = "raise",
        max_rejects: None = None,
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        commit_every: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> int: ...
    @overload
    def copy_from_objects(
        self,
        objs: Iterable[_Row],
        bm_create_uuid: uuid.UUID | None = None,
        exclude_id: bool = True,
        fieldnames: Iterable[str] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        *,
        return_queryset: Literal[True],
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        on_error: Literal["raise"] = "raise",
        max_rejects: None = None,
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        commit_every: int | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    def copy_from_objects(
        self,
        objs: Iterable[_Row],
        bm_create_uuid: uuid.UUID | None = None,
        exclude_id: bool = True,
        fieldnames: Iterable[str] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        return_queryset: Literal[False] = False,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        *,
        on_error: Literal["collect"],
        max_rejects: int | str | None = None,
        lookups: None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> BulkResult: ...
    @overload
    async def acopy_from_objects(
        self,
        objs: Iterable[_Row],
        *args: Any,
        return_queryset: Literal[True],
        on_error: Literal["raise"] = "raise",
        **options: Any,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def acopy_from_objects(
        self, objs: Iterable[_Row], *args: Any, on_error: Literal["collect"], **options: Any
    ) -> BulkResult: ...
    @overload
    async def acopy_from_objects(self, objs: Iterable[_Row], *args: Any, **options: Any) -> int: ...
    @overload
    def copy_from_arrow(
        self,
        frame: Frame,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        batch_size: int | None = None,
        send_signals: bool = True,
        return_queryset: Literal[False] = False,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> int: ...
    @overload
    def copy_from_arrow(
        self,
        frame: Frame,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        batch_size: int | None = None,
        send_signals: bool = True,
        return_queryset: Literal[True],
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def acopy_from_arrow(
        self,
        frame: Frame,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        batch_size: int | None = None,
        send_signals: bool = True,
        return_queryset: Literal[True],
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> BulkModelQuerySet[_Row]: ...
    @overload
    async def acopy_from_arrow(
        self,
        frame: Frame,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        batch_size: int | None = None,
        send_signals: bool = True,
        return_queryset: Literal[False] = False,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> int: ...
    def copy_to_instances(
        self,
        columns: Iterable[str] | None = None,
        *,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> list[_Row]: ...
    async def acopy_to_instances(
        self, columns: Iterable[str] | None = None, **options: Any
    ) -> list[_Row]: ...
    def iter_copy_to_instances(
        self,
        columns: Iterable[str] | None = None,
        chunk_size: int = 2000,
        *,
        timeout: float | None = None,
    ) -> Iterator[_Row]: ...
    def copy_to_arrow(
        self, columns: Iterable[str] | None = None, chunk_size: int = 50_000
    ) -> Frame: ...
    def update_m2m_fields(
        self,
        fieldname: str,
        links_of: Mapping[Any, Iterable[Any]],
        *,
        through_defaults: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> int: ...
    async def aupdate_m2m_fields(
        self, fieldname: str, links: Mapping[Any, Iterable[Any]], **options: Any
    ) -> int: ...
    def create_queryset(
        self,
        objects: Iterable[_Row],
        *,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkModelQuerySet[_Row]: ...
    async def acreate_queryset(
        self, objects: Iterable[_Row], **options: Any
    ) -> BulkModelQuerySet[_Row]: ...
    def populate_queryset_values(
        self,
        objects: Iterable[_Row],
        *fieldnames: str,
        timeout: float | None = None,
        commit_timeout: float | None = None,
    ) -> BulkModelQuerySet[_Row]: ...
    async def apopulate_queryset_values(
        self, objects: Iterable[_Row], *fieldnames: str
    ) -> BulkModelQuerySet[_Row]: ...
    def bulk_options(self, **options: Any) -> BulkModelQuerySet[_Row]: ...
    def snapshot(self, keep: bool = True) -> BulkModelQuerySet[_Row]: ...
    def get_chunks(self, n: int, max_chunks: int | None = None) -> Iterator[Sequence[_Row]]: ...
    def ensure_connected(self) -> Self: ...
    def reset_connection(self) -> Self: ...

class BulkModelQuerySet(Methods[_Row], models.QuerySet[_Row, _Row]):
    """models.QuerySet with the bulk methods of this package."""

    def bulk_sync(
        self,
        objs: Iterable[models.Model] | Frame,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Mapping[str, Any] | None = None,
        update_where: models.Q | Combinable | None = None,
        update_unchanged: bool = False,
        delete: bool = True,
        soft_delete: Mapping[str, Any] | None = None,
        max_deletes: int | str = "10%",
        allow_empty: bool = False,
        batch_size: int | None = None,
        duplicates: Literal["error", "first", "last"] = "error",
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        allow_skipped: bool = False,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...
    async def abulk_sync(
        self,
        objs: Iterable[models.Model] | Frame,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Mapping[str, Any] | None = None,
        update_where: models.Q | Combinable | None = None,
        update_unchanged: bool = False,
        delete: bool = True,
        soft_delete: Mapping[str, Any] | None = None,
        max_deletes: int | str = "10%",
        allow_empty: bool = False,
        batch_size: int | None = None,
        duplicates: Literal["error", "first", "last"] = "error",
        lookups: Mapping[str, str | Iterable[str] | Lookup] | None = None,
        allow_skipped: bool = False,
        dry_run: bool = False,
        return_changes: Iterable[str] | bool | None = None,
        on_changes: Callable[[list[Change]], Any] | None = None,
        timeout: float | None = None,
        commit_timeout: float | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        commit_check: bool | None = None,
        retries: int = 0,
    ) -> BulkResult: ...

class TypedManager(Methods[_Row], models.Manager[_Row]):
    """models.Manager whose querysets have the bulk methods."""

    def get_queryset(self) -> BulkModelQuerySet[_Row]: ...
    def all(self) -> BulkModelQuerySet[_Row]: ...
    def none(self) -> BulkModelQuerySet[_Row]: ...
    def filter(self, *args: Any, **kwargs: Any) -> BulkModelQuerySet[_Row]: ...
    def exclude(self, *args: Any, **kwargs: Any) -> BulkModelQuerySet[_Row]: ...
    def order_by(self, *field_names: Any) -> BulkModelQuerySet[_Row]: ...
    def distinct(self, *field_names: str) -> BulkModelQuerySet[_Row]: ...
    def annotate(self, *args: Any, **kwargs: Any) -> BulkModelQuerySet[_Row]: ...
    def alias(self, *args: Any, **kwargs: Any) -> BulkModelQuerySet[_Row]: ...
    def reverse(self) -> BulkModelQuerySet[_Row]: ...
    def defer(self, *fields: str | None) -> BulkModelQuerySet[_Row]: ...
    def only(self, *fields: str) -> BulkModelQuerySet[_Row]: ...
    def using(self, alias: str | None) -> BulkModelQuerySet[_Row]: ...
    def select_related(self, *fields: str | None) -> BulkModelQuerySet[_Row]: ...
    def prefetch_related(self, *lookups: Any) -> BulkModelQuerySet[_Row]: ...
    def select_for_update(
        self,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Sequence[str] = (),
        no_key: bool = False,
    ) -> BulkModelQuerySet[_Row]: ...
