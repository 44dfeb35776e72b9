"""bulk_delete(): delete rows by key, with the cascades and signals of Django's delete()."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.db import connections, models
from django.db.models import sql
from django.db.models.deletion import Collector
from django.db.models.query import QuerySet

from bulkmodel.engine import failure, mariadb
from bulkmodel.engine.atomic import trial
from bulkmodel.engine.statements import SMALL
from bulkmodel.model.key_queries import delete_by_keys
from bulkmodel.model.overrides import UPDATE_STEPS, is_djangos
from bulkmodel.model.primary_keys import normal, normal_keys, normal_values
from bulkmodel.model.where import InKeys, lists_of, rows_of, selects_all
from bulkmodel.results import Outcome
from bulkmodel.verbs.changes import Watch, parts
from bulkmodel.verbs.find_rows import (
    ALLOW,
    Key,
    check_instances,
    find,
    keys_of,
    left_to_write,
    named,
    there,
    unique_fields_named,
)
from bulkmodel.verbs.frame_objects import FrameObjects, refuse_missing


class Delete:
    """A bulk_delete() call.  Its queryset uses the alias to write to, and selects the rows that may
    be deleted."""

    def __init__(
        self,
        queryset: Any,
        given: Sequence[Any],
        unique_fields: Iterable[str] | None,
        duplicates: str,
        dry_run: bool,
        allow_skipped: bool = False,
        watch: Watch | None = None,
    ) -> None:
        self.watch = watch
        self.allow_skipped = allow_skipped
        self.queryset = queryset
        self.model: type[models.Model] = queryset.model
        self.using: str = queryset.db
        self.dry_run = dry_run
        self.unique = unique_fields_named(self.model, unique_fields)
        refuse_missing(given, self.unique)
        self.by_pk = unique_fields is None
        self.keys = _keys(self.model, given, self.unique, self.using)
        self.written = left_to_write(self.keys, self.unique, duplicates)
        self.outcomes = bytearray([Outcome.IGNORED]) * len(given)
        self.pks: list[Any] = [None] * len(given)
        self.by_label: Counter[str] = Counter()
        self._gone: set[Any] = set()  # deleted by transactions of this call that were committed

    def run(self, places: Sequence[int] | None = None) -> None:
        """Delete the rows, in one transaction.  places: of the keys; None: all."""
        if places is not None:
            self.written = list(places)
        plain = deletes_plainly(self.queryset)
        several = not plain or self.watch is not None or len(self.written) > SMALL
        with trial(self.using, self.dry_run, lambda: None, several):
            if self.watch is not None:
                self.watch.begin()
            pks = self.wanted()
            wanted = [pk for pk in pks if pk is not None]
            gone: set[Any] = set()
            by_label: dict[str, int] = {}
            if wanted:
                gone, by_label = delete_watched(self.queryset, wanted, self.watch, plain)
            left = self._left([pk for pk in wanted if pk not in gone], len(wanted))
            for i, pk in zip(self.written, pks):
                is_gone = pk is not None and (pk in gone or pk in self._gone)
                known = is_gone or (pk is not None and pk in left)
                dropped = Outcome.SKIPPED if known else Outcome.MISSING
                self.outcomes[i] = Outcome.DELETED if is_gone else dropped
                self.pks[i] = pk if known else None
        self._gone |= gone
        self.by_label.update(by_label)

    def _left(self, pks: list[Any], n: int) -> set[Any]:
        """Return which of these keys, of n, have rows that a trigger has not let go.
        DatabaseError: that is not allowed."""
        if not pks:
            return set()
        found = [pk for part in rows_of(self.queryset, pks) for pk in _there(part)]
        left = set(normal_keys(self.model, found, self.using))
        if left and not self.allow_skipped:
            failure.check_count(n - len(left), n, ALLOW)
        return left

    def wanted(self) -> list[Any]:
        """Return the primary key of each object.  None: no row has its unique fields."""
        keys = [self.keys[i] for i in self.written]
        if not self.by_pk:
            pks = find(self.model, self.using, self.unique, keys).pks
        elif len(self.unique) == 1:
            pks = [key[0] for key in keys if key is not None]
        else:
            pks = list(keys)
        return normal_keys(self.model, pks, self.using)


def deletes_plainly(queryset: Any) -> bool:
    """Return whether the queryset's rows can be deleted without being collected, and in one
    statement if they are few."""
    own = type(queryset).delete is QuerySet.delete  # of no other package
    return own and Collector(queryset.db, origin=queryset).can_fast_delete(queryset)


def delete_watched(
    queryset: Any, pks: list[Any], watch: Watch | None, plain: bool | None = None
) -> tuple[set[Any], dict[str, int]]:
    """Delete the rows with these primary keys that the queryset, which uses the alias to write to,
    selects, and report them if somebody wants to know.  plain: deletes_plainly(), if known.

    Return the keys of all rows of the model that were deleted, those of cascades included, and how
    many rows of each model were deleted."""
    using = queryset.db
    if type(queryset).delete is not QuerySet.delete:  # another package deletes in its own way
        rows = queryset.filter(InKeys(models.F("pk"), pks)).order_by()
        return _delete_all(rows, pks, watch, lambda: _delete_otherwise(rows))
    if not (deletes_plainly(queryset) if plain is None else plain):
        rows = queryset.filter(InKeys(models.F("pk"), pks)).order_by()
        # Collected as a whole: rows of one part may refer to rows of another.
        collector = Collector(using, origin=rows)
        instances = [row for part in rows_of(queryset, pks) for row in part]
        collector.collect(instances)
        if watch is not None:
            watch.others |= _set_by(collector)
        found = _collected(collector, instances, rows, pks)
        return _delete_all(rows, found, watch, lambda: _delete_collected(collector, rows, found))
    gone: set[Any] = set()
    if watch is None and selects_all(queryset) and is_djangos(queryset, *UPDATE_STEPS):
        cells = delete_by_keys(queryset.model, using, pks)
        if cells is not None:
            gone.update(normal_keys(queryset.model, [pk for (pk,) in cells], using))
            return gone, _counted(queryset, len(gone))
    for part in parts(pks) if watch is not None else lists_of(pks, using):
        some = queryset.filter(InKeys(models.F("pk"), list(part))).order_by()
        keys, _ = _delete_all(some, part, watch, partial(_delete_plainly, some, part))
        gone |= keys
    return gone, _counted(queryset, len(gone))


def _counted(queryset: Any, n: int) -> dict[str, int]:
    return {queryset.model._meta.label: n} if n else {}


def _delete_all(
    rows: Any,
    pks: Sequence[Any],
    watch: Watch | None,
    delete: Callable[[], tuple[list[Any], dict[str, int]]],
) -> tuple[set[Any], dict[str, int]]:
    """Delete the rows of a queryset.  Return their keys as they are read, and the counts."""
    with watch.deleting(pks) if watch is not None else nullcontext():
        found, by_label = delete()
    return set(normal_keys(rows.model, found, rows.db)), by_label


def _delete_otherwise(rows: Any) -> tuple[list[Any], dict[str, int]]:
    found = _there(rows)
    _, by_label = rows.delete()
    return found, by_label


def _delete_plainly(rows: Any, pks: Sequence[Any]) -> tuple[list[Any], dict[str, int]]:
    table = rows.model._meta.db_table
    delete = partial(rows._raw_delete, rows.db)
    if mariadb.deletes_each(connections[rows.db], table, len(pks), delete):
        return list(pks), {}
    return _delete_at_once(rows), {}


def _collected(collector: Collector, instances: list[Any], rows: Any, pks: list[Any]) -> list[Any]:
    """Return the keys of the rows of the queryset's model that will be deleted: these first, in
    their order, then those of cascades."""
    concrete = rows.model._meta.concrete_model
    found = {row.pk: None for row in instances}
    for model, others in collector.data.items():
        if model._meta.concrete_model is concrete:
            found |= {row.pk: None for row in others}
    given = [pk for pk in normal_keys(rows.model, pks, rows.db) if pk in found]
    return list(dict.fromkeys([*given, *found]))


def _set_by(collector: Collector) -> set[str]:
    """Return the fields that on_delete will set in other rows, as SET_NULL does."""
    found: set[str] = set()
    for (field, _), lists in collector.field_updates.items():
        for some in lists:
            if some.exists() if isinstance(some, QuerySet) else some:
                found.add(f"{field.model._meta.label}.{field.name}")
    return found


def _delete_collected(
    collector: Collector, rows: Any, found: list[Any]
) -> tuple[list[Any], dict[str, int]]:
    _, by_label = collector.delete()
    return _without(found, rows, by_label), by_label


def _without(found: list[Any], rows: Any, by_label: dict[str, int]) -> list[Any]:
    """Leave out the keys of rows that are still there, because a trigger dropped their DELETE."""
    if by_label.get(rows.model._meta.label, 0) >= len(found):
        return found
    left = there(rows.model, rows.db, found)
    return [pk for pk in found if normal(rows.model, pk, rows.db) not in left]


def _there(rows: Any) -> list[Any]:
    return list(rows.values_list("pk", flat=True))


def _delete_at_once(rows: Any) -> list[Any]:
    """Delete the rows with one statement, which returns their keys where the database can."""
    connection = connections[rows.db]
    opts: Any = rows.model._meta
    if len(opts.pk_fields) > 1 or not connection.features.can_return_columns_from_insert:
        found = _there(rows)
        rows._raw_delete(rows.db)
        return found
    query = rows.query.clone()
    query.__class__ = sql.DeleteQuery
    compiler = query.get_compiler(rows.db)
    text, params = compiler.as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"{text} RETURNING {connection.ops.quote_name(opts.pk.column)}", params)
        cells = cursor.fetchall()
    converters = compiler.get_converters([opts.pk.get_col(opts.db_table)])
    return [pk for (pk,) in compiler.apply_converters(cells, converters)]


def _keys(
    model: type[models.Model], given: Sequence[Any], fields: Sequence[Any], using: str
) -> list[Key | None]:
    """Return the keys of objects, or keys that were given as values or as tuples of values."""
    keys: list[Key | None]
    if isinstance(given, FrameObjects):
        keys = given.keys(fields, using)
    elif all(are_objects := [isinstance(one, models.Model) for one in given]):
        check_instances(model, given)
        keys = keys_of(given, fields, using)
    else:
        if any(are_objects):
            raise ValueError("bulk_delete() takes objects or keys, not both.")
        cells = [one if isinstance(one, tuple | list) else (one,) for one in given]
        for i, values in enumerate(cells):
            if len(values) != len(fields):
                raise ValueError(
                    f"Key {i} has {len(values)} values instead of {len(fields)}: {named(fields)}."
                )
        columns = [normal_values(f, column, using) for f, column in zip(fields, zip(*cells))]
        keys = [None if None in key else key for key in zip(*columns)]
    if None in keys:
        raise ValueError(f"Object {keys.index(None)} has no value in {named(fields)}.")
    return keys
