"""copy_from_objects(on_error="collect"), judged by objects that are saved one by one."""

import random
from contextlib import nullcontext
from copy import copy

import pytest
from asgiref.sync import async_to_sync
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from app.models import Everything, Keyed, Plain
from bulkmodel import signals
from bulkmodel.errors import TooManyRejects
from bulkmodel.results import Outcome

pytestmark = pytest.mark.django_db(transaction=True)


def saved_one_by_one(objects):
    """Return the positions of those that cannot be saved.  Django's check is that of COMMIT."""
    failed = []
    for i, object in enumerate(objects):
        try:
            with transaction.atomic():
                copy(object).save(force_insert=True)
                connection.check_constraints()
        except (IntegrityError, DataError, ValueError, TypeError):
            failed.append(i)
    return failed


def rows_of(model):
    fields = [field.attname for field in model._meta.fields if not field.primary_key]
    return sorted(model.objects.values_list(*fields), key=repr)


def compare(model, objects, given=None, **options):
    result = model.objects.copy_from_objects(
        objects if given is None else given, on_error="collect", max_rejects="100%", **options
    )
    got = rows_of(model)
    model.objects.all().delete()
    failed = saved_one_by_one(objects)
    assert [reject.row_index for reject in result.rejects] == failed
    assert rows_of(model) == got
    assert all(reject.object is objects[reject.row_index] for reject in result.rejects)
    assert (result.inserted, result.rejected) == (len(objects) - len(failed), len(failed))
    assert result.rows(Outcome.REJECTED) == failed
    return result


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("within", [False, True])
def test_the_result_is_that_of_objects_one_by_one(seed, within):
    draw = random.Random(seed)
    objects = [Plain(name=f"n{i}", value=i) for i in range(90)]
    for object in draw.sample(objects, 12):
        object.name = draw.choice(objects).name
    objects[draw.randrange(90)].name = None
    objects[draw.randrange(90)].value = "abc"
    Plain(name="n5").save()
    if not within:
        before = [copy(row) for row in Plain.objects.all()]
        assert len(before) == 1
    with transaction.atomic() if within else transaction.atomic(durable=False):
        result = Plain.objects.copy_from_objects(
            iter(objects), on_error="collect", max_rejects=90, batch_size=(7, 40, None)[seed % 3]
        )
    got = rows_of(Plain)
    Plain.objects.all().delete()
    Plain(name="n5").save()
    assert [reject.row_index for reject in result.rejects] == saved_one_by_one(objects)
    assert rows_of(Plain) == got


@pytest.mark.parametrize("seed", range(4))
def test_parents_that_are_not_there(seed):
    """Django's foreign keys are deferred: each part is checked."""
    draw = random.Random(seed)
    parents = [Plain.django.create(name=f"p{i}").pk for i in range(3)]
    choice = [*parents, None, 10**6]
    objects = [Everything(integer=i, link_id=draw.choice(choice)) for i in range(60)]
    result = compare(Everything, objects)
    assert {reject.sqlstate for reject in result.rejects} == {"23503"}


@pytest.mark.parametrize("n", [1, 3, 2500])
def test_what_a_reject_says(n):
    objects = [Plain(name=f"n{i}", value=1) for i in range(n)]
    objects += [Plain(name="n0", value=1), Plain(name="later", value="x")]
    result = compare(Plain, objects)
    repeated, wrong = result.rejects
    assert (repeated.row_index, repeated.sqlstate) == (n, "23505")
    assert repeated.constraint
    assert repeated.object is objects[n]
    assert "unique" in repeated.message.lower()
    assert (wrong.row_index, wrong.field_name, wrong.sqlstate) == (n + 1, "value", None)
    assert "expected a number" in wrong.message


def test_given_keys():
    objects = [Keyed(name=f"k{i}") for i in range(20)]
    objects[13].id = objects[4].id
    result = compare(Keyed, objects)
    assert [reject.row_index for reject in result.rejects] == [13]


def test_a_callers_transaction_goes_on_and_its_constraints_stay_deferred():
    with transaction.atomic():
        Plain.django.create(name="before")
        result = Plain.objects.copy_from_objects(
            [Plain(name="before"), Plain(name="new")], on_error="collect", max_rejects=1
        )
        late = Everything.django.create(link_id=77)  # its parent comes later
        Plain.django.create(pk=77, name="parent")
    assert (result.inserted, result.rejected) == (1, 1)
    assert Everything.objects.get(pk=late.pk).link.name == "parent"
    assert Plain.objects.count() == 3


def test_a_transaction_without_autocommit_is_the_callers():
    transaction.set_autocommit(False)
    try:
        Plain.objects.copy_from_objects([Plain(name="new")], on_error="collect")
        Everything.objects.copy_from_objects([Everything(integer=1)], on_error="collect")
        late = Everything.django.create(link_id=77)  # its parent comes later
        Plain.django.create(pk=77, name="parent")
        transaction.commit()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert Everything.objects.get(pk=late.pk).link.name == "parent"


@pytest.mark.parametrize("within", [False, True])
def test_the_statements_are_counted(within):
    objects = [Plain(name="a"), Plain(name="a"), Plain(name="b")]
    with (
        transaction.atomic() if within else nullcontext(),
        CaptureQueriesContext(connection) as captured,
    ):
        result = Plain.objects.copy_from_objects(objects, on_error="collect", max_rejects=1)
    sent = [query["sql"] for query in captured if query["sql"] not in ("BEGIN", "COMMIT")]
    assert result.statements == len(sent) + (0 if within else 2)
    with CaptureQueriesContext(connection) as captured, pytest.raises(TooManyRejects) as raised:
        Plain.objects.copy_from_objects(objects, on_error="collect", max_rejects=0)
    sent = [query["sql"] for query in captured if query["sql"] not in ("BEGIN", "ROLLBACK")]
    assert raised.value.result.statements == len(sent) + 2
    assert raised.value.result.seconds > 0


def test_too_many():
    objects = [Plain(name="same") for _ in range(10)] + [Plain(name=f"n{i}") for i in range(10)]
    for limit in (None, 8, "44%", "0%", 0):
        with pytest.raises(TooManyRejects, match="cannot be written") as raised:
            Plain.objects.copy_from_objects(objects, on_error="collect", max_rejects=limit)
        assert raised.value.result.rejected > 0
        assert Plain.objects.count() == 0
    for limit in (9, "45%", "100%"):
        result = Plain.objects.copy_from_objects(objects, on_error="collect", max_rejects=limit)
        assert (result.inserted, result.rejected) == (11, 9)
        Plain.objects.all().delete()


def test_what_is_no_objects_fault_is_raised():
    class Broken(Exception):
        pass

    def objects():
        yield Plain(name="a")
        raise Broken

    with pytest.raises(Broken):
        Plain.objects.copy_from_objects(objects(), on_error="collect")
    assert Plain.objects.count() == 0
    for wrong in (
        {"on_error": "ignore"},
        {"max_rejects": 3},
        {"on_error": "collect", "max_rejects": 0.5},
        {"on_error": "collect", "max_rejects": "101%"},
        {"on_error": "collect", "max_rejects": -1},
        {"on_error": "collect", "return_queryset": True},
        {"on_error": "collect", "concurrent": True},
        {"on_error": "collect", "retries": 2},
    ):
        with pytest.raises(ValueError, match=r"on_error|max_rejects"):
            Plain.objects.copy_from_objects([Plain(name="a")], **wrong)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE app_plain RENAME TO app_away")
    try:
        with pytest.raises(Exception, match="app_plain"):
            Plain.objects.copy_from_objects([Plain(name="a")], on_error="collect")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE app_away RENAME TO app_plain")


def test_async_and_signals():
    heard = []

    def receive(sender, n, queryset, **facts):
        heard.append((n, sorted(row.name for row in queryset)))

    objects = [Plain(name="a"), Plain(name="a"), Plain(name="b")]
    signals.post_copy_from_instances.connect(receive, sender=Plain)
    try:
        result = async_to_sync(Plain.objects.acopy_from_objects)(
            objects, on_error="collect", max_rejects=1
        )
    finally:
        signals.post_copy_from_instances.disconnect(receive, sender=Plain)
    assert [reject.row_index for reject in result.rejects] == [1]
    assert heard == [(2, ["a", "b"])]


def test_no_objects():
    result = Plain.objects.copy_from_objects([], on_error="collect")
    assert (result.inserted, result.rejects) == (0, [])
