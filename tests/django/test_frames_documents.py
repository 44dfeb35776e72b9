"""copy_from_arrow(): structs, maps and lists of frames, as JSON (issue 13, 6)."""

import json
from typing import Any

import polars
import pyarrow as pa
import pytest
from django.db import DataError, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.models import Noted

pytestmark = pytest.mark.django_db

NAME = "body"


def stored() -> list[Any]:
    return list(models.QuerySet(Noted).order_by("pk").values_list(NAME, flat=True))


def copy(values: list[Any], kind: pa.DataType) -> None:
    Noted.objects.copy_from_arrow(pa.table({NAME: pa.array(values, kind)}))


def test_nested_values() -> None:
    kind = pa.struct(
        [
            ("n", pa.int64()),
            ("t", pa.dictionary(pa.int8(), pa.string())),
            ("l", pa.list_(pa.list_(pa.bool_()))),
            ("m", pa.map_(pa.string(), pa.float32())),
        ]
    )
    values = [
        {"n": 2**62, "t": 'é"\\\n', "l": [[True], [], None, [None, False]], "m": [("a", 0.5)]},
        {"n": None, "t": None, "l": None, "m": None},
        {"n": 0, "t": "", "l": [], "m": []},
    ]
    copy(values, kind)
    expected = [{**row, "m": dict(row["m"]) if row["m"] is not None else None} for row in values]
    assert stored() == expected


def test_lists_of_polars_and_any_shape() -> None:
    frame = polars.DataFrame({NAME: [[[1, 2], [3]], [], [[]]]})
    assert Noted.objects.copy_from_arrow(frame) == 3
    assert stored() == [[[1, 2], [3]], [], [[]]]


SLIPS: list[tuple[pa.DataType, list[Any], str]] = [
    (pa.list_(pa.float64()), [[0.5], [float("nan")]], "NaN"),
    (pa.list_(pa.uint64()), [[1], [2**63]], "out of range"),
    (pa.map_(pa.string(), pa.int8()), [[("a", 1)], [("b", 1), ("b", 2)]], "key twice"),
    (pa.list_(pa.string()), [["a"], ["b\0"]], "NUL"),
]


@pytest.mark.parametrize(("kind", "values", "words"), SLIPS, ids=str)
def test_values_that_json_does_not_have(kind: pa.DataType, values: list[Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught, transaction.atomic():
        copy(values, kind)
    error: Any = caught.value
    assert (error.row_index, error.field_name) == (1, NAME)
    assert not models.QuerySet(Noted).exists()


@pytest.mark.parametrize("kind", [pa.list_(pa.binary()), pa.struct([("d", pa.date32())])], ids=str)
def test_types_that_json_does_not_have(kind: pa.DataType) -> None:
    with pytest.raises(ValueError):
        copy([None], kind)


LEAVES: list[tuple[pa.DataType, Any]] = [
    (pa.int64(), some.integers(-(2**63), 2**63 - 1)),
    (pa.float64(), some.integers(-(10**6), 10**6).map(lambda n: n / 8)),
    (pa.bool_(), some.booleans()),
    (pa.string(), some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
]


@some.composite
def nested(draw: Any, depth: int = 0) -> tuple[pa.DataType, Any]:
    """Draw a type, and a strategy for its values."""
    shape = draw(some.sampled_from(["leaf", "list", "view", "struct"])) if depth < 3 else "leaf"
    if shape == "leaf" and depth > 0:
        kind, one = draw(some.sampled_from(LEAVES))
        return kind, some.none() | one
    if shape == "struct":
        names = draw(some.lists(some.text("abé", min_size=1), max_size=3, unique=True))
        members = {name: draw(nested(depth + 1)) for name in names}
        kind = pa.struct([(name, member[0]) for name, member in members.items()])
        return kind, some.none() | some.fixed_dictionaries(
            {name: member[1] for name, member in members.items()}
        )
    kind, one = draw(nested(depth + 1))
    wrap = pa.list_view if shape == "view" else pa.list_
    return wrap(kind), some.none() | some.lists(one, max_size=4)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some.data())
def test_random_documents(data: Any) -> None:
    kind, one = data.draw(nested())
    rows = data.draw(some.lists(one, min_size=1, max_size=6))
    first = data.draw(some.integers(0, len(rows) - 1))
    models.QuerySet(Noted).delete()
    table = pa.table({NAME: pa.array(rows, kind)}).slice(first)
    assert Noted.objects.copy_from_arrow(table) == len(rows) - first
    assert stored() == json.loads(json.dumps(rows[first:]))
