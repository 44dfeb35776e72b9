"""I8: an option under the word of the prose, `concurrency`, is refused with its right name."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist

from app.models import Foo

pytestmark = pytest.mark.django_db

CALLS: dict[str, Any] = {
    "bulk_create": lambda m, **o: m.bulk_create([Foo(name="x", value=1)], **o),
    "update": lambda m, **o: m.update(value=2, **o),
    "update_fields": lambda m, **o: m.none().update_fields("value", **o),
    "copy_from_objects": lambda m, **o: m.copy_from_objects([Foo(name="x", value=1)], **o),
    "bulk_options": lambda m, **o: m.all().bulk_options(**o),
    "abulk_create": lambda m, **o: async_to_sync(m.abulk_create)([Foo(name="x")], **o),
    "aupdate": lambda m, **o: async_to_sync(m.aupdate)(value=2, **o),
    "aupdate_fields": lambda m, **o: async_to_sync(m.none().aupdate_fields)("value", **o),
    "acopy_from_objects": lambda m, **o: async_to_sync(m.acopy_from_objects)([Foo()], **o),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_error_names_the_option(call: str) -> None:
    with pytest.raises(TypeError, match=r"'concurrency': the option is 'concurrent'"):
        CALLS[call](Foo.objects, concurrency=True)
    assert Foo.objects.count() == 0


def test_bulk_update_names_the_method_that_has_it() -> None:
    with pytest.raises(TypeError, match=r"'concurrency': update_fields\(\) has 'concurrent'"):
        Foo.objects.bulk_update([], ["value"], concurrency=True)  # type: ignore[call-arg]


def test_another_name_is_refused_as_before() -> None:
    with pytest.raises(TypeError, match="nothing_of_ours"):
        Foo.objects.bulk_create([], nothing_of_ours=True)
    with pytest.raises(FieldDoesNotExist):
        Foo.objects.update(nothing_of_ours=True)
