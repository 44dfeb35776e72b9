"""examples/project, as its user runs it: with our manager, and the same with Django's."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

import bulkmodel

ROOT = Path(__file__).resolve().parents[2]
HEADER = "sku,name,supplier,price,stock\n"


def with_plain_managers(project: Path) -> None:
    """BulkModelManager gives way to models.Manager, and nothing else changes."""
    changed = 0
    for file in project.rglob("*.py"):
        text = file.read_text()
        plain = text.replace("from bulkmodel.managers import BulkModelManager\n", "")
        plain = plain.replace("BulkModelManager", "models.Manager").replace(
            '    "bulkmodel",\n', ""
        )
        changed += plain != text
        file.write_text(plain)
        assert "bulkmodel" not in plain
    assert changed == 3


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that holds the package as this run has it."""
    package = tmp_path / "site" / "bulkmodel"
    package.mkdir(parents=True)
    for folder in bulkmodel.__path__:
        for file in Path(folder).iterdir():
            is_room = file.is_dir() and (file / "__init__.py").exists()
            if is_room or file.suffix in {".py", ".so"}:
                (package / file.name).symlink_to(file)
    return package.parent


@pytest.fixture
def database() -> Iterator[str]:
    """What SHOP_DATABASE says; on SQLite nothing."""
    if connection.vendor == "sqlite":
        yield ""
        return
    conninfo = os.environ["BM_TEST_POSTGRESQL"]
    name = f"bulkmodel_shop_{os.getpid()}"
    psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", conninfo, "-c"]
    subprocess.run([*psql, f"CREATE DATABASE {name}"], check=True)
    others = [pair for pair in conninfo.split() if not pair.startswith("dbname=")]
    yield " ".join([*others, f"dbname={name}"])
    subprocess.run([*psql, f"DROP DATABASE {name}"], check=True)


class Project:
    """A copy of the project, and its manage.py."""

    def __init__(self, folder: Path, site: Path, database: str) -> None:
        shutil.copytree(ROOT / "examples" / "project", folder)
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(site), "SHOP_DATABASE": database}
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def imported(self, lines: list[str]) -> str:
        (self.folder / "products.csv").write_text(HEADER + "".join(lines))
        return self.manage("import_products", "products.csv").strip()


@pytest.mark.parametrize("manager", ["ours", "plain"])
def test_the_project(tmp_path: Path, site: Path, database: str, manager: str) -> None:
    project = Project(tmp_path / "project", site, database)
    if manager == "plain":
        with_plain_managers(project.folder)
    project.manage("check", "--fail-level=WARNING")
    project.manage("makemigrations", "--check", "--dry-run")
    assert "Ran 12 tests" in project.manage("test", "--noinput")
    project.manage("migrate", "--verbosity=0")
    lines = [f"S{i:05},name {i},supplier {i % 7},{i}.50,{i}\n" for i in range(3000)]
    assert project.imported(lines) == "3000 created, 0 updated"
    lines = [line.replace("name", "other") for line in lines[1000:2500]]
    assert project.imported([*lines, "T,t,t,0,0\n"]) == "1 created, 1500 updated"
    stored = json.loads(project.manage("dumpdata", "catalogue.product"))
    assert [row["pk"] for row in stored] == list(range(1, 3002))
    names = [f"{'other' if 1000 <= i < 2500 else 'name'} {i}" for i in range(3000)]
    assert [row["fields"]["name"] for row in stored] == [*names, "t"]
    assert stored[42]["fields"]["price"] == "42.50"
    assert stored[42]["fields"]["details"] == {}


def test_the_file_of_its_readme(tmp_path: Path, site: Path, database: str) -> None:
    """I5: README.md imports products.csv, which is there."""
    project = Project(tmp_path / "project", site, database)
    project.manage("migrate", "--verbosity=0")
    printed = project.manage("import_products", "products.csv")
    assert printed.strip() == "3 created, 0 updated"
