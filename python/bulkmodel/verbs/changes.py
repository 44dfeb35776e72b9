"""What a call changed: values read before and after it writes, in its transaction and under the
locks of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models
from django.db.models.query import QuerySet

from bulkmodel.model.primary_keys import normal_keys, plain_bytes
from bulkmodel.model.where import InKeys
from bulkmodel.results import Change, Outcome

_One = TypeVar("_One")

# Rows that are read, written and reported at a time.
ROWS = 2000

Report = Callable[[list[Change]], Any]


class Watch:
    """Collects the changes of one call."""

    def __init__(
        self,
        model: type[models.Model],
        using: str,
        names: Iterable[str] | bool | None,
        report: Report | None,
        dry_run: bool = False,
    ) -> None:
        """names: of the fields; True: all.  report: gets the changes of some rows at a time.
        FieldDoesNotExist, ValueError: a field cannot be watched."""
        self.model = model
        self.using = using
        self.fields = _fields(model, names)
        self.dry_run = dry_run
        self.report = None if dry_run else report
        self.keeps = names is not None and names is not False
        self.kept: list[Change] = []
        self.others: set[str] = set()  # fields that on_delete has set in other rows
        # Of transactions that were committed.
        self._sure = 0
        self._sure_others: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Forget an attempt that was rolled back."""
        del self.kept[self._sure :]
        self.others.intersection_update(self._sure_others)

    def settle(self) -> None:
        """Keep what a transaction that was committed has changed."""
        self._sure = len(self.kept)
        self._sure_others = frozenset(self.others)

    @contextmanager
    def updating(self, pks: Iterable[Any]) -> Iterator[None]:
        """Watch rows that the block updates."""
        with self._writing(pks, Outcome.UPDATED):
            yield

    @contextmanager
    def deleting(self, pks: Iterable[Any]) -> Iterator[None]:
        """Watch rows that the block deletes."""
        with self._writing(pks, Outcome.DELETED):
            yield

    @contextmanager
    def _writing(self, pks: Iterable[Any], outcome: Outcome) -> Iterator[None]:
        keys = normal_keys(self.model, pks, self.using)
        before = self.read(keys, lock=True)
        yield
        after = self.read(keys)
        for some in parts(keys):
            self._tell(self._changes(some, before, after, outcome))

    def _changes(
        self,
        keys: Iterable[Any],
        before: dict[Any, tuple[Any, ...]],
        after: dict[Any, tuple[Any, ...]],
        outcome: Outcome,
    ) -> list[Change]:
        changes: list[Change] = []
        for key in keys:
            old, new = before.get(key), after.get(key)
            if old is not None and new is not None and outcome is Outcome.UPDATED:
                changes += self._differing(key, old, new)
            elif old is not None and new is None and outcome is Outcome.DELETED:
                changes += [
                    Change(key, field.name, value, None, outcome)
                    for field, value in zip(self.fields, old)
                ]
        return changes

    def inserted(self, pks: Iterable[Any]) -> None:
        """Report rows that were inserted."""
        for some in parts(normal_keys(self.model, pks, self.using)):
            after = self.read(some)
            self._tell(
                [
                    Change(None if self.dry_run else key, field.name, None, value, Outcome.INSERTED)
                    for key in some
                    if key in after
                    for field, value in zip(self.fields, after[key])
                ]
            )

    def read(self, keys: Sequence[Any], lock: bool = False) -> dict[Any, tuple[Any, ...]]:
        """Return the values of the fields in the rows with these keys."""
        rows: Any = QuerySet(self.model, using=self.using)
        rows = rows.filter(InKeys(models.F("pk"), keys)).order_by("pk") if keys else rows.none()
        if lock:
            rows = rows.select_for_update()
        found = list(rows.values_list("pk", *(field.attname for field in self.fields)))
        read = normal_keys(self.model, [row[0] for row in found], self.using)
        return {key: tuple(map(plain_bytes, row[1:])) for key, row in zip(read, found)}

    def _differing(self, key: Any, old: Sequence[Any], new: Sequence[Any]) -> list[Change]:
        return [
            Change(key, field.name, was, now)
            for field, was, now in zip(self.fields, old, new)
            if not is_same(was, now)
        ]

    def _tell(self, changes: list[Change]) -> None:
        if not changes:
            return
        if self.keeps:
            self.kept += changes
        if self.report is not None:
            self.report(changes)


def watch_of(
    model: type[models.Model],
    using: str,
    names: Iterable[str] | bool | None,
    report: Report | None,
    dry_run: bool = False,
) -> Watch | None:
    """Return what watches a call, or None if nobody wants to know."""
    if names in (None, False) and report is None:
        return None
    if report is not None and not callable(report):
        raise TypeError("on_changes must be a function of a list of changes.")
    return Watch(model, using, names, report, dry_run)


def watched(watch: Watch | None, pks: Sequence[Any]) -> AbstractContextManager[None]:
    """Watch rows that the block updates, if somebody wants to know."""
    return nullcontext() if watch is None else watch.updating(pks)


def parts(items: Sequence[_One]) -> Iterator[Sequence[_One]]:
    """Yield the items, some at a time."""
    for first in range(0, len(items), ROWS):
        yield items[first : first + ROWS]


def _fields(model: type[models.Model], names: Iterable[str] | bool | None) -> list[Any]:
    opts: Any = model._meta
    if names is None or isinstance(names, bool):
        return [field for field in opts.concrete_fields if not field.primary_key]
    if isinstance(names, str):
        raise TypeError(f"return_changes must be a list of field names: [{names!r}]")
    fields = list(dict.fromkeys(opts.get_field(name) for name in names))
    for field in fields:
        if not field.concrete or field.many_to_many or field.column is None:
            raise ValueError(f"return_changes can only name concrete fields, not {field.name!r}.")
    return fields


def is_same(was: Any, now: Any) -> bool:
    """Return whether a stored value is the same.  Of equal ones some are not, 1.0 and 1 in JSON;
    and NaN is the same.  In doubt: False."""
    pairs = [(was, now)]
    while pairs:
        one, other = pairs.pop()
        kind = type(one)
        if kind is not type(other):
            return False
        if kind is dict:
            if list(one) != list(other):
                return False
            pairs += zip(one.values(), other.values())
        elif kind in (list, tuple):
            if len(one) != len(other):
                return False
            pairs += zip(one, other)
        elif not (repr(one) == repr(other) if kind in (float, Decimal) else _are_equal(one, other)):
            return False
    return True


def _are_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # raised by the caller's own classes
        return False
