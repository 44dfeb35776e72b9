"""Each verb on MariaDB, against Django's own at its best batch size; a driver for each run."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from contest import Asked, Contest, Side
from django.db import connections
from django_create import BATCHES, django, ours
from django_models import Table, foo
from django_remote import change
from django_update import Rows


def contest_of(verb: str, asked: Asked, verify: Callable[[], None]) -> Contest:
    """A contest that measures the server, too: one process, which all sessions share."""
    contest = Contest(f"django_{os.environ['BM_BENCH_MARIADB']}_{verb}", asked, asked.rows, verify)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT @@pid_file")
        file = Path(cursor.fetchone()[0])
    return contest.measures_server(int(file.read_text("ascii")))


def row_mariadb_create(asked: Asked) -> None:
    n, table = asked.rows, foo()
    contest = contest_of("create", asked, lambda: table.expect(n))
    contest.run(ours(table, n), [django(table, n, contest)])


def row_mariadb_update(asked: Asked) -> None:
    n, table = asked.rows, foo()
    table.fill(n)
    rows = Rows(table, n, ["value"])
    contest = contest_of("update", asked, rows.verify)
    contest.run(rows.ours(), [rows.django(contest)])


class Halves:
    """A table that is given back the rows of the keys 1 .. n before each run."""

    def __init__(self, table: Table, n: int) -> None:
        self.table = table
        table.fill(n)
        table.execute(f"CREATE TABLE {table.name}_kept AS SELECT * FROM {table.name}")

    def fresh(self) -> None:
        self.table.empty()
        self.table.execute(f"INSERT INTO {self.table.name} SELECT * FROM {self.table.name}_kept")
        self.table.execute(f"ANALYZE TABLE {self.table.name}")


def row_mariadb_upsert(asked: Asked) -> None:
    """Half of the rows are there already, with other values."""
    n, table, turn = asked.rows, foo(), count(1)
    half = Halves(table, n // 2)
    names = ["name", "value"]

    def keyed() -> list[Any]:
        half.fresh()
        rows = table.objects(n, 1)
        change(rows, next(turn))
        return rows

    def side(batch_size: int | None) -> Side:
        def run(objects: list[Any]) -> None:
            table.plain.bulk_create(
                objects, batch_size=batch_size, update_conflicts=True, update_fields=names
            )

        what = f"Django's bulk_create with update_conflicts, batch_size={batch_size}"
        return Side("django", what, run, keyed)

    def upsert(objects: list[Any]) -> None:
        table.ours.bulk_upsert(objects, update_fields=names)

    contest = contest_of("upsert", asked, lambda: table.expect(n))
    theirs = contest.best(map(side, BATCHES))
    contest.run(Side("ours", "", upsert, keyed), [theirs])


def row_mariadb_delete(asked: Asked) -> None:
    """Half of the rows of a table, by objects of ours and by keys of Django's filter."""
    n, table = asked.rows, foo()
    whole = Halves(table, 2 * n)

    def every_other() -> list[Any]:
        whole.fresh()
        return list(table.plain.order_by("pk"))[::2]

    def side(batch_size: int | None) -> Side:
        def run(objects: list[Any]) -> None:
            keys = [row.pk for row in objects]
            for first in range(0, n, batch_size or n):
                some = keys[first : first + (batch_size or n)]
                table.plain.filter(pk__in=some).delete()

        return Side("django", f"Django's delete by keys, {batch_size} at a time", run, every_other)

    contest = contest_of("delete", asked, lambda: table.expect(n))
    theirs = contest.best(map(side, BATCHES))
    contest.run(Side("ours", "", table.ours.bulk_delete, every_other), [theirs])
