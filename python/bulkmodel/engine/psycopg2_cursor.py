"""psycopg2's cursor for the engine.  It binds no binary parameters: values are text, which psycopg2
quotes.  Imported only where Django uses psycopg2."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions  # type: ignore[import-untyped]

from bulkmodel import _core
from bulkmodel.engine.statements import NOTE, Step

# Bytes that psycopg2 asks for at a time.
_BLOCK = 1 << 16


class Blocks:
    """The data of a COPY, generated while psycopg2 reads it."""

    def __init__(self, job: _core.Job, step: Step) -> None:
        self.job = job
        self.rows = step.n
        self.beside = step.beside
        self.error: BaseException | None = None
        self._left = memoryview(b"")

    def __repr__(self) -> str:
        return f"<{self.rows} rows>"

    def getquoted(self) -> bytes:
        """Return the parameter as the query log shows it."""
        return repr(self).encode()

    def __conform__(self, protocol: Any) -> Any:
        return self if protocol is extensions.ISQLQuote else None

    def read(self, size: int) -> bytes:
        """Return the next bytes.  psycopg2 replaces an exception that is raised here, so it is
        kept."""
        try:
            if not self._left:
                self.beside()
                self._left = memoryview(self.job.pull() or b"")
        except BaseException as error:
            self.error = error
            raise
        data, self._left = bytes(self._left[:size]), self._left[size:]
        return data


class EngineCursor(extensions.cursor):  # type: ignore[misc]
    """A cursor for COPY as a statement with one parameter."""

    def execute(self, query: Any, vars: Any = None) -> Any:
        if not (vars and isinstance(vars[0], Blocks)):
            return super().execute(query, vars)
        (blocks,) = vars
        try:
            return self.copy_expert(query.removesuffix(NOTE).replace("%%", "%"), blocks, _BLOCK)
        except BaseException:
            if blocks.error is not None:
                raise blocks.error from None
            raise


def parameters(job: _core.Job | None, step: Step) -> list[Any]:
    """Return the parameters of a step.  Without a job they are texts."""
    if job is not None:
        return list(job.texts())
    return [None if cell is None else cell.decode() for cell in step.params]


def cells(rows: list[Any]) -> list[Any]:
    """Return rows with bytes in the place of psycopg2's memoryviews."""
    if not any(type(cell) is memoryview for row in rows[:1] for cell in row):
        return rows
    return [tuple(bytes(c) if type(c) is memoryview else c for c in row) for row in rows]
