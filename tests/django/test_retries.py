"""A call is made again where nothing of it can have been committed (W9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from app.models import Plain
from bulkmodel import _core
from bulkmodel.engine import retry
from bulkmodel.signals import on_retry, post_bulk_create, pre_bulk_create

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST", 0.001)


class Failing:
    """The first so many COMMITs fail."""

    def __init__(self, times: int, error: Callable[[], Exception]) -> None:
        self.times, self.error, self.calls = times, error, 0
        self.commit = connection._commit

    def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self.times:
            connection.connection.rollback()
            raise self.error()
        self.commit()


def serialization() -> Exception:
    if connection.vendor == "sqlite":
        error: Any = OperationalError("database is locked")
        error.__cause__ = sqlite3.OperationalError("database is locked")
        error.__cause__.sqlite_errorcode = 517  # SQLITE_BUSY_SNAPSHOT
        return error  # type: ignore[no-any-return]
    error = OperationalError("could not serialize access")
    cause: Any = RuntimeError()
    cause.sqlstate = "40001"
    error.__cause__ = cause
    return error  # type: ignore[no-any-return]


def failing(monkeypatch: pytest.MonkeyPatch, times: int, error: Any = serialization) -> Failing:
    connection.ensure_connection()
    fails = Failing(times, error)
    monkeypatch.setattr(connection, "_commit", fails)
    return fails


def rows(n: int, first: int = 0) -> list[Plain]:
    return [Plain(name=f"{first + i}", value=i) for i in range(n)]


@pytest.mark.parametrize("n", [3, 1500])
def test_as_if_only_the_last_attempt_had_run(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    heard: list[str] = []

    def hear(signal: Any, **_: Any) -> None:
        heard.append("pre" if signal is pre_bulk_create else "post")

    made = rows(n)
    fails = failing(monkeypatch, 2)
    pre_bulk_create.connect(hear)
    post_bulk_create.connect(hear)
    try:
        Plain.objects.bulk_create(made, retries=2, commit_check=True)
    finally:
        pre_bulk_create.disconnect(hear)
        post_bulk_create.disconnect(hear)
    monkeypatch.undo()
    assert fails.calls == 3
    assert heard == ["pre", "post"]
    keys = dict(Plain.django.values_list("pk", "name"))
    assert [keys[row.pk] for row in made] == [row.name for row in made]
    assert len(keys) == n


def test_other_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    Plain.objects.bulk_create(rows(5))
    kept = list(Plain.objects.order_by("pk"))
    read = Plain.objects.order_by("pk")
    for row in read:
        row.value = 50
    with monkeypatch.context() as patch:
        failing(patch, 1)
        assert read.update_fields(retries=1) == 5
    assert read.update_fields() == 0  # the snapshot is that of the attempt that went well
    for row in kept:
        row.value = 60
    with monkeypatch.context() as patch:
        failing(patch, 1)
        bound = Plain.objects.bulk_options(retries=1)
        assert bound.bulk_update(kept, ["value"], batch_size=2) == 5
    with monkeypatch.context() as patch:
        failing(patch, 1)
        assert Plain.objects.update(value=70, batch_size=2, retries=1) == 5
    with monkeypatch.context() as patch:
        failing(patch, 1)
        assert Plain.objects.copy_from_objects(rows(5, 10), retries=1) == 5
    with monkeypatch.context() as patch:
        failing(patch, 1)
        Plain.objects.create_queryset([*kept, *rows(2, 20)], retries=1)
    assert Plain.objects.count() == 12


def test_no_more_often_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = rows(3)
    fails = failing(monkeypatch, 9)
    with pytest.raises(OperationalError):
        Plain.objects.bulk_create(made, retries=2, commit_check=True)
    assert fails.calls == 3
    with pytest.raises(OperationalError):
        Plain.objects.bulk_create(made, commit_check=True)
    assert fails.calls == 4
    assert all(row.pk is None and row._state.adding for row in made)


@contextmanager
def counting(receiver: Callable[..., None]) -> Iterator[None]:
    on_retry.connect(receiver, sender=Plain)
    try:
        yield
    finally:
        on_retry.disconnect(receiver, sender=Plain)


def test_on_retry_is_sent_before_each_repetition(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[tuple[Any, ...]] = []

    def hear(sender: Any, using: str, replay: int, retries: int, error: Any, **_: Any) -> None:
        heard.append((sender, using, replay, retries, type(error), Plain.django.count()))

    failing(monkeypatch, 2)
    with counting(hear), caplog.at_level("WARNING", "bulkmodel"):
        Plain.objects.bulk_create(rows(3), retries=3, commit_check=True)
    expected = (Plain, "default", 1, 3, OperationalError, 0)
    assert heard == [expected, (*expected[:2], 2, *expected[3:])]
    assert [record.getMessage()[:13] for record in caplog.records] == [
        "Retry 1 of 3 ",
        "Retry 2 of 3 ",
    ]
    failing(monkeypatch, 1)
    with counting(hear):
        Plain.objects.bulk_create(rows(3, 10), retries=3, commit_check=True, send_signals=False)
        quiet = Plain.objects.bulk_options(retries=1, send_signals=False)
        made = list(Plain.objects.all())
        failing(monkeypatch, 1)
        assert quiet.bulk_update(made, ["value"], batch_size=2) == 6
    assert len(heard) == 2 and Plain.objects.count() == 6


def test_a_receiver_of_on_retry_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("no more")

    fails = failing(monkeypatch, 1)
    made = rows(3)
    with counting(refuse), pytest.raises(RuntimeError, match="no more"):
        Plain.objects.bulk_create(made, retries=3, commit_check=True)
    assert fails.calls == 1 and Plain.objects.count() == 0
    assert all(row.pk is None for row in made)


def test_nothing_else_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = failing(monkeypatch, 1, lambda: IntegrityError("no"))
    with pytest.raises(IntegrityError):
        Plain.objects.bulk_create(rows(3), retries=5, commit_check=True)
    assert fails.calls == 1
    fails = failing(monkeypatch, 1)
    with pytest.raises(OperationalError):
        Plain.objects.copy_from_objects(iter(rows(3)), retries=5)
    assert fails.calls == 1


def test_never_in_a_transaction_of_the_caller_s(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def write(*_: Any) -> Any:
        attempts.append(1)
        raise serialization()

    monkeypatch.setattr("bulkmodel.engine.operation.run", write)
    monkeypatch.setattr("django.db.models.QuerySet.bulk_create", write)
    with pytest.raises(OperationalError), transaction.atomic():
        Plain.objects.bulk_create(rows(3), retries=3)
    assert len(attempts) == 1


@pytest.mark.parametrize("retries", [-1, "2", 1.5])
def test_what_is_no_number(retries: Any) -> None:
    with pytest.raises(ValueError, match="retries"):
        Plain.objects.bulk_create(rows(1), retries=retries)


@pytest.mark.parametrize(
    "engine, sqlstate, code, passes",
    [
        ("postgresql", "40001", 0, True),
        ("postgresql", "40P01", 0, True),
        ("postgresql", "23505", 0, False),
        ("sqlite-table", "", 5, True),  # SQLITE_BUSY
        ("sqlite-rows", "", 517, True),  # SQLITE_BUSY_SNAPSHOT
        ("sqlite-table", "", 13, False),  # SQLITE_FULL
    ],
)
def test_the_engine_says_what_may_pass(engine: str, sqlstate: str, code: int, passes: bool) -> None:
    assert _core.may_pass(engine, sqlstate, code) is passes


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="unknown engine oracle"):
        _core.may_pass("oracle", "40001", 0)
    with pytest.raises(ValueError, match="unknown engine oracle"):
        _core.team_sql("oracle", 1)
    with pytest.raises(ValueError, match="sqlite-table has one writer"):
        _core.team_sql("sqlite-table", 1)
    with pytest.raises(ValueError, match="sqlite-table does not say"):
        _core.transaction_sql("sqlite-table")
