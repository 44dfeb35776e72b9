"""Deferred constraints, checked before COMMIT."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, OperationalError, connections

from bulkmodel.engine.locate_row import rolled_back
from bulkmodel.engine.session import check_constraints
from bulkmodel.engine.sqlite import source_of

_SETTLED = "SELECT 1 WHERE bulkmodel_settled()"
_NO_PARENT = "SELECT count(*) FROM pragma_foreign_key_check(%s)"
_REFERS = "FOREIGN KEY constraint failed"


class Deferred:
    """Checks whether the rows of a call break a deferred constraint, as COMMIT would.

    IntegrityError: a constraint does not hold already when the call begins."""

    def __init__(self, using: str, tables: Sequence[str], is_own: bool) -> None:
        """tables: those that the call writes to.  is_own: no caller shares the transaction."""
        self.using, self.tables, self.is_own = using, tables, is_own
        self.connection = connections[using]
        self.before: int | None = None  # rows without a parent, if they have to be counted
        if self.connection.vendor == "sqlite":
            source_of(self.connection)  # which brings the function
        if self.connection.vendor == "postgresql" and is_own:
            check_constraints(self.connection)  # from now on each statement is checked
        else:
            self.check()

    def check(self) -> None:
        """IntegrityError: a deferred constraint does not hold."""
        if self.connection.vendor == "sqlite":
            self._check_sqlite()
        elif self.connection.vendor == "postgresql" and not self.is_own:
            with rolled_back(self.connection):  # the caller's constraints stay deferred
                check_constraints(self.connection)

    def _check_sqlite(self) -> None:
        """Without the extension's function the rows without a parent are counted."""
        with self.connection.cursor() as cursor:
            if self.before is None:
                try:
                    cursor.execute(_SETTLED)
                except OperationalError:
                    self.before = self._without_parent(cursor)
                return
            if self._without_parent(cursor) > self.before:
                raise IntegrityError(_REFERS) from sqlite3.IntegrityError(_REFERS)

    def _without_parent(self, cursor: Any) -> int:
        count = 0
        for table in self.tables:
            cursor.execute(_NO_PARENT, [table])
            count += cursor.fetchone()[0]
        return count
