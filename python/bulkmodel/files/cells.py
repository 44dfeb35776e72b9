"""Cells of a file as values of a model's fields, in the way of Django's forms."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models.query import QuerySet

from bulkmodel.files.records import Fault, Number, kind_of
from bulkmodel.helpers import get_chunks
from bulkmodel.verbs.find_rows import folded

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_SHOWN = 10  # choices that a message lists
_ASKED = 500  # values in a query
_SEVERAL = object()

Parse = Callable[[str], Any]


class Unreadable(ValueError):
    """A cell is not a value of its field."""


class Cell:
    """How the cells of one column are read."""

    def __init__(self, column: str, field: Any, localize: bool, lookup: Lookup | None) -> None:
        self.column, self.field, self.lookup = column, field, lookup
        self.target = lookup.field if lookup is not None else _target_of(field)
        self.parse = _parser_of(self.target, localize)
        self.parse_plain = _parser_of(self.target, False)
        self.takes_json = isinstance(self.target, models.JSONField)
        self.takes_lists = self.takes_json or hasattr(self.target, "base_field")

    def value(self, cell: Any, of_json: bool = False) -> Any:
        """Return the value of a cell.  of_json: the file is JSON, so a JSONField gets texts as they
        are.  Unreadable, ValidationError: it has none."""
        is_document = of_json and self.takes_json
        if cell is None or (cell == "" and not is_document):
            return self._empty(cell)
        is_text = isinstance(cell, str) and not is_document
        value = self.parse(cell) if is_text else self._of_json(cell)
        is_empty = self.takes_lists and value in ({}, [], "")  # clean() would want blank=True
        if self.target is self.field and not is_empty:
            self.field.clean(value, None)
        return value

    def _empty(self, cell: Any) -> Any:
        field = self.field
        if field.null or (field.primary_key and isinstance(field, models.AutoField)):
            return None
        is_text = field.empty_strings_allowed and field.get_internal_type() != "BinaryField"
        if cell is None or not is_text or field.remote_field is not None:
            raise Unreadable("the cell is empty, and the field does not take NULL")
        if not field.blank:
            raise Unreadable("the cell is empty, and the field is not blank=True")
        return ""

    def _of_json(self, cell: Any) -> Any:
        if self.takes_json:
            return json.loads(json.dumps(cell))  # without Number
        if isinstance(cell, dict | list):
            if self.takes_lists:
                return self.target.to_python(cell)
            raise Unreadable(f"expected a single value, found {kind_of(cell)}")
        if isinstance(cell, bool):
            if isinstance(self.target, models.BooleanField):
                return cell
            raise Unreadable("expected a value of the field, found true or false")
        return self.parse_plain(cell.text if isinstance(cell, Number) else str(cell))


def _target_of(field: Any) -> Any:
    while field.remote_field is not None:
        field = field.target_field
    return field


def _parser_of(field: Any, localize: bool) -> Parse:
    """Return the function that reads the text of a cell that is not empty."""
    if field.choices:
        return _by_choice(field)
    if isinstance(field, models.BooleanField):
        return _boolean
    if isinstance(field, models.BinaryField):
        return _base64
    if isinstance(field, models.FileField):
        return _file_name(field)  # a form expects an upload
    if isinstance(field, models.CharField | models.TextField):
        return str  # a form would cut blanks off
    form = field.formfield(localize=localize)
    return field.to_python if form is None else form.to_python  # type: ignore[no-any-return]


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Unreadable("expected true or false (or yes, no, on, off, t, f, y, n, 1, 0)")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Unreadable("expected base64") from None


def _file_name(field: models.FileField) -> Parse:
    def parse(text: str) -> str:
        if field.max_length is not None and len(text) > field.max_length:
            raise Unreadable(
                f"expected a name of at most {field.max_length} characters, found {len(text)}"
            )
        return text

    return parse


def _by_choice(field: Any) -> Parse:
    """Choices by their value, or by their label if only one has it."""
    values: dict[str, Any] = {}
    for value, label in field.flatchoices:
        known = values.setdefault(str(label), value)
        if known != value:
            values[str(label)] = _SEVERAL
    values.update((str(value), value) for value, _ in field.flatchoices if value not in ("", None))
    names = [str(value) for value, _ in field.flatchoices]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""

    def parse(text: str) -> Any:
        value = values.get(text, values.get(text.strip()))
        if value is _SEVERAL:
            raise Unreadable("several choices have this label: use the value")
        if value is None:
            raise Unreadable(f"expected one of the choices: {', '.join(names[:_SHOWN])}{more}")
        return value

    return parse


class Lookup:
    """Finds related rows by a field of theirs: --lookup brand=name."""

    def __init__(self, model: type[models.Model], name: str, by: str, using: str) -> None:
        """ValueError: one of the names cannot be used."""
        label = model._meta.label
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            raise ValueError(f'--lookup: {label} has no field "{name}"') from None
        if not (field.concrete and field.remote_field and not field.many_to_many):
            raise ValueError(f'--lookup: "{name}" of {label} is not a foreign key')
        self.name, self.by, self.using = field.name, by, using
        self.related: Any = field.remote_field.model
        self.key = field.target_field.attname
        try:
            self.field: Any = self.related._meta.get_field(by)
        except FieldDoesNotExist:
            label = self.related._meta.label
            raise ValueError(f'--lookup {name}={by}: {label} has no field "{by}"') from None
        if not self.field.concrete or self.field.many_to_many or self.field.remote_field:
            raise ValueError(f'--lookup {name}={by}: "{by}" is not a plain field')

    def keys(self, values: Iterable[Any]) -> dict[Any, Any]:
        """Return the key of the row that has each value.  A value that several rows have has the
        key _SEVERAL."""
        found: dict[Any, Any] = {}
        for some in get_chunks(iter(dict.fromkeys(values)), _ASKED):
            left = list(some)
            while left:
                asked = self._asked(left)
                found |= asked
                # The column's collation may ignore case: a second name of a row that was found.
                same = {folded((value,)) for value in asked}
                left = [v for v in left if v not in found and folded((v,)) in same]
        return found

    def _asked(self, values: list[Any]) -> dict[Any, Any]:
        """Return the keys by one query.  The database says which values are equal."""
        rows: QuerySet[Any, Any] = QuerySet(self.related, using=self.using)
        exact = {value: value for value in values}
        loose = {folded((value,)): value for value in values}
        found: dict[Any, Any] = {}
        asked = rows.filter(**{f"{self.by}__in": values}).order_by()
        for stored, key in asked.values_list(self.by, self.key):
            value = exact.get(stored, loose.get(folded((stored,)), stored))
            found[value] = _SEVERAL if value in found else key
        return found

    def key_of(self, value: Any, keys: dict[Any, Any]) -> Any:
        label = self.related._meta.label
        key = keys.get(value)
        if key is None:
            raise Unreadable(f"no {label} has this {self.by}")
        if key is _SEVERAL:
            raise Unreadable(f"several rows of {label} have this {self.by}")
        return key


class Columns:
    """The columns of a file and their fields."""

    def __init__(
        self,
        model: type[models.Model],
        maps: dict[str, str],
        lookups: Sequence[Lookup],
        localize: bool,
    ) -> None:
        """maps: the field of a column, by name; "" leaves the column out."""
        self.model, self.maps, self.localize = model, maps, localize
        self.lookups = {lookup.name: lookup for lookup in lookups}
        self.read: dict[str, Cell | None] = {}  # by column; None: it is left out
        own: list[Any] = list(model._meta.concrete_fields)
        self._fields = {field.name: field for field in own}
        self._fields.update({field.attname: field for field in own})
        self._fields["pk"] = model._meta.pk

    def fields(self) -> list[Any]:
        """Return the fields that have a column, as far as the file was read."""
        return [cell.field for cell in self.read.values() if cell is not None]

    def cell(self, column: str, line: int) -> Cell | None:
        """Return how the cells of a column are read; None: not at all.  Fault: it has no field."""
        if column in self.read:
            return self.read[column]
        name = self.maps.get(column, column)
        made = None
        if name or column not in self.maps:
            field: Any = self._fields.get(name)
            self._refuse(column, name, field, line)
            lookup = self.lookups.get(field.name)
            made = Cell(column, field, self.localize, lookup)
        self.read[column] = made
        return made

    def _refuse(self, column: str, name: str, field: Any, line: int) -> None:
        label = self.model._meta.label
        own: list[Any] = list(self.model._meta.concrete_fields)
        names = ", ".join(one.name for one in own)
        if field is None and not name:
            what = "a column has no name: --map =FIELD gives it a field, --map = leaves it out"
        elif field is None and column in self.maps:
            what = f'--map {column}={name}: {label} has no field "{name}", it has {names}'
        elif field is None:
            what = (
                f'{label} has no field "{name}", it has {names}. Name the column\'s field'
                f" (--map '{name}=FIELD'), or leave it out (--map '{name}=')"
            )
        elif getattr(field, "generated", False):
            what = f'the database computes "{field.name}": leave the column out (--map {column}=)'
        elif field in self.fields():
            what = f'two columns have the field "{field.name}"'
        else:
            return
        raise Fault(what, line, column)


def reason_of(error: Exception) -> str:
    """Return what is wrong with a cell, in a line."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error) or type(error).__name__
