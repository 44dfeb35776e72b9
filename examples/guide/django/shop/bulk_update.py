"""Samples of the page on updates."""

from __future__ import annotations

# [imports]
from decimal import Decimal

from bulkmodel.results import Outcome
from shop.models import Product

# [end imports]


def changed() -> int:
    # [changed]
    products = Product.objects.filter(stock__lt=5)
    for product in products:
        product.price *= 2
    matched = products.update_fields()  # only rows and fields that changed
    # [end changed]
    return int(matched)


def named(products: object) -> None:
    # [named]
    products.update_fields("price", "stock")  # these fields of all rows of the queryset
    # [end named]


def without_snapshot() -> int:
    # [snapshot]
    products = Product.objects.snapshot(False).filter(stock__gt=0)
    for product in products:
        product.price += 1
    matched = products.update_fields("price")
    # [end snapshot]
    return int(matched)


def objects() -> int:
    # [objects]
    products = [product for product in Product.objects.iterator() if product.stock == 0]
    for product in products:
        product.stock = 100
    matched = Product.objects.update_fields("stock", objects=products)
    # [end objects]
    return int(matched)


def by_sku(feed: dict[str, Decimal]) -> int:
    # [unique]
    products = [Product(sku=sku, price=price) for sku, price in feed.items()]
    matched = Product.objects.update_fields("price", objects=products, unique_fields=["sku"])
    # [end unique]
    return int(matched)


def deleted(skus: list[str]) -> dict[str, int]:
    # [delete]
    result = Product.objects.bulk_delete(skus, unique_fields=["sku"])
    unknown = [skus[i] for i in result.rows(Outcome.MISSING)]
    # [end delete]
    return {**result.deleted_by_label, "unknown": len(unknown)}


def by_key(prices: dict[int, Decimal]) -> int:
    # [by_key]
    products = [Product(pk=key, price=price) for key, price in prices.items()]
    matched = Product.objects.bulk_update(products, ["price"])
    # [end by_key]
    return int(matched)


def as_django(products: list[Product]) -> int:
    # [django]
    matched = Product.objects.bulk_update(products, ["price", "stock"], batch_size=5000)
    # [end django]
    return int(matched)


def same_value() -> int:
    # [same]
    # One UPDATE ... WHERE, as in Django.
    Product.objects.filter(stock=0).update(price=Decimal("0.99"))
    # By key, 5,000 rows a statement; all in one transaction.
    matched = Product.objects.filter(stock=0).update(price=Decimal("0.89"), batch_size=5000)
    # [end same]
    return int(matched)


def updated_rows() -> object:
    # [return]
    products = Product.objects.filter(stock=0).update(stock=1, return_queryset=True)
    # [end return]
    return products


def options() -> int:
    # [options]
    # On a model that has a field named batch_size, update(batch_size=...) is that field.
    matched = Product.objects.bulk_options(batch_size=5000).update(stock=3)
    # [end options]
    return int(matched)
