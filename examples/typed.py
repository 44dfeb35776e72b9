"""Every name of the package with the types that a project sees: what mypy --strict accepts.

The tests run it.  mypy needs django-stubs to know Django, with its plugin or without.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.db import models

from bulkmodel import signals
from bulkmodel.ce import ConcurrentExecutor
from bulkmodel.errors import CommitUnknown, Part, PartialCommit
from bulkmodel.helpers import get_chunks
from bulkmodel.managers import BulkModelManager
from bulkmodel.models import BulkModel
from bulkmodel.queryset import BulkModelQuerySet, BulkModelQuerySetMixin
from bulkmodel.results import BulkResult, Outcome


class Shelf(models.Model):
    """The manager only."""

    name: models.CharField[str, str] = models.CharField(max_length=50)

    objects: ClassVar[BulkModelManager[Shelf]] = BulkModelManager()

    class Meta:
        app_label = "typed"


class Item(BulkModel):
    """The abstract model."""

    name: models.CharField[str, str] = models.CharField(max_length=50)
    value: models.IntegerField[int, int] = models.IntegerField(default=0)
    shelves: models.ManyToManyField[Shelf, Any] = models.ManyToManyField(Shelf)

    class Meta:
        app_label = "typed"


class Named(BulkModelQuerySetMixin, models.QuerySet["Item"]):
    """A project's own queryset class."""

    def named(self, name: str) -> Named:
        return self.filter(name=name)


def create(rows: list[Item]) -> BulkModelQuerySet[Item]:
    made: list[Item] = Item.objects.bulk_create(rows, batch_size=100, send_signals=False)
    key: uuid.UUID | None = made[0].bm_create_uuid
    assert key is not None
    return Item.objects.bulk_create(
        (Item(name=row.name) for row in made),
        bm_create_uuid=uuid.uuid4(),
        return_queryset=True,
        concurrent=True,
        max_concurrent_workers=2,
    )


def upsert(rows: list[Shelf]) -> list[Shelf]:
    Shelf.objects.bulk_create(rows, ignore_conflicts=True)
    return Shelf.objects.bulk_create(
        rows, update_conflicts=True, update_fields=["name"], unique_fields=["id"]
    )


def results(items: list[Item]) -> list[int]:
    made: BulkResult = Item.objects.bulk_upsert(
        items, update_fields=["value"], duplicates="last", return_changes=["value"]
    )
    told: BulkResult = Item.objects.update_fields("value", objects=items, return_result=True)
    same: BulkResult = Item.objects.filter(value=7).bulk_sync([], allow_empty=True)
    gone: BulkResult = Item.objects.filter(value=-1).bulk_delete(items[:1], dry_run=True)
    return [made.inserted, told.updated, same.deleted, gone.deleted, *gone.rows(Outcome.MISSING)]


def update(items: BulkModelQuerySet[Item]) -> int:
    matched: int = Item.objects.filter(value__lt=0).update(value=0)
    batched: int = items.filter(value=0).update(value=1, batch_size=10, concurrent=True)
    rows: BulkModelQuerySet[Item] = Item.objects.filter(value=1).update(
        value=2, return_queryset=True
    )
    by_options: int = Item.objects.bulk_options(batch_size=10).update(value=3)
    by_bulk: int = Item.objects.bulk_update(list(rows), ["value"], batch_size=10)
    return matched + batched + by_options + by_bulk


def update_fields(items: BulkModelQuerySet[Item]) -> int:
    changed: int = items.update_fields()
    named: int = items.update_fields("name", "value", batch_size=10, concurrent=False)
    rows: BulkModelQuerySet[Item] = Item.objects.update_fields(
        "value", objects=list(items), return_queryset=True
    )
    return changed + named + rows.count()


def copies(items: list[Item]) -> list[str]:
    written: int = Item.objects.copy_from_objects(
        iter(items), exclude_id=True, fieldnames=["name", "value"], batch_size=10
    )
    rows: BulkModelQuerySet[Item] = Item.objects.copy_from_objects(items, return_queryset=True)
    read: list[Item] = rows.filter(value=0).order_by("name").copy_to_instances(["name"])
    streamed: Iterator[Item] = Item.objects.iter_copy_to_instances(chunk_size=10)
    return [item.name for item in [*read, *streamed]][:written]


def compose(items: list[Item], shelf: Shelf) -> int:
    all_rows: BulkModelQuerySet[Item] = Item.objects.create_queryset(items)
    links: int = Item.objects.update_m2m_fields("shelves", {all_rows[0].pk: [shelf.pk]})
    populated: BulkModelQuerySet[Item] = all_rows.populate_queryset_values(items, "value")
    chunks: list[Sequence[Item]] = list(populated.get_chunks(2, max_chunks=3))
    lists: list[Sequence[str]] = list(get_chunks(["a", "b", "c"], 2))
    return links + len(chunks) + len(lists)


async def coroutines(items: list[Item]) -> int:
    made: list[Item] = await Item.objects.abulk_create(items)
    rows: BulkModelQuerySet[Item] = await Item.objects.abulk_create([], return_queryset=True)
    number: int = await rows.aupdate_fields("value")
    number += await Item.objects.filter(value=0).aupdate(value=1)
    number += await Item.objects.acopy_from_objects(iter([Item(name="x")]))
    number += await Item.objects.aupdate_m2m_fields("shelves", {made[0].pk: []})
    return number + len(await Item.objects.acopy_to_instances())


def count(value: int) -> int:
    connected: BulkModelManager[Item] = Item.objects.ensure_connected()
    return connected.filter(value=value).reset_connection().count()


def concurrently() -> list[Any]:
    return ConcurrentExecutor([(count, 1), (count, 2)], max_workers=2).run_async()


def where(error: PartialCommit | CommitUnknown) -> Sequence[Part]:
    return error.parts if isinstance(error, PartialCommit) else ()


def notified(**facts: Any) -> None:
    """A receiver."""


SIGNALS = [
    (signals.pre_bulk_create, signals.post_bulk_create),
    (signals.pre_update, signals.post_update),
    (signals.pre_update_fields, signals.post_update_fields),
    (signals.pre_copy_from_instances, signals.post_copy_from_instances),
]


def listen() -> None:
    for pre, post in SIGNALS:
        pre.connect(notified, sender=Item)
        post.connect(notified, sender=Item)
