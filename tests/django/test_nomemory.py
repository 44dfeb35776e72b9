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


@pytest.mark.parametrize("verb", VERBS)
def test_an_allocation_that_fails(verb: str, tmp_path: Path) -> None:
    extension = bulkmodel._core.__file__
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), "sqlite-table", extension, verb, EVERY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout.split()[0]) > 50
