"""--returning: the keys of the rows that were written."""

from __future__ import annotations

from world import THREE, World, case, expect, says


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
def returning_gives_an_ignored_row_no_key(w: World) -> None:
    """The keys of the file, too: line n of the output belongs to row n of the input."""
    w.items(THREE)
    path = w.folder / "keys.csv"
    rows = "id,name\n3,x\n9,y\n9,z\n2,b\n8,w\n"
    w.verb("create", "--on-conflict=ignore", f"--returning={path}", stdin=rows)
    expect(path.read_text(), "id\n\n9\n\n\n8\n")
    expect(w.sql("SELECT id, name FROM item WHERE id > 3 ORDER BY id"), "8|w\n9|y")
    done = w.verb("create", "--on-conflict=ignore", "--returning=-", "--null=-", stdin=rows)
    expect(done.out, "id\n-\n-\n-\n-\n-\n")
    done = w.verb(
        "create",
        "--on-conflict=ignore",
        "--returning=-",
        "--format=ndjson",
        stdin='{"id": 8, "name": "v"}\n{"id": 7, "name": "u"}\n',
    )
    expect(done.out, '{"id": null}\n{"id": 7}\n')


@case()
def returning_of_a_key_of_two_columns(w: World) -> None:
    w.sql("CREATE TABLE item (a integer, b integer, note text, PRIMARY KEY (a, b))")
    w.sql("INSERT INTO item VALUES (1, 1, 'x')")
    rows = "note,b,a\nn,1,1\nm,2,1\n"
    done = w.verb("create", "--on-conflict=ignore", "--returning=-", stdin=rows)
    expect(done.out, "b,a\n,\n2,1\n")
    done = w.verb("upsert", "--returning=-", stdin=rows)
    expect(done.out, "b,a\n1,1\n2,1\n")
    expect(w.sql("SELECT note FROM item ORDER BY b"), "n\nm")


@case("sqlite")
def returning_needs_a_primary_key(w: World) -> None:
    w.sql("CREATE TABLE item (a integer)")
    says(w.verb("create", "--returning=-", stdin="a\n1\n", status=2), "no primary key")
    expect(w.sql("SELECT count(*) FROM item"), "0")
