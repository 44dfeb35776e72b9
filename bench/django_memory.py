"""Peak memory, in processes that do one thing and end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contest import Asked, say
from django_models import Table, foo
from django_remote import change

STATUS = Path("/proc/self/status")
TICK_S = 0.05
FIFTH = 5


def status_kb(name: str) -> int:
    """VmRSS, or VmHWM: the most that it was; proc(5)."""
    text = STATUS.read_text("utf-8")
    return int(text.partition(f"{name}:")[2].split()[0])


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "utf-8")


def created(table: Table, n: int) -> list[Any]:
    return table.objects(n)


def read(table: Table, n: int) -> list[Any]:
    table.fill(n)
    rows = list(table.plain.all())
    change(rows, 1)
    return rows


def pgbulk_update(table: Table, rows: list[Any]) -> None:
    import pgbulk

    pgbulk.update(table.plain.all(), rows, ["value"])


# django-pgbulk's copy streams, and gives no keys back: a fifth of nothing is no measure.
CHILDREN: dict[str, tuple[Callable[[Table, int], list[Any]], Callable[[Table, list[Any]], Any]]] = {
    "create_ours": (created, lambda table, rows: table.ours.bulk_create(rows)),
    "create_django": (created, lambda table, rows: table.plain.bulk_create(rows)),
    "copy_ours": (created, lambda table, rows: table.ours.copy_from_objects(rows)),
    "update_ours": (read, lambda table, rows: table.ours.update_fields("value", objects=rows)),
    "update_pgbulk": (read, pgbulk_update),
    "update_django": (
        read,
        lambda table, rows: table.plain.bulk_update(rows, ["value"], batch_size=500),
    ),
}


def child(name: str, n: int) -> None:
    """What a call needs beside its rows, and beside what a call of one row has brought in."""
    table = foo()
    prepare, call = CHILDREN[name]
    call(table, prepare(table, 1))
    table.empty()
    rows = prepare(table, n)
    forget_peak()
    before = status_kb("VmRSS")
    call(table, rows)
    print(json.dumps({"kb": status_kb("VmHWM") - before}))


def stream_child(n: int) -> None:
    table = foo()
    samples: list[tuple[float, int]] = []
    ended = threading.Event()
    begin = time.monotonic()

    def watch() -> None:
        while not ended.wait(TICK_S):
            samples.append((round(time.monotonic() - begin, 2), status_kb("VmRSS")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        written = table.ours.copy_from_objects(stream(table, n), bm_create_uuid=table.stamp)
    finally:
        ended.set()
        watcher.join()
    if written != n:
        raise AssertionError(f"{written} rows written")
    step = len(samples) // 200 + 1
    print(json.dumps({"kb": status_kb("VmHWM"), "samples": samples[::step]}))


def stream(table: Table, n: int) -> Iterator[Any]:
    model = table.model
    for number in range(n):
        yield model(name="ABCDEFGHIJKLMNOPQRSTUVWXY", value=number % 1000)


def answer(row: str, asked: Asked, *arguments: str) -> dict[str, Any]:
    """Of a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("django_bench.py")), row]
    command += ["--rows", str(asked.rows), *arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(output))


def row_memory(asked: Asked) -> None:
    kb = {}
    for name in CHILDREN:
        if name != "update_django" or not asked.quick:
            kb[name] = max(answer("memory_child", asked, "--only", name)["kb"], 1)
            print(f"{name}: {kb[name]:,} kB above the caller's rows", file=sys.stderr, flush=True)
    for ours, theirs in (
        ("create_ours", "create_django"),
        ("update_ours", "update_pgbulk"),
        ("copy_ours", "create_django"),
        ("update_ours", "update_django"),
    ):
        if theirs in kb:
            say(
                id=f"django_memory_{ours.partition('_')[0]}_{theirs.rpartition('_')[2]}",
                rows=asked.rows,
                what=f"peak kB above the caller's rows: a fifth of {theirs}",
                limit=kb[theirs] / FIFTH,
                measured=kb[ours],
            )


def row_memory_child(asked: Asked) -> None:
    child(asked.only, asked.rows)


def row_stream_rss(asked: Asked) -> None:
    """A tenth of the rows against all."""
    few = answer("stream_child", Asked(asked.rows // 10, 1, asked.quick))
    many = answer("stream_child", asked)
    say(
        id="django_stream_rss",
        rows=asked.rows,
        what="max RSS, ten times the rows: 1.05",
        limit=1.05,
        measured=many["kb"] / few["kb"],
        series={"name": "memory", "points": many["samples"]},
    )


def row_stream_child(asked: Asked) -> None:
    stream_child(asked.rows)
