"""L17 to L19: what others do to a statement: hooks that change it, cursors that count it, readers
of its text."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, connection, transaction
from django.db.models import F

from app.models import Plain
from bulkmodel import _core
from bulkmodel.engine import postgresql
from bulkmodel.engine.hooked import Sent, received
from conftest import ENGINE
from spy import transaction_status

pytestmark = pytest.mark.django_db(transaction=True)

Hook = Callable[..., Any]


def rows(n: int, **values: Any) -> list[Plain]:
    return [Plain(**{"name": f"n{i}", "value": i, **values}) for i in range(n)]


def stored() -> list[tuple[str, int | None]]:
    return sorted(Plain.django.values_list("name", "value"))


def hook(change: Callable[[str, Any], tuple[str, Any]], last: bool = True) -> Hook:
    """last: go on to the last result, as pgtrigger and pghistory do it for psycopg 3."""

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(*change(sql, params), many, context)
        while last and hasattr(done, "nextset") and postgresql.is_psycopg3 and done.nextset():
            pass
        return done

    return wrapper


def in_front(sql: str, params: Any) -> tuple[str, Any]:
    """As pgtrigger and pghistory do it: a statement in front, with a parameter."""
    if transaction_status() == "INERROR":
        return sql, params
    return f"SELECT set_config('hook.who', %s, true); {sql}", ["it's me", *(params or ())]


def two_in_front(sql: str, params: Any) -> tuple[str, Any]:
    front = "SELECT set_config('hook.a', '100%%', true); SET LOCAL hook.who = 'it''s me'; "
    if params is None:
        front = front.replace("%%", "%")
    return front + sql, params


def in_front_of_a_comment(sql: str, params: Any) -> tuple[str, Any]:
    sql, params = in_front(sql, params)
    return sql.replace("true); ", "true); /* it's; mine */ -- yes\n") + ";", params


@contextmanager
def audited() -> Iterator[None]:
    """A trigger that notes what set_config() gave for each row that is written."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE noted (name text, who text)")
        cursor.execute(
            "CREATE FUNCTION notes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO noted VALUES (coalesce(NEW.name, OLD.name),"
            " current_setting('hook.who', true)); RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER noting AFTER INSERT OR UPDATE OR DELETE ON app_plain"
            " FOR EACH ROW EXECUTE FUNCTION notes()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE noted")
            cursor.execute("DROP FUNCTION notes CASCADE")


def noted() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, who FROM noted ORDER BY name")
        return list(cursor.fetchall())


def every_verb(n: int) -> int:
    """Write with each of the verbs; how many rows a trigger sees."""
    made = Plain.objects.bulk_create(rows(n))
    for row in made:
        row.value += 1
    assert Plain.objects.bulk_update(made, ["value"]) == n
    for row in made:
        row.value += 1
    assert Plain.objects.update_fields("value", objects=made) == n
    more = [Plain(name=f"m{i}", value=i) for i in range(n)]
    assert Plain.objects.copy_from_objects(more) == n
    assert Plain.objects.bulk_upsert(rows(n, value=-7), unique_fields=["name"]).updated == n
    assert Plain.objects.update(value=F("value") + 1) == 2 * n
    assert stored() == sorted(
        [(f"n{i}", -6) for i in range(n)] + [(f"m{i}", i + 1) for i in range(n)]
    )
    assert Plain.objects.bulk_delete(made).deleted == n
    return 8 * n


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("n", [1, 3, 1500])
@pytest.mark.parametrize("change", [in_front, two_in_front, in_front_of_a_comment])
def test_a_statement_in_front_is_in_the_same_transaction(change: Any, n: int, inside: bool) -> None:
    """L17"""
    if ENGINE != "postgresql":  # SQLite's driver takes one statement: Django's own fails, too
        with connection.execute_wrapper(hook(lambda sql, params: (f"SELECT 1; {sql}", params))):
            with pytest.raises(Exception, match="one statement at a time"):
                Plain.django.bulk_create(rows(2))
            with pytest.raises(Exception, match="one statement at a time"):
                Plain.objects.bulk_create(rows(2))
        return
    with audited():
        with connection.execute_wrapper(hook(change)):
            if inside:
                with transaction.atomic():
                    seen = every_verb(n)
            else:
                seen = every_verb(n)
        assert {who for _, who in noted()} == {"it's me"}
        assert len(noted()) == seen
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('hook.who', true)")
            assert cursor.fetchone()[0] in (None, "")  # it ended with the transaction
    assert connection.get_autocommit()


@pytest.mark.parametrize("n", [3, 1500])
def test_a_failure_behind_a_statement_in_front(n: int) -> None:
    """L17"""
    if ENGINE != "postgresql":
        return
    Plain.django.create(name="n2", value=9)
    with connection.execute_wrapper(hook(in_front)):
        with pytest.raises(IntegrityError) as caught:
            Plain.objects.bulk_create(rows(n))
        with transaction.atomic():
            with pytest.raises(IntegrityError), transaction.atomic():
                Plain.objects.bulk_create(rows(n))
            Plain.objects.bulk_create([Plain(name="after")])
    assert caught.value.row_index == 2
    assert stored() == [("after", None), ("n2", 9)]


def comment_before(sql: str, params: Any) -> tuple[str, Any]:
    return f"/* from: 'here; 100%%' */ {sql}" if params else f"/* from */ {sql}", params


def comment_behind(sql: str, params: Any) -> tuple[str, Any]:
    return f"{sql}\n/*route='a%%2Fb'*/" if params else f"{sql} /* b */", params


def semicolon_behind(sql: str, params: Any) -> tuple[str, Any]:
    return f"{sql}\n; -- it ends", params


def one_inside(sql: str, params: Any) -> tuple[str, Any]:
    return re.sub(r'(INSERT INTO|UPDATE|COPY|DELETE FROM) "', r'\1 /* x */ "', sql), params


def another_list(sql: str, params: Any) -> tuple[str, Any]:
    return sql, list(params) if params else params


def one_behind(sql: str, params: Any) -> tuple[str, Any]:
    if ENGINE != "postgresql" or not sql.startswith(("INSERT", "UPDATE", "DELETE", "WITH")):
        return sql, params
    if not postgresql.is_psycopg3:  # which gives the last result
        return sql, params
    return f"{sql}; SELECT set_config('hook.behind', %s, true)", [*(params or ()), "x"]


@pytest.mark.parametrize("n", [1, 3, 1500])
@pytest.mark.parametrize(
    "change",
    [comment_before, comment_behind, semicolon_behind, one_inside, another_list, one_behind],
)
def test_a_statement_that_is_changed_otherwise(change: Any, n: int) -> None:
    """L17: the rows are those of Django's manager."""
    seen: list[str] = []

    def wrapper(sql: str, params: Any) -> tuple[str, Any]:
        seen.append(sql)
        return change(sql, params)  # type: ignore[no-any-return]

    with connection.execute_wrapper(hook(wrapper, last=False)):
        every_verb(n)
    assert len(seen) >= 6


INSERT = 'INSERT INTO "t" VALUES (%b)'


@pytest.mark.parametrize(
    ("text", "before"),
    [
        (f"{INSERT};", ""),
        (f"{INSERT} ; /* a */ -- b", ""),
        (f"/* a */;{INSERT}", ""),
        (f"/* a; */ {INSERT}", ""),
        (f"-- a;\n{INSERT}", ""),
        (f"SELECT 1; /* c */ -- d\n{INSERT};", "SELECT 1; /* c */ -- d\n"),
        (f"SELECT 1; {INSERT}; -- e", "SELECT 1; "),
        (f"SELECT 1 {INSERT}", None),
        (f"SELECT 1; /* {INSERT} */", None),
        (f"-- {INSERT}", None),
        (f"SELECT 1; -- {INSERT}", None),
        (f"{INSERT}; SELECT 1", None),
        (f"{INSERT} {'/* */ ' * 60}x", None),  # and it is found at once
        (f"SELECT 1; {'/* */ ' * 60}x{INSERT}", None),
    ],
)
def test_what_is_before_a_statement(text: str, before: str | None) -> None:
    """before: what is sent first; None: the statement is another one."""
    sent = Sent()
    sent.text, sent.params = INSERT, (object(),)
    got = received(sent, text, list(sent.params))
    assert (got.before if got.is_ours else None) == before
    assert got.before + got.text == text


def test_values_without_text_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement has to be sent as text: no other value may be written in their place."""
    if ENGINE != "postgresql" or not postgresql.is_psycopg3:
        return
    made: list[Any] = []
    plain = Sent.texts
    monkeypatch.setattr(Sent, "texts", lambda self: made.append(1) or plain(self))
    with connection.execute_wrapper(hook(one_inside, last=False)):
        Plain.objects.bulk_create(rows(3))
    assert made == [1]  # not once for each parameter

    def refuse(self: Sent) -> Any:
        raise _core.EngineError("a value of type point has no text")

    monkeypatch.setattr(Sent, "texts", refuse)
    refused = pytest.raises(NotSupportedError, match=r"A hook has changed .* type point")
    with connection.execute_wrapper(hook(one_inside, last=False)), refused:
        Plain.objects.bulk_create([Plain(name="other")])
    assert stored() == [("n0", 0), ("n1", 1), ("n2", 2)]


def test_a_parameter_that_is_added() -> None:
    """L17: the statement is sent as it was changed."""
    if ENGINE != "postgresql":
        return
    made = Plain.django.bulk_create(rows(3))

    def one_more(sql: str, params: Any) -> tuple[str, Any]:
        if sql.startswith("UPDATE"):
            return sql + " -- %s", [*params, "x"]
        return sql, params

    for row in made:
        row.value += 10
    with connection.execute_wrapper(hook(one_more)):
        assert Plain.objects.bulk_update(made, ["value"]) == 3
    assert stored() == [("n0", 10), ("n1", 11), ("n2", 12)]


def test_hooks_of_one_thread_see_all_workers_rows() -> None:
    """L17: a hook that knows its own thread only, as pghistory's, is called on no other."""
    mine = threading.local()
    mine.who = "me"
    seen: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(mine.who)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        made = Plain.objects.copy_from_objects(
            rows(2000), concurrent=True, batch_size=500, max_concurrent_workers=2
        )
        assert made == 2000
        assert Plain.objects.all().update(value=1, concurrent=True, batch_size=500) == 2000
    assert set(seen) == {"me"}
    assert len(stored()) == 2000


@contextmanager
def counting() -> Iterator[list[str]]:
    """A cursor class of somebody's, as django-prometheus puts it into the connection."""
    seen: list[str] = []
    connection.ensure_connection()
    driver = connection.connection
    before = driver.cursor_factory or type(driver.cursor())

    class Counting(before):  # type: ignore[misc,valid-type]
        def execute(self, query: Any, *args: Any, **options: Any) -> Any:
            seen.append(query if isinstance(query, str) else "")
            return super().execute(query, *args, **options)

    given = driver.cursor_factory
    driver.cursor_factory = Counting
    try:
        yield seen
    finally:
        driver.cursor_factory = given


@pytest.mark.parametrize("n", [1, 3, 1500])
def test_a_cursor_class_of_somebody_elses_counts(n: int) -> None:
    """L19"""
    if ENGINE != "postgresql":  # Django makes SQLite's cursors of its own class
        return
    every_verb(n)
    Plain.django.all().delete()
    with counting() as seen:
        every_verb(n)
    written = {sql.split()[0] for sql in seen if sql}
    assert written >= {"COPY" if n == 1500 else "INSERT", "UPDATE", "DELETE"}


# As django-cachalot looks for writes.
WRITES = re.compile(r"\b(update|insert|delete)\b", re.IGNORECASE)


@pytest.mark.parametrize("n", [1, 3, 1500])
def test_readers_of_sql_see_a_write_to_the_table(n: int) -> None:
    """L18"""
    seen: list[str] = []

    def wrapper(sql: str, params: Any) -> tuple[str, Any]:
        seen.append(sql)
        return sql, params

    with connection.execute_wrapper(hook(wrapper)):
        for write in (
            lambda: Plain.objects.bulk_create(rows(n)),
            lambda: Plain.objects.copy_from_objects([Plain(name=f"c{i}") for i in range(n)]),
            lambda: Plain.objects.bulk_upsert(rows(n, value=3), unique_fields=["name"]),
            lambda: Plain.objects.update_fields("value", objects=list(Plain.django.all())),
            lambda: Plain.objects.bulk_delete(list(Plain.django.all())),
        ):
            seen.clear()
            write()
            assert any(WRITES.search(sql) and '"app_plain"' in sql for sql in seen), seen
