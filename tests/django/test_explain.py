"""bulk_explain() (issue 12, part 9; L21)."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection, models, transaction
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext

from app.keys import Product
from app.models import Plain, Signed
from bulkmodel.engine import postgresql
from bulkmodel.engine.support import Fallback
from bulkmodel.model.target import Target
from bulkmodel.results import Explanation, Statement
from bulkmodel.verbs.explain import Explain

pytestmark = pytest.mark.django_db(transaction=True)

# Django begins a transaction to look whether SQLite has JSON.
READS = ("SELECT", "WITH", "PRAGMA", "BEGIN", "COMMIT")


def given(n: int, first: int = 0) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(first, first + n)]


def explained(*args: Any, **options: Any) -> Explanation:
    """Explain a call; it sends no statement that writes."""
    with CaptureQueriesContext(connection) as sent:
        told = Plain.objects.bulk_explain(*args, **options)
    texts = [one["sql"].strip(" (\n").upper() for one in sent]
    assert [text for text in texts if not text.startswith(READS)] == []
    assert not any("NEXTVAL(" in text for text in texts)
    return told


def is_written(told: Explanation, sent: Any) -> bool:
    """Return whether the call has sent the statements that write, as they were explained."""
    texts = [one["sql"] for one in sent]
    writes = [one.sql for one in told.statements if one.what == "write"]
    assert writes
    # The driver puts values into a text; before the first one both are the same.
    return all(any(sql[:30] in text for text in texts) for sql in writes)


@pytest.mark.parametrize("n", [1, 5, 2500])
@pytest.mark.parametrize("verb", ["bulk_create", "copy_from_objects"])
def test_creates(verb: str, n: int) -> None:
    rows = given(n)
    told = explained(verb, rows)
    assert (told.verb, told.model, told.rows) == (verb, "app.Plain", n)
    assert told.way == "engine", told.why
    assert told.why and told.batch_size > 0 and told.workers == 1
    assert Plain.django.count() == 0
    assert [row.pk for row in rows] == [None] * n and all(row._state.adding for row in rows)
    with CaptureQueriesContext(connection) as sent:
        getattr(Plain.objects, verb)(rows)
    assert is_written(told, sent)


def test_no_key_is_used() -> None:
    """A sequence does not go on."""
    first = Plain.objects.bulk_create(given(1))[0]
    for n in (3, 2500):
        explained("bulk_create", given(n, 10))
        explained("bulk_upsert", given(n, 10), ["name"])
    Plain.objects.bulk_create(given(1, 1))
    assert Plain.django.get(name="n1").pk == first.pk + 1


@pytest.mark.parametrize("n", [1, 2500])
def test_updates(n: int) -> None:
    rows = Plain.objects.bulk_create(given(n))
    for row in rows:
        row.value = -1
    for told in (
        explained("update_fields", rows, "value"),
        explained("update_fields", rows, "value", unique_fields=["name"]),
        explained("bulk_update", rows, ["value"]),
    ):
        assert told.way == "engine" and told.rows == n and told.index
    assert "name" in str(explained("update_fields", rows, "value", unique_fields=["name"]).index)
    assert Plain.django.filter(value=-1).count() == 0
    told = explained("update_fields", rows, "value")
    with CaptureQueriesContext(connection) as sent:
        Plain.objects.update_fields("value", objects=rows)
    assert is_written(told, sent)


def test_an_upsert_is_its_steps() -> None:
    stored = Plain.objects.bulk_create(given(4))
    rows = [*stored[:1], *given(3, 1), *given(2, 4)]
    rows[2].value = 99
    told = explained("bulk_upsert", rows, unique_fields=["name"])
    assert told.rows == 6 and told.way == "engine"
    assert [(step.verb, step.rows) for step in told.steps] == [
        ("update_fields", 1),
        ("bulk_create", 2),
    ]
    assert [one.what for one in told.statements] == ["find"]
    assert isinstance(told.statements[0], Statement) and "SELECT" in told.statements[0].sql
    assert told.index is not None and "name" in told.index
    assert rows[4].pk is None and rows[1].pk is None
    assert Plain.django.filter(value=99).count() == 0
    result = Plain.objects.bulk_upsert(rows, unique_fields=["name"])
    assert (result.updated, result.inserted) == (1, 2)


def test_it_is_printed() -> None:
    told = explained("bulk_upsert", given(2), unique_fields=["name"])
    text = str(told)
    assert text.startswith("bulk_upsert of 2 rows of app.Plain: by the engine (")
    for part in (told.why, told.index, *(one.sql for one in told.steps[0].statements)):
        assert str(part) in text
    assert "  bulk_create of 2 rows of app.Plain" in text


def test_locks() -> None:
    owner = Plain.objects.create(name="a")
    told = Signed.objects.bulk_explain("bulk_create", [Signed(owner=owner, name="t", value=1)])
    locks = {lock.table: lock for lock in told.locks}
    if connection.vendor != "postgresql":
        assert locks
        return
    assert locks["app_signed"].mode == "ROW EXCLUSIVE"
    assert locks["app_plain"].rows == "FOR KEY SHARE"
    # The server agrees.
    with transaction.atomic(), connection.cursor() as cursor:
        Signed.objects.bulk_create([Signed(owner=owner, name="t", value=1)])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = pg_backend_pid()"
            " AND relation::regclass::text = ANY(%s)",
            [list(locks)],
        )
        held = set(cursor.fetchall())
    assert ("app_signed", "RowExclusiveLock") in held
    assert ("app_plain", "RowShareLock") in held


def test_a_delete() -> None:
    rows = Signed.objects.bulk_create([Signed(name="a", value=i) for i in range(3)])
    told = Signed.objects.bulk_explain("bulk_delete", rows)
    assert told.way == "engine" and told.statements[0].sql.startswith("DELETE")

    def hear(**_: Any) -> None:
        pass

    post_delete.connect(hear, sender=Signed)
    try:
        told = Signed.objects.bulk_explain("bulk_delete", rows)
    finally:
        post_delete.disconnect(hear, sender=Signed)
    assert told.way == "django" and "signals" in told.why and told.hints
    assert Signed.objects.count() == 3
    told = explained("bulk_delete", Plain.objects.bulk_create(given(3)))
    assert told.way == "django" and "app.Signed" in told.why
    assert Plain.django.count() == 3


def test_django_s_way_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """L21: where a call falls back, and what to do."""

    def refuse(*_: Any) -> Target:
        raise Fallback("it is a test")

    monkeypatch.setattr(Target, "of", refuse)
    told = explained("bulk_create", given(3))
    assert told.way == "django" and "it is a test" in told.why and told.engine is None
    assert "INSERT INTO" in told.statements[0].sql
    assert "by Django" in str(told)
    told = explained("bulk_update", Plain.objects.bulk_create(given(3)), ["value"])
    assert told.way == "django" and "UPDATE" in told.statements[0].sql


def test_a_column_that_falls_back() -> None:
    class Odd(models.IntegerField):
        def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
            return "(%s + 1)"

    class HasOdd(models.Model):
        odd = Odd()
        name = models.CharField(max_length=10)

        class Meta:
            app_label = "app"
            managed = False

    queryset = Plain.objects.all().__class__(HasOdd)
    told = queryset.bulk_explain("bulk_create", [HasOdd(odd=1, name="a")])
    assert told.way == "django" and told.why
    assert any("odd" in hint for hint in told.hints), told


def test_a_delete_of_nothing() -> None:
    rows = Plain.objects.bulk_create(given(2))
    for queryset, keys in (
        (Plain.objects, []),
        (Plain.objects.none(), rows),
    ):
        told = queryset.bulk_explain("bulk_delete", keys)
        assert (told.why, told.statements, told.locks) == ("no row is deleted", [], [])
    told = Plain.objects.bulk_explain("bulk_delete", ["nobody"], ["name"])
    assert told.why == "no row is deleted"


def test_no_file_is_stored(tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)

    class Report(models.Model):
        file = models.FileField(upload_to="")

        class Meta:
            app_label = "app"
            managed = False

    row = Report(file=ContentFile(b"x", name="a.txt"))
    Plain.objects.all().__class__(Report).bulk_explain("bulk_create", [row])
    assert list(tmp_path.iterdir()) == []
    assert row.file.read() == b"x" and not row.file._committed


def test_an_index_with_a_condition_is_not_named() -> None:
    """product_active: unique codes of some rows only."""
    assert Explain(Product.objects.all())._index(["code"]) is None
    assert Explain(Product.objects.all())._index(["code", "brand"]) == "product_plain"


def test_it_is_refused() -> None:
    for name in ("lookups", "fieldnames", "exclude_id", "on_error", "max_rejects"):
        with pytest.raises(TypeError, match=f"does not take {name}"):
            Plain.objects.bulk_explain("copy_from_objects", given(1), **{name: {}})
    with pytest.raises(ValueError, match="commit_every must be"):
        Plain.objects.bulk_explain("bulk_create", given(1), commit_every=-1)
    for verb in ("save_graph", "update", "nonsense"):
        with pytest.raises(ValueError, match="bulk_explain"):
            Plain.objects.bulk_explain(verb, given(1))
    frame = type("Frame", (), {"__arrow_c_stream__": None})()
    with pytest.raises(TypeError, match="not a frame"):
        Plain.objects.bulk_explain("bulk_upsert", frame)
    with pytest.raises(TypeError):
        Plain.objects.bulk_explain("bulk_create", given(1), nonsense=1)
    with pytest.raises(ValueError, match="field names"):
        Plain.objects.bulk_explain("update_fields", Plain.objects.bulk_create(given(1)))
    with pytest.raises(ValueError, match="have the same name"):
        Plain.objects.bulk_explain("bulk_upsert", [*given(1), *given(1)], ["name"])


def test_partitions_on_other_servers() -> None:
    """Issue 14, part 3: they are named.  The catalog alone is read: the server is not there."""
    if connection.vendor != "postgresql":
        assert postgresql.foreign_partitions(connection, "app_plain") == []
        return

    class Distant(models.Model):
        name = models.CharField(max_length=10)

        class Meta:
            app_label = "app"
            db_table = "Far away"
            managed = False

    statements = (
        "CREATE FOREIGN DATA WRAPPER bm_nowhere",
        "CREATE SERVER bm_far FOREIGN DATA WRAPPER bm_nowhere",
        'CREATE TABLE "Far away" (id bigint, name varchar(10)) PARTITION BY RANGE (id)',
        'CREATE FOREIGN TABLE bm_far_1 PARTITION OF "Far away" FOR VALUES FROM (0) TO (9)'
        " SERVER bm_far",
    )
    queryset = type(Plain.objects.all())(Distant)
    with pytest.raises(ZeroDivisionError), transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        told = queryset.bulk_explain("update_fields", [Distant(pk=1, name="a")], "name")
        assert any("bm_far_1" in hint and "stage" in hint for hint in told.hints)
        assert told.index is None
        raise ZeroDivisionError  # roll back
