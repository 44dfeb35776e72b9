"""bulk_sync(): the rows of a queryset become those of the objects."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from app.keys import Stock
from app.linked import Shelf
from app.models import Node, Plain, Signed
from bulkmodel import signals
from bulkmodel.errors import Refused, TooManyDeletes
from bulkmodel.results import BulkResult, Change, Outcome
from bulkmodel.verbs import bulk_sync, bulk_upsert

pytestmark = pytest.mark.django_db

SIZES = [30, 2500]
BY = ["sku"]


@pytest.fixture
def shops() -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=name) for name in ("one", "two")])


def stock(shop: Plain, n: int, **values: Any) -> list[Stock]:
    rows = [Stock(shop=shop, sku=f"{shop.name}{i}", amount=i, **values) for i in range(n)]
    return Stock.objects.bulk_create(rows)


def of(shop: Plain) -> Any:
    return Stock.objects.filter(shop=shop)


def stored(shop: Plain) -> dict[str, int]:
    return dict(of(shop).values_list("sku", "amount"))


def counts(result: BulkResult) -> dict[str, int]:
    names = ("inserted", "updated", "unchanged", "ignored", "deleted")
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def feed(shop: Plain, n: int, first: int = 0, add: int = 0) -> list[Stock]:
    return [Stock(shop=shop, sku=f"{shop.name}{i}", amount=i + add) for i in range(first, n)]


@pytest.mark.parametrize("n", SIZES)
def test_the_rows_become_those_of_the_objects(n: int, shops: Any) -> None:
    one, two = shops
    kept = {row.sku: row.pk for row in stock(one, n)}
    stock(two, 5)
    rows = feed(one, n + 3, first=2)
    rows[0].amount = 99
    result = of(one).bulk_sync(rows, ["shop", "sku"], ["amount"])
    assert counts(result) == {"inserted": 3, "updated": 1, "unchanged": n - 3, "deleted": 2}
    assert result.deleted_by_label == {"app.Stock": 2}
    assert stored(one) == {row.sku: row.amount for row in rows}
    assert stored(two) == {f"two{i}": i for i in range(5)}
    assert result.keys == [row.pk for row in rows]
    assert all(row.pk == kept[row.sku] for row in rows[: n - 2])
    told = [Outcome.UPDATED, *[Outcome.UNCHANGED] * (n - 3), *[Outcome.INSERTED] * 3]
    assert list(result.outcomes) == told


@pytest.mark.parametrize("n", SIZES)
def test_the_same_rows_are_not_written(n: int, shops: Any) -> None:
    one, _ = shops
    stock(one, n)
    with CaptureQueriesContext(connection) as captured:
        result = of(one).bulk_sync(feed(one, n), BY)
    assert counts(result) == {"unchanged": n}
    kinds = {query["sql"].split()[0] for query in captured}
    assert kinds <= {"SELECT", "SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"}


def test_without_deletes(shops: Any) -> None:
    one, _ = shops
    stock(one, 3)
    result = of(one).bulk_sync(feed(one, 2, first=1, add=5), BY, ["amount"], delete=False)
    assert counts(result) == {"updated": 1}
    assert stored(one) == {"one0": 0, "one1": 6, "one2": 2}


def test_deletes_that_are_soft(shops: Any) -> None:
    one, _ = shops
    stock(one, 5)
    result = of(one).bulk_sync(feed(one, 3), BY, ["amount"], soft_delete={"amount": -1})
    assert counts(result) == {"unchanged": 3, "deleted": 2}
    assert stored(one) == {"one0": 0, "one1": 1, "one2": 2, "one3": -1, "one4": -1}
    again = of(one).bulk_sync(feed(one, 3), BY, ["amount"], soft_delete={"amount": -1})
    assert counts(again) == {"unchanged": 3}


def test_cascades() -> None:
    owners = Plain.django.bulk_create([Plain(name=f"n{i}", value=1) for i in range(3)])
    Signed.objects.create(name="s", value=1, owner=owners[2])
    result = Plain.objects.filter(value=1).bulk_sync(owners[:2], ["name"])
    assert counts(result) == {"unchanged": 2, "deleted": 1}
    assert {k: v for k, v in result.deleted_by_label.items() if v} == {
        "app.Plain": 1,
        "app.Signed": 1,
    }


# ---------------------------------------------------------------------------------------- limits


@pytest.mark.django_db(transaction=True)
def test_the_statements_of_a_refused_call_are_counted(shops: Any) -> None:
    one, _ = shops
    stock(one, 3)
    with CaptureQueriesContext(connection) as captured, pytest.raises(TooManyDeletes) as error:
        of(one).bulk_sync(feed(one, 1), BY, max_deletes=0)
    sent = [query["sql"] for query in captured if query["sql"] not in ("BEGIN", "ROLLBACK")]
    assert error.value.result.statements == len(sent) + 2


@pytest.mark.parametrize(
    ("limit", "allowed"),
    [("10%", 10), ("25%", 25), ("12.5 %", 12), ("0%", 10), ("100%", 100), (0, 0), (7, 7)],
)
def test_limits(limit: Any, allowed: int, shops: Any) -> None:
    one, _ = shops
    stock(one, 100)
    if allowed < 100:
        new = Stock(shop=one, sku="new")
        with pytest.raises(TooManyDeletes, match=rf"{allowed + 1} of 100 .* allows {allowed}") as e:
            of(one).bulk_sync([new, *feed(one, 100, first=allowed + 1)], BY, max_deletes=limit)
        assert counts(e.value.result) == {
            "inserted": 1,
            "unchanged": 99 - allowed,
            "deleted": allowed + 1,
        }
        assert len(stored(one)) == 100 and new.pk is None and isinstance(e.value, Refused)
    result = of(one).bulk_sync(
        feed(one, 100, first=allowed), BY, max_deletes=limit, allow_empty=True
    )
    assert result.deleted == allowed and len(stored(one)) == 100 - allowed


@pytest.mark.parametrize("limit", [-1, 0.1, "5", "x%", "101%", "-5%", None, True, "%"])
def test_limits_that_are_none(limit: Any, shops: Any, django_assert_num_queries: Any) -> None:
    with pytest.raises(ValueError, match="max_deletes"), django_assert_num_queries(0):
        of(shops[0]).bulk_sync(feed(shops[0], 1), BY, max_deletes=limit)


def test_nothing_given(shops: Any, django_assert_num_queries: Any) -> None:
    one, _ = shops
    stock(one, 3)
    with pytest.raises(Refused, match="allow_empty=True"), django_assert_num_queries(0):
        of(one).bulk_sync([], BY)
    assert counts(of(one).bulk_sync(iter([]), BY, allow_empty=True)) == {"deleted": 3}


# ---------------------------------------------------------------------------------------- refusals


def test_a_row_outside_the_queryset(shops: Any) -> None:
    one, two = shops
    stock(two, 3)
    rows = [*feed(one, 2), Stock(shop=one, sku="two1")]
    with pytest.raises(ValueError, match=r"Object 2: its row exists .* does not select it") as e:
        of(one).bulk_sync(rows, BY)
    assert e.value.row_index == 2
    assert stored(one) == {} and [row.pk for row in rows] == [None] * 3


@pytest.mark.parametrize("there", [True, False])
def test_a_row_that_would_leave_the_queryset(there: bool, shops: Any) -> None:
    one, two = shops
    stock(one, 2 if there else 1)
    rows = [*feed(one, 1), Stock(shop=two, sku="one1")]
    with pytest.raises(ValueError, match="Object 1: the queryset would not select its row") as e:
        of(one).bulk_sync(rows, BY)
    assert e.value.row_index == 1
    assert stored(two) == {} and rows[1].pk is None


def test_a_row_that_another_transaction_inserts(shops: Any, hidden: list[Any]) -> None:
    one, _ = shops
    stock(one, 3)
    hidden.append("one1")
    with pytest.raises(IntegrityError), transaction.atomic():
        of(one).bulk_sync(feed(one, 3), ["shop", "sku"])
    assert stored(one) == {"one0": 0, "one1": 1, "one2": 2}


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Rows that the call does not see when it reads: they are inserted a moment later."""
    skus: list[Any] = []
    read, find = bulk_sync.read, bulk_upsert.find

    def read_others(rows: Any, *rest: Any) -> Any:
        return read(rows.exclude(sku__in=skus), *rest)

    def find_none(*given: Any) -> Any:
        found = find(*given)
        found.pks = [None] * len(found.pks)
        return found

    monkeypatch.setattr(bulk_sync, "read", read_others)
    monkeypatch.setattr(bulk_upsert, "find", find_none)
    yield skus


def test_what_is_no_scope(shops: Any) -> None:
    assert not hasattr(Stock.objects, "bulk_sync") and not hasattr(Stock.objects, "abulk_sync")
    with pytest.raises(TypeError, match="bulk_sync"):
        of(shops[0])[:2].bulk_sync(feed(shops[0], 1), BY)


def test_repeated_objects(shops: Any) -> None:
    one, _ = shops
    rows = [*feed(one, 2), *feed(one, 2, add=5)]
    with pytest.raises(ValueError, match="0 and 2 have the same sku"):
        of(one).bulk_sync(rows, BY)
    assert counts(of(one).bulk_sync(rows, BY, duplicates="last")) == {"inserted": 2, "ignored": 2}
    assert stored(one) == {"one0": 5, "one1": 6}


# ---------------------------------------------------------------------------------- result and ways


def test_a_dry_run(shops: Any) -> None:
    one, _ = shops
    made = stock(one, 4)
    rows = [*feed(one, 2, add=5), Stock(shop=one, sku="new")]
    result = of(one).bulk_sync(rows, BY, ["amount", "price"], dry_run=True)
    assert counts(result) == {"inserted": 1, "updated": 2, "deleted": 2} and result.dry_run
    assert result.changes == [
        Change(made[0].pk, "amount", 0, 5),
        Change(made[1].pk, "amount", 1, 6),
    ]
    assert result.keys == [made[0].pk, made[1].pk, None]
    assert stored(one) == {f"one{i}": i for i in range(4)}
    assert [row.pk for row in rows] == [None] * 3
    assert of(one).bulk_sync(rows, BY, ["amount", "price"]).changes == []


def test_by_primary_key(shops: Any) -> None:
    one, _ = shops
    made = stock(one, 3)
    made[1].amount = 7
    result = of(one).bulk_sync([made[1], Stock(shop=one, sku="new")], None, ["amount"])
    assert counts(result) == {"inserted": 1, "updated": 1, "deleted": 2}
    assert stored(one) == {"one1": 7, "new": 0}


def test_a_scope_with_joins_and_a_related_manager(shops: Any) -> None:
    one, two = shops
    for shop in shops:
        stock(shop, 3)
    scope = Stock.objects.filter(shop__name="one").order_by("shop__name")
    assert counts(scope.bulk_sync(feed(one, 2), BY)) == {"unchanged": 2, "deleted": 1}
    assert counts(two.stocks.all().bulk_sync(feed(two, 1), BY)) == {"unchanged": 1, "deleted": 2}
    assert len(stored(one)) == 2 and len(stored(two)) == 1


def test_one_pair_of_signals(shops: Any) -> None:
    one, _ = shops
    stock(one, 3)
    heard: list[Any] = []

    def hear(signal: Any, **facts: Any) -> None:
        heard.append((signal, facts["n"], facts.get("result")))

    ours = [s for s in vars(signals).values() if isinstance(s, models.signals.ModelSignal)]
    for signal in ours:
        signal.connect(hear, sender=Stock)
    try:
        result = of(one).bulk_sync(feed(one, 4, first=1, add=1), BY)
        of(one).bulk_sync(feed(one, 3), BY, send_signals=False)
    finally:
        for signal in ours:
            signal.disconnect(hear, sender=Stock)
    assert counts(result) == {"inserted": 1, "updated": 2, "deleted": 1}
    assert heard == [(signals.pre_bulk_sync, 3, None), (signals.post_bulk_sync, 4, result)]


def test_from_a_coroutine(shops: Any) -> None:
    one, _ = shops

    async def run() -> BulkResult:
        return await of(one).abulk_sync(feed(one, 2), unique_fields=BY)

    assert async_to_sync(run)().inserted == 2


def test_a_cascade_does_not_delete_the_row_of_an_object(shops: Any) -> None:
    """The object's row refers to a row that no object has."""
    other = Node.objects.create(name="other")
    root = Node.objects.create(name="root")
    child = Node.objects.create(name="child", parent=root)
    rows = [
        Node(pk=other.pk, name="other"),
        Node(pk=child.pk, name="child", parent_id=root.pk),
    ]
    with pytest.raises(IntegrityError, match=r"^Object 1: a cascade would delete its") as told:
        Node.objects.all().bulk_sync(rows)
    error: Any = told.value
    assert error.row_index == 1 and Node.objects.count() == 3
    del rows[1]  # now none has it
    result = Node.objects.all().bulk_sync(rows, max_deletes=2)
    assert counts(result) == {"unchanged": 1, "deleted": 2} and Node.objects.get() == other


def test_keys_that_differ_in_case_or_blanks() -> None:
    """They are different rows, if the database says so."""
    Signed.objects.bulk_create([Signed(name="abc", value=1), Signed(name="d ", value=2)])
    rows = [Signed(name="ABC", value=1), Signed(name="d", value=2)]
    result = Signed.objects.all().bulk_sync(rows, ["name"])
    assert counts(result) == {"inserted": 2, "deleted": 2}
    assert set(Signed.objects.values_list("name", flat=True)) == {"ABC", "d"}


def test_keys_that_the_database_calls_equal() -> None:
    row = Shelf.objects.create(name="abc")
    result = Shelf.objects.all().bulk_sync([Shelf(name="ABC")], ["name"])
    assert counts(result) == {"unchanged": 1} and result.keys == [row.pk]
    Shelf.objects.create(name="Abc")
    for name in ("abc", "ABC"):  # not by chance one of the two
        with pytest.raises(ValueError, match="a value is in several rows"):
            Shelf.objects.all().bulk_sync([Shelf(name=name)], ["name"])
    assert Shelf.objects.count() == 2


def test_the_changes_of_a_dry_run_that_writes_every_row(shops: Any) -> None:
    one, _ = shops
    made = stock(one, 3)
    rows = feed(one, 3)
    rows[1].amount = 8
    result = of(one).bulk_sync(rows, BY, ["amount"], update_unchanged=True, dry_run=True)
    assert counts(result) == {"updated": 3}
    assert result.changes == [Change(made[1].pk, "amount", 1, 8)]
