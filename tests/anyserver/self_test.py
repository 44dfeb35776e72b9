#!/usr/bin/env python3
"""What script/conformance runs, on the tests' server: all works, a server that changes values is
found out, and nothing is left after an interrupt.  TAP.

usage: self_test.py BUILD            PostgreSQL, by script/with-postgresql
       self_test.py BUILD mariadb    by script/with-mariadb
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
URL = os.environ.get("BM_TEST_POSTGRESQL", "")
MARIADB = os.environ.get("BM_TEST_MARIADB", "")
# Rows get other values than those that were sent.
CHANGES = """
CREATE FUNCTION public.change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.value = NEW.value + 1; RETURN NEW; END $$;
CREATE FUNCTION public.add_trigger() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF to_regclass('item') IS NOT NULL THEN
        CREATE OR REPLACE TRIGGER changes BEFORE INSERT ON item FOR EACH ROW
            EXECUTE FUNCTION public.change();
    END IF; END $$;
CREATE EVENT TRIGGER adds ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION public.add_trigger();
"""


def psql(database: str, *statements: str) -> str:
    given = [word for statement in statements for word in ("-c", statement)]
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", database, *given]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def program(build: str, database: str, *options: str) -> list[str]:
    main = str(HERE / "try_server.py")
    return [sys.executable, main, "--build", build, "--url", database, "--without-suite", *options]


def schemas(database: str) -> str:
    return psql(
        database, r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bulkmodel\_check%'"
    )


def everything_works(build: str) -> str:
    done = subprocess.run(
        program(build, URL, "--rows=10,1100", "--workers=1,2"), capture_output=True, text=True
    )
    if done.returncode != 0 or "wrong" in done.stdout or "refused" in done.stdout:
        return f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-2000:]}"
    faces = ("command | create --returning | 1 |", "Django | bulk_upsert | 1 |", "error: unique")
    missing = [face for face in faces if face not in done.stdout]
    return f"missing: {missing}\n{done.stdout}" if missing else schemas(URL)


def a_server_that_changes_values(build: str) -> str:
    name = f"changes_{os.getpid()}"
    psql(URL, f"CREATE DATABASE {name}")
    database = URL.replace("dbname=postgres", f"dbname={name}")
    try:
        psql(database, CHANGES)
        done = subprocess.run(
            program(build, database, "--rows=10", "--workers=1"), capture_output=True, text=True
        )
        left = schemas(database)
    finally:
        psql(URL, f"DROP DATABASE {name}")
    wrong = [line for line in done.stdout.splitlines() if line.startswith("wrong: ")]
    for face in ("command, create --returning", "Django, bulk_create", "Django, copy_from"):
        if not any(face in line for line in wrong):
            return f"{face} is not wrong:\n{done.stdout}\n{done.stderr[-2000:]}"
    return f"exit status {done.returncode}" if done.returncode != 1 else left


def an_interrupt(build: str) -> str:
    ran = subprocess.Popen(
        program(build, URL, "--rows=3000"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert ran.stderr is not None
    ran.stderr.readline()  # the first case has ended
    if not schemas(URL):
        return "there is no schema"
    ran.send_signal(signal.SIGINT)
    for _ in range(3000):
        if ran.poll() is not None:
            break
        time.sleep(0.01)
    ran.stderr.close()
    return schemas(URL) if ran.returncode == 130 else f"exit status {ran.returncode}"


def mariadb(statement: str) -> str:
    command = ["mariadb", "--no-defaults", "-N", "-S", MARIADB, "-u", "test", "-e", statement]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def the_django_app_works_on_mariadb(build: str) -> str:
    url = f"mariadb://test@localhost/?unix_socket={MARIADB}"
    done = subprocess.run(program(build, url, "--rows=10,1100"), capture_output=True, text=True)
    if done.returncode != 0 or "wrong" in done.stdout or "refused" in done.stdout:
        return f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-2000:]}"
    words = ("MariaDB 1", "Django | bulk_upsert | 1 |", "error: unique")
    missing = [word for word in words if word not in done.stdout]
    left = mariadb(r"SHOW DATABASES LIKE 'bulkmodel\_check%'")
    return f"missing: {missing}\n{done.stdout}" if missing else left


def main(build: str, server: str = "postgresql") -> int:
    cases = [everything_works, a_server_that_changes_values, an_interrupt]
    if server == "mariadb":
        cases = [the_django_app_works_on_mariadb]
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        why = case(build)
        failed += bool(why)
        print(f"{'not ' * bool(why)}ok {number} - {case.__name__}")
        for line in why.splitlines():
            print(f"# {line}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
