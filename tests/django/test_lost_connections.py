"""A connection on PostgreSQL that was lost is found without a question, and opened again; one that
the caller is using is not waited for."""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Plain
from bulkmodel.engine.connections import ensure_connected
from spy import end, kill, look

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lost_connection_is_opened_again() -> None:
    for verb in ("ensure_connected", "reset_connection"):
        connection.ensure_connection()
        lost = connection.connection
        end(lost)
        with CaptureQueriesContext(connection) as captured:
            assert getattr(Plain.objects, verb)() is Plain.objects
        assert connection.connection is not lost
        assert not any("SELECT 1" in query["sql"] for query in captured)
        assert Plain.objects.count() == 0


def test_a_connection_that_has_news_is_there() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LISTEN news")
    driver = connection.connection
    look("NOTIFY news")
    time.sleep(0.1)
    Plain.objects.ensure_connected()
    assert connection.connection is driver


def test_a_connection_that_was_lost_inside_a_transaction() -> None:
    with pytest.raises(OperationalError, match="lost inside"), transaction.atomic():
        Plain.objects.create(name="a")
        end(connection.connection)
        Plain.objects.ensure_connected()
    assert Plain.objects.ensure_connected().count() == 0


def relay(listener: socket.socket, server: socket.socket) -> None:
    """Pass on what either side says until the client hangs up; that the server did stays here."""
    client = listener.accept()[0]
    listener.close()
    ways = {client: server, server: client}
    with client, server:
        while True:
            for side in select.select(list(ways), [], [])[0]:
                said = side.recv(1 << 16)
                if not said and side is client:
                    return
                if said:
                    ways[side].sendall(said)
                else:
                    del ways[side]


@pytest.fixture
def relayed(tmp_path: Path) -> Iterator[Any]:
    """A connection whose server may go, while nobody hangs up."""
    server = socket.socket(socket.AF_UNIX)
    connection.ensure_connection()
    info = connection.connection.info
    server.connect(f"{info.host}/.s.PGSQL.{info.port}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/.s.PGSQL.5432")
        listener.listen()
        thread = threading.Thread(target=relay, args=(listener, server))
        thread.start()
        own = connection.copy()
        own.settings_dict.update(HOST=str(tmp_path), PORT="5432")
        yield own
        own.close()
        thread.join(10)
    assert not thread.is_alive()


def test_the_last_words_of_a_server_are_its_end(relayed: Any) -> None:
    ensure_connected(relayed)
    lost = relayed.connection
    ensure_connected(relayed)
    assert relayed.connection is lost
    kill(lost.info.backend_pid)
    assert select.select([lost.fileno()], [], [], 10)[0]
    with pytest.raises(OperationalError):  # opened anew, where nobody listens any more
        ensure_connected(relayed)
    assert lost.closed


def _rows(number: int) -> list[Plain]:
    return [Plain(name=f"name {place}", value=place) for place in range(number)]


VERBS: dict[str, Callable[[], Any]] = {
    "bulk_create": lambda: Plain.objects.bulk_create(_rows(1)),
    "bulk_create by COPY": lambda: Plain.objects.bulk_create(_rows(3000)),
    "concurrent": lambda: Plain.objects.bulk_create(_rows(3000), concurrent=True),
    "copy_from_objects": lambda: Plain.objects.copy_from_objects(iter(_rows(2))),
    "bulk_update": lambda: Plain.objects.bulk_update([Plain(pk=1, name="a")], ["name"]),
    "update_fields": lambda: Plain.objects.update_fields("name", objects=[Plain(pk=1, name="a")]),
    "bulk_upsert": lambda: Plain.objects.bulk_upsert(_rows(1), ["name"]),
    "bulk_delete": lambda: Plain.objects.bulk_delete([1]),
    "bulk_sync": lambda: Plain.objects.all().bulk_sync(_rows(1), ["name"]),
    "copy_to_instances": lambda: Plain.objects.all().copy_to_instances(),
    "iter_copy_to_instances": lambda: list(Plain.objects.all().iter_copy_to_instances()),
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("way", ["COPY FROM", "COPY TO", "stream"])
def test_a_connection_in_the_middle_of_the_callers_copy(way: str, verb: str, inside: bool) -> None:
    """psycopg's lock is held there, and is not given twice: without the check the call never
    ends."""

    def in_the_middle() -> None:
        with connection.cursor() as cursor:
            if way == "stream":
                for _ in cursor.stream("SELECT 1"):
                    VERBS[verb]()
            direction = "FROM STDIN" if way == "COPY FROM" else "TO STDOUT"
            with cursor.copy(f"COPY {Plain._meta.db_table} (name) {direction}"):
                VERBS[verb]()

    def late(number: int, frame: object) -> None:
        raise AssertionError("the call waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    try:
        _refused(in_the_middle, inside)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert Plain.objects.count() == 0
    VERBS[verb]()


def _refused(in_the_middle: Callable[[], None], inside: bool) -> None:
    with transaction.atomic() if inside else nullcontext():
        with pytest.raises(ProgrammingError, match=r"middle of a cursor.copy\(\)"):
            in_the_middle()
        if inside:
            transaction.set_rollback(True)
