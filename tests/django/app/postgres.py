"""Models with the fields of django.contrib.postgres."""

from typing import Any

from django.contrib.postgres import fields
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.search import SearchVectorField
from django.contrib.postgres.signals import get_hstore_oids, register_type_handlers
from django.db import connections, models
from django.db.models.signals import pre_migrate
from django.dispatch import receiver

from bulkmodel.managers import BulkModelManager


@receiver(pre_migrate)
def make_extensions(using: str, **kwargs: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS hstore")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS citext")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS ltree")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS cube")
        cursor.execute("SELECT to_regtype('pair') IS NULL")
        if cursor.fetchone()[0]:
            cursor.execute("CREATE TYPE mood AS ENUM ('sad', 'so, \"so\"')")
            cursor.execute("CREATE TYPE pair AS (a int, b text)")
            cursor.execute("CREATE DOMAIN code AS varchar(3)")
    get_hstore_oids.cache_clear()
    register_type_handlers(connections[using])


class Caseless(models.TextField):  # type: ignore[type-arg]
    def db_type(self, connection: Any) -> str:
        return "citext"


class Typed(models.Field):  # type: ignore[type-arg]
    """A column of this type, whose values are texts."""

    def __init__(self, kind: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind

    def db_type(self, connection: Any) -> str:
        return self.kind

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "kind": self.kind}


class Cube(Typed):
    """As a geometry: some values are given to a function of the server."""

    def __init__(self, kind: str = "cube", **options: Any) -> None:
        super().__init__(kind, **options)

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "cube_enlarge(%s, 1, 2)" if str(value).startswith("(0") else "%s"


class Unusual(models.Model):
    """Types that no field of Django has, beside ordinary ones (L21)."""

    name = models.CharField(max_length=20)
    value = models.IntegerField(null=True)
    timetz = Typed("timetz", null=True)
    cidr = Typed("cidr", null=True)
    host = models.GenericIPAddressField(null=True)
    macaddr = Typed("macaddr", null=True)
    macaddr8 = Typed("macaddr8", null=True)
    bit = Typed("bit(3)", null=True)
    varbit = Typed("varbit", null=True)
    point = Typed("point", null=True)
    box = Typed("box", null=True)
    circle = Typed("circle", null=True)
    polygon = Typed("polygon", null=True)
    xml = Typed("xml", null=True)
    jsonpath = Typed("jsonpath", null=True)
    tree = Typed("ltree", null=True)
    oid = Typed("oid", null=True)
    lsn = Typed("pg_lsn", null=True)
    mood = Typed("mood", null=True)
    pair = Typed("pair", null=True)
    money = Typed("money", null=True)
    query = Typed("tsquery", null=True)
    table = Typed("regclass", null=True)
    several = Typed("int4multirange", null=True)
    clock = Typed("time(3)", null=True)
    moment = Typed("timestamp(3) with time zone", null=True)
    exact = Typed("decimal(6,2)", null=True)
    exacts = Typed("numeric(6,2)[]", null=True)
    padded = Typed("char(4)", null=True)
    cube = Cube(null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Coded(models.Model):
    """A domain that an explicit cast cuts to its length."""

    code = Typed("code", null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Padded(models.CharField):  # type: ignore[type-arg]
    def db_type(self, connection: Any) -> str:
        return f"char({self.max_length})"


class Limited(models.Model):
    """Types whose explicit cast cuts."""

    char = Typed("char(3)", null=True)
    letter = Typed("char", null=True)
    padded = Padded(max_length=3, null=True)
    varying = Typed("character varying(3)", null=True)
    short = Typed("varchar(3)", null=True)
    bit = Typed("bit(3)", null=True)
    varbit = Typed("varbit(3)", null=True)
    chars = fields.ArrayField(Padded(max_length=3), null=True)
    bits = fields.ArrayField(Typed("bit(3)"), null=True)
    texts = fields.ArrayField(models.CharField(max_length=3), null=True)
    nested = fields.ArrayField(fields.ArrayField(models.CharField(max_length=3)), null=True)
    file = models.FileField(max_length=3, null=True)
    number = models.IntegerField(null=True)

    objects = BulkModelManager()
    django = models.Manager()


class Day(models.Model):
    day = models.DateField(unique=True)


class Checked(models.Model):
    """What PostgreSQL refuses without a word about the row."""

    amount = models.DecimalField(max_digits=8, decimal_places=2, default=1)
    whole = fields.IntegerRangeField(null=True)
    day = models.ForeignKey(Day, to_field="day", null=True, on_delete=models.CASCADE)
    note = models.TextField(default="-")
    mark = models.UUIDField(null=True)

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="positive"),
            ExclusionConstraint(name="apart", expressions=[("whole", RangeOperators.OVERLAPS)]),
        )


class Contrib(models.Model):
    integers = fields.ArrayField(models.IntegerField(), null=True)
    texts = fields.ArrayField(models.TextField(), null=True)
    short = fields.ArrayField(models.CharField(max_length=3), null=True, size=3)
    nested = fields.ArrayField(fields.ArrayField(models.SmallIntegerField()), null=True)
    decimals = fields.ArrayField(
        models.DecimalField(max_digits=8, decimal_places=2, null=True), null=True
    )
    moments = fields.ArrayField(models.DateTimeField(), null=True)
    documents = fields.ArrayField(models.JSONField(), null=True)
    store = fields.HStoreField(null=True)
    whole = fields.IntegerRangeField(null=True)
    big = fields.BigIntegerRangeField(null=True)
    exact = fields.DecimalRangeField(null=True)
    days = fields.DateRangeField(null=True)
    times = fields.DateTimeRangeField(null=True)
    caseless = Caseless(null=True)
    vector = SearchVectorField(null=True)

    objects = BulkModelManager()
    django = models.Manager()
