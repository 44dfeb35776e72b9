"""The settings, read when they are needed."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def max_concurrent_batch_writes() -> int:
    """How many connections one call may write with."""
    value = getattr(settings, "MAX_CONCURRENT_BATCH_WRITES", 4)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ImproperlyConfigured("MAX_CONCURRENT_BATCH_WRITES must be a positive integer.")
    return value


def always_use_concurrent_batch_writes() -> bool:
    """Are writes concurrent where a call does not say?"""
    value = getattr(settings, "ALWAYS_USE_CONCURRENT_BATCH_WRITES", False)
    if not isinstance(value, bool):
        raise ImproperlyConfigured("ALWAYS_USE_CONCURRENT_BATCH_WRITES must be True or False.")
    return value


def locate_in_atomic(is_small: bool) -> bool:
    """Does a call in the caller's transaction set a savepoint, to find the row of an error?  By
    default a call of few rows does not: the savepoint would take as long as the call."""
    value = getattr(settings, "BULKMODEL_LOCATE_IN_ATOMIC", None)
    if not isinstance(value, bool | None):
        raise ImproperlyConfigured("BULKMODEL_LOCATE_IN_ATOMIC must be True, False or None.")
    return not is_small if value is None else value


def sqlite_probe() -> bool:
    """May a SQLite that loads no extensions be given the engine's table all the same?"""
    value = getattr(settings, "BULKMODEL_SQLITE_PROBE", True)
    if not isinstance(value, bool):
        raise ImproperlyConfigured("BULKMODEL_SQLITE_PROBE must be True or False.")
    return value


def workers(concurrent: bool | None, max_concurrent_workers: int | None) -> int:
    """How many workers a call asks for; ValueError for what is no number of them."""
    most = max_concurrent_workers
    if most is not None and not (hasattr(type(most), "__index__") and most > 0):
        raise ValueError("max_concurrent_workers must be a positive integer.")
    if not (always_use_concurrent_batch_writes() if concurrent is None else concurrent):
        return 1
    most = max_concurrent_batch_writes()
    return min(most, max_concurrent_workers or most)
