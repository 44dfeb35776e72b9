"""The package as a user has it: from an archive of its source into an empty environment that holds
nothing else but Django; the examples and the first page of the documentation there."""

import email
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import mesonpy
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples/guide/django/shop"
ADMIN = (
    "#!{0}/bin/python\nfrom django.core import management\nmanagement.execute_from_command_line()\n"
)
# A project that has no line of ours but the manager's.
MANAGER_ONLY = """
import sys
import django
from django.conf import settings
settings.configure(DATABASES={"default": eval(sys.argv[1])}, USE_TZ=True)
django.setup()
from django.db import connection, models
from bulkmodel.managers import BulkModelManager
class Item(models.Model):
    id = models.BigAutoField(primary_key=True)
    value = models.IntegerField()
    objects = BulkModelManager()
    class Meta:
        app_label, db_table = "nowhere", f"bm_install_{sys.argv[2]}"
with connection.schema_editor() as editor:
    editor.create_model(Item)
try:
    items = Item.objects.bulk_create([Item(value=i) for i in range(2000)], return_queryset=True)
    for item in items:
        item.value += 1
    print(items.update_fields(), sum(item.value for item in Item.objects.copy_to_instances()))
finally:
    with connection.schema_editor() as editor:
        editor.delete_model(Item)
import bulkmodel._core
print(bulkmodel._core.__file__)
"""


def run(*command: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """What a program prints, in a folder outside of the tree; it must succeed."""
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def clean() -> dict[str, str]:
    """No settings of the tests; programs of this interpreter."""
    found = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for name in ("DJANGO_SETTINGS_MODULE", "PYTHONPATH"):
        found.pop(name, None)
    return found


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of what is committed, as it is published."""
    folder = tmp_path_factory.mktemp("sdist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("PATH", clean()["PATH"])
        return folder / mesonpy.build_sdist(str(folder))


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """What pip makes of it."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-build-isolation"]
    run(*pip, "--no-deps", "--wheel-dir", sdist.parent, sdist, folder=sdist.parent,
        environment=clean())  # fmt: skip
    (made,) = sdist.parent.glob("*.whl")
    return made


def needed(name: str) -> Iterator[Distribution]:
    """A distribution that is installed here, and those that it needs."""
    here = distribution(name)
    yield here
    for requirement in here.requires or []:
        if ";" not in requirement or "python_version <" in requirement:
            other = re.match(r"[\w.-]+", requirement)
            assert other is not None
            try:
                yield from needed(other[0])
            except ModuleNotFoundError:
                assert ";" in requirement  # of other interpreters


def empty(folder: Path, wheel: Path | None, *names: str) -> Path:
    """A virtual environment with pip, these distributions, and by pip the wheel.  No program is
    found there but its own: no compiler."""
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python3*/site-packages")
    for name in ("pip", *names):
        for part in needed(name):
            for top in {file.parts[0] for file in part.files or []} - {"..", "__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(part.locate_file(top))).resolve())
    admin = folder / "bin/django-admin"
    admin.write_text(ADMIN.format(folder))
    admin.chmod(0o755)
    if wheel is not None:
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet"]
        only = {**clean(), "PATH": str(folder / "bin")}
        run(*pip, "--no-index", wheel, folder=folder, environment=only)
    return folder


@pytest.fixture(scope="module")
def user(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of a user of SQLite."""
    return empty(tmp_path_factory.mktemp("user") / "venv", wheel, "Django")


def of(user: Path) -> dict[str, str]:
    """As if it were activated."""
    return {**clean(), "PATH": f"{user / 'bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": str(user)}


def test_the_archive_builds_all_of_the_tree(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        top = sdist.name.removesuffix(".tar.gz")
        names = {name.removeprefix(f"{top}/") for name in archive.getnames()}
    assert {"PKG-INFO", "LICENSE", "README.md", "include/bulkmodel.h", "script/test"} <= names
    assert not any(re.search(r"\.(so|o|a|pyc)$|^build/|^\.venv", name) for name in names)


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(about))
        (core,) = (name for name in names if name.endswith(".so"))
        archive.extract(core, tmp_path)
    source = ROOT / "python/bulkmodel"
    files = (path for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc")
    wanted = {f"bulkmodel/{path.relative_to(source)}" for path in files}
    assert "bulkmodel/py.typed" in wanted
    assert re.fullmatch(r"bulkmodel/_core\.[\w-]+\.so", core)
    folder = about.removesuffix("/METADATA")
    told = {f"{folder}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")}
    assert names == {*wanted, *told, core}
    assert metadata.get_all("Provides-Extra") == ["django"]
    assert metadata.get_all("Requires-Dist") == ['Django>=5.2; extra == "django"']
    needs = run("readelf", "-d", tmp_path / core, folder=tmp_path)
    libraries = set(re.findall(r"\(NEEDED\).*\[(.*?)\.so", needs))
    assert libraries <= {"libc", "libm", "libpthread"}, libraries


def use_the_manager_only(user: Path, database: dict[str, str], folder: Path) -> None:
    printed = run(
        "python", "-c", MANAGER_ONLY, repr(database), str(os.getpid()),
        folder=folder, environment=of(user),
    )  # fmt: skip
    counted, core = printed.splitlines()
    assert counted.split() == ["2000", str(sum(range(2000)) + 2000)]
    assert Path(core).is_relative_to(user)


def test_the_manager_works_outside_of_installed_apps(user: Path, tmp_path: Path) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    use_the_manager_only(user, database, tmp_path)


def test_postgresql_needs_a_driver_more(wheel: Path, tmp_path: Path) -> None:
    given = dict(pair.split("=", 1) for pair in os.environ["BM_TEST_POSTGRESQL"].split())
    names = {"NAME": "dbname", "USER": "user", "HOST": "host", "PORT": "port"}
    database = {key: given.get(name, "") for key, name in names.items()}
    database["ENGINE"] = "django.db.backends.postgresql"
    every = {"psycopg", "psycopg-binary", "psycopg2", "psycopg2-binary"}
    drivers = {part.name for part in distributions()} & every
    assert drivers
    user = empty(tmp_path / "venv", wheel, "Django", *drivers)
    use_the_manager_only(user, database, tmp_path)


def test_the_example(user: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.db"
    printed = run(
        "python", ROOT / "examples/django_page.py", file, folder=tmp_path, environment=of(user)
    )
    lines = printed.splitlines()
    assert [line.split()[0] for line in lines[:10]] == [str(i) for i in range(1, 11)]
    assert lines[10:12] == ["updated 10 rows that changed", "updated 10 rows by name"]
    with sqlite3.connect(file) as connection:
        question = (
            "SELECT count(*), count(DISTINCT bm_create_uuid), min(length(name)) FROM page_foo"
        )
        assert connection.execute(question).fetchone() == (10010, 2, 25)


def test_the_example_that_measures(user: Path, tmp_path: Path) -> None:
    """It compares, and ends with a table that holds what it wrote."""
    file = tmp_path / "speed.db"
    example = [ROOT / "examples/django_speed.py", file, "300", "20"]
    printed = run("python", *example, folder=tmp_path, environment=of(user))
    told = re.findall(r"^(\w+)\b.*?, (\d+) rows: .* times$", printed, re.MULTILINE)
    assert told == [("bulk_create", "300"), ("update_fields", "20")]
    with sqlite3.connect(file) as connection:
        question = "SELECT count(*), sum(value) FROM speed_foo"
        # Each of the first twenty rows was made greater twice.
        assert connection.execute(question).fetchone() == (300, sum(range(300)) + 2 * 20)


def sample(name: str, marker: str) -> str:
    """What the page shows of a file."""
    shown = (SHOP / name).read_text().split(f"# [{marker}]\n")[1]
    return shown.split(f"# [end {marker}]")[0].rstrip() + "\n"


def test_the_first_page(user: Path, tmp_path: Path) -> None:
    """The commands of the page, in their order; the last one prints what the page says."""
    page = (ROOT / "docs/pages/start-django.md").read_text()
    commands = [
        command
        for command in re.findall(r"^ +\$ (.*)$", page, re.MULTILINE)
        if not command.startswith(("python3 -m venv", ". venv", "pip"))
    ]
    for command in commands:
        printed = run("sh", "-c", command, folder=tmp_path, environment=of(user))
        if "startapp" in command:
            settings = tmp_path / "project/settings.py"
            lines = '\n    "bulkmodel",\n    "shop",\n]\n\nMIDDLEWARE'
            settings.write_text(settings.read_text().replace("\n]\n\nMIDDLEWARE", lines))
            (tmp_path / "shop/models.py").write_text(sample("models.py", "models"))
            (tmp_path / "shop/start.py").write_text(sample("start.py", "start"))
    shown = page.split(f"$ {commands[-1]}\n")[1].split("```")[0]
    assert printed.split() == shown.split()
    with sqlite3.connect(tmp_path / "db.sqlite3") as connection:
        question = "SELECT count(*), sum(stock) FROM shop_product"
        assert connection.execute(question).fetchone() == (10000, 500)
