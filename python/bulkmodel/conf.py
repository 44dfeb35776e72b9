"""Settings, read when they are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bulkmodel.database import ImproperlyConfigured, has_django

if has_django:
    from django.conf import settings
else:
    settings = None  # type: ignore[assignment]  # each has its default


def _can_be_read() -> bool:
    """Return whether Django has settings: a program that calls attach() may only import it."""
    return settings is None or settings.configured or "DJANGO_SETTINGS_MODULE" in os.environ


def max_concurrent_batch_writes() -> int:
    """Return the maximum number of connections for one call."""
    value = getattr(settings, "MAX_CONCURRENT_BATCH_WRITES", 4)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ImproperlyConfigured("MAX_CONCURRENT_BATCH_WRITES must be a positive integer.")
    return value


def always_use_concurrent_batch_writes() -> bool:
    """Return whether writes are concurrent by default."""
    value = getattr(settings, "ALWAYS_USE_CONCURRENT_BATCH_WRITES", False)
    if not isinstance(value, bool):
        raise ImproperlyConfigured("ALWAYS_USE_CONCURRENT_BATCH_WRITES must be True or False.")
    return value


def locate_in_atomic(is_small: bool) -> bool:
    """Return whether a call inside a transaction sets a savepoint, which it needs to find the row
    of an error.  By default a small call does not: the savepoint would double its time."""
    value = getattr(settings, "BULKMODEL_LOCATE_IN_ATOMIC", None)
    if not isinstance(value, bool | None):
        raise ImproperlyConfigured("BULKMODEL_LOCATE_IN_ATOMIC must be True, False or None.")
    return not is_small if value is None else value


def sqlite_probe() -> bool:
    """Return whether to use the virtual table where SQLite cannot load extensions."""
    value = getattr(settings, "BULKMODEL_SQLITE_PROBE", True) if _can_be_read() else True
    if not isinstance(value, bool):
        raise ImproperlyConfigured("BULKMODEL_SQLITE_PROBE must be True or False.")
    return value


def faults() -> Iterator[str]:
    """Return what is wrong with the settings, a message for each that has an invalid value."""
    readers = (
        max_concurrent_batch_writes,
        always_use_concurrent_batch_writes,
        lambda: locate_in_atomic(False),
        sqlite_probe,
    )
    for read in readers:
        try:
            read()
        except ImproperlyConfigured as error:
            yield str(error)


def workers(concurrent: bool | None, max_concurrent_workers: int | None) -> int:
    """Return the number of workers for a call.  ValueError: it is not a positive integer."""
    most = max_concurrent_workers
    if most is not None and not (hasattr(type(most), "__index__") and most > 0):
        raise ValueError("max_concurrent_workers must be a positive integer.")
    if not (always_use_concurrent_batch_writes() if concurrent is None else concurrent):
        return 1
    most = max_concurrent_batch_writes()
    return min(most, max_concurrent_workers or most)
