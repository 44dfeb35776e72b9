"""copy-to: what is written, and that it can be read back."""

from __future__ import annotations

import json

from world import THREE, World, case, expect, says


@case()
def copy_to_is_read_back_as_it_was(w: World) -> None:
    odd = "(4, ' a,\"b\"\r\n', -5, '\\N'), (5, 'é', NULL, 'a\tb')"
    w.items(f"{THREE}, {odd}")
    before = w.all()
    for name in ("f.csv", "f.tsv", "f.ndjson"):
        path = str(w.folder / name)
        w.verb("copy-to", "-o", path)
        w.sql("DELETE FROM item")
        says(w.verb("create", path), "5 inserted")
        expect(w.all(), before)


@case()
def copy_to_what_is_asked_for(w: World) -> None:
    w.items(THREE)
    done = w.verb("copy-to", "-c", "name,id", "--where", "id > 1", "--order-by", "id DESC")
    expect(done.out, "name,id\nc,3\nb,2\n")
    done = w.verb("copy-to", "--no-header", "-d", ";", "--null=-", "--where=id=2")
    expect(done.out, "2;b;20;-\n")
    done = w.verb("copy-to", "--format=ndjson", "--where=id=2")
    expect(json.loads(done.out), {"id": 2, "name": "b", "value": 20, "note": None})
    says(w.verb("copy-to", "-c", "nothing", status=2), 'no column "nothing"')
    done = w.verb("copy-to", "--null=x", "-c", "id,note")
    expect(done.out, 'id,note\n1,"x"\n2,x\n3,""\n')
    says(w.verb("copy-to", "--null=a,b", status=2), "--null must not contain the delimiter")


@case()
def l14_generated_columns_go_out_like_others(w: World) -> None:
    w.sql(
        "CREATE TABLE item (id integer PRIMARY KEY, "
        "g integer GENERATED ALWAYS AS (id * 2) STORED, name text)"
    )
    w.sql("INSERT INTO item (id, name) VALUES (1, 'a'), (2, 'b')")
    expect(w.verb("copy-to", "--order-by=id").out, "id,g,name\n1,2,a\n2,4,b\n")
    expect(sorted(w.verb("copy-to").out.split()), ["1,2,a", "2,4,b", "id,g,name"])
    expect(w.verb("copy-to", "-c", "g", "--where", "id = 2").out, "g\n4\n")


@case("sqlite")
def issue_9_numbers_of_a_column_without_a_type_go_out(w: World) -> None:
    w.sql("CREATE TABLE item (id integer PRIMARY KEY, bare, named string, any_one any)")
    w.sql(
        "INSERT INTO item VALUES (1, 5, '007', 1), (2, '5', 'x', 2.0), (3, 5.0, 1.5, 'y'), "
        "(4, 9007199254740993, NULL, -9223372036854775808), (5, 0.1, 1e300, NULL)"
    )
    expect(
        w.verb("copy-to", "--order-by=id").out,
        "id,bare,named,any_one\n1,5,7,1\n2,5,x,2\n3,5.0,1.5,y\n"
        "4,9007199254740993,,-9223372036854775808\n5,0.1,1e+300,\n",
    )
    done = w.verb("copy-to", "-f", "ndjson", "--where=id = 4")
    expect(json.loads(done.out)["bare"], "9007199254740993")
    w.sql("UPDATE item SET bare = x'00ff' WHERE id = 3")
    done = w.verb("copy-to", "--order-by=id", status=3)
    says(done, 'row 2, column "bare"')
    says(done, "expected TEXT or a number, found a BLOB")


@case()
def copy_to_that_fails_leaves_no_file(w: World) -> None:
    w.items(THREE)
    path = w.folder / "out.csv"
    w.verb("copy-to", "-o", str(path), "--where", "nothing = 1", status=1 if w.lite else 2)
    expect(path.exists(), False)


@case("postgresql")
def every_type_goes_out_and_in(w: World) -> None:
    w.sql("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    w.sql(
        "CREATE TABLE item (id int PRIMARY KEY, b bool, i2 smallint, f4 real, f8 float8, "
        "n numeric(9, 2), c char(3), y bytea, d date, h time, s timestamp, z timestamptz, u uuid, "
        "j json, k jsonb, e mood, p inet)"
    )
    w.sql(
        "INSERT INTO item VALUES (1, true, -5, 0.1, 0.1, 12.30, 'x', '\\x00ff', '0001-01-01', "
        "'23:59:59.25', '9999-12-31 23:59:59', '2024-02-29 12:00:00.000001+02', "
        "'00112233-4455-6677-8899-aabbccddeeff', E'{\"a\":\\n 1}', '[1, null]', 'glad', "
        "'10.0.0.1/8')"
    )
    w.sql("INSERT INTO item (id, f4, f8, n) VALUES (2, 'NaN', '-Infinity', 'NaN')")
    w.sql("INSERT INTO item (id, f4, f8, j) VALUES (3, 3.4e38, 1e-300, '\"null\"')")
    before = w.sql("SELECT to_jsonb(item)::text FROM item ORDER BY id")
    for name in ("f.csv", "f.ndjson"):
        path = str(w.folder / name)
        w.verb("copy-to", "-o", path)
        w.sql("DELETE FROM item")
        w.verb("create", path)
        expect(w.sql("SELECT to_jsonb(item)::text FROM item ORDER BY id"), before)


@case("postgresql")
def the_two_nulls_are_told_apart(w: World) -> None:
    w.sql("CREATE TABLE item (id int PRIMARY KEY, j jsonb)")
    w.sql("INSERT INTO item VALUES (1, 'null'), (2, NULL)")
    w.verb("create", "--truncate", stdin=w.verb("copy-to").out)
    expect(w.sql("SELECT id, j FROM item ORDER BY id"), "1|null\n2|(null)")
    says(w.verb("copy-to", "--format=ndjson", status=3), "the JSON value null")
