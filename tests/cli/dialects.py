"""Files as other programs write them: NULLs, quotes, comments, columns without names (F1 to F6)."""

from __future__ import annotations

import bz2
import csv
import io
import lzma
import sqlite3
import subprocess
from pathlib import Path

from world import World, case, expect, says


@case()
def f1_an_empty_cell_of_a_column_that_may_not_be_null(w: World) -> None:
    w.items()
    text = "id,name,value\n1,,\n"
    done = w.verb("create", stdin=text, status=4)
    says(done, "standard input:2", "name", "--not-null-columns")
    expect(w.all(), "")
    w.verb("create", "--not-null-columns=name", stdin=text)
    expect(w.sql("SELECT id, name, length(name), value FROM item"), "1||0|(null)")
    w.verb("upsert", "--not-null-columns=*", stdin="id,name\n1,\n")
    says(
        w.verb("create", "--not-null-columns=*", stdin=text.replace("1", "2"), status=3),
        'column "value"',
    )


@case()
def f2_every_cell_is_quoted(w: World) -> None:
    w.items()
    text = '"id","name","value","note"\n"1","a","",""\n"2","","5","x"\n'
    says(w.verb("create", stdin=text, status=3), ":2:", 'column "value"', "--null-columns")
    w.verb("create", "--null-columns=value", stdin=text)
    expect(w.all(), "1|a|(null)|\n2||5|x")
    w.sql("DELETE FROM item")
    w.verb("create", "--null-columns=*", "--not-null-columns=name", stdin=text)
    expect(w.all(), "1|a|(null)|(null)\n2||5|x")


@case("sqlite")
def f3_several_spellings_of_null(w: World) -> None:
    w.items()
    text = 'id,name,value,note\n1,a,NA,\n2,b,n/a,"NA"\n3,NA,,NA\n'
    says(w.verb("create", "--null=NA", stdin=text, status=3), ":3:", 'column "value"')
    spellings = ["--null=NA", "--null=", "--null=n/a"]
    w.verb("create", *spellings, "--not-null-columns=name", stdin=text)
    expect(w.all(), "1|a|(null)|(null)\n2|b|(null)|NA\n3|NA|(null)|(null)")
    w.verb("upsert", *spellings, "--set=note=n/a", "-c", "id,name", stdin="id,name\n2,c\n")
    expect(w.sql("SELECT name, note FROM item WHERE id = 2"), "c|(null)")


@case("sqlite")
def options_of_null_name_columns_of_the_file(w: World) -> None:
    w.items()
    for option, words in (
        ("--null-columns=nothing", '--null-columns: no column of the file is written to "nothing"'),
        ("--not-null-columns=note", "--not-null-columns: no column"),
        ("--null-columns=name", '"name" cannot be in both'),
    ):
        done = w.verb("create", option, "--not-null-columns=name", stdin="id,name\n1,a\n", status=2)
        says(done, words)


@case("sqlite")
def f5_columns_are_skipped_by_position(w: World) -> None:
    w.items()
    w.verb("create", "--no-header", "-c", "id,,name,,", stdin="1,x,a,y,z\n2,,b,,\n")
    expect(w.sql("SELECT id, name FROM item ORDER BY id"), "1|a\n2|b")
    files = [w.file("1.csv", "3,x,c\n"), w.file("2.csv", "4,x,d\n")]
    w.verb("create", "--no-header", "-c", "id,,name", *files)
    expect(w.sql("SELECT max(id), max(name) FROM item"), "4|d")
    says(
        w.verb("create", "--no-header", "-c", "id,,name", stdin="5,a\n", status=3),
        "2 cells, but the file has 3 columns",
    )


@case("sqlite")
def f5_a_column_without_a_name(w: World) -> None:
    """As pandas writes its index."""
    w.items()
    text = ",name,value\n1,a,5\n"
    says(w.verb("create", stdin=text, status=3), "column 1 of the header has no name", "--columns")
    w.verb("create", "-c", "name,value", stdin=text)
    w.verb("create", "--map==id", "--set=note=x", stdin=text.replace("1,", "9,"))
    expect(w.all(), "1|a|5|(null)\n9|a|5|x")
    w.verb("create", "-c", "name", stdin=",,name\n1,2,b\n")
    expect(w.sql("SELECT name FROM item WHERE id = 10"), "b")


@case("sqlite")
def f5_a_name_with_an_equals_sign(w: World) -> None:
    w.items()
    w.verb("create", '--map="a=b"=name', "--set=note=x=y", stdin="id,a=b\n1,v\n")
    expect(w.all(), "1|v|7|x=y")
    says(w.verb("create", '--map="a=c"=name', stdin="id,a=b\n1,v\n", status=2), '"a=c"')


@case()
def f5_comments_are_skipped(w: World) -> None:
    w.items()
    text = '# from, "a" program\nid,name\n1,a\n#2,b\n3,"\n#c"\n#\n\n4,#d\n# the end'
    w.verb("create", "--comment=#", stdin=text)
    expect(w.sql("SELECT id, name FROM item ORDER BY id"), "1|a\n3|\n#c\n4|#d")
    done = w.verb("create", "--comment=#", stdin="#\r\nid,name\r\n#\r\n5,a,b\r\n", status=3)
    says(done, "standard input:4:")


@case("sqlite")
def comments_of_any_length(w: World) -> None:
    """Longer than what is read at once, and wherever a block ends."""
    w.items()
    lines = [f"# {'x' * (i * 37 % 70000)}\n{i},a{i % 7}\n" for i in range(1, 60)]
    w.verb("create", "--comment=#", "--null=NA", stdin="id,name\n" + "".join(lines))
    expect(w.sql("SELECT count(*), sum(id) FROM item"), f"59|{sum(range(60))}")


@case()
def f6_quotes_are_text(w: World) -> None:
    w.items()
    rows = [["1", '"a', "2"], ["3", 'b"', "4"], ["5", 'c""c"', "6"]]
    text = "id\tname\tvalue\n" + "".join("\t".join(row) + "\n" for row in rows)
    w.verb("create", "--quote=none", "-f", "tsv", stdin=text)
    found = w.sql("SELECT id, name, value FROM item ORDER BY id")
    judge = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    expect(found, "\n".join("|".join(row) for row in list(judge)[1:]))
    done = w.verb("create", "--quote=none", stdin=b"id,name\n8,a\n9,\xff\n", status=3)
    says(done, "is not UTF-8", "--encoding")


@case("sqlite")
def f6_quotes_that_join_lines_are_named(w: World) -> None:
    w.items()
    text = 'id\tname\tvalue\n1\t"a\t2\n3\tb"\t4\n'
    done = w.verb("create", "--format=tsv", stdin=text)
    says(done, "warning: standard input:2: a quoted cell has line ends and tabs", "--quote=none")
    w.sql("DELETE FROM item")
    sure = w.verb("create", "--format=tsv", '--quote="', stdin=text)
    expect("warning" in sure.err, False)
    done = w.verb("create", stdin='id,name\n5,"a\n6,b"\n7,c,d\n8,"x\n9,"\n', status=3)
    says(done, "standard input:4: the row has 3 cells")
    done = w.verb("create", stdin='id,name\n5,"a\n6,b",c\n', status=3)
    says(done, "a quoted cell of it has line ends", "--quote=none")
    done = w.verb("create", "-m", "n\nm=name", stdin='id,"n\nm"\n5,a,b\n', status=3)
    expect("line ends" in done.err, False)  # the header has some, the row has none
    done = w.verb("create", stdin='id,name\n5,"a\n', status=3)
    says(done, "--quote=none")


@case("sqlite")
def f9_xz_and_bzip2(w: World) -> None:
    w.items()
    rows = "".join(f"{i},{'é' * (i % 9 + 1)}\n" for i in range(40000)).encode()
    sums = f"40000|{sum(i % 9 + 1 for i in range(40000))}"
    for pack, name in ((lzma.compress, "f.tsv.xz"), (bz2.compress, "f.tsv.bz2")):
        tabs = (b"id,name\n" + rows).replace(b",", b"\t")
        packed = pack(tabs[:99999]) + pack(tabs[99999:])
        w.verb("create", w.file(name, packed))
        expect(w.sql("SELECT count(*), sum(length(name)) FROM item"), sums)
        w.sql("DELETE FROM item")
        says(w.verb("create", w.file(name, packed[:-20]), status=3), name, "data is truncated")
        damaged = bytearray(packed)
        damaged[-10] ^= 0x55  # in the sums at the end
        says(w.verb("create", w.file(name, bytes(damaged)), status=3), name, "data is damaged")
        expect(w.sql("SELECT count(*) FROM item"), "0")
    packed = subprocess.run(
        ["zstd", "-c", "--long=31"], input=b"id,name\n" + rows, capture_output=True, check=True
    ).stdout
    says(w.verb("create", stdin=packed, status=3), "--long=31", "window of more than 128 MiB")
    text = "BZh9,id,name\n1,1,a\n"
    w.verb("create", "-c", "id,name", stdin=text)
    expect(w.sql("SELECT id, name FROM item"), "1|a")


@case("sqlite")
def f9_other_formats_are_named(w: World) -> None:
    w.items()
    for content, words in (
        (b"PAR1\x15\x04\x15\x10", "this is a Parquet file"),
        (b"ARROW1\0\0", "this is an Arrow file"),
        (b"Obj\x01\x04\x14avro.codec", "this is an Avro file"),
        (b"PGDMP\x01\x0e\x00", "pg_restore"),
        (Path(w.folder / "test.db").read_bytes(), "this is a SQLite database"),
    ):
        says(w.verb("create", w.file("f.csv", content), status=3), "f.csv", words)


@case("sqlite")
def f10_a_database_that_is_not_there(w: World) -> None:
    name = w.folder / "typo.db"
    done = w.run("create", f"sqlite:{name}", "item", stdin="id\n1\n", status=5)
    says(done, "there is no file", "typo.db")
    expect(name.exists(), False)
    sqlite3.connect(name).close()  # an empty file is a database without tables
    name.touch()
    says(w.run("create", f"sqlite:{name}", "item", stdin="id\n", status=2), "there is no table")


@case("sqlite")
def f10_what_a_person_types(w: World) -> None:
    w.items()
    says(w.run(status=2), "usage:", "  create ", "  copy-to ", "--help")
    says(w.run("craete", w.database, "item", status=2), "expected one of create, update-fields")
    done = w.verb("create", "-j4", stdin="id,name\n1,a\n")
    says(done, "warning: SQLite allows only one writer: --workers is ignored")
    expect(w.sql("SELECT count(*) FROM item"), "1")
