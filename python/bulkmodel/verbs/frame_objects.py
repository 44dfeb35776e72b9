"""Frames as the objects of a call.  Only the columns that they have are written."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connections, models

from bulkmodel.model.fields import Field, key_fields
from bulkmodel.model.frames import Frame, FrameRows, watches_instances
from bulkmodel.model.primary_keys import normal_values
from bulkmodel.verbs.find_rows import Key, keys_of, unique_fields_named
from bulkmodel.verbs.inherited import tables_of


class FrameObjects(Sequence[Any]):
    """The rows of a frame.  As a sequence they are instances, which are made when they are
    needed."""

    def __init__(self, queryset: Any, frame: Any, looked_up: Collection[Any] = ()) -> None:
        """looked_up: see Frame."""
        model: Any = queryset.model
        self.frame = Frame(model, connections[queryset.db], frame, looked_up)
        self.frame.refuse_replaced(stamp=True)
        self.fields = frozenset(self.frame.fields)
        self.rows: FrameRows | None = self.frame.read(sys.maxsize)
        # Whether the values can be written without instances.
        self.are_columns = self.rows is not None and not (
            queryset._has_own_create()
            or model._meta.order_with_respect_to
            or len(tables_of(model)) > 1
            or watches_instances(model)
        )

    def __len__(self) -> int:
        return 0 if self.rows is None else len(self.rows)

    def __getitem__(self, at: Any) -> Any:
        return [][at] if self.rows is None else self.rows.objects()[at]

    def keys(self, fields: Sequence[Any], using: str) -> list[Key | None]:
        """Return each row's values of these fields, as find_rows.keys_of() does."""
        if self.rows is None or not self.are_columns:
            return keys_of(self, fields, using)
        columns = [
            normal_values(field, self.rows.values(self.frame.columns_of[field]), using)
            for field in fields
        ]
        return [None if None in key else key for key in zip(*columns)]


def rows_given(queryset: Any, rows: Any, looked_up: Collection[Any] = ()) -> Any:
    """Return the objects of a call as a list, or as the rows of a frame.  looked_up: see Frame."""
    if hasattr(type(rows), "__arrow_c_stream__"):
        return FrameObjects(queryset, rows, looked_up)
    return list(rows)


def rows_and_fields(
    queryset: Any, objects: Any, fields: list[Field], unique_fields: Iterable[str] | None
) -> tuple[Any, list[Field]]:
    """Return the objects of update_fields() and the fields to write.  Without names these are the
    fields that a frame has beside those that identify its rows.  objects: None: the queryset's."""
    given = rows_given(queryset, queryset._result_cache or [] if objects is None else objects)
    if not isinstance(given, FrameObjects):
        return given, fields
    model: type[models.Model] = queryset.model
    opts = model._meta
    found: Collection[Any] = key_fields(model)
    if unique_fields is not None:
        found = unique_fields_named(model, unique_fields)
    # save() sets these, with a column or without.
    refuse_missing(given, [*found, *(f for f in fields if not getattr(f, "auto_now", False))])
    left_out = {*found, *key_fields(model)}
    return given, fields or [f for f in opts.concrete_fields if f in given.fields - left_out]


def refuse_missing(rows: Any, fields: Iterable[Any]) -> None:
    """Raise ValueError for a field that a frame has no column for."""
    if not isinstance(rows, FrameObjects):
        return
    for field in fields:
        if field not in rows.fields:
            raise ValueError(
                f'The frame has no column for field "{field.name}", which the call needs.'
            )


def is_given(rows: Any, field: Any) -> bool:
    """Return whether the rows have values of a field.  Instances have values of all."""
    return not isinstance(rows, FrameObjects) or field in rows.fields


def instances_of(rows: Any) -> list[Any] | None:
    """Return what signals have as instances."""
    return None if isinstance(rows, FrameObjects) else rows
