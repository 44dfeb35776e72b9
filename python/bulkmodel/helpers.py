"""Small utilities for projects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

_Item = TypeVar("_Item")
# Slices of these types are cheap and have the same type.
_SLICED = (list, tuple, range, str, bytes)


def get_chunks(
    l: Iterable[_Item],  # noqa: E741
    n: int,
    max_chunks: int | None = None,
) -> Iterator[Sequence[_Item]]:
    """Yield the items of `l` in chunks of `n`; the last chunk may be smaller.  Lists, tuples,
    ranges and strings give slices; any other iterable is read chunk by chunk.

    max_chunks: the maximum number of chunks; `n` grows if necessary.  This needs the length of `l`,
    so an iterator is read first.  ValueError: a number is not positive.
    """
    if n <= 0:
        raise ValueError("The size of a chunk must be a positive integer.")
    if max_chunks is not None:
        if max_chunks <= 0:
            raise ValueError("max_chunks must be a positive integer.")
        items: Any = l if hasattr(l, "__len__") else list(l)
        return _chunks(items, max(n, -(-len(items) // max_chunks)))
    return _chunks(l, n)


def _chunks(items: Iterable[_Item], n: int) -> Iterator[Sequence[_Item]]:
    if isinstance(items, _SLICED):
        for i in range(0, len(items), n):
            yield items[i : i + n]
        return
    rest = iter(items)
    while chunk := list(islice(rest, n)):
        yield chunk
