"""One row and ten, every verb: what a call costs beside its rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from contest import Asked, Contest, Side
from django_create import backend
from django_models import LITE, Table, foo
from django_remote import change

CALLS = 100
KEYS = 1_000

Call = Callable[[Any], Any]


def repeat(name: str, call: Call, make: Callable[[], Any]) -> Side:
    """Many calls are one run: a call alone is too short to be timed."""

    def run(given: list[Any]) -> None:
        for rows in given:
            call(rows)

    return Side(name, "Django's own", run, lambda: [make() for _ in range(CALLS)])


def pairs(table: Table, n: int) -> dict[str, tuple[Call, Call, Callable[[], Any]]]:
    """Ours, Django's, and what both are given, by verb."""
    ours, plain = table.ours, table.plain
    all_but_key = {"unique_fields": ["id"], "update_fields": ["name", "value"]}
    further = count(1)

    def new() -> list[Any]:
        return table.objects(n)

    def there() -> list[Any]:
        rows = table.objects(n, 1)
        for row in rows:
            row._state.adding = False
        change(rows, 1)
        return rows

    def differing() -> list[Any]:
        """A row that has the object's values already is not written by bulk_upsert()."""
        rows = table.objects(n, 1)
        change(rows, next(further))
        return rows

    def to_delete() -> list[Any]:
        rows = table.objects(n, KEYS + n * next(further))
        return plain.bulk_create(rows)

    def conflicting(rows: list[Any]) -> Any:
        return plain.bulk_create(rows, update_conflicts=True, **all_but_key)

    return {
        "create": (ours.bulk_create, plain.bulk_create, new),
        "bulk_update": (
            lambda rows: ours.bulk_update(rows, ["value"]),
            lambda rows: plain.bulk_update(rows, ["value"]),
            there,
        ),
        "update_fields": (
            lambda rows: ours.update_fields("value", objects=rows),
            lambda rows: plain.bulk_update(rows, ["value"]),
            there,
        ),
        "update": (
            lambda _: ours.filter(pk__lte=n).update(value=1),
            lambda _: plain.filter(pk__lte=n).update(value=1),
            lambda: None,
        ),
        "bulk_upsert": (
            lambda rows: ours.bulk_upsert(rows, ["id"], ["name", "value"]),
            conflicting,
            differing,
        ),
        "update_conflicts": (
            lambda rows: ours.bulk_create(rows, update_conflicts=True, **all_but_key),
            conflicting,
            differing,
        ),
        "bulk_delete": (
            ours.bulk_delete,
            lambda rows: plain.filter(pk__in=[row.pk for row in rows]).delete(),
            to_delete,
        ),
        "copy_from_objects": (ours.copy_from_objects, plain.bulk_create, new),
        "list": (
            lambda _: list(ours.filter(pk__lte=n)),
            lambda _: list(plain.filter(pk__lte=n)),
            lambda: None,
        ),
        "copy_to_instances": (
            lambda _: ours.filter(pk__lte=n).copy_to_instances(),
            lambda _: list(plain.filter(pk__lte=n)),
            lambda: None,
        ),
    }


def small(engine: str, asked: Asked, table: Table) -> None:
    for n in (1, 10):
        for verb, (ours, theirs, make) in pairs(table, n).items():
            table.fill(KEYS)
            if table.alias != LITE:
                table.execute(f"SELECT setval('foo_id_seq', {KEYS})")
            contest = Contest(f"django_small_{engine}_{verb}_{n}", asked, n)
            if table.alias != LITE:
                contest.measures(backend())
            contest.run(repeat("ours", ours, make), [repeat("django", theirs, make)])


def row_small_pg(asked: Asked) -> None:
    small("pg", asked, foo())


def row_small_sqlite(asked: Asked) -> None:
    """In WAL and without waiting for the disk, which would hide all else."""
    table = foo(LITE)
    table.execute("PRAGMA journal_mode = WAL")
    table.execute("PRAGMA synchronous = OFF")
    small("sqlite", asked, table)
