"""The asynchronous names, on manager, queryset and related manager."""

import asyncio
from typing import Any

import pytest
from django.db import IntegrityError

from app.linked import Box, Tag
from app.models import Foo, Plain, Signed

pytestmark = pytest.mark.django_db(transaction=True)


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def test_writing() -> None:
    async def run() -> None:
        made = await Plain.objects.abulk_create(rows(5), batch_size=2, return_queryset=True)
        assert [row.value async for row in made] == list(range(5))
        for row in made:
            row.value += 10
        assert await made.aupdate_fields() == 5
        assert await made.aupdate_fields("value", "name", batch_size=3) == 5
        assert await Plain.objects.aupdate_fields("name", objects=list(made)) == 5
        assert await Plain.objects.filter(value__lt=13).aupdate(value=1) == 3
        assert await Plain.objects.aupdate(value=2, batch_size=2, concurrent=True) == 5
        made[0].value = 3
        assert await Plain.objects.abulk_update(made[:1], ["value"]) == 1
        assert await Plain.objects.all().abulk_create(iter(rows(0))) == []
        source = (row for row in [Plain(name="copied", value=7)])
        assert await Plain.objects.acopy_from_objects(source, batch_size=1) == 1
        found = await Plain.objects.acreate_queryset([made[1], Plain(name="new")])
        assert [row.name async for row in found] == ["n1", "new"]
        given = [Plain(pk=made[0].pk, value=8)]
        assert (await made.apopulate_queryset_values(given, "value"))[0].value == 8

    asyncio.run(run())
    assert dict(Plain.objects.values_list("name", "value")) == {
        "n0": 3,
        "n1": 11,
        "n2": 2,
        "n3": 2,
        "n4": 2,
        "copied": 7,
        "new": None,
    }


def test_related_managers() -> None:
    async def run() -> Any:
        owner = await Plain.objects.acreate(name="owner")
        other = await Signed.objects.acreate(name="other", value=0)
        made = await owner.signed.abulk_create([Signed(name=f"{i}", value=i) for i in range(3)])
        for row in made:
            row.owner = owner
        assert await Signed.objects.aupdate_fields("owner", objects=made) == 3
        assert await owner.signed.aupdate(value=5) == 3
        assert await owner.signed.aupdate_fields("value", objects=[*made, other]) == 3
        box = await Box.objects.acreate(code="b")
        tags = await Tag.objects.abulk_create([Tag(name="t"), Tag(name="u")])
        assert await Box.objects.aupdate_m2m_fields("tags", {box.pk: [t.pk for t in tags]}) == 2
        assert await box.tags.aupdate(hidden=True) == 2
        assert await box.tags.aupdate_fields("name", objects=tags) == 2
        return {row.name async for row in box.tags.all()}

    assert asyncio.run(run()) == {"t", "u"}
    assert set(Signed.objects.values_list("name", "value")) == {
        ("0", 0),
        ("1", 1),
        ("2", 2),
        ("other", 0),
    }


def test_errors_come_out_as_they_are() -> None:
    async def run() -> None:
        await Plain.objects.acreate(name="n1")
        made = rows(3)
        with pytest.raises(IntegrityError):
            await Plain.objects.abulk_create(made)
        assert made[0].pk is None
        with pytest.raises(ValueError, match="positive"):
            await Plain.objects.aupdate_fields("value", objects=made, batch_size=0)
        with pytest.raises(ValueError, match="positive"):
            await Foo.objects.abulk_create([Foo(name="a", value=1)], max_concurrent_workers=0)
        assert [row.name async for row in Plain.objects.all()] == ["n1"]

    asyncio.run(run())


def test_templates_may_not_call_what_writes() -> None:
    for name in (
        "abulk_create",
        "aupdate_fields",
        "acopy_from_objects",
        "aupdate_m2m_fields",
        "acreate_queryset",
    ):
        assert getattr(Plain.objects, name).alters_data
        assert getattr(Plain.objects.all(), name).alters_data
    for name in ("bulk_create", "update", "update_fields", "update_m2m_fields", "create_queryset"):
        assert getattr(Plain.objects.all(), name).alters_data
