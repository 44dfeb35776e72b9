"""Workers write as the caller's session would."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from app.models import Plain
from spy import watching

pytestmark = pytest.mark.django_db(transaction=True)

WAYS: dict[str, Any] = {"batch_size": 10, "concurrent": True}


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def test_workers_write_in_the_callers_schema_and_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA tenant")
        cursor.execute("CREATE TABLE tenant.app_plain (LIKE app_plain INCLUDING ALL)")
        cursor.execute("CREATE ROLE bulkmodel_tenant")
        cursor.execute("GRANT USAGE ON SCHEMA tenant TO bulkmodel_tenant")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA tenant TO bulkmodel_tenant")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA tenant TO bulkmodel_tenant")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET search_path TO tenant")
            cursor.execute("SET ROLE bulkmodel_tenant")
        with watching() as spy:
            made = Plain.objects.bulk_create(rows(40), **WAYS)
            assert Plain.objects.bulk_update(made, ["value"]) == 40
        assert len(spy.backends) > 1
        assert Plain.objects.count() == 40
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("RESET search_path")
            cursor.execute("SELECT count(*) FROM app_plain")
            left = cursor.fetchone()
            cursor.execute("DROP SCHEMA tenant CASCADE")
            cursor.execute("DROP ROLE bulkmodel_tenant")
    assert left == (0,)


def test_a_session_with_temporary_tables_writes_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE app_plain (LIKE app_plain INCLUDING ALL)")
    try:
        Plain.objects.bulk_create(rows(40), **WAYS)
        assert Plain.objects.count() == 40
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE pg_temp.app_plain")
    assert Plain.objects.count() == 0
    connection.close()
