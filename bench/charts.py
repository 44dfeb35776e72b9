"""The charts of a run, drawn from what stands in its JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from svg import THEMES, WIDTH, Drawing, themed

Run = dict[str, Any]
Entry = dict[str, Any]

# Groups of the chart of rates: what is done, and the results that tell ours and each contender's.
_RATES = [
    ("PostgreSQL, bulk_create", "django_pg_create"),
    ("PostgreSQL, update_fields, one column", "django_pg_update_100k"),
    ("PostgreSQL, bulk_create(update_conflicts=True)", "django_pg_upsert"),
    ("SQLite, bulk_create", "django_sqlite_create"),
    ("SQLite, update_fields, one column", "django_sqlite_update"),
]
_LEFT, _RIGHT = 250, WIDTH - 110
_PLOT = (70.0, 60.0, WIDTH - 150.0, 320.0)


def results_of(run: Run) -> dict[str, Entry]:
    return {entry["id"]: entry for entry in run["results"]}


def note_of(run: Run) -> str:
    kind = ", a tenth of the rows" if any(r["quick"] for r in run["results"]) else ""
    return f"{run['date'].partition('T')[0]}, {run['machine']}, commit {run['commit']}{kind}"


def number(value: float) -> str:
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:.3g}"


def rates(run: Run) -> str:
    """Rows a second against the peers, Django above all."""
    drawing = Drawing("Rows a second under Django; longer is better", note_of(run))
    y = top = 62.0
    for title, row in _RATES:
        found = [entry for key, entry in results_of(run).items() if _of(key, row)]
        if not found:
            continue
        bars = [("bulkmodel", found[0]["rows"] / found[0]["median_s"])]
        bars += [(e["contender"], e["rows"] / e["contender_median_s"]) for e in found]
        drawing.text(8, y, f"{title}, {found[0]['rows']:,} rows", "h")
        most = max(rate for _, rate in bars)
        for name, rate in bars:
            y += 20
            width = (_RIGHT - _LEFT) * rate / most
            drawing.text(_LEFT - 8, y, name.partition(", ")[0], "end n")
            drawing.bar(_LEFT, y - 11, width, "a" if name == "bulkmodel" else "b")
            drawing.text(_LEFT + width + 6, y, number(rate), "n")
        y += 32
    return drawing.done(y - 14) if y > top else ""


def _of(key: str, row: str) -> bool:
    """Is this a contest of the row, and not of one whose name goes on?"""
    start, _, contender = key.rpartition("_")
    return start == row and contender != "cpu"


def ratios(run: Run) -> str:
    """Every judged result; the line is its target."""
    drawing = Drawing("Ratio to target, logarithmic; right of the line is reached", note_of(run))
    shown = [entry for entry in run["results"] if entry["target"] is not None]
    left, middle, most = 300.0, 430.0, 16.0
    y = 50.0
    for entry in shown:
        y += 20
        part = min(max(entry["ratio"] / entry["target"], 1 / most), most)
        x = middle + (middle - left) * math.log(part) / math.log(most)
        drawing.text(left - 8, y, entry["id"], "end")
        drawing.bar(min(x, middle), y - 11, abs(x - middle), "a" if part >= 1 else "w")
        drawing.text(576, y, f"{entry['ratio']:.2f}, target {entry['target']:g}", "n")
    drawing.rule(middle, 54, middle, y + 8)
    return drawing.done(y + 20)


class Axes:
    """A plot's frame; both scales are given as functions to 0 .. 1."""

    def __init__(self, drawing: Drawing, x_of: Scale, y_of: Scale) -> None:
        self.drawing, self.x_of, self.y_of = drawing, x_of, y_of
        self.names: list[tuple[float, float, str]] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = _PLOT
        return left + (right - left) * self.x_of(x), bottom - (bottom - top) * self.y_of(y)

    def marks(self, xs: list[tuple[float, str]], ys: list[tuple[float, str]]) -> None:
        left, _, right, bottom = _PLOT
        for x, words in xs:
            self.drawing.text(self.at(x, ys[0][0])[0], bottom + 18, words, "mid n")
        for y, words in ys:
            height = self.at(xs[0][0], y)[1]
            self.drawing.rule(left, height, right, height)
            self.drawing.text(left - 6, height + 4, words, "end n")

    def draw(self, points: list[tuple[float, float]], kind: str, name: str, dots: bool) -> None:
        places = [self.at(x, y) for x, y in points]
        self.drawing.curve(places, kind)
        if dots:
            self.drawing.dots(places, kind)
        self.names.append((places[-1][0] + 8, places[-1][1] + 4, name))

    def tell(self) -> None:
        """The names of the curves beside their ends, none upon another."""
        lowest = 0.0
        for x, y, name in sorted(self.names, key=lambda told: told[1]):
            lowest = max(y, lowest + 15)
            self.drawing.text(x, lowest, name)


Scale = Callable[[float], float]


def log_scale(low: float, high: float) -> Scale:
    return lambda value: math.log(value / low) / math.log(high / low)


def linear_scale(high: float) -> Scale:
    return lambda value: value / high


def round_above(value: float) -> float:
    """The next number whose quarters are read at a glance."""
    unit = 10.0 ** math.floor(math.log10(value))
    return unit * next(times for times in (1, 2, 4, 6, 8, 10) if times * unit >= value)


def growth(run: Run) -> str:
    """Client CPU a row, at each power of ten."""
    drawing = Drawing("Nanoseconds of client CPU a row; flat is good", note_of(run))
    lines = [
        ("growth", "ours_ns", "a", "C"),
        ("growth", "theirs_ns", "b", "COPY by hand"),
        ("django_growth", "ours_ns", "a", "Django, bulkmodel"),
        ("django_growth", "theirs_ns", "b", "Django's own"),
    ]
    drawn = {
        (name, kind, words): [(p["rows"], p[key]) for p in run["series"].get(name, []) if p[key]]
        for name, key, kind, words in lines
    }
    points = [point for found in drawn.values() for point in found]
    if not points:
        return ""
    x_most = max(x for x, _ in points)
    low = 10 ** math.floor(math.log10(min(y for _, y in points)))
    high = 10 ** math.ceil(math.log10(max(y for _, y in points)))
    axes = Axes(drawing, log_scale(1_000, max(x_most, 10_000)), log_scale(low, high))
    decades = range(int(math.log10(low)), int(math.log10(high)) + 1)
    axes.marks(
        [(10.0**i, number(10.0**i)) for i in range(3, int(math.log10(x_most)) + 1)],
        [(10.0**i, f"{10**i:,}") for i in decades],
    )
    for (_, kind, words), found in drawn.items():
        if found:
            axes.draw(found, kind, words, True)
    axes.tell()
    return drawing.done(_PLOT[3] + 34)


def memory(run: Run) -> str:
    """RSS while copy_from_objects reads a generator."""
    points = run["series"].get("memory", [])
    if not points:
        return ""
    title = "Memory of the process while copy_from_objects() reads a generator, MB over seconds"
    drawing = Drawing(title, note_of(run))
    pairs = [(seconds, kb / 1024) for seconds, kb in points]
    x_most, y_most = pairs[-1][0], round_above(max(mb for _, mb in pairs) * 1.1)
    axes = Axes(drawing, linear_scale(x_most), linear_scale(y_most))
    steps = [i / 4 for i in range(5)]
    axes.marks(
        [(x_most * i, f"{x_most * i:.1f}") for i in steps],
        [(y_most * i, f"{y_most * i:.0f}") for i in steps],
    )
    axes.draw(pairs, "a", "bulkmodel", False)
    axes.tell()
    return drawing.done(_PLOT[3] + 34)


def workers(run: Run) -> str:
    """Rows a second with 1, 2 and 4 connections."""
    found = results_of(run)
    one = found.get("django_pg_concurrent_one")
    if one is None:
        return ""
    seconds = [("1 worker", one["contender_median_s"], "a"), ("2 workers", one["median_s"], "a")]
    for key, name, kind in (("four", "4 workers", "a"), ("floor", "2 x psycopg COPY", "b")):
        entry = found.get(f"django_pg_concurrent_{key}")
        if entry is not None:
            seconds.append((name, entry["contender_median_s"], kind))
    title = f"bulk_create(concurrent=True) of {one['rows']:,} rows: rows a second"
    drawing = Drawing(title, note_of(run))
    least = min(s for _, s, _ in seconds)
    y = 48.0
    for name, s, kind in seconds:
        y += 22
        width = (_RIGHT - _LEFT) * least / s
        drawing.text(_LEFT - 8, y, name, "end n")
        drawing.bar(_LEFT, y - 11, width, kind)
        drawing.text(_LEFT + width + 6, y, number(one["rows"] / s), "n")
    return drawing.done(y + 18)


# What is called with batches of several sizes, and the row that tells it.
_BATCHES = [
    ("create, PostgreSQL", "django_pg_create_batch", "a"),
    ("update, PostgreSQL", "django_pg_update_batch", "b"),
    ("create, SQLite", "django_sqlite_create_batch", "w"),
]


def batches(run: Run) -> str:
    """Rows a second by the rows of a batch; the last point is a call that names none."""
    found = results_of(run)
    curves = []
    for name, row, kind in _BATCHES:
        entries = sorted((float(k.rpartition("_")[2]), e) for k, e in found.items() if _of(k, row))
        if entries:
            whole = entries[0][1]
            points = [(size, e["rows"] / e["contender_median_s"]) for size, e in entries]
            points.append((whole["rows"], whole["rows"] / whole["median_s"]))
            curves.append((points, kind, name))
    if not curves:
        return ""
    drawing = Drawing("Rows a second by batch_size; at the right end none is given", note_of(run))
    x_most = max(points[-1][0] for points, _, _ in curves)
    x_least = min(points[0][0] for points, _, _ in curves)
    y_most = round_above(max(rate for points, _, _ in curves for _, rate in points))
    axes = Axes(drawing, log_scale(x_least, x_most), linear_scale(y_most))
    decades = range(round(math.log10(x_least)), round(math.log10(x_most)) + 1)
    steps = [i / 4 for i in range(5)]
    axes.marks(
        [(10.0**i, number(10.0**i)) for i in decades],
        [(y_most * i, number(y_most * i) if i else "0") for i in steps],
    )
    for points, kind, name in curves:
        axes.draw(points, kind, name, True)
    axes.tell()
    return drawing.done(_PLOT[3] + 34)


CHARTS: dict[str, Callable[[Run], str]] = {
    "rates": rates,
    "growth": growth,
    "memory": memory,
    "workers": workers,
    "batches": batches,
    "ratios": ratios,
}


def files_of(run: Run) -> dict[str, str]:
    """The charts that this run can tell, by their files' names."""
    drawn = {name: draw(run) for name, draw in CHARTS.items()}
    return {
        f"{name}-{theme}.svg": themed(picture, theme)
        for name, picture in drawn.items()
        if picture
        for theme in THEMES
    }
