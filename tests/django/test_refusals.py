"""What Django refuses is refused with Django's words; what is ours, by row and field."""

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower

from app.models import Child, Everything, Plain, Signed, Stamped
from bulkmodel.engine import postgresql
from conftest import ENGINE

pytestmark = pytest.mark.django_db

POSTGRESQL = ENGINE == "postgresql"


def plain(n: int = 3, **values: Any) -> list[Plain]:
    return [Plain(**{"name": f"n{i}", "value": i, **values}) for i in range(n)]


def saved(n: int = 3) -> list[Plain]:
    return Plain.django.bulk_create(plain(n))


def outcome(call: Any, manager: Any) -> Any:
    """What a call says or raises.  Numbers differ: keys are counted on."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                made = call(manager)
                result: Any = made if isinstance(made, int) or made is None else len(made)
        except Exception as error:
            result = (type(error), re.sub(r"\d+|0x\w+", "#", str(error)))
        transaction.set_rollback(True)
    return result


UPSERT: dict[str, Any] = {"update_conflicts": True}
CREATES: list[Any] = [
    lambda m: m.bulk_create(None),
    lambda m: m.bulk_create(5),
    lambda m: m.bulk_create([None]),
    lambda m: m.bulk_create([5]),
    lambda m: m.bulk_create(["x"]),
    lambda m: m.bulk_create([{"name": "x"}]),
    lambda m: m.bulk_create([*plain(), None]),
    lambda m: m.bulk_create([Signed(name="x", value=1)]),
    lambda m: m.bulk_create([*plain(), Stamped(name="x")]),
    lambda m: m.bulk_create([Child(name="x")]),
    lambda m: m.bulk_create([Plain]),
    lambda m: m.bulk_create(plain(), 0),
    lambda m: m.bulk_create(plain(), -1),
    lambda m: m.bulk_create(plain(), "5"),
    lambda m: m.bulk_create(plain(), 1.5),
    lambda m: m.bulk_create(plain(), True),
    lambda m: m.bulk_create([], -1),
    lambda m: m.bulk_create([], "5"),
    lambda m: m.bulk_create(plain(), [1]),
    lambda m: m.bulk_create(plain(), ignore_conflicts=True, update_conflicts=True),
    lambda m: m.bulk_create(plain(), **UPSERT),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["value"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["id"], unique_fields=["name"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["pk"], unique_fields=["name"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["no"], unique_fields=["name"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["value"], unique_fields=["no"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["signed"], unique_fields=["name"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=["value"], unique_fields=["signed"]),
    lambda m: m.bulk_create(plain(), **UPSERT, update_fields=5, unique_fields=["name"]),
    lambda m: m.bulk_create(plain(), update_fields=["no"]),
    lambda m: m.bulk_create(plain(), unique_fields=["no"]),
    lambda m: m.bulk_create(plain(), ignore_conflicts=True, unique_fields=["no"]),
    lambda m: m.bulk_create([], ignore_conflicts=True, update_conflicts=True),
    lambda m: m.bulk_create(plain(value="x")),
    lambda m: m.bulk_create(plain(value="5")),
    lambda m: m.bulk_create(plain(value=1.5)),
    lambda m: m.bulk_create(plain(value=[1])),
    lambda m: m.bulk_create(plain(value={"a": 1})),
    lambda m: m.bulk_create(plain(value=float("nan"))),
    lambda m: m.bulk_create(plain(value=2**31)),
    lambda m: m.bulk_create(plain(value=2**63)),
    lambda m: m.bulk_create(plain(value=-(2**100))),
    lambda m: m.bulk_create(plain(1, name=None)),
    lambda m: m.bulk_create(plain(1, name="x" * 11)),
    lambda m: m.bulk_create(plain(1, name="x" * 10 + "   ")),
    lambda m: m.bulk_create(plain(1, name="a\0b")),
    lambda m: m.bulk_create(plain(1, name="\ud800")),
    lambda m: m.bulk_create(plain(1, name=b"\xff")),
    lambda m: m.bulk_create(plain(1, name=5)),
    lambda m: m.bulk_create(plain(1, name=["x"])),
    lambda m: m.bulk_create(plain(2, name="same")),
    lambda m: m.bulk_create(plain(1, name=F("value"))),
    lambda m: m.bulk_create(plain(1, name=Q(name="x"))),
    lambda m: m.bulk_create([Plain(pk="x", name="x")]),
    lambda m: m.bulk_create([Plain(pk=2**70, name="x")]),
    lambda m: m.bulk_create([Plain(pk=1.5, name="x")]),
]
SIGNED: list[Any] = [
    lambda m: m.bulk_create([Signed(name="x", value=1, owner=Plain(name="unsaved"))]),
    lambda m: m.bulk_create([Signed(name="x", value=None)]),
    lambda m: m.bulk_create([Signed(name="x", value=1, owner_id="x")]),
    lambda m: m.bulk_create([Signed(name="x", value=1, owner_id="")]),
]
EVERYTHING: list[Any] = [
    lambda m, n=name, v=value: m.bulk_create([Everything(**{n: v})])
    for name, value in (
        ("small", 2**15),
        ("positive", -1),
        ("decimal", "x"),
        ("decimal", Decimal("1e30")),
        ("decimal", Decimal("NaN")),
        ("decimal", Decimal("Infinity")),
        ("decimal", float("nan")),
        ("float", "x"),
        ("float", 10**400),
        ("date", "x"),
        ("date", "2024-02-30"),
        ("date", 5),
        ("datetime", "x"),
        ("time", "25:00"),
        ("uuid", "x"),
        ("uuid", 2**128),
        ("uuid", uuid.uuid4().hex),
        ("boolean", "x"),
        ("boolean", 2),
    )
]
UPDATES: list[Any] = [
    lambda m: m.bulk_update(saved(), []),
    lambda m: m.bulk_update(saved(), None),
    lambda m: m.bulk_update(saved(), ["no"]),
    lambda m: m.bulk_update(saved(), ["id"]),
    lambda m: m.bulk_update(saved(), ["pk"]),
    lambda m: m.bulk_update(saved(), ["signed"]),
    lambda m: m.bulk_update(saved(), ["value", "value"]),
    lambda m: m.bulk_update(saved(), "value"),
    lambda m: m.bulk_update(saved(), [5]),
    lambda m: m.bulk_update(saved(), 5),
    lambda m: m.bulk_update(saved(), ["value"], 0),
    lambda m: m.bulk_update(saved(), ["value"], -1),
    lambda m: m.bulk_update(saved(), ["value"], "5"),
    lambda m: m.bulk_update(saved(), ["value"], 1.5),
    lambda m: m.bulk_update([], ["value"], -1),
    lambda m: m.bulk_update([], []),
    lambda m: m.bulk_update(plain(), ["value"]),
    lambda m: m.bulk_update([*saved(), *plain()], ["value"]),
    lambda m: m.bulk_update([None], ["value"]),
    lambda m: m.bulk_update([5], ["value"]),
    lambda m: m.bulk_update(None, ["value"]),
    lambda m: m.bulk_update([Stamped(pk=5, name="x")], ["value"]),
    lambda m: m.bulk_update(saved() + saved()[:0] + [saved(0)], ["value"]),
    lambda m: m.bulk_update([Plain(pk="x", value=1)], ["value"]),
    lambda m: m.bulk_update([Plain(pk=2**70, value=1)], ["value"]),
    lambda m: m.bulk_update([Plain(pk=0, value=1)], ["value"]),
    lambda m: m.update(no=1),
    lambda m: m.update(value__lt=1),
    lambda m: m.update(signed=1),
    lambda m: m.update(value="x"),
    lambda m: m.update(name=None),
    lambda m: m.update(value=F("no")),
    lambda m: m.update(value=F("signed__value")),
    lambda m: m.update(id="x"),
    lambda m: m.all()[:1].update(value=1),
    lambda m: m.values("name").annotate(x=Lower("name")).update(no=1),
    lambda m: m.distinct("name").update(value=1),
]


def changed(**values: Any) -> Any:
    def call(manager: Any) -> Any:
        objects = saved()
        for name, value in values.items():
            setattr(objects[1], name, value)
        return manager.bulk_update(objects, list(values))

    return call


UPDATES += [
    changed(value="x"),
    changed(value=2**31),
    changed(value=2**63),
    changed(value=1.5),
    changed(name="n0"),
    changed(name=None),
    changed(name="x" * 11),
    changed(name="a\0b"),
    changed(name="\ud800"),
    changed(name=5),
    changed(name=F("no")),
    changed(value=Lower("name")),
]


@pytest.mark.parametrize("call", [*CREATES, *UPDATES])
def test_plain(call: Any) -> None:
    assert outcome(call, Plain.objects) == outcome(call, Plain.django)


@pytest.mark.parametrize("call", SIGNED)
def test_signed(call: Any) -> None:
    assert outcome(call, Signed.objects) == outcome(call, Signed._base_manager)


@pytest.mark.parametrize("call", EVERYTHING)
def test_everything(call: Any) -> None:
    assert outcome(call, Everything.objects) == outcome(call, Everything.django)


def test_a_broken_transaction() -> None:
    for call in (lambda m: m.bulk_create(plain()), lambda m: m.update(value=1)):
        said = []
        for manager in (Plain.django, Plain.objects):
            with transaction.atomic():
                transaction.set_rollback(True)
                with pytest.raises(transaction.TransactionManagementError) as caught:
                    call(manager)
                said.append(str(caught.value))
        assert said[0] == said[1]


# ----------------------------------------------------------------------------------------- ours


@pytest.mark.parametrize(
    ("names", "kind", "said"),
    [
        (("no",), FieldDoesNotExist, "no"),
        (("signed",), ValueError, "concrete"),
        (("id",), ValueError, "primary key"),
        (("value", "id"), ValueError, "primary key"),
    ],
)
def test_names(names: tuple[str, ...], kind: type[Exception], said: str) -> None:
    objects = saved()
    with pytest.raises(kind, match=said):
        Plain.objects.update_fields(*names, objects=objects)
    rows = Plain.objects.all()
    list(rows)
    with pytest.raises(kind, match=said):
        rows.update_fields(*names)


def test_names_that_are_none() -> None:
    with pytest.raises(TypeError, match=r'update_fields\("value", objects=rows\)'):
        Plain.objects.update_fields(5, objects=saved())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda rows: Plain(name="new"), "3 has no primary key"),
        (lambda rows: rows[1], "1 and 3 have the same"),
        (lambda rows: Plain.objects.get(pk=rows[2].pk), "2 and 3 have the same"),
        (lambda rows: Stamped.objects.create(name="x"), "3 is a Stamped, not an"),
        (lambda rows: None, "3 is a NoneType, not an instance of app.Plain"),
        (lambda rows: {"pk": 1}, "3 is a dict, not an instance of app.Plain"),
    ],
)
def test_objects(other: Any, said: str, django_assert_num_queries: Any) -> None:
    rows = saved()
    rows.append(other(rows))
    rows[0].value = 99
    with pytest.raises(ValueError, match=said), django_assert_num_queries(0):
        Plain.objects.update_fields("value", objects=rows)
    assert not Plain.django.filter(value=99).exists()


@pytest.mark.parametrize("size", [0, -1, "5", 1.5, [1]])
@pytest.mark.parametrize("name", ["batch_size", "max_concurrent_workers"])
def test_sizes(name: str, size: Any) -> None:
    rows = saved()
    for call in (
        lambda: Plain.objects.update_fields("value", objects=rows, **{name: size}),
        lambda: Plain.objects.bulk_options(**{name: size}).update(value=1),
        lambda: Plain.objects.update(value=1, **{name: size}),
    ):
        with pytest.raises(ValueError, match="positive integer"):
            call()


def test_a_table_that_is_another() -> None:
    rows = saved()
    error = ProgrammingError if ENGINE == "postgresql" else OperationalError
    for call in (
        lambda: Plain.objects.update_fields("value", objects=rows),
        lambda: Plain.django.bulk_update(rows, ["value"]),
        lambda: Plain.objects.bulk_create(plain(1500)),
    ):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE app_plain RENAME COLUMN value TO other")
            with pytest.raises(error, match=r"column.*value") as caught, transaction.atomic():
                call()
            assert caught.type is error
            transaction.set_rollback(True)


WRONG: list[Any] = [
    ("value", "x", ValueError, None),
    ("value", [1], TypeError, None),
    ("name", "\ud800", UnicodeEncodeError, None),
]
if POSTGRESQL:
    WRONG += [
        ("value", 2**31, DataError, "22003"),
        ("value", -(2**31) - 1, DataError, "22003"),
        ("value", 2**100, DataError, "22003"),
        ("name", "x" * 11, DataError, "22001"),
        ("name", "a\0b", DataError, None),
    ]
else:
    WRONG += [("value", 2**63, OverflowError, None), ("value", -(2**63) - 1, OverflowError, None)]


@pytest.mark.parametrize(("name", "value", "kind", "sqlstate"), WRONG)
@pytest.mark.parametrize("n", [3, 1500])
def test_values(
    n: int, name: str, value: Any, kind: Any, sqlstate: Any, django_assert_num_queries: Any
) -> None:
    rows = saved(n)
    setattr(rows[n - 2], name, value)
    rows[0].value = -99
    with connection.cursor():
        pass
    own = ValueError if "\0" in str(value) and not postgresql.is_psycopg3 else kind  # psycopg2's
    with pytest.raises(own) as caught, django_assert_num_queries(0):
        Plain.objects.update_fields("name", "value", objects=rows)
    error: Any = caught.value
    assert (error.row_index, error.field_name, error.sqlstate) == (n - 2, name, sqlstate)
    assert error.constraint is None
    assert not Plain.django.filter(value=-99).exists()
    with pytest.raises(own), transaction.atomic():
        rows[n - 2].save()


def test_nan_is_refused_where_it_would_be_null() -> None:
    row = Everything.django.create(float=1.0)
    row.float = float("nan")
    if POSTGRESQL:
        assert Everything.objects.update_fields("float", objects=[row]) == 1
        return
    with pytest.raises(DataError) as caught:
        Everything.objects.update_fields("float", objects=[row])
    assert (caught.value.row_index, caught.value.field_name) == (0, "float")
    assert Everything.django.get().float == 1.0


def test_rows_are_counted_in_the_callers_sequence() -> None:
    saved(5)
    rows = Plain.objects.order_by("pk")
    list(rows)
    rows[4].value = "x"
    with pytest.raises(ValueError, match="expected a number") as caught:
        rows.update_fields()
    assert (caught.value.row_index, caught.value.field_name) == (4, "value")
