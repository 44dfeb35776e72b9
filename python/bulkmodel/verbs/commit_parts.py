"""One call in several transactions: `commit_every`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections
from django.db.transaction import TransactionManagementError

from bulkmodel.engine import timeouts
from bulkmodel.errors import CommitUnknown, Part, PartialCommit
from bulkmodel.options import is_size

_log = logging.getLogger("bulkmodel")

# More rows in one transaction are worth a warning: it keeps locks, old versions of rows and WAL.
LARGE = 1_000_000


def check(commit_every: int | None, using: str, verb: str, n: int, dry_run: bool) -> None:
    """Check the option, and warn if one transaction is large.  ValueError,
    TransactionManagementError: the call cannot be committed in parts."""
    if commit_every is None:
        if n > LARGE:
            _log.warning(
                "%s() writes %d rows in one transaction; commit_every=ROWS makes it several",
                verb,
                n,
            )
        return
    if not is_size(commit_every):
        raise ValueError("commit_every must be a positive integer.")
    if dry_run:
        raise ValueError("commit_every and dry_run cannot be combined.")
    connection = connections[using]
    if connection.in_atomic_block or not connection.get_autocommit():
        raise TransactionManagementError(
            "commit_every cannot be used inside a transaction: leave atomic(), or leave it out."
        )
    if timeouts.clock_of(connection) is not None:
        raise ValueError("commit_every and timeout cannot be combined.")


def carry_out(
    write: Callable[[Sequence[int]], None],
    places: Sequence[int],
    commit_every: int | None,
    after: Callable[[], Any],
) -> list[Part]:
    """Write the rows at these positions, `commit_every` in one transaction each.  Return the parts
    that were committed.  after: called after each.

    PartialCommit: a part failed after another one was committed, or it is unknown whether one was
    committed."""
    if commit_every is None:
        write(places)
        return []
    done: list[Part] = []
    for first in range(0, len(places), commit_every):
        part = places[first : first + commit_every]
        try:
            write(part)
        except Exception as error:
            if not done and not isinstance(error, CommitUnknown):
                raise
            raise _partial(error, done, part, places[first + len(part) :]) from error
        done.append(Part("committed", ranges(part)))
        after()
    return done


def _partial(
    error: Exception, done: list[Part], part: Sequence[int], rest: Sequence[int]
) -> PartialCommit:
    n = sum(len(one) for made in done for one in made.rows)
    unknown = isinstance(error, CommitUnknown)
    parts = [*done, Part("unknown" if unknown else "rolled back", ranges(part))]
    if rest:
        parts.append(Part("rolled back", ranges(rest)))
    what = "is unknown" if unknown else "was rolled back"
    partial = PartialCommit(
        f"{n} rows are committed; the transaction of {len(part)} more {what}: {error}", parts
    )
    for name in ("row_index", "field_name", "constraint", "sqlstate"):
        setattr(partial, name, getattr(error, name, None))
    return partial


def ranges(places: Sequence[int]) -> list[range]:
    """Return ascending positions as ranges."""
    found: list[range] = []
    for place in places:
        if found and found[-1].stop == place:
            found[-1] = range(found[-1].start, place + 1)
        else:
            found.append(range(place, place + 1))
    return found
