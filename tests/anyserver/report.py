"""What became of each case, and the table of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

WORKS, SLOW, REFUSED, WRONG = "works", "slow", "refused", "wrong"
# A case is slow if it takes three times as long as plain SQL, and a second more.
SLOW_RATIO, SLOW_MORE = 3.0, 1.0
# With fewer rows a ratio only says how long a program or a transaction takes to begin.
RATIO_FROM = 3000


@dataclass(frozen=True)
class Outcome:
    """One case: a verb of a face, with so many rows and workers."""

    face: str
    case: str
    workers: int
    rows: int
    state: str
    seconds: float = 0.0
    plain: float | None = None  # plain SQL that writes the same, by hand
    why: str = ""

    @property
    def cell(self) -> str:
        if self.state in (REFUSED, WRONG):
            return f"**{self.state}**"
        compared = self.plain and self.rows >= RATIO_FROM
        ratio = f", {self.seconds / (self.plain or 1):.1f}x" if compared else ""
        return f"{self.state} {self.seconds:.2f} s{ratio}"


# A case that is slow is tried again: something else may have been at work.
TRIES = 3


def best_of(run: Callable[[], Outcome]) -> Outcome:
    """Run a case, and again while it is slow; the least of its times."""
    best = run()
    for _ in range(TRIES - 1):
        if best.state != SLOW:
            break
        again = run()
        if again.state in (WRONG, REFUSED):
            return again
        best = min(best, again, key=lambda outcome: outcome.seconds)
    return best


def state_of(seconds: float, plain: float | None) -> str:
    late = plain is not None and seconds > SLOW_RATIO * plain and seconds - plain > SLOW_MORE
    return SLOW if late else WORKS


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """A line for each verb and number of workers, a column for each number of rows."""
    found = list(outcomes)
    sizes = sorted({outcome.rows for outcome in found if outcome.rows})
    lines = ["| face | case | workers |" + "".join(f" {n:,} rows |" for n in sizes)]
    lines.append("| --- | --- | --- |" + " --- |" * len(sizes))
    seen: dict[tuple[str, str, int], dict[int, str]] = {}
    for outcome in found:
        cells = seen.setdefault((outcome.face, outcome.case, outcome.workers), {})
        for n in (outcome.rows,) if outcome.rows else sizes:
            cells[n] = outcome.cell if outcome.rows else outcome.state
    for (face, case, workers), cells in seen.items():
        row = "".join(f" {cells.get(n, '')} |" for n in sizes)
        lines.append(f"| {face} | {case} | {workers or ''} |{row}")
    return lines


def complaints(outcomes: Iterable[Outcome]) -> list[str]:
    """A line for each case that is wrong, refused or slow."""
    return [
        f"{o.state}: {o.face}, {o.case}, {o.rows:,} rows, {o.workers} workers: "
        + (o.why or f"{o.seconds:.2f} s, plain SQL {o.plain or 0:.2f} s")
        for o in outcomes
        if o.state != WORKS
    ]
