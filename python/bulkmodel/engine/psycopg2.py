"""psycopg2: a request to cancel that does not stop the whole process."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _libpq() -> Any:
    """Return the libpq that psycopg2 is linked with."""
    from psycopg2 import _psycopg  # type: ignore[import-untyped]

    libpq = ctypes.CDLL(_psycopg.__file__)  # releases the interpreter's lock during each call
    libpq.PQgetCancel.argtypes = [ctypes.c_void_p]
    libpq.PQgetCancel.restype = ctypes.c_void_p
    libpq.PQcancel.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    libpq.PQfreeCancel.argtypes = [ctypes.c_void_p]
    libpq.PQfreeCancel.restype = None
    return libpq


class Cancel:
    """PQcancel for a connection.  psycopg2's own cancel() holds the interpreter's lock until the
    server answers, so a server that does not answer would stop every thread."""

    def __init__(self, driver: Any) -> None:
        self._request = _libpq().PQgetCancel(driver.pgconn_ptr)

    def send(self) -> None:
        """Send the request and wait for the server to close its connection."""
        if self._request:
            _libpq().PQcancel(self._request, ctypes.create_string_buffer(256), 256)

    def close(self) -> None:
        if self._request:
            _libpq().PQfreeCancel(self._request)
            self._request = None
