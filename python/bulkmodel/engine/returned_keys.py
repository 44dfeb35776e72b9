"""Match keys that PostgreSQL generates to their rows: RETURNING has no guaranteed order.

A small batch is written without reading the catalog.  The statement itself checks that the table's
sequence gives ascending keys and that no trigger changes them.  Otherwise it writes nothing, and
the catalog is read.

The check takes the server as long as ten rows.  So its result is remembered for each table, and
repeated only if the returned keys do not ascend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import postgresql
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.statements import ASKED, EACH, KNOWN, MADE, PROVED
from bulkmodel.transactions import in_transaction

# Models and aliases whose catalog must be read.
asked: set[tuple[type[models.Model], str]] = set()
# Models and aliases for which a statement has checked that keys ascend with the rows.
known: set[tuple[type[models.Model], str]] = set()


def way_of(target: Any, catalog: _core.Catalog | None, keyed: bool = False) -> int:
    """Return how the keys of a job are matched to its rows."""
    if not target.dialect.has_catalog:
        return ASKED
    if catalog is not None:
        return MADE if catalog.triggers() and not keyed else ASKED
    table = (target.model, target.using)
    if keyed:
        return PROVED
    return MADE if table in asked else KNOWN if table in known else PROVED


def run_surely(
    target: Any,
    jobs: list[_core.Job],
    i: int,
    run: Callable[[_core.Job], None],
    keyed: bool,
    connection: BaseDatabaseWrapper,
) -> None:
    """Run jobs[i].  If its keys cannot be matched it writes nothing, and is replaced."""
    way = jobs[i].keys_by()
    if way == KNOWN:
        run(jobs[i])
        if jobs[i].unsorted():
            _make_sure(target, jobs[i], connection)
        return
    if way == PROVED:
        try:
            run(jobs[i])
        except _core.Unproved:
            way = EACH if keyed else MADE
        else:
            if jobs[i].proof() is not None:
                known.add((target.model, target.using))
            return
    with one_transaction(target.using):
        if way == MADE:
            asked.add((target.model, target.using))
            job = _asked(target, jobs[i])
            if job is not None:
                jobs[i] = job
                if _is_made(target.using, job, run):
                    return
        jobs[i] = jobs[i].again(EACH, None)
        run(jobs[i])


def _make_sure(target: Any, job: _core.Job, connection: BaseDatabaseWrapper) -> None:
    """Raise DatabaseError if keys no longer ascend with the rows: the table was altered.  It says
    whether the rows are in the table."""
    with postgresql.cursor_of(connection) as cursor:
        cursor.execute(job.proof())
        if cursor.fetchone() == (True,):
            return
    known.discard((target.model, target.using))
    where = _NOT_WRITTEN if in_transaction(connection) else _WRITTEN
    raise DatabaseError(
        f"The keys of new rows of {target.model._meta.db_table} cannot be matched to objects: the "
        f"table was altered while this process ran. {where}"
    )


# A statement that is its own transaction (one_statement(), since Django 6.0) is committed.
_WRITTEN = "All rows were written. Do not repeat the call: read the rows for their keys."
_NOT_WRITTEN = "Nothing was written. Repeat the call."


def _asked(target: Any, job: _core.Job) -> _core.Job | None:
    """Return the job with the catalog's facts about the key, or None if its type is unsuitable."""
    if job.knows_table():
        return job
    try:
        return job.again(MADE, postgresql.ask(target.table, target.connection))
    except _core.Unfit:
        return None


def _is_made(using: str, job: _core.Job, run: Callable[[_core.Job], None]) -> bool:
    """Run the job.  Return False, with nothing written, if a trigger changes keys or drops rows."""
    try:
        with transaction.atomic(using=using):
            run(job)
    except DatabaseError as error:
        if not isinstance(error.__cause__, _core.Miscounted):
            raise
        return False
    return True
