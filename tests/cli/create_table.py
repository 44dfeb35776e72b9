"""--create-table, --add-columns and --print-ddl: the table comes from the file."""

from __future__ import annotations

import csv
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

from world import World, case, expect, says

ITEMS = "id,name,price,born,code\n1,Anna,1.50,2024-01-01,007\n2,,22.125,2024-02-29,08\n"
# Debian: tzdata, on which PostgreSQL depends.
COUNTRIES = Path("/usr/share/zoneinfo/iso3166.tab")


def tables(w: World) -> str:
    if w.lite:
        return w.sql("SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'")
    return w.sql(
        "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables "
        f"WHERE schemaname = '{w.schema}'"
    )


def columns(w: World) -> list[str]:
    """Name, type and NOT NULL of each column of the table item."""
    if w.lite:
        return w.sql(
            "SELECT name, lower(type), \"notnull\", pk FROM pragma_table_info('item')"
        ).splitlines()
    return w.sql(
        "SELECT attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 1 ELSE 0 END, "
        "CASE WHEN attnum = ANY (conkey) THEN 1 ELSE 0 END FROM pg_attribute "
        "LEFT JOIN pg_constraint ON conrelid = attrelid AND contype = 'p' "
        "WHERE attrelid = 'item'::regclass AND attnum > 0 ORDER BY attnum"
    ).splitlines()


@case()
def a_table_is_made_by_the_file(w: World) -> None:
    done = w.verb("create", "--create-table", "--key=id", w.file("a.csv", ITEMS))
    says(done, "2 inserted")
    expect(
        columns(w),
        [
            "id|integer|1|1",
            "name|text|0|0",
            "price|numeric(5,3)|1|0",
            "born|date|1|0",
            "code|text|1|0",
        ],
    )
    price = "1.5" if w.lite else "1.500"
    expect(
        w.sql("SELECT * FROM item ORDER BY id"),
        f"1|Anna|{price}|2024-01-01|007\n2|(null)|22.125|2024-02-29|08",
    )
    done = w.verb("create", "--create-table", w.file("a.csv", ITEMS), status=2)
    says(done, 'table "item" exists already', "without --create-table", "--add-columns")
    w.verb("create", w.file("b.csv", ITEMS.replace("\n1,", "\n3,").replace("\n2,", "\n4,")))


@case()
def options_of_the_file_hold_for_its_types_too(w: World) -> None:
    text = "nr;name;x\n1;NA;z\n2;;z\n"
    w.verb(
        "create",
        "--create-table",
        "-d;",
        "--null=NA",
        "--map=nr=id",
        "--columns=id,name",
        "--key=id",
        "--type=id=bigint",
        "--set=source=7",
        w.file("a.csv", text),
    )
    expect(columns(w), ["id|bigint|1|1", "name|text|0|0", "source|integer|0|0"])
    expect(w.sql("SELECT * FROM item ORDER BY id"), "1|(null)|7\n2||7")
    w.sql("DROP TABLE item")
    path = w.file("b.csv", '1,"",x\n2,,\n')
    w.verb("create", "--create-table", "--no-header", "-c", "id,n,", "--null-columns=n", path)
    expect(columns(w), ["id|integer|1|0", "n|text|0|0"])
    w.sql("DROP TABLE item")
    w.verb("create", "--create-table", "--no-header", "-c", "id,n,m", "--not-null-columns=m", path)
    expect(columns(w), ["id|integer|1|0", "n|text|0|0", "m|text|1|0"])
    expect(w.sql("SELECT * FROM item ORDER BY id"), "1||x\n2|(null)|")
    w.sql("DROP TABLE item")
    path = w.file("r.csv", "id,n,m\n1,2,x\n2\n3,4,y,\n")
    expect("--ragged=pad" in w.run("inspect", path, "--ragged=pad").out, True)
    options = ["--ragged=pad", "--not-null-columns=m", "--filename-column=f"]
    w.verb("create", "--create-table", *options, path)
    expect(columns(w), ["id|integer|1|0", "n|integer|0|0", "m|text|1|0", "f|text|0|0"])
    expect(
        w.sql("SELECT id, n, m, length(f) > 5 FROM item WHERE id = 2"),
        f"2|(null)||{1 if w.lite else 't'}",
    )
    w.sql("DROP TABLE item")
    text = '{"id": 1, "doc": {"a": 1}}\n{"id": 2, "doc": null}\n'
    w.verb("create", "--create-table", w.file("c.ndjson", text))
    expect(columns(w), ["id|integer|1|0", f"doc|{'text' if w.lite else 'json'}|0|0"])
    expect(w.sql("SELECT * FROM item ORDER BY id"), '1|{"a": 1}\n2|(null)')


@case()
def a_load_that_fails_leaves_no_table(w: World) -> None:
    path = w.file("a.csv", "id,a\n1,x\n1,y\n")
    says(w.verb("create", "--create-table", "-k", "id", path, status=4), "a.csv:3")
    w.verb("create", "--create-table", "--dry-run", w.file("b.csv", ITEMS))
    says(w.verb("create", "--create-table", "--type=id=a(", path, status=1), "syntax error")
    path = w.file("c.csv", "id,a\n1,x\n2,y\n2147483648,z\n")
    says(w.verb("create", "--create-table", "--type=a=integer", path, status=3), "c.csv:2")
    says(w.verb("create", "--create-table", "--sample=2", path, status=3 - w.lite * 3), "")
    if w.lite:
        w.sql("DROP TABLE item")
    expect(tables(w) in {"", "(null)"}, True)


@case("sqlite")
def a_new_file_of_sqlite_is_made(w: World) -> None:
    path = w.file("a.csv", ITEMS)
    name = w.folder / "new.db"
    bad = w.file("b.csv", "id\n1\n1\n")
    w.run("create", f"sqlite:{name}", "item", "--create-table", "-kid", bad, status=4)
    expect(name.exists(), False)
    w.run("create", f"sqlite:{name}", "item", "--create-table", "--dry-run", path)
    expect(name.exists(), False)
    w.run("create", f"sqlite:{name}", "item", "--create-table", path)
    expect(name.exists(), True)
    says(w.run("create", f"sqlite:{w.folder}/typo.db", "item", path, status=5), "there is no file")


@case("sqlite")
def print_ddl_does_nothing(w: World) -> None:
    path = w.file("a.csv", ITEMS)
    out = w.run(
        "create",
        "postgresql://nowhere.invalid/x",
        "shop.item",
        "--create-table",
        "--print-ddl",
        "--key=id,code",
        path,
    ).out
    expect(
        out,
        'CREATE TABLE "shop"."item" (\n    "id" integer NOT NULL,\n    "name" text,\n'
        '    "price" numeric(5,3) NOT NULL,\n    "born" date NOT NULL,\n'
        '    "code" text NOT NULL,\n    PRIMARY KEY ("id", "code")\n);\n',
    )
    missing = f"sqlite:{w.folder}/none.db"
    out = w.run("create", missing, "item", "--create-table", "--print-ddl", path).out
    w.sql(out)
    expect(len(columns(w)), 5)
    expect((w.folder / "none.db").exists(), False)
    sampled = w.run("create", missing, "i", "--create-table", "--print-ddl", "--sample=1", path).out
    expect("NOT NULL" in sampled, False)


@case()
def columns_are_added(w: World) -> None:
    w.items("(1, 'a', 10, NULL)")
    path = w.file("a.csv", "id,name,size,born\n2,b,1.5,2024-01-01\n")
    out = w.verb("create", "--add-columns", "--print-ddl", path).out
    expect(
        out.replace(f'"{w.schema}".', ""),
        'ALTER TABLE "item" ADD COLUMN "size" numeric(2,1);\n'
        'ALTER TABLE "item" ADD COLUMN "born" date;\n',
    )
    expect(len(columns(w)), 4)
    bad = w.file("b.csv", "id,name,size\n1,b,1.5\n")
    w.verb("create", "--add-columns", bad, status=4)
    expect(len(columns(w)), 4)
    w.verb("create", "--add-columns", "--type=size=text", path)
    expect(columns(w)[4:], ["size|text|0|0", "born|date|0|0"])
    expect(
        w.sql("SELECT id, name, size, born FROM item ORDER BY id"),
        "1|a|(null)|(null)\n2|b|1.5|2024-01-01",
    )
    w.verb("create", "--add-columns", w.file("c.csv", "id,name\n3,c\n"))
    expect(
        w.verb("create", "--add-columns", "--print-ddl", w.file("d.csv", "id,name\n3,c\n")).out, ""
    )
    says(w.run("create", w.database, "no", "--add-columns", path, status=2), "there is no table")


@case("sqlite")
def what_cannot_be_read_twice_is_refused(w: World) -> None:
    path = w.file("a.csv", ITEMS)
    make = "--create-table"
    for arguments, words in [
        ([make], '"standard input" does not allow: write it to a file first'),
        ([make, "-"], '"standard input" does not allow'),
        ([make, path, path], "--create-table takes one FILE"),
        ([make, "--workers=2", path], "--create-table cannot be used with --workers"),
        ([make, "--rejects=r.csv", path], "cannot be used with --rejects"),
        ([make, "--add-columns", path], "cannot be used with --add-columns"),
        ([make, "--no-header", path], "needs the names of the columns: --columns"),
        ([make, "--type=nam=text", path], '--type: no column of the file is written to "nam"'),
        ([make, "--key=nam", path], '--key: no column of the file is written to "nam"'),
        ([make, "--columns=nam", path], '--columns: no column of the file is written to "nam"'),
        (["--print-ddl", path], "--print-ddl needs --create-table or --add-columns"),
        (["--type=a=b", path], "--type needs --create-table or --add-columns"),
        (["--sample=1", path], "--sample needs --create-table or --add-columns"),
    ]:
        says(w.run("create", w.database, "item", *arguments, stdin=ITEMS, status=2), words)
    os.mkfifo(w.folder / "pipe")
    says(w.verb("create", make, str(w.folder / "pipe"), status=2), "reads the file twice")
    says(w.verb("create", make, "--key=name", path, status=3), 'column "name" is NULL in 1 rows')
    latin = w.file("l.csv", b"a\n\xe9\n")
    says(w.verb("create", make, latin, status=3), "l.csv:2", "is not valid UTF-8", "--encoding")
    says(w.run("upsert", w.database, "item", make, path, status=2), "is not an option of upsert")
    expect(tables(w), "(null)")


@case()
def names_of_any_kind(w: World) -> None:
    path = w.file("a.csv", '"order","a""b","x.y",été\n1,2,3,4\n')
    w.verb("create", "--create-table", "--key=order", path)
    expect(w.sql('SELECT "order", "a""b", "x.y", "été" FROM item'), "1|2|3|4")
    if not w.lite:
        w.run("create", w.database, f'{w.schema}."a.b"', "--create-table", path)
        expect(w.sql('SELECT count(*) FROM "a.b"'), "1")


@case()
def uuids_of_digits_stay_what_they_are(w: World) -> None:
    """A column that is declared "uuid" is one of numbers to SQLite."""
    texts = ["00000000-0000-0000-0000-000000000005", "12345678-9012-3456-7890-123456789012"]
    path = w.file("a.csv", "id,token\n" + "".join(f"{i},{t}\n" for i, t in enumerate(texts)))
    w.sql("CREATE TABLE own (id integer, token uuid)")
    w.run("create", w.database, "made", "--create-table", path)
    w.run("create", w.database, "own", path)
    for table in ("made", "own"):
        out = w.run("copy-to", w.database, table, "--order-by=id").out
        expect(out.splitlines(), ["id,token", *(f"{i},{t}" for i, t in enumerate(texts))])


Make = Callable[[random.Random], str]
KINDS: dict[str, Make] = {
    "integer": lambda c: str(c.randrange(-(2**31), 2**31)),
    "bigint": lambda c: str(c.randrange(-(2**63), 2**63)),
    "numeric": lambda c: f"{c.randrange(-(10**30), 10**30)}.{c.randrange(10**6):06}",
    "price": lambda c: f"{c.randrange(10**6)}.{c.randrange(100):02}",
    "float": lambda c: repr(c.uniform(-1, 1) * 10.0 ** c.randrange(-30, 30)),
    "date": lambda c: f"{c.randrange(1, 9999):04}-{c.randrange(1, 13):02}-{c.randrange(1, 29):02}",
    "timestamp": lambda c: f"20{c.randrange(10, 99)}-01-02 03:04:05.{c.randrange(1, 10**6):06}",
    "zoned": lambda c: f"20{c.randrange(10, 99)}-01-02 03:04:05+00",
    "boolean": lambda c: c.choice(["true", "false"]),
    "code": lambda c: f"{c.randrange(1000):05}",
    "text": lambda c: c.choice(
        ["x", "a,b", 'say "x"', "two\nlines", "é", " pad ", "12", "NA", "t"]
    ),
    "json": lambda c: c.choice(['{"a": [1, "é"]}', "[]", '[{"b": null}]']),
    "uuid": lambda c: (
        f"{c.getrandbits(128):032x}"[:8]
        + "-"
        + "-".join(f"{c.getrandbits(16):04x}" for _ in range(3))
        + f"-{c.getrandbits(48):012x}"
    ),
}


def value(kind: str, cell: str) -> object:
    """What a cell means: the two engines write some values in other forms."""
    if cell == "" or kind in {"integer", "bigint", "code", "json", "uuid", "date"}:
        return cell
    if kind == "boolean":
        return cell in {"t", "true", "1"}
    if kind in {"price", "float"}:
        return float(cell)
    if kind in {"timestamp", "zoned"}:
        return cell.removesuffix("Z").removesuffix("+00:00").removesuffix("+00").replace("T", " ")
    return cell


@case()
def every_cell_of_random_columns_is_read_back(w: World) -> None:
    chance = random.Random(1302)
    for number in range(12 if w.lite else 5):
        kinds = ["integer", *(chance.choice(list(KINDS)) for _ in range(7))]
        rows = [
            [str(i), *("" if chance.random() < 0.1 else KINDS[k](chance) for k in kinds[1:])]
            for i in range(60)
        ]
        text = io.StringIO()
        csv.writer(text).writerows([[f"c{i}" for i in range(8)], *rows])
        w.sql("DROP TABLE IF EXISTS item")
        w.verb("create", "--create-table", "--key=c0", w.file("a.csv", text.getvalue()))
        found = list(csv.reader(io.StringIO(w.verb("copy-to", "--order-by=c0").out)))[1:]
        for line, (row, back) in enumerate(zip(rows, found, strict=True)):
            wanted = [value(k, cell) for k, cell in zip(kinds, row, strict=True)]
            got = [value(k, cell) for k, cell in zip(kinds, back, strict=True)]
            expect((number, line, kinds, got), (number, line, kinds, wanted))


@case()
def a_real_file_is_loaded(w: World) -> None:
    """Country codes of the time zone data: comments, no header, no quotes."""
    lines = COUNTRIES.read_text().splitlines()
    wanted = [line.split("\t") for line in lines if not line.startswith("#")]
    out = w.run("inspect", str(COUNTRIES)).out
    expect("header       no\n" in out and f"rows         {len(wanted)}\n" in out, True)
    options = ["--comment=#", "--no-header", "-c", "code,country", "--key=code"]
    w.verb("create", "--create-table", *options, str(COUNTRIES))
    found = w.sql("SELECT code, country FROM item ORDER BY code")
    expect([line.split("|") for line in found.splitlines()], sorted(wanted))


GERMAN = (
    "\ufeffnr;tag;uhr;preis;wann;code;leer\r\n"
    '1;01.02.2024;10:30;"1.234,50";01.02.2024 10:30;007;\r\n'
    "2;31.12.2023;23:59;-12,5;31.12.2023 23:59;008;\r\n"
)
GERMAN_OPTIONS = [
    "-d;",
    "--decimal=,",
    "--thousands=.",
    "--date-format=%d.%m.%Y",
    "--date-format=wann=%d.%m.%Y %H:%M",
    "--date-format=uhr=%H:%M",
]


@case("postgresql")
def issue_13_types_of_cells_in_given_forms(w: World) -> None:
    path = w.file("g.csv", GERMAN)
    w.verb("create", path, "--create-table", *GERMAN_OPTIONS)
    expect(
        w.sql(
            "SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' "
            "ORDER BY a.attnum) FROM pg_attribute a WHERE attrelid = 'item'::regclass "
            "AND attnum > 0"
        ),
        "nr integer, tag date, uhr time without time zone, preis numeric(6,2), "
        "wann timestamp without time zone, code text, leer text",
    )
    expect(
        w.sql("SELECT * FROM item ORDER BY nr"),
        "1|2024-02-01|10:30:00|1234.50|2024-02-01 10:30:00|007|(null)\n"
        "2|2023-12-31|23:59:00|-12.50|2023-12-31 23:59:00|008|(null)",
    )


@case()
def issue_13_given_forms_are_kept_to(w: World) -> None:
    make = ["--create-table", "--print-ddl"]

    def ddl(text: str, *options: str) -> str:
        return w.verb("create", w.file("f.csv", text), *make, *options).out

    # With a decimal comma a point is text, and with a point between thousands no decimal.
    expect('"a" text' in ddl("a,b\n1.5,x\n", "--decimal=;"), True)
    expect('"a" integer' in ddl("a,b\n1.500,x\n", "--thousands=.", "--decimal=;"), True)
    expect('"a" text' in ddl("a,b\n1.50,x\n", "--thousands=.", "--decimal=;"), True)
    # A format for all columns is not for a column with another cell, or of numbers since 1970.
    expect('"a" text' in ddl("a\n31.12.2024\nsoon\n", "--date-format=%d.%m.%Y"), True)
    expect('"a" integer' in ddl("a\n1700000000\n", "--date-format=epoch-s"), True)
    own = ddl("a,b\n20240229,1\n,2\n", "--date-format=a=%Y%m%d")
    expect(('"a" date,' in own, '"b" integer NOT NULL' in own), (True, True))
    expect('"when" date' in ddl("a\n31/12/24\n", "-ma=when", "--date-format=when=%d/%m/%y"), True)
    expect('"a" date' in ddl("a\n", "--date-format=a=%d.%m.%Y"), True)
    lines = '{"a": "31.12.2024", "b": 1}\n'
    path = w.file("f.ndjson", lines)
    done = w.verb("create", path, *make, "--date-format=%d.%m.%Y").out
    expect(('"a" date' in done, '"b" integer' in done), (True, True))


@case("sqlite")
def issue_13_a_cell_that_a_format_does_not_read_is_named(w: World) -> None:
    path = w.file("f.csv", "id,day\n1,31.12.2024\n2,12.31.2024\n")
    done = w.verb("create", path, "--create-table", "--date-format=day=%d.%m.%Y", status=3)
    says(done, 'f.csv:3: column "day" does not match its --date-format %d.%m.%Y')
    expect(w.sql("SELECT count(*) FROM sqlite_master"), "0")
    done = w.verb("create", path, "--create-table", "--date-format=dya=%d.%m.%Y", status=2)
    says(done, 'no column of the file is written to "dya"')
    many = [f"--date-format=c{i}=%Y" for i in range(17)]
    says(w.verb("create", path, "--create-table", *many, status=2), "at most 16 --date-format")
