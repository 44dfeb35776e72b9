"""Statements that find rows by key: compiled once for a model and a connection."""

import functools
import sys
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Q, QuerySet
from django.db.models.sql import DeleteQuery, Query
from django.db.models.sql.compiler import SQLCompiler, SQLDeleteCompiler

from app.keys import Pair
from app.models import Document, Everything, Keyed, Plain
from bulkmodel.engine import commit_check
from bulkmodel.model.key_queries import read_by_keys
from bulkmodel.model.target import Target

pytestmark = pytest.mark.django_db(transaction=True)


def made(n: int) -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])


def compiled(call: Callable[[], Any]) -> int:
    """How many pieces of SQL Django's compilers make for a call.  Who replaces their methods gets
    statements that are not kept."""
    n = 0
    code = SQLCompiler.compile.__code__

    def profile(frame: Any, event: str, _: Any) -> None:
        nonlocal n
        n += event == "call" and frame.f_code is code

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return n


def upsert(rows: list[Plain]) -> Any:
    return Plain.objects.bulk_upsert(rows, ["name"], ["value"])


def test_a_second_call_builds_no_statement() -> None:
    rows = made(3)
    others = Document.objects.bulk_create([Document(name="x") for _ in range(4)])
    Target.of(Plain, "default").statements.clear()  # those of other tests
    assert compiled(lambda: upsert([Plain(name="n0", value=7)])) > 0
    Document.objects.bulk_delete([others[3]])
    result: list[Any] = []
    calls = [
        lambda: result.append(upsert([Plain(name="n0", value=8), Plain(name="n1", value=1)])),
        lambda: result.append(Document.objects.bulk_delete([others[2].pk, str(others[1].pk)])),
    ]
    assert [compiled(call) for call in calls] == [0, 0]
    assert (result[0].updated, result[0].unchanged, result[0].keys) == (
        1,
        1,
        [rows[0].pk, rows[1].pk],
    )
    assert (result[1].deleted, result[1].deleted_by_label) == (2, {"app.Document": 2})
    assert dict(Plain.django.values_list("name", "value")) == {"n0": 8, "n1": 1, "n2": 2}
    assert list(Document.objects.all()) == others[:1]
    assert Document.objects.bulk_delete([others[2].pk]).missing == 1


def test_who_replaces_djangos_method_sees_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    made(1)
    upsert([Plain(name="n0", value=7)])
    seen: list[Any] = []
    plain = SQLCompiler.execute_sql

    def watched(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(type(self).__name__)
        return plain(self, *args, **options)

    monkeypatch.setattr(SQLCompiler, "execute_sql", watched)
    assert upsert([Plain(name="n0", value=8)]).updated == 1
    assert seen == ["SQLCompiler"]


class Tenant:
    """Adds a condition while a tenant is set, where a package may add it."""

    def __init__(self) -> None:
        self.name: str | None = None

    def adds(self, query: Any) -> None:
        if self.name is not None:
            query.add_q(Q(name=self.name))


@pytest.mark.parametrize("wraps", [True, False])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("where", ["get_compiler", "as_sql", "compile", "execute_sql", "compiler"])
def test_a_tenant_s_condition_is_never_kept(
    where: str, late: bool, wraps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that has a hand in the compilation decides for each call."""
    mine, theirs, other, last = Document.objects.bulk_create(
        [Document(name=name) for name in ("mine", "theirs", "theirs", "mine")]
    )
    tenant = Tenant()
    hooked = functools.wraps if wraps else lambda _: lambda function: function
    if late:  # the statement is kept before the package comes
        assert Document.objects.bulk_delete([last]).deleted == 1
    if where == "get_compiler":
        plain = DeleteQuery.get_compiler

        @hooked(plain)
        def changed(self: Any, *args: Any, **options: Any) -> Any:
            tenant.adds(self)
            return plain(self, *args, **options)

        monkeypatch.setattr(DeleteQuery, "get_compiler", changed)
    elif where == "compiler":
        kind: Any = type("Own", (SQLDeleteCompiler,), {})
        kind.as_sql = lambda self: tenant.adds(self.query) or SQLDeleteCompiler.as_sql(self)
        find: Any = type(connection.ops).compiler

        @hooked(find)
        def compiler(self: Any, name: str) -> Any:
            return kind if name == "SQLDeleteCompiler" else find(self, name)

        monkeypatch.setattr(type(connection.ops), "compiler", compiler)
    else:
        of: Any = getattr(SQLDeleteCompiler, where)

        @hooked(of)
        def method(self: Any, *args: Any, **options: Any) -> Any:
            if args[:1] == (self.query.where,) or where != "compile":
                tenant.adds(self.query)
            return of(self, *args, **options)

        monkeypatch.setattr(SQLDeleteCompiler, where, method)
    if not late:
        assert Document.objects.bulk_delete([last]).deleted == 1
    seen = compiled(lambda: Document.objects.bulk_delete([10**6]))
    assert seen > 0  # whatever the method does, the next call goes through it
    if where != "execute_sql":  # which adds no condition
        tenant.name = "mine"
        assert Document.objects.bulk_delete([theirs], allow_skipped=True).skipped == 1
        assert Document.objects.bulk_delete([mine]).deleted == 1
        assert set(Document.objects.all()) == {theirs, other}


@pytest.mark.parametrize("wraps", [True, False])
@pytest.mark.parametrize(
    ("owner", "name"), [(Query, "get_compiler"), (QuerySet, "filter"), (SQLCompiler, "as_sql")]
)
def test_a_read_that_somebody_may_change_is_not_kept(
    owner: Any, name: str, wraps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(1)
    upsert([Plain(name="n0", value=7)])
    seen: list[str] = []
    plain = getattr(owner, name)

    def changed(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(name)
        return plain(self, *args, **options)

    monkeypatch.setattr(owner, name, functools.wraps(plain)(changed) if wraps else changed)
    assert upsert([Plain(name="n0", value=8)]).updated == 1
    assert seen


def test_few_statements_are_kept_and_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sequence of update_fields has a statement of its own."""
    monkeypatch.setattr("bulkmodel.model.key_queries._MOST", 3)
    fields = [Everything._meta.pk]
    kept = Target.of(Everything, "default").statements
    kept.clear()
    sequences = list(permutations(["char", "float", "uuid", "slug"], 2))
    for names in sequences:
        assert read_by_keys(Everything, "default", fields, [(7,)], names) == []
    assert len(kept) == 3
    read = [lambda n=n: read_by_keys(Everything, "default", fields, [(7,)], n) for n in sequences]
    assert compiled(read[-3]) == 0  # and it is the last one now
    assert compiled(read[0]) > 0
    assert [compiled(read[-3]), compiled(read[-2]) > 0] == [0, True]
    for statement in kept.values():
        assert len(statement.keys.rhs) == 0
        assert [len(node.rhs) for node in statement.compiler.query.where.children] == [0]


def test_a_new_connection() -> None:
    made(1)
    for value in (7, 8):
        assert upsert([Plain(name="n0", value=value)]).updated == 1
        connection.close()
    assert list(Plain.django.values_list("value", flat=True)) == [8]


@pytest.mark.parametrize("text", ["O'Brien", '%s %% "', "a\\b{,}", "ß☃"])
def test_keys_of_text(text: str) -> None:
    row = Plain.django.create(name=text, value=1)
    for value in (2, 3):
        result = upsert([Plain(name=text, value=value)])
        assert (result.updated, result.keys) == (1, [row.pk])
    assert list(Plain.django.values_list("name", "value")) == [(text, 3)]


def test_other_keys() -> None:
    rows = Keyed.objects.bulk_create([Keyed(name=f"n{i}") for i in range(3)])
    assert Keyed.objects.bulk_delete([rows[0]]).deleted == 1
    assert Keyed.objects.bulk_delete([str(rows[1].pk), rows[1].pk], duplicates="first").deleted == 1
    assert list(Keyed.objects.all()) == rows[2:]
    Pair.objects.bulk_create([Pair(left=i, right="x", value=i) for i in range(3)])
    for i in range(2):
        assert Pair.objects.bulk_delete([(i, "x")]).deleted == 1
    assert Pair.objects.count() == 1


def test_the_server_is_asked_for_the_commit_of_several_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = made(2)
    others = Document.objects.bulk_create([Document(name="x") for _ in range(2)])
    asked: list[bool] = []
    plain = commit_check.is_wanted
    monkeypatch.setattr(
        commit_check, "is_wanted", lambda several: asked.append(plain(several)) or asked[-1]
    )
    one = upsert([Plain(name="n0", value=7), Plain(name="n1", value=1)])
    upsert([Plain(name="new", value=7)])
    Document.objects.bulk_delete(others)
    assert (one.updated, one.unchanged, any(asked)) == (1, 1, False)
    upsert([Plain(name="n0", value=9), Plain(name="newer", value=7)])
    assert asked.count(True) == int(connection.vendor == "postgresql")
    assert list(Plain.django.filter(pk=rows[0].pk).values_list("value", flat=True)) == [9]


def test_targets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps its model: tests and projects that make models would keep all of them."""
    monkeypatch.setattr("bulkmodel.model.target._MOST", 2)
    vars(connections["default"]).pop("_bulkmodel_targets", None)
    for model in (Plain, Keyed, Pair):
        Target.of(model, "default")
    assert len(vars(connections["default"])["_bulkmodel_targets"]) <= 2
