"""Which way the engine takes is chosen by BM_DJANGO (see settings.py)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from hypothesis import settings

from bulkmodel.engine import operation, postgresql, returned_keys, sqlite, support

ENGINE = os.environ.get("BM_DJANGO", "sqlite-table")

IN_LEG = "BM_DJANGO_TESTS" in os.environ  # see legs.py
ON_NEWER_SERVER = "BM_POSTGRESQL_SERVER" in os.environ  # see servers.py

# The tests that are run on MariaDB.
ON_MARIADB = (
    "test_mariadb.py",
    "test_mariadb_unsigned.py",
    "test_mariadb_updates.py",
    "test_mariadb_upserts.py",
)

# The same values on each run, so that a change is judged by itself; BM_RANDOM=1 draws new ones.
settings.register_profile("bulkmodel", derandomize="BM_RANDOM" not in os.environ)
settings.load_profile("bulkmodel")


def _elsewhere() -> Iterator[str]:
    """The files that are about another engine, driver or environment than this one."""
    if ENGINE.startswith("mariadb"):  # the others' statements are for other databases
        tests = (file.name for file in Path(__file__).parent.glob("test_*.py"))
        yield from (name for name in tests if name not in ON_MARIADB)
    else:
        yield from ON_MARIADB
    if ENGINE != "sqlite-table":
        yield from ("test_building.py", "test_install.py", "test_keys_seen.py")
        yield from ("test_nomemory.py", "test_typed.py")
    if ENGINE == "postgresql":
        yield "test_tables_sqlite.py"
    else:
        yield from ("test_row_search_postgresql.py", "test_errors_postgresql.py")
        yield from ("test_fields_postgresql.py", "test_objects_postgresql.py", "test_planted.py")
        yield from ("test_tables.py", "test_read_only.py", "test_foreign.py")
        yield "test_frames_lists_postgresql.py"
    if ENGINE != "postgresql" or not postgresql.is_psycopg3:
        yield from (
            "test_attach_postgresql.py",
            "test_commits.py",
            "test_lost_connections.py",
            "test_pools.py",
            "test_statistics.py",
        )
        yield from ("test_workers.py", "test_workers_pooler.py")
        yield from ("test_workers_rules.py", "test_workers_session.py")
    if not IN_LEG:  # thousands of calls, and a project: with the package as it is installed
        yield from ("test_endurance.py", "test_project.py")
    if IN_LEG:  # no mypy is there, and Python 3.13.0 crashes without memory in code of its own
        yield from ("test_building.py", "test_nomemory.py", "test_typed.py")
    if IN_LEG and not ON_NEWER_SERVER:  # of the server, whatever Django and driver are
        yield from ("test_statistics.py", "test_tables.py")
    if IN_LEG and not ON_NEWER_SERVER and postgresql.is_psycopg3:  # of the server and the driver
        yield from ("test_read_only.py", "test_foreign.py")
    if IN_LEG and django.VERSION < (6, 1):  # the newest will do
        yield "test_endurance.py"


collect_ignore = [*_elsewhere()]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """psycopg2 binds and reads some values in Django's way, and has no workers."""
    if ENGINE == "postgresql" and not postgresql.is_psycopg3:
        items[:] = [item for item in items if item.get_closest_marker("psycopg3") is None]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "psycopg3: with psycopg2 it is otherwise")
    if ENGINE == "postgresql":
        _empty_only_what_has_rows()


def _empty_only_what_has_rows() -> None:
    """After a test Django truncates every table, which makes new files for each of a hundred."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    of_django = DatabaseOperations.sql_flush

    def sql_flush(
        self: DatabaseOperations, style: Any, tables: list[str], **options: Any
    ) -> list[str]:
        name = self.quote_name
        has_rows = ", ".join(f"EXISTS (SELECT FROM {name(table)})" for table in tables)
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {has_rows}")
            full = [table for table, has in zip(tables, cursor.fetchone(), strict=True) if has]
        return list(of_django(self, style, full, **options | {"allow_cascade": True}))

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def chosen_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """sqlite-rows: as if this SQLite could not load the engine's table."""
    if ENGINE == "sqlite-rows":
        monkeypatch.setattr(sqlite, "source_of", lambda connection: None)


@pytest.fixture(autouse=True)
def tables_as_they_are() -> None:
    """Tests change tables, and change them back."""
    returned_keys.asked.clear()
    returned_keys.known.clear()


@pytest.fixture
def on_engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The dialects of the jobs that were run: empty where Django did all itself."""
    seen: list[str] = []
    run = operation.run

    def spy(job, connection, *given):  # type: ignore[no-untyped-def]
        dialect = support.dialect_of(connection)
        seen.append(dialect.name if dialect else "")
        run(job, connection, *given)

    monkeypatch.setattr(operation, "run", spy)
    return seen
