"""save_graph(): insert objects with those that refer to them, level by level, and their links."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from bulkmodel.engine.atomic import trial
from bulkmodel.model.attributes import State
from bulkmodel.options import Options
from bulkmodel.results import Outcome
from bulkmodel.verbs.copy_from import CopyIn
from bulkmodel.verbs.find_rows import check_instances
from bulkmodel.verbs.inherited import tables_of
from bulkmodel.verbs.m2m import Relation, add_links

Source = Callable[[Any], Iterable[Any]]
Names = Iterable[str] | Mapping[str, Source | None]


class Place(NamedTuple):
    """Where in the graph an object was found first."""

    root: int  # the position of the object that it belongs to
    path: str


class _Children:
    """Objects that refer to others by a foreign key: a path of the call."""

    def __init__(self, model: type[models.Model], path: str, source: Source | None) -> None:
        name = path.rpartition(LOOKUP_SEP)[2]
        found: list[Any] = [
            rel for rel in model._meta.related_objects if rel.get_accessor_name() == name
        ]
        if not found or found[0].many_to_many:
            raise _no_child(model, path, name)
        self.path = path
        self.name = name
        self.relation = found[0]
        self.field: Any = self.relation.field  # of the children
        self.model: type[models.Model] = self.relation.related_model
        self.source = source

    def of(self, row: Any) -> list[Any]:
        """Return the children of an object."""
        if self.source is not None:
            return list(self.source(row))
        if self.relation.one_to_one:
            one = self.relation.get_cached_value(row, default=None)
            return [] if one is None else [one]
        return _prefetched(row, self.name)

    def attach(self, parent: Any, child: Any, place: Place) -> None:
        """Make a new child refer to its parent.  ValueError: it refers to another one."""
        held = child._state.fields_cache.get(self.field.name)
        value = getattr(child, self.field.attname)
        target = getattr(parent, self.field.target_field.attname)
        is_other = held is not None if value is None else value != target
        if held is not parent and is_other:
            raise ValueError(
                f"Object {place.root}: one of its {self.path} refers to another {self.field.name}."
            )
        if held is not parent:
            setattr(child, self.field.name, parent)


class _Links:
    """A many-to-many relation of the objects at a path."""

    def __init__(self, model: type[models.Model], path: str, source: Source | None) -> None:
        self.owners, _, name = path.rpartition(LOOKUP_SEP)
        try:
            self.relation = Relation(model, name)
        except ValueError:
            raise ValueError(
                f"save_graph(): m2m={path!r} is not a many-to-many field of {model._meta.label}."
            ) from None
        self.path = path
        self.source = source

    def of(self, row: Any) -> list[Any]:
        """Return the objects to link to an owner."""
        if self.source is not None:
            return list(self.source(row))
        return _prefetched(row, self.relation.cache_name)


class Graph:
    """A save_graph() call."""

    def __init__(
        self,
        model: type[models.Model],
        using: str,
        objects: list[Any],
        children: Names,
        m2m: Names,
    ) -> None:
        """TypeError, ValueError, FieldDoesNotExist: a name cannot be used, or new objects refer to
        each other in a circle."""
        check_instances(model, objects)
        self.using = using
        self.objects = objects
        models_at: dict[str, type[models.Model]] = {"": model}
        self.children = list(_children(models_at, _named("children", children)))
        self.links = [
            _Links(_model_at(models_at, path), path, source)
            for path, source in _named("m2m", m2m).items()
        ]
        self.places: dict[int, Place] = {}
        self.at: dict[str, list[Any]] = {"": []}
        self.targets: list[list[tuple[Any, list[Any]]]] = []
        self.before: list[tuple[Any, State]] = []  # of new objects
        self._parents: list[tuple[_Children, Any, list[Any]]] = []
        self.is_attached = False  # until the children are known to refer to their parents
        try:
            self._gather()
            self._attach()
            self.levels = _levels([row for row, _ in self.before])
        except BaseException:
            self.undo()
            raise

    def new(self) -> dict[type[models.Model], list[Any]]:
        """Return the objects to insert, by model, those of lower levels first."""
        found: dict[type[models.Model], list[Any]] = {}
        for level in self.levels:
            for model, rows in level.items():
                found.setdefault(model, []).extend(rows)
        return found

    def undo(self) -> None:
        """Give the new objects what they had."""
        self.is_attached = False
        for row, state in self.before:
            state.restore(row)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Give the new objects what they had if the block fails before it has inserted one."""
        try:
            yield
        except BaseException:
            if all(row._state.adding for row, _ in self.before):
                self.undo()
            raise

    def outcomes(self) -> bytes:
        """Return the outcome of each object of the call.  NONE: it was left alone.  IGNORED: the
        list has a new object again."""
        left = {id(row): Outcome.INSERTED for row, _ in self.before}
        found: list[Outcome] = []
        for row in self.objects:
            found.append(left.get(id(row), Outcome.NONE))
            if found[-1] is Outcome.INSERTED:
                left[id(row)] = Outcome.IGNORED
        return bytes(found)

    def run(
        self, queryset_of: Callable[[type[models.Model]], Any], options: Options, dry_run: bool
    ) -> Counter[str]:
        """Insert the new objects and add the links, in one transaction.  Return how many rows of
        each model were inserted."""
        written: Counter[str] = Counter()
        stamp = uuid.uuid4()
        with trial(self.using, dry_run, self.undo):
            self._attach()
            for level in self.levels:
                for model, rows in level.items():
                    self._insert(queryset_of(model), rows, options, stamp)
                    written[model._meta.label] += len(rows)
            for links, pairs in zip(self.links, self.targets):
                wanted: dict[Any, list[Any]] = {}
                for owner, targets in pairs:
                    wanted.setdefault(owner.pk, []).extend(target.pk for target in targets)
                owners = [owner for owner, _ in pairs]
                n = add_links(links.relation, self.using, wanted, owners) if wanted else 0
                written[links.relation.through._meta.label] += n
        return +written

    def _gather(self) -> None:
        """Collect the objects at each path."""
        for i, row in enumerate(self.objects):
            self._note(row, Place(i, ""))
        for child in self.children:
            above = child.path.rpartition(LOOKUP_SEP)[0]
            self.at[child.path] = []
            for parent in self.at[above]:
                place = Place(self.places[id(parent)].root, child.path)
                rows = child.of(parent)
                _check_kinds(rows, child.model, place)
                self._parents.append((child, parent, rows))
                for row in rows:
                    self._note(row, place)
        for links in self.links:
            pairs: list[tuple[Any, list[Any]]] = []
            for owner in self.at[links.owners]:
                targets = links.of(owner)
                place = Place(self.places[id(owner)].root, links.path)
                _check_kinds(targets, links.relation.target.model, place)
                for row in targets:
                    self._note(row, place)
                if targets:
                    pairs.append((owner, targets))
            self.targets.append(pairs)

    def _note(self, row: Any, place: Place) -> None:
        known = self.places.get(id(row))
        if known is None:
            self.places[id(row)] = place
            if row._state.adding:
                self.before.append((row, State.of(row)))
        elif known.path == place.path:
            return
        self.at.setdefault(place.path, []).append(row)

    def _attach(self) -> None:
        """Make the new children refer to their parents, unless they do."""
        if self.is_attached:
            return
        self.is_attached = True
        new = {id(row) for row, _ in self.before}
        for child, parent, rows in self._parents:
            for row in rows:
                if id(row) in new:
                    child.attach(parent, row, self.places[id(row)])

    def _insert(self, queryset: Any, rows: list[Any], options: Options, stamp: uuid.UUID) -> None:
        try:
            if len(tables_of(queryset.model)) > 1:  # Django's bulk_create() refuses the model
                CopyIn(queryset, None, False, options, stamp).run(rows, True, True)
            elif hasattr(queryset, "bulk_options"):
                queryset._bm_options = {"send_signals": False, "bm_create_uuid": stamp}
                queryset.bulk_create(rows, options.batch_size)
            else:  # another package's
                queryset.bulk_create(rows, options.batch_size)
        except Exception as error:
            known: Any = error
            place = getattr(known, "row_index", None)
            if place is not None:
                known.object = rows[place]
                known.row_index, known.path = self.places[id(rows[place])]
            raise


def _prefetched(row: Any, name: str) -> list[Any]:
    return list(getattr(row, "_prefetched_objects_cache", {}).get(name, ()))


def _named(option: str, names: Names) -> dict[str, Source | None]:
    """Return the paths of an option, each with the function that returns its objects."""
    if isinstance(names, str):
        raise TypeError(f"save_graph(): {option} must be a list of names: [{names!r}]")
    found = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names)
    for path, source in found.items():
        if source is not None and not callable(source):
            raise TypeError(f"save_graph(): {option}[{path!r}] must be a function of an object.")
    return found


def _children(
    models_at: dict[str, type[models.Model]], paths: dict[str, Source | None]
) -> Iterable[_Children]:
    """Yield the children at each path and at those above it, parents first."""
    for path in sorted(paths, key=lambda one: one.count(LOOKUP_SEP)):
        names = path.split(LOOKUP_SEP)
        for n in range(1, len(names) + 1):
            here, above = LOOKUP_SEP.join(names[:n]), LOOKUP_SEP.join(names[: n - 1])
            if here not in models_at:
                child = _Children(models_at[above], here, paths.get(here))
                models_at[here] = child.model
                yield child


def _model_at(models_at: Mapping[str, type[models.Model]], path: str) -> type[models.Model]:
    above = path.rpartition(LOOKUP_SEP)[0]
    if above not in models_at:
        raise ValueError(f"save_graph(): m2m={path!r} needs children={above!r}.")
    return models_at[above]


def _no_child(model: type[models.Model], path: str, name: str) -> Exception:
    label = model._meta.label
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        known = [rel.get_accessor_name() for rel in model._meta.related_objects]
        names = ", ".join(sorted(repr(one) for one in known if one)) or "none"
        return FieldDoesNotExist(
            f"save_graph(): {label} has no children {name!r} ({path}). It has: {names}."
        )
    if field.many_to_many:
        return ValueError(f"save_graph(): {path!r} is many-to-many: use m2m=.")
    return ValueError(
        f"save_graph(): {path!r} is not a reverse accessor (related_name) of {label}."
    )


def _check_kinds(rows: Sequence[Any], model: type[models.Model], place: Place) -> None:
    kind = model._meta.concrete_model or model
    for row in rows:
        if not isinstance(row, kind):
            raise ValueError(
                f"Object {place.root}: its {place.path} contains an object of type "
                f"{type(row).__name__}, not an instance of {model._meta.label}."
            )


Level = dict[type[models.Model], list[Any]]


def _levels(rows: Sequence[Any]) -> list[Level]:
    """Return new objects by level and model: each object comes after those that it refers to.
    ValueError: there is a circle."""
    new = {id(row) for row in rows}
    names: dict[type[models.Model], list[str]] = {}
    users: dict[int, list[Any]] = {}
    left: dict[int, int] = {}  # of each row, how many new objects it refers to
    for row in rows:
        kind = type(row)
        if kind not in names:
            names[kind] = [field.name for field in _relations(kind)]
        n = 0
        if names[kind]:
            cache = row._state.fields_cache
            for name in names[kind]:
                one = cache.get(name)
                if id(one) in new:
                    users.setdefault(id(one), []).append(row)
                    n += 1
        left[id(row)] = n
    levels: list[Level] = []
    ready = [row for row in rows if left[id(row)] == 0]
    n = 0
    while ready:
        level: Level = {}
        following = []
        for row in ready:
            n += 1
            level.setdefault(type(row)._meta.concrete_model or type(row), []).append(row)
            for user in users.get(id(row), ()):
                left[id(user)] -= 1
                if left[id(user)] == 0:
                    following.append(user)
        levels.append(level)
        ready = following
    if n < len(rows):
        raise _circle([row for row in rows if left[id(row)] > 0])
    return levels


def _relations(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if field.is_relation]


def _circle(rows: Sequence[Any]) -> ValueError:
    """Return the error that names the fields of a circle."""
    inside = {id(row) for row in rows}
    names: list[str] = []
    seen: dict[int, int] = {}
    row = rows[0]
    while id(row) not in seen:
        seen[id(row)] = len(names)
        cache = row._state.fields_cache
        held = [(field, cache.get(field.name)) for field in _relations(type(row))]
        field, one = next((field, one) for field, one in held if id(one) in inside)
        names.append(f"{type(row)._meta.label}.{field.name}")
        row = one
    return ValueError(
        "save_graph(): new objects refer to each other in a circle, so none can be the first: "
        f"{' -> '.join(names[seen[id(row)] :])}."
    )
