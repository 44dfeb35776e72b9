"""Who bought what."""

import uuid

from django.db import models, transaction
from django.db.models import F

from bulkmodel.managers import BulkModelManager
from catalogue.models import Product


class OrderManager(BulkModelManager):
    @transaction.atomic
    def place(self, customer, basket):
        """An order of {product: quantity}; IntegrityError where the stock is too small."""
        order = self.create(customer=customer)
        order.lines.bulk_create(
            [
                Line(order=order, product=product, quantity=quantity, price=product.price)
                for product, quantity in basket.items()
            ]
        )
        for product, quantity in basket.items():
            product.stock = F("stock") - quantity
        Product.objects.bulk_update(basket, ["stock"])
        return order


class Order(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.EmailField()
    placed = models.DateTimeField(auto_now_add=True)
    products = models.ManyToManyField(Product, through="Line")

    objects = OrderManager()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)

    objects = BulkModelManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="one_line_for_a_product")
        ]
