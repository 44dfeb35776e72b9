"""The search for the row that an error does not name leaves nothing behind."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from app.models import Plain
from bulkmodel.engine import operation
from bulkmodel.verbs.bulk_create import Create

pytestmark = pytest.mark.django_db


@pytest.fixture
def plains() -> Any:
    Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
    return Plain.objects.order_by("pk")


def values() -> list[int | None]:
    return list(Plain.django.order_by("pk").values_list("value", flat=True))


def test_the_search_for_a_row_leaves_none_behind(plains: Any) -> None:
    """The caller may go on after the error, where Django begins no transaction of its own."""
    rows = [Plain(name=f"x{i}") for i in range(20)] + [Plain(name="n1")]
    create = Create(Plain.objects.all(), rows, None)
    create.jobs.is_one_statement = True
    with pytest.raises(IntegrityError), one_more_savepoint():
        operation.run(create.jobs.all[0], connection, create.jobs.condition)
    assert len(values()) == 6


class one_more_savepoint:
    """PostgreSQL's transaction is broken by any error: it goes on from here.  SQLite's is not, and
    nothing is taken back."""

    def __enter__(self) -> None:
        self.savepoint = transaction.savepoint()

    def __exit__(self, *error: Any) -> None:
        if connection.vendor == "postgresql":
            transaction.savepoint_rollback(self.savepoint)
        else:
            transaction.savepoint_commit(self.savepoint)
