"""django-prometheus: its backend counts statements by a cursor class of its own."""

from __future__ import annotations

from common import compare, main, start

start("django_prometheus", engine="django_prometheus.db.backends.postgresql")

from django.db import models  # noqa: E402
from prometheus_client import REGISTRY  # noqa: E402

from bulkmodel.models import BulkModelManager  # noqa: E402


class Counted(models.Model):
    name = models.CharField(max_length=20, unique=True)
    value = models.IntegerField()

    objects = BulkModelManager()
    django = models.Manager()

    class Meta:
        app_label = "partner"


before = 0.0


def count() -> float:
    labels = {"alias": "default", "vendor": "postgresql"}
    return REGISTRY.get_sample_value("django_db_execute_total", labels) or 0.0


def reset() -> None:
    global before
    before = count()


def seen() -> list[object]:
    """The rows, and whether the write was counted."""
    counted = count() > before
    return [sorted(Counted.django.values_list("name", "value")), counted]


compare(Counted, lambda i: Counted(name=f"n{i}", value=i), seen, reset=reset)

if __name__ == "__main__":
    main()
