"""Decide whether the engine supports a connection, and log which calls fall back to Django."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import django
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import database
from bulkmodel.engine import mariadb, mariadb_updates, sqlite
from bulkmodel.engine.dialect import (
    MARIADB,
    MARIADB_INSERTS,
    POSTGRESQL,
    SQLITE_ROWS,
    SQLITE_TABLE,
    Dialect,
)

if not database.has_django:
    raise ImportError(
        "bulkmodel.attach() was called before Django was imported: import Django first."
    )

KNOWN_DJANGO = {(5, 2), (6, 0), (6, 1)}
_ADAPTERS = (
    "adapt_datefield_value",
    "adapt_datetimefield_value",
    "adapt_timefield_value",
    "adapt_decimalfield_value",
    "adapt_integerfield_value",
    "adapt_unknown_value",
)


def why_not(connection: BaseDatabaseWrapper, may_ask: bool = True) -> str | None:
    """Return why the engine cannot use this connection, or None if it can.  may_ask: a server may
    be asked what it is, once a connection, where its name does not tell (MySQL or MariaDB)."""
    ops: Any = type(connection.ops)
    why = _why_not(connection.vendor, ops)
    if connection.vendor == "mysql":
        return mariadb.why_not(connection) if why is None and may_ask else why
    if why is None and not connection.features.can_return_rows_from_bulk_insert:
        return "SQLite is older than 3.35"
    return why


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect | None:
    """Return the dialect of this connection, or None if the engine cannot use it."""
    if why_not(connection) is not None:
        return None
    if connection.vendor == "postgresql":
        return POSTGRESQL
    if connection.vendor == "mysql":
        return MARIADB if mariadb_updates.may_update(connection) else MARIADB_INSERTS
    return SQLITE_ROWS if sqlite.source_of(connection) is None else SQLITE_TABLE


@lru_cache(maxsize=64)
def _why_not(vendor: str, ops: type[Any]) -> str | None:
    own: type[Any]
    if django.VERSION[:2] not in KNOWN_DJANGO:
        return f"Django {django.get_version()} is not supported"
    if vendor == "postgresql":
        from django.db.backends.postgresql.operations import DatabaseOperations as own
    elif vendor == "sqlite":
        from django.db.backends.sqlite3.operations import DatabaseOperations as own
    elif vendor == "mysql":
        from django.db.backends.mysql.operations import DatabaseOperations as own
    else:
        return f"there is no engine for {vendor}"
    is_known = all(getattr(ops, name, None) is getattr(own, name, None) for name in _ADAPTERS)
    return None if is_known else "its backend adapts values in a way of its own"


_log = logging.getLogger("bulkmodel")


class Fallback(Exception):
    """Django's own implementation does the call.  The message gives the reason."""


class falls_back:
    """Log whether the block succeeded or raised Fallback.  The code after it then uses Django.

    It is a class because each call enters it, and a generator's context costs more."""

    __slots__ = ("model", "verb")

    def __init__(self, verb: str, model: type[models.Model]) -> None:
        self.verb = verb
        self.model = model

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, why: object, trace: object) -> bool:
        if isinstance(why, Fallback):
            _log.debug("%s of %s uses Django: %s", self.verb, self.model._meta.label, why)
            return True
        if kind is None and _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s of %s uses the engine", self.verb, self.model._meta.label)
        return False
