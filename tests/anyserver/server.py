"""The server that a user names: a schema of its own there, tables, and a judge."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

Row = tuple[str, int]  # name, value

# Columns as Django's models say them.  A key alone is what a distributed table can have.
_PLAIN = """
CREATE TABLE parent (id bigint PRIMARY KEY);
INSERT INTO parent VALUES (1);
CREATE TABLE tag (id bigserial PRIMARY KEY, name varchar(20) NOT NULL);
CREATE TABLE item (
    id bigserial PRIMARY KEY,
    name varchar(20) NOT NULL CONSTRAINT item_name_unique UNIQUE,
    value integer NOT NULL CONSTRAINT item_value_check CHECK (value >= 0),
    parent_id bigint CONSTRAINT item_parent_reference REFERENCES parent);
CREATE TABLE item_tags (
    id bigserial PRIMARY KEY, item_id bigint NOT NULL, tag_id bigint NOT NULL,
    UNIQUE (item_id, tag_id));
"""


def rows_of(n: int, seed: str = "n") -> list[Row]:
    return [(f"{seed}{i}", i * 7 % 1000) for i in range(n)]


class AnyServer(Protocol):
    """A schema, or a database, of the tests' own on a server that a user names."""

    timeout: float

    def schema_made(self) -> AbstractContextManager[None]:
        """Drop it whatever ends the block, an interrupt too."""

    def database(self) -> dict[str, Any]:
        """Django's settings."""

    def sql(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]: ...
    def version(self) -> str: ...
    def fill(self, n: int) -> list[Row]:
        """n rows with the keys 1 to n, and none else."""

    def table(self) -> dict[int, Row]: ...


class AnyPlain(Protocol):
    """How long the same work takes as plain SQL, measured once for each size."""

    def seconds(self, what: str, n: int) -> float: ...


class Server:
    """A schema on the server, dropped in the end."""

    def __init__(self, url: str, prepare: str | None, timeout: float) -> None:
        """prepare: SQL to run once the tables are made.  timeout: of each statement, seconds."""
        self.given: dict[str, Any] = conninfo_to_dict(url, client_encoding="UTF8")
        self.schema = f"bulkmodel_check_{os.getpid()}_{uuid4().hex[:6]}"
        self.prepare = prepare
        self.timeout = timeout
        options = f"-c search_path={self.schema} -c statement_timeout={int(timeout * 1000)}"
        before = self.given.get("options", "")
        words: dict[str, Any] = {**self.given, "options": f"{before} {options}".strip()}
        self.conninfo = make_conninfo(**words)
        self.judge: psycopg.Connection[Any] | None = None

    @contextmanager
    def schema_made(self) -> Iterator[None]:
        """Drop it whatever ends the block, an interrupt too."""
        try:
            with self._alone() as connection:
                connection.execute(f"CREATE SCHEMA {self.schema}".encode())
            self.judge = psycopg.connect(self.conninfo, autocommit=True)
            self.sql(_PLAIN)
            if self.prepare:
                self.sql(self.prepare)
            yield
        finally:
            if self.judge is not None:
                self.judge.close()
            with self._alone() as connection:
                connection.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE".encode())

    def database(self) -> dict[str, Any]:
        """Django's settings."""
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
        database = {key: self.given.get(name) or "" for key, name in names.items()}
        known = {*names.values(), "port", "client_encoding", "options"}
        options = {name: value for name, value in self.given.items() if name not in known}
        search = f"-c search_path={self.schema}"
        options["options"] = f"{self.given.get('options', '')} {search}".strip()
        place = {"ENGINE": "django.db.backends.postgresql", "PORT": self.given.get("port") or ""}
        return {**database, **place, "OPTIONS": options}

    def _alone(self) -> psycopg.Connection[Any]:
        return psycopg.connect(make_conninfo(**self.given), autocommit=True)

    def drop_schemas_of(self, pid: int) -> None:
        """Those that a test program made and could not drop."""
        with self._alone() as connection:
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [rf"bmt\_{pid}\_%"]
            ).fetchall()
            for (name,) in found:
                connection.execute(f"DROP SCHEMA {name} CASCADE".encode())

    def sql(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        assert self.judge is not None
        cursor = self.judge.execute(text.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def version(self) -> str:
        return "PostgreSQL " + str(self.sql("SHOW server_version")[0][0]).split()[0]

    def fill(self, n: int) -> list[Row]:
        """n rows with the keys 1 to n, and none else."""
        rows = rows_of(n)
        self.sql("TRUNCATE item, item_tags, tag RESTART IDENTITY")
        assert self.judge is not None
        with (
            self.judge.cursor() as cursor,
            cursor.copy("COPY item (id, name, value) FROM STDIN") as copy,
        ):
            for key, (name, value) in enumerate(rows, 1):
                copy.write_row((key, name, value))
        self.sql("SELECT setval(pg_get_serial_sequence('item', 'id'), %s)", n + 1)
        return rows

    def table(self) -> dict[int, Row]:
        return {
            key: (name, value) for key, name, value in self.sql("SELECT id, name, value FROM item")
        }


def _columns(rows: list[Row]) -> tuple[list[str], list[int]]:
    return [name for name, _ in rows], [value for _, value in rows]


INSERT = "INSERT INTO item (name, value) SELECT * FROM unnest(%s::varchar[], %s::int[])"
UPSERT = f"{INSERT} ON CONFLICT (name) DO UPDATE SET value = excluded.value"
UPDATE = (
    "UPDATE item SET value = v.value FROM unnest(%s::bigint[], %s::int[]) v (id, value)"
    " WHERE item.id = v.id"
)
DELETE = "DELETE FROM item USING unnest(%s::bigint[]) v (id) WHERE item.id = v.id"
READ = "SELECT id, name, value, parent_id FROM item"


class Plain:
    """How long the same work takes as one statement of plain SQL, measured once for each size."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._known: dict[tuple[str, int], float] = {}

    def seconds(self, what: str, n: int) -> float:
        if (what, n) not in self._known:
            self._known[what, n] = self._measured(what, n)
        return self._known[what, n]

    def _measured(self, what: str, n: int) -> float:
        server, keys = self.server, list(range(1, n + 1))
        if what == "create":
            server.fill(0)
            return self._timed(lambda: server.sql(f"{INSERT} RETURNING id", *_columns(rows_of(n))))
        names, values = _columns(server.fill(n))
        does: dict[str, Callable[[], Any]] = {
            "update": lambda: server.sql(UPDATE, keys, values),
            "upsert": lambda: server.sql(UPSERT, names, values),
            "delete": lambda: server.sql(DELETE, keys),
            "read": lambda: server.sql(READ),
        }
        return self._timed(does[what])

    @staticmethod
    def _timed(call: Callable[[], Any]) -> float:
        began = time.monotonic()
        call()
        return time.monotonic() - began
