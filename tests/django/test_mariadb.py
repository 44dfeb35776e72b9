"""MariaDB, through the driver that BM_DJANGO names: issue 14, part 5."""

import datetime
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, models, transaction
from django.db.backends.utils import CursorWrapper

from app.models import Document, Everything, Foo, Plain, Stamped
from bulkmodel.engine import atomic, mariadb, support
from bulkmodel.managers import BulkModelManager
from mariadb_cases import each_fault, failure, in_sessions

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = [3, 1500]


class Strange(models.Model):
    """Names that must be quoted, and the types that app.models lacks."""

    id = models.BigAutoField(primary_key=True, db_column="the key VALUES (?)")
    unsigned = models.PositiveBigIntegerField(null=True, db_column="VALUES (?, ?) RETURNING")
    tiny = models.PositiveSmallIntegerField(null=True, db_column='"tiny"')
    data = models.BinaryField(null=True)
    took = models.DurationField(null=True)
    address = models.GenericIPAddressField(null=True)

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        app_label = "app"
        db_table = "strange VALUES (?) 'table'"


class Priced(models.Model):
    """Nothing but the price tells its rows apart, and the server rounds it."""

    price = models.DecimalField(max_digits=8, decimal_places=2)
    weight = models.FloatField(default=0)

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        app_label = "app"


def query(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, None)
        return list(cursor.fetchall())


def table_of(model: Any) -> str:
    return "`" + model._meta.db_table.replace("`", "``") + "`"


def stored(model: Any) -> list[tuple[Any, ...]]:
    """Every column but the key, as the server's own text of its bytes."""
    columns = [f.column.replace("`", "``") for f in model._meta.concrete_fields[1:]]
    texts = ", ".join(f"HEX(`{column}`)" for column in columns)
    key = model._meta.pk.column.replace("`", "``")
    return query(f"SELECT {texts} FROM {table_of(model)} ORDER BY `{key}`")


def as_django(model: Any, make: Callable[[], list[Any]]) -> None:
    """Ours and Django's rows have the same bytes."""
    rows = []
    for manager in (model.django, model.objects):
        model.django.all().delete()
        manager.bulk_create(make())
        rows.append(stored(model))
    assert rows[1] == rows[0]
    assert len(rows[0]) == len(make())


def keys_are_right(model: Any, objects: list[Any], *names: str) -> None:
    found = {row[0]: row[1:] for row in model._default_manager.values_list("pk", *names)}
    assert len({o.pk for o in objects}) == len(objects)
    assert all(found[o.pk] == tuple(getattr(o, name) for name in names) for o in objects)
    assert not any(o._state.adding for o in objects)


TEXTS = ["", "a'b", 'a"b', "a\\b", "\\", "%s %%", "\x1a\n\r\t", "näme 😀 ", " x ", "--", "NULL"]
NUMBERS = [0.0, -1.5, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1e16, 123456789012345680.0, 3.0]


def everything() -> list[Everything]:
    zone = datetime.timezone(datetime.timedelta(hours=-7, minutes=-30))
    made = []
    for i, text in enumerate(TEXTS):
        made.append(
            Everything(
                small=(-1) ** i * 32767,
                integer=2**31 - 1 - i,
                big=-(2**63) + i,
                positive=2**31 - 1,
                char=text,
                text=text * 40,
                slug=f"s-{i}",
                boolean=bool(i % 2),
                float=NUMBERS[i % len(NUMBERS)],
                decimal=Decimal(f"-{i % 10}12345678901234.5000{i % 10}"),
                date=datetime.date(1 + 900 * i, 12, 31) if i < 11 else None,
                datetime=datetime.datetime(2024, 2, 29, 23, 59, 59, i * 90_909, tzinfo=zone),
                time=datetime.time(23, i, 59, i),
                uuid=uuid.UUID(int=(0x40008000 << 48) + i),
            )
        )
    return [*made, Everything()]


@pytest.mark.parametrize("times", [1, 100])
def test_types_are_stored_as_django_stores_them(times: int, on_engine: list[str]) -> None:
    as_django(Everything, lambda: _many(times))
    assert set(on_engine) == {"mariadb"}


def _many(times: int) -> list[Everything]:
    return [o for _ in range(times) for o in everything()]


def test_types_that_only_this_test_has(on_engine: list[str]) -> None:
    def make() -> list[Strange]:
        return [
            Strange(
                unsigned=2**64 - 1, tiny=65535, data=b"\x00'\\\xff", took=datetime.timedelta(-1)
            ),
            Strange(
                unsigned=0, data=b"", took=datetime.timedelta(9, 1, 7), address="::ffff:1.2.3.4"
            ),
            Strange(unsigned=2**63, tiny=0, data=memoryview(b"ab"), address="192.0.2.1"),
            Strange(),
        ]

    as_django(Strange, make)
    assert on_engine


@pytest.mark.parametrize("body", [{"a": ["ä'\\", None, 1.5]}, [], "x", 0, {}])
def test_json(body: Any, on_engine: list[str]) -> None:
    objects = [Document(name=f"n{i}", body=body) for i in range(3)]
    Document.objects.bulk_create(objects)
    assert [d.body for d in Document.objects.all()] == [body] * 3
    keys_are_right(Document, objects, "name")
    assert on_engine


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_refused_as_django_refuses_them(bad: float) -> None:
    errors = []
    for manager in (Everything.django, Everything.objects):
        try:  # Django passes on what the driver raises before it sends anything
            manager.bulk_create([Everything(float=1.0), Everything(float=bad)])
        except Exception as error:
            errors.append((type(error), str(error)))
    assert len(errors) == 2
    assert "can not be used" in errors[0][1]
    assert errors[0] == errors[1]
    assert not Everything.objects.exists()


# ---------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("n", [1, 2, 1000, 1001, 12_000])
def test_each_object_has_the_key_of_its_row(n: int, on_engine: list[str]) -> None:
    objects = [Foo(name=f"n{i % 7}", value=n - i) for i in range(n)]
    Foo.objects.bulk_create(objects)
    keys_are_right(Foo, objects, "name", "value")
    assert on_engine


def test_keys_while_other_sessions_insert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of several sessions are interleaved: none may be computed from the first one."""
    monkeypatch.setattr(mariadb, "_LONGEST", 2000)  # many statements
    made: list[list[Foo]] = [[], [], []]

    def work(number: int) -> None:
        for part in range(5):
            values = range(number * 10_000 + part * 400, number * 10_000 + part * 400 + 400)
            objects = [Foo(name="x", value=value) for value in values]
            Foo.objects.bulk_create(objects)
            made[number] += objects

    in_sessions(work)
    keys_are_right(Foo, [o for part in made for o in part], "value")


@pytest.mark.parametrize("alone", [True, False])
def test_rows_that_only_texts_tell_apart(alone: bool, on_engine: list[str]) -> None:
    with transaction.atomic() if not alone else _nothing():
        objects = [Plain(name=f"é{i}") for i in range(1200)]
        Plain.objects.bulk_create(objects)
    keys_are_right(Plain, objects, "name", "value")
    assert on_engine


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def test_rows_that_several_columns_tell_apart(on_engine: list[str]) -> None:
    objects = [Foo(name=f"n{i % 30}", value=i // 30) for i in range(900)]
    Foo.objects.bulk_create(objects)
    keys_are_right(Foo, objects, "name", "value")


def test_equal_rows_share_their_keys_in_any_order() -> None:
    objects = [Foo(name="same", value=i % 2) for i in range(40)]
    Foo.objects.bulk_create(objects)
    keys_are_right(Foo, objects, "name", "value")


def test_the_server_rounds_what_tells_rows_apart(on_engine: list[str]) -> None:
    objects = [Priced(price=Decimal(f"{i}.005")) for i in range(20)]
    Priced.objects.bulk_create(objects)
    keys_are_right_after_rounding = {p.pk: p.price for p in Priced.objects.all()}
    assert len(keys_are_right_after_rounding) == 20
    for i, object in enumerate(objects):
        assert keys_are_right_after_rounding[object.pk] == Decimal(f"{i}.01")
    assert on_engine


@contextmanager
def trigger(body: str) -> Iterator[None]:
    query_none(f"CREATE TRIGGER bm_changes BEFORE INSERT ON app_foo FOR EACH ROW {body}")
    vars(connection).pop("_bulkmodel_mariadb", None)
    try:
        yield
    finally:
        query_none("DROP TRIGGER bm_changes")
        vars(connection).pop("_bulkmodel_mariadb", None)


def query_none(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, None)


def test_a_trigger_changes_what_tells_rows_apart() -> None:
    with trigger("SET NEW.value = 5 - NEW.value"):
        objects = [Foo(name=f"n{i}", value=i) for i in range(6)]
        Foo.objects.bulk_create(objects)
        found = dict(Foo.objects.values_list("pk", "name"))
    assert [found[o.pk] for o in objects] == [o.name for o in objects]


@pytest.mark.parametrize("is_alone", [True, False])
def test_rows_that_are_inserted_one_by_one_are_undone_together(
    is_alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since Django 6.0 a call of one statement has no transaction of its own."""
    monkeypatch.setattr(atomic, "django", SimpleNamespace(VERSION=(6, 1)))
    with trigger("SET NEW.value = 5 - NEW.value"):
        objects = [Foo(name=None if i == 4 else f"n{i}", value=i) for i in range(6)]
        with nullcontext() if is_alone else transaction.atomic():
            with pytest.raises(IntegrityError) as caught:
                Foo.objects.bulk_create(objects)
            assert Foo.objects.count() == 0
            Foo.objects.bulk_create([Foo(name="later", value=1), Foo(name="last", value=2)])
    assert caught.value.row_index == 4  # type: ignore[attr-defined]
    assert sorted(Foo.objects.values_list("name", flat=True)) == ["last", "later"]


def test_a_trigger_that_nobody_knows_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the privilege to see it: what comes back is not what was sent."""
    with trigger("SET NEW.value = NEW.value + 100"):
        monkeypatch.setattr(mariadb._Keys, "_may_be_changed", lambda self: False)
        objects = [Foo(name=f"n{i}", value=i) for i in range(6)]
        with pytest.raises(DatabaseError, match="Nothing was written"):
            Foo.objects.bulk_create(objects)
    assert not Foo.objects.exists()
    assert [o.pk for o in objects] == [None] * 6


def test_given_and_made_keys(on_engine: list[str]) -> None:
    objects = [Plain(pk=90_000 + i if i % 2 else None, name=f"n{i}") for i in range(50)]
    Plain.objects.bulk_create(objects)
    keys_are_right(Plain, objects, "name")
    assert [o.pk for o in objects[1::2]] == [90_001 + 2 * i for i in range(25)]
    assert on_engine


# --------------------------------------------------------------------------------------- errors


def _taken(rows: list[Any], at: int) -> None:
    Plain.django.create(name="taken")
    rows[at].name = "taken"


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("nested", [False, True])
@each_fault(_taken)
def test_errors_name_row_field_and_constraint(
    n: int, nested: bool, spoil: Any, field: str, constraint: Any, state: str
) -> None:
    rows = [Plain(name=f"n{i}", value=i) for i in range(n)]
    at = n * 2 // 3
    spoil(rows, at)
    before = Plain.django.count()

    def ours() -> None:
        with transaction.atomic() if nested else _nothing():
            Plain.objects.bulk_create(rows)

    said = failure(ours)
    theirs = failure(lambda: Plain.django.bulk_create(rows))
    assert (type(said), said.args[0]) == (type(theirs), theirs.args[0])
    assert (said.row_index, said.field_name) == (at, field)
    assert (said.constraint, said.sqlstate) == (constraint, state)
    assert Plain.django.count() == before
    assert [o.pk for o in rows] == [None] * n


@pytest.mark.parametrize("n", SIZES)
def test_a_missing_parent_and_a_check(n: int) -> None:
    """1452, 4025."""
    rows = [Everything(integer=i) for i in range(n)]
    rows[-1].link_id = 4711
    said = failure(lambda: Everything.objects.bulk_create(rows))
    assert (said.row_index, said.field_name, said.sqlstate) == (n - 1, "link", "23503")
    assert said.constraint.startswith("app_everything_link_id")
    rows[-1].link_id = None
    query_none("ALTER TABLE app_everything ADD CONSTRAINT few CHECK (small < 5)")
    try:
        rows[-2].small = 5
        said = failure(lambda: Everything.objects.bulk_create(rows))
    finally:
        query_none("ALTER TABLE app_everything DROP CONSTRAINT few")
    assert isinstance(said, IntegrityError)
    assert (said.row_index, said.constraint, said.sqlstate) == (n - 2, "few", "23514")
    assert not Everything.objects.exists()


@pytest.mark.parametrize("zero", [{"pk": 0}, {"link_id": 0}])
def test_a_key_of_zero_is_refused_as_django_refuses_it(zero: Any) -> None:
    """MariaDB would take it for no key."""
    errors = []
    for manager in (Everything.django, Everything.objects):
        with pytest.raises(ValueError, match="does not accept 0") as refused:
            manager.bulk_create([Everything(integer=i, **zero) for i in range(2)])
        errors.append(str(refused.value))
    assert errors[0] == errors[1]
    assert not Everything.objects.exists()


def test_the_primary_key_is_taken() -> None:
    Plain.django.create(pk=77, name="there")
    said = failure(lambda: Plain.objects.bulk_create([Plain(name="a"), Plain(pk=77, name="b")]))
    assert (said.row_index, said.field_name, said.constraint) == (1, "id", "PRIMARY")
    assert Plain.objects.count() == 1


# --------------------------------------------------------------------- statements, transactions


class Statements(list[str]):
    """What Django's cursors were given."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    seen = Statements()
    execute = CursorWrapper.execute

    def spy(self: Any, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", spy)
    return seen


def test_a_statement_fits_into_a_packet(
    monkeypatch: pytest.MonkeyPatch, statements: Statements
) -> None:
    monkeypatch.setattr(mariadb, "_LONGEST", mariadb._BESIDE + 5000)
    vars(connection).pop("_bulkmodel_mariadb", None)
    objects = [Everything(integer=i, text="x" * 400) for i in range(40)]
    Everything.objects.bulk_create(objects)
    inserts = [sql for sql in statements if sql.startswith("INSERT")]
    assert len(inserts) > 5
    assert max(map(len, inserts)) < mariadb._BESIDE + 5000
    keys_are_right(Everything, objects, "integer")
    objects = [Everything(integer=i, text="x" * 400) for i in range(39)]
    objects.append(Everything(integer=2**40))
    said = failure(lambda: Everything.objects.bulk_create(objects))
    assert said.row_index == 39
    assert Everything.objects.count() == 40
    vars(connection).pop("_bulkmodel_mariadb", None)


@pytest.mark.parametrize("is_alone", [True, False])
def test_several_packets_are_undone_together(
    is_alone: bool, monkeypatch: pytest.MonkeyPatch, statements: Statements
) -> None:
    """As one statement of Django, whose caller may go on in its transaction since Django 6.0."""
    monkeypatch.setattr(atomic, "django", SimpleNamespace(VERSION=(6, 1)))
    monkeypatch.setattr(mariadb, "_LONGEST", mariadb._BESIDE + 5000)
    vars(connection).pop("_bulkmodel_mariadb", None)
    objects = [Everything(integer=i, text="x" * 400) for i in range(39)]
    objects.append(Everything(integer=2**40))
    with nullcontext() if is_alone else transaction.atomic():
        with pytest.raises(DatabaseError):
            Everything.objects.bulk_create(objects)
        assert Everything.objects.count() == 0
    assert sum(sql.startswith("INSERT") for sql in statements) > 5
    vars(connection).pop("_bulkmodel_mariadb", None)


def test_a_row_of_several_megabytes() -> None:
    text = "ä" * 2_000_000
    made = Everything.objects.bulk_create([Everything(integer=i, text=text) for i in range(3)])
    assert [o.text for o in Everything.objects.filter(pk__in=[o.pk for o in made])] == [text] * 3


def test_no_value_stands_in_the_text_unescaped(statements: Statements) -> None:
    """faults.md, S-03: numbers, hexadecimal digits, and quotes of our own around them."""
    Plain.objects.bulk_create([Plain(name="'; DROP"), Plain(name="secret")])
    (insert,) = [sql for sql in statements if sql.startswith("INSERT")]
    assert "secret" not in insert
    assert "DROP" not in insert
    assert insert.isascii()


def test_a_mode_that_is_not_strict_is_left_to_django(caplog: pytest.LogCaptureFixture) -> None:
    query_none("SET sql_mode = ''")
    vars(connection).pop("_bulkmodel_mariadb", None)
    vars(connection).pop("_bulkmodel_targets", None)
    try:
        assert support.dialect_of(connection) is None
        with caplog.at_level(logging.DEBUG, "bulkmodel"):
            Plain.objects.bulk_create([Plain(name="x" * 20)])
        assert "its sql_mode is not strict" in caplog.text
        assert Plain.objects.get().name == "x" * 10
    finally:
        connection.close()


def test_mysql_is_left_to_django(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = connections["default"]
    monkeypatch.setattr(wrapper, "mysql_is_mariadb", False)
    assert support.why_not(wrapper) == "there is no engine for MySQL"


@pytest.mark.parametrize("quotes", ["ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"])
def test_other_modes_change_nothing(quotes: str) -> None:
    query_none(f"SET sql_mode = 'STRICT_ALL_TABLES,{quotes}'")
    vars(connection).pop("_bulkmodel_mariadb", None)
    try:
        if quotes != "ANSI_QUOTES":
            as_django(Plain, lambda: [Plain(name=text[:9]) for text in TEXTS if text != " x "])
        objects = [Plain(name=f"\\'{i}") for i in range(5)]
        Plain.objects.bulk_create(objects)
        assert {o.pk: o.name for o in objects} == {
            key: f"\\'{i}" for i, key in enumerate(o.pk for o in objects)
        }
    finally:
        connection.close()


# ------------------------------------------------------------------------------------ conflicts


@pytest.mark.parametrize("n", SIZES)
def test_conflicts_are_ignored_as_django_ignores_them(n: int, on_engine: list[str]) -> None:
    results = []
    for manager in (Plain.django, Plain.objects):
        Plain.django.all().delete()
        Plain.django.bulk_create([Plain(name=f"n{i}", value=-1) for i in range(0, n, 3)])
        objects = [Plain(name=f"n{i}", value=i) for i in range(n)]
        manager.bulk_create(objects, ignore_conflicts=True)
        results.append((stored(Plain), [o.pk for o in objects]))
    assert results[0] == results[1]
    assert on_engine


def test_updates_of_conflicts_are_django_s(on_engine: list[str]) -> None:
    Plain.django.create(name="a", value=1)
    rows = [Plain(name="a", value=2), Plain(name="b", value=3)]
    Plain.objects.bulk_create(rows, update_conflicts=True, update_fields=["value"])
    assert sorted(Plain.objects.values_list("name", "value")) == [("a", 2), ("b", 3)]
    assert not on_engine


def test_updates_are_django_s() -> None:
    rows = Plain.objects.bulk_create([Plain(name=f"n{i}", value=i) for i in range(5)])
    for row in rows:
        row.value = -row.pk
    Plain.objects.bulk_update(rows, ["value"])
    queryset = Plain.objects.filter(value__lt=0)
    for row in queryset:
        row.value = 7
    queryset.update_fields()
    assert list(Plain.objects.values_list("value", flat=True)) == [7] * 5


# ------------------------------------------------------------------------- copy_from_objects()


@pytest.mark.parametrize("n", [10, 12_000])
def test_copy_from_objects(n: int, on_engine: list[str]) -> None:
    queryset = Plain.objects.copy_from_objects(
        (Plain(name=f"c{i}", value=n - i) for i in range(n)), return_queryset=True
    )
    assert queryset.count() == n
    assert on_engine


def test_copy_from_objects_is_one_transaction() -> None:
    def rows() -> Iterator[Plain]:
        for i in range(15_000):
            yield Plain(name="c0" if i == 14_999 else f"c{i}", value=i)

    said = failure(lambda: Plain.objects.copy_from_objects(rows()))
    assert (said.row_index, said.field_name) == (14_999, "name")
    assert not Plain.objects.exists()


def test_stamps_and_queries_return() -> None:
    written = Stamped.objects.bulk_create(
        [Stamped(name=f"n{i}") for i in range(4)], return_queryset=True
    )
    assert [o.name for o in written] == ["n0", "n1", "n2", "n3"]
    assert all(o.made is not None and o.changed is not None for o in written)


@pytest.fixture
def renamed() -> Iterator[None]:
    """The unique key of a field, as a later migration names it."""
    table = Foo._meta.db_table
    query(f"ALTER TABLE {table} ADD CONSTRAINT added_later UNIQUE (name)")
    yield
    query(f"ALTER TABLE {table} DROP INDEX added_later")


@pytest.mark.usefixtures("renamed")
@pytest.mark.parametrize("n", SIZES)
def test_the_field_of_a_unique_key_whose_name_does_not_say_it(n: int) -> None:
    rows = [Foo(name=f"n{i}", value=i) for i in range(n)]
    rows[2].name = "n1"
    with pytest.raises(IntegrityError) as caught:
        Foo.objects.bulk_create(rows)
    error: Any = caught.value
    assert (error.row_index, error.field_name, error.constraint) == (2, "name", "added_later")
