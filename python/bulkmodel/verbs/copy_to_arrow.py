"""copy_to_arrow(): the rows of a queryset as an Arrow stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connections, models

from bulkmodel import _core
from bulkmodel.engine.postgresql import refuse_in_the_middle
from bulkmodel.model.fields import Field, target_of
from bulkmodel.model.frames import names_of

_Convert = Callable[[Any], Any]

# Arrow's format, the engine's type of the values and their width in Arrow, by the class of a field.
_TYPES: dict[type[Any], tuple[str, str, int]] = {
    models.BooleanField: ("b", "bool", 0),
    models.SmallIntegerField: ("s", "int2", 2),
    models.PositiveSmallIntegerField: ("s", "int2", 2),
    models.SmallAutoField: ("s", "int2", 2),
    models.BigIntegerField: ("l", "int8", 8),
    models.PositiveBigIntegerField: ("l", "int8", 8),
    models.BigAutoField: ("l", "int8", 8),
    models.PositiveIntegerField: ("i", "int4", 4),
    models.AutoField: ("i", "int4", 4),
    models.IntegerField: ("i", "int4", 4),
    models.FloatField: ("g", "float8", 8),
    models.CharField: ("U", "text", 0),
    models.TextField: ("U", "text", 0),
    models.FilePathField: ("U", "text", 0),
    models.FileField: ("U", "text", 0),
    models.GenericIPAddressField: ("U", "text", 0),
    models.BinaryField: ("Z", "bytea", 0),
    models.DateField: ("tdD", "date", 4),
    models.TimeField: ("ttu", "time", 8),
    models.DurationField: ("tDu", "interval", 8),
}
# The most digits of decimal128 and decimal256.
_DIGITS_128, _DIGITS_256 = 38, 76
_EXACT = Context(prec=200)


@dataclass(frozen=True)
class _Column:
    """A field as a column of Arrow."""

    field: Any
    format: str
    kind: str | None  # the engine's type of the values; None: bytes of this width
    width: int
    convert: _Convert | None = None

    def values(self, cells: Iterable[Any], first: int) -> list[Any]:
        """Return the values for Arrow.  first: the position of their first row."""
        if self.convert is None:
            return list(cells)
        values: list[Any] = []
        for cell in cells:
            try:
                values.append(None if cell is None else self.convert(cell))
            except (ArithmeticError, TypeError, ValueError) as error:
                where = f"row {first + len(values)}, field {self.field.name}"
                raise ValueError(f"{where}: {error}") from error
        return values


class ArrowRows:
    """The rows of a queryset, for any reader of Arrow.  Each reading runs the query."""

    def __init__(self, queryset: Any, columns: Iterable[str] | None, chunk_size: int) -> None:
        """FieldDoesNotExist, ValueError: a name is not a concrete field, or has no Arrow type."""
        if chunk_size <= 0:
            raise ValueError("Chunk size must be strictly positive.")
        refuse_in_the_middle(connections[queryset.db])
        self._columns = [_column_of(field) for field in _fields_of(queryset.model, columns)]
        self._size = chunk_size
        self._thread = threading.get_ident()
        self._rows = queryset.values_list(*[column.field.attname for column in self._columns])

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as a PyCapsule with an ArrowArrayStream, which may be read once."""
        rows = iter(self._rows.iterator(self._size))
        n = 0

        def read() -> list[list[Any]] | None:
            nonlocal n
            if threading.get_ident() != self._thread:  # there Django has another connection
                raise RuntimeError(
                    "the rows of copy_to_arrow() must be read in the thread that called it."
                    " Give this reader a pyarrow.table() of them."
                )
            chunk = list(islice(rows, self._size))
            if not chunk:
                return None
            lists = [c.values(cells, n) for c, cells in zip(self._columns, zip(*chunk))]
            n += len(chunk)
            return lists

        named = tuple((c.field.attname, c.format, c.kind, c.width) for c in self._columns)
        return _core.arrow_stream(named, read)


def _fields_of(model: type[models.Model], names: Iterable[str] | None) -> list[Field]:
    if names is None:
        return list(model._meta.concrete_fields)
    if isinstance(names, str):
        raise TypeError("columns must be a list of field names, not a string.")
    by_name = names_of(model)
    fields = []
    for name in names:
        if name not in by_name:
            model._meta.get_field(name)  # raises FieldDoesNotExist
            raise ValueError(f"{name!r} is not a concrete field: only those can be copied.")
        fields.append(by_name[name])
    if not fields or len(set(fields)) < len(fields):
        raise ValueError("columns must name one or more fields, each once.")
    return fields


def _column_of(field: Any) -> _Column:
    target: Any = target_of(field)
    if isinstance(target, models.GeneratedField):
        target = target.output_field
    if isinstance(target, models.DecimalField):
        return _decimal(field, target)
    if isinstance(target, models.DateTimeField):
        zoned = settings.USE_TZ
        form, kind = ("tsu:UTC", "timestamptz") if zoned else ("tsu:", "timestamp")
        return _Column(field, form, kind, 8)
    if isinstance(target, models.UUIDField):
        return _Column(field, "U", "text", 0, str)
    if isinstance(target, models.JSONField):
        return _Column(field, "U", "text", 0, lambda value: json.dumps(value, cls=target.encoder))
    for base in type(target).__mro__:
        if base in _TYPES:
            form, name, width = _TYPES[base]
            return _Column(field, form, name, width, bytes if name == "bytea" else None)
    raise ValueError(
        f"Field {field.name} ({type(target).__name__}) has no Arrow type. Name the other fields in"
        " columns=."
    )


def _decimal(field: Any, target: Any) -> _Column:
    digits, places = target.max_digits, target.decimal_places
    if digits is None or places is None or digits > _DIGITS_256:
        raise ValueError(
            f"Field {field.name} has more digits than Arrow's decimals ({_DIGITS_256})."
        )
    wide = digits > _DIGITS_128
    size = 32 if wide else 16

    def convert(value: Any) -> bytes:
        number = Decimal(value)
        scaled = number.scaleb(places, _EXACT) if number.is_finite() else Decimal("NaN")
        if scaled != scaled.to_integral_value(context=_EXACT) or abs(scaled) >= 10**digits:
            raise ValueError(f"the number does not fit decimal({digits}, {places})")
        return int(scaled).to_bytes(size, "little", signed=True)

    form = f"d:{digits},{places}" + (",256" if wide else "")
    return _Column(field, form, None, size, convert)
