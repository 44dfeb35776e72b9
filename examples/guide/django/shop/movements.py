"""A model with a column for the call that created a row."""

# [movement]
from django.db import models

from bulkmodel.models import BulkModel


class Movement(BulkModel):
    sku = models.CharField(max_length=20)
    amount = models.IntegerField()
    # [end movement]
