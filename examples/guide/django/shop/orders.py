"""Orders, with lines and a customer, and the samples of the calls that write them."""

from __future__ import annotations

# [orders]
from django.db import models

from bulkmodel.expressions import Lookup
from bulkmodel.managers import BulkModelManager


class Customer(models.Model):
    email = models.EmailField(unique=True)
    country = models.CharField(max_length=2, default="")

    objects = BulkModelManager()


class Order(models.Model):
    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.PROTECT, related_name="orders"
    )

    objects = BulkModelManager()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=20)
    amount = models.IntegerField(default=1)

    objects = BulkModelManager()


# [end orders]


def by_email() -> list[Order]:
    # [lookups]
    orders = [Order(number=f"N-{i}", customer_id=f"c{i}@example.org") for i in range(3)]
    Order.objects.bulk_upsert(
        orders,
        unique_fields=["number"],
        lookups={"customer": Lookup("email", create=True, defaults={"country": "FR"})},
    )
    lines = [Line(order_id=f"N-{i}", sku="A-1") for i in range(3)]
    Line.objects.bulk_create(lines, lookups={"order": "number"})
    # [end lookups]
    return orders


def graph() -> dict[str, int]:
    # [save_graph]
    customers = [Customer(email=f"g{i}@example.org") for i in range(3)]
    orders = {one.email: [Order(number=f"G-{i}")] for i, one in enumerate(customers)}
    lines = {f"G-{i}": [Line(sku="A-1"), Line(sku="A-2", amount=5)] for i in range(3)}
    result = Customer.objects.save_graph(
        customers,
        children={
            "orders": lambda customer: orders[customer.email],
            "orders__lines": lambda order: lines[order.number],
        },
    )
    written = result.inserted_by_label  # 3 customers, 3 orders, 6 lines: three statements
    # [end save_graph]
    return written
