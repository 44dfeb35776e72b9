"""Models in several tables: parents are written first, and their keys are carried on."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from app.computing import Rare
from app.odd import Chapter, Named, Odd, Special

pytestmark = pytest.mark.django_db

MANY = 1500


def new(n: int, first: int = 0) -> list[Any]:
    return [
        Rare(name=f"n{i}", code=i, extra={"i": i}, level=i or None) for i in range(first, first + n)
    ]


def stored() -> list[Any]:
    names = ("name", "code", "extra", "level")
    rows = Rare.django.order_by("code").values_list(*names, "id", "named_ptr_id", "special_ptr_id")
    assert all(len(set(row[-3:])) == 1 for row in rows)
    return [row[:-3] for row in rows]


@pytest.mark.parametrize("n", [1, 10, MANY])
def test_copies_are_stored_as_save_stores_them(n: int, on_engine: list[str]) -> None:
    for row in new(n):
        row.save()
    rows = stored()
    Rare.django.all().delete()
    given = new(n)
    assert Rare.objects.copy_from_objects(given) == n
    assert stored() == rows and len(on_engine) == 3
    assert all(row.pk is None and row.id is None and row._state.adding for row in given)


def test_copies_of_a_few_rows_are_a_statement_a_table() -> None:
    with CaptureQueriesContext(connection) as queries:
        Rare.objects.copy_from_objects(new(10))
    assert sum("INSERT" in query["sql"] for query in queries) == 3


@pytest.mark.parametrize("n", [3, MANY])
def test_copies_that_are_kept_have_their_keys(n: int) -> None:
    given = new(n)
    made = Rare.objects.copy_from_objects(given, return_queryset=True)
    assert list(made) == given
    for row in given[:3]:
        assert row.pk == row.id == row.named_ptr_id == row.special_ptr_id
        assert Rare.django.get(pk=row.pk).name == row.name.lower()
    assert not any(row._state.adding for row in given)


def test_keys_that_are_given() -> None:
    given = [Rare(pk=5, name="a", code=1), Rare(id=6, name="b", code=2), *new(1, 10)]
    assert Rare.objects.copy_from_objects(given, exclude_id=False) == 3
    assert set(Rare.django.values_list("name", "pk")) >= {("a", 5), ("b", 6)}
    assert Rare.objects.copy_from_objects([Rare(pk=5, name="c", code=3)]) == 1
    assert Rare.django.get(name="c").pk != 5


def test_copies_with_some_fields() -> None:
    given = new(2)
    Rare.objects.copy_from_objects(given, fieldnames=["name", "code", "extra", "since"])
    assert list(Rare.django.values_list("level", flat=True)) == [None, None]


@pytest.mark.parametrize("n", [10, MANY])
def test_a_failure_leaves_nothing(n: int) -> None:
    Named.django.create(name=f"N{n - 1}", code=n - 1)
    given = new(n)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rare.objects.copy_from_objects(given, return_queryset=True)
    assert Named.django.count() == 1 and Special.django.count() == 0
    assert all(row.pk is None and row.id is None for row in given)


def test_a_stream() -> None:
    assert Rare.objects.copy_from_objects((row for row in new(MANY)), batch_size=400) == MANY
    assert Rare.django.count() == MANY


@pytest.mark.parametrize("n", [1, 10, MANY])
def test_update_fields(n: int, on_engine: list[str]) -> None:
    Rare.objects.copy_from_objects(new(n))
    on_engine.clear()
    rows = Rare.objects.all()
    for row in rows:
        row.name, row.level, row.extra = f"{row.name}!", -row.code, {"now": row.name}
    assert rows.update_fields("name", "level", "extra") == n and len(on_engine) == 3
    again = list(Rare.django.all())
    assert all(row.name.endswith("!") and row.level == -row.code for row in again)
    rows = Rare.objects.all()
    for row in rows:
        row.level = 7
    assert rows.update_fields() == n
    assert Rare.django.filter(level=7).count() == n


def test_update_fields_of_a_filter_that_the_update_changes() -> None:
    Rare.objects.copy_from_objects(new(6))
    rows = list(Rare.django.order_by("code"))
    for row in rows:
        row.code, row.level = row.code + 100, 9
    assert Rare.objects.filter(code__lt=3).update_fields("code", "level", objects=rows) == 3
    assert set(Rare.django.filter(level=9).values_list("code", flat=True)) == {100, 101, 102}


@pytest.mark.parametrize("n", [2, MANY])
def test_copies_are_ordered_among_those_of_their_owner(n: int) -> None:
    books = [Odd.objects.create(), Odd.objects.create()]
    Chapter.objects.create(book=books[1], title="first")
    given = [Chapter(book=books[i % 2], title=f"{i}") for i in range(n)]
    assert Chapter.objects.copy_from_objects(given) == n
    for number, book in enumerate(books):
        orders = models.QuerySet(Chapter).filter(book=book).order_by("pk")
        found = list(orders.values_list("_order", flat=True))
        assert found == list(range(n // 2 + number))


@pytest.mark.parametrize("n", [1, 10, MANY])
def test_created_rows_are_ordered_as_djangos(n: int, on_engine: list[str]) -> None:
    book = Odd.objects.create()
    on_engine.clear()

    def made(manager: Any) -> list[Any]:
        Chapter.django.all().delete()
        given = [Chapter(book=book, title=f"{i}") for i in range(n)]
        if not hasattr(manager.all(), "_handle_order_with_respect_to"):  # before Django 6.1
            for order, row in enumerate(given):
                row._order = order
        with CaptureQueriesContext(connection) as queries:
            manager.bulk_create(given)
        count = len(queries) if n < MANY else 0
        return [count, [(row.title, row._order, row._state.adding) for row in given]]

    assert made(Chapter.objects) == made(Chapter.django)
    assert len(on_engine) == 1
