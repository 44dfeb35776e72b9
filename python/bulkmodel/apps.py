"""The app: what INSTALLED_APPS adds are the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class BulkModelConfig(AppConfig):
    """Registers the checks; managers and models work without it."""

    name = "bulkmodel"
    verbose_name = "Bulk model"

    def ready(self) -> None:
        """Called by Django, when models may be imported."""
        from bulkmodel import checks

        register(checks.check_settings, "bulkmodel")
        register(checks.check_installation, "bulkmodel")
        register(checks.check_managers, "bulkmodel", Tags.models)
        register(checks.check_connections, "bulkmodel", deploy=True)
        register(checks.check_timeouts, "bulkmodel", deploy=True)
