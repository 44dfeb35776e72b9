"""The timeout of a call.  A watchdog thread asks the server to cancel, and shuts the socket down if
the server does not answer.

One clock covers the whole call until its first COMMIT is sent.  All COMMITs then share
`commit_timeout`.  The time that a consumer of rows takes does not count.
"""

from __future__ import annotations

import functools
import inspect
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bulkmodel.database import DatabaseError, Error, InterfaceError, OperationalError
from bulkmodel.engine import psycopg2
from bulkmodel.engine.connections import came_out_of_driver, close_in_the_middle
from bulkmodel.errors import CallTimeout, CommitUnknown, PartialCommit

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

NAMES = ("timeout", "commit_timeout")
COMMIT_SECONDS = 5.0
# Seconds between the request to cancel and shutting the socket down.
_GRACE = 0.1
# Seconds.  An interrupt of SQLite between two statements stops neither, so it is repeated.
_AGAIN = 0.02

_Method = TypeVar("_Method", bound=Callable[..., Any])


class _Watched:
    """A connection that the call waits on."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.driver: Any = None
        self.is_shut = False
        self._canceller: threading.Thread | None = None
        self._descriptor: int | None = None
        self._cancel: psycopg2.Cancel | None = None

    def prepare(self) -> None:
        """Take what cancel() and shut_down() need.  release() frees it."""
        self.driver = self.connection.connection
        # A duplicate, so that it cannot become the descriptor of another file.
        self._descriptor = self._duplicate()
        if self.driver is not None:
            self._prepare_cancel(self.driver)

    def _prepare_cancel(self, driver: Any) -> None:
        if hasattr(driver, "pgconn_ptr"):  # psycopg2
            with suppress(Exception):
                self._cancel = psycopg2.Cancel(driver)

    def _duplicate(self) -> int | None:
        driver = self._driver()  # it may have connected meanwhile
        if self.connection.vendor == "sqlite" or driver is None:
            return None
        with suppress(Exception):
            return os.dup(driver.fileno())
        return None

    def cancel(self) -> None:
        """Ask the server to cancel, in a thread that delays the call by _GRACE at most."""
        if self.connection.vendor == "sqlite":
            self._interrupt()
        elif self._canceller is None and self._driver() is not None:
            driver = self._driver()
            if self._cancel is None:
                self._prepare_cancel(driver)
            self._canceller = threading.Thread(
                target=self._request, args=(driver,), name="bulkmodel cancel", daemon=True
            )
            self._canceller.start()

    def _driver(self) -> Any:
        return self.driver if self.driver is not None else self.connection.connection

    def _interrupt(self) -> None:
        driver: Any = self.connection.connection
        if driver is not None:
            with suppress(Exception):
                driver.interrupt()

    def _request(self, driver: Any) -> None:
        with suppress(Exception):
            if hasattr(driver, "cancel_safe"):
                driver.cancel_safe(timeout=_GRACE)
            elif self._cancel is not None:
                self._cancel.send()
                self._cancel.close()
            elif not hasattr(driver, "pgconn_ptr"):
                driver.cancel()

    def shut_down(self) -> None:
        """Shut the socket down, which wakes its reader or writer.  Its owner closes it."""
        if self.connection.vendor == "sqlite":
            return
        self._descriptor = self._duplicate() if self._descriptor is None else self._descriptor
        if self._descriptor is not None:
            self.is_shut = True
            with suppress(OSError):
                shut_down(self._descriptor)

    def release(self) -> None:
        """End the watch.  A request to cancel that is still under way could hit a later statement,
        so that connection is shut down."""
        if self._canceller is None and self._cancel is not None:
            self._cancel.close()
            self._cancel = None  # a stream takes another one for its next chunk
        if self._canceller is not None:
            self._canceller.join(_GRACE)
            if self._canceller.is_alive() and not self.is_shut:
                self.shut_down()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self) -> None:
        """Close a connection that was shut down.  Called by the thread that owns it."""
        vars(self.connection).pop("connect", None)
        if self.is_shut and self.connection.connection is self._driver():
            with suppress(Error):
                self.connection.close()


def shut_down(descriptor: int) -> None:
    """Shut a connection's socket down, which wakes its reader or writer.  It stays open."""
    with socket.socket(fileno=os.dup(descriptor)) as own:
        own.shutdown(socket.SHUT_RDWR)


def stay_closed(connection: BaseDatabaseWrapper) -> None:
    """Prevent reconnecting: after a failed ROLLBACK Django's atomic() would connect again to a
    server that does not answer."""
    vars(connection)["connect"] = _refuse


def _refuse() -> None:
    raise OperationalError(
        "The connection was closed after the timeout. The call does not reconnect."
    )


class Clock:
    """The timeout of one call, and its watchdog thread."""

    def __init__(
        self, connections: Iterable[BaseDatabaseWrapper], seconds: float, commit_seconds: float
    ) -> None:
        """Nothing is taken before resume(): a stream may never be read."""
        self.seconds = seconds
        self.commit_seconds = commit_seconds
        self.is_late = False
        self.is_committing = False
        self._deadline = time.monotonic() + seconds
        self._paused_at: float | None = None
        self._over = False
        self._watched = [_Watched(connection) for connection in connections]
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------------ in the caller's threads

    def watch(self, connection: BaseDatabaseWrapper) -> None:
        with self._changed:
            self._watched.append(_Watched(connection))
            self._watched[-1].prepare()
            if self.is_late:
                stay_closed(connection)
                self._watched[-1].cancel()

    def forget(self, connection: BaseDatabaseWrapper) -> None:
        """Stop watching a connection that its thread is about to close."""
        with self._changed:
            gone = [one for one in self._watched if one.connection is connection]
            self._watched = [one for one in self._watched if one.connection is not connection]
        for one in gone:
            one.release()

    def start(self) -> None:
        self._over = False
        self._thread = threading.Thread(target=self._main, name="bulkmodel timeout", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watchdog thread."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def pause(self) -> None:
        """Stop the clock while the consumer works with the rows."""
        self.stop()
        self._paused_at = time.monotonic()

    def resume(self) -> None:
        if self._paused_at is not None:
            self._deadline += time.monotonic() - self._paused_at
            self._paused_at = None
        for one in self._watched:
            one.prepare()
        self.start()

    def release(self) -> None:
        for one in self._watched:
            one.release()

    def discard(self) -> None:
        for one in self._watched:
            one.discard()

    def check(self) -> None:
        """Raise CallTimeout if the time is over."""
        if not self.is_committing and time.monotonic() >= self._deadline:
            raise self.error()

    def committing(self) -> None:
        """Start the commit phase.  CallTimeout: the time is over, so COMMIT must not be sent."""
        with self._changed:
            if not self.is_committing:
                if self.is_late:
                    raise self.error()
                self.check()
                self.is_committing = True
                self._deadline = time.monotonic() + self.commit_seconds
                self._changed.notify_all()

    def left_to_ask(self, most: float) -> float:
        """Return the seconds left for checking a lost COMMIT.  It is never zero."""
        return min(max(self._deadline - time.monotonic(), 2 * _GRACE), most)

    def error(self) -> CallTimeout:
        limit = "commit timeout" if self.is_committing else "timeout"
        seconds = self.commit_seconds if self.is_committing else self.seconds
        return CallTimeout(f"The call exceeded its {limit} of {seconds:g} seconds.")

    # --------------------------------------------------------------------- in the watching thread

    def _main(self) -> None:
        with self._changed:
            while not self._over and (left := self._deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._over:
                return
            self.is_late = True
            for one in self._watched:
                stay_closed(one.connection)
            self._end()

    def _end(self) -> None:
        """Cancel, then shut down.  COMMIT is not cancelled: it may be waiting for a standby."""
        until = time.monotonic() + (0 if self.is_committing else _GRACE)
        while not self._over and (left := until - time.monotonic()) > 0:
            for one in self._watched:
                one.cancel()
            self._changed.wait(min(left, _AGAIN))
        while not self._over:
            for one in self._watched:
                one.shut_down()
                if not self.is_committing:
                    one.cancel()
            self._changed.wait(_AGAIN)


@contextmanager
def limited(
    connections: Iterable[BaseDatabaseWrapper], seconds: float | None, commit: float | None
) -> Iterator[Clock | None]:
    """Limit a call on these connections to `seconds`.  None: no limit."""
    clock = _clock(connections, seconds, commit)
    if clock is None:
        yield None
        return
    with _running(clock):
        yield clock


def _clock(
    connections: Iterable[BaseDatabaseWrapper], seconds: float | None, commit: float | None
) -> Clock | None:
    for name, value in (("timeout", seconds), ("commit_timeout", commit)):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be a positive number of seconds.")
    if seconds is None:
        return None
    return Clock(connections, seconds, commit or COMMIT_SECONDS)


@contextmanager
def _running(clock: Clock) -> Iterator[None]:
    """Run the clock during a part of a call."""
    wrappers: list[Any] = [one.connection for one in clock._watched]
    before = [getattr(wrapper, "_bulkmodel_clock", None) for wrapper in wrappers]
    patience = [_limit_busy(wrapper, clock) for wrapper in wrappers]
    for wrapper in wrappers:
        wrapper._bulkmodel_clock = clock
    clock.resume()
    try:
        yield
    except BaseException as error:
        clock.stop()
        clock.release()
        late = clock.error() if clock.is_late else None
        clock.discard()
        if late is not None and _is_of_the_timeout(error, wrappers):
            raise late from error
        raise
    else:
        clock.stop()
        clock.release()
        clock.discard()
    finally:
        for wrapper, clock_before, busy in zip(wrappers, before, patience):
            wrapper._bulkmodel_clock = clock_before
            _restore_busy(wrapper, busy)


def _is_of_the_timeout(error: BaseException, wrappers: Iterable[Any]) -> bool:
    """Return whether the timeout caused the error.  An unknown outcome must not be hidden."""
    if isinstance(error, CommitUnknown | PartialCommit | CallTimeout):
        return False
    # Django does not translate an error of closing a cursor after its statement was cancelled.
    if any(isinstance(error, wrapper.Database.OperationalError) for wrapper in wrappers):
        return True
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def _limit_busy(connection: BaseDatabaseWrapper, clock: Clock) -> int | None:
    """Limit busy_timeout, during which SQLite ignores interrupts.  Return its former value."""
    driver: Any = connection.connection
    if connection.vendor != "sqlite" or driver is None:
        return None
    (before,) = driver.execute("PRAGMA busy_timeout").fetchone()
    most = max(int(clock.seconds * 1000), 1)
    if before > most:
        driver.execute(f"PRAGMA busy_timeout = {most}")
        return int(before)
    return None


def _restore_busy(connection: BaseDatabaseWrapper, before: int | None) -> None:
    driver: Any = connection.connection
    if before is not None and driver is not None:
        with suppress(Exception):
            driver.execute(f"PRAGMA busy_timeout = {before}")


def clock_of(connection: BaseDatabaseWrapper) -> Clock | None:
    """Return the clock of the call that uses this connection."""
    return getattr(connection, "_bulkmodel_clock", None)


def check(connection: BaseDatabaseWrapper) -> None:
    """Raise CallTimeout if the time is over.  Called before a statement."""
    clock = clock_of(connection)
    if clock is not None:
        clock.check()


def join(caller: BaseDatabaseWrapper, connection: BaseDatabaseWrapper) -> None:
    """Put a worker's connection under the caller's clock."""
    clock = clock_of(caller)
    if clock is not None:
        worker: Any = connection
        worker._bulkmodel_clock = clock
        clock.watch(connection)


def leave(connection: BaseDatabaseWrapper) -> None:
    """Stop watching a worker's connection.  Called by its thread before closing it."""
    clock = clock_of(connection)
    if clock is not None:
        clock.forget(connection)


def committing(connection: BaseDatabaseWrapper) -> None:
    """Start the commit phase of the call.  Called before the first COMMIT."""
    clock = clock_of(connection)
    if clock is not None:
        clock.committing()


def timed(method: _Method) -> _Method:
    """Add the keywords `timeout` and `commit_timeout` (seconds) to a method, and close a connection
    that an interrupt or a signal handler leaves in the middle of a statement.  In update() a
    keyword with the name of a field means the field."""
    of_values = method.__name__ == "update"

    @functools.wraps(method)
    def within(self: Any, *args: Any, **options: Any) -> Any:
        try:
            if not options and not self._bm_options and not self._bm_create_options:
                return method(self, *args)
            return limited_by(self, args, options)
        except BaseException as error:
            if came_out_of_driver(error):
                for connection in self._connections():
                    close_in_the_middle(connection, error)
            raise

    def limited_by(self: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        given: dict[str, Any] = {}
        if of_values or method.__name__ == "bulk_create":
            given = {**(self._bm_options or {}), **(self._bm_create_options or {})}
        fields = {field.name for field in self.model._meta.get_fields()} if of_values else ()
        for name in NAMES:
            if name in options and name not in fields:
                given[name] = options.pop(name)
        limits = [given.get(name) for name in NAMES]
        if limits == [None, None]:
            return method(self, *args, **options)
        with limited(self._connections(), *limits):
            return method(self, *args, **options)

    if not of_values:
        within.__signature__ = _signature(method)  # type: ignore[attr-defined]
    return cast(_Method, within)


def _signature(method: Callable[..., Any]) -> inspect.Signature:
    """Return the method's signature with the added keywords."""
    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())
    further = parameters.pop() if parameters[-1].kind is inspect.Parameter.VAR_KEYWORD else None
    for name in NAMES:
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None))
    return signature.replace(parameters=[*parameters, further] if further else parameters)


def timed_chunks(
    chunks: Iterator[Any],
    connections: Iterable[BaseDatabaseWrapper],
    seconds: float | None,
    commit: float | None,
) -> Iterator[Any]:
    """Read chunks under a timeout.  The consumer's own time does not count, and no watchdog thread
    runs meanwhile."""
    clock = _clock(connections, seconds, commit)
    if clock is None:
        return chunks
    clock.pause()
    return _timed_chunks(chunks, clock)


def _timed_chunks(chunks: Iterator[Any], clock: Clock) -> Iterator[Any]:
    end = object()
    try:
        while True:
            with _running(clock):
                clock.check()
                chunk = next(chunks, end)
            clock.pause()
            if chunk is end:
                return
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


# Settings that limit a wait on PostgreSQL: of libpq, and of the server.
_OF_LIBPQ = ("connect_timeout", "tcp_user_timeout", "keepalives_idle")
_OF_SERVER = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
)


def is_bounded(connection: Any, may_ask: bool) -> bool:
    """Return whether a setting limits how long a call waits for the server.  may_ask: the server's
    settings may be queried."""
    if connection.vendor != "postgresql":
        return True
    given = connection.settings_dict.get("OPTIONS") or {}
    said = str(given.get("options") or "")
    if any(given.get(name) for name in _OF_LIBPQ) or any(name in said for name in _OF_SERVER):
        return True
    if not may_ask:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_settings WHERE name = ANY(%s) AND setting <> '0'",
                [list(_OF_SERVER)],
            )
            return bool(cursor.fetchone()[0])
    except DatabaseError:
        return False
