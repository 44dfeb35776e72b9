"""--load-id: loads in parts, which the same command resumes (issue 13, part 4)."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import time

from kill_loads import kill_loads
from world import World, case, expect, says

PARTS = ("--load-id=night's load", "--commit-every=10")


def lines(n: int) -> str:
    """A file with the items 1 to n."""
    return "id,name,value\n" + "".join(f"{i},n{i},{i}\n" for i in range(1, n + 1))


@case()
def a_load_goes_on_after_a_bad_row(w: World) -> None:
    w.items()
    w.run("load-init", w.database)
    path = w.file("a.csv", lines(35).replace("n25,25", ",25"))
    done = w.verb("create", path, *PARTS, status=4)
    says(done, "a.csv:26", "the first 20 rows are committed", "run the same command")
    expect(w.sql("SELECT count(*), max(id) FROM item"), "20|20")
    w.file("a.csv", lines(35))
    says(w.verb("create", path, *PARTS), "20 rows were written by earlier", "15 inserted")
    expect(w.sql("SELECT count(*), sum(value), count(DISTINCT id) FROM item"), "35|630|35")
    says(w.verb("create", path, *PARTS), "the load is finished: nothing was written")
    expect(w.sql("SELECT rows_written, state FROM bulkmodel_load"), "35|finished")


@case()
def every_input_resumes(w: World) -> None:
    """Compressed files, several files, lines of JSON, standard input."""
    w.items()
    w.run("load-init", w.database)
    first, second = lines(17), "id,name,value\n" + "".join(lines(40).splitlines(True)[18:])
    packed = w.file("a.csv.gz", gzip.compress(first.encode()))
    rows = [{"id": i, "name": f"n{i}", "value": i} for i in range(1, 41)]
    ndjson = "".join(json.dumps(row) + "\n" for row in rows)
    inputs: list[tuple[list[str], list[str], str]] = [
        ([packed, w.file("b.csv", second.replace("n33,", ","))], [packed, "b.csv"], second),
        ([w.file("c.ndjson", ndjson.replace('"n33"', "null"))], ["c.ndjson"], ndjson),
        (["-"], ["-"], lines(40)),
    ]
    for number, (broken, names, text) in enumerate(inputs):
        w.sql("DELETE FROM item")
        options = [f"--load-id={number}", "--commit-every=8"]
        stdin = text.replace("n33,", ",") if names == ["-"] else ""
        w.verb("upsert", *broken, *options, stdin=stdin, status=4)
        expect(w.sql("SELECT count(*) FROM item"), "32")
        if names != ["-"]:
            w.file(names[-1], text)
        says(w.verb("upsert", *broken, *options, stdin=text), "32 rows were", "8 inserted")
        expect(w.sql("SELECT count(*), sum(value) FROM item"), "40|820")


@case()
def what_is_not_the_same_load_is_refused(w: World) -> None:
    w.items()
    w.sql("CREATE TABLE other (id bigint, name text, value integer)")
    path = w.file("a.csv", lines(30).replace("n25,25", ",25"))
    says(w.verb("create", path, *PARTS, status=2), "load-init creates it")
    w.run("load-init", w.database)
    w.verb("create", path, *PARTS, status=4)
    w.file("a.csv", lines(30).replace("n7,", "n 7,"))
    done = w.verb("create", path, *PARTS, status=2)
    says(done, 'load "night\'s load" has written 20 rows', "a.csv begins with other ones")
    w.file("a.csv", lines(12))
    says(w.verb("create", path, *PARTS, status=2), "a.csv has fewer")
    w.file("a.csv", lines(30))
    done = w.verb("create", path, "--set=note=x", *PARTS, status=2)
    says(done, "the same rows and options again")
    done = w.verb("upsert", path, *PARTS, status=2)
    says(done, "belongs to create into", "not upsert", "another --load-id")
    done = w.run("create", w.database, "other", path, *PARTS, status=2)
    says(done, 'into "item"', 'into "other"')
    expect(w.sql("SELECT count(*) FROM item"), "20")
    w.verb("create", path, *PARTS)
    w.file("a.csv", lines(31))
    says(w.verb("create", path, *PARTS, status=2), "has more, though it was finished")
    expect(w.sql("SELECT count(*) FROM item"), "30")


@case()
def a_load_that_may_be_running_is_refused(w: World) -> None:
    """Also after kill -9, until its record is a minute old."""
    w.items()
    w.run("load-init", w.database)
    command = [w.program, "create", w.database, "item", *PARTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdin is not None
        child.stdin.write(lines(15).encode())
        child.stdin.flush()
        until = time.monotonic() + 60
        while w.sql("SELECT count(*) FROM bulkmodel_load") == "0" and time.monotonic() < until:
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    done = w.verb("create", *PARTS, stdin=lines(15), status=6)
    says(done, "may still be running", "use --take-over if it is not")
    w.sql("UPDATE bulkmodel_load SET renewed = renewed - 61")
    w.verb("create", *PARTS, stdin=lines(15).replace("n5,5", "n5,x"), status=3)
    w.sql("UPDATE bulkmodel_load SET state = 'loading'")
    says(w.verb("create", *PARTS, "--take-over", stdin=lines(15)), "15 inserted")
    expect(w.sql("SELECT count(*) FROM item"), "15")


@case("sqlite")
def options_that_a_load_in_parts_cannot_have(w: World) -> None:
    w.items()
    path = w.file("a.csv", lines(3))
    for option in (
        "--workers=2",
        "--truncate",
        "--returning=keys.csv",
        "--rejects=bad.csv",
        "--dry-run",
        "--create-table",
        "--add-columns",
    ):
        done = w.verb("create", path, *PARTS, option, status=2)
        says(done, f"--load-id cannot be used with {option.split('=')[0]}")
    says(w.verb("create", path, "--commit-every=3", status=2), "needs --load-id")
    says(w.verb("create", path, "--take-over", status=2), "needs --load-id")
    says(w.verb("create", path, "--load-id=", status=2), "--load-id must have 1 to 200 bytes")
    says(w.run("load-init", w.database, "item", status=2), "one DATABASE")
    says(w.run("load-init", status=2), "DATABASE is missing")


@case()
def load_init_prints_or_creates(w: World) -> None:
    w.items()
    printed = w.run("load-init", w.database, "--print-ddl").out
    expect(printed.startswith("CREATE TABLE IF NOT EXISTS bulkmodel_load ("), True)
    path = w.file("a.csv", lines(3))
    w.verb("create", path, *PARTS, status=2)
    w.sql(printed)
    w.run("load-init", w.database, "--quiet")
    done = w.verb("create", path, *PARTS, "--json")
    events = [json.loads(line) for line in done.err.splitlines()]
    expect([e["rows"] for e in events if e["event"] == "part"], [0, 3])
    expect(events[-1]["inserted"], 3)


@case()
def no_kill_loses_or_doubles_a_row(w: World) -> None:
    met, _ = kill_loads(w, 6, 1)
    expect(met >= 6, True)
