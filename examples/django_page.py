#!/usr/bin/env python3
"""The page, under Django: create, change, write what changed.

usage: django_page.py [FILE]    a SQLite file; default: a new one in memory
"""

import random
import string
import sys
import time
from random import randint

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sys.argv[1] if len(sys.argv) > 1 else ":memory:",
        }
    },
    INSTALLED_APPS=["bulkmodel"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.db import connection, models  # noqa: E402

from bulkmodel.models import BulkModel  # noqa: E402


class Foo(BulkModel):
    name = models.CharField(max_length=50, blank=False)
    value = models.IntegerField(null=False)

    class Meta:
        app_label = "page"


def some_rows(n: int) -> list[Foo]:
    ls = []
    for _ in range(n):
        ls.append(
            Foo(
                # random string
                name="".join(random.choices(string.ascii_uppercase, k=25)),
                # random value
                value=randint(0, 1000),
            )
        )
    return ls


def main() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Foo)

    # create instances and return a queryset of the created items
    foos = Foo.objects.bulk_create(some_rows(10), return_queryset=True)
    for foo in foos:
        print(foo.pk, foo.name, foo.value)

    for foo in foos:
        foo.value += randint(100, 200)

    # update all fields that changed
    print("updated", foos.update_fields(), "rows that changed")

    # or update just the value field
    print("updated", foos.update_fields("value"), "rows by name")

    # concurrently write foos into the database
    many = some_rows(10_000)
    begin = time.perf_counter()
    Foo.objects.bulk_create(many, concurrent=True, batch_size=1000, max_concurrent_workers=10)
    print(f"wrote {len(many)} rows in {time.perf_counter() - begin:.3f} s")

    # a heterogeneous update can be written concurrently, too
    foos.update_fields(concurrent=True, batch_size=1000, max_concurrent_workers=10)


if __name__ == "__main__":
    main()
