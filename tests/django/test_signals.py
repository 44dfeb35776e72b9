"""One pair of signals for each call, and what they say."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Lower

from app.models import Document, Foo, Plain, Signed, Stamped
from bulkmodel import signals

pytestmark = pytest.mark.django_db

NAMES = [name for name in dir(signals) if name.startswith(("pre_", "post_"))]
FACTS = {
    "sender",
    "signal",
    "instances",
    "field_names",
    "field_defaults",
    "values",
    "batch_size",
    "n",
    "using",
}


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What was sent, in order."""
    sent: list[tuple[str, dict[str, Any]]] = []
    receivers = []
    for name in NAMES:

        def receiver(name: str = name, **facts: Any) -> None:
            sent.append((name, facts))

        getattr(signals, name).connect(receiver)
        receivers.append((name, receiver))
    yield sent
    for name, receiver in receivers:
        getattr(signals, name).disconnect(receiver)


def names_of(sent: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in sent]


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=i) for i in range(n)]


def test_the_names() -> None:
    verbs = ["bulk_create", "bulk_delete", "bulk_sync", "bulk_upsert"]
    verbs += ["copy_from_instances", "update", "update_fields"]
    assert [f"{when}_{verb}" for when in ("post", "pre") for verb in verbs] == NAMES


@pytest.mark.parametrize("return_queryset", [False, True])
def test_bulk_create(heard: Any, return_queryset: bool) -> None:
    made = rows(25)
    given = Plain.objects.bulk_create(iter(made), batch_size=10, return_queryset=return_queryset)
    assert names_of(heard) == ["pre_bulk_create", "post_bulk_create"]
    (_, pre), (_, post) = heard
    assert set(pre) == FACTS and set(post) == {*FACTS, "queryset"}
    assert pre["sender"] is Plain and pre["instances"] == made
    assert pre["field_names"] == ["id", "name", "value"] and pre["values"] is None
    assert (pre["batch_size"], pre["n"], pre["using"]) == (10, 25, "default")
    assert post["n"] == 25 and list(post["queryset"]) == made
    assert (post["queryset"] is given) == return_queryset


def test_a_receiver_before_may_change_the_instances() -> None:
    def receiver(instances: list[Plain], **facts: Any) -> None:
        for row in instances:
            row.value = -1

    signals.pre_bulk_create.connect(receiver, sender=Plain)
    signals.pre_update_fields.connect(receiver, sender=Plain)
    try:
        made = Plain.objects.bulk_create(rows(3), return_queryset=True)
        Plain.objects.update(value=5)
        assert Plain.objects.filter(value=5).count() == 3
        made[0].value = 7
        Plain.objects.update_fields("value", objects=made)
    finally:
        signals.pre_bulk_create.disconnect(receiver, sender=Plain)
        signals.pre_update_fields.disconnect(receiver, sender=Plain)
    assert list(Plain.objects.values_list("value", flat=True)) == [-1, -1, -1]


def test_update(heard: Any) -> None:
    Plain.django.bulk_create(rows(25))
    few = Plain.objects.filter(value__lt=10)
    assert few.update(value=F("value") + 100) == 10
    assert few.bulk_options(batch_size=3).update(value=1) == 0
    written = Plain.objects.update(name=Lower("name"), return_queryset=True, batch_size=4)
    assert names_of(heard) == ["pre_update", "post_update"] * 3
    (_, pre), (_, post) = heard[:2]
    assert set(pre) == FACTS and set(post) == {*FACTS, "queryset"}
    assert pre["instances"] is None and pre["n"] is None and post["n"] == 10
    assert pre["field_names"] == ["value"] and set(pre["values"]) == {"value"}
    assert post["queryset"]._result_cache is None
    assert post["queryset"].count() == Plain.objects.filter(value__lt=10).count()
    assert heard[5][1]["queryset"] is written and heard[5][1]["n"] == 25


def test_update_fields(heard: Any) -> None:
    Foo.objects.bulk_create([Foo(name=f"n{i}", value=i) for i in range(5)], send_signals=False)
    foos = Foo.objects.order_by("pk")
    list(foos)
    foos[3].value = 33
    assert foos.update_fields(batch_size=2) == 1
    assert foos.update_fields("name", "value") == 5
    assert names_of(heard) == ["pre_update_fields", "post_update_fields"] * 2
    (_, pre), (_, post), (_, named), _ = heard
    assert pre["field_names"] == [] and post["field_names"] == ["value"]
    assert (pre["n"], post["n"]) == (5, 1) and pre["batch_size"] == 2
    assert pre["instances"] == list(foos)
    assert list(post["queryset"]) == list(foos)
    assert named["field_names"] == ["name", "value"]


def test_defaults_of_the_fields(heard: Any) -> None:
    Document.objects.bulk_create([Document(name="a")])
    assert names_of(heard) == ["pre_bulk_create", "post_bulk_create"]  # by Django's own way
    assert heard[0][1]["field_defaults"] == {"body": dict}


def test_django_s_own_methods_send_none(heard: Any) -> None:
    made = Plain.django.bulk_create(rows(3))
    Plain.objects.bulk_update(made, ["value"])
    made[0].value = F("value") + 1
    assert Plain.objects.bulk_update(made, ["value"]) == 3
    Plain.objects.create(name="x")
    made[1].save()
    assert heard == []
    made[1].value = F("value") + 1
    assert Plain.objects.update_fields("value", objects=made[1:2]) == 1
    assert names_of(heard) == ["pre_update_fields", "post_update_fields"]


@pytest.mark.parametrize("option", ["send_signals", "send_signal", "signal"])
def test_none_where_none_are_wanted(heard: Any, option: str) -> None:
    made = Plain.objects.bulk_create(rows(3), **{option: False})
    assert Plain.objects.update(value=1, **{option: False}) == 3
    assert Plain.objects.bulk_options(**{option: False}).update(value=2) == 3
    assert Plain.objects.update_fields("name", objects=made, **{option: False}) == 3
    assert heard == []


def test_nothing_to_write_is_a_call_too(heard: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Plain.objects.bulk_create([]) == []
        assert Plain.objects.none().update_fields() == 0
        assert Plain.objects.update(batch_size=3, concurrent=True) == 0
    assert len(heard) == 6
    assert [facts["n"] for _, facts in heard] == [0, 0, 0, 0, None, 0]


@pytest.mark.parametrize("n", [3, 1500])
def test_no_post_signal_after_a_failure(heard: Any, n: int) -> None:
    Plain.django.create(name=f"n{n - 1}")
    with pytest.raises(IntegrityError), transaction.atomic():
        Plain.objects.bulk_create(rows(n))
    with pytest.raises(ValueError, match="positive"):
        Plain.objects.bulk_create(rows(n), batch_size=0)
    with pytest.raises(ValueError, match="positive"):
        Plain.objects.update(value=1, batch_size=-1)
    with pytest.raises(ValueError, match="needs field names"):
        Plain.objects.update_fields(objects=[Plain.django.get()])
    assert names_of(heard) == ["pre_bulk_create", "pre_update_fields"]


@pytest.mark.django_db(transaction=True)
def test_no_post_signal_after_a_failure_at_commit(heard: Any) -> None:
    made = [Signed(name="a", value=1, owner_id=12345)]
    with pytest.raises(IntegrityError):
        Signed.objects.bulk_create(made)
    assert names_of(heard) == ["pre_bulk_create"]
    assert made[0].pk is None


@pytest.mark.django_db(transaction=True)
def test_a_receiver_s_exception_comes_out_as_it_is() -> None:
    error = RuntimeError("mine")
    made = rows(2)

    def receiver(**facts: Any) -> None:
        assert not connection.in_atomic_block
        raise error

    signals.pre_bulk_create.connect(receiver)
    try:
        with pytest.raises(RuntimeError) as caught:
            Plain.objects.bulk_create(made)
    finally:
        signals.pre_bulk_create.disconnect(receiver)
    assert caught.value is error and Plain.objects.count() == 0 and made[0].pk is None
    signals.post_bulk_create.connect(receiver)
    try:
        with pytest.raises(RuntimeError) as caught:
            Plain.objects.bulk_create(made)
    finally:
        signals.post_bulk_create.disconnect(receiver)
    assert caught.value is error
    assert [row.pk for row in made] == list(Plain.objects.values_list("pk", flat=True))


def test_nothing_is_computed_without_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any) -> Any:
        raise AssertionError

    def receiver(**facts: Any) -> None:
        never()

    monkeypatch.setattr(signals, "_named", never)
    signals.post_bulk_create.connect(receiver, sender=Foo)
    try:
        made = Plain.objects.bulk_create(rows(3))
    finally:
        signals.post_bulk_create.disconnect(receiver, sender=Foo)
    Plain.objects.update(value=2)
    Plain.objects.update_fields("value", objects=made)


def test_a_post_signal_has_what_the_database_holds(heard: Any) -> None:
    Stamped.objects.bulk_create([Stamped(name="a"), Stamped(name="b")])
    written = heard[1][1]["queryset"]
    found = {row.pk: row for row in Stamped.objects.all()}
    assert [row.made for row in written] == [found[row.pk].made for row in written]
    lowered = Plain.objects.bulk_create(rows(1))
    lowered[0].value = F("value") + 41
    written = Plain.objects.update_fields("value", objects=lowered, return_queryset=True)
    assert written[0].value == 41
