"""copy_from_objects() for a model whose columns are in several tables: parents are written first,
and each table gets the keys of its parents' rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.db import models

from bulkmodel.model.attributes import MISSING
from bulkmodel.model.fields import Field, kinds_of
from bulkmodel.model.target import Target


def tables_of(model: type[models.Model]) -> list[type[models.Model]]:
    """Return the models with a table of their own, parents first."""
    opts: Any = model._meta
    if not opts.parents:
        return [opts.concrete_model]
    found: dict[type[models.Model], None] = {}

    def visit(kind: Any) -> None:
        for parent in kind._meta.parents:
            visit(parent)
        found[kind._meta.concrete_model] = None

    visit(model)
    return list(found)


def links_of(model: type[models.Model]) -> list[tuple[str, str]]:
    """Return the attributes that link a table to its parents, each with the parent's key."""
    return [
        (link.attname, parent._meta.pk.attname)  # type: ignore[union-attr]
        for parent, link in model._meta.parents.items()
        if link is not None and link.model is model
    ]


class Table:
    """One of the tables, and the write to it."""

    def __init__(
        self, whole: type[models.Model], model: type[models.Model], fields: list[Field]
    ) -> None:
        """whole: the model of the objects, of which `fields` are written."""
        opts: Any = model._meta
        local = set(opts.local_concrete_fields)
        self.model = model
        self.whole = whole
        self.fields: list[Field] = [field for field in fields if field in local]
        self.key: str = opts.pk.attname
        self.links = links_of(model)
        self.has_auto_key = isinstance(opts.pk, models.AutoField)

    def target(self, using: str) -> Target:
        """Return the table as a target for instances of the whole model."""
        return Target(self.model, using, kinds=kinds_of(self.whole))

    def sync(self, rows: list[Any]) -> None:
        """Set the links to the parents' keys, as save() does."""
        for link, key in self.links:
            for row in rows:
                setattr(row, link, getattr(row, key))


class Write(Protocol):
    """The write to one table."""

    table: Table | None

    def _write(
        self, chunk: list[Any], places: Sequence[int], workers: int
    ) -> Callable[[], list[Any]]: ...


class Tables:
    """Writes chunks to all tables of a model."""

    def __init__(self, copies: Sequence[Any]) -> None:
        """copies: writes to one table each, parents first."""
        self.copies = copies
        self.kept: list[tuple[list[Any], dict[str, list[Any]]]] = []
        names = [name for copy in copies for name in _keys_of(copy)]
        self._names = list(dict.fromkeys(names))

    def write(
        self, chunk: list[Any], places: Sequence[int], keeps: bool
    ) -> Callable[[], list[Any]]:
        """Write rows with these positions.  Return a function that returns their keys.

        keeps: the rows keep the keys that the database generated, until undo()."""
        before = {name: [vars(row).get(name, MISSING) for row in chunk] for name in self._names}
        self.kept.append((chunk, before))
        self._begin(chunk)
        for copy in self.copies:
            table: Any = copy.table
            table.sync(chunk)
            made = copy._write(chunk, places, 1)
            for row, key in zip(chunk, made() if table.has_auto_key else ()):
                if key is not None:  # the row had none
                    setattr(row, table.key, key)
        keys = [row.pk for row in chunk]
        if not keeps:
            self.undo()
        return lambda: keys

    def _begin(self, chunk: list[Any]) -> None:
        """Give each parent the key that only its child's link has, as save() does; or none, where
        the database generates keys."""
        for copy in reversed(self.copies):
            table: Any = copy.table
            for link, key in table.links:
                for row in chunk:
                    if getattr(row, key) is None and getattr(row, link) is not None:
                        setattr(row, key, getattr(row, link))

    def undo(self) -> None:
        """Restore the keys of all rows."""
        for chunk, before in self.kept:
            for name, values in before.items():
                for row, value in zip(chunk, values):
                    if value is MISSING:
                        vars(row).pop(name, None)
                    else:
                        setattr(row, name, value)
        self.kept = []


def _keys_of(copy: Write) -> list[str]:
    table: Any = copy.table
    return [table.key, *(link for link, _ in table.links)]
