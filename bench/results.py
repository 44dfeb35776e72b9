"""What a row of the benchmarks found: medians, ratios, and how they are judged."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator
from typing import Any

Sample = dict[str, Any]
Judge = Callable[[list[Sample]], Iterator["Result"]]


@dataclasses.dataclass
class Result:
    id: str
    rows: int
    median_s: float
    contender: str
    contender_median_s: float
    ratio: float
    target: float | None
    spread: float
    quick: bool = False
    cpu: str = ""

    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "pass" if self.ratio >= self.target else "below"


def median(sample: Sample, side: str, what: str) -> float:
    return float(statistics.median(sample[side][what]))


def spread(sample: Sample, what: str) -> float:
    """Half of what lies between the quartiles of the rounds' ratios, as a part of their median."""
    ratios = [
        theirs / max(ours, 1e-9)
        for ours, theirs in zip(sample["ours"][what], sample["theirs"][what])
    ]
    if len(ratios) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return float((high - low) / 2 / max(middle, 1e-9))


def cpu(sample: Sample) -> str:
    """Seconds of CPU of the client and of the server, ours / theirs."""
    client = f"{median(sample, 'ours', 'cpu'):.3f}/{median(sample, 'theirs', 'cpu'):.3f}"
    server = f"{median(sample, 'ours', 'server'):.2f}/{median(sample, 'theirs', 'server'):.2f}"
    return f"{client}  {server}" if server != "0.00/0.00" else client


def wall(sample: Sample, target: float | None) -> Result:
    ours = median(sample, "ours", "wall")
    theirs = median(sample, "theirs", "wall")
    return Result(
        sample["id"],
        sample["rows"],
        ours,
        sample["contender"],
        theirs,
        theirs / ours,
        target,
        spread(sample, "wall"),
        cpu=cpu(sample),
    )


def ceiling(name: str, sample: Sample, factor: float) -> Result:
    """Client CPU: ours may be `factor` times the contender's."""
    ours = median(sample, "ours", "cpu")
    theirs = median(sample, "theirs", "cpu")
    contender = f"{factor} x client CPU of: {sample['contender']}"
    ratio = factor * theirs / max(ours, 1e-9)
    part = spread(sample, "cpu")
    return Result(name, sample["rows"], ours, contender, theirs, ratio, 1.0, part)


def limit(name: str, rows: int, what: str, most: float, measured: float) -> Result:
    """Something that is no time: `most` of it is allowed."""
    return Result(name, rows, measured, what, most, most / measured, 1.0, 0.0)


def judge_wall(target: float | None) -> Judge:
    def judge(samples: list[Sample]) -> Iterator[Result]:
        for number, sample in enumerate(samples):
            yield wall(sample, target if number == 0 else None)

    return judge


def judge_with_cpu(samples: list[Sample]) -> Iterator[Result]:
    yield wall(samples[0], 0.95)
    yield ceiling(samples[0]["id"] + "_cpu", samples[0], 1.3)


def judge_encode(samples: list[Sample]) -> Iterator[Result]:
    yield wall(samples[0], 1.0)
    # Nothing waits here, so a busy machine is left out of it: CPU, not wall clock.
    ns = median(samples[0], "ours", "cpu") / samples[0]["rows"] * 1e9
    yield limit("encode_ns", samples[0]["rows"], "15 ns of CPU a row", 15.0, ns)


def judge_by_id(targets: dict[str, float]) -> Judge:
    """Each contest and each limit by its own name; one without a target is told, not judged."""

    def judge(samples: list[Sample]) -> Iterator[Result]:
        for sample in samples:
            if "limit" in sample:
                measured = float(sample["measured"])
                what = sample["what"]
                yield limit(sample["id"], sample["rows"], what, float(sample["limit"]), measured)
            elif "ours" in sample:
                yield wall(sample, targets.get(sample["id"]))

    return judge


def judge_reports(samples: list[Sample]) -> Iterator[Result]:
    return (wall(sample, None) for sample in samples)


def judge_growth(samples: list[Sample]) -> Iterator[Result]:
    """Client CPU a row, from 10,000 rows on, may differ by a fifth."""
    costs = [p["ours_ns"] for p in growth_of(samples) if p["rows"] >= 10_000]
    most = max(costs) / min(costs)
    name = samples[0]["id"].removesuffix("_django")
    yield limit(name, samples[-1]["rows"], "CPU a row, most by least: 1.2", 1.2, most)


def growth_of(samples: list[Sample]) -> list[dict[str, float]]:
    """Nanoseconds of client CPU a row at each size; 0 where Django's own was not measured."""

    def ns(sample: Sample, side: str) -> float:
        return round(median(sample, side, "cpu") / int(sample["rows"]) * 1e9, 1)

    return [
        {
            "rows": s["rows"],
            "ours_ns": ns(s, "ours"),
            "theirs_ns": 0.0 if s["id"].endswith("_floor") else ns(s, "theirs"),
        }
        for s in samples
    ]


def series_of(name: str, samples: list[Sample]) -> dict[str, Any]:
    """What is drawn as a curve, by name."""
    if name.endswith("growth"):
        return {name: growth_of(samples)}
    return {s["series"]["name"]: s["series"]["points"] for s in samples if "series" in s}


def judge_stream(samples: list[Sample]) -> Iterator[Result]:
    few, many = (sample["rss_kb"] for sample in samples)
    print(f"    max RSS {few:,} kB and {many:,} kB")
    yield limit("stream_rss", samples[-1]["rows"], "max RSS, many by few: 1.05", 1.05, many / few)


def line(result: Result) -> str:
    target = "" if result.target is None else f"{result.target:g}"
    return (
        f"{result.id:40} {result.rows:>10,} {result.median_s:>10.4f}"
        f" {result.contender_median_s:>10.4f} {result.ratio:>7.3f} {result.spread:>6.1%}"
        f" {target:>6} {result.verdict():6} {result.cpu}"
    )


HEAD = (
    f"{'row':40} {'rows':>10} {'ours':>10} {'contender':>10} {'ratio':>7} {'spread':>6}"
    f" {'target':>6} {'':6} client CPU, server CPU (ours/theirs)"
)
