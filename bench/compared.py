"""Tables of a kept run for the documentation: what rows cost, and each package beside ours."""

from __future__ import annotations

import re
from typing import Any

Run = dict[str, Any]
Entry = dict[str, Any]

# What a result's id begins with, and what was called.
_CALLS = {
    "command_pg_create": "`bulkmodel create`, PostgreSQL",
    "command_pg_update": "`bulkmodel update-fields`, PostgreSQL",
    "command_sqlite_create": "`bulkmodel create`, SQLite",
    "encode": "encoding of COPY data",
    "django_copy_to_instances": "`copy_to_instances()`, PostgreSQL",
    "django_list": "`list(queryset)`, PostgreSQL",
    "django_pg_concurrent": "`bulk_create(concurrent=True)`, two workers",
    "django_pg_create": "`bulk_create()`, PostgreSQL",
    "django_pg_create_wide": "`bulk_create()` of a wide model, PostgreSQL",
    "django_pg_update_10k": "`update_fields()` of one field, PostgreSQL",
    "django_pg_update_100k": "`update_fields()` of one field, PostgreSQL",
    "django_pg_update2_10k": "`update_fields()` of two fields, PostgreSQL",
    "django_pg_update2_100k": "`update_fields()` of two fields, PostgreSQL",
    "django_pg_update_wide": "`update_fields()` of a wide model, PostgreSQL",
    "django_pg_upsert": "`bulk_create(update_conflicts=True)`, PostgreSQL",
    "django_sqlite_create": "`bulk_create()`, SQLite",
    "django_sqlite_create_wal": "`bulk_create()`, SQLite with WAL",
    "django_sqlite_create_wide": "`bulk_create()` of a wide model, SQLite",
    "django_sqlite_update": "`update_fields()` of one field, SQLite",
    "pg_concurrent_2": "`bm_bulk_create`, two workers, PostgreSQL",
    "pg_copy_to": "`bm_copy_to` with a sink, PostgreSQL",
    "pg_copy_to_queryset": "`bm_copy_to` into a queryset, PostgreSQL",
    "pg_create": "`bm_bulk_create`, PostgreSQL",
    "pg_create_keys": "`bm_bulk_create` with keys back, PostgreSQL",
    "pg_create_wide": "`bm_bulk_create` of a wide table, PostgreSQL",
    "pg_update": "`bm_update_fields`, PostgreSQL",
    "pg_update_wide": "`bm_update_fields` of a wide table, PostgreSQL",
    "sqlite_create": "`bm_bulk_create`, SQLite",
    "sqlite_update": "`bm_update_fields`, SQLite",
}
_SMALL = re.compile(r"django_small_(pg|sqlite)_(\w+)_(\d+)_django")
_MEMORY = re.compile(r"django_memory_(\w+)_(django|pgbulk)")
_ENGINES = {"pg": "PostgreSQL", "sqlite": "SQLite"}
_METHODS = {
    "create": "bulk_create()",
    "update_conflicts": "bulk_create(update_conflicts=True)",
}
_OTHERS = ("command_", "django_")
# Our own results beside each other, and limits: no package or program is slower or faster.
_ALONE = re.compile(
    r"(django_)?(pg|sqlite)_\w+_(batch_\d+|1pct)|(django_)?pg_concurrent_(1|one|four)"
    r"|(\w+_)?(growth|rss|bytes|ns)|memory_\w+"
)
_FIFTH = 5  # the contender's side of a memory row is a fifth of what it took

# Whose results they are, by the end of the id.
PEERS = ("django", "pgbulk", "bulkload", "fastupdate", "floor", "psql", "sqlite3", "sqliteutils")


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"


def _line(call: str, rows: int, against: str, ours: str, theirs: str, ratio: float) -> str:
    shown = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    if ratio < 1:
        shown = f"**{shown}**"
    return f"| {call} | {rows:,} | {against} | {ours} | {theirs} | {shown} |"


def _memory(entry: Entry, verb: str, peer: str) -> str:
    method = {"create": "bulk_create", "copy": "copy_from_objects"}.get(verb, "update_fields")
    ours, theirs = entry["median_s"] / 1000, entry["contender_median_s"] * _FIFTH / 1000
    against = {"django": "Django's own", "pgbulk": "django-pgbulk update"}[peer]
    call = f"`{method}()`: memory beside the rows"
    return _line(call, entry["rows"], against, f"{ours:.1f} MB", f"{theirs:.1f} MB", theirs / ours)


def _call(name: str, peer: str) -> str:
    """What was called, or "" where the result is not one of this peer's."""
    if small := _SMALL.fullmatch(name):
        if peer != "django":
            return ""
        method = _METHODS.get(small[2], f"{small[2]}()")
        return f"`{method}`, {_ENGINES[small[1]]}, 100 calls"
    if peer != "floor":
        return _CALLS.get(name.removesuffix(f"_{peer}"), "") if name.endswith(f"_{peer}") else ""
    if name.startswith("pg_small_"):
        return "`bm_bulk_create`, many calls, PostgreSQL"
    if name.endswith("_cpu"):
        call = _CALLS.get(name.removesuffix("_cpu"), "")
        return call and f"{call}: CPU of the client"
    if update := re.fullmatch(r"pg_update_\d+(_side_by_side)?", name):
        return f"`bm_update_fields`{', rows side by side' * bool(update[1])}, PostgreSQL"
    base = re.sub("_(floor|least)$", "", name)
    return _CALLS.get(base, "") if base != name or not name.startswith(_OTHERS) else ""


def _entry(entry: Entry, peer: str) -> str:
    """A line of the table, or "" where the result is not one of this peer's."""
    name, ours, theirs = entry["id"], entry["median_s"], entry["contender_median_s"]
    if memory := _MEMORY.fullmatch(name):
        return _memory(entry, memory[1], peer) if memory[2] == peer else ""
    call = _call(name, peer)
    # A target may allow a multiple of what the contender takes: here it is what it took.
    against = re.sub(r"^[\d.]+ x client CPU of: ", "", entry["contender"])
    return call and _line(
        call, entry["rows"], against, _seconds(ours), _seconds(theirs), theirs / ours
    )


def compared(run: Run, peer: str) -> list[str]:
    """Every result against a peer: where ours is slower, the ratio is below 1 and bold."""
    of_peer = [line for entry in run["results"] if (line := _entry(entry, peer))]
    head = ["| call | rows | against | ours | theirs | times as fast |"]
    return [*head, "| --- | --- | --- | --- | --- | --- |", *of_peer] if of_peer else []


def unlisted(run: Run) -> list[str]:
    """The ids of results against others that no table shows."""
    return [
        entry["id"]
        for entry in run["results"]
        if not _ALONE.fullmatch(entry["id"]) and not any(_entry(entry, peer) for peer in PEERS)
    ]


def costs(run: Run) -> list[str]:
    """How long, and how much memory, from the results that the run has."""
    results = {entry["id"]: entry for entry in run["results"]}
    lines = []

    def add(call: str, key: str, side: str, memory: str) -> None:
        if entry := results.get(key):
            lines.append(f"| {call} | {entry['rows']:,} | {_seconds(entry[side])} | {memory} |")

    def beside(key: str) -> str:
        if entry := results.get(key) or results.get(f"{key}_django"):
            return f"{entry['median_s'] / 1000:.1f} MB beside {entry['rows']:,} rows"
        return ""

    add("`bulkmodel create`, PostgreSQL", "command_pg_create_psql", "median_s", "")
    add("`bulkmodel update-fields`, PostgreSQL", "command_pg_update_psql", "median_s", "")
    add("`bulkmodel create`, SQLite", "command_sqlite_create_sqlite3", "median_s", "")
    if pipe := results.get("command_stream_rss"):
        whole = f"{pipe['median_s'] / 1000:.1f} MB in all"
        lines.append(f"| `bulkmodel create`, 2,000 MB from a pipe | {pipe['rows']:,} | | {whole} |")
    points = run["series"].get("memory") or []
    if points and (entry := results.get("django_stream_rss")):
        most = f"{max(kb for _, kb in points) / 1000:.1f} MB in all"
        generator = "`copy_from_objects()` of a generator, PostgreSQL"
        lines.append(f"| {generator} | {entry['rows']:,} | {points[-1][0]:.0f} s | {most} |")
    for call, key, side, memory in (
        (
            "`bulk_create()`",
            "django_pg_concurrent_one",
            "contender_median_s",
            "django_memory_create",
        ),
        ("`bm_bulk_create`", "pg_create", "median_s", "memory_create"),
        ("`bm_update_fields`", "pg_update", "median_s", "memory_update"),
    ):
        add(f"{call}, PostgreSQL", key, side, beside(memory))
    head = ["| call | rows | time | memory |", "| --- | --- | --- | --- |"]
    return [*head, *lines] if lines else []
