"""django-cachalot: queries that it has cached are asked again after each write, which it finds in
the SQL of a cursor."""

from __future__ import annotations

from typing import Any

from common import compare, main, start

start("cachalot", CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}})

from cachalot.api import invalidate  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bulkmodel.models import BulkModelManager  # noqa: E402


class Cached(models.Model):
    name = models.CharField(max_length=20, unique=True)
    value = models.IntegerField()

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        app_label = "partner"


def reset() -> None:
    """Forget what was cached before the table was emptied, and cache what is there."""
    invalidate()
    read()


def read() -> list[Any]:
    return [Cached.django.count(), sorted(Cached.django.values_list("name", "value"))]


def rows() -> list[Any]:
    """What the cache says, and the table."""
    cached = read()
    with CaptureQueriesContext(connection) as captured:
        again = read()
    assert again == cached and len(captured) == 0, "nothing was cached"
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, value FROM partner_cached")
        assert sorted(cursor.fetchall()) == cached[1], "the cache was not told"
    return cached


compare(Cached, lambda i: Cached(name=f"n{i}", value=i), rows, reset=reset)

if __name__ == "__main__":
    main()
