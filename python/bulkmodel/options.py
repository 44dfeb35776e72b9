"""The options that all verbs share, checked once."""

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

# Names that are used for options by mistake.
MISNAMED = {"concurrency": "concurrent"}
NO_OPTIONS = {"bulk_update"}  # its arguments are Django's


def refuse_misnamed(method: str, given: dict[str, Any], fields: Container[str] = ()) -> None:
    """Raise TypeError, with the right name, for an option under a wrong name."""
    for name, right in MISNAMED.items():
        if name in given and name not in fields:
            where = "update_fields() has" if method in NO_OPTIONS else "the option is"
            raise TypeError(
                f"{method}() got an unexpected keyword argument {name!r}: {where} {right!r}"
            )


def checks_names(method: _Method) -> _Method:
    """Make the method name the right option in its TypeError."""

    @functools.wraps(method)
    def checked(*args: Any, **options: Any) -> Any:
        if options:
            refuse_misnamed(method.__name__, options)
        return method(*args, **options)

    return cast(_Method, checked)


def is_size(value: Any) -> bool:
    """Is it a positive integer, or None?"""
    return value is None or (hasattr(type(value), "__index__") and value > 0)


class Options(NamedTuple):
    """How a call is to write."""

    batch_size: int | None  # rows of a statement; None: the engine's choice
    workers: int  # connections at most; 1: one after the other
    signals: bool
    return_queryset: bool
    commit_check: bool | None = None  # None: where the call is of several statements
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
    """The options as they are given; ValueError for what is no size and no number of workers."""
    if not is_size(batch_size):
        raise ValueError("Batch size must be a positive integer.")
    if not hasattr(type(retries), "__index__") or retries < 0:
        raise ValueError("retries must be a non-negative integer.")
    workers = conf.workers(concurrent, max_concurrent_workers)
    heard = send_signals and send_signal and signal
    return Options(batch_size, workers, heard, return_queryset, commit_check, retries)


def merged(said: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What a call says, and what was given before it: a call's own word counts."""
    unsaid = {"return_queryset": False, "send_signals": True, "retries": 0}
    own = {name: value for name, value in said.items() if value is not unsaid.get(name)}
    return {**said, **given, **own}
