"""BulkModelQuerySet: Django's bulk methods on the engine, and those that Django lacks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from itertools import compress
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections, models, transaction
from django.db.models import lookups
from django.db.models.query import ModelIterable

from bulkmodel import _core, conf, writes
from bulkmodel.fields import BUILT_IN, Field, has_relations
from bulkmodel.image import Image

_Method = TypeVar("_Method", bound=Callable[..., Any])

_OPTIONS = frozenset(
    {
        "batch_size",
        "concurrent",
        "max_concurrent_workers",
        "return_queryset",
        "send_signals",
        "send_signal",
        "signal",
    }
)


class InKeys(lookups.In):  # type: ignore[type-arg]
    """The column is one of these values, which travel as one parameter."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*params, self._values(connection))

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        values = json.dumps([v if isinstance(v, int) else str(v) for v in self._values(connection)])
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, values)

    def _values(self, connection: Any) -> list[Any]:
        field = self.lhs.output_field
        return [field.get_db_prep_value(value, connection, prepared=True) for value in self.rhs]


def _alters_data(method: _Method) -> _Method:
    method.alters_data = True  # type: ignore[attr-defined]
    return method


if TYPE_CHECKING:
    _Base = models.QuerySet[Any]
else:
    _Base = object


class BulkModelQuerySetMixin(_Base):
    """For a project's own queryset class: put it before models.QuerySet."""

    _image: Image | None = None
    _bm_options: dict[str, Any] | None = None
    # The rows are those of the keys that the query names, and no others.
    _bm_by_key = False

    # -------------------------------------------------------------------------- as a queryset

    def _clone(self) -> Any:
        clone = super()._clone()  # type: ignore[misc]
        clone._bm_options = self._bm_options
        return clone

    def _fetch_all(self) -> None:
        fresh = self._result_cache is None
        super()._fetch_all()
        if fresh and issubclass(self._iterable_class, ModelIterable):
            self._image = Image(self.model, self._result_cache or [], alike=True)

    def __deepcopy__(self, memo: Any) -> Any:
        copied = super().__deepcopy__(memo)  # type: ignore[misc]
        copied._image = None
        return copied

    def bulk_options(self, **options: Any) -> Any:
        """Options for update(), whatever the model's fields are called."""
        unknown = sorted(set(options) - _OPTIONS)
        if unknown:
            raise TypeError(f"bulk_options() got an unexpected option: {', '.join(unknown)}")
        clone = self._chain()  # type: ignore[attr-defined]
        clone._bm_options = {**(self._bm_options or {}), **options}
        return clone

    def _written(self, objects: list[Any], using: str, *, created: bool = False) -> Any:
        """A queryset that is filled with these rows, and that their keys select."""
        queryset: Any = type(self)(self.model, using=using)
        keys = [object.pk for object in objects if object.pk is not None]
        queryset = queryset.filter(InKeys(models.F("pk"), keys)) if keys else queryset.none()
        queryset._result_cache = objects
        queryset._prefetch_done = True
        queryset._image = Image(self.model, objects, alike=created)
        queryset._bm_by_key = True
        return queryset

    # -------------------------------------------------------------------------- create

    @_alters_data
    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Any = None,
        unique_fields: Any = None,
        *,
        bm_create_uuid: uuid.UUID | None = None,
        return_queryset: bool = False,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
    ) -> Any:
        """Django's bulk_create.  return_queryset: the rows as a queryset, in the order of objs."""
        conf.workers(concurrent, max_concurrent_workers)
        conflicts = ignore_conflicts or update_conflicts
        options = (batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)
        given: Any = objs
        if objs and not (batch_size is not None and batch_size <= 0):
            given = list(objs)
            self._set_create_uuid(given, bm_create_uuid)
        if conflicts or update_fields or unique_fields or not given or given is objs:
            done = False
        else:
            done = self._create(given, batch_size)
        if not done:
            result = super().bulk_create(given, *options)
            given = result if given is objs else given
        if not return_queryset:
            return given
        self._for_write = True
        return self._written(list(given), self.db, created=True)

    def _create(self, objects: list[Any], batch_size: int | None) -> bool:
        try:
            create = writes.Create(self, objects, batch_size)
        except writes.NotOurs:
            return False
        create.run()
        return True

    def _set_create_uuid(self, objects: list[Any], value: uuid.UUID | None) -> None:
        if any(field.name == "bm_create_uuid" for field in self.model._meta.concrete_fields):
            _core.fill(objects, "bm_create_uuid", value or uuid.uuid4())

    # -------------------------------------------------------------------------- update

    @_alters_data
    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Django's bulk_update."""
        objects = tuple(objs)
        names = list(fields) if fields and not isinstance(fields, str) else fields
        target = self
        if self._bm_options:
            target = self._clone()
            target._bm_options = None
        try:
            if type(self).update is not BulkModelQuerySetMixin.update:
                raise writes.NotOurs  # a project's own update() is called where Django calls it
            return writes.bulk_update(self, objects, names, batch_size)
        except writes.NotOurs:
            return int(models.QuerySet.bulk_update(target, objects, names, batch_size))

    @_alters_data
    def update(self, **values: Any) -> Any:
        """Django's update.  With options (batch_size, return_queryset, ...) rows are updated by
        key; an option that is also a field's name is the field."""
        names = {field.name for field in self.model._meta.get_fields()}
        names |= {field.attname for field in self.model._meta.concrete_fields}
        options = dict(self._bm_options or {})
        for name in [n for n in values if n in _OPTIONS and n not in names]:
            options[name] = values.pop(name)
        self._image = None
        if not options:
            return super().update(**values)
        return self._update_by_key(values, **options)

    def _update_by_key(
        self,
        values: dict[str, Any],
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        return_queryset: bool = False,
        **signals: bool,
    ) -> Any:
        conf.workers(concurrent, max_concurrent_workers)
        if batch_size is not None and batch_size <= 0:
            raise ValueError("Batch size must be a positive integer.")
        if not values and not return_queryset:
            return 0
        plain = type(self)(self.model, using=None)
        self._for_write = True
        plain = plain.using(self.db)
        if not return_queryset and batch_size is None:
            return super().update(**values)
        with transaction.atomic(using=self.db, savepoint=False):
            keys = list(self.order_by().values_list("pk", flat=True))
            step = batch_size or len(keys) or 1
            matched = 0
            for i in range(0, len(keys) if values else 0, step):
                part = plain.filter(InKeys(models.F("pk"), keys[i : i + step]))
                matched += models.QuerySet.update(part, **values)
        self._result_cache = None
        if not return_queryset:
            return matched
        return plain.filter(InKeys(models.F("pk"), keys)) if keys else plain.none()

    @_alters_data
    def update_fields(
        self,
        *names: str,
        objects: Iterable[Any] | None = None,
        batch_size: int | None = None,
        concurrent: bool | None = None,
        max_concurrent_workers: int | None = None,
        send_signals: bool = True,
        send_signal: bool = True,
        signal: bool = True,
        return_queryset: bool = False,
    ) -> Any:
        """Write the rows of this queryset (or `objects`) with the values that they have: the named
        fields, or what changed since the queryset was read.  Returns how many rows matched."""
        conf.workers(concurrent, max_concurrent_workers)
        if batch_size is not None and batch_size <= 0:
            raise ValueError("Batch size must be a positive integer.")
        fields = self._fields_named(names)
        if objects is None and self._result_cache is None and not names:
            return self._written([], self._alias_of_write()) if return_queryset else 0
        rows = self._rows_to_update(objects, fields)
        image = self._image if objects is None else None
        if not names and image is None and rows:
            raise ValueError(
                "update_fields() knows of no former values of these objects: name the fields."
            )
        matched = self._update_rows(rows, fields, image, batch_size) if rows else 0
        return self._written(rows, self._alias_of_write()) if return_queryset else matched

    def _alias_of_write(self) -> str:
        self._for_write = True
        return str(self.db)

    def _fields_named(self, names: tuple[str, ...]) -> list[Field]:
        opts = self.model._meta
        fields = [opts.get_field(name) for name in names]
        for field in fields:
            if not field.concrete or field.many_to_many:
                raise ValueError("update_fields() can only be used with concrete fields.")
            if field in opts.pk_fields:
                raise ValueError("update_fields() cannot be used with primary key fields.")
        return list(dict.fromkeys(fields))

    def _rows_to_update(self, objects: Iterable[Any] | None, fields: list[Field]) -> list[Any]:
        if objects is None:
            self._fetch_all()
            objects = self._result_cache or []
        rows = list(objects)
        key = self.model._meta.pk
        related = has_relations(self.model)
        marks = _core.plain(rows, self.model, key.attname, related) if key is not None else None
        if marks is None or any(mark & 5 for mark in set(marks)):
            self._check_rows(rows)
        if marks is None or any(mark & 2 for mark in set(marks)):
            for row in rows:
                row._prepare_related_fields_for_save("update_fields", fields or None)
        return rows

    def _check_rows(self, rows: list[Any]) -> None:
        """Each is a saved object of this model, and none is there twice."""
        seen: dict[Any, int] = {}
        for i, row in enumerate(rows):
            if not isinstance(row, self.model._meta.concrete_model or self.model):
                raise ValueError(f"Object {i} is no {self.model._meta.label}.")
            if row._state.adding or row.pk is None:
                raise ValueError(f"Object {i} is not saved: update_fields() updates rows.")
            if seen.setdefault(row.pk, i) != i:
                raise ValueError(f"Objects {seen[row.pk]} and {i} have the same primary key.")

    def _update_rows(
        self,
        rows: list[Any],
        fields: list[Field],
        image: Image | None,
        batch_size: int | None,
    ) -> int:
        changes = _Changes(self.model, rows, fields, image)
        if not changes.rows:
            return 0
        using = self._alias_of_write()
        with transaction.atomic(using=using, savepoint=False):
            matched = self._write_changes(changes, using, batch_size)
        if image is not None:
            names = [field.attname for field in changes.fields]
            image.written(connections[using], changes.rows, changes.places, names)
        return matched

    def _write_changes(self, changes: _Changes, using: str, batch_size: int | None) -> int:
        for field in changes.fields:
            if type(field) not in BUILT_IN or getattr(field, "auto_now", False):
                for row in changes.rows:
                    setattr(row, field.attname, field.pre_save(row, add=False))
        target = type(self)(self.model, using=using) if self._bm_by_key else self.using(using)
        if target.query.is_sliced:
            target.query.clear_limits()
        try:
            place = writes.Place(self.model, using)
            columns = [place.column(field) for field in changes.fields]
            place.marks(changes.rows)
            condition = writes.condition_of(target, place.connection)
            if condition is None:
                return 0
            named = [self.model._meta.pk, self.model._meta.pk, *changes.fields]
            kept = {place.column(field).index: mask for field, mask in changes.kept.items()}
            chunk = place.chunk(batch_size, named, changes.rows)
            update = writes.Update(
                place, changes.rows, columns, chunk, condition, limited=False, kept=kept
            )
        except writes.NotOurs:
            self._check_rows(changes.rows)
            return self._write_as_django(target, changes, batch_size)
        return update.run()

    @staticmethod
    def _write_as_django(target: Any, changes: _Changes, batch_size: int | None) -> int:
        groups: dict[tuple[str, ...], list[Any]] = {}
        for i, row in enumerate(changes.rows):
            names = tuple(
                field.name
                for field in changes.fields
                if field not in changes.kept or changes.kept[field][i]
            )
            groups.setdefault(names, []).append(row)
        return sum(
            models.QuerySet.bulk_update(target, rows, names, batch_size)
            for names, rows in groups.items()
        )


class _Changes:
    """Which rows and which fields are to be written; of some rows not all of these fields."""

    def __init__(
        self,
        model: type[models.Model],
        rows: list[Any],
        fields: list[Field],
        image: Image | None,
    ) -> None:
        self.rows = rows
        self.fields = fields
        self.places: Iterable[int] = range(len(rows))
        self.kept: dict[Field, bytes] = {}
        if image is not None:
            image.settle()
        if not fields and image is not None:
            self._compare(model, rows, image)

    def _compare(self, model: type[models.Model], rows: list[Any], image: Image) -> None:
        changed: dict[Field, bytes] = {}
        opts = model._meta
        followers = []
        for field in opts.concrete_fields:
            if field in opts.pk_fields or field.generated:
                continue
            if getattr(field, "auto_now", False):
                followers.append(field)
                continue
            marks = image.changed(rows, field.attname)
            if any(marks):
                changed[field] = marks
        mask = bytes(map(any, zip(*changed.values()))) if changed else b""
        self.places = list(compress(range(len(rows)), mask))
        self.rows = list(compress(rows, mask))
        self.fields = [*changed, *followers] if changed else []
        for field, marks in changed.items():
            picked = bytes(compress(marks, mask))
            if not all(picked):
                self.kept[field] = picked


class BulkModelQuerySet(BulkModelQuerySetMixin, models.QuerySet):  # type: ignore[type-arg]
    """models.QuerySet, with bulk methods on the engine."""
