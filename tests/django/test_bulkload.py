"""manage.py bulkload: each cell is judged by Django's own forms or by Python's csv and json."""

import csv
import gzip
import io
import json
import random
import shlex
import sys
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.forms import modelform_factory
from django.test import override_settings
from django.utils import translation

from app.linked import Book, Shelf
from app.models import Child, Document, Everything, Keyed, Noted, Plain, Stamped
from app.odd import Odd
from bulkmodel.files.cells import Cell, Unreadable
from shop.models import Product

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "samples"))

from blocks import ROOT, blocks

PAGE = ROOT / "docs/pages/bulkload.md"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Write a file, load it, and return what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(model, name, text, *options):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        out = io.StringIO()
        call_command("bulkload", model, name, *options, stdout=out, stderr=out)
        return out.getvalue()

    return run


def refused(load, *given):
    with pytest.raises(CommandError) as info:
        load(*given)
    return str(info.value)


def names():
    return list(Plain.objects.order_by("name").values_list("name", "value"))


@pytest.mark.parametrize(
    "name, text",
    [
        ("a.csv", "name,value\na,1\n\nb,\n"),
        ("a.tsv", "name\tvalue\r\na\t1\r\nb\t\r\n"),
        ("a.tab", "value\tname\n1\ta\n\tb\n"),
        ("a.csv", b"\xef\xbb\xbfname,value\na,1\nb,"),
        ("a.json", '\n[{"name": "a", "value": 1},\n {"value": null, "name": "b"}]\n'),
        ("a.jsonl", '{"name": "a", "value": 1}\n\n{"name": "b"}'),
        ("a.ndjson", '{"name": "a", "value": "1"}\r\n{"name": "b", "value": ""}\n'),
        ("a.csv.gz", gzip.compress(b"name,value\na,1\nb,\n")),
        ("a.json.gz", gzip.compress(b'[{"name": "a", "value": 1}, {"name": "b"}]')),
    ],
)
def test_formats(load, name, text):
    assert load("app.Plain", name, text) == "2 inserted\n"
    assert names() == [("a", 1), ("b", None)]


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_what_python_writes_is_read(load, format):
    draw = random.Random(5)
    texts = ['x"y', "a\nb", "a\r\nb", "ä, ö", " x ", "''", ";", "\t", "\\N", "NULL", "x" * 200_000]
    rows = [(draw.choice(texts), draw.choice([None, -1, 2**31 - 1])) for _ in range(60)]
    file = io.StringIO()
    if format == "csv":
        writer = csv.writer(file)
        writer.writerow(["text", "integer"])
        writer.writerows(rows)
    else:
        file.writelines(json.dumps({"text": a, "integer": b}) + "\n" for a, b in rows)
    limit = csv.field_size_limit()
    load("app.Everything", f"a.{format}", file.getvalue())
    assert list(Everything.objects.order_by("pk").values_list("text", "integer")) == rows
    assert csv.field_size_limit() == limit


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"name\na\n")))
    call_command("bulkload", "app.Plain", "-", "--format", "csv", "-v", "0")
    assert names() == [("a", None)]


CELLS = {
    "small": "-3",
    "big": "9007199254740993",
    "float": "1.5e3",
    "decimal": "123.45678",
    "date": "2024-02-29",
    "datetime": "2024-07-01 12:00",
    "time": "13:14:15.5",
    "uuid": "{12345678123456781234567812345678}",
    "char": "x",
}


def test_cells_are_those_of_a_form(load):
    form = modelform_factory(Everything, fields="__all__")(
        {**CELLS, "integer": "1", "positive": "2", "text": "t", "slug": "s", "boolean": "True"}
    )
    form.is_valid()
    load("app.Everything", "a.csv", ",".join(CELLS) + "\n" + ",".join(CELLS.values()))
    row = Everything.objects.get()
    assert {name: getattr(row, name) for name in CELLS} == {
        name: form.cleaned_data[name] for name in CELLS
    }
    assert row.datetime == datetime(2024, 7, 1, 10, tzinfo=timezone.utc)  # of Berlin


@pytest.mark.parametrize("text", ["true", "Yes", "1", "on", "T", "false", "NO", "0", "off", "f"])
def test_booleans(load, text):
    load("app.Everything", "a.csv", f"boolean\n{text}\n")
    assert Everything.objects.get().boolean is (text.lower() in ("true", "yes", "1", "on", "t"))


def test_dates_and_numbers_of_a_language(load):
    with translation.override("de"), override_settings(USE_THOUSAND_SEPARATOR=True):
        load(
            "app.Everything",
            "a.csv",
            "date;decimal;float;integer\n01.02.2024;1.234,50;-2,5;1.000\n2024-03-04;1;2;3\n",
            "--delimiter=;",
            "--localize",
        )
    rows = list(Everything.objects.order_by("pk").values_list("date", "decimal", "float"))
    assert rows == [
        (date(2024, 2, 1), Decimal("1234.5"), -2.5),
        (date(2024, 3, 4), Decimal(1), 2.0),
    ]


def test_numbers_of_json_are_exact_in_any_language(load):
    text = '[{"decimal": 123456789012345.67891, "float": 0.1, "big": 9007199254740993}]'
    with translation.override("de"):
        load("app.Everything", "a.json", text, "--localize")
    row = Everything.objects.get()
    assert (row.big, row.float) == (9007199254740993, 0.1)
    if settings.ENGINE == "postgresql":  # SQLite keeps a decimal as a float
        assert row.decimal == Decimal("123456789012345.67891")


def test_json_in_cells(load):
    load("app.Document", "a.csv", 'name,body\na,"{""x"": [1.5, null]}"\n')
    load("app.Document", "a.ndjson", '{"name": "b", "body": {"x": [1.5, null]}}\n')
    bodies = Document.objects.order_by("name").values_list("body", flat=True)
    assert list(bodies) == [{"x": [1.5, None]}] * 2


def test_empty_text(load):
    load("app.Noted", "a.csv", "name,value,note\na,,\n")
    load("app.Everything", "a.csv", "char,text,integer\n,,1\n")
    row = Everything.objects.get()
    assert (row.char, row.text) == (None, None)
    why = refused(load, "app.Noted", "a.csv", "name,value\n,1\n")
    assert why == 'a.csv, line 2, column "name": the cell is empty, and the field is not blank=True'


def test_choices():
    from django.db import models

    class Size(models.IntegerChoices):
        SMALL = 1, "Small"
        LARGE = 2, "Large"

    field = models.IntegerField(choices=Size.choices)
    field.set_attributes_from_name("size")
    cell = Cell("size", field, False, None)
    assert [cell.value(text) for text in ("1", "Large", " 2 ", 1)] == [1, 2, 2, 1]
    with pytest.raises(Unreadable, match="one of the choices: 1, 2"):
        cell.value("3")
    field.choices = [("Group", [("a", "Same"), ("b", "Same")]), ("c", "C")]
    cell = Cell("size", field, False, None)
    with pytest.raises(Unreadable, match="several choices"):
        cell.value("Same")


def test_lookup(load):
    Plain.objects.bulk_create([Plain(name=f"p{i}", value=i // 2) for i in range(2000)])
    text = "link,integer\n" + "".join(f"p{i},{i}\n" for i in range(1500)) + ",7\n"
    assert load("app.Everything", "a.csv", text, "--lookup", "link=name") == "1501 inserted\n"
    rows = Everything.objects.exclude(link=None).order_by("pk")
    assert list(rows.values_list("link__name", "integer")) == [(f"p{i}", i) for i in range(1500)]
    why = refused(load, "app.Everything", "b.csv", "link\np1\nq\n", "--lookup", "link=name")
    assert why == 'b.csv, line 3, column "link": no app.Plain has this name'
    why = refused(load, "app.Everything", "b.csv", "link\n3\n", "--lookup", "link=value")
    assert why == 'b.csv, line 2, column "link": several rows of app.Plain have this value'
    for wrong, what in {
        "x=name": 'app.Everything has no field "x"',
        "link=x": 'app.Plain has no field "x"',
        "char=name": '"char" of app.Everything is not a foreign key',
    }.items():
        assert what in refused(load, "app.Everything", "b.csv", "link\n3\n", "--lookup", wrong)


def test_a_foreign_key_by_its_key(load):
    link = Plain.objects.create(name="a")
    load("app.Everything", "a.csv", f"link_id\n{link.pk}\n")
    load("app.Everything", "a.ndjson", json.dumps({"link": link.pk}))
    assert list(Everything.objects.values_list("link", flat=True)) == [link.pk] * 2


def test_columns(load):
    load("app.Plain", "a.csv", "n,x,value\na,y,1\n", "--map", "n=name", "--map", "x=")
    assert names() == [("a", 1)]
    for header, options, what in [
        ("name,x", (), 'line 1, column "x": app.Plain has no field "x", it has id, name, value.'),
        ("name,x", ("--map", "x=y"), '--map x=y: app.Plain has no field "y"'),
        ("name,", (), "a column has no name"),
        ("name,name", (), 'column 2 has the name "name" of another column'),
        ("name,x", ("--map", "x=name"), 'two columns have the field "name"'),
    ]:
        assert what in refused(load, "app.Plain", "b.csv", f"{header}\n1,2\n", *options)
    assert names() == [("a", 1)]


@pytest.mark.parametrize(
    "name, text, what",
    [
        ("a.csv", "", "a.csv, line 1: the file is empty"),
        ("a.csv", "name,value\na,1\nb\n", "line 3: the row has 1 cells, the header has 2"),
        ("a.csv", 'name,value\n"a\nb",1\n\nb,x\n', 'line 5, column "value": Enter a whole number.'),
        ("a.csv", 'name\n"a"b\n', "line 2: "),
        ("a.csv", 'name\na\n"b\nc\n', "line 3: unexpected end of data"),
        ("a.csv", b"name\na\n\xe4\n", "line 3: character 1 is not valid utf-8"),
        ("a.csv", "name\n" + "x" * 11, 'line 2, column "name": Ensure this value has at most 10'),
        ("a.csv.gz", gzip.compress(b"name\na\n" * 50)[:-9], "the file cannot be read"),
        ("a.json", "{}", "line 1: expected a JSON array of objects"),
        ("a.json", '[{"name": "a"},\n1]', "line 2: expected a JSON object, found a number"),
        ("a.json", '[{"name": "a"}\n{"name": "b"}]', 'line 2: expected "," or "]"'),
        ("a.json", '[{"name": "a"},\n\n]', "line 3: not JSON: Expecting value"),
        ("a.json", '[{"name": "a"}', 'line 1: expected "," or "]"'),
        ("a.json", '[{"name": "a"}]\n\nx', "more text after it"),
        ("a.ndjson", '{"name": "a"}\n{"name"}\n', "line 2: not JSON: Expecting ':'"),
        ("a.ndjson", '{"value": NaN, "name": "a"}\n', "line 1: not JSON: NaN is not JSON"),
        ("a.ndjson", '{"name": "a", "value": true}', 'column "value": expected a value of'),
        ("a.ndjson", '{"name": ["a"]}', 'column "name": expected a single value, found an array'),
        ("a.ndjson", '{"name": null}', 'column "name": the cell is empty'),
    ],
)
def test_faults_of_a_file_name_its_line(load, name, text, what):
    assert what in refused(load, "app.Plain", name, text)
    assert names() == []


def test_wrong_calls(load, tmp_path):
    with pytest.raises(CommandError, match=r"none\.csv: No such file"):
        call_command("bulkload", "app.Plain", str(tmp_path / "none.csv"))
    for model, name, options, what in [
        ("app.None", "a.csv", (), 'there is no model "app.None"'),
        ("Plain", "a.csv", (), 'there is no model "Plain"'),
        ("app.Plain", "a.txt", (), "a.txt: the name does not say the format: pass --format"),
        ("app.Plain", "a.csv", ("--database", "x"), 'no database "x"'),
        ("app.Plain", "a.csv", ("--encoding", "x"), "unknown encoding"),
        ("app.Plain", "a.csv", ("--delimiter", "xx"), "delimiter"),
        ("app.Plain", "a.csv", ("--batch-size", "0"), "expected a positive number"),
        ("app.Plain", "a.csv", ("--map", "x"), 'expected two names with "="'),
        ("app.Plain", "a.csv", ("--max-rejects", "1"), "--max-rejects needs --rejects"),
        ("app.Plain", "a.csv", ("--rejects=r", "--max-rejects=x"), "max_rejects must be"),
        ("app.Plain", "a.csv", ("--unique-fields", "x"), "--unique-fields: "),
        ("app.Plain", "a.csv", ("--update",), 'no column has values of "id"'),
        ("app.Plain", "a.csv", ("--unique-fields", "value"), 'no column has values of "value"'),
    ]:
        assert what in refused(load, model, name, "name\na\n", *options)
    assert names() == []


def test_an_error_of_the_database_names_the_line(load):
    Plain.objects.create(name="b")
    text = "name,value\na,1\n\nb,2\nc,3\n"
    assert 'a.csv, line 4, column "name": ' in refused(load, "app.Plain", "a.csv", text)
    assert names() == [("b", None)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("format", ["csv", "json", "ndjson"])
def test_rejects(load, tmp_path, seed, format):
    """The table and the rejects are those of rows that are saved one by one."""
    draw = random.Random(seed)
    rows = [{"name": f"n{draw.randrange(60)}", "value": str(i)} for i in range(60)]
    for row in draw.sample(rows, 5):
        row["value"] = "x"
    if format == "csv":
        lines = ["name,value\n", *(f"{row['name']},{row['value']}\n" for row in rows)]
        texts = lines[1:]
    else:
        texts = [json.dumps(row) + "\n" for row in rows]
        lines = ["[" + ",".join(texts) + "]"] if format == "json" else texts
    failed = []
    for i, row in enumerate(rows):
        try:
            with transaction.atomic():
                Plain.objects.create(**row)
        except (IntegrityError, ValueError):
            failed.append(i)
    expected = names()
    Plain.objects.all().delete()
    options = ("--rejects", "bad.x", "--max-rejects", "100%", "--batch-size", "17")
    out = load("app.Plain", f"a.{format}", "".join(lines), *options)
    assert out == f"{60 - len(failed)} inserted, {len(failed)} set aside in bad.x\n"
    assert names() == expected
    bad = (tmp_path / "bad.x").read_text()
    if format == "json":
        assert json.loads(bad) == [rows[i] for i in failed]
    else:
        assert bad == (lines[0] if format == "csv" else "") + "".join(texts[i] for i in failed)
    with (tmp_path / "bad.x.errors.csv").open(newline="") as file:
        errors = list(csv.DictReader(file))
    first = 2 if format == "csv" else 1
    assert [int(row["line"]) for row in errors] == [i + first for i in failed]
    assert all(row["message"] and row["column"] in ("name", "value") for row in errors)
    codes = {"value": "CONVERT", "name": "23505"}
    assert all(row["code"] == codes[row["column"]] for row in errors)


def test_too_many_rejects(load, tmp_path):
    text = "name,value\na,x\nb,1\nc,2\n"
    why = refused(load, "app.Plain", "a.csv", text, "--rejects", "bad.csv")
    assert "1 of the rows cannot be written" in why
    assert "bad.csv" in why
    assert (tmp_path / "bad.csv").read_text() == "name,value\na,x\n"
    load("app.Plain", "a.csv", text, "--rejects", "bad.csv", "--max-rejects", "1")
    assert names() == [("b", 1), ("c", 2)]


def test_rejects_are_loaded_again(load, tmp_path):
    text = "name,value\ncaf\xe9,x\nb,1\n"
    options = ("--encoding", "latin-1", "--rejects", "bad.csv", "--max-rejects", "1")
    load("app.Plain", "a.csv", text.encode("latin-1"), *options)
    bad = (tmp_path / "bad.csv").read_bytes()
    assert bad == "name,value\ncaf\xe9,x\n".encode("latin-1")
    load("app.Plain", "bad.csv", bad.replace(b"x", b"2"), "--encoding", "latin-1")
    assert names() == [("b", 1), ("caf\xe9", 2)]


def test_rejects_that_cannot_be_written(load, tmp_path):
    """The command fails before it writes rows, and leaves no file behind."""
    text = "name,value\na,1\nb,x\n"
    options = ("--max-rejects", "1", "--rejects")
    why = refused(load, "app.Plain", "a.csv", text, *options, "no/such/bad.csv")
    assert "no/such/bad.csv" in why
    (tmp_path / "bad.csv.errors.csv").mkdir()
    assert "bad.csv.errors.csv" in refused(load, "app.Plain", "a.csv", text, *options, "bad.csv")
    assert names() == [] and not (tmp_path / "bad.csv").exists()


def test_update(load):
    Plain.objects.create(name="a", value=1)
    Plain.objects.create(name="b", value=2)
    text = "name,value\na,1\nb,5\nc,6\n"
    out = load("app.Plain", "a.csv", text, "--unique-fields", "name", "--dry-run")
    assert out == "1 inserted, 1 updated, 1 unchanged (dry run: rolled back)\n"
    assert names() == [("a", 1), ("b", 2)]
    out = load("app.Plain", "a.csv", text, "--unique-fields", "name", "--batch-size", "2")
    assert out == "1 inserted, 1 updated, 1 unchanged\n"
    assert names() == [("a", 1), ("b", 5), ("c", 6)]
    key = Plain.objects.get(name="a").pk
    load("app.Plain", "a.ndjson", json.dumps({"id": key, "value": 9}), "--update")
    assert names()[0] == ("a", 9)


def test_update_with_rejects(load, tmp_path):
    Plain.objects.create(name="a", value=1)
    text = "name,value\na,7\nb,x\nc,1\na,8\n" + "y" * 11 + ",1\n"
    options = ("--unique-fields", "name", "--rejects", "bad.csv", "--max-rejects", "9")
    out = load("app.Plain", "a.csv", text, *options)
    assert out == "1 inserted, 1 updated, 0 unchanged, 3 set aside in bad.csv\n"
    assert names() == [("a", 7), ("c", 1)]
    errors = list(csv.reader((tmp_path / "bad.csv.errors.csv").open(newline="")))
    assert [row[:3] for row in errors[1:]] == [
        ["3", "value", "CONVERT"],
        ["5", "", "DUPLICATE"],
        ["6", "name", "CONVERT"],
    ]
    why = refused(load, "app.Plain", "a.csv", "name\na\nb\na\n", "--unique-fields", "name")
    assert why == "a.csv, line 4: the row of line 2 has the same name"


def test_update_of_json_needs_the_same_names(load):
    text = '{"name": "a", "value": 1}\n{"name": "b"}\n'
    why = refused(load, "app.Plain", "a.ndjson", text, "--unique-fields", "name")
    assert why == "a.ndjson, line 2: an update needs the same names in each object as in the first"


def test_update_sets_auto_now(load):
    load("app.Stamped", "a.csv", "name\na\n")
    row = Stamped.objects.get()
    load("app.Stamped", "a.csv", f"id,name\n{row.pk},b\n", "--update")
    now = Stamped.objects.get()
    assert (now.name, now.made) == ("b", row.made)
    assert now.changed > row.changed


def test_keys(load):
    """Keys of a file are kept, and the next ones come after them."""
    load("app.Plain", "a.csv", "id,name\n7000000,a\n7000001,b\n")
    assert sorted(Plain.objects.values_list("pk", flat=True)) == [7000000, 7000001]
    assert Plain.objects.create(name="c").pk == 7000002
    load("app.Keyed", "a.csv", "name\na\nb\n")
    assert Keyed.objects.count() == 2
    load("app.Plain", "a.csv", "id,name\n7500000,u\n", "--update")
    assert Plain.objects.create(name="d").pk == 7500001
    load("app.Child", "a.csv", "id,name,extra\n7600000,e,1\n")
    assert Child.objects.get().pk == 7600000
    assert Plain.objects.create(name="f").pk == 7600001
    load("app.Plain", "a.csv", "id,name\n9000000,g\n", "--dry-run")
    assert Plain.objects.create(name="h").pk == 7600002


def test_keys_that_only_some_records_have(load):
    lines = [json.dumps({"name": f"{i}"}) for i in range(1000)]
    late = json.dumps({"id": 7800000, "name": "late"})
    load("app.Plain", "a.ndjson", "\n".join([*lines, late]))
    assert Plain.objects.get(name="late").pk == 7800000 and Plain.objects.count() == 1001
    last = max(Plain.objects.values_list("pk", flat=True))
    assert Plain.objects.create(name="next").pk == last + 1


def test_inherited(load):
    load("app.Child", "a.csv", "name,extra\na,3\n")
    assert list(Child.objects.values_list("name", "extra")) == [("a", 3)]


def test_dry_run(load):
    assert "1 inserted (dry run" in load("app.Plain", "a.csv", "name\na\n", "--dry-run")
    assert names() == []


def test_a_model_without_our_manager(load):
    Product.objects.all().delete()
    load("shop.Product", "a.csv", "sku,name,price\nA,x,1.50\n")
    assert Product.objects.get().price == Decimal("1.5")
    with override_settings(LANGUAGE_CODE="en"):
        why = refused(load, "shop.Product", "a.csv", "sku,name,price\nB,x,1.555\n")
    assert 'line 2, column "price": Ensure that there are no more than 2 decimal places' in why


def test_the_page(tmp_path, monkeypatch):
    """Each command of the page prints what the page says; `cat` shows the files of the others."""
    monkeypatch.chdir(tmp_path)
    Product.objects.all().delete()
    n = 0
    for block in (block for block in blocks(PAGE) if block.language == "console"):
        for part in block.text.split("$ ")[1:]:
            command, _, printed = part.replace("\\\n", "").partition("\n")
            words = shlex.split(command)
            if words[0] == "cat" and not Path(words[1]).exists():
                Path(words[1]).write_text(printed)
                continue
            if words[0] == "cat":
                assert Path(words[1]).read_text() == printed
                continue
            assert words[:3] == ["python", "manage.py", "bulkload"]
            out = io.StringIO()
            try:
                call_command(*words[2:], stdout=out)
            except CommandError as error:
                out.write(f"CommandError: {error}\n")
            assert out.getvalue() == printed
            n += 1
    assert n > 3


@pytest.mark.parametrize("of", ["ndjson", "json"])
def test_documents_of_json_are_as_they_are(load, of):
    bodies = ["123", "true", "null", '{"a": 1}', "x", "", {}, [], 0, False, ["", {}], {"a": "1"}]
    lines = [json.dumps({"name": f"{i}", "body": body}) for i, body in enumerate(bodies)]
    text = "\n".join(lines) if of == "ndjson" else f"[{','.join(lines)}]"
    for model in (Document, Noted):  # without and with NULL
        load(model._meta.label, f"a.{of}", text)
        found = dict(model.objects.values_list("name", "body"))
        assert [found[f"{i}"] for i in range(len(bodies))] == bodies
    assert repr(found["8"]) == "0" and repr(found["9"]) == "False"
    text = '{"name": "n", "body": null}'
    load("app.Noted", f"a.{of}", text if of == "ndjson" else f"[{text}]")
    assert Noted.objects.get(name="n").body is None


def test_empty_documents_of_a_table(load):
    load("app.Document", "a.tsv", "name\tbody\na\t{}\nb\t[]\nc\t123\n")
    assert dict(Document.objects.values_list("name", "body")) == {"a": {}, "b": [], "c": 123}


def test_names_of_files(load):
    load("app.Odd", "a.csv", "file,color\nuploads/a b.txt,red\n,red\n")
    assert set(Odd.objects.values_list("file", flat=True)) == {"uploads/a b.txt", ""}
    why = refused(load, "app.Odd", "a.csv", f"file\n{'x' * 101}\n")
    assert 'line 2, column "file": expected a name of at most 100 characters, found 101' in why


@pytest.mark.django_db(transaction=False)
def test_lookup_where_the_column_ignores_case(load):
    Shelf.objects.bulk_create([Shelf(name="Acme"), Shelf(name="two"), Shelf(name="TWO")])
    load("app.Book", "a.csv", "name,shelf\na,ACME\nb,acme\nc,Acme\n", "--lookup", "shelf=name")
    assert set(Book.objects.values_list("shelf__name", flat=True)) == {"Acme"}
    assert Book.objects.count() == 3
    why = refused(load, "app.Book", "a.csv", "name,shelf\na,Two\n", "--lookup", "shelf=name")
    assert "several rows of app.Shelf have this name" in why
    why = refused(load, "app.Book", "a.csv", "name,shelf\na,acm\n", "--lookup", "shelf=name")
    assert "no app.Shelf has this name" in why


def test_lookup_where_it_does_not(load):
    Plain.objects.create(name="Acme")
    text = "integer,link\n1,Acme\n2,ACME\n"
    why = refused(load, "app.Everything", "a.csv", text, "--lookup", "link=name")
    assert 'line 3, column "link": no app.Plain has this name' in why
