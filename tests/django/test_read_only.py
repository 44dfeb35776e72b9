"""A standby, or a session that is read-only, is an error by name before anything is sent."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import InternalError, connection, connections, transaction
from django.db.models.deletion import get_candidate_relations_to_delete
from django.test.utils import CaptureQueriesContext

from app.models import Plain
from bulkmodel.errors import ReadOnlyServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clusters import Cluster, standby

# Deleting rows looks at the tables that refer to them, also where the model does not say so ("+").
TABLES: list[Any] = [Plain]
for refers in TABLES:
    found = [of.related_model for of in get_candidate_relations_to_delete(refers._meta)]
    TABLES += [model for model in found if model not in TABLES]

N = 1500  # more rows than a small call has


names = itertools.count()


def new(n: int) -> list[Plain]:
    return [Plain(name=f"n{next(names)}", value=i) for i in range(n)]


def there(n: int) -> list[Plain]:
    return [Plain(pk=i + 1, name="x", value=1) for i in range(n)]


WRITES: dict[str, Callable[[Any, int], Any]] = {
    "bulk_create": lambda rows, n: rows.bulk_create(new(n)),
    "concurrent": lambda rows, n: rows.bulk_create(new(n), concurrent=True),
    "ignore": lambda rows, n: rows.bulk_create(new(n), ignore_conflicts=True),
    "copy_from_objects": lambda rows, n: rows.copy_from_objects(new(n)),
    "copy_from_iterator": lambda rows, n: rows.copy_from_objects(iter(new(n))),
    "create_queryset": lambda rows, n: rows.create_queryset(new(n)),
    "bulk_update": lambda rows, n: rows.bulk_update(there(n), ["value"]),
    "update_fields": lambda rows, n: rows.update_fields("value", objects=there(n)),
    "update": lambda rows, n: rows.update(value=n),
    "update_by_key": lambda rows, n: rows.update(value=n, batch_size=100),
    "update_and_return": lambda rows, n: rows.update(value=n, return_queryset=True),
    "bulk_upsert": lambda rows, n: rows.bulk_upsert(there(n)),
    "bulk_delete": lambda rows, n: rows.bulk_delete(there(n)),
    "bulk_sync": lambda rows, n: rows.bulk_sync(there(n)),
    "dry_run": lambda rows, n: rows.bulk_upsert(there(n), dry_run=True),
}


def refused(rows: Any, word: str) -> None:
    for name, write in WRITES.items():
        for n in (1, N):
            using = connections[rows.db]
            with CaptureQueriesContext(using) as seen, pytest.raises(ReadOnlyServer) as raised:
                write(rows, n)
            assert isinstance(raised.value, InternalError), name
            assert word in str(raised.value), name
            assert raised.value.sqlstate == "25006", name
            assert raised.value.row_index is None, name
            written = ("INSERT", "UPDATE", "DELETE", "COPY")
            assert not any(query["sql"].startswith(written) for query in seen), (name, n)


@pytest.fixture
def read_only(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("read_only")
def test_a_session_that_is_read_only() -> None:
    refused(Plain.objects.all(), "session is read-only")
    assert list(Plain.objects.all()) == [] == Plain.objects.all().copy_to_instances()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ WRITE")
        Plain.objects.bulk_create(new(N))
        assert Plain.objects.update(value=3) == N
    assert Plain.objects.count() == N
    Plain.objects.bulk_create([])
    assert Plain.objects.none().update(value=1) == 0
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
    Plain.objects.update_fields("value", objects=Plain.objects.all()[:10])
    Plain.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_nothing_to_write_opens_no_connection() -> None:
    connection.close()
    Plain.objects.bulk_create([])
    assert Plain.objects.none().update(value=1) == 0
    assert connection.connection is None


class Reads:
    """Reads go to the standby, writes to the primary server."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "standby"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "primary"

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        return True


@pytest.fixture
def servers(django_db_blocker: Any) -> Iterator[Cluster]:
    """Two further databases, which Django's test cases know nothing of."""
    with django_db_blocker.unblock(), standby() as (primary, copied):
        for alias, cluster in (("primary", primary), ("standby", copied)):
            given = {**connections.settings["default"], "NAME": "postgres", "USER": "postgres"}
            connections.settings[alias] = {**given, "HOST": str(cluster.folder), "PORT": "5432"}
        with connections["primary"].schema_editor() as editor:
            for model in TABLES:
                editor.create_model(model)
        while TABLES[-1]._meta.db_table not in connections["standby"].introspection.table_names():
            connections["standby"].close()
        try:
            yield copied
        finally:
            for alias in ("primary", "standby"):
                connections[alias].close()
                del connections[alias], connections.settings[alias]


@pytest.mark.usefixtures("servers")
def test_a_standby_and_routers(settings: Any) -> None:
    refused(Plain.objects.using("standby"), "server is a standby")
    settings.DATABASE_ROUTERS = ["test_read_only.Reads"]
    rows = Plain.objects.bulk_create(new(N))
    assert rows[0]._state.db == "primary"
    written = Plain.objects.using("primary")
    assert written.count() == N
    for row in rows:
        row.value += 1
    # The standby may lag: what a verb reads before it writes, it reads on the primary server.
    queries = CaptureQueriesContext(connections["standby"])
    with queries:
        assert Plain.objects.bulk_update(rows, ["value"]) == N
        assert Plain.objects.update_fields("value", objects=rows) == N
        assert Plain.objects.update_fields("name", objects=rows, unique_fields=["value"]) == N
        assert Plain.objects.bulk_upsert(rows).unchanged == N
        assert Plain.objects.bulk_upsert(rows, unique_fields=["value"]).unchanged == N
        assert Plain.objects.update(value=0, batch_size=100) == N
        assert len(Plain.objects.update(value=0, return_queryset=True)) == N
        assert len(Plain.objects.create_queryset(rows)) == N
        assert Plain.objects.filter(value__gte=0).bulk_sync(rows).unchanged == N
        assert Plain.objects.bulk_delete(rows[:10]).deleted == 10
        assert len(Plain.objects.copy_from_objects(new(N), return_queryset=True)) == N
    assert [query["sql"] for query in queries] == []
    assert written.count() == 2 * N - 10
