"""update_fields() of objects that come from elsewhere, and calls that would do nothing or too
much (L-12.1)."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, models

from app.keys import Pair, Stock
from app.models import Child, Keyed, Plain, Signed
from app.odd import Named
from bulkmodel.results import Outcome

pytestmark = pytest.mark.django_db


def made(n: int = 5) -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])


def stored() -> dict[str, int | None]:
    return dict(Plain.django.values_list("name", "value"))


# ------------------------------------------------------------------------------ objects with keys


def test_objects_that_were_never_read_or_saved() -> None:
    rows = made()
    given = [Plain(pk=rows[1].pk, value=10), Plain(pk=str(rows[3].pk), value=30)]
    assert Plain.objects.update_fields("value", objects=iter(given)) == 2
    assert stored() == {"n0": 0, "n1": 10, "n2": 2, "n3": 30, "n4": 4}


def test_a_key_that_no_row_has_lowers_the_count() -> None:
    rows = made(2)
    given = [Plain(pk=4711, value=10), Plain(pk=rows[0].pk, value=30)]
    assert Plain.objects.update_fields("value", objects=given) == 1
    assert stored() == {"n0": 30, "n1": 1}


def test_keys_of_other_kinds() -> None:
    keyed = Keyed.objects.create(name="a")
    assert Keyed.objects.update_fields("name", objects=[Keyed(pk=str(keyed.pk), name="b")]) == 1
    assert Keyed.objects.get().name == "b"
    Pair.objects.create(left=1, right="x", value=1)
    assert Pair.objects.update_fields("value", objects=[Pair(left=1, right="x", value=2)]) == 1
    assert Pair.objects.get().value == 2
    child = Child.objects.create(name="c", value=1)
    given = Child(pk=child.pk, id=child.pk, name="c", value=7, extra=8)
    assert Child.objects.update_fields("value", "extra", objects=[given]) == 1
    assert Child.objects.values_list("value", "extra").get() == (7, 8)


def test_objects_without_a_key_are_refused(django_assert_num_queries: Any) -> None:
    rows = made(2)
    rows.append(Plain(name="new"))
    said = r"2 has no primary key.*unique_fields="
    with pytest.raises(ValueError, match=said), django_assert_num_queries(0):
        Plain.objects.update_fields("value", objects=rows)


# ---------------------------------------------------------------------------------- unique_fields


@pytest.mark.parametrize("n", [3, 1500])
def test_rows_are_found_by_other_fields(n: int, django_assert_num_queries: Any) -> None:
    rows = {row.name: row.pk for row in made(n)}
    given = [Plain(name=f"n{i}", value=-i) for i in range(n)]
    given.append(Plain(name="nobody", value=1))
    assert Plain.objects.update_fields("value", objects=given, unique_fields=["name"]) == n
    assert stored() == {f"n{i}": -i for i in range(n)}
    assert [row.pk for row in given] == [*(rows[f"n{i}"] for i in range(n)), None]


def test_by_several_fields_one_of_them_a_foreign_key() -> None:
    one, two = made(2)
    for shop in (one, two):
        Stock.objects.bulk_create([Stock(shop=shop, sku=f"s{i}", amount=1) for i in range(3)])
    given = [Stock(shop=two, sku="s1", amount=5), Stock(shop_id=one.pk, sku="s2", amount=6)]
    by = ["shop", "sku"]
    assert Stock.objects.update_fields("amount", objects=given, unique_fields=by) == 2
    found = Stock.objects.order_by("pk").values_list("shop__name", "sku", "amount")
    assert [row for row in found if row[2] != 1] == [("n0", "s2", 6), ("n1", "s1", 5)]


def test_by_values_in_another_form() -> None:
    Named.objects.create(name="joe", code="1.50", count=1)
    given = Named(code=1.5, name="other", count=7)
    assert Named.objects.update_fields("count", objects=[given], unique_fields=["code"]) == 1
    given = Named(code="9", name="Joe", count=8)
    assert Named.objects.update_fields("count", objects=[given], unique_fields=["name"]) == 1
    assert Named.objects.get().count == 9  # its pre_save() adds one


def test_the_filter_is_part_of_it_also_by_other_fields() -> None:
    made(4)
    given = [Plain(name=f"n{i}", value=50) for i in range(4)]
    some = Plain.objects.filter(value__lt=2)
    assert some.update_fields("value", objects=given, unique_fields=["name"]) == 2
    assert stored() == {"n0": 50, "n1": 50, "n2": 2, "n3": 3}


@pytest.mark.parametrize(
    ("objects", "unique", "said"),
    [
        ([Plain(name="n0"), Plain(name="n1"), Plain(name="n0")], ["name"], "0 and 2 have.*name"),
        ([Plain(name="n0", value=None)], ["value"], "0 has no value in.*value"),
        ([Plain(name="n0"), Signed(name="n1")], ["name"], "1 is a Signed"),
        ([Plain(name="n0")], ["signed"], "concrete fields"),
        ([Plain(name="n0")], [], "unique_fields is empty"),
        ([Plain(name=models.F("value"))], ["name"], "'name' of an object is an expression"),
        ([Plain(pk=4711, name="n0")], ["name"], "0 has primary key 4711, but name belongs to"),
    ],
)
def test_unique_fields_that_are_refused(objects: list[Any], unique: list[str], said: str) -> None:
    made(2)
    for row in objects:
        row.value = row.value if unique == ["value"] else 99
    with pytest.raises(ValueError, match=said):
        Plain.objects.update_fields("value", objects=objects, unique_fields=unique)
    assert stored() == {"n0": 0, "n1": 1}
    assert all(row.pk in (None, 4711) for row in objects)


def test_fields_that_several_rows_share() -> None:
    made(2)
    Plain.django.update(value=1)
    given = [Plain(name="x", value=1)]
    with pytest.raises(ValueError, match=r"value does not identify a row.*several rows"):
        Plain.objects.update_fields("name", objects=given, unique_fields=["value"])


def test_unique_fields_that_are_no_list_or_no_fields() -> None:
    rows = made(1)
    with pytest.raises(TypeError, match=r"\['name'\]"):
        Plain.objects.update_fields("value", objects=rows, unique_fields="name")
    with pytest.raises(FieldDoesNotExist):
        Plain.objects.update_fields("value", objects=rows, unique_fields=["nothing"])
    found = Plain.objects.all()
    list(found)
    with pytest.raises(ValueError, match="unique_fields= needs objects="):
        found.update_fields("value", unique_fields=["name"])


def test_keys_are_unset_again_after_an_error() -> None:
    made(3)
    given = [Plain(name="n0", value=7), Plain(name="n1", value="no number")]
    with pytest.raises(ValueError) as caught:
        Plain.objects.update_fields("value", objects=given, unique_fields=["name"])
    assert caught.value.row_index == 1
    assert [row.pk for row in given] == [None, None]
    assert stored() == {"n0": 0, "n1": 1, "n2": 2}


@pytest.mark.django_db(transaction=True)
def test_the_row_of_an_error_is_that_of_the_input() -> None:
    Named.objects.bulk_create([Named(name=f"a{i}", code=i) for i in range(3)])
    given = [Named(name="a9", code=8), Named(name="a0", code=7), Named(name="a1", code=2)]
    with pytest.raises(IntegrityError) as caught:
        Named.objects.update_fields("code", objects=given, unique_fields=["name"])
    assert caught.value.row_index == 2
    assert [row.pk for row in given] == [None] * 3


# ------------------------------------------------------------------------- calls that are mistakes


def test_a_queryset_that_was_never_read(django_assert_num_queries: Any) -> None:
    made()
    with django_assert_num_queries(0):
        for call in (
            lambda: Plain.objects.update_fields(),
            lambda: Plain.objects.update_fields("value"),
            lambda: Plain.objects.filter(value=1).update_fields(),
            lambda: Plain.objects.filter(value=1).update_fields("value", return_queryset=True),
            lambda: async_to_sync(Plain.objects.all().aupdate_fields)("value"),
        ):
            with pytest.raises(ValueError, match=r"has not been read.*objects=.*update\(\)"):
                call()


def test_a_queryset_that_can_have_no_rows(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Plain.objects.none().update_fields() == 0
        assert Plain.objects.update_fields("value", objects=[]) == 0
        assert Plain.objects.update_fields(objects=[]) == 0


def test_arguments_of_bulk_update(django_assert_num_queries: Any) -> None:
    rows = made()
    with django_assert_num_queries(0):
        for arguments in ((rows, ["value"]), (["value"],), (rows,), (rows[0],), ("value", rows)):
            with pytest.raises(TypeError, match=r'update_fields\("value", objects=rows\)'):
                Plain.objects.update_fields(*arguments)


# ------------------------------------------------------------------------ prefetched related rows


@pytest.fixture
def owners() -> list[Plain]:
    owners = made(3)
    Signed.objects.bulk_create([Signed(name=f"{i}", value=i, owner=owners[i % 2])
                                for i in range(6)])  # fmt: skip
    return list(Plain.objects.order_by("pk").prefetch_related("signed"))


def signed() -> list[int]:
    return list(Signed.objects.order_by("pk").values_list("value", flat=True))


def test_prefetched_rows_have_a_snapshot(owners: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        for owner in owners[:2]:
            rows = owner.signed.all()
            rows[1].value += 100
            assert rows.update_fields() == 1
    assert signed() == [0, 1, 102, 103, 4, 5]
    with django_assert_num_queries(0):
        assert owners[0].signed.all().update_fields() == 0
        assert owners[2].signed.update_fields() == 0


def test_prefetched_rows_changed_in_a_loop(owners: Any, django_assert_num_queries: Any) -> None:
    for row in owners[1].signed.all():
        row.name = f"new {row.name}"
    with django_assert_num_queries(1):
        assert owners[1].signed.update_fields() == 3
    assert Signed.objects.filter(name__startswith="new", owner=owners[1]).count() == 3


def test_prefetched_with_a_queryset_of_its_own() -> None:
    made(1)
    Signed.objects.create(name="x", value=1, owner=Plain.django.get())
    lookup = models.Prefetch("signed", Signed.objects.filter(value=1))
    (owner,) = Plain.objects.prefetch_related(lookup)
    owner.signed.all()[0].name = "y"
    assert owner.signed.all().update_fields() == 1
    assert Signed.objects.get().name == "y"


# ------------------------------------------------------------------------------------- the result


def test_the_result_of_changed_rows() -> None:
    made(4)
    rows = Plain.objects.order_by("pk")
    list(rows)
    Plain.django.filter(name="n2").delete()
    rows[1].value = rows[2].value = 50
    result = rows.update_fields(return_result=True)
    assert (result.updated, result.unchanged, result.missing) == (1, 2, 1)
    told = [Outcome.UNCHANGED, Outcome.UPDATED, Outcome.MISSING, Outcome.UNCHANGED]
    assert list(result.outcomes) == told and result.rows(Outcome.MISSING) == [2]
    assert result.keys == [row.pk for row in rows]
    assert result.statements >= 2 and result.seconds > 0 and result.replays == 0


def test_the_result_of_objects_found_by_other_fields() -> None:
    keys = [row.pk for row in made(3)]
    given = [Plain(name=name, value=9) for name in ("n2", "nobody", "n0")]
    some = Plain.objects.filter(value__gt=0)
    result = some.update_fields("value", objects=given, unique_fields=["name"], return_result=True)
    assert list(result.outcomes) == [Outcome.UPDATED, Outcome.MISSING, Outcome.MISSING]
    assert result.keys == [keys[2], None, keys[0]]
    result = Plain.objects.update_fields("value", objects=[], return_result=True)
    assert (result.outcomes, result.keys, result.statements) == (b"", [], 0)


def test_a_result_or_a_queryset() -> None:
    rows = made(1)
    with pytest.raises(ValueError, match="return_queryset and return_result"):
        Plain.objects.update_fields("value", objects=rows, return_queryset=True, return_result=True)
