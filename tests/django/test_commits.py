"""A COMMIT whose answer is lost is asked about (W9); what was not sent is never unknown (W6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from app.models import Plain
from bulkmodel.engine import commit_check, workers
from bulkmodel.errors import CommitUnknown, PartialCommit
from proxy import AFTER, BEFORE, SENT, Proxy, before
from spy import end, kill, look, watching
from test_workers import WAYS, Both, names
from test_workers import rows as few

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 1200


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with before(tmp_path) as proxy:
        yield proxy


@pytest.fixture
def slow() -> Iterator[None]:
    """COMMIT takes a while where the first row was written."""
    table = Plain._meta.db_table
    look(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_sleep(0.3); RETURN NULL; END $$"
    )
    look(
        f"CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.name = '0') EXECUTE FUNCTION slow()"
    )
    yield
    look(f"DROP TRIGGER slow ON {table}")
    look("DROP FUNCTION slow()")


def rows(n: int) -> list[Plain]:
    return [Plain(name=str(i), value=i) for i in range(n)]


def there() -> int:
    return int(look(f"SELECT count(*) FROM {Plain._meta.db_table}")[0][0])


def create_many() -> Any:
    Plain.objects.bulk_create(rows(MANY))


def create_checked() -> Any:
    Plain.objects.bulk_create(rows(5), commit_check=True)


def copy_stream() -> Any:
    Plain.objects.copy_from_objects((row for row in rows(MANY)), batch_size=500)


CALLS = [(create_many, MANY), (create_checked, 5), (copy_stream, MANY)]


@pytest.mark.parametrize(("call", "n"), CALLS)
def test_cut_after_the_answer(proxy: Proxy, call: Any, n: int) -> None:
    proxy.arm(AFTER)
    call()
    assert there() == n


@pytest.mark.parametrize(("call", "n"), CALLS)
def test_cut_before_commit_arrives(proxy: Proxy, call: Any, n: int) -> None:
    proxy.arm(BEFORE)
    with pytest.raises(OperationalError) as caught:
        call()
    assert not isinstance(caught.value, CommitUnknown)
    assert there() == 0
    call()
    assert there() == n


@pytest.mark.parametrize(("call", "n"), CALLS)
def test_the_server_is_still_at_it(proxy: Proxy, slow: None, call: Any, n: int) -> None:
    proxy.arm(SENT)
    call()
    assert there() == n


def test_keys_and_hooks_are_as_after_any_commit(proxy: Proxy) -> None:
    done: list[int] = []
    made = rows(MANY)
    with connection.execute_wrapper(_on_commit(lambda: done.append(there()))):
        proxy.arm(AFTER)
        Plain.objects.bulk_create(made)
    assert done == [MANY]
    keys = dict(Plain.django.values_list("pk", "name"))
    assert all(keys[row.pk] == row.name and not row._state.adding for row in made)


def _on_commit(do: Any) -> Any:
    registered: list[bool] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not registered and connection.in_atomic_block:
            registered.append(True)
            transaction.on_commit(do)
        return execute(sql, params, many, context)

    return wrapper


def test_objects_are_as_before_where_it_is_rolled_back(proxy: Proxy) -> None:
    made = rows(MANY)
    proxy.arm(BEFORE)
    with pytest.raises(OperationalError):
        Plain.objects.bulk_create(made)
    assert all(row.pk is None and row._state.adding for row in made)


def test_nobody_to_ask(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_check, "SECONDS", 0.4)
    proxy.arm(AFTER, refuses=True)
    with pytest.raises(CommitUnknown):
        create_many()
    proxy.arm(None)
    assert there() == MANY


def test_switched_off(proxy: Proxy) -> None:
    proxy.arm(AFTER)
    with pytest.raises(CommitUnknown):
        Plain.objects.bulk_create(rows(MANY), commit_check=False)


@pytest.mark.parametrize(
    "verb", ["bulk_create", "copy_from_objects", "bulk_update", "update_fields"]
)
def test_a_call_of_one_statement_asks_nothing(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question before COMMIT is a round trip, which a small call would feel."""
    asked: list[str] = []
    told = commit_check.transaction_of

    def counted(connection: Any) -> Any:
        asked.append(verb)
        return told(connection)

    objects = Plain.objects.bulk_create(rows(3))
    monkeypatch.setattr(commit_check, "transaction_of", counted)
    if verb in ("bulk_create", "copy_from_objects"):
        getattr(Plain.objects, verb)([Plain(name="other", value=1)])
    else:
        for object in objects:
            object.value = 7
        if verb == "bulk_update":
            Plain.objects.bulk_update(objects, ["value"])
        else:
            Plain.objects.update_fields("value", objects=objects)
    assert asked == []
    Plain.objects.copy_from_objects(rows(MANY)[3:])
    assert asked == [verb]


def test_the_question_is_neither_logged_nor_counted() -> None:
    seen: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        create_many()
    assert not any("pg_current_xact_id" in sql for sql in seen)


@pytest.mark.parametrize("n", [10, MANY])
def test_a_connection_that_the_server_closed_before(n: int) -> None:
    """W6"""
    for _ in range(2):
        connection.ensure_connection()
        end(connection.connection)
        with pytest.raises(OperationalError) as caught:
            Plain.objects.bulk_create(rows(n))
        assert not isinstance(caught.value, CommitUnknown)
        connection.close()
    assert there() == 0


@pytest.mark.parametrize("n", [10, MANY])
def test_health_checks_open_it_again(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """W6"""
    connection.ensure_connection()
    end(connection.connection)
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    monkeypatch.setattr(connection, "health_check_enabled", True)
    monkeypatch.setattr(connection, "health_check_done", False)
    Plain.objects.bulk_create(rows(n))
    assert there() == n


# --------------------------------------------------------------------------------------- workers


def create_with_workers() -> Any:
    Plain.objects.bulk_create(rows(MANY), batch_size=150, concurrent=True, max_concurrent_workers=4)


def agrees(error: PartialCommit) -> None:
    """W5: each part is as it says."""
    stored = set(Plain.django.values_list("name", flat=True))
    seen: set[int] = set()
    for part in error.parts:
        numbers = {row for run in part.rows for row in run}
        assert not numbers & seen
        seen |= numbers
        there = {number for number in numbers if str(number) in stored}
        assert part.state != "unknown" or there in (set(), numbers)
        assert part.state != "committed" or there == numbers
        assert part.state != "rolled back" or not there
    assert seen == set(range(MANY))


@pytest.mark.parametrize("passes", range(4))
@pytest.mark.parametrize("cut", [AFTER, SENT])
def test_workers_whose_answer_is_lost(proxy: Proxy, cut: str, passes: int) -> None:
    proxy.arm(cut, passes)
    try:
        create_with_workers()
    except PartialCommit as error:
        assert cut == SENT
        agrees(error)
    except OperationalError as error:
        assert cut == SENT
        assert not isinstance(error, CommitUnknown)
        assert there() == 0
    else:
        assert there() == MANY


@pytest.mark.parametrize("passes", range(4))
def test_workers_whose_commit_never_arrives(proxy: Proxy, passes: int) -> None:
    proxy.arm(BEFORE, passes)
    try:
        create_with_workers()
    except PartialCommit as error:
        assert passes > 0
        agrees(error)
        assert {part.state for part in error.parts} == {"committed", "rolled back"}
    except OperationalError as error:
        assert not isinstance(error, CommitUnknown)
        assert there() == 0
    else:  # so many workers found no rows
        assert there() == MANY


def test_workers_where_nobody_can_say(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """W5: what is in doubt is one part, with its rows, and the others have their fates."""
    monkeypatch.setattr(commit_check, "SECONDS", 0.4)
    proxy.arm(AFTER, refuses=True)
    with pytest.raises(OperationalError) as caught:
        create_with_workers()
    proxy.arm(None)
    if isinstance(caught.value, PartialCommit):
        agrees(caught.value)
        assert "unknown" in {part.state for part in caught.value.parts}
    else:  # one worker had them all
        assert isinstance(caught.value, CommitUnknown)


def test_w5_the_first_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    meet = workers.Team.meet

    def meet_and_die(team: workers.Team, worker: Any, own: Any) -> None:
        meet(team, worker, own)
        kill(worker._driver.info.backend_pid)

    monkeypatch.setattr(workers.Team, "meet", meet_and_die)
    monkeypatch.setattr(workers, "peer_is_there", lambda connection: True)
    given = few(60)
    with watching(Both()), pytest.raises(OperationalError) as undone:
        Plain.objects.bulk_create(given, max_concurrent_workers=2, **WAYS)
    assert not isinstance(undone.value, CommitUnknown | PartialCommit)  # the server knows
    monkeypatch.setattr(workers.commit_check, "fate_of", lambda lost, transaction: "unknown")
    with watching(Both()), pytest.raises(PartialCommit) as caught:
        Plain.objects.bulk_create(given, max_concurrent_workers=2, **WAYS)
    assert names() == set()
    assert {part.state for part in caught.value.parts} == {"unknown", "rolled back"}
    assert all(row.pk is None for row in given)
