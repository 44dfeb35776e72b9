"""Models of the tests."""

import uuid

from django.conf import settings
from django.db import models

from app import keys as keys
from app import linked as linked
from app import odd as odd
from bulkmodel.managers import BulkModelManager
from bulkmodel.models import BulkModel

if settings.ENGINE == "postgresql":
    from app import postgres as postgres


class Foo(BulkModel):
    name = models.CharField(max_length=50, blank=False)
    value = models.IntegerField(null=False)


class Plain(models.Model):
    """The manager only, and Django's own beside it."""

    name = models.CharField(max_length=10, unique=True)
    value = models.IntegerField(null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Everything(models.Model):
    small = models.SmallIntegerField(null=True)
    integer = models.IntegerField(null=True, db_column="The integer")
    big = models.BigIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    char = models.CharField(max_length=40, null=True)
    text = models.TextField(null=True)
    slug = models.SlugField(null=True)
    boolean = models.BooleanField(null=True)
    float = models.FloatField(null=True)
    decimal = models.DecimalField(max_digits=20, decimal_places=5, null=True)
    date = models.DateField(null=True)
    datetime = models.DateTimeField(null=True)
    time = models.TimeField(null=True)
    uuid = models.UUIDField(null=True)
    link = models.ForeignKey(Plain, null=True, on_delete=models.CASCADE)

    objects = BulkModelManager()
    django = models.Manager()


class Keyed(models.Model):
    """A key that is no number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=20)

    objects = BulkModelManager()


class SmallKey(models.Model):
    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=20)

    objects = BulkModelManager()


class Stamped(models.Model):
    name = models.CharField(max_length=20)
    made = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = BulkModelManager()


class Document(models.Model):
    """Has a field whose values change in place."""

    name = models.CharField(max_length=20)
    body = models.JSONField(default=dict)

    objects = BulkModelManager()


class Noted(models.Model):
    """Has a field with preparations of its own beside plain ones."""

    name = models.CharField(max_length=20)
    value = models.IntegerField(null=True)
    note = models.CharField(max_length=20, blank=True)
    body = models.JSONField(null=True)

    objects = BulkModelManager()


class Child(Plain):
    extra = models.IntegerField(default=0)

    objects = BulkModelManager()


class Positive(BulkModelManager):
    def get_queryset(self) -> models.QuerySet:  # type: ignore[type-arg]
        return super().get_queryset().filter(value__gte=0)


class Signed(models.Model):
    name = models.CharField(max_length=20)
    value = models.IntegerField()
    owner = models.ForeignKey(Plain, null=True, on_delete=models.CASCADE, related_name="signed")

    objects = BulkModelManager()
    positive = Positive()


class Node(models.Model):
    """Rows refer to rows of the same table."""

    name = models.CharField(max_length=20)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE)

    objects = BulkModelManager()
