"""L3: a file that is written keeps what it held until all is done, and is never the database or an
input."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from world import CONNINFO, THREE, World, case, expect, says

OLD = "what was there\n"
ALL = 'id,name,value,note\n1,a,10,x\n2,b,20,\n3,c,30,""\n'
# A condition that takes long for each row.
SLOW = {
    "sqlite": "(WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n "
    "WHERE i < 1000000 + id) SELECT max(i) FROM n) > 0",
    "postgresql": "pg_sleep(0.2) IS NOT NULL",
}


def old_file(w: World, name: str = "out.csv") -> Path:
    """A file that is there already, in a folder of its own."""
    path = w.folder / "out" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(OLD)
    return path


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def expect_untouched(path: Path) -> None:
    """It holds what it held, and nothing stands beside it."""
    expect(path.read_text(), OLD)
    expect(names(path.parent), [path.name])


def until(found: Callable[[], bool], what: str) -> None:
    """Wait until the function says so."""
    for _ in range(3000):
        if found():
            return
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come")


@contextlib.contextmanager
def slow_copy(w: World, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A copy of many rows that has begun to write."""
    w.items()
    w.sql(
        "INSERT INTO item (id, name) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, 'a' FROM n"
    )
    command = [w.program, "copy-to", w.database, "item", "-o", str(path), "--where", SLOW[w.engine]]
    with subprocess.Popen([*command, "--batch-size=1"], stderr=subprocess.PIPE) as child:
        try:
            until(lambda: len(names(path.parent)) == 2, "the file beside")
            yield child
        finally:
            child.kill()


def end_slow_copies(w: World) -> None:
    """On the server, which would go on for a client that is gone."""
    if not w.lite:
        w.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE '%pg_sleep(0.2)%' AND pid <> pg_backend_pid()"
        )


@case()
def l3_a_read_that_fails_leaves_the_file(w: World) -> None:
    w.items(THREE)
    path = old_file(w)
    status = 1 if w.lite else 2
    w.verb("copy-to", "-o", str(path), "--where", "nothing = 1", status=status)
    expect_untouched(path)
    w.run("copy-to", w.database, "nothing", "-o", str(path), status=2)
    expect_untouched(path)
    w.verb("copy-to", "-o", str(path))
    expect(path.read_text(), ALL)
    expect(names(path.parent), ["out.csv"])


@case()
def l3_a_signal_leaves_the_file(w: World) -> None:
    path = old_file(w)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with slow_copy(w, path) as child:
            child.send_signal(number)
            expect(child.wait(30), 130)
        expect_untouched(path)
        w.sql("DROP TABLE item")


@case()
def l3_a_kill_leaves_the_file(w: World) -> None:
    path = old_file(w)
    with slow_copy(w, path) as child:
        child.kill()
        child.wait(30)
    expect(path.read_text(), OLD)
    end_slow_copies(w)


@case("postgresql")
def l3_a_server_that_is_gone_leaves_the_file(w: World) -> None:
    path = old_file(w)
    with slow_copy(w, path) as child:
        end_slow_copies(w)
        expect(child.wait(30), 5)
    expect_untouched(path)


@case("sqlite")
def l3_a_disk_that_is_full_leaves_the_file(w: World) -> None:
    w.items()
    w.verb("create", stdin="name\n" + "a name of a row\n" * 20000)
    path = old_file(w)
    done = subprocess.run(
        [w.program, "copy-to", w.database, "item", "-o", str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        check=False,
    )
    expect(done.returncode, 1)
    expect(b"out.csv: File too large" in done.stderr, True)
    expect_untouched(path)


@case()
def l3_keys_of_rows_that_are_not_there_leave_the_file(w: World) -> None:
    w.items(THREE)
    path = old_file(w)
    w.verb("create", "--returning", str(path), stdin="id,name\n9,x\n3,x\n", status=4)
    expect_untouched(path)
    w.verb("create", "--returning", str(path), stdin="id,name\n9,x,y\n", status=3)
    expect_untouched(path)
    w.verb("create", "--dry-run", "--returning", str(path), stdin="name\nx\n")
    expect_untouched(path)
    w.verb("create", "--returning", str(path), stdin="id,name\n9,x\n")
    expect(path.read_text(), "id\n9\n")


@case()
def l3_a_commit_that_fails_leaves_the_file(w: World) -> None:
    w.sql("CREATE TABLE other (id integer PRIMARY KEY)")
    w.sql(
        "CREATE TABLE item (id integer PRIMARY KEY, "
        "o integer REFERENCES other DEFERRABLE INITIALLY DEFERRED)"
    )
    path = old_file(w)
    w.verb("create", "--returning", str(path), stdin="id,o\n1,7\n", status=4)
    expect_untouched(path)
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case("postgresql")
def l3_keys_of_rows_that_are_there_are_written(w: World) -> None:
    """Whatever fails after COMMIT."""
    w.items()
    role = f"role_{w.schema}"
    w.sql(f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA {w.schema} TO {role}")
    w.sql(f"GRANT SELECT, INSERT ON item TO {role}")
    path = old_file(w)
    try:
        done = w.run(
            "create",
            f"{CONNINFO} options='-csearch_path={w.schema} -crole={role}'",
            "item",
            "--sync-sequences",
            "--returning",
            str(path),
            stdin="id,name\n5,x\n",
            status=5,
        )
        says(done, "all rows are in the table")
        expect(path.read_text(), "id\n5\n")
        expect(w.sql("SELECT id FROM item"), "5")
    finally:
        w.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


@case("sqlite")
def l3_the_database_is_no_output(w: World) -> None:
    w.items(THREE)
    before = (w.folder / "test.db").read_bytes()
    ours = [
        "test.db",
        "test.db-wal",
        "test.db-shm",
        "test.db-journal",
        "./test.db",
        "link",
        "hard",
    ]
    (w.folder / "link").symlink_to("test.db")
    os.link(w.folder / "test.db", w.folder / "hard")
    (w.folder / "again").symlink_to(w.folder)
    for name in [*ours, "again/test.db", "again/test.db-wal"]:
        path = str(w.folder / name)
        says(w.verb("copy-to", "-o", path, status=2), "the database: write to another file")
        says(w.verb("create", "--returning", path, stdin="name\na\n", status=2), "the database")
        for through in (
            f"sqlite:{w.folder}/again/link",
            f"sqlite:file:{w.folder}/test.db",
            f"sqlite:file://{w.folder}/again/l%69nk?mode=rw#x",
        ):
            says(w.run("copy-to", through, "item", "-o", path, status=2), "the database")
    for option in ("a", "r+"):
        with (w.folder / "test.db").open(option) as output:
            done = subprocess.run(
                [w.program, "copy-to", w.database, "item"],
                stdout=output,
                stderr=subprocess.PIPE,
                check=False,
            )
        expect((done.returncode, b"standard output is the database" in done.stderr), (2, True))
    expect((w.folder / "test.db").read_bytes(), before)
    expect(w.all().count("\n"), 2)


@case()
def l3_an_input_is_no_output(w: World) -> None:
    w.items()
    path = w.file("in.csv", "name\na\n")
    (w.folder / "link").symlink_to("in.csv")
    os.link(path, w.folder / "hard")
    for name in ("in.csv", "link", "hard"):
        said = w.verb(
            "create",
            w.file("x.csv", "name\nb\n"),
            path,
            "--returning",
            str(w.folder / name),
            status=2,
        )
        says(said, "is an input: write to another file")
    with Path(path).open() as stdin:
        done = subprocess.run(
            [w.program, "create", w.database, "item", "--returning", path],
            stdin=stdin,
            capture_output=True,
            check=False,
        )
    expect((done.returncode, b"is an input" in done.stderr), (2, True))
    with Path(path).open("a") as stdout:
        done = subprocess.run(
            [w.program, "create", w.database, "item", path, "--returning", "-"],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )
    expect((done.returncode, b"standard output is an input" in done.stderr), (2, True))
    expect(Path(path).read_text(), "name\na\n")
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case("sqlite")
def l3_a_link_stays_and_its_target_is_replaced(w: World) -> None:
    w.items(THREE)
    target = old_file(w, "target.csv")
    target.chmod(0o640)
    other = target.parent / "other"
    os.link(target, other)
    link = w.folder / "link.csv"
    link.symlink_to("out/target.csv")
    w.verb("copy-to", "-o", str(link))
    expect(str(link.readlink()), "out/target.csv")
    expect(target.read_text(), ALL)
    expect(oct(target.stat().st_mode & 0o7777), oct(0o640))
    expect(other.read_text(), OLD)
    link.unlink()
    link.symlink_to("out/new.csv")
    w.verb("copy-to", "-o", str(link))
    expect((link.is_symlink(), (target.parent / "new.csv").read_text()), (True, ALL))
    (w.folder / "round").symlink_to("round")
    says(w.verb("copy-to", "-o", str(w.folder / "round"), status=1), "symbolic links")


@case("sqlite")
def l3_a_new_file_has_the_rights_of_the_user_s_mask(w: World) -> None:
    w.items(THREE)
    path = w.folder / "new.csv"
    done = subprocess.run(
        [w.program, "copy-to", w.database, "item", "-o", str(path)],
        preexec_fn=lambda: (os.umask(0o027), None)[1],
        capture_output=True,
        check=False,
    )
    expect((done.returncode, oct(path.stat().st_mode & 0o7777)), (0, oct(0o640)))


@case("sqlite")
def l3_a_file_that_may_not_be_written_is_left(w: World) -> None:
    """Though the folder would let it be replaced.  Root may write everything: it is nobody here."""
    w.items(THREE)
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        for path in (w.program, Path(w.program).resolve().parents[1] / "src/api/libbulkmodel.so.0"):
            shutil.copy(path, folder)
        shutil.copy(w.folder / "test.db", folder)
        (folder / "out").mkdir()
        path = folder / "out/out.csv"
        path.write_text(OLD)
        path.chmod(0o444)
        for entry in (folder, folder / "out") if root else ():
            entry.chmod(0o777)
        done = subprocess.run(
            [folder / "bulkmodel", "copy-to", f"sqlite:{folder}/test.db", "item", "-o", path],
            user=65534 if root else None,
            env={**os.environ, "LD_LIBRARY_PATH": name},
            capture_output=True,
            check=False,
        )
        expect((done.returncode, b"Permission denied" in done.stderr), (1, True))
        expect_untouched(path)


@case("sqlite")
def l3_what_is_no_file_is_written_as_it_is(w: World) -> None:
    w.items(THREE)
    pipe = w.folder / "pipe.csv"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    w.verb("copy-to", "-o", str(pipe))
    reader.join()
    expect(found, [ALL])
    expect(pipe.is_fifo(), True)
    expect(w.verb("copy-to", "-o", "-").out, ALL)
    expect(w.verb("copy-to", "-o", "/dev/stdout").out, ALL)
    expect(w.verb("create", "--returning", "-", stdin="name\nz\n").out, "id\n4\n")
    expect(w.verb("create", "-n", "--returning", "-", stdin="name\nz\n").out, "")
    expect(Path("-").exists(), False)
    w.verb("copy-to", "-o", "/dev/null")
    expect(Path("/dev/null").is_char_device(), True)
    w.sql("DELETE FROM item WHERE id = 4")
    path = w.file("log", OLD)
    for name in ("/dev/stdout", "/dev/fd/1", "-"):
        with Path(path).open("a") as stdout:
            command = [w.program, "copy-to", w.database, "item", "-o", name]
            subprocess.run(command, stdout=stdout, stderr=subprocess.DEVNULL, check=True)
    expect(Path(path).read_text(), OLD + 3 * ALL)


@case("sqlite")
def l3_a_folder_and_a_name_that_is_too_long(w: World) -> None:
    w.items(THREE)
    says(w.verb("copy-to", "-o", str(w.folder), status=1), "Is a directory")
    path = w.folder / ("n" * 251 + ".csv")
    w.verb("copy-to", "-o", str(path))
    expect(path.read_text(), ALL)
    says(w.verb("copy-to", "-o", str(w.folder / ("n" * 300)), status=1), "name too long")


@case()
def l3_an_interrupt_ends_a_wait_for_a_reader(w: World) -> None:
    """Of a pipe that is full, and of one that nobody has opened."""
    w.items()
    w.verb("create", stdin="name\n" + "a name of a row\n" * 20000)
    pipe = w.folder / "pipe.csv"
    os.mkfifo(pipe)
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [w.program, "copy-to", w.database, "item"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.read(1)
            time.sleep(0.2)
            child.send_signal(number)
            expect(child.wait(30), 130)
        with subprocess.Popen([*command, "-o", str(pipe)], stderr=subprocess.PIPE) as child:
            time.sleep(0.2)
            child.send_signal(number)
            expect(child.wait(30), 130)


@case()
def w14_a_slow_reader_is_waited_for(w: World) -> None:
    """A timeout counts the waits for the database, not those for whoever reads."""
    w.items()
    w.verb("create", stdin="name\n" + "a name of a row\n" * 30000)
    command = [w.program, "copy-to", w.database, "item", "--timeout", "1s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        read = child.stdout.read(10)
        time.sleep(2)
        read += child.stdout.read()
        expect(child.wait(60), 0)
    expect(read.count(b"\n"), 30001)


@case("postgresql")
def w14_a_read_that_is_late_says_how_far_it_came(w: World) -> None:
    w.items()
    w.verb("create", stdin="name\n" + "a name of a row\n" * 20001)
    slow = "CASE WHEN id > 20000 THEN pg_sleep(600) IS NULL ELSE true END"
    arguments = ["--timeout=1s", "--batch-size=10", "--where", slow]
    done = w.verb("copy-to", *arguments, status=6)
    says(done, "timeout of 1 s passed", "standard output has only the first rows, at most ")
    path = old_file(w)
    done = w.verb("copy-to", *arguments, "-o", str(path), status=6)
    says(done, "timeout of 1 s passed: ", " rows had been read", "the output file was not changed")
    expect_untouched(path)


@case("sqlite")
def a_stream_that_is_closed_is_no_file_of_ours(w: World) -> None:
    w.items(THREE)
    path = w.folder / "f.csv"
    close = {"out": "1>&-", "all": "0<&- 1>&- 2>&-"}
    command = f"{w.program} copy-to {w.database} item"
    expect(os.system(f"{command} {close['out']} 2>{w.folder}/said") >> 8, 1)
    expect("Bad file descriptor" in (w.folder / "said").read_text(), True)
    expect(os.system(f"{command} -o {path} {close['all']}") >> 8, 0)
    expect(path.read_text(), ALL)
    expect(w.all().count("\n"), 2)


@case("sqlite")
def what_cannot_be_said_is_a_failure(w: World) -> None:
    w.items(THREE)
    with Path("/dev/full").open("w") as full:
        for arguments in (["explain", w.database, "item"], ["--help"], ["--version"]):
            done = subprocess.run(
                [w.program, *arguments],
                input=b"id,name\n1,a\n",
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
            expect((done.returncode, b"No space left" in done.stderr), (1, True))


@case("sqlite")
def a_file_that_cannot_be_written(w: World) -> None:
    w.items(THREE)
    says(w.verb("copy-to", "-o", "/nowhere/f.csv", status=1), "No such file")
    if Path("/dev/full").exists():
        says(w.verb("copy-to", "-o", "/dev/full", status=1), "No space left")


@case("sqlite")
def a_file_that_is_replaced_keeps_its_attributes(w: World) -> None:
    """Mode, owner, access control list and extended attributes, where the file system has them."""
    w.items(THREE)
    path = old_file(w)
    wanted = {
        "user.origin": b"here",
        # acl(5), version 2: the owner rw, user 1234 r, group r, mask r, others none.
        "system.posix_acl_access": bytes.fromhex(
            "02000000"
            "01000600ffffffff"
            "02000400d2040000"
            "04000400ffffffff"
            "10000400ffffffff"
            "20000000ffffffff"
        ),
    }
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    for name, value in wanted.items():
        with contextlib.suppress(OSError):  # this file system has none
            os.setxattr(path, name, value)
    before = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    w.verb("copy-to", "-o", str(path))
    after = path.stat()
    expect(path.read_text(), ALL)
    expect({name: os.getxattr(path, name) for name in os.listxattr(path)}, attributes)
    expect(
        (after.st_mode, after.st_uid, after.st_gid), (before.st_mode, before.st_uid, before.st_gid)
    )
    expect(after.st_ino == before.st_ino, False)
