"""Steps on PostgreSQL, with a cursor of the driver for the engine's parameters and COPY."""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar

from bulkmodel import _core
from bulkmodel.database import ProgrammingError, has_django
from bulkmodel.engine.hooked import Received, Sent, note_of, received, together
from bulkmodel.engine.statements import (
    ANY_ROW,
    Condition,
    Step,
    result,
    statement,
    with_placeholders,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

try:
    if has_django:
        from django.db.backends.postgresql.psycopg_any import (  # type: ignore[import-untyped]
            is_psycopg3 as is_psycopg3,
        )
    else:
        import psycopg

        is_psycopg3 = True
    has_driver = True
except ImportError:
    is_psycopg3 = has_driver = False

# libpq's PGTransactionStatusType, as both drivers give it.
IDLE, ACTIVE, INTRANS, INERROR, UNKNOWN = range(5)

if is_psycopg3:
    import psycopg
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class Raw:
        """A parameter in the server's binary form."""

        __slots__ = ("data", "number", "sent")

        def __init__(self, data: bytes, number: int, sent: Sent) -> None:
            self.data = data
            self.number = number
            self.sent = sent

        def __repr__(self) -> str:
            return f"<{len(self.data)} bytes>"

    class Blocks:
        """The data of a COPY, generated while it is sent."""

        __slots__ = ("beside", "job", "note", "rows", "sent")

        def __init__(self, job: _core.Job, step: Step, note: str, sent: Sent) -> None:
            self.job = job
            self.rows = step.n
            self.beside = step.beside
            self.note = note
            self.sent = sent

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

    class EngineCursor(psycopg.Cursor[Any]):
        """A cursor for binary parameters, and for COPY as a statement with one parameter.  Other
        statements, and those that a hook changed, are sent as Django's cursor sends them."""

        # How the connection's own class binds parameters.
        in_client: ClassVar[dict[str, Any]] = {}

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            ours: Any = None
            for value in params or ():
                if value.__class__ is Raw or value.__class__ is Blocks:
                    ours = value
                    break
            if ours is None:
                with self._as_djangos():
                    return super().execute(query, params, **options)
            sent = ours.sent
            if query == sent.text and params is sent.params:
                if ours.__class__ is Raw:
                    return super().execute(query, params, **options)
                return self._load(ours, _without_note(query, ours.note), None)
            got = received(sent, query, params)
            first = together(self.connection, got.before, got.before_params)
            with first if got.before else nullcontext():
                return self._send(ours, got, options)

        def _send(self, ours: Any, got: Received, options: dict[str, Any]) -> Any:
            if ours.__class__ is Raw and got.is_ours:
                return super().execute(got.text, got.params, **options)
            if got.is_ours:
                return self._load(ours, _without_note(got.text, ours.note), None)
            with self._as_djangos():
                if ours.__class__ is Raw:
                    return super().execute(got.text, _as_text(got.params), **options)
                return self._load(ours, got.text, ["" if p is ours else p for p in got.params])

        def _load(self, blocks: Blocks, text: str, params: Any) -> Any:
            with self.copy(text, params) as copy:
                while (block := blocks.job.pull()) is not None:
                    copy.write(block)
                    blocks.beside()
            return self

        @contextmanager
        def _as_djangos(self) -> Iterator[None]:
            for name, value in self.in_client.items():
                method = isinstance(value, FunctionType)
                setattr(self, name, value.__get__(self) if method else value)
            try:
                yield
            finally:
                for name in self.in_client:
                    delattr(self, name)

    def _without_note(copy: str, note: str) -> str:
        """Return the COPY that is sent.  psycopg does not look for parameters in it."""
        return copy.replace(note, "").replace("%%", "%")

    def _as_text(params: tuple[Any, ...]) -> list[Any]:
        """Return parameters for a cursor that binds them in the client.  NotSupportedError: one is
        of a type without text."""
        sent = next(p.sent for p in params if type(p) is Raw)
        try:
            texts = sent.texts()
        except _core.EngineError as error:
            raise psycopg.NotSupportedError(
                "A hook has changed a statement of bulkmodel, which must then be sent with its"
                f" values as text, and a value has no text: {error}. Let the hook leave the"
                " statement as it is, or put its own statement before it, with a semicolon."
            ) from error
        return [texts[p.number] if type(p) is Raw else p for p in params]

    def _cursor_class(factory: Any) -> Any:
        """Return an EngineCursor that is also one of the connection's own class, whose methods
        come first.  Parameters are bound by the server, as in psycopg.Cursor."""
        if not isinstance(factory, type) or issubclass(psycopg.Cursor, factory):
            return EngineCursor
        in_client: dict[str, Any] = {}
        for kind in factory.__mro__:
            if kind.__module__.startswith("psycopg.") and not issubclass(psycopg.Cursor, kind):
                for name, value in vars(kind).items():
                    if not name.startswith("__") and hasattr(psycopg.Cursor, name):
                        in_client.setdefault(name, value)
        by_server = {name: getattr(psycopg.Cursor, name) for name in in_client}
        return type("EngineCursor", (factory, EngineCursor), by_server | {"in_client": in_client})

    _DRIVER: Any = psycopg.Connection
    MARK = "%b"

    def parameters(job: _core.Job | None, step: Step, sent: Sent) -> list[Any]:
        """Return the parameters of a step."""
        return [
            None if cell is None else Raw(cell, number, sent)
            for number, cell in enumerate(step.params)
        ]

    def cells(rows: list[Any]) -> list[Any]:
        """Return rows as the engine takes them."""
        return rows

elif has_driver:
    from psycopg2 import extensions  # type: ignore[import-untyped]

    from bulkmodel.engine.psycopg2_cursor import (  # type: ignore[assignment]
        Blocks,
        _cursor_class,
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
    """Return Django's cursor around an EngineCursor, which derives from the connection's own cursor
    class: what that counts or changes, it counts and changes here, too."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    driver = driver_of(connection)
    factory = driver.cursor_factory
    known = getattr(connection, "_bulkmodel_cursor", None)
    if known is None or known[0] is not driver or known[1] is not factory:
        if is_psycopg3:
            for kind in (Raw, Blocks):
                driver.adapters.register_dumper(kind, ReprDumper)
            driver.adapters.register_dumper(Raw, RawDumper)
        known = connection._bulkmodel_cursor = (driver, factory, _cursor_class(factory))
    driver.cursor_factory = known[2]
    try:
        return connection.cursor()
    finally:
        driver.cursor_factory = factory


def execute(
    cursor: Any, job: _core.Job | None, step: Step, condition: Condition
) -> tuple[int, list[Any]]:
    sent = Sent()
    sent.job, sent.cells = job, step.params
    sent.text, sent.params = statement(step.sql, MARK, condition, parameters(job, step, sent))
    try:
        cursor.execute(sent.text, sent.params)
    finally:
        sent.params = ()  # they refer to it
    count, rows = result(cursor, step.wants_rows, condition)
    return count, cells(rows)


def load(cursor: Any, job: _core.Job, step: Step, condition: Condition) -> tuple[int, list[Any]]:
    text, _ = with_placeholders(step.sql, MARK, "")
    sent = Sent()
    note = note_of(text)
    sent.text, sent.params = text + note, (Blocks(job, step, note, sent),)
    try:
        cursor.execute(sent.text, sent.params)
    finally:
        sent.params = ()
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


_FOREIGN = (
    "SELECT c.relname FROM pg_catalog.pg_class c"
    " WHERE c.relkind OPERATOR(pg_catalog.=) 'f' AND c.oid OPERATOR(pg_catalog.=) ANY"
    " (ARRAY(SELECT pg_catalog.to_regclass(%s)::pg_catalog.oid UNION ALL"
    " SELECT relid::pg_catalog.oid FROM"
    " pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%s)))) ORDER BY 1"
)


def foreign_partitions(connection: BaseDatabaseWrapper, name: str) -> list[str]:
    """Return the names of the tables of other servers among a table and its partitions."""
    if connection.vendor != "postgresql":
        return []
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN, [quoted, quoted])
        return [row[0] for row in cursor.fetchall()]
