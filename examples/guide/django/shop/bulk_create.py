"""Samples of the page on bulk_create."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import IntegrityError

from shop.models import Movement, Product


def keys(products: list[Product]) -> list[int]:
    # [keys]
    created = Product.objects.bulk_create(products)
    keys = [product.pk for product in created]
    # [end keys]
    return keys


def queryset(rows: list[Product]) -> Any:
    # [queryset]
    products = Product.objects.bulk_create(rows, return_queryset=True)
    for product in products:  # no query: it is filled already, in the order of `rows`
        product.stock += 10
    products.update_fields()  # writes the stock, which changed, and nothing else
    cheap = products.filter(price__lt=Decimal(5))  # of these rows, by a query
    # [end queryset]
    return cheap


def one_call(rows: list[Movement]) -> Any:
    # [uuid]
    Movement.objects.bulk_create(rows)
    call = rows[0].bm_create_uuid  # the same in all rows of the call
    same = Movement.objects.filter(bm_create_uuid=call)
    # [end uuid]
    return same


def upsert(rows: list[Product]) -> Any:
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


def refused(rows: list[Product]) -> tuple[Any, ...]:
    # [errors]
    try:
        Product.objects.bulk_create(rows)
    except IntegrityError as error:
        known = error.row_index, error.field_name, error.constraint, error.sqlstate
    # [end errors]
    return known
