"""update() in batches: find the keys of the queryset's rows, then update by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import UpdateQuery

from bulkmodel.engine import timeouts
from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.jobs import workers_for
from bulkmodel.engine.workers import Entangled, Stopped, Team
from bulkmodel.options import Options


def refuse_as_update(queryset: Any, values: dict[str, Any]) -> None:
    """Raise the errors of Django's update() before any row is read."""
    queryset._not_support_combined_queries("update")
    if queryset.query.is_sliced:
        raise TypeError("Cannot update a query once a slice has been taken.")
    if queryset.query.distinct_fields:
        raise TypeError("Cannot call update() after .distinct(*fields).")
    if values:
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)


class UpdateByKey:
    """An update() call.  Its queryset uses the alias to write to."""

    def __init__(
        self,
        queryset: Any,
        update: Callable[[list[Any]], int] | None,
        asked: Options,
    ) -> None:
        """update: updates the rows with these keys.  None: only find the keys."""
        self.queryset = queryset
        self.update = update
        self.asked = asked
        self.keys: list[Any] = []
        self.matched = 0

    def run(self) -> None:
        """Find the rows and update them."""
        if self._workers(self.asked.workers, 1) == 1:
            with one_transaction(self.queryset.db):
                self._find()
                self._write(1)
            return
        self._find()
        self._write(self._workers(len(self.keys), self.asked.batch_size))

    def _workers(self, n: int, batch_size: int | None) -> int:
        connection = connections[self.queryset.db]
        size = batch_size or n or 1
        return workers_for(connection, self.queryset.model, self.asked.workers, n, size)

    def _find(self) -> None:
        rows = self.queryset.values_list("pk", flat=True)
        self.keys = list(dict.fromkeys(rows))  # a join may return a row twice

    def _write(self, workers: int) -> None:
        if self.update is None or not self.keys:
            return
        n = len(self.keys)
        step = self.asked.batch_size or n
        chunks = iter([range(i, min(i + step, n)) for i in range(0, n, step)])
        parts = [_Part(self.update, self.keys, chunks) for _ in range(workers)]
        if workers > 1:
            try:
                connection = connections[self.queryset.db]
                settle = partial(timeouts.committing, connection)
                Team(connection, parts).run(settle, lambda rows: None)
            except Entangled:
                self._write(1)
                return
        else:
            with one_transaction(self.queryset.db):
                parts[0].run(connections[self.queryset.db])
        self.matched = sum(part.matched for part in parts)


class _Part:
    """A worker's part: it takes chunks until none is left."""

    def __init__(
        self, update: Callable[[list[Any]], int], keys: list[Any], chunks: Iterator[range]
    ) -> None:
        self.update = update
        self.keys = keys
        self.chunks = chunks
        self.matched = 0
        self._rows: list[range] = []
        self._stopped = False

    def run(self, connection: BaseDatabaseWrapper) -> None:
        for chunk in self.chunks:
            if self._stopped:
                raise Stopped
            timeouts.check(connection)
            self._rows.append(chunk)
            self.matched += self.update(self.keys[chunk.start : chunk.stop])

    def stop(self) -> None:
        self._stopped = True

    def has_rows(self) -> bool:
        return bool(self._rows)

    def rows(self) -> Sequence[range]:
        return self._rows
