"""Samples of the page on copies."""

from __future__ import annotations

# [in]
import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from shop.models import Product


def read(path: Path) -> Iterator[Product]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield Product(sku=row["sku"], name=row["name"], price=Decimal(row["price"]))


def load(path: Path) -> int:
    return Product.objects.copy_from_objects(read(path))


# [end in]
def copied(rows: list[Product]) -> list[Product]:
    # [queryset]
    products = Product.objects.copy_from_objects(rows, return_queryset=True)
    # [end queryset]
    return list(products)


def out() -> list[Product]:
    # [out]
    products = Product.objects.filter(stock__gt=0).order_by("sku").copy_to_instances()
    # [end out]
    return list(products)


def some_columns() -> list[Product]:
    # [columns]
    products = Product.objects.copy_to_instances(columns=["sku", "price"])
    # [end columns]
    return list(products)


def stream() -> Decimal:
    total = Decimal(0)
    # [stream]
    for product in Product.objects.order_by("pk").iter_copy_to_instances(chunk_size=5000):
        total += product.price * product.stock
    # [end stream]
    return total
