"""When the answer to COMMIT is lost, ask the server on another connection for the outcome."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from bulkmodel import _core
from bulkmodel.engine import timeouts
from bulkmodel.engine.dialect import POSTGRESQL

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

SECONDS = 5.0

COMMITTED = "committed"
ROLLED_BACK = "rolled back"
UNKNOWN = "unknown"


_check: ContextVar[bool | None] = ContextVar("bulkmodel_commit_check", default=None)


@contextmanager
def checking(commit_check: bool) -> Iterator[None]:
    """Set commit_check for the calls inside."""
    token = _check.set(bool(commit_check))
    try:
        yield
    finally:
        _check.reset(token)


class Transaction(NamedTuple):
    """Identifies a transaction on another connection.  `id` is None if nothing was written."""

    server: tuple[Any, ...]
    id: str | None
    backend: str


def is_wanted(several: bool) -> bool:
    """Return whether to check a lost COMMIT of this call.  several: it has several statements."""
    check = _check.get()
    return several if check is None else check


def transaction_of(connection: BaseDatabaseWrapper) -> Transaction:
    """Ask the server for the identity of the open transaction.  This bypasses Django's cursor, so
    that the query is neither logged nor counted."""
    with connection.connection.cursor() as cursor:
        cursor.execute(_core.transaction_sql(POSTGRESQL.name))
        return Transaction(_server(connection.connection), *cursor.fetchone())


def fate_of(lost: BaseDatabaseWrapper, transaction: Transaction | None) -> str:
    """Return COMMITTED, ROLLED_BACK, or UNKNOWN if the server does not answer in time."""
    clock = timeouts.clock_of(lost)
    seconds = SECONDS if clock is None else clock.left_to_ask(SECONDS)
    if transaction is None:
        return UNKNOWN
    _, id, backend = transaction
    question = _core.CommitQuestion(POSTGRESQL.name, id, backend, seconds)
    # A silent server blocks the driver.  Its daemon thread is then abandoned.
    thread = threading.Thread(target=_ask, args=(lost, transaction, question, seconds), daemon=True)
    thread.start()
    thread.join(seconds + 0.3)
    return UNKNOWN if thread.is_alive() else question.fate()


def _server(driver: Any) -> tuple[Any, ...]:
    return driver.info.host, driver.info.port


def _ask(
    lost: Any,
    transaction: Transaction,
    question: _core.CommitQuestion,
    seconds: float,
) -> None:
    until = time.monotonic() + seconds
    driver: Any = None
    while (step := question.next()) is not None:
        sql, pause = step
        time.sleep(pause)
        try:
            driver = driver or _connect(lost, until - time.monotonic())
            if _server(driver) != transaction.server:
                raise lost.Database.OperationalError("A different server answered.")
            cursor = driver.cursor()
            cursor.execute(sql)
            answer = cursor.fetchone()[0]
        except lost.Database.Error:
            reached = (
                driver is not None and not driver.closed and _server(driver) == transaction.server
            )
            if driver is not None and not reached:
                driver.close()
                driver = None
            question.failed(reached)
        else:
            question.answer(answer)
    if driver is not None:
        driver.close()


def _connect(lost: Any, seconds: float) -> Any:
    """Connect outside Django's pool: callers that wait for this answer may have used it up."""
    params = {**lost.get_connection_params(), "connect_timeout": max(math.ceil(seconds), 1)}
    driver = lost.Database.connect(**params)
    driver.autocommit = True
    return driver
