"""What went wrong, and in which row: Django's exceptions with attributes, and two of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, Error, OperationalError, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core, culprit


class CallTimeout(OperationalError):
    """The call's timeout passed: nothing was written, or what was written is rolled back.  A
    connection that did not answer was closed."""


class CommitUnknown(OperationalError):
    """The connection was lost while COMMIT was under way: all rows are in the table, or none."""


@dataclass(frozen=True)
class Part:
    """Input rows that have one fate."""

    state: str  # "committed", "rolled back" or "unknown"
    rows: Sequence[range]  # of the caller's sequence, numbered from 0


class PartialCommit(OperationalError):
    """Of several connections some committed and some did not; `parts` says which input rows."""

    def __init__(self, message: str, parts: Sequence[Part] = ()) -> None:
        super().__init__(message)
        self.parts = tuple(parts)


@dataclass(frozen=True)
class Call:
    """What an error may be about."""

    model: type[models.Model]
    connection: BaseDatabaseWrapper
    objects: Sequence[Any] = ()
    fields: Sequence[Any] | None = None  # that are written; None: all
    places: Sequence[int] | None = None  # of the objects in the caller's sequence; None: the same
    # Which of the objects a job's row is; None: they are the same.
    row_of: Callable[[_core.Job, int], int] | None = None


def stood_at(error: BaseException, row: int | None) -> None:
    """Keep the statement's row at which it failed."""
    error._bulkmodel_row = row  # type: ignore[attr-defined]


def locate(error: Error, job: _core.Job) -> None:
    """Keep which row of the job a statement failed for."""
    diagnosis = getattr(error.__cause__, "diag", None)
    row = getattr(error, "_bulkmodel_row", None)
    place = job.locate(-1 if row is None else row, getattr(diagnosis, "context", None))
    error._bulkmodel_place = (job, *place)  # type: ignore[attr-defined]


def is_of_job(error: Error) -> bool:
    """Did a statement of a job fail, rather than the COMMIT after it?"""
    return hasattr(error, "_bulkmodel_place")


def is_located(error: Error) -> bool:
    place = getattr(error, "_bulkmodel_place", None)
    return place is not None and place[1] is not None


def found(error: Error, job: _core.Job, row: int) -> None:
    """Keep the row of the job, found by a search."""
    _, _, column = error._bulkmodel_place  # type: ignore[attr-defined]
    error._bulkmodel_place = (job, row, column)  # type: ignore[attr-defined]


def may_be_found(error: Error, find: Callable[[], tuple[_core.Job, int] | None]) -> None:
    """Keep how the row is found where nothing else tells it: once, outside of the transaction."""
    error._bulkmodel_find = find  # type: ignore[attr-defined]


def annotate(error: BaseException, call: Call) -> None:
    """Give an error the attributes row_index, field_name, constraint and sqlstate: None where
    unknown.  Errors that are neither the database's nor about a value stay as they are."""
    if hasattr(error, "row_index"):
        return
    if isinstance(error, Error):
        known = culprit.of_database(error, call.connection)
    elif culprit.is_about_value(error):
        known = culprit.Facts()
    else:
        return
    if culprit.has_run_out(error, known, call.model, call.connection, call.objects):
        key = call.model._meta.pk
        _set(
            error,
            None,
            key.name if isinstance(key, models.AutoField) else None,
            None,
            known.sqlstate,
        )
        return
    job, row, column = getattr(error, "_bulkmodel_place", (None, None, None))
    field = culprit.field_of(call.model, known.column or column)
    if row is not None and job is not None and call.row_of is not None:
        row = call.row_of(job, row)
    if row is None or field is None:
        found, named = _search(error, known, call)
        row = found if row is None else row
        field = field or (named if found == row else None)
    if row is None:
        row = _found_again(error, call)
    if row is not None and call.places is not None:
        row = call.places[row]
    _set(error, row, field.name if field else None, known.constraint, known.sqlstate)


def _found_again(error: BaseException, call: Call) -> int | None:
    find = getattr(error, "_bulkmodel_find", None)
    found = find() if find is not None else None
    if found is None or call.row_of is None:
        return found[1] if found is not None else None
    return call.row_of(*found)


def _search(error: BaseException, known: culprit.Facts, call: Call) -> culprit.Found:
    """Values may be of the caller's own classes: what they raise now is not the error."""
    search = culprit.Search(call.model, call.connection, call.objects, call.fields)
    try:
        return search.culprit(error, known)
    except Exception:
        return culprit.NOTHING


def _set(
    error: BaseException,
    row: int | None,
    field: str | None,
    constraint: str | None,
    sqlstate: str | None,
) -> None:
    noted: Any = error
    noted.row_index = row
    noted.field_name = field
    noted.constraint = constraint
    noted.sqlstate = sqlstate


def at_row(error: BaseException, row: int, field: str | None, sqlstate: str | None = None) -> Any:
    """The error, with its attributes."""
    _set(error, row, field, None, sqlstate)
    return error


class noted:
    """What is raised inside tells its row.  `call` is asked only then."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], Call]) -> None:
        self.call = call

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            annotate(error, self.call())


def check_count(written: int, sent: int) -> None:
    """DatabaseError where the database has not as many rows as were sent."""
    if written != sent:
        raise DatabaseError(
            f"the server wrote {written} of {sent} rows: a trigger or a rule drops or changes rows"
        )
