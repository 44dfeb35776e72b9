#!/usr/bin/env python3
"""Run the tests of the Django app on one engine.  TAP.

usage: run.py ENGINE EXTENSION    sqlite-table, sqlite-rows, sqlite (what this Python can do) or
                                  postgresql; the built _core, or "installed"
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Tap:
    """Says what became of each case, as it ends."""

    def __init__(self) -> None:
        self.number = 0
        self.nowhere = Path(os.devnull).open("w")  # noqa: SIM115

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Other plugins need pytest's own reporter: it stays, and says nothing."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        reporter._tw._file = self.nowhere

    def say(self, passed: bool, name: str, why: str) -> None:
        self.number += 1
        print(f"{'ok' if passed else 'not ok'} {self.number} - {name}", flush=True)
        for line in why.splitlines() if not passed else []:
            print(f"# {line}", flush=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.say(report.passed, report.nodeid.replace("#", "."), str(report.longrepr or ""))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.say(False, f"collecting {report.nodeid}", str(report.longrepr))


def main(engine: str, extension: str, *options: str) -> int:
    # A shell starts what runs in the background with SIGINT ignored: no interrupt would come.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if engine == "sqlite":
        loads = hasattr(sqlite3.Connection, "enable_load_extension")
        engine = "sqlite-table" if loads else "sqlite-rows"
    os.environ["BM_DJANGO"] = engine
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    sys.path.insert(0, str(HERE))
    if extension != "installed":
        sys.path.insert(0, str(ROOT / "python"))
        import bulkmodel

        bulkmodel.__path__.append(str(Path(extension).resolve().parent))
    tap = Tap()
    options = options or ("-qq", "--no-header", "--no-summary", "--show-capture=no", "--tb=short")
    arguments = [str(HERE), f"--rootdir={HERE}", "-c", os.devnull, "-p", "no:cacheprovider"]
    status = pytest.main([*arguments, "--create-db", *options], plugins=[tap])
    print(f"1..{tap.number}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
