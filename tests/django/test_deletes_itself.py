"""bulk_delete() and bulk_sync() of rows that refer to each other, watched in parts (issue 12,
part 6; rule 2)."""

from typing import Any

import pytest
from django.db import models
from django.db.models.signals import post_delete

from app.models import Node
from bulkmodel.results import Change, Outcome
from bulkmodel.verbs import changes

pytestmark = pytest.mark.django_db

N = 7


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """The rows of one part refer to those of the parts before."""
    monkeypatch.setattr(changes, "ROWS", 2)
    rows = Node.objects.bulk_create([Node(name=f"{i}") for i in range(N)])
    for i, row in enumerate(rows[1:]):
        row.parent = rows[i // 2]
    Node.objects.update_fields("parent", objects=rows)
    return rows


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_later_parts_are_deleted_once(nodes: list[Node], order: int) -> None:
    told: list[Change] = []
    heard: list[Any] = []

    def hear(instance: models.Model, **_: Any) -> None:
        heard.append(instance.pk)

    keys = [row.pk for row in nodes][::order]
    post_delete.connect(hear, sender=Node)
    try:
        result = Node.objects.bulk_delete(keys, return_changes=["name"], on_changes=told.extend)
    finally:
        post_delete.disconnect(hear, sender=Node)
    assert (result.deleted, result.missing) == (N, 0)
    assert set(result.outcomes) == {Outcome.DELETED} and result.keys == keys
    assert result.deleted_by_label == {"app.Node": N}
    assert [change.key for change in result.changes] == keys
    assert told == result.changes and len(heard) == N
    assert not Node.objects.exists()


def test_changes_come_in_parts(nodes: list[Node]) -> None:
    sizes: list[int] = []
    Node.objects.bulk_delete(nodes, on_changes=lambda some: sizes.append(len(some)))
    assert max(sizes) <= 2 * 2 and sum(sizes) == N * 2  # two rows, two fields each


def test_a_row_that_a_cascade_takes_is_told_too(nodes: list[Node]) -> None:
    keys = {row.pk for row in nodes}
    result = Node.objects.bulk_delete(nodes[:1], return_changes=["name"])
    assert result.deleted == 1 and result.deleted_by_label == {"app.Node": N}
    assert {change.key for change in result.changes} == keys
    assert {change.outcome for change in result.changes} == {Outcome.DELETED}


@pytest.mark.django_db(transaction=True)
def test_rows_that_an_earlier_transaction_took(nodes: list[Node]) -> None:
    keys = [row.pk for row in nodes]
    result = Node.objects.bulk_delete(nodes, commit_every=2, return_changes=["name"])
    assert (result.deleted, result.missing) == (N, 0) and result.keys == keys
    assert len(result.parts) == 4 and result.deleted_by_label == {"app.Node": N}
    assert [change.key for change in result.changes] == keys


def test_a_sync_counts_the_rows_of_its_queryset(nodes: list[Node]) -> None:
    scope = Node.objects.filter(name__in=["0", "1", "2"])
    result = scope.bulk_sync([], ["name"], allow_empty=True, return_changes=["name"])
    assert result.deleted == 3 and result.deleted_by_label == {"app.Node": N}
    assert len(result.changes) == N
