"""Faults of a connection to a server: in a COPY, at COMMIT; and what only a server refuses."""

import signal
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, transaction
from django.db.models import F, Value

from app.models import Plain
from bulkmodel.engine import postgresql
from bulkmodel.engine import retry as asked
from bulkmodel.errors import CommitUnknown
from spy import transaction_status
from test_errors import before, failure, no_rows_left, rows, same_error

__all__ = ["no_rows_left"]
pytestmark = pytest.mark.django_db


class Stop(BaseException):
    """Like KeyboardInterrupt."""


def breaking(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """`act` is called in the middle of a COPY, after its first block."""

    class Broken:
        def __init__(self, job: Any) -> None:
            self.job = job
            self.blocks = 0

        def pull(self) -> Any:
            self.blocks += 1
            if self.blocks == 2:
                act()
            return self.job.pull()

    class Blocks(postgresql.Blocks):
        def __init__(self, job: Any, *others: Any) -> None:
            super().__init__(Broken(job), *others)

    monkeypatch.setattr(postgresql, "Blocks", Blocks)


def terminate(pid: int) -> None:
    """End a backend from another connection, and wait until it is gone."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        other.close()


def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


class TestCopy:
    @pytest.mark.parametrize("kind", [KeyboardInterrupt, Stop, RuntimeError])
    def test_an_exception_ends_it(
        self, kind: Any, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
    ) -> None:
        raised = kind("x" * 20_000)

        def act() -> None:
            raise raised

        objects = rows(20_000)
        then = before(objects)
        with monkeypatch.context() as patch:
            breaking(patch, act)
            with pytest.raises(kind) as caught:
                Plain.objects.bulk_create(objects)
        assert caught.value is raised
        assert before(objects) == then
        status = transaction_status()
        assert status == "IDLE"

    def test_keys_that_were_set_meanwhile_are_unset(
        self, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
    ) -> None:
        objects = rows(20_000)
        then = before(objects)
        keys: list[Any] = []

        def act() -> None:
            keys.extend(row.pk for row in objects[:9])
            raise RuntimeError

        with monkeypatch.context() as patch:
            breaking(patch, act)
            with pytest.raises(RuntimeError):
                Plain.objects.bulk_create(objects)
        assert None not in keys and len(set(keys)) == 9
        assert before(objects) == then

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda keys: keys[:-3], "does not match the question"),
            (lambda keys: keys[:-12], "made 1999 of 2000 requested keys"),
            (lambda keys: keys + keys[-12:], "does not match the question"),
            (lambda keys: keys[:20] + b"\xff\xff\xff\xff" + keys[32:], "match the question"),
            (lambda keys: keys[:9], "does not match the question"),
            (lambda keys: None, "does not match the question"),
        ],
    )
    def test_keys_that_are_not_what_was_asked_for(
        self, spoil: Any, words: str, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
    ) -> None:
        objects = rows(2_000)
        then = before(objects)
        execute = postgresql.execute

        def spoiled(*given: Any) -> Any:
            count, answer = execute(*given)
            if given[2].sql.startswith("SELECT pg_catalog.array_send"):
                answer = [(spoil(answer[0][0]),)]
            return count, answer

        with monkeypatch.context() as patch:
            patch.setitem(postgresql.PERFORM, "exec", spoiled)
            with pytest.raises(AssertionError, match=words):
                Plain.objects.bulk_create(objects)
        assert before(objects) == then

    def test_a_backend_that_is_gone(
        self, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
    ) -> None:
        objects = rows(20_000)
        then = before(objects)
        gone = pid()
        with monkeypatch.context() as patch:
            breaking(patch, lambda: terminate(gone))
            with pytest.raises(OperationalError) as caught:
                Plain.objects.bulk_create(objects)
        assert not isinstance(caught.value, CommitUnknown)
        assert caught.value.row_index is None
        assert before(objects) == then

    def test_inside_a_transaction_of_the_callers(
        self, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
    ) -> None:
        def act() -> None:
            raise RuntimeError

        with transaction.atomic():
            with monkeypatch.context() as patch:
                breaking(patch, act)
                with pytest.raises(RuntimeError), transaction.atomic():
                    Plain.objects.bulk_create(rows(20_000))
            Plain.objects.bulk_create(rows(5))
            assert Plain.django.count() == 5
            transaction.set_rollback(True)


@pytest.mark.parametrize("n", [3, 2000])
def test_a_commit_without_an_answer(
    n: int, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
) -> None:
    objects = rows(n)
    objects[0].pk = 4711  # two statements, so a transaction
    then = before(objects)
    commit = connection._commit
    gone = pid()

    def cut() -> None:
        terminate(gone)
        commit()

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", cut)
        with pytest.raises(OperationalError) as caught:
            Plain.objects.bulk_create(objects)
    assert not isinstance(caught.value, CommitUnknown)  # it is asked about, and rolled back
    assert before(objects) == then


def hung_up(monkeypatch: pytest.MonkeyPatch) -> Any:
    """COMMIT without an answer, from now on."""
    commit = connection._commit
    gone = pid()

    def cut() -> None:
        terminate(gone)
        commit()

    monkeypatch.setattr(connection, "_commit", cut)


@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update", "update", "update_fields"])
def test_a_commit_of_django_s_own_without_an_answer(
    verb: str, monkeypatch: pytest.MonkeyPatch, no_rows_left: None
) -> None:
    """On Django's way, since there are expressions among the values."""
    made = Plain.django.bulk_create(rows(3))
    new = [Plain(name="new", value=Value(1) + 1), Plain(pk=4711, name="newer")]
    then = before(new)
    for row in made:
        row.value = F("value") + 10
    calls = {
        "bulk_create": lambda: Plain.objects.bulk_create(new),
        "bulk_update": lambda: Plain.objects.bulk_update(made, ["value"]),
        "update": lambda: Plain.objects.update(value=F("value") + 10, batch_size=1),
        "update_fields": lambda: Plain.objects.update_fields("value", objects=made),
    }
    for check in (False, True):
        with monkeypatch.context() as patch:
            hung_up(patch)
            with asked.checking(check), pytest.raises(OperationalError) as caught:
                calls[verb]()
        assert isinstance(caught.value, CommitUnknown) is not check
        connection.close()
    assert before(new) == then
    assert sorted(Plain.django.values_list("value", flat=True)) == [0, 1, 2]
    Plain.django.all().delete()


def test_a_hook_behind_django_s_own_commit_may_lose_a_commit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, no_rows_left: None
) -> None:
    made = Plain.django.bulk_create(rows(3))

    def hook() -> None:
        with monkeypatch.context() as patch:
            hung_up(patch)
            with transaction.atomic():
                Plain.django.create(name="lost")

    def call() -> None:
        for row in made:
            row.value = F("value") + 10
        Plain.objects.bulk_update(made, ["value"])

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE"):
            transaction.on_commit(hook)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper), pytest.raises(OperationalError) as caught:
        call()
    assert not isinstance(caught.value, CommitUnknown)
    assert sorted(Plain.django.values_list("value", flat=True)) == [10, 11, 12]
    Plain.django.all().delete()


@pytest.mark.parametrize(("value", "state"), [(2**31, "22003"), ("x" * 11, "22001")])
@pytest.mark.parametrize("n", [3, 1500])
def test_what_does_not_fit_names_the_row(n: int, value: Any, state: str) -> None:
    field = "value" if state == "22003" else "name"
    objects = rows(n)
    setattr(objects[n - 2], field, value)
    ours = failure(lambda: Plain.objects.bulk_create(objects), DataError)
    same_error(ours, failure(lambda: Plain.django.bulk_create(objects), DataError))
    assert (ours.row_index, ours.field_name, ours.sqlstate) == (n - 2, field, state)


class Rung(Exception):
    """Raised by a signal handler."""


@pytest.fixture
def slow_table() -> Iterator[None]:
    """Each statement that changes its rows takes 0.6 seconds."""
    table = Plain._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_sleep(0.6); RETURN NULL; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER slow AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION slow()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER slow ON {table}")
        cursor.execute("DROP FUNCTION slow()")


def new_rows() -> list[Plain]:
    return [Plain(name=f"new {i}") for i in range(3)]


SLOW_CALLS: dict[str, Any] = {
    "bulk_create": lambda old: Plain.objects.bulk_create(new_rows()),
    "timeout": lambda old: Plain.objects.bulk_create(new_rows(), timeout=30),
    "copy_from_objects": lambda old: Plain.objects.copy_from_objects(new_rows()),
    "bulk_update": lambda old: Plain.objects.bulk_update(old, ["value"]),
    "update_fields": lambda old: Plain.objects.update_fields("value", objects=old),
    "update": lambda old: Plain.objects.all().update(value=5),
    "bulk_upsert": lambda old: Plain.objects.bulk_upsert(old, unique_fields=["id"]),
    "bulk_delete": lambda old: Plain.objects.bulk_delete(old),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "within"), [*((name, False) for name in SLOW_CALLS), ("bulk_create", True)]
)
@pytest.mark.psycopg3
def test_a_signal_handler_that_raises_during_a_statement(
    name: str, within: bool, request: pytest.FixtureRequest
) -> None:
    """The statement is not waited for, nothing of it is in the table, and the next call works."""
    old = Plain.django.bulk_create(rows(2))
    for row in old:
        row.value = 77
    request.getfixturevalue("slow_table")

    def ring(number: int, frame: object) -> None:
        raise Rung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        with pytest.raises(Rung), transaction.atomic() if within else nullcontext():
            SLOW_CALLS[name](old)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert Plain.django.count() == len(old)
    assert not Plain.django.filter(value__in=[77, 5]).exists()
