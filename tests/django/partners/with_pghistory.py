"""django-pghistory: events of the rows, and the context of the call, which an execute_wrapper puts
in front of each statement."""

from __future__ import annotations

from typing import Any

from common import compare, main, start

start("pgtrigger", "pghistory")

import pghistory  # noqa: E402
import pgtrigger  # noqa: E402
from django.db import models, transaction  # noqa: E402

from bulkmodel.models import BulkModelManager  # noqa: E402


@pghistory.track()
class Priced(models.Model):
    name = models.CharField(max_length=20, unique=True)
    value = models.IntegerField()

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        app_label = "partner"


Events = Priced.pgh_event_model


def events() -> list[Any]:
    fields = ("pgh_label", "name", "value", "pgh_context__metadata")
    return [sorted(Events.objects.values_list(*fields), key=str)]


class InContext:
    """The manager, with each call in a context."""

    def __init__(self, manager: Any, atomic: bool) -> None:
        self.manager, self.atomic = manager, atomic

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.manager, name)

        def call(*given: Any, **options: Any) -> Any:
            with pghistory.context(user="me"):
                if not self.atomic:
                    return method(*given, **options)
                with transaction.atomic():
                    return method(*given, **options)

        return call


class Managers:
    def __init__(self, atomic: bool) -> None:
        self.django = InContext(Priced.django, atomic)
        self.objects = InContext(Priced.objects, atomic)


verbs = (
    "bulk_create", "bulk_update", "upsert", "copy_from_objects", "update_fields", "bulk_upsert",
    "bulk_delete",
)  # fmt: skip
for atomic in (False, True):
    compare(Managers(atomic), lambda i: Priced(name=f"n{i}", value=i), events, verbs=verbs)

if __name__ == "__main__":
    main(pgtrigger.install)
