"""Django as the benchmarks use it: settings, the page's Foo, a wide model, rows for both."""

from __future__ import annotations

import datetime
import decimal
import os
import random
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "bulkmodel_bench"
LITE = "lite"


def find_package() -> None:
    """Ours, with the extension that script/bench has built."""
    sys.path.insert(0, str(ROOT / "python"))
    import bulkmodel

    bulkmodel.__path__.append(os.environ["BM_BENCH_EXTENSION"])


def on_postgresql() -> dict[str, Any]:
    words = os.environ["BM_TEST_POSTGRESQL"].split()
    given = dict(word.partition("=")[::2] for word in words)
    names = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"options": f"-c search_path={SCHEMA}"},
        **{names[key]: value for key, value in given.items()},
    }


def on_mariadb(driver: str) -> dict[str, Any]:
    """The server of script/with-mariadb."""
    if driver == "pymysql":
        import pymysql

        # Django asks for the version of mysqlclient whose interface it has.
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "test",
        "USER": "test",
        "HOST": os.environ["BM_TEST_MARIADB"],
        "OPTIONS": {"charset": "utf8mb4"},
    }


def set_up(directory: str) -> None:
    import django
    from django.conf import settings

    driver = os.environ.get("BM_BENCH_MARIADB")
    settings.configure(
        DATABASES={
            "default": on_postgresql() if driver is None else on_mariadb(driver),
            LITE: {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{directory}/django-{os.getpid()}.db",
            },
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


find_package()
if "BM_BENCH_PSYCOPG2" in os.environ:
    # Django takes psycopg 3 where it finds it; django-bulk-load speaks psycopg2 alone.
    sys.modules["psycopg"] = None  # type: ignore[assignment]
set_up(os.environ.get("BM_BENCH_DIRECTORY", "/tmp"))

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.db import connections, models  # noqa: E402

from bulkmodel.managers import BulkModelManager  # noqa: E402


class Foo(models.Model):
    """The page's model, by BulkModelManager and by Django's own manager."""

    name = models.CharField(max_length=50)
    value = models.IntegerField()
    bm_create_uuid = models.UUIDField(
        null=True, blank=True, default=None, editable=False, db_index=True
    )

    objects = BulkModelManager()
    plain = models.Manager()

    class Meta:
        app_label = "bench"
        db_table = "foo"


class AnyWide(models.Model):
    """Each scalar type, JSON, and one column more to make it twenty with the key."""

    small = models.SmallIntegerField(null=True)
    integer = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    flag = models.BooleanField(null=True)
    double = models.FloatField(null=True)
    price = models.DecimalField(null=True, max_digits=12, decimal_places=2)
    name = models.CharField(null=True, max_length=50)
    slug = models.SlugField(null=True)
    text = models.TextField(null=True)
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    span = models.DurationField(null=True)
    token = models.UUIDField(null=True)
    data = models.BinaryField(null=True)
    address = models.GenericIPAddressField(null=True)
    document = models.JSONField(null=True)

    objects = BulkModelManager()
    plain = models.Manager()

    class Meta:
        abstract = True


class Wide(AnyWide):
    numbers = ArrayField(models.IntegerField(), null=True)

    class Meta:
        app_label = "bench"
        db_table = "wide"


class WideLite(AnyWide):
    numbers = models.JSONField(null=True)

    class Meta:
        app_label = "bench"
        db_table = "wide"


def random_text(rng: random.Random) -> str:
    return f"{rng.getrandbits(100):025x}"


_WIDE: list[Callable[[random.Random], Any]] = [
    lambda rng: rng.randrange(-30_000, 30_000),
    lambda rng: rng.randrange(-2_000_000_000, 2_000_000_000),
    lambda rng: rng.randrange(-(2**60), 2**60),
    lambda rng: rng.randrange(2_000_000_000),
    lambda rng: rng.random() < 0.5,
    lambda rng: rng.random(),
    lambda rng: decimal.Decimal(rng.randrange(10**9)).scaleb(-2),
    random_text,
    random_text,
    random_text,
    lambda rng: datetime.date(2020, 1, 1) + datetime.timedelta(rng.randrange(2000)),
    lambda rng: datetime.time(rng.randrange(24), rng.randrange(60), rng.randrange(60)),
    lambda rng: datetime.datetime.fromtimestamp(rng.randrange(2**30), datetime.timezone.utc),
    lambda rng: datetime.timedelta(seconds=rng.randrange(10**6)),
    lambda rng: uuid.UUID(int=rng.getrandbits(128)),
    lambda rng: rng.getrandbits(128).to_bytes(16, "big"),
    lambda rng: f"10.{rng.randrange(256)}.{rng.randrange(256)}.1",
    lambda rng: {"a": rng.randrange(100), "b": [1, 2, 3]},
    lambda rng: [rng.randrange(100) for _ in range(4)],
]


class Table:
    """A model's table on one alias, and rows of it."""

    def __init__(self, model: type[models.Model], alias: str) -> None:
        self.model, self.alias = model, alias
        self.name = model._meta.db_table
        self.vendor = connections[alias].vendor
        self.stamp = uuid.UUID(int=random.Random(2).getrandbits(128))
        self.values: list[tuple[Any, ...]] = []

    @property
    def ours(self) -> Any:
        return self.model.objects.using(self.alias)  # type: ignore[attr-defined]

    @property
    def plain(self) -> Any:
        return self.model.plain.using(self.alias)  # type: ignore[attr-defined]

    def execute(self, sql: str) -> list[Any]:
        with connections[self.alias].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def make(self) -> None:
        if self.vendor == "postgresql":
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        if self.vendor != "sqlite":
            self.execute(f"DROP TABLE IF EXISTS {self.name}, {self.name}_kept")
        with connections[self.alias].schema_editor() as editor:
            editor.create_model(self.model)

    def empty(self) -> None:
        if self.vendor == "sqlite":
            self.execute(f"DELETE FROM {self.name}")
        else:
            self.execute(f"TRUNCATE {self.name}")
        if self.vendor == "postgresql":
            self.execute("CHECKPOINT")

    def vacuum(self) -> None:
        """Leave nothing to do of the run before."""
        if self.vendor == "postgresql":
            self.execute(f"VACUUM {self.name}")
            self.execute("CHECKPOINT")

    def fill(self, n: int) -> None:
        """Rows of the keys 1 .. n, measured by the database."""
        self.empty()
        for first in range(0, n, 100_000):
            self.ours.bulk_create(self.objects(min(n - first, 100_000), first + 1))
        analyze = {"sqlite": "ANALYZE", "mysql": f"ANALYZE TABLE {self.name}"}
        self.execute(analyze.get(self.vendor, f"VACUUM ANALYZE {self.name}"))

    def tuples(self, n: int) -> list[tuple[Any, ...]]:
        """Values of n rows without their keys; the same in every run."""
        if len(self.values) < n:
            rng = random.Random(1)
            if self.model is Foo:
                self.values = [
                    (random_text(rng), rng.randrange(1001), self.stamp) for _ in range(n)
                ]
            else:
                self.values = [
                    tuple(None if rng.random() < 0.2 else make(rng) for make in _WIDE)
                    for _ in range(n)
                ]
        return self.values[:n]

    def objects(self, n: int, first_key: int | None = None) -> list[Any]:
        names = [field.attname for field in self.model._meta.concrete_fields[1:]]
        made = [self.model(**dict(zip(names, row))) for row in self.tuples(n)]
        if first_key is not None:
            for key, row in enumerate(made, first_key):
                row.pk = key
        return made

    def expect(self, n: int) -> None:
        [(there,)] = self.execute(f"SELECT count(*) FROM {self.name}")
        if there != n:
            raise AssertionError(f"{there} rows in the table, not {n}")


def foo(alias: str = "default") -> Table:
    table = Table(Foo, alias)
    table.make()
    return table


def wide(alias: str = "default") -> Table:
    table = Table(WideLite if alias == LITE else Wide, alias)
    table.make()
    return table
