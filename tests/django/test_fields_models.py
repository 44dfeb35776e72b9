"""Models that are not one table with one key: what Django does is done, by whichever way."""

from typing import Any

import pytest

from app.odd import Alias, Chapter, Named, Odd, Place, Special

pytestmark = pytest.mark.django_db


def test_proxies(on_engine: list[str]) -> None:
    rows = Alias.objects.bulk_create([Alias(name="a", code=1), Alias(name="b", code=2)])
    assert [type(row) for row in Alias.objects.all()] == [Alias, Alias]
    rows[0].name = "c"
    assert Alias.objects.bulk_update(rows, ["name"]) == 2
    assert sorted(Named.objects.values_list("name", flat=True)) == ["b", "c"]
    assert len(on_engine) == 2


@pytest.mark.parametrize("manager", ["objects", "django"])
def test_order_with_respect_to(manager: str) -> None:
    book = Odd.objects.create()
    chapters: Any = getattr(Chapter, manager)
    first = Chapter.objects.create(book=book, title="first")
    first.title = "one"
    assert chapters.bulk_update([first], ["title"]) == 1
    assert list(book.get_chapter_order()) == [first.pk]  # type: ignore[attr-defined]
    assert Chapter.objects.get().title == "one"


def test_keys_of_two_columns() -> None:
    rows = Place.objects.bulk_create([Place(row=i, seat=f"{i}") for i in range(3)])
    for row in rows:
        row.taken = True
    assert Place.objects.bulk_update(rows[:2], ["taken"]) == 2
    taken = Place.objects.order_by("row").values_list("row", "seat", "taken")
    assert list(taken) == [(0, "0", True), (1, "1", True), (2, "2", False)]
    assert Place.objects.update_fields("taken", objects=rows) == 3
    assert Place.objects.filter(taken=True).count() == 3


def test_columns_in_two_tables() -> None:
    with pytest.raises(ValueError, match="multi-table"):
        Special.objects.bulk_create([Special(name="x", code=1)])
    rows = [Special.objects.create(name=f"{i}", code=i) for i in range(2)]
    for row in rows:
        row.extra = {"of": row.name}
        row.name += "!"
    assert Special.objects.bulk_update(rows, ["name", "extra"]) == 2
    found = Special.objects.order_by("pk").values_list("name", "extra")
    assert list(found) == [("0!", {"of": "0"}), ("1!", {"of": "1"})]
    rows[0].name = "changed"
    assert Special.objects.update_fields("name", "extra", objects=rows) == 2
    assert Named.objects.filter(name="changed").exists()
