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
