"""Detect lost connections and reopen them."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bulkmodel.database import Error, OperationalError, TransactionManagementError
from bulkmodel.engine import postgresql
from bulkmodel.transactions import in_transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def ensure_connected(connection: BaseDatabaseWrapper) -> None:
    """Open the connection if it is closed or was lost.  OperationalError: it was lost inside a
    transaction, whose changes are lost with it."""
    if connection.connection is not None and not _is_there(connection):
        if in_transaction(connection):
            raise OperationalError("The connection was lost inside a transaction.")
        connection.close()
    connection.ensure_connection()


def reset_connection(connection: BaseDatabaseWrapper) -> None:
    """Close the connection and open a new one.  TransactionManagementError: a transaction is open
    and would be lost."""
    if in_transaction(connection):
        raise TransactionManagementError("The connection cannot be reset inside a transaction.")
    connection.close()
    connection.ensure_connection()


@contextmanager
def usable_or_closed(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Close the connection if what happens here leaves it in the middle of a statement."""
    try:
        yield
    except BaseException as error:
        close_in_the_middle(connection, error)
        raise


def close_in_the_middle(connection: BaseDatabaseWrapper, error: BaseException) -> None:
    """Close the connection if the error left it in the middle of a statement, where it could not
    be used again.  An interrupt, an exception of a signal handler, and the end of a generator do
    that; after an error of the database the driver has read the answer to its end."""
    if not isinstance(error, Error) and _is_in_the_middle(connection):
        with suppress(Exception):
            connection.close()


def came_out_of_driver(error: BaseException) -> bool:
    """Return whether an exception that is none of the database was raised within psycopg, which
    alone can leave a statement half-way."""
    trace = None if isinstance(error, Error) else error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("psycopg."):
            return True
        trace = trace.tb_next
    return False


def _is_in_the_middle(connection: Any) -> bool:
    driver = connection.connection
    if connection.vendor != "postgresql" or driver is None or driver.closed:
        return False
    if postgresql.is_psycopg3:
        return bool(driver.pgconn.transaction_status == postgresql.ACTIVE)
    return bool(driver.get_transaction_status() == postgresql.ACTIVE)


def peer_is_there(connection: Any) -> bool:
    """Return whether the connection still looks open.  Nothing is sent."""
    driver = connection.connection
    if connection.vendor != "postgresql" or driver is None:
        return True
    return _answers(driver) if postgresql.is_psycopg3 else _is_open(driver)


def _is_there(connection: Any) -> bool:
    if connection.vendor == "postgresql" and postgresql.is_psycopg3:
        return _answers(connection.connection)
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        return _is_open(connection.connection)  # a failed transaction refuses queries
    return bool(connection.is_usable())


def _is_open(driver: Any) -> bool:
    """Return whether neither side has closed a psycopg2 connection."""
    if driver.closed:
        return False
    poll = select.poll()
    poll.register(driver.fileno(), getattr(select, "POLLRDHUP", 0))
    return not poll.poll(0)


def _answers(driver: Any) -> bool:
    """Return whether a psycopg connection is alive, without a query.  A server that shuts down
    sends FATAL and closes the socket, and both can be read here."""
    poll = select.poll()
    try:
        poll.register(driver.fileno(), select.POLLIN)
        if not poll.poll(0):
            return True
    except Exception:  # it is closed
        return False
    last_words = []

    def hear(notice: Any) -> None:
        if notice.severity_nonlocalized in ("FATAL", "PANIC"):
            last_words.append(notice)

    driver.add_notice_handler(hear)
    try:
        while not (last_words or driver.closed):
            driver.pgconn.consume_input()
            driver.pgconn.is_busy()  # reads what has arrived; an error outside a query is a notice
            poll.register(driver.fileno(), select.POLLIN)
            if not poll.poll(0):
                return not last_words
    except Exception:  # the connection has ended
        return False
    finally:
        driver.remove_notice_handler(hear)
    return False
