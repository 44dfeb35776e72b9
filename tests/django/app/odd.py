"""Models of which the fields prepare their values."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from bulkmodel.managers import BulkModelManager


class Color(models.TextChoices):
    RED = "red", "Red"
    BLUE = "blue", "Blue"


class Encoder(DjangoJSONEncoder):
    """Knows sets."""

    def default(self, o: Any) -> Any:
        return sorted(o) if isinstance(o, set) else super().default(o)


class Shouted(models.CharField):  # type: ignore[type-arg]
    """Is stored in upper case, and read in lower case."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else str(value).upper()

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value if value is None else value.lower()


class Pair(models.Field):  # type: ignore[type-arg]
    """Two integers in one column of text."""

    def db_type(self, connection: Any) -> str:
        return "varchar(30)"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value if value is None else tuple(map(int, value.split(",")))

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else ",".join(map(str, value))


class Odd(models.Model):
    """Fields that prepare their values."""

    json = models.JSONField(null=True)
    encoded = models.JSONField(null=True, encoder=Encoder)
    binary = models.BinaryField(null=True)
    duration = models.DurationField(null=True)
    address = models.GenericIPAddressField(null=True)
    path = models.FilePathField(null=True)
    file = models.FileField(null=True)
    color = models.CharField(max_length=10, choices=Color.choices, null=True)
    shouted = Shouted(max_length=20, null=True)
    pair = Pair(null=True)

    objects = BulkModelManager()
    django = models.Manager()
