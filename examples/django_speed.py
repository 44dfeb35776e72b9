#!/usr/bin/env python3
"""Ours against Django's own on SQLite: create many rows, give some of them other values.

usage: django_speed.py FILE [CREATED [UPDATED]]    a new SQLite file; 100,000 and 10,000 rows
"""

import sys
import time
from collections.abc import Callable

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["bulkmodel"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.db import connection, models  # noqa: E402

from bulkmodel.models import BulkModel  # noqa: E402


class Foo(BulkModel):
    name = models.CharField(max_length=50)
    value = models.IntegerField()

    plain = models.Manager()

    class Meta:
        app_label = "speed"


def seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def rows(n: int) -> list[Foo]:
    return [Foo(name=f"{i:025}", value=i % 1000) for i in range(n)]


def tell(what: str, n: int, ours: float, theirs: float) -> None:
    print(
        f"{what}, {n:,} rows: {ours:.3f} s, Django's own {theirs:.3f} s: {theirs / ours:.1f} times"
    )


def create(n: int) -> None:
    plain, others = rows(n), rows(n)
    theirs = seconds(lambda: Foo.plain.bulk_create(plain, batch_size=1000))
    Foo.plain.all().delete()
    ours = seconds(lambda: Foo.objects.bulk_create(others))
    tell("bulk_create", n, ours, theirs)


def update(n: int) -> None:
    foos = Foo.objects.order_by("pk")[:n]
    for foo in foos:
        foo.value += 1
    ours = seconds(lambda: foos.update_fields("value"))
    others = list(Foo.plain.order_by("pk")[:n])
    for foo in others:
        foo.value += 1
    theirs = seconds(lambda: Foo.plain.bulk_update(others, ["value"], batch_size=500))
    tell("update_fields against bulk_update", n, ours, theirs)


def main() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Foo)
    create(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    update(int(sys.argv[3]) if len(sys.argv) > 3 else 10_000)


if __name__ == "__main__":
    main()
