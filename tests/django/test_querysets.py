"""The querysets that calls return, and the classes of a project's own."""

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from django.apps.registry import Apps
from django.core.exceptions import FieldError
from django.db import connection, models, transaction
from django.db.migrations.state import ModelState
from django.db.models import F, Prefetch, Subquery
from django.test.utils import CaptureQueriesContext, isolate_apps

from app.keys import Pair, Tagged
from app.models import Foo, Keyed, Plain, Signed
from bulkmodel.managers import BulkModelManager
from bulkmodel.model.where import InKeys
from bulkmodel.queryset import BulkModelQuerySet, BulkModelQuerySetMixin

pytestmark = pytest.mark.django_db


def rows(n: int) -> list[Plain]:
    return [Plain(name=f"n{i}", value=n - i) for i in range(n)]


def by_create(n: int) -> Any:
    return Plain.objects.filter(value=-1).bulk_create(rows(n), return_queryset=True)


def by_update_fields(n: int) -> Any:
    made = Plain.django.bulk_create(rows(n))
    return Plain.objects.filter(value__gte=0).update_fields(
        "value", objects=made, return_queryset=True
    )


def by_update(n: int) -> Any:
    Plain.django.bulk_create(rows(n))
    chosen = Plain.objects.filter(value__gte=0).order_by("-value")
    return chosen.update(value=-F("value"), return_queryset=True)


def by_create_queryset(n: int) -> Any:
    return Plain.objects.filter(value=-1).create_queryset(rows(n))


WAYS: list[Callable[[int], Any]] = [by_create, by_update_fields, by_update, by_create_queryset]


@pytest.mark.parametrize("n", [5, 1200])
@pytest.mark.parametrize("way", WAYS)
def test_a_real_queryset(way: Any, n: int, django_assert_num_queries: Any) -> None:
    Plain.django.create(name="other", value=None)
    written = way(n)
    Plain.django.create(name="another", value=None)
    assert isinstance(written, BulkModelQuerySet) and written._db == "default"
    with django_assert_num_queries(0):
        assert [row.name for row in written] == [f"n{i}" for i in range(n)]
    with django_assert_num_queries(0):
        assert len(written) == written.count() == n and written[1].name == "n1"
        assert [row.name for row in written[1:3]] == ["n1", "n2"]
        assert written.exists() and bool(written)
    with django_assert_num_queries(9):
        assert written.all().count() == n
        assert written.filter(name__in=["n1", "other"]).get().name == "n1"
        assert written.exclude(name="n0").count() == n - 1
        assert written.order_by("-pk")[0].name == f"n{n - 1}"
        assert written.first().name == "n0" and written.last().name == f"n{n - 1}"
        assert written.aggregate(n=models.Count("pk"))["n"] == n
        assert Plain.django.filter(pk__in=written.values("pk")).count() == n
        assert (written.all() | Plain.objects.filter(name="other")).count() == n + 1


@pytest.mark.parametrize("way", WAYS)
def test_keys_are_one_parameter(way: Any) -> None:
    written = way(40)
    sql, params = written.query.sql_with_params()
    assert len(params) == 1 and sql.count("%s") == 1


def test_evaluated_again_it_has_the_model_s_order() -> None:
    made = Tagged.objects.bulk_create(
        [Tagged(name=name) for name in ("b", "c", "a")], return_queryset=True
    )
    assert [row.name for row in made] == ["b", "c", "a"]
    assert [row.name for row in made.all()] == ["a", "b", "c"]


@pytest.mark.parametrize("way", WAYS)
def test_copies_have_no_snapshot(way: Any) -> None:
    written = way(5)
    list(written)
    pickled = pickle.loads(pickle.dumps(written))
    assert pickled._snapshot is None and list(pickled) == list(written)
    pickled[0].value = 77
    with pytest.raises(ValueError, match="needs field names"):
        pickled.update_fields()
    assert pickled.update_fields("value") == 5
    copied = copy.deepcopy(written)  # Django's keeps no rows
    assert copied._snapshot is None and copied._result_cache is None
    assert {row.pk for row in copied} == {row.pk for row in written}
    assert copied.update_fields() == 0
    assert copied.get(pk=pickled[0].pk).value == 77
    clone = written.all()
    assert clone._snapshot is None and clone._result_cache is None
    with pytest.raises(ValueError, match="has not been read"):
        clone.update_fields()
    written[1].value = 78
    assert written.update_fields() == 1


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_with_it(way: Any, django_assert_num_queries: Any) -> None:
    written = way(5)
    owner = written[0]
    Signed.objects.bulk_create([Signed(name=f"{i}", value=i - 1, owner=owner) for i in range(3)])
    with django_assert_num_queries(2):
        found = {row.pk: list(row.signed.all()) for row in written.prefetch_related("signed")}
    assert len(found[owner.pk]) == 3 and len(found) == 5
    lookup = Prefetch("signed", Signed.positive.all(), to_attr="good")
    assert [len(row.good) for row in written.prefetch_related(lookup)] == [2, 0, 0, 0, 0]
    assert written.only("name")[0].get_deferred_fields() == {"value"}
    assert written.defer("name")[0].get_deferred_fields() == {"name"}
    rows = Signed.objects.order_by("pk")
    list(rows)
    signed = rows.update_fields("name", return_queryset=True)
    with django_assert_num_queries(1):
        assert [row.owner for row in signed.select_related("owner")] == [owner] * 3
    assert written.values_list("name", flat=True).distinct().count() == 5
    assert written.annotate(n=models.Count("signed")).get(n=3) == owner


def test_keys_of_several_columns(django_assert_num_queries: Any) -> None:
    pairs = [Pair(left=i % 7, right=f"r{i}", value=i) for i in range(30)]
    made = Pair.objects.bulk_create(pairs, return_queryset=True)
    Pair.objects.create(left=0, right="r1", value=-1)
    with django_assert_num_queries(0):
        assert list(made) == pairs
    assert {row.pk for row in made.all()} == {row.pk for row in pairs}
    assert made.all().count() == 30 and made.filter(value__lt=10).count() == 10
    assert len(made.query.sql_with_params()[1]) <= 2
    for pair in made:
        pair.value += 1
    assert made.update_fields() == 30
    assert Pair.objects.get(left=0, right="r1").value == -1
    assert made.filter(value=30).get().pk == (1, "r29")
    assert made.update(value=5, return_queryset=True).count() == 30
    assert set(pickle.loads(pickle.dumps(made))) == set(pairs)


def test_keys_in_their_own_form() -> None:
    keys = [row.pk for row in Keyed.objects.bulk_create([Keyed(name=f"{i}") for i in range(9)])]
    for given in (keys, [str(key) for key in keys], [key.hex for key in keys]):
        assert Keyed.objects.filter(InKeys(F("pk"), given)).count() == 9
    assert Keyed.objects.filter(InKeys(F("pk"), [])).count() == 0
    odd = ["", "tab\t", "'quote'", '"x"', "{a,b}", "\\N", "ä€\U0001f600", "%s", "NULL"]
    Plain.django.bulk_create([Plain(name=name) for name in odd])
    assert Plain.objects.filter(InKeys(F("name"), odd)).count() == len(odd)
    assert Plain.objects.filter(InKeys(F("name"), ["a", "b", "null"])).count() == 0
    assert Plain.objects.exclude(InKeys(F("name"), odd[:4])).count() == len(odd) - 4


def test_a_million_keys() -> None:
    made = Plain.django.bulk_create(rows(10))
    first = made[0].pk
    keys = list(range(first, first + 1_000_000))
    queryset = BulkModelQuerySet(Plain).filter(InKeys(F("pk"), keys))
    assert queryset.count() == 10
    assert queryset.filter(value__gt=5).filter(name="n1").count() == 1
    assert queryset.order_by("-pk").first() == made[-1]
    assert queryset.update(value=3) == 10


def test_a_project_s_own_classes() -> None:
    class Own(BulkModelQuerySet):
        def small(self) -> Any:
            return self.filter(value__lt=3)

    class Mixed(BulkModelQuerySetMixin, models.QuerySet):  # type: ignore[type-arg]
        def small(self) -> Any:
            return self.filter(value__lt=3)

    with isolate_apps("app"):
        for manager in (
            Own.as_manager(),
            BulkModelManager.from_queryset(Own)(),
            BulkModelManager.from_queryset(Mixed)(),
            Mixed.as_manager(),
            models.Manager.from_queryset(Own)(),
        ):

            class Model(models.Model):
                name = models.CharField(max_length=10, unique=True)
                value = models.IntegerField(null=True)
                objects = manager

                class Meta:
                    app_label = "app"
                    db_table = "app_plain"

            Model.objects.all().delete()
            made = Model.objects.bulk_create(
                [Model(name=f"n{i}", value=i) for i in range(5)], return_queryset=True
            )
            assert {row.value for row in made.small()} == {0, 1, 2}
            made[0].value = 9
            assert made.update_fields() == 1 and Model.objects.small().count() == 2
            assert not manager.use_in_migrations
            assert not ModelState.from_model(Model).managers


def test_historical_models() -> None:
    state = ModelState("app", "Plain", [], options={"db_table": "app_plain"})
    state.fields = {
        "id": models.BigAutoField(primary_key=True),
        "name": models.CharField(max_length=10),
        "value": models.IntegerField(null=True),
    }
    historical = state.render(Apps())
    assert type(historical.objects) is models.Manager
    queryset = BulkModelQuerySet(historical, using="default")
    made = queryset.bulk_create(
        [historical(name=f"n{i}", value=i) for i in range(3)], return_queryset=True
    )
    made[2].value = 7
    assert made.update_fields() == 1
    assert set(Plain.objects.values_list("value", flat=True)) == {0, 1, 7}


def test_related_managers() -> None:
    owner, other = Plain.objects.create(name="owner"), Plain.objects.create(name="other")
    made = owner.signed.bulk_create([Signed(name=f"{i}", value=i) for i in range(3)])
    assert [row.owner_id for row in made] == [None] * 3  # as Django's
    for row in made:
        row.owner = owner
    assert Signed.objects.bulk_update(made, ["owner"]) == 3
    theirs = Signed.objects.create(name="theirs", value=0, owner=other)
    rows = owner.signed.order_by("pk")
    for row in rows:
        row.value += 10
    assert rows.update_fields() == 3
    assert owner.signed.update_fields("value", objects=[*rows, theirs]) == 3
    assert owner.signed.update(value=5) == 3
    assert owner.signed.filter(value=5).update(name="x", batch_size=2) == 3
    theirs.refresh_from_db()
    assert (theirs.value, theirs.name) == (0, "theirs")
    found = owner.signed.bulk_create([Signed(name="n", value=1, owner=other)], return_queryset=True)
    assert found.all().get().owner == other  # free of the manager's filter


ANNOTATED: dict[str, Any] = {
    "expression": lambda rows: rows.annotate(x=models.F("value") * 10),
    "and filter": lambda rows: rows.annotate(x=models.F("value") + 100).filter(x__gte=103),
    "subquery": lambda rows: rows.annotate(
        x=models.Subquery(
            Signed.objects.filter(owner=models.OuterRef("pk")).order_by("value").values("value")[:1]
        )
    ),
    "aggregate": lambda rows: rows.annotate(x=models.Count("signed")),
    "joined": lambda rows: rows.annotate(x=models.F("signed__value")),
}


@pytest.mark.parametrize("options", [{"batch_size": 3}, {"return_queryset": True}], ids=repr)
@pytest.mark.parametrize("case", ANNOTATED)
def test_a_batched_update_with_annotations(case: str, options: dict[str, Any]) -> None:
    made = Plain.django.bulk_create(rows(8))
    Signed.objects.bulk_create([Signed(name="s", value=50 - i, owner=made[i]) for i in range(8)])

    def outcome(manager: Any, **given: Any) -> Any:
        try:
            with transaction.atomic():
                n = ANNOTATED[case](manager.order_by("pk")).update(value=models.F("x"), **given)
                left = list(Plain.django.order_by("pk").values_list("value", flat=True))
                transaction.set_rollback(True)
        except FieldError as error:
            return type(error)
        return n if isinstance(n, int) else len(n), left

    assert outcome(Plain.objects, **options) == outcome(Plain.django)


def test_no_query_that_is_not_needed(django_assert_num_queries: Any) -> None:
    made = Plain.django.bulk_create(rows(30))
    with django_assert_num_queries(0):
        queryset = Plain.objects.filter(value=1).bulk_options(batch_size=3).using("default")
        queryset.order_by("pk").filter(name="x")
    with django_assert_num_queries(1):
        Plain.objects.bulk_create([Plain(name="new")], return_queryset=True)
    with django_assert_num_queries(1):
        assert Plain.objects.filter(name__startswith="n").update(value=2) == 31
    with CaptureQueriesContext(connection) as captured:
        Plain.objects.update_fields("value", objects=made, return_queryset=True)
    assert len(captured) == 1


def test_computed_values_are_read_back() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        foos = Foo.objects.bulk_create([Foo(name="a", value=1)], return_queryset=True)
        foos[0].value = F("value") + 1
        assert foos.update_fields("value", return_queryset=True)[0].value == 2


def test_rows_that_were_there() -> None:
    old = Plain.objects.create(name="n1", value=-1)
    made = Plain.objects.bulk_create(
        rows(3),
        update_conflicts=True,
        update_fields=["value"],
        unique_fields=["name"],
        return_queryset=True,
    )
    assert [(row.name, row.value) for row in made] == [("n0", 3), ("n1", 2), ("n2", 1)]
    assert made[1] == old and made.all().count() == 3
    given = [Plain(pk=old.pk, name="n1", value=5), Plain(pk=10**6, name="new", value=6)]
    ignored = Plain.objects.bulk_create(given, ignore_conflicts=True, return_queryset=True)
    assert {(row.name, row.value) for row in ignored} == {("n1", 2), ("new", 6)}
    foo = Foo.objects.create(name="a", value=1)
    foos = [Foo(pk=foo.pk, name="b", value=2), Foo(name="c", value=3)]
    created = Foo.objects.bulk_create(foos, ignore_conflicts=True, return_queryset=True)
    assert [row.name for row in created] == ["c"]


def test_rows_that_vanished() -> None:
    made = Plain.objects.bulk_create(rows(3))
    Plain.django.filter(name="n1").delete()
    for row in made:
        row.value = 7
    written = Plain.objects.update_fields("value", objects=made, return_queryset=True)
    assert [row.name for row in written] == ["n0", "n2"]


def test_batches_do_not_take_rows_from_each_other() -> None:
    """A filter over all rows selects once, not anew behind each batch."""
    Plain.django.bulk_create(Plain(name=f"n{i}", value=7) for i in range(5))
    highest = Plain.django.order_by("-value").values("value")[:1]
    found = Plain.objects.annotate(top=Subquery(highest)).filter(value=F("top"))
    assert found.update(value=100, batch_size=2) == 5
    assert set(Plain.django.values_list("value", flat=True)) == {100}


@pytest.mark.parametrize("n", [0, 3])
def test_a_router_is_asked_once_for_a_query(settings: Any, n: int) -> None:
    Plain.objects.bulk_create(rows(n))
    asked: list[type[models.Model]] = []

    class Router:
        def db_for_read(self, model: type[models.Model], **hints: Any) -> None:
            asked.append(model)

    settings.DATABASE_ROUTERS = [Router()]
    assert len(list(Plain.objects.all())) == n
    assert asked == [Plain]
