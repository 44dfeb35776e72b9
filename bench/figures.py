"""The README's figures: two charts of a kept run, and sentences whose numbers are its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN = "<!-- figures: written by script/bench --keep -->"
END = "<!-- end of figures -->"

_SENTENCES = [
    ("bulk_create", "Django's own", "django_pg_create_django"),
    ("update_fields", "bulk_update", "django_pg_update_100k_django"),
    ("bulk_create on SQLite", "Django's own", "django_sqlite_create_django"),
    ("update_fields on SQLite", "bulk_update", "django_sqlite_update_django"),
]


def figures(run: dict[str, Any], folder: Path) -> str:
    results = {entry["id"]: entry for entry in run["results"]}
    quick = any(entry["quick"] for entry in run["results"])
    lines = [
        "| call | rows | against | times as fast |",
        "| --- | --- | --- | --- |",
    ]
    for call, against, key in _SENTENCES:
        if key in results:
            entry = results[key]
            lines.append(f"| {call} | {entry['rows']:,} | {against} | {entry['ratio']:.1f} |")
    pictures = [
        f"![{words}]({folder.as_posix()}/{name}.svg)"
        for name, words in (("rates", "rows a second"), ("growth", "CPU a row by rows"))
    ]
    when = run["date"].partition("T")[0]
    about = f"{when}, commit {run['commit']}{', a quick run of a tenth of the rows' * quick}"
    where = f"All of it: [{folder.as_posix()}]({folder.as_posix()})."
    told = [f"Measured {about}:", f"{run['machine']}.", "", where]
    return "\n".join([*lines, "", *pictures, "", *told])


def with_figures(text: str, run: dict[str, Any], folder: Path) -> str:
    """The README with the figures of this run between the two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"README.md has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{figures(run, folder)}\n\n{END}{after}"
