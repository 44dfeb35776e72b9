"""The page, as printed (its sample data mended)."""

import random
import string
from random import randint

import pytest

from app.models import Foo
from conftest import ENGINE

pytestmark = pytest.mark.django_db


def some_rows() -> list[Foo]:
    ls = []
    for _ in range(10):
        ls.append(
            Foo(
                name="".join(random.choices(string.ascii_uppercase, k=25)),
                value=randint(0, 1000),
            )
        )
    return ls


def stored() -> list[tuple[int, str, int]]:
    return list(Foo.objects.order_by("pk").values_list("pk", "name", "value"))


def test_retrieve_bulk_created_instances(on_engine: list[str]) -> None:
    ls = some_rows()
    foos = Foo.objects.bulk_create(ls, return_queryset=True)
    assert [(f.pk, f.name, f.value) for f in foos] == stored()
    assert [f.name for f in foos] == [f.name for f in ls]
    assert len({f.bm_create_uuid for f in foos}) == 1
    assert foos[0].bm_create_uuid is not None
    assert len(foos) == 10 and foos.count() == 10
    assert foos.filter(name=ls[3].name).get().pk == ls[3].pk
    assert on_engine == [ENGINE]


def test_heterogeneous_update(on_engine: list[str]) -> None:
    foos = Foo.objects.bulk_create(some_rows(), return_queryset=True)
    for foo in foos:
        foo.value += randint(100, 200)
    assert foos.update_fields() == 10
    assert stored() == [(f.pk, f.name, f.value) for f in foos]
    for foo in foos:
        foo.value += 1
        foo.name = "not written"
    assert foos.update_fields("value") == 10
    assert [row[2] for row in stored()] == [f.value for f in foos]
    assert all(row[1] != "not written" for row in stored())
    assert len(on_engine) == 3


def test_concurrent_writes() -> None:
    foos = some_rows()
    Foo.objects.bulk_create(foos, concurrent=True, batch_size=1000, max_concurrent_workers=10)
    queryset = Foo.objects.order_by("pk")
    assert queryset.update(concurrent=True, batch_size=1000, max_concurrent_workers=10) == 0
    for foo in queryset:
        foo.value = -7
    options = {"concurrent": True, "batch_size": 1000, "max_concurrent_workers": 10}
    assert queryset.update_fields(**options) == 10
    assert queryset.update(value=9, **options) == 10
    assert {row[2] for row in stored()} == {9}


@pytest.mark.parametrize("n", [1, 10, 999, 1001, 2500])
def test_any_number_of_rows(n: int, on_engine: list[str]) -> None:
    foos = Foo.objects.bulk_create(
        [Foo(name=f"row {i}", value=i) for i in range(n)], return_queryset=True
    )
    assert stored() == [(f.pk, f"row {i}", i) for i, f in enumerate(foos)]
    for foo in foos:
        foo.value = -foo.value
    assert foos.update_fields() == n - 1
    assert [row[2] for row in stored()] == [-i for i in range(n)]
    assert len(on_engine) == (2 if n > 1 else 1)


def test_batches(on_engine: list[str]) -> None:
    Foo.objects.bulk_create([Foo(name=f"{i}", value=i) for i in range(2500)], batch_size=700)
    assert [row[2] for row in stored()] == list(range(2500))
    foos = Foo.objects.order_by("pk")
    for foo in foos:
        foo.value *= 2
    assert foos.update_fields(batch_size=600) == 2499
    assert [row[2] for row in stored()] == [2 * i for i in range(2500)]
    assert len(on_engine) == 2


def test_mistakes_in_the_options() -> None:
    with pytest.raises(ValueError, match="positive"):
        Foo.objects.bulk_create(some_rows(), batch_size=0)
    with pytest.raises(ValueError, match="max_concurrent_workers"):
        Foo.objects.bulk_create(some_rows(), max_concurrent_workers=0)
    with pytest.raises(ValueError, match="positive"):
        Foo.objects.update_fields("value", objects=[], batch_size=-1)
    assert stored() == []
