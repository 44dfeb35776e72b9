"""A plugin of pytest for mutate.py: which tests call which function, and which tests to run.

BM_MUTATE_CALLS  a file to write: seconds of each test, and for each function of the package the
                 tests that called it
BM_MUTATE_TESTS  a file of tests to run, in this order, and no others
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PACKAGE = f"{os.sep}python{os.sep}bulkmodel{os.sep}"

now = ""
called: dict[str, set[str]] = {}
seconds: dict[str, float] = {}
failed: set[str] = set()


def _trace(frame: Any, event: str, argument: object) -> None:
    code = frame.f_code
    if PACKAGE in code.co_filename:
        name = f"{code.co_filename.rpartition(PACKAGE)[2]}:{code.co_firstlineno}"
        called.setdefault(name, set()).add(now)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = os.environ.get("BM_MUTATE_TESTS")
    if wanted:
        place = {name: at for at, name in enumerate(Path(wanted).read_text().splitlines())}
        items[:] = [item for item in items if item.nodeid in place]
        items.sort(key=lambda item: place[item.nodeid])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    global now
    begin = time.monotonic()
    now = item.nodeid
    if "BM_MUTATE_CALLS" in os.environ:
        threading.setprofile(_trace)
        sys.setprofile(_trace)
    yield
    sys.setprofile(None)
    seconds[item.nodeid] = time.monotonic() - begin


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    if "BM_MUTATE_CALLS" in os.environ:
        known = {name: sorted(tests - failed) for name, tests in called.items()}
        times = {name: took for name, took in seconds.items() if name not in failed}
        words = json.dumps({"seconds": times, "calls": known})
        Path(os.environ["BM_MUTATE_CALLS"]).write_text(words)
