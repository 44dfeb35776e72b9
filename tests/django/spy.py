"""What statements run where: a spy for execute_wrapper, and a connection to look with."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from bulkmodel.engine.postgresql import ONE_WRITER
from bulkmodel.engine.session import SESSION

MARK = "bulkmodel tests: the one who looks"


_STATUS = ("IDLE", "ACTIVE", "INTRANS", "INERROR", "UNKNOWN")


def transaction_status() -> str:
    """Return the name of libpq's PGTransactionStatusType, which both drivers give as a number."""
    return _STATUS[connection.connection.info.transaction_status]


class Spy:
    """Notes each statement's thread and backend, but for what the caller's connection is asked of
    its session and of the table; `before` is called first."""

    any_thread = True

    def __init__(self, before: Callable[[str, Any], None] | None = None) -> None:
        self.before = before
        self.calls: list[tuple[str, int, int]] = []  # sql, thread, pid

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        info = getattr(context["connection"].connection, "info", None)
        if sql not in (SESSION, ONE_WRITER):
            self.calls.append((sql, threading.get_ident(), info.backend_pid if info else 0))
        if self.before is not None:
            self.before(sql, context)
        return execute(sql, params, many, context)

    @property
    def threads(self) -> set[int]:
        return {thread for _, thread, _ in self.calls}

    @property
    def backends(self) -> set[int]:
        return {pid for _, _, pid in self.calls}


def is_write(sql: str) -> bool:
    return any(verb in sql for verb in ("INSERT INTO", "COPY", "UPDATE "))


class Both:
    """Lets the first write of each of n workers pass when all of them have come to theirs."""

    def __init__(self, n: int = 2) -> None:
        self.barrier = threading.Barrier(n, timeout=20)
        self.come: set[int] = set()

    def __call__(self, sql: str, context: Any) -> None:
        me = threading.get_ident()
        if is_write(sql) and me not in self.come and len(self.come) < self.barrier.parties:
            self.come.add(me)
            self.barrier.wait()


@contextmanager
def watching(before: Callable[[str, Any], None] | None = None) -> Iterator[Spy]:
    spy = Spy(before)
    with connection.execute_wrapper(spy):
        yield spy


def look(sql: str, *params: Any) -> list[Any]:
    """Ask on a connection that is not Django's."""
    import psycopg

    settings = connection.get_connection_params()
    keep = {name: settings[name] for name in ("dbname", "user", "host", "port") if name in settings}
    with psycopg.connect(**keep, application_name=MARK, autocommit=True) as other:
        cursor = other.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def backends() -> set[int]:
    """Those of this database, but for the one who looks."""
    sql = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND application_name <> %s"
    )
    return {pid for (pid,) in look(sql, MARK)}


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.01)


def kill(pid: int) -> None:
    look("SELECT pg_terminate_backend(%s)", pid)
    until(lambda: pid not in backends())


def end(driver: Any) -> None:
    """Kill a connection's backend, and wait until its end has arrived here."""
    kill(driver.info.backend_pid)
    poll = select.poll()  # the message comes first, and what ends the connection behind it
    poll.register(driver.fileno(), getattr(select, "POLLRDHUP", 0))
    assert poll.poll(60_000), "nothing arrived"
