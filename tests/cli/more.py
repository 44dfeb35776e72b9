"""What goes out, what comes back, and what is done around the rows."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

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
    says(w.verb("copy-to", "--null=a,b", status=2), "--null has a delimiter")


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
    says(w.verb("copy-to", "--format=ndjson", status=3), "JSON's null")


@case()
def rows_of_json(w: World) -> None:
    w.items()
    rows = (
        '{"id": 1, "name": "\\u00e9\\n", "value": 12, "note": {"a": [1, {"b": "}"}]}}\r\n\n'
        '{"note": null, "value": null, "name": "", "id": 2}'
    )
    w.verb("create", "--format=ndjson", stdin=rows)
    expect(w.all(), '1|é\n|12|{"a": [1, {"b": "}"}]}\n2||(null)|(null)')
    w.verb("update-fields", "-c", "id,value", w.file("f.jsonl", '{"id": 2, "x": 1, "value": 5}\n'))
    expect(w.sql("SELECT value FROM item ORDER BY id"), "12\n5")


@case("sqlite")
def faults_of_json_name_file_and_line(w: World) -> None:
    w.items()
    first = '{"id": 1, "name": "a"}\n'
    for text, line, words in [
        (first + '{"id": 2}\n', 2, 'key "name" is missing here'),
        (first + '\n{"id": 2, "name": "b", "x": 1}\n', 3, "is not in the first row"),
        (first + '{"id": 2, "id": 3, "name": "b"}\n', 2, "stands twice"),
        (first + '{"id": 2, "name": \n', 2, "the line ends inside an object"),
        (first + "{id: 2}\n", 2, "this is no JSON, at byte 2"),
        (first + '{"id": 1.5, "name": "b"}\n', 2, "write 1, not 1.0"),
        (first + '{"id": [1], "name": "b"}\n', 2, "holds an object or an array"),
        ("[1]\n", 1, "a row is an object"),
        ("7\n", 1, "this is no JSON object"),
    ]:
        path = w.file("f.ndjson", text)
        says(w.verb("create", path, status=3), f"f.ndjson:{line}: ", words)
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case()
def returning_writes_the_keys_in_input_order(w: World) -> None:
    w.items(THREE)
    path = w.folder / "keys.csv"
    rows = "".join(f"n{i},{i}\n" for i in range(3000))
    w.verb("create", "--returning", str(path), "--batch-size=700", stdin=f"name,value\n{rows}")
    keys = path.read_text().splitlines()
    expect(keys[0], "id")
    found = w.sql("SELECT id FROM item WHERE name LIKE 'n%' ORDER BY value").splitlines()
    expect(keys[1:], found)
    w.verb("create", "--returning", str(path), stdin="id,name\n3,x\n", status=4)
    expect(path.read_text().splitlines(), keys)


@case()
def returning_tells_which_rows_were_left_out(w: World) -> None:
    w.items(THREE)
    w.sql("CREATE UNIQUE INDEX by_name ON item (name)")
    path = w.folder / "keys.csv"
    rows = "name,value\nb,1\nz,2\n"
    w.verb("create", "--on-conflict=ignore", "-k", "name", f"--returning={path}", stdin=rows)
    key = w.sql("SELECT id FROM item WHERE name = 'z'")
    expect(path.read_text(), f"id\n\n{key}\n")
    w.verb("upsert", "--key=name", f"--returning={path}", stdin="name,value\nz,3\nb,4\n")
    expect(path.read_text(), f"id\n{key}\n2\n")
    expect(w.sql("SELECT value FROM item WHERE name IN ('b', 'z') ORDER BY name"), "4\n3")


@case()
def truncate_is_part_of_the_transaction(w: World) -> None:
    w.items(THREE)
    w.verb("create", "--truncate", stdin="id,name\n1,n\nx,m\n", status=3)
    expect(w.sql("SELECT count(*) FROM item"), "3")
    w.verb("create", "--truncate", "--dry-run", stdin="id,name\n1,n\n")
    expect(w.sql("SELECT count(*) FROM item"), "3")
    says(w.verb("create", "--truncate", "--analyze", stdin="id,name\n1,n\n"), "1 inserted")
    expect(w.all(), "1|n|7|(null)")


@case()
def l4_truncate_leaves_the_rows_of_children(w: World) -> None:
    w.items(THREE)
    w.sql(
        "CREATE TABLE child (id integer PRIMARY KEY, i integer REFERENCES item ON DELETE CASCADE)"
    )
    w.sql("INSERT INTO child VALUES (1, 1), (2, 2)")
    says(w.verb("create", "--truncate", stdin="id,name\n1,n\n", status=2), '"child"')
    expect(w.sql("SELECT count(*) FROM child"), "2")
    expect(w.sql("SELECT count(*) FROM item"), "3")


@case("postgresql")
def keys_above_the_sequence(w: World) -> None:
    w.items()
    done = w.verb("create", stdin="id,name\n500,a\n")
    says(done, "warning", "--sync-sequences")
    w.verb("create", "--sync-sequences", stdin="id,name\n600,b\n")
    done = w.verb("create", stdin="name\nc\n")
    expect("warning" in done.err, False)
    expect(w.sql("SELECT id FROM item WHERE name = 'c'"), "601")


@case("postgresql")
def workers_write_all_or_nothing(w: World) -> None:
    w.items()
    rows = "".join(f"{i},n{i}\n" for i in range(1, 200001))
    says(w.verb("create", "--workers=3", "-n", stdin=f"id,name\n{rows}"), "200,000 inserted")
    expect(w.sql("SELECT count(*) FROM item"), "0")
    done = w.verb("create", "--workers=3", stdin=f"id,name\n{rows}")
    says(done, "200,000 inserted", "--sync-sequences")
    wanted = "200000|20000100000|200000"
    expect(w.sql("SELECT count(*), sum(id), count(DISTINCT name) FROM item"), wanted)
    says(w.verb("update-fields", "-j2", stdin=f"id,name\n{rows}"), "200,000 updated")
    done = w.verb("upsert", "-j", "2", stdin=f"id,name\n{rows}900000,x\n7,y,z\n", status=3)
    says(done, "standard input:200003: 3 cells")
    expect(w.sql("SELECT count(*), sum(id), count(DISTINCT name) FROM item"), wanted)
    says(w.verb("delete", "--workers=2", stdin=f"id,name\n{rows}"), "200,000 deleted")
    for option in ("--truncate", "--returning=f"):
        w.verb("create", "--workers=2", option, stdin="id,name\n", status=2)


@case("postgresql")
def w9_what_may_pass_is_tried_again(w: World) -> None:
    w.items()
    path = w.folder / "rows.csv"
    path.write_text("id,name\n" + "".join(f"{i},n{i}\n" for i in range(1, 3001)))
    w.sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('attempts') <= 3 THEN RAISE 'again' USING ERRCODE = '40P01'; END IF;"
        " RETURN NULL; END $$"
    )
    w.sql(
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION fail()"
    )
    for option, status in (("--retries=0", 6), ("--retries=2", 6), ("--retries=3", 0)):
        w.sql("DROP SEQUENCE IF EXISTS attempts; CREATE SEQUENCE attempts")
        done = w.verb("create", "--json", option, str(path), status=status)
        expect(w.sql("SELECT count(*) FROM item"), "0" if status else "3000")
        if status == 0:
            expect(json.loads(done.err.splitlines()[-1])["replays"], 3)
    w.sql("DELETE FROM item; DROP SEQUENCE attempts; CREATE SEQUENCE attempts")
    w.verb("create", stdin=path.read_text(), status=6)  # a pipe is read once
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case()
def dry_run_tells_what_is_unchanged(w: World) -> None:
    w.items(THREE)
    rows = "id,value,name,note\n1,10,a,x\n2,20,b,y\n3,30,c,\n9,9,z,\n"
    done = w.verb("update-fields", "--dry-run", stdin=rows)
    says(done, "2 updated, 1 unchanged, 1 missing")
    done = w.verb("upsert", "--dry-run", "-c", "id,value,name", stdin=rows)
    says(done, "1 inserted, 3 unchanged")
    expect(w.all(), "1|a|10|x\n2|b|20|(null)\n3|c|30|")


@case()
def the_example_runs(w: World) -> None:
    w.sql(
        "CREATE TABLE product (id integer PRIMARY KEY, name varchar(50), price numeric(10, 2), "
        "note text)"
    )
    path = f"{Path(w.program).parent}:{os.environ['PATH']}"
    example = Path(__file__).parents[2] / "examples/command.sh"
    done = subprocess.run(
        [example, w.database], env={**os.environ, "PATH": path}, capture_output=True, check=True
    )
    expect(
        done.stdout.decode().splitlines()[0::3],
        ["id,name,price,note", '3,Sugar,1.10,""']
        if not w.lite
        else ["id,name,price,note", '3,Sugar,1.1,""'],
    )
    expect(
        w.sql("SELECT id, price, note FROM product WHERE id < 3 ORDER BY id"),
        f'1|{"4.8" if w.lite else "4.80"}|(null)\n2|{"7.9" if w.lite else "7.90"}|from "Finca A"',
    )


@case("sqlite")
def a_file_that_cannot_be_written(w: World) -> None:
    w.items(THREE)
    says(w.verb("copy-to", "-o", "/nowhere/f.csv", status=1), "No such file")
    if Path("/dev/full").exists():
        says(w.verb("copy-to", "-o", "/dev/full", status=1), "No space left")
