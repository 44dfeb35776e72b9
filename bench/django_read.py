"""Rows out: copy_to_instances and list(), in time and in bytes."""

from __future__ import annotations

import gc
import tracemalloc
from functools import partial
from typing import Any

from contest import Asked, Contest, Side, say
from django_create import backend
from django_models import Table, foo

FOO_COLUMNS = 4


def filled(n: int) -> Table:
    table = foo()
    table.fill(n)
    return table


def row_copy_to_instances(asked: Asked) -> None:
    n = asked.rows
    table = filled(n)
    contest = Contest("django_copy_to_instances", asked, n, partial(table.expect, n))
    contest.measures(backend()).run(
        Side("ours", "", lambda _: table.ours.copy_to_instances()),
        [Side("django", "list(qs), Django's manager", lambda _: list(table.plain.all()))],
    )


def row_list(asked: Asked) -> None:
    n = asked.rows
    table = filled(n)
    contest = Contest("django_list", asked, n).measures(backend())
    contest.run(
        Side("ours", "", lambda _: list(table.ours.all())),
        [Side("django", "list(qs), Django's manager", lambda _: list(table.plain.all()))],
    )
    if asked.only:
        return
    image = held(table.ours) - held(table.plain)
    say(
        id="django_list_bytes",
        rows=n,
        what="bytes a row beside the instances: 64 + 8 a column",
        limit=64 + 8 * FOO_COLUMNS,
        measured=max(image / n, 1.0),
    )


def held(manager: Any) -> int:
    """Bytes that a queryset holds when it has been read."""
    gc.collect()
    tracemalloc.start()
    rows = manager.all()
    list(rows)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size
