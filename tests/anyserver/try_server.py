#!/usr/bin/env python3
"""Try the product on a server: each verb of the command and of the Django app, with few
rows and many, with one worker and several; errors; and the conformance suite of the C library.  On
MariaDB and MySQL the Django app alone, with one worker.

usage: run.py --url URL --build DIRECTORY [--rows N,...] [--workers N,...] [--prepare SQL]
              [--timeout SECONDS] [--without-suite] [--markdown FILE]

All happens in schemas of its own, which are dropped in the end, also after Ctrl-C.  Exit status: 1
if something is wrong or refused.
"""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import command_cases
import django_cases
import mysql_server
from report import REFUSED, WORKS, WRONG, Outcome, complaints, table
from server import AnyServer, Plain, Server

SIZES = "10,1000,3000,100000"
# These make objects outside of a schema of their own.
NOT_ELSEWHERE = {"planted", "statistics"}


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="conformance",
        description="Try the product on a PostgreSQL, MariaDB or MySQL server, in schemas or a "
        "database of its own.",
    )
    parser.add_argument(
        "--url",
        required=True,
        help="postgresql://..., key=value ..., mariadb://... or mysql://USER@HOST/?unix_socket=F",
    )
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=numbers, default=numbers(SIZES), help=f"default: {SIZES}")
    parser.add_argument("--workers", type=numbers, default=[1, 4], help="default: 1,4")
    parser.add_argument(
        "--prepare", metavar="SQL", help="run after the tables (item, tag, parent) are made"
    )
    parser.add_argument(
        "--timeout", type=float, default=120, help="seconds for each call; default: 120"
    )
    parser.add_argument("--without-suite", action="store_true", help="not the C library's suite")
    parser.add_argument("--markdown", type=Path, help="write the table to this file, too")
    return parser.parse_args()


def suite(server: Server, build: Path) -> Iterator[Outcome]:
    """The conformance programs, a line each."""
    given = {key: value for key, value in server.given.items() if key != "client_encoding"}
    words = " ".join(f"{key}='{value}'" for key, value in given.items())
    tests = {"BM_TEST_POSTGRESQL": words, "CONFORMANCE_ENGINE": "postgresql"}
    environment = {**os.environ, **tests, "CMOCKA_MESSAGE_OUTPUT": "TAP"}
    for program in sorted(build.glob("tests/test_conformance_*")):
        name = program.name.removeprefix("test_conformance_")
        if program.suffix or name in NOT_ELSEWHERE:
            continue
        ran = subprocess.Popen([program], stdout=subprocess.PIPE, text=True, env=environment)
        try:
            out, _ = ran.communicate(timeout=server.timeout * 5)
        except BaseException:
            ran.kill()
            ran.wait()
            raise
        finally:
            server.drop_schemas_of(ran.pid)
        failed = [line.partition(" - ")[2] for line in out.splitlines() if line[:6] == "not ok"]
        n = sum(line[:3] == "ok " for line in out.splitlines())
        if out.startswith("1..0"):
            continue
        state = WORKS if ran.returncode == 0 and n > 0 else WRONG if failed else REFUSED
        why = ", ".join(failed) or f"exit status {ran.returncode}"
        yield Outcome("C", name, 0, 0, state, why=why)


def all_outcomes(given: argparse.Namespace, server: AnyServer, folder: Path) -> Iterator[Outcome]:
    if isinstance(server, mysql_server.MySQLServer):
        yield from django_cases.run(server, mysql_server.MySQLPlain(server), given.rows, [1])
        return
    assert isinstance(server, Server)
    plain = Plain(server)
    command = command_cases.Command(str(given.build / "cli" / "bulkmodel"), server, folder)
    yield from command_cases.run(command, plain, given.rows, given.workers)
    yield from django_cases.run(server, plain, given.rows, given.workers)
    if not given.without_suite:
        yield from suite(server, given.build)


def main() -> int:
    given = asked()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kind = mysql_server.MySQLServer if mysql_server.is_mysql(given.url) else Server
    server: AnyServer = kind(given.url, given.prepare, given.timeout)
    found: list[Outcome] = []
    with server.schema_made(), tempfile.TemporaryDirectory() as folder:
        django_cases.set_up(server, str(given.build / "python"))
        version = server.version()
        for outcome in all_outcomes(given, server, Path(folder)):
            found.append(outcome)
            print(
                f"{outcome.face}, {outcome.case}, {outcome.rows:,} rows,"
                f" {outcome.workers} workers: {outcome.cell}",
                file=sys.stderr,
            )
    today = datetime.date.today().isoformat()
    lines = [f"{version}, {today}", "", *table(found)]
    wrong = complaints(found)
    print("\n".join([*lines, "", *wrong, f"{len(found)} cases, {len(found) - len(wrong)} work"]))
    if given.markdown:
        given.markdown.write_text("\n".join(lines) + "\n")
    return int(not found or any(outcome.state in (WRONG, REFUSED) for outcome in found))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
