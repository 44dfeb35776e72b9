"""Writing on several connections: each worker is a thread with a connection and a transaction of
its own; when all are ready they commit, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.db import Error, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import sessions, threads
from bulkmodel.atomic import is_lost
from bulkmodel.errors import CommitUnknown, Part, PartialCommit

# Seconds between two requests to stop: one that comes between two statements stops neither.
_AGAIN = 0.5


class Task(Protocol):
    """A worker's part of a call."""

    def run(self, connection: BaseDatabaseWrapper) -> None:
        """Write, in the worker's transaction."""

    def stop(self) -> None:
        """Called from another thread: run() fails at its next step."""

    def has_rows(self) -> bool:
        """Has it written any?"""

    def rows(self) -> Sequence[range]:
        """The input's rows that were written."""


class Stopped(Exception):
    """Another worker failed, and this one rolls back."""


class Entangled(OperationalError):
    """A worker waits for a row of another one, which waits for it at the meeting: nothing was
    committed, and one connection could do it."""


class _Worker:
    def __init__(self, team: Team) -> None:
        self.team = team
        self.task: Task | None = None  # once the connection is there
        self.ready = False
        self.state = "rolled back"
        self.backend = 0
        self._driver: Any = None
        self._driver_lock = threading.Lock()  # held while a request to stop is under way

    @property
    def has_rows(self) -> bool:
        return self.task is not None and self.task.has_rows()

    def cancel(self) -> None:
        """Ask the server to stop the statement under way."""
        with self._driver_lock:
            if self._driver is not None and not self.ready:
                try:
                    getattr(self._driver, "cancel_safe", self._driver.cancel)()
                except Exception:  # it will be asked again
                    return

    def main(self) -> None:
        try:
            connection = _connect(self.team.caller)
        except BaseException as error:
            self.team.absent(error)
            return
        try:
            with self._driver_lock:
                self._driver = connection.connection
                self.backend = self._driver.info.backend_pid
            self.task = self.team.arrive(self)
            self._write(self.task, connection)
        except Stopped:
            pass
        except BaseException as error:
            self.team.failed(error, self)
        finally:
            with self._driver_lock:
                self._driver = None
            _disconnect(connection)
            self.team.leave()

    def _write(self, task: Task, connection: BaseDatabaseWrapper) -> None:
        try:
            with transaction.atomic(using=connection.alias):
                sessions.take_over(self.team.session, connection)
                task.run(connection)
                sessions.check_constraints(connection)
                self.team.meet(self)
                self.state = "unknown"
            self.state = "committed"
            self.team.committed()
        except BaseException as error:
            if self.state == "unknown" and not is_lost(error):
                self.state = "rolled back"
            raise


class Team:
    """The workers of a call."""

    def __init__(self, caller: BaseDatabaseWrapper, tasks: Sequence[Task]) -> None:
        """Entangled where the caller's session is one that no other can be like."""
        self.caller = caller
        self.session = sessions.session_of(caller)
        if self.session.has_tables:
            raise Entangled("Temporary tables are one connection's.")
        self.error: BaseException | None = None  # the first
        self._interrupt: BaseException | None = None  # came too late to stop anything
        self._tasks = tasks
        self._workers: list[_Worker] = []  # in the order in which they commit
        self._absent: list[BaseException] = []  # why others have no connection
        self._running = 0
        self._committing = False
        self._turn = 0
        self._changed = threading.Condition()

    # ------------------------------------------------------------------ in the caller's thread

    def run(self, settle: Callable[[], None], undo: Callable[[Sequence[range]], None]) -> None:
        """Do the tasks.  `settle` is called when all is written, before the first commit; `undo`
        where not all is committed, with the input's rows that are.  The first error is raised, when
        all threads have ended."""
        started: list[threading.Thread] = []
        try:
            self._start(started)
        except BaseException as error:
            self.failed(error)
        while True:
            try:
                if not self._step(settle):
                    break
            except BaseException as error:
                self._interrupted(error)
        self._join(started)
        writers = [worker for worker in self._workers if worker.has_rows]
        if not writers or any(worker.state != "committed" for worker in writers):
            done = [worker for worker in writers if worker.state == "committed"]
            undo([rows for worker in done if worker.task for rows in worker.task.rows()])
        self._raise()

    def _join(self, started: list[threading.Thread]) -> None:
        while started:
            try:
                started[-1].join()
            except BaseException as error:
                self._interrupted(error)
            else:
                started.pop()

    def _start(self, started: list[threading.Thread]) -> None:
        for _ in self._tasks:
            with self._changed:
                self._running += 1
            try:
                thread, interrupt = threads.start(_Worker(self).main, "bulkmodel")
            except RuntimeError as error:  # those that run do it all
                self.absent(error)
                continue
            started.append(thread)
            if interrupt is not None:
                raise interrupt

    def _step(self, settle: Callable[[], None]) -> bool:
        """Wait for the workers; False: they have ended."""
        with self._changed:
            if not self._running:
                return False
            if self.error is not None and not self._committing:
                workers = [worker for worker in self._workers if not worker.ready]
            else:
                workers = []
                if self._all_are_here() and all(worker.ready for worker in self._workers):
                    self._commit(settle)
        for worker in workers:
            worker.cancel()
        with self._changed:
            changed = not self._running or self._changed.wait(_AGAIN)
        if not changed and self._are_entangled():
            self.failed(Entangled("Rows of the call depend on each other."))
        return True

    def _are_entangled(self) -> bool:
        """Does a worker wait in the server for one that is ready?"""
        with self._changed:
            ready = [worker.backend for worker in self._workers if worker.ready]
            others = [worker.backend for worker in self._workers if not worker.ready]
            if not ready or not others or self._committing or self.error is not None:
                return False
        try:
            return sessions.waits_for(self.caller, others, ready)
        except Error:  # then lock_timeout ends it
            return False

    def _commit(self, settle: Callable[[], None]) -> None:
        if not self._committing and self.error is None:
            settle()
            self._committing = True
        self._changed.notify_all()

    def _interrupted(self, error: BaseException) -> None:
        with self._changed:
            if self._committing:
                self._interrupt = self._interrupt or error
                return
        self.failed(error)

    def _raise(self) -> None:
        fates = [(w.state, w.task.rows()) for w in self._workers if w.task is not None]
        parts = [Part(state, rows) for state, rows in fates if rows]
        states = {part.state for part in parts}
        if not self._workers and self.error is None:
            self.error = self._absent[0]
        if "committed" in states and len(states) > 1:
            message = "Some workers had committed when another one failed to."
            raise PartialCommit(message, parts) from self.error
        if "unknown" in states:
            message = "The connection was lost while its transaction was committed."
            raise CommitUnknown(message) from self.error
        error = self.error or self._interrupt
        if error is not None:
            raise error

    # ----------------------------------------------------------------- in the workers' threads

    def _all_are_here(self) -> bool:
        return len(self._workers) + len(self._absent) == len(self._tasks)

    def _go_on(self) -> None:
        if self.error is not None:
            raise Stopped

    def arrive(self, worker: _Worker) -> Task:
        """A worker has a connection: nothing is begun before every other has one, or gets none."""
        with self._changed:
            task = self._tasks[len(self._workers)]
            self._workers.append(worker)
            self._changed.notify_all()
            while not self._all_are_here() and self.error is None:
                self._changed.wait()
            self._go_on()
        return task

    def absent(self, error: BaseException) -> None:
        """A worker gets no connection: the others do its work.  Where there are none, nobody may
        believe in between that all are here, and ready."""
        with self._changed:
            self._absent.append(error)
            self.leave()

    def meet(self, worker: _Worker) -> None:
        """Wait until all workers are ready, and then for this one's turn to commit."""
        with self._changed:
            worker.ready = True
            self._changed.notify_all()
            while self.error is None and not (
                self._committing and self._workers[self._turn] is worker
            ):
                self._changed.wait()
            self._go_on()

    def committed(self) -> None:
        """The next one may commit."""
        with self._changed:
            self._turn += 1
            self._changed.notify_all()

    def failed(self, error: BaseException, worker: _Worker | None = None) -> None:
        """Stop the others.  A worker that found no rows left has nothing to lose by its commit."""
        with self._changed:
            if worker is not None and worker.ready and not worker.has_rows:
                self._turn += 1
            else:
                self.error = self.error or error
                for task in self._tasks:
                    task.stop()
            self._changed.notify_all()

    def leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()


def _connect(caller: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """A connection like the caller's, for this thread, whose statements the caller sees."""
    connection = caller.copy()
    connection.queries_log = caller.queries_log
    connection.force_debug_cursor = caller.force_debug_cursor
    connection.execute_wrappers = list(caller.execute_wrappers)
    connections[caller.alias] = connection
    try:
        connection.ensure_connection()
    except BaseException:
        _disconnect(connection)
        raise
    return connection


def _disconnect(connection: BaseDatabaseWrapper) -> None:
    try:
        connection.close()
    except Exception:  # it was lost, and what it wrote has its fate
        connection.connection = None
    finally:
        del connections[connection.alias]
