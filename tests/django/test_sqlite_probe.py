"""The engine's table on a SQLite that loads no extensions."""

import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from app.models import Plain
from bulkmodel import _core
from bulkmodel.engine import dialect, sqlite, support
from conftest import ENGINE

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if this SQLite had no enable_load_extension: what it is asked for is the probe."""
    monkeypatch.setattr(sqlite, "_by_extension", sqlite._by_probe)
    connection.__dict__.pop("_bulkmodel_source", None)
    sqlite._offset.cache_clear()
    yield
    connection.__dict__.pop("_bulkmodel_source", None)
    sqlite._offset.cache_clear()


def place() -> int:
    found = sqlite._offset()
    assert found is not None
    return found


def test_rows_are_written_through_the_table(probed: None) -> None:
    if ENGINE == "postgresql":
        assert support.dialect_of(connection) is dialect.POSTGRESQL
        return
    if ENGINE == "sqlite-table":
        assert support.dialect_of(connection) is dialect.SQLITE_TABLE
    made = Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(1500)])
    assert Plain.objects.count() == 1500
    for row in made:
        row.value += 1
    assert Plain.objects.bulk_update(made, ["value"]) == 1500
    assert Plain.objects.get(pk=made[7].pk).value == 8


def test_the_setting_turns_it_off(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare:
        """A driver without load_extension."""

    settings.BULKMODEL_SQLITE_PROBE = False
    monkeypatch.setattr(sqlite, "_by_probe", lambda driver: pytest.fail("it was probed"))
    assert sqlite._load(Bare()) is None


def test_only_what_was_probed_is_read() -> None:
    at = place()
    opened = sqlite3.connect(":memory:")
    assert isinstance(_core.source_at(opened, sqlite3.Connection, at), _core.Source)
    assert opened.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(TypeError):
        _core.source_at(object(), sqlite3.Connection, at)
    for wrong in (-8, 0, sqlite3.Connection.__basicsize__):
        with pytest.raises(TypeError):
            _core.source_at(opened, sqlite3.Connection, wrong)
    opened.close()
    with pytest.raises(sqlite3.ProgrammingError):
        _core.source_at(opened, sqlite3.Connection, at)


def test_a_subclass_and_a_connection_of_another_thread() -> None:
    class Own(sqlite3.Connection):
        """With attributes of its own behind those of the base."""

        __slots__ = ("more",)

    opened = sqlite3.connect(":memory:", factory=Own, check_same_thread=False)
    source = _core.source_at(opened, sqlite3.Connection, place())
    assert isinstance(source, _core.Source)


def test_nothing_is_left_behind() -> None:
    """Connections opened later have no table of the engine's."""
    place()
    opened = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        opened.execute("SELECT * FROM bulkmodel_batch")


def test_a_library_that_is_not_loaded_is_none() -> None:
    probe = _core.probe("/nowhere/_sqlite3.so", sqlite3.connect, sqlite3.Connection)
    assert probe is None
    loaded = sys.modules["_sqlite3"].__file__
    assert loaded is not None
    with pytest.raises(ZeroDivisionError):
        _core.probe(loaded, lambda name: 1 / 0, sqlite3.Connection)


def test_loading_stays_as_it_was_allowed() -> None:
    for allowed in (True, False):
        opened = sqlite3.connect(":memory:")
        if not hasattr(opened, "enable_load_extension"):
            return
        opened.enable_load_extension(allowed)
        assert sqlite._load(opened) is not None
        if allowed:
            opened.execute("SELECT load_extension(NULL)")
        else:
            with pytest.raises(sqlite3.OperationalError):
                opened.execute("SELECT load_extension(NULL)")
