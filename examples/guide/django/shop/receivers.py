"""Samples of the page on signals."""

from __future__ import annotations

# [receivers]
from typing import Any

from django.dispatch import receiver

from bulkmodel.signals import post_bulk_create, post_update, pre_update_fields
from shop.models import Product

log: list[str] = []


@receiver(post_bulk_create, sender=Product)
def announce(sender: type[Product], instances: list[Product] | None, n: int, **facts: Any) -> None:
    log.append(f"{n} products created, the first one is {instances[0].sku}")


@receiver(pre_update_fields, sender=Product)
def forbid_negative(sender: type[Product], instances: list[Product], **facts: Any) -> None:
    for product in instances:
        if product.stock < 0:
            raise ValueError(f"{product.sku}: a stock below 0")


@receiver(post_update, sender=Product)
def forget_prices(sender: type[Product], values: dict[str, Any], **facts: Any) -> None:
    if "price" in values:
        log.append("prices changed")


# [end receivers]
# [retries]
from bulkmodel.signals import on_retry  # noqa: E402


@receiver(on_retry, sender=Product)
def count_retry(sender: type[Product], replay: int, error: Exception, **facts: Any) -> None:
    log.append(f"retry {replay} after {type(error).__name__}")


# [end retries]
def quiet(rows: list[Product]) -> None:
    # [quiet]
    Product.objects.bulk_create(rows, send_signals=False)
    # [end quiet]
