"""Samples of the page on copies."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from shop.models import Product


# [in]
def read(path: Path) -> Iterator[Product]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield Product(sku=row["sku"], name=row["name"], price=Decimal(row["price"]))


def load(path: Path) -> int:
    written: int = Product.objects.copy_from_objects(read(path))
    return written
    # [end in]


def copied(rows: list[Product]) -> Any:
    # [queryset]
    products = Product.objects.copy_from_objects(rows, return_queryset=True)
    # [end queryset]
    return products
