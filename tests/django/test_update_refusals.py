"""What update() refuses is refused where it is written by key or in batches, too."""

from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import NotSupportedError, connection

from app.models import Child, Plain

pytestmark = pytest.mark.django_db


@pytest.fixture
def plains() -> Any:
    Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
    return Plain.objects.order_by("pk")


def values() -> list[int | None]:
    return list(Plain.django.order_by("pk").values_list("value", flat=True))


def test_a_batched_update_refuses_what_update_refuses_where_no_row_is_selected(
    django_assert_num_queries: Any,
) -> None:
    for options in ({}, {"batch_size": 2}, {"batch_size": 2, "concurrent": True}):
        with pytest.raises(FieldDoesNotExist), django_assert_num_queries(0):
            Plain.objects.update(nope=1, **options)


@pytest.mark.parametrize("options", [{"batch_size": 2}, {"return_queryset": True}])
def test_update_by_key_refuses_what_update_refuses(plains: Any, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="slice"):
        Plain.objects.all()[:2].update(value=-1, **options)
    with pytest.raises(NotSupportedError):
        Plain.objects.all().union(Plain.objects.all()).update(value=-1, **options)
    with pytest.raises(FieldDoesNotExist, match="nope"):
        Plain.objects.filter(value=-5).update(nope=-1, **options)
    if connection.features.can_distinct_on_fields:
        with pytest.raises(TypeError, match="distinct"):
            Plain.objects.order_by("value").distinct("value").update(value=-1, **options)
    assert values() == [0, 1, 2, 3, 4, 5]


def test_a_parent_s_key_is_a_primary_key_among_the_names() -> None:
    child = Child(name="c", value=1)
    child.save()
    with pytest.raises(ValueError, match="primary key"):
        Child.objects.update_fields("id", objects=[child])
