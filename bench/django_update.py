"""update_fields under Django: against hand-written SQL, Django's bulk_update, and the peers."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

import django_bulk_load  # noqa: F401  without it the row could not be run: fail at once
import django_floor as floor
import pgbulk
from contest import Asked, Contest, Remote, Side
from django.db import transaction
from django_create import backend
from django_models import LITE, Table, foo, wide
from django_remote import change
from fast_update.query import FastUpdateQuerySet

BATCHES = (100, 500, 1_000)
TABLE = 1_000_000

_turn = count(1)


class Rows:
    """Rows 1 .. n of a table of many, read before, changed before each run."""

    def __init__(self, table: Table, n: int, names: list[str]) -> None:
        self.table, self.n, self.names = table, n, names
        self.expected = 0

    def fresh_table(self) -> None:
        """Without the dead rows of the run before."""
        self.table.vacuum()

    def read(self, manager: Any) -> Any:
        self.fresh_table()
        rows = manager.filter(pk__lte=self.n)
        change(rows, next(_turn))
        self.expected = sum(row.value for row in rows)
        return rows

    def verify(self) -> None:
        query = f"SELECT sum(value) FROM {self.table.name} WHERE id <= {self.n}"
        [(there,)] = self.table.execute(query)
        if there != self.expected:
            raise AssertionError("the rows do not have their new values")

    def ours(self, **options: Any) -> Side:
        return Side(
            "ours",
            "",
            lambda rows: rows.update_fields(*self.names, **options),
            partial(self.read, self.table.ours),
        )

    def _theirs(self, name: str, what: str, run: Any) -> Side:
        return Side(name, what, run, partial(self.read, self.table.plain))

    def django(self, contest: Contest) -> Side:
        """Django's own, at its best batch size: judged on few rows, a batch's cost is its own."""

        def side(rows: Rows, batch_size: int) -> Side:
            def run(objects: Any) -> None:
                rows.table.plain.bulk_update(objects, rows.names, batch_size=batch_size)

            what = f"Django's bulk_update, batch_size={batch_size}"
            return rows._theirs("django", what, run)

        few = type(self)(self.table, min(self.n, 2_000), self.names)
        trial = Contest("trial", contest.asked, few.n)
        best = trial.best(side(few, size) for size in BATCHES)
        return side(self, int(best.what.rpartition("=")[2]))

    def floor(self) -> Side:
        connection = floor.connect()

        def lists() -> list[list[Any]]:
            rows = self.read(self.table.plain)
            return [[getattr(row, name) for row in rows] for name in ("id", *self.names)]

        def run(ready: list[list[Any]]) -> None:
            floor.update_lists(connection, ready)

        return Side("floor", "psycopg 3, UPDATE FROM unnest of ready lists", run, lists)

    def least(self) -> Side:
        """What the server needs for as many new rows: nothing is sent, nothing is joined."""
        connection = floor.connect()
        where = f"WHERE id <= {self.n}"

        def run(_: Any) -> None:
            connection.execute(f"UPDATE foo SET value = value + 1 {where}")

        def prepare() -> None:
            self.fresh_table()
            [(there,)] = self.table.execute(f"SELECT sum(value) FROM foo {where}")
            self.expected = there + self.n

        return Side("least", "one UPDATE SET value = value + 1", run, prepare)

    def pgbulk(self) -> Side:
        def run(rows: Any) -> None:
            pgbulk.update(self.table.plain.all(), rows, self.names)

        return self._theirs("pgbulk", "django-pgbulk update", run)

    def fast_update(self) -> Side:
        peer = FastUpdateQuerySet(self.table.model, using=self.table.alias)
        if self.table.alias == LITE:
            return self._theirs(
                "fastupdate",
                "django-fast-update fast_update",
                lambda rows: peer.fast_update(rows, self.names),
            )
        return self._theirs(
            "fastupdate",
            "django-fast-update copy_update",
            lambda rows: peer.copy_update(rows, self.names),
        )

    def bulk_load(self) -> Side:
        remote = Remote("bulk-load", str(self.n), BM_BENCH_PSYCOPG2="1")

        def fresh() -> None:
            turn = next(_turn)
            self.fresh_table()
            remote.do("read")
            remote.do(f"change {turn}")
            query = f"SELECT sum(value) FROM {self.table.name} WHERE id <= {self.n}"
            self.expected = self.table.execute(query)[0][0] + turn * self.n

        verb = ",".join(self.names)
        what = "django-bulk-load, psycopg2"
        return Side("bulkload", what, lambda _: remote.do(verb), fresh, (remote.pid,))


def update(row: str, asked: Asked, names: list[str]) -> None:
    n, table = asked.rows, foo()
    table.fill(TABLE // 10 if asked.quick else TABLE)
    rows = Rows(table, n, names)
    contest = Contest(row, asked, n, rows.verify)
    peers = [rows.floor(), rows.least(), rows.pgbulk(), rows.fast_update(), rows.bulk_load()]
    if not asked.quick or n <= 1_000:
        peers.append(rows.django(contest))
    contest.measures(backend()).run(rows.ours(), peers)


def row_pg_update_10k(asked: Asked) -> None:
    update("django_pg_update_10k", asked, ["value"])


def row_pg_update_100k(asked: Asked) -> None:
    update("django_pg_update_100k", asked, ["value"])


def row_pg_update2_10k(asked: Asked) -> None:
    update("django_pg_update2_10k", asked, ["value", "name"])


def row_pg_update2_100k(asked: Asked) -> None:
    update("django_pg_update2_100k", asked, ["value", "name"])


class StaleRows(Rows):
    """Of a table that another session's ANALYZE saw empty, before its rows were committed."""

    def keep(self) -> None:
        self.table.execute(f"CREATE TABLE {self.table.name}_kept AS TABLE {self.table.name}")
        self.other = floor.connect()

    def fresh_table(self) -> None:
        self.table.empty()
        with transaction.atomic(using=self.table.alias):
            self.table.execute(f"INSERT INTO {self.table.name} TABLE {self.table.name}_kept")
            self.other.execute(f"ANALYZE {self.table.name}")


def row_pg_update_stale(asked: Asked) -> None:
    n, table = asked.rows, foo()
    table.fill(10 * n)
    rows = StaleRows(table, n, ["value"])
    rows.keep()
    contest = Contest("django_pg_update_stale", asked, n, rows.verify)
    contest.measures(backend()).run(rows.ours(), [rows.floor()])


class WideRows(Rows):
    """Rows of twenty columns, the values of other rows given to each before each run."""

    def read(self, manager: Any) -> Any:
        self.fresh_table()
        rows = manager.filter(pk__lte=self.n).order_by("pk")
        moved, shift = list(rows), next(_turn)
        values = [[getattr(row, name) for name in self.names] for row in moved]
        for number, row in enumerate(moved):
            for name, value in zip(self.names, values[(number + shift) % len(values)]):
                setattr(row, name, value)
        self.expected = sum(row.integer or 0 for row in moved)
        return rows

    def verify(self) -> None:
        query = f"SELECT sum(integer) FROM {self.table.name} WHERE id <= {self.n}"
        [(there,)] = self.table.execute(query)
        if there != self.expected:
            raise AssertionError("the rows do not have their new values")


def row_pg_update_wide(asked: Asked) -> None:
    n, table = asked.rows, wide()
    table.fill(10 * n)
    names = [field.name for field in table.model._meta.concrete_fields[1:]]
    rows = WideRows(table, n, names)
    contest = Contest("django_pg_update_wide", asked, n, rows.verify)
    peers = [rows.pgbulk()]
    if not asked.quick:
        peers.append(rows.django(contest))
    contest.measures(backend()).run(rows.ours(), peers)


def row_sqlite_update(asked: Asked) -> None:
    n, table = asked.rows, foo(LITE)
    table.fill(10 * n)
    rows = Rows(table, n, ["value"])
    contest = Contest("django_sqlite_update", asked, n, rows.verify)
    contest.run(rows.ours(), [rows.fast_update(), rows.django(contest)])
