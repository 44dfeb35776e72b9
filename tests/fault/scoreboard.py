#!/usr/bin/env python3
"""Run the rows of the scoreboard one by one and print what was measured.

usage: scoreboard.py [--quick] [--row B-xx]... [--write]

    --quick   the rows of CI, with small amounts: under ten minutes on an idle machine of two cores
    --row     only this row; may be repeated
    --write   also write docs/scoreboard.md: of each row the newest run for this commit, or for one
              before it, which the row then names

Each row is a program that is given an amount (a count or seconds), prints "# B-xx: COUNT words",
and fails when it sees anything wrong.  A row passes when its program does and the counts of its
lines add up to the target.  What was measured is kept in build/scoreboard, one JSON a row; a row
that passed is not run again for the same commit.  A row without a program is printed as not run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "scoreboard"
PAGE = ROOT / "docs" / "scoreboard.md"
PROGRAMS = "build/gcc/tests"
BESIDE = "script/with-postgresql"
LINES_OF_ERRORS = 40


@dataclass(frozen=True)
class Row:
    """A figure, its programs and how much of it is run.

    `commands` are run in turn; AMOUNT in them is replaced.  `quick` and `full` are pairs of the
    amount for the programs and the target: the least count.  A row without `quick` is not part of
    --quick."""

    id: str
    figure: str
    commands: tuple[tuple[str, ...], ...] = ()
    quick: tuple[int, int] | None = None
    full: tuple[int, int] = (0, 0)
    unit: str = ""
    most: bool = False  # the target is the highest count that passes
    collected: bool = False  # no program: the lines with this id that the other rows printed
    not_run: str = ""


def c(name: str, *arguments: str) -> tuple[str, ...]:
    """A test program beside a PostgreSQL server."""
    return (BESIDE, f"{PROGRAMS}/test_{name}", *(arguments or ("AMOUNT",)))


def python(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, name, *arguments)


def behind_poolers(name: str) -> tuple[tuple[str, ...], ...]:
    """A program without PgBouncer, and with it in both modes; each from a seed of its own."""
    modes = (("2000", "transaction"), ("3000", "session"))
    return (c(name), *(c(name, "AMOUNT", *mode) for mode in modes))


ROWS = (
    Row(
        "B-01",
        "failed allocations, core",
        (c("fault_malloc"),),
        quick=(3, 2000),
        full=(1, 2000),
        unit="allocations",
    ),
    Row(
        "B-02",
        "failed allocations, Python extension",
        (python("tests/fault/extension.py", "AMOUNT"),),
        quick=(20, 100),
        full=(1, 500),
        unit="allocations",
    ),
    Row(
        "B-03",
        "failed system calls and allocations, libpq and SQLite",
        (c("fault_shims"),),
        full=(3, 400),
        unit="failures",
    ),
    Row(
        "B-04",
        "faults of the catalog that have a test",
        (python("tests/fault/catalogue.py"),),
        quick=(0, 90),
        full=(0, 90),
        unit="of 162",
    ),
    Row(
        "B-05",
        "rows compared in the runs with faults",
        quick=(0, 100_000),
        full=(0, 1_000_000),
        unit="rows, 0 lost, duplicated or altered",
        collected=True,
    ),
    Row(
        "B-06",
        "connections cut at a random byte",
        behind_poolers("fault_cuts"),
        quick=(70, 210),
        full=(500, 1500),
        unit="cuts, 0 wrong, without and with PgBouncer",
    ),
    Row(
        "B-07",
        "lost answers to COMMIT that were resolved",
        (c("fault_commit_truth"),),
        quick=(50, 100),  # cuts of one connection, and as many of workers
        full=(150, 300),
        unit="cuts",
    ),
    Row(
        "B-08",
        "processes killed during calls",
        behind_poolers("fault_kills"),
        quick=(14, 42),
        full=(100, 300),
        unit="kills, 0 wrong, without and with PgBouncer",
    ),
    Row(
        "B-09",
        "fuzz targets",
        (("script/fuzz", "AMOUNT"),),
        quick=(10, 16),
        full=(60, 16),
        unit="targets",
    ),
    Row(
        "B-10",
        "random values written and read back",
        (c("types_random_tables"),),
        quick=(100_000, 100_000),
        full=(1_000_000, 1_000_000),
        unit="values",
    ),
    Row(
        "B-11",
        "numeric, every coefficient and scale",
        (c("types_numerics"),),
        full=(1, 260_000),
        unit="numbers, 0 different",
    ),
    Row(
        "B-12",
        "Django's own tests",
        (python("tests/fault/parity.py", "6.1"),),
        full=(0, 3000),
        unit="tests, 0 failed",
    ),
    Row(
        "B-13",
        "interleavings of workers",
        ((f"{PROGRAMS}/test_unit_team",),),
        quick=(0, 500),
        full=(0, 500),
        unit="interleavings",
    ),
    Row(
        "B-14",
        "kinds of calls that leave nothing behind",
        (python("tests/django/leaks.py", "AMOUNT"),),
        full=(5, 10),
        unit="kinds, 0 leaks",
    ),
    Row("B-15", "sanitizers, valgrind", not_run="a step of .ci/run"),
    Row(
        "B-16",
        "branch coverage of the C sources",
        (python("tests/fault/coverage.py", "85"),),
        full=(0, 85),
        unit="% of the branches",
    ),
    Row(
        "B-17",
        "mutation score of encoders and decoders",
        (python("tests/fault/mutants.py", "AMOUNT"),),
        full=(1, 80),
        unit="% killed",
    ),
    Row(
        "B-18",
        "seeded bugs of peers that were caught",
        (python("tests/fault/peers.py", "20"),),
        full=(0, 20),
        unit="of 35",
    ),
    Row(
        "B-19",
        "memory, 10 M rows against 1 M",
        ((BESIDE, sys.executable, "tests/fault/memory.py", "build/gcc/cli/bulkmodel", "AMOUNT"),),
        full=(10, 5),
        unit="% more",
        most=True,
    ),
    Row(
        "B-20",
        "calls that ended in time",
        (c("fault_lateness"),),
        quick=(1, 60),
        full=(10, 600),
        unit="ends, at most 500 ms late",
    ),
    Row(
        "B-21",
        "soak",
        (c("fault_soak"),),
        quick=(120, 120),
        full=(600, 600),
        unit="s, and memory, descriptors and threads do not grow",
    ),
    Row(
        "B-22",
        "asserts in the core",
        (python("tests/fault/asserts.py", "20"),),
        quick=(0, 1),
        full=(0, 1),
        unit="asserts, one for 20 lines, and equal outputs with NDEBUG",
    ),
    Row(
        "B-23",
        "kills during loads that resume",
        ((BESIDE, sys.executable, "tests/cli/kill_loads.py", "build/gcc/cli/bulkmodel", "AMOUNT"),),
        quick=(10, 20),
        full=(150, 300),
        unit="kills, 0 rows lost or twice",
    ),
)


@dataclass
class Run:
    """What became of a row."""

    row: str
    size: str
    commit: str
    date: str
    passed: bool
    count: int
    measured: str
    target: str
    minutes: float
    machine: str
    errors: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # figures of other rows too


def commit() -> str:
    """The commit of the tree; a "+" after it when files differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def place(row: Row, size: str, at: str) -> Path:
    return KEPT / f"{row.id}-{size}-{at}.json"


def earlier(row: Row, size: str, at: str) -> Run | None:
    path = place(row, size, at)
    return Run(**json.loads(path.read_text())) if path.exists() else None


def execute(command: list[str]) -> tuple[int, str]:
    """Run a program in a process group of its own, which is gone when this returns."""
    environment = os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP"}
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate()
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        raise
    return child.returncode, output


def amounts(row: Row, size: str) -> tuple[int, int]:
    """What the programs are given, and the target."""
    return row.full if size == "full" or row.quick is None else row.quick


def measure(row: Row, amount: int) -> tuple[str, list[str]]:
    """All that its programs printed, and what went wrong."""
    said = ""
    errors: list[str] = []
    for command in row.commands:
        whole = [word.replace("AMOUNT", str(amount)) for word in command]
        status, output = execute(whole)
        said += output
        if status != 0:
            errors += [f"{' '.join(whole)}: exit status {status}"]
            errors += output.splitlines()[-LINES_OF_ERRORS:]
    return said, errors


def figures(of: str, said: str) -> list[str]:
    return re.findall(rf"^# {of}: (.*)$", said, re.MULTILINE)


def judge(row: Row, size: str, at: str, said: str, errors: list[str], minutes: float) -> Run:
    target = amounts(row, size)[1]
    lines = figures(row.id, said)
    count = sum(int(found[0]) for line in lines if (found := re.match(r"\d+", line)))
    if not lines:
        errors = [*errors, f'no line "# {row.id}: COUNT" was printed']
    if row.collected:
        lines = [f"{count} rows, in {len(lines)} runs"]
    return Run(
        row=row.id,
        size=size,
        commit=at,
        date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M"),
        passed=(count <= target if row.most else count >= target) and not errors,
        count=count,
        measured="; ".join(lines),
        target=f"{'at most' if row.most else 'at least'} {target:,} {row.unit}",
        minutes=minutes,
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        errors=errors,
        said=re.findall(r"^# B-\d\d: .*$", said, re.MULTILINE),
    )


def collect(row: Row, size: str, at: str, runs: list[Run]) -> Run | None:
    """A row of what the others counted; a figure of theirs above 0 failed them already."""
    said = "\n".join(line for made in runs for line in made.said)
    if not figures(row.id, said):
        return None
    theirs = [made for made in runs if figures(row.id, "\n".join(made.said))]
    errors = [f"{made.row} failed" for made in theirs if not made.passed]
    return judge(row, size, at, said, errors, 0.0)


def run(row: Row, size: str, at: str) -> Run:
    known = earlier(row, size, at)
    if known is not None and known.passed and not at.endswith("+"):
        return known
    begun = time.monotonic()
    said, errors = measure(row, amounts(row, size)[0])
    made = judge(row, size, at, said, errors, round((time.monotonic() - begun) / 60, 1))
    KEPT.mkdir(parents=True, exist_ok=True)
    path = place(row, size, at)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(made.__dict__, indent=1) + "\n")
    beside.replace(path)
    return made


def show(row: Row, made: Run | None) -> None:
    if made is None:
        print(f"{row.id}  not run  {row.figure}: {row.not_run}", flush=True)
        return
    how = "passed" if made.passed else "FAILED"
    print(f"{row.id}  {how}   {row.figure}: {made.measured or 'no figure'}")
    print(f"      target: {made.target}; {made.minutes} min; commit {made.commit}", flush=True)
    for line in made.errors:
        print(f"        {line}", flush=True)


def newest(row: Row, size: str) -> Run | None:
    """The newest run of a row for a commit that this one has in it."""
    command = ["git", "-C", str(ROOT), "log", "--format=%H"]
    log = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    made = (earlier(row, size, line[:12]) for line in log.splitlines())
    return next((run for run in made if run is not None), None)


def page(runs: dict[str, Run], at: str) -> str:
    """docs/scoreboard.md: what was not run says so."""
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    machine = next((made.machine for made in runs.values()), "")
    lines = [
        "# Scoreboard",
        "",
        f"Written by `script/scoreboard --write` on {today} at commit {at}",
        f"({machine}). A row names the commit that it was run for.",
        "",
        "| id | figure | target | measured | minutes | commit | result |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in ROWS:
        made: Any = runs.get(row.id)
        if made is None:
            lines.append(f"| {row.id} | {row.figure} | | {row.not_run} | | | not run |")
        else:
            result = "passed" if made.passed else "failed"
            lines.append(
                f"| {row.id} | {row.figure} | {made.target} | {made.measured} | {made.minutes}"
                f" | {made.commit} | {result} |"
            )
    return "\n".join(lines) + "\n"


def known_runs(size: str, at: str) -> dict[str, Run]:
    found = {row.id: earlier(row, size, at) for row in ROWS}
    return {name: made for name, made in found.items() if made is not None}


def run_all(wanted: list[Row], size: str, at: str, all_rows: bool) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for row in (row for row in wanted if not row.collected):
        if size == "quick" and all_rows and row.quick is None and row.commands:
            print(f"{row.id}  not run  {row.figure}: part of the full run only", flush=True)
            continue
        made = run(row, size, at) if row.commands else None
        show(row, made)
        if made is not None:
            runs[row.id] = made
    return runs | collected(wanted, size, at, runs)


def collected(wanted: list[Row], size: str, at: str, runs: dict[str, Run]) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for row in (row for row in wanted if row.collected):
        made = collect(row, size, at, list((known_runs(size, at) | runs).values()))
        show(row, made)
        if made is not None:
            found[row.id] = made
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/scoreboard", description="Figures of reliability")
    parser.add_argument("--quick", action="store_true", help="the rows of CI, small amounts")
    parser.add_argument("--row", action="append", metavar="B-xx", choices=[r.id for r in ROWS])
    parser.add_argument("--write", action="store_true", help="write docs/scoreboard.md")
    options = parser.parse_args()
    size = "quick" if options.quick else "full"
    at = commit()
    wanted = [row for row in ROWS if options.row is None or row.id in options.row]
    runs = run_all(wanted, size, at, options.row is None)
    if options.write:
        everything = {row.id: made for row in ROWS if (made := newest(row, size))} | runs
        everything |= {
            row.id: made
            for row in ROWS
            if row.collected and (made := collect(row, size, at, list(everything.values())))
        }
        PAGE.write_text(page(everything, at))
    failed = sum(not made.passed for made in runs.values())
    print(f"{len(runs) - failed} passed, {failed} failed")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
