"""Updates of rows by the columns of a frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

from django.db import connections, models

from bulkmodel.engine.jobs import Jobs, share, workers_for
from bulkmodel.engine.statements import Condition
from bulkmodel.engine.support import Fallback, falls_back
from bulkmodel.model import diagnose
from bulkmodel.model.fields import Field
from bulkmodel.model.frames import FrameRows
from bulkmodel.model.primary_keys import normal_keys
from bulkmodel.model.target import Target, make_job
from bulkmodel.model.where import condition_of
from bulkmodel.options import Options
from bulkmodel.results import Outcome
from bulkmodel.verbs.find_rows import find, named, refuse_repeated, unique_fields_named
from bulkmodel.verbs.frame_cells import Cells
from bulkmodel.verbs.frame_objects import FrameObjects
from bulkmodel.verbs.update_fields import Changes, held, selected, write


class FrameUpdate(Cells):
    """An update of rows that are found by key, each with the values of a row of the frame."""

    def __init__(
        self,
        model: type[models.Model],
        using: str,
        rows: FrameRows,
        pks: Sequence[Any],
        fields: Sequence[Field],
        batch_size: int | None,
        condition: Condition,
        workers: int = 1,
    ) -> None:
        """pks: of each row.  Fallback: the engine cannot write the rows."""
        target = Target.of(model, using)
        target.check_updates()
        super().__init__(target, rows)
        self._add_keys(pks)
        columns = [target.column(field) for field in fields]
        for column in columns:
            given = rows.frame.of(column.field)
            if given is None:
                self.add_now(column, False)
            else:
                self.add(column, given)
        key = model._meta.pk
        chunk = target.chunk(batch_size, [key, key, *fields], [None] * len(rows))
        indexes = tuple(column.index for column in columns)
        catalog = target.staged(len(rows), condition)
        job = make_job(self.gathered, "update_fields", indexes, chunk, condition, catalog)
        self.jobs = Jobs(target, [job], condition, workers, lambda: [rows.numbers])

    def _add_keys(self, pks: Sequence[Any]) -> None:
        description = self.target.description
        fields: Any = self.target.model._meta.pk_fields
        parts = [list(pks)] if len(fields) == 1 else [list(part) for part in zip(*pks)]
        values = dict(zip(fields, parts))
        connection = self.target.connection
        for column in description.keys:
            field: Any = column.field
            self.give(
                column,
                [field.get_db_prep_value(key, connection, False) for key in values[field]],
            )

    def run(self) -> int:
        """Write the rows.  Return how many matched."""
        self.jobs.run()
        return self.jobs.written()


def objects_of(rows: FrameRows, pks: Sequence[Any]) -> list[Any]:
    """Return instances of the rows, with these primary keys."""
    objects = rows.objects()
    for row, pk in zip(objects, pks):
        row.pk = pk
    return objects


def are_held(
    queryset: Any, rows: FrameRows, pks: Sequence[Any], fields: Iterable[Field]
) -> tuple[list[bool], list[bool]]:
    """Return for each row whether the database has it with the values of the frame, and whether it
    has it."""
    given = [field for field in fields if rows.frame.of(field) is not None]
    return held(queryset, Changes(queryset.model, objects_of(rows, pks), given, None))


class UpdateFields:
    """An update_fields() call with a frame."""

    def __init__(
        self,
        queryset: Any,
        given: FrameObjects,
        fields: list[Field],
        unique_fields: Iterable[str] | None,
    ) -> None:
        """queryset: selects the rows that may be written, on the alias to write to.  ValueError: a
        row of the frame does not identify one of the table, or is repeated."""
        self.queryset = queryset
        self.model: type[models.Model] = queryset.model
        self.using: str = queryset.db
        self.fields = fields
        self._rows = given.rows
        self._by = None if unique_fields is None else unique_fields_named(self.model, unique_fields)
        unique = self._by or unique_fields_named(self.model, None)
        self._keys = given.keys(unique, self.using)
        if None in self._keys:
            at = self._keys.index(None)
            raise ValueError(
                f"Object {at} has no primary key. Set it, or pass unique_fields= to find its row by"
                " other fields."
                if self._by is None
                else f"Object {at} has no value in one of the unique fields ({named(unique)}), so "
                "its row cannot be found."
            )
        refuse_repeated(self._keys, unique)
        own: Any = self.model._meta.pk_fields
        has_own = self._by is not None and set(own) <= given.fields
        self._own = given.keys(own, self.using) if has_own else None
        self.outcomes = bytearray([Outcome.MISSING]) * len(given)
        self.pks: list[Any] = [None] * len(given)

    @property
    def written(self) -> list[Any]:
        """The primary keys of the rows that were written."""
        return [pk for pk, one in zip(self.pks, self.outcomes) if one == Outcome.UPDATED]

    def run(self, options: Options, which: bool, chosen: Sequence[int]) -> int:
        """Write the rows at these positions.  Return how many matched.  which: the caller needs to
        know the rows."""
        for i, pk in zip(chosen, self._find(chosen)):
            self.outcomes[i] = Outcome.MISSING
            self.pks[i] = pk
        places = [i for i in chosen if self.pks[i] is not None]
        if which:
            places = self._selected(places)
        if not places or self._rows is None:
            return 0
        if self.queryset.query.is_sliced:
            self.queryset.query.clear_limits()
        rows = self._rows.take(places)
        pks = [self.pks[i] for i in places]
        matched, marks = self._write(rows, pks, options, which)
        for i, mark in zip(places, marks):
            self.outcomes[i] = mark
        return matched

    def _find(self, places: Sequence[int]) -> list[Any]:
        """Return the primary keys of rows of the frame.  None: no row has the unique fields."""
        opts: Any = self.model._meta
        own = opts.pk_fields
        if self._by is None:
            keys: list[Any] = [self._keys[i] for i in places]
            pks = [key[0] for key in keys] if len(own) == 1 else keys
            return normal_keys(self.model, pks, self.using)
        found = find(self.model, self.using, self._by, [self._keys[i] for i in places]).pks
        if self._own is not None:
            for i, pk in zip(places, found):
                key = self._own[i]
                given = key[0] if key is not None and len(own) == 1 else key
                if given is not None and pk is not None and given != pk:
                    raise ValueError(
                        f"Object {i} has primary key {given!r}, but {named(self._by)} belongs to "
                        f"the row with primary key {pk!r}."
                    )
        return found

    def _selected(self, places: list[int]) -> list[int]:
        marks = selected(self.queryset, [self.pks[i] for i in places])
        return list(compress(places, marks))

    def _write(
        self, rows: FrameRows, pks: list[Any], options: Options, which: bool
    ) -> tuple[int, bytes]:
        """Write these rows.  Return how many matched, and the outcome of each if it is known."""
        n, workers, batch_size = len(rows), options.workers, options.batch_size
        connection = connections[self.using]
        if workers > 1:
            workers = workers_for(connection, self.model, workers, n, batch_size)
        if workers > 1:
            batch_size = batch_size or share(n, workers)
        numbers = rows.numbers
        known = bytes([Outcome.UPDATED]) * n
        update: FrameUpdate | None = None
        with diagnose.diagnosed(
            lambda: diagnose.Call(self.model, connection, rows.known(), self.fields, numbers)
        ):
            with falls_back("update_fields", self.model):
                condition = self._condition()
                if condition is None:
                    return 0, bytes([Outcome.MISSING]) * n
                update = FrameUpdate(
                    self.model, self.using, rows, pks, self.fields, batch_size, condition, workers
                )
            matched = update.run() if update is not None else 0
        if update is None:
            changes = Changes(self.model, objects_of(rows, pks), self.fields, None).at(numbers)
            matched, done = write(
                self.queryset, changes, options.batch_size, options.workers, which
            )
            there = set(done.places)
            left = done.skipped
            return matched, bytes(_outcome(i in there, i in left) for i in numbers)
        if matched < n and which:
            has, exist = are_held(self.queryset, rows, pks, self.fields)
            return matched, bytes(map(_outcome, has, exist))
        return matched, known

    def _condition(self) -> Condition | None:
        target = Target.of(self.model, self.using)
        condition = condition_of(self.queryset, target.connection)
        if condition is not None and target.dialect.joins and not condition.is_plain:
            raise Fallback("the queryset's condition reads other rows")
        return condition


def _outcome(is_written: bool, is_left: bool) -> int:
    if is_written:
        return Outcome.UPDATED
    return Outcome.SKIPPED if is_left else Outcome.MISSING
