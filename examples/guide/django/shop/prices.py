"""A queryset class of the project's own."""

# [price]
from django.db import models

from bulkmodel.managers import BulkModelManager
from bulkmodel.queryset import BulkModelQuerySet


class PriceQuerySet(BulkModelQuerySet):
    def in_euro(self):
        return self.filter(currency="EUR")


class Price(models.Model):
    sku = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=10, decimal_places=2)

    objects = BulkModelManager.from_queryset(PriceQuerySet)()
    # [end price]
