"""The Django app. In INSTALLED_APPS it adds the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class BulkModelConfig(AppConfig):
    """Register the checks. Managers and models work without the app."""

    name = "bulkmodel"
    verbose_name = "Bulk model"

    def ready(self) -> None:
        """Register the checks, when Django has loaded the models."""
        from bulkmodel import checks

        register(checks.check_settings, "bulkmodel")
        register(checks.check_installation, "bulkmodel")
        register(checks.check_managers, "bulkmodel", Tags.models)
        register(checks.check_connections, "bulkmodel", deploy=True)
        register(checks.check_timeouts, "bulkmodel", deploy=True)
