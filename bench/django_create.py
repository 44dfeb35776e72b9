"""bulk_create under Django: against the drivers' floor, Django's own, and the peers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import django_floor as floor
import pgbulk
from contest import Asked, Contest, Remote, Side
from django.db import connections
from django_models import LITE, Table, foo, wide
from django_remote import change

BATCHES = (None, 1_000, 10_000)


def backend() -> int:
    """The process of Django's connection."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def new_objects(table: Table, n: int) -> list[Any]:
    table.empty()
    return table.objects(n)


def ours(table: Table, n: int, **options: Any) -> Side:
    def run(objects: list[Any]) -> None:
        table.ours.bulk_create(objects, bm_create_uuid=table.stamp, **options)

    return Side("ours", "", run, partial(new_objects, table, n))


def django(table: Table, n: int, contest: Contest, **options: Any) -> Side:
    """Django's own, at its best batch size."""

    def side(batch_size: int | None) -> Side:
        def run(objects: list[Any]) -> None:
            table.plain.bulk_create(objects, batch_size=batch_size, **options)

        what = f"Django's bulk_create, batch_size={batch_size}"
        return Side("django", what, run, partial(new_objects, table, n))

    return contest.best(map(side, BATCHES))


def copy_floor(table: Table, n: int) -> Side:
    copy = floor.copier(table)
    rows = floor.ready(table, n)
    return Side(
        "floor", "psycopg 3 copy, write_row of ready tuples", lambda _: copy(rows), table.empty
    )


def bulk_load(table: Table, n: int, prepare: str, verb: str, what: str) -> Side:
    remote = Remote("bulk-load", str(n), BM_BENCH_PSYCOPG2="1")

    def fresh() -> None:
        table.empty()
        remote.do(prepare)

    return Side("bulkload", what, lambda _: remote.do(verb), fresh, (remote.pid,))


def row_pg_create(asked: Asked) -> None:
    n, table = asked.rows, foo()
    contest = Contest("django_pg_create", asked, n, partial(table.expect, n)).measures(backend())

    def copy(objects: list[Any]) -> None:
        pgbulk.copy(table.plain.all(), objects, exclude=["id"])

    peers = [
        django(table, n, contest),
        Side("pgbulk", "django-pgbulk copy, no keys back", copy, partial(new_objects, table, n)),
        bulk_load(table, n, "new", "insert", "django-bulk-load, models back, psycopg2"),
    ]
    contest.run(ours(table, n), peers)


def floors(table: Table, row: str, asked: Asked) -> None:
    n = asked.rows
    contest = Contest(row, asked, n, partial(table.expect, n)).measures(backend())
    contest.run(ours(table, n), [copy_floor(table, n)])


def row_pg_create_floor(asked: Asked) -> None:
    floors(foo(), "django_pg_create", asked)


def row_pg_create_wide(asked: Asked) -> None:
    n, table = asked.rows, wide()
    contest = Contest("django_pg_create_wide", asked, n, partial(table.expect, n))
    peers = [copy_floor(table, n), django(table, n, contest)]
    contest.measures(backend()).run(wide_ours(table, n), peers)


def wide_ours(table: Table, n: int) -> Side:
    return Side("ours", "", table.ours.bulk_create, partial(new_objects, table, n))


def row_pg_concurrent(asked: Asked) -> None:
    n, table = asked.rows, foo()

    def workers(name: str, what: str, number: int) -> Side:
        side = ours(table, n, concurrent=number > 1, max_concurrent_workers=number)
        return Side(name, what, side.run, side.prepare)

    pair = [Remote("copy", str(n // 2)) for _ in range(2)]

    def copy_by_two(_: Any) -> None:
        for remote in pair:
            remote.tell("copy")
        for remote in pair:
            remote.wait()

    for remote in pair:
        remote.do("begin")
    pids = (pair[0].pid, pair[1].pid)
    contest = Contest("django_pg_concurrent", asked, n, partial(table.expect, n))
    contest.measures(backend()).run(
        workers("ours", "", 2),
        [
            workers("one", "one worker", 1),
            workers("four", "four workers", 4),
            Side("floor", "two psycopg processes, ready bytes", copy_by_two, table.empty, pids),
        ],
    )


def row_pg_upsert(asked: Asked) -> None:
    """Half of the rows are there already, with other values: a peer leaves equal rows alone."""
    n, table, turn = asked.rows, foo(), count(1)
    table.fill(n // 2)
    table.execute("CREATE TABLE foo_kept AS TABLE foo")
    names = [field.attname for field in table.model._meta.concrete_fields]
    how = {"update_conflicts": True, "unique_fields": ["id"], "update_fields": ["name", "value"]}
    contest = Contest("django_pg_upsert", asked, n, partial(table.expect, n)).measures(backend())

    def half() -> None:
        table.empty()
        table.execute("INSERT INTO foo TABLE foo_kept")
        table.execute("VACUUM ANALYZE foo")

    def keyed() -> list[Any]:
        half()
        rows = table.objects(n, 1)
        change(rows, next(turn))
        return rows

    def at_half(side: Side, make: Callable[[], Any]) -> Side:
        return Side(side.name, side.what, side.run, make, side.pids)

    def upsert(objects: list[Any]) -> None:
        pgbulk.upsert(table.plain.all(), objects, ["id"], ["name", "value"])

    remote = Remote("bulk-load", str(n), BM_BENCH_PSYCOPG2="1")

    def fresh() -> None:
        half()
        remote.do("keyed")
        remote.do(f"change {next(turn)}")

    connection = floor.connect()

    def lists() -> list[list[Any]]:
        rows = keyed()
        return [[getattr(row, name) for row in rows] for name in names]

    def insert(ready: list[list[Any]]) -> None:
        floor.upsert_lists(connection, ready)

    what = "django-bulk-load upsert, psycopg2"
    contest.run(
        at_half(ours(table, n, **how), keyed),
        [
            at_half(django(table, n, contest, **how), keyed),
            Side("pgbulk", "django-pgbulk upsert", upsert, keyed),
            Side("bulkload", what, lambda _: remote.do("upsert"), fresh, (remote.pid,)),
            Side("floor", "psycopg 3, ON CONFLICT of ready lists", insert, lists),
        ],
    )


def lite_create(row: str, asked: Asked, table: Table, ours: Side) -> None:
    contest = Contest(row, asked, asked.rows, partial(table.expect, asked.rows))
    contest.run(ours, [django(table, asked.rows, contest)])


def row_sqlite_create(asked: Asked) -> None:
    table = foo(LITE)
    lite_create("django_sqlite_create", asked, table, ours(table, asked.rows))


def row_sqlite_create_wal(asked: Asked) -> None:
    table = foo(LITE)
    table.execute("PRAGMA journal_mode = WAL")
    lite_create("django_sqlite_create_wal", asked, table, ours(table, asked.rows))


def row_sqlite_create_wide(asked: Asked) -> None:
    table = wide(LITE)
    lite_create("django_sqlite_create_wide", asked, table, wide_ours(table, asked.rows))


def row_growth(asked: Asked) -> None:
    """Django's own stops at 100,000 rows: beyond, ours is measured against the floor."""
    table = foo()
    for n in (size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= asked.rows):
        contest = Contest("django_growth", asked, n, partial(table.expect, n))
        theirs = django(table, n, contest) if n <= 100_000 else copy_floor(table, n)
        contest.measures(backend()).run(ours(table, n), [theirs])
