"""What a look at the whole found: each once lost a row, or wrote another than was meant."""

from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, NotSupportedError, OperationalError, connection, transaction
from django.db.models.expressions import RawSQL

from app.models import Document, Plain
from bulkmodel.engine import operation
from bulkmodel.errors import CommitUnknown
from bulkmodel.model.attributes import MISSING
from bulkmodel.model.snapshot import Snapshot
from bulkmodel.verbs.bulk_create import Create

pytestmark = pytest.mark.django_db


@pytest.fixture
def plains() -> Any:
    Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
    return Plain.objects.order_by("pk")


def values() -> list[int | None]:
    return list(Plain.django.order_by("pk").values_list("value", flat=True))


@pytest.mark.parametrize(
    "narrow",
    [
        lambda rows: rows.extra(where=["app_plain.value > 2"]),
        lambda rows: rows.extra(where=["value > %s"], params=[2]),
        lambda rows: rows.filter(value__gt=RawSQL("app_plain.value - app_plain.value + 2", [])),
        lambda rows: rows.exclude(value__lte=RawSQL("2 + 0 * app_plain.value", [])),
    ],
)
def test_conditions_of_the_callers_own_sql(plains: Any, narrow: Any) -> None:
    for write in ("bulk_update", "update_fields"):
        rows = list(plains)
        for row in rows:
            row.value = row.pk * 10
        target = narrow(Plain.objects.all())
        if write == "bulk_update":
            assert target.bulk_update(rows, ["value"]) == 3
        else:
            assert target.update_fields("value", objects=rows) == 3
        assert values() == [0, 1, 2, *(row.pk * 10 for row in rows[3:])]
        for i, row in enumerate(rows):
            Plain.django.filter(pk=row.pk).update(value=i)


@pytest.mark.parametrize("options", [{"batch_size": 2}, {"return_queryset": True}])
def test_update_by_key_refuses_what_update_refuses(plains: Any, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="slice"):
        Plain.objects.all()[:2].update(value=-1, **options)
    with pytest.raises(NotSupportedError):
        Plain.objects.all().union(Plain.objects.all()).update(value=-1, **options)
    with pytest.raises(FieldDoesNotExist, match="nope"):
        Plain.objects.filter(value=-5).update(nope=-1, **options)
    if connection.features.can_distinct_on_fields:
        with pytest.raises(TypeError, match="distinct"):
            Plain.objects.order_by("value").distinct("value").update(value=-1, **options)
    assert values() == [0, 1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.engine
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


class Uncopyable:
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("cannot be copied")


def test_values_that_cannot_be_copied_are_read_and_written() -> None:
    image = Snapshot(Document, [Document(pk=1, name="a", body=Uncopyable())], "default", alike=True)
    assert image.columns["body"] == [MISSING]
    assert image.columns["name"] == ["a"]


@pytest.mark.django_db(transaction=True)
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
