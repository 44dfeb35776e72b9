"""update_fields: rows are written with the values that they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from itertools import compress
from typing import Any

from django.db import Error, connections, models
from django.db.models.query import QuerySet

from bulkmodel import _core, errors
from bulkmodel.atomic import one_transaction
from bulkmodel.condition import condition_of
from bulkmodel.fields import BUILT_IN, Field, has_relations, key_fields
from bulkmodel.image import Image, is_loaded
from bulkmodel.noticed import note_lost, note_written
from bulkmodel.place import Place, or_django
from bulkmodel.prepare import for_save
from bulkmodel.update import Update, cuts
from bulkmodel.values import check_values
from bulkmodel.writing import share, workers_for
from bulkmodel.written import of_keys


def fields_named(model: type[models.Model], names: tuple[str, ...]) -> list[Field]:
    """The fields to write; ValueError and FieldDoesNotExist for what cannot be written."""
    opts = model._meta
    fields: list[Any] = [opts.get_field(name) for name in names]
    keys = key_fields(model) if fields else ()
    for field in fields:
        if not field.concrete or field.many_to_many:
            raise ValueError("update_fields() can only be used with concrete fields.")
        if field in keys:
            raise ValueError("update_fields() cannot be used with primary key fields.")
        if field.generated:
            raise ValueError("update_fields() cannot be used with generated fields.")
    return list(dict.fromkeys(fields))


def check_rows(model: type[models.Model], rows: list[Any]) -> None:
    """Each is a saved object of this model, and none is there twice."""
    seen: dict[Any, int] = {}
    for i, row in enumerate(rows):
        if not isinstance(row, model._meta.concrete_model or model):
            raise ValueError(f"Object {i} is no {model._meta.label}.")
        if row._state.adding or row.pk is None:
            raise ValueError(f"Object {i} is not saved: update_fields() updates rows.")
        if seen.setdefault(row.pk, i) != i:
            raise ValueError(f"Objects {seen[row.pk]} and {i} have the same primary key.")


def rows_to_update(
    model: type[models.Model], objects: Iterable[Any], fields: list[Field]
) -> list[Any]:
    """The objects, each of which may be written."""
    rows = list(objects)
    key = model._meta.pk
    related = has_relations(model)
    marks = _core.plain(rows, model, key.attname, related) if key is not None else None
    if marks is None or any(mark & 5 for mark in set(marks)):
        check_rows(model, rows)
    if marks is None or any(mark & 2 for mark in set(marks)):
        for row in rows:
            row._prepare_related_fields_for_save("update_fields", fields or None)
    return rows


class Changes:
    """Which rows and which fields are to be written; of some rows not all of these fields."""

    def __init__(
        self,
        model: type[models.Model],
        rows: list[Any],
        fields: list[Field],
        image: Image | None,
    ) -> None:
        self.rows = rows
        self.fields = fields
        self.image = image
        self.places: Sequence[int] = range(len(rows))
        self.kept: dict[Field, bytes] = {}
        if image is not None:
            image.settle()
        if fields:
            self._leave_deferred()
        elif image is not None:
            self._compare(model, image)

    def rows_of(self, field: Field) -> list[Any]:
        """Those in which the field is written."""
        return list(compress(self.rows, self.kept[field])) if field in self.kept else self.rows

    def among(self, marks: list[bool]) -> Changes:
        """Of the rows that are marked."""
        some = copy(self)
        some.rows = list(compress(self.rows, marks))
        some.places = list(compress(self.places, marks))
        some.kept = {field: bytes(compress(kept, marks)) for field, kept in self.kept.items()}
        return some

    def _leave_deferred(self) -> None:
        """A field that was not loaded is not changed; auto_now sets itself."""
        loaded = {
            field: b"\1" * len(self.rows)
            if getattr(field, "auto_now", False)
            else is_loaded(self.rows, field.attname)
            for field in self.fields
        }
        if any(0 in marks for marks in loaded.values()):
            self._pick({field: marks for field, marks in loaded.items() if any(marks)}, [])

    def _compare(self, model: type[models.Model], image: Image) -> None:
        changed: dict[Field, bytes] = {}
        keys = key_fields(model)
        followers = []
        noted = image.noted(self.rows)
        for field in model._meta.concrete_fields:
            if field in keys or field.generated:
                continue
            if getattr(field, "auto_now", False):
                followers.append(field)
                continue
            marks = image.changed(self.rows, field.attname, noted)
            if any(marks):
                changed[field] = marks
        self._pick(changed, followers)

    def _pick(self, changed: dict[Field, bytes], followers: list[Field]) -> None:
        """The rows in which any field changed; followers are written in all of these."""
        mask = bytes(map(any, zip(*changed.values()))) if changed else b""
        self.places = list(compress(range(len(self.rows)), mask))
        self.rows = list(compress(self.rows, mask))
        self.fields = [*changed, *followers] if changed else []
        for field, marks in changed.items():
            picked = bytes(compress(marks, mask))
            if not all(picked):
                self.kept[field] = picked


def write(target: Any, changes: Changes, batch_size: int | None, workers: int = 1) -> int:
    """Write the rows that `target` (a queryset on the alias to write to) selects; how many."""
    call = errors.Call(
        target.model, connections[target.db], changes.rows, changes.fields, changes.places
    )
    n = len(changes.rows)
    workers = workers_for(connections[target.db], target.model, workers, n, batch_size)
    if workers > 1:
        batch_size = batch_size or share(n, workers)
    try:
        with errors.noted(lambda: call):
            matched = _write(target, changes, batch_size, workers)
    except (errors.CommitUnknown, errors.PartialCommit):
        note_lost(changes.rows, target.db)
        raise
    image = changes.image
    if image is None and matched != n:
        note_lost(changes.rows, target.db)  # of which of them is not asked
        return matched
    written = changes if matched == n else changes.among(_held(target, changes))
    if image is not None:
        names = [field.attname for field in changes.fields]
        image.written(connections[target.db], written.rows, written.places, names)
    note_written(written.rows, changes.fields, target.db, written.kept, image)
    return matched


def _held(target: Any, changes: Changes) -> list[bool]:
    """Of each row, whether the database has it with the object's values: fewer rows matched than
    were sent, and no statement says which.  What cannot be asked was not written."""
    keys = [row.pk for row in changes.rows]
    names = [field.attname for field in changes.fields]
    found = of_keys(QuerySet, target.model, target.db, keys).values_list("pk", *names)
    try:
        stored = {key: dict(zip(changes.fields, values)) for key, *values in found}
    except Error:
        if not connections[target.db].autocommit:
            raise
        return [False] * len(keys)  # the rows are committed, and it is no error of the call
    held = [row.pk in stored for row in changes.rows]
    for field in changes.fields:
        marks = changes.kept.get(field, b"\1" * len(held))
        for i, row in enumerate(changes.rows):
            if held[i] and marks[i]:
                held[i] = _is_stored_as(field, getattr(row, field.attname), stored[row.pk][field])
    return held


def _is_stored_as(field: Any, value: Any, stored: Any) -> bool:
    """May the database have made `stored` of the value?  In doubt it has not."""
    try:
        return bool(value == stored or field.to_python(value) == stored)
    except Exception:  # of the caller's own classes
        return False


def _write(target: Any, changes: Changes, batch_size: int | None, workers: int) -> int:
    for field in changes.fields:
        if type(field) not in BUILT_IN or getattr(field, "auto_now", False):
            for row in changes.rows_of(field):
                setattr(row, field.attname, field.pre_save(row, add=False))
    if target.query.is_sliced:
        target.query.clear_limits()
    update: Update | None = None
    with or_django("update_fields", target.model):
        place = Place(target.model, target.db)
        columns = [place.column(field) for field in changes.fields]
        place.marks(changes.rows)
        condition = condition_of(target, place.connection)
        if condition is None:
            return 0
        named = [target.model._meta.pk, target.model._meta.pk, *changes.fields]
        kept = {place.column(field).index: mask for field, mask in changes.kept.items()}
        chunk = place.chunk(batch_size, named, changes.rows)
        update = Update(
            place,
            changes.rows,
            columns,
            chunk,
            condition,
            how=for_save,
            limited=cuts(place.connection),
            kept=kept,
            workers=workers,
            places=lambda: [changes.places],
        )
    if update is not None:
        return update.run()
    # What is refused is refused outside of a transaction, so that the caller's is not broken.
    check_rows(target.model, changes.rows)
    check_values(connections[target.db], changes.rows, changes.fields, changes.places)
    with one_transaction(target.db):
        return _write_as_django(target, changes, batch_size)


def _write_as_django(target: Any, changes: Changes, batch_size: int | None) -> int:
    groups: dict[tuple[tuple[str, ...], int | None], list[Any]] = {}
    for i, row in enumerate(changes.rows):
        names = tuple(
            field.name
            for field in changes.fields
            if field not in changes.kept or changes.kept[field][i]
        )
        alone = any(_is_null_of_json(getattr(row, name)) for name in names)
        groups.setdefault((names, i if alone else None), []).append(row)
    matched = 0
    for (names, number), rows in groups.items():
        if number is None:
            matched += QuerySet.bulk_update(target._silent(), rows, names, batch_size)
        else:
            values = {name: getattr(rows[0], name) for name in names}
            matched += target._silent().filter(pk=rows[0].pk).update(**values)
    return matched


def _is_null_of_json(value: Any) -> bool:
    """Django's bulk_update makes SQL's NULL of it."""
    return isinstance(value, models.Value) and value.value is None
