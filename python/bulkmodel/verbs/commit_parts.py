"""One call in several transactions: `commit_every`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import Any

from django.db import connections
from django.db.transaction import TransactionManagementError

from bulkmodel.engine import timeouts
from bulkmodel.engine.atomic import came_after_commit
from bulkmodel.errors import CommitUnknown, Part, PartialCommit
from bulkmodel.options import is_size
from bulkmodel.transactions import in_transaction

_log = logging.getLogger("bulkmodel")

# More rows in one transaction are worth a warning: it keeps locks, old versions of rows and WAL.
LARGE = 1_000_000


def nothing() -> None:
    pass


def check(commit_every: int | None, using: str, dry_run: bool = False) -> None:
    """Check the option, before anything is read.  ValueError, TransactionManagementError: the call
    cannot be committed in parts."""
    if commit_every is None:
        return
    if not is_size(commit_every):
        raise ValueError("commit_every must be a positive integer.")
    if dry_run:
        raise ValueError("commit_every and dry_run cannot be combined.")
    connection = connections[using]
    if in_transaction(connection):
        raise TransactionManagementError(
            "commit_every cannot be used inside a transaction: call the method outside atomic(), "
            "or remove commit_every."
        )
    if timeouts.clock_of(connection) is not None:
        raise ValueError("commit_every and timeout cannot be combined.")


def warn(commit_every: int | None, verb: str, n: int) -> None:
    """Log a warning if one transaction is large."""
    if commit_every is None and n > LARGE:
        _log.warning(
            "%s() writes %d rows in one transaction; commit_every=ROWS makes it several", verb, n
        )


class Parts:
    """The parts of a call that are committed."""

    def __init__(self) -> None:
        self.done: list[Part] = []

    @contextmanager
    def commits(
        self,
        part: Sequence[int] | Callable[[], Sequence[int]],
        rest: Sequence[int] = (),
        relative: bool = False,
        streams: bool = False,
    ) -> Iterator[None]:
        """Write one part inside.  part: the input positions of its rows, rest: those after it.
        relative: an error counts the rows from the first of the part.  streams: nobody knows
        whether there are others after it.

        PartialCommit: it failed after another one was committed, or it is unknown whether one was
        committed."""
        try:
            yield
        except Exception as error:
            rows = part() if callable(part) else part
            if relative:
                _renumber(error, rows)
            told = isinstance(error, CommitUnknown | PartialCommit)
            partly = (rest or streams) and came_after_commit(error)
            if not self.done and not told and not partly:
                raise
            raise _partial(error, self.done, rows, rest) from error
        rows = part() if callable(part) else part
        if rows:
            self.done.append(Part("committed", ranges(rows)))


def carry_out(
    write: Callable[[Sequence[int]], Any],
    places: Sequence[int],
    commit_every: int | None,
    after: Callable[[], Any],
    relative: bool = False,
) -> list[Part]:
    """Write the rows at these positions, `commit_every` in one transaction each.  Return the parts
    that were committed.  after: called after each.

    PartialCommit: see Parts."""
    if commit_every is None:
        write(places)
        return []
    parts = Parts()
    for first in range(0, len(places), commit_every):
        part = places[first : first + commit_every]
        with parts.commits(part, places[first + len(part) :], relative):
            write(part)
        after()
    return parts.done


def create(
    write: Callable[[list[Any]], tuple[bool, Any]],
    objects: list[Any],
    commit_every: int,
    after: Callable[[], Any],
) -> tuple[bool, Any]:
    """Write objects in parts.  `write` returns whether the engine did it, and what the method that
    did it returned; so does this."""
    written: list[tuple[bool, Any]] = []

    def write_part(places: Sequence[int]) -> None:
        written.append(write(objects[places[0] : places[-1] + 1]))

    carry_out(write_part, range(len(objects)), commit_every, after, True)
    if all(done for done, _ in written):
        return True, objects
    if not all(isinstance(made, list | tuple) for _, made in written):
        return False, objects
    return False, [row for _, made in written for row in made]


def carry_out_stream(
    write: Callable[[Any, int], Any],
    objects: Iterable[Any],
    commit_every: int,
    after: Callable[[], Any],
    whole: bool,
    prepare: Callable[[Iterator[Any]], Iterator[Any]] = iter,
) -> None:
    """Write objects in parts, as they come.  write: gets the objects of a part, and the position of
    the first.  whole: it needs them as a list, as it also gets them if a list is given.  prepare:
    what a stream passes through; it may not read beyond a part."""
    parts = Parts()
    read = 0

    def counted() -> Iterator[Any]:
        nonlocal read
        for row in objects:
            read += 1
            yield row

    def since(first: int) -> range:
        return range(first, read)

    if isinstance(objects, list):
        n = len(objects)
        for first in range(0, n, commit_every):
            part = range(first, min(first + commit_every, n))
            with parts.commits(part, range(part.stop, n)):
                write(objects[part.start : part.stop], first)
            after()
        return
    source = prepare(counted())
    more = True
    while more:
        first = read
        with parts.commits(partial(since, first), streams=True):
            rows: Iterable[Any] = chain(islice(source, 1), islice(source, commit_every - 1))
            head = list(islice(rows, None if whole else 1))
            more = bool(head)
            if more:
                write(head if whole else chain(head, rows), first)
        if more:
            after()


def _renumber(error: Any, rows: Sequence[int]) -> None:
    row = getattr(error, "row_index", None)
    if row is not None and row < len(rows):
        error.row_index = rows[row]
    if isinstance(error, PartialCommit):
        error.parts = tuple(
            Part(one.state, ranges([rows[i] for some in one.rows for i in some]))
            for one in error.parts
        )


def _partial(
    error: Exception, done: list[Part], part: Sequence[int], rest: Sequence[int]
) -> PartialCommit:
    told, what = _told(error, part)
    parts = [*done, *told]
    if rest:
        parts.append(Part("rolled back", ranges(rest)))
    n = sum(len(some) for one in parts if one.state == "committed" for some in one.rows)
    failed = PartialCommit(f"{n} rows are committed; {what}: {error}", parts)
    for name in ("row_index", "field_name", "constraint", "sqlstate"):
        setattr(failed, name, getattr(error, name, None))
    return failed


def _told(error: Exception, part: Sequence[int]) -> tuple[list[Part], str]:
    """Return what an error says about the rows of a part, also in words."""
    if isinstance(error, PartialCommit):  # of several connections
        known = {i for one in error.parts for some in one.rows for i in some}
        left = [i for i in part if i not in known]
        others = [Part("rolled back", ranges(left))] if left else []
        return [*error.parts, *others], f"not all of {len(part)} more rows were committed"
    if came_after_commit(error):
        return [Part("committed", ranges(part))], "then an on_commit() function failed"
    if not part:
        return [], "then the next objects could not be read"
    if isinstance(error, CommitUnknown):
        unknown = [Part("unknown", ranges(part))]
        return unknown, f"the outcome of the transaction of {len(part)} more rows is unknown"
    rolled_back = [Part("rolled back", ranges(part))]
    return rolled_back, f"the transaction of {len(part)} more rows was rolled back"


def committed_of(error: BaseException) -> set[int]:
    """Return the input positions of the rows that are committed although the call failed."""
    parts = error.parts if isinstance(error, PartialCommit) else ()
    return {i for one in parts if one.state == "committed" for some in one.rows for i in some}


def ranges(places: Sequence[int]) -> list[range]:
    """Return ascending positions as ranges."""
    if isinstance(places, range) and places.step == 1:
        return [places] if places else []
    found: list[range] = []
    for place in places:
        if found and found[-1].stop == place:
            found[-1] = range(found[-1].start, place + 1)
        else:
            found.append(range(place, place + 1))
    return found
