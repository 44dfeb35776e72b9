"""Few rows take the statements and the transactions that Django takes; many take hints."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Plain
from conftest import ENGINE

pytestmark = pytest.mark.django_db(transaction=True)

Call = Callable[[Any, list[Plain]], Any]


@contextlib.contextmanager
def autocommit_off() -> Iterator[None]:
    transaction.set_autocommit(False)
    try:
        yield
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


@contextlib.contextmanager
def nested() -> Iterator[None]:
    with transaction.atomic(), transaction.atomic():
        yield


MODES: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "autocommit": contextlib.nullcontext,
    "atomic": transaction.atomic,
    "without savepoint": lambda: transaction.atomic(savepoint=False),
    "nested": nested,
    "durable": lambda: transaction.atomic(durable=True),
    "autocommit off": autocommit_off,
}


def keyed(manager: Any, rows: list[Plain]) -> None:
    manager.bulk_create([Plain(pk=-1 - i, name=f"k{i}") for i in range(len(rows))])


def mixed(manager: Any, rows: list[Plain]) -> None:
    keys = (-1 - i if i % 2 else None for i in range(len(rows)))
    manager.bulk_create([Plain(pk=key, name=f"k{i}") for i, key in enumerate(keys)])


def batches(manager: Any, rows: list[Plain]) -> None:
    manager.bulk_create([Plain(name=f"k{i}") for i in range(len(rows))], batch_size=400)


CALLS: dict[str, Call] = {
    "create": lambda manager, rows: manager.bulk_create(
        [Plain(name=f"k{i}", value=i) for i in range(len(rows))]
    ),
    "create with keys": keyed,
    "create with some keys": mixed,
    "create in batches": batches,
    "create nothing": lambda manager, rows: manager.bulk_create([]),
    "bulk_update": lambda manager, rows: manager.bulk_update(rows, ["value"]),
    "bulk_update in batches": lambda manager, rows: manager.bulk_update(rows, ["value"], 400),
    "bulk_update of nothing": lambda manager, rows: manager.bulk_update([], ["value"]),
    "bulk_update of none": lambda manager, rows: manager.none().bulk_update(rows, ["value"]),
    "update": lambda manager, rows: manager.filter(name="n0").update(value=3),
    "update of none": lambda manager, rows: manager.none().update(value=3),
}


def statements(mode: str, call: Call, manager: Any, rows: list[Plain]) -> list[str]:
    """The first word of each statement: BEGIN, SAVEPOINT and COMMIT are among them."""
    with CaptureQueriesContext(connection) as captured, MODES[mode]():
        call(manager, rows)
    Plain.django.exclude(pk__in=[row.pk for row in rows]).delete()
    words = (query["sql"].split(" times: ")[-1] for query in captured)
    return [text.split()[0].rstrip(";") for text in words]


@pytest.mark.parametrize("n", [1, 2, 1000])
@pytest.mark.parametrize("mode", MODES)
def test_the_statements_and_transactions_of_django(mode: str, n: int) -> None:
    rows = Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])
    for name, call in CALLS.items():
        wanted = statements(mode, call, Plain.django, rows)
        assert statements(mode, call, Plain.objects, rows) == wanted, name
    wanted = statements(mode, CALLS["bulk_update"], Plain.django, rows)
    named = statements(mode, lambda m, r: m.update_fields("value", objects=r), Plain.objects, rows)
    assert named == wanted


SETTINGS = ["enable_hashjoin", "enable_mergejoin"]


def settings() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS))
        return list(cursor.fetchone())


@pytest.mark.parametrize("before", ["on", "off"])
def test_hints_end_with_the_call(before: str, on_engine: list[str]) -> None:
    rows = Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(1500)])
    Plain.django.bulk_create([Plain(name=f"m{i}") for i in range(8500)])
    seen: list[Any] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "enable_hashjoin" in sql and "bulkmodel." in sql:
            seen.append(settings())
        return result

    if ENGINE == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE app_plain")
            cursor.execute(f"SET enable_hashjoin = {before}")
    with transaction.atomic(), connection.execute_wrapper(look):
        assert Plain.objects.bulk_update(rows, ["value"]) == 1500
        assert Plain.objects.bulk_update(rows[:1000], ["value"]) == 1000
    assert len(on_engine) == 2
    assert seen == ([["off", "off"], [before, "on"]] if ENGINE == "postgresql" else [])
    if ENGINE == "postgresql":
        assert settings() == [before, "on"]
        with connection.cursor() as cursor:
            cursor.execute("RESET enable_hashjoin")


def test_hints_end_with_a_failure() -> None:
    rows = Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(1500)])
    rows[0].name = "n1"
    with transaction.atomic():
        before = settings() if ENGINE == "postgresql" else None
        with pytest.raises(IntegrityError), transaction.atomic():
            Plain.objects.bulk_update(rows, ["name"])
        assert before is None or settings() == before
    assert Plain.django.filter(name="n1").count() == 1


def test_a_small_table_is_joined_as_the_planner_likes() -> None:
    rows = Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(1500)])
    if ENGINE == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE app_plain")
    seen: list[Any] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and ENGINE == "postgresql":
            seen.append(settings())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        assert Plain.objects.bulk_update(rows, ["value"]) == 1500
    assert seen == ([["on", "on"]] if ENGINE == "postgresql" else [])
