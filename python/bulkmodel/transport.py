"""Which engine a connection has, and how its steps are performed: by Django's own cursor on
Django's own connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import django
from django.db import DatabaseError, Error
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, errors, locate_row, postgresql, sqlite, timeouts
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


def _cursor_of(connection: Any) -> Any:
    on_postgresql = connection.vendor == "postgresql"
    return postgresql.cursor_of(connection) if on_postgresql else connection.cursor()


def _performer(
    cursor: Any, condition: Condition, beside: Callable[[], None] = nothing
) -> locate_row.Perform:
    on_postgresql = cursor.db.vendor == "postgresql"
    performs: dict[str, Any] = postgresql.PERFORM if on_postgresql else sqlite.PERFORM

    def perform(job: _core.Job, step: locate_row.Next) -> tuple[int, list[Any]]:
        timeouts.check(cursor.db)
        if step[0] == "plain":
            cursor.execute(step[1])
            return 0, []
        count, rows = performs[step[0]](cursor, job, Step(*step, beside), condition)
        return count, rows

    return perform


def _locate(
    error: Error, job: _core.Job, connection: BaseDatabaseWrapper, perform: locate_row.Perform
) -> None:
    """Find the row where the transaction goes on after an error: what was written is there."""
    if errors.is_located(error):
        return
    with locate_row.rolled_back(connection.alias):
        found = locate_row.search(error, [job], connection, perform, in_place=True)
    if found is not None:
        errors.found(error, *found)


def search(
    error: Error,
    jobs: list[_core.Job],
    connection: BaseDatabaseWrapper,
    condition: Condition,
    alone: bool,
) -> tuple[_core.Job, int] | None:
    """The job, and its row, for which the database refuses to write these jobs.  `alone`: the
    statement that failed was a transaction of its own, at whose end deferred constraints are
    checked."""
    if isinstance(condition, Reading):
        condition = Reading()  # what the search reads is not the caller's
    with _cursor_of(connection) as cursor:
        perform = _performer(cursor, condition)
        deferred = alone or not errors.is_of_job(error)
        return locate_row.search(error, jobs, connection, perform, deferred)


def run(
    job: _core.Job,
    connection: BaseDatabaseWrapper,
    condition: Condition,
    beside: Callable[[], None] = nothing,
) -> None:
    """Perform a job, and `beside` as often as the database can be left to itself.  What the
    database refuses is raised as Django raises it."""
    with _cursor_of(connection) as cursor:
        perform = _performer(cursor, condition, beside)
        try:
            while (step := job.next()) is not None:
                job.answer(*perform(job, step))
        except Error as error:
            errors.locate(error, job)
            if connection.vendor == "sqlite" and isinstance(error, locate_row.OF_A_ROW):
                _locate(error, job, connection, perform)
            raise
        except _core.Miscounted as error:
            if isinstance(condition, Reading) and step is not None and not step[4]:
                return  # nor does Django count the rows that came with keys
            raise DatabaseError(str(error)) from error
        except _core.Unproved:
            raise
        except _core.EngineError as error:
            raise DatabaseError(str(error)) from error
