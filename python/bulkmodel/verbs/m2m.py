"""update_m2m_fields(): set the links of many owners in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import django
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connections, models, router
from django.db.models.signals import m2m_changed
from django.db.models.utils import resolve_callables

from bulkmodel.engine.atomic import one_transaction
from bulkmodel.engine.support import Fallback
from bulkmodel.model.overrides import CREATE_STEPS, is_djangos
from bulkmodel.model.primary_keys import normal, normal_keys
from bulkmodel.model.where import InKeys
from bulkmodel.verbs.bulk_create import Create
from bulkmodel.verbs.conflicts import Conflict

Link = tuple[Any, Any]


@dataclass
class Side:
    """One end of the links: a model, and the through model's field that refers to it."""

    model: type[models.Model]
    field: Any

    @property
    def attname(self) -> str:
        """The attribute of the model that the links refer to, usually its primary key."""
        return str(self.field.target_field.attname)

    @property
    def is_key(self) -> bool:
        return bool(self.field.target_field.primary_key)

    def key(self, given: Any, using: str) -> Any:
        """Return a primary key that is given as itself or as an object."""
        if isinstance(given, models.Model):
            if not isinstance(given, self.model):
                raise TypeError(
                    f"Expected an instance of {self.model._meta.label}, got {type(given).__name__}."
                )
            given = given.pk
        key: Any = self.model._meta.pk.get_prep_value(given)  # refuses invalid keys
        key = normal(self.model, given if key is not None else None, using)
        if key is None:
            raise ValueError(f"A primary key of {self.model._meta.label} must not be None.")
        return key

    def values(self, keys: Iterable[Any], using: str) -> dict[Any, Any]:
        """Return the value that the links use for each key.  Missing rows are left out."""
        if self.is_key:
            return {key: key for key in keys}
        rows = self.model._base_manager.using(using).filter(InKeys(models.F("pk"), list(keys)))
        found = list(rows.values_list("pk", self.attname))
        return dict(
            zip(normal_keys(self.model, [key for key, _ in found], using), [v for _, v in found])
        )


@dataclass
class Change:
    """The values that set() removes and adds for one owner."""

    owner: Any  # a key
    value: Any  # the value that the links use for it
    removed: set[Any] = field(default_factory=set)
    given: set[Any] = field(default_factory=set)  # wanted, and not visible
    added: set[Any] = field(default_factory=set)  # the part of `given` that does not exist


class Relation:
    """A many-to-many field, seen from one of its ends."""

    def __init__(self, model: type[models.Model], name: str) -> None:
        found = _found(model, name)
        self.reverse = not isinstance(found, models.ManyToManyField)
        self.forward: Any = found.field if self.reverse else found
        self.name = found.get_accessor_name() if self.reverse else name
        rel = self.forward.remote_field
        self.through = rel.through
        self.symmetrical = bool(rel.symmetrical) and not self.reverse
        own, other = self.forward.m2m_field_name(), self.forward.m2m_reverse_field_name()
        if self.reverse:
            own, other = other, own
        opts = self.through._meta
        self.source = Side(model, opts.get_field(own))
        self.target = Side(rel.related_model if self.reverse else rel.model, opts.get_field(other))

    @property
    def cache_name(self) -> str:
        return str(self.forward.related_query_name() if self.reverse else self.forward.name)


def _found(model: type[models.Model], name: str) -> Any:
    opts = model._meta
    try:
        found = opts.get_field(name)
    except FieldDoesNotExist:
        named = [rel for rel in opts.related_objects if rel.get_accessor_name() == name]
        if not named:
            raise
        found = named[0]
    if not isinstance(found, models.ManyToManyField | models.ManyToManyRel):
        raise ValueError(f"update_m2m_fields() needs a many-to-many field: {name!r} is not one.")
    return found


class Links:
    """The existing links and the wanted links."""

    def __init__(self, relation: Relation, using: str, wanted: Mapping[Any, Iterable[Any]]) -> None:
        self.relation = relation
        self.using = using
        source, target = relation.source, relation.target
        self.keys: dict[Any, list[Any]] = {}
        for owner, targets in wanted.items():
            key = source.key(owner, using)
            if key in self.keys:
                raise ValueError("update_m2m_fields(): an owner appears twice.")
            self.keys[key] = [target.key(given, using) for given in targets]
        if relation.symmetrical:
            self._check_symmetry()

    def _check_symmetry(self) -> None:
        sets = {owner: set(targets) for owner, targets in self.keys.items()}
        for owner, targets in sets.items():
            if any(one in sets and owner not in sets[one] for one in targets):
                raise ValueError(
                    f"update_m2m_fields({self.relation.name!r}): the relation is symmetrical, and "
                    "one of two owners is linked to the other, but not the other way round."
                )

    def read(self) -> None:
        """Read the links of these owners."""
        relation = self.relation
        owners_of = relation.source.values(self.keys, self.using)
        targets_of = relation.target.values(set(chain(*self.keys.values())), self.using)
        try:
            self.wanted = {
                owners_of[key]: [targets_of[one] for one in targets]
                for key, targets in self.keys.items()
                if targets or key in owners_of
            }
        except KeyError:
            raise IntegrityError(
                f"update_m2m_fields({relation.name!r}): a key does not exist."
            ) from None
        self.owners = {value: key for key, value in owners_of.items()}
        names = (relation.source.field.attname, relation.target.field.attname)
        ends = names if relation.symmetrical else names[:1]
        owners = list(self.owners)
        condition = models.Q()
        for name in ends:
            condition |= models.Q(InKeys(models.F(name), owners))
        rows = relation.through._default_manager.using(self.using).filter(condition)
        self.there: dict[Link, list[Any]] = {}
        for pk, *link in rows.order_by().values_list("pk", *names):
            self.there.setdefault((link[0], link[1]), []).append(pk)
        self.seen = self._seen()

    def _seen(self) -> set[Any] | None:
        """Return the targets that the target's manager shows to set().  None: all."""
        manager = self.relation.target.model._default_manager.using(self.using)
        if not manager._has_filters():  # type: ignore[attr-defined]
            return None
        attname = self.relation.target.attname
        linked = list({target for _, target in self.there})
        found = manager.filter(InKeys(models.F(attname), linked)) if linked else manager.none()
        return set(found.values_list(attname, flat=True))

    def changes(self) -> list[Change]:
        """Return what set() would do, owner by owner.  Each sees the changes of those before it."""
        links = set(self.there)
        targets_of: dict[Any, set[Any]] = {}
        for source, target in links:
            targets_of.setdefault(source, set()).add(target)
        changes = []
        for value, targets in self.wanted.items():
            change = Change(self.owners[value], value)
            now = targets_of.setdefault(value, set())
            change.removed = set(now if self.seen is None else now & self.seen)
            for target in targets:
                if target in change.removed:
                    change.removed.remove(target)
                else:
                    change.given.add(target)
            now -= change.removed
            change.added = change.given - now
            now |= change.added
            if self.relation.symmetrical:
                for target in change.removed:
                    targets_of.setdefault(target, set()).discard(value)
                for target in change.given:
                    targets_of.setdefault(target, set()).add(value)
            changes.append(change)
        return [change for change in changes if change.removed or change.given]

    def keep_others(self) -> None:
        """Want the links that are there beside those that are given, as add() does."""
        self.seen = None
        there: dict[Any, list[Any]] = {}
        for source, target in self.there:
            there.setdefault(source, []).append(target)
        for value, targets in self.wanted.items():
            self.wanted[value] = list(dict.fromkeys([*there.get(value, ()), *targets]))

    def removed(self, changes: list[Change]) -> list[Any]:
        """Return the keys of the through model's rows to delete."""
        links = {(c.value, target) for c in changes for target in c.removed}
        if self.relation.symmetrical:
            links |= {(target, source) for source, target in links}
        return [pk for link in links for pk in self.there.get(link, ())]

    def added(self, changes: list[Change], through_defaults: Any) -> list[Any]:
        """Return the through model's rows to insert."""
        through, relation = self.relation.through, self.relation
        own, other = relation.source.field.attname, relation.target.field.attname
        rows = []
        there = set(self.there)
        for change in changes:
            links = [(change.value, target) for target in change.added]
            values = dict(resolve_callables(through_defaults or {})) if change.given else {}
            mirror = [(target, change.value) for target in change.given]
            for link in dict.fromkeys([*links, *(mirror if relation.symmetrical else [])]):
                if link not in there:
                    there.add(link)
                    rows.append(through(**values, **{own: link[0], other: link[1]}))
        return rows


class Announce:
    """Send m2m_changed for each owner, as set() does."""

    def __init__(self, links: Links, changes: list[Change], known: Iterable[Any]) -> None:
        relation = links.relation
        self.changes = changes
        self.facts = {
            "sender": relation.through,
            "reverse": relation.reverse,
            "model": relation.target.model,
            "using": links.using,
        }
        if django.VERSION >= (6, 1):
            self.facts["raw"] = False
        self.instances = None
        if changes and m2m_changed.has_listeners(relation.through):
            self.instances = self._owners(relation, links.using, known)

    def _owners(self, relation: Relation, using: str, known: Iterable[Any]) -> dict[Any, Any]:
        def by_key(objects: Iterable[Any]) -> dict[Any, Any]:
            rows = list(objects)
            keys = [object.pk for object in rows]
            return dict(zip(normal_keys(relation.source.model, keys, using), rows))

        instances = by_key(known)
        missing = [c.owner for c in self.changes if c.owner not in instances]
        if missing:
            rows = relation.source.model._base_manager.using(using)
            found = rows.filter(InKeys(models.F("pk"), missing))
            instances.update(by_key(found))
        if any(change.owner not in instances for change in self.changes):
            raise IntegrityError(f"update_m2m_fields({relation.name!r}): an owner does not exist.")
        return instances

    def __call__(self, action: str, what: str) -> None:
        for change in self.changes if self.instances is not None else ():
            if change.removed if what == "removed" else change.given:
                instance = self.instances[change.owner]  # type: ignore[index]
                pk_set = getattr(change, what)
                m2m_changed.send(**self.facts, action=action, instance=instance, pk_set=pk_set)


def update_m2m_fields(
    queryset: Any, name: str, wanted: Mapping[Any, Iterable[Any]], through_defaults: Any
) -> int:
    """Set the links of these owners.  Return how many links were removed and added."""
    relation = Relation(queryset.model, name)
    through = relation.through
    using = queryset._db or router.db_for_write(through, **queryset._hints)
    known = [row for row in queryset._result_cache or () if isinstance(row, queryset.model)]
    known += [owner for owner in wanted if isinstance(owner, models.Model)]
    links = Links(relation, using, wanted)
    if not links.keys:
        return 0
    with one_transaction(using):
        links.read()
        changes = links.changes()
        announce = Announce(links, changes, known)
        rows = through._default_manager.using(using)
        # A receiver may change what is removed and added.
        announce("pre_remove", "removed")
        removed = links.removed(changes)
        if removed:
            rows.filter(InKeys(models.F("pk"), removed)).delete()
        announce("post_remove", "removed")
        announce("pre_add", "added")
        added = links.added(changes, through_defaults)
        if added:
            _write(rows, added, through, using)
        announce("post_add", "added")
    owners = set(links.owners.values())
    for row in known:
        if normal(queryset.model, row.pk, using) in owners:
            getattr(row, "_prefetched_objects_cache", {}).pop(relation.cache_name, None)
    return len(removed) + len(added)


def add_links(
    relation: Relation, using: str, wanted: Mapping[Any, Iterable[Any]], known: Iterable[Any]
) -> int:
    """Add links of owners, whose keys are given, in the caller's transaction.  Return how many.
    known: the owners' objects."""
    if relation.symmetrical:
        targets = {owner: list(given) for owner, given in wanted.items()}
        for owner, given in wanted.items():
            for one in given:
                if one in targets:
                    targets[one].append(owner)
        wanted = targets
    links = Links(relation, using, wanted)
    links.read()
    links.keep_others()
    changes = links.changes()
    announce = Announce(links, changes, known)
    announce("pre_add", "added")
    added = links.added(changes, None)
    if added:
        _write(relation.through._default_manager.using(using), added, relation.through, using)
    announce("post_add", "added")
    return len(added)


def _write(rows: Any, added: list[Any], through: Any, using: str) -> None:
    """Write rows of the through model, with its own queryset class if it has one, as in Django."""
    features = connections[using].features
    ignore = through._meta.auto_created is not False and features.supports_ignore_conflicts
    if type(rows) is models.QuerySet and is_djangos(rows, "bulk_create", *CREATE_STEPS):
        try:
            Create(rows, added, None, conflict=Conflict() if ignore else None).run()
        except Fallback:
            pass
        else:
            return
    rows.bulk_create(added, ignore_conflicts=ignore)
