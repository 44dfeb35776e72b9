"""Frames in bulk_upsert(), bulk_sync(), bulk_delete() and update_fields(): their values are written
column by column, without instances (issue 13, 6)."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import polars
import pyarrow as pa
import pytest
from django.db import DatabaseError, DataError, connection, models, transaction

from app.keys import Product
from app.models import Everything, Keyed, Plain, Signed, Stamped
from app.odd import Odd, ShoutedKey
from bulkmodel.errors import PartialCommit
from bulkmodel.expressions import Lookup
from bulkmodel.model.frames import FrameRows
from bulkmodel.results import Outcome

pytestmark = pytest.mark.django_db

UTC = datetime.timezone.utc
NEW, CHANGED, SAME = Outcome.INSERTED, Outcome.UPDATED, Outcome.UNCHANGED


@pytest.fixture
def no_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    def objects(rows: FrameRows) -> list[Any]:
        raise AssertionError("instances are made")

    monkeypatch.setattr(FrameRows, "objects", objects)


def stored(model: Any, *names: str) -> list[Any]:
    return list(models.QuerySet(model).order_by("pk").values_list(*names))


def plain(n: int, size: int = 0, add: int = 0) -> pa.Table:
    """A table of n rows, in batches of this size that are parts of larger arrays."""
    names = pa.array([f"n{i}" for i in range(n)])
    values = pa.array([i + add for i in range(n)])
    size = size or n
    parts = range(0, n, size)
    return pa.table(
        {
            "name": pa.chunked_array([names.slice(at, size) for at in parts], pa.string()),
            "value": pa.chunked_array([values.slice(at, size) for at in parts], pa.int64()),
        }
    )


@pytest.mark.parametrize(("n", "size"), [(9, 0), (9, 2), (1200, 7)])
def test_each_row_has_its_outcome(n: int, size: int, no_instances: None) -> None:
    """Every third row is there and differs, every third is there and is the same."""
    there = [i for i in range(n) if i % 3]
    rows = [Plain(name=f"n{i}", value=i if i % 3 == 1 else -i) for i in there]
    Plain.django.bulk_create(rows)
    keys = dict(Plain.django.values_list("name", "pk"))
    result = Plain.objects.bulk_upsert(plain(n, size), ["name"])
    assert list(result.outcomes) == [(NEW, SAME, CHANGED)[i % 3] for i in range(n)]
    assert dict(Plain.django.values_list("name", "value")) == {f"n{i}": i for i in range(n)}
    after = dict(Plain.django.values_list("name", "pk"))
    assert result.keys == [after[f"n{i}"] for i in range(n)]
    assert {name: after[name] for name in keys} == keys
    again = Plain.objects.bulk_upsert(plain(n, size), ["name"], batch_size=5)
    assert again.unchanged == n and again.keys == result.keys


COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "small": (pa.int16(), [-32768, None, 5]),
    "integer": (pa.int32(), [1, 2, None]),
    "big": (pa.int64(), [2**62, None, -1]),
    "positive": (pa.uint16(), [0, 1, None]),
    "char": (pa.large_string(), ["ä", None, ""]),
    "text": (pa.dictionary(pa.int8(), pa.string()), ["a", "b", None]),
    "boolean": (pa.bool_(), [True, None, False]),
    "float": (pa.float32(), [0.5, None, -1.25]),
    "decimal": (pa.decimal128(12, 2), [Decimal("1.50"), None, Decimal("-0.01")]),
    "date": (pa.date32(), [datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)]),
    "datetime": (
        pa.timestamp("us", "Europe/Berlin"),
        [
            datetime.datetime(2024, 7, 1, 1, 2, 3, 4, UTC),
            None,
            datetime.datetime(1970, 1, 1, tzinfo=UTC),
        ],
    ),
    "time": (pa.time64("us"), [datetime.time(23, 59, 59, 999999), None, datetime.time(0)]),
    "uuid": (pa.string(), [str(uuid.UUID(int=7)), None, str(uuid.UUID(int=2**100))]),
}


def test_every_type_is_written_and_compared(no_instances: None) -> None:
    names = list(COLUMNS)
    table = pa.table({name: pa.array(cells, kind) for name, (kind, cells) in COLUMNS.items()})
    rows = Everything.django.bulk_create([Everything() for _ in range(3)])
    table = table.append_column("id", pa.array([row.pk for row in rows]))
    result = Everything.objects.bulk_upsert(table)
    assert list(result.outcomes) == [CHANGED] * 3
    expected = [list(cells) for _, cells in COLUMNS.values()]
    expected[names.index("uuid")] = [c and uuid.UUID(c) for c in COLUMNS["uuid"][1]]
    assert stored(Everything, *names) == list(zip(*expected))
    assert Everything.objects.bulk_upsert(table).unchanged == 3
    models.QuerySet(Everything).update(decimal=None, small=None)
    assert Everything.objects.update_fields(objects=table) == 3
    assert stored(Everything, *names) == list(zip(*expected))


def test_update_fields_says_which_rows(no_instances: None) -> None:
    rows = Plain.django.bulk_create([Plain(name=f"n{i}", value=-i) for i in range(5)])
    frame = pa.table({"name": ["gone", "n0", "n3", "n1"], "value": [1, 2, 3, 4]})
    few = Plain.objects.filter(value__gt=-3)
    result = few.update_fields(objects=frame, unique_fields=["name"], return_result=True)
    assert list(result.outcomes) == [Outcome.MISSING, CHANGED, Outcome.MISSING, CHANGED]
    assert result.keys == [None, rows[0].pk, rows[3].pk, rows[1].pk]
    assert stored(Plain, "value") == [(2,), (4,), (-2,), (-3,), (-4,)]
    back = Plain.objects.update_fields(
        "value", objects=frame, unique_fields=["name"], return_queryset=True
    )
    assert {row.name: row.value for row in back} == {"n0": 2, "n3": 3, "n1": 4}
    keyed = pa.table({"id": [rows[4].pk, 0, rows[2].pk], "value": [8, 8, 9]})
    assert Plain.objects.update_fields(objects=keyed) == 2
    assert stored(Plain, "value") == [(2,), (4,), (9,), (3,), (8,)]
    assert Plain.objects.filter(signed__value=1).update_fields(objects=keyed) == 0
    Signed.objects.create(name="s", value=1, owner=rows[4])
    other = pa.table({"id": [rows[4].pk, rows[2].pk], "value": [1, 1]})
    assert Plain.objects.filter(name="n4").update_fields(objects=other) == 1
    assert stored(Plain, "value") == [(2,), (4,), (9,), (3,), (1,)]


def test_keys_that_do_not_name_a_row(no_instances: None) -> None:
    row = Plain.django.create(name="a", value=0)
    update = Plain.objects.update_fields
    for frame, by, said in (
        ({"id": [row.pk, None], "value": [1, 1]}, None, "Object 1 has no primary key"),
        ({"id": [row.pk] * 2, "value": [1, 1]}, None, "Objects 0 and 1 have the same primary key"),
        ({"name": ["a", None], "value": [1, 1]}, ["name"], "Object 1 has no value in one of"),
        ({"name": ["a", "a"], "value": [1, 1]}, ["name"], "Objects 0 and 1 have the same name"),
        ({"name": ["a"], "id": [0], "value": [1]}, ["name"], "Object 0 has primary key 0, but"),
    ):
        with pytest.raises(ValueError, match=said):
            update(objects=pa.table(frame), unique_fields=by)
    with pytest.raises(ValueError, match="Objects 0 and 2 have the same name"):
        Plain.objects.bulk_upsert(pa.table({"name": ["a", "b", "a"]}), ["name"])
    assert stored(Plain, "value") == [(0,)]


def test_sync_and_delete(no_instances: None) -> None:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(4)])
    frame = pa.table({"name": ["n0", "n1", "n9"], "value": [0, 7, 9]})
    told = Plain.objects.all().bulk_sync(frame, ["name"], dry_run=True)
    assert [(c.field, c.old, c.new) for c in told.changes] == [("value", 1, 7)]
    result = Plain.objects.all().bulk_sync(frame, ["name"])
    assert list(result.outcomes) == [SAME, CHANGED, NEW] and result.deleted == 2
    assert stored(Plain, "name", "value") == [("n0", 0), ("n1", 7), ("n9", 9)]
    gone = Plain.objects.bulk_delete(polars.DataFrame({"name": ["n9", "no", "n0"]}), ["name"])
    assert list(gone.outcomes) == [Outcome.DELETED, Outcome.MISSING, Outcome.DELETED]
    assert stored(Plain, "name") == [("n1",)]


def test_keys_and_defaults_of_new_rows(no_instances: None) -> None:
    """A key in the frame is written; other fields get what save() gives them."""
    ids = [uuid.UUID(int=3), uuid.UUID(int=1)]
    result = Keyed.objects.bulk_upsert(pa.table({"id": [str(i) for i in ids], "name": ["a", "b"]}))
    assert result.keys == ids and stored(Keyed, "pk", "name") == [(ids[1], "b"), (ids[0], "a")]
    result = Keyed.objects.bulk_upsert(pa.table({"name": ["c"]}), ["name"])
    assert result.keys == [Keyed.objects.get(name="c").pk]
    Stamped.objects.bulk_upsert(pa.table({"name": ["s"]}), ["name"])
    (row,) = Stamped.objects.all()
    assert row.made is not None and row.changed is not None
    products = pa.table({"code": ["p"], "stock": [4]})
    Product.objects.bulk_upsert(products, ["code"])
    assert stored(Product, "code", "stock", "active", "price") == [("p", 4, True, Decimal(0))]


def test_some_rows_have_keys() -> None:
    frame = pa.table({"id": [None, 5000, None], "name": ["a", "b", "c"], "value": [1, 2, 3]})
    result = Plain.objects.bulk_upsert(frame)
    assert result.inserted == 3 and result.keys[1] == 5000
    assert dict(Plain.django.values_list("pk", "value")) == dict(zip(result.keys, [1, 2, 3]))


def test_a_key_that_prepares_its_values(no_instances: None) -> None:
    ShoutedKey.objects.create(name="a", value=1)
    frame = pa.table({"name": ["A", "b"], "value": [2, 3]})
    result = ShoutedKey.objects.bulk_upsert(frame)
    assert list(result.outcomes) == [CHANGED, NEW]
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{ShoutedKey._meta.db_table}" ORDER BY "name"')
        assert cursor.fetchall() == [("A", 2), ("B", 3)]
    assert ShoutedKey.objects.update_fields(objects=pa.table({"name": ["B"], "value": [4]})) == 1
    assert ShoutedKey.objects.bulk_delete(pa.table({"name": ["B", "c"]})).deleted == 1
    assert stored(ShoutedKey, "name", "value") == [("a", 2)]


def test_fields_that_prepare_their_values() -> None:
    rows = Odd.objects.bulk_create([Odd(shouted="a") for _ in range(2)])
    columns = {"id": [row.pk for row in rows], "shouted": ["A", "Loud"], "json": ["[1]", "null"]}
    result = Odd.objects.bulk_upsert(pa.table(columns), update_fields=["shouted"])
    assert list(result.outcomes) == [SAME, CHANGED]
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "shouted" FROM "{Odd._meta.db_table}" ORDER BY "id"')
        assert cursor.fetchall() == [("A",), ("LOUD",)]
    assert Odd.objects.update_fields("json", objects=pa.table(columns)) == 2
    assert stored(Odd, "json") == [([1],), (None,)]
    assert Odd.objects.filter(json=None).count() == 1  # JSON null, which is not SQL NULL


@pytest.mark.parametrize("there", [False, True])
def test_an_error_names_the_row_of_the_frame(there: bool) -> None:
    """Among rows that are the same, of inserts and of updates."""
    given: dict[str, Any] = {"name": ["n0", "n1", "n2", "n3"], "value": [0, 1, 2, 3]}
    rows = 4 if there else 1
    Plain.django.bulk_create([Plain(name=f"n{i}", value=0) for i in range(rows)])
    before = stored(Plain, "name", "value")
    upsert = Plain.objects.bulk_upsert
    late = {**given, "value": pa.array([0, 1, 2**40, 3])}
    if connection.vendor == "postgresql":  # SQLite stores it
        with pytest.raises(DataError) as told, transaction.atomic():
            upsert(pa.table(late), ["name"])
        assert told.value.row_index == 2  # type: ignore[attr-defined]
    assert stored(Plain, "name", "value") == before
    fine = pa.array([10**9, 10**9, 10**9 + 1, 0], pa.timestamp("ns", "UTC"))
    Everything.django.bulk_create([Everything(big=i) for i in range(4 if there else 1)])
    moments = pa.table({"big": [0, 1, 2, 3], "datetime": fine})
    with pytest.raises(DataError, match=r"Row 2, field datetime: .*nanoseconds") as wrong:
        Everything.objects.bulk_upsert(moments, ["big"])
    assert (wrong.value.row_index, wrong.value.field_name) == (2, "datetime")
    assert models.QuerySet(Everything).exclude(datetime=None).count() == 0


def test_a_text_that_is_too_long_is_an_error_as_of_objects() -> None:
    Plain.django.create(name="a", value=1)
    Product.django.create(code="c")
    long = pa.table({"code": ["d", "c"], "name": ["x", "y" * 21]})
    for call in (
        lambda: Product.objects.bulk_upsert(long, ["code"]),
        lambda: Product.objects.update_fields(objects=long.slice(1), unique_fields=["code"]),
    ):
        if connection.vendor == "sqlite":  # which has no such limit
            call()
            assert Product.django.get(code="c").name == "y" * 21
            continue
        with pytest.raises(DataError) as told, transaction.atomic():
            call()
        assert told.value.row_index in (0, 1)  # type: ignore[attr-defined]
        assert Product.django.get(code="c").name == ""


@pytest.mark.parametrize("n", [6, 1500])
def test_rows_that_a_trigger_drops(n: int) -> None:
    if connection.vendor == "sqlite":
        sql = [
            "CREATE TRIGGER drops BEFORE UPDATE ON app_plain WHEN NEW.value % 2 = 1"
            " BEGIN SELECT RAISE(IGNORE); END"
        ]
    else:
        sql = [
            "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
            " IF NEW.value % 2 = 1 THEN RETURN NULL; END IF; RETURN NEW; END'",
            "CREATE TRIGGER drops BEFORE UPDATE ON app_plain FOR EACH ROW EXECUTE FUNCTION drops()",
        ]
    Plain.django.bulk_create([Plain(name=f"n{i}", value=-2) for i in range(n)])
    with connection.cursor() as cursor:
        for one in sql:
            cursor.execute(one)
    with pytest.raises(DatabaseError, match=r"wrote \d+ of \d+ rows.*: a trigger"):
        Plain.objects.bulk_upsert(plain(n), ["name"])
    result = Plain.objects.bulk_upsert(plain(n), ["name"], allow_skipped=True)
    expected = [Outcome.SKIPPED if i % 2 else CHANGED for i in range(n)]
    assert list(result.outcomes) == expected
    result = Plain.objects.update_fields(
        objects=plain(n), unique_fields=["name"], return_result=True
    )
    assert list(result.outcomes) == expected
    assert Plain.django.filter(value=-2).count() == n // 2


@pytest.mark.parametrize("verb", ["bulk_upsert", "bulk_sync"])
def test_lookups(verb: str, no_instances: None) -> None:
    ant, bee = Plain.django.bulk_create([Plain(name=name) for name in ("ant", "bee")])
    call = getattr(Product.objects.all(), verb)

    def frame(*names: str | None) -> pa.Table:
        return pa.table({"code": [f"c{i}" for i in range(len(names))], "brand": list(names)})

    by = {"brand": "name"}
    result = call(frame("bee", None, "ant"), ["code"], lookups=by)
    assert result.inserted == 3
    assert stored(Product, "brand_id") == [(bee.pk,), (None,), (ant.pk,)]
    result = call(frame("bee", "bee", "ant"), ["code"], lookups=by)
    assert list(result.outcomes) == [SAME, CHANGED, SAME]
    with pytest.raises(ValueError, match=r"^Object 1: brand: the app.Plain with this name") as told:
        call(frame("bee", "cat", "cow"), ["code"], lookups=by)
    assert (told.value.row_index, told.value.field_name) == (1, "brand")  # type: ignore
    create = {"brand": Lookup("name", create=True, defaults={"value": 8})}
    call(frame("ant", "cat", "cat"), ["code"], lookups=create, dry_run=True)
    assert Plain.django.count() == 2
    call(frame("ant", "cat", "cat"), ["code"], lookups=create)
    cat = Plain.django.get(name="cat", value=8)
    assert stored(Product, "brand_id") == [(ant.pk,), (cat.pk,), (cat.pk,)]
    two = pa.table({"code": ["c0"], "brand": pa.array([["bee", "bee"]])})
    with pytest.raises(ValueError, match="brand has 2 values instead of 1"):
        call(two, ["code"], lookups=by)
    named = pa.table({"code": ["c0"], "brand": pa.array([{"name": "bee"}])})
    with pytest.raises(ValueError, match=r'"brand" .* struct, which names no object'):
        call(named, ["code"], lookups=by)


@pytest.mark.django_db(transaction=True)
def test_commit_every_names_the_row(no_instances: None) -> None:
    fine = pa.array([1000, 2000, 3000, 4001], pa.timestamp("ns", "UTC"))
    table = pa.table({"big": [0, 1, 2, 3], "datetime": fine})
    with pytest.raises(PartialCommit) as told:
        Everything.objects.bulk_upsert(table, ["big"], commit_every=2)
    assert told.value.row_index == 3 and Everything.django.count() == 2


@pytest.mark.django_db(transaction=True)
def test_update_fields_in_parts() -> None:
    rows = Plain.django.bulk_create([Plain(name=f"n{i}", value=-1) for i in range(5)])
    frame = pa.table({"id": [row.pk for row in rows] + [0], "value": list(range(6))})
    result = Plain.objects.update_fields(objects=frame, commit_every=2, return_result=True)
    assert list(result.outcomes) == [CHANGED] * 5 + [Outcome.MISSING]
    assert [part.rows for part in result.parts] == [[range(2)], [range(2, 4)], [range(4, 6)]]
    assert stored(Plain, "value") == [(i,) for i in range(5)]
    by_name = plain(5, add=9).append_column("id", pa.array([row.pk for row in rows]))
    update = Plain.objects.update_fields
    assert update(objects=by_name, unique_fields=["name"], commit_every=3) == 5
    assert stored(Plain, "value") == [(i + 9,) for i in range(5)]
