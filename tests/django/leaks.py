#!/usr/bin/env python3
"""Call every verb of the Django app again and again; nothing may be left (scoreboard B-14).

usage: leaks.py ROUNDS    rounds that are compared, after three that are not

A round is some calls of each kind, good ones and ones that fail.  After it the memory blocks of
Python's allocator, the references (where the interpreter counts them: python3-dbg), the descriptors
and the threads are counted.  There is a leak where each round leaves one of them, or of the blocks
and references one for each of its calls; CPython's caches of names fill by fewer and fewer.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nomemory

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 3
CALLS = 20
LEAST = {"blocks": CALLS, "references": CALLS, "descriptors": 1, "threads": 1}


class Planted(Exception):
    """From a source of rows, in the middle."""


def fails(call: Callable[[], Any], *expected: type[Exception]) -> None:
    try:
        call()
    except expected:
        return
    raise AssertionError("a call that must fail did not")


def kinds() -> dict[str, Callable[[], None]]:
    """Calls by name: those of nomemory.py, and those that fail."""
    from django.db import DatabaseError, IntegrityError, transaction

    from app.models import Foo

    def rows(**more: Any) -> list[Foo]:
        return [Foo(name=f"name {i}", value=i, **more) for i in range(nomemory.ROWS)]

    def a_source_that_raises() -> None:
        def source() -> Iterator[Foo]:
            yield from rows()
            raise Planted

        fails(lambda: Foo.objects.copy_from_objects(source()), Planted)

    def a_key_twice() -> None:
        key = Foo.objects.order_by("pk").values_list("pk", flat=True)[0]
        fails(lambda: Foo.objects.bulk_create([*rows(), Foo(pk=key)]), IntegrityError)

    def a_value_that_does_not_fit() -> None:
        wrong = [*rows(), Foo(name="wrong", value="no number")]
        fails(lambda: Foo.objects.bulk_create(wrong), DatabaseError, ValueError)

    def a_rollback() -> None:
        def inside() -> None:
            with transaction.atomic():
                Foo.objects.bulk_create(rows())
                foos = Foo.objects.order_by("pk")[: nomemory.ROWS]
                for foo in foos:
                    foo.value += 1
                foos.update_fields()
                raise Planted

        fails(inside, Planted)

    def a_field_that_is_not_there() -> None:
        foos = list(Foo.objects.order_by("pk")[: nomemory.ROWS])
        fails(lambda: Foo.objects.bulk_update(foos, ["nowhere"]), Exception)

    more = (a_source_that_raises, a_key_twice, a_value_that_does_not_fit, a_rollback)
    failing = {call.__name__: call for call in (*more, a_field_that_is_not_there)}
    return nomemory.verbs() | failing


def counts() -> dict[str, int]:
    gc.collect()
    references = getattr(sys, "gettotalrefcount", lambda: 0)()
    return {
        "blocks": sys.getallocatedblocks(),
        "references": references,
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": threading.active_count(),
    }


def grows(call: Callable[[], None], rounds: int) -> list[str]:
    """Of what each round leaves some."""
    deltas: list[dict[str, int]] = []
    before = counts()
    for _ in range(WARM_UP + rounds):
        for _ in range(CALLS):
            call()
        after = counts()
        deltas.append({what: after[what] - before[what] for what in after})
        before = after
    tracked = deltas[WARM_UP:]
    return [what for what in LEAST if all(delta[what] >= LEAST[what] for delta in tracked)]


def main(rounds: str) -> None:
    extension = next((ROOT / "build" / "gcc" / "python").glob("_core*.so"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        nomemory.setup("sqlite-table", str(extension))
        from django.db import connection

        from app.models import Foo

        with connection.schema_editor() as editor:
            editor.create_model(Foo)
        nomemory.verbs()["bulk_create"]()
        leaks = {name: grows(call, int(rounds)) for name, call in kinds().items()}
        connection.close()
    bad = {name: what for name, what in leaks.items() if what}
    for name, what in bad.items():
        print(f"{name}: more {', '.join(what)} after every round")
    print(f"# B-14: {len(leaks)} kinds of calls, {rounds} rounds of {CALLS}, {len(bad)} leak")
    if bad:
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
