"""Values that nobody thought of: written by Django and by us, compared as the database prints
them."""

import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cells import printed
from app.models import Everything
from app.odd import Odd

pytestmark = pytest.mark.django_db

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
ZONES = st.timezones() | st.just(datetime.timezone.utc)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "small": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "big": st.integers(-(2**63), 2**63 - 1),
    "char": TEXT,
    "text": TEXT,
    "boolean": st.booleans(),
    "float": st.floats(allow_nan=False),
    "decimal": st.decimals(-(10**14), 10**14, allow_nan=False, places=5)
    | st.decimals(-1000, 1000, allow_nan=False),
    "date": st.dates(),
    "datetime": st.datetimes(
        datetime.datetime(2, 1, 1), datetime.datetime(9998, 12, 31), timezones=ZONES
    ),
    "time": st.times(),
    "uuid": st.uuids(),
}
ODD: dict[str, st.SearchStrategy[Any]] = {
    "json": JSON,
    "binary": st.binary(max_size=40),
    "duration": st.timedeltas(datetime.timedelta(-100000), datetime.timedelta(100000)),
    "address": st.ip_addresses().map(str),
}
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def cells(rows: list[Any], name: str) -> list[Any]:
    column = type(rows[0])._meta.get_field(name).column
    return [printed(type(rows[0]), column, row.pk) for row in rows]


@pytest.mark.parametrize(
    ("model", "name", "strategy"),
    [(Everything, *item) for item in VALUES.items()] + [(Odd, *item) for item in ODD.items()],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_any_value(model: Any, name: str, strategy: Any) -> None:
    @EXAMPLES
    @given(st.lists(st.none() | strategy, min_size=2, max_size=8))
    def check(values: list[Any]) -> None:
        theirs = model.django.bulk_create([model(**{name: value}) for value in values])
        ours = model.objects.bulk_create([model(**{name: value}) for value in values])
        assert cells(ours, name) == cells(theirs, name)
        moved = values[1:] + values[:1]
        for row, other, value in zip(theirs, ours, moved):
            setattr(row, name, value)
            setattr(other, name, value)
        assert model.django.bulk_update(theirs, [name]) == len(values)
        assert model.objects.bulk_update(ours, [name]) == len(values)
        assert cells(ours, name) == cells(theirs, name)
        for row, other, value in zip(theirs, ours, values):
            setattr(row, name, value)
            setattr(other, name, value)
            row.save(update_fields=[name])
        assert model.objects.update_fields(name, objects=ours) == len(values)
        assert cells(ours, name) == cells(theirs, name)

    check()
