"""Run functions in threads, each thread with its own database connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections

from bulkmodel import conf
from bulkmodel.engine import start_thread


class ConcurrentExecutor:
    """Run jobs in several threads."""

    def __init__(self, jobs: Iterable[Any], max_workers: int | None = None) -> None:
        """jobs: callables, or tuples of a callable and its arguments.  max_workers: the maximum
        number of threads; None means the setting MAX_CONCURRENT_BATCH_WRITES."""
        self.jobs = [_job(job) for job in jobs]
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be a positive integer.")
        self.max_workers = max_workers or conf.max_concurrent_batch_writes()

    def run_async(self) -> list[Any]:
        """Run the jobs and return their results in order.  After an error no further job starts.
        When all threads have ended and closed their connections, the first error is raised."""
        return _Run(self.jobs).run(min(self.max_workers, len(self.jobs)))


def _job(job: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    function, arguments = (job[0], job[1:]) if isinstance(job, tuple | list) and job else (job, ())
    if not callable(function):
        raise TypeError("A job must be a callable, or a tuple of a callable and its arguments.")
    return function, tuple(arguments)


class _Run:
    def __init__(self, jobs: list[tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
        self.jobs = jobs
        self.results: list[Any] = [None] * len(jobs)
        self.error: BaseException | None = None
        self._next = 0
        self._running = 0
        self._changed = threading.Condition()

    def run(self, n_threads: int) -> list[Any]:
        try:
            for _ in range(n_threads):
                self._start()
        except BaseException as error:
            self._failed(error)
        while self._running:  # join() would return too early if the caller is interrupted
            try:
                with self._changed:
                    if self._running:
                        self._changed.wait()
            except BaseException as error:
                self._failed(error)
        if self.error is not None:
            raise self.error
        return self.results

    def _start(self) -> None:
        self._count(1)
        try:
            _, interrupt = start_thread.start(self._work, "bulkmodel job")
        except RuntimeError as error:
            self._count(-1)
            raise getattr(error, "interrupt", error) from None
        if interrupt is not None:
            raise interrupt

    def _count(self, n: int) -> None:
        with self._changed:
            self._running += n
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            while (i := self._claim()) is not None:
                function, arguments = self.jobs[i]
                self.results[i] = function(*arguments)
        except BaseException as error:
            self._failed(error)
        finally:
            try:
                connections.close_all()
            finally:
                self._count(-1)

    def _claim(self) -> int | None:
        with self._changed:
            if self.error is not None or self._next == len(self.jobs):
                return None
            self._next += 1
            return self._next - 1

    def _failed(self, error: BaseException) -> None:
        with self._changed:
            self.error = self.error or error
