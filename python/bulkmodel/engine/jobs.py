"""Run the jobs of a call: in order on the caller's connection, or divided among workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from django.db import Error, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, conf
from bulkmodel.engine import failure, locate_row, operation, postgresql, timeouts
from bulkmodel.engine.atomic import as_one_statement, is_inside, one_statement, one_transaction
from bulkmodel.engine.dialect import Dialect
from bulkmodel.engine.read_only import refuse_read_only
from bulkmodel.engine.returned_keys import run_surely
from bulkmodel.engine.statements import ASKED, KNOWN, SMALL, Condition, nothing, reads_keys
from bulkmodel.engine.workers import Entangled, Team
from bulkmodel.transactions import in_transaction


def workers_for(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    wanted: int,
    n: int,
    batch_size: int | None,
) -> int:
    """Return how many connections write n rows.  1 means the caller's connection, and its
    transaction if one is open."""
    chunks = -(-n // (batch_size or SMALL))
    workers = min(wanted, chunks)
    if workers < 2 or connection.vendor != "postgresql" or not postgresql.is_psycopg3:
        return 1
    if in_transaction(connection) or _refers_to_itself(model):
        return 1
    if not all(getattr(hook, "any_thread", False) for hook in connection.execute_wrappers):
        return 1  # a hook may know its own thread only
    workers = max(min(workers, _free_in_pool(connection, workers)), 1)
    if workers > 1 and postgresql.needs_one_writer(connection, model._meta.db_table):
        return 1
    return workers


def share(n: int, workers: int) -> int:
    """Return the default chunk size for these workers."""
    return -(-n // workers)


def _refers_to_itself(model: type[models.Model]) -> bool:
    """Return whether a row may refer to a row that another worker or a later chunk writes."""
    own = model._meta.concrete_model
    targets: list[Any] = [field.related_model for field in model._meta.concrete_fields]
    return any(target is not None and target._meta.concrete_model is own for target in targets)


def _free_in_pool(connection: Any, wanted: int) -> int:
    """Return how many connections the pool can give to workers.  1 if the pool is not psycopg's:
    its size is unknown, and a worker could wait without limit."""
    opens: Any = type(connection).get_new_connection
    pool = getattr(connection, "pool", None)
    if pool is None:
        is_djangos = getattr(opens, "__module__", "").startswith("django.")
        connection.ensure_connection()
        plain = is_djangos or postgresql.driver_of(connection) is connection.connection
        return wanted if plain else 1
    if not _is_of_psycopg(pool):
        return 1
    pool.open()
    stats = pool.get_stats()
    used = stats["pool_size"] - stats["pool_available"] + stats["requests_waiting"]
    return int(stats["pool_max"] - used)


def _is_of_psycopg(pool: Any) -> bool:
    try:
        from psycopg_pool import ConnectionPool
    except ImportError:
        return False
    return isinstance(pool, ConnectionPool)


class Target(Protocol):
    """The table that rows are written to.  The class is model.target.Target."""

    model: type[models.Model]
    using: str
    connection: BaseDatabaseWrapper
    dialect: Dialect

    @property
    def table(self) -> _core.Table:
        """The engine's description of the table."""


class Jobs:
    """Jobs that succeed or fail together."""

    def __init__(
        self,
        target: Target,
        jobs: list[_core.Job],
        condition: Condition,
        workers: int = 1,
        places: Callable[[], Sequence[Sequence[int]]] | None = None,
    ) -> None:
        """places: returns the input positions of each job's rows.  None: there is one job, with all
        rows of the input."""
        self.target = target
        self.condition = condition
        self.places = places
        self.is_one_statement = False
        self.is_one_of_djangos = False
        self._savepoint: locate_row.Savepoint | None = None
        self._was_alone = False
        self.all = jobs
        self._tasks = [_Task(self, jobs)]
        if workers > 1:
            self._tasks = [_Task(self, [job.twin() for job in jobs]) for _ in range(workers)]

    def run(
        self,
        settle: Callable[[], None] = nothing,
        undo: Callable[[Sequence[range]], None] = lambda rows: None,
        beside: Callable[[], None] = nothing,
    ) -> None:
        """Run the jobs.

        settle: called when everything is written, before COMMIT.  undo: called after an error with
        the input positions that are committed.  beside: called repeatedly while the database is
        busy, or never."""
        try:
            self._run(settle, undo, beside)
        except Error as error:
            is_open = self.target.connection.vendor == "postgresql" or not failure.is_of_job(error)
            if is_open and locate_row.is_of_a_row(error):
                failure.may_be_found(error, partial(self.find, error))
            raise

    def _run(
        self,
        settle: Callable[[], None],
        undo: Callable[[Sequence[range]], None],
        beside: Callable[[], None],
    ) -> None:
        def settled() -> None:
            timeouts.committing(self.target.connection)
            settle()

        if len(self._tasks) > 1:
            refuse_read_only(self.target.connection)
            try:
                Team(self.target.connection, self._tasks).run(settled, undo)
                return
            except (Entangled, _core.Unproved):
                for job in self.all:
                    job.rewind()
                self._tasks = [_Task(self, self.all)]
        using = self.target.using
        connection = self.target.connection
        nested = connection.in_atomic_block and connection.vendor == "postgresql"
        size = 0
        for job in self.all:
            size += job.size()
        locates = nested and size > 1 and conf.locate_in_atomic(size <= SMALL)

        def undone() -> None:
            undo(())

        if self.is_one_statement:
            self._was_alone = not connection.in_atomic_block
            within = one_statement(using, undone)
        elif self.is_one_of_djangos and is_inside(using):
            within = as_one_statement(using, undone)
        else:
            # All rows of a small call fit into one statement.
            within = one_transaction(using, undone, len(self.all) > 1 or size > SMALL)
        with within:
            if locates:
                self._savepoint = locate_row.Savepoint(connection)
            self._tasks[0].run(connection, beside)
            settle()
            if self._savepoint is not None:
                self._savepoint.release()

    @property
    def workers(self) -> int:
        """How many connections write."""
        return len(self._tasks)

    def knows_keys(self) -> bool:
        """Return whether the keys of the last job are known, possibly before it is written."""
        return self._tasks[0].jobs[-1].knows_keys()

    def find(self, error: Error) -> tuple[_core.Job, int] | None:
        """Find the job and the row that caused the error: write the rows again and roll back.
        None: unknown."""
        state = failure.facts_of(error, self.target.connection).sqlstate
        of_reference = state in ("23503", "23001")
        if of_reference and _refers_to_itself(self.target.model):
            return None  # a part of the rows may fail where all of them succeed
        try:
            with self._rolled_back():
                connection = self.target.connection
                return operation.search(
                    error, self.all, connection, self.condition, self._was_alone
                )
        except Exception:  # the caller needs the original error
            return None

    def _rolled_back(self) -> Any:
        connection = self.target.connection
        if not in_transaction(connection):
            return locate_row.rolled_back(connection)
        if self._savepoint is None or not self._savepoint.is_left():
            raise RuntimeError("the transaction has failed and has no savepoint to return to")
        return self._savepoint.rolled_back()

    def keys(self) -> list[Any]:
        """Return the keys that the database generated for the rows of the last job."""
        return self._tasks[0].jobs[-1].keys()

    def written(self) -> int:
        """Return how many rows were inserted or matched."""
        written = 0
        for task in self._tasks:
            for job in task.jobs:
                written += job.written()
        return written

    def row_of(self, job: _core.Job, row: int) -> int:
        """Return the input position of a job's row.  The job may be a worker's copy."""
        if self.places is None:
            return row
        alike = (self.all, *(task.jobs for task in self._tasks))
        number = next(jobs.index(job) for jobs in alike if job in jobs)
        return self.places()[number][row]


class _Task:
    """The jobs, or a worker's copies of them, on one connection."""

    def __init__(self, call: Jobs, jobs: list[_core.Job]) -> None:
        self.call = call
        self.jobs = jobs

    def run(self, connection: BaseDatabaseWrapper, beside: Callable[[], None] = nothing) -> None:
        condition = self.call.condition
        for i, job in enumerate(self.jobs):
            if job.keys_by() == ASKED or (job.keys_by() == KNOWN and job.size() == 1):
                operation.run(job, connection, condition, beside)
                continue

            def run(job: _core.Job) -> None:
                operation.run(job, connection, condition, beside)

            keyed = reads_keys(condition) and i == 0
            run_surely(self.call.target, self.jobs, i, run, keyed, connection)

    def stop(self) -> None:
        for job in self.jobs:
            job.stop()

    def has_rows(self) -> bool:
        return any(job.ranges() for job in self.jobs)

    def rows(self) -> Sequence[range]:
        ranges = [[range(first, first + n) for first, n in job.ranges()] for job in self.jobs]
        if self.call.places is None:
            return ranges[0]
        places = self.call.places()
        return [run for part, at in zip(ranges, places) for rows in part for run in _runs(at, rows)]


def _runs(places: Sequence[int], rows: range) -> list[range]:
    """Return the input positions of these rows, adjacent ones as one range."""
    runs: list[range] = []
    for row in rows:
        place = places[row]
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return runs
