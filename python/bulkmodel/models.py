"""BulkModel, an abstract model with the bulk manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from bulkmodel.managers import BulkModelManager

if TYPE_CHECKING:
    from typing_extensions import Self


class BulkModel(models.Model):
    """An abstract model whose rows record which call created them."""

    bm_create_uuid: models.UUIDField[Any, Any] = models.UUIDField(
        null=True, blank=True, default=None, editable=False, db_index=True
    )

    objects: ClassVar[BulkModelManager[Self]] = BulkModelManager()

    class Meta:
        abstract = True
