"""The exceptions of a database, and its transactions: Django's in a program that uses Django, else
our own."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import bulkmodel


def _is_used() -> bool:
    if bulkmodel.is_attached and "DJANGO_SETTINGS_MODULE" not in os.environ:
        return "django" in sys.modules
    return find_spec("django") is not None


# attach() does not import Django, which may be installed for something else.
has_django = TYPE_CHECKING or _is_used()

if TYPE_CHECKING or has_django:
    from django.core.exceptions import ImproperlyConfigured as ImproperlyConfigured
    from django.db import DatabaseError as DatabaseError
    from django.db import DataError as DataError
    from django.db import Error as Error
    from django.db import IntegrityError as IntegrityError
    from django.db import InterfaceError as InterfaceError
    from django.db import InternalError as InternalError
    from django.db import NotSupportedError as NotSupportedError
    from django.db import OperationalError as OperationalError
    from django.db import ProgrammingError as ProgrammingError
    from django.db.transaction import TransactionManagementError as TransactionManagementError
else:  # PEP 249's

    class ImproperlyConfigured(Exception):
        """A setting has an invalid value."""

    class Error(Exception):
        """The base of the others."""

    class InterfaceError(Error):
        """An error of the driver."""

    class DatabaseError(Error):
        """An error of the database."""

    class DataError(DatabaseError):
        """A value cannot be stored."""

    class OperationalError(DatabaseError):
        """The connection was lost, or the server cannot go on."""

    class IntegrityError(DatabaseError):
        """A constraint refuses a row."""

    class InternalError(DatabaseError):
        """The database is in a wrong state."""

    class ProgrammingError(DatabaseError):
        """A wrong statement, or a table that does not exist."""

    class NotSupportedError(DatabaseError):
        """The database cannot do this."""

    class TransactionManagementError(ProgrammingError):
        """The transaction does not allow this."""


def atomic(connection: Any) -> AbstractContextManager[Any]:
    """Return a context in which a connection has a transaction, or a savepoint inside of one."""
    own = getattr(connection, "bulkmodel_atomic", None)
    if own is not None:
        return own()  # type: ignore[no-any-return]
    from django.db import transaction

    within: AbstractContextManager[Any] = transaction.atomic(using=connection.alias)
    return within
