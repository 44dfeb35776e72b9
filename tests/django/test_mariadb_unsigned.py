"""Integers of 2^63 and more on MariaDB, in fields of several kinds: issue 14, part 5."""

from typing import Any

import pytest
from django.db import connection, models

from bulkmodel.managers import BulkModelManager

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 2**64 - 1
VALUES = [2**63 - 1, 2**63, 2**63 + 1, MOST - 1, MOST, 0, None]


class Derived(models.PositiveBigIntegerField):
    """A class of the project's."""


class Own(models.Field):
    """A field that knows nothing of Django's."""

    def db_type(self, connection: Any) -> str:
        return "bigint unsigned"


class Counter(models.BigAutoField):
    """A key that the server makes, of twice as many."""

    def db_type(self, connection: Any) -> str:
        return "bigint unsigned AUTO_INCREMENT"

    def rel_db_type(self, connection: Any) -> str:
        return "bigint unsigned"


class Huge(models.Model):
    plain = models.PositiveBigIntegerField(null=True)
    derived = Derived(null=True)
    own = Own(null=True)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


class HugeKey(models.Model):
    key = models.PositiveBigIntegerField(primary_key=True)
    name = models.CharField(max_length=20)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


class OfHugeKey(models.Model):
    parent = models.ForeignKey(HugeKey, on_delete=models.CASCADE)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


class Counted(models.Model):
    id = Counter(primary_key=True)
    name = models.CharField(max_length=20, null=True)

    objects = BulkModelManager()

    class Meta:
        app_label = "app"


def stored(model: Any, *columns: str) -> list[tuple[Any, ...]]:
    """As the server's own text."""
    casts = ", ".join(f"CAST({column} AS CHAR)" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {casts} FROM {model._meta.db_table} ORDER BY id")
        return list(cursor.fetchall())


def texts(values: list[int | None]) -> list[tuple[Any, ...]]:
    return [(None if value is None else str(value),) * 3 for value in values]


def test_values_are_exact_in_every_field(on_engine: list[str]) -> None:
    rows = [Huge(plain=value, derived=value, own=value) for value in VALUES]
    Huge.objects.bulk_create(rows)
    assert on_engine == ["mariadb"]
    assert stored(Huge, "plain", "derived", "own") == texts(VALUES)
    turned = VALUES[::-1]
    for row, value in zip(rows, turned):
        row.plain = row.derived = row.own = value
    assert Huge.objects.update_fields("plain", "derived", "own", objects=rows) == len(rows)
    assert on_engine == ["mariadb", "mariadb"]
    assert stored(Huge, "plain", "derived", "own") == texts(turned)
    for row, value in zip(rows, VALUES):
        row.plain = row.derived = row.own = value
    Huge.objects.bulk_upsert(rows)
    assert stored(Huge, "plain", "derived", "own") == texts(VALUES)


def test_keys_of_the_project() -> None:
    rows = [HugeKey(key=MOST - i, name=f"n{i}") for i in range(1100)]
    HugeKey.objects.bulk_create(rows)
    OfHugeKey.objects.bulk_create([OfHugeKey(parent=row) for row in rows])
    assert set(OfHugeKey.objects.values_list("parent_id", flat=True)) == {r.key for r in rows}
    for row in rows:
        row.name = f"{row.key}"
    assert HugeKey.objects.update_fields("name", objects=rows) == 1100
    assert all(row.name == f"{row.key}" for row in HugeKey.objects.all())
    rows[0].name = "last"
    result = HugeKey.objects.bulk_upsert([*rows, HugeKey(key=2**63, name="2^63")])
    assert (result.inserted, result.updated, result.unchanged) == (1, 1, 1099)
    assert OfHugeKey.objects.bulk_delete(OfHugeKey.objects.all()).deleted == 1100
    assert HugeKey.objects.bulk_delete([row.key for row in rows]).deleted == 1100
    assert [row.key for row in HugeKey.objects.all()] == [2**63]


@pytest.mark.parametrize("n", [3, 1500])
def test_keys_that_django_takes_for_too_large(n: int) -> None:
    """Django's bulk_update() writes NULL to the rows of such keys, and says nothing."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE app_counted AUTO_INCREMENT = {2**63 - 1}")
    rows = Counted.objects.bulk_create([Counted(name=f"n{i}") for i in range(n)])
    names = {row.pk: row.name for row in rows}
    assert names == dict(Counted.objects.values_list("pk", "name"))
    for row in rows:
        row.name = "changed"
    for call in (
        lambda: Counted.objects.update_fields("name", objects=rows),
        lambda: Counted.objects.bulk_update(rows, ["name"]),
    ):
        with pytest.raises(OverflowError, match="Row 1, field id: ") as said:
            call()
        at: Any = said.value
        assert (at.row_index, at.field_name) == (1, "id")
        assert names == dict(Counted.objects.values_list("pk", "name"))
    assert Counted.objects.bulk_delete(rows).deleted == n


@pytest.mark.parametrize("value", [MOST + 1, -1])
@pytest.mark.parametrize("name", ["plain", "derived", "own"])
def test_what_the_column_has_not_is_refused(value: int, name: str) -> None:
    rows = [Huge(), Huge(**{name: value}), Huge()]
    with pytest.raises(Exception) as said:
        Huge.objects.bulk_create(rows)
    at: Any = said.value
    assert (at.row_index, at.field_name) == (1, name)
    assert not Huge.objects.exists()
