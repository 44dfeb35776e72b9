"""The same bytes as Django, for each field that the engine writes."""

import datetime
import uuid
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from app.cells import printed
from app.models import Everything, Keyed, Plain, SmallKey, Stamped

pytestmark = pytest.mark.django_db

UTC = datetime.timezone.utc
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

VALUES: dict[str, list[Any]] = {
    "small": [0, -1, 32767, -32768],
    "integer": [0, 1, -2147483648, 2147483647, True],
    "big": [0, 2**63 - 1, -(2**63)],
    "positive": [0, 2147483647],
    "char": ["", "a", "tab\tline\n\\N \\. 'quote' \"x\"", "\u00e4\u20ac\U0001f600", "x" * 40],
    "text": ["", "x" * 5000, "%s %% $1 ?1", "\u0001"],
    "slug": ["a-b_c"],
    "boolean": [True, False],
    "float": [0.0, 1.5, -1e300, 5e-324, 0.1, float("inf"), 3],
    "decimal": [
        Decimal("0"),
        Decimal("1.50000"),
        Decimal("-1234567890.12345"),
        Decimal("1E+3"),
        Decimal("0.00001"),
        Decimal("1.5"),
    ],
    "date": [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(2024, 2, 29)],
    "datetime": [
        datetime.datetime(2024, 2, 29, 12, 30, 15, 250, tzinfo=UTC),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
        datetime.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=0),
        datetime.datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN),
        datetime.datetime(2, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5))),
    ],
    "time": [datetime.time(0, 0), datetime.time(23, 59, 59, 999999), datetime.time(1, 2, 3)],
    "uuid": [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.uuid4()],
}
CASES = [(name, value) for name, values in VALUES.items() for value in [None, *values]]


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda v: repr(v)[:40])
def test_every_value_is_stored_as_django_stores_it(name: str, value: Any) -> None:
    column = Everything._meta.get_field(name).column
    saved = Everything(**{name: value})
    saved.save()
    wanted = printed(Everything, column, saved.pk)
    created = [Everything(**{name: value}) for _ in range(2)]
    Everything.django.bulk_create(created[:1])
    Everything.objects.bulk_create(created[1:])
    assert printed(Everything, column, created[0].pk) == wanted
    assert printed(Everything, column, created[1].pk) == wanted
    updated = [Everything() for _ in range(3)]
    Everything.objects.bulk_create(updated)
    for row in updated:
        setattr(row, name, value)
    Everything.django.bulk_update(updated[:1], [name])
    Everything.objects.bulk_update(updated[1:2], [name])
    assert Everything.objects.update_fields(name, objects=updated[2:]) == 1
    assert printed(Everything, column, updated[0].pk) == wanted
    assert printed(Everything, column, updated[1].pk) == wanted
    assert printed(Everything, column, updated[2].pk) == wanted


@pytest.mark.parametrize("n", [20, 1200])
def test_all_fields_at_once(n: int, on_engine: list[str]) -> None:
    other = Plain.objects.create(name="other")
    rows = [
        Everything(
            **{name: values[i % len(values)] for name, values in VALUES.items() if name != "float"},
            link=other if i % 2 else None,
        )
        for i in range(n)
    ]
    for row in rows:
        row.integer = int(row.integer)
    Everything.objects.bulk_create(rows)
    assert len(on_engine) == 1
    for row in rows[:: n // 20]:
        found = Everything.django.get(pk=row.pk)
        for field in Everything._meta.concrete_fields:
            mine, stored = getattr(row, field.attname), getattr(found, field.attname)
            if isinstance(mine, datetime.datetime):
                mine = mine.astimezone(UTC)  # a time in a fold equals no other
            assert mine == stored, field.name


@pytest.mark.parametrize("n", [3, 1500])
def test_keys_of_other_types(n: int, on_engine: list[str]) -> None:
    keyed = Keyed.objects.bulk_create([Keyed(name=f"{i}") for i in range(n)])
    names = dict(Keyed.objects.values_list("id", "name"))
    assert [names[row.pk] for row in keyed] == [f"{i}" for i in range(n)]
    small = SmallKey.objects.bulk_create([SmallKey(name=f"{i}") for i in range(n)])
    names = dict(SmallKey.objects.values_list("id", "name"))
    assert [names[row.pk] for row in small] == [f"{i}" for i in range(n)]
    for row in [*keyed, *small]:
        row.name += "x"
    assert Keyed.objects.bulk_update(keyed, ["name"]) == n
    assert SmallKey.objects.bulk_update(small, ["name"]) == n
    assert Keyed.objects.filter(name__endswith="x").count() == n
    assert SmallKey.objects.filter(name__endswith="x").count() == n
    assert len(on_engine) == 4


def test_auto_now() -> None:
    begin = timezone.now()
    rows = Stamped.objects.bulk_create([Stamped(name="a"), Stamped(name="b")], return_queryset=True)
    assert all(row.made >= begin and row.changed >= begin for row in rows)
    before = [row.changed for row in rows]
    rows[0].name = "c"
    assert rows.update_fields() == 1
    found = list(Stamped.objects.order_by("pk"))
    assert [row.name for row in found] == ["c", "b"]
    assert found[0].changed > before[0] and found[1].changed == before[1]
    assert rows.update_fields() == 0
    assert rows.update_fields("changed") == 2


def test_related_objects_are_prepared() -> None:
    owner = Plain(name="owner")
    row = Everything(link=owner)
    with pytest.raises(ValueError, match="unsaved related object"):
        Everything.objects.bulk_create([row])
    owner.save()
    Everything.objects.bulk_create([row])
    assert Everything.objects.get(pk=row.pk).link == owner
