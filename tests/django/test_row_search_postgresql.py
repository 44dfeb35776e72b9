"""Violations of which PostgreSQL does not say the row: it is found by writing halves again."""

import datetime
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from typing import Any

import django
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, InternalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Plain
from app.postgres import Checked
from bulkmodel.engine import locate_row
from spy import transaction_status

DAY = datetime.date(2024, 2, 29)
# Of each constraint: what makes a row break it, as the fields' values.
BREAK: dict[str, dict[str, Any]] = {
    "positive": {"amount": Decimal("-1.5")},
    "apart": {"whole": (5, 7)},
    "app_checked_day_id": {"day_id": DAY},
}
VERBS = ("bulk_create", "bulk_create in batches", "bulk_update", "update_fields", "copy")


def rows(n: int) -> list[Checked]:
    return [Checked(note="-") for _ in range(n)]


def broken(objects: list[Checked], at: list[int], values: dict[str, Any]) -> None:
    for i in at:
        for name, value in values.items():
            setattr(objects[i], name, value)


def calls(manager: Any, verb: str, n: int, at: list[int], name: str) -> Callable[[], Any]:
    values = BREAK[name]
    names = [field.removesuffix("_id") for field in values]
    made = rows(n)
    if verb in ("bulk_update", "update_fields"):
        Checked.django.bulk_create(made)
    broken(made, at, values)
    return {
        "bulk_create": lambda: manager.bulk_create(made),
        "bulk_create in batches": lambda: manager.bulk_create(made, batch_size=3),
        "bulk_update": lambda: manager.bulk_update(made, names),
        "update_fields": lambda: manager.update_fields(*names, objects=made),
        "copy": lambda: manager.copy_from_objects(made),
    }[verb]


def failure(call: Callable[[], Any]) -> Any:
    with pytest.raises(IntegrityError) as caught:
        call()
    return caught.value


def after_a_failure(verb: str, n: int) -> type[Exception]:
    """What a query raises in the caller's transaction.  Since Django 6.0 nothing is around the one
    statement of bulk_create, so that Django does not know that the transaction has failed."""
    is_one_statement = verb == "bulk_create" or (verb == "bulk_create in batches" and n <= 3)
    if django.VERSION >= (6, 0) and is_one_statement:
        return InternalError
    return transaction.TransactionManagementError


def facts(error: Any) -> Any:
    cause = error.__cause__
    return type(error), type(cause), cause.diag.sqlstate, cause.diag.constraint_name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [1, 2, 7, 1000])
@pytest.mark.parametrize("verb", VERBS[:4])
@pytest.mark.parametrize("name", BREAK)
def test_the_row_is_found(name: str, verb: str, n: int) -> None:
    if name == "apart":
        Checked.django.create(whole=(1, 10))
    before = Checked.django.count()
    for at in {0, n // 2, n - 1}:
        call = calls(Checked.objects, verb, n, [at], name)
        kept = Checked.django.count()
        ours = failure(call)
        assert ours.row_index == at
        assert ours.constraint.startswith(name)
        assert Checked.django.filter(note="-").count() == kept
        Checked.django.filter(pk__gt=0).exclude(whole__isnull=False).delete()
        if verb in ("bulk_create", "bulk_update") and n < 1000:
            theirs = failure(calls(Checked.django, verb, n, [at], name))
            assert facts(ours)[:3] == facts(theirs)[:3]
            assert ours.constraint == theirs.__cause__.diag.constraint_name
            Checked.django.exclude(whole__isnull=False).delete()
    assert Checked.django.count() == before


@contextmanager
def policy(check: str) -> Iterator[None]:
    """Row-level security on Plain, and a role that it is for."""
    table = Plain._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE bm_tenant")
        cursor.execute(f"GRANT ALL ON {table}, {table}_id_seq TO bm_tenant")
        cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        cursor.execute(f"CREATE POLICY bm_own ON {table} USING (true) WITH CHECK ({check})")
        cursor.execute("SET ROLE bm_tenant")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP POLICY bm_own ON {table}")
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
            cursor.execute("DROP OWNED BY bm_tenant")
            cursor.execute("DROP ROLE bm_tenant")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [1, 7, 1500])
def test_a_row_that_a_policy_refuses_is_found(n: int) -> None:
    """Its SQLSTATE is that of a missing privilege, which no row has caused."""
    with policy("value >= 0"):
        made = [Plain(name=f"n{i}", value=i) for i in range(n)]
        made[n // 2].value = -1
        for call in (
            lambda: Plain.objects.bulk_create(made),
            lambda: Plain.objects.copy_from_objects(made),
            lambda: Plain.objects.bulk_upsert(made, unique_fields=["name"]),
        ):
            with pytest.raises(ProgrammingError) as caught:
                call()
            known: Any = caught.value
            assert (known.row_index, known.sqlstate) == (n // 2, "42501")
            assert Plain.django.count() == 0
        result = Plain.objects.copy_from_objects(made, on_error="collect", max_rejects="100%")
        assert [reject.row_index for reject in result.rejects] == [n // 2]
        assert Plain.django.count() == n - 1
        there = list(Plain.django.order_by("pk"))
        if there:
            there[-1].value = -1
            with pytest.raises(ProgrammingError) as caught:
                Plain.objects.bulk_update(there, ["value"])
            known = caught.value
            assert known.row_index == len(there) - 1
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(f"REVOKE INSERT ON {Plain._meta.db_table} FROM bm_tenant")
            cursor.execute("SET ROLE bm_tenant")
        with pytest.raises(ProgrammingError) as caught:
            Plain.objects.bulk_create([Plain(name="x", value=1), Plain(name="y", value=1)])
        known = caught.value
        assert known.row_index is None


class Watch:
    """The clock of a search: it jumps by an hour after so many looks at it."""

    def __init__(self, looks: int) -> None:
        self.left, self.looks = looks, 0

    def monotonic(self) -> float:
        self.looks += 1
        self.left -= 1
        return time.monotonic() + (3600.0 if self.left < 0 else 0.0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("verb", ["bulk_create", "bulk_create in batches"])
def test_a_search_ends_at_its_limit(
    verb: str, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty seconds: then the row is unknown, and the error is the one that the server gave."""
    whole = Watch(1_000_000)
    monkeypatch.setattr(locate_row, "time", whole)
    assert failure(calls(Checked.objects, verb, 300, [211], "positive")).row_index == 211
    assert whole.looks > 5
    Checked.django.all().delete()
    monkeypatch.setattr(locate_row, "time", cut := Watch(4))
    call = calls(Checked.objects, verb, 300, [211], "positive")
    with transaction.atomic() if inside else nullcontext():
        kept = Checked.django.count()
        with transaction.atomic() if inside else nullcontext():
            error = failure(call)
            if inside:
                transaction.set_rollback(True)
        assert error.row_index is None and cut.looks == 5
        assert error.constraint.startswith("positive") and error.sqlstate == "23514"
        assert Checked.django.count() == kept
        if inside:
            transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", VERBS[:4])
def test_rows_that_exclude_each_other(verb: str) -> None:
    call = calls(Checked.objects, verb, 20, [3, 11], "apart")
    assert failure(call).row_index == 11


@pytest.mark.django_db(transaction=True)
def test_many_rows() -> None:
    made = Checked.objects.bulk_create(rows(3000))
    made[1234].amount = Decimal("-1")
    assert failure(lambda: Checked.objects.bulk_update(made, ["amount"])).row_index == 1234
    assert failure(lambda: Checked.objects.update_fields("amount", objects=made)).row_index == 1234
    assert Checked.django.filter(amount=1).count() == 3000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("one", [True, False])
def test_rows_with_uuids(one: bool) -> None:
    """Of which a column keeps one cell, where they are all the same."""
    same = uuid.uuid4()
    made = [Checked(mark=same if one else uuid.uuid4()) for _ in range(300)]
    made[211].amount = Decimal("-1")
    for verb in ("bulk_create", "bulk_create in batches"):
        options = {} if verb == "bulk_create" else {"batch_size": 7}
        error = failure(lambda options=options: Checked.objects.bulk_create(made, **options))
        assert error.row_index == 211
    made[211].amount = Decimal("1")
    marks = [row.mark for row in Checked.objects.bulk_create(made)]
    assert list(Checked.objects.order_by("pk").values_list("mark", flat=True)) == marks


@pytest.mark.django_db(transaction=True)
def test_keys_beside_rows_without() -> None:
    made = rows(30)
    for i in range(0, 30, 2):
        made[i].pk = 100_000 + i
    for at in (8, 9):
        made[at].amount = Decimal("-1")
        assert failure(lambda: Checked.objects.bulk_create(made)).row_index == at
        made[at].amount = Decimal("1")
    assert not Checked.django.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("verb", ["bulk_create", "copy_from_objects"])
@pytest.mark.psycopg3
def test_rows_of_several_workers(verb: str, keyed: bool) -> None:
    """The rows are found in the jobs themselves, which twins carried out."""
    made = rows(60)
    for i in range(0, 60 if keyed else 0, 2):
        made[i].pk = 100_000 + i
    call = getattr(Checked.objects, verb)
    ways = {"batch_size": 10, "concurrent": True, "max_concurrent_workers": 2}
    for at in (40, 41):
        made[at].day_id = DAY
        assert failure(lambda: call(made, **ways)).row_index == at
        made[at].day_id = None
    assert not Checked.django.exists()


@pytest.mark.django_db(transaction=True)
def test_what_changed_is_counted_in_the_queryset() -> None:
    Checked.objects.bulk_create(rows(9))
    found = Checked.objects.order_by("pk")
    list(found)[2].note = "changed"
    list(found)[6].amount = Decimal("-1")
    assert failure(found.update_fields).row_index == 6


@pytest.mark.django_db(transaction=True)
def test_nothing_is_asked_where_nothing_fails() -> None:
    with CaptureQueriesContext(connection) as captured:
        made = Checked.objects.bulk_create(rows(500))
        Checked.objects.bulk_update(made, ["amount"])
    verbs = [query["sql"].split()[0] for query in captured]
    assert [verb for verb in verbs if verb not in ("BEGIN", "COMMIT")] == ["INSERT", "UPDATE"]


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update", "update_fields"])
def test_in_a_caller_s_transaction_a_row_that_is_printed_is_found(verb: str) -> None:
    with transaction.atomic():
        objects = rows(20)
        if verb != "bulk_create":
            Checked.django.bulk_create(objects)
        for i, row in enumerate(objects):
            row.note = f"n{i}, (" if i % 2 else ""
        objects[13].amount = Decimal("-1")
        call = {
            "bulk_create": lambda: Checked.objects.bulk_create(objects),
            "bulk_update": lambda: Checked.objects.bulk_update(objects, ["amount", "note"]),
            "update_fields": lambda: Checked.objects.update_fields("amount", objects=objects),
        }[verb]
        error = failure(call)
        assert error.row_index == 13
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [2, 7, 1200])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", ["positive", "apart"])
def test_in_a_caller_s_transaction_the_row_is_found(name: str, verb: str, n: int) -> None:
    """Rows that look alike: their values do not say which it is."""
    at = n - 2 if n > 2 else 1
    with transaction.atomic():
        if name == "apart":
            Checked.django.create(whole=(1, 10))
        before = Checked.django.count()
        call = calls(Checked.objects, verb, n, [at], name)
        kept = Checked.django.count()
        with transaction.atomic():
            error = failure(call)
            assert error.row_index == at
            assert error.constraint.startswith(name)
            with pytest.raises(after_a_failure(verb, n)):
                Checked.django.count()
            transaction.set_rollback(True)
        assert Checked.django.count() == kept >= before
        transaction.set_rollback(True)
    assert not Checked.django.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", VERBS)
def test_in_a_caller_s_transaction_an_immediate_foreign_key_is_found(verb: str) -> None:
    """The day that other rows refer to was made in the same transaction."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with transaction.atomic():
            error = failure(calls(Checked.objects, verb, 20, [13], "app_checked_day_id"))
            assert error.row_index == 13
            assert error.sqlstate == "23503"
            transaction.set_rollback(True)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_the_transaction_is_left_as_the_error_left_it() -> None:
    """Django's own bulk_create leaves a transaction that failed: so does a search in it."""
    objects = rows(20)
    objects[13].amount = Decimal("-1")
    states = []
    for manager in (Checked.django, Checked.objects):
        with transaction.atomic():
            Checked.django.create(note="before")
            error = failure(lambda manager=manager: manager.bulk_create(objects))
            status = transaction_status()
            states.append((connection.needs_rollback, status))
            transaction.set_rollback(True)
    assert error.row_index == 13
    assert states[0][1] == "INERROR"
    assert states[0] == states[1]
    assert not Checked.django.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update"])
def test_a_search_can_be_followed_by_a_savepoint_of_the_caller_s(verb: str) -> None:
    with transaction.atomic():
        call = calls(Checked.objects, verb, 20, [13], "positive")
        point = transaction.savepoint()
        assert failure(call).row_index == 13
        transaction.set_rollback(False)
        transaction.savepoint_rollback(point)
        Checked.objects.bulk_create(rows(3))
    assert Checked.django.count() == (3 if verb == "bulk_create" else 23)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("value", "n", "locates"),
    [(True, 20, True), (False, 20, False), (None, 20, False), (None, 1_001, True)],
)
def test_a_setting_saves_the_savepoint(
    value: bool | None, n: int, locates: bool, settings: Any
) -> None:
    settings.BULKMODEL_LOCATE_IN_ATOMIC = value
    objects = rows(n)
    objects[13].amount = Decimal("-1")
    with transaction.atomic():
        error = failure(lambda: Checked.objects.bulk_create(objects))
        assert error.row_index == (13 if locates else None)
        assert transaction_status() == "INERROR"
        transaction.set_rollback(True)
    settings.BULKMODEL_LOCATE_IN_ATOMIC = "yes"
    with transaction.atomic(), pytest.raises(ImproperlyConfigured):
        Checked.objects.bulk_create(rows(2))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [1, 20, 1200])
def test_in_a_caller_s_transaction_no_further_query_is_counted(n: int) -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        Checked.objects.bulk_create(rows(n))
    verbs = [query["sql"].split()[0] for query in captured]
    assert "SAVEPOINT" not in verbs and "RELEASE" not in verbs
