"""copy_from_arrow(): write the rows of a frame, whose values become cells of the engine in C."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.db import connections

from bulkmodel.engine.jobs import Jobs
from bulkmodel.engine.statements import ANY_ROW
from bulkmodel.engine.support import Fallback
from bulkmodel.model import diagnose
from bulkmodel.model.fields import Column, Field
from bulkmodel.model.frames import Frame, FrameRows, watches_instances
from bulkmodel.model.target import Target
from bulkmodel.options import Options
from bulkmodel.verbs.copy_from import CHUNK, CopyIn
from bulkmodel.verbs.frame_cells import Cells

# Rows in memory at the same time, if the caller gives no batch_size and no instances are made.
ROWS = 50_000


class CopyFrame(CopyIn):
    """One copy_from_arrow() call."""

    def __init__(
        self, queryset: Any, frame: Any, options: Options, stamp: uuid.UUID | None
    ) -> None:
        self.frame = (
            frame
            if isinstance(frame, Frame)
            else Frame(queryset.model, connections[queryset.db], frame)
        )
        super().__init__(queryset, None, not self.frame.has_key, options, stamp)
        self.workers = 1
        self.frame.refuse_replaced(self.stamp is not None)
        opts: Any = self.model._meta
        needs = self.is_overridden or opts.order_with_respect_to or watches_instances(self.model)
        self.needs_instances = self.tables is not None or bool(needs)

    def _chunks(self, objects: Iterable[Any], size: int, few: bool) -> Iterator[Any]:
        few_at_once = self.needs_instances or self.target is None
        size = self.batch_size or (CHUNK if few_at_once else ROWS)
        if isinstance(objects, FrameRows):
            for first in range(0, len(objects), size):
                yield objects.take(range(first, min(first + size, len(objects))))
            return
        while (rows := self.frame.read(size)) is not None:
            yield rows

    def _pieces(
        self, chunk: Any, places: Sequence[int], workers: int, keeps: bool
    ) -> list[tuple[list[Any], Callable[[], list[Any]]]]:
        places = chunk.numbers  # of the whole frame, of which a part may be written
        if self.needs_instances or self.target is None:
            return super()._pieces(chunk.objects(), places, workers, keeps)
        return [(chunk, self._write(chunk, places, workers))]

    def _write(self, chunk: Any, places: Sequence[int], workers: int) -> Callable[[], list[Any]]:
        if not isinstance(chunk, FrameRows):
            return super()._write(chunk, places, workers)
        cells = None
        assert self.target is not None
        with diagnose.diagnosed(lambda: self._call(chunk, places)), suppress(Fallback):
            cells = _Cells(self, self.target, chunk)
        if cells is None:
            return super()._write(chunk.objects(), places, workers)
        written = Jobs(self.target, [cells.job], ANY_ROW)
        self._run(written, chunk, places)
        return written.keys if cells.keyless else cells.keys

    def _call(
        self, rows: Sequence[Any], places: Sequence[int], row_of: Any = None
    ) -> diagnose.Call:
        objects = rows.known() if isinstance(rows, FrameRows) else rows
        return super()._call(objects, places, row_of)


class _Cells(Cells):
    """Rows of a frame as cells of the engine, and the job that inserts them."""

    def __init__(self, call: CopyFrame, target: Target, rows: FrameRows) -> None:
        """Fallback: the engine cannot write them, or some of them have no key."""
        super().__init__(target, rows)
        description = target.description
        self.call = call
        self.keyless = call.makes_keys
        if not description.complete or (self.keyless and not description.key_assigned):
            raise Fallback("the engine cannot write the whole table")
        self._keys: dict[Field, list[Any]] = {}
        columns = description.all_but_key if self.keyless else description.all
        n = sum(self._add(column) for column in columns)
        if n == 0:
            raise Fallback("every column is the database's default")
        self.job = call._job_of(target, self.gathered, n, self.keyless, 0)

    def keys(self) -> list[Any]:
        """Return the keys that the frame has, or that are defaults."""
        keys = [self._values_of_key(field) for field in self.call.model._meta.pk_fields]
        return keys[0] if len(keys) == 1 else list(zip(*keys))

    def _values_of_key(self, field: Field) -> list[Any]:
        if field in self._keys:
            return self._keys[field]
        column = self.call.frame.of(field)
        assert column is not None
        return [field.to_python(value) for value in self.rows.values(column)]

    def _add(self, column: Column) -> bool:
        """Add a column.  False: it is left out, and the database has its default."""
        given = self.call.frame.of(column.field)
        is_key = column in self.target.description.keys
        if given is None:
            return self._add_default(column, is_key)
        if self.add(column, given) and is_key:
            raise Fallback("a key is NULL")
        return True

    def _add_default(self, column: Column, is_key: bool) -> bool:
        field: Any = column.field
        n = len(self.rows)
        if column.now or column.now_add:
            self.add_now(column, True)
            return True
        if field.name == "bm_create_uuid" and self.call.stamp is not None:
            values = [self.call.stamp]
        elif field.has_default() and callable(field.default):
            values = [field.get_default() for _ in range(n)]
        elif not field.has_default() and field.has_db_default():
            if is_key:
                raise Fallback("the database computes a primary key")
            return False
        else:
            values = [field.get_default()]
        if is_key:
            if None in values:
                raise Fallback("a key has no value")
            self._keys[field] = values * (n // len(values))
        self.add_values(column, values)
        return True
