"""BulkModelQuerySet: Django's bulk methods on the engine, and those that Django lacks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, transaction
from django.db.models.query import ModelIterable

from bulkmodel import _core, conf
from bulkmodel.create import Create
from bulkmodel.image import Image
from bulkmodel.lookups import InKeys
from bulkmodel.options import NAMES, options_of
from bulkmodel.place import NotOurs
from bulkmodel.update import bulk_update
from bulkmodel.update_fields import Changes, fields_named, rows_to_update, write

_Method = TypeVar("_Method", bound=Callable[..., Any])


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
        unknown = sorted(set(options) - NAMES)
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
            create = Create(self, objects, batch_size)
        except NotOurs:
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
                raise NotOurs  # a project's own update() is called where Django calls it
            return bulk_update(self, objects, names, batch_size)
        except NotOurs:
            return int(models.QuerySet.bulk_update(target, objects, names, batch_size))

    @_alters_data
    def update(self, **values: Any) -> Any:
        """Django's update.  With options (batch_size, return_queryset, ...) rows are updated by
        key; an option that is also a field's name is the field."""
        names = {field.name for field in self.model._meta.get_fields()}
        names |= {field.attname for field in self.model._meta.concrete_fields}
        options = dict(self._bm_options or {})
        for name in [n for n in values if n in NAMES and n not in names]:
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
        options = options_of(
            batch_size,
            concurrent,
            max_concurrent_workers,
            return_queryset,
            send_signals,
            send_signal,
            signal,
        )
        fields = fields_named(self.model, names)
        if objects is None and (names or self._result_cache is not None):
            self._fetch_all()
        using = self._alias_of_write()
        given = self._result_cache or [] if objects is None else objects
        rows = rows_to_update(self.model, given, fields)
        image = self._image if objects is None else None
        if not names and image is None and rows:
            raise ValueError(
                "update_fields() knows of no former values of these objects: name the fields."
            )
        changes = Changes(self.model, rows, fields, image)
        matched = 0
        if changes.rows:
            target = type(self)(self.model, using=using) if self._bm_by_key else self.using(using)
            matched = write(target, changes, options.batch_size)
        return self._written(rows, using) if options.return_queryset else matched

    def _alias_of_write(self) -> str:
        self._for_write = True
        return str(self.db)


class BulkModelQuerySet(BulkModelQuerySetMixin, models.QuerySet):  # type: ignore[type-arg]
    """models.QuerySet, with bulk methods on the engine."""
