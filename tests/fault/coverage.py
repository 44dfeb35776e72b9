#!/usr/bin/env python3
"""Run the C tests on a build that counts branches, and say how many were taken (scoreboard B-16).

usage: coverage.py PERCENT    fail when fewer branches of src/ were taken

The build has no asserts, whose failing branch is never taken.  A branch is one way out of a
condition as gcc compiles it; a line of a header counts once, however many files include it.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "coverage"
MESON = str(ROOT / ".venv" / "bin" / "meson")
BESIDE = str(ROOT / "script" / "with-postgresql")
SUITES = ("unit", "golden", "conformance", "api", "types", "threads", "fault")

Branches = dict[tuple[str, int, int], int]


def run_tests() -> None:
    options = ["-Dtests=true", "-Db_coverage=true", "-Db_ndebug=true", "-Dcli=disabled"]
    if not (FOLDER / "build.ninja").exists():
        command = [MESON, "setup", *options, str(FOLDER), str(ROOT)]
        subprocess.run(command, check=True, env=os.environ | {"CC": "gcc"})
    subprocess.run([MESON, "compile", "-C", str(FOLDER)], check=True, stdout=subprocess.DEVNULL)
    for counted in FOLDER.rglob("*.gcda"):
        counted.unlink()
    suites = [word for suite in SUITES for word in ("--suite", suite)]
    command = [BESIDE, MESON, "test", "-C", str(FOLDER), "--no-rebuild", "--quiet"]
    command += ["--timeout-multiplier", "3", *suites]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(ended.stdout[-4000:])


def branches_of(counted: Path) -> Branches:
    """The branches of one object file, with how often each was taken."""
    command = ["gcov", "--json-format", "--branch-probabilities", "--stdout", str(counted)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FOLDER)
    found: Branches = {}
    for text in ended.stdout.splitlines():
        for file in json.loads(text)["files"]:
            path = os.path.relpath(FOLDER / file["file"], ROOT)
            for line in file["lines"] if path.startswith("src/") else ():
                for i, branch in enumerate(line["branches"]):
                    key = (path, line["line_number"], i)
                    found[key] = found.get(key, 0) + branch["count"]
    return found


def main(percent: str) -> None:
    run_tests()
    taken: collections.Counter[tuple[str, int, int]] = collections.Counter()
    for counted in sorted((FOLDER / "src").rglob("*.gcda")):
        taken.update(branches_of(counted))
    share = collections.defaultdict(list)
    for (path, _, _), count in taken.items():
        share[path.split("/")[1]].append(count > 0)
    hit = sum(count > 0 for count in taken.values())
    folders = ", ".join(f"{name} {100 * sum(of) // len(of)}" for name, of in sorted(share.items()))
    print(f"# B-16: {100 * hit // len(taken)} % of {len(taken)} branches ({folders})")
    if hit * 100 < int(percent) * len(taken):
        sys.exit(f"fewer than {percent} %")


if __name__ == "__main__":
    main(*sys.argv[1:])
