"""Objects and values that work against the call: ours makes of them what Django makes of them.
The ids are those of tests/fault/catalogue.md."""

from __future__ import annotations

import datetime
import enum
import gc
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection, models, transaction

from app.cells import printed
from app.models import Everything, Plain
from app.odd import Odd

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = datetime.timedelta(hours=1)
MOMENT = datetime.datetime(2024, 2, 29, 12, 30)


class Number(enum.IntEnum):
    SEVEN = 7


class Lying(int):
    """An int that says to be another one."""

    def __index__(self) -> int:
        return 99


class Refusing(int):
    def __int__(self) -> int:
        raise LookupError("no int")

    __index__ = __int__


class Zone(datetime.tzinfo):
    """A time zone whose offset is what it is given."""

    def __init__(self, offset: Any) -> None:
        self.offset = offset

    def utcoffset(self, moment: datetime.datetime | None) -> Any:
        if isinstance(self.offset, BaseException):
            raise self.offset
        return self.offset

    def dst(self, moment: datetime.datetime | None) -> Any:
        return datetime.timedelta(0)

    def tzname(self, moment: datetime.datetime | None) -> str:
        return "odd"


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


class Named(dict[Any, Any]):
    """A dict of a class of its own, with keys that are no text."""


VALUES: dict[str, tuple[type[models.Model], str, list[Any]]] = {
    "V-02": (Everything, "integer", [True, False, Number.SEVEN, Lying(5), Refusing(5), "7", 7.0]),
    "V-13": (
        Everything,
        "datetime",
        [
            datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(5 * HOUR)),
            datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone(-5 * HOUR)),
        ],
    ),
    "V-16": (
        Everything,
        "datetime",
        [
            MOMENT.replace(tzinfo=Zone(LookupError("no offset"))),
            MOMENT.replace(tzinfo=Zone(datetime.timedelta(hours=2, seconds=17))),
            MOMENT.replace(tzinfo=Zone(24 * HOUR)),
            MOMENT.replace(tzinfo=Zone("east")),
        ],
    ),
    "V-20": (
        Odd,
        "duration",
        [
            datetime.timedelta.max,
            datetime.timedelta.min,
            datetime.timedelta(microseconds=-1),
            datetime.timedelta(days=106751991, hours=4),
            datetime.timedelta(days=-106751991, microseconds=1),
        ],
    ),
    "V-30": (
        Odd,
        "json",
        [
            float("nan"),
            {"a": float("-inf")},
            "\0",
            {"\0": 1},
            "\ud800",
            {"\udfff": 1},
            1e400,
            Decimal(1),
            {1: "a", None: "b", 1.5: "d"},
            {(1, 2): 3},
            Named({1: 2}),
            nested(200),
            nested(200_000),
            circular(),
            2**200,
            b"bytes",
        ],
    ),
    "V-38": (
        Odd,
        "address",
        ["1.2.3.4", "::1", "::ffff:1.2.3.4", "1.2.3.4/33", "fe80::1%eth0", "1.2.3", "", 5],
    ),
    "V-40": (
        Odd,
        "binary",
        [
            memoryview(bytearray(b"abc")),
            memoryview(b"\1\0\0\0\2\0\0\0").cast("I"),
            bytearray(b""),
            memoryview(b""),
        ],
    ),
    "M-02": (Everything, "small", [-1, -1.0, Decimal(-1), 2**63, -(2**63) - 1, 10**5000]),
    "M-02 float": (Everything, "float", [-1, -1.0, 10**400, Decimal("1e400"), "x"]),
    "M-02 decimal": (Everything, "decimal", [-1, -1.0, Decimal("-0"), Decimal("sNaN"), "x"]),
    "M-05": (Everything, "text", ["\ud800", "a\udc00b", "x\0y", "\uffff"]),
}
CASES = [(id, i) for id, (_, _, values) in VALUES.items() for i in range(len(values))]


def outcome(model: Any, name: str, call: Callable[[], list[Any]]) -> Any:
    """The cells as the database prints them, or the class of the error."""
    try:
        with transaction.atomic():
            rows = call()
        return [printed(model, model._meta.get_field(name).column, row.pk) for row in rows]
    except RecursionError:
        return RecursionError
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("n", [1, 3, 1100])
@pytest.mark.parametrize(("id", "i"), CASES)
def test_a_value(id: str, i: int, n: int) -> None:
    model: Any
    model, name, values = VALUES[id]
    if n == 1100 and id == "V-30" and i == 12:
        return  # a list in lists, 1,100 times

    def create(manager: Any) -> Any:
        def call() -> list[Any]:
            rows = [model() for _ in range(n)]
            setattr(rows[n // 2], name, values[i])
            return list(manager.bulk_create(rows))

        found = outcome(model, name, call)
        return [found[n // 2], found.count(None)] if isinstance(found, list) else found

    there = model.django.count()
    theirs = create(model.django)
    assert create(model.objects) == theirs
    written = 2 * n if isinstance(theirs, list) else 0
    assert model.django.count() == there + written
    row = model.django.create()
    setattr(row, name, values[i])

    def update(manager: Any) -> Any:
        return outcome(model, name, lambda: [row] if manager.bulk_update([row], [name]) else [])

    assert update(model.objects) == update(model.django)
    model.django.all().delete()


@pytest.mark.parametrize("n", [1, 3, 1100])
def test_v40_bytes_that_are_not_side_by_side(n: int) -> None:
    """SQLite's driver refuses them (BufferError); they are the bytes that they say to be."""
    row = Odd.objects.bulk_create([Odd(binary=memoryview(b"abcdef")[::2]) for _ in range(n)])[-1]
    assert bytes(Odd.django.get(pk=row.pk).binary) == b"ace"


@pytest.mark.parametrize("manager", ["django", "objects"])
@pytest.mark.parametrize("n", [1, 3, 1100])
def test_a_part_of_other_bytes(n: int, manager: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field of one's own may prepare a view of a part: the part is stored."""
    field: Any = Odd._meta.get_field("binary")
    monkeypatch.setattr(field, "get_db_prep_value", lambda value, *args, **options: value)
    rows = [Odd(binary=memoryview(b"abcdef")[2:4]) for _ in range(n)]
    row = getattr(Odd, manager).bulk_create(rows)[-1]
    assert bytes(Odd.django.get(pk=row.pk).binary) == b"cd"


VALUES_SENT_AS_TEXT = {
    "duration": datetime.timedelta(1),
    "address": "1.2.3.4",
    "json": {"a": 1},
    "binary": memoryview(b"abcdef")[::2],
}


@pytest.mark.parametrize("name", VALUES_SENT_AS_TEXT)
@pytest.mark.parametrize("n", [1, 3, 1100])
def test_the_first_call_of_a_connection(name: str, n: int) -> None:
    """Values are prepared before anything is sent: the connection may not be open yet."""
    rows = [Odd(**{name: VALUES_SENT_AS_TEXT[name]}) for _ in range(n)]
    connection.close()
    Odd.objects.bulk_create(rows)
    connection.close()
    assert Odd.objects.all().update_fields(name, objects=rows) == n
    connection.close()
    Odd.objects.copy_from_objects(rows)
    assert Odd.django.count() == 2 * n


# ------------------------------------------------------------------- objects that change themselves


class Acting(int):
    """A value that does something while it is prepared."""

    act: Callable[[], object]

    def __int__(self) -> int:
        self.act()
        return 7


@pytest.mark.parametrize("n", [3, 1100])
@pytest.mark.parametrize("what", ["clear", "grow", "dict", "delete", "collect"])
def test_y04_y05_what_a_value_does_to_the_objects(what: str, n: int) -> None:
    def made(manager: Any, prefix: str) -> list[Any]:
        rows = [Plain(name=f"{prefix}{i}", value=i) for i in range(n)]
        value = Acting(1)
        acts: dict[str, Callable[[], object]] = {
            "clear": rows.clear,
            "grow": lambda: rows.append(Plain(name="more")),
            "dict": lambda: vars(rows[1]).update({f"x{i}": i for i in range(1000)}),
            "delete": lambda: [vars(row).clear() for row in rows[2:3]],
            "collect": gc.collect,
        }
        value.act = acts[what]
        rows[1].value = value
        try:
            manager.bulk_create(rows)
        except Exception as error:
            return [type(error)]
        there = Plain.django.filter(name__startswith=prefix).order_by("pk")
        return [row.value for row in there]

    theirs = made(Plain.django, "t")
    ours = made(Plain.objects, "o")
    assert ours == theirs
    assert len(ours) in (1, n)


def test_m09_collected_at_every_allocation() -> None:
    """Objects that are being built are never seen half built."""
    then = gc.get_threshold()
    gc.set_threshold(1)
    try:
        made = Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(300)])
        read = list(Plain.objects.order_by("pk"))
        for row in read:
            row.value += 1
        assert Plain.objects.all().update_fields("value", objects=read) == 300
    finally:
        gc.set_threshold(*then)
    assert [row.pk for row in read] == [row.pk for row in made]
    assert Plain.django.filter(value=300).count() == 1


def test_y03_after_a_value_that_was_refused_the_next_rows_are_right() -> None:
    rows = [Everything(char=f"c{i}", text="t", integer=i) for i in range(50)]
    rows[20].uuid = "no uuid"  # type: ignore[assignment]
    for manager in (Everything.django, Everything.objects):
        with pytest.raises(ValidationError):
            manager.bulk_create(rows)
    rows[20].uuid = None
    Everything.objects.bulk_create(rows)
    found = list(Everything.django.order_by("pk").values_list("char", "text", "integer", "uuid"))
    assert found == [(f"c{i}", "t", i, None) for i in range(50)]


# --------------------------------------------------------------------------------- errors of others


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("at", [0, 1, 999, 1000, 1001, 2500])
@pytest.mark.parametrize(
    "raised",
    [LookupError("x" * 12_000), Mute(), LookupError("\ud800"), MemoryError(), SystemExit()],
)
def test_y02_m07_an_exception_of_the_source(raised: BaseException, at: int) -> None:
    """It comes out as it is, nothing is stored, and the connection is as before."""

    def source() -> Iterator[Plain]:
        for i in range(at):
            yield Plain(name=f"s{i}", value=i)
        raise raised

    for call in (Plain.objects.copy_from_objects, Plain.objects.bulk_create):
        with pytest.raises(type(raised)) as caught:
            call(source())
        assert caught.value is raised
        assert Plain.django.count() == 0
    Plain.objects.create(name="next")


def test_t11_a_source_that_uses_the_connection() -> None:
    """It reads and writes between two rows, on the connection that writes them."""

    def source() -> Iterator[Plain]:
        for i in range(2500):
            if i % 500 == 0:
                assert Everything.django.create(integer=i).pk is not None
            yield Plain(name=f"s{i}", value=Everything.django.count())

    Plain.objects.copy_from_objects(source())
    assert Plain.django.count() == 2500
    assert Everything.django.count() == 5
    values = set(Plain.django.values_list("value", flat=True))
    assert values == {1, 2, 3, 4, 5}


def test_n13_names_that_come_from_a_user() -> None:
    Plain.django.create(name="a", value=1)
    names = ['value" = 2 --', "value = value + 1", "1=1", "id) OR (1=1", "", "value__gt", "\0"]
    rows = list(Plain.objects.all())
    for name in names:
        with pytest.raises((FieldDoesNotExist, AttributeError)):
            Plain.objects.all().update(**{name: 2})
        for call in (
            lambda name=name: Plain.objects.all().update_fields(name, objects=rows),
            lambda name=name: Plain.objects.bulk_update(rows, [name]),
            lambda name=name: Plain.objects.copy_to_instances([name]),
            lambda name=name: Plain.objects.bulk_create(
                rows, update_conflicts=True, update_fields=[name], unique_fields=["id"]
            ),
        ):
            with pytest.raises((FieldDoesNotExist, ValueError)):
                call()
    assert list(Plain.django.values_list("name", "value")) == [("a", 1)]


# ----------------------------------------------------------------------------- signals, descriptors


@pytest.mark.parametrize("after_ms", [1, 5, 20, 50])
def test_x12_y19_a_signal_handler_that_raises(after_ms: int) -> None:
    """While objects are read, while the database works: all rows or none, and it can go on."""

    class Rung(Exception):
        pass

    def ring(number: int, frame: object) -> None:
        raise Rung

    rows = [Plain(name=f"n{i}", value=i) for i in range(20_000)]
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, after_ms / 1000)
        try:
            Plain.objects.bulk_create(rows)
            signal.setitimer(signal.ITIMER_REAL, 0)
            done = True
        except Rung:
            done = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    there = Plain.django.count()
    assert there == len(rows) or (not there and not done)  # it may have arrived behind COMMIT
    assert {row.pk is not None for row in rows} == {there > 0}
    assert connection.get_autocommit() and not connection.in_atomic_block
    Plain.objects.create(name="next")


def test_x12_a_signal_handler_that_raises_while_a_transaction_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Django's atomic() was entered, and is not left: nothing would ever be committed."""
    enter = transaction.Atomic.__enter__

    def interrupted(self: transaction.Atomic) -> None:
        enter(self)
        raise KeyboardInterrupt

    rows = [Plain(name=f"n{i}", value=i) for i in range(2000)]
    with monkeypatch.context() as patch:
        patch.setattr(transaction.Atomic, "__enter__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Plain.objects.bulk_create(rows)
    assert connection.get_autocommit() and not connection.in_atomic_block
    assert not connection.atomic_blocks and all(row.pk is None for row in rows)
    Plain.objects.bulk_create(rows)
    connection.rollback()
    assert Plain.django.count() == len(rows)


def test_r06_descriptors_above_1024() -> None:
    """No select(): it knows no descriptor above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connection.close()
    held = []
    try:
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        rows = [Plain(name=f"n{i}", value=i) for i in range(2000)]
        Plain.objects.bulk_create(rows, concurrent=True)
        assert Plain.objects.all().update_fields("value", objects=rows, timeout=60) == 2000
    finally:
        for descriptor in held:
            os.close(descriptor)
        connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert Plain.django.count() == 2000


# --------------------------------------------------------------------- interpreters of another kind

PROGRAM = """
import sys
sys.path.insert(0, PLACE)
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["bulkmodel"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()
from django.db import connection, models
from bulkmodel.managers import BulkModelManager

class Row(models.Model):
    name = models.CharField(max_length=10)
    value = models.IntegerField(null=True)
    objects = BulkModelManager()
    class Meta:
        app_label = "bulkmodel"

with connection.schema_editor() as editor:
    editor.create_model(Row)
rows = Row.objects.bulk_create([Row(name=str(i), value=i) for i in range(1500)])
for row in rows:
    row.value += 1
assert Row.objects.update_fields("value", objects=rows) == 1500
assert sum(row.value for row in Row.objects.all()) == 1500 * 1501 // 2
print("done")
AFTER
"""


@pytest.mark.parametrize(
    ("options", "environment", "after"),
    [
        (["-X", "dev", "-W", "error"], {}, ""),
        ([], {"PYTHONMALLOC": "debug"}, ""),
        ([], {}, "sys.settrace(lambda *a: None); list(Row.objects.all())"),
        ([], {}, "stream = iter(Row.objects.iterator()); next(stream)"),
        ([], {}, "import gc; gc.freeze(); sys.exit(0)"),
    ],
)
def test_y20_m13_another_interpreter(
    options: list[str], environment: dict[str, str], after: str
) -> None:
    """With the switches that show mistakes, and at an exit in the middle of things."""
    import bulkmodel

    places = [str(Path(bulkmodel.__file__).parents[1])]
    extension = [p for p in bulkmodel.__path__ if p != str(Path(bulkmodel.__file__).parent)]
    path = f"import bulkmodel; bulkmodel.__path__.extend({extension!r})"
    text = PROGRAM.replace("PLACE", json.dumps(places[0])).replace("AFTER", after)
    text = text.replace("import django\n", f"{path}\nimport django\n", 1)
    done = subprocess.run(
        [sys.executable, *options, "-c", text],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_m01_m11_methods_of_the_extension_refuse_what_they_are_not_given() -> None:
    """Never SystemError: an error without an exception, or a result with one."""
    from bulkmodel import _core

    things: list[Any] = [None, 1, -1, 2**70, "x", b"x", [], [None], (), {}, object(), Plain, 1.5]
    for name in sorted(vars(_core)):
        if name.startswith("_"):
            continue
        of: Any = getattr(_core, name)
        if not callable(of) or (isinstance(of, type) and issubclass(of, BaseException)):
            continue
        for count in range(4):
            for thing in things:
                try:
                    of(*[thing] * count)
                except SystemError as error:
                    raise AssertionError(f"{name}({count} times {thing!r})") from error
                except Exception as error:
                    assert str(error), name
