"""Each allocation of Python's that fails: no crash, all rows or none, all keys or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bulkmodel._core

PROGRAM = Path(__file__).with_name("nomemory.py")
VERBS = ("bulk_create", "copy_from_objects", "update_fields", "bulk_update", "copy_to_instances")
EVERY = "5"
BROKEN = ((3, 12), (3, 13))  # see nomemory.py


def run(verb: str, folder: Path) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    extension = bulkmodel._core.__file__
    command = [sys.executable, str(PROGRAM), "sqlite-table", extension, verb, EVERY]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("verb", VERBS)
def test_an_allocation_that_fails(verb: str, tmp_path: Path) -> None:
    """I7: only where CPython crashes without any code of ours may it crash with ours."""
    ended = run(verb, tmp_path / "ours")
    if ended.returncode < 0 and sys.version_info[:2] in BROKEN:
        control = run("control", tmp_path / "control")
        assert control.returncode < 0, control.stderr[-2000:]
    else:
        assert ended.returncode == 0, ended.stderr[-2000:]
        assert int(ended.stdout.split()[0]) > 50
