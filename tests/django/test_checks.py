"""The system checks, and what the log says."""

import logging
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command
from django.db import OperationalError, connection, connections, models
from django.test.utils import isolate_apps

import bulkmodel
from app.models import Foo, Plain
from bulkmodel.checks import check_installation, check_managers, check_timeouts
from bulkmodel.engine import support
from bulkmodel.managers import BulkModelManager
from bulkmodel.models import BulkModel
from bulkmodel.queryset import BulkModelQuerySet, BulkModelQuerySetMixin

# Django 6.1 gives checks all databases where none are named.
pytestmark = pytest.mark.django_db


def ids() -> list[str]:
    found = checks.run_checks(tags=["bulkmodel"], include_deployment_checks=True)
    return [message.id for message in found]


def test_nothing_to_say_of_a_project_as_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = {**connection.settings_dict.get("OPTIONS", {}), "tcp_user_timeout": 10_000}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", bounded)
    has_engine = support.why_not(connection) is None
    assert ids() == ([] if has_engine else ["bulkmodel.I001"])


def test_nothing_to_migrate() -> None:
    call_command("makemigrations", "bulkmodel", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_CONCURRENT_BATCH_WRITES", 0),
        ("MAX_CONCURRENT_BATCH_WRITES", "4"),
        ("MAX_CONCURRENT_BATCH_WRITES", True),
        ("ALWAYS_USE_CONCURRENT_BATCH_WRITES", 1),
        ("BULKMODEL_LOCATE_IN_ATOMIC", "yes"),
        ("BULKMODEL_SQLITE_PROBE", None),
    ],
)
def test_settings(settings: Any, name: str, value: Any) -> None:
    setattr(settings, name, value)
    found = checks.run_checks(tags=["bulkmodel"])
    assert [(error.id, name in error.msg) for error in found] == [("bulkmodel.E001", True)]


def test_each_setting_is_checked_and_each_check_is_on_the_page(settings: Any) -> None:
    """Of a setting that is read somewhere, and of an id that a check has."""
    package = Path(bulkmodel.__file__).parent
    source = "".join(path.read_text() for path in package.rglob("*.py"))
    names = set(re.findall(r'getattr\(settings, "(\w+)"', source))
    assert len(names) == 4
    for name in names:
        setattr(settings, name, object())
    found = checks.run_checks(tags=["bulkmodel"])
    assert {name for name in names for error in found if name in error.msg} == names
    said = set(re.findall(r"bulkmodel\.[EWI]\d\d\d", source))
    page = (Path(__file__).parents[2] / "docs/pages/settings.md").read_text()
    assert said == set(re.findall(r"^\| `(bulkmodel\.[EWI]\d\d\d)` \|", page, re.MULTILINE))


class PlainQuerySet(models.QuerySet):  # type: ignore[type-arg]
    pass


class BulkQuerySet(BulkModelQuerySetMixin, models.QuerySet):  # type: ignore[type-arg]
    pass


@isolate_apps("app")
def test_managers() -> None:
    class Shadowed(BulkModel):
        objects = models.Manager()

        class Meta:
            app_label = "app"

    class AsItShouldBe(BulkModel):
        objects = BulkModelManager.from_queryset(BulkQuerySet)()
        others = BulkQuerySet.as_manager()
        plain = models.Manager()

        class Meta:
            app_label = "app"

    class WithoutMixin(models.Model):
        objects = BulkModelManager.from_queryset(PlainQuerySet)()

        class Meta:
            app_label = "app"

    config = apps.get_app_config("app")
    config.get_models = lambda: iter([Shadowed, AsItShouldBe, WithoutMixin])  # type: ignore
    try:
        found = [(message.id, message.obj) for message in check_managers([config])]
    finally:
        del config.get_models
    assert found == [("bulkmodel.W001", Shadowed), ("bulkmodel.W002", WithoutMixin)]


class PackageQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def bulk_create(self, *args: Any, **options: Any) -> Any:
        return super().bulk_create(*args, **options)


class AsShown(PackageQuerySet, BulkModelQuerySet):
    pass


class OursFirst(BulkModelQuerySetMixin, PackageQuerySet):
    pass


class OursNever(PackageQuerySet, BulkModelQuerySetMixin):  # type: ignore[misc]
    pass


class PackageManager(models.Manager):  # type: ignore[type-arg]
    def get_queryset(self) -> Any:
        return PackageQuerySet(self.model, using=self._db)


class OtherQuerySets(BulkModelManager, PackageManager):
    pass


class NeedsARequest(BulkModelManager):
    def get_queryset(self) -> Any:
        raise RuntimeError("there is no request")


@isolate_apps("app")
@pytest.mark.parametrize(
    ("manager", "said", "hint"),
    [
        (AsShown.as_manager(), [], ""),
        (BulkModelManager.from_queryset(AsShown)(), [], ""),
        (NeedsARequest(), [], ""),
        (OursFirst.as_manager(), ["bulkmodel.W004"], "OursFirst(PackageQuerySet, BulkModelQuery"),
        (OursNever.as_manager(), ["bulkmodel.W005"], "BulkModelQuerySet"),
        (OtherQuerySets(), ["bulkmodel.W002"], "BulkModelQuerySetMixin"),
        (PackageManager.from_queryset(AsShown)(), ["bulkmodel.W002"], "get_queryset()"),
    ],
)
def test_orders_of_queryset_classes(manager: Any, said: list[str], hint: str) -> None:
    """L16."""

    class Managed(models.Model):
        objects = manager

        class Meta:
            app_label = "app"

    config = apps.get_app_config("app")
    config.get_models = lambda: iter([Managed])  # type: ignore
    try:
        found = check_managers([config])
    finally:
        del config.get_models
    assert [message.id for message in found] == said
    assert all(hint in (message.hint or "") for message in found)


def test_the_old_package_in_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "django_bulkmodel-0.2.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: django-bulkmodel\nVersion: 0.2\n"
    )
    here = Path(bulkmodel.__file__).resolve().parent
    for place, said in ((tmp_path, 0), (here.parent, 1)):
        (folder / "RECORD").write_text(f"{place}/bulkmodel/managers.py,,\n")
        with monkeypatch.context() as patch:
            found = metadata.Distribution.at(folder)
            patch.setattr(metadata, "distribution", lambda name, found=found: found)
            assert len(check_installation(None)) == said
    assert check_installation(None) == []


def test_a_backend_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connections["default"]), "vendor", "other")
    assert checks.run_checks(tags=["bulkmodel"]) == []
    messages = checks.run_checks(tags=["bulkmodel"], include_deployment_checks=True)
    assert [message.id for message in messages] == ["bulkmodel.I001"]
    assert not messages[0].is_serious(checks.WARNING)


def test_the_log_says_which_way_and_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "bulkmodel"):
        Foo.objects.bulk_create([Foo(name="a value", value=1)])
        Plain.objects.distinct().bulk_update([Plain.objects.create(name="b value")], ["value"])
    said = [record.getMessage() for record in caplog.records if record.name == "bulkmodel"]
    if support.why_not(connection) is None:
        assert said[0] == "bulk_create of app.Foo uses the engine"
        assert said[1].startswith("bulk_update of app.Plain uses Django: the queryset is")
    assert len(said) == 2 and not any("value" in text for text in said)


def test_nothing_bounds_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """W3: W006, and what silences it."""
    on_postgresql = connections["default"].vendor == "postgresql"
    said = ["bulkmodel.W006"] if on_postgresql else []
    cases: list[tuple[dict[str, object], list[str]]] = [
        ({}, said),
        ({"application_name": "a"}, said),
        ({"connect_timeout": 10}, []),
        ({"options": "-c search_path=x -c statement_timeout=5000"}, []),
    ]
    for given, expected in cases:
        with monkeypatch.context() as patch:
            patch.setitem(connections["default"].settings_dict, "OPTIONS", given)
            assert [message.id for message in check_timeouts(None)] == expected
    if on_postgresql:
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        try:
            assert check_timeouts(None, databases=["default"]) == []
        finally:
            with connections["default"].cursor() as cursor:
                cursor.execute("RESET lock_timeout")
        found = [message.id for message in check_timeouts(None, databases=["default"])]
        assert found == said


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """W006 asks a server only to know more: that it does not answer is no failure of a check."""

    def refuse(*args: object) -> None:
        raise OperationalError("connection refused")

    if connections["default"].vendor == "postgresql":
        monkeypatch.setattr(type(connections["default"]), "cursor", refuse)
        found = check_timeouts(None, databases=["default"])
        assert [message.id for message in found] == ["bulkmodel.W006"]
