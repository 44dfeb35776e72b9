"""Start a thread so that an interrupt cannot leave it unknown whether it runs."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable


class NotStarted(RuntimeError):
    """The caller was interrupted before the thread started."""

    def __init__(self, interrupt: BaseException) -> None:
        super().__init__("The thread was not started.")
        self.interrupt = interrupt


def start(run: Callable[[], None], name: str) -> tuple[threading.Thread, BaseException | None]:
    """Start a thread in the caller's context.  Return it, and the exception that interrupted the
    caller meanwhile, if any.  RuntimeError: no thread could be started."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name=name)
    try:
        thread.start()
    except RuntimeError:
        raise
    except BaseException as error:  # an interrupt while thread.start() waited
        for _ in range(500):
            if thread.ident is not None:
                return thread, error
            time.sleep(0.01)
        raise NotStarted(error) from error
    return thread, None
