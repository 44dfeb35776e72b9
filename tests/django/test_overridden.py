"""L16: methods of other classes, or patched ones, are called where Django calls them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, models, transaction
from django.db.models import F, sql

from app.linked import Box
from app.models import Foo, Plain
from bulkmodel.model.overrides import CREATE_STEPS
from bulkmodel.queryset import BulkModelQuerySet, BulkModelQuerySetMixin

pytestmark = pytest.mark.django_db


def heard(*names: str, base: type[Any] = models.QuerySet) -> tuple[type[Any], list[str]]:
    """A package's queryset class that overrides these methods, and what was called of them."""
    calls: list[str] = []

    def overriding(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **options: Any) -> Any:
            calls.append(name)
            return getattr(super(kind, self), name)(*args, **options)

        return method

    kind: type[Any] = type("PackageQuerySet", (base,), {name: overriding(name) for name in names})
    return kind, calls


def both_orders(*names: str) -> Iterator[tuple[type[Any], list[str]]]:
    """Before ours, and between ours and Django's."""
    package, calls = heard(*names)
    yield type("Before", (package, BulkModelQuerySet), {}), calls
    package, calls = heard(*names)
    yield type("Between", (BulkModelQuerySetMixin, package), {}), calls
    package, calls = heard(*names)
    yield type("BetweenBoth", (BulkModelQuerySet, package), {}), calls


def plain(n: int, first: int = 0) -> list[Plain]:
    return [Plain(name=f"{first + i}", value=i) for i in range(n)]


@pytest.mark.parametrize("n", [3, 1200])
def test_bulk_create(n: int) -> None:
    for i, (kind, calls) in enumerate(both_orders("bulk_create")):
        made = kind(Plain).bulk_create(plain(n, i * n))
        assert calls == ["bulk_create"] and all(row.pk for row in made)
    assert Plain.django.count() == 3 * n


@pytest.mark.parametrize("step", CREATE_STEPS)
def test_steps_of_bulk_create(step: str) -> None:
    for i, (kind, calls) in enumerate(both_orders(step)):
        kind(Plain).bulk_create(plain(3, i * 3))
        assert step in calls
    assert Plain.django.count() == 9


@pytest.mark.parametrize("n", [3, 1200])
@pytest.mark.parametrize("name", ["bulk_update", "update", "filter"])
def test_bulk_update(name: str, n: int) -> None:
    rows = Plain.django.bulk_create(plain(n))
    for kind, calls in both_orders(name):
        for row in rows:
            row.value = (row.value or 0) + 1
        assert kind(Plain).bulk_update(rows, ["value"], batch_size=100) == n
        assert calls == [name] * (1 if name == "bulk_update" else -(-n // 100))
    assert Plain.django.get(pk=rows[0].pk).value == 3


def test_update() -> None:
    Plain.django.bulk_create(plain(3))
    for kind, calls in both_orders("update"):
        assert kind(Plain).update(value=F("value") + 1) == 3
        assert calls == ["update"]
    assert list(Plain.django.order_by("pk").values_list("value", flat=True)) == [3, 4, 5]


def test_update_in_batches_of_a_class_between() -> None:
    Plain.django.bulk_create(plain(3))
    package, calls = heard("update")
    kind: Any = type("Between", (BulkModelQuerySetMixin, package), {})
    assert kind(Plain).update(value=7, batch_size=2) == 3
    assert calls == ["update", "update"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["abulk_create", "aupdate", "abulk_update"])
def test_asynchronous_twins(name: str) -> None:
    for i, (kind, calls) in enumerate(both_orders(name, name[1:])):
        rows = plain(3, i * 3)
        if name == "abulk_create":
            async_to_sync(kind(Plain).abulk_create)(rows)
        else:
            Plain.django.bulk_create(rows)
        if name == "aupdate":
            async_to_sync(kind(Plain).filter(pk__in=[row.pk for row in rows]).aupdate)(value=7)
        if name == "abulk_update":
            async_to_sync(kind(Plain).abulk_update)(rows, ["value"])
        assert calls == [name, name[1:]]
    assert Plain.django.count() == 9


@pytest.mark.django_db(transaction=True)
def test_options_reach_past_a_package_s_abulk_create() -> None:
    package, calls = heard("abulk_create", "bulk_create")
    kind: Any = type("Between", (BulkModelQuerySetMixin, package), {})
    written = async_to_sync(kind(Plain).abulk_create)(plain(3), return_queryset=True)
    assert calls == ["abulk_create", "bulk_create"]
    assert isinstance(written, kind) and [row.name for row in written] == ["0", "1", "2"]
    with pytest.raises(TypeError, match="no_option"):
        async_to_sync(kind(Plain).abulk_create)(plain(3, 3), no_option=True)


def test_what_we_add_goes_on_with_a_class_between() -> None:
    package, _ = heard("bulk_create")
    kind: Any = type("Between", (BulkModelQuerySetMixin, package), {})
    rows = [Foo(name=f"{i}", value=i) for i in range(3)]
    written = kind(Foo).bulk_create(rows, return_queryset=True)
    assert [row.name for row in written] == ["0", "1", "2"]
    assert len({row.bm_create_uuid for row in Foo.objects.all()} - {None}) == 1


def test_a_package_s_method_may_return_anything() -> None:
    class PackageQuerySet(models.QuerySet):  # type: ignore[type-arg]
        def bulk_create(self, objs: Any, *args: Any, **options: Any) -> Any:
            super().bulk_create(objs, *args, **options)
            return None

    kind: Any = type("Between", (BulkModelQuerySetMixin, PackageQuerySet), {})
    assert kind(Plain).bulk_create(plain(2)) is None
    assert len(kind(Plain).bulk_create(plain(2, 2), return_queryset=True)) == 2


@pytest.mark.parametrize("name", ["bulk_create", "_insert", "bulk_update", "update", "filter"])
def test_patched_at_run_time(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As packages for caches and tracing do."""
    calls = []
    djangos = getattr(models.QuerySet, name)

    def patched(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(name)
        return djangos(self, *args, **options)

    rows = Plain.objects.bulk_create(plain(2))
    monkeypatch.setattr(models.QuerySet, name, patched)
    if name in ("bulk_create", "_insert"):
        Plain.objects.bulk_create(plain(2, 2))
    elif name == "update":
        Plain.objects.update(value=1)
        Plain.objects.bulk_update(rows, ["value"])
        assert calls == ["update", "update"]
    else:
        Plain.objects.bulk_update(rows, ["value"])
    assert calls and set(calls) == {name}


def test_patched_for_links(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    djangos = models.QuerySet.bulk_create

    def patched(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(self.model)
        return djangos(self, *args, **options)

    monkeypatch.setattr(models.QuerySet, "bulk_create", patched)
    box, other = Box.objects.create(code="a"), Box.objects.create(code="b")
    Box.objects.update_m2m_fields("follows", {box.pk: [other.pk]})
    assert calls == [Box.follows.through]


class HidingQuery(sql.Query):
    """As packages for soft deletion do: a condition is added when the query is used."""

    def chain(self, klass: Any = None) -> Any:
        query = super().chain(klass)
        if klass is sql.UpdateQuery:
            query.add_q(models.Q(value__gte=0))
        return query


def test_a_query_that_adds_conditions_when_it_is_used() -> None:
    class Hiding(BulkModelQuerySet):
        def __init__(self, model: Any = None, query: Any = None, **options: Any) -> None:
            super().__init__(model, query or HidingQuery(model), **options)

    rows = Plain.django.bulk_create([Plain(name="a", value=1), Plain(name="b", value=-1)])
    for row in rows:
        row.name += "!"
    assert Hiding(Plain).bulk_update(rows, ["name"]) == 1
    assert Hiding(Plain).update_fields("name", objects=rows) == 1
    names = Plain.django.order_by("pk").values_list("name", flat=True)
    assert list(names) == ["a!", "b"]


def test_the_engine_where_nothing_is_overridden(on_engine: list[str]) -> None:
    class Own(BulkModelQuerySet):
        def cheap(self) -> Any:
            return self.filter(value=0)

    rows = Own(Plain).bulk_create(plain(3))
    assert len(on_engine) == 1
    assert Own(Plain).bulk_update(rows, ["value"]) == 3
    assert len(on_engine) == 2


def stamping(where: str) -> Any:
    """A package that has something to do with each row that is created, as django-polymorphic."""

    class PackageQuerySet(models.QuerySet):  # type: ignore[type-arg]
        def bulk_create(self, objs: Any, batch_size: Any = None) -> Any:
            objs = list(objs)
            for row in objs:
                row.value = 100
            return super().bulk_create(objs, batch_size)

    bases = {
        "before": (PackageQuerySet, BulkModelQuerySet),
        "between": (BulkModelQuerySetMixin, PackageQuerySet),
    }
    return type("Stamping", bases[where], {})


@pytest.mark.parametrize("where", ["before", "between"])
def test_copies_go_through_a_package_s_bulk_create(where: str) -> None:
    kind = stamping(where)
    rows = [Plain(pk=900 + i, name=f"{i}", value=i) for i in range(5)]
    assert kind(Plain).copy_from_objects(iter(rows), batch_size=2) == 5
    assert [row.pk for row in rows] == [900, 901, 902, 903, 904]
    assert all(row._state.adding for row in rows)
    stored = list(Plain.django.order_by("pk").values_list("name", "value"))
    assert stored == [(f"{i}", 100) for i in range(5)]
    assert not Plain.django.filter(pk__in=range(900, 905)).exists()
    assert kind(Plain).copy_from_objects([Plain(pk=990, name="k")], exclude_id=False) == 1
    assert Plain.django.get(pk=990).value == 100
    written = kind(Plain).copy_from_objects(plain(3, 5), return_queryset=True)
    assert [row.name for row in written] == ["5", "6", "7"]
    assert {row.pk for row in written} == {row.pk for row in Plain.django.filter(name__in="567")}
    kind(Plain).copy_from_objects([Plain(name="only", value=1)], fieldnames=["name"])
    assert Plain.django.get(name="only").value is None


@pytest.mark.parametrize("where", ["before", "between"])
def test_a_copy_that_fails_behind_a_package_s_bulk_create(where: str) -> None:
    rows = [Plain(pk=1, name="a"), Plain(pk=2, name="b"), Plain(pk=3, name="a")]
    with pytest.raises(IntegrityError), transaction.atomic():
        stamping(where)(Plain).copy_from_objects(rows, batch_size=2)
    assert [row.pk for row in rows] == [1, 2, 3] and not Plain.django.exists()


def test_options_where_a_package_s_method_knows_none() -> None:
    kind = stamping("before")
    written = kind(Plain).bulk_options(return_queryset=True).bulk_create(plain(3))
    assert isinstance(written, kind) and len(written) == 3
    assert isinstance(kind(Plain).bulk_create(plain(3, 3)), list)
    assert len(kind(Plain).bulk_options(timeout=60, retries=1).bulk_create(plain(3, 6))) == 3
    with pytest.raises(ValueError, match="timeout"):
        kind(Plain).bulk_options(timeout=-1).bulk_create(plain(3, 9))


@pytest.mark.parametrize("step", ["_insert", "_batched_insert"])
def test_steps_of_a_copy(step: str) -> None:
    for i, (kind, calls) in enumerate(both_orders(step)):
        assert kind(Plain).copy_from_objects(plain(3, i * 3)) == 3
        assert calls[0] == step
