"""bulk_upsert(): what it inserts, updates and leaves alone, and what it says of each row."""

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    models,
    transaction,
)
from django.test.utils import CaptureQueriesContext

from app.keys import Pair, Stock
from app.models import Document, Foo, Keyed, Plain, Stamped
from app.odd import Named
from bulkmodel import signals
from bulkmodel.expressions import Excluded
from bulkmodel.results import BulkResult, Outcome
from bulkmodel.verbs import bulk_upsert

pytestmark = pytest.mark.django_db

SIZES = [6, 2500]


def made(n: int) -> dict[str, int]:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])
    return dict(Plain.django.values_list("name", "pk"))


def stored() -> dict[str, int | None]:
    return dict(Plain.django.values_list("name", "value"))


def counts(result: BulkResult) -> dict[str, int]:
    names = [one.name.lower() for one in Outcome if one is not Outcome.NONE]
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def writes(captured: Any) -> list[str]:
    kinds = [re.sub(r"^\d+ times: ", "", query["sql"]).split()[0] for query in captured]
    return [kind for kind in kinds if kind in ("INSERT", "UPDATE", "COPY", "DELETE", "WITH")]


# -------------------------------------------------------------------------------------- the rows


@pytest.mark.parametrize("n", SIZES)
def test_half_new_a_third_of_the_others_changed(n: int) -> None:
    keys = made(n)
    rows = [Plain(name=f"n{i}", value=-i if i % 3 == 0 else i) for i in range(n // 2, n + n // 2)]
    result = Plain.objects.bulk_upsert(rows, ["name"])
    old = range(n // 2, n)
    changed = [i for i in old if i % 3 == 0]
    assert counts(result) == {
        "inserted": n // 2,
        "updated": len(changed),
        "unchanged": len(old) - len(changed),
    }
    assert stored() == {f"n{i}": i for i in range(n // 2)} | {row.name: row.value for row in rows}
    now = dict(Plain.django.values_list("name", "pk"))
    assert result.keys == [row.pk for row in rows] == [now[row.name] for row in rows]
    assert all(now[name] == key for name, key in keys.items())
    told = [Outcome.UPDATED if i % 3 == 0 else Outcome.UNCHANGED for i in old]
    assert list(result.outcomes) == told + [Outcome.INSERTED] * (n // 2)
    assert result.rows(Outcome.UPDATED) == [i - n // 2 for i in changed]
    assert not any(row._state.adding for row in rows)


@pytest.mark.parametrize("n", SIZES)
def test_unchanged_rows_are_not_written(n: int) -> None:
    made(n)
    rows = [Plain(name=f"n{i}", value=i) for i in range(n)]
    with CaptureQueriesContext(connection) as captured:
        result = Plain.objects.bulk_upsert(rows, ["name"])
    assert counts(result) == {"unchanged": n} and writes(captured) == []
    assert None not in result.keys
    with CaptureQueriesContext(connection) as captured:
        result = Plain.objects.bulk_upsert(rows, ["name"], update_unchanged=True)
    assert counts(result) == {"updated": n} and writes(captured) != []


@pytest.mark.parametrize("n", SIZES)
def test_keys_are_drawn_for_new_rows_only(n: int) -> None:
    keys = made(n)
    for again in range(3):
        rows = [Plain(name=f"n{i}", value=i + again) for i in range(n)]
        rows.append(Plain(name=f"new {again}"))
        Plain.objects.bulk_upsert(rows, ["name"])
        assert rows[-1].pk == max(keys.values()) + again + 1


def test_by_primary_key() -> None:
    keys = made(2)
    rows = [
        Plain(pk=str(keys["n1"]), name="n1", value=7),
        Plain(name="new"),
        Plain(pk=4711, name="x"),
    ]
    assert counts(Plain.objects.bulk_upsert(iter(rows))) == {"updated": 1, "inserted": 2}
    assert stored() == {"n0": 0, "n1": 7, "new": None, "x": None}
    assert rows[0].pk == keys["n1"] and rows[2].pk == 4711


def test_keys_of_other_kinds() -> None:
    Keyed.objects.create(pk="00000000-0000-0000-0000-000000000001", name="a")
    given = [Keyed(pk="00000000-0000-0000-0000-000000000001", name="b"), Keyed(name="c")]
    assert counts(Keyed.objects.bulk_upsert(given)) == {"updated": 1, "inserted": 1}
    Pair.objects.create(left=1, right="x", value=1)
    pairs = [Pair(left=1, right="x", value=2), Pair(left=1, right="y", value=3)]
    result = Pair.objects.bulk_upsert(pairs)
    assert counts(result) == {"updated": 1, "inserted": 1}
    assert result.keys == [(1, "x"), (1, "y")]
    assert set(Pair.objects.values_list("right", "value")) == {("x", 2), ("y", 3)}


def test_by_several_fields_and_null() -> None:
    made(2)
    one, two = Plain.django.order_by("pk")
    Stock.objects.create(shop=one, sku="a", amount=1)
    Stock.objects.create(shop=one, sku=None, amount=1)
    rows = [Stock(shop=one, sku="a", amount=2), Stock(shop=two, sku="a", amount=3),
            Stock(shop=one, sku=None, amount=4)]  # fmt: skip
    result = Stock.objects.bulk_upsert(rows, ["shop", "sku"], ["amount"])
    assert list(result.outcomes) == [Outcome.UPDATED, Outcome.INSERTED, Outcome.INSERTED]
    found = Stock.objects.order_by("pk").values_list("shop__name", "sku", "amount")
    assert list(found) == [
        ("n0", "a", 2), ("n0", None, 1), ("n1", "a", 3), ("n0", None, 4)
    ]  # fmt: skip


def test_only_the_named_fields_are_updated() -> None:
    made(1)
    shop = Plain.django.get()
    old = Stock.objects.create(shop=shop, sku="a", amount=1, price=1)
    new = [Stock(shop=shop, sku=sku, amount=2, price=2) for sku in ("a", "b")]
    Stock.objects.bulk_upsert(new, ["shop", "sku"], ["price"])
    found = Stock.objects.order_by("sku").values_list("amount", "price", "changed")
    assert [row[:2] for row in found] == [(1, 2), (2, 2)]
    assert found[0][2] == old.changed  # auto_now was not named


def test_auto_now_alone_is_no_change() -> None:
    before = Stamped.objects.create(name="a")
    given = Stamped(pk=before.pk, name="a")
    assert counts(Stamped.objects.bulk_upsert([given])) == {"unchanged": 1}
    assert Stamped.objects.get().changed == before.changed
    given = Stamped(pk=before.pk, name="b")
    assert counts(Stamped.objects.bulk_upsert([given])) == {"updated": 1}
    after = Stamped.objects.get()
    assert after.changed > before.changed and after.made == before.made


@pytest.mark.parametrize(
    ("field", "same", "other"),
    [
        ("amount", "1", True),
        ("price", "1.50", "1.51"),
        ("price", 1.5, Decimal("-1.5")),
        ("facts", {"b": [1, {"c": None}]}, {"b": [True, {"c": None}]}),
        ("facts", {"b": [1, {"c": None}]}, {"b": [1.0, {"c": None}]}),
    ],
)
def test_a_value_in_another_form_is_no_change(field: str, same: Any, other: Any) -> None:
    made(1)
    shop = Plain.django.get()
    Stock.objects.create(
        shop=shop, sku="a", amount=1, price=Decimal("1.5"), facts={"b": [1, {"c": None}]}
    )

    def upsert(value: Any) -> dict[str, int]:
        given = Stock(shop=shop, sku="a", **{field: value})
        return counts(Stock.objects.bulk_upsert([given], ["shop", "sku"], [field]))

    assert upsert(same) == {"unchanged": 1}
    assert upsert(other) == ({"unchanged": 1} if other is True else {"updated": 1})


def test_fields_with_preparations_of_their_own() -> None:
    Named.objects.create(name="joe", code="1.50", count=1)
    given = [Named(name="Joe", code="1.5", count=2), Named(name="Ann", code=2, count=2)]
    result = Named.objects.bulk_upsert(given, ["name"], ["code"])
    assert list(result.outcomes) == [Outcome.UNCHANGED, Outcome.INSERTED]
    given[0].code = "1.6"
    assert counts(Named.objects.bulk_upsert(given[:1], ["name"], ["code"])) == {"updated": 1}


def test_aware_datetimes_of_another_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=5))
    before = Stamped.objects.create(name="a")
    given = Stamped(pk=before.pk, made=before.made.astimezone(zone))
    assert counts(Stamped.objects.bulk_upsert([given], None, ["made"])) == {"unchanged": 1}


def test_expressions_are_written() -> None:
    keys = made(1)
    given = Plain(pk=keys["n0"], name="n0", value=models.F("value") + 5)
    assert counts(Plain.objects.bulk_upsert([given])) == {"updated": 1}
    assert stored() == {"n0": 5}


def test_deferred_fields_stay_as_they_are(django_assert_num_queries: Any) -> None:
    keys = made(1)
    row = Plain.objects.only("name").get()
    row.name = "new"
    with django_assert_num_queries(4):  # two of a savepoint
        assert counts(Plain.objects.bulk_upsert([row])) == {"updated": 1}
    assert stored() == {"new": 0} and row.pk == keys["n0"]


def test_values_that_change_in_place() -> None:
    row = Document.objects.create(name="a", body={"n": 1})
    row.body["n"] = 2
    assert counts(Document.objects.bulk_upsert([row])) == {"updated": 1}
    assert counts(Document.objects.bulk_upsert([row])) == {"unchanged": 1}


def test_the_uuid_of_the_call() -> None:
    foo = Foo.objects.create(name="old", value=1)
    rows = [Foo(pk=foo.pk, name="old", value=2), Foo(name="new", value=3)]
    Foo.objects.bulk_upsert(rows)
    found = dict(Foo.objects.values_list("name", "bm_create_uuid"))
    assert found["old"] is None and found["new"] is not None


# ------------------------------------------------------------------------------------ duplicates


def test_repeated_objects_are_refused(django_assert_num_queries: Any) -> None:
    rows = [Plain(name=f"n{i % 30}", value=i) for i in range(60)]
    with (
        pytest.raises(
            ValueError, match=r"Objects 0 and 30 have the same name\. So do 1 and 31, "
        ) as e,
        django_assert_num_queries(0),
    ):
        Plain.objects.bulk_upsert(rows, ["name"])
    assert str(e.value).count(" and ") == 20 and str(e.value).endswith("(10 more)")


@pytest.mark.parametrize(("duplicates", "value"), [("first", 0), ("last", 2)])
def test_one_of_repeated_objects_is_written(duplicates: Any, value: int) -> None:
    rows = [Plain(name="a", value=i) for i in range(3)] + [Plain(name="b", value=9)]
    result = Plain.objects.bulk_upsert(rows, ["name"], duplicates=duplicates)
    assert counts(result) == {"inserted": 2, "ignored": 2}
    assert stored() == {"a": value, "b": 9}
    assert [key is None for key in result.keys] == [i not in (value, 3) for i in range(4)]


# --------------------------------------------------------------------------- refusals and errors


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ((["nothing"],), FieldDoesNotExist, "nothing"),
        ((["signed"],), ValueError, "concrete"),
        (("name",), TypeError, r"\['name'\]"),
        ((["name"], "value"), TypeError, r"\['value'\]"),
        ((["name"], ["name"]), ValueError, "'name': it identifies the row"),
        ((["name"], ["id"]), ValueError, "'id': it identifies the row"),
        ((["name"], ["signed"]), ValueError, "concrete"),
    ],
)
def test_arguments_that_are_refused(arguments: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        Plain.objects.bulk_upsert([Plain(name="a", value=1)], *arguments)
    assert stored() == {}


def test_options_that_are_refused() -> None:
    rows = [Plain(name="a")]
    with pytest.raises(ValueError, match='duplicates must be "error", "first" or "last"'):
        Plain.objects.bulk_upsert(rows, ["name"], duplicates="both")
    with pytest.raises(ValueError, match="positive integer"):
        Plain.objects.bulk_upsert(rows, ["name"], batch_size=0)
    with pytest.raises(TypeError, match="the option is 'concurrent'"):
        Plain.objects.bulk_upsert(rows, ["name"], concurrency=True)
    with pytest.raises(ValueError, match="Object 0 is a dict"):
        Plain.objects.bulk_upsert([{"name": "a"}], ["name"])
    assert stored() == {}


@pytest.mark.parametrize("n", SIZES)
def test_an_error_names_the_row_and_undoes_all(n: int) -> None:
    before = made(n)
    rows = [Plain(name=f"n{i}", value=-1) for i in range(n - 1, n + 3)]
    rows[2].value = "no number"
    with pytest.raises(ValueError) as caught:
        Plain.objects.bulk_upsert(rows, ["name"])
    assert (caught.value.row_index, caught.value.field_name) == (2, "value")
    assert stored() == {f"n{i}": i for i in range(n)}
    assert [(row.pk, row._state.adding) for row in rows] == [(None, True)] * 4
    assert len(before) == n


@pytest.mark.django_db(transaction=True)
def test_a_conflict_with_another_unique_field() -> None:
    Named.objects.bulk_create([Named(name=f"a{i}", code=i) for i in range(3)])
    new = [Named(name="a0", code=5), Named(name="b", code=6), Named(name="c", code=2)]
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured, pytest.raises(IntegrityError) as caught:
            Named.objects.bulk_upsert(new, ["name"])
        assert caught.value.row_index == 2 and [row.pk for row in new] == [None] * 3
        assert sum("code" in query["sql"] and "INSERT" in query["sql"] for query in captured) >= 1
    assert list(Named.objects.order_by("code").values_list("code", flat=True)) == [0, 1, 2]


def test_the_caller_s_transaction_stays_usable() -> None:
    made(1)
    with transaction.atomic():
        Plain.django.create(name="before")
        with pytest.raises(IntegrityError):
            Plain.objects.bulk_upsert([Plain(pk=4711, name="n0")])
        assert Plain.objects.bulk_upsert([Plain(name="after")], ["name"]).inserted == 1
    assert set(stored()) == {"n0", "before", "after"}


# ------------------------------------------------------------------------------ other transactions


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Changes of what the call finds, one each time: the rows as they were a moment before."""
    changes: list[Any] = []
    find = bulk_upsert.find

    def found(*arguments: Any) -> Any:
        rows = find(*arguments)
        if changes:
            changes.pop(0)(rows)
        return rows

    monkeypatch.setattr(bulk_upsert, "find", found)
    yield changes
    assert changes == []


@pytest.mark.parametrize("n", SIZES)
def test_a_row_that_another_transaction_inserts_meanwhile(n: int, seen: Any) -> None:
    keys = made(n)
    seen.append(lambda rows: rows.pks.__setitem__(2, None))
    rows = [Plain(name=f"n{i}", value=-1) for i in range(4)]
    result = Plain.objects.bulk_upsert(rows, ["name"])
    assert counts(result) == {"updated": 4} and rows[2].pk == keys["n2"]
    assert [stored()[f"n{i}"] for i in range(4)] == [-1] * 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "options",
    [
        {"set": {"value": Excluded("value")}},
        {"update_where": models.Q(value__gte=0)},
        {"return_changes": True},
        {"on_changes": lambda changes: None},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_call_that_locks_starts_again(options: Any, seen: Any) -> None:
    """After the rollback there is no transaction, in which rows can be locked."""
    keys = made(3)
    seen.append(lambda rows: rows.pks.__setitem__(1, None))
    rows = [Plain(name=f"n{i}", value=-1) for i in range(3)]
    result = Plain.objects.bulk_upsert(rows, ["name"], **options)
    assert counts(result) == {"updated": 3} and rows[1].pk == keys["n1"]
    assert set(stored().values()) == {-1}


@pytest.mark.parametrize("n", SIZES)
def test_a_row_that_another_transaction_deletes_meanwhile(n: int, seen: Any) -> None:
    made(n)
    seen.append(lambda rows: rows.pks.__setitem__(n, 4711_4711))
    rows = [Plain(name=f"n{i}", value=-1) for i in range(n + 1)]
    result = Plain.objects.bulk_upsert(rows, ["name"])
    assert counts(result) == {"updated": n, "inserted": 1}
    assert Plain.django.count() == n + 1 and rows[n].pk != 4711_4711


def test_a_row_that_is_deleted_each_time(seen: Any) -> None:
    made(1)
    seen += [lambda rows: rows.pks.__setitem__(1, 4711_4711)] * 3
    rows = [Plain(name="n0", value=-1), Plain(name="new", value=-1)]
    with pytest.raises(DatabaseError, match="deleted while it was being updated"):
        Plain.objects.bulk_upsert(rows, ["name"])
    assert stored() == {"n0": 0} and [row.pk for row in rows] == [None] * 2


# ------------------------------------------------------------------------------- result and calls


def test_a_dry_run() -> None:
    keys = made(2)
    rows = [Plain(name="n1", value=7), Plain(name="new")]
    result = Plain.objects.bulk_upsert(rows, ["name"], dry_run=True)
    assert counts(result) == {"updated": 1, "inserted": 1} and result.dry_run
    assert result.keys == [keys["n1"], None]
    assert stored() == {"n0": 0, "n1": 1}
    assert [(row.pk, row._state.adding) for row in rows] == [(None, True)] * 2
    with transaction.atomic():
        Plain.django.create(name="kept")
        Plain.objects.bulk_upsert(rows, ["name"], dry_run=True)
    assert stored() == {"n0": 0, "n1": 1, "kept": None}


@pytest.mark.django_db(transaction=True)
def test_the_statements_are_counted(django_assert_num_queries: Any) -> None:
    made(2)
    rows = [Plain(name="n1", value=7), Plain(name="new")]
    with CaptureQueriesContext(connection) as captured:
        result = Plain.objects.bulk_upsert(rows, ["name"])
    sent = [query["sql"] for query in captured]
    plain = [sql for sql in sent if sql.split()[0] not in ("BEGIN", "COMMIT")]
    assert len(plain) == 3 and result.statements == len(plain) + 2
    assert result.seconds > 0 and result.replays == 0 and not result.dry_run
    with transaction.atomic():
        result = Plain.objects.bulk_upsert(rows, ["name"])
    assert counts(result) == {"unchanged": 2} and result.statements == 3  # two of the savepoint


def test_nothing_to_write(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        result = Plain.objects.bulk_upsert([], ["name"])
    assert (counts(result), result.keys, result.outcomes) == ({}, [], b"")
    assert result.statements == 0


def test_outcomes_are_those_of_the_c_library() -> None:
    header = (Path(__file__).resolve().parents[2] / "include/bulkmodel.h").read_text()
    (body,) = re.findall(r"typedef enum bm_row_outcome \{(.*?)\}", header, re.DOTALL)
    names = re.findall(r"\bBM_ROW_([A-Z]+)", body)
    assert len(names) >= 7 and names == [one.name for one in Outcome][: len(names)]


def test_one_pair_of_signals() -> None:
    made(1)
    heard: list[Any] = []

    def hear(signal: Any, **facts: Any) -> None:
        heard.append((signal, facts))

    pairs = (signals.pre_bulk_upsert, signals.post_bulk_upsert, signals.pre_bulk_create,
             signals.post_bulk_create, signals.pre_update_fields)  # fmt: skip
    for signal in pairs:
        signal.connect(hear, sender=Plain)
    try:
        rows = [Plain(name="n0", value=5), Plain(name="new")]
        result = Plain.objects.bulk_upsert(rows, ["name"])
        Plain.objects.bulk_upsert(rows, ["name"], send_signals=False)
    finally:
        for signal in pairs:
            signal.disconnect(hear, sender=Plain)
    assert [signal for signal, _ in heard] == list(pairs[:2])
    (_, pre), (_, post) = heard
    assert pre["instances"] == rows and pre["n"] == 2
    assert post["n"] == 2 and post["result"] is result
    assert {row.pk for row in post["queryset"]} == set(result.keys)


def test_from_a_coroutine() -> None:
    async def run() -> BulkResult:
        return await Plain.objects.abulk_upsert([Plain(name="a")], unique_fields=["name"])

    result = async_to_sync(run)()
    assert result.inserted == 1 and stored() == {"a": None}


def test_a_related_manager_and_a_filter_do_not_hide_rows() -> None:
    made(3)
    rows = [Plain(name="n2", value=9)]
    assert Plain.objects.filter(value=0).bulk_upsert(rows, ["name"]).updated == 1


@pytest.mark.django_db(transaction=True)
def test_a_hook_behind_commit_leaves_the_keys() -> None:
    """Its error comes after the rows are there."""
    rows = [Plain(name=f"n{i}", value=i) for i in range(3)]

    def hook() -> None:
        raise OperationalError("of the hook")

    def registers(execute: Any, *statement: Any) -> Any:
        if not connection.run_on_commit and statement[0].startswith("INSERT"):
            transaction.on_commit(hook)
        return execute(*statement)

    with connection.execute_wrapper(registers), pytest.raises(OperationalError, match="hook"):
        Plain.objects.bulk_upsert(rows, ["name"])
    assert Plain.django.count() == 3
    assert all(row.pk is not None and not row._state.adding for row in rows)
