#!/usr/bin/env python3
"""What README.md and the page on installation say of the C library: install it, and build a program
with pkg-config.  usage: installed.py BUILD; TAP."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr}{done.stdout}")
    return done.stdout


def a_program_is_built_against_the_installed_library(build: str, folder: Path) -> None:
    """meson install -C build, in a folder that stands for the system's root."""
    environment = {**os.environ, "DESTDIR": str(folder)}
    run(f"meson install --no-rebuild --quiet -C {build}", folder, environment)
    found = list(folder.rglob("bulkmodel.pc"))
    assert len(found) == 1, found
    environment = {
        **os.environ,
        "PKG_CONFIG_PATH": str(found[0].parent),
        "PKG_CONFIG_SYSROOT_DIR": str(folder),
        "LD_LIBRARY_PATH": str(found[0].parents[1]),
        "PATH": f"{next(folder.rglob('bin/bulkmodel')).parent}:{os.environ['PATH']}",
    }
    source = (ROOT / "examples/first.c").read_text("utf-8")
    for name in ("myprogram.c", "first.c"):
        (folder / name).write_text(source, "utf-8")
    run("cc myprogram.c $(pkg-config --cflags --libs bulkmodel)", folder, environment)
    printed = run(
        "cc first.c $(pkg-config --cflags --libs bulkmodel) && ./a.out", folder, environment
    )
    assert printed == "", printed
    version = run("pkg-config --modversion bulkmodel", folder, environment).strip()
    assert version in run("bulkmodel --version", folder, environment)
    assert not list(folder.rglob("*test*")), "a test is installed"


if __name__ == "__main__":
    case = a_program_is_built_against_the_installed_library
    print("1..1")
    with tempfile.TemporaryDirectory() as name:
        try:
            case(sys.argv[1], Path(name))
            print(f"ok 1 - {case.__name__}")
        except AssertionError as error:
            print(f"not ok 1 - {case.__name__}")
            print("\n".join(f"# {line}" for line in str(error).splitlines()))
            sys.exit(1)
