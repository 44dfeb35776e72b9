"""return_changes= and on_changes=: the stored values that a call changed (issue 12, part 6)."""

from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from app.keys import Pair, Product, Tagged
from app.models import Document, Plain, Signed
from app.odd import Odd
from bulkmodel.expressions import Excluded
from bulkmodel.results import Change, Outcome
from bulkmodel.verbs import changes as watched
from bulkmodel.verbs import update_fields

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["one part", "several parts"])
def rows_at_a_time(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "several parts":
        monkeypatch.setattr(watched, "ROWS", 2)


def made(n: int = 5) -> list[Product]:
    rows = [Product(code=f"{i}", price=i, stock=i) for i in range(n)]
    return Product.django.bulk_create(rows)


def test_an_upsert(rows_at_a_time: None) -> None:
    """The values are those of the table, before and after: 1.005 is rounded, new keys are told."""
    old = made()
    rows = [Product(code=f"{i}", price=Decimal(i), stock=i) for i in range(6)]
    rows[1].price, rows[3].stock, rows[4].name = Decimal("1.5"), 7, "not watched"
    result = Product.objects.bulk_upsert(rows, ["code"], return_changes=["price", "stock"])
    new = rows[5].pk
    assert result.changes == [
        Change(old[1].pk, "price", Decimal(1), Decimal("1.5")),
        Change(old[3].pk, "stock", 3, 7),
        Change(new, "price", None, Decimal(5), Outcome.INSERTED),
        Change(new, "stock", None, 5, Outcome.INSERTED),
    ]
    assert result.updated == 3 and result.inserted == 1
    result = Product.objects.bulk_upsert(rows, ["code"], return_changes=True)
    assert result.changes == []


def test_an_upsert_with_set() -> None:
    old = made(2)
    rows = [Product(code="0", stock=0), Product(code="1", stock=4)]
    result = Product.objects.bulk_upsert(
        rows, ["code"], [], set={"stock": F("stock") + Excluded("stock")}, return_changes=["stock"]
    )
    assert result.changes == [Change(old[1].pk, "stock", 1, 5)]


def test_all_fields_are_watched(rows_at_a_time: None) -> None:
    old = made(1)[0]
    given = Product(code="0", price=0, stock=9, name="n")
    result = Product.objects.bulk_upsert([given], ["code"], return_changes=True)
    assert set(result.changes) == {
        Change(old.pk, "stock", 0, 9), Change(old.pk, "name", "", "n")
    }  # fmt: skip


def test_values_that_are_equal_and_stored_differently() -> None:
    row = Document.objects.create(name="a", body={"n": 1})
    for value in (True, 1.0):
        given = Document(pk=row.pk, name="a", body={"n": value})
        result = Document.objects.bulk_upsert([given], return_changes=["body"])
        (change,) = result.changes
        assert type(change.new["n"]) is type(value)


def test_values_that_are_equal_are_no_change() -> None:
    """psycopg2 reads bytes as memoryviews, whose text is never the same."""
    row = Odd.objects.create(binary=b"ab", json={"a": [1.0, None, {"b": 1}]}, color="red")
    row.color = "green"
    result = Odd.objects.bulk_upsert([row], return_changes=True)
    assert result.changes == [Change(row.pk, "color", "red", "green")]
    row.binary = b"cd"
    result = Odd.objects.bulk_upsert([row], return_changes=True)
    assert result.changes == [Change(row.pk, "binary", b"ab", b"cd")]
    assert Odd.objects.bulk_upsert([row]).unchanged == 1
    row.binary = memoryview(b"cd")
    assert Odd.objects.bulk_upsert([row]).unchanged == 1


class Opaque:
    """Has no text of its own."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


class Ambiguous:
    """As numpy's arrays, its comparison has no truth value."""

    def __eq__(self, other: object) -> bool:
        raise ValueError

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (Opaque(1), Opaque(1), True),
        (Opaque(1), Opaque(2), False),
        ([Opaque(1)], [Opaque(1)], True),
        (float("nan"), float("nan"), True),
        ({"a": float("nan")}, {"a": float("nan")}, True),
        (0.0, -0.0, False),
        ([1], [1.0], False),
        ([1], [True], False),
        ([1], [1, 2], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (Decimal("1.0"), Decimal("1.00"), False),
        (Decimal("NaN"), Decimal("NaN"), True),
        (1, True, False),
        (None, None, True),
        (Ambiguous(), Ambiguous(), False),
    ],
)
def test_whether_a_stored_value_is_the_same(was: Any, now: Any, same: bool) -> None:
    assert watched.is_same(was, now) is same


def test_update_fields(rows_at_a_time: None) -> None:
    old = made()
    rows = Product.objects.order_by("pk")
    for row in rows:
        row.stock += row.stock % 2
    result = rows.update_fields(return_result=True, return_changes=["stock", "price"])
    assert result.changes == [Change(old[i].pk, "stock", i, i + 1) for i in (1, 3)]
    assert rows.update_fields() == 0  # its snapshot has the new values
    given = [Product(pk=row.pk, stock=4) for row in old]
    result = Product.objects.filter(price__lt=4).update_fields(
        "stock", objects=given, return_result=True, return_changes=True
    )
    assert [(change.key, change.old) for change in result.changes] == [
        (old[0].pk, 0), (old[1].pk, 2), (old[2].pk, 2)
    ]  # fmt: skip
    assert result.updated == 4 and result.missing == 1


def test_update_fields_with_a_snapshot_is_undone(rows_at_a_time: None) -> None:
    made(3)
    rows = Product.objects.order_by("pk")
    for row in rows:
        row.stock += 1

    def fails(changes: list[Change]) -> None:
        raise KeyError("of the caller")

    with pytest.raises(KeyError), transaction.atomic():
        rows.update_fields(on_changes=fails)
    assert list(Product.django.values_list("stock", flat=True)) == [0, 1, 2]
    assert rows.update_fields() == 3


def test_bulk_delete(rows_at_a_time: None) -> None:
    rows = Tagged.objects.bulk_create([Tagged(name=f"t{i}") for i in range(4)])
    result = Tagged.objects.filter(name__lt="t3").bulk_delete(
        [*(row.pk for row in rows[1:]), 4711], return_changes=["name"]
    )
    assert result.changes == [
        Change(row.pk, "name", row.name, None, Outcome.DELETED) for row in rows[1:3]
    ]
    assert result.deleted == 2 and result.deleted_by_label == {"app.Tagged": 2}


def test_bulk_delete_with_cascades(rows_at_a_time: None) -> None:
    owners = Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(3)])
    Signed.objects.bulk_create([Signed(name="s", value=1, owner=owner) for owner in owners])
    result = Plain.objects.bulk_delete(owners, return_changes=["value"])
    assert [(change.old, change.new) for change in result.changes] == [(i, None) for i in range(3)]
    assert result.deleted_by_label == {"app.Plain": 3, "app.Signed": 3}


def test_bulk_sync(rows_at_a_time: None) -> None:
    old = made(4)
    rows = [Product(code="0", price=0, stock=9), Product(code="new", stock=1)]
    scope = Product.objects.all()
    options: Any = {"unique_fields": ["code"], "return_changes": ["stock"]}
    expected = [Change(row.pk, "stock", row.stock, None, Outcome.DELETED) for row in old[1:]]
    expected.append(Change(old[0].pk, "stock", 0, 9))
    result = scope.bulk_sync(rows, **options, dry_run=True)
    assert result.changes == [*expected, Change(None, "stock", None, 1, Outcome.INSERTED)]
    result = scope.bulk_sync(rows, **options)
    assert result.changes == [*expected, Change(rows[1].pk, "stock", None, 1, Outcome.INSERTED)]
    made(2)
    result = scope.filter(stock__lt=2).bulk_sync(
        [rows[1]], ["code"], soft_delete={"stock": -1}, return_changes=["stock"]
    )
    assert {(change.old, change.new) for change in result.changes} == {(0, -1), (1, -1)}


def test_batches_inside_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """on_changes may write: history, an outbox.  It gets some rows at a time; none are kept."""
    monkeypatch.setattr(watched, "ROWS", 3)
    made(8)
    told: list[list[Change]] = []

    def hear(changes: list[Change]) -> None:
        assert connection.in_atomic_block
        told.append(changes)
        Tagged.objects.bulk_create([Tagged(name=f"{one.field} {one.new}") for one in changes])

    rows = [Product(code=f"{i}", price=i, stock=i + 1) for i in range(8)]
    result = Product.objects.bulk_upsert(rows, ["code"], on_changes=hear)
    assert [len(changes) for changes in told] == [3, 3, 2] and result.changes == []
    assert Tagged.objects.filter(name__startswith="stock").count() == 8
    for row in rows:
        row.price += 1
    with CaptureQueriesContext(connection) as captured:
        Product.objects.bulk_upsert(rows, ["code"], on_changes=hear, dry_run=True)
    assert len(told) == 3 and len(captured) > 3
    rows[0].price += 1
    both = Product.objects.bulk_upsert(
        rows[:1], ["code"], on_changes=hear, return_changes=["price"]
    )
    assert both.changes == told[-1] == [Change(rows[0].pk, "price", Decimal(0), Decimal(2))]


def test_an_error_of_the_receiver_undoes_the_call() -> None:
    made(2)

    def fails(changes: list[Change]) -> None:
        raise IntegrityError("of the receiver")

    row = Product(code="1", stock=9)
    with pytest.raises(IntegrityError, match="of the receiver"):
        Product.objects.bulk_upsert([row], ["code"], on_changes=fails)
    assert row.pk is None and Product.django.get(code="1").stock == 1
    with pytest.raises(IntegrityError, match="of the receiver"):
        Product.objects.bulk_delete(Product.django.all(), on_changes=fails)
    assert Product.django.count() == 2


def test_keys_of_two_columns() -> None:
    Pair.objects.create(left=1, right="x", value=1)
    given = [Pair(left=1, right="x", value=2), Pair(left=2, right="y", value=3)]
    result = Pair.objects.bulk_upsert(given, return_changes=["value"])
    assert result.changes == [
        Change((1, "x"), "value", 1, 2), Change((2, "y"), "value", None, 3, Outcome.INSERTED)
    ]  # fmt: skip


def test_the_rows_are_locked_before_they_are_read() -> None:
    made(1)
    with CaptureQueriesContext(connection) as captured:
        Product.objects.bulk_upsert([Product(code="0", stock=4)], ["code"], return_changes=True)
    reads = [one["sql"] for one in captured if "SELECT" in one["sql"] and "stock" in one["sql"]]
    locks = connection.features.has_select_for_update
    assert len(reads) >= 3 and sum("FOR UPDATE" in sql for sql in reads) == (2 if locks else 0)


def test_arguments_that_are_refused() -> None:
    """Rule 14."""
    row = made(1)[0]
    with pytest.raises(FieldDoesNotExist):
        Product.objects.bulk_upsert([row], return_changes=["nothing"])
    with pytest.raises(TypeError, match=r"return_changes must be a list of field names: \['stock'"):
        Product.objects.bulk_delete([row], return_changes="stock")
    with pytest.raises(TypeError, match="on_changes must be a function"):
        Product.objects.bulk_upsert([row], on_changes="print")
    with pytest.raises(ValueError, match="return_changes needs return_result=True"):
        Product.objects.update_fields("stock", objects=[row], return_changes=["stock"])
    with pytest.raises(ValueError, match="concrete fields, not 'signed'"):
        Plain.objects.bulk_delete([1], return_changes=["signed"])
    assert Product.django.count() == 1


def test_from_a_coroutine() -> None:
    made(1)

    async def run() -> list[Change]:
        row = Product(code="0", stock=3)
        result = await Product.objects.abulk_upsert([row], ["code"], return_changes=["stock"])
        return list(result.changes)

    assert [change.new for change in async_to_sync(run)()] == [3]


@pytest.mark.parametrize("verb", ["bulk_upsert", "update_fields"])
def test_parts_do_not_look_at_all_rows(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of a part depends on its own rows, not on those of the call."""
    n, seen = 300, 0
    monkeypatch.setattr(watched, "ROWS", 5)
    begin, keep = update_fields.Changes.__init__, update_fields.Changes._keep
    rows = made(n)
    for row in rows:
        row.stock += 1

    def began(self: Any, model: Any, given: Any, *more: Any) -> None:
        nonlocal seen
        seen += len(given)
        begin(self, model, given, *more)

    def kept(self: Any, marks: Any) -> None:
        nonlocal seen
        seen += len(marks)
        keep(self, marks)

    monkeypatch.setattr(update_fields.Changes, "__init__", began)
    monkeypatch.setattr(update_fields.Changes, "_keep", kept)
    if verb == "bulk_upsert":
        Product.objects.bulk_upsert(rows, update_fields=["stock"], on_changes=lambda told: None)
    else:
        Product.objects.update_fields("stock", objects=rows, on_changes=lambda told: None)
    assert seen <= 8 * n
    assert Product.objects.filter(pk=rows[-1].pk, stock=n).exists()
