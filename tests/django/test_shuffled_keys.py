"""L23: what RETURNING lists has no order: every row has its own key, however a server answers."""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.db import DatabaseError, connection, transaction

from app.models import Foo, Plain
from conftest import ENGINE

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "app_plain"
READS_BACK = django.VERSION >= (6, 1) and ENGINE == "postgresql"
TABLES: dict[str, list[str]] = {
    "as migrations make it": [],
    "serial": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        f"CREATE SEQUENCE test_keys START 100 OWNED BY {TABLE}.id",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT nextval('test_keys')",
    ],
    "a sequence of nobody": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        "CREATE SEQUENCE test_keys INCREMENT -1 START -5",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT nextval('test_keys')",
    ],
    "its own sequence, upside down": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        f"CREATE SEQUENCE test_keys OWNED BY {TABLE}.id",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT -nextval('test_keys')",
    ],
    "descending": [
        f"ALTER TABLE {TABLE} ALTER id SET INCREMENT -1 SET MINVALUE -99999 SET START -5 RESTART"
    ],
    "cycling": [f"ALTER TABLE {TABLE} ALTER id SET MAXVALUE 5000 SET CYCLE RESTART 4999"],
    "cached": [f"ALTER TABLE {TABLE} ALTER id SET CACHE 7"],
    "always": [f"ALTER TABLE {TABLE} ALTER id SET GENERATED ALWAYS"],
    "a trigger that changes keys": [
        "CREATE FUNCTION test_trigger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.id = 100000 - NEW.value; RETURN NEW; END$$",
        f"CREATE TRIGGER test_trigger BEFORE INSERT ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION test_trigger()",
    ],
    "a trigger that changes values": [
        "CREATE FUNCTION test_trigger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.value = NEW.value; RETURN NEW; END$$",
        f"CREATE TRIGGER test_trigger BEFORE INSERT ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION test_trigger()",
    ],
}


class Shuffled:
    """A cursor that gives its rows in another order: as a server may, whose parts answer."""

    def __init__(self, cursor: Any, order: Callable[[list[Any]], list[Any]]) -> None:
        self._cursor, self._order = cursor, order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __enter__(self) -> "Shuffled":
        return self

    def __exit__(self, *error: Any) -> None:
        self._cursor.__exit__(*error)

    def fetchall(self) -> list[Any]:
        return self._order(self._cursor.fetchall())


ORDERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "backwards": lambda rows: rows[::-1],
    "at random": lambda rows: random.Random(len(rows)).sample(rows, len(rows)),
}


@contextlib.contextmanager
def answers(order: str) -> Iterator[list[str]]:
    """Statements that were sent, while answers come so."""
    sent: list[str] = []
    make = connection.make_cursor

    def hook(execute: Any, sql: str, *further: Any) -> Any:
        sent.append(sql)
        return execute(sql, *further)

    shuffle = ORDERS.get(order, list)
    connection.make_cursor = lambda cursor: Shuffled(make(cursor), shuffle)
    try:
        with connection.execute_wrapper(hook):
            yield sent
    finally:
        del connection.make_cursor


@contextlib.contextmanager
def altered(statements: list[str]) -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            for statement in statements if ENGINE == "postgresql" else ():
                cursor.execute(statement)
        yield
        transaction.set_rollback(True)


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def are_their_own(made: list[Plain]) -> None:
    assert dict(Plain.django.values_list("name", "pk")) == {row.name: row.pk for row in made}


@pytest.mark.parametrize("n", [2, 10, 100, 1_000, 1_001])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", TABLES)
def test_every_row_has_its_own_key(case: str, order: str, n: int) -> None:
    made = rows(n)
    with altered(TABLES[case]):
        with answers(order):
            Plain.objects.bulk_create(made)
        are_their_own(made)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", ["as migrations make it", "serial", "cached"])
def test_it_is_one_statement(case: str, order: str) -> None:
    with altered(TABLES[case]), answers(order) as sent:
        Plain.objects.bulk_create(rows(10))
    assert [sql for sql in sent if "SAVEPOINT" not in sql] == sent[-1:]
    assert sent[-1].startswith("INSERT")


@pytest.mark.parametrize("n", [10, 100])
@pytest.mark.parametrize("order", ORDERS)
def test_in_batches_and_copied(order: str, n: int) -> None:
    with answers(order):
        made = rows(n)
        Plain.objects.bulk_create(made, batch_size=7)
        copied = [Foo(name=f"n{i}", value=i) for i in range(n)]
        result = Foo.objects.copy_from_objects(copied, return_queryset=True)
    are_their_own(made)
    assert [(row.pk, row.name) for row in result] == [
        (pk, name) for name, pk in sorted(Foo.objects.values_list("name", "pk"), key=lambda x: x[1])
    ]


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.parametrize("order", ORDERS)
def test_an_upsert(order: str, case: str, on_engine: list[str]) -> None:
    """On SQLite few rows are written by Django's own statement."""
    n = 100 if ENGINE == "postgresql" else 1_500
    with altered(TABLES[case]):
        if case != "a trigger that changes keys":
            Plain.django.bulk_create(rows(n // 2))
        made = rows(n)[::-1]
        with answers(order):
            Plain.objects.bulk_create(
                made, update_conflicts=True, unique_fields=["name"], update_fields=["value"]
            )
        if on_engine:
            are_their_own(made)
    assert bool(on_engine) == (ENGINE != "sqlite-rows")


@pytest.mark.parametrize("case", ["as migrations make it", "a trigger that changes keys"])
@pytest.mark.parametrize("order", ORDERS)
def test_keys_that_are_given(order: str, case: str) -> None:
    """Since Django 6.1 they are read back, as a trigger may have changed them."""
    made = [Plain(pk=7_000 + i, name=f"n{i}", value=i) for i in range(20)]
    with altered(TABLES[case]):
        with answers(order):
            Plain.objects.bulk_create(made)
        if case == "as migrations make it" or READS_BACK:
            are_their_own(made)


@pytest.mark.parametrize("case", ["as migrations make it", "descending", "cycling"])
def test_of_workers(case: str) -> None:
    """Where they find that keys are not rising, one of them writes all."""
    made = rows(100)
    try:
        with connection.cursor() as cursor:
            for statement in TABLES[case] if ENGINE == "postgresql" else ():
                cursor.execute(statement)
        with answers("at random"):
            Plain.objects.bulk_create(made, batch_size=10, concurrent=True)
        are_their_own(made)
    finally:
        with connection.cursor() as cursor:
            if ENGINE == "postgresql":
                cursor.execute(
                    f"ALTER TABLE {TABLE} ALTER id SET INCREMENT 1 SET MINVALUE 1"
                    " SET MAXVALUE 9223372036854775807 SET START 1 SET NO CYCLE RESTART 1"
                )


def test_what_was_made_sure_of_is_not_asked_again() -> None:
    if ENGINE != "postgresql":
        return
    Plain.objects.bulk_create(rows(10))
    Plain.django.all().delete()
    with answers("as they are") as sent:
        Plain.objects.bulk_create(rows(10))
    assert [statement for statement in sent if "pg_catalog.pg_class" in statement] == []


@pytest.mark.parametrize("order", ["backwards", "at random"])
def test_keys_that_do_not_rise_are_looked_at_again(order: str) -> None:
    Plain.objects.bulk_create(rows(2))
    Plain.django.all().delete()
    made = rows(10)
    with answers(order):
        Plain.objects.bulk_create(made)
    are_their_own(made)


def test_a_table_that_was_altered_meanwhile() -> None:
    if ENGINE != "postgresql":
        return
    Plain.objects.bulk_create(rows(2))
    Plain.django.all().delete()
    with altered(TABLES["descending"]):
        with pytest.raises(DatabaseError, match="Repeat the call"), transaction.atomic():
            Plain.objects.bulk_create(rows(10))
        assert Plain.django.count() == 0
        made = rows(10)
        Plain.objects.bulk_create(made)
        are_their_own(made)
