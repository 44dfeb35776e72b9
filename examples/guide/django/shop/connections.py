"""Samples of the page on connections."""

from __future__ import annotations

import time
from collections.abc import Iterable

from shop.models import Product


def long_job(batches: Iterable[list[Product]], pause: float = 0) -> None:
    # [ensure]
    for batch in batches:  # each may take an hour to be computed
        time.sleep(pause)
        Product.objects.ensure_connected().bulk_create(batch)
    # [end ensure]


def reset() -> None:
    # [reset]
    Product.objects.reset_connection()  # close and open again
    # [end reset]
