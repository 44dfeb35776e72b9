#!/usr/bin/env python3
"""Let allocations of Python's fail in every verb of the Django app (scoreboard B-02).

usage: extension.py EVERY    every so many-th allocation; see tests/django/nomemory.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "django" / "nomemory.py"
VERBS = ("bulk_create", "copy_from_objects", "update_fields", "bulk_update", "copy_to_instances")


def failed_allocations(extension: Path, verb: str, every: str) -> int:
    """How many failed and did no harm; the verb runs in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [sys.executable, str(PROGRAM), "sqlite-table", str(extension), verb, every],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode != 0:
        sys.exit(f"{verb}: exit status {ended.returncode}\n{ended.stderr[-4000:]}")
    return int(ended.stdout.split()[0])


def main(every: str) -> None:
    extension = next((ROOT / "build" / "gcc" / "python").glob("_core*.so"))
    failed = sum(failed_allocations(extension, verb, every) for verb in VERBS)
    print(f"# B-02: {failed} allocations failed in {len(VERBS)} verbs")


if __name__ == "__main__":
    main(*sys.argv[1:])
