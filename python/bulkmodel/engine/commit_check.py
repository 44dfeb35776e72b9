"""A COMMIT whose answer is lost: the server is asked on another connection what became of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import timeouts

SECONDS = 5.0

COMMITTED = "committed"
ROLLED_BACK = "rolled back"
UNKNOWN = "unknown"


_check: ContextVar[bool | None] = ContextVar("bulkmodel_commit_check", default=None)


def asked_for() -> bool | None:
    """None: the call does not say."""
    return _check.get()


@contextmanager
def checking(commit_check: bool) -> Iterator[None]:
    """Set what the calls inside say."""
    token = _check.set(bool(commit_check))
    try:
        yield
    finally:
        _check.reset(token)


class Transaction(NamedTuple):
    """What another connection asks for.  `id` is None where nothing was written."""

    server: tuple[Any, ...]
    id: str | None
    backend: str


def is_wanted(several: bool) -> bool:
    """Is a COMMIT of this call asked about?  several: it is of several statements."""
    check = asked_for()
    return several if check is None else check


def transaction_of(connection: BaseDatabaseWrapper) -> Transaction:
    """The open transaction, told by the server.  The driver is asked without Django: the question
    is neither logged nor counted."""
    with connection.connection.cursor() as cursor:
        cursor.execute(_core.XACT_TOLD)
        return Transaction(_server(connection.connection), *cursor.fetchone())


def fate_of(lost: BaseDatabaseWrapper, transaction: Transaction | None) -> str:
    """COMMITTED, ROLLED_BACK or, where nobody can say in time, UNKNOWN."""
    clock = timeouts.clock_of(lost)
    seconds = SECONDS if clock is None else clock.left_to_ask(SECONDS)
    if transaction is None:
        return UNKNOWN
    _, id, backend = transaction
    question = _core.CommitQuestion(id, backend, seconds)
    # A server that says nothing blocks the driver: that thread is left behind.
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
    """Beside Django's pool, whose places may be taken by those who wait for this answer."""
    params = {**lost.get_connection_params(), "connect_timeout": max(math.ceil(seconds), 1)}
    driver = lost.Database.connect(**params)
    driver.autocommit = True
    return driver
