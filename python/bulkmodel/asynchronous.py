"""The methods for coroutines. Each runs in the thread that Django keeps for the caller."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from bulkmodel.model.overrides import is_djangos
from bulkmodel.results import BulkResult, Explanation

if TYPE_CHECKING:
    from django.db import models

    _Base = models.QuerySet[Any]
else:
    _Base = object


class AsyncMixin(_Base):
    """Asynchronous methods.  aupdate() and abulk_update() are Django's and call the ones here."""

    # Options of an abulk_create() that another package's method is running.
    _bm_create_options: dict[str, Any] | None = None

    async def _in_thread(self, name: str, *args: Any, **options: Any) -> Any:
        return await sync_to_async(getattr(self, name))(*args, **options)

    async def abulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Any = None,
        unique_fields: Any = None,
        **options: Any,
    ) -> Any:
        """Run bulk_create()."""
        given: dict[str, Any] = {
            "objs": objs,
            "batch_size": batch_size,
            "ignore_conflicts": ignore_conflicts,
            "update_conflicts": update_conflicts,
            "update_fields": update_fields,
            "unique_fields": unique_fields,
        }
        parent: Any = super()
        if is_djangos(parent, "abulk_create"):
            return await self._in_thread("bulk_create", **given, **options)
        # Another package's method calls bulk_create() later, and does not know these options.
        self._bm_create_options = options
        try:
            return await parent.abulk_create(**given)
        finally:
            self._bm_create_options = None

    async def aupdate_fields(self, *names: str, **options: Any) -> Any:
        """Run update_fields()."""
        return await self._in_thread("update_fields", *names, **options)

    async def abulk_upsert(self, *args: Any, **options: Any) -> BulkResult:
        """Run bulk_upsert()."""
        result: BulkResult = await self._in_thread("bulk_upsert", *args, **options)
        return result

    async def abulk_sync(self, *args: Any, **options: Any) -> BulkResult:
        """Run bulk_sync()."""
        result: BulkResult = await self._in_thread("bulk_sync", *args, **options)
        return result

    abulk_sync.queryset_only = True  # type: ignore[attr-defined]

    async def abulk_delete(self, *args: Any, **options: Any) -> BulkResult:
        """Run bulk_delete()."""
        result: BulkResult = await self._in_thread("bulk_delete", *args, **options)
        return result

    async def abulk_explain(self, *args: Any, **options: Any) -> Explanation:
        """Run bulk_explain()."""
        told: Explanation = await self._in_thread("bulk_explain", *args, **options)
        return told

    async def asave_graph(self, *args: Any, **options: Any) -> BulkResult:
        """Run save_graph()."""
        result: BulkResult = await self._in_thread("save_graph", *args, **options)
        return result

    async def acopy_from_objects(
        self, objs: Iterable[Any], *args: Any, on_error: str = "raise", **options: Any
    ) -> Any:
        """Run copy_from_objects(), with all its options: on_error, max_rejects and the others."""
        return await self._in_thread("copy_from_objects", objs, *args, on_error=on_error, **options)

    async def acopy_from_arrow(self, frame: Any, **options: Any) -> Any:
        """Run copy_from_arrow()."""
        return await self._in_thread("copy_from_arrow", frame, **options)

    async def acopy_to_instances(
        self, columns: Iterable[str] | None = None, **options: Any
    ) -> list[Any]:
        """Run copy_to_instances()."""
        return list(await self._in_thread("copy_to_instances", columns, **options))

    async def aupdate_m2m_fields(
        self, fieldname: str, links: Mapping[Any, Iterable[Any]], **options: Any
    ) -> int:
        """Run update_m2m_fields()."""
        return int(await self._in_thread("update_m2m_fields", fieldname, links, **options))

    async def acreate_queryset(self, objects: Iterable[Any], **options: Any) -> Any:
        """Run create_queryset()."""
        return await self._in_thread("create_queryset", objects, **options)

    async def apopulate_queryset_values(self, objects: Iterable[Any], *fieldnames: str) -> Any:
        """Run populate_queryset_values()."""
        return await self._in_thread("populate_queryset_values", objects, *fieldnames)


def take_signatures(kind: type[Any]) -> None:
    """Give coroutines the signatures and docstrings of the methods that they run."""
    names = ("update_fields", "bulk_upsert", "bulk_sync", "bulk_delete", "save_graph")
    for name in (*names, "bulk_explain", "copy_from_arrow"):
        coroutine: Any = getattr(AsyncMixin, f"a{name}")
        coroutine.__signature__ = inspect.signature(getattr(kind, name))
        coroutine.__doc__ = f"Run {name}().\n\n{inspect.getdoc(getattr(kind, name))}"


for _name in (
    "abulk_create",
    "abulk_upsert",
    "abulk_sync",
    "abulk_delete",
    "asave_graph",
    "aupdate_fields",
    "acopy_from_objects",
    "acopy_from_arrow",
    "aupdate_m2m_fields",
    "acreate_queryset",
):
    getattr(AsyncMixin, _name).alters_data = True
