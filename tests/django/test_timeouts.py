"""W3: a call with a timeout ends in time, whatever the server does; W14: the reader's own time does
not count; W15: a stream that is interrupted leaves a connection that can be used, or is closed."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import django
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, transaction

from app.models import Plain
from bulkmodel.errors import CallTimeout, CommitUnknown
from conftest import ENGINE

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS, COMMIT, LATE = 0.4, 0.3, 0.5


def rows(n: int, first: int = 0) -> list[Plain]:
    return [Plain(name=f"row {first + i}", value=i) for i in range(n)]


def no_thread_is_left() -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if not any(thread.name.startswith("bulkmodel") for thread in threading.enumerate()):
            return True
        time.sleep(0.01)
    return False


def lateness(call: Callable[[], Any], error: Any, seconds: float) -> float:
    begun = time.monotonic()
    with pytest.raises(error):
        call()
    return time.monotonic() - begun - seconds


def test_a_timeout_is_a_positive_number() -> None:
    for bad in (0, -1):
        with pytest.raises(ValueError, match="timeout must be a positive number"):
            Plain.objects.bulk_create(rows(1), timeout=bad)
        with pytest.raises(ValueError, match="timeout must be a positive number"):
            Plain.objects.bulk_create(rows(1), timeout=1, commit_timeout=bad)


def test_a_call_in_time_is_as_without() -> None:
    Plain.objects.bulk_create(rows(3), timeout=30)
    Plain.objects.copy_from_objects(rows(1500, 10), timeout=30, commit_timeout=20)
    found = Plain.objects.copy_to_instances(timeout=30)
    assert (
        len(found) == 1503 and len(list(Plain.objects.iter_copy_to_instances(timeout=30))) == 1503
    )
    assert Plain.objects.bulk_update(found[:3], ["value"], timeout=30) == 3
    assert Plain.objects.filter(name="row 1").update(value=7, timeout=30) == 1
    assert Plain.objects.filter(name="row 1").bulk_options(timeout=30).update(value=8) == 1
    assert Plain.objects.update_fields("value", objects=found[:3], timeout=30) == 3
    assert Plain.objects.create_queryset(rows(2, 5000), timeout=30).count() == 2
    assert no_thread_is_left()


def slow_reader(seconds: float) -> int:
    n = 0
    for row in Plain.objects.iter_copy_to_instances(chunk_size=2, timeout=seconds):
        assert row.pk
        n += 1
        time.sleep(seconds / 4)
        assert not any(thread.name == "bulkmodel timeout" for thread in threading.enumerate())
    return n


def test_the_readers_time_does_not_count() -> None:
    Plain.objects.bulk_create(rows(10))
    assert slow_reader(0.4) == 10


def test_a_stream_that_is_not_read_leaves_no_descriptor() -> None:
    Plain.objects.bulk_create(rows(3))
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(5):
        Plain.objects.iter_copy_to_instances(timeout=30)
    gc.collect()
    assert len([*Path("/proc/self/fd").iterdir()]) == before


if ENGINE == "postgresql":
    from bulkmodel.engine import postgresql, timeouts
    from freezer import freezing
    from spy import look

    def many() -> Any:
        return Plain.objects.bulk_create(rows(5000), timeout=SECONDS, commit_timeout=COMMIT)

    def few() -> Any:
        return Plain.objects.bulk_create(
            rows(5), timeout=SECONDS, commit_timeout=COMMIT, commit_check=True
        )

    def one_statement() -> Any:
        return Plain.objects.bulk_create(rows(5), timeout=SECONDS, commit_timeout=COMMIT)

    # Since Django 6.0 nothing is around the one statement: it may have committed by itself.
    ALONE = CommitUnknown if django.VERSION >= (6, 0) else CallTimeout

    def copy() -> Any:
        return Plain.objects.copy_from_objects(
            iter(rows(20000)), timeout=SECONDS, commit_timeout=COMMIT
        )

    def workers() -> Any:
        return Plain.objects.bulk_create(
            rows(6000), concurrent=True, max_concurrent_workers=3, timeout=4 * SECONDS
        )

    def update() -> Any:
        return Plain.objects.update(value=1, timeout=SECONDS)

    def update_fields() -> Any:
        row = Plain(pk=1, value=2)
        row._state.adding = False
        return Plain.objects.update_fields("value", objects=[row], timeout=SECONDS)

    def read() -> Any:
        return Plain.objects.copy_to_instances(timeout=SECONDS)

    def stream() -> Any:
        return list(Plain.objects.iter_copy_to_instances(timeout=SECONDS))

    # What the server hears last, and the call.
    STAGES = [
        (b"INSERT", few, CallTimeout),
        (b"INSERT", one_statement, ALONE),
        (b"UPDATE", update, CallTimeout),
        (b"UPDATE", update_fields, CallTimeout),
        (b"SELECT", read, CallTimeout),
        (b"DECLARE", stream, CallTimeout),
        (b"COMMIT", few, CommitUnknown),
    ]
    if postgresql.is_psycopg3:
        STAGES += [
            (b"pg_attribute", many, CallTimeout),
            (b"COPY", many, CallTimeout),
            (b"PGCOPY", copy, CallTimeout),
            (b"COMMIT", many, CommitUnknown),
            (b"COPY", workers, CallTimeout),
        ]

    def test_other_threads_run_while_the_server_is_asked_to_cancel() -> None:
        """psycopg2's own cancel() would hold the interpreter's lock until the server answers."""
        beats: list[float] = []
        over = threading.Event()

        def beat() -> None:
            while not over.wait(0.02):
                beats.append(time.monotonic())

        thread = threading.Thread(target=beat)
        thread.start()
        try:
            with freezing(connection) as freezer:
                connection.ensure_connection()
                freezer.word = b"INSERT"
                assert lateness(few, CallTimeout, SECONDS) < 10
        finally:
            over.set()
            thread.join()
        assert max(later - sooner for sooner, later in zip(beats, beats[1:])) < 5

    @pytest.mark.parametrize("swallows", [False, True])
    @pytest.mark.parametrize(("word", "call", "error"), STAGES)
    def test_a_server_that_freezes(word: bytes, call: Any, error: Any, swallows: bool) -> None:
        late = 10.0
        for _ in range(8):  # a busy machine may be late by itself, or not come so far
            with freezing(connection) as freezer:
                connection.ensure_connection()
                freezer.word, freezer.swallows = word, swallows
                limit = SECONDS + (COMMIT if word == b"COMMIT" else 0)
                limit = 4 * SECONDS if call is workers else limit
                once = lateness(call, (error, CallTimeout), limit)
            assert no_thread_is_left()
            assert Plain.objects.count() == 0  # on a new connection
            late = once if freezer.is_frozen.is_set() and once < late else late
            if late < LATE:
                break
        assert late < LATE

    def test_a_lock_is_waited_for(monkeypatch: Any) -> None:
        """The server hears the request to cancel: the connection goes on."""
        monkeypatch.setattr(timeouts, "_GRACE", 30.0)  # however busy the machine is
        Plain.objects.bulk_create(rows(5))
        driver = connection.connection
        other = connection.copy()
        try:
            with transaction.atomic():
                pass
            other.ensure_connection()
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {Plain._meta.db_table}")
            assert lateness(few_more, CallTimeout, SECONDS) < 5
            other.rollback()
        finally:
            other.close()
        assert connection.connection is driver and Plain.objects.count() == 5

    @pytest.mark.parametrize("inside", [False, True])
    def test_a_stream_is_late_in_any_chunk(inside: bool, monkeypatch: Any) -> None:
        """The server hears the request to cancel: the connection goes on."""
        monkeypatch.setattr(timeouts, "_GRACE", 30.0)  # however busy the machine is
        Plain.objects.bulk_create(rows(6))
        driver = connection.connection
        late = "CASE WHEN value < 4 THEN true ELSE pg_sleep(60) IS NOT NULL END"
        slow = Plain.objects.extra(where=[late])
        read: list[int] = []

        def stream() -> None:
            with transaction.atomic() if inside else nullcontext():
                for row in slow.iter_copy_to_instances(chunk_size=2, timeout=4 * SECONDS):
                    read.append(row.pk)

        assert lateness(stream, CallTimeout, 4 * SECONDS) < 20
        # Outside a transaction the server reads all rows before the first.
        assert len(read) == (4 if inside else 0)
        assert connection.connection is driver and Plain.objects.count() == 6
        assert no_thread_is_left()

    def few_more() -> Any:
        return Plain.objects.bulk_create(rows(5, 100), timeout=SECONDS)

    def test_in_a_transaction_of_the_callers() -> None:
        with pytest.raises(CallTimeout), freezing(connection) as freezer, transaction.atomic():
            Plain.objects.create(name="before")
            freezer.word = b"INSERT"
            few()
        assert Plain.objects.count() == 0
        assert look("SELECT 1") == [(1,)] if postgresql.is_psycopg3 else True

    def test_late_before_commit(monkeypatch: Any) -> None:
        """All is written, but the time has passed: COMMIT is not sent."""
        from bulkmodel import signals

        if not postgresql.is_psycopg3:
            return
        real = signals.end
        assert real is not None

        def slow_settle(self: Any) -> Any:
            time.sleep(SECONDS + 0.1)
            return iter(())

        monkeypatch.setattr("bulkmodel.verbs.bulk_create.Create._parts", slow_settle)
        with pytest.raises(CallTimeout):
            many()
        assert Plain.objects.count() == 0

    def test_for_coroutines() -> None:
        async def call() -> None:
            await sync_to_async(
                lambda: connection.close()
            )()  # that of an earlier test is not frozen
            await Plain.objects.acopy_from_objects(iter(rows(20000)), timeout=SECONDS)

        if not postgresql.is_psycopg3:
            return
        with freezing(connection) as freezer:
            freezer.word = b"PGCOPY"
            with pytest.raises(CallTimeout):
                asyncio.run(call())

    @pytest.mark.parametrize("moment", ["first", "later"])
    def test_a_stream_is_interrupted(moment: str, monkeypatch: Any) -> None:
        """W15: outside of a transaction; the interrupt comes where the driver does not see it."""
        Plain.objects.bulk_create(rows(50))
        if not postgresql.is_psycopg3:
            return
        stream = Plain.objects.iter_copy_to_instances(chunk_size=5)
        if moment == "later":
            next(stream)
            for _ in range(4):
                next(stream)

        def interrupted(self: Any, generator: Any, *args: Any, **options: Any) -> Any:
            next(generator, None)  # the statement is sent
            raise KeyboardInterrupt

        kind: Any = type(connection.connection)
        with monkeypatch.context() as patch:
            patch.setattr(kind, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                next(stream)
        del stream
        assert Plain.objects.count() == 50
        assert len(list(Plain.objects.iter_copy_to_instances())) == 50

    def test_a_half_read_stream_is_closed() -> None:
        Plain.objects.bulk_create(rows(50))
        for end in ("close", "drop"):
            stream: Any = Plain.objects.iter_copy_to_instances(chunk_size=5)
            next(stream)
            if end == "close":
                stream.close()
            del stream
            assert Plain.objects.count() == 50
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_cursors")
                assert cursor.fetchone() == (0,)

else:

    def test_sqlite_is_interrupted() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TRIGGER slow BEFORE INSERT ON {Plain._meta.db_table} BEGIN SELECT"
                " (WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g LIMIT 100000000)"
                " SELECT max(i) FROM g); END"
            )
        try:
            late = lateness(
                lambda: Plain.objects.bulk_create(rows(5), timeout=SECONDS), CallTimeout, SECONDS
            )
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER slow")
        assert late < 5 and Plain.objects.count() == 0 and no_thread_is_left()
        Plain.objects.bulk_create(rows(5))

    def test_it_is_an_operational_error() -> None:
        assert issubclass(CallTimeout, OperationalError) and not issubclass(
            CommitUnknown, CallTimeout
        )
