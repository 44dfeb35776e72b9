"""django-pgtrigger: triggers that refuse a write, and ignore(), which is an execute_wrapper."""

from __future__ import annotations

from typing import Any

from common import case, compare, empty, main, start

start("pgtrigger")

import pgtrigger  # noqa: E402
from django.db import DatabaseError, models  # noqa: E402

from bulkmodel.models import BulkModelManager  # noqa: E402


@pgtrigger.register(
    pgtrigger.Protect(name="kept", operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete)
)
class Kept(models.Model):
    name = models.CharField(max_length=20, unique=True)
    value = models.IntegerField()

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        app_label = "partner"


class Ignoring:
    """The manager, with each call where the trigger is ignored."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.manager, name)

        def call(*given: Any, **options: Any) -> Any:
            with pgtrigger.ignore("partner.Kept:kept"):
                return method(*given, **options)

        return call


class Managers:
    django = Ignoring(Kept.django)
    objects = Ignoring(Kept.objects)


def rows() -> list[Any]:
    return sorted(Kept.django.values_list("name", "value"))


@case
def the_trigger_refuses_what_is_not_ignored() -> None:
    empty()
    for n in (1, 3, 1500):
        made = [Kept(name=f"n{i}", value=i) for i in range(n)]
        for write in (Kept.django.bulk_create, Kept.objects.bulk_create):
            try:
                write(made)
            except DatabaseError as error:
                assert "Cannot" in str(error), error
            else:
                raise AssertionError(f"{n} rows were written")
    assert rows() == []


verbs = (
    "bulk_create",
    "bulk_update",
    "upsert",
    "copy_from_objects",
    "update_fields",
    "bulk_upsert",
)
compare(Managers, lambda i: Kept(name=f"n{i}", value=i), rows, verbs=verbs)

if __name__ == "__main__":
    main(pgtrigger.install)
