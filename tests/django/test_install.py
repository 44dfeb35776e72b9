"""pip install ., the example, and the first page of the documentation, as a user has them."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples/guide/django/shop"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as pip installs it."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", folder, ROOT], check=True, env=environment())
    return folder


def environment(site: Path | None = None) -> dict[str, str]:
    """No settings of the tests; programs of this interpreter; the installed package."""
    scripts = str(Path(sys.executable).parent)
    found = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"}
    found.pop("DJANGO_SETTINGS_MODULE", None)
    if site is not None:
        found["PYTHONPATH"] = str(site)
    return found


def test_pip_install_and_the_example(site: Path, tmp_path: Path) -> None:
    installed = {path.name for path in (site / "bulkmodel").iterdir() if path.suffix != ".pyc"}
    assert {"managers.py", "models.py", "py.typed", "_core.pyi"} <= installed
    assert any(name.startswith("_core.") and name.endswith(".so") for name in installed)
    others = {path.name for path in site.iterdir()} - {"bulkmodel"}
    assert all(name.endswith(".dist-info") for name in others), others
    file = tmp_path / "page.db"
    done = subprocess.run(
        [sys.executable, ROOT / "examples/django_page.py", file],
        check=True,
        capture_output=True,
        text=True,
        env=environment(site),
        cwd=tmp_path,
    )
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:10]] == [str(i) for i in range(1, 11)]
    assert lines[10:12] == ["updated 10 rows that changed", "updated 10 rows by name"]
    with sqlite3.connect(file) as connection:
        question = (
            "SELECT count(*), count(DISTINCT bm_create_uuid), min(length(name)) FROM page_foo"
        )
        assert connection.execute(question).fetchone() == (10010, 2, 25)


def test_the_example_that_measures(site: Path, tmp_path: Path) -> None:
    """It compares, and ends with a table that holds what it wrote."""
    file = tmp_path / "speed.db"
    done = subprocess.run(
        [sys.executable, ROOT / "examples/django_speed.py", file, "300", "20"],
        check=True,
        capture_output=True,
        text=True,
        env=environment(site),
        cwd=tmp_path,
    )
    told = re.findall(r"^(\w+)\b.*?, (\d+) rows: .* times$", done.stdout, re.MULTILINE)
    assert told == [("bulk_create", "300"), ("update_fields", "20")]
    with sqlite3.connect(file) as connection:
        question = "SELECT count(*), sum(value) FROM speed_foo"
        # Each of the first twenty rows was made greater twice.
        assert connection.execute(question).fetchone() == (300, sum(range(300)) + 2 * 20)


def sample(name: str, marker: str) -> str:
    """What the page shows of a file."""
    return (SHOP / name).read_text().split(f"# [{marker}]\n")[1].split(f"    # [end {marker}]")[0]


def test_the_first_page(site: Path, tmp_path: Path) -> None:
    """The commands of the page, in their order; the last one prints what the page says."""
    page = (ROOT / "docs/pages/start-django.md").read_text()
    commands = [
        command
        for command in re.findall(r"^ +\$ (.*)$", page, re.MULTILINE)
        if not command.startswith(("python3 -m venv", ". venv", "pip"))
    ]
    for command in commands:
        done = subprocess.run(
            command, shell=True, check=True, capture_output=True, text=True,
            env=environment(site), cwd=tmp_path,
        )  # fmt: skip
        if "startapp" in command:
            settings = tmp_path / "project/settings.py"
            lines = '\n    "bulkmodel",\n    "shop",\n]\n\nMIDDLEWARE'
            settings.write_text(settings.read_text().replace("\n]\n\nMIDDLEWARE", lines))
            (tmp_path / "shop/models.py").write_text(sample("models.py", "models"))
            (tmp_path / "shop/start.py").write_text(sample("start.py", "start"))
    shown = page.split(f"$ {commands[-1]}\n")[1].split("```")[0]
    assert done.stdout.split() == shown.split()
    with sqlite3.connect(tmp_path / "db.sqlite3") as connection:
        question = "SELECT count(*), sum(stock) FROM shop_product"
        assert connection.execute(question).fetchone() == (10000, 500)
