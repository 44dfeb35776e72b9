"""T7: neither a list of processes nor a message shows a part of a password."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from world import World, case, expect, says

# Parts that are found nowhere else.
PARTS = ("qzjx", "wvkq")


def shown(text: str) -> list[str]:
    """The parts of the password that a text shows."""
    return [part for part in PARTS if part in text]


@case("postgresql")
def t7_no_part_of_a_password_is_in_the_process_list(w: World) -> None:
    """When the server hears of the command, and does not answer, the password is gone already."""
    folder = w.folder / "s"
    folder.mkdir()
    host = str(folder)
    at = f"db?host={quote(host, safe='')}&port=5433"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5433"))
        listener.listen()
        listener.settimeout(60)
        for database in (
            f"postgresql://u:qzjx@wvkq@/{at}",
            f"postgresql://u:qzjx%40wvkq@/{at}",
            f"postgres://u:qzjx:wvkq@/{at}",
            f"postgresql://:qzjxwvkq@/{at}",
            f"postgresql://u:qzjx?a=wvkq@/{at}",
            f"postgresql://u:qzjx?a=b?wvkq@/{at}&application_name=a@b",
            f"postgresql:///{at}&user=u&password=qzjx%40wvkq&connect_timeout=60",
            f"host={host} port=5433 user=u password=qzjx@wvkq",
            f"host={host} port=5433 password = 'qzjx@\\' wvkq' user=u",
            f"password=qzjx\\ wvkq host={host} port=5433",
            f"password\t=\nqzjxwvkq host={host} port=5433",
        ):
            command = [w.program, "copy-to", database, "item", "--timeout=60s"]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
                connection, _ = listener.accept()
                with connection:
                    told = Path(f"/proc/{child.pid}/cmdline").read_bytes().decode()
                    child.terminate()
                    child.wait(30)
            expect((database, shown(told)), (database, []))
            expect(told.startswith(w.program) and "--timeout=60s" in told, True)


@case("postgresql")
def t7_no_part_of_a_password_is_in_a_message(w: World) -> None:
    for database in (
        "postgresql://u:qzjxwvkq@/db?host=/nowhere",
        "postgresql://u:qzjx@wvkq@/db?host=/nowhere",
        "postgresql://u:qzjx@wvkq@nowhere.invalid/db",
        "postgresql://u:qzjx/wvkq@nowhere.invalid/db",
        "postgresql://u:qzjx?wvkq@nowhere.invalid/db",
        "postgresql://u:qzjx#wvkq@nowhere.invalid/db",
        "postgresql://u:qzjx:wvkq@/db?host=/nowhere",
        "postgresql://u:qzjx%zzwvkq@/db",
        "postgresql://u:qzjxwvkq@[::1/db",
        "postgresql://u:qzjxwvkq@/db?host=/nowhere&nonsense=1",
        "postgresql:///db?password=qzjxwvkq&port=x",
        "host=/nowhere password=qzjx wvkq",
        "host=/nowhere password='qzjxwvkq",
        "password=qzjxwvkq nonsense=1",
        "mysql://u:qzjxwvkq@h/db",
    ):
        for options in ([], ["--json"]):
            done = subprocess.run(
                [w.program, "create", database, "item", *options],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            said = done.stderr.decode()
            expect((database, shown(said + done.stdout.decode())), (database, []))
            expect((database, done.returncode in (2, 5), said != ""), (database, True, True))
            if options:
                expect(json.loads(said)["event"], "failed")


@case("postgresql")
def t7_a_password_that_is_not_encoded_is_explained(w: World) -> None:
    for database in ("postgresql://u:abc/d@h/db", "postgresql://u:a@abc@nowhere.invalid/db"):
        done = w.run("create", database, "item", status=5)
        says(done, "write @ as %40, / as %2F", "***")
