"""Keys that objects come with and that are no plain integers: what Django makes of them."""

import enum
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction

from app.models import Plain

pytestmark = pytest.mark.django_db


class Seven(enum.IntEnum):
    SEVEN = 7


class Text(str):
    pass


KEYS: list[Any] = [
    Decimal("5"),
    Decimal("5.7"),
    "5",
    " 5 ",
    5.0,
    5.7,
    True,
    Seven.SEVEN,
    Text("9"),
    "x",
    Fraction(5),
    b"5",
    2**70,
    -1,
    0,
    float("nan"),
    [1],
]


def outcome(manager: Any, verb: str, key: Any, n: int) -> Any:
    """What a call gives and leaves, whatever numbers the others have."""
    objects = [Plain(pk=5000 + i, name=f"n{i}") for i in range(n)]
    if verb == "bulk_update":
        Plain._base_manager.bulk_create(
            [Plain(pk=5000 + i, name=f"x{i}") for i in range(n)]
            + [Plain(pk=5, name="five"), Plain(pk=7, name="seven")]
        )
    objects[n // 2].pk = key
    try:
        with transaction.atomic():
            given = manager.bulk_create(objects) if verb == "bulk_create" else None
            matched = manager.bulk_update(objects, ["name"]) if given is None else len(given)
    except Exception as error:
        return type(error), str(error).partition("\n")[0]
    left = list(Plain._base_manager.order_by("pk").values_list("pk", "name"))
    return matched, left, [repr(row.pk) for row in objects]


@pytest.mark.parametrize("n", [1, 3, 1500])
@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update"])
@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_a_key_that_is_given(key: Any, verb: str, n: int) -> None:
    found = []
    for manager in (Plain.django, Plain.objects):
        with transaction.atomic():
            found.append(outcome(manager, verb, key, n))
            transaction.set_rollback(True)
    assert found[1] == found[0]
