"""insert, upsert, update, delete, sync and copy_to on a driver's connection."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from bulkmodel import _core
from bulkmodel.attached.copy_to import CopyOut
from bulkmodel.attached.find import Finder, Key, Row
from bulkmodel.attached.given import Given, fill, given, is_value, kind_for
from bulkmodel.attached.tables import ASSIGNED, KEY, Column, columns_of, keys_named, table_for
from bulkmodel.engine import failure, locate_row, operation, postgresql
from bulkmodel.engine.driver_connection import Connection, quoted
from bulkmodel.engine.statements import ANY_ROW, ASKED, EACH, MADE
from bulkmodel.errors import TooManyDeletes
from bulkmodel.results import BulkResult, Outcome

_KEY = re.compile(r"\(([^()]*)\)=\(")


class Attached:
    """Writes many rows on a connection of psycopg 3 or sqlite3.

    A call is part of the connection's transaction; if the connection is in autocommit mode and no
    transaction is open, the call is one.  rows: dicts, named tuples, tuples or objects (`columns`
    names their values), or a frame with `__arrow_c_stream__()`.  After an error nothing of the call
    is left, and the transaction can go on.  An exception of the driver has row_index, field_name,
    constraint and sqlstate; so has a ValueError for a value that does not fit its column."""

    def __init__(self, connection: Any) -> None:
        """TypeError: it is not a connection of psycopg 3 or sqlite3."""
        self._connection = Connection(connection)

    def insert(
        self, table: str, rows: Iterable[Any], columns: Iterable[str] | None = None
    ) -> BulkResult:
        """Insert the rows.  A column that they do not have gets its default.  The result has the
        keys."""
        with self._call(table) as call:
            rows_given = given(table, call.known, rows, columns)
            call.begin(rows_given)
            call.insert(range(rows_given.n))
        return call.result()

    def upsert(
        self,
        table: str,
        rows: Iterable[Any],
        key: Iterable[str] | None = None,
        columns: Iterable[str] | None = None,
    ) -> BulkResult:
        """Insert the rows that do not exist, and update those that differ.  key: the columns that
        identify a row; default: the primary key."""
        with self._call(table, key) as call:
            call.begin(given(table, call.known, rows, columns))
            call.refuse_repeated()
            call.upsert()
        return call.result()

    def update(
        self,
        table: str,
        rows: Iterable[Any],
        key: Iterable[str] | None = None,
        columns: Iterable[str] | None = None,
    ) -> BulkResult:
        """Give each row that exists its own values."""
        with self._call(table, key) as call:
            call.begin(given(table, call.known, rows, columns))
            call.refuse_repeated()
            if call.rows.n and not set(call.rows.names) - set(call.keys):
                raise ValueError("Nothing to update: every column is part of the key.")
            found = call.find()
            call.mark(found, Outcome.UPDATED)
            if found:
                call.update(sorted(found))
        return call.result()

    def delete(
        self,
        table: str,
        rows: Iterable[Any],
        key: Iterable[str] | None = None,
        columns: Iterable[str] | None = None,
    ) -> BulkResult:
        """Delete the rows with these keys.  rows: as for the others, tuples of the key's values, or
        the values of one key."""
        with self._call(table, key) as call:
            if not hasattr(type(rows), "__arrow_c_stream__"):
                rows = list(rows)
                if rows and len(call.keys) == 1 and is_value(rows[0]):
                    rows = [(value,) for value in rows]
                if rows and columns is None and type(rows[0]) in (tuple, list):
                    columns = call.keys
            call.begin(given(table, call.known, rows, columns))
            call.refuse_repeated()
            found = call.find()
            call.mark(found, Outcome.DELETED)
            if found:
                call.delete(call.rows.chosen(sorted(found), call.keys), sorted(found))
        return call.result()

    def sync(
        self,
        table: str,
        rows: Iterable[Any],
        key: Iterable[str] | None = None,
        columns: Iterable[str] | None = None,
        *,
        where: str | None = None,
        params: Sequence[Any] = (),
        max_deletes: int | None = None,
    ) -> BulkResult:
        """Make the rows those of the table: upsert them and delete all others.  where: SQL with
        the driver's placeholders for params; only rows that it selects are deleted.

        TooManyDeletes: more than max_deletes rows would be deleted, or there are no rows."""
        with self._call(table, key) as call:
            call.begin(given(table, call.known, rows, columns))
            call.refuse_repeated()
            if call.rows.n == 0 and max_deletes is None:
                raise TooManyDeletes("There are no rows: set max_deletes to delete all others.")
            gone = call.others(where, params)
            if max_deletes is not None and gone.n > max_deletes:
                raise TooManyDeletes(f"{gone.n} rows would be deleted: max_deletes={max_deletes}.")
            if gone.n:
                call.delete(gone, range(gone.n))
            call.upsert()
        result = call.result()
        result.deleted = gone.n
        return result

    def copy_to(
        self,
        table: str,
        columns: Iterable[str] | None = None,
        *,
        where: str | None = None,
        params: Sequence[Any] = (),
        chunk_size: int = 50_000,
    ) -> CopyOut:
        """Return the rows of a table: iterate over dicts, or pass it to a reader of Arrow.  The
        query runs when they are read."""
        with self._connection.drivers_errors():
            known = columns_of(self._connection, table)
        names = list(known) if columns is None else list(columns)
        return CopyOut(self._connection, table, known, names, where, params, chunk_size)

    @contextmanager
    def _call(self, table: str, key: Iterable[str] | None = None) -> Iterator[_Call]:
        """One call.  Its errors are the driver's."""
        with self._connection.drivers_errors(), self._connection.call():
            yield _Call(self._connection, table, key)


class _Call:
    """One call on a table."""

    def __init__(self, connection: Connection, table: str, key: Iterable[str] | None) -> None:
        self.began = time.monotonic()
        self.connection, self.table = connection, table
        connection.sent = 0
        self.known = columns_of(connection, table)
        own = sorted(
            (c for c in self.known.values() if c.key is not None), key=lambda c: c.key or 0
        )
        self.own = [column.name for column in own]  # the primary key
        self._key = key
        self.pks: list[Any] = []
        self.outcomes = bytearray()
        self.rows = Given([], [], 0)

    @property
    def keys(self) -> list[str]:
        return keys_named(self.table, self.known, self._key)

    def begin(self, rows: Given) -> None:
        self.rows = rows
        self.outcomes = bytearray([Outcome.MISSING]) * rows.n
        self.pks = [None] * rows.n
        if rows.n and self.own and all(name in rows.names for name in self.own):
            self.pks = _keys(rows.keys(self.own))

    def result(self) -> BulkResult:
        told = bytes(self.outcomes)
        counts: dict[str, Any] = {
            one.name.lower(): told.count(one) for one in Outcome if one is not Outcome.NONE
        }
        return BulkResult(
            **counts,
            outcomes=told,
            keys=self.pks,
            statements=self.connection.sent,
            seconds=time.monotonic() - self.began,
        )

    def mark(self, rows: Iterable[int], outcome: Outcome) -> None:
        for row in rows:
            self.outcomes[row] = outcome

    def refuse_repeated(self) -> None:
        """ValueError: two rows have the same key."""
        seen: dict[Key, int] = {}
        for i, key in enumerate(self.rows.keys(self.keys) if self.rows.n else ()):
            if None not in key and seen.setdefault(key, i) != i:
                names = ", ".join(self.keys)
                raise failure.at_row(
                    ValueError(f"Rows {seen[key]} and {i} have the same {names}."), i, None
                )

    def find(self, compared: Sequence[str] = ()) -> dict[int, Row]:
        """Return the rows that exist, and note their primary keys."""
        if not self.rows.n:
            return {}
        finder = Finder(self.connection, self.table, self.known, self.keys)
        found = finder.find(self.rows, self.own, compared)
        seen: dict[Key, int] = {}
        for row, there in sorted(found.items()) if self.own else ():
            self.pks[row] = _keys([there.values])[0]
            if seen.setdefault(there.values, row) != row:
                other = seen[there.values]
                raise ValueError(f"Rows {other} and {row} are the same row of {self.table}.")
        return found

    # ------------------------------------------------------------------------------- write

    def insert(self, places: Sequence[int]) -> None:
        """Insert rows.  A key that is None is made by the database, as one that is left out."""
        names, own = self.rows.names, self.own
        if len(own) == 1 and own[0] in names and self.known[own[0]].counts:
            keys = self.rows.of(own[0])
            without = [row for row in places if keys[row] is None]
            if without:
                self._insert(without, [name for name in names if name != own[0]])
                places = [row for row in places if keys[row] is not None]
        if places:
            self._insert(places, names)

    def _insert(self, places: Sequence[int], names: Sequence[str]) -> None:
        if not names:
            raise ValueError("The rows have no column to insert.")
        part = self.rows.chosen(places, names)
        made = None
        if len(self.own) == 1 and self.own[0] not in names and self.known[self.own[0]].counts:
            made = self.known[self.own[0]]
        flags = dict.fromkeys([n for n in self.own if n in names] or names[:1], KEY)
        job = self._job("bulk_create", part, places, flags, made)
        self.mark(places, Outcome.INSERTED)
        if made is not None:
            for row, key in zip(places, job.keys()):
                self.pks[row] = key
        failure.check_count(job.written(), len(places))

    def update(self, places: Sequence[int]) -> None:
        flags = dict.fromkeys(self.keys, KEY)
        names = [*self.keys, *(name for name in self.rows.names if name not in flags)]
        part = self.rows.chosen(places, names)
        job = self._job("update_fields", part, places, flags, None)
        failure.check_count(job.written(), len(places))

    def delete(self, part: Given, places: Sequence[int]) -> None:
        job = self._job("delete", part, places, dict.fromkeys(part.names, KEY), None)
        failure.check_count(job.written(), part.n)

    def upsert(self) -> None:
        found = self.find([name for name in self.rows.names if name not in self.keys])
        changed = [row for row in sorted(found) if not found[row].is_same]
        self.mark(found, Outcome.UNCHANGED)
        self.mark(changed, Outcome.UPDATED)
        if changed:
            self.update(changed)
        self.insert([row for row in range(self.rows.n) if row not in found])

    def others(self, where: str | None, params: Sequence[Any]) -> Given:
        """Return the keys of the rows that are not among those of the call.  On PostgreSQL they
        stay locked."""
        keys = self.keys
        names = ", ".join(quoted([name]) for name in keys)
        lock = " FOR UPDATE" if self.connection.dialect.has_catalog else ""
        with self.connection.cursor() as cursor:
            cursor.select(f"SELECT {names} FROM {quoted([self.table])}", where, params, lock)
            there = cursor.fetchall()
        finder = Finder(self.connection, self.table, self.known, keys)
        kept = {row.values for row in finder.find(self.rows, keys).values()} if self.rows.n else ()
        gone = [key for key in there if tuple(key) not in kept]
        return Given(keys, [list(column) for column in zip(*gone)] or [[] for _ in keys], len(gone))

    def _job(
        self,
        verb: str,
        part: Given,
        places: Sequence[int],
        flags: dict[str, int],
        made: Column | None,
    ) -> _core.Job:
        """Run a job over rows, whose positions in the call are `places`."""
        columns = [
            (self.known[name], kind_for(self.known[name], values, places))
            for name, values in zip(part.names, part.columns)
        ]
        if made is not None:
            columns.append((made, made.kind or "int8"))
            flags = {made.name: KEY | ASSIGNED}
        dialect = self.connection.dialect
        table = table_for(dialect.name, self.table, columns, flags)
        rows = _core.Rows(table, part.n)
        for at, values in enumerate(part.columns):
            fill(rows, table, at, columns[at], values, places)
        known: Any = self.connection
        catalog = postgresql.ask(table, known) if dialect.has_catalog else None
        way = MADE if catalog is not None and catalog.triggers() else ASKED
        written: tuple[int, ...] = ()
        if verb == "update_fields":
            written = tuple(i for i, name in enumerate(part.names) if name not in flags)
        size = dialect.limit(dialect.max_rows, len(columns)) if dialect.max_rows else 0
        try:
            job = _core.Job(rows, verb, written, size, None, True, way, catalog, ())
        except _core.Unfit as error:
            raise _refused(error, places) from error
        try:
            self._run(job, places)
        except failure.RowsDropped:
            if way != MADE:
                raise
            job = job.again(EACH, None)  # a trigger changes keys: each row by a statement
            self._run(job, places)
        return job

    def _run(self, job: _core.Job, places: Sequence[int]) -> None:
        known: Any = self.connection
        try:
            with self.connection.bulkmodel_atomic():
                operation.run(job, known, ANY_ROW)
        except locate_row.OF_A_ROW as error:
            if not failure.is_located(error):
                search = partial(operation.search, error, [job], known, ANY_ROW, False)
                with locate_row.rolled_back(known):
                    found = search()
                if found is not None:
                    failure.found(error, *found)
            _, row, column = failure.location_of(error)
            facts = failure.facts_of(error, known)
            key = _KEY.search(facts.detail or "")
            name = facts.column or column or (key[1] if key and "," not in key[1] else None)
            at = places[row] if row is not None else None
            failure.describe(error, at, name, facts.constraint, facts.sqlstate)
            raise


def _refused(error: Any, places: Sequence[int]) -> ValueError:
    """Return the error for a value that does not fit its column."""
    row = places[error.row] if error.row is not None else None
    where = f'Row {row}, column "{error.column}": ' if row is not None else ""
    refused: Any = ValueError(f"{where}{error}.")
    failure.describe(refused, row, error.column, None, None)
    return refused  # type: ignore[no-any-return]


def _keys(keys: Sequence[Key]) -> list[Any]:
    return [key[0] if len(key) == 1 else key for key in keys]
