"""Ours and theirs in turn, in one process: what a row of the benchmarks prints for script/bench."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
HERE = Path(__file__).resolve().parent

Sample = dict[str, float]


@dataclasses.dataclass
class Asked:
    """What a row is asked for."""

    rows: int
    rounds: int
    quick: bool
    only: str = ""


@dataclasses.dataclass
class Side:
    """One way to do it.  What `prepare` makes is outside the timing, and is given to `run`."""

    name: str
    what: str
    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    pids: tuple[int, ...] = ()


def stat_of(pid: int) -> tuple[int, float]:
    """The parent of a process, and its seconds of CPU with those of its ended children; proc(5)."""
    text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / TICK


def server_cpu(server: int | None) -> float:
    """Of the server's first process, and all its processes."""
    if server is None:
        return 0.0
    try:
        total = stat_of(server)[1]
    except OSError:
        return 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent, used = stat_of(int(entry.name))
            except OSError:
                continue
            total += used if parent == server else 0.0
    return total


def cpu_of(side: Side) -> float:
    """Of this process, of its ended children, and of those that run beside it for this side."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    beside = sum(stat_of(pid)[1] for pid in side.pids)
    return time.process_time() + ended.ru_utime + ended.ru_stime + beside


class Contest:
    """A row: ours against each of theirs."""

    def __init__(
        self, row: str, asked: Asked, rows: int, verify: Callable[[], None] | None = None
    ) -> None:
        self.row, self.asked, self.rows, self.verify = row, asked, rows, verify
        self.server: int | None = None

    def measures(self, backend: int) -> Contest:
        """Measure the server of this backend process, too."""
        return self.measures_server(stat_of(backend)[0])

    def measures_server(self, process: int) -> Contest:
        self.server = process
        return self

    def measure(self, side: Side) -> Sample:
        given = side.prepare()
        gc.collect()
        server, cpu, wall = server_cpu(self.server), cpu_of(side), time.perf_counter()
        kept = side.run(given)
        wall = time.perf_counter() - wall
        sample = {"wall": wall, "cpu": cpu_of(side) - cpu}
        sample["server"] = server_cpu(self.server) - server
        del kept
        if self.verify is not None:
            self.verify()
        return sample

    def best(self, sides: Iterable[Side]) -> Side:
        """That which is the fastest in one run."""
        return min(sides, key=lambda side: self.measure(side)["wall"])

    def run(self, ours: Side, theirs: list[Side]) -> None:
        sides = [ours, *theirs]
        if self.asked.only:
            sides = [side for side in sides if side.name == self.asked.only]
        samples: dict[str, list[Sample]] = {side.name: [] for side in sides}
        for side in sides:
            self.measure(side)
        for number in range(self.asked.rounds):
            start = number % len(sides)
            for side in sides[start:] + sides[:start]:
                samples[side.name].append(self.measure(side))
        if self.asked.only:
            return
        for side in theirs:
            say(
                id=f"{self.row}_{side.name}",
                contender=side.what,
                rows=self.rows,
                ours=turned(samples[ours.name]),
                theirs=turned(samples[side.name]),
            )


def turned(samples: list[Sample]) -> dict[str, list[float]]:
    return {key: [round(sample[key], 9) for sample in samples] for key in samples[0]}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Remote:
    """A contender in a process of its own, which is told by lines what to do and answers each."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "django_remote.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "done\n":
            raise AssertionError("a contender's process ended")

    def do(self, line: str) -> None:
        self.tell(line)
        self.wait()
