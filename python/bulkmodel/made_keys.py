"""Keys that PostgreSQL makes, each given to its own row: what RETURNING lists has no order.

Few rows are written without a question to the catalog.  The statement itself makes sure that the
table's own sequence gives rising keys, and that no trigger changes them; else it writes nothing,
and the catalog is asked after all.  What a table needs is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, models, transaction

from bulkmodel import _core, postgresql
from bulkmodel.atomic import one_transaction

ASKED, PROVED, MADE, EACH = range(4)  # bm__keys_by: the catalog was asked, or the way to take

# Models and aliases of which the catalog is asked.
asked: set[tuple[type[models.Model], str]] = set()


def way_of(place: Any, catalog: _core.Catalog | None, keyed: bool = False) -> int:
    """How the keys of a job are made."""
    if place.dialect != "postgresql":
        return ASKED
    if catalog is not None:
        return MADE if catalog.triggers() and not keyed else ASKED
    return MADE if (place.model, place.using) in asked and not keyed else PROVED


def run_surely(
    place: Any, jobs: list[_core.Job], i: int, run: Callable[[_core.Job], None], keyed: bool
) -> None:
    """Run jobs[i]; where its keys cannot be told it wrote nothing, and another takes its place."""
    way = jobs[i].keys_by()
    if way == PROVED:
        try:
            run(jobs[i])
            return
        except _core.Unproved:
            way = EACH if keyed else MADE
    with one_transaction(place.using):
        if way == MADE:
            asked.add((place.model, place.using))
            job = _asked(place, jobs[i])
            if job is not None:
                jobs[i] = job
                if _is_made(place.using, job, run):
                    return
        jobs[i] = jobs[i].again(EACH, None)
        run(jobs[i])


def _asked(place: Any, job: _core.Job) -> _core.Job | None:
    """The same with what the catalog says of the key; None: its column is of another kind."""
    if job.knows_table():
        return job
    try:
        return job.again(MADE, postgresql.ask(place.description.table, place.connection))
    except _core.Unfit:
        return None


def _is_made(using: str, job: _core.Job, run: Callable[[_core.Job], None]) -> bool:
    """Run it; False, with nothing written, where a trigger changes keys or drops rows."""
    try:
        with transaction.atomic(using=using):
            run(job)
    except (AssertionError, DatabaseError) as error:
        if not isinstance(error.__cause__, _core.Miscounted):
            raise
        return False
    return True
