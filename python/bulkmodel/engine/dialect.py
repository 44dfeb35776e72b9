"""Differences between the databases, as data.  Only this folder compares their names."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bulkmodel.engine.statements import SMALL

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Dialect:
    """One way of writing to one kind of connection."""

    name: str  # as the engine in C knows it
    has_catalog: bool = False  # the server describes the table, and many rows use COPY
    returns_upserted_keys: bool = False  # in the order of the rows
    upserts_from: int | None = None  # with fewer rows Django's statement is used; None: always
    max_rows: int = 0  # in one INSERT ... VALUES; 0: no limit
    max_variables: int = 0
    updates: bool = True  # it updates rows, too; else only inserts
    joins: bool = False  # an UPDATE is a join, whose condition cannot read the table again

    def limit(self, rows: int, columns: int) -> int:
        """Return how many of these rows fit into one INSERT ... VALUES."""
        return max(min(rows, self.max_variables // columns), 1)


POSTGRESQL = Dialect("postgresql", True, True, upserts_from=1)
SQLITE_TABLE = Dialect("sqlite-table", upserts_from=SMALL + 1)
# Without the engine's table.  The number of variables is SQLITE_MAX_VARIABLE_NUMBER.
SQLITE_ROWS = Dialect("sqlite-rows", max_rows=500, max_variables=32766)
# max_allowed_packet limits a statement, and not the number of its values.
MARIADB = Dialect("mariadb", max_rows=5000, max_variables=2**31, joins=True)
# Updates need temporary tables, which the session may not make.
MARIADB_INSERTS = replace(MARIADB, updates=False)


def has_storage_classes(connection: BaseDatabaseWrapper) -> bool:
    """Whether a stored value has a type of its own, as in SQLite, and not its column's."""
    return connection.vendor == "sqlite"


def takes_djangos_values(connection: BaseDatabaseWrapper) -> bool:
    """Whether values are written in the form that Django gives them: SQLite stores it, and MariaDB
    reads it from literals.  PostgreSQL takes the bytes of its own types."""
    return connection.vendor in ("sqlite", "mysql")


def has_unsigned(connection: BaseDatabaseWrapper) -> bool:
    """Whether an unsigned integer may be larger than any signed one."""
    return connection.vendor == "mysql"


# Of at most a kilobyte each in a statement of the 16 megabytes that a server takes by default.
MOST_KEYS = 10_000


def most_keys(connection: BaseDatabaseWrapper) -> int:
    """Return how many keys a condition may list.  On MariaDB they are in the statement's text,
    which max_allowed_packet limits."""
    return MOST_KEYS if connection.vendor == "mysql" else sys.maxsize


def sends_defaults(connection: BaseDatabaseWrapper) -> bool:
    """Whether Django sends the expression of a database default, because an INSERT has no word for
    it."""
    return not connection.features.supports_default_keyword_in_insert


def checks_types(connection: BaseDatabaseWrapper) -> bool:
    """Whether the server refuses a value that does not fit the type of its column."""
    return connection.vendor == "postgresql"
