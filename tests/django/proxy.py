"""A server before the real one that cuts a connection at its COMMIT."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

PORT = "5433"
BEFORE, AFTER, SENT = "before it arrives", "after its answer", "while the server is at it"


class Proxy:
    """Forwards both ways.  A cut is armed for one COMMIT: as many before it pass."""

    def __init__(self, folder: Path, server: str) -> None:
        self.server = server
        self.cut: str | None = None
        self.passes = 0
        self.connections = 0
        self.refuses = False  # new connections, from the cut on
        self._closed = False
        self._cut = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{folder}/.s.PGSQL.{PORT}")
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, cut: str | None, passes: int = 0, refuses: bool = False) -> None:
        self.cut, self.passes, self.refuses, self._cut = cut, passes, refuses, False

    def close(self) -> None:
        self._closed = True
        self.listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            if self.refuses and self._cut:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            while True:
                for side in select.select([client, server], [], [])[0]:
                    try:
                        said = side.recv(1 << 16)
                        if not said or (side is client and self._is_cut(said, server)):
                            return
                        (server if side is client else client).sendall(said)
                    except OSError:
                        return

    def _is_cut(self, said: bytes, server: socket.socket) -> bool:
        cut = self.cut
        if cut is None or said[:1] != b"Q" or said[5:] != b"COMMIT\0":
            return False
        if self.passes > 0:
            self.passes -= 1
            return False
        self.cut, self._cut = None, True
        if cut != BEFORE:
            server.sendall(said)
        if cut == AFTER:
            select.select([server], [], [], 10)
        return True


@contextmanager
def before(folder: Path, own: Any = connection) -> Iterator[Proxy]:
    """Inside, new connections of the alias go through a proxy."""
    own.ensure_connection()
    info = own.connection.info
    proxy = Proxy(folder, f"{info.host}/.s.PGSQL.{info.port}")
    settings = dict(own.settings_dict)
    own.close()
    own.settings_dict.update(HOST=str(folder), PORT=PORT)
    try:
        yield proxy
    finally:
        proxy.close()
        own.close()
        own.settings_dict.clear()
        own.settings_dict.update(settings)
