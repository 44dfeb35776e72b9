"""Write on several connections.

Each worker is a thread with its own connection and transaction.  When all are ready they commit,
one after the other.  The engine's rules (`_core.Team`) decide who may commit; this module holds the
threads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import commit_check, session, start_thread, timeouts
from bulkmodel.engine.connections import peer_is_there
from bulkmodel.engine.dialect import POSTGRESQL
from bulkmodel.engine.failure import is_lost
from bulkmodel.errors import CommitUnknown, Part, PartialCommit

# Seconds between two requests to cancel (one between two statements stops neither), and between two
# checks whether the workers wait for each other.
_AGAIN = 0.5
# Seconds to wait for a further connection.  Without it the others do the work.
_ARRIVAL = 1.0
# Default connect_timeout, in seconds.
_CONNECT = 10


class Task(Protocol):
    """The part of a call that one worker does."""

    def run(self, connection: BaseDatabaseWrapper) -> None:
        """Write in the worker's transaction."""

    def stop(self) -> None:
        """Make run() fail at its next step.  Called by another thread."""

    def has_rows(self) -> bool:
        """Return whether it has written rows."""

    def rows(self) -> Sequence[range]:
        """Return the input positions of the rows that it wrote."""


class Stopped(Exception):
    """Another worker failed or this one is not needed, so it rolls back."""


class Entangled(OperationalError):
    """The call needs a single connection: its session cannot be copied, or the workers would wait
    for each other.  Nothing was committed."""


class _Worker:
    def __init__(self, team: Team, number: int) -> None:
        self.team = team
        self.number = number
        self.task: Task | None = None  # set when its first statement was answered
        self.in_doubt = False  # COMMIT was sent and its outcome is unknown
        self.wrapper: BaseDatabaseWrapper | None = None
        self._driver: Any = None
        self._driver_lock = threading.Lock()  # held during a request to cancel

    @property
    def member(self) -> str:
        return self.team.rules.member(self.number)

    @property
    def has_rows(self) -> bool:
        return self.task is not None and self.task.has_rows()

    @property
    def rows(self) -> Sequence[range]:
        return self.task.rows() if self.task is not None else []

    def cancel(self) -> None:
        """Ask the server to cancel the running statement.  After a timeout the call's clock does
        that instead, without waiting for an answer."""
        clock = timeouts.clock_of(self.team.caller)
        if clock is not None and clock.is_late:
            return
        with self._driver_lock:
            if self._driver is not None:
                try:
                    getattr(self._driver, "cancel_safe", self._driver.cancel)()
                except Exception:  # it will be repeated
                    return

    def hang_up(self) -> None:
        """Close the connection of a worker that is late and has written nothing.  Behind a pooler a
        request to cancel would wait for a free connection."""
        with self._driver_lock, suppress(Exception):
            driver: Any = self.wrapper.connection if self.wrapper is not None else None
            if self.wrapper is not None:
                timeouts.stay_closed(self.wrapper)
            if driver is not None and not driver.closed:
                timeouts.shut_down(driver.fileno())

    def main(self) -> None:
        try:
            connection = _connect(self.team.caller, self)
        except BaseException as error:
            self.team.failed(self, error)
            self.team.leave()
            return
        try:
            with self._driver_lock:
                self._driver = connection.connection
            self._write(connection)
        except Stopped:
            pass
        except BaseException as error:
            self.team.failed(self, error)
        finally:
            with self._driver_lock:
                self._driver = self.wrapper = None
            _disconnect(connection)
            self.team.leave()

    def _write(self, connection: BaseDatabaseWrapper) -> None:
        told: commit_check.Transaction | None = None
        sent = False
        try:
            with transaction.atomic(using=connection.alias):
                session.take_over(self.team.session, connection, self.team.join)
                self.task = self.team.arrived(self)
                self.task.run(connection)
                session.check_constraints(connection)
                if self.team.checks_commits and self.has_rows:
                    with connection.wrap_database_errors:
                        told = commit_check.transaction_of(connection)
                self.team.meet(self, connection)
                if not peer_is_there(connection):
                    raise OperationalError("The connection was lost before COMMIT was sent.")
                sent = True
        except BaseException as error:
            if not sent or not is_lost(error):
                raise
            fate = commit_check.fate_of(connection, told)
            self.in_doubt = fate == commit_check.UNKNOWN
            if fate != commit_check.COMMITTED:
                raise
        self.team.committed(self)


class Team:
    """The workers of one call."""

    def __init__(self, caller: BaseDatabaseWrapper, tasks: Sequence[Task]) -> None:
        """Raise Entangled if only the caller's connection can do the call."""
        self.caller = caller
        self.session = session.session_of(caller)
        if self.session.has_tables:
            raise Entangled("Other connections cannot see the temporary tables of this session.")
        if self.session.is_serializable:
            raise Entangled("Serializable transactions can make each other fail at COMMIT.")
        self.rules = _core.Team(len(tasks))
        self.join, self.asks = _core.team_sql(POSTGRESQL.name, random.getrandbits(31))
        self.checks_commits = commit_check.is_wanted(True)
        self.error: BaseException | None = None  # the first
        self._interrupt: BaseException | None = None  # came too late to stop the call
        self._tasks = tasks
        self._arrived = 0
        self._workers = [_Worker(self, number) for number in range(len(tasks))]
        self._running = 0
        self._began = time.monotonic()
        self._changed = threading.Condition()  # held around the rules

    # ------------------------------------------------------------------ in the caller's thread

    def run(self, settle: Callable[[], None], undo: Callable[[Sequence[range]], None]) -> None:
        """Run the tasks.  Raise the first error when all threads have ended.

        settle: called when everything is written, before the first COMMIT.  undo: called if not
        everything is committed, with the input positions that are."""
        started: list[threading.Thread] = []
        try:
            self._start(started)
        except BaseException as error:
            self._stop(error)
        while True:
            try:
                if not self._step(settle):
                    break
            except BaseException as error:
                self._stop(error)
        self._join(started)
        writers = [worker for worker in self._workers if worker.has_rows]
        done = [worker for worker in writers if worker.member == "committed"]
        if not writers or len(done) < len(writers):
            undo([rows for worker in done for rows in worker.rows])
        self._raise()

    def _join(self, started: list[threading.Thread]) -> None:
        while started:
            try:
                started[-1].join()
            except BaseException as error:
                self._stop(error)
            else:
                started.pop()

    def _start(self, started: list[threading.Thread]) -> None:
        for worker in self._workers:
            with self._changed:
                self._running += 1
            try:
                thread, interrupt = start_thread.start(worker.main, "bulkmodel")
            except RuntimeError as error:  # the threads that run do the work
                self.failed(worker, error)
                self.leave()
                if isinstance(error, start_thread.NotStarted):
                    raise error.interrupt from None
                continue
            started.append(thread)
            if interrupt is not None:
                raise interrupt

    def _step(self, settle: Callable[[], None]) -> bool:
        """Wait for the workers.  Return False when all have ended."""
        with self._changed:
            if not self._running:
                return False
            if self.rules.settles():
                settle()
                self._tell("settled")
            late, working = self._late(), self._to_cancel()
        for worker in late:
            worker.hang_up()
        for worker in working:
            worker.cancel()
        with self._changed:
            if self._running and not self.rules.settles():
                self._changed.wait(_AGAIN)
        return True

    def _late(self) -> list[_Worker]:
        """Return the workers that did not connect in time."""
        if time.monotonic() - self._began < _ARRIVAL:
            return []
        late = [worker for worker in self._workers if worker.member == "away"]
        everybody = len(late) == len(self._workers) and self.rules.needs()
        return late[1:] if everybody else late  # one must stay to do the work

    def _to_cancel(self) -> list[_Worker]:
        """Return the workers whose statement must be cancelled."""
        working = [worker for worker in self._workers if worker.member == "at work"]
        return working if self.rules.failed else []

    def _stop(self, error: BaseException) -> None:
        """Stop the call because of an outside error, unless commits have begun."""
        with self._changed:
            if self._tell("stopped"):
                self.error = error
            elif self.rules.commits:
                self._interrupt = self._interrupt or error

    def _raise(self) -> None:
        fates = [(self.rules.member_fate(w.number), w.rows) for w in self._workers]
        parts = [Part(fate, rows) for fate, rows in fates if rows]
        fate = self.rules.fate()
        if fate == "partial":
            message = "Some workers committed, or may have committed, before another one failed."
            raise PartialCommit(message, parts) from self.error
        if fate == "unknown":
            message = "The connection was lost during COMMIT: the rows may or may not be written."
            raise CommitUnknown(message) from self.error
        error = self.error or self._interrupt
        if error is not None:
            raise error

    # ----------------------------------------------------------------- in the workers' threads

    def _tell(self, event: str, number: int = 0) -> bool:
        counts = self.rules.tell(event, number)
        if self.rules.failed:
            for task in self._tasks:
                task.stop()
        self._changed.notify_all()
        return counts

    def arrived(self, worker: _Worker) -> Task:
        """Give the worker its task.  Stopped: the others have done the work."""
        with self._changed:
            self._tell("arrived", worker.number)
            if self.rules.next(worker.number) != "work":
                raise Stopped
            self._arrived += 1
            return self._tasks[self._arrived - 1]

    def meet(self, worker: _Worker, connection: BaseDatabaseWrapper) -> None:
        """Wait until all workers are ready and it is this one's turn to commit."""
        with self._changed:
            self._tell("ready" if worker.has_rows else "idle", worker.number)
            while (todo := self.rules.next(worker.number)) == "wait":
                changed = self._changed.wait(_AGAIN)
                if not changed and self.rules.asks(worker.number):
                    self._ask(connection)
            if todo != "commit":
                raise Stopped

    def _ask(self, connection: BaseDatabaseWrapper) -> None:
        """Check for a deadlock among the workers.  Releases the lock meanwhile."""
        self._changed.release()
        try:
            entangled = session.are_entangled(connection, self.asks)
        finally:
            self._changed.acquire()
        if entangled and self._tell("entangled"):
            self.error = Entangled("The workers wait for each other's rows.")

    def committed(self, worker: _Worker) -> None:
        """Let the next worker commit."""
        with self._changed:
            self._tell("committed", worker.number)

    def failed(self, worker: _Worker, error: BaseException) -> None:
        """Record a failure.  Its outcome depends on what the worker was doing."""
        with self._changed:
            member = self.rules.member(worker.number)
            if member == "committing":
                event = "lost" if worker.in_doubt else "refused"
            else:
                event = "absent" if member == "away" else "failed"
            had_failed = self.rules.failed
            self._tell(event, worker.number)
            if self.rules.failed and not had_failed:
                self.error = error

    def leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()


def _connect(caller: BaseDatabaseWrapper, worker: _Worker) -> BaseDatabaseWrapper:
    """Open a connection like the caller's for this thread.  The caller sees its statements."""
    connection = worker.wrapper = caller.copy()
    connection.settings_dict["OPTIONS"].setdefault("connect_timeout", _CONNECT)
    connection.queries_log = caller.queries_log
    connection.force_debug_cursor = caller.force_debug_cursor
    connection.execute_wrappers = list(caller.execute_wrappers)
    connections[caller.alias] = connection
    try:
        connection.ensure_connection()
    except BaseException:
        _disconnect(connection)
        raise
    timeouts.join(caller, connection)
    return connection


def _disconnect(connection: BaseDatabaseWrapper) -> None:
    timeouts.leave(connection)
    try:
        connection.close()
    except Exception:  # it was lost, and the outcome is known
        connection.connection = None
    finally:
        del connections[connection.alias]
