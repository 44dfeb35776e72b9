"""A relay before the tests' server that falls silent at a word, or stops reading."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PORT = "5433"


class Freezer:
    """Passes bytes on until a client sends the word."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.word = b""
        self.swallows = False  # bytes are not even read any more
        self.is_frozen = threading.Event()
        self._sockets: list[socket.socket] = []
        self._folder = tempfile.TemporaryDirectory(prefix="bm")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self.folder) / f".s.PGSQL.{PORT}"))
        self._listener.listen(16)
        self._start(self._accept)

    @property
    def folder(self) -> str:
        return self._folder.name

    def _start(self, target: Any, *args: Any) -> None:
        threading.Thread(target=target, args=args, name="freezer", daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                self._sockets += [client, server]
                if self.is_frozen.is_set():
                    continue  # taken, and never answered
                server.connect(self.server)
                self._start(self._pass, client, server, True)
                self._start(self._pass, server, client, False)

    def _pass(self, source: socket.socket, target: socket.socket, watches: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if watches and self.word and self.word in data:
                    self.is_frozen.set()
                if self.is_frozen.is_set():
                    while not self.swallows and source.recv(65536):
                        pass
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for own in [self._listener, *self._sockets]:
            with suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)
            own.close()
        self._folder.cleanup()


@contextmanager
def freezing(connection: Any) -> Iterator[Freezer]:
    """Django's connection, through a relay."""
    settings = connection.settings_dict
    before = settings["HOST"], settings["PORT"]
    connection.close()
    freezer = Freezer(f"{before[0]}/.s.PGSQL.{before[1] or 5432}")
    settings["HOST"], settings["PORT"] = freezer.folder, PORT
    try:
        yield freezer
    finally:
        settings["HOST"], settings["PORT"] = before
        freezer.close()
        connection.close()
