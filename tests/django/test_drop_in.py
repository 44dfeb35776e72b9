"""bulk_create, bulk_update and update: what Django's do."""

from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Lower
from django.test.utils import CaptureQueriesContext

from app.models import Child, Foo, Plain, Signed
from conftest import ENGINE

pytestmark = pytest.mark.django_db


def rows(n: int, **values: Any) -> list[Plain]:
    return [Plain(**{"name": f"n{i}", "value": i, **values}) for i in range(n)]


def statements(call: Any) -> int:
    """How many statements a call takes; what it wrote is taken back."""
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        call()
        transaction.set_rollback(True)
    return len(captured)


@pytest.mark.parametrize("batch_size", [None, 1, 3, 10, 50])
@pytest.mark.parametrize("n", [1, 9, 100, 400, 1000])
def test_as_many_statements_as_django(n: int, batch_size: int | None) -> None:
    ours = statements(lambda: Plain.objects.bulk_create(rows(n), batch_size))
    assert ours == statements(lambda: Plain.django.bulk_create(rows(n), batch_size))
    made = Plain.objects.bulk_create(rows(n))
    ours = statements(lambda: Plain.objects.bulk_update(made, ["value"], batch_size))
    assert ours == statements(lambda: Plain.django.bulk_update(made, ["value"], batch_size))


def test_few_rows_are_one_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        made = Plain.objects.bulk_create(rows(20))
    with django_assert_num_queries(1):
        Plain.objects.bulk_update(made, ["name", "value"])
    with django_assert_num_queries(1):
        assert Plain.objects.update(value=F("value") + 1) == 20
    with django_assert_num_queries(1):
        assert Plain.objects.update_fields("value", objects=made) == 20
    with django_assert_num_queries(0):
        Plain.objects.bulk_create([])
        Plain.objects.bulk_update([], ["value"])
        Plain.objects.none().update_fields()


def test_key_of_one_row_is_made_by_the_table(on_engine: list[str]) -> None:
    Plain.django.create(pk=4710, name="before")
    if ENGINE == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE app_plain ALTER id DROP IDENTITY")
            cursor.execute("ALTER TABLE app_plain ALTER id SET DEFAULT 4711")
    with CaptureQueriesContext(connection) as captured:
        made = Plain.objects.bulk_create(rows(1))
    assert len(on_engine) == len(captured) == 1
    assert made[0].pk == 4711
    assert Plain.django.get(name="n0").pk == 4711


def test_statements_are_in_the_query_log() -> None:
    with CaptureQueriesContext(connection) as captured:
        Plain.objects.bulk_create(rows(1500))
    text = "\n".join(query["sql"] for query in captured)
    assert ("COPY" if ENGINE == "postgresql" else 'INSERT INTO "app_plain"') in text
    seen: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        assert isinstance(params, tuple | list) or params is None
        assert len(repr(params)) < 200_000
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        Plain.objects.bulk_update(list(Plain.objects.all()), ["value"])
    assert any(sql.startswith('UPDATE "app_plain"') for sql in seen)


@pytest.mark.parametrize("n", [3, 1500])
def test_failure_takes_all_back(n: int, on_engine: list[str]) -> None:
    Plain.django.create(name=f"n{n - 1}")
    made = rows(n)
    with pytest.raises(IntegrityError), transaction.atomic():
        Plain.objects.bulk_create(made, batch_size=2 if n < 10 else 1000)
    assert len(on_engine) == 1
    assert Plain.objects.count() == 1
    assert all(row.pk is None and row._state.adding and row._state.db is None for row in made)
    with pytest.raises(IntegrityError), transaction.atomic():
        others = Plain.objects.bulk_create([Plain(name="other1"), Plain(name="other2")])
        for row in others:
            row.name = "same"
        Plain.objects.bulk_update(others, ["name"])
    assert Plain.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_failure_at_commit_unsets_keys() -> None:
    made = [Signed(name="a", value=1, owner_id=12345)]
    with pytest.raises(IntegrityError):
        Signed.objects.bulk_create(made)
    assert made[0].pk is None and made[0]._state.adding
    assert Signed.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [5, 1500])
def test_part_of_the_callers_transaction(n: int) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Plain.objects.bulk_create(rows(n))
        raise RuntimeError
    assert Plain.objects.count() == 0
    with transaction.atomic():
        Plain.objects.bulk_create(rows(n))
        assert Plain.objects.count() == n
    assert Plain.objects.count() == n


def test_text_that_is_too_long() -> None:
    made = Plain.objects.bulk_create(rows(1))
    long = [Plain(name="x" * 11)]
    if ENGINE != "postgresql":
        Plain.objects.bulk_create(long)
        assert Plain.objects.get(pk=long[0].pk).name == "x" * 11
        return
    for n in (1, 1200):
        many = rows(n, name="x" * 11)
        with pytest.raises(DataError), transaction.atomic():
            Plain.objects.bulk_create(many)
    made[0].name = "y" * 11
    with pytest.raises(DataError), transaction.atomic():
        Plain.objects.update_fields("name", objects=made)
    Plain.objects.bulk_update(made, ["name"])  # Django cuts it here
    assert Plain.objects.get(pk=made[0].pk).name == "y" * 10


def test_only_rows_that_the_queryset_selects(on_engine: list[str]) -> None:
    owner = Plain.objects.create(name="owner")
    made = Signed.objects.bulk_create(
        [Signed(name=f"{i}", value=i - 5, owner=owner if i % 2 else None) for i in range(10)]
    )
    for row in made:
        row.name = "50% off"
    assert Signed.objects.filter(value__gt=2).bulk_update(made, ["name"]) == 2
    assert Signed.positive.bulk_update(made, ["name"]) == 5
    assert Signed.objects.filter(name="50% off").count() == 5
    assert Signed.objects.filter(owner__name="owner").bulk_update(made, ["name"]) == 5
    assert owner.signed.bulk_update(made, ["name"]) == 5
    assert Signed.objects.none().bulk_update(made, ["name"]) == 0
    assert Signed.objects.filter(name__contains="0% o").bulk_update(made, ["name"]) == 7
    assert Signed.positive.update_fields("name", objects=made) == 5
    assert len(on_engine) == 7


def test_mixed_keys(on_engine: list[str]) -> None:
    made = [Plain(id=5000, name="a"), Plain(name="b"), Plain(id=5001, name="c"), Plain(name="d")]
    assert Plain.objects.bulk_create(made) == made
    names = dict(Plain.objects.values_list("pk", "name"))
    assert [names[row.pk] for row in made] == ["a", "b", "c", "d"]
    assert made[0].pk == 5000 and not made[0]._state.adding
    assert len(on_engine) == 2


def test_a_generator_is_read_once() -> None:
    made = Plain.objects.bulk_create(row for row in rows(5))
    assert isinstance(made, list) and [row.value for row in made] == list(range(5))
    assert Plain.objects.bulk_update((row for row in made), ["value"]) == 5


def test_what_goes_to_django(on_engine: list[str]) -> None:
    made = Plain.objects.bulk_create([Plain(name=Lower(Value("ABC")))])
    made[0].refresh_from_db()
    assert made[0].name == "abc"
    made[0].value = F("id") + 1
    assert Plain.objects.bulk_update(made, ["value"]) == 1
    made[0].refresh_from_db()
    assert made[0].value == made[0].pk + 1
    with pytest.raises(ValueError, match="multi-table"):
        Child.objects.bulk_create([Child(name="x")])
    assert on_engine == []


def test_refusals_are_django_s() -> None:
    made = Plain.objects.bulk_create(rows(2))
    for names, said in (
        ([], "must be given"),
        (["id"], "primary key"),
        (["everything"], "concrete"),
    ):
        with pytest.raises(ValueError, match=said):
            Plain.objects.bulk_update(made, names)
    with pytest.raises(ValueError, match="primary key set"):
        Plain.objects.bulk_update([Plain(name="x")], ["name"])
    with pytest.raises(TypeError, match="slice"):
        Plain.objects.all()[:1].bulk_update(made, ["value"])
    with pytest.raises(ValueError, match="positive"):
        Plain.objects.bulk_update(made, ["value"], batch_size=0)


def test_same_row_twice_is_django_s() -> None:
    made = Plain.objects.bulk_create(rows(1))
    twin = Plain(id=made[0].pk, name="twin", value=77)
    made[0].value = 76
    assert Plain.objects.bulk_update([made[0], twin], ["value"]) == 1
    assert Plain.objects.get(pk=twin.pk).value == 76


def test_a_value_of_another_type_is_prepared(on_engine: list[str]) -> None:
    made = Plain.objects.bulk_create([Plain(name="x", value="12")])
    assert Plain.objects.get(pk=made[0].pk).value == 12
    with pytest.raises(ValueError, match="expected a number"):
        Plain.objects.bulk_create([Plain(name="y", value="twelve")])
    assert len(on_engine) == 1


def test_the_option_s_name_is_a_field_s_name() -> None:
    Foo.objects.bulk_create([Foo(name="a", value=1)])
    queryset = Foo.objects.bulk_options(batch_size=10).filter(value=1)
    assert queryset.update(value=2) == 1
    assert list(Foo.objects.update(value=3, return_queryset=True)) == list(Foo.objects.all())
    with pytest.raises(TypeError, match="unexpected option"):
        Foo.objects.bulk_options(batchsize=1)


def test_a_project_s_own_update_is_called(on_engine: list[str]) -> None:
    class Counting(type(Plain.objects.all())):  # type: ignore[misc]
        calls = 0

        def update(self, **values: Any) -> Any:
            Counting.calls += 1
            return super().update(**values)

    made = Plain.objects.bulk_create(rows(3))
    on_engine.clear()
    assert Counting(Plain).bulk_update(made, ["value"]) == 3
    assert Counting.calls == 1 and on_engine == []


def test_nothing_is_kept_after_a_call() -> None:
    import gc
    import sys

    name = "".join(["a", "name"])
    before = sys.getrefcount(name)
    for _ in range(3):
        made = Foo.objects.bulk_create([Foo(name=name, value=i) for i in range(5)])
        Foo.objects.bulk_update(made, ["name"])
        for n in range(3):
            made[n].value = "12"
        Foo.objects.update_fields("name", "value", objects=made)
        with pytest.raises(ValueError, match="expected a number"), transaction.atomic():
            Foo.objects.bulk_create([Foo(name=name, value="x")])
    del made
    gc.collect()
    assert sys.getrefcount(name) == before
