"""One cell: what the command reads is what the server reads from the same text."""

from __future__ import annotations

import gzip

from world import World, case, expect, says

READ = {
    "smallint": ["-32768", "32767", "+5", "007", " 8 ", "0"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "boolean": ["true", "T", "YES", "y", "on", "1", "false", "f", "No", "n", "off", "0"],
    "uuid": [
        "00112233-4455-6677-8899-aabbccddeeff",
        "00112233445566778899AABBCCDDEEFF",
        "{00112233-4455-6677-8899-aabbccddeeff}",
        "0011-2233-4455-6677-8899-aabb-ccdd-eeff",
    ],
    "date": ["0001-01-01", "9999-12-31", "2000-02-29", "2024-02-29", "1969-12-31", "-infinity"],
    "time": ["00:00", "23:59:59.999999", "12:00:01", "01:02:03.5"],
    "timestamp": ["2024-01-01", "2024-01-01T01:02:03", "9999-12-31 23:59:59.999999", "Infinity"],
    "timestamptz": [
        "2024-01-01 00:00:00Z",
        "2024-01-01 00:00:00 Z",
        "2024-01-01 00:00+02",
        "2024-01-01 00:00:00.000001-05:30",
        "2024-12-31T23:59:59+0530",
    ],
    "bytea": ["\\x", "\\x00ff", "\\xABcd"],
    "numeric": ["1.50", "-0.000001", "1e3", "123456789012345678901234567890.5", "NaN"],
    "varchar(3)": ["abc", "éé€"],
}
# Literals of types that the library has no value of, or not all forms of: all different.
ANY = {
    "interval": ["1 year 2 mons -3 days", "P1DT2H3M4.5S", "1.5 weeks"],
    "timetz": ["24:00+00", "12:30:01.5-07"],
    "inet": ["10.0.0.1", "10.0.0.1/8", "2001:DB8::ff/64", "::ffff:1.2.3.4", "10/8"],
    "cidr": ["10", "192.168.100.128/25", "2001:4f8:3:ba::/64"],
    "macaddr": ["08:00:2b:01:02:03", "0800.2B01.0204"],
    "macaddr8": ["08:00:2b:01:02:03", "08002b0102030405"],
    "bit(3)": ["101", "B010"],
    "varbit": ["10101", "X1Fa"],
    "int4range": ["[1,5)", "empty", "(,)"],
    "numrange": ["[1.50,2.250]", "[1e30,)"],
    "tstzrange": ["[2024-01-01 00:00+02,)"],
    "datemultirange": ["{[2024-01-01,2024-01-31],[2024-03-01,)}", "{}"],
    "oid": ["0", "4294967295"],
    "pg_lsn": ["16/B374D848", "0/0"],
    "mood": ["sad", 'so, "so"'],
    "moods": ["sad"],
    "address": ["10.0.0.1/8"],
    "money": ["-$1,234.56", "1.5"],
    "tsvector": ["a:1A fat:2,4 'it''s'"],
    "tsquery": ["fat & (rat | !cat:*)"],
    "pair": ['(1,"a, ""b""")', "(,)"],
    "regclass": ["pg_class", "pg_type"],
    "int[]": ["{}", "{{1,2},{3,NULL}}", "[-1:0][2:3]={{1,2},{3,4}}"],
    "text[]": ['{"",NULL,"NULL","a \\"b\\""}'],
    "public.hstore": ['a=>1, "b c"=>NULL', ""],
    "public.citext": ["MiXed", "other"],
    "public.ltree": ["Top.Science", "a.b"],
    "double precision": ["-0.0", "NaN", "5e-324"],
}
UNORDERED = {  # no row can be found by them
    "numeric": ["1" * 1000 + ".50", "-Infinity", "NaN"],
    "json": ['{"a": [1, null]}', " null "],
    "xml": ['<a b="1">é</a>'],
    "jsonpath": ["$.a[*] ? (@ > 1)"],
    "point": ["(1,2)", "(NaN,Infinity)"],
    "line": ["{1,-2,3}"],
    "lseg": ["[(1,2),(3,4)]"],
    "box": ["(1,2),(3,4)"],
    "path": ["[(1,2),(3,4)]"],
    "polygon": ["((1,2),(3,4),(5,6))"],
    "circle": ["<(1,2),3>"],
}
REFUSED = {
    "smallint": ["-32769", "32768", "1.0", "x", "1 2", "--1"],
    "integer": ["-2147483649", "2147483648"],
    "bigint": ["-9223372036854775809", "9223372036854775808", "18446744073709551617"],
    "boolean": ["2", "maybe", "truer"],
    "uuid": [
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "g0112233-4455-6677-8899-aabbccddeeff",
        "{00112233-4455-6677-8899-aabbccddeeff",
    ],
    "date": ["1900-02-29", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-32", "0000-01-01"],
    "time": ["25:00", "12:60", "12:00:61", "12"],
    "timestamp": ["2024-01-01 25:00", "2024-02-30 00:00", "2024-01-01 00:00x"],
    "timestamptz": ["2024-01-01 00:00+24:60", "2024-01-01 00:00+x"],
    "bytea": ["\\x0", "\\x0g"],
    "numeric": ["1.2.3", "1,5x", "e3"],
}


@case("postgresql")
def a_cell_is_what_the_server_makes_of_its_text(w: World) -> None:
    for kind, texts in READ.items():
        w.sql(f"DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v {kind})")
        rows = "".join(f'{i},"{text}"\n' for i, text in enumerate(texts))
        w.verb("create", stdin=f"id,v\n{rows}")
        casts = ", ".join(f"({i}, '{text}'::{kind})" for i, text in enumerate(texts))
        wanted = w.sql(f"SELECT v FROM (VALUES {casts}) x (i, v) ORDER BY i")
        expect((kind, w.sql("SELECT v FROM item ORDER BY id")), (kind, wanted))
        # What is written is read again.
        w.verb("create", "--truncate", stdin=w.verb("copy-to").out)
        expect((kind, w.sql("SELECT v FROM item ORDER BY id")), (kind, wanted))


def csv_of(header: str, rows: list[tuple[object, str]]) -> str:
    """A CSV file, every text in quotes."""
    lines = [f'{first},"{text.replace(chr(34), chr(34) * 2)}"' for first, text in rows]
    return "\n".join([header, *lines]) + "\n"


FOUND = "SELECT id, v::text FROM item ORDER BY id"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def make_types(w: World) -> None:
    w.sql(
        "SELECT pg_advisory_lock(190577); SET client_min_messages = error;"
        "CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;"
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;"
        "CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public;"
        "CREATE TYPE mood AS ENUM ('sad', 'so, \"so\"'); CREATE DOMAIN moods AS mood;"
        "CREATE DOMAIN address AS inet; CREATE TYPE pair AS (a int, b text)"
    )


def is_built_without_xml(w: World) -> bool:
    """Some servers are."""
    try:
        w.sql("SELECT '<a/>'::xml")
    except AssertionError as error:
        if "unsupported XML feature" in str(error):
            return True
        raise
    return False


@case("postgresql")
def a_column_of_any_type_takes_the_server_s_text(w: World) -> None:
    make_types(w)
    kinds = {**ANY, **UNORDERED}
    if is_built_without_xml(w):
        del kinds["xml"]
    for kind, texts in kinds.items():
        rows: list[tuple[object, str]] = list(enumerate(texts))
        values = ", ".join(f"({i}, {literal(text)}::{kind})" for i, text in rows)
        w.sql(
            f"DROP TABLE IF EXISTS item, ref; CREATE TABLE ref (id int PRIMARY KEY, v {kind});"
            f"INSERT INTO ref VALUES {values}, (99, NULL); CREATE TABLE item (LIKE ref)"
            ";ALTER TABLE item ADD PRIMARY KEY (id)"
        )
        file = csv_of("id,v", rows) + "99,\n"
        wanted = (kind, w.sql("SELECT id, v::text FROM ref ORDER BY id"))

        w.verb("create", stdin=file)
        expect((kind, w.sql(FOUND)), wanted)
        for form in ("csv", "ndjson"):
            out = w.verb("copy-to", f"--format={form}").out
            if (kind, form) != ("json", "ndjson"):  # its null cannot be told from NULL
                w.verb("create", "--truncate", f"--format={form}", stdin=out)
            expect((kind, w.sql(FOUND)), wanted)
        w.sql("UPDATE item SET v = NULL")
        w.verb("update-fields", stdin=file)
        expect((kind, w.sql(FOUND)), wanted)
        w.sql("UPDATE item SET v = NULL; DELETE FROM item WHERE id = 0")
        w.verb("upsert", stdin=file)
        expect((kind, w.sql(FOUND)), wanted)


@case("postgresql")
def rows_are_found_by_a_key_of_any_type(w: World) -> None:
    make_types(w)
    for kind, texts in ANY.items():
        w.sql(f"DROP TABLE IF EXISTS item; CREATE TABLE item (n int, v {kind} PRIMARY KEY)")
        count = str(len(texts))
        w.verb("create", stdin=csv_of("n,v", [(0, text) for text in texts]))
        w.verb("update-fields", stdin=csv_of("n,v", [(1, text) for text in texts]))
        expect((kind, w.sql("SELECT count(*) FROM item WHERE n = 1")), (kind, count))
        w.verb("upsert", stdin=csv_of("n,v", [(2, text) for text in texts]))
        expect((kind, w.sql("SELECT count(*) FROM item WHERE n = 2")), (kind, count))
        w.verb("delete", stdin=csv_of("n,v", [(2, text) for text in texts]))
        expect((kind, w.sql("SELECT count(*) FROM item")), (kind, "0"))


@case("postgresql")
def a_cell_that_the_server_refuses_is_refused(w: World) -> None:
    for kind, texts in REFUSED.items():
        w.sql(f"DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v {kind})")
        for text in texts:
            try:
                w.sql(f"SELECT '{text}'::{kind}")
            except AssertionError:
                done = w.verb("create", stdin=f'id,v\n1,\n2,"{text}"\n', status=3)
                says(done, 'standard input:3: column "v" ', "nothing was written")
            else:
                raise AssertionError(f"the server reads {text} as {kind}")
        expect(w.sql("SELECT count(*) FROM item"), "0")


@case("postgresql")
def set_gives_a_value_of_each_type(w: World) -> None:
    w.sql(
        "CREATE TABLE item (id int, n smallint, b boolean, d date, y bytea, t text, "
        "z text DEFAULT 'z', q numeric)"
    )
    values = ("n=-5", "b=yes", "d=2024-02-29", "y=\\x00ff", "t=a=b", "z=", "q=1.50")
    w.verb("create", *(f"--set={value}" for value in values), stdin="id\n1\n2\n")
    row = "-5|t|2024-02-29|\\x00ff|a=b|(null)|1.50"
    expect(w.sql("SELECT * FROM item ORDER BY id"), f"1|{row}\n2|{row}")
    for value, words in (
        ("n=x", 'the value of "n"'),
        ("n=40000", 'the value of "n"'),
        ("y=00", 'the value of "y"'),
        ("id=1", 'column "id" gets two values'),
    ):
        says(w.verb("create", f"--set={value}", stdin="id\n3\n", status=2), words)
    expect(w.verb("create", "--null=-", "--set=t=-", "--set=z=", stdin="id\n3\n").status, 0)
    expect(w.sql("SELECT t IS NULL, z FROM item WHERE id = 3"), "t|")


@case()
def a_value_that_does_not_fit_is_named_with_its_column(w: World) -> None:
    """The manual page, EXIT STATUS 3: "The message names the file, line and column"."""
    w.sql("CREATE TABLE item (id bigint PRIMARY KEY, v numeric(3, 1))")
    value = "1000" if w.engine == "postgresql" else "1e999"
    done = w.verb("create", stdin=f"id,v\n1,{value}\n", status=3)
    says(done, 'standard input:2: column "v": ')
    expect(value in done.err, False)


@case()
def a_long_name_of_a_file_leaves_room_for_the_fault(w: World) -> None:
    w.sql("CREATE TABLE item (id bigint PRIMARY KEY, v numeric(3, 1))")
    value = "1000" if w.engine == "postgresql" else "1e999"
    folder = w.folder
    for _ in range(8):
        folder /= "d" * 200
        folder.mkdir()
    for name, text, words in (
        ("a.csv", f"id,v\n1,{value}\n", ':2: column "'),
        ("b.csv", "id,v\nx,1\n", ':2: column "'),
        ("c.csv", "id,v\n1\n", ":2: the row has 1 cell"),
        ("d.csv", "id,id\n1,1\n", ':1: two columns have the name "id"'),
        ("e.csv", "", ": the file is empty"),
        ("f.csv", 'id,v\n1,"1\n', ":2: the file ends inside a quoted cell"),
        ("g.ndjson", "[1]\n", ":1: this is not a JSON object"),
        ("h.csv.gz", gzip.compress(b"id,v\n")[:-4], ": the compressed data is truncated"),
    ):
        file = folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        says(w.verb("create", str(file), status=3), f"/{name}{words}")
    says(w.verb("create", str(folder / "i.csv"), status=3), "/i.csv: No such file")
