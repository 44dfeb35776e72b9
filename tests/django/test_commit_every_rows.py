"""commit_every= of the methods that create and update rows (issue 12, part 7; rule 6)."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from app.computing import Rare
from app.models import Plain
from bulkmodel.errors import Part, PartialCommit
from bulkmodel.results import Outcome
from bulkmodel.verbs import changes, commit_parts

pytestmark = pytest.mark.django_db(transaction=True)


def given(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def made(n: int) -> list[Plain]:
    return Plain.django.bulk_create(given(n))


def stored() -> dict[str, int | None]:
    return dict(Plain.django.values_list("name", "value"))


def bad(rows: list[Plain], at: int) -> list[Plain]:
    rows[at].value = 2**70
    return rows


def create(rows: Any, **options: Any) -> Any:
    return Plain.objects.bulk_create(rows, **options)


def create_by_options(rows: Any, **options: Any) -> Any:
    return Plain.objects.bulk_options(**options).bulk_create(rows)


def create_by_django(rows: Any, **options: Any) -> Any:
    """SQLite and PostgreSQL: Django's own bulk_create() does it."""
    return Plain.objects.bulk_create(rows, ignore_conflicts=True, **options)


def copy(rows: Any, **options: Any) -> Any:
    return Plain.objects.copy_from_objects(rows, exclude_id=False, **options)


def copy_stream(rows: Any, **options: Any) -> Any:
    return copy(iter(list(rows)), **options)


CREATES = (create, create_by_options, create_by_django, copy, copy_stream)


def update(rows: Any, **options: Any) -> Any:
    return Plain.objects.update_fields("value", objects=rows, **options)


def update_django(rows: Any, **options: Any) -> Any:
    return Plain.objects.bulk_options(**options).bulk_update(rows, ["value"])


UPDATES = (update, update_django)


def names_row(verb: Any, error: Any, row: int) -> bool:
    """Return whether the error is about this row.  Nobody says which number is too large for the
    CASE of Django's bulk_update()."""
    if verb is update_django:
        return error.row_index in (row, None)
    return (error.row_index, error.field_name) == (row, "value")


@pytest.mark.parametrize("verb", CREATES)
@pytest.mark.parametrize("n", [0, 1, 4, 6])
def test_creates_write_everything(verb: Callable[..., Any], n: int) -> None:
    rows = given(n)
    told = verb(rows, commit_every=2)
    assert stored() == {row.name: row.value for row in rows}
    if verb in (copy, copy_stream):
        assert told == n
    else:
        assert told == rows


def test_created_objects_have_their_keys() -> None:
    rows = given(5)
    found = create(rows, commit_every=2, return_queryset=True)
    keys = dict(Plain.django.values_list("name", "pk"))
    assert [row.pk for row in rows] == [keys[row.name] for row in rows]
    assert [row.pk for row in found] == [row.pk for row in rows]
    assert not any(row._state.adding for row in rows)


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("retries", [0, 1])
def test_copied_objects_have_their_keys(kind: Any, retries: int) -> None:
    rows = given(5)
    found = Plain.objects.copy_from_objects(
        kind(rows), commit_every=2, return_queryset=True, retries=retries
    )
    keys = dict(Plain.django.values_list("name", "pk"))
    assert [row.pk for row in found] == [keys[row.name] for row in rows]
    assert [row.name for row in found] == [row.name for row in rows]


def test_each_part_is_committed_before_the_next_object_is_read() -> None:
    """Another connection would see them: the stream is read outside of their transaction."""
    seen: list[tuple[int, bool]] = []

    def stream() -> Iterator[Plain]:
        for i, row in enumerate(given(5)):
            if i in (2, 4):
                seen.append((Plain.django.count(), connection.in_atomic_block))
            yield row

    assert Plain.objects.copy_from_objects(stream(), commit_every=2) == 5
    assert seen == [(2, False), (4, False)]


@pytest.mark.parametrize("verb", (create, create_by_options, copy))
def test_a_create_that_fails_says_what_is_committed(verb: Callable[..., Any]) -> None:
    rows = bad(given(7), 5)
    with pytest.raises(PartialCommit, match=r"^4 rows are committed") as caught:
        verb(rows, commit_every=2)
    error: Any = caught.value
    assert error.parts == (
        Part("committed", [range(2)]),
        Part("committed", [range(2, 4)]),
        Part("rolled back", [range(4, 6)]),
        Part("rolled back", [range(6, 7)]),
    )
    assert (error.row_index, error.field_name) == (5, "value")
    assert set(stored()) == {"n0", "n1", "n2", "n3"}
    keyed = 4 if verb is not copy else 0  # it sets no keys unless a queryset is asked for
    assert [row.pk is not None for row in rows] == [True] * keyed + [False] * (7 - keyed)


def test_a_conflict_of_two_parts() -> None:
    """The database refuses a row, and the server's answer names it among all."""
    rows = [Plain(pk=i, name=f"n{i}") for i in (11, 12, 13, 14, 12, 16)]
    for verb in (create, copy):
        with pytest.raises(PartialCommit) as caught:
            verb(rows, commit_every=3)
        assert isinstance(caught.value.__cause__, IntegrityError)
        assert caught.value.parts == (
            Part("committed", [range(3)]),
            Part("rolled back", [range(3, 6)]),
        )
        assert caught.value.row_index in (4, None)  # type: ignore[attr-defined]
        assert set(stored()) == {"n11", "n12", "n13"}
        Plain.django.all().delete()


@pytest.mark.parametrize("retries", [0, 1])
def test_a_stream_that_fails(retries: int) -> None:
    """Rows that were never read are in no part."""
    rows = bad(given(9), 5)
    with pytest.raises(PartialCommit, match=r"^4 rows are committed") as caught:
        copy_stream(rows, commit_every=2, retries=retries)
    assert [part.state for part in caught.value.parts] == ["committed"] * 2 + ["rolled back"]
    assert caught.value.parts[-1].rows == [range(4, 6)]
    assert caught.value.row_index == 5  # type: ignore[attr-defined]
    assert set(stored()) == {"n0", "n1", "n2", "n3"}


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_generator_that_fails(at: int) -> None:
    def stream() -> Iterator[Plain]:
        yield from given(at)
        raise OSError("the file ends here")

    with pytest.raises(PartialCommit, match="the file ends here") as caught:
        Plain.objects.copy_from_objects(stream(), commit_every=2)
    assert isinstance(caught.value.__cause__, OSError)
    committed = [part for part in caught.value.parts if part.state == "committed"]
    assert sum(len(rows) for part in committed for rows in part.rows) == len(stored())
    assert len(stored()) == at - at % 2


@pytest.mark.parametrize("verb", (create, copy, copy_stream, update, update_django))
def test_the_first_part_s_error_is_its_own(verb: Callable[..., Any]) -> None:
    rows = bad(made(3) if verb in UPDATES else given(3), 0)
    before = stored()
    with pytest.raises((DatabaseError, OverflowError)) as caught:
        verb(rows, commit_every=2)
    assert not isinstance(caught.value, PartialCommit)
    assert names_row(verb, caught.value, 0)
    assert stored() == before


@pytest.mark.parametrize("verb", UPDATES)
def test_updates_write_everything(verb: Callable[..., Any]) -> None:
    rows = made(7)
    for row in rows:
        row.value = -row.value
    assert verb(rows, commit_every=3) == 7
    assert stored() == {row.name: row.value for row in rows}


@pytest.mark.parametrize("verb", UPDATES)
def test_an_update_that_fails_says_what_is_committed(verb: Callable[..., Any]) -> None:
    rows = made(7)
    for row in rows:
        row.value += 100
    bad(rows, 4)
    with pytest.raises(PartialCommit, match=r"^3 rows are committed") as caught:
        verb(rows, commit_every=3)
    error: Any = caught.value
    assert [part.state for part in error.parts] == ["committed", "rolled back", "rolled back"]
    assert [part.rows for part in error.parts] == [[range(3)], [range(3, 6)], [range(6, 7)]]
    assert names_row(verb, error, 4)
    assert sorted(stored().values()) == [3, 4, 5, 6, 100, 101, 102]


def test_an_update_of_a_queryset_in_parts() -> None:
    """Only changed rows count, and those of later parts stay changed."""
    made(7)
    rows = Plain.objects.order_by("name")
    for row in rows:
        if row.value != 2:
            row.value += 100
    rows[5].value = 2**70
    with pytest.raises(PartialCommit) as caught:
        rows.update_fields(commit_every=2)
    assert [part.rows for part in caught.value.parts] == [
        [range(2)],
        [range(3, 5)],
        [range(5, 7)],
    ]
    assert sorted(stored().values()) == [2, 5, 6, 100, 101, 103, 104]
    rows[5].value = 105
    result = rows.update_fields(commit_every=1, return_result=True)
    assert (result.updated, result.unchanged) == (2, 5)
    assert result.parts == [Part("committed", [range(5, 6)]), Part("committed", [range(6, 7)])]
    assert sorted(stored().values()) == [2, 100, 101, 103, 104, 105, 106]
    assert rows.update_fields() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"commit_every": 1},
        {"commit_every": 2, "return_result": True},
        {"return_result": True, "return_changes": True},
        {"concurrent": True, "max_concurrent_workers": 2, "batch_size": 1},
    ],
)
def test_a_field_that_did_not_change_in_a_part(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "ROWS", 1)
    made(4)
    rows = Plain.objects.order_by("name")
    list(rows)
    rows[0].name = "X"
    rows[1].value, rows[2].value, rows[3].value = 70, 71, 72
    Plain.django.filter(name="n1").update(name="theirs")
    told = rows.update_fields(**options)
    assert getattr(told, "updated", told) == 4
    assert stored() == {"X": 0, "theirs": 70, "n2": 71, "n3": 72}
    assert rows.update_fields() == 0


@pytest.mark.parametrize("commit_every", [None, 1, 2])
def test_the_only_row_with_a_field_is_no_longer_selected(commit_every: int | None) -> None:
    made(3)
    rows = Plain.objects.filter(value__lt=10).order_by("name")
    list(rows)
    rows[0].name = "X"
    rows[1].value, rows[2].value = 7, 8
    Plain.django.filter(name="n0").update(value=100)
    result = rows.update_fields(return_result=True, commit_every=commit_every)
    assert list(result.outcomes) == [Outcome.MISSING, Outcome.UPDATED, Outcome.UPDATED]
    assert stored() == {"n0": 100, "n1": 7, "n2": 8}


def test_fields_of_several_tables_in_parts() -> None:
    Rare.objects.copy_from_objects([Rare(name=f"n{i}", code=i, level=i) for i in range(3)])
    rows = Rare.objects.order_by("code")
    list(rows)
    rows[0].name, rows[1].level, rows[2].code = "x", 7, 8
    assert rows.update_fields(commit_every=1) == 3
    found = set(Rare.django.values_list("name", "code", "level"))
    assert found == {("x", 0, 0), ("n1", 1, 7), ("n2", 8, 2)}


def test_the_result_of_an_update() -> None:
    rows = [*made(3), Plain(pk=4711, name="gone", value=1)]
    for row in rows:
        row.value = 9
    heard: list[int] = []
    result = Plain.objects.update_fields(
        "value",
        objects=rows,
        commit_every=2,
        return_result=True,
        return_changes=True,
        on_changes=lambda changes: heard.append(len(changes)),
    )
    assert [part.rows for part in result.parts] == [[range(2)], [range(2, 4)]]
    assert (result.updated, result.missing) == (3, 1)
    assert len(result.changes) == 3 and heard == [2, 1]
    whole = Plain.objects.update_fields("value", objects=rows, return_result=True)
    assert whole.parts == []


def test_keys_that_unique_fields_found() -> None:
    """Objects of committed parts keep their keys."""
    made(4)
    rows = bad(given(4), 3)
    with pytest.raises(PartialCommit):
        Plain.objects.update_fields("value", objects=rows, unique_fields=["name"], commit_every=2)
    assert [row.pk is not None for row in rows] == [True, True, False, False]


def test_a_function_of_on_commit_that_fails() -> None:
    """COMMIT has succeeded, so its rows are committed."""

    def fail() -> None:
        raise OSError("the mail server is away")

    def stream() -> Iterator[Plain]:
        for i, row in enumerate(given(6)):
            if i == 3:
                transaction.on_commit(fail)
            yield row

    with pytest.raises((PartialCommit, OSError)) as caught:
        Plain.objects.copy_from_objects(stream(), commit_every=2)
    assert isinstance(caught.value, PartialCommit)
    committed = [part for part in caught.value.parts if part.state == "committed"]
    assert sum(len(rows) for part in committed for rows in part.rows) == len(stored()) == 4


@pytest.mark.parametrize("n", [2, 6])
def test_on_commit_fails_after_the_first_part_of_a_stream(n: int) -> None:
    """The caller must know that the rest was not tried, and nobody knows whether there is one."""

    def fail() -> None:
        raise OSError("the mail server is away")

    def stream() -> Iterator[Plain]:
        for i, row in enumerate(given(n)):
            if i == 1:
                transaction.on_commit(fail)
            yield row

    with pytest.raises(PartialCommit, match=r"^2 rows .*an on_commit\(\) function") as caught:
        Plain.objects.copy_from_objects(stream(), commit_every=2)
    assert caught.value.parts == (Part("committed", [range(2)]),)
    assert isinstance(caught.value.__cause__, OSError) and len(stored()) == 2


@pytest.mark.parametrize("verb", (create, create_by_options, create_by_django, copy, update_django))
def test_objects_are_checked_before_the_first_part(verb: Callable[..., Any]) -> None:
    rows: list[Any] = made(3) if verb is update_django else given(3)
    before = stored()
    for row in rows:
        row.value += 100
    for wrong in [3, Rare(), *([Plain(name="no key")] if verb is update_django else [])]:
        with pytest.raises(ValueError, match=r"not an instance|must have a primary key") as caught:
            verb([*rows, wrong], commit_every=2)
        assert caught.value.row_index == 3  # type: ignore[attr-defined]
        assert not isinstance(caught.value, PartialCommit) and stored() == before


@pytest.mark.parametrize("verb", (*CREATES, *UPDATES))
def test_it_is_refused(verb: Callable[..., Any], django_assert_num_queries: Any) -> None:
    """Rules 12 and 14.  A generator is not read."""
    rows = made(2) if verb in UPDATES else given(2)
    before = stored()
    read: list[int] = []

    def stream() -> Iterator[Plain]:
        read.append(1)
        yield from rows

    with transaction.atomic(), django_assert_num_queries(0):
        for objs in (rows, stream()):
            if verb is not copy_stream:
                with pytest.raises(TransactionManagementError, match=r"commit_every.*atomic"):
                    verb(objs, commit_every=1)
    for size in (0, -1, 1.5, "5"):
        with pytest.raises(ValueError, match="commit_every must be a positive integer"):
            verb(rows, commit_every=size)
    if verb not in (create_by_options, update_django):
        with pytest.raises(ValueError, match="timeout"):
            verb(rows, commit_every=1, timeout=60)
    assert stored() == before and read == []


def test_what_has_no_parts() -> None:
    with pytest.raises(ValueError, match="commit_every cannot be used with update"):
        Plain.objects.bulk_options(commit_every=1).update(value=1)
    with pytest.raises(ValueError, match=r"on_error.*commit_every"):
        Plain.objects.copy_from_objects(given(2), commit_every=1, on_error="collect")
    assert stored() == {}


def test_a_large_transaction_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(commit_parts, "LARGE", 3)
    caplog.set_level(logging.WARNING, "bulkmodel")
    for verb in CREATES:
        verb(given(3))
        Plain.django.all().delete()
        verb(given(4), commit_every=2)
        Plain.django.all().delete()
    rows = made(4)
    for verb in UPDATES:
        verb(rows[:3])
        verb(rows, commit_every=2)
    assert caplog.messages == []
    update(rows)
    update_django(rows)
    for verb in (create, copy, copy_stream):
        Plain.django.all().delete()
        verb(given(4))
    Plain.objects.bulk_upsert([Plain(name=f"m{i}") for i in range(4)], ["name"])  # once
    names = ["update_fields", "bulk_update", "bulk_create", *["copy_from_objects"] * 2]
    assert caplog.messages == [
        f"{verb}() writes 4 rows in one transaction; commit_every=ROWS makes it several"
        for verb in (*names, "bulk_upsert")
    ]
