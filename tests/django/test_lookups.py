"""lookups=: foreign keys by natural key (issue 12, part 8; rules 1, 2, 6, 9 and 14)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from app.keys import Product, Stock
from app.linked import Box, Label, Tag
from app.models import Everything, Plain, Signed
from app.odd import Named, Refers
from bulkmodel.errors import PartialCommit
from bulkmodel.expressions import Excluded, Lookup
from bulkmodel.verbs import lookups

pytestmark = pytest.mark.django_db

Write = Callable[[list[Any], Any], Any]
WAYS: dict[str, Write] = {
    "bulk_create": lambda rows, by: Product.objects.bulk_create(rows, lookups=by),
    "copy_from_objects": lambda rows, by: Product.objects.copy_from_objects(rows, lookups=by),
    "stream": lambda rows, by: Product.objects.copy_from_objects(iter(rows), lookups=by),
    "bulk_upsert": lambda rows, by: Product.objects.bulk_upsert(rows, ["code"], lookups=by),
    "bulk_sync": lambda rows, by: Product.objects.all().bulk_sync(rows, ["code"], lookups=by),
    "abulk_upsert": lambda rows, by: async_to_sync(Product.objects.abulk_upsert)(
        rows, ["code"], lookups=by
    ),
}
SIZES = [3, 2500]
BY = {"brand": "name"}
CREATE = {"brand": Lookup("name", create=True)}


@pytest.fixture
def brands() -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=name) for name in ("ant", "bee")])


def given(n: int, *names: str | None) -> list[Product]:
    names = names or ("ant", "bee")
    return [Product(code=f"{i}", brand_id=names[i % len(names)]) for i in range(n)]


def stored() -> dict[str, str | None]:
    return dict(Product.django.values_list("code", "brand__name"))


@pytest.fixture(params=WAYS)
def way(request: Any) -> Write:
    return WAYS[request.param]


@pytest.mark.parametrize("n", SIZES)
def test_one_query_finds_all(n: int, way: Write, brands: list[Plain]) -> None:
    rows = given(n, "ant", None, "bee")
    with CaptureQueriesContext(connection) as captured:
        way(rows, BY)
    table = Plain._meta.db_table
    asked = [q["sql"] for q in captured if f'FROM "{table}"' in q["sql"]]
    assert len(asked) == 1
    assert stored() == {f"{i}": ("ant", None, "bee")[i % 3] for i in range(n)}
    assert [row.brand_id for row in rows[:3]] == [brands[0].pk, None, brands[1].pk]
    assert rows[0].brand.name == "ant"


@pytest.mark.parametrize("n", SIZES)
def test_an_unknown_name_is_an_error_of_its_row(n: int, way: Write, brands: list[Plain]) -> None:
    rows = given(n)
    rows[1].brand_id = rows[2].brand_id = "cat"
    with (
        pytest.raises(ValueError, match=r"^Object 1: brand: the app\.Plain with") as told,
        transaction.atomic(),
    ):
        way(rows, BY)
    error: Any = told.value
    assert (error.row_index, error.field_name) == (1, "brand") and "2" in str(error)
    assert stored() == {}
    assert [row.brand_id for row in rows[:3]] == ["ant", "cat", "cat"]
    assert all(row.pk is None for row in rows)


@pytest.mark.parametrize("n", SIZES)
def test_missing_ones_are_created_once(n: int, way: Write, brands: list[Plain]) -> None:
    way(given(n, "ant", "cat", "dog"), CREATE)
    assert stored() == {f"{i}": ("ant", "cat", "dog")[i % 3] for i in range(n)}
    assert sorted(Plain.django.values_list("name", flat=True)) == ["ant", "bee", "cat", "dog"]


def test_a_failure_takes_what_was_created_back(way: Write) -> None:
    rows = given(3, "cat", "dog")
    rows[2].stock = "x"
    with pytest.raises(Exception, match="x"), transaction.atomic():
        way(rows, CREATE)
    assert not Plain.django.exists() and stored() == {}
    assert [row.brand_id for row in rows[:2]] == ["cat", "dog"] or way is WAYS["stream"]


@pytest.mark.parametrize("verb", ["bulk_upsert", "bulk_sync"])
def test_a_dry_run_leaves_nothing(verb: str, brands: list[Plain]) -> None:
    rows = given(3, "ant", "new")
    call = getattr(Product.objects.all(), verb)
    result = call(rows, ["code"], lookups=CREATE, dry_run=True)
    assert result.inserted == 3 and stored() == {} and Plain.django.count() == 2
    assert [row.brand_id for row in rows] == ["ant", "new", "ant"]
    assert call(rows, ["code"], lookups=CREATE).inserted == 3
    assert stored() == {"0": "ant", "1": "new", "2": "ant"}


def test_a_key_of_two_fields_with_a_foreign_key_among_them(brands: list[Plain]) -> None:
    """unique_fields may name the foreign key that is looked up."""
    old = Stock.objects.create(shop=brands[0], sku="s", amount=1)
    rows = [Stock(shop_id="ant", sku="s", amount=5), Stock(shop_id="bee", sku="s", amount=6)]
    result = Stock.objects.bulk_upsert(
        rows, ["shop", "sku"], [], set={"amount": F("amount") + Excluded("amount")},
        lookups={"shop_id": "name"},
    )  # fmt: skip
    assert (result.updated, result.inserted) == (1, 1)
    assert set(Stock.objects.values_list("shop__name", "amount")) == {("ant", 6), ("bee", 6)}
    assert rows[0].pk == old.pk


def test_several_fields_and_values_of_other_types(brands: list[Plain]) -> None:
    Plain.django.filter(name="ant").update(value=1)
    rows = [Signed(name="a", value=1, owner_id=("ant", "1")), Signed(name="b", value=2)]
    Signed.objects.bulk_create(rows, lookups={"owner": ["name", "value"]})
    assert rows[0].owner_id == brands[0].pk and rows[1].owner_id is None
    with pytest.raises(ValueError, match="owner has 1 values instead of 2: name, value") as told:
        wrong = [Signed(name="a", value=1, owner_id="ant")]
        Signed.objects.bulk_create(wrong, lookups={"owner": ["name", "value"]})
    assert told.value.row_index == 0  # type: ignore[attr-defined]


def test_objects_that_are_assigned(brands: list[Plain]) -> None:
    new = Plain(name="cat", value=7)
    rows = [
        Signed(name="a", value=1, owner=Plain(name="bee", value=99)),
        Signed(name="b", value=2, owner=brands[0]),
        Signed(name="c", value=3, owner=new),
        Signed(name="d", value=4, owner=new),
    ]
    Signed.objects.bulk_create(rows, lookups={"owner": Lookup("name", create=True)})
    found = Signed.objects.order_by("name").values_list("owner__name", "owner__value")
    assert list(found) == [("bee", None), ("ant", None), ("cat", 7), ("cat", 7)]


def test_defaults_of_what_is_created() -> None:
    numbers = iter(range(10))
    how = Lookup("name", create=True, defaults={"value": lambda: next(numbers)})
    Product.objects.bulk_create(given(4), lookups={"brand": how})
    assert dict(Plain.django.values_list("name", "value")) == {"ant": 0, "bee": 1}


def test_a_foreign_key_that_is_not_to_the_primary_key() -> None:
    named = Named.django.create(name="one", code="1.50")
    rows = [Refers(by_name_id=1.5, by_code_id="one")]
    Refers.objects.bulk_create(rows, lookups={"by_name": "code", "by_code": "name"})
    stored = Refers.django.get()
    assert stored.by_name == named and stored.by_code == named
    boxes = [Box.objects.create(code="b")]
    Tag.objects.create(name="t")
    Label.objects.bulk_create([Label(box_id="b", tag_id="t")], lookups={"box": "code"})
    assert Label.objects.get().box == boxes[0]


def test_a_link_to_a_model_of_several_tables() -> None:
    from app.models import Child

    class Lines(models.Model):
        child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "lookups"

    relation = lookups._Relation(Lines, "child", Lookup("name", create=True))
    rows = [Lines(child_id="x"), Lines(child_id="x")]
    keys = [key for _, key in relation.keys_of(rows, 0, "default", [])]
    assert keys == [Child.objects.get(name="x").pk] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_everything_is_one_transaction(way: Write) -> None:
    """Outside of atomic(), too, what was created is taken back (rule 6)."""
    rows = given(4, "cat")
    rows[3].stock = "x"
    with pytest.raises(Exception, match="x"):
        way(rows, CREATE)
    assert not Plain.django.exists() and stored() == {}
    rows[3].stock = 1
    way(given(4, "cat"), CREATE)
    assert set(stored().values()) == {"cat"}


@pytest.mark.django_db(transaction=True)
def test_commit_every_creates_first() -> None:
    result = Product.objects.bulk_upsert(
        given(5, "cat", "dog"), ["code"], lookups=CREATE, commit_every=2
    )
    assert len(result.parts) == 3 and set(stored().values()) == {"cat", "dog"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", [BY, CREATE])
@pytest.mark.parametrize("verb", ["bulk_create", "copy_from_objects", "bulk_upsert"])
def test_objects_that_are_rolled_back_have_what_they_had(
    verb: str, by: Any, brands: list[Plain]
) -> None:
    rows = given(5)
    rows[3].stock = "x"
    write = getattr(Product.objects, verb)
    also = {"unique_fields": ["code"]} if verb == "bulk_upsert" else {}
    with pytest.raises(PartialCommit, match=r"^2 rows are committed"):
        write(rows, lookups=by, commit_every=2, **also)
    keys = [brand.pk for brand in brands]
    assert [row.brand_id for row in rows] == [*keys, "ant", "bee", "ant"]
    rows[3].stock = 1
    write(rows[2:], lookups=by, commit_every=2, **also)
    assert stored() == {f"{i}": ("ant", "bee")[i % 2] for i in range(5)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("size", [2, 3, 5, 10])
def test_a_stream_in_parts_is_not_read_ahead(
    size: int, retries: int, brands: list[Plain], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "CHUNK", 3)
    rows = given(20)
    rows[11].brand_id = "cat"
    source = iter(rows)
    with pytest.raises(PartialCommit) as caught:
        Product.objects.copy_from_objects(source, lookups=BY, commit_every=size, retries=retries)
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (11, "brand")
    committed = 11 - 11 % size
    assert set(stored()) == {f"{i}" for i in range(committed)}
    n_read = sum(len(some) for part in error.parts for some in part.rows)
    assert 11 < n_read <= committed + size and error.parts[-1].state == "rolled back"
    assert len(list(source)) == 20 - n_read


@pytest.mark.django_db(transaction=True)
def test_a_call_is_repeated_with_what_it_creates(monkeypatch: pytest.MonkeyPatch) -> None:
    from bulkmodel.engine import retry

    monkeypatch.setattr(retry, "_may_pass", lambda error, connection: True)
    failures = iter([True])
    begin = lookups._Relation._create

    def fail_once(self: Any, *given: Any) -> None:
        begin(self, *given)
        if next(failures, False):
            raise models.ProtectedError("again", set())

    monkeypatch.setattr(lookups._Relation, "_create", fail_once)
    result = Product.objects.bulk_upsert(given(3, "cat"), ["code"], lookups=CREATE, retries=2)
    assert result.replays == 1 and stored() == {"0": "cat", "1": "cat", "2": "cat"}


def test_names_that_a_collation_calls_equal(
    brands: list[Plain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names of one row, where the column ignores case."""
    relation = lookups._Relation(Product, "brand", "name")
    seen: list[list[Any]] = []
    find = lookups.find

    def find_loosely(model: Any, using: str, fields: Any, keys: Any, names: Any) -> Any:
        seen.append([name for (name,) in keys])
        lower = [(name.lower(),) for (name,) in keys]
        return find(model, using, fields, lower if len(seen) > 1 else keys, names)

    monkeypatch.setattr(lookups, "find", find_loosely)
    found = relation._find([("ant",), ("ANT",), ("cat",)], "default")
    assert found == {("ant",): brands[0].pk, ("ANT",): brands[0].pk}
    assert seen == [["ant", "ANT", "cat"], ["ANT"]]


def test_refusals(brands: list[Plain]) -> None:
    rows = given(2)
    for by, error, said in (
        ({"nothing": "name"}, FieldDoesNotExist, "nothing"),
        ({"code": "name"}, ValueError, "only name foreign keys"),
        ({"brand": "nothing"}, FieldDoesNotExist, "nothing"),
        ({"brand": "value"}, ValueError, "^Object 0: brand: .*expected a number"),
        (["brand"], TypeError, "must be a dictionary"),
    ):
        with pytest.raises(error, match=said):
            Product.objects.bulk_create(rows, lookups=by)
    with pytest.raises(ValueError, match='on_error="collect" cannot be used with lookups'):
        Product.objects.copy_from_objects(rows, lookups=BY, on_error="collect")
    with pytest.raises(ValueError, match="needs create=True"):
        Lookup("name", defaults={"value": 1})
    with pytest.raises(TypeError, match="names of fields"):
        Lookup()
    assert stored() == {} and [row.brand_id for row in rows] == ["ant", "bee"]


def test_several_related_objects_with_the_name(brands: list[Plain]) -> None:
    Plain.django.update(value=5)
    with pytest.raises(ValueError, match="lookups, link: value does not identify a row"):
        Everything.objects.bulk_create([Everything(link_id=5)], lookups={"link": "value"})


def test_empty_calls(brands: list[Plain]) -> None:
    assert Product.objects.bulk_create([], lookups=BY) == []
    assert Product.objects.copy_from_objects(iter(()), lookups=BY) == 0
    assert Product.objects.bulk_upsert([], lookups=BY).inserted == 0
    assert repr(Lookup("name", create=True)) == "Lookup('name', create=True)"


def test_a_stream_in_chunks(brands: list[Plain], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "CHUNK", 2)

    def rows() -> Iterator[Product]:
        yield from given(4)
        yield Product(code="5", brand_id="nobody")

    with pytest.raises(ValueError, match=r"^Object 4: brand") as told, transaction.atomic():
        Product.objects.copy_from_objects(rows(), lookups=BY)
    assert told.value.row_index == 4 and stored() == {}  # type: ignore[attr-defined]


LISTS = [way for way in WAYS if way != "stream"]


@pytest.mark.parametrize("name", LISTS)
def test_what_was_created_is_as_before_after_an_error(name: str) -> None:
    brand = Plain(pk=77, name="new")
    rows = [Product(code="1", brand=brand), Product(code="1", brand=brand)]
    before = [dict(vars(brand)), brand._state.adding, brand._state.db]
    for _ in range(2):  # the second call creates it again
        with pytest.raises((ValueError, IntegrityError)), transaction.atomic():
            WAYS[name](rows, CREATE)
        assert [dict(vars(brand)), brand._state.adding, brand._state.db] == before
        assert all(row.brand is brand for row in rows)
    assert not Plain.django.exists()
    rows[1].code = "2"
    WAYS[name](rows, CREATE)
    assert stored() == {"1": "new", "2": "new"}


def test_what_was_created_is_as_before_after_a_dry_run() -> None:
    brand = Plain(pk=77, name="new")
    rows = [Product(code="1", brand=brand)]
    for write in (Product.objects.bulk_upsert, Product.objects.all().bulk_sync):
        write(rows, ["code"], lookups=CREATE, dry_run=True)
        assert brand._state.adding and not Plain.django.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LISTS)
def test_an_error_behind_commit_leaves_what_is_written(name: str) -> None:
    def fail() -> None:
        raise RuntimeError("a hook")

    def value() -> int:
        transaction.on_commit(fail)
        return 1

    by = {"brand": Lookup("name", create=True, defaults={"value": value})}
    rows = given(2, "cat")
    with pytest.raises(RuntimeError, match="a hook"):
        WAYS[name](rows, by)
    assert stored() == {"0": "cat", "1": "cat"}
    assert [row.brand_id for row in rows] == [Plain.django.get().pk] * 2


def test_an_object_that_the_list_has_twice(brands: list[Plain]) -> None:
    row = Product(code="1", brand_id="ant")
    with pytest.raises(ValueError, match="Objects 0 and 1 have the same code"):
        Product.objects.bulk_upsert([row, row], ["code"], lookups=BY)
    assert row.brand_id == "ant"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "wrong",
    [
        {"update_fields": ["nope"]},
        {"unique_fields": ["nope"]},
        {"duplicates": "nope"},
        {"set": {"nope": 1}},
        {"constraint": "nope", "unique_fields": None},
    ],
)
def test_arguments_are_checked_before_something_is_created(wrong: dict[str, Any]) -> None:
    options: dict[str, Any] = {"unique_fields": ["code"], **wrong}
    with pytest.raises((FieldDoesNotExist, ValueError), match="nope"):
        Product.objects.bulk_upsert(given(2, "cat"), lookups=CREATE, commit_every=1, **options)
    assert not Plain.django.exists()


def test_by_bulk_options(brands: list[Plain]) -> None:
    queryset = Product.objects.all().bulk_options(lookups=BY)
    queryset.bulk_create(given(2))
    assert stored() == {"0": "ant", "1": "bee"}
    assert queryset.update(stock=3) == 2
    with pytest.raises(FieldDoesNotExist):
        Product.objects.update(lookups=BY)
