"""Run the steps of a job with Django's cursor, on Django's connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bulkmodel import _core
from bulkmodel.database import DatabaseError, Error
from bulkmodel.engine import failure, locate_row, mariadb_updates, postgresql, sqlite, timeouts
from bulkmodel.engine.statements import Condition, Reading, Step, nothing, reads_keys

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def _cursor_of(connection: Any) -> Any:
    on_postgresql = connection.vendor == "postgresql"
    return postgresql.cursor_of(connection) if on_postgresql else connection.cursor()


_PERFORM = {
    "postgresql": postgresql.PERFORM,
    "sqlite": sqlite.PERFORM,
    "mysql": mariadb_updates.PERFORM,
}


def _performer(
    cursor: Any, condition: Condition, beside: Callable[[], None] = nothing
) -> locate_row.Perform:
    performs: dict[str, Any] = _PERFORM[cursor.db.vendor]
    clock = timeouts.clock_of(cursor.db)
    plain: Callable[[str], Any] | None = None

    def perform(job: _core.Job, step: locate_row.Next) -> tuple[int, list[Any]]:
        nonlocal plain
        if clock is not None:
            clock.check()
        if step[0] == "plain":
            if plain is None:
                plain = sqlite.Plain(cursor) if cursor.db.vendor == "sqlite" else cursor.execute
            plain(step[1])
            return 0, []
        answer: tuple[int, list[Any]]
        answer = performs[step[0]](cursor, job, Step(*step, beside), condition)
        return answer

    return perform


def _locate(
    error: Error, job: _core.Job, connection: BaseDatabaseWrapper, perform: locate_row.Perform
) -> None:
    """Find the row on a database whose transaction continues after an error."""
    if failure.is_located(error):
        return
    alone = not connection.in_atomic_block  # so deferred constraints were checked
    with locate_row.rolled_back(connection):
        found = locate_row.search(error, [job], connection, perform, alone, in_place=True)
    if found is not None:
        failure.found(error, *found)


def search(
    error: Error,
    jobs: list[_core.Job],
    connection: BaseDatabaseWrapper,
    condition: Condition,
    alone: bool,
) -> tuple[_core.Job, int] | None:
    """Return the job and the row that cause the error.  alone: the failed statement was its own
    transaction, so deferred constraints were checked at its end."""
    if isinstance(condition, Reading):
        condition = condition.anew()  # the search must not change what the call has read
    with _cursor_of(connection) as cursor:
        perform = _performer(cursor, condition)
        deferred = alone or not failure.is_of_job(error)
        return locate_row.search(error, jobs, connection, perform, deferred)


def run(
    job: _core.Job,
    connection: BaseDatabaseWrapper,
    condition: Condition,
    beside: Callable[[], None] = nothing,
) -> None:
    """Run a job, and call `beside` while the database is busy.  Errors are Django's exceptions."""
    with _cursor_of(connection) as cursor:
        perform = _performer(cursor, condition, beside)
        try:
            while (step := job.next()) is not None:
                job.answer(*perform(job, step))
        except Error as error:
            failure.locate(error, job)
            if connection.vendor != "postgresql" and isinstance(error, locate_row.OF_A_ROW):
                _locate(error, job, connection, perform)
            raise
        except _core.Miscounted as error:
            if reads_keys(condition) and step is not None and not step[4]:
                return  # Django does not count rows that have keys either
            raise failure.RowsDropped(str(error)) from error
        except _core.Unproved:
            raise
        except _core.EngineError as error:
            raise DatabaseError(str(error)) from error
