"""Files that several workers write: all rows or none, and where not, which lines."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time

from world import World, case, expect, says


def _bad_row(w: World, bad: int, value: int) -> list[str]:
    """Eight files of a hundred rows, so that each worker has chunks; row `bad` refers to no part,
    or has the code of the row before it."""
    rows = [(i, value if i == bad else 1, i - (i == bad and value == 1)) for i in range(800)]
    return [
        w.file(
            f"l1-{n}.csv",
            "id,part,code\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows[n : n + 100]),
        )
        for n in range(0, 800, 100)
    ]


# What a constraint of each kind says, at once or at COMMIT, and the command's exit status.
SHAPES = [
    ("part bigint REFERENCES part", "", 99, "foreign key", 4),
    ("part bigint REFERENCES part DEFERRABLE INITIALLY DEFERRED", "", 99, "foreign key", 4),
    ("part bigint REFERENCES part DEFERRABLE", "", 99, "foreign key", 4),
    ("part bigint, UNIQUE (code) DEFERRABLE INITIALLY DEFERRED", "", 1, "unique", 4),
    (
        "part bigint",
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.part = 99 THEN RAISE EXCEPTION 'no such part'; END IF; RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION no()",
        99,
        "no such part",
        1,
    ),
]


@case("postgresql")
def l1_workers_leave_nothing_behind(w: World) -> None:
    """Whatever the constraint, wherever the row stands, every time."""
    w.sql("CREATE TABLE part (id bigint PRIMARY KEY); INSERT INTO part VALUES (1)")
    for columns, more, value, message, status in SHAPES:
        w.sql(
            "DROP TABLE IF EXISTS item; DROP FUNCTION IF EXISTS no;"
            f"CREATE TABLE item (id bigint PRIMARY KEY, code bigint, {columns}); {more}"
        )
        for bad in (50, 799):
            files = _bad_row(w, bad, value)
            done = w.verb("create", "--workers=4", *files, status=status)
            says(done, message, "nothing was written")
            expect(w.sql("SELECT count(*) FROM item"), "0")
        for verb in ("create", "upsert"):
            says(w.verb(verb, "--dry-run", *files, status=status), message)
        w.verb("create", "--workers=4", *_bad_row(w, -1, 1))
        expect(w.sql("SELECT count(*), sum(id) FROM item"), "800|319600")


# A COMMIT that fails when another worker has committed, though constraints were checked: that makes
# one deferred again.  Writing takes a while, so that each worker has a chunk.
COMMIT_FAILS = """
CREATE TABLE item (id bigint PRIMARY KEY, name text);
CREATE TABLE shadow (x integer);
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 PERFORM pg_sleep(0.1); RETURN NULL; END $$;
CREATE TRIGGER slow BEFORE INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION slow();
CREATE FUNCTION early() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 SET CONSTRAINTS late DEFERRED; INSERT INTO shadow VALUES (1); RETURN NULL; END $$;
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF (SELECT count(*) FROM item WHERE xmin <> pg_current_xact_id()::xid) > 0
 THEN RAISE EXCEPTION 'too late'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER early AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED
 FOR EACH ROW WHEN (NEW.id % 100 = 0) EXECUTE FUNCTION early();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shadow DEFERRABLE INITIALLY DEFERRED
 FOR EACH ROW EXECUTE FUNCTION late()
"""
LINES = re.compile(r"bulkmodel: (\S+): lines (\d+) to (\d+): (in|not in) the table")


@case("postgresql")
def w8_lines_that_are_in_the_table(w: World) -> None:
    w.sql(COMMIT_FAILS)
    files = [
        w.file(f"w8-{n}.csv", "id,name\n" + "".join(f"{n + i},x\n" for i in range(100)))
        for n in range(0, 800, 100)
    ]
    done = w.verb("create", "--workers=3", *files, status=7)
    says(done, "too late", "some of the rows are in the table")
    told: dict[int, bool] = {}
    for name, first, last, fate in LINES.findall(done.err):
        start = int(name.rpartition("-")[2].removesuffix(".csv"))
        told.update((start + line - 2, fate == "in") for line in range(int(first), int(last) + 1))
    there = {int(key) for key in w.sql("SELECT id FROM item").split()}
    expect((len(told), {key for key, there in told.items() if there}), (800, there))
    w.sql("TRUNCATE item")
    done = w.verb("create", "--workers=3", "--json", *files, status=7)
    events = [json.loads(line) for line in done.err.splitlines()]
    fates = {event["fate"] for event in events if event["event"] == "lines"}
    expect(fates, {"committed", "rolled back"})


@case("postgresql")
def w2_workers_that_wait_for_each_other(w: World) -> None:
    """A code is in two files: the workers that have them would wait for ever."""
    w.sql(
        "CREATE TABLE item (id bigint PRIMARY KEY, code bigint UNIQUE);"
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_sleep(0.2); RETURN NULL; END $$;"
        "CREATE TRIGGER slow AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION slow()"
    )
    files = [
        w.file(f"w2-{n}.csv", "id,code\n" + "".join(f"{n + i},{i or n}\n" for i in range(1, 50)))
        for n in (1000, 2000)
    ]
    begin = time.monotonic()
    done = w.verb("create", "--workers=2", *files, status=4)
    says(done, "w2-2000.csv:2", "unique", "nothing was written")
    expect(w.sql("SELECT count(*) FROM item"), "0")
    assert time.monotonic() - begin < 30


@case("postgresql")
def w2_two_commands_on_the_same_rows(w: World) -> None:
    w.sql("CREATE TABLE item (id bigint PRIMARY KEY, value integer)")
    w.sql("INSERT INTO item SELECT g, 0 FROM generate_series(1, 20000) g")
    files = {
        value: [
            w.file(f"{value}-{n}.csv", "id,value\n" + "".join(f"{i},{value}\n" for i in rows))
            for n, rows in enumerate(range(k, k + 1000) for k in range(1, 20001, 1000))
        ][:: 1 if value == 1 else -1]
        for value in (1, 2)
    }
    ends: dict[int, str] = {}

    def run(value: int) -> None:
        command = [w.program, "update-fields", w.database, "item", "--workers=3", *files[value]]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        ends[value] = f"{done.returncode} {done.stderr.decode()}"

    calls = [threading.Thread(target=run, args=(value,)) for value in (1, 2)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    if not {end.split()[0] for end in ends.values()} <= {"0", "6"}:  # 6: run it again
        raise AssertionError(f"{ends}")
    expect(w.sql("SELECT count(DISTINCT value) FROM item"), "1")


@case("postgresql")
def an_interrupt_takes_everything_back(w: World) -> None:
    """While rows are written, and while the command waits for more."""
    w.items()
    command = [w.program, "create", w.database, "item", "--workers=3"]
    for wait in (0.1, 0.5):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin is not None and process.stderr is not None
            rows = "".join(f"{i},n\n" for i in range(200000))
            process.stdin.write(f"id,name\n{rows}".encode())
            process.stdin.flush()
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            expect(process.wait(20), 130)
            process.stdin.close()
        expect(w.sql("SELECT count(*) FROM item"), "0")


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
    says(done, "standard input:200003: the row has 3 cells")
    expect(w.sql("SELECT count(*), sum(id), count(DISTINCT name) FROM item"), wanted)
    says(w.verb("delete", "--workers=2", stdin=f"id,name\n{rows}"), "200,000 deleted")
    for option in ("--truncate", "--returning=f"):
        w.verb("create", "--workers=2", option, stdin="id,name\n", status=2)
