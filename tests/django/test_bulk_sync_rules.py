"""constraint=, set=, update_where= and update_unchanged= of bulk_sync() (issue 12, parts 2, 4)."""

from typing import Any

import pytest
from django.db.models import F, Q
from django.db.models.functions import Lower

from app.keys import Product
from bulkmodel.errors import TooManyDeletes
from bulkmodel.expressions import Excluded
from bulkmodel.results import Outcome
from bulkmodel.verbs import changes

pytestmark = pytest.mark.django_db

ALL = {"max_deletes": "100%"}


def stored() -> dict[str, int]:
    return dict(Product.django.values_list("code", "stock"))


def made(n: int = 4, **values: Any) -> list[Product]:
    return Product.django.bulk_create(
        [Product(code=f"{i}", stock=i, price=i, **values) for i in range(n)]
    )


def test_set_adds_to_rows_that_are_there() -> None:
    made()
    rows = [Product(code=code, stock=10) for code in ("1", "2", "new")]
    result = Product.objects.all().bulk_sync(
        rows, ["code"], [], set={"stock": F("stock") + Excluded("stock")}, **ALL
    )
    assert stored() == {"1": 11, "2": 12, "new": 10}
    assert (result.updated, result.inserted, result.deleted) == (2, 1, 2)
    assert result.keys == [row.pk for row in rows]


def test_rows_that_update_where_does_not_select_stay() -> None:
    made()
    rows = [Product(code=f"{i}", stock=50, price=2) for i in range(4)]
    result = Product.objects.all().bulk_sync(
        rows, ["code"], ["stock", "price"], update_where=Q(price__lt=Excluded("price"))
    )
    assert stored() == {"0": 50, "1": 50, "2": 2, "3": 3}
    assert list(result.outcomes) == [Outcome.UPDATED] * 2 + [Outcome.IGNORED] * 2
    assert result.deleted == 0


def test_unchanged_rows_are_written_if_asked() -> None:
    rows = made()
    result = Product.objects.all().bulk_sync(rows, ["code"], ["stock"], update_unchanged=True)
    assert (result.updated, result.unchanged) == (4, 0)
    assert Product.objects.all().bulk_sync(rows, ["code"], ["stock"]).unchanged == 4


def test_a_plain_constraint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "ROWS", 2)
    made(3)
    rows = [Product(code="1", stock=7), Product(code="9", stock=9)]
    result = Product.objects.all().bulk_sync(
        rows, constraint="product_plain", update_fields=["stock"], return_changes=["stock"], **ALL
    )
    # The brand is NULL, which equals no other: no object has a row.
    assert (result.inserted, result.deleted) == (2, 3)
    assert {c.outcome for c in result.changes} == {Outcome.INSERTED, Outcome.DELETED}


def test_a_constraint_of_expressions() -> None:
    old = Product.django.bulk_create([Product(name=n, version=1) for n in ("Ant", "Bee", "Cat")])
    rows = [Product(name="ANT", version=1, stock=5), Product(name="dog", version=1, stock=6)]
    scope = Product.objects.filter(version=1)
    result = scope.bulk_sync(rows, constraint="product_name", update_fields=["stock"], **ALL)
    assert (result.updated, result.inserted, result.deleted) == (1, 1, 2)
    assert rows[0].pk == old[0].pk
    found = Product.django.annotate(low=Lower("name")).values_list("low", "stock")
    assert dict(found) == {"ant": 5, "dog": 6}


def test_a_partial_constraint_binds_only_some_rows() -> None:
    bound = Product.django.create(code="a", price=20)
    free = Product.django.create(code="a", price=1)
    rows = [Product(code="a", price=30, stock=3)]
    scope = Product.objects.filter(code="a")
    result = scope.bulk_sync(rows, constraint="product_active", **ALL)
    assert rows[0].pk == bound.pk and (result.updated, result.deleted) == (1, 1)
    assert not Product.django.filter(pk=free.pk).exists()


def test_a_row_outside_of_the_queryset_is_found_by_the_constraint() -> None:
    Product.django.create(name="Ant", version=1, active=False)
    scope = Product.objects.filter(active=True)
    with pytest.raises(ValueError, match="Object 0: its row exists"):
        scope.bulk_sync([Product(name="ant", version=1)], constraint="product_name", **ALL)


def test_refusals() -> None:
    rows = made(30)
    with pytest.raises(ValueError, match="Only one of unique_fields and constraint"):
        Product.objects.all().bulk_sync(rows, ["code"], constraint="product_plain")
    with pytest.raises(ValueError, match="it identifies the row"):
        Product.objects.all().bulk_sync(rows, ["code"], set={"code": "x"})
    with pytest.raises(TypeError, match="update_where"):
        Product.objects.all().bulk_sync(rows, ["code"], update_where="x")
    with pytest.raises(TooManyDeletes):
        Product.objects.all().bulk_sync(
            rows[:5], ["code"], [], set={"stock": Excluded("stock") + 1}
        )
    assert stored() == {f"{i}": i for i in range(30)}
