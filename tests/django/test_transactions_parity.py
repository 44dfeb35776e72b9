"""L8: what a failed call leaves of the caller's transaction is what Django's leaves, whatever n."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from app.models import Plain

pytestmark = pytest.mark.django_db(transaction=True)


def bulk_create(manager: Any, n: int, keyed: str, size: int | None = None) -> None:
    rows = [Plain(name=f"n{i}") for i in range(n)]
    rows[-1].name = rows[0].name
    for i, row in enumerate(rows):
        if keyed == "all" or (keyed == "some" and i % 2):
            row.pk = 1_000_000 + i
    manager.bulk_create(rows, batch_size=size)


def bulk_update(manager: Any, n: int, keyed: str) -> None:
    rows = list(Plain._base_manager.exclude(name="first"))
    for row in rows:
        row.name = "same"
    manager.bulk_update(rows, ["name"])


def left(call: Callable[[], None], outer: Callable[[], Any], manager: Any) -> list[Any]:
    """What can be seen of a transaction in which the call failed, and of the table afterwards."""
    Plain._base_manager.exclude(name__startswith="n").delete()
    seen: list[Any] = []
    try:
        with outer():
            Plain._base_manager.create(name="first")
            try:
                call()
            except DatabaseError as error:
                seen.append(type(error))
            seen.append(connection.needs_rollback)
            try:
                seen.append(Plain._base_manager.filter(name="first").count())
                Plain._base_manager.create(name="last")
            except Exception as error:
                seen.append(type(error))
    except Exception as error:
        seen.append(type(error))
    names = Plain._base_manager.exclude(name__startswith="n").values_list("name", flat=True)
    return [*seen, sorted(names)]


def of(write: Callable[..., None], manager: Any, *given: Any) -> Callable[[], None]:
    return lambda: write(manager, *given)


def nested() -> Any:
    """Its own savepoint in a transaction."""
    return transaction.atomic()


OUTER: list[Callable[[], Any]] = [
    transaction.atomic,
    lambda: transaction.atomic(durable=True),
    lambda: transaction.atomic(savepoint=False),
]


@pytest.mark.parametrize("outer", OUTER, ids=["plain", "durable", "no savepoint"])
@pytest.mark.parametrize("keyed", ["none", "all", "some"])
@pytest.mark.parametrize("n", [2, 1000, 1001, 2600])
def test_a_failed_bulk_create(n: int, keyed: str, outer: Callable[[], Any]) -> None:
    managers = (Plain.django, Plain.objects)
    found = [left(of(bulk_create, m, n, keyed), outer, m) for m in managers]
    assert found[1] == found[0]


@pytest.mark.parametrize("n", [2, 1001])
def test_a_failed_bulk_create_in_a_savepoint(n: int) -> None:
    found = []
    for manager in (Plain.django, Plain.objects):
        with transaction.atomic():
            outcome = left(of(bulk_create, manager, n, "none"), nested, manager)
            found.append([*outcome, connection.needs_rollback])
    assert found[1] == found[0]


@pytest.mark.parametrize("n", [2, 1001])
def test_a_failed_bulk_create_with_batches(n: int) -> None:
    found = []
    for manager in (Plain.django, Plain.objects):
        found.append(left(of(bulk_create, manager, n, "none", 900), transaction.atomic, manager))
    assert found[1] == found[0]


@pytest.mark.parametrize("n", [2, 1001])
def test_a_failed_bulk_create_without_autocommit(n: int) -> None:
    found = []
    for manager in (Plain.django, Plain.objects):
        transaction.set_autocommit(False)
        try:
            Plain._base_manager.create(name="first")
            with pytest.raises(DatabaseError):
                bulk_create(manager, n, "none")
            try:
                found.append(list(Plain._base_manager.values_list("name", flat=True)))
            except DatabaseError as error:
                found.append([type(error)])
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
    assert found[1] == found[0]


@pytest.mark.parametrize("n", [2, 1001])
def test_a_failed_bulk_update(n: int) -> None:
    found = []
    for manager in (Plain.django, Plain.objects):
        Plain._base_manager.all().delete()
        Plain._base_manager.bulk_create([Plain(name=f"n{i}") for i in range(n)])
        found.append(left(of(bulk_update, manager, n, ""), transaction.atomic, manager))
    assert found[1] == found[0]


@pytest.mark.parametrize("n", [1, 3, 1500])
@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update"])
def test_a_refused_value_leaves_the_transaction_usable(verb: str, n: int) -> None:
    """Nothing was sent: docs/differences.md."""
    rows = [Plain(name=f"n{i}", value=0) for i in range(n)]
    if verb == "bulk_update":
        Plain._base_manager.bulk_create(rows)
    before = Plain._base_manager.count()
    for row in rows:
        row.value = 1
    rows[-1].value = "x"  # type: ignore[assignment]
    with transaction.atomic():
        Plain._base_manager.create(name="first")
        with pytest.raises(ValueError, match="expected a number"):
            if verb == "bulk_update":
                Plain.objects.bulk_update(rows, ["value"])
            else:
                Plain.objects.bulk_create(rows)
        Plain._base_manager.create(name="last")
    assert Plain._base_manager.count() == before + 2
    assert not Plain._base_manager.filter(value=1).exists()
