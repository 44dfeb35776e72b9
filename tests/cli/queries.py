"""copy-to --query: the rows of a SELECT (issue 13)."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma

from world import THREE, World, case, expect, says

SUMS = "SELECT note, count(*) AS n, sum(value) AS total FROM item GROUP BY note ORDER BY n DESC, 3"


def query(w: World, sql: str, *arguments: str, status: int = 0) -> tuple[str, str]:
    """What the command wrote, and what it said."""
    done = w.run("copy-to", w.database, "--query", sql, *arguments, status=status)
    return done.out, done.err


@case()
def a_query_in_every_format(w: World) -> None:
    w.items("(1, 'a', 10, 'x'), (2, 'b', 20, 'y, z'), (3, 'c', 5, 'x'), (4, 'd', 1, NULL)")
    sql = "SELECT note, count(*) AS n, sum(value) AS total FROM item GROUP BY note ORDER BY total"
    rows = [
        {"note": None, "n": 1, "total": 1},
        {"note": "x", "n": 2, "total": 15},
        {"note": "y, z", "n": 1, "total": 20},
    ]
    expect(query(w, sql)[0], 'note,n,total\n,1,1\nx,2,15\n"y, z",1,20\n')
    expect(
        query(w, sql, "-f", "tsv", "--null=-")[0],
        "note\tn\ttotal\n-\t1\t1\nx\t2\t15\ny, z\t1\t20\n",
    )
    expect([json.loads(line) for line in query(w, sql, "-f", "ndjson")[0].splitlines()], rows)
    expect(json.loads(query(w, sql, "-f", "json")[0]), rows)
    expect(query(w, sql, "-c", "total,note", "--no-header", "-d", ";")[0], "1;\n15;x\n20;y, z\n")
    expect(query(w, sql + " -- the end")[0].count("\n"), 4)
    expect(query(w, sql + " ;\n")[0].count("\n"), 4)
    expect(query(w, sql + "; -- all")[0].count("\n"), 4)
    expect(query(w, sql + ";/* all */ ;")[0].count("\n"), 4)
    expect(json.loads(query(w, sql, "--json", "-o", str(w.folder / "j"))[1])["read"], 3)


@case()
def a_query_into_files(w: World) -> None:
    w.items(", ".join(f"({n}, 'n{n}', {n}, NULL)" for n in range(1, 101)))
    sql = "SELECT id, name FROM item WHERE value > 10 ORDER BY id DESC"
    want = "id,name\n" + "".join(f"{n},n{n}\n" for n in range(100, 10, -1))
    for ending, read in ((".gz", gzip.open), (".bz2", bz2.open), (".xz", lzma.open)):
        path = w.folder / f"out.csv{ending}"
        query(w, sql, "-o", str(path))
        with read(path, "rt") as stream:
            expect(stream.read(), want)
    query(w, sql, "-o", str(w.folder / "part.csv"), "--part-size=200")
    parts = sorted(w.folder.glob("part-*.csv"))
    expect(len(parts) > 3, True)
    found = [row for part in parts for row in csv.reader(io.StringIO(part.read_text()))]
    expect([row for row in found if row[0] != "id"], list(csv.reader(io.StringIO(want)))[1:])


@case()
def a_query_is_read_back(w: World) -> None:
    w.items(THREE)
    path = str(w.folder / "copy.csv")
    query(w, "SELECT id + 10 AS id, name, value, note FROM item ORDER BY id", "-o", path)
    w.verb("create", path)
    expect(w.sql("SELECT count(*) FROM item WHERE id > 10"), "3")


@case()
def a_query_without_rows(w: World) -> None:
    w.items()
    expect(query(w, "SELECT name, value FROM item")[0], "name,value\n")
    expect(json.loads(query(w, "SELECT name FROM item", "-f", "json")[0]), [])
    expect(query(w, "SELECT name FROM item", "-f", "ndjson")[0], "")


@case()
def what_a_query_is_not(w: World) -> None:
    w.items(THREE)
    before = w.all()
    for sql, words in (
        ("SELECT 1 AS a; SELECT 2", "more than one statement"),
        ("SELECT 1 AS a; DELETE FROM item", "more than one statement"),
        ("", "returns no columns"),
        ("SELECT id, name AS id FROM item", 'two columns "id": give one another name with AS'),
        ("SELECT nothing FROM item", "nothing"),
        ("SHOW work_mem", "expected a SELECT"),
        ("PRAGMA table_info(item)", "expected a SELECT"),
        ("EXPLAIN SELECT 1 AS a", "expected a SELECT"),
        ('SELECT 1 AS "a\tb"', "has a tab or a line end in its name"),
    ):
        for form in ("csv", "json"):
            code = 1 if w.lite and "nothing" in sql else 2
            out, err = query(w, sql, "-f", form, status=code)
            expect((out, words in err), ("", True))
    for sql in ("DELETE FROM item", "DELETE FROM item RETURNING id", "DROP TABLE item"):
        out, err = query(w, sql, status=2)
        expect((out, "expected a SELECT" in err), ("", True))
    expect(w.all(), before)


@case()
def options_beside_a_query(w: World) -> None:
    w.items(THREE)
    says(w.run("copy-to", w.database, status=2), "copy-to needs a TABLE, or --query SQL")
    says(w.verb("copy-to", "--query", SUMS, status=2), "--query takes the place of TABLE")
    for option in ("--where=true", "--order-by=n"):
        err = query(w, SUMS, option, status=2)[1]
        expect(f"put {option.split('=')[0]} there" in err, True)
    expect('the query has no column "id"' in query(w, SUMS, "-c", "id", status=2)[1], True)
    says(w.verb("create", "--query", SUMS, status=2), "--query is not an option of create")


@case()
def a_query_that_fails_leaves_the_old_file(w: World) -> None:
    w.items("(1, 'a', 0, NULL)")
    path = w.folder / "out.csv"
    path.write_text("old")
    sql = "SELECT 1 / value AS x FROM item" if not w.lite else "SELECT abs(-9223372036854775808)"
    query(w, sql, "-o", str(path), status=1 if w.lite else 3)
    expect(path.read_text(), "old")


@case("postgresql")
def types_of_a_query(w: World) -> None:
    sql = (
        "SELECT 1.50::numeric(8,2) AS a, date '2024-02-29' AS d, true AS b, ARRAY[1, NULL] AS l, "
        "'infinity'::timestamptz AS i, '{\"k\": [1]}'::jsonb AS j, 'x'::char(3) AS c, NULL AS u"
    )
    out, _ = query(w, sql, "-f", "ndjson")
    expect(
        json.loads(out),
        {
            "a": 1.50,
            "d": "2024-02-29",
            "b": True,
            "l": "{1,NULL}",
            "i": "infinity",
            "j": {"k": [1]},
            "c": "x  ",
            "u": None,
        },
    )


@case("sqlite")
def a_compound_of_two_types(w: World) -> None:
    w.items(THREE)
    out = query(
        w, "SELECT id, value FROM item WHERE id = 1 UNION ALL SELECT 'total', sum(value) FROM item"
    )[0]
    expect([row[0] for row in csv.reader(io.StringIO(out))], ["id", "1", "total"])


@case("sqlite")
def types_of_a_query_on_sqlite(w: World) -> None:
    w.sql("CREATE TABLE t (d date, at datetime, flag bool, amount decimal)")
    w.sql("INSERT INTO t VALUES ('2024-02-29', '2024-02-29 10:00:00', 1, 2.5)")
    out, _ = query(w, "SELECT t.*, length(d) AS n, 0.5 AS half, 'x' AS x FROM t", "-f", "ndjson")
    found = json.loads(out)
    expect((found["n"], found["half"], found["x"]), (10, 0.5, "x"))
    expect((found["d"], found["flag"], found["amount"]), ("2024-02-29", True, 2.5))
