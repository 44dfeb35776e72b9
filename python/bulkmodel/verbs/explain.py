"""bulk_explain(): what a call would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any

from django.db import connections, models
from django.db.models import sql
from django.db.models.deletion import Collector
from django.db.models.expressions import Case, Value, When
from django.db.models.query import QuerySet

from bulkmodel.engine import dialect, postgresql
from bulkmodel.engine.jobs import Jobs
from bulkmodel.engine.support import Fallback, dialect_of
from bulkmodel.model.fields import Field, describe, sets_itself
from bulkmodel.model.overrides import CREATE_STEPS, UPDATE_STEPS
from bulkmodel.model.where import InKeys, having
from bulkmodel.options import Options, is_size, options_of
from bulkmodel.results import Explanation, Lock, Outcome, Statement
from bulkmodel.verbs.bulk_create import Create
from bulkmodel.verbs.bulk_delete import Delete
from bulkmodel.verbs.bulk_update import update_of
from bulkmodel.verbs.bulk_upsert import Upsert
from bulkmodel.verbs.conflicts import conflict_of
from bulkmodel.verbs.find_rows import unique_fields_named
from bulkmodel.verbs.frame_objects import rows_and_fields, rows_given
from bulkmodel.verbs.inherited import tables_of
from bulkmodel.verbs.update_fields import Changes, by_unique_fields, fields_named, updates_of
from bulkmodel.verbs.upsert_rules import Rules

_SMALL_UPSERT = "for so few rows Django's own statement is used"


def _copies(objects: Iterable[Any]) -> list[Any]:
    """Preparing a call sets attributes: those of copies.  A file is given by its name, for
    pre_save() would store its content."""
    return [_copy(row) if isinstance(row, models.Model) else row for row in objects]


def _copy(row: models.Model) -> models.Model:
    copied = copy(row)
    for field in row._meta.concrete_fields:
        if isinstance(field, models.FileField) and field.attname in copied.__dict__:
            value = copied.__dict__[field.attname]
            copied.__dict__[field.attname] = getattr(value, "name", value)
    return copied


# Options that do not change the way of a call.
_OTHERS = frozenset(
    {
        "allow_skipped",
        "commit_every",
        "commit_timeout",
        "dry_run",
        "on_changes",
        "return_changes",
        "return_result",
        "timeout",
    }
)


# Arguments that the verbs take, and for which another call is made.
_NOT_TAKEN = frozenset({"lookups", "fieldnames", "exclude_id", "on_error", "max_rejects"})


def _options(batch_size: int | None, options: dict[str, Any]) -> Options:
    """TypeError, ValueError: an option is unknown, is not taken, or has an invalid value."""
    if not_taken := sorted(_NOT_TAKEN & options.keys()):
        raise TypeError(f"bulk_explain() does not take {', '.join(not_taken)}: leave it out.")
    if not is_size(options.get("commit_every") or 1):
        raise ValueError("commit_every must be a positive integer.")
    known = {name: value for name, value in options.items() if name not in _OTHERS}
    return options_of(batch_size, **known)


def _cascades(model: type[models.Model], found: set[Any]) -> set[Any]:
    """Return the models whose rows on_delete may delete or change."""
    for relation in model._meta.related_objects:
        other: Any = relation.related_model
        if getattr(relation, "on_delete", models.DO_NOTHING) is models.DO_NOTHING:
            continue
        if other not in found:
            found.add(other)
            _cascades(other, found)
    return found


class Explain:
    """One bulk_explain() call.  Its queryset uses the alias to write to."""

    def __init__(self, queryset: Any) -> None:
        self.queryset = queryset
        self.model: type[models.Model] = queryset.model
        self.using: str = queryset.db
        self.connection = connections[self.using]
        known = dialect_of(self.connection)
        self.engine = known.name if known is not None else None

    def explain(
        self, verb: str, objects: Any, names: Sequence[Any], given: dict[str, Any]
    ) -> Explanation:
        """ValueError: the verb is unknown."""
        ways: dict[str, Callable[..., Explanation]] = {
            "bulk_create": self.bulk_create,
            "copy_from_objects": self.copy_from_objects,
            "update_fields": self.update_fields,
            "bulk_update": self.bulk_update,
            "bulk_upsert": self.bulk_upsert,
            "bulk_delete": self.bulk_delete,
        }
        if verb not in ways:
            raise ValueError(f"bulk_explain() cannot explain {verb!r}: expected {', '.join(ways)}.")
        if hasattr(type(objects), "__arrow_c_stream__"):
            raise TypeError("bulk_explain() takes objects or keys, not a frame.")
        return ways[verb](objects, *names, **given)

    # ------------------------------------------------------------------------ the verbs

    def bulk_create(
        self,
        objects: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Any = None,
        unique_fields: Any = None,
        **options: Any,
    ) -> Explanation:
        asked = _options(batch_size, options)
        conflicts = ignore_conflicts, update_conflicts, update_fields, unique_fields
        rows = _copies(objects)
        told = self._begun("bulk_create", rows, self.model._meta.concrete_fields)
        if update_conflicts:
            told.index = self._index(unique_fields)
            told.locks = self._locks(self.model._meta.concrete_fields, True)
        try:
            self.queryset._must_be_djangos(("bulk_create",), CREATE_STEPS)
            conflict = conflict_of(self.queryset, *conflicts) if any(conflicts) else None
            self.queryset._set_create_uuid(rows, None)
            size, workers = asked.batch_size, asked.workers
            self._of_jobs(told, Create(self.queryset, rows, size, workers, conflict).jobs)
        except Fallback as why:
            self._of_django(told, why, self._insert(rows), batch_size)
        return told

    def copy_from_objects(self, objects: Iterable[Any], **options: Any) -> Explanation:
        """In chunks; each is written as bulk_create() writes it.  ValueError: the model has several
        tables, which bulk_create() does not write."""
        if len(tables_of(self.model)) > 1:
            raise ValueError(
                f"bulk_explain() cannot explain copy_from_objects() of {self.model._meta.label}: "
                "it has several tables, which the engine writes one after the other."
            )
        told = self.bulk_create(objects, options.pop("batch_size", None), **options)
        told.verb = "copy_from_objects"
        return told

    def update_fields(
        self,
        objects: Any,
        *names: str,
        unique_fields: Iterable[str] | None = None,
        batch_size: int | None = None,
        **options: Any,
    ) -> Explanation:
        asked = _options(batch_size, options)
        fields = fields_named(self.model, names)
        given, fields = rows_and_fields(self.queryset, objects, fields, unique_fields)
        rows = _copies(given)
        if not fields:
            raise ValueError("bulk_explain() of update_fields() needs field names.")
        by = by_unique_fields(self.model, rows, unique_fields, self.using, True)
        changes = Changes(self.model, rows, fields, None, by)
        told = self._updated("update_fields", changes, batch_size, asked.workers)
        told.index = self._index(unique_fields)
        return told

    def bulk_update(
        self, objects: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> Explanation:
        rows, names = _copies(objects), list(fields)
        known: list[Any] = [self.model._meta.get_field(name) for name in names]
        told = self._begun("bulk_update", rows, known)
        told.index = self._index(None)
        try:
            self.queryset._must_be_djangos(("bulk_update", "update"), UPDATE_STEPS)
            update = update_of(self.queryset, tuple(rows), names, batch_size)
            if update is None:
                told.why = "the queryset selects no row"
            else:
                self._of_jobs(told, update[0].jobs)
        except Fallback as why:
            self._of_django(told, why, self._case(rows, known), batch_size)
        return told

    def bulk_upsert(
        self,
        objects: Any,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        constraint: str | None = None,
        set: Any = None,
        update_where: Any = None,
        update_unchanged: bool = False,
        batch_size: int | None = None,
        duplicates: str = "error",
        **options: Any,
    ) -> Explanation:
        _options(batch_size, options)
        call = Upsert(
            type(self.queryset)(self.model, using=self.using),
            _copies(rows_given(self.queryset, objects)),
            unique_fields,
            update_fields,
            rules=Rules(constraint, set, update_where, update_unchanged),
            batch_size=batch_size,
            duplicates=duplicates,
            dry_run=False,
        )
        told = self._begun("bulk_upsert", call.objects, ())
        told.engine, told.batch_size = self.engine, batch_size or 0
        told.why = "rows that exist are found and compared; those that differ are updated, and the "
        told.why += "others inserted"
        told.index = constraint or self._index(unique_fields)
        if call.written:
            call.decide()
        if set or update_where is not None or {"return_changes", "on_changes"} & options.keys():
            told.locks.append(self._lock(self.model, "ROW SHARE", "FOR UPDATE"))
        found = [key for key in (call.keys[i] for i in call.written) if key is not None]
        if found and call.computed is None:
            rows: Any = QuerySet(self.model, using=self.using)
            rows = rows.filter(having(call.unique, found[:1])).order_by()
            told.statements.append(Statement("find", self._text(rows.query)))
        fields = list(dict.fromkeys([*call.fields, *call.stamped]))
        updated = [call.objects[i] for i in call.places(Outcome.UPDATED)]
        if updated and call.set:
            told.hints.append("set= is written by one UPDATE of the database over all rows")
            told.locks += self._locks(fields, True)
        elif updated and fields:
            changes = Changes(self.model, updated, fields, None)
            told.steps.append(self._updated("update_fields", changes, batch_size, 1))
        inserted = [call.objects[i] for i in call.places(Outcome.INSERTED)]
        if inserted:
            told.steps.append(self.bulk_create(inserted, batch_size))
        told.locks += [lock for step in told.steps for lock in step.locks if lock not in told.locks]
        if any(step.way == "django" for step in told.steps):
            told.way = "django"
        return told

    def bulk_delete(
        self,
        objects_or_keys: Any,
        unique_fields: Iterable[str] | None = None,
        *,
        duplicates: str = "error",
        **options: Any,
    ) -> Explanation:
        _options(None, options)
        given = rows_given(self.queryset, objects_or_keys)
        call = Delete(self.queryset, given, unique_fields, duplicates, False)
        told = self._begun("bulk_delete", given, ())
        told.index = self._index(unique_fields)
        told.locks = [self._lock(self.model, "ROW EXCLUSIVE", "FOR UPDATE")]
        keys = [pk for pk in call.wanted() if pk is not None]
        if not keys or self.queryset.query.is_empty():
            told.why, told.locks = "no row is deleted", []
            return told
        rows = self.queryset.filter(InKeys(models.F("pk"), keys)).order_by()
        query: Any = rows.query.clone()
        query.__class__ = sql.DeleteQuery
        told.statements = [Statement("write", self._text(query))]
        collector = Collector(self.using, origin=rows)
        if type(rows).delete is not QuerySet.delete:
            told.way, told.why = "django", "another package overrides delete()"
            told.statements = []
        elif collector.can_fast_delete(rows):
            told.engine, told.why = self.engine, "no signals and no cascades: one DELETE by key"
        else:
            others = sorted(_cascades(self.model, set()), key=lambda model: model._meta.db_table)
            told.way = "django"
            names = ", ".join(model._meta.label for model in others) or "none"
            told.why = f"signals or on_delete need the rows: Django collects them (models: {names})"
            told.hints.append(
                "disconnect receivers of pre_delete and post_delete, or let the database cascade"
            )
            told.locks += [self._lock(m, "ROW EXCLUSIVE", "FOR UPDATE") for m in others]
        return told

    # ------------------------------------------------------------------------ parts

    def _begun(self, verb: str, rows: Sequence[Any], fields: Iterable[Any]) -> Explanation:
        told = Explanation(verb, self.model._meta.label, len(rows))
        told.locks = self._locks(fields, verb != "bulk_create") if fields else []
        told.hints = self._foreign()
        return told

    def _updated(
        self, verb: str, changes: Changes, batch_size: int | None, workers: int
    ) -> Explanation:
        told = self._begun(verb, changes.rows, changes.fields)
        told.index = self._index(None)
        for field in changes.fields:
            if sets_itself(field):
                for row in changes.rows_of(field):
                    setattr(row, field.attname, field.pre_save(row, add=False))
        try:
            updates = updates_of(self.queryset.all(), changes, batch_size, workers)
        except Fallback as why:
            self._of_django(told, why, self._case(changes.rows, changes.fields), batch_size)
            return told
        for update in updates:
            self._of_jobs(told, update.jobs)
        if not updates:
            told.why = "no row is written"
        return told

    def _of_jobs(self, told: Explanation, jobs: Jobs) -> None:
        told.engine = self.engine
        told.workers = jobs.workers
        for job in jobs.all:
            why, chunk, statements = job.explain()
            told.why = why if why in told.why else "; ".join(filter(None, (told.why, why)))
            told.batch_size = max(told.batch_size, chunk)
            told.statements += [Statement(what, text) for what, text in statements]

    def _of_django(
        self, told: Explanation, why: Fallback, statement: str | None, batch_size: int | None
    ) -> None:
        told.way, told.why = "django", str(why) or _SMALL_UPSERT
        told.batch_size = batch_size or 0
        if statement is not None:
            told.statements = [Statement("write", statement)]
        known = dialect_of(self.connection)
        if known is None:
            told.hints.append("use PostgreSQL, SQLite or MariaDB with Django's own backend")
            return
        description = describe(self.model, self.connection, known.name)
        if description is None:
            several = len(tables_of(self.model)) > 1
            told.hints.append(
                "the model has several tables: copy_from_objects() writes them by the engine"
                if several
                else "the engine does not support this model's primary key"
            )
            return
        for field in self.model._meta.concrete_fields:
            named = str(why).endswith(f"field {field.name}")  # one of its values is the reason
            if named or (field not in description.columns and not field.generated):
                told.hints.append(
                    f"the engine cannot write field {field.name} ({type(field).__name__}): leave "
                    "it out, with copy_from_objects(fieldnames=...) or update_fields(), and write "
                    "it separately"
                )

    def _index(self, unique_fields: Iterable[str] | None) -> str | None:
        """Return the name of the unique index by which rows are found, or None: there is none."""
        columns = {field.column for field in unique_fields_named(self.model, unique_fields)}
        with self.connection.cursor() as cursor:
            known = self.connection.introspection.get_constraints(cursor, self.model._meta.db_table)
        partial = {
            constraint.name
            for constraint in self.model._meta.constraints
            if getattr(constraint, "condition", None) is not None
        }
        for name, one in known.items():
            unique = (one["unique"] or one["primary_key"]) and name not in partial
            if unique and set(one["columns"]) == columns:
                return str(name)
        return None

    def _locks(self, fields: Iterable[Any], updates: bool) -> list[Lock]:
        locks = [
            self._lock(table, "ROW EXCLUSIVE", "FOR NO KEY UPDATE" if updates else "")
            for table in tables_of(self.model)
        ]
        for field in fields:
            related = field.related_model if getattr(field, "db_constraint", False) else None
            if related is not None:
                lock = self._lock(related, "ROW SHARE", "FOR KEY SHARE")
                locks += [lock] if lock not in locks else []
        return locks

    def _lock(self, model: type[models.Model], mode: str, rows: str) -> Lock:
        if dialect.has_storage_classes(self.connection):
            return Lock(str(self.connection.settings_dict["NAME"]), "the whole database", "")
        return Lock(model._meta.db_table, mode, rows)

    def _foreign(self) -> list[str]:
        found = postgresql.foreign_partitions(self.connection, self.model._meta.db_table)
        if not found:
            return []
        return [
            f"on other servers: {', '.join(found)}. Without stage tables updates and deletes go "
            "row by row there: see bulkmodel stage-init"
        ]

    def _text(self, query: Any) -> str:
        return str(query.get_compiler(self.using).as_sql()[0])

    def _insert(self, rows: list[Any]) -> str | None:
        fields = [f for f in self.model._meta.local_concrete_fields if not f.generated]
        if not rows or len(tables_of(self.model)) > 1:
            return None
        query: Any = sql.InsertQuery(self.model)
        query.insert_values([f for f in fields if f is not self.model._meta.pk], rows[:1])
        return str(query.get_compiler(self.using).as_sql()[0][0])

    def _case(self, rows: list[Any], fields: Sequence[Field]) -> str | None:
        if not rows:
            return None
        query = self.queryset.filter(pk__in=[rows[0].pk]).query.chain(sql.UpdateQuery)
        values = {
            field.name: Case(When(pk=rows[0].pk, then=Value(None, output_field=field)))
            for field in fields
        }
        query.add_update_values(values)
        return self._text(query)
