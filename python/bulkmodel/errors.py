"""Exceptions of bulkmodel, beside Django's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkmodel.database import InternalError, OperationalError


class CallTimeout(OperationalError):
    """The call exceeded its timeout.  Nothing was committed.  A connection that did not answer was
    closed."""


class ReadOnlyServer(InternalError):
    """The server is a standby, or the session is read-only.  Nothing was sent."""


class Refused(Exception):
    """The call was refused, and nothing was written.  `result` is a BulkResult with what would have
    been written, or None."""

    result: Any = None


class TooManyDeletes(Refused):
    """More rows would be deleted than `max_deletes` allows."""


class TooManyRejects(Refused):
    """More objects cannot be written than `max_rejects` allows."""


class CommitUnknown(OperationalError):
    """The connection was lost during COMMIT: either all rows were written, or none."""


@dataclass(frozen=True)
class Part:
    """Input rows with the same outcome."""

    state: str  # "committed", "rolled back" or "unknown"
    rows: Sequence[range]  # positions in the caller's sequence, from 0


class PartialCommit(OperationalError):
    """Some connections, or parts of a call with `commit_every`, committed and others did not.
    `parts` lists the rows of each outcome."""

    def __init__(self, message: str, parts: Sequence[Part] = ()) -> None:
        super().__init__(message)
        self.parts = tuple(parts)
