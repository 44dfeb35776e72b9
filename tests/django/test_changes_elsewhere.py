"""L5: what became of rows beside their queryset is known when update_fields() compares."""

import copy
import gc
import pickle
from collections.abc import Callable
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.base import ModelState
from django.test.utils import CaptureQueriesContext

from app.models import Child, Document, Noted, Plain, Signed
from bulkmodel.model.row_state import RowState, records

pytestmark = pytest.mark.django_db


def read(n: int = 3) -> Any:
    Plain.django.bulk_create([Plain(name=f"{i}", value=i) for i in range(n)])
    rows = Plain.objects.order_by("pk")
    list(rows)
    return rows


def stored() -> list[Any]:
    return list(Plain.django.order_by("pk").values_list("value", flat=True))


def by_save(row: Any) -> None:
    row.save()


def by_save_of_a_field(row: Any) -> None:
    row.save(update_fields=["value"])


def by_asave(row: Any) -> None:
    async_to_sync(row.asave)()


def by_bulk_update(row: Any) -> None:
    assert Plain.objects.bulk_update([row], ["value"]) == 1


def by_bulk_update_of_djangos(row: Any) -> None:
    assert Plain.objects.distinct().bulk_update([row], ["value"]) == 1


def by_update_fields(row: Any) -> None:
    assert Plain.objects.update_fields("value", objects=[row]) == 1


def by_another_queryset(row: Any) -> None:
    rows = Plain.objects.update_fields("name", objects=[row], return_queryset=True)
    row.value += 1
    assert rows.update_fields() == 1
    row.value -= 1
    assert rows.update_fields() == 1


def by_upsert(row: Any) -> None:
    Plain.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["id"], update_fields=["value"]
    )


def by_create_queryset(row: Any) -> None:
    Plain.objects.create_queryset([row])


def by_a_copy(row: Any) -> None:
    copy.copy(row).save()


def by_a_deep_copy(row: Any) -> None:
    copy.deepcopy(row).save()


WRITES: list[Callable[[Any], None]] = [
    by_save,
    by_save_of_a_field,
    by_bulk_update,
    by_bulk_update_of_djangos,
    by_update_fields,
    by_another_queryset,
    by_upsert,
    by_create_queryset,
    by_a_copy,
    by_a_deep_copy,
]


def write_and_set_back(write: Callable[[Any], None]) -> None:
    rows = read()
    rows[1].value = 50
    write(rows[1])
    assert stored() == [0, 50, 2]
    rows[1].value = 1
    assert rows.update_fields() == 1
    assert stored() == [0, 1, 2]
    assert rows.update_fields() == 0


@pytest.mark.parametrize("write", WRITES)
def test_written_elsewhere_and_set_back(write: Callable[[Any], None]) -> None:
    write_and_set_back(write)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [*WRITES, by_asave])
def test_committed_elsewhere_and_set_back(write: Callable[[Any], None]) -> None:
    write_and_set_back(write)


@pytest.mark.parametrize("write", WRITES)
def test_written_elsewhere_and_rolled_back(write: Callable[[Any], None]) -> None:
    """The row holds what it held; the instance has what is to be written."""
    rows = read()
    rows[1].value = 50
    with transaction.atomic():
        write(rows[1])
        transaction.set_rollback(True)
    assert stored() == [0, 1, 2]
    assert rows.update_fields() == 1
    assert stored() == [0, 50, 2]


@pytest.mark.django_db(transaction=True)
def test_committed_with_a_transaction() -> None:
    rows = read()
    with transaction.atomic():
        rows[1].value = 50
        rows[1].save()
    rows[1].value = 1
    assert rows.update_fields() == 1
    assert stored() == [0, 1, 2]


@pytest.mark.parametrize("fields", [None, ["value"]])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.django_db(transaction=True)
def test_what_was_read_again_is_no_change(fields: Any, asynchronous: bool) -> None:
    rows = read()
    Plain.django.filter(pk=rows[1].pk).update(value=60, name="theirs")
    rows[0].value = 100
    if asynchronous:
        async_to_sync(rows[1].arefresh_from_db)(fields=fields)
    else:
        rows[1].refresh_from_db(fields=fields)
    Plain.django.filter(pk=rows[1].pk).update(value=70)
    assert rows.update_fields() == 1
    assert stored() == [100, 70, 2]
    rows[1].value = 1  # which it was when the queryset was read
    assert rows.update_fields() == 1
    assert stored() == [100, 1, 2]


def test_a_change_is_kept_when_other_fields_are_read_again() -> None:
    rows = read()
    rows[1].name = "mine"
    rows[1].refresh_from_db(fields=["value"])
    assert rows.update_fields() == 1
    assert Plain.django.get(pk=rows[1].pk).name == "mine"


def test_a_change_is_kept_when_other_fields_are_saved() -> None:
    rows = read()
    rows[1].name, rows[1].value = "mine", 11
    rows[1].save(update_fields=["value"])
    with CaptureQueriesContext(connection) as captured:
        assert rows.update_fields() == 1
    assert "value" not in captured[-1]["sql"].partition("WHERE")[0] or not captured
    assert Plain.django.get(pk=rows[1].pk).name == "mine"


def test_read_again_in_what_is_rolled_back() -> None:
    rows = read()
    with transaction.atomic():
        Plain.django.filter(pk=rows[1].pk).update(value=60)
        rows[1].refresh_from_db()
        transaction.set_rollback(True)
    assert rows.update_fields() == 1  # the row holds 1, the instance 60
    assert stored() == [0, 60, 2]


def test_a_savepoint_that_was_rolled_back_in_between() -> None:
    rows = read()
    with transaction.atomic():
        rows[0].value = 100
        rows[0].save()
        with transaction.atomic():
            rows[1].value = 50
            rows[1].save()
            transaction.set_rollback(True)
        rows[1].value = 1
        rows.update_fields()
    assert stored() == [100, 1, 2]


def test_expressions() -> None:
    rows = read()
    rows[1].value = F("value") + 10
    rows[1].save()
    assert stored() == [0, 11, 2]
    if django.VERSION < (6, 0):  # newer ones read the value back
        rows[1].refresh_from_db()
    rows[1].value = 1
    assert rows.update_fields() == 1
    assert stored() == [0, 1, 2]


def test_a_deferred_field_that_was_loaded_is_no_change() -> None:
    read()
    rows = Plain.objects.only("name").order_by("pk")
    assert [row.value for row in rows] == [0, 1, 2]
    assert rows.update_fields() == 0
    rows[2].value = 7
    assert rows.update_fields() == 1
    assert stored() == [0, 1, 7]


def test_a_value_that_changes_in_place_after_it_was_saved() -> None:
    Document.objects.bulk_create([Document(name="a", body={"n": 1})])
    rows = Document.objects.all()
    rows_of = list(rows)
    rows_of[0].body["n"] = 2
    rows_of[0].save()
    rows_of[0].body["n"] = 1
    assert rows.update_fields() == 1
    assert Document.objects.get().body == {"n": 1}


def test_parents_of_a_child() -> None:
    Child.objects.create(name="c", value=1, extra=1)
    rows = Child.objects.all()
    next(iter(rows)).value = 2
    rows[0].save()
    rows[0].value = 1
    assert rows.update_fields() == 1
    assert Child.objects.get().value == 1


def test_rows_that_a_call_returned() -> None:
    made = [Plain(name=f"{i}", value=i) for i in range(3)]
    written = Plain.objects.bulk_create(made, return_queryset=True)
    made[1].value = 50
    made[1].save()
    made[1].value = 1
    assert written.update_fields() == 1
    assert stored() == [0, 1, 2]


def test_a_row_of_its_own_that_was_copied_from_one() -> None:
    """pk=None and save(): the copy is another row, and says nothing of the first one."""
    rows = read()
    other = copy.copy(rows[1])
    other.pk, other.name, other.value = None, "other", 50
    other.save()
    assert rows.update_fields() == 0
    rows[1].value = 50
    assert rows.update_fields() == 1
    assert stored() == [0, 50, 2, 50]


def test_a_relation_that_was_read_with_the_rows() -> None:
    owners = [Plain.objects.create(name="a"), Plain.objects.create(name="b")]
    Signed.objects.bulk_create([Signed(name="s", value=1, owner=owners[0])])
    rows = Signed.objects.select_related("owner")
    row = rows[0] if len(rows) else None
    assert row is not None
    row.owner = owners[1]
    row.save()
    row.owner = owners[0]
    assert rows.update_fields() == 1
    assert Signed.objects.get().owner_id == owners[0].pk


def test_what_is_read_with_prefetch_is_known() -> None:
    owner = Plain.objects.create(name="a")
    Signed.objects.bulk_create([Signed(name="s", value=1, owner=owner)])
    owner = Plain.objects.prefetch_related("signed").get(pk=owner.pk)
    signed: Any = owner.signed.all()  # type: ignore[attr-defined]
    signed[0].value = 2
    assert signed.update_fields() == 1
    assert signed.update_fields() == 0
    assert Signed.objects.get().value == 2


def test_many_saves_of_one_instance_are_not_kept() -> None:
    rows = read()
    for value in range(50, 90):
        rows[1].value, rows[1].name = value, f"{value}"
        rows[1].save(update_fields=["value", "name"][value % 2 :][:1])
    assert len(list(records(rows[1]._state.bm_notes, 0))) < 10
    rows[1].value = 1
    assert rows.update_fields() == 1
    assert stored() == [0, 1, 2]


def test_pickled_instances_know_nothing_of_us() -> None:
    rows = read()
    rows[1].save()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(rows[1], protocol)
        assert b"bulkmodel" not in data
        row = pickle.loads(data)
        assert type(row._state) is ModelState and row._state.db == "default"
        assert not row._state.adding and row == rows[1]


def test_a_copy_does_not_keep_its_original_alive() -> None:
    row = copy.copy(Plain.objects.create(name="a") and Plain.objects.get())
    gc.collect()
    assert type(row._state) is RowState
    row.value = 7
    row.save()
    assert stored() == [7]


def test_classes_that_django_itself_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def heard(sender: Any, **facts: Any) -> None: ...

    models.signals.post_init.connect(heard, sender=Plain)
    try:
        write_and_set_back(by_save)
    finally:
        models.signals.post_init.disconnect(heard, sender=Plain)


def test_deleted_and_written() -> None:
    rows = read()
    Plain.django.filter(pk=rows[1].pk).delete()
    rows[1].value, rows[2].value = 50, 60
    assert rows.update_fields() == 1
    assert stored() == [0, 60]
    rows[0].delete()
    with pytest.raises(ValueError, match="has no primary key"):
        rows.update_fields()


def test_many_rows_and_some_of_them_saved() -> None:
    Noted.objects.bulk_create([Noted(name=f"{i}", value=i, body={"n": i}) for i in range(1500)])
    rows = Noted.objects.order_by("pk")
    for row in list(rows)[::100]:
        row.value = -1
    Noted.objects.bulk_update(list(rows)[::100], ["value"])
    for i, row in enumerate(rows):
        row.value = i
    assert rows.update_fields() == 15
    assert list(Noted.objects.order_by("pk").values_list("value", flat=True)) == list(range(1500))
