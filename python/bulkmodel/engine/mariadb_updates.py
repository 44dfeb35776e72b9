"""Updates on MariaDB: rows go as literals into a temporary table, which the UPDATE joins.

Its columns have the names and types of the table's, so a value is converted once and an error says
what the same INSERT into the table itself would say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bulkmodel import _core
from bulkmodel.database import DatabaseError, Error
from bulkmodel.engine import failure, mariadb, mariadb_errors
from bulkmodel.engine.statements import Condition, Step, result, statement

_NAME = "bulkmodel_batch"
_TABLE = re.compile(rf"UPDATE {_NAME} AS v STRAIGHT_JOIN (`(?:[^`]|``)+`) AS t ON ")


def may_update(connection: Any) -> bool:
    """Return whether the session may make temporary tables.  It tries once a connection."""
    server = mariadb.server_of(connection)
    if server.has_temporary is None:
        try:
            mariadb.tell(connection, f"CREATE OR REPLACE TEMPORARY TABLE {_NAME} (a int)")
            mariadb.tell(connection, f"DROP TEMPORARY TABLE {_NAME}")
            server.has_temporary = True
        except DatabaseError as error:
            if failure.is_lost(error):
                raise
            server.has_temporary = False
    return server.has_temporary


def run_step(
    cursor: Any, job: _core.Job, step: Step, condition: Condition
) -> tuple[int, list[Any]]:
    """Run an INSERT of rows, or a statement that joins them."""
    if step.sql.startswith("INSERT"):
        return mariadb.insert_rows(cursor, job, step, condition)
    with _batch(cursor.db, job, step):
        cursor.execute(*statement(step.sql, "%s", condition, ()))
        return result(cursor, False)


PERFORM = {"rows": run_step}


@contextmanager
def _batch(connection: Any, job: _core.Job, step: Step) -> Iterator[None]:
    """Have the rows of the step in the temporary table.  It is no transaction's."""
    mariadb.tell(connection, _create(job, step.sql))
    try:
        _fill(connection, job, step.n)
        yield
    finally:
        with suppress(Error):  # the connection may be lost, and the table with it
            mariadb.tell(connection, f"DROP TEMPORARY TABLE IF EXISTS {_NAME}")


def _create(job: _core.Job, sql: str) -> str:
    """Return the statement that makes the table.  A cell that a row keeps is NULL in it, so every
    column takes NULL: it is of an outer join."""
    found = _TABLE.match(sql)
    if found is None:
        raise DatabaseError("The engine made a statement that MariaDB does not run.")
    columns = [
        f"CAST(0 AS SIGNED) AS `bulkmodel {number}`"  # which columns a row keeps
        if name is None
        else f"t.{mariadb.quoted(name)}"
        for number, name, _ in job.columns()
    ]
    return (
        f"CREATE OR REPLACE TEMPORARY TABLE {_NAME} ENGINE=InnoDB AS SELECT {', '.join(columns)}"
        f" FROM (SELECT 1 AS a) AS one LEFT JOIN {found[1]} AS t ON FALSE LIMIT 0"
    )


def _fill(connection: Any, job: _core.Job, rows: int) -> None:
    head = f"INSERT INTO {_NAME} VALUES "
    longest = mariadb.longest_rows(connection, head)
    first = 0
    while first < rows:
        text, n = job.values(first, longest)
        try:
            mariadb.tell(connection, head + text)
        except Error as error:
            row = mariadb_errors.row_of(error)
            if row is not None and row < n:
                failure.stood_at(error, first + row)
            raise
        first += n
