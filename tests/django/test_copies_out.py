"""copy_to_instances(), its iterator and list(): the instances that Django's own queryset makes."""

import datetime
import decimal
import gc
import json
import os
import sys
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.db.models.signals import post_init, pre_init
from django.test.utils import CaptureQueriesContext

from app.models import Child, Document, Everything, Foo, Keyed, Plain, Signed, Stamped
from bulkmodel import _core
from bulkmodel.managers import BulkModelManager
from bulkmodel.queryset import BulkModelQuerySet
from conftest import ENGINE

pytestmark = pytest.mark.django_db


class Exactly(json.JSONDecoder):
    """A decoder of the project's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_float=decimal.Decimal, **options)


class Marked(models.CharField):  # type: ignore[type-arg]
    """Its values come out as others than they are stored."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else f"<{value}>"


class Shouting:
    """A descriptor of the project's own, which keeps the value elsewhere."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        return self if instance is None else instance.__dict__["_loud"]

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__["_loud"] = value.upper()


class Loud(models.CharField):  # type: ignore[type-arg]
    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, Shouting())


class Varied(models.Model):
    """The fields that the engine does not write, and those of a project's own."""

    duration = models.DurationField(null=True)
    ip = models.GenericIPAddressField(null=True)
    binary = models.BinaryField(null=True)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder, decoder=Exactly)
    file = models.FileField(null=True)
    marked = Marked(max_length=20, null=True)
    loud = Loud(max_length=20, default="loud")
    doubled = models.GeneratedField(
        expression=F("loud"), output_field=models.CharField(max_length=20), db_persist=True
    )
    twin = models.OneToOneField("self", null=True, on_delete=models.CASCADE)
    named = models.ForeignKey(Plain, null=True, to_field="name", on_delete=models.CASCADE)
    if ENGINE == "postgresql":
        from django.contrib.postgres import fields as postgresql

        numbers = postgresql.ArrayField(models.IntegerField(), null=True)
        span = postgresql.DateTimeRangeField(null=True)
        whole = postgresql.IntegerRangeField(null=True)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


class Begun(Plain):
    """Has something to say when it is made."""

    class Meta:
        proxy = True
        app_label = "app"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.begun = True


class Loaded(Plain):
    class Meta:
        proxy = True
        app_label = "app"

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().from_db(*args, **kwargs)
        made.loaded = True
        return made


class Aloof(BulkModelQuerySet):
    """Reads in its own way."""

    def __iter__(self) -> Iterator[Any]:
        return iter([])


def value_of(value: Any) -> Any:
    if isinstance(value, models.Model):
        return type(value), list(vars(value).items())[1:], value._state.adding, value._state.db
    return type(value), bytes(value) if isinstance(value, memoryview) else repr(value)


def look(object: Any) -> Any:
    """All that an instance holds, in the order in which it was set."""
    state = vars(object._state)
    facts = {name: state[name] for name in state if name not in ("fields_cache", "peers")}
    related = {name: value_of(value) for name, value in state.get("fields_cache", {}).items()}
    values = [(name, value_of(value)) for name, value in vars(object).items() if name[0] != "_"]
    return type(object), list(vars(object)), values, list(facts.items()), related


def ways(queryset: Any) -> list[list[Any]]:
    """The rows, read in each of our ways."""
    return [
        queryset.copy_to_instances(),
        list(queryset.iter_copy_to_instances(chunk_size=3)),
        list(queryset.all()),
    ]


def is_as_django(model: Any, selecting: Callable[[Any], Any] = lambda queryset: queryset) -> int:
    """Are the rows what Django's queryset makes?  How many they are."""
    wanted = [look(object) for object in selecting(models.QuerySet(model).order_by("pk"))]
    for way in ways(selecting(model.objects.order_by("pk"))):
        assert [look(object) for object in way] == wanted
    return len(wanted)


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many instances were made here."""
    made: list[int] = []
    builder = _core.Builder

    class Spy:
        def __init__(self, *args: Any) -> None:
            self.builder = builder(*args)

        def build(self, rows: Any, objects: Any, kept: Any) -> None:
            self.builder.build(rows, objects, kept)
            made.append(len(rows))

    monkeypatch.setattr(_core, "Builder", Spy)
    return made


@pytest.fixture
def plains() -> list[Plain]:
    return list(Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(7)]))


@pytest.fixture
def signed(plains: list[Plain]) -> list[Signed]:
    owners = [plains[0], None, plains[1]]
    rows = [Signed(name=f"{i}", value=i - 3, owner=owners[i % 3]) for i in range(9)]
    return list(Signed.objects.bulk_create(rows))


def test_values_of_the_engine_s_fields(plains: list[Plain], spied: list[int]) -> None:
    moment = datetime.datetime(2024, 3, 31, 2, 30, 1, 5, tzinfo=datetime.timezone.utc)
    same = uuid.uuid4()
    rows = [Everything()]
    for i in range(8):
        row = Everything(
            small=-i,
            integer=i * 2**27,
            big=2**62 + i,
            positive=i,
            char=f"é{i}" * i,
            text="a\nb\tc\\",
            slug="s",
            boolean=bool(i % 2),
            float=[0.1, -0.0, 1e300, 5e-324, float(i)][i % 5],
            decimal=decimal.Decimal(i).scaleb(-i % 5),
            date=datetime.date(1 + 999 * i, 2, 28),
            datetime=moment + datetime.timedelta(hours=i, microseconds=i),
            time=datetime.time(23, 59, i, i),
            uuid=same if i % 3 else uuid.uuid4(),
            link=plains[i % 7],
        )
        rows.append(row)
    Everything.objects.bulk_create(rows)
    assert is_as_django(Everything) == 9
    assert sum(spied) == 27
    read = Everything.objects.order_by("pk").copy_to_instances()
    assert [row.uuid for row in read] == [row.uuid for row in rows]
    assert [row.datetime for row in read] == [row.datetime for row in rows]
    assert read[1].datetime.tzinfo is datetime.timezone.utc


def test_values_of_all_other_fields(plains: list[Plain], spied: list[int]) -> None:
    first = Varied.objects.create()
    values: dict[str, Any] = {
        "duration": datetime.timedelta(days=-3, microseconds=7),
        "ip": "2001:db8::1",
        "binary": b"\0\xff",
        "body": {"a": [1, None, 2.5]},
        "file": "a/b.txt",
        "marked": "m",
        "loud": "quiet",
        "twin": first,
        "named": plains[2],
    }
    if ENGINE == "postgresql":
        moment = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)
        values |= {"numbers": [1, None], "span": (moment, None), "whole": (1, 5)}
    Varied.objects.create(**values)
    assert is_as_django(Varied) == 2
    assert is_as_django(Varied, lambda rows: rows.select_related("twin", "named")) == 2
    assert sum(spied) == 12
    row = Varied.objects.get(loud="QUIET")
    assert (
        row.marked == "<m>" and row.loud == "QUIET" and row.body["a"][2] == decimal.Decimal("2.5")
    )
    for row in (read := Varied.objects.order_by("pk")):
        assert row.loud.isupper()
    assert read.update_fields() == 0
    read[1].body["a"].append(1)
    assert read.update_fields() == 1


SELECTIONS: dict[str, Callable[[Any], Any]] = {
    "all": lambda rows: rows,
    "filtered": lambda rows: rows.filter(owner__value__gt=0),
    "ordered": lambda rows: rows.order_by("-value")[2:5],
    "ordered by another table": lambda rows: rows.order_by("owner__name", "pk").distinct(),
    "only": lambda rows: rows.only("owner"),
    "defer": lambda rows: rows.defer("value", "owner"),
    "related": lambda rows: rows.select_related("owner"),
    "related and annotated": lambda rows: rows.select_related("owner").annotate(up=Upper("name")),
    "annotated": lambda rows: rows.annotate(up=Upper("name"), b=Value(True), v=F("owner__value")),
    "extra": lambda rows: rows.extra(select={"one": "1"}),
    "grouped": lambda rows: rows.annotate(n=models.Count("owner__signed")),
    "united": lambda rows: (
        rows.order_by().filter(value=1).union(rows.order_by().filter(value=2)).order_by("value")
    ),
    "prefetched": lambda rows: rows.prefetch_related("owner"),
    "nothing": lambda rows: rows.none(),
    "nothing to be found": lambda rows: rows.filter(pk__in=[]),
    "aliased": lambda rows: rows.alias(up=Upper("name")).filter(up="1"),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_selections(name: str, signed: list[Signed], spied: list[int]) -> None:
    n = is_as_django(Signed, SELECTIONS[name])
    assert sum(spied) == 3 * n and (n > 0 or name.startswith("nothing"))


@pytest.mark.parametrize("name", SELECTIONS)
def test_as_many_statements_as_list(name: str, signed: list[Signed]) -> None:
    def statements(call: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    wanted = statements(lambda: list(SELECTIONS[name](models.QuerySet(Signed))))
    rows = SELECTIONS[name](Signed.objects.all())
    assert statements(rows.copy_to_instances) == wanted
    assert statements(lambda: list(rows.iter_copy_to_instances())) == wanted
    assert statements(lambda: list(rows)) == wanted


def test_other_models(plains: list[Plain]) -> None:
    Keyed.objects.bulk_create([Keyed(name="a"), Keyed(name="b")])
    Child(name="child", extra=3).save()
    Stamped.objects.create(name="now")
    Document.objects.bulk_create([Document(name="d", body=[{}])])
    Foo.objects.bulk_create([Foo(name="f", value=i) for i in range(3)])
    for model, n in ((Keyed, 2), (Child, 1), (Stamped, 1), (Document, 1), (Foo, 3), (Plain, 8)):
        assert is_as_django(model) == n
    assert is_as_django(Child, lambda rows: rows.only("extra")) == 1
    assert is_as_django(Plain, lambda rows: rows.select_related("child")) == 8


def test_a_related_manager_s_rows_know_their_owner(
    plains: list[Plain], signed: list[Signed], django_assert_num_queries: Any
) -> None:
    owner = plains[0]
    wanted = [look(row) for row in models.QuerySet(Signed).filter(owner=owner).order_by("pk")]
    with django_assert_num_queries(3):
        for way in ways(owner.signed.order_by("pk")):
            assert all(row.owner is owner for row in way)
            assert [look(row)[:4] for row in way] == [seen[:4] for seen in wanted]
    assert len(owner.signed.only("name").copy_to_instances()) == len(wanted) == 3


def test_values_are_what_list_gives(plains: list[Plain]) -> None:
    rows = Plain.objects.order_by("pk")
    assert rows.values("name").copy_to_instances() == list(rows.values("name"))
    assert list(rows.values_list("name").iter_copy_to_instances()) == list(rows.values_list("name"))
    assert rows.dates.__self__.count() == 7


def test_columns(signed: list[Signed], django_assert_num_queries: Any) -> None:
    rows = Signed.objects.order_by("pk")
    for columns, loaded in (
        (["name"], {"id", "name"}),
        (["owner_id"], {"id", "owner_id"}),
        (("owner", "pk"), {"id", "owner_id"}),
        ([], {"id"}),
        (iter(["value", "value"]), {"id", "value"}),
    ):
        names = list(columns)
        with django_assert_num_queries(2):
            copied = rows.copy_to_instances(names)
            streamed = list(rows.iter_copy_to_instances(columns=names))
        wanted = [look(row) for row in models.QuerySet(Signed).order_by("pk").only("pk", *names)]
        assert [look(row) for row in copied] == [look(row) for row in streamed] == wanted
        assert {field.attname for field in Signed._meta.fields} - loaded == (
            copied[0].get_deferred_fields()
        )
    assert copied[3].name == "3"
    assert Signed.objects.copy_to_instances(["name"])[0].name == "0"


def test_bad_columns_are_refused_before_anything_is_read(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        for call in (Plain.objects.copy_to_instances, Plain.objects.iter_copy_to_instances):
            with pytest.raises(FieldDoesNotExist):
                call(["nothing"])
            with pytest.raises(ValueError, match="'signed' is not a concrete field"):
                call(["signed"])
            with pytest.raises(TypeError, match="list of field names"):
                call("name")
        with pytest.raises(ValueError, match="positive"):
            Plain.objects.iter_copy_to_instances(chunk_size=0)
        with pytest.raises(TypeError, match="after"):
            Plain.objects.values("name").copy_to_instances(["name"])


def test_for_coroutines(plains: list[Plain]) -> None:
    rows = Plain.objects.order_by("pk")
    assert async_to_sync(rows.acopy_to_instances)() == plains
    assert async_to_sync(Plain.objects.acopy_to_instances)(["name"])[0].get_deferred_fields()


def test_rows_are_read_anew(plains: list[Plain]) -> None:
    rows = Plain.objects.order_by("pk")
    before = list(rows)
    Plain.objects.filter(pk=plains[0].pk).update(value=100)
    assert rows.copy_to_instances()[0].value == 100
    assert rows[0] is before[0] and rows[0].value == 0


@pytest.mark.parametrize("signal", [pre_init, post_init])
def test_receivers_are_called(signal: Any, plains: list[Plain], spied: list[int]) -> None:
    seen: list[Any] = []

    def receive(sender: Any, **what: Any) -> None:
        seen.append(what.get("instance", what.get("args")))

    signal.connect(receive, sender=Plain)
    try:
        assert is_as_django(Plain) == 7
    finally:
        signal.disconnect(receive, sender=Plain)
    assert len(seen) == 4 * 7 and spied == []
    assert is_as_django(Plain) == 7
    assert len(seen) == 4 * 7 and sum(spied) == 3 * 7


@pytest.mark.parametrize(("model", "mark"), [(Begun, "begun"), (Loaded, "loaded")])
def test_a_model_that_makes_itself(
    model: Any, mark: str, plains: list[Plain], spied: list[int]
) -> None:
    assert is_as_django(model) == 7
    assert all(getattr(row, mark) for way in ways(model.objects.all()) for row in way)
    assert spied == []


def test_what_somebody_put_around_a_method_is_called(
    plains: list[Plain], spied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    init = models.Model.__init__

    def around(self: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(args)
        init(self, *args, **kwargs)

    monkeypatch.setattr(models.Model, "__init__", around)
    assert len(Plain.objects.copy_to_instances()) == len(calls) == 7
    assert spied == []


def test_a_queryset_that_reads_in_its_own_way(plains: list[Plain], spied: list[int]) -> None:
    assert Aloof(Plain).copy_to_instances() == []
    assert len(Plain.objects.copy_to_instances()) == 7 and spied == [7]


def test_an_instance_can_do_what_django_s_can(plains: list[Plain]) -> None:
    row = Plain.objects.order_by("pk").copy_to_instances()[0]
    row.value = 50
    row.save()
    row.refresh_from_db()
    assert row.value == 50 and row == plains[0] and hash(row) == hash(plains[0])
    assert weakref.ref(row)() is row
    partly = Plain.objects.order_by("pk").copy_to_instances(["name"])[0]
    partly.name = "new"
    partly.save()
    assert Plain.django.get(pk=row.pk).value == 50 and Plain.django.get(pk=row.pk).name == "new"


def test_fetch_modes(signed: list[Signed]) -> None:
    modes = ["FETCH_ONE", "FETCH_PEERS", "FETCH_RAISE"] if django.VERSION >= (6, 1) else []
    for mode in modes:

        def selecting(rows: Any, mode: str = mode) -> Any:
            return rows.order_by("pk").defer("name").fetch_mode(getattr(models, mode))

        assert is_as_django(Signed, selecting) == 9
        for way in ways(selecting(Signed.objects.all())):
            peers = [peer() for peer in way[0]._state.peers]
            assert peers[: len(way)] == (way if mode == "FETCH_PEERS" else [])
    assert [row.name for row in Signed.objects.defer("name")] == [row.name for row in signed]


@pytest.mark.psycopg3
def test_an_error_is_the_one_that_list_raises(plains: list[Plain]) -> None:
    Everything.objects.bulk_create([Everything(small=i) for i in range(3)])
    table, q = Everything._meta.db_table, connection.ops.quote_name
    damage = {
        "postgresql": f"UPDATE {q(table)} SET date = 'infinity', datetime = '-infinity'",
    }.get(ENGINE, f"UPDATE {q(table)} SET uuid = 'no uuid', decimal = 'none'")
    no_decimal: tuple[type[Exception], str] = (TypeError, "must be int or float")
    if django.VERSION >= (6, 1):
        no_decimal = (decimal.InvalidOperation, "ConversionSyntax")
    named, words = {"postgresql": (DataError, "date too large")}.get(ENGINE, no_decimal)
    with connection.cursor() as cursor:
        cursor.execute(damage)
    errors = []
    for read in (
        lambda: list(models.QuerySet(Everything)),
        Everything.objects.copy_to_instances,
        lambda: list(Everything.objects.iter_copy_to_instances()),
        lambda: list(Everything.objects.all()),
    ):
        with pytest.raises(named, match=words) as caught, transaction.atomic():
            read()
        errors.append((caught.type, str(caught.value)))
    assert len(set(errors)) == 1
    assert len(Plain.objects.copy_to_instances()) == 7


def test_a_text_that_is_a_uuid_in_another_form() -> None:
    wanted = uuid.UUID("12345678-1234-5678-1234-56781234567F")
    forms = [f"{{{wanted}}}", f"urn:uuid:{wanted}", str(wanted).upper(), wanted.hex]
    if ENGINE == "postgresql":
        forms = forms[2:]
    for form in forms:
        row = Everything.django.create()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE app_everything SET uuid = %s WHERE id = %s", [form, row.pk])
    assert is_as_django(Everything) == len(forms)
    assert {row.uuid for row in Everything.objects.copy_to_instances()} == {wanted}


class Bare:
    """A class to build from rows."""


def builder(*columns: Any, zone: Any = None) -> Any:
    whole = tuple((*c, None) if type(c) is tuple and len(c) == 6 else c for c in columns)
    return _core.Builder(Bare, Bare, (), None, zone, frozenset(), whole)


def test_rows_that_are_not_what_was_said() -> None:
    column = ("a", 1, 0, "", (), None)
    objects: list[Any] = []
    kept: list[Any] = []
    for row in ((), (1,), [1], None, "x"):
        with pytest.raises((IndexError, TypeError)):
            builder(column).build([row], objects, (kept,))
    assert objects == [] and kept == []
    builder(column).build([(1, 2), [1, 3], "xy"], objects, (kept,))
    assert [object.a for object in objects] == kept == [2, 3, "y"]
    for wrong in ((), (None, None), (1,), [kept]):
        with pytest.raises(TypeError):
            builder(column).build([(1, 2)], objects, wrong)
    for wrong in (("a", -1, 0, "", (), None), ("a", 1, 0, "none", (), None), ("a", 1), 1):
        with pytest.raises((TypeError, ValueError, IndexError)):
            builder(wrong)


@pytest.mark.parametrize("kind", ["bool", "date", "time", "datetime", "uuid"])
def test_a_cell_of_no_known_form_is_the_converters_(kind: str) -> None:
    def convert(value: Any, expression: Any, connection: Any) -> Any:
        return ("converted", value, expression)

    whole = uuid.uuid4().hex
    cells = [whole[:n] for n in range(32)]
    cells += [whole + "0", "é" * 32, "-" * 36, "g" * 32, " " * 32, "1_" * 16, "0x" + whole[2:]]
    cells += [2, -1, 2**70, 1.5, b"1" * 32, object(), []]
    objects: list[Any] = []
    builder(("a", 0, 0, kind, (convert,), "e")).build([(cell,) for cell in cells], objects, (None,))
    assert [object.a for object in objects] == [("converted", cell, "e") for cell in cells]


def test_a_converter_that_fails_or_meddles() -> None:
    rows = [(i,) for i in range(5)]

    def convert(value: Any, expression: Any, connection: Any) -> Any:
        if value == 1:
            rows.clear()
        return 1 // (value - 3)

    objects: list[Any] = []
    column = ("a", 0, 1, "", (convert,), None)
    builder(column).build(rows, objects, (None,))
    assert len(objects) == 2
    with pytest.raises(ZeroDivisionError):
        builder(column).build([(2,), (3,), (4,)], objects, (None,))
    assert len(objects) == 3


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_held_in_c_and_nowhere_else(on: bool) -> None:
    def convert(value: Any, expression: Any, connection: Any) -> Any:
        states.append(gc.isenabled())
        return 1 // value

    columns = (("a", 0, 0, "", (), None), ("b", 0, 0, "", (convert,), None))
    states: list[bool] = []
    was = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        builder(*columns).build([(1,), (2,)], [], (None, None))
        states.append(gc.isenabled())
        with pytest.raises(ZeroDivisionError):
            builder(*columns).build([(0,)], [], (None, None))
        states.append(gc.isenabled())
        with pytest.raises(IndexError):
            builder(*columns).build([()], [], (None, None))
        states.append(gc.isenabled())
    finally:
        (gc.enable if was else gc.disable)()
    assert states == [on] * 6


def test_nothing_is_kept_after_a_call(plains: list[Plain]) -> None:
    name = "".join(["a", "name"])
    before = sys.getrefcount(name)
    column = ("a", 0, 0, "uuid", (lambda value, *_: value,), None)
    for _ in range(3):
        objects: list[Any] = []
        builder(column).build([(name,), [name]], objects, ([],))
        with pytest.raises(IndexError):
            builder(column).build([(name,), ()], objects, ([],))
        del objects
    gc.collect()
    assert sys.getrefcount(name) == before


def memory() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_streams_in_constant_memory() -> None:
    numbers = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200000)"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO app_plain (name, value) {numbers} SELECT i, i FROM s")

    def highest(rows: Any, n: int) -> int:
        most = seen = 0
        for seen, _ in enumerate(rows.iter_copy_to_instances(), 1):
            if seen % 1000 == 0:
                most = max(most, memory())
        assert seen == n
        return most

    few = highest(Plain.objects.order_by("pk")[:20000], 20000)
    assert highest(Plain.objects.order_by("pk"), 200000) - few < 6_000_000
