"""I4, I7: what a user builds: a wheel for elsewhere, an editable install, and errors that name what
is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesonpy
import pytest

from test_install import clean, empty, of, run, use_the_manager_only

ROOT = Path(__file__).resolve().parents[2]
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
PACKAGE_ONLY = ("-Dpython=true", "-Dlibrary=false", "-Dpostgresql=disabled", "-Dsqlite=disabled")
# As if the package with the headers was not installed.
NO_HEADERS = """
import sysconfig
for scheme in sysconfig._INSTALL_SCHEMES.values():
    scheme.update(include="/nowhere", platinclude="/nowhere")
sysconfig.get_config_vars().update(INCLUDEPY="/nowhere", LIBPC="/nowhere")
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources as they are published."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PATH", clean()["PATH"])
    archive = tmp_path / mesonpy.build_sdist(str(tmp_path))
    run("tar", "-xzf", archive, folder=tmp_path)
    return tmp_path / archive.name.removesuffix(".tar.gz")


def test_a_wheel_for_elsewhere(tmp_path: Path) -> None:
    """It names the glibc that it needs, and installs where no compiler is."""
    folder = tmp_path / "dist"
    run(ROOT / "script/wheels", "--to", folder, sys.executable, folder=tmp_path,
        environment=clean())  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert re.fullmatch(rf"bulkmodel-[\d.]+-{tag}-{tag}-manylinux_2_\d+\w+\.whl", wheel.name)
    user = empty(tmp_path / "venv", wheel, "Django")
    use_the_manager_only(user, SQLITE, tmp_path)


def test_an_editable_install(tree: Path, tmp_path: Path) -> None:
    """As the page says, without isolation: it imports later, and sees what is edited."""
    user = empty(tmp_path / "venv", None, "Django", "meson-python")
    pip = [user / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    quickly = "--config-settings=setup-args=-Dbuildtype=debug"
    run(*pip, "--no-build-isolation", quickly, "-e", tree, folder=tmp_path, environment=of(user))
    with (tree / "python/bulkmodel/conf.py").open("a") as conf:
        conf.write("\nEDITED = __file__\n")
    program = "from bulkmodel import _core, conf; print(_core.__file__, conf.EDITED)"
    core, conf_file = run(
        user / "bin/python", "-c", program, folder=tmp_path, environment=of(user)
    ).split()
    assert Path(core).is_relative_to(tree)
    assert Path(conf_file) == tree / "python/bulkmodel/conf.py"


def test_an_editable_install_that_could_not_be_imported(tree: Path, tmp_path: Path) -> None:
    """pip's own environment for the build is gone later, and ninja with it: refused at once."""
    programs = tmp_path / "pip-build-env-1/overlay/bin"
    programs.mkdir(parents=True)
    (programs / "ninja").write_text("#!/bin/sh\n")
    (programs / "ninja").chmod(0o755)
    environment = {**clean(), "PATH": str(programs), "PYTHONPATH": str(tree / "python")}
    done = subprocess.run(
        [sys.executable, "-c", "import backend; backend.build_editable('x')"],
        cwd=tree, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install --no-build-isolation -e ." in done.stderr


def test_a_tree_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is built elsewhere, in a folder that is gone afterwards; what the user says counts."""
    monkeypatch.syspath_prepend(str(ROOT / "python"))
    import backend

    with backend.writable({"x": "y"}) as used:
        assert used == {"x": "y"}
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with backend.writable({"x": "y"}) as used:
        folder = Path(used["build-dir"])
        assert used["x"] == "y"
        assert folder.is_dir()
        assert not folder.is_relative_to(ROOT)
    assert not folder.exists()
    with backend.writable({"build-dir": "mine"}) as used:
        assert used == {"build-dir": "mine"}


def meson_setup(folder: Path, environment: dict[str, Any]) -> str:
    """What Meson says, which must refuse."""
    meson = Path(sys.executable).with_name("meson")
    done = subprocess.run(
        [sys.executable, meson, "setup", folder, ROOT, *PACKAGE_ONLY],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0, done.stdout
    return done.stdout


def test_no_compiler(tmp_path: Path) -> None:
    environment = {**clean(), "PATH": str(tmp_path)}
    environment.pop("CC", None)
    said = meson_setup(tmp_path / "build", environment)
    assert "no C compiler was found. On Debian: apt-get install gcc" in said


def test_no_headers(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_HEADERS)
    nowhere = {"PYTHONPATH": str(tmp_path), "PKG_CONFIG_LIBDIR": "/nowhere"}
    said = meson_setup(tmp_path / "build", {**clean(), **nowhere})
    assert re.search(r"Python\.h of Python 3\.\d+ was not found\. On Debian: apt-get install", said)
