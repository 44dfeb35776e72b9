"""Refuse to write where PostgreSQL cannot: on a standby, and in a session that is read-only."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel.engine.failure import describe
from bulkmodel.engine.postgresql import refuse_in_the_middle
from bulkmodel.errors import ReadOnlyServer

# A transaction has its own mode: what the session reports is asked again.
_QUESTION = (
    "SELECT pg_catalog.pg_is_in_recovery() WHERE"
    " pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on'"
)
_STANDBY, _READ_ONLY = b"in_hot_standby", b"default_transaction_read_only"
_ON = ("on", b"on")
_OK = 0  # CONNECTION_OK of libpq


def refuse_read_only(connection: BaseDatabaseWrapper) -> None:
    """Raise ReadOnlyServer if the server is a standby or the session is read-only."""
    if connection.vendor != "postgresql":
        return
    if connection.connection is None:
        connection.ensure_connection()
    driver: Any = connection.connection
    lock = getattr(driver, "lock", None)
    if lock is not None and lock.locked():
        refuse_in_the_middle(connection)
    pgconn = getattr(driver, "pgconn", None)
    if pgconn is None:
        standby, read_only = _reported(driver)
    elif pgconn.status == _OK:  # of psycopg 3, whose `info` takes more steps
        standby = pgconn.parameter_status(_STANDBY)
        read_only = pgconn.parameter_status(_READ_ONLY)
    else:
        return
    if standby in _ON or read_only in _ON:
        _ask(connection)
    elif standby is None:
        _ask_once(connection, driver)


def _reported(driver: Any) -> tuple[Any, Any]:
    """Return what the server has reported to psycopg2, or "off" if it cannot be known."""
    told = getattr(driver, "get_parameter_status", None)
    if told is None:
        told = getattr(getattr(driver, "info", None), "parameter_status", None)
    if told is None or driver.closed:
        return "off", "off"
    return told(_STANDBY.decode()), told(_READ_ONLY.decode())


def _ask(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION)
        row = cursor.fetchone()
    if row is None:
        return
    error = ReadOnlyServer(
        "The server is a standby, which cannot write: connect to the primary server."
        if row[0]
        else "The session is read-only: set default_transaction_read_only to off."
    )
    describe(error, None, None, None, "25006")
    raise error


def _ask_once(connection: Any, driver: Any) -> None:
    """Ask a server that reports nothing (before PostgreSQL 14, or behind a pooler) once for each of
    its connections."""
    if getattr(connection, "_bulkmodel_writes", None) is not driver:
        _ask(connection)
        connection._bulkmodel_writes = driver
