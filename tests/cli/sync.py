"""sync: the rows of a scope become those of the file."""

from __future__ import annotations

import json

from world import World, case, expect, says

SCOPE = "--where=supplier = 7"


def products(w: World, n: int) -> None:
    """Rows s1 to sn of supplier 7, and one of supplier 8."""
    key = "INTEGER" if w.lite else "bigserial"
    w.sql(
        f"CREATE TABLE item (id {key} PRIMARY KEY, sku varchar(20) NOT NULL UNIQUE,"
        " supplier integer, price integer, CHECK (price < 900))"
    )
    rows = ", ".join(f"('s{i}', 7, {i})" for i in range(1, n + 1))
    w.sql(f"INSERT INTO item (sku, supplier, price) VALUES ('x1', 8, 1), {rows}")


def found(w: World) -> str:
    return w.sql("SELECT sku, supplier, price FROM item ORDER BY sku")


@case()
def sync_makes_the_scope_the_file(w: World) -> None:
    products(w, 4)
    path = w.file("feed.csv", "sku,supplier,price\ns1,7,1\ns2,7,20\nnew,7,5\n")
    arguments = [SCOPE, "--key=sku", "--max-deletes=2", path]
    dry = w.verb("sync", "--dry-run", *arguments)
    says(dry, "1 inserted, 1 updated, 1 unchanged, 2 deleted", "rolled back")
    expect(w.sql("SELECT count(*) FROM item"), "5")
    done = w.verb("sync", "--json", *arguments)
    counts = json.loads(done.err.splitlines()[-1])
    names = ("inserted", "updated", "unchanged", "deleted", "dry_run")
    expect([counts[name] for name in names], [1, 1, 1, 2, False])
    expect(found(w), "new|7|5\ns1|7|1\ns2|7|20\nx1|8|1")
    says(w.verb("sync", *arguments), "3 unchanged")


@case()
def sync_refuses_too_many_deletes(w: World) -> None:
    products(w, 40)
    rows = [f"s{i},7,{i}\n" for i in range(1, 41)]
    head = "sku,supplier,price\n"
    few = w.file("few.csv", head + "".join(rows[:29]))
    done = w.verb("sync", SCOPE, "--key=sku", few, status=9)
    says(done, "11 of the 40 rows that --where selects would be deleted", "--max-deletes allows 10")
    says(done, "nothing was written")
    for limit, status in (("0", 9), ("0%", 9), ("10", 9), ("5.5%", 9), ("30%", 0)):
        w.verb("sync", SCOPE, "--key=sku", "-n", "--max-deletes", limit, few, status=status)
    for limit in ("", "x", "-1", "101%", "5 %", "1e3", "nan%"):
        done = w.verb("sync", SCOPE, "--key=sku", f"--max-deletes={limit}", few, status=2)
        says(done, "--max-deletes")
    expect(w.sql("SELECT count(*) FROM item"), "41")
    w.verb("sync", SCOPE, "--key=sku", "--max-deletes=11", few)
    expect(w.sql("SELECT count(*) FROM item"), "30")


@case()
def sync_tells_other_limits_from_that_of_deletes(w: World) -> None:
    """No key is left: exit code 1, and not that of --max-deletes."""
    key = "INTEGER PRIMARY KEY AUTOINCREMENT" if w.lite else "bigserial PRIMARY KEY"
    w.sql(f"CREATE TABLE item (id {key}, sku varchar(20) NOT NULL UNIQUE, supplier integer)")
    w.sql("INSERT INTO item VALUES (9223372036854775807, 's1', 7)")
    if not w.lite:
        w.sql("SELECT setval('item_id_seq', 9223372036854775807)")
    path = w.file("feed.csv", "sku,supplier\ns1,7\nnew,7\n")
    done = w.verb("sync", SCOPE, "--key=sku", path, status=1)
    says(done, "nothing was written")
    expect(w.sql("SELECT count(*) FROM item"), "1")


@case()
def sync_needs_a_unique_index(w: World) -> None:
    products(w, 3)
    path = w.file("feed.csv", "sku,supplier,price\ns1,7,1\n")
    done = w.verb("sync", SCOPE, "--key=price", path, status=2)
    says(done, '"item" has no unique index over exactly ("price")', "other columns with --key")


@case()
def sync_refuses_an_empty_file(w: World) -> None:
    products(w, 3)
    path = w.file("feed.csv", "sku,supplier,price\n")
    done = w.verb("sync", SCOPE, "--key=sku", path, status=2)
    says(done, "--allow-empty")
    expect(w.sql("SELECT count(*) FROM item"), "4")
    says(w.verb("sync", SCOPE, "--key=sku", "--allow-empty", path), "3 deleted")
    expect(found(w), "x1|8|1")


@case()
def sync_names_the_line_of_a_row(w: World) -> None:
    products(w, 3)
    for row, status, words in (
        ("x1,7,1", 4, "its key exists in a row that --where does not select"),
        ("new,8,1", 4, "--where does not select it as it was written"),
        ("new,7,950", 4, "onstraint"),
        ("s1,7,x", 3, "price"),
        ("s2,7,2", 3, "same key"),
    ):
        path = w.file("feed.csv", f"sku,supplier,price\ns2,7,3\n{row}\n")
        done = w.verb("sync", SCOPE, "--key=sku", path, status=status)
        says(done, words, "feed.csv:3" if words != "same key" else "feed.csv")
    expect(found(w), "s1|7|1\ns2|7|2\ns3|7|3\nx1|8|1")


@case()
def sync_needs_a_condition_and_a_file(w: World) -> None:
    products(w, 3)
    rows = "sku,supplier,price\ns1,7,1\n"
    path = w.file("feed.csv", rows)
    says(w.verb("sync", "--key=sku", path, status=2), "--where true is the whole table")
    says(w.verb("sync", "--key=sku", SCOPE, stdin=rows, status=2), "name a FILE")
    for option in ("--workers=2", "--rejects=bad.csv", "--retries=3"):
        done = w.verb("sync", "--key=sku", SCOPE, option, path, status=2)
        says(done, f"{option.split('=')[0]} is not an option of sync")
    expect(w.sql("SELECT count(*) FROM item"), "4")
    plan = w.verb("explain", "--verb=sync", "--key=sku", SCOPE, path)
    expect(plan.out.splitlines()[0], "verb: sync")
    says(w.verb("sync", "--key=sku", "--where=true", path), "1 unchanged, 3 deleted")


@case("postgresql")
def sync_uses_sequence_values_for_new_rows_only(w: World) -> None:
    products(w, 3)
    last = int(w.sql("SELECT max(id) FROM item"))
    path = w.file("feed.csv", "sku,supplier,price\ns1,7,9\ns2,7,2\ns3,7,3\nnew,7,4\n")
    for _ in range(2):
        w.verb("sync", "--key=sku", SCOPE, path)
    expect(w.sql("SELECT id FROM item WHERE sku = 'new'"), str(last + 1))


@case()
def sync_reads_files_in_parts(w: World) -> None:
    products(w, 3)
    rows = [f"p{i},7,{i % 800}\n" for i in range(60000)]
    first = w.file("a.csv", "sku,supplier,price\n" + "".join(rows[:35000]))
    second = w.file("b.csv", "sku,supplier,price\n" + "".join(rows[35000:]))
    says(w.verb("sync", "--key=sku", SCOPE, first, second), "60,000 inserted, 3 deleted")
    rows[40000] = "p40000,7,801\n"
    w.file("b.csv", "sku,supplier,price\n" + "".join(rows[35001:]))
    done = w.verb("sync", "--key=sku", SCOPE, first, second)
    says(done, "1 updated, 59,998 unchanged, 1 deleted")
