"""BulkResult.undo(): the inverse of a call, made from the changes that it returned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bulkmodel.engine.atomic import trial
from bulkmodel.engine.statements import nothing
from bulkmodel.errors import Refused
from bulkmodel.model.fields import key_fields, sets_itself
from bulkmodel.model.primary_keys import normal_keys
from bulkmodel.results import BulkResult, Change, Outcome
from bulkmodel.verbs.bulk_delete import delete_watched
from bulkmodel.verbs.changes import Watch, is_same

Rows = dict[Any, dict[str, Change]]  # the changes of each row, by key and field


class Undo:
    """Takes the call back that gave a result."""

    def __init__(self, kind: type[Any], watch: Watch, written: Iterable[Any]) -> None:
        """kind: the class of querysets.  written: the fields that rows which exist may get."""
        self.kind = kind
        self.model = watch.model
        self.using = watch.using
        self.fields = watch.fields
        self.others = watch.others
        self.written = list(written)
        self._is_done = False

    def __call__(self, result: BulkResult) -> BulkResult:
        """Update rows back, delete those that were inserted, and insert those that were deleted.
        Refused: rows have changed since, or the changes do not say enough."""
        self._check(result)
        rows = _by_outcome(result.changes)
        inserted = rows[Outcome.INSERTED]
        missing = result.inserted - len(inserted)
        missing += sum(result.deleted_by_label.values()) - len(rows[Outcome.DELETED])
        if missing:
            raise Refused(f"undo(): the changes of {missing} rows are not known.")
        with trial(self.using, False, nothing):
            self._refuse_changed(rows)
            gone = self._delete(list(inserted))
            updated = self._update(rows[Outcome.UPDATED])
            made = self._insert(rows[Outcome.DELETED])
        self._is_done = True
        return BulkResult(inserted=made, updated=updated, deleted=gone)

    def _check(self, result: BulkResult) -> None:
        if result.dry_run:
            raise Refused("undo(): a dry run has written nothing.")
        if self._is_done:
            raise Refused("undo(): the call has already been undone.")
        watched = set(self.fields)
        left = [field.name for field in self.written if field not in watched]
        if left and (result.updated or result.deleted):
            raise Refused(
                f"undo(): the call wrote {', '.join(map(repr, left))}, and return_changes does not "
                "name it: its values before are not known."
            )
        if self.others:
            raise Refused(
                f"undo(): on_delete has set {', '.join(sorted(self.others))} in other rows, and "
                "their values before are not known."
            )
        own = self.model._meta.label
        others = [label for label, n in result.deleted_by_label.items() if n and label != own]
        if others:
            raise Refused(
                f"undo(): rows of {', '.join(others)} were deleted by cascades, and their values "
                "are not known."
            )
        every: Any = self.model._meta.concrete_fields
        keys = key_fields(self.model)
        unknown = [f.name for f in every if f not in watched and f not in keys and not f.generated]
        if unknown and any(result.deleted_by_label.values()):
            raise Refused(
                "undo(): deleted rows can only be inserted again with return_changes=True: the "
                f"values of {', '.join(map(repr, unknown))} are not known."
            )

    def _refuse_changed(self, rows: dict[Outcome, Rows]) -> None:
        """Lock the rows and raise Refused if one does not have the values that the call left."""
        for outcome, changes in rows.items():
            names = [field.name for field in self.fields]
            found = self._read(list(changes))
            bad = [
                key
                for key, fields in changes.items()
                if not _is_left(fields, found.get(key), names, outcome)
            ]
            if bad:
                more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
                raise Refused(
                    f"undo(): the row with primary key {bad[0]!r}{more} has changed since. Nothing "
                    "was undone."
                )

    def _read(self, keys: list[Any]) -> dict[Any, tuple[Any, ...]]:
        """Lock rows and return the values of the watched fields."""
        watch = Watch(self.model, self.using, [field.name for field in self.fields], None)
        return watch.read(normal_keys(self.model, keys, self.using), lock=True)

    def _delete(self, keys: list[Any]) -> int:
        if not keys:
            return 0
        watch = Watch(self.model, self.using, (), None)
        gone, by_label = delete_watched(self.kind(self.model, using=self.using), keys, watch)
        if watch.others or sum(by_label.values()) > len(keys):
            raise Refused(
                "undo(): other rows refer to those that were inserted, and would be deleted or "
                "changed. Nothing was undone."
            )
        return len(gone)

    def _update(self, rows: Rows) -> int:
        """Write the values before.  bulk_update() stores them as they are, auto_now included."""
        groups: dict[tuple[str, ...], list[Any]] = {}
        for key, changes in rows.items():
            object = self._object(key, changes.values())
            names = tuple(f.name for f in self.fields if f.name in changes and not f.generated)
            if names:
                groups.setdefault(names, []).append(object)
        queryset = self._silent()
        return sum(queryset.bulk_update(some, names) for names, some in groups.items())

    def _insert(self, rows: Rows) -> int:
        objects = [self._object(key, changes.values()) for key, changes in rows.items()]
        if not objects:
            return 0
        stamped = [field for field in self.fields if _is_set_by_insert(field)]
        before = [[getattr(row, f.attname) for f in stamped] for row in objects]
        if self.model._meta.parents:
            self._silent().copy_from_objects(objects, exclude_id=False, send_signals=False)
        else:
            self._silent().bulk_create(objects)
        for row, values in zip(objects, before):
            for field, value in zip(stamped, values):
                setattr(row, field.attname, value)
        if stamped:
            self._silent().bulk_update(objects, [field.name for field in stamped])
        return len(objects)

    def _silent(self) -> Any:
        return self.kind(self.model, using=self.using).bulk_options(send_signals=False)

    def _object(self, key: Any, changes: Iterable[Change]) -> Any:
        row: Any = self.model(pk=key)
        for change in changes:
            field: Any = self.model._meta.get_field(change.field)
            if not field.generated:
                setattr(row, field.attname, change.old)
        return row


def _is_set_by_insert(field: Any) -> bool:
    return hasattr(field, "auto_now") or field.name == "bm_create_uuid" or sets_itself(field)


def _by_outcome(changes: Sequence[Change]) -> dict[Outcome, Rows]:
    found: dict[Outcome, Rows] = {Outcome.INSERTED: {}, Outcome.UPDATED: {}, Outcome.DELETED: {}}
    for change in changes:
        found[change.outcome].setdefault(change.key, {})[change.field] = change
    return found


def _is_left(
    changes: dict[str, Change],
    stored: tuple[Any, ...] | None,
    names: Sequence[str],
    outcome: Outcome,
) -> bool:
    """Return whether a row is as the call left it."""
    if outcome is Outcome.DELETED or stored is None:
        return outcome is Outcome.DELETED and stored is None
    return all(
        is_same(changes[name].new, value) for name, value in zip(names, stored) if name in changes
    )
