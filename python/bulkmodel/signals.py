"""The signals of the bulk methods: one pair for each call, whatever the number of its batches.

`pre_` is sent before anything is prepared: a receiver may still change the instances, and its
exception ends the call with nothing written.  `post_` is sent when the call's own transaction is
committed, as post_save is, and never after a failure; inside atomic() the caller's transaction is
still open, and a receiver's exception takes all back.  Exceptions come out as they are.

Both have: instances (a list; None for a stream and for update), field_names, values (update's, else
None), field_defaults (what the model declares for these fields), batch_size, n (how many rows: in
`pre_` the objects given, None where that is not known; in `post_` the rows written or matched),
using.  `post_` also has queryset, which is not evaluated where nothing was read.  field_names of
pre_update_fields is empty where the call writes what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models.signals import ModelSignal

pre_bulk_create = ModelSignal(use_caching=True)
post_bulk_create = ModelSignal(use_caching=True)
pre_update = ModelSignal(use_caching=True)
post_update = ModelSignal(use_caching=True)
pre_update_fields = ModelSignal(use_caching=True)
post_update_fields = ModelSignal(use_caching=True)
pre_copy_from_instances = ModelSignal(use_caching=True)
post_copy_from_instances = ModelSignal(use_caching=True)
on_retry = ModelSignal(use_caching=True)


@dataclass(frozen=True)
class Pair:
    """What is sent before and after a call of one kind."""

    pre: ModelSignal
    post: ModelSignal

    def heard(self, queryset: Any) -> bool:
        """Does somebody listen to calls on such a queryset?"""
        if not (self.pre.receivers or self.post.receivers):
            return False
        return bool(
            self.pre.has_listeners(queryset.model) or self.post.has_listeners(queryset.model)
        )

    def is_heard_after(self, queryset: Any) -> bool:
        """Does somebody listen to what was done?"""
        return bool(self.post.receivers and self.post.has_listeners(queryset.model))


BULK_CREATE = Pair(pre_bulk_create, post_bulk_create)
UPDATE = Pair(pre_update, post_update)
UPDATE_FIELDS = Pair(pre_update_fields, post_update_fields)
COPY_FROM_INSTANCES = Pair(pre_copy_from_instances, post_copy_from_instances)


class Call:
    """A call of which somebody wants to hear."""

    __slots__ = ("facts", "pair")

    def __init__(self, pair: Pair, facts: dict[str, Any]) -> None:
        self.pair = pair
        self.facts = facts


def end(
    call: Call | None,
    n: int,
    make: Callable[[], Any],
    wanted: bool = False,
    field_names: Iterable[str] | None = None,
) -> Any:
    """Say that n rows are written.  make() is their queryset: it is called, and returned, where the
    caller wants it or somebody listens."""
    if call is None:
        return make() if wanted else None
    facts, post = call.facts, call.pair.post
    heard = post.has_listeners(facts["sender"])
    queryset = make() if wanted or heard else None
    if heard and field_names is not None:
        facts |= _named(facts["sender"], list(field_names))
    if heard:
        post.send(**{**facts, "n": n, "queryset": queryset})
    return queryset


def begin(
    pair: Pair,
    queryset: Any,
    wanted: bool,
    *,
    instances: list[Any] | None = None,
    field_names: Iterable[str] | None = None,
    values: dict[str, Any] | None = None,
    batch_size: int | None = None,
    n: int | None = None,
) -> Call | None:
    """Say that a call begins; None where nobody listens.  field_names: None for all that are
    written."""
    model = queryset.model
    if not wanted or not pair.heard(queryset):
        return None
    queryset._for_write = True
    facts = {
        "sender": model,
        "instances": instances,
        **_named(model, list(_written(model) if field_names is None else field_names)),
        "values": None if values is None else dict(values),
        "batch_size": batch_size,
        "using": queryset.db,
    }
    pair.pre.send(**facts, n=n)
    return Call(pair, facts)


def send_retry(
    model: type[models.Model], using: str, replay: int, retries: int, error: Exception
) -> None:
    """Send on_retry, if it has receivers."""
    if on_retry.has_listeners(model):
        on_retry.send(sender=model, using=using, replay=replay, retries=retries, error=error)


def _written(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if not field.generated]


def _named(model: type[models.Model], names: list[str]) -> dict[str, Any]:
    of = {field.name: field for field in model._meta.concrete_fields}
    defaults = {name: of[name].default for name in names if name in of and of[name].has_default()}
    return {"field_names": names, "field_defaults": defaults}
