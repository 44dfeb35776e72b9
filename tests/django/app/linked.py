"""Models with many-to-many fields of every kind."""

from typing import Any

from django.db import models

from bulkmodel.managers import BulkModelManager


class Visible(BulkModelManager):
    def get_queryset(self) -> models.QuerySet:  # type: ignore[type-arg]
        return super().get_queryset().filter(hidden=False)


class Tag(models.Model):
    name = models.CharField(max_length=20, unique=True)
    hidden = models.BooleanField(default=False)

    objects = BulkModelManager()


class Part(models.Model):
    """Its manager does not see all of its rows."""

    name = models.CharField(max_length=20)
    hidden = models.BooleanField(default=False)

    objects = Visible()
    everything = models.Manager()


class Box(models.Model):
    code = models.CharField(max_length=20, unique=True)
    tags = models.ManyToManyField(Tag, related_name="boxes")
    parts = models.ManyToManyField(Part)
    named = models.ManyToManyField(Tag, through="Label", related_name="+")
    near = models.ManyToManyField("self")
    follows = models.ManyToManyField("self", symmetrical=False, related_name="followers")

    objects = BulkModelManager()


class Label(models.Model):
    """Links that are not by key, and say more."""

    box = models.ForeignKey(Box, on_delete=models.CASCADE, to_field="code")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, to_field="name")
    weight = models.IntegerField(default=0)

    objects = BulkModelManager()


class AnyCase(models.TextField):  # type: ignore[type-arg]
    """Texts that are equal in any case, as MariaDB's are."""

    def db_type(self, connection: Any) -> str | None:
        kinds = {"postgresql": "citext", "sqlite": "text COLLATE NOCASE"}
        return kinds.get(connection.vendor) or super().db_type(connection)


class Shelf(models.Model):
    name = AnyCase()

    objects = BulkModelManager()


class Book(models.Model):
    """Stays when its shelf is gone."""

    name = models.CharField(max_length=20)
    shelf = models.ForeignKey(Shelf, null=True, on_delete=models.SET_NULL)

    objects = BulkModelManager()
