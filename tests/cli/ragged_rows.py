"""Rows with too few or too many cells (--ragged), and many files in one load."""

from __future__ import annotations

import csv
import io
import os
import random
from pathlib import Path

from world import World, case, expect, says

SHORT = "id,name,value,note\n1,a\n2,b,5\n3,c,6,x\n"


@case()
def ragged_rows_are_an_error(w: World) -> None:
    w.items()
    done = w.verb("create", stdin=SHORT, status=3)
    says(done, "standard input:2: the row has 2 cells, but the file has 4", "--ragged=pad reads")
    done = w.verb("create", "--ragged=error", stdin=SHORT, status=3)
    says(done, "standard input:2: the row has 2 cells")
    done = w.verb("create", stdin="id,name\n1,a,,\n", status=3)
    says(done, ":2: the row has 4 cells, but the file has 2", "--ragged=pad drops the empty cells")
    done = w.verb("create", stdin="id,name\n1,a,b\n", status=3)
    expect("--ragged" in done.err, False)
    expect(w.all(), "")


@case()
def ragged_rows_are_padded(w: World) -> None:
    w.items()
    w.verb("create", "--ragged=pad", stdin=SHORT)
    expect(w.all(), "1|a|(null)|(null)\n2|b|5|(null)\n3|c|6|x")
    w.verb("upsert", "--ragged=pad", "--not-null-columns=note", stdin="id,name,note\n1,a\n2,b,")
    expect(w.all(), "1|a|(null)|\n2|b|5|\n3|c|6|x")
    w.verb("update-fields", "--ragged=pad", "--null=NA", stdin="id,value,note\n1\n2,NA,NA\n")
    expect(w.all(), "1|a|(null)|(null)\n2|b|(null)|(null)\n3|c|6|x")
    w.verb("upsert", "--ragged=pad", stdin='id,name\n1,z,,""\n2,y,\n')
    expect(w.sql("SELECT name FROM item WHERE id < 3 ORDER BY id"), "z\ny")
    done = w.verb("upsert", "--ragged=pad", stdin="id,name\n1,z,,x\n", status=3)
    says(done, ":2: the row has 4 cells, but the file has 2 columns")
    done = w.verb("create", "--ragged=pad", stdin="id,name\n9\n", status=4)
    says(done, "standard input:2", "name")  # NOT NULL
    w.verb("create", "--ragged=pad", "--no-header", "-c", "id,,name", "-f", "tsv", stdin="9\t\tn\n")
    expect(w.sql("SELECT name FROM item WHERE id = 9"), "n")


@case()
def ragged_rows_are_set_aside(w: World) -> None:
    w.items()
    bad = w.folder / "bad.csv"
    options = [f"--rejects={bad}", "--max-rejects=9"]
    text = "id,name,value\n1,a\n2,b,5\n3,c,6,\n4,d,x\n"
    w.verb("create", *options, "--ragged=reject", stdin=text, status=8)
    expect(bad.read_text(), "id,name,value\n1,a\n3,c,6,\n4,d,x\n")
    w.verb("create", *options, "--ragged=pad", "--truncate", stdin=text, status=8)
    expect(bad.read_text(), "id,name,value\n4,d,x\n")
    expect(w.sql("SELECT id, value FROM item ORDER BY id"), "1|(null)\n2|5\n3|6")
    done = w.verb("upsert", *options, "--ragged=error", stdin=text, status=3)
    says(done, "standard input:2: the row has 2 cells")
    done = w.verb("create", "--ragged=reject", stdin=text, status=2)
    says(done, "--ragged=reject needs --rejects FILE")
    done = w.verb("create", "--ragged=pad", "-f", "ndjson", stdin='{"id": 1}\n', status=2)
    says(done, "--ragged is for csv and tsv")


@case("sqlite")
def ragged_rows_as_python_reads_them(w: World) -> None:
    """Random rows written by Python's csv and cut anywhere, over the ends of blocks."""
    w.sql("CREATE TABLE item (a TEXT, b TEXT, c TEXT, d TEXT)")
    draw = random.Random(None if os.environ.get("BM_RANDOM") else 11)
    texts = ["x", "", "a,b", 'q"q', "l\nl", "é" * 30, "NA", " "]
    for options in ([], ["--null=NA"], ["--comment=#"], [f"--rejects={w.folder / 'r.csv'}"]):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator=draw.choice(["\n", "\r\n"]))
        writer.writerow("abcd")
        for i in range(4000):
            cells = [f"{i}", *draw.choices(texts, k=draw.randrange(4))]
            writer.writerow(cells + [""] * draw.choice([0, 0, 0, 3]))
        w.verb("create", "--ragged=pad", *options, stdin=out.getvalue().encode())
        found = w.sql("SELECT a, ifnull(b, ''), ifnull(c, ''), ifnull(d, '') FROM item")
        wanted = [[*row, "", "", ""][:4] for row in csv.reader(io.StringIO(out.getvalue()))][1:]
        if options == ["--null=NA"]:
            wanted = [["" if cell == "NA" else cell for cell in row] for row in wanted]
        expect(found, "\n".join("|".join(row) for row in wanted))
        w.sql("DELETE FROM item")


def make_parts(w: World) -> Path:
    folder = w.folder / "parts"
    folder.mkdir()
    for i, name in enumerate(["b.csv", "a.csv", "c10.csv", "c9.csv", "x.tsv"], 1):
        sign = "\t" if name.endswith("tsv") else ","
        (folder / name).write_text(f"id,name\n{i},n{i}\n".replace(",", sign))
    return folder


@case()
def patterns_among_the_files(w: World) -> None:
    w.items()
    folder = make_parts(w)
    w.verb("create", "--filename-column=note", f"{folder}/*.csv", f"{folder}/x.tsv")
    wanted = {1: "b.csv", 2: "a.csv", 3: "c10.csv", 4: "c9.csv", 5: "x.tsv"}
    expect(
        w.sql("SELECT id, note FROM item ORDER BY id"),
        "\n".join(f"{i}|{folder}/{name}" for i, name in wanted.items()),
    )
    w.sql("DELETE FROM item")
    out = str(w.folder / "keys.csv")
    w.verb("create", "-c", "name", "--returning", out, f"{folder}/?.csv", f"{folder}/[a-c]*.csv")
    names = w.sql("SELECT name FROM item ORDER BY id").split("\n")
    expect(names, ["n2", "n1", "n3", "n4"])  # a, b once, then c10, c9: in the order of bytes
    done = w.verb("create", f"{folder}/*.csv", f"{folder}/*.json", status=3)
    says(done, f"{folder}/*.json: no file matches this pattern")
    (folder / "bad.csv").write_text("id,name\n7,a\n7,b,c\n")
    done = w.verb("create", f"{folder}/ba*.csv", status=3)
    says(done, "bad.csv:3: ")
    expect(w.sql("SELECT count(*) FROM item"), "4")
    (folder / "[1]*.csv").write_text("id,name\n70,odd\n")
    w.verb("create", f"{folder}/[1]*.csv")
    expect(w.sql("SELECT name FROM item WHERE id = 70"), "odd")
    done = w.verb("create", f"--returning={folder}/a.csv", f"{folder}/?.csv", status=2)
    says(done, "is an input")


@case()
def the_name_of_the_file_in_a_column(w: World) -> None:
    w.items()
    w.verb("create", "--filename-column=note", stdin="id,name\n1,a\n")
    path = w.file("f.ndjson", '{"id": 1, "name": "b"}\n{"id": 2, "name": "c"}\n')
    w.verb("upsert", "--filename-column=note", "--set=value=3", path)
    expect(w.all(), f"1|b|3|{path}\n2|c|3|{path}")
    w.verb("update-fields", "--filename-column=note", "-", stdin="id\n2\n")
    expect(w.sql("SELECT note FROM item ORDER BY id"), f"{path}\n-")
    many = "".join(f"{i},n\n" for i in range(3, 70000))
    files = [w.file(f"{i}.csv", f"id,name\n{many}".replace("\n", f"\n{i}")[:-1]) for i in (1, 2)]
    rejects = [f"--rejects={w.folder / 'r.csv'}", "--max-rejects=99999"]
    w.verb("create", "--filename-column=note", *rejects, *files)
    expect(
        w.sql("SELECT note, count(*) FROM item WHERE id > 9 GROUP BY note ORDER BY note"),
        "\n".join(f"{name}|69997" for name in files),
    )
    for option, words in (
        ("nope", 'table "item" has no column "nope"'),
        ("value", 'column "value" is not text'),
        ("name", 'column "name" gets two values'),
    ):
        done = w.verb("create", f"--filename-column={option}", stdin="id,name\n9,a\n", status=2)
        says(done, words)
    odd = os.fsencode(w.folder) + b"/\xff.csv"
    Path(os.fsdecode(odd)).write_text("id,name\n9,a\n")
    done = w.verb("create", "--filename-column=note", os.fsdecode(odd), status=3)
    says(done, "the name of the file is not")
