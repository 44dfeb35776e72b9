"""Statements that find rows by key: compiled once for a model and a connection."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models.sql.compiler import SQLCompiler

from app.keys import Pair
from app.models import Document, Keyed, Plain
from bulkmodel.engine import commit_check
from bulkmodel.model.target import Target

pytestmark = pytest.mark.django_db(transaction=True)


def made(n: int) -> list[Plain]:
    return Plain.django.bulk_create([Plain(name=f"n{i}", value=i) for i in range(n)])


def compiled(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any]) -> int:
    """How many pieces of SQL Django's compilers make for a call."""
    n = 0
    plain = SQLCompiler.compile

    def counted(self: Any, node: Any) -> Any:
        nonlocal n
        n += 1
        return plain(self, node)

    with monkeypatch.context() as patch:
        patch.setattr(SQLCompiler, "compile", counted)
        call()
    return n


def upsert(rows: list[Plain]) -> Any:
    return Plain.objects.bulk_upsert(rows, ["name"], ["value"])


def test_a_second_call_builds_no_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made(3)
    others = Document.objects.bulk_create([Document(name="x") for _ in range(4)])
    upsert([Plain(name="n0", value=7)])
    Document.objects.bulk_delete([others[3]])
    result: list[Any] = []
    calls = [
        lambda: result.append(upsert([Plain(name="n0", value=8), Plain(name="n1", value=1)])),
        lambda: result.append(Document.objects.bulk_delete([others[2].pk, str(others[1].pk)])),
    ]
    assert [compiled(monkeypatch, call) for call in calls] == [0, 0]
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
