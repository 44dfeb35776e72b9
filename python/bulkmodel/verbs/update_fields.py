"""update_fields(): write the values of objects to their rows."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import compress
from typing import Any

from django.db import Error, connections, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import QuerySet

from bulkmodel import _core, errors
from bulkmodel.engine import failure
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.jobs import share, workers_for
from bulkmodel.engine.statements import ANY_ROW, Condition
from bulkmodel.engine.support import falls_back
from bulkmodel.errors import Part
from bulkmodel.model import diagnose
from bulkmodel.model.adapt import for_save
from bulkmodel.model.attributes import attributes_of
from bulkmodel.model.fields import (
    Field,
    follows,
    has_relations,
    key_fields,
    kinds_of,
    sets_itself,
)
from bulkmodel.model.limits import check_keys, check_values
from bulkmodel.model.primary_keys import has_plain_keys, normal, normal_keys
from bulkmodel.model.row_state import note_lost, note_written
from bulkmodel.model.snapshot import Snapshot, is_loaded
from bulkmodel.model.target import Target
from bulkmodel.model.where import condition_of, rows_of, selects_all
from bulkmodel.results import Outcome
from bulkmodel.verbs.bulk_update import Update, cuts
from bulkmodel.verbs.changes import Watch, parts
from bulkmodel.verbs.commit_parts import carry_out, committed_of
from bulkmodel.verbs.find_rows import (
    check_instances,
    find,
    keys_of,
    named,
    refuse_repeated,
    unique_fields_named,
)
from bulkmodel.verbs.inherited import tables_of
from bulkmodel.verbs.written_rows import of_keys


def fields_named(model: type[models.Model], names: tuple[str, ...]) -> list[Field]:
    """Return the fields to write.  ValueError, FieldDoesNotExist: a field cannot be written."""
    opts = model._meta
    if not all(isinstance(name, str) for name in names):
        raise TypeError(
            "update_fields() takes each field name as an argument of its own, and objects by "
            'keyword: update_fields("value", objects=rows).'
        )
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


def refuse_unread(queryset: Any, names: tuple[str, ...]) -> None:
    """Raise ValueError if the queryset was never read: it has no changed objects to write."""
    if queryset._result_cache is not None or queryset.query.is_empty():
        return
    called = f"update_fields({', '.join(map(repr, names))})"
    raise ValueError(
        f"{called}: this queryset has not been read, so none of its objects can have changed. "
        "Keep the queryset in a variable, change the objects that it yields and call the method "
        "on it, or pass objects=. To set one value in all rows, use update()."
    )


def check_rows(model: type[models.Model], rows: list[Any], using: str) -> None:
    """Check that each object is an instance of this model with a primary key, and that none is
    repeated."""
    for i, row in enumerate(rows):
        if not isinstance(row, model._meta.concrete_model or model):
            raise failure.not_an_instance(i, row, model)
        if not row._is_pk_set():  # type: ignore[attr-defined]
            raise ValueError(
                f"Object {i} has no primary key. Set it, or pass unique_fields= to find its row by "
                "other fields."
            )
    seen: dict[Any, int] = {}
    for i, key in enumerate(normal_keys(model, [row.pk for row in rows], using)):
        if seen.setdefault(key, i) != i:
            raise ValueError(f"Objects {seen[key]} and {i} have the same primary key.")


def rows_to_update(
    model: type[models.Model],
    objects: Iterable[Any],
    fields: list[Field],
    using: str,
    by: ByUniqueFields | None = None,
) -> list[Any]:
    """Check the objects and return them as a list."""
    rows = list(objects)
    key = model._meta.pk
    related = has_relations(model)
    marks = _core.plain(rows, kinds_of(model), key.attname, related) if key is not None else None
    keyless = marks is None or any(mark & 1 for mark in set(marks))
    if by is None and (keyless or not has_plain_keys(model)):
        check_rows(model, rows, using)
    if marks is None or any(mark & 2 for mark in set(marks)):
        for row in rows:
            row._prepare_related_fields_for_save("update_fields", fields or None)
    return rows


class ByUniqueFields:
    """Objects whose rows are found by other fields than the primary key."""

    def __init__(
        self, model: type[models.Model], objects: list[Any], names: Iterable[str], using: str
    ) -> None:
        """ValueError: an object has no value in one of the fields, or is repeated."""
        self.model = model
        self.objects = objects
        self.using = using
        self.fields = unique_fields_named(model, names)
        check_instances(model, objects)
        keys = keys_of(objects, self.fields, using)
        if None in keys:
            raise ValueError(
                f"Object {keys.index(None)} has no value in one of the unique fields "
                f"({named(self.fields)}), so its row cannot be found."
            )
        refuse_repeated(keys, self.fields)
        self.keys: list[Any] = keys
        self._before = [row.pk for row in objects]

    def find(self) -> list[bool]:
        """Set the primary keys of the objects that have rows.  Return which ones have."""
        pks = find(self.model, self.using, self.fields, self.keys).pks
        for i, (row, pk) in enumerate(zip(self.objects, pks)):
            if pk is None:
                continue
            if row._is_pk_set() and normal(self.model, row.pk, self.using) != pk:
                raise ValueError(
                    f"Object {i} has primary key {row.pk!r}, but {named(self.fields)} belongs to "
                    f"the row with primary key {pk!r}."
                )
            row.pk = pk
        return [pk is not None for pk in pks]

    def undo(self, committed: Container[int] = ()) -> None:
        """Unset the primary keys that find() has set.  committed: positions of rows that have them
        for good."""
        for i, (row, pk) in enumerate(zip(self.objects, self._before)):
            if i not in committed:
                row.pk = pk


def by_unique_fields(
    model: type[models.Model],
    objects: list[Any],
    names: Iterable[str] | None,
    using: str,
    given: bool,
) -> ByUniqueFields | None:
    """Return how the objects find their rows.  None: by primary key.  given: they are not those of
    a queryset."""
    if names is None:
        return None
    if not given:
        raise ValueError("unique_fields= needs objects=: the rows of a queryset have primary keys.")
    return ByUniqueFields(model, objects, names, using)


@contextmanager
def undone(by: ByUniqueFields | None) -> Iterator[None]:
    """Unset the primary keys that the call has set if it fails."""
    try:
        yield
    except BaseException as error:
        if by is not None:
            by.undo(committed_of(error))
        raise


class Changes:
    """The rows and fields to write.  In some rows only some of the fields are written."""

    def __init__(
        self,
        model: type[models.Model],
        rows: list[Any],
        fields: list[Field],
        snapshot: Snapshot | None,
        by: ByUniqueFields | None = None,
    ) -> None:
        self.model = model
        self.rows = rows
        self.fields = fields
        self.snapshot = snapshot
        self.places: Sequence[int] = range(len(rows))
        self.all = rows
        self.kept: dict[Field, bytes] = {}
        self.skipped: set[int] = set()  # positions of rows that a trigger has left as they were
        if snapshot is not None:
            snapshot.settle()
        if fields:
            self._leave_deferred()
        elif snapshot is not None:
            self._compare(model, snapshot)
        self.sent: Sequence[int] = self.places
        if by is not None and rows:
            there = by.find()
            self._keep([there[i] for i in self.places])

    def rows_of(self, field: Field) -> list[Any]:
        """Return the rows in which the field is written."""
        return list(compress(self.rows, self.kept[field])) if field in self.kept else self.rows

    def told(self, objects: list[Any]) -> tuple[dict[str, list[Any]], Sequence[str]]:
        """Return the rows' values in attributes that were not written, if known.  The objects may
        have other values."""
        known = {field.attname for field in (*self.fields, *key_fields(self.model))}
        names = [name for name in attributes_of(self.model).names if name not in known]
        if self.snapshot is None:
            return {}, names
        return {name: self.snapshot.baseline(objects, self.there, name) for name in names}, ()

    @property
    def there(self) -> list[int]:
        """The positions of all rows but those that should have been written and were not."""
        lost = set(self.sent).difference(self.places)
        return [i for i in range(len(self.all)) if i not in lost]

    def outcomes(self) -> bytes:
        """Return the outcome of each row, once it is known which of them were written."""
        told = bytearray([Outcome.UNCHANGED]) * len(self.all)
        for i in self.sent:
            told[i] = Outcome.MISSING
        for i in self.skipped:
            told[i] = Outcome.SKIPPED
        for i in self.places:
            told[i] = Outcome.UPDATED
        return bytes(told)

    def among(self, marks: list[bool]) -> Changes:
        """Return the changes of the marked rows only."""
        some = copy(self)
        some._keep(marks)
        return some

    def at(self, places: Sequence[int]) -> Changes:
        """Return the same changes of rows that have these positions in the caller's list."""
        some = copy(self)
        some.places = some.sent = [places[i] for i in self.places]
        return some

    def piece(self, first: int, n: int) -> Changes:
        """Return the changes of n rows only, from this one on."""
        some, rows = copy(self), slice(first, first + n)
        some.rows, some.places = self.rows[rows], self.places[rows]
        some._mark({field: kept[rows] for field, kept in self.kept.items()})
        return some

    def _keep(self, marks: list[bool]) -> None:
        self.rows = list(compress(self.rows, marks))
        self.places = list(compress(self.places, marks))
        self._mark({field: bytes(compress(kept, marks)) for field, kept in self.kept.items()})

    def _mark(self, kept: dict[Field, bytes]) -> None:
        """Set the marks of the rows.  Fields that changed in none of them are not written."""
        self.kept = {field: marks for field, marks in kept.items() if any(marks)}
        self.fields = [f for f in self.fields if f in self.kept or f not in kept]

    def of_fields(self, fields: Container[Field]) -> Changes:
        """Return the changes of these fields only."""
        some = copy(self)
        some.fields = [field for field in self.fields if field in fields]
        some.kept = {field: kept for field, kept in self.kept.items() if field in fields}
        return some

    def _leave_deferred(self) -> None:
        """Leave out fields that were not loaded.  auto_now fields set themselves."""
        loaded = {
            field: b"\1" * len(self.rows)
            if getattr(field, "auto_now", False)
            else is_loaded(self.rows, field.attname)
            for field in self.fields
        }
        if any(0 in marks for marks in loaded.values()):
            self._pick({field: marks for field, marks in loaded.items() if any(marks)}, [])

    def _compare(self, model: type[models.Model], snapshot: Snapshot) -> None:
        changed: dict[Field, bytes] = {}
        keys = key_fields(model)
        followers = []
        if self.rows:
            snapshot.complete(self.rows)
        noted = snapshot.noted(self.rows)
        for field in model._meta.concrete_fields:
            if field in keys or field.generated:
                continue
            if follows(field):
                followers.append(field)
            if getattr(field, "auto_now", False):
                continue
            marks = snapshot.changed(self.rows, field.attname, noted)
            if any(marks):
                changed[field] = marks
        self._pick(changed, followers)

    def _pick(self, changed: dict[Field, bytes], followers: list[Field]) -> None:
        """Pick the rows in which a field changed.  Followers are written in all of them."""
        mask = bytes(map(any, zip(*changed.values()))) if changed else b""
        self.places = list(compress(range(len(self.rows)), mask))
        self.rows = list(compress(self.rows, mask))
        self.fields = list(dict.fromkeys([*changed, *followers])) if changed else []
        picked = {f: bytes(compress(m, mask)) for f, m in changed.items() if f not in followers}
        self.kept.update({f: marks for f, marks in picked.items() if not all(marks)})


def write(
    queryset: Any,
    changes: Changes,
    batch_size: int | None,
    workers: int = 1,
    which: bool = False,
) -> tuple[int, Changes]:
    """Write the rows that `queryset`, which is on the alias to write to, selects.  Return how many,
    and the changes of these rows.  which: the caller needs to know exactly which rows."""
    n = len(changes.rows)
    if workers > 1:
        workers = workers_for(connections[queryset.db], queryset.model, workers, n, batch_size)
    if workers > 1:
        batch_size = batch_size or share(n, workers)
    if which:  # a row that changes after this did not match
        changes = changes.among(selected(queryset, _keys_of(changes)))
    matched = _write_noted(queryset, changes, batch_size, workers) if changes.rows else 0
    snapshot = changes.snapshot
    known = matched == len(changes.rows)
    if not known and (which or snapshot is not None):
        has_now, exist = held(queryset, changes)
        left = {i for i, has, there in zip(changes.places, has_now, exist) if there and not has}
        changes, known = changes.among(has_now), True
        changes.skipped = left
    if not known:
        note_lost(changes.rows, queryset.db)  # it is not known for which of them
        return matched, changes
    if snapshot is not None:
        names = [field.attname for field in changes.fields]
        snapshot.written(connections[queryset.db], changes.rows, changes.places, names)
    note_written(changes.rows, changes.fields, queryset.db, changes.kept, snapshot)
    return matched, changes


def write_watched(
    queryset: Any,
    changes: Changes,
    batch_size: int | None,
    workers: int,
    which: bool,
    watch: Watch | None,
) -> tuple[int, Changes]:
    """Write the rows as write() does.  If somebody wants to know what changed: some at a time, on
    one connection, in one transaction."""
    if watch is None:
        return write(queryset, changes, batch_size, workers, which)
    watch.begin()
    matched = 0
    written: set[int] = set()
    left: set[int] = set()
    chosen = changes.among(selected(queryset, _keys_of(changes)))
    with one_transaction(queryset.db, lambda: note_lost(changes.rows, queryset.db)):
        first = 0
        for part in parts(chosen.places):
            some = chosen.piece(first, len(part))
            first += len(part)
            with watch.updating([row.pk for row in some.rows]):
                n, done = write(queryset, some, batch_size, 1, True)
            matched += n
            written.update(done.places)
            left |= done.skipped
    done = changes.among([place in written for place in changes.places])
    done.skipped = left
    return matched, done


def write_parts(
    write: Callable[[Changes], tuple[int, Changes]],
    changes: Changes,
    commit_every: int | None,
    after: Callable[[], Any],
) -> tuple[int, Changes, list[Part]]:
    """Write the rows, `commit_every` in one transaction each.  Return how many, the changes of
    these rows, and the parts.  write: writes some; after: called after each part."""
    if commit_every is None:
        return (*write(changes), [])
    matched = first = 0
    written: set[int] = set()
    left: set[int] = set()

    def write_part(places: Sequence[int]) -> None:
        nonlocal matched, first
        n, some = write(changes.piece(first, len(places)))
        first += len(places)
        matched += n
        written.update(some.places)
        left.update(some.skipped)

    told = carry_out(write_part, changes.places, commit_every, after)
    done = changes.among([place in written for place in changes.places])
    done.skipped = left
    return matched, done, told


def _write_noted(queryset: Any, changes: Changes, batch_size: int | None, workers: int) -> int:
    call = diagnose.Call(
        queryset.model, connections[queryset.db], changes.rows, changes.fields, changes.places
    )
    try:
        with diagnose.diagnosed(lambda: call):
            return _write(queryset, changes, batch_size, workers)
    except (errors.CommitUnknown, errors.PartialCommit):
        note_lost(changes.rows, queryset.db)
        raise


def _keys_of(changes: Changes) -> list[Any]:
    return [row.pk for row in changes.rows]


def selected(queryset: Any, pks: Sequence[Any]) -> list[bool]:
    """Return for each row, by its key, whether the queryset selects it: after the write that may
    have changed."""
    if selects_all(queryset):
        return [True] * len(pks)
    keys = normal_keys(queryset.model, pks, queryset.db)
    if queryset.query.is_sliced:
        queryset.query.clear_limits()
    lists = rows_of(queryset, keys)
    found = [pk for part in lists for pk in part.values_list("pk", flat=True)]
    there = set(normal_keys(queryset.model, found, queryset.db))
    return [key in there for key in keys]


def held(queryset: Any, changes: Changes) -> tuple[list[bool], list[bool]]:
    """Return for each row whether the database has it with the object's values, and whether it has
    it.  Fewer rows matched than were sent, and no statement says which.  Rows that cannot be read
    count as not written."""
    keys = normal_keys(queryset.model, [row.pk for row in changes.rows], queryset.db)
    names = [field.attname for field in changes.fields]
    found = of_keys(QuerySet, queryset.model, queryset.db, keys).values_list("pk", *names)
    try:
        cells = [dict(zip(changes.fields, values)) for _, *values in found]
        read = normal_keys(queryset.model, [key for key, *_ in found], queryset.db)
        stored = dict(zip(read, cells))
    except Error:
        if not connections[queryset.db].autocommit:
            raise
        nothing = [False] * len(keys)
        return nothing, nothing  # the rows are committed, so this is not an error of the call
    exist = [key in stored for key in keys]
    has = list(exist)
    for field in changes.fields:
        marks = changes.kept.get(field, b"\1" * len(has))
        for i, row in enumerate(changes.rows):
            if has[i] and marks[i]:
                has[i] = _is_stored_as(field, getattr(row, field.attname), stored[keys[i]][field])
    return has, exist


def _is_stored_as(field: Any, value: Any, stored: Any) -> bool:
    """Return whether the database may store the value as `stored`.  In doubt: False."""
    try:
        return bool(value == stored or field.to_python(value) == stored)
    except Exception:  # raised by the caller's own classes
        return False


def _write(queryset: Any, changes: Changes, batch_size: int | None, workers: int) -> int:
    for field in changes.fields:
        if sets_itself(field):
            for row in changes.rows_of(field):
                setattr(row, field.attname, field.pre_save(row, add=False))
    if queryset.query.is_sliced:
        queryset.query.clear_limits()
    updates: list[Update] | None = None
    with falls_back("update_fields", queryset.model):
        updates = updates_of(queryset, changes, batch_size, workers)
    if updates is not None:
        if len(updates) < 2:
            return updates[0].run() if updates else 0
        with one_transaction(queryset.db):
            return min(update.run() for update in updates)
    # Refuse bad values outside a transaction, so that the caller's transaction stays usable.
    check_rows(queryset.model, changes.rows, queryset.db)
    check_keys(connections[queryset.db], changes.rows, changes.places)
    check_values(connections[queryset.db], changes.rows, changes.fields, changes.places)
    with one_transaction(queryset.db):
        return _write_as_django(queryset, changes, batch_size)


def updates_of(
    queryset: Any, changes: Changes, batch_size: int | None, workers: int
) -> list[Update]:
    """Return the updates of the model's tables, none if no row matches."""
    model, using = queryset.model, queryset.db
    tables = tables_of(model)
    if len(tables) == 1:
        target = Target.of(model, using)
        target.check_updates()
        target.marks(changes.rows)
        condition = condition_of(queryset, target.connection)
        if condition is None:
            return []
        if target.dialect.joins and not condition.is_plain:
            changes = changes.among(selected(queryset, _keys_of(changes)))
            condition = ANY_ROW
        if not changes.rows:
            return []
        return [_update_of(target, changes, batch_size, condition, workers)]
    # An update of one table may change which rows the queryset selects.
    changes = changes.among(selected(queryset, _keys_of(changes)))
    if not changes.rows:
        return []
    targets = [Target(table, using, kinds_of(model)) for table in tables]
    for target in targets:
        target.check_updates()
        target.marks(changes.rows)
    parts = [(target, changes.of_fields(target.description.columns)) for target in targets]
    return [_update_of(to, part, batch_size, ANY_ROW, 1) for to, part in parts if part.fields]


def _update_of(
    target: Target, changes: Changes, batch_size: int | None, condition: Condition, workers: int
) -> Update:
    key = target.model._meta.pk
    columns = [target.column(field) for field in changes.fields]
    return Update(
        target,
        changes.rows,
        columns,
        target.chunk(batch_size, [key, key, *changes.fields], changes.rows),
        condition,
        how=for_save,
        limited=cuts(target.connection),
        kept={target.column(field).index: mask for field, mask in changes.kept.items()},
        workers=workers,
        places=lambda: [changes.places],
    )


def _write_as_django(queryset: Any, changes: Changes, batch_size: int | None) -> int:
    groups: dict[tuple[tuple[str, ...], int | None], list[Any]] = {}
    for i, row in enumerate(changes.rows):
        fields = [f for f in changes.fields if f not in changes.kept or changes.kept[f][i]]
        names = tuple(field.attname for field in fields)  # a field's name would read its object
        alone = any(_is_null_of_json(getattr(row, name)) for name in names)
        groups.setdefault((names, i if alone else None), []).append(row)
    matched = 0
    for (names, number), rows in groups.items():
        if number is None:
            given = with_defaults(rows, names)
            matched += QuerySet.bulk_update(queryset._silent(), given, names, batch_size)
        else:
            values = {name: getattr(rows[0], name) for name in names}
            matched += queryset._silent().filter(pk=rows[0].pk).update(**values)
    return matched


def with_defaults(rows: Sequence[Any], names: Iterable[str]) -> list[Any]:
    """Return the objects, or copies with the expression of a database default instead of DEFAULT:
    Django's bulk_update() puts it into a CASE, where SQL does not allow DEFAULT."""
    given = []
    for row in rows:
        defaults = {
            field.attname: value.expression  # type: ignore[attr-defined]
            for field in map(row._meta.get_field, names)
            if isinstance(value := vars(row).get(field.attname), DatabaseDefault)
        }
        if defaults:
            row = copy(row)
            vars(row).update(defaults)
        given.append(row)
    return given


def _is_null_of_json(value: Any) -> bool:
    """Return whether it is JSON null, which Django's bulk_update() would store as SQL NULL."""
    return isinstance(value, models.Value) and value.value is None
