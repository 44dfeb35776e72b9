"""concurrent=True on PostgreSQL: several connections that commit together."""

from __future__ import annotations

import _thread
import asyncio
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Keyed, Node, Plain
from bulkmodel import _core
from bulkmodel.engine import returned_keys, workers
from bulkmodel.engine.statements import Condition
from bulkmodel.errors import PartialCommit
from bulkmodel.model.adapt import for_create
from bulkmodel.model.target import Target, gather, make_job
from spy import Both, backends, is_write, kill, until, watching

pytestmark = pytest.mark.django_db(transaction=True)

WAYS: dict[str, Any] = {"batch_size": 10, "concurrent": True}


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    """Whatever happens, the connections that were opened are closed."""
    connection.ensure_connection()
    before = backends()
    yield
    connection.ensure_connection()
    until(lambda: len(backends()) <= len(before))
    names = [thread.name for thread in threading.enumerate()]
    assert "bulkmodel" not in names


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def names() -> set[str]:
    return set(Plain.django.values_list("name", flat=True))


# ------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize("n", [100, 1000, 3000])
def test_keys_are_set_in_the_order_of_the_input(n: int) -> None:
    made = Plain.objects.bulk_create(rows(n), concurrent=True, batch_size=n // 7)
    stored = dict(Plain.django.values_list("name", "pk"))
    assert [stored[f"n{i}"] for i in range(n)] == [row.pk for row in made]
    assert not any(row._state.adding or row._state.db != "default" for row in made)


def test_rows_with_and_without_keys() -> None:
    given = rows(100)
    for row in given[::3]:
        row.pk = 5000 + row.value
    Plain.objects.bulk_create(given, max_concurrent_workers=2, **WAYS)
    assert dict(Plain.django.values_list("pk", "value")) == {row.pk: row.value for row in given}


def test_without_a_batch_size() -> None:
    with watching(Both()) as spy:
        Plain.objects.bulk_create(rows(2500), concurrent=True, max_concurrent_workers=2)
    assert len([sql for sql, *_ in spy.calls if sql.startswith("COPY")]) == 2
    assert len(names()) == 2500


def test_update_fields() -> None:
    made = Plain.objects.bulk_create(rows(200), return_queryset=True)
    for row in made[50:]:
        row.value = -row.value
    with watching(Both()) as spy:
        assert made.update_fields(max_concurrent_workers=2, **WAYS) == 150
    assert len(spy.backends) == 2
    assert made.update_fields() == 0
    values = set(Plain.django.values_list("value", flat=True))
    assert values == {*range(50), *range(-199, -49)}


def test_keys_that_are_given() -> None:
    Keyed.objects.bulk_create([Keyed(name=f"{i}") for i in range(100)], **WAYS)
    assert Keyed.objects.count() == 100


# ------------------------------------------------------------------------------ its bounds


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("by", ["option", "setting"])
def test_so_many_connections_and_threads(n: int, by: str, settings: Any) -> None:
    most: list[int] = []
    options = dict(WAYS)
    if by == "option":
        options["max_concurrent_workers"] = n
    else:
        settings.MAX_CONCURRENT_BATCH_WRITES = n

    both = Both(n)

    def count(sql: str, context: Any) -> None:
        both(sql, context)
        if is_write(sql):
            most.append(len(backends()))

    before = len(backends())
    with watching(count) as spy:
        Plain.objects.bulk_create(rows(100), **options)
    assert len(spy.threads) == len(spy.backends) == n
    assert threading.get_ident() not in spy.threads
    assert before < max(most) <= before + n
    assert len(most) == 10


def test_no_more_workers_than_chunks() -> None:
    with watching(Both(2)) as spy:
        Plain.objects.bulk_create(rows(20), **WAYS)
    assert len(spy.backends) == 2
    with watching() as spy:
        Plain.objects.bulk_create([Plain(name=f"m{i}") for i in range(10)], **WAYS)
    assert spy.threads == {threading.get_ident()}


def test_the_setting_and_the_option(settings: Any) -> None:
    settings.ALWAYS_USE_CONCURRENT_BATCH_WRITES = True
    with watching(Both(4)) as spy:
        Plain.objects.bulk_create(rows(100), batch_size=10)
    assert len(spy.threads) == 4
    with watching() as spy:
        Plain.objects.bulk_create([Plain(name=f"m{i}") for i in range(100)], 10, concurrent=False)
    assert spy.threads == {threading.get_ident()}


def test_inside_a_transaction() -> None:
    before = backends()
    with watching() as spy:
        with transaction.atomic():
            made = Plain.objects.bulk_create(rows(100), return_queryset=True, **WAYS)
            for row in made:
                row.value = 7
            assert made.update_fields(**WAYS) == 99
            assert backends() == before
            transaction.set_rollback(True)
        assert names() == set()
    assert spy.threads == {threading.get_ident()}


def test_with_autocommit_off() -> None:
    transaction.set_autocommit(False)
    try:
        with watching() as spy:
            Plain.objects.bulk_create(rows(100), **WAYS)
        assert spy.threads == {threading.get_ident()}
        transaction.rollback()
        assert names() == set()
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)


def test_rows_that_refer_to_rows_of_the_call() -> None:
    nodes = [Node(pk=i + 1, name=f"{i}", parent_id=max(i, 1)) for i in range(100)]
    with watching() as spy:
        Node.objects.bulk_create(nodes, **WAYS)
    assert spy.threads == {threading.get_ident()}
    assert Node.objects.count() == 100


# --------------------------------------------------------------------- what the caller sees


def test_statements_are_in_the_callers_log() -> None:
    with CaptureQueriesContext(connection) as captured, watching(Both()):
        Plain.objects.bulk_create(rows(100), max_concurrent_workers=2, **WAYS)
    log = [query["sql"] for query in captured]
    writes = [i for i, sql in enumerate(log) if is_write(sql)]
    commits = [i for i, sql in enumerate(log) if sql == "COMMIT"]
    assert len(writes) == 10 and len(commits) == 2
    assert max(writes) < min(commits)


@pytest.mark.parametrize(("given", "used"), [(None, "1min"), ("7s", "7s")])
def test_waiting_has_an_end(given: str | None, used: str, monkeypatch: Any) -> None:
    if given is not None:
        options = {"options": f"-c lock_timeout={given}"}
        monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    shown: set[str] = set()

    def ask(sql: str, context: Any) -> None:
        if is_write(sql):
            driver = context["connection"].connection
            shown.update(driver.execute("SHOW lock_timeout").fetchone())

    with watching(ask):
        Plain.objects.bulk_create(rows(100), **WAYS)
    assert shown == {used}


# ------------------------------------------------------------------------------ when it fails


@pytest.mark.parametrize("chunk", range(6))
def test_a_chunk_fails(chunk: int) -> None:
    Plain.django.create(name="there")
    given = rows(60)
    given[10 * chunk + 3].name = "there"
    with pytest.raises(IntegrityError):
        Plain.objects.bulk_create(given, max_concurrent_workers=3, **WAYS)
    assert names() == {"there"}
    assert all(row.pk is None and row._state.adding for row in given)


@pytest.mark.parametrize("chunk", range(6))
def test_a_chunk_of_an_update_fails(chunk: int) -> None:
    Plain.django.create(name="there")
    made = Plain.objects.bulk_create(rows(60), return_queryset=True)
    for row in made:
        row.name += "!"
    made[10 * chunk + 3].name = "there"
    with pytest.raises(IntegrityError):
        made.update_fields(max_concurrent_workers=3, **WAYS)
    assert names() == {"there"} | {f"n{i}" for i in range(60)}


def test_a_worker_whose_statement_runs_is_stopped() -> None:
    class OwnError(Exception):
        pass

    both = Both()

    def sleep(sql: str, context: Any) -> None:
        both(sql, context)
        if is_write(sql):
            if threading.get_ident() == min(both.come):
                raise OwnError
            context["connection"].connection.execute("SELECT pg_sleep(60)")

    start = time.monotonic()
    with watching(sleep), pytest.raises(OwnError):
        Plain.objects.bulk_create(rows(20), **WAYS)
    assert time.monotonic() - start < 20
    assert names() == set()


def test_t12_a_worker_between_two_chunks_writes_no_more(monkeypatch: Any) -> None:
    """No request to cancel reaches it there: it is told to stop at its next step."""

    class OwnError(Exception):
        pass

    both, known = Both(), threading.Event()
    failed = workers.Team.failed

    def tell(team: Any, worker: Any, error: BaseException) -> None:
        failed(team, worker, error)
        known.set()

    def fail_one(sql: str, context: Any) -> None:
        both(sql, context)
        if is_write(sql):
            if threading.get_ident() == min(both.come):
                raise OwnError
            assert known.wait(20)

    monkeypatch.setattr(workers.Team, "failed", tell)
    monkeypatch.setattr(workers._Worker, "cancel", lambda worker: None)
    with watching(fail_one) as spy, pytest.raises(OwnError):
        Plain.objects.bulk_create(rows(60), max_concurrent_workers=2, **WAYS)
    assert len([sql for sql, *_ in spy.calls if is_write(sql)]) == 2
    assert names() == set()


def test_an_exception_of_the_callers_own() -> None:
    class OwnError(Exception):
        pass

    def fail(sql: str, context: Any) -> None:
        if is_write(sql):
            raise OwnError

    given = rows(60)
    with watching(fail), pytest.raises(OwnError):
        Plain.objects.bulk_create(given, **WAYS)
    assert names() == set()
    assert all(row.pk is None for row in given)


def test_keyboard_interrupt() -> None:
    both = Both()

    def interrupt(sql: str, context: Any) -> None:
        both(sql, context)
        if is_write(sql):
            if threading.get_ident() == min(both.come):
                _thread.interrupt_main()
            context["connection"].connection.execute("SELECT pg_sleep(60)")

    given = rows(60)
    start = time.monotonic()
    with watching(interrupt), pytest.raises(KeyboardInterrupt):
        Plain.objects.bulk_create(given, max_concurrent_workers=2, **WAYS)
    assert time.monotonic() - start < 20
    assert names() == set()
    assert all(row.pk is None for row in given)


def test_an_interrupt_between_commits_waits_for_them(monkeypatch: Any) -> None:
    committed = workers.Team.committed

    def interrupted(team: workers.Team, worker: Any) -> None:
        _thread.interrupt_main()
        time.sleep(0.05)
        committed(team, worker)

    monkeypatch.setattr(workers.Team, "committed", interrupted)
    given = rows(60)
    with pytest.raises(KeyboardInterrupt):
        Plain.objects.bulk_create(given, max_concurrent_workers=2, **WAYS)
    assert dict(Plain.django.values_list("name", "pk")) == {row.name: row.pk for row in given}


def test_some_have_committed(monkeypatch: Any) -> None:
    committed = workers.Team.committed

    def kill_the_others(team: workers.Team, worker: Any) -> None:
        for other in team._workers:
            if other.member == "ready":
                kill(other._driver.info.backend_pid)
        committed(team, worker)

    monkeypatch.setattr(workers.Team, "committed", kill_the_others)
    given = rows(60)
    for i in range(0, 60, 2):
        given[i].pk = 100_000 + i
    with watching(Both()), pytest.raises(PartialCommit) as caught:
        Plain.objects.bulk_create(given, max_concurrent_workers=2, **WAYS)
    fates = {part.state: part.rows for part in caught.value.parts}
    assert set(fates) == {"committed", "rolled back"}  # what was not sent is not unknown
    told = {state: {f"n{i}" for r in ranges for i in r} for state, ranges in fates.items()}
    assert names() == told["committed"] != set()
    assert told["committed"] | told["rolled back"] == {f"n{i}" for i in range(60)}
    keys = dict(Plain.django.values_list("name", "pk"))
    for i, row in enumerate(given):
        there = row.name in keys
        assert row.pk == (keys[row.name] if there else None if i % 2 else 100_000 + i)
        assert row._state.adding is not there
        assert row._state.db == (connection.alias if there else None)
    assert isinstance(caught.value.__cause__, OperationalError)


def test_the_rows_of_an_update_that_committed(monkeypatch: Any) -> None:
    made = Plain.objects.bulk_create(rows(60), return_queryset=True)
    committed = workers.Team.committed

    def kill_the_others(team: workers.Team, worker: Any) -> None:
        for other in team._workers:
            if other.member == "ready":
                kill(other._driver.info.backend_pid)
        committed(team, worker)

    monkeypatch.setattr(workers.Team, "committed", kill_the_others)
    for row in made[20:]:
        row.value += 1000
    with watching(Both()), pytest.raises(PartialCommit) as caught:
        made.update_fields(max_concurrent_workers=2, **WAYS)
    (done,) = [part.rows for part in caught.value.parts if part.state == "committed"]
    changed = Plain.django.filter(value__gte=1000).values_list("name", flat=True)
    assert set(changed) == {f"n{i}" for r in done for i in r}


def test_a_constraint_that_is_checked_at_the_end() -> None:
    nobody = [Plain(name=f"n{i}") for i in range(20)]
    later = "later UNIQUE (value) DEFERRABLE INITIALLY DEFERRED"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE app_plain ADD CONSTRAINT {later}")
    try:
        for i, row in enumerate(nobody):
            row.value = i % 10 if i < 10 else i
        nobody[3].value = nobody[4].value
        with pytest.raises(IntegrityError):
            Plain.objects.bulk_create(nobody, max_concurrent_workers=2, **WAYS)
        assert names() == set()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE app_plain DROP CONSTRAINT later")


def test_no_further_connection_is_to_be_had(monkeypatch: Any) -> None:
    """Those that are there do all of it; without any the reason is raised."""
    connect = workers._connect
    left = [1]

    def few(caller: Any, worker: Any) -> Any:
        if left and left.pop():
            return connect(caller, worker)
        raise OperationalError("too many clients already")

    monkeypatch.setattr(workers, "_connect", few)
    with watching() as spy:
        Plain.objects.bulk_create(rows(60), **WAYS)
    assert len(spy.backends) == 1 and len(names()) == 60
    Plain.django.all().delete()
    with pytest.raises(OperationalError, match="too many clients"):
        Plain.objects.bulk_create(rows(60), **WAYS)
    assert names() == set()


def test_no_connection_at_all_is_to_be_had(monkeypatch: Any) -> None:
    """That none is left is known when the last one does not come: there is nothing to commit."""
    leave = workers.Team.leave
    commits: list[int] = []

    def none(caller: Any, worker: Any) -> Any:
        raise OperationalError("FATAL: sorry, too many clients already")

    def late(team: Any) -> None:
        time.sleep(0.1)
        leave(team)

    monkeypatch.setattr(workers, "_connect", none)
    monkeypatch.setattr(workers.Team, "leave", late)
    monkeypatch.setattr(workers.Team, "committed", lambda team, worker: commits.append(1))
    made = rows(100)
    with pytest.raises(OperationalError, match="too many clients"):
        Plain.objects.bulk_create(made, **WAYS)
    assert not commits and not names()
    assert {(row.pk, row._state.adding) for row in made} == {(None, True)}


# -------------------------------------------------------------------------- pool, fork, asyncio


@pytest.fixture
def pool() -> Iterator[dict[str, Any]]:
    options: dict[str, Any] = {"min_size": 0, "timeout": 5}
    given = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = {"pool": options}
    yield options
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"] = given


@pytest.mark.parametrize(("size", "used"), [(1, 1), (2, 1), (3, 2), (8, 4)])
def test_connections_of_a_pool_are_given_back(size: int, used: int, pool: dict[str, Any]) -> None:
    pool["max_size"] = size
    connection.ensure_connection()
    with watching(Both(used)) as spy:
        Plain.objects.bulk_create(rows(60), **WAYS)
    assert len(spy.backends) == used
    with pytest.raises(IntegrityError):
        Plain.objects.bulk_create(rows(60), **WAYS)
    assert len(names()) == 60
    connection.close()
    stats = connection.pool.get_stats()
    assert stats["pool_available"] == stats["pool_size"] <= size


def test_fork() -> None:
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            Plain.objects.bulk_create(rows(100), **WAYS)
            connections.close_all()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    Plain.objects.bulk_create([Plain(name=f"m{i}") for i in range(100)], **WAYS)
    assert len(names()) == 200


def test_asyncio() -> None:
    def write() -> int:
        try:
            Plain.objects.bulk_create(rows(100), **WAYS)
            return len(names())
        finally:
            connections.close_all()

    async def main() -> int:
        return await sync_to_async(write, thread_sensitive=False)()

    assert asyncio.run(main()) == 100


# ------------------------------------------------------- rows that depend on each other


def test_a_value_that_two_workers_write() -> None:
    given = rows(20)
    given[15].name = given[5].name
    start = time.monotonic()
    with watching(Both()), pytest.raises(IntegrityError) as caught:
        Plain.objects.bulk_create(given, **WAYS)
    assert time.monotonic() - start < 20
    assert caught.value.__cause__.sqlstate == "23505"
    assert names() == set()
    assert all(row.pk is None for row in given)


@pytest.fixture
def counted() -> Iterator[None]:
    """Each statement on Plain updates one row of another table."""
    Node.objects.bulk_create([Node(pk=1, name="0")])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION bm_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " UPDATE app_node SET name = (name::int + 1)::text; RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER bm_count AFTER INSERT OR UPDATE ON app_plain"
            " FOR EACH ROW EXECUTE FUNCTION bm_count()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION bm_count CASCADE")


def test_a_row_that_a_trigger_writes_for_all(counted: None) -> None:
    start = time.monotonic()
    made = Plain.objects.bulk_create(rows(60), return_queryset=True, **WAYS)
    assert dict(Plain.django.values_list("name", "pk")) == {row.name: row.pk for row in made}
    for row in made:
        row.value += 1
    assert made.update_fields(**WAYS) == 60
    assert Plain.objects.update(value=7, **WAYS) == 60
    assert Node.objects.get().name == "180"
    assert time.monotonic() - start < 40


def test_keys_of_what_was_given_up_are_forgotten() -> None:
    """The one job that writes all rows, where twins could not, has the keys of what it wrote."""
    place = Target(Plain, "default")
    columns = place.description.all_but_key
    cells = _core.Rows(place.description.table, 2)
    gather(place, cells, rows(2), columns, False, for_create)
    job = make_job(cells, "bulk_create", (), 0, Condition(), None, (), returned_keys.PROVED)
    twin = job.twin()
    assert twin.next() is not None
    twin.answer(2, [("no integer",), ("nor this",)])
    job.rewind()
    while job.next() is not None:
        job.answer(2, [(7,), (8,)])
    assert job.keys() == [7, 8]


# ---------------------------------------------------------------------- update(), by key


def test_update_by_key() -> None:
    Plain.django.bulk_create(rows(100))
    with watching(Both()) as spy:
        assert Plain.objects.update(value=5, max_concurrent_workers=2, **WAYS) == 100
    writers = {pid for sql, _, pid in spy.calls if is_write(sql)}
    assert len(writers) == 2
    assert len([sql for sql, *_ in spy.calls if is_write(sql)]) == 10
    assert set(Plain.django.values_list("value", flat=True)) == {5}


def test_update_of_few_rows_is_the_callers() -> None:
    Plain.django.bulk_create(rows(9))
    with watching() as spy:
        assert Plain.objects.update(value=5, **WAYS) == 9
        assert Plain.objects.filter(pk=-1).update(value=5, **WAYS) == 0
        assert Plain.objects.update(value=6, concurrent=True) == 9
    assert spy.threads == {threading.get_ident()}


@pytest.mark.parametrize("fails", range(1, 6))
def test_a_chunk_of_an_update_by_key_fails(fails: int) -> None:
    Plain.django.bulk_create(rows(50))
    seen: list[int] = []

    def fail(sql: str, context: Any) -> None:
        if is_write(sql):
            seen.append(1)
            if len(seen) == fails:
                raise OperationalError("as it were")

    with watching(fail), pytest.raises(OperationalError, match="as it were"):
        Plain.objects.update(value=-1, max_concurrent_workers=2, **WAYS)
    assert set(Plain.django.values_list("value", flat=True)) == set(range(50))
