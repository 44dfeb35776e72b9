"""The command line itself."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from world import World, case, expect, says


@case("sqlite")
def help_tells_every_option(w: World) -> None:
    expect("create" in w.run("--help").out, True)
    expect("--dry-run" in w.run("create", "--help").out, True)
    expect("--on-conflict" in w.run("delete", "--help").out, False)
    expect(w.run("--version").out.startswith("bulkmodel "), True)


@case("sqlite")
def a_wrong_command_line_is_status_2(w: World) -> None:
    w.items()
    for arguments, words in [
        (["--quiet"], "a VERB is missing"),
        (["make", w.database, "item"], 'unknown verb "make": expected one of create'),
        (
            ["creat", w.database, "item"],
            'unknown verb "creat" (did you mean create?): expected one of create',
        ),
        (["Upsert", w.database, "item"], "did you mean upsert?"),
        (["upadte-fields", w.database], "did you mean update-fields?"),
        (["update_fields", w.database], "did you mean update-fields?"),
        (["update", w.database], "did you mean update-fields?"),
        (["import", w.database], "did you mean create?"),
        (["export", w.database], "did you mean copy-to?"),
        (["create", w.database], "DATABASE or TABLE is missing"),
        (["create", w.database, "item", "--nothing"], "unknown option --nothing"),
        (["create", w.database, "item", "-nZ"], "unknown option -Z"),
        (["create", w.database, "item", "-Zn"], "unknown option -Z"),
        (["create", w.database, "--no-header=foo", "item"], "--no-header takes no argument"),
        (
            ["create", "d", "t", "--foramt=secret"],
            "unknown option --foramt: did you mean --format?",
        ),
        (["create", "d", "t", "--onconflict", "x"], "did you mean --on-conflict?"),
        (["create", "d", "t", "--max_rejects=1"], "did you mean --max-rejects?"),
        (["copy-to", "d", "t", "--part", "5"], "unknown option --part: did you mean --part-"),
        (["create", w.database, "item", "--key"], "needs an argument"),
        (
            ["delete", w.database, "item", "--on-conflict=error"],
            "--on-conflict is not an option of delete",
        ),
        (
            ["create", w.database, "item", "--on-conflict=x"],
            '"x" is not one of error|ignore|update',
        ),
        (["create", w.database, "item", "--batch-size=x"], '--batch-size: "x" is not a number'),
        (["create", w.database, "item", "--timeout=soon"], '"soon" is not a time'),
        (["create", w.database, "item", "--timeout=0"], '"0" is not a time'),
        (["copy-to", w.database, "item", "--commit-timeout=1s"], "is not an option of copy-to"),
        (["create", w.database, "item", '-d"'], "must be different characters"),
        (["copy-to", w.database, "item", "-d;", "-q;"], "must be different characters"),
        (["copy-to", w.database, "item", "-q,"], "must be different characters"),
        (["copy-to", w.database, "item", "-d\n"], "--delimiter cannot be a line end"),
        (["copy-to", w.database, "item", "-o", ""], "--output needs the name of a file"),
        (["create", w.database, "item", "--returning="], "--returning needs the name of a file"),
        (["create", w.database, "item", "-d;", "--escape=;"], "must be different characters"),
        (["create", w.database, "item", "--escape=,"], "must be different characters"),
        (["create", w.database, "item", "-q", ""], "--quote must be one character"),
        (["create", w.database, "item", "-q", "''"], "--quote must be one character"),
        (["create", w.database, "item", "-f", "ndjson", "-d;"], "--delimiter is for csv and tsv"),
        (["copy-to", w.database, "item", "-f", "ndjson", "-q'"], "--quote is for csv and tsv"),
        (["create", w.database, "item", "--escape=x", "-fndjson"], "--escape is for csv and tsv"),
        (["create", w.database, "item", "-f", "ndjson", "--no-header"], "is for csv and tsv"),
        (["create", w.database, "item", "--skip-lines=-1"], '"-1" is not a number'),
        (["create", w.database, "item", "--skip-lines=99999999999999999999"], "is not a number"),
        (["create", w.database, "item", "--set=x"], '"x" is not COL=VALUE'),
        (["create", w.database, "item", "--map==x"], "each column of the file has a name"),
        (["create", w.database, "item", "--set==x"], '"=x" is not COL=VALUE'),
        (["create", w.database, "item", "-k", "a,,b"], '"a,,b" is not a list of names'),
        (["create", w.database, "item", "-c", "id,,name"], "it needs --no-header"),
        (["copy-to", w.database, "item", "-c", "id,,name"], "a name is empty"),
        (["copy-to", w.database, "item", "--null=x", "--null=y"], "give --null once"),
        (["copy-to", w.database, "item", "-q", "any"], "--quote must be one character"),
        (["create", w.database, "item", "-q", "none", "--escape=x"], "has no meaning with"),
        (["create", w.database, "item", "--comment=,"], "--comment must differ"),
        (["create", w.database, "item", "--comment=#", "-fndjson"], "is for csv and tsv"),
        (["create", w.database, "item", "-b0"], "--batch-size must be at least 1"),
        (["create", w.database, "item", "-j0"], "--workers must be at least 1"),
        (["create", w.database, "item", "-k", '"a'], "is not a list of names"),
        (["create", w.database, "a.b.c"], '"a.b.c" is not [SCHEMA.]TABLE'),
        (["create", w.database, "item", "-e", "nonsense"], 'unknown encoding "nonsense"'),
        (["copy-to", w.database, "item", "out.csv"], "copy-to takes no FILE: use --output"),
        (["explain", w.database, "item", "--returning=x"], "is not an option of explain"),
        (["create", w.database, "nothing"], "there is no table"),
        (["create", "mysql:x", "item"], "begins with none of"),
    ]:
        says(w.run(*arguments, stdin="id\n", status=2), words)
    file = w.file("a.db", "")
    says(w.run("create", file, "item", stdin="id\n", status=2), f"it is sqlite:{file}")
    says(w.verb("create", stdin="id,nam\n1,a\n", status=2), 'has no column "nam"')
    says(w.verb("create", "--map=x=id", stdin="id\n1\n", status=2), 'no column "x"')
    says(w.verb("create", "--set=x=1", stdin="id\n1\n", status=2), 'no column "x"')
    says(w.verb("create", "--key=x", stdin="id\n1\n", status=2), 'no column "x"')
    says(w.verb("update-fields", stdin="name\na\n", status=2), 'key column "id" is not in the file')


@case("postgresql")
def workers_exclude_what_needs_one_connection(w: World) -> None:
    w.items()
    for arguments, words in (
        (["-j2", "--truncate"], "--workers: cannot be used with --truncate"),
        (["-j2", "--returning=-"], "--workers: cannot be used with --returning"),
        (["-j33"], "--workers: the maximum is 32"),
    ):
        says(w.verb("create", *arguments, stdin="id,name\n1,a\n", status=2), words)
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case("postgresql")
def the_exit_code_says_what_to_do(w: World) -> None:
    """1 the database, 4 a constraint, 5 no permission, 6 run it again; nothing is written."""
    w.items("(1, 'a', 1, NULL)")
    w.sql("ALTER TABLE item ADD CHECK (value < 100)")
    w.sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'as it says' USING ERRCODE = NEW.note; END $$;"
        "CREATE TRIGGER fail BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.note <> '')"
        " EXECUTE FUNCTION fail()"
    )
    for row, status in (
        ("2,b,2,P0001", 1),
        ("2,b,2,XX000", 1),
        ("2,b,x,", 3),
        ("2,b,2147483648,", 3),
        ("1,b,2,", 4),
        ("2,b,100,", 4),
        ("2,,2,", 4),
        ("2,b,2,42501", 5),
        ("2,b,2,40001", 6),
        ("2,b,2,55P03", 6),
    ):
        done = w.verb("create", "--retries=0", stdin=f"id,name,value,note\n{row}\n", status=status)
        expect((row, "nothing was written" in done.err), (row, True))
        expect(w.all(), "1|a|1|(null)")


@case("postgresql")
def a_timeout_ends_the_command(w: World) -> None:
    """W1, W3: a server that takes the connection and is silent; and a lock."""
    folder = w.folder / "s"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5433"))
        listener.listen()
        begun = time.monotonic()
        done = w.run("copy-to", f"host={folder} port=5433", "item", "--timeout=500ms", status=6)
        expect(time.monotonic() - begun < 10, True)
        says(done, "the timeout of 500 ms passed")
    w.items()
    trigger = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    w.sql(trigger + "PERFORM pg_sleep(60); RETURN NEW; END $$")
    w.sql("CREATE TRIGGER slow BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION slow()")
    begun = time.monotonic()
    done = w.verb("create", "--timeout=0.5s", stdin="id,name\n1,a\n", status=6)
    expect(time.monotonic() - begun < 10, True)
    says(done, "the timeout of 500 ms passed")
    expect(w.sql("SELECT count(*) FROM item").strip(), "0")


@case("postgresql")
def no_connection_is_status_5(w: World) -> None:
    url = "postgresql://user:secret@127.0.0.1:1/none"
    done = w.run("create", url, "item", stdin="id\n1\n", status=5)
    expect("secret" in done.err, False)


@case("postgresql")
def a_password_is_wiped_from_the_command_line(w: World) -> None:
    w.items()
    words = dict(word.split("=", 1) for word in w.database.split() if "=" in word)
    host = words["host"].replace("/", "%2F")
    url = f"postgresql://{words['user']}:s3cret@/{words['dbname']}?host={host}&password=s3cret"
    command = [w.program, "create", url, f"{w.schema}.item"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        try:
            line = Path(f"/proc/{child.pid}/cmdline")
            for _ in range(500):
                if b"****" in line.read_bytes():
                    break
                time.sleep(0.01)
            expect(b"****" in line.read_bytes(), True)
            expect(b"s3cret" in line.read_bytes(), False)
            child.stdin.write(b"id,name\n1,a\n")
        finally:
            child.stdin.close()
    expect(w.sql("SELECT count(*) FROM item"), "1")


@case()
def an_interrupt_rolls_back(w: World) -> None:
    w.items()
    command = [w.program, "create", w.database, "item", "--batch-size=10"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stderr is not None
        child.stdin.write(b"id,name\n" + b"".join(b"%d,a\n" % i for i in range(200000)))
        child.stdin.flush()
        child.send_signal(signal.SIGINT)
        said = child.stderr.read().decode()
        expect(child.wait(), 130)
    expect("rolled back: nothing was written" in said, True)
    expect(w.sql("SELECT count(*) FROM item"), "0")


def on_a_terminal(w: World, *arguments: str) -> tuple[int, str]:
    """The command with a terminal as its standard error: its status, and what it showed."""
    ours, its = pty.openpty()
    with subprocess.Popen([w.program, *arguments], stdin=subprocess.DEVNULL, stderr=its) as child:
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
            while part := os.read(ours, 65536):
                shown += part
        os.close(ours)
        return child.wait(), shown.decode()


@case("sqlite")
def a_terminal_sees_how_far_it_is(w: World) -> None:
    w.items()
    path = w.file("f.csv", "id,name\n" + "".join(f"{i},n{i}\n" for i in range(1000000)))
    status, shown = on_a_terminal(w, "create", w.database, "item", path, "--batch-size=500")
    expect(status, 0)
    line = r"([\d,]+) rows, [\d,]+ rows/s, [\d.]+ MB/s, (\d+) %, \d+:\d\d left"
    lines = re.findall(line, shown)
    expect(len(lines) > 0, True)
    counts = [int(line[0].replace(",", "")) for line in lines]
    expect(counts, sorted(counts))
    expect(counts[-1] <= 1000000 and int(lines[-1][1]) <= 100, True)
    expect("\r\033[K1,000,000 inserted in " in shown, True)
    status, shown = on_a_terminal(w, "delete", w.database, "item", path, "--quiet")
    expect((status, shown), (0, ""))


@case("sqlite")
def a_pipe_sees_only_the_summary(w: World) -> None:
    w.items()
    rows = "".join(f"{i},n{i}\n" for i in range(300000))
    done = w.verb("create", "--batch-size=500", stdin=f"id,name\n{rows}")
    expect(done.err.startswith("300,000 inserted in "), True)


@case("sqlite")
def programs_read_json(w: World) -> None:
    w.items()
    done = w.verb("create", "--json", stdin="id,name\n1,a\n")
    event = json.loads(done.err.splitlines()[-1])
    expect((event["event"], event["inserted"], event["dry_run"]), ("done", 1, False))
    done = w.verb("create", "--json", stdin="id,name\n2\n", status=3)
    event = json.loads(done.err.splitlines()[-1])
    expect((event["event"], event["status"]), ("failed", "CONVERT"))
    expect(w.verb("create", "--quiet", stdin="id,name\n3,a\n").err, "")


@case()
def w12_what_is_said_is_plain_utf8(w: World) -> None:
    """Whatever the names of files and the words of a server are."""
    w.items()
    name = os.fsdecode(os.fsencode(w.folder) + b"/\xff\xc3\xa9\x1b[2J\xe2\x82.csv")
    for arguments in (["create", w.database, "item", name], ["--bad\x1b[0m"]):
        for form in ([], ["--json"]):
            done = subprocess.run([w.program, *arguments, *form], capture_output=True, check=False)
            expect(b"\x1b" in done.stderr, False)
            said = done.stderr.decode()  # or it is not UTF-8
            expect("?[2J" in said or "?[0m" in said, True)
            for line in said.splitlines() if form and len(arguments) > 1 else []:
                json.loads(line)
    if not w.lite:
        failed = w.verb("copy-to", "--where", "'x' = ANY (SELECT 1/0)\x1b", status=1)
        expect("\x1b" in failed.err, False)
