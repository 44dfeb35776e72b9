"""bulk_delete(): by keys, in one statement where the model has no cascade, else as Django."""

import sqlite3
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from app.keys import Pair, Stock, Tagged
from app.models import Child, Keyed, Plain, Signed
from app.odd import ShoutedKey
from bulkmodel import _core, signals
from bulkmodel.results import Outcome

pytestmark = pytest.mark.django_db

SIZES = [5, 2500]


def tagged(n: int) -> list[Tagged]:
    return Tagged.objects.bulk_create([Tagged(name=f"t{i}") for i in range(n)])


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", ["objects", "keys", "texts"])
def test_one_statement(n: int, kind: str) -> None:
    rows = tagged(n)
    keys = [row.pk for row in rows]
    given = {"objects": rows, "keys": keys, "texts": map(str, keys)}[kind]
    with CaptureQueriesContext(connection) as captured:
        result = Tagged.objects.bulk_delete([*given][1:])
    sent = [query["sql"].split()[0] for query in captured]
    assert [kind for kind in sent if kind not in ("SAVEPOINT", "RELEASE", "BEGIN")] == ["DELETE"]
    assert result.deleted == n - 1 and result.deleted_by_label == {"app.Tagged": n - 1}
    assert result.keys == keys[1:] and set(result.outcomes) == {Outcome.DELETED}
    assert list(Tagged.objects.values_list("pk", flat=True)) == keys[:1]


def test_keys_that_no_row_has() -> None:
    rows = tagged(3)
    result = Tagged.objects.bulk_delete([4711, rows[1].pk, 4712])
    assert (result.deleted, result.missing) == (1, 2)
    assert list(result.outcomes) == [Outcome.MISSING, Outcome.DELETED, Outcome.MISSING]
    assert result.keys == [None, rows[1].pk, None]
    result = Tagged.objects.bulk_delete([4711])
    assert (result.missing, result.deleted_by_label) == (1, {})


def test_only_rows_that_the_queryset_selects() -> None:
    rows = tagged(4)
    some = Tagged.objects.filter(name__in=["t1", "t2"])
    result = some.bulk_delete(rows)
    assert (result.deleted, result.missing) == (2, 2)
    assert set(Tagged.objects.values_list("name", flat=True)) == {"t0", "t3"}
    with pytest.raises(TypeError, match="bulk_delete"):
        Tagged.objects.all()[:1].bulk_delete(rows)


def test_keys_of_other_kinds() -> None:
    keyed = Keyed.objects.create(name="a")
    assert Keyed.objects.bulk_delete([str(keyed.pk)]).keys == [keyed.pk]
    Pair.objects.bulk_create([Pair(left=1, right=f"{i}", value=1) for i in range(3)])
    result = Pair.objects.bulk_delete([(1, "0"), (1, "2"), (2, "0")])
    assert list(result.outcomes) == [Outcome.DELETED, Outcome.DELETED, Outcome.MISSING]
    assert [pair.pk for pair in Pair.objects.all()] == [(1, "1")]
    ShoutedKey.objects.create(name="joe")
    assert ShoutedKey.objects.bulk_delete(["Joe"]).deleted == 1


def test_by_other_fields() -> None:
    shop = Plain.django.create(name="shop")
    Stock.objects.bulk_create([Stock(shop=shop, sku=f"s{i}") for i in range(4)])
    result = Stock.objects.bulk_delete([(shop.pk, "s1"), (str(shop.pk), "s9")], ["shop", "sku"])
    assert list(result.outcomes) == [Outcome.DELETED, Outcome.MISSING]
    result = Stock.objects.bulk_delete([Stock(shop=shop, sku="s2")], ["shop", "sku"])
    assert result.deleted == 1 and result.keys[0] is not None
    assert set(Stock.objects.values_list("sku", flat=True)) == {"s0", "s3"}
    tagged(3)
    assert Tagged.objects.bulk_delete(["t1", "t2"], ["name"]).deleted == 2


def test_cascades_and_django_s_signals() -> None:
    owners = Plain.django.bulk_create([Plain(name=f"n{i}") for i in range(3)])
    Signed.objects.bulk_create([Signed(name="s", value=1, owner=owners[i % 2]) for i in range(4)])
    heard: list[Any] = []

    def hear(sender: Any, instance: Any, **facts: Any) -> None:
        heard.append((sender, instance.pk))

    models.signals.pre_delete.connect(hear, sender=Plain)
    models.signals.post_delete.connect(hear, sender=Signed)
    try:
        result = Plain.objects.bulk_delete([owners[0], owners[2]])
    finally:
        models.signals.pre_delete.disconnect(hear, sender=Plain)
        models.signals.post_delete.disconnect(hear, sender=Signed)
    assert result.deleted == 2
    assert {k: v for k, v in result.deleted_by_label.items() if v} == {
        "app.Plain": 2,
        "app.Signed": 2,
    }
    assert [pk for sender, pk in heard if sender is Plain] == [owners[0].pk, owners[2].pk]
    assert sum(sender is Signed for sender, _ in heard) == 2
    assert Signed.objects.count() == 2


def test_rows_in_two_tables() -> None:
    child = Child.objects.create(name="c")
    result = Child.objects.bulk_delete([child.pk])
    assert result.deleted == 1 and result.deleted_by_label["app.Child"] == 1
    assert Plain.django.count() == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda rows: [rows[0], Tagged(name="x")], "1 has no value in id"),
        (lambda rows: [None], "0 has no value in id"),
        (lambda rows: [rows[0], rows[1].pk], "objects or keys, not both"),
        (lambda rows: [(1, 2)], "Key 0 has 2 values instead of 1: id"),
        (lambda rows: [rows[0], rows[1], rows[0]], "0 and 2 have the same primary key"),
        (lambda rows: [rows[0].pk, str(rows[0].pk)], "0 and 1 have the same primary key"),
        (lambda rows: [Plain(pk=1)], "0 is a Plain"),
    ],
)
def test_what_is_refused(given: Any, said: str, django_assert_num_queries: Any) -> None:
    rows = tagged(3)
    with pytest.raises(ValueError, match=said), django_assert_num_queries(0):
        Tagged.objects.bulk_delete(given(rows))
    assert Tagged.objects.count() == 3


def test_repeated_keys_that_are_ignored() -> None:
    rows = tagged(2)
    result = Tagged.objects.bulk_delete([rows[0], rows[0], rows[1]], duplicates="last")
    assert list(result.outcomes) == [Outcome.IGNORED, Outcome.DELETED, Outcome.DELETED]


@pytest.mark.parametrize("model", [Tagged, Plain])
def test_a_dry_run(model: Any) -> None:
    rows = model.objects.bulk_create([model(name=f"t{i}") for i in range(3)])
    result = model.objects.bulk_delete(rows, dry_run=True)
    assert (result.deleted, result.dry_run) == (3, True)
    assert model.objects.count() == 3
    with transaction.atomic():
        model.objects.create(name="kept")
        model.objects.bulk_delete(rows, dry_run=True)
    assert model.objects.count() == 4


def test_nothing_to_delete(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Tagged.objects.bulk_delete([]).deleted == 0


def test_one_pair_of_signals() -> None:
    rows = tagged(2)
    heard: list[Any] = []

    def hear(signal: Any, **facts: Any) -> None:
        heard.append((signal, facts["n"], facts.get("result")))

    pair = (signals.pre_bulk_delete, signals.post_bulk_delete)
    for signal in pair:
        signal.connect(hear, sender=Tagged)
    try:
        result = Tagged.objects.bulk_delete([*(row.pk for row in rows), 4711])
    finally:
        for signal in pair:
            signal.disconnect(hear, sender=Tagged)
    assert heard == [(pair[0], 3, None), (pair[1], 2, result)]


def test_another_package_s_delete_is_called() -> None:
    class Soft(type(Tagged.objects.all())):  # type: ignore[misc]
        def delete(self) -> Any:
            return self.update(name="gone"), {"app.Tagged": 0}

    rows = tagged(2)
    assert Soft(Tagged).bulk_delete(rows[:1]).deleted == 1
    assert set(Tagged.objects.values_list("name", flat=True)) == {"gone", "t1"}


def test_from_a_coroutine() -> None:
    rows = tagged(2)

    async def run() -> Any:
        return await Tagged.objects.abulk_delete(rows, unique_fields=["name"])

    result = async_to_sync(run)()
    assert result.deleted == 2


def test_a_delete_without_the_table_of_the_engine() -> None:
    """It binds the cells of a row.  The engine called a function that the dialect does not have."""
    fields = (("id", "id", "int8", 1, -1, None, ""), ("part", "part", "text", 1, -1, None, ""))
    rows = _core.Rows(_core.Table("sqlite-rows", "t", fields), 2)
    assert rows.give(0, [1, 2], False, "int8")
    assert rows.give(1, ["a", "b"], False, "text")
    job = _core.Job(rows, "delete", (), 10, None, True, 0, None, ())
    _, sql, *_ = job.next()
    one = sqlite3.connect(":memory:")
    one.execute("CREATE TABLE t (id integer, part text)")
    one.executemany("INSERT INTO t VALUES (?, ?)", [(1, "a"), (2, "a"), (2, "b")])
    cells = job.bind(0, 2)
    one.executemany(sql, [cells[:2], cells[2:]])
    assert one.execute("SELECT * FROM t").fetchall() == [(2, "a")]
