"""Write the records of a file to a model, without those that fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import connections, models, transaction

from bulkmodel.files.cells import Cell, Columns, Unreadable, reason_of
from bulkmodel.files.records import Fault, Reader, Record
from bulkmodel.options import options_of
from bulkmodel.results import BulkResult, Meter, Outcome
from bulkmodel.verbs.collect import Collect, Limit
from bulkmodel.verbs.copy_from import CHUNK, CopyIn
from bulkmodel.verbs.inherited import tables_of

# Records whose related rows are looked up together.
_RECORDS = 1000


@dataclass(frozen=True)
class SetAside:
    """A record that was not written."""

    record: Record
    column: str
    code: str  # SQLSTATE, or a word
    message: str


class _Counted(Limit):
    """A limit of what the database refuses and of what could not be read."""

    def __init__(self, given: int | str | None, faults: list[SetAside]) -> None:
        super().__init__(given)
        self.faults = faults
        self.rejected = 0

    def check(self, rejected: int, n: int | None = None) -> None:
        self.rejected = rejected
        more = len(self.faults)
        super().check(rejected + more, None if n is None else n + more)


class _Upserts:
    """bulk_upsert() as the writes of Collect.  `keys` are the results."""

    def __init__(self, queryset: Any, unique: Sequence[str], fields: list[Any], size: int) -> None:
        self.queryset, self.unique, self.fields, self.size = queryset, unique, fields, size
        self.using, self.model = queryset.db, queryset.model
        self.keys: list[BulkResult] = []

    def again(self) -> _Upserts:
        return _Upserts(self.queryset, self.unique, self.fields, self.size)

    def run(self, objects: list[Any], keep_keys: bool, keep_objects: bool) -> None:
        found = {self.model._meta.get_field(name) for name in self.unique if name != "pk"}
        found.add(self.model._meta.pk)
        fields = [one for one in self.fields if one not in found]
        stamps = [one for one in self.model._meta.concrete_fields if _is_auto_now(one)]
        names = [one.name for one in dict.fromkeys([*fields, *stamps])]
        self.keys = [self.queryset.bulk_upsert(objects, self.unique, names, send_signals=False)]


def _is_auto_now(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False))


class Load:
    """One file that is written to a model."""

    def __init__(
        self,
        queryset: Any,
        reader: Reader,
        columns: Columns,
        *,
        unique: Sequence[str] | None,
        batch_size: int | None,
        max_rejects: int | str | None,
    ) -> None:
        """unique: the fields that identify a row of an upsert; None: insert.  Fault: the columns
        of the file do not fit."""
        self.queryset, self.reader, self.columns = queryset, reader, columns
        self.model: type[models.Model] = queryset.model
        self.unique = None if unique is None else list(unique)
        self.batch_size = batch_size
        self.aside: list[SetAside] = []
        self.limit = _Counted(max_rejects, self.aside)
        self._seen: dict[Any, int] = {}  # the line of a row, by what identifies it
        self._names: list[str] | None = None  # columns of the first record
        for column in reader.columns or ():
            columns.cell(column, 1)
        if reader.columns is not None:
            self._check_unique(1)

    def _check_unique(self, line: int) -> None:
        """Fault: the file has no column for a field that identifies a row."""
        there = {name for field in self.columns.fields() for name in (field.name, field.attname)}
        if self.model._meta.pk in self.columns.fields():
            there.add("pk")
        for name in self.unique or ():
            if name not in there:
                key = self.model._meta.pk
                what = key.name if name == "pk" and key is not None else name
                raise Fault(
                    f'no column has values of "{what}", which identifies a row: name others with'
                    " --unique-fields",
                    line,
                )

    # ------------------------------------------------------------------------------ write

    def run(self, dry_run: bool) -> BulkResult:
        """Write the objects in one transaction.  TooManyRejects: nothing was written.  The records
        that were not written are in `aside`, by line."""
        using = self.queryset.db
        options = options_of(self.batch_size, concurrent=False)
        size = self.batch_size or CHUNK
        objects = self.objects()
        first = next(objects, None)  # the columns of JSON are known after it
        fields = self.columns.fields()
        copy: Any = None
        if self.unique is None:
            copy = CopyIn(self.queryset, None, False, options, None)  # rows without a key get one
        else:
            copy = _Upserts(self.queryset, self.unique, fields, size)
        collect = Collect(copy, self.limit, keeps_keys=False)
        try:
            with transaction.atomic(using=using):
                result = collect.run(_chained(first, objects), Meter())
                if self.unique is not None:
                    _add_up(result, collect.keys)
                if result.inserted and not dry_run and self._has_keys():
                    self._move_sequence()
                if dry_run:
                    transaction.set_rollback(True, using=using)
        finally:
            self._take(collect)
        result.dry_run = dry_run
        return result

    def _take(self, collect: Collect) -> None:
        """Take over what the database refused."""
        column_of = {cell.field.name: column for column, cell in self.columns.read.items() if cell}
        for reject in collect.rejects:
            name = reject.field_name or ""
            message = " ".join(reject.message.split())
            record = reject.object._bulkmodel_record
            code = reject.sqlstate or "REFUSED"
            self.aside.append(SetAside(record, column_of.get(name, name), code, message))
        self.aside.sort(key=lambda one: one.record.line)

    def _has_keys(self) -> bool:
        """Return whether the file has a column of keys."""
        keys = {table._meta.pk for table in tables_of(self.model)}
        return not keys.isdisjoint(self.columns.fields())

    def _move_sequence(self) -> None:
        """The next keys follow those of the file, as after loaddata."""
        connection = connections[self.queryset.db]
        with connection.cursor() as cursor:
            for sql in connection.ops.sequence_reset_sql(no_style(), tables_of(self.model)):
                cursor.execute(sql)

    # ------------------------------------------------------------------------------- read

    def objects(self) -> Iterator[Any]:
        """Return an instance for each record that can be read.  Fault: the rest of the file cannot
        be read."""
        records = self.reader.records()
        while some := list(islice(records, _RECORDS)):
            read = [(record, self._read(record)) for record in some]
            keys = self._looked_up([values for _, values in read if values is not None])
            for record, values in read:
                made = None if values is None else self._made(record, values, keys)
                if made is not None:
                    yield made

    def _set_aside(self, record: Record, column: str, code: str, message: str) -> None:
        self.aside.append(SetAside(record, column, code, message))
        self.limit.check(self.limit.rejected)

    def _read(self, record: Record) -> list[tuple[Cell, Any]] | None:
        """Return the values of a record, or None if it is set aside."""
        column = ""
        of_json = self.reader.columns is None
        try:
            if record.fault is not None:
                raise record.fault
            cells = [(self.columns.cell(c, record.line), v) for c, v in record.cells.items()]
            self._check_names(record)
            values = []
            for cell, given in cells:
                if cell is not None:
                    column = cell.column
                    values.append((cell, cell.value(given, of_json)))
        except Fault as fault:
            self._set_aside(record, fault.column or "", "RECORD", fault.message)
        except (Unreadable, ValidationError, ValueError, TypeError, ArithmeticError) as error:
            self._set_aside(record, column, "CONVERT", reason_of(error))
        else:
            return values
        return None

    def _check_names(self, record: Record) -> None:
        """Fault: in an upsert, a record of JSON has other names than the first one: what should
        become of the others' values is unknown."""
        if self.unique is None or self.reader.columns is not None:
            return
        names = sorted(record.cells)
        if self._names is None:
            self._check_unique(record.line)
            self._names = names
        elif names != self._names:
            raise Fault(
                "an update needs the same names in each object as in the first", record.line
            )

    def _looked_up(self, rows: list[list[tuple[Cell, Any]]]) -> dict[str, dict[Any, Any]]:
        wanted: dict[str, list[Any]] = {}
        for row in rows:
            for cell, value in row:
                if cell.lookup is not None and value is not None:
                    wanted.setdefault(cell.lookup.name, []).append(value)
        lookups = self.columns.lookups
        return {name: lookups[name].keys(values) for name, values in wanted.items()}

    def _made(
        self, record: Record, values: list[tuple[Cell, Any]], keys: dict[str, dict[Any, Any]]
    ) -> Any:
        """Return the instance of a record, or None if it is set aside."""
        given = {}
        for cell, value in values:
            if cell.lookup is not None and value is not None:
                try:
                    value = cell.lookup.key_of(value, keys[cell.lookup.name])
                except Unreadable as error:
                    self._set_aside(record, cell.column, "LOOKUP", str(error))
                    return None
            given[cell.field.attname] = value
        made: Any = self.model(**given)
        before = self._line_before(record, made)
        if before is not None:
            what = f"the row of line {before} has the same {', '.join(self.unique or ())}"
            self._set_aside(record, "", "DUPLICATE", what)
            return None
        made._bulkmodel_record = record
        return made

    def _line_before(self, record: Record, made: Any) -> int | None:
        """Return the line of an earlier record that identifies the same row."""
        if self.unique is None:
            return None
        opts = self.model._meta
        names = [made.pk if n == "pk" else getattr(made, _attname(opts, n)) for n in self.unique]
        if None in names:
            return None
        line = self._seen.setdefault(tuple(names), record.line)
        return None if line == record.line else line


def _attname(opts: Any, name: str) -> str:
    return str(opts.get_field(name).attname)


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
        yield from rest


def _add_up(result: BulkResult, parts: list[BulkResult]) -> None:
    """Count what the upserts did."""
    result.inserted = sum(part.inserted for part in parts)
    result.updated = sum(part.updated for part in parts)
    result.unchanged = sum(part.unchanged for part in parts)
    done = iter(b"".join(part.outcomes for part in parts))
    rejected = Outcome.REJECTED
    result.outcomes = bytes(one if one == rejected else next(done) for one in result.outcomes)
