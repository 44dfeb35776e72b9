"""L25: a key that has no more values is named, and no row is blamed."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction

from bulkmodel.managers import BulkModelManager

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRESQL = connection.vendor == "postgresql"


class Named(models.Model):
    name = models.TextField()

    objects = BulkModelManager()

    class Meta:
        abstract = True
        app_label = "app"
        managed = False


class Small(Named):
    id = models.SmallAutoField(primary_key=True)


class Middle(Named):
    id = models.AutoField(primary_key=True)


class Large(Named):
    id = models.BigAutoField(primary_key=True)


HIGHEST: list[tuple[type[models.Model], int]] = [
    (Small, 2**15 - 1),
    (Middle, 2**31 - 1),
    (Large, 2**63 - 1),
]


def bring_near(model: Any, highest: int, wide: bool) -> None:
    """Three keys are left."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if not POSTGRESQL:
            cursor.execute(f"INSERT INTO {table} (id, name) VALUES (%s, 'last')", [2**63 - 4])
            return
        if wide:  # as PostgreSQL made them before version 10
            cursor.execute(f"ALTER TABLE {table} ALTER id DROP IDENTITY")
            cursor.execute("CREATE SEQUENCE test_keys")
            cursor.execute(f"ALTER SEQUENCE test_keys OWNED BY {table}.id")
            cursor.execute(f"ALTER TABLE {table} ALTER id SET DEFAULT nextval('test_keys')")
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), %s)", [highest - 3])


@pytest.mark.parametrize("n", [5, 150, 3000])
@pytest.mark.parametrize("wide", [False, True] if POSTGRESQL else [False])
@pytest.mark.parametrize(("model", "highest"), HIGHEST if POSTGRESQL else HIGHEST[2:])
def test_no_row_is_blamed(model: Any, highest: int, wide: bool, n: int) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(model)
    try:
        bring_near(model, highest, wide)
        rows = [model(name=f"n{i}") for i in range(n)]
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            model.objects.bulk_create(rows)
        assert caught.value.row_index is None
        assert caught.value.field_name == "id"
        assert model.objects.exclude(name="last").count() == 0
        with pytest.raises(DatabaseError) as caught:
            model.objects.bulk_create(rows, batch_size=2)
        assert (caught.value.row_index, caught.value.field_name) == (None, "id")
        model.objects.bulk_create(rows[:1] if POSTGRESQL is False else [model(pk=1, name="x")])
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)
