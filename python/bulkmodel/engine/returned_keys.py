"""Keys that PostgreSQL makes, each given to its own row: what RETURNING lists has no order.

Few rows are written without a question to the catalog.  The statement itself makes sure that the
table's own sequence gives rising keys, and that no trigger changes them; else it writes nothing,
and the catalog is asked after all.  What a table needs is remembered.

To make sure takes the server as long as ten rows do.  So what was made sure of once is remembered,
and looked at again only when keys come back that do not rise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import postgresql
from bulkmodel.engine.atomic import one_transaction

# bm__keys_by: the catalog was asked, or the way to take
ASKED, PROVED, MADE, EACH, KNOWN = range(5)

# Models and aliases of which the catalog is asked.
asked: set[tuple[type[models.Model], str]] = set()
# ... and those of which a statement made sure that their keys rise with the rows.
known: set[tuple[type[models.Model], str]] = set()


def way_of(target: Any, catalog: _core.Catalog | None, keyed: bool = False) -> int:
    """How the keys of a job are made."""
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
    """Run jobs[i]; where its keys cannot be told it wrote nothing, and another takes its place."""
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
    """DatabaseError where keys no longer rise with the rows: the table was altered since."""
    with postgresql.cursor_of(connection) as cursor:
        cursor.execute(job.proof())
        if cursor.fetchone() == (True,):
            return
    known.discard((target.model, target.using))
    raise DatabaseError(
        f"The keys of new rows of {target.model._meta.db_table} cannot be matched to objects: the "
        "table was altered while this process ran. Nothing was written. Repeat the call."
    )


def _asked(target: Any, job: _core.Job) -> _core.Job | None:
    """The same with what the catalog says of the key; None: its column is of another kind."""
    if job.knows_table():
        return job
    try:
        return job.again(MADE, postgresql.ask(target.table, target.connection))
    except _core.Unfit:
        return None


def _is_made(using: str, job: _core.Job, run: Callable[[_core.Job], None]) -> bool:
    """Run it; False, with nothing written, where a trigger changes keys or drops rows."""
    try:
        with transaction.atomic(using=using):
            run(job)
    except DatabaseError as error:
        if not isinstance(error.__cause__, _core.Miscounted):
            raise
        return False
    return True
