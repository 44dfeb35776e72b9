"""Rows that a trigger drops are SKIPPED, or an error with the counts (issue 12, part 5; L26)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import F

from app.models import Plain, Signed
from bulkmodel.results import Outcome

pytestmark = pytest.mark.django_db

Drops = Callable[[str], None]
SIZES = [6, 1500]


@pytest.fixture
def drops() -> Drops:
    """Make a trigger that drops the INSERT, UPDATE or DELETE of rows with an odd value."""

    def make(kind: str) -> None:
        row = "OLD" if kind == "DELETE" else "NEW"
        if connection.vendor == "sqlite":
            sql = (
                f"CREATE TRIGGER drops BEFORE {kind} ON app_plain WHEN {row}.value % 2 = 1"
                " BEGIN SELECT RAISE(IGNORE); END",
            )
        else:
            sql = (
                "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                f" IF {row}.value % 2 = 1 THEN RETURN NULL; END IF; RETURN {row}; END'",
                f"CREATE TRIGGER drops BEFORE {kind} ON app_plain"
                " FOR EACH ROW EXECUTE FUNCTION drops()",
            )
        with connection.cursor() as cursor:
            for one in sql:
                cursor.execute(one)

    return make


def made(n: int) -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=f"n{i}", value=-i) for i in range(n)])


def stored() -> dict[str, int | None]:
    return dict(Plain.django.values_list("name", "value"))


def expected(n: int, done: Outcome) -> list[int]:
    return [Outcome.SKIPPED if i % 2 else done for i in range(n)]


@pytest.mark.parametrize("n", SIZES)
def test_inserts(drops: Drops, n: int) -> None:
    drops("INSERT")
    rows = [Plain(name=f"n{i}", value=i % 40 == 1 or 2) for i in range(n)]
    with pytest.raises(DatabaseError, match=r"wrote \d+ of \d+ rows.*: a trigger"):
        Plain.objects.bulk_upsert(rows, ["name"])
    assert stored() == {} and rows[0].pk is None
    result = Plain.objects.bulk_upsert(rows, ["name"], allow_skipped=True)
    dropped = [row.value == 1 for row in rows]
    assert [one == Outcome.SKIPPED for one in result.outcomes] == dropped
    assert result.skipped == sum(dropped) and result.inserted == n - sum(dropped) == len(stored())
    assert [key is None for key in result.keys] == dropped
    assert [row.pk is None and row._state.adding for row in rows] == dropped


@pytest.mark.parametrize("with_set", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_updates(drops: Drops, n: int, with_set: bool) -> None:
    made(n)
    drops("UPDATE")
    rows = [Plain(name=f"n{i}", value=i) for i in range(2, n)]
    options: Any = {"set": {"value": -F("value")}} if with_set else {}
    with pytest.raises(DatabaseError, match=r"rows: a trigger.*pass allow_skipped=True"):
        Plain.objects.bulk_upsert(rows, ["name"], **options)
    assert stored() == {f"n{i}": -i for i in range(n)}
    result = Plain.objects.bulk_upsert(rows, ["name"], allow_skipped=True, **options)
    assert list(result.outcomes) == expected(n, Outcome.UPDATED)[2:]
    assert result.skipped + result.updated == n - 2
    assert stored() == {f"n{i}": i if i % 2 == 0 else -i for i in range(n)}


@pytest.mark.parametrize("cascades", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_deletes(drops: Drops, n: int, cascades: bool) -> None:
    model: Any = Plain
    rows = [Plain(name=f"n{i}", value=i) for i in range(n)]
    model.django.bulk_create(rows)
    if cascades:
        Signed.objects.create(name="s", value=0, owner=rows[0])
    drops("DELETE")
    keys = [row.pk for row in rows]
    with pytest.raises(DatabaseError, match=rf"wrote {n - n // 2} of {n} rows.*allow_skipped"):
        Plain.objects.bulk_delete(keys)
    assert len(stored()) == n
    result = Plain.objects.bulk_delete([*keys, 4711_4711], allow_skipped=True)
    assert list(result.outcomes) == [*expected(n, Outcome.DELETED), Outcome.MISSING]
    assert (result.deleted, result.skipped, result.missing) == (n - n // 2, n // 2, 1)
    assert result.deleted_by_label["app.Plain"] == result.deleted
    assert set(stored()) == {f"n{i}" for i in range(1, n, 2)}


def test_a_sync(drops: Drops) -> None:
    rows = [Plain(name=f"n{i}", value=i) for i in range(6)]
    Plain.django.bulk_create(rows)
    drops("DELETE")
    given = [Plain(name="n0", value=9)]
    with pytest.raises(DatabaseError, match=r"wrote 2 of 5 rows.*allow_skipped"):
        Plain.objects.all().bulk_sync(given, ["name"])
    assert len(stored()) == 6
    result = Plain.objects.all().bulk_sync(given, ["name"], allow_skipped=True)
    assert result.deleted == 2 and set(stored()) == {"n0", "n1", "n3", "n5"}


def test_update_fields(drops: Drops) -> None:
    rows = made(4)
    drops("UPDATE")
    given = [Plain(pk=row.pk, value=i) for i, row in enumerate(rows)]
    given.append(Plain(pk=4711, value=0))
    result = Plain.objects.update_fields("value", objects=given, return_result=True)
    told = [Outcome.UPDATED, Outcome.SKIPPED, Outcome.UPDATED, Outcome.SKIPPED, Outcome.MISSING]
    assert list(result.outcomes) == told and result.skipped == 2
    result = Plain.objects.update_fields(
        "value", objects=given, return_result=True, return_changes=True
    )
    assert list(result.outcomes) == told and result.changes == []
