"""Options that several methods share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container
from typing import Any, NamedTuple, TypeVar, cast

from bulkmodel import conf

_Method = TypeVar("_Method", bound=Callable[..., Any])

NAMES = frozenset(
    {
        "batch_size",
        "commit_timeout",
        "concurrent",
        "max_concurrent_workers",
        "return_queryset",
        "send_signals",
        "send_signal",
        "signal",
        "timeout",
        "commit_check",
        "retries",
    }
)

# Options of bulk_create() that update() does not have.
OF_CREATE = frozenset({"lookups"})
# Options of bulk_create() and bulk_update() that update(), one statement, refuses.
OF_PARTS = frozenset({"commit_every"})

# Common wrong names of options.
MISNAMED = {"concurrency": "concurrent"}
NO_OPTIONS = {"bulk_update"}  # it has only Django's arguments


def refuse_misnamed(method: str, given: dict[str, Any], fields: Container[str] = ()) -> None:
    """Raise TypeError for a common wrong name of an option, and suggest the right one."""
    for name, right in MISNAMED.items():
        if name in given and name not in fields:
            where = "update_fields() has" if method in NO_OPTIONS else "the option is"
            raise TypeError(
                f"{method}() got an unexpected keyword argument {name!r}: {where} {right!r}"
            )


def checks_names(method: _Method) -> _Method:
    """Decorate a method so that its TypeError suggests the right option."""

    @functools.wraps(method)
    def checked(*args: Any, **options: Any) -> Any:
        if options:
            refuse_misnamed(method.__name__, options)
        return method(*args, **options)

    return cast(_Method, checked)


def is_size(value: Any) -> bool:
    """Return whether the value is a positive integer or None."""
    return value is None or (hasattr(type(value), "__index__") and value > 0)


class Options(NamedTuple):
    """The options of one call."""

    batch_size: int | None  # rows in one statement; None: the engine chooses
    workers: int  # maximum number of connections
    signals: bool
    return_queryset: bool
    commit_check: bool | None = None  # None: only for a call of several statements
    retries: int = 0


def options_of(
    batch_size: int | None = None,
    concurrent: bool | None = None,
    max_concurrent_workers: int | None = None,
    return_queryset: bool = False,
    send_signals: bool = True,
    send_signal: bool = True,
    signal: bool = True,
    commit_check: bool | None = None,
    retries: int = 0,
) -> Options:
    """Check and return the options.  ValueError: one of them has an invalid value."""
    if not is_size(batch_size):
        raise ValueError("Batch size must be a positive integer.")
    if not hasattr(type(retries), "__index__") or retries < 0:
        raise ValueError("retries must be a non-negative integer.")
    workers = conf.workers(concurrent, max_concurrent_workers)
    heard = send_signals and send_signal and signal
    return Options(batch_size, workers, heard, return_queryset, commit_check, retries)


def merged(said: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Merge the options of a call with those of bulk_options().  The call's own come first."""
    unsaid = {"return_queryset": False, "send_signals": True, "retries": 0}
    own = {name: value for name, value in said.items() if value is not unsaid.get(name)}
    return {**said, **given, **own}
