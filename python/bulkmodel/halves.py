"""The row for which a statement over many failed, found by writing halves of them again.

docs/decisions/002 says why; the engine says which part is next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DataError, Error, IntegrityError

from bulkmodel import _core

# What a row is refused with.
OF_A_ROW = (IntegrityError, DataError)


def search(error: Error, write: Callable[[int, int], Any], n: int) -> int | None:
    """The row at which `write(first, rows)` raises the error again; n: at none of them; None:
    another one was raised, or it takes several rows.

    A part that goes well stays, since rows behind it may need it."""
    halves = _core.Halves(n)
    while (part := halves.next()) is not None:
        try:
            write(*part)
        except OF_A_ROW as again:
            if _kind(again) != _kind(error):
                return None
            halves.answer(False)
        else:
            halves.answer(True)
    return halves.row()


def _kind(error: Error) -> tuple[Any, ...]:
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None:
        return type(error), str(error)
    return type(error), diagnosis.sqlstate, diagnosis.constraint_name, diagnosis.column_name
