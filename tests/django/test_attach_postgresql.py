"""bulkmodel.attach() on PostgreSQL."""

import psycopg
import pytest

import bulkmodel
from test_attach import connect

pytestmark = [pytest.mark.psycopg3, pytest.mark.django_db(transaction=True)]


def test_rows_that_are_found_stay_locked():
    with connect() as one, connect() as other:
        one.execute("CREATE TABLE attached_locks (id bigserial PRIMARY KEY, sku text)")
        db = bulkmodel.attach(one)
        (key,) = db.insert("attached_locks", [{"sku": "a"}]).keys
        one.commit()
        try:
            assert db.upsert("attached_locks", [{"id": key, "sku": "a"}]).unchanged == 1
            other.execute("SET lock_timeout = 50")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("UPDATE attached_locks SET sku = 'b'")
        finally:
            other.rollback()
            one.rollback()
            one.execute("DROP TABLE attached_locks")
