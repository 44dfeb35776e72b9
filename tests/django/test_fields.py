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

from app.cells import check
from app.models import Document, Everything
from app.odd import Color, Computed, Defaults, Named, Odd, Refers

pytestmark = pytest.mark.django_db


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
    read = Odd.objects.order_by("pk")
    assert [bool(row.file) for row in read] == [True, True]
    assert read.update_fields() == 0  # to look at a file is no change
    read[1].file = ContentFile(b"four", "four.txt")
    assert read.update_fields() == 1
    assert read.update_fields() == 0
    assert Odd.objects.get(pk=rows[1].pk).file.name == "four.txt"
    assert len(on_engine) == 3


def test_references_to_other_than_keys(on_engine: list[str]) -> None:
    named = Named.objects.bulk_create([Named(name=f"n{i}", code=Decimal(i)) for i in range(4)])
    for name, values in (("by_name_id", ["n0", None]), ("by_code_id", [Decimal(3), None])):
        for value in values:
            check(Refers, name.removesuffix("_id"), value, attribute=name)
    Refers.objects.all().delete()
    rows = [Refers(by_name=named[0], by_code=named[1]), Refers(by_code=named[2])]
    on_engine.clear()
    Refers.objects.bulk_create(rows)
    assert len(on_engine) == 1
    assert list(Refers.objects.order_by("pk").values_list("by_name__code", "by_code__code")) == [
        (Decimal(0), Decimal(1)),
        (None, Decimal(2)),
    ]


def test_pre_save_of_a_field_s_own(on_engine: list[str]) -> None:
    rows = Named.objects.bulk_create([Named(name="a", code=1), Named(name="b", code=2, count=5)])
    assert [row.count for row in rows] == [1, 6]
    assert list(Named.objects.order_by("pk").values_list("name", "count")) == [("a", 1), ("b", 6)]
    assert Named.objects.update_fields("count", objects=rows) == 2
    assert Named.objects.bulk_update(rows, ["count"]) == 2
    assert list(Named.objects.order_by("pk").values_list("count", flat=True)) == [2, 7]
    assert len(on_engine) == 3


def test_what_the_database_computes(on_engine: list[str]) -> None:
    rows = Defaults.objects.bulk_create([Defaults(), Defaults(value=1), Defaults(name="mine")])
    theirs = Defaults.django.bulk_create([Defaults(), Defaults(value=1), Defaults(name="mine")])
    names = ("value", "name", "double", "plain")
    shown = [tuple(map(str, map(vars(row).get, names))) for row in rows]
    assert shown == [tuple(map(str, map(vars(row).get, names))) for row in theirs]
    assert list(Defaults.objects.order_by("pk").values_list(*names))[:3] == [
        (7, "from the database", 14, None),
        (1, "from the database", 2, None),
        (7, "mine", 14, None),
    ]
    on_engine.clear()
    rows = list(Defaults.objects.order_by("pk")[:3])
    for row in rows:
        row.value += 1
    assert Defaults.objects.bulk_update(rows, ["value"]) == 3
    assert Defaults.objects.update_fields("name", objects=rows) == 3
    assert list(Defaults.objects.order_by("pk").values_list("double", flat=True))[:3] == [16, 4, 16]
    assert len(on_engine) == 2
    computed = Computed.objects.bulk_create([Computed(value=i) for i in range(3)])
    assert [row.double for row in computed] == [0, 2, 4]


@pytest.mark.psycopg3
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_without_time_zones(settings: Any, zone: str, on_engine: list[str]) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = zone
    for value in (
        datetime.datetime(2024, 2, 29, 12, 30, 15, 250),
        datetime.datetime(2024, 10, 27, 2, 30),
        datetime.datetime(2024, 10, 27, 2, 30, fold=1),
        datetime.datetime(2024, 3, 31, 2, 30),
        datetime.datetime(1, 1, 1),
        datetime.datetime(9999, 12, 30, 23, 59, 59, 999999),
    ):
        check(Everything, "datetime", value)
    assert len(on_engine) == 6 * 5


def test_naive_datetimes_where_zones_are_used() -> None:
    for value in (datetime.datetime(2024, 10, 27, 2, 30), datetime.datetime(2024, 3, 31, 2, 30)):
        with pytest.warns(RuntimeWarning, match="naive"):
            check(Everything, "datetime", value)
