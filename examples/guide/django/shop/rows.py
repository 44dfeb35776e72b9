"""Objects for the samples."""

from __future__ import annotations

from decimal import Decimal

from shop.models import Movement, Product


def products(n: int, first: int = 0) -> list[Product]:
    """`n` products that are not saved yet."""
    return [
        Product(sku=f"A-{i}", name=f"Article {i}", price=Decimal(i % 100) + 1, stock=i % 10)
        for i in range(first, first + n)
    ]


def movements(n: int) -> list[Movement]:
    """`n` movements that are not saved yet."""
    return [Movement(sku=f"A-{i % 100}", amount=i) for i in range(n)]
