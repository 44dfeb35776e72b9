"""What each verb does to the table."""

from __future__ import annotations

import json

from world import THREE, World, case, expect, says


@case()
def create_inserts_the_rows(w: World) -> None:
    w.items()
    path = w.file("f.csv", 'name,value,note\na,1,\nb,,x\nc,3,""\n')
    says(w.verb("create", path), "3 inserted in ")
    expect(w.all(), "1|a|1|(null)\n2|b|(null)|x\n3|c|3|")


@case()
def create_with_keys_of_the_file(w: World) -> None:
    w.items()
    w.verb("create", stdin="id,name\n70,a\n60,b\n")
    expect(w.all(), "60|b|7|(null)\n70|a|7|(null)")


@case()
def create_refuses_a_key_that_is_there(w: World) -> None:
    w.items(THREE)
    done = w.verb("create", stdin="id,name\n9,a\n2,b\n", status=4)
    says(done, "nothing was written")
    expect(w.sql("SELECT count(*) FROM item"), "3")


@case()
def create_on_conflict(w: World) -> None:
    w.items(THREE)
    rows = "id,name,value\n2,new,5\n4,d,6\n"
    says(w.verb("create", "--on-conflict=ignore", stdin=rows), "1 inserted, 1 ignored")
    expect(w.sql("SELECT name FROM item WHERE id = 2"), "b")
    says(w.verb("create", "--on-conflict=update", stdin=rows), "2 updated")
    expect(w.all(), "1|a|10|x\n2|new|5|(null)\n3|c|30|\n4|d|6|(null)")


@case()
def upsert_by_another_key(w: World) -> None:
    w.items(THREE)
    w.sql("CREATE UNIQUE INDEX by_name ON item (name)")
    done = w.verb("upsert", "--key=name", stdin="name,value\nb,21\nz,22\n")
    says(done, "1 inserted", "1 updated")
    expect(w.sql("SELECT name, value FROM item ORDER BY name"), "a|10\nb|21\nc|30\nz|22")


def count_updates(w: World) -> None:
    """Log the key of each row of item that an UPDATE writes."""
    w.sql("CREATE TABLE log (id bigint)")
    if w.lite:
        w.sql("CREATE TRIGGER noted UPDATE ON item BEGIN INSERT INTO log VALUES (new.id); END")
        return
    w.sql(
        "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO log VALUES (new.id); RETURN NULL; END $$"
    )
    w.sql("CREATE TRIGGER noted AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION note_it()")


@case()
def upsert_writes_no_unchanged_row(w: World) -> None:
    w.items(THREE)
    count_updates(w)
    rows = "id,value,name,note\n1,10,a,x\n2,20,b,y\n3,30,c,z\n9,9,z,\n"
    for options in (["--dry-run"], ["--rejects", str(w.folder / "bad.csv")]):
        says(w.verb("upsert", *options, stdin=rows), "1 inserted, 2 updated, 1 unchanged")
    expect(w.sql("SELECT id FROM log ORDER BY id"), "2\n3")
    done = json.loads(w.verb("upsert", "--json", stdin=rows).err.splitlines()[-1])
    expect([done[name] for name in ("inserted", "updated", "unchanged")], [0, 0, 4])
    says(w.verb("upsert", "--update-unchanged", stdin=rows), "4 updated")
    expect(w.sql("SELECT count(*) FROM log"), "6")


@case("postgresql")
def upsert_uses_no_sequence_value_for_rows_that_exist(w: World) -> None:
    w.items(THREE)
    w.sql("CREATE UNIQUE INDEX by_name ON item (name)")
    w.verb("create", stdin="name,value\nd,40\n")
    last = int(w.sql("SELECT max(id) FROM item"))
    for _ in range(3):
        w.verb("upsert", "--key=name", stdin="name,value\na,1\nb,2\nc,3\nd,40\n")
    w.verb("upsert", "--key=name", stdin="name,value\na,5\nz,22\n")
    expect(w.sql("SELECT id FROM item WHERE name = 'z'"), str(last + 1))


@case()
def upsert_where_chooses_what_is_updated(w: World) -> None:
    w.items(THREE)
    rows = "id,name,value\n1,a,5\n2,b,25\n4,d,1\n"
    done = w.verb("upsert", "--where=t.value < excluded.value", stdin=rows)
    says(done, "1 inserted, 1 updated, 1 ignored")
    expect(w.sql("SELECT id, value FROM item ORDER BY id"), "1|10\n2|25\n3|30\n4|1")
    keys = w.verb("upsert", "--where=t.value < 20", "--returning=-", stdin=rows)
    expect(keys.out, "id\n1\n\n\n")
    plan = w.verb("explain", "--verb=upsert", "--where=t.value < excluded.value", stdin=rows)
    expect("t.value < excluded.value" in plan.out, True)
    for verb in ("create", "update-fields", "delete"):
        refused = w.verb("explain", "--verb", verb, "--where=true", stdin=rows, status=2)
        says(refused, f"--where is not an option of {verb}")


@case()
def update_fields_gives_each_row_its_own(w: World) -> None:
    w.items(THREE)
    done = w.verb("update-fields", stdin="value,id,note\n11,1,\n33,3,y\n99,9,z\n")
    says(done, "2 updated, 1 missing")
    expect(w.all(), "1|a|11|(null)\n2|b|20|(null)\n3|c|33|y")


@case()
def update_fields_by_another_key(w: World) -> None:
    w.items(THREE)
    w.verb("update-fields", "--key", "name", stdin="name,value\nc,1\n")
    expect(w.sql("SELECT value FROM item ORDER BY id"), "10\n20\n1")


@case()
def delete_takes_the_keys_and_leaves_the_rest(w: World) -> None:
    w.items(THREE)
    says(w.verb("delete", stdin="name,id\nzzz,1\nzzz,3\nzzz,8\n"), "2 deleted", "1 missing")
    expect(w.all(), "2|b|20|(null)")


@case()
def dry_run_tells_and_rolls_back(w: World) -> None:
    w.items(THREE)
    rows = "id,name\n3,n\n4,m\n"
    says(w.verb("upsert", "--dry-run", stdin=rows), "1 inserted, 1 updated", "rolled back")
    says(w.verb("update-fields", "-n", stdin=rows), "1 updated, 1 missing", "rolled back")
    expect(w.all(), "1|a|10|x\n2|b|20|(null)\n3|c|30|")


@case()
def explain_sends_nothing(w: World) -> None:
    w.items(THREE)
    done = w.verb("explain", "--verb=update-fields", stdin="id,name\n1,z\n")
    expect(done.out.splitlines()[:2], ["verb: update_fields", f"engine: {w.engine}"])
    expect(w.sql("SELECT name FROM item WHERE id = 1"), "a")


@case()
def columns_map_and_set(w: World) -> None:
    w.items()
    path = w.file("f.csv", "Name,junk,value\na,1,2\n")
    w.verb("create", path, "--map=Name=name", "--columns=name", "--set", "value=5")
    w.verb("create", path, "-m", "Name=name", "-m", "junk=note", "--set=id=9")
    w.verb("create", "--no-header", "-c", "note,name", "-s", "value=", stdin="n,b\n")
    expect(
        w.sql("SELECT name, value, note FROM item ORDER BY name, value"),
        "a|2|1\na|5|(null)\nb|(null)|n",
    )


@case()
def without_a_header_the_table_says_the_columns(w: World) -> None:
    w.items()
    w.verb("create", "--no-header", stdin="5,a,6,x\n")
    expect(w.all(), "5|a|6|x")


@case()
def files_one_after_the_other_are_one_transaction(w: World) -> None:
    w.items()
    first = w.file("1.csv", "name,value\na,1\n")
    second = w.file("2.tsv", "value\tname\n2\tb\n")
    says(w.verb("create", first, second), "2 inserted")
    expect(w.sql("SELECT name, value FROM item ORDER BY name"), "a|1\nb|2")
    other = w.file("3.csv", "name,note\na,1\n")
    says(w.verb("create", first, other, status=3), '3.csv: column "note" is not in the first file')
    expect(w.sql("SELECT count(*) FROM item"), "2")


@case()
def a_table_in_a_schema_with_an_odd_name(w: World) -> None:
    schema = "main" if w.engine == "sqlite" else w.schema
    w.sql('CREATE TABLE "a.b ""c" (id integer)')
    w.run("create", w.database, f'{schema}."a.b ""c"', stdin="id\n1\n")
    expect(w.sql('SELECT id FROM "a.b ""c"'), "1")
