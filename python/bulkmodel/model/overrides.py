"""Methods of Django's querysets that another class overrides, or that were patched at run time.

Django calls them, so they are called here too: the engine does a call only where every method that
Django would call for it is Django's own.
"""

from __future__ import annotations

from typing import Any

from django.db.models import query

# What Django's bulk_create() and bulk_update() call on the queryset.
CREATE_STEPS = (
    "_batched_insert",
    "_check_bulk_create_options",
    "_insert",
    "_prepare_for_bulk_create",
)
UPDATE_STEPS = ("filter", "_filter_or_exclude", "_filter_or_exclude_inplace")


def is_djangos(owner: Any, *names: str) -> bool:
    """Are these methods the functions of django.db.models.query?  owner: a queryset, its class, or
    super() of one of them."""
    return overridden(owner, *names) is None


def overridden(owner: Any, *names: str) -> str | None:
    """The first of these methods that is not Django's own."""
    for name in names:
        if getattr(getattr(owner, name, None), "__globals__", None) is not vars(query):
            return name
    return None
