"""The commands of README.md and of examples/, run as printed."""

from __future__ import annotations

import csv
import os
import re
import subprocess
from pathlib import Path

from world import World, case, expect

ROOT = Path(__file__).resolve().parents[2]


def rows_of(name: str) -> dict[str, dict[str, str]]:
    with (ROOT / "examples" / name).open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@case("postgresql")
def the_readme_loads_a_file_and_updates_it_from_a_second(w: World) -> None:
    """The table is then the first file with the prices of the second."""
    text = (ROOT / "README.md").read_text("utf-8").partition("\n## Files\n")[2]
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)
    assert block is not None
    settings = dict(word.split("=", 1) for word in w.database.split())
    named = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    environment = {
        **os.environ,
        **{named[key]: value for key, value in settings.items() if key in named},
        "PGOPTIONS": settings["options"],
        "PATH": f"{Path(w.program).resolve().parent}:{os.environ['PATH']}",
    }
    command = ["sh", "-ec", block[1]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    expect((done.returncode, "2 updated, 1 missing" in done.stderr), (0, True))
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
