"""order_with_respect_to: the number of a new row among those of its owner."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.query import QuerySet

from bulkmodel.model.where import InKeys


def give_numbers(model: type[models.Model], objects: list[Any], using: str) -> None:
    """Give objects without a number the next ones of their owner, as save() does."""
    owner: Any = model._meta.order_with_respect_to
    if not owner:
        return
    kind: Any = model._meta.concrete_model
    new = [o for o in objects if isinstance(o, kind) and o._order is None]
    if not new:
        return
    groups = [tuple(owner.get_filter_kwargs_for_object(object).items()) for object in new]
    following = dict.fromkeys(groups, 0)
    for group, highest in _highest(model, owner, list(following), using):
        following[group] = highest + 1
    for object, group in zip(new, groups):
        object._order = following[group]
        following[group] += 1


def _highest(
    model: type[models.Model], owner: Any, groups: list[Any], using: str
) -> list[tuple[Any, int]]:
    """Return the owners that have rows, and their highest numbers."""
    names = [name for name, _ in groups[0]]
    rows: Any = QuerySet(model, using=using).order_by()
    if len(names) == 1:
        known = [values[0][1] for values in groups if values[0][1] is not None]
        rows = rows.filter(InKeys(models.F(owner.attname), known)) if known else rows.none()
    else:
        rows = rows.filter(models.Q(*(models.Q(*group) for group in groups), _connector="OR"))
    found = rows.values_list(*names).annotate(models.Max("_order"))
    return [(tuple(zip(names, values)), highest) for *values, highest in found]
