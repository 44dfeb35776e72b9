"""System checks for settings, managers, installed packages and connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Info, Warning
from django.db import connections, models

from bulkmodel import conf
from bulkmodel.engine import support
from bulkmodel.engine.timeouts import is_bounded
from bulkmodel.managers import BulkModelManager
from bulkmodel.models import BulkModel
from bulkmodel.queryset import BulkModelQuerySet, BulkModelQuerySetMixin

Apps = Sequence[AppConfig] | None
OLD_PACKAGE = "django-bulkmodel"
# Django's methods that this package replaces, and the classes that do so.
_DJANGOS = ("abulk_create", "bulk_create", "bulk_update", "update")
_OURS = (BulkModelQuerySet, BulkModelQuerySetMixin, *BulkModelQuerySetMixin.__mro__)


def check_settings(app_configs: Apps, **options: Any) -> list[CheckMessage]:
    """E001: a setting has an invalid value."""
    return [Error(fault, id="bulkmodel.E001") for fault in conf.faults()]


def check_managers(app_configs: Apps, **options: Any) -> list[CheckMessage]:
    """W001: a BulkModel has another manager as `objects`.  W002: the querysets of a
    BulkModelManager lack the bulk methods.  W004, W005: the bases of a queryset class are in the
    wrong order."""
    return [message for model in _models(app_configs) for message in _check_model(model)]


def _models(app_configs: Apps) -> Iterator[type[models.Model]]:
    if app_configs is None:
        yield from apps.get_models()
    else:
        for config in app_configs:
            yield from config.get_models()


def _check_model(model: type[models.Model]) -> Iterator[CheckMessage]:
    managers = {manager.name: manager for manager in model._meta.managers}
    own = managers.get("objects")
    if issubclass(model, BulkModel) and own is not None and not _is_ours(own):
        yield Warning(
            "`objects` is not the manager of BulkModel, so its methods are missing.",
            hint="Derive it from bulkmodel.managers.BulkModelManager, or give it another name.",
            obj=model,
            id="bulkmodel.W001",
        )
    for manager in managers.values():
        said: Any = manager
        means_ours = isinstance(manager, BulkModelManager) or issubclass(
            said._queryset_class, BulkModelQuerySetMixin
        )
        if means_ours and not _is_ours(manager):
            yield Warning(
                f"The querysets of `{manager.name}` do not have the bulk methods of bulkmodel.",
                hint="Put bulkmodel.queryset.BulkModelQuerySetMixin before models.QuerySet, and"
                " check which class get_queryset() of the manager returns.",
                obj=model,
                id="bulkmodel.W002",
            )
        elif _is_ours(manager):
            yield from _check_order(model, manager.name, _class_of(manager))


def _check_order(
    model: type[models.Model], manager: str, kind: type[Any]
) -> Iterator[CheckMessage]:
    """Check that Python finds this package's methods before Django's."""
    mro = kind.__mro__
    ours, djangos = mro.index(BulkModelQuerySetMixin), mro.index(models.QuerySet)
    if djangos < ours:
        yield Warning(
            f"In the querysets of `{manager}` ({kind.__name__}), Django's methods come before those"
            " of BulkModelQuerySetMixin, which are never called.",
            hint="Derive the class from bulkmodel.queryset.BulkModelQuerySet instead.",
            obj=model,
            id="bulkmodel.W005",
        )
    for package in mro[ours + 1 : djangos]:
        names = sorted(set(_DJANGOS) & set(vars(package)) if package not in _OURS else ())
        if names:
            yield Warning(
                f"In the querysets of `{manager}` ({kind.__name__}), {package.__name__} comes after"
                f" BulkModelQuerySetMixin and overrides {', '.join(names)}: its methods are called,"
                " and write with Django's own statements.",
                hint=f"class {kind.__name__}({package.__name__}, BulkModelQuerySet)",
                obj=model,
                id="bulkmodel.W004",
            )


def _is_ours(manager: Any) -> bool:
    return issubclass(_class_of(manager), BulkModelQuerySetMixin)


def _class_of(manager: Any) -> type[Any]:
    """Return the class of the manager's querysets, which get_queryset() may have changed."""
    if getattr(type(manager).get_queryset, "__globals__", None) is not vars(models.manager):
        try:
            return type(manager.get_queryset())
        except Exception:  # it may need a request
            pass
    kind: type[Any] = manager._queryset_class
    return kind


def check_installation(app_configs: Apps, **options: Any) -> list[CheckMessage]:
    """W003: another package has installed files into the same folder."""
    here = Path(__file__).resolve().parent
    try:
        files = metadata.distribution(OLD_PACKAGE).files or []
    except metadata.PackageNotFoundError:
        return []
    if not any(Path(str(file.locate())).resolve().is_relative_to(here) for file in files):
        return []
    return [
        Warning(
            f"{OLD_PACKAGE} has installed files into the folder of bulkmodel.",
            hint=f"pip uninstall {OLD_PACKAGE}, then install bulkmodel again.",
            id="bulkmodel.W003",
        )
    ]


def check_connections(
    app_configs: Apps, databases: Sequence[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """I001: a connection uses Django's own statements.  Only `check --deploy` reports it, so that
    other commands do not repeat it.  A server is asked only if the check may use the database."""
    return [
        Info(
            f"Database `{alias}` is not accelerated: {why}.",
            hint="All methods work, but use Django's own statements and run at their speed.",
            id="bulkmodel.I001",
        )
        for alias in connections
        if (why := support.why_not(connections[alias], alias in (databases or ()))) is not None
    ]


def check_timeouts(
    app_configs: Apps, databases: Sequence[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """W006: nothing limits how long a PostgreSQL connection waits.  The server is queried only if
    the check may use the database."""
    return [
        Warning(
            f"Database `{alias}`: nothing limits how long a call waits for the server.",
            hint="Set connect_timeout and tcp_user_timeout in OPTIONS, statement_timeout and"
            " lock_timeout for the role, or give calls a `timeout`.",
            id="bulkmodel.W006",
        )
        for alias in connections
        if not is_bounded(connections[alias], alias in (databases or ()))
    ]
