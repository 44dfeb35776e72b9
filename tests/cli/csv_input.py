"""What a file may look like, and what is said when it does not."""

from __future__ import annotations

import gzip
import subprocess

from world import World, case, expect, says


@case()
def quotes_line_ends_and_blanks_are_data(w: World) -> None:
    w.items()
    note = 'a "b"\r\n, \\N \\. '
    quoted = note.replace('"', '""')
    w.verb("create", stdin=f'id,name,note\r\n1, a ,"{quoted}"\r\n2,"",\r\n')
    expect(w.sql("SELECT note FROM item WHERE id = 1"), note)
    expect(w.sql("SELECT name, length(name) FROM item ORDER BY id"), " a |3\n|0")


@case("sqlite")
def packed_files(w: World) -> None:
    w.items()
    rows = "".join(f"{i},{'é' * (i % 9 + 1)}\n" for i in range(40000))
    text = f"id,name\n{rows}".encode()
    packed = w.file("f.csv.gz", gzip.compress(text[:99999]) + gzip.compress(text[99999:]))
    w.verb("create", packed)
    wanted = w.sql("SELECT count(*), sum(length(name)) FROM item")
    expect(wanted, f"40000|{sum(i % 9 + 1 for i in range(40000))}")
    w.sql("DELETE FROM item")
    zstd = subprocess.run(["zstd", "-c"], input=text, capture_output=True, check=True).stdout
    w.verb("create", stdin=zstd)
    expect(w.sql("SELECT count(*), sum(length(name)) FROM item"), wanted)
    says(w.verb("create", w.file("cut", zstd[:-20]), status=3), "the compressed data is truncated")


@case("sqlite")
def encodings(w: World) -> None:
    w.items()
    text = "id,name\n1,né€\n"
    for i, (encoding, options) in enumerate(
        [
            ("utf-8", []),
            ("utf-8-sig", []),
            ("utf-16", []),
            ("utf-16-le", ["--encoding=UTF-16LE"]),
            ("cp1252", ["-e", "WINDOWS-1252"]),
        ]
    ):
        w.verb("create", *options, stdin=text.replace("1", str(i)).encode(encoding))
    expect(w.sql("SELECT DISTINCT name FROM item"), "né€")


@case("sqlite")
def files_that_are_cut_or_damaged(w: World) -> None:
    """Compressed ones, and a character that is not complete."""
    w.items()
    packed = bytearray(gzip.compress(b"id,name\n" + b"1,abcdefgh\n" * 50))
    says(w.verb("create", w.file("a.gz", bytes(packed[:-9])), status=3), "data is truncated")
    packed[-6] ^= 1  # the checksum (RFC 1952, 2.3.1)
    says(w.verb("create", w.file("b.gz", bytes(packed)), status=3), "data is damaged")
    cut = "id,name\n1,né\n".encode("utf-16")[:-1]
    says(w.verb("create", w.file("c.csv", cut), status=3), "is not valid UTF-16")
    wrong = b"id,name\n1,n\xe9\n"
    done = w.verb("create", "--encoding=ASCII", w.file("d.csv", wrong), status=3)
    says(done, "d.csv: is not valid ASCII")
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case("sqlite")
def files_without_rows_are_no_error(w: World) -> None:
    w.items()
    for text in ("id,name\n", "id,name", "id,name\r\n\r\n", "\ufeffid,name\n\n\n"):
        says(w.verb("create", stdin=text), "no rows")
    done = w.verb("create", w.file("a.csv", "id,name\n"), w.file("b.csv", "name,id\na,1\n"))
    says(done, "1 inserted")
    says(w.verb("create", stdin="", status=3), "the file is empty")
    says(w.verb("create", "--skip-lines=3", stdin="id,name\n1,a\n", status=3), "the file is empty")
    quoted = '\ufeff"id","name"\n"2","b"\n'
    w.verb("create", stdin=quoted)
    expect(w.sql("SELECT id, name FROM item ORDER BY id"), "1|a\n2|b")


@case("sqlite")
def other_signs(w: World) -> None:
    w.items()
    w.verb("create", "-d", ";", "-q", "'", stdin="id;name\n1;'a;''b'\n")
    w.verb("create", "-d", "tab", "--null", "\\N", stdin="id\tname\tnote\n2\t\t\\N\n")
    w.verb("create", "--escape", "\\", stdin='id,name\n3,"a\\"b\\\\c\\d"\n')
    w.verb("create", "--skip-lines=2", stdin='x\ny,"\nid,name\n4,z\n')
    expect(
        w.sql("SELECT id, name, note FROM item ORDER BY id"),
        "1|a;'b|(null)\n2||(null)\n3|a\"b\\c\\d|(null)\n4|z|(null)",
    )


@case()
def a_text_in_quotes_is_never_null(w: World) -> None:
    w.items()
    rows = ['1,"NA",NA', '2,"","NA"', '3,NAN,"N""A"']
    w.verb("create", "--null=NA", stdin="\n".join(["id,name,note", *rows]))
    expect(w.sql("SELECT id, name, note FROM item ORDER BY id"), '1|NA|(null)\n2||NA\n3|NAN|N"A')
    # However the quotes fall into blocks.
    n = 40000
    cells = ("NA", '"NA"', '""', "", '"N""A"')
    lines = "".join(f"{i + 10},x,{cells[i % 5]}\n" for i in range(n))
    w.verb("create", "--null=NA", stdin="id,name,note\n" + lines)
    told = w.sql(
        "SELECT id % 5, note, count(*) FROM item WHERE id >= 10 GROUP BY id % 5, note ORDER BY 1"
    )
    expect(told, f'0|(null)|{n // 5}\n1|NA|{n // 5}\n2||{n // 5}\n3||{n // 5}\n4|N"A|{n // 5}')


# What is wrong with a file: its text, the line that is named, and words of the message.
FAULTS: dict[str, tuple[str | bytes, int, str]] = {
    "too few cells": ("id,name\n1,a\n2\n", 3, "the row has 1 cell, but the file has 2 columns"),
    "too many cells": ("id,name\n1,a,b\n", 2, "the row has 3 cells, but the file has 2 columns"),
    "two columns of a name": ("id,id\n1,a\n", 1, 'two columns have the name "id"'),
    "a bare quote": ('id,name\n1,a\n2,a"b\n', 3, "a quote is inside an unquoted cell"),
    "an open quote": ('id,name\n1,"a\n2,b\n', 2, "inside a quoted cell"),
    "a bare CR": ("id,name\n1,a\r2,b\r", 2, "a carriage return outside of quotes"),
    "only bare CR": ("id,name\r1,a\r", 1, "a carriage return outside of quotes"),
    "1.0 in an integer": ("id,name\n1.0,a\n", 2, "write 1, not 1.0"),
    "a decimal comma": ('name,value\na,"1,5"\n', 2, "has a comma"),
    "no number": ("name,value\na,1\n\nb,x\n", 4, "is not a whole number"),
    "out of range": ("id,name\n9223372036854775808,a\n", 2, "out of range"),
    "cp1252": (b"id,name\n1,ok\n2,n\xe9\n", 3, "--encoding=WINDOWS-1252"),
    "lines inside cells": ('id,name\n1,"a\nb"\n2,x\n3,a,b\n', 5, "3 cells"),
}


@case("sqlite")
def faults_name_file_and_line(w: World) -> None:
    w.items()
    for name, (text, line, words) in FAULTS.items():
        path = w.file("f.csv", text)
        done = w.verb("create", path, status=3)
        if f"f.csv:{line}: " not in done.err or words not in done.err:
            raise AssertionError(f"{name}: {done.err}")
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case("sqlite")
def files_that_are_no_csv(w: World) -> None:
    w.items()
    says(w.verb("create", w.file("a.xlsx", b"PK\3\4abc"), status=3), "zip archive")
    utf16 = "id,name\n1,a\n".encode("utf-16-le")
    says(w.verb("create", w.file("b.csv", utf16), status=3), "--encoding=UTF-16LE")
    utf16 = "id,name\n1,a\n".encode("utf-16-be")
    says(w.verb("create", w.file("b.csv", utf16), status=3), "--encoding=UTF-16BE")
    for text, place in ((b"id\0x,name\n1,a\n", "1: the name of column 1"), (b"\0\0\n1\n", "1: ")):
        says(w.verb("create", w.file("n.csv", text), status=3), "n.csv:" + place, "NUL byte")
    says(w.verb("create", w.file("n.csv", b"id,name\n1,\0\n"), status=3), "n.csv:2: ", "NUL byte")
    says(w.verb("create", w.file("c.csv", b""), status=3), "the file is empty")
    says(w.verb("create", w.file("d.csv", "id;name\n1;a\n"), status=2), "--delimiter")
    says(w.verb("create", str(w.folder / "none.csv"), status=3), "No such file")


@case("postgresql")
def floats_are_refused_where_the_server_refuses_them(w: World) -> None:
    w.sql("CREATE TABLE item (f4 real, f8 float8)")
    for name, kind in (("f4", "real"), ("f8", "float8")):
        for text in ("1e39", "1e-46", "1e309", "-1e-400", "0e-999", "0.000", "NaN", "-inf", "7.1"):
            taken = w.sql(
                "CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN "
                f"'{text}'::{kind}; EXCEPTION WHEN others THEN RETURN 'refused'; END $$; "
                "SELECT pg_temp.f()"
            )
            done = w.verb(
                "create",
                "--truncate",
                stdin=f"{name}\n{text}\n",
                status=3 if taken == "refused" else 0,
            )
            if taken == "refused":
                says(done, "out of range")
            else:
                expect(w.sql(f"SELECT {name} FROM item"), taken)


@case("sqlite")
def dates(w: World) -> None:
    w.sql("CREATE TABLE item (d date, t time, s datetime)")
    w.verb("create", stdin="d,t,s\n2024-02-29,23:59,2024-12-31T23:00:00.5-01:00\n")
    expect(w.sql("SELECT * FROM item"), "2024-02-29|23:59:00|2025-01-01 00:00:00.500000")
    for cell in ("31/12/2024", "12.31.2024", "31-12-24"):
        says(w.verb("create", stdin=f"d\n{cell}\n", status=3), "expected YYYY-MM-DD")
    says(w.verb("create", stdin="d\n2023-02-29\n", status=3), "there is no such day")
    says(w.verb("create", stdin="d\n2024-01-01 10:00\n", status=3), "has a time of day")


@case("postgresql")
def every_type_as_the_server_writes_it(w: World) -> None:
    w.sql("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    w.sql(
        "CREATE TABLE item (id int PRIMARY KEY, b bool, i2 smallint, f4 real, f8 float8, "
        "n numeric(9, 2), c char(3), y bytea, d date, h time, s timestamp, z timestamptz, u uuid, "
        "j json, k jsonb, e mood, a int[], p inet, q interval)"
    )
    w.sql(
        "INSERT INTO item VALUES (1, true, -5, 1.5, 1e300, 12.30, 'x', '\\x00ff', '0001-01-01', "
        "'23:59:59.25', '9999-12-31 23:59:59', '2024-02-29 12:00:00.000001+02', "
        "'00112233-4455-6677-8899-aabbccddeeff', '{\"a\": 1}', '[1, null]', 'glad', "
        "'{1,NULL,3}', '10.0.0.1/8', '1 day 02:00')"
    )
    w.sql("INSERT INTO item (id) VALUES (2)")
    before = w.sql("SELECT item::text FROM item ORDER BY id")
    copied = w.sql("COPY item TO STDOUT (FORMAT csv, HEADER)")
    w.sql("DELETE FROM item")
    w.verb("create", stdin=copied + "\n")
    expect(w.sql("SELECT item::text FROM item ORDER BY id"), before)
    w.sql("UPDATE item SET n = NULL, a = NULL, z = NULL, e = NULL, j = NULL")
    w.verb("update-fields", stdin=copied + "\n")
    expect(w.sql("SELECT item::text FROM item ORDER BY id"), before)
