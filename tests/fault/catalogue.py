#!/usr/bin/env python3
"""Count the faults of catalogue.md that have a test (scoreboard B-04).

Each test that is named must be there: the file below tests/, and the name in it as a word.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
FAULT = re.compile(r"^\| ([A-Z]-\d\d) \|.*\| (.*) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/.]+)::(\w+)`")


def is_there(path: str, name: str) -> bool:
    file = TESTS / path
    return file.is_file() and re.search(rf"\b{name}\b", file.read_text("utf-8")) is not None


def main() -> int:
    faults = FAULT.findall((HERE / "catalogue.md").read_text("utf-8"))
    missing = [
        f"{fault}: there is no {path}::{name}"
        for fault, cell in faults
        for path, name in TEST.findall(cell)
        if not is_there(path, name)
    ]
    tested = sum(1 for _, cell in faults if TEST.search(cell))
    untested = sum(cell == "no test yet" for _, cell in faults)
    print(
        f"# B-04: {tested} of {len(faults)} faults have a test, {untested} have none yet,"
        f" {len(faults) - tested - untested} need none"
    )
    print("\n".join(missing), file=sys.stderr)
    return 1 if missing or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
