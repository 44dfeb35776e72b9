"""Which engine a connection has, and how its steps are performed: by Django's own cursor on
Django's own connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import django
from django.db import DatabaseError, Error
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, errors, postgresql, sqlite, timeouts
from bulkmodel.statements import Condition, Reading, Step, nothing

KNOWN_DJANGO = {(5, 2), (6, 0), (6, 1)}
_ADAPTERS = (
    "adapt_datefield_value",
    "adapt_datetimefield_value",
    "adapt_timefield_value",
    "adapt_decimalfield_value",
    "adapt_integerfield_value",
    "adapt_unknown_value",
)


def why_not(connection: BaseDatabaseWrapper) -> str | None:
    """Why this connection has no engine; None: it has one.  Asks nothing of the database."""
    ops: Any = type(connection.ops)
    why = _why_not(connection.vendor, ops)
    if why is None and not connection.features.can_return_rows_from_bulk_insert:
        return "this SQLite is older than 3.35"
    return why


def dialect_of(connection: BaseDatabaseWrapper) -> str | None:
    """The engine's name for this connection; None: Django's way."""
    if why_not(connection) is not None:
        return None
    if connection.vendor == "postgresql":
        return connection.vendor
    return "sqlite-table" if sqlite.source_of(connection) is not None else "sqlite-rows"


@lru_cache(maxsize=64)
def _why_not(vendor: str, ops: type[Any]) -> str | None:
    own: type[Any]
    if django.VERSION[:2] not in KNOWN_DJANGO:
        return f"this Django ({django.get_version()}) is not known"
    if vendor == "postgresql":
        if not postgresql.is_psycopg3:
            return "the driver is psycopg2: the engine speaks through psycopg 3"
        from django.db.backends.postgresql.operations import DatabaseOperations as own
    elif vendor == "sqlite":
        from django.db.backends.sqlite3.operations import DatabaseOperations as own
    else:
        return f"there is none for {vendor}"
    is_known = all(getattr(ops, name, None) is getattr(own, name, None) for name in _ADAPTERS)
    return None if is_known else "its backend adapts values in its own way"


def run(
    job: _core.Job,
    connection: BaseDatabaseWrapper,
    condition: Condition,
    beside: Callable[[], None] = nothing,
) -> None:
    """Perform a job, and `beside` as often as the database can be left to itself.  What the
    database refuses is raised as Django raises it."""
    on_postgresql = connection.vendor == "postgresql"
    perform: dict[str, Any] = postgresql.PERFORM if on_postgresql else sqlite.PERFORM
    with postgresql.cursor_of(connection) if on_postgresql else connection.cursor() as cursor:
        try:
            while (step := job.next()) is not None:
                timeouts.check(connection)
                count, rows = perform[step[0]](cursor, job, Step(*step, beside), condition)
                job.answer(count, rows)
        except Error as error:
            errors.locate(error, job)
            raise
        except _core.Miscounted as error:
            if isinstance(condition, Reading) and step is not None and not step[4]:
                return  # nor does Django count the rows that came with keys
            raise AssertionError(str(error)) from error  # as Django's bulk_create, which counts
        except _core.Unproved:
            raise
        except _core.EngineError as error:
            raise DatabaseError(str(error)) from error
