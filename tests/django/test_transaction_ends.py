"""Ends of transactions that no atomic() block sees, or whose answer is lost."""

import traceback

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction

from app.models import Plain
from bulkmodel.errors import CommitUnknown

pytestmark = pytest.mark.django_db(transaction=True)


def values() -> list[int | None]:
    return list(Plain.django.order_by("pk").values_list("value", flat=True))


def test_a_rollback_of_a_transaction_without_atomic_is_noticed() -> None:
    Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
    rows = Plain.objects.order_by("pk")
    list(rows)
    transaction.set_autocommit(False)
    try:
        rows[0].value = 100
        assert rows.update_fields() == 1
        transaction.rollback()
        assert rows.update_fields() == 1
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert values()[0] == 100


def test_a_connection_lost_at_commit_is_told_by_calls_made_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost() -> None:
        raise OperationalError("gone")

    row = Plain(name="x")
    monkeypatch.setattr(connection, "_commit", lost)
    with pytest.raises(OperationalError) as caught:
        Plain.objects.create_queryset([row], commit_check=False)
    assert isinstance(caught.value, CommitUnknown) == (connection.vendor != "sqlite")
    assert row.pk is None and row._state.adding


class Rung(Exception):
    """What a signal handler raises."""


@pytest.mark.parametrize("behind", [False, True])
def test_an_exception_beside_commit_leaves_keys_and_table_in_agreement(
    monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    """Where it arrives decides whether the rows are there; the objects say what is true."""
    commit = connection._commit

    def rung() -> None:
        if behind:
            commit()
        raise Rung

    rows = [Plain(name=f"n{i}", value=i) for i in range(3000)]
    with monkeypatch.context() as patched, pytest.raises((Rung, ProgrammingError)) as caught:
        patched.setattr(connection, "_commit", rung)
        Plain.objects.bulk_create(rows, batch_size=1000)
    assert "Rung" in "".join(traceback.format_exception(caught.value))
    there = Plain.django.count()
    assert there == len(rows) or not (there or behind)
    assert {row.pk is not None for row in rows} == {there > 0}
    assert {row._state.adding for row in rows} == {there == 0}
    Plain.objects.bulk_create([Plain(name="next")])
