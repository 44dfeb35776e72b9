"""Samples of the page on concurrent writes."""

from __future__ import annotations

# [imports]
from bulkmodel.errors import CommitUnknown, PartialCommit
from shop.models import Product

# [end imports]


def write(rows: list[Product]) -> object:
    # [write]
    Product.objects.bulk_create(rows, concurrent=True, max_concurrent_workers=4)

    products = Product.objects.all()
    for product in products:
        product.stock += 1
    products.update_fields(concurrent=True, batch_size=1000)
    products.update(stock=0, concurrent=True, batch_size=1000)
    # [end write]
    return products


def careful(rows: list[Product]) -> list[Product]:
    # [partial]
    try:
        Product.objects.bulk_create(rows, concurrent=True)
    except PartialCommit as error:
        again = [
            rows[i]
            for part in error.parts
            if part.state == "rolled back"
            for numbers in part.rows
            for i in numbers
        ]
    except CommitUnknown:
        raise  # look whether the rows are in the table before you write them again
    else:
        again = []
    # [end partial]
    return again
