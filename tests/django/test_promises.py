"""Promises of the surface that no other test has: one test each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError, connection, transaction

from app.models import Child, Everything, Plain

pytestmark = pytest.mark.django_db

POSTGRESQL = connection.vendor == "postgresql"


def test_a_batched_update_refuses_what_update_refuses_where_no_row_is_selected(
    django_assert_num_queries: Any,
) -> None:
    for options in ({}, {"batch_size": 2}, {"batch_size": 2, "concurrent": True}):
        with pytest.raises(FieldDoesNotExist), django_assert_num_queries(0):
            Plain.objects.update(nope=1, **options)


def test_create_queryset_gives_values_to_rows_of_two_tables() -> None:
    child = Child(name="c", value=1)
    child.save()
    child.value, child.extra = 6, 7
    assert list(Child.objects.create_queryset([child])) == [child]
    stored = Child.objects.get()
    assert (stored.value, stored.extra) == (6, 7)


def test_a_parent_s_key_is_a_primary_key_among_the_names() -> None:
    child = Child(name="c", value=1)
    child.save()
    with pytest.raises(ValueError, match="primary key"):
        Child.objects.update_fields("id", objects=[child])


WRONG: list[tuple[str, Any, type[Exception]]] = (
    [
        ("decimal", Decimal("1e15"), DataError),
        ("decimal", Decimal("999999999999999.999995"), DataError),
        ("integer", 2**31, DataError),
        ("big", 2**63, DataError),
    ]
    if POSTGRESQL
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
