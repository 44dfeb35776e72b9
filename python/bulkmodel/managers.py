"""The manager that a project puts in the place of models.Manager."""

from __future__ import annotations

from django.db import models

from bulkmodel.queryset import BulkModelQuerySet


class BulkModelManager(models.Manager.from_queryset(BulkModelQuerySet)):  # type: ignore[misc]
    """models.Manager, with bulk methods on the engine."""
