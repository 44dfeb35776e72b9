"""The MariaDB or MySQL server that a user names: a database of its own there, tables, and a judge.
It has what server.Server has, for the Django app alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

import pymysql  # type: ignore[import-untyped]
from server import Row, rows_of

SCHEMES = ("mysql", "mariadb")
_PLAIN = (
    "CREATE TABLE parent (id bigint PRIMARY KEY)",
    "INSERT INTO parent VALUES (1)",
    "CREATE TABLE tag (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL)",
    "CREATE TABLE item (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL,"
    " value integer NOT NULL, parent_id bigint,"
    " CONSTRAINT item_name_unique UNIQUE (name),"
    " CONSTRAINT item_value_check CHECK (value >= 0),"
    " CONSTRAINT item_parent_reference FOREIGN KEY (parent_id) REFERENCES parent (id))",
    "CREATE TABLE item_tags (id bigint AUTO_INCREMENT PRIMARY KEY, item_id bigint NOT NULL,"
    " tag_id bigint NOT NULL, UNIQUE (item_id, tag_id))",
)


def is_mysql(url: str) -> bool:
    return urlsplit(url).scheme in SCHEMES


class MySQLServer:
    """A database on the server, dropped in the end."""

    def __init__(self, url: str, prepare: str | None, timeout: float) -> None:
        """url: mysql://USER:PASSWORD@HOST:PORT/?unix_socket=PATH.  prepare: a statement to run once
        the tables are made.  timeout: of each statement, seconds."""
        given = urlsplit(url)
        self.given: dict[str, Any] = {
            "user": unquote(given.username or ""),
            "password": unquote(given.password or ""),
            "host": given.hostname or "localhost",
            "port": given.port or 3306,
            **dict(parse_qsl(given.query)),
        }
        self.schema = f"bulkmodel_check_{os.getpid()}_{uuid4().hex[:6]}"
        self.prepare = prepare
        self.timeout = timeout
        self.judge: Any = None

    @contextmanager
    def schema_made(self) -> Iterator[None]:
        """Drop it whatever ends the block, an interrupt too."""
        try:
            self.judge = self._connected()
            self.sql(f"CREATE DATABASE {self.schema} CHARACTER SET utf8mb4")
            self.judge.select_db(self.schema)
            for text in (*_PLAIN, *([self.prepare] if self.prepare else [])):
                self.sql(text)
            yield
        finally:
            if self.judge is not None:
                self.judge.close()
            self.judge = self._connected()  # an interrupt may have come in the middle of an answer
            self.sql(f"DROP DATABASE IF EXISTS {self.schema}")
            self.judge.close()

    def _connected(self) -> Any:
        return pymysql.connect(
            **self.given, autocommit=True, charset="utf8mb4", read_timeout=self.timeout
        )

    def sql(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.judge.cursor() as cursor:
            cursor.execute(text, parameters or None)
            return list(cursor.fetchall())

    def database(self) -> dict[str, Any]:
        """Django's settings.  PyMySQL has mysqlclient's interface; this is its version."""
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
        names = {
            "NAME": self.schema,
            "USER": self.given["user"],
            "PASSWORD": self.given["password"],
        }
        known = {"user", "password", "host", "port"}
        options = {key: value for key, value in self.given.items() if key not in known}
        place = {"HOST": self.given["host"], "PORT": str(self.given["port"])}
        return {"ENGINE": "django.db.backends.mysql", **names, **place, "OPTIONS": options}

    def many(self, text: str, rows: list[tuple[Any, ...]]) -> None:
        """An INSERT with many rows, which the driver sends in few statements."""
        with self.judge.cursor() as cursor:
            cursor.executemany(text, rows)

    def version(self) -> str:
        version = str(self.sql("SELECT version()")[0][0])
        return ("MariaDB " if "MariaDB" in version else "MySQL ") + version.split("-")[0]

    def fill(self, n: int) -> list[Row]:
        """n rows with the keys 1 to n, and none else."""
        rows = rows_of(n)
        for table in ("item_tags", "tag", "item"):
            self.sql(f"TRUNCATE {table}")
        keyed = [(key, *row) for key, row in enumerate(rows, 1)]
        if keyed:
            self.many("INSERT INTO item (id, name, value) VALUES (%s, %s, %s)", keyed)
        return rows

    def table(self) -> dict[int, Row]:
        return {
            key: (name, value) for key, name, value in self.sql("SELECT id, name, value FROM item")
        }


INSERT = "INSERT INTO item (name, value) VALUES (%s, %s)"
UPSERT = f"{INSERT} ON DUPLICATE KEY UPDATE value = VALUES(value)"
STAGE = "CREATE TEMPORARY TABLE v (id bigint PRIMARY KEY, value integer)"
UPDATE = "UPDATE item JOIN v ON v.id = item.id SET item.value = v.value"
DELETE = "DELETE FROM item WHERE id IN %s"
READ = "SELECT id, name, value, parent_id FROM item"


class MySQLPlain:
    """How long the same work takes as plain SQL, measured once for each size."""

    def __init__(self, server: MySQLServer) -> None:
        self.server = server
        self._known: dict[tuple[str, int], float] = {}

    def seconds(self, what: str, n: int) -> float:
        if (what, n) not in self._known:
            self._known[what, n] = self._measured(what, n)
        return self._known[what, n]

    def _measured(self, what: str, n: int) -> float:
        server = self.server
        rows = rows_of(n) if what == "create" else server.fill(n)
        if what == "create":
            server.fill(0)
        does: dict[str, Callable[[], Any]] = {
            "create": lambda: server.many(INSERT, list(rows)),
            "update": lambda: self._update([(key, row[1]) for key, row in enumerate(rows, 1)]),
            "upsert": lambda: server.many(UPSERT, list(rows)),
            "delete": lambda: server.sql(DELETE, list(range(1, n + 1))),
            "read": lambda: server.sql(READ),
        }
        began = time.monotonic()
        does[what]()
        return time.monotonic() - began

    def _update(self, rows: list[tuple[Any, ...]]) -> None:
        self.server.sql(STAGE)
        self.server.many("INSERT INTO v VALUES (%s, %s)", rows)
        self.server.sql(UPDATE)
        self.server.sql("DROP TEMPORARY TABLE v")
