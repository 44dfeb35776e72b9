"""Which row and field an error is about.

The database's report is compared with the caller's objects, only after a failure.  Nothing is named
where two rows are possible, or where a value's text form is not certain.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import Error, models
from django.db.backends.base.base import BaseDatabaseWrapper

from bulkmodel import _core
from bulkmodel.engine import failure, mariadb
from bulkmodel.engine.failure import Facts
from bulkmodel.engine.sqlite import has_no_key_left
from bulkmodel.model.fields import limit_of, target_of
from bulkmodel.model.limits import is_out_of_range

_ABOUT_VALUES = (ValueError, TypeError, OverflowError, UnicodeError, ValidationError)
# "(columns)=(values)" in DETAIL, independent of the server's language.
_KEY = re.compile(r"\(([^()]*)\)=\(")
# Fields whose values PostgreSQL prints like _text(), up to _LONGEST bytes.
_PRINTED = frozenset(
    {
        models.AutoField,
        models.BigAutoField,
        models.SmallIntegerField,
        models.IntegerField,
        models.BigIntegerField,
        models.CharField,
        models.TextField,
        models.BooleanField,
        models.UUIDField,
    }
)
_LONGEST = 64
_LIMIT = re.compile(r"\((\d+)\)")

Found = tuple[int | None, Any]
NOTHING: Found = (None, None)


@dataclass(frozen=True)
class Call:
    """The call that an error belongs to."""

    model: type[models.Model]
    connection: BaseDatabaseWrapper
    objects: Sequence[Any] = ()
    fields: Sequence[Any] | None = None  # the written fields; None: all
    places: Sequence[int] | None = (
        None  # positions of the objects in the caller's sequence; None: the same
    )
    # Returns the position of a job's row among the objects; None: the same.
    row_of: Callable[[_core.Job, int], int] | None = None


def annotate(error: BaseException, call: Call) -> None:
    """Set row_index, field_name, constraint and sqlstate on an error; None means unknown.  Errors
    that do not come from the database or from a value stay unchanged."""
    if hasattr(error, "row_index"):
        return
    if isinstance(error, Error):
        known = failure.facts_of(error, call.connection)
    elif is_about_value(error):
        known = failure.Facts()
    else:
        return
    if has_run_out(error, known, call.model, call.connection, call.objects):
        key = call.model._meta.pk
        failure.describe(
            error,
            None,
            key.name if isinstance(key, models.AutoField) else None,
            None,
            known.sqlstate,
        )
        return
    job, row, column = failure.location_of(error)
    field = field_of(call.model, known.column or column)
    if field is None and known.constraint is not None:
        field = _field_of_index(call.model, known.constraint)
        if field is None and known.sqlstate == "23505":
            table = call.model._meta.db_table
            column = mariadb.column_of_key(call.connection, table, known.constraint)
            field = field_of(call.model, column)
    if row is not None and job is not None and call.row_of is not None:
        row = call.row_of(job, row)
    if row is None or field is None:
        found, named = _search(error, known, call)
        row = found if row is None else row
        field = field or (named if found == row else None)
    if row is None:
        row = _found_again(error, call)
    if row is not None and call.places is not None:
        row = call.places[row]
    failure.describe(error, row, field.name if field else None, known.constraint, known.sqlstate)


def _found_again(error: BaseException, call: Call) -> int | None:
    find = failure.search_of(error)
    found = find() if find is not None else None
    if found is None or call.row_of is None:
        return found[1] if found is not None else None
    return call.row_of(*found)


def _search(error: BaseException, known: failure.Facts, call: Call) -> Found:
    """Search for the row and field.  Errors raised here by the caller's classes are ignored."""
    search = Search(call.model, call.connection, call.objects, call.fields)
    try:
        return search.find(error, known)
    except Exception:
        return NOTHING


class diagnosed:
    """Annotate errors that are raised inside.  `call` is evaluated only then."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], Call]) -> None:
        self.call = call

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            annotate(error, self.call())


def has_run_out(
    error: BaseException,
    facts: Facts,
    model: type[models.Model],
    connection: Any,
    objects: Sequence[Any],
) -> bool:
    """Return whether the primary key or a sequence has no more values, so that no row caused the
    error.  2200H is the end of a sequence.  A sequence above the range of its column fails in the
    cast, as does a row's value that the driver writes into the statement (psycopg2)."""
    key = model._meta.pk
    if facts.sqlstate == "2200H":
        return True
    if not isinstance(key, models.AutoField) or all(getattr(o, "pk", 0) for o in objects):
        return False
    if facts.sqlstate == "22003" and facts.routine in ("int84", "int82"):
        fields = model._meta.concrete_fields
        return not any(field.generated for field in fields) and not any(
            is_out_of_range(connection, field, vars(object).get(field.attname))
            for field in fields
            for object in objects
        )
    return has_no_key_left(error, connection, model._meta.db_table, key.column, len(objects))


def is_about_value(error: BaseException) -> bool:
    return isinstance(error, _ABOUT_VALUES)


def field_of(model: type[models.Model], column: str | None) -> Any:
    """Return the field of a column, whose name may be quoted."""
    for field in model._meta.concrete_fields if column else ():
        if column in (field.column, '"' + field.column.replace('"', '""') + '"'):
            return field
    return None


def _field_of_index(model: type[models.Model], name: str) -> Any:
    """Return the only field of a unique index, where the server reports nothing but its name.  On
    MariaDB that is PRIMARY, or the column's for a field with unique=True."""
    opts: Any = model._meta
    if name == "PRIMARY":
        return opts.pk if len(opts.pk_fields) == 1 else None
    for constraint in opts.constraints:
        fields = getattr(constraint, "fields", ())
        if constraint.name == name and len(fields) == 1:
            return opts.get_field(*fields)
    field = field_of(model, name)
    return field if field is not None and field.unique else None


def _text(value: Any) -> str | None:
    """Return the value as PostgreSQL prints it in DETAIL, or None if that is not certain."""
    if type(value) is bool:
        return "t" if value else "f"
    if type(value) in (int, str, uuid.UUID):
        return str(value)
    return None


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the lengths of nested lists.  None: they differ on one level."""
    if not isinstance(value, list | tuple):
        return ()
    shapes = {_shape(item) for item in value} or {()}
    shape = shapes.pop()
    return None if shape is None or shapes else (len(value), *shape)


def _is_beyond_64_bits(field: Any, value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


class Search:
    """A search in the objects of a call that failed."""

    def __init__(
        self,
        model: type[models.Model],
        connection: BaseDatabaseWrapper,
        objects: Sequence[Any],
        fields: Sequence[Any] | None,
    ) -> None:
        self.model = model
        self.connection = connection
        self.objects = objects
        self.updates = fields
        self.fields = model._meta.concrete_fields if fields is None else fields

    def find(self, error: BaseException, facts: Facts) -> Found:
        """Return (row, field); None means unknown."""
        ways: dict[str | None, Callable[[BaseException, Facts], Found]] = {
            "23505": self._by_key,
            "23503": self._by_key,
            "23502": self._by_null,
            "23514": self._by_printed_row,
            "22001": self._by_length,
            "22003": self._by_range,
            "22P02": self._by_shape,
            None: self._by_value,
        }
        way = ways.get(facts.sqlstate)
        return way(error, facts) if way is not None else NOTHING

    def _cells(self, field: Any) -> list[Any]:
        """Return the objects' values of the field, without loading deferred ones."""
        return [vars(object).get(field.attname) for object in self.objects]

    def _by_key(self, error: BaseException, facts: Facts) -> Found:
        key = _KEY.search(facts.detail or "")
        if key is None:
            return self._by_repetition(facts)
        fields = [field_of(self.model, name) for name in key[1].split(", ")]
        if not all(fields):
            return NOTHING
        only = fields[0] if len(fields) == 1 else None
        rest = (facts.detail or "")[key.end() :]
        rows: dict[str, list[int]] = {}
        for row, values in enumerate(zip(*map(self._cells, fields))):
            texts = [_text(value) for value in values]
            if None not in texts:
                text = ", ".join(map(str, texts))
                if rest.startswith(text + ")"):
                    rows.setdefault(text, []).append(row)
        if len(rows) != 1:
            return None, only
        at = next(iter(rows.values()))
        # Of two rows with the same key the second one fails.
        return at[1 if len(at) > 1 and facts.sqlstate == "23505" else 0], only

    def _by_repetition(self, facts: Facts) -> Found:
        """SQLite does not report the key.  A row that repeats another one's value fails."""
        field = field_of(self.model, facts.column)
        if field is None or facts.sqlstate != "23505":
            return None, field
        seen: set[str] = set()
        for row, value in enumerate(self._cells(field)):
            text = _text(value)
            if text in seen:
                return row, field
            if text is not None:
                seen.add(text)
        return None, field

    def _by_null(self, error: BaseException, facts: Facts) -> Found:
        field = field_of(self.model, facts.column)
        if field is None or field.primary_key:
            return None, field
        cells = [vars(object).get(field.attname, "") for object in self.objects]
        return (cells.index(None) if None in cells else None), field

    def _by_printed_row(self, error: BaseException, facts: Facts) -> Found:
        """DETAIL lists the row's columns in the table's order.  Find the one object whose values
        all appear there, including the key if rows are updated."""
        _, _, printed = (facts.detail or "").partition("(")
        cells = ", " + printed.rpartition(")")[0] + ", "
        key = [] if self.updates is None else list(self.model._meta.pk_fields)
        fields = [f for f in (*key, *self.fields) if type(target_of(f)) in _PRINTED]
        found: list[int] = []
        for row, values in enumerate(zip(*map(self._cells, fields)) if printed else ()):
            texts = [_text(value) for value in values]
            known = [text for text in texts if text is not None and len(text.encode()) <= _LONGEST]
            if known and all(f", {text}, " in cells for text in known):
                found.append(row)
        return (found[0] if len(found) == 1 else None), None

    def _first(self, fields: Sequence[Any], wrong: Callable[[Any, Any], bool]) -> Found:
        for row, object in enumerate(self.objects):
            for field in fields:
                value = vars(object).get(field.attname)
                if value is not None and wrong(field, value):
                    return row, field
        return NOTHING

    def _by_length(self, error: BaseException, facts: Facts) -> Found:
        said = _LIMIT.search(str(error))
        length = int(said[1]) if said else None
        limits = {f: limit_of(target_of(f).db_type(self.connection)) for f in self.fields}

        def is_long(field: Any, value: Any) -> bool:
            limit = limits[field]
            text = value if isinstance(value, list | tuple) else str(value)
            return limit is not None and limit.length == length and limit.refuses(text)

        return self._first(self.fields, is_long)

    def _by_range(self, error: BaseException, facts: Facts) -> Found:
        def outside(field: Any, value: Any) -> bool:
            return is_out_of_range(self.connection, field, value)

        return self._first(self.fields, outside)

    def _by_shape(self, error: BaseException, facts: Facts) -> Found:
        """PostgreSQL's arrays are rectangular."""

        def is_ragged(field: Any, value: Any) -> bool:
            written = target_of(field).db_type(self.connection) or ""
            return written.endswith("]") and _shape(value) is None

        return self._first(self.fields, is_ragged)

    def _by_value(self, error: BaseException, facts: Facts) -> Found:
        """Nothing was sent or no answer came: find the value that cannot be prepared or sent."""
        if isinstance(error, UnicodeEncodeError):
            text = error.object
            return self._first(self.fields, lambda field, value: value == text)
        if isinstance(error, Error):
            if "NUL" not in str(error):
                return NOTHING
            return self._first(self.fields, lambda field, value: "\0" in str(value))
        found = self._first(self.fields, lambda field, value: self._refuses(field, value, error))
        if found == NOTHING and isinstance(error, OverflowError):
            return self._first(self.fields, _is_beyond_64_bits)
        return found

    def _refuses(self, field: Any, value: Any, error: BaseException) -> bool:
        """Return whether the field raises the same error for the value."""
        if hasattr(value, "resolve_expression"):
            return False
        try:
            field.get_db_prep_save(value, self.connection)
        except Exception as again:
            return type(again) is type(error) and str(again) == str(error)
        return False
