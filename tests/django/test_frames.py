"""copy_from_arrow(): the rows of frames, as save() would store them (issue 13, 6)."""

import datetime
import decimal
import json
import uuid
from collections.abc import Iterator
from typing import Any

import polars
import pyarrow as pa
import pyarrow.compute as compute
import pytest
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DataError, IntegrityError, connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.computing import Order, Slot
from app.keys import Pair
from app.models import Child, Document, Everything, Foo, Keyed, Noted, Plain, Signed, Stamped
from app.odd import Odd
from bulkmodel import signals
from bulkmodel.verbs import copy_from_arrow
from conftest import ENGINE

pytestmark = pytest.mark.django_db

UTC = datetime.timezone.utc
D = decimal.Decimal


def plain(n: int, **columns: Any) -> pa.Table:
    return pa.table({"name": [f"n{i}" for i in range(n)], "value": list(range(n)), **columns})


def stored(model: Any, *names: str) -> list[Any]:
    return list(models.QuerySet(model).order_by("pk").values_list(*names))


# ------------------------------------------------------------------------------- what is a frame


@pytest.mark.parametrize(
    "frame",
    [
        plain(3),
        pa.RecordBatchReader.from_batches(plain(3).schema, plain(3).to_batches(max_chunksize=2)),
        plain(3).to_batches()[0],
        polars.DataFrame({"value": [0, 1, 2], "name": ["n0", "n1", "n2"]}),
        pa.table({"value": pa.array([0, 1, 2], pa.int8()), "name": ["n0", "n1", "n2"]}),
    ],
    ids=["table", "reader", "batch", "polars", "other order and width"],
)
def test_objects_with_a_stream(frame: Any, on_engine: list[str]) -> None:
    assert Plain.objects.copy_from_arrow(frame) == 3
    assert stored(Plain, "name", "value") == [("n0", 0), ("n1", 1), ("n2", 2)]
    assert on_engine == [ENGINE]


@pytest.mark.parametrize("frame", [[1], {"name": ["x"]}, None, pa.Table, Plain(name="x")], ids=str)
def test_what_is_no_frame(frame: Any) -> None:
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        Plain.objects.copy_from_arrow(frame)


def test_a_stream_that_is_no_table_or_was_read() -> None:
    with pytest.raises(ValueError, match="not one of structs"):
        Plain.objects.copy_from_arrow(pa.chunked_array([[1, 2]]))
    capsule = plain(3).__arrow_c_stream__()

    class Same:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return capsule

    assert Plain.objects.copy_from_arrow(Same()) == 3
    with pytest.raises(ValueError, match="released before"):
        Plain.objects.copy_from_arrow(Same())
    assert Plain.django.count() == 3


@pytest.mark.parametrize("batch_size", [None, 1, 7, 1000])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_chunks_of_any_size(batch_size: int | None, chunk: int) -> None:
    table = pa.Table.from_batches(plain(25).to_batches(max_chunksize=chunk))
    assert Plain.objects.copy_from_arrow(table.slice(1), batch_size=batch_size) == 24
    assert stored(Plain, "name", "value") == [(f"n{i}", i) for i in range(1, 25)]


@pytest.mark.parametrize("instances", [False, True])
def test_run_ends(instances: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_from_arrow, "watches_instances", lambda model: instances)
    texts = ["a"] * 3 + [None] * 2 + ["b"]
    columns = {
        "text": pa.array(texts),
        "big": pa.array([1, 1, 2, 2, None, None], pa.int32()),
        "decimal": pa.array([None, *[D("1.5")] * 5], pa.decimal128(5, 1)),
    }
    encoded = pa.table({name: compute.run_end_encode(array) for name, array in columns.items()})
    both = pa.concat_tables([encoded.slice(1, 4), encoded.slice(2)])
    assert Everything.objects.copy_from_arrow(both, batch_size=3) == 8
    plain_rows = list(zip(*[column.to_pylist() for column in columns.values()]))
    assert stored(Everything, "text", "big", "decimal") == plain_rows[1:5] + plain_rows[2:]


def test_a_column_of_polars_without_a_type() -> None:
    """Of None alone, or of nothing: it has one buffer, where Arrow's format has none."""
    frame = polars.DataFrame({"name": ["a", "b"], "text": [None, None]})
    assert Everything.objects.copy_from_arrow(frame.rename({"name": "char"})) == 2
    assert stored(Everything, "char", "text") == [("a", None), ("b", None)]
    assert Plain.objects.copy_from_arrow(polars.DataFrame({"name": [], "value": []})) == 0


def test_no_rows() -> None:
    assert Plain.objects.copy_from_arrow(plain(3).slice(0, 0)) == 0
    assert not Plain.objects.copy_from_arrow(plain(0), return_queryset=True).exists()


# ------------------------------------------------------------------------------------ the columns


def test_names_of_columns() -> None:
    owner = Plain.objects.create(name="owner")
    for name in ("owner", "owner_id"):
        table = pa.table({"name": ["a"], "value": [1], name: [owner.pk]})
        assert Signed.objects.copy_from_arrow(table) == 1
    assert stored(Signed, "owner_id") == [(owner.pk,)] * 2


@pytest.mark.parametrize(
    ("columns", "kind", "words"),
    [
        (
            ["name", "valu", "q"],
            FieldDoesNotExist,
            r'Plain.*"valu" \(did you mean "value"\?\), "q"',
        ),
        (["name", "__index_level_0__"], FieldDoesNotExist, r"reset_index\(drop=True\)"),
        (["name", "value", "value"], ValueError, 'more than one column for field "value"'),
    ],
)
def test_names_that_are_refused(columns: list[str], kind: type[Exception], words: str) -> None:
    table = pa.Table.from_arrays([pa.array([1])] * len(columns), names=columns)
    with pytest.raises(kind, match=words):
        Plain.objects.copy_from_arrow(table)
    assert Plain.django.count() == 0


def test_columns_that_the_call_or_the_database_sets() -> None:
    now = datetime.datetime.now(UTC)
    with pytest.raises(ValueError, match=r'"made" .*auto_now_add'):
        Stamped.objects.copy_from_arrow(pa.table({"name": ["a"], "made": [now]}))
    with pytest.raises(ValueError, match=r'"upper" .*generated'):
        Order.objects.copy_from_arrow(pa.table({"name": ["a"], "upper": ["A"]}))
    with pytest.raises(ValueError, match=r'"bm_create_uuid" .*set by the call'):
        Foo.objects.copy_from_arrow(
            pa.table({"name": ["a"], "value": [1], "bm_create_uuid": [str(uuid.uuid4())]})
        )


REFUSED: list[tuple[str, pa.Array, str]] = [
    ("decimal", pa.array([1.5]), "double, .* DecimalField .* Cast it to a decimal"),
    ("integer", pa.array([1.0]), "double, .* an IntegerField"),
    ("integer", pa.array(["1"]), "string"),
    ("boolean", pa.array([1]), "int64"),
    ("char", pa.array([1]), "int64"),
    ("text", pa.array([b"x"]), "binary"),
    ("datetime", pa.array([datetime.datetime(2024, 1, 1)]), "timestamp without a time zone"),
    ("datetime", pa.array([datetime.date(2024, 1, 1)]), "date32"),
    ("date", pa.array([datetime.datetime(2024, 1, 1)]), "without a time zone"),
    ("time", pa.array(["12:00"]), "string"),
    ("uuid", pa.array([b"x"]), "binary"),
    ("link", pa.array(["x"]), "string"),
    ("integer", pa.array([[1]]), "the Arrow type list"),
    ("integer", pa.array([{"a": 1}]), "the Arrow type struct"),
]


@pytest.mark.parametrize(("name", "array", "words"), REFUSED, ids=str)
def test_types_that_are_refused(name: str, array: pa.Array, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        Everything.objects.copy_from_arrow(pa.table({name: array}))
    assert caught.value.field_name == name  # type: ignore[attr-defined]
    assert Everything.django.count() == 0


# ------------------------------------------------------------------------------------- the values

KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")
MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, UTC)
DAY = datetime.timedelta(days=1)
# Field, Arrow's type, values as Python has them.
VALUES: list[tuple[str, pa.DataType, list[Any]]] = [
    ("small", pa.int8(), [-128, 127]),
    ("small", pa.int64(), [-32768, 32767]),
    ("integer", pa.uint8(), [0, 255]),
    ("integer", pa.uint32(), [0, 2**31 - 1]),
    ("big", pa.int64(), [-(2**63), 2**63 - 1]),
    ("big", pa.uint64(), [2**63 - 1]),
    ("big", pa.dictionary(pa.int8(), pa.int64()), [5, 5, 7]),
    ("positive", pa.int16(), [0, 32767]),
    ("char", pa.string(), ["", "é", "a\tb\\N\n", '"']),
    ("char", pa.large_string(), ["x" * 40]),
    ("char", pa.string_view(), ["short", "longer than twelve bytes"]),
    ("text", pa.dictionary(pa.uint8(), pa.string()), ["a", "b", "a"]),
    ("slug", pa.string(), ["a-b"]),
    ("boolean", pa.bool_(), [True, False]),
    ("float", pa.float64(), [1.5, 0.1, 1e300, float("inf")]),
    ("float", pa.float32(), [1.5]),
    ("float", pa.float16(), [1.5, 2.0**-24, -65504.0]),
    ("float", pa.int32(), [7]),
    ("decimal", pa.decimal128(20, 5), [D("123456789012345.12345"), D("-0.00001")]),
    ("decimal", pa.decimal256(40, 2), [D("1.25")]),
    ("decimal", pa.decimal128(30, 8), [D("1.00000500"), D("1.00001500"), D("-2.12345678")]),
    ("decimal", pa.int32(), [12]),
    ("decimal", pa.string(), ["1.5"]),
    ("date", pa.date32(), [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)]),
    ("date", pa.date64(), [datetime.date(2024, 2, 29)]),
    ("datetime", pa.timestamp("us", "UTC"), [MOMENT]),
    ("datetime", pa.timestamp("ms", "Europe/Berlin"), [MOMENT.replace(microsecond=5000)]),
    ("datetime", pa.timestamp("ns", "UTC"), [MOMENT]),
    ("time", pa.time32("s"), [datetime.time(23, 59, 59)]),
    ("time", pa.time64("us"), [datetime.time(0, 0, 0, 1)]),
    ("uuid", pa.string(), [str(KEY)]),
    ("uuid", pa.binary(16), [KEY.bytes]),
    ("char", pa.null(), [None]),
]


@pytest.mark.parametrize(("name", "kind", "values"), VALUES, ids=str)
@pytest.mark.parametrize("instances", [False, True])
def test_every_value_is_read_as_save_stores_it(
    name: str, kind: pa.DataType, values: list[Any], instances: bool, monkeypatch: Any
) -> None:
    monkeypatch.setattr(copy_from_arrow, "watches_instances", lambda model: instances)
    table = pa.table({name: pa.array([*values, None], kind)})
    assert Everything.objects.copy_from_arrow(table) == len(values) + 1
    made = stored(Everything, name)
    as_given = [uuid.UUID(bytes=v) if isinstance(v, bytes) else v for v in [*values, None]]
    for value in as_given:
        Everything(**{name: value}).save()
    saved = stored(Everything, name)[len(made) :]
    assert made == saved and repr(made) == repr(saved)


SLIPS: list[tuple[str, pa.Array, str]] = [
    ("small", pa.array([0, 32768]), "out of range"),
    ("big", pa.array([0, 2**63], pa.uint64()), "out of range"),
    ("float", pa.array([0, 2**53 + 1]), "out of range"),
    ("datetime", pa.array([0, 1], pa.timestamp("ns", "UTC")), "nanoseconds"),
    ("datetime", pa.array([0, 2**58], pa.timestamp("us", "UTC")), "years 1 to 9999"),
    ("date", pa.array([0, 2**31 - 2], pa.int32()).cast(pa.date32()), "years 1 to 9999"),
    ("uuid", pa.array([str(KEY), "x"]), "uuid|UUID"),
    ("text", pa.array(["a", "b\0c"]), "NUL"),
    ("text", pa.array([b"a", b"\xff"]).view(pa.string()), "UTF-8"),
]


@pytest.mark.parametrize(("name", "array", "words"), SLIPS, ids=str)
@pytest.mark.parametrize("batch_size", [None, 1])
def test_a_value_that_does_not_fit(
    name: str, array: pa.Array, words: str, batch_size: int | None
) -> None:
    if ENGINE != "postgresql" and words in ("NUL",):
        assert Everything.objects.copy_from_arrow(pa.table({name: array})) == 2
        assert stored(Everything, name)[1] == ("b\0c",)
        return
    if ENGINE != "postgresql" and name == "small":  # SQLite's integers have 64 bits
        assert Everything.objects.copy_from_arrow(pa.table({name: array})) == 2
        return
    with pytest.raises((DataError, ValueError), match=words) as caught, transaction.atomic():
        Everything.objects.copy_from_arrow(pa.table({name: array}), batch_size=batch_size)
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, name)
    assert Everything.django.count() == 0


def test_a_decimal_that_is_no_number() -> None:
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        Everything.objects.copy_from_arrow(pa.table({"decimal": ["1", "two"]}))
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, "decimal")


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_row_that_the_database_refuses(batch_size: int | None) -> None:
    Plain.objects.create(name="n3")
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Plain.objects.copy_from_arrow(plain(5), batch_size=batch_size)
    error: Any = caught.value
    assert error.row_index == 3
    assert Plain.django.count() == 1


def test_a_text_that_is_too_long() -> None:
    table = pa.table({"name": ["short", "x" * 11]})
    if ENGINE != "postgresql":
        assert Plain.objects.copy_from_arrow(table) == 2  # SQLite has no limit
        return
    with pytest.raises(DataError) as caught:
        Plain.objects.copy_from_arrow(table)
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, "name")


def test_a_stream_that_fails_leaves_nothing() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from plain(10).to_batches()
        raise RuntimeError("the disk is full")

    reader = pa.RecordBatchReader.from_batches(plain(1).schema, batches())
    with (
        pytest.raises(ValueError, match=r"after 10 rows: .*the disk is full"),
        transaction.atomic(),
    ):
        Plain.objects.copy_from_arrow(reader, batch_size=5)
    assert Plain.django.count() == 0


# ------------------------------------------------------------------------- keys, defaults, results


def test_keys_of_the_frame_and_of_the_database() -> None:
    assert Plain.objects.copy_from_arrow(plain(2, id=[70, 60])) == 2
    assert stored(Plain, "pk", "name") == [(60, "n1"), (70, "n0")]
    mixed = pa.table({"name": ["a", "b"], "id": [80, None]})
    rows = Plain.objects.copy_from_arrow(mixed, return_queryset=True)
    keys = dict(rows.values_list("name", "pk"))
    assert keys["a"] == 80 and keys["b"] not in (60, 70, 80)


def test_the_rows_as_a_queryset(on_engine: list[str]) -> None:
    rows = Plain.objects.copy_from_arrow(plain(1500), return_queryset=True)
    assert type(rows) is type(Plain.objects.all())
    assert sorted(rows.values_list("value", flat=True)) == list(range(1500))
    given = Keyed.objects.copy_from_arrow(
        pa.table({"id": [str(KEY)], "name": ["x"]}), return_queryset=True
    )
    assert [row.pk for row in given] == [KEY]
    made = Keyed.objects.copy_from_arrow(pa.table({"name": ["x", "y"]}), return_queryset=True)
    assert sorted(row.name for row in made) == ["x", "y"]
    assert on_engine == [ENGINE] * 3


def test_composite_keys() -> None:
    table = pa.table({"row": [1, 2], "seat": ["a", "b"]})
    rows = Slot.objects.copy_from_arrow(table, return_queryset=True)
    assert sorted(row.pk for row in rows) == [("a", 1), ("b", 2)]
    assert stored(Slot, "note", "taken", "code") == [("none", False, 2), ("none", False, 3)]


def test_defaults_are_those_of_save(on_engine: list[str]) -> None:
    assert Order.objects.copy_from_arrow(pa.table({"name": ["a", "b"]})) == 2
    for order in Order.django.all():
        assert (order.state, order.count, order.upper) == ("new", 3, order.name.upper())
        assert order.made is not None
    assert Document.objects.copy_from_arrow(pa.table({"name": ["a"]})) == 1
    assert Document.objects.get().body == {}
    before = datetime.datetime.now(UTC)
    assert Stamped.objects.copy_from_arrow(pa.table({"name": ["a"]})) == 1
    stamped = Stamped.objects.get()
    assert before <= stamped.made <= datetime.datetime.now(UTC) and stamped.changed >= before
    assert Signed.objects.copy_from_arrow(pa.table({"value": [1]})) == 1
    assert stored(Signed, "name", "owner") == [("", None)]  # as save() stores a new Signed(value=1)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Signed.objects.copy_from_arrow(pa.table({"name": ["a"]}))
    assert caught.value.field_name == "value"  # type: ignore[attr-defined]


def test_a_default_is_called_once_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[uuid.UUID] = []

    def make() -> uuid.UUID:
        calls.append(uuid.uuid4())
        return calls[-1]

    monkeypatch.setattr(Keyed._meta.get_field("id"), "default", make)
    monkeypatch.setitem(vars(Keyed._meta.get_field("id")), "_get_default", make)
    assert Keyed.objects.copy_from_arrow(pa.table({"name": ["a", "b", "c"]})) == 3
    assert sorted(calls) == sorted(models.QuerySet(Keyed).values_list("pk", flat=True))


def test_bm_create_uuid() -> None:
    stamp = uuid.uuid4()
    table = pa.table({"name": ["a", "b"], "value": [1, 2]})
    assert Foo.objects.copy_from_arrow(table, bm_create_uuid=stamp) == 2
    assert Foo.objects.filter(bm_create_uuid=stamp).count() == 2
    Foo.objects.copy_from_arrow(table)
    assert Foo.objects.values("bm_create_uuid").distinct().count() == 2


def test_json_documents(on_engine: list[str]) -> None:
    texts = ['{"a": [1, "é"]}', "3", "null", '"text"']
    table = pa.table({"name": [str(i) for i in range(5)], "body": [*texts, None]})
    assert Noted.objects.copy_from_arrow(table) == 5
    assert [row[0] for row in stored(Noted, "body")] == [*map(json.loads, texts), None]
    assert Noted.objects.filter(body__isnull=True).count() == 1  # and one JSON null
    assert on_engine == [ENGINE]


@pytest.mark.parametrize("instances", [False, True])
def test_text_that_is_no_json(instances: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_from_arrow, "watches_instances", lambda model: instances)
    table = pa.table({"name": ["a", "b"], "body": ["{}", "{"]})
    with pytest.raises((DataError, IntegrityError)) as caught, transaction.atomic():
        Noted.objects.copy_from_arrow(table)
    assert caught.value.row_index == 1  # type: ignore[union-attr]
    assert Noted.objects.count() == 0


def test_fields_that_prepare_their_values(on_engine: list[str]) -> None:
    table = pa.table({"shouted": ["loud", None], "pair": pa.nulls(2)})
    assert Odd.objects.copy_from_arrow(table) == 2
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "shouted" FROM "{Odd._meta.db_table}" ORDER BY "id"')
        assert cursor.fetchall() == [("LOUD",), (None,)]
    assert on_engine == [ENGINE]


def test_models_in_several_tables_and_watched_instances() -> None:
    assert Child.objects.copy_from_arrow(plain(3, extra=[5, 6, 7])) == 3
    assert stored(Child, "name", "extra") == [("n0", 5), ("n1", 6), ("n2", 7)]

    seen: list[Any] = []

    def watch(sender: Any, instance: Any, **given: Any) -> None:
        instance.value = 99
        seen.append(instance.name)

    models.signals.post_init.connect(watch, sender=Signed)
    try:
        Signed.objects.copy_from_arrow(pa.table({"name": ["a"], "value": [1]}))
    finally:
        models.signals.post_init.disconnect(watch, sender=Signed)
    assert seen[:1] == ["a"] and stored(Signed, "value") == [(99,)]


def test_pairs_of_text() -> None:
    """A key of a related model that is itself a link."""
    names = [field.name for field in Pair._meta.concrete_fields]
    assert names  # the model is there; its columns are found by name
    with pytest.raises(FieldDoesNotExist):
        Pair.objects.copy_from_arrow(pa.table({"nothing": [1]}))


def test_signals_have_no_instances() -> None:
    heard: list[Any] = []

    def listen(sender: Any, signal: Any, **given: Any) -> None:
        heard.append((given["instances"], given["n"], list(given["field_names"])))
        if "queryset" in given:
            heard.append(sorted(given["queryset"].values_list("value", flat=True)))

    for signal in (signals.pre_copy_from_instances, signals.post_copy_from_instances):
        signal.connect(listen, sender=Plain)
    try:
        assert Plain.objects.copy_from_arrow(plain(3)) == 3
        assert Plain.objects.copy_from_arrow(pa.table({"name": ["z"]}), send_signals=False) == 1
    finally:
        for signal in (signals.pre_copy_from_instances, signals.post_copy_from_instances):
            signal.disconnect(listen, sender=Plain)
    names = ["id", "name", "value"]
    assert heard == [(None, None, names), (None, 3, names), [0, 1, 2]]


@pytest.mark.django_db(transaction=True)
def test_coroutines() -> None:
    from asgiref.sync import async_to_sync

    assert async_to_sync(Plain.objects.acopy_from_arrow)(plain(3)) == 3
    assert Plain.django.count() == 3


def test_no_object_is_made_for_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*given: Any) -> Any:
        raise AssertionError("an instance or a list of values was made")

    monkeypatch.setattr(copy_from_arrow.FrameRows, "objects", forbidden)
    monkeypatch.setattr(copy_from_arrow.FrameRows, "values", forbidden)
    assert Everything.objects.copy_from_arrow(
        pa.table({name: pa.array([*values], kind) for name, kind, values in VALUES_AT_ONCE})
    ) == len(VALUES_AT_ONCE[0][2])


VALUES_AT_ONCE = [
    (name, kind, (values * 4)[:4])
    for name, kind, values in VALUES
    if str(kind) in ("int16", "int64", "string_view", "bool", "decimal128(20, 5)", "date64[ms]")
    or (name, str(kind)) in (("float", "double"), ("uuid", "fixed_size_binary[16]"))
    if (name, str(kind)) != ("small", "int64")
]

# ------------------------------------------------------------------------------------ random frames

MOMENTS = some.datetimes(
    datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=some.just(UTC)
)
TEXTS = some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
COLUMNS: dict[str, tuple[list[pa.DataType], Any]] = {
    "small": ([pa.int16(), pa.int32(), pa.int64()], some.integers(-(2**15), 2**15 - 1)),
    "big": ([pa.int64()], some.integers(-(2**63), 2**63 - 1)),
    "text": (
        [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
        TEXTS,
    ),
    "boolean": ([pa.bool_()], some.booleans()),
    "float": ([pa.float64()], some.floats(allow_nan=False, allow_infinity=False)),
    "decimal": (
        [pa.decimal128(20, 5), pa.decimal256(50, 5)],
        some.integers(-(10**15), 10**15).map(lambda n: D(n).scaleb(-5)),
    ),
    "date": ([pa.date32(), pa.date64()], some.dates()),
    "datetime": ([pa.timestamp("us", "UTC"), pa.timestamp("us", "Asia/Tokyo")], MOMENTS),
    "time": ([pa.time64("us")], some.times()),
    "uuid": ([pa.binary(16)], some.uuids()),
}


@some.composite
def frames(draw: Any) -> tuple[pa.Table, list[dict[str, Any]]]:
    names = draw(some.lists(some.sampled_from(sorted(COLUMNS)), min_size=1, unique=True))
    n = draw(some.integers(1, 20))
    columns: dict[str, Any] = {}
    values: dict[str, list[Any]] = {}
    for name in names:
        kinds, one = COLUMNS[name]
        values[name] = draw(some.lists(some.none() | one, min_size=n, max_size=n))
        given = [v.bytes if isinstance(v, uuid.UUID) else v for v in values[name]]
        columns[name] = pa.array(given, draw(some.sampled_from(kinds)))
    first = draw(some.integers(0, n - 1))
    table = pa.table(columns)
    sizes = draw(some.lists(some.integers(1, 7), min_size=1, max_size=4))
    parts, at = [], first
    while at < n:
        size = sizes[len(parts) % len(sizes)]
        parts.append(table.slice(at, size))
        at += size
    rows = [{name: values[name][i] for name in names} for i in range(first, n)]
    return pa.concat_tables(parts), rows


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(frames(), some.sampled_from([None, 3]))
def test_random_frames_are_read_as_they_were(
    frame: tuple[pa.Table, list[dict[str, Any]]], batch_size: int | None
) -> None:
    table, rows = frame
    Everything.django.all().delete()
    assert Everything.objects.copy_from_arrow(table, batch_size=batch_size) == len(rows)
    found = [
        {name: getattr(row, name) for name in table.column_names}
        for row in Everything.django.order_by("pk")
    ]
    assert found == rows
