"""The greatest and the least values of a field, and those behind them: as Django does it."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, DataError, connection, transaction
from django.db.models import Value

from app.models import Everything
from conftest import ENGINE

pytestmark = pytest.mark.django_db

# T13: instants whose year in UTC is no year of Python's.
EAST, WEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=-1))
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999)
FIRST = datetime(1, 1, 1)

# What PostgreSQL stores, in UTC; on SQLite Django turns it into local time, or cannot.
CASES = {
    "the last": (LAST.replace(tzinfo=timezone.utc), "9999-12-31 23:59:59.999999"),
    "the first of year 10000": (
        datetime(9999, 12, 31, 23, tzinfo=WEST),
        "10000-01-01 00:00:00",
    ),
    "behind it": (LAST.replace(tzinfo=WEST), "10000-01-01 00:59:59.999999"),
    "the first": (FIRST.replace(tzinfo=timezone.utc), "0001-01-01 00:00:00"),
    "before it": (FIRST.replace(tzinfo=EAST), "0001-12-31 23:00:00 BC"),
}


def outcome(manager: Any, value: datetime, n: int) -> object:
    """The texts that are stored, or the error."""
    text = "(datetime AT TIME ZONE 'UTC')::text" if ENGINE == "postgresql" else "datetime"
    try:
        with transaction.atomic():
            manager.bulk_create([Everything(datetime=value) for _ in range(n)])
    except Exception as error:
        return type(error), str(error)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {text} FROM app_everything")
        found = cursor.fetchall()
        cursor.execute("DELETE FROM app_everything")
    return found


@pytest.mark.parametrize("n", [1, 3, 1500])
@pytest.mark.parametrize("name", CASES)
def test_the_ends_of_pythons_years(name: str, n: int) -> None:
    value, stored = CASES[name]
    found = outcome(Everything.objects, value, n)
    assert found == outcome(Everything.django, value, n)
    if ENGINE == "postgresql":
        assert found == [(stored,)]


WRONG: list[tuple[str, Any, type[Exception]]] = (
    [
        ("decimal", Decimal("1e15"), DataError),
        ("decimal", Decimal("999999999999999.999995"), DataError),
        ("integer", 2**31, DataError),
        ("big", 2**63, DataError),
    ]
    if ENGINE == "postgresql"
    else [("big", 2**63, OverflowError), ("integer", -(2**63) - 1, OverflowError)]
)


@pytest.mark.parametrize(("name", "value", "kind"), WRONG)
@pytest.mark.parametrize("call", ["bulk_create", "copy_from_objects", "update_fields"])
def test_a_number_that_does_not_fit_names_its_row(
    call: str, name: str, value: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind), transaction.atomic():
        Everything(**{name: value}).save()
    rows = [Everything() for _ in range(3)]
    if call == "update_fields":
        Everything.django.bulk_create(rows)
    setattr(rows[1], name, value)
    with pytest.raises(kind) as caught, transaction.atomic():
        if call == "update_fields":
            Everything.objects.update_fields(name, objects=rows)
        else:
            getattr(Everything.objects, call)(rows)
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, name)


def test_the_widest_decimals_are_written() -> None:
    widest = Decimal("999999999999999.99999")
    rows = Everything.objects.bulk_create([Everything(decimal=widest), Everything(decimal=-widest)])
    assert Everything.objects.update_fields("decimal", objects=rows) == 2
    assert Everything.objects.copy_from_objects(iter(rows)) == 2
    assert Everything.django.filter(decimal__in=[widest, -widest]).count() == 4


@pytest.mark.parametrize("value", [-1, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1])
@pytest.mark.parametrize("call", ["copy_from_objects", "update_fields"])
@pytest.mark.parametrize("plain", [True, False])
def test_a_negative_number_is_refused_as_by_save(call: str, value: int, plain: bool) -> None:
    """By the column's CHECK or by its type, also where Django's own statement writes it."""
    wrong = Everything(pk=1, positive=value)
    with pytest.raises(DatabaseError) as by_save, transaction.atomic():
        wrong.save(force_insert=True)
    other = Everything(pk=2, char="x" if plain else Value("x"))
    rows = [other, wrong]
    if call == "update_fields":
        Everything.django.bulk_create([Everything(pk=1), Everything(pk=2)])
        for row in rows:
            row._state.adding = False
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        if call == "update_fields":
            Everything.objects.update_fields("char", "positive", objects=rows)
        else:
            Everything.objects.copy_from_objects(rows, exclude_id=False)
    assert caught.type is by_save.type
