"""The same methods for coroutines: each runs in the thread that Django keeps for the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from bulkmodel.model.overrides import is_djangos

if TYPE_CHECKING:
    from django.db import models

    _Base = models.QuerySet[Any]
else:
    _Base = object


class AsyncMixin(_Base):
    """Asynchronous names.  aupdate() and abulk_update() are Django's own: they call ours."""

    # Of an abulk_create() that a package's own method carries out.
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
        """As bulk_create()."""
        given: dict[str, Any] = {
            "objs": objs,
            "batch_size": batch_size,
            "ignore_conflicts": ignore_conflicts,
            "update_conflicts": update_conflicts,
            "update_fields": update_fields,
            "unique_fields": unique_fields,
        }
        behind: Any = super()
        if is_djangos(behind, "abulk_create"):
            return await self._in_thread("bulk_create", **given, **options)
        # A package's own method calls bulk_create() in its turn, and knows no options of ours.
        self._bm_create_options = options
        try:
            return await behind.abulk_create(**given)
        finally:
            self._bm_create_options = None

    async def aupdate_fields(self, *names: str, **options: Any) -> Any:
        """As update_fields()."""
        return await self._in_thread("update_fields", *names, **options)

    async def acopy_from_objects(self, objs: Iterable[Any], *args: Any, **options: Any) -> Any:
        """As copy_from_objects()."""
        return await self._in_thread("copy_from_objects", objs, *args, **options)

    async def acopy_to_instances(
        self, columns: Iterable[str] | None = None, **options: Any
    ) -> list[Any]:
        """As copy_to_instances()."""
        return list(await self._in_thread("copy_to_instances", columns, **options))

    async def aupdate_m2m_fields(
        self, fieldname: str, links: Mapping[Any, Iterable[Any]], **options: Any
    ) -> int:
        """As update_m2m_fields()."""
        return int(await self._in_thread("update_m2m_fields", fieldname, links, **options))

    async def acreate_queryset(self, objects: Iterable[Any], **options: Any) -> Any:
        """As create_queryset()."""
        return await self._in_thread("create_queryset", objects, **options)

    async def apopulate_queryset_values(self, objects: Iterable[Any], *fieldnames: str) -> Any:
        """As populate_queryset_values()."""
        return await self._in_thread("populate_queryset_values", objects, *fieldnames)


for _name in (
    "abulk_create",
    "aupdate_fields",
    "acopy_from_objects",
    "aupdate_m2m_fields",
    "acreate_queryset",
):
    getattr(AsyncMixin, _name).alters_data = True
