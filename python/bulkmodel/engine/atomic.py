"""One call is one transaction: its own, or part of the caller's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import django
from django.db import Error, InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel.engine import commit_check, postgresql, timeouts
from bulkmodel.engine.connections import peer_is_there
from bulkmodel.engine.failure import is_lost
from bulkmodel.engine.read_only import refuse_read_only
from bulkmodel.engine.statements import SMALL
from bulkmodel.errors import CommitUnknown
from bulkmodel.transactions import in_transaction

_COMMIT = inspect.unwrap(BaseDatabaseWrapper.commit).__code__
_HOOKS = inspect.unwrap(BaseDatabaseWrapper.run_and_clear_commit_hooks).__code__


@contextmanager
def one_transaction(
    using: str,
    undo: Callable[[], None] | None = None,
    several: bool | Callable[[], bool] = True,
) -> Iterator[None]:
    """Run a call in a transaction.

    undo: called if nothing was committed, or if that is unknown.  several: the call has several
    statements that write, so by default the server is asked when the answer to COMMIT is lost; it
    may be known only at the end.
    CommitUnknown: the outcome is unknown."""
    connection = connections[using]
    refuse_read_only(connection)
    nested = connection.in_atomic_block
    autocommit = connection.autocommit
    own = written = entered = False
    before: BeforeCommit | None = None
    try:
        with transaction.atomic(using=using, savepoint=False):
            entered = True
            own = not nested and connection.commit_on_exit
            if own:  # a hook that failed may have left it set
                connection.run_commit_hooks_on_set_autocommit_on = False
            yield
            if own and connection.closed_in_transaction:
                raise OperationalError("The connection was closed while rows were being written.")
            if own:
                before = BeforeCommit(connection, several() if callable(several) else several)
                timeouts.committing(connection)
            else:
                timeouts.check(connection)
            written = True
    except BaseException as error:
        if not nested and (connection.in_atomic_block or not entered):
            _leave(connection, autocommit)
        if own and written and connection.run_commit_hooks_on_set_autocommit_on:
            _note_committed(error)
            raise  # COMMIT succeeded: a hook after it raised the error
        if before is not None and written and before.succeeded(error):
            _note_committed(error)
            raise
        if own and not (connection.in_atomic_block or connection.autocommit):
            connection.close()  # Django could not end the transaction
        lost = before is not None and connection.vendor != "sqlite" and is_lost(error)
        fate = commit_check.fate_of(connection, before.transaction) if lost and before else None
        if fate == commit_check.COMMITTED and before is not None:
            before.carry_on()
            return
        if undo is not None:
            undo()
        if fate == commit_check.UNKNOWN:
            raise CommitUnknown(_UNKNOWN) from error
        raise


def _leave(connection: Any, autocommit: bool) -> None:
    """End the transaction of an atomic() that a signal handler's exception left while it, or one
    inside, was being entered: Django would take it for one of the caller's, which never ends."""
    connection.in_atomic_block = connection.needs_rollback = False
    connection.atomic_blocks.clear()
    connection.savepoint_ids.clear()
    if autocommit and connection.connection is not None and not connection.autocommit:
        try:
            connection.rollback()
            connection.set_autocommit(True)
        except Error:
            connection.close()


def _note_committed(error: BaseException) -> None:
    error._bm_committed = True  # type: ignore[attr-defined]


def came_after_commit(error: BaseException) -> bool:
    """Return whether an exception of one_transaction() was raised behind a successful COMMIT."""
    return bool(getattr(error, "_bm_committed", False))


class _RolledBack(Exception):
    """Ends a dry run."""


@contextmanager
def trial(
    using: str,
    dry_run: bool,
    undo: Callable[[], None],
    several: bool | Callable[[], bool] = True,
) -> Iterator[None]:
    """Run a call in a transaction, inside the caller's with a savepoint, so that it can begin
    again after an error.  dry_run: roll back at the end.  undo: called if it was rolled back.
    several: see one_transaction()."""
    nested = connections[using].in_atomic_block
    try:
        with _savepoint(using, undo) if nested else one_transaction(using, undo, several):
            yield
            if dry_run:
                raise _RolledBack
    except _RolledBack:
        pass


@contextmanager
def _savepoint(using: str, undo: Callable[[], None]) -> Iterator[None]:
    refuse_read_only(connections[using])
    try:
        with transaction.atomic(using=using):
            yield
    except BaseException:
        undo()
        raise


class BeforeCommit:
    """What must be known before COMMIT in case its answer is lost."""

    def __init__(self, connection: BaseDatabaseWrapper, several: bool) -> None:
        """OperationalError: the connection was lost before COMMIT could be sent."""
        self.connection = connection
        self.hooks = list(connection.run_on_commit)
        self.transaction: commit_check.Transaction | None = None
        if connection.vendor != "postgresql":
            return
        if commit_check.is_wanted(several):
            with connection.wrap_database_errors:
                self.transaction = commit_check.transaction_of(connection)
        elif not peer_is_there(connection):
            raise OperationalError("The connection was lost before COMMIT was sent.")

    def succeeded(self, error: BaseException) -> bool:
        """Return whether the transaction committed although there was an exception.  One that is
        none of the database's, such as a signal handler's, can arrive behind COMMIT; and behind
        one that arrives before it, Django sets SQLite's autocommit, which commits."""
        if isinstance(error, Error):
            return False
        driver: Any = self.connection.connection
        if self.connection.vendor == "sqlite":
            return driver is not None and not driver.in_transaction
        fate = commit_check.fate_of(self.connection, self.transaction)
        return fate == commit_check.COMMITTED

    def carry_on(self) -> None:
        """Run the on_commit hooks.  The transaction committed, but its connection is lost."""
        self.connection.close()
        self.connection.run_on_commit = self.hooks
        self.connection.run_and_clear_commit_hooks()


_UNKNOWN = (
    "The connection was lost during COMMIT: either all rows of the call were written, or none."
)


@contextmanager
def commit_told(using: str, n: int) -> Iterator[None]:
    """Wrap a transaction of Django's that writes n rows.  CommitUnknown: the connection was lost
    during COMMIT."""
    several = n > SMALL
    if commit_check.is_wanted(several) and not connections[using].in_atomic_block:
        with one_transaction(using):
            yield
        return
    if n > 0:
        refuse_read_only(connections[using])
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if is_lost(error) and _was_at_commit(error):
            raise CommitUnknown(_UNKNOWN) from error
        raise


def _was_at_commit(error: BaseException) -> bool:
    """Return whether COMMIT itself raised the error, and not a hook after it."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is _HOOKS:
            return False
        if trace.tb_frame.f_code is _COMMIT:
            return bool(trace.tb_frame.f_locals["self"].vendor != "sqlite")
        trace = trace.tb_next
    return False


def one_statement(using: str, undo: Callable[[], None]) -> AbstractContextManager[None]:
    """Run a call of one statement.  Since Django 6.0 it has no transaction of its own."""
    if django.VERSION < (6, 0) or commit_check.is_wanted(False):
        return one_transaction(using, undo, False)
    return _alone(using, undo)


@contextmanager
def _alone(using: str, undo: Callable[[], None]) -> Iterator[None]:
    connection = connections[using]
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    refuse_read_only(connection)
    is_alone = not in_transaction(connection)
    was_there = not is_alone or peer_is_there(connection)
    try:
        yield
    except BaseException as error:
        undo()
        if was_there and is_alone and connection.vendor != "sqlite" and is_lost(error):
            raise CommitUnknown(_UNKNOWN) from error
        raise


def is_inside(using: str) -> bool:
    """Return whether a call that is one statement in Django runs directly in the caller's
    transaction.  That is so since Django 6.0."""
    connection = connections[using]
    return in_transaction(connection) and django.VERSION >= (6, 0)


@contextmanager
def as_one_statement(using: str, undo: Callable[[], None]) -> Iterator[None]:
    """Run several statements where Django sends one, inside the caller's transaction.  An error
    leaves the transaction as an error of one statement would."""
    connection = connections[using]
    refuse_read_only(connection)
    try:
        if connection.vendor != "postgresql":
            with transaction.atomic(using=using):  # an error rolls back the first statements
                yield
        else:
            yield
    except BaseException:
        undo()
        if connection.in_atomic_block and not _has_failed(connection):
            connection.needs_rollback = True
        raise


def _has_failed(connection: Any) -> bool:
    """Return whether the database has already failed the transaction or rolled back."""
    if connection.vendor != "postgresql":
        return True
    driver = getattr(connection.connection, "info", None)
    status = getattr(driver, "transaction_status", None)
    return status in (postgresql.INERROR, postgresql.UNKNOWN)
