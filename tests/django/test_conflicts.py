"""bulk_create with conflicts does what Django's does, on the engine where it can."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Everything, Keyed, Plain
from conftest import ENGINE

pytestmark = pytest.mark.django_db

IGNORE = {"ignore_conflicts": True}
UPDATE = {"update_conflicts": True, "update_fields": ["value"], "unique_fields": ["name"]}
SIZES = [1, 3, 1000, 1001, 2500]


def batch(n: int, keys: bool = False) -> list[Plain]:
    objects = [Plain(name=f"n{i}", value=-i) for i in range(n)]
    for i, object in enumerate(objects if keys else ()):
        object.pk = 500_000 + i
    return objects


def stored() -> list[Any]:
    return list(Plain.django.order_by("name").values_list("name", "value"))


def state(objects: list[Any]) -> list[Any]:
    """What became of the objects; of keys whether they are those of their rows."""
    keys = dict(Plain.django.values_list("name", "pk"))
    return [
        (o.pk is None, o.pk is None or keys.get(o.name) == o.pk, o._state.adding, o._state.db)
        for o in objects
    ]


def both(make: Any, **options: Any) -> tuple[Any, Any]:
    """What a call of ours and of Django's leave behind: rows, objects, or the error."""
    results = []
    for manager in (Plain.django, Plain.objects):
        objects = make()
        with transaction.atomic():
            try:
                with transaction.atomic():
                    returned = manager.bulk_create(objects, **options)
                    assert [id(o) for o in returned] == [id(o) for o in objects]
                    results.append((stored(), state(objects)))
            except Exception as error:
                results.append((type(error), str(error)))
            transaction.set_rollback(True)
    return results[0], results[1]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("options", [IGNORE, UPDATE, {**UPDATE, "batch_size": 700}])
def test_as_django(n: int, keys: bool, options: Any) -> None:
    Plain.django.bulk_create(
        [Plain(name=f"n{i}", value=10) for i in range(0, n, 2)] + [Plain(name="other", value=1)]
    )
    django, ours = both(lambda: batch(n, keys), **options)
    assert ours == django
    assert len(ours[0]) == n + 1


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("options", [IGNORE, UPDATE])
def test_some_with_keys(n: int, options: Any) -> None:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=10) for i in range(0, n, 3)])

    def make() -> list[Plain]:
        objects = batch(n)
        for i in range(0, n, 2):
            objects[i].pk = 700_000 + i
        return objects

    django, ours = both(make, **options)
    assert ours == django


@pytest.mark.parametrize("n", [2, 1500])
@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("options", [IGNORE, UPDATE])
def test_duplicates_in_the_batch(n: int, keys: bool, options: Any) -> None:
    """PostgreSQL refuses to update a row twice; SQLite's last wins."""

    def make() -> list[Plain]:
        objects = batch(n, keys)
        objects[-1].name = "n0"
        return objects

    django, ours = both(make, **options)
    assert ours == django


@pytest.mark.parametrize("n", [2, 1500])
def test_only_unique_conflicts_are_ignored(n: int) -> None:
    """Django's own INSERT OR IGNORE on SQLite drops the row that violates NOT NULL."""
    objects = batch(n)
    objects[-1].name = None
    with pytest.raises(IntegrityError), transaction.atomic():
        Plain.objects.bulk_create(objects, **IGNORE)
    assert stored() == []


@pytest.mark.parametrize("n", [2, 1500])
def test_by_primary_key(n: int) -> None:
    Plain.django.create(pk=500_000, name="before", value=1)
    for unique in (["pk"], ["id"]):
        options = {**UPDATE, "update_fields": ["name", "value"], "unique_fields": unique}
        django, ours = both(lambda: batch(n, True), **options)
        assert ours == django
        django, ours = both(lambda: batch(n), **options)
        assert ours == django


@pytest.mark.parametrize("n", [2, 1500])
def test_without_an_index(n: int) -> None:
    django, ours = both(lambda: batch(n), **{**UPDATE, "unique_fields": ["value"]})
    assert ours == django
    assert issubclass(ours[0], Exception)


@pytest.mark.parametrize("n", [2, 1500])
def test_names_may_be_read_once(n: int) -> None:
    options = {"update_conflicts": True, "update_fields": ["value"]}
    Plain.django.create(name="n1", value=100)
    Plain.objects.bulk_create(batch(n), **options, unique_fields=iter(["name"]))
    assert Plain.django.get(name="n1").value == -1


@pytest.mark.parametrize("n", [2, 1500])
def test_columns_of_other_names(n: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute('CREATE UNIQUE INDEX app_e_u ON app_everything ("The integer", "slug")')
    Everything.django.create(integer=1, slug="s", text="old", char="old")
    options = {
        "update_conflicts": True,
        "update_fields": ["text", "integer"],
        "unique_fields": ["integer", "slug"],
    }
    made = Everything.objects.bulk_create(
        [Everything(integer=i, slug="s", text="new", char="new") for i in range(n)], **options
    )
    rows = {row.integer: row for row in Everything.django.all()}
    assert (rows[1].text, rows[1].char, rows[0].char) == ("new", "old", "new")
    assert [o.pk for o in made] == [rows[i].pk for i in range(n)]


@pytest.mark.parametrize("n", [2, 1500])
def test_null_conflicts_with_nothing(n: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX app_e_u ON app_everything (slug)")
    Everything.django.create(slug="s1", text="old")
    options = {"update_conflicts": True, "update_fields": ["text"], "unique_fields": ["slug"]}
    objects = [Everything(slug=f"s{i}" if i % 2 else None, text=str(i)) for i in range(n)]
    Everything.objects.bulk_create(objects, **options)
    rows = dict(Everything.django.values_list("pk", "text"))
    assert rows == {o.pk: o.text for o in objects}


@pytest.mark.parametrize("n", [2, 1500])
def test_a_key_that_is_no_number(n: int) -> None:
    there = Keyed.objects.create(name="old")
    objects = [Keyed(name=f"n{i}") for i in range(n)]
    objects[1].pk = there.pk
    keys = [o.pk for o in objects]
    Keyed.objects.bulk_create(
        objects, update_conflicts=True, update_fields=["name"], unique_fields=["pk"]
    )
    assert [o.pk for o in objects] == keys
    assert Keyed.objects.get(pk=there.pk).name == "n1"
    Keyed.objects.bulk_create([Keyed(pk=k, name="no") for k in keys], ignore_conflicts=True)
    assert Keyed.objects.count() == n
    assert not Keyed.objects.filter(name="no").exists()


@pytest.mark.parametrize("n", [3, 1000])
def test_as_many_statements_as_django(n: int) -> None:
    for options in (IGNORE, UPDATE):
        counts = []
        for manager in (Plain.django, Plain.objects):
            with CaptureQueriesContext(connection) as captured, transaction.atomic():
                manager.bulk_create(batch(n), **options)
                transaction.set_rollback(True)
            counts.append(len(captured))
        assert counts[0] == counts[1]


def test_many_rows_are_the_engines(on_engine: list[str]) -> None:
    Plain.objects.bulk_create(batch(1500), **IGNORE)
    assert len(on_engine) == 1
    Plain.objects.bulk_create(batch(1500), **UPDATE)
    assert len(on_engine) == (1 if ENGINE == "sqlite-rows" else 2)


@pytest.mark.parametrize("n", [2, 1500])
@pytest.mark.parametrize("options", [IGNORE, UPDATE])
def test_the_queryset_is_what_the_database_holds(n: int, options: Any) -> None:
    Plain.django.create(name="n1", value=100)
    rows = Plain.objects.bulk_create(batch(n), **options, return_queryset=True)
    assert [(r.pk, r.name, r.value) for r in rows] == [
        (r.pk, r.name, r.value) for r in (Plain.django.get(pk=r.pk) for r in rows)
    ]
    assert [r.name for r in rows] == ([f"n{i}" for i in range(n)] if options is UPDATE else [])
