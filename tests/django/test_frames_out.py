"""copy_to_arrow(): the rows of a queryset, read by others (issue 13, 6)."""

import datetime
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import polars
import pyarrow as pa
import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import BigIntegerField, F
from hypothesis import HealthCheck, given, settings

from app.computing import Order
from app.models import Everything, Noted, Plain, Signed
from app.odd import Odd
from conftest import ENGINE
from test_frames import frames

pytestmark = pytest.mark.django_db

UTC = datetime.timezone.utc
TYPES = {
    "id": pa.int64(),
    "small": pa.int16(),
    "integer": pa.int32(),
    "big": pa.int64(),
    "positive": pa.int32(),
    "char": pa.large_string(),
    "text": pa.large_string(),
    "slug": pa.large_string(),
    "boolean": pa.bool_(),
    "float": pa.float64(),
    "decimal": pa.decimal128(20, 5),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
    "time": pa.time64("us"),
    "uuid": pa.large_string(),
    "link_id": pa.int64(),
}
ROW: dict[str, Any] = {
    "small": -(2**15),
    "integer": 2**31 - 1,
    "big": -(2**63),
    "positive": 5,
    "char": "é\n",
    "text": "",
    "slug": "a-b",
    "boolean": True,
    "float": 0.1,
    "decimal": Decimal("-12345.12345"),
    "date": datetime.date(1, 1, 1),
    "datetime": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    "time": datetime.time(23, 59, 59, 999999),
    "uuid": uuid.UUID(int=2**127),
}


def test_types_and_values() -> None:
    Everything.objects.create(**ROW)
    Everything.objects.create()
    table = pa.table(Everything.objects.order_by("pk").copy_to_arrow())
    table.validate(full=True)
    assert dict(zip(table.schema.names, table.schema.types)) == TYPES
    first, second = table.drop_columns(["id", "link_id"]).to_pylist()
    assert first == ROW | {"uuid": str(ROW["uuid"])}
    assert set(second.values()) == {None}


def test_other_readers_and_a_second_reading() -> None:
    Plain.objects.copy_from_arrow(pa.table({"name": ["a", "b"], "value": [1, None]}))
    rows = Plain.objects.order_by("pk").copy_to_arrow(columns=["name", "value"])
    for _ in range(2):
        assert polars.DataFrame(rows).rows() == [("a", 1), ("b", None)]
    assert Plain.objects.filter(value=99).copy_to_arrow(["name"]) is not None
    assert pa.table(Plain.objects.filter(value=99).copy_to_arrow(["name"])).num_rows == 0


def test_rows_are_read_in_chunks() -> None:
    Plain.objects.copy_from_arrow(pa.table({"name": [str(i) for i in range(10)]}))
    rows = Plain.objects.order_by("pk").copy_to_arrow(["name"], chunk_size=4)
    reader = pa.RecordBatchReader.from_stream(rows)
    assert [batch.num_rows for batch in reader] == [4, 4, 2]
    unread = pa.RecordBatchReader.from_stream(rows)
    assert unread.read_next_batch().num_rows == 4
    unread.close()
    assert rows.__arrow_c_stream__() is not None  # is dropped, and nothing was read


def test_fields_of_other_kinds() -> None:
    Order.objects.copy_from_arrow(pa.table({"name": ["a"]}))
    table = pa.table(Order.objects.copy_to_arrow(["upper", "twice", "made"]))
    assert table.schema.field("twice").type == pa.int64()
    assert table.select(["upper", "twice"]).to_pylist() == [{"upper": "A", "twice": 6}]
    body = {"a": [1, "é"]}
    Noted.objects.create(name="n", body=body)
    assert json.loads(pa.table(Noted.objects.copy_to_arrow(["body"]))["body"][0].as_py()) == body
    Odd.objects.create(
        binary=b"\0\xff", duration=datetime.timedelta(days=-3, microseconds=5), address="::1"
    )
    names = ["binary", "duration", "address", "shouted", "file"]
    found = pa.table(Odd.objects.copy_to_arrow(names)).to_pylist()
    assert found[0]["binary"] == b"\0\xff" and found[0]["address"] == "::1"
    assert found[0]["duration"] == datetime.timedelta(days=-3, microseconds=5)


def test_links_have_the_type_of_their_target() -> None:
    owner = Plain.objects.create(name="o")
    Signed.objects.create(name="s", value=1, owner=owner)
    for name in ("owner", "owner_id"):
        table = pa.table(Signed.objects.copy_to_arrow([name]))
        assert table.schema.names == ["owner_id"] and table["owner_id"].to_pylist() == [owner.pk]


def test_names_that_are_refused() -> None:
    with pytest.raises(FieldDoesNotExist):
        Plain.objects.copy_to_arrow(["nothing"])
    for names in ([], ["name", "name"]):
        with pytest.raises(ValueError, match="each once"):
            Plain.objects.copy_to_arrow(names)
    with pytest.raises(TypeError, match="not a string"):
        Plain.objects.copy_to_arrow("name")
    with pytest.raises(ValueError, match="positive"):
        Plain.objects.copy_to_arrow(chunk_size=0)
    with pytest.raises(ValueError, match=r"pair .*has no Arrow type.*columns="):
        Odd.objects.copy_to_arrow()


def test_a_value_that_arrow_does_not_hold() -> None:
    for i in range(3):
        Everything.objects.create(integer=i, decimal=Decimal(i))
    wide = Everything.objects.annotate(wide=F("integer"))  # stays a queryset of the model
    assert pa.table(wide.copy_to_arrow(["integer"])).num_rows == 3
    table, key = Everything._meta.db_table, Everything.django.order_by("pk")[1].pk
    if ENGINE == "postgresql":
        set_to = """ "decimal" = 'NaN' """
    else:
        set_to = f' "The integer" = {2**40} '  # SQLite's integers have 64 bits
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET {set_to} WHERE "id" = {key}')
    name = "decimal" if ENGINE == "postgresql" else "integer"
    with pytest.raises(Exception, match=f"row 1, field {name}: ") as caught:
        pa.table(Everything.objects.order_by("pk").copy_to_arrow(["id", name], chunk_size=1))
    assert isinstance(caught.value, (OSError, pa.ArrowInvalid))
    assert isinstance(Everything._meta.get_field("big"), BigIntegerField)


def test_another_thread_would_have_another_transaction() -> None:
    """DuckDB reads in threads of its own."""
    rows = Plain.objects.copy_to_arrow(["name"])
    with ThreadPoolExecutor(1) as pool, pytest.raises(Exception, match="in the thread that"):
        pool.submit(pa.table, rows).result()
    assert pa.table(rows).num_rows == 0


def test_an_error_of_the_query_reaches_the_reader() -> None:
    with pytest.raises(Exception, match=r"(?i)no_such"):
        pa.table(Plain.objects.extra(where=["no_such = 1"]).copy_to_arrow(["name"]))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(frames())
def test_random_frames_come_back(frame: tuple[pa.Table, list[dict[str, Any]]]) -> None:
    table, rows = frame
    Everything.django.all().delete()
    Everything.objects.copy_from_arrow(table)
    found = pa.table(Everything.objects.order_by("pk").copy_to_arrow(table.column_names, 7))
    found.validate(full=True)
    assert found.to_pylist() == [
        {n: str(v) if isinstance(v, uuid.UUID) else v for n, v in row.items()} for row in rows
    ]
