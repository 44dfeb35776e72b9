"""Make a worker's session on PostgreSQL like the caller's, with a limit for lock waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


# The settings of the caller's session, and what ties it to one connection.  The role comes last: it
# may lack the right to set the others.
# All names are qualified (CVE-2018-1058): nothing in the caller's search_path is called.
_EQ, _NE = "OPERATOR(pg_catalog.=)", "OPERATOR(pg_catalog.<>)"
SESSION = (
    f"SELECT pg_catalog.pg_my_temp_schema() {_NE} 0,"
    f" pg_catalog.current_setting('transaction_isolation') {_EQ} 'serializable',"
    f" pg_catalog.array_agg(name ORDER BY name {_EQ} 'role'),"
    f" pg_catalog.array_agg(setting ORDER BY name {_EQ} 'role')"
    " FROM (SELECT name, setting FROM pg_catalog.pg_settings"
    f" WHERE source {_EQ} 'session' AND name OPERATOR(pg_catalog.!~~) 'transaction%%'"
    " UNION ALL SELECT 'role', pg_catalog.current_setting('role')) s"
)
_TAKE_OVER = (
    "SELECT pg_catalog.count(pg_catalog.set_config(name, setting, true)) FROM ROWS FROM ("
    "pg_catalog.UNNEST(%s::pg_catalog.text[]), pg_catalog.UNNEST(%s::pg_catalog.text[]))"
    " WITH ORDINALITY s(name, setting, place)"
    f" WHERE NOT coalesce(pg_catalog.current_setting(name, true) {_EQ} setting, false)"
)
# Without a limit a worker could wait for ever for a row of another one, which waits to commit.
_LIMIT_WAITING = (
    "SELECT pg_catalog.set_config('lock_timeout', '60s', true)"
    f" WHERE pg_catalog.current_setting('lock_timeout') {_EQ} '0'"
)


class Session(NamedTuple):
    """What the user of a session has set."""

    has_tables: bool  # temporary tables, which other sessions cannot see
    is_serializable: bool  # transactions can make each other fail at COMMIT
    names: list[str]
    values: list[str]


def session_of(caller: BaseDatabaseWrapper) -> Session:
    with caller.cursor() as cursor:
        cursor.execute(SESSION)
        session = Session(*cursor.fetchone())
    level = getattr(caller.connection, "isolation_level", None)  # Django's option
    is_serializable = session.is_serializable or getattr(level, "name", "") == "SERIALIZABLE"
    return session._replace(is_serializable=is_serializable)


def take_over(session: Session, connection: BaseDatabaseWrapper, join: str) -> None:
    """Apply search_path, role and other settings to the transaction, and a limit for locks.
    join: a statement that shows other sessions which call the worker belongs to."""
    with connection.cursor() as cursor:
        cursor.execute(join)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, [session.names, session.values])
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT_WAITING)


def check_constraints(connection: BaseDatabaseWrapper) -> None:
    """Check deferred constraints now, so that COMMIT cannot fail because of them."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def are_entangled(connection: BaseDatabaseWrapper, asks: str) -> bool:
    """Return whether the call's workers wait for each other, possibly through other sessions."""
    with connection.cursor() as cursor:
        cursor.execute(asks)
        return bool(cursor.fetchone()[0])
