"""Whether a connection is in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a transaction may be open.  With autocommit off its start is unknown.  The
    connection is opened if it is closed: until then Django does not know its autocommit."""
    return connection.in_atomic_block or not connection.get_autocommit()
