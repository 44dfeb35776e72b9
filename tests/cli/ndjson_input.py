"""Lines of JSON as input."""

from __future__ import annotations

import json

from world import World, case, expect, says


@case()
def rows_of_json(w: World) -> None:
    w.items()
    rows = (
        '{"id": 1, "name": "\\u00e9\\n", "value": 12, "note": {"a": [1, {"b": "}"}]}}\r\n\n'
        '{"note": null, "value": null, "name": "", "id": 2}'
    )
    w.verb("create", "--format=ndjson", stdin=rows)
    expect(w.all(), '1|é\n|12|{"a": [1, {"b": "}"}]}\n2||(null)|(null)')
    w.verb("update-fields", "-c", "id,value", w.file("f.jsonl", '{"id": 2, "x": 1, "value": 5}\n'))
    expect(w.sql("SELECT value FROM item ORDER BY id"), "12\n5")


@case("sqlite")
def faults_of_json_name_file_and_line(w: World) -> None:
    w.items()
    first = '{"id": 1, "name": "a"}\n'
    for text, line, words in [
        (first + '{"id": 2}\n', 2, 'key "name" is missing'),
        (first + '\n{"id": 2, "name": "b", "x": 1}\n', 3, "is not in the first row"),
        (first + '{"id": 2, "id": 3, "name": "b"}\n', 2, "is in the object twice"),
        (first + '{"id": 2, "name": \n', 2, "the line ends inside an object"),
        (first + '{"id": 2, "name\\u0000 and more": "b"}\n', 2, "has a NUL byte"),
        ('{"id": 1, "name\\u0000 and more": "b"}\n', 1, "has a NUL byte"),
        (first + "{id: 2}\n", 2, "invalid JSON at byte 2"),
        (first + '{"id": 1.5, "name": "b"}\n', 2, "write 1, not 1.0"),
        (first + '{"id": [1], "name": "b"}\n', 2, "is an object or an array"),
        ("[1]\n", 1, "each element of an array, must be one object"),
        ("7\n", 1, "this is not a JSON object"),
    ]:
        path = w.file("f.ndjson", text)
        says(w.verb("create", path, status=3), f"f.ndjson:{line}: ", words)
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case()
def f4_an_array_of_objects(w: World) -> None:
    """Whatever its line ends are, and with brackets, commas and quotes in its texts."""
    w.items()
    name = 'a,[b]\n"}\\'
    wanted = [[i, name, i, None] for i in range(1, 4)]
    rows = [dict(zip(("id", "name", "value", "note"), row)) for row in wanted]
    for text in (
        json.dumps(rows),
        json.dumps(rows, indent=2),
        json.dumps(rows, indent=1).replace("\n", "\r\n"),
        "\r\n\n " + json.dumps(rows, separators=(",", ":")) + "\n\n",
    ):
        w.verb("create", w.file("f.json", text))
        expect(w.all(), "\n".join(f"{i}|{name}|{i}|(null)" for i in range(1, 4)))
        w.sql("DELETE FROM item")


@case("sqlite")
def f4_a_long_array_is_a_stream(w: World) -> None:
    w.items()
    rows = [{"id": i, "name": f"{i % 100}", "note": "x" * (i % 300)} for i in range(20_000)]
    w.verb("create", w.file("f.json", json.dumps(rows, indent=1)))
    sums = f"20000|{sum(range(20_000))}|{sum(i % 300 for i in range(20_000))}"
    expect(w.sql("SELECT count(*), sum(id), sum(length(note)) FROM item"), sums)


@case("sqlite")
def f4_faults_of_an_array_name_the_line(w: World) -> None:
    w.items()
    first = '[\n {"id": 1, "name": "a"},\n\n'
    for text, line, words in [
        (first + ' {"id": 2,\n "name": 5x}\n]', 4, "invalid JSON"),
        (first + ' {"id": 2,\n "name": "b"},\n {"id": 3}]', 6, 'key "name" is missing'),
        (first + " 7]", 4, "this is not a JSON object"),
        (first + ' {"id": "x", "name": "b"}]', 4, 'column "id"'),
        ('[{"id": 1, "name": "a"}]\n[]', 1, "each element of an array, must be one object"),
    ]:
        path = w.file("f.json", text)
        says(w.verb("create", path, status=3), f"f.json:{line}: ", words)
    path = w.file("f.json", first + ' {"id": 2, "name": "b"}\n')
    says(w.verb("create", path, status=3), "the file ends inside its array: it is cut off")
    says(w.verb("create", w.file("f.json", "[]"), status=3), "the file is empty")
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case()
def f4_keys_that_some_rows_lack(w: World) -> None:
    w.items()
    text = '{"id": 1, "name": "a"}\n{"value": 4, "id": 2, "name": "b"}\n{"id": 3, "name": "c"}\n'
    says(w.verb("create", "-fndjson", "--missing-keys=null", stdin=text, status=3), '"value"')
    w.verb("create", "-fndjson", "--missing-keys=null", "-c", "id,name,value", stdin=text)
    expect(w.all(), "1|a|(null)|(null)\n2|b|4|(null)\n3|c|(null)|(null)")
    renamed = '{"id": 4}\n{"id": 5, "n": "e", "other": 1}\n'
    options = ["--missing-keys=null", "-m", "n=note", "-c", "id,note", "--set=name=x"]
    w.verb("create", "-fndjson", *options, stdin=renamed)
    expect(w.sql("SELECT id, note FROM item WHERE id > 3 ORDER BY id"), "4|(null)\n5|e")
