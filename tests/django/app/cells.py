"""Cells as the database prints them."""

from typing import Any

from django.db import connection, models


def printed(model: type[models.Model], column: str, key: Any) -> Any:
    """The cell as the database itself prints it, with its storage class."""
    quote = connection.ops.quote_name
    text = (
        f"typeof({quote(column)}) || ' ' || quote({quote(column)})"
        if connection.vendor == "sqlite"
        else f"{quote(column)}::text"
    )
    text = text.replace("%", "%%")
    with connection.cursor() as cursor:
        table = quote(model._meta.db_table)
        cursor.execute(f"SELECT {text} FROM {table} WHERE id = %s", [key])
        return cursor.fetchone()[0]


def check(
    model: type[models.Model], name: str, value: Any, rows: int = 2, attribute: str = ""
) -> None:
    """Django's bulk_create and ours, Django's bulk_update and ours, save() and update_fields."""
    attribute = attribute or name
    column = model._meta.get_field(name).column
    manager, django = model.objects, model.django  # type: ignore[attr-defined]

    def cells(objects: list[Any]) -> list[Any]:
        return [printed(model, column, object.pk) for object in objects]

    def given(objects: list[Any]) -> list[Any]:
        for object in objects:
            setattr(object, attribute, value)
        return objects

    theirs = django.bulk_create([model(**{attribute: value}) for _ in range(rows)])
    ours = manager.bulk_create([model(**{attribute: value}) for _ in range(rows)])
    assert cells(ours) == cells(theirs), "bulk_create"
    theirs = django.bulk_create([model() for _ in range(rows)])
    ours = manager.bulk_create([model() for _ in range(rows)])
    assert django.bulk_update(given(theirs), [name]) == rows
    assert manager.bulk_update(given(ours), [name]) == rows
    assert cells(ours) == cells(theirs), "bulk_update"
    theirs = django.bulk_create([model() for _ in range(rows)])
    ours = manager.bulk_create([model() for _ in range(rows)])
    for object in given(theirs):
        object.save(update_fields=[name])
    assert manager.update_fields(name, objects=given(ours)) == rows
    assert cells(ours) == cells(theirs), "update_fields"
