"""Fields that prepare their values: each case is written by Django's own method and by ours, and
the rows are compared as the database prints them."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.db.models import Value
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from app.cells import printed
from app.models import Document, Everything, Odd
from app.odd import Color

pytestmark = pytest.mark.django_db


def check(model: type[models.Model], name: str, value: Any, rows: int = 2) -> None:
    """Django's bulk_create and ours, Django's bulk_update and ours, save() and update_fields."""
    column = model._meta.get_field(name).column
    manager, django = model.objects, model.django  # type: ignore[attr-defined]

    def cells(objects: list[Any]) -> list[Any]:
        return [printed(model, column, object.pk) for object in objects]

    def given(objects: list[Any]) -> list[Any]:
        for object in objects:
            setattr(object, name, value)
        return objects

    theirs = django.bulk_create([model(**{name: value}) for _ in range(rows)])
    ours = manager.bulk_create([model(**{name: value}) for _ in range(rows)])
    assert cells(ours) == cells(theirs), "bulk_create"
    theirs = django.bulk_create([model() for _ in range(rows)])
    ours = manager.bulk_create([model() for _ in range(rows)])
    assert django.bulk_update(given(theirs), [name]) == rows
    assert manager.bulk_update(given(ours), [name]) == rows
    assert cells(ours) == cells(theirs), "bulk_update"
    theirs = django.bulk_create([model() for _ in range(rows)])
    ours = manager.bulk_create([model() for _ in range(rows)])
    for object in given(theirs):
        object.save(update_fields=[name])
    assert manager.update_fields(name, objects=given(ours)) == rows
    assert cells(ours) == cells(theirs), "update_fields"


JSON = [
    None,
    {},
    [],
    "",
    "text",
    1,
    1.5,
    True,
    {"a": [1, None, "\u20ac\t\n\\ \" '"], "b": {"c": 1e300}},
    [[]],
    2**70,
]
ODD: dict[str, list[Any]] = {
    "json": JSON,
    "encoded": [
        *JSON,
        {1, 2},
        {"at": datetime.date(2024, 2, 29)},
        uuid.UUID(int=7),
        Decimal("1.5"),
    ],
    "binary": [None, b"", b"\x00\xff\\'", bytearray(b"ab"), memoryview(b"cd")],
    "duration": [
        None,
        datetime.timedelta(0),
        datetime.timedelta(days=-3, seconds=5, microseconds=7),
        datetime.timedelta(days=10000, microseconds=999999),
    ],
    "address": [None, "", "127.0.0.1", "::1", "2001:0db8:0000::0001", "::ffff:10.0.0.1"],
    "path": [None, "", "/tmp/x"],
    "file": [None, "", "a/b.txt"],
    "color": [Color.RED, Color.BLUE, lazystr("red"), mark_safe("<b>")],
    "shouted": [None, "", "abc", 5],
    "pair": [None, (1, 2), (-5, 0)],
}


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in ODD.items() for v in values], ids=lambda v: repr(v)
)
def test_fields_that_prepare(name: str, value: Any, on_engine: list[str]) -> None:
    check(Odd, name, value)
    assert len(on_engine) == 5


def test_a_json_null_is_no_null() -> None:
    check(Odd, "json", Value(None, models.JSONField()))
    check(Odd, "json", Value({"a": 1}, models.JSONField()))


VALUES: dict[str, list[Any]] = {
    "small": ["12", True],
    "integer": ["-5", 3.0, 7.9],
    "big": [Decimal("9007199254740993")],
    "char": [Color.RED, mark_safe("x"), lazystr("y"), 12, b"bytes"],
    "text": [Color.BLUE, 1.5],
    "boolean": [1, 0, "True", "0"],
    "float": ["1.5", Decimal("0.1"), True, -0.0],
    "decimal": ["1.5", 2, 0.1, Decimal("1.123456789"), Decimal("-0")],
    "date": ["2024-02-29", datetime.datetime(2024, 2, 29, 23, 30, tzinfo=datetime.timezone.utc)],
    "datetime": ["2024-02-29T12:30:00Z", "2024-02-29 12:30:00.000250+05:30"],
    "time": ["12:30", "23:59:59.999999"],
    "uuid": ["00000000-0000-0000-0000-000000000007", 12, "f" * 32],
}


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in VALUES.items() for v in values], ids=repr
)
@pytest.mark.parametrize("rows", [1, 2])
def test_odd_values_of_built_in_fields(name: str, value: Any, rows: int) -> None:
    check(Everything, name, value, rows)


def test_one_odd_value_among_many(on_engine: list[str]) -> None:
    rows = [Everything(char="x", integer=i, big=i) for i in range(50)]
    rows[30].integer = "30"
    Everything.objects.bulk_create(rows)
    assert list(Everything.objects.values_list("integer", "big")) == [(i, i) for i in range(50)]
    assert len(on_engine) == 1


def test_many_documents(on_engine: list[str]) -> None:
    rows = Document.objects.bulk_create(
        [Document(name=f"{i}", body={"i": [i, None]}) for i in range(1500)], return_queryset=True
    )
    assert len(on_engine) == 1
    found = Document.objects.in_bulk()
    assert [found[row.pk].body for row in rows] == [{"i": [i, None]} for i in range(1500)]
    for row in rows:
        row.body["i"].append(1)
    assert rows.update_fields() == 1500
    assert len(on_engine) == 2
    assert Document.objects.filter(body__i__2=1).count() == 1500


def test_files_are_stored(settings: Any, tmp_path: Any, on_engine: list[str]) -> None:
    settings.MEDIA_ROOT = tmp_path
    rows = [Odd(file=ContentFile(b"one", "one.txt")), Odd(file=ContentFile(b"two", "two.txt"))]
    Odd.objects.bulk_create(rows)
    assert (tmp_path / "one.txt").read_bytes() == b"one"
    assert [row.file.name for row in Odd.objects.order_by("pk")] == ["one.txt", "two.txt"]
    rows[0].file = ContentFile(b"three", "three.txt")
    assert Odd.objects.update_fields("file", objects=rows) == 2
    assert (tmp_path / "three.txt").read_bytes() == b"three"
    assert Odd.objects.get(pk=rows[0].pk).file.name == "three.txt"
    assert len(on_engine) == 2
