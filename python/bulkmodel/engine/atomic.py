"""One call is one transaction: its own, or a part of the caller's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel.engine import commit_check, timeouts
from bulkmodel.engine.connections import peer_is_there
from bulkmodel.engine.failure import is_lost
from bulkmodel.errors import CommitUnknown

_COMMIT = inspect.unwrap(BaseDatabaseWrapper.commit).__code__
_HOOKS = inspect.unwrap(BaseDatabaseWrapper.run_and_clear_commit_hooks).__code__


@contextmanager
def one_transaction(
    using: str, undo: Callable[[], None] | None = None, several: bool = True
) -> Iterator[None]:
    """The transaction of a call.  `undo` is called where nothing of it was committed, or is known
    to be.  `several`: it is of several statements, so that a COMMIT whose answer is lost is asked
    about, if the call does not say otherwise.  CommitUnknown: nobody could say."""
    connection = connections[using]
    nested = connection.in_atomic_block
    own = written = False
    told: Told | None = None
    try:
        with transaction.atomic(using=using, savepoint=False):
            own = not nested and connection.commit_on_exit
            if own:  # may be left over from a hook that failed
                connection.run_commit_hooks_on_set_autocommit_on = False
            yield
            if own and connection.closed_in_transaction:
                raise OperationalError("The connection was closed while rows were being written.")
            if own:
                told = Told(connection, several)
                timeouts.committing(connection)
            else:
                timeouts.check(connection)
            written = True
    except BaseException as error:
        if own and written and connection.run_commit_hooks_on_set_autocommit_on:
            raise  # COMMIT went well: the error is of a hook behind it
        lost = told is not None and connection.vendor != "sqlite" and is_lost(error)
        fate = commit_check.fate_of(connection, told.transaction) if lost and told else None
        if fate == commit_check.COMMITTED and told is not None:
            told.carry_on()
            return
        if undo is not None:
            undo()
        if fate == commit_check.UNKNOWN:
            raise CommitUnknown(_UNKNOWN) from error
        raise


class Told:
    """What is known of a transaction before its COMMIT, should the answer be lost."""

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

    def carry_on(self) -> None:
        """It is committed, though the connection is gone: do what was to be done on commit."""
        self.connection.close()
        self.connection.run_on_commit = self.hooks
        self.connection.run_and_clear_commit_hooks()


_UNKNOWN = (
    "The connection was lost during COMMIT: either all rows of the call were written, or none."
)


@contextmanager
def commit_told(using: str, several: bool) -> Iterator[None]:
    """Django's own transaction.  CommitUnknown: the connection was lost at COMMIT."""
    if commit_check.is_wanted(several) and not connections[using].in_atomic_block:
        with one_transaction(using):
            yield
        return
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if is_lost(error) and _was_at_commit(error):
            raise CommitUnknown(_UNKNOWN) from error
        raise


def _was_at_commit(error: BaseException) -> bool:
    """Was it raised by the COMMIT itself, and not by a hook behind it?"""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is _HOOKS:
            return False
        if trace.tb_frame.f_code is _COMMIT:
            return bool(trace.tb_frame.f_locals["self"].vendor != "sqlite")
        trace = trace.tb_next
    return False


@contextmanager
def one_statement(using: str, undo: Callable[[], None]) -> Iterator[None]:
    """A call of a single statement, which since Django 6.0 has no transaction around it."""
    connection = connections[using]
    if django.VERSION < (6, 0) or commit_check.is_wanted(False):
        with one_transaction(using, undo, False):
            yield
        return
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    is_alone = not connection.in_atomic_block and connection.get_autocommit()
    was_there = not is_alone or peer_is_there(connection)
    try:
        yield
    except BaseException as error:
        undo()
        if was_there and is_alone and connection.vendor != "sqlite" and is_lost(error):
            raise CommitUnknown(_UNKNOWN) from error
        raise


def is_inside(using: str) -> bool:
    """Is a call, which in Django is one statement, inside of the caller's transaction?  Since
    Django 6.0 nothing of its own is around it."""
    connection = connections[using]
    in_one = connection.in_atomic_block or not connection.get_autocommit()
    return django.VERSION >= (6, 0) and in_one


@contextmanager
def as_one_statement(using: str, undo: Callable[[], None]) -> Iterator[None]:
    """Several statements in the place of the one of Django's, inside of the caller's transaction:
    where they fail, that is as it is after one."""
    connection = connections[using]
    try:
        if connection.vendor == "sqlite":
            with transaction.atomic(using=using):  # what the first ones wrote is taken back
                yield
        else:
            yield
    except BaseException:
        undo()
        if connection.in_atomic_block and not _has_failed(connection):
            connection.needs_rollback = True
        raise


def _has_failed(connection: Any) -> bool:
    """Has the database itself ended the transaction, or taken all back?"""
    if connection.vendor == "sqlite":
        return True
    driver = getattr(connection.connection, "info", None)
    status = getattr(driver, "transaction_status", None)
    return getattr(status, "name", None) in ("INERROR", "UNKNOWN")
