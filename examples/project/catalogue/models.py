"""What the shop sells."""

from django.db import models

from bulkmodel.managers import BulkModelManager


class Supplier(models.Model):
    name = models.CharField(max_length=100, unique=True)

    objects = BulkModelManager()

    def __str__(self) -> str:
        return self.name


class ScarceManager(BulkModelManager):
    """Products of which few are left."""

    def get_queryset(self):
        return super().get_queryset().filter(stock__lt=5)


class Product(models.Model):
    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="products")
    price = models.DecimalField(max_digits=10, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)
    details = models.JSONField(default=dict)
    changed = models.DateTimeField(auto_now=True)

    objects = BulkModelManager()
    scarce = ScarceManager()

    class Meta:
        ordering = ["sku"]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="price_is_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"
