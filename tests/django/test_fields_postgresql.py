"""The fields of django.contrib.postgres, compared as in test_fields.py."""

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange

from app.cells import check
from app.postgres import Contrib

pytestmark = pytest.mark.django_db

DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)
VALUES: dict[str, list[Any]] = {
    "integers": [None, [], [1, None, -5], [2**31 - 1], (1, 2)],
    "texts": [None, [], ["", 'a "b"', "c\\d,{}", "NULL", None, "\u20ac\n\t"]],
    "short": [None, ["abc", "d"], ["long", "enough"]],
    "nested": [None, [], [[1, 2], [3, 4]]],
    "decimals": [[Decimal("1.5"), None], [Decimal("1.239")]],
    "moments": [[MOMENT], []],
    "documents": [[{"a": [1, None]}, "text"], []],
    "store": [None, {}, {"a": "1", "b": None, 'q"\\': "=>,"}, {1: 2}],
    "whole": [None, (1, 5), (None, 3), NumericRange(1, 5, "(]"), NumericRange(empty=True)],
    "big": [(-(2**62), 2**62)],
    "exact": [(Decimal("1.5"), Decimal("2.25"))],
    "days": [(DAY, DAY + datetime.timedelta(1)), DateRange(DAY, None)],
    "times": [(MOMENT, MOMENT + datetime.timedelta(1)), DateTimeTZRange(None, MOMENT, "()")],
    "caseless": [None, "", "MiXed"],
    "vector": [None, "a b c"],
}
CASES = [(name, value) for name, values in VALUES.items() for value in values]
# Django cuts the elements of an array that are too long: so that is done by Django.
CUT = ("short", ["long", "enough"])


@pytest.mark.parametrize(("name", "value"), CASES, ids=repr)
def test_fields_of_contrib_postgres(name: str, value: Any, on_engine: list[str]) -> None:
    check(Contrib, name, value)
    assert len(on_engine) == (2 if (name, value) == CUT else 5)


def test_many_rows(on_engine: list[str]) -> None:
    values = {name: values[-1] for name, values in VALUES.items() if name != "short"}
    rows = Contrib.objects.bulk_create([Contrib(**values) for _ in range(1100)])
    assert len(on_engine) == 1
    one = Contrib.django.bulk_create([Contrib(**values)])[0]
    fields = [field.name for field in Contrib._meta.fields if field.name != "id"]
    wanted = repr(Contrib.objects.values_list(*fields).get(pk=one.pk))
    found = Contrib.objects.filter(pk__lt=one.pk).values_list(*fields)
    assert [repr(row) for row in found] == [wanted] * 1100
    assert Contrib.objects.bulk_update(rows, ["nested", "store", "whole"]) == 1100
    assert len(on_engine) == 2
