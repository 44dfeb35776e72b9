"""Models of which the database computes values, and models in several tables."""

from django.db import models
from django.db.models.functions import Now, Upper

from app.odd import Special
from bulkmodel.managers import BulkModelManager


class Order(models.Model):
    """Has defaults of the database, constant and computed, and a generated column."""

    name = models.CharField(max_length=20, unique=True)
    made = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=20, db_default="new")
    count = models.IntegerField(db_default=3)
    upper = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=20), db_persist=True
    )
    twice = models.GeneratedField(
        expression=models.F("count") * 2, output_field=models.BigIntegerField(), db_persist=True
    )

    objects = BulkModelManager()
    django = models.Manager()


class Virtual(models.Model):
    """A generated column that is not stored."""

    name = models.CharField(max_length=20, unique=True)
    upper = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=20), db_persist=False
    )

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        required_db_features = ("supports_virtual_generated_columns",)


class Slot(models.Model):
    """A composite key, whose columns are not in its order, and computed values."""

    pk = models.CompositePrimaryKey("seat", "row")
    note = models.CharField(max_length=20, db_default="none")
    row = models.IntegerField()
    seat = models.CharField(max_length=5)
    taken = models.BooleanField(default=False)
    code = models.GeneratedField(
        expression=models.F("row") + 1, output_field=models.IntegerField(), db_persist=True
    )

    objects = BulkModelManager()
    django = models.Manager()


class Rare(Special):
    """The third table of a row."""

    level = models.IntegerField(null=True)
    since = models.DateTimeField(auto_now_add=True)

    objects = BulkModelManager()
    django = models.Manager()


class Blank(models.Model):
    """Every column but the key has a default of the database."""

    state = models.CharField(max_length=20, db_default="new")
    count = models.IntegerField(db_default=3)

    objects = BulkModelManager()
    django = models.Manager()
