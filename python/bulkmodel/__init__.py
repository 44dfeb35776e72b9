"""Fast bulk writes: for Django, and for connections of psycopg 3 and sqlite3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bulkmodel.attached.verbs import Attached

__version__ = "0.1.0"

is_attached = False  # attach() was called


def attach(connection: Any) -> Attached:
    """Return the verbs of a connection of psycopg 3 or sqlite3, which stays the caller's.

    It needs no Django.  TypeError: it is another connection."""
    global is_attached
    is_attached = True
    from bulkmodel.attached.verbs import Attached

    return Attached(connection)
