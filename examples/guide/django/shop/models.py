"""Models of the samples."""

from __future__ import annotations

# [models]
from django.db import models

from bulkmodel.managers import BulkModelManager


class Product(models.Model):
    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=50)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    stock = models.IntegerField(default=0)

    objects = BulkModelManager()
    # [end models]
    tags = models.ManyToManyField("Tag")


class Tag(models.Model):
    name = models.CharField(max_length=30, unique=True)

    objects = BulkModelManager()


# Django looks for models here.
from shop.movements import Movement as Movement  # noqa: E402
from shop.orders import Customer as Customer  # noqa: E402
from shop.orders import Line as Line  # noqa: E402
from shop.orders import Order as Order  # noqa: E402
from shop.prices import Price as Price  # noqa: E402
