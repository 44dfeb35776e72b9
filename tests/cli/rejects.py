"""--rejects: rows that cannot be written are set aside, the others are written (F8)."""

from __future__ import annotations

import csv
import gzip
import json
import random
from pathlib import Path

from world import World, case, expect, says

HEADER = "id,name,value,note\n"


def errors(path: str) -> list[tuple[str, str, str]]:
    """Line, column and code of each row of FILE.errors.csv."""
    with Path(path + ".errors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert row["message"] and row["file"], row
    return [(row["line"], row["column"], row["code"]) for row in rows]


def text(path: str) -> str:
    """A file as it is."""
    return Path(path).read_bytes().decode()


@case()
def f8_rows_that_cannot_be_read(w: World) -> None:
    w.items()
    bad = str(w.folder / "bad.csv")
    lines = [
        "1,a,10,x\n",
        "2,b,many,x\r\n",
        "3,c,1\n",
        '4,"two\nlines",4,x\n',
        '5,"two\nlines",5,x,y\n',
        '6,a"quote,6,x\n',
        '7,"closed"early,7,"x\n',
        "\n",
        "8,d,8,last",
    ]
    done = w.verb(
        "create", f"--rejects={bad}", "--max-rejects=5", stdin=HEADER + "".join(lines), status=8
    )
    says(done, "3 inserted, 5 set aside")
    expect(w.sql("SELECT id FROM item ORDER BY id"), "1\n4\n8")
    expect(text(bad), HEADER + lines[1] + lines[2] + lines[4] + lines[5] + lines[6])


@case()
def f8_rows_that_the_database_refuses(w: World) -> None:
    w.items()
    w.sql("CREATE UNIQUE INDEX item_name ON item (name)")
    w.sql("INSERT INTO item (id, name, value) VALUES (100, 'taken', 1)")
    bad = str(w.folder / "bad.csv")
    lines = [
        "1,a,1,x\n",
        "2,,2,x\n",
        "1,b,3,x\n",
        "4,taken,4,x\n",
        "5,c,5x,x\n",
        "6,a,6,x\n",
        "7,d,7,x\n",
    ]
    file = w.file("in.csv", HEADER + "".join(lines))
    done = w.verb("create", "--rejects", bad, "--max-rejects=80%", file, status=8)
    says(done, "2 inserted, 5 set aside")
    expect(w.sql("SELECT id FROM item ORDER BY id"), "1\n7\n100")
    expect(text(bad), HEADER + "".join(lines[1:6]))
    found = errors(bad)
    expect([line for line, _, _ in found], ["3", "4", "5", "6", "7"])
    expect([code for _, _, code in found], ["23502", "23505", "23505", "CONVERT", "23505"])
    expect((found[0][1], found[3][1]), ("name", "value"))
    # What was set aside is loaded by the same command, once it is right.
    Path(bad).write_text(text(bad).replace("taken", "free").replace("5x", "5"))
    w.verb("upsert", "--rejects", bad + ".2", "--max-rejects=1", bad, status=8)
    expect(w.sql("SELECT id FROM item ORDER BY id"), "1\n4\n5\n6\n7\n100")


@case()
def f8_limits(w: World) -> None:
    w.items()
    bad = str(w.folder / "bad.csv")
    good = "".join(f"{i},n,1,x\n" for i in range(19))
    file = w.file("in.csv", HEADER + good + "19,n,y,x\n20,n,y,x\n")
    for limit in ("1", "9%", "0", "0%"):
        done = w.verb("create", "--rejects", bad, "--max-rejects", limit, file, status=9)
        says(done, "cannot be written", "bad.csv.errors.csv", "nothing was written")
        expect(w.all(), "")
    for limit in ("2", "10%"):
        says(
            w.verb("create", "--rejects", bad, "--max-rejects", limit, file, status=8),
            "19 inserted",
        )
        expect(text(bad), HEADER + "19,n,y,x\n20,n,y,x\n")
        w.sql("DELETE FROM item")
    w.verb("create", "--rejects", bad, file, status=8)
    w.sql("DELETE FROM item")
    w.verb("create", "--rejects", bad, w.file("all.csv", HEADER + "1,n,y,x\n"), status=9)
    w.verb("create", "--rejects", bad, w.file("good.csv", HEADER + good))
    expect(text(bad), HEADER)
    expect(errors(bad), [])


@case("sqlite")
def f8_options_that_exclude_each_other(w: World) -> None:
    w.items()
    bad = str(w.folder / "bad.csv")
    for options, words in (
        (["--workers=2"], "--workers"),
        (["--returning=keys.csv"], "--returning"),
        (["--escape=/"], "--escape"),
        (["--max-rejects=x"], "not a number"),
        (["--max-rejects=0.1"], "not a number"),
        (["--max-rejects=101%"], "not a number"),
    ):
        says(w.verb("create", "--rejects", bad, *options, stdin=HEADER, status=2), words)
    says(w.verb("create", "--max-rejects=1", stdin=HEADER, status=2), "needs --rejects")
    says(w.verb("create", "--rejects=-", stdin=HEADER, status=2), "name of a file")
    says(w.verb("create", "--rejects", f"{w.folder}/test.db", stdin=HEADER, status=2), "database")
    other = w.file("in.csv", HEADER)
    says(w.verb("create", "--rejects", other, other, status=2), "is an input")
    assert not Path(bad).exists()


@case()
def f8_a_failure_leaves_the_files_as_they_were(w: World) -> None:
    w.items()
    bad = w.file("bad.csv", "before")
    w.verb("create", "--rejects", bad, stdin=HEADER + '1,n,x,x\n2,"n\n', status=3)
    expect(text(bad), "before")
    w.verb("create", "--rejects", bad, "--dry-run", stdin=HEADER + "1,n,x,x\n", status=9)
    done = w.verb(
        "create",
        "--rejects",
        bad,
        "--dry-run",
        "--max-rejects=1",
        stdin=HEADER + "1,n,x,\n2,n,1,\n",
        status=8,
    )
    says(done, "1 inserted, 1 set aside", "rolled back")
    expect(w.all(), "")
    expect(text(bad), "before")
    assert not Path(bad + ".errors.csv").exists()


@case()
def f8_other_verbs(w: World) -> None:
    w.items("(1, 'a', 1, 'x'), (2, 'b', 2, 'x'), (3, 'c', 3, 'x')")
    bad = str(w.folder / "bad.csv")
    limit = "--max-rejects=3"
    stdin = "id,name\n1,A\n2,\n3,C\n3,D\nx,E\n"
    says(
        w.verb("update-fields", "--rejects", bad, limit, stdin=stdin, status=8), "2 updated, 3 set"
    )
    expect(text(bad), "id,name\n2,\n3,D\nx,E\n")
    expect(w.sql("SELECT id, name FROM item ORDER BY id"), "1|A\n2|b\n3|C")
    stdin = "id\n1\n\n,\n2\n"
    says(w.verb("delete", "--rejects", bad, limit, stdin=stdin, status=8), "2 deleted, 2 set aside")
    expect(errors(bad), [("3", "id", "INVALID"), ("4", "", "RAGGED")])
    w.verb("create", "--truncate", "--rejects", bad, limit, stdin="id,name\n7,g\n7,h\n", status=8)
    expect(w.sql("SELECT id, name FROM item"), "7|g")
    expect(errors(bad)[0][2], "23505")


@case()
def f8_lines_of_json(w: World) -> None:
    w.items()
    bad = str(w.folder / "bad.ndjson")
    lines = [
        '{"id": 1, "name": "a", "value": 1}\n',
        '{"id": 2, "name": "b", "value": "x"}\n',
        '{"id": 3, "name": "c"}\n',
        '{"id": 4, "name": "d", "value": 4\n',
        '{"id": 5, "name": "e", "value": 5} x\n',
        "[1]\n",
        '{"id": 6, "name": "f", "value": 6, "more": 1}\n',
        '{"id": 1, "name": "g", "value": 7}\n',
        '{"id": 8, "name": "h", "value": 8}',
    ]
    file = w.file("in.ndjson", "".join(lines))
    done = w.verb("create", "--rejects", bad, "--max-rejects=7", "--json", file, status=8)
    event = json.loads(done.err.splitlines()[-1])
    expect((event["inserted"], event["rejected"]), (2, 7))
    expect(text(bad), "".join(lines[1:8]))
    found = errors(bad)
    expect([line for line, _, _ in found], ["2", "3", "4", "5", "6", "7", "8"])
    expect([code for _, _, code in found], ["CONVERT", *["JSON"] * 5, "23505"])
    expect(w.sql("SELECT id FROM item ORDER BY id"), "1\n8")


@case()
def f8_several_files(w: World) -> None:
    w.items()
    bad = str(w.folder / "bad.csv")
    files = [
        w.file("1.csv", HEADER + "x,a,1,x\n"),
        w.file("2.csv", HEADER.rstrip() + "\n2,b,2,x\n2,c,y,x"),
        w.file("3.csv", HEADER + "2,d,1,x\n4,d,4,x\n"),
    ]
    w.verb("create", "--rejects", bad, "--max-rejects=60%", *files, status=8)
    expect(w.sql("SELECT id FROM item ORDER BY id"), "2\n4")
    expect(text(bad), HEADER + "x,a,1,x\n2,c,y,x\n2,d,1,x\n")
    expect([line for line, _, _ in errors(bad)], ["2", "3", "2"])
    other = w.file("4.csv", "name,id,value,note\ne,5,5,x\n")
    says(w.verb("create", "--rejects", bad, files[2], other, status=3), "4.csv", "same header")


def random_line(rng: random.Random, n: int) -> str:
    """Mostly good; every way to be wrong."""
    cells = [
        str(rng.randrange(n)),
        rng.choice(["a", "bb", '"q,""\n"', "ü"]),
        str(rng.randrange(50)),
        "x",
    ]
    fault = rng.randrange(14)
    if fault == 0:
        cells[0] = "x"
    elif fault == 1:
        cells[1] = ""
    elif fault == 2:
        cells.pop()
    elif fault == 3:
        cells.append("more")
    elif fault == 4:
        cells[2] = "99"
    elif fault == 5:
        cells[1] = 'a"b'
    return ",".join(cells) + rng.choice(["\n", "\r\n"])


@case()
def f8_against_rows_one_by_one(w: World) -> None:
    """The judge is the command itself on files of one row, and for what is set aside the file."""
    check = "CREATE UNIQUE INDEX item_check ON item (value) WHERE value = 99"
    for seed in range(3):
        rng = random.Random(seed)
        lines = [random_line(rng, 60) for _ in range(90)]
        w.items()
        w.sql(check)
        kept = []
        for i, line in enumerate(lines):
            one = w.file(f"{i}.csv", HEADER + line)
            try:
                w.verb("create", one)
            except AssertionError:
                kept.append(line)
        alone = w.all()
        w.sql("DROP TABLE item")
        w.items()
        w.sql(check)
        bad = str(w.folder / "bad.csv.gz.txt")
        packed = str(w.folder / "in.csv.gz")
        Path(packed).write_bytes(gzip.compress((HEADER + "".join(lines)).encode()))
        w.verb("create", "--rejects", bad, "--max-rejects=100%", packed, status=8)
        expect(w.all(), alone)
        expect(text(bad), HEADER + "".join(kept))
        w.sql("DROP TABLE item")


@case("sqlite")
def f8_a_header_that_ends_its_block(w: World) -> None:
    """A file is read in pieces of 32 KiB."""
    w.items()
    bad = str(w.folder / "bad.csv")
    w.verb("create", "--rejects", bad, stdin=HEADER)
    expect(text(bad), HEADER)
    w.verb("create", "--rejects", bad, stdin=HEADER.rstrip())
    expect(text(bad), HEADER)
    for size in (32_767, 32_768, 32_769):
        header = "id,name," + "x" * (size - 9) + "\n"
        stdin = header + f"{size},a,\n2,,\n"
        options = ["-c", "id,name", "--rejects", bad, "--max-rejects=1"]
        w.verb("create", *options, stdin=stdin, status=8)
        expect(text(bad), header + "2,,\n")
    expect(w.sql("SELECT count(*) FROM item"), "3")


@case()
def f8_rows_across_blocks(w: World) -> None:
    """Records longer than a block, and more rows than a chunk; every 500th is wrong."""
    w.items()
    bad = str(w.folder / "bad.csv")
    lines = []
    for i in range(70_000):
        note = "n" * 40_000 if i % 7_000 == 0 else "n"
        note = f'"{note}\n{note}"' if i % 11 == 0 else note
        value = "x" if i % 1_000 == 0 else str(i)
        lines.append(f"{i if i % 1_000 != 500 else i - 1},name,{value},{note}\n")
    wrong = [line for i, line in enumerate(lines) if i % 500 == 0]
    w.verb("create", "--rejects", bad, w.file("in.csv", HEADER + "".join(lines)), status=8)
    expect(w.sql("SELECT count(*) FROM item"), str(70_000 - len(wrong)))
    assert text(bad) == HEADER + "".join(wrong)
    expect(len(errors(bad)), len(wrong))
