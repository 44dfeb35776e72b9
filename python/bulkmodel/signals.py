"""Signals of the bulk methods: one pair for each call, not for each batch.

`pre_` signals are sent before anything is prepared.  A receiver may still change the instances.  An
exception in a receiver ends the call, and nothing is written.  `post_` signals are sent after the
call's own transaction has committed, like post_save, and never after an error.  Inside atomic() the
caller's transaction is still open, and an exception in a receiver rolls it back.

Arguments of both: instances (a list; None for a stream and for update()), field_names, values (of
update(), else None), field_defaults (declared by the model for these fields), batch_size, n and
using.  In `pre_` signals n is the number of objects, or None if unknown; in `post_` signals it is
the number of rows written or matched.  `post_` signals also have queryset, which is not evaluated
if nothing was read.  field_names of pre_update_fields is empty if the call writes changed fields.
post_bulk_upsert, post_bulk_sync and post_bulk_delete have result, a BulkResult, too.

`on_retry` is sent before a call with `retries` is repeated.  Its arguments are using, replay (the
number of this repetition, from 1), retries (the limit) and error.
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
pre_bulk_upsert = ModelSignal(use_caching=True)
post_bulk_upsert = ModelSignal(use_caching=True)
pre_bulk_sync = ModelSignal(use_caching=True)
post_bulk_sync = ModelSignal(use_caching=True)
pre_bulk_delete = ModelSignal(use_caching=True)
post_bulk_delete = ModelSignal(use_caching=True)
on_retry = ModelSignal(use_caching=True)


@dataclass(frozen=True)
class Pair:
    """The two signals of one method."""

    pre: ModelSignal
    post: ModelSignal

    def heard(self, queryset: Any) -> bool:
        """Return whether either signal has receivers for the queryset's model."""
        if not (self.pre.receivers or self.post.receivers):
            return False
        return bool(
            self.pre.has_listeners(queryset.model) or self.post.has_listeners(queryset.model)
        )

    def is_heard_after(self, queryset: Any) -> bool:
        """Return whether the `post_` signal has receivers."""
        return bool(self.post.receivers and self.post.has_listeners(queryset.model))


BULK_CREATE = Pair(pre_bulk_create, post_bulk_create)
UPDATE = Pair(pre_update, post_update)
UPDATE_FIELDS = Pair(pre_update_fields, post_update_fields)
COPY_FROM_INSTANCES = Pair(pre_copy_from_instances, post_copy_from_instances)
BULK_UPSERT = Pair(pre_bulk_upsert, post_bulk_upsert)
BULK_SYNC = Pair(pre_bulk_sync, post_bulk_sync)
BULK_DELETE = Pair(pre_bulk_delete, post_bulk_delete)


class Call:
    """A call that has receivers."""

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
    **more: Any,
) -> Any:
    """Send the `post_` signal of a call that wrote n rows.  make() builds their queryset, if the
    caller wants it or the signal has receivers.  Return that queryset, or None."""
    if call is None:
        return make() if wanted else None
    facts, post = call.facts, call.pair.post
    heard = post.has_listeners(facts["sender"])
    queryset = make() if wanted or heard else None
    if heard and field_names is not None:
        facts |= _named(facts["sender"], list(field_names))
    if heard:
        post.send(**{**facts, "n": n, "queryset": queryset, **more})
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
    """Send the `pre_` signal of a call.  Return None if the call has no receivers.  field_names:
    None means all fields."""
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
