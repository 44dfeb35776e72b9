"""A connection of psycopg 3 or sqlite3 as the engine's steps use it."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from bulkmodel import database
from bulkmodel.database import Error, InterfaceError
from bulkmodel.engine import failure, sqlite
from bulkmodel.engine.dialect import POSTGRESQL, SQLITE_ROWS, SQLITE_TABLE, Dialect
from bulkmodel.engine.postgresql import IDLE, INERROR, refuse_in_the_middle

# From the special to the general: the first that fits.
_KINDS = (
    *("DataError", "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError"),
    *("OperationalError", "DatabaseError", "InterfaceError", "Error"),
)
_MARK = re.compile("(?<!%)%s")
_CALL = "bulkmodel_attached"


def _as_question_marks(sql: str) -> str:
    return _MARK.sub("?", sql).replace("%%", "%")


class Cursor:
    """A cursor that raises the engine's exceptions, from those of the driver."""

    def __init__(self, db: Connection, cursor: Any) -> None:
        self.db, self.cursor = db, cursor

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *what: object) -> None:
        with suppress(Exception):  # of a connection that was lost
            self.cursor.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def execute(self, sql: str, params: Any = None) -> Any:
        self.db.sent += 1
        with self.db.wrap_database_errors:
            if params is None:
                return self.cursor.execute(sql)
            return self.cursor.execute(self.db.written(sql), params)

    def select(self, sql: str, where: str | None, params: Sequence[Any], end: str = "") -> None:
        """Run a SELECT with a caller's condition, in which params have the driver's placeholders.
        The last line of the condition may be a comment."""
        self.db.sent += 1
        on_postgresql = self.db.vendor == "postgresql"
        sql = sql.replace("%", "%%") if params and on_postgresql else sql
        condition = "" if where is None else f" WHERE ({where}\n)"
        with self.db.wrap_database_errors:
            self.cursor.execute(sql + condition + end, *((params,) if params else ()))

    def executemany(self, sql: str, params: Any) -> Any:
        self.db.sent += 1
        with self.db.wrap_database_errors:
            return self.cursor.executemany(self.db.written(sql), params)

    def fetchone(self) -> Any:
        with self.db.wrap_database_errors:
            return self.cursor.fetchone()

    def fetchmany(self, size: int) -> list[Any]:
        with self.db.wrap_database_errors:
            return list(self.cursor.fetchmany(size))

    def fetchall(self) -> list[Any]:
        with self.db.wrap_database_errors:
            return list(self.cursor.fetchall())


class Connection:
    """A driver's connection.  It has what the engine's steps use of Django's connections."""

    alias = "attached"
    allow_thread_sharing = False
    in_atomic_block = True  # one call is one transaction, or a part of one

    def __init__(self, driver: Any) -> None:
        """TypeError: it is not a connection of psycopg 3 or sqlite3."""
        self.connection = driver
        self.needs_rollback = False
        self.sent = 0  # statements
        self._streams = 0
        self.features = SimpleNamespace(uses_server_side_binding=True)
        self._module: Any = _module_of(driver)
        self.vendor = "sqlite" if self._module is sqlite3 else "postgresql"
        self.wrap_database_errors = _Wrap(self._module)

    @property
    def dialect(self) -> Dialect:
        if self.vendor == "postgresql":
            return POSTGRESQL
        known: Any = self
        return SQLITE_ROWS if sqlite.source_of(known) is None else SQLITE_TABLE

    @contextmanager
    def drivers_errors(self) -> Iterator[None]:
        """Errors are the driver's, with row_index, field_name, constraint and sqlstate."""
        try:
            yield
        except Error as error:
            if not hasattr(error, "row_index"):
                known: Any = self
                facts = failure.facts_of(error, known)
                failure.describe(error, None, facts.column, facts.constraint, facts.sqlstate)
            cause: Any = self._of_driver(error)
            for name in ("row_index", "field_name", "constraint", "sqlstate"):
                if not hasattr(cause, name):
                    setattr(cause, name, getattr(error, name, None))
            raise cause from None

    def _of_driver(self, error: Error) -> Exception:
        """Return the driver's exception for one of ours."""
        cause: Any = error.__cause__
        if isinstance(cause, self._module.Error):
            return cause  # type: ignore[no-any-return]
        names = (kind.__name__ for kind in type(error).__mro__)
        kind = next(getattr(self._module, name) for name in names if name in _KINDS)
        made: Exception = kind(str(error))
        return made

    def written(self, sql: str) -> str:
        """Return a statement with the placeholders of the driver."""
        return _as_question_marks(sql) if self.vendor == "sqlite" else sql

    def cursor(self) -> Any:
        with self.wrap_database_errors:
            if self._module is sqlite3:
                cursor = self.connection.cursor()
                cursor.row_factory = None
            else:
                cursor = self.connection.cursor(row_factory=_tuples())
        return Cursor(self, cursor)

    def stream(self) -> Any:
        """Return a cursor that does not read all rows at once."""
        if self.vendor == "sqlite":
            return self.cursor()
        self._streams += 1
        name = f"bulkmodel_{self._streams}"
        with self.wrap_database_errors:
            held = self._is_outside() and self._commits_itself()
            cursor = self.connection.cursor(name, row_factory=_tuples(), withhold=held)
        return Cursor(self, cursor)

    def get_autocommit(self) -> bool:
        return False

    def ensure_connection(self) -> None:
        """The caller opened it."""

    def close_if_health_check_failed(self) -> None:
        """The caller looks after it."""

    def set_rollback(self, rollback: bool) -> None:
        self.needs_rollback = rollback

    # ------------------------------------------------------------------------- transactions

    def _run(self, sql: str) -> None:
        with self.cursor() as cursor:
            cursor.execute(sql)

    def _commits_itself(self) -> bool:
        driver = self.connection
        if self.vendor == "postgresql":
            return bool(driver.autocommit)
        mode = getattr(driver, "autocommit", -1)  # Python 3.12
        return driver.isolation_level is None if mode == -1 else bool(mode)

    def _is_outside(self) -> bool:
        """Return whether no transaction is open."""
        if self.vendor == "postgresql":
            return bool(self.connection.info.transaction_status == IDLE)
        return not self.connection.in_transaction

    @contextmanager
    def call(self) -> Iterator[None]:
        """Run one call: a transaction if the connection commits by itself, else a part of the
        caller's.  After an error nothing of it is left, and the caller's transaction goes on."""
        known: Any = self
        refuse_in_the_middle(known)
        outside = self._is_outside()
        if self.vendor == "postgresql" and self.connection.info.transaction_status == INERROR:
            raise InterfaceError("The transaction has failed: roll back first.")
        own = outside and self._commits_itself()
        if outside and (own or self.vendor == "sqlite"):
            self._run("BEGIN")
        try:
            with self.bulkmodel_atomic():
                yield
            if own:
                self._run("COMMIT")
        except BaseException:
            if outside and not self._is_outside():
                with suppress(Exception):  # the first error is the one to report
                    self._run("ROLLBACK")
            raise

    @contextmanager
    def bulkmodel_atomic(self) -> Iterator[None]:
        """A savepoint."""
        before, self.needs_rollback = self.needs_rollback, False
        self._run(f"SAVEPOINT {_CALL}")
        try:
            yield
        except BaseException:
            with suppress(Error):  # of a connection that was lost
                self._run(f"ROLLBACK TO SAVEPOINT {_CALL}")
                self._run(f"RELEASE SAVEPOINT {_CALL}")
            raise
        else:
            if self.needs_rollback:
                self._run(f"ROLLBACK TO SAVEPOINT {_CALL}")
            self._run(f"RELEASE SAVEPOINT {_CALL}")
        finally:
            self.needs_rollback = before


def _tuples() -> Any:
    from psycopg.rows import tuple_row

    return tuple_row


def _module_of(driver: Any) -> Any:
    if isinstance(driver, sqlite3.Connection):
        return sqlite3
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(driver, psycopg.Connection):
        return psycopg
    kind = type(driver)
    raise TypeError(
        "attach() needs a connection of psycopg 3 or sqlite3, not a"
        f" {kind.__module__}.{kind.__qualname__}"
    )


class _Wrap:
    """Raises the engine's exceptions from those of a driver."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None or not issubclass(kind, self._module.Error):
            return
        for name in _KINDS:
            if issubclass(kind, getattr(self._module, name)):
                raise getattr(database, name)(*error.args).with_traceback(trace) from error


def quoted(names: Sequence[str]) -> str:
    """Return the parts of a name, quoted."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)
