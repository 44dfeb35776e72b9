"""Steps on PostgreSQL, with a cursor of the driver for the engine's parameters and COPY."""

from __future__ import annotations

import re
from typing import Any

from django.db import ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine.statements import (
    ANY_ROW,
    NOTE,
    Condition,
    Step,
    result,
    statement,
    with_placeholders,
)

try:
    from django.db.backends.postgresql.psycopg_any import (  # type: ignore[import-untyped]
        is_psycopg3 as is_psycopg3,
    )

    has_driver = True
except ImportError:
    is_psycopg3 = has_driver = False

# libpq's PGTransactionStatusType, as both drivers give it.
ACTIVE, INTRANS, INERROR, UNKNOWN = 1, 2, 3, 4

if is_psycopg3:
    import psycopg
    from django.db.backends.postgresql import base
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class Raw:
        """A parameter in the server's binary form."""

        __slots__ = ("data",)

        def __init__(self, data: bytes) -> None:
            self.data = data

        def __repr__(self) -> str:
            return f"<{len(self.data)} bytes>"

    class Blocks:
        """The data of a COPY, generated while it is sent."""

        __slots__ = ("beside", "job", "rows")

        def __init__(self, job: _core.Job, step: Step) -> None:
            self.job = job
            self.rows = step.n
            self.beside = step.beside

        def __repr__(self) -> str:
            return f"<{self.rows} rows>"

    class RawDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: Any) -> Any:
            return obj.data

    class ReprDumper(Dumper):
        """The text of a parameter in the query log."""

        format = Format.TEXT

        def dump(self, obj: Any) -> Any:
            return repr(obj).encode()

    class EngineCursor(base.ServerBindingCursor):  # type: ignore[misc,name-defined]
        """A cursor for binary parameters, and for COPY as a statement with one parameter."""

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            if not (params and type(params[0]) is Blocks):
                return super().execute(query, params, **options)
            job, beside = params[0].job, params[0].beside
            with self.copy(query.removesuffix(NOTE).replace("%%", "%")) as copy:
                while (block := job.pull()) is not None:
                    copy.write(block)
                    beside()
            return self

    _DRIVER: Any = psycopg.Connection
    MARK = "%b"

    def parameters(job: _core.Job | None, step: Step) -> list[Any]:
        """Return the parameters of a step."""
        return [None if cell is None else Raw(cell) for cell in step.params]

    def cells(rows: list[Any]) -> list[Any]:
        """Return rows as the engine takes them."""
        return rows

elif has_driver:
    from psycopg2 import extensions  # type: ignore[import-untyped]

    from bulkmodel.engine.psycopg2_cursor import (  # type: ignore[assignment]
        Blocks,
        EngineCursor,
        cells,
        parameters,
    )

    _DRIVER = extensions.connection
    MARK = "%s"


def driver_of(connection: Any) -> Any:
    """Return the driver's connection, also if a pool wraps it, as SQLAlchemy's does.  None: it is
    none of the driver's."""
    given = connection.connection
    for driver in (given, getattr(given, "driver_connection", None)):
        if isinstance(driver, _DRIVER):
            return driver
    return None


def is_known(connection: Any) -> bool:
    """Return whether the connection can run the engine's statements.  A backend that opens its
    connections in its own way is connected first."""
    opens: Any = type(connection).get_new_connection
    if getattr(opens, "__module__", "").startswith("django."):
        return True
    connection.ensure_connection()
    return driver_of(connection) is not None


def refuse_in_the_middle(connection: Any) -> None:
    """ProgrammingError: the caller's own COPY or stream on this connection has not ended.  Until
    then psycopg 3 holds the connection's lock, for which a statement would wait for ever."""
    if connection.vendor != "postgresql" or not is_psycopg3:
        return
    driver = connection.connection
    if not isinstance(driver, psycopg.Connection):
        driver = driver_of(connection)
    if driver is None or not driver.lock.locked() or connection.allow_thread_sharing:
        return
    if driver.pgconn.transaction_status == ACTIVE:
        raise ProgrammingError(
            "The connection is in the middle of a cursor.copy() or cursor.stream(), and can do"
            " nothing else until that ends. Call bulkmodel after it, or read its rows into a list"
            " first."
        )


def cursor_of(connection: Any) -> Any:
    """Return Django's cursor around an EngineCursor."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    driver = driver_of(connection)
    if is_psycopg3 and getattr(connection, "_bulkmodel_raw", None) is not driver:
        for kind in (Raw, Blocks):
            driver.adapters.register_dumper(kind, ReprDumper)
        driver.adapters.register_dumper(Raw, RawDumper)
        connection._bulkmodel_raw = driver
    factory = driver.cursor_factory
    driver.cursor_factory = EngineCursor
    try:
        return connection.cursor()
    finally:
        driver.cursor_factory = factory


def execute(
    cursor: Any, job: _core.Job | None, step: Step, condition: Condition
) -> tuple[int, list[Any]]:
    cursor.execute(*statement(step.sql, MARK, condition, parameters(job, step)))
    count, rows = result(cursor, step.wants_rows, condition)
    return count, cells(rows)


def load(cursor: Any, job: _core.Job, step: Step, condition: Condition) -> tuple[int, list[Any]]:
    text, _ = with_placeholders(step.sql, MARK, "")
    cursor.execute(text + NOTE, (Blocks(job, step),))
    return cursor.rowcount, []


PERFORM = {"exec": execute, "load": load}

# A name, perhaps with its schema.
_NAME = re.compile(r'(?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+"))?')
_BASE = """
WITH RECURSIVE b AS (
    SELECT t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype, t.typtypmod, -1 AS modifier,
        0 AS depth
    FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regtype(%s)
    UNION ALL
    SELECT t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype, t.typtypmod, b.typtypmod,
        b.depth OPERATOR(pg_catalog.+) 1
    FROM b JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) b.typbasetype
)
SELECT pg_catalog.concat(
    pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(b.typname)
), pg_catalog.format_type(b.oid, b.modifier)
FROM b JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) b.typnamespace
WHERE b.depth OPERATOR(pg_catalog.>) 0 AND b.typtype OPERATOR(pg_catalog.<>) 'd'
"""


def base_of(kind: str, connection: BaseDatabaseWrapper) -> tuple[str, str] | None:
    """Return the base type of a domain: its name, and as the domain was declared, with a length.
    None: the type is not a domain.  It is a question to the catalog that Django's query log does
    not count."""
    if _NAME.fullmatch(kind) is None:  # of more words: not a domain
        return None
    refuse_in_the_middle(connection)
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    if is_psycopg3 and driver_of(connection) is None:
        return None
    driver: Any = connection.connection
    with connection.wrap_database_errors, driver.cursor() as cursor:
        cursor.execute(_BASE, [kind])
        row = cursor.fetchone()
    return (str(row[0]), str(row[1])) if row is not None else None


# A table of another server, or a partition; and Citus, whose reference tables are in
# pg_dist_partition.
ONE_WRITER = """
SELECT EXISTS (SELECT 1 FROM (SELECT p.relid FROM pg_catalog.pg_partition_tree(t.oid) p
UNION ALL SELECT t.oid) p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relid
WHERE c.relkind OPERATOR(pg_catalog.=) 'f'),
CASE WHEN pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL
THEN t.oid::pg_catalog.oid::pg_catalog.int8 END
FROM pg_catalog.to_regclass(%s) t (oid)
"""
_CITUS = """
SELECT partmethod::pg_catalog.text FROM pg_catalog.pg_dist_partition
WHERE logicalrelid OPERATOR(pg_catalog.=) %s::pg_catalog.oid
"""


def needs_one_writer(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Return whether several workers could wait for each other unseen: partitions of the table are
    on other servers, or it is a reference table of Citus."""
    refuse_in_the_middle(connection)
    with connection.cursor() as cursor:
        cursor.execute(ONE_WRITER, [connection.ops.quote_name(table)])
        is_far, known_to_citus = cursor.fetchone() or (False, None)
        if is_far or known_to_citus is None:
            return bool(is_far)
        cursor.execute(_CITUS, [known_to_citus])
        return bool(cursor.fetchone() == ("n",))


def staged(table: _core.Table, connection: Any, name: str) -> _core.Catalog | None:
    """Describe a table with partitions on other servers, and its stage tables.  None: it has none
    of either.  Of other tables Django's query log does not count the question."""
    refuse_in_the_middle(connection)
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    driver: Any = connection.connection
    with connection.wrap_database_errors, driver.cursor() as cursor:
        cursor.execute(ONE_WRITER, [connection.ops.quote_name(name)])
        is_far, _ = cursor.fetchone() or (False, None)
    if not is_far:
        return None
    catalog = ask(table, connection)
    question = catalog.stage_question()
    if question is None:
        return None
    with cursor_of(connection) as cursor:
        _, rows = execute(cursor, None, Step("exec", *question, 1, True), ANY_ROW)
    return catalog if catalog.stage_answer(rows) else None


def ask(table: _core.Table, connection: BaseDatabaseWrapper) -> _core.Catalog:
    """Ask the server to describe the table."""
    refuse_in_the_middle(connection)
    catalog = _core.Catalog(table)
    sql, params = catalog.question()
    with cursor_of(connection) as cursor:
        _, rows = execute(cursor, None, Step("exec", sql, params, 1, True), ANY_ROW)
    catalog.answer(rows)
    return catalog


def bound(connection: Any, sql: str, params: Any) -> Condition:
    """Return a WHERE of Django.  Where Django binds parameters in the client, so does this: the SQL
    is made for that."""
    if connection.vendor == "postgresql" and not connection.features.uses_server_side_binding:
        text = connection.ops.compose_sql(sql, params)
        return Condition(text.replace("%", "%%"))
    return Condition(sql, tuple(params))
