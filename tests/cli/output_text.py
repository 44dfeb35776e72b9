"""Text that is written: it reads back as it was, and other programs read it, too."""

from __future__ import annotations

import csv
import json
import subprocess

from world import World, case, expect

# Each text is hard on one kind of reader: line ends, quotes, separators, blanks, what means NULL.
ODD = [
    "a\rb",
    "\r",
    "a\nb",
    "a\r\nb",
    "\n",
    'a"b',
    '"',
    '""',
    "a'b",
    "'",
    "a,b",
    ",",
    "a;b",
    "a\tb",
    " a ",
    " ",
    "",
    "\\N",
    "\\",
    "\\.",
    "NA",
    "null",
    "#a",
    "\x01\x1f\x7f",
    "é\u2028\U0001f600",
]


def odd_rows(w: World) -> str:
    """A table of these texts; what it holds."""
    w.sql("CREATE TABLE item (id integer PRIMARY KEY, note text)")
    rows = [{"id": i, "note": text} for i, text in enumerate(ODD)] + [{"id": 99, "note": None}]
    w.verb("create", "--format=ndjson", stdin="\n".join(map(json.dumps, rows)))
    return held(w)


def held(w: World) -> str:
    """Keys and the bytes of texts, as the database has them."""
    cell = "hex(note)" if w.lite else "encode(convert_to(note, 'UTF8'), 'hex')"
    return w.sql(f"SELECT id, {cell} FROM item ORDER BY id").lower()


@case()
def t5_text_reads_back_as_it_was(w: World) -> None:
    before = odd_rows(w)
    cells = [f"{i}|{text.encode().hex()}" for i, text in enumerate(ODD)]
    if not w.lite:  # hex(NULL) is '' on SQLite
        expect(before.splitlines(), [*cells, "99|(null)"])
    for options in (
        ["--format=csv"],
        ["--format=tsv"],
        ["--format=ndjson"],
        ["--null=\\N"],
        ["--null=NA", "-d;"],
        ["-d;", "-q'"],
        ["-d ", "-qa"],
        ["--format=tsv", "--null=null"],
    ):
        copied = w.verb("copy-to", *options).out
        w.verb("create", "--truncate", *options, stdin=copied)
        expect((options, held(w)), (options, before))
        nulls = w.sql("SELECT count(*) FROM item WHERE note IS NULL")
        expect((options, nulls), (options, "1"))


@case("sqlite")
def t5_other_programs_read_the_same(w: World) -> None:
    """The csv and json modules of Python, and the server's own COPY."""
    odd_rows(w)
    command = [w.program, "copy-to", w.database, "item", "--order-by=id", "--quiet"]

    def copied(*options: str) -> str:
        done = subprocess.run([*command, *options], capture_output=True, check=True)
        return done.stdout.decode()

    texts = [*ODD, ""]  # to csv an empty cell is a text
    for options, delimiter, quote in (
        ([], ",", '"'),
        (["-f", "tsv"], "\t", '"'),
        (["-d;", "-q'"], ";", "'"),
    ):
        lines = [f"{line}\n" for line in copied(*options).split("\n")[:-1]]
        rows = list(csv.reader(lines, strict=True, delimiter=delimiter, quotechar=quote))
        expect((options, rows[0]), (options, ["id", "note"]))
        expect((options, [row[1] for row in rows[1:]]), (options, texts))
    documents = [json.loads(line) for line in copied("--format=ndjson").split("\n")[:-1]]
    expect([document["note"] for document in documents], [*ODD, None])
    expect("\r" in copied("--format=ndjson"), False)


@case("postgresql")
def t5_the_server_reads_the_same(w: World) -> None:
    before = odd_rows(w)
    path = w.folder / "out.csv"
    path.touch(mode=0o644)
    w.verb("copy-to", "-o", str(path))
    w.sql("CREATE TABLE copy (LIKE item)")
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", w.database]
    copy = "\\copy copy FROM pstdin (FORMAT csv, HEADER)"
    with path.open("rb") as stdin:
        subprocess.run([*command, "-c", copy], stdin=stdin, check=True, capture_output=True)
    cell = "encode(convert_to(note, 'UTF8'), 'hex')"
    expect(w.sql(f"SELECT id, {cell} FROM copy ORDER BY id"), before)


@case()
def t5_odd_names_of_columns_are_quoted(w: World) -> None:
    names = ["a,b", 'a"b', "a'b", "a;b", " a", "é"]
    columns = ", ".join(f'"{name.replace(chr(34), 2 * chr(34))}" integer' for name in names)
    w.sql(f"CREATE TABLE item ({columns})")
    w.sql("INSERT INTO item VALUES (1, 2, 3, 4, 5, 6)")
    for name in ("csv", "tsv", "ndjson"):
        copied = w.verb("copy-to", f"--format={name}").out
        w.verb("create", f"--format={name}", "--truncate", stdin=copied)
        expect(w.sql("SELECT * FROM item"), "1|2|3|4|5|6")
    expect(w.verb("copy-to").out.partition("\n")[0].startswith('"a,b","a""b",'), True)


@case("postgresql")
def values_are_written_as_json_has_them(w: World) -> None:
    """RFC 8259: no number is NaN, and a document has no line end."""
    w.sql("CREATE TABLE item (id int, f float8, n numeric, b bool, y bytea, j json, t text)")
    w.sql(
        "INSERT INTO item VALUES (1, 'NaN', '-0.10', true, '\\x00ff', E'[1,\\n\"a\\\\n\"]', '7'),"
        "(2, '-Infinity', 'NaN', false, '', 'null', 'true')"
    )
    w.sql("UPDATE item SET j = '{}' WHERE id = 2")
    out = w.verb("copy-to", "--format=ndjson", "--order-by=id").out
    expect(
        [json.loads(line) for line in out.splitlines()],
        [
            {"id": 1, "f": "NaN", "n": -0.1, "b": True, "y": "\\x00ff", "j": [1, "a\n"], "t": "7"},
            {"id": 2, "f": "-Infinity", "n": "NaN", "b": False, "y": "\\x", "j": {}, "t": "true"},
        ],
    )
    expect('"n": -0.10,' in out, True)


def digits(number: str) -> str:
    """The significant digits of a number's text."""
    return number.partition("e")[0].replace(".", "").strip("-0")


@case("postgresql")
def a_float_has_no_more_digits_than_it_needs(w: World) -> None:
    """Those of the server's own text, which since version 12 are the fewest (float8out)."""
    numbers = [0.1, 1 / 3, 1e22, 1e-7, 123456789.125, 5e-324, 1.7976931348623157e308, -2.5]
    w.sql("CREATE TABLE item (f float8, g real)")
    values = ", ".join(f"({n!r}, {n if 1e-30 < abs(n) < 1e30 else 0!r})" for n in numbers)
    w.sql(f"INSERT INTO item VALUES {values}")
    cells = w.verb("copy-to").out.replace(",", "\n").split()[2:]
    texts = w.sql("SELECT * FROM item").replace("|", "\n").split()
    expect(sorted(map(float, cells)), sorted(map(float, texts)))
    # A subnormal number (5e-324) is written with 15 digits, more than it needs.
    cells, texts = ([text for text in each if "e-3" not in text] for each in (cells, texts))
    expect(len(texts), 2 * len(numbers) - 1)
    expect(sorted(map(digits, cells)), sorted(map(digits, texts)))


@case("postgresql")
def dates_of_all_years_are_written_and_read(w: World) -> None:
    w.sql("CREATE TABLE item (id int PRIMARY KEY, d date)")
    w.sql("INSERT INTO item VALUES (1, '0044-03-15 BC'), (2, '10000-01-01')")
    written = w.verb("copy-to").out
    expect(written, "id,d\n1,0044-03-15 BC\n2,10000-01-01\n")
    w.sql("DELETE FROM item")
    w.verb("create", stdin=written)
    expect(w.sql("SELECT d FROM item ORDER BY id"), "0044-03-15 BC\n10000-01-01")
