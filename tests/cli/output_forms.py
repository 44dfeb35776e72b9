"""Output in other forms: compressed, quoted, in parts, as an array of JSON."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import subprocess
from pathlib import Path

from world import THREE, World, case, expect, says

ENDINGS = {"gz": gzip.decompress, "xz": lzma.decompress, "bz2": bz2.decompress}


def unpacked(path: Path) -> bytes:
    """The bytes of a compressed file, by another program."""
    ending = path.suffix[1:]
    if ending == "zst":
        return subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
    return ENDINGS[ending](path.read_bytes())


@case()
def an_output_is_compressed_as_its_name_says(w: World) -> None:
    w.items(THREE)
    plain = w.verb("copy-to").out.encode()
    for ending in ("gz", "xz", "bz2", "zst"):
        path = w.folder / f"out.csv.{ending}"
        path.write_text("old")
        path.chmod(0o604)
        w.verb("copy-to", "-o", str(path))
        expect((ending, unpacked(path)), (ending, plain))
        expect(path.stat().st_mode & 0o777, 0o604)
        w.verb("create", "--truncate", str(path))
        expect(w.verb("copy-to").out.encode(), plain)
        lines = w.folder / f"out.ndjson.{ending}"
        w.verb("copy-to", "-c", "id", f"--output={lines}", "--where=id < 1")
        expect(unpacked(lines), b"")
        w.verb("copy-to", "-c", "id", f"--output={lines}", "--order-by=id")
        expect(unpacked(lines), b'{"id": 1}\n{"id": 2}\n{"id": 3}\n')
        done = w.verb("copy-to", "-o", str(path), "--where=nope", status=1 if w.lite else 2)
        says(done, "nope")
        expect(unpacked(path), plain)
    expect(sorted(name.suffix for name in w.folder.glob("*.part")), [])


@case("sqlite")
def a_large_output_is_compressed(w: World) -> None:
    """More than any buffer, of bytes that do not compress."""
    w.sql("CREATE TABLE item (id integer PRIMARY KEY, b blob)")
    w.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
        "INSERT INTO item SELECT i, randomblob(i * 20) FROM n;"
    )
    plain = w.verb("copy-to").out.encode()
    for ending in ("gz", "xz", "bz2", "zst"):
        path = w.folder / f"out.csv.{ending}"
        w.verb("copy-to", "-o", str(path))
        expect(unpacked(path) == plain, True)


@case()
def other_outputs_are_compressed(w: World) -> None:
    w.items()
    keys = w.folder / "keys.csv.gz"
    bad = w.folder / "bad.csv.zst"
    w.verb("create", f"--returning={keys}", stdin="name\na\nb\n")
    expect(unpacked(keys), b"id\n1\n2\n")
    text = "name,value\na,1\nb,x\n"
    w.verb("create", f"--rejects={bad}", "--max-rejects=5", stdin=text, status=8)
    expect(unpacked(bad), b"name,value\nb,x\n")
    expect(len(Path(f"{bad}.errors.csv").read_text().splitlines()), 2)
    w.verb("create", str(keys), "-c", "id", "--dry-run", "--set=name=x", status=4)
    out = w.folder / "none.csv.gz"
    w.verb("create", f"--returning={out}", "--dry-run", stdin="name\nc\n")
    expect(out.exists(), False)
    pipe = w.folder / "pipe.csv.gz"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        w.verb("copy-to", "-c", "name", "-o", str(pipe), "--order-by=name")
        expect(gzip.decompress(reader.communicate()[0]), b"name\na\na\nb\n")


TEXTS = "(1, 'a', NULL, 'x,y'), (2, 'q\"q', 5, ''), (3, 'l' || chr(10) || 'l', -1, NULL)"


def make_texts(w: World) -> list[list[str | None]]:
    w.items()
    texts = TEXTS.replace("chr(", "char(") if w.lite else TEXTS
    w.sql(f"INSERT INTO item (id, name, value, note) VALUES {texts}")
    return [["1", "a", None, "x,y"], ["2", 'q"q', "5", ""], ["3", "l\nl", "-1", None]]


@case()
def which_cells_are_quoted(w: World) -> None:
    """The judge is Python's csv: QUOTE_NOTNULL needs 3.12, so NULL is a number's text here."""
    rows = make_texts(w)
    for option, sign in (("all", '"'), ("minimal", '"'), ("'", "'")):
        found = w.verb("copy-to", f"--quote={option}", "--null=0", "--order-by=id").out
        out = io.StringIO()
        writer = csv.writer(out, quotechar=sign, lineterminator="\n")
        if option == "all":
            writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(["id", "name", "value", "note"])
        for row in rows:
            writer.writerow([0 if cell is None else cell for cell in row])
        wanted = out.getvalue()
        if option != "all":  # an empty text is always quoted here
            wanted = wanted.replace(",5,\n", f",5,{sign}{sign}\n")
        expect((option, found), (option, wanted))
        again = ["--quote='"] if sign == "'" else []
        w.verb("upsert", *again, "--null=0", "--null-columns=value", stdin=found)
        expect(w.verb("copy-to", f"--quote={option}", "--null=0", "--order-by=id").out, found)


@case()
def no_cell_is_quoted(w: World) -> None:
    make_texts(w)
    options = ["--quote=none", "--order-by=id", "-f", "tsv", "--null=\\N"]
    found = w.verb("copy-to", *options, "--where=id < 3").out
    expect(found, 'id\tname\tvalue\tnote\n1\ta\t\\N\tx,y\n2\tq"q\t5\t\n')
    w.verb("create", "--truncate", *options[:1], *options[2:], stdin=found)
    expect(w.verb("copy-to", *options).out, found)
    done = w.verb("copy-to", "--quote=none", "-c", "id,note", "--where=id = 1", status=3)
    says(done, 'column "note" has a text with a delimiter or a line end', "--quote=none")
    done = w.verb("copy-to", "--quote=none", "-c", "id,note", "--where=id = 2", status=3)
    says(done, 'column "note" has a text that is that of NULL', "--null")
    done = w.verb("create", "--quote=all", stdin="id,name\n1,a\n", status=2)
    says(done, "--quote=all is for copy-to")
    done = w.verb("copy-to", "--quote=all", "-f", "json", status=2)
    says(done, "--quote is for csv and tsv, not for json")


@case()
def one_array_of_json(w: World) -> None:
    w.items(THREE)
    path = w.folder / "out.json"
    for rows, condition in ((3, "true"), (1, "id = 1"), (0, "id < 1")):
        w.verb("copy-to", "-o", str(path), "--where", condition, "--order-by=id")
        text = path.read_text()
        expect([row["id"] for row in json.loads(text)], list(range(1, rows + 1)))
        expect(w.verb("copy-to", "-f", "json", "--where", condition, "--order-by=id").out, text)
        if rows > 0:
            w.verb("upsert", str(path))
            w.verb("upsert", "--format=json", stdin=text)
    expect(w.all(), "1|a|10|x\n2|b|20|(null)\n3|c|30|")


def part_names(w: World) -> list[str]:
    return sorted(path.name for path in w.folder.glob("*") if "test.db" not in path.name)


@case()
def an_output_in_parts(w: World) -> None:
    w.items("(1, 'a', 1, NULL), (2, 'b', 2, NULL), (3, 'c', 3, NULL), (4, 'd', 4, NULL)")
    options = ["--order-by=id", "-c", "id,name"]
    w.verb("copy-to", *options, "-o", str(w.folder / "x.csv"), "--part-rows=3")
    expect(part_names(w), ["x-0001.csv", "x-0002.csv"])
    expect((w.folder / "x-0001.csv").read_text(), "id,name\n1,a\n2,b\n3,c\n")
    expect((w.folder / "x-0002.csv").read_text(), "id,name\n4,d\n")
    done = w.verb("copy-to", *options, "-o", str(w.folder / "x.csv"), "--part-rows=4")
    says(done, "warning", "x-0002.csv is of an earlier output: this one has fewer parts")
    expect((w.folder / "x-0001.csv").read_text(), "id,name\n1,a\n2,b\n3,c\n4,d\n")
    w.verb("create", "--truncate", str(w.folder / "x-0001.csv"))
    for name in part_names(w):
        (w.folder / name).unlink()
    for name, parts in (
        ("v.1.json.gz", ["v.1-0001.json.gz", "v.1-0002.json.gz"]),
        ("out", ["out-0001", "out-0002"]),
        (".csv", [".csv-0001", ".csv-0002"]),
    ):
        w.verb("copy-to", *options, "-o", str(w.folder / name), "--part-rows=2")
        expect(part_names(w), parts)
        if name.endswith("gz"):
            loaded = [json.loads(unpacked(w.folder / part)) for part in parts]
            expect([row["id"] for rows in loaded for row in rows], [1, 2, 3, 4])
        for part in parts:
            (w.folder / part).unlink()
    w.verb("copy-to", "-c", "id", "-o", str(w.folder / "e.csv"), "--part-rows=2", "--where=id<0")
    expect((w.folder / "e-0001.csv").read_text(), "id\n")


@case()
def parts_end_with_the_row_that_fills_them(w: World) -> None:
    w.sql("CREATE TABLE item (id integer, name text)")
    rows = [(i, "x," * (i % 2) + "x" * (1 + 7 * (i % 13))) for i in range(400)]
    w.sql("INSERT INTO item VALUES " + ", ".join(f"({i}, '{name}')" for i, name in rows))
    lines = [f'{i},"{name}"\n' if "," in name else f"{i},{name}\n" for i, name in rows]
    for size, given in ((1000, "1kB"), (1024, "1KiB"), (3, "3"), (1_500_000, "1.5MB")):
        wanted = ["id,name\n"]
        for line in lines:
            if wanted[-1] != "id,name\n" and len(wanted[-1]) >= size:
                wanted.append("id,name\n")
            wanted[-1] += line
        out = str(w.folder / "x.csv")
        w.verb("copy-to", "--order-by=id", "-o", out, f"--part-size={given}")
        expect([(w.folder / name).read_text() for name in part_names(w)], wanted)
        for name in part_names(w):
            (w.folder / name).unlink()
    w.verb("copy-to", "--order-by=id", "-o", out + ".gz", "--part-size=1MB", "--part-rows=300")
    expect(part_names(w), ["x-0001.csv.gz", "x-0002.csv.gz"])
    w.verb("copy-to", "-o", str(w.folder / "j.ndjson"), "--part-size=2kB")
    sizes = [path.stat().st_size for path in sorted(w.folder.glob("j-*.ndjson"))]
    expect(len(sizes) > 9 and all(2000 <= size < 2200 for size in sizes[:-1]), True)
    says(w.verb("copy-to", "--part-size=1MB", status=2), "--part-size writes several files")
    for bad in ("0", "-1", "1XB", "MB", "1e30GB"):
        says(w.verb("copy-to", "-o", out, f"--part-size={bad}", status=2), "is not a size")


@case()
def parts_are_there_together_or_not_at_all(w: World) -> None:
    w.items("(1, 'a', 1, 'x'), (2, 'b', 2, 'y'), (3, 'c', 3, 'a' || ',' || 'b')")
    (w.folder / "x-0001.csv").write_text("old")
    options = ["-o", str(w.folder / "x.csv"), "--part-rows=1", "--order-by=id"]
    done = w.verb("copy-to", *options, "--quote=none", status=3)
    says(done, 'column "note"')
    expect(part_names(w), ["x-0001.csv"])
    expect((w.folder / "x-0001.csv").read_text(), "old")
    (w.folder / "x-0003.csv").mkdir()
    done = w.verb("copy-to", *options, status=1)
    says(done, "x-0003.csv")
    expect(part_names(w), ["x-0001.csv", "x-0003.csv"])
    expect((w.folder / "x-0001.csv").read_text(), "old")
    done = w.verb("copy-to", "--part-rows=1", status=2)
    says(done, "--part-rows writes several files: it needs --output FILE")
    done = w.verb("copy-to", "--part-rows=1", "-o", "/dev/stdout", status=2)
    says(done, "--part-rows")
    if w.lite:
        done = w.verb("copy-to", "--part-rows=9", "-o", f"{w.folder}/test.db", status=2)
        says(done, "is the database")


@case("sqlite")
def dates_of_sqlite_are_written_as_they_are_read(w: World) -> None:
    """Infinity and years that SQLite cannot order, as text; dates in other forms are an error."""
    w.sql("CREATE TABLE item (id integer PRIMARY KEY, d date, t datetime, x numeric, u text)")
    w.sql(
        "INSERT INTO item VALUES (1, 'infinity', '-infinity', 1.5, 'a'),"
        "(2, '0044-03-15 BC', '0044-03-15 01:02:03 BC', NULL, NULL),"
        "(3, '12024-01-31', '12024-01-31 23:59:59.5', 2, ''),"
        "(4, '2024-02-29', '2024-02-29 01:02:03', 3, 'b'), (5, NULL, NULL, NULL, NULL)"
    )
    done = w.verb("copy-to", "--order-by=id")
    expect(
        done.out,
        "id,d,t,x,u\n1,infinity,-infinity,1.5,a\n"
        "2,0044-03-15 BC,0044-03-15 01:02:03+00 BC,,\n"
        '3,12024-01-31,12024-01-31 23:59:59.500000+00,2,""\n'
        "4,2024-02-29,2024-02-29 01:02:03+00,3,b\n5,,,,\n",
    )
    rows = json.loads(w.verb("copy-to", "-f", "json", "-c", "t,id,d", "--where=id in (1,5)").out)
    expect(rows[0], {"t": "-infinity", "id": 1, "d": "infinity"})
    expect(rows[1], {"t": None, "id": 5, "d": None})
    for value in ("2024/01/31", "x", "2024-02-30"):
        w.sql(f"UPDATE item SET d = '{value}' WHERE id = 5")
        done = w.verb("copy-to", "-c", "id,d", "--order-by=id", "-o", f"{w.folder}/o.csv", status=3)
        says(done, 'column "d" has a stored text that ')
        expect((w.folder / "o.csv").exists(), False)


@case("postgresql")
def dates_of_postgresql_go_into_sqlite_s_file_form(w: World) -> None:
    w.sql("CREATE TABLE item (d date, t timestamp)")
    w.sql("INSERT INTO item VALUES ('infinity', '-infinity'), ('0044-03-15 BC', '4000-01-01 BC')")
    out = w.verb("copy-to", "--order-by=d").out
    expect(out, "d,t\n0044-03-15 BC,4000-01-01 00:00:00 BC\ninfinity,-infinity\n")
