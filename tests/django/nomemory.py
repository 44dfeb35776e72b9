"""Let each allocation of a call fail once, and look at the table and the objects after it.

usage: nomemory.py ENGINE EXTENSION VERB EVERY    on a new SQLite file in the working folder; every
                                                  so many allocations.  Prints how many failed.

What fails inside Django may leave its connection in a transaction; the next call has a new one.

CPython 3.12 and 3.13 crash where Python code, anybody's, calls a function and there is no memory
for the frame.  VERB control shows whether this interpreter does: it calls Django's own methods.
"""

from __future__ import annotations

import _testcapi
import gc
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILE = "nomemory.db"
ROWS = 7
MOST = 20_000  # allocations of the control, where rows are not looked at
DONE = 40  # so many calls in a row that ended well: no allocation is left to fail


def setup(engine: str, extension: str) -> None:
    os.environ.update(BM_DJANGO=engine, DJANGO_SETTINGS_MODULE="settings")
    sys.path.insert(0, str(HERE))
    if extension != "installed":
        sys.path.insert(0, str(HERE.parents[1] / "python"))
        import bulkmodel

        bulkmodel.__path__.append(str(Path(extension).resolve().parent))
    import django
    from django.conf import settings

    quickly = {"init_command": "PRAGMA synchronous = OFF"}
    settings.DATABASES["default"].update(NAME=FILE, OPTIONS=quickly)
    django.setup()


def renew() -> None:
    """A new connection of Django's; the old one's file is closed, for no garbage is collected."""
    from django.db import connections

    old = connections["default"]
    connections["default"] = old.copy()
    if old.connection is not None:
        old.connection.close()


def verbs() -> dict[str, Callable[[], None]]:
    from app.models import Foo

    def new() -> list[Foo]:
        return [Foo(name=f"name {i}", value=i) for i in range(ROWS)]

    def bulk_create() -> None:
        foos = new()
        try:
            Foo.objects.bulk_create(foos)
        except BaseException:
            keys = [foo.pk for foo in foos]
            assert keys == [None] * ROWS or None not in keys
            raise

    def copy_from_objects() -> None:
        Foo.objects.copy_from_objects(iter(new()))

    def update_fields() -> None:
        foos = Foo.objects.order_by("pk")[:ROWS]
        for foo in foos:
            foo.value += 1
        foos.update_fields()

    def bulk_update() -> None:
        foos = list(Foo.objects.order_by("pk")[:ROWS])
        for foo in foos:
            foo.value += 1
        Foo.objects.bulk_update(foos, ["value"])

    def copy_to_instances() -> None:
        assert len(Foo.objects.order_by("pk")[:ROWS].copy_to_instances()) == ROWS

    every = (bulk_create, copy_from_objects, update_fields, bulk_update, copy_to_instances)
    return {verb.__name__: verb for verb in every}


def state() -> tuple[int, set[int]]:
    """How many rows there are, and by how much the first have been raised."""
    with sqlite3.connect(FILE) as other:
        raised = f"SELECT value - id + 1 FROM app_foo ORDER BY id LIMIT {ROWS}"
        count = other.execute("SELECT count(*) FROM app_foo").fetchone()[0]
        return count, {row[0] for row in other.execute(raised)}


def failing(verb: Callable[[], None], at: int) -> BaseException | None:
    """Call it; the allocation of this number fails."""
    _testcapi.set_nomemory(at, at + 1)
    try:
        verb()
    except BaseException as error:
        return error
    finally:
        _testcapi.remove_mem_hooks()
    return None


def control(every: int) -> None:
    """Django's own queryset writes and reads; nothing of ours is called."""
    from django.db import models

    from app.models import Foo

    rows = models.QuerySet(Foo)

    def write_and_read() -> None:
        rows.bulk_create([Foo(name=f"name {i}", value=i) for i in range(ROWS)])
        list(rows.order_by("pk")[:ROWS])

    write_and_read()
    gc.disable()
    done = at = 0
    while done < DONE and at < MOST:
        at += every
        error = failing(write_and_read, at)
        done = 0 if error else done + 1
        if error is not None:
            renew()


def main(engine: str, extension: str, name: str, every: str) -> None:
    setup(engine, extension)
    from django.db import connection

    from app.models import Foo

    with connection.schema_editor() as editor:
        editor.create_model(Foo)
    if name == "control":
        control(int(every))
        return
    verb = verbs()[name]
    verbs()["bulk_create"]()
    for _ in range(3):
        verb()  # what is kept is there now
    gc.disable()  # it would allocate when it likes
    failed = done = at = 0
    while done < DONE:
        at += int(every)
        count, raised = state()
        error = failing(verb, at)
        done = 0 if error else done + 1
        failed += error is not None
        if isinstance(error, AssertionError):
            raise error
        if error is not None:
            renew()
        now, lifted = state()
        assert now - count in (0, ROWS), (at, now - count, error)
        assert len(lifted) == 1, (at, lifted, error)
        if error is None:
            assert (now, lifted) != (count, raised) or name == "copy_to_instances", at
    print(failed, "allocations failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
