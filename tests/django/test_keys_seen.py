"""Keys of new rows on SQLite: the engine's table sees them as they are made, or they come back."""

import gc
import sys
from typing import Any

import pytest
from django.db import DatabaseError, connection

from app.models import Plain
from test_tables_sqlite import CASES, LOG, NOTES, altered, ask, plain

pytestmark = pytest.mark.django_db(transaction=True)


def aside(sql: str) -> list[Any]:
    """What the hooks do not see."""
    with connection.cursor() as cursor:
        return list(cursor.cursor.execute(sql).fetchall())


def statements_of(case: str, n: int) -> list[str]:
    sent: list[str] = []

    def hook(execute: Any, sql: str, *further: Any) -> Any:
        sent.append(sql)
        return execute(sql, *further)

    with altered(CASES[case]), connection.execute_wrapper(hook):
        Plain.objects.bulk_create(plain(n))
    return [sql for sql in sent if sql.startswith("INSERT")]


@pytest.mark.parametrize(
    ("case", "seen"),
    [
        ("as migrations make it", True),
        ("no AUTOINCREMENT", True),
        ("generated columns", True),
        ("trigger that writes elsewhere", False),
        ("trigger of the connection", False),
        ("a check of the last key", False),
    ],
)
def test_keys_are_seen_or_returned(case: str, seen: bool) -> None:
    """One statement, whichever."""
    assert ["RETURNING" in sql for sql in statements_of(case, 1500)] == [not seen]
    assert ["RETURNING" in sql for sql in statements_of(case, 10)] == [True]


def test_trigger_that_comes_between() -> None:
    """The table is another than the one that was looked at: keys come back after all."""
    before = ask("SELECT last_insert_rowid()")
    sent: list[str] = []

    def hook(execute: Any, sql: str, *further: Any) -> Any:
        if not sent:
            aside(f"CREATE TRIGGER test_after AFTER INSERT ON app_plain {NOTES}")
        sent.append(sql)
        try:
            return execute(sql, *further)
        except DatabaseError:
            left = aside("SELECT last_insert_rowid(), (SELECT count(*) FROM app_plain)")
            assert left == [(*before[0], 0)]
            raise

    with altered([LOG]):
        objects = plain(300)
        with connection.execute_wrapper(hook):
            Plain.objects.bulk_create(objects)
        assert ["RETURNING" in sql for sql in sent] == [False, True]
        rows = dict(ask("SELECT name, id FROM app_plain"))
        assert {o.name: o.pk for o in objects} == rows
        assert ask("SELECT count(*) FROM test_log") == [(300,)]


def test_states_without_dictionaries() -> None:
    """What a call says of an object is kept inside the object's state, from CPython 3.11 on."""
    objects = plain(2000)

    def dictionaries() -> int:
        gc.collect()
        return sum(type(thing) is dict for thing in gc.get_objects())

    before = dictionaries()
    Plain.objects.bulk_create(objects)
    assert dictionaries() - before < (1000 if sys.version_info >= (3, 11) else 4000)
    assert all(vars(o._state) == {"adding": False, "db": "default"} for o in objects)
