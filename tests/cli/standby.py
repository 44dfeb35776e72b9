#!/usr/bin/env python3
"""The command on a standby: refused by name, and nothing was sent.  TAP.

usage: clusters.py standby standby.py PROGRAM
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from by_psql import psql

PRIMARY, STANDBY = os.environ["BM_TEST_PRIMARY"], os.environ["BM_TEST_STANDBY"]
FILE = "id,name\n1,a\n2,b\n"


def wait_for_table() -> None:
    for _ in range(3000):
        if psql(STANDBY, "SELECT to_regclass('item')") == "item":
            return
        time.sleep(0.01)
    sys.exit("the table did not come to the standby")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], input=FILE, capture_output=True, text=True, timeout=60
    )


def main(program: str) -> int:
    psql(PRIMARY, "CREATE TABLE item (id bigserial PRIMARY KEY, name text)")
    wait_for_table()
    read_only = f"{PRIMARY} options='-cdefault_transaction_read_only=on'"
    cases = [
        (database, word, arguments)
        for database, word in ((STANDBY, "is a standby"), (read_only, "is read-only"))
        for arguments in (
            ("create",),
            ("create", "--workers=2"),
            ("create", "--truncate"),
            ("create", "--rejects=/dev/null"),
            ("update-fields",),
            ("upsert",),
            ("delete",),
        )
    ]
    print(f"1..{len(cases) + 1}")
    failed = 0
    for number, (database, word, (verb, *options)) in enumerate(cases, 1):
        done = run(program, verb, database, "item", *options)
        good = done.returncode == 1 and word in done.stderr
        failed += not good
        print(f"{'' if good else 'not '}ok {number} - {verb} {' '.join(options)}: {word}")
        if not good:
            print(f"# {done.returncode}: {done.stderr!r}")
    done = run(program, "copy-to", STANDBY, "item")
    good = done.returncode == 0 and done.stdout == "id,name\n"
    print(f"{'' if good else 'not '}ok {len(cases) + 1} - copy-to reads from a standby")
    return int(failed > 0 or not good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
