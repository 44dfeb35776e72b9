"""The manager to use instead of models.Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

from bulkmodel.queryset import BulkModelQuerySet

if TYPE_CHECKING:
    from typing_extensions import Self

    from bulkmodel.typed import TypedManager as _Base
else:
    _Base = models.Manager.from_queryset(BulkModelQuerySet)

_Row = TypeVar("_Row", bound=models.Model, covariant=True)


class BulkModelManager(_Base[_Row]):
    """models.Manager with the bulk methods of this package."""

    def ensure_connected(self) -> Self:
        """Do what the queryset's method does, and return the manager."""
        self.get_queryset().ensure_connected()
        return self

    def reset_connection(self) -> Self:
        """Do what the queryset's method does, and return the manager."""
        self.get_queryset().reset_connection()
        return self

    ensure_connected.alters_data = True  # type: ignore[attr-defined]
    reset_connection.alters_data = True  # type: ignore[attr-defined]

    def count(self) -> int:
        """Django's count()."""
        return int(self._links_or_rows().count())

    def exists(self) -> bool:
        """Django's exists()."""
        return bool(self._links_or_rows().exists())

    def _links_or_rows(self: Any) -> Any:
        """Return what Django counts.  For a many-to-many relation that is the through table alone,
        if no manager can hide a target.  Django tests that the target's manager is exactly
        models.Manager, so this class has to do the same."""
        if BulkModelManager in type(self).__bases__ and hasattr(self, "constrained_target"):
            links = self.constrained_target if self.get_prefetch_cache() is None else None
            if links is not None:
                return links
        return self.get_queryset()
