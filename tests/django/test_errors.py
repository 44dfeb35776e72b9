"""Errors are Django's, and name their row; what was set on objects is unset."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    OperationalError,
    connection,
    transaction,
)

from app.models import Plain, Signed
from bulkmodel.errors import CommitUnknown, Part, PartialCommit
from conftest import ENGINE

pytestmark = pytest.mark.django_db

POSTGRESQL = ENGINE == "postgresql"


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def is_usable() -> bool:
    """The connection takes a statement, and a COPY or what stands for it."""
    with transaction.atomic():
        Plain.objects.bulk_create([Plain(name=f"after{i}") for i in range(1500)])
        transaction.set_rollback(True)
    return Plain.django.filter(name__startswith="after").count() == 0


def failure(call: Any, kind: type[BaseException] = IntegrityError) -> Any:
    """What the call raises, inside a savepoint."""
    with pytest.raises(kind) as caught, transaction.atomic():
        call()
    return caught.value


def same_error(ours: Any, django: Any) -> None:
    assert type(ours) is type(django)
    assert type(ours.__cause__) is type(django.__cause__)


SIZES = [3, 1000, 1001, 2500]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("at", [1, -2, -1])
def test_unique_names_the_row(n: int, at: int, on_engine: list[str]) -> None:
    Plain.django.create(name="taken")
    objects = rows(n)
    objects[at].name = "taken"
    ours = failure(lambda: Plain.objects.bulk_create(objects))
    same_error(ours, failure(lambda: Plain.django.bulk_create(objects)))
    assert on_engine
    assert ours.sqlstate == "23505"
    assert ours.field_name == "name"
    assert ours.row_index == at % n
    assert ours.constraint == (
        "app_plain_name_key" if POSTGRESQL else "app_plain.name"
    ) or ours.constraint.startswith("app_plain_name")
    assert [o.pk for o in objects] == [None] * n
    assert all(o._state.adding and o._state.db is None for o in objects)
    assert is_usable()


@pytest.mark.parametrize("n", SIZES)
def test_duplicates_name_a_row(n: int) -> None:
    objects = rows(n)
    objects[-1].name = "n0"
    ours = failure(lambda: Plain.objects.bulk_create(objects))
    assert (ours.row_index, ours.field_name) == (n - 1, "name")


@pytest.mark.parametrize("n", SIZES)
def test_not_null_names_the_row(n: int) -> None:
    objects = [Signed(name="x", value=i) for i in range(n)]
    objects[n // 2].value = None
    ours = failure(lambda: Signed.objects.bulk_create(objects))
    assert (ours.row_index, ours.field_name, ours.sqlstate) == (n // 2, "value", "23502")


@pytest.mark.parametrize("n", SIZES)
def test_rows_with_and_without_keys_are_counted_as_given(n: int) -> None:
    Plain.django.create(name="taken")
    for at in (n - 1, n - 2):
        objects = rows(n)
        for i in range(0, n, 2):
            objects[i].pk = 100_000 + i
        objects[at].name = "taken"
        before = [(o.pk, o._state.adding, o._state.db) for o in objects]
        ours = failure(lambda objects=objects: Plain.objects.bulk_create(objects))
        assert ours.row_index == at
        assert [(o.pk, o._state.adding, o._state.db) for o in objects] == before


@pytest.mark.parametrize("n", SIZES)
def test_an_update_names_the_row(n: int) -> None:
    objects = Plain.django.bulk_create(rows(n))
    Plain.django.create(name="taken")
    objects[1].name = "taken"
    calls = [lambda: Plain.objects.update_fields("name", objects=objects)]
    if n < 1000:
        calls.append(lambda: Plain.objects.bulk_update(objects, ["name"]))
    for call in calls:
        ours = failure(call)
        assert (ours.sqlstate, ours.field_name) == ("23505", "name")
        assert ours.row_index == 1
    assert is_usable()


def test_changed_rows_are_counted_in_the_queryset() -> None:
    Plain.django.bulk_create(rows(5))
    foos = Plain.objects.order_by("pk")
    foos[0].name  # noqa: B018
    list(foos)
    foos[3].name = "n0"
    ours = failure(lambda: foos.update_fields())
    assert (ours.row_index, ours.field_name) == (3, "name")


@pytest.mark.parametrize("n", [3, 1500])
def test_a_missing_parent(n: int) -> None:
    """Django's foreign keys are looked at when the transaction ends: PostgreSQL shows the key."""
    objects = [Signed(name="x", value=i) for i in range(n)]
    objects[2].owner_id = 4711
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE" if POSTGRESQL else "SELECT 1")

    def call() -> None:
        Signed.objects.bulk_create(objects)
        connection.check_constraints()

    ours = failure(call)
    if POSTGRESQL:
        assert (ours.row_index, ours.field_name, ours.sqlstate) == (2, "owner", "23503")


def test_classes() -> None:
    assert issubclass(CommitUnknown, OperationalError)
    assert issubclass(PartialCommit, OperationalError)
    error = PartialCommit("some", [Part("committed", [range(3)]), Part("unknown", [range(3, 5)])])
    assert [part.state for part in error.parts] == ["committed", "unknown"]
    assert [row for part in error.parts for rows in part.rows for row in rows] == [0, 1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [2, 3, 90])
def test_the_search_for_the_row_writes_nothing(n: int) -> None:
    """Where a single statement has no transaction around it, too."""
    Plain.django.create(name="taken")
    objects = rows(n)
    objects[-1].name = "taken"
    with pytest.raises(IntegrityError) as caught:
        Plain.objects.bulk_create(objects)
    assert caught.value.row_index == n - 1  # type: ignore[attr-defined]
    assert [row.name for row in Plain.django.all()] == ["taken"]
    assert not connection.in_atomic_block and connection.get_autocommit()


# --------------------------------------------------------------- the end of a transaction, faults


class Stop(BaseException):
    """Like KeyboardInterrupt."""


def before(objects: list[Any]) -> list[Any]:
    return [(o.pk, o._state.adding, o._state.db) for o in objects]


@pytest.fixture
def no_rows_left(transactional_db: None) -> Iterator[None]:
    yield
    assert Plain.django.count() == 0
    assert is_usable()


def test_inside_the_callers_transaction_commit_is_the_callers(
    monkeypatch: pytest.MonkeyPatch, no_rows_left: None
) -> None:
    def cut() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "_commit", cut)
    with pytest.raises(OperationalError) as caught, transaction.atomic():
        Plain.objects.bulk_create(rows(3))
    monkeypatch.undo()
    assert not isinstance(caught.value, CommitUnknown)


@pytest.mark.parametrize("n", [3, 2000])
def test_what_is_refused_at_commit(n: int, no_rows_left: None) -> None:
    """Django's foreign keys are deferred on both engines."""
    objects = [Signed(name="x", value=i) for i in range(n)]
    objects[n - 1].owner_id = 4711
    then = before(objects)
    with pytest.raises(IntegrityError) as caught:
        Signed.objects.bulk_create(objects)
    assert before(objects) == then
    assert caught.value.sqlstate == "23503"
    assert caught.value.row_index == n - 1
    if POSTGRESQL:
        assert caught.value.field_name == "owner"
    assert Signed._base_manager.count() == 0


@pytest.mark.parametrize("n", [1, 40, 2000])
def test_every_verb_names_the_row_that_is_refused_at_commit(n: int, no_rows_left: None) -> None:
    """Whatever rows without a parent are there already."""
    with connection.cursor() as cursor:
        if not POSTGRESQL:
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute("INSERT INTO app_signed (name, value, owner_id) VALUES ('o', 1, 99)")
            cursor.execute("PRAGMA foreign_keys = ON")
    owner = Plain.django.create(name="owner")
    objects = [Signed(name="x", value=i, owner=owner) for i in range(n)]
    Signed.objects.bulk_create(objects)
    bad = 2 * n // 3
    for row in objects:
        row.value += 1
    objects[bad].owner_id = 4711
    calls: list[Callable[[], object]] = [
        lambda: Signed.objects.bulk_update(objects, ["value", "owner"]),
        lambda: Signed.objects.all().update_fields("value", "owner", objects=objects),
        lambda: Signed.objects.copy_from_objects(objects),
    ]
    for call in calls:
        with pytest.raises(IntegrityError) as caught:
            call()
        assert caught.value.row_index == bad  # type: ignore[attr-defined]
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Signed.objects.bulk_update(objects, ["value", "owner"])
    assert getattr(caught.value, "row_index", None) is None  # COMMIT was the caller's
    there = Signed._base_manager.filter(owner=owner)
    assert there.count() == n
    assert sorted(there.values_list("value", flat=True)) == list(range(n))
    Signed._base_manager.all().delete()
    owner.delete()


@pytest.mark.parametrize("n", [3, 2000])
def test_a_hook_behind_commit_changes_nothing(n: int, transactional_db: None) -> None:
    """The rows are there: so are their keys."""
    raised = OperationalError("of the hook")

    def hook() -> None:
        raise raised

    objects = rows(n)
    objects[0].pk = 4711  # two statements, so a transaction
    seen: list[Any] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not seen:
            seen.append(sql)
            transaction.on_commit(hook)
        return execute(sql, params, many, context)

    def in_transaction(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if connection.in_atomic_block and not seen:
            return wrapper(execute, sql, params, many, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(in_transaction), pytest.raises(OperationalError) as caught:
        Plain.objects.bulk_create(objects)
    assert caught.value is raised
    assert {o.pk for o in objects} == set(Plain.django.values_list("pk", flat=True))
    assert len(objects) == n == Plain.django.count()
    assert not any(o._state.adding for o in objects)


@pytest.mark.parametrize("n", [3, 2000])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, Stop, RuntimeError, IntegrityError])
def test_states_are_what_they_were(n: int, kind: Any, no_rows_left: None) -> None:
    objects = rows(n)
    objects[0]._state.db = "other"
    objects[1]._state.adding = False
    objects[1]._state.db = "default"
    objects[2].pk = 4711
    then = before(objects)
    raised = kind("of the wrapper")

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if "INSERT" in sql or "COPY" in sql:
            raise raised
        return done

    with connection.execute_wrapper(wrapper), pytest.raises(kind) as caught:
        Plain.objects.bulk_create(objects)
    assert caught.value is raised
    assert before(objects) == then


@pytest.mark.parametrize("n", [3, 2000])
def test_the_callers_exception_is_the_callers(n: int, no_rows_left: None) -> None:
    class Value(int):
        def __int__(self) -> int:
            raise raised

    def source() -> Iterator[Plain]:
        yield from rows(n)
        raise raised

    raised = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        Plain.objects.bulk_create(source())
    assert caught.value is raised
    objects = rows(n)
    objects[1].value = Value(5)
    for manager in (Plain.django, Plain.objects):
        with pytest.raises(LookupError) as caught:
            manager.bulk_create(objects)
        assert caught.value is raised


@pytest.mark.parametrize("text", ["a)=(b", "it's", "x, y", "(", "ü\n"])
@pytest.mark.parametrize("n", [4, 1500])
def test_keys_that_look_like_the_servers_words(n: int, text: str) -> None:
    Plain.django.create(name=text)
    objects = rows(n)
    objects[2].name = text
    objects[3].name = text[:-1] + "z"
    error = failure(lambda: Plain.objects.bulk_create(objects))
    assert (error.row_index, error.field_name) == (2, "name")


@pytest.mark.parametrize("value", ["\ud800", b"\xff", [1]])
def test_what_a_field_does_not_prepare_names_the_row(value: Any) -> None:
    objects = rows(5)
    objects[3].value = value
    with pytest.raises((TypeError, ValueError)) as caught:
        Plain.objects.bulk_create(objects)
    assert (caught.value.row_index, caught.value.field_name) == (3, "value")
    assert (caught.value.constraint, caught.value.sqlstate) == (None, None)


def test_an_update_has_no_row() -> None:
    Plain.django.bulk_create(rows(2))
    error = failure(lambda: Plain.objects.update(name="same"))
    assert (error.row_index, error.field_name, error.sqlstate) == (None, "name", "23505")
