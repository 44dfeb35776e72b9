#!/usr/bin/env python3
"""Count the asserts of the core, and compare what is written with and without them (B-22).

usage: asserts.py LINES    fail unless there is an assert for so many lines of src/base and core

Lines are those with code.  The command is built a second time, with NDEBUG; both write, change and
read the same rows in SQLite files of their own, and everything that they print or write is equal.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSERT = re.compile(r"\b(?:assert|_Static_assert|static_assert)\s*\(")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FOLDERS = ("base", "core")
ROWS = 3000
TABLE = (
    "CREATE TABLE thing (id integer PRIMARY KEY, name varchar(40) UNIQUE, amount decimal(12,2),"
    " at timestamp, day date, ok boolean, size real, raw blob)"
)
COLUMNS = "id,name,amount,at,day,ok,size,raw"


def density() -> tuple[int, int]:
    """Asserts of the core, and its lines of code."""
    asserts = lines = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / "src" / folder).glob("*.[ch]")):
            code = COMMENT.sub("", path.read_text("utf-8"))
            asserts += len(ASSERT.findall(code))
            lines += sum(bool(line.strip()) for line in code.splitlines())
    return asserts, lines


def without_asserts() -> Path:
    folder = ROOT / "build" / "ndebug"
    meson = ROOT / ".venv" / "bin"
    if not (folder / "build.ninja").exists():
        subprocess.run([meson / "meson", "setup", "-Db_ndebug=true", folder], cwd=ROOT, check=True)
    subprocess.run([meson / "ninja", "--quiet", "-C", folder, "cli/bulkmodel"], check=True)
    return folder / "cli" / "bulkmodel"


def row(i: int, change: int = 0) -> str:
    return (
        f"{i},name {i},{i * 7 % 100000}.{(i + change) % 100:02},2024-02-{1 + i % 29:02} 13:00:00,"
        f"19{i % 90 + 10:02}-01-31,{'true' if i % 2 else 'false'},{i / 8},\\x{i % 256:02x}\n"
    )


def files(folder: Path) -> None:
    def write(name: str, rows: list[str]) -> None:
        (folder / name).write_text(COLUMNS + "\n" + "".join(rows))

    write("new.csv", [row(i) for i in range(1, ROWS)])
    write("changed.csv", [row(i, 1) for i in range(1, ROWS, 3)])
    write("both.csv", [row(i, 2) for i in range(ROWS - 50, ROWS + 50)])
    write("wrong.csv", [row(i) for i in range(9000, 9010)] + ["9010,name 1,1,x,,,,\n"])
    (folder / "keys.csv").write_text("id\n" + "".join(f"{i}\n" for i in range(5, ROWS, 11)))
    with sqlite3.connect(folder / "a.db") as db:
        db.execute(TABLE)


COMMANDS = (
    ("create", "new.csv", "--dry-run"),
    ("create", "new.csv"),
    ("update-fields", "changed.csv"),
    ("upsert", "both.csv"),
    ("create", "wrong.csv"),
    ("create", "new.csv"),
    ("delete", "keys.csv"),
    ("copy-to", "--order-by", "id"),
    ("copy-to", "--order-by", "id", "--format", "ndjson"),
)


def outputs(command: Path) -> list[str]:
    """All that it prints, and what is in the table at the end."""
    said = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files(folder)
        for verb, *rest in COMMANDS:
            ended = subprocess.run(
                [str(command), verb, "sqlite:a.db", "thing", *rest],
                cwd=folder,
                env=os.environ | {"TZ": "UTC"},
                capture_output=True,
                text=True,
                check=False,
            )
            printed = re.sub(r" in [\d.,]+ \w+ \(.* rows/s\)", "", ended.stdout + ended.stderr)
            said.append(f"{' '.join([verb, *rest])}: {ended.returncode}\n{printed}")
        with sqlite3.connect(folder / "a.db") as db:
            said += [repr(found) for found in db.execute("SELECT * FROM thing ORDER BY id")]
    return said


def main(most: int) -> int:
    asserts, lines = density()
    with_them = outputs(ROOT / "build" / "gcc" / "cli" / "bulkmodel")
    without = outputs(without_asserts())
    equal = with_them == without
    print(
        f"# B-22: {asserts} asserts in {lines} lines of the core; outputs with and without"
        f" NDEBUG {'equal' if equal else 'differ'} ({len(with_them)} compared)"
    )
    if not equal:
        print([pair for pair in zip(with_them, without) if pair[0] != pair[1]][:3])
    if asserts * most < lines:
        print(f"fewer than one assert for {most} lines")
    return 0 if equal and asserts * most >= lines else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
