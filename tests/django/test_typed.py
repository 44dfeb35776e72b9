"""What a type checker sees: examples/typed.py is right and runs, wrong calls are errors, and the
declarations are those of the methods."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import models

import bulkmodel
from bulkmodel.queryset import BulkModelQuerySetMixin

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples/typed.py"
WRONG = """
from __future__ import annotations
from bulkmodel.ce import ConcurrentExecutor
from bulkmodel.helpers import get_chunks
from typed import Item, Named, Shelf

Item.objects.bulk_create([], batchsize=1)  # call-overload
Item.objects.bulk_create([Shelf()])  # list-item
one: int = Item.objects.bulk_create([])  # assignment
two: list[Item] = Item.objects.bulk_create([], return_queryset=True)  # assignment
Item.objects.update_fields(1)  # call-overload
three: str = Item.objects.update_fields("name")  # assignment
Item.objects.filter(value=1).updatefields()  # attr-defined
Item.objects.filter(value=1).update_fields(names=["name"])  # call-overload
four: str = Item.objects.filter(value=1).update(value=2)  # assignment
Item.objects.bulk_upsert([], duplicates="both")  # arg-type
Item.objects.bulk_upsert([], "name", batchsize=1)  # call-arg
Item.objects.bulk_upsert([], set=["value"])  # arg-type
Item.objects.bulk_upsert([], on_changes=1)  # arg-type
Item.objects.bulk_upsert([], lookups=["shelf"])  # arg-type
Item.objects.save_graph([], child=["x"])  # call-arg
Item.objects.update_fields("name", unique_fields=1)  # call-overload
Item.objects.bulk_sync([])  # attr-defined
Item.objects.all().bulk_sync([], max_deletes=0.1)  # arg-type
Item.objects.bulk_delete([1], batch_size=1)  # call-arg
Item.objects.copy_from_objects([], field_names=["name"])  # call-overload
Item.objects.copy_from_objects([], on_error="skip")  # call-overload
Item.objects.copy_from_objects([], on_error="collect").changed  # attr-defined
Item.objects.copy_to_instances(column=["name"])  # call-arg
Item.objects.copy_from_arrow([Item()])  # call-overload
Item.objects.copy_to_arrow(column=["name"])  # call-arg
five: list[Shelf] = Item.objects.copy_to_instances()  # assignment
Item.objects.update_m2m_fields("shelves")  # call-arg
Item.objects.create_queryset([])[0].nothing  # attr-defined
Item.objects.get_chunks("2")  # arg-type
ConcurrentExecutor([], workers=1)  # call-arg
get_chunks([1], "2")  # arg-type


async def coroutine() -> None:
    six: str = await Item.objects.aupdate_fields()  # assignment
    seven: list[Item] = await Item.objects.abulk_create([], return_queryset=True)  # assignment
"""
RUN = """
import sys
import bulkmodel
bulkmodel.__path__[:] = sys.argv[2:]
import django
from django.conf import settings
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}
settings.configure(DATABASES={"default": database}, USE_TZ=True,
                   DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
django.setup()
from asgiref.sync import async_to_sync
from django.db import connection
import typed
from typed import Item, Shelf
with connection.schema_editor() as editor:
    editor.create_model(Shelf)
    editor.create_model(Item)
typed.listen()
def rows(n):
    return [Item(name=f"{i}", value=-1) for i in range(n)]
print(typed.create(rows(3)).count(), Item.objects.count())
print([shelf.name for shelf in typed.upsert([Shelf(id=1, name="a")])])
items = Item.objects.all()
list(items)
print(typed.results([Item(pk=items[0].pk, name="0", value=-1), Item(name="new", value=-1)]))
Item.objects.filter(name="new").delete()
print(typed.update(items), set(Item.objects.values_list("value", flat=True)))
print(typed.update_fields(items))
print(typed.copies(rows(2)))
print(typed.compose(rows(2), Shelf.objects.get()))
print(async_to_sync(typed.coroutines)(rows(2)))
print(Item.objects.count(), typed.concurrently())
"""


def mypy(folder: Path, *files: Path) -> str:
    """What mypy says of them as a project of its own would have it say it."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--hide-error-context",
    ]
    done = subprocess.run(
        [*command, f"--config-file={folder / 'none.ini'}", f"--cache-dir={folder}", *files],
        capture_output=True, text=True, cwd=folder, check=False,
        env={"PATH": "", "MYPYPATH": f"{ROOT / 'python'}:{SAMPLE.parent}"},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def test_right_calls_are_accepted_and_wrong_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "none.ini").write_text("[mypy]\n")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    said = mypy(tmp_path, SAMPLE, wrong)
    pattern = re.compile(r"^(\S+?):(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)
    found = set(pattern.findall(said))  # an overload is sometimes told twice
    assert found == {
        ("wrong.py", str(number), line.split("  # ")[1])
        for number, line in enumerate(WRONG.splitlines(), 1)
        if "  # " in line
    }, said


def test_the_sample_runs(tmp_path: Path) -> None:
    folders = [str(SAMPLE.parent), *(str(Path(path).parent) for path in bulkmodel.__path__)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, tmp_path / "typed.db", *bulkmodel.__path__],
        capture_output=True, text=True, env={"PYTHONPATH": ":".join(folders)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "3 6",
        "['a']",
        "[1, 2, 0, 1]",
        "21 {2}",
        "12",
        "['0', '1']",
        "4",
        "19",
        "15 [3, 0]",
    ]


Parameters = dict[str, tuple[str, Any]]


def declared(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Parameters:
    """The parameters of one declaration: their kinds and defaults."""
    arguments = function.args
    positional = arguments.args[1:]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    found = {
        item.arg: ("by place", default and ast.unparse(default))
        for item, default in zip(positional, defaults, strict=True)
    }
    found |= {
        item.arg: ("by name", default and ast.unparse(default))
        for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }
    for item, kind in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
        if item is not None:
            found[item.arg] = (kind, None)
    return found


def real(function: Any) -> Parameters:
    """The same of a method."""
    kinds = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": "by name"}
    return {
        name: (
            kinds.get(parameter.kind.name, "by place"),
            None if parameter.default is parameter.empty else repr(parameter.default),
        )
        for name, parameter in list(inspect.signature(function).parameters.items())[1:]
    }


def test_what_is_declared_is_what_there_is() -> None:
    tree = ast.parse((ROOT / "python/bulkmodel/typed.pyi").read_text())
    kinds = {c.name: c for c in tree.body if isinstance(c, ast.ClassDef)}
    seen: dict[str, Parameters] = {}
    for item in [*kinds["Methods"].body, *kinds["BulkModelQuerySet"].body]:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            # The first of several declarations has all parameters.
            seen[item.name] = declared(item) | seen.get(item.name, {})
            method = getattr(
                BulkModelQuerySetMixin, item.name, getattr(models.QuerySet, item.name, None)
            )
            assert inspect.iscoroutinefunction(method) == isinstance(item, ast.AsyncFunctionDef)
    for name, parameters in seen.items():
        method = getattr(BulkModelQuerySetMixin, name, getattr(models.QuerySet, name, None))
        there = real(method)
        takes_more = any(kind == "**" for kind, _ in there.values())
        for parameter, what in parameters.items():
            if parameter != "return_queryset":
                assert there.get(parameter) == what, (name, parameter)
            else:
                assert takes_more or there[parameter][1] == "False", name
        assert set(there) <= set(parameters), name
    ours = {
        name
        for part in BulkModelQuerySetMixin.__mro__
        for name, value in vars(part).items()
        if part.__module__.startswith("bulkmodel.") and callable(value) and name[0] != "_"
    }
    assert ours <= {*seen, "bulk_update"}
