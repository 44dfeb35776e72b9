"""What the database computes of new rows is on the objects afterwards, as Django puts it there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models.expressions import DatabaseDefault
from django.test.utils import CaptureQueriesContext

from app.computing import Blank, Order, Slot, Virtual
from app.keys import Pair
from app.odd import Alias, Computed, Defaults, Named, Place

pytestmark = pytest.mark.django_db

MANY = 1500  # more than one statement of few rows
GIVEN = 10_000_000  # keys that objects have are not smaller, or negative


def named(kind: Any, **values: Any) -> Callable[[int], Any]:
    return lambda i: kind(name=f"n{i}", **values)


KINDS: dict[str, tuple[Any, Callable[[int], Any]]] = {
    "defaults": (Order, named(Order)),
    "given": (Order, named(Order, state="old", count=8)),
    "one given": (Order, named(Order, count=8)),
    "plain": (Defaults, lambda i: Defaults(plain=i)),
    "generated": (Computed, lambda i: Computed(value=i)),
    "two keys": (Place, lambda i: Place(row=i, seat="a")),
    "pair": (Pair, lambda i: Pair(left=i, right="b", value=i)),
    "keys and values": (Slot, lambda i: Slot(row=i, seat="c")),
    "given keys": (Order, lambda i: Order(pk=i + GIVEN, name=f"k{i}")),
    "proxy": (Alias, lambda i: Alias(name=f"p{i}", code=i)),
    "other class": (Alias, lambda i: Named(name=f"p{i}", code=i)),
    "mixed keys": (Order, lambda i: Order(pk=-i if i % 2 else None, name=f"k{i}")),
    "mixed defaults": (Order, lambda i: Order(name=f"m{i}", **({"count": i} if i % 3 else {}))),
}
if connection.vendor == "sqlite":
    KINDS["virtual"] = (Virtual, named(Virtual))


@pytest.fixture(params=list(KINDS))
def kind(request: Any) -> Any:
    return KINDS[request.param]


def facts(objects: list[Any]) -> Iterator[Any]:
    """The attributes and the state of each object; keys that a sequence made from the first one."""
    made = [o.pk for o in objects if type(o.pk) is int and 0 < o.pk < GIVEN]
    first = min(made, default=0)
    for o in objects:
        values = {
            name: type(value) if name == "made" else value
            for name, value in vars(o).items()
            if name != "_state"
        }
        if type(values.get("id")) is int and 0 < values["id"] < GIVEN:
            values["id"] -= first
        yield values, o._state.adding, o._state.db, sorted(vars(o._state))


def write(manager: Any, make: Any, numbers: range, **options: Any) -> tuple[list[Any], int]:
    objects = [make(i) for i in numbers]
    with CaptureQueriesContext(connection) as queries:
        manager.bulk_create(objects, **options)
    return objects, len(queries)


def both(kind: Any, numbers: range, **options: Any) -> tuple[Any, Any]:
    model, make = kind
    manager = model.django if hasattr(model, "django") else models.QuerySet(model)
    theirs, their_count = write(manager, make, numbers, **options)
    theirs_stored = stored(model)
    return (theirs, theirs_stored, their_count), (model, make, manager)


def stored(model: Any) -> list[Any]:
    fields = [f.attname for f in model._meta.concrete_fields if f.name not in ("id", "made")]
    return sorted(models.QuerySet(model).values_list(*fields), key=repr)


@pytest.mark.parametrize("n", [1, 2, 10, MANY])
def test_create(kind: Any, n: int, on_engine: list[str]) -> None:
    (theirs, rows, count), (model, make, manager) = both(kind, range(n))
    manager.all().delete()
    ours, our_count = write(model.objects, make, range(n))
    assert list(facts(ours)) == list(facts(theirs))
    assert stored(model) == rows
    if n < MANY:
        assert our_count == count
    mixed = (
        any(f.has_db_default() for f in model._meta.fields) and make is KINDS["mixed defaults"][1]
    )
    assert on_engine or (mixed and n < MANY)


@pytest.mark.parametrize("n", [1, 10, MANY])
def test_ignore_conflicts(kind: Any, n: int, on_engine: list[str]) -> None:
    model, make = kind
    manager = model.django if hasattr(model, "django") else models.QuerySet(model)
    half = range(0, n, 2)
    write(manager, make, half)
    theirs, count = write(manager, make, range(n), ignore_conflicts=True)
    rows = stored(model)
    manager.all().delete()
    write(manager, make, half)
    ours, our_count = write(model.objects, make, range(n), ignore_conflicts=True)
    assert list(facts(ours)) == list(facts(theirs))
    assert stored(model) == rows
    if n < MANY:
        assert our_count == count
    if make is not KINDS["mixed defaults"][1]:
        assert on_engine


UPSERTS: dict[str, Any] = {
    "defaults": (["state"], ["name"]),
    "one given": (["count"], ["name"]),
    "two keys": (["taken"], ["row", "seat"]),
    "pair": (["value"], ["left", "right"]),
    "keys and values": (["taken", "note"], ["row", "seat"]),
    "given keys": (["state"], ["id"]),
    "virtual": (["name"], ["name"]),
    "proxy": (["code"], ["name"]),
}


@pytest.mark.parametrize("name", list(UPSERTS))
@pytest.mark.parametrize("n", [1, 10, MANY])
def test_update_conflicts(name: str, n: int) -> None:
    if name not in KINDS:
        return
    model, make = KINDS[name]
    update, unique = UPSERTS[name]
    options = {"update_conflicts": True, "update_fields": update, "unique_fields": unique}
    manager = model.django if hasattr(model, "django") else models.QuerySet(model)
    half = range(0, n, 2)
    write(manager, make, half)
    theirs, count = write(manager, make, range(n), **options)
    rows, they = stored(model), list(facts(theirs))
    manager.all().delete()
    write(manager, make, half)
    ours, our_count = write(model.objects, make, range(n), **options)
    assert stored(model) == rows
    keys = {o.pk for o in ours}
    assert {
        name: [value[0].get(name) for value in facts(ours)] for name in they[0][0] if name != "id"
    } == {name: [value[0].get(name) for value in they] for name in they[0][0] if name != "id"}
    assert len(keys) == len(ours) and None not in keys
    if n < MANY:
        assert our_count == count


@pytest.mark.parametrize("n", [10, MANY])
def test_a_failure_restores_the_objects(n: int) -> None:
    Order.django.create(name=f"n{n - 1}")
    objects = [Order(name=f"n{i}") for i in range(n)]
    before = [values for values, *_ in facts(objects)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.bulk_create(objects)
    assert [values for values, *_ in facts(objects)] == before
    assert all(o._state.adding and o._state.db is None for o in objects)
    assert type(vars(objects[0])["count"]) is DatabaseDefault


def test_update_by_a_composite_key(on_engine: list[str]) -> None:
    for n in (1, 10, MANY):
        Slot.django.all().delete()
        rows = Slot.objects.bulk_create([Slot(row=i, seat=f"{i % 7}") for i in range(n)])
        for row in rows:
            row.taken = True
        assert Slot.objects.bulk_update(rows, ["taken"]) == n
        assert Slot.django.filter(taken=True).count() == n
        for row in rows:
            row.note = f"{row.row}"
        some = Slot.objects.filter(row__lt=5)
        assert some.update_fields("note", objects=rows) == min(n, 5)
        assert Slot.django.exclude(note="none").count() == min(n, 5)
    assert len(on_engine) == 9


@pytest.mark.parametrize("n", [1, 3, MANY])
@pytest.mark.parametrize("verb", ["bulk_create", "copy_from_objects"])
def test_rows_of_defaults_alone(verb: str, n: int) -> None:
    """No column is left to send."""
    rows = [Blank() for _ in range(n)]
    getattr(Blank.objects, verb)(rows)
    assert Blank.django.filter(state="new", count=3).count() == n
    if verb == "bulk_create":
        assert [row.pk is not None for row in rows] == [True] * n
        assert {(row.state, row.count) for row in rows} == {("new", 3)}
