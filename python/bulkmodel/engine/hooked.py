"""A statement of the engine as it reaches the driver: an execute_wrapper of Django's may have put
statements or comments before it, or changed it otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from bulkmodel import _core

# libpq's PGTransactionStatusType.
_IDLE = 0

_COMMENT = r"(?:\s|/\*(?:[^*]|\*(?!/))*\*/|--[^\n]*\n)"
# No statement; one that has ended, and comments; what may follow a statement.
_NOTHING = re.compile(f"(?:{_COMMENT}|;)*")
_ENDED = re.compile(f";{_COMMENT}*\\Z")
_AFTER = re.compile(f"(?:{_COMMENT}|;)*(?:--[^\\n]*)?")
_COPIED = re.compile(r'COPY\s+((?:"(?:[^"]|"")*"|\w|\.)+)')


class Sent:
    """A statement as it was given to Django's cursor, and the step that it is of."""

    __slots__ = ("cells", "job", "params", "text")

    text: str
    params: tuple[Any, ...]
    job: _core.Job | None
    cells: tuple[bytes | None, ...]

    def texts(self) -> list[Any]:
        """Return the parameters of the step as text.  Without a job they are that already."""
        if self.job is not None:
            return list(self.job.texts())
        return [None if cell is None else cell.decode() for cell in self.cells]


class Received(NamedTuple):
    """What became of the statement.

    before: statements before it, and their parameters.  is_ours: apart from comments, and what is
    before it, nothing was changed."""

    before: str
    before_params: tuple[Any, ...]
    text: str
    params: tuple[Any, ...]
    is_ours: bool


def received(sent: Sent, text: Any, params: Any) -> Received:
    """Compare a statement with what reached the driver."""
    params = tuple(params)
    own = sent.params
    first = len(params) - len(own)
    same = first >= 0 and all(a is b for a, b in zip(params[first:], own))
    if not (same and isinstance(text, str) and text.count(sent.text) == 1):
        return Received("", (), text, params, False)
    before, after = text.split(sent.text)
    if _AFTER.fullmatch(after):
        if first == 0 and _NOTHING.fullmatch(before):
            return Received("", (), text, params, True)
        if _ENDED.search(before):
            return Received(before, params[:first], sent.text + after, own, True)
    return Received("", (), text, params, False)


def note_of(copy: str) -> str:
    """Return what is put after a COPY to make it a statement with one parameter, and is not sent.
    The query log shows the number of rows there, and who looks for writes in SQL finds INSERT."""
    table = _COPIED.match(copy)
    return f" -- INSERT INTO {table[1] if table else ''} %s"


def _roll_back(cursor: Any) -> None:
    try:
        cursor.execute("ROLLBACK")
    except Exception:  # the first error is the one to raise
        cursor.connection.close()


@contextmanager
def together(driver: Any, before: str, params: tuple[Any, ...]) -> Iterator[None]:
    """Run statements with a cursor of the connection's own, then the block, in one transaction:
    the one that is open, or a new one."""
    cursor = driver.cursor()
    alone = driver.info.transaction_status == _IDLE and driver.autocommit
    if alone:
        cursor.execute("BEGIN")
    try:
        if params:
            cursor.execute(before, params)
        else:
            cursor.execute(before.replace("%%", "%"))
        yield
    except BaseException:
        if alone and not driver.closed:
            _roll_back(cursor)
        raise
    if alone:
        cursor.execute("COMMIT")
