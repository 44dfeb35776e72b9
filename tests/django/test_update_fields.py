"""update_fields() and the snapshot: what changed is written, and nothing else."""

import copy
import pickle
from typing import Any

import pytest
from django.db import OperationalError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Document, Foo, Noted, Plain, Signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def foos() -> Any:
    Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(10)])
    return Foo.objects.order_by("pk")


def stored() -> list[tuple[str, int]]:
    return list(Foo.objects.order_by("pk").values_list("name", "value"))


def test_nothing_changed_is_no_statement(foos: Any, django_assert_num_queries: Any) -> None:
    list(foos)
    with django_assert_num_queries(0):
        assert foos.update_fields() == 0


def test_a_row_keeps_what_it_did_not_change(foos: Any, on_engine: list[str]) -> None:
    list(foos)
    Foo.objects.update(name="theirs", value=-1)
    foos[2].name = "mine"
    foos[3].value = 33
    foos[4].name, foos[4].value = "both", 44
    assert foos.update_fields() == 3
    wanted = [("theirs", -1)] * 10
    wanted[2:5] = [("mine", -1), ("theirs", 33), ("both", 44)]
    assert stored() == wanted
    assert len(on_engine) == 1


def test_written_once(foos: Any, django_assert_num_queries: Any) -> None:
    foos[0]
    list(foos)
    foos[1].value = 100
    with django_assert_num_queries(1):
        assert foos.update_fields() == 1
    with django_assert_num_queries(0):
        assert foos.update_fields() == 0
    foos[1].value = 1
    assert foos.update_fields() == 1
    assert stored()[1] == ("n1", 1)


def test_named_fields_leave_others_changed(foos: Any) -> None:
    list(foos)
    foos[5].name, foos[5].value = "later", 55
    assert foos.update_fields("value") == 10
    assert stored()[5] == ("n5", 55)
    assert foos.update_fields() == 1
    assert stored()[5] == ("later", 55)


def test_the_snapshot_shares_the_fate_of_the_transaction(foos: Any) -> None:
    list(foos)
    foos[0].value = 100
    with transaction.atomic():
        assert foos.update_fields() == 1
        assert foos.update_fields() == 0
        transaction.set_rollback(True)
    assert stored()[0] == ("n0", 0)
    assert foos.update_fields() == 1
    assert stored()[0] == ("n0", 100)
    foos[0].value = 200
    with transaction.atomic():
        assert foos.update_fields() == 1
    assert foos.update_fields() == 0


@pytest.mark.django_db(transaction=True)
def test_the_snapshot_after_a_commit() -> None:
    Foo.objects.bulk_create([Foo(name="a", value=1)])
    foos = Foo.objects.all()
    list(foos)
    foos[0].value = 2
    with transaction.atomic():
        assert foos.update_fields() == 1
    assert foos.update_fields() == 0
    foos[0].value = 3
    assert foos.update_fields() == 1
    with pytest.raises(RuntimeError), transaction.atomic():
        foos[0].value = 4
        assert foos.update_fields() == 1
        raise RuntimeError
    assert foos.update_fields() == 1
    assert stored() == [("a", 4)]


def test_the_filter_is_part_of_it(foos: Any) -> None:
    some = foos.filter(value__lt=5)
    for foo in some:
        foo.value += 100
    Foo.objects.filter(name="n0").update(value=50)
    assert some.update_fields() == 4
    assert [value for _, value in stored()][:6] == [50, 101, 102, 103, 104, 5]


def test_a_slice(foos: Any) -> None:
    some = foos[2:4]
    for foo in some:
        foo.value = 0
    assert some.update_fields() == 2
    assert [value for _, value in stored()] == [0, 1, 0, 0, 4, 5, 6, 7, 8, 9]


def test_deferred_fields_are_unchanged(foos: Any, on_engine: list[str]) -> None:
    some = foos.only("name")
    for foo in some:
        foo.name += "!"
    with CaptureQueriesContext(connection) as captured:
        assert some.update_fields() == 10
    assert len(captured) == 1
    assert stored()[3] == ("n3!", 3)
    assert len(on_engine) == 1


@pytest.mark.parametrize("names", [["value"], ["body"], ["name", "body"], ["note", "body"]])
def test_deferred_fields_that_are_named_are_not_loaded(names: list[str], on_engine: Any) -> None:
    """As save() leaves them: a row is written with what it has of the named fields."""
    made = Noted.objects.bulk_create(
        [Noted(name=f"{i}", value=i, body={"n": i}, note="-") for i in range(6)]
    )
    on_engine.clear()
    some = Noted.objects.only("name", "note").order_by("pk")
    whole = Noted.objects.get(pk=made[5].pk)
    rows = [*list(some)[:5], whole]
    for row in rows:
        row.name, row.note = "mine", "mine"
    whole.value, whole.body = 55, {"n": 55}
    Noted.objects.update(name="theirs", note="theirs", value=-1, body={"n": -1})
    with CaptureQueriesContext(connection) as captured:
        n = Noted.objects.update_fields(*names, objects=rows)
    loaded = {"name", "note"}.intersection(names)
    assert n == (6 if loaded else 1)
    assert ["UPDATE " in query["sql"] for query in captured] == [True]
    for i, row in enumerate(Noted.objects.order_by("pk")):
        for name in ("name", "note", "value"):
            written = name in names and (name in loaded or i == 5)
            theirs, mine = ("theirs", "mine") if name != "value" else (-1, 55)
            assert getattr(row, name) == (mine if written else theirs)
        assert row.body == {"n": 55 if i == 5 and "body" in names else -1}
    assert all("body" in row.get_deferred_fields() for row in rows[:5])
    assert len(on_engine) == 1


def test_only_deferred_fields_are_no_statement(django_assert_num_queries: Any) -> None:
    Noted.objects.bulk_create([Noted(name=f"{i}", value=i) for i in range(3)])
    some = Noted.objects.only("name")
    list(some)
    with django_assert_num_queries(0):
        assert some.update_fields("value", "body") == 0
        assert Noted.objects.update_fields("value", objects=list(some)) == 0
    some[0].value = 7
    with django_assert_num_queries(1):
        assert some.update_fields("value", "body") == 1
    assert Noted.objects.filter(value=7).count() == 1


def test_beside_a_deferred_field_others_may_change(django_assert_num_queries: Any) -> None:
    Noted.objects.bulk_create([Noted(name=f"{i}", value=i, body={"n": i}) for i in range(4)])
    some = Noted.objects.defer("body", "value").order_by("pk")
    list(some)
    some[0].body = {"new": 1}
    some[1].name = "new"
    some[2].value = 22
    with django_assert_num_queries(1):
        assert some.update_fields() == 3
    found = Noted.objects.order_by("pk").values_list("name", "value", "body")
    assert list(found) == [
        ("0", 0, {"new": 1}),
        ("new", 1, {"n": 1}),
        ("2", 22, {"n": 2}),
        ("3", 3, {"n": 3}),
    ]


def test_deferred_on_django_s_way() -> None:
    Noted.objects.bulk_create([Noted(name=f"{i}", value=i, body={"n": i}) for i in range(3)])
    some = Noted.objects.only("name", "value").order_by("pk")
    for row in some:
        row.value = models.F("value") + 10
    some[1].body = {"new": 1}
    with CaptureQueriesContext(connection) as captured:
        assert some.update_fields("value", "body") == 3
    kinds = {query["sql"].split()[0] for query in captured}
    assert "SELECT" not in kinds and "UPDATE" in kinds
    found = Noted.objects.order_by("pk").values_list("value", "body")
    assert list(found) == [(10, {"n": 0}), (11, {"new": 1}), (12, {"n": 2})]


def test_a_row_that_did_not_match_stays_changed(foos: Any, django_assert_num_queries: Any) -> None:
    list(foos)
    gone = Foo.objects.get(pk=foos[3].pk)
    Foo.objects.filter(pk=gone.pk).delete()
    for foo in foos:
        foo.value += 100
    assert foos.update_fields() == 9
    assert foos.update_fields() == 0  # which is sent again, and is not there
    Foo._base_manager.bulk_create([Foo(pk=gone.pk, name=gone.name, value=gone.value)])
    with django_assert_num_queries(1):
        assert foos.update_fields() == 1
    with django_assert_num_queries(0):
        assert foos.update_fields() == 0
    assert [value for _, value in stored()] == list(range(100, 110))


@pytest.mark.django_db(transaction=True)
def test_rows_that_cannot_be_asked_for_stay_changed(foos: Any) -> None:
    list(foos)
    Foo.objects.filter(pk=foos[3].pk).delete()

    def no_questions(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT"):
            raise OperationalError("gone")
        return execute(sql, *rest)

    for foo in foos:
        foo.value += 100
    with connection.execute_wrapper(no_questions):
        with pytest.raises(OperationalError), transaction.atomic():
            foos.update_fields()  # what is committed here is not yet known
        assert foos.update_fields() == 9
    assert foos.update_fields() == 9
    assert foos.update_fields() == 0


def test_a_row_that_the_filter_left_out_stays_changed(foos: Any) -> None:
    some = foos.filter(value__lt=200)
    for foo in some:
        foo.name = f"mine{foo.value}"
    Foo._base_manager.filter(name="n4").update(value=500)
    assert some.update_fields() == 9
    Foo._base_manager.filter(name="n4").update(value=4)
    assert some.update_fields() == 1
    assert [name for name, _ in stored()] == [f"mine{i}" for i in range(10)]


def test_what_was_sent_in_vain_stays_changed_in_named_fields(foos: Any) -> None:
    list(foos)
    foos[0].name, foos[0].value = "new", 1000
    with transaction.atomic():
        Foo.objects.filter(pk=foos[0].pk).delete()
        assert foos.update_fields("name") == 9
        transaction.set_rollback(True)
    assert foos.update_fields() == 1
    assert stored()[0] == ("new", 1000)


def test_a_vanished_row_lowers_the_count(foos: Any) -> None:
    list(foos)
    Foo.objects.filter(value=3).delete()
    for foo in foos:
        foo.value += 1
    assert foos.update_fields() == 9


def test_return_queryset(foos: Any) -> None:
    list(foos)
    for foo in foos:
        foo.value += 1
    again = foos.update_fields(return_queryset=True)
    assert [foo.value for foo in again] == list(range(1, 11))
    assert again.count() == 10


def test_rows_without_a_snapshot_need_names(foos: Any) -> None:
    rows = list(foos)
    with pytest.raises(ValueError, match="needs field names"):
        Foo.objects.update_fields(objects=rows)
    thawed = pickle.loads(pickle.dumps(foos))
    assert thawed._snapshot is None and thawed._result_cache is not None
    with pytest.raises(ValueError, match="needs field names"):
        thawed.update_fields()
    copied = copy.deepcopy(foos)
    assert copied._snapshot is None
    assert foos.all()._snapshot is None
    assert Foo.objects.update_fields("value", objects=rows) == 10


def test_bad_input_writes_nothing(foos: Any, django_assert_num_queries: Any) -> None:
    rows = list(foos)
    with django_assert_num_queries(0):
        for names, objects, said in (
            (["id"], rows, "primary key"),
            (["value"], [Foo(name="x", value=1)], "has no primary key"),
            (["value"], [rows[0], rows[1], rows[0]], "0 and 2"),
            (["value"], [Plain(id=1)], "is a Plain, not an instance of app.Foo"),
        ):
            with pytest.raises(ValueError, match=said):
                Foo.objects.update_fields(*names, objects=objects)


def test_values_that_change_in_place() -> None:
    documents = Document.objects.bulk_create(
        [Document(name=f"{i}", body={"list": [i]}) for i in range(3)], return_queryset=True
    )
    documents[1].body["list"].append("more")
    assert documents.update_fields() == 1
    assert documents.update_fields() == 0
    read = Document.objects.order_by("pk")
    assert [d.body["list"] for d in read] == [[0], [1, "more"], [2]]
    read[2].body["list"].clear()
    assert read.update_fields() == 1
    assert Document.objects.get(pk=read[2].pk).body == {"list": []}


def test_the_values_of_other_objects(foos: Any) -> None:
    rows = list(foos)
    for row in rows:
        row.value *= 10
    assert Foo.objects.update_fields("value", objects=(row for row in rows)) == 10
    assert [value for _, value in stored()] == [10 * i for i in range(10)]


def test_related_objects(on_engine: list[str]) -> None:
    owners = Plain.objects.bulk_create([Plain(name="a"), Plain(name="b")])
    Signed.objects.bulk_create([Signed(name=f"{i}", value=i, owner=owners[0]) for i in range(4)])
    on_engine.clear()
    read = Signed.objects.select_related("owner").order_by("pk")
    read[0]
    for row in list(read)[:2]:
        row.owner = owners[1]
    assert read.update_fields() == 2
    assert on_engine != []
    assert [row.owner.name for row in Signed.objects.order_by("pk")] == ["b", "b", "a", "a"]
    read[3].owner = Plain(name="not saved")
    with pytest.raises(ValueError, match="unsaved related object"), transaction.atomic():
        read.update_fields()


@pytest.mark.parametrize("deferred", [False, True])
def test_the_snapshot_is_what_was_written(foos: Any, deferred: bool) -> None:
    """A field of which the queryset read no value, too; no call reads."""
    read = foos.only("name") if deferred else foos
    list(read)
    for value in (50, 60):
        read[1].value = value
        with CaptureQueriesContext(connection) as asked:
            assert read.update_fields() == 1
            assert read.update_fields() == 0
        assert [query["sql"] for query in asked if query["sql"].startswith("SELECT")] == []
        assert stored()[1] == ("n1", value)
    assert ("value" in vars(read[2])) != deferred
