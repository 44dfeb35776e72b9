"""Find the rows of objects by fields other than the primary key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models.query import QuerySet

from bulkmodel.engine import failure
from bulkmodel.model.key_queries import read_by_keys
from bulkmodel.model.primary_keys import normal_keys, normal_values
from bulkmodel.model.where import having, lists_of, rows_of

Key = tuple[Any, ...]
DUPLICATES = ("error", "first", "last")
ALLOW = "allow_skipped=True"


def unique_fields_named(model: type[models.Model], names: Iterable[str] | None) -> list[Any]:
    """Return the fields that identify a row; by default the primary key.  ValueError,
    FieldDoesNotExist: a field cannot be used."""
    opts: Any = model._meta
    if isinstance(names, str):
        raise TypeError(f"unique_fields must be a list of field names: [{names!r}]")
    found: list[Any] = []
    for name in ["pk"] if names is None else list(names):
        found += opts.pk_fields if name == "pk" else [opts.get_field(name)]
    if not found:
        raise ValueError("unique_fields is empty: name the fields that identify a row.")
    for one in found:
        if not one.concrete or one.many_to_many or one.column is None:
            raise ValueError(f"unique_fields can only name concrete fields, not {one.name!r}.")
    return list(dict.fromkeys(found))


def keys_of(objects: Sequence[Any], fields: Sequence[Any], using: str) -> list[Key | None]:
    """Return each object's values of these fields as they are read.  None: one of them is NULL,
    which equals no row."""
    columns = [[getattr(row, one.attname) for row in objects] for one in fields]
    for one, values in zip(fields, columns):
        if any(hasattr(kind, "resolve_expression") for kind in set(map(type, values))):
            raise ValueError(f"unique field {one.name!r} of an object is an expression.")
    plain = [normal_values(one, values, using) for one, values in zip(fields, columns)]
    return [None if None in key else key for key in zip(*plain)]


def refuse_repeated(keys: Sequence[Key | None], fields: Sequence[Any]) -> None:
    """Raise ValueError that names the first 20 pairs of objects with the same key."""
    if len(set(keys)) == len(keys):
        return
    seen: dict[Key, int] = {}
    pairs = []
    for i, key in enumerate(keys):
        if key is not None and seen.setdefault(key, i) != i:
            pairs.append((seen[key], i))
    if not pairs:
        return
    by_pk = bool(fields) and all(one.primary_key for one in fields)
    what = "primary key" if by_pk else named(fields)
    first, *rest = pairs
    more = f" So do {', '.join(f'{a} and {b}' for a, b in rest[:19])}." if rest else ""
    left = f" ({len(rest) - 19} more)" if len(rest) > 19 else ""
    raise ValueError(f"Objects {first[0]} and {first[1]} have the same {what}.{more}{left}")


def left_to_write(keys: Sequence[Key | None], fields: Sequence[Any], duplicates: str) -> list[int]:
    """Return the positions to write, as the option `duplicates` says.  ValueError: objects have the
    same key, and that is an error."""
    if duplicates not in DUPLICATES:
        raise ValueError(f'duplicates must be "error", "first" or "last", not {duplicates!r}.')
    if duplicates == "error":
        refuse_repeated(keys, fields)
        return list(range(len(keys)))
    places = range(len(keys))
    chosen = {keys[i]: i for i in (places if duplicates == "last" else reversed(places))}
    return [i for i in places if keys[i] is None or chosen[keys[i]] == i]


def named(fields: Sequence[Any]) -> str:
    return ", ".join(one.name for one in fields) or "key of the constraint"


def check_instances(model: type[models.Model], objects: Sequence[Any]) -> None:
    for i, row in enumerate(objects):
        if not isinstance(row, model._meta.concrete_model or model):
            raise failure.at_row(failure.not_an_instance(i, row, model), i, None)


@dataclass
class Rows:
    """The rows that were found."""

    pks: list[Any]  # of each key; None: no row has it
    values: dict[str, list[Any]] = field(default_factory=dict)  # by attribute, of each key


def find(
    model: type[models.Model],
    using: str,
    fields: Sequence[Any],
    keys: Sequence[Key | None],
    names: Sequence[str] = (),
    lock: bool = False,
) -> Rows:
    """Find the rows with these keys, and the values of the attributes `names`, in one query.
    lock: until the end of the transaction.

    ValueError: several rows have a key."""
    wanted = [key for key in keys if key is not None]
    if not wanted:
        return Rows([None] * len(keys), {name: [None] * len(keys) for name in names})
    known = None if lock else read_by_keys(model, using, fields, wanted, names)
    if known is not None:
        return match(_read(known, fields, names, using), fields, keys, names)
    rows = Read([], [], {name: [] for name in names})
    for part in lists_of(wanted, using):
        found: Any = QuerySet(model, using=using).filter(having(list(fields), list(part)))
        found = found.select_for_update().order_by("pk") if lock else found.order_by()
        rows.add(read(found, fields, names))
    return match(rows, fields, keys, names)


def there(model: type[models.Model], using: str, pks: Sequence[Any]) -> set[Any]:
    """Return which of these primary keys the table has."""
    parts = rows_of(QuerySet(model, using=using), pks)
    found = [pk for part in parts for pk in part.values_list("pk", flat=True)]
    return set(normal_keys(model, found, using))


@dataclass
class Read:
    """Rows as they were read, in columns."""

    pks: list[Any]
    keys: list[Key]
    values: dict[str, list[Any]]

    def add(self, others: Read) -> None:
        """Add other rows."""
        self.pks += others.pks
        self.keys += others.keys
        for name, column in others.values.items():
            self.values[name] += column


def read(rows: Any, fields: Sequence[Any], names: Sequence[str] = ()) -> Read:
    """Read a queryset's rows: their primary keys, the values of these fields, and attributes."""
    attributes = [one.attname for one in fields]
    return _read(rows.values_list("pk", *attributes, *names), fields, names, rows.db)


def _read(cells: Iterable[Any], fields: Sequence[Any], names: Sequence[str], using: str) -> Read:
    columns = [list(column) for column in zip(*cells)]
    columns = columns or [[] for _ in range(1 + len(fields) + len(names))]
    last = 1 + len(fields)
    keys = zip(*(normal_values(*of, using) for of in zip(fields, columns[1:last])))
    return Read(columns[0], list(keys), dict(zip(names, columns[last:])))


def match(
    rows: Read, fields: Sequence[Any], keys: Sequence[Key | None], names: Sequence[str]
) -> Rows:
    """Return which of the rows has each key.  Rows with other keys are an error.

    ValueError: several rows have a key."""
    wanted = {key: i for i, key in enumerate(keys) if key is not None}
    found = Rows([None] * len(keys), {name: [None] * len(keys) for name in names})
    at = _places(rows.keys, wanted, fields)
    for column, cells in [(found.pks, rows.pks)] + [
        (found.values[name], rows.values[name]) for name in names
    ]:
        for i, cell in zip(at, cells):
            column[i] = cell
    return found


def places_of(there: list[Key], wanted: dict[Key, int]) -> list[int | None]:
    """Return the position of each key that was read among those that are wanted."""
    at = [wanted.get(key) for key in there]
    if None in at:  # the column's collation may ignore case or trailing spaces
        loose = {folded(key): i for key, i in wanted.items()}
        at = [loose.get(folded(key)) if i is None else i for key, i in zip(there, at)]
    return at


def _places(there: list[Key], wanted: dict[Key, int], fields: Sequence[Any]) -> list[int]:
    at = places_of(there, wanted)
    found = [i for i in at if i is not None]
    if len(found) < len(at) or len(set(found)) < len(found):
        why = "is equal to no object's in Python" if len(found) < len(at) else "is in several rows"
        raise ValueError(f"{named(fields)} does not identify a row: a value {why}.")
    return found


def folded(key: Key) -> Key:
    """Return the key as a collation may see it that ignores case or trailing spaces."""
    return tuple(v.casefold().rstrip() if isinstance(v, str) else v for v in key)
