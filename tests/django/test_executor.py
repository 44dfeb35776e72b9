"""ConcurrentExecutor and get_chunks."""

from __future__ import annotations

import _thread
import asyncio
import threading
import time
from collections import deque
from typing import Any

import pytest
from django.db import connections

from app.models import Plain
from bulkmodel.ce import ConcurrentExecutor
from bulkmodel.helpers import get_chunks


def test_results_are_in_the_order_of_the_jobs() -> None:
    def slow(n: int) -> int:
        time.sleep((5 - n) / 100)
        return n

    jobs: list[Any] = [(slow, i) for i in range(5)]
    jobs.append(lambda: "no arguments")
    assert ConcurrentExecutor(jobs).run_async() == [0, 1, 2, 3, 4, "no arguments"]
    assert ConcurrentExecutor(iter(jobs), max_workers=1).run_async()[:5] == [0, 1, 2, 3, 4]
    assert ConcurrentExecutor([]).run_async() == []


@pytest.mark.parametrize("n", [1, 3])
def test_so_many_threads(n: int) -> None:
    lock = threading.Lock()
    now: list[int] = []
    most: list[int] = []

    def job() -> int:
        with lock:
            now.append(1)
            most.append(len(now))
        time.sleep(0.02)
        with lock:
            now.pop()
        return threading.get_ident()

    threads = set(ConcurrentExecutor([job] * 12, max_workers=n).run_async())
    assert max(most) == n and len(threads) == n
    assert threading.get_ident() not in threads


def test_the_setting_bounds_it(settings: Any) -> None:
    settings.MAX_CONCURRENT_BATCH_WRITES = 2
    barrier = threading.Barrier(3)

    def meet() -> None:
        barrier.wait(timeout=0.2)

    with pytest.raises(threading.BrokenBarrierError):
        ConcurrentExecutor([meet] * 3).run_async()


def test_the_first_error_is_raised_when_all_have_stopped() -> None:
    done: list[str] = []
    begun = threading.Event()

    def fail() -> None:
        begun.wait(5)
        raise KeyError("first")

    def slow() -> None:
        begun.set()
        time.sleep(0.2)
        done.append("slow")
        raise ValueError("second")

    def never() -> None:
        done.append("never")

    with pytest.raises(KeyError, match="first"):
        ConcurrentExecutor([fail, slow, *[never] * 5], max_workers=2).run_async()
    assert done == ["slow"]


def test_an_interrupt() -> None:
    done: list[int] = []

    def job(first: bool) -> None:
        if first:
            _thread.interrupt_main()
        time.sleep(0.05)
        done.append(1)

    n = 400  # a busy machine may let the caller wait for seconds
    with pytest.raises(KeyboardInterrupt):
        ConcurrentExecutor([(job, i == 0) for i in range(n)], max_workers=2).run_async()
    assert 0 < len(done) < n
    assert "bulkmodel job" not in [thread.name for thread in threading.enumerate()]


def test_an_interrupt_before_a_thread_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """W15: it was lost, and told as a thread that could not be started."""

    def interrupted(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bulkmodel.engine.start_thread.time.sleep", lambda seconds: None)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ConcurrentExecutor([lambda: None] * 3, max_workers=2).run_async()


def test_what_is_no_job() -> None:
    for wrong in (5, (5, len), (), None):
        with pytest.raises(TypeError, match="callable"):
            ConcurrentExecutor([wrong])
    for number in (0, -1):
        with pytest.raises(ValueError, match="max_workers"):
            ConcurrentExecutor([], max_workers=number)


@pytest.mark.django_db(transaction=True)
def test_connections_of_the_threads_are_closed() -> None:
    used: list[Any] = []

    def job(i: int) -> None:
        connection = connections["default"]
        connection.ensure_connection()
        closed: list[int] = []
        close = connection.close
        connection.close = lambda: (closed.append(1), close())  # type: ignore[method-assign]
        used.append((connection, closed))
        if i == 7:
            raise KeyError

    with pytest.raises(KeyError):
        ConcurrentExecutor([(job, i) for i in range(8)], max_workers=3).run_async()
    assert len({id(connection) for connection, _ in used}) in (1, 2, 3)
    assert all(closed for _, closed in used)
    assert all(connection is not connections["default"] for connection, _ in used)


@pytest.mark.django_db(transaction=True)
def test_inside_an_event_loop() -> None:
    async def main() -> list[Any]:
        return ConcurrentExecutor([Plain._meta.get_fields, lambda: 7], 2).run_async()

    assert asyncio.run(main())[1] == 7


# ------------------------------------------------------------------------------ get_chunks


def test_chunks_of_what_can_be_sliced() -> None:
    assert list(get_chunks([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(get_chunks((1, 2, 3), 3)) == [(1, 2, 3)]
    assert list(get_chunks(range(5), 2)) == [range(2), range(2, 4), range(4, 5)]
    assert list(get_chunks([], 2)) == []


def test_chunks_of_what_is_read() -> None:
    read: list[int] = []

    def source() -> Any:
        for i in range(5):
            read.append(i)
            yield i

    chunks = get_chunks(source(), 2)
    assert read == []
    assert next(chunks) == [0, 1] and read == [0, 1]
    assert list(chunks) == [[2, 3], [4]]
    assert list(get_chunks(deque("abc"), 2)) == [["a", "b"], ["c"]]


@pytest.mark.parametrize("of", [list, iter, deque])
def test_no_more_chunks_than_that(of: Any) -> None:
    for n, size, most in [(10, 1, 3), (10, 5, 3), (10, 4, 100), (0, 3, 2), (7, 7, 1)]:
        chunks = [list(chunk) for chunk in get_chunks(of(range(n)), size, max_chunks=most)]
        assert [i for chunk in chunks for i in chunk] == list(range(n))
        assert len(chunks) <= most
        assert {len(chunk) for chunk in chunks[:-1]} <= {max(size, -(-n // most))}


def test_sizes_that_are_none() -> None:
    for wrong in ((0, None), (-1, None), (1, 0), (1, -5)):
        with pytest.raises(ValueError, match="positive"):
            get_chunks([1], *wrong)


@pytest.mark.django_db
def test_chunks_of_a_queryset(django_assert_num_queries: Any) -> None:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(10)])
    with django_assert_num_queries(1):
        chunks = list(Plain.objects.order_by("value").get_chunks(4))
    assert [[row.value for row in chunk] for chunk in chunks] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]
    assert [len(chunk) for chunk in Plain.objects.get_chunks(1, max_chunks=3)] == [4, 4, 2]
    queryset = Plain.objects.order_by("value")
    for chunk in queryset.get_chunks(3):
        chunk[0].value += 100
    assert queryset.update_fields() == 4
