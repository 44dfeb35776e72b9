"""The suites that could notice a change, as programs in a build of the copy."""

from __future__ import annotations

import ast
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# Many processes, many minutes, or the clock itself is judged: not for a machine at work.
LEFT_OUT = {
    "fault_kills", "fault_cuts", "fault_soak", "fault_malloc", "fault_lateness", "fault_cancel",
    "fault_steps", "unit_libpq_limits", "unit_sqlite_waits", "unit_sqlite_commit",
    "conformance_statistics", "threads_barrier",
}  # fmt: skip
LONGEST = 60.0  # seconds of a program without a change
BUDGET = 60.0  # seconds of Django's tests for one change, as they took without it
ENGINES = {"django_sqlite_table": "sqlite-table", "django_postgresql": "postgresql"}


@dataclass
class Test:
    name: str
    suite: str
    command: list[str]
    environment: dict[str, str]
    targets: list[str]
    seconds: float = 0.0


@dataclass
class Build:
    tree: Path
    tests: dict[str, Test] = field(default_factory=dict)
    calls: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.tree / "build" / "gcc"

    def tool(self, *words: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.tree}/.venv/bin:{os.environ['PATH']}"
        return subprocess.run(
            words, cwd=self.tree, env={**os.environ, "PATH": path}, text=True, capture_output=True
        )

    def configure(self) -> None:
        if (self.folder / "build.ninja").exists():
            return
        options = ["-Dtests=true", "-Dpython=true", "-Dwerror=false", "-Doptimization=0"]
        done = self.tool(".venv/bin/meson", "setup", str(self.folder), *options)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)

    def make(self, targets: list[str]) -> bool:
        done = self.tool(".venv/bin/ninja", "-C", str(self.folder), *targets)
        return done.returncode == 0

    def read(self) -> None:
        """What Meson knows of the tests."""
        done = self.tool(".venv/bin/meson", "introspect", "--tests", str(self.folder))
        self.tests = {}
        for test in json.loads(done.stdout):
            suite = test["suite"][0].partition(":")[2]
            if suite in ("tidy", "legs", "servers", "examples") or test["name"] in LEFT_OUT:
                continue
            if suite == "django" and test["name"] not in ENGINES:
                continue
            files = [part.split("@@")[1].rsplit("@", 1)[0] for part in test["depends"]]
            self.tests[test["name"]] = Test(
                test["name"], suite, test["cmd"], test["env"], self.targets(files)
            )

    def targets(self, names: list[str]) -> list[str]:
        if not hasattr(self, "_all"):
            done = self.tool(".venv/bin/ninja", "-C", str(self.folder), "-t", "targets", "all")
            lines = [line.partition(": ")[0] for line in done.stdout.splitlines()]
            self._all = {Path(line).name: line for line in lines if ".p/" not in line}
        return [self._all[name] for name in names if name in self._all]

    def run(self, test: Test, chosen: list[str] | None = None) -> tuple[bool, str]:
        """Whether the test passes; otherwise what it says of the first failure, and ends there."""
        environment = {**os.environ, **test.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*test.command]
        if chosen is not None:
            names = self.tree / "build" / "chosen"
            names.write_text("\n".join(chosen))
            environment |= {"BM_MUTATE_TESTS": str(names)}
            environment |= {"PYTHONPATH": str(self.tree / "tests/mutate")}
            command += ["-p", "calls", "-x", "--tb=line", "-qq", "--show-capture=no"]
        budget = BUDGET if chosen is not None else test.seconds
        begin = time.monotonic()
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                verdict = _watch(process, begin + 60 + 8 * budget)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        test.seconds = max(test.seconds, 0.1)
        return verdict == "", verdict


def _watch(process: subprocess.Popen[bytes], until: float) -> str:
    """Read TAP until the first failure, the end or too late."""
    verdict, line = "", b""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not verdict:
            if not selector.select(max(0.0, until - time.monotonic())):
                verdict = "too late"
                break
            part = os.read(process.stdout.fileno(), 65536)
            if not part:
                break
            *lines, line = (line + part).split(b"\n")
            verdict = next((one.decode(errors="replace") for one in lines
                            if one.startswith(b"not ok")), "")  # fmt: skip
    if verdict:
        os.killpg(process.pid, signal.SIGKILL)
    status = process.wait()
    return verdict or (f"exit status {status}" if status else "")


def function_at(text: str, line: int) -> int | None:
    """The first line of the innermost function around a line, as its code object says it."""
    best = None
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            inside = node.body[0].lineno <= line <= (node.end_lineno or 0)
            if inside and (best is None or first > best):
                best = first
    return best


def chosen_tests(calls: dict[str, dict[str, object]], path: str, text: str, line: int) -> list[str]:
    """Django's tests that could notice, the quickest first, within the budget."""
    times: dict[str, float] = calls["seconds"]  # type: ignore[assignment]
    names: object = list(times)
    if path.endswith(".py"):
        first = function_at(text, line)
        if first is not None:
            names = calls["calls"].get(f"{path.removeprefix('python/bulkmodel/')}:{first}", [])
    wanted, total = [], 0.0
    for name in sorted(names, key=lambda one: times.get(one, 0)):  # type: ignore[call-overload]
        total += times.get(name, 0)
        if total > BUDGET:
            break
        wanted.append(name)
    return wanted


def stages(build: Build, folder: str) -> list[list[Test]]:
    """The tests in the order in which they are asked: the nearest and the quickest first."""
    room = folder.rpartition("/")[2]
    python = folder.startswith("python")
    ranks: dict[int, list[Test]] = {}
    for test in build.tests.values():
        near = test.name.startswith((f"unit_{room}", f"{room}_"))
        if test.suite == "django":
            rank = 5
        elif test.suite == "cli":
            rank = 4
        elif test.suite in ("unit", "golden"):
            rank = 0 if near and test.seconds < 2 else 1 if test.seconds < 2 else 3
        else:
            rank = 2 if test.suite == "conformance" else 3
        command_only = test.suite == "cli" or test.name == "fuzz_reader"
        wanted = rank == 5 if python else command_only if folder == "cli" else True
        if wanted and (test.suite != "django" or test.name in build.calls):
            ranks.setdefault(rank, []).append(test)
    return [sorted(ranks[rank], key=lambda test: test.seconds) for rank in sorted(ranks)]
