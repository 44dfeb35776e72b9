"""The fields of django.contrib.postgres, compared as in test_fields.py."""

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, NotSupportedError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange
from django.db.models.expressions import RawSQL

from app.cells import check, printed
from app.odd import Odd
from app.postgres import Checked, Coded, Contrib, Limited, Unusual
from bulkmodel.engine import postgresql
from bulkmodel.model import fields as model_fields

pytestmark = pytest.mark.django_db

DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)
VALUES: dict[str, list[Any]] = {
    "integers": [None, [], [1, None, -5], [2**31 - 1], (1, 2)],
    "texts": [None, [], ["", 'a "b"', "c\\d,{}", "NULL", None, "\u20ac\n\t"]],
    "short": [None, ["abc", "d"], ["ab    "]],
    "nested": [None, [], [[1, 2], [3, 4]]],
    "decimals": [[Decimal("1.5"), None], [Decimal("1.239")]],
    "moments": [[MOMENT], []],
    "documents": [[{"a": [1, None]}, "text"], []],
    "store": [None, {}, {"a": "1", "b": None, 'q"\\': "=>,"}, {1: 2}],
    "whole": [None, (1, 5), (None, 3), NumericRange(1, 5, "(]"), NumericRange(empty=True)],
    "big": [(-(2**62), 2**62)],
    "exact": [(Decimal("1.5"), Decimal("2.25"))],
    "days": [(DAY, DAY + datetime.timedelta(1)), DateRange(DAY, None)],
    "times": [(MOMENT, MOMENT + datetime.timedelta(1)), DateTimeTZRange(None, MOMENT, "()")],
    "caseless": [None, "", "MiXed"],
    "vector": [None, "a b c"],
}
CASES = [(name, value) for name, values in VALUES.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=repr)
def test_fields_of_contrib_postgres(name: str, value: Any, on_engine: list[str]) -> None:
    check(Contrib, name, value)
    is_left = value == ["ab    "] or (value == {1: 2} and not postgresql.is_psycopg3)
    assert len(on_engine) == (2 if is_left else 5)


def test_many_rows(on_engine: list[str]) -> None:
    values = {name: values[-1] for name, values in VALUES.items() if name != "short"}
    values["store"] = VALUES["store"][2]
    rows = Contrib.objects.bulk_create([Contrib(**values) for _ in range(1100)])
    assert len(on_engine) == 1
    one = Contrib.django.bulk_create([Contrib(**values)])[0]
    fields = [field.name for field in Contrib._meta.fields if field.name != "id"]
    wanted = repr(Contrib.objects.values_list(*fields).get(pk=one.pk))
    found = Contrib.objects.filter(pk__lt=one.pk).values_list(*fields)
    assert [repr(row) for row in found] == [wanted] * 1100
    assert Contrib.objects.bulk_update(rows, ["nested", "store", "whole"]) == 1100
    assert len(on_engine) == 2


# Of each field of Limited: what fits, and what does not.
FIT: dict[str, tuple[Any, Any]] = {
    "char": ("abc", "abcd"),
    "letter": ("a", "ab"),
    "padded": ("ab", "abcd"),
    "varying": ("abc", "abcd"),
    "short": ("ab    ", "abcd"),
    "bit": ("101", "1010"),
    "varbit": ("10", "1010"),
    "chars": (["ab", "c"], ["ab", "abcd"]),
    "bits": (["101"], ["101", "10"]),
    "texts": (["abc"], ["ab", "abcd"]),
    "nested": ([["abc"]], [["a"], ["abcd"]]),
    "file": ("abc", "abcd"),
}


def refusal(call: Any) -> Any:
    with pytest.raises(DataError) as caught, transaction.atomic():
        call()
    return caught.value


def sqlstate_of(error: BaseException) -> str:
    """As the driver calls it."""
    cause: Any = error.__cause__
    return str(cause.sqlstate if hasattr(cause, "sqlstate") else cause.pgcode)


def sqlstate_of_an_assignment(name: str, value: Any) -> str:
    """Of the database's own refusal, without a cast."""
    if isinstance(value, list):  # a driver may give it a type
        value = str(value).translate(str.maketrans("[]'", '{}"'))

    def assign() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'UPDATE app_limited SET "{name}" = %s', [value])

    return sqlstate_of(refusal(assign))


@pytest.mark.parametrize("way", ["alone", "an expression beside"])
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("name", FIT)
def test_what_is_too_long_is_never_cut(name: str, n: int, way: str) -> None:
    fits, long_value = FIT[name]
    made = Limited.django.bulk_create([Limited() for _ in range(n)])
    for row in made:
        setattr(row, name, fits)
    assert Limited.objects.update_fields(name, objects=made) == n
    made[0].save(update_fields=[name])
    before = [printed(Limited, name, row.pk) for row in made]
    assert before == before[:1] * n
    setattr(made[-1], name, long_value)
    names = [name]
    if way == "an expression beside":
        names.append("number")
        made[0].number = RawSQL("1", [])
    error = refusal(lambda: Limited.objects.update_fields(*names, objects=made))
    assert (error.row_index, error.field_name) == (n - 1, name)
    assert error.sqlstate == sqlstate_of_an_assignment(name, long_value)
    assert [printed(Limited, name, row.pk) for row in made] == before
    new = [Limited(**{name: getattr(row, name)}) for row in made]
    error = refusal(lambda: Limited.objects.copy_from_objects(new))
    assert (error.row_index, error.field_name) == (n - 1, name)
    assert Limited.objects.count() == n


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("name", FIT)
def test_copies_store_what_save_stores(name: str, n: int) -> None:
    saved = Limited(**{name: FIT[name][0]})
    saved.save()
    copied = Limited.objects.copy_from_objects(
        [Limited(**{name: FIT[name][0]}) for _ in range(n)], return_queryset=True
    )
    wanted = printed(Limited, name, saved.pk)
    assert [printed(Limited, name, row.pk) for row in copied] == [wanted] * n


@pytest.mark.parametrize("name", FIT)
def test_django_s_own_methods_cut_as_django_s(name: str) -> None:
    fits, long_value = FIT[name]

    def outcome(manager: Any, verb: str) -> Any:
        rows = [Limited(**{name: fits}), Limited(**{name: long_value})]
        try:
            with transaction.atomic():
                if verb == "bulk_create":
                    manager.bulk_create(rows)
                else:
                    made = Limited.django.bulk_create([Limited(), Limited()])
                    for row, given in zip(rows, made):
                        row.pk = given.pk
                    manager.bulk_update(rows, [name])
        except DataError as error:
            return type(error), sqlstate_of(error)
        return [printed(Limited, name, row.pk) for row in rows]

    for verb in ("bulk_create", "bulk_update"):
        assert outcome(Limited.objects, verb) == outcome(Limited.django, verb), verb


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "verb", ["bulk_create", "copy_from_objects", "bulk_update", "update_fields"]
)
def test_the_first_call_of_a_connection(verb: str) -> None:
    """Ranges are the driver's to adapt, so it must be there before the values are read."""
    rows = Checked.objects.bulk_create([Checked(whole=(1, 2))])
    rows[0].whole = (3, 7)
    connection.close()
    if verb in ("bulk_create", "copy_from_objects"):
        getattr(Checked.objects, verb)([Checked(whole=(3, 7))])
    elif verb == "bulk_update":
        Checked.objects.bulk_update(rows, ["whole"])
    else:
        Checked.objects.update_fields("whole", objects=rows)
    assert Checked.django.filter(whole__contains=5).count() == 1


@pytest.mark.parametrize("text", ["1 mon", "-13 mons 2 days", "1 mon -1 day 03:00:00.000001"])
def test_v21_months_are_read_as_django_reads_them(text: str) -> None:
    """A month of an interval has no length of its own: psycopg gives it thirty days."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO app_odd (duration) SELECT %s::interval", [text])
    theirs = [row.duration for row in Odd.django.all()]
    assert [row.duration for row in Odd.objects.all()] == theirs
    assert [row.duration for row in Odd.objects.copy_to_instances(["duration"])] == theirs
    assert isinstance(theirs[0], datetime.timedelta)


UNUSUAL: dict[str, list[Any]] = {
    "timetz": ["24:00+00", "12:30:01.5-07"],
    "cidr": ["10.0.0.0/8", "2001:db8::/32"],
    "host": ["10.0.0.1", "2001:db8::1"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit": ["101"],
    "varbit": ["", "10101"],
    "point": ["(1,2)", "(NaN,Infinity)"],
    "box": ["(1,2),(3,4)"],
    "circle": ["<(1,2),3>"],
    "polygon": ["((1,2),(3,4),(5,6))"],
    "xml": ["<a b='1'>\u00e9</a>"],
    "jsonpath": ["$.a[*] ? (@ > 1)"],
    "tree": ["Top.Science", ""],
    "oid": ["4294967295"],
    "lsn": ["16/B374D848"],
    "mood": ["sad", 'so, "so"'],
    "pair": ['(1,"a, ""b""")', "(,)"],
    "money": ["-1234.56"],
    "query": ["fat & !cat:*"],
    "table": ["pg_class"],
    "several": ["{[1,3),[5,9]}"],
    "clock": ["12:30:01.2345"],
    "moment": ["2024-02-29 12:00:00.1239+02"],
    "exact": ["1.005"],
    "exacts": ["{1.005,NULL}", "[2:3]={1,2}"],
    "padded": ["ab"],
    "cube": ["(1,2,3)", "(0,0),(1,1)"],
}


@pytest.fixture
def texts() -> dict[str, list[Any]]:
    """UNUSUAL, but NULL for xml on a server that is built without it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT '<a/>'::xml")
    except NotSupportedError:
        return {**UNUSUAL, "xml": [None]}
    return UNUSUAL


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_type_without_a_field_of_its_own(
    name: str, texts: dict[str, list[Any]], on_engine: list[str]
) -> None:
    """L21."""
    for value in [None, *texts[name]]:
        check(Unusual, name, value)
    computed = name == "cube"  # Django's one statement has the function in it
    values = 1 + len(texts[name])
    assert len(on_engine) == 5 * values - (3 if computed else 0)


def test_one_unusual_column_is_written_by_the_engine(
    texts: dict[str, list[Any]], on_engine: list[str]
) -> None:
    """L21: rows, cells and errors are as Django's; each call is on the engine."""
    n = 1100

    def given(at: int) -> list[Unusual]:
        values = {name: some[at % len(some)] for name, some in texts.items()}
        return [Unusual(name=f"{i}", value=i, **values) for i in range(n)]

    for at in (0, 1):
        theirs = Unusual.django.bulk_create(given(at)[:1])[0]
        ours = Unusual.objects.bulk_create(given(at))
        for name in UNUSUAL:
            wanted = printed(Unusual, name, theirs.pk)
            assert printed(Unusual, name, ours[0].pk) == wanted, name
            assert printed(Unusual, name, ours[-1].pk) == wanted, name
        assert len(on_engine) == 1
        for row in ours:
            for name in texts:
                setattr(row, name, texts[name][0])
        assert Unusual.objects.bulk_update(ours, list(UNUSUAL)) == n
        assert len(on_engine) == 2
        on_engine.clear()
    ours[-2].point = "no point"
    with pytest.raises(DataError) as caught, transaction.atomic():
        Unusual.objects.update_fields("point", objects=ours)
    assert caught.value.row_index == n - 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("n", [1, 3, 1100])
def test_no_cast_cuts_to_the_length_of_a_domain(n: int) -> None:
    made = Coded.objects.bulk_create([Coded(code="abc") for _ in range(n)])
    made[-1].code = "abcd"
    refusal(lambda: Coded.objects.update_fields("code", objects=made))
    refusal(lambda: Coded.objects.copy_from_objects([Coded(code=row.code) for row in made]))
    assert [printed(Coded, "code", made[-1].pk), Coded.objects.count()] == ["abc", n]


@pytest.mark.django_db(transaction=True)
def test_a_type_is_asked_for_on_a_connection_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CONN_HEALTH_CHECKS a connection that the server closed is replaced first."""
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    connection.health_check_enabled, connection.health_check_done = True, False
    model_fields._known.pop(Coded, None)
    Coded.objects.bulk_create([Coded(code="abc")])
    assert Coded.objects.count() == 1
