"""Models of which the fields prepare their values."""

import json
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


class Upper(json.JSONDecoder):
    """Reads texts in a list in upper case."""

    def decode(self, s: str, *given: Any) -> Any:
        found = super().decode(s, *given)
        return [item.upper() if isinstance(item, str) else item for item in found]


class WordsField(models.Field):  # type: ignore[type-arg]
    """A list of words in one column of text."""

    def db_type(self, connection: Any) -> str:
        return "text"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value if value is None else value.split(" ")

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else " ".join(value)


class Kept(models.Model):
    """Values that can change in place."""

    document = models.JSONField(null=True)
    decoded = models.JSONField(null=True, decoder=Upper)
    words = WordsField(null=True)
    number = models.IntegerField(null=True)

    objects = BulkModelManager()
    django = models.Manager()


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


class Slowly(models.IntegerField):  # type: ignore[type-arg]
    """Is one more at each save."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = (getattr(model_instance, self.attname) or 0) + 1
        setattr(model_instance, self.attname, value)
        return value


class Named(models.Model):
    """Is known by a name of a class of its own, and referred to by it."""

    name = Shouted(max_length=20, unique=True)
    code = models.DecimalField(max_digits=8, decimal_places=2, unique=True)
    count = Slowly(null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Refers(models.Model):
    by_name = models.ForeignKey(
        Named, null=True, to_field="name", on_delete=models.CASCADE, related_name="+"
    )
    by_code = models.ForeignKey(
        Named,
        null=True,
        to_field="code",
        on_delete=models.CASCADE,
        db_column="the code",
        related_name="+",
    )
    note = models.CharField(max_length=20, null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Defaults(models.Model):
    """The database computes some of it."""

    value = models.IntegerField(db_default=7)
    name = models.CharField(max_length=20, db_default="from the database")
    double = models.GeneratedField(
        expression=models.F("value") * 2, output_field=models.IntegerField(), db_persist=True
    )
    plain = models.IntegerField(null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Computed(models.Model):
    value = models.IntegerField(null=True)
    double = models.GeneratedField(
        expression=models.F("value") * 2, output_field=models.IntegerField(), db_persist=True
    )

    objects = BulkModelManager()
    django = models.Manager()


class Alias(Named):
    """The same rows by another class."""

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        proxy = True


class Chapter(models.Model):
    """Is ordered among those of its book."""

    book = models.ForeignKey(Odd, on_delete=models.CASCADE)
    title = models.CharField(max_length=20)

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        order_with_respect_to = "book"


class Place(models.Model):
    """Its key is two columns."""

    pk = models.CompositePrimaryKey("row", "seat")
    row = models.IntegerField()
    seat = models.CharField(max_length=5)
    taken = models.BooleanField(default=False)

    objects = BulkModelManager()
    django = models.Manager()


class Special(Named):
    """Its columns are in two tables."""

    extra = models.JSONField(default=dict)

    objects = BulkModelManager()
    django = models.Manager()


class OddKey(models.Model):
    """Its key is a decimal number."""

    code = models.DecimalField(max_digits=8, decimal_places=2, primary_key=True)
    value = models.IntegerField(null=True)

    objects = BulkModelManager()


class ShoutedKey(models.Model):
    """Its key is stored in another form than it is given in."""

    name = Shouted(max_length=20, primary_key=True)
    value = models.IntegerField(null=True)

    objects = BulkModelManager()
