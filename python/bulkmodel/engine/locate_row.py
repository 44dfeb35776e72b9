"""Find the row that caused an error, if the database does not name it.

The engine chooses which rows to write again and under which savepoint (docs/decisions/002).  This
module runs its steps on Django's connection and rolls everything back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bulkmodel import _core
from bulkmodel.database import DataError, Error, IntegrityError, atomic
from bulkmodel.engine import failure, postgresql

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# Errors that one row can cause, beside failure.is_of_policy().
OF_A_ROW = (IntegrityError, DataError)
# Seconds.  Then the search gives up and the row is unknown.
_LIMIT = 30.0
_SAVEPOINT = "SAVEPOINT bulkmodel_call"
_UNDO = "ROLLBACK TO SAVEPOINT bulkmodel_call"
_RELEASE = "RELEASE SAVEPOINT bulkmodel_call"

# A step of Job.next(), and how it is run: the answer is a count and rows.
Next = tuple[str, str, tuple[bytes | None, ...], int, bool]
Perform = Callable[[_core.Job, Next], tuple[int, list[Any]]]


def is_of_a_row(error: BaseException) -> bool:
    return isinstance(error, OF_A_ROW) or failure.is_of_policy(error)


def search(
    error: Error,
    jobs: Iterable[_core.Job],
    connection: BaseDatabaseWrapper,
    perform: Perform,
    deferred: bool = False,
    in_place: bool = False,
) -> tuple[_core.Job, int] | None:
    """Return the job and the row that fail with the same error again, or None if unknown.

    This writes rows, which the caller must roll back.  deferred: the error came after the
    statements.  in_place: what the job wrote before the failed statement is still there."""
    until = time.monotonic() + _LIMIT
    for job in jobs:
        locator = job.locator(*_failure(error, connection), deferred, in_place)
        if locator is None:
            return None
        while (step := locator.next()) is not None:
            if time.monotonic() > until:
                return None
            try:
                answer = perform(locator, step)
            except Error as refusal:
                if not is_of_a_row(refusal):
                    raise
                locator.refused(*_failure(refusal, connection))
            else:
                locator.answer(*answer)
        row, all_written = locator.found()
        if row is not None:
            return job, row
        if not all_written:
            return None
    return None


def _failure(error: Error, connection: BaseDatabaseWrapper) -> tuple[bool, Any, Any, Any]:
    facts = failure.facts_of(error, connection)
    return isinstance(error, DataError), facts.sqlstate, facts.constraint, facts.column


@contextmanager
def rolled_back(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A transaction, or a savepoint, that is always rolled back."""
    with atomic(connection):
        try:
            yield
        finally:
            connection.set_rollback(True)


class Savepoint:
    """A savepoint at the start of a call in the caller's transaction, on PostgreSQL.

    After an error the search returns to it.  Then it makes the transaction fail again, because the
    caller must find it as the error left it.  The statements bypass Django's cursors, so that they
    are neither logged nor counted.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._driver = connection.connection
        self._execute(_SAVEPOINT)

    def _execute(self, sql: str) -> None:
        with self.connection.wrap_database_errors, self._driver.cursor() as cursor:
            cursor.execute(sql)

    def release(self) -> None:
        self._execute(_RELEASE)

    def _status(self) -> int:
        return int(self._driver.info.transaction_status)

    def is_left(self) -> bool:
        """Return whether the savepoint is still there and the transaction has failed."""
        if self.connection.connection is not self._driver or self._driver.closed:
            return False
        status = self._status()
        in_doubt = status == postgresql.INTRANS and self.connection.needs_rollback
        return bool(status == postgresql.INERROR or in_doubt)

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        connection = self.connection
        needs_rollback = connection.needs_rollback
        had_failed = self._status() == postgresql.INERROR
        self._execute(_UNDO)
        connection.needs_rollback = False
        try:
            yield
        finally:
            connection.needs_rollback = needs_rollback
            self._execute(_UNDO)
            self._execute(_RELEASE)
            with suppress(Error):  # fails on purpose: the savepoint is gone
                if had_failed:
                    self._execute(_UNDO)
