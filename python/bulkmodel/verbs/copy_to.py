"""copy_to_instances(): the rows of a queryset as instances, faster than list()."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from django.db import connections, models

from bulkmodel.engine.postgresql import refuse_in_the_middle
from bulkmodel.engine.support import Fallback
from bulkmodel.engine.timeouts import timed_chunks
from bulkmodel.helpers import get_chunks
from bulkmodel.model.hydrate import Hydrator


def _selecting(queryset: Any, columns: Iterable[str] | None) -> Any:
    """Return an unevaluated copy of the queryset with these columns and the primary key."""
    refuse_in_the_middle(connections[queryset.db])
    if columns is None:
        return queryset._chain()
    if isinstance(columns, str):
        raise TypeError("columns must be a list of field names, not a string.")
    opts = queryset.model._meta
    names = []
    for name in columns:
        field = opts.pk if name == "pk" else opts.get_field(name)
        if name != "pk" and (not field.concrete or field.many_to_many):
            raise ValueError(
                f"{name!r} is not a concrete field: only concrete fields can be copied."
            )
        names.append("pk" if name == "pk" else field.name)
    return queryset.only("pk", *names)


def copy_to_instances(queryset: Any, columns: Iterable[str] | None) -> list[Any]:
    """Return all rows."""
    selected = _selecting(queryset, columns)
    try:
        objects = Hydrator(selected, keep=False).all()
    except Fallback:
        return list(selected)
    if selected._prefetch_related_lookups:
        models.prefetch_related_objects(objects, *selected._prefetch_related_lookups)
    return objects


def iter_copy_to_instances(
    queryset: Any, columns: Iterable[str] | None, chunk_size: int, timeout: float | None = None
) -> Iterator[Any]:
    """Yield the rows while they arrive.  Wrong arguments are refused by the call itself."""
    if chunk_size <= 0:
        raise ValueError("Chunk size must be strictly positive.")
    selected = _selecting(queryset, columns)
    connection = connections[selected.db]
    lookups: tuple[Any, ...] = ()
    try:
        chunks: Iterator[Any] = Hydrator(selected, keep=False).chunks(chunk_size)
        lookups = selected._prefetch_related_lookups
    except Fallback:
        rows = selected.iterator(chunk_size)
        if timeout is None:
            return iter(rows)
        chunks = get_chunks(iter(rows), chunk_size)
    return _prefetched(timed_chunks(chunks, [connection], timeout, None), lookups)


def _prefetched(chunks: Iterator[list[Any]], lookups: tuple[Any, ...]) -> Iterator[Any]:
    with closing(chunks):  # type: ignore[type-var]
        for objects in chunks:
            if lookups:
                models.prefetch_related_objects(objects, *lookups)
            yield from objects
