"""pip's way into the build: meson-python, with what it leaves to the user to find out.

It builds in a folder of its own where the tree is read-only, and it refuses an editable install
that could not be imported later: one whose build tools are in an environment that pip removes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mesonpy  # type: ignore[import-untyped]

# What frontends call that has no need of ours.
build_sdist = mesonpy.build_sdist
get_requires_for_build_sdist = mesonpy.get_requires_for_build_sdist
get_requires_for_build_wheel = mesonpy.get_requires_for_build_wheel
get_requires_for_build_editable = mesonpy.get_requires_for_build_editable

# Parts of the paths of environments that pip and uv make for a build, and remove after it.
TEMPORARY = ("pip-build-env-", "builds-v0")
ADVICE = (
    "an editable install needs its build tools later, too: run\n"
    "    pip install meson-python ninja\n"
    "    pip install --no-build-isolation -e ."
)

Settings = dict[str, Any] | None


@contextmanager
def writable(settings: Settings) -> Iterator[Settings]:
    """These settings, with a folder to build in where the tree cannot be written."""
    given = settings or {}
    if os.access(".", os.W_OK) or not {"build-dir", "builddir"}.isdisjoint(given):
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="bulkmodel-build-") as folder:
        yield {**given, "build-dir": folder}


def refuse_a_temporary_environment() -> None:
    if any(part in (shutil.which("ninja") or "") for part in TEMPORARY):
        raise SystemExit(ADVICE)


def build_wheel(folder: str, settings: Settings = None, metadata: str | None = None) -> str:
    with writable(settings) as used:
        return str(mesonpy.build_wheel(folder, used, metadata))


def build_editable(folder: str, settings: Settings = None, metadata: str | None = None) -> str:
    refuse_a_temporary_environment()
    return str(mesonpy.build_editable(folder, settings, metadata))
