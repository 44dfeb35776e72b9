"""What a call did, row by row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bulkmodel.errors import Part, Refused
from bulkmodel.transactions import in_transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Outcome(IntEnum):
    """The outcome of one input row, as in BulkResult.outcomes and in the C library.

    UNCHANGED: the row already had these values.  MISSING: no row has the key, or the queryset does
    not select it.  IGNORED: the object repeats the key of another one (`duplicates`), save_graph()
    was given it before, or `update_where` does not select its row.  SKIPPED: a trigger or rule
    dropped it.  REJECTED: the object cannot be written (`on_error="collect"`)."""

    NONE = 0
    INSERTED = 1
    UPDATED = 2
    UNCHANGED = 3
    MISSING = 4
    IGNORED = 5
    DELETED = 6
    SKIPPED = 7
    REJECTED = 8


class Change(NamedTuple):
    """A field of a row that a call changed.  Of an inserted row old is None, of a deleted row new
    is None."""

    key: Any  # the row's primary key; None: a dry run inserted the row
    field: str
    old: Any
    new: Any
    outcome: Outcome = Outcome.UPDATED  # of the row: or INSERTED, or DELETED


class Reject(NamedTuple):
    """An object that was not written (`on_error="collect"`).  None means unknown."""

    row_index: int  # its position in the input, from 0
    field_name: str | None
    constraint: str | None
    sqlstate: str | None
    message: str
    object: Any


@dataclass
class BulkResult:
    """What a call did.

    The counts are of input rows; only `deleted` of bulk_sync() counts rows of the queryset, which
    have no outcome.  outcomes has one byte for each input row, in order: an Outcome.  keys has the
    primary key of each input row, None where it is unknown: for an ignored object, for a row that a
    dry run inserted, and for a row that was not found.  statements is the number
    sent, BEGIN and COMMIT included.  replays is how often the call was repeated (`retries`).
    dry_run: everything was rolled back, and the counts say what would have happened.
    deleted_by_label: deleted rows by model label, rows deleted by cascades included.
    inserted_by_label: of save_graph(): inserted rows by model label, links included.  changes: a
    Change for each value that the call changed, if `return_changes` asked for it; without it, what
    a dry run of bulk_sync() would update.  parts: with `commit_every` the input rows of each
    transaction.  rejects: the objects that were not written, a Reject for each, in order
    (`on_error="collect"`, which gives no keys)."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    missing: int = 0
    ignored: int = 0
    deleted: int = 0
    skipped: int = 0
    rejected: int = 0
    outcomes: bytes = field(default=b"", repr=False)
    keys: list[Any] = field(default_factory=list, repr=False)
    parts: list[Part] = field(default_factory=list, repr=False)
    deleted_by_label: dict[str, int] = field(default_factory=dict)
    inserted_by_label: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list, repr=False)
    rejects: list[Reject] = field(default_factory=list, repr=False)
    statements: int = 0
    seconds: float = 0.0
    replays: int = 0
    dry_run: bool = False
    _undo: Callable[[BulkResult], BulkResult] | None = field(
        default=None, repr=False, compare=False
    )

    def undo(self) -> BulkResult:
        """Take the call back: write the values before to rows that it updated, delete those that it
        inserted, insert those that it deleted, in one transaction.  Returns a BulkResult with the
        counts.

        The call needs return_changes; with True it can always be undone, if no rows of other models
        were deleted by cascades.  bulkmodel.errors.Refused: a row has changed since, the changes do
        not say enough, or it has already been undone; nothing was written."""
        if self._undo is None:
            raise Refused("undo() needs the changes of the call: pass return_changes=True.")
        return self._undo(self)

    def rows(self, outcome: Outcome) -> list[int]:
        """Return the input positions of the rows with this outcome."""
        return [i for i, byte in enumerate(self.outcomes) if byte == outcome]


class Statement(NamedTuple):
    """A statement of a call.  what: "find", "keys", "write" and the like."""

    what: str
    sql: str


class Lock(NamedTuple):
    """A lock that a call takes until the end of its transaction."""

    table: str  # on SQLite the database
    mode: str  # of the table
    rows: str  # of its rows; empty: new rows only, or the whole table


@dataclass
class Explanation:
    """What a call would do, as bulk_explain() found; printed, it is a text.

    way: "engine", or "django" if Django's own method does the call, or a part of it; why says the
    reason.  engine: the engine's name.  batch_size: rows in one statement; 0: Django chooses.
    workers: connections that write.  index: the unique index by which rows are found; None: there
    is none, or the call finds no rows.  hints: what falls back, and what to do.  steps: the calls
    that this one is made of."""

    verb: str
    model: str
    rows: int
    way: Literal["engine", "django"] = "engine"
    why: str = ""
    engine: str | None = None
    batch_size: int = 0
    workers: int = 1
    index: str | None = None
    statements: list[Statement] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    steps: list[Explanation] = field(default_factory=list)

    def __str__(self) -> str:
        way = f"the engine ({self.engine})" if self.way == "engine" else "Django"
        lines = [
            f"{self.verb} of {self.rows} rows of {self.model}: by {way}",
            f"  why: {self.why}",
            f"  rows in one statement: {self.batch_size or 'Django chooses'}",
            f"  connections: {self.workers}",
            f"  unique index: {self.index or 'none'}",
        ]
        lines += [f"  {one.what}: {one.sql}" for one in self.statements]
        for lock in self.locks:
            lines.append(
                f"  lock: {lock.table}: {lock.mode}{', rows ' * bool(lock.rows)}{lock.rows}"
            )
        lines += [f"  hint: {hint}" for hint in self.hints]
        for step in self.steps:
            lines += [f"  {line}" for line in str(step).splitlines()]
        return "\n".join(lines)


class Meter:
    """Measures one call: its statements, seconds and repetitions."""

    any_thread = True  # workers may call it, too

    def __init__(self) -> None:
        self.replays = 0
        self.transactions = 1
        self._sent = 0
        self._is_alone = False
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Count a statement: an execute_wrapper of Django, which workers copy.  Of BEGIN it sees
        only SQLite's."""
        with self._lock:
            self._sent += statement[0] != "BEGIN"
        return execute(*statement)

    @property
    def statements(self) -> int:
        """Return how many statements the call sends, with BEGIN and COMMIT or ROLLBACK."""
        return self._sent + (2 * self.transactions if self._is_alone and self._sent else 0)

    @contextmanager
    def on(self, connection: BaseDatabaseWrapper, wanted: bool = True) -> Iterator[None]:
        """Count the statements that this connection sends, if somebody wants to know."""
        if not wanted:
            yield
            return
        self._is_alone = not in_transaction(connection)
        with connection.execute_wrapper(self):
            yield

    def result(self, outcomes: Sequence[int], keys: list[Any], **more: Any) -> BulkResult:
        """Return the result of the call."""
        told = bytes(outcomes)
        counts: dict[str, Any] = {
            one.name.lower(): told.count(one) for one in Outcome if one is not Outcome.NONE
        }
        return BulkResult(
            **counts,
            outcomes=told,
            keys=keys,
            statements=self.statements,
            seconds=time.monotonic() - self._began,
            replays=self.replays,
            **more,
        )
