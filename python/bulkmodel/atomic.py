"""One call is one transaction: its own, or a part of the caller's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import django
from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import timeouts
from bulkmodel.errors import CommitUnknown

_COMMIT = inspect.unwrap(BaseDatabaseWrapper.commit).__code__
_HOOKS = inspect.unwrap(BaseDatabaseWrapper.run_and_clear_commit_hooks).__code__
# SQLSTATEs with which a server goes away: 08..., 57P01 to 57P05.
_GONE = ("08", "57P")


def is_lost(error: BaseException) -> bool:
    """Was the connection lost, rather than the transaction refused?"""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None) or getattr(error.__cause__, "pgcode", None)
    return state is None or state.startswith(_GONE)


@contextmanager
def one_transaction(using: str, undo: Callable[[], None] | None = None) -> Iterator[None]:
    """The transaction of a call.  `undo` is called where nothing of it was committed, or is known
    to be.  CommitUnknown: the connection was lost at COMMIT."""
    connection = connections[using]
    nested = connection.in_atomic_block
    own = written = False
    try:
        with transaction.atomic(using=using, savepoint=False):
            own = not nested and connection.commit_on_exit
            if own:  # may be left over from a hook that failed
                connection.run_commit_hooks_on_set_autocommit_on = False
            yield
            if own and connection.closed_in_transaction:
                raise OperationalError("The connection was closed while rows were written.")
            if own:
                timeouts.committing(connection)
            else:
                timeouts.check(connection)
            written = True
    except BaseException as error:
        if own and written and connection.run_commit_hooks_on_set_autocommit_on:
            raise  # COMMIT went well: the error is of a hook behind it
        if undo is not None:
            undo()
        server = connection.vendor != "sqlite"
        if own and written and server and is_lost(error):
            raise CommitUnknown(
                "The connection was lost at COMMIT: all rows of the call are there, or none."
            ) from error
        raise


@contextmanager
def commit_told() -> Iterator[None]:
    """Django's own transaction.  CommitUnknown: the connection was lost at COMMIT."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if is_lost(error) and _was_at_commit(error):
            raise CommitUnknown(
                "The connection was lost at COMMIT: all rows of the call are there, or none."
            ) from error
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
    if django.VERSION < (6, 0):
        with one_transaction(using, undo):
            yield
        return
    connection.ensure_connection()
    is_alone = not connection.in_atomic_block and connection.get_autocommit()
    try:
        yield
    except BaseException as error:
        undo()
        if is_alone and connection.vendor != "sqlite" and is_lost(error):
            raise CommitUnknown(
                "The connection was lost: all rows of the call are there, or none."
            ) from error
        raise
