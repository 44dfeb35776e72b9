"""The floor: what psycopg 3 does with rows that are ready, without a single object."""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg
from django_models import SCHEMA, Table
from psycopg.types.json import Jsonb

BLOCK = 65_536
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"


def connect() -> psycopg.Connection[Any]:
    url = os.environ["BM_TEST_POSTGRESQL"]
    return psycopg.connect(url, autocommit=True, options=f"-c search_path={SCHEMA}")


def columns_of(table: Table) -> tuple[list[str], list[str]]:
    """Names and types of all columns but the key."""
    rows = table.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        f" WHERE attrelid = '{table.name}'::regclass AND attnum > 1 ORDER BY attnum"
    )
    return [row[0] for row in rows], [row[1] for row in rows]


# What psycopg takes only as its own class.
_AS: dict[str, Callable[[Any], Any]] = {"jsonb": Jsonb, "inet": ipaddress.ip_address}


def ready(table: Table, n: int) -> list[tuple[Any, ...]]:
    """Values as psycopg wants them."""
    wraps = [_AS.get(name) for name in columns_of(table)[1]]
    if not any(wraps):
        return table.tuples(n)
    return [
        tuple(
            cell if wrap is None or cell is None else wrap(cell) for cell, wrap in zip(row, wraps)
        )
        for row in table.tuples(n)
    ]


def copier(table: Table) -> Callable[[Iterable[Sequence[Any]]], None]:
    """A function that copies rows in one transaction, all that can be known looked up before."""
    connection = connect()
    names, types = columns_of(table)
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN BINARY"

    def copy_rows(rows: Iterable[Sequence[Any]]) -> None:
        with (
            connection.transaction(),
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    return copy_rows


def update_lists(connection: psycopg.Connection[Any], lists: Sequence[list[Any]]) -> None:
    """The key, the value, and the name where there is a third list."""
    names = ["value", "name"][: len(lists) - 1]
    types = ["bigint", "int", "text"][: len(lists)]
    sets = ", ".join(f"{name} = new.{name}" for name in names)
    arrays = ", ".join(f"%b::{name}[]" for name in types)
    with connection.transaction():
        connection.execute(
            f"UPDATE foo SET {sets} FROM unnest({arrays}) AS new (id, {', '.join(names)})"
            " WHERE foo.id = new.id",
            tuple(lists),
        )


def upsert_lists(connection: psycopg.Connection[Any], lists: Sequence[list[Any]]) -> None:
    """All columns of Foo; rows whose key is there get the name and the value."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO foo SELECT * FROM unnest(%b::bigint[], %b::text[], %b::int[], %b::uuid[])"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, value = excluded.value",
            tuple(lists),
        )


def blocks(rows: Iterable[tuple[Any, ...]]) -> list[bytes]:
    """A binary COPY of Foo, ready to be sent."""
    done: list[bytes] = []
    block = bytearray(HEADER)
    for name, value, stamp in rows:
        text = name.encode()
        block += struct.pack("!hi", 3, len(text)) + text
        block += struct.pack("!iii", 4, value, 16) + stamp.bytes
        if len(block) >= BLOCK:
            done.append(bytes(block))
            block.clear()
    return [*done, bytes(block) + TRAILER]


def copy_blocks(connection: psycopg.Connection[Any], ready: Iterable[bytes]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY foo (name, value, bm_create_uuid) FROM STDIN BINARY") as copy,
    ):
        for block in ready:
            copy.write(block)
