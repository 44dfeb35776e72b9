"""copy_from_arrow(): lists of frames, as arrays (issue 13, 6)."""

import datetime
import decimal
from typing import Any

import polars
import pyarrow as pa
import pytest
from django.db import DataError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.postgres import Contrib

pytestmark = pytest.mark.django_db

UTC = datetime.timezone.utc
D = decimal.Decimal
MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, UTC)


def texts(*names: str) -> list[Any]:
    """Return the columns as the server prints them."""
    with connection.cursor() as cursor:
        columns = ", ".join(f"{name}::text" for name in names)
        cursor.execute(f"SELECT {columns} FROM app_contrib ORDER BY id")
        return cursor.fetchall()


VALUES: list[tuple[str, pa.DataType, list[Any], list[str | None]]] = [
    ("integers", pa.list_(pa.int32()), [[1, None, 3], [], None], ["{1,NULL,3}", "{}", None]),
    ("integers", pa.large_list(pa.uint8()), [[1, 255], []], ["{1,255}", "{}"]),
    ("integers", pa.list_(pa.int64(), 2), [[1, 2], None, [3, None]], ["{1,2}", None, "{3,NULL}"]),
    ("integers", pa.list_view(pa.int16()), [[1, 2], []], ["{1,2}", "{}"]),
    ("integers", pa.null(), [None], [None]),
    ("integers", pa.list_(pa.null()), [[None], []], ["{NULL}", "{}"]),
    (
        "texts",
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        [["a,b", "", "NULL", None], ["a,b"]],
        ['{"a,b","","NULL",NULL}', '{"a,b"}'],
    ),
    ("texts", pa.large_list_view(pa.string_view()), [['"\\{'], []], ['{"\\"\\\\{"}', "{}"]),
    ("nested", pa.list_(pa.list_(pa.int16())), [[[1, 2], [3, None]]], ["{{1,2},{3,NULL}}"]),
    ("decimals", pa.list_(pa.decimal128(9, 2)), [[D("1.50"), None]], ["{1.50,NULL}"]),
    (
        "moments",
        pa.list_(pa.timestamp("us", "Europe/Berlin")),
        [[MOMENT]],
        ['{"2024-02-29 23:59:59.999999+00"}'],
    ),
]


@pytest.mark.parametrize(("name", "kind", "values", "expected"), VALUES, ids=str)
def test_lists_become_arrays(
    name: str, kind: pa.DataType, values: list[Any], expected: list[str | None]
) -> None:
    array = pa.array([None, *values], kind)
    table = pa.table({name: pa.chunked_array([array.slice(1, 1), array.slice(2)], kind)})
    assert Contrib.objects.copy_from_arrow(table) == len(values)
    assert [row[0] for row in texts(name)] == expected


def test_runs_in_lists() -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([7, 8]))
    lists = pa.ListArray.from_arrays(pa.array([0, 3, 3], pa.int32()), runs)
    assert Contrib.objects.copy_from_arrow(pa.table({"integers": lists})) == 2
    assert texts("integers") == [("{7,7,8}",), ("{}",)]


def test_lists_of_polars() -> None:
    frame = polars.DataFrame({"integers": [[1, None], [], None], "nested": [[[1], [2]], None, []]})
    assert Contrib.objects.copy_from_arrow(frame) == 3
    assert texts("integers", "nested") == [
        ("{1,NULL}", "{{1},{2}}"),
        ("{}", None),
        (None, "{}"),
    ]


def test_maps_for_hstore() -> None:
    maps = pa.array([[("a", "1"), ("b", None)], None, []], pa.map_(pa.string(), pa.string()))
    assert Contrib.objects.copy_from_arrow(pa.table({"store": maps})) == 3
    assert texts("store") == [('"a"=>"1", "b"=>NULL',), (None,), ("",)]


SLIPS: list[tuple[str, pa.DataType, list[Any], str]] = [
    ("nested", pa.list_(pa.list_(pa.int16())), [[[1]], [[1], [2, 3]]], "different lengths"),
    ("nested", pa.list_(pa.list_(pa.int16())), [[[1]], [[1], []]], "empty list within"),
    ("nested", pa.list_(pa.list_(pa.int16())), [[[1]], [[], []]], "empty list within"),
    ("nested", pa.list_(pa.list_(pa.int16())), [[[1]], [[1], None]], "NULL in place of a list"),
    ("integers", pa.list_(pa.uint64()), [[1], [2**64 - 1]], "out of range"),
    ("moments", pa.list_(pa.timestamp("ns", "UTC")), [[0], [1]], "nanoseconds"),
    ("moments", pa.list_(pa.timestamp("us", "UTC")), [[0], [2**58]], "years 1 to 9999"),
]


@pytest.mark.parametrize(("name", "kind", "values", "words"), SLIPS, ids=str)
def test_lists_that_are_no_arrays(
    name: str, kind: pa.DataType, values: list[Any], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught, transaction.atomic():
        Contrib.objects.copy_from_arrow(pa.table({name: pa.array(values, kind)}))
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, name)
    assert not Contrib.django.exists()


@some.composite
def shaped(draw: Any, one: Any, depth: int) -> Any:
    """Draw nested lists of one shape; the outermost list may be empty."""
    lengths = [draw(some.integers(0 if depth == 1 else 1, 4)) for _ in range(depth)]

    def of(level: int) -> Any:
        if level == depth:
            return draw(some.none() | one)
        return [of(level + 1) for _ in range(lengths[level])]

    return of(0)


LISTS = {
    "integers": (pa.int32(), some.integers(-(2**31), 2**31 - 1), 1),
    "texts": (
        pa.string(),
        some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9),
        1,
    ),
    "nested": (pa.int16(), some.integers(-(2**15), 2**15 - 1), 2),
    "decimals": (
        pa.decimal128(8, 2),
        some.integers(-(10**7), 10**7).map(lambda n: D(n).scaleb(-2)),
        1,
    ),
}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some.data())
def test_random_lists_are_stored_as_django_stores_them(data: Any) -> None:
    name = data.draw(some.sampled_from(sorted(LISTS)))
    element, one, depth = LISTS[name]
    rows = data.draw(some.lists(some.none() | shaped(one, depth), min_size=1, max_size=12))
    kind = element
    for _ in range(depth):
        wrap = data.draw(some.sampled_from([pa.list_, pa.large_list, pa.list_view]))
        kind = wrap(kind)
    first = data.draw(some.integers(0, len(rows) - 1))
    table = pa.table({name: pa.array(rows, kind)}).slice(first)
    frame = data.draw(some.sampled_from([table, polars.DataFrame(rows_of(name, rows, element))]))
    Contrib.django.all().delete()
    Contrib.django.bulk_create(Contrib(**{name: row}) for row in rows[first:])
    expected = texts(name)
    Contrib.django.all().delete()
    frame = frame if frame is table else frame.slice(first)
    assert Contrib.objects.copy_from_arrow(frame) == len(rows) - first
    assert texts(name) == expected


def rows_of(name: str, rows: list[Any], element: pa.DataType) -> pa.Table:
    depth = LISTS[name][2]
    kind = element
    for _ in range(depth):
        kind = pa.large_list(kind)
    return pa.table({name: pa.array(rows, kind)})
