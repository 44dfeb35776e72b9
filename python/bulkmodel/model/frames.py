"""Frames: any object with __arrow_c_stream__(), as those of polars, pyarrow, pandas and DuckDB.

Columns belong to fields by name.  A column whose field is exactly Django's own has the field's
type, and its values can become cells of the engine without a Python object.  Values of other fields
are Python objects, which the field's own methods prepare.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import DataError, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_init, pre_init

from bulkmodel import _core
from bulkmodel.engine.failure import at_row
from bulkmodel.model.fields import Field, kind_of_values, needs_instances, target_of

# What to cast a column to, by the type of its field.
_CASTS = {
    "bool": "a boolean",
    "int2": "an integer",
    "int4": "an integer",
    "int8": "an integer",
    "float8": "a floating point number or an integer",
    "numeric": "a decimal, an integer or a string",
    "varchar": "a string",
    "text": "a string",
    "json": "a string with a JSON document, a struct, a map or a list",
    "date": "a date",
    "time": "a time",
    "timestamp": "a timestamp without a time zone",
    "timestamptz": "a timestamp with a time zone",
    "interval": "a duration",
    "uuid": "a string or 16 bytes",
    "bytea": "binary",
}
# The names of Arrow's types, by their formats.
_NAMES = {
    "n": "null",
    "b": "bool",
    "c": "int8",
    "C": "uint8",
    "s": "int16",
    "S": "uint16",
    "i": "int32",
    "I": "uint32",
    "l": "int64",
    "L": "uint64",
    "f": "float",
    "g": "double",
    "u": "string",
    "U": "large_string",
    "vu": "string_view",
    "z": "binary",
    "Z": "large_binary",
    "vz": "binary_view",
    "tdD": "date32",
    "tdm": "date64",
    "tiM": "month_interval",
    "tiD": "day_time_interval",
    "tin": "month_day_nano_interval",
    "e": "halffloat",
    "+s": "struct",
    "+m": "map",
    "+l": "list",
    "+L": "large_list",
    "+vl": "list_view",
    "+vL": "large_list_view",
}
_PREFIXES = {
    "d:": "decimal",
    "w:": "fixed_size_binary",
    "tt": "time",
    "tD": "duration",
    "+w": "fixed_size_list",
}
_DECIMAL = re.compile(r"d:(\d+),(-?\d+)")
_TEXTS = ("u", "U", "vu")


@dataclass(frozen=True)
class FrameColumn:
    """A column of a frame, and its field."""

    number: int
    field: Field
    kind: str | None  # the engine's type that its values have; None: Arrow's own
    written: str  # Arrow's format
    is_json: bool = False

    def fits_digits(self) -> bool:
        """Return whether every decimal of this type fits the field as it is."""
        field: Any = target_of(self.field)
        found = _DECIMAL.match(self.written)
        if found is None:
            return False
        digits, places = int(found[1]), int(found[2])
        whole = field.max_digits - field.decimal_places
        return bool(places <= field.decimal_places and digits - places <= whole)


class Frame:
    """A stream of rows.  It can be read once."""

    def __init__(
        self,
        model: type[models.Model],
        connection: BaseDatabaseWrapper,
        frame: Any,
        looked_up: Collection[Any] = (),
    ) -> None:
        """looked_up: foreign keys whose columns hold other values than keys.

        TypeError: the object is not a frame.  FieldDoesNotExist, ValueError: a column has no
        field, or a type that its field does not hold."""
        self.model = model
        self.columns: list[FrameColumn] = []
        self._connection = connection
        self._names = names_of(model)
        self._looked_up = looked_up
        opener = None if isinstance(frame, type) else getattr(frame, "__arrow_c_stream__", None)
        if opener is None:
            raise TypeError(
                "expected an object with __arrow_c_stream__(), such as a DataFrame of polars or"
                f" pandas or a Table of pyarrow, not {type(frame).__name__}."
            )
        with self._read():
            self._stream = _core.Frame(opener())
        named = self._stream.columns()
        fields = _fields_of(model, self._names, [name for name, _ in named])
        for number, ((_, written), field) in enumerate(zip(named, fields, strict=True)):
            self.columns.append(self._column(number, field, written))
        self.columns_of = {column.field: column for column in self.columns}
        self.fields = list(self.columns_of)

    def _column(self, number: int, field: Field, written: str) -> FrameColumn:
        if field in self._looked_up:
            if written in ("+s", "+m"):
                raise _of_field(
                    ValueError(
                        f'Column "{self._stream.columns()[number][0]}" of the frame has the Arrow'
                        f" type {_name_of(written)}, which names no object. Use a value, or a list"
                        " for several fields."
                    ),
                    field,
                )
            return FrameColumn(number, field, None, written)
        kind = kind_of_values(self.model, field, self._connection)
        if kind is None and isinstance(target_of(field), models.UUIDField):
            fits = self._stream.fits(number, "uuid")
            return FrameColumn(number, field, "uuid" if fits else None, written)
        if kind is None and written in ("+s", "+m"):
            return FrameColumn(number, field, "json", written, True)
        if kind is None:
            return FrameColumn(number, field, None, written)
        if not self._stream.fits(number, kind):
            name = type(field).__name__
            article = "an" if name[0] in "AEIO" else "a"
            error = ValueError(
                f'Column "{self._stream.columns()[number][0]}" of the frame has the Arrow type'
                f" {_name_of(written)}, whose values {article} {name} does not hold exactly."
                f" Cast it to {_CASTS[kind]}."
            )
            raise _of_field(error, field)
        if kind == "numeric" and written in _TEXTS:
            kind = None  # the field reads the text
        return FrameColumn(number, field, kind, written, kind == "json")

    def of(self, field: Field) -> FrameColumn | None:
        """Return the column of a field, or None."""
        return self.columns_of.get(field)

    def refuse_replaced(self, stamp: bool) -> None:
        """Raise ValueError for a column whose values save() or the call would replace.  stamp: the
        call sets bm_create_uuid."""
        for field in self.fields:
            why = None
            for name in ("auto_now", "auto_now_add"):
                if getattr(field, name, False):
                    why = f"has {name}: save() replaces its value"
            if field.name == "bm_create_uuid" and stamp:
                why = "is set by the call (pass bm_create_uuid)"
            if why is not None:
                raise _of_field(
                    ValueError(f'Field "{field.name}" of the frame {why}. Leave the column out.'),
                    field,
                )

    @property
    def has_key(self) -> bool:
        """Whether the frame has the primary key, or a part of it."""
        return any(field in self.model._meta.pk_fields for field in self.fields)

    def read(self, n: int) -> FrameRows | None:
        """Return the next n rows, or fewer at the end.  None: there are no more."""
        with self._read():
            piece = self._stream.read(n)
        return None if piece is None else FrameRows(self, piece)

    def _read(self) -> _Reading:
        return _Reading(self._names)


class FrameRows(Sequence[Any]):
    """Consecutive rows of a frame.  As a sequence they are instances, which are made when they are
    needed."""

    def __init__(
        self, frame: Frame, piece: _core.Piece, numbers: Sequence[int] | None = None
    ) -> None:
        self.frame = frame
        self._piece = piece
        self._objects: list[Any] | None = None
        self.replaced: dict[int, list[Any]] = {}  # other values than the frame's, by column
        # The positions of the rows in the frame.
        self.numbers = range(piece.first, piece.first + len(piece)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self._piece)

    def __getitem__(self, at: Any) -> Any:
        return self.objects()[at]

    def take(self, places: Sequence[int]) -> FrameRows:
        """Return some of the rows, whose places here ascend."""
        if len(places) == len(self):
            return self
        some = FrameRows(
            self.frame, self._piece.take(list(places)), [self.numbers[i] for i in places]
        )
        some.replaced = {at: [v[i] for i in places] for at, v in self.replaced.items()}
        return some

    def replace(self, column: FrameColumn, values: list[Any]) -> None:
        """Give a column that only its field reads other values."""
        self.replaced[column.number] = values
        self._objects = None

    def fill(self, rows: _core.Rows, field: int, column: FrameColumn) -> int:
        """Make cells of the engine of a column.  Return how many are NULL."""
        with self.frame._read():
            return self._piece.fill(rows, field, column.number)

    def values(self, column: FrameColumn) -> list[Any]:
        """Return the values of a column as Python's."""
        if column.number in self.replaced:
            return self.replaced[column.number]
        with self.frame._read():
            values = self._piece.values(column.number, column.kind)
        return self._documents(column.field, values) if column.is_json else values

    def _documents(self, field: Any, texts: list[Any]) -> list[Any]:
        null = models.Value(None, models.JSONField())
        documents: list[Any] = []
        for row, text in enumerate(texts):
            try:
                found = (
                    None if text is None else json.loads(text, cls=getattr(field, "decoder", None))
                )
            except ValueError as error:
                at = self.numbers[row]
                raise at_row(_wrong(at, field, f"{error}."), at, field.name) from None
            documents.append(null if found is None and text is not None else found)
        return documents

    def objects(self) -> list[Any]:
        """Return the rows as new instances.  A field without a column has its default."""
        if self._objects is None:
            names = [column.field.attname for column in self.frame.columns]
            columns = [self.values(column) for column in self.frame.columns]
            make = self.frame.model
            self._objects = [make(**dict(zip(names, row))) for row in zip(*columns)]
        return self._objects

    def known(self) -> list[Any]:
        """Return the instances for a message, or an empty list if one cannot be made."""
        try:
            return self.objects()
        except Exception:
            return []

    def prepared(self, column: FrameColumn) -> list[Any]:
        """Return the values as save() prepares them."""
        return prepared(column.field, self.values(column), self.frame._connection, self.numbers)


class _Reading:
    """Make errors of the frame those of a row and a field."""

    __slots__ = ("names",)

    def __init__(self, names: dict[str, Field]) -> None:
        self.names = names

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, _core.Unread):
            return
        message, row, name = error.args
        field = self.names.get(name)
        if row is None or field is None:
            whole = ValueError(f"{message[:1].upper()}{message[1:]}.")
            raise _of_field(whole, field, row) from None
        raise at_row(_wrong(row, field, message), row, field.name) from None


def _wrong(row: int, field: Field, why: str) -> DataError:
    return DataError(f"Row {row}, field {field.name}: {why}")


def _of_field(error: Exception, field: Field | None, row: int | None = None) -> Any:
    return at_row(error, row, field.name if field is not None else None)  # type: ignore[arg-type]


def prepared(
    field: Field, values: list[Any], connection: BaseDatabaseWrapper, numbers: Sequence[int]
) -> list[Any]:
    """Return values as the field prepares them for save().  numbers: the positions of the rows."""
    made: list[Any] = []
    for value in values:
        try:
            made.append(field.get_db_prep_save(value, connection))
        except Exception as error:
            at_row(error, numbers[len(made)], field.name)
            raise
    return made


def names_of(model: type[models.Model]) -> dict[str, Any]:
    """Return the concrete fields by their names and attributes."""
    known: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        known[field.attname] = known[field.name] = field
    return known


def _fields_of(
    model: type[models.Model], known: dict[str, Any], names: Sequence[str]
) -> list[Field]:
    """Return the field of each column."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise FieldDoesNotExist(_unknown(model, unknown, known))
    fields: list[Any] = [known[name] for name in names]
    for name, field in zip(names, fields, strict=True):
        if fields.count(field) > 1:
            raise _of_field(
                ValueError(f'The frame has more than one column for field "{field.name}".'), field
            )
        if field.generated:
            raise _of_field(
                ValueError(
                    f'Column "{name}" of the frame is a generated field: the database computes it.'
                    " Leave the column out."
                ),
                field,
            )
    return fields


def _unknown(model: type[models.Model], unknown: list[str], known: dict[str, Any]) -> str:
    def told(name: str) -> str:
        close = get_close_matches(name, known, n=1)
        hint = f' (did you mean "{close[0]}"?)' if close else ""
        if name.startswith("__index_level_"):
            hint = " (the index of a pandas DataFrame: call reset_index(drop=True) first)"
        return f'"{name}"{hint}'

    return (
        f"{model._meta.label} has no field for these columns of the frame:"
        f" {', '.join(map(told, unknown))}. Rename them, or leave them out."
    )


def _name_of(written: str) -> str:
    if written.startswith("ts"):
        _, _, zone = written.partition(":")
        return f"timestamp with time zone {zone}" if zone else "timestamp without a time zone"
    return _NAMES.get(written) or _PREFIXES.get(written[:2], f'"{written}"')


def watches_instances(model: type[models.Model]) -> bool:
    """Return whether code of the model would see each instance, so that instances must be made."""
    if model.__init__ is not models.Model.__init__:
        return True
    if pre_init.has_listeners(model) or post_init.has_listeners(model):
        return True
    fields: list[Any] = list(model._meta.concrete_fields)
    return any(needs_instances(model, field) for field in fields if not field.generated)
