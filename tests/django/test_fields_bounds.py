"""T13: instants whose year in UTC is no year of Python's: what Django does with them, we do."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection, transaction

from app.models import Everything
from conftest import ENGINE

pytestmark = pytest.mark.django_db

EAST, WEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=-1))
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999)
FIRST = datetime(1, 1, 1)

# What PostgreSQL stores, in UTC; on SQLite Django turns it into local time, or cannot.
CASES = {
    "the last": (LAST.replace(tzinfo=UTC), "9999-12-31 23:59:59.999999"),
    "the first of year 10000": (
        datetime(9999, 12, 31, 23, tzinfo=WEST),
        "10000-01-01 00:00:00",
    ),
    "behind it": (LAST.replace(tzinfo=WEST), "10000-01-01 00:59:59.999999"),
    "the first": (FIRST.replace(tzinfo=UTC), "0001-01-01 00:00:00"),
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
