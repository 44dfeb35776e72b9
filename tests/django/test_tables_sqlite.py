"""SQLite's tables that are not as their models say: bulk_create does what Django's own does with
them, and each object has the key of its own row."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from app.models import Plain
from bulkmodel.managers import BulkModelManager

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = [1, 2, 99, 100, 1500]
HIGHEST = 2**63 - 1

COLUMNS = "id integer PRIMARY KEY, name varchar(10) NOT NULL UNIQUE, value integer"
LOG = "CREATE TABLE test_log (id integer PRIMARY KEY, name text)"
NOTES = "BEGIN INSERT INTO test_log (id, name) VALUES (7000 + NEW.value, NEW.name); END"


def made_as(columns: str, tail: str = "") -> list[str]:
    return ["DROP TABLE app_plain", f"CREATE TABLE app_plain ({columns}) {tail}"]


PLAIN = made_as(COLUMNS)
CASES: dict[str, list[str]] = {
    "as migrations make it": [],
    "keys that were used": [
        "INSERT INTO app_plain (id, name) VALUES (900, 'x')",
        "DELETE FROM app_plain",
    ],
    "no AUTOINCREMENT": PLAIN,
    "gaps": [*PLAIN, "INSERT INTO app_plain (id, name) VALUES (5, 'x'), (70, 'y')"],
    "keys below zero": [*PLAIN, "INSERT INTO app_plain (id, name) VALUES (-3, 'x')"],
    "used up": [f"INSERT INTO app_plain (id, name) VALUES ({HIGHEST}, 'x')"],
    "nearly used up": [f"INSERT INTO app_plain (id, name) VALUES ({HIGHEST - 120}, 'x')"],
    "no rowids": made_as(COLUMNS.replace("PRIMARY KEY", "PRIMARY KEY NOT NULL"), "WITHOUT ROWID"),
    "trigger that writes elsewhere": [
        LOG,
        f"CREATE TRIGGER test_after AFTER INSERT ON app_plain {NOTES}",
    ],
    "trigger that writes elsewhere before": [
        LOG,
        f"CREATE TRIGGER test_before BEFORE INSERT ON app_plain {NOTES}",
    ],
    "trigger for some rows": [
        LOG,
        f"CREATE TRIGGER test_some AFTER INSERT ON app_plain WHEN NEW.value > 50 {NOTES}",
    ],
    "trigger of the connection": [
        LOG,
        f"CREATE TEMP TRIGGER test_temp AFTER INSERT ON main.app_plain {NOTES}",
    ],
    "trigger that adds rows": [
        "CREATE TRIGGER test_adds AFTER INSERT ON app_plain WHEN NEW.value % 3 = 0 "
        "BEGIN INSERT INTO app_plain (name) VALUES ('x' || NEW.name); END",
    ],
    "trigger that drops rows": [
        "CREATE TRIGGER test_drops BEFORE INSERT ON app_plain WHEN NEW.value % 3 = 1 "
        "BEGIN SELECT RAISE(IGNORE); END",
    ],
    "conflicts that are ignored": [
        *made_as(COLUMNS.replace("UNIQUE", "UNIQUE ON CONFLICT IGNORE")),
        "INSERT INTO app_plain (name) VALUES ('n0'), ('n1')",
    ],
    "later conflicts that are ignored": [
        *made_as(COLUMNS.replace("UNIQUE", "UNIQUE ON CONFLICT IGNORE")),
        "INSERT INTO app_plain (name) VALUES ('n1'), ('n70')",
    ],
    "conflicts that replace": [
        *made_as(COLUMNS.replace("UNIQUE", "UNIQUE ON CONFLICT REPLACE")),
        "INSERT INTO app_plain (name) VALUES ('n1'), ('n70')",
    ],
    "conflicts": ["INSERT INTO app_plain (name) VALUES ('n1')"],
    "late conflicts": ["INSERT INTO app_plain (name) VALUES ('n1400')"],
    "a check of the last key": made_as(f"{COLUMNS}, CHECK (last_insert_rowid() > -{HIGHEST})"),
    "another column": ["ALTER TABLE app_plain ADD further integer DEFAULT 7"],
    "a column less": made_as(COLUMNS.replace(", value integer", "")),
    "generated columns": made_as(f"{COLUMNS}, twice AS (2 * value) STORED"),
    "no such table": ["ALTER TABLE app_plain RENAME TO test_base"],
}


@contextlib.contextmanager
def altered(statements: list[str]) -> Iterator[None]:
    """The table so for a while: all in a transaction that is rolled back."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        yield
        transaction.set_rollback(True)


def ask(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def table() -> list[Any]:
    names = ask("SELECT name FROM sqlite_master WHERE name IN ('app_plain', 'test_log')")
    return [ask(f"SELECT * FROM {name} ORDER BY id") for (name,) in sorted(names)]


def plain(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def outcome(manager: Any, objects: list[Plain]) -> tuple[Any, ...]:
    """What a call gives, sets, and leaves in the table."""
    said: Any = None
    try:
        with transaction.atomic():
            manager.bulk_create(objects)
    except DatabaseError as error:
        said = (type(error), str(error))
    except (AssertionError, TypeError):
        said = "rows are missing"  # Django: TypeError, where its only row is
    states = [(o._state.adding, o._state.db) for o in objects] if said is None else None
    keys = [o.pk for o in objects] if said is None else None
    return said, states, keys, table(), ask("SELECT last_insert_rowid()") if said is None else None


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_as_django(case: str, n: int) -> None:
    with altered(CASES[case]):
        theirs = outcome(Plain.django, plain(n))
    with altered(CASES[case]):
        ours = outcome(Plain.objects, plain(n))
    assert ours == theirs


@pytest.mark.parametrize("n", SIZES)
def test_random_keys(n: int) -> None:
    """Behind the highest key SQLite draws lots: each object has the key that its row has."""
    with altered([*PLAIN, f"INSERT INTO app_plain (id, name) VALUES ({HIGHEST}, 'x')"]):
        objects = plain(n)
        Plain.objects.bulk_create(objects)
        rows = dict(ask("SELECT name, id FROM app_plain WHERE name <> 'x'"))
        assert {o.name: o.pk for o in objects} == rows
        assert len(rows) == n


@pytest.mark.parametrize("key", ["id bigint PRIMARY KEY", "id integer PRIMARY KEY DESC"])
def test_rowids_that_are_no_keys(key: str) -> None:
    """The column stays NULL, and no object has a key."""
    with altered(made_as(COLUMNS.replace("id integer PRIMARY KEY", key))):
        objects = plain(300)
        outcome(Plain.objects, objects)
        assert {o.pk for o in objects} == {None}


def test_last_key_after_a_failure() -> None:
    """It is the last row's that was inserted before."""
    with altered(CASES["conflicts"]):
        before = ask("SELECT last_insert_rowid()")
        with pytest.raises(IntegrityError), transaction.atomic():
            Plain.objects.bulk_create([Plain(name="n1"), *plain(1)] * 150)
        assert ask("SELECT last_insert_rowid()") == before


class Leaf(models.Model):
    """A full-text index, whose key is its rowid."""

    rowid = models.BigAutoField(primary_key=True)
    name = models.TextField()

    objects = BulkModelManager()

    class Meta:
        app_label = "app"
        managed = False
        db_table = "the pages"


class Cube(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.FloatField()
    high = models.FloatField(default=9e6)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"
        managed = False
        db_table = "boxes"


VIRTUAL = [
    (Leaf, 'CREATE VIRTUAL TABLE "the pages" USING fts5(name)', str),
    (Leaf, 'CREATE VIRTUAL TABLE "the pages" USING fts4(name)', str),
    (Cube, "CREATE VIRTUAL TABLE boxes USING rtree(id, name, high)", float),
]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("model", "sql", "kind"), VIRTUAL)
def test_l15_keys_of_virtual_tables(model: Any, sql: str, kind: Any, n: int) -> None:
    """RETURNING gives -1 or NULL there.  Each object has the key of its row."""
    with altered([sql]):
        model.objects.bulk_create([model(pk=70, name=kind(7_000_000))])
        objects = [model(name=kind(i)) for i in range(n)]
        model.objects.bulk_create(objects)
        rows = dict(model.objects.exclude(pk=70).values_list("name", "pk"))
        assert {o.name: o.pk for o in objects} == rows
        assert len(rows) == n
        some = model.objects.bulk_create([model(name=kind(9000))], return_queryset=True)
        assert [o.pk for o in some] == [71 + n]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [3, 1500])
def test_a_virtual_table_gets_all_rows_or_none(n: int) -> None:
    """The last row is refused while the others are in, each by a statement of its own."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIRTUAL TABLE boxes USING rtree(id, name, high)")
    try:
        objects = [Cube(name=float(i)) for i in range(n - 1)]
        with pytest.raises(IntegrityError):
            Cube.objects.bulk_create([*objects, Cube(name=2.0, high=1.0)])
        assert Cube.objects.count() == 0
        assert {row.pk for row in objects} == {None}
        Cube.objects.bulk_create(objects)
        assert Cube.objects.count() == n - 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE boxes")
