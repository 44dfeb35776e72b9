"""Models with keys of several columns, and with an order."""

from django.db import models
from django.db.models.functions import Lower

from bulkmodel.managers import BulkModelManager


class Pair(models.Model):
    pk = models.CompositePrimaryKey("left", "right")
    left = models.IntegerField()
    right = models.CharField(max_length=10)
    value = models.IntegerField()

    objects = BulkModelManager()


class Tagged(models.Model):
    name = models.CharField(max_length=20)

    objects = BulkModelManager()

    class Meta:
        ordering = ("name",)


class Stock(models.Model):
    """Rows are known by two fields together, of which one may be NULL."""

    shop = models.ForeignKey("app.Plain", on_delete=models.CASCADE, related_name="stocks")
    sku = models.CharField(max_length=20, null=True)
    amount = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    facts = models.JSONField(default=dict)
    changed = models.DateTimeField(auto_now=True)
    made = models.DateTimeField(auto_now_add=True)

    objects = BulkModelManager()

    class Meta:
        unique_together = (("shop", "sku"),)


class Product(models.Model):
    """Is unique by constraints with conditions and expressions."""

    code = models.CharField(max_length=20, null=True)
    name = models.CharField(max_length=20, default="")
    active = models.BooleanField(default=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    stock = models.IntegerField(default=0)
    version = models.IntegerField(default=0)
    brand = models.ForeignKey("app.Plain", null=True, on_delete=models.CASCADE, related_name="+")

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["code", "brand"], name="product_plain"),
            models.UniqueConstraint(
                fields=["code"],
                condition=models.Q(active=True, price__gte="10"),
                name="product_active",
            ),
            models.UniqueConstraint(
                Lower("name").desc(),
                "version",
                condition=~models.Q(name=""),
                name="product_name",
            ),
        )
