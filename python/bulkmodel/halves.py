"""The row for which a statement over many failed, found by writing halves of them again.

docs/decisions/002 says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DataError, Error, IntegrityError

# What a row is refused with.
OF_A_ROW = (IntegrityError, DataError)


def search(error: Error, write: Callable[[int, int], Any], n: int) -> int | None:
    """The row at which `write(first, rows)` raises the error again; n: at none of them; None:
    another one was raised, or it takes several rows.

    A part that goes well stays, since rows behind it may need it."""
    low, high = 0, n
    while low < high:
        middle = low + max((high - low) // 2, 1)
        try:
            write(low, middle - low)
        except OF_A_ROW as again:
            if _kind(again) != _kind(error):
                return None
            high = middle
            if middle - low == 1:
                return low
        else:
            low = middle
    return n if low == n else None


def _kind(error: Error) -> tuple[Any, ...]:
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None:
        return type(error), str(error)
    return type(error), diagnosis.sqlstate, diagnosis.constraint_name, diagnosis.column_name
