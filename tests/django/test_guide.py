"""The samples of the guide do what its pages say."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from bulkmodel import conf, signals
from bulkmodel.errors import Part, PartialCommit
from conftest import ENGINE
from shop import (
    bulk_create,
    bulk_update,
    concurrent_writes,
    connections,
    copies,
    executor,
    more,
    options,
    orders,
    receivers,
    start,
)
from shop import tests as samples
from shop.models import Movement, Price, Product, Tag
from shop.rows import movements, products

pytestmark = pytest.mark.django_db


def stocks() -> list[int]:
    return list(Product.objects.order_by("sku").values_list("stock", flat=True))


# A page's TestCase, run here.
class TestImport(samples.ImportTests):
    pass


class TestConcurrent(samples.ConcurrentTests):
    pass


def test_start(capsys: pytest.CaptureFixture[str]) -> None:
    start.run()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("10000 created, the first one has the key ")
    assert said[1:] == ["100 updated", "100 updated"]
    assert Product.objects.filter(price=Decimal("10.90"), stock=5).count() == 100


def test_undo() -> None:
    assert bulk_create.taken_back(products(3)) == 3 and not Product.objects.exists()


def test_foreign_keys_by_name() -> None:
    made = orders.by_email()
    rows = orders.Order.objects.values_list("number", "customer__email", "customer__country")
    assert list(rows.order_by("number")) == [
        (f"N-{i}", f"c{i}@example.org", "FR") for i in range(3)
    ]
    assert [order.lines.get().sku for order in made] == ["A-1"] * 3


def test_a_graph() -> None:
    assert orders.graph() == {"shop.Customer": 3, "shop.Order": 3, "shop.Line": 6}
    found = orders.Line.objects.filter(order__customer__email="g1@example.org")
    assert dict(found.values_list("sku", "amount")) == {"A-1": 1, "A-2": 5}


def test_bulk_create() -> None:
    keys = bulk_create.keys(products(10))
    assert keys == sorted(Product.objects.values_list("pk", flat=True))
    rows = products(200, first=10)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        cheap = bulk_create.queryset(rows)
    assert not any(query["sql"].startswith("SELECT") for query in queries)
    assert [row.price < 5 for row in cheap] == [True] * 8
    assert set(cheap) == {row for row in rows if row.price < 5}
    assert sum(stocks()) == sum(i % 10 for i in range(210)) + 2000


def test_rules_of_an_upsert() -> None:
    Product.objects.bulk_create(products(3))
    rows = products(4)
    rows[1].price -= 1
    assert bulk_create.arrivals(rows) == (1, 1)  # the third one's stock is 2, the first one's 0
    assert stocks() == [0, 1, 4, 3]


def test_changes() -> None:
    Product.objects.bulk_create(products(3))
    rows = products(4)
    rows[1].price = Decimal(9)
    keys = list(Product.objects.order_by("sku").values_list("pk", flat=True))
    lines = bulk_create.history(rows)
    assert lines[0] == f"{keys[1]}: 2.00 -> 9.00"
    assert len(lines) == 2 and lines[1].endswith(": None -> 4.00")
    assert Product.objects.count() == 0
    assert set(Movement.objects.values_list("sku", flat=True)) == {f"A-{i}" for i in range(4)}


@pytest.mark.django_db(transaction=True)
def test_plan() -> None:
    assert "False" in more.plan(products(3)) and stocks() == []


@pytest.mark.django_db(transaction=True)
def test_in_parts() -> None:
    assert bulk_create.in_parts(products(4)) == [] and len(stocks()) == 4
    assert bulk_create.stream_in_parts(products(4, 10)) == 4 and len(stocks()) == 8


def test_bm_create_uuid() -> None:
    Movement.objects.bulk_create(movements(5))
    rows = movements(7)
    assert set(bulk_create.one_call(rows)) == set(rows)


def test_upsert() -> None:
    Product.objects.bulk_create(products(3))
    rows = products(4)
    for row in rows:
        row.name, row.stock = "new", 99
    written = bulk_create.upsert(rows)
    assert [row.sku for row in written] == [row.sku for row in rows]
    assert [(row.name, row.stock) for row in written] == [
        ("new", 0),
        ("new", 1),
        ("new", 2),
        ("new", 99),
    ]
    assert Product.objects.count() == 4


def test_bulk_upsert() -> None:
    Product.objects.bulk_create(products(3))
    rows = products(4)
    rows[1].name = "new"
    assert bulk_create.feed(rows) == (1, 1, 2)
    assert Product.objects.get(sku=rows[1].sku).name == "new"


def test_bulk_sync() -> None:
    Product.objects.bulk_create([Product(sku=f"A-{i}", name="b", price=1) for i in range(4)])
    Product.objects.bulk_create([Product(sku="B", name="a", price=1)])
    rows = [Product(sku=f"A-{i}", name="b", price=i) for i in range(1, 6)]
    assert bulk_create.nightly(rows) == [
        "price: 1.00 -> 2",
        "price: 1.00 -> 3",
        "2 new, 2 updated, 1 gone",
    ]
    assert set(Product.objects.values_list("sku", flat=True)) == {
        "B",
        *(f"A-{i}" for i in range(1, 6)),
    }


@pytest.mark.django_db(transaction=True)
def test_errors() -> None:
    Product.objects.bulk_create(products(1, first=7))
    row, field, constraint, sqlstate = bulk_create.refused(products(10))
    assert row == 7 and field == "sku"
    if ENGINE == "postgresql":
        assert constraint.startswith("shop_product_sku") and sqlstate == "23505"
    assert Product.objects.count() == 1


def test_update_fields() -> None:
    rows = Product.objects.bulk_create(products(20), return_queryset=True)
    before = [row.price for row in rows]
    assert bulk_update.changed() == 10
    now = list(Product.objects.order_by("pk").values_list("price", flat=True))
    assert now == [p * 2 if i % 10 < 5 else p for i, p in enumerate(before)]
    for row in rows:
        row.price, row.stock, row.name = Decimal(1), 2, "not written"
    bulk_update.named(rows)
    values = set(Product.objects.values_list("price", "stock", "name"))
    assert values == {(Decimal(1), 2, f"Article {i}") for i in range(20)}
    with pytest.raises(ValueError, match="needs field names"):
        Product.objects.update_fields(objects=list(rows))


def test_update_fields_of_objects() -> None:
    Product.objects.bulk_create(products(20))
    assert bulk_update.objects() == 2
    assert stocks().count(100) == 2
    keys = list(Product.objects.values_list("pk", flat=True))
    assert bulk_update.by_key({keys[0]: Decimal(77), keys[1]: Decimal(77), -1: Decimal(77)}) == 2
    assert Product.objects.filter(price=77).count() == 2


def test_by_other_fields() -> None:
    Product.objects.bulk_create(products(20))
    skus = [row.sku for row in products(3)]
    assert bulk_update.by_sku({sku: Decimal(77) for sku in [*skus, "none"]}) == 3
    assert Product.objects.filter(price=77).count() == 3
    assert bulk_update.deleted([skus[0], "none"]) == {"shop.Product": 1, "unknown": 1}
    assert Product.objects.count() == 19


def test_updates_of_django() -> None:
    rows = products(20)
    Product.objects.bulk_create(rows)
    for row in rows:
        row.price, row.stock, row.name = Decimal(3), 0, "not written"
    assert bulk_update.as_django(rows) == 20
    assert set(Product.objects.values_list("price", "stock")) == {(Decimal(3), 0)}
    assert not Product.objects.filter(name="not written").exists()
    assert bulk_update.same_value() == 20
    assert set(Product.objects.values_list("price", flat=True)) == {Decimal("0.89")}
    assert [row.stock for row in bulk_update.updated_rows()] == [1] * 20
    assert bulk_update.options() == 20
    assert set(stocks()) == {3}


def test_concurrent_writes() -> None:
    written = concurrent_writes.write(products(50))
    assert set(stocks()) == {0}
    assert written.count() == 50
    assert concurrent_writes.careful(products(10, first=50)) == []


def test_rows_of_a_partial_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = products(10)
    parts = [Part("committed", [range(4)]), Part("rolled back", [range(4, 6), range(8, 10)])]

    def fail(self, *args, **options):  # type: ignore[no-untyped-def]
        raise PartialCommit("a server died", parts)

    monkeypatch.setattr(type(Product.objects), "bulk_create", fail)
    assert concurrent_writes.careful(rows) == [rows[4], rows[5], rows[8], rows[9]]


RECEIVERS = [
    (signals.post_bulk_create, receivers.announce),
    (signals.pre_update_fields, receivers.forbid_negative),
    (signals.post_update, receivers.forget_prices),
    (signals.on_retry, receivers.count_retry),
]
# The page's receivers listen from their import on; here they do in one test.
for signal, receiver in RECEIVERS:
    assert signal.disconnect(receiver, sender=Product)


@pytest.fixture
def heard() -> Iterator[list[str]]:
    for signal, receiver in RECEIVERS:
        signal.connect(receiver, sender=Product)
    yield receivers.log
    for signal, receiver in RECEIVERS:
        signal.disconnect(receiver, sender=Product)
    receivers.log.clear()


def test_signals(heard: list[str]) -> None:
    receivers.quiet(products(2))
    assert heard == []
    rows = Product.objects.bulk_create(products(10, first=2), batch_size=2, return_queryset=True)
    assert heard == ["10 products created, the first one is A-2"]
    Product.objects.update(stock=1)
    Product.objects.update(price=1)
    assert heard[1:] == ["prices changed"]
    list(rows := Product.objects.order_by("pk"))
    rows[5].stock = -1
    with pytest.raises(ValueError, match="A-5: a stock below 0"):
        rows.update_fields()
    assert set(stocks()) == {1}
    signals.send_retry(Product, "default", 2, 3, OperationalError("deadlock"))
    assert heard[2:] == ["retry 2 after OperationalError"]


def test_settings() -> None:
    given = {name: getattr(options, name) for name in vars(options) if name.isupper()}
    assert "bulkmodel" in given.pop("INSTALLED_APPS")
    assert (conf.max_concurrent_batch_writes(), conf.workers(None, None)) == (4, 1)
    with override_settings(**given):
        assert (conf.workers(None, None), conf.workers(False, None)) == (8, 1)
        assert (conf.workers(True, 2), conf.workers(True, 100)) == (2, 8)


def test_copies_in(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "products.csv"
    file.write_text("sku,name,price\n" + "".join(f"B-{i},name {i},{i}.5\n" for i in range(50)))
    assert copies.load(file) == 50
    assert Product.objects.get(sku="B-7").price == Decimal("7.50")
    rows = products(5)
    written = copies.copied(rows)
    assert [row.pk for row in written] == [Product.objects.get(sku=row.sku).pk for row in rows]


def test_copies_out() -> None:
    Product.objects.bulk_create(products(30))
    assert copies.out() == list(Product.objects.filter(stock__gt=0).order_by("sku"))
    rows = copies.some_columns()
    assert {row.sku for row in rows} == {row.sku for row in products(30)}
    assert rows[0].get_deferred_fields() == {"name", "stock"}
    assert copies.stream() == sum(row.price * row.stock for row in products(30))


def test_links() -> None:
    red, blue = Tag.objects.bulk_create([Tag(name="red"), Tag(name="blue")])
    hat, coat = Product.objects.bulk_create(products(2))
    hat.tags.set([red])
    coat.tags.set([red, blue])
    assert more.links(red, blue, hat, coat) == 3
    assert set(hat.tags.all()) == {red, blue} and not coat.tags.exists()


def test_composed() -> None:
    there = Product.objects.bulk_create(products(3))
    for row in there:
        row.stock = 7
    rows = [*products(2, first=3), *there]
    assert list(more.mixed(rows)) == rows
    assert stocks() == [7, 7, 7, 3, 4]
    edited = [Product(pk=row.pk, price=Decimal(50)) for row in there[:2]]
    assert len(more.populate(edited)) == 5
    prices = Product.objects.order_by("pk").values_list("price", flat=True)
    assert list(prices) == [50, 50, 3, 4, 5]
    assert more.names() == [[f"A-{i}" for i in range(5)]]


@pytest.mark.django_db(transaction=True)
def test_coroutines() -> None:
    from asgiref.sync import async_to_sync

    assert async_to_sync(more.coroutine)(products(20)) == 2
    assert stocks().count(1) == 4


@pytest.mark.django_db(transaction=True)
def test_connections() -> None:
    connections.long_job([products(2), products(2, first=2)])
    assert Product.objects.count() == 4
    if connection.vendor == "postgresql":
        before = connection.connection
        connections.reset()
        assert connection.connection is not before
        connection.connection.close()
        connections.long_job([products(2, first=4)])
        assert Product.objects.count() == 6


def test_chunks() -> None:
    assert executor.chunks() == [[1, 2], [3, 4], [5], [1, 2, 3], [4, 5]]


@pytest.mark.django_db(transaction=True)
def test_executor() -> None:
    Product.objects.bulk_create(products(25))
    if connection.vendor == "postgresql":  # SQLite in memory is one connection's own
        assert executor.counts() == [3, 3, 3, 3, 3, 2, 2, 2, 2, 2]
    assert executor.count(3) == 3


def test_own_queryset() -> None:
    Price.objects.bulk_create(
        [Price(sku=f"A-{i}", currency=("EUR", "USD")[i % 2], amount=i) for i in range(10)]
    )
    prices = Price.objects.in_euro()
    for price in prices:
        price.amount += 1
    assert prices.update_fields() == 5
