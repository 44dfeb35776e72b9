"""L26: a trigger that drops rows is an error of django.db, with the counts, for verbs of ours."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from app.models import Plain

pytestmark = pytest.mark.django_db

ON_SQLITE = (
    "CREATE TRIGGER drops BEFORE INSERT ON app_plain WHEN NEW.value % 2 = 1"
    " BEGIN SELECT RAISE(IGNORE); END"
)
ON_POSTGRESQL = (
    "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN IF NEW.value % 2 = 1 THEN RETURN NULL; END IF; RETURN NEW; END'",
    "CREATE TRIGGER drops BEFORE INSERT ON app_plain FOR EACH ROW EXECUTE FUNCTION drops()",
)


@pytest.fixture
def dropping() -> None:
    with connection.cursor() as cursor:
        for sql in (ON_SQLITE,) if connection.vendor == "sqlite" else ON_POSTGRESQL:
            cursor.execute(sql)


def plain(n: int, keyed: bool = False) -> list[Plain]:
    return [Plain(pk=9000 + i if keyed else None, name=f"{i}", value=i) for i in range(n)]


def verbs(keyed: bool) -> dict[str, Any]:
    objects = Plain.objects
    return {
        "copy": lambda rows: objects.copy_from_objects(rows, exclude_id=not keyed),
        "copies": lambda rows: objects.copy_from_objects(
            rows, exclude_id=not keyed, return_queryset=True
        ),
        "stream": lambda rows: objects.copy_from_objects(
            iter(rows), exclude_id=not keyed, batch_size=3
        ),
        "some": lambda rows: objects.copy_from_objects(
            rows, exclude_id=not keyed, fieldnames=["name", "value"]
        ),
        "create_queryset": lambda rows: objects.create_queryset(rows),
    }


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("n", [4, 1500])
@pytest.mark.parametrize("verb", list(verbs(False)))
def test_verbs_of_ours(dropping: None, verb: str, n: int, keyed: bool) -> None:
    rows = plain(n, keyed)
    before = [row.pk for row in rows]
    with pytest.raises(DatabaseError, match=r"\d+.*\d+"), transaction.atomic():
        verbs(keyed)[verb](rows)
    assert not Plain.django.exists()
    assert [row.pk for row in rows] == before and all(row._state.adding for row in rows)


@pytest.mark.parametrize("n", [4, 1500])
def test_django_s_own_as_django(dropping: None, n: int) -> None:
    for manager in (Plain.django, Plain.objects):
        with pytest.raises(AssertionError), transaction.atomic():
            manager.bulk_create(plain(n))
    assert not Plain.django.exists()


WITHOUT_ASSERT = """
import os, sys
sys.path[:0] = {path!r}
import bulkmodel
bulkmodel.__path__[:] = {package!r}
import django
from django.conf import settings
settings.configure(
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    INSTALLED_APPS=["bulkmodel"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.db import DatabaseError, connection, models
from bulkmodel.managers import BulkModelManager
class Plain(models.Model):
    name = models.CharField(max_length=10)
    value = models.IntegerField()
    objects = BulkModelManager()
    class Meta:
        app_label = "app"
with connection.schema_editor() as editor:
    editor.create_model(Plain)
with connection.cursor() as cursor:
    cursor.execute({trigger!r})
assert False, "asserts are off"
for n in (4, 1500):
    rows = [Plain(name=f"{{i}}", value=i) for i in range(n)]
    for verb in ("copy_from_objects", "create_queryset"):
        try:
            getattr(Plain.objects, verb)(rows)
        except DatabaseError:
            print(verb, n, "refused", Plain.objects.count())
"""


def test_where_python_has_no_asserts(tmp_path: Path) -> None:
    import bulkmodel

    script = tmp_path / "script.py"
    text = WITHOUT_ASSERT.format(
        path=[path for path in sys.path if path],
        package=list(bulkmodel.__path__),
        trigger=ON_SQLITE,
    )
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, "-O", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        f"{verb} {n} refused 0"
        for n in (4, 1500)
        for verb in ("copy_from_objects", "create_queryset")
    ], done.stderr
