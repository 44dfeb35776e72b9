"""What the scripts of this folder share: a database of their own, an app without a module, and the
comparison of Django's manager with ours."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.apps import AppConfig
from django.conf import settings

SIZES = (1, 3, 1500)  # the last goes by COPY


class Partner(AppConfig):
    """The models of a script, whose app_label is "partner"."""

    name = "common"
    label = "partner"
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        super().import_models()
        self.models_module = sys.modules["common.models"] = sys.modules["__main__"]


def start(*apps: str, engine: str = "django.db.backends.postgresql", **more: Any) -> None:
    """Configure Django with these apps, ours and the script's."""
    given = dict(pair.split("=", 1) for pair in os.environ["BM_TEST_POSTGRESQL"].split())
    database = {
        "ENGINE": engine,
        "NAME": given.get("dbname", "postgres"),
        "USER": given.get("user", ""),
        "HOST": given.get("host", ""),
        "PORT": str(given.get("port", "")),
        "TEST": {"NAME": f"test_partner_{os.getpid()}"},
    }
    options = {
        "INSTALLED_APPS": [
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "bulkmodel",
            *apps,
            "common.Partner",
        ],
        "DATABASES": {"default": database},
        "SECRET_KEY": "partners",
        "USE_TZ": True,
    }
    settings.configure(**(options | more))
    django.setup()


_cases: list[tuple[str, Callable[[], None]]] = []


def case(function: Callable[[], None]) -> Callable[[], None]:
    """A case of the script."""
    _cases.append((function.__name__.replace("_", " "), function))
    return function


def empty() -> None:
    """Remove all rows, but for what migrations wrote."""
    from django.apps import apps
    from django.db import connection

    kept = ("contenttypes", "auth")
    every = apps.get_models(include_auto_created=True)
    ours = {model._meta.db_table for model in every if model._meta.app_label not in kept}
    tables = sorted(ours.intersection(connection.introspection.table_names()))
    with connection.cursor() as cursor:
        has_rows = ", ".join(f'EXISTS (SELECT FROM "{table}")' for table in tables)
        cursor.execute(f"SELECT {has_rows}")
        full = [f'"{table}"' for table, has in zip(tables, cursor.fetchone()) if has]
        if full:
            cursor.execute(f"TRUNCATE {', '.join(full)} RESTART IDENTITY CASCADE")


def compare(
    model: Any,
    make: Callable[[int], Any],
    look: Callable[[], Any],
    *,
    key: str = "name",
    field: str = "value",
    verbs: Iterable[str] = (),
    reset: Callable[[], Any] = lambda: None,
) -> None:
    """Add a case for each verb and size: what look() returns is the same after Django's manager
    (`django`) and after ours (`objects`).

    make: an object by its number.  key: a unique field.  field: an integer that is changed.
    reset: called before the writes that are compared."""
    for verb in verbs or VERBS:
        for n in SIZES:

            def run(verb: str = verb, n: int = n) -> None:
                of_django, of_ours = VERBS[verb]
                seen = []
                for manager, write in ((model.django, of_django), (model.objects, of_ours)):
                    empty()
                    rows = [make(i) for i in range(n)]
                    if verb not in CREATES:
                        model.django.bulk_create(rows)
                        for row in rows:
                            setattr(row, field, getattr(row, field) + 1)
                    reset()
                    write(manager, rows, key, field)
                    seen.append(look())
                assert seen[0] == seen[1], f"Django's: {seen[0]!s:.300}; ours: {seen[1]!s:.300}"

            _cases.append((f"{verb} of {n}", run))


Write = Callable[[Any, list[Any], str, str], Any]


def _create(manager: Any, rows: list[Any], key: str, field: str) -> None:
    manager.bulk_create(rows)


def _update(manager: Any, rows: list[Any], key: str, field: str) -> None:
    manager.bulk_update(rows, [field])


def _upsert(manager: Any, rows: list[Any], key: str, field: str) -> None:
    for row in rows:
        row.pk, row._state.adding = None, True
    manager.bulk_create(rows, update_conflicts=True, unique_fields=[key], update_fields=[field])


def _set(manager: Any, rows: list[Any], key: str, field: str) -> None:
    from django.db.models import F

    manager.filter(**{f"{field}__gte": 0}).update(**{field: F(field) + 1})


VERBS: dict[str, tuple[Write, Write]] = {
    "bulk_create": (_create, _create),
    "bulk_update": (_update, _update),
    "update": (_set, _set),
    "upsert": (_upsert, _upsert),
    "copy_from_objects": (_create, lambda ours, rows, key, field: ours.copy_from_objects(rows)),
    "update_fields": (
        _update,
        lambda ours, rows, key, field: ours.update_fields(field, objects=rows),
    ),
    "bulk_upsert": (
        _upsert,
        lambda ours, rows, key, field: ours.bulk_upsert(
            rows, unique_fields=[key], update_fields=[field]
        ),
    ),
    "bulk_delete": (
        lambda manager, rows, key, field: manager.filter(pk__in=[r.pk for r in rows]).delete(),
        lambda ours, rows, key, field: ours.bulk_delete(rows),
    ),
}
CREATES = ("bulk_create", "copy_from_objects")


def main(prepare: Callable[[], Any] = lambda: None) -> None:
    """Make the database, call `prepare`, and run the cases.  TAP."""
    from django.test.utils import get_runner, setup_test_environment

    setup_test_environment()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    failed = 0
    try:
        prepare()
        for number, (name, run) in enumerate(_cases, 1):
            try:
                run()
                print(f"ok {number} - {name}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {number} - {name}", flush=True)
                print("\n".join(f"# {line}" for line in traceback.format_exc().splitlines()[-12:]))
    finally:
        runner.teardown_databases(databases)
    print(f"1..{len(_cases)}")
    sys.exit(failed > 0)
