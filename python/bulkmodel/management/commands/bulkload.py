"""manage.py bulkload: write the rows of a file to a model."""

from __future__ import annotations

import csv
import io
import re
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error, connections

from bulkmodel.errors import TooManyRejects
from bulkmodel.files.cells import Columns, Lookup
from bulkmodel.files.load import Load, SetAside
from bulkmodel.files.records import FORMATS, Fault, Reader, format_of, opened
from bulkmodel.queryset import BulkModelQuerySet
from bulkmodel.results import BulkResult
from bulkmodel.verbs.find_rows import unique_fields_named

_NUMBER = re.compile(r"[0-9]+")


def _pair(text: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign:
        raise ArgumentTypeError(f'expected two names with "=" between them, not "{text}"')
    return left, right


def _size(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) == 0:
        raise ArgumentTypeError(f'expected a positive number of rows, not "{text}"')
    return int(text)


def _limit(text: str) -> int | str:
    return int(text) if _NUMBER.fullmatch(text) else text


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


class Command(BaseCommand):
    help = (
        "Write the rows of a CSV, TSV, JSON or NDJSON file to a model, in one transaction. Cells"
        " are read as the model's form fields read them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("model", metavar="app.Model", help="the model to write to")
        add("file", metavar="FILE", help="the file; - is standard input")
        add("--format", choices=FORMATS, help="default: the ending of the file's name")
        add("--encoding", default="utf-8-sig", help="encoding of the file; default: utf-8")
        add("--delimiter", help="the character between cells; default: a comma or a tab")
        add(
            "--map",
            type=_pair,
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="the field of a column with another name; COLUMN= leaves the column out",
        )
        add(
            "--lookup",
            type=_pair,
            action="append",
            default=[],
            metavar="FIELD=NAME",
            help="cells of the foreign key FIELD have the related row's field NAME, not its key",
        )
        add(
            "--localize",
            action="store_true",
            help="read numbers as LANGUAGE_CODE writes them: 1.234,50",
        )
        add(
            "--update",
            action="store_true",
            help="update rows that exist, by their primary key or --unique-fields",
        )
        add(
            "--unique-fields",
            type=_names,
            metavar="FIELD,...",
            help="the fields that identify a row; implies --update",
        )
        add("--rejects", metavar="FILE", help="set rows aside that fail; FILE gets their lines")
        add(
            "--max-rejects",
            type=_limit,
            metavar="N|P%",
            help="write nothing if more rows fail; default: 10%%",
        )
        add("--dry-run", action="store_true", help="do everything, then roll it back")
        add("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")
        add("--batch-size", type=_size, metavar="ROWS", help="rows in memory at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        self.name = str(options["file"])
        if options["max_rejects"] is not None and not options["rejects"]:
            raise CommandError("--max-rejects needs --rejects FILE")
        model = _model_of(options["model"])
        if options["database"] not in connections:
            raise CommandError(f'there is no database "{options["database"]}" in DATABASES')
        unique = _unique_of(model, options["update"], options["unique_fields"])
        format = options["format"] or format_of(self.name)
        if format is None:
            raise CommandError(
                f"{self.name}: the name does not say the format: pass --format"
                f" ({', '.join(FORMATS)})"
            )
        using = options["database"]
        maps = dict(options["map"])
        try:
            lookups = [Lookup(model, name, by, using) for name, by in options["lookup"]]
            columns = Columns(model, maps, lookups, options["localize"])
            with opened(self.name, format, options["encoding"], options["delimiter"]) as reader:
                load = Load(
                    BulkModelQuerySet(model, using=using),
                    reader,
                    columns,
                    unique=unique,
                    batch_size=options["batch_size"],
                    max_rejects=options["max_rejects"] if options["rejects"] else 0,
                )
                self._run(load, reader, options)
        except Fault as fault:
            raise self._failed(fault.line, fault.column, fault.message) from fault
        except OSError as error:
            raise CommandError(
                f"{error.filename or self.name}: {error.strerror or error}"
            ) from error
        except (ValueError, TypeError, LookupError, csv.Error) as error:
            raise CommandError(f"{self.name}: {error}") from error
        except Error as error:
            raise CommandError(f"{self.name}: {' '.join(str(error).split())}") from error

    def _failed(self, line: int, column: str | None, message: str) -> CommandError:
        where = f', column "{column}"' if column else ""
        return CommandError(f"{self.name}, line {line}{where}: {message}")

    def _run(self, load: Load, reader: Reader, options: dict[str, Any]) -> None:
        rejects = options["rejects"]
        for name in (rejects, f"{rejects}.errors.csv") if rejects else ():
            _check_writable(Path(name))
        try:
            result = load.run(options["dry_run"])
        except TooManyRejects as error:
            if not rejects:
                first = load.aside[0]
                raise self._failed(first.record.line, first.column, first.message) from error
            self._write_rejects(options, reader, load.aside)
            raise CommandError(
                f"{self.name}: {len(load.aside)} of the rows cannot be written, more than"
                " --max-rejects allows (default: 10%). Nothing was written. Correct the rows in"
                f" {rejects}, or raise the limit."
            ) from error
        if rejects:
            self._write_rejects(options, reader, load.aside)
        missing = [name for name in dict(options["map"]) if name not in load.columns.read]
        for name in missing:
            self.stderr.write(f'{self.name}: no column has the name "{name}" of --map')
        self._report(result, len(load.aside), options)

    def _report(self, result: BulkResult, n_aside: int, options: dict[str, Any]) -> None:
        if options["verbosity"] == 0:
            return
        counts = [f"{result.inserted} inserted"]
        if options["update"] or options["unique_fields"]:
            counts += [f"{result.updated} updated", f"{result.unchanged} unchanged"]
        if options["rejects"]:
            counts.append(f"{n_aside} set aside in {options['rejects']}")
        dry = " (dry run: rolled back)" if result.dry_run else ""
        self.stdout.write(", ".join(counts) + dry)

    def _write_rejects(
        self, options: dict[str, Any], reader: Reader, aside: list[SetAside]
    ) -> None:
        """Write the rows that were set aside, to be loaded with the same options, and why."""
        name = options["rejects"]
        text = reader.rejected([one.record for one in aside])
        Path(name).write_text(text, options["encoding"].replace("utf-8-sig", "utf-8"), newline="")
        why = io.StringIO()
        table = csv.writer(why, lineterminator="\n")
        table.writerow(["line", "column", "code", "message"])
        table.writerows([one.record.line, one.column, one.code, one.message] for one in aside)
        Path(f"{name}.errors.csv").write_text(why.getvalue(), "utf-8", newline="")


def _check_writable(path: Path) -> None:
    """OSError: the file cannot be written.  It is left as it is."""
    is_new = not path.exists()
    path.open("a").close()
    if is_new:
        path.unlink()


def _model_of(label: str) -> Any:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise CommandError(f'there is no model "{label}" (expected app.Model): {error}') from error


def _unique_of(model: Any, update: bool, names: Sequence[str] | None) -> Sequence[str] | None:
    """Return the fields that identify a row, or None if the call inserts."""
    if names is None:
        return ["pk"] if update else None
    try:
        unique_fields_named(model, names)
    except (FieldDoesNotExist, ValueError) as error:
        raise CommandError(f"--unique-fields: {error}") from error
    return names
