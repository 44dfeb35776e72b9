"""bulkmodel.attach(): verbs on a driver's own connection.  What they write is judged by the driver;
that they need no Django, by a Python that has none."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection as djangos

import bulkmodel
from bulkmodel import _core
from bulkmodel.errors import TooManyDeletes
from bulkmodel.results import Outcome

pytestmark = [pytest.mark.psycopg3, pytest.mark.django_db(transaction=True)]
ON_POSTGRESQL = settings.ENGINE == "postgresql"
ROOT = Path(__file__).resolve().parents[2]
N = 1500  # more than one statement of parameters holds, and enough for COPY

TABLE = """CREATE TABLE attached (id {key} PRIMARY KEY, sku varchar(12) UNIQUE, price numeric(8,2),
n integer NOT NULL DEFAULT 5 CHECK (n > 0))"""


def connect(**options):
    if not ON_POSTGRESQL:
        mode = {"isolation_level": None} if options.get("autocommit") else {}
        return sqlite3.connect(":memory:", **mode)
    import psycopg

    given = djangos.get_connection_params()
    names = ("dbname", "user", "host", "port")
    return psycopg.connect(**{k: given[k] for k in names if given.get(k)}, **options)


def driver_module():
    return sys.modules["psycopg"] if ON_POSTGRESQL else sqlite3


@pytest.fixture(params=[False, True])
def driver(request):
    """A connection, and with autocommit."""
    with_key = "integer" if not ON_POSTGRESQL else "bigserial"
    one = connect(autocommit=request.param)
    one.execute("DROP TABLE IF EXISTS attached")
    one.execute(TABLE.format(key=with_key))
    one.commit()
    yield one
    one.rollback()
    one.execute("DROP TABLE IF EXISTS attached")
    one.commit()
    one.close()


def rows(driver, columns="sku, price, n"):
    return driver.execute(f"SELECT {columns} FROM attached ORDER BY id").fetchall()


def is_outside(driver):
    return driver.info.transaction_status == 0 if ON_POSTGRESQL else not driver.in_transaction


class Named(NamedTuple):
    sku: str
    price: Decimal


@dataclass
class Object:
    sku: str
    price: Decimal


def given(kind, pairs):
    """The same rows in each form that a call takes."""
    pairs = [(sku, None if price is None else Decimal(price)) for sku, price in pairs]
    if kind == "tuples":
        return {"rows": pairs, "columns": ["sku", "price"]}
    if kind == "frame":
        import pyarrow

        columns = [[p[0] for p in pairs], [p[1] for p in pairs]]
        arrays = [pyarrow.array(columns[0]), pyarrow.array(columns[1], pyarrow.decimal128(8, 2))]
        return {"rows": pyarrow.table(arrays, ["sku", "price"])}
    make = {
        "dicts": lambda sku, price: {"sku": sku, "price": price},
        "named": Named,
        "objects": Object,
        "spaces": lambda sku, price: SimpleNamespace(sku=sku, price=price),
    }[kind]
    return {"rows": (make(*pair) for pair in pairs)}


KINDS = ["dicts", "tuples", "named", "objects", "spaces", "frame"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 3, N])
def test_insert(driver, kind, n):
    db = bulkmodel.attach(driver)
    result = db.insert("attached", **given(kind, [(f"s{i}", i) for i in range(n)]))
    assert (result.inserted, result.outcomes) == (n, bytes([Outcome.INSERTED]) * n)
    assert rows(driver) == [(f"s{i}", i, 5) for i in range(n)]
    by_key = dict(driver.execute("SELECT id, sku FROM attached").fetchall())
    assert [by_key[key] for key in result.keys] == [f"s{i}" for i in range(n)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [4, N])
def test_upsert(driver, kind, n):
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"sku": f"s{i}", "price": i} for i in range(n // 2)])
    new = [(f"s{i}", i if i % 2 else i + 1) for i in range(n)]
    result = db.upsert("attached", **given(kind, new), key=["sku"])
    expected = [
        Outcome.INSERTED if i >= n // 2 else Outcome.UNCHANGED if i % 2 else Outcome.UPDATED
        for i in range(n)
    ]
    assert list(result.outcomes) == expected
    assert sorted(rows(driver, "sku, price")) == sorted(new)
    keys = dict(driver.execute("SELECT sku, id FROM attached").fetchall())
    assert result.keys == [keys[sku] for sku, _ in new]


def test_update_and_delete(driver):
    db = bulkmodel.attach(driver)
    keys = db.insert("attached", [{"sku": f"s{i}", "n": i + 1} for i in range(N)]).keys
    result = db.update("attached", [{"id": key, "n": 7} for key in [*keys[:3], 10**9]])
    assert result.outcomes == bytes([Outcome.UPDATED] * 3 + [Outcome.MISSING])
    assert [row[0] for row in rows(driver, "n")] == [7, 7, 7, *range(4, N + 1)]
    result = db.delete("attached", ["s0", "none", "s5"], key="sku")
    assert (result.deleted, result.missing, result.keys) == (2, 1, [keys[0], None, keys[5]])
    assert db.delete("attached", keys[10:]).deleted == N - 10
    left = [row[0] for row in rows(driver, "sku")]
    assert left == [f"s{i}" for i in range(10) if i not in (0, 5)]


def test_sync(driver):
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"sku": f"s{i}", "n": i + 1} for i in range(6)])
    mark = "%s" if ON_POSTGRESQL else "?"
    new = [{"sku": "s0", "n": 1}, {"sku": "s1", "n": 9}, {"sku": "x", "n": 1}]
    with pytest.raises(TooManyDeletes, match="3 rows would be deleted"):
        db.sync("attached", new, "sku", where=f"n < {mark}", params=[6], max_deletes=2)
    assert len(rows(driver)) == 6
    result = db.sync("attached", new, "sku", where=f"n < {mark}", params=[6])
    counts = (result.inserted, result.updated, result.unchanged, result.deleted)
    assert counts == (1, 1, 1, 3)
    assert sorted(rows(driver, "sku, n")) == [("s0", 1), ("s1", 9), ("s5", 6), ("x", 1)]
    with pytest.raises(TooManyDeletes, match="no rows"):
        db.sync("attached", [], "sku")
    assert db.sync("attached", [], "sku", max_deletes=9).deleted == 4


def test_copy_to(driver):
    import pyarrow

    db = bulkmodel.attach(driver)
    db.insert("attached", [{"sku": f"s{i}", "n": i + 1} for i in range(N)])
    mark = "%s" if ON_POSTGRESQL else "?"
    out = db.copy_to("attached", ["sku", "n"], where=f"n <= {mark}", params=[3], chunk_size=2)
    assert list(out) == [{"sku": f"s{i}", "n": i + 1} for i in range(3)]
    assert sorted(out.tuples()) == [(f"s{i}", i + 1) for i in range(3)]
    table = pyarrow.table(db.copy_to("attached", ["sku", "n"], chunk_size=400))
    assert sorted(table["n"].to_pylist()) == list(range(1, N + 1))
    assert pyarrow.types.is_integer(table.schema.field("n").type)
    with pytest.raises(ValueError, match='no column "x"'):
        db.copy_to("attached", ["x"])


def test_a_frame_comes_back(driver):
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"sku": f"s{i}", "price": Decimal(i)} for i in range(9)])
    frame = db.copy_to("attached", ["id", "sku", "n"])
    result = db.upsert("attached", frame)
    assert result.unchanged == 9


def test_transactions(driver):
    """A call is in the caller's transaction; in autocommit mode it is one."""
    db = bulkmodel.attach(driver)
    autocommit = driver.autocommit if ON_POSTGRESQL else driver.isolation_level is None
    db.insert("attached", [{"sku": "a"}])
    assert is_outside(driver) == autocommit
    driver.rollback()
    assert len(rows(driver)) == (1 if autocommit else 0)
    driver.rollback()
    driver.execute("BEGIN")
    db.insert("attached", [{"sku": "b"}])
    with pytest.raises(driver_module().IntegrityError):
        db.insert("attached", [{"sku": "c"}, {"sku": "b"}])
    assert not is_outside(driver)
    db.insert("attached", [{"sku": "d"}])
    driver.commit()
    assert [sku for (sku,) in rows(driver, "sku") if sku != "a"] == ["b", "d"]


@pytest.mark.parametrize("n", [2, N])
@pytest.mark.parametrize(
    "bad, field, state", [({"n": None}, "n", "23502"), ({"sku": "s0"}, "sku", "23505")]
)
def test_errors_of_the_database(driver, n, bad, field, state):
    db = bulkmodel.attach(driver)
    new = [{"sku": f"s{i}", "n": 1} for i in range(n)]
    new[-1] = {**new[-1], **bad}
    with pytest.raises(driver_module().IntegrityError) as info:
        db.insert("attached", new)
    error = info.value
    assert (error.row_index, error.field_name, error.sqlstate) == (n - 1, field, state)
    assert rows(driver) == []


def test_a_check_names_its_row(driver):
    with pytest.raises(driver_module().IntegrityError) as info:
        bulkmodel.attach(driver).insert("attached", [{"n": 1}, {"n": 1}, {"n": -1}, {"n": 1}])
    assert info.value.row_index == 2


def test_an_update_that_fails_names_its_row(driver):
    db = bulkmodel.attach(driver)
    keys = db.insert("attached", [{"sku": f"s{i}"} for i in range(5)]).keys
    new = [{"id": key, "n": 1} for key in [10**9, *keys]]
    new[4]["n"] = -1
    with pytest.raises(driver_module().IntegrityError) as info:
        db.update("attached", new)
    assert info.value.row_index == 4
    assert {n for (n,) in rows(driver, "n")} == {5}


@pytest.mark.parametrize(
    "given, what",
    [
        ([{"n": 1}, {"n": "x"}], 'Row 1, column "n": a value of type str'),
        ([{"n": 1}, {"x": 1}], 'Row 1 has no column "n"'),
        ([{"n": 1}, {"n": 1, "x": 1}], 'Row 1 has a column "x", row 0 has not'),
        ([{"x": 1}], 'Table "attached" has no column "x", it has id, sku, price, n'),
        ([{"n": 1}, (1,)], "Row 1 is a tuple, not a dict"),
        ([(1,)], "need columns="),
        ([{"n": object()}], 'Row 0, column "n": a value of type object'),
    ],
)
def test_wrong_rows(driver, given, what):
    with pytest.raises((ValueError, TypeError)) as info:
        bulkmodel.attach(driver).insert("attached", given)
    assert what in str(info.value)
    assert rows(driver) == []


def test_wrong_calls(driver):
    db = bulkmodel.attach(driver)
    with pytest.raises(ValueError, match='There is no table "nothing"'):
        db.insert("nothing", [{"n": 1}])
    with pytest.raises(ValueError, match="Rows 0 and 2 have the same sku"):
        db.upsert("attached", [{"sku": "a"}, {"sku": "b"}, {"sku": "a"}], key=["sku"])
    with pytest.raises(ValueError, match='no column "id", which identifies a row'):
        db.update("attached", [{"sku": "a"}])
    with pytest.raises(ValueError, match="key: table"):
        db.update("attached", [{"sku": "a"}], key=["x"])
    for verb in (db.insert, db.upsert, db.update, db.delete):
        assert verb("attached", []).outcomes == b""


@pytest.mark.parametrize("other", [None, 1, "postgresql://", djangos])
def test_other_connections(other):
    with pytest.raises(TypeError, match=r"needs a connection of psycopg 3 or sqlite3, not a "):
        bulkmodel.attach(other)


def test_row_factories(driver):
    """The caller's own rows do not matter, and stay."""
    if ON_POSTGRESQL:
        from psycopg.rows import dict_row as factory
    else:
        factory = sqlite3.Row
    driver.row_factory = factory
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"sku": "a", "n": 1}])
    assert db.upsert("attached", [{"sku": "a", "n": 1}], key="sku").unchanged == 1
    assert list(db.copy_to("attached", ["sku"])) == [{"sku": "a"}]
    assert driver.row_factory is factory


def test_values(driver):
    """Each type comes back as the driver reads it, and is unchanged in an upsert."""
    json = "jsonb" if ON_POSTGRESQL else "text"
    driver.execute("DROP TABLE attached")
    uuid = "uuid" if ON_POSTGRESQL else "char(32)"  # for SQLite "uuid" is a numeric type
    types = f"id integer PRIMARY KEY, f float8, t text, b bytea, d date, u {uuid}, j {json}"
    types += ", tz timestamptz" + (", a int[], i inet, k boolean" if ON_POSTGRESQL else "")
    driver.execute(f"CREATE TABLE attached ({types})")
    row = {
        "id": 1,
        "f": 0.1,
        "t": "ä\n'",
        "b": b"\0\xff",
        "d": date(2024, 2, 29),
        "u": UUID(int=5),
        "j": {"x": [1, None]},
        "tz": datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc),
    }
    if ON_POSTGRESQL:
        row |= {"a": [1, None], "k": True}
    empty = {**dict.fromkeys(row), "id": 2}
    db = bulkmodel.attach(driver)
    db.insert("attached", [row, empty])
    found = list(db.copy_to("attached", list(row)))
    assert found[1] == empty
    if ON_POSTGRESQL:
        assert found[0] == row
    else:  # as Django stores them
        stored = {"d": "2024-02-29", "u": UUID(int=5).hex, "j": '{"x": [1, null]}'}
        assert found[0] == {**row, **stored, "tz": "2024-01-02 03:04:05.000006"}
    assert db.upsert("attached", [row, empty]).unchanged == 2


def test_a_key_that_is_none(driver):
    """It is made, as one that is left out."""
    db = bulkmodel.attach(driver)
    result = db.insert("attached", [{"id": None, "sku": "a"}, {"id": 7, "sku": "b"}])
    assert rows(driver, "id, sku") == sorted(zip(result.keys, ["a", "b"]))
    assert result.keys[1] == 7
    result = db.upsert("attached", [{"id": 7, "sku": "c"}, {"id": None, "sku": "d"}])
    assert (result.updated, result.inserted) == (1, 1)
    assert dict(rows(driver, "id, sku"))[result.keys[1]] == "d"


def test_nothing_to_write(driver):
    db = bulkmodel.attach(driver)
    with pytest.raises(ValueError, match="Nothing to update"):
        db.update("attached", [{"id": 1}])
    for empty in ({}, {"id": None}):
        with pytest.raises(ValueError, match="no column to insert"):
            db.insert("attached", [empty])
    assert rows(driver) == []


def test_values_that_python_holds_for_equal(driver):
    """1 is not true in JSON, and a collation that ignores case does not say what differs."""
    json = "jsonb" if ON_POSTGRESQL else "text"
    collate = "" if ON_POSTGRESQL else "COLLATE NOCASE"
    driver.execute("DROP TABLE attached")
    driver.execute(f"CREATE TABLE attached (id integer PRIMARY KEY, j {json}, t text {collate})")
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"id": 1, "j": {"x": 1}, "t": "a"}])
    for new in ({"j": {"x": True}, "t": "a"}, {"j": {"x": True}, "t": "A"}):
        assert db.upsert("attached", [{"id": 1, **new}]).updated == 1
        assert db.upsert("attached", [{"id": 1, **new}]).unchanged == 1
    assert rows(driver, "t") == [("A",)]


def test_two_rows_of_a_call_are_one(driver):
    if ON_POSTGRESQL:
        driver.execute("CREATE EXTENSION IF NOT EXISTS citext")
    kind = "citext" if ON_POSTGRESQL else "text COLLATE NOCASE"
    driver.execute(f"ALTER TABLE attached ADD COLUMN name {kind}")
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"name": "a"}])
    with pytest.raises(ValueError, match="Rows 0 and 1 are the same row"):
        db.upsert("attached", [{"name": "A", "n": 1}, {"name": "a", "n": 2}], key="name")
    assert rows(driver, "n") == [(5,)]


def test_names_and_conditions(driver):
    """A percent sign in a name is none of a placeholder; a condition may end with a comment."""
    driver.execute('ALTER TABLE attached ADD COLUMN "a%s" integer')
    mark = "%s" if ON_POSTGRESQL else "?"
    db = bulkmodel.attach(driver)
    for n in (1, N):
        new = [{"sku": f"s{i}", "a%s": i} for i in range(n)]
        assert db.upsert("attached", new, key="sku").inserted == (1 if n == 1 else N - 1)
        assert db.upsert("attached", new, key=["a%s"]).unchanged == n
    where = f'"n" = {mark} OR false -- all'
    out = db.copy_to("attached", ["a%s"], where=where, params=[5])
    assert sorted(out.tuples()) == [(i,) for i in range(N)]
    expected = sum(str(i).startswith("1") for i in range(N))
    assert len(list(db.copy_to("attached", where="sku LIKE 's1%'"))) == expected
    gone = db.sync("attached", new[1:], ["a%s"], where=where, params=[5]).deleted
    assert gone == 1


def test_errors_are_the_drivers(driver):
    db = bulkmodel.attach(driver)
    error = driver_module().Error
    with pytest.raises(error) as info:
        list(db.copy_to("attached", where="nothing = 1"))
    assert info.value.row_index is None
    driver.rollback()
    with pytest.raises(error):
        db.sync("attached", [{"id": 1}], where="nothing = 1")
    other = connect()
    db = bulkmodel.attach(other)
    other.close()
    for call in (db.copy_to, db.insert):
        with pytest.raises(error):
            call("attached", [])


def test_a_key_of_two_columns(driver):
    """In the order of the key, which is not that of the table."""
    driver.execute("DROP TABLE attached")
    driver.execute("CREATE TABLE attached (a integer, b text, n integer, PRIMARY KEY (b, a))")
    db = bulkmodel.attach(driver)
    new = [{"a": i, "b": "x", "n": 1} for i in range(3)]
    assert db.insert("attached", new).keys == [("x", 0), ("x", 1), ("x", 2)]
    result = db.upsert("attached", [*new[:1], {**new[1], "n": 2}, {"a": 0, "b": "y", "n": 1}])
    assert list(result.outcomes) == [Outcome.UNCHANGED, Outcome.UPDATED, Outcome.INSERTED]
    assert db.delete("attached", [("x", 0), ("x", 9)]).deleted == 1
    assert db.sync("attached", [{"a": 1, "b": "x", "n": 2}]).deleted == 2
    assert db.update("attached", [(2, 5)], key=["n"], columns=["n", "a"]).updated == 1
    assert driver.execute("SELECT a, b, n FROM attached").fetchall() == [(5, "x", 2)]


def test_rows_of_other_kinds(driver):
    db = bulkmodel.attach(driver)
    db.insert("attached", [{"sku": "a", "n": 1, "other": 0}], columns=["sku", "n"])
    if not ON_POSTGRESQL:
        driver.row_factory = sqlite3.Row  # no Mapping
        db.insert("attached", driver.execute("SELECT sku || 'b' AS sku, n FROM attached"))
        driver.row_factory = None
        assert rows(driver, "sku, n") == [("a", 1), ("ab", 1)]
    for one in (1, "n"):
        with pytest.raises(TypeError, match=f"Row 0 is of type {type(one).__name__}: expected"):
            db.insert("attached", [one])
    assert len(rows(driver)) == (1 if ON_POSTGRESQL else 2)


def test_a_key_that_does_not_fit(driver):
    db = bulkmodel.attach(driver)
    for verb, new in ((db.delete, [1, 2**70]), (db.update, [(1, 1), (2**70, 1)])):
        with pytest.raises(ValueError, match='Row 1, column "id": a value of type int') as info:
            verb("attached", new, columns=None if verb == db.delete else ["id", "n"])
        assert (info.value.row_index, info.value.field_name) == (1, "id")


def test_frames_of_odd_values(driver):
    """A column of polars without a type; what a column holds beside its declared type."""
    import polars

    db = bulkmodel.attach(driver)
    db.insert("attached", polars.DataFrame({"n": [1, 2], "sku": [None, None]}))
    assert db.insert("attached", polars.DataFrame({"n": [], "sku": []})).inserted == 0
    assert rows(driver, "sku, n") == [(None, 1), (None, 2)]
    if ON_POSTGRESQL:
        driver.execute("ALTER TABLE attached ADD odd inet, ADD f float4, ADD a date[]")
        db.update("attached", [{"n": 1, "odd": "1.2.3.4", "f": 1.5, "a": [date(2024, 1, 2)]}], "n")
        expected = {"odd": ["1.2.3.4", None], "f": [1.5, None], "a": ['["2024-01-02"]', None]}
    else:
        driver.execute("ALTER TABLE attached ADD odd integer")
        driver.execute("UPDATE attached SET odd = iif(n = 1, 'x', 1)")
        expected = {"odd": ["x", "1"]}
    out = db.copy_to("attached", ["n", *expected])
    assert polars.DataFrame(out).sort("n").to_dict(as_series=False) == {"n": [1, 2], **expected}


WITHOUT_DJANGO = """
import sqlite3, sys
import bulkmodel
bulkmodel.__path__.append(sys.argv[1])
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE)")
db = bulkmodel.attach(connection)
assert db.insert("t", [{"name": "a"}, {"name": "b"}]).keys == [1, 2]
assert db.upsert("t", [{"name": "b"}, {"name": "c"}], key="name").inserted == 1
assert db.update("t", [{"id": 1, "name": "d"}]).updated == 1
assert db.delete("t", [1]).deleted == 1
try:
    db.insert("t", [{"name": "d"}, {"name": "b"}])
except sqlite3.IntegrityError as error:
    assert (error.row_index, error.field_name) == (1, "name")
else:
    raise AssertionError
assert [row["name"] for row in db.copy_to("t")] == ["b", "c"]
if sys.argv[2:]:
    import psycopg
    with psycopg.connect(sys.argv[2]) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (id bigserial PRIMARY KEY, name text UNIQUE)")
        db = bulkmodel.attach(connection)
        rows = [{"name": str(i)} for i in range(1500)]
        assert db.insert("t", rows).keys == list(range(1, 1501))
        assert db.upsert("t", rows, key="name").unchanged == 1500
        assert db.delete("t", [1, 2]).deleted == 2
        assert len(list(db.copy_to("t"))) == 1498
from bulkmodel.errors import CommitUnknown, TooManyDeletes
from bulkmodel.results import BulkResult
assert not any(name.partition(".")[0] == "django" for name in sys.modules)
try:
    import django
except ImportError:
    print("no Django")
else:
    try:
        import bulkmodel.managers
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("has_packages", [False, True])
def test_no_django_is_imported(has_packages, tmp_path):
    """-S: nothing that pip installed can be imported."""
    (tmp_path / "bulkmodel").symlink_to(Path(bulkmodel.__file__).parent)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + WITHOUT_DJANGO
    flags = ["-I"] if has_packages else ["-I", "-S"]
    command = [sys.executable, *flags, "-c", program, str(Path(_core.__file__).parent)]
    if has_packages and ON_POSTGRESQL:
        command.append(os.environ["BM_TEST_POSTGRESQL"])
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    late = "bulkmodel.attach() was called before Django was imported: import Django first."
    said = late if has_packages else "no Django"
    assert (done.stdout, done.stderr) == (f"{said}\n", "")


@pytest.mark.parametrize("first", ["errors", "results", "conf"])
def test_a_module_that_is_imported_before_django(first, tmp_path):
    """As in a program that imports in the order of the alphabet, and has no settings module."""
    (tmp_path / "bulkmodel").symlink_to(Path(bulkmodel.__file__).parent)
    program = f"""import sys; sys.path.insert(0, {str(tmp_path)!r})
import bulkmodel.{first}
bulkmodel.__path__.append({str(Path(_core.__file__).parent)!r})
from django.conf import settings
settings.configure()
import bulkmodel.managers
from django.db import OperationalError
from bulkmodel.errors import CommitUnknown
print(issubclass(CommitUnknown, OperationalError))"""
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-I", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_django_that_is_not_set_up(tmp_path):
    """Settings cannot be read."""
    (tmp_path / "bulkmodel").symlink_to(Path(bulkmodel.__file__).parent)
    program = f"""import sqlite3, sys; sys.path.insert(0, {str(tmp_path)!r})
import django.db
import bulkmodel
bulkmodel.__path__.append({str(Path(_core.__file__).parent)!r})
db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
print(bulkmodel.attach(db).insert("t", [{{"name": "a"}}, {{"name": "b"}}]).keys)"""
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-I", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")
