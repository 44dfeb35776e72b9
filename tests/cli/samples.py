"""The commands of README.md and the pages run as printed, and print what the pages say (I5)."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from world import World, case, expect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/samples"))

from blocks import Block, every  # noqa: E402

SAMPLES = [block for block in every() if block.language in {"sh", "console"} and not block.run_by]
NAMED = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}


def rows_of(name: str) -> dict[str, dict[str, str]]:
    with (ROOT / "examples" / name).open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def surroundings(w: World, folder: Path) -> dict[str, str]:
    """A folder with the two files of examples/, and a server that the PG* variables name."""
    folder.mkdir()
    for name in ("products.csv", "prices.csv"):
        shutil.copy(ROOT / "examples" / name, folder)
    (folder / "examples").symlink_to(ROOT / "examples")
    settings = dict(word.split("=", 1) for word in w.database.split())
    return {
        **os.environ,
        **{NAMED[key]: value for key, value in settings.items() if key in NAMED},
        "PGOPTIONS": settings["options"] + " -cclient_min_messages=warning",
        "PATH": f"{Path(w.program).resolve().parent}:{os.environ['PATH']}",
    }


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, and the lines that it prints as the page has them."""
    if block.language == "sh":
        yield block.text, []
        return
    for part in ("\n" + block.text).split("\n$ ")[1:]:
        command, _, said = part.partition("\n")
        while command.endswith("\\") or command.count("'") % 2 or command.count('"') % 2:
            line, _, said = said.partition("\n")
            command += "\n" + line
        yield command, said.splitlines()


def run(block: Block, command: str, folder: Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    if (done.returncode != 0) != (block.fails and command != block.given):
        raise AssertionError(f"{block.place}: {command}: {done.returncode}: {done.stdout}")
    return [line.rstrip() for line in done.stdout.splitlines()]


def compare(block: Block, command: str, said: list[str], printed: list[str]) -> None:
    """The lines of the page in their order; "..." at the end of a line is what varies."""
    rest = iter(printed)
    for line in said:
        begin, varies, _ = line.rstrip().partition("...")
        if not any(each.startswith(begin) if varies else each == begin for each in rest):
            raise AssertionError(f"{block.place}: {command}: no line {line!r} in {printed!r}")


def page(w: World, name: str) -> Path:
    """All blocks of one page, one after the other in one folder."""
    folder = w.folder / "page"
    environment = surroundings(w, folder)
    for block in (block for block in SAMPLES if block.page == name):
        if block.given:
            run(block, block.given, folder, environment)
        for command, said in commands(block):
            compare(block, command, said, run(block, command, folder, environment))
    return folder


@case("postgresql")
def the_readme_loads_a_file_and_updates_it_from_a_second(w: World) -> None:
    """The table is then the first file with the prices of the second."""
    page(w, "README.md")
    products, prices = rows_of("products.csv"), rows_of("prices.csv")
    wanted = {
        key: prices.get(key, row)["price"] + "|" + row["name"] for key, row in products.items()
    }
    found = w.sql("SELECT id, price, name FROM product ORDER BY id").splitlines()
    expect(dict(line.split("|", 1) for line in found), wanted)


@case()
def the_example_runs(w: World) -> None:
    w.sql(
        "CREATE TABLE product (id integer PRIMARY KEY, name varchar(50), price numeric(10, 2), "
        "note text)"
    )
    path = f"{Path(w.program).parent}:{os.environ['PATH']}"
    example = ROOT / "examples/command.sh"
    done = subprocess.run(
        [example, w.database], env={**os.environ, "PATH": path}, capture_output=True, check=True
    )
    expect(
        done.stdout.decode().splitlines()[0::3],
        ["id,name,price,note", '3,Sugar,1.10,""']
        if not w.lite
        else ["id,name,price,note", '3,Sugar,1.1,""'],
    )
    expect(
        w.sql("SELECT id, price, note FROM product WHERE id < 3 ORDER BY id"),
        f'1|{"4.8" if w.lite else "4.80"}|(null)\n2|{"7.9" if w.lite else "7.90"}|from "Finca A"',
    )


def _of(name: str) -> None:
    def run_page(w: World) -> None:
        page(w, name)

    run_page.__name__ = f"the_samples_of_{Path(name).stem.replace('-', '_')}_run"
    case("postgresql")(run_page)


for each in sorted({block.page for block in SAMPLES} - {"README.md"}):
    _of(each)
