#!/usr/bin/env python3
"""Each leg runs the tests of the Django app in a virtual environment of its own: an interpreter, a
Django, a driver, and the package as pip installs it from this tree.

usage: legs.py prepare [LEG...]               make or renew the environments under build/legs
       legs.py interpreters                   print the interpreters that are found
       legs.py run LEG PROGRAM [ARGUMENT...]  a program of this folder, in the leg's environment;
                                              LEG may be "newest": of those that this system can run

An environment is made anew when its requirements change.  Where it cannot be made, the tests of
that leg fail.  A leg whose Django needs a newer Python than this system has is not run, and says
so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LEGS_FOLDER = ROOT / "build" / "legs"
TOOLS = ["meson-python>=0.17,<1", "meson>=1.3,<2", "ninja>=1.11,<2", "pytest>=8,<9"]
TOOLS += ["pytest-django>=4.9,<5", "hypothesis>=6.100,<7", "jinja2>=3,<4", "tzdata"]
TOOLS += ["pyarrow>=18,<30", "polars>=1.20,<2"]
POOL = "psycopg_pool>=3.2,<4"
PARTNERS = tuple(
    line
    for line in (HERE / "partners" / "requirements.txt").read_text().splitlines()
    if not line.startswith("#")
)
PACKAGE = ["include", "src", "python", "meson.build", "meson_options.txt", "pyproject.toml"]
NEWEST = (3, 14)
PROBE = (
    "import sys, sysconfig, pathlib, venv, ensurepip;"
    "assert pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists();"
    "assert sys.version_info.releaselevel == 'final';"
    "assert not sysconfig.get_config_var('Py_GIL_DISABLED');"
    "print(*sys.version_info[:2], sys.executable)"
)

Version = tuple[int, int]


@dataclass(frozen=True)
class Leg:
    """What a leg runs on."""

    pick: Callable[[list[Version]], Version]  # of the interpreters that it can use
    since: Version
    requirements: tuple[str, ...]
    has_tests_of_django: bool = True


LEGS = {
    "5.2": Leg(min, (3, 10), ("Django>=5.2,<5.3", "psycopg>=3.2,<3.4", POOL)),
    "6.1": Leg(max, (3, 12), ("Django>=6.1,<6.2", "psycopg[binary]>=3.2,<3.4", POOL)),
    "partners": Leg(min, (3, 10), PARTNERS, has_tests_of_django=False),
    "mariadb": Leg(min, (3, 10), ("Django>=5.2,<5.3", "mysqlclient>=2.2.1,<3", "PyMySQL>=1.1,<2")),
    "psycopg2": Leg(min, (3, 10), ("Django>=5.2,<5.3", "psycopg2-binary>=2.9,<3")),
}


class CannotPrepare(Exception):
    """Why a leg has no environment."""


class NoInterpreter(CannotPrepare):
    """No interpreter here can run the leg's Django."""


def candidates() -> Iterator[Path]:
    """Files that may be interpreters: on PATH, and where pyenv keeps them."""
    pyenv = [Path(os.environ.get("PYENV_ROOT", "~/.pyenv")), Path("~/.pyenv")]
    folders = [Path(entry) for entry in os.environ["PATH"].split(os.pathsep) if entry]
    for root in dict.fromkeys(path.expanduser() for path in pyenv):
        folders += sorted(root.glob("versions/*/bin"))
    for folder in dict.fromkeys(folders):
        yield from (folder / f"python3.{minor}" for minor in range(10, NEWEST[1] + 1))


@cache
def interpreters() -> dict[Version, str]:
    """The interpreters that run and can build an extension: the first of each version."""
    found: dict[Version, str] = {}
    for path in candidates():
        if not path.exists():
            continue
        done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            major, minor, executable = done.stdout.strip().split(maxsplit=2)
            found.setdefault((int(major), int(minor)), executable)
    return found


def must(*command: str | Path) -> None:
    """Run a command; CannotPrepare with what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").splitlines()[-15:]
        raise CannotPrepare("\n".join([" ".join(map(str, command)), *said]))


def digest_of_the_package() -> str:
    """Changes when anything changes that pip would build."""
    digest = hashlib.sha256()
    for name in PACKAGE:
        path = ROOT / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


class Environment:
    """A leg's folder under build/legs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.leg = LEGS[name]
        self.folder = LEGS_FOLDER / name
        self.python = self.folder / "venv" / "bin" / "python"
        self.django = self.folder / "django"
        self.why = self.folder / "why"  # it cannot be made
        self.not_run = self.folder / "not-run"

    def prepare(self) -> None:
        usable = [version for version in interpreters() if version >= self.leg.since]
        if not usable:
            wanted = ".".join(map(str, self.leg.since))
            found = ", ".join(".".join(map(str, version)) for version in sorted(interpreters()))
            raise NoInterpreter(f"it needs Python >= {wanted}; found: {found or 'none'}")
        executable = interpreters()[self.leg.pick(usable)]
        stamp = "\n".join([executable, *TOOLS, *self.leg.requirements])
        if not self._is_stamped("venv", stamp):
            self._make_venv(executable)
            if self.leg.has_tests_of_django:
                self._fetch_tests_of_django()
            self._set_stamp("venv", stamp)
        digest = digest_of_the_package()
        if not self._is_stamped("package", digest):
            self._install_package()
            self._set_stamp("package", digest)

    def _make_venv(self, executable: str) -> None:
        print(f"== legs: {self.name} on {executable}: {' '.join(self.leg.requirements)}")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        must(executable, "-m", "venv", self.folder / "venv")
        self._pip("install", *TOOLS, *self.leg.requirements)

    def _fetch_tests_of_django(self) -> None:
        """Django's own tests come with its source, not with what pip installs."""
        version = subprocess.run(
            [self.python, "-m", "django", "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
        sdist = self.folder / "sdist"
        self._pip(
            "download", "--no-binary", ":all:", "--no-deps", f"--dest={sdist}", f"Django=={version}"
        )
        (archive,) = sdist.glob("*.tar.gz")
        must("tar", "-C", sdist, "-xzf", archive)
        (unpacked,) = (path for path in sdist.iterdir() if path.is_dir())
        (unpacked / "tests").rename(self.django)
        shutil.rmtree(sdist)

    def _install_package(self) -> None:
        print(f"== legs: {self.name}: pip install .")
        build = f"--config-settings=build-dir={self.folder / 'build'}"
        os.environ["PATH"] = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        self._pip(
            "install", "--no-build-isolation", "--no-deps", "--force-reinstall", build, str(ROOT)
        )

    def _pip(self, command: str, *arguments: str) -> None:
        quiet = ("--quiet", "--disable-pip-version-check")
        must(self.python, "-m", "pip", command, *quiet, *arguments)

    def _is_stamped(self, name: str, content: str) -> bool:
        file = self.folder / f"{name}.stamp"
        return file.exists() and file.read_text() == content

    def _set_stamp(self, name: str, content: str) -> None:
        (self.folder / f"{name}.stamp").write_text(content)


def prepare(names: list[str]) -> int:
    """Make what can be made; why a leg cannot run is kept for its tests to say."""
    for name in names or LEGS:
        environment = Environment(name)
        for reason in (environment.why, environment.not_run):
            reason.unlink(missing_ok=True)
        try:
            environment.prepare()
        except CannotPrepare as error:
            environment.folder.mkdir(parents=True, exist_ok=True)
            without = isinstance(error, NoInterpreter)
            (environment.not_run if without else environment.why).write_text(str(error))
            print(f"== legs: {name} {'is not run' if without else 'cannot run'}: {error}")
    return 0


def newest() -> str:
    """The leg of the newest Django that an interpreter here can run."""
    numbered = sorted((leg for leg in LEGS if leg[0].isdigit()), key=lambda leg: -float(leg))
    return next((leg for leg in numbered if not Environment(leg).not_run.exists()), numbered[-1])


def run(name: str, program: str, *arguments: str) -> NoReturn:
    """A program of this folder, in the environment of a leg."""
    environment = Environment(newest() if name == "newest" else name)
    why = environment.why
    if environment.not_run.exists():
        print(f"1..0 # SKIP {environment.not_run.read_text()}")
        sys.exit(0)
    if why.exists() or not environment.python.exists():
        said = why.read_text() if why.exists() else "run script/test, which prepares it"
        print("1..1\nnot ok 1 - the environment of this leg")
        print("\n".join(f"# {line}" for line in said.splitlines()))
        sys.exit(1)
    os.environ["BM_DJANGO_TESTS"] = str(environment.django)
    os.execv(environment.python, [str(environment.python), str(HERE / program), *arguments])


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        sys.exit(prepare(sys.argv[2:]))
    if sys.argv[1:] == ["interpreters"]:
        print("\n".join(path for _, path in sorted(interpreters().items())))
        sys.exit(0)
    if sys.argv[1:2] == ["run"]:
        run(*sys.argv[2:])
    sys.exit(__doc__)
