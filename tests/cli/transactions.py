"""One command is one transaction: --truncate, --dry-run, sequences, retries."""

from __future__ import annotations

import json
import sqlite3

from world import THREE, World, case, expect, says


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


@case()
def a_deferred_key_names_its_line(w: World) -> None:
    """The error comes at COMMIT, when the file is read; a pipe cannot be read again."""
    w.sql("CREATE TABLE part (id bigint PRIMARY KEY)")
    w.sql("INSERT INTO part VALUES (1)")
    w.sql(
        "CREATE TABLE item (id bigint PRIMARY KEY,"
        " part bigint REFERENCES part (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    w.sql("INSERT INTO item VALUES (3, 1)")
    rows = [f"{i},{99 if i == 1700 else 1}\n" for i in range(10, 3000)]
    files = [
        w.file("first.csv", "id,part\n" + "".join(rows[:1000])),
        w.file("second.csv", "id,part\n" + "".join(rows[1000:])),
    ]
    for verb in ("create", "upsert"):
        for options in ([], ["--dry-run"], ["--batch-size=500"], ["--truncate", "--dry-run"]):
            if verb == "upsert" and "--truncate" in options:
                continue
            done = w.verb(verb, *options, *files, status=4)
            names_it = "--truncate" not in options and (verb, options) != ("upsert", ["--dry-run"])
            says(done, "nothing was written", *(["second.csv:692"] if names_it else []))
    w.verb("create", stdin="id,part\n" + "".join(rows), status=4)
    expect(w.sql("SELECT count(*) FROM item"), "1")
    done = w.verb("update-fields", w.file("u.csv", "id,part\n3,98\n"), status=4)
    says(done, "u.csv:2")
    expect(w.sql("SELECT part FROM item"), "1")


@case()
def l25_what_is_no_fault_of_a_row_names_no_line(w: World) -> None:
    """Of a file of one row, too."""
    one = w.file("one.csv", "id,v\n1,2\n")
    w.sql("CREATE TABLE item (id bigint PRIMARY KEY, v integer)")
    refused = []
    if w.lite:
        w.sql("DROP TABLE item")
        w.sql("CREATE VIEW item AS SELECT 1 AS id, 2 AS v")
        refused.append((w.verb("create", one, status=1), "view"))
        with sqlite3.connect(w.folder / "test.db", isolation_level=None) as other:
            w.sql("DROP VIEW item")
            w.sql("CREATE TABLE item (id bigint PRIMARY KEY, v integer)")
            other.execute("BEGIN IMMEDIATE")
            late = w.verb("create", "--timeout=200ms", "--retries=0", one, status=6)
            refused.append((late, "timeout"))
            other.execute("ROLLBACK")
        other.close()
    else:
        url = w.database + " options='-cdefault_transaction_read_only=on"
        url += f" -csearch_path={w.schema}'"
        done = w.run("create", url, "item", one, status=1)
        says(done, "read-only")
        expect("one.csv" in done.err, False)
        w.sql("CREATE MATERIALIZED VIEW seen AS SELECT 1 AS id, 2 AS v")
        refused.append((w.run("create", w.database, "seen", one, status=1), "materialized view"))
    for done, word in refused:
        says(done, word, "nothing was written")
        expect("one.csv" in done.err, False)
    expect(w.sql("SELECT count(*) FROM item"), "0")


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


# Raises SQLSTATE 40P01 at COMMIT, as often as "attempts" is below a number.
DEADLOCKS = """
CREATE SEQUENCE attempts;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF nextval('attempts') <= 2 THEN RAISE 'again' USING ERRCODE = '40P01'; END IF;
 RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED
 FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION fail()
"""


@case("postgresql")
def a_retry_is_reported(w: World) -> None:
    w.sql("CREATE TABLE item (id integer PRIMARY KEY, name text)")
    w.sql(DEADLOCKS)
    path = w.file("rows.csv", "id,name\n" + "".join(f"{i},n{i}\n" for i in range(1, 3001)))
    done = w.verb("create", "--retries=5", path)
    lines = done.err.splitlines()
    expect(lines[:2], [f"bulkmodel: retry {i} of 5: again" for i in (1, 2)])
    expect((len(lines), "3,000 inserted" in lines[2]), (3, True))
    for options, wanted in ((["--json"], ["retry", "retry", "done"]), (["--quiet"], [])):
        w.sql("DELETE FROM item; SELECT setval('attempts', 1, false)")
        done = w.verb("create", *options, path)
        events = [json.loads(line) for line in done.err.splitlines()]
        events = [event for event in events if event["event"] != "progress"]
        expect([event["event"] for event in events], wanted)
        for i, event in enumerate(events[:-1], 1):
            told = (event["retry"], event["most"], event["status"], event["message"])
            expect(told, (i, 3, "RETRY", "again"))
    expect(w.sql("SELECT count(*) FROM item"), "3000")


@case()
def a_batch_that_is_too_large_is_refused(w: World) -> None:
    w.items(THREE)
    for verb in ("create", "update-fields", "upsert", "delete", "explain", "copy-to"):
        done = w.verb(verb, "--batch-size=99999999999", stdin="id,name\n1,n\n", status=2)
        says(done, "--batch-size: 99999999999 is too large", 'maximum for table "item" is ')
    expect(w.all(), "1|a|10|x\n2|b|20|(null)\n3|c|30|")
