"""What a database error says: its SQLSTATE, constraint and column, and the row of the statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from bulkmodel import _core
from bulkmodel.database import DatabaseError, Error, InterfaceError, OperationalError
from bulkmodel.engine import mariadb_errors

if TYPE_CHECKING:
    from django.db import models
    from django.db.backends.base.base import BaseDatabaseWrapper

# SQLSTATEs with which a server closes a connection: 08..., 57P01 to 57P05.
_CONNECTION_CLOSED = ("08", "57P")
# Python 3.10 does not report SQLite's extended result code.
_CODES = {"UNIQUE": 2067, "NOT NULL": 1299, "CHECK": 275, "FOREIGN KEY": 787}


class Facts(NamedTuple):
    """What the database reports with an error."""

    sqlstate: str | None = None
    constraint: str | None = None
    column: str | None = None
    detail: str | None = None
    routine: str | None = None  # the function of the server that failed


def facts_of(error: Error, connection: BaseDatabaseWrapper) -> Facts:
    """Return the driver's diagnostics of an error."""
    cause: Any = error.__cause__
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is not None:
        return Facts(
            sqlstate_of(error),
            diagnosis.constraint_name,
            diagnosis.column_name,
            diagnosis.message_detail,
            diagnosis.source_function,
        )
    if connection.vendor == "sqlite" and cause is not None and hasattr(_core, "sqlite_facts"):
        text = str(cause)
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            code = _CODES.get(text.partition(" constraint failed")[0], 1)
        return Facts(*_core.sqlite_facts(code, text))
    if connection.vendor == "mysql":
        return Facts(*mariadb_errors.facts_of(error))
    return Facts()


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE, or None."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return mariadb_errors.state_of(error) if state is None else str(state)


def is_of_policy(error: BaseException) -> bool:
    """Whether row-level security refuses a row: its SQLSTATE is that of a missing privilege."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis is not None and diagnosis.source_function == "ExecWithCheckOptions"


def is_lost(error: BaseException) -> bool:
    """Whether the connection was lost, rather than the transaction refused."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = sqlstate_of(error)
    return state is None or state.startswith(_CONNECTION_CLOSED)


def at_row(error: BaseException, row: int, field: str | None, sqlstate: str | None = None) -> Any:
    """Return the error with its attributes set."""
    describe(error, row, field, None, sqlstate)
    return error


def describe(
    error: BaseException,
    row: int | None,
    field: str | None,
    constraint: str | None,
    sqlstate: str | None,
) -> None:
    """Set the attributes that every error of a call has; None means unknown."""
    described: Any = error
    described.row_index = row
    described.field_name = field
    described.constraint = constraint
    described.sqlstate = sqlstate


def not_an_instance(number: int, object: Any, model: type[models.Model]) -> ValueError:
    """Return the error for an object of another class than the model."""
    name = type(object).__name__
    return ValueError(f"Object {number} is a {name}, not an instance of {model._meta.label}.")


class RowsDropped(DatabaseError):
    """The database wrote fewer or more rows than were sent."""


def check_count(written: int, sent: int, allowed_by: str = "") -> None:
    """Raise DatabaseError if the database wrote fewer or more rows than were sent.  allowed_by: the
    option of the call that allows it."""
    if written != sent:
        hint = f" (pass {allowed_by} to accept this)" if allowed_by else ""
        raise RowsDropped(
            f"the server wrote {written} of {sent} rows: a trigger or rule drops or changes rows"
            + hint
        )


# ------------------------------------------------------------- the row of a job, kept on the error


def stood_at(error: BaseException, row: int | None) -> None:
    """Keep the row of the statement at which it failed."""
    error._bulkmodel_row = row  # type: ignore[attr-defined]


def locate(error: Error, job: _core.Job) -> None:
    """Keep the job's row for which a statement failed."""
    diagnosis = getattr(error.__cause__, "diag", None)
    row = getattr(error, "_bulkmodel_row", None)
    place = job.locate(-1 if row is None else row, getattr(diagnosis, "context", None))
    error._bulkmodel_place = (job, *place)  # type: ignore[attr-defined]


def location_of(error: BaseException) -> tuple[_core.Job | None, int | None, str | None]:
    """Return the job, its row and its column that locate() or found() kept."""
    return getattr(error, "_bulkmodel_place", (None, None, None))


def is_of_job(error: Error) -> bool:
    """Whether a statement of a job failed, rather than the COMMIT after it."""
    return hasattr(error, "_bulkmodel_place")


def is_located(error: Error) -> bool:
    return location_of(error)[1] is not None


def found(error: Error, job: _core.Job, row: int) -> None:
    """Keep the job's row that a search found."""
    _, _, column = location_of(error)
    error._bulkmodel_place = (job, row, column)  # type: ignore[attr-defined]


def may_be_found(error: Error, find: Callable[[], tuple[_core.Job, int] | None]) -> None:
    """Keep the search for the row: it runs at most once, outside the transaction."""
    error._bulkmodel_find = find  # type: ignore[attr-defined]


def search_of(error: BaseException) -> Callable[[], tuple[_core.Job, int] | None] | None:
    """Return the search that may_be_found() kept."""
    return getattr(error, "_bulkmodel_find", None)
