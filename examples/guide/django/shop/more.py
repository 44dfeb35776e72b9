"""Samples of the other methods."""

from __future__ import annotations

# [imports]
from shop.models import Product, Tag

# [end imports]


def links(red: Tag, blue: Tag, hat: Product, coat: Product) -> int:
    # [m2m]
    touched = Product.objects.update_m2m_fields("tags", {hat.pk: [red.pk, blue.pk], coat.pk: []})
    # [end m2m]
    return int(touched)


def mixed(rows: list[Product]) -> object:
    # [create_queryset]
    products = Product.objects.create_queryset(rows)  # some new, some existing
    # [end create_queryset]
    return products


def populate(edited: list[Product]) -> object:
    # [populate]
    products = Product.objects.filter(stock__gt=0)
    products.populate_queryset_values(edited, "price")  # by primary key; writes nothing
    products.update_fields()  # writes the prices that differ
    # [end populate]
    return products


def names() -> list[list[str]]:
    found = []
    # [chunks]
    for chunk in Product.objects.order_by("pk").get_chunks(500):
        found.append([product.sku for product in chunk])
    # [end chunks]
    return found


def plan(rows: list[Product]) -> str:
    # [explain]
    plan = Product.objects.bulk_explain("bulk_upsert", rows, unique_fields=["sku"])
    print(plan)
    slow = plan.way == "django", plan.why, plan.hints
    # [end explain]
    return f"{slow}"


async def coroutine(rows: list[Product]) -> int:
    # [async]
    await Product.objects.abulk_create(rows)
    products = Product.objects.filter(stock=0)
    async for product in products:
        product.stock = 1
    written = await products.aupdate_fields()
    # [end async]
    return int(written)
