"""Statements by psql, for the tests that look at servers of their own."""

from __future__ import annotations

import subprocess


def psql(database: str, *statements: str) -> str:
    """What the statements print.  AssertionError with what the server says: one of them failed."""
    given = [word for statement in statements for word in ("-c", statement)]
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", database, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.strip()
