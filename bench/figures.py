"""The README's figures: two charts of a kept run, and tables whose numbers are its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from charts import files_of
from compared import costs

Run = dict[str, Any]

BEGIN = "<!-- figures: written by script/bench --keep -->"
END = "<!-- end of figures -->"

# What is called, against whom, and the results that tell it: the first that the run has.
_SENTENCES = [
    ("bulk_create", "Django's own", ["django_pg_create_django"]),
    (
        "update_fields",
        "bulk_update",
        ["django_pg_update_100k_django", "django_pg_update_10k_django"],
    ),
    ("bulk_create on SQLite", "Django's own", ["django_sqlite_create_django"]),
    ("update_fields on SQLite", "bulk_update", ["django_sqlite_update_django"]),
]
_PICTURE = """<picture>
<source media="(prefers-color-scheme: dark)"
    srcset="{folder}/{name}-dark.svg">
<img alt="{words}" src="{folder}/{name}-light.svg">
</picture>"""


def kept(folder: Path) -> list[tuple[Path, Run]]:
    """The runs below bench/results with their folders, the newest first."""
    found = [
        (path.parent, json.loads(path.read_text("utf-8"))) for path in folder.glob("*/results.json")
    ]
    return sorted(found, key=lambda each: str(each[1]["date"]), reverse=True)


def _table(results: dict[str, Any]) -> list[str]:
    rows = []
    for call, against, keys in _SENTENCES:
        for entry in [results[key] for key in keys if key in results][:1]:
            rows.append(f"| {call} | {entry['rows']:,} | {against} | {entry['ratio']:.1f} |")
    head = ["| call | rows | against | times as fast |", "| --- | --- | --- | --- |"]
    return [*head, *rows, ""] if rows else []


def figures(run: Run, folder: str) -> str:
    """What the run has: a run of some rows alone has not all of it."""
    drawn = files_of(run)
    pictures = [
        _PICTURE.format(folder=folder, name=name, words=words) + "\n"
        for name, words in (("rates", "rows a second"), ("growth", "CPU a row by rows"))
        if f"{name}-light.svg" in drawn
    ]
    quick = any(entry["quick"] for entry in run["results"])
    when = run["date"].partition("T")[0]
    about = f"{when}, commit {run['commit']}{', a quick run of a tenth of the rows' * quick}"
    told = [f"Measured {about}:", f"{run['machine']}.", "", f"All of it: [{folder}]({folder})."]
    table = _table({entry["id"]: entry for entry in run["results"]})
    needed = costs(run)
    if needed:
        needed = ["", "### How long, how much memory", "", *needed]
    return "\n".join([*table, *pictures, *told, *needed])


def with_figures(text: str, run: Run, folder: str) -> str:
    """The README with the figures of this run between the two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"README.md has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{figures(run, folder)}\n\n{END}{after}"


def draw(folder: Path, run: Run) -> None:
    """The charts of a run beside its JSON, and no others."""
    for path in folder.glob("*.svg"):
        path.unlink()
    for name, picture in files_of(run).items():
        (folder / name).write_text(picture, "utf-8")


def show(root: Path) -> None:
    """Draw every kept run, and write the newest one's figures into the README."""
    runs = kept(root / "bench" / "results")
    for folder, run in runs:
        draw(folder, run)
    folder, run = runs[0]
    readme = root / "README.md"
    text = with_figures(readme.read_text("utf-8"), run, folder.relative_to(root).as_posix())
    readme.write_text(text, "utf-8")
