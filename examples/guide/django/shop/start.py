"""Five minutes."""

# [start]
from decimal import Decimal

from shop.models import Product


def run() -> None:
    # Create 10,000 rows in one transaction; each has its primary key afterwards.
    products = Product.objects.bulk_create(
        [Product(sku=f"A-{i}", name=f"Article {i}", price=Decimal("9.90")) for i in range(10_000)],
        return_queryset=True,
    )
    print(len(products), "created, the first one has the key", products[0].pk)

    # Give each row its own value, then write what changed.
    for product in products[:100]:
        product.price += 1
    print(products.update_fields(), "updated")

    # Django's own methods work as before.
    print(Product.objects.filter(price__gt=10).update(stock=5), "updated")


# [end start]
