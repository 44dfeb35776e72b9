#!/usr/bin/env python3
"""Change the behaviour at one place at a time, and see whether a test notices.

usage: mutate.py [--seed N] [--count N] [--folder NAME]... [--again] [--list]

All happens in a copy, build/mutate, and what was found is kept there: a run that was stopped goes
on.  --count is the number of changes over all folders, each has its share; with --folder only
these are looked at.  --again asks once more about those that survived.  --list runs nothing.
Those that are known to change nothing are in unchanged.txt, with the reason.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from changes import Change, changes
from suites import ENGINES, LONGEST, Build, chosen_tests, stages

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "mutate"
TREE = PLACE / "tree"
LEAST = 6  # changes of a folder


def folder_of(path: str) -> str:
    return "cli" if path.startswith("cli/") else "/".join(path.split("/")[:2])


def listed(*words: str) -> list[str]:
    """The files that git lists."""
    command = ["git", "ls-files", *words]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()


def sources() -> Iterator[str]:
    for path in listed("src", "cli", "python"):
        if path.endswith(".c") or (path.startswith("python/bulkmodel/") and path.endswith(".py")):
            yield path


def spread(found: list[Change], seed: int) -> list[Change]:
    """In an order of chance that the seed repeats, each kind in its turn."""
    kinds: dict[str, list[Change]] = {}
    for change in found:
        kinds.setdefault(change.kind, []).append(change)
    for some in kinds.values():
        some.sort(key=lambda one: hashlib.sha1(f"{seed} {one.id}".encode()).digest())
    order = sorted(kinds)
    most = max(len(some) for some in kinds.values())
    return [kinds[kind][at] for at in range(most) for kind in order if at < len(kinds[kind])]


def selection(seed: int, count: int, folders: list[str]) -> dict[str, list[Change]]:
    all_of: dict[str, list[Change]] = {}
    for path in sources():
        text = (ROOT / path).read_text()
        all_of.setdefault(folder_of(path), []).extend(changes(path, text))
    if folders:
        all_of = {name: some for name, some in all_of.items() if name in folders}
    total = sum(len(some) ** 0.5 for some in all_of.values())
    return {
        name: spread(some, seed)[: max(LEAST, round(count * len(some) ** 0.5 / total))]
        for name, some in sorted(all_of.items())
        if some
    }


def sync() -> None:
    """The copy has what the tree has; what is the same keeps its time, so that builds are short."""
    wanted = {path for path in listed("-co", "--exclude-standard") if (ROOT / path).is_file()}
    for path in wanted:
        there, here = ROOT / path, TREE / path
        if not here.exists() or here.read_bytes() != there.read_bytes():
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(there, here)
    for here in TREE.rglob("*"):
        place = here.relative_to(TREE)
        kept = place.parts[0] in ("build", ".venv") or str(place) in wanted
        if not kept and here.is_file():
            here.unlink()
    if not (TREE / ".venv").exists():
        (TREE / ".venv").symlink_to(ROOT / ".venv")


def measure(build: Build, python: bool) -> None:
    """Without a change: how long each test takes; what fails or takes too long is left out."""
    kept = PLACE / "tests.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    for test in list(build.tests.values()):
        if test.suite == "django":
            calls = PLACE / f"{test.name}.json"
            if not calls.exists() and python:
                print(f"# which tests call what: {test.name}", flush=True)
                learn(build, test.name, calls)
            if calls.exists():
                build.calls[test.name] = json.loads(calls.read_text())
            continue
        if test.name not in known:
            begin = time.monotonic()
            test.seconds = LONGEST
            passed, why = build.run(test)
            known[test.name] = time.monotonic() - begin if passed else -1
            kept.write_text(json.dumps(known))
            if not passed:
                print(f"# without a change {test.name}: {why}", flush=True)
        test.seconds = known[test.name]
        if not 0 <= test.seconds <= LONGEST:
            del build.tests[test.name]


def learn(build: Build, name: str, calls: Path) -> None:
    test = build.tests[name]
    environment = {"BM_MUTATE_CALLS": str(calls), "PYTHONPATH": str(TREE / "tests/mutate")}
    command = ["env", *(f"{key}={value}" for key, value in {**test.environment,
               **environment}.items()), *test.command, "-p", "calls", "-qq"]  # fmt: skip
    subprocess.run(command, cwd=build.folder, stdout=subprocess.DEVNULL, check=False)
    if not calls.exists():
        sys.exit(f"mutate: {name} did not run")


def ask(build: Build, change: Change, text: str) -> tuple[str, str]:
    """What became of a change that is made: noticed, survived or not built; and by what."""
    for tests in stages(build, folder_of(change.path)):
        targets = sorted({target for test in tests for target in test.targets})
        if not build.make(targets):
            return "not built", ""
        for test in tests:
            chosen = None
            if test.name in ENGINES:
                chosen = chosen_tests(build.calls[test.name], change.path, text, change.line)
                if not chosen:
                    continue
            passed, _ = build.run(test, chosen)
            if not passed:
                again, why = build.run(test, chosen)  # a machine at work can make a test fail
                if not again:
                    return "noticed", f"{test.name}: {why[:90]}"
    return "survived", ""


def report(chosen: dict[str, list[Change]], results: dict[str, dict[str, str]]) -> None:
    words = Path(__file__).with_name("unchanged.txt").read_text().splitlines()
    unchanged = dict(line.split(" ", 1) for line in words if line and line[0] != "#")
    lines, all_seen, all_of = [], 0, 0
    for folder, some in chosen.items():
        seen = of = 0
        for change in some:
            verdict = results.get(change.id, {}).get("verdict", "")
            if verdict == "survived" and change.id in unchanged:
                print(f"unchanged {change.id} {change.told()}\n          {unchanged[change.id]}")
            elif verdict == "survived":
                print(f"survived  {change.id} {change.told()}")
            if verdict == "noticed" or (verdict == "survived" and change.id not in unchanged):
                of += 1
                seen += verdict == "noticed"
        lines.append(f"{folder:20} {seen:4} of {of:4} {100 * seen // max(of, 1):4} %")
        all_seen, all_of = all_seen + seen, all_of + of
    print("\n".join(lines))
    print(f"{'all':20} {all_seen:4} of {all_of:4} {100 * all_seen // max(all_of, 1):4} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--folder", action="append", default=[])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = selection(given.seed, given.count, given.folder)
    kept = PLACE / "results.jsonl"
    results = {}
    if kept.exists():
        results = {one["id"]: one for one in map(json.loads, kept.read_text().splitlines())}
    if not given.list:
        TREE.mkdir(parents=True, exist_ok=True)
        sync()
        build = Build(TREE)
        build.configure()
        if not build.make([]):
            sys.exit("mutate: the copy does not build")
        build.read()
        measure(build, any(name.startswith("python") for name in chosen))
        # One of each folder in turn: a run that is stopped says something of all.
        most = max(len(some) for some in chosen.values())
        turns = [some[at] for at in range(most) for some in chosen.values() if at < len(some)]
        for change in turns:
            verdict = results.get(change.id, {}).get("verdict")
            if verdict is None or (verdict == "survived" and given.again):
                results[change.id] = one(build, change)
                with kept.open("a") as out:
                    out.write(json.dumps(results[change.id]) + "\n")
    report(chosen, results)


def one(build: Build, change: Change) -> dict[str, str]:
    begin = time.monotonic()
    file = TREE / change.path
    text = file.read_text()
    file.write_text(change.of(text))
    try:
        verdict, by = ask(build, change, text)
    finally:
        file.write_text(text)
    took = f"{time.monotonic() - begin:.0f} s"
    print(f"{verdict:9} {change.id} {took:>6} {change.told()}  {by}", flush=True)
    return {"id": change.id, "verdict": verdict, "by": by, "took": took, "what": change.told()}


if __name__ == "__main__":
    main()
