"""Threads that are there, or are not, even if the caller is interrupted while one starts."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable


class NotStarted(RuntimeError):
    """The caller was interrupted before there was a thread."""

    def __init__(self, interrupt: BaseException) -> None:
        super().__init__("The thread was not started.")
        self.interrupt = interrupt


def start(run: Callable[[], None], name: str) -> tuple[threading.Thread, BaseException | None]:
    """A thread that runs, in the caller's context, and what interrupted the caller meanwhile.
    RuntimeError: there can be no further thread."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name=name)
    try:
        thread.start()
    except RuntimeError:
        raise
    except BaseException as error:  # thread.start() waits for what it has started
        for _ in range(500):
            if thread.ident is not None:
                return thread, error
            time.sleep(0.01)
        raise NotStarted(error) from error
    return thread, None
