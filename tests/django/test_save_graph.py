"""save_graph(): objects, those that refer to them, and links (issue 12, part 10; rules 6, 7, 9)."""

from collections import Counter
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.models.signals import m2m_changed
from django.test.utils import CaptureQueriesContext

from app.keys import Stock
from app.linked import Box, Label, Tag
from app.models import Child, Everything, Foo, Node, Plain, Signed
from bulkmodel import signals
from bulkmodel.results import Outcome

pytestmark = pytest.mark.django_db

SIZES = [3, 1200]


def shops(n: int) -> list[Plain]:
    """New rows, each with two others that refer to it."""
    rows = [Plain(name=f"s{i}") for i in range(n)]
    for i, row in enumerate(rows):
        row.new = [Stock(sku=f"{i}-{j}", amount=j) for j in range(2)]  # type: ignore[attr-defined]
    return rows


def new_of(row: Any) -> Any:
    return row.new


@pytest.mark.parametrize("n", SIZES)
def test_parents_come_first(n: int) -> None:
    rows = shops(n)
    result = Plain.objects.save_graph(rows, children={"stocks": new_of})
    assert result.inserted == n and result.keys == [row.pk for row in rows]
    assert result.inserted_by_label == {"app.Plain": n, "app.Stock": 2 * n}
    found = set(Stock.objects.values_list("shop__name", "sku"))
    assert found == {(f"s{i}", f"{i}-{j}") for i in range(n) for j in range(2)}
    one = rows[1].new[0]  # type: ignore[attr-defined]
    assert one.pk and one.shop is rows[1] and one.shop_id == rows[1].pk and not one._state.adding


def test_one_call_for_each_model() -> None:
    with CaptureQueriesContext(connection) as captured:
        Plain.objects.save_graph(shops(20), children={"stocks": new_of})
    sent = Counter(query["sql"].split()[0] for query in captured)
    assert sent["INSERT"] + sent["WITH"] == 2 and sent["UPDATE"] == sent["SELECT"] == 0


def test_only_new_objects_of_the_prefetch_cache_are_inserted() -> None:
    rows = shops(3)
    Plain.objects.save_graph(rows, children={"stocks": new_of})
    Stock.objects.update(amount=9)
    Plain.objects.update(value=7)
    read = list(Plain.objects.order_by("pk").prefetch_related("stocks"))
    for row in read:
        row.value = 0
        cache = row._prefetched_objects_cache["stocks"]  # type: ignore[attr-defined]
        cache._result_cache[0].amount = 0
        cache._result_cache.append(Stock(sku=f"new{row.pk}"))
    new = Plain(name="new")
    new._prefetched_objects_cache = {"stocks": [Stock(sku="x")]}  # type: ignore[attr-defined]
    result = Plain.objects.save_graph([*read, new], children=["stocks"])
    assert list(result.outcomes) == [Outcome.NONE] * 3 + [Outcome.INSERTED]
    assert result.inserted_by_label == {"app.Plain": 1, "app.Stock": 4}
    assert set(Plain.objects.values_list("value", flat=True)) == {7, None}
    assert Counter(Stock.objects.values_list("amount", flat=True)) == {9: 6, 0: 4}
    assert Stock.objects.get(shop=new).sku == "x"


def test_paths_of_several_names_and_inheritance() -> None:
    """A child of several tables, below one that is implied."""
    boxes = [Box(code="a"), Box(code="b")]
    labels = {"a": [Label(tag_id="t")], "b": []}
    Tag.objects.create(name="t")
    result = Box.objects.save_graph(boxes, {"label_set": lambda box: labels[box.code]})
    assert result.inserted_by_label == {"app.Box": 2, "app.Label": 1}
    assert labels["a"][0].box_id == "a"  # the key that it refers to is not the primary key
    children = [Child(name="c1", extra=1), Child(name="c2", extra=2)]
    stocks = {"c1": Stock(sku="one"), "c2": Stock(sku="two")}
    everything = {"c1": [Everything(small=1)], "c2": []}
    result = Child.objects.save_graph(
        children,
        {"stocks": lambda row: [stocks[row.name]], "everything_set": lambda r: everything[r.name]},
    )
    assert result.inserted_by_label == {"app.Child": 2, "app.Stock": 2, "app.Everything": 1}
    assert [(row.name, row.extra) for row in Child.objects.order_by("pk")] == [("c1", 1), ("c2", 2)]
    assert dict(Stock.objects.values_list("sku", "shop__name")) == {"one": "c1", "two": "c2"}
    assert [row.pk for row in children] == result.keys


def test_rows_of_a_tree_are_ordered_by_what_they_refer_to() -> None:
    root = Node(name="root")
    rows = [root]
    for i in range(50):
        rows.append(Node(name=f"{i}", parent=rows[i // 3]))
    result = Node.objects.save_graph(rows[::-1])
    assert result.inserted == 51 and result.keys == [row.pk for row in rows[::-1]]
    stored = dict(Node.objects.values_list("name", "parent__name"))
    assert stored == {row.name: row.parent and row.parent.name for row in rows}
    deep = [Node(name="0")]
    below = Node(name="1")
    lowest = Node(name="2")
    of = {"0": [below], "1": [lowest]}
    Node.objects.save_graph(
        deep,
        {"node_set": lambda n: of[n.name], "node_set__node_set": lambda n: of[n.name]},
    )
    assert lowest.parent == below and below.parent == deep[0] and lowest.parent.pk


def test_circles_are_refused_by_name() -> None:
    one, two = Node(name="1"), Node(name="2")
    one.parent, two.parent = two, one
    three = Node(name="3", parent=one)
    with pytest.raises(ValueError, match=r"circle.*app\.Node\.parent -> app\.Node\.parent\.$"):
        Node.objects.save_graph([three, one, two])
    itself = Node(name="4")
    itself.parent = itself
    with pytest.raises(ValueError, match=r"circle.*: app\.Node\.parent\.$"):
        Node.objects.save_graph([itself])
    up = {"a": [Node(name="b")], "b": []}
    root = Node(name="a", parent=up["a"][0])
    with pytest.raises(ValueError, match="circle"):
        Node.objects.save_graph([root], {"node_set": lambda n: up[n.name]})
    assert not Node.objects.exists() and up["a"][0].parent is None


def test_links_are_added_and_none_is_removed() -> None:
    old, new = Tag.objects.create(name="old"), Tag(name="new")
    box = Box.objects.create(code="a")
    box.tags.add(old)
    given = {"a": [new], "b": [old, new, new]}
    boxes = [box, Box(code="b")]
    told: list[Any] = []

    def hear(action: str, instance: Any, pk_set: set[Any], **_: Any) -> None:
        told.append((action, instance.code, pk_set))

    m2m_changed.connect(hear, sender=Box.tags.through)
    try:
        result = Box.objects.save_graph(boxes, m2m={"tags": lambda row: given[row.code]})
        again = Box.objects.save_graph(boxes, m2m={"tags": lambda row: given[row.code]})
    finally:
        m2m_changed.disconnect(hear, sender=Box.tags.through)
    assert result.inserted_by_label == {"app.Box": 1, "app.Tag": 1, "app.Box_tags": 3}
    assert again.inserted_by_label == {} and again.inserted == 0
    assert set(Box.objects.values_list("code", "tags__name")) == {
        ("a", "old"), ("a", "new"), ("b", "old"), ("b", "new"),
    }  # fmt: skip
    both = {old.pk, new.pk}
    assert told == [
        ("pre_add", "a", {new.pk}), ("pre_add", "b", both),
        ("post_add", "a", {new.pk}), ("post_add", "b", both),
    ]  # fmt: skip


def test_links_of_children_backwards_symmetrical_and_prefetched() -> None:
    tag = Tag(name="t")
    box = Box(code="a")
    box._prefetched_objects_cache = {"tags": [tag]}  # type: ignore[attr-defined]
    tag.new = [Box(code="b"), box]  # type: ignore[attr-defined]
    Tag.objects.save_graph([tag], m2m={"boxes": new_of})
    assert {b.code for b in tag.boxes.all()} == {"a", "b"}
    Box.objects.save_graph([box], m2m=["tags"])
    near = {"a": [Box(code="c")], "c": [box]}
    Box.objects.save_graph([box], m2m={"near": lambda row: near[row.code]})
    assert [b.code for b in box.near.all()] == ["c"] and near["a"][0].near.get() == box
    owner = Plain(name="p")
    label = Label(box=box)
    tag.new = [label]  # type: ignore[attr-defined]
    Tag.objects.save_graph([tag], {"label_set": new_of})
    assert label.tag_id == "t" and label.pk and owner.pk is None


def test_one_pair_of_signals_for_each_model() -> None:
    told: list[Any] = []

    def hear(signal: Any, sender: Any, n: int, **facts: Any) -> None:
        kind = "pre" if signal is signals.pre_bulk_create else "post"
        there = facts["queryset"].count() if kind == "post" else sender._default_manager.count()
        told.append((kind, sender.__name__, n, there))
        if kind == "pre":
            facts["instances"][0].name = "set by a receiver"

    rows = [Node(name=f"{i}") for i in range(3)]
    rows[2].parent = rows[1]
    for pair in (signals.pre_bulk_create, signals.post_bulk_create):
        pair.connect(hear)
    try:
        Node.objects.save_graph(rows)
        Plain.objects.save_graph(shops(1), {"stocks": new_of}, send_signals=False)
    finally:
        for pair in (signals.pre_bulk_create, signals.post_bulk_create):
            pair.disconnect(hear)
    assert told == [("pre", "Node", 3, 0), ("post", "Node", 3, 3)]
    assert Node.objects.filter(name="set by a receiver").count() == 1


def facts_of(rows: list[Plain]) -> list[Any]:
    every = [*rows, *(stock for row in rows for stock in row.new)]  # type: ignore[attr-defined]
    return [(vars(row).copy(), row._state.adding, dict(row._state.fields_cache)) for row in every]


@pytest.mark.parametrize("n", SIZES)
def test_after_an_error_the_objects_are_as_before(n: int) -> None:
    rows = shops(n)
    rows[2].new[1].sku = rows[2].new[0].sku  # type: ignore[attr-defined]
    before = facts_of(rows)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Plain.objects.save_graph(rows, children={"stocks": new_of})
    error: Any = caught.value
    assert not Plain.objects.exists() and not Stock.objects.exists()
    assert facts_of(rows) == before
    if error.row_index is not None:
        assert (error.row_index, error.path) == (2, "stocks")
        assert error.object in rows[2].new  # type: ignore[attr-defined]


def test_an_error_names_the_object_that_it_belongs_to() -> None:
    rows = shops(4)
    rows[3].new[0].amount = 2**80  # type: ignore[attr-defined]
    with pytest.raises((DataError, OverflowError)) as caught:
        Plain.objects.save_graph(rows, children={"stocks": new_of})
    error: Any = caught.value
    assert (error.row_index, error.path, error.field_name) == (3, "stocks", "amount")


def test_a_dry_run() -> None:
    rows = shops(3)
    before = facts_of(rows)
    result = Plain.objects.save_graph(rows, {"stocks": new_of}, dry_run=True)
    assert result.inserted == 3 and result.dry_run and not Plain.objects.exists()
    assert result.inserted_by_label == {"app.Plain": 3, "app.Stock": 6}
    assert result.keys == [None] * 3 and facts_of(rows) == before
    assert Plain.objects.save_graph(rows, {"stocks": new_of}).inserted == 3


@pytest.mark.django_db(transaction=True)
def test_everything_is_one_transaction() -> None:
    rows = shops(3)
    rows[2].new[1].sku = rows[2].new[0].sku  # type: ignore[attr-defined]
    with pytest.raises(IntegrityError):
        Plain.objects.save_graph(rows, children={"stocks": new_of})
    assert not Plain.objects.exists() and rows[0].pk is None


def test_one_uuid_for_the_call_and_models_with_djangos_manager_only() -> None:
    foos = [Foo(name="a", value=1), Foo(name="b", value=2)]
    Foo.objects.save_graph(foos)
    assert foos[0].bm_create_uuid and foos[0].bm_create_uuid == foos[1].bm_create_uuid
    through = Box.named.through
    assert through is Label
    result = async_to_sync(Plain.objects.asave_graph)(shops(2), {"stocks": new_of})
    assert result.inserted_by_label == {"app.Plain": 2, "app.Stock": 4}


def test_refusals() -> None:
    rows = shops(1)
    refused: list[tuple[Any, Any, type[Exception], str]] = [
        (["nothing"], (), FieldDoesNotExist, "no children 'nothing'.*'signed'.*'stocks'"),
        (["name"], (), ValueError, r"is not a reverse accessor \(related_name\) of app\.Plain"),
        ("stocks", (), TypeError, "must be a list of names"),
        ({"stocks": 1}, (), TypeError, "must be a function"),
        (["stocks__shop"], (), ValueError, "is not a reverse accessor"),
        ((), ["value"], ValueError, "is not a many-to-many field of app.Plain"),
        ((), ["stocks__tags"], ValueError, "needs children='stocks'"),
        (
            {"stocks": lambda row: [Plain(name="x")]},
            (),
            ValueError,
            "contains an object of type Plain, not",
        ),
    ]
    for children, m2m, kind, said in refused:
        with pytest.raises(kind, match=said):
            Plain.objects.save_graph(rows, children, m2m)
    with pytest.raises(ValueError, match="many-to-many: use m2m="):
        Box.objects.save_graph([], ["tags"])
    two = [Plain(name="a"), Plain(name="b")]
    stock = Stock(sku="1")
    with pytest.raises(ValueError, match="Object 0: one of its stocks refers to another shop"):
        Plain.objects.save_graph(two, {"stocks": lambda row: [stock]})
    other = Stock(sku="2", shop=two[1])
    with pytest.raises(ValueError, match="refers to another shop"):
        Plain.objects.save_graph(two[:1], {"stocks": lambda row: [other]})
    assert stock._state.fields_cache == {}
    with pytest.raises(ValueError, match="Object 0 is a Stock"):
        Plain.objects.save_graph([stock])
    assert not Plain.objects.exists()


def test_nothing_to_do() -> None:
    assert Plain.objects.save_graph([], ["stocks"]).inserted == 0
    row = Plain.objects.create(name="a")
    with CaptureQueriesContext(connection) as captured:
        result = Plain.objects.save_graph([row], ["stocks"])
    kinds = {query["sql"].split()[0] for query in captured}
    assert result.inserted == 0 and kinds <= {"SAVEPOINT", "RELEASE"}


def test_a_receiver_hears_the_links_of_an_owner_once() -> None:
    signed = [Signed(name="a", value=1)]
    owner = Plain(name="o")
    Plain.objects.save_graph([owner], {"signed": lambda row: [*signed, *signed]})
    assert owner.signed.count() == 1 and isinstance(signed[0].owner, models.Model)


def test_receivers_get_the_result_of_a_dry_run() -> None:
    heard: list[Any] = []

    def hear(**facts: Any) -> None:
        heard.append(facts["result"])

    signals.post_bulk_create.connect(hear, sender=Stock)
    try:
        result = Plain.objects.save_graph(shops(1), {"stocks": new_of}, dry_run=True)
    finally:
        signals.post_bulk_create.disconnect(hear, sender=Stock)
    assert heard == [result] and heard[0].dry_run


def test_a_receiver_that_fails_before_the_call() -> None:
    def fail(**facts: Any) -> None:
        raise RuntimeError("no")

    rows = shops(2)
    before = facts_of(rows)
    signals.pre_bulk_create.connect(fail, sender=Stock)
    try:
        with pytest.raises(RuntimeError, match="no"):
            Plain.objects.save_graph(rows, {"stocks": new_of})
    finally:
        signals.pre_bulk_create.disconnect(fail, sender=Stock)
    assert facts_of(rows) == before
    assert [vars(stock).get("shop_id") for row in rows for stock in new_of(row)] == [None] * 4
    assert all(stock._state.fields_cache == {} for row in rows for stock in new_of(row))


def test_an_object_that_the_list_has_twice() -> None:
    row, saved = Plain(name="a"), Plain.objects.create(name="b")
    result = Plain.objects.save_graph([row, saved, row, saved])
    assert (result.inserted, result.ignored) == (1, 1)
    assert list(result.outcomes) == [Outcome.INSERTED, Outcome.NONE, Outcome.IGNORED, Outcome.NONE]
    assert result.inserted_by_label == {"app.Plain": 1} and Plain.objects.count() == 2
