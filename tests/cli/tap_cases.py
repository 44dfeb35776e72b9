"""Cases on a server of their own, as TAP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Case = Callable[[str], None]


def run_cases(
    program: str, cases: Sequence[Case], begin: Callable[[], object], end: Callable[[], object]
) -> int:
    """Run the cases between begin() and end().  Return the exit status."""
    print(f"1..{len(cases)}")
    failed = 0
    try:
        begin()
        for number, case in enumerate(cases, 1):
            try:
                case(program)
                print(f"ok {number} - {case.__name__}")
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {case.__name__}")
                print("\n".join(f"# {line}" for line in str(error).splitlines()))
    finally:
        end()
    return int(failed > 0)
