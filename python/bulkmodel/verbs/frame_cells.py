"""The columns of a frame's rows as cells of the engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bulkmodel import _core
from bulkmodel.engine.dialect import takes_djangos_values
from bulkmodel.engine.support import Fallback
from bulkmodel.model.adapt import give
from bulkmodel.model.fields import Column
from bulkmodel.model.frames import FrameColumn, FrameRows, prepared
from bulkmodel.model.target import Target


class Cells:
    """Cells of some rows, column by column."""

    def __init__(self, target: Target, rows: FrameRows) -> None:
        self.target = target
        self.rows = rows
        self.gathered = _core.Rows(target.description.table, len(rows))

    def add(self, column: Column, given: FrameColumn) -> bool:
        """Add a column of the frame.  Return whether it has a NULL.  Fallback: the engine cannot
        write one of its values."""
        if self._is_filled(column, given):
            return self.rows.fill(self.gathered, column.index, given) > 0
        values = self.rows.prepared(given)
        self.give(column, values)
        return None in values

    def add_values(self, column: Column, values: list[Any]) -> None:
        """Add values that the frame does not have: one for each row, or one for all."""
        n = len(self.rows)
        made = prepared(column.field, values, self.target.connection, self.rows.numbers)
        self.give(column, made * (n // len(values)))

    def add_now(self, column: Column, is_new: bool) -> None:
        """Add the value of an auto_now or auto_now_add field."""
        field: Any = column.field
        self.add_values(column, [field.pre_save(SimpleNamespace(), is_new)])

    def give(self, column: Column, values: list[Any]) -> None:
        """Add values as the field has prepared them."""
        if any(hasattr(kind, "resolve_expression") for kind in set(map(type, values))):
            raise Fallback(f"field {column.field.name} is an expression")
        connection = self.target.connection
        if not give(self.gathered, column, [], False, connection, lambda *_: values):
            raise Fallback(f"the engine cannot write a value of field {column.field.name}")

    def _is_filled(self, column: Column, given: FrameColumn) -> bool:
        """Return whether the extension makes the cells of a column."""
        if given.is_json:
            return column.form == "json"
        if given.kind == "numeric" and takes_djangos_values(self.target.connection):
            return column.fast and given.fits_digits()  # else Django rounds or refuses
        return column.fast and not column.form and given.kind == column.kind.name
