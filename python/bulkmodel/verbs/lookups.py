"""lookups=: related objects that are given by other fields than their key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from types import SimpleNamespace
from typing import Any, TypeVar

from django.db import connections, models
from django.db.models.utils import resolve_callables

from bulkmodel.engine import failure
from bulkmodel.engine.atomic import came_after_commit, one_transaction, trial
from bulkmodel.engine.statements import nothing
from bulkmodel.errors import PartialCommit
from bulkmodel.model.attributes import MISSING, State
from bulkmodel.model.frames import FrameRows
from bulkmodel.model.primary_keys import normal_values
from bulkmodel.verbs.commit_parts import committed_of
from bulkmodel.verbs.find_rows import Key, find, folded, named, unique_fields_named
from bulkmodel.verbs.frame_objects import FrameObjects

_Result = TypeVar("_Result")
# Objects of a stream whose related objects are found by one query.
CHUNK = 10_000
# Of a message: how many objects it names.
_NAMED = 20


class Lookup:
    """How the option `lookups` finds related objects: by these fields, which identify one.

    create: insert those that are missing, as bulk_create() does.  defaults: values of their other
    fields, which may be callables, as for get_or_create()."""

    def __init__(
        self, *names: str, create: bool = False, defaults: Mapping[str, Any] | None = None
    ) -> None:
        if not names or not all(isinstance(name, str) for name in names):
            raise TypeError('Lookup() takes names of fields: Lookup("name", create=True)')
        if defaults and not create:
            raise ValueError("Lookup(): defaults needs create=True.")
        self.names = names
        self.create = create
        self.defaults = dict(defaults or {})

    def __repr__(self) -> str:
        return f"Lookup({', '.join(map(repr, self.names))}, create={self.create})"


class Lookups:
    """The lookups of one call."""

    def __init__(
        self, model: type[models.Model], using: str, given: Mapping[str, Any] | None
    ) -> None:
        """TypeError, ValueError, FieldDoesNotExist: the call cannot look for related objects in
        this way."""
        self.using = using
        if given is not None and not isinstance(given, Mapping):
            raise TypeError('lookups must be a dictionary: lookups={"brand": "name"}')
        self.relations = [_Relation(model, name, how) for name, how in (given or {}).items()]
        self._frames: list[FrameRows] = []  # whose names were replaced
        self._kept: list[tuple[int, Any, Any, Any, Any]] = []  # a position, and what is there
        self._made: list[tuple[Any, State]] = []  # related objects, before they were inserted

    @property
    def fields(self) -> list[Any]:
        """The foreign keys."""
        return [relation.field for relation in self.relations]

    @property
    def creates(self) -> bool:
        return any(relation.how.create for relation in self.relations)

    def around(
        self,
        write: Callable[[], _Result],
        objects: Any,
        dry_run: bool = False,
        in_parts: bool = False,
    ) -> Callable[[], _Result]:
        """Return a function that looks for the related objects, then calls `write`.  in_parts: what
        is missing is created in a transaction of its own."""
        if not self.relations or not objects:
            return write

        def resolved() -> _Result:
            whole = self.creates and not in_parts
            within = trial(self.using, dry_run, nothing) if whole else nullcontext()
            results: list[_Result] = []
            with self._undone(dry_run), within:
                with one_transaction(self.using) if self.creates else nullcontext():
                    self._resolve(objects, 0)
                if not whole:  # committed
                    self._made.clear()
                results.append(write())
            return results[0]

        return resolved

    def stream(self, objects: Iterable[Any], part: int = sys.maxsize) -> Iterator[Any]:
        """Yield the objects, once their related objects were found.  part: how many are committed
        together; no object of the next part is read before."""
        n = 0
        source = iter(objects)
        while chunk := list(islice(source, min(CHUNK, part - n % part))):
            self._resolve(chunk, n)
            self._kept.clear()  # memory must not grow with the stream
            self._made.clear()
            n += len(chunk)
            yield from chunk

    @contextmanager
    def _undone(self, dry_run: bool) -> Iterator[None]:
        """Give the objects that are not committed what they had."""
        self._kept.clear()
        self._made.clear()
        try:
            yield
        except PartialCommit as error:
            self._undo(committed_of(error))
            raise
        except BaseException as error:
            if not came_after_commit(error):
                self._undo()
            raise
        if dry_run:
            self._undo()

    def _undo(self, committed: Container[int] = ()) -> None:
        """committed: positions of objects that stay as they are."""
        for place, row, field, value, cached in reversed(self._kept):
            if place in committed:
                continue
            setattr(row, field.attname, value)
            if cached is not MISSING:
                field.set_cached_value(row, cached)
        self._kept.clear()
        for frame in self._frames:
            frame.replaced.clear()
        for made, state in reversed(self._made):
            state.restore(made)
        self._made.clear()

    def _resolve(self, objects: Sequence[Any], first: int) -> None:
        """Set the keys of the objects' related objects.  first: the position of the first."""
        if isinstance(objects, FrameObjects):
            if objects.rows is not None:
                self._replace(objects.rows)
            return
        for relation in self.relations:
            name = relation.field.attname
            for i, key in relation.keys_of(objects, first, self.using, self._made):
                row = objects[i]
                before = (getattr(row, name), relation.cached(row))
                self._kept.append((first + i, row, relation.field, *before))
                setattr(row, name, key)

    def _replace(self, rows: FrameRows) -> None:
        """Replace the names in a frame's columns by the keys of the related objects."""
        self._frames.append(rows)
        rows.replaced.clear()
        for relation in self.relations:
            column = rows.frame.of(relation.field)
            if column is None:
                continue
            name = relation.field.attname
            named_rows = [_Named(name, value) for value in rows.values(column)]
            for i, key in relation.keys_of(named_rows, 0, self.using, self._made):
                setattr(named_rows[i], name, key)
            rows.replace(column, [getattr(row, name) for row in named_rows])


class _Named:
    """A row of a frame, as far as a lookup reads it."""

    _state = SimpleNamespace(fields_cache={})

    def __init__(self, name: str, value: Any) -> None:
        vars(self)[name] = value


class _Relation:
    """A foreign key, and the fields that identify what it refers to."""

    def __init__(self, model: type[models.Model], name: str, how: Any) -> None:
        found: Any = model._meta.get_field(name)
        if not isinstance(found, models.ForeignKey) or not found.concrete:
            raise ValueError(f"lookups can only name foreign keys, not {name!r}.")
        if isinstance(how, str):
            how = Lookup(how)
        self.how: Lookup = how if isinstance(how, Lookup) else Lookup(*how)
        field: Any = found
        self.field = field
        self.related: type[models.Model] = field.related_model
        self.target: str = field.target_field.attname
        self.fields = unique_fields_named(field.related_model, self.how.names)

    def cached(self, row: Any) -> Any:
        return self.field.get_cached_value(row, default=MISSING)

    def keys_of(
        self, objects: Sequence[Any], first: int, using: str, made: list[tuple[Any, State]]
    ) -> Iterator[tuple[int, Any]]:
        """Yield which objects' related objects are to be found, with the keys of these.  made: gets
        the related objects that are created, as they were.  ValueError: there is none for one of
        them."""
        places, wanted = self._wanted(objects, first, using)
        self._refuse_invalid([first + i for i in places], wanted)
        found = self._find([key for key in wanted if key is not None], using)
        if self.how.create:
            new: dict[Key, Any] = {}
            for i, key in zip(places, wanted):
                if key is not None and key not in found:
                    new.setdefault(key, objects[i])
            if new:
                self._create(new, using, made)
                found |= self._find(new, using)
        known = [None if key is None else found.get(key) for key in wanted]
        self._refuse_unknown([first + i for i, key in zip(places, known) if key is None])
        yield from zip(places, known)

    def _wanted(
        self, objects: Sequence[Any], first: int, using: str
    ) -> tuple[list[int], list[Key | None]]:
        """Return the positions of the objects that name something, and what they name.  None: a
        value is missing, so nothing has this name."""
        places: list[int] = []
        cells: list[Key] = []
        for i, row in enumerate(objects):
            given = self._given(row)
            if given is None:
                continue
            if len(given) != len(self.fields):
                error = ValueError(
                    f"Object {first + i}: {self.field.name} has {len(given)} values instead of "
                    f"{len(self.fields)}: {named(self.fields)}."
                )
                raise failure.at_row(error, first + i, self.field.name)
            places.append(i)
            cells.append(given)
        columns = [normal_values(f, c, using) for f, c in zip(self.fields, zip(*cells))]
        return places, [None if None in key else key for key in zip(*columns)]

    def _refuse_invalid(self, places: Sequence[int], keys: Sequence[Key | None]) -> None:
        """Raise ValueError for a value that its field cannot have: the query would, for no row."""
        for i, key in zip(places, keys):
            for field, value in zip(self.fields, key or ()):
                try:
                    field.get_prep_value(value)
                except Exception as error:  # the project's own field may raise anything
                    raise failure.at_row(
                        ValueError(f"Object {i}: {self.field.name}: {error}"), i, self.field.name
                    ) from error

    def _given(self, row: Any) -> Key | None:
        """Return what an object names.  None: it has none, or one that is saved."""
        related = self.cached(row)
        if related is not MISSING and related is not None:
            if not related._state.adding:
                return None
            return tuple(getattr(related, field.attname) for field in self.fields)
        value = getattr(row, self.field.attname, None)
        if value is None or hasattr(value, "resolve_expression"):
            return None
        return tuple(value) if isinstance(value, tuple | list) else (value,)

    def _find(self, keys: Iterable[Key], using: str) -> dict[Key, Any]:
        """Return the keys of the related objects by what they are named."""
        found: dict[Key, Any] = {}
        left = list(dict.fromkeys(keys))
        while left:
            try:
                rows = find(self.related, using, self.fields, left, [self.target])
            except ValueError as error:
                raise ValueError(f"lookups, {self.field.name}: {error}") from error
            named_by = zip(left, rows.pks, rows.values[self.target])
            found |= {key: value for key, pk, value in named_by if pk is not None}
            left = [key for key in left if key not in found]
            # The column's collation may ignore case: a second name of a row that was found.
            same = {folded(key) for key in found}
            left = [key for key in left if folded(key) in same] if any(rows.pks) else []
        return found

    def _create(self, new: Mapping[Key, Any], using: str, made: list[tuple[Any, State]]) -> None:
        """Insert related objects, of which the keys are given with an object that names each.  One
        that another transaction inserts meanwhile is left as it is."""
        rows: list[Any] = []
        for key, row in new.items():
            related = self.cached(row)
            if related is MISSING or related is None:
                values = dict(zip((field.attname for field in self.fields), key))
                defaults = dict(resolve_callables(self.how.defaults))
                related = self.related(**{**values, **defaults})
            rows.append(related)
        made += [(row, State.of(row)) for row in rows]
        several = bool(self.related._meta.parents)
        if several:  # bulk_create() does not write a model of several tables
            for row in rows:
                row.save(using=using, force_insert=True)
            return
        ignore = connections[using].features.supports_ignore_conflicts
        manager: Any = self.related._base_manager
        manager.using(using).bulk_create(rows, ignore_conflicts=ignore)

    def _refuse_unknown(self, places: Sequence[int]) -> None:
        if not places:
            return
        one, *rest = places
        others = f"object{'s' * (len(rest) > 1)} {', '.join(map(str, rest[: _NAMED - 1]))}"
        more = f" The same applies to {others}" if rest else ""
        more += f" and {len(rest) + 1 - _NAMED} more." if len(rest) >= _NAMED else "." * bool(rest)
        what = "could not be created" if self.how.create else "does not exist"
        error = ValueError(
            f"Object {one}: {self.field.name}: the {self.related._meta.label} with this "
            f"{named(self.fields)} {what}.{more}"
        )
        raise failure.at_row(error, one, self.field.name)
