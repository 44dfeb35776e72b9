"""Which batch_size: calls that name one, each against the call that names none."""

from __future__ import annotations

import dataclasses
from functools import partial

from contest import Asked, Contest, Side
from django_create import backend, ours
from django_models import LITE, Table, foo
from django_update import TABLE, Rows

SIZES = (100, 1_000, 10_000)


def named(side: Side, size: int) -> Side:
    return dataclasses.replace(side, name=str(size), what=f"ours with batch_size={size}")


def create(contest: Contest, table: Table) -> None:
    n = contest.rows
    sides = [named(ours(table, n, batch_size=size), size) for size in SIZES if size < n]
    contest.run(ours(table, n), sides)


def row_pg_create_batch(asked: Asked) -> None:
    n, table = asked.rows, foo()
    contest = Contest("django_pg_create_batch", asked, n, partial(table.expect, n))
    create(contest.measures(backend()), table)


def row_sqlite_create_batch(asked: Asked) -> None:
    n, table = asked.rows, foo(LITE)
    create(Contest("django_sqlite_create_batch", asked, n, partial(table.expect, n)), table)


def row_pg_update_batch(asked: Asked) -> None:
    n, table = asked.rows, foo()
    table.fill(TABLE // 10 if asked.quick else TABLE)
    rows = Rows(table, n, ["value"])
    contest = Contest("django_pg_update_batch", asked, n, rows.verify).measures(backend())
    sides = [named(rows.ours(batch_size=size), size) for size in SIZES if size < n]
    contest.run(rows.ours(), sides)
