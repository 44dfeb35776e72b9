"""L22: a pool that is not psycopg's means one connection, and whatever it hands out works."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from app.models import Plain
from bulkmodel.engine import workers

pytestmark = pytest.mark.django_db(transaction=True)


class Handed:
    """What SQLAlchemy's pools hand out in the place of a connection."""

    def __init__(self, driver: Any, name: str) -> None:
        self._driver = driver
        setattr(self, name, driver)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


class Pooled(DatabaseWrapper):  # type: ignore[misc]
    """A backend of which the connections come from a pool of its own."""

    name_of_driver = "driver_connection"
    opened = 0

    def get_new_connection(self, params: Any) -> Any:
        type(self).opened += 1
        driver = super().get_new_connection(params)
        return Handed(driver, self.name_of_driver)

    def _set_autocommit(self, autocommit: bool) -> None:
        with self.wrap_database_errors:
            self.connection._driver.autocommit = autocommit


class Unknown(Pooled):
    """Nobody knows how to find the driver's connection."""

    name_of_driver = "somewhere"


class OtherPool(DatabaseWrapper):  # type: ignore[misc]
    """Has a pool, which is none of psycopg's."""

    opened = 0
    pool = object()

    def get_new_connection(self, params: Any) -> Any:
        type(self).opened += 1
        return self.Database.connect(**params)

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.close()


@pytest.fixture(params=[Pooled, Unknown, OtherPool])
def backend(request: Any) -> Iterator[type[Any]]:
    djangos = connections["default"]
    pooled = request.param(dict(djangos.settings_dict), "default")
    request.param.opened = 0
    connections["default"] = pooled
    try:
        yield request.param
    finally:
        pooled.close()
        connections["default"] = djangos


def write(n: int) -> dict[str, Callable[[], Any]]:
    rows = [Plain(name=f"{i}", value=i) for i in range(n)]
    options: dict[str, Any] = {
        "concurrent": True,
        "max_concurrent_workers": 4,
        "batch_size": max(n // 4, 1),
    }
    return {
        "bulk_create": lambda: len(Plain.objects.bulk_create(rows, **options)),
        "bulk_update": lambda: Plain.objects.bulk_update(rows, ["value"]),
        "update_fields": lambda: Plain.objects.update_fields("value", objects=rows, **options),
        "update": lambda: Plain.objects.update(value=5, **options),
        "copy_to_instances": lambda: len(Plain.objects.copy_to_instances()),
        "iter_copy_to_instances": lambda: len(list(Plain.objects.iter_copy_to_instances())),
    }


@pytest.mark.parametrize("n", [3, 4000])
def test_pools_that_are_not_known(
    backend: type[Any], n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    teams: list[Any] = []
    monkeypatch.setattr(workers.Team, "run", lambda self, *given: teams.append(self))
    for name, call in write(n).items():
        assert call() == n, name
    assert not teams and backend.opened == 1
    options: dict[str, Any] = {"concurrent": True, "batch_size": 500}
    copies = [Plain(name=f"c{i}", value=i) for i in range(n)]
    assert Plain.objects.copy_from_objects(copies, **options) == n
    assert Plain.objects.count() == 2 * n and not teams and backend.opened == 1
