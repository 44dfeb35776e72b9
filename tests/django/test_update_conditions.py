"""Conditions of the caller's own SQL narrow what is written."""

from typing import Any

import pytest
from django.db.models.expressions import RawSQL

from app.models import Plain

pytestmark = pytest.mark.django_db


@pytest.fixture
def plains() -> Any:
    Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
    return Plain.objects.order_by("pk")


def values() -> list[int | None]:
    return list(Plain.django.order_by("pk").values_list("value", flat=True))


@pytest.mark.parametrize(
    "narrow",
    [
        lambda rows: rows.extra(where=["app_plain.value > 2"]),
        lambda rows: rows.extra(where=["value > %s"], params=[2]),
        lambda rows: rows.filter(value__gt=RawSQL("app_plain.value - app_plain.value + 2", [])),
        lambda rows: rows.exclude(value__lte=RawSQL("2 + 0 * app_plain.value", [])),
    ],
)
def test_conditions_of_the_callers_own_sql(plains: Any, narrow: Any) -> None:
    for write in ("bulk_update", "update_fields"):
        rows = list(plains)
        for row in rows:
            row.value = row.pk * 10
        target = narrow(Plain.objects.all())
        if write == "bulk_update":
            assert target.bulk_update(rows, ["value"]) == 3
        else:
            assert target.update_fields("value", objects=rows) == 3
        assert values() == [0, 1, 2, *(row.pk * 10 for row in rows[3:])]
        for i, row in enumerate(rows):
            Plain.django.filter(pk=row.pk).update(value=i)
