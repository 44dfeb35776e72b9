"""Five minutes."""

# [start]
from decimal import Decimal

from shop.models import Product


def run() -> None:
    # 10,000 rows, one call, one transaction; all have their keys.
    products = Product.objects.bulk_create(
        [Product(sku=f"A-{i}", name=f"Article {i}", price=Decimal("9.90")) for i in range(10_000)],
        return_queryset=True,
    )
    print(len(products), "created, the first one has the key", products[0].pk)

    # Give rows values of their own, then write what changed.
    for product in products[:100]:
        product.price += 1
    print(products.update_fields(), "updated")

    # Django's own calls are as before.
    print(Product.objects.filter(price__gt=10).update(stock=5), "updated")
    # [end start]
