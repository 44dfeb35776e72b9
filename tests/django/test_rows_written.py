"""L7: results, snapshots and signals hold the rows that were written, and what they hold."""

from typing import Any

import pytest
from django.db import connection

from app.linked import Part
from app.models import Foo, Plain
from app.odd import Defaults
from bulkmodel import signals

pytestmark = pytest.mark.django_db


def made(n: int = 3) -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=f"{i}", value=i) for i in range(n)])


def names(rows: Any) -> list[str]:
    return [row.name for row in rows]


@pytest.mark.parametrize("n", [3, 1500])
def test_rows_that_the_filter_leaves_out(n: int) -> None:
    rows = made(n)
    for row in rows:
        row.name += "!"
    heard: list[Any] = []

    def receiver(queryset: Any, n: int, **facts: Any) -> None:
        heard.append((n, names(queryset)))

    signals.post_update_fields.connect(receiver, weak=False, dispatch_uid="L7")
    try:
        written = Plain.objects.filter(value=0).update_fields(
            "name", objects=rows, return_queryset=True
        )
    finally:
        signals.post_update_fields.disconnect(dispatch_uid="L7")
    assert names(written) == ["0!"] and heard == [(1, ["0!"])]
    assert written.all().count() == 1
    assert written.update_fields() == 0


def test_rows_that_have_the_values_already_and_are_left_out() -> None:
    rows = made()
    written = Plain.objects.filter(value=0).update_fields(
        "name", objects=rows, return_queryset=True
    )
    assert names(written) == ["0"]


def test_rows_that_leave_the_filter_by_the_call() -> None:
    rows = Plain.objects.filter(value=1) if made() else None
    assert rows is not None
    for row in rows:
        row.value = 7
    written = rows.update_fields(return_queryset=True)
    assert [row.value for row in written] == [7] and written.all().count() == 1
    written[0].value = 8
    assert written.update_fields() == 1
    assert Plain.django.get(name="1").value == 8


def test_rows_that_left_the_filter_before_the_call() -> None:
    made()
    rows = Plain.objects.filter(value__lt=5).order_by("pk")
    for row in rows:
        row.name += "!"
    Plain.django.filter(name="1").update(value=50)
    written = rows.update_fields(return_queryset=True)
    assert names(written) == ["0!", "2!"]
    Plain.django.filter(name="1").update(value=1)
    assert rows.update_fields() == 1
    assert names(Plain.django.order_by("pk")) == ["0!", "1!", "2!"]


def test_a_manager_that_hides_rows() -> None:
    rows = Part.everything.bulk_create([Part(name="a"), Part(name="b", hidden=True)])
    for row in rows:
        row.name += "!"
    assert names(Part.objects.update_fields("name", objects=rows, return_queryset=True)) == ["a!"]
    assert names(Part.everything.order_by("pk")) == ["a!", "b"]


def test_rows_that_vanished() -> None:
    rows = made()
    Plain.django.filter(pk=rows[1].pk).delete()
    written = Plain.objects.update_fields("name", objects=rows, return_queryset=True)
    assert names(written) == ["0", "2"]


def test_rows_that_did_not_change_are_there() -> None:
    made()
    rows = Plain.objects.order_by("pk")
    list(rows)[1].value = 50
    Plain.django.filter(name="2").update(value=70)
    written = rows.update_fields(return_queryset=True)
    assert names(written) == ["0", "1", "2"]
    assert written.update_fields() == 0
    assert [row.value for row in Plain.django.order_by("pk")] == [0, 50, 70]


def test_the_snapshot_of_a_result_is_what_rows_hold() -> None:
    """Not what the objects have in fields that were not written."""
    rows = made()
    rows[1].name, rows[1].value = "new", 50
    written = Plain.objects.update_fields("name", objects=rows, return_queryset=True)
    assert Plain.django.get(name="new").value == 1
    assert written.update_fields() == 1
    assert Plain.django.get(name="new").value == 50


def test_the_snapshot_of_a_result_of_rows_that_were_read() -> None:
    made()
    rows = Plain.objects.order_by("pk")
    list(rows)[1].name, rows[1].value = "new", 50
    written = rows.update_fields("name", return_queryset=True)
    assert written.update_fields() == 1
    assert Plain.django.get(name="new").value == 50


def test_objects_that_know_less_than_their_rows() -> None:
    rows = [Foo(pk=foo.pk, name="new", value=0) for foo in create_foos()]
    for row in rows:
        row._state.adding = False
    written = Foo.objects.update_fields("name", objects=rows, return_queryset=True)
    for row in written:
        row.value = 0
    assert written.update_fields() == 2
    assert {foo.value for foo in Foo.objects.all()} == {0}


def create_foos() -> list[Foo]:
    return list(Foo.objects.bulk_create([Foo(name=f"{i}", value=i + 5) for i in range(2)]))


@pytest.mark.parametrize("n", [2, 1200])
def test_copies_of_some_fields(n: int) -> None:
    rows = [Plain(name=f"{i}", value=i + 5) for i in range(n)]
    written = Plain.objects.copy_from_objects(rows, fieldnames=["name"], return_queryset=True)
    assert {row.value for row in Plain.django.all()} == {None}
    assert written.update_fields() == n
    assert {row.value for row in Plain.django.all()} == {i + 5 for i in range(n)}


def test_copies_of_some_fields_with_defaults_of_the_database() -> None:
    rows = [Defaults(value=1, name="mine", plain=1)]
    written = Defaults.objects.copy_from_objects(rows, fieldnames=["plain"], return_queryset=True)
    stored = Defaults.django.get()
    assert (stored.value, stored.name) == (7, "from the database")
    written.update_fields()
    stored = Defaults.django.get()
    assert (stored.value, stored.name) == (1, "mine")


def skip_odd_rows() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER skip BEFORE UPDATE ON app_plain WHEN OLD.value % 2 = 1"
                " BEGIN SELECT RAISE(IGNORE); END"
            )
            return
        cursor.execute(
            "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN IF OLD.value % 2 = 1 THEN RETURN NULL; END IF; RETURN NEW; END'"
        )
        cursor.execute(
            "CREATE TRIGGER skip BEFORE UPDATE ON app_plain FOR EACH ROW EXECUTE FUNCTION skip()"
        )


@pytest.mark.parametrize("n", [4, 1500])
def test_rows_that_a_trigger_skips(n: int) -> None:
    rows = made(n)
    skip_odd_rows()
    for row in rows:
        row.name += "!"
    written = Plain.objects.update_fields("name", objects=rows, return_queryset=True)
    assert names(written) == [f"{i}!" for i in range(0, n, 2)]
    assert set(Plain.django.filter(name__endswith="!")) == set(written)
