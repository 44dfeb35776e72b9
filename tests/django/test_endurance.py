"""Many calls leave nothing behind, and threads do not meet."""

import gc
import threading
import tracemalloc
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, connection, connections, transaction

from app.linked import Box, Tag
from app.models import Foo, Plain
from spy import until

CALLS = 1000
WINDOWS = 5  # a leak grows in each; what the allocator keeps for others, in some
TURNS = 125  # until each of the hundred statements that psycopg keeps is another one
WAYS: Any = {"batch_size": 2, "concurrent": True, "return_queryset": True}


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def create() -> None:
    Foo.objects.bulk_create([Foo(name="x" * 40, value=i) for i in range(5)])


def create_as_queryset() -> None:
    rows = Foo.objects.bulk_create([Foo(name="y" * 40, value=1)], return_queryset=True)
    assert len(rows) == 1


def bulk_update() -> None:
    rows = list(Foo.objects.order_by("pk")[:5])
    for row in rows:
        row.name, row.value = "z" * 40, row.value + 1
    Foo.objects.bulk_update(rows, ["name", "value"])


def update_fields() -> None:
    rows = Foo.objects.order_by("pk")[:5]
    for row in rows:
        row.value += 1
    rows.update_fields()


def update() -> None:
    Foo.objects.filter(value__lt=0).update(name="w", batch_size=10)


def fail() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Plain.objects.bulk_create([Plain(name="same"), Plain(name="same")])


def refuse() -> None:
    with pytest.raises(ValueError, match="expected a number") as caught:
        Foo.objects.bulk_create([Foo(name="x", value="no number")])
    del caught


def upsert() -> None:
    foos = [Plain(name=f"{i}", value=i) for i in range(5)]
    Plain.objects.bulk_create(foos[:3])
    Plain.objects.bulk_create(foos, ignore_conflicts=True)
    Plain.objects.bulk_create(
        foos, update_conflicts=True, update_fields=["value"], unique_fields=["name"]
    )


def copy_from_objects() -> None:
    foos = [Foo(name="x" * 40, value=i) for i in range(5)]
    assert Foo.objects.copy_from_objects(foos) == 5
    assert Foo.objects.copy_from_objects(iter(foos), batch_size=2) == 5
    assert len(Foo.objects.copy_from_objects(foos, return_queryset=True)) == 5


def copy_to_instances() -> None:
    assert len(Foo.objects.copy_to_instances()) == 5
    assert len(Foo.objects.copy_to_instances(["name"])) == 5


def stream() -> None:
    assert len(list(Foo.objects.iter_copy_to_instances(chunk_size=2))) == 5


def abandon_a_stream() -> None:
    rows = Foo.objects.iter_copy_to_instances(chunk_size=2)
    assert next(rows).name == "x" * 40


def links() -> None:
    tags = Tag.objects.bulk_create([Tag(name="t"), Tag(name="u")])
    box = Box.objects.create(code="b")
    assert Box.objects.update_m2m_fields("tags", {box.pk: [tag.pk for tag in tags]}) == 2
    assert Box.objects.update_m2m_fields("tags", {box.pk: [tags[0].pk]}) == 1


@async_to_sync
async def coroutines() -> None:
    rows = await Foo.objects.abulk_create([Foo(name="x", value=1)], return_queryset=True)
    rows[0].value = 2
    assert await rows.aupdate_fields() == 1
    assert await Foo.objects.acopy_from_objects(iter([Foo(name="y", value=1)])) == 1
    assert len(await Foo.objects.acopy_to_instances()) == 7
    assert await Foo.objects.filter(name="x").aupdate(value=3) == 1


def leaves_nothing(calls: Callable[[int], None], n: int) -> None:
    """n calls leave nothing in memory, once Django and Python have what they keep."""

    def growth() -> int:
        before = resident()
        calls(n)
        return resident() - before

    calls(n // 2)
    grown: list[int] = []
    while not grown or (grown[-1] >= n << 10 and len(grown) < WINDOWS):
        grown.append(growth())
    assert min(grown) < n << 10, grown
    tracemalloc.start()
    try:
        calls(TURNS)
        objects = tracemalloc.get_traced_memory()[0]
        calls(n // 2)
        kept = tracemalloc.get_traced_memory()[0] - objects
    finally:
        tracemalloc.stop()
    assert kept < 100 * CALLS // 2


OFTEN = [create, create_as_queryset, bulk_update, update_fields, update, fail, refuse]
VERBS: list[Any] = [
    *OFTEN,
    upsert,
    copy_from_objects,
    copy_to_instances,
    stream,
    abandon_a_stream,
    links,
    coroutines,
]


@pytest.mark.django_db
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: getattr(verb, "__name__", "coroutines"))
def test_many_calls_leave_nothing(verb: Callable[[], None]) -> None:
    def calls(n: int) -> None:
        for _ in range(n):
            with transaction.atomic():
                verb()
                transaction.set_rollback(True)
        connection.queries_log.clear()
        gc.collect()

    create()
    leaves_nothing(calls, CALLS if verb in OFTEN else CALLS // 4)


@pytest.mark.django_db(transaction=True)
def test_concurrent_calls_leave_nothing() -> None:
    """Neither memory nor a thread or a descriptor of one of their connections."""
    value = count(1)

    def calls(n: int) -> None:
        for _ in range(n):
            foos = Foo.objects.bulk_create([Foo(name="x", value=0) for _ in range(4)], **WAYS)
            number = next(value)
            for foo in foos:
                foo.value = number
            assert foos.update_fields(concurrent=True, batch_size=2) == 4
            with pytest.raises(IntegrityError):
                Plain.objects.bulk_create([Plain(name="same") for _ in range(4)], **WAYS)
            Foo.objects.all().delete()
        connection.queries_log.clear()
        gc.collect()

    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    calls(1)
    before = held()
    leaves_nothing(calls, CALLS // 20)
    until(lambda: held() <= before)  # a thread that has told its result may still be ending


def connect(path: Path) -> str:
    """The alias of this thread's own connection: on SQLite to a database in a file."""
    if connection.vendor != "sqlite":
        return "default"
    own = connections["default"].copy("threads")
    own.settings_dict.update(NAME=str(path), OPTIONS={"timeout": 30})
    connections["threads"] = own
    return "threads"


@pytest.mark.django_db(transaction=True)
def test_threads_write_on_connections_of_their_own(tmp_path: Path) -> None:
    alias = connect(tmp_path / "threads.db")
    if alias != "default":
        with connections[alias].schema_editor() as editor:
            editor.create_model(Foo)
    errors: list[BaseException] = []
    begin = threading.Barrier(2)

    def write(number: int) -> None:
        try:
            connect(tmp_path / "threads.db")
            begin.wait(10)
            foos = Foo.objects.using(alias)
            for i in range(20):
                rows: Any = foos.bulk_create(
                    [Foo(name=f"{number}", value=i) for _ in range(100)], return_queryset=True
                )
                for row in rows:
                    row.value += 1000
                assert rows.update_fields() == 100
        except BaseException as error:
            errors.append(error)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=write, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    for number in range(2):
        values = Foo.objects.using(alias).filter(name=f"{number}").values_list("value", flat=True)
        assert sorted(values) == [1000 + i for i in range(20) for _ in range(100)]
    if alias != "default":
        connections[alias].close()
        del connections[alias]
