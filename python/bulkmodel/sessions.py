"""A worker's session on PostgreSQL: as the caller's, and never waiting for ever."""

from __future__ import annotations

from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

# What the caller's session was set to, and whether it has tables of its own.  The role comes last:
# it may lack the right to set the others.
SESSION = (
    "SELECT pg_my_temp_schema() <> 0, array_agg(name ORDER BY name = 'role'),"
    " array_agg(setting ORDER BY name = 'role') FROM (SELECT name, setting FROM pg_settings"
    " WHERE source = 'session' AND name NOT LIKE 'transaction%%'"
    " UNION ALL SELECT 'role', current_setting('role')) s"
)
_TAKE_OVER = (
    "SELECT count(set_config(name, setting, true)) FROM unnest(%s::text[], %s::text[])"
    " WITH ORDINALITY s(name, setting, place)"
    " WHERE current_setting(name, true) IS DISTINCT FROM setting"
)
# Whoever waits for a row of another worker waits for ever: that one waits at the meeting.
_LIMIT_WAITING = (
    "SELECT set_config('lock_timeout', '60s', true) WHERE current_setting('lock_timeout') = '0'"
)
_WAITS = "SELECT EXISTS (SELECT FROM unnest(%s::int[]) p WHERE pg_blocking_pids(p) && %s::int[])"


class Session(NamedTuple):
    """What a session was set to by its user."""

    has_tables: bool  # temporary ones, which no other session sees
    names: list[str]
    values: list[str]


def session_of(caller: BaseDatabaseWrapper) -> Session:
    with caller.cursor() as cursor:
        cursor.execute(SESSION)
        return Session(*cursor.fetchone())


def take_over(session: Session, connection: BaseDatabaseWrapper) -> None:
    """search_path, role and what else it was set to, for the transaction; and a limit for locks."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, [session.names, session.values])
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT_WAITING)


def check_constraints(connection: BaseDatabaseWrapper) -> None:
    """Now, so that no commit fails for those that wait for it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def waits_for(caller: BaseDatabaseWrapper, waiting: list[int], others: list[int]) -> bool:
    """Does one of these server processes wait for one of the others?"""
    with caller.cursor() as cursor:
        cursor.execute(_WAITS, [waiting, others])
        return bool(cursor.fetchone()[0])
