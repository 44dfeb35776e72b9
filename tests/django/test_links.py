"""update_m2m_fields() against set(), owner by owner."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import m2m_changed
from django.test.utils import CaptureQueriesContext

from app.linked import Box, Label, Part, Tag

pytestmark = pytest.mark.django_db

Sent = list[tuple[Any, ...]]


@pytest.fixture
def boxes() -> list[Box]:
    return Box.objects.bulk_create([Box(code=f"b{i}") for i in range(6)])


@pytest.fixture
def tags() -> list[Tag]:
    return Tag.objects.bulk_create([Tag(name=f"t{i}") for i in range(8)])


@pytest.fixture
def parts() -> list[Part]:
    return Part.everything.bulk_create([Part(name=f"p{i}", hidden=i % 3 == 0) for i in range(8)])


@pytest.fixture
def heard() -> Iterator[Sent]:
    """What m2m_changed said, and how many links there were when it did."""
    sent: Sent = []

    def receiver(sender: Any, instance: Any, pk_set: Any, **facts: Any) -> None:
        facts.pop("signal")
        n = sender._base_manager.count()
        own = (sender, instance, type(instance), None if pk_set is None else frozenset(pk_set))
        sent.append((*own, tuple(sorted(facts.items(), key=str)), n))

    m2m_changed.connect(receiver)
    yield sent
    m2m_changed.disconnect(receiver)


def links(through: type[models.Model]) -> set[tuple[Any, ...]]:
    opts = through._meta
    names = [field.attname for field in opts.concrete_fields if not field.primary_key]
    return set(through._base_manager.values_list(*names))


def compare(model: Any, name: str, wanted: dict[Any, list[Any]], sent: Sent, **options: Any) -> Any:
    """What Django's set() and ours leave in the table and say of each owner."""
    field = model._meta.get_field(name)
    forward = isinstance(field, models.ManyToManyField)
    through = (field if forward else field.field).remote_field.through
    accessor = name if forward else field.get_accessor_name()
    outcomes = []
    for way in ("django", "ours"):
        sent.clear()
        with transaction.atomic():
            if way == "django":
                for pk, targets in wanted.items():
                    manager = getattr(model._base_manager.get(pk=pk), accessor)
                    manager.set(targets, **options)
            else:
                model.objects.update_m2m_fields(name, wanted, **options)
            said = {pk: [s[:5] for s in sent if s[1].pk == pk] for pk in wanted}
            outcomes.append((links(through), said))
            transaction.set_rollback(True)
    django, ours = outcomes
    assert ours == django
    return ours


@pytest.mark.parametrize("signals", [False, True])
def test_both_sides(boxes: Any, tags: Any, heard: Sent, signals: bool) -> None:
    b, t = [box.pk for box in boxes], [tag.pk for tag in tags]
    if not signals:
        m2m_changed.receivers, kept = [], m2m_changed.receivers
    try:
        boxes[0].tags.set(tags[:4])
        boxes[1].tags.set(tags[4:])
        boxes[5].tags.set(tags)
        wanted = {b[0]: t[2:6], b[1]: [], b[2]: [t[0], t[0], t[1]], b[3]: [], b[4]: t}
        compare(Box, "tags", wanted, heard)
        compare(Box, "tags", {b[0]: [t[0], t[0]]}, heard)
        compare(Tag, "boxes", {t[0]: b[:3], t[7]: [], t[1]: [b[5]]}, heard)
        compare(Box, "follows", {b[0]: [b[0], b[1]], b[1]: [b[0]]}, heard)
        boxes[3].follows.set(boxes)
        compare(Box, "followers", {b[0]: [b[1]], b[1]: [b[0]]}, heard)
    finally:
        if not signals:
            m2m_changed.receivers = kept
    assert bool(heard) == signals


def test_a_symmetrical_relation(boxes: Any, heard: Sent) -> None:
    b = [box.pk for box in boxes]
    boxes[0].near.set([boxes[1], boxes[2], boxes[0]])
    boxes[3].near.set([boxes[4]])
    compare(Box, "near", {b[0]: [b[5]], b[3]: [b[4], b[1]]}, heard)
    compare(Box, "near", {b[0]: [b[3]], b[3]: [b[0], b[4]], b[1]: []}, heard)
    compare(Box, "near", {b[0]: [b[0]], b[4]: []}, heard)
    before = links(Box.near.through)
    with pytest.raises(ValueError, match="symmetrical"):
        Box.objects.update_m2m_fields("near", {b[0]: [b[1]], b[1]: []})
    assert links(Box.near.through) == before


def test_links_that_are_not_by_key(boxes: Any, tags: Any, heard: Sent) -> None:
    Label.objects.bulk_create(
        [Label(box=boxes[0], tag=tags[0], weight=5), Label(box=boxes[0], tag=tags[1], weight=6)]
    )
    wanted = {boxes[0].pk: [tags[1].pk, tags[2].pk], boxes[1].pk: [tags[0].pk]}
    Box.objects.update_m2m_fields("named", wanted, through_defaults={"weight": lambda: 7})
    assert links(Label) == {("b0", "t1", 6), ("b0", "t2", 7), ("b1", "t0", 7)}
    for box in boxes[:2]:
        box.named.set(Tag.objects.filter(pk__in=wanted[box.pk]))
    assert len(links(Label)) == 3
    said = [(sent[1].pk, sent[3], dict(sent[4])["action"]) for sent in heard]
    assert said == [
        (boxes[0].pk, {"t0"}, "pre_remove"),
        (boxes[0].pk, {"t0"}, "post_remove"),
        (boxes[0].pk, {"t2"}, "pre_add"),
        (boxes[1].pk, {"t0"}, "pre_add"),
        (boxes[0].pk, {"t2"}, "post_add"),
        (boxes[1].pk, {"t0"}, "post_add"),
    ]
    assert [sent[5] for sent in heard] == [2, 1, 1, 1, 3, 3]


def test_a_manager_that_does_not_see_all(boxes: Any, parts: Any, heard: Sent) -> None:
    p = [part.pk for part in parts]
    Box.parts.through.objects.bulk_create(
        [Box.parts.through(box_id=boxes[0].pk, part_id=pk) for pk in p[:5]]
    )
    compare(Box, "parts", {boxes[0].pk: [p[1], p[6], p[7]], boxes[1].pk: [p[0]]}, heard)
    compare(Box, "parts", {boxes[0].pk: [p[0], p[1]]}, heard)
    compare(Part, "box", {p[0]: [boxes[2].pk], p[1]: []}, heard)


def test_what_a_receiver_changes(boxes: Any, tags: Any) -> None:
    def receiver(action: str, pk_set: set[Any], **facts: Any) -> None:
        if action == "pre_add":
            pk_set.discard(tags[0].pk)

    m2m_changed.connect(receiver)
    try:
        Box.objects.update_m2m_fields("tags", {boxes[0].pk: [tags[0].pk, tags[1].pk]})
    finally:
        m2m_changed.disconnect(receiver)
    assert set(boxes[0].tags.all()) == {tags[1]}


def test_objects_text_and_prefetched_objects(boxes: Any, tags: Any) -> None:
    found = Box.objects.prefetch_related("tags").order_by("pk")
    assert [list(box.tags.all()) for box in found] == [[]] * 6
    assert found.update_m2m_fields("tags", {found[0]: tags[:2], str(found[1].pk): [tags[0]]}) == 3
    assert [box.tags.count() for box in found] == [2, 1, 0, 0, 0, 0]
    assert set(found[0].tags.all()) == set(tags[:2])
    assert found.update_m2m_fields("tags", {found[0]: tags[:2]}) == 0


@pytest.mark.parametrize("n", [3, 60])
def test_a_constant_number_of_statements(n: int) -> None:
    boxes = Box.objects.bulk_create([Box(code=f"x{i}") for i in range(n)])
    tags = Tag.objects.bulk_create([Tag(name=f"x{i}") for i in range(5)])
    wanted = {box.pk: [tag.pk for tag in tags] for box in boxes}
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        assert Box.objects.update_m2m_fields("tags", wanted) == 5 * n
    assert len([q for q in captured if "SAVEPOINT" not in q["sql"]]) == 2
    for targets in wanted.values():
        targets.pop()
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        assert Box.objects.update_m2m_fields("tags", wanted) == n
    assert len([q for q in captured if "SAVEPOINT" not in q["sql"]]) == 2
    with CaptureQueriesContext(connection) as captured:
        assert Box.objects.update_m2m_fields("tags", {}) == 0
    assert all(set(box.tags.all()) == set(tags[:4]) for box in boxes[:3])


def test_on_the_engine(boxes: Any, tags: Any, on_engine: list[str]) -> None:
    on_engine.clear()
    Box.objects.update_m2m_fields(
        "named", {box.pk: [tag.pk for tag in tags] for box in boxes}, through_defaults={"weight": 1}
    )
    assert len(on_engine) == 1 and len(links(Label)) == 48


def test_bad_input(boxes: Any, tags: Any) -> None:
    key = boxes[0].pk
    with pytest.raises(ValueError, match="many-to-many"):
        Box.objects.update_m2m_fields("code", {key: []})
    with pytest.raises(FieldDoesNotExist):
        Box.objects.update_m2m_fields("nothing", {key: []})
    with pytest.raises(TypeError, match="instance of"):
        Box.objects.update_m2m_fields("tags", {key: [boxes[1]]})
    with pytest.raises(ValueError, match="expected a number"):
        Box.objects.update_m2m_fields("tags", {key: ["x"]})
    with pytest.raises(ValueError, match="must not be None"):
        Box.objects.update_m2m_fields("tags", {key: [Tag()]})
    with pytest.raises(ValueError, match="twice"):
        Box.objects.update_m2m_fields("tags", {key: [], str(key): []})
    with pytest.raises(IntegrityError), transaction.atomic():
        Box.objects.update_m2m_fields("named", {key: [tags[-1].pk + 1]})
    assert Box.objects.update_m2m_fields("tags", {-1: []}) == 0
    assert Box.objects.update_m2m_fields("named", {-1: []}) == 0


@pytest.mark.django_db(transaction=True)
def test_keys_of_no_row(heard: Sent) -> None:
    box, tag = Box.objects.create(code="b"), Tag.objects.create(name="t")
    for wanted in ({box.pk: [tag.pk, -1]}, {-1: [tag.pk]}):
        with pytest.raises(IntegrityError):
            Box.objects.update_m2m_fields("tags", wanted)
        assert links(Box.tags.through) == set()


@pytest.mark.django_db(transaction=True)
def test_one_transaction(boxes: Any, tags: Any) -> None:
    error = RuntimeError("mine")

    def receiver(action: str, **facts: Any) -> None:
        if action == "post_add":
            raise error

    boxes[0].tags.set(tags[:1])
    m2m_changed.connect(receiver)
    try:
        with pytest.raises(RuntimeError) as caught:
            Box.objects.update_m2m_fields("tags", {boxes[0].pk: [tags[1].pk]})
    finally:
        m2m_changed.disconnect(receiver)
    assert caught.value is error and set(boxes[0].tags.all()) == {tags[0]}
