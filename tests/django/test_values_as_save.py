"""L9, L10: values that are no plain values of their field, as save() stores or refuses them."""

import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.expressions import DatabaseDefault
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models import Everything
from app.odd import Defaults, Odd

pytestmark = pytest.mark.django_db


def default(name: str) -> Any:
    """What a new object has where the database makes the value."""
    return getattr(Defaults(), name)


def rows_with_defaults(n: int) -> list[Defaults]:
    """In every other row the column's default."""
    made = Defaults.django.bulk_create([Defaults(value=i, name="-", plain=i) for i in range(n)])
    for row in made[::2]:
        row.value = default("value")
    for row in made[1::3]:
        row.name = default("name")
    for row in made:
        row.plain = -1
    return made


@pytest.mark.parametrize("n", [1, 2, 1500])
@pytest.mark.parametrize("verb", ["update_fields", "bulk_update", "nameless"])
def test_defaults_of_the_database(verb: str, n: int) -> None:
    """L9."""
    rows = rows_with_defaults(n)
    assert isinstance(rows[0].value, DatabaseDefault)
    names = ["value", "name", "plain"]
    if verb == "update_fields":
        assert Defaults.objects.update_fields(*names, objects=rows) == n
    elif verb == "bulk_update":
        assert Defaults.objects.bulk_update(rows, names) == n
    else:
        read = Defaults.objects.order_by("pk")
        for mine, row in zip(read, rows):
            mine.value, mine.name, mine.plain = row.value, row.name, row.plain
        assert read.update_fields() == n
    stored = list(Defaults.django.order_by("pk").values_list(*names))
    for i, (value, name, plain) in enumerate(stored):
        assert value == (7 if i % 2 == 0 else i)
        assert name == ("from the database" if i % 3 == 1 else "-")
        assert plain == -1
    assert isinstance(rows[0].value, DatabaseDefault)  # as bulk_update() leaves it


@pytest.mark.parametrize("n", [1, 2, 1500])
@pytest.mark.parametrize("verb", ["copy_from_objects", "bulk_create", "create_queryset"])
def test_defaults_of_the_database_in_new_rows(verb: str, n: int) -> None:
    """L9."""
    rows = [Defaults(value=i) if i % 2 else Defaults(name="mine") for i in range(n)]
    getattr(Defaults.objects, verb)(rows)
    stored = list(Defaults.django.order_by("pk").values_list("value", "name"))
    expected = [(i, "from the database") if i % 2 else (7, "mine") for i in range(n)]
    assert sorted(stored) == sorted(expected)


def test_a_result_with_defaults_of_the_database() -> None:
    rows = rows_with_defaults(3)
    written = Defaults.objects.update_fields("value", objects=rows, return_queryset=True)
    assert [row.value for row in written] == [7, 1, 7]


# ------------------------------------------------------------------------------- L10

VALUES: list[Any] = [
    "",
    "x",
    "5",
    " 7 ",
    "2020-01-02",
    "2020-01-02 03:04:05+00:00",
    "03:04:05",
    b"",
    b"5",
    bytearray(b"x"),
    memoryview(b"xy"),
    0,
    -1,
    2**31,
    2**63,
    True,
    5.0,
    5.5,
    float("inf"),
    Decimal("5.123456789"),
    Decimal("1E+30"),
    [],
    [1],
    (1, 2),
    {},
    {"a": 1},
    {1},
    object,
    uuid.UUID(int=5),
    str(uuid.UUID(int=5)),
    datetime.date(2020, 1, 2),
    datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
    datetime.time(3, 4, 5),
    datetime.timedelta(days=1, seconds=3),
    3 + 4j,
    "a\0b",
    "\ud800",
    None,
    ...,
]
FIELDS = [
    field
    for model in (Everything, Odd)
    for field in model._meta.concrete_fields
    if not field.primary_key and field.name not in ("link", "file", "pair", "path")
]


def outcome(call: Callable[[], Any], field: Any) -> Any:
    """The class of the error, or what the database has of the first row."""
    try:
        with transaction.atomic():
            try:
                call()
                column = connection.ops.quote_name(field.column)
                text = f"{column}::text"
                if connection.vendor == "sqlite":
                    text = f"typeof({column}) || quote({column})"
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT {text} FROM {field.model._meta.db_table} WHERE id = 1")
                    return cursor.fetchone()
            finally:
                transaction.set_rollback(True)
    except Exception as error:
        return type(error)


def new(field: Any, value: Any, n: int) -> list[Any]:
    rows = [field.model(pk=i + 1) for i in range(n)]
    setattr(rows[0], field.attname, value)
    return rows


def saved(field: Any, value: Any) -> None:
    new(field, value, 1)[0].save(force_insert=True)


def saved_again(field: Any, value: Any) -> None:
    field.model._base_manager.create(pk=1)
    row = new(field, value, 1)[0]
    row._state.adding = False
    row.save(force_update=True)


def copied(field: Any, value: Any, n: int) -> None:
    field.model.objects.copy_from_objects(new(field, value, n), exclude_id=False)


def updated(field: Any, value: Any, n: int) -> None:
    field.model._base_manager.bulk_create([field.model(pk=i + 1) for i in range(n)])
    rows = new(field, value, n)
    for row in rows:
        row._state.adding = False
    field.model.objects.update_fields(field.name, objects=rows)


def created(manager: Any, field: Any, value: Any, n: int) -> None:
    manager.bulk_create(new(field, value, n))


def bulk_updated(manager: Any, field: Any, value: Any, n: int) -> None:
    field.model._base_manager.bulk_create([field.model(pk=i + 1) for i in range(n)])
    manager.bulk_update(new(field, value, n), [field.name])


def check(field: Any, value: Any, n: int) -> None:
    model = field.model
    by_save = outcome(lambda: saved(field, value), field)
    assert outcome(lambda: copied(field, value, n), field) == by_save
    by_save = outcome(lambda: saved_again(field, value), field)
    assert outcome(lambda: updated(field, value, n), field) == by_save
    for call in (created, bulk_updated):
        theirs = outcome(partial(call, model.django, field, value, n), field)
        ours = outcome(partial(call, model.objects, field, value, n), field)
        assert ours == theirs


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_values_of_other_types(field: Any, n: int) -> None:
    for value in VALUES:
        check(field, value, n)


@pytest.mark.parametrize("value", ["text", "", "\0", bytearray(b"x"), 5, [1]], ids=repr)
def test_a_text_is_no_binary_value(value: Any) -> None:
    """L10."""
    check(Odd._meta.get_field("binary"), value, 1100)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    field=st.sampled_from(FIELDS),
    value=st.one_of(
        st.text(max_size=50),
        st.binary(max_size=9),
        st.integers(),
        st.booleans(),
        st.none(),
        st.decimals(allow_nan=False),
        st.datetimes(),
        st.dates(),
        st.times(),
        st.timedeltas(),
        st.floats(allow_nan=False).filter(bool),  # -0.0 is 0 in one statement of Django's
        st.uuids(),
        st.lists(st.integers(), max_size=3),
    ),
)
def test_any_value(field: Any, value: Any) -> None:
    """As save() or Django's own method stores or refuses it."""
    check(field, value, 2)
