"""Models with keys of several columns, and with an order."""

from django.db import models

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
