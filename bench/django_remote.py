"""A contender in a process of its own: says "done" after each line that it was told.

usage: django_remote.py bulk-load ROWS | copy ROWS
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from django_models import Foo, Table


class BulkLoad:
    """django-bulk-load, on psycopg2."""

    def __init__(self, n: int) -> None:
        import django_bulk_load as peer

        self.table, self.n = Table(Foo, "default"), n
        self.objects: list[Any] = []
        update: Callable[..., Any] = peer.bulk_update_models
        self.verbs: dict[str, Callable[[], Any]] = {
            "insert": lambda: peer.bulk_insert_models(self.objects, return_models=True),
            "upsert": lambda: peer.bulk_upsert_models(self.objects, pk_field_names=["id"]),
            "value": lambda: update(self.objects, update_field_names=["value"]),
            "value,name": lambda: update(self.objects, update_field_names=["value", "name"]),
        }

    def do(self, verb: str, argument: str) -> None:
        if verb == "new":
            self.objects = self.table.objects(self.n)
        elif verb == "keyed":
            self.objects = self.table.objects(self.n, 1)
        elif verb == "read":
            self.objects = list(self.table.plain.filter(pk__lte=self.n))
        elif verb == "change":
            change(self.objects, int(argument))
        else:
            self.verbs[verb]()


class Copy:
    """Half of the rows, as bytes that are ready."""

    def __init__(self, n: int) -> None:
        import django_floor as floor

        self.connection = floor.connect()
        self.blocks = floor.blocks(Table(Foo, "default").tuples(n))
        self.copy = floor.copy_blocks

    def do(self, verb: str, argument: str) -> None:
        if verb == "copy":
            self.copy(self.connection, self.blocks)


def change(objects: list[Any], by: int) -> None:
    """Other values, so that each row is another."""
    for row in objects:
        row.value += by
        row.name = row.name[1:] + row.name[:1]


def main(kind: str, n: str) -> None:
    contender = BulkLoad(int(n)) if kind == "bulk-load" else Copy(int(n))
    for line in sys.stdin:
        verb, _, argument = line.strip().partition(" ")
        contender.do(verb, argument)
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
