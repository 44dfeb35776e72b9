"""Steps on MariaDB: rows are literals in the text of an INSERT, because its drivers bind nothing.

Keys are matched to rows by values that the statement also returns.  No page promises an order of
RETURNING, and keys that are computed from the first one belong to other rows when sessions insert
at the same time.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bulkmodel import _core
from bulkmodel.database import DatabaseError, Error, atomic
from bulkmodel.engine import failure, mariadb_errors
from bulkmodel.engine.statements import SMALL, Condition, Reading, Step, result
from bulkmodel.transactions import in_transaction

_SAVEPOINT = "bulkmodel_part"

# Bytes of a statement beside its rows, and the most that one has: the server keeps it whole.
_BESIDE = 16_384
_LONGEST = 8 * 1024 * 1024


@dataclass
class _Server:
    """What is known of the server of one driver's connection."""

    is_strict: bool
    longest: int  # bytes of the rows of a statement
    triggers: dict[str, bool] = field(default_factory=dict)  # tables whose rows one may change
    has_temporary: bool | None = None  # it may make temporary tables; None: not tried


def why_not(connection: Any) -> str | None:
    """Return why the engine cannot use this connection, or None.  It asks the server once."""
    if not connection.mysql_is_mariadb:
        return "there is no engine for MySQL"
    if not connection.features.can_return_rows_from_bulk_insert:
        return "MariaDB is older than 10.5"
    if not connection.features.supports_transactions:
        return "its default storage engine has no transactions"
    if not server_of(connection).is_strict:
        return "its sql_mode is not strict"
    return None


def server_of(connection: Any) -> _Server:
    connection.ensure_connection()
    known = vars(connection).get("_bulkmodel_mariadb")
    if known is None or known[0] is not connection.connection:
        ((modes, longest),) = _ask(connection, "SELECT @@sql_mode, @@max_allowed_packet", ())
        is_strict = any(mode.startswith("STRICT_") for mode in str(modes).split(","))
        known = connection.connection, _Server(is_strict, min(int(longest) // 2, _LONGEST))
        connection._bulkmodel_mariadb = known
    server: _Server = known[1]
    return server


def column_of_key(connection: Any, table: str, key: str) -> str | None:
    """Return the column of a unique key that has only one, after an error that names the key.
    None: it is not known, or the database is another."""
    if connection.vendor != "mysql":
        return None
    sql = (
        "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()"
        " AND TABLE_NAME = %s AND INDEX_NAME = %s"
    )
    try:
        rows = _ask(connection, sql, (table, key))
    except Exception:  # the caller needs the original error
        return None
    return str(rows[0][0]) if len(rows) == 1 else None


def _ask(connection: Any, sql: str, params: tuple[Any, ...]) -> Any:
    """Run a query of our own, which is neither logged nor counted."""
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def tell(connection: Any, sql: str) -> None:
    """Run a statement of our own, which is neither logged nor counted."""
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(sql)


def longest_rows(connection: Any, beside: str) -> int:
    """Return how many bytes of rows a statement takes beside this text."""
    return max(server_of(connection).longest - _BESIDE - len(beside), 1)


def deletes_each(connection: Any, table: str, n: int, delete: Callable[[], int]) -> bool:
    """Delete n rows by their keys, and return whether all were there: then nobody needs to read
    which.  Else none is deleted: few rows, or another database."""
    if n <= SMALL or connection.vendor != "mysql" or not connection.in_atomic_block:
        return False
    if not _is_undone(connection, table):
        return False
    tell(connection, f"SAVEPOINT {_SAVEPOINT}")
    done = delete() == n
    tell(connection, f"{'RELEASE' if done else 'ROLLBACK TO'} SAVEPOINT {_SAVEPOINT}")
    return done


def _is_undone(connection: Any, table: str) -> bool:
    """Return whether a rollback gives back the table's rows."""
    sql = (
        "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        " AND TABLE_NAME = %s"
    )
    return [tuple(row) for row in _ask(connection, sql, (table,))] == [("InnoDB",)]


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


_INSERT = re.compile(
    r"(INSERT (?:IGNORE )?INTO `((?:[^`]|``)+)` (?:[^`]|`(?:[^`]|``)*`)*? VALUES )"
    r"\(v\.`(?:[^`]|``)*`(?:, v\.`(?:[^`]|``)*`)*\)((?: RETURNING .*)?)",
    re.DOTALL,
)


@lru_cache(maxsize=512)
def _parts(sql: str) -> tuple[str, str, str]:
    """Return the INSERT before its rows, its table, and what follows the rows."""
    found = _INSERT.fullmatch(sql)
    if found is None:
        raise DatabaseError("The engine made a statement that MariaDB does not run.")
    return found[1], found[2].replace("``", "`"), found[3]


def insert_rows(
    cursor: Any, job: _core.Job, step: Step, condition: Condition
) -> tuple[int, list[Any]]:
    """Run INSERTs below max_allowed_packet."""
    head, table, tail = _parts(step.sql)
    longest = longest_rows(cursor.db, step.sql)
    text, n = job.values(0, longest)
    keys = _Keys(cursor, job, table, condition) if step.wants_rows else None
    written, answers = 0, []
    with atomic(cursor.db) if n < step.n else nullcontext():
        first = 0
        while True:
            insert = _Insert(cursor, job, head, text, tail, first, n)
            if keys is not None and n > 1:
                rows = keys.write(insert)
                written += len(rows)
                answers += rows
            else:
                insert.run()
                count, rows = result(cursor, step.wants_rows, condition)
                written += count
                answers += rows
            first += n
            if first == step.n:
                return written, answers
            text, n = job.values(first, longest)


@dataclass
class _Insert:
    """One INSERT of n rows of a step."""

    cursor: Any
    job: _core.Job
    head: str
    text: str
    tail: str
    first: int
    n: int

    def run(self, also: str = "") -> None:
        try:
            self.cursor.execute(f"{self.head}{self.text}{self.tail}{also}", None)
        except Error as error:
            row = 0 if self.n == 1 else mariadb_errors.row_of(error)
            if row is not None and row < self.n:
                failure.stood_at(error, self.first + row)
            raise

    def rows(self) -> list[_Insert]:
        """Return an INSERT for each row."""
        return [
            _Insert(self.cursor, self.job, self.head, text, self.tail, row, 1)
            for row in range(self.first, self.first + self.n)
            for text, _ in (self.job.values(row, 0),)
        ]


# Types whose values come back as they were sent, whatever the column is.
_SURE = ("bool", "int2", "int4", "int8", "interval", "uuid")
_LAST = ("json", "jsonb", "bytea")  # they may be long
_READ: dict[str, Callable[[Any], Any]] = {
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timestamp": datetime.datetime.fromisoformat,
    "timestamptz": datetime.datetime.fromisoformat,
    "numeric": Decimal,
}


class _Column:
    """A column whose values tell rows from each other."""

    def __init__(self, number: int, name: str, kind: str) -> None:
        self.number = number
        self.name = quoted(name)
        self.kind = kind
        self.rank = 0 if kind in _SURE else 2 if kind in _LAST else 1

    def sent(self, insert: _Insert) -> list[Any]:
        """Return the values as the server returns them."""
        values = insert.job.cells(self.number, insert.first, insert.n)
        read = _READ.get(self.kind)
        return values if read is None else [None if v is None else read(v) for v in values]

    def returned(self, value: Any) -> Any:
        if self.kind == "uuid" and isinstance(value, str):
            return value.replace("-", "")
        return value


class _Unmatched(Exception):
    """Other values came back than were sent."""


class _Keys:
    """Inserts rows and returns what the INSERT returns for each, in the order of the rows."""

    def __init__(self, cursor: Any, job: _core.Job, table: str, condition: Condition) -> None:
        self.cursor = cursor
        self.connection = cursor.db
        self.table = table
        self.condition = condition
        self.columns = sorted(
            (_Column(i, name, kind) for i, name, kind in job.columns() if name is not None),
            key=lambda column: column.rank,
        )

    def write(self, insert: _Insert) -> list[Any]:
        if self._may_be_changed():
            return self._each(insert)
        chosen, sent = self._distinct(insert)
        if all(column.rank == 0 for column in chosen):
            try:
                return self._matched(insert, chosen, sent)
            except _Unmatched:
                raise DatabaseError(self._why()) from None
        try:
            with self._undone():
                return self._matched(insert, chosen, sent)
        except _Unmatched:  # a column rounds, or is not text as Unicode has it
            return self._each(insert)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Undo the INSERTs if one fails or its rows are not matched.  Inside a transaction Django
        does not count the statements of the savepoint: its own call has none."""
        if not self.connection.in_atomic_block:
            with atomic(self.connection):
                yield
            return
        tell(self.connection, f"SAVEPOINT {_SAVEPOINT}")
        try:
            yield
        except _Unmatched:
            tell(self.connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise
        except BaseException:
            with suppress(Error):  # a deadlock has rolled back the transaction
                tell(self.connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise
        tell(self.connection, f"RELEASE SAVEPOINT {_SAVEPOINT}")

    def _why(self) -> str:
        what = "All rows were written. Do not repeat the call: read the rows for their keys."
        if in_transaction(self.connection):
            what = "Nothing was written."
        return (
            f"The keys of new rows of {self.table} cannot be matched to objects: the server stored"
            f" other values than were sent. {what}"
        )

    def _may_be_changed(self) -> bool:
        """Return whether a trigger may change the values of new rows."""
        triggers = server_of(self.connection).triggers
        if self.table not in triggers:
            sql = (
                "SELECT 1 FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE()"
                " AND EVENT_OBJECT_TABLE = %s AND EVENT_MANIPULATION = 'INSERT'"
                " AND ACTION_TIMING = 'BEFORE' LIMIT 1"
            )
            triggers[self.table] = bool(_ask(self.connection, sql, (self.table,)))
        return triggers[self.table]

    def _each(self, insert: _Insert) -> list[Any]:
        answers: list[Any] = []
        with self._undone():
            for one in insert.rows():
                one.run()
                answers += result(self.cursor, True, self.condition)[1]
        return answers

    def _distinct(self, insert: _Insert) -> tuple[list[_Column], list[Any]]:
        """Return columns that tell the rows apart, and what is sent for each row.  Rows that are
        equal even so are equal in all columns: any of their keys is right."""
        chosen: list[_Column] = []
        sent: list[Any] = [()] * insert.n
        kinds = 1
        for column in self.columns:
            values = column.sent(insert)
            if len(set(values)) == insert.n:
                return [column], [((), value) for value in values]
            merged = list(zip(sent, values))
            if len(set(merged)) > kinds:
                chosen.append(column)
                sent, kinds = merged, len(set(merged))
            if kinds == insert.n:
                break
        return chosen, sent

    def _matched(self, insert: _Insert, chosen: list[_Column], sent: list[Any]) -> list[Any]:
        insert.run("".join(f", {column.name}" for column in chosen))
        found: dict[Any, list[Any]] = {}
        width = len(chosen)
        for row in self.cursor.fetchall():
            value: Any = ()
            for column, cell in zip(chosen, row[len(row) - width :]):
                value = value, column.returned(cell)
            found.setdefault(value, []).append(row[: len(row) - width])
        rows = []
        for value in sent:
            if not found.get(value):
                raise _Unmatched
            rows.append(found[value].pop())
        if any(found.values()):
            raise _Unmatched
        return self.condition.take(rows, True) if isinstance(self.condition, Reading) else rows
