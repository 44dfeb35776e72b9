"""A worker's session on PostgreSQL: as the caller's, and never waiting for ever."""

from __future__ import annotations

from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

# What the caller's session was set to, and what keeps it to one connection.  The role comes last:
# it may lack the right to set the others.
# All names are PostgreSQL's own (CVE-2018-1058): nothing in the caller's search_path is called.
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
# Whoever waits for a row of another worker waits for ever: that one waits at the meeting.
_LIMIT_WAITING = (
    "SELECT pg_catalog.set_config('lock_timeout', '60s', true)"
    f" WHERE pg_catalog.current_setting('lock_timeout') {_EQ} '0'"
)
_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_catalog.UNNEST(%s::pg_catalog.int4[]) p"
    " WHERE pg_catalog.pg_blocking_pids(p) OPERATOR(pg_catalog.&&) %s::pg_catalog.int4[])"
)


class Session(NamedTuple):
    """What a session was set to by its user."""

    has_tables: bool  # temporary ones, which no other session sees
    is_serializable: bool  # transactions may fail each other at COMMIT
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
    """search_path, role and what else it was set to, for the transaction; and a limit for locks.
    `join` tells other sessions which call the worker belongs to."""
    with connection.cursor() as cursor:
        cursor.execute(join)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, [session.names, session.values])
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT_WAITING)


def check_constraints(connection: BaseDatabaseWrapper) -> None:
    """Now, so that no commit fails for those that wait for it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def are_entangled(connection: BaseDatabaseWrapper, asks: str) -> bool:
    """Does the call wait for itself, maybe by way of another one?"""
    with connection.cursor() as cursor:
        cursor.execute(asks)
        return bool(cursor.fetchone()[0])
