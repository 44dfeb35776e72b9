"""Many calls leave nothing behind, and threads do not meet."""

import gc
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from app.models import Foo, Plain

CALLS = 1000
WINDOWS = 5  # a leak grows in each; what the allocator keeps for others, in some


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
    with pytest.raises(Exception, match=r".") as caught:
        Foo.objects.bulk_create([Foo(name="x", value="no number")])
    del caught


VERBS = [create, create_as_queryset, bulk_update, update_fields, update, fail, refuse]


@pytest.mark.django_db
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_thousand_calls_leave_nothing(verb: Callable[[], None]) -> None:
    def calls(n: int) -> None:
        for _ in range(n):
            with transaction.atomic():
                verb()
                transaction.set_rollback(True)
        connection.queries_log.clear()
        gc.collect()

    def growth() -> int:
        before = resident()
        calls(CALLS)
        return resident() - before

    create()
    calls(CALLS // 2)  # what Django and Python keep once is there now
    grown: list[int] = []
    while not grown or (grown[-1] >= 1 << 20 and len(grown) < WINDOWS):
        grown.append(growth())
    assert min(grown) < 1 << 20, grown
    tracemalloc.start()
    try:
        calls(CALLS // 10)
        objects = tracemalloc.get_traced_memory()[0]
        calls(CALLS // 2)
        kept = tracemalloc.get_traced_memory()[0] - objects
    finally:
        tracemalloc.stop()
    assert kept < 100 * CALLS // 2


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
