"""Ends of transactions that no atomic() block sees, or whose answer is lost."""

import pytest
from django.db import OperationalError, connection, transaction

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
