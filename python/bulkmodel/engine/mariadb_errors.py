"""What an error of MariaDB says, with the SQLSTATEs that PostgreSQL has for the same."""

from __future__ import annotations

import re

# mariadb.com/kb/en/mariadb-error-codes
_STATES = {
    1048: "23502",  # column cannot be null
    1364: "23502",  # field has no default value
    1062: "23505",  # duplicate entry
    1586: "23505",
    1216: "23503",  # foreign key
    1452: "23503",
    1217: "23001",
    1451: "23001",
    3819: "23514",  # CHECK, on MySQL and MariaDB
    4025: "23514",
    1406: "22001",  # data too long
    1264: "22003",  # out of range
    1690: "22003",
    1292: "22007",  # incorrect date, time or UUID
    1366: "22P02",  # incorrect number or text
    1205: "55P03",  # lock wait timeout
    1213: "40P01",  # deadlock
    1317: "57014",  # interrupted
    1969: "57014",
    # The connection is lost.
    **dict.fromkeys((1053, 1927, 2002, 2003, 2006, 2013, 2055, 4031), "08006"),
}
_OTHER = "HY000"
# The server's messages in English, which is what it has unless lc_messages is set.
_CONSTRAINTS = (
    re.compile(r"for key '(?:[^']*\.)?([^'.]+)'$"),
    re.compile(r"CONSTRAINT `((?:[^`]|``)+)`"),
)
_COLUMNS = (
    re.compile(r"FOREIGN KEY \(`((?:[^`]|``)+)`\)"),
    re.compile(r"(?:[Cc]olumn|Field) '([^']+)'"),
    re.compile(r"for column (?:`(?:[^`]|``)+`\.)*`((?:[^`]|``)+)` at row"),
)
_ROW = re.compile(r" at row (\d+)$")


def code_of(error: BaseException) -> int | None:
    """Return the server's number of an error, or None if it has none."""
    args = error.args
    return args[0] if len(args) > 1 and type(args[0]) is int else None


def state_of(error: BaseException) -> str | None:
    """Return the SQLSTATE, or None if it is not an error of MariaDB or MySQL."""
    code = code_of(error)
    return None if code is None else _STATES.get(code, _OTHER)


def facts_of(error: BaseException) -> tuple[str | None, str | None, str | None]:
    """Return the SQLSTATE, the constraint and the column."""
    text = _text(error)
    constraint = _first(_CONSTRAINTS, text)
    column = _first(_COLUMNS, text)
    if constraint is not None and column is None and code_of(error) == 4025:
        _, _, column = constraint.rpartition(".")  # a CHECK of a column is `table.column`
    return state_of(error), constraint, column or None


def row_of(error: BaseException) -> int | None:
    """Return the row of the statement that the message names, from 0."""
    found = _ROW.search(_text(error))
    return int(found[1]) - 1 if found is not None and int(found[1]) > 0 else None


def _text(error: BaseException) -> str:
    return str(error.args[1]) if code_of(error) is not None else ""


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> str | None:
    for pattern in patterns:
        found = pattern.search(text)
        if found is not None:
            return found[1].replace("``", "`")
    return None
