"""Find methods of Django's querysets that a class overrides or that were patched at run time.

Django would call them, so they must be called.  The engine does a call only if every method that
Django would call is Django's own.
"""

from __future__ import annotations

from typing import Any

from django.db.models import query

# Methods that Django's bulk_create() and bulk_update() call on the queryset.
CREATE_STEPS = (
    "_batched_insert",
    "_check_bulk_create_options",
    "_insert",
    "_prepare_for_bulk_create",
)
UPDATE_STEPS = ("filter", "_filter_or_exclude", "_filter_or_exclude_inplace")


def is_djangos(owner: Any, *names: str) -> bool:
    """Return whether these methods are the functions of django.db.models.query.  owner: a queryset,
    its class, or super() of one of them."""
    return overridden(owner, *names) is None


def overridden(owner: Any, *names: str) -> str | None:
    """Return the first of these methods that is not Django's own."""
    for name in names:
        if getattr(getattr(owner, name, None), "__globals__", None) is not vars(query):
            return name
    return None
