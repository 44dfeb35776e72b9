"""result.undo(): the inverse of a call (issue 12, part 6; rules 2 and 6)."""

import pickle
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from app.keys import Pair, Product, Stock
from app.linked import Book, Shelf
from app.models import Child, Foo, Node, Plain, Signed
from app.odd import Named, Odd
from bulkmodel.errors import Refused
from bulkmodel.expressions import Excluded
from bulkmodel.verbs import changes

pytestmark = pytest.mark.django_db


def made(n: int = 5) -> list[Product]:
    rows = [Product(code=f"{i}", price=i, stock=i, name=f"n{i}") for i in range(n)]
    return Product.django.bulk_create(rows)


def table(model: Any = Product) -> list[Any]:
    return list(model._base_manager.order_by("pk").values_list())


def test_an_upsert() -> None:
    made()
    before = table()
    rows = [Product(code=f"{i}", price=9, stock=7) for i in range(3, 8)]
    result = Product.objects.bulk_upsert(rows, ["code"], return_changes=True)
    assert table() != before
    undone = result.undo()
    assert (undone.updated, undone.deleted, undone.inserted) == (2, 3, 0)
    assert table() == before


def test_a_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that one row loses and another one gets goes back, too."""
    monkeypatch.setattr(changes, "ROWS", 2)
    shop = Plain.objects.create(name="s")
    Stock.objects.bulk_create([Stock(shop=shop, sku=f"{i}", amount=i) for i in range(5)])
    before = table(Stock)
    rows = [Stock(shop=shop, sku=f"{i}", amount=9, facts={"a": [1]}) for i in range(3, 8)]
    scope = Stock.objects.filter(shop=shop)
    result = scope.bulk_sync(rows, ["sku"], max_deletes="100%", return_changes=True)
    assert (result.deleted, result.inserted, result.updated) == (3, 3, 2)
    undone = result.undo()
    assert (undone.inserted, undone.deleted, undone.updated) == (3, 3, 2)
    assert table(Stock) == before  # with auto_now and auto_now_add as they were


def test_a_soft_delete() -> None:
    made()
    before = table()
    result = Product.objects.all().bulk_sync(
        [Product(code="1", stock=4)],
        ["code"],
        ["stock"],
        soft_delete={"active": False},
        return_changes=["stock", "active"],
    )
    assert result.undo().updated == 5 and table() == before


def test_a_delete_with_rows_of_the_same_model_that_a_cascade_took() -> None:
    root = Node.objects.create(name="root")
    Node.objects.bulk_create([Node(name=f"{i}", parent=root) for i in range(3)])
    before = table(Node)
    result = Node.objects.bulk_delete([root], return_changes=True)
    assert table(Node) == []
    assert result.undo().inserted == 4 and table(Node) == before


def test_update_fields() -> None:
    rows = made()
    before = table()
    for row in rows[1:3]:
        row.price, row.stock = 50, 60
    given = Product.objects.update_fields(
        "price", "stock", objects=rows, return_result=True, return_changes=["price", "stock"]
    )
    assert given.undo().updated == 2 and table() == before


def test_set() -> None:
    made()
    before = table()
    rows = [Product(code="1", stock=5)]
    result = Product.objects.bulk_upsert(
        rows, ["code"], [], set={"stock": F("stock") + Excluded("stock")}, return_changes=["stock"]
    )
    assert result.undo().updated == 1 and table() == before


@pytest.mark.parametrize("model", [Odd, Pair, Foo, Child])
def test_values_and_keys_of_many_kinds(model: Any) -> None:
    rows = {
        Odd: [Odd(json={"a": [1.5]}, binary=b"\0x", shouted="x", pair=(1, 2), color="red")],
        Pair: [Pair(left=1, right="a", value=2)],
        Foo: [Foo(name="a", value=1)],
        Child: [Child(name="a", extra=3, value=1)],
    }[model]
    for row in rows:
        row.save()
    Foo.objects.update(bm_create_uuid="1" * 32)
    before = table(model)
    result = model.objects.bulk_delete(rows, return_changes=True)
    if model is Child:  # the parent's row is one of another model
        with pytest.raises(Refused, match=r"rows of app\.Plain were deleted"):
            result.undo()
        return
    assert table(model) == [] and result.undo().inserted == 1
    assert table(model) == before


def test_rows_that_have_changed_since() -> None:
    made()
    rows = [Product(code=f"{i}", price=9, stock=7) for i in range(3, 8)]
    result = Product.objects.bulk_upsert(rows, ["code"], return_changes=True)
    last = Product.django.get(code="7")
    for change in ({"stock": 1}, {"name": "x"}):
        Product.django.filter(pk=last.pk).update(**change)
        after = table()
        with pytest.raises(Refused, match=f"primary key {last.pk} has changed since"):
            result.undo()
        assert table() == after
        Product.django.filter(pk=last.pk).update(stock=7, name="")
    Product.django.filter(code="3").update(price=1)
    with transaction.atomic(), pytest.raises(Refused, match="has changed since"):
        result.undo()
    Product.django.filter(code="3").update(price=9)  # the caller's transaction can be used
    Product.django.filter(pk=last.pk).delete()
    with pytest.raises(Refused, match="has changed since"):
        result.undo()


def test_a_deleted_row_that_is_there_again() -> None:
    rows = made(2)
    keys = [row.pk for row in rows]
    result = Product.objects.bulk_delete(keys, return_changes=True)
    Product.django.create(pk=keys[1], code="other")
    with pytest.raises(Refused, match=f"primary key {keys[1]} has changed"):
        result.undo()
    assert [row.code for row in Product.django.all()] == ["other"]


def test_only_once() -> None:
    made(1)
    rows = [Product(code="0", stock=8)]
    result = Product.objects.bulk_upsert(rows, ["code"], ["stock"], return_changes=["stock"])
    again = pickle.loads(pickle.dumps(result))
    assert result.undo().updated == 1
    with pytest.raises(Refused, match="already been undone"):
        result.undo()
    with pytest.raises(Refused, match="has changed since"):
        again.undo()


def test_what_the_changes_do_not_say() -> None:
    rows = made(3)
    with pytest.raises(Refused, match="return_changes=True"):
        Product.objects.bulk_upsert(rows, ["code"]).undo()
    rows[0].stock = rows[0].price = 77
    result = Product.objects.bulk_upsert(
        rows, ["code"], ["stock", "price"], return_changes=["stock"]
    )
    with pytest.raises(Refused, match="the call wrote 'price'"):
        result.undo()
    dry = Product.objects.bulk_upsert(
        [Product(code="x")], ["code"], return_changes=True, dry_run=True
    )
    with pytest.raises(Refused, match="dry run"):
        dry.undo()
    gone = Product.objects.bulk_delete(rows[:1], return_changes=["stock"])
    with pytest.raises(Refused, match="only be inserted again with return_changes=True"):
        gone.undo()


def test_rows_without_changes() -> None:
    result = Product.objects.bulk_upsert([Product(code="x")], ["code"], return_changes=[])
    with pytest.raises(Refused, match="changes of 1 rows are not known"):
        result.undo()
    assert Product.django.count() == 1


def test_rows_of_other_models() -> None:
    owner = Plain.objects.create(name="o")
    Signed.objects.create(name="s", value=1, owner=owner)
    result = Plain.objects.bulk_delete([owner], return_changes=True)
    with pytest.raises(Refused, match=r"rows of app\.Signed were deleted by cascades"):
        result.undo()
    new = Plain.objects.bulk_upsert([Plain(name="n")], ["name"], return_changes=True)
    signed = Signed.objects.create(name="s", value=1, owner=Plain.objects.get())
    with pytest.raises(Refused, match="other rows refer to those that were inserted"):
        new.undo()
    assert Signed.objects.get() == signed and Plain.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction() -> None:
    made(2)
    before = table()
    rows = [Product(code=f"{i}", stock=50) for i in range(4)]
    result = Product.objects.bulk_upsert(
        rows, ["code"], ["stock"], return_changes=True, commit_every=1
    )
    Product.django.filter(code="3").update(name="x")
    with pytest.raises(Refused):
        result.undo()
    Product.django.filter(code="3").update(name="")
    assert result.undo().deleted == 2 and table() == before
    assert not connection.in_atomic_block


def test_rows_that_on_delete_sets() -> None:
    """SET_NULL: of the rows that the call changed the values are not known, and undo() itself
    changes none."""
    shelf = Shelf.objects.create(name="s")
    book = Book.objects.create(name="b", shelf=shelf)
    result = Shelf.objects.bulk_delete([shelf.pk], return_changes=True)
    assert Book.objects.get().shelf is None
    with pytest.raises(Refused, match=r"on_delete has set app\.Book\.shelf in other rows"):
        result.undo()
    assert not Shelf.objects.exists()
    new = Shelf.objects.bulk_upsert([Shelf(name="n")], ["name"], return_changes=True)
    Book.objects.update(shelf=new.keys[0])
    with pytest.raises(Refused, match="would be deleted or changed"):
        new.undo()
    assert Book.objects.get() == book and Book.objects.get().shelf_id == new.keys[0]
    bare = Shelf.objects.create(name="without books")
    assert Shelf.objects.bulk_delete([bare.pk], return_changes=True).undo().inserted == 1
    assert Shelf.objects.count() == 2


def test_fields_with_a_pre_save_of_their_own() -> None:
    Named.django.bulk_create([Named(name="a", code=1, count=5), Named(name="b", code=2)])
    before = table(Named)
    keys = [row[0] for row in before]
    result = Named.objects.bulk_delete(keys, return_changes=True)
    assert result.undo().inserted == 2 and table(Named) == before


def test_fields_that_the_call_sets_beside_those_that_are_named() -> None:
    shop = Plain.objects.create(name="s")
    stock = Stock.objects.create(shop=shop, sku="a")
    for write in (Stock.objects.bulk_upsert, Stock.objects.all().bulk_sync):
        rows = [Stock(pk=stock.pk, shop=shop, sku="a", amount=stock.amount + 1)]
        names = ["shop", "sku", "amount", "price", "facts"]
        result = write(rows, return_changes=names)
        stock.refresh_from_db()
        assert result.updated == 1
        with pytest.raises(Refused, match="the call wrote 'changed'"):
            result.undo()
        assert Stock.objects.get().amount == stock.amount
