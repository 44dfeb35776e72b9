"""Where several connections would fail each other, or wait for each other: one does it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection

from app.models import Plain
from spy import watching

pytestmark = pytest.mark.django_db(transaction=True)

WAYS: dict[str, Any] = {"batch_size": 10, "concurrent": True}


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def test_l2_serializable_transactions_are_not_split() -> None:
    """The server may let one of them fail at COMMIT because of another."""
    made = Plain.objects.bulk_create(rows(400), return_queryset=True)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation TO serializable")
    try:
        for turn in range(5):
            for row in made[:200]:
                row.value = 1000 + turn
            with watching() as spy:
                assert made.update_fields(**WAYS) == 200
            assert spy.threads == {threading.get_ident()}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET default_transaction_isolation")
    assert Plain.django.filter(value=1004).count() == 200


def test_l2_serializable_by_djangos_option(monkeypatch: Any) -> None:
    from psycopg import IsolationLevel

    connection.close()
    options = {**connection.settings_dict["OPTIONS"]}
    options["isolation_level"] = IsolationLevel.SERIALIZABLE
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    try:
        with watching() as spy:
            Plain.objects.bulk_create(rows(60), **WAYS)
        assert spy.threads == {threading.get_ident()}
    finally:
        connection.close()


def test_w2_two_calls_that_wait_for_each_other() -> None:
    """One of them finds out, and goes on with one connection."""
    made = Plain.objects.bulk_create(rows(400))
    errors: list[BaseException] = []
    barrier = threading.Barrier(2, timeout=20)

    def write(value: int, order: int) -> None:
        mine = [Plain(pk=row.pk, name=row.name, value=value) for row in made][::order]
        try:
            barrier.wait()
            Plain.objects.update_fields("value", objects=mine, **WAYS)
        except OperationalError as error:  # of the two that remained, a deadlock
            errors.append(error)
        finally:
            connection.close()

    for turn in range(4):
        start = time.monotonic()
        calls = [threading.Thread(target=write, args=(10 * turn + i, (1, -1)[i])) for i in (0, 1)]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
        assert time.monotonic() - start < 30
    assert all(error.__cause__.sqlstate == "40P01" for error in errors)  # type: ignore[union-attr]
    assert len(errors) < 4
