"""A copy of the sources with many changes in it, of which BM_CHANGE names the one that is on.

All changes are compiled at once; mutants.py and peers.py make them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Put before a changed file: bm_change() is the number of the change, 0 without one.
SWITCH = """
#ifndef BM_CHANGE
#define BM_CHANGE
#include <stdlib.h>
static inline int bm_change(void)
{
    static int chosen = -1;
    if (chosen < 0) {
        const char *given = getenv("BM_CHANGE");
        chosen = given != NULL ? atoi(given) : 0;
    }
    return chosen;
}
#endif
"""


def copy_sources(copy: Path) -> None:
    """Copy what the C tests are built from; an earlier copy is replaced."""
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("include", "src", "tests", "examples", "cli", "fuzz", "script"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("meson.build", "meson_options.txt"):
        shutil.copy(ROOT / name, copy / name)


def build(copy: Path, programs: list[str], *options: str) -> None:
    """Build these programs of the copy in its folder build."""
    tools = ROOT / ".venv" / "bin"
    folder = str(copy / "build")
    setup = [str(tools / "meson"), "setup", "-Dtests=true", "-Dcli=disabled", *options]
    subprocess.run([*setup, folder, str(copy)], check=True, stdout=sys.stderr)
    ninja = [str(tools / "ninja"), "--quiet", "-C", folder, *programs]
    subprocess.run(ninja, check=True, stdout=sys.stderr)


def fails(command: list[str], change: int, longest_s: float) -> bool:
    """Whether a test fails, crashes or does not end with the change; 0 is without one."""
    try:
        ended = subprocess.run(
            command,
            env=os.environ | {"BM_CHANGE": str(change)},
            timeout=longest_s,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0
