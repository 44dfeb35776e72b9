"""create_queryset() and populate_queryset_values()."""

import datetime
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from app.models import Child, Document, Everything, Foo, Keyed, Plain, Signed, Stamped

pytestmark = pytest.mark.django_db


def stored() -> dict[int, tuple[str, int]]:
    return {row.pk: (row.name, row.value) for row in Plain.django.all()}


@pytest.mark.parametrize("n", [2, 40, 1500])
def test_new_rows_rows_that_are_there_and_keys_that_are_not(n: int) -> None:
    old = Plain.django.bulk_create([Plain(name=f"old{i}", value=-i) for i in range(n)])
    objects = []
    for i in range(n):
        objects.append(Plain(name=f"new{i}", value=i))
        objects.append(Plain(pk=old[i].pk, name=f"mine{i}", value=i))
        objects.append(Plain(pk=10**9 + i, name=f"far{i}", value=i))
    with CaptureQueriesContext(connection) as captured:
        made = Plain.objects.create_queryset(row for row in objects)
    if n < 100:
        # Are they there; new rows with a key, and without; rows that are there.
        assert len([q for q in captured if "SAVEPOINT" not in q["sql"]]) == 4
    assert list(made) == objects
    assert stored() == {row.pk: (row.name, row.value) for row in objects}
    assert len(stored()) == 3 * n
    assert not any(row._state.adding for row in made)
    assert made.count() == 3 * n and made.filter(name="far1").get() == objects[5]
    made[0].value = 99
    assert made.update_fields() == 1 and stored()[made[0].pk][1] == 99


def test_an_update_as_save_does_it() -> None:
    saved, ours = Stamped.objects.create(name="a"), Stamped.objects.create(name="a")
    for row in (saved, ours):
        row.name, row.made = "b", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    saved.save()
    Stamped.objects.create_queryset([ours])
    rows = Stamped.objects.in_bulk()
    assert rows[ours.pk].made == rows[saved.pk].made == saved.made
    assert rows[ours.pk].name == "b"
    assert abs(rows[ours.pk].changed - rows[saved.pk].changed) < datetime.timedelta(minutes=1)
    made = rows[ours.pk].made
    Stamped.objects.create_queryset([Stamped(pk=ours.pk, name="c")])
    rows = Stamped.objects.in_bulk()
    assert (rows[ours.pk].name, rows[ours.pk].made) == ("c", made)


def test_deferred_fields_keep_what_is_there() -> None:
    Plain.django.create(pk=1, name="a", value=1)
    row = Plain.django.only("value").get()
    Plain.django.update(name="theirs")
    row.value = 2
    assert list(Plain.objects.create_queryset([row])) == [row]
    assert stored() == {1: ("theirs", 2)}


def test_keys_of_another_type_and_expressions() -> None:
    there = Keyed.objects.create(name="a")
    made = Keyed.objects.create_queryset([Keyed(name="b"), Keyed(pk=str(there.pk), name="c")])
    assert Keyed.objects.count() == 2 and made[1].pk == str(there.pk)
    assert Keyed.objects.get(pk=there.pk).name == "c"
    Plain.django.create(pk=5, name="n", value=41)
    made = Plain.objects.create_queryset([Plain(pk=5, name="n", value=F("value") + 1)])
    assert made[0].value == 42 and stored() == {5: ("n", 42)}
    document = Document.objects.create(name="x", body=[1])
    Document.objects.create_queryset([Document(pk=document.pk, name="y"), Document(name="z")])
    assert set(Document.objects.values_list("name", flat=True)) == {"y", "z"}


def test_one_transaction_and_all_as_it_was() -> None:
    Plain.django.bulk_create([Plain(pk=1, name="a", value=1), Plain(pk=2, name="b", value=2)])
    objects = [Plain(name="new"), Plain(pk=1, name="b", value=5)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Plain.objects.create_queryset(objects)
    assert stored() == {1: ("a", 1), 2: ("b", 2)}
    assert all(row._state.adding and row._state.db is None for row in objects)
    assert objects[0].pk is None


def test_bad_input(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        with pytest.raises(ValueError, match="Objects 0 and 2"):
            Plain.objects.create_queryset([Plain(pk=1), Plain(pk=2), Plain(pk=1)])
        with pytest.raises(ValueError, match=r"Object 1 is a Foo, not an instance of app\.Plain"):
            Plain.objects.create_queryset([Plain(pk=1), Foo()])
        with pytest.raises(ValueError, match="Object 0 is a Foo, not"):
            Plain.objects.none().populate_queryset_values([Foo()], "name")
        with pytest.raises(FieldDoesNotExist):
            Plain.objects.none().populate_queryset_values([], "nothing")
        for names in (["id"], ["everything"], []):
            with pytest.raises(ValueError, match=r"primary key|field name"):
                Plain.objects.none().populate_queryset_values([], *names)
        with pytest.raises(TypeError, match="instances"):
            Plain.objects.values().none().populate_queryset_values([], "name")
        assert list(Plain.objects.create_queryset([])) == []


def test_populate(django_assert_num_queries: Any) -> None:
    made = Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(30)])
    given = [Plain(pk=row.pk, name="x", value=-row.value) for row in made[5:]]
    rows = Plain.objects.order_by("-pk")
    with django_assert_num_queries(1):
        assert rows.populate_queryset_values(reversed(given), "value") is rows
        assert [row.value for row in rows] == [-i if i >= 5 else i for i in range(29, -1, -1)]
    assert all(row.name.startswith("n") for row in rows)
    assert stored() == {row.pk: (row.name, row.value) for row in made}
    with django_assert_num_queries(1):
        assert rows.update_fields() == 25
    assert stored()[made[29].pk] == ("n29", -29)
    with django_assert_num_queries(0):
        rows.populate_queryset_values(made, "value", "name")
    assert [row.value for row in rows] == list(range(29, -1, -1))
    with django_assert_num_queries(2):
        deferred = Plain.django.only("name")
        Plain.objects.all().populate_queryset_values(deferred, "name", "value")


def test_populate_takes_related_objects_with_it(django_assert_num_queries: Any) -> None:
    one, two = Plain.django.create(name="one"), Plain.django.create(name="two")
    row = Signed.objects.create(name="a", value=1, owner=one)
    rows = Signed.objects.select_related("owner")
    rows.populate_queryset_values([Signed(pk=row.pk, owner=two)], "owner")
    with django_assert_num_queries(0):
        assert rows[0].owner is two
    rows.populate_queryset_values([Signed(pk=row.pk, owner_id=one.pk)], "owner")
    assert rows[0].owner == one
    everything = Everything.objects.create()
    found = Everything.objects.all()
    found.populate_queryset_values([Everything(pk=everything.pk, link=one)], "link")
    assert found[0].link is one


def test_create_queryset_gives_values_to_rows_of_two_tables() -> None:
    child = Child(name="c", value=1)
    child.save()
    child.value, child.extra = 6, 7
    assert list(Child.objects.create_queryset([child])) == [child]
    stored = Child.objects.get()
    assert (stored.value, stored.extra) == (6, 7)
