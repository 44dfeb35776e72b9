"""Upserts, deletes and synchronising on MariaDB, through the driver that BM_DJANGO names: issue 14,
part 5."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from app.keys import Pair, Stock
from app.models import Foo, Node, Plain
from bulkmodel.engine import dialect
from bulkmodel.managers import BulkModelManager
from bulkmodel.results import Outcome
from mariadb_cases import failure, in_sessions
from test_mariadb import SIZES

pytestmark = pytest.mark.django_db(transaction=True)


class Twofold(models.Model):
    """Has two unique keys: ON DUPLICATE KEY UPDATE would take either for the same row."""

    code = models.CharField(max_length=10, unique=True)
    place = models.IntegerField(unique=True)
    value = models.IntegerField(default=0)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


def values(model: Any, *names: str) -> list[Any]:
    return list(model.objects.order_by("pk").values_list(*names))


@pytest.mark.parametrize("n", [4, 1500, 12_000])
def test_outcomes_are_true(n: int, on_engine: list[str]) -> None:
    """Of four objects one is new, one is equal to its row, and two differ."""
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n) if i % 4])
    on_engine.clear()
    objects = [Plain(name=f"n{i}", value=i if i % 4 == 1 else -i) for i in range(n)]
    result = Plain.objects.bulk_upsert(objects, unique_fields=["name"])
    quarter = n // 4
    assert (result.inserted, result.updated, result.unchanged) == (quarter, 2 * quarter, quarter)
    cycle = [Outcome.INSERTED, Outcome.UNCHANGED, Outcome.UPDATED, Outcome.UPDATED]
    assert list(result.outcomes) == cycle * quarter
    assert dict(Plain.django.values_list("name", "value")) == {o.name: o.value for o in objects}
    assert dict(Plain.django.values_list("pk", "name")) == {o.pk: o.name for o in objects}
    assert set(on_engine) == {"mariadb"}


def test_unchanged_rows_are_not_written() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE app_plain ADD COLUMN touched int NOT NULL DEFAULT 0")
        cursor.execute(
            "CREATE TRIGGER bm_touches BEFORE UPDATE ON app_plain FOR EACH ROW"
            " SET NEW.touched = OLD.touched + 1"
        )
        try:
            Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
            objects = [Plain(name=f"n{i}", value=i if i < 4 else 100) for i in range(6)]
            result = Plain.objects.bulk_upsert(objects, unique_fields=["name"])
            assert (result.updated, result.unchanged) == (2, 4)
            cursor.execute("SELECT touched FROM app_plain ORDER BY id")
            assert [touched for (touched,) in cursor.fetchall()] == [0, 0, 0, 0, 1, 1]
        finally:
            cursor.execute("DROP TRIGGER bm_touches")
            cursor.execute("ALTER TABLE app_plain DROP COLUMN touched")


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("new", [True, False])
def test_another_unique_key_is_an_error_and_no_match(n: int, new: bool) -> None:
    """ON DUPLICATE KEY UPDATE would write the values over the row of another code."""
    Twofold.objects.bulk_create([Twofold(code="theirs", place=-1, value=5)])
    Twofold.objects.bulk_create([Twofold(code=f"c{i}", place=i) for i in range(n)])
    objects = [Twofold(code=f"c{i}", place=i, value=1) for i in range(n)]
    objects[n // 2] = Twofold(code="new" if new else f"c{n // 2}", place=-1, value=1)
    said = failure(lambda: Twofold.objects.bulk_upsert(objects, unique_fields=["code"]))
    assert isinstance(said, IntegrityError)
    assert (said.row_index, said.field_name, said.sqlstate) == (n // 2, "place", "23505")
    assert said.constraint == "place"
    assert Twofold.objects.get(code="theirs").value == 5
    assert not Twofold.objects.filter(value=1).exists()
    assert [o.pk for o in objects] == [None] * n


def test_unique_fields_together_and_null(on_engine: list[str]) -> None:
    shop = Plain.objects.create(name="shop")
    old = [Stock(shop=shop, sku=f"s{i}", amount=i, price=Decimal(i)) for i in range(5)]
    Stock.objects.bulk_create(old)
    objects = [Stock(shop=shop, sku=f"s{i}", amount=i, price=Decimal(i)) for i in range(7)]
    objects[2].price, objects[3].facts = Decimal("2.50"), {"a": ["é"]}
    result = Stock.objects.bulk_upsert(objects, unique_fields=["shop", "sku"])
    assert (result.inserted, result.updated, result.unchanged) == (2, 2, 3)
    assert [o.pk for o in objects[:5]] == [o.pk for o in old]
    assert Stock.objects.get(sku="s2").price == Decimal("2.50")
    assert Stock.objects.get(sku="s3").facts == {"a": ["é"]}
    assert on_engine


def test_no_row_is_lost_while_others_upsert_the_same() -> None:
    """Each session's call succeeds, and the rows are those of one of them."""

    def work(number: int) -> None:
        for part in range(4):
            objects = [Plain(name=f"n{part}-{i}", value=number) for i in range(150)]
            for _ in range(5):  # the server may choose one of them as a deadlock's victim
                try:
                    Plain.objects.bulk_upsert(objects, unique_fields=["name"])
                    break
                except Exception as error:
                    if getattr(error, "sqlstate", None) not in ("40P01", "23505"):
                        raise
            else:
                raise AssertionError("five deadlocks one after the other")

    in_sessions(work)
    assert Plain.objects.count() == 600
    for part in range(4):
        rows = Plain.objects.filter(name__startswith=f"n{part}-")
        assert len(set(rows.values_list("value", flat=True))) == 1


def test_a_dry_run_writes_nothing() -> None:
    Plain.django.create(name="a", value=1)
    objects = [Plain(name="a", value=2), Plain(name="b", value=3)]
    result = Plain.objects.bulk_upsert(objects, unique_fields=["name"], dry_run=True)
    assert (result.inserted, result.updated) == (1, 1)
    assert values(Plain, "name", "value") == [("a", 1)]


# -------------------------------------------------------------------------------------- deletes


@pytest.mark.parametrize("n", [1, 3, 1500, 12_000])
def test_deletes_by_key(n: int) -> None:
    Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(2 * n)])
    rows = list(Foo.objects.order_by("pk"))
    gone = rows[::2]
    result = Foo.objects.bulk_delete([*gone, Foo(pk=10**9)])
    assert (result.deleted, result.missing) == (n, 1)
    assert list(result.outcomes) == [Outcome.DELETED] * n + [Outcome.MISSING]
    assert values(Foo, "pk") == [(row.pk,) for row in rows[1::2]]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that Django's log has, without what follows their tables' names."""
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql if len(sql) < 200 else f"{sql[:100]} ... {sql[-60:]}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent


def test_many_keys_are_digits_and_their_rows_are_not_read_back() -> None:
    foos = Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(1200)])
    keys = [foo.pk for foo in foos]
    with statements() as sent:
        assert Foo.objects.bulk_delete(keys).deleted == 1200
    assert len(sent) == 1 and "RETURNING" not in sent[0] and "%s" not in sent[0]
    assert not Foo.objects.exists()


@pytest.mark.parametrize("engine", ["InnoDB", "MyISAM"])
def test_missing_rows_are_told_whatever_a_rollback_undoes(engine: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE app_foo ENGINE={engine}")
    try:
        foos = Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(1500)])
        keys = [foo.pk for foo in foos]
        Foo.objects.filter(pk__in=keys[::3]).delete()
        result = Foo.objects.bulk_delete(keys)
        cycle = [Outcome.MISSING, Outcome.DELETED, Outcome.DELETED]
        assert list(result.outcomes) == cycle * 500
        assert not Foo.objects.exists()
    finally:
        Foo.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE app_foo ENGINE=InnoDB")


class Spelled(models.Model):
    """Its server's collation takes keys for equal that differ in case."""

    code = models.CharField(max_length=20, primary_key=True)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


def test_two_keys_of_one_row_are_no_two_rows() -> None:
    Spelled.objects.bulk_create([Spelled(code=f"k{i}") for i in range(900)])
    keys = [f"k{i}" for i in range(800)] + [f"K{i}" for i in range(800)]
    Spelled.objects.bulk_delete(keys)
    assert sorted(values(Spelled, "pk")) == sorted((f"k{i}",) for i in range(800, 900))


def test_deletes_by_keys_of_two_columns() -> None:
    made = [Pair(left=i % 7, right=f"é%s'{i}", value=i) for i in range(1500)]
    Pair.objects.bulk_create(made)
    result = Pair.objects.bulk_delete([*made[:1200], Pair(left=1, right="none", value=0)])
    assert (result.deleted, result.missing) == (1200, 1)
    assert sorted(values(Pair, "value")) == [(i,) for i in range(1200, 1500)]


def test_deletes_by_other_fields_and_cascades() -> None:
    Foo.objects.bulk_create([Foo(name=f"é'{i}", value=i) for i in range(9)])
    assert Plain.objects.bulk_create([Plain(name=f"p{i}") for i in range(4)])
    shop = Plain.objects.get(name="p1")
    Stock.objects.bulk_create([Stock(shop=shop, sku=f"s{i}") for i in range(3)])
    result = Plain.objects.bulk_delete(["p1", "p3", "none"], unique_fields=["name"])
    assert (result.deleted, result.missing) == (2, 1)
    assert not Stock.objects.exists()
    assert values(Plain, "name") == [("p0",), ("p2",)]


def test_a_delete_that_a_row_forbids_is_undone() -> None:
    """1451."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE holds (foo bigint, FOREIGN KEY (foo) REFERENCES app_foo (id))")
        try:
            foos = Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(5)])
            cursor.execute("INSERT INTO holds VALUES (%s)", [foos[3].pk])
            with pytest.raises(IntegrityError) as said, transaction.atomic():
                Foo.objects.bulk_delete(foos)
            assert said.value.args[0] == 1451
            assert Foo.objects.count() == 5
        finally:
            cursor.execute("DROP TABLE holds")


def test_more_keys_than_a_packet_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are looked up by, and deleted by, lists of keys below max_allowed_packet."""
    sent: list[int] = []
    foos = [Foo(name=f"n{i}", value=i) for i in range(450)]
    monkeypatch.setattr(dialect, "MOST_KEYS", 100)

    def longest(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        sent.append(len(params or ()))
        return execute(sql, params, many, context)

    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(0, 450, 2)])
    objects = [Plain(name=f"n{i}", value=1) for i in range(450)]
    with connection.execute_wrapper(longest):
        result = Plain.objects.bulk_upsert(objects, unique_fields=["name"])
        assert (result.inserted, result.updated) == (225, 225)
        keys = [o.pk for o in Foo.objects.bulk_create(foos)]
        assert Foo.objects.bulk_delete(keys).deleted == 450
    assert 0 < max(sent) <= 101
    assert not Foo.objects.exists()


# ---------------------------------------------------------------------------------------- others


def test_rows_are_synchronised() -> None:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(6)])
    objects = [Plain(name=f"n{i}", value=0) for i in range(4, 8)]
    result = Plain.objects.all().bulk_sync(objects, unique_fields=["name"], max_deletes=4)
    assert (result.inserted, result.updated, result.deleted) == (2, 2, 4)
    assert sorted(values(Plain, "name", "value")) == [(f"n{i}", 0) for i in range(4, 8)]


def test_several_workers_are_one_connection_here() -> None:
    """concurrent=True is accepted, and one connection writes all rows in one transaction."""
    rows = [Plain(name=f"n{i}", value=i) for i in range(3000)]
    rows[2999].name = "n0"
    failure(lambda: Plain.objects.bulk_create(rows, concurrent=True, max_concurrent_workers=4))
    assert not Plain.objects.exists()
    rows[2999].name = "last"
    Plain.objects.bulk_create(rows, concurrent=True, max_concurrent_workers=4)
    queryset = Plain.objects.all()
    for row in queryset:
        row.value += 1
    assert queryset.update_fields(concurrent=True, max_concurrent_workers=4) == 3000
    assert sum(value for (value,) in values(Plain, "value")) == sum(range(1, 3001))


def test_rows_that_refer_to_rows_of_their_table() -> None:
    names = {f.name for f in Node._meta.concrete_fields}
    assert "parent" in names
    parents = Node.objects.bulk_create([Node() for _ in range(3)])
    children = Node.objects.bulk_create([Node(parent=parents[i]) for i in range(3)])
    for i, child in enumerate(children):
        child.parent = children[i - 1]
    assert Node.objects.update_fields("parent", objects=children) == 3
    found = dict(Node.objects.filter(pk__in=[c.pk for c in children]).values_list("pk", "parent"))
    assert found == {child.pk: child.parent_id for child in children}
