#!/usr/bin/env python3
"""The same rows by Django, by our methods under Django, by the command and by C: the same bytes.

usage: storage.py ENGINE PROGRAM EXTENSION EXAMPLE; TAP.  ENGINE: sqlite, postgresql; EXTENSION: the
built _core; EXAMPLE: what is built of storage.c.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import django
from django.conf import settings
from django.db import connection, models
from world import CONNINFO, World, expect

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)


class Column(NamedTuple):
    """A field, its values, and the texts that stand for them in a file (where an engine has its
    own: of SQLite, of PostgreSQL)."""

    field: Callable[[], models.Field[Any, Any]]
    values: list[Any]
    texts: list[str] | tuple[list[str], list[str]]


COLUMNS = {
    "small": Column(
        lambda: models.SmallIntegerField(null=True), [-32768, 0, 32767], ["-32768", "0", "32767"]
    ),
    "whole": Column(
        lambda: models.IntegerField(null=True),
        [-(2**31), 0, 2**31 - 1],
        ["-2147483648", "0", "2147483647"],
    ),
    "big": Column(
        lambda: models.BigIntegerField(null=True),
        [-(2**63), 0, 2**63 - 1],
        ["-9223372036854775808", "0", "9223372036854775807"],
    ),
    "flag": Column(
        lambda: models.BooleanField(null=True), [True, False, True], ["true", "false", "true"]
    ),
    "real": Column(
        lambda: models.FloatField(null=True), [-1e300, 0.1, 5e-324], ["-1e300", "0.1", "5e-324"]
    ),
    "exact": Column(
        lambda: models.DecimalField(max_digits=20, decimal_places=5, null=True),
        [Decimal("-1234567890.12345"), Decimal(0), Decimal("1.5")],
        ["-1234567890.12345", "0", "1.5"],
    ),
    "name": Column(
        lambda: models.CharField(max_length=40, null=True),
        ["", "tab\tline\n\\N \\. 'quote' \"x\"", "a"],
        ["", "tab\tline\n\\N \\. 'quote' \"x\"", "a"],
    ),
    "note": Column(
        lambda: models.TextField(null=True),
        ["", "\u00e4\u20ac\U0001f600", "NULL"],
        ["", "\u00e4\u20ac\U0001f600", "NULL"],
    ),
    "data": Column(
        lambda: models.BinaryField(null=True),
        [b"", b"\x00\xff\\'", b"ab"],
        ["\\x", "\\x00ff5c27", "\\x6162"],
    ),
    "day": Column(
        lambda: models.DateField(null=True),
        [datetime.date(1, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)],
        ["0001-01-01", "2024-02-29", "9999-12-31"],
    ),
    "moment": Column(
        lambda: models.DateTimeField(null=True),
        [
            datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime.datetime(2024, 2, 29, 12, 30, 15, 250, tzinfo=UTC),
            datetime.datetime(9999, 12, 30, tzinfo=UTC),
        ],
        ["1969-12-31T23:59:59.999999Z", "2024-02-29 14:30:15.00025+02:00", "9999-12-30 00:00:00Z"],
    ),
    "clock": Column(
        lambda: models.TimeField(null=True),
        [datetime.time(0, 0), datetime.time(23, 59, 59, 999999), datetime.time(1, 2, 3)],
        ["00:00", "23:59:59.999999", "01:02:03"],
    ),
    "ident": Column(
        lambda: models.UUIDField(null=True),
        [uuid.UUID(int=0), uuid.UUID(bytes=bytes(range(16))), uuid.UUID(int=2**128 - 1)],
        ["0" * 32, "00010203-0405-0607-0809-0a0b0c0d0e0f", "F" * 32],
    ),
    "doc": Column(
        lambda: models.JSONField(null=True),
        [{"a": [1, None, "\u00e9"]}, [], 2.5],
        ['{"a": [1, null, "\\u00e9"]}', "[]", "2.5"],
    ),
    "host": Column(
        lambda: models.GenericIPAddressField(null=True),
        ["127.0.0.1", "::1", "2001:db8::1"],
        ["127.0.0.1", "::1", "2001:db8::1"],
    ),
    "span": Column(
        lambda: models.DurationField(null=True),
        [
            -3 * DAY + datetime.timedelta(seconds=5, microseconds=7),
            datetime.timedelta(0),
            10000 * DAY + datetime.timedelta(microseconds=999999),
        ],
        (
            ["-259194999993", "0", "864000000999999"],
            ["-3 days 5.000007 seconds", "0", "10000 days 0.999999 seconds"],
        ),
    ),
}
ROWS = 4  # the last one is NULL everywhere
NATIVE = (bool, int, float)  # what a line of JSON has itself, beside documents


class Sheets:
    """One table for each way to write."""

    def __init__(self, world: World, example: str) -> None:
        self.world = world
        self.example = example
        self.made = 0

    def new(self, blank: bool = False) -> Any:
        """The model of a new table; blank: its rows are there, and NULL."""
        from bulkmodel.managers import BulkModelManager

        self.made += 1
        name = f"sheet_{self.made}"
        body: dict[str, Any] = {name: column.field() for name, column in COLUMNS.items()}
        body["Meta"] = type("Meta", (), {"db_table": name, "app_label": "storage"})
        body |= {"objects": BulkModelManager(), "django": models.Manager(), "__module__": __name__}
        model: Any = type(name, (models.Model,), body)
        with connection.schema_editor() as editor:
            editor.create_model(model)
        if blank:
            model.django.bulk_create([model(id=i + 1) for i in range(ROWS)])
        return model

    def objects(self, model: Any) -> list[Any]:
        """The rows as Django has them."""
        rows = [
            model(id=i + 1, **{name: column.values[i] for name, column in COLUMNS.items()})
            for i in range(ROWS - 1)
        ]
        return [*rows, model(id=ROWS)]

    def texts(self, row: int) -> list[str]:
        """The cells of a row as a file has them."""
        of_engine = [
            column.texts[not self.world.lite] if isinstance(column.texts, tuple) else column.texts
            for column in COLUMNS.values()
        ]
        return [texts[row] for texts in of_engine]

    def csv(self) -> str:
        """All rows; a cell that is not NULL has quotes."""
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(["id", *COLUMNS])
        writer.writerows([str(i + 1), *self.texts(i)] for i in range(ROWS - 1))
        return out.getvalue() + f"{ROWS}" + "," * len(COLUMNS) + "\n"

    def ndjson(self) -> str:
        """All rows, each value in its own form."""

        def cell(name: str, row: int, text: str) -> Any:
            value = COLUMNS[name].values[row]
            return value if name == "doc" or isinstance(value, NATIVE) else text

        lines: list[dict[str, Any]] = [
            {"id": i + 1, **{n: cell(n, i, t) for n, t in zip(COLUMNS, self.texts(i), strict=True)}}
            for i in range(ROWS - 1)
        ]
        lines.append({"id": ROWS, **dict.fromkeys(COLUMNS)})
        return "".join(json.dumps(line) + "\n" for line in lines)

    def printed(self, model: Any) -> list[tuple[Any, ...]]:
        """The table as the database prints it; SQLite with the storage class of each cell."""
        form = "typeof({0}) || ' ' || quote({0})" if self.world.lite else "{0}::text"
        cells = ", ".join(form.format(connection.ops.quote_name(name)) for name in COLUMNS)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {cells} FROM {model._meta.db_table} ORDER BY id")
            return list(cursor.fetchall())

    def command(self, verb: str, text: str, *options: str) -> Any:
        """The model of a table that the command wrote."""
        model = self.new(blank=verb != "create")
        table = model._meta.db_table
        self.world.run(verb, self.world.database, table, *options, stdin=text)
        return model

    def c(self, verb: str) -> Any:
        """The model of a table that the C library wrote."""
        model = self.new(blank=verb != "create")
        command = [self.example, self.world.database, model._meta.db_table, verb]
        subprocess.run(command, check=True)
        return model


def by_bulk_create(sheets: Sheets) -> Any:
    """Rows that are new."""
    model = sheets.new()
    model.objects.bulk_create(sheets.objects(model))
    return model


def by_copy_from_objects(sheets: Sheets) -> Any:
    """Rows that are new, from a stream."""
    model = sheets.new()
    model.objects.copy_from_objects(iter(sheets.objects(model)), exclude_id=False)
    return model


def by_update_fields(sheets: Sheets) -> Any:
    """Rows that are there."""
    model = sheets.new(blank=True)
    rows = model.objects.order_by("id")
    for row, given in zip(rows, sheets.objects(model), strict=True):
        for name in COLUMNS:
            setattr(row, name, getattr(given, name))
    expect(rows.update_fields(), ROWS - 1)  # the last one is NULL as it was
    return model


def by_bulk_update(sheets: Sheets) -> Any:
    """Rows that are there, as Django's own method is called."""
    model = sheets.new(blank=True)
    expect(model.objects.bulk_update(sheets.objects(model), list(COLUMNS)), ROWS)
    return model


WAYS: list[tuple[str, Callable[[Sheets], Any]]] = [
    ("bulk_create", by_bulk_create),
    ("copy_from_objects", by_copy_from_objects),
    ("update_fields", by_update_fields),
    ("bulk_update", by_bulk_update),
    ("the command's create", lambda sheets: sheets.command("create", sheets.csv())),
    ("the command's update-fields", lambda s: s.command("update-fields", s.csv())),
    ("the command's upsert", lambda sheets: sheets.command("upsert", sheets.csv())),
    ("lines of JSON", lambda s: s.command("create", s.ndjson(), "--format=ndjson")),
    ("C's bm_bulk_create", lambda sheets: sheets.c("create")),
    ("C's bm_update_fields", lambda sheets: sheets.c("update")),
]


def judge(sheets: Sheets, wanted: Any, way: Callable[[Sheets], Any]) -> None:
    """Cell by cell what Django's own bulk_create wrote; and Django reads it as it was given."""
    model = way(sheets)
    theirs, ours = sheets.printed(wanted), sheets.printed(model)
    expect(len(ours), ROWS)
    for i in range(ROWS):
        for name, cell, other in zip(COLUMNS, ours[i], theirs[i], strict=True):
            expect((i, name, cell), (i, name, other))
    for found, given in zip(model.django.order_by("id"), sheets.objects(model), strict=True):
        expect(
            [getattr(found, name) for name in COLUMNS], [getattr(given, name) for name in COLUMNS]
        )


def configure(world: World) -> None:
    """Django on the database of a world."""
    given = dict(pair.split("=", 1) for pair in CONNINFO.split())
    database: dict[str, Any] = {"ENGINE": f"django.db.backends.{world.engine}"}
    if world.lite:
        database |= {"ENGINE": "django.db.backends.sqlite3", "NAME": world.folder / "test.db"}
    else:
        database |= {"NAME": given["dbname"], "USER": given["user"], "HOST": given["host"]}
        database |= {"PORT": given.get("port", "")}
        database["OPTIONS"] = {"options": f"-csearch_path={world.schema}"}
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["bulkmodel"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


def run(engine: str, program: str, example: str) -> bool:
    """Each way, as TAP; whether all passed."""
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        world = World(program, engine, Path(folder))
        try:
            configure(world)
            sheets = Sheets(world, example)
            wanted = sheets.new()
            wanted.django.bulk_create(sheets.objects(wanted))
            print(f"1..{len(WAYS)}")
            for number, (name, way) in enumerate(WAYS, 1):
                try:
                    judge(sheets, wanted, way)
                    print(f"ok {number} - {name}", flush=True)
                except Exception as error:  # whatever it is, the other ways run
                    passed = False
                    print(f"not ok {number} - {name}")
                    print("\n".join(f"# {line}" for line in repr(error).splitlines()), flush=True)
        finally:
            connection.close()
            world.close()
    return passed


def main(engine: str, program: str, extension: str, example: str) -> int:
    import bulkmodel

    bulkmodel.__path__.append(str(Path(extension).resolve().parent))
    return 0 if run(engine, program, example) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
