"""A runner of Django's tests that speaks TAP.

What Django skips on an engine is told in a comment.  A test that differs.py names must fail: when
it passes, the list is wrong.
"""

from __future__ import annotations

import sys
import unittest
from typing import Any

from differs import DIFFERS
from django.test.runner import DiscoverRunner

KNOWN_ENGINES = ("sqlite", "postgresql", "mariadb")


class Result(unittest.TestResult):
    """Says what became of each test, as it ends."""

    def __init__(self, stream: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(stream, *arguments, **options)
        self.number = 0
        self.why: list[str] = []
        self.is_skipped = False

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.why = []
        self.is_skipped = False

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        if self.is_skipped and not self.why:
            print(f"# not of this engine: {test.id()}")
            return
        differs = DIFFERS.get(test.id())
        if differs is not None:
            self.why = [] if self.why else [f"passes, though it is listed: {differs}"]
        self._say(test.id(), self.why)

    def _say(self, name: str, why: list[str]) -> None:
        self.number += 1
        print(f"{'not ok' if why else 'ok'} {self.number} - {name}", flush=True)
        for line in "\n".join(why).splitlines():
            print(f"# {line}")

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.why.append(self.errors[-1][1])
        if not isinstance(test, unittest.TestCase):  # a class or module that could not begin
            self._say(test.id(), self.why)

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.why.append(self.failures[-1][1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self.why.append((self.failures if failed else self.errors)[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.is_skipped = True

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self.why.append("passes, though Django expects it to fail")

    def printErrors(self) -> None:
        print(f"1..{self.number}", flush=True)


class Runner(DiscoverRunner):
    """Django's runner, with TAP for its output."""

    def get_resultclass(self) -> type[unittest.TestResult]:
        return Result

    def get_test_runner_kwargs(self) -> dict[str, Any]:
        return {**super().get_test_runner_kwargs(), "stream": sys.stderr}

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        listed = [why for why in (*result.errors, *result.failures) if why[0].id() not in DIFFERS]
        return len(listed)
