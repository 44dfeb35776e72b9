"""Frames as the objects of upsert, sync, delete and update_fields() (issue 13, 6)."""

import datetime
from decimal import Decimal
from typing import Any

import polars
import pyarrow as pa
import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from app.keys import Product
from app.models import Plain, Signed, Stamped
from bulkmodel import signals
from bulkmodel.engine.support import Fallback

pytestmark = pytest.mark.django_db


def stored(model: Any, *names: str) -> list[Any]:
    return list(models.QuerySet(model).order_by("pk").values_list(*names))


@pytest.fixture
def three() -> list[Plain]:
    return [Plain.objects.create(name=f"n{i}", value=i) for i in range(3)]


def refuses(*arguments: Any) -> None:
    raise Fallback("as a model of which the engine cannot write a field")


def test_upsert_writes_only_the_columns_of_the_frame(three: list[Plain]) -> None:
    names = pa.table({"name": ["n1", "new"]})
    result = Plain.objects.bulk_upsert(names, unique_fields=["name"])
    assert (result.inserted, result.updated, result.unchanged) == (1, 0, 1)
    frame = polars.DataFrame({"name": ["n0", "n2", "more"], "value": [10, 2, 5]})
    result = Plain.objects.bulk_upsert(frame, ["name"])
    assert (result.inserted, result.updated, result.unchanged) == (1, 1, 1)
    assert result.keys[0] == three[0].pk and result.keys[2] is not None
    assert stored(Plain, "name", "value") == [
        ("n0", 10),
        ("n1", 1),
        ("n2", 2),
        ("new", None),
        ("more", 5),
    ]


def test_upsert_sets_auto_now_and_keeps_the_rest() -> None:
    old = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    row = Stamped.objects.create(name="a")
    models.QuerySet(Stamped).update(made=old, changed=old)
    result = Stamped.objects.bulk_upsert(pa.table({"id": [row.pk], "name": ["b"]}))
    assert result.updated == 1
    row.refresh_from_db()
    assert row.name == "b" and row.made == old and row.changed > old
    with pytest.raises(ValueError, match=r'"changed" .*auto_now'):
        Stamped.objects.bulk_upsert(pa.table({"id": [1], "changed": [old]}))


@pytest.mark.parametrize("on_engine", [True, False])
def test_update_fields_sets_a_named_auto_now(
    on_engine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its column is to be left out."""
    if not on_engine:
        monkeypatch.setattr("bulkmodel.verbs.frame_updates.FrameUpdate", refuses)
    old = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    row = Stamped.objects.create(name="a")
    models.QuerySet(Stamped).update(made=old, changed=old)
    frame = pa.table({"id": [row.pk], "name": ["b"]})
    assert Stamped.objects.update_fields("name", "changed", objects=frame) == 1
    row.refresh_from_db()
    assert row.name == "b" and row.made == old and row.changed > old
    with pytest.raises(ValueError, match=r'"changed" .*auto_now.*Leave the column out'):
        Stamped.objects.update_fields(objects=frame.append_column("changed", pa.array([old])))
    with pytest.raises(ValueError, match='no column for field "made"'):
        Stamped.objects.update_fields("name", "made", objects=frame)


def test_update_fields(three: list[Plain]) -> None:
    frame = pa.table({"id": [row.pk for row in three], "value": [7, 8, 9]})
    assert Plain.objects.update_fields(objects=frame) == 3
    assert stored(Plain, "name", "value") == [("n0", 7), ("n1", 8), ("n2", 9)]
    by_name = polars.DataFrame({"name": ["n2", "gone"], "value": [99, 1]})
    assert Plain.objects.update_fields(objects=by_name, unique_fields=["name"]) == 1
    both = pa.table({"id": [three[0].pk], "name": ["x"], "value": [0]})
    assert Plain.objects.update_fields("value", objects=both) == 1
    assert stored(Plain, "name", "value") == [("n0", 0), ("n1", 8), ("n2", 99)]


def test_sync_and_delete(three: list[Plain]) -> None:
    frame = pa.table({"name": ["n0", "n3"], "value": [5, 3]})
    result = Plain.objects.all().bulk_sync(frame, ["name"])
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 2)
    assert stored(Plain, "name", "value") == [("n0", 5), ("n3", 3)]
    assert Plain.objects.bulk_delete(pa.table({"name": ["n3"]}), ["name"]).deleted == 1
    assert Plain.objects.bulk_delete(pa.table({"id": [three[0].pk]})).deleted == 1
    assert stored(Plain, "name") == []


@pytest.mark.parametrize(
    "call",
    [
        lambda frame: Plain.objects.bulk_upsert(frame),
        lambda frame: Plain.objects.bulk_upsert(frame, ["name"], ["value"]),
        lambda frame: Plain.objects.all().bulk_sync(frame),
        lambda frame: Plain.objects.bulk_delete(frame),
        lambda frame: Plain.objects.update_fields(objects=frame),
        lambda frame: Plain.objects.update_fields("value", objects=frame, unique_fields=["name"]),
    ],
)
def test_a_column_that_is_missing(call: Any, three: list[Plain]) -> None:
    """A default would identify a row, or replace a value."""
    with pytest.raises(ValueError, match=r'no column for field "(id|value)"'):
        call(pa.table({"name": ["n0"]}))
    with pytest.raises(FieldDoesNotExist, match='"nam"'):
        call(pa.table({"nam": ["n0"]}))
    assert stored(Plain, "name", "value") == [("n0", 0), ("n1", 1), ("n2", 2)]


def test_rows_are_known_by_pk(three: list[Plain]) -> None:
    frame = pa.table({"id": [row.pk for row in three], "value": [7, 8, 9]})
    assert Plain.objects.update_fields(objects=frame, unique_fields=["pk"]) == 3
    assert stored(Plain, "name", "value") == [("n0", 7), ("n1", 8), ("n2", 9)]
    assert Plain.objects.bulk_upsert(frame, ["pk"]).unchanged == 3
    for wrong, error in ((["signed"], ValueError), ("pk", TypeError), ([], ValueError)):
        with pytest.raises(error, match="unique_fields"):
            Plain.objects.update_fields(objects=frame, unique_fields=wrong)


def test_a_constraint_reads_columns_that_the_frame_must_have() -> None:
    """Of its fields, its condition and its expressions."""
    Product.django.create(code="a", price=20, name="Fork")
    whole = {"code": ["a"], "price": [Decimal(30)], "active": [True]}
    for missing in whole:
        frame = pa.table({name: cells for name, cells in whole.items() if name != missing})
        with pytest.raises(ValueError, match=f'no column for field "{missing}"'):
            Product.objects.bulk_upsert(frame, constraint="product_active")
    with pytest.raises(ValueError, match='no column for field "version"'):
        Product.objects.bulk_upsert(pa.table({"name": ["fork"]}), constraint="product_name")
    with pytest.raises(ValueError, match='no column for field "brand"'):
        Product.objects.bulk_upsert(pa.table({"code": ["a"]}), constraint="product_plain")
    assert Product.objects.bulk_upsert(pa.table(whole), constraint="product_active").updated == 1
    frame = pa.table({"name": ["FORK"], "version": [0]})
    assert Product.objects.bulk_upsert(frame, constraint="product_name").updated == 1
    assert stored(Product, "code", "price", "name") == [("a", Decimal(30), "FORK")]


def test_rows_of_another_query_are_a_frame(three: list[Plain]) -> None:
    rows = Plain.objects.order_by("pk").copy_to_arrow(["name", "value"])
    assert Signed.objects.bulk_upsert(Plain.objects.copy_to_arrow(), ["id"]).inserted == 3
    assert Signed.objects.copy_from_arrow(rows) == 3
    assert stored(Signed, "name", "value")[3:] == [("n0", 0), ("n1", 1), ("n2", 2)]


def test_signals_have_no_instances(three: list[Plain]) -> None:
    heard: list[Any] = []

    def listen(sender: Any, instances: Any, n: int, **given: Any) -> None:
        heard.append((instances, n))

    signals.pre_update_fields.connect(listen, sender=Plain)
    signals.pre_bulk_upsert.connect(listen, sender=Plain)
    try:
        Plain.objects.update_fields(objects=pa.table({"id": [three[0].pk], "value": [1]}))
        Plain.objects.bulk_upsert(pa.table({"name": ["n0"]}), ["name"])
    finally:
        signals.pre_update_fields.disconnect(listen, sender=Plain)
        signals.pre_bulk_upsert.disconnect(listen, sender=Plain)
    assert heard == [(None, 1), (None, 1)]
