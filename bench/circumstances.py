"""Under which circumstances a run was made: machine, versions, settings, commit."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "work_mem",
    "autovacuum",
]
URL = "BM_TEST_POSTGRESQL"
PACKAGES = re.compile(r"^(django|psycopg|sqlite-utils)", re.IGNORECASE)


def output_of(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.processor()


def circumstances(python: Path) -> dict[str, Any]:
    """`python`: that of the Django rows."""
    query = f"SELECT name || ' = ' || current_setting(name) FROM unnest('{{{','.join(SETTINGS)}}}'"
    server = output_of("psql", "-XAtd", os.environ[URL], "-c", query + "::text[]) AS name")
    packages = output_of(str(python), "-m", "pip", "freeze", "--disable-pip-version-check")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} x {processor()}",
        "versions": {
            "compiler": output_of("cc", "--version").partition("\n")[0],
            "sqlite": output_of("pkg-config", "--modversion", "sqlite3"),
            "libpq": output_of("pkg-config", "--modversion", "libpq"),
            "server": server.splitlines(),
            "python": output_of(str(python), "--version"),
            "packages": [line for line in packages.splitlines() if PACKAGES.match(line)],
        },
        "commit": output_of("git", "rev-parse", "--short", "HEAD"),
        "changed": output_of("git", "status", "--porcelain") != "",
    }
