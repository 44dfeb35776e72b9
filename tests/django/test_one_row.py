"""A call of one row takes no longer way than Django's own."""

import itertools
from collections.abc import Callable
from typing import Any

import django
import pytest

from app.models import Plain
from test_objects import calls_of

pytestmark = pytest.mark.django_db(transaction=True)

Call = Callable[[Any, list[Plain]], Any]


def created(manager: Any, rows: list[Plain]) -> Any:
    return manager.bulk_create(rows)


def updated(manager: Any, rows: list[Plain]) -> Any:
    return manager.bulk_update(rows, ["value"])


names = itertools.count()


def new(n: int) -> list[Plain]:
    return [Plain(name=f"n{next(names)}", value=i) for i in range(n)]


def there(n: int) -> list[Plain]:
    rows = Plain.django.bulk_create(new(n))
    return [Plain(pk=row.pk, name="x", value=1) for row in rows]


CALLS: dict[str, tuple[Call, Call, Callable[[int], list[Plain]]]] = {
    "bulk_create": (created, created, new),
    "copy_from_objects": (lambda m, rows: m.copy_from_objects(rows), created, new),
    "bulk_update": (updated, updated, there),
    "update_fields": (lambda m, rows: m.update_fields("value", objects=rows), updated, there),
}


CASES = [(name, n) for name in CALLS for n in (1, 10)]
if django.VERSION >= (6, 0):  # bulk_create() of one row is no transaction, copying one is
    CASES.remove(("copy_from_objects", 1))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_a_small_call_calls_no_more_functions_than_django_s(name: str, n: int) -> None:
    ours, djangos, make = CALLS[name]
    for _ in range(3):  # what is kept with the model and the connection is made
        ours(Plain.objects, make(n))
        djangos(Plain.django, make(n))
    given, other = make(n), make(n)
    taken = calls_of(lambda: ours(Plain.objects, given))
    assert taken <= calls_of(lambda: djangos(Plain.django, other))
