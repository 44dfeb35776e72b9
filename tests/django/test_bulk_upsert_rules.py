"""bulk_upsert() with constraint=, set= and update_where= (issue 12, part 2; rules 2, 4 and 14)."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import DatabaseError, IntegrityError, NotSupportedError, connection
from django.db.models import DecimalField, F, Q, Sum, Value
from django.db.models.functions import Concat, Greatest
from django.test.utils import CaptureQueriesContext

from app.keys import Pair, Product, Stock
from app.models import Child, Document, Plain, Stamped
from app.odd import Named
from bulkmodel.expressions import Excluded
from bulkmodel.results import BulkResult, Outcome

pytestmark = pytest.mark.django_db

SIZES = [3, 2300]
INSERTED, UPDATED, UNCHANGED, IGNORED = (
    Outcome.INSERTED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.IGNORED,
)  # fmt: skip


def outcomes(result: BulkResult) -> list[int]:
    return list(result.outcomes)


def upsert(*rows: Product, **options: Any) -> list[int]:
    return outcomes(Product.objects.bulk_upsert(rows, **options))


# ------------------------------------------------------------------------------------ constraint


def test_a_constraint_of_fields_is_its_fields() -> None:
    brand = Plain.objects.create(name="b")
    Product.objects.create(code="a", brand=brand, price=1)
    rows = [Product(code="a", brand=brand, price=2), Product(code="b", brand=brand, price=3)]
    assert upsert(*rows, constraint="product_plain") == [UPDATED, INSERTED]
    assert set(Product.objects.values_list("code", "price")) == {("a", 2), ("b", 3)}


@pytest.mark.parametrize("n", SIZES)
def test_rows_outside_a_partial_index_are_inserted(n: int) -> None:
    """The condition compares a decimal given as text, and is NULL for no row."""
    Product.django.bulk_create([Product(code=f"{i}", price=10 + i) for i in range(n)])
    Product.django.create(code="0", price=9)  # not in the index
    rows = [Product(code=f"{i}", price=f"{10 + i}.50") for i in range(n)]
    rows.append(Product(code="0", price="9.5"))  # neither is this one, by its price
    rows.append(Product(code="1", price=99, active=False))
    rows.append(Product(code=None, price=99))
    assert upsert(*rows, constraint="product_active") == [UPDATED] * n + [INSERTED] * 3
    assert Product.django.count() == n + 4
    assert set(Product.django.filter(code="0").values_list("price", flat=True)) == {
        Decimal("10.50"), Decimal(9), Decimal("9.5")
    }  # fmt: skip
    assert all(row.pk is not None for row in rows)


@pytest.mark.parametrize("n", SIZES)
def test_a_constraint_of_expressions(n: int) -> None:
    Product.django.bulk_create([Product(name=f"Name {i}", version=i % 2) for i in range(n)])
    rows = [Product(name=f"NAME {i}", version=i % 2, stock=1) for i in range(n)]
    rows.append(Product(name="name 0", version=7))
    assert upsert(*rows, constraint="product_name") == [UPDATED] * n + [INSERTED]
    assert Product.django.filter(name__startswith="NAME", stock=1).count() == n
    assert upsert(*rows, constraint="product_name") == [UNCHANGED] * (n + 1)


def test_objects_that_a_partial_index_by_expression_does_not_bind() -> None:
    rows = [Product(name=""), Product(name="")]
    assert upsert(*rows, constraint="product_name") == [INSERTED] * 2


def test_repeated_objects_by_expression_are_named() -> None:
    rows = [Product(name="A"), Product(name="b"), Product(name="a")]
    with pytest.raises(ValueError, match="Objects 0 and 2 have the same key of the constraint"):
        upsert(*rows, constraint="product_name")
    assert Product.django.count() == 0
    found = upsert(*rows, constraint="product_name", duplicates="last")
    assert found == [IGNORED, INSERTED, INSERTED]
    assert set(Product.django.values_list("name", flat=True)) == {"a", "b"}


def test_a_constraint_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"app\.Product has no UniqueConstraint named 'x'.*plain"):
        upsert(Product(), constraint="x")
    with pytest.raises(ValueError, match="Only one of unique_fields and constraint"):
        upsert(Product(), constraint="product_plain", unique_fields=["code"])
    with pytest.raises(ValueError, match="Object 0: the value of field 'name' is an expression"):
        upsert(Product(name=Concat(Value("a"), Value("b"))), constraint="product_name")
    assert Product.django.count() == 0


# ------------------------------------------------------------------------------------------- set


@pytest.mark.parametrize("n", SIZES)
def test_expressions_of_the_row_and_the_object(n: int, django_assert_max_num_queries: Any) -> None:
    Product.django.bulk_create([Product(code=f"{i}", stock=i, price=1) for i in range(n)])
    rows = [Product(code=f"{i}", stock=10, price=2) for i in range(n)]
    rows.append(Product(code="new", stock=5))
    with django_assert_max_num_queries(60):
        found = upsert(
            *rows, unique_fields=["code"], update_fields=["price"],
            set={"stock": F("stock") + Excluded("stock"), "name": Concat("code", Value("!"))},
        )  # fmt: skip
    assert found == [UPDATED] * n + [INSERTED]
    now = dict(Product.django.values_list("code", "stock"))
    assert now == {f"{i}": i + 10 for i in range(n)} | {"new": 5}
    found = set(Product.django.exclude(code="new").values_list("name", "price"))
    assert found == {(f"{i}!", 2) for i in range(n)}
    assert Product.django.get(code="new").name == ""


def test_a_set_that_changes_nothing_is_not_written() -> None:
    Product.django.bulk_create([Product(code="a", stock=1), Product(code="b", stock=1)])
    rows = [Product(code="a", stock=0), Product(code="b", stock=3)]
    options: Any = {"unique_fields": ["code"], "set": {"stock": F("stock") + Excluded("stock")}}
    with CaptureQueriesContext(connection) as captured:
        assert upsert(*rows, **options) == [UNCHANGED, UPDATED]
    assert sum("UPDATE" in query["sql"] and "FOR" not in query["sql"] for query in captured) == 1
    assert upsert(*rows[:1], **options, update_unchanged=True) == [UPDATED]
    assert dict(Product.django.values_list("code", "stock")) == {"a": 1, "b": 4}


def test_a_set_is_compared_exactly() -> None:
    """Of equal values some are stored differently."""
    Product.django.create(code="a", name="x")
    rows = [Product(code="a")]
    options: Any = {"unique_fields": ["code"], "update_fields": []}
    assert upsert(*rows, **options, set={"name": "X"}) == [UPDATED]
    assert upsert(*rows, **options, set={"name": "X", "price": Decimal("0.0")}) == [UNCHANGED]
    assert upsert(*rows, **options, set={"brand": None}) == [UNCHANGED]
    document = Document.objects.create(name="a", body={"n": 1})
    result = Document.objects.bulk_upsert(
        [Document(pk=document.pk)], None, [], set={"body": {"n": 2}}
    )
    assert result.updated == 1 and Document.objects.get().body == {"n": 2}


def test_decimals_are_compared_as_numbers() -> None:
    Product.django.create(code="a", price="10.5", stock=1)
    rows = [Product(code="a", price=Decimal("9.99"), stock=2)]
    highest: Any = {"price": Greatest(F("price"), Excluded("price"))}
    options: Any = {"unique_fields": ["code"], "set": highest}
    assert upsert(*rows, **options, update_fields=[]) == [UNCHANGED]
    assert upsert(*rows, **options, update_fields=["stock"]) == [UPDATED]
    assert Product.django.get().price == Decimal("10.5")
    rows = [Product(code="a", price=Decimal("100.25"), stock=3)]
    assert upsert(*rows, **options) == [UPDATED]
    assert Product.django.get().price == Decimal("100.25")


def test_values_of_objects_are_compared_with_each_other_as_numbers() -> None:
    Product.django.create(code="a", price="9.75")
    decimal = DecimalField(max_digits=8, decimal_places=2)
    larger = Greatest(Excluded("price"), Excluded("stock"), output_field=decimal)
    options: Any = {"unique_fields": ["code"], "update_where": Q(price__lt=larger)}
    assert upsert(Product(code="a", price=Decimal("9.5"), stock=9), **options) == [IGNORED]
    assert upsert(Product(code="a", price=Decimal("9.5"), stock=10), **options) == [UPDATED]
    assert Product.django.get().price == Decimal("9.5")


def test_values_of_the_object_are_those_that_save_stores() -> None:
    """NULL, JSON, a decimal as text, auto_now, a composite key."""
    shop = Plain.objects.create(name="s")
    before = Stock.objects.create(shop=shop, sku="a", amount=1, facts={"a": 1})
    row = Stock(shop=shop, sku="a", amount=4, price="1.50", facts={"b": [None, "%s"]})
    Stock.objects.bulk_upsert(
        [row], ["shop", "sku"], set={"amount": Greatest(F("amount"), Excluded("amount"))}
    )
    after = Stock.objects.get()
    assert (after.amount, after.price, after.facts) == (4, Decimal("1.5"), {"b": [None, "%s"]})
    assert after.changed > before.changed and after.made == before.made
    Pair.objects.create(left=1, right="x%", value=1)
    Pair.objects.bulk_upsert(
        [Pair(left=1, right="x%", value=2)], set={"value": F("value") - Excluded("value")}
    )
    assert Pair.objects.get().value == -1


def test_a_deferred_field_is_not_written_by_set() -> None:
    Product.django.create(code="a", name="n", stock=1)
    row = Product.objects.only("code").get()
    found = upsert(row, unique_fields=["code"], set={"stock": F("stock") + 1})
    assert found == [UPDATED]
    assert Product.django.values_list("name", "stock").get() == ("n", 2)


def test_a_value_that_does_not_fit_names_row_and_field() -> None:
    """Rule 2."""
    Product.django.bulk_create([Product(code="a"), Product(code="b")])
    rows = [Product(code="a", price=1), Product(code="b", price="no number")]
    with pytest.raises(Exception, match="no number") as caught:
        upsert(*rows, unique_fields=["code"], set={"stock": F("stock") + 1})
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, "price")
    assert set(Product.django.values_list("stock", "price")) == {(0, 0)}


@pytest.mark.parametrize(
    ("set", "kind", "said"),
    [
        ({"nothing": 1}, FieldDoesNotExist, "nothing"),
        ({"code": 1}, ValueError, "'code': it identifies the row"),
        ({"id": 1}, ValueError, "'id': it identifies the row"),
        ({"stock": Excluded("nothing")}, FieldDoesNotExist, "nothing"),
        ({"stock": F("nothing")}, Exception, "nothing"),
        ({"stock": F("brand__value")}, Exception, "Joined field references are not permitted"),
        ({"stock": Sum("stock")}, Exception, "Aggregate"),
        ([("stock", 1)], TypeError, "must be a dictionary"),
    ],
)
def test_sets_that_are_refused(set: Any, kind: type[Exception], said: str) -> None:
    """Rule 14."""
    Product.django.create(code="a")
    with pytest.raises(kind, match=said):
        upsert(Product(code="a", price=7), unique_fields=["code"], set=set)
    assert Product.django.get().price == 0


def test_columns_of_a_parent_cannot_be_set() -> None:
    with pytest.raises(ValueError, match="in a parent's table"):
        Child.objects.bulk_upsert([Child(name="a")], set={"value": 1})


# ---------------------------------------------------------------------------------- update_where


@pytest.mark.parametrize("n", SIZES)
def test_only_rows_that_the_condition_selects_are_updated(n: int) -> None:
    Product.django.bulk_create([Product(code=f"{i}", version=5) for i in range(n)])
    rows = [Product(code=f"{i}", version=4 + i % 3, stock=1) for i in range(n)]
    rows.append(Product(code="new", version=0))
    result = Product.objects.bulk_upsert(
        rows, ["code"], update_where=Q(version__lt=Excluded("version"))
    )
    expected = [UPDATED if i % 3 == 2 else IGNORED for i in range(n)] + [INSERTED]
    assert outcomes(result) == expected and result.ignored == expected.count(IGNORED)
    now = dict(Product.django.exclude(code="new").values_list("code", "stock"))
    assert now == {f"{i}": int(i % 3 == 2) for i in range(n)}
    assert result.keys == [row.pk for row in rows]


def test_a_condition_on_other_tables() -> None:
    brands = [Plain.objects.create(name="a", value=1), Plain.objects.create(name="b", value=2)]
    Product.django.bulk_create([Product(code=brand.name, brand=brand) for brand in brands])
    rows = [Product(code=brand.name, brand=brand, stock=7) for brand in brands]
    found = upsert(*rows, unique_fields=["code"], update_where=Q(brand__value=2))
    assert found == [IGNORED, UPDATED]
    found = upsert(*rows, unique_fields=["code"], update_where=~Q(brand__name=Excluded("code")))
    assert found == [IGNORED, UNCHANGED]


def test_a_condition_with_set() -> None:
    Product.django.bulk_create([Product(code="a", stock=1), Product(code="b", stock=5)])
    rows = [Product(code="a", stock=3), Product(code="b", stock=3), Product(code="c", stock=3)]
    found = upsert(
        *rows, unique_fields=["code"], update_where=Q(stock__gte=Excluded("stock")),
        set={"stock": F("stock") - Excluded("stock")},
    )  # fmt: skip
    assert found == [IGNORED, UPDATED, INSERTED]
    assert dict(Product.django.values_list("code", "stock")) == {"a": 1, "b": 2, "c": 3}


def test_conditions_that_are_refused() -> None:
    with pytest.raises(TypeError, match="update_where must be a Q, not dict"):
        upsert(Product(code="a"), unique_fields=["code"], update_where={"stock": 1})
    with pytest.raises(FieldDoesNotExist):
        upsert(Product(code="a"), unique_fields=["code"], update_where=Q(stock=Excluded("x")))
    assert Product.django.count() == 0


def test_no_keys_are_drawn_for_rows_that_exist() -> None:
    """No value of the sequence is used for them, whatever the options."""
    Product.django.create(code="a", stock=1)
    for _ in range(3):
        row = Product(code="a", stock=1)
        upsert(row, unique_fields=["code"], set={"stock": F("stock") + 1},
               update_where=Q(stock__gt=0))  # fmt: skip
    new = Product(code="b")
    upsert(new, unique_fields=["code"])
    assert new.pk == row.pk + 1


def test_after_an_error_objects_and_rows_are_as_before() -> None:
    Product.django.bulk_create([Product(code="a", name="x"), Product(code="b", name="y")])
    rows = [Product(code="a", name="y")]
    with pytest.raises(IntegrityError):
        upsert(*rows, unique_fields=["code"], set={"stock": 9})
    assert rows[0].pk is None and rows[0]._state.adding
    assert dict(Product.django.values_list("name", "stock")) == {"x": 0, "y": 0}


# -------------------------------------------------------------------------- fields with pre_save


def test_a_pre_save_of_its_own_counts_like_auto_now() -> None:
    """Alone it is no change; it is called where the row changes."""
    named = Named.objects.create(name="a", code=1, count=1)  # its pre_save() adds 1
    Named.objects.update(count=2)  # Django 6.1 calls pre_save() twice
    given = Named(pk=named.pk, name="a", code=1, count=40)
    assert outcomes(Named.objects.bulk_upsert([given])) == [UNCHANGED]
    assert Named.objects.get().count == 2
    given.code = Decimal(3)
    assert outcomes(Named.objects.bulk_upsert([given])) == [UPDATED]
    assert Named.objects.get().count == 41
    rows = Named.objects.all()
    assert rows.update_fields() == 0 if list(rows) else False
    rows[0].code = Decimal(4)
    assert rows.update_fields() == 1
    assert Named.objects.values_list("code", "count").get() == (4, 42)
    named = Named.objects.get()
    named.code = Decimal(5)
    named.save()
    assert Named.objects.get().count == 43  # as save() does


def test_auto_now_is_not_compared_with_set() -> None:
    before = Stamped.objects.create(name="a")
    result = Stamped.objects.bulk_upsert([Stamped(pk=before.pk)], set={"name": "a"})
    assert outcomes(result) == [UNCHANGED] and Stamped.objects.get().changed == before.changed


def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 14."""
    Product.django.create(code="a")
    for name in ("checks_types", "has_storage_classes"):
        monkeypatch.setattr(f"bulkmodel.model.batch_table.{name}", lambda connection: False)
    with pytest.raises(NotSupportedError, match="need PostgreSQL or SQLite, not"):
        upsert(Product(code="a", price=7), unique_fields=["code"], set={"stock": 1})
    with pytest.raises(NotSupportedError):
        upsert(Product(code="b"), constraint="product_active")
    assert Product.django.values_list("code", "price", "stock").get() == ("a", 0, 0)


def test_a_trigger_s_error_is_django_s() -> None:
    with pytest.raises(DatabaseError):
        Product.django.create(code="a")
        upsert(Product(code="a"), unique_fields=["code"], set={"stock": None})
