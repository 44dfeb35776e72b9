"""T6: an error names the line that an editor shows, whatever ends lines and what is left out."""

from __future__ import annotations

from world import World, case, expect, says

HEAD = "id,name\n"
# A file, options, the line that has the error, and words of the message.
FILES: dict[str, tuple[str, list[str], int, str]] = {
    "LF": (HEAD + "1,a\n2,b\nx,c\n", [], 4, 'column "id"'),
    "no line end at the end": (HEAD + "1,a\nx,c", [], 3, 'column "id"'),
    "blank lines": (HEAD + "\n\n1,a\n\nx,c\n", [], 6, 'column "id"'),
    "line ends in cells": (HEAD + '1,"a\nb\r\nc"\nx,c\n', [], 5, 'column "id"'),
    "the line where the row begins": (HEAD + '1,a\nx,"c\nd\ne"\n', [], 3, 'column "id"'),
    "line ends in the header": ('id,"na\nme"\n1,a\nx,c\n', ["--map", "na\nme=name"], 4, '"id"'),
    "skipped lines": ('one\ntwo, "\n' + HEAD + "1,a\nx,c\n", ["--skip-lines=2"], 5, 'column "id"'),
    "skipped without a header": (
        "one\n1,a\nx,c\n",
        ["--skip-lines=1", "--no-header", "-c", "id,name"],
        3,
        '"id"',
    ),
    "too few cells": ("one\n" + HEAD + "1,a\n2\n", ["--skip-lines=1"], 4, "1 cell"),
    "an open quote": (
        "one\n" + HEAD + '1,a\n2,"b\n',
        ["--skip-lines=1"],
        4,
        "inside a quoted cell",
    ),
    "a quote in a cell": (
        "one\n" + HEAD + '1,a\n2,b"c\n',
        ["--skip-lines=1"],
        4,
        "a quote is inside an unquoted cell",
    ),
    "a name twice": ("one\nid,id\n1,2\n", ["--skip-lines=1"], 2, '"id"'),
    "no name": ("one\nid,\n1,2\n", ["--skip-lines=1"], 2, "column 2"),
    "after an escape": (HEAD + '1,"a\\"b\nc"\nx,c\n', ["--escape=\\"], 4, 'column "id"'),
    "a text for NULL": (HEAD + '1,"a\nb"\nx,c\n', ["--null=NA"], 4, 'column "id"'),
}
JSON = '{"id": 1, "name": "a"}\n'
JSON_FILES: dict[str, tuple[str, list[str], int, str]] = {
    "LF": (JSON + JSON.replace("1", '"x"'), [], 2, 'column "id"'),
    "blank lines": ("\n" + JSON + "\n \n" + JSON.replace("1", '"x"'), [], 5, 'column "id"'),
    "skipped lines": ("a\n{\n" + JSON + '{"id": }\n', ["--skip-lines=2"], 4, "JSON"),
    "the first row": ("\n\n[1]\n", [], 3, "object"),
}


@case("sqlite")
def t6_the_line_is_the_one_that_an_editor_shows(w: World) -> None:
    w.items()
    for ending, files in (("csv", FILES), ("ndjson", JSON_FILES)):
        for name, (text, options, line, words) in files.items():
            for end in ("\n", "\r\n"):
                bare = text.replace("\r\n", "\n")
                if end == "\r\n" and name == "line ends in the header":
                    continue  # --map would need the name with CRLF
                path = w.file(f"f.{ending}", bare.replace("\n", end) if end != "\n" else text)
                done = w.verb("create", *options, path, status=3)
                if f"f.{ending}:{line}: " not in done.err or words not in done.err:
                    raise AssertionError(f"{name}, {end!r}: {done.err}")
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case()
def t6_the_line_of_a_row_that_the_database_refuses(w: World) -> None:
    """Lines are counted from 1 in each file, also after the first chunks."""
    w.items("(50000, 'there', 1, NULL)")
    rows = "".join(f"{i},n\r\n" for i in range(49000, 51000))
    first = w.file("first.csv", "one\r\nid,name\r\n1,a\r\n")
    second = w.file("second.csv", f"one\r\nid,name\r\n{rows}")
    done = w.verb("create", "--skip-lines=1", "--batch-size=300", first, second, status=4)
    says(done, "second.csv:1003: ")  # two lines and a thousand rows before it
    third = w.file("third.csv", "id,name\r\n2,b\r\nx,c\r\n")
    says(w.verb("create", w.file("o.csv", "id,name\n1,a\n"), third, status=3), "third.csv:3: ")


@case("sqlite")
def t6_an_escape_is_kept_where_it_escapes_nothing(w: World) -> None:
    """As the last byte of a file, and wherever blocks of input meet."""
    w.items()
    w.verb("create", "--escape=\\", stdin="id,name\n1,a\\")
    w.verb("create", "--escape=\\", stdin='id,name\n2,"a\\\\"\n3,"\\"\\""\n4,"\\n"\n')
    expect(w.sql("SELECT id, name FROM item ORDER BY id"), '1|a\\\n2|a\\\n3|""\n4|\\n')
    for fill in range(32700, 32800):  # half a block of the reader is 32 KiB
        text = f'id,note,name\n1,{"x" * fill},"\\"\\\\b\\c"\n'
        w.sql("DELETE FROM item")
        w.verb("create", "--escape=\\", stdin=text)
        expect((fill, w.sql("SELECT name FROM item")), (fill, '"\\b\\c'))


@case()
def l12_rows_with_the_same_key_are_named_by_their_lines(w: World) -> None:
    """Also far behind the first chunk."""
    w.items()
    rows = "".join(f"{i},n\n" for i in range(50_000))
    for verb in ("upsert", "update-fields", "delete"):
        path = w.file("f.csv", f"id,name\n{rows}70000,a\n70001,b\n70000,c\n")
        done = w.verb(verb, path, status=3)
        says(done, "f.csv:50002: lines 50002 and 50004 have the same key")
    expect(w.sql("SELECT count(*) FROM item"), "0")
