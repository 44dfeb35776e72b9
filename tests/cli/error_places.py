"""Where an error is: for a person in words, for a program in the event of --json."""

from __future__ import annotations

import json

from world import World, case, expect, says


def failed(w: World, *words: str, stdin: str = "", status: int) -> tuple[object, ...]:
    """The place of the last event, which is a failure."""
    done = w.verb(words[0], "--json", *words[1:], stdin=stdin, status=status)
    event = json.loads(done.err.splitlines()[-1])
    expect(event["event"], "failed")
    return (event["file"], event["line"], event["column"])


@case()
def an_event_of_an_error_has_its_place(w: World) -> None:
    w.items()
    path = w.file("a:7:b.csv", "id,name,value\n1,a,2\n2,b,x\n")
    expect(failed(w, "create", path, status=3), (path, 3, "value"))
    expect(failed(w, "create", stdin="id,name\n1,a,b\n", status=3), ("-", 2, None))
    expect(failed(w, "create", stdin='id,name\n1,a\n"', status=3), ("-", 3, None))
    expect(failed(w, "create", stdin="", status=3), ("-", None, None))
    expect(failed(w, "create", f"{path}.gone", status=3), (f"{path}.gone", None, None))
    expect(failed(w, "create", "--nope", status=2), (None, None, None))
    expect(failed(w, "create", stdin="nope\n1\n", status=2), (None, None, None))
    lines = '{"id": 1, "name": "a"}\n{"id": 2}\n'
    expect(failed(w, "create", "-f", "ndjson", stdin=lines, status=3), ("-", 2, "name"))
    lines = '{"id": 1, "value": 2}\n{"id": 2, "value": "x"}\n'
    expect(failed(w, "create", "-f", "ndjson", stdin=lines, status=3), ("-", 2, "value"))
    good = w.file("good.csv", "id,name\n5,a\n")
    twice = w.file("twice.csv", "id,name\n6,a\n7,\n")
    file, line, _ = failed(w, "create", good, twice, status=4)
    expect((file, line), (twice, 3))
    long = f"id,name\n8,{'x' * 30}\n"
    expect(
        failed(w, "create", good, "-", stdin=long, status=3), ("-", 2, "name")
    ) if not w.lite else None
    expect(w.all(), "")


@case("sqlite")
def json_and_csv_are_not_mistaken(w: World) -> None:
    """A file of one format that is read as the other says so."""
    w.items()
    for text in (
        '[{"id": 1, "name": "a"}]',
        '[\n  {"id": 1, "name": "a"}\n]\n',
        '{"id": 1, "name": "a"}\n',
        ' { "id": 1, "name": "a" }\n',
    ):
        path = w.file("f.csv", text)
        for options in ([], ["--no-header"], ["-f", "csv"], [f"--rejects={w.folder / 'r'}"]):
            done = w.verb("create", path, *options, status=3)
            says(done, "f.csv:1: this looks like JSON, not like CSV: use --format json")
        w.verb("upsert", "--format=json", path)
    expect(w.sql("SELECT id, name FROM item"), "1|a")
    for text in ("id,name\n1,a\n", "1,2\n", '"id","name"\n1,a\n', "\n\nid\n"):
        done = w.verb("create", w.file("f.json", text), status=3)
        says(done, "this is not a JSON object", "--format csv reads CSV")
    for text in ("[id],name\n2,b\n", "{id},name\n2,b\n"):
        name = text.split(",", maxsplit=1)[0]
        w.verb("upsert", "--map", f"{name}=id", stdin=text)
    expect(w.sql("SELECT id, name FROM item"), "1|a\n2|b")


@case("postgresql")
def f9_an_error_in_a_condition_is_named(w: World) -> None:
    w.items("(1, 'a', 1, NULL)")
    for condition, words in (
        ("1 / (value - 1) = 1", "a division by zero in an expression"),
        ("ln(value - 1) = 1", "a logarithm in an expression"),
        ("name ~ '('", "a regular expression is not valid"),
        ("date_trunc('week of', now()) = now()", "in an expression has an argument"),
    ):
        done = w.verb("copy-to", f"--where={condition}", status=3)
        says(done, words)
        expect("column" in done.err, False)
