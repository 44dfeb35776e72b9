"""copy_from_objects(): what save() would store, from a stream."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.test.utils import CaptureQueriesContext

from app.keys import Pair
from app.models import Document, Everything, Foo, Keyed, Plain, Signed, Stamped
from bulkmodel import signals
from bulkmodel.verbs import copy_from
from conftest import ENGINE
from test_parity import CASES, printed

pytestmark = pytest.mark.django_db


def rows(n: int, **values: Any) -> list[Plain]:
    return [Plain(**{"name": f"n{i}", "value": i, **values}) for i in range(n)]


def stored() -> list[tuple[str, int]]:
    return list(Plain.django.order_by("pk").values_list("name", "value"))


@pytest.mark.parametrize("n", [1, 3, 999, 2500])
@pytest.mark.parametrize("batch_size", [None, 700])
def test_a_list(n: int, batch_size: int | None, on_engine: list[str]) -> None:
    made = rows(n)
    assert Plain.objects.copy_from_objects(made, batch_size=batch_size) == n
    assert stored() == [(f"n{i}", i) for i in range(n)]
    assert all(row.pk is None and row._state.adding for row in made)
    assert on_engine == [ENGINE] * (1 if batch_size is None else -(-n // 700))
    assert Plain.objects.filter(value=-1).copy_from_objects([Plain(name="one more")]) == 1


def test_a_generator_is_read_once_and_as_it_is_needed(on_engine: list[str]) -> None:
    read: list[int] = []

    def source() -> Iterator[Plain]:
        for i in range(25):
            # What was read so far, but for the chunk under way, is in the table.
            assert Plain.django.count() == i // 10 * 10
            read.append(i)
            yield Plain(name=f"n{i}", value=i)

    assert Plain.objects.copy_from_objects(source(), batch_size=10) == 25
    assert read == list(range(25)) and len(stored()) == 25
    assert on_engine == [ENGINE] * 3
    assert Plain.objects.copy_from_objects(iter([])) == 0


def test_copy_is_what_postgresql_runs() -> None:
    with CaptureQueriesContext(connection) as captured:
        Plain.objects.copy_from_objects(rows(1500))
    copies = [query for query in captured if query["sql"].startswith("COPY")]
    assert len(copies) == (1 if ENGINE == "postgresql" else 0)


def test_few_rows_are_one_statement(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        assert Plain.objects.copy_from_objects(rows(10)) == 10


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda v: repr(v)[:40])
def test_every_value_is_stored_as_save_stores_it(name: str, value: Any) -> None:
    column = Everything._meta.get_field(name).column
    saved = Everything(**{name: value})
    saved.save()
    # A short list is one statement, a stream is copied.
    for source in ([Everything(**{name: value})] * 2, iter([Everything(**{name: value})] * 2)):
        assert Everything.objects.copy_from_objects(source) == 2
    for key in Everything.django.exclude(pk=saved.pk).values_list("pk", flat=True):
        assert printed(Everything, column, key) == printed(Everything, column, saved.pk)


def test_what_the_database_and_the_model_make() -> None:
    assert Stamped.objects.copy_from_objects([Stamped(name="a"), Stamped(name="b")]) == 2
    assert all(row.made and row.changed for row in Stamped.objects.all())
    assert Keyed.objects.copy_from_objects(Keyed(name=f"{i}") for i in range(5)) == 5
    assert Keyed.objects.count() == 5
    assert Document.objects.copy_from_objects([Document(name="a", body={"a": None})]) == 1
    assert Document.objects.get().body == {"a": None}
    pairs = [Pair(left=1, right="a", value=1), Pair(left=1, right="b", value=2)]
    assert Pair.objects.copy_from_objects(pairs) == 2
    assert Pair.objects.get(pk=(1, "b")).value == 2


def test_keys() -> None:
    made = [Plain(pk=10**6, name="a"), Plain(name="b"), Plain(pk=10**6 + 1, name="c")]
    assert Plain.objects.copy_from_objects(made, exclude_id=False) == 3
    names = dict(Plain.django.values_list("name", "pk"))
    assert (names["a"], names["c"]) == (10**6, 10**6 + 1) and names["b"] not in (10**6, None)
    for row in made:
        row.name += "2"
    assert Plain.objects.copy_from_objects(made) == 3
    names = dict(Plain.django.values_list("name", "pk"))
    assert names["a2"] != 10**6 and len(names) == 6
    assert [row.pk for row in made] == [10**6, None, 10**6 + 1]
    keyed = [Keyed(name="x"), Keyed(name="y")]
    keys = [row.pk for row in keyed]
    assert Keyed.objects.copy_from_objects(keyed) == 2
    assert set(Keyed.objects.values_list("pk", flat=True)) == set(keys)


@pytest.mark.parametrize("n", [3, 1500])
@pytest.mark.parametrize("exclude_id", [True, False])
def test_return_queryset(n: int, exclude_id: bool) -> None:
    made = [Plain(pk=-i if i % 2 else None, name=f"n{i}", value=i) for i in range(n)]
    given = [row.pk for row in made]
    copied = Plain.objects.copy_from_objects(
        iter(made), exclude_id=exclude_id, return_queryset=True, batch_size=400
    )
    assert list(copied) == made and copied.all().count() == n
    keys = dict(Plain.django.values_list("name", "pk"))
    assert [row.pk for row in made] == [keys[f"n{i}"] for i in range(n)]
    assert all(
        (row.pk == key) == (not exclude_id) for row, key in zip(made, given) if key is not None
    )
    copied[0].value = 77
    assert copied.update_fields() == 1
    assert Plain.django.get(name="n0").value == 77
    documents = Document.objects.copy_from_objects(
        [Document(name=Lower(Value("ABC"))), Document(name="b")], return_queryset=True
    )
    assert [row.name for row in documents] == ["abc", "b"]


def test_only_some_fields(on_engine: list[str]) -> None:
    foos = [Foo(name=f"n{i}", value=i) for i in range(3)]
    assert Foo.objects.copy_from_objects(foos, fieldnames=["value", "name"]) == 3
    assert len(set(Foo.objects.values_list("bm_create_uuid", flat=True))) == 1
    assert Plain.objects.copy_from_objects(rows(3), fieldnames=["name"]) == 3
    assert stored() == [("n0", None), ("n1", None), ("n2", None)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Foo.objects.copy_from_objects(foos, fieldnames=["name"])
    assert len(on_engine) == 3


def test_the_mark_of_a_call() -> None:
    mark = uuid.uuid4()
    foos = (Foo(name=f"n{i}", value=i) for i in range(25))
    assert Foo.objects.copy_from_objects(foos, mark, batch_size=10) == 25
    assert Foo.objects.filter(bm_create_uuid=mark).count() == 25
    Foo.objects.copy_from_objects(Foo(name="x", value=i) for i in range(25))
    others = Foo.objects.exclude(bm_create_uuid=mark).values_list("bm_create_uuid", flat=True)
    assert len(set(others)) == 1 and None not in others


@pytest.mark.parametrize("as_list", [True, False])
def test_signals(as_list: bool) -> None:
    sent: list[dict[str, Any]] = []

    def receiver(**facts: Any) -> None:
        sent.append(facts)

    pair = (signals.pre_copy_from_instances, signals.post_copy_from_instances)
    for signal in pair:
        signal.connect(receiver, sender=Plain)
    made = rows(25)
    try:
        source = made if as_list else iter(made)
        assert Plain.objects.copy_from_objects(source, batch_size=10) == 25
        Plain.objects.copy_from_objects([Plain(name="x")], send_signals=False)
    finally:
        for signal in pair:
            signal.disconnect(receiver, sender=Plain)
    pre, post = sent
    assert (pre["signal"], post["signal"]) == pair
    assert pre["instances"] == (made if as_list else None)
    assert (pre["n"], post["n"]) == (25 if as_list else None, 25)
    assert pre["field_names"] == ["id", "name", "value"] and pre["batch_size"] == 10
    assert post["queryset"]._result_cache is None
    assert [row.name for row in post["queryset"].order_by("pk")] == [f"n{i}" for i in range(25)]


@pytest.mark.django_db(transaction=True)
def test_one_transaction_whatever_fails() -> None:
    error = RuntimeError("mine")

    def source(n: int, what: BaseException | None = None) -> Iterator[Plain]:
        for i in range(n):
            yield Plain(name=f"n{i}", value=i)
        if what is not None:
            raise what

    for what in (error, KeyboardInterrupt()):
        with pytest.raises(type(what)) as caught:
            Plain.objects.copy_from_objects(source(2500, what), batch_size=1000)
        assert caught.value is what and stored() == []
    made = [*rows(2500), Plain(name="n7")]
    with pytest.raises(IntegrityError) as refused:
        Plain.objects.copy_from_objects(iter(made), batch_size=1000, return_queryset=True)
    assert stored() == [] and all(row.pk is None and row._state.adding for row in made)
    assert refused.value.row_index == 2500  # type: ignore[attr-defined]
    with pytest.raises(IntegrityError):
        Signed.objects.copy_from_objects([Signed(name="a", value=1, owner_id=12345)])
    with pytest.raises(RuntimeError), transaction.atomic():
        assert Plain.objects.copy_from_objects(source(25), batch_size=10) == 25
        raise error
    assert stored() == [] and not connection.in_atomic_block


def test_errors_name_the_row_of_the_stream() -> None:
    made: list[Any] = [*rows(30)]
    made[25].value = "twelve"
    with pytest.raises(ValueError, match="expected a number") as caught, transaction.atomic():
        Plain.objects.copy_from_objects(iter(made), batch_size=10)
    assert caught.value.row_index == 25  # type: ignore[attr-defined]
    assert caught.value.field_name == "value"  # type: ignore[attr-defined]
    made[25] = Foo(name="x", value=1)
    with pytest.raises(ValueError, match="Object 25 is a Foo, not"), transaction.atomic():
        Plain.objects.copy_from_objects(iter(made), batch_size=10)
    if ENGINE == "postgresql":
        made[25] = Plain(name="x" * 11)
        with pytest.raises(DataError) as refused, transaction.atomic():
            Plain.objects.copy_from_objects(iter(made), batch_size=10)
        assert refused.value.row_index == 25  # type: ignore[attr-defined]
    assert stored() == []


def test_what_django_would_lose_is_refused() -> None:
    made = [Everything(float=1.0) for _ in range(5)]
    made[3].float = float("nan")
    if ENGINE == "postgresql":
        assert Everything.objects.copy_from_objects(made) == 5
        return
    with pytest.raises(DataError, match="Row 3, field float: ") as caught, transaction.atomic():
        Everything.objects.copy_from_objects(made, batch_size=2)
    assert caught.value.row_index == 3  # type: ignore[attr-defined]
    assert caught.value.field_name == "float"  # type: ignore[attr-defined]
    assert Everything.objects.count() == 0


def test_bad_input(django_assert_num_queries: Any) -> None:
    copy = Plain.objects.copy_from_objects
    with django_assert_num_queries(0):
        for options in ({"batch_size": 0}, {"max_concurrent_workers": -1}):
            with pytest.raises(ValueError, match="positive"):
                copy(rows(2), **options)
        with pytest.raises(FieldDoesNotExist):
            copy(rows(2), fieldnames=["nothing"])
        for names in ([], ["everything"]):
            with pytest.raises(ValueError, match="concrete fields"):
                copy(rows(2), fieldnames=names)
        with pytest.raises(TypeError, match="list of field names"):
            copy(rows(2), fieldnames="name")
    with pytest.raises(ValueError, match="unsaved related object"), transaction.atomic():
        Signed.objects.copy_from_objects([Signed(name="x", value=1, owner=Plain(name="y"))])


def test_settings_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_from, "CHUNK", 10)
    made = Plain.objects.copy_from_objects(
        (row for row in rows(25)), concurrent=True, max_concurrent_workers=2
    )
    assert made == 25 and len(stored()) == 25
    owner = Plain.django.get(name="n1")
    assert owner.signed.copy_from_objects([Signed(name="a", value=1, owner=owner)]) == 1
    assert Signed.objects.get().owner == owner


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("return_queryset", [False, True])
@pytest.mark.psycopg3
def test_a_list_is_shared_out(return_queryset: bool) -> None:
    backends: set[int] = set()

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        backends.add(id(context["connection"].connection))
        return execute(sql, params, many, context)

    wrapper.any_thread = True  # type: ignore[attr-defined]
    made = rows(2500)
    with connection.execute_wrapper(wrapper):
        copied = Plain.objects.copy_from_objects(
            made,
            concurrent=True,
            batch_size=500,
            max_concurrent_workers=2,
            return_queryset=return_queryset,
        )
    assert len(backends) == (3 if ENGINE == "postgresql" else 1)
    assert sorted(value for _, value in stored()) == list(range(2500))
    if return_queryset:
        keys = dict(Plain.django.values_list("name", "pk"))
        assert [row.pk for row in copied] == [keys[f"n{i}"] for i in range(2500)]
    with pytest.raises(IntegrityError):
        Plain.objects.copy_from_objects(
            [*(Plain(name=f"m{i}") for i in range(2500)), Plain(name="n3")],
            concurrent=True,
            batch_size=500,
        )
    assert len(stored()) == 2500
    documents = [Document(name=Lower(Value(f"N{i}"))) for i in range(20)]
    assert Document.objects.copy_from_objects(documents, concurrent=True, batch_size=5) == 20
