#!/usr/bin/env python3
"""Force each `if` of the encoders and decoders either way; the tests must fail (scoreboard B-17).

usage: mutants.py EVERY    every so many-th of the mutants

src/types, PostgreSQL's binary format and SQLite's storage are compiled once, in a copy, with a
switch in each condition.  A mutant is a number in the environment: its condition is always true, or
always false.  It is killed when a unit or golden test of these files fails, crashes or does not
end.
"""

from __future__ import annotations

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from switches import ROOT, SWITCH, build, copy_sources, fails

COPY = ROOT / "build" / "mutants"
FILES = (
    "types/*.[ch]",
    "engines/postgresql/binary*.[ch]",
    "engines/postgresql/copy_*.c",
    "engines/postgresql/*code_plan.c",
    "engines/postgresql/parameters.c",
    "engines/sqlite/storage*.[ch]",
    "engines/sqlite/*_value.c",
)
LONGEST_S = 60
IF = re.compile(r"\bif \(")
FORCED = f"""{SWITCH}
#ifndef BM_FORCED
#define BM_FORCED(number_, condition_) \\
    (bm_change() / 2 == (number_) ? bm_change() % 2 : !!(condition_))
#endif
"""


def close_of(text: str, begin: int) -> int:
    """Where the parenthesis before `begin` is closed."""
    depth = 1
    quote = ""
    i = begin
    while depth > 0:
        c = text[i]
        if quote:
            i += c == "\\"
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        else:
            depth += (c == "(") - (c == ")")
        i += 1
    return i - 1


def switched(path: Path, places: list[str]) -> None:
    """Put a switch into each condition of a file; where they are is added to `places`."""
    text = path.read_text("utf-8")
    out = FORCED + f'#line 1 "{path.name}"\n'
    last = 0
    for found in IF.finditer(text):
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if "*" in line or "#" in line or found.start() < last:
            continue  # in a comment, a macro, or a condition
        end = close_of(text, found.end())
        places.append(f"{path.parent.name}/{path.name}:{text.count(chr(10), 0, found.start()) + 1}")
        out += text[last : found.end()]
        out += f"BM_FORCED({len(places)}, ({text[found.end() : end]}))"
        last = end
    path.write_text(out + text[last:], "utf-8")


def build_switched(places: list[str]) -> list[str]:
    """The tests' programs, in a copy of the tree whose conditions have switches."""
    copy_sources(COPY)
    for files in FILES:
        for path in sorted((COPY / "src").glob(files)):
            switched(path, places)
    programs = sorted(
        f"tests/test_{path.parent.name}_{path.stem}"
        for path in (COPY / "tests").glob("*/*.c")
        if path.parent.name in ("unit", "golden")
        and path.name.startswith(("pg_", "types_", "sqlite_batch", "sqlite_storage"))
    )
    build(COPY, programs, "-Dbuildtype=debug", "-Doptimization=1")
    return [str(COPY / "build" / program) for program in programs]


def survives(programs: list[str], mutant: int, place: str = "") -> bool:
    stem = Path(place.split(":")[0]).stem
    nearest = sorted(programs, key=lambda path: stem not in path)  # its own test first
    return not any(fails([program], mutant, LONGEST_S) for program in nearest)


def main(every: str) -> None:
    places: list[str] = []
    programs = build_switched(places)
    if not survives(programs, 0):
        sys.exit("the tests fail without a mutant")
    mutants = range(2, 2 * len(places) + 2, int(every))
    with ThreadPoolExecutor(os.cpu_count()) as several:
        alive = list(several.map(lambda m: survives(programs, m, places[m // 2 - 1]), mutants))
    for mutant, is_alive in zip(mutants, alive, strict=True):
        if is_alive:
            print(f"alive: {places[mutant // 2 - 1]} {'true' if mutant % 2 else 'false'}")
    killed = len(alive) - sum(alive)
    print(f"# B-17: {100 * killed // len(alive)} % of {len(alive)} mutants killed")


if __name__ == "__main__":
    main(*sys.argv[1:])
