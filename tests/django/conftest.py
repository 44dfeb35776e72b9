"""Which way the engine takes is chosen by BM_DJANGO (see settings.py)."""

import os
from typing import Any

import django
import pytest

from bulkmodel import postgresql, sqlite, transport

ENGINE = os.environ.get("BM_DJANGO", "sqlite-table")

# The package is installed once, and one engine sees keys; what is asked of several connections and
# the faults of one are PostgreSQL's, and its tables are not SQLite's.
collect_ignore = [] if ENGINE == "sqlite-table" else ["test_install.py", "test_keys_seen.py"]
collect_ignore += (
    ["test_tables_sqlite.py"]
    if ENGINE == "postgresql"
    else [
        "test_errors_found.py",
        "test_errors_postgresql.py",
        "test_fields_postgresql.py",
        "test_lost.py",
        "test_tables.py",
        "test_workers.py",
        "test_workers_session.py",
    ]
)
# ... where psycopg 3 makes them.
if not postgresql.is_psycopg3:
    collect_ignore += ["test_lost.py", "test_workers.py", "test_workers_session.py"]
# mypy is in no leg's environment.
if ENGINE != "sqlite-table" or "BM_DJANGO_TESTS" in os.environ:
    collect_ignore += ["test_typed.py"]
# Thousands of calls, and a project: with the package as it is installed (legs.py).
if "BM_DJANGO_TESTS" not in os.environ:
    collect_ignore += ["test_endurance.py", "test_project.py"]
elif django.VERSION < (6, 1):
    collect_ignore += ["test_endurance.py"]  # the newest will do


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With psycopg2 all is Django's way: a test of the engine's way is none of this driver."""
    if ENGINE == "postgresql" and not postgresql.is_psycopg3:
        items[:] = [item for item in items if not _is_about_the_engine(item)]


def _is_about_the_engine(item: Any) -> bool:
    return "on_engine" in item.fixturenames or item.get_closest_marker("engine") is not None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: holds where a connection has an engine")


@pytest.fixture(autouse=True)
def chosen_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """sqlite-rows: as if this SQLite could not load the engine's table."""
    if ENGINE == "sqlite-rows":
        monkeypatch.setattr(sqlite, "source_of", lambda connection: None)


@pytest.fixture
def on_engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The dialects of the jobs that were run: empty where Django did all itself."""
    seen: list[str] = []
    run = transport.run

    def spy(job, connection, *given):  # type: ignore[no-untyped-def]
        seen.append(transport.dialect_of(connection) or "")
        run(job, connection, *given)

    monkeypatch.setattr(transport, "run", spy)
    return seen
