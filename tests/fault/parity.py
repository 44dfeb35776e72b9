#!/usr/bin/env python3
"""Run Django's own tests with the manager and queryset of the Django app (scoreboard B-12).

usage: parity.py LEG    the newest Django: 6.1; see ../django/legs.py and ../django/suite

A test that differs on purpose is named, with the reason, in ../django/suite/differs.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEGS = str(ROOT / "tests" / "django" / "legs.py")
BESIDE = str(ROOT / "script" / "with-postgresql")


def tests(leg: str, engine: str) -> tuple[int, int]:
    """How many passed, and how many are of another engine."""
    command = [sys.executable, LEGS, "run", leg, "suite/run.py", engine]
    if engine == "postgresql":
        command.insert(0, BESIDE)
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if ended.returncode != 0 or re.search("^not ok ", ended.stdout, re.MULTILINE):
        sys.exit(f"{engine}: exit status {ended.returncode}\n{ended.stdout[-4000:]}")
    others = len(re.findall("^# not of this engine", ended.stdout, re.MULTILINE))
    return len(re.findall("^ok ", ended.stdout, re.MULTILINE)), others


def main(leg: str) -> None:
    subprocess.run([sys.executable, LEGS, "prepare", leg], check=True, stdout=subprocess.DEVNULL)
    for engine in ("sqlite", "postgresql"):
        passed, others = tests(leg, engine)
        print(
            f"# B-12: {passed} tests of Django {leg} on {engine}, 0 failed,"
            f" {others} of another engine"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
