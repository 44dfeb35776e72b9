"""Run one Django row of the benchmarks and print lines of JSON for script/bench.

usage: django_bench.py ROW [--rows N] [--rounds N] [--quick] [--only SIDE] [--directory DIRECTORY]

With --only one side is run, to be profiled.
"""

from __future__ import annotations

import argparse
import importlib
import os

MODULES = (
    "django_create",
    "django_update",
    "django_batches",
    "django_read",
    "django_small",
    "django_memory",
    "django_mariadb",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("row")
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--directory")
    given = parser.parse_args()
    if given.directory:
        os.environ["BM_BENCH_DIRECTORY"] = given.directory
    from contest import Asked

    for name in MODULES:
        run = getattr(importlib.import_module(name), f"row_{given.row}", None)
        if run is not None:
            run(Asked(given.rows, given.rounds, given.quick, given.only))
            return
    parser.error(f"there is no row {given.row}")


if __name__ == "__main__":
    main()
