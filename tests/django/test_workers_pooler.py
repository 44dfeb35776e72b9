"""concurrent=True behind PgBouncer, whose pool may be smaller than the workers (W4)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from app.models import Plain

pytestmark = pytest.mark.django_db(transaction=True)

CONFIGURATION = """[databases]
* = host={host} user={user}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
ignore_startup_parameters = options,extra_float_digits
"""


def connected() -> bool:
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


@pytest.fixture
def pooler(request: Any, monkeypatch: Any) -> Iterator[None]:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    settings = connection.get_connection_params()
    connection.close()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "users").write_text(f'"{settings["user"]}" ""\n')
        place = {"host": settings["host"], "user": settings["user"], "folder": folder}
        (folder / "ini").write_text(CONFIGURATION.format(size=request.param, **place))
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([program, "-q", *user, str(folder / "ini")], **quiet) as process:
            monkeypatch.setitem(connection.settings_dict, "HOST", name)
            monkeypatch.setitem(connection.settings_dict, "PORT", "6432")
            try:
                end = time.monotonic() + 10
                while not connected():
                    assert time.monotonic() < end
                    time.sleep(0.05)
                yield
            finally:
                connection.close()
                process.kill()


@pytest.mark.parametrize("pooler", [1, 2, 3], indirect=True)
def test_w4_a_pool_smaller_than_the_workers(pooler: None) -> None:
    for turn in range(2):
        start = time.monotonic()
        rows = [Plain(name=f"{turn}-{i}") for i in range(1000)]
        Plain.objects.bulk_create(rows, batch_size=20, concurrent=True, max_concurrent_workers=4)
        assert time.monotonic() - start < 20
        assert Plain.objects.count() == 1000 * (turn + 1)
