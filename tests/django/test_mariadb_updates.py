"""Updates on MariaDB, through the driver that BM_DJANGO names: issue 14, part 5."""

import datetime
import re
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.backends.utils import CursorWrapper

from app.keys import Pair
from app.models import Child, Document, Everything, Foo, Keyed, Plain, Signed, Stamped
from bulkmodel.engine import mariadb, support
from mariadb_cases import each_fault, failure
from test_mariadb import SIZES, Strange, everything, query, query_none, stored

pytestmark = pytest.mark.django_db(transaction=True)


def blank(model: Any, n: int) -> list[Any]:
    """Rows of Django's, and objects of them that no queryset knows."""
    model.django.all().delete()
    model.django.bulk_create([model() for _ in range(n)])
    return list(model.django.order_by("pk"))


def by_bulk_update(model: Any, rows: list[Any], names: list[str], django: bool) -> None:
    manager = model.django if django else model.objects
    assert manager.bulk_update(rows, names, batch_size=50 if django else None) == len(rows)


def by_update_fields(model: Any, rows: list[Any], names: list[str], django: bool) -> None:
    if django:
        model.django.bulk_update(rows, names, batch_size=50)
    else:
        assert model.objects.update_fields(*names, objects=rows) == len(rows)


def as_django(model: Any, make: Callable[[], list[Any]], update: Any) -> None:
    """Ours and Django's updates leave the same bytes."""
    names = [f.name for f in model._meta.concrete_fields if not f.primary_key]
    left = []
    for django in (True, False):
        made = make()
        rows = blank(model, len(made))
        for row, values in zip(rows, made):
            for name in names:
                attname = model._meta.get_field(name).attname
                setattr(row, attname, getattr(values, attname))
        update(model, rows, names, django)
        left.append(stored(model))
    assert left[1] == left[0]
    assert len(set(left[0])) > 1


@pytest.mark.parametrize("times", [1, 10])
@pytest.mark.parametrize("update", [by_bulk_update, by_update_fields])
def test_types_are_stored_as_django_stores_them(
    times: int, update: Any, on_engine: list[str]
) -> None:
    as_django(Everything, lambda: [o for _ in range(times) for o in everything()], update)
    assert set(on_engine) == {"mariadb"}


@pytest.mark.parametrize("update", [by_bulk_update, by_update_fields])
def test_types_that_only_mariadb_s_tests_have(update: Any, on_engine: list[str]) -> None:
    def make() -> list[Strange]:
        return [
            Strange(unsigned=2**64 - 1, tiny=65535, data=b"\x00'\\\xff"),
            Strange(unsigned=2**63, data=b"", took=datetime.timedelta(9, 1, 7)),
            Strange(took=datetime.timedelta(-1), tiny=0, address="::ffff:1.2.3.4"),
            Strange(),
        ]

    as_django(Strange, make, update)
    assert on_engine


def test_json(on_engine: list[str]) -> None:
    bodies: list[Any] = [{"a": ["ä'\\", None, 1.5]}, [], "x", 0, {}]
    Document.objects.bulk_create([Document(name=f"n{i}") for i in range(5)])
    queryset = Document.objects.order_by("pk")
    for row, body in zip(queryset, bodies):
        row.body = body
    assert queryset.update_fields() == 4  # the last is as it was
    assert [row.body for row in Document.objects.order_by("pk")] == bodies
    assert on_engine


def test_a_row_keeps_what_it_did_not_change(on_engine: list[str]) -> None:
    """In a column that takes no NULL, too."""
    Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(4)])
    queryset = Foo.objects.order_by("pk")
    list(queryset)
    on_engine.clear()
    Foo.objects.update(name="theirs", value=-1)
    queryset[1].name = "mine"
    queryset[2].value = 22
    assert queryset.update_fields() == 2
    found = list(Foo.objects.order_by("pk").values_list("name", "value"))
    assert found == [("theirs", -1), ("mine", -1), ("theirs", 22), ("theirs", -1)]
    assert on_engine == ["mariadb"]


def test_what_is_stored_already_counts_as_written() -> None:
    """As Django counts: rows that were found.  Those that are gone were not."""
    rows = Plain.objects.bulk_create([Plain(name=f"n{i}", value=1) for i in range(5)])
    assert Plain.objects.update_fields("value", objects=rows) == 5
    Plain.objects.filter(pk__in=[rows[0].pk, rows[3].pk]).delete()
    assert Plain.objects.update_fields("value", objects=rows) == 3
    assert Plain.objects.bulk_update(rows, ["value"]) == 3


@pytest.mark.parametrize("n", [1, 7, 1001, 12_000])
def test_each_row_gets_its_own_value(n: int, on_engine: list[str]) -> None:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=0) for i in range(n)])
    queryset = Plain.objects.order_by("-pk")
    for i, row in enumerate(queryset):
        row.value = i * 7 % 1013 + 1
    wanted = {row.pk: row.value for row in queryset}
    queryset.update_fields()
    assert dict(Plain.django.values_list("pk", "value")) == wanted
    assert on_engine


# ---------------------------------------------------------------------------------- which rows


def test_a_condition_on_the_row(on_engine: list[str]) -> None:
    Plain.django.bulk_create([Plain(name=f"50%{i}`'", value=i) for i in range(10)])
    queryset = Plain.objects.filter(name__gte="50%5`'", value__lt=9)
    rows = list(queryset)
    for row in rows:
        row.value = -row.value
    Plain.django.filter(value=7).update(value=100)  # it is no longer among them
    assert queryset.update_fields() == 3
    found = set(Plain.django.values_list("value", flat=True))
    assert found == {0, 1, 2, 3, 4, -5, -6, 100, -8, 9}
    assert on_engine


@pytest.mark.parametrize("bulk", [True, False])
def test_a_condition_that_reads_other_rows(bulk: bool) -> None:
    """MariaDB refuses a join that reads its table twice."""
    owners = Plain.objects.bulk_create([Plain(name="a"), Plain(name="b")])
    Signed.objects.bulk_create(
        [Signed(name=f"{i}", value=i, owner=owners[i % 2]) for i in range(6)]
    )
    queryset = Signed.objects.filter(owner__name="b")
    rows = list(Signed.objects.order_by("pk"))
    for row in rows:
        row.value += 100
    if bulk:
        assert queryset.bulk_update(rows, ["value"]) == 3
    else:
        assert queryset.update_fields("value", objects=rows) == 3
    found = list(Signed.objects.order_by("pk").values_list("value", flat=True))
    assert found == [0, 101, 2, 103, 4, 105]


def test_keys_of_other_types(on_engine: list[str]) -> None:
    Keyed.objects.bulk_create([Keyed(id=uuid.UUID(int=i << 80), name="old") for i in range(9)])
    Pair.objects.bulk_create([Pair(left=i // 3, right=f"é'{i % 3}", value=0) for i in range(9)])
    on_engine.clear()
    for model, name in ((Keyed, "name"), (Pair, "value")):
        queryset: Any = model.objects.all()
        wanted = {}
        for i, row in enumerate(queryset):
            wanted[row.pk] = f"new {i}" if name == "name" else i + 1
            setattr(row, name, wanted[row.pk])
        assert queryset.update_fields() == 9
        assert dict(model.objects.values_list("pk", name)) == wanted
    assert on_engine == ["mariadb"] * 2


def test_names_that_must_be_quoted(on_engine: list[str]) -> None:
    rows = Strange.objects.bulk_create([Strange(tiny=i, unsigned=i) for i in range(5)])
    for row in rows:
        row.tiny, row.unsigned = row.tiny + 10, 2**64 - 1 - row.unsigned
    queryset = Strange.objects.filter(tiny__lt=4)
    assert queryset.update_fields("tiny", "unsigned", objects=rows) == 4
    found = list(Strange.objects.order_by("pk").values_list("tiny", "unsigned"))
    assert found == [*((i + 10, 2**64 - 1 - i) for i in range(4)), (4, 4)]
    assert on_engine


def test_inherited_columns_and_stamps() -> None:
    for i in range(3):
        Child.objects.create(name=f"n{i}", value=i, extra=i)
    children = Child.objects.order_by("pk")
    for child in children:
        child.value, child.extra = 10, 20
    assert children.update_fields() == 3
    assert list(children.all().values_list("value", "extra")) == [(10, 20)] * 3
    Stamped.objects.bulk_create([Stamped(name=f"n{i}") for i in range(3)])
    stamped = Stamped.objects.order_by("pk")
    before = [row.changed for row in stamped]
    for row in stamped:
        row.name += "!"
    assert stamped.update_fields() == 3
    after = Stamped.objects.order_by("pk").values_list("changed", flat=True)
    assert all(old < new for old, new in zip(before, after))


# --------------------------------------------------------------------------------------- errors


def _taken(rows: list[Any], at: int) -> None:
    rows[at].name = rows[0].name


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("nested", [False, True])
@each_fault(_taken)
def test_errors_name_row_field_and_constraint(
    n: int, nested: bool, spoil: Any, field: str, constraint: Any, state: str
) -> None:
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])
    rows = list(Plain.django.order_by("pk"))
    for row in rows:
        row.value += 1
    at = n * 2 // 3
    spoil(rows, at)

    def ours() -> None:
        with transaction.atomic() if nested else nullcontext():
            Plain.objects.update_fields("name", "value", objects=rows)

    said = failure(ours)
    one = rows[at : at + 1]
    theirs = failure(lambda: Plain.django.bulk_update(one, ["name", "value"]))
    assert type(said) is type(theirs)
    assert re.sub(r" row \d+", " row 1", str(said)) == str(theirs)
    assert (said.row_index, said.field_name) == (at, field)
    assert (said.constraint, said.sqlstate) == (constraint, state)
    assert list(Plain.django.order_by("pk").values_list("value", flat=True)) == list(range(n))
    assert nothing_is_left()


@pytest.mark.parametrize("n", SIZES)
def test_a_missing_parent_and_a_check(n: int) -> None:
    """1452, 4025."""
    Everything.django.bulk_create([Everything(integer=i) for i in range(n)])
    rows = list(Everything.django.order_by("pk"))
    rows[-1].link_id = 4711
    said = failure(lambda: Everything.objects.update_fields("link", objects=rows))
    assert (said.row_index, said.field_name, said.sqlstate) == (n - 1, "link", "23503")
    assert said.constraint.startswith("app_everything_link_id")
    query_none("ALTER TABLE app_everything ADD CONSTRAINT few CHECK (small < 5)")
    try:
        rows[-2].small = 5
        said = failure(lambda: Everything.objects.update_fields("small", objects=rows))
    finally:
        query_none("ALTER TABLE app_everything DROP CONSTRAINT few")
    assert isinstance(said, IntegrityError)
    assert (said.row_index, said.constraint, said.sqlstate) == (n - 2, "few", "23514")
    assert not Everything.objects.exclude(small=None, link=None).exists()


def test_the_call_is_one_transaction() -> None:
    """Rows of several statements are undone together."""
    Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(12_000)])
    rows = list(Plain.django.order_by("pk"))
    for row in rows:
        row.value = -1
    rows[-1].name = "n0"
    said = failure(lambda: Plain.objects.update_fields("name", "value", objects=rows))
    assert said.row_index == 11_999
    assert not Plain.django.filter(value=-1).exists()


# ------------------------------------------------------------------------------------ statements


def nothing_is_left() -> bool:
    with pytest.raises(DatabaseError, match="bulkmodel_batch"):
        query("SELECT 1 FROM bulkmodel_batch")
    return True


def test_one_statement_is_seen_and_no_value_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """faults.md, S-03.  The rows are in the temporary table, and it is gone afterwards."""
    rows = Plain.objects.bulk_create([Plain(name=f"n{i}") for i in range(3)])
    seen: list[str] = []
    told: list[str] = []
    execute, tell = CursorWrapper.execute, mariadb.tell

    def spy(self: Any, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return execute(self, sql, params)

    def hear(connection: Any, sql: str) -> None:
        told.append(sql)
        tell(connection, sql)

    monkeypatch.setattr(CursorWrapper, "execute", spy)
    monkeypatch.setattr(mariadb, "tell", hear)
    rows[1].name = "'; DROP"
    assert Plain.objects.update_fields("name", objects=rows) == 3
    assert sum(sql.startswith("UPDATE") for sql in seen) == 1
    assert not any("DROP" in sql for sql in seen)
    inserts = [sql for sql in told if sql.startswith("INSERT")]
    assert len(inserts) == 1
    assert "DROP" not in inserts[0]
    assert inserts[0].isascii()
    assert nothing_is_left()


def test_rows_of_several_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb, "_LONGEST", mariadb._BESIDE + 5000)
    Everything.django.bulk_create([Everything() for _ in range(40)])
    rows = list(Everything.django.order_by("pk"))
    for i, row in enumerate(rows):
        row.text = f"{i}" * 400
    vars(connection).pop("_bulkmodel_mariadb", None)
    try:
        assert Everything.objects.update_fields("text", objects=rows) == 40
        found = list(Everything.django.order_by("pk").values_list("text", flat=True))
        assert found == [row.text for row in rows]
        rows[37].char = "x" * 41
        said = failure(lambda: Everything.objects.update_fields("char", "text", objects=rows))
        assert (said.row_index, said.field_name) == (37, "char")
    finally:
        vars(connection).pop("_bulkmodel_mariadb", None)


def test_without_temporary_tables_updates_are_django_s(on_engine: list[str]) -> None:
    rows = Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(3)])
    user, name = connection.settings_dict["USER"], connection.settings_dict["NAME"]
    query_none("CREATE USER few@localhost")
    query_none(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO few@localhost")
    on_engine.clear()
    try:
        connection.close()
        connection.settings_dict["USER"] = "few"
        dialect = support.dialect_of(connection)
        assert dialect is not None
        assert not dialect.updates
        rows[1].value = 11
        assert Plain.objects.update_fields("value", objects=rows) == 3
        assert Plain.objects.bulk_update(rows, ["value"]) == 3
    finally:
        connection.close()
        connection.settings_dict["USER"] = user
        query_none("DROP USER few@localhost")
    assert not on_engine
    assert list(Plain.objects.order_by("pk").values_list("value", flat=True)) == [0, 11, 2]


def test_a_table_that_joins_by_another_collation() -> None:
    """The batch has the collation of the key's column, whatever the connection's is."""
    query_none("ALTER TABLE app_keyed MODIFY name varchar(20) COLLATE utf8mb4_bin NOT NULL")
    query_none("SET collation_connection = utf8mb4_unicode_ci")
    try:
        rows = Keyed.objects.bulk_create([Keyed(name=f"É{i}") for i in range(3)])
        for row in rows:
            row.name = row.name.lower()
        queryset = Keyed.objects.filter(name__contains="É")
        assert queryset.update_fields("name", objects=rows) == 3
        assert set(Keyed.objects.values_list("name", flat=True)) == {"é0", "é1", "é2"}
    finally:
        connection.close()
        query_none("ALTER TABLE app_keyed MODIFY name varchar(20) NOT NULL")


def test_expressions_are_django_s() -> None:
    rows = Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(3)])
    for row in rows:
        row.value = models.F("value") + 1
    assert Plain.objects.bulk_update(rows, ["value"]) == 3
    assert list(Plain.objects.order_by("pk").values_list("value", flat=True)) == [1, 2, 3]
