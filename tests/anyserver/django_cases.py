"""The methods of the Django app on the server, each result compared with the table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from report import REFUSED, WRONG, Outcome, best_of, state_of
from server import AnyPlain, AnyServer, Row, rows_of

FACE = "Django"
ROOT = Path(__file__).resolve().parents[2]


def set_up(server: AnyServer, extension: str) -> None:
    """Django's settings, and the package with the extension that was built."""
    settings.configure(
        DATABASES={"default": server.database()},
        INSTALLED_APPS=["bulkmodel"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        BULKMODEL_LOCATE_IN_ATOMIC=True,
    )
    sys.path.insert(0, str(ROOT / "python"))
    import bulkmodel

    bulkmodel.__path__.append(extension)
    django.setup()


class Wrong(Exception):
    """A result that is not what the table holds."""


def must(holds: bool, why: str) -> None:
    if not holds:
        raise Wrong(why)


class Cases:
    """Each method with so many rows."""

    def __init__(self, server: AnyServer, plain: AnyPlain) -> None:
        from django.db import models

        from bulkmodel.managers import BulkModelManager

        class Parent(models.Model):
            class Meta:
                app_label, db_table, managed = "bulkmodel", "parent", False

        class Tag(models.Model):
            name: Any = models.CharField(max_length=20)

            class Meta:
                app_label, db_table, managed = "bulkmodel", "tag", False

        class Item(models.Model):
            name: Any = models.CharField(max_length=20, unique=True)
            value: Any = models.IntegerField()
            parent: Any = models.ForeignKey(Parent, null=True, on_delete=models.DO_NOTHING)

            objects = BulkModelManager()

            class Meta:
                app_label, db_table, managed = "bulkmodel", "item", False

        class Linked(models.Model):
            """The same table with its links, which Item's deletes do not have to look for."""

            tags: Any = models.ManyToManyField(Tag, through="ItemTag")

            objects = BulkModelManager()

            class Meta:
                app_label, db_table, managed = "bulkmodel", "item", False

        class ItemTag(models.Model):
            item: Any = models.ForeignKey(Linked, models.DO_NOTHING)
            tag: Any = models.ForeignKey(Tag, models.DO_NOTHING)

            objects = BulkModelManager()

            class Meta:
                app_label, db_table, managed = "bulkmodel", "item_tags", False

        self.Item, self.Linked, self.server, self.plain = Item, Linked, server, plain
        self.timeout = server.timeout

    # ---- each returns after it has compared; it gets how many rows, and options

    def new(self, rows: list[Row]) -> list[Any]:
        return [self.Item(name=name, value=value) for name, value in rows]

    def there(self, rows: list[Row], more: int = 0) -> list[Any]:
        return [
            self.Item(pk=key, name=name, value=value + more)
            for key, (name, value) in enumerate(rows, 1)
        ]

    def _expect(self, objects: list[Any], n: int) -> None:
        """Each object has the key of its own row, and there are n rows."""
        table = self.server.table()
        must(len(table) == n, f"{len(table)} rows where {n} were expected")
        for object in objects:
            found = table.get(object.pk)
            must(found == (object.name, object.value), f"key {object.pk} is that of {found}")

    def bulk_create(self, n: int, **options: Any) -> Iterator[None]:
        self.server.fill(0)
        objects = self.new(rows_of(n))
        yield
        self.Item.objects.bulk_create(objects, **options)
        yield
        self._expect(objects, n)

    def copy_from_objects(self, n: int, **options: Any) -> Iterator[None]:
        self.server.fill(0)
        objects = self.new(rows_of(n))
        yield
        made = self.Item.objects.copy_from_objects(objects, return_queryset=True, **options)
        yield
        self._expect(list(made), n)

    def ignore_conflicts(self, n: int) -> Iterator[None]:
        rows = self.server.fill(n)
        objects = self.new(rows[: n // 2]) + self.new(rows_of(n - n // 2, "m"))
        yield
        self.Item.objects.bulk_create(objects, ignore_conflicts=True)
        yield
        names = {name for name, _ in self.server.table().values()}
        must(names == {name for name, _ in rows + rows_of(n - n // 2, "m")}, "rows are missing")

    def update_conflicts(self, n: int) -> Iterator[None]:
        objects = self.there(self.server.fill(n), 1)
        for object in objects:
            object.pk = None
        yield
        from django.db import connection

        targets = connection.features.supports_update_conflicts_with_target
        self.Item.objects.bulk_create(
            objects,
            update_conflicts=True,
            unique_fields=["name"] if targets else None,
            update_fields=["value"],
        )
        yield
        self._expect(objects, n)

    def bulk_upsert(self, n: int) -> Iterator[None]:
        rows = self.server.fill(n)
        objects = self.new([(name, value + 1) for name, value in rows[: n // 2]])
        objects += self.new(rows_of(n - n // 2, "m"))
        yield
        done = self.Item.objects.bulk_upsert(objects, unique_fields=["name"])
        yield
        must((done.updated, done.inserted) == (n // 2, n - n // 2), f"{done}")
        self._expect(objects, n + n - n // 2)

    def bulk_sync(self, n: int) -> Iterator[None]:
        rows = self.server.fill(n)
        objects = self.there(rows, 1)[: n - n // 10]
        yield
        done = self.Item.objects.all().bulk_sync(objects, max_deletes=n)
        yield
        must(done.deleted == n // 10, f"{done.deleted} rows were deleted")
        self._expect(objects, n - n // 10)

    def update_fields(self, n: int, **options: Any) -> Iterator[None]:
        objects = self.there(self.server.fill(n), 1)
        yield
        matched = self.Item.objects.update_fields("value", objects=objects, **options)
        yield
        must(matched == n, f"{matched} rows matched")
        self._expect(objects, n)

    def bulk_update(self, n: int) -> Iterator[None]:
        objects = self.there(self.server.fill(n), 1)
        yield
        matched = self.Item.objects.bulk_update(objects, ["value"])
        yield
        must(matched == n, f"{matched} rows matched")
        self._expect(objects, n)

    def update(self, n: int, **options: Any) -> Iterator[None]:
        rows = self.server.fill(n)
        yield
        matched = self.Item.objects.update(value=5, batch_size=1000, **options)
        yield
        must(matched == n, f"{matched} rows matched")
        self._expect(self.there([(name, 5) for name, _ in rows]), n)

    def bulk_delete(self, n: int) -> Iterator[None]:
        objects = self.there(self.server.fill(n))
        yield
        done = self.Item.objects.bulk_delete(objects[1:])
        yield
        must(done.deleted == n - 1, f"{done.deleted} rows were deleted")
        self._expect(objects[:1], 1)

    def create_queryset(self, n: int) -> Iterator[None]:
        objects = self.there(self.server.fill(n), 1)[: n // 2]
        objects += self.new(rows_of(n - n // 2, "m"))
        yield
        self.Item.objects.create_queryset(objects)
        yield
        self._expect(objects, n + n - n // 2)

    def copy_to_instances(self, n: int) -> Iterator[None]:
        self.server.fill(n)
        yield
        found = self.Item.objects.all().copy_to_instances()
        yield
        self._expect(found, len(found))

    def update_m2m_fields(self, n: int) -> Iterator[None]:
        self.server.fill(n)
        self.server.sql("INSERT INTO tag (name) VALUES ('a'), ('b')")
        wanted = {key: [1 + key % 2] for key in range(1, n + 1)}
        yield
        changed = self.Linked.objects.update_m2m_fields("tags", wanted)
        yield
        links = self.server.sql("SELECT item_id, tag_id FROM item_tags")
        must(changed == n == len(links), f"{changed} links were written")
        must(all(wanted[item] == [tag] for item, tag in links), "a link is another's")

    # ---- errors: class, row, field, constraint; and nothing is written

    def error(self, n: int, fault: str, **options: Any) -> Iterator[None]:
        from django.db import DataError, IntegrityError

        kinds: dict[str, tuple[type[Exception], str, str | None, str | None, dict[str, Any]]] = {
            "unique": (IntegrityError, "23505", "name", "item_name_unique", {"name": "n0"}),
            "check": (IntegrityError, "23514", None, "item_value_check", {"value": -1}),
            "reference": (
                IntegrityError,
                "23503",
                "parent",
                "item_parent_reference",
                {"parent_id": 7},
            ),
            "not null": (IntegrityError, "23502", "value", None, {"value": None}),
            "too long": (DataError, "22001", "name", None, {"name": "x" * 21}),
        }
        kind, sqlstate, field, constraint, values = kinds[fault]
        self.server.fill(1)
        objects, bad = self.new(rows_of(n, "m")), n // 2
        for name, value in values.items():
            setattr(objects[bad], name, value)
        yield
        error: Any = None
        try:
            self.Item.objects.copy_from_objects(objects, **options)
        except kind as raised:
            error = raised
        yield
        must(error is not None, "no error was raised")
        found = (error.row_index, error.sqlstate, error.constraint)
        must(found == (bad, sqlstate, constraint), f"row, SQLSTATE and constraint are {found}")
        must(field is None or error.field_name == field, f"the field is {error.field_name}")
        self._expect([], 1)


# What the method is compared with, and whether it takes workers.
METHODS: dict[str, tuple[str, bool]] = {
    "bulk_create": ("create", True),
    "copy_from_objects": ("create", True),
    "ignore_conflicts": ("upsert", False),
    "update_conflicts": ("upsert", False),
    "bulk_upsert": ("upsert", False),
    "bulk_sync": ("upsert", False),
    "update_fields": ("update", True),
    "bulk_update": ("update", False),
    "update": ("update", True),
    "bulk_delete": ("delete", False),
    "create_queryset": ("upsert", False),
    "copy_to_instances": ("read", False),
    "update_m2m_fields": ("create", False),
}
FAULTS = ("unique", "check", "reference", "not null", "too long")
MOST_ROWS_OF_AN_ERROR = 3000


def outcome(
    name: str, workers: int, n: int, case: Iterator[None], plain: Callable[[], float] | None
) -> Outcome:
    """Run a case: it prepares, calls, and compares, with a stop before each."""
    from django.db import connection

    seconds, known = 0.0, None
    try:
        known = plain() if plain is not None else None
        next(case)
        began = time.monotonic()
        next(case)
        seconds = time.monotonic() - began
        next(case, None)
    except Wrong as error:
        return Outcome(FACE, name, workers, n, WRONG, why=str(error))
    except Exception as error:
        connection.close()
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(FACE, name, workers, n, REFUSED, why=why)
    return Outcome(FACE, name, workers, n, state_of(seconds, known), seconds, known)


def run(
    server: AnyServer, plain: AnyPlain, sizes: list[int], workers: list[int]
) -> Iterator[Outcome]:
    cases = Cases(server, plain)

    def options(w: int) -> dict[str, Any]:
        shared = {"concurrent": True, "max_concurrent_workers": w} if w > 1 else {}
        return {**shared, "timeout": server.timeout}

    def one(name: str, like: str, w: int, n: int, given: dict[str, Any]) -> Outcome:
        case = getattr(cases, name)(n, **given)
        return outcome(name, w, n, case, partial(plain.seconds, like, n))

    # What is made at the first call does not count as time of the first case.
    outcome("bulk_create", 1, 1, cases.bulk_create(1), None)
    for name, (like, shares) in METHODS.items():
        for w in workers if shares else workers[:1]:
            for n in sizes:
                given = options(w) if shares else {}
                yield best_of(partial(one, name, like, w, n, given))
    for fault in FAULTS:
        for w in workers:
            for n in sizes:
                if n <= MOST_ROWS_OF_AN_ERROR:
                    case = cases.error(n, fault, **options(w))
                    yield outcome(f"error: {fault}", w, n, case, None)
