"""Repeat a call after an error that may pass, if nothing of it can have been committed."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import timeouts
from bulkmodel.engine.commit_check import checking
from bulkmodel.engine.dialect import POSTGRESQL, SQLITE_TABLE
from bulkmodel.engine.failure import is_lost, sqlstate_of
from bulkmodel.errors import CallTimeout, CommitUnknown, PartialCommit
from bulkmodel.options import Options
from bulkmodel.transactions import in_transaction

_log = logging.getLogger("bulkmodel")
_Result = TypeVar("_Result")

# Milliseconds.  Full jitter: a pause is random, up to a limit that doubles.
_FIRST, _LONGEST, _ALL = _core.RETRY_FIRST_MS, _core.RETRY_LONGEST_MS, _core.RETRY_ALL_MS


def carry_out(
    options: Options,
    using: str,
    write: Callable[[], _Result],
    again: bool = True,
    on_retry: Callable[[int, Error], None] | None = None,
) -> _Result:
    """Call `write`, and repeat it up to `retries` times after an error that may pass.

    It is not repeated inside the caller's transaction, nor where again=False says that the rows
    cannot be read a second time.  on_retry is called before each repetition, with its number,
    which counts from 1, and the error; an exception that it raises ends the call."""
    connection = connections[using]
    check = options.commit_check
    if not options.retries and check is None:
        return write()
    most = options.retries if again and not in_transaction(connection) else 0
    until = time.monotonic() + _ALL / 1000
    limit = _FIRST / 1000
    replay = 0
    with nullcontext() if check is None else checking(check):
        while True:
            try:
                return write()
            except Error as error:
                pause = random.uniform(0, limit)
                clock = timeouts.clock_of(connection)
                late = time.monotonic() + pause > until or (clock is not None and clock.is_late)
                if replay == most or late or not _may_pass(error, connection):
                    raise
                replay += 1
                name, state = type(error).__name__, sqlstate_of(error)
                _log.warning("Retry %d of %d after %s (%s)", replay, most, name, state or "-")
                if is_lost(error):
                    connection.close()
                if on_retry is not None:
                    on_retry(replay, error)
            time.sleep(pause)
            limit = min(2 * limit, _LONGEST / 1000)


def _may_pass(error: Error, connection: BaseDatabaseWrapper) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, CommitUnknown | PartialCommit | CallTimeout):
        return False
    if connection.vendor == "sqlite":
        code = getattr(error.__cause__, "sqlite_errorcode", None)  # since Python 3.11
        if code is None:
            return "database is locked" in str(error)
        return _core.may_pass(SQLITE_TABLE.name, "", code)
    return _core.may_pass(POSTGRESQL.name, sqlstate_of(error) or "", 0) or is_lost(error)
