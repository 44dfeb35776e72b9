"""copy_from_objects(on_error="collect"): write the objects without those that fail."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    connections,
    transaction,
)

from bulkmodel import _core
from bulkmodel.engine import failure
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.constraints import Deferred
from bulkmodel.errors import TooManyRejects
from bulkmodel.helpers import get_chunks
from bulkmodel.model import diagnose
from bulkmodel.options import Options
from bulkmodel.results import BulkResult, Meter, Outcome, Reject
from bulkmodel.transactions import in_transaction
from bulkmodel.verbs.copy_from import CopyIn
from bulkmodel.verbs.inherited import tables_of

# SQLSTATE classes of what a row is: values, constraints, a view's check, an exception of a trigger.
_OF_A_ROW = ("22", "23", "44", "P0")
_LIMIT = re.compile(r"([0-9]{1,3})%")


class Limit:
    """How many objects may be rejected: max_rejects."""

    def __init__(self, given: int | str | None) -> None:
        """ValueError: neither a number of objects nor a percentage."""
        self.rows: int | None = None
        self.percent = 10
        if given is None:
            return
        percent = _LIMIT.fullmatch(given) if isinstance(given, str) else None
        if percent is not None and int(percent[1]) <= 100:
            self.percent = int(percent[1])
        elif isinstance(given, int) and not isinstance(given, bool) and given >= 0:
            self.rows = given
        else:
            raise ValueError('max_rejects must be a number of objects, or a percentage: "10%".')

    def check(self, rejected: int, n: int | None = None) -> None:
        """n: the number of all objects, at the end."""
        if self.rows is not None and rejected > self.rows:
            raise TooManyRejects(
                f"More than {self.rows} objects cannot be written.  Nothing was written: correct "
                "them, or set max_rejects."
            )
        if self.rows is None and n is not None and 100 * rejected > self.percent * n:
            raise TooManyRejects(
                f"{rejected} of {n} objects cannot be written, which is more than {self.percent} %."
                "  Nothing was written: correct them, or set max_rejects."
            )


def limit_of(asked: Options, on_error: str, max_rejects: int | str | None) -> Limit | None:
    """Return the limit of a call that collects, or None.  ValueError: see copy_from_objects()."""
    if on_error not in ("raise", "collect"):
        raise ValueError('on_error must be "raise" or "collect".')
    if on_error == "raise":
        if max_rejects is not None:
            raise ValueError('max_rejects needs on_error="collect".')
        return None
    wrong = {
        "return_queryset": asked.return_queryset,
        "concurrent": asked.workers > 1,
        "retries": asked.retries > 0,
    }
    for name in (name for name, given in wrong.items() if given):
        raise ValueError(f'on_error="collect" cannot be used with {name}.')
    return Limit(max_rejects)


class Collect:
    """One call that goes on without the objects that fail."""

    def __init__(self, copy: CopyIn, limit: Limit, keeps_keys: bool) -> None:
        self.using, self.size = copy.using, copy.size
        self.tables = [table._meta.db_table for table in tables_of(copy.model)]
        self.copy, self.limit, self.keeps_keys = copy, limit, keeps_keys
        self.rejects: list[Reject] = []
        self.outcomes = bytearray()
        self.keys: list[Any] = []

    def run(self, objects: Iterable[Any], meter: Meter) -> BulkResult:
        """Write the objects, in one transaction.  TooManyRejects: nothing was written."""
        self.rejects, self.outcomes, self.keys = [], bytearray(), []
        connection = connections[self.using]
        is_own = not in_transaction(connection)
        try:
            with one_transaction(self.using):
                deferred = Deferred(self.using, self.tables, is_own)
                for chunk in get_chunks(iter(objects), self.size):
                    self._write_chunk(list(chunk), len(self.outcomes), deferred)
                self.limit.check(len(self.rejects), len(self.outcomes))
        except TooManyRejects as error:
            error.result = meter.result(bytes(self.outcomes), [], rejects=self.rejects)
            raise
        return meter.result(bytes(self.outcomes), [], rejects=self.rejects)

    def _write_chunk(self, chunk: list[Any], first: int, deferred: Deferred) -> None:
        self.outcomes += bytes([Outcome.INSERTED]) * len(chunk)
        parts = _core.Parts(len(chunk))
        while (part := parts.next()) is not None:
            low, end = part
            error = self._attempt(chunk[low:end], deferred)
            if error is None:
                parts.written()
                continue
            row = getattr(error, "row_index", None)
            rejected = parts.refused(row if row is None or row >= 0 else None)
            if rejected is not None:
                self._reject(chunk[rejected], first + rejected, error)

    def _attempt(self, objects: list[Any], deferred: Deferred) -> Exception | None:
        """Write objects; return the error if it may be about one of them."""
        try:
            with transaction.atomic(using=self.using):
                part = self.copy.again()
                part.run(objects, self.keeps_keys, False)
                deferred.check()
        except Exception as error:
            if not _may_be_of_a_row(error):
                raise
            named = diagnose.Call(
                self.copy.model, connections[self.using], objects, self.copy.fields
            )
            diagnose.annotate(error, named)
            return error
        self.keys += part.keys
        return None

    def _reject(self, object: Any, number: int, error: Exception) -> None:
        self.outcomes[number] = Outcome.REJECTED
        known: Any = error
        self.rejects.append(
            Reject(
                number,
                getattr(known, "field_name", None),
                getattr(known, "constraint", None),
                getattr(known, "sqlstate", None),
                str(error),
                object,
            )
        )
        self.limit.check(len(self.rejects))


def _may_be_of_a_row(error: Exception) -> bool:
    if isinstance(error, IntegrityError | DataError):
        return True
    if isinstance(error, DatabaseError):
        state = failure.sqlstate_of(error) or ""
        is_state = state.startswith(_OF_A_ROW) or failure.is_of_policy(error)
        return not isinstance(error, OperationalError) and is_state
    return diagnose.is_about_value(error)
