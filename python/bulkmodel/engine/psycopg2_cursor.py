"""psycopg2's cursor for the engine.  It binds no binary parameters: values are text, which psycopg2
quotes.  Imported only where Django uses psycopg2."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import nullcontext
from typing import Any

from psycopg2 import extensions  # type: ignore[import-untyped]

from bulkmodel import _core
from bulkmodel.engine.hooked import Sent, received, together
from bulkmodel.engine.statements import Step

# Bytes that psycopg2 asks for at a time.
_BLOCK = 1 << 16


class Blocks:
    """The data of a COPY, generated while psycopg2 reads it."""

    def __init__(self, job: _core.Job, step: Step, note: str, sent: Sent) -> None:
        self.rows = step.n
        self.note = note
        self.sent = sent
        self._errors: list[BaseException] = []
        reader = _read(job, step.beside, self._errors)
        next(reader)
        self.read = reader.send

    def __repr__(self) -> str:
        return f"<{self.rows} rows>"

    def getquoted(self) -> bytes:
        """Return the parameter as the query log shows it."""
        return repr(self).encode()

    def __conform__(self, protocol: Any) -> Any:
        return self if protocol is extensions.ISQLQuote else None

    @property
    def error(self) -> BaseException | None:
        """What was raised while psycopg2 read."""
        return self._errors[0] if self._errors else None


def _read(
    job: _core.Job, beside: Callable[[], None], errors: list[BaseException]
) -> Generator[bytes, int, None]:
    """Yield the next bytes, as many as are asked for at most.

    psycopg2 replaces an exception that is raised here, so it is kept in `errors`.  A method would
    not see one that a signal handler raises as it begins; a generator goes on inside its try."""
    left = memoryview(b"")
    data = b""
    try:
        while True:
            size = yield data
            if not left:
                beside()
                left = memoryview(job.pull() or b"")
            data, left = bytes(left[:size]), left[size:]
    except GeneratorExit:
        raise
    except BaseException as error:
        errors.append(error)
        raise


class EngineCursor(extensions.cursor):  # type: ignore[misc]
    """A cursor for COPY as a statement with one parameter."""

    def execute(self, query: Any, vars: Any = None) -> Any:
        for value in vars or ():
            if isinstance(value, Blocks):
                return self._execute(query, vars, value)
        return super().execute(query, vars)

    def _execute(self, query: Any, vars: Any, blocks: Blocks) -> Any:
        got = received(blocks.sent, query, vars)
        if got.is_ours:
            text = got.text.replace(blocks.note, "").replace("%%", "%")
        else:
            text = self.mogrify(got.text, got.params)
        first = together(self.connection, got.before, got.before_params)
        with first if got.before else nullcontext():
            return self._load(blocks, text)

    def _load(self, blocks: Blocks, text: str) -> Any:
        try:
            return self.copy_expert(text, blocks, _BLOCK)
        except BaseException:
            if blocks.error is not None:
                raise blocks.error from None
            raise


def _cursor_class(factory: Any) -> Any:
    """Return an EngineCursor that is also one of the connection's own class, whose methods come
    first."""
    if not isinstance(factory, type) or issubclass(extensions.cursor, factory):
        return EngineCursor
    return type("EngineCursor", (factory, EngineCursor), {})


def parameters(job: _core.Job | None, step: Step, sent: Sent) -> list[Any]:
    """Return the parameters of a step: psycopg2 binds text."""
    return sent.texts()


def cells(rows: list[Any]) -> list[Any]:
    """Return rows with bytes in the place of psycopg2's memoryviews."""
    if not any(type(cell) is memoryview for row in rows[:1] for cell in row):
        return rows
    return [tuple(bytes(c) if type(c) is memoryview else c for c in row) for row in rows]
