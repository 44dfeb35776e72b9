"""Samples of the page on connections."""

from __future__ import annotations

from collections.abc import Iterable

# [imports]
from shop.models import Product

# [end imports]


def long_job(batches: Iterable[list[Product]]) -> None:
    # [ensure]
    for batch in batches:  # computing one may take an hour
        Product.objects.ensure_connected().bulk_create(batch)
    # [end ensure]


def reset() -> None:
    # [reset]
    Product.objects.reset_connection()  # close and open again
    # [end reset]
