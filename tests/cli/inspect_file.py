"""inspect: what it finds in a file, and that the command it prints loads the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import shlex
from collections.abc import Callable
from typing import Any

from world import World, case, expect, says


def inspected(w: World, path: str, *options: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(w.run("inspect", "--json", path, *options).out)
    return report


def types(w: World, cells: list[str]) -> str:
    """The type found for one column with these cells, written by Python."""
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b"], *([cell, "x"] for cell in cells)])
    return str(inspected(w, w.file("t.csv", text.getvalue()))["columns"][0]["type"])


def load(w: World, report: dict[str, Any]) -> None:
    """Make the table of the report, and run its command on it."""
    w.sql("DROP TABLE IF EXISTS item")
    quoted = (
        '"' + column["name"].replace('"', '""') + f'" {column["type"]}'
        for column in report["columns"]
    )
    w.sql(f"CREATE TABLE item ({', '.join(quoted)})")
    words = shlex.split(report["command"])
    expect(words[:4], ["bulkmodel", "create", "DATABASE", "TABLE"])
    w.run("create", w.database, "item", *words[4:])


@case("sqlite")
def types_are_the_narrowest_that_hold_each_cell(w: World) -> None:
    uuid = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    for cells, wanted in [
        (["1", "-2", "0"], "integer"),
        (["2147483647", "-2147483648"], "integer"),
        (["2147483648"], "bigint"),
        (["-9223372036854775808"], "bigint"),
        (["9223372036854775808", "1"], "numeric(19,0)"),
        (["1.50", "22.125", "-3"], "numeric(5,3)"),
        ([".5", "0.25"], "numeric(3,2)"),
        (["1e5", "2.5"], "double precision"),
        (["1.5e-7", "inf", "-Infinity"], "double precision"),
        (["1e5", "0.12345678901234567890"], "numeric"),
        (["1", "007"], "text"),
        (["-01", "1"], "text"),
        (["+4912345", "1"], "text"),
        (["1,5", "2"], "text"),
        (["0x10", "1"], "text"),
        (["1e999", "1"], "text"),
        ([" 1", "2 "], "integer"),
        (["2024-02-29", "1999-12-31"], "date"),
        (["2023-02-29"], "text"),
        (["2024-1-5"], "text"),
        (["2024-01-05", "2024-01-05 10:00:00"], "timestamp"),
        (["2024-01-05T10:00:00.123456"], "timestamp"),
        (["2024-01-05 10:00:00+02", "2024-01-05T10:00:00Z"], "timestamptz"),
        (["2024-01-05 10:00:00+02", "2024-01-05 10:00:00"], "text"),
        (["2024-01-05", "7"], "text"),
        (["true", "False", "TRUE"], "boolean"),
        (["t", "f"], "boolean"),
        (["f", "f"], "text"),
        (["true", "1"], "text"),
        (["yes", "no"], "text"),
        (["0", "1"], "integer"),
        ([uuid, uuid.upper()], "uuid"),
        ([uuid.replace("-", "")], "text"),
        (['{"a": [1]}', "[]"], "json"),
        (['{"a": [1}', "[]"], "text"),
        (['"a"', "[1]"], "text"),
        (["", ""], "text"),
        (["", "5"], "integer"),
    ]:
        expect((cells, types(w, cells)), (cells, wanted))


@case("sqlite")
def spellings_of_null_are_found(w: World) -> None:
    """Where they keep a column from having a type; in quotes and in columns of text they may be
    text."""
    path = w.file("r.csv", 'a,b,c\n1,"x","NA"\nNA,"NA",\n3,NA,"y"\n')
    report = inspected(w, path)
    expect(report["null"], ["NA"])
    expect([column["nulls"] for column in report["columns"]], [1, 1, 0])
    load(w, report)
    expect(w.sql("SELECT * FROM item"), "1|x|NA\n(null)|NA|\n3|(null)|y")
    path = w.file("n.csv", "a,b\nNA,1\nFR,2\n,3\n")  # Namibia
    expect(inspected(w, path)["null"], [""])
    path = w.file("q.csv", '"a","b"\n"1","x"\n"","y"\n')
    report = inspected(w, path)
    expect([column["nulls"] for column in report["columns"]], [1, 0])
    load(w, report)
    expect(w.sql("SELECT * FROM item"), "1|x\n(null)|y")
    path = w.file("g.csv", "a,b\n-,x\n5,\\N\n")
    expect(inspected(w, path)["null"], ["\\N", "-"])
    report = inspected(w, path, "--null=-")
    expect((report["null"], report["columns"][1]["values"]), (["-"], ["x", "\\N"]))


@case("sqlite")
def dialects_are_found(w: World) -> None:
    files: list[tuple[str, str | bytes, dict[str, object]]] = [
        ("a.csv", "a;b\n1,5;x\n2,5;y\n", {"delimiter": ";"}),
        ("b.txt", "a|b\n1|x,y\n", {"delimiter": "|"}),
        ("c.txt", "a\tb\n1\tx,y\n", {"delimiter": "\t"}),
        ("d.tsv", 'a\tb\n1\t"x\n2\ty"\n', {"delimiter": "\t", "quote": None}),
        ("e.csv", "a,b\n'1','x, y'\n'2','z'\n", {"quote": "'"}),
        ("f.csv", 'a,b\n1,"x\\" y"\n2,z\n', {"quote": '"', "escape": "\\"}),
        ("g.csv", 'a,b\n1,x 5" y\n2,z\n', {"quote": None}),
        ("h.csv", "# by x\n# 2024\na,b\n1,x\n", {"comment": "#", "skip_lines": 0}),
        ("i.csv", "#a,b\n1,x\n", {"comment": None}),
        ("j.csv", "A report\n\na,b\n1,x\n2,y\n", {"skip_lines": 2}),
        ("k.csv", "a\n1\n2\n", {"delimiter": ",", "header": True}),
        ("l.csv", "1,x\n2,y\n", {"header": False}),
        ("m.csv", "country,2019,2020\nFR,1,2\n", {"header": True}),
        ("n.csv", "\ufeffa,b\n1,é\n", {"encoding": "UTF-8"}),
        ("o.csv", "a,b\n1,é\n".encode("utf-16"), {"encoding": "UTF-16"}),
        ("p.csv", "a,b\n1,€é\n".encode("cp1252"), {"encoding": "WINDOWS-1252"}),
        ("q.csv", "a,b\n1,é\x81\n".encode("latin-1"), {"encoding": "ISO-8859-1"}),
        ("r.csv.gz", gzip.compress(b"a,b\n1,x\n"), {"compression": "gzip"}),
        ("s.data", '{"a": 1}\n', {"format": "ndjson"}),
        ("t.data", '[\n{"a": 1}]', {"format": "ndjson"}),
    ]
    for name, content, wanted in files:
        report = inspected(w, w.file(name, content))
        expect((name, {key: report[key] for key in wanted}), (name, wanted))
        load(w, report)
        expect((name, w.sql("SELECT count(*) FROM item")), (name, str(report["rows"])))


@case("sqlite")
def a_fault_late_in_the_file_changes_the_dialect(w: World) -> None:
    rows = "".join(f"{i},x\n" for i in range(5000))
    report = inspected(w, w.file("a.csv", f'a,b\n{rows}5000,5" y\n'))
    expect((report["quote"], report["rows"]), (None, 5001))
    path = w.file("b.csv", f'a,b\n{rows}5000,"y"\n5001,5" y\n5002,x,y\n')
    says(w.run("inspect", path, status=3), "b.csv:5003: a quote is inside an unquoted cell")
    path = w.file("c.csv", f"a,b\n{rows}5000\n")
    says(w.run("inspect", path, status=3), "c.csv:5002: the row has 1 cell")
    path = w.file("d.csv", f"a,b\n{rows}5000,x\0y\n")
    says(w.run("inspect", path, status=3), "d.csv:5002: cell 2 of the row has a NUL byte")


@case("sqlite")
def names_that_are_missing_or_twice_are_made(w: World) -> None:
    report = inspected(w, w.file("a.csv", ',a,a,"b,c"\n1,x,y,z\n'))
    expect([column["name"] for column in report["columns"]], ["c1", "a", "a_2", "b,c"])
    load(w, report)
    expect(w.sql('SELECT c1, a_2, "b,c" FROM item'), "1|y|z")
    report = inspected(w, w.file("end.csv", "a,b,\n1,x,\n2,y,\n"))  # a delimiter at each end
    expect("--columns=a,b, " in report["command"] + " ", True)
    load(w, report)
    expect(w.sql("SELECT a, b FROM item"), "1|x\n2|y")
    report = inspected(w, w.file("b.csv", "1,x\n2,y\n"))
    expect([column["name"] for column in report["columns"]], ["c1", "c2"])


@case("sqlite")
def keys_of_json_are_those_of_all_rows(w: World) -> None:
    text = (
        '{"a": 1, "d": "2024-01-01", "s": "12", "x": null}\n'
        '{"a": 2.5, "n": {"k": [1]}, "s": "", "t": true}\n{"t": null, "u": "\\u00e9"}\n'
    )
    report = inspected(w, w.file("a.ndjson", text))
    found = {column["name"]: (column["type"], column["nulls"]) for column in report["columns"]}
    expect(
        found,
        {
            "a": ("numeric(2,1)", 1),
            "d": ("date", 2),
            "s": ("text", 1),
            "x": ("text", 3),
            "n": ("json", 2),
            "t": ("boolean", 2),
            "u": ("text", 2),
        },
    )
    load(w, report)
    expect(w.sql("SELECT a, d, s, n, u FROM item WHERE a = 1"), "1|2024-01-01|12|(null)|(null)")
    expect(w.sql("SELECT u FROM item WHERE a IS NULL"), "é")
    says(w.run("inspect", w.file("b.ndjson", '{"a": 1}\n{"a":\n'), status=3), "b.ndjson:2")


@case("sqlite")
def more_columns_than_a_table_has_are_refused(w: World) -> None:
    path = w.file("wide.csv", ",".join(["a"] * 50_000) + "\n")
    says(w.run("inspect", path, status=3), "wide.csv", "50000 columns, more than 1600")


@case("sqlite")
def a_pattern_is_one_file(w: World) -> None:
    first = w.file("m1.csv", "a,b\n1,2\n")
    pattern = first.replace("m1.csv", "m*.csv")
    expect(inspected(w, pattern)["rows"], 1)
    w.file("m2.csv", "a,b\n1,2\n")
    says(w.run("inspect", pattern, status=2), "inspect takes one FILE, and 2 match")


@case("sqlite")
def what_is_given_is_not_searched_for(w: World) -> None:
    path = w.file("a.csv", "a;b\n1;x\n")
    report = inspected(w, path, "--delimiter=,", "--no-header")
    expect((report["delimiter"], report["header"], report["rows"]), (",", False, 2))
    expect([column["values"] for column in report["columns"]], [["1;x", "a;b"]])
    done = w.run("inspect", w.file("b.csv", b"a\n\xe9\n"), "--encoding=UTF-8", status=3)
    says(done, "b.csv:2", "is not valid UTF-8")


@case("sqlite")
def a_sample_reads_the_first_rows(w: World) -> None:
    path = w.file("a.csv", "a\n" + "1\n" * 100_000 + "x\n")
    expect(inspected(w, path)["columns"][0]["type"], "text")
    report = inspected(w, path, "--sample=1000")
    expect(
        (report["columns"][0]["type"], report["rows"], report["sample"]), ("integer", 1000, True)
    )
    expect(inspected(w, path, "--sample=200000")["sample"], False)
    says(w.run("inspect", path, "--sample=0", status=2), "--sample must be at least 1")


@case("sqlite")
def the_report_for_people(w: World) -> None:
    path = w.file("it's.csv", "id;na\x1bme;long\n1;Anna;" + "é" * 50 + "\n2;;a\n")
    out = w.run("inspect", path).out
    for words in (
        "delimiter    ;\n",
        "header       yes\n",
        "rows         2\n",
        "na?me   text               50.0 %  Anna\n",
        f"  {'é' * 20} | a\n",
        "bulkmodel create DATABASE TABLE '",
        "it'\\''s.csv' --format=csv --delimiter=';' --quote='\"'\n",
    ):
        expect((words, words in out), (words, True))
    expect("\x1b" in out, False)


@case("sqlite")
def inspect_needs_a_file(w: World) -> None:
    says(w.run("inspect", status=2), "a FILE is missing")
    says(w.run("inspect", "a", "b", status=2), "inspect takes one FILE")
    says(w.run("inspect", "-", stdin="a\n1\n", status=2), "standard input", "write it to a file")
    os.mkfifo(w.folder / "pipe")
    says(w.run("inspect", str(w.folder / "pipe"), status=2), "more than once")
    says(w.run("inspect", str(w.folder / "none"), status=3), "No such file")
    says(w.run("inspect", "a.csv", "--workers=2", status=2), "is not an option of inspect")
    says(w.run("upsert", w.database, "item", "--sample=2", status=2), "is not an option of upsert")
    empty = inspected(w, w.file("e.csv", ""))
    expect((empty["rows"], empty["columns"][0]["type"]), (0, "text"))


WORDS = ["", "x", "a,b", "c;d", 'say "x"', "two\nlines", "é", "tab\there", "007", "12", "a|b"]


def random_cells(chance: random.Random, rows: int) -> tuple[list[str], list[list[str]]]:
    """Columns of random kinds; text that is a number is in columns with other text, too."""
    kinds: list[Callable[[], str]] = [
        lambda: str(chance.randrange(-(10**9), 10**9)),
        lambda: str(chance.randrange(-(2**63), 2**63)),
        lambda: f"{chance.randrange(10**6)}.{chance.randrange(100):02}",
        lambda: f"20{chance.randrange(10, 99)}-0{chance.randrange(1, 9)}-1{chance.randrange(9)}",
        lambda: chance.choice(["true", "false"]),
        lambda: chance.choice(WORDS) + chance.choice(["z", "y z"]),
    ]
    chosen = [chance.choice(kinds) for _ in range(chance.randrange(2, 7))]
    names = [f"name {i}" for i in range(len(chosen))]
    return names, [[make() for make in chosen] for _ in range(rows)]


@case()
def random_files_are_loaded_as_python_wrote_them(w: World) -> None:
    chance = random.Random(1302)
    for number in range(25 if w.lite else 6):
        names, rows = random_cells(chance, 40)
        every = chance.random() < 0.4
        delimiter = chance.choice(",;\t|")
        text = io.StringIO()
        csv.writer(
            text, delimiter=delimiter, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
        ).writerows([names, *rows])
        report = inspected(w, w.file("random.csv", text.getvalue()))
        expect((number, report["delimiter"], report["header"]), (number, delimiter, True))
        expect([column["name"] for column in report["columns"]], names)
        load(w, report)
        back = w.run("copy-to", w.database, "item").out
        found = list(csv.reader(io.StringIO(back)))[1:]
        kinds = [column["type"] for column in report["columns"]]
        plain = [[cell_of(cell, kind) for cell, kind in zip(row, kinds)] for row in rows]
        expect(
            (number, [[cell_of(c, k) for c, k in zip(r, kinds)] for r in found]), (number, plain)
        )


def cell_of(cell: str, kind: str) -> object:
    """A cell as a value: SQLite writes 1.5 for 1.50, PostgreSQL t for true."""
    if kind == "boolean":
        return cell in {"t", "true", "1"}
    return float(cell) if kind.startswith("numeric") and cell else cell
