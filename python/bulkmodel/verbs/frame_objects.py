"""Frames as the objects of a call: their rows are instances, and only their columns are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import connections, models

from bulkmodel.model.fields import Field, key_fields
from bulkmodel.model.frames import Frame
from bulkmodel.verbs.find_rows import unique_fields_named

# Rows that are read at the same time.
ROWS = 10_000


class FrameObjects(list[Any]):
    """Instances of the rows of a frame."""

    def __init__(self, queryset: Any, frame: Any) -> None:
        given = Frame(queryset.model, connections[queryset.db], frame)
        given.refuse_replaced(stamp=True)
        self.fields = frozenset(given.fields)
        while (rows := given.read(ROWS)) is not None:
            self += rows.objects()


def rows_given(queryset: Any, rows: Any) -> list[Any]:
    """Return the objects of a call as a list."""
    if hasattr(type(rows), "__arrow_c_stream__"):
        return FrameObjects(queryset, rows)
    return list(rows)


def rows_and_fields(
    queryset: Any, objects: Any, fields: list[Field], unique_fields: Iterable[str] | None
) -> tuple[list[Any], list[Field]]:
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
    refuse_missing(given, [*found, *fields])
    left_out = {*found, *key_fields(model)}
    return given, fields or [f for f in opts.concrete_fields if f in given.fields - left_out]


def refuse_missing(rows: list[Any], fields: Iterable[Any]) -> None:
    """Raise ValueError for a field that a frame has no column for."""
    if not isinstance(rows, FrameObjects):
        return
    for field in fields:
        if field not in rows.fields:
            raise ValueError(
                f'The frame has no column for field "{field.name}", which the call needs.'
            )


def is_given(rows: list[Any], field: Any) -> bool:
    """Return whether the rows have values of a field.  Instances have values of all."""
    return not isinstance(rows, FrameObjects) or field in rows.fields


def instances_of(rows: list[Any]) -> list[Any] | None:
    """Return what signals have as instances."""
    return None if isinstance(rows, FrameObjects) else rows
