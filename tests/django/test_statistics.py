"""S1: whatever the planner's statistics are, nothing takes more than three times what the same
statement takes that is left to the planner.  Times are compared within a run."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from app.models import Plain

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = 20_000
MANY = 10_000
LEEWAY_S = 0.15  # a busy machine


def fill(first: int, last: int, value: str = "g") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO app_plain (id, name, value) SELECT g, 'n' || g, {value}"
            " FROM generate_series(%s, %s) g",
            [first, last],
        )


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE app_plain")


def never() -> None:
    fill(1, TABLE)


def uncommitted() -> None:
    """ANALYZE of another session, before the rows are committed."""
    settings = connection.get_connection_params()
    keep = {key: settings[key] for key in ("dbname", "user", "host", "port") if key in settings}
    with psycopg.connect(**keep, autocommit=True) as other, transaction.atomic():
        fill(1, TABLE)
        other.execute("ANALYZE app_plain")


def grown() -> None:
    fill(1, TABLE // 1000)
    analyze()
    fill(TABLE // 1000 + 1, TABLE)


def good() -> None:
    fill(1, TABLE)
    analyze()


def all_alike() -> None:
    """Each value was there once when it was counted; now all rows have the same."""
    fill(1, 5 * TABLE)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX stale ON app_plain (value)")
        cursor.execute("VACUUM ANALYZE app_plain")
        cursor.execute("UPDATE app_plain SET value = 1")


KINDS: dict[str, Callable[[], None]] = {
    "never": never,
    "uncommitted": uncommitted,
    "grown": grown,
    "good": good,
    "all alike": all_alike,
}


def by_hand(rows: list[Plain], condition: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE app_plain t SET value = v.b FROM unnest(%s::int8[], %s::int4[]) v(a, b)"
            f" WHERE t.id = v.a{condition}",
            [[row.pk for row in rows], [row.value for row in rows]],
        )


def seconds(call: Callable[[], Any]) -> float:
    """Of a call whose work is undone."""
    with contextlib.suppress(Undone), transaction.atomic():
        begin = time.perf_counter()
        call()
        took = time.perf_counter() - begin
        raise Undone
    return took


class Undone(Exception):
    pass


CALLS: dict[str, tuple[Any, str]] = {
    "bulk_update": (lambda rows: Plain.objects.bulk_update(rows, ["value"]), ""),
    "of a filtered queryset": (
        lambda rows: Plain.objects.filter(value=1).update_fields("value", objects=rows),
        " AND t.value = 1",
    ),
    "batches of a filtered queryset": (
        lambda rows: Plain.objects.filter(value=1).update_fields(
            "value", objects=rows, batch_size=1_000
        ),
        " AND t.value = 1",
    ),
}


@pytest.fixture(autouse=True)
def by_itself() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE app_plain SET (autovacuum_enabled = off)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS stale")
        cursor.execute("ALTER TABLE app_plain RESET (autovacuum_enabled)")
        cursor.execute("TRUNCATE app_plain CASCADE")
        cursor.execute("ANALYZE app_plain")


@pytest.mark.parametrize("kind", KINDS)
def test_no_plan_is_worse_than_the_servers(kind: str) -> None:
    KINDS[kind]()
    step = Plain.django.count() // MANY
    keys = range(1, 1 + MANY * step, step)
    with connection.cursor() as cursor:  # psycopg's prepared statements have plans of their own
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    for name, (call, condition) in CALLS.items():
        rows = list(Plain.django.filter(pk__in=keys))
        for row in rows:
            row.value = 2
        ours, theirs = [], []
        for _ in range(3):
            theirs.append(seconds(partial(by_hand, rows, condition)))
            ours.append(seconds(partial(call, rows)))
        assert median(ours) <= 3 * median(theirs) + LEEWAY_S, (kind, name, ours, theirs)


def fetched() -> int:
    """How many rows of the table this transaction has read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
            " FROM pg_stat_xact_user_tables WHERE relid = 'app_plain'::regclass"
        )
        return int(cursor.fetchone()[0])


def read_by(call: Callable[[], Any]) -> int:
    """The rows that a call reads whose work is undone."""
    with contextlib.suppress(Undone), transaction.atomic():
        before = fetched()
        call()
        took = fetched() - before
        raise Undone
    return took


@pytest.mark.parametrize("share", [0, 1, 4])
@pytest.mark.parametrize("indexed", [True, False])
def test_s1_rows_that_left_the_filter(share: int, indexed: bool) -> None:
    """A call reads no more rows than the server's own plan, three times at most.  Of the rows some
    (one of `share`, or none) still have the value that the queryset is about."""
    fill(1, 5 * TABLE, f"CASE WHEN {share} > 0 AND g %% {max(share, 1)} = 0 THEN -1 ELSE g END")
    with connection.cursor() as cursor:
        if indexed:
            cursor.execute("CREATE INDEX stale ON app_plain (value)")
        cursor.execute("VACUUM ANALYZE app_plain")
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    rows = list(Plain.django.filter(pk__in=range(10, 5 * TABLE, 10)))
    for row in rows:
        row.value = 2
    found = Plain.objects.filter(value=-1)

    def batches(size: int) -> None:
        for i in range(0, len(rows), size):
            by_hand(rows[i : i + size], " AND t.value = -1")

    for size in (2_000, len(rows)):
        theirs = read_by(partial(batches, size))
        write = partial(found.update_fields, "value", objects=rows, batch_size=size)
        ours = read_by(write)
        assert ours <= 3 * theirs + 100, (ours, theirs, size)
    ours = read_by(partial(write, return_queryset=True))
    assert ours <= 5 * theirs + 100, (ours, theirs)  # it reads which they are, and what they hold


JIT_ABOVE_COST = 100_000  # the server's default


class Costs:
    """Asks for the planner's estimate of each statement before it is run."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("WITH", "INSERT", "UPDATE", "DELETE")):
            cursor = context["cursor"]
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            ((plan,),) = cursor.fetchall()
            self.found.append(plan[0]["Plan"]["Total Cost"])
        return execute(sql, params, many, context)


def rows_beside(first: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(first, first + TABLE)]


@pytest.mark.parametrize("statistics", [never, good])
@pytest.mark.parametrize(
    "write",
    [
        lambda rows: Plain.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["name"], update_fields=["value"]
        ),
        lambda rows: Plain.objects.bulk_create(rows, ignore_conflicts=True),
        lambda rows: Plain.objects.bulk_upsert(rows, ["name"]),
        lambda rows: Plain.objects.update_fields("value", objects=rows, unique_fields=["name"]),
        lambda rows: Plain.objects.bulk_delete(rows, ["name"]),
    ],
    ids=["update_conflicts", "ignore_conflicts", "upsert", "update_fields", "delete"],
)
def test_s3_no_statement_is_compiled(
    write: Callable[[list[Plain]], Any], statistics: Callable[[], None]
) -> None:
    """The planner has no statistics of the rows of a statement.  Where it expects every pair of
    them to meet, the cost is above jit_above_cost, and LLVM takes longer than the statement."""
    statistics()
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('app_plain', 'id'), %s)", [10 * TABLE])
    with connection.execute_wrapper(costs := Costs()):
        write(rows_beside(TABLE // 2))
    assert costs.found and max(costs.found) < JIT_ABOVE_COST
