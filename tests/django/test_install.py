"""pip install ., and the example, as a user has them."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_pip_install_and_the_example(tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"}
    subprocess.run([*pip, "--target", site, ROOT], check=True, env=environment)
    installed = {path.name for path in (site / "bulkmodel").iterdir() if path.suffix != ".pyc"}
    assert {"managers.py", "models.py", "py.typed", "_core.pyi"} <= installed
    assert any(name.startswith("_core.") and name.endswith(".so") for name in installed)
    others = {path.name for path in site.iterdir()} - {"bulkmodel"}
    assert all(name.endswith(".dist-info") for name in others), others
    file = tmp_path / "page.db"
    environment["PYTHONPATH"] = str(site)
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, ROOT / "examples/django_page.py", file],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
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
