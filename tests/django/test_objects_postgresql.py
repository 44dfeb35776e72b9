"""Python objects in PostgreSQL's own types: arrays, ranges and hstore, as save() stores them."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection, models
from django.db.backends.postgresql.psycopg_any import (
    DateRange,
    DateTimeTZRange,
    NumericRange,
    Range,
)
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.cells import printed
from app.postgres import Contrib
from bulkmodel.managers import BulkModelManager
from test_objects import (
    AWARE,
    ZONES,
    Color,
    N,
    Named,
    Number,
    Words,
    agrees,
    calls_of,
    calls_of_values,
    kept,
)

pytestmark = pytest.mark.django_db

DAY = datetime.date(2024, 2, 29)
TEXTS = st.text(max_size=6) | st.sampled_from(["NULL", "null", "", '"\\', "{},", " a ", "\u3000"])
AWARE_MOMENTS = st.datetimes(timezones=st.sampled_from(ZONES))
LISTS: dict[str, st.SearchStrategy[Any]] = {
    "integers": st.none() | st.integers(-(2**31), 2**31 - 1) | st.booleans() | st.just(Number.ONE),
    "texts": st.none() | TEXTS | st.integers() | st.just(Color.RED),
    "short": TEXTS.map(lambda text: text[:3]),
    "decimals": st.none() | st.decimals(places=2) | st.integers() | st.floats(),
    "moments": st.none() | AWARE_MOMENTS,
    "documents": st.none() | st.lists(TEXTS) | st.dictionaries(TEXTS, st.floats()),
}
hypothesis_settings = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@hypothesis_settings
@given(data=st.data(), name=st.sampled_from(sorted(LISTS)))
def test_any_list(data: Any, name: str) -> None:
    value = data.draw(st.lists(LISTS[name], max_size=4) | LISTS[name].map(lambda item: (item,)))
    agrees(Contrib, name, value, [])


@hypothesis_settings
@given(
    value=st.recursive(
        st.none() | st.integers(-5, 5) | st.integers(2**15),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=8,
    )
)
@example(value=[[], []])
@example(value=[[1], [2, 3]])
@example(value=[[1], None])
@example(value=[None, [1]])
@example(value=[[[1]]])
@example(value="{{1,2},{3,4}}")
@example(value=((1, 2), (3, None)))
def test_lists_in_lists(value: Any) -> None:
    agrees(Contrib, "nested", value, [[1, 2], [3, 4]])


BOUNDS: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.none() | st.integers(-(2**31), 2**31 - 2),
    "big": st.none() | st.integers(-(2**62), 2**62),
    "exact": st.none() | st.decimals(allow_nan=False, places=3) | st.integers(),
    "days": st.none() | st.dates(max_value=datetime.date(9000, 1, 1)),
    "times": st.none() | AWARE_MOMENTS | st.datetimes(),
}


@hypothesis_settings
@given(
    data=st.data(),
    name=st.sampled_from(sorted(BOUNDS)),
    kind=st.sampled_from([Range, NumericRange, DateRange, DateTimeTZRange]),
    marks=st.sampled_from(["[)", "(]", "()", "[]"]),
    empty=st.booleans(),
    pair=st.booleans(),
)
@pytest.mark.filterwarnings("ignore:DateTimeField")
def test_any_range(data: Any, name: str, kind: Any, marks: str, empty: bool, pair: bool) -> None:
    low, high = data.draw(BOUNDS[name]), data.draw(BOUNDS[name])
    value = (low, high) if pair else kind(low, high, marks, empty)
    agrees(Contrib, name, value)


@pytest.mark.parametrize("bounds", [(Decimal("0.5"), 1), (0, Decimal("1.5")), (None, Decimal(1))])
def test_bounds_of_two_types(bounds: tuple[Any, Any]) -> None:
    """The driver may refuse them: it is asked."""
    agrees(Contrib, "exact", Range(*bounds))


@hypothesis_settings
@given(
    value=st.dictionaries(
        TEXTS | st.integers(),
        st.none() | TEXTS | st.integers() | st.booleans() | st.floats() | st.just(Color.RED),
        max_size=4,
    )
)
@example(value={1: "a", "1": "b"})
@example(value={})
@example(value=Words(a="b"))
@example(value=["a", "b"])
@example(value='"a"=>"b"')
def test_any_hstore(value: Any) -> None:
    agrees(Contrib, "store", value, {"a": "b"})


PLAIN: list[tuple[str, Any]] = [
    ("integers", [1, None, -5]),
    ("texts", ["a", None, 'b"\\']),
    ("short", ["abc"]),
    ("nested", [[1, 2], [3, 4]]),
    ("decimals", [Decimal("1.50")]),
    ("moments", [AWARE]),
    ("documents", [{"a": [1]}, "b"]),
    ("store", {"a": "1", "b": None, "c": 5}),
    ("whole", NumericRange(1, 5)),
    ("exact", NumericRange(Decimal(1), None)),
    ("days", DateRange(DAY, None)),
    ("times", DateTimeTZRange(AWARE, None)),
]


@pytest.mark.parametrize(("name", "value"), PLAIN, ids=repr)
@pytest.mark.psycopg3
def test_no_python_function_is_called_for_a_value(name: str, value: Any) -> None:
    assert calls_of_values(Contrib, name, value) < 100


ODD: list[tuple[str, Any, Any]] = [
    ("integers", [1, 2], [Named("5")]),
    ("texts", ["a"], [5, "b"]),
    ("nested", [[1]], [(1, "2")]),
    ("decimals", [Decimal(1)], ["1.5"]),
    ("documents", [{"a": 1}], [Words(a=1)]),
    ("store", {"a": "b"}, Words(c=5)),
    ("whole", NumericRange(1, 5), (2, 3)),
    ("days", DateRange(DAY, None), (None, DAY)),
]


@pytest.mark.parametrize(("name", "plain", "odd"), ODD, ids=repr)
@pytest.mark.psycopg3
def test_one_odd_value_costs_that_value(name: str, plain: Any, odd: Any) -> None:
    def write(*values: Any) -> Callable[[], Any]:
        rows = [Contrib(**{name: plain}) for _ in range(N)]
        for place, value in zip((700, 900), values):
            setattr(rows[place], name, value)
        return lambda: Contrib.objects.bulk_create(rows)

    write(odd)()
    assert calls_of(write(odd)) - calls_of(write()) < 300
    rows = write(odd)()
    row = Contrib(**{name: odd})
    row.save()
    assert printed(Contrib, name, rows[700].pk) == printed(Contrib, name, row.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["bulk_create", "update_fields"])
def test_a_ragged_list_is_named_by_row_and_field(verb: str) -> None:
    rows = [Contrib(nested=[[1, 2], [3, 4]], integers=[1]) for _ in range(N)]
    if verb == "update_fields":
        Contrib.objects.bulk_create(rows)
    rows[700].nested = [[1, 2], [3]]
    with pytest.raises(DataError) as caught:
        if verb == "bulk_create":
            Contrib.objects.bulk_create(rows)
        else:
            Contrib.objects.update_fields("nested", objects=rows)
    assert (caught.value.row_index, caught.value.field_name) == (700, "nested")


def test_lists_and_ranges_that_are_read() -> None:
    Contrib.django.bulk_create(
        [Contrib(integers=[1, 2], nested=[[1]], store={"a": "b"}, whole=(1, 5)) for _ in range(3)]
    )
    ours = Contrib.objects.order_by("pk")
    names = ["integers", "nested", "store", "whole"]
    for mine, row in zip(ours, Contrib.django.order_by("pk"), strict=True):
        assert [getattr(mine, name) for name in names] == [getattr(row, name) for name in names]
    assert ours.update_fields() == 0
    ours[0].nested[0][0] = 7
    ours[1].store["a"] = "c"
    ours[2].whole = NumericRange(1, 6)
    assert ours.update_fields() == 3
    stored = list(Contrib.django.order_by("pk").values_list(*names))
    assert stored[0][1] == [[7]] and stored[1][2] == {"a": "c"} and stored[2][3].upper == 6
    assert ours.update_fields() == 0


def test_jsonb_that_was_normalised() -> None:
    """PostgreSQL's text is not that of json.dumps."""
    rows = kept(3)
    documents = [{"bb": 1, "a": "\u20ac"}, [1e20, 1.0], {"a": {"a": 1}}]
    for row, document in zip(rows, documents):
        row.document = document
    type(rows[0]).objects.update_fields("document", objects=rows)
    ours = type(rows[0]).objects.order_by("pk")
    list(ours)
    assert ours.update_fields() == 0


@isolate_apps("app")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [2, 1500])
def test_a_percent_sign_in_the_name_of_a_column(n: int) -> None:
    """psycopg 3 reads %% as % only in a statement with parameters; a COPY has none."""

    class Percent(models.Model):
        value = models.IntegerField(db_column="a%s")
        objects = BulkModelManager()

        class Meta:
            app_label = "app"

    with connection.schema_editor() as editor:
        editor.create_model(Percent)
    try:
        Percent.objects.bulk_create([Percent(value=i) for i in range(n)])
        with connection.cursor() as cursor:  # Django's own SELECT does not double the sign
            cursor.execute('SELECT "a%s" FROM app_percent ORDER BY id')
            assert cursor.fetchall() == [(i,) for i in range(n)]
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Percent)
