"""Samples of the executor and of chunks."""

from __future__ import annotations

# [executor]
from bulkmodel.ce import ConcurrentExecutor
from shop.models import Product


def count(stock: int) -> int:
    return Product.objects.filter(stock=stock).count()


def counts() -> list[int]:
    jobs = [(count, stock) for stock in range(10)]
    return ConcurrentExecutor(jobs, max_workers=4).run_async()


# [end executor]
def chunks() -> list[list[int]]:
    # [chunks]
    from bulkmodel.helpers import get_chunks

    chunks = list(get_chunks([1, 2, 3, 4, 5], 2))  # [1, 2], [3, 4], [5]
    few = list(get_chunks([1, 2, 3, 4, 5], 2, max_chunks=2))  # [1, 2, 3], [4, 5]
    # [end chunks]
    return [list(chunk) for chunk in chunks + few]
