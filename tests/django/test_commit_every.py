"""commit_every= of bulk_upsert() and bulk_delete() (issue 12, part 7; rule 6)."""

import logging
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from app.models import Plain
from bulkmodel.errors import CommitUnknown, Part, PartialCommit
from bulkmodel.results import Change, Outcome
from bulkmodel.verbs import bulk_upsert, commit_parts

pytestmark = pytest.mark.django_db(transaction=True)


def made(n: int) -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])


def stored() -> dict[str, int | None]:
    return dict(Plain.django.values_list("name", "value"))


def given(n: int = 7) -> list[Plain]:
    return [Plain(name=f"n{i}", value=-i) for i in range(n)]


def test_each_part_is_a_transaction() -> None:
    made(3)
    commits: list[int] = []
    rows = given()

    def hear(changes: list[Change]) -> None:
        transaction.on_commit(lambda: commits.append(len(changes)))

    result = Plain.objects.bulk_upsert(
        rows, ["name"], commit_every=3, on_changes=hear, return_changes=["value"]
    )
    assert result.parts == [
        Part("committed", [range(3)]),
        Part("committed", [range(3, 6)]),
        Part("committed", [range(6, 7)]),
    ]
    assert (result.updated, result.unchanged, result.inserted) == (2, 1, 4)
    assert commits == [2, 3, 1] and len(result.changes) == 6
    assert stored() == {row.name: row.value for row in rows}
    assert result.keys == [row.pk for row in rows] and None not in result.keys


def test_ignored_rows_are_in_no_part() -> None:
    rows = [Plain(name="a"), Plain(name="b"), Plain(name="a"), Plain(name="c"), Plain(name="d")]
    result = Plain.objects.bulk_upsert(rows, ["name"], duplicates="last", commit_every=2)
    assert [part.rows for part in result.parts] == [[range(1, 3)], [range(3, 5)]]
    assert result.outcomes[0] == Outcome.IGNORED and result.keys[0] is None


def test_a_part_that_fails_says_what_is_committed() -> None:
    rows = given()
    rows[5].name = "x" * 11 if connection.vendor == "postgresql" else None
    with pytest.raises(PartialCommit, match=r"^4 rows are committed") as caught:
        Plain.objects.bulk_upsert(rows, ["name"], commit_every=2, duplicates="first")
    error: Any = caught.value
    assert error.parts == (
        Part("committed", [range(2)]),
        Part("committed", [range(2, 4)]),
        Part("rolled back", [range(4, 6)]),
        Part("rolled back", [range(6, 7)]),
    )
    assert error.row_index == 5 and error.__cause__ is not None
    assert set(stored()) == {"n0", "n1", "n2", "n3"}
    assert [row.pk is not None for row in rows] == [True] * 4 + [False] * 3
    assert [row._state.adding for row in rows] == [False] * 4 + [True] * 3
    # The same call again finishes it.
    rows[5].name = "n5"
    result = Plain.objects.bulk_upsert(rows, ["name"], commit_every=2)
    assert (result.unchanged, result.inserted) == (4, 3)


def test_the_first_part_s_error_is_its_own() -> None:
    made(1)
    rows = [Plain(pk=4711, name="n0"), Plain(name="b")]
    with pytest.raises(IntegrityError):
        Plain.objects.bulk_upsert(rows, commit_every=1)
    assert stored() == {"n0": 0}


def test_a_part_whose_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    run = bulk_upsert.Upsert.run

    def lost(self: Any, places: Any = None) -> None:
        if places[0] == 2:
            raise CommitUnknown("lost")
        run(self, places)

    monkeypatch.setattr(bulk_upsert.Upsert, "run", lost)
    with pytest.raises(
        PartialCommit, match=r"2 rows are committed.*the outcome of.*2 more"
    ) as caught:
        Plain.objects.bulk_upsert(given(5), ["name"], commit_every=2)
    assert [part.state for part in caught.value.parts] == ["committed", "unknown", "rolled back"]


def test_the_first_part_s_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller must know that the other parts were not tried."""

    def lost(self: Any, places: Any = None) -> None:
        raise CommitUnknown("lost")

    monkeypatch.setattr(bulk_upsert.Upsert, "run", lost)
    with pytest.raises(
        PartialCommit, match=r"^0 rows.*the outcome of.*2 more rows is unknown"
    ) as caught:
        Plain.objects.bulk_upsert(given(5), ["name"], commit_every=2)
    assert caught.value.parts == (
        Part("unknown", [range(2)]),
        Part("rolled back", [range(2, 5)]),
    )
    assert isinstance(caught.value.__cause__, CommitUnknown)


def test_a_part_is_repeated_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    run, tried = bulk_upsert.Upsert.run, []

    def locked(self: Any, places: Any = None) -> None:
        tried.append(list(places))
        run(self, places)
        if len(tried) == 2:
            raise OperationalError("database is locked")

    monkeypatch.setattr(bulk_upsert.Upsert, "run", locked)
    monkeypatch.setattr("bulkmodel.engine.retry._may_pass", lambda error, connection: True)
    result = Plain.objects.bulk_upsert(given(4), ["name"], commit_every=2, retries=1)
    assert tried == [[0, 1], [2, 3], [2, 3]] and result.replays == 1
    assert len(stored()) == 4


def test_bulk_delete() -> None:
    keys = [row.pk for row in made(5)]
    result = Plain.objects.bulk_delete([*keys, 4711], commit_every=4, return_changes=["name"])
    assert [part.rows for part in result.parts] == [[range(4)], [range(4, 6)]]
    assert (result.deleted, result.missing) == (5, 1) and len(result.changes) == 5
    assert result.deleted_by_label == {"app.Plain": 5} and stored() == {}


def test_the_statements_are_counted() -> None:
    made(4)
    rows = given(4)
    whole = Plain.objects.bulk_upsert(rows, ["name"], dry_run=True)
    parts = Plain.objects.bulk_upsert(rows, ["name"], commit_every=2)
    assert parts.statements == 2 * whole.statements


def test_it_is_refused(django_assert_num_queries: Any) -> None:
    """Rules 12 and 14."""
    rows = given(2)
    with transaction.atomic(), django_assert_num_queries(0):
        with pytest.raises(
            TransactionManagementError, match=r"outside atomic.*remove commit_every"
        ):
            Plain.objects.bulk_upsert(rows, ["name"], commit_every=1)
        with pytest.raises(
            TransactionManagementError, match=r"outside atomic.*remove commit_every"
        ):
            Plain.objects.bulk_delete([1, 2], commit_every=1)
    for size in (0, -1, 1.5, "5"):
        with pytest.raises(ValueError, match="commit_every must be a positive integer"):
            Plain.objects.bulk_upsert(rows, ["name"], commit_every=size)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dry_run"):
        Plain.objects.bulk_upsert(rows, ["name"], commit_every=1, dry_run=True)
    with pytest.raises(ValueError, match="timeout"):
        Plain.objects.bulk_upsert(rows, ["name"], commit_every=1, timeout=60)
    assert stored() == {}


def test_a_large_transaction_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert commit_parts.LARGE == 1_000_000
    monkeypatch.setattr(commit_parts, "LARGE", 3)
    caplog.set_level(logging.WARNING, "bulkmodel")
    Plain.objects.bulk_upsert(given(3), ["name"])
    Plain.objects.bulk_upsert(given(4), ["name"], commit_every=2)
    assert caplog.messages == []
    Plain.objects.bulk_upsert(given(4), ["name"])
    Plain.objects.bulk_delete([1, 2, 3, 4])
    assert caplog.messages == [
        f"{verb}() writes 4 rows in one transaction; commit_every=ROWS makes it several"
        for verb in ("bulk_upsert", "bulk_delete")
    ]
