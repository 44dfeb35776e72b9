"""L6: keys that are given in another type than the field's are the key, wherever they are given."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from app.keys import Pair
from app.linked import Box, Tag
from app.models import Foo, Keyed, Plain
from app.odd import Computed, OddKey, ShoutedKey
from bulkmodel import signals

pytestmark = pytest.mark.django_db

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture(params=["bulk", "3000"])
def others(request: Any) -> int:
    """How many rows beside those that matter: a call of many rows takes another way."""
    return 0 if request.param == "bulk" else 1500


def heard(signal: Signal) -> list[Any]:
    querysets: list[Any] = []

    def receiver(queryset: Any, **facts: Any) -> None:
        querysets.append(list(queryset))

    signal.connect(receiver, weak=False, dispatch_uid="given keys")
    return querysets


@pytest.fixture(autouse=True)
def deaf() -> Any:
    yield
    for signal in (
        signals.post_bulk_create,
        signals.post_update_fields,
        signals.post_copy_from_instances,
    ):
        signal.disconnect(dispatch_uid="given keys")


CASES: list[Any] = [
    (Plain, {"pk": "5", "name": "a"}, {"pk": 5, "name": "b"}, "name"),
    (Plain, {"pk": " 5 ", "name": "a"}, {"pk": "5", "name": "b"}, "name"),
    (Plain, {"pk": 5.0, "name": "a"}, {"pk": Decimal("5"), "name": "b"}, "name"),
    (Keyed, {"pk": str(ONE), "name": "a"}, {"pk": ONE, "name": "b"}, "name"),
    (Keyed, {"pk": ONE.hex.upper(), "name": "a"}, {"pk": ONE, "name": "b"}, "name"),
    (Pair, {"pk": ("1", 7), "value": 1}, {"pk": (1, "7"), "value": 2}, "value"),
    (OddKey, {"pk": "1.5", "value": 1}, {"pk": Decimal("1.50"), "value": 2}, "value"),
]


def rest(model: Any, n: int) -> list[Any]:
    if model is Plain:
        return [Plain(pk=10_000 + i, name=f"n{i}") for i in range(n)]
    if model is Keyed:
        return [Keyed(pk=uuid.UUID(int=10_000 + i), name=f"n{i}") for i in range(n)]
    if model is Pair:
        return [Pair(pk=(10_000 + i, "x"), value=i) for i in range(n)]
    return [OddKey(pk=Decimal(10_000 + i), value=i) for i in range(n)]


@pytest.mark.parametrize(("model", "first", "again", "field"), CASES)
def test_create_queryset(model: Any, first: Any, again: Any, field: str, others: int) -> None:
    made = model.objects.create_queryset([model(**first), *rest(model, others)])
    assert len(made) == 1 + others
    made = model.objects.create_queryset([*rest(model, others), model(**again)])
    assert len(made) == 1 + others and getattr(made[others], field) == again[field]
    assert model.objects.count() == 1 + others
    assert model.objects.filter(**{field: again[field]}).exists()
    with pytest.raises(ValueError, match="same primary key"):
        model.objects.create_queryset([model(**first), model(**again)])


@pytest.mark.parametrize(("model", "first", "again", "field"), CASES)
def test_copy_from_objects(model: Any, first: Any, again: Any, field: str, others: int) -> None:
    querysets = heard(signals.post_copy_from_instances)
    rows = [model(**first), *rest(model, others)]
    made = model.objects.copy_from_objects(rows, exclude_id=False, return_queryset=True)
    assert [row is given for row, given in zip(made, rows)] == [True] * (1 + others)
    assert len(querysets[0]) == made.all().count() == 1 + others


@pytest.mark.parametrize(("model", "first", "again", "field"), CASES)
def test_update_fields(model: Any, first: Any, again: Any, field: str, others: int) -> None:
    model.objects.bulk_create([model(**again), *rest(model, others)])
    querysets = heard(signals.post_update_fields)
    rows = [model(**first), *rest(model, others)]
    for row in rows:
        row._state.adding = False
    made = model.objects.update_fields(field, objects=rows, return_queryset=True)
    assert len(made) == len(querysets[0]) == 1 + others
    assert model.objects.filter(**{field: first[field]}).exists()
    twice = [*rows, model(**again)]
    twice[-1]._state.adding = False
    with transaction.atomic(), pytest.raises(ValueError, match="same primary key") as raised:
        model.objects.update_fields(field, objects=twice)
    assert f"Objects 0 and {1 + others}" in str(raised.value)


@pytest.mark.parametrize(("model", "first", "again", "field"), CASES)
@pytest.mark.parametrize("verb", ["ignore_conflicts", "update_conflicts", ""])
def test_bulk_create(
    model: Any, first: Any, again: Any, field: str, verb: str, others: int
) -> None:
    querysets = heard(signals.post_bulk_create)
    if verb:
        model._base_manager.bulk_create([model(**again)])
    options: dict[str, Any] = {verb: True} if verb else {}
    if verb == "update_conflicts":
        keys = ["left", "right"] if model is Pair else ["pk"]
        options |= {"unique_fields": keys, "update_fields": [field]}
    rows = [model(**first), *rest(model, others)]
    made = model.objects.bulk_create(rows, return_queryset=True, **options)
    assert len(made) == len(querysets[0]) == 1 + others
    kept = again if verb == "ignore_conflicts" else first
    assert getattr(made[0], field) == kept[field]


def test_values_that_the_database_computes() -> None:
    made = Computed.objects.create_queryset([Computed(pk="5", value=3)])
    assert made[0].double == 6
    rows = [Computed(pk="5", value=4)]
    rows[0]._state.adding = False
    assert (
        Computed.objects.update_fields("value", objects=rows, return_queryset=True)[0].double == 8
    )


def test_a_key_of_a_class_of_its_own() -> None:
    ShoutedKey.objects.bulk_create([ShoutedKey(name="AbC", value=1)])
    again = ShoutedKey.objects.create_queryset([ShoutedKey(name="aBc", value=2)])
    assert ShoutedKey.objects.count() == 1 and again.all().get().value == 2


def test_links(others: int) -> None:
    boxes = Box.objects.bulk_create([Box(code=f"{i}") for i in range(2)])
    tags = Tag.objects.bulk_create([Tag(name=f"{i}") for i in range(3)])
    assert Box.objects.update_m2m_fields("tags", {str(boxes[0].pk): [str(tags[0].pk)]}) == 1
    assert Box.objects.update_m2m_fields("tags", {boxes[0].pk: [str(tags[0].pk), tags[1]]}) == 1
    assert Box.objects.update_m2m_fields("tags", {str(boxes[0].pk): [tags[0].pk, tags[1].pk]}) == 0
    with pytest.raises(ValueError, match="appears twice"):
        Box.objects.update_m2m_fields("tags", {boxes[0].pk: [], str(boxes[0].pk): []})


def test_populate() -> None:
    Plain.objects.create(pk=5, name="a")
    rows = Plain.objects.populate_queryset_values([Plain(pk="5", name="b")], "name")
    assert rows[0].name == "b"


def test_an_update_of_rows_that_were_given_by_text() -> None:
    Foo.objects.bulk_create([Foo(name=f"{i}", value=i) for i in range(3)])
    rows = [Foo(pk=str(foo.pk), name="new", value=9) for foo in Foo.objects.order_by("pk")]
    for row in rows:
        row._state.adding = False
    assert Foo.objects.filter(value__gt=0).update_fields("name", "value", objects=rows) == 2
    assert Foo.objects.bulk_update(rows, ["name"]) == 3


@pytest.mark.parametrize(
    ("key", "error", "words"),
    [
        ("x", ValueError, "expected a number"),
        ([1], TypeError, "unhashable type: 'list'"),
        ({}, TypeError, "unhashable type: 'dict'"),
        (object(), TypeError, "expected a number"),
    ],
    ids=["text", "list", "dict", "object"],
)
def test_what_is_no_key_is_refused_before_anything_is_written(
    key: Any, error: type[Exception], words: str
) -> None:
    rows = Plain.objects
    number = "expected a number"
    for call, said in (
        (lambda row: rows.create_queryset([row]), words),
        (
            lambda row: rows.copy_from_objects([row], exclude_id=False, return_queryset=True),
            number,
        ),
        (lambda row: rows.bulk_create([row], return_queryset=True), number),
    ):
        with pytest.raises(error, match=said), transaction.atomic():
            call(Plain(pk=key, name="a"))
        assert Plain.django.count() == 0
