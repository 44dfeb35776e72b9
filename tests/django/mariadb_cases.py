"""What the tests of MariaDB share: faults of a row, and sessions at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection


def in_sessions(work: Callable[[int], None]) -> None:
    """Run work(0), work(1) and work(2) at once, each on a connection of its own."""
    failed: list[BaseException] = []

    def alone(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=alone, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def failure(call: Callable[[], object]) -> Any:
    with pytest.raises(DatabaseError) as caught:
        call()
    return caught.value


def _null(rows: list[Any], at: int) -> None:
    rows[at].name = None


def _long(rows: list[Any], at: int) -> None:
    rows[at].name = "x" * 11


def _wide(rows: list[Any], at: int) -> None:
    rows[at].value = 2**31


def each_fault(taken: Callable[[list[Any], int], None]) -> Any:
    """The faults of a row, as parameters of a test: 1062, 1048, 1406, 1264.  `taken` gives the row
    the name of another one."""
    return pytest.mark.parametrize(
        ("spoil", "field", "constraint", "state"),
        [
            (taken, "name", "name", "23505"),
            (_null, "name", None, "23502"),
            (_long, "name", None, "22001"),
            (_wide, "value", None, "22003"),
        ],
    )
