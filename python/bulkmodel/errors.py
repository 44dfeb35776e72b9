"""Exceptions of bulkmodel, beside Django's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import OperationalError


class CallTimeout(OperationalError):
    """The call's timeout passed: nothing was written, or what was written is rolled back.  A
    connection that did not answer was closed."""


class CommitUnknown(OperationalError):
    """The connection was lost while COMMIT was under way: all rows are in the table, or none."""


@dataclass(frozen=True)
class Part:
    """Input rows that have one fate."""

    state: str  # "committed", "rolled back" or "unknown"
    rows: Sequence[range]  # of the caller's sequence, numbered from 0


class PartialCommit(OperationalError):
    """Of several connections some committed and some did not; `parts` says which input rows."""

    def __init__(self, message: str, parts: Sequence[Part] = ()) -> None:
        super().__init__(message)
        self.parts = tuple(parts)
