"""W11: functions, operators and types of PostgreSQL's names, planted in a schema that comes before
pg_catalog in the search_path, are never called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from app.models import Everything, Plain
from bulkmodel.managers import BulkModelManager

pytestmark = pytest.mark.django_db(transaction=True)

SQL = (Path(__file__).parents[1] / "support" / "planted.sql").read_text()


def ask(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(autouse=True)
def planted() -> Iterator[None]:
    ask("SET client_min_messages = warning")
    ask("CREATE SCHEMA test_planted")
    ask("SET search_path = test_planted, pg_catalog")
    with connection.connection.cursor() as cursor:  # percent signs are no placeholders
        cursor.execute(SQL)
    ask("SET search_path = test_planted, pg_catalog, public")
    yield
    ask("RESET search_path")
    ask("DROP SCHEMA test_planted CASCADE")


def rows(n: int, first: int = 0) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(first, first + n)]


def test_it_would_be_noticed() -> None:
    for sql in ("SELECT * FROM unnest('{1}'::bigint[])", "SELECT 1::bigint = 1::bigint"):
        with pytest.raises(DatabaseError, match="planted"):
            ask(sql)


@pytest.mark.parametrize("n", [1, 2, 1_000, 1_500])
def test_rows_are_written(n: int) -> None:
    made = rows(n)
    Plain.objects.bulk_create(made)
    Plain.objects.bulk_create([Plain(pk=-1 - i, name=f"k{i}", value=1) for i in range(n)])
    Plain.objects.bulk_create(rows(n), ignore_conflicts=True)
    Plain.objects.bulk_create(
        rows(n), update_conflicts=True, unique_fields=["name"], update_fields=["value"]
    )
    for row in made:
        row.value += 1
    assert Plain.objects.bulk_update(made, ["value"]) == n
    assert Plain.objects.update_fields("value", "name", objects=made) == n
    changed = made[: n // 2 + 1]
    changed[0].value = 0
    assert Plain.objects.update_fields("value", objects=changed) == len(changed)
    ask("RESET search_path")
    assert Plain.django.count() == 2 * n


def test_rows_are_copied() -> None:
    made = Plain.objects.copy_from_objects(iter(rows(1_500)), return_queryset=True)
    assert len(made) == 1_500
    assert len(list(Plain.objects.copy_to_instances())) == 1_500
    made = Plain.objects.bulk_create(rows(20, 5_000), return_queryset=True)
    for row in made:
        row.value += 1
    assert made.update_fields() == 20


def test_other_types() -> None:
    assert isinstance(Everything.objects, BulkModelManager)
    made = [Everything(text=f"t{i}", small=i, integer=i, boolean=True) for i in range(5)]
    Everything.objects.bulk_create(made)
    for row in made:
        row.decimal, row.float = 1, 0.5
    assert Everything.objects.bulk_update(made, ["decimal", "float", "text", "uuid"]) == 5


def test_workers() -> None:
    made = rows(400)
    options = {"concurrent": True, "batch_size": 50, "max_concurrent_workers": 2}
    Plain.objects.bulk_create(made, **options)
    for row in made:
        row.value += 1
    assert Plain.objects.update_fields("value", objects=made, **options) == 400
