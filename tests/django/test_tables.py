"""Tables that are not as their models say: bulk_create does what Django's own does with them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.db import DatabaseError, connection, transaction

from app.models import Plain

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = [1, 2, 50, 1500]
TABLE = "app_plain"

# What becomes of the table, before each of the two calls.
CASES: dict[str, list[str]] = {
    "as migrations make it": [],
    "serial": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        "CREATE SEQUENCE test_keys START 100",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT nextval('test_keys')",
    ],
    "function in place of the sequence": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        "CREATE SEQUENCE test_keys START 100",
        "CREATE FUNCTION test_key() RETURNS bigint LANGUAGE sql AS "
        "$$SELECT nextval('test_keys') * 7 + 3$$",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT test_key()",
    ],
    "no default": [f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY"],
    "descending": [
        f"ALTER TABLE {TABLE} ALTER id SET INCREMENT -1 SET MINVALUE -99999 SET START -5 RESTART"
    ],
    "cycling": [
        f"ALTER TABLE {TABLE} ALTER id SET MAXVALUE 2000 SET CYCLE SET CACHE 1 RESTART 1999"
    ],
    "strides": [f"ALTER TABLE {TABLE} ALTER id SET INCREMENT 3 RESTART 1"],
    "used up": [f"ALTER TABLE {TABLE} ALTER id SET MAXVALUE 1000 RESTART 1000"],
    "generated always": [f"ALTER TABLE {TABLE} ALTER id SET GENERATED ALWAYS"],
    "narrower": [f"ALTER TABLE {TABLE} ALTER id TYPE smallint"],
    "numeric keys": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        "CREATE SEQUENCE test_keys START 100",
        f"ALTER TABLE {TABLE} ALTER id TYPE numeric",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT nextval('test_keys') + 0.50",
    ],
    "text keys": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        "CREATE SEQUENCE test_keys START 100",
        f"ALTER TABLE {TABLE} DROP CONSTRAINT app_plain_pkey CASCADE",
        f"ALTER TABLE {TABLE} ALTER id TYPE text USING id::text",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT 'k' || nextval('test_keys')",
    ],
    "keys with a fraction": [
        f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY",
        "CREATE SEQUENCE test_keys START 100",
        f"ALTER TABLE {TABLE} ALTER id TYPE float8",
        f"ALTER TABLE {TABLE} ALTER id SET DEFAULT nextval('test_keys')",
    ],
    "rule that also writes": [
        "CREATE TABLE test_log (name text)",
        f"CREATE RULE test_rule AS ON INSERT TO {TABLE} "
        "DO ALSO INSERT INTO test_log VALUES (NEW.name)",
    ],
    "rule that writes elsewhere": [
        f"CREATE RULE test_rule AS ON INSERT TO {TABLE} DO INSTEAD NOTHING",
    ],
    "trigger that changes rows": [
        "CREATE FUNCTION test_trigger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.value = -NEW.value; RETURN NEW; END$$",
    ],
    "trigger that changes keys": [
        "CREATE FUNCTION test_trigger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.id = 100000 - NEW.value; RETURN NEW; END$$",
    ],
    "trigger that drops rows": [
        "CREATE FUNCTION test_trigger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF NEW.value % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END$$",
    ],
    "row security": [
        f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY test_policy ON {TABLE} USING (value < 40)",
    ],
    "view": [
        f"ALTER TABLE {TABLE} RENAME TO test_base",
        f"CREATE VIEW {TABLE} AS SELECT * FROM test_base",
    ],
    "no such table": [f"ALTER TABLE {TABLE} RENAME TO test_base"],
    "another column": [f"ALTER TABLE {TABLE} ADD further integer DEFAULT 7"],
    "a column less": [f"ALTER TABLE {TABLE} DROP value"],
}

# A role that owns nothing; its rights beside those to the table's names.
RIGHTS = {
    "sequence": ["GRANT USAGE ON SEQUENCE app_plain_id_seq TO {role}"],
    "no sequence": [],
    "columns": [
        "GRANT USAGE, UPDATE ON SEQUENCE app_plain_id_seq TO {role}",
        "REVOKE INSERT ON app_plain FROM {role}",
        "GRANT INSERT (name, value) ON app_plain TO {role}",
    ],
    "no insert": ["REVOKE INSERT ON app_plain FROM {role}"],
}


@contextlib.contextmanager
def altered(statements: list[str]) -> Iterator[None]:
    """The table so for a while: all in a transaction that is rolled back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} ALTER id RESTART")
        for statement in statements:
            cursor.execute(statement)
        if any("test_trigger()" in statement for statement in statements):
            cursor.execute(
                f"CREATE TRIGGER test_trigger BEFORE INSERT ON {TABLE} "
                "FOR EACH ROW EXECUTE FUNCTION test_trigger()"
            )
        yield
        transaction.set_rollback(True)


def table() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT to_regclass('test_log'), to_regclass('app_plain')")
        log, own = cursor.fetchone()
        rows: list[Any] = []
        if own is not None:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {TABLE} t ORDER BY id, name")
            rows += cursor.fetchall()
        if log is not None:
            cursor.execute("SELECT name FROM test_log ORDER BY name")
            rows += cursor.fetchall()
    return rows


def outcome(manager: Any, objects: list[Plain]) -> Any:
    """What a call gives, sets, and leaves in the table."""
    said: Any = None
    try:
        with transaction.atomic():
            manager.bulk_create(objects)
    except DatabaseError as error:
        said = (type(error), getattr(error.__cause__, "sqlstate", None))
    except (AssertionError, TypeError):
        said = "rows are missing"  # Django: TypeError, where its only row is
    return said, table()


def both(prepare: list[str], make: Callable[[], list[Plain]]) -> None:
    made = make()
    with altered(prepare):
        theirs = (
            *outcome(Plain.django, made),
            [(o.pk, o._state.adding, o._state.db) for o in made],
        )
    if theirs[0] is not None:
        made = make()  # nothing is set after a failure
    unset = [(o.pk, o._state.adding, o._state.db) for o in made]
    made = make()
    with altered(prepare):
        said, left = outcome(Plain.objects, made)
    states = [(o.pk, o._state.adding, o._state.db) for o in made]
    assert (said, left) == theirs[:2]
    assert states == (theirs[2] if said is None else unset)


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_keys_are_made_as_django_has_them_made(case: str, n: int) -> None:
    both(CASES[case], lambda: rows(n))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_keys_that_are_given(case: str, n: int) -> None:
    both(CASES[case], lambda: [Plain(pk=9000 + i, name=f"n{i}", value=i) for i in range(n)])


@pytest.mark.parametrize("n", [4, 3000])
@pytest.mark.parametrize("case", CASES)
def test_some_keys_are_given(case: str, n: int) -> None:
    def make() -> list[Plain]:
        keys = (None if i % 2 else 9000 + i for i in range(n))
        return [Plain(pk=key, name=f"n{i}", value=i) for i, key in enumerate(keys)]

    both(CASES[case], make)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rights", RIGHTS)
def test_a_role_with_few_rights(rights: str, n: int) -> None:
    role = f"test_role_{connection.settings_dict['NAME']}"
    grants = ["GRANT SELECT, INSERT ON app_plain TO {role}", *RIGHTS[rights], "SET ROLE {role}"]
    create = "CREATE ROLE {role}"
    both([text.format(role=role) for text in [create, *grants]], lambda: rows(n))


def test_the_engine_does_them(on_engine: list[str]) -> None:
    for case in ("serial", "descending", "generated always", "trigger that changes rows"):
        for n in (2, 1500):
            with altered(CASES[case]):
                Plain.objects.bulk_create(rows(n))
    assert len(on_engine) == 9  # the first begins again: the sequence is not its own


def test_a_table_that_is_altered_between_two_calls() -> None:
    """Its keys no longer ascend: the error says whether the rows are in the table, which they are
    where the statement is its own transaction, as Django's is since 6.0."""
    Plain.objects.bulk_create([Plain(name=f"first {i}") for i in range(3)])
    rows = [Plain(name=f"second {i}") for i in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {TABLE} ALTER id SET INCREMENT -1 SET MINVALUE -99999 RESTART -1"
        )
    try:
        with pytest.raises(DatabaseError, match="cannot be matched to objects") as caught:
            Plain.objects.bulk_create(rows)
        written = Plain.django.filter(name__startswith="second").count()
        assert written == (3 if django.VERSION >= (6, 0) else 0)
        assert ("All rows were written" in str(caught.value)) == (written == 3)
        assert ("Nothing was written" in str(caught.value)) == (written == 0)
        assert {row.pk for row in rows} == {None}
        after = Plain.objects.bulk_create([Plain(name=f"third {i}") for i in range(3)])
        named = dict(Plain.django.values_list("name", "pk"))
        assert {row.name: row.pk for row in after}.items() <= named.items()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE {TABLE} ALTER id SET INCREMENT 1 SET MINVALUE 1 RESTART 1000"
            )
