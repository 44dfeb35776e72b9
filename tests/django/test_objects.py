"""L20: Python objects in columns.  Values are stored or refused as save() does, one odd value costs
that value only, and what was read is kept without a copy."""

import datetime
import json
import sys
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, models, transaction
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.cells import printed
from app.models import Everything
from app.odd import Color, Kept, Odd
from bulkmodel import _core

pytestmark = pytest.mark.django_db

N = 1500
AWARE = datetime.datetime(2024, 2, 29, 12, 30, 1, 5, tzinfo=datetime.timezone.utc)
ZONES = [
    datetime.timezone.utc,
    datetime.timezone(datetime.timedelta(hours=5, minutes=45)),
    datetime.timezone(-datetime.timedelta(hours=3, seconds=7)),
]


class Number(models.IntegerChoices):
    ONE = 1
    TWO = 2


class Twice(int):
    """Is another number than it seems."""

    def __int__(self) -> int:
        return 2 * super().__int__()


class Named(str):
    """A text that changes nothing."""


class Words(dict):  # type: ignore[type-arg]
    """Not exactly a dict."""


def outcome(model: Any, name: str, write: Callable[[], Any]) -> Any:
    """What the database has of the row, or the error: a database's message names its statement."""
    try:
        with transaction.atomic():
            try:
                key = write()
                return printed(model, model._meta.get_field(name).column, key)
            finally:
                transaction.set_rollback(True)
    except DatabaseError as error:
        return type(error)
    except Exception as error:
        return type(error), str(error)


def agrees(model: Any, name: str, value: Any, plain: Any = None) -> Any:
    """bulk_create() and update_fields() of rows of which one has the value, as save()."""

    def rows() -> list[Any]:
        return [model(), model(**{name: value}), model(**{name: plain})]

    def saved() -> Any:
        row = rows()[1]
        row.save()
        return row.pk

    def created() -> Any:
        return model.objects.bulk_create(rows())[1].pk

    def updated() -> Any:
        made = model.django.bulk_create([model() for _ in range(3)])
        for row, given_row in zip(made, rows()):
            setattr(row, name, getattr(given_row, name))
        model.objects.update_fields(name, objects=made)
        return made[1].pk

    expected = outcome(model, name, saved)
    assert outcome(model, name, created) == expected
    assert outcome(model, name, updated) == expected
    return expected


# --------------------------------------------------------------------------------------- JSON

TEXTS = st.text(st.characters(codec=None), max_size=8)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.just(10**400), st.just(-0.0)
)
KEYS = st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.floats())
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(TEXTS, inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=12,
)
ODD_DOCUMENTS: list[Any] = [
    '\x00\x01\x1f\x7f\x80\xff\u2028\ud800\U0001f600/"\\\b\f\n\r\t',
    {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")},
    [1e16, 1e-7, 0.1, 1.0, 5e-324, 1.7976931348623157e308],
    Words(a=1),
    {"a": Words(b=Named("c"))},
    [Color.RED, Number.TWO, mark_safe("<b>")],
    (1, (2, ())),
    {1: 1, "1": 2, False: 3, None: 4, 1.5: 5},
    {(1, 2): 3},
    {b"a": 1},
    {"when": AWARE, "how": Decimal("1.50"), "id": uuid.UUID(int=5)},
    {1, 2},
    object,
    2**70,
    Twice(4),
    lazystr("lazy"),
    [[]] * 50,
]


def nested(depth: int, leaf: Any = 1) -> Any:
    for _ in range(depth):
        leaf = [{"a": leaf}]
    return leaf


def circle() -> Any:
    made: list[Any] = [1]
    made.append({"again": made})
    return made


@pytest.mark.parametrize("name", ["json", "encoded"])
@pytest.mark.parametrize("value", ODD_DOCUMENTS, ids=lambda value: ascii(value)[:40])
def test_json(name: str, value: Any) -> None:
    agrees(Odd, name, value, {"plain": [1, "2", None, True, 0.5]})


@pytest.mark.parametrize("value", [nested(20), nested(49), nested(50), nested(51), nested(5000)])
def test_json_that_is_nested(value: Any) -> None:
    expected = agrees(Odd, "json", value)
    if value is not None and isinstance(expected, tuple):
        assert expected[0] is RecursionError


def test_json_that_contains_itself() -> None:
    assert agrees(Odd, "json", circle()) == (ValueError, "Circular reference detected")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=DOCUMENTS)
@example(value={})
@example(value=[])
def test_any_json(value: Any) -> None:
    expected = agrees(Odd, "json", value)
    if connection.vendor == "sqlite" and value is not None and isinstance(expected, str):
        text = json.dumps(value).replace("'", "''")
        assert "\x00" in text or expected == f"text '{text}'"


@pytest.mark.parametrize("encoder", [None, DjangoJSONEncoder])
def test_the_text_of_json_is_that_of_json_dumps(encoder: Any) -> None:
    """A text that is not ASCII is never what json.dumps wrote."""
    values = [{"a": [1, None, 0.1], "\u20ac": "\u20ac"}, "x", [], {"b": ()}, {1: 2}, "\u20ac"]
    texts = [json.dumps(value, cls=encoder) for value in values]
    assert _core.json_equal(values, texts) == b"\1" * len(values)
    assert _core.json_equal(values, ["\u20ac"] * len(values)) == bytes(len(values))
    assert _core.json_equal([Words(a=1), 1.0], ['{"a": 1}', "1"]) == b"\0\0"


class Keyed(json.JSONEncoder):
    item_separator = ","


@pytest.mark.parametrize("option", ["sorted", "subclass", "function"])
def test_an_encoder_that_changes_more_than_the_default(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spaced(*args: Any, **options: Any) -> Any:
        return json.JSONEncoder(*args, **{**options, "separators": (" , ", " : ")})

    class Sorted(json.JSONEncoder):
        def encode(self, o: Any) -> str:
            return super().encode(dict(sorted(o.items())))

    encoder: Any = {"sorted": Sorted, "subclass": Keyed, "function": spaced}[option]
    from bulkmodel.model import fields

    monkeypatch.setattr(Odd._meta.get_field("json"), "encoder", encoder)
    fields._known.pop(Odd, None)
    try:
        agrees(Odd, "json", {"b": 1, "a": [1, 2]}, {"b": 1, "a": 2})
    finally:
        fields._known.pop(Odd, None)


# --------------------------------------------------------------- one value among many, and calls


OTHERS = ("psycopg", "ctypes", "hypothesis")


def calls_of(call: Callable[[], Any]) -> int:
    """The Python functions that are called, but for those of a driver without its C part, and
    those that hypothesis has run whenever the garbage collector begins and ends."""
    count = 0

    def see(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        other = frame.f_globals.get("__name__", "").startswith(OTHERS)
        count += event == "call" and not other

    sys.setprofile(see)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count


def calls_of_values(model: Any, name: str, value: Any) -> int:
    """The Python functions that are called for 500 values of this field, and not for NULLs."""

    def calls(n: int, value: Any) -> int:
        rows = model.django.bulk_create([model() for _ in range(n)])
        for row in rows:
            setattr(row, name, value)
        return calls_of(lambda: model.objects.update_fields(name, objects=rows))

    calls(N, value)
    more, nulls = (calls(N + 500, v) - calls(N, v) for v in (value, None))
    return more - nulls


PLAIN: list[tuple[Any, str, Any]] = [
    (Odd, "json", {"a": [1, "b", None]}),
    (Odd, "encoded", {"a": [1, "b", None]}),
    (Odd, "duration", datetime.timedelta(1, 2, 3)),
    (Odd, "address", "10.0.0.255"),
    (Odd, "address", "2001:db8::1"),
    (Odd, "binary", bytearray(b"x")),
    (Odd, "binary", memoryview(b"x")),
    (Odd, "color", Color.RED),
    (Everything, "char", mark_safe("<b>")),
    (Everything, "char", Named("x")),
    (Everything, "integer", Number.TWO),
    (Everything, "big", True),
    (Everything, "decimal", Decimal("1.5")),
    (Everything, "decimal", 5),
    *((Everything, "datetime", AWARE.astimezone(zone)) for zone in ZONES),
]


@pytest.mark.parametrize(("model", "name", "value"), PLAIN, ids=repr)
def test_no_python_function_is_called_for_a_value(model: Any, name: str, value: Any) -> None:
    assert calls_of_values(model, name, value) < 100
    agrees(model, name, value)


ODD: list[tuple[Any, str, Any, Any]] = [
    (Odd, "json", {"a": 1}, {"a": Words(b=1)}),
    (Odd, "encoded", {"a": 1}, {"a": {3, 1}}),
    (Odd, "address", "10.0.0.1", "2001:DB8::0001"),
    (Odd, "address", "2001:db8::1", "::ffff:1.2.3.4"),
    (Everything, "integer", 1, "7"),
    (Everything, "integer", 1, Twice(4)),
    (Everything, "float", 0.5, "1.5"),
    (Everything, "float", 0.5, Decimal("1.25")),
    (Everything, "char", "a", lazystr("lazy")),
    (Everything, "char", "a", 5),
    (Everything, "decimal", Decimal(1), "1.50"),
    (Everything, "decimal", Decimal(1), 2.25),
    (Everything, "boolean", True, "f"),
    (Everything, "boolean", True, 1),
    (Everything, "date", datetime.date(2020, 1, 2), "2021-02-03"),
    (Everything, "date", datetime.date(2020, 1, 2), AWARE),
    (Everything, "time", datetime.time(1, 2), "03:04:05.000006"),
    (Everything, "datetime", AWARE, "2020-01-02 03:04:05.000006+02:00"),
    (Everything, "uuid", uuid.UUID(int=1), str(uuid.UUID(int=2))),
]


@pytest.mark.parametrize(("model", "name", "plain", "odd"), ODD, ids=repr)
def test_one_odd_value_costs_that_value(
    model: Any, name: str, plain: Any, odd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = model._meta.get_field(name)
    prepared = []
    prepare = type(field).get_db_prep_save

    def counted(self: Any, value: Any, connection: Any) -> Any:
        if self is field:
            prepared.append(value)
        return prepare(self, value, connection)

    monkeypatch.setattr(type(field), "get_db_prep_save", counted)
    rows = [model(**{name: plain}) for _ in range(N)]
    setattr(rows[700], name, odd)
    model.objects.bulk_create(rows)
    assert prepared == [odd]
    for row in rows:
        row._state.adding = False
    assert model.objects.update_fields(name, objects=rows) == N
    assert prepared == [odd, odd]
    monkeypatch.undo()
    column = field.column
    other = printed(model, column, rows[0].pk)
    assert {printed(model, column, rows[i].pk) for i in (699, 701, N - 1)} == {other}
    row = model(**{name: odd})
    row.save()
    assert printed(model, column, rows[700].pk) == printed(model, column, row.pk)


def test_a_naive_datetime_warns_as_django_does() -> None:
    naive = datetime.datetime(2024, 7, 1, 12)

    def warned(write: Callable[[], Any]) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            write()
        return [str(warning.message) for warning in caught]

    def rows() -> list[Everything]:
        made = [Everything(datetime=AWARE) for _ in range(5)]
        made[2].datetime = naive
        return made

    theirs = warned(lambda: Everything.django.bulk_create(rows()))
    assert len(theirs) == 1 and "naive datetime" in theirs[0]
    assert warned(lambda: Everything.objects.bulk_create(rows())) == theirs
    agrees(Everything, "datetime", naive, AWARE)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    address=st.one_of(
        st.ip_addresses().map(str),
        st.ip_addresses(v=6).map(lambda address: address.exploded),
        st.lists(st.sampled_from(["0", "1", "ff", "", "00", "256", "1.2.3.4"]), max_size=9).map(
            ":".join
        ),
        st.lists(st.sampled_from(["0", "1", "01", "255", "256", "", "1 "]), max_size=5).map(
            ".".join
        ),
        st.ip_addresses(),
        st.text(max_size=5),
    )
)
@example(address="")
@example(address="::")
@example(address="0:0:1::")
@example(address="1::2:0:0:3:4")
@example(address="::ffff:1.2.3.4")
@example(address="::1.2.3.4")
def test_any_address(address: Any) -> None:
    if "\0" not in str(address):
        agrees(Odd, "address", address, "10.0.0.1")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    moment=st.datetimes(timezones=st.sampled_from([None, *ZONES])),
    number=st.decimals(allow_nan=True, places=4) | st.integers() | st.floats(),
)
@pytest.mark.filterwarnings("ignore:DateTimeField")
def test_moments_and_numbers(moment: Any, number: Any) -> None:
    agrees(Everything, "datetime", moment, AWARE)
    agrees(Everything, "decimal", number, Decimal(1))


# ----------------------------------------------------------------------------------------- out


def kept(n: int) -> list[Any]:
    Kept.django.bulk_create(
        [
            Kept(document={"i": i, "list": [1, {"a": None}]}, decoded=[i, "x"], words=["a", str(i)])
            for i in range(n)
        ]
    )
    return list(Kept.django.order_by("pk"))


FIELDS = ["document", "decoded", "words", "number"]


def test_what_is_read_is_what_django_reads() -> None:
    theirs = kept(20)
    for ours in (Kept.objects.order_by("pk"), Kept.objects.order_by("pk").copy_to_instances()):
        for mine, row in zip(ours, theirs, strict=True):
            values = [getattr(mine, name) for name in FIELDS]
            assert repr(values) == repr([getattr(row, name) for name in FIELDS])


def test_texts_that_json_dumps_does_not_write() -> None:
    """Also what is no JSON, where the database lets it in."""
    texts = [" [1, 2] ", '{"b":1,"a":1.10}', '"\u20ac"', "1e400", "[NaN]", "nothing", "", "1 2"]
    rows = kept(len(texts))
    column = "document"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 1")
        for row, text in zip(rows, texts):
            if connection.vendor == "sqlite" or text in (" [1, 2] ", '"\u20ac"', "1e400"):
                cast = "" if connection.vendor == "sqlite" else "::jsonb"
                cursor.execute(
                    f"UPDATE app_kept SET {column} = %s{cast} WHERE id = %s", [text, row.pk]
                )
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 0")
    ours = Kept.objects.order_by("pk")
    theirs = Kept.django.order_by("pk")
    assert [repr(row.document) for row in ours] == [repr(row.document) for row in theirs]
    assert ours.update_fields() == 0


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("document", lambda value: value["list"][1].update(a=5), {"i": 3, "list": [1, {"a": 5}]}),
        ("document", lambda value: value.pop("i"), {"list": [1, {"a": None}]}),
        ("decoded", lambda value: value.append(2.5), [3, "X", 2.5]),
        ("words", lambda value: value.reverse(), ["3", "a"]),
    ],
)
def test_a_change_in_place_is_found(name: str, change: Any, expected: Any) -> None:
    kept(10)
    ours = Kept.objects.order_by("pk")
    list(ours)
    assert ours.update_fields() == 0
    change(getattr(ours[3], name))
    with transaction.atomic():
        assert ours.update_fields() == 1
        assert ours.update_fields() == 0
        transaction.set_rollback(True)
    assert ours.update_fields() == 1
    assert ours.update_fields() == 0
    change_back = Kept.objects.get(pk=ours[3].pk)
    assert getattr(change_back, name) == (
        [str(item).upper() if isinstance(item, str) else item for item in expected]
        if name == "decoded"
        else expected
    )


def test_a_value_that_is_set_again_is_no_change(django_assert_num_queries: Any) -> None:
    kept(5)
    ours = Kept.objects.order_by("pk")
    for row in ours:
        row.document = {"i": row.document["i"], "list": [1, {"a": None}]}
    with django_assert_num_queries(0):
        assert ours.update_fields() == 0
    ours[0].document = {"i": 0.0, "list": [1, {"a": None}]}
    ours[1].document = {"i": True, "list": [1, {"a": None}]}
    assert ours.update_fields() == 2


def test_the_database_value_is_known_after_a_change_elsewhere() -> None:
    kept(3)
    ours = Kept.objects.order_by("pk")
    list(ours)
    ours[0].document = {"mine": 1}
    ours[0].save()
    assert ours.update_fields() == 1  # what save() wrote of a value that can change is not known
    ours[0].refresh_from_db()
    ours[1].document["i"] = -1
    written = ours.update_fields(return_queryset=True)
    assert -1 in [row.document.get("i") for row in written]
    assert [row.document.get("i") for row in Kept.django.order_by("pk")] == [None, -1, 2]
    assert ours[0].document == {"mine": 1}


@pytest.mark.psycopg3
def test_no_python_function_is_called_for_a_value_that_is_read() -> None:
    rows = kept(1200)
    Kept.django.update(decoded=None, words=None)

    def calls(n: int, way: str, *names: str) -> int:
        queryset = Kept.objects.filter(pk__lte=rows[n - 1].pk).only(*names)
        return calls_of(lambda: list(queryset) if way == "list" else queryset.copy_to_instances())

    for way in ("list", "copy_to_instances"):
        calls(100, way, "document", "number")
        few, many = (calls(n, way, "document", "number") for n in (100, 1100))
        fewer, more = (calls(n, way, "number") for n in (100, 1100))
        assert (many - few) - (more - fewer) < 100


# ------------------------------------------------------------------------------ snapshot(False)


def test_a_queryset_without_a_snapshot(django_assert_num_queries: Any) -> None:
    rows = kept(10)
    ours = Kept.objects.snapshot(False).order_by("pk")
    assert [row.document for row in ours] == [row.document for row in rows]
    assert ours._snapshot is None
    assert {type(row._state) for row in ours} == {type(rows[0]._state)}
    ours[0].number = 5
    with pytest.raises(ValueError, match="field names"), django_assert_num_queries(0):
        ours.update_fields()
    assert ours.update_fields("number") == 10
    assert Kept.django.get(pk=ours[0].pk).number == 5
    again = ours.snapshot().all()
    list(again)
    again[0].number = 6
    assert again.update_fields() == 1


@pytest.mark.parametrize("keep", [None, 0, 1, "no"])
def test_snapshot_takes_true_or_false(keep: Any) -> None:
    with pytest.raises(TypeError, match="True or False"):
        Kept.objects.snapshot(keep)
