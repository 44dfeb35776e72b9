"""Convert primary keys to the type in which the database returns them.

"5" becomes 5, and a UUID's text becomes the UUID.  Wherever given keys are compared with keys that
were read, both are converted here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connections, models

from bulkmodel.model.fields import target_of

# Values of these types need no conversion.
_SURE: dict[type[Any], type[Any]] = {
    models.AutoField: int,
    models.BigAutoField: int,
    models.SmallAutoField: int,
    models.IntegerField: int,
    models.BigIntegerField: int,
    models.SmallIntegerField: int,
    models.PositiveIntegerField: int,
    models.PositiveBigIntegerField: int,
    models.PositiveSmallIntegerField: int,
    models.CharField: str,
    models.TextField: str,
    models.SlugField: str,
    models.UUIDField: uuid.UUID,
}


def normal(model: type[models.Model], key: Any, using: str) -> Any:
    """Return the converted key of a row."""
    fields: Any = model._meta.pk_fields
    if len(fields) == 1:
        return normal_value(fields[0], key, using)
    if not isinstance(key, tuple | list):
        return key
    return tuple(normal_value(field, value, using) for field, value in zip(fields, key))


def normal_keys(model: type[models.Model], keys: Iterable[Any], using: str) -> list[Any]:
    """Return the converted keys, in order."""
    given = list(keys)
    fields: Any = model._meta.pk_fields
    sure = _SURE.get(type(target_of(fields[0]))) if len(fields) == 1 else None
    if sure is not None and set(map(type, given)) <= {sure}:
        return given
    return [normal(model, key, using) for key in given]


def are_integers(field: Any, values: Iterable[Any]) -> bool:
    """Return whether the values of this field are integers, which are written as they are."""
    return _SURE.get(type(target_of(field))) is int and set(map(type, values)) <= {int}


def normal_values(field: Any, values: Iterable[Any], using: str) -> list[Any]:
    """Return a field's values as they are read, in order.  See normal_value()."""
    given = list(values)
    sure = _SURE.get(type(target_of(field)))
    if sure is not None and set(map(type, given)) <= {sure, type(None)}:
        return given
    return [normal_value(field, value, using) for value in given]


def plain_bytes(value: Any) -> Any:
    """Return bytes for a memoryview, which is what psycopg2 reads."""
    return bytes(value) if isinstance(value, memoryview) else value


def has_plain_keys(model: type[models.Model]) -> bool:
    """Return whether equal keys always have the same form in the engine."""
    fields: Any = model._meta.pk_fields
    return len(fields) == 1 and type(target_of(fields[0])) in _SURE


def normal_value(field: Any, value: Any, using: str) -> Any:
    """Return a field's value as it is read.  An invalid value is returned unchanged: the call
    refuses it before it writes, and nothing may fail after that."""
    target = target_of(field)
    sure = _SURE.get(type(target))
    if value is None or (sure is not None and type(value) is sure):
        return value
    try:
        found = target.to_python(value)
        if isinstance(target, models.DateTimeField):  # makes it aware
            found = target.get_prep_value(found)
        if hasattr(target, "from_db_value"):
            connection = connections[using]
            written = target.get_db_prep_value(found, connection, False)
            found = target.from_db_value(written, None, connection)
        hash(found)
    except Exception:  # the project's own field may raise anything
        return value
    return found
