"""Samples of the page on bulk_create."""

from __future__ import annotations

from collections.abc import Iterable

# [imports]
from decimal import Decimal

from django.db import IntegrityError
from django.db.models import F, Q

from bulkmodel.errors import PartialCommit
from bulkmodel.expressions import Excluded
from bulkmodel.results import Change
from shop.models import Movement, Product

# [end imports]


def keys(products: list[Product]) -> list[int]:
    # [keys]
    created = Product.objects.bulk_create(products)
    keys = [product.pk for product in created]
    # [end keys]
    return keys


def queryset(rows: list[Product]) -> object:
    # [queryset]
    products = Product.objects.bulk_create(rows, return_queryset=True)
    for product in products:  # no query: the rows are there, in the order of `rows`
        product.stock += 10
    products.update_fields()  # writes the stock, and no other column
    cheap = products.filter(price__lt=Decimal(5))  # a query, on these rows only
    # [end queryset]
    return cheap


def one_call(rows: list[Movement]) -> object:
    # [uuid]
    Movement.objects.bulk_create(rows)
    call = rows[0].bm_create_uuid  # the same in all rows of the call
    same = Movement.objects.filter(bm_create_uuid=call)
    # [end uuid]
    return same


def upsert(rows: list[Product]) -> object:
    # [upsert]
    products = Product.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=["name", "price"],
        return_queryset=True,
    )
    # [end upsert]
    return products


def feed(rows: list[Product]) -> tuple[int, int, int]:
    # [bulk_upsert]
    result = Product.objects.bulk_upsert(
        rows, unique_fields=["sku"], update_fields=["name", "price"]
    )
    counts = result.inserted, result.updated, result.unchanged
    # [end bulk_upsert]
    return counts


def arrivals(rows: list[Product]) -> tuple[int, int]:
    # [rules]
    result = Product.objects.bulk_upsert(
        rows,
        unique_fields=["sku"],
        set={"stock": F("stock") + Excluded("stock")},  # a new row gets the object's stock
        update_where=Q(price__lte=Excluded("price")),  # leave rows whose price would fall
    )
    # [end rules]
    return result.updated, result.ignored


def history(rows: list[Product]) -> list[str]:
    # [changes]
    result = Product.objects.bulk_upsert(rows, unique_fields=["sku"], return_changes=["price"])
    lines = [f"{change.key}: {change.old} -> {change.new}" for change in result.changes]

    def record(changes: list[Change]) -> None:  # called in the transaction of the call
        Movement.objects.bulk_create(
            Movement(sku=change.old, amount=0) for change in changes if change.field == "sku"
        )

    Product.objects.bulk_delete(rows, unique_fields=["sku"], on_changes=record)
    # [end changes]
    return lines


def taken_back(rows: list[Product]) -> int:
    # [undo]
    result = Product.objects.bulk_upsert(rows, unique_fields=["sku"], return_changes=True)
    undone = result.undo()
    changed = undone.updated + undone.deleted + undone.inserted
    # [end undo]
    return changed


def in_parts(rows: list[Product]) -> list[Product]:
    # [commit_every]
    left = rows
    try:
        Product.objects.bulk_upsert(rows, unique_fields=["sku"], commit_every=100_000)
        left = []
    except PartialCommit as error:
        undone = [part for part in error.parts if part.state != "committed"]
        left = [rows[i] for part in undone for positions in part.rows for i in positions]
    # [end commit_every]
    return left


def stream_in_parts(rows: Iterable[Product]) -> int:
    # [parts_of_a_stream]
    try:
        n = Product.objects.copy_from_objects(iter(rows), commit_every=100_000)
    except PartialCommit as error:
        done = [part for part in error.parts if part.state == "committed"]
        n = sum(len(positions) for part in done for positions in part.rows)
    # [end parts_of_a_stream]
    return n


def nightly(rows: list[Product]) -> list[str]:
    # [bulk_sync]
    ours = Product.objects.filter(sku__startswith="A-")  # the only rows that may be deleted
    preview = ours.bulk_sync(rows, unique_fields=["sku"], max_deletes="50%", dry_run=True)
    lines = [f"{change.field}: {change.old} -> {change.new}" for change in preview.changes]
    result = ours.bulk_sync(rows, unique_fields=["sku"], max_deletes="50%")
    lines.append(f"{result.inserted} new, {result.updated} updated, {result.deleted} gone")
    # [end bulk_sync]
    return lines


def refused(rows: list[Product]) -> tuple[object, ...]:
    # [errors]
    try:
        Product.objects.bulk_create(rows)
    except IntegrityError as error:
        known = error.row_index, error.field_name, error.constraint, error.sqlstate
    # [end errors]
    return known
