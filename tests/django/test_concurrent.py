"""concurrent=True on every engine: the same rows, keys and counts as without."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from app.models import Document, Foo, Plain
from bulkmodel.engine import postgresql
from conftest import ENGINE
from spy import watching

OPTIONS: list[dict[str, Any]] = [
    {"concurrent": True},
    {"concurrent": True, "batch_size": 7},
    {"concurrent": True, "batch_size": 7, "max_concurrent_workers": 2},
    {"concurrent": False, "batch_size": 7},
]
each_way = pytest.mark.parametrize("options", OPTIONS)


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def stored() -> list[tuple[str, int | None]]:
    return list(Plain.django.order_by("pk").values_list("name", "value"))


@pytest.fixture(params=["in a transaction", "outside"])
def where(request: Any) -> None:
    request.getfixturevalue("db" if request.param == "in a transaction" else "transactional_db")


@each_way
def test_bulk_create(options: dict[str, Any], where: None) -> None:
    made = Plain.objects.bulk_create(rows(50), return_queryset=True, **options)
    by_name = {row.name: row.pk for row in Plain.django.all()}
    assert [row.pk for row in made] == [by_name[f"n{i}"] for i in range(50)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Plain.objects.bulk_create(rows(50), **options)
    assert Plain.django.count() == 50


@each_way
def test_what_is_not_the_engines(options: dict[str, Any], where: None) -> None:
    expected = [{"a": i} for i in range(30)]
    Document.objects.bulk_create([Document(body=body) for body in expected], **options)
    assert sorted(Document.objects.values_list("body", flat=True), key=str) == sorted(
        expected, key=str
    )


@each_way
def test_update(options: dict[str, Any], where: None) -> None:
    Plain.django.bulk_create(rows(50))
    chosen = Plain.objects.filter(value__gte=20)
    assert chosen.update(value=F("value") * 2, **options) == 30
    assert {v for _, v in stored()} == {*range(20), *range(40, 100, 2)}
    changed = Plain.objects.filter(value__lt=10)
    changed = changed.update(name=F("name"), return_queryset=True, **options)
    assert {row.value for row in changed} == set(range(10))
    assert Plain.objects.update(**options) == 0


@each_way
def test_update_fields(options: dict[str, Any], where: None) -> None:
    made = Plain.objects.bulk_create(rows(50), return_queryset=True)
    for row in made[10:]:
        row.value = 1000 - row.value
    assert made.update_fields(**options) == 40
    assert stored() == [(row.name, row.value) for row in made]
    assert made.update_fields(**options) == 0


@pytest.mark.django_db(transaction=True)
def test_the_line_of_the_page_with_nothing_to_set() -> None:
    foos = Foo.objects.bulk_create([Foo(name="a", value=1)] * 1, return_queryset=True)
    with CaptureQueriesContext(connection) as captured:
        assert foos.update(concurrent=True, batch_size=1000, max_concurrent_workers=10) == 0
    assert len(captured) == 0


@pytest.mark.django_db(transaction=True)
def test_a_row_that_a_join_selects_twice() -> None:
    owners = Plain.objects.bulk_create(rows(2))
    owners[0].signed.model.objects.bulk_create(
        [owners[i % 2].signed.model(name="s", value=i, owner=owners[i % 2]) for i in range(6)]
    )
    chosen = Plain.objects.filter(signed__value__gte=0)
    assert chosen.update(value=F("value") + 1, concurrent=True, batch_size=1) == 2
    assert [value for _, value in stored()] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_connections_of_sqlite_are_not_copied() -> None:
    with watching() as spy:
        Plain.objects.bulk_create(rows(50), concurrent=True, batch_size=7)
    assert (len(spy.threads) > 1) == (ENGINE == "postgresql" and postgresql.is_psycopg3)
