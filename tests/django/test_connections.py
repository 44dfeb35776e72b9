"""ensure_connected() and reset_connection()."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Manager

from app.models import Plain
from bulkmodel.engine.connections import reset_connection
from bulkmodel.queryset import BulkModelQuerySet
from conftest import ENGINE

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = ENGINE == "postgresql"


def test_both_chain(django_assert_num_queries: Any) -> None:
    Plain.django.create(name="a")
    assert Plain.objects.ensure_connected() is Plain.objects
    assert Plain.objects.reset_connection().filter(name="a").count() == 1
    queryset = Plain.objects.filter(name="a")
    list(queryset)
    with django_assert_num_queries(0):
        assert queryset.ensure_connected() is queryset
        assert queryset.reset_connection() is queryset
        assert len(queryset) == 1
    assert Plain.objects.ensure_connected().reset_connection().ensure_connected().count() == 1
    as_manager: Any = BulkModelQuerySet.as_manager()
    as_manager.model = Plain
    assert isinstance(as_manager, Manager) and as_manager.ensure_connected().count() == 1


def test_what_is_there_stays() -> None:
    connection.ensure_connection()
    driver = connection.connection
    Plain.objects.ensure_connected()
    assert connection.connection is driver
    with transaction.atomic():
        Plain.objects.create(name="a")
        assert Plain.objects.ensure_connected().count() == 1
        assert connection.connection is driver


def test_what_was_closed_is_opened() -> None:
    connection.close()
    Plain.objects.ensure_connected()
    assert connection.connection is not None and connection.is_usable()


def test_reset_of_what_was_never_opened() -> None:
    """A thread's first use of a connection, of which Django knows no autocommit yet."""
    first: Any = connection.copy()
    try:
        reset_connection(first)
        assert first.is_usable() and first.get_autocommit()
    finally:
        first.close()


def test_inside_a_transaction_that_failed() -> None:
    with pytest.raises(ValueError, match="own"), transaction.atomic():
        with pytest.raises(OperationalError if not on_postgresql else Exception):
            connection.cursor().execute("SELECT no_such_function()")
        Plain.objects.ensure_connected()
        raise ValueError("own")


def test_no_reset_inside_a_transaction() -> None:
    with transaction.atomic():
        Plain.objects.create(name="a")
        with pytest.raises(transaction.TransactionManagementError):
            Plain.objects.reset_connection()
        assert Plain.objects.count() == 1


def test_templates_do_not_call_them() -> None:
    for owner in (Plain.objects, Plain.objects.all()):
        assert owner.ensure_connected.alters_data and owner.reset_connection.alters_data
