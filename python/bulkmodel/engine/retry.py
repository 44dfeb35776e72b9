"""What a call was asked for beside its rows, known below without being handed on; and the call
again where nothing of it can have been committed."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel.engine import timeouts
from bulkmodel.engine.commit_check import checking
from bulkmodel.engine.failure import is_lost, sqlstate_of
from bulkmodel.errors import CallTimeout, CommitUnknown, PartialCommit
from bulkmodel.options import Options

_log = logging.getLogger("bulkmodel")
_Result = TypeVar("_Result")

# Full jitter: any pause up to one that doubles.  Seconds.
_FIRST, _LONGEST, _ALL = 0.05, 2.0, 30.0

# Serialization failure, deadlock.
_AGAIN = ("40001", "40P01")
_SQLITE_BUSY = 5


def carry_out(
    asked: Options, using: str, write: Callable[[], _Result], again: bool = True
) -> _Result:
    """Write, and write again where that failed for a reason that may be gone and nothing of it was
    committed, `retries` times at most: never in a transaction of the caller's.  again: the rows can
    be read again."""
    connection = connections[using]
    alone = not connection.in_atomic_block and connection.get_autocommit()
    left = asked.retries if again and alone else 0
    until = time.monotonic() + _ALL
    pause = _FIRST
    check = asked.commit_check
    with nullcontext() if check is None else checking(check):
        while True:
            try:
                return write()
            except Error as error:
                wait = random.uniform(0, pause)
                clock = timeouts.clock_of(connection)
                late = time.monotonic() + wait > until or (clock is not None and clock.is_late)
                if left == 0 or late or not _may_be_gone(error, connection):
                    raise
                left -= 1
                _log.warning("Written again after: %s", type(error).__name__)
                if is_lost(error):
                    connection.close()
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST)


def _may_be_gone(error: Error, connection: BaseDatabaseWrapper) -> bool:
    """May the same succeed in a while?"""
    if isinstance(error, CommitUnknown | PartialCommit | CallTimeout):
        return False
    if connection.vendor == "sqlite":
        code = getattr(error.__cause__, "sqlite_errorcode", None)  # since Python 3.11
        return "database is locked" in str(error) if code is None else code & 255 == _SQLITE_BUSY
    return sqlstate_of(error) in _AGAIN or is_lost(error)
